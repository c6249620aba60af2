//! The bus: carries committed changes to whoever shows them. It may lose anything; what it lost is
//! found by the numbers and read from the journal.

use std::sync::Arc;

use super::BoxFuture;
use super::placement::ShardId;
use crate::domain::directory::Directory;
use crate::domain::id::{AgentId, TenantId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::domain::time::Timestamp;

/// What travels on a tenant's feed.
#[derive(Debug, Clone)]
pub enum Feed {
    /// Events became durable.
    Committed(Arc<Committed>),
    /// Nothing new; the tenant's head, so that a gap is noticed when all is quiet.
    Head(TenantSeq),
    /// Since when the store is out of reach.
    Stale(Timestamp),
    /// The store is back.
    Fresh,
}

/// The events `(from, to]` of a tenant became durable.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The tenant's head before.
    pub from: TenantSeq,
    /// The tenant's head after.
    pub to: TenantSeq,
    /// The public rows that they led to, one an agent, the last one.
    pub rows: Vec<FeedRow>,
    /// More is on its way to the shard's journal already, of this tenant or another: whoever tells many may tell both at once. A hint, of which
    /// nothing is promised.
    pub more: bool,
    /// The directory, when it changed: all rows are to be looked at anew.
    pub directory: Option<Arc<Directory>>,
}

/// One agent's public row.
#[derive(Debug, Clone)]
pub struct FeedRow {
    /// The agent.
    pub agent: AgentId,
    /// The row.
    pub view: Arc<AgentView>,
}

/// One end of a feed.
#[derive(Debug)]
pub enum Delivery {
    /// The next message.
    Message(Feed),
    /// Messages were dropped here.
    Missed,
}

/// Reads a feed.
pub trait Subscription: Send + 'static {
    /// The next delivery; `None` when the bus has closed. Cancel-safe: dropping the future loses
    /// nothing.
    fn next(&mut self) -> BoxFuture<'_, Option<Delivery>>;
}

/// Carries feeds; at most once: it may drop, duplicate and reorder.
pub trait Bus: Send + Sync + 'static {
    /// Hands a message to whoever subscribes to the tenant's feed. Never waits.
    fn publish(&self, shard: ShardId, tenant: &TenantId, message: Feed);

    /// Begins to read a tenant's feed.
    fn subscribe(&self, shard: ShardId, tenant: &TenantId) -> Box<dyn Subscription>;
}
