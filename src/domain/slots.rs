//! Slots: how many of a team may be on pauses of a type at once, and who takes one (semantics §3 `cap`, §4).
//!
//! [`Slots`] is kept by whoever orders events, who holds every start to it; [`Counts`] is what of it decisions look at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::agent::{Agent, Status};
use super::directory::Directory;
use super::event::{AgentEvent, AgentEventBody, PauseStarted};
use super::id::{AgentId, PauseTypeCode, TeamId};
use super::policy::{Cap, PauseType, Policy};
use super::rules::waived_code;

/// The code of the rule that the caps are.
pub const SLOTS_FULL: &str = "slots_full";

/// What one agent is to the caps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The slots that the running pause takes: those of its type, in these teams.
    pub taken: Option<(PauseTypeCode, Box<[TeamId]>)>,
    /// At least one socket is open.
    pub connected: bool,
    /// Ready for work, with a socket open.
    pub available: bool,
}

impl Standing {
    /// What an agent is to the caps. A protected pause takes no slot, and the pause around one keeps its own.
    pub fn of(agent: &Agent) -> Standing {
        let connected = agent.is_connected();
        Standing {
            taken: agent.pause().map(|pause| (pause.pause_type.clone(), pause.place.slots.clone())),
            connected,
            available: connected && agent.status == Status::Available,
        }
    }
}

/// How much is taken of what the caps in force ask about, and how many are there, where a cap asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    taken: BTreeMap<PauseTypeCode, BTreeMap<TeamId, u32>>,
    connected: BTreeMap<TeamId, u32>,
    available: BTreeMap<TeamId, u32>,
}

/// How full a team is of a type, for one agent who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How many are on pauses of the type.
    pub used: u32,
    /// How many may be.
    pub of: u32,
}

impl Room {
    /// True when nobody else may begin one.
    pub fn is_full(self) -> bool {
        self.used >= self.of
    }
}

impl Counts {
    /// How much room a cap leaves in a team. `available`: whoever asks is counted among the available themselves, and
    /// would be so no more; whether they took `unavailable` first makes no difference.
    ///
    /// A percentage is rounded down, but one slot there always is: with few people there it would else be none.
    pub fn room(&self, pause_type: &PauseTypeCode, team: &TeamId, cap: Cap, available: bool) -> Room {
        let used = self.taken.get(pause_type).and_then(|teams| teams.get(team)).copied().unwrap_or(0);
        let of = match cap {
            Cap::AtMost(most) => most,
            Cap::Percent(percent) => {
                let connected = self.connected.get(team).copied().unwrap_or(0);
                let share = u64::from(connected) * u64::from(percent) / 100;
                u32::try_from(share).unwrap_or(u32::MAX).max(1)
            }
            Cap::KeepAvailable(least) => {
                let others = self.available.get(team).copied().unwrap_or(0).saturating_sub(u32::from(available));
                used.saturating_add((others + 1).saturating_sub(least))
            }
        };
        Room { used, of }
    }

    /// Nothing is taken yet of all that the policy has caps for, and nobody is there.
    fn asked_by(policy: &Policy) -> Counts {
        let mut counts = Counts::default();
        for pause_type in policy.types.values() {
            for (team, cap) in pause_type.kind.rules().iter().flat_map(|rules| &rules.cap) {
                counts.taken.entry(pause_type.code.clone()).or_default().insert(team.clone(), 0);
                match cap {
                    Cap::AtMost(_) => {}
                    Cap::Percent(_) => drop(counts.connected.insert(team.clone(), 0)),
                    Cap::KeepAvailable(_) => drop(counts.available.insert(team.clone(), 0)),
                }
            }
        }
        counts
    }

    /// Adds what an agent of these teams is, or takes it away again.
    fn count(&mut self, standing: &Standing, teams: &[TeamId], count: fn(&mut u32)) {
        if let Some((pause_type, slots)) = &standing.taken
            && let Some(taken) = self.taken.get_mut(pause_type)
        {
            slots.iter().for_each(|team| taken.get_mut(team).into_iter().for_each(count));
        }
        let there = [(standing.connected, &mut self.connected), (standing.available, &mut self.available)];
        for (_, counts) in there.into_iter().filter(|(is, _)| *is) {
            teams.iter().for_each(|team| counts.get_mut(team).into_iter().for_each(count));
        }
    }

    /// True when the counts are others after an agent of these teams stands otherwise.
    fn move_with(&self, before: &Standing, after: &Standing, teams: &[TeamId]) -> bool {
        let counts_slot = |standing: &Standing| {
            standing.taken.as_ref().is_some_and(|(pause_type, slots)| {
                self.taken.get(pause_type).is_some_and(|taken| slots.iter().any(|team| taken.contains_key(team)))
            })
        };
        let counts_team = |counts: &BTreeMap<TeamId, u32>| teams.iter().any(|team| counts.contains_key(team));
        (before.taken != after.taken && (counts_slot(before) || counts_slot(after)))
            || (before.connected != after.connected && counts_team(&self.connected))
            || (before.available != after.available && counts_team(&self.available))
    }
}

/// The teams whose slots a pause of a type takes: those of the agent that it is offered to.
pub fn slots_of(teams: &[TeamId], pause_type: &PauseType) -> Box<[TeamId]> {
    let offered = |team: &&TeamId| pause_type.teams.as_ref().is_none_or(|only| only.contains(*team));
    teams.iter().filter(offered).cloned().collect()
}

/// The starts among events that take slots: those of which the caps are not set aside.
pub fn starts(events: &[AgentEvent]) -> impl Iterator<Item = &PauseStarted> {
    let set_aside = move |started: &PauseStarted| {
        events.iter().any(|event| match &event.body {
            AgentEventBody::FindingRecorded { code, pause } => {
                *pause == Some(started.id) && *code == waived_code(SLOTS_FULL)
            }
            _ => false,
        })
    };
    events.iter().filter_map(move |event| match &event.body {
        AgentEventBody::PauseStarted(started) if started.terms.is_some() && !set_aside(started) => Some(&**started),
        _ => None,
    })
}

/// What every agent of a tenant is to the caps.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    /// Whoever is something to them.
    standings: HashMap<AgentId, Standing>,
    counts: Arc<Counts>,
}

impl Slots {
    /// The slots of a tenant whose agents stand so.
    pub fn new(standings: HashMap<AgentId, Standing>, policy: &Policy, directory: &Directory) -> Slots {
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
            counts.count(standing, teams_of(agent, directory), add);
        }
        self.counts = Arc::new(counts);
    }

    /// An agent stands otherwise from here on; answers with how they stood.
    pub fn put(&mut self, agent: &AgentId, standing: Standing, directory: &Directory) -> Standing {
        let before = match standing == Standing::default() {
            true => self.standings.remove(agent),
            false => self.standings.insert(agent.clone(), standing.clone()),
        };
        let before = before.unwrap_or_default();
        let teams = teams_of(agent, directory);
        if self.counts.move_with(&before, &standing, teams) {
            let counts = Arc::make_mut(&mut self.counts);
            counts.count(&before, teams, take_away);
            counts.count(&standing, teams, add);
        }
        before
    }

    /// True when every cap leaves room for this start by this agent.
    pub fn have_room(&self, agent: &AgentId, started: &PauseStarted, policy: &Policy) -> bool {
        let Some(rules) = policy.types.get(&started.pause_type).and_then(|found| found.kind.rules()) else {
            return true;
        };
        let available = self.standings.get(agent).is_some_and(|standing| standing.available);
        started.place.slots.iter().all(|team| {
            let room = |cap: &Cap| self.counts.room(&started.pause_type, team, *cap, available);
            rules.cap.get(team).is_none_or(|cap| !room(cap).is_full())
        })
    }
}

fn teams_of<'d>(agent: &AgentId, directory: &'d Directory) -> &'d [TeamId] {
    directory.agents.get(agent).map_or(&[], |person| &person.teams)
}

fn add(count: &mut u32) {
    *count += 1;
}

fn take_away(count: &mut u32) {
    *count = count.saturating_sub(1);
}
