//! JSON-RPC 2.0 envelopes: requests and batches in, responses and notifications out.
//!
//! A message is read in two steps. Its depth is measured on the text alone, so that refusing a
//! deep one costs its length and nothing else; then it is parsed and taken apart.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::board::FRAME_BYTES_MAX;
use super::error::{ErrorKind, WireError};
use super::methods::Method;
use super::notifications::Notification;

/// The most requests in one batch (`docs/protocol.md`, "Requests").
pub const BATCH_MAX: usize = 16;
/// The deepest nesting of arrays and objects in a message (promise R4).
pub const DEPTH_MAX: usize = 16;

/// A message from a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// One request or notification, or what stands in its place.
    Single(Result<Call, BadCall>),
    /// Several, answered together.
    Batch(Vec<Result<Call, BadCall>>),
}

/// One request or notification.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What the answer is filed under; `None` for a notification, which is not answered.
    pub id: Option<Id>,
    /// The method's name, as written.
    pub method: String,
    /// Its parameters.
    pub params: Params,
}

/// The parameters as they were sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Params {
    /// None.
    Absent,
    /// By name.
    Named(Map<String, Value>),
    /// By position.
    Positional(Vec<Value>),
}

/// What a request is filed under.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// A whole number, as it was sent.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// Null: sent, or unknown because the request could not be read.
    Null,
}

/// Something that is no request.
#[derive(Debug, Clone, PartialEq)]
pub struct BadCall {
    /// The id that could be made out, else null.
    pub id: Id,
    /// What is wrong with it.
    pub error: WireError,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The request's id.
    pub id: Id,
    /// What it led to.
    pub result: Result<Value, WireError>,
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("jsonrpc", "2.0")?;
        map.serialize_entry("id", &self.id)?;
        match &self.result {
            Ok(result) => map.serialize_entry("result", result)?,
            Err(error) => map.serialize_entry("error", error)?,
        }
        map.end()
    }
}

impl Response {
    /// The answer to something that is no request.
    pub fn bad(bad: BadCall) -> Response {
        Response { id: bad.id, result: Err(bad.error) }
    }

    /// The answer as it is sent.
    pub fn to_text(&self) -> String {
        to_text(self)
    }
}

impl Response {
    /// The answer as a socket sends it. A policy that came over HTTP can be larger than a frame: then the answer is where to ask.
    pub fn to_frame(self) -> String {
        let text = self.to_text();
        if text.len() <= FRAME_BYTES_MAX { text } else { self.too_large().to_text() }
    }

    fn too_large(self) -> Response {
        let message = "The answer is larger than a frame; ask for it over HTTP.";
        let error = WireError::new(ErrorKind::Refused, "too_large", message).with("bytes_max", FRAME_BYTES_MAX);
        Response { id: self.id, result: Err(error) }
    }
}

/// The answers of a batch as a socket sends them: those for which there is no room in a frame are told where to ask.
pub fn batch_frame(responses: Vec<Response>) -> String {
    let text = batch_text(&responses);
    if text.len() <= FRAME_BYTES_MAX {
        return text;
    }
    // Each of them leaves room for the refusals of all that come after it.
    let mut room = FRAME_BYTES_MAX / 2;
    let fitted = responses.into_iter().map(|response| match room.checked_sub(response.to_text().len()) {
        Some(left) => {
            room = left;
            response
        }
        None => response.too_large(),
    });
    batch_text(&fitted.collect::<Vec<_>>())
}

/// The answers of a batch as they are sent.
pub fn batch_text(responses: &[Response]) -> String {
    to_text(responses)
}

/// A notification as it is sent.
pub fn notification_text(notification: Notification, params: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Message<'a, P> {
        jsonrpc: &'static str,
        method: &'static str,
        params: &'a P,
    }
    to_text(&Message { jsonrpc: "2.0", method: notification.name(), params })
}

fn to_text<T: Serialize + ?Sized>(message: &T) -> String {
    // Only maps with keys that are not text can fail to serialise, and none of our messages has one.
    serde_json::to_string(message).unwrap_or_else(|_| {
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"The server failed.","data":{"code":"internal","params":{}}}}"#.to_owned()
    })
}

/// Takes a message apart.
pub fn read(text: &str) -> Incoming {
    let alone = |error| Incoming::Single(Err(BadCall { id: Id::Null, error }));
    if is_too_deep(text) {
        let why = format!("it nests deeper than {DEPTH_MAX}");
        return alone(WireError::invalid_request(&why).with("depth_max", DEPTH_MAX));
    }
    match serde_json::from_str::<Value>(text) {
        Err(error) => alone(WireError::parse(&error.to_string())),
        Ok(Value::Array(calls)) if calls.is_empty() => alone(WireError::invalid_request("the batch is empty")),
        Ok(Value::Array(calls)) if calls.len() > BATCH_MAX => {
            let why = format!("the batch has {} requests, more than {BATCH_MAX}", calls.len());
            alone(WireError::invalid_request(&why).with("batch_max", BATCH_MAX))
        }
        Ok(Value::Array(calls)) => Incoming::Batch(described_once(calls.into_iter().map(read_call).collect())),
        Ok(one) => Incoming::Single(read_call(one)),
    }
}

/// Refuses every [`Method::RpcDiscover`] but the first of a batch: its result is long, and the answers of a batch go in
/// one frame.
fn described_once(calls: Vec<Result<Call, BadCall>>) -> Vec<Result<Call, BadCall>> {
    let mut is_there = false;
    let mut once = |call: Call| {
        if call.method == Method::RpcDiscover.name() && std::mem::replace(&mut is_there, true) {
            let error = member("method", "may be rpc.discover once in a batch");
            return Err(BadCall { id: call.id.unwrap_or(Id::Null), error });
        }
        Ok(call)
    };
    calls.into_iter().map(|call| call.and_then(&mut once)).collect()
}

/// True when arrays and objects nest deeper than [`DEPTH_MAX`]. What is no JSON may be measured
/// wrongly here; the parser refuses it after.
fn is_too_deep(text: &str) -> bool {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

fn read_call(value: Value) -> Result<Call, BadCall> {
    let Value::Object(mut members) = value else {
        return Err(BadCall { id: Id::Null, error: WireError::invalid_request("a request is an object") });
    };
    let id = match members.remove("id") {
        None => None,
        Some(Value::String(text)) => Some(Id::Text(text)),
        // A fraction, and what 64 bits do not hold, would be given back as another number than it was.
        Some(Value::Number(number)) if !number.is_f64() => Some(Id::Number(number)),
        Some(Value::Null) => Some(Id::Null),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(BadCall { id: Id::Null, error: member("id", "must be a string or a whole number of 64 bits") });
        }
    };
    let bad = |error| BadCall { id: id.clone().unwrap_or(Id::Null), error };
    if members.remove("jsonrpc") != Some(Value::String("2.0".to_owned())) {
        return Err(bad(member("jsonrpc", "must be \"2.0\"")));
    }
    let Some(Value::String(method)) = members.remove("method") else {
        return Err(bad(member("method", "must be a string")));
    };
    let params = match members.remove("params") {
        None => Params::Absent,
        Some(Value::Object(named)) => Params::Named(named),
        Some(Value::Array(positional)) => Params::Positional(positional),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            return Err(bad(member("params", "must be an object")));
        }
    };
    if let Some(unknown) = members.keys().next() {
        let shown: String = unknown.chars().take(64).collect();
        return Err(bad(member(&shown, "is no member of a request")));
    }
    Ok(Call { id, method, params })
}

fn member(field: &str, why: &str) -> WireError {
    WireError::new(ErrorKind::InvalidRequest, "invalid_request", format!("The member {field:?} of the request {why}."))
        .with("field", field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn single(text: &str) -> Result<Call, BadCall> {
        match read(text) {
            Incoming::Single(call) => call,
            Incoming::Batch(calls) => panic!("a batch of {}", calls.len()),
        }
    }

    fn error_of(text: &str) -> (i32, Value) {
        let bad = single(text).expect_err("no request");
        (bad.error.code, Value::Object(bad.error.data.params))
    }

    #[test]
    fn a_request_is_taken_apart() {
        let call =
            single(r#"{"jsonrpc":"2.0","id":7,"method":"pause.start","params":{"type":"almoco"}}"#).expect("one");
        assert_eq!(call.id, Some(Id::Number(7.into())));
        assert_eq!(call.method, "pause.start");
        assert_eq!(call.params, Params::Named(json!({"type": "almoco"}).as_object().expect("an object").clone()));
        let notification = single(r#"{"jsonrpc":"2.0","method":"session.ping"}"#).expect("one");
        assert_eq!((notification.id, notification.params), (None, Params::Absent));
    }

    #[test]
    fn what_is_no_request_is_told_which_member_is_wrong() {
        assert_eq!(error_of("{").0, -32700);
        assert_eq!(error_of(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":NaN}}"#).0, -32700);
        assert_eq!(error_of("7").0, -32600);
        assert_eq!(error_of("[]").0, -32600);
        assert_eq!(error_of(r#"{"id":1,"method":"x"}"#), (-32600, json!({"field": "jsonrpc"})));
        assert_eq!(error_of(r#"{"jsonrpc":"2.0","id":1}"#), (-32600, json!({"field": "method"})));
        assert_eq!(error_of(r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#), (-32600, json!({"field": "id"})));
        assert_eq!(
            error_of(r#"{"jsonrpc":"2.0","id":1,"method":"x","params":3}"#),
            (-32600, json!({"field": "params"}))
        );
        assert_eq!(error_of(r#"{"jsonrpc":"2.0","id":1,"method":"x","extra":3}"#), (-32600, json!({"field": "extra"})));
    }

    #[test]
    fn the_id_of_a_bad_request_is_given_back_when_it_can_be_made_out() {
        assert_eq!(single(r#"{"jsonrpc":"1.0","id":"a"}"#).expect_err("bad").id, Id::Text("a".to_owned()));
        assert_eq!(single(r#"{"jsonrpc":"1.0","id":[]}"#).expect_err("bad").id, Id::Null);
    }

    #[test]
    fn an_id_is_given_back_as_it_was_or_refused_by_name() {
        for id in ["0", "-9223372036854775808", "18446744073709551615", r#""\u00e9""#, "null"] {
            let call = single(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#)).expect("a request");
            let answer = Response { id: call.id.expect("an id"), result: Ok(Value::Null) }.to_text();
            let same: Value = serde_json::from_str(id).expect("JSON");
            assert_eq!(serde_json::from_str::<Value>(&answer).expect("JSON")["id"], same);
        }
        for id in ["18446744073709551616", "12345678901234567890123", "0.1", "1e3", "-0"] {
            let told = error_of(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#));
            assert_eq!(told, (-32600, json!({"field": "id"})), "{id}");
        }
    }

    #[test]
    fn promise_r4_nesting_is_limited_and_brackets_in_texts_do_not_count() {
        let nested = |depth: usize| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{}{}}}}}"#,
                "[".repeat(depth - 2),
                "]".repeat(depth - 2)
            )
        };
        assert!(single(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(error_of(&nested(DEPTH_MAX + 1)), (-32600, json!({"depth_max": 16})));
        assert_eq!(error_of(&"[".repeat(60_000)).0, -32600);
        assert!(
            single(&format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"a":"\"{}"}}}}"#, "[".repeat(99))).is_ok()
        );
    }

    #[test]
    fn a_batch_has_at_most_sixteen_requests() {
        let batch = |n: usize| {
            let one = r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#;
            format!("[{}]", vec![one; n].join(","))
        };
        assert!(matches!(read(&batch(BATCH_MAX)), Incoming::Batch(calls) if calls.len() == BATCH_MAX));
        assert_eq!(error_of(&batch(BATCH_MAX + 1)), (-32600, json!({"batch_max": 16})));
        let mixed = r#"[1, {"jsonrpc":"2.0","id":2,"method":"x"}]"#;
        assert!(matches!(read(mixed), Incoming::Batch(calls) if calls[0].is_err() && calls[1].is_ok()));
    }

    #[test]
    fn answers_and_notifications_have_the_form_of_json_rpc() {
        let ok = Response { id: Id::Text("a".to_owned()), result: Ok(json!({"x": 1})) };
        assert_eq!(ok.to_text(), r#"{"jsonrpc":"2.0","id":"a","result":{"x":1}}"#);
        let failed = Response { id: Id::Null, result: Err(WireError::forbidden()) };
        assert_eq!(
            serde_json::from_str::<Value>(&failed.to_text()).expect("JSON"),
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32002,
                   "message": "This credential does not reach that far, or there is nothing there.", "data": {"code": "forbidden", "params": {}}}})
        );
        assert_eq!(
            notification_text(Notification::SessionExpiring, &json!({"at": "x"})),
            r#"{"jsonrpc":"2.0","method":"session.expiring","params":{"at":"x"}}"#
        );
    }
}
