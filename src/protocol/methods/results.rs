//! What methods answer.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::protocol::state::{ActorState, AgentState};
use crate::protocol::time::WireTime;
use crate::protocol::words;

/// The result of `session.open`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SessionOpened {
    /// The session's id.
    pub session: String,
    /// Who it speaks for.
    pub principal: PrincipalShown,
    /// The agent's own state, where the principal is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AgentState<'static>>")]
    pub agent: Option<Value>,
    /// The server's time.
    #[schemars(with = "WireTime")]
    pub server_time: String,
    /// How often the server pings.
    pub ping_interval_ms: u64,
    /// The limits that a client should know.
    pub limits: LimitsShown,
}

/// A principal as it is shown to itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PrincipalShown {
    /// What it is first of all.
    #[schemars(extend("enum" = words::roles()))]
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its tenant.
    pub tenant: String,
    /// All its roles.
    #[schemars(extend("items" = words::one_of_roles()))]
    pub roles: Vec<&'static str>,
    /// An agent's teams, or those that it may see.
    pub teams: Vec<String>,
    /// The zone of its day.
    pub zone: String,
}

/// The limits that a client should know.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct LimitsShown {
    /// The largest message, in bytes.
    pub message_bytes: usize,
    /// The most requests in a batch.
    pub batch: usize,
    /// The deepest nesting.
    pub depth: usize,
    /// Requests a second, in the long run.
    pub requests_per_s: u32,
    /// Requests at once.
    pub burst: u32,
    /// Boards on one socket.
    pub boards: usize,
}

/// The result of `session.ping`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Pong {
    /// The server's time.
    #[schemars(with = "WireTime")]
    pub server_time: String,
    /// The agent's version, where the principal is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// The result of `session.refresh`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Refreshed {
    /// When the fresh credential ends.
    #[schemars(with = "WireTime")]
    pub expires_at: String,
    /// The boards that the fresh credential does not reach; they have ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub ended_subscriptions: Vec<String>,
}

/// The result of `pause.start`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PauseBegun {
    /// `started`, `queued` (a place in line), `pending` (it begins when the open work ends) or `requested` (a supervisor has to
    /// agree).
    #[schemars(extend("enum" = words::beginnings()))]
    pub outcome: &'static str,
    /// The agent after it.
    #[schemars(with = "AgentState<'static>")]
    pub agent: Value,
}

/// The result of `pause.end` and of the live actions.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AgentAfter {
    /// The agent after it.
    #[schemars(with = "AgentState<'static>")]
    pub agent: Value,
}

/// The parameters of `pause.warned` and `pause.limit_reached`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PauseThreshold {
    /// The pause.
    pub pause: String,
    /// Its type.
    #[serde(rename = "type")]
    pub pause_type: String,
    /// When the threshold fired.
    #[schemars(with = "WireTime")]
    pub at: String,
    /// When the limit is reached.
    #[schemars(with = "WireTime")]
    pub limit_at: String,
}

/// The parameters of `pause.corrected`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PauseCorrectedTold<'a> {
    /// The pause.
    pub pause: String,
    /// Its type.
    #[serde(rename = "type")]
    pub pause_type: &'a str,
    /// When it began.
    pub started_at: WireTime,
    /// The end that it has.
    pub ended_at: WireTime,
    /// The end that it had.
    pub ended_at_before: WireTime,
    /// When it was corrected.
    pub at: WireTime,
    /// Who corrected it.
    pub actor: ActorState<'a>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
}

/// The parameters of `pause.annotated`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PauseAnnotatedTold<'a> {
    /// The pause.
    pub pause: String,
    /// When it was added.
    pub at: WireTime,
    /// Who added it.
    pub actor: ActorState<'a>,
    /// What.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
}

/// The parameters of `pause.offered`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PauseOffered {
    /// The offer.
    pub offer: String,
    /// The type of the pause.
    #[serde(rename = "type")]
    pub pause_type: String,
    /// When it expires.
    #[schemars(with = "WireTime")]
    pub expires_at: String,
}
