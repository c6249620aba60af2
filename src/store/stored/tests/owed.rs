//! What is owed, and other rules for some.

use proptest::prelude::*;

use super::{at, code, day, span, text};
use crate::domain::entitlement::{AtRisk, EntitlementRule};
use crate::domain::event::Right;
use crate::domain::id::{AgentId, EntitlementRuleId, RiskId, TeamId};
use crate::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use crate::domain::policy::{PauseKind, PauseRules, PauseType};

fn rule_id() -> impl Strategy<Value = EntitlementRuleId> {
    "[a-z]{1,9}".prop_map(|id| EntitlementRuleId::new(&id).expect("printable"))
}

pub(super) fn right() -> impl Strategy<Value = Right> {
    (span(), at(), proptest::option::of(at())).prop_map(|(min, from, until)| Right { min, from, until })
}

pub(super) fn at_risk() -> impl Strategy<Value = AtRisk> {
    let when = (any::<u32>(), at(), any::<bool>(), at());
    (any::<u128>(), rule_id(), code(), when).prop_map(
        |(id, rule, pause_type, (owed, latest_start, estimated, since))| AtRisk {
            id: RiskId(id),
            rule,
            pause_type,
            owed,
            latest_start,
            estimated,
            since,
        },
    )
}

fn rule() -> impl Strategy<Value = EntitlementRule> {
    let shift = (span(), proptest::option::of(span()));
    (rule_id(), shift, any::<u32>(), span(), span(), span()).prop_map(
        |(id, (planned_over, planned_up_to), count, min, after_start, before_end)| EntitlementRule {
            id,
            planned_over,
            planned_up_to,
            count,
            min,
            after_start,
            before_end,
        },
    )
}

fn one_override(rules: PauseRules) -> impl Strategy<Value = RuleOverride> {
    let whom = prop_oneof![
        "[a-z]{1,9}".prop_map(|id| OverrideFor::Team(TeamId::new(&id).expect("printable"))),
        "[a-z]{1,9}".prop_map(|id| OverrideFor::Agent(AgentId::new(&id).expect("printable"))),
    ];
    let fields = proptest::sample::subsequence(RuleField::ALL.to_vec(), 0..=RuleField::ALL.len());
    let days = (proptest::option::of(day()), proptest::option::of(day()));
    (whom, fields, days, text()).prop_map(move |(whom, fields, (from, until), reason)| RuleOverride {
        whom,
        fields: fields.into_iter().collect(),
        values: rules.clone(),
        from,
        until,
        reason: reason.unwrap_or_default(),
    })
}

/// A type with what it owes and other rules for some, where it may have any.
pub(super) fn with_more(pause_type: PauseType) -> impl Strategy<Value = PauseType> {
    let rules = pause_type.kind.rules().cloned().unwrap_or_default();
    let more = (span(), proptest::collection::vec(rule(), 0..3), proptest::collection::vec(one_override(rules), 0..3));
    more.prop_map(move |(queue_opens_before, owed, overrides)| {
        let with = |rules: &PauseRules| PauseRules {
            queue_opens_before,
            owed: owed.clone(),
            overrides: overrides.clone(),
            ..rules.clone()
        };
        let kind = match &pause_type.kind {
            PauseKind::Regular(rules) => PauseKind::Regular(with(rules)),
            PauseKind::Entitlement(rules) => PauseKind::Entitlement(with(rules)),
            PauseKind::Protected => PauseKind::Protected,
        };
        PauseType { kind, ..pause_type.clone() }
    })
}
