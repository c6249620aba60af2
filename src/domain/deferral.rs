//! What waits for the end of the work that is under way (semantics §4).

use std::time::Duration;

use super::command::Actor;
use super::event::ChosenStatus;
use super::id::{OfferId, PauseId, PauseTypeCode};
use super::time::{Timestamp, minutes};

/// How long a wish waits for the end of work, unless the tenant says otherwise (semantics §4).
pub const DEFERRED_FOR: Duration = minutes(10);

/// A wish that waits until no work is open that stands in its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferred {
    /// What happens then.
    pub target: DeferredTarget,
    /// Since when it waits.
    pub since: Timestamp,
    /// When its time is up; none once it was, and it waits on.
    pub deadline_at: Option<Timestamp>,
    /// Who asked.
    pub actor: Actor,
    /// Why they asked; erasable text.
    pub reason: Option<String>,
    /// When the connection was given up; it is kept for a while after it.
    pub lost_at: Option<Timestamp>,
}

/// What happens when the work has ended.
#[derive(Debug, Clone, PartialEq)]
pub enum DeferredTarget {
    /// The agent takes this status.
    Status(ChosenStatus),
    /// A pause begins, if the rules allow it then.
    Pause {
        /// Its type.
        pause_type: PauseTypeCode,
        /// What the agent wrote; erasable text.
        note: Option<String>,
        /// The running pause that it replaces.
        replaces: Option<PauseId>,
        /// Whoever asked waives the rules that can be waived.
        overriding: bool,
        /// The offer that was taken for it: its slot is kept meanwhile.
        offer: Option<OfferId>,
    },
}

impl DeferredTarget {
    /// The same, with no slot that is kept for it.
    #[must_use]
    pub fn without_offer(self) -> DeferredTarget {
        match self {
            DeferredTarget::Status(status) => DeferredTarget::Status(status),
            DeferredTarget::Pause { pause_type, note, replaces, overriding, offer: _ } => {
                DeferredTarget::Pause { pause_type, note, replaces, overriding, offer: None }
            }
        }
    }
}

/// What becomes of a wish when its time is up and the work goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtDeadline {
    /// It is carried out, work or not.
    Start,
    /// It waits on, without a deadline, and everybody can see so.
    Notify,
    /// It is given up.
    Cancel,
}

impl Deferred {
    /// The type of the pause that waits.
    pub fn pause_type(&self) -> Option<&PauseTypeCode> {
        match &self.target {
            DeferredTarget::Pause { pause_type, .. } => Some(pause_type),
            DeferredTarget::Status(_) => None,
        }
    }

    /// The offer whose slot is kept for it.
    pub fn offer(&self) -> Option<OfferId> {
        match &self.target {
            DeferredTarget::Pause { offer, .. } => *offer,
            DeferredTarget::Status(_) => None,
        }
    }

    /// True when a status waits, not a pause.
    pub fn is_status(&self) -> bool {
        matches!(self.target, DeferredTarget::Status(_))
    }
}
