//! The `policy.*` methods as paths of HTTP: each is called with what the address, the headers and the body say.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::App;
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::patience::Patience;
use super::policy::{self, Answered};
use super::problem::Problem;
use super::query::Query;
use super::reading::{Precondition, object, op_of, put_etag};
use super::rpc;
use crate::auth::{Action, Principal};
use crate::protocol::error::WireError;
use crate::protocol::methods::{Invocation, Method};
use crate::protocol::rpc::Params;

/// The largest draft, or type of one, that is accepted: sixteen times a message of the socket, so that what was read can be put again.
pub(super) const DRAFT_BYTES_MAX: usize = 1024 * 1024;

/// `GET /v1/policy`: what is in force, one version, or the draft.
pub(super) async fn read(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let mut query = Query::of(&uri)?;
    let whole = |value: &str| value.parse::<u64>().map_err(|_| "must be a whole number, not negative".to_owned());
    let flag = |value: &str| value.parse::<bool>().map_err(|_| "must be true or false".to_owned());
    let mut params = Map::new();
    params.extend(query.optional("version", whole)?.map(|version| ("version".to_owned(), json!(version))));
    params.extend(query.optional("draft", flag)?.map(|draft| ("draft".to_owned(), json!(draft))));
    query.finish()?;
    shown(called(&app, &principal, Method::PolicyGet, params, &Precondition::default()).await)
}

/// `GET /v1/policy/versions`: the last one first, a page at a time.
pub(super) async fn versions(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let mut query = Query::of(&uri)?;
    let whole = |value: &str| value.parse::<u64>().map_err(|_| "must be a whole number".to_owned());
    let text = |value: &str| Ok(value.to_owned());
    let mut params = Map::new();
    params.extend(query.optional("limit", whole)?.map(|limit| ("limit".to_owned(), json!(limit))));
    params.extend(query.optional("cursor", text)?.map(|cursor| ("cursor".to_owned(), json!(cursor))));
    query.finish()?;
    shown(called(&app, &principal, Method::PolicyVersions, params, &Precondition::default()).await)
}

/// `PUT /v1/policy/draft`.
pub(super) async fn put_draft(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    change(&app, request, Method::PolicyPutDraft, DRAFT_BYTES_MAX).await
}

/// `POST /v1/policy/draft/publish`.
pub(super) async fn publish(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    change(&app, request, Method::PolicyPublish, BODY_BYTES_MAX).await
}

/// `POST /v1/policy/draft/dry-run`; without a body, of the last days.
pub(super) async fn dry_run(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = manager(&app, request.headers()).await?;
    let patience = request.extensions().get::<Patience>().cloned().unwrap_or_default();
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let params = if body.is_empty() { Map::new() } else { object(&body)? };
    patience.for_long_work();
    shown(called(&app, &principal, Method::PolicyDryRun, params, &Precondition::default()).await)
}

/// Calls a method that changes something, with the `op` and what it is made on top of from the headers.
async fn change(app: &App, request: Request, method: Method, bytes_max: usize) -> Result<Response, Problem> {
    let principal = manager(app, request.headers()).await?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let body = read_body(request.into_body(), bytes_max).await?;
    let mut params = object(&body)?;
    if params.contains_key("op") {
        return Err(Problem::parameter("op", "is the header Idempotency-Key over HTTP"));
    }
    params.extend(op.map(|op| ("op".to_owned(), json!(op.to_string()))));
    shown(called(app, &principal, method, params, &on_top_of).await)
}

async fn called(
    app: &App,
    principal: &Principal,
    method: Method,
    params: Map<String, Value>,
    on_top_of: &Precondition,
) -> Result<Answered, WireError> {
    let answered = async {
        let Invocation::Policy(call) = rpc::admit(app, principal, method, Params::Named(params)).await? else {
            return Err(WireError::internal());
        };
        policy::answer(app, principal, call, on_top_of).await
    };
    let answered = answered.await;
    rpc::record(method.name(), &answered);
    answered
}

fn shown(answered: Result<Answered, WireError>) -> Result<Response, Problem> {
    let Answered { shown, etag } = answered?;
    let mut response = json_of(StatusCode::OK, &shown);
    if let Some(etag) = etag {
        put_etag(response.headers_mut(), &etag);
    }
    Ok(response)
}

/// Whoever asks, where they may manage the policy.
pub(super) async fn manager(app: &App, headers: &HeaderMap) -> Result<Principal, Problem> {
    let principal = app.authenticate(headers).await?;
    if !principal.may(Action::ManagePolicy) || app.router.tenant(&principal.tenant).is_none() {
        return Err(WireError::forbidden().into());
    }
    Ok(principal)
}
