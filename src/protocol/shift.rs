//! Planned shifts on the wire.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::error::WireError;
use super::params::{Fields, FromField};
use super::time::{WireTime, from_text};
use crate::domain::id::AgentId;
use crate::domain::policy_values::date;
use crate::domain::shift::{PlanError, PlannedShift};
use crate::domain::time::{Timestamp, seconds};

/// A planned shift as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ShiftState {
    agent: String,
    day: String,
    start: WireTime,
    end: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    unpaid_meal_s: Option<u64>,
}

impl ShiftState {
    /// What an agent has planned for a day.
    pub fn of(agent: &AgentId, shift: &PlannedShift) -> ShiftState {
        ShiftState {
            agent: agent.to_string(),
            day: shift.day().to_string(),
            start: WireTime(shift.start()),
            end: WireTime(shift.end()),
            unpaid_meal_s: Some(shift.unpaid_meal().as_secs()).filter(|meal| *meal > 0),
        }
    }
}

/// A local day, `2026-11-22`.
pub(super) struct Day(pub(super) NaiveDate);

impl FromField for Day {
    fn from_field(value: Value) -> Result<Day, String> {
        let day = date(&String::from_field(value)?);
        day.map(Day).map_err(|_| "must be a day of the form 2026-11-22".to_owned())
    }
}

impl FromField for Timestamp {
    fn from_field(value: Value) -> Result<Timestamp, String> {
        from_text(&String::from_field(value)?).map_err(|_| "must be an instant (2026-11-22T20:57:49.123Z)".to_owned())
    }
}

/// Reads the day of a path.
///
/// # Errors
/// When it is none.
pub fn read_day(text: &str) -> Result<NaiveDate, WireError> {
    let day = Day::from_field(Value::String(text.to_owned()));
    day.map(|Day(day)| day).map_err(|why| WireError::invalid_params("day", &why))
}

/// Reads `{day, start, end, unpaid_meal_s?}`, the day only where it does not stand elsewhere.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_shift(mut fields: Fields, day: Option<NaiveDate>) -> Result<PlannedShift, WireError> {
    let day = match day {
        Some(day) => day,
        None => fields.required::<Day>("day")?.0,
    };
    let (start, end) = (fields.required("start")?, fields.required("end")?);
    let meal_s = fields.optional::<u64>("unpaid_meal_s")?.unwrap_or(0);
    fields.finish()?;
    PlannedShift::new(day, start, end, seconds(meal_s)).map_err(cannot_plan)
}

/// What stands against a plan, by the field that is at fault.
pub fn cannot_plan(why: PlanError) -> WireError {
    WireError::invalid_params(why.field(), &why.to_string())
}
