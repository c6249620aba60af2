//! What an actor looks up before it decides: an op that it may have forgotten, and the pause on record that a command is about.

use tracing::warn;

use super::core::Env;
use super::registry::Key;
use super::reply::CommandError;
use crate::domain::command::{Actor, Command};
use crate::domain::id::Op;
use crate::domain::op::{OP_REMEMBERED_FOR, OpMemory, OpRecord};
use crate::domain::record::RecordedPause;
use crate::ports::ReadError;

/// What an op led to, from the ops at hand or, when it may be older, from the journal.
pub(super) async fn recalled_op(
    env: &Env,
    key: &Key,
    ops: &OpMemory,
    op: Op,
    by: &Actor,
) -> Result<Option<OpRecord>, CommandError> {
    let now = env.clock.now();
    let found = match ops.find(op, by) {
        None if ops.may_have_forgotten(now) => {
            let read = env.journal.find_op(&key.tenant, &key.agent, op, by).await;
            read.map_err(|why| unreadable(key, "ops", &why))?
        }
        found => found,
    };
    Ok(found.filter(|record| now.since(record.at) < OP_REMEMBERED_FOR))
}

/// The pause that a command corrects or adds to. What is said of an agent's pauses is decided by the agent's actor, one after the other,
/// so that nothing that was read here is overtaken before it is decided on.
pub(super) async fn recorded_pause(
    env: &Env,
    key: &Key,
    command: &Command,
) -> Result<Option<RecordedPause>, CommandError> {
    let (Command::CorrectPause { pause, .. } | Command::AnnotatePause { pause }) = command else { return Ok(None) };
    let read = env.journal.find_pause(&key.tenant, *pause).await;
    read.map_err(|why| unreadable(key, "pauses", &why))
}

fn unreadable(key: &Key, what: &str, why: &ReadError) -> CommandError {
    warn!(agent.id = %key.agent, "the {what} of {} cannot be read: {why}", key.agent);
    CommandError::unavailable()
}
