//! What the doors need of the pause history. The store answers it; a test may.

use crate::ports::{BoxFuture, ReadError};
use crate::store::history::{self, PauseFilter, PauseKey, PausePage};

/// Reads the pause history.
pub trait PauseHistory: Send + Sync + 'static {
    /// Up to `limit` pauses after a key, by start and id. Protected ones are never among them.
    fn page<'a>(
        &'a self,
        filter: &'a PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<PausePage, ReadError>>;
}

impl PauseHistory for history::PauseHistory {
    fn page<'a>(
        &'a self,
        filter: &'a PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<PausePage, ReadError>> {
        Box::pin(self.page(filter, after, limit))
    }
}
