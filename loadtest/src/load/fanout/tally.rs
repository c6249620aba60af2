//! Changes on their way to all boards: counted and timed in the same way for the server and for the floor.

use std::time::{Duration, Instant};

use crate::load::latency::Latency;

/// What is counted between the two looks at the clocks of the processes.
#[derive(Debug, Clone, Default)]
pub(in crate::load) struct Window {
    /// Frames that came to a board.
    pub(super) frames: u64,
    /// Bytes of their payloads.
    pub(super) bytes: u64,
    /// Changes that came to a board, each board for itself.
    pub(super) deliveries: u64,
    /// Changes that all boards have.
    pub(super) changes: u64,
}

impl Window {
    /// What one change took of a payload, in bytes: less than a frame of its own would, where several came in one. None of none.
    pub(super) fn bytes_by_change(&self) -> Option<usize> {
        self.bytes.checked_div(self.deliveries).and_then(|bytes| usize::try_from(bytes).ok())
    }
}

/// The changes of one round.
#[derive(Debug)]
pub(in crate::load) struct Tally {
    boards: u32,
    /// Boards that are away: what is asked for meanwhile does not wait for them.
    absent: u32,
    changes: Vec<Change>,
    under_way: usize,
    counting: bool,
    /// The latest first sign of a change, and the latest delivery.
    last_seen: Option<Instant>,
    last_delivered: Option<Instant>,
    pub(super) window: Window,
    /// From the first sign that a change is there to each board.
    pub(super) spread: Latency,
    /// From the instant at which a change was to be asked for to each board.
    pub(super) from_send: Latency,
}

#[derive(Debug)]
struct Change {
    intended: Instant,
    first_seen: Option<Instant>,
    boards_left: u32,
    counts: bool,
}

/// A change, by its place in the order of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChangeId(u32);

impl ChangeId {
    /// The first one of a round.
    pub(super) const FIRST: ChangeId = ChangeId(0);
}

impl Tally {
    /// Nothing is under way to so many boards.
    pub(super) fn of(boards: usize) -> Tally {
        Tally {
            boards: u32::try_from(boards).unwrap_or(u32::MAX),
            absent: 0,
            changes: Vec::new(),
            under_way: 0,
            counting: false,
            last_seen: None,
            last_delivered: None,
            window: Window::default(),
            spread: Latency::new(),
            from_send: Latency::new(),
        }
    }

    /// A change is asked for.
    pub(super) fn begin(&mut self, intended: Instant, counts: bool) -> ChangeId {
        let id = ChangeId(u32::try_from(self.changes.len()).unwrap_or(u32::MAX));
        self.changes.push(Change { intended, first_seen: None, boards_left: self.boards - self.absent, counts });
        self.under_way += 1;
        id
    }

    /// There is a sign of a change: it is durable, whichever sign comes first.
    pub(super) fn seen(&mut self, id: ChangeId, now: Instant) {
        let seen = &mut self.changes[id.0 as usize].first_seen;
        if seen.is_none() {
            *seen = Some(now);
            self.last_seen = Some(now);
        }
    }

    /// A board has a change; true when it was the last board.
    pub(super) fn delivered(&mut self, id: ChangeId, now: Instant) -> bool {
        self.seen(id, now);
        self.last_delivered = Some(now);
        let change = &mut self.changes[id.0 as usize];
        let first_seen = change.first_seen.unwrap_or(now);
        if change.counts {
            self.spread.record(now - first_seen);
            self.from_send.record(now.saturating_duration_since(change.intended));
        }
        if self.counting {
            self.window.deliveries += 1;
        }
        self.one_board_less(id)
    }

    /// A board has left before it had a change, which does not wait for it any more; true when no other board lacks it.
    pub(super) fn excused(&mut self, id: ChangeId) -> bool {
        self.one_board_less(id)
    }

    /// Another board is away, for all that is asked for from here on.
    pub(super) fn board_left(&mut self) {
        self.absent += 1;
    }

    /// A board is back; the first change that waits for it is the next one.
    pub(super) fn board_is_back(&mut self) -> ChangeId {
        self.absent = self.absent.saturating_sub(1);
        ChangeId(u32::try_from(self.changes.len()).unwrap_or(u32::MAX))
    }

    fn one_board_less(&mut self, id: ChangeId) -> bool {
        let change = &mut self.changes[id.0 as usize];
        change.boards_left = change.boards_left.saturating_sub(1);
        let complete = change.boards_left == 0;
        self.under_way -= usize::from(complete);
        if self.counting {
            self.window.changes += u64::from(complete);
        }
        complete
    }

    /// A frame came to a board.
    pub(super) fn frame(&mut self, bytes: usize) {
        if self.counting {
            self.window.frames += 1;
            self.window.bytes += bytes as u64;
        }
    }

    /// How long after the first sign of the last change every board had all of them, when none is under way.
    pub(super) fn settled_in(&self) -> Duration {
        let settled = self.last_delivered.zip(self.last_seen);
        settled.map_or(Duration::ZERO, |(delivered, seen)| delivered.saturating_duration_since(seen))
    }

    /// Changes that not all boards have.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Begins or ends to count.
    pub(super) fn count(&mut self, counting: bool) {
        self.counting = counting;
    }

    /// True while it counts.
    pub(super) fn is_counting(&self) -> bool {
        self.counting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_complete_when_the_last_board_has_it() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut tally = Tally::of(2);
        let early = tally.begin(start, false);
        assert!(!tally.delivered(early, at(1)));
        tally.count(true);
        let change = tally.begin(at(10), true);
        assert_eq!(tally.under_way(), 2);
        tally.seen(change, at(14));
        tally.seen(change, at(20));
        tally.frame(700);
        assert!(!tally.delivered(change, at(16)));
        assert!(tally.delivered(early, at(17)));
        assert!(tally.delivered(change, at(24)));
        assert_eq!((tally.under_way(), tally.settled_in()), (0, Duration::from_millis(10)));
        let Window { frames, bytes, deliveries, changes } = tally.window;
        assert_eq!((frames, bytes, deliveries, changes), (1, 700, 3, 2));
        let (spread, sent) = (tally.spread.percentiles().expect("two"), tally.from_send.percentiles().expect("two"));
        assert_eq!((spread.count, sent.count), (2, 2), "the early one is not timed");
        assert!((spread.max_us / 10_000.0 - 1.0).abs() < 0.001, "from the first sign: {spread:?}");
        assert!((sent.max_us / 14_000.0 - 1.0).abs() < 0.001, "{sent:?}");
    }

    #[test]
    fn who_is_away_is_not_waited_for() {
        let start = Instant::now();
        let mut tally = Tally::of(3);
        let before = tally.begin(start, true);
        assert!(!tally.delivered(before, start));
        tally.board_left();
        assert!(!tally.excused(before), "the third board lacks it");
        let meanwhile = tally.begin(start, true);
        assert!(tally.delivered(before, start));
        let since = tally.board_is_back();
        assert!(meanwhile < since, "what was asked for meanwhile is not its own");
        assert!(!tally.delivered(meanwhile, start) && tally.delivered(meanwhile, start));
        let after = tally.begin(start, true);
        assert!(after >= since && !tally.delivered(after, start) && !tally.delivered(after, start));
        assert!(tally.delivered(after, start));
        assert_eq!((tally.under_way(), tally.spread.percentiles().map(|told| told.count)), (0, Some(7)));
    }
}
