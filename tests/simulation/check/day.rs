//! What an agent's pauses have used up, as a plain list of them: which shift each is counted in, how long it counts, and
//! whether it is one of those that are owed (semantics §2, §3, §8).

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta};
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause, PausePlace};
use intervalo::domain::id::{PauseId, PauseTypeCode};
use intervalo::domain::record::PauseCorrected;
use intervalo::domain::time::Timestamp;

use super::shifts::{Became, Shift, Shifts};
use crate::office::{LONG_SHIFT, REST, REST_FROM, RESTS, RESTS_OF_LONG, SHIFT};

/// The business day of the company begins at four.
const DAY_BEGINS: TimeDelta = TimeDelta::hours(4);

/// What counts belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Shift(Timestamp),
    Day(NaiveDate),
}

/// A pause with terms.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) id: PauseId,
    pub(super) pause_type: PauseTypeCode,
    refund_under: Duration,
    period: Period,
    period_at_start: Period,
    /// Another shift has been counted in since: what it counted is gone, also where a change of plan leads back to it.
    past: bool,
    pub(super) began: Timestamp,
    pub(super) end: Option<End>,
    right: Option<Right>,
}

/// How a pause ended, as far as is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// What cooldowns run from.
    pub(super) at: Timestamp,
    /// Until when it counts: an end that is an estimate says too much.
    until: Timestamp,
    by_limit: bool,
    misclick: bool,
}

/// What makes a pause one of those that are owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Right {
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

/// What is owed in a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) rule: &'static str,
    pub(super) owed: u32,
    pub(super) latest: Timestamp,
    pub(super) ends: Timestamp,
    pub(super) estimated: bool,
}

/// One agent's shifts and pauses.
#[derive(Debug, Clone, Default)]
pub(super) struct Day {
    pub(super) shifts: Shifts,
    taken: Vec<Taken>,
    /// What is counted, and the start of the first pause that is.
    counting: Option<(Period, Timestamp)>,
}

impl Day {
    pub(super) fn take(&mut self, event: &AgentEvent) {
        if let Some(Became { before, after }) = self.shifts.take(event) {
            let of_before = |taken: &&mut Taken| !taken.past && taken.period == Period::Shift(before);
            self.taken.iter_mut().filter(of_before).for_each(|taken| taken.period = Period::Shift(after));
            let counting = self.counting.iter_mut().filter(|(period, _)| *period == Period::Shift(before));
            counting.for_each(|(period, _)| *period = Period::Shift(after));
        }
        if let AgentEventBody::PauseStarted(started) = &event.body
            && let Some(terms) = &started.terms
        {
            let is_rest = started.pause_type.as_str() == "descanso";
            let period = self.period_at(event.at, &started.place);
            self.taken.push(Taken {
                id: started.id,
                pause_type: started.pause_type.clone(),
                refund_under: terms.refund_under,
                period,
                period_at_start: period,
                past: false,
                began: event.at,
                end: None,
                right: self.right_at(event.at).filter(|_| is_rest),
            });
        }
        if let AgentEventBody::PauseEnded(ended) = &event.body
            && let Some(place) = self.taken.iter().position(|taken| taken.id == ended.pause)
        {
            let taken = &mut self.taken[place];
            let by_time = matches!(event.cause, Cause::Limit | Cause::Abandoned);
            taken.end = Some(End {
                at: event.at,
                until: ended.last_seen_at.unwrap_or(event.at),
                by_limit: event.cause == Cause::Limit,
                misclick: !by_time && event.at.since(taken.began) < taken.refund_under,
            });
            if self.taken[place].counts() {
                self.count(place);
            }
        }
        if let AgentEventBody::PauseCorrected(corrected) = &event.body {
            self.correct(corrected);
        }
    }

    fn correct(&mut self, corrected: &PauseCorrected) {
        let Some(place) = self.taken.iter().position(|taken| taken.id == corrected.pause) else { return };
        let taken = &mut self.taken[place];
        let counted = taken.counts();
        if let Some(end) = &mut taken.end {
            (end.at, end.until) = (corrected.ended_at, corrected.ended_at);
            end.misclick = !end.by_limit && corrected.ended_at.since(taken.began) < taken.refund_under;
        }
        taken.past &= taken.counts();
        if !counted && self.taken[place].counts() {
            self.count_again(place);
        }
        if !self.taken.iter().any(Taken::counts) {
            self.counting = None;
        }
    }

    /// What was a misclick counts: with those around it, else in the shift that is declared around its start by then, else
    /// where it began.
    fn count_again(&mut self, place: usize) {
        let taken = &self.taken[place];
        let is_last = !self.taken[place + 1..].iter().any(Taken::counts);
        let around = self.counting.filter(|(_, since)| *since <= taken.began && !is_last);
        let declared = self.shifts.declared_start(taken.began).map(Period::Shift);
        let period = around.map(|(period, _)| period).or(declared).unwrap_or(taken.period_at_start);
        self.taken[place].period = period;
        self.count(place);
    }

    /// A pause counts: what counted in another shift before it does no more. One that was in another shift than those that
    /// counted after it does not.
    fn count(&mut self, place: usize) {
        let (period, began) = (self.taken[place].period, self.taken[place].began);
        match self.counting {
            Some((counting, since)) if counting == period => self.counting = Some((period, since.min(began))),
            Some(_) if self.taken[place + 1..].iter().any(Taken::counts) => self.taken[place].past = true,
            Some(_) | None => {
                self.taken[..place].iter_mut().filter(|taken| taken.counts()).for_each(|taken| taken.past = true);
                self.counting = Some((period, began));
            }
        }
    }

    fn period_at(&self, at: Timestamp, place: &PausePlace) -> Period {
        let local = DateTime::from_timestamp_millis(at.0).expect("an instant of our time").with_timezone(&place.zone);
        let day = (local.naive_local() - DAY_BEGINS).date();
        self.shifts.at(at).map_or(Period::Day(day), |shift| Period::Shift(shift.began))
    }

    /// The pauses that count.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Taken> {
        self.taken.iter().filter(|taken| taken.counts())
    }

    /// Those of a type that are counted in the shift, or the day, of an instant.
    pub(super) fn counted_at<'a>(
        &'a self,
        at: Timestamp,
        code: &'a PauseTypeCode,
        place: &PausePlace,
    ) -> impl Iterator<Item = &'a Taken> {
        let period = self.period_at(at, place);
        self.counted().filter(move |taken| taken.pause_type == *code && !taken.past && taken.period == period)
    }

    /// How many are to be taken in the shift of an instant; none where it is over, or too short for them.
    fn rule_at(&self, at: Timestamp) -> Option<(Shift, &'static str, u32, Timestamp)> {
        let shift = self.shifts.at(at)?;
        // Of a shift that is over nobody has to know how long it was.
        let over = shift.declared && shift.ends.is_none();
        let ends = shift.ends.unwrap_or(shift.began + SHIFT);
        let work = ends.since(shift.began).saturating_sub(shift.meal);
        let (rule, count) = if work > LONG_SHIFT { ("rests_of_long", RESTS_OF_LONG) } else { ("rests", RESTS) };
        let room = ends.minus(REST_FROM).since(shift.began + REST_FROM);
        (!over && at < ends && room >= REST * count).then_some((shift, rule, count, ends))
    }

    /// What makes a rest that begins at an instant one of those that are owed.
    pub(super) fn right_at(&self, at: Timestamp) -> Option<Right> {
        let (shift, _, _, ends) = self.rule_at(at)?;
        Some(Right { from: shift.began + REST_FROM, until: shift.ends.map(|_| ends.minus(REST_FROM)) })
    }

    /// What is owed at an instant.
    pub(super) fn owed_at(&self, at: Timestamp) -> Option<Owed> {
        let (shift, rule, count, ends) = self.rule_at(at)?;
        let own = |taken: &&Taken| !taken.past && taken.period == Period::Shift(shift.began);
        let satisfied = self.counted().filter(own).filter(|taken| taken.is_whole_rest()).count();
        let is_rest = |taken: &&Taken| taken.pause_type.as_str() == "descanso";
        let running = self.taken.iter().filter(is_rest).filter(|taken| taken.end.is_none()).count();
        let owed = count.saturating_sub(u32::try_from(satisfied + running).unwrap_or(u32::MAX));
        let latest = ends.minus(REST_FROM).minus(REST * owed);
        (owed > 0).then_some(Owed { rule, owed, latest, ends, estimated: shift.ends.is_none() })
    }
}

impl Taken {
    fn counts(&self) -> bool {
        self.end.is_some_and(|end| !end.misclick)
    }

    /// How long it counts, once it is over.
    pub(super) fn time(&self) -> Duration {
        self.end.map_or(Duration::ZERO, |end| end.until.since(self.began))
    }

    /// One that was owed, taken in full, in the time for it.
    fn is_whole_rest(&self) -> bool {
        let (Some(right), Some(end)) = (self.right, self.end) else { return false };
        let in_time = right.from <= self.began && right.until.is_none_or(|until| end.until <= until);
        in_time && self.time() >= REST
    }
}
