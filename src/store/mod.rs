//! Journals: the truth on disk or on a database server, and for tests in memory.
//!
//! All of them store the same forms (`stored`) in the same rows under the same chain; `encode` and
//! `decode` are shared, and an implementation only keeps rows. Nothing here knows of actors,
//! transports or the wire protocol.

mod amendments;
mod at_hand;
mod company;
pub mod copy;
mod credentials;
mod decode;
mod encode;
pub mod history;
pub mod memory;
mod open_error;
mod ops;
mod owned;
mod packed;
mod pauses;
mod postgres;
mod random;
mod reader;
mod reading;
mod recorded;
mod requests;
mod row;
mod snapshot;
#[doc(hidden)]
pub mod sql;
mod sqlite;
mod stored;
pub mod verify;

pub use company::{Company, CompanyError, read_company};
pub use history::PauseHistory;
pub use memory::MemoryJournal;
pub use open_error::OpenError;
pub use owned::{OwnedJournal, open_journal};
pub use postgres::PostgresJournal;
pub use sqlite::{DATABASE_FILE, LOCK_FILE, SqliteJournal};
