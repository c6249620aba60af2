//! Windows in every zone against the clock on the wall, which is only read forward (semantics §2, promise T4): at
//! every boundary of two years, and at every minute around every change of a clock. Both sweeps are also run on
//! evaluators with a mistake, which they must find.

#[path = "windows/planted.rs"]
mod planted;
#[path = "windows/sweep.rs"]
mod sweep;
#[path = "windows/wall.rs"]
mod wall;
#[path = "support/window_words.rs"]
mod window_words;
#[path = "windows/zones.rs"]
mod zones;

use intervalo::domain::schedule::window_state;

use planted::Mistake;
use sweep::{Case, Outcome, SETS, around_changes, boundaries, of_all};
use wall::{Wall, millis};
use zones::{cases, date, zone};

/// Prints how much was asked, and fails with some of the answers that are wrong.
#[track_caller]
fn holds(outcome: &Outcome) {
    println!("{} answers, {} of them wrong", outcome.asked, outcome.wrong);
    let examples: Vec<String> = outcome.examples.iter().map(ToString::to_string).collect();
    assert_eq!(outcome.wrong, 0, "wrong answers, for example:\n{}", examples.join("\n"));
}

#[test]
fn promise_t4_windows_open_and_close_when_the_wall_says_so() {
    let cases = cases();
    let outcome = of_all(&cases, |case| boundaries(case, &window_state));
    holds(&outcome);
    // Three instants at both boundaries of each day of a year, for half of the sets.
    let least = cases.len() * 365 * 2 * 3 * SETS.len() / 2;
    assert!(outcome.asked > least, "only {} answers", outcome.asked);
}

#[test]
fn promise_t4_windows_are_right_at_every_minute_around_every_change() {
    let cases = cases();
    let outcome = of_all(&cases, |case| around_changes(case, &window_state));
    println!("{} changes", outcome.changes);
    holds(&outcome);
    assert!(outcome.changes > cases.len(), "only {} changes in {} zones", outcome.changes, cases.len());
    assert_eq!(outcome.asked, outcome.changes * 361 * SETS.len());
}

/// Some days around both changes of New York in 2026.
fn around_changes_of_new_york() -> [Case; 2] {
    let zone = zone("America/New_York");
    let (spring, autumn) = (date(2026, 3, 6)..date(2026, 3, 11), date(2026, 10, 30)..date(2026, 11, 4));
    [Case { zone, days: spring }, Case { zone, days: autumn }]
}

/// Each sweep over an evaluator with a mistake.
fn sweeps_of(mistake: Mistake) -> [(&'static str, Outcome); 2] {
    let evaluator = move |windows: &[_], now, zone| planted::state(mistake, windows, now, zone);
    let cases = around_changes_of_new_york();
    [
        ("at the boundaries", of_all(&cases, |case| boundaries(case, &evaluator))),
        ("around the changes", of_all(&cases, |case| around_changes(case, &evaluator))),
    ]
}

#[track_caller]
fn is_found(mistake: Mistake) {
    for (sweep, outcome) in sweeps_of(mistake) {
        println!("{mistake:?}: {} of {} answers {sweep} are wrong", outcome.wrong, outcome.asked);
        assert!(outcome.wrong > 0, "{mistake:?} is not found {sweep}");
    }
}

#[test]
fn promise_t4_without_a_mistake_nothing_is_found() {
    for (_, outcome) in sweeps_of(Mistake::None) {
        holds(&outcome);
    }
}

#[test]
fn promise_t4_a_start_at_the_second_of_two_is_found() {
    is_found(Mistake::StartsAtTheSecond);
}

#[test]
fn promise_t4_an_end_at_the_first_of_two_is_found() {
    is_found(Mistake::EndsAtTheFirst);
}

#[test]
fn promise_t4_a_next_day_after_24_hours_is_found() {
    is_found(Mistake::DaysOf24Hours);
}

#[test]
fn promise_t4_a_gap_that_is_not_noticed_is_found() {
    is_found(Mistake::GapsUnnoticed);
}

#[test]
fn promise_t4_an_opening_dropped_for_a_gap_is_found() {
    is_found(Mistake::GapsDropped);
}

#[test]
fn promise_t4_openings_that_are_not_joined_are_found() {
    is_found(Mistake::NeverJoins);
}

#[test]
fn promise_t4_an_end_that_is_still_open_is_found() {
    is_found(Mistake::ClosesLate);
}

fn instant(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).expect("an instant").timestamp_millis()
}

/// The oracle itself, on times that can be looked up elsewhere.
#[test]
fn the_wall_of_the_oracle_shows_what_is_known() {
    let starts_and_ends = [
        ("America/New_York", "2026-03-08T01:59:00", "2026-03-08T06:59:00Z", "2026-03-08T06:59:00Z"),
        ("America/New_York", "2026-03-08T02:00:00", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-11-01T01:00:00", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
        ("America/New_York", "2026-11-01T02:00:00", "2026-11-01T07:00:00Z", "2026-11-01T07:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z"),
        ("Australia/Lord_Howe", "2027-04-04T01:40:00", "2027-04-03T14:40:00Z", "2027-04-03T15:10:00Z"),
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("Asia/Kolkata", "2026-06-01T12:00:00", "2026-06-01T06:30:00Z", "2026-06-01T06:30:00Z"),
    ];
    for (name, shown, start, end) in starts_and_ends {
        let shown: chrono::NaiveDateTime = shown.parse().expect("a local time");
        let wall = Wall::new(zone(name), shown.date()..shown.date() + chrono::Days::new(1));
        let found = (wall.start(millis(shown)), wall.end(millis(shown)));
        assert_eq!(found, (instant(start), instant(end)), "{name} {shown}");
    }
    let new_york = Wall::new(zone("America/New_York"), date(2026, 1, 1)..date(2027, 1, 1));
    let changes: Vec<i64> = new_york.changes().collect();
    assert_eq!(changes, [instant("2026-03-08T07:00:00Z"), instant("2026-11-01T06:00:00Z")]);
}
