//! How long a request may take: as long as an answer should, unless it is known to be longer work.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

/// How long a request may take in all. Storage that is out of reach is answered sooner (promise B4).
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// How long one may that goes through all that is on record: tens of millions of events.
const LONG_REQUEST_TIME_MAX: Duration = Duration::from_secs(600);

/// How long one request may take; whoever answers it may ask for more.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience(Arc<AtomicBool>);

impl Patience {
    /// What is asked for goes through all that is on record.
    pub(super) fn for_long_work(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// What is answered; none when it takes longer than it may.
    pub(super) async fn bound<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = pin!(answer);
        if let Ok(answered) = timeout(REQUEST_TIME_MAX, answer.as_mut()).await {
            return Some(answered);
        }
        if !self.0.load(Ordering::Acquire) {
            return None;
        }
        timeout(LONG_REQUEST_TIME_MAX - REQUEST_TIME_MAX, answer).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_has_ten_seconds_and_long_work_ten_minutes() {
        for (is_long, time) in [(false, REQUEST_TIME_MAX), (true, LONG_REQUEST_TIME_MAX)] {
            let patience = Patience::default();
            if is_long {
                patience.clone().for_long_work();
            }
            let lasts = |time| timeout(time, std::future::pending::<()>());
            let a_moment = Duration::from_millis(1);
            assert!(patience.bound(lasts(time - a_moment)).await.is_some(), "what is answered in time is answered");
            assert!(patience.bound(lasts(time + a_moment)).await.is_none(), "and what is not is given up");
        }
    }
}
