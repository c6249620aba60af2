//! What an administrator plans for the policy: a draft, and a version that waits for its day (semantics §5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::command::Actor;
use super::directory::Tenant;
use super::id::{PauseTypeCode, PolicyVersion};
use super::policy::{PauseType, Policy};
use super::schedule::{business_day, business_day_end};
use super::time::Timestamp;

/// The pause types of a version, by code.
pub type PauseTypes = BTreeMap<PauseTypeCode, Arc<PauseType>>;

/// All that is planned for the policy of a tenant, in one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyPlans {
    /// How often it has changed: whoever changes it names the next number, so that nobody changes what they have not
    /// seen.
    pub revision: u64,
    /// The draft, where there is one.
    pub draft: Option<Arc<PolicyDraft>>,
    /// What waits for its day.
    pub scheduled: Option<Arc<ScheduledPolicy>>,
    /// Whose running pauses the last version was to loosen.
    pub loosening: Option<Arc<Loosening>>,
}

impl PolicyPlans {
    /// The plans after the next change, with nothing changed yet.
    #[must_use]
    pub fn next(&self) -> PolicyPlans {
        PolicyPlans { revision: self.revision + 1, ..self.clone() }
    }
}

/// A policy that is being written.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDraft {
    /// The version that it was written on top of.
    pub base_version: PolicyVersion,
    /// When it was put there.
    pub at: Timestamp,
    /// Who did.
    pub by: Actor,
    /// What they wrote to it.
    pub note: Option<String>,
    /// Its types, those that it archives too.
    pub types: PauseTypes,
}

/// A draft that is to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledPolicy {
    /// What is published.
    pub draft: Arc<PolicyDraft>,
    /// When.
    pub takes_effect_at: Timestamp,
    /// True when running pauses get the longer limits.
    pub loosen_only: bool,
    /// Who wants it.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

/// Running pauses of before are given the longer limits of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Loosening {
    /// The version.
    pub version: PolicyVersion,
    /// When it came into force: pauses that began later have its rules.
    pub at: Timestamp,
    /// The types that it changed.
    pub types: BTreeSet<PauseTypeCode>,
    /// Who wanted it.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

/// A step on the way of a version into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyStep {
    /// A draft was put there, in place of one of before.
    Drafted {
        /// The version that it was written on top of.
        base_version: PolicyVersion,
    },
    /// The draft is to take effect later.
    Scheduled {
        /// When.
        takes_effect_at: Timestamp,
        /// True when running pauses get the longer limits.
        loosen_only: bool,
    },
    /// What was to take effect later is not.
    Withdrawn,
}

impl PolicyStep {
    /// The event's name (semantics §10).
    pub fn name(self) -> &'static str {
        match self {
            PolicyStep::Drafted { .. } => "policy.drafted",
            PolicyStep::Scheduled { .. } => "policy.scheduled",
            PolicyStep::Withdrawn => "policy.withdrawn",
        }
    }
}

/// The types of a draft with those that it leaves out: they are archived, and history keeps them.
pub fn with_left_out(mut types: PauseTypes, before: &Policy, now: Timestamp) -> PauseTypes {
    for (code, there) in &before.types {
        if !types.contains_key(code) {
            let archived_at = Some(there.archived_at.unwrap_or(now));
            types.insert(code.clone(), Arc::new(PauseType { archived_at, ..PauseType::clone(there) }));
        }
    }
    types
}

/// The codes of the types that are not the same in both.
pub fn changed_types(before: &PauseTypes, after: &PauseTypes) -> BTreeSet<PauseTypeCode> {
    let differs = |code: &&PauseTypeCode| before.get(*code) != after.get(*code);
    before.keys().chain(after.keys()).filter(differs).cloned().collect()
}

/// The policy after a planned one is published at `now`, and what is planned then. What was to take effect later is not
/// any more; a draft that somebody has put there meanwhile stays.
pub fn publication(
    policy: &Policy,
    plans: &PolicyPlans,
    wanted: &ScheduledPolicy,
    now: Timestamp,
) -> (Policy, PolicyPlans) {
    let version = policy.version.next();
    let types = wanted.draft.types.clone();
    let loosening = wanted.loosen_only.then(|| {
        Arc::new(Loosening {
            version,
            at: now,
            types: changed_types(&policy.types, &types),
            by: wanted.by.clone(),
            reason: wanted.reason.clone(),
        })
    });
    let draft = plans.draft.clone().filter(|draft| !Arc::ptr_eq(draft, &wanted.draft));
    (Policy { version, types }, PolicyPlans { draft, scheduled: None, loosening, ..plans.next() })
}

/// The plans when what was to take effect later is not: it is the draft again, unless there is another one.
pub fn withdrawal(plans: &PolicyPlans) -> PolicyPlans {
    let scheduled = plans.scheduled.as_ref().map(|scheduled| Arc::clone(&scheduled.draft));
    PolicyPlans { draft: plans.draft.clone().or(scheduled), scheduled: None, ..plans.next() }
}

/// When the tenant's next business day begins.
pub fn next_business_day(tenant: &Tenant, now: Timestamp) -> Timestamp {
    let (start, zone) = (tenant.business_day_start, tenant.zone);
    business_day_end(business_day(now, start, zone), start, zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TenantId;
    use chrono::{TimeZone, Utc};

    #[test]
    fn the_next_business_day_begins_at_four_of_the_tenants_morning() {
        let tenant =
            Tenant::new(TenantId::new("acme").expect("an id"), "Acme".to_owned(), chrono_tz::America::Sao_Paulo);
        let at = |day, hour, minute| {
            Timestamp(Utc.with_ymd_and_hms(2026, 1, day, hour, minute, 0).single().expect("once").timestamp_millis())
        };
        // 04:00 in São Paulo is 07:00 UTC.
        assert_eq!(next_business_day(&tenant, at(15, 6, 59)), at(15, 7, 0));
        assert_eq!(next_business_day(&tenant, at(15, 7, 0)), at(16, 7, 0));
        assert_eq!(next_business_day(&tenant, at(16, 2, 0)), at(16, 7, 0));
    }
}
