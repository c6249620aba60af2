//! Instants: UTC milliseconds of the server's clock.

use std::ops::Add;
use std::time::Duration;

/// An instant in UTC milliseconds since 1970-01-01T00:00:00Z (semantics §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time from `earlier` until this instant; zero when `earlier` is not earlier.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant `span` before this one.
    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0 - millis(span))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, span: Duration) -> Timestamp {
        Timestamp(self.0 + millis(span))
    }
}

/// A span in whole milliseconds.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}

/// A span of `n` seconds.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A span of `n` minutes.
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// A span of `n` hours.
pub const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

/// Writes a span as people do, `1h30m`; parts of a second are left out.
pub fn show_span(span: Duration) -> String {
    let total = span.as_secs();
    let mut text = String::new();
    for (number, unit) in [(total / 3600, 'h'), (total / 60 % 60, 'm'), (total % 60, 's')] {
        if number > 0 {
            text.push_str(&format!("{number}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
