//! Revival: what a start makes of the durable state before anyone is answered.
//!
//! One `server.started` per tenant folds all sessions of before to a fresh grace (semantics §7). What fell due while
//! the server was down is not written here: whoever is overdue is known, is neither answered nor shown, and is woken
//! first (semantics §5), while everybody else is served.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desk::TenantFacts;
use super::registry::{Key, Registry};
use super::rest::wake_at_of;
use crate::domain::agent::{Agent, Connection};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, TenantId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::domain::slots::{Slots, Standing};
use crate::domain::time::Timestamp;
use crate::hub::SeedRow;
use crate::ports::{
    AgentRecord, AppendError, Batch, Entry, EntryBody, Journal, ReadError, ShardHead, ShardSeq, StateRow,
    TenantSnapshot,
};
use crate::sync::in_parts;

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
    /// The public rows of those whom the directory knows.
    pub(super) rows: Vec<SeedRow>,
    /// Those of whom something fell due while the server was down.
    pub(super) overdue: BTreeSet<AgentId>,
    /// Who takes which slot.
    pub(super) slots: Slots,
}

/// Takes note of what an agent is to the caps, where that is something.
pub(super) fn note_standing(standings: &mut BTreeMap<AgentId, Standing>, id: &AgentId, agent: &Agent) {
    let standing = Standing::of(agent);
    if standing != Standing::default() {
        standings.insert(id.clone(), standing);
    }
}

/// The stored states with the last `server.started` folded into those that are older than it, each with the number
/// since which it is as it is.
pub(super) fn current_states(tenant: TenantSnapshot) -> impl Iterator<Item = (AgentId, Arc<AgentRecord>, TenantSeq)> {
    let last = ServerStarted::last_of(&tenant);
    tenant.states.into_iter().map(move |row| current_state(row, last))
}

fn current_state(row: StateRow, last: Option<ServerStarted>) -> (AgentId, Arc<AgentRecord>, TenantSeq) {
    let StateRow { agent, last_seq, mut record } = row;
    let folded = last.filter(|started| last_seq < started.seq).and_then(|started| started.fold_into(&mut record));
    (agent, record, folded.unwrap_or(last_seq))
}

/// A start of the server, as it is on record.
#[derive(Clone, Copy)]
struct ServerStarted {
    seq: TenantSeq,
    at: Timestamp,
    grace_until: Timestamp,
}

impl ServerStarted {
    fn last_of(tenant: &TenantSnapshot) -> Option<ServerStarted> {
        let (seq, event) = tenant.server_started.as_ref()?;
        match event.body {
            TenantEventBody::ServerStarted { grace_until } => {
                Some(ServerStarted { seq: *seq, at: event.at, grace_until })
            }
            TenantEventBody::PolicyPublished { .. }
            | TenantEventBody::PolicyPlanned { .. }
            | TenantEventBody::DirectoryChanged { .. } => None,
        }
    }

    /// Folds it in; answers with its number where that changed something.
    fn fold_into(self, record: &mut Arc<AgentRecord>) -> Option<TenantSeq> {
        // A state that is none of its business is not copied.
        let works = record.agent.occupancy.is_some();
        if matches!(record.agent.connection, Connection::Disconnected { .. }) && !works {
            return None;
        }
        let record = Arc::make_mut(record);
        let before = record.agent.connection;
        record.agent.on_server_started(self.at, self.grace_until);
        (works || record.agent.connection != before).then_some(self.seq)
    }
}

/// Takes up one shard: its agents are put at rest.
///
/// # Errors
/// [`RevivalError`] when the store cannot be read or written.
pub(super) async fn revive(
    journal: &dyn Journal,
    head: ShardHead,
    ready_at: Timestamp,
    registry: &Registry,
) -> Result<RevivedShard, RevivalError> {
    let snapshot = journal.snapshot(head.shard).await?;
    let tenants = snapshot.tenants.into_iter().map(|tenant| take_up(tenant, ready_at, registry)).collect();
    let mut shard = RevivedShard { head: snapshot.head, tenants };
    record_start(journal, &mut shard, ready_at).await?;
    Ok(shard)
}

fn take_up(tenant: TenantSnapshot, ready_at: Timestamp, registry: &Registry) -> RevivedTenant {
    let id = tenant.directory.tenant.id.clone();
    let (directory, policy) = (Arc::clone(&tenant.directory), Arc::clone(&tenant.policy));
    let plans = Arc::clone(&tenant.plans);
    let mut facts = TenantFacts { directory, policy, plans, slots: Arc::default() };
    // The number of this start: its event is recorded before anybody is shown.
    let start = Start { tenant: &id, seq: tenant.head.next(), at: ready_at, facts: &facts, registry };
    let before = ServerStarted::last_of(&tenant);
    let parts = in_parts(tenant.states, |states| {
        start.take_up_agents(states.into_iter().map(|row| current_state(row, before)).collect())
    });
    let head = start.seq;
    let (mut rows, mut overdue, mut standings) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    for part in parts {
        rows.extend(part.rows);
        overdue.extend(part.overdue);
        standings.extend(part.standings);
    }
    let slots = Slots::new(standings, &facts.policy, &facts.directory);
    facts.slots = Arc::clone(slots.counts());
    RevivedTenant { id, head, facts, rows, overdue, slots }
}

/// Some agents, put at rest: what is left of them to tell, in their order.
#[derive(Default)]
struct Part {
    rows: Vec<SeedRow>,
    overdue: Vec<AgentId>,
    standings: BTreeMap<AgentId, Standing>,
}

/// This start of the server.
struct Start<'a> {
    tenant: &'a TenantId,
    seq: TenantSeq,
    at: Timestamp,
    facts: &'a TenantFacts,
    registry: &'a Registry,
}

impl Start<'_> {
    fn take_up_agents(&self, mut states: Vec<(AgentId, Arc<AgentRecord>, TenantSeq)>) -> Part {
        let directory = &self.facts.directory;
        let started =
            ServerStarted { seq: self.seq, at: self.at, grace_until: self.at + directory.tenant.connection_grace };
        // Both in the order of their agents, so that neither is searched.
        states.sort_unstable_by(|(a, _, _), (b, _, _)| a.cmp(b));
        let mut people = directory.agents.iter().peekable();
        let mut part = Part::default();
        for (id, mut record, since) in states {
            let shown_since = started.fold_into(&mut record).unwrap_or(since);
            while people.next_if(|(known, _)| **known < id).is_some() {}
            let person = people.next_if(|(known, _)| **known == id).map(|(_, person)| person);
            let wake_at = person.and_then(|person| wake_at_of(&record.agent, person, self.facts, self.at));
            if wake_at.is_some_and(|at| at <= self.at) {
                part.overdue.push(id.clone());
            }
            note_standing(&mut part.standings, &id, &record.agent);
            part.rows.extend(person.map(|person| {
                let view = Arc::new(AgentView::public(&record.agent, person, directory));
                SeedRow { agent: id.clone(), seq: shown_since, view }
            }));
            self.registry.rest(Key { tenant: self.tenant.clone(), agent: id }, record, wake_at);
        }
        part
    }
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
