//! Planned shifts: the working days that an integration or administrator declares for an agent (semantics §2).

use std::time::Duration;

use chrono::NaiveDate;

use super::event::Shift;
use super::time::{Timestamp, hours};

/// The longest shift that can be planned.
pub const SHIFT_LASTS_MAX: Duration = hours(24);
/// How many shifts that are not over yet an agent may have planned.
pub const SHIFTS_AHEAD_MAX: usize = 31;
/// For so long a shift that is over is still known; the next plan lets go of what ended before.
pub const SHIFT_KNOWN_FOR: Duration = hours(48);
/// So long before its start a planned shift begins to count: whoever signs in early is at work for it.
pub const SHIFT_COUNTS_BEFORE: Duration = hours(2);

/// A working day that was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedShift {
    day: NaiveDate,
    start: Timestamp,
    end: Timestamp,
    unpaid_meal: Duration,
}

/// Why a shift cannot be planned: the end of a sentence that begins with [`PlanError::field`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It would end before it begins, or at once.
    #[error("must be after \"start\"")]
    NotAfterStart,
    /// No shift lasts so long.
    #[error("may be at most 24 h after \"start\"; plan one shift for each day")]
    TooLong,
    /// The meal would leave no work.
    #[error("must be shorter than the shift")]
    MealTooLong,
    /// Another day's shift lies over it.
    #[error("makes it overlap with the shift planned for {0}; plan or cancel that one first")]
    Overlaps(NaiveDate),
    /// There are as many as there may be.
    #[error("would be one more than the 31 shifts that may be planned ahead; plan it later, or cancel another")]
    TooMany,
}

impl PlanError {
    /// The field that is at fault.
    pub fn field(self) -> &'static str {
        match self {
            PlanError::NotAfterStart | PlanError::TooLong => "end",
            PlanError::MealTooLong => "unpaid_meal_s",
            PlanError::Overlaps(_) => "start",
            PlanError::TooMany => "day",
        }
    }
}

impl PlannedShift {
    /// A shift of a local day, with the unpaid meal that is in it.
    ///
    /// # Errors
    /// [`PlanError`] when there is no such shift.
    pub fn new(
        day: NaiveDate,
        start: Timestamp,
        end: Timestamp,
        unpaid_meal: Duration,
    ) -> Result<PlannedShift, PlanError> {
        if end <= start {
            return Err(PlanError::NotAfterStart);
        }
        if end.since(start) > SHIFT_LASTS_MAX {
            return Err(PlanError::TooLong);
        }
        if unpaid_meal >= end.since(start) {
            return Err(PlanError::MealTooLong);
        }
        Ok(PlannedShift { day, start, end, unpaid_meal })
    }

    /// The local day that it belongs to.
    pub fn day(&self) -> NaiveDate {
        self.day
    }

    /// When it begins.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// When it ends.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// How much of it is an unpaid meal.
    pub fn unpaid_meal(&self) -> Duration {
        self.unpaid_meal
    }

    /// The shift as what is counted belongs to it.
    pub fn as_shift(&self) -> Shift {
        Shift { started_at: self.start, estimated: false, ends_at: Some(self.end) }
    }

    /// True when it was over so long ago that it is not kept.
    pub(super) fn is_forgotten(&self, now: Timestamp) -> bool {
        now.since(self.end) > SHIFT_KNOWN_FOR
    }

    fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    fn overlaps(&self, other: &PlannedShift) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The shifts planned for an agent around now, by their start; one for a day at most. Kept small: there are as many
/// plans as agents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan(Box<[PlannedShift]>);

impl From<Vec<PlannedShift>> for Plan {
    fn from(mut shifts: Vec<PlannedShift>) -> Plan {
        shifts.sort_by_key(|shift| (shift.start, shift.day));
        Plan(shifts.into())
    }
}

impl Plan {
    /// All of them, by their start.
    pub fn shifts(&self) -> &[PlannedShift] {
        &self.0
    }

    /// The one of a day.
    pub fn of_day(&self, day: NaiveDate) -> Option<&PlannedShift> {
        self.0.iter().find(|shift| shift.day == day)
    }

    /// Says whether these can be planned, each in place of what is planned for its day.
    ///
    /// # Errors
    /// The place in the list of the first that cannot, and why.
    pub fn check(&self, shifts: &[PlannedShift], now: Timestamp) -> Result<(), (usize, PlanError)> {
        let mut plan = self.clone();
        shifts.iter().for_each(|shift| plan.put(*shift, now));
        for (place, shift) in shifts.iter().enumerate() {
            let mut others = plan.0.iter().filter(|other| other.day != shift.day);
            if let Some(other) = others.find(|other| other.overlaps(shift)) {
                return Err((place, PlanError::Overlaps(other.day)));
            }
        }
        let ahead = plan.0.iter().filter(|shift| shift.end > now).count();
        match shifts.len().checked_sub(1) {
            Some(last) if ahead > SHIFTS_AHEAD_MAX => Err((last, PlanError::TooMany)),
            Some(_) | None => Ok(()),
        }
    }

    /// Puts a shift in place of the one of its day, and lets go of what ended long before `at`.
    pub(super) fn put(&mut self, shift: PlannedShift, at: Timestamp) {
        let others = self.0.iter().filter(|other| other.day != shift.day);
        let known = others.copied().chain([shift]).filter(|shift| !shift.is_forgotten(at));
        *self = Plan::from(known.collect::<Vec<_>>());
    }

    /// Takes the shift of a day away.
    pub(super) fn remove(&mut self, day: NaiveDate) {
        *self = Plan(self.0.iter().filter(|shift| shift.day != day).copied().collect());
    }

    /// The shift that an instant belongs to: the one that runs, else the one that begins soon.
    pub(super) fn counting_at(&self, at: Timestamp) -> Option<&PlannedShift> {
        let soon = |shift: &&PlannedShift| at < shift.start && shift.start.since(at) <= SHIFT_COUNTS_BEFORE;
        self.0.iter().find(|shift| shift.contains(at)).or_else(|| self.0.iter().find(soon))
    }

    /// The last shift that was over by an instant.
    pub(super) fn last_over_at(&self, at: Timestamp) -> Option<&PlannedShift> {
        self.0.iter().rev().find(|shift| shift.end <= at)
    }
}
