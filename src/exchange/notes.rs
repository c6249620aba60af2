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
use crate::domain::schedule::{Window, local_day};
use crate::domain::time::Timestamp;

/// How far ahead is looked: a year has every change of the clocks in it.
const LOOK_AHEAD_DAYS: u64 = 366;
/// The longest gap that is looked past, in minutes: some zones skipped a whole day.
const GAP_MINUTES_MAX: i64 = 25 * 60;

/// Notes, for each window of the file and each zone in use, the next day on which one of its
/// bounds falls into a gap.
pub(super) fn window_notes(file: &ImportFile, directory: &Directory, now: Timestamp, gathered: &mut Gathered) {
    let zones = zones_in_use(directory);
    for kind in &file.pause_types {
        for (line, window) in windows_of(kind) {
            for zone in zones.values() {
                if let Some(gap) = next_gap(&window, *zone, local_day(now, *zone)) {
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

struct Gap {
    skipped: NaiveDateTime,
    instead: NaiveDateTime,
}

fn next_gap(window: &Window, zone: Tz, today: NaiveDate) -> Option<Gap> {
    today.iter_days().take(LOOK_AHEAD_DAYS as usize).filter(|day| window.days().contains(day.weekday())).find_map(
        |day| {
            let last = if window.until() < window.from() { day + Days::new(1) } else { day };
            [day.and_time(window.from()), last.and_time(window.until())]
                .into_iter()
                .find_map(|wanted| gap_at(wanted, zone))
        },
    )
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
