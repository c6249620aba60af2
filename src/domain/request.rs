//! Requests for an exception, and the grants that come of them (semantics §4).

use std::time::Duration;

use super::command::Actor;
use super::id::{AgentId, PauseId, PauseTypeCode, RequestId};
use super::policy::AtTimeout;
use super::time::{Timestamp, minutes};

/// How long a request that no start gave rise to is open, and how long a grant holds where nobody says otherwise
/// (semantics §4).
pub const GRANT_LASTS: Duration = minutes(30);
/// The longest that a grant may hold.
pub const GRANT_LASTS_MAX: Duration = super::time::hours(24 * 30);
/// The most times that one grant may be used.
pub const GRANT_USES_MAX: u32 = 100;
/// How many grants an agent may have at once; the one that ends first gives way.
pub const GRANTS_MAX: usize = 8;

/// The last request of an agent: open, or what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseRequest {
    /// Its id.
    pub id: RequestId,
    /// The type of pause that it is for.
    pub pause_type: PauseTypeCode,
    /// Why it is asked for; erasable text.
    pub reason: Option<String>,
    /// By how much the limit is to be later.
    pub extra: Duration,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was made.
    pub at: Timestamp,
    /// Until when it is open.
    pub expires_at: Timestamp,
    /// What becomes of it then.
    pub at_timeout: AtTimeout,
    /// Open, or what became of it.
    pub state: RequestState,
}

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A start of a type that needs approval: granted, it begins.
    Start {
        /// What the agent wrote; erasable text.
        note: Option<String>,
        /// The running pause that it replaces.
        replaces: Option<PauseId>,
    },
    /// It was asked for.
    Asked,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has decided yet.
    Open,
    /// It was granted.
    Granted(Decided),
    /// It was refused.
    Refused(Decided),
    /// Nobody decided in time.
    Expired {
        /// When its time was up.
        at: Timestamp,
    },
    /// The agent took it back, or left.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why; erasable text.
    pub reason: Option<String>,
}

impl PauseRequest {
    /// True while somebody may decide on it.
    pub fn is_open(&self) -> bool {
        self.state == RequestState::Open
    }

    /// True for one that a start gave rise to.
    pub fn is_of_start(&self) -> bool {
        matches!(self.origin, Origin::Start { .. })
    }

    /// Who closed it: the system where its time was up, the agent where they took it back. None while it is open.
    pub fn closed_by(&self, agent: &AgentId) -> Option<Actor> {
        match &self.state {
            RequestState::Open => None,
            RequestState::Granted(decided) | RequestState::Refused(decided) => Some(decided.by.clone()),
            RequestState::Expired { .. } => Some(Actor::System),
            RequestState::Cancelled { .. } => Some(Actor::Agent(agent.clone())),
        }
    }

    /// What a grant of it sets aside.
    pub fn waives(&self) -> Waives {
        if self.is_of_start() { Waives::Approval } else { Waives::All }
    }
}

impl RequestState {
    /// The stable word.
    pub fn as_str(&self) -> &'static str {
        match self {
            RequestState::Open => "open",
            RequestState::Granted(_) => "granted",
            RequestState::Refused(_) => "refused",
            RequestState::Expired { .. } => "expired",
            RequestState::Cancelled { .. } => "cancelled",
        }
    }

    /// Who decided; none while it is open, and where nobody did.
    pub fn decided(&self) -> Option<&Decided> {
        match self {
            RequestState::Granted(decided) | RequestState::Refused(decided) => Some(decided),
            RequestState::Open | RequestState::Expired { .. } | RequestState::Cancelled { .. } => None,
        }
    }
}

/// Leave to begin pauses of a type against some of its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The request that it comes of.
    pub id: RequestId,
    /// The type.
    pub pause_type: PauseTypeCode,
    /// What it sets aside.
    pub waives: Waives,
    /// By how much the limit is later.
    pub extra: Duration,
    /// How often it can still be used.
    pub uses: u32,
    /// Until when.
    pub until: Timestamp,
}

/// What a grant sets aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waives {
    /// That the type needs approval: all else was asked when the pause was.
    Approval,
    /// What the time of day and the agent's other pauses say, and the minimum of a pause that runs; never what the
    /// agent or the type is, and never what others have taken or the work that is open.
    All,
}

impl Waives {
    /// The codes of the rules, in the order of the table.
    pub fn codes(self) -> &'static [&'static str] {
        match self {
            Waives::Approval => &["approval_required"],
            Waives::All => &[
                "outside_window",
                "shift_head",
                "shift_tail",
                "cooldown",
                "quota_count",
                "quota_time",
                "approval_required",
                "held",
            ],
        }
    }

    /// True for the code of a rule that is among them.
    pub fn has(self, code: &str) -> bool {
        self.codes().contains(&code)
    }
}

impl Grant {
    /// True while it can be used for a pause of this type.
    pub fn holds_for(&self, pause_type: &PauseTypeCode, now: Timestamp) -> bool {
        self.pause_type == *pause_type && self.uses > 0 && now < self.until
    }
}
