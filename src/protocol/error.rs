//! What a request that fails is told: JSON-RPC errors, and the same codes for HTTP problems.
//!
//! Codes are stable strings that programs act on; messages are for people and may change. The one
//! match from a domain refusal to the wire is here.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::time::{WireTime, to_text as rfc3339};
use crate::domain::command::{Refusal, Rejection};
use crate::domain::time::{Timestamp, millis};

/// An error as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub struct WireError {
    /// The JSON-RPC number.
    pub code: i32,
    /// One plain English sentence.
    pub message: String,
    /// What programs act on.
    pub data: Box<ErrorData>,
}

impl WireError {
    /// True for what the sender got wrong in the form of a message. A draft that is well written and cannot be is none: an
    /// editor may ask at every stroke.
    pub fn is_fault_of_form(&self) -> bool {
        self.kind().is_fault_of_form() && !self.data.params.contains_key("problems")
    }
}

/// What programs act on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ErrorData {
    /// The stable code.
    pub code: &'static str,
    /// What belongs to the code.
    pub params: Map<String, Value>,
    /// When it is worth asking again, if nothing else happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WireTime>")]
    pub next_change_at: Option<String>,
}

/// The kind of an error: its JSON-RPC number, and the HTTP status where it is a problem document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// Not JSON.
    Parse,
    /// JSON, but no request.
    InvalidRequest,
    /// No such method.
    MethodNotFound,
    /// The parameters are not those of the method.
    InvalidParams,
    /// The server failed.
    Internal,
    /// No credential, or none that holds.
    Unauthenticated,
    /// The credential does not reach that far, or there is nothing there.
    Forbidden,
    /// A rule or the agent's state stands against it.
    Refused,
    /// There is no such thing.
    NotFound,
    /// The sender's picture is old.
    Conflict,
    /// Too many requests.
    RateLimited,
    /// Out of reach for the moment; ask again.
    Unavailable,
}

impl ErrorKind {
    /// The JSON-RPC number: −32700 to −32600 are of JSON-RPC 2.0 §5.1, −32001 on of this protocol.
    pub fn number(self) -> i32 {
        match self {
            ErrorKind::Parse => -32700,
            ErrorKind::InvalidRequest => -32600,
            ErrorKind::MethodNotFound => -32601,
            ErrorKind::InvalidParams => -32602,
            ErrorKind::Internal => -32603,
            ErrorKind::Unauthenticated => -32001,
            ErrorKind::Forbidden => -32002,
            ErrorKind::Refused => -32003,
            ErrorKind::NotFound => -32004,
            ErrorKind::Conflict => -32005,
            ErrorKind::RateLimited => -32006,
            ErrorKind::Unavailable => -32007,
        }
    }

    /// The HTTP status of the same failure.
    pub fn http_status(self) -> u16 {
        match self {
            ErrorKind::Parse | ErrorKind::InvalidRequest | ErrorKind::InvalidParams => 400,
            ErrorKind::Unauthenticated => 401,
            ErrorKind::Forbidden => 403,
            ErrorKind::MethodNotFound | ErrorKind::NotFound => 404,
            ErrorKind::Conflict | ErrorKind::Refused => 409,
            ErrorKind::RateLimited => 429,
            ErrorKind::Internal => 500,
            ErrorKind::Unavailable => 503,
        }
    }

    /// True for what the sender of the message got wrong in its form. Such errors are strikes: a
    /// client that makes nothing else is cut off.
    pub fn is_fault_of_form(self) -> bool {
        match self {
            ErrorKind::Parse | ErrorKind::InvalidRequest | ErrorKind::MethodNotFound | ErrorKind::InvalidParams => true,
            ErrorKind::Internal
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Refused
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable => false,
        }
    }

    fn of_number(number: i32) -> Option<ErrorKind> {
        ErrorKind::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [ErrorKind; 12] = [
        ErrorKind::Parse,
        ErrorKind::InvalidRequest,
        ErrorKind::MethodNotFound,
        ErrorKind::InvalidParams,
        ErrorKind::Internal,
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
        ErrorKind::Refused,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
    ];
}

impl WireError {
    /// An error of a kind, with a code and a sentence.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> WireError {
        WireError {
            code: kind.number(),
            message: message.into(),
            data: Box::new(ErrorData { code, params: Map::new(), next_change_at: None }),
        }
    }

    /// The same with one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> WireError {
        self.data.params.insert(name.to_owned(), value.into());
        self
    }

    /// The same with the instant when it is worth asking again.
    #[must_use]
    pub fn changing_at(mut self, at: Option<Timestamp>) -> WireError {
        self.data.next_change_at = at.map(rfc3339);
        self
    }

    /// The kind that its number stands for.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::of_number(self.code).unwrap_or(ErrorKind::Internal)
    }

    /// The text is not JSON.
    pub fn parse(why: &str) -> WireError {
        WireError::new(ErrorKind::Parse, "parse_error", format!("The message is not JSON: {why}."))
    }

    /// The JSON is no request.
    pub fn invalid_request(why: &str) -> WireError {
        WireError::new(ErrorKind::InvalidRequest, "invalid_request", format!("The message is no request: {why}."))
    }

    /// There is no such method.
    pub fn method_not_found(method: &str) -> WireError {
        // The name comes from outside and goes back out and into logs: only what a name may hold.
        let shown: String = method.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
        WireError::new(ErrorKind::MethodNotFound, "method_not_found", format!("There is no method {shown:?}."))
            .with("method", shown)
    }

    /// A parameter is not what the method takes.
    pub fn invalid_params(field: &str, why: &str) -> WireError {
        let field: String = field.chars().take(64).collect();
        WireError::new(ErrorKind::InvalidParams, "invalid_params", format!("The parameter {field:?} {why}."))
            .with("field", field)
    }

    /// No credential, or none that holds.
    pub fn unauthenticated() -> WireError {
        WireError::new(
            ErrorKind::Unauthenticated,
            "unauthenticated",
            "There is no credential that holds. Open a session with one that is valid and has not ended; a ticket is for one use, soon, by the page that it was made for.",
        )
    }

    /// The credential does not reach that far, or there is nothing there.
    pub fn forbidden() -> WireError {
        WireError::new(
            ErrorKind::Forbidden,
            "forbidden",
            "This credential does not reach that far, or there is nothing there.",
        )
    }

    /// There is no such thing, as it is told to those who might have reached it: `message` says what.
    pub fn nothing(message: &str) -> WireError {
        WireError { message: message.to_owned(), ..WireError::forbidden() }
    }

    /// The agent is not in the directory.
    pub fn unknown_agent() -> WireError {
        WireError::new(ErrorKind::Refused, "unknown_agent", "The directory has no such agent.")
    }

    /// The method is for a socket.
    pub fn needs_socket() -> WireError {
        WireError::new(ErrorKind::Refused, "needs_socket", "This method needs a WebSocket.")
    }

    /// Too many requests.
    pub fn rate_limited(retry_after: Duration) -> WireError {
        WireError::new(ErrorKind::RateLimited, "rate_limited", "Too many requests; wait and ask again.")
            .with("retry_after_ms", millis(retry_after))
    }

    /// Out of reach for the moment.
    pub fn unavailable(retry_after: Duration) -> WireError {
        WireError::new(ErrorKind::Unavailable, "unavailable", "The server cannot do this at the moment; ask again.")
            .with("retry_after_ms", millis(retry_after))
    }

    /// The server failed.
    pub fn internal() -> WireError {
        WireError::new(ErrorKind::Internal, "internal", "The server failed; the failure has been logged.")
    }

    /// Why a command was not carried out. `state` is the agent's fresh state for whom is answered.
    pub fn rejected(rejection: &Rejection, next_change_at: Option<Timestamp>, state: Value) -> WireError {
        match rejection {
            // As whoever may not know of it is told everywhere else.
            Rejection::Refused(Refusal::UnknownPause) => WireError::forbidden(),
            Rejection::Refused(refusal) => refused(refusal).changing_at(next_change_at),
            Rejection::StaleVersion { current } => {
                let message =
                    format!("The agent has moved on to version {current}; look at its state and decide again.");
                WireError::new(ErrorKind::Conflict, "version", message).with("current", current.0).with("agent", state)
            }
            Rejection::OpReused => {
                WireError::new(ErrorKind::Conflict, "op_reused", "This op was used for another command.")
                    .with("agent", state)
            }
        }
    }
}

/// The parameters of a refusal, under its code.
pub fn refusal_params(refusal: &Refusal) -> Map<String, Value> {
    let value = match refusal {
        Refusal::AlreadyPaused { pause, pause_type } => {
            json!({"pause": pause.to_string(), "type": pause_type.as_str()})
        }
        Refusal::AlreadyDecided { by } => {
            let mut by_whom = json!({"kind": by.kind()});
            if let Some(id) = by.id() {
                by_whom["id"] = json!(id);
            }
            json!({"by": by_whom})
        }
        Refusal::CannotPlan { day, why } => json!({"day": day.to_string(), "field": why.field()}),
        Refusal::Cooldown { from } | Refusal::ShiftHead { from } => json!({"from": rfc3339(*from)}),
        Refusal::QuotaCount { used, of, resets_at } => {
            json!({"used": used, "of": of, "resets_at": rfc3339(*resets_at)})
        }
        Refusal::QuotaTime { used, of, resets_at } => {
            json!({"used_ms": millis(*used), "of_ms": millis(*of), "resets_at": rfc3339(*resets_at)})
        }
        Refusal::SlotsFull { team, used, of, position, expected_at } => {
            let mut params = json!({"team": team.as_str(), "used": used, "of": of});
            if let Some(position) = position {
                params["position"] = json!(position);
            }
            if let Some(at) = expected_at {
                params["expected_at"] = json!(rfc3339(*at));
            }
            params
        }
        Refusal::EntitlementMinimum { until } | Refusal::Held { until } | Refusal::ShiftTail { until } => {
            json!({"until": rfc3339(*until)})
        }
        Refusal::EndOutOfRange { after, until } => json!({"after": rfc3339(*after), "until": rfc3339(*until)}),
        Refusal::TooManyAnnotations { of } => json!({"of": of}),
        Refusal::NotStartableBy { startable_by } => json!({"startable_by": startable_by}),
        Refusal::OutsideWindow { next_from: Some(next_from) } => json!({"next_from": rfc3339(*next_from)}),
        Refusal::OutsideWindow { next_from: None }
        | Refusal::AgentOffline
        | Refusal::NoOffer
        | Refusal::NothingPending
        | Refusal::OfferExpired
        | Refusal::NotOffered
        | Refusal::NotPaused
        | Refusal::ApprovalRequired
        | Refusal::Occupied
        | Refusal::OwnPause
        | Refusal::OwnRequest
        | Refusal::PausesDisabled
        | Refusal::StillRunning
        | Refusal::TypeDisabled
        | Refusal::UnknownPause
        | Refusal::UnknownType => json!({}),
    };
    match value {
        Value::Object(params) => params,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn refused(refusal: &Refusal) -> WireError {
    let mut error = WireError::new(ErrorKind::Refused, refusal.code(), sentence(refusal));
    error.data.params = refusal_params(refusal);
    error
}

fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::AgentOffline => "The agent has no live session, or is offline.".to_owned(),
        Refusal::AlreadyDecided { .. } => "The request is not open any more.".to_owned(),
        Refusal::ApprovalRequired => "Somebody has to agree to each pause of this type.".to_owned(),
        Refusal::OwnPause => "Nobody corrects a pause of their own; ask somebody else.".to_owned(),
        Refusal::StillRunning => "This pause has not ended yet; end it first.".to_owned(),
        Refusal::TooManyAnnotations { of } => format!("This pause has {of} annotations, as many as it may have."),
        Refusal::UnknownPause => "There is no such pause.".to_owned(),
        Refusal::OwnRequest => "Nobody decides on a request of their own; ask somebody else.".to_owned(),
        Refusal::AlreadyPaused { pause_type, .. } => format!("A pause of type {pause_type} is running."),
        Refusal::CannotPlan { day, why } => format!("The shift of {day}: its {:?} {why}.", why.field()),
        Refusal::Cooldown { from } => {
            format!("It is too soon after the last pause; this one may start from {}.", rfc3339(*from))
        }
        Refusal::EndOutOfRange { after, until } => {
            let (after, until) = (rfc3339(*after), rfc3339(*until));
            format!("This pause ended after {after} and at {until} at the latest; give an instant between them.")
        }
        Refusal::EntitlementMinimum { until } => {
            format!("This pause is owed to the agent until {}; ending it takes an override.", rfc3339(*until))
        }
        Refusal::Held { until } => format!("This pause may not end before {}.", rfc3339(*until)),
        Refusal::NoOffer => "There is no such offer.".to_owned(),
        Refusal::NothingPending => "Nothing of the kind waits.".to_owned(),
        Refusal::OfferExpired => "The offer has expired.".to_owned(),
        Refusal::NotOffered => "This type of pause is not offered to the agent's teams.".to_owned(),
        Refusal::NotPaused => "No pause is running.".to_owned(),
        Refusal::Occupied => "Work is open that has to end before this pause.".to_owned(),
        Refusal::NotStartableBy { startable_by } => format!("Only {startable_by}s start this type of pause."),
        Refusal::OutsideWindow { next_from: Some(from) } => {
            format!("It is not the time of day for this pause; it may start from {}.", rfc3339(*from))
        }
        Refusal::OutsideWindow { next_from: None } => "It is not the time of day for this pause.".to_owned(),
        Refusal::PausesDisabled => "Pauses are switched off.".to_owned(),
        Refusal::QuotaCount { used, of, .. } => {
            format!("{used} pauses of this type were taken in this shift, of {of} that may be.")
        }
        Refusal::QuotaTime { of, .. } => {
            format!("The {} minutes of this type of pause for this shift are used up.", millis(*of) / 60_000)
        }
        Refusal::SlotsFull { team, used, of, .. } => {
            format!("{used} of team {team} are on this type of pause, of {of} that may be at once.")
        }
        Refusal::ShiftHead { from } => {
            format!("The shift has only just begun; this pause may start from {}.", rfc3339(*from))
        }
        Refusal::ShiftTail { until } => {
            format!("This pause would run into the last part of the shift; it had to start before {}.", rfc3339(*until))
        }
        Refusal::TypeDisabled => "This type of pause is switched off.".to_owned(),
        Refusal::UnknownType => "There is no such type of pause.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{AgentSeq, PauseId, PauseTypeCode};

    #[test]
    fn the_numbers_are_those_of_the_contract() {
        let numbers: Vec<i32> = ErrorKind::ALL.iter().map(|kind| kind.number()).collect();
        assert_eq!(
            numbers,
            [-32700, -32600, -32601, -32602, -32603, -32001, -32002, -32003, -32004, -32005, -32006, -32007]
        );
        for kind in ErrorKind::ALL {
            assert_eq!(WireError::new(kind, "x", "x").kind(), kind);
        }
    }

    #[test]
    fn a_refusal_carries_what_is_needed_next() {
        let until = Timestamp(1_795_381_069_123);
        let text = "2026-11-22T20:57:49.123Z";
        let error = WireError::rejected(&Refusal::Held { until }.into(), Some(until), Value::Null);
        assert_eq!(
            serde_json::to_value(&error).expect("JSON"),
            json!({"code": -32003, "message": format!("This pause may not end before {text}."),
                   "data": {"code": "held", "params": {"until": text}, "next_change_at": text}})
        );
        let pause = PauseId(1);
        let running = Refusal::AlreadyPaused { pause, pause_type: PauseTypeCode::new("lanche").expect("a code") };
        assert_eq!(Value::Object(refusal_params(&running)), json!({"pause": pause.to_string(), "type": "lanche"}));
    }

    #[test]
    fn a_conflict_carries_the_fresh_state() {
        let error = WireError::rejected(&Rejection::StaleVersion { current: AgentSeq(7) }, None, json!({"version": 7}));
        let error = serde_json::to_value(&error).expect("JSON");
        assert_eq!(error["code"], -32005);
        assert_eq!(error["data"], json!({"code": "version", "params": {"current": 7, "agent": {"version": 7}}}));
    }

    #[test]
    fn a_name_from_outside_is_shortened_and_stripped_before_it_goes_back() {
        let error = WireError::method_not_found(&format!("\u{1b}[31m{}", "x".repeat(1000)));
        assert_eq!(error.data.params["method"], json!(format!("[31m{}", "x".repeat(60))));
    }
}
