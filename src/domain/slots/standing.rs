//! What one agent is to the caps.

use std::sync::Arc;

use crate::domain::agent::{Agent, Status};
use crate::domain::id::{PauseTypeCode, TeamId};
use crate::domain::queue::Place;
use crate::domain::time::Timestamp;

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
    /// The window that they wait for opens then; none where it was open.
    pub opens_at: Option<Timestamp>,
    /// They are owed the pause, and about to lose it: they come first, whatever the caps say.
    pub lapsing: bool,
    /// They could take an offer.
    pub ready: bool,
    /// They are counted among the available.
    pub available: bool,
}

impl Waiter {
    /// True when an offer could be made to them.
    pub(super) fn can_take(&self, now: Timestamp) -> bool {
        self.ready && !self.offered && self.opens_at.is_none_or(|opens_at| opens_at <= now)
    }
}

impl Standing {
    /// What an agent is to the caps. A protected pause takes no slot, and the pause around one keeps its own.
    pub fn of(agent: &Agent) -> Standing {
        let connected = agent.is_connected();
        let offered = agent.queue.as_ref().is_some_and(|waiting| waiting.offer.is_some());
        let available = connected && agent.status == Status::Available && !offered && agent.deferred.is_none();
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
                    opens_at: waiting.opens_at,
                    lapsing: agent.is_at_risk(&waiting.pause_type),
                    ready: agent.can_take_offers(),
                    available,
                })
            }),
            connected,
            available,
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        *self == Standing::default()
    }
}
