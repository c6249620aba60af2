//! Planned shifts over HTTP: one of a day, all of an agent's, and many people's at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::problem::Problem;
use super::reading::{count, object, op_of};
use super::{App, low_disk, quotas, rpc};
use crate::actor::CommandError;
use crate::auth::{Action, Principal, Role, Target};
use crate::domain::command::{Actor, Command, Refusal, Rejection, Request as Wish};
use crate::domain::directory::Person;
use crate::domain::id::{AgentId, Op};
use crate::domain::schedule::local_day;
use crate::domain::shift::PlannedShift;
use crate::protocol::error::{ErrorData, WireError};
use crate::protocol::params::Fields;
use crate::protocol::rpc::Params;
use crate::protocol::shift::{ShiftState, cannot_plan, read_day, read_shift};

/// How many agents' plans are read, and then written, at once.
const AGENTS_AT_ONCE: usize = 32;

type PathOf<T> = Result<Path<T>, PathRejection>;

/// `GET /v1/agents/{id}/shifts`: what is planned for an agent.
pub(super) async fn of_agent(
    State(app): State<Arc<App>>,
    id: PathOf<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    let (agent, _) = reach(&app, &principal, Action::ReadAgent, id.ok().map(|Path(id)| id))?;
    count(&app, &principal)?;
    let plan = app.router.shifts(&principal.tenant, &agent.id).await;
    let plan = plan.map_err(|error| rpc::failed(error, rpc::Viewer::Other))?;
    let shifts = plan.shifts().iter().map(|shift| ShiftState::of(&agent.id, shift)).collect();
    Ok(json_of(StatusCode::OK, &Listed { shifts }))
}

/// `PUT /v1/agents/{id}/shifts/{day}`: plans one, in place of what was planned for that day.
pub(super) async fn plan_one(
    State(app): State<Arc<App>>,
    path: PathOf<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = app.authenticate(request.headers()).await?;
    let (id, day) = path.map(|Path((id, day))| (Some(id), day)).unwrap_or_default();
    let (agent, role) = reach(&app, &principal, Action::PlanShifts, id)?;
    count(&app, &principal)?;
    quotas::count_write(&app, &principal)?;
    low_disk::check(&app)?;
    let op = op_of(request.headers())?;
    let day = read_day(&day)?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let shift = read_shift(Fields::of(Params::Named(object(&body)?))?, Some(day))?;
    check_day(&app, &principal, &agent, &shift)?;
    let command = Command::PlanShifts { shifts: [shift].into() };
    execute(&app, &principal, role, agent.id.clone(), command, op).await?;
    Ok(json_of(StatusCode::OK, &ShiftState::of(&agent.id, &shift)))
}

/// `DELETE /v1/agents/{id}/shifts/{day}`: takes back what is planned for that day, if anything is.
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    path: PathOf<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    let (id, day) = path.map(|Path((id, day))| (Some(id), day)).unwrap_or_default();
    let (agent, role) = reach(&app, &principal, Action::PlanShifts, id)?;
    count(&app, &principal)?;
    quotas::count_write(&app, &principal)?;
    let op = op_of(&headers)?;
    let day = read_day(&day)?;
    execute(&app, &principal, role, agent.id.clone(), Command::CancelShift { day }, op).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PUT /v1/shifts`: plans many. Nothing is written while anything is wrong with one of them.
pub(super) async fn plan_many(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = app.authenticate(request.headers()).await?;
    if !principal.may(Action::PlanShifts) {
        return Err(WireError::forbidden().into());
    }
    count(&app, &principal)?;
    quotas::count_write(&app, &principal)?;
    low_disk::check(&app)?;
    let op = op_of(request.headers())?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let items = items_of(object(&body)?)?;
    let plans = read_all(&app, &principal, items)?;
    let checked = some_at_once(plans.iter().map(|planned| check(&app, &principal, planned)).collect()).await;
    let wrong: Vec<ItemError> = checked.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
    if !wrong.is_empty() {
        return Err(all_wrong(wrong));
    }
    let write = |planned: &Planned| {
        let command = Command::PlanShifts { shifts: planned.shifts.iter().map(|(_, shift)| *shift).collect() };
        execute(&app, &principal, planned.role, planned.agent.id.clone(), command, op)
    };
    let written = some_at_once(plans.iter().map(write).collect()).await;
    let (mut shifts, mut errors) = (Vec::new(), Vec::new());
    for (planned, written) in plans.iter().zip(written) {
        match written {
            Ok(()) => shifts.extend(planned.shifts.iter().map(|(_, shift)| ShiftState::of(&planned.agent.id, shift))),
            Err(error) => errors.extend(planned.shifts.iter().map(|(index, _)| ItemError::of(*index, error.clone()))),
        }
    }
    // Whatever was not done can be sent again, with all the rest: what is planned already changes nothing.
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok(json_of(status, &Done { shifts, errors }))
}

/// What is planned for an agent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShiftList")]
pub(super) struct Listed {
    /// The first one first.
    shifts: Vec<ShiftState>,
}

/// What was planned, and what was not.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShiftsPlanned")]
pub(super) struct Done {
    /// What was planned, by agent.
    shifts: Vec<ShiftState>,
    /// What was not; send all of it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<ItemError>>")]
    errors: Vec<ItemError>,
}

/// What is wrong with one of many.
#[derive(Debug, Serialize, JsonSchema)]
struct ItemError {
    /// Its place in the list, counted from 0.
    index: usize,
    /// One plain English sentence.
    message: String,
    #[serde(flatten)]
    data: Box<ErrorData>,
}

impl ItemError {
    fn of(index: usize, error: WireError) -> ItemError {
        ItemError { index, message: error.message, data: error.data }
    }
}

fn all_wrong(mut wrong: Vec<ItemError>) -> Problem {
    wrong.sort_by_key(|error| error.index);
    let detail = format!("Nothing was planned: of {} shifts something is wrong; see \"errors\".", wrong.len());
    let errors = serde_json::to_value(&wrong).unwrap_or_default();
    Problem::new(StatusCode::BAD_REQUEST, "invalid_params", detail).with("errors", errors)
}

/// The shifts of one agent, each with its place in the request.
struct Planned {
    agent: Arc<Person>,
    role: Role,
    shifts: Vec<(usize, PlannedShift)>,
}

/// Reads them all, and tells of every one what is wrong with its form.
fn read_all(app: &App, principal: &Principal, items: Vec<Value>) -> Result<Vec<Planned>, Problem> {
    let (mut plans, mut wrong) = (BTreeMap::<AgentId, Planned>::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match read_item(app, principal, item) {
            Ok((agent, role, shift)) => {
                let planned =
                    plans.entry(agent.id.clone()).or_insert_with(|| Planned { agent, role, shifts: Vec::new() });
                if planned.shifts.iter().any(|(_, other)| other.day() == shift.day()) {
                    let twice = WireError::invalid_params("day", "is in the list twice for this agent");
                    wrong.push(ItemError::of(index, twice));
                }
                planned.shifts.push((index, shift));
            }
            Err(error) => wrong.push(ItemError::of(index, error)),
        }
    }
    if wrong.is_empty() { Ok(plans.into_values().collect()) } else { Err(all_wrong(wrong)) }
}

fn read_item(app: &App, principal: &Principal, item: Value) -> Result<(Arc<Person>, Role, PlannedShift), WireError> {
    let Value::Object(item) = item else {
        return Err(WireError::invalid_params("shifts", "must be a list of objects"));
    };
    let mut fields = Fields::of(Params::Named(item))?;
    let id = fields.required::<AgentId>("agent")?;
    let (agent, role) = reach(app, principal, Action::PlanShifts, Some(id.as_str().to_owned()))?;
    let shift = read_shift(fields, None)?;
    check_day(app, principal, &agent, &shift)?;
    Ok((agent, role, shift))
}

/// Says what stands in the way of one agent's shifts by what is planned already.
async fn check(app: &App, principal: &Principal, planned: &Planned) -> Result<Option<ItemError>, WireError> {
    let plan = app.router.shifts(&principal.tenant, &planned.agent.id).await;
    let plan = plan.map_err(|error| rpc::failed(error, rpc::Viewer::Other))?;
    let shifts: Vec<PlannedShift> = planned.shifts.iter().map(|(_, shift)| *shift).collect();
    let stands = plan.check(&shifts, app.clock.now()).err();
    Ok(stands.map(|(place, why)| ItemError::of(planned.shifts[place].0, cannot_plan(why))))
}

/// Does what is to be done for each agent, some at once, and answers in their order.
async fn some_at_once<F: Future>(deeds: Vec<F>) -> Vec<F::Output> {
    stream::iter(deeds).buffered(AGENTS_AT_ONCE).collect().await
}

/// The agent, and the role in which the principal reaches it.
fn reach(
    app: &App,
    principal: &Principal,
    action: Action,
    id: Option<String>,
) -> Result<(Arc<Person>, Role), WireError> {
    if !principal.may(action) {
        return Err(WireError::forbidden());
    }
    // What cannot be an id is out of reach like any other that does not exist.
    let agent = id.and_then(|id| AgentId::new(&id).ok()).ok_or_else(WireError::forbidden)?;
    let person = rpc::target_of(app, &principal.tenant, &agent);
    let target = Target { teams: person.as_ref().map(|person| person.teams.as_slice()), on_behalf: false };
    let role = principal.role_for(action, target).map_err(|_| WireError::forbidden())?;
    person.map(|person| (person, role)).ok_or_else(WireError::forbidden)
}

/// A day that is not that of the start, nor next to it, is a slip of the pen.
fn check_day(app: &App, principal: &Principal, agent: &Person, shift: &PlannedShift) -> Result<(), WireError> {
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let starts_on = local_day(shift.start(), facts.directory.zone_of(agent));
    if (shift.day() - starts_on).num_days().abs() > 1 {
        let why = format!("is not the day of \"start\", which is {starts_on} for this agent, nor next to it");
        return Err(WireError::invalid_params("day", &why));
    }
    Ok(())
}

async fn execute(
    app: &App,
    principal: &Principal,
    role: Role,
    agent: AgentId,
    command: Command,
    op: Option<Op>,
) -> Result<(), WireError> {
    let id = principal.id.clone();
    let actor = match role {
        Role::Admin => Actor::Admin(id),
        Role::Integration => Actor::Integration(id),
        Role::Agent | Role::Supervisor | Role::Auditor | Role::Operator => return Err(WireError::forbidden()),
    };
    let wish = Wish { command, actor, reason: None, op, expected_version: None };
    match app.router.execute(&principal.tenant, &agent, wish).await {
        Ok(_) => Ok(()),
        Err(CommandError::Rejected { rejection: Rejection::Refused(Refusal::CannotPlan { why, .. }), .. }) => {
            Err(cannot_plan(why))
        }
        Err(error) => Err(rpc::failed(error, rpc::Viewer::Other)),
    }
}

/// The list that stands in the body, and nothing besides.
fn items_of(body: Map<String, Value>) -> Result<Vec<Value>, WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    let items = fields.required::<Vec<Value>>("shifts")?;
    fields.finish()?;
    Ok(items)
}
