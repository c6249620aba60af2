//! The journal of a rush, event by event: never too many away, everybody once a round, and their places in line.
//!
//! Pure: events in the order of their numbers and what the agents were told of offers go in, breaches come out.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Account, Wait};
use super::turns::{DAY_MS, SLACK_MS, Turns};
use crate::load::breaches::Breaches;
use crate::load::journal::Event;

/// Somebody waits in line.
pub(super) const QUEUED: &str = "pause.queued";
/// Somebody does not wait any more, and was not let in.
pub(super) const LEFT: &str = "pause.left_queue";
/// Somebody let an offer pass.
pub(super) const EXPIRED: &str = "pause.offer_expired";
/// Somebody is away.
pub(super) const STARTED: &str = "pause.started";
/// Somebody is back.
pub(super) const ENDED: &str = "pause.ended";
/// All that matters here.
pub(super) const KINDS: [&str; 5] = [QUEUED, LEFT, EXPIRED, STARTED, ENDED];

/// How long an offer holds (semantics §4), in milliseconds.
const OFFER_MS: i64 = 60_000;

/// What the agents of a rush were told.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// By agent: the pauses that were acknowledged, and the stays in line.
    agents: BTreeMap<String, (Vec<String>, Vec<Wait>)>,
}

impl Told {
    /// What these were.
    pub(super) fn of(accounts: &[Account]) -> Told {
        let told =
            |account: &Account| (account.agent().to_owned(), (account.pauses().to_vec(), account.waits().to_vec()));
        Told { agents: accounts.iter().map(told).collect() }
    }

    /// The n-th stay in line of an agent.
    fn wait(&self, agent: &str, nth: usize) -> Wait {
        self.agents.get(agent).and_then(|(_, waits)| waits.get(nth)).cloned().unwrap_or_default()
    }
}

/// Holds the journal of so many rounds to what may be.
pub(super) fn check(journal: &[Event], told: &Told, slots: usize, rounds: usize) -> Breaches {
    let mut fold = Fold::of(told, slots);
    journal.iter().for_each(|event| fold.take(event));
    fold.end(rounds)
}

struct Fold<'t> {
    told: &'t Told,
    slots: usize,
    /// The pause of whoever is away.
    away: BTreeMap<String, String>,
    /// Who waits.
    line: BTreeSet<String>,
    /// Who came to the line since it was last empty.
    came: Vec<Came>,
    turns: Turns,
    /// How often each has waited.
    waits: BTreeMap<String, usize>,
    pauses: BTreeMap<String, Vec<String>>,
    breaches: Breaches,
}

/// Somebody who came to the line.
#[derive(Debug)]
struct Came {
    seq: u64,
    agent: String,
    /// The millisecond of the day.
    at: i64,
    /// The place that was told while nobody had left the line.
    told: Option<u64>,
}

impl<'t> Fold<'t> {
    fn of(told: &'t Told, slots: usize) -> Fold<'t> {
        Fold {
            told,
            slots,
            away: BTreeMap::new(),
            line: BTreeSet::new(),
            came: Vec::new(),
            turns: Turns::default(),
            waits: BTreeMap::new(),
            pauses: BTreeMap::new(),
            breaches: Breaches::none(),
        }
    }

    fn take(&mut self, event: &Event) {
        let Some(agent) = event.agent.as_deref().filter(|agent| self.told.agents.contains_key(*agent)) else {
            self.breaches.add(format!("event {} is of {:?}, who asked for nothing", event.seq, event.agent));
            return;
        };
        let Some(at) = millis_of_day(&event.at) else {
            self.breaches.add(format!("event {} has no instant: {:?}", event.seq, event.at));
            return;
        };
        match event.kind.as_str() {
            QUEUED => self.queued(event.seq, agent, at),
            STARTED => self.started(event, agent, at),
            ENDED => self.ended(event, agent, at),
            LEFT | EXPIRED => self.breaches.add(format!("event {}: {agent} had {}", event.seq, event.kind)),
            other => self.breaches.add(format!("event {} is {other}, which was not asked for", event.seq)),
        }
    }

    fn queued(&mut self, seq: u64, agent: &str, at: i64) {
        let nth = self.waits.entry(agent.to_owned()).or_default();
        let Wait { position, line_was_whole, expires_at } = self.told.wait(agent, *nth);
        *nth += 1;
        match expires_at.as_deref().and_then(millis_of_day) {
            Some(expires) => self.turns.waited(seq, agent, at, expires - OFFER_MS),
            None => self.breaches.add(format!("{agent} waited and was offered nothing")),
        }
        self.line.insert(agent.to_owned());
        let told = line_was_whole.then_some(position.unwrap_or(0));
        self.came.push(Came { seq, agent: agent.to_owned(), at, told });
    }

    /// The line is empty: looks at the places that were told while nobody had left it.
    fn look_at_places(&mut self) {
        // Over midnight too: nobody waits for a day.
        let base = self.came.first().map_or(0, |came| came.at - SLACK_MS);
        self.came.iter_mut().for_each(|came| came.at = (came.at - base).rem_euclid(DAY_MS));
        for Came { seq, agent, at, told } in &self.came {
            let Some(told) = *told else { continue };
            // Who asked in the same millisecond, or is in another order in the journal, may stand before or behind.
            let others = || self.came.iter().filter(|other| other.seq != *seq);
            let before = others().filter(|other| other.at < *at && other.seq < *seq).count() as u64;
            let perhaps = others().filter(|other| other.at <= *at).count() as u64;
            self.breaches.hold((before + 1..=perhaps + 1).contains(&told), || {
                format!("event {seq}: {agent} stands behind {before} to {perhaps} others and was told place {told}")
            });
        }
        self.came.clear();
    }

    fn started(&mut self, event: &Event, agent: &str, at: i64) {
        if self.line.remove(agent) {
            if self.line.is_empty() {
                self.look_at_places();
            }
        } else {
            self.turns.let_in(event.seq, agent, at);
        }
        let pause = event.data.pause.clone().unwrap_or_default();
        self.pauses.entry(agent.to_owned()).or_default().push(pause.clone());
        if let Some(before) = self.away.insert(agent.to_owned(), pause) {
            self.breaches.add(format!("event {}: {agent} goes away and is on the pause {before}", event.seq));
        }
        let (away, slots) = (self.away.len(), self.slots);
        self.breaches.hold(away <= slots, || format!("event {}: {away} are away, {slots} may be", event.seq));
    }

    fn ended(&mut self, event: &Event, agent: &str, at: i64) {
        self.turns.ended(at);
        let ended = self.away.remove(agent);
        self.breaches.hold(ended.is_some() && ended == event.data.pause, || {
            format!("event {}: {agent} ends {:?} and is on {ended:?}", event.seq, event.data.pause)
        });
    }

    fn end(mut self, rounds: usize) -> Breaches {
        for (agent, pause) in &self.away {
            self.breaches.add(format!("{agent} is on the pause {pause} at the end"));
        }
        for agent in &self.line {
            self.breaches.add(format!("{agent} stands in line at the end"));
        }
        for (agent, (acked, _)) in &self.told.agents {
            let had = self.pauses.remove(agent).unwrap_or_default();
            let (count, same) = (had.len(), had == *acked);
            self.breaches.hold(count == rounds, || format!("{agent} had {count} pauses in {rounds} rounds"));
            self.breaches.hold(same, || format!("{agent} was acknowledged {acked:?}, the journal has {had:?}"));
        }
        self.breaches.add_all(self.turns.check(self.slots));
        self.breaches
    }
}

/// The milliseconds of the day of `2026-11-22T20:57:49.123Z`.
fn millis_of_day(instant: &str) -> Option<i64> {
    let (_, time) = instant.strip_suffix('Z')?.split_once('T')?;
    let (seconds, millis) = time.split_once('.')?;
    let mut parts = seconds.split(':').map(str::parse::<i64>);
    let mut next = || parts.next()?.ok();
    let (hours, minutes, seconds) = (next()?, next()?, next()?);
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis.parse::<i64>().ok()?)
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
