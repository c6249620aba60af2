//! What an agent is owed and is about to lapse goes on record, and off it again (semantics §4).

use super::decide::Course;
use super::{Agent, Context, Status};
use crate::domain::entitlement::{AtRisk, entitled};
use crate::domain::event::{AgentEventBody, Cause};
use crate::domain::id::{EntitlementRuleId, RiskId};

impl Agent {
    /// True when what is on record as at risk is not what is.
    pub(super) fn risks_moved(&self, context: &Context) -> bool {
        *self.risks(context) != *self.at_risk
    }

    /// True for whoever is at work, as everybody is shown it.
    pub(in crate::domain) fn may_be_at_risk(&self) -> bool {
        self.status != Status::Offline && !self.is_shown_offline()
    }

    /// Those of the agent that are at risk by now, as they are to be on record; nothing lapses for whoever is not at work.
    fn risks(&self, context: &Context) -> Vec<AtRisk> {
        if !self.may_be_at_risk() {
            return Vec::new();
        }
        let at_risk = entitled(self, context).filter(|entitled| entitled.is_at_risk(context.now));
        let known = |rule: &EntitlementRuleId| self.at_risk.iter().find(|risk| risk.rule == *rule);
        let taken = |id: &RiskId| self.at_risk.iter().any(|risk| risk.id == *id);
        let mut fresh = (0..).map(|nth| RiskId(context.fresh_id.0.wrapping_add(nth))).filter(|id| !taken(id));
        at_risk
            .filter_map(|entitled| {
                let there = known(&entitled.rule.id);
                Some(AtRisk {
                    id: there.map(|there| there.id).or_else(|| fresh.next())?,
                    rule: entitled.rule.id.clone(),
                    pause_type: entitled.pause_type.clone(),
                    owed: entitled.owed(),
                    latest_start: entitled.latest_start(),
                    estimated: entitled.estimated,
                    since: there.map_or(context.now, |there| there.since),
                })
            })
            .collect()
    }

    pub(super) fn fold_at_risk(&mut self, risk: &AtRisk) {
        let others = self.at_risk.iter().filter(|other| other.rule != risk.rule).cloned();
        let mut all: Vec<AtRisk> = others.chain((risk.owed > 0).then(|| risk.clone())).collect();
        all.sort_by(|a, b| a.pause_type.cmp(&b.pause_type));
        self.at_risk = all.into();
    }
}

impl Course<'_> {
    /// What is at risk by now, and what is no more.
    pub(super) fn meet_rights(&mut self, context: &Context) {
        let risks = self.agent.risks(context);
        let gone = self.agent.at_risk.iter().filter(|there| risks.iter().all(|risk| risk.rule != there.rule));
        let gone: Vec<AtRisk> = gone.map(|there| AtRisk { owed: 0, ..there.clone() }).collect();
        for risk in gone.into_iter().chain(risks) {
            if !self.agent.at_risk.contains(&risk) {
                self.falls_due(None);
                self.happens(Cause::Limit, AgentEventBody::EntitlementAtRisk(Box::new(risk)));
            }
        }
    }
}
