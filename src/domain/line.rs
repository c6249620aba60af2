//! The lines for a slot as one agent meets them: how full their teams are, and where they stand or would stand.

use super::command::Refusal;
use super::id::{AgentId, PauseTypeCode, TeamId};
use super::policy::{PauseRules, PauseType, StartableBy, WhenFull};
use super::rules::Question;
use super::slots::{Asker, Counts, Room, slots_of};
use super::time::Timestamp;

/// The lines that an agent would stand in for a slot, or stands in.
pub(super) struct Line<'a> {
    counts: &'a Counts,
    id: &'a AgentId,
    code: &'a PauseTypeCode,
    rules: &'a PauseRules,
    available: bool,
    /// The teams of which a slot is kept for the agent.
    kept: &'a [TeamId],
    teams: Box<[TeamId]>,
    now: Timestamp,
}

impl<'a> Line<'a> {
    pub(super) fn of(question: &Question<'a>, pause_type: &PauseType, rules: &'a PauseRules) -> Line<'a> {
        let context = question.context;
        Line {
            counts: context.slots,
            id: &context.person.id,
            code: question.code,
            rules,
            // Who is counted is so in all of their teams.
            available: context.counted_available,
            kept: match (question.agent.offer_of(question.code), question.agent.queue.as_deref()) {
                (Some(_), Some(waiting)) => &waiting.slots,
                (_, _) => &[],
            },
            teams: slots_of(&context.person.teams, pause_type),
            now: context.now,
        }
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = (&TeamId, Room)> {
        self.teams.iter().filter_map(|team| {
            let cap = *self.rules.cap.get(team)?;
            let asker = Asker { available: self.available, offered: self.kept.contains(team) };
            Some((team, self.counts.room(self.code, team, cap, asker)))
        })
    }

    /// True where there is a line to join before the window opens: some of the teams have a cap.
    pub(super) fn opens_early(&self) -> bool {
        self.can_be_joined() && self.rooms().next().is_some()
    }

    /// Whoever may not start the pause could not take an offer either.
    pub(super) fn can_be_joined(&self) -> bool {
        self.rules.when_full == WhenFull::Queue && self.rules.startable_by != StartableBy::Supervisor
    }

    pub(super) fn full_team(&self) -> Option<(&TeamId, Room)> {
        self.rooms().find(|(team, room)| {
            room.is_full() || (!self.kept.contains(team) && self.counts.others_wait(self.id, self.code, team, self.now))
        })
    }

    pub(super) fn refusal(&self, team: &TeamId, room: Room) -> Refusal {
        let position = self.can_be_joined().then(|| self.counts.position(self.id, self.code, &self.teams));
        // In every team so many have to end as are before them, and one more, less what is free.
        let expected_at = position.and_then(|_| {
            let before = self.counts.unoffered_before(self.id, self.code, &self.teams);
            let ends = self.rooms().map(|(team, room)| self.counts.free_at(self.code, team, room, before));
            ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max())
        });
        Refusal::SlotsFull { team: team.clone(), used: room.used, of: room.of, position, expected_at }
    }
}
