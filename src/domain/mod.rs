//! The pure core: who is there, who is on which pause, and what the rules say of it.
//!
//! Everything here is synchronous and total and takes `now` as an argument. It knows no clock,
//! no runtime, no store and no wire format; `tests/tidy.rs` holds it to that.

pub mod access;
pub mod agent;
pub mod alert;
pub mod closing;
pub mod command;
pub mod deferral;
pub mod directory;
pub mod directory_change;
pub mod dry_run;
pub mod entitlement;
pub mod event;
pub mod export;
pub mod findings;
pub mod id;
mod line;
pub mod menu;
pub mod occupancy;
pub mod op;
pub mod overrides;
pub mod policy;
pub mod policy_check;
pub mod policy_plans;
pub mod policy_values;
pub mod policy_words;
pub mod presence;
pub mod queue;
pub mod record;
pub mod request;
pub mod role;
pub mod routable;
pub mod rules;
pub mod schedule;
pub mod shift;
pub mod shown_event;
pub mod slots;
pub mod time;
pub mod usage;
