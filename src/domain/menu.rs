//! The menu of an agent: every type of pause that is offered to it, with what the rules say of it now.

use std::sync::Arc;

use super::agent::{Agent, Context};
use super::command::Actor;
use super::entitlement::{Entitled, entitled_to};
use super::id::{EntitlementRuleId, PauseTypeCode};
use super::policy::PauseType;
use super::request::Grant;
use super::rules::{Question, Verdict, evaluate, is_on_menu, period_at};
use super::time::Timestamp;
use super::usage::Used;

/// One line of an agent's menu.
#[derive(Debug, Clone)]
pub struct PauseOption {
    /// The type, with its rules as they are for the agent.
    pub pause_type: Arc<PauseType>,
    /// What was used up of it in the shift, the running pause counted as one.
    pub used: Used,
    /// What was granted for it, if it can be used now.
    pub grant: Option<Grant>,
    /// What the employer owes of it in the shift of now.
    pub owed: Option<OwedHere>,
    /// What choosing it would lead to.
    pub verdict: Verdict,
}

/// What the employer owes of a type in a shift, as the agent is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedHere {
    /// The rule.
    pub rule: EntitlementRuleId,
    /// How many in the shift.
    pub count: u32,
    /// How many were taken in full, in the time for it.
    pub satisfied: u32,
    /// How many are still owed; one that is being taken is not among them.
    pub owed: u32,
    /// When the next one has to begin; none where none is owed.
    pub latest_start: Option<Timestamp>,
    /// It is about to lapse.
    pub at_risk: bool,
    /// Nobody has said how long the shift is.
    pub estimated: bool,
}

impl OwedHere {
    fn of(entitled: &Entitled, now: Timestamp) -> OwedHere {
        OwedHere {
            rule: entitled.rule.id.clone(),
            count: entitled.rule.count,
            satisfied: entitled.satisfied,
            owed: entitled.owed(),
            latest_start: (entitled.owed() > 0).then(|| entitled.latest_start()),
            at_risk: entitled.is_at_risk(now),
            estimated: entitled.estimated,
        }
    }
}

/// The menu of an agent: every type offered to it, by position and code, each with its verdict.
pub fn options(agent: &Agent, context: &Context) -> Vec<PauseOption> {
    if !context.directory.tenant.pauses_enabled {
        return Vec::new();
    }
    let actor = Actor::Agent(context.person.id.clone());
    let mut menu: Vec<PauseOption> = context
        .policy
        .types
        .values()
        .filter(|pause_type| is_on_menu(pause_type, context))
        .map(|pause_type| {
            let code = &pause_type.code;
            let question =
                Question { agent, context, code, actor: &actor, replaces: None, overriding: false, waited: false };
            PauseOption {
                pause_type: pause_type.as_for(context.person, context.directory, context.now),
                used: shown_used(agent, context, code),
                grant: agent.grant_for(code, context.now).cloned(),
                owed: entitled_to(agent, context, code).map(|entitled| OwedHere::of(&entitled, context.now)),
                verdict: evaluate(&question),
            }
        })
        .collect();
    menu.sort_by(|a, b| (a.pause_type.position, &a.pause_type.code).cmp(&(b.pause_type.position, &b.pause_type.code)));
    menu
}

fn shown_used(agent: &Agent, context: &Context, code: &PauseTypeCode) -> Used {
    let period = period_at(agent, context, context.now);
    let ended = agent.usage.of(code, period);
    let running = agent.pause().filter(|pause| pause.pause_type == *code && pause.place.period() == period);
    running
        .map_or(ended, |pause| Used { count: ended.count + 1, time: ended.time + context.now.since(pause.started_at) })
}
