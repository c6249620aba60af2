//! What decisions look at: how much is taken, who waits, who is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::standing::{Standing, Taken, Waiter};
use crate::domain::id::{AgentId, PauseTypeCode, TeamId};
use crate::domain::policy::{Cap, PauseRules, Policy};
use crate::domain::queue::Place;
use crate::domain::time::Timestamp;

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

/// Where in a line somebody stands: those who are about to lose what they are owed first, then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    can_wait: bool,
    place: Place,
}

impl Order {
    fn of(waiter: &Waiter) -> Order {
        Order { can_wait: !waiter.lapsing, place: waiter.place }
    }
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
    lines: BTreeMap<PauseTypeCode, BTreeMap<(Order, AgentId), Arc<InLine>>>,
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

    /// How many wait in line, for whichever type.
    pub fn waiting(&self) -> usize {
        self.lines.values().map(BTreeMap::len).sum()
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
    pub fn others_wait(&self, agent: &AgentId, pause_type: &PauseTypeCode, team: &TeamId, now: Timestamp) -> bool {
        let waits = |waiter: &Waiter| waiter.can_take(now) && waiter.teams.contains(team);
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
        // More may be away than may be by now: those have to end too.
        let to_end = before.saturating_add(1).saturating_add(room.used).saturating_sub(room.of).max(1);
        let mut ended = 0;
        let ends = &self.slots(pause_type, team)?.ends;
        ends.iter().find_map(|(at, count)| {
            ended += count;
            (ended >= to_end).then_some(*at)
        })
    }

    /// Those whose turn it is by `now`: who are about to lose what they are owed, then those for whom a slot is free in each
    /// team that they wait for, the longest waiting first. What the first of those has for whom there is not enough yet is
    /// kept for them, so that nobody waits for good.
    pub fn turns(&self, pause_type: &PauseTypeCode, rules: &PauseRules, now: Timestamp) -> Vec<AgentId> {
        let (mut free, mut turns, mut kept) = (self.free_at_most(pause_type, rules), Vec::new(), false);
        let mut promised: BTreeMap<&TeamId, u32> = BTreeMap::new();
        for (id, in_line) in self.in_line(pause_type).filter(|(_, in_line)| in_line.waiter.can_take(now)) {
            let waiter = &*in_line.waiter;
            if free == 0 && !waiter.lapsing {
                break;
            }
            let is_free = |team: &TeamId| {
                rules.cap.get(team).is_none_or(|cap| {
                    let room = self.room(pause_type, team, *cap, in_line.asks(team));
                    room.used.saturating_add(promised.get(team).copied().unwrap_or(0)) < room.of
                })
            };
            let found: Vec<&TeamId> = waiter.teams.iter().filter(|team| is_free(team)).collect();
            let is_turn = waiter.lapsing || found.len() == waiter.teams.len();
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

    /// The types that somebody waits for.
    pub(super) fn waited_for(&self) -> impl Iterator<Item = &PauseTypeCode> {
        self.lines.keys()
    }

    /// True when it is this agent's turn.
    pub fn is_turn_of(&self, agent: &AgentId, pause_type: &PauseTypeCode, rules: &PauseRules, now: Timestamp) -> bool {
        self.turns(pause_type, rules, now).contains(agent)
    }

    /// The place right behind the next one who waits for a slot of the same team; that of the agent, where there is none.
    pub fn place_behind_next(&self, agent: &AgentId, pause_type: &PauseTypeCode, own: Place) -> Place {
        let mut from_own = self.line(pause_type).skip_while(|(id, _)| *id != agent);
        let Some((_, waiter)) = from_own.next() else { return own };
        let shares = |next: &Waiter| next.teams.iter().any(|team| waiter.teams.contains(team));
        from_own.find(|(_, next)| shares(next)).map_or(own, |(_, next)| next.place.next())
    }

    /// Nothing is taken yet of all that the policy has caps for, and nobody is there.
    pub(super) fn asked_by(policy: &Policy) -> Counts {
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
    pub(super) fn add(&mut self, agent: &AgentId, standing: &Standing, teams: &[TeamId]) {
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
            line.insert((Order::of(waiter), agent.clone()), Arc::new(in_line));
        }
        self.each_team(standing, teams, |count| *count += 1);
    }

    /// Counts an agent of these teams out again.
    pub(super) fn take_away(&mut self, agent: &AgentId, standing: &Standing, teams: &[TeamId]) {
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
                line.remove(&(Order::of(waiter), agent.clone()));
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
    pub(super) fn move_with(&self, before: &Standing, after: &Standing, teams: &[TeamId]) -> bool {
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
