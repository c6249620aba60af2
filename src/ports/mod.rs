//! The seams: what the core needs of a store, of an owner's election, of a bus and of a clock.
//!
//! Only traits and their types live here. Each has a single-node form that is used for real, and
//! forms for tests that fail on purpose.

mod bus;
mod clock;
mod journal;
mod placement;

use std::future::Future;
use std::pin::Pin;

pub use bus::{Bus, Committed, Delivery, Feed, FeedRow, Subscription};
pub use clock::{Clock, ClockLook, ClockStep};
pub use journal::{
    AgentRecord, AppendError, Batch, Entry, EntryBody, Journal, ReadError, ShardHead, ShardSnapshot, StateChange,
    StateRow, Stored, TenantDefinition, TenantSnapshot,
};
pub use placement::{Epoch, NodeId, Owner, Placement, SHARDS, ShardId, ShardSeq};

/// A boxed future, so that the traits can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
