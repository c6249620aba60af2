//! Whoever is shown offline in a protected pause, beside somebody unavailable: what came of runs of the properties.

use std::time::Duration;

use intervalo::domain::command::{Actor, Command, Refusal};
use intervalo::domain::event::{AgentEvent, AgentEventBody};
use intervalo::domain::time::{minutes, seconds};

use crate::next_change::{Asked, holds_until_it_says};
use crate::properties::{Step, Who, code, principal, running, take, world};

#[test]
fn whoever_comes_back_to_a_protected_pause_after_hours_begins_a_shift_as_somebody_unavailable_does() {
    let mut world = world(2);
    let protected = Command::StartPause { pause_type: code("banheiro"), note: None, replaces: None, overriding: false };
    let steps = [
        Step::Command(Who::Agent, protected, false),
        Step::Restart(Duration::from_millis(1)),
        Step::Wait(seconds(60)),
        Step::Restart(minutes(6 * 60)),
        Step::Open,
        Step::Restart(minutes(36)),
        Step::Open,
        Step::Wait(minutes(60)),
    ];
    // What others are shown, and what they are told, is compared at every step.
    steps.iter().for_each(|step| take(&mut world, step));
    let at_risk = |event: &&AgentEvent| matches!(event.body, AgentEventBody::EntitlementAtRisk(_));
    assert!(world.events().filter(at_risk).count() > 0, "nothing was at risk");
}

#[test]
fn a_verdict_of_whoever_is_shown_offline_waits_for_nothing_to_lapse() {
    let mut world = world(2);
    let protected = Command::StartPause { pause_type: code("banheiro"), note: None, replaces: None, overriding: false };
    let steps = [
        Step::Command(Who::Agent, protected, false),
        Step::Close,
        Step::Wait(minutes(2)),
        Step::Other("bia takes descanso"),
    ];
    steps.iter().for_each(|step| take(&mut world, step));
    let (from, replaces) = (world.now, running(&world));
    let asked = |minute: u64| {
        let mut then = world.clone();
        then.now = from + minutes(minute);
        (then.now, then.ask(&Actor::Supervisor(principal("sup")), &code("descanso"), replaces, false))
    };
    let series: Vec<Asked> = (0..45).map(asked).collect();
    let stands = series[0].1.code.as_ref().map(Refusal::code);
    assert_eq!(stands, Some("slots_full"), "{:?}", series[0].1);
    assert_eq!(holds_until_it_says(&series), Ok(()));
}
