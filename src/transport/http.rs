//! The paths of HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, delete, get, post, put};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde_json::json;

use super::patience::Patience;
use super::problem::Problem;
use super::{
    App, accounts, agents, contract, invitations, keys, logins, me, occupancy, pauses, rpc, sessions, shifts, tickets,
    upgrade,
};
use crate::auth::{Action, Principal, Target};
use crate::domain::id::AgentId;
use crate::protocol::error::WireError;
use crate::protocol::methods::Method;
use crate::protocol::rpc::{BadCall, Call, Incoming, Response as RpcResponse, batch_text, read};

/// The largest body accepted (promise R4).
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);
/// The media type of JSON.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The paths, and a problem document for every other.
pub(super) fn routes(app: Arc<App>) -> Router {
    paths().router.fallback(|| async { Problem::not_found() }).with_state(app)
}

/// The paths that are served, each with its methods; the contract has the same.
#[cfg(test)]
pub(super) fn served() -> Vec<(&'static str, &'static str)> {
    paths().served
}

/// A router that remembers what it was given.
#[derive(Default)]
struct Paths {
    router: Router<Arc<App>>,
    served: Vec<(&'static str, &'static str)>,
}

impl Paths {
    fn route(mut self, path: &'static str, (methods, route): (&'static str, MethodRouter<Arc<App>>)) -> Paths {
        self.served.push((path, methods));
        Paths { router: self.router.route(path, route), ..self }
    }
}

fn paths() -> Paths {
    Paths::default()
        .route("/healthz", only("GET", get(health)))
        .route("/readyz", only("GET", get(ready)))
        .route("/metrics", only("GET", get(figures)))
        .route("/v1/openapi.json", only("GET", get(contract::served::openapi)))
        .route("/v1/openrpc.json", only("GET", get(contract::served::openrpc)))
        .route("/docs", only("GET", get(contract::served::page)))
        .route("/v1/ws", ("GET", any(upgrade::upgrade)))
        .route("/v1/rpc", only("POST", post(call)))
        .route("/v1/me", only("GET", get(me::read)))
        .route("/v1/tickets", only("POST", post(tickets::make)))
        .route("/v1/login", only("POST", post(logins::log_in)))
        .route("/v1/logout", only("POST", post(logins::log_out)))
        .route("/v1/keys", only("GET, POST", get(keys::list).post(keys::make)))
        .route("/v1/keys/{id}", only("GET, DELETE", get(keys::read_one).delete(keys::end)))
        .route("/v1/accounts", only("GET", get(accounts::list)))
        .route("/v1/accounts/{id}", only("GET, DELETE", get(accounts::read_one).delete(accounts::end)))
        .route("/v1/invitations", only("POST", post(invitations::make)))
        .route("/v1/invitations/accept", only("POST", post(invitations::accept)))
        .route("/v1/sessions", only("GET, DELETE", get(sessions::list).delete(sessions::cut)))
        .route("/v1/sessions/{id}", only("DELETE", delete(sessions::end)))
        .route("/v1/agents", only("GET", get(agents::list)))
        .route(
            "/v1/agents/{id}",
            only("GET, PUT, DELETE", get(agents::read_one).put(agents::put_one).delete(agents::remove)),
        )
        .route("/v1/agents/{id}/state", only("GET", get(agent_state)))
        .route("/v1/agents/{id}/occupancy", only("PUT", put(occupancy::put_one)))
        .route("/v1/occupancy", only("PUT", put(occupancy::put_set)))
        .route("/v1/routable", only("GET", get(occupancy::routable)))
        .route("/v1/agents/{id}/shifts", only("GET", get(shifts::of_agent)))
        .route("/v1/agents/{id}/shifts/{day}", only("PUT, DELETE", put(shifts::plan_one).delete(shifts::cancel)))
        .route("/v1/shifts", only("PUT", put(shifts::plan_many)))
        .route("/v1/pauses", only("GET", get(pauses::pauses)))
}

fn only(methods: &'static str, route: MethodRouter<Arc<App>>) -> (&'static str, MethodRouter<Arc<App>>) {
    (methods, route.fallback(move || async move { Problem::method_not_allowed(methods) }))
}

/// What every response carries: nothing here is a page, nothing is to be kept by a cache.
pub(super) fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed: [(&'static str, &'static str); 4] = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("x-frame-options", "DENY"),
    ];
    for (name, value) in fixed {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

pub(super) fn json_response(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

pub(super) fn json_of(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => json_response(status, text),
        Err(_) => Problem::internal().into_response(),
    }
}

/// The process answers.
async fn health() -> Response {
    json_of(StatusCode::OK, &json!({"ok": true}))
}

/// Commands can be carried out, and the server is not about to stop. Before every agent is revived
/// nobody is served at all. Why not is for the log: whoever asks here need not be known.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let why_not = app.router.not_ready();
    if let Some(why) = &why_not {
        tracing::warn!("not ready: {why}");
    }
    let ready = why_not.is_none() && !app.draining.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_of(status, &json!({"ready": ready, "tzdata": chrono_tz::IANA_TZDB_VERSION}))
}

async fn figures(State(app): State<Arc<App>>) -> Response {
    let mut response = Response::new(Body::from((app.figures)()));
    // The version is that of the text format, which every reader of it asks for.
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

async fn agent_state(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    if !principal.may(Action::ReadAgent) {
        return Err(WireError::forbidden().into());
    }
    // What cannot be an id is out of reach like any other that does not exist.
    let agent = id.ok().and_then(|Path(id)| AgentId::new(&id).ok()).ok_or_else(WireError::forbidden)?;
    let person = rpc::target_of(&app, &principal.tenant, &agent);
    let target = Target { teams: person.as_ref().map(|person| person.teams.as_slice()), on_behalf: false };
    principal.role_for(Action::ReadAgent, target)?;
    let view = app.router.public_view(&principal.tenant, &agent).await;
    let view = view.map_err(|error| rpc::failed(error, rpc::Viewer::Other))?;
    Ok(occupancy::with_etag(json_of(StatusCode::OK, &rpc::state(&view)), view.version))
}

/// `POST /v1/rpc`: one request or a batch. 200 for every answer of JSON-RPC, 204 for none.
async fn call(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = app.authenticate(request.headers()).await?;
    if app.router.tenant(&principal.tenant).is_none() {
        return Err(WireError::forbidden().into());
    }
    let patience = request.extensions().get::<Patience>().cloned().unwrap_or_default();
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::from(WireError::parse("it is not UTF-8")))?;
    let answer = match read(text) {
        Incoming::Single(call) => respond(&app, &principal, call, &patience).await.map(|response| response.to_text()),
        Incoming::Batch(calls) => {
            let mut responses = Vec::with_capacity(calls.len());
            for call in calls {
                responses.extend(respond(&app, &principal, call, &patience).await);
            }
            (!responses.is_empty()).then(|| batch_text(&responses))
        }
    };
    Ok(match answer {
        Some(text) => json_response(StatusCode::OK, text),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn respond(
    app: &App,
    principal: &Principal,
    call: Result<Call, BadCall>,
    patience: &Patience,
) -> Option<RpcResponse> {
    match call {
        Err(bad) => Some(RpcResponse::bad(bad)),
        Ok(Call { id, method, params }) => {
            let result = match Method::named(&method) {
                None => Err(WireError::method_not_found(&method)),
                Some(known) => match rpc::admit(app, principal, known, params).await {
                    Ok(invocation) => {
                        if known == Method::PolicyDryRun {
                            patience.for_long_work();
                        }
                        rpc::answer(app, principal, invocation).await
                    }
                    Err(error) => Err(error),
                },
            };
            rpc::record(&method, &result);
            id.map(|id| RpcResponse { id, result })
        }
    }
}

pub(super) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let collected = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(BODY_TIME_MAX, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(bytes_max)),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "broken_body", "The body ended early.")),
        Err(_elapsed) => {
            let detail = "The body took too long to arrive.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
        }
    }
}
