//! `intervalo verify`: does the evidence add up. Reads only, beside a running server or without one.
//!
//! Found is any edit, deletion, insertion or reordering of the journal up to the stored heads: the
//! chain of each tenant, the density of all numbers, the heads, the definitions, the projection of
//! pauses, the people and texts that are still there, and that each state is the fold of its events.
//! Somebody who can rewrite the whole file, heads and all, with new hashes, is not found by this alone.

mod checker;
mod database;

pub(crate) use checker::Checker;
pub use checker::{Fault, Summary, TenantSummary};
pub(crate) use database::tenant_heads;
pub use database::verify;
