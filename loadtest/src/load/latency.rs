//! How long things took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest time that is told apart from longer ones. A client gives up long before.
const LONGEST: Duration = Duration::from_secs(120);
/// Three digits: a figure is off by 0.1 % at most, and a histogram has about 200 KiB.
const DIGITS: u8 = 3;

/// The shares of a curve: closer together towards the end, where the long times are.
pub(super) const QUANTILES: [f64; 14] =
    [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999];

/// Times, in nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Latency(Histogram<u64>);

/// What is told of them, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Percentiles {
    /// How many times were taken.
    pub(super) count: u64,
    /// Half of them were at most this long.
    pub(super) p50_us: f64,
    /// 90 % were.
    pub(super) p90_us: f64,
    /// 99 % were.
    pub(super) p99_us: f64,
    /// 99.9 % were.
    pub(super) p999_us: f64,
    /// The longest.
    pub(super) max_us: f64,
    /// The times of [`QUANTILES`], for a chart.
    #[serde(skip)]
    pub(super) curve_us: [f64; QUANTILES.len()],
}

impl Latency {
    /// No times.
    ///
    /// # Panics
    /// Never: the bounds are constants that the library accepts.
    pub(super) fn new() -> Latency {
        let longest = u64::try_from(LONGEST.as_nanos()).unwrap_or(u64::MAX);
        Latency(Histogram::new_with_bounds(1, longest, DIGITS).expect("bounds that the library accepts"))
    }

    /// Adds one.
    pub(super) fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all of another.
    ///
    /// # Panics
    /// Never: all have the same bounds.
    pub(super) fn add(&mut self, other: &Latency) {
        self.0.add(&other.0).expect("the same bounds");
    }

    /// What is told of them; none when there are none.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        if self.0.is_empty() {
            return None;
        }
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        Some(Percentiles {
            count: self.0.len(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.0.max() as f64 / 1000.0,
            curve_us: QUANTILES.map(at),
        })
    }
}

impl Default for Latency {
    fn default() -> Latency {
        Latency::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_times() {
        let mut latency = Latency::new();
        assert_eq!(latency.percentiles(), None);
        (1..=1000).for_each(|n| latency.record(Duration::from_micros(n)));
        let mut more = Latency::new();
        more.record(Duration::from_secs(3600));
        let told = latency.percentiles().expect("some");
        for (figure, exact) in [(told.p50_us, 500.0), (told.p90_us, 900.0), (told.p99_us, 990.0), (told.max_us, 1e3)] {
            assert!((figure / exact - 1.0).abs() < 0.001, "{figure} is not {exact}");
        }
        latency.add(&more);
        let told = latency.percentiles().expect("some");
        assert_eq!(told.count, 1001);
        assert!(told.max_us >= 120e6, "one that is too long counts as the longest: {told:?}");
    }
}
