//! The contract over HTTP: three documents that anybody may read, each with its ETag.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{openapi as openapi_document, openrpc as openrpc_document, page as written};
use crate::transport::App;
use crate::transport::http::JSON;
use crate::transport::reading::put_etag;

/// What is published, written when somebody first asks.
#[derive(Default)]
pub(in crate::transport) struct Published {
    openapi: OnceLock<Document>,
    openrpc: OnceLock<Document>,
    page: OnceLock<Document>,
    discovered: OnceLock<Value>,
}

struct Document {
    text: Bytes,
    etag: String,
}

impl Document {
    fn of(text: impl Into<Bytes>) -> Document {
        let text = text.into();
        let digits: String = Sha256::digest(&text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Document { text, etag: format!("\"{digits}\"") }
    }
}

impl Published {
    /// The result of `rpc.discover`.
    pub(in crate::transport) fn discovered(&self) -> &Value {
        self.discovered.get_or_init(openrpc_document)
    }
}

/// `GET /v1/openapi.json`.
pub(in crate::transport) async fn openapi(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    answer(app.published.openapi.get_or_init(|| Document::of(openapi_document().to_string())), &headers, JSON)
}

/// `GET /v1/openrpc.json`.
pub(in crate::transport) async fn openrpc(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let text = || Document::of(app.published.discovered().to_string());
    answer(app.published.openrpc.get_or_init(text), &headers, JSON)
}

/// `GET /docs`.
pub(in crate::transport) async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let document = app.published.page.get_or_init(|| Document::of(written::write(&openapi_document())));
    let mut response = answer(document, &headers, HeaderValue::from_static("text/html; charset=utf-8"));
    let style = STANDARD.encode(Sha256::digest(written::STYLE.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn answer(document: &Document, headers: &HeaderMap, media: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    if has(headers, &document.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(document.text.clone());
        response.headers_mut().insert(CONTENT_TYPE, media);
    }
    put_etag(response.headers_mut(), &document.etag);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// True when whoever asks has it already. The comparison is the weak one (RFC 9110, 13.1.2).
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_it_is_told_so() {
        let has = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IF_NONE_MATCH, HeaderValue::from_static(value));
            }
            super::has(&headers, "\"a\"")
        };
        assert!(has(&["\"a\""]) && has(&["\"b\", \"a\""]) && has(&["W/\"a\""]) && has(&["\"b\"", "*"]));
        assert!(!has(&[]) && !has(&["\"b\""]) && !has(&["a"]));
    }
}
