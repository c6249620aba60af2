//! Actors, desk and sequencer as one, on the journal in memory and in tokio's paused time: what is
//! acknowledged is durable, what is not durable is not shown, and what goes wrong stays where it is.

#[path = "support/clock.rs"]
mod clock;
#[path = "actors/closing.rs"]
mod closing;
#[path = "support/company.rs"]
mod company;
#[path = "actors/founding.rs"]
mod founding;
#[path = "actors/house.rs"]
mod house;
#[path = "actors/leaving.rs"]
mod leaving;
#[path = "actors/occupancy.rs"]
mod occupancy;
#[path = "actors/queue.rs"]
mod queue;
#[path = "actors/rest.rs"]
mod rest;
#[path = "actors/slots.rs"]
mod slots;
#[path = "actors/steps.rs"]
mod steps;

use std::time::Duration;

use company::{end, later, pause};
use house::{House, refusal, with_op};
use intervalo::actor::{CommandError, Notice};
use intervalo::domain::agent::Status;
use intervalo::domain::command::{Command, Outcome, Rejection};
use intervalo::domain::event::{AgentEventBody, Cause, ChosenStatus};
use intervalo::domain::presence::{ConnectionWord, NotRoutable, StatusWord};
use intervalo::ports::{Delivery, Feed};
use intervalo::store::memory::{Fault, Gate};

#[tokio::test(start_paused = true)]
async fn a_socket_signs_its_agent_in_and_the_pause_it_starts_is_in_the_journal_before_the_reply() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    assert_eq!(ana.opened.status, StatusWord::Unavailable);
    let reply = house.execute("ana", pause("cafe")).await.expect("started");
    let Outcome::Started { pause } = reply.outcome else { panic!("{:?}", reply.outcome) };
    assert_eq!(house.names("ana").await, ["agent.connected", "agent.signed_in", "pause.started"]);
    let Some(Notice::Changed(seen)) = ana.notice().await else { panic!("the socket is told") };
    assert_eq!(seen.pause.as_ref().map(|pause| pause.id), Some(pause));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_d4_a_store_out_of_reach_is_an_error_and_changes_nothing() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let before = house.router.view(&house.tenant, &later("ana")).await.expect("a view");
    house.journal.inject(Fault::Unavailable);
    let error = house.execute("ana", pause("cafe")).await.expect_err("no store, no pause");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    assert_eq!(house.router.view(&house.tenant, &later("ana")).await.expect("a view"), before);
    house.execute("ana", pause("cafe")).await.expect("it works again");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_d5_nothing_is_shown_or_answered_before_it_is_durable() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    let mut feed = house.feed();
    let gate = Gate::new();
    house.journal.inject(Fault::HoldBeforeSync(gate.clone()));
    let command = house.execute("ana", pause("cafe"));
    tokio::pin!(command);
    tokio::select! {
        biased;
        reply = &mut command => panic!("answered before it was durable: {reply:?}"),
        () = gate.reached() => {}
    }
    assert!(ana.waiting().is_none(), "the socket was told too early");
    assert!(futures_util::FutureExt::now_or_never(feed.next()).is_none(), "boards were told too early");
    gate.open();
    command.await.expect("started");
    let Some(Delivery::Message(Feed::Committed(committed))) = feed.next().await else { panic!("the boards are told") };
    assert_eq!(committed.rows[0].view.status, StatusWord::Paused);
    assert!(matches!(ana.notice().await, Some(Notice::Changed(_))));
}

#[tokio::test(start_paused = true)]
async fn an_append_of_unknown_outcome_counts_as_what_the_head_says() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.journal.inject(Fault::UnknownWritten);
    house.execute("ana", pause("cafe")).await.expect("it was written after all");
    house.journal.inject(Fault::UnknownNotWritten);
    let error = house.execute("ana", end()).await.expect_err("it was not written");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    house.execute("ana", end()).await.expect("ended");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn a_fenced_shard_is_dropped_from_memory_and_taken_up_again_while_it_is_still_ours() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    house.journal.inject(Fault::Fenced);
    let error = house.execute("ana", pause("cafe")).await.expect_err("fenced");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    assert!(ana.notice().await.is_none(), "the socket is let go, so that it comes back");
    let again = house.connect("ana").await;
    assert_eq!(again.opened.status, StatusWord::Unavailable);
    house.execute("ana", pause("cafe")).await.expect("started");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn deadlines_go_on_after_a_shard_was_taken_up_again() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let _bia = house.connect("bia").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    house.journal.inject(Fault::Fenced);
    house.execute("bia", pause("cafe")).await.expect_err("fenced");
    // Nobody asks after Ana; her pause runs over all the same.
    house.pass(Duration::from_secs(700)).await;
    assert!(house.names("ana").await.contains(&"pause.overran".to_owned()));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_another_took_over_answers_nothing_any_more() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    assert_eq!(house.router.not_ready(), None);
    let other = house.journal.reopen();
    let error = house.execute("ana", pause("cafe")).await.expect_err("somebody else owns it");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    let error = house.execute("ana", pause("cafe")).await.expect_err("for good");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    assert!(house.router.not_ready().is_some_and(|why| why.contains("another server")));
    let summary = other.verify().expect("the other's journal is whole");
    assert!(summary.entries > 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_decides_under_a_policy_that_has_gone() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let _bia = house.connect("bia").await;
    let gate = Gate::new();
    house.journal.inject(Fault::HoldBeforeWrite(gate.clone()));
    // While Bia's start is in flight, a policy without coffee is published, and then Ana decides
    // under the old one, which is still in force.
    let bia = house.execute("bia", pause("cafe"));
    let published = async {
        gate.reached().await;
        house.publish_without("cafe").await
    };
    let ana = async {
        // Time passes only when everybody waits: by then the publication is in line.
        house.pass(Duration::from_millis(10)).await;
        house.execute("ana", pause("cafe")).await
    };
    let opened = async {
        house.pass(Duration::from_millis(20)).await;
        gate.open();
    };
    let (bia, published, ana, ()) = tokio::join!(bia, published, ana, opened);
    bia.expect("decided and ordered before the publication");
    published.expect("published");
    assert_eq!(refusal(ana.expect_err("decided again")), "type_disabled");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_d3_an_op_sent_again_has_one_effect_also_after_a_restart_and_many_others() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let first = house.execute("ana", with_op(pause("cafe"), 1)).await.expect("started");
    for op in 2..40 {
        let command = if op % 2 == 0 { end() } else { pause("cafe") };
        house.execute("ana", with_op(command, op)).await.expect("done");
    }
    let events = house.names("ana").await.len();
    assert_eq!(house.execute("ana", with_op(pause("cafe"), 1)).await.expect("the same").outcome, first.outcome);
    let other = house.execute("ana", with_op(end(), 1)).await.expect_err("another command");
    assert!(matches!(other, CommandError::Rejected { rejection: Rejection::OpReused, .. }), "{other:?}");
    assert_eq!(house.names("ana").await.len(), events, "nothing happened");
    let house = house.restart().await;
    let _ana = house.connect("ana").await;
    let again = house.execute("ana", with_op(pause("cafe"), 1)).await.expect("the same after a restart");
    assert_eq!(again.outcome, first.outcome);
    // The last op at hand came after a command that had nothing to do.
    house.execute("ana", with_op(pause("cafe"), 39)).await.expect("the last one too");
}

#[tokio::test(start_paused = true)]
async fn promise_d3_an_op_that_had_nothing_to_do_still_has_no_effect_later() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let set = || Command::SetStatus { status: ChosenStatus::Unavailable, after_work: false };
    house.execute("ana", with_op(set(), 7)).await.expect("is so already");
    house.execute("ana", pause("cafe")).await.expect("started");
    let again = house.execute("ana", with_op(set(), 7)).await.expect("the first result");
    assert_eq!(again.own.status, StatusWord::Paused, "a repeat changes nothing");
    let house = house.restart().await;
    let _ana = house.connect("ana").await;
    let again = house.execute("ana", with_op(set(), 7)).await.expect("across a restart too");
    assert_eq!(again.own.status, StatusWord::Paused);
}

#[tokio::test(start_paused = true)]
async fn promise_c8_without_a_session_an_agent_is_disconnected_when_the_grace_is_over() {
    let house = House::open().await;
    let ana = house.connect("ana").await;
    house.execute("ana", Command::SetStatus { status: ChosenStatus::Available, after_work: false }).await.expect("set");
    house.disconnect(ana).await;
    let view = house.router.view(&house.tenant, &later("ana")).await.expect("a view");
    let mut feed = house.feed();
    assert_eq!(view.connection, ConnectionWord::Grace);
    assert_eq!(view.not_routable, Some(NotRoutable::Disconnected));
    let before = house.now();
    let lost = house::committed(&mut feed).await;
    let waited = house.now().since(before);
    assert!(waited <= Duration::from_secs(61) && waited >= Duration::from_secs(59), "{waited:?}");
    assert_eq!(lost.rows[0].view.status, StatusWord::Offline);
    // Back within the time: as before.
    let ana = house.connect("ana").await;
    assert_eq!(ana.opened.status, StatusWord::Available);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_c8_a_socket_that_is_gone_while_the_store_is_away_is_written_when_it_is_back() {
    let house = House::open().await;
    let ana = house.connect("ana").await;
    // A pause that has no deadline of its own for hours.
    house.execute("ana", pause("almoco")).await.expect("started");
    house.journal.inject(Fault::Unavailable);
    house.disconnect(ana).await;
    house.pass(Duration::from_secs(62)).await;
    assert!(house.names("ana").await.ends_with(&["agent.grace".to_owned(), "agent.connection_lost".to_owned()]));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_c8_reconnecting_within_the_grace_changes_neither_status_nor_pause() {
    let house = House::open().await;
    let ana = house.connect("ana").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    let before = house.state("ana").await;
    house.disconnect(ana).await;
    let ana = house.connect("ana").await;
    let after = house.state("ana").await;
    assert_eq!(before.status, after.status);
    assert_eq!(before.version, after.version);
    assert_eq!(ana.opened.status, StatusWord::Paused);
    assert_eq!(house.names("ana").await.last().map(String::as_str), Some("agent.connected"));
}

#[tokio::test(start_paused = true)]
async fn promise_t1_and_t2_thresholds_fire_at_their_instants_and_once() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    let started = house.state("ana").await.since;
    assert!(matches!(ana.notice().await, Some(Notice::Changed(_))));
    let Some(Notice::PauseWarned { at, limit_at, .. }) = ana.notice().await else { panic!("warned") };
    assert_eq!((at.0 - started.0, limit_at.0 - started.0), (540_000, 600_000));
    let Some(Notice::LimitReached { at, .. }) = ana.notice().await else { panic!("limit") };
    assert_eq!(at.0 - started.0, 600_000);
    let Some(Notice::Changed(over)) = ana.notice().await else { panic!("overrun") };
    let overran_at = over.pause.as_ref().and_then(|pause| pause.overran_at).expect("over");
    assert_eq!(overran_at.0 - started.0, 660_000);
    house.execute("ana", end()).await.expect("ended");
    let names = house.names("ana").await;
    for once in ["pause.warned", "pause.limit_reached", "pause.overran", "pause.ended"] {
        assert_eq!(names.iter().filter(|name| *name == once).count(), 1, "{once} in {names:?}");
    }
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_t1_what_fell_due_while_the_server_was_down_is_journaled_late_before_anything_is_shown() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let reply = house.execute("ana", pause("cafe")).await.expect("started");
    let house = house.restart_after(Duration::from_secs(3600)).await;
    assert!(house.is_behind(), "no row may be shown yet");
    let row = house.router.public_view(&house.tenant, &later("ana")).await.expect("a view");
    assert!(row.pause.as_ref().is_some_and(|pause| pause.overran_at.is_some()), "the first reply shows it");
    let Outcome::Started { pause } = reply.outcome else { panic!("{:?}", reply.outcome) };
    assert_eq!(row.pause.as_ref().map(|pause| pause.id), Some(pause), "the same pause");
    let events = house.events("ana").await;
    let late = events.iter().filter(|event| {
        event.due_at.is_some_and(|due| due < event.at)
            && matches!(
                event.body,
                AgentEventBody::PauseWarned { late: true, .. }
                    | AgentEventBody::LimitReached { late: true, .. }
                    | AgentEventBody::Overran { late: true, .. }
                    | AgentEventBody::Escalated { late: true, .. }
            )
    });
    assert_eq!(late.count(), 4);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_d6_a_restart_revives_every_open_pause_and_folds_sessions_to_a_fresh_grace() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let _bia = house.connect("bia").await;
    house.execute("ana", pause("almoco")).await.expect("started");
    let before = house.state("ana").await;
    let house = house.restart().await;
    let after = house.state("ana").await;
    assert_eq!((&before.status, before.since, before.version), (&after.status, after.since, after.version));
    assert_eq!(house.core.live_agents(), 0, "the paused one and the one in grace are waited for without an actor");
    let view = house.router.view(&house.tenant, &later("bia")).await.expect("a view");
    assert_eq!(view.connection, ConnectionWord::Grace);
    house.pass(Duration::from_secs(120)).await;
    assert!(matches!(house.state("ana").await.status, Status::Paused(_)), "a pause outlives its sockets");
    assert_eq!(house.state("bia").await.status, Status::Offline);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_b3_a_panic_is_confined_to_one_actor_which_is_rebuilt_from_what_is_durable() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    let _bia = house.connect("bia").await;
    house.panic_on_next_id();
    let error = house.execute("ana", pause("cafe")).await.expect_err("its actor panicked");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    house.execute("bia", pause("cafe")).await.expect("others do not notice");
    assert!(ana.notice().await.is_none(), "the socket is let go");
    let again = house.connect("ana").await;
    assert_eq!(again.opened.status, StatusWord::Unavailable);
    house.execute("ana", pause("cafe")).await.expect("started");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_b3_a_panic_of_the_sequencer_voids_memory_and_nothing_that_is_durable() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    house.panic_on_next_publication();
    let error = house.execute("ana", with_op(pause("cafe"), 5)).await.expect_err("nobody knows what became of it");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    assert!(ana.notice().await.is_none(), "the socket is let go");
    let again = house.connect("ana").await;
    assert_eq!(again.opened.status, StatusWord::Paused, "it was durable");
    house.execute("ana", with_op(pause("cafe"), 5)).await.expect("the op tells what became of it");
    assert_eq!(house.names("ana").await.iter().filter(|name| *name == "pause.started").count(), 1);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_without_sessions_pause_or_deadline_goes_to_rest_and_wakes_as_it_was() {
    let house = House::open().await;
    let ana = house.connect("ana").await;
    house.execute("ana", Command::SetStatus { status: ChosenStatus::Available, after_work: false }).await.expect("set");
    house.disconnect(ana).await;
    house.pass(Duration::from_secs(120)).await;
    assert_eq!(house.core.live_agents(), 0);
    let view = house.router.view(&house.tenant, &later("ana")).await.expect("a view");
    assert_eq!(view.status, StatusWord::Offline);
    assert_eq!(house.core.live_agents(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_message_is_lost_while_agents_go_to_rest_and_wake() {
    let house = House::open().await;
    for round in 0..200 {
        // Around the instant at which an idle actor rests.
        house.pass(Duration::from_millis(4990 + round % 20)).await;
        house.router.view(&house.tenant, &later("ana")).await.expect("answered");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_refusal_of_a_minute_is_journaled_and_the_rest_are_counted() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    for _ in 0..5 {
        assert_eq!(refusal(house.execute("ana", pause("nada")).await.expect_err("no such type")), "unknown_type");
    }
    house.pass(Duration::from_secs(61)).await;
    let counts: Vec<u32> = house
        .events("ana")
        .await
        .iter()
        .filter_map(|event| {
            let AgentEventBody::PauseRefused { count, .. } = &event.body else { return None };
            Some(*count)
        })
        .collect();
    assert_eq!(counts, [1, 4]);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_c3_numbers_are_dense_per_agent_and_per_tenant_under_load() {
    let house = House::open().await;
    let names = ["ana", "bia", "caio", "duda"];
    let mut links = Vec::new();
    for name in names {
        links.push(house.connect(name).await);
    }
    let lives = names.map(|name| {
        let house = &house;
        async move {
            for _ in 0..25 {
                house.execute(name, pause("cafe")).await.expect("started");
                house.execute(name, end()).await.expect("ended");
            }
        }
    });
    futures_util::future::join_all(lives).await;
    house.check_numbers().await;
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_c7_reply_feed_and_journal_agree() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let mut feed = house.feed();
    let reply = house.execute("ana", pause("cafe")).await.expect("started");
    let Some(Delivery::Message(Feed::Committed(committed))) = feed.next().await else { panic!("fed") };
    assert_eq!(committed.rows[0].view, reply.public);
    let events = house.events("ana").await;
    let last = events.last().expect("an event");
    assert_eq!(last.body.name(), "pause.started");
    assert_eq!(Some(last.at), reply.own.pause.as_ref().map(|pause| pause.started_at));
    assert_eq!(reply.own.version.0 as usize, events.len());
    assert_eq!(committed.to.0, committed.from.0 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_single_refusal_is_forgotten_when_its_minute_is_over_and_its_agent_goes_on() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    assert_eq!(refusal(house.execute("ana", pause("nada")).await.expect_err("no such type")), "unknown_type");
    house.pass(Duration::from_secs(61)).await;
    house.execute("ana", pause("cafe")).await.expect("started");
    assert_eq!(house.names("ana").await.iter().filter(|name| *name == "pause.refused").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_to_be_tried_again_and_has_become_moot_does_not_hold_the_agent_up() {
    let house = House::open().await;
    let ana = house.connect("ana").await;
    house.journal.inject(Fault::Unavailable);
    // The grace cannot be written; before it is tried again, the agent is back.
    house.disconnect(ana).await;
    let _ana = house.connect("ana").await;
    house.pass(Duration::from_secs(10)).await;
    house.execute("ana", pause("cafe")).await.expect("started");
    assert!(!house.names("ana").await.contains(&"agent.grace".to_owned()));
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_let_go_signs_out_nobody_but_itself() {
    let house = House::open().await;
    let slow = house.connect("ana").await;
    let _other = house.connect("ana").await;
    let id = slow.id;
    house.disconnect(slow).await;
    house.sign_out_session("ana", id).await;
    let view = house.router.view(&house.tenant, &later("ana")).await.expect("a view");
    assert_eq!((view.connection, view.status), (ConnectionWord::Connected, StatusWord::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn who_left_while_the_server_was_down_has_their_pause_ended_before_anything_is_shown() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    house.publish_departure("ana").await;
    let house = house.restart().await;
    house.caught_up().await;
    let events = house.events("ana").await;
    let ended = events.iter().find(|event| event.body.name() == "pause.ended").expect("ended");
    assert_eq!(ended.cause, Cause::Deactivated);
    assert_eq!(house.state("ana").await.status, Status::Offline);
    assert_eq!(house.core.live_agents(), 0);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_connected_is_taken_off_at_once() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    house.publish_departure("ana").await;
    house.pass(Duration::from_millis(10)).await;
    assert_eq!(house.names("ana").await.last().map(String::as_str), Some("agent.deactivated"));
    let mut last = None;
    while let Some(notice) = ana.notice().await {
        last = Some(notice);
    }
    assert!(matches!(last, Some(Notice::SignedOut { cause: Cause::Deactivated, .. })), "{last:?}");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_v3_heads_are_told_under_steady_traffic_too() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let mut feed = house.feed();
    for round in 0..6 {
        let command = if round % 2 == 0 { pause("cafe") } else { end() };
        house.execute("ana", command).await.expect("done");
        house.pass(Duration::from_secs(2)).await;
    }
    let mut heads = 0;
    while let Some(Some(delivery)) = futures_util::FutureExt::now_or_never(feed.next()) {
        heads += usize::from(matches!(delivery, Delivery::Message(Feed::Head(_))));
    }
    assert!(heads >= 2, "{heads} heads in 12 s");
}

#[tokio::test(start_paused = true)]
async fn boards_hear_that_the_store_is_back_though_nobody_writes() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let mut feed = house.feed();
    house.journal.inject(Fault::Unavailable);
    house.execute("ana", pause("cafe")).await.expect_err("out of reach");
    house.pass(Duration::from_secs(6)).await;
    let mut heard = Vec::new();
    while let Some(Some(Delivery::Message(message))) = futures_util::FutureExt::now_or_never(feed.next()) {
        heard.push(message);
    }
    assert!(matches!(heard[0], Feed::Stale(_)), "{heard:?}");
    assert!(heard.iter().any(|message| matches!(message, Feed::Fresh)), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn promise_b4_boards_hear_that_the_store_is_away_while_an_append_has_no_known_outcome() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let mut feed = house.feed();
    house.journal.inject(Fault::UnknownWritten);
    house.journal.set_reads_fail(true);
    let asked_at = house.now();
    let error = house.execute("ana", pause("cafe")).await.expect_err("nobody knows");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    assert!(house.now().since(asked_at) <= Duration::from_secs(5), "a command fails within 5 s");
    let mut heard = Vec::new();
    let mut listen = |heard: &mut Vec<Feed>| {
        while let Some(Some(Delivery::Message(message))) = futures_util::FutureExt::now_or_never(feed.next()) {
            heard.push(message);
        }
    };
    listen(&mut heard);
    assert_eq!(heard.iter().filter(|message| matches!(message, Feed::Stale(_))).count(), 1, "{heard:?}");
    house.journal.set_reads_fail(false);
    house.pass(Duration::from_secs(6)).await;
    listen(&mut heard);
    assert!(matches!(heard.last(), Some(Feed::Fresh | Feed::Committed(_) | Feed::Head(_))), "{heard:?}");
    assert!(heard.iter().any(|message| matches!(message, Feed::Fresh)), "{heard:?}");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_b5_the_core_closes_while_the_store_cannot_be_read() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.journal.inject(Fault::UnknownNotWritten);
    house.journal.set_reads_fail(true);
    house.execute("ana", pause("cafe")).await.expect_err("nobody knows");
    let before = house.now();
    house.core.close().await;
    assert!(house.now().since(before) < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_others_nothing_of_a_protected_pause() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let _bia = house.connect("bia").await;
    house.execute("ana", pause("banheiro")).await.expect("started");
    let mut told = Vec::new();
    for agent in ["ana", "bia"] {
        let refused = house.execute_as_supervisor(agent, pause("jantar")).await.expect_err("it is morning");
        let CommandError::Rejected { rejection, next_change_at, public, .. } = refused else { panic!("{refused:?}") };
        told.push((rejection, next_change_at, public.status));
    }
    assert!(told[0].1.is_some(), "the window opens some time");
    assert_eq!(told[0], told[1]);
}
