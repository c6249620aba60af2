//! Teams and channels over HTTP: read, put and taken away while the server runs.
//!
//! Each change is on record as a whole version of the directory, with all its people, and whoever is deciding decides again; a change
//! of one person costs neither.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;
use serde_json::{Value, json};

use super::agents::manager;
use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::cursor::Place;
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::policy::facts_of;
use super::problem::Problem;
use super::query::Query;
use super::reading::{Precondition, etag_of_shown, in_use, object, op_of, put_etag};
use super::{App, low_disk, quotas};
use crate::actor::TenantFacts;
use crate::domain::directory_change::{NamedBy, NotRemoved, PartChange, PartChanged, TooMany};
use crate::domain::event::TenantEventBody;
use crate::domain::id::{ChannelCode, IdError, TeamId, TenantId};
use crate::limits::Limit;
use crate::ports::TenantDefinition;
use crate::protocol::error::WireError;
use crate::protocol::setting::{ChannelObject, TeamObject, read_channel as channel_of, read_team as team_of};

/// `GET /v1/teams`: by id, a page at a time.
pub(super) async fn list_teams(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let (after, limit) = page_of::<TeamId>(&uri)?;
    let facts = facts_of(&app, &principal.tenant)?;
    let teams = facts.directory.teams.values().filter(|team| after.as_ref().is_none_or(|after| team.id > *after));
    Ok(page("teams", limit, teams.map(TeamObject::of), |team| team.id))
}

/// `GET /v1/teams/{id}`: one of them.
pub(super) async fn read_team(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let id = id_of("id", id, TeamId::new)?;
    let facts = facts_of(&app, &principal.tenant)?;
    let team = facts.directory.teams.get(&id).ok_or_else(none_of_this_id)?;
    Ok(shown(StatusCode::OK, &TeamObject::of(team)))
}

/// `PUT /v1/teams/{id}`: a team is new, or otherwise.
pub(super) async fn put_team(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = manager(&app, request.headers()).await?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let id = id_of("id", id, TeamId::new)?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let team = team_of(id.clone(), object(&body)?)?;
    let wanted = json!(TeamObject::of(&team)).to_string();
    let change = Change::new(&app, &principal, op, "team.put", &[("team", &wanted)]);
    let next_of = |facts: &TenantFacts| {
        let there = facts.directory.teams.get(&id).map(|team| etag_of_shown(&TeamObject::of(team)));
        on_top_of.check(there.as_deref())?;
        low_disk::check(&app)?;
        facts.directory.with_team(team.clone()).map_err(|problem| too_many(Limit::Teams, "id", problem))
    };
    let Some(what) = change_part(&app, &principal.tenant, &change, next_of).await? else {
        let facts = facts_of(&app, &principal.tenant)?;
        let team = facts.directory.teams.get(&id).unwrap_or(&team);
        return Ok(shown(StatusCode::OK, &TeamObject::of(team)));
    };
    Ok(shown(status_of(what), &TeamObject::of(&team)))
}

/// `DELETE /v1/teams/{id}`, where nobody names it.
pub(super) async fn remove_team(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(&headers)?, Precondition::of(&headers)?);
    let id = id_of("id", id, TeamId::new)?;
    let change = Change::new(&app, &principal, op, "team.remove", &[("team", id.as_str())]);
    let next_of = |facts: &TenantFacts| {
        let there = facts.directory.teams.get(&id).ok_or_else(none_of_this_id)?;
        on_top_of.check(Some(&etag_of_shown(&TeamObject::of(there))))?;
        facts.directory.without_team(&id, &facts.policy, &facts.plans).map_err(not_removed)
    };
    change_part(&app, &principal.tenant, &change, next_of).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /v1/channels`: by code, a page at a time.
pub(super) async fn list_channels(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let (after, limit) = page_of::<ChannelCode>(&uri)?;
    let facts = facts_of(&app, &principal.tenant)?;
    let is_after = |code: &ChannelCode| after.as_ref().is_none_or(|after| code > after);
    let channels = facts.directory.channels.values().filter(|channel| is_after(&channel.code));
    Ok(page("channels", limit, channels.map(ChannelObject::of), |channel| channel.code))
}

/// `GET /v1/channels/{code}`: one of them.
pub(super) async fn read_channel(
    State(app): State<Arc<App>>,
    code: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let code = id_of("code", code, ChannelCode::new)?;
    let facts = facts_of(&app, &principal.tenant)?;
    let channel = facts.directory.channels.get(&code).ok_or_else(none_of_this_id)?;
    Ok(shown(StatusCode::OK, &ChannelObject::of(channel)))
}

/// `PUT /v1/channels/{code}`: a channel is new, or otherwise.
pub(super) async fn put_channel(
    State(app): State<Arc<App>>,
    code: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = manager(&app, request.headers()).await?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let code = id_of("code", code, ChannelCode::new)?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let channel = channel_of(code.clone(), object(&body)?)?;
    let wanted = json!(ChannelObject::of(&channel)).to_string();
    let change = Change::new(&app, &principal, op, "channel.put", &[("channel", &wanted)]);
    let next_of = |facts: &TenantFacts| {
        let there = facts.directory.channels.get(&code).map(|channel| etag_of_shown(&ChannelObject::of(channel)));
        on_top_of.check(there.as_deref())?;
        low_disk::check(&app)?;
        facts.directory.with_channel(channel.clone()).map_err(|problem| too_many(Limit::Channels, "code", problem))
    };
    let Some(what) = change_part(&app, &principal.tenant, &change, next_of).await? else {
        let facts = facts_of(&app, &principal.tenant)?;
        let channel = facts.directory.channels.get(&code).unwrap_or(&channel);
        return Ok(shown(StatusCode::OK, &ChannelObject::of(channel)));
    };
    Ok(shown(status_of(what), &ChannelObject::of(&channel)))
}

/// `DELETE /v1/channels/{code}`, where nobody has a capacity of it.
pub(super) async fn remove_channel(
    State(app): State<Arc<App>>,
    code: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(&headers)?, Precondition::of(&headers)?);
    let code = id_of("code", code, ChannelCode::new)?;
    let change = Change::new(&app, &principal, op, "channel.remove", &[("channel", code.as_str())]);
    let next_of = |facts: &TenantFacts| {
        let there = facts.directory.channels.get(&code).ok_or_else(none_of_this_id)?;
        on_top_of.check(Some(&etag_of_shown(&ChannelObject::of(there))))?;
        facts.directory.without_channel(&code).map_err(not_removed)
    };
    change_part(&app, &principal.tenant, &change, next_of).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Puts a directory with another part in force; none where the same change was made before. What changes nothing is on record only
/// where it has an op.
///
/// # Errors
/// What `next_of` says; else [`WireError`] when it was not written, or nobody knows.
pub(super) async fn change_part(
    app: &App,
    tenant: &TenantId,
    change: &Change<'_>,
    next_of: impl Fn(&TenantFacts) -> Result<PartChange, WireError>,
) -> Result<Option<PartChanged>, WireError> {
    let _turn = change.turn().await?;
    for _ in 0..TRIES_MAX {
        let facts = facts_of(app, tenant)?;
        if change.made_before().await?.is_some() {
            return Ok(None);
        }
        let PartChange { directory, what } = next_of(&facts)?;
        let (added, changed, removed) = match what {
            PartChanged::Added => (1, 0, 0),
            PartChanged::Changed => (0, 1, 0),
            PartChanged::Removed => (0, 0, 1),
            PartChanged::Nothing if !change.has_op() => return Ok(Some(what)),
            PartChanged::Nothing => (0, 0, 0),
        };
        let body = TenantEventBody::DirectoryChanged { version: directory.version, added, changed, removed };
        if change.put(app.clock.now(), body, TenantDefinition::Directory(Arc::new(directory))).await? {
            return Ok(Some(what));
        }
    }
    Err(WireError::unavailable(RETRY_AFTER))
}

fn page_of<P: Place>(uri: &Uri) -> Result<(Option<P>, usize), Problem> {
    let mut query = Query::of(uri)?;
    let page = (query.cursor()?, query.limit()?);
    query.finish()?;
    Ok(page)
}

/// A page of what is there, with the id of the last one as the cursor where there is more.
fn page<T: Serialize>(
    name: &str,
    limit: usize,
    mut all: impl Iterator<Item = T>,
    id_of: impl Fn(&T) -> &str,
) -> Response {
    let page: Vec<T> = all.by_ref().take(limit).collect();
    let mut shown = json!({ name: page });
    if let Some(last) = all.next().and(page.last()) {
        shown["next_cursor"] = json!(id_of(last));
    }
    json_of(StatusCode::OK, &shown)
}

pub(super) fn id_of<T>(
    name: &str,
    path: Result<Path<String>, PathRejection>,
    read: impl Fn(&str) -> Result<T, IdError>,
) -> Result<T, Problem> {
    let Ok(Path(text)) = path else { return Err(Problem::parameter(name, "cannot be read")) };
    read(&text).map_err(|why| Problem::parameter(name, &format!("is no id: {why}")))
}

pub(super) fn shown(status: StatusCode, object: &impl Serialize) -> Response {
    let mut response = json_of(status, object);
    put_etag(response.headers_mut(), &etag_of_shown(object));
    response
}

fn status_of(what: PartChanged) -> StatusCode {
    match what {
        PartChanged::Added => StatusCode::CREATED,
        PartChanged::Changed | PartChanged::Removed | PartChanged::Nothing => StatusCode::OK,
    }
}

fn too_many(limit: Limit, field: &str, problem: TooMany) -> WireError {
    limit.reached();
    WireError::invalid_params(field, &problem.to_string())
}

fn none_of_this_id() -> WireError {
    let mut error = WireError::forbidden();
    error.message = "There is nothing of this id in the directory.".to_owned();
    error
}

fn not_removed(why: NotRemoved) -> WireError {
    match why {
        NotRemoved::NoSuchPart => none_of_this_id(),
        NotRemoved::Named(named_by) => {
            let message = "It is named elsewhere; take it out there first.";
            in_use(message, named_by.iter().map(write_named_by))
        }
    }
}

fn write_named_by(by: &NamedBy) -> Value {
    match by {
        NamedBy::Person(agent) => json!({"kind": "agent", "id": agent.as_str()}),
        NamedBy::PauseType(code, field) => json!({"kind": "pause_type", "id": code.as_str(), "field": field}),
        NamedBy::Scheduled(code, field) => json!({"kind": "scheduled", "id": code.as_str(), "field": field}),
        NamedBy::Draft(code, field) => json!({"kind": "draft", "id": code.as_str(), "field": field}),
    }
}
