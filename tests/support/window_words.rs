//! How tests write windows: `mon-fri 11:30-14:30`.

use chrono::{NaiveTime, Weekday};
use intervalo::domain::schedule::{WeekDays, Window};

/// `mon-fri`, `sat`, `all`, `sun-thu`.
pub(crate) fn week_days(text: &str) -> Option<WeekDays> {
    if text == "all" {
        return Some(WeekDays::ALL);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse::<Weekday>().ok()?, last.parse::<Weekday>().ok()?);
    let mut days = vec![first];
    while days[days.len() - 1] != last {
        days.push(days[days.len() - 1].succ());
    }
    Some(WeekDays::of(days))
}

/// `11:30-14:30`.
pub(crate) fn window(days: WeekDays, text: &str) -> Window {
    let (from, until) = text.split_once('-').expect("from-until");
    Window::new(days, time_of_day(from), time_of_day(until)).expect("a window")
}

pub(crate) fn time_of_day(text: &str) -> NaiveTime {
    let forms = ["%H:%M", "%H:%M:%S", "%H:%M:%S%.3f"];
    let parsed = forms.iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok());
    parsed.unwrap_or_else(|| panic!("no time of day: {text}"))
}

/// `mon-fri 11:30-14:30 sat 10:00-12:00`.
pub(crate) fn windows_of(text: &str) -> Vec<Window> {
    let words: Vec<&str> = text.split(' ').collect();
    words.chunks(2).map(|pair| window(week_days(pair[0]).expect("days"), pair[1])).collect()
}
