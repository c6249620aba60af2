//! The server's clock: tokio's paused time from an instant on, and two that are wrong.

use std::time::Duration;

use intervalo::domain::time::Timestamp;
use intervalo::ports::{BoxFuture, Clock};
use tokio::time::Instant;

use super::defect::Defect;

/// By how much a wrong clock is wrong.
const WRONG_BY: Duration = Duration::from_secs(5);

/// Tells tokio's time as an instant from a beginning.
#[derive(Debug, Clone)]
pub(crate) struct SimClock {
    begin: Timestamp,
    origin: Instant,
    defect: Option<Defect>,
}

#[expect(clippy::disallowed_methods, reason = "a clock")]
impl SimClock {
    /// A clock that reads `begin` now.
    pub(crate) fn from(begin: Timestamp) -> SimClock {
        SimClock { begin, origin: Instant::now(), defect: None }
    }

    /// The same time, as the server under test reads it.
    pub(crate) fn with(&self, defect: Option<Defect>) -> SimClock {
        SimClock { defect, ..self.clone() }
    }

    /// The true time.
    pub(crate) fn now_true(&self) -> Timestamp {
        self.begin + self.origin.elapsed()
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, ms: u64) {
        tokio::time::sleep_until(Instant::now() + Duration::from_millis(ms)).await;
    }

    /// Lets time pass, but not beyond an instant; false when it is reached.
    pub(crate) async fn pass_until(&self, ms: u64, end: Timestamp) -> bool {
        let left = end.since(self.now_true());
        let passes = Duration::from_millis(ms).min(left);
        tokio::time::sleep_until(Instant::now() + passes).await;
        self.now_true() < end
    }
}

#[expect(clippy::disallowed_methods, reason = "a clock")]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let ahead = if self.defect == Some(Defect::ClockAhead) { WRONG_BY } else { Duration::ZERO };
        self.begin + self.origin.elapsed() + ahead
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let wait = at.since(self.now());
        let late = match self.defect {
            Some(Defect::WakesLate) if !wait.is_zero() => WRONG_BY,
            Some(_) | None => Duration::ZERO,
        };
        Box::pin(tokio::time::sleep_until(Instant::now() + wait + late))
    }
}
