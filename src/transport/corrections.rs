//! `pause.correct` and `pause.annotate`: what is said of a pause once it is on record.

use serde_json::{Value, json};

use super::App;
use super::pauses::pause_value;
use super::rpc::{self, Viewer, failed};
use crate::auth::{Action, Principal, Role};
use crate::domain::command::{Actor, Command, Request};
use crate::domain::id::{AgentId, PauseId};
use crate::ports::ReadError;
use crate::protocol::error::WireError;
use crate::protocol::methods::RecordCommand;

/// When to try again after the store was out of reach.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Answers either.
pub(super) async fn answer(app: &App, principal: &Principal, wanted: RecordCommand) -> Result<Value, WireError> {
    let RecordCommand { pause, command, text, on_behalf, op } = wanted;
    let corrects = matches!(command, Command::CorrectPause { .. });
    let (agent, actor) = whose(app, principal, pause, corrects, on_behalf).await?;
    let viewer = if matches!(actor, Actor::Agent(_)) { Viewer::Itself } else { Viewer::Other };
    let request = Request { command, actor, reason: Some(text), op, expected_version: None };
    let reply = app.router.execute(&principal.tenant, &agent, request).await;
    reply.map_err(|error| failed(error, viewer))?;
    if !corrects {
        return Ok(json!({}));
    }
    let row = app.history.of(&principal.tenant).pause(pause).await.map_err(|error| {
        tracing::error!(%error, "a corrected pause cannot be read");
        match error {
            ReadError::Unavailable(_) => WireError::unavailable(RETRY_AFTER),
            ReadError::Damaged { .. } => WireError::internal(),
        }
    })?;
    Ok(json!({"pause": pause_value(&row.ok_or_else(WireError::internal)?)}))
}

/// Whose pause it is, and as whom the principal speaks of it. One that does not exist is refused exactly as one that is out of reach,
/// and to everybody but the agent a protected one does not exist.
async fn whose(
    app: &App,
    principal: &Principal,
    pause: PauseId,
    corrects: bool,
    on_behalf: bool,
) -> Result<(AgentId, Actor), WireError> {
    let found = app.router.recorded_pause(&principal.tenant, pause).await;
    let found = found.map_err(|error| failed(error, Viewer::Other))?;
    let is_there = |agent: &AgentId| rpc::target_of(app, &principal.tenant, agent).is_some();
    let is_own =
        |agent: &AgentId| principal.is(Role::Agent) && agent.as_str() == principal.id.as_str() && is_there(agent);
    if let Some(own) = found.as_ref().filter(|found| !corrects && is_own(&found.agent)) {
        return Ok((own.agent.clone(), Actor::Agent(own.agent.clone())));
    }
    let agent = found.filter(|found| found.measures.is_some()).map(|found| found.agent);
    let action = if corrects { Action::ActOnAgent } else { Action::AnnotatePause };
    // What is on record of whoever left can be set right as well.
    let person = agent.as_ref().and_then(|agent| rpc::once_there(app, &principal.tenant, agent));
    let actor = rpc::acting_on(principal, action, person.as_deref(), on_behalf)?;
    agent.map(|agent| (agent, actor)).ok_or_else(WireError::forbidden)
}
