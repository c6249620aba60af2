//! Placement: which node owns which shard.

use std::fmt;

use crate::domain::id::TenantId;

/// How many shards a data set has, fixed when it is created.
pub const SHARDS: u16 = 256;

/// The unit of ownership: one writer, one fence, one sequence of appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u16);

impl ShardId {
    /// The shard that a new tenant is placed on: FNV-1a (64 bit) of its id, modulo [`SHARDS`].
    /// Afterwards the stored column counts, not this function.
    pub fn of_new_tenant(tenant: &TenantId) -> ShardId {
        let hash = tenant
            .as_str()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        ShardId((hash % u64::from(SHARDS)) as u16)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How often a shard has changed hands; an append under an older one is fenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// A shard's own event number: the head of its journal. Internal; never leaves the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShardSeq(pub u64);

/// A node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeId(pub String);

/// Who owns a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This node.
    Here,
    /// Another node.
    Elsewhere(NodeId),
    /// Nobody right now; ask again.
    Nobody,
}

/// Tells who owns a shard.
pub trait Placement: Send + Sync + 'static {
    /// The owner of a shard, as far as this node knows.
    fn owner(&self, shard: ShardId) -> Owner;

    /// True while this node may act as an owner; false when its leases may have run out.
    fn lease_is_fresh(&self) -> bool;
}
