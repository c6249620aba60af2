//! API keys over HTTP: made, listed and ended by an administrator.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::access::{actor_of, put_by};
use super::change::{Change, RETRY_AFTER};
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::policy::facts_of;
use super::problem::Problem;
use super::query::{Query, page};
use super::reading::{count, object, op_of};
use crate::auth::{Action, Handed, Principal, Proof, SecretKind, fresh_credential_id};
use crate::domain::access::{AccessEvent, ApiKey, Credential, CredentialChange, Rights};
use crate::domain::event::TenantEventBody;
use crate::limits::Limit;
use crate::protocol::access::{KeyObject, read_key};
use crate::protocol::error::{ErrorKind, WireError};

/// How many keys a tenant may have, ended ones too: one for each integration, and many times that.
const KEYS_MAX: usize = 10_000;

/// `POST /v1/keys`: a new key. Its secret is in this answer and nowhere else.
pub(super) async fn make(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = manager(&app, request.headers()).await?;
    let op = op_of(request.headers())?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let wanted = read_key(object(&body)?)?;
    check_teams(&app, &principal, &wanted.rights, "teams")?;
    let text = format!("{} {:?} {}", wanted.name, wanted.rights, wanted.ttl.as_secs());
    let change = Change::new(&app, &principal, op, "key.make", &[("key", &text)]);
    let _turn = change.turn().await?;
    if let Some(event) = change.made_before().await? {
        // The secret was handed out then, and is not kept.
        let TenantEventBody::Access(AccessEvent::KeyMade(id)) = event.body else { return Err(Problem::internal()) };
        let found = app.vault.find(&principal.tenant, id);
        let key = found.as_deref().and_then(Credential::key).ok_or_else(no_such_key)?;
        return Ok(json_of(StatusCode::OK, &KeyObject::of(key, None)));
    }
    if app.vault.count(&principal.tenant, "key") >= KEYS_MAX {
        Limit::Keys.reached();
        let why = format!("There may be at most {KEYS_MAX} keys, ended ones too.");
        return Err(WireError::new(ErrorKind::Refused, "too_many_keys", why).into());
    }
    let now = app.clock.now();
    let id = fresh_credential_id(now);
    let handed = Handed::make(SecretKind::Key, id);
    let key = ApiKey {
        id,
        name: wanted.name,
        rights: wanted.rights,
        secret: handed.hash,
        made_at: now,
        expires_at: now + wanted.ttl,
        ended_at: None,
        used_at: None,
    };
    let changes = vec![CredentialChange::Put(Credential::Key(key.clone()))];
    if !put_by(&app, &change, &principal.tenant, now, AccessEvent::KeyMade(id), changes).await? {
        return Err(WireError::unavailable(RETRY_AFTER).into());
    }
    Ok(json_of(StatusCode::CREATED, &KeyObject::of(&key, Some(handed.reveal()))))
}

/// `GET /v1/keys`: all of them, ended ones too, in the order in which they were made.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let mut query = Query::of(&uri)?;
    let (after, limit) = (query.cursor()?, query.limit()?);
    query.finish()?;
    let found = app.vault.list(&principal.tenant, "key", after, |_| true, limit + 1);
    let (found, next_cursor) = page(found, limit, |last| last.id().to_string());
    let keys = found.iter().filter_map(|one| one.key()).map(|key| KeyObject::of(key, None)).collect();
    Ok(json_of(StatusCode::OK, &Page { keys, next_cursor }))
}

/// `GET /v1/keys/{id}`: one of them.
pub(super) async fn read_one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let found = named(&app, &principal, id);
    let key = found.as_deref().and_then(Credential::key).ok_or_else(no_such_key)?;
    Ok(json_of(StatusCode::OK, &KeyObject::of(key, None)))
}

/// `DELETE /v1/keys/{id}`: it lets nobody in any more, and the sockets that it opened end. It stays in the list.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let tenant = &principal.tenant;
    let found = named(&app, &principal, id);
    let key = found.as_deref().and_then(Credential::key).ok_or_else(no_such_key)?;
    if key.ended_at.is_none() {
        let now = app.clock.now();
        let ended = Credential::Key(ApiKey { ended_at: Some(now), ..key.clone() });
        let changes = vec![CredentialChange::Put(ended)];
        app.put_credentials(tenant, (now, actor_of(&principal)), AccessEvent::KeyEnded(key.id), changes).await?;
    }
    app.sockets.end(tenant, |_, session| session.proof == Proof::Key(key.id));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Keys, in the order in which they were made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeyPage")]
pub(super) struct Page<'a> {
    /// The keys.
    keys: Vec<KeyObject<'a>>,
    /// Where to go on, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn no_such_key() -> WireError {
    WireError::nothing("There is no key of this id.")
}

/// The credential of the tenant that a path names.
pub(super) fn named(
    app: &App,
    principal: &Principal,
    id: Result<Path<String>, PathRejection>,
) -> Option<Arc<Credential>> {
    let Path(id) = id.ok()?;
    app.vault.find(&principal.tenant, id.parse().ok()?)
}

/// Whoever asks, where they may hand out and end credentials; what they ask is counted.
pub(super) async fn manager(app: &App, headers: &HeaderMap) -> Result<Principal, Problem> {
    let principal = app.authenticate(headers).await?;
    if !principal.may(Action::ManageAccess) {
        return Err(WireError::forbidden().into());
    }
    count(app, &principal)?;
    facts_of(app, &principal.tenant)?;
    Ok(principal)
}

/// Refuses teams that there are not.
pub(super) fn check_teams(app: &App, principal: &Principal, rights: &Rights, field: &str) -> Result<(), WireError> {
    let facts = facts_of(app, &principal.tenant)?;
    let unknown = rights.teams.iter().flatten().find(|team| !facts.directory.teams.contains_key(*team));
    match unknown {
        Some(team) => Err(WireError::invalid_params(field, &format!("names {team}, which is no team"))),
        None => Ok(()),
    }
}
