//! `intervalo import`: a company as a TOML file, put on top of what is there.
//!
//! `file` and `pause_type` read what is written, `merge` decides what it means, `difference` tells
//! it, `write` makes it durable.

mod difference;
mod file;
mod merge;
mod merge_policy;
mod notes;
mod pause_type;
#[cfg(test)]
mod tests;
mod values;
mod write;

pub(crate) use merge::LeftOut;
pub(crate) use write::{Intent, Report, WriteError, import_text};
