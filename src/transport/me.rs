//! Who one is: `GET /v1/me`, and the same in the answers that open a session.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::App;
use super::http::json_of;
use super::problem::Problem;
use super::reading::count;
use crate::auth::{Action, Principal, Role, Scope};
use crate::domain::id::AgentId;
use crate::protocol::error::WireError;
use crate::protocol::methods::PrincipalShown;
use crate::protocol::time::to_text;

/// `GET /v1/me`: who the credential speaks for, and for how long.
pub(super) async fn read(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    count(&app, &principal)?;
    let shown = principal_shown(&app, &principal).map_err(|error| {
        // As at the upgrade of a socket: who is not in the directory is kept out.
        let is_unknown = error.data.code == WireError::unknown_agent().data.code;
        let kept_out = Problem::new(StatusCode::FORBIDDEN, error.data.code, error.message.clone());
        if is_unknown { kept_out } else { Problem::from(error) }
    })?;
    let told = json!({
        "principal": shown,
        "credential": {"kind": principal.proof.kind(), "expires_at": to_text(principal.expires_at)},
        "server_time": to_text(app.clock.now()),
    });
    Ok(json_of(StatusCode::OK, &told))
}

/// A principal as it is told who it is.
///
/// # Errors
/// [`WireError`] when its company is not here, or it is an agent whom the directory does not have.
pub(super) fn principal_shown(app: &App, principal: &Principal) -> Result<PrincipalShown, WireError> {
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let directory = &facts.directory;
    let agent = principal.is(Role::Agent).then(|| AgentId::new(principal.id.as_str()).ok()).flatten();
    let person = agent.as_ref().and_then(|agent| directory.agents.get(agent));
    if principal.is(Role::Agent) && person.is_none_or(|person| person.left_at.is_some()) {
        return Err(WireError::unknown_agent());
    }
    let teams = match (person, principal.scope(Action::WatchBoard)) {
        (Some(person), _) => person.teams.iter().map(ToString::to_string).collect(),
        (None, Ok(Scope::Tenant)) => directory.teams.keys().map(ToString::to_string).collect(),
        (None, Ok(Scope::Teams(own))) => own.iter().map(ToString::to_string).collect(),
        (None, Err(_)) => Vec::new(),
    };
    let zone = person.map_or(directory.tenant.zone, |person| directory.zone_of(person));
    Ok(PrincipalShown {
        kind: principal.kind().as_str(),
        id: principal.id.to_string(),
        tenant: principal.tenant.to_string(),
        roles: principal.roles.iter().map(|role| role.as_str()).collect(),
        teams,
        zone: zone.name().to_owned(),
    })
}
