//! One dispatcher for socket and HTTP: who may call what, how often, and what it does.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::App;
use super::corrections;
use super::low_disk;
use super::occupancy;
use super::policy;
use super::quotas;
use super::rate_limit::Rate;
use super::reading::Precondition;
use super::requests;
use crate::actor::CommandError;
use crate::auth::{Action, Forbidden, Principal, Role, Target};
use crate::domain::command::{Actor, Command, Outcome, Request};
use crate::domain::directory::Person;
use crate::domain::id::{AgentId, TenantId};
use crate::domain::menu::PauseOption;
use crate::domain::policy::PauseClass;
use crate::domain::presence::AgentView;
use crate::limits::Limit;
use crate::protocol::error::WireError;
use crate::protocol::methods::{AgentAfter, Invocation, LiveCommand, Method, OwnCommand, PauseBegun};
use crate::protocol::options::OptionState;
use crate::protocol::rpc::Params;
use crate::protocol::state::AgentState;

/// What a method's caller needs to be allowed.
pub(super) fn action_of(method: Method) -> Action {
    match method {
        Method::SessionOpen
        | Method::SessionPing
        | Method::SessionRefresh
        | Method::SessionSignOut
        | Method::RpcOn
        | Method::RpcOff
        | Method::RpcDiscover => Action::HoldSession,
        Method::AgentGet
        | Method::StatusSet
        | Method::PauseOptions
        | Method::PauseStart
        | Method::PauseAccept
        | Method::PauseEnd
        | Method::PauseCancel
        | Method::RequestCreate
        | Method::RequestCancel => Action::ActAsAgent,
        Method::RequestList => Action::ListRequests,
        Method::RequestDecide | Method::AlertAck => Action::DecideRequest,
        Method::AgentSetStatus
        | Method::AgentStartPause
        | Method::AgentEndPause
        | Method::AgentSignOut
        | Method::PauseExtend
        | Method::PauseCorrect => Action::ActOnAgent,
        Method::PauseAnnotate => Action::AnnotatePause,
        Method::OccupancySet => Action::ReportOccupancy,
        Method::PolicyGet
        | Method::PolicyVersions
        | Method::PolicyPutDraft
        | Method::PolicyDryRun
        | Method::PolicyPublish => Action::ManagePolicy,
        Method::BoardSubscribe | Method::BoardUnsubscribe => Action::WatchBoard,
    }
}

/// Lets a request in, or says why not: too many, not allowed at all, or not well formed. The order
/// is such that a flood is answered by the cheapest refusal.
pub(super) async fn admit(
    app: &App,
    principal: &Principal,
    method: Method,
    params: Params,
) -> Result<Invocation, WireError> {
    let read = Invocation::read(method, params);
    // Faults of form are not counted here: they are strikes, and enough of them end the connection.
    if let Ok(invocation) = &read {
        count(app, principal, invocation).await?;
    }
    if !principal.may(action_of(method)) {
        return Err(WireError::forbidden());
    }
    if let Ok(invocation) = &read {
        low_disk::check_call(app, principal, invocation)?;
    }
    read
}

/// How many requests around a protected pause are answered at once: more than any person's day has,
/// and too few to fill a disk with.
pub(super) const PROTECTED_RATE: Rate = Rate { per_second: 5, burst: 100 };

/// Counts a request against the principal's rate and its tenant's, unless it is of those that may not be refused by
/// it: pings, and everything around a protected pause (semantics §3). The latter wait their turn at
/// a rate of their own.
async fn count(app: &App, principal: &Principal, invocation: &Invocation) -> Result<(), WireError> {
    if *invocation == Invocation::SessionPing {
        return Ok(());
    }
    if matches!(invocation, Invocation::OccupancySet { .. }) && principal.may(Action::ReportOccupancy) {
        return occupancy::count(app, principal);
    }
    if starts_protected(app, principal, invocation) {
        wait_for_turn(app, principal).await;
        return Ok(());
    }
    let counted = app.rate_limiter.count(&principal.tenant, &principal.id, app.clock.now());
    let counted = counted.and_then(|()| quotas::count_call(app, &principal.tenant, invocation));
    let Err(retry_after) = counted else { return Ok(()) };
    if leaves_protected(app, principal, invocation).await {
        wait_for_turn(app, principal).await;
        return Ok(());
    }
    metrics::counter!("intervalo_rate_limited_total").increment(1);
    Err(WireError::rate_limited(retry_after))
}

async fn wait_for_turn(app: &App, principal: &Principal) {
    loop {
        let now = app.clock.now();
        match app.protected_limiter.count(&principal.tenant, &principal.id, now) {
            Ok(()) => return,
            Err(retry_after) => app.clock.sleep_until(now + retry_after).await,
        }
    }
}

pub(super) fn starts_protected(app: &App, principal: &Principal, invocation: &Invocation) -> bool {
    let (Invocation::Own(OwnCommand { command, .. }) | Invocation::Live(LiveCommand { command, .. })) = invocation
    else {
        return false;
    };
    let Command::StartPause { pause_type, .. } = command else { return false };
    let Some(facts) = app.router.tenant(&principal.tenant) else { return false };
    facts.policy.types.get(pause_type).is_some_and(|known| known.kind.class() == PauseClass::Protected)
}

/// True when an agent in a protected pause ends it, also by taking a status.
async fn leaves_protected(app: &App, principal: &Principal, invocation: &Invocation) -> bool {
    let Invocation::Own(OwnCommand { command: Command::EndPause { .. } | Command::SetStatus { .. }, .. }) = invocation
    else {
        return false;
    };
    let (Some(facts), Ok(agent)) = (app.router.tenant(&principal.tenant), own_agent(principal)) else { return false };
    let Ok(view) = app.router.view(&principal.tenant, &agent).await else { return false };
    let running = view.pause.as_ref().and_then(|pause| facts.policy.types.get(&pause.pause_type));
    running.is_some_and(|known| known.kind.class() == PauseClass::Protected)
}

/// Answers what needs no socket.
pub(super) async fn answer(app: &App, principal: &Principal, invocation: Invocation) -> Result<Value, WireError> {
    match invocation {
        Invocation::AgentGet => {
            let view = own_view(app, principal).await?;
            Ok(state(&view))
        }
        Invocation::PauseOptions { watch: false } => menu(app, principal).await.map(|menu| menu_value(&menu)),
        Invocation::Own(command) => own(app, principal, command).await,
        Invocation::Live(command) => live(app, principal, command).await,
        Invocation::OwnRequest(wanted) => requests::own(app, principal, wanted).await,
        Invocation::Record(wanted) => corrections::answer(app, principal, wanted).await,
        Invocation::AlertAck { alert, guard } => requests::acknowledge(app, principal, alert, guard).await,
        Invocation::RequestList => requests::list(app, principal).await,
        Invocation::RequestDecide { request, command, reason, guard } => {
            requests::decide(app, principal, request, command, reason, guard).await
        }
        Invocation::Policy(call) => {
            policy::answer(app, principal, call, &Precondition::default()).await.map(|answered| answered.shown)
        }
        Invocation::OccupancySet { agent, report, expected_version } => {
            let view = occupancy::take(app, principal, &agent, report, expected_version).await?;
            Ok(to_value(&AgentAfter { agent: state(&view) }))
        }
        Invocation::Discover => Ok(app.published.discovered().clone()),
        Invocation::PauseOptions { watch: true }
        | Invocation::SessionOpen(_)
        | Invocation::SessionPing
        | Invocation::SessionRefresh { .. }
        | Invocation::SessionSignOut { .. }
        | Invocation::BoardSubscribe { .. }
        | Invocation::BoardUnsubscribe { .. }
        | Invocation::SwitchOn { .. }
        | Invocation::SwitchOff { .. } => Err(WireError::needs_socket()),
    }
}

/// The agent that the principal is.
pub(super) fn own_agent(principal: &Principal) -> Result<AgentId, WireError> {
    if !principal.is(Role::Agent) {
        return Err(WireError::forbidden());
    }
    AgentId::new(principal.id.as_str()).map_err(|_| WireError::unknown_agent())
}

pub(super) async fn own_view(app: &App, principal: &Principal) -> Result<Arc<AgentView>, WireError> {
    let agent = own_agent(principal)?;
    app.router.view(&principal.tenant, &agent).await.map_err(|error| failed(error, Viewer::Itself))
}

pub(super) async fn menu(app: &App, principal: &Principal) -> Result<Vec<PauseOption>, WireError> {
    let agent = own_agent(principal)?;
    app.router.options(&principal.tenant, &agent).await.map_err(|error| failed(error, Viewer::Itself))
}

pub(super) fn menu_value(menu: &[PauseOption]) -> Value {
    to_value(&menu.iter().map(OptionState::of).collect::<Vec<_>>())
}

/// A view as it is sent.
pub(super) fn state(view: &AgentView) -> Value {
    to_value(&AgentState::of(view))
}

/// Our results are maps, lists, texts and numbers, and those always have a JSON form.
pub(super) fn to_value(result: &impl serde::Serialize) -> Value {
    serde_json::to_value(result).unwrap_or(Value::Object(Map::new()))
}

async fn own(app: &App, principal: &Principal, wanted: OwnCommand) -> Result<Value, WireError> {
    let agent = own_agent(principal)?;
    let begins = matches!(wanted.command, Command::StartPause { .. });
    let is_status = matches!(wanted.command, Command::SetStatus { .. });
    let request = Request {
        command: wanted.command,
        actor: Actor::Agent(agent.clone()),
        reason: None,
        op: wanted.guard.op,
        expected_version: wanted.guard.expected_version,
    };
    let reply = app.router.execute(&principal.tenant, &agent, request).await;
    let reply = reply.map_err(|error| failed(error, Viewer::Itself))?;
    let agent = state(&reply.own);
    Ok(if begins {
        let outcome = match reply.outcome {
            Outcome::Done | Outcome::Started { .. } | Outcome::Asked { .. } => "started",
            Outcome::Queued => "queued",
            Outcome::Requested => "requested",
            Outcome::Deferred => "pending",
        };
        to_value(&PauseBegun { outcome, agent })
    } else if is_status {
        agent
    } else {
        to_value(&AgentAfter { agent })
    })
}

async fn live(app: &App, principal: &Principal, wanted: LiveCommand) -> Result<Value, WireError> {
    let tenant = &principal.tenant;
    let actor = acting(app, principal, Action::ActOnAgent, Some(&wanted.agent), wanted.on_behalf)?;
    let request = Request {
        command: wanted.command,
        actor,
        reason: Some(wanted.reason),
        op: wanted.guard.op,
        expected_version: wanted.guard.expected_version,
    };
    let reply = app.router.execute(tenant, &wanted.agent, request).await;
    let reply = reply.map_err(|error| failed(error, Viewer::Other))?;
    Ok(to_value(&AgentAfter { agent: state(&reply.public) }))
}

/// As whom the principal does this to an agent. None stands for one that does not exist.
pub(super) fn acting(
    app: &App,
    principal: &Principal,
    action: Action,
    agent: Option<&AgentId>,
    on_behalf: bool,
) -> Result<Actor, WireError> {
    let person = agent.and_then(|agent| target_of(app, &principal.tenant, agent));
    acting_on(principal, action, person.as_deref(), on_behalf)
}

/// The same of a person as the directory has them.
pub(super) fn acting_on(
    principal: &Principal,
    action: Action,
    person: Option<&Person>,
    on_behalf: bool,
) -> Result<Actor, WireError> {
    let target = Target { teams: person.map(|person| person.teams.as_slice()), on_behalf };
    let role = principal.role_for(action, target).map_err(|why| match why {
        Forbidden::OutOfReach => WireError::forbidden(),
        Forbidden::NotOnBehalf => {
            let mut error = WireError::forbidden().with("field", "on_behalf");
            error.message = "An integration acts on an agent with on_behalf: true only.".to_owned();
            error
        }
    })?;
    let id = principal.id.clone();
    match role {
        Role::Admin => Ok(Actor::Admin(id)),
        Role::Supervisor => Ok(Actor::Supervisor(id)),
        Role::Integration => Ok(Actor::Integration(id)),
        Role::Agent | Role::Auditor | Role::Operator => Err(WireError::forbidden()),
    }
}

/// The person that an action is about, as the directory has them; none when they have left.
pub(super) fn target_of(app: &App, tenant: &TenantId, agent: &AgentId) -> Option<Arc<Person>> {
    once_there(app, tenant, agent).filter(|person| person.left_at.is_none())
}

/// The person of an id, also when they have left.
pub(super) fn once_there(app: &App, tenant: &TenantId, agent: &AgentId) -> Option<Arc<Person>> {
    app.router.tenant(tenant)?.directory.agents.get(agent).cloned()
}

/// Whose eyes an answer is for. What an agent may see of itself, nobody else may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Viewer {
    /// The agent.
    Itself,
    /// Anybody else.
    Other,
}

/// When whoever was overtaken may try again: what overtook them is durable already.
const OVERTAKEN_RETRY_AFTER: std::time::Duration = std::time::Duration::from_millis(100);

/// Why a command was not carried out, as it is told.
pub(super) fn failed(error: CommandError, viewer: Viewer) -> WireError {
    match error {
        CommandError::Rejected { rejection, next_change_at, own, public } => {
            let shown = match viewer {
                Viewer::Itself => state(&own),
                Viewer::Other => state(&public),
            };
            WireError::rejected(&rejection, next_change_at, shown)
        }
        CommandError::UnknownTenant => WireError::forbidden(),
        CommandError::UnknownAgent => match viewer {
            Viewer::Itself => WireError::unknown_agent(),
            Viewer::Other => WireError::forbidden(),
        },
        CommandError::TooManySessions => too_many_sessions(),
        CommandError::TooManySources => {
            Limit::Sources.reached();
            WireError::invalid_params("source", "would be one more than may report of one agent; wait for a lapse")
        }
        CommandError::Overtaken => WireError::unavailable(OVERTAKEN_RETRY_AFTER),
        CommandError::Busy { retry_after } | CommandError::Unavailable { retry_after } => {
            WireError::unavailable(retry_after)
        }
    }
}

/// The principal has as many sessions as it may.
pub(super) fn too_many_sessions() -> WireError {
    use crate::protocol::error::ErrorKind;
    WireError::new(ErrorKind::Refused, "too_many_sessions", "There are as many sessions open as there may be.")
}

/// Counts an answered request for `/metrics`.
pub(super) fn record<T>(method: &str, result: &Result<T, WireError>) {
    // Names from outside are not labels: there could be any number of them.
    let method = Method::named(method).map_or("unknown", Method::name);
    let outcome = result.as_ref().err().map_or("ok", |error| error.data.code);
    metrics::counter!("intervalo_requests_total", "method" => method, "outcome" => outcome).increment(1);
}

/// The result of ending a board.
pub(super) fn ended() -> Value {
    json!(true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::id::{PrincipalId, TenantId};
    use crate::domain::time::Timestamp;

    /// `docs/protocol.md`, the table of roles, written out method by method.
    #[test]
    fn promise_a2_every_role_and_method_is_allowed_or_forbidden_as_the_contract_says() {
        let everybody = [
            "session.open",
            "session.ping",
            "session.refresh",
            "session.sign_out",
            "rpc.on",
            "rpc.off",
            "rpc.discover",
        ];
        let agents = [
            "agent.get",
            "status.set",
            "pause.options",
            "pause.start",
            "pause.accept",
            "pause.end",
            "pause.cancel",
            "request.create",
            "request.cancel",
        ];
        let live = [
            "agent.set_status",
            "agent.start_pause",
            "agent.end_pause",
            "agent.sign_out",
            "pause.extend",
            "pause.correct",
        ];
        let boards = ["board.subscribe", "board.unsubscribe"];
        let routers = ["occupancy.set"];
        let policies = ["policy.get", "policy.versions", "policy.put_draft", "policy.dry_run", "policy.publish"];
        let (lists, decides, notes) = (["request.list"], ["request.decide", "alert.ack"], ["pause.annotate"]);
        let table: [(Role, &[&[&str]]); 6] = [
            (Role::Agent, &[&everybody, &agents, &lists, &notes]),
            (Role::Supervisor, &[&everybody, &live, &boards, &lists, &decides, &notes]),
            (Role::Admin, &[&everybody, &live, &boards, &routers, &lists, &decides, &notes, &policies]),
            (Role::Auditor, &[&everybody]),
            (Role::Integration, &[&everybody, &live, &routers]),
            (Role::Operator, &[&everybody]),
        ];
        let groups = [everybody.len(), agents.len(), live.len(), boards.len(), routers.len(), policies.len(), 4];
        let known: usize = groups.iter().sum();
        assert_eq!(Method::ALL.len(), known, "every method stands in this table");
        for (role, groups) in table {
            let principal = Principal {
                id: PrincipalId::new("p").expect("an id"),
                tenant: TenantId::new("acme").expect("an id"),
                roles: BTreeSet::from([role]),
                teams: None,
                expires_at: Timestamp(0),
                proof: crate::auth::Proof::Token { issued_at: None },
                newcomer: None,
            };
            for &method in Method::ALL {
                let expected = groups.iter().any(|group| group.contains(&method.name()));
                assert_eq!(principal.may(action_of(method)), expected, "{role} {}", method.name());
            }
        }
    }
}
