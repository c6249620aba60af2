//! What an event is to everybody but the agent whose it is.
//!
//! The mask of [`super::presence`], for the journal as it is read by others: a protected pause is a chosen `unavailable`, and
//! inside another pause it is nothing at all (semantics §11). What is told of an event depends on what stands around it in
//! the journal; whoever reads the journal is told here what to look up.

use std::collections::BTreeSet;

use super::event::{AfterPause, AgentEvent, AgentEventBody, Cause, ChosenStatus, PauseEnded, PauseStarted, Shift};
use super::id::{PauseId, PauseTypeCode};

/// What is protected of what some events name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protected {
    /// Pauses.
    pub pauses: BTreeSet<PauseId>,
    /// Types.
    pub types: BTreeSet<PauseTypeCode>,
}

/// What stands around an event, as far as [`question`] asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Around {
    /// The status that the agent had chosen last before it; none where it is not asked for.
    pub status: Option<ChosenStatus>,
    /// The connection had been given up before it.
    pub lost: bool,
    /// What follows.
    pub next: Next,
}

/// What the agent does at the same instant in one of the events that follow. One decision has one instant, and others of what
/// it leads to may stand between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Next {
    /// The agent signs in, or is back.
    SignIn,
    /// The agent has signed out, or has left the company.
    Leave,
    /// Neither.
    #[default]
    Other,
}

/// What has to be known of the events around one before it can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Nothing.
    Nothing,
    /// The status before.
    Status,
    /// What follows.
    Next,
    /// Whether the connection was given up, and what follows.
    LostAndNext,
}

/// What others are shown in place of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// The event.
    AsItIs,
    /// Another one, under the same number.
    Instead(Box<AgentEvent>),
    /// Nothing: the number is left out.
    Nothing,
}

/// What has to be known to show an event.
pub fn question(event: &AgentEvent, protected: &Protected) -> Question {
    if matches!(event.body, AgentEventBody::Connected { .. }) && event.cause == Cause::Session {
        return Question::Next;
    }
    if matches!(event.body, AgentEventBody::DeferralEnded { .. }) {
        return Question::Next;
    }
    if let AgentEventBody::PauseStarted(started) = &event.body
        && started.terms.is_none()
        && started.inside.is_none()
    {
        return Question::Status;
    }
    if let AgentEventBody::PauseEnded(ended) = &event.body
        && ended.then == AfterPause::Status(ChosenStatus::Offline)
        && protected.pauses.contains(&ended.pause)
    {
        return Question::LostAndNext;
    }
    Question::Nothing
}

/// What others are shown of an event.
pub fn shown(event: &AgentEvent, protected: &Protected, around: Around) -> Shown {
    let is_start = matches!(event.body, AgentEventBody::PauseStarted(_));
    if !is_start && named(&event.body).pause_type.is_some_and(|code| protected.types.contains(code)) {
        return Shown::Nothing;
    }
    match &event.body {
        // A connection that somebody unavailable comes back by is told by the return alone, as this one is.
        AgentEventBody::Connected { shift } => match (event.cause, around.next) {
            (Cause::Resumed, _) => instead(event, AgentEventBody::Resumed { status: ChosenStatus::Unavailable }),
            (Cause::SignIn, _) => {
                let shift = shift.unwrap_or(Shift { started_at: event.at, estimated: true, ends_at: None });
                instead(event, AgentEventBody::SignedIn { status: ChosenStatus::Unavailable, shift })
            }
            (_, Next::SignIn) => Shown::Nothing,
            (_, Next::Leave | Next::Other) => Shown::AsItIs,
        },
        // Only a protected pause has a return to wait for, and the clock of an offer rests on one.
        AgentEventBody::PendingSet(_) | AgentEventBody::PendingCancelled | AgentEventBody::Offered { .. } => {
            Shown::Nothing
        }
        AgentEventBody::OfferExpired { place, .. } => match place {
            Some(_) => Shown::Nothing,
            None => Shown::AsItIs,
        },
        // The pause that stands against it may be one that is nobody's affair.
        AgentEventBody::PauseRefused { code, .. } if code == ALREADY_PAUSED => Shown::Nothing,
        // A sign-out ends what waits. Where a protected pause ends by it, nothing else says so.
        AgentEventBody::DeferralEnded { .. } => unless(around.next == Next::Leave),
        AgentEventBody::GrantUsed { pause, .. } => unless(protected.pauses.contains(pause)),
        AgentEventBody::PauseStarted(started) => shown_start(event, started, protected, around),
        AgentEventBody::PauseEnded(ended) => shown_end(event, ended, protected, around),
        AgentEventBody::FindingRecorded { pause, .. } => unless(pause.is_some_and(|id| protected.pauses.contains(&id))),
        AgentEventBody::PauseAnnotated { pause } => unless(protected.pauses.contains(pause)),
        AgentEventBody::PauseRefused { .. }
        | AgentEventBody::GraceBegan { .. }
        | AgentEventBody::ConnectionLost { .. }
        | AgentEventBody::SignedIn { .. }
        | AgentEventBody::Resumed { .. }
        | AgentEventBody::StatusChanged { .. }
        | AgentEventBody::SignedOut
        | AgentEventBody::Deactivated
        | AgentEventBody::Deferred(_)
        | AgentEventBody::RequestCreated(_)
        | AgentEventBody::RequestDecided { .. }
        | AgentEventBody::RequestExpired { .. }
        | AgentEventBody::RequestCancelled { .. }
        | AgentEventBody::AlertAcknowledged { .. }
        | AgentEventBody::OccupancyChanged(_)
        | AgentEventBody::Queued(_)
        | AgentEventBody::LeftQueue { .. }
        | AgentEventBody::ShiftPlanned(_)
        | AgentEventBody::ShiftCancelled { .. }
        | AgentEventBody::PauseWarned { .. }
        | AgentEventBody::LimitReached { .. }
        | AgentEventBody::Overran { .. }
        | AgentEventBody::Escalated { .. }
        | AgentEventBody::PauseExtended { .. }
        | AgentEventBody::PauseCorrected(_)
        | AgentEventBody::EntitlementAtRisk(_) => Shown::AsItIs,
    }
}

/// The code of a start that a running pause stands against.
const ALREADY_PAUSED: &str = "already_paused";

fn shown_start(event: &AgentEvent, started: &PauseStarted, protected: &Protected, around: Around) -> Shown {
    if started.terms.is_some() {
        return match started.replaces.filter(|id| protected.pauses.contains(id)) {
            None => Shown::AsItIs,
            Some(_) => {
                let started = PauseStarted { replaces: None, ..started.clone() };
                instead(event, AgentEventBody::PauseStarted(Box::new(started)))
            }
        };
    }
    match (started.inside, around.status) {
        (None, Some(from @ ChosenStatus::Available)) => {
            instead(event, AgentEventBody::StatusChanged { from, to: ChosenStatus::Unavailable })
        }
        (Some(_), _) | (None, Some(ChosenStatus::Unavailable | ChosenStatus::Offline) | None) => Shown::Nothing,
    }
}

fn shown_end(event: &AgentEvent, ended: &PauseEnded, protected: &Protected, around: Around) -> Shown {
    if !protected.pauses.contains(&ended.pause) {
        return match ended.replaced_by.filter(|id| protected.pauses.contains(id)) {
            None => Shown::AsItIs,
            Some(_) => instead(event, AgentEventBody::PauseEnded(PauseEnded { replaced_by: None, ..ended.clone() })),
        };
    }
    let from = ChosenStatus::Unavailable;
    match ended.then {
        AfterPause::OuterPause | AfterPause::Status(ChosenStatus::Unavailable) => Shown::Nothing,
        // Shown as offline already, or told by the sign-out that follows.
        AfterPause::Status(ChosenStatus::Offline) if around.lost || around.next == Next::Leave => Shown::Nothing,
        AfterPause::Status(to @ (ChosenStatus::Available | ChosenStatus::Offline)) => {
            instead(event, AgentEventBody::StatusChanged { from, to })
        }
    }
}

fn instead(event: &AgentEvent, body: AgentEventBody) -> Shown {
    // Only a pause is abandoned: to the others, somebody unavailable was signed out, which has no time of its own.
    let is_abandoned = event.cause == Cause::Abandoned && body.name() != event.body.name();
    let cause = if is_abandoned { Cause::SignOut } else { event.cause };
    let due_at = event.due_at.filter(|_| !is_abandoned);
    Shown::Instead(Box::new(AgentEvent { body, cause, due_at, ..event.clone() }))
}

fn unless(hidden: bool) -> Shown {
    if hidden { Shown::Nothing } else { Shown::AsItIs }
}

/// What an event names that may be protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named<'a> {
    /// Pauses.
    pub pauses: [Option<PauseId>; 2],
    /// A type.
    pub pause_type: Option<&'a PauseTypeCode>,
}

/// What an event names that may be protected. Events of pauses that have terms name none that is.
pub fn named(body: &AgentEventBody) -> Named<'_> {
    let of_type = |code| Named { pause_type: Some(code), ..Named::default() };
    let of_pauses = |pauses| Named { pauses, ..Named::default() };
    match body {
        AgentEventBody::PauseStarted(started) => {
            Named { pauses: [Some(started.id), started.replaces], pause_type: Some(&started.pause_type) }
        }
        AgentEventBody::PauseEnded(ended) => of_pauses([Some(ended.pause), ended.replaced_by]),
        AgentEventBody::FindingRecorded { pause, .. } => of_pauses([*pause, None]),
        AgentEventBody::PauseAnnotated { pause } | AgentEventBody::GrantUsed { pause, .. } => {
            of_pauses([Some(*pause), None])
        }
        AgentEventBody::PauseRefused { pause_type, .. } | AgentEventBody::LeftQueue { pause_type, .. } => {
            of_type(pause_type)
        }
        AgentEventBody::Queued(queued) => of_type(&queued.pause_type),
        AgentEventBody::Deferred(_)
        | AgentEventBody::Connected { .. }
        | AgentEventBody::GraceBegan { .. }
        | AgentEventBody::ConnectionLost { .. }
        | AgentEventBody::SignedIn { .. }
        | AgentEventBody::Resumed { .. }
        | AgentEventBody::StatusChanged { .. }
        | AgentEventBody::SignedOut
        | AgentEventBody::Deactivated
        | AgentEventBody::PendingSet(_)
        | AgentEventBody::PendingCancelled
        | AgentEventBody::DeferralEnded { .. }
        // Who asks supervisors for an exception has told them of what.
        | AgentEventBody::RequestCreated(_)
        | AgentEventBody::RequestDecided { .. }
        | AgentEventBody::RequestExpired { .. }
        | AgentEventBody::RequestCancelled { .. }
        | AgentEventBody::AlertAcknowledged { .. }
        | AgentEventBody::OccupancyChanged(_)
        | AgentEventBody::Offered { .. }
        | AgentEventBody::OfferExpired { .. }
        | AgentEventBody::ShiftPlanned(_)
        | AgentEventBody::ShiftCancelled { .. }
        | AgentEventBody::PauseWarned { .. }
        | AgentEventBody::LimitReached { .. }
        | AgentEventBody::Overran { .. }
        | AgentEventBody::Escalated { .. }
        | AgentEventBody::PauseExtended { .. }
        | AgentEventBody::PauseCorrected(_)
        | AgentEventBody::EntitlementAtRisk(_) => Named::default(),
    }
}
