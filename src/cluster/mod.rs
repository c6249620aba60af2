//! The single-node forms of the seams between nodes: a placement that owns everything, a bus that
//! never leaves the process.

mod placement;

pub use placement::LocalPlacement;
