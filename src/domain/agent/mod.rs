//! One agent: the facts of semantics §1, folded from events, and the decisions on them.
//!
//! `decide` and `due` say what should happen, `apply` makes it so; live and recovered state go
//! through the same `apply`.

mod apply;
mod closing;
mod correcting;
mod decide;
mod deferring;
mod due;
mod ending;
mod moved;
mod requesting;
mod rights;
mod shifts;

use std::cmp::Reverse;
use std::time::Duration;

use super::alert::Ack;
use super::command::Actor;
use super::deferral::Deferred;
use super::directory::{Directory, Person};
use super::entitlement::AtRisk;
use super::event::{Cause, ChosenStatus, PausePlace, PauseTerms, Pending, Shift};
use super::id::{AgentSeq, PauseId, PauseTypeCode, PolicyVersion};
use super::occupancy::{Occupancy, Reports};
use super::policy::{PauseClass, Policy};
use super::queue::{Offer, Waiting};
use super::record::RecordedPause;
use super::request::{Grant, PauseRequest};
use super::shift::Plan;
use super::slots::Counts;
use super::time::Timestamp;
use super::usage::Usage;

pub use apply::IllegalEvent;
pub use decide::Decision;
pub(in crate::domain) use decide::as_shown;

/// The folded facts of one agent. Sessions, live liveness and `op`s are not among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// The number of its last event.
    pub seq: AgentSeq,
    /// The number of its last event that changed status, pause or pending.
    pub version: AgentSeq,
    /// The same for everybody else: what happens inside another pause does not count.
    pub public_version: AgentSeq,
    /// Is a socket open.
    pub connection: Connection,
    /// What was chosen.
    pub status: Status,
    /// Since when the status holds, as everybody else is shown it: a protected pause begun while
    /// unavailable, or inside another pause, leaves it alone.
    pub since: Timestamp,
    /// Who chose it.
    pub actor: Actor,
    /// Why.
    pub cause: Cause,
    /// What a supervisor wrote when they chose it.
    pub reason: Option<String>,
    /// What waits for the return from a protected pause.
    pub pending: Option<Pending>,
    /// What waits for the end of work.
    pub deferred: Option<Box<Deferred>>,
    /// The last request for an exception.
    pub request: Option<Box<PauseRequest>>,
    /// What was granted and can still be used, as far as it has not lapsed.
    pub grants: Box<[Grant]>,
    /// Which of its alerts somebody has seen.
    pub acks: Box<[Ack]>,
    /// The work that is open; none where no integration reports any, and while the agent is offline.
    pub occupancy: Option<Box<Occupancy>>,
    /// What it is owed and is about to lapse, by rule.
    pub at_risk: Box<[AtRisk]>,
    /// A place in a waiting list.
    pub queue: Option<Box<Waiting>>,
    /// The shift that the last sign-in belongs to.
    pub shift: Option<Shift>,
    /// The shifts that were declared.
    pub plan: Plan,
    /// What a return restores.
    pub resume: Option<Resume>,
    /// What its pauses have used up.
    pub usage: Usage,
}

/// Is a socket open (semantics §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// At least one session.
    Connected,
    /// None any more, not yet given up.
    Grace {
        /// When the last session went away.
        since: Timestamp,
        /// When the agent is given up.
        until: Timestamp,
    },
    /// None.
    Disconnected {
        /// When the last session went away; none before the first.
        last_seen_at: Option<Timestamp>,
    },
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Not at work.
    Offline,
    /// Ready for work.
    Available,
    /// At work, not ready.
    Unavailable,
    /// Away.
    Paused(Away),
}

/// Which pause, or which two.
#[derive(Debug, Clone, PartialEq)]
pub enum Away {
    /// A regular pause or an entitlement.
    Pause(Box<Pause>),
    /// A protected pause.
    Protected(ProtectedPause),
    /// A protected pause inside another, which goes on.
    ProtectedInside {
        /// The pause that goes on.
        outer: Box<Pause>,
        /// The protected one.
        inner: ProtectedPause,
    },
}

/// A running regular pause or entitlement.
#[derive(Debug, Clone, PartialEq)]
pub struct Pause {
    /// Its id.
    pub id: PauseId,
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// What governs it until it ends.
    pub terms: PauseTerms,
    /// The policy that it began under.
    pub policy_version: PolicyVersion,
    /// When it began.
    pub started_at: Timestamp,
    /// By how much its limit was moved out.
    pub extended_by: Duration,
    /// What the agent wrote.
    pub note: Option<String>,
    /// Where and on which day it counts.
    pub place: PausePlace,
    /// What has fired.
    pub fired: Fired,
    /// Since when it is on record that more work came in during it.
    pub worked_at: Option<Timestamp>,
}

/// The thresholds of a pause that have fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fired {
    /// How many of the warnings, longest first.
    pub warnings: u32,
    /// The limit.
    pub limit: bool,
    /// When the overrun was due.
    pub overran_at: Option<Timestamp>,
    /// How many of the escalations, shortest first.
    pub escalations: u32,
}

/// A running protected pause: nothing governs it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProtectedPause {
    /// Its id.
    pub id: PauseId,
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// When it began.
    pub started_at: Timestamp,
    /// What the agent wrote.
    pub note: Option<String>,
}

/// What a return within `resume_within` restores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// The status.
    pub status: ChosenStatus,
    /// When the connection was given up.
    pub lost_at: Timestamp,
}

/// What is known of the agent's sockets right now; never journaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// How many sessions are open.
    pub sessions: usize,
    /// When the last one that is gone went.
    pub last_closed_at: Option<Timestamp>,
    /// When a session last answered a ping.
    pub answered_at: Option<Timestamp>,
}

/// All that a decision may look at besides the agent.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The instant of the decision, sampled once.
    pub now: Timestamp,
    /// The directory version that the decision is made under.
    pub directory: &'a Directory,
    /// The agent as the directory has them.
    pub person: &'a Person,
    /// The policy version that the decision is made under.
    pub policy: &'a Policy,
    /// What is taken of the slots.
    pub slots: &'a Counts,
    /// The agent is counted among the available there.
    pub counted_available: bool,
    /// The agent's sockets.
    pub live: Live,
    /// What integrations say of the agent's work.
    pub reports: &'a Reports,
    /// The pause on record that the command is about, where it is about one and there is one.
    pub recorded: Option<&'a RecordedPause>,
    /// A fresh id, used if a pause begins.
    pub fresh_id: PauseId,
    /// When the server became ready; what ends a pause waits a while after it (semantics §5).
    pub ready_at: Timestamp,
}

impl Agent {
    /// An agent of whom nothing has ever happened.
    pub fn unseen(id: super::id::AgentId) -> Agent {
        Agent {
            seq: AgentSeq(0),
            version: AgentSeq(0),
            public_version: AgentSeq(0),
            connection: Connection::Disconnected { last_seen_at: None },
            status: Status::Offline,
            since: Timestamp(0),
            actor: Actor::Agent(id),
            cause: Cause::SignOut,
            reason: None,
            pending: None,
            deferred: None,
            request: None,
            grants: Box::default(),
            acks: Box::default(),
            occupancy: None,
            at_risk: Box::default(),
            queue: None,
            shift: None,
            plan: Plan::default(),
            resume: None,
            usage: Usage::default(),
        }
    }

    /// The running pause that has terms: the only one, or the one around a protected one.
    pub fn pause(&self) -> Option<&Pause> {
        match &self.status {
            Status::Paused(Away::Pause(pause) | Away::ProtectedInside { outer: pause, .. }) => Some(pause),
            Status::Paused(Away::Protected(_)) | Status::Offline | Status::Available | Status::Unavailable => None,
        }
    }

    /// The running protected pause.
    pub fn protected_pause(&self) -> Option<&ProtectedPause> {
        match &self.status {
            Status::Paused(Away::Protected(inner) | Away::ProtectedInside { inner, .. }) => Some(inner),
            Status::Paused(Away::Pause(_)) | Status::Offline | Status::Available | Status::Unavailable => None,
        }
    }

    /// The running pause of this type, the protected one first.
    pub fn running_of_type(&self, code: &PauseTypeCode) -> Option<PauseId> {
        let inner = self.protected_pause().map(|pause| (pause.id, &pause.pause_type));
        let outer = self.pause().map(|pause| (pause.id, &pause.pause_type));
        [inner, outer].into_iter().flatten().find(|(_, running)| *running == code).map(|(id, _)| id)
    }

    /// The offer of a slot for a pause of this type.
    pub fn offer_of(&self, code: &PauseTypeCode) -> Option<&Offer> {
        self.queue.as_ref().filter(|waiting| waiting.pause_type == *code)?.offer.as_ref()
    }

    /// True while the agent could take an offer: they are there, and on no protected pause.
    pub fn can_take_offers(&self) -> bool {
        self.is_connected() && self.protected_pause().is_none()
    }

    /// What was granted for pauses of this type, if it can be used now; of several the one that waives the most, of those
    /// the one that ends first.
    pub fn grant_for(&self, pause_type: &PauseTypeCode, now: Timestamp) -> Option<&Grant> {
        let hold = self.grants.iter().filter(|grant| grant.holds_for(pause_type, now));
        hold.min_by_key(|grant| (Reverse(grant.waives.codes().len()), grant.until))
    }

    /// True while a pause of this type is owed that is about to lapse.
    pub fn is_at_risk(&self, pause_type: &PauseTypeCode) -> bool {
        self.at_risk.iter().any(|risk| risk.pause_type == *pause_type)
    }

    /// The request that somebody may decide on.
    pub fn open_request(&self) -> Option<&PauseRequest> {
        self.request.as_deref().filter(|request| request.is_open())
    }

    /// True while work is open that has to end before a pause begins.
    pub fn is_occupied(&self) -> bool {
        self.occupancy.as_ref().is_some_and(|occupancy| occupancy.blocks)
    }

    /// True while the clock of an offer runs: the agent could take it, and it has not been taken already for a pause that
    /// waits for the end of work.
    pub(in crate::domain) fn offer_clock_runs(&self) -> bool {
        self.can_take_offers() && !self.is_occupied() && !self.has_taken_offer()
    }

    /// True while a pause waits for the end of work in the slot that was offered for it.
    pub(in crate::domain) fn has_taken_offer(&self) -> bool {
        let taken = self.deferred.as_ref().and_then(|deferred| deferred.offer());
        let offered = self.queue.as_ref().and_then(|waiting| waiting.offer.as_ref()).map(|offer| offer.id);
        taken.is_some() && taken == offered
    }

    /// True while a pause of any class is running.
    pub fn is_paused(&self) -> bool {
        matches!(self.status, Status::Paused(_))
    }

    /// True while everybody else is shown `offline` although a protected pause runs on: whoever
    /// chose `unavailable` would be offline once the connection is given up.
    pub fn is_shown_offline(&self) -> bool {
        matches!((&self.status, self.connection), (Status::Paused(Away::Protected(_)), Connection::Disconnected { .. }))
    }

    /// True while a socket is open.
    pub fn is_connected(&self) -> bool {
        self.connection == Connection::Connected
    }
}

impl Pause {
    /// When the limit is reached, extensions included.
    pub fn limit_at(&self) -> Option<Timestamp> {
        self.terms.limit.map(|limit| self.started_at + limit + self.extended_by)
    }

    /// When the next warning is due that has not fired, else the last one that has.
    pub fn warn_at(&self) -> Option<Timestamp> {
        let limit_at = self.limit_at()?;
        let next = self.terms.warn_before.get(self.fired.warnings as usize);
        next.or(self.terms.warn_before.last()).map(|before| limit_at.minus(*before))
    }

    /// From when it may end without being short.
    pub fn min_until(&self) -> Option<Timestamp> {
        self.terms.min_duration.map(|min| self.started_at + min)
    }

    /// Regular or entitlement.
    pub fn class(&self) -> PauseClass {
        self.terms.class.as_class()
    }
}
