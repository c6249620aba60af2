//! Windows, business days and day bounds against an oracle that reads the clock on the wall,
//! minute by minute (semantics §2, promise T4).

use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use intervalo::domain::schedule::{
    WeekDays, Window, WindowError, WindowState, business_day, local_day, local_day_bounds, utc_offset_s, window_state,
};
use intervalo::domain::time::Timestamp;

use crate::window_words::{week_days, windows_of};

const MINUTE: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// The clock on the wall of a zone: what it shows at every UTC minute of a range.
struct Wall {
    first: i64,
    /// Local time of every minute since `first`, in minutes.
    shown: Vec<i64>,
}

impl Wall {
    /// `step`: after how many minutes the offset is asked for again. Every change since 1990 has
    /// stood on a quarter of an hour or, in St. John's, on a minute.
    fn new(zone: Tz, from: NaiveDate, days: i64, step: i64) -> Wall {
        let first = minute_of(from);
        let mut shown = Vec::new();
        let mut offset = 0;
        for minute in first..first + days * DAY_MINUTES {
            if (minute - first) % step == 0 {
                offset = i64::from(utc_offset_s(Timestamp(minute * MINUTE), zone)) / 60;
            }
            shown.push(minute + offset);
        }
        Wall { first, shown }
    }

    fn end(&self) -> i64 {
        self.first + self.shown.len() as i64
    }

    /// The minutes that can show `wanted`: no zone is further than 15 h from UTC.
    fn near(&self, wanted: i64) -> impl DoubleEndedIterator<Item = i64> {
        (wanted - 15 * 60).max(self.first)..(wanted + 40 * 60).min(self.end())
    }

    fn shows(&self, minute: i64) -> i64 {
        self.shown[(minute - self.first) as usize]
    }

    /// The first minute at which the wall shows `wanted` or later.
    fn start(&self, wanted: i64) -> Option<i64> {
        self.near(wanted).find(|minute| self.shows(*minute) >= wanted)
    }

    /// The last minute at which the wall shows `wanted`; where it never does, the first that shows later.
    fn close(&self, wanted: i64) -> Option<i64> {
        self.near(wanted).rev().find(|minute| self.shows(*minute) == wanted).or_else(|| self.start(wanted))
    }

    /// Every minute at which one of the windows is open.
    fn open(&self, windows: &[Window]) -> Vec<bool> {
        let mut open = vec![false; self.shown.len()];
        let first = day_of(self.first).checked_sub_days(Days::new(2)).expect("a day");
        let days = self.shown.len() as i64 / DAY_MINUTES + 4;
        for day in first.iter_days().take(days as usize) {
            for window in windows.iter().filter(|window| window.days().contains(chrono::Datelike::weekday(&day))) {
                let wraps = if window.until() < window.from() { DAY_MINUTES } else { 0 };
                let from = self.start(minute_of(day) + minutes(window.from()));
                let until = self.close(minute_of(day) + wraps + minutes(window.until()));
                let (Some(from), Some(until)) = (from, until) else { continue };
                for minute in from..until.max(from) {
                    open[(minute - self.first) as usize] = true;
                }
            }
        }
        open
    }
}

fn minute_of(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp() / 60
}

fn day_of(minute: i64) -> NaiveDate {
    chrono::DateTime::from_timestamp(minute * 60, 0).expect("an instant").date_naive()
}

fn minutes(time: NaiveTime) -> i64 {
    i64::from(chrono::Timelike::num_seconds_from_midnight(&time)) / 60
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn zone(name: &str) -> Tz {
    name.parse().expect("a zone")
}

/// Compares what the windows say at `minute` with what the wall shows, up to the next change.
fn agrees(wall: &Wall, open: &[bool], windows: &[Window], minute: i64, zone: Tz) -> Result<i64, String> {
    let index = (minute - wall.first) as usize;
    let change = open[index..].iter().position(|is_open| *is_open != open[index]).map(|n| minute + n as i64);
    let state = window_state(windows, Timestamp(minute * MINUTE), zone);
    let (is_open, until) = match state {
        WindowState::Open { until } => (true, until),
        WindowState::Closed { next_from } => (false, next_from),
    };
    let until = until.map(|at| at.0 / MINUTE);
    if is_open != open[index] {
        return Err(format!("{zone} {minute}: {state:?}, the wall says open: {}", open[index]));
    }
    match (until, change) {
        (Some(until), Some(change)) if until == change => Ok(until),
        // The wall ends before the change.
        (Some(until), None) if until >= wall.end() => Ok(wall.end()),
        (None, None) => Ok(wall.end()),
        _ => Err(format!("{zone} {minute}: {state:?} until {until:?}, the wall changes at {change:?}")),
    }
}

/// Zones with every kind of oddity that is in force: half-hour changes, changes at midnight,
/// quarter-hour offsets, a summer that is negative, two changes around Ramadan, none at all.
const ZONES: [&str; 12] = [
    "America/Sao_Paulo",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "Europe/Lisbon",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Asia/Kathmandu",
];

const SETS: [&str; 5] = [
    "mon-fri 11:30-14:30",
    "all 22:00-03:30",
    "sun 01:30-02:30 sat 23:45-00:15",
    "all 00:00-00:20 sun-thu 02:00-02:45",
    "sun 02:10-02:20",
];

#[test]
fn promise_t4_windows_are_right_for_every_minute_of_two_years() {
    for zone_name in ZONES {
        let zone = zone(zone_name);
        let wall = Wall::new(zone, date("2025-12-20"), 2 * 365 + 40, 15);
        let (from, until) = (minute_of(date("2026-01-01")), minute_of(date("2028-01-01")));
        for text in SETS {
            let windows = windows_of(text);
            let open = wall.open(&windows);
            // Each answer speaks for all minutes up to the change that it names.
            let mut minute = from;
            while minute < until {
                minute = agrees(&wall, &open, &windows, minute, zone).unwrap_or_else(|why| panic!("{text}: {why}"));
            }
            // And it must be the same answer from any minute between.
            for minute in (from..until).step_by(1499) {
                agrees(&wall, &open, &windows, minute, zone).unwrap_or_else(|why| panic!("{text}: {why}"));
            }
        }
    }
}

/// The UTC days on which a zone's offset changes.
fn days_of_change(zone: Tz, from: &str, until: &str) -> Vec<NaiveDate> {
    let offset = |day: NaiveDate| utc_offset_s(Timestamp(minute_of(day) * MINUTE), zone);
    let days = date(from).iter_days().take_while(|day| *day < date(until));
    days.filter(|day| offset(*day) != offset(day.succ_opt().expect("a day"))).collect()
}

#[test]
fn promise_t4_windows_are_right_around_every_change_of_every_zone() {
    let windows = windows_of("all 23:40-00:10 all 01:30-02:30 sun-thu 03:00-03:20");
    let mut changes = 0;
    for zone in chrono_tz::TZ_VARIANTS {
        for day in days_of_change(zone, "2026-01-01", "2028-01-01") {
            let wall = Wall::new(zone, day.checked_sub_days(Days::new(4)).expect("a day"), 10, 15);
            let open = wall.open(&windows);
            let noon = minute_of(day) - DAY_MINUTES / 2;
            for minute in (noon..noon + 2 * DAY_MINUTES).step_by(41) {
                agrees(&wall, &open, &windows, minute, zone).unwrap_or_else(|why| panic!("{day}: {why}"));
            }
            changes += 1;
        }
    }
    assert!(changes > 500, "only {changes} changes were found");
}

#[test]
fn the_sweep_catches_a_window_that_closes_a_minute_late() {
    let zone = zone("Europe/Lisbon");
    let wall = Wall::new(zone, date("2026-10-20"), 10, 15);
    let (right, wrong) = (windows_of("all 01:30-02:30"), windows_of("all 01:30-02:31"));
    let (minute, open) = (minute_of(date("2026-10-25")), wall.open(&right));
    assert!(agrees(&wall, &open, &right, minute, zone).is_ok());
    assert!(agrees(&wall, &open, &wrong, minute + 90, zone).is_err());
    let first_of_two = windows_of("all 01:30-01:50");
    let mut naive = wall.open(&first_of_two);
    // As if an end took the first occurrence in an overlap.
    let first_end = wall.start(minute_of(date("2026-10-25")) + 110).expect("a minute");
    let second_end = wall.close(minute_of(date("2026-10-25")) + 110).expect("a minute");
    assert_eq!(second_end - first_end, 60);
    (first_end..second_end).for_each(|minute| naive[(minute - wall.first) as usize] = false);
    assert!(agrees(&wall, &naive, &first_of_two, first_end - 1, zone).is_err());
}

/// The day whose start is the last one at or before the minute.
fn day_on_the_wall(wall: &Wall, minute: i64, start: NaiveTime) -> NaiveDate {
    let shown = day_of(wall.shows(minute));
    let around = shown.checked_sub_days(Days::new(3)).expect("a day").iter_days().take(6);
    let begun = around.filter(|day| wall.start(minute_of(*day) + minutes(start)).is_some_and(|from| from <= minute));
    begun.max().expect("a day has begun")
}

#[test]
fn business_days_begin_at_their_local_time_in_every_zone() {
    let starts = ["04:00", "00:00", "02:30"].map(|text| NaiveTime::parse_from_str(text, "%H:%M").expect("a time"));
    let mut cases: Vec<(Tz, NaiveDate, i64)> = vec![
        (zone("America/Sao_Paulo"), date("2018-11-04"), 15),
        (zone("America/Sao_Paulo"), date("2018-02-18"), 15),
        (zone("Pacific/Apia"), date("2011-12-30"), 15),
        (zone("America/St_Johns"), date("2006-10-29"), 1),
        (zone("America/St_Johns"), date("2006-04-02"), 1),
    ];
    for zone in chrono_tz::TZ_VARIANTS {
        cases.extend(days_of_change(zone, "2026-01-01", "2027-01-01").into_iter().map(|day| (zone, day, 15)));
    }
    for (zone, day, step) in cases {
        let wall = Wall::new(zone, day.checked_sub_days(Days::new(5)).expect("a day"), 10, step);
        let noon = minute_of(day) - DAY_MINUTES / 2;
        for start in starts {
            for minute in (noon..noon + 2 * DAY_MINUTES).step_by(53) {
                let found = business_day(Timestamp(minute * MINUTE), start, zone);
                assert_eq!(found, day_on_the_wall(&wall, minute, start), "{zone} {minute} from {start}");
            }
        }
    }
}

#[test]
fn a_business_day_begins_at_the_very_millisecond() {
    let start = NaiveTime::from_hms_opt(4, 0, 0).expect("a time");
    let four = Timestamp((minute_of(date("2026-11-23")) + 7 * 60) * MINUTE);
    let zone = zone("America/Sao_Paulo");
    assert_eq!(business_day(four, start, zone), date("2026-11-23"));
    assert_eq!(business_day(Timestamp(four.0 - 1), start, zone), date("2026-11-22"));
}

fn hours_of(day: &str, zone_name: &str) -> f64 {
    let (from, until) = local_day_bounds(date(day), zone(zone_name));
    (until.0 - from.0) as f64 / 3_600_000.0
}

#[test]
fn days_have_the_hours_that_their_zone_gives_them() {
    assert_eq!(hours_of("2026-11-23", "America/New_York"), 24.0);
    assert_eq!(hours_of("2026-03-08", "America/New_York"), 23.0);
    assert_eq!(hours_of("2026-11-01", "America/New_York"), 25.0);
    assert_eq!(hours_of("2026-10-04", "Australia/Lord_Howe"), 23.5);
    assert_eq!(hours_of("2027-04-04", "Australia/Lord_Howe"), 24.5);
    assert_eq!(hours_of("2018-11-04", "America/Sao_Paulo"), 23.0);
    assert_eq!(hours_of("2018-02-17", "America/Sao_Paulo"), 25.0);
    assert_eq!(hours_of("2011-12-30", "Pacific/Apia"), 0.0);
}

#[test]
fn days_follow_on_each_other_and_hold_their_own_instants() {
    for zone_name in ZONES {
        let zone = zone(zone_name);
        for day in date("2026-01-01").iter_days().take(730) {
            let (from, until) = local_day_bounds(day, zone);
            let (next, _) = local_day_bounds(day.succ_opt().expect("a day"), zone);
            assert_eq!(until, next, "{zone_name} {day}");
            assert_eq!(local_day(from, zone), day, "{zone_name}");
            assert_eq!(local_day(Timestamp(until.0 - 1), zone), day, "{zone_name}");
        }
    }
}

#[test]
fn a_window_that_could_mean_nothing_or_two_things_is_refused() {
    let (noon, one) = (NaiveTime::from_hms_opt(12, 0, 0), NaiveTime::from_hms_opt(13, 0, 0));
    let (noon, one) = (noon.expect("a time"), one.expect("a time"));
    assert_eq!(Window::new(WeekDays::ALL, noon, noon), Err(WindowError::Empty));
    assert_eq!(Window::new(WeekDays::of([]), noon, one), Err(WindowError::NoDays));
    let days = week_days("fri-mon").expect("days");
    assert_eq!(days.iter().count(), 4);
    assert!(days.contains(chrono::Weekday::Sun) && !days.contains(chrono::Weekday::Tue));
}

#[test]
fn no_windows_are_always_open() {
    assert_eq!(window_state(&[], Timestamp(0), zone("UTC")), WindowState::Open { until: None });
}
