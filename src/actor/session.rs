//! What ties an agent's actor to one of its sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::command::Actor;
use crate::domain::event::Cause;
use crate::domain::id::{OfferId, PauseId, PauseTypeCode, SessionId};
use crate::domain::presence::AgentView;
use crate::domain::record::PauseCorrected;
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::sync::{NotTaken, queue};

pub use crate::sync::{Receiver, Sender};

/// How many notices may wait for a socket; one that is further behind is closed as slow.
pub const NOTICES_MAX: usize = 64;

/// How many sessions one agent may have open; a person has tabs and devices, not fleets.
pub const SESSIONS_MAX: usize = 16;

/// Makes the queue of one socket's notices.
pub fn notices() -> (Sender<Box<Notice>>, Receiver<Box<Notice>>) {
    queue(NOTICES_MAX)
}

/// One open socket, as the actor holds it. Notices are boxed: each queue has room for dozens, and is empty all day.
#[derive(Debug, Clone)]
pub struct SessionLink {
    /// The session.
    pub id: SessionId,
    /// Where notices go, bounded by [`NOTICES_MAX`]. A full queue ends the session: the actor drops
    /// its sender, and the socket's task closes it as slow.
    pub notices: Sender<Box<Notice>>,
    /// When the socket last answered a ping, in ms since the epoch; 0 before the first.
    pub answered_at: Arc<AtomicI64>,
}

impl SessionLink {
    /// Gives the socket something to tell; false when it is gone, or too far behind.
    pub(super) fn tell(&self, notice: Notice) -> bool {
        let told = self.notices.try_send(Box::new(notice));
        if matches!(told, Err(NotTaken::Full(_))) {
            Limit::Notices.reached();
        }
        told.is_ok()
    }

    /// When the socket last answered a ping.
    pub fn last_answer(&self) -> Option<Timestamp> {
        Some(self.answered_at.load(Ordering::Relaxed)).filter(|at| *at > 0).map(Timestamp)
    }
}

/// A correction, as it is told. Apart from [`Notice`], for every socket has room for some of those.
#[derive(Debug)]
pub struct CorrectionTold {
    /// What.
    pub corrected: PauseCorrected,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Why.
    pub reason: Option<String>,
}

/// An annotation, as it is told.
#[derive(Debug)]
pub struct AnnotationTold {
    /// The pause.
    pub pause: PauseId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// What.
    pub text: Option<String>,
}

/// What an agent's sockets are told, after it is durable.
#[derive(Debug, Clone)]
pub enum Notice {
    /// The agent's state changed.
    Changed(Arc<AgentView>),
    /// A warning before the limit fired.
    PauseWarned {
        /// The pause.
        pause: PauseId,
        /// Its type.
        pause_type: PauseTypeCode,
        /// When it fired.
        at: Timestamp,
        /// When the limit is reached.
        limit_at: Timestamp,
    },
    /// A slot is kept for the agent.
    Offered {
        /// The offer.
        offer: OfferId,
        /// The type of the pause.
        pause_type: PauseTypeCode,
        /// When it expires.
        expires_at: Timestamp,
    },
    /// A request was made, or something became of it.
    RequestChanged(Arc<AgentView>),
    /// The limit was reached.
    LimitReached {
        /// The pause.
        pause: PauseId,
        /// Its type.
        pause_type: PauseTypeCode,
        /// When it fired.
        at: Timestamp,
        /// When the limit was reached.
        limit_at: Timestamp,
    },
    /// The end of a recorded pause of the agent was corrected.
    PauseCorrected(Arc<CorrectionTold>),
    /// Something was added to the record of a pause of the agent.
    PauseAnnotated(Arc<AnnotationTold>),
    /// The agent was signed out; the last notice of a session.
    SignedOut {
        /// Why: `sign_out`, `limit`, `deactivated`.
        cause: Cause,
        /// True when the agent did it.
        by_agent: bool,
        /// What a supervisor wrote, or a plain sentence.
        message: String,
    },
}
