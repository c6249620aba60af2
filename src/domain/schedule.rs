//! Windows of local time and business days in IANA zones (semantics §2).

use std::time::Duration;

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc,
    Weekday,
};
use chrono_tz::Tz;

use super::time::{Timestamp, hours};

/// After this long offline, a sign-in begins a new shift (semantics §2).
pub const SHIFT_AFTER_OFFLINE: Duration = hours(6);
/// For so long a shift that nobody declared stands for the working day: as long as a pause may run before it is
/// taken for abandoned. Whoever never signs out has no shift after it, and the business day counts.
pub const SHIFT_ESTIMATE_LASTS: Duration = hours(16);

/// Days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeekDays(u8);

impl WeekDays {
    /// All seven.
    pub const ALL: WeekDays = WeekDays(0x7f);

    /// The days of a list; an empty list gives none.
    pub fn of(days: impl IntoIterator<Item = Weekday>) -> WeekDays {
        WeekDays(days.into_iter().fold(0, |bits, day| bits | 1 << day.num_days_from_monday()))
    }

    /// True when `day` is among them.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & 1 << day.num_days_from_monday() != 0
    }

    /// True when there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The days, Monday first.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun]
            .into_iter()
            .filter(move |day| self.contains(*day))
    }
}

/// When a pause may be started: `[from, until)`, local time, on the days where `from` falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    days: WeekDays,
    from: NaiveTime,
    until: NaiveTime,
}

/// Why a window cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// `from` equals `until`: nothing, or a whole day; which of the two is not said.
    #[error(
        "from and until are the same time of day; leave the window out to allow any, or write 00:00-12:00 and 12:00-24:00 for whole days"
    )]
    Empty,
    /// It is open on no day.
    #[error("the window has no day")]
    NoDays,
}

impl Window {
    /// Makes a window; it wraps midnight when `until` is before `from`.
    ///
    /// # Errors
    /// [`WindowError`] when it could mean nothing, or two things.
    pub fn new(days: WeekDays, from: NaiveTime, until: NaiveTime) -> Result<Window, WindowError> {
        if days.is_empty() {
            return Err(WindowError::NoDays);
        }
        if from == until {
            return Err(WindowError::Empty);
        }
        Ok(Window { days, from, until })
    }

    /// On which days it opens.
    pub fn days(&self) -> WeekDays {
        self.days
    }

    /// When it opens, local time.
    pub fn from(&self) -> NaiveTime {
        self.from
    }

    /// When it closes, local time; the next day when it wraps midnight.
    pub fn until(&self) -> NaiveTime {
        self.until
    }

    /// The instants of its opening that begins on `day`, when it opens that day, is not empty there (a window that
    /// lies wholly in a DST gap is) and is not over by `now`, which is `wall` on the clock of the zone.
    fn opening_on(&self, day: NaiveDate, zone: Tz, now: Timestamp, wall: NaiveDateTime) -> Option<Opening> {
        if !self.days.contains(day.weekday()) {
            return None;
        }
        let last = if self.until < self.from { day.succ_opt()? } else { day };
        let closes = last.and_time(self.until);
        if wall.signed_duration_since(closes) > CLOCK_STEP_MAX {
            return None;
        }
        let until = end_bound(closes, zone);
        if until <= now {
            return None;
        }
        let from = start_bound(day.and_time(self.from), zone);
        (from < until).then_some(Opening { from, until })
    }
}

/// One opening of a window, in instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Opening {
    from: Timestamp,
    until: Timestamp,
}

/// What a set of windows says of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowState {
    /// It is open.
    Open {
        /// When it closes; none when it never does.
        until: Option<Timestamp>,
    },
    /// It is closed.
    Closed {
        /// When the next one opens; none when none does.
        next_from: Option<Timestamp>,
    },
}

/// How far ahead an opening is looked for: a window opens on some day of every week, and a gap of
/// the clock can empty at most one of them.
const LOOK_AHEAD_DAYS: usize = 21;
/// No clock is ever set forth or back by more: what the wall says was over longer ago is over.
const CLOCK_STEP_MAX: TimeDelta = TimeDelta::hours(36);

/// What the windows say at `now`. No windows at all means always open.
///
/// Days are looked at one by one, and no more of them than decide. A later time on the wall is never first reached
/// before an earlier one, so no opening of a later day begins before one of an earlier day.
pub fn window_state(windows: &[Window], now: Timestamp, zone: Tz) -> WindowState {
    if windows.is_empty() {
        return WindowState::Open { until: None };
    }
    let wall = local(now, zone).naive_local();
    let today = wall.date();
    // The opening of yesterday may wrap midnight; a zone can also skip or repeat most of a day.
    let first = today.checked_sub_days(Days::new(2)).unwrap_or(today);
    let mut end = None;
    let mut openings: Vec<Opening> = Vec::with_capacity(windows.len());
    for day in first.iter_days().take(LOOK_AHEAD_DAYS) {
        openings.clear();
        openings.extend(windows.iter().filter_map(|window| window.opening_on(day, zone, now, wall)));
        openings.sort_unstable_by_key(|opening| opening.from);
        for opening in &openings {
            match end {
                None if opening.from > now => return WindowState::Closed { next_from: Some(opening.from) },
                None => end = Some(opening.until),
                // What touches or overlaps goes on; here is a hole.
                Some(end) if opening.from > end => return WindowState::Open { until: Some(end) },
                Some(known) => end = Some(known.max(opening.until)),
            }
        }
    }
    match end {
        // Open for as far as is looked ahead, which is weeks: these windows leave no hole.
        Some(_) => WindowState::Open { until: None },
        None => WindowState::Closed { next_from: None },
    }
}

/// The business day that an instant belongs to: the local day whose `start` is the last one at or
/// before it.
pub fn business_day(at: Timestamp, start: NaiveTime, zone: Tz) -> NaiveDate {
    let day = local(at, zone).date_naive();
    // A clock set back over midnight can show a day again whose successor has begun.
    let has_begun = |day: &NaiveDate| start_bound(day.and_time(start), zone) <= at;
    let next = day.succ_opt().filter(has_begun);
    next.unwrap_or_else(|| if has_begun(&day) { day } else { day.pred_opt().unwrap_or(day) })
}

/// When a business day ends: the next one begins.
pub fn business_day_end(day: NaiveDate, start: NaiveTime, zone: Tz) -> Timestamp {
    start_bound(day.succ_opt().unwrap_or(day).and_time(start), zone)
}

/// The instants `[from, until)` of a local calendar day: 23, 24 or 25 hours, or whatever the zone made of it.
pub fn local_day_bounds(day: NaiveDate, zone: Tz) -> (Timestamp, Timestamp) {
    let next = day.succ_opt().unwrap_or(day);
    (start_bound(day.and_time(NaiveTime::MIN), zone), start_bound(next.and_time(NaiveTime::MIN), zone))
}

/// The local calendar day of an instant.
pub fn local_day(at: Timestamp, zone: Tz) -> NaiveDate {
    local(at, zone).date_naive()
}

/// The zone's offset from UTC at an instant, in seconds, east positive.
pub fn utc_offset_s(at: Timestamp, zone: Tz) -> i32 {
    local(at, zone).offset().fix().local_minus_utc()
}

/// An instant in a zone.
fn local(at: Timestamp, zone: Tz) -> DateTime<Tz> {
    let utc = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default();
    utc.with_timezone(&zone)
}

/// A local time that something starts at: the first of two, or the first valid instant after a gap.
fn start_bound(wanted: NaiveDateTime, zone: Tz) -> Timestamp {
    resolve(wanted, zone, |first, _second| first)
}

/// A local time that something ends at: the second of two, or the first valid instant after a gap.
fn end_bound(wanted: NaiveDateTime, zone: Tz) -> Timestamp {
    resolve(wanted, zone, |_first, second| second)
}

fn resolve(wanted: NaiveDateTime, zone: Tz, choose: fn(Timestamp, Timestamp) -> Timestamp) -> Timestamp {
    match zone.from_local_datetime(&wanted) {
        LocalResult::Single(at) => Timestamp(at.timestamp_millis()),
        LocalResult::Ambiguous(a, b) => {
            let (a, b) = (Timestamp(a.timestamp_millis()), Timestamp(b.timestamp_millis()));
            choose(a.min(b), a.max(b))
        }
        LocalResult::None => after_gap(wanted, zone),
    }
}

/// The first instant after the gap that `wanted` falls in. Read with the offset before the gap,
/// `wanted` lies after the change and within the gap's length of it; the change itself is found by
/// bisection on the offset.
fn after_gap(wanted: NaiveDateTime, zone: Tz) -> Timestamp {
    let as_utc = wanted.and_utc().timestamp_millis();
    // No zone is further than 15 h from UTC and no gap is longer than a day.
    let (mut before, mut after) = (as_utc - 2 * 86_400_000, as_utc + 2 * 86_400_000);
    let is_after = |at: i64| {
        let seen = local(Timestamp(at), zone).naive_local();
        seen >= wanted
    };
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if is_after(middle) { after = middle } else { before = middle }
    }
    Timestamp(after)
}
