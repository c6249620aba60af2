//! Compares what is said of windows with what the wall shows.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use intervalo::domain::schedule::{Window, WindowState};
use intervalo::domain::time::Timestamp;

use crate::wall::{Calendar, HOUR, MINUTE, Wall};
use crate::window_words::windows_of;

/// Sets of windows, each as of one pause type.
pub(crate) const SETS: [&str; 16] = [
    "mon-fri 11:30-14:30",
    "all 22:00-03:30",
    "wed 09:00-17:00",
    "all 12:00-11:59",
    "all 00:00-12:00 all 12:00-00:00",
    // In the night, where clocks change.
    "all 00:00-00:30",
    "sat-mon 23:59-00:00",
    "all 02:00-03:00",
    "all 02:30-02:45",
    "fri-sun 02:15-02:16",
    "fri-mon 01:15-01:45",
    "sun 00:30-01:00 sat 23:15-23:45",
    // What is left out of the day or the week may be skipped or happen twice.
    "all 03:00-02:00",
    "all 00:30-00:00",
    "mon-sat 00:00-12:00 mon-sat 12:00-00:00 sun 00:00-02:00 sun 03:00-00:00",
    "sat-mon 02:00-02:45 fri-sun 01:00-02:10",
];

/// What answers: `window_state`, or something with a mistake planted in it.
pub(crate) type Evaluator = dyn Fn(&[Window], Timestamp, Tz) -> WindowState + Sync;

/// A zone, and the days of it that are looked at.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) zone: Tz,
    pub(crate) days: Range<NaiveDate>,
}

/// An answer that is not what the wall shows.
pub(crate) struct Disagreement {
    zone: Tz,
    set: &'static str,
    at: i64,
    said: WindowState,
    shown: WindowState,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Disagreement { zone, set, at, said, shown } = self;
        let utc = DateTime::from_timestamp_millis(*at).unwrap_or_default();
        write!(f, "{zone}, {set}, at {utc:?} ({at}): {said:?}, the wall has {shown:?}")
    }
}

/// How many disagreements are kept to be printed.
const EXAMPLES_MAX: usize = 20;

/// What came of a sweep.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) asked: usize,
    pub(crate) changes: usize,
    pub(crate) wrong: usize,
    /// Some of those that are wrong.
    pub(crate) examples: Vec<Disagreement>,
}

impl Outcome {
    fn add(&mut self, other: Outcome) {
        self.asked += other.asked;
        self.changes += other.changes;
        self.wrong += other.wrong;
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }
}

/// At every boundary of every opening and a millisecond before and after it; and at one minute in 1999 between them,
/// other ones in each zone.
pub(crate) fn boundaries(case: &Case, evaluator: &Evaluator) -> Outcome {
    let wall = Wall::new(case.zone, case.days.clone());
    let span = wall.span();
    let shift = case.zone.name().bytes().fold(0, |sum, byte| (sum * 31 + i64::from(byte)) % 1999);
    let between: Vec<i64> = (span.start + shift * MINUTE..span.end).step_by(1999 * MINUTE as usize).collect();
    compare(case, &wall, evaluator, |calendar| {
        let around = calendar.boundaries().flat_map(|at| [at - 1, at, at + 1]);
        around.filter(|at| span.contains(at)).chain(between.iter().copied()).collect()
    })
}

/// At every minute from three hours before each change of the clock until three hours after it.
pub(crate) fn around_changes(case: &Case, evaluator: &Evaluator) -> Outcome {
    let wall = Wall::new(case.zone, case.days.clone());
    let around = |at: i64| (at - 3 * HOUR..=at + 3 * HOUR).step_by(MINUTE as usize);
    let minutes: Vec<i64> = wall.changes().flat_map(around).collect();
    Outcome { changes: wall.changes().count(), ..compare(case, &wall, evaluator, |_| minutes.clone()) }
}

/// Asks of every set of windows at the instants that are chosen for its calendar.
fn compare(case: &Case, wall: &Wall, evaluator: &Evaluator, instants: impl Fn(&Calendar) -> Vec<i64>) -> Outcome {
    let mut outcome = Outcome::default();
    for set in SETS {
        let windows = windows_of(set);
        let calendar = wall.calendar(&windows);
        for at in instants(&calendar) {
            let (said, shown) = (evaluator(&windows, Timestamp(at), case.zone), calendar.state(at));
            outcome.asked += 1;
            if said != shown {
                outcome.wrong += 1;
                if outcome.examples.len() < EXAMPLES_MAX {
                    outcome.examples.push(Disagreement { zone: case.zone, set, at, said, shown });
                }
            }
        }
    }
    outcome
}

/// Does the work of every case, on all processors.
pub(crate) fn of_all(cases: &[Case], work: impl Fn(&Case) -> Outcome + Sync) -> Outcome {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Outcome::default()));
    let worker = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = work(case);
            all.lock().expect("no worker panics while it adds").add(outcome);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(worker);
        }
    });
    all.into_inner().expect("no worker panics while it adds")
}
