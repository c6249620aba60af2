//! The stored form of a correction of a pause on record.

use serde::{Deserialize, Serialize};

use super::text::Text;
use super::usage::PeriodForm;
use super::{from_ms, to_ms};
use crate::domain::id::{PauseId, PauseTypeCode};
use crate::domain::record::{EndsBefore, PauseCorrected, UsageCorrection};
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CorrectedForm {
    pause: Text<PauseId>,
    pause_type: Text<PauseTypeCode>,
    started_at: i64,
    ended_at_before: i64,
    ended_at: i64,
    short: bool,
    misclick: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overran_at: Option<i64>,
    period: PeriodForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted_ms_before: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    satisfied_before: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    satisfied: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_of_type: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other_of_any: Option<i64>,
}

impl CorrectedForm {
    pub(super) fn of(corrected: &PauseCorrected) -> CorrectedForm {
        let usage = &corrected.usage;
        CorrectedForm {
            pause: Text(corrected.pause),
            pause_type: Text(corrected.pause_type.clone()),
            started_at: corrected.started_at.0,
            ended_at_before: corrected.ended_at_before.0,
            ended_at: corrected.ended_at.0,
            short: corrected.short,
            misclick: corrected.misclick,
            overran_at: corrected.overran_at.map(|at| at.0),
            period: PeriodForm::of(usage.period),
            counted_ms_before: usage.before.map(to_ms),
            counted_ms: usage.after.map(to_ms),
            satisfied_before: usage.satisfied_before,
            satisfied: usage.satisfied,
            other_of_type: usage.others.of_type.map(|at| at.0),
            other_of_any: usage.others.of_any.map(|at| at.0),
        }
    }

    pub(super) fn into_domain(self) -> PauseCorrected {
        PauseCorrected {
            pause: self.pause.0,
            pause_type: self.pause_type.0,
            started_at: Timestamp(self.started_at),
            ended_at_before: Timestamp(self.ended_at_before),
            ended_at: Timestamp(self.ended_at),
            short: self.short,
            misclick: self.misclick,
            overran_at: self.overran_at.map(Timestamp),
            usage: UsageCorrection {
                period: self.period.into_domain(),
                before: self.counted_ms_before.map(from_ms),
                after: self.counted_ms.map(from_ms),
                satisfied_before: self.satisfied_before,
                satisfied: self.satisfied,
                others: EndsBefore {
                    of_type: self.other_of_type.map(Timestamp),
                    of_any: self.other_of_any.map(Timestamp),
                },
            },
        }
    }
}

/// Any correction, for the test that all events read back as they were.
#[cfg(test)]
pub(super) fn any_correction() -> impl proptest::strategy::Strategy<Value = PauseCorrected> {
    use proptest::prelude::*;

    use crate::domain::usage::Period;

    let at = || any::<i64>().prop_map(Timestamp);
    let instant = || proptest::option::of(at());
    let span = || proptest::option::of((0..u64::MAX / 16).prop_map(from_ms));
    let day = (0..40_000).prop_map(|day| chrono::NaiveDate::from_num_days_from_ce_opt(day).expect("a day"));
    let period = prop_oneof![at().prop_map(Period::Shift), day.prop_map(Period::BusinessDay)];
    let others = (instant(), instant()).prop_map(|(of_type, of_any)| EndsBefore { of_type, of_any });
    let owed = (any::<bool>(), any::<bool>());
    let usage = (period, span(), span(), owed, others).prop_map(
        |(period, before, after, (satisfied_before, satisfied), others)| UsageCorrection {
            period,
            before,
            after,
            satisfied_before,
            satisfied,
            others,
        },
    );
    let code = "[a-zç]{1,20}".prop_map(|code| PauseTypeCode::new(&code).expect("printable"));
    let marks = (any::<bool>(), any::<bool>(), instant());
    (any::<u128>(), code, at(), at(), at(), marks, usage).prop_map(
        |(pause, pause_type, started_at, ended_at_before, ended_at, (short, misclick, overran_at), usage)| {
            let pause = PauseId(pause);
            PauseCorrected {
                pause,
                pause_type,
                started_at,
                ended_at_before,
                ended_at,
                short,
                misclick,
                overran_at,
                usage,
            }
        },
    )
}
