//! The paths of HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::Serialize;
use serde_json::json;

use super::patience::Patience;
use super::problem::Problem;
use super::{
    App, accounts, agents, audit, closing, contract, directory, directory_import, directory_parts, entitlements,
    events, invitations, keys, logins, me, occupancy, pages, pause_types, pauses, policy_http, requests, rpc, sessions,
    shifts, tenants, tickets, upgrade,
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

/// Every path, with the methods that it answers; any other is told which.
fn table() -> Vec<(&'static str, &'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/healthz", "GET", get(health)),
        ("/readyz", "GET", get(ready)),
        ("/metrics", "GET", get(figures)),
        ("/v1/openapi.json", "GET", get(contract::served::openapi)),
        ("/v1/openrpc.json", "GET", get(contract::served::openrpc)),
        ("/docs", "GET", get(contract::served::page)),
        ("/v1/ws", "GET", get(upgrade::upgrade)),
        ("/v1/rpc", "POST", post(call)),
        ("/v1/me", "GET", get(me::read)),
        ("/v1/tickets", "POST", post(tickets::make)),
        ("/v1/login", "POST", post(logins::log_in)),
        ("/v1/logout", "POST", post(logins::log_out)),
        ("/v1/keys", "GET, POST", get(keys::list).post(keys::make)),
        ("/v1/keys/{id}", "GET, DELETE", get(keys::read_one).delete(keys::end)),
        ("/v1/accounts", "GET", get(accounts::list)),
        ("/v1/accounts/{id}", "GET, DELETE", get(accounts::read_one).delete(accounts::end)),
        ("/v1/invitations", "POST", post(invitations::make)),
        ("/v1/invitations/accept", "POST", post(invitations::accept)),
        ("/v1/sessions", "GET, DELETE", get(sessions::list).delete(sessions::cut)),
        ("/v1/sessions/{id}", "DELETE", delete(sessions::end)),
        ("/v1/agents", "GET", get(agents::list)),
        ("/v1/directory", "GET", get(directory::export)),
        ("/v1/directory/import", "POST", post(directory_import::import)),
        ("/v1/agents/{id}", "GET, PUT, DELETE", get(agents::read_one).put(agents::put_one).delete(agents::remove)),
        ("/v1/agents/{id}/state", "GET", get(agent_state)),
        ("/v1/agents/{id}/occupancy", "PUT", put(occupancy::put_one)),
        ("/v1/occupancy", "PUT", put(occupancy::put_set)),
        ("/v1/routable", "GET", get(occupancy::routable)),
        ("/v1/agents/{id}/shifts", "GET", get(shifts::of_agent)),
        ("/v1/agents/{id}/shifts/{day}", "PUT, DELETE", put(shifts::plan_one).delete(shifts::cancel)),
        ("/v1/shifts", "PUT", put(shifts::plan_many)),
        ("/v1/pauses", "GET", get(pauses::pauses)),
        ("/v1/audit", "GET", get(audit::list)),
        ("/v1/events", "GET", get(events::follow)),
        ("/v1/requests", "GET", get(requests::list_page)),
        ("/v1/entitlements", "GET", get(entitlements::list)),
        ("/v1/teams", "GET", get(directory_parts::list_teams)),
        (
            "/v1/teams/{id}",
            "GET, PUT, DELETE",
            get(directory_parts::read_team).put(directory_parts::put_team).delete(directory_parts::remove_team),
        ),
        ("/v1/channels", "GET", get(directory_parts::list_channels)),
        (
            "/v1/channels/{code}",
            "GET, PUT, DELETE",
            get(directory_parts::read_channel)
                .put(directory_parts::put_channel)
                .delete(directory_parts::remove_channel),
        ),
        ("/v1/tenants", "GET", get(tenants::list)),
        ("/v1/tenants/{id}", "GET, PUT, DELETE", get(tenants::read_one).put(tenants::put_one).delete(closing::close)),
        ("/v1/pause-types", "GET", get(pause_types::list)),
        (
            "/v1/pause-types/{code}",
            "GET, PUT, DELETE",
            get(pause_types::read_one).put(pause_types::put_one).delete(pause_types::remove),
        ),
        ("/v1/policy", "GET", get(policy_http::read)),
        ("/v1/policy/versions", "GET", get(policy_http::versions)),
        ("/v1/policy/draft", "PUT", put(policy_http::put_draft)),
        ("/v1/policy/draft/dry-run", "POST", post(policy_http::dry_run)),
        ("/v1/policy/draft/publish", "POST", post(policy_http::publish)),
        ("/invitation", "GET", get(pages::invitation)),
        ("/invitation.css", "GET", get(pages::invitation_style)),
        ("/invitation.js", "GET", get(pages::invitation_script)),
    ]
}

/// Every path of HTTP with the methods that it answers, in the form of `Allow`.
pub fn paths() -> Vec<(&'static str, &'static str)> {
    table().into_iter().map(|(path, methods, _)| (path, methods)).collect()
}

/// The paths, and a problem document for every other.
pub(super) fn routes(app: Arc<App>) -> Router {
    let add = |router: Router<Arc<App>>,
               (path, methods, route): (&'static str, &'static str, MethodRouter<Arc<App>>)| {
        let route = route.fallback(move || async move { Problem::method_not_allowed(methods) });
        // The socket says itself why it takes none; whoever only looks whether the server is there may ask as they like.
        let is_strict = path.starts_with("/v1/") && path != "/v1/ws";
        if !is_strict {
            return router.route(path, route);
        }
        let known = Arc::new(contract::query_names(path));
        router.route(path, route.layer(from_fn(move |request, next| strictly(Arc::clone(&known), request, next))))
    };
    table().into_iter().fold(Router::new(), add).fallback(|| async { Problem::not_found() }).with_state(app)
}

/// The parameters of the query that a path takes, by method.
type QueryNames = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Refuses a parameter of the query that the contract does not know, by its name, before anything is done.
async fn strictly(known: Arc<QueryNames>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let mut names = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next().unwrap_or(pair));
    let method = if request.method() == http::Method::HEAD { "GET" } else { request.method().as_str() };
    // A name that has to be decoded is none of them; a method that there is not is told so.
    let of_method = known.get(method);
    match names.find(|name| of_method.is_some_and(|known| !known.contains(name))) {
        Some(unknown) => {
            let name: String = unknown.chars().take(64).collect();
            Problem::parameter(&name, "is unknown to this path").into_response()
        }
        None => next.run(request).await,
    }
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
    super::measure::measure(&app);
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
    let mut pause = None;
    let answer = match read(text) {
        Incoming::Single(call) => {
            respond(&app, &principal, call, &patience, &mut pause).await.map(|response| response.to_text())
        }
        Incoming::Batch(calls) => {
            let mut responses = Vec::with_capacity(calls.len());
            for call in calls {
                responses.extend(respond(&app, &principal, call, &patience, &mut pause).await);
            }
            (!responses.is_empty()).then(|| batch_text(&responses))
        }
    };
    // As long as a socket would not be read.
    if let Some(pause) = pause {
        app.clock.sleep_until(app.clock.now() + pause).await;
    }
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
    pause: &mut Option<Duration>,
) -> Option<RpcResponse> {
    match call {
        Err(bad) => {
            *pause = app.called_in_vain(principal);
            Some(RpcResponse::bad(bad))
        }
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
            if result.as_ref().is_err_and(|error| app.is_in_vain(Some(principal), error)) {
                *pause = app.called_in_vain(principal);
            }
            id.map(|id| RpcResponse { id, result })
        }
    }
}

pub(super) async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    read_body_within(body, bytes_max, BODY_TIME_MAX).await
}

pub(super) async fn read_body_within(body: Body, bytes_max: usize, time_max: Duration) -> Result<Bytes, Problem> {
    // One that says beforehand that it is too large is not waited for.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(Problem::too_large(bytes_max));
    }
    let collected = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(time_max, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(bytes_max)),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "broken_body", "The body ended early.")),
        Err(_elapsed) => {
            let detail = "The body took too long to arrive.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
        }
    }
}
