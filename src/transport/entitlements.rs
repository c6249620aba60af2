//! What the employer owes each agent in the shift of now, for those who answer for it (semantics §3).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::App;
use super::http::json_of;
use super::policy::facts_of;
use super::problem::Problem;
use super::query::Query;
use super::reading::{check_reached, count};
use super::rpc::{Viewer, failed, to_value};
use crate::actor::CommandError;
use crate::auth::{Action, Scope};
use crate::domain::directory::Person;
use crate::domain::id::{AgentId, TeamId, TenantId};
use crate::domain::menu::PauseOption;
use crate::protocol::error::WireError;
use crate::protocol::options::EntitlementState;

/// How many agents are asked at once: each who is at rest is woken for it.
const ASKED_AT_ONCE: usize = 16;

/// `GET /v1/entitlements`: the people within reach, by id, a page at a time.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    let scope = principal.scope(Action::ReadHistory)?;
    count(&app, &principal)?;
    let mut query = Query::of(&uri)?;
    let agent = query.optional("agent", |value| AgentId::new(value).map_err(|why| format!("is no id: {why}")))?;
    let team = query.optional("team", |value| TeamId::new(value).map_err(|why| format!("is no id: {why}")))?;
    let (after, limit) = (query.cursor::<AgentId>()?, query.limit()?);
    query.finish()?;
    let facts = facts_of(&app, &principal.tenant)?;
    check_reached(team.as_ref(), &scope, &facts.directory)?;
    let is_asked_for = |person: &&Arc<Person>| {
        let within = match &scope {
            Scope::Tenant => true,
            Scope::Teams(own) => person.teams.iter().any(|team| own.contains(team)),
        };
        let is_agent = agent.as_ref().is_none_or(|agent| person.id == *agent);
        let is_of_team = team.as_ref().is_none_or(|team| person.teams.contains(team));
        let is_after = after.as_ref().is_none_or(|after| person.id > *after);
        within && is_agent && is_of_team && is_after && person.left_at.is_none()
    };
    let mut people = facts.directory.agents.values().filter(is_asked_for);
    let page: Vec<Arc<Person>> = people.by_ref().take(limit).cloned().collect();
    let next = people.next().and(page.last()).map(|last| last.id.clone());
    let mut rows = Vec::with_capacity(page.len());
    let mut asked =
        stream::iter(page.into_iter().map(|person| owed(&app, &principal.tenant, person))).buffered(ASKED_AT_ONCE);
    while let Some(row) = asked.next().await {
        rows.extend(row?);
    }
    let mut shown = json!({ "entitlements": rows });
    if let Some(next) = next {
        shown["next_cursor"] = json!(next.as_str());
    }
    Ok(json_of(StatusCode::OK, &shown))
}

/// What somebody is owed; none where they have left meanwhile.
async fn owed(app: &App, tenant: &TenantId, person: Arc<Person>) -> Result<Option<Value>, WireError> {
    let menu = match app.router.options(tenant, &person.id).await {
        Err(CommandError::UnknownAgent) => return Ok(None),
        menu => menu.map_err(|error| failed(error, Viewer::Other))?,
    };
    let owed: Vec<Value> = menu.iter().filter_map(write).collect();
    let teams: Vec<&str> = person.teams.iter().map(TeamId::as_str).collect();
    Ok(Some(json!({"agent": person.id.as_str(), "name": person.name, "teams": teams, "owed": owed})))
}

fn write(option: &PauseOption) -> Option<Value> {
    let mut shown = to_value(&EntitlementState::of(option.owed.as_ref()?));
    shown["type"] = json!(option.pause_type.code.as_str());
    Some(shown)
}
