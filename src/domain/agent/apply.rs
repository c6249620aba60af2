//! The fold.

/// An event that cannot follow the state it is applied to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot follow {state}")]
pub struct IllegalEvent {
    /// The event's name.
    pub event: &'static str,
    /// The state's name.
    pub state: String,
}
