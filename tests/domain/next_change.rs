//! When a verdict changes by itself: at the instant that it says, and never before.

use intervalo::domain::command::{Actor, Refusal};
use intervalo::domain::rules::{Verdict, VerdictOutcome};
use intervalo::domain::time::{Timestamp, minutes};

use crate::script::check;
use crate::setting::type_code;

/// One verdict of a series, at its instant.
pub(crate) type Asked = (Timestamp, Verdict);

/// Until `next_change_at` nothing changes by itself, and then something does.
pub(crate) fn holds_until_it_says(series: &[Asked]) -> Result<(), String> {
    for pair in series.windows(2) {
        let ((at, before), (next, after)) = (&pair[0], &pair[1]);
        let says = |verdict: &Verdict| (verdict.outcome, verdict.code.as_ref().map(Refusal::code));
        let changed = says(before) != says(after);
        let was_due = before.next_change_at.is_some_and(|due| due <= *next);
        if changed != was_due {
            return Err(format!("{at:?}: {before:?}, {next:?}: {after:?}"));
        }
        if before.next_change_at.is_some_and(|due| due <= *at) {
            return Err(format!("{at:?}: a change that has been, {before:?}"));
        }
    }
    Ok(())
}

/// A verdict for every minute of `days` from the eve of a change of the clock, with nothing happening.
fn every_minute(zone: &str, day: &str, windows: &str) -> Vec<Asked> {
    let script = format!(
        "tenant zone {zone}\nclock UTC\ntype cafe windows {windows}\n{day} 00:00 ana connects -> connected, signed_in unavailable"
    );
    let mut world = check(&script);
    let (code, actor) = (type_code("cafe"), Actor::Agent(world.id.clone()));
    let from = world.now;
    (0..3 * 24 * 60)
        .map(|n| {
            world.now = from + minutes(n);
            (world.now, world.ask(&actor, &code, None, false))
        })
        .collect()
}

#[test]
fn a_verdict_changes_by_itself_at_next_change_at_and_never_before() {
    let cases = [
        ("America/New_York", "2026-03-07", "all 01:30-02:30 all 02:40-03:10 sun 03:10-04:00"),
        ("America/New_York", "2026-10-31", "all 00:30-01:15 all 01:45-02:00 sun 22:00-01:30"),
        ("Europe/Lisbon", "2026-10-24", "all 01:10-01:20 sat-sun 23:00-01:00"),
        ("Australia/Lord_Howe", "2026-10-02", "all 01:50-02:20 all 02:30-02:40"),
        ("America/Sao_Paulo", "2018-11-03", "all 00:00-00:30 all 23:30-00:00 sun 01:00-02:00"),
        ("Africa/Cairo", "2026-04-22", "all 23:45-00:15 fri 00:00-01:00"),
    ];
    for (zone, day, windows) in cases {
        let series = every_minute(zone, day, windows);
        assert_eq!(holds_until_it_says(&series), Ok(()), "{zone}");
        let changes = series.windows(2).filter(|pair| pair[0].1.outcome != pair[1].1.outcome).count();
        assert!(changes >= 4, "{zone}: only {changes} changes");
    }
}

#[test]
fn the_check_of_next_change_catches_a_change_too_early_and_one_that_never_comes() {
    let mut series = every_minute("America/New_York", "2026-03-07", "all 01:30-02:30");
    assert_eq!(holds_until_it_says(&series), Ok(()));
    let closed = series.iter().position(|(_, verdict)| verdict.outcome == VerdictOutcome::Refused).expect("closed");
    series[closed].1.next_change_at = Some(series[closed].0 + minutes(1));
    assert!(holds_until_it_says(&series).is_err(), "it promised a change that did not come");
    let mut series = every_minute("America/New_York", "2026-03-07", "all 01:30-02:30");
    series.iter_mut().for_each(|(_, verdict)| verdict.next_change_at = None);
    assert!(holds_until_it_says(&series).is_err(), "it did not say that it would change");
}

#[test]
fn another_rule_that_refuses_from_some_day_on_is_a_change() {
    check(
        r#"
        type cafe quota 1
        override cafe agent ana windows sat 10:00-11:00 from 2026-11-24
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start cafe          -> started cafe
        09:10 ana pause.end                 -> ended cafe (agent) then available
        09:10 ana asks cafe                 -> refused quota_count 1 of 1 until 2026-11-24 01:00 changes 2026-11-24 00:00
        tue 2026-11-24 00:00 ana asks cafe
              -> refused outside_window until 2026-11-28 10:00 also quota_count 1 of 1 until 01:00 changes 2026-11-28 10:00
        "#,
    );
}

#[test]
fn a_verdict_that_many_days_leave_as_it_is_is_asked_for_again_after_some_of_them() {
    let days: String = (24..=30)
        .flat_map(|day| ["limit 20m", "limit 30m"].map(|limit| (day, limit)))
        .map(|(day, limit)| format!("override cafe agent ana {limit} from 2026-11-{day} until 2026-11-{day}\n"))
        .chain(
            (1..=20)
                .map(|day| format!("override cafe agent ana limit 20m from 2026-12-{day:02} until 2026-12-{day:02}\n")),
        )
        .collect();
    check(&format!(
        "type cafe limit 10m\n{days}
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana asks cafe                 -> started changes 2026-12-10 00:00"
    ));
}
