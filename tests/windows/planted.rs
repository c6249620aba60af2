//! An evaluator of windows as somebody would write it who takes a local time for an instant: with one mistake, or
//! with none, so that what is found can only be the mistake.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use intervalo::domain::schedule::{Window, WindowState};
use intervalo::domain::time::Timestamp;

const DAY: TimeDelta = TimeDelta::days(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    /// Of two starts the second is taken.
    StartsAtTheSecond,
    /// Of two ends the first is taken.
    EndsAtTheFirst,
    /// The end of a night is 24 hours after the same time of the day before.
    DaysOf24Hours,
    /// A time in a gap is as long after the gap as it is into it.
    GapsUnnoticed,
    /// An opening that begins or ends in a gap is left out.
    GapsDropped,
    /// An opening ends although another has begun.
    NeverJoins,
    /// Open still at the very instant of the end.
    ClosesLate,
}

/// What an evaluator with this mistake says.
pub(crate) fn state(mistake: Mistake, windows: &[Window], now: Timestamp, zone: Tz) -> WindowState {
    let utc = DateTime::from_timestamp_millis(now.0).expect("an instant of these centuries");
    let first = utc.with_timezone(&zone).date_naive() - Days::new(2);
    let mut openings: Vec<(i64, i64)> = Vec::new();
    for day in first.iter_days().take(21) {
        openings.extend(windows.iter().filter_map(|window| opening(mistake, window, day, zone)));
    }
    openings.sort_unstable();
    let last = openings.last().map_or(0, |opening| opening.0);
    let is_over = |until: i64| if mistake == Mistake::ClosesLate { until < now.0 } else { until <= now.0 };
    openings.retain(|(from, until)| from < until && !is_over(*until));
    match openings.first() {
        Some((from, until)) if *from <= now.0 => {
            let joins = |end: i64, (from, until): &(i64, i64)| if *from <= end { end.max(*until) } else { end };
            let joined = openings.iter().fold(*until, joins);
            let end = if mistake == Mistake::NeverJoins { *until } else { joined };
            WindowState::Open { until: (end <= last).then_some(Timestamp(end)) }
        }
        next => WindowState::Closed { next_from: next.map(|opening| Timestamp(opening.0)) },
    }
}

fn opening(mistake: Mistake, window: &Window, day: NaiveDate, zone: Tz) -> Option<(i64, i64)> {
    let (from, until) = (day.and_time(window.from()), day.and_time(window.until()));
    let wraps = until < from;
    let until = if wraps && mistake == Mistake::DaysOf24Hours {
        end(mistake, until, zone)? + DAY.num_milliseconds()
    } else {
        end(mistake, if wraps { until + DAY } else { until }, zone)?
    };
    let from = start(mistake, from, zone)?;
    window.days().contains(day.weekday()).then_some((from, until))
}

fn start(mistake: Mistake, wanted: NaiveDateTime, zone: Tz) -> Option<i64> {
    match zone.from_local_datetime(&wanted) {
        LocalResult::Single(at) => Some(at.timestamp_millis()),
        LocalResult::Ambiguous(_, second) if mistake == Mistake::StartsAtTheSecond => Some(second.timestamp_millis()),
        LocalResult::Ambiguous(first, _) => Some(first.timestamp_millis()),
        LocalResult::None => skipped(mistake, wanted, zone),
    }
}

fn end(mistake: Mistake, wanted: NaiveDateTime, zone: Tz) -> Option<i64> {
    match zone.from_local_datetime(&wanted) {
        LocalResult::Single(at) => Some(at.timestamp_millis()),
        LocalResult::Ambiguous(first, _) if mistake == Mistake::EndsAtTheFirst => Some(first.timestamp_millis()),
        LocalResult::Ambiguous(_, second) => Some(second.timestamp_millis()),
        LocalResult::None => skipped(mistake, wanted, zone),
    }
}

/// The instant of a local time that falls in a gap.
fn skipped(mistake: Mistake, wanted: NaiveDateTime, zone: Tz) -> Option<i64> {
    if mistake == Mistake::GapsDropped {
        return None;
    }
    let found = if mistake == Mistake::GapsUnnoticed {
        let span = TimeDelta::hours(3);
        zone.from_local_datetime(&(wanted - span)).latest()? + span
    } else {
        let mut later = (1..).map(|minutes| wanted + TimeDelta::minutes(minutes));
        later.find_map(|wanted| zone.from_local_datetime(&wanted).earliest())?
    };
    Some(found.timestamp_millis())
}
