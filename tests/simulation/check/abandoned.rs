//! Pauses that run on unattended are ended for that, and no others: hours after who is gone was last seen, or after they
//! began, and sooner past the end of the shift that was declared for them; never before people had the time to come back
//! after a start of the server, and never much later (semantics §5).

use std::collections::BTreeMap;
use std::time::Duration;

use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause};
use intervalo::domain::id::{AgentId, PauseId};
use intervalo::domain::time::{Timestamp, hours, minutes, seconds};
use intervalo::ports::EntryBody;

use super::shifts::Shifts;
use crate::evidence::{Evidence, Life};
use crate::model::{Broken, Line};
use crate::office::ABANDON_AFTER;

/// Gone, and past the end of the shift.
const GONE_AFTER_SHIFT: Duration = minutes(30);
/// There, and on a pause for so long.
const THERE: Duration = hours(16);
/// There, and past the end of the shift.
const THERE_AFTER_SHIFT: Duration = hours(2);
/// So long people have to come back after a start.
const RETURN: Duration = seconds(60);
/// How late it may be, of uptime.
const LATE_MAX: Duration = seconds(1);

/// One agent on a pause, or not.
struct Agent {
    line: Line,
    last_seen: Option<Timestamp>,
    pause: Option<(PauseId, Timestamp)>,
    protected: Option<(PauseId, Timestamp)>,
    shifts: Shifts,
    /// What is due by what is on record, and since when it is.
    due: Option<(Timestamp, Timestamp)>,
}

impl Default for Agent {
    fn default() -> Agent {
        let (line, shifts) = (Line::Disconnected, Shifts::default());
        Agent { line, last_seen: None, pause: None, protected: None, shifts, due: None }
    }
}

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let mut agents: BTreeMap<&AgentId, Agent> = BTreeMap::new();
    for (entry, durable_at) in &seen.durable {
        match &entry.body {
            EntryBody::Agent { agent: who, event, .. } => {
                let agent = agents.entry(who).or_default();
                if let Some(why) = agent.is_wrong_end(event, *durable_at, seen) {
                    return Some(("§5", format!("{why}: {entry:?}")));
                }
                if agent.is_late(*durable_at, seen) {
                    return Some(("§5", format!("{who} was due at {:?} and on a pause still: {entry:?}", agent.due)));
                }
                agent.take(event);
                agent.look(*durable_at);
            }
            EntryBody::Tenant { event, .. } => {
                if event.body.name() == "server.started" {
                    for agent in agents.values_mut().filter(|agent| agent.line != Line::Disconnected) {
                        (agent.line, agent.last_seen) = (Line::Grace, Some(event.at));
                        agent.look(*durable_at);
                    }
                }
            }
        }
    }
    let end = seen.lives.last()?.until;
    let (who, agent) = agents.iter().find(|(_, agent)| agent.is_late(end, seen))?;
    Some(("§5", format!("at the end {who} is on a pause that was abandoned at {:?}", agent.due)))
}

impl Agent {
    fn take(&mut self, event: &AgentEvent) {
        self.shifts.take(event);
        if let AgentEventBody::ConnectionLost { last_seen_at } = &event.body {
            (self.line, self.last_seen) = (Line::Disconnected, Some(*last_seen_at));
        }
        if matches!(event.body, AgentEventBody::SignedOut | AgentEventBody::Deactivated) {
            (self.line, self.last_seen) = (Line::Disconnected, Some(event.at));
        }
        if matches!(event.body, AgentEventBody::Connected { .. }) {
            self.line = Line::Connected;
        }
        if matches!(event.body, AgentEventBody::GraceBegan { .. }) {
            (self.line, self.last_seen) = (Line::Grace, Some(event.at));
        }
        if let AgentEventBody::PauseStarted(started) = &event.body {
            let place = if started.terms.is_some() { &mut self.pause } else { &mut self.protected };
            *place = Some((started.id, event.at));
        }
        if let AgentEventBody::PauseEnded(ended) = &event.body {
            self.pause.take_if(|(id, _)| *id == ended.pause);
            self.protected.take_if(|(id, _)| *id == ended.pause);
        }
    }

    /// Takes note of since when it is known what is due.
    fn look(&mut self, now: Timestamp) {
        let due = self.due_at();
        if due != self.due.map(|(due, _)| due) {
            self.due = due.map(|due| (due, now));
        }
    }

    /// When the pause around the other began, or the only one.
    fn began(&self) -> Option<Timestamp> {
        self.pause.or(self.protected).map(|(_, began)| began)
    }

    fn due_at(&self) -> Option<Timestamp> {
        let began = self.began()?;
        let shift_ends = self.shifts.declared_end(began);
        Some(match self.line {
            Line::Disconnected => {
                let last_seen = self.last_seen.unwrap_or(began).max(began);
                let after_shift = shift_ends.map(|end| end.max(last_seen) + GONE_AFTER_SHIFT);
                after_shift.into_iter().chain([last_seen + ABANDON_AFTER]).min()?
            }
            Line::Connected | Line::Grace => {
                let after_shift = shift_ends.map(|end| end + THERE_AFTER_SHIFT);
                after_shift.into_iter().chain([began + THERE]).min()?
            }
        })
    }

    fn is_wrong_end(&self, event: &AgentEvent, durable_at: Timestamp, seen: &Evidence) -> Option<&'static str> {
        let AgentEventBody::PauseEnded(ended) = &event.body else { return None };
        if event.cause != Cause::Abandoned {
            return ended.last_seen_at.map(|_| "an end that is known, as an estimate");
        }
        let (began, due) = (self.began()?, self.due_at()?);
        let life = seen.lives.iter().rev().find(|life| life.from <= event.at)?;
        let due = if began < life.from { due.max(life.from + RETURN) } else { due };
        if event.at < due || durable_at < due {
            return Some("abandoned too early");
        }
        let expected = match self.line {
            Line::Disconnected | Line::Grace => self.last_seen.max(Some(began)),
            // When a socket answered last is nobody's event.
            Line::Connected => ended.last_seen_at.filter(|at| *at >= began && *at <= event.at),
        };
        (ended.last_seen_at != expected || expected.is_none()).then_some("last seen at another time")
    }

    fn is_late(&self, at: Timestamp, seen: &Evidence) -> bool {
        let Some((due, known_at)) = self.due else { return false };
        let from = due.max(known_at);
        // People have the time to come back in each run of the server.
        let served = |life: &Life| {
            let (opened, _) = life.opened?;
            let from = from.max(opened + RETURN);
            Some(at.min(life.until).since(from))
        };
        let served: Duration = seen.lives.iter().filter_map(served).sum();
        at > from && served > LATE_MAX + seen.troubled(from, at)
    }
}
