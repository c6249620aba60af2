//! The wire: what clients of protocol v1 send and are sent, as `docs/protocol.md` fixes it.
//!
//! Converts between the domain and JSON, and knows no socket, no runtime and no store.

pub mod access;
pub mod board;
pub mod bodies;
pub mod close;
pub mod directory;
pub mod dry_run;
pub mod error;
pub mod event;
pub mod methods;
pub mod notifications;
pub mod occupancy;
pub mod options;
pub mod params;
pub mod person;
pub mod policy_call;
pub mod policy_read;
pub mod policy_shapes;
pub mod policy_write;
pub mod request;
pub mod rpc;
pub mod scalars;
pub mod setting;
pub mod shift;
pub mod state;
pub mod time;
pub mod words;
