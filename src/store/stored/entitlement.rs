//! The stored forms of what is owed: its rules, the terms of a pause that is, and what is about to lapse.

use serde::{Deserialize, Serialize};

use super::text::Text;
use super::{from_ms, to_ms};
use crate::domain::entitlement::{AtRisk, EntitlementRule};
use crate::domain::event::Right;
use crate::domain::id::{EntitlementRuleId, PauseTypeCode, RiskId};
use crate::domain::time::Timestamp;

/// A rule that owes pauses of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntitlementRuleForm {
    id: Text<EntitlementRuleId>,
    planned_over_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    planned_up_to_ms: Option<u64>,
    count: u32,
    min_ms: u64,
    after_start_ms: u64,
    before_end_ms: u64,
}

impl EntitlementRuleForm {
    pub(super) fn of(rule: &EntitlementRule) -> EntitlementRuleForm {
        EntitlementRuleForm {
            id: Text(rule.id.clone()),
            planned_over_ms: to_ms(rule.planned_over),
            planned_up_to_ms: rule.planned_up_to.map(to_ms),
            count: rule.count,
            min_ms: to_ms(rule.min),
            after_start_ms: to_ms(rule.after_start),
            before_end_ms: to_ms(rule.before_end),
        }
    }

    pub(super) fn into_domain(self) -> EntitlementRule {
        EntitlementRule {
            id: self.id.0,
            planned_over: from_ms(self.planned_over_ms),
            planned_up_to: self.planned_up_to_ms.map(from_ms),
            count: self.count,
            min: from_ms(self.min_ms),
            after_start: from_ms(self.after_start_ms),
            before_end: from_ms(self.before_end_ms),
        }
    }
}

/// What makes a pause one of those that are owed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RightForm {
    min_ms: u64,
    from: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

impl RightForm {
    pub(super) fn of(right: Right) -> RightForm {
        RightForm { min_ms: to_ms(right.min), from: right.from.0, until: right.until.map(|until| until.0) }
    }

    pub(super) fn into_domain(self) -> Right {
        Right { min: from_ms(self.min_ms), from: Timestamp(self.from), until: self.until.map(Timestamp) }
    }
}

/// What is about to lapse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AtRiskForm {
    id: Text<RiskId>,
    rule: Text<EntitlementRuleId>,
    pause_type: Text<PauseTypeCode>,
    owed: u32,
    latest_start: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
    since: i64,
}

impl AtRiskForm {
    pub(super) fn of(risk: &AtRisk) -> AtRiskForm {
        AtRiskForm {
            id: Text(risk.id),
            rule: Text(risk.rule.clone()),
            pause_type: Text(risk.pause_type.clone()),
            owed: risk.owed,
            latest_start: risk.latest_start.0,
            estimated: risk.estimated,
            since: risk.since.0,
        }
    }

    pub(super) fn into_domain(self) -> AtRisk {
        AtRisk {
            id: self.id.0,
            rule: self.rule.0,
            pause_type: self.pause_type.0,
            owed: self.owed,
            latest_start: Timestamp(self.latest_start),
            estimated: self.estimated,
            since: Timestamp(self.since),
        }
    }
}
