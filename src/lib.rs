//! Intervalo: a real-time presence and pause server for contact centres.
//!
//! `ARCHITECTURE.md` has the map; `domain` decides, everything else carries.

pub mod actor;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod domain;
#[doc(hidden)]
pub mod exchange;
pub mod hub;
pub mod limits;
pub mod ports;
pub mod protocol;
pub mod router;
pub mod server;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod transport;
