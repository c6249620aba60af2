//! Intervalo: a real-time presence and pause server for contact centres.
//!
//! `ARCHITECTURE.md` has the map; `domain` decides, everything else carries.

pub mod cli;
pub mod config;
pub mod domain;
pub mod ports;
