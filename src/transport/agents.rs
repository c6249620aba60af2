//! The people of the directory over HTTP: read, put and let go while the server runs (semantics §7, §8).

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use schemars::JsonSchema;
use serde::Serialize;

use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::problem::Problem;
use super::query::Query;
use super::reading::{Precondition, check_reached, count, etag_of_shown, object, op_of, put_etag};
use super::{App, low_disk, policy, quotas};
use crate::auth::{Action, Principal, Scope};
use crate::domain::directory::Person;
use crate::domain::directory_change::{PersonChange, PersonChanged, PersonProblem};
use crate::domain::event::TenantEventBody;
use crate::domain::id::{AgentId, TeamId};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::ports::TenantDefinition;
use crate::protocol::error::WireError;
use crate::protocol::person::{PersonObject, cannot_be, read_person};

/// `GET /v1/agents`: the people, by id, a page at a time.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let asked = Asked::read(&uri)?;
    let facts = policy::facts_of(&app, &principal.tenant)?;
    check_reached(asked.team.as_ref(), &Scope::Tenant, &facts.directory)?;
    let is_asked_for = |person: &&Person| {
        let is_of_team = asked.team.as_ref().is_none_or(|team| person.teams.contains(team));
        let is_after = asked.after.as_ref().is_none_or(|after| person.id > *after);
        is_of_team && is_after && (asked.left || person.left_at.is_none())
    };
    let mut people = facts.directory.agents.values().map(Arc::as_ref).filter(is_asked_for);
    let page: Vec<&Person> = people.by_ref().take(asked.limit).collect();
    let next = people.next().and(page.last()).map(|last| last.id.as_str());
    let agents = page.iter().map(|person| PersonObject::of(person)).collect();
    Ok(json_of(StatusCode::OK, &Page { agents, next_cursor: next }))
}

/// `GET /v1/agents/{id}`: one of them, those who left too.
pub(super) async fn read_one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let id = id_of(id)?;
    let facts = policy::facts_of(&app, &principal.tenant)?;
    let person = facts.directory.agents.get(&id).ok_or_else(no_such_person)?;
    Ok(shown(StatusCode::OK, person))
}

/// `PUT /v1/agents/{id}`: somebody comes, changes, moves, or is back.
pub(super) async fn put_one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = manager(&app, request.headers()).await?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let id = id_of(id)?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let person = read_person(id, object(&body)?)?;
    let wanted = serde_json::to_string(&PersonObject::of(&person)).map_err(|_| Problem::internal())?;
    let change = Change::new(&app, &principal, op, "agent.put", &[("person", &wanted)]);
    let _turn = change.turn().await?;
    for _ in 0..TRIES_MAX {
        let facts = policy::facts_of(&app, &principal.tenant)?;
        let made_before = change.made_before().await?.is_some();
        let there = facts.directory.agents.get(&person.id);
        if let Some(there) = there.filter(|_| made_before) {
            return Ok(shown(StatusCode::OK, there));
        }
        on_top_of.check(there.map(|there| etag_of(there)).as_deref())?;
        let next = facts.directory.with_person(person.clone()).map_err(|problem| {
            if problem == PersonProblem::TooManyPeople {
                Limit::People.reached();
            }
            cannot_be(&problem)
        })?;
        low_disk::check(&app)?;
        quotas::check_people(&app, &facts.directory, &next.directory)?;
        let status = if next.what == PersonChanged::Came { StatusCode::CREATED } else { StatusCode::OK };
        if put(&change, app.clock.now(), next).await? {
            return Ok(shown(status, &person));
        }
    }
    Err(WireError::unavailable(RETRY_AFTER).into())
}

/// `DELETE /v1/agents/{id}`: somebody leaves. Their history stays, and so does the id.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(&headers)?, Precondition::of(&headers)?);
    let id = id_of(id)?;
    let change = Change::new(&app, &principal, op, "agent.remove", &[("agent", id.as_str())]);
    let _turn = change.turn().await?;
    for _ in 0..TRIES_MAX {
        let facts = policy::facts_of(&app, &principal.tenant)?;
        if change.made_before().await?.is_some() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let there = facts.directory.agents.get(&id).ok_or_else(no_such_person)?;
        on_top_of.check(Some(&etag_of(there)))?;
        let now = app.clock.now();
        let next = facts.directory.without_person(&id, now).ok_or_else(no_such_person)?;
        if put(&change, now, next).await? {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    Err(WireError::unavailable(RETRY_AFTER).into())
}

/// Makes a change durable; false when somebody else was faster. What changes nothing is on record only where it has an op.
pub(super) async fn put(change: &Change<'_>, at: Timestamp, next: PersonChange) -> Result<bool, WireError> {
    let PersonChange { directory, person, what } = next;
    let (added, changed, removed) = match what {
        PersonChanged::Came => (1, 0, 0),
        PersonChanged::Changed => (0, 1, 0),
        PersonChanged::Left => (0, 0, 1),
        PersonChanged::Nothing if !change.has_op() => return Ok(true),
        PersonChanged::Nothing => (0, 0, 0),
    };
    let body = TenantEventBody::DirectoryChanged { version: directory.version, added, changed, removed };
    change.put(at, body, TenantDefinition::Person(Arc::new(directory), person)).await
}

/// People of the directory, by id.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AgentPage")]
pub(super) struct Page<'a> {
    /// The people.
    agents: Vec<PersonObject<'a>>,
    /// Where to go on, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
}

/// The query of a list.
#[derive(Debug)]
struct Asked {
    team: Option<TeamId>,
    after: Option<AgentId>,
    limit: usize,
    left: bool,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Asked, Problem> {
        let mut query = Query::of(uri)?;
        let asked = Asked {
            team: query.optional("team", |value| TeamId::new(value).map_err(|why| format!("is no id: {why}")))?,
            after: query.cursor()?,
            limit: query.limit()?,
            left: query
                .optional("left", |value| value.parse().map_err(|_| "must be true or false".to_owned()))?
                .unwrap_or(false),
        };
        query.finish()?;
        Ok(asked)
    }
}

/// Whoever asks, where they may change the directory; what they ask is counted.
pub(super) async fn manager(app: &App, headers: &HeaderMap) -> Result<Principal, Problem> {
    let principal = app.authenticate(headers).await?;
    if !principal.may(Action::ManageDirectory) {
        return Err(WireError::forbidden().into());
    }
    count(app, &principal)?;
    Ok(principal)
}

fn no_such_person() -> WireError {
    WireError::nothing("There is nobody of this id in the directory.")
}

fn id_of(path: Result<Path<String>, PathRejection>) -> Result<AgentId, Problem> {
    let Ok(Path(text)) = path else { return Err(Problem::parameter("id", "cannot be read")) };
    AgentId::new(&text).map_err(|why| Problem::parameter("id", &format!("is no id: {why}")))
}

fn shown(status: StatusCode, person: &Person) -> Response {
    let mut response = json_of(status, &PersonObject::of(person));
    put_etag(response.headers_mut(), &etag_of(person));
    response
}

fn etag_of(person: &Person) -> String {
    etag_of_shown(&PersonObject::of(person))
}
