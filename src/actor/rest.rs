//! Rest: an agent without an actor is its state, and what that answers when it is asked for its next deadline.

use super::desk::TenantFacts;
use crate::domain::agent::{Agent, Context, Live};
use crate::domain::directory::Person;
use crate::domain::id::{AgentId, PauseId};
use crate::domain::occupancy::Reports;
use crate::domain::time::Timestamp;

/// When a state at rest is to be woken. Nothing but what is put in force changes the answer. Whom the directory does
/// not know nothing falls due for, and nobody is shown.
pub(super) fn wake_at(
    agent: &Agent,
    id: &AgentId,
    facts: &TenantFacts,
    ready_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    wake_at_of(agent, facts.directory.agents.get(id)?, facts, ready_at, now)
}

/// The same for an agent whom the directory has as `person`.
pub(super) fn wake_at_of(
    agent: &Agent,
    person: &Person,
    facts: &TenantFacts,
    ready_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    // Of a closed company nothing falls due.
    if facts.directory.is_closed() {
        return None;
    }
    // Its sockets went with the actor that held them: that is to be written at once.
    if agent.is_connected() {
        return Some(agent.since);
    }
    agent.next_deadline(&Context {
        now,
        directory: &facts.directory,
        person,
        policy: &facts.policy,
        slots: &facts.slots,
        counted_available: false,
        live: Live::default(),
        reports: &Reports::default(),
        recorded: None,
        fresh_id: PauseId(0),
        ready_at,
    })
}
