//! Messages: whatever comes in leads to calls whose parameters are read, or to an error that names what is wrong.

use std::collections::BTreeMap;

use intervalo::protocol::board::FRAME_BYTES_MAX;
use intervalo::protocol::error::{ErrorKind, WireError};
use intervalo::protocol::methods::{Invocation, Method};
use intervalo::protocol::rpc::{
    BATCH_MAX, BadCall, Call, DEPTH_MAX, Id, Incoming, Params, Response, batch_frame, read,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::schemas::allow_params;
use crate::told::{ensure, prints};
use crate::{Held, Outcome};

/// The largest message that a socket takes.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// The longest error, without the id that the client chose.
const ERROR_BYTES_MAX: usize = 2 << 10;
/// A parameter that no method has.
const SURPRISE: &str = "surprise";

/// What is asked.
pub(crate) struct Subject {
    /// Takes a message apart.
    pub(crate) read: fn(&str) -> Incoming,
    /// Reads the parameters of a method.
    pub(crate) invoke: fn(Method, Params) -> Result<Invocation, WireError>,
    /// Writes an answer.
    pub(crate) write: fn(&Response) -> String,
}

impl Subject {
    pub(crate) const PRODUCT: Subject = Subject { read, invoke: Invocation::read, write: Response::to_text };
}

pub(crate) fn hold(input: &[u8], subject: &Subject) -> Held {
    // Either is the end of a connection, before anything is read.
    let Some(text) = std::str::from_utf8(input).ok().filter(|text| text.len() <= MESSAGE_BYTES_MAX) else {
        return Ok(Outcome::Refused);
    };
    let incoming = (subject.read)(text);
    let value: Option<Value> = serde_json::from_str(text).ok();
    match &value {
        Some(value) => {
            is_read_whatever_its_layout(value, &incoming, subject)?;
            is_refused_when_deep(value, &incoming)?;
        }
        None => ensure(matches!(incoming, Incoming::Single(Err(_))), || format!("no JSON is read as {incoming:?}"))?,
    }
    let ids = ids_of(text);
    match incoming {
        Incoming::Single(call) => {
            let (outcome, response) = answer(call, ids.first(), subject)?;
            if let Some(response) = response {
                fits(&response.to_frame())?;
            }
            Ok(outcome)
        }
        Incoming::Batch(calls) => {
            ensure((1..=BATCH_MAX).contains(&calls.len()), || format!("a batch of {}", calls.len()))?;
            ensure(ids.len() == calls.len(), || format!("{} requests are read as {}", ids.len(), calls.len()))?;
            let mut outcome = Outcome::Refused;
            let mut responses = Vec::new();
            for (call, id) in calls.into_iter().zip(&ids) {
                let (of_call, response) = answer(call, Some(id), subject)?;
                outcome = outcome.min(of_call);
                responses.extend(response);
            }
            let expected = responses.len();
            let text = batch_frame(responses);
            fits(&text)?;
            let answers: Vec<Value> =
                serde_json::from_str(&text).map_err(|why| format!("the answer is {why}: {text}"))?;
            ensure(answers.len() == expected, || format!("{expected} answers are told as {text}"))?;
            Ok(outcome)
        }
    }
}

/// White space between the tokens means nothing.
fn is_read_whatever_its_layout(value: &Value, incoming: &Incoming, subject: &Subject) -> Result<(), String> {
    // A fraction need not be the same when it is printed and read again.
    if has_fraction(value) {
        return Ok(());
    }
    for text in [value.to_string(), format!("{value:#}")] {
        let again = (subject.read)(&text);
        ensure(again == *incoming, || format!("{incoming:?} in another layout is {again:?}"))?;
    }
    Ok(())
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// What nests deeper than may be is refused as that, and nothing else is.
fn is_refused_when_deep(value: &Value, incoming: &Incoming) -> Result<(), String> {
    let told = match incoming {
        Incoming::Single(Err(bad)) => bad.error.data.params.contains_key("depth_max"),
        Incoming::Single(Ok(_)) | Incoming::Batch(_) => false,
    };
    let depth = depth(value);
    ensure(told == (depth > DEPTH_MAX), || format!("{depth} levels are read as {incoming:?}"))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The text of the id of each request, as far as there is one.
fn ids_of(text: &str) -> Vec<Option<String>> {
    type Members = BTreeMap<String, Box<RawValue>>;
    let id = |members: Members| members.get("id").map(|id| id.get().to_owned());
    let of = |request: &RawValue| serde_json::from_str::<Members>(request.get()).ok().and_then(id);
    match serde_json::from_str::<Vec<Box<RawValue>>>(text) {
        Ok(batch) => batch.iter().map(|request| of(request)).collect(),
        Err(_) => serde_json::from_str::<Members>(text).map(|members| vec![id(members)]).unwrap_or_default(),
    }
}

/// What becomes of one request, and what it is answered.
fn answer(
    call: Result<Call, BadCall>,
    sent: Option<&Option<String>>,
    subject: &Subject,
) -> Result<(Outcome, Option<Response>), String> {
    let call = match call {
        Ok(call) => call,
        Err(bad) => {
            let response = Response::bad(bad);
            is_well_told(&response, subject)?;
            return Ok((Outcome::Refused, Some(response)));
        }
    };
    if let Some(id) = &call.id {
        is_as_it_was_sent(id, sent.and_then(Option::as_deref))?;
    }
    let result = match Method::named(&call.method) {
        None => Err(WireError::method_not_found(&call.method)),
        Some(method) => (subject.invoke)(method, call.params.clone()).map(|invocation| (method, invocation)),
    };
    let (outcome, result) = match result {
        Ok((method, _)) => {
            is_in_the_contract(method, &call.params)?;
            refuses_a_surprise(method, call.params, subject)?;
            (Outcome::Accepted, Ok(Value::Null))
        }
        Err(error) => (Outcome::Refused, Err(error)),
    };
    let response = Response { id: call.id.clone().unwrap_or(Id::Null), result };
    is_well_told(&response, subject)?;
    Ok((outcome, call.id.map(|_| response)))
}

/// An answer is filed under the very id of the request.
fn is_as_it_was_sent(id: &Id, sent: Option<&str>) -> Result<(), String> {
    let sent = sent.ok_or_else(|| format!("an id that nobody sent: {id:?}"))?;
    let same = match id {
        Id::Number(number) => number.to_string() == sent,
        Id::Text(text) => serde_json::from_str::<String>(sent).is_ok_and(|sent| sent == *text),
        Id::Null => sent == "null",
    };
    ensure(same, || format!("the id {sent} is given back as {id:?}"))
}

/// An error of JSON-RPC that says what is wrong, in a sentence and a code, and is short.
fn is_well_told(response: &Response, subject: &Subject) -> Result<(), String> {
    let text = (subject.write)(response);
    let told: Value = serde_json::from_str(&text).map_err(|why| format!("the answer is {why}: {text}"))?;
    let members: Vec<&str> = told.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    let id = serde_json::to_value(&response.id).map_err(|why| why.to_string())?;
    ensure(told["jsonrpc"] == "2.0" && told["id"] == id, || format!("not filed under {id}: {text}"))?;
    let Err(error) = &response.result else {
        return ensure(members == ["jsonrpc", "id", "result"], || format!("no answer: {text}"));
    };
    ensure(members == ["jsonrpc", "id", "error"], || format!("no answer: {text}"))?;
    let length = text.len() - id.to_string().len();
    ensure(length < ERROR_BYTES_MAX, || format!("an error of {length} bytes: {text}"))?;
    ensure(ErrorKind::ALL.iter().any(|kind| kind.number() == error.code), || format!("an unknown number: {text}"))?;
    ensure(told["error"]["data"]["code"].as_str().is_some_and(|code| !code.is_empty()), || format!("no code: {text}"))?;
    prints(&error.message)?;
    ensure(error.message.ends_with('.'), || format!("no sentence: {}", error.message))?;
    let names_a_field = error.data.params.get("field").is_none_or(Value::is_string);
    ensure(names_a_field, || format!("a field without a name: {text}"))?;
    let of_params = error.kind() == ErrorKind::InvalidParams;
    ensure(!of_params || error.data.params.contains_key("field"), || format!("it names no field: {text}"))
}

fn is_in_the_contract(method: Method, params: &Params) -> Result<(), String> {
    let params = match params {
        Params::Absent => Value::Object(Map::new()),
        Params::Named(members) => Value::Object(members.clone()),
        // Only clients of libraries that have no other way send these.
        Params::Positional(_) => return Ok(()),
    };
    ensure(allow_params(method, &params), || format!("{} takes what its schema refuses: {params}", method.name()))
}

/// What a method does not know is refused by name, whatever else is sent.
fn refuses_a_surprise(method: Method, params: Params, subject: &Subject) -> Result<(), String> {
    let mut members = match params {
        Params::Absent => Map::new(),
        Params::Named(members) => members,
        Params::Positional(_) => return Ok(()),
    };
    members.insert(SURPRISE.to_owned(), Value::Bool(true));
    match (subject.invoke)(method, Params::Named(members)) {
        Err(error) if error.data.params.get("field").is_some_and(|field| field == SURPRISE) => Ok(()),
        other => Err(format!("{} with a surprise: {other:?}", method.name())),
    }
}

fn fits(text: &str) -> Result<(), String> {
    ensure(text.len() <= FRAME_BYTES_MAX, || format!("an answer of {} bytes", text.len()))
}
