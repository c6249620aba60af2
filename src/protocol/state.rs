//! `AgentState`: one agent on the wire, to itself and as a board's row.
//!
//! Nothing is masked here. Masking is the domain's ([`AgentView::public`]); a view that is equal
//! gives equal bytes, which is what makes a protected pause indistinguishable.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::time::WireTime;
use super::words;
use crate::domain::command::Actor;
use crate::domain::event::{ChosenStatus, Pending, PendingTarget};
use crate::domain::presence::{AgentView, DeferredView, DeferredWord, PauseView};

/// Why something is pending, where it waits for the return from a protected pause. Shown to the
/// agent alone.
const WAITS_FOR_PROTECTED_PAUSE: &str = "protected_pause";
/// Why something is pending, where it waits for the end of work.
const WAITS_FOR_WORK: &str = "occupied";

/// One agent as the protocol writes it; absent optional fields are left out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentState<'a> {
    /// The agent's id.
    pub agent: &'a str,
    /// What people call them.
    pub name: &'a str,
    /// Their teams, the primary one first.
    pub teams: Vec<&'a str>,
    /// Their IANA zone.
    pub zone: &'a str,
    /// The number of the last event that the viewer can tell of.
    pub version: u64,
    /// What a dashboard shows first.
    #[schemars(extend("enum" = words::presences()))]
    pub presence: &'static str,
    /// Since when the presence holds.
    pub presence_since: WireTime,
    /// What was chosen.
    #[schemars(extend("enum" = words::statuses()))]
    pub status: &'static str,
    /// Since when the status holds.
    pub since: WireTime,
    /// Is a socket open.
    #[schemars(extend("enum" = words::connections()))]
    pub connection: &'static str,
    /// May work be routed to the agent.
    pub routable: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::reasons_not_routable()))]
    pub routable_reason: Option<&'static str>,
    /// Open conversations by channel, as far as they are known.
    pub occupancy: BTreeMap<&'a str, u32>,
    /// True during after-conversation work.
    pub wrap_up: bool,
    /// Who chose the status.
    pub actor: ActorState<'a>,
    /// Why.
    #[schemars(extend("enum" = words::causes()))]
    pub cause: &'static str,
    /// The running pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseState<'a>>,
    /// What waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingState<'a>>,
    /// The last request for an exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestState<'a>>,
    /// The line that the agent stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueState<'a>>,
    /// The slot that is kept for the agent, who alone sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferState<'a>>,
}

/// The last request for an exception, in short.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RequestState<'a> {
    /// Its id.
    pub id: String,
    /// The code of the type that it is for.
    #[serde(rename = "type")]
    pub pause_type: &'a str,
    /// `open`, or what became of it.
    #[schemars(extend("enum" = words::request_states()))]
    pub state: &'static str,
}

/// A place in a line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct QueueState<'a> {
    /// The code of the type that is waited for.
    #[serde(rename = "type")]
    pub pause_type: &'a str,
    /// Since when.
    pub since: WireTime,
    /// Where in the line, counted from 1, when this was written; the agent alone sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// When a slot is free if all pauses end at their limit; the agent alone sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<WireTime>,
}

/// A slot that is kept for a while.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OfferState<'a> {
    /// Its id.
    pub id: String,
    /// The code of the type.
    #[serde(rename = "type")]
    pub pause_type: &'a str,
    /// When it expires; absent while its clock rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<WireTime>,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ActorState<'a> {
    /// `agent`, `supervisor`, `admin`, `integration` or `system`.
    #[schemars(extend("enum" = words::actors()))]
    pub kind: &'static str,
    /// Their id; the system has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
}

/// A running pause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PauseState<'a> {
    /// Its id.
    pub id: String,
    /// The code of its type.
    #[serde(rename = "type")]
    pub pause_type: &'a str,
    /// When it began.
    pub started_at: WireTime,
    /// When the next warning is due, or the last one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_at: Option<WireTime>,
    /// When the limit is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_at: Option<WireTime>,
    /// Is it on record as over the limit.
    pub overrun: bool,
    /// The team that it counts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<&'a str>,
    /// What the agent wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
    /// The pause that this protected one is taken inside of; the agent alone sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<Box<PauseState<'a>>>,
}

/// What waits for the agent's return. Either `type` or `status` is there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PendingState<'a> {
    /// The type of the pause that will begin.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub pause_type: Option<&'a str>,
    /// The status that will follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::chosen_statuses()))]
    pub status: Option<&'static str>,
    /// Since when it waits.
    pub since: WireTime,
    /// When its time is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<WireTime>,
    /// What it waits for: `protected_pause` or `occupied`.
    #[schemars(extend("enum" = [WAITS_FOR_PROTECTED_PAUSE, WAITS_FOR_WORK]))]
    pub why: &'static str,
}

/// The params of `agent.changed`: the state, and why somebody else changed it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentChanged<'a> {
    /// The state.
    #[serde(flatten)]
    pub state: AgentState<'a>,
    /// What a supervisor wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
}

impl<'a> AgentState<'a> {
    /// Writes a view, whoever's it is.
    pub fn of(view: &'a AgentView) -> AgentState<'a> {
        AgentState {
            agent: view.person.id.as_str(),
            name: &view.person.name,
            teams: view.person.teams.iter().map(|team| team.as_str()).collect(),
            zone: view.zone.name(),
            version: view.version.0,
            presence: view.presence.as_str(),
            presence_since: WireTime(view.presence_since),
            status: view.status.as_str(),
            since: WireTime(view.since),
            connection: view.connection.as_str(),
            routable: view.not_routable.is_none(),
            routable_reason: view.not_routable.map(|reason| reason.as_str()),
            occupancy: view.load.open.iter().map(|(channel, open)| (channel.as_str(), *open)).collect(),
            wrap_up: view.load.wrap_up,
            actor: ActorState::of(&view.actor),
            cause: view.cause.as_str(),
            pause: view.pause.as_ref().map(PauseState::of),
            pending: match (&view.pending, &view.deferred) {
                (Some(pending), _) => Some(PendingState::of(pending)),
                (None, deferred) => deferred.as_deref().map(PendingState::of_deferred),
            },
            request: view.request.as_deref().map(|request| RequestState {
                id: request.id.to_string(),
                pause_type: request.pause_type.as_str(),
                state: request.state.as_str(),
            }),
            queue: view.queue.as_ref().map(|queue| QueueState {
                pause_type: queue.pause_type.as_str(),
                since: WireTime(queue.since),
                position: queue.position,
                expected_at: queue.expected_at.map(WireTime),
            }),
            offer: view.offer.as_ref().map(|offer| OfferState {
                id: offer.id.to_string(),
                pause_type: offer.pause_type.as_str(),
                expires_at: offer.expires_at.map(WireTime),
            }),
        }
    }

    /// The JSON text, to be put into any number of frames.
    ///
    /// # Panics
    /// Never: strings, numbers and lists always have a JSON form.
    pub fn to_json(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("strings, numbers and lists have a JSON form")
    }
}

impl<'a> AgentChanged<'a> {
    /// Writes a view with the reason that came with its last change.
    pub fn of(view: &'a AgentView) -> AgentChanged<'a> {
        AgentChanged { state: AgentState::of(view), reason: view.reason.as_deref() }
    }
}

impl<'a> ActorState<'a> {
    /// Writes who did it.
    pub fn of(actor: &'a Actor) -> ActorState<'a> {
        ActorState { kind: actor.kind(), id: actor.id() }
    }
}

impl<'a> PauseState<'a> {
    fn of(pause: &'a PauseView) -> PauseState<'a> {
        PauseState {
            id: pause.id.to_string(),
            pause_type: pause.pause_type.as_str(),
            started_at: WireTime(pause.started_at),
            warn_at: pause.warn_at.map(WireTime),
            limit_at: pause.limit_at.map(WireTime),
            overrun: pause.overran_at.is_some(),
            team: pause.team.as_ref().map(|team| team.as_str()),
            note: pause.note.as_deref(),
            inside: pause.inside.as_deref().map(|outer| Box::new(PauseState::of(outer))),
        }
    }
}

impl<'a> PendingState<'a> {
    fn of(pending: &'a Pending) -> PendingState<'a> {
        let (pause_type, status) = match &pending.target {
            PendingTarget::Status(status) => (None, Some(status.as_str())),
            // What the limit does is decided on return; without a sign of life then it is this.
            PendingTarget::Limit => (None, Some(ChosenStatus::Unavailable.as_str())),
            PendingTarget::SignOut => (None, Some(ChosenStatus::Offline.as_str())),
            PendingTarget::Pause { pause_type, .. } => (Some(pause_type.as_str()), None),
        };
        let (since, why) = (WireTime(pending.since), WAITS_FOR_PROTECTED_PAUSE);
        PendingState { pause_type, status, since, deadline_at: None, why }
    }

    fn of_deferred(deferred: &'a DeferredView) -> PendingState<'a> {
        let (pause_type, status) = match &deferred.target {
            DeferredWord::Status(status) => (None, Some(status.as_str())),
            DeferredWord::Pause(pause_type) => (Some(pause_type.as_str()), None),
        };
        let deadline_at = deferred.deadline_at.map(WireTime);
        PendingState { pause_type, status, since: WireTime(deferred.since), deadline_at, why: WAITS_FOR_WORK }
    }
}

#[cfg(test)]
mod tests;
