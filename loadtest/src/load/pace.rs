//! The instants of an open loop: fixed beforehand, whatever the server does.
//!
//! What is measured from these instants, and not from when a request really went out, holds what a
//! stalled server made others wait: a load that waits for its replies would stop asking just then, and
//! would record one long time where a thousand people met it ("coordinated omission", Gil Tene).

use std::time::{Duration, Instant};

/// A fixed rate.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    start: Instant,
    per_second: f64,
    next: u64,
}

impl Pace {
    /// A rate from an instant on; the first is due then.
    pub(super) fn new(start: Instant, per_second: f64) -> Pace {
        Pace { start, per_second, next: 0 }
    }

    /// When the next one is due.
    pub(super) fn next_at(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.next as f64 / self.per_second)
    }

    /// The instant of the next one, when it has come; it is then taken.
    pub(super) fn due(&mut self, now: Instant) -> Option<Instant> {
        let at = self.next_at();
        (at <= now).then(|| {
            self.next += 1;
            at
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::latency::Latency;

    #[test]
    fn all_that_are_due_come_with_their_own_instants() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 4.0);
        assert_eq!(pace.due(start), Some(start));
        assert_eq!(pace.due(start + Duration::from_millis(249)), None);
        let late = start + Duration::from_millis(800);
        let due: Vec<Instant> = std::iter::from_fn(|| pace.due(late)).collect();
        assert_eq!(due, [250, 500, 750].map(|ms| start + Duration::from_millis(ms)));
        assert_eq!(pace.next_at(), start + Duration::from_secs(1));
    }

    /// A server that takes 1 ms for each request in turn, and once stands still for half a second. Of 10 s at
    /// 100 a second, 50 requests fall into the stall.
    #[test]
    fn a_stall_is_met_by_all_that_would_have_come_in_it() {
        let start = Instant::now();
        let millis = Duration::from_millis;
        let (stall_from, stall_until) = (start + millis(5000), start + millis(5500));
        let serve = |arrived: Instant, free_at: Instant| {
            let begun = arrived.max(free_at);
            let begun = if (stall_from..stall_until).contains(&begun) { stall_until } else { begun };
            begun + millis(1)
        };
        let mut open = Latency::new();
        let mut pace = Pace::new(start, 100.0);
        let mut free_at = start;
        while let Some(intended) = pace.due(start + millis(9999)) {
            free_at = serve(intended, free_at);
            open.record(free_at - intended);
        }
        // The same load from one client who waits for each reply and only then looks at the clock again.
        let mut waiting = Latency::new();
        let mut sent_at = start;
        while sent_at < start + millis(9999) {
            let replied_at = serve(sent_at, sent_at);
            waiting.record(replied_at - sent_at);
            sent_at = (sent_at + millis(10)).max(replied_at);
        }
        let (open, waiting) = (open.percentiles().expect("some"), waiting.percentiles().expect("some"));
        assert_eq!(open.count, 1000);
        assert!(waiting.p99_us < 2_000.0, "who waits sees the stall once: {waiting:?}");
        assert!(open.p99_us > 400_000.0, "5 % of the requests met it: {open:?}");
        assert!(open.p90_us < 2_000.0, "{open:?}");
        assert!((open.max_us / 501_000.0 - 1.0).abs() < 0.001, "{open:?}");
    }
}
