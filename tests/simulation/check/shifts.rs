//! Which shift an instant of an agent belongs to, told from what was declared and from sign-ins alone: every pause says so of its
//! start, and every sign-in of itself (semantics §2).

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause, Shift as ShiftTold};
use intervalo::domain::id::AgentId;
use intervalo::domain::time::{Timestamp, hours};
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::Broken;

/// A declared shift counts so long before its start.
const COUNTS_BEFORE: Duration = hours(2);
/// Nobody's shift is one any more so long after its start, unless it was declared to last longer.
const LASTS: Duration = hours(16);
/// After so long offline a sign-in begins another.
const REST: Duration = hours(6);

/// A shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    pub(super) began: Timestamp,
    /// When it is declared to end, until it does.
    pub(super) ends: Option<Timestamp>,
    pub(super) meal: Duration,
    pub(super) declared: bool,
}

/// What was declared for a day.
#[derive(Debug, Clone, Copy)]
struct Declared {
    start: Timestamp,
    end: Timestamp,
    meal: Duration,
}

impl Declared {
    fn as_shift(&self) -> Shift {
        Shift { began: self.start, ends: Some(self.end), meal: self.meal, declared: true }
    }
}

/// Of one shift has become another, with all that was counted in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Became {
    pub(super) before: Timestamp,
    pub(super) after: Timestamp,
}

/// One agent's shifts.
#[derive(Debug, Clone, Default)]
pub(super) struct Shifts {
    days: BTreeMap<NaiveDate, Declared>,
    signed_in: Option<Timestamp>,
}

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let (mut people, mut all) = (People::new(), BTreeMap::<AgentId, Shifts>::new());
    seen.durable.iter().find_map(|(entry, _)| {
        let mut why = None;
        if let EntryBody::Agent { agent, event, .. } = &entry.body {
            let shifts = all.entry(agent.clone()).or_default();
            let rested = people.get(agent).is_none_or(|person| event.at.since(person.public().since) >= REST);
            if shifts.is_told_wrong_by(event, rested) {
                why = Some(format!("in the shift {:?} came {entry:?}", shifts.at(event.at)));
            }
            shifts.take(event);
        }
        // What cannot be folded is found elsewhere.
        let _ = fold(&mut people, entry);
        why.map(|why| ("§2", why))
    })
}

impl Shifts {
    pub(super) fn take(&mut self, event: &AgentEvent) -> Option<Became> {
        if let Some(shift) = signed_in_to(event) {
            self.signed_in = Some(shift.started_at);
        }
        if let AgentEventBody::ShiftPlanned(planned) = &event.body {
            let declared = Declared { start: planned.start(), end: planned.end(), meal: planned.unpaid_meal() };
            return self.replan(planned.day(), Some(declared), event.at);
        }
        let AgentEventBody::ShiftCancelled { day } = &event.body else { return None };
        self.replan(*day, None, event.at)
    }

    /// A plan that comes late, or is another, makes another shift of the one of now.
    fn replan(&mut self, day: NaiveDate, declared: Option<Declared>, now: Timestamp) -> Option<Became> {
        let (before, old) = (self.at(now), self.days.remove(&day));
        if let Some(declared) = declared {
            self.days.insert(day, declared);
        }
        let (before, after) = (before?, self.at(now)?);
        let replaced = !before.declared || old.is_some_and(|old| old.start == before.began);
        let moved = before.began != after.began;
        (moved && replaced).then_some(Became { before: before.began, after: after.began })
    }

    /// The declared shift that an instant lies in, or just before.
    fn counting_at(&self, at: Timestamp) -> Option<&Declared> {
        let runs = |shift: &&Declared| shift.start <= at && at < shift.end;
        let soon = |shift: &&Declared| at < shift.start && shift.start <= at + COUNTS_BEFORE;
        self.days.values().find(runs).or_else(|| self.days.values().filter(soon).min_by_key(|shift| shift.start))
    }

    /// When the declared shift ends that an instant lies in, or just before.
    pub(super) fn declared_end(&self, at: Timestamp) -> Option<Timestamp> {
        self.counting_at(at).map(|shift| shift.end)
    }

    /// When the declared shift begins that an instant lies in, or just before.
    pub(super) fn declared_start(&self, at: Timestamp) -> Option<Timestamp> {
        self.counting_at(at).map(|shift| shift.start)
    }

    pub(super) fn at(&self, at: Timestamp) -> Option<Shift> {
        if let Some(counting) = self.counting_at(at) {
            return Some(counting.as_shift());
        }
        let over = self.days.values().filter(|shift| shift.end <= at).max_by_key(|shift| shift.start);
        let worked_on = over.filter(|over| self.signed_in.is_none_or(|signed_in| signed_in < over.end));
        let shift = match (worked_on, self.signed_in) {
            (Some(over), _) => Shift { ends: None, ..over.as_shift() },
            (None, began) => Shift { began: began?, ends: None, meal: Duration::ZERO, declared: false },
        };
        (at.since(shift.began) < LASTS).then_some(shift)
    }

    fn is_told_wrong_by(&self, event: &AgentEvent, rested: bool) -> bool {
        if let Some(shift) = signed_in_to(event) {
            let declared = self.counting_at(event.at).map(|shift| shift.start);
            let expected = declared.or(self.signed_in.filter(|_| !rested)).unwrap_or(event.at);
            return shift.started_at != expected;
        }
        if matches!(event.body, AgentEventBody::Connected { .. }) {
            return event.cause == Cause::SignIn;
        }
        let AgentEventBody::PauseStarted(started) = &event.body else { return false };
        let expected = self.at(event.at);
        let told = started.place.shift.map(|shift| (shift.started_at, !shift.estimated));
        let ends = started.place.shift.and_then(|shift| shift.ends_at).filter(|ends_at| event.at < *ends_at);
        told != expected.map(|shift| (shift.began, shift.declared)) || ends != expected.and_then(|shift| shift.ends)
    }
}

/// The shift that an event says an agent came to work in: at a sign-in, and at the late return to a protected pause.
fn signed_in_to(event: &AgentEvent) -> Option<&ShiftTold> {
    let (AgentEventBody::SignedIn { shift, .. } | AgentEventBody::Connected { shift: Some(shift) }) = &event.body
    else {
        return None;
    };
    Some(shift)
}
