//! Policies and what is planned for them: versions without a gap, each decision under the one in force; a version that
//! waits comes into force once, at its time or after it, unless it was taken back or another came first, and no crash
//! loses or doubles it; where it loosens, running pauses get its limit, no more and no less (semantics §5).

use std::sync::Arc;
use std::time::Duration;

use intervalo::domain::command::Actor;
use intervalo::domain::event::{AgentEvent, AgentEventBody, TenantEvent, TenantEventBody};
use intervalo::domain::id::{AgentId, PauseTypeCode};
use intervalo::domain::policy::Policy;
use intervalo::domain::policy_plans::{Loosening, PolicyPlans, PolicyStep};
use intervalo::domain::time::{Timestamp, hours, seconds};
use intervalo::ports::{Entry, EntryBody, TenantDefinition, TenantSnapshot};

use super::{People, fold};
use crate::clients::administrator::AT_ONCE;
use crate::evidence::{Evidence, Life};
use crate::model::Broken;
use crate::office::{self, OWN_LIMIT, agent};

/// How late a version may be, of uptime: what the store did not take is tried again after a second.
const LATE_MAX: Duration = seconds(3);
/// How long it may take until running pauses have the longer limits, of uptime: they are looked at for as long as
/// a row may be on its way.
const LOOSENED_WITHIN: Duration = seconds(10);
/// The limit of a pause whose type has none any more.
const LONGEST: Duration = hours(24);

/// The policy in force, and what is planned.
pub(super) struct InForce {
    pub(super) policy: Arc<Policy>,
    plans: Arc<PolicyPlans>,
    /// When the version came into force.
    since: Timestamp,
}

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let (mut in_force, mut people) = (InForce::first(), People::new());
    for (entry, durable_at) in &seen.durable {
        if in_force.is_late(*durable_at, seen) {
            let waiting = &in_force.plans.scheduled;
            return Some(("§5", format!("at {durable_at:?} {waiting:?} waited still: {entry:?}")));
        }
        let why = match &entry.body {
            EntryBody::Tenant { event, .. } => in_force.stands_against(event, entry, *durable_at, seen),
            EntryBody::Agent { agent, event, .. } => in_force
                .is_ignored_by(agent, event, &people)
                .or_else(|| in_force.left_short(agent, &people, *durable_at, seen).then_some("not loosened by then")),
        };
        if let Some(why) = why {
            return Some(("§5", format!("{why}: {entry:?}")));
        }
        in_force.take(entry, seen);
        // What cannot be folded is found elsewhere.
        let _ = fold(&mut people, entry);
    }
    let late = in_force.is_late(seen.lives.last()?.until, seen);
    late.then(|| ("§5", format!("at the end {:?} waited still", in_force.plans.scheduled)))
}

/// What a server takes up is what is in force, and what is planned.
pub(super) fn taken_up(seen: &Evidence, tenant: &TenantSnapshot) -> Option<Broken> {
    let mut in_force = InForce::first();
    seen.durable.iter().for_each(|(entry, _)| in_force.take(entry, seen));
    let same = tenant.policy == in_force.policy && tenant.plans == in_force.plans;
    let (plans, expected) = (&tenant.plans, &in_force.plans);
    (!same).then(|| ("§5", format!("taken up were version {} and {plans:?}, not {expected:?}", tenant.policy.version)))
}

/// All is quiet: no running pause falls short of the limits of a version that was to loosen.
pub(super) fn unloosened(seen: &Evidence, now: Timestamp) -> Option<Broken> {
    let (mut in_force, mut people) = (InForce::first(), People::new());
    for (entry, _) in &seen.durable {
        in_force.take(entry, seen);
        let _ = fold(&mut people, entry);
    }
    let (left, person) = people.iter().find(|(who, _)| in_force.left_short(who, &people, now, seen))?;
    Some(("§5", format!("{left} has not got the longer limit of {:?}: {person:?}", in_force.plans.loosening)))
}

impl InForce {
    pub(super) fn first() -> InForce {
        InForce { policy: Arc::new(office::policy()), plans: Arc::default(), since: Timestamp(i64::MIN) }
    }

    pub(super) fn take(&mut self, entry: &Entry, seen: &Evidence) {
        let EntryBody::Tenant { event, .. } = &entry.body else { return };
        match seen.definition_of(entry) {
            Some(TenantDefinition::Policy(policy)) => (self.policy, self.since) = (Arc::clone(policy), event.at),
            Some(TenantDefinition::Publication(policy, plans)) => {
                (self.policy, self.since) = (Arc::clone(policy), event.at);
                self.plans = Arc::clone(plans);
            }
            Some(TenantDefinition::Plans(plans)) => self.plans = Arc::clone(plans),
            Some(TenantDefinition::Directory(_) | TenantDefinition::Person(..) | TenantDefinition::Credentials(_))
            | None => {}
        }
    }

    fn stands_against(
        &self,
        event: &TenantEvent,
        entry: &Entry,
        durable_at: Timestamp,
        seen: &Evidence,
    ) -> Option<&'static str> {
        match &event.body {
            // The company was founded with the first one.
            TenantEventBody::PolicyPublished { version, .. } if *version == office::policy().version => None,
            TenantEventBody::PolicyPublished { version, reason } => {
                if *version != self.policy.version.next() {
                    return Some("not the next version");
                }
                match seen.definition_of(entry) {
                    Some(TenantDefinition::Policy(policy)) => {
                        (policy.version != *version).then_some("another version than it says")
                    }
                    Some(TenantDefinition::Publication(policy, plans)) => {
                        let at = event.at.min(durable_at);
                        let wrong = policy.version != *version || self.is_another(plans) || plans.scheduled.is_some();
                        let wrong = wrong.then_some("another version, or other plans, than there should be");
                        wrong.or_else(|| self.publishes_another(policy, reason.as_deref(), at))
                    }
                    Some(
                        TenantDefinition::Plans(_)
                        | TenantDefinition::Directory(_)
                        | TenantDefinition::Person(..)
                        | TenantDefinition::Credentials(_),
                    )
                    | None => Some("nobody knows what was published"),
                }
            }
            TenantEventBody::PolicyPlanned { step, .. } => match seen.definition_of(entry) {
                Some(TenantDefinition::Plans(plans)) => self.plans_another(plans, *step, &event.actor),
                Some(_) | None => Some("nobody knows what was planned"),
            },
            TenantEventBody::ServerStarted { .. }
            | TenantEventBody::ClockStepped { .. }
            | TenantEventBody::DirectoryChanged { .. }
            | TenantEventBody::Closing { .. }
            | TenantEventBody::Access(_) => None,
        }
    }

    fn is_another(&self, plans: &PolicyPlans) -> bool {
        plans.revision != self.plans.revision + 1
    }

    /// What is published is what waits, unless somebody publishes at once.
    fn publishes_another(&self, policy: &Policy, reason: Option<&str>, at: Timestamp) -> Option<&'static str> {
        if reason.is_some_and(|reason| reason.starts_with(AT_ONCE)) {
            return None;
        }
        let waiting = self.plans.scheduled.as_ref().filter(|waiting| Some(waiting.reason.as_str()) == reason);
        let Some(waiting) = waiting else { return Some("what does not wait, or not any more, is published") };
        if waiting.draft.base_version != self.policy.version {
            return Some("it undoes what its author has not seen");
        }
        if at < waiting.takes_effect_at {
            return Some("published too early");
        }
        (policy.types != waiting.draft.types).then_some("something else is published than what waited")
    }

    fn plans_another(&self, plans: &PolicyPlans, step: PolicyStep, by: &Actor) -> Option<&'static str> {
        if self.is_another(plans) {
            return Some("not the next plans");
        }
        match step {
            PolicyStep::Drafted { .. } => {
                let kept = plans.scheduled == self.plans.scheduled && plans.draft.is_some();
                (!kept).then_some("a draft takes the place of what waits")
            }
            PolicyStep::Scheduled { takes_effect_at, .. } => {
                let waits = plans.scheduled.as_ref().is_some_and(|waiting| waiting.takes_effect_at == takes_effect_at);
                (!waits).then_some("what was to wait does not")
            }
            PolicyStep::Withdrawn => {
                let waiting = self.plans.scheduled.as_ref();
                let overtaken = waiting.is_some_and(|waiting| waiting.draft.base_version != self.policy.version);
                if plans.scheduled.is_some() || plans.draft.is_none() {
                    Some("what is withdrawn waits still, or is lost")
                } else {
                    (*by == Actor::System && !overtaken).then_some("withdrawn, and nothing came first")
                }
            }
        }
    }

    fn is_late(&self, at: Timestamp, seen: &Evidence) -> bool {
        let Some(due) = self.plans.scheduled.as_ref().map(|waiting| waiting.takes_effect_at) else { return false };
        at > due && seen.uptime(due, at) > LATE_MAX + seen.troubled(due, at)
    }

    /// A decision under another version, or a limit that is loosened to something else.
    fn is_ignored_by(&self, who: &AgentId, event: &AgentEvent, people: &People) -> Option<&'static str> {
        if event.policy_version != self.policy.version {
            return Some("decided under another version");
        }
        let AgentEventBody::PauseExtended { by, .. } = &event.body else { return None };
        let loosening = self.loosening().filter(|loosening| Some(&loosening.reason) == event.reason.as_ref())?;
        let pause = people.get(who)?.pause.as_ref()?;
        let limit = pause.limit.map(|limit| limit + *by);
        let wanted = self.loosened_limit(who, &pause.pause_type, loosening);
        (limit != wanted || pause.started_at > loosening.at).then_some("loosened to another limit")
    }

    /// A run of the server has had the time to give an agent's pause the longer limit, and it has not got it.
    fn left_short(&self, who: &AgentId, people: &People, now: Timestamp, seen: &Evidence) -> bool {
        let Some(loosening) = self.loosening() else { return false };
        let pause = people.get(who).and_then(|person| person.pause.as_ref());
        let Some(pause) = pause.filter(|pause| pause.started_at <= loosening.at) else { return false };
        let wanted = self.loosened_limit(who, &pause.pause_type, loosening);
        let falls_short = pause.limit.zip(wanted).is_some_and(|(limit, wanted)| limit < wanted);
        let had_time = |life: &Life| {
            let from = life.opened.map_or(now, |(opened, _)| opened.max(self.since));
            let to = now.min(life.until);
            to > from && to.since(from) > LOOSENED_WITHIN + seen.troubled(from, to)
        };
        falls_short && seen.lives.iter().any(had_time)
    }

    fn loosening(&self) -> Option<&Loosening> {
        let loosening = self.plans.loosening.as_deref()?;
        (loosening.version == self.policy.version).then_some(loosening)
    }

    /// The limit of a type that was loosened, for an agent.
    fn loosened_limit(&self, who: &AgentId, code: &PauseTypeCode, loosening: &Loosening) -> Option<Duration> {
        let rules = self.policy.types.get(code).filter(|_| loosening.types.contains(code))?.kind.rules()?;
        let own = code.as_str() == "curta" && *who == agent(1);
        Some(if own { OWN_LIMIT } else { rules.limit.unwrap_or(LONGEST) })
    }
}
