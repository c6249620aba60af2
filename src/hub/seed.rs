//! What a tenant's rows begin with, and what repairs them: rows made from stored states.

use std::sync::Arc;

use crate::domain::event::TenantEventBody;
use crate::domain::id::{AgentId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::ports::TenantSnapshot;

/// One agent's public row, with the number of the event that it last changed by, or a later one.
#[derive(Debug, Clone)]
pub struct SeedRow {
    /// The agent.
    pub agent: AgentId,
    /// The tenant's number since which the row is as it is, at the latest.
    pub seq: TenantSeq,
    /// The row.
    pub view: Arc<AgentView>,
}

/// The public rows of a stored tenant, a later `server.started` folded in. An agent without a row
/// in the store has none here; one that the directory does not know is left out.
pub fn seed_rows(snapshot: &TenantSnapshot) -> Vec<SeedRow> {
    let row = |state: &crate::ports::StateRow| {
        let person = snapshot.directory.agents.get(&state.agent)?;
        let mut agent = state.record.agent.clone();
        let mut seq = state.last_seq;
        if let Some((started_seq, event)) = &snapshot.server_started
            && state.last_seq < *started_seq
            && let TenantEventBody::ServerStarted { grace_until, .. } = event.body
        {
            agent.on_server_started(event.at, grace_until);
            seq = *started_seq;
        }
        let view = Arc::new(AgentView::public(&agent, person, &snapshot.directory));
        Some(SeedRow { agent: state.agent.clone(), seq, view })
    };
    snapshot.states.iter().filter_map(row).collect()
}
