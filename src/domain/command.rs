//! Commands: what somebody wishes; refusals: the state of affairs that stands against it.

use std::time::Duration;

use chrono::NaiveDate;

use super::alert::AlertId;
use super::event::ChosenStatus;
use super::id::{AgentId, AgentSeq, OfferId, Op, PauseId, PauseTypeCode, PrincipalId, RequestId, TeamId};
use super::shift::{PlanError, PlannedShift};
use super::slots::SLOTS_FULL;
use super::time::Timestamp;

/// One command for one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is wished.
    pub command: Command,
    /// Who wishes it.
    pub actor: Actor,
    /// Why, where somebody else than the agent commands.
    pub reason: Option<String>,
    /// Makes the command safe to send again.
    pub op: Option<Op>,
    /// Refuse unless the agent's version is this one.
    pub expected_version: Option<AgentSeq>,
}

/// What can be wished.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Take a status; while paused it ends the pause.
    SetStatus {
        /// The status.
        status: ChosenStatus,
        /// When the work that is under way has ended, not now.
        after_work: bool,
    },
    /// Begin a pause.
    StartPause {
        /// Its type, as it was written.
        pause_type: PauseTypeCode,
        /// A note by the agent.
        note: Option<String>,
        /// The running pause that it replaces.
        replaces: Option<PauseId>,
        /// A supervisor's word that the rules that can be waived are (semantics §8).
        overriding: bool,
    },
    /// Take the slot that is offered: the pause begins.
    AcceptOffer {
        /// The offer.
        offer: OfferId,
    },
    /// Give up what waits.
    Cancel {
        /// What.
        what: Cancelled,
    },
    /// End the running pause; the protected one first.
    EndPause {
        /// The status after it; absent, the default of semantics §6.
        then: Option<AfterEnd>,
        /// A supervisor's word that an entitlement ends under its minimum.
        overriding: bool,
    },
    /// Move the running pause's limit out.
    ExtendPause {
        /// By how much; positive.
        by: Duration,
    },
    /// Ask for an exception; the reason is the request's.
    CreateRequest {
        /// The type of pause.
        pause_type: PauseTypeCode,
        /// By how much the limit is to be later.
        extra: Duration,
    },
    /// Take a request back.
    CancelRequest {
        /// The request.
        request: RequestId,
    },
    /// Decide on a request of the agent.
    DecideRequest {
        /// The request.
        request: RequestId,
        /// How.
        decision: RequestDecision,
    },
    /// Say that an alert has been seen.
    AckAlert {
        /// The alert.
        alert: AlertId,
    },
    /// Leave: all sessions end.
    SignOut {
        /// What becomes of a running entitlement; other pauses end in any case.
        pause: PauseAtSignOut,
    },
    /// Declare shifts, each in place of what is planned for its day: all of them or none.
    PlanShifts {
        /// The shifts.
        shifts: Box<[PlannedShift]>,
    },
    /// Take back what is planned for a day.
    CancelShift {
        /// The day.
        day: NaiveDate,
    },
    /// Say when a pause on record ended.
    CorrectPause {
        /// The pause.
        pause: PauseId,
        /// When.
        ended_at: Timestamp,
    },
    /// Add to the record of a pause; what, is the request's reason.
    AnnotatePause {
        /// The pause.
        pause: PauseId,
    },
}

/// How a request is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestDecision {
    /// It is granted.
    Grant {
        /// How often the grant can be used, at least once.
        uses: u32,
        /// Until when; absent, for [`GRANT_LASTS`](super::request::GRANT_LASTS).
        until: Option<Timestamp>,
    },
    /// It is refused.
    Refuse,
}

/// What can be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// What waits for the end of work, and the slot that is kept for it.
    Pending,
    /// The place in the line, and an offer with it.
    Queue,
    /// The open request.
    Request,
}

impl Cancelled {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Cancelled::Pending => "pending",
            Cancelled::Queue => "queue",
            Cancelled::Request => "request",
        }
    }
}

/// The status that a command may ask for after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterEnd {
    /// Ready for work.
    Available,
    /// Not ready.
    Unavailable,
}

impl AfterEnd {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            AfterEnd::Available => "available",
            AfterEnd::Unavailable => "unavailable",
        }
    }
}

/// What becomes of a running entitlement at sign-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseAtSignOut {
    /// It goes on.
    KeepEntitlement,
    /// It ends.
    End,
}

impl PauseAtSignOut {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            PauseAtSignOut::KeepEntitlement => "keep",
            PauseAtSignOut::End => "end",
        }
    }
}

/// Who brought something about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The agent whose event it is.
    Agent(AgentId),
    /// A supervisor of one of the agent's teams.
    Supervisor(PrincipalId),
    /// An administrator of the tenant.
    Admin(PrincipalId),
    /// A host application, on the agent's behalf.
    Integration(PrincipalId),
    /// The server itself.
    System,
}

impl Actor {
    /// The stable word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Actor::Agent(_) => "agent",
            Actor::Supervisor(_) => "supervisor",
            Actor::Admin(_) => "admin",
            Actor::Integration(_) => "integration",
            Actor::System => "system",
        }
    }

    /// Its id, where it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Actor::Agent(id) => Some(id.as_str()),
            Actor::Supervisor(id) | Actor::Admin(id) | Actor::Integration(id) => Some(id.as_str()),
            Actor::System => None,
        }
    }
}

/// What a command led to. The same again for a repeat of its `op`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, or there was nothing to do.
    Done,
    /// A pause is running.
    Started {
        /// The pause.
        pause: PauseId,
    },
    /// The agent waits in line for a slot.
    Queued,
    /// Somebody has to agree first.
    Requested,
    /// An exception is asked for.
    Asked {
        /// The request.
        request: RequestId,
    },
    /// It takes effect later: when the work has ended that is under way, or when the agent returns from a protected
    /// pause, which must disclose nothing.
    Deferred,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A rule, or the agent's state, stands against it.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// The agent has moved on since the sender looked.
    #[error("the agent's version is {current}, not the expected one")]
    StaleVersion {
        /// The agent's version.
        current: AgentSeq,
    },
    /// The op was used for another command.
    #[error("this op was used for another command")]
    OpReused,
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Rejection {
        Rejection::Refused(refusal)
    }
}

/// The states of affairs that stand against a command, in the order of their codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The agent has no live session, or is offline.
    AgentOffline,
    /// The request is not open any more.
    AlreadyDecided {
        /// Who decided; the system where its time was up, the agent where they took it back.
        by: Actor,
    },
    /// A pause of another type is running.
    AlreadyPaused {
        /// The running pause.
        pause: PauseId,
        /// Its type.
        pause_type: PauseTypeCode,
    },
    /// Somebody has to agree to each pause of the type.
    ApprovalRequired,
    /// A shift cannot be planned so.
    CannotPlan {
        /// Its day.
        day: NaiveDate,
        /// Why.
        why: PlanError,
    },
    /// Too little time has passed since the last pause.
    Cooldown {
        /// From when it may be started.
        from: Timestamp,
    },
    /// The pause cannot have ended then.
    EndOutOfRange {
        /// It ended after this instant: its start.
        after: Timestamp,
        /// It ended at this instant at the latest: the present, or the start of the agent's next pause.
        until: Timestamp,
    },
    /// An entitlement may not be ended under its minimum without an override.
    EntitlementMinimum {
        /// From when it may.
        until: Timestamp,
    },
    /// The pause may not end before its minimum.
    Held {
        /// From when it may.
        until: Timestamp,
    },
    /// There is no such offer.
    NoOffer,
    /// Nothing of the kind waits.
    NothingPending,
    /// The offer has expired.
    OfferExpired,
    /// The type is offered to other teams.
    NotOffered,
    /// No pause is running.
    NotPaused,
    /// The type is for others to start.
    NotStartableBy {
        /// Who may start it: `agent` or `supervisor`.
        startable_by: &'static str,
    },
    /// Work is open that has to end first.
    Occupied,
    /// Nobody corrects a pause of their own.
    OwnPause,
    /// Nobody decides on a request of their own.
    OwnRequest,
    /// It is not the time of day for it.
    OutsideWindow {
        /// When the next window opens; none when no window ever does.
        next_from: Option<Timestamp>,
    },
    /// The tenant has switched the feature off.
    PausesDisabled,
    /// It was taken as often as it may be.
    QuotaCount {
        /// How often it was taken.
        used: u32,
        /// How often it may be.
        of: u32,
        /// When counting begins anew, at the latest.
        resets_at: Timestamp,
    },
    /// It was taken for as long as it may be.
    QuotaTime {
        /// For how long it was taken.
        used: Duration,
        /// For how long it may be.
        of: Duration,
        /// When counting begins anew, at the latest.
        resets_at: Timestamp,
    },
    /// As many of a team are on it as may be.
    SlotsFull {
        /// The team.
        team: TeamId,
        /// How many are on it.
        used: u32,
        /// How many may be.
        of: u32,
        /// Where in the line whoever asks stands or would stand, counted from 1; none where it refuses.
        position: Option<u32>,
        /// When a slot is free for them if all pauses end at their limit; none where that is not known.
        expected_at: Option<Timestamp>,
    },
    /// The shift has only just begun.
    ShiftHead {
        /// From when it may be started.
        from: Timestamp,
    },
    /// The shift is about to end.
    ShiftTail {
        /// Before this instant it might have been started.
        until: Timestamp,
    },
    /// The pause has not ended yet.
    StillRunning,
    /// The pause has as many annotations as it may have.
    TooManyAnnotations {
        /// How many that is.
        of: u32,
    },
    /// The type is switched off or archived.
    TypeDisabled,
    /// There is no such pause, or it is not for whoever asks to know of.
    UnknownPause,
    /// There is no such type.
    UnknownType,
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::AgentOffline => "agent_offline",
            Refusal::AlreadyDecided { .. } => "already_decided",
            Refusal::AlreadyPaused { .. } => "already_paused",
            Refusal::ApprovalRequired => "approval_required",
            Refusal::CannotPlan { .. } => "cannot_plan",
            Refusal::Cooldown { .. } => "cooldown",
            Refusal::EndOutOfRange { .. } => "end_out_of_range",
            Refusal::EntitlementMinimum { .. } => "entitlement_minimum",
            Refusal::Held { .. } => "held",
            Refusal::NoOffer => "no_offer",
            Refusal::NothingPending => "nothing_pending",
            Refusal::OfferExpired => "offer_expired",
            Refusal::NotOffered => "not_offered",
            Refusal::NotPaused => "not_paused",
            Refusal::NotStartableBy { .. } => "not_startable_by",
            Refusal::Occupied => "occupied",
            Refusal::OwnPause => "own_pause",
            Refusal::OwnRequest => "own_request",
            Refusal::OutsideWindow { .. } => "outside_window",
            Refusal::PausesDisabled => "pauses_disabled",
            Refusal::QuotaCount { .. } => "quota_count",
            Refusal::QuotaTime { .. } => "quota_time",
            Refusal::ShiftHead { .. } => "shift_head",
            Refusal::ShiftTail { .. } => "shift_tail",
            Refusal::SlotsFull { .. } => SLOTS_FULL,
            Refusal::StillRunning => "still_running",
            Refusal::TooManyAnnotations { .. } => "too_many_annotations",
            Refusal::TypeDisabled => "type_disabled",
            Refusal::UnknownPause => "unknown_pause",
            Refusal::UnknownType => "unknown_type",
        }
    }
}
