//! When a change was first seen, by anybody, and when each board showed it.

use std::collections::HashMap;
use std::time::Instant;

use crate::load::fanout::{RowId, Rows, Shown};
use crate::load::latency::Latency;

/// The changes of a round, by agent and version.
#[derive(Debug, Default)]
pub(super) struct Signs {
    first: HashMap<(u32, u64), Instant>,
    /// The change that each row shows, by the row's number.
    of_row: Vec<Option<(u32, u64)>>,
    /// From the first sign to each board.
    spread: Latency,
    counting: bool,
}

impl Signs {
    /// Counts from here on.
    pub(super) fn begin(&mut self) {
        self.first.clear();
        self.of_row.fill(None);
        self.counting = true;
    }

    /// The times of the round.
    pub(super) fn take(&mut self) -> Latency {
        self.counting = false;
        std::mem::take(&mut self.spread)
    }

    /// There is a sign of a change.
    pub(super) fn seen(&mut self, agent: u32, version: u64, now: Instant) {
        self.first.entry((agent, version)).or_insert(now);
    }
}

impl Rows for Signs {
    fn met(&mut self, row: RowId, shown: &Shown, now: Instant) {
        let change = (shown.agent, shown.version);
        let at = row.0 as usize;
        self.of_row.resize(self.of_row.len().max(at + 1), None);
        self.of_row[at] = self.counting.then_some(change);
        if self.counting {
            self.seen(shown.agent, shown.version, now);
        }
    }

    fn shown(&mut self, row: RowId, now: Instant) {
        let Some(Some(change)) = self.of_row.get(row.0 as usize) else { return };
        if let Some(first) = self.first.get(change).filter(|_| self.counting) {
            self.spread.record(now - *first);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::Expected;

    #[test]
    fn a_time_is_from_the_first_sign_to_each_board() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let shown = |version| Shown { agent: 3, version, state: Expected { status: "paused".to_owned(), pause: None } };
        let mut signs = Signs::default();
        signs.met(RowId(0), &shown(1), at(0));
        signs.shown(RowId(0), at(5));
        signs.begin();
        signs.seen(3, 2, at(10));
        signs.met(RowId(1), &shown(2), at(14));
        signs.shown(RowId(1), at(14));
        signs.shown(RowId(1), at(30));
        let told = signs.take().percentiles().expect("two");
        assert_eq!(told.count, 2, "what was there before does not count");
        assert!((told.max_us / 20_000.0 - 1.0).abs() < 0.001, "{told:?}");
    }
}
