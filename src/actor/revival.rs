//! Revival: what a start makes of the durable state before anyone is answered.
//!
//! One `server.started` per tenant folds all sessions of before to a fresh grace; what fell due
//! while the server was down is journaled, in order, before any row is shown (semantics §5, §7).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::desk::TenantFacts;
use crate::domain::agent::{Agent, Connection, Context, Live};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, PauseId, TenantId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::domain::time::Timestamp;
use crate::ports::{
    AgentRecord, AppendError, Batch, Entry, EntryBody, Journal, ReadError, ShardHead, ShardSeq, StateChange,
    TenantSnapshot,
};

/// How many agents' late events one batch carries: large enough that the syncs do not count,
/// small enough that no statement grows without measure.
const LATE_BATCH_AGENTS: usize = 1000;

/// Why the durable state could not be taken up.
#[derive(Debug, thiserror::Error)]
pub enum RevivalError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The start could not be recorded.
    #[error("the start of the server could not be recorded: {0}")]
    Append(#[from] AppendError),
}

/// A shard, ready to be served.
pub(super) struct RevivedShard {
    pub(super) head: ShardHead,
    pub(super) tenants: Vec<RevivedTenant>,
}

/// A tenant, ready to be served.
pub(super) struct RevivedTenant {
    pub(super) id: TenantId,
    pub(super) head: TenantSeq,
    pub(super) facts: TenantFacts,
    pub(super) agents: BTreeMap<AgentId, RevivedAgent>,
}

/// An agent's state, with the number of its last event.
pub(super) struct RevivedAgent {
    pub(super) record: Arc<AgentRecord>,
    pub(super) last_seq: TenantSeq,
}

/// The stored states with the last `server.started` folded into those that are older than it.
pub(super) fn current_states(tenant: &TenantSnapshot) -> Vec<(AgentId, Arc<AgentRecord>)> {
    tenant
        .states
        .iter()
        .map(|row| (row.agent.clone(), Arc::new(current(row.record.clone(), row.last_seq, tenant))))
        .collect()
}

fn current(mut record: AgentRecord, last_seq: TenantSeq, tenant: &TenantSnapshot) -> AgentRecord {
    if let Some((seq, event)) = &tenant.server_started
        && last_seq < *seq
        && let TenantEventBody::ServerStarted { grace_until } = &event.body
    {
        record.agent.on_server_started(event.at, *grace_until);
    }
    record
}

/// Takes up one shard.
///
/// # Errors
/// [`RevivalError`] when the store cannot be read or written.
pub(super) async fn revive(
    journal: &dyn Journal,
    head: ShardHead,
    ready_at: Timestamp,
) -> Result<RevivedShard, RevivalError> {
    let snapshot = journal.snapshot(head.shard).await?;
    let mut shard = RevivedShard { head: snapshot.head, tenants: Vec::new() };
    for tenant in &snapshot.tenants {
        shard.tenants.push(take_up(tenant, ready_at));
    }
    record_start(journal, &mut shard, ready_at).await?;
    record_late(journal, &mut shard, ready_at).await?;
    Ok(shard)
}

fn take_up(tenant: &TenantSnapshot, ready_at: Timestamp) -> RevivedTenant {
    let grace_until = ready_at + tenant.directory.tenant.connection_grace;
    let agents = tenant.states.iter().map(|row| {
        let mut record = current(row.record.clone(), row.last_seq, tenant);
        record.agent.on_server_started(ready_at, grace_until);
        (row.agent.clone(), RevivedAgent { record: Arc::new(record), last_seq: row.last_seq })
    });
    RevivedTenant {
        id: tenant.directory.tenant.id.clone(),
        head: tenant.head,
        facts: TenantFacts { directory: Arc::clone(&tenant.directory), policy: Arc::clone(&tenant.policy) },
        agents: agents.collect(),
    }
}

async fn record_start(
    journal: &dyn Journal,
    shard: &mut RevivedShard,
    ready_at: Timestamp,
) -> Result<(), RevivalError> {
    let mut entries = Vec::new();
    for tenant in &mut shard.tenants {
        tenant.head = tenant.head.next();
        let grace_until = ready_at + tenant.facts.directory.tenant.connection_grace;
        let event = TenantEvent {
            at: ready_at,
            actor: Actor::System,
            cause: Cause::ServerStarted,
            body: TenantEventBody::ServerStarted { grace_until },
        };
        let body = EntryBody::Tenant { event: Arc::new(event), definition: None };
        entries.push(Entry { tenant: tenant.id.clone(), seq: tenant.head, body });
    }
    append(journal, &mut shard.head, entries, Vec::new()).await
}

async fn record_late(journal: &dyn Journal, shard: &mut RevivedShard, ready_at: Timestamp) -> Result<(), RevivalError> {
    let RevivedShard { head, tenants } = shard;
    for tenant in tenants {
        let (mut entries, mut states) = (Vec::new(), Vec::new());
        for (agent, revived) in &mut tenant.agents {
            let Some(person) = tenant.facts.directory.agents.get(agent) else { continue };
            let context = Context {
                now: ready_at,
                directory: &tenant.facts.directory,
                person,
                policy: &tenant.facts.policy,
                live: held_open(&revived.record.agent),
                fresh_id: PauseId(0),
                ready_at,
            };
            let late = revived.record.agent.due(&context);
            if late.is_empty() {
                continue;
            }
            let mut record = (*revived.record).clone();
            for event in late {
                let agent_seq = record.agent.next_seq();
                if let Err(illegal) = record.agent.apply(&event) {
                    panic!("decided an illegal event: {illegal}");
                }
                tenant.head = tenant.head.next();
                let body = EntryBody::Agent { agent: agent.clone(), agent_seq, event: Arc::new(event) };
                entries.push(Entry { tenant: tenant.id.clone(), seq: tenant.head, body });
            }
            *revived = RevivedAgent { record: Arc::new(record), last_seq: tenant.head };
            let record = Arc::clone(&revived.record);
            states.push(StateChange { tenant: tenant.id.clone(), agent: agent.clone(), record });
            if states.len() == LATE_BATCH_AGENTS {
                append(journal, head, std::mem::take(&mut entries), std::mem::take(&mut states)).await?;
            }
        }
        append(journal, head, entries, states).await?;
    }
    Ok(())
}

/// No session is live at boot, and nobody's state says `connected` after `server.started`.
fn held_open(agent: &Agent) -> Live {
    debug_assert!(agent.connection != Connection::Connected);
    Live::default()
}

async fn append(
    journal: &dyn Journal,
    head: &mut ShardHead,
    entries: Vec<Entry>,
    states: Vec<StateChange>,
) -> Result<(), RevivalError> {
    if entries.is_empty() && states.is_empty() {
        return Ok(());
    }
    let reached = ShardSeq(head.head.0 + entries.len() as u64);
    journal.append(Batch { shard: head.shard, epoch: head.epoch, after: head.head, entries, states }).await?;
    head.head = reached;
    Ok(())
}

impl RevivedTenant {
    /// The public row of an agent, where the directory still has them.
    pub(super) fn row(&self, agent: &AgentId, revived: &RevivedAgent) -> Option<AgentView> {
        let person = self.facts.directory.agents.get(agent)?;
        Some(AgentView::public(&revived.record.agent, person, &self.facts.directory))
    }
}

/// True when the agent needs an actor: somebody is held, paused, or waited for.
pub(super) fn is_live(agent: &Agent) -> bool {
    !matches!(agent.connection, Connection::Disconnected { .. }) || agent.is_paused() || agent.pending.is_some()
}
