//! Commands.
use crate::domain::command::Outcome;
use crate::domain::event::AgentEvent;

/// What a command leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What happens, in order; empty when there is nothing to do.
    pub events: Vec<AgentEvent>,
    /// What the sender is told.
    pub outcome: Outcome,
}
