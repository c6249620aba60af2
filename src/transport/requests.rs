//! Requests for an exception, made, listed, decided on; and alerts, seen.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::App;
use super::cursor::Place;
use super::http::json_of;
use super::policy::facts_of;
use super::problem::Problem;
use super::query::Query;
use super::reading::{check_reached, count};
use super::rpc::{self, Viewer, failed, own_agent, own_view, to_value};
use crate::actor::CommandError;
use crate::auth::{Action, Principal, Role, Scope};
use crate::domain::alert::AlertId;
use crate::domain::command::{Actor, Command, Outcome, Refusal, Rejection, Request, RequestDecision};
use crate::domain::id::{AgentId, RequestId, TeamId};
use crate::domain::policy::PauseClass;
use crate::domain::presence::{AgentView, RequestView};
use crate::domain::record::RecordedRequest;
use crate::domain::request::GRANT_LASTS_MAX;
use crate::domain::time::Timestamp;
use crate::protocol::board::Alert;
use crate::protocol::error::WireError;
use crate::protocol::methods::{Guard, OwnRequest};
use crate::protocol::request::{RequestAfter, RequestObject};
use crate::protocol::time::WireTime;

/// `request.create`, `request.cancel`: of the agent that the principal is.
pub(super) async fn own(app: &App, principal: &Principal, wanted: OwnRequest) -> Result<Value, WireError> {
    let agent = own_agent(principal)?;
    let creates = matches!(wanted.command, Command::CreateRequest { .. });
    if let Command::CreateRequest { pause_type, .. } = &wanted.command {
        let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
        let found = facts.policy.types.get(pause_type);
        if found.is_some_and(|found| found.kind.class() == PauseClass::Protected) {
            return Err(WireError::invalid_params("type", "starts at once, always; there is nothing to ask for"));
        }
    }
    let actor = Actor::Agent(agent.clone());
    let request = request(wanted.command, actor, wanted.reason, wanted.guard);
    let reply = app.router.execute(&principal.tenant, &agent, request).await;
    let reply = reply.map_err(|error| failed(error, Viewer::Itself))?;
    if !creates {
        return Ok(json!({}));
    }
    // Sent again, it is answered with the request that it made, whatever the agent has asked for since.
    let made = match reply.outcome {
        Outcome::Asked { request } if !is_last(&reply.own, request) => recorded(app, principal, request).await?,
        Outcome::Asked { .. }
        | Outcome::Done
        | Outcome::Started { .. }
        | Outcome::Queued
        | Outcome::Requested
        | Outcome::Deferred => None,
    };
    let view = with_recorded(reply.own, made.as_ref());
    let request = RequestObject::of(&view).ok_or_else(WireError::internal)?;
    Ok(to_value(&RequestAfter { request, replaces: None }))
}

fn is_last(view: &AgentView, request: RequestId) -> bool {
    view.request.as_ref().is_some_and(|last| last.id == request)
}

/// The view with a request of before as its last one.
fn with_recorded(view: Arc<AgentView>, recorded: Option<&RecordedRequest>) -> Arc<AgentView> {
    let Some(found) = recorded else { return view };
    let request = Some(Box::new(RequestView::of(&found.request)));
    Arc::new(AgentView { request, ..AgentView::clone(&view) })
}

/// `request.list`: of the agent the last one; of everybody else what is open within their reach, the oldest first.
pub(super) async fn list(app: &App, principal: &Principal) -> Result<Value, WireError> {
    let views = views(app, principal, None).await?;
    Ok(to_value(&sorted(&views)))
}

/// `GET /v1/requests`: the same, or the last request of each that is in another state; of one agent, of one team; a page at a time.
pub(super) async fn list_page(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    if !principal.may(Action::ListRequests) {
        return Err(WireError::forbidden().into());
    }
    count(&app, &principal)?;
    let mut query = Query::of(&uri)?;
    let word = |value: &str| {
        let known = STATES.into_iter().find(|state| *state == value);
        known.ok_or_else(|| format!("must be one of: {}", STATES.join(", ")))
    };
    let state = query.optional("state", word)?;
    let agent = query.optional("agent", |value| AgentId::new(value).map_err(|why| format!("is no id: {why}")))?;
    let team = query.optional("team", |value| TeamId::new(value).map_err(|why| format!("is no id: {why}")))?;
    let after: Option<RequestPlace> = query.cursor()?;
    let limit = query.limit()?;
    query.finish()?;
    let directory = Arc::clone(&facts_of(&app, &principal.tenant)?.directory);
    let reach = principal.scope(Action::DecideRequest).unwrap_or_else(|_| {
        // Agents see their own, and so do not reach beyond their teams.
        let own = AgentId::new(principal.id.as_str()).ok().and_then(|agent| directory.agents.get(&agent));
        Scope::Teams(own.map(|person| person.teams.iter().cloned().collect()).unwrap_or_default())
    });
    check_reached(team.as_ref(), &reach, &directory)?;
    let mut views = views(&app, &principal, state).await?;
    views.retain(|view| {
        let is_agent = agent.as_ref().is_none_or(|agent| view.person.id == *agent);
        is_agent && team.as_ref().is_none_or(|team| view.person.teams.contains(team))
    });
    let mut all = sorted(&views);
    all.retain(|one| after.as_ref().is_none_or(|after| RequestPlace::of(one) > *after));
    let more = all.len() > limit;
    all.truncate(limit);
    let mut shown = json!({ "requests": to_value(&all) });
    if let Some(last) = all.last().filter(|_| more) {
        shown["next_cursor"] = json!(RequestPlace::of(last).write());
    }
    Ok(json_of(StatusCode::OK, &shown))
}

/// Where a request stands in the list: by when it was made, then by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RequestPlace {
    created_at: WireTime,
    id: String,
}

impl RequestPlace {
    fn of(request: &RequestObject<'_>) -> RequestPlace {
        RequestPlace { created_at: request.created_at, id: request.id.clone() }
    }
}

impl Place for RequestPlace {
    fn read(text: &str) -> Option<RequestPlace> {
        let (at, id) = text.split_once('.')?;
        let id = id.parse::<RequestId>().ok()?.to_string();
        Some(RequestPlace { created_at: WireTime(Timestamp(at.parse().ok()?)), id })
    }

    fn write(&self) -> String {
        format!("{}.{}", self.created_at.0.0, self.id)
    }
}

/// Every state of a request.
const STATES: [&str; 5] = ["open", "granted", "refused", "expired", "cancelled"];

/// Of whom the last request is within reach, and in that state where one is asked for; else, to everybody but the agent, open.
async fn views(app: &App, principal: &Principal, state: Option<&str>) -> Result<Vec<Arc<AgentView>>, WireError> {
    let is_in = |view: &AgentView, state: &str| RequestObject::of(view).is_some_and(|request| request.state == state);
    if principal.is(Role::Agent) {
        let view = own_view(app, principal).await?;
        let is_asked_for = state.map_or(view.request.is_some(), |state| is_in(&view, state));
        return Ok(Some(view).filter(|_| is_asked_for).into_iter().collect());
    }
    let state = state.unwrap_or(STATES[0]);
    within_reach(app, principal, |view| is_in(view, state))
}

/// The last requests of these, the oldest first.
fn sorted(views: &[Arc<AgentView>]) -> Vec<RequestObject<'_>> {
    let mut all: Vec<RequestObject<'_>> = views.iter().filter_map(|view| RequestObject::of(view)).collect();
    all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    all
}

/// `request.decide`.
pub(super) async fn decide(
    app: &App,
    principal: &Principal,
    id: RequestId,
    command: Command,
    reason: String,
    guard: Guard,
) -> Result<Value, WireError> {
    check_until(app, &command)?;
    let agent = agent_of(app, principal, id).await?;
    let actor = decider(principal)?;
    let request = request(command, actor, Some(reason), guard);
    let reply = app.router.execute(&principal.tenant, &agent, request).await;
    // The agent's last request is another by now: what became of this one is in the journal.
    let is_another = match &reply {
        Ok(reply) => !is_last(&reply.public, id),
        Err(error) => is_refused(error, &Refusal::NothingPending),
    };
    let recorded = if is_another { recorded(app, principal, id).await? } else { None };
    let reply = match (reply, &recorded) {
        (Err(error), Some(found)) => {
            let closed_by = found.request.closed_by(&found.agent);
            return Err(closed_by.map_or_else(
                || failed(error, Viewer::Other),
                |by| WireError::rejected(&Refusal::AlreadyDecided { by }.into(), None, Value::Null),
            ));
        }
        (reply, _) => reply.map_err(|error| failed(error, Viewer::Other))?,
    };
    let view = with_recorded(reply.public, recorded.as_ref());
    let request = RequestObject::of(&view).ok_or_else(WireError::internal)?;
    Ok(to_value(&RequestAfter { request, replaces: None }))
}

fn is_refused(error: &CommandError, refusal: &Refusal) -> bool {
    matches!(error, CommandError::Rejected { rejection: Rejection::Refused(refused), .. } if refused == refusal)
}

async fn recorded(app: &App, principal: &Principal, id: RequestId) -> Result<Option<RecordedRequest>, WireError> {
    let found = app.router.recorded_request(&principal.tenant, id).await;
    found.map_err(|error| failed(error, Viewer::Other))
}

/// A grant that could never be used, or for ever, is none.
fn check_until(app: &App, command: &Command) -> Result<(), WireError> {
    let Command::DecideRequest { decision: RequestDecision::Grant { until: Some(until), .. }, .. } = command else {
        return Ok(());
    };
    let now = app.clock.now();
    if *until <= now {
        return Err(WireError::invalid_params("until", "must lie ahead"));
    }
    if *until > now + GRANT_LASTS_MAX {
        return Err(WireError::invalid_params("until", "must be within 30 days; grant again after them"));
    }
    Ok(())
}

/// `alert.ack`.
pub(super) async fn acknowledge(
    app: &App,
    principal: &Principal,
    alert: AlertId,
    guard: Guard,
) -> Result<Value, WireError> {
    let id = alert.to_string();
    let rows = within_reach(app, principal, |view| Alert::of(view).iter().any(|alert| alert.id == id))?;
    let agent = match rows.first().map(|view| view.person.id.clone()) {
        Some(agent) => agent,
        // It is over: whoever sends their op again is told what it led to, everybody else that nothing is left to see.
        None => alerted_before(app, principal, alert).await?,
    };
    let request = request(Command::AckAlert { alert }, decider(principal)?, None, guard);
    let reply = app.router.execute(&principal.tenant, &agent, request).await;
    reply.map(|_| json!({})).map_err(|error| failed(error, Viewer::Other))
}

fn decider(principal: &Principal) -> Result<Actor, WireError> {
    let by = principal.id.clone();
    match principal.scope(Action::DecideRequest).map_err(|_| WireError::forbidden())? {
        Scope::Tenant => Ok(Actor::Admin(by)),
        Scope::Teams(_) => Ok(Actor::Supervisor(by)),
    }
}

/// Whose request it is. One that is out of reach is as one that does not exist.
async fn agent_of(app: &App, principal: &Principal, id: RequestId) -> Result<AgentId, WireError> {
    let rows = within_reach(app, principal, |view| view.request.as_ref().is_some_and(|request| request.id == id))?;
    match rows.first() {
        Some(view) => Ok(view.person.id.clone()),
        None => in_reach(app, principal, recorded(app, principal, id).await?.map(|found| found.agent)),
    }
}

/// Whom an alert was about that is over. Of a protected pause there was none.
async fn alerted_before(app: &App, principal: &Principal, alert: AlertId) -> Result<AgentId, WireError> {
    let agent = match alert {
        AlertId::Overrun(pause) | AlertId::WorkDuringPause(pause) => {
            let found = app.router.recorded_pause(&principal.tenant, pause).await;
            let found = found.map_err(|error| failed(error, Viewer::Other))?;
            found.filter(|found| found.measures.is_some()).map(|found| found.agent)
        }
        AlertId::Request(request) => recorded(app, principal, request).await?.map(|found| found.agent),
        // Nothing leads from it to the agent once it is over.
        AlertId::AtRisk(_) => None,
    };
    in_reach(app, principal, agent)
}

fn in_reach(app: &App, principal: &Principal, agent: Option<AgentId>) -> Result<AgentId, WireError> {
    rpc::acting(app, principal, Action::DecideRequest, agent.as_ref(), false)?;
    agent.ok_or_else(WireError::forbidden)
}

fn within_reach(
    app: &App,
    principal: &Principal,
    wanted: impl Fn(&AgentView) -> bool,
) -> Result<Vec<Arc<AgentView>>, WireError> {
    let scope = principal.scope(Action::DecideRequest).map_err(|_| WireError::forbidden())?;
    let within = |teams: &[TeamId]| match &scope {
        Scope::Tenant => true,
        Scope::Teams(own) => teams.iter().any(|team| own.contains(team)),
    };
    let rows = app.hub.rows(&principal.tenant, |view| wanted(view) && within(&view.person.teams));
    rows.ok_or_else(WireError::forbidden)
}

fn request(command: Command, actor: Actor, reason: Option<String>, guard: Guard) -> Request {
    Request { command, actor, reason, op: guard.op, expected_version: guard.expected_version }
}

/// The text of `request.changed` for the agent.
pub(super) fn changed(view: &AgentView) -> Option<Value> {
    RequestObject::of(view).map(|request| rpc::to_value(&RequestAfter { request, replaces: None }))
}
