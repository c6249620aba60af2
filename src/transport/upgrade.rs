//! The way from an HTTP request to a WebSocket (RFC 6455 §4.2), by hand over hyper.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{
    CONNECTION, HOST, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::App;
use super::accept::Peer;
use super::admission::busy;
use super::credential::Bearer;
use super::problem::Problem;
use super::provisioning;
use super::sockets::AddressPlace;
use super::websocket::{self, Arrival};
use crate::auth::{Principal, Unauthenticated};
use crate::protocol::error::{ErrorKind, WireError};

/// When an address that is full may come again: as the accept loop tells those who come without a proxy.
const PLACE_RETRY_AFTER_MS: u64 = 5_000;
/// The subprotocol that is spoken.
const SUBPROTOCOL: &str = "intervalo.v1";
/// The version of RFC 6455.
const VERSION: &str = "13";
/// The length of a `Sec-WebSocket-Key`: 16 bytes in base64.
const KEY_LENGTH: usize = 24;

/// Answers `GET /v1/ws`.
pub(super) async fn upgrade(State(app): State<Arc<App>>, mut request: Request) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return Problem::internal().into_response();
    };
    match accept(&app, &peer, Handshake::of(&request)).await {
        Err(problem) => problem.into_response(),
        Ok(Accepted { principal, origin, place, response }) => {
            let upgraded = hyper::upgrade::on(&mut request);
            let Peer { client, outlet, _place: connected, .. } = peer;
            // In a box: the task would have room for it as long as it runs.
            let arrival = Box::new(Arrival { app: Arc::clone(&app), principal, client, outlet, origin });
            app.tasks.spawn(async move {
                let running = async {
                    match upgraded.await {
                        Ok(socket) => websocket::run(TokioIo::new(socket), arrival).await,
                        Err(error) => tracing::debug!(%error, "an upgrade was not completed"),
                    }
                };
                if AssertUnwindSafe(running).catch_unwind().await.is_err() {
                    metrics::counter!("intervalo_panics_total", "where" => "socket").increment(1);
                    tracing::error!("a socket's task panicked; its connection is closed");
                }
                drop((connected, place));
            });
            response
        }
    }
}

/// What a request says that matters here; without its body, which cannot be looked at from two threads.
#[derive(Clone, Copy)]
pub(super) struct Handshake<'a> {
    method: &'a Method,
    version: Version,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl<'a> Handshake<'a> {
    pub(super) fn of<B>(request: &'a http::Request<B>) -> Handshake<'a> {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        Handshake { method, version: request.version(), uri, headers }
    }
}

struct Accepted {
    principal: Option<Principal>,
    /// Which page opens the socket, where a browser says so.
    origin: Option<String>,
    /// What the socket takes of the places of its client's address, when the connection takes none.
    place: Option<AddressPlace>,
    response: Response,
}

async fn accept(app: &App, peer: &Peer, handshake: Handshake<'_>) -> Result<Accepted, Problem> {
    let headers = handshake.headers;
    if let Some(query) = handshake.uri.query().filter(|query| !query.is_empty()) {
        // A credential in an address ends up in logs and histories.
        let name: String = query.split(['=', '&']).next().unwrap_or_default().chars().take(64).collect();
        return Err(Problem::parameter(&name, "is unknown here; a credential never goes into the address"));
    }
    let key = handshake_key(handshake)?;
    // Before all that costs something, a look at a credential above all.
    app.admission.admit(app.clock.now()).map_err(busy)?;
    let place = if peer.is_proxy { Some(place_of(app, peer)?) } else { None };
    if !origin_is_allowed(headers, &app.settings.allowed_origins) {
        metrics::counter!("intervalo_origins_refused_total").increment(1);
        let detail = "Pages of this origin may not open sockets here.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
    }
    let subprotocol = subprotocol(headers)?;
    let principal = match Bearer::of(headers) {
        Bearer::Absent => None,
        Bearer::Unreadable => return Err(Unauthenticated.into()),
        Bearer::Token(token) => {
            let principal = app.verify(token).await?;
            app.check_not_struck_out(&principal)?;
            Some(known(app, principal).await?)
        }
    };
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    Ok(Accepted { principal, origin, place, response: switching(key, subprotocol)? })
}

/// The answer to a handshake: from here on frames are spoken.
pub(super) fn switching(key: &[u8], subprotocol: bool) -> Result<Response, Problem> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(&derive_accept_key(key)).map_err(|_| Problem::internal())?;
    answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if subprotocol {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(response)
}

/// A place of those of the address that a proxy speaks for.
fn place_of(app: &App, peer: &Peer) -> Result<AddressPlace, Problem> {
    app.sockets.admit_client(peer.client).map_err(|full| {
        metrics::counter!("intervalo_connections_refused_total", "why" => full.word()).increment(1);
        let message = "This address has as many connections as it may have.";
        let error = WireError::new(ErrorKind::RateLimited, "too_many_connections", message);
        error.with("retry_after_ms", PLACE_RETRY_AFTER_MS).into()
    })
}

/// An agent must be in the directory, or come into it, and the tenant must exist: said before the upgrade, where
/// there is a word for it.
async fn known(app: &App, principal: Principal) -> Result<Principal, Problem> {
    match provisioning::agent_of(app, &principal).await {
        Ok(_agent) => Ok(principal),
        Err(refused) if refused.kind() == ErrorKind::Refused => {
            let WireError { message, data, .. } = refused;
            let problem = Problem::new(StatusCode::FORBIDDEN, data.code, message);
            Err(data.params.into_iter().fold(problem, |problem, (name, value)| problem.with(&name, value)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The client's key, when the request is a WebSocket handshake.
pub(super) fn handshake_key(handshake: Handshake<'_>) -> Result<&[u8], Problem> {
    let headers = handshake.headers;
    if handshake.method != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    // HTTP/1.0 knows no upgrade, whatever its headers say (RFC 9110 §7.8).
    let knows_upgrades = handshake.version >= Version::HTTP_11;
    if !knows_upgrades || !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket") {
        let detail = "This path speaks WebSocket; send an upgrade.";
        return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail)
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "upgrade"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        let detail = "Version 13 of the WebSocket protocol is spoken here.";
        return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail)
            .header(SEC_WEBSOCKET_VERSION, VERSION));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    key.filter(|key| key.len() == KEY_LENGTH && key.ends_with(b"=="))
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "invalid_handshake", "Sec-WebSocket-Key is not a key."))
}

/// True when one of the header's comma-separated words is this one, whatever its case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    words(headers, name).any(|word| word.eq_ignore_ascii_case(token))
}

fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

/// True when our subprotocol was offered; none offered is served too.
pub(super) fn subprotocol(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut offered = words(headers, &SEC_WEBSOCKET_PROTOCOL).peekable();
    if offered.peek().is_none() {
        return Ok(false);
    }
    if offered.any(|word| word == SUBPROTOCOL) {
        return Ok(true);
    }
    let detail = format!("The subprotocol spoken here is {SUBPROTOCOL}.");
    Err(Problem::new(StatusCode::BAD_REQUEST, "unknown_subprotocol", detail))
}

/// A browser says which page opens the socket. It must be one of the server's own, or a listed one
/// (promise A6); programs that are no browsers say nothing.
pub(super) fn origin_is_allowed(headers: &HeaderMap, allowed: &std::collections::BTreeSet<String>) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let (Ok(origin), None) = (origin.to_str(), origins.next()) else { return false };
    if allowed.contains(origin) {
        return true;
    }
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    match origin.split_once("://") {
        Some(("http", authority)) => same_authority(authority, host, ":80"),
        Some(("https", authority)) => same_authority(authority, host, ":443"),
        Some(_) | None => false,
    }
}

/// Compares `host[:port]`s; the scheme's own port may be left out.
fn same_authority(a: &str, b: &str, default_port: &str) -> bool {
    let bare = |authority: &str| authority.strip_suffix(default_port).unwrap_or(authority).to_ascii_lowercase();
    !a.is_empty() && bare(a) == bare(b)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn promise_a6_only_the_servers_own_pages_and_listed_ones_open_sockets() {
        let allowed = BTreeSet::from(["https://desk.example".to_owned()]);
        let check = |origin, host| origin_is_allowed(&headers(&[("origin", origin), ("host", host)]), &allowed);
        assert!(origin_is_allowed(&headers(&[("host", "intervalo.example")]), &allowed), "no browser");
        assert!(check("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(check("https://intervalo.example", "Intervalo.example"));
        assert!(check("https://intervalo.example", "intervalo.example:443"));
        assert!(check("https://desk.example", "intervalo.example"));
        assert!(!check("https://evil.example", "intervalo.example"));
        assert!(!check("https://desk.example.evil", "intervalo.example"));
        assert!(!check("http://127.0.0.1:8081", "127.0.0.1:8080"));
        assert!(!check("null", "intervalo.example"));
        assert!(!check("", "intervalo.example"));
        assert!(!check("file://", ""));
        let two = headers(&[("origin", "http://a"), ("origin", "http://b"), ("host", "a")]);
        assert!(!origin_is_allowed(&two, &allowed));
    }

    #[test]
    fn the_subprotocol_is_ours_or_none() {
        assert_eq!(subprotocol(&headers(&[])).ok(), Some(false));
        assert_eq!(subprotocol(&headers(&[("sec-websocket-protocol", "x, intervalo.v1")])).ok(), Some(true));
        let split = headers(&[("sec-websocket-protocol", "x"), ("sec-websocket-protocol", "intervalo.v1")]);
        assert_eq!(subprotocol(&split).ok(), Some(true));
        let other = subprotocol(&headers(&[("sec-websocket-protocol", "graphql-ws")])).expect_err("refused");
        assert_eq!((other.status(), other.code()), (StatusCode::BAD_REQUEST, "unknown_subprotocol"));
    }

    #[test]
    fn what_is_no_handshake_is_told_what_is_missing() {
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let request = |method, pairs: &[(&'static str, &'static str)]| {
            let mut request = http::Request::new(());
            *request.method_mut() = method;
            *request.headers_mut() = headers(pairs);
            request
        };
        assert!(handshake_key(Handshake::of(&request(Method::GET, &whole))).is_ok());
        let status = |method, pairs: &[(&'static str, &'static str)]| {
            handshake_key(Handshake::of(&request(method, pairs))).expect_err("refused").status()
        };
        let mut old = request(Method::GET, &whole);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(handshake_key(Handshake::of(&old)).expect_err("refused").status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(status(Method::POST, &whole), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(status(Method::GET, &whole[1..]), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(status(Method::GET, &[whole[0], whole[1], whole[3]]), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(status(Method::GET, &whole[..3]), StatusCode::BAD_REQUEST);
    }
}
