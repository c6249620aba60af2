//! `overrides` of a pause type as they are written (semantics §3): the rules themselves, for whom, for how long and why.

use super::file::text_of;
use super::merge_policy::merge_rules;
use super::pause_type::read_rules;
use crate::config::{At, Field, Problems, Section};
use crate::domain::id::{AgentId, TeamId};
use crate::domain::overrides::{OVERRIDE_REASON_MAX, OVERRIDES_MAX, OverrideFor, RuleField, RuleOverride};
use crate::domain::policy::PauseRules;
use crate::domain::policy_check::CAP_IS_OF_A_TEAM;
use crate::domain::policy_values::{date, printable};

/// Reads the list.
pub(super) fn read_overrides(field: &Field<'_>, problems: &mut Problems) -> Option<At<Vec<At<RuleOverride>>>> {
    let entries = field.list(problems)?;
    if entries.len() > OVERRIDES_MAX {
        field.refuse(problems, format_args!("at most {OVERRIDES_MAX} are allowed, these are {}", entries.len()));
        return None;
    }
    let mut overrides = Vec::new();
    for entry in entries {
        let Some(section) = entry.section(problems, field.place()) else { continue };
        if let Some(one) = read_override(&entry, section, problems) {
            overrides.push(At { value: one, line: entry.line });
        }
    }
    Some(At { value: overrides, line: field.line })
}

fn read_override(entry: &Field<'_>, mut section: Section<'_>, problems: &mut Problems) -> Option<RuleOverride> {
    let team = section.take("team", problems).map(|field| field.read(problems, TeamId::new));
    let agent = section.take("agent", problems).map(|field| field.read(problems, AgentId::new));
    let from = text_of(&mut section, "from", problems, date);
    let until = text_of(&mut section, "until", problems, date);
    let reason = section.take("reason", problems);
    if reason.is_none() {
        entry.refuse(problems, "`reason` is missing; write why the rules are others for them");
    }
    let reason = reason.and_then(|field| field.read(problems, |text| printable(text, OVERRIDE_REASON_MAX)));
    let before = problems.count();
    let patch = read_rules(&mut section, problems);
    section.finish(problems);
    let mut fields = std::collections::BTreeSet::new();
    for (name, line) in patch.given() {
        match RuleField::of_name(name) {
            Some(field) => {
                fields.insert(field);
            }
            None => problems.add(line, format!("{}: `{name}`: {CAP_IS_OF_A_TEAM}", entry.place())),
        }
    }
    // Of rules that could not be read it is told already.
    if fields.is_empty() && problems.count() > before {
        return None;
    }
    let whom = match (team, agent) {
        (Some(team), None) => OverrideFor::Team(team?.value),
        (None, Some(agent)) => OverrideFor::Agent(agent?.value),
        (Some(_), Some(_)) | (None, None) => {
            entry.refuse(problems, "an override is for a `team` or for an `agent`; name one of them");
            return None;
        }
    };
    let values = merge_rules(PauseRules::default(), &patch);
    Some(RuleOverride { whom, fields, values, from, until, reason: reason?.value })
}
