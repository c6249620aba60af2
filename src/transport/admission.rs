//! How many sockets are let in a second: after a failure everybody comes back at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::rate_limit::{Meter, Rate};
use super::websocket::reconnect_after_ms;
use crate::domain::time::Timestamp;
use crate::protocol::error::{ErrorKind, WireError};

/// Lets upgrades in at a rate. What it holds does not grow.
pub(super) struct Admission {
    rate: Option<Rate>,
    meter: Mutex<Meter>,
    turned_away: AtomicU64,
}

impl Admission {
    /// With at most so many a second, and as many at once; without a rate, all.
    pub(super) fn new(rate: Option<Rate>) -> Admission {
        Admission { rate, meter: Mutex::default(), turned_away: AtomicU64::new(0) }
    }

    /// Lets one in, or says after how long to come again: spread, so that those who are turned away together do not
    /// come together again.
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), Duration> {
        let Some(rate) = self.rate else { return Ok(()) };
        let counted = self.meter.lock().unwrap_or_else(PoisonError::into_inner).count(rate, now);
        counted.map_err(|_soonest| {
            metrics::counter!("intervalo_upgrades_put_off_total").increment(1);
            Duration::from_millis(reconnect_after_ms(self.turned_away.fetch_add(1, Ordering::Relaxed)))
        })
    }
}

/// Too many come at once.
pub(super) fn busy(retry_after: Duration) -> WireError {
    let ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
    WireError::new(ErrorKind::Unavailable, "busy", "Too many come at once; come again after the time that is told.")
        .with("retry_after_ms", ms)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// As many as may be connected all come back in the second after a crash, and each comes again when it is told.
    #[test]
    fn promise_b2_a_storm_of_all_connections_is_let_in_within_half_a_minute() {
        const CLIENTS: u64 = 60_000;
        let admission = Admission::new(Some(Rate { per_second: 2_000, burst: 2_000 }));
        let start = Timestamp(1_000_000);
        // How many come at each millisecond.
        let mut coming: BTreeMap<u64, u64> = BTreeMap::new();
        for client in 0..CLIENTS {
            *coming.entry(client % 1_000).or_default() += 1;
        }
        let (mut within, mut most_in_a_second) = (0, BTreeMap::<u64, u64>::new());
        while let Some((ms, clients)) = coming.pop_first() {
            for _ in 0..clients {
                match admission.admit(start + Duration::from_millis(ms)) {
                    Ok(()) => {
                        within += u64::from(ms <= 30_000);
                        *most_in_a_second.entry(ms / 1_000).or_default() += 1;
                    }
                    Err(wait) => {
                        let wait_ms = u64::try_from(wait.as_millis()).expect("a few seconds");
                        assert!((1_000..10_000).contains(&wait_ms), "{wait:?}");
                        *coming.entry(ms + wait_ms).or_default() += 1;
                    }
                }
            }
        }
        assert!(within * 100 >= CLIENTS * 95, "{within} of {CLIENTS} are back after 30 s");
        let most = most_in_a_second.values().max().copied().unwrap_or(0);
        assert!(most <= 4_001, "{most} in one second: the burst and the rate");
    }

    #[test]
    fn without_a_rate_all_are_let_in() {
        let admission = Admission::new(None);
        assert!((0..10_000).all(|_| admission.admit(Timestamp(0)).is_ok()));
    }
}
