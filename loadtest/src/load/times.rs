//! Times that were taken in several rounds.

use serde::Serialize;

use super::latency::{Latency, Percentiles};
use super::spread::Spread;

/// What is told of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Times {
    /// The half of each round.
    pub(super) p50_us: Spread,
    /// The 99 % of each round.
    pub(super) p99_us: Spread,
    /// All rounds together.
    pub(super) all: Percentiles,
}

impl Times {
    /// What some rounds come to; none when one of them has no time.
    pub(super) fn of(rounds: &[&Latency]) -> Option<Times> {
        let told: Vec<Percentiles> = rounds.iter().map(|latency| latency.percentiles()).collect::<Option<_>>()?;
        let mut all = Latency::new();
        rounds.iter().for_each(|latency| all.add(latency));
        Some(Times {
            p50_us: Spread::of(told.iter().map(|told| told.p50_us))?,
            p99_us: Spread::of(told.iter().map(|told| told.p99_us))?,
            all: all.percentiles()?,
        })
    }
}
