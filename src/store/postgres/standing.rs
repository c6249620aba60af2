//! How a journal stands with its database: whether it can be reached, and whether it is still this process's.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::ports::{AppendError, ReadError};

#[derive(Debug, Default)]
pub(super) struct Standing {
    in_doubt: AtomicBool,
    breaks: AtomicU64,
    lost: OnceLock<String>,
}

impl Standing {
    /// Why nothing can be written any more; none while it can.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    pub(super) fn is_in_doubt(&self) -> bool {
        self.in_doubt.load(Ordering::Acquire) || self.lost().is_some()
    }

    /// It answered as it should.
    pub(super) fn is_fine(&self) {
        self.in_doubt.store(false, Ordering::Release);
    }

    /// It did not answer.
    pub(super) fn is_doubtful(&self) {
        self.in_doubt.store(true, Ordering::Release);
    }

    /// A connection that rested was found broken: the others may be.
    pub(super) fn has_broken(&self) {
        self.breaks.fetch_add(1, Ordering::AcqRel);
        self.is_doubtful();
    }

    /// How often that was.
    pub(super) fn breaks(&self) -> u64 {
        self.breaks.load(Ordering::Acquire)
    }

    /// Somebody else has taken it over, for good.
    pub(super) fn is_lost(&self, why: &str) {
        if self.lost.set(why.to_owned()).is_ok() {
            tracing::error!("{why}");
        }
    }

    pub(super) fn after_append(&self, answer: &Result<(), AppendError>) {
        match answer {
            Ok(()) => self.is_fine(),
            Err(AppendError::Unavailable(_) | AppendError::Unknown(_)) => self.is_doubtful(),
            // Whose it is, the holder of the lock finds out.
            Err(AppendError::Fenced) => {}
        }
    }

    pub(super) fn after_read<T>(&self, answer: &Result<T, ReadError>) {
        if matches!(answer, Err(ReadError::Unavailable(_))) {
            self.is_doubtful();
        }
    }
}
