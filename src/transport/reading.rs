//! What requests over HTTP have in common: they are counted, may carry an `op`, and have an object as their body.

use http::header::{ETAG, HeaderName, HeaderValue, IF_MATCH};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::App;
use super::problem::Problem;
use crate::auth::Principal;
use crate::domain::id::Op;
use crate::protocol::error::WireError;

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

/// What a change is made on top of, as its sender says (RFC 9110, 13.1.1).
pub(super) struct Precondition(Option<Wanted>);

enum Wanted {
    /// `*`: whatever is there, but something.
    Anything,
    /// One of these.
    OneOf(String),
}

impl Precondition {
    /// The `If-Match` of a request.
    pub(super) fn of(headers: &HeaderMap) -> Result<Precondition, Problem> {
        let Some(value) = headers.get(IF_MATCH) else { return Ok(Precondition(None)) };
        let text =
            value.to_str().map_err(|_| Problem::parameter("If-Match", "must be an ETag as it was handed out"))?;
        let wanted = if text.trim() == "*" { Wanted::Anything } else { Wanted::OneOf(text.to_owned()) };
        Ok(Precondition(Some(wanted)))
    }

    /// Holds it against the ETag of what is there, if anything is.
    pub(super) fn check(&self, there: Option<&str>) -> Result<(), Problem> {
        let holds = match (&self.0, there) {
            (None, _) | (Some(Wanted::Anything), Some(_)) => true,
            (Some(Wanted::OneOf(tags)), Some(there)) => tags.split(',').any(|tag| tag.trim() == there),
            (Some(_), None) => false,
        };
        let detail = "It has changed since it was read; read it again and decide anew.";
        if holds { Ok(()) } else { Err(Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)) }
    }
}

/// Puts an ETag on an answer.
pub(super) fn put_etag(headers: &mut HeaderMap, etag: &str) {
    if let Ok(value) = HeaderValue::from_str(etag) {
        headers.insert(ETAG, value);
    }
}
