//! The journal: the truth. What `append` has answered `Ok` for is durable.

use std::sync::Arc;

use super::BoxFuture;
use super::placement::{Epoch, ShardId, ShardSeq};
use crate::domain::access::{Credential, CredentialChange};
use crate::domain::agent::Agent;
use crate::domain::command::Actor;
use crate::domain::directory::{Directory, Person};
use crate::domain::event::{AgentEvent, TenantEvent};
use crate::domain::id::{AgentId, AgentSeq, Op, PauseId, RequestId, TenantId, TenantSeq};
use crate::domain::op::{OpMemory, OpRecord};
use crate::domain::policy::Policy;
use crate::domain::policy_plans::PolicyPlans;
use crate::domain::record::{RecordedPause, RecordedRequest};
use crate::domain::time::Timestamp;

/// An agent as it is kept: the folded facts, and the last ops beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRecord {
    /// The fold of the agent's events.
    pub agent: Agent,
    /// Its last ops.
    pub ops: OpMemory,
}

/// Appended as one, or not at all. All of one shard.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The shard.
    pub shard: ShardId,
    /// The epoch that the writer owns it under.
    pub epoch: Epoch,
    /// The shard's head that the writer knows; the entries get the numbers after it.
    pub after: ShardSeq,
    /// The events, in order. May be empty when only states change.
    pub entries: Vec<Entry>,
    /// The states that they lead to, one an agent, the last one.
    pub states: Vec<StateChange>,
}

/// One event with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Whose.
    pub tenant: TenantId,
    /// Its number within the tenant.
    pub seq: TenantSeq,
    /// The event.
    pub body: EntryBody,
}

/// An agent's event, or a tenant's.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryBody {
    /// Something happened to an agent.
    Agent {
        /// The agent.
        agent: AgentId,
        /// The event's number within the agent.
        agent_seq: AgentSeq,
        /// The event.
        event: Arc<AgentEvent>,
    },
    /// Something happened to the tenant.
    Tenant {
        /// The event.
        event: Arc<TenantEvent>,
        /// What it put in force, to be stored with it. Never read back with the event.
        definition: Option<TenantDefinition>,
    },
}

/// What a tenant's event puts in force.
#[derive(Debug, Clone, PartialEq)]
pub enum TenantDefinition {
    /// A directory version. The first one creates the tenant.
    Directory(Arc<Directory>),
    /// A directory version in which one person differs from the one before, and that person as it has them. Stored as
    /// that person alone.
    Person(Arc<Directory>, Arc<Person>),
    /// A policy version.
    Policy(Arc<Policy>),
    /// A policy version, and what is planned after it: what was published is not planned any more.
    Publication(Arc<Policy>, Arc<PolicyPlans>),
    /// What is planned for the policy. Nobody decides under it.
    Plans(Arc<PolicyPlans>),
    /// Who may come in. Nothing is decided under it, and it has no versions: each change is of one credential.
    Credentials(Arc<[CredentialChange]>),
}

/// An agent's state after a batch.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// Whose.
    pub tenant: TenantId,
    /// The agent.
    pub agent: AgentId,
    /// The state.
    pub record: Arc<AgentRecord>,
}

/// An entry as it was read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its number within the shard.
    pub shard_seq: ShardSeq,
    /// The entry; a tenant event's definition is left out.
    pub entry: Entry,
}

/// A shard's fence and head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardHead {
    /// The shard.
    pub shard: ShardId,
    /// The epoch in force.
    pub epoch: Epoch,
    /// The number of the last entry.
    pub head: ShardSeq,
}

/// A shard at one instant.
#[derive(Debug, Clone)]
pub struct ShardSnapshot {
    /// Its fence and head.
    pub head: ShardHead,
    /// The tenants on it.
    pub tenants: Vec<TenantSnapshot>,
}

/// A tenant at one instant.
#[derive(Debug, Clone)]
pub struct TenantSnapshot {
    /// The number of its last event.
    pub head: TenantSeq,
    /// When its last event was.
    pub last_at: Timestamp,
    /// The directory in force.
    pub directory: Arc<Directory>,
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// What is planned for it.
    pub plans: Arc<PolicyPlans>,
    /// The last `server.started`: its number, and the event.
    pub server_started: Option<(TenantSeq, Arc<TenantEvent>)>,
    /// How far the wall clock was ahead of the server's, in milliseconds, by the last `clock.stepped` since then; 0 where
    /// there is none.
    pub clock_ahead_ms: i64,
    /// Who may come in.
    pub credentials: Arc<[Credential]>,
    /// The states of all agents that ever had an event.
    pub states: Vec<StateRow>,
}

/// One stored state.
#[derive(Debug, Clone, PartialEq)]
pub struct StateRow {
    /// The agent.
    pub agent: AgentId,
    /// The tenant's number of the agent's last event; a later `server.started` is not folded in.
    pub last_seq: TenantSeq,
    /// The state. Shared: it is large, and stays where it is from here to the registry.
    pub record: Arc<AgentRecord>,
}

/// Why an append has no success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else owns the shard, or wrote to it. Nothing was written; what is in memory is old.
    #[error("the shard is owned by another writer")]
    Fenced,
    /// It may or may not have been written: read the head to know.
    #[error("the outcome of the append is unknown: {0}")]
    Unknown(String),
    /// Nothing was written.
    #[error("the store is out of reach: {0}")]
    Unavailable(String),
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store is out of reach; ask again.
    #[error("the store is out of reach: {0}")]
    Unavailable(String),
    /// A row cannot be read as what it should be.
    #[error("the store is damaged at {place}: {why}")]
    Damaged {
        /// Which row, for a person to look at.
        place: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The store as the core sees it.
pub trait Journal: Send + Sync + 'static {
    /// Appends a batch: all or nothing, durable when `Ok`. At most one is in flight per shard.
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<(), AppendError>>;

    /// A shard's head, definitions and states, of one instant.
    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>>;

    /// Up to `max` entries of a shard with numbers above `after`, in order.
    fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>>;

    /// The fence and head of every shard that has a tenant.
    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>>;

    /// The fence and head of one shard, whether or not it has a tenant. As with [`Journal::heads`], no append without an
    /// answer is on its way any more when it is told.
    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>>;

    /// Why nothing can be written any more until the store is opened anew; none while it can.
    fn broken(&self) -> Option<String> {
        None
    }

    /// True while something makes it doubtful that the store can be reached, or is still this process's: an append,
    /// be it of nothing, tells.
    fn is_in_doubt(&self) -> bool {
        false
    }

    /// A pause of a tenant as it is on record, with all that a correction of it looks at.
    fn find_pause<'a>(
        &'a self,
        tenant: &'a TenantId,
        pause: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>>;

    /// A request of an agent of the tenant that was made since an instant, with what became of it.
    fn find_request<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RequestId,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>>;

    /// The record of an op of this principal for this agent, from the journal.
    fn find_op<'a>(
        &'a self,
        tenant: &'a TenantId,
        agent: &'a AgentId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>>;

    /// The change of the tenant's that this principal made under an op, the last one.
    fn find_change<'a>(
        &'a self,
        tenant: &'a TenantId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>>;
}
