//! Failures over HTTP: RFC 9457 problem documents with the codes of the socket.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::auth::{Forbidden, Unauthenticated};
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::time::WireTime;

/// The media type of a problem document.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The code of what was made on top of something else than what is there.
pub(super) const PRECONDITION_FAILED: &str = "precondition_failed";

/// A failure. Boxed, so that what can fail does not carry its size around.
#[derive(Debug, Clone)]
pub(super) struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    detail: String,
    params: Map<String, Value>,
    next_change_at: Option<String>,
    headers: HeaderMap,
}

/// A problem document (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Document<'a> {
    /// Always `about:blank`: what it is about is in `code`.
    r#type: &'static str,
    /// The name of the status.
    title: &'a str,
    /// The status.
    status: u16,
    /// One plain English sentence.
    detail: &'a str,
    /// What programs act on.
    code: &'a str,
    /// What belongs to the code.
    params: &'a Map<String, Value>,
    /// When it is worth asking again, if nothing else happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WireTime>")]
    next_change_at: Option<&'a str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem(Box::new(Parts {
            status,
            code,
            detail: detail.into(),
            params: Map::new(),
            next_change_at: None,
            headers: HeaderMap::new(),
        }))
    }

    pub(super) fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path.")
    }

    pub(super) fn method_not_allowed(allowed: &'static str) -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This path does not answer this method.")
            .header(ALLOW, allowed)
    }

    pub(super) fn too_large(bytes_max: usize) -> Problem {
        let detail = format!("The body may have at most {bytes_max} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).with("bytes_max", bytes_max)
    }

    pub(super) fn timeout() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "The request took too long; ask again.")
            .header(RETRY_AFTER, "1")
    }

    pub(super) fn internal() -> Problem {
        Problem::from(WireError::internal())
    }

    /// A parameter of the query that is unknown or cannot be read.
    pub(super) fn parameter(name: &str, why: &str) -> Problem {
        Problem::from(WireError::invalid_params(name, why))
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.0.params.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: &'static str) -> Problem {
        self.0.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// The document alone, where an answer has begun already.
    pub(super) fn document(&self) -> Value {
        serde_json::to_value(self.shown()).unwrap_or_default()
    }

    fn shown(&self) -> Document<'_> {
        let parts = &*self.0;
        Document {
            r#type: "about:blank",
            title: parts.status.canonical_reason().unwrap_or("Failed"),
            status: parts.status.as_u16(),
            detail: &parts.detail,
            code: parts.code,
            params: &parts.params,
            next_change_at: parts.next_change_at.as_deref(),
        }
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &'static str {
        self.0.code
    }
}

impl From<WireError> for Problem {
    fn from(error: WireError) -> Problem {
        let kind = error.kind();
        // Of the conflicts HTTP has a status of its own for the one that its headers lead to.
        let status = match error.data.code {
            PRECONDITION_FAILED => StatusCode::PRECONDITION_FAILED,
            _ => StatusCode::from_u16(kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let mut headers = HeaderMap::new();
        if kind == ErrorKind::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(ms) = error.data.params.get("retry_after_ms").and_then(Value::as_u64) {
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
        }
        Problem(Box::new(Parts {
            status,
            code: error.data.code,
            detail: error.message,
            params: error.data.params,
            next_change_at: error.data.next_change_at,
            headers,
        }))
    }
}

impl From<Unauthenticated> for Problem {
    fn from(_: Unauthenticated) -> Problem {
        let mut error = WireError::unauthenticated();
        error.message = "The credential is missing, not valid, or has ended.".to_owned();
        Problem::from(error)
    }
}

impl From<Forbidden> for Problem {
    fn from(_: Forbidden) -> Problem {
        Problem::from(WireError::forbidden())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let text = serde_json::to_vec(&self.shown()).unwrap_or_default();
        let parts = *self.0;
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        response
    }
}
