//! The shift that an instant of an agent belongs to, and what becomes of it when the plan is changed (semantics §2).

use chrono::NaiveDate;

use super::decide::Course;
use super::{Agent, Away, Status};
use crate::domain::command::{Outcome, Refusal, Rejection};
use crate::domain::event::{AgentEventBody, Shift};
use crate::domain::schedule::{SHIFT_AFTER_OFFLINE, SHIFT_ESTIMATE_LASTS};
use crate::domain::shift::{PlannedShift, SHIFT_COUNTS_BEFORE};
use crate::domain::time::Timestamp;
use crate::domain::usage::Period;

impl Agent {
    /// The shift that an instant belongs to. A planned one comes first, from a little before its start; it goes on being
    /// the shift after its end, for whoever has not begun another one since. Else it is that of the last sign-in. None
    /// when the last one that is known of began too long ago.
    pub fn shift_at(&self, at: Timestamp) -> Option<Shift> {
        if let Some(planned) = self.plan.counting_at(at) {
            return Some(planned.as_shift());
        }
        let of_sign_in = self.shift;
        let last = self.plan.last_over_at(at);
        let worked_on = last.filter(|over| of_sign_in.is_none_or(|shift| shift.started_at < over.end()));
        let shift = worked_on.map(PlannedShift::as_shift).or(of_sign_in);
        shift.filter(|shift| at.since(shift.started_at) < SHIFT_ESTIMATE_LASTS)
    }

    /// The next instant at which [`Agent::shift_at`] may say something else, if nothing happens.
    pub(in crate::domain) fn next_edge_of_shifts(&self, at: Timestamp) -> Option<Timestamp> {
        let edges = |shift: &PlannedShift| {
            let (start, end) = (shift.start(), shift.end());
            [start.minus(SHIFT_COUNTS_BEFORE), start, end, start + SHIFT_ESTIMATE_LASTS]
        };
        let planned = self.plan.shifts().iter().flat_map(edges);
        let signed_in = self.shift.map(|shift| shift.started_at + SHIFT_ESTIMATE_LASTS);
        planned.chain(signed_in).filter(|edge| *edge > at).min()
    }

    /// When the planned shift ends that an instant belongs to.
    pub(super) fn planned_end(&self, at: Timestamp) -> Option<Timestamp> {
        self.plan.counting_at(at).map(PlannedShift::end)
    }

    /// The shift that a sign-in belongs to: the planned one, that of before, or a new one.
    pub(super) fn shift_of_sign_in(&self, now: Timestamp) -> Shift {
        let rested = now.since(self.since) >= SHIFT_AFTER_OFFLINE;
        let planned = self.plan.counting_at(now).map(PlannedShift::as_shift);
        let before = self.shift.filter(|_| !rested);
        planned.or(before).unwrap_or(Shift { started_at: now, estimated: true, ends_at: None })
    }

    pub(super) fn fold_sign_in(&mut self, shift: Shift) {
        // The end stands in the plan, where it may still be changed.
        self.shift = Some(Shift { ends_at: None, ..shift });
    }

    pub(super) fn fold_planned(&mut self, shift: PlannedShift, at: Timestamp) {
        self.change_plan(shift.day(), at, |agent| agent.plan.put(shift, at));
    }

    /// `None` when nothing is planned for that day.
    pub(super) fn fold_cancelled(&mut self, day: NaiveDate, at: Timestamp) -> Option<()> {
        self.plan.of_day(day)?;
        self.change_plan(day, at, |agent| agent.plan.remove(day));
        Some(())
    }

    /// Changes what is planned for a day. What was used up in the shift of now goes on counting in what the change makes
    /// of it: a plan that comes late, or is corrected, gives nobody a second quota.
    fn change_plan(&mut self, day: NaiveDate, at: Timestamp, change: impl FnOnce(&mut Agent)) {
        let old = self.plan.of_day(day).map(PlannedShift::start);
        let before = self.shift_at(at);
        change(self);
        if let Some(shift) = self.shift.as_mut().filter(|shift| !shift.estimated && Some(shift.started_at) == old) {
            // Where it is still planned, that comes first.
            shift.estimated = true;
        }
        let (Some(before), Some(after)) = (before, self.shift_at(at)) else { return };
        if before.started_at == after.started_at || !(before.estimated || Some(before.started_at) == old) {
            return;
        }
        let period = Period::Shift(before.started_at);
        self.usage.goes_on_as(period, Period::Shift(after.started_at));
        if let Status::Paused(Away::Pause(pause) | Away::ProtectedInside { outer: pause, .. }) = &mut self.status
            && pause.place.period() == period
        {
            pause.place.shift = Some(after);
        }
    }
}

impl Course<'_> {
    /// Plans shifts, all or none. What is planned already, or was over long ago, changes nothing.
    pub(super) fn plan_shifts(&mut self, shifts: &[PlannedShift]) -> Result<Outcome, Rejection> {
        let now = self.context().now;
        self.agent
            .plan
            .check(shifts, now)
            .map_err(|(place, why)| Refusal::CannotPlan { day: shifts[place].day(), why })?;
        for shift in shifts {
            let planned = self.agent.plan.of_day(shift.day());
            if planned != Some(shift) && (planned.is_some() || !shift.is_forgotten(now)) {
                self.happens(self.cause(), AgentEventBody::ShiftPlanned(*shift));
            }
        }
        Ok(Outcome::Done)
    }

    /// Takes back what is planned for a day; nothing, where nothing is.
    pub(super) fn cancel_shift(&mut self, day: NaiveDate) -> Outcome {
        if self.agent.plan.of_day(day).is_some() {
            self.happens(self.cause(), AgentEventBody::ShiftCancelled { day });
        }
        Outcome::Done
    }
}
