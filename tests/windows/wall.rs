//! What the clock on the wall of a zone shows, and what windows mean on it. It is only ever read forward, from an
//! instant to what is shown then; it knows nothing of `domain::schedule` but its types.

use std::ops::Range;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;
use intervalo::domain::schedule::{Window, WindowState};
use intervalo::domain::time::Timestamp;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// Two changes of a clock that undo each other within this time would not be seen.
const SCAN: i64 = 3 * HOUR;
/// How many days beyond those asked for are known: an opening that lasts longer than this never ends.
const MARGIN: Days = Days::new(40);

/// Milliseconds of a date and time of day that is read as if it were UTC.
pub(crate) fn millis(at: NaiveDateTime) -> i64 {
    at.and_utc().timestamp_millis()
}

pub(crate) fn midnight(day: NaiveDate) -> i64 {
    millis(day.and_time(NaiveTime::MIN))
}

fn offset_at(zone: Tz, at: i64) -> i64 {
    let utc = DateTime::from_timestamp_millis(at).expect("an instant of these centuries").naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1000
}

/// A time in which the wall shows UTC and always the same offset more.
struct Stretch {
    from: i64,
    until: i64,
    offset: i64,
}

/// What a wall shows on some days, and well before and after them.
pub(crate) struct Wall {
    days: Range<NaiveDate>,
    stretches: Vec<Stretch>,
}

impl Wall {
    pub(crate) fn new(zone: Tz, days: Range<NaiveDate>) -> Wall {
        // Two days more than there are openings, so that all their ends are on the wall.
        let known = midnight(days.start - MARGIN - Days::new(2))..midnight(days.end + MARGIN + Days::new(2));
        let mut stretches = Vec::new();
        let mut from = known.start;
        while from < known.end {
            let offset = offset_at(zone, from);
            let until = change_after(zone, from, offset, known.end);
            stretches.push(Stretch { from, until, offset });
            from = until;
        }
        Wall { days, stretches }
    }

    /// The instants of the days asked for.
    pub(crate) fn span(&self) -> Range<i64> {
        midnight(self.days.start)..midnight(self.days.end)
    }

    /// The instants in them at which the clock is put forward or back.
    pub(crate) fn changes(&self) -> impl Iterator<Item = i64> {
        self.stretches.iter().skip(1).map(|stretch| stretch.from).filter(|change| self.span().contains(change))
    }

    /// The first instant at which the wall shows `wanted` or later.
    pub(crate) fn start(&self, wanted: i64) -> i64 {
        let reaching = self.stretches.iter().find(|stretch| stretch.until + stretch.offset > wanted);
        let stretch = reaching.expect("the wall is known for longer");
        stretch.from.max(wanted - stretch.offset)
    }

    /// The last instant at which the wall shows `wanted`; where it skips it, the first that shows later.
    pub(crate) fn end(&self, wanted: i64) -> i64 {
        let reaching = self.stretches.iter().rfind(|stretch| stretch.from + stretch.offset <= wanted);
        let stretch = reaching.expect("the wall is known from earlier");
        stretch.until.min(wanted - stretch.offset)
    }

    /// When windows are open.
    pub(crate) fn calendar(&self, windows: &[Window]) -> Calendar {
        let days = self.days.start - MARGIN..self.days.end + MARGIN;
        let every_day = days.start.iter_days().take_while(|day| *day < days.end);
        let mut found: Vec<Range<i64>> =
            every_day.flat_map(|day| windows.iter().filter_map(move |window| self.opening(*window, day))).collect();
        found.sort_by_key(|opening| opening.start);
        let mut openings: Vec<Range<i64>> = Vec::new();
        for opening in found {
            match openings.last_mut().filter(|last| opening.start <= last.end) {
                Some(last) => last.end = last.end.max(opening.end),
                None => openings.push(opening),
            }
        }
        Calendar { openings, known_until: midnight(days.end - Days::new(2)) }
    }

    fn opening(&self, window: Window, day: NaiveDate) -> Option<Range<i64>> {
        let last = if window.until() < window.from() { day + Days::new(1) } else { day };
        let opening = self.start(millis(day.and_time(window.from())))..self.end(millis(last.and_time(window.until())));
        (window.days().contains(day.weekday()) && !opening.is_empty()).then_some(opening)
    }
}

/// The first instant after `from` at which the offset is another than `offset`, else `end`.
fn change_after(zone: Tz, from: i64, offset: i64, end: i64) -> i64 {
    let mut same = from;
    while offset_at(zone, (same + SCAN).min(end)) == offset {
        same = (same + SCAN).min(end);
        if same == end {
            return end;
        }
    }
    let mut other = (same + SCAN).min(end);
    while other - same > 1 {
        let middle = same + (other - same) / 2;
        if offset_at(zone, middle) == offset { same = middle } else { other = middle }
    }
    other
}

/// The openings of a set of windows, in order, with those that touch or overlap joined.
pub(crate) struct Calendar {
    openings: Vec<Range<i64>>,
    known_until: i64,
}

impl Calendar {
    /// The instants at which one opens or closes.
    pub(crate) fn boundaries(&self) -> impl Iterator<Item = i64> {
        self.openings.iter().flat_map(|opening| [opening.start, opening.end])
    }

    /// What must be said at an instant.
    pub(crate) fn state(&self, at: i64) -> WindowState {
        let over = self.openings.partition_point(|opening| opening.end <= at);
        match self.openings.get(over) {
            Some(opening) if opening.start <= at => {
                WindowState::Open { until: (opening.end < self.known_until).then_some(Timestamp(opening.end)) }
            }
            next => WindowState::Closed { next_from: next.map(|opening| Timestamp(opening.start)) },
        }
    }
}
