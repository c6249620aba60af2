//! What routers send and ask: `PUT …/occupancy`, `occupancy.set`, `GET /v1/routable`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use http::header::{ETAG, HeaderValue, IF_MATCH};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::App;
use super::http::{json_of, read_body};
use super::problem::Problem;
use super::rate_limit::Rate;
use super::reading::check_reached;
use super::rpc;
use crate::actor::CommandError;
use crate::auth::{Action, Principal, Scope, Target};
use crate::domain::id::{AgentId, AgentSeq, ChannelCode, TeamId};
use crate::domain::occupancy::{Report, Work};
use crate::domain::presence::{AgentView, NotRoutable};
use crate::domain::routable::{Wanted, not_routable};
use crate::protocol::error::WireError;
use crate::protocol::methods::AgentAfter;
use crate::protocol::occupancy::{RoutableAnswer, read_report, read_set};
use crate::protocol::params::Fields;
use crate::protocol::rpc::Params;

/// How many reports and questions of one integration are answered: a router of ten thousand agents reports a few hundred
/// changes a second at its busiest.
pub(super) const ROUTER_RATE: Rate = Rate { per_second: 1000, burst: 4000 };
/// The largest body of a source's whole set: ten thousand agents of a hundred bytes each.
const SET_BYTES_MAX: usize = 1024 * 1024;
/// How many agents of a set are told at once, so that others' commands come in between.
const AT_ONCE: usize = 64;
/// How many of those who could not be told are listed by name.
const FAILED_SHOWN_MAX: usize = 100;

/// `PUT /v1/agents/{id}/occupancy`.
pub(super) async fn put_one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = app.authenticate(request.headers()).await?;
    count(&app, &principal)?;
    if !principal.may(Action::ReportOccupancy) {
        return Err(WireError::forbidden().into());
    }
    let expected_version = if_match(request.headers())?;
    let mut fields = object(request).await?;
    let report = read_report(&mut fields)?;
    fields.finish()?;
    let agent = id.ok().and_then(|Path(id)| AgentId::new(&id).ok()).ok_or_else(WireError::forbidden)?;
    let view = take(&app, &principal, &agent, report, expected_version).await?;
    Ok(with_etag(json_of(StatusCode::OK, &AgentAfter { agent: rpc::state(&view) }), view.version))
}

/// Takes a report of one agent, and answers with the state that it leads to.
pub(super) async fn take(
    app: &App,
    principal: &Principal,
    agent: &AgentId,
    report: Report,
    expected_version: Option<AgentSeq>,
) -> Result<Arc<AgentView>, WireError> {
    let person = rpc::target_of(app, &principal.tenant, agent);
    let target = Target { teams: person.as_ref().map(|person| person.teams.as_slice()), on_behalf: false };
    principal.role_for(Action::ReportOccupancy, target).map_err(|_| WireError::forbidden())?;
    check_channels(app, principal, &report, "")?;
    let reply = app.router.report(&principal.tenant, agent, report, expected_version).await;
    reply.map(|reply| reply.public).map_err(|error| rpc::failed(error, rpc::Viewer::Other))
}

/// Counts a report or a question at the rate of integrations.
pub(super) fn count(app: &App, principal: &Principal) -> Result<(), WireError> {
    let counted = app.router_limiter.count(&principal.tenant, &principal.id, app.clock.now());
    counted.map_err(WireError::rate_limited)
}

fn check_channels(app: &App, principal: &Principal, report: &Report, prefix: &str) -> Result<(), WireError> {
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let channels = &facts.directory.channels;
    match report.work.open.iter().find(|(channel, _)| !channels.contains_key(channel)) {
        Some((channel, _)) => {
            let name = format!("{prefix}channels.{channel}");
            Err(WireError::invalid_params(&name, "is no channel of this tenant; define it first"))
        }
        None => Ok(()),
    }
}

/// `PUT /v1/occupancy`: a source's whole set. Checked whole before anything of it is taken.
pub(super) async fn put_set(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = app.authenticate(request.headers()).await?;
    count(&app, &principal)?;
    principal.scope(Action::ReportOccupancy)?;
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let told_at = app.clock.now();
    let set = read_set(object_of(request, SET_BYTES_MAX).await?, told_at)?;
    for (agent, report) in &set.reports {
        if facts.directory.agents.get(agent).is_none_or(|person| person.left_at.is_some()) {
            let name = format!("agents.{agent}");
            return Err(WireError::invalid_params(&name, "is not in the directory, or has left").into());
        }
        check_channels(&app, &principal, report, &format!("agents.{agent}."))?;
    }
    let named: BTreeSet<AgentId> = set.reports.keys().cloned().collect();
    let (router, tenant) = (&app.router, &principal.tenant);
    let told = stream::iter(set.reports).map(|(agent, report)| async move {
        let told = router.report(tenant, &agent, report, None).await;
        (agent, told.map(|_| ()))
    });
    let told: Vec<(AgentId, Result<(), CommandError>)> = told.buffer_unordered(AT_ONCE).collect().await;
    let nothing = Report { source: set.source, seq: set.seq, ttl: set.ttl, work: Work::default(), anew: Some(told_at) };
    router.report_nothing_of_others(tenant, &named, &nothing).await;
    let mut failed: BTreeMap<String, Value> = BTreeMap::new();
    let all = told.len();
    for (agent, why) in told.into_iter().filter_map(|(agent, told)| Some((agent, told.err()?))) {
        let error = rpc::failed(why, rpc::Viewer::Other);
        failed.insert(agent.to_string(), json!({"code": error.data.code, "detail": error.message}));
    }
    let count = failed.len();
    let failed: BTreeMap<String, Value> = failed.into_iter().take(FAILED_SHOWN_MAX).collect();
    Ok(json_of(StatusCode::OK, &json!({"taken": all - count, "not_taken": count, "failed": failed})))
}

/// `GET /v1/routable?team&channel&agent`: of that agent, or of all within reach.
pub(super) async fn routable(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    count(&app, &principal)?;
    let scope = principal.scope(Action::ReadAgent)?;
    let asked = Asked::read(&uri)?;
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let directory = &facts.directory;
    if asked.channel.as_ref().is_some_and(|channel| !directory.channels.contains_key(channel)) {
        return Err(Problem::parameter("channel", "is no channel of this tenant"));
    }
    let within = |teams: &[TeamId]| match &scope {
        Scope::Tenant => true,
        Scope::Teams(own) => teams.iter().any(|team| own.contains(team)),
    };
    check_reached(asked.team.as_ref(), &scope, directory)?;
    let wanted = Wanted { team: asked.team.as_ref(), channel: asked.channel.as_ref() };
    let of = |view: &Arc<AgentView>| not_routable(view, wanted, directory);
    let rows = match &asked.agent {
        Some(agent) => {
            let person = rpc::target_of(&app, &principal.tenant, agent).ok_or_else(WireError::forbidden)?;
            if !within(&person.teams) {
                return Err(WireError::forbidden().into());
            }
            let view = app.router.public_view(&principal.tenant, agent).await;
            vec![view.map_err(|error| rpc::failed(error, rpc::Viewer::Other))?]
        }
        None => {
            let caught_up = app.router.caught_up(&principal.tenant).await;
            caught_up.map_err(|error| rpc::failed(error, rpc::Viewer::Other))?;
            let reach = |view: &AgentView| match wanted.team {
                Some(team) => view.person.teams.contains(team),
                None => within(&view.person.teams),
            };
            app.hub.rows(&principal.tenant, reach).ok_or_else(WireError::forbidden)?
        }
    };
    let answer = RoutableAnswer::of(rows.iter().map(|view| (&**view, of(view))), NotRoutable::NotInTeam);
    Ok(json_of(StatusCode::OK, &answer))
}

/// The query, read.
#[derive(Debug, Default)]
struct Asked {
    team: Option<TeamId>,
    channel: Option<ChannelCode>,
    agent: Option<AgentId>,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Asked, Problem> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return Err(Problem::parameter("query", "cannot be read"));
        };
        let (mut asked, mut given) = (Asked::default(), BTreeSet::new());
        for (name, value) in pairs {
            if !given.insert(name.clone()) {
                return Err(Problem::parameter(&name, "stands there twice"));
            }
            let refused = |why: crate::domain::id::IdError| Problem::parameter(&name, &format!("is no id: {why}"));
            match name.as_str() {
                "team" => asked.team = Some(TeamId::new(&value).map_err(refused)?),
                "channel" => asked.channel = Some(ChannelCode::new(&value).map_err(refused)?),
                "agent" => asked.agent = Some(AgentId::new(&value).map_err(refused)?),
                unknown => {
                    return Err(Problem::parameter(unknown, "is unknown here; there are team, channel and agent"));
                }
            }
        }
        Ok(asked)
    }
}

/// The version that the sender saw, from `If-Match: "12"`; none where any will do.
fn if_match(headers: &HeaderMap) -> Result<Option<AgentSeq>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    match number.parse() {
        Ok(version) => Ok(Some(AgentSeq(version))),
        Err(_) => Err(Problem::parameter("If-Match", "must be the version of the agent's state, such as \"12\"")),
    }
}

/// The version of a state, to be sent back in `If-Match`.
pub(super) fn with_etag(mut response: Response, version: AgentSeq) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

async fn object(request: Request) -> Result<Fields, Problem> {
    object_of(request, super::http::BODY_BYTES_MAX).await
}

async fn object_of(request: Request, bytes_max: usize) -> Result<Fields, Problem> {
    let body = read_body(request.into_body(), bytes_max).await?;
    let map: Map<String, Value> = serde_json::from_slice(&body).map_err(|error| {
        Problem::from(WireError::parse(&format!("it is no object: line {}, column {}", error.line(), error.column())))
    })?;
    Ok(Fields::of(Params::Named(map))?)
}
