//! One actor per agent who is connected or asked, one desk per tenant, one sequencer per shard.
//!
//! The actor decides, the sequencer orders and commits, and only what is durable becomes state. It
//! knows no protocol, no sockets and no store beyond the `Journal` port.

mod agent;
mod closing;
pub mod core;
pub mod desk;
mod draft;
mod founding;
pub(crate) mod handle;
mod lines;
mod overdue;
mod recall;
mod recent_people;
mod refusals;
mod registry;
mod reply;
mod rest;
mod revival;
pub mod session;
mod shard;
mod told;

pub use closing::ShutDoors;
pub use core::{Core, CoreParts};
pub use desk::{Desk, TenantFacts};
pub use founding::{Founding, Welcome};
pub use reply::{CommandError, Reply};
pub use session::{Notice, SessionLink};
