//! Events: what happened, in the past tense (semantics §10).
//!
//! An event carries all that a fold needs: no policy, directory or clock is consulted to apply it.

use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::access::AccessEvent;
use super::alert::AlertId;
use super::closing::ClosingStep;
use super::command::Actor;
use super::deferral::Deferred;
use super::entitlement::AtRisk;
use super::id::{DirectoryVersion, OfferId, PauseId, PauseTypeCode, PolicyVersion, RequestId, TeamId};
use super::occupancy::SourceWork;
use super::op::OpRecord;
use super::policy::{AtTimeout, OnEarlyEnd, OnLimit, PauseClass};
use super::policy_plans::PolicyStep;
use super::queue::Place;
use super::record::PauseCorrected;
use super::request::{Grant, Origin};
use super::shift::PlannedShift;
use super::time::Timestamp;
use super::usage::Period;

/// Something that happened to one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEvent {
    /// When it was decided.
    pub at: Timestamp,
    /// When it was due, for what a deadline brought about.
    pub due_at: Option<Timestamp>,
    /// Who brought it about.
    pub actor: Actor,
    /// Why.
    pub cause: Cause,
    /// What a person wrote to it, for the most part a supervisor as the reason; erasable text.
    pub reason: Option<String>,
    /// The policy that it was decided under.
    pub policy_version: PolicyVersion,
    /// The command's `op` and what it led to, on the command's last event.
    pub op: Option<OpRecord>,
    /// What happened.
    pub body: AgentEventBody,
}

/// What can happen to an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEventBody {
    /// The first session came in.
    Connected {
        /// The shift that the return belongs to, of whoever was shown offline for longer than a connection is resumed after:
        /// in a protected pause, which went on. Somebody unavailable would have signed in to it.
        shift: Option<Shift>,
    },
    /// The last session went away; the agent is held until `until`.
    GraceBegan {
        /// When the agent is given up.
        until: Timestamp,
    },
    /// The grace is over.
    ConnectionLost {
        /// When the last session went away.
        last_seen_at: Timestamp,
    },
    /// A genuine first sign-in.
    SignedIn {
        /// The status that it took.
        status: ChosenStatus,
        /// The shift that it belongs to, begun by it or before it.
        shift: Shift,
    },
    /// A return within `resume_within` of a lost connection.
    Resumed {
        /// The status restored.
        status: ChosenStatus,
    },
    /// The agent, a supervisor or an integration chose a status.
    StatusChanged {
        /// The status before.
        from: ChosenStatus,
        /// The status after.
        to: ChosenStatus,
    },
    /// The last session signed out, or all were signed out; a kept entitlement goes on.
    SignedOut,
    /// The person left.
    Deactivated,
    /// A start that a rule refused; repeats within the minute are counted, not listed.
    PauseRefused {
        /// The type asked for, as it was written.
        pause_type: PauseTypeCode,
        /// The rule's code.
        code: String,
        /// How many refusals this event stands for.
        count: u32,
    },
    /// A supervisor's command waits for the agent's return from a protected pause.
    PendingSet(Pending),
    /// What waited no longer does.
    PendingCancelled,
    /// A pause or a status waits for the end of the work that is under way.
    Deferred(Box<Deferred>),
    /// It no longer does, and has not begun.
    DeferralEnded {
        /// The rule that stands against it now that the work has ended, or what else ended it; none when it was given up.
        code: Option<String>,
    },
    /// An exception is asked for; the reason is the event's.
    RequestCreated(Box<RequestCreated>),
    /// A request was decided on.
    RequestDecided {
        /// The request.
        request: RequestId,
        /// What the agent is granted; none where it is refused.
        grant: Option<Grant>,
    },
    /// Nobody decided on a request in time.
    RequestExpired {
        /// The request.
        request: RequestId,
    },
    /// A request was taken back.
    RequestCancelled {
        /// The request.
        request: RequestId,
    },
    /// A grant was used.
    GrantUsed {
        /// The request that it comes of.
        grant: RequestId,
        /// The pause that it was used for.
        pause: PauseId,
    },
    /// A supervisor has seen an alert.
    AlertAcknowledged {
        /// The alert.
        alert: AlertId,
    },
    /// The work that integrations report is another.
    OccupancyChanged(Box<OccupancyChanged>),
    /// The agent waits in line for a slot.
    Queued(Box<Queued>),
    /// The agent waits no more, and has got no slot.
    LeftQueue {
        /// The type that was waited for.
        pause_type: PauseTypeCode,
        /// The rule that stands against the pause now that it is the agent's turn, where one does.
        code: Option<String>,
    },
    /// A slot is kept for the agent for a while.
    Offered {
        /// The offer.
        offer: OfferId,
    },
    /// An offer was let pass.
    OfferExpired {
        /// The offer.
        offer: OfferId,
        /// Where in the line the agent stands from here on; none when the seat is lost.
        place: Option<Place>,
    },
    /// A shift was planned for a day, in place of what was planned for it before.
    ShiftPlanned(PlannedShift),
    /// What was planned for a day is no more.
    ShiftCancelled {
        /// The day.
        day: NaiveDate,
    },
    /// A pause began.
    PauseStarted(Box<PauseStarted>),
    /// A warning before the limit.
    PauseWarned {
        /// The pause.
        pause: PauseId,
        /// How long before the limit this warning stands.
        before: Duration,
        /// True when it fired over a second after it was due.
        late: bool,
    },
    /// The limit was reached.
    LimitReached {
        /// The pause.
        pause: PauseId,
        /// True when it fired over a second after it was due.
        late: bool,
    },
    /// Limit + grace passed: the overrun is on record.
    Overran {
        /// The pause.
        pause: PauseId,
        /// True when it fired over a second after it was due.
        late: bool,
    },
    /// Supervisors are told of an overrun.
    Escalated {
        /// The pause.
        pause: PauseId,
        /// How long after the overrun this escalation stands.
        after: Duration,
        /// True when it fired over a second after it was due.
        late: bool,
    },
    /// The limit moved out.
    PauseExtended {
        /// The pause.
        pause: PauseId,
        /// By how much.
        by: Duration,
    },
    /// A pause ended.
    PauseEnded(PauseEnded),
    /// The end of a pause on record was corrected; why, is the event's reason.
    PauseCorrected(Box<PauseCorrected>),
    /// Something was added to the record of a pause; what, is the event's reason.
    PauseAnnotated {
        /// The pause.
        pause: PauseId,
    },
    /// A pause that is owed is about to lapse, or is no more.
    EntitlementAtRisk(Box<AtRisk>),
    /// Something that labour law or the rules would call irregular was noticed.
    FindingRecorded {
        /// A stable code, for example `entitlement_ended_early`.
        code: String,
        /// The pause that it concerns.
        pause: Option<PauseId>,
    },
}

/// Something that happened to a tenant as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantEvent {
    /// When.
    pub at: Timestamp,
    /// Who brought it about.
    pub actor: Actor,
    /// Why.
    pub cause: Cause,
    /// The `op` of the change that it was, and of whom.
    pub op: Option<OpRecord>,
    /// What happened.
    pub body: TenantEventBody,
}

/// What can happen to a tenant.
#[derive(Debug, Clone, PartialEq)]
pub enum TenantEventBody {
    /// The server came up: every session of before is gone, and every agent who was connected or
    /// in grace is held until `grace_until`.
    ServerStarted {
        /// When those who have not come back are given up.
        grace_until: Timestamp,
        /// How far the clock was put forward by this start because the wall clock had been stepped while the server ran:
        /// what runs is moved with it.
        moved: Duration,
    },
    /// The wall clock was stepped while the server ran; the server's clock went on.
    ClockStepped {
        /// By how much, forward or back.
        by_ms: i64,
        /// How far the wall clock is ahead of the server's from here on.
        ahead_ms: i64,
    },
    /// A policy version took effect.
    PolicyPublished {
        /// Its number.
        version: PolicyVersion,
        /// Why; erasable text.
        reason: Option<String>,
    },
    /// A step on the way of a version into force.
    PolicyPlanned {
        /// Which.
        step: PolicyStep,
        /// What was written to it; erasable text.
        reason: Option<String>,
    },
    /// Teams, people, channels or settings changed.
    DirectoryChanged {
        /// The number of the new version.
        version: DirectoryVersion,
        /// How many records were added.
        added: u32,
        /// How many were altered.
        changed: u32,
        /// How many were removed.
        removed: u32,
    },
    /// The tenant was closed, or opened again.
    Closing {
        /// Which.
        step: ClosingStep,
        /// The number of the directory version that says so.
        version: DirectoryVersion,
    },
    /// Who may come in has changed, or somebody came in by it.
    Access(AccessEvent),
}

/// A status that somebody chose; a pause is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChosenStatus {
    /// Not at work.
    Offline,
    /// Ready for work.
    Available,
    /// At work, not ready.
    Unavailable,
}

impl ChosenStatus {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            ChosenStatus::Offline => "offline",
            ChosenStatus::Available => "available",
            ChosenStatus::Unavailable => "unavailable",
        }
    }
}

/// A working day (semantics §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// When it began.
    pub started_at: Timestamp,
    /// True when no one declared it and the first sign-in stands for its start.
    pub estimated: bool,
    /// When it ends, where that was declared.
    pub ends_at: Option<Timestamp>,
}

/// A command that waits for the agent's return from a protected pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// What happens on return.
    pub target: PendingTarget,
    /// Since when it waits.
    pub since: Timestamp,
    /// Who asked.
    pub actor: Actor,
    /// Why they asked; erasable text.
    pub reason: Option<String>,
}

/// What happens on return from a protected pause.
#[derive(Debug, Clone, PartialEq)]
pub enum PendingTarget {
    /// The agent takes this status; a pause around the protected one ends.
    Status(ChosenStatus),
    /// The pause around the protected one ends as its limit says.
    Limit,
    /// The agent is signed out.
    SignOut,
    /// A pause begins, if the rules allow it then.
    Pause {
        /// Its type.
        pause_type: PauseTypeCode,
        /// Whoever asked waives the rules that can be waived.
        overriding: bool,
    },
}

/// An exception is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestCreated {
    /// Its id.
    pub id: RequestId,
    /// The type of pause.
    pub pause_type: PauseTypeCode,
    /// By how much the limit is to be later.
    pub extra: Duration,
    /// Where it comes from.
    pub origin: Origin,
    /// Until when it is open.
    pub expires_at: Timestamp,
    /// What becomes of it then.
    pub at_timeout: AtTimeout,
}

/// The work that integrations report of an agent, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccupancyChanged {
    /// By integration, each once, in the order of their ids.
    pub sources: Box<[SourceWork]>,
    /// True when some of it has to end before a pause begins.
    pub blocks: bool,
}

/// The agent waits in line for a slot, behind whoever asked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The type that is waited for.
    pub pause_type: PauseTypeCode,
    /// What the agent wrote; erasable text.
    pub note: Option<String>,
    /// The teams in whose lines the agent stands.
    pub slots: Box<[TeamId]>,
    /// When the window opens that the agent waits for first; none where it is open.
    pub opens_at: Option<Timestamp>,
}

/// A pause began.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseStarted {
    /// The new pause.
    pub id: PauseId,
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// What governs it until it ends; a protected pause has none.
    pub terms: Option<PauseTerms>,
    /// The pause that this protected one is taken inside of.
    pub inside: Option<PauseId>,
    /// The pause that this one replaces, ended at the same instant.
    pub replaces: Option<PauseId>,
    /// What the agent wrote; erasable text.
    pub note: Option<String>,
    /// Where and on which day it counts.
    pub place: PausePlace,
}

impl PauseStarted {
    /// The class, as its terms tell it.
    pub fn class(&self) -> PauseClass {
        self.terms.as_ref().map_or(PauseClass::Protected, |terms| terms.class.as_class())
    }
}

/// Where and on which day a pause counts, fixed at its start (semantics §2).
#[derive(Debug, Clone, PartialEq)]
pub struct PausePlace {
    /// The agent's zone.
    pub zone: Tz,
    /// The zone's offset from UTC at the start, in seconds, east positive.
    pub utc_offset_s: i32,
    /// The calendar day of the start in that zone.
    pub local_day: NaiveDate,
    /// The business day of the start in that zone.
    pub business_day: NaiveDate,
    /// The shift that contains the start.
    pub shift: Option<Shift>,
    /// The agent's primary team.
    pub team: Option<TeamId>,
    /// The agent's teams that the type is offered to: it takes a slot of each.
    pub slots: Box<[TeamId]>,
}

impl PausePlace {
    /// What the pause is counted in.
    pub fn period(&self) -> Period {
        self.shift.map_or(Period::BusinessDay(self.business_day), |shift| Period::Shift(shift.started_at))
    }
}

/// The rules that a running pause keeps, as they were when it began (semantics §5).
#[derive(Debug, Clone, PartialEq)]
pub struct PauseTerms {
    /// Regular or entitlement.
    pub class: LimitedClass,
    /// For reports only.
    pub paid: bool,
    /// For reports only.
    pub counts_as_work: bool,
    /// The shortest time.
    pub min_duration: Option<Duration>,
    /// What an end before it means.
    pub on_early_end: OnEarlyEnd,
    /// Ended sooner than this, it was a misclick.
    pub refund_under: Duration,
    /// The longest time, extensions not included.
    pub limit: Option<Duration>,
    /// Warnings before the limit, longest first.
    pub warn_before: Vec<Duration>,
    /// From the limit to the overrun.
    pub grace: Duration,
    /// What happens at limit + grace.
    pub on_limit: OnLimit,
    /// Escalations after the overrun, shortest first.
    pub escalate_after: Vec<Duration>,
    /// What makes it one of the pauses that the employer owes; none where none of its type is owed.
    pub right: Option<Right>,
}

/// What makes a pause one of those that are owed: it has to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// How long it has to be.
    pub min: Duration,
    /// From when it may begin.
    pub from: Timestamp,
    /// Until when it has to be over; none where nobody has said when the shift ends.
    pub until: Option<Timestamp>,
}

impl Right {
    /// True for a pause of these bounds.
    pub fn is_met(&self, started_at: Timestamp, ended_at: Timestamp) -> bool {
        let in_time = self.from <= started_at && self.until.is_none_or(|until| ended_at <= until);
        in_time && ended_at.since(started_at) >= self.min
    }
}

/// The classes that have terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedClass {
    /// An ordinary pause.
    Regular,
    /// A pause that the employer owes.
    Entitlement,
}

impl LimitedClass {
    /// The same as one of all classes.
    pub fn as_class(self) -> PauseClass {
        match self {
            LimitedClass::Regular => PauseClass::Regular,
            LimitedClass::Entitlement => PauseClass::Entitlement,
        }
    }
}

/// A pause ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseEnded {
    /// The pause.
    pub pause: PauseId,
    /// What the agent is after it.
    pub then: AfterPause,
    /// It ended under its minimum, and was no misclick.
    pub short: bool,
    /// It ended so soon that it does not count.
    pub misclick: bool,
    /// For an abandoned pause: when the agent was last seen. Its end is then an estimate.
    pub last_seen_at: Option<Timestamp>,
    /// The pause that replaces it, at the same instant.
    pub replaced_by: Option<PauseId>,
}

/// What an agent is after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterPause {
    /// A status.
    Status(ChosenStatus),
    /// Back in the pause that the protected one was taken inside of.
    OuterPause,
}

/// Why something happened. Those of an ended pause are listed in semantics §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A pause ran on unattended.
    Abandoned,
    /// The administrator's doing.
    Admin,
    /// The agent's own choice.
    Agent,
    /// The agent changed to another type of pause.
    ChangedType,
    /// The wall clock was set.
    Clock,
    /// The last session went away and did not return in time.
    ConnectionLost,
    /// The person left.
    Deactivated,
    /// An integration acted on the agent's behalf.
    Integration,
    /// The pause's limit.
    Limit,
    /// The work that integrations report.
    Occupancy,
    /// The order of a waiting list.
    Queue,
    /// A return after a lost connection.
    Resumed,
    /// The server came up.
    ServerStarted,
    /// A session was opened or closed.
    Session,
    /// A first sign-in.
    SignIn,
    /// A sign-out.
    SignOut,
    /// A supervisor acted.
    Supervisor,
    /// The company was closed.
    TenantClosed,
}

impl Cause {
    /// All causes, in the order of their words.
    pub const ALL: [Cause; 18] = [
        Cause::Abandoned,
        Cause::Admin,
        Cause::Agent,
        Cause::ChangedType,
        Cause::Clock,
        Cause::ConnectionLost,
        Cause::Deactivated,
        Cause::Integration,
        Cause::Limit,
        Cause::Occupancy,
        Cause::Queue,
        Cause::Resumed,
        Cause::ServerStarted,
        Cause::Session,
        Cause::SignIn,
        Cause::SignOut,
        Cause::Supervisor,
        Cause::TenantClosed,
    ];

    /// The stable word for protocol and store.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Abandoned => "abandoned",
            Cause::Admin => "admin",
            Cause::Agent => "agent",
            Cause::ChangedType => "changed_type",
            Cause::Clock => "clock",
            Cause::ConnectionLost => "connection_lost",
            Cause::Deactivated => "deactivated",
            Cause::Integration => "integration",
            Cause::Limit => "limit",
            Cause::Occupancy => "occupancy",
            Cause::Queue => "queue",
            Cause::Resumed => "resumed",
            Cause::ServerStarted => "server_started",
            Cause::Session => "session",
            Cause::SignIn => "sign_in",
            Cause::SignOut => "sign_out",
            Cause::Supervisor => "supervisor",
            Cause::TenantClosed => "tenant_closed",
        }
    }
}

impl AgentEventBody {
    /// The event's name (semantics §10).
    pub fn name(&self) -> &'static str {
        match self {
            AgentEventBody::Connected { .. } => "agent.connected",
            AgentEventBody::GraceBegan { .. } => "agent.grace",
            AgentEventBody::ConnectionLost { .. } => "agent.connection_lost",
            AgentEventBody::SignedIn { .. } => "agent.signed_in",
            AgentEventBody::Resumed { .. } => "agent.resumed",
            AgentEventBody::StatusChanged { .. } => "agent.status_changed",
            AgentEventBody::SignedOut => "agent.signed_out",
            AgentEventBody::Deactivated => "agent.deactivated",
            AgentEventBody::PauseRefused { .. } => "pause.refused",
            AgentEventBody::PendingSet(_) => "pause.pending",
            AgentEventBody::PendingCancelled | AgentEventBody::DeferralEnded { .. } => "pause.pending_cancelled",
            AgentEventBody::Deferred(_) => "pause.pending",
            AgentEventBody::RequestCreated(_) => "request.created",
            AgentEventBody::RequestDecided { .. } => "request.decided",
            AgentEventBody::RequestExpired { .. } => "request.expired",
            AgentEventBody::RequestCancelled { .. } => "request.cancelled",
            AgentEventBody::GrantUsed { .. } => "grant.used",
            AgentEventBody::AlertAcknowledged { .. } => "alert.acknowledged",
            AgentEventBody::OccupancyChanged(_) => "occupancy.changed",
            AgentEventBody::Queued(_) => "pause.queued",
            AgentEventBody::LeftQueue { .. } => "pause.left_queue",
            AgentEventBody::Offered { .. } => "pause.offered",
            AgentEventBody::OfferExpired { .. } => "pause.offer_expired",
            AgentEventBody::ShiftPlanned(_) => "shift.planned",
            AgentEventBody::ShiftCancelled { .. } => "shift.cancelled",
            AgentEventBody::PauseStarted(_) => "pause.started",
            AgentEventBody::PauseWarned { .. } => "pause.warned",
            AgentEventBody::LimitReached { .. } => "pause.limit_reached",
            AgentEventBody::Overran { .. } => "pause.overran",
            AgentEventBody::Escalated { .. } => "pause.escalated",
            AgentEventBody::PauseExtended { .. } => "pause.extended",
            AgentEventBody::PauseEnded(_) => "pause.ended",
            AgentEventBody::PauseCorrected(_) => "pause.corrected",
            AgentEventBody::PauseAnnotated { .. } => "pause.annotated",
            AgentEventBody::EntitlementAtRisk(_) => "entitlement.at_risk",
            AgentEventBody::FindingRecorded { .. } => "finding.recorded",
        }
    }
}

impl TenantEventBody {
    /// The event's name (semantics §10).
    pub fn name(&self) -> &'static str {
        match self {
            TenantEventBody::ServerStarted { .. } => "server.started",
            TenantEventBody::ClockStepped { .. } => "clock.stepped",
            TenantEventBody::PolicyPublished { .. } => "policy.published",
            TenantEventBody::PolicyPlanned { step, .. } => step.name(),
            TenantEventBody::DirectoryChanged { .. } => "directory.changed",
            TenantEventBody::Closing { step, .. } => step.name(),
            TenantEventBody::Access(event) => event.name(),
        }
    }
}
