//! What runs when the server's clock is put forward by a start (semantics §2).
//!
//! Instants that a span is counted from move with the clock, so that the span stays what it was. What is on record of
//! before is as it was written: the events, and the day and the shift that a pause counts in.

use std::time::Duration;

use super::{Agent, Away, Connection, Pause, Status};
use crate::domain::time::Timestamp;

impl Agent {
    /// The clock was put forward by `by`, and less time than that passed. True when it makes a difference; who is
    /// offline has nothing that runs.
    pub fn on_clock_moved(&mut self, by: Duration) -> bool {
        if by.is_zero() || self.status == Status::Offline {
            return false;
        }
        let mut moved = false;
        let mut forward = |at: &mut Timestamp| {
            *at = *at + by;
            moved = true;
        };
        if let Status::Paused(away) = &mut self.status {
            let (outer, inner) = match away {
                Away::Pause(outer) => (Some(outer), None),
                Away::Protected(inner) => (None, Some(inner)),
                Away::ProtectedInside { outer, inner } => (Some(outer), Some(inner)),
            };
            outer.into_iter().for_each(|pause| move_pause(pause, &mut forward));
            inner.into_iter().for_each(|pause| forward(&mut pause.started_at));
            forward(&mut self.since);
            if let Connection::Disconnected { last_seen_at: Some(at) } = &mut self.connection {
                forward(at);
            }
        }
        if let Some(deferred) = &mut self.deferred {
            forward(&mut deferred.since);
            deferred.deadline_at.iter_mut().chain(&mut deferred.lost_at).for_each(&mut forward);
        }
        if let Some(request) = self.request.as_mut().filter(|request| request.is_open()) {
            forward(&mut request.at);
            forward(&mut request.expires_at);
        }
        self.usage.lasts().for_each(&mut forward);
        moved
    }
}

fn move_pause(pause: &mut Pause, forward: &mut impl FnMut(&mut Timestamp)) {
    forward(&mut pause.started_at);
    pause.fired.overran_at.iter_mut().chain(&mut pause.worked_at).for_each(forward);
}
