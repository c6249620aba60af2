//! Requests for an exception on the wire.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::error::WireError;
use super::notifications::Notification;
use super::params::{Fields, FromField, Instant, one_of};
use super::state::ActorState;
use super::time::WireTime;
use super::words;
use crate::domain::command::RequestDecision;
use crate::domain::presence::{AgentView, RequestView};
use crate::domain::request::{GRANT_USES_MAX, Grant, RequestState};
use crate::domain::time::millis;

/// One request, as the agent and their supervisors see it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RequestObject<'a> {
    /// Its id.
    pub id: String,
    /// Whose.
    pub agent: &'a str,
    /// The team that the agent is counted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<&'a str>,
    /// The code of the type of pause that it is for.
    #[serde(rename = "type")]
    pub pause_type: &'a str,
    /// Why; absent where a start gave rise to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// By how much the limit is to be later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_ms: Option<i64>,
    /// `open`, `granted`, `refused`, `expired` or `cancelled`.
    #[schemars(extend("enum" = words::request_states()))]
    pub state: &'static str,
    /// When it was made.
    pub created_at: WireTime,
    /// Until when somebody may decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<WireTime>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<ActorState<'a>>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<WireTime>,
    /// Why so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_reason: Option<&'a str>,
}

/// The answer of `request.create` and `request.decide`, and the params of `request.changed`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RequestAfter<'a> {
    /// The request.
    pub request: RequestObject<'a>,
    /// To sockets with boards: the request of the same agent that was open before, and is not any more. What became of it is not
    /// told by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

impl<'a> RequestObject<'a> {
    /// The last request of an agent.
    pub fn of(view: &'a AgentView) -> Option<RequestObject<'a>> {
        let request: &RequestView = view.request.as_deref()?;
        let decided = request.state.decided();
        let ended_at = match &request.state {
            RequestState::Expired { at } | RequestState::Cancelled { at } => Some(*at),
            RequestState::Open | RequestState::Granted(_) | RequestState::Refused(_) => None,
        };
        let open = request.state == RequestState::Open;
        Some(RequestObject {
            id: request.id.to_string(),
            agent: view.person.id.as_str(),
            team: view.person.primary_team().map(|team| team.as_str()),
            pause_type: request.pause_type.as_str(),
            reason: request.reason.as_deref(),
            extra_ms: Some(millis(request.extra)).filter(|extra| *extra > 0),
            state: request.state.as_str(),
            created_at: WireTime(request.at),
            expires_at: open.then_some(WireTime(request.expires_at)),
            decided_by: decided.map(|decided| ActorState::of(&decided.by)),
            decided_at: decided.map(|decided| decided.at).or(ended_at).map(WireTime),
            decision_reason: decided.and_then(|decided| decided.reason.as_deref()),
        })
    }

    /// The open request of an agent.
    pub fn open(view: &'a AgentView) -> Option<RequestObject<'a>> {
        RequestObject::of(view).filter(|request| request.state == RequestState::Open.as_str())
    }
}

impl RequestAfter<'_> {
    /// The whole notification `request.changed`.
    ///
    /// # Panics
    /// Never: strings, numbers and lists always have a JSON form.
    pub fn to_notification(&self) -> String {
        let message = json!({"jsonrpc": "2.0", "method": Notification::RequestChanged.name(), "params": self});
        message.to_string()
    }
}

/// What was granted for a type, in the menu.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GrantState {
    /// The request that it comes of.
    pub id: String,
    /// Until when it can be used.
    pub until: WireTime,
    /// How often it can still be used.
    pub uses: u32,
    /// By how much the limit is later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_ms: Option<i64>,
    /// The codes of the rules that it sets aside.
    pub waives: &'static [&'static str],
}

impl GrantState {
    /// Writes a grant.
    pub fn of(grant: &Grant) -> GrantState {
        GrantState {
            id: grant.id.to_string(),
            until: WireTime(grant.until),
            uses: grant.uses,
            extra_ms: Some(millis(grant.extra)).filter(|extra| *extra > 0),
            waives: grant.waives.codes(),
        }
    }
}

/// Reads `decision`, and of a grant `uses?` and `until?`.
///
/// # Errors
/// [`WireError`] that names the first field that is not what it should be.
pub fn read_decision(fields: &mut Fields) -> Result<RequestDecision, WireError> {
    let grants: bool = fields.required::<Decision>("decision")? == Decision::Grant;
    let uses = fields.optional::<u64>("uses")?;
    let until: Option<Instant> = fields.optional("until")?;
    if !grants {
        let surplus = [("uses", uses.is_some()), ("until", until.is_some())];
        return match surplus.into_iter().find(|(_, given)| *given) {
            Some((name, _)) => Err(fields.invalid(name, "belongs to a grant")),
            None => Ok(RequestDecision::Refuse),
        };
    }
    let uses = u32::try_from(uses.unwrap_or(1)).ok().filter(|uses| (1..=GRANT_USES_MAX).contains(uses));
    let Some(uses) = uses else {
        return Err(fields.invalid("uses", &format!("must be from 1 to {GRANT_USES_MAX}")));
    };
    Ok(RequestDecision::Grant { uses, until: until.map(|until| until.0) })
}

/// How a request is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Grant,
    Refuse,
}

impl FromField for Decision {
    fn from_field(value: Value) -> Result<Decision, String> {
        one_of(value, &[("grant", Decision::Grant), ("refuse", Decision::Refuse)])
    }
}
