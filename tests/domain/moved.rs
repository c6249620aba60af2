//! What runs when a start of the server puts its clock forward (semantics §2): a span stays what it was.

use std::time::Duration;

use intervalo::domain::presence::AgentView;
use intervalo::domain::time::{Timestamp, hours, minutes};

use crate::script::check;
use crate::world::World;

const BY: Duration = hours(2);

const DAY: &str = r#"
    team suporte
    channel voice blocks
    agent ana team suporte
    type cafe limit 10m warn none grace 0s
    type cha cooldown_any 20m
    type medico approval 10m
    type banheiro protected
    mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
    09:00 ana status available              -> available
"#;

/// The clock of a script's end is put forward; what the agent sees before and after.
fn moved(script: &str) -> (World, AgentView, AgentView) {
    let mut world = check(&format!("{DAY}\n{script}"));
    let before = world.own_view();
    assert!(!world.agent.on_clock_moved(Duration::ZERO), "nothing is none");
    assert_eq!(world.own_view(), before);
    assert!(world.agent.on_clock_moved(BY), "it makes a difference");
    world.now = world.now + BY;
    let after = world.own_view();
    (world, before, after)
}

fn later(at: Timestamp) -> Timestamp {
    at + BY
}

#[test]
fn semantics_2_a_pause_has_run_as_long_as_before() {
    let (_, before, after) = moved("09:05 ana pause.start cafe -> started cafe");
    let (was, is) = (before.pause.expect("a pause"), after.pause.expect("a pause"));
    assert_eq!(is.started_at, later(was.started_at));
    assert_eq!(is.limit_at, was.limit_at.map(later));
    assert_eq!(after.since, later(before.since));
}

#[test]
fn semantics_2_an_overrun_and_work_in_a_pause_are_as_long_ago_as_before() {
    let (_, before, after) = moved(
        r#"
        09:05 ana pause.start cafe              -> started cafe
        09:06 ana works voice=1                 -> works voice=1, finding work_during_pause
        09:15                                   -> pause.limit_reached cafe, pause.overran cafe
        "#,
    );
    let (was, is) = (before.pause.expect("a pause"), after.pause.expect("a pause"));
    assert!(was.overran_at.is_some() && was.worked_at.is_some());
    assert_eq!((is.overran_at, is.worked_at), (was.overran_at.map(later), was.worked_at.map(later)));
}

#[test]
fn semantics_2_a_protected_pause_and_the_one_around_it_both_go_on() {
    let (_, before, after) = moved(
        r#"
        09:05 ana pause.start cafe              -> started cafe
        09:06 ana pause.start banheiro          -> started banheiro inside
        "#,
    );
    let (was, is) = (before.pause.expect("a pause"), after.pause.expect("a pause"));
    assert_eq!(is.started_at, later(was.started_at));
    let (was, is) = (was.inside.expect("one inside"), is.inside.expect("one inside"));
    assert_eq!((is.started_at, is.limit_at), (later(was.started_at), was.limit_at.map(later)));
}

#[test]
fn semantics_2_what_waits_for_the_end_of_work_waits_as_long_as_before() {
    let (_, before, after) = moved(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        "#,
    );
    let (was, is) = (before.deferred.expect("a wait"), after.deferred.expect("a wait"));
    assert_eq!((is.since, is.deadline_at), (later(was.since), was.deadline_at.map(later)));
}

#[test]
fn semantics_2_an_open_request_has_its_time_and_one_that_is_over_stays_as_it_is_on_record() {
    let (_, before, after) = moved("09:01 ana pause.start medico -> requested medico until 09:11");
    let (was, is) = (before.request.expect("a request"), after.request.expect("a request"));
    assert_eq!((is.at, is.expires_at), (later(was.at), later(was.expires_at)));
    let mut world = check(&format!(
        r#"{DAY}
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:02 ana takes_back it                 -> request cancelled (agent)
        "#
    ));
    let before = world.own_view();
    assert!(!world.agent.on_clock_moved(BY), "nothing runs");
    assert_eq!(world.own_view(), before);
}

#[test]
fn semantics_2_a_cooldown_lasts_as_long_as_before() {
    let (world, ..) = moved(
        r#"
        09:05 ana pause.start cafe              -> started cafe
        09:10 ana pause.end                     -> ended cafe (agent) then available
        "#,
    );
    let menu = world.options();
    let cha = menu.iter().find(|line| line.pause_type.code.as_str() == "cha").expect("a line");
    assert_eq!(cha.verdict.next_change_at, Some(world.now + minutes(20)), "the pause ended just now");
}

#[test]
fn semantics_2_whoever_is_offline_has_nothing_that_runs() {
    let mut world = check(&format!("{DAY}\n09:05 ana sign_out -> signed_out (sign_out)"));
    let before = world.own_view();
    assert!(!world.agent.on_clock_moved(BY));
    assert_eq!(world.own_view(), before);
}
