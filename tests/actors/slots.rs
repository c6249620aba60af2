//! Slots of the whole core: taken in the order of the journal, given back, and as they were after a start (C6).

use std::time::Duration;

use futures_util::future::join_all;
use intervalo::actor::{CommandError, Notice};
use intervalo::domain::command::{Cancelled, Command, Outcome};
use intervalo::domain::id::OfferId;
use intervalo::store::memory::{Fault, Gate};

use crate::company::{end, later, pause};
use crate::house::{House, Link, refusal, with_op};

#[tokio::test(start_paused = true)]
async fn promise_c6_of_those_who_ask_at_once_for_one_slot_one_has_it() {
    let house = House::open().await;
    let mut sockets = Vec::new();
    for agent in ["ana", "bia", "caio", "duda"] {
        sockets.push(house.connect(agent).await);
    }
    // While something else is being written all three decide, on a slot that is free; they lie in one batch.
    let gate = Gate::new();
    house.journal.inject(Fault::HoldBeforeSync(gate.clone()));
    let first = house.execute("ana", pause("cafe"));
    let others = async {
        gate.reached().await;
        let asked = join_all(["bia", "caio", "duda"].map(|agent| house.execute(agent, pause("rodizio"))));
        let opened = async {
            house.pass(Duration::from_millis(10)).await;
            gate.open();
        };
        tokio::join!(asked, opened).0
    };
    let (first, others) = tokio::join!(first, others);
    first.expect("it has no cap");
    let refused: Vec<&str> = others.into_iter().filter_map(Result::err).map(refusal).collect();
    assert_eq!(refused, ["slots_full", "slots_full"]);
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_given_back_when_the_pause_ends_and_kept_while_its_agent_is_away() {
    let house = House::open().await;
    let (ana, _bia) = (house.connect("ana").await, house.connect("bia").await);
    house.execute("ana", pause("rodizio")).await.expect("there is one");
    assert_eq!(refusal(house.execute("bia", pause("rodizio")).await.expect_err("taken")), "slots_full");
    house.disconnect(ana).await;
    house.pass(Duration::from_secs(3600)).await;
    assert_eq!(refusal(house.execute("bia", pause("rodizio")).await.expect_err("taken")), "slots_full");
    house.execute_as_supervisor("ana", end()).await.expect("ended");
    house.execute("bia", pause("rodizio")).await.expect("given back");
}

#[tokio::test(start_paused = true)]
async fn promise_c6_a_slot_that_was_taken_before_a_crash_is_taken_after_it() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.execute("ana", pause("rodizio")).await.expect("there is one");
    let house = house.restart().await;
    let _bia = house.connect("bia").await;
    assert_eq!(refusal(house.execute("bia", pause("rodizio")).await.expect_err("taken")), "slots_full");
    let _ana = house.connect("ana").await;
    house.execute("ana", end()).await.expect("ended");
    house.execute("bia", pause("rodizio")).await.expect("given back");
    // And after the shard was taken up anew.
    house.journal.inject(Fault::Fenced);
    house.execute("ana", pause("cafe")).await.expect_err("fenced");
    let _ana = house.connect("ana").await;
    assert_eq!(refusal(house.execute("ana", pause("rodizio")).await.expect_err("taken")), "slots_full");
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_could_not_be_written_is_not_taken() {
    let house = House::open().await;
    let (_ana, _bia) = (house.connect("ana").await, house.connect("bia").await);
    house.journal.inject(Fault::Unavailable);
    let error = house.execute("ana", pause("rodizio")).await.expect_err("no store, no pause");
    assert!(matches!(error, CommandError::Unavailable { .. }), "{error:?}");
    house.execute("bia", pause("rodizio")).await.expect("it is free");
    // Nor is one given back by an end that could not be written.
    house.journal.inject(Fault::Unavailable);
    house.execute("bia", end()).await.expect_err("no store, no end");
    assert_eq!(refusal(house.execute("ana", pause("rodizio")).await.expect_err("taken")), "slots_full");
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_sets_a_cap_aside_and_the_slot_counts_all_the_same() {
    let house = House::open().await;
    let (_ana, _bia) = (house.connect("ana").await, house.connect("bia").await);
    house.execute("ana", pause("rodizio")).await.expect("there is one");
    let Command::StartPause { pause_type, .. } = pause("rodizio") else { unreachable!("a start") };
    let over = Command::StartPause { pause_type, note: None, replaces: None, overriding: true };
    house.execute_as_supervisor("bia", over).await.expect("set aside");
    assert!(house.names("bia").await.ends_with(&["pause.started".to_owned(), "finding.recorded".to_owned()]));
    house.execute("ana", end()).await.expect("ended");
    // Bia is still on hers.
    assert_eq!(refusal(house.execute("ana", pause("rodizio")).await.expect_err("taken")), "slots_full");
}

#[tokio::test(start_paused = true)]
async fn verdicts_move_when_somebody_else_takes_a_slot_or_a_policy_is_published() {
    let house = House::open().await;
    let (_ana, _bia) = (house.connect("ana").await, house.connect("bia").await);
    let mut moved = house.router.moved(&house.tenant).expect("a tenant");
    let verdict = async || {
        let menu = house.router.options(&house.tenant, &later("bia")).await.expect("a menu");
        let line = menu.into_iter().find(|line| line.pause_type.code.as_str() == "rodizio").expect("on the menu");
        line.verdict.code.map(|refusal| refusal.code())
    };
    assert_eq!(verdict().await, None);
    // What takes no slot that has a cap moves nothing.
    house.execute("ana", pause("cafe")).await.expect("started");
    house.execute("ana", end()).await.expect("ended");
    assert!(!moved.has_changed().expect("open"));
    house.execute("ana", pause("rodizio")).await.expect("there is one");
    assert!(moved.has_changed().expect("open"));
    moved.mark_unchanged();
    assert_eq!(verdict().await, Some("slots_full"));
    house.publish_without("cafe").await.expect("published");
    assert!(moved.has_changed().expect("open"));
}

/// The offer that a socket is told of next, whatever else it is told before.
async fn offer(link: &mut Link) -> OfferId {
    loop {
        match link.notice().await.expect("the socket is held") {
            Notice::Offered { offer, .. } => return offer,
            Notice::Changed(_)
            | Notice::RequestChanged(_)
            | Notice::PauseCorrected(_)
            | Notice::PauseAnnotated(_)
            | Notice::PauseWarned { .. }
            | Notice::LimitReached { .. } => {}
            Notice::SignedOut { .. } => panic!("signed out"),
        }
    }
}

fn accept(offer: OfferId) -> Command {
    Command::AcceptOffer { offer }
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_offered_the_slot_as_soon_as_it_is_given_back() {
    let house = House::open().await;
    let (_ana, mut bia, mut caio) =
        (house.connect("ana").await, house.connect("bia").await, house.connect("caio").await);
    house.execute("ana", pause("fila")).await.expect("there is one");
    for agent in ["bia", "caio"] {
        let reply = house.execute(agent, pause("fila")).await.expect("in line");
        assert_eq!(reply.outcome, Outcome::Queued);
    }
    let position = async |agent: &str| {
        let view = house.router.view(&house.tenant, &later(agent)).await.expect("a view");
        view.queue.as_ref().and_then(|queue| queue.position)
    };
    assert_eq!((position("bia").await, position("caio").await), (Some(1), Some(2)));
    house.execute("ana", end()).await.expect("given back");
    let offered = offer(&mut bia).await;
    assert_eq!(refusal(house.execute("caio", accept(offered)).await.expect_err("not his")), "no_offer");
    house.execute("bia", accept(offered)).await.expect("taken");
    assert_eq!(position("caio").await, Some(1));
    house.execute("bia", end()).await.expect("given back");
    let offered = offer(&mut caio).await;
    house.execute("caio", accept(offered)).await.expect("taken");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn an_offer_that_is_let_pass_goes_to_the_next_in_line() {
    let house = House::open().await;
    let (_ana, mut bia, mut caio) =
        (house.connect("ana").await, house.connect("bia").await, house.connect("caio").await);
    house.execute("ana", pause("fila")).await.expect("there is one");
    house.execute("bia", pause("fila")).await.expect("in line");
    house.execute("caio", pause("fila")).await.expect("in line");
    house.execute("ana", end()).await.expect("given back");
    let first = offer(&mut bia).await;
    let second = offer(&mut caio).await;
    assert_eq!(refusal(house.execute("bia", accept(first)).await.expect_err("too late")), "offer_expired");
    house.execute("caio", accept(second)).await.expect("taken");
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_c6_a_line_and_an_offer_in_flight_outlive_a_crash() {
    let house = House::open().await;
    let (_ana, mut bia, _caio) = (house.connect("ana").await, house.connect("bia").await, house.connect("caio").await);
    house.execute("ana", pause("fila")).await.expect("there is one");
    house.execute("bia", pause("fila")).await.expect("in line");
    house.execute("caio", pause("fila")).await.expect("in line");
    house.execute("ana", end()).await.expect("given back");
    let offered = offer(&mut bia).await;
    let house = house.restart().await;
    let mut caio = house.connect("caio").await;
    // It is kept for Bia, who is not back yet.
    assert_eq!(house.execute("caio", pause("fila")).await.expect("in line").outcome, Outcome::Queued);
    assert!(caio.waiting().is_none_or(|notice| !matches!(notice, Notice::Offered { .. })));
    let _bia = house.connect("bia").await;
    house.execute("bia", accept(offered)).await.expect("taken");
    house.execute("bia", end()).await.expect("given back");
    let offered = offer(&mut caio).await;
    house.execute("caio", accept(offered)).await.expect("taken");
}

#[tokio::test(start_paused = true)]
async fn an_offer_that_nobody_can_take_any_more_is_given_back() {
    let house = House::open().await;
    let (_ana, mut bia, mut caio) =
        (house.connect("ana").await, house.connect("bia").await, house.connect("caio").await);
    house.execute("ana", pause("fila")).await.expect("there is one");
    house.execute("bia", pause("fila")).await.expect("in line");
    house.execute("caio", pause("fila")).await.expect("in line");
    house.execute("ana", end()).await.expect("given back");
    offer(&mut bia).await;
    house.disconnect(bia).await;
    // With her connection her offer is given up; her place is kept.
    let offered = offer(&mut caio).await;
    house.execute("caio", accept(offered)).await.expect("taken");
    let mut bia = house.connect("bia").await;
    house.execute("caio", end()).await.expect("given back");
    offer(&mut bia).await;
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_d3_a_place_in_line_asked_for_again_is_one_place() {
    let house = House::open().await;
    let (_ana, _bia) = (house.connect("ana").await, house.connect("bia").await);
    house.execute("ana", pause("fila")).await.expect("there is one");
    house.execute("bia", with_op(pause("fila"), 1)).await.expect("in line");
    house.execute("bia", Command::Cancel { what: Cancelled::Queue }).await.expect("out of line");
    let again = house.execute("bia", with_op(pause("fila"), 1)).await.expect("the first outcome");
    assert_eq!(again.outcome, Outcome::Queued);
    assert!(again.own.queue.is_none(), "and nothing happens");
}
