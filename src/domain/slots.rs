//! Slots: how many of a team may be on pauses of a type at once, who takes one, and who waits for one (semantics §3
//! `cap`, §4).
//!
//! [`Slots`] is kept by whoever orders events, who holds every start to it; [`Counts`] is what of it decisions look at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::agent::{Agent, Status};
use super::directory::Directory;
use super::event::{AgentEvent, AgentEventBody, PauseStarted};
use super::id::{AgentId, PauseTypeCode, TeamId};
use super::policy::{Cap, PauseRules, PauseType, Policy};
use super::queue::Place;
use super::rules::waived_code;
use super::time::Timestamp;

/// The code of the rule that the caps are.
pub const SLOTS_FULL: &str = "slots_full";

/// What one agent is to the caps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The running pause, where it takes slots.
    pub taken: Option<Taken>,
    /// The place in a line.
    pub waiting: Option<Arc<Waiter>>,
    /// At least one socket is open.
    pub connected: bool,
    /// Ready for work, with a socket open, and not about to go: a slot that is kept for them counts as taken.
    pub available: bool,
}

/// A running pause, as the caps see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// The teams of which it takes a slot each.
    pub teams: Box<[TeamId]>,
    /// When its limit is reached.
    pub ends_at: Option<Timestamp>,
}

/// One who waits, as the line sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// The type that is waited for.
    pub pause_type: PauseTypeCode,
    /// The teams of which a slot each is needed.
    pub teams: Box<[TeamId]>,
    /// Where in the line.
    pub place: Place,
    /// A slot of each team is kept for them.
    pub offered: bool,
    /// They could take an offer.
    pub ready: bool,
    /// They are counted among the available.
    pub available: bool,
}

impl Standing {
    /// What an agent is to the caps. A protected pause takes no slot, and the pause around one keeps its own.
    pub fn of(agent: &Agent) -> Standing {
        let connected = agent.is_connected();
        let offered = agent.queue.as_ref().is_some_and(|waiting| waiting.offer.is_some());
        let available = connected && agent.status == Status::Available && !offered;
        Standing {
            taken: agent.pause().map(|pause| Taken {
                pause_type: pause.pause_type.clone(),
                teams: pause.place.slots.clone(),
                ends_at: pause.limit_at(),
            }),
            waiting: agent.queue.as_deref().map(|waiting| {
                Arc::new(Waiter {
                    pause_type: waiting.pause_type.clone(),
                    teams: waiting.slots.clone(),
                    place: waiting.place,
                    offered: waiting.offer.is_some(),
                    ready: agent.can_take_offers(),
                    available,
                })
            }),
            connected,
            available,
        }
    }

    fn is_nothing(&self) -> bool {
        *self == Standing::default()
    }
}

/// Who asks for room in a team, as they are counted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asker {
    /// Among its available.
    pub available: bool,
    /// Among those for whom one of its slots is kept.
    pub offered: bool,
}

/// What is taken of one team's slots of a type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct TeamSlots {
    /// Pauses that run, and slots that are kept for those with an offer.
    used: u32,
    /// When how many of the pauses reach their limit.
    ends: BTreeMap<Timestamp, u32>,
}

/// One who waits, with the teams that they are in by now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InLine {
    waiter: Arc<Waiter>,
    teams: Box<[TeamId]>,
}

impl InLine {
    /// How they are counted in a team.
    fn asks(&self, team: &TeamId) -> Asker {
        Asker { available: self.waiter.available && self.teams.contains(team), offered: false }
    }
}

/// How much is taken of what the caps in force ask about, who waits for it, and how many are there, where a cap asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    taken: BTreeMap<PauseTypeCode, BTreeMap<TeamId, TeamSlots>>,
    lines: BTreeMap<PauseTypeCode, BTreeMap<(Place, AgentId), Arc<InLine>>>,
    /// How many wait for slots of teams that have no cap any more: their turn is now, however full others are.
    uncapped: BTreeMap<PauseTypeCode, u32>,
    connected: BTreeMap<TeamId, u32>,
    available: BTreeMap<TeamId, u32>,
}

/// How full a team is of a type, for one agent who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How many are on pauses of the type, or have a slot kept for them.
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
    /// How much room a cap leaves in a team for whoever asks. They are not counted themselves: neither among the available,
    /// whether or not they took `unavailable` first, nor the slot that is kept for them.
    ///
    /// A percentage is rounded down, but one slot there always is: with few people there it would else be none.
    pub fn room(&self, pause_type: &PauseTypeCode, team: &TeamId, cap: Cap, asker: Asker) -> Room {
        let used = self.slots(pause_type, team).map_or(0, |slots| slots.used);
        let used = used.saturating_sub(u32::from(asker.offered));
        let of = match cap {
            Cap::AtMost(most) => most,
            Cap::Percent(percent) => {
                let connected = self.connected.get(team).copied().unwrap_or(0);
                let share = u64::from(connected) * u64::from(percent) / 100;
                u32::try_from(share).unwrap_or(u32::MAX).max(1)
            }
            Cap::KeepAvailable(least) => {
                let available = self.available.get(team).copied().unwrap_or(0);
                let others = available.saturating_sub(u32::from(asker.available));
                used.saturating_add((others + 1).saturating_sub(least))
            }
        };
        Room { used, of }
    }

    fn slots(&self, pause_type: &PauseTypeCode, team: &TeamId) -> Option<&TeamSlots> {
        self.taken.get(pause_type)?.get(team)
    }

    fn in_line(&self, pause_type: &PauseTypeCode) -> impl Iterator<Item = (&AgentId, &InLine)> {
        self.lines.get(pause_type).into_iter().flatten().map(|((_, id), in_line)| (id, &**in_line))
    }

    fn line(&self, pause_type: &PauseTypeCode) -> impl Iterator<Item = (&AgentId, &Waiter)> {
        self.in_line(pause_type).map(|(id, in_line)| (id, &*in_line.waiter))
    }

    /// True when somebody else who could take it waits for a slot of this team.
    pub fn others_wait(&self, agent: &AgentId, pause_type: &PauseTypeCode, team: &TeamId) -> bool {
        let waits = |waiter: &Waiter| waiter.ready && !waiter.offered && waiter.teams.contains(team);
        self.line(pause_type).any(|(id, waiter)| id != agent && waits(waiter))
    }

    /// Where in the line for these teams an agent stands or would stand, counted from 1.
    pub fn position(&self, agent: &AgentId, pause_type: &PauseTypeCode, teams: &[TeamId]) -> u32 {
        let before = self.line(pause_type).take_while(|(id, _)| *id != agent);
        let shares = before.filter(|(_, waiter)| waiter.teams.iter().any(|team| teams.contains(team)));
        u32::try_from(shares.count()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// How many stand before an agent in the line for these teams for whom no slot is kept yet.
    pub fn unoffered_before(&self, agent: &AgentId, pause_type: &PauseTypeCode, teams: &[TeamId]) -> u32 {
        let before = self.line(pause_type).take_while(|(id, _)| *id != agent);
        let waits = |waiter: &Waiter| !waiter.offered && waiter.teams.iter().any(|team| teams.contains(team));
        u32::try_from(before.filter(|(_, waiter)| waits(waiter)).count()).unwrap_or(u32::MAX)
    }

    /// When the next one after so many has a slot in a team, if all pauses end at their limit; none where too few have
    /// one.
    pub fn free_at(&self, pause_type: &PauseTypeCode, team: &TeamId, room: Room, before: u32) -> Option<Timestamp> {
        let to_end = before.saturating_add(1).saturating_sub(room.of.saturating_sub(room.used)).max(1);
        let mut ended = 0;
        let ends = &self.slots(pause_type, team)?.ends;
        ends.iter().find_map(|(at, count)| {
            ended += count;
            (ended >= to_end).then_some(*at)
        })
    }

    /// Those whose turn it is: for whom a slot is free in each team that they wait for, the longest waiting first. What the
    /// first of those has for whom there is not enough yet is kept for them, so that nobody waits for good.
    pub fn turns(&self, pause_type: &PauseTypeCode, rules: &PauseRules) -> Vec<AgentId> {
        let (mut free, mut turns, mut kept) = (self.free_at_most(pause_type, rules), Vec::new(), false);
        let mut promised: BTreeMap<&TeamId, u32> = BTreeMap::new();
        let can_take = |in_line: &InLine| in_line.waiter.ready && !in_line.waiter.offered;
        for (id, in_line) in self.in_line(pause_type).filter(|(_, in_line)| can_take(in_line)) {
            if free == 0 {
                break;
            }
            let waiter = &*in_line.waiter;
            let is_free = |team: &TeamId| {
                rules.cap.get(team).is_none_or(|cap| {
                    let room = self.room(pause_type, team, *cap, in_line.asks(team));
                    room.used.saturating_add(promised.get(team).copied().unwrap_or(0)) < room.of
                })
            };
            let found: Vec<&TeamId> = waiter.teams.iter().filter(|team| is_free(team)).collect();
            let is_turn = found.len() == waiter.teams.len();
            if is_turn || !kept {
                for team in found {
                    *promised.entry(team).or_default() += 1;
                    free = free.saturating_sub(u64::from(rules.cap.contains_key(team)));
                }
            }
            if is_turn {
                turns.push(id.clone());
            } else {
                kept = true;
            }
        }
        turns
    }

    /// No more slots than this are free in all teams together, whoever asks; as many as one likes where a team that is
    /// waited for has no cap.
    fn free_at_most(&self, pause_type: &PauseTypeCode, rules: &PauseRules) -> u64 {
        let Some(taken) = self.taken.get(pause_type) else { return u64::MAX };
        if self.uncapped.contains_key(pause_type) {
            return u64::MAX;
        }
        let room = |team: &TeamId| Some(self.room(pause_type, team, *rules.cap.get(team)?, Asker::default()));
        taken.keys().filter_map(room).map(|room| u64::from(room.of.saturating_sub(room.used))).sum()
    }

    /// True when it is this agent's turn.
    pub fn is_turn_of(&self, agent: &AgentId, pause_type: &PauseTypeCode, rules: &PauseRules) -> bool {
        self.turns(pause_type, rules).contains(agent)
    }

    /// The place right behind the next one who waits for a slot of the same team; that of the agent, where there is none.
    pub fn place_behind_next(&self, agent: &AgentId, pause_type: &PauseTypeCode, own: Place) -> Place {
        let mut from_own = self.line(pause_type).skip_while(|(id, _)| *id != agent);
        let Some((_, waiter)) = from_own.next() else { return own };
        let shares = |next: &Waiter| next.teams.iter().any(|team| waiter.teams.contains(team));
        from_own.find(|(_, next)| shares(next)).map_or(own, |(_, next)| next.place.next())
    }

    /// Nothing is taken yet of all that the policy has caps for, and nobody is there.
    fn asked_by(policy: &Policy) -> Counts {
        let mut counts = Counts::default();
        for pause_type in policy.types.values() {
            for (team, cap) in pause_type.kind.rules().iter().flat_map(|rules| &rules.cap) {
                counts.taken.entry(pause_type.code.clone()).or_default().entry(team.clone()).or_default();
                match cap {
                    Cap::AtMost(_) => {}
                    Cap::Percent(_) => drop(counts.connected.insert(team.clone(), 0)),
                    Cap::KeepAvailable(_) => drop(counts.available.insert(team.clone(), 0)),
                }
            }
        }
        counts
    }

    /// Counts an agent of these teams in.
    fn add(&mut self, agent: &AgentId, standing: &Standing, teams: &[TeamId]) {
        if let Some(Taken { pause_type, teams, ends_at }) = &standing.taken {
            self.each_slot(pause_type, teams, |slots| {
                slots.used += 1;
                ends_at.iter().for_each(|at| *slots.ends.entry(*at).or_default() += 1);
            });
        }
        if let Some(waiter) = &standing.waiting {
            if waiter.offered {
                self.each_slot(&waiter.pause_type, &waiter.teams, |slots| slots.used += 1);
            }
            if !self.is_capped(waiter) {
                *self.uncapped.entry(waiter.pause_type.clone()).or_default() += 1;
            }
            let line = self.lines.entry(waiter.pause_type.clone()).or_default();
            let in_line = InLine { waiter: Arc::clone(waiter), teams: teams.into() };
            line.insert((waiter.place, agent.clone()), Arc::new(in_line));
        }
        self.each_team(standing, teams, |count| *count += 1);
    }

    /// Counts an agent of these teams out again.
    fn take_away(&mut self, agent: &AgentId, standing: &Standing, teams: &[TeamId]) {
        if let Some(Taken { pause_type, teams, ends_at }) = &standing.taken {
            self.each_slot(pause_type, teams, |slots| {
                slots.used = slots.used.saturating_sub(1);
                let Some(at) = ends_at else { return };
                if let Some(count) = slots.ends.get_mut(at) {
                    *count -= 1;
                    if *count == 0 {
                        slots.ends.remove(at);
                    }
                }
            });
        }
        if let Some(waiter) = &standing.waiting {
            if waiter.offered {
                self.each_slot(&waiter.pause_type, &waiter.teams, |slots| slots.used = slots.used.saturating_sub(1));
            }
            if !self.is_capped(waiter)
                && let Some(count) = self.uncapped.get_mut(&waiter.pause_type)
            {
                *count -= 1;
            }
            self.uncapped.retain(|_, count| *count > 0);
            if let Some(line) = self.lines.get_mut(&waiter.pause_type) {
                line.remove(&(waiter.place, agent.clone()));
            }
            self.lines.retain(|_, line| !line.is_empty());
        }
        self.each_team(standing, teams, |count| *count = count.saturating_sub(1));
    }

    fn is_capped(&self, waiter: &Waiter) -> bool {
        waiter.teams.iter().any(|team| self.slots(&waiter.pause_type, team).is_some())
    }

    fn each_slot(&mut self, pause_type: &PauseTypeCode, teams: &[TeamId], count: impl Fn(&mut TeamSlots)) {
        let Some(taken) = self.taken.get_mut(pause_type) else { return };
        teams.iter().for_each(|team| taken.get_mut(team).into_iter().for_each(&count));
    }

    fn each_team(&mut self, standing: &Standing, teams: &[TeamId], count: fn(&mut u32)) {
        let there = [(standing.connected, &mut self.connected), (standing.available, &mut self.available)];
        for (_, counts) in there.into_iter().filter(|(is, _)| *is) {
            teams.iter().for_each(|team| counts.get_mut(team).into_iter().for_each(count));
        }
    }

    /// True when the counts are others after an agent of these teams stands otherwise.
    fn move_with(&self, before: &Standing, after: &Standing, teams: &[TeamId]) -> bool {
        let counts_slot = |standing: &Standing| {
            let taken = standing.taken.as_ref();
            taken.is_some_and(|taken| taken.teams.iter().any(|team| self.slots(&taken.pause_type, team).is_some()))
        };
        let counts_team = |counts: &BTreeMap<TeamId, u32>| teams.iter().any(|team| counts.contains_key(team));
        before.waiting != after.waiting
            || (before.taken != after.taken && (counts_slot(before) || counts_slot(after)))
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
fn starts(events: &[AgentEvent]) -> impl Iterator<Item = &PauseStarted> {
    let set_aside = |started: &PauseStarted| {
        let of_caps = waived_code(SLOTS_FULL);
        events.iter().any(|event| {
            matches!(&event.body, AgentEventBody::FindingRecorded { code, pause }
                if *pause == Some(started.id) && *code == of_caps)
        })
    };
    events.iter().filter_map(move |event| {
        let AgentEventBody::PauseStarted(started) = &event.body else { return None };
        (started.terms.is_some() && !set_aside(started)).then_some(&**started)
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
    /// is passed by, and an offer is made in turn.
    pub fn allow(&self, agent: &AgentId, events: &[AgentEvent], policy: &Policy, directory: &Directory) -> bool {
        let offered = events.iter().any(|event| matches!(event.body, AgentEventBody::Offered { .. }));
        (!offered || self.is_turn_of(agent, policy))
            && starts(events).all(|started| self.have_room(agent, started, policy, directory))
    }

    fn is_turn_of(&self, agent: &AgentId, policy: &Policy) -> bool {
        let waiting = self.standings.get(agent).and_then(|standing| standing.waiting.as_ref());
        waiting.is_some_and(|waiter| {
            let rules = policy.types.get(&waiter.pause_type).and_then(|found| found.kind.rules());
            rules.is_some_and(|rules| self.counts.is_turn_of(agent, &waiter.pause_type, rules))
        })
    }

    fn have_room(&self, agent: &AgentId, started: &PauseStarted, policy: &Policy, directory: &Directory) -> bool {
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
            rules.cap.get(team).is_none_or(|cap| !full(cap) && (offered || !self.counts.others_wait(agent, code, team)))
        })
    }

    /// Those whose turn it is by now, of whichever type.
    pub fn turns(&self, policy: &Policy) -> Vec<AgentId> {
        let lines = self.counts.lines.keys().filter_map(|code| Some((code, policy.types.get(code)?.kind.rules()?)));
        lines.flat_map(|(code, rules)| self.counts.turns(code, rules)).collect()
    }
}

fn teams_of<'d>(agent: &AgentId, directory: &'d Directory) -> &'d [TeamId] {
    directory.agents.get(agent).map_or(&[], |person| &person.teams)
}
