//! The journal of whichever store an address names, owned by this process.

use std::sync::Arc;

use super::open_error::OpenError;
use super::{PostgresJournal, SqliteJournal};
use crate::config::StoreAddress;
use crate::domain::time::Timestamp;
use crate::ports::{BoxFuture, Clock, Journal, ReadError};

/// A journal that this process owns until it closes it.
pub trait OwnedJournal: Journal {
    /// When the last event on record was, so that the clock never runs behind it.
    fn last_at(&self) -> BoxFuture<'_, Result<Timestamp, ReadError>>;

    /// Answers everything that waits, and lets the store go. Later appends are answered `Unavailable`.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Opens the journal of a store and takes it over. Must run inside a tokio runtime.
///
/// # Errors
/// [`OpenError`] when another process owns it, when a newer program has been here, or when it cannot be used.
pub async fn open_journal(store: &StoreAddress, clock: Arc<dyn Clock>) -> Result<Arc<dyn OwnedJournal>, OpenError> {
    Ok(match store {
        StoreAddress::Folder(dir) => Arc::new(SqliteJournal::open(dir, clock).await?),
        StoreAddress::Postgres(address) => Arc::new(PostgresJournal::open(address, clock).await?),
    })
}

impl OwnedJournal for SqliteJournal {
    fn last_at(&self) -> BoxFuture<'_, Result<Timestamp, ReadError>> {
        Box::pin(self.last_at())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close())
    }
}

impl OwnedJournal for PostgresJournal {
    fn last_at(&self) -> BoxFuture<'_, Result<Timestamp, ReadError>> {
        Box::pin(self.last_at())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close())
    }
}
