//! What requests over HTTP have in common: they are counted, may carry an `op`, and have an object as their body.

use http::HeaderMap;
use http::header::{ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::App;
use super::problem::{PRECONDITION_FAILED, Problem};
use crate::auth::{Principal, Scope};
use crate::domain::directory::Directory;
use crate::domain::id::{Op, TeamId};
use crate::protocol::error::{ErrorKind, WireError};

/// What makes a request safe to send again: an `op` by its HTTP name.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Counts a request against the principal's rate.
pub(super) fn count(app: &App, principal: &Principal) -> Result<(), WireError> {
    app.rate_limiter.count(&principal.tenant, &principal.id, app.clock.now()).map_err(WireError::rate_limited)
}

/// The `op` that a request carries.
pub(super) fn op_of(headers: &HeaderMap) -> Result<Option<Op>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let op = key.to_str().ok().and_then(|text| text.parse().ok());
    op.map(Some).ok_or_else(|| Problem::parameter("Idempotency-Key", "must be a UUID"))
}

/// The object that a body is.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, WireError> {
    let value = serde_json::from_slice(body).map_err(|error| WireError::parse(&error.to_string()))?;
    match value {
        Value::Object(object) => Ok(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(WireError::invalid_params("body", "must be an object"))
        }
    }
}

/// What a change is made on top of, as its sender says (RFC 9110, 13.1); by default on top of whatever is there.
#[derive(Default)]
pub(super) struct Precondition {
    if_match: Option<Wanted>,
    /// `If-None-Match: *`: nothing is there yet.
    only_new: bool,
}

enum Wanted {
    /// `*`: whatever is there, but something.
    Anything,
    /// One of these.
    OneOf(Vec<String>),
}

impl Precondition {
    /// The `If-Match` and `If-None-Match` of a request.
    pub(super) fn of(headers: &HeaderMap) -> Result<Precondition, Problem> {
        let refused = || Problem::parameter("If-Match", "must be *, or ETags in their quotes as they were handed out");
        let mut if_match = None;
        for value in headers.get_all(IF_MATCH) {
            let wanted = value.to_str().ok().and_then(read_tags).ok_or_else(refused)?;
            if_match = match (if_match, wanted) {
                (None, wanted) => Some(wanted),
                (Some(Wanted::OneOf(mut all)), Wanted::OneOf(more)) => {
                    all.extend(more);
                    Some(Wanted::OneOf(all))
                }
                (Some(_), _) => return Err(refused()),
            };
        }
        let only_new = match headers.get(IF_NONE_MATCH).map(|value| value.as_bytes()) {
            None => false,
            Some(b"*") => true,
            Some(_) => return Err(Problem::parameter("If-None-Match", "may be * alone: to put what is not there yet")),
        };
        Ok(Precondition { if_match, only_new })
    }

    /// Holds it against the ETag of what is there, if anything is.
    pub(super) fn check(&self, there: Option<&str>) -> Result<(), WireError> {
        let failed = |message| Err(WireError::new(ErrorKind::Conflict, PRECONDITION_FAILED, message));
        if self.only_new && there.is_some() {
            return failed("It is there already; read it, and put it with If-Match to change it.");
        }
        match (&self.if_match, there) {
            (None, _) | (Some(Wanted::Anything), Some(_)) => Ok(()),
            (Some(Wanted::OneOf(tags)), Some(there)) if tags.iter().any(|tag| tag == there) => Ok(()),
            (Some(Wanted::OneOf(_)), Some(_)) => {
                failed("It has changed since it was read; read it again and decide anew.")
            }
            (Some(_), None) => failed("There is nothing yet that could be changed; put it without If-Match."),
        }
    }
}

/// A list of ETags. One that a proxy has made a weak one on its way counts as what it was: they are of the content.
fn read_tags(text: &str) -> Option<Wanted> {
    if text.trim() == "*" {
        return Some(Wanted::Anything);
    }
    let tag = |tag: &str| {
        let tag = tag.trim();
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        let inner = opaque.strip_prefix('"')?.strip_suffix('"')?;
        (!inner.contains('"')).then(|| opaque.to_owned())
    };
    text.split(',').map(tag).collect::<Option<Vec<_>>>().map(Wanted::OneOf)
}

/// Puts an ETag on an answer.
pub(super) fn put_etag(headers: &mut HeaderMap, etag: &str) {
    if let Ok(value) = HeaderValue::from_str(etag) {
        headers.insert(ETAG, value);
    }
}

/// An ETag that is the same for as long as what is shown is: the first 64 bits of its SHA-256.
pub(super) fn etag_of_shown(shown: &impl Serialize) -> String {
    let digest = Sha256::digest(serde_json::to_vec(shown).unwrap_or_default());
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// How many of those who name something are told that stand against its removal.
const NAMED_BY_MAX: usize = 10;

/// The refusal to take away what others name.
pub(super) fn in_use(message: &str, named_by: impl Iterator<Item = Value>) -> WireError {
    let all: Vec<Value> = named_by.collect();
    let count = all.len();
    let told: Value = all.into_iter().take(NAMED_BY_MAX).collect();
    WireError::new(ErrorKind::Refused, "in_use", message).with("named_by", told).with("count", count)
}

/// Refuses a team to ask for that is out of reach: one that does not exist is told alike, and so is the list of nobody that
/// either would lead to.
///
/// # Errors
/// [`WireError`] `forbidden`.
pub(super) fn check_reached(team: Option<&TeamId>, scope: &Scope, directory: &Directory) -> Result<(), WireError> {
    let reaches = |team: &TeamId| match scope {
        Scope::Tenant => true,
        Scope::Teams(own) => own.contains(team),
    };
    let is_there = |team: &TeamId| directory.teams.contains_key(team) && reaches(team);
    if team.is_none_or(is_there) { Ok(()) } else { Err(WireError::forbidden()) }
}
