//! Agents and boards for Intervalo that speak only the public protocol (`docs/protocol.md`).
//!
//! Used by the demo, by the tests of the whole server and by the load test. Nothing here knows the server's types: a
//! client is written against the contract, so that the contract is what is tested.
//!
//! - [`Client`]: JSON-RPC over a WebSocket, with time limits and bounded queues.
//! - [`AgentDriver`]: one agent living a small random day, the same one for the same seed.
//! - [`BoardWatcher`]: a dashboard that checks every frame, and [`Board`], its pure part.
//! - [`check`]: holds a board's table against what the agents know of themselves.
//! - `load`: the load test as a program, on Linux.

mod agent;
mod board;
pub mod check;
mod client;
#[cfg(target_os = "linux")]
pub mod load;
mod random;
mod row;
mod watcher;

pub use agent::{AgentDriver, AgentReport, Pace};
pub use board::{AGENTS_PER_PART_MAX, Board, RowChange, VIOLATIONS_MAX, Violation};
pub use client::{
    CALL_TIMEOUT, CallError, Caller, Client, ConnectError, Ended, FRAME_BYTES_MAX, NOTIFICATIONS_MAX, Notification,
    RpcError, Socket, open_socket,
};
pub use random::Random;
pub use row::{Row, RowActor, RowPause};
pub use watcher::{BoardWatcher, Teams, WatchError};
