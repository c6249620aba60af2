//! What a command is answered.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::command::{Outcome, Rejection};
use crate::domain::presence::AgentView;
use crate::domain::time::Timestamp;

/// What a carried-out command leads to.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What became of it.
    pub outcome: Outcome,
    /// The agent as it sees itself.
    pub own: Arc<AgentView>,
    /// The agent as everybody else sees it.
    pub public: Arc<AgentView>,
}

/// Why a command was not carried out.
#[derive(Debug, Clone)]
pub enum CommandError {
    /// A rule, or the agent's state, stands against it.
    Rejected {
        /// What.
        rejection: Rejection,
        /// When it is worth asking again, if nothing else happens.
        next_change_at: Option<Timestamp>,
        /// The agent as it sees itself.
        own: Arc<AgentView>,
        /// The agent as everybody else sees it.
        public: Arc<AgentView>,
    },
    /// There is no such tenant.
    UnknownTenant,
    /// There is no such agent in the directory, or the person has left.
    UnknownAgent,
    /// The agent has as many sessions as it may.
    TooManySessions,
    /// As many integrations report of the agent as may.
    TooManySources,
    /// Somebody else has put another version in force meanwhile: look again, and decide again.
    Overtaken,
    /// Too many commands wait for this agent.
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store is out of reach; nothing was done, unless the command carried an `op`, which tells
    /// on the next try.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

/// When a client is told to try again after the store was out of reach.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

impl CommandError {
    pub(super) fn unavailable() -> CommandError {
        CommandError::Unavailable { retry_after: RETRY_AFTER }
    }
}
