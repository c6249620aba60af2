//! What integrations report lives with the actor; what of it makes a difference is on record.

use std::collections::BTreeMap;
use std::time::Duration;

use intervalo::domain::command::{Command, Outcome};
use intervalo::domain::event::ChosenStatus;
use intervalo::domain::id::{ChannelCode, SourceId};
use intervalo::domain::occupancy::{Report, Work};
use intervalo::domain::presence::{NotRoutable, Presence};
use intervalo::domain::time::{minutes, seconds};
use intervalo::store::memory::Fault;

use super::company::{later, pause, tenant};
use super::house::House;

fn call(seq: u64, ttl: Duration) -> Report {
    let open = BTreeMap::from([(ChannelCode::new("voice").expect("a code"), 1)]);
    Report { source: SourceId::new("pbx").expect("an id"), seq, ttl, work: Work::of(&open, false), anew: None }
}

fn idle(seq: u64, ttl: Duration) -> Report {
    Report { work: Work::default(), ..call(seq, ttl) }
}

async fn report(house: &House, report: Report) -> Presence {
    let reply = house.router.report(&tenant(), &later("ana"), report, None).await.expect("taken");
    reply.public.presence
}

async fn available(house: &House) -> super::house::Link {
    let link = house.connect("ana").await;
    let available = Command::SetStatus { status: ChosenStatus::Available, after_work: false };
    house.execute("ana", available).await.expect("set");
    link
}

#[tokio::test(start_paused = true)]
async fn a_pause_begins_by_itself_when_the_call_has_ended() {
    let house = House::open().await;
    let _ana = available(&house).await;
    assert_eq!(report(&house, call(1, minutes(2))).await, Presence::Busy);
    let reply = house.execute("ana", pause("cafe")).await.expect("it waits");
    assert_eq!((reply.outcome, reply.public.not_routable), (Outcome::Deferred, Some(NotRoutable::Pending)));
    assert_eq!(report(&house, idle(2, minutes(2))).await, Presence::Paused);
    let names = house.names("ana").await;
    assert_eq!(
        names[3..],
        ["occupancy.changed", "pause.pending", "occupancy.changed", "pause.started"],
        "each in its place: {names:?}"
    );
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_that_lapses_ends_the_wait_at_its_instant() {
    let house = House::open().await;
    let _ana = available(&house).await;
    report(&house, call(1, minutes(2))).await;
    let reported = house.now();
    house.execute("ana", pause("cafe")).await.expect("it waits");
    house.pass(minutes(3)).await;
    let events = house.events("ana").await;
    let began = events.last().expect("an event");
    assert_eq!((began.body.name(), began.at), ("pause.started", reported + minutes(2)));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_d5_a_report_that_cannot_be_written_is_not_shown_and_goes_on_record_later() {
    let house = House::open().await;
    let _ana = available(&house).await;
    house.journal.inject(Fault::Unavailable);
    let refused = house.router.report(&tenant(), &later("ana"), call(1, minutes(5)), None).await;
    assert!(refused.is_err(), "{refused:?}");
    house.pass(seconds(3)).await;
    assert_eq!(house.names("ana").await.last().map(String::as_str), Some("occupancy.changed"));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_t1_after_a_start_nobody_knows_what_a_paused_agent_had_open() {
    let house = House::open().await;
    let ana = available(&house).await;
    house.execute("ana", pause("almoco")).await.expect("started");
    report(&house, call(1, minutes(60))).await;
    house.disconnect(ana).await;
    house.pass(minutes(2)).await;
    assert!(house.core.live_agents() > 0, "a report that holds keeps its actor");
    let house = house.restart().await;
    let view = house.router.public_view(&tenant(), &later("ana")).await.expect("shown");
    assert!(view.load.unknown && view.load.open.is_empty(), "{:?}", view.load);
    assert_eq!(view.presence, Presence::Paused);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn a_set_clears_whom_it_does_not_name() {
    let house = House::open().await;
    let _ana = available(&house).await;
    report(&house, call(9, minutes(60))).await;
    nothing_of_others(&house).await;
    let view = house.router.public_view(&tenant(), &later("ana")).await.expect("shown");
    assert_eq!((view.presence, view.load.unknown), (Presence::Available, false));
}

/// A router that sends its whole set after our start is believed of whom it does not name.
#[tokio::test(start_paused = true)]
async fn a_set_after_a_restart_makes_known_whom_it_does_not_name() {
    let house = House::open().await;
    let _ana = available(&house).await;
    report(&house, call(9, minutes(60))).await;
    let house = house.restart().await;
    let _ana = house.connect("ana").await;
    nothing_of_others(&house).await;
    let view = house.router.public_view(&tenant(), &later("ana")).await.expect("shown");
    assert!(!view.load.unknown, "{:?}", view.load);
    house.check_fold().await;
}

/// What was said while a set was still being told is later than the set.
#[tokio::test(start_paused = true)]
async fn a_set_does_not_undo_a_report_that_came_after_it() {
    let house = House::open().await;
    let _ana = available(&house).await;
    let set = nothing(&house);
    house.pass(seconds(1)).await;
    report(&house, call(11, minutes(60))).await;
    house.router.report_nothing_of_others(&tenant(), &[later("bia")].into(), &set).await;
    let view = house.router.public_view(&tenant(), &later("ana")).await.expect("shown");
    assert_eq!(view.presence, Presence::Busy);
}

/// An actor that only a report keeps goes to rest when it has lapsed.
#[tokio::test(start_paused = true)]
async fn a_report_of_somebody_who_is_offline_keeps_their_actor_only_while_it_holds() {
    let house = House::open().await;
    report(&house, call(1, minutes(2))).await;
    house.pass(minutes(1)).await;
    assert_eq!(house.core.live_agents(), 1);
    house.pass(minutes(30)).await;
    assert_eq!(house.core.live_agents(), 0);
}

fn nothing(house: &House) -> Report {
    Report { anew: Some(house.now()), ..idle(1, minutes(60)) }
}

async fn nothing_of_others(house: &House) {
    house.router.report_nothing_of_others(&tenant(), &[later("bia")].into(), &nothing(house)).await;
}
