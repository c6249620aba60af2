//! What threads share: locks, atomics, maps, the start of tasks.
//!
//! With the feature `interleavings` the same names are shuttle's, whose scheduler decides at each of
//! them who runs next: `tests/interleavings` drives the real hub, desks, sequencers and actors
//! through thousands of orders that no clock would produce. A normal build is not touched: there the
//! names are those of std, arc-swap, dashmap and tokio-util, and the functions are empty.
//! Only `in_parts` and `RarelySwapped` are the same in both. The threads of the former are not under the scheduler, so lists there
//! stay too short for it to start any.

#[cfg(feature = "interleavings")]
mod controlled;
mod in_parts;
#[cfg(not(feature = "interleavings"))]
mod plain;
mod queue;

#[cfg(feature = "interleavings")]
pub(crate) use controlled::{
    ArcSwap, AtomicBool, AtomicU64, DashMap, Entry, Mutex, MutexGuard, RwLock, may_switch, planted, spawn_on,
};
#[cfg(feature = "interleavings")]
pub use controlled::{Planted, plant};
#[cfg(not(feature = "interleavings"))]
pub(crate) use plain::{
    ArcSwap, AtomicBool, AtomicU64, DashMap, Entry, Mutex, MutexGuard, RwLock, may_switch, planted, spawn_on,
};

/// The same in both builds: for what is replaced so rarely that the tests of interleavings do not look at it, and is read so
/// often that a place to switch at each read would leave them fewer orders for what they do look at.
pub(crate) use arc_swap::ArcSwap as RarelySwapped;

pub(crate) use in_parts::in_parts;
pub use queue::{NotTaken, Receiver, Sender, queue};

/// Races that a test may plant, to see that they would be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Race {
    /// The sequencer takes an append whatever directory and policy it was decided under.
    GuardsIgnored,
    /// The sequencer takes a start whether or not the caps leave room for it.
    SlotsIgnored,
    /// Nobody is told that it is their turn in a line.
    TurnUntold,
    /// An actor of before may append after its shard was lost and taken up again.
    IncarnationIgnored,
    /// An actor that goes to rest asks its state for its deadline before others see it at rest.
    WakeAskedBefore,
    /// An actor goes to rest without answering what came in meanwhile.
    MailboxDropped,
}
