//! The clock: the one place where time enters.

use super::BoxFuture;
use crate::domain::time::Timestamp;

/// Tells the time, and waits for an instant.
pub trait Clock: Send + Sync + 'static {
    /// The present instant; never earlier than one told before.
    fn now(&self) -> Timestamp;

    /// Completes once `now() >= at`; never before.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;
}
