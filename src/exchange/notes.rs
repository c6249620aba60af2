//! Notes on windows that a change of the clocks cuts into, so that nobody is surprised by them in
//! the night (semantics §2: shown when saving).

use std::collections::BTreeMap;

use chrono::{Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::difference::show_window;
use super::file::ImportFile;
use super::merge::Gathered;
use super::pause_type::PauseTypePatch;
use crate::domain::directory::Directory;
use crate::domain::overrides::RuleField;
use crate::domain::schedule::{Window, local_day, local_day_bounds};
use crate::domain::time::{Timestamp, hours};

/// How far ahead is looked: a year has every change of the clocks in it.
const LOOK_AHEAD_DAYS: usize = 366;
/// The longest gap that is looked past, in minutes: some zones skipped a whole day.
const GAP_MINUTES_MAX: i64 = 25 * 60;

/// Notes, for each window of the file and each zone in use, the next day on which one of its
/// bounds falls into a gap.
pub(super) fn window_notes(file: &ImportFile, directory: &Directory, now: Timestamp, gathered: &mut Gathered) {
    if !file.pause_types.iter().any(|kind| windows_of(kind).next().is_some()) {
        return;
    }
    // Once for each zone, whatever the number of windows.
    let zones: Vec<(Tz, Vec<NaiveDate>)> =
        zones_in_use(directory).into_values().map(|zone| (zone, days_near_gaps(zone, local_day(now, zone)))).collect();
    for kind in &file.pause_types {
        for (line, window) in windows_of(kind) {
            for (zone, days) in &zones {
                if let Some(gap) = next_gap(&window, *zone, days) {
                    let message = format!(
                        "pause type {:?}: window {}: on {} the clocks of {zone} skip {}; it counts as {} that day",
                        kind.code.as_str(),
                        show_window(&window),
                        gap.skipped.date(),
                        gap.skipped.format("%H:%M"),
                        gap.instead.format("%H:%M"),
                    );
                    gathered.note(line, message);
                }
            }
        }
    }
}

/// The windows of a type, and those of its overrides, each with its line.
fn windows_of(kind: &PauseTypePatch) -> impl Iterator<Item = (usize, Window)> {
    let own = kind.rules.windows.iter().flat_map(|windows| &windows.value).map(|at| (at.line, at.value));
    let overrides = kind.overrides.iter().flat_map(|overrides| &overrides.value);
    let others = overrides.filter(|at| at.value.fields.contains(&RuleField::Windows));
    own.chain(others.flat_map(|at| at.value.values.windows.iter().map(|window| (at.line, *window))))
}

fn zones_in_use(directory: &Directory) -> BTreeMap<&'static str, Tz> {
    let teams = directory.teams.values().filter_map(|team| team.zone);
    let people = directory.agents.values().filter(|person| person.left_at.is_none()).filter_map(|person| person.zone);
    std::iter::once(directory.tenant.zone).chain(teams).chain(people).map(|zone| (zone.name(), zone)).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Gap {
    skipped: NaiveDateTime,
    instead: NaiveDateTime,
}

/// The days from `today` on, in order, on which the clocks of a zone skip something, and those before them, whose windows may reach
/// over midnight.
fn days_near_gaps(zone: Tz, today: NaiveDate) -> Vec<NaiveDate> {
    // A day is as much shorter than others as it skips.
    let skips = |day: &NaiveDate| {
        let (from, until) = local_day_bounds(*day, zone);
        until.since(from) < hours(24)
    };
    let days = today.iter_days().take(LOOK_AHEAD_DAYS + 1).filter(skips);
    let near = days.flat_map(|day| [day.pred_opt(), Some(day)]).flatten();
    let mut near: Vec<NaiveDate> =
        near.filter(|day| (0..LOOK_AHEAD_DAYS as i64).contains(&(*day - today).num_days())).collect();
    near.dedup();
    near
}

fn next_gap(window: &Window, zone: Tz, days: &[NaiveDate]) -> Option<Gap> {
    days.iter().filter(|day| window.days().contains(day.weekday())).find_map(|&day| {
        let last = if window.until() < window.from() { day + Days::new(1) } else { day };
        [day.and_time(window.from()), last.and_time(window.until())].into_iter().find_map(|wanted| gap_at(wanted, zone))
    })
}

fn gap_at(wanted: NaiveDateTime, zone: Tz) -> Option<Gap> {
    if exists(wanted, zone) {
        return None;
    }
    let later = (1..=GAP_MINUTES_MAX).map(|minutes| wanted + TimeDelta::minutes(minutes));
    let instead = later.into_iter().find(|later| exists(*later, zone))?;
    Some(Gap { skipped: wanted, instead })
}

fn exists(wanted: NaiveDateTime, zone: Tz) -> bool {
    match zone.from_local_datetime(&wanted) {
        LocalResult::None => false,
        LocalResult::Single(_) | LocalResult::Ambiguous(..) => true,
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;

    use super::*;
    use crate::domain::schedule::WeekDays;

    #[test]
    fn the_days_that_are_looked_at_are_all_that_matter() {
        let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day");
        let time = |minute: u32| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).expect("a time");
        // Gaps at two, before and over midnight, of half an hour, of a whole day, and none.
        let cases = [
            (chrono_tz::America::New_York, day(2026, 1, 15)),
            (chrono_tz::America::Sao_Paulo, day(2018, 1, 1)),
            (chrono_tz::America::Scoresbysund, day(2025, 3, 29)),
            (chrono_tz::Australia::Lord_Howe, day(2026, 10, 4)),
            (chrono_tz::Pacific::Apia, day(2011, 12, 1)),
            (chrono_tz::Pacific::Apia, day(2010, 12, 31)),
            (chrono_tz::UTC, day(2026, 1, 15)),
        ];
        let mut noted = 0;
        for (zone, today) in cases {
            let (near, every) = (days_near_gaps(zone, today), today.iter_days().take(LOOK_AHEAD_DAYS));
            let every: Vec<NaiveDate> = every.collect();
            for minute in (0..1440).step_by(15) {
                for length in [15, 120, 1425] {
                    let window = Window::new(WeekDays::ALL, time(minute), time((minute + length) % 1440));
                    let window = window.expect("a window");
                    let gap = next_gap(&window, zone, &near);
                    assert_eq!(gap, next_gap(&window, zone, &every), "{window:?} in {zone} from {today}");
                    noted += usize::from(gap.is_some());
                }
            }
        }
        assert!(noted > 500, "only {noted} windows with a gap");
    }
}
