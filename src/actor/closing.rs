//! A tenant that is closed while the core runs: its doors are shut, then whoever is there leaves, each by their own actor. What puts the
//! closing on record is a version of the directory like any other.

use std::sync::Arc;

use futures_util::stream::{self, TryStreamExt};
use tokio::sync::oneshot;

use super::core::{COMMAND_WITHIN, Core, ERRANDS_MAX, OFFER_AGAIN_AFTER, OFFERS_MAX};
use super::desk::Desk;
use super::handle::{Message, NotSent};
use super::lines::Line;
use super::registry::Key;
use super::reply::CommandError;
use crate::domain::agent::Agent;
use crate::domain::command::Actor;
use crate::domain::id::{AgentId, TenantId};

/// How many agents leave at once: with fewer than are woken at once, so that both together leave a batch its room for commands.
const LEAVING_MAX: usize = ERRANDS_MAX / 4;

/// The doors of a tenant that is being closed. They open again when this is dropped, unless it is closed by then.
#[derive(Debug)]
pub struct ShutDoors {
    desk: Arc<Desk>,
}

impl Drop for ShutDoors {
    fn drop(&mut self) {
        self.desk.shut(false);
    }
}

impl Core {
    /// Shuts the doors of a tenant: nobody is let in any more, and no command is taken. What is on its way to an actor is refused
    /// by it. None where there is no such tenant. Whoever closes a tenant is the only one who does.
    pub fn shut_doors(&self, tenant: &TenantId) -> Option<ShutDoors> {
        let desk = self.desk_of_any(tenant)?;
        desk.shut(true);
        Some(ShutDoors { desk })
    }

    /// Has everybody of a tenant leave whose doors are shut; whatever ran or waited has its end on record when it answers `Ok`.
    ///
    /// # Errors
    /// [`CommandError`] when somebody's end was not written, or nobody knows; others may have left.
    pub async fn all_leave(&self, tenant: &TenantId, by: &Actor) -> Result<(), CommandError> {
        let line = self.lines.get(tenant).ok_or(CommandError::UnknownTenant)?;
        let agents = self.env.registry.live_or(tenant, Agent::has_something_to_end);
        let leaving = stream::iter(agents.into_iter().map(Ok));
        leaving.try_for_each_concurrent(LEAVING_MAX, |agent| self.leaves(&line, agent, by)).await
    }

    async fn leaves(&self, line: &Arc<Line>, agent: AgentId, by: &Actor) -> Result<(), CommandError> {
        let key = Key { tenant: line.desk.tenant.clone(), agent };
        let leaving = async {
            for _ in 0..OFFERS_MAX {
                let incarnation = line.desk.incarnation();
                if !self.is_here(line) {
                    return Err(CommandError::unavailable());
                }
                let handle = line.activate(&key, None, incarnation).ok_or_else(CommandError::unavailable)?;
                let (reply, left) = oneshot::channel();
                match handle.send(Box::new(Message::Leave { by: by.clone(), reply })).await {
                    Ok(()) => return left.await.map_err(|_| CommandError::unavailable())?,
                    // Its actor is just going to rest.
                    Err(NotSent::Full | NotSent::Gone(_)) => {}
                }
                self.env.clock.sleep_until(self.env.clock.now() + OFFER_AGAIN_AFTER).await;
            }
            Err(CommandError::unavailable())
        };
        let deadline = self.env.clock.sleep_until(self.env.clock.now() + COMMAND_WITHIN);
        tokio::select! {
            biased;
            left = leaving => left,
            () = deadline => Err(CommandError::unavailable()),
        }
    }
}
