//! The stored forms of shifts: one that counts, and one that was planned.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::text::Text;
use super::{FormError, from_ms, to_ms};
use crate::domain::event::Shift;
use crate::domain::shift::PlannedShift;
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShiftForm {
    started_at: i64,
    estimated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<i64>,
}

impl ShiftForm {
    pub(super) fn of(shift: Shift) -> ShiftForm {
        let ends_at = shift.ends_at.map(|at| at.0);
        ShiftForm { started_at: shift.started_at.0, estimated: shift.estimated, ends_at }
    }

    pub(super) fn into_domain(self) -> Shift {
        let ends_at = self.ends_at.map(Timestamp);
        Shift { started_at: Timestamp(self.started_at), estimated: self.estimated, ends_at }
    }
}

/// What a shift is planned as, in an event.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlannedForm {
    day: Text<NaiveDate>,
    start: i64,
    end: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    unpaid_meal_ms: u64,
}

/// The same in a state, which every command writes anew: day, start, end, and the unpaid meal in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct PlannedRow(Text<NaiveDate>, i64, i64, u64);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

impl PlannedForm {
    pub(super) fn of(shift: &PlannedShift) -> PlannedForm {
        let PlannedRow(day, start, end, unpaid_meal_ms) = PlannedRow::of(shift);
        PlannedForm { day, start, end, unpaid_meal_ms }
    }

    pub(super) fn into_domain(self) -> Result<PlannedShift, FormError> {
        PlannedRow(self.day, self.start, self.end, self.unpaid_meal_ms).into_domain()
    }
}

impl PlannedRow {
    pub(super) fn of(shift: &PlannedShift) -> PlannedRow {
        PlannedRow(Text(shift.day()), shift.start().0, shift.end().0, to_ms(shift.unpaid_meal()))
    }

    pub(super) fn into_domain(self) -> Result<PlannedShift, FormError> {
        let PlannedRow(Text(day), start, end, meal_ms) = self;
        PlannedShift::new(day, Timestamp(start), Timestamp(end), from_ms(meal_ms))
            .map_err(|why| FormError::Contradiction(format!("the shift of {day}: its {:?} {why}", why.field())))
    }
}
