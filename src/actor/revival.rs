//! Revival: what a start makes of the durable state before anyone is answered.
//!
//! One `server.started` per tenant folds all sessions of before to a fresh grace (semantics §7). What fell due while
//! the server was down is not written here: whoever is overdue is known, is neither answered nor shown, and is woken
//! first (semantics §5), while everybody else is served.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::desk::TenantFacts;
use super::recent_people::RecentPeople;
use super::registry::{Key, Registry};
use super::rest::wake_at_of;
use crate::domain::access::Credential;
use crate::domain::agent::{Agent, Connection};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, TenantId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::domain::slots::{Slots, Standing};
use crate::domain::time::Timestamp;
use crate::hub::SeedRow;
use crate::ports::{
    AgentRecord, AppendError, Batch, Entry, EntryBody, Journal, ReadError, ShardHead, ShardSeq, StateChange, StateRow,
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
    /// Who may come in.
    pub(super) credentials: Arc<[Credential]>,
    /// The public rows of those whom the directory knows.
    pub(super) rows: Vec<SeedRow>,
    /// Those of whom something fell due while the server was down.
    pub(super) overdue: BTreeSet<AgentId>,
    /// Who takes which slot.
    pub(super) slots: Slots,
    /// The event of this start.
    start: Arc<TenantEvent>,
    /// Whoever has something that runs while the clock moves with this start.
    moved: Vec<StateChange>,
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
    /// Who was moved with the clock by it has a state that is as new as it, so that only the grace is left to fold.
    fn last_of(tenant: &TenantSnapshot) -> Option<ServerStarted> {
        let (seq, event) = tenant.server_started.as_ref()?;
        match event.body {
            TenantEventBody::ServerStarted { grace_until, .. } => {
                Some(ServerStarted { seq: *seq, at: event.at, grace_until })
            }
            TenantEventBody::ClockStepped { .. }
            | TenantEventBody::PolicyPublished { .. }
            | TenantEventBody::PolicyPlanned { .. }
            | TenantEventBody::DirectoryChanged { .. }
            | TenantEventBody::Closing { .. }
            | TenantEventBody::Access(_) => None,
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
    record_start(journal, &mut shard).await?;
    Ok(shard)
}

fn take_up(tenant: TenantSnapshot, ready_at: Timestamp, registry: &Registry) -> RevivedTenant {
    let id = tenant.directory.tenant.id.clone();
    let (directory, policy) = (Arc::clone(&tenant.directory), Arc::clone(&tenant.policy));
    let (plans, credentials) = (Arc::clone(&tenant.plans), Arc::clone(&tenant.credentials));
    let mut facts = TenantFacts { directory, policy, plans, slots: Arc::default(), people: RecentPeople::default() };
    // The number of this start: its event is recorded before anybody is shown.
    let moved = moved_by(&tenant, ready_at);
    let start = Start { tenant: &id, seq: tenant.head.next(), at: ready_at, moved, facts: &facts, registry };
    let event = start.event();
    let before = ServerStarted::last_of(&tenant);
    let parts = in_parts(tenant.states, |states| {
        start.take_up_agents(states.into_iter().map(|row| current_state(row, before)).collect())
    });
    let head = start.seq;
    let (mut rows, mut overdue, mut standings) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    let mut moved = Vec::new();
    for part in parts {
        rows.extend(part.rows);
        overdue.extend(part.overdue);
        moved.extend(part.moved);
        standings.extend(part.standings);
    }
    let slots = Slots::new(standings, &facts.policy, &facts.directory);
    facts.slots = Arc::clone(slots.counts());
    RevivedTenant { id, head, facts, credentials, rows, overdue, slots, start: Arc::new(event), moved }
}

/// How far this start puts the clock forward beyond the time that passed: by what the wall clock was ahead of the server's
/// when it was last seen to be stepped (semantics §2). Not by more than there is between the last event and now: where the
/// wall clock was set back meanwhile, the clock goes on from there.
fn moved_by(tenant: &TenantSnapshot, ready_at: Timestamp) -> Duration {
    let ahead = Duration::from_millis(u64::try_from(tenant.clock_ahead_ms).unwrap_or(0));
    ahead.min(ready_at.since(tenant.last_at))
}

/// Some agents, put at rest: what is left of them to tell, in their order.
#[derive(Default)]
struct Part {
    rows: Vec<SeedRow>,
    overdue: Vec<AgentId>,
    moved: Vec<StateChange>,
    standings: BTreeMap<AgentId, Standing>,
}

/// This start of the server.
struct Start<'a> {
    tenant: &'a TenantId,
    seq: TenantSeq,
    at: Timestamp,
    moved: Duration,
    facts: &'a TenantFacts,
    registry: &'a Registry,
}

impl Start<'_> {
    fn grace_until(&self) -> Timestamp {
        self.at + self.facts.directory.tenant.connection_grace
    }

    fn event(&self) -> TenantEvent {
        let body = TenantEventBody::ServerStarted { grace_until: self.grace_until(), moved: self.moved };
        TenantEvent { at: self.at, actor: Actor::System, cause: Cause::ServerStarted, op: None, body }
    }

    /// Moves what runs with the clock; true when it makes a difference.
    fn moves(&self, record: &mut Arc<AgentRecord>) -> bool {
        !self.moved.is_zero() && Arc::make_mut(record).agent.on_clock_moved(self.moved)
    }

    fn take_up_agents(&self, mut states: Vec<(AgentId, Arc<AgentRecord>, TenantSeq)>) -> Part {
        let directory = &self.facts.directory;
        let started = ServerStarted { seq: self.seq, at: self.at, grace_until: self.grace_until() };
        // Both in the order of their agents, so that neither is searched.
        states.sort_unstable_by(|(a, _, _), (b, _, _)| a.cmp(b));
        let mut people = directory.agents.iter().peekable();
        let mut part = Part::default();
        for (id, mut record, since) in states {
            let moved = self.moves(&mut record);
            let folded = started.fold_into(&mut record);
            let shown_since = folded.or(moved.then_some(self.seq)).unwrap_or(since);
            while people.next_if(|(known, _)| **known < id).is_some() {}
            let person = people.next_if(|(known, _)| **known == id).map(|(_, person)| person);
            let wake_at = person.and_then(|person| wake_at_of(&record.agent, person, self.facts, self.at, self.at));
            if wake_at.is_some_and(|at| at <= self.at) {
                part.overdue.push(id.clone());
            }
            note_standing(&mut part.standings, &id, &record.agent);
            part.rows.extend(person.map(|person| {
                let view = Arc::new(AgentView::public(&record.agent, person, directory));
                SeedRow { agent: id.clone(), seq: shown_since, view }
            }));
            if moved {
                let (tenant, record) = (self.tenant.clone(), Arc::clone(&record));
                part.moved.push(StateChange { tenant, agent: id.clone(), record });
            }
            self.registry.rest(Key { tenant: self.tenant.clone(), agent: id }, record, wake_at);
        }
        part
    }
}

/// Journals the start, once for each tenant.
async fn record_start(journal: &dyn Journal, shard: &mut RevivedShard) -> Result<(), RevivalError> {
    let entries: Vec<Entry> = shard.tenants.iter().map(start_of).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let states = shard.tenants.iter_mut().flat_map(|tenant| std::mem::take(&mut tenant.moved)).collect();
    let ShardHead { shard: id, epoch, head: after } = shard.head;
    let reached = ShardSeq(after.0 + entries.len() as u64);
    journal.append(Batch { shard: id, epoch, after, entries, states }).await?;
    shard.head.head = reached;
    Ok(())
}

fn start_of(tenant: &RevivedTenant) -> Entry {
    let body = EntryBody::Tenant { event: Arc::clone(&tenant.start), definition: None };
    Entry { tenant: tenant.id.clone(), seq: tenant.head, body }
}
