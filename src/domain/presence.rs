//! What is shown of an agent: to the agent itself, and to everybody else.
//!
//! Masking lives here, in one place: a protected pause leaves the domain only in the agent's own
//! view (semantics §11).

use std::sync::Arc;
use std::time::Duration;

use super::agent::{Agent, Away, Connection, Pause, Status};
use super::alert::Ack;
use super::command::Actor;
use super::deferral::{Deferred, DeferredTarget};
use super::directory::{Directory, Person};
use super::entitlement::AtRisk;
use super::event::{Cause, ChosenStatus, Pending};
use super::id::{AgentSeq, OfferId, PauseId, PauseTypeCode, RequestId, TeamId};
use super::occupancy::{Engaged, Load};
use super::request::{PauseRequest, RequestState};
use super::routable::{Wanted, not_routable};
use super::time::Timestamp;

/// One agent as shown. Two views that are equal are shown by equal bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentView {
    /// The agent as the directory has them.
    pub person: Arc<Person>,
    /// The agent's zone, resolved.
    pub zone: chrono_tz::Tz,
    /// The number of the last event that the viewer can tell of.
    pub version: AgentSeq,
    /// What a dashboard shows first.
    pub presence: Presence,
    /// Since when the presence holds.
    pub presence_since: Timestamp,
    /// What was chosen.
    pub status: StatusWord,
    /// Since when the status holds.
    pub since: Timestamp,
    /// Is a socket open.
    pub connection: ConnectionWord,
    /// Why no work may be routed to the agent on any channel; none when it may.
    pub not_routable: Option<NotRoutable>,
    /// The work that is open, as far as it is known.
    pub load: Load,
    /// Who chose the status.
    pub actor: Actor,
    /// Why.
    pub cause: Cause,
    /// What a supervisor wrote; for notifications, not part of a row.
    pub reason: Option<String>,
    /// The pause shown.
    pub pause: Option<PauseView>,
    /// What waits for the return; in the agent's own view only.
    pub pending: Option<Box<Pending>>,
    /// What waits for the end of work.
    pub deferred: Option<Box<DeferredView>>,
    /// The last request for an exception.
    pub request: Option<Box<RequestView>>,
    /// Which of its alerts somebody has seen.
    pub acks: Box<[Ack]>,
    /// What it is owed and is about to lapse; in the view of others only.
    pub at_risk: Box<[AtRisk]>,
    /// The line that the agent stands in.
    pub queue: Option<Box<QueueView>>,
    /// The slot that is kept for the agent; in the agent's own view only, for its clock rests on a protected pause.
    pub offer: Option<Box<OfferView>>,
}

/// What waits for the end of work, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeferredView {
    /// What happens then.
    pub target: DeferredWord,
    /// Since when it waits.
    pub since: Timestamp,
    /// When its time is up; none once it was.
    pub deadline_at: Option<Timestamp>,
}

/// What happens when work has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeferredWord {
    /// The agent takes this status.
    Status(ChosenStatus),
    /// A pause of this type begins.
    Pause(PauseTypeCode),
}

/// A request as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestView {
    /// Its id.
    pub id: RequestId,
    /// The type of pause that it is for.
    pub pause_type: PauseTypeCode,
    /// Why it is asked for.
    pub reason: Option<String>,
    /// By how much the limit is to be later.
    pub extra: Duration,
    /// When it was made.
    pub at: Timestamp,
    /// Until when it is open.
    pub expires_at: Timestamp,
    /// Open, or what became of it.
    pub state: RequestState,
}

impl RequestView {
    /// What is shown of a request.
    pub fn of(request: &PauseRequest) -> RequestView {
        RequestView {
            id: request.id,
            pause_type: request.pause_type.clone(),
            reason: request.reason.clone(),
            extra: request.extra,
            at: request.at,
            expires_at: request.expires_at,
            state: request.state.clone(),
        }
    }
}

/// A place in a line as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueView {
    /// The type that is waited for.
    pub pause_type: PauseTypeCode,
    /// Since when.
    pub since: Timestamp,
    /// Where in the line, as it is now; in the agent's own view only, for it moves without an event of theirs.
    pub position: Option<u32>,
    /// When a slot is free if all pauses end at their limit; as above.
    pub expected_at: Option<Timestamp>,
}

/// An offer as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferView {
    /// Its id.
    pub id: OfferId,
    /// The type.
    pub pause_type: PauseTypeCode,
    /// When it expires; none while its clock rests.
    pub expires_at: Option<Timestamp>,
}

/// A pause as shown.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseView {
    /// Its id.
    pub id: PauseId,
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// When it began.
    pub started_at: Timestamp,
    /// When the next warning is due.
    pub warn_at: Option<Timestamp>,
    /// When the limit is reached.
    pub limit_at: Option<Timestamp>,
    /// Since when the overrun is on record.
    pub overran_at: Option<Timestamp>,
    /// Since when it is on record that more work came in during it.
    pub worked_at: Option<Timestamp>,
    /// The team it counts for.
    pub team: Option<TeamId>,
    /// What the agent wrote.
    pub note: Option<String>,
    /// The pause that this protected one is taken inside of; in the agent's own view only.
    pub inside: Option<Box<PauseView>>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
    };
}

words!(
    /// What a dashboard shows first (semantics §1).
    Presence {
        /// Not at work.
        Offline = "offline",
        /// On a pause.
        Paused = "paused",
        /// Not ready.
        Unavailable = "unavailable",
        /// Ready but for the work after a conversation.
        WrapUp = "wrap_up",
        /// Ready, with conversations open.
        Busy = "busy",
        /// Ready.
        Available = "available",
    }
);
words!(
    /// What was chosen.
    StatusWord {
        /// Not at work.
        Offline = "offline",
        /// Ready.
        Available = "available",
        /// Not ready.
        Unavailable = "unavailable",
        /// On a pause.
        Paused = "paused",
    }
);
words!(
    /// Is a socket open.
    ConnectionWord {
        /// At least one.
        Connected = "connected",
        /// None any more, not yet given up.
        Grace = "grace",
        /// None.
        Disconnected = "disconnected",
    }
);
words!(
    /// Why no work may be routed to an agent, in order of precedence (semantics §1).
    NotRoutable {
        /// Not at work.
        Offline = "offline",
        /// No socket, or only the grace.
        Disconnected = "disconnected",
        /// On a pause.
        Paused = "paused",
        /// A pause or a status waits for the end of work.
        Pending = "pending",
        /// Chose not to be.
        Unavailable = "unavailable",
        /// In the work after a conversation.
        WrapUp = "wrap_up",
        /// As many conversations are open as there may be.
        AtCapacity = "at_capacity",
        /// The last report of an integration has lapsed.
        OccupancyUnknown = "occupancy_unknown",
        /// In other teams.
        NotInTeam = "not_in_team",
        /// The channel is switched off, or there is none.
        ChannelDisabled = "channel_disabled",
    }
);

impl AgentView {
    /// What the agent itself is shown.
    pub fn own(agent: &Agent, person: &Arc<Person>, directory: &Directory) -> AgentView {
        let pause = match &agent.status {
            Status::Paused(Away::Pause(pause)) => Some(PauseView::of(pause)),
            Status::Paused(Away::Protected(_) | Away::ProtectedInside { .. }) => {
                agent.protected_pause().map(|inner| PauseView {
                    id: inner.id,
                    pause_type: inner.pause_type.clone(),
                    started_at: inner.started_at,
                    warn_at: None,
                    limit_at: None,
                    overran_at: None,
                    worked_at: None,
                    team: person.primary_team().cloned(),
                    note: inner.note.clone(),
                    inside: agent.pause().map(|outer| Box::new(PauseView::of(outer))),
                })
            }
            Status::Offline | Status::Available | Status::Unavailable => None,
        };
        let mut view = AgentView::with(agent, person, directory, StatusWord::of(&agent.status), agent.version);
        if let Some(inner) = agent.protected_pause() {
            view.since = inner.started_at;
            view.presence_since = inner.started_at;
            view.actor = Actor::Agent(person.id.clone());
            view.cause = Cause::Agent;
            view.reason = None;
        }
        view.pause = pause;
        view.pending = agent.pending.clone().map(Box::new);
        view.offer = agent.queue.as_deref().and_then(|waiting| {
            // One that was taken is what the deferred pause has.
            let taken = agent.deferred.as_ref().and_then(|deferred| deferred.offer());
            let (offer, pause_type) =
                (waiting.offer.filter(|offer| taken != Some(offer.id))?, waiting.pause_type.clone());
            Some(Box::new(OfferView { id: offer.id, pause_type, expires_at: offer.expires_at() }))
        });
        view
    }

    /// What everybody else is shown: a protected pause is a chosen `unavailable`, and inside
    /// another pause it is nothing at all.
    pub fn public(agent: &Agent, person: &Arc<Person>, directory: &Directory) -> AgentView {
        let status = match &agent.status {
            Status::Paused(Away::Protected(_)) if agent.is_shown_offline() => StatusWord::Offline,
            Status::Paused(Away::Protected(_)) => StatusWord::Unavailable,
            Status::Paused(Away::Pause(_) | Away::ProtectedInside { .. })
            | Status::Offline
            | Status::Available
            | Status::Unavailable => StatusWord::of(&agent.status),
        };
        let mut view = AgentView::with(agent, person, directory, status, agent.public_version);
        view.pause = agent.pause().map(PauseView::of);
        view.at_risk = agent.at_risk.clone();
        view
    }

    fn with(
        agent: &Agent,
        person: &Arc<Person>,
        directory: &Directory,
        status: StatusWord,
        version: AgentSeq,
    ) -> AgentView {
        let occupancy = agent.occupancy.as_deref().filter(|_| status != StatusWord::Offline);
        let load = occupancy.map(|occupancy| occupancy.load()).unwrap_or_default();
        let (presence, presence_since) = match (status, load.engaged()) {
            (StatusWord::Offline, _) => (Presence::Offline, agent.since),
            (StatusWord::Paused, _) => (Presence::Paused, agent.since),
            (StatusWord::Unavailable, _) => (Presence::Unavailable, agent.since),
            (StatusWord::Available, engaged) => {
                let since = occupancy.map_or(agent.since, |occupancy| occupancy.presence_since.max(agent.since));
                let presence = match engaged {
                    Engaged::WrapUp => Presence::WrapUp,
                    Engaged::Busy => Presence::Busy,
                    Engaged::Idle => Presence::Available,
                };
                (presence, since)
            }
        };
        let connection = match agent.connection {
            Connection::Connected => ConnectionWord::Connected,
            Connection::Grace { .. } => ConnectionWord::Grace,
            Connection::Disconnected { .. } => ConnectionWord::Disconnected,
        };
        let deferred = agent.deferred.as_deref().filter(|_| status != StatusWord::Offline);
        let view = AgentView {
            person: Arc::clone(person),
            zone: directory.zone_of(person),
            version,
            presence,
            presence_since,
            status,
            since: agent.since,
            connection,
            not_routable: None,
            load,
            actor: agent.actor.clone(),
            cause: agent.cause,
            reason: agent.reason.clone(),
            pause: None,
            pending: None,
            deferred: deferred.map(|deferred| Box::new(DeferredView::of(deferred))),
            acks: agent.acks.clone(),
            at_risk: Box::default(),
            request: agent.request.as_deref().map(|request| Box::new(RequestView::of(request))),
            queue: agent.queue.as_deref().map(|waiting| {
                Box::new(QueueView {
                    pause_type: waiting.pause_type.clone(),
                    since: waiting.since,
                    position: None,
                    expected_at: None,
                })
            }),
            offer: None,
        };
        view.under(directory)
    }

    /// The same under another directory, with the person as it has them.
    pub fn fitted(&self, person: &Arc<Person>, directory: &Directory) -> AgentView {
        let view = AgentView { person: Arc::clone(person), zone: directory.zone_of(person), ..self.clone() };
        view.under(directory)
    }

    /// What of it depends on the channels.
    fn under(mut self, directory: &Directory) -> AgentView {
        self.not_routable = not_routable(&self, Wanted::default(), directory);
        self
    }
}

impl DeferredView {
    fn of(deferred: &Deferred) -> DeferredView {
        let target = match &deferred.target {
            DeferredTarget::Status(status) => DeferredWord::Status(*status),
            DeferredTarget::Pause { pause_type, .. } => DeferredWord::Pause(pause_type.clone()),
        };
        DeferredView { target, since: deferred.since, deadline_at: deferred.deadline_at }
    }
}

impl StatusWord {
    /// The word for a status.
    pub fn of(status: &Status) -> StatusWord {
        match status {
            Status::Offline => StatusWord::Offline,
            Status::Available => StatusWord::Available,
            Status::Unavailable => StatusWord::Unavailable,
            Status::Paused(_) => StatusWord::Paused,
        }
    }
}

impl PauseView {
    fn of(pause: &Pause) -> PauseView {
        PauseView {
            id: pause.id,
            pause_type: pause.pause_type.clone(),
            started_at: pause.started_at,
            warn_at: pause.warn_at(),
            limit_at: pause.limit_at(),
            overran_at: pause.fired.overran_at,
            worked_at: pause.worked_at,
            team: pause.place.team.clone(),
            note: pause.note.clone(),
            inside: None,
        }
    }
}
