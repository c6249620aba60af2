//! The stored form of an override. An agent is named by their internal id, and why it is theirs is a text about them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::policy::RulesForm;
use super::text::Text;
use super::{FormError, Hash, PersonId, PersonKind, Refer, Resolve, not};
use crate::domain::id::TeamId;
use crate::domain::overrides::{OverrideFor, RuleField, RuleOverride};

/// Other rules of a type for some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideForm {
    whom: WhomForm,
    fields: Vec<String>,
    values: RulesForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Text<NaiveDate>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Text<NaiveDate>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WhomForm {
    Team { team: Text<TeamId>, reason: String },
    Agent { agent: PersonId, reason: Hash },
}

impl OverrideForm {
    pub(super) fn of(one: &RuleOverride, refer: &mut dyn Refer) -> OverrideForm {
        let whom = match &one.whom {
            OverrideFor::Team(team) => WhomForm::Team { team: Text(team.clone()), reason: one.reason.clone() },
            OverrideFor::Agent(agent) => WhomForm::Agent {
                agent: refer.person(PersonKind::Agent, agent.as_str()),
                reason: refer.text_about(agent.as_str(), &one.reason),
            },
        };
        OverrideForm {
            whom,
            fields: one.fields.iter().map(|field| field.name().to_owned()).collect(),
            values: RulesForm::of(&one.values, refer),
            from: one.from.map(Text),
            until: one.until.map(Text),
        }
    }

    /// Of what was erased the reason is empty.
    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<RuleOverride, FormError> {
        let (whom, reason) = match self.whom {
            WhomForm::Team { team, reason } => (OverrideFor::Team(team.0), reason),
            WhomForm::Agent { agent, reason } => {
                // Asked for in any case: whoever finds out what is asked for must learn of both.
                let text = resolve.text(reason);
                (OverrideFor::Agent(resolve.agent(agent)?), text.unwrap_or_default())
            }
        };
        let field = |name: &String| RuleField::of_name(name).ok_or_else(|| not("a rule", name.clone(), "unknown"));
        Ok(RuleOverride {
            whom,
            fields: self.fields.iter().map(field).collect::<Result<_, FormError>>()?,
            values: self.values.into_domain(resolve)?,
            from: self.from.map(|day| day.0),
            until: self.until.map(|day| day.0),
            reason,
        })
    }
}
