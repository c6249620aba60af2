//! Revival: what a start makes of the durable state before anyone is answered.
//!
//! One `server.started` per tenant folds all sessions of before to a fresh grace (semantics §7). What fell due while
//! the server was down is not written here: whoever is overdue is known, is neither answered nor shown, and is woken
//! first (semantics §5), while everybody else is served.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::desk::TenantFacts;
use super::rest::wake_at_of;
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, TenantId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::domain::time::Timestamp;
use crate::hub::SeedRow;
use crate::ports::{
    AgentRecord, AppendError, Batch, Entry, EntryBody, Journal, ReadError, ShardHead, ShardSeq, TenantSnapshot,
};

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
    pub(super) agents: Vec<RevivedAgent>,
    /// The public rows of those whom the directory knows.
    pub(super) rows: Vec<SeedRow>,
    /// Those of whom something fell due while the server was down.
    pub(super) overdue: BTreeSet<AgentId>,
}

/// An agent's state.
pub(super) struct RevivedAgent {
    pub(super) id: AgentId,
    pub(super) record: Arc<AgentRecord>,
    /// When it is to be woken.
    pub(super) wake_at: Option<Timestamp>,
}

/// The stored states with the last `server.started` folded into those that are older than it, each with the number
/// since which it is as it is.
pub(super) fn current_states(tenant: TenantSnapshot) -> impl Iterator<Item = (AgentId, AgentRecord, TenantSeq)> {
    let started = tenant.server_started.and_then(|(seq, event)| match event.body {
        TenantEventBody::ServerStarted { grace_until } => Some((seq, event.at, grace_until)),
        TenantEventBody::PolicyPublished { .. } | TenantEventBody::DirectoryChanged { .. } => None,
    });
    tenant.states.into_iter().map(move |row| {
        let (mut record, mut since) = (row.record, row.last_seq);
        if let Some((seq, at, grace_until)) = started
            && since < seq
        {
            since = started_by(&mut record, at, grace_until, seq).unwrap_or(since);
        }
        (row.agent, record, since)
    })
}

/// Folds a start of the server in; answers with its number where that changed something.
fn started_by(record: &mut AgentRecord, at: Timestamp, grace_until: Timestamp, seq: TenantSeq) -> Option<TenantSeq> {
    let before = record.agent.connection;
    record.agent.on_server_started(at, grace_until);
    (record.agent.connection != before).then_some(seq)
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
    let tenants = snapshot.tenants.into_iter().map(|tenant| take_up(tenant, ready_at)).collect();
    let mut shard = RevivedShard { head: snapshot.head, tenants };
    record_start(journal, &mut shard, ready_at).await?;
    Ok(shard)
}

fn take_up(tenant: TenantSnapshot, ready_at: Timestamp) -> RevivedTenant {
    let id = tenant.directory.tenant.id.clone();
    let facts = TenantFacts { directory: Arc::clone(&tenant.directory), policy: Arc::clone(&tenant.policy) };
    let grace_until = ready_at + facts.directory.tenant.connection_grace;
    // The number of this start: its event is recorded before anybody is shown.
    let head = tenant.head.next();
    let states = current_states(tenant).map(|(id, mut record, since)| {
        let shown_since = started_by(&mut record, ready_at, grace_until, head).unwrap_or(since);
        (id, Arc::new(record), shown_since)
    });
    // Both in the order of their agents, so that neither is searched.
    let mut states: Vec<(AgentId, Arc<AgentRecord>, TenantSeq)> = states.collect();
    states.sort_unstable_by(|(a, _, _), (b, _, _)| a.cmp(b));
    let mut people = facts.directory.agents.iter().peekable();
    let (mut agents, mut rows) = (Vec::with_capacity(states.len()), Vec::with_capacity(states.len()));
    let mut overdue = BTreeSet::new();
    for (id, record, shown_since) in states {
        while people.next_if(|(known, _)| **known < id).is_some() {}
        let person = people.next_if(|(known, _)| **known == id).map(|(_, person)| person);
        let wake_at = person.and_then(|person| wake_at_of(&record.agent, person, &facts, ready_at));
        if wake_at.is_some_and(|at| at <= ready_at) {
            overdue.insert(id.clone());
        }
        rows.extend(person.map(|person| {
            let view = Arc::new(AgentView::public(&record.agent, person, &facts.directory));
            SeedRow { agent: id.clone(), seq: shown_since, view }
        }));
        agents.push(RevivedAgent { id, record, wake_at });
    }
    RevivedTenant { id, head, facts, agents, rows, overdue }
}

/// Journals the start, once for each tenant.
async fn record_start(
    journal: &dyn Journal,
    shard: &mut RevivedShard,
    ready_at: Timestamp,
) -> Result<(), RevivalError> {
    let entries: Vec<Entry> = shard.tenants.iter().map(|tenant| start_of(tenant, ready_at)).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let ShardHead { shard: id, epoch, head: after } = shard.head;
    let reached = ShardSeq(after.0 + entries.len() as u64);
    journal.append(Batch { shard: id, epoch, after, entries, states: Vec::new() }).await?;
    shard.head.head = reached;
    Ok(())
}

fn start_of(tenant: &RevivedTenant, ready_at: Timestamp) -> Entry {
    let grace_until = ready_at + tenant.facts.directory.tenant.connection_grace;
    let event = TenantEvent {
        at: ready_at,
        actor: Actor::System,
        cause: Cause::ServerStarted,
        body: TenantEventBody::ServerStarted { grace_until },
    };
    let body = EntryBody::Tenant { event: Arc::new(event), definition: None };
    Entry { tenant: tenant.id.clone(), seq: tenant.head, body }
}
