//! What an actor does when its company is closed: whatever runs or waits ends, its sockets are let go, and nothing begins.

use std::time::Duration;

use super::{AgentActor, DECISIONS_MAX, NotDurable};
use crate::actor::reply::CommandError;
use crate::actor::session::Notice;
use crate::domain::command::Actor;
use crate::domain::event::Cause;

/// What is counted of refusals is told for each minute; who leaves has no more of them, so that it need not be over.
const MINUTE: Duration = Duration::from_secs(60);

impl AgentActor {
    /// Asked by whatever brings somebody in, or begins something. Whoever shuts the doors does so before they tell an actor to leave,
    /// so that nothing comes in behind that.
    ///
    /// # Errors
    /// [`CommandError::UnknownTenant`] when the company is closed, or is being closed.
    pub(super) fn check_served(&self) -> Result<(), CommandError> {
        if self.desk.is_served() { Ok(()) } else { Err(CommandError::UnknownTenant) }
    }

    /// Whatever runs or waits has its end on record, and no socket is a presence any more.
    ///
    /// # Errors
    /// [`CommandError`] when that was not written, or nobody knows.
    pub(super) async fn leave_closed(&mut self, by: &Actor) -> Result<(), CommandError> {
        self.settle().await.map_err(|_| CommandError::unavailable())?;
        for _ in 0..DECISIONS_MAX {
            let (facts, now) = (self.desk.facts(), self.env.clock.now());
            let of_refusals = now + MINUTE;
            let events = self.context(&facts, now, |context| {
                let mut events = self.refused_events(of_refusals, now, context);
                events.extend(self.agent().leave_closed(by, context));
                events
            });
            let events = events.unwrap_or_default();
            let left = match events.is_empty() {
                true => Ok(()),
                false => self.make_durable(events, self.record.ops.clone(), &facts).await,
            };
            match left {
                Ok(()) => {
                    self.refusals.journaled(of_refusals);
                    let (cause, by_agent, message) =
                        (Cause::TenantClosed, false, "signed out: tenant_closed".to_owned());
                    self.tell_sessions(vec![Notice::SignedOut { cause, by_agent, message }]);
                    return Ok(());
                }
                Err(NotDurable::Stale) => {}
                Err(NotDurable::Unavailable | NotDurable::Lost) => break,
            }
        }
        Err(CommandError::unavailable())
    }
}
