//! Slots: how many of a team may be on pauses of a type at once, who takes one, and who waits for one (semantics §3
//! `cap`, §4).
//!
//! [`Slots`] is kept by whoever orders events, who holds every start and every offer to it; [`Counts`] is what of it
//! decisions look at.

mod counts;
mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::Directory;
use super::event::{AgentEvent, AgentEventBody, PauseStarted};
use super::findings::waived;
use super::id::{AgentId, TeamId};
use super::policy::{Cap, PauseType, Policy};
use super::time::Timestamp;

pub use counts::{Asker, Counts, Room};
pub use standing::{Standing, Taken, Waiter};

/// The code of the rule that the caps are.
pub const SLOTS_FULL: &str = "slots_full";

/// The teams whose slots a pause of a type takes: those of the agent that it is offered to.
pub fn slots_of(teams: &[TeamId], pause_type: &PauseType) -> Box<[TeamId]> {
    let offered = |team: &&TeamId| pause_type.teams.as_ref().is_none_or(|only| only.contains(*team));
    teams.iter().filter(offered).cloned().collect()
}

/// The starts among events that take slots, each with when it is and whether the caps were set aside for it.
fn starts(events: &[AgentEvent]) -> impl Iterator<Item = (Timestamp, &PauseStarted, bool)> {
    let set_aside = |started: &PauseStarted| {
        let of_caps = waived(SLOTS_FULL);
        events.iter().any(|event| {
            matches!(&event.body, AgentEventBody::FindingRecorded { code, pause }
                if *pause == Some(started.id) && *code == of_caps)
        })
    };
    events.iter().filter_map(move |event| {
        let AgentEventBody::PauseStarted(started) = &event.body else { return None };
        started.terms.is_some().then(|| (event.at, &**started, set_aside(started)))
    })
}

/// What every agent of a tenant is to the caps.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    /// Whoever is something to them.
    standings: BTreeMap<AgentId, Standing>,
    counts: Arc<Counts>,
}

impl Slots {
    /// The slots of a tenant whose agents stand so.
    pub fn new(standings: BTreeMap<AgentId, Standing>, policy: &Policy, directory: &Directory) -> Slots {
        let mut slots = Slots { standings, counts: Arc::default() };
        slots.count_anew(policy, directory);
        slots
    }

    /// What decisions look at.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Another policy or directory is in force: other caps, or other people in the teams.
    pub fn count_anew(&mut self, policy: &Policy, directory: &Directory) {
        let mut counts = Counts::asked_by(policy);
        for (agent, standing) in &self.standings {
            counts.add(agent, standing, teams_of(agent, directory));
        }
        self.counts = Arc::new(counts);
    }

    /// An agent stands otherwise from here on; answers with how they stood.
    pub fn put(&mut self, agent: &AgentId, standing: Standing, directory: &Directory) -> Standing {
        let before = match standing.is_nothing() {
            true => self.standings.remove(agent),
            false => self.standings.insert(agent.clone(), standing.clone()),
        };
        let before = before.unwrap_or_default();
        let teams = teams_of(agent, directory);
        if self.counts.move_with(&before, &standing, teams) {
            let counts = Arc::make_mut(&mut self.counts);
            counts.take_away(agent, &before, teams);
            counts.add(agent, &standing, teams);
        }
        before
    }

    /// True when an agent's events take nothing that is not theirs: every cap leaves room for each start, nobody who waits
    /// is passed by, an offer is made in turn, who lets one pass goes behind the next and no further, and caps are set aside
    /// only where they leave no room.
    pub fn allow(&self, agent: &AgentId, events: &[AgentEvent], policy: &Policy, directory: &Directory) -> bool {
        let offered = events.iter().find(|event| matches!(event.body, AgentEventBody::Offered { .. }));
        offered.is_none_or(|offered| self.is_turn_of(agent, policy, offered.at))
            && events.iter().all(|event| self.is_place_of(agent, &event.body))
            // What is set aside must stand in the way: the finding is evidence.
            && starts(events).all(|(at, started, aside)| self.have_room(agent, started, at, policy, directory) != aside)
    }

    fn is_turn_of(&self, agent: &AgentId, policy: &Policy, at: Timestamp) -> bool {
        self.waiter(agent).is_some_and(|waiter| {
            let rules = policy.types.get(&waiter.pause_type).and_then(|found| found.kind.rules());
            rules.is_some_and(|rules| self.counts.is_turn_of(agent, &waiter.pause_type, rules, at))
        })
    }

    /// False for the place of an offer let pass when the line has moved since it was looked up.
    fn is_place_of(&self, agent: &AgentId, body: &AgentEventBody) -> bool {
        let AgentEventBody::OfferExpired { place: Some(place), .. } = body else { return true };
        let behind = |waiter: &Waiter| self.counts.place_behind_next(agent, &waiter.pause_type, waiter.place);
        self.waiter(agent).is_none_or(|waiter| behind(waiter) == *place)
    }

    fn waiter(&self, agent: &AgentId) -> Option<&Waiter> {
        self.standings.get(agent)?.waiting.as_deref()
    }

    fn have_room(
        &self,
        agent: &AgentId,
        started: &PauseStarted,
        at: Timestamp,
        policy: &Policy,
        directory: &Directory,
    ) -> bool {
        let code = &started.pause_type;
        let Some(rules) = policy.types.get(code).and_then(|found| found.kind.rules()) else { return true };
        let none = Standing::default();
        let standing = self.standings.get(agent).unwrap_or(&none);
        let kept = standing.waiting.as_ref().filter(|waiter| waiter.offered && waiter.pause_type == *code);
        let teams = teams_of(agent, directory);
        started.place.slots.iter().all(|team| {
            let offered = kept.is_some_and(|waiter| waiter.teams.contains(team));
            let asker = Asker { available: standing.available && teams.contains(team), offered };
            let full = |cap: &Cap| self.counts.room(code, team, *cap, asker).is_full();
            rules
                .cap
                .get(team)
                .is_none_or(|cap| !full(cap) && (offered || !self.counts.others_wait(agent, code, team, at)))
        })
    }

    /// Those whose turn it is by `now`, of whichever type.
    pub fn turns(&self, policy: &Policy, now: Timestamp) -> Vec<AgentId> {
        let lines = self.counts.waited_for().filter_map(|code| Some((code, policy.types.get(code)?.kind.rules()?)));
        lines.flat_map(|(code, rules)| self.counts.turns(code, rules, now)).collect()
    }
}

fn teams_of<'d>(agent: &AgentId, directory: &'d Directory) -> &'d [TeamId] {
    directory.agents.get(agent).map_or(&[], |person| &person.teams)
}
