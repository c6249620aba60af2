//! The system clock: a wall anchor plus monotonic time. The only place that reads the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::domain::time::{Timestamp, millis};
use crate::ports::{BoxFuture, Clock};

/// Wall time as it was when the clock was made, moved on by the monotonic clock. Under tokio's
/// paused time it moves with that.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    anchor: Timestamp,
    anchored: Instant,
}

impl SystemClock {
    /// Anchors a clock at the wall time, or at `not_before` when the wall lags behind what is on
    /// record: event times never decrease.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn start(not_before: Timestamp) -> SystemClock {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(Timestamp(0), |since| Timestamp(millis(since)));
        SystemClock { anchor: wall.max(not_before), anchored: Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the time and waits for it")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Whole milliseconds, rounded down: a deadline is never told to have passed before it has.
        self.anchor + Duration::from_millis(u64::try_from(self.anchored.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let clock = *self;
        Box::pin(async move {
            loop {
                let left = at.since(clock.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_never_runs_behind_what_is_on_record() {
        let recorded = Timestamp(i64::MAX / 8);
        assert!(SystemClock::start(recorded).now() >= recorded);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_wakes_at_its_instant_and_not_before() {
        let clock = SystemClock::start(Timestamp(0));
        let at = clock.now() + Duration::from_millis(1500);
        clock.sleep_until(at).await;
        assert_eq!(clock.now(), at);
    }
}
