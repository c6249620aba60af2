//! Stopwatches, and the figures that come of many rounds.

use std::time::Instant;

/// A stopwatch.
#[derive(Clone, Copy)]
pub(crate) struct Watch(Instant);

#[expect(clippy::disallowed_methods, reason = "what is measured here is real time")]
impl Watch {
    pub(crate) fn start() -> Watch {
        Watch(Instant::now())
    }

    pub(crate) fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// One figure, taken many times.
pub(crate) struct Series {
    name: &'static str,
    taken: Vec<f64>,
}

impl Series {
    pub(crate) fn new(name: &'static str) -> Series {
        Series { name, taken: Vec::new() }
    }

    pub(crate) fn take(&mut self, figure: f64) {
        self.taken.push(figure);
    }

    /// The middle one.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.taken.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl std::fmt::Display for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sorted = self.sorted();
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
            return write!(f, "{}: none", self.name);
        };
        let (name, median, n) = (self.name, self.median(), sorted.len());
        write!(f, "{name}: median {median:.3} (min {least:.3}, max {most:.3}, n = {n})")
    }
}
