//! A board's row, as the protocol writes it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One agent on a board.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Row {
    /// The agent's id.
    pub agent: String,
    /// What people call them.
    pub name: String,
    /// Their teams, the primary one first.
    pub teams: Vec<String>,
    /// Their IANA zone.
    pub zone: String,
    /// The number of the last event that changed status or pause.
    pub version: u64,
    /// What a dashboard shows first.
    pub presence: String,
    /// Since when the presence holds.
    pub presence_since: String,
    /// What was chosen.
    pub status: String,
    /// Since when the status holds.
    pub since: String,
    /// Is a socket open.
    pub connection: String,
    /// May work be routed to the agent.
    pub routable: bool,
    /// Why not.
    pub routable_reason: Option<String>,
    /// Who chose the status.
    pub actor: RowActor,
    /// Why.
    pub cause: String,
    /// The pause.
    pub pause: Option<RowPause>,
    /// Every field that is not among the above.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RowActor {
    /// What they are.
    pub kind: String,
    /// Who they are.
    pub id: Option<String>,
}

/// A pause on a board.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RowPause {
    /// Its id.
    pub id: String,
    /// The code of its type.
    #[serde(rename = "type")]
    pub pause_type: String,
    /// When it began.
    pub started_at: String,
    /// When the next warning is due.
    pub warn_at: Option<String>,
    /// When the limit is reached.
    pub limit_at: Option<String>,
    /// Is it on record as over the limit.
    pub overrun: bool,
    /// The team that it counts for.
    pub team: Option<String>,
    /// What the agent wrote.
    pub note: Option<String>,
}

impl Row {
    /// The id of the pause shown.
    pub fn pause_id(&self) -> Option<&str> {
        self.pause.as_ref().map(|pause| pause.id.as_str())
    }
}
