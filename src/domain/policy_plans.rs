//! What an administrator plans for the policy: a draft, and a version that waits for its day (semantics §5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::command::Actor;
use super::directory::Tenant;
use super::entitlement::owed_by;
use super::id::{EntitlementRuleId, PauseTypeCode, PolicyVersion};
use super::policy::{PauseKind, PauseRules, PauseType, Policy};
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

/// The types of a draft with those that it leaves out: they are archived, and history keeps them; nothing is owed of them.
pub fn with_left_out(mut types: PauseTypes, before: &Policy, now: Timestamp) -> PauseTypes {
    for (code, there) in &before.types {
        if !types.contains_key(code) {
            let archived_at = Some(there.archived_at.unwrap_or(now));
            let kind = match &there.kind {
                PauseKind::Entitlement(rules) => {
                    PauseKind::Entitlement(PauseRules { owed: Vec::new(), ..rules.clone() })
                }
                PauseKind::Regular(_) | PauseKind::Protected => there.kind.clone(),
            };
            types.insert(code.clone(), Arc::new(PauseType { archived_at, kind, ..PauseType::clone(there) }));
        }
    }
    types
}

/// What comes of taking a type away.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeTaken {
    /// The types with it archived, which history keeps.
    Archived(PauseTypes),
    /// It is archived already.
    Already,
    /// It is still owed by these rules, which have to go first.
    Owed(Vec<EntitlementRuleId>),
    /// There is none of this code.
    NoSuchType,
}

/// Takes a type away from those who could choose it.
pub fn without_type(types: &PauseTypes, code: &PauseTypeCode, now: Timestamp) -> TypeTaken {
    let Some(there) = types.get(code) else { return TypeTaken::NoSuchType };
    if there.archived_at.is_some() {
        return TypeTaken::Already;
    }
    let owed = owed_by(there).unwrap_or_default();
    if !owed.is_empty() {
        return TypeTaken::Owed(owed.iter().map(|rule| rule.id.clone()).collect());
    }
    let mut types = types.clone();
    types.insert(code.clone(), Arc::new(PauseType { archived_at: Some(now), ..PauseType::clone(there) }));
    TypeTaken::Archived(types)
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
    use chrono::{TimeZone, Utc};

    use std::time::Duration;

    use super::*;
    use crate::domain::entitlement::EntitlementRule;
    use crate::domain::id::TenantId;

    fn types(codes: &[(&str, i32)]) -> PauseTypes {
        let kind = |&(code, position): &(&str, i32)| {
            let code = PauseTypeCode::new(code).expect("a code");
            let kind = PauseType {
                code: code.clone(),
                name: BTreeMap::new(),
                description: BTreeMap::new(),
                icon: None,
                color: None,
                position,
                enabled: true,
                archived_at: None,
                teams: None,
                kind: PauseKind::Protected,
            };
            (code, Arc::new(kind))
        };
        codes.iter().map(kind).collect()
    }

    fn draft(note: &str, types: PauseTypes) -> Arc<PolicyDraft> {
        let (base_version, at, note) = (PolicyVersion(1), Timestamp(1), Some(note.to_owned()));
        Arc::new(PolicyDraft { base_version, at, by: Actor::System, note, types })
    }

    fn scheduled(draft: &Arc<PolicyDraft>) -> ScheduledPolicy {
        ScheduledPolicy {
            draft: Arc::clone(draft),
            takes_effect_at: Timestamp(5),
            loosen_only: true,
            by: Actor::System,
            reason: "r".to_owned(),
        }
    }

    #[test]
    fn what_is_published_is_planned_no_more_and_another_draft_stays() {
        let policy = Policy { version: PolicyVersion(1), types: types(&[("a", 1), ("b", 1)]) };
        let (wanted, other) = (draft("wanted", types(&[("a", 2), ("b", 1), ("c", 1)])), draft("other", types(&[])));
        let waiting = Some(Arc::new(scheduled(&wanted)));
        let plans = PolicyPlans { revision: 7, draft: Some(Arc::clone(&other)), scheduled: waiting, loosening: None };
        let (next, after) = publication(&policy, &plans, &scheduled(&wanted), Timestamp(9));
        assert_eq!((next.version, &next.types), (PolicyVersion(2), &wanted.types));
        assert_eq!((after.revision, after.draft, after.scheduled), (8, Some(other), None));
        let loosening = after.loosening.expect("one");
        let changed: Vec<&str> = loosening.types.iter().map(PauseTypeCode::as_str).collect();
        assert_eq!((loosening.version, loosening.at, changed), (PolicyVersion(2), Timestamp(9), vec!["a", "c"]));

        let plans = PolicyPlans { draft: Some(Arc::clone(&wanted)), ..PolicyPlans::default() };
        assert_eq!(publication(&policy, &plans, &scheduled(&wanted), Timestamp(9)).1.draft, None);
    }

    #[test]
    fn what_is_withdrawn_is_the_draft_again_unless_there_is_another() {
        let (wanted, other) = (draft("wanted", types(&[])), draft("other", types(&[])));
        let plans = PolicyPlans { scheduled: Some(Arc::new(scheduled(&wanted))), ..PolicyPlans::default() };
        assert_eq!(withdrawal(&plans).draft, Some(wanted));
        let plans = PolicyPlans { draft: Some(Arc::clone(&other)), ..plans };
        let after = withdrawal(&plans);
        assert_eq!((after.draft, after.scheduled, after.revision), (Some(other), None, 1));
    }

    #[test]
    fn what_a_draft_leaves_out_is_archived_and_stays_so() {
        let mut there = types(&[("a", 1), ("b", 1), ("c", 1)]);
        let gone = PauseType { archived_at: Some(Timestamp(3)), ..PauseType::clone(&there[&code("c")]) };
        there.insert(code("c"), Arc::new(gone));
        let before = Policy { version: PolicyVersion(1), types: there };
        let after = with_left_out(types(&[("a", 1)]), &before, Timestamp(9));
        let archived: Vec<_> = after.values().map(|kind| kind.archived_at).collect();
        assert_eq!(archived, [None, Some(Timestamp(9)), Some(Timestamp(3))]);
    }

    #[test]
    fn a_type_that_is_taken_away_is_archived_once_and_not_while_it_is_owed() {
        let rule = EntitlementRule {
            id: EntitlementRuleId::new("nr17").expect("an id"),
            planned_over: Duration::ZERO,
            planned_up_to: None,
            count: 1,
            min: Duration::from_secs(600),
            after_start: Duration::ZERO,
            before_end: Duration::ZERO,
        };
        let mut there = types(&[("a", 1), ("b", 1)]);
        let owed = PauseKind::Entitlement(PauseRules { owed: vec![rule.clone()], ..PauseRules::default() });
        there.insert(code("b"), Arc::new(PauseType { kind: owed, ..PauseType::clone(&there[&code("b")]) }));
        let TypeTaken::Archived(after) = without_type(&there, &code("a"), Timestamp(9)) else {
            panic!("it was not archived")
        };
        assert_eq!(after[&code("a")].archived_at, Some(Timestamp(9)));
        assert_eq!(after[&code("b")], there[&code("b")], "and every other one is as it was");
        assert_eq!(without_type(&after, &code("a"), Timestamp(10)), TypeTaken::Already);
        assert_eq!(without_type(&after, &code("b"), Timestamp(10)), TypeTaken::Owed(vec![rule.id]));
        assert_eq!(without_type(&after, &code("c"), Timestamp(10)), TypeTaken::NoSuchType);
    }

    fn code(code: &str) -> PauseTypeCode {
        PauseTypeCode::new(code).expect("a code")
    }

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
