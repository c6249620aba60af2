//! When the frames of a view are cut: at once while that is cheap, and once a tick while it is not.
//!
//! A write to a socket costs some microseconds however much is in it, so that what many changes to many boards cost is the number of
//! writes. A tick makes one write of several changes, and costs whoever looks at the board up to its length.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// How many writes a second a view may cause, over all its boards, before it is cut once a tick. A write is about 5 µs of a processor, so
/// that this is a third of one.
const WRITES_PER_SECOND_MAX: u64 = 64_000;
/// The ticks, the shortest first.
pub const TICKS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(50)];
/// A tick is kept where at least so many changes fall into it: with fewer it would only cost time.
const CHANGES_PER_TICK_MIN: u64 = 2;
/// Over how long changes are counted.
const COUNTED_OVER: Duration = Duration::from_millis(500);
/// What has stopped coming is not waited for: not for longer than so many changes take to come evenly. People do not come evenly: at random, one
/// wait in fifty ends so though more would have come (e⁻⁴).
const GAPS_MAX: u64 = 4;
/// What comes within it came together, and whoever waited no longer has not waited: waking up takes as long.
const BURST: Duration = Duration::from_millis(1);
/// A wait was in vain when nothing came for longer than what came before had taken. After so many, one after the other, changes come in bursts, and
/// are not waited for,
const VAIN_MAX: u8 = 3;
/// but for those that are known to come, until so many frames were cut. Then it is tried again.
const VAIN_FOR: u8 = 16;

/// How fast a view changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// When the span began that is being counted.
    began: Timestamp,
    /// How many changes there were in it,
    now: u64,
    /// and in the one before it.
    before: u64,
    last_cut: Timestamp,
    /// When the first and the last change came that wait for their frame.
    waiting: Option<(Timestamp, Timestamp)>,
    /// How many waits in a row were in vain.
    vain: u8,
    /// How many frames are not waited for.
    hasty: u8,
}

impl Pace {
    pub(super) fn new() -> Pace {
        let never = Timestamp(i64::MIN / 2);
        Pace { began: never, now: 0, before: 0, last_cut: never, waiting: None, vain: 0, hasty: 0 }
    }

    /// So many changes at `now`, and perhaps more known to come. Says when they are to be cut with what came before them: no later than `now`
    /// where that is at once.
    pub(super) fn changed(&mut self, changes: usize, boards: usize, more: bool, now: Timestamp) -> Timestamp {
        let span = now.since(self.began);
        if span >= COUNTED_OVER {
            self.before = if span < COUNTED_OVER * 2 { self.now } else { 0 };
            (self.began, self.now) = (now, 0);
        }
        self.now += changes as u64;
        let first = self.waiting.map_or(now, |(first, _)| first);
        self.waiting = Some((first, now));
        let per_second = self.per_second(now);
        let Some(tick) = tick(per_second, boards as u64) else { return now };
        if self.hasty > 0 && !more {
            return now;
        }
        let evenly = Duration::from_millis((1000 * GAPS_MAX).div_ceil(per_second.max(1)));
        (self.last_cut + tick).min(now + evenly)
    }

    /// A frame was cut whose time had come.
    pub(super) fn cut(&mut self, now: Timestamp) {
        self.hasty = self.hasty.saturating_sub(1);
        if let Some((first, last)) = self.waiting.take() {
            let (took, waited) = (last.since(first), now.since(last));
            let in_vain = waited > BURST.max(took);
            if in_vain {
                self.vain = (self.vain + 1).min(VAIN_MAX);
            } else if waited > BURST || took > BURST {
                self.vain = 0;
            }
            if in_vain && self.vain >= VAIN_MAX {
                self.hasty = VAIN_FOR;
            }
        }
        self.last_cut = now;
    }

    /// What waited was told out of turn.
    pub(super) fn forget_what_waits(&mut self) {
        self.waiting = None;
    }

    /// Changes a second, of the span that is being counted and as much of the one before it as makes a whole one.
    fn per_second(&self, now: Timestamp) -> u64 {
        let whole = COUNTED_OVER.as_millis() as u64;
        let left = whole.saturating_sub(now.since(self.began).as_millis() as u64);
        let counted = self.now * whole + self.before * left;
        counted * 1000 / (whole * whole)
    }
}

/// The tick that so many changes a second to so many boards are told in; none where they are told at once.
fn tick(per_second: u64, boards: u64) -> Option<Duration> {
    let fills = |tick: Duration| per_second * tick.as_millis() as u64 >= CHANGES_PER_TICK_MIN * 1000;
    let [short, long] = TICKS;
    let writes = |frames: u64| frames.saturating_mul(boards);
    if !fills(short) && writes(per_second) <= WRITES_PER_SECOND_MAX {
        return None;
    }
    let short_is_enough = writes(1000 / short.as_millis() as u64) <= WRITES_PER_SECOND_MAX;
    if fills(short) && short_is_enough { Some(short) } else { Some(long).filter(|long| fills(*long)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    #[test]
    fn a_tick_is_the_shortest_that_is_enough_and_none_where_it_would_only_cost_time() {
        let [short, long] = TICKS.map(Some);
        for (per_second, boards, expected, why) in [
            (0, 1_000, None, "nothing"),
            (60, 1_000, None, "60,000 writes a second"),
            (100, 1_000, long, "100,000 writes a second; in ticks of 10 ms they would be as many"),
            (100, 100, None, "10,000 writes a second"),
            (199, 1, None, "less than two in each 10 ms"),
            (200, 1, short, "nobody reads 200 frames a second"),
            (1_000, 100, short, "10,000 writes a second"),
            (1_000, 1_000, long, "in ticks of 10 ms they would be 100,000 writes a second"),
            (20, 10_000, None, "one change in 50 ms: a tick saves nothing"),
            (40, 10_000, long, "two in 50 ms"),
            (u64::from(u32::MAX), 20_000, long, "as much as there may be"),
        ] {
            assert_eq!(tick(per_second, boards), expected, "{per_second} changes a second to {boards} boards: {why}");
        }
    }

    /// Changes at these instants to 1,000 boards, those of one instant known to come together; gives the instants of the cuts.
    fn cuts(changes: impl IntoIterator<Item = i64>) -> Vec<i64> {
        cuts_for(1_000, changes)
    }

    fn cuts_for(boards: usize, changes: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let (mut pace, mut cuts, mut due) = (Pace::new(), Vec::new(), None::<Timestamp>);
        let mut changes = changes.into_iter().chain([i64::MAX / 4]).peekable();
        while let Some(at) = changes.next() {
            let more = changes.peek() == Some(&at);
            let now = START + Duration::from_millis(at as u64);
            if let Some(cut) = due.take_if(|due| *due < now) {
                pace.cut(cut);
                cuts.push(cut.0 - START.0);
            }
            let cut = pace.changed(1, boards, more, now);
            if cut <= now {
                pace.cut(now);
                cuts.push(at);
                due = None;
            } else {
                due = Some(cut);
            }
        }
        cuts.pop();
        cuts
    }

    #[test]
    fn a_quiet_view_is_cut_with_each_change() {
        let each_20_ms: Vec<i64> = (0..100).map(|n| n * 20).collect();
        assert_eq!(cuts(each_20_ms.clone()), each_20_ms);
    }

    #[test]
    fn a_busy_view_is_cut_each_50_ms_and_no_change_waits_longer() {
        let changes: Vec<i64> = (0..1_000).map(|n| n * 5).collect();
        let cuts = cuts(changes.clone());
        let late = changes.iter().map(|at| cuts.iter().find(|cut| *cut >= at).expect("each is cut") - at).max();
        assert!(late.is_some_and(|late| late <= 50), "{late:?}");
        let steady: Vec<i64> = cuts.iter().filter(|cut| **cut > 2_000).copied().collect();
        let apart: Vec<i64> = steady.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(apart.len() > 50 && apart[..apart.len() - 1].iter().all(|apart| *apart == 50), "{apart:?}");
    }

    #[test]
    fn what_has_stopped_coming_is_not_waited_for() {
        // 10 at once, each 45 ms: 222 a second, so that two come in 10 ms where they come evenly.
        let bursts = (0..100).flat_map(|burst| std::iter::repeat_n(burst * 45, 10));
        let late: Vec<i64> = cuts(bursts).into_iter().filter(|cut| *cut > 1_000).map(|cut| cut % 45).collect();
        assert!(late.iter().all(|late| *late <= 1000 * GAPS_MAX as i64 / 200), "{late:?}");
        let tried = late.iter().filter(|late| **late > 0).count();
        assert!(tried > 0 && tried * usize::from(VAIN_FOR) <= late.len() + usize::from(VAIN_FOR), "{late:?}");
    }

    #[test]
    fn what_comes_at_random_is_told_about_as_often_as_what_comes_evenly() {
        for (per_second, boards, tick) in [
            (100, 1_000, 50),
            (400, 1_000, 50),
            (1_000, 1_000, 50),
            (1_900, 1_000, 50),
            (1_000, 100, 10),
            (60, 10_000, 50),
        ] {
            // Gaps of an exponential distribution, by a generator of 64 bits (Knuth, MMIX).
            let (mut state, mut at) = (1_u64, 0.0);
            let changes = std::iter::from_fn(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let unit = ((state >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
                at += -unit.ln() * 1000.0 / f64::from(per_second);
                (at < 60_000.0).then_some(at as i64)
            });
            let mut changes: Vec<i64> = changes.collect();
            // Those of one instant are one batch: nothing is known of what comes.
            changes.dedup();
            let count = cuts_for(boards, changes).len();
            let evenly = 60_000 / tick;
            assert!(count <= evenly * 7 / 5, "{per_second} a second to {boards}: {count} frames in place of {evenly}");
        }
    }

    #[test]
    fn what_comes_evenly_again_is_waited_for_again() {
        let bursts = (0..50).flat_map(|burst| std::iter::repeat_n(burst * 45, 10));
        let evenly = (0..1_000).map(|n| 3_000 + n * 5);
        let cuts = cuts(bursts.chain(evenly));
        let steady: Vec<i64> = cuts.iter().filter(|cut| **cut > 5_000).copied().collect();
        let apart: Vec<i64> = steady.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(apart.len() > 50 && apart[..apart.len() - 1].iter().all(|apart| *apart == 50), "{apart:?}");
    }

    #[test]
    fn a_view_that_was_busy_is_quiet_again_after_a_second() {
        let changes = (0..500).map(|n| n * 2).chain([2_500, 2_600]);
        let cuts = cuts(changes);
        assert_eq!(cuts[cuts.len() - 2..], [2_500, 2_600]);
    }
}
