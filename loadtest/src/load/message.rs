//! What the load test reads of the server's messages, and how it writes its own: only what it needs, borrowed
//! from the bytes where it can be.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::company::PAUSE_TYPE;

/// Any message of the server.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    /// Of a reply: the call that it answers.
    pub(super) id: Option<u64>,
    /// Of a notification.
    #[serde(borrow)]
    pub(super) method: Option<Cow<'a, str>>,
    /// Of a reply that is no error.
    #[serde(borrow)]
    pub(super) result: Option<&'a RawValue>,
    /// Of a notification.
    #[serde(borrow)]
    pub(super) params: Option<&'a RawValue>,
    /// Of a reply that is an error.
    pub(super) error: Option<ErrorShown>,
}

/// An error reply.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct ErrorShown {
    /// The JSON-RPC code.
    pub(super) code: i64,
    /// One sentence.
    pub(super) message: String,
    /// More.
    #[serde(default)]
    pub(super) data: ErrorData,
}

/// The `data` of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct ErrorData {
    /// The stable word.
    #[serde(default)]
    pub(super) code: String,
    /// What belongs to it.
    #[serde(default)]
    pub(super) params: ErrorParams,
}

/// The `params` of an error, as far as they matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct ErrorParams {
    /// When to ask again.
    pub(super) retry_after_ms: Option<u64>,
}

impl std::fmt::Display for ErrorShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.data.code, self.message)
    }
}

/// The result of `pause.start` and `pause.end`.
#[derive(Debug, Deserialize)]
pub(super) struct Commanded<'a> {
    /// Of a start.
    #[serde(borrow)]
    pub(super) outcome: Option<Cow<'a, str>>,
    /// The agent after it.
    #[serde(borrow)]
    pub(super) agent: AgentShown<'a>,
}

/// The result of `session.open` for an agent.
#[derive(Debug, Deserialize)]
pub(super) struct Opened<'a> {
    /// The agent.
    #[serde(borrow)]
    pub(super) agent: AgentShown<'a>,
    /// The server's clock.
    #[serde(borrow)]
    pub(super) server_time: Cow<'a, str>,
}

/// An AgentState, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct AgentShown<'a> {
    /// The agent's id.
    #[serde(borrow)]
    pub(super) agent: Cow<'a, str>,
    /// The number of the last event that changed it.
    pub(super) version: u64,
    /// What was chosen.
    #[serde(borrow)]
    pub(super) status: Cow<'a, str>,
    /// Is a socket open.
    #[serde(borrow)]
    pub(super) connection: Cow<'a, str>,
    /// The pause.
    #[serde(borrow)]
    pub(super) pause: Option<PauseShown<'a>>,
}

/// A pause of an AgentState.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct PauseShown<'a> {
    /// Its id.
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
}

/// What an agent commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// `pause.start`.
    Start,
    /// `pause.end`.
    End,
}

impl Wish {
    /// The one after this one.
    pub(super) fn other(self) -> Wish {
        match self {
            Wish::Start => Wish::End,
            Wish::End => Wish::Start,
        }
    }

    /// The status that it leads to.
    pub(super) fn leads_to(self) -> &'static str {
        match self {
            Wish::Start => "paused",
            Wish::End => "available",
        }
    }

    /// The call.
    pub(super) fn call(self, id: u64, op: &str) -> String {
        match self {
            Wish::Start => call(id, "pause.start", &format!(r#"{{"type":"{PAUSE_TYPE}","op":"{op}"}}"#)),
            Wish::End => call(id, "pause.end", &format!(r#"{{"then":"available","op":"{op}"}}"#)),
        }
    }
}

/// A call, with its parameters as JSON.
pub(super) fn call(id: u64, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
        format!("a message cannot be read: {error}: {start}")
    })
}

/// Reads a part of a message.
///
/// # Errors
/// What is wrong with it, or that it is missing.
pub(super) fn read_part<'a, T: Deserialize<'a>>(what: &str, part: Option<&'a RawValue>) -> Result<T, String> {
    read(part.ok_or_else(|| format!("a message has no {what}"))?.get().as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const REPLY: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"outcome":"started","agent":{"agent":"a\"na","name":"Ana",
        "version":4,"presence":"paused","status":"paused","connection":"connected","pause":{"id":"p","type":"cafe"}}}}"#;

    #[test]
    fn a_reply_is_read_as_far_as_it_matters() {
        let message: Message<'_> = read(REPLY.as_bytes()).expect("a message");
        assert_eq!((message.id, message.method.as_deref(), message.error), (Some(7), None, None));
        let commanded: Commanded<'_> = read_part("result", message.result).expect("a result");
        assert_eq!(commanded.outcome.as_deref(), Some("started"));
        let agent = commanded.agent;
        assert_eq!((&*agent.agent, agent.version, &*agent.status), ("a\"na", 4, "paused"));
        assert_eq!(agent.pause.map(|pause| pause.id.into_owned()).as_deref(), Some("p"));
    }

    #[test]
    fn an_error_is_read_with_its_word() {
        let text = json!({ "jsonrpc": "2.0", "id": 1, "error": {
            "code": -32006, "message": "Slow down.", "data": { "code": "rate_limited", "params": {} } } });
        let text = text.to_string();
        let message: Message<'_> = read(text.as_bytes()).expect("a message");
        assert_eq!(message.error.map(|error| error.to_string()).as_deref(), Some("-32006 rate_limited: Slow down."));
        let missing = read_part::<Value>("result", message.result).expect_err("none");
        assert_eq!(missing, "a message has no result");
    }

    #[test]
    fn calls_are_json() {
        let start: Value = serde_json::from_str(&Wish::Start.call(3, "o-1")).expect("JSON");
        assert_eq!(start["method"], "pause.start");
        assert_eq!(start["params"], json!({ "type": PAUSE_TYPE, "op": "o-1" }));
        let end: Value = serde_json::from_str(&Wish::End.call(4, "o-2")).expect("JSON");
        assert_eq!((&end["id"], &end["params"]["then"]), (&json!(4), &json!("available")));
        assert!(read::<Value>(b"{\"half\":").is_err());
    }
}
