//! Refused starts on their way to the journal: the first of a type, code and minute is an event of
//! its own, the rest of that minute are counted into one more (semantics §4).

use std::collections::BTreeMap;

use super::reply::{CommandError, Reply};
use crate::domain::agent::{Agent, Context};
use crate::domain::command::{Actor, Command, Refusal, Rejection, Request};
use crate::domain::id::PauseTypeCode;
use crate::domain::time::Timestamp;

/// How many (type, code) pairs are told apart for one agent in one minute; a menu is smaller. What
/// is refused beyond it is counted in the metrics only.
const TALLIES_MAX: usize = 64;

const MINUTE_MS: i64 = 60_000;

/// The refusals of one agent in the minutes that are not closed yet.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    tallies: BTreeMap<(PauseTypeCode, &'static str), Tally>,
}

#[derive(Debug)]
struct Tally {
    /// The minute, as its number since the epoch.
    minute: i64,
    /// The first one is in the journal.
    first_journaled: bool,
    /// How many are not in the journal.
    waiting: u32,
}

/// Refusals that one event stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefusalCount {
    pub(super) pause_type: PauseTypeCode,
    pub(super) code: &'static str,
    pub(super) count: u32,
}

impl Refusals {
    pub(super) fn add(&mut self, pause_type: &PauseTypeCode, code: &'static str, now: Timestamp) {
        let key = (pause_type.clone(), code);
        if !self.tallies.contains_key(&key) && self.tallies.len() >= TALLIES_MAX {
            metrics::counter!("intervalo_refusals_unrecorded_total").increment(1);
            return;
        }
        let fresh = Tally { minute: minute_of(now), first_journaled: false, waiting: 0 };
        self.tallies.entry(key).or_insert(fresh).waiting += 1;
    }

    /// What is to be journaled by `now`: firsts at once, the rest when their minute is over.
    pub(super) fn due(&self, now: Timestamp) -> Vec<RefusalCount> {
        let mut due = Vec::new();
        for ((pause_type, code), tally) in &self.tallies {
            let (first, rest) = tally.split(now);
            for count in [first, rest] {
                if count > 0 {
                    due.push(RefusalCount { pause_type: pause_type.clone(), code, count });
                }
            }
        }
        due
    }

    /// What was due by `now` is in the journal.
    pub(super) fn journaled(&mut self, now: Timestamp) {
        self.tallies.retain(|_, tally| {
            let (first, rest) = tally.split(now);
            tally.first_journaled |= first > 0;
            tally.waiting -= first + rest;
            tally.minute >= minute_of(now)
        });
    }

    /// When more is due: the end of the earliest minute that has something.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.tallies.values().map(|tally| Timestamp((tally.minute + 1) * MINUTE_MS)).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tallies.is_empty()
    }
}

impl Tally {
    /// How many are due as the first, and as the rest.
    fn split(&self, now: Timestamp) -> (u32, u32) {
        let first = u32::from(!self.first_journaled).min(self.waiting);
        let over = self.minute < minute_of(now);
        (first, if over { self.waiting - first } else { 0 })
    }
}

/// The type that an agent asks to start, for the record of refusals; those of others are not kept.
pub(super) fn refused_start(request: &Request) -> Option<PauseTypeCode> {
    match (&request.command, &request.actor) {
        (Command::StartPause { pause_type, .. }, Actor::Agent(_)) => Some(pause_type.clone()),
        (
            Command::StartPause { .. }
            | Command::SetStatus { .. }
            | Command::AcceptOffer { .. }
            | Command::Cancel { .. }
            | Command::EndPause { .. }
            | Command::ExtendPause { .. }
            | Command::CreateRequest { .. }
            | Command::AckAlert { .. }
            | Command::CancelRequest { .. }
            | Command::DecideRequest { .. }
            | Command::SignOut { .. }
            | Command::PlanShifts { .. }
            | Command::CancelShift { .. }
            | Command::CorrectPause { .. }
            | Command::AnnotatePause { .. },
            _,
        ) => None,
    }
}

pub(super) fn refusal_code(result: &Result<Reply, CommandError>) -> Option<&'static str> {
    match result {
        Err(CommandError::Rejected { rejection: Rejection::Refused(refusal), .. }) => Some(refusal.code()),
        Ok(_) | Err(_) => None,
    }
}

/// When a refused command is worth asking again, where that is known: a start by its verdict, an end by the
/// instant until which the pause is held.
pub(super) fn next_change_at(
    agent: &Agent,
    request: &Request,
    rejection: &Rejection,
    context: &Context,
) -> Option<Timestamp> {
    if let Rejection::Refused(Refusal::Held { until } | Refusal::EntitlementMinimum { until }) = rejection {
        return Some(*until);
    }
    let (Rejection::Refused(_), Command::StartPause { pause_type, replaces, overriding, .. }) =
        (rejection, &request.command)
    else {
        return None;
    };
    let verdict = agent.verdict_for(&request.actor, pause_type, *replaces, *overriding, context);
    verdict.code.and(verdict.next_change_at)
}

fn minute_of(at: Timestamp) -> i64 {
    at.0.div_euclid(MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lunch() -> PauseTypeCode {
        PauseTypeCode::new("lunch").expect("an id")
    }

    #[test]
    fn the_first_is_due_at_once_and_the_rest_of_its_minute_as_one() {
        let mut refusals = Refusals::default();
        let (start, later) = (Timestamp(60_000), Timestamp(90_000));
        refusals.add(&lunch(), "outside_window", start);
        assert_eq!(refusals.due(start).len(), 1);
        refusals.journaled(start);
        for _ in 0..5 {
            refusals.add(&lunch(), "outside_window", later);
        }
        assert_eq!(refusals.due(later), vec![]);
        let over = refusals.next_deadline().expect("a deadline");
        assert_eq!(over, Timestamp(120_000));
        assert_eq!(refusals.due(over), vec![RefusalCount { pause_type: lunch(), code: "outside_window", count: 5 }]);
        refusals.journaled(over);
        assert!(refusals.is_empty());
    }

    #[test]
    fn what_could_not_be_journaled_stays_due() {
        let mut refusals = Refusals::default();
        refusals.add(&lunch(), "type_disabled", Timestamp(0));
        refusals.add(&lunch(), "type_disabled", Timestamp(1));
        let counts: Vec<u32> = refusals.due(Timestamp(70_000)).iter().map(|due| due.count).collect();
        assert_eq!(counts, vec![1, 1]);
        assert_eq!(refusals.due(Timestamp(70_000)).len(), 2);
    }

    #[test]
    fn types_told_apart_are_bounded() {
        let mut refusals = Refusals::default();
        for n in 0..1000 {
            let code = PauseTypeCode::new(&format!("t{n}")).expect("an id");
            refusals.add(&code, "unknown_type", Timestamp(0));
        }
        assert_eq!(refusals.due(Timestamp(0)).len(), TALLIES_MAX);
    }
}
