//! Journals: the truth on disk, and for tests in memory.
//!
//! All of them store the same forms (`stored`) in the same rows under the same chain; `encode` and
//! `decode` are shared, and an implementation only keeps rows. Nothing here knows of actors,
//! transports or the wire protocol.

mod decode;
mod encode;
pub mod history;
pub mod memory;
mod pauses;
mod random;
mod row;
mod sqlite;
mod stored;
pub mod verify;

pub use history::PauseHistory;
pub use memory::MemoryJournal;
pub use sqlite::{DATABASE_FILE, LOCK_FILE, OpenError, SqliteJournal};
