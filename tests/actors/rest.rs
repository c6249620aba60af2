//! Agents without an actor: they are woken when something falls due for them, whatever changes what that is, and who
//! was overdue at the start is up to date before they are answered.

use std::time::Duration;

use intervalo::actor::CommandError;
use intervalo::domain::agent::{Connection, Status};
use intervalo::domain::command::Command;
use intervalo::domain::entitlement::EntitlementRule;
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause, ChosenStatus};
use intervalo::domain::id::EntitlementRuleId;
use intervalo::domain::policy::{PauseKind, PauseRules};
use intervalo::domain::presence::StatusWord;
use intervalo::domain::time::{Timestamp, hours, minutes, seconds};
use intervalo::store::memory::{Fault, Gate};

use super::company::{later, pause};
use super::house::House;

/// Ana begins her coffee, ten minutes at most, and goes; answers with when she began. She is at rest.
async fn ana_goes_in_a_pause(house: &House) -> Timestamp {
    let ana = house.connect("ana").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    let began = house.state("ana").await.since;
    house.disconnect(ana).await;
    house.pass(seconds(20)).await;
    assert_eq!(house.core.live_agents(), 0, "held, paused, and without an actor");
    began
}

fn instants(events: &[AgentEvent], since: Timestamp) -> Vec<(&'static str, i64)> {
    events.iter().map(|event| (event.body.name(), event.at.0 - since.0)).collect()
}

#[tokio::test(start_paused = true)]
async fn promise_t1_and_t2_what_falls_due_for_an_agent_at_rest_falls_due_at_its_instant() {
    let house = House::open().await;
    let began = ana_goes_in_a_pause(&house).await;
    let before = house.events("ana").await.len();
    house.pass(hours(5)).await;
    let events = house.events("ana").await;
    let closed = events[before - 1].at.0 - began.0;
    let found = instants(&events[before..], began);
    assert_eq!(
        found,
        [
            ("agent.connection_lost", closed + 60_000),
            ("pause.warned", 540_000),
            ("pause.limit_reached", 600_000),
            ("pause.overran", 660_000),
            ("pause.escalated", 780_000),
            ("pause.ended", closed + 4 * 3_600_000),
        ]
    );
    assert_eq!(house.state("ana").await.status, Status::Offline);
    assert_eq!(house.core.live_agents(), 0);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_be_at_risk_for_an_agent_at_rest_is_told_at_its_instant_and_wakes_nobody_again() {
    let house = House::open().await;
    house.publish_directory(|directory| directory.tenant.default_shift = minutes(30)).await;
    let owed = EntitlementRule {
        id: EntitlementRuleId::new("r").expect("an id"),
        planned_over: Duration::ZERO,
        planned_up_to: None,
        count: 1,
        min: minutes(5),
        after_start: Duration::ZERO,
        before_end: Duration::ZERO,
    };
    let rules = PauseRules { owed: vec![owed], ..PauseRules::default() };
    house.publish_type("fila", |kind| kind.kind = PauseKind::Entitlement(rules)).await.expect("published");
    let ana = house.connect("ana").await;
    let began = house.now();
    house.execute("ana", pause("almoco")).await.expect("started");
    house.disconnect(ana).await;
    house.pass(minutes(9)).await;
    assert_eq!(house.core.live_agents(), 0);
    let before = house.events("ana").await.len();
    house.pass(minutes(40)).await;
    let events = house.events("ana").await;
    let risks = events[before..].iter().map(|event| {
        let AgentEventBody::EntitlementAtRisk(risk) = &event.body else { panic!("{} is no risk", event.body.name()) };
        (event.at.since(began), risk.owed)
    });
    // A quarter of an hour before 25 minutes, and the end of the shift.
    assert_eq!(risks.collect::<Vec<_>>(), [(minutes(10), 1), (minutes(30), 0)]);
    assert_eq!(house.core.live_agents(), 0);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_changes_what_is_due_finds_agents_at_rest() {
    let house = House::open().await;
    let began = ana_goes_in_a_pause(&house).await;
    house.publish_directory(|directory| directory.tenant.abandon_after = minutes(3)).await;
    house.pass(minutes(4)).await;
    let events = house.events("ana").await;
    let ended = events.last().expect("an event");
    assert_eq!((ended.body.name(), ended.cause), ("pause.ended", Cause::Abandoned));
    assert!(ended.at.since(began) < minutes(4), "{:?}", ended.at.since(began));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_at_rest_is_taken_off_at_once() {
    let house = House::open().await;
    ana_goes_in_a_pause(&house).await;
    house.publish_departure("ana").await;
    house.pass(Duration::from_millis(10)).await;
    let events = house.events("ana").await;
    let ended = events.iter().find(|event| event.body.name() == "pause.ended").expect("ended");
    assert_eq!(ended.cause, Cause::Deactivated);
    assert_eq!(house.state("ana").await.status, Status::Offline);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_wakes_as_they_were_and_goes_to_rest_again() {
    let house = House::open().await;
    let began = ana_goes_in_a_pause(&house).await;
    house.pass(minutes(2)).await;
    let view = house.router.view(&house.tenant, &later("ana")).await.expect("a view");
    assert_eq!((view.status, view.since), (StatusWord::Paused, began));
    assert_eq!(house.core.live_agents(), 1);
    house.pass(seconds(6)).await;
    assert_eq!(house.core.live_agents(), 0);
    let ana = house.connect("ana").await;
    assert_eq!(ana.opened.status, StatusWord::Paused);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_c8_an_agent_whose_actor_panicked_is_given_up_though_nobody_asks() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.panic_on_next_id();
    house.execute("ana", pause("cafe")).await.expect_err("its actor panicked");
    assert_eq!(house.core.live_agents(), 0);
    house.pass(seconds(90)).await;
    assert!(matches!(house.state("ana").await.connection, Connection::Disconnected { .. }));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_c8_a_connected_agent_without_an_actor_is_given_up_though_the_directory_changes() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.panic_on_next_id();
    house.execute("ana", pause("cafe")).await.expect_err("its actor panicked");
    house.publish_directory(|directory| directory.tenant.name = "Acme S.A.".to_owned()).await;
    house.pass(seconds(90)).await;
    assert!(matches!(house.state("ana").await.connection, Connection::Disconnected { .. }));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_t1_who_is_overdue_is_not_answered_before_it_is_written() {
    let house = House::open().await;
    ana_goes_in_a_pause(&house).await;
    let house = house.restart_after(hours(1)).await;
    let gate = Gate::new();
    house.journal.inject(Fault::HoldBeforeWrite(gate.clone()));
    gate.reached().await;
    let ana = later("ana");
    let view = tokio::time::timeout(seconds(2), house.router.view(&house.tenant, &ana)).await;
    assert!(view.is_err(), "{view:?}");
    let bia = house.router.view(&house.tenant, &later("bia")).await.expect("who is not overdue is answered");
    assert_eq!(bia.status, StatusWord::Offline);
    gate.open();
    let view = house.router.view(&house.tenant, &later("ana")).await.expect("a view");
    assert!(view.pause.as_ref().is_some_and(|pause| pause.overran_at.is_some()));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_t1_who_is_overdue_is_told_to_come_again_while_the_store_is_away() {
    let house = House::open().await;
    ana_goes_in_a_pause(&house).await;
    let house = house.restart_after(hours(1)).await;
    for _ in 0..4 {
        house.journal.inject(Fault::Unavailable);
    }
    let refused = house.router.public_view(&house.tenant, &later("ana")).await.expect_err("it cannot be written");
    assert!(matches!(refused, CommandError::Unavailable { .. }), "{refused:?}");
    let refused = house.router.options(&house.tenant, &later("ana")).await.expect_err("nor is the menu shown");
    assert!(matches!(refused, CommandError::Unavailable { .. }), "{refused:?}");
    let head = house.caught_up().await;
    let view = house.router.public_view(&house.tenant, &later("ana")).await.expect("a view");
    assert!(view.pause.as_ref().is_some_and(|pause| pause.overran_at.is_some()));
    let written = house.events("ana").await.len();
    // Two founded the company, one is this start, one the start before.
    assert_eq!(head.0, written as u64 + 4);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_t1_what_is_overdue_is_written_once_though_the_outcome_of_writing_it_is_unknown() {
    for fault in [Fault::UnknownWritten, Fault::UnknownNotWritten, Fault::Fenced] {
        let house = House::open().await;
        ana_goes_in_a_pause(&house).await;
        let house = house.restart_after(hours(1)).await;
        house.journal.inject(fault);
        house.caught_up().await;
        let names = house.names("ana").await;
        for once in ["pause.warned", "pause.limit_reached", "pause.overran", "pause.escalated"] {
            assert_eq!(names.iter().filter(|name| *name == once).count(), 1, "{once} in {names:?}");
        }
        house.check_fold().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_a_limit_is_not_overdue_after_a_stop() {
    let house = House::open().await;
    let ana = house.connect("ana").await;
    house.execute("ana", pause("almoco")).await.expect("started");
    house.disconnect(ana).await;
    house.pass(minutes(2)).await;
    let house = house.restart_after(hours(3)).await;
    assert!(!house.is_behind(), "a pause without a limit, not abandoned yet");
    house.caught_up().await;
    assert_eq!(house.state("ana").await.pause().map(|pause| pause.pause_type.as_str()), Some("almoco"));
}

#[tokio::test(start_paused = true)]
async fn a_start_asks_nothing_of_those_of_whom_nothing_is_due() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.execute("ana", Command::SetStatus { status: ChosenStatus::Available, after_work: false }).await.expect("set");
    let before = house.events("ana").await.len();
    let house = house.restart().await;
    assert!(!house.is_behind());
    assert_eq!(house.core.live_agents(), 0, "in grace, and without an actor");
    house.pass(seconds(59)).await;
    assert_eq!(house.events("ana").await.len(), before);
    house.pass(seconds(2)).await;
    let events = house.events("ana").await;
    assert!(matches!(events[before..], [AgentEvent { body: AgentEventBody::ConnectionLost { .. }, .. }]));
    house.check_fold().await;
}
