//! The single-node forms of the seams between nodes: a placement that owns everything, a bus that
//! never leaves the process.

mod bus;
mod placement;

pub use bus::{FEED_CAPACITY, LocalBus};
pub use placement::LocalPlacement;
