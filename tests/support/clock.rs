//! A clock on tokio's time: with time paused, hours pass as soon as everybody waits.

use std::time::Duration;

use intervalo::domain::time::Timestamp;
use intervalo::ports::{BoxFuture, Clock};
use tokio::time::Instant;

/// When the tests begin: 2026-11-22T09:00:00Z.
pub(crate) const BEGIN: Timestamp = Timestamp(1_795_338_000_000);

/// Tells tokio's time as an instant from [`BEGIN`].
pub(crate) struct TokioClock {
    origin: Instant,
}

impl TokioClock {
    /// A clock that reads [`BEGIN`].
    #[expect(clippy::disallowed_methods, reason = "a clock")]
    pub(crate) fn new() -> TokioClock {
        TokioClock { origin: Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "a clock")]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        BEGIN + self.origin.elapsed()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let after = Duration::from_millis(u64::try_from(at.0 - BEGIN.0).unwrap_or(0));
        Box::pin(tokio::time::sleep_until(self.origin + after))
    }
}
