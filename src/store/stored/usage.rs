//! The stored form of what an agent's pauses have used up.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::text::Text;
use super::{from_ms, to_ms};
use crate::domain::id::PauseTypeCode;
use crate::domain::time::Timestamp;
use crate::domain::usage::{Counted, Period, TypeUsage, Usage, Used};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageForm {
    period: PeriodForm,
    /// Of a state that was stored before this was kept: all that counts is among it.
    #[serde(default)]
    since: i64,
    last: i64,
    types: Vec<TypeUsageForm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum PeriodForm {
    Shift(i64),
    BusinessDay(Text<NaiveDate>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeUsageForm {
    pause_type: Text<PauseTypeCode>,
    count: u32,
    time_ms: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    satisfied: u32,
    last: i64,
}

impl PeriodForm {
    pub(super) fn of(period: Period) -> PeriodForm {
        match period {
            Period::Shift(began) => PeriodForm::Shift(began.0),
            Period::BusinessDay(day) => PeriodForm::BusinessDay(Text(day)),
        }
    }

    pub(super) fn into_domain(self) -> Period {
        match self {
            PeriodForm::Shift(began) => Period::Shift(Timestamp(began)),
            PeriodForm::BusinessDay(Text(day)) => Period::BusinessDay(day),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

impl UsageForm {
    /// None when nothing was used up yet.
    pub(super) fn of(usage: &Usage) -> Option<UsageForm> {
        usage.counted().map(|counted| UsageForm {
            period: PeriodForm::of(counted.period),
            since: counted.since.0,
            last: counted.last.0,
            types: counted.types.iter().map(TypeUsageForm::of).collect(),
        })
    }

    pub(super) fn into_domain(self) -> Usage {
        Usage::from(Counted {
            period: self.period.into_domain(),
            since: Timestamp(self.since),
            last: Timestamp(self.last),
            types: self.types.into_iter().map(TypeUsageForm::into_domain).collect(),
        })
    }
}

impl TypeUsageForm {
    fn of(usage: &TypeUsage) -> TypeUsageForm {
        TypeUsageForm {
            pause_type: Text(usage.pause_type.clone()),
            count: usage.used.count,
            time_ms: to_ms(usage.used.time),
            satisfied: usage.satisfied,
            last: usage.last.0,
        }
    }

    fn into_domain(self) -> TypeUsage {
        TypeUsage {
            pause_type: self.pause_type.0,
            used: Used { count: self.count, time: from_ms(self.time_ms) },
            satisfied: self.satisfied,
            last: Timestamp(self.last),
        }
    }
}
