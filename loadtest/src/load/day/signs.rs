//! When a change was first seen, in a reply or on any board, and how long after it came to each board.

use std::time::Instant;

use crate::load::fanout::{RowId, Rows, Shown};
use crate::load::latency::Latency;

/// The rows of a day.
#[derive(Debug)]
pub(super) struct Signs {
    /// When each row was first seen, by its number.
    first: Vec<Instant>,
    /// The version of each agent that was last told in a reply, and when.
    replied: Vec<(u64, Instant)>,
    /// What comes now is told to a board that was there before.
    pub(super) counts: bool,
    spread: Latency,
}

impl Signs {
    /// Nothing was seen of so many agents.
    pub(super) fn of(agents: usize) -> Signs {
        Signs { first: Vec::new(), replied: vec![(0, Instant::now()); agents], counts: false, spread: Latency::new() }
    }

    /// A reply told an agent of a version.
    pub(super) fn replied(&mut self, agent: usize, version: u64, now: Instant) {
        self.replied[agent] = (version, now);
    }

    /// The times since the last time, which are then forgotten.
    pub(super) fn take(&mut self) -> Latency {
        std::mem::take(&mut self.spread)
    }
}

impl Rows for Signs {
    fn met(&mut self, row: RowId, shown: &Shown, now: Instant) {
        let replied = self.replied.get(shown.agent as usize).filter(|(version, _)| *version == shown.version);
        let seen = replied.map_or(now, |(_, at)| *at);
        let at = row.0 as usize;
        self.first.resize(self.first.len().max(at + 1), now);
        self.first[at] = seen;
    }

    fn shown(&mut self, row: RowId, now: Instant) {
        if let Some(first) = self.first.get(row.0 as usize).filter(|_| self.counts) {
            self.spread.record(now.saturating_duration_since(*first));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::Expected;

    #[test]
    fn a_time_is_from_the_first_sign_to_each_board_that_was_there() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let shown = |version| Shown { agent: 1, version, state: Expected { status: "paused".to_owned(), pause: None } };
        let mut signs = Signs::of(2);
        signs.met(RowId(0), &shown(1), at(0));
        signs.shown(RowId(0), at(5));
        signs.counts = true;
        signs.replied(1, 2, at(10));
        signs.met(RowId(1), &shown(2), at(14));
        signs.shown(RowId(1), at(14));
        signs.shown(RowId(1), at(30));
        let told = signs.take().percentiles().expect("two");
        assert_eq!(told.count, 2, "a snapshot does not count");
        assert!((told.max_us / 20_000.0 - 1.0).abs() < 0.001, "{told:?}");
        assert_eq!(signs.take().percentiles(), None);
    }
}
