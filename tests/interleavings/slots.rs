//! Starts that race for one slot, with others who give it back: at no prefix of the journal are more on it than the cap
//! allows (promise C6).

use std::sync::Arc;

use intervalo::actor::{CommandError, Notice};
use intervalo::domain::command::{Command, Outcome, Rejection};
use intervalo::domain::event::AgentEventBody;
use intervalo::ports::EntryBody;
use intervalo::sync::Race;

use super::company::{end, pause};
use super::explore::{explore, finds};
use super::office::{Office, Socket};

/// Three agents take the one slot and give it back.
async fn one_slot_for_three() {
    let office = Office::open().await;
    let names = ["ana", "bia", "caio"];
    let mut sockets = Vec::new();
    for (session, agent) in names.into_iter().enumerate() {
        sockets.push(office.connect(agent, session as u64).await.expect("connected"));
    }
    let agents: Vec<_> = names.map(|agent| shuttle::future::spawn(take_and_give(Arc::clone(&office), agent))).into();
    for agent in agents {
        agent.await.unwrap();
    }
    office.close().await;
    check_slot(&office).await;
}

async fn take_and_give(office: Arc<Office>, agent: &'static str) {
    for _ in 0..2 {
        match office.execute(agent, pause("rodizio")).await {
            Ok(_) => {
                office.execute(agent, end()).await.expect("a pause that was begun can be ended");
            }
            Err(CommandError::Rejected { rejection: Rejection::Refused(refusal), .. }) => {
                assert_eq!(refusal.code(), "slots_full");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Two wait while one is on the one slot; each takes what is offered, and gives it back.
async fn a_line_of_two() {
    let office = Office::open().await;
    let names = ["ana", "bia", "caio"];
    let mut sockets = Vec::new();
    for (session, agent) in names.into_iter().enumerate() {
        sockets.push(office.connect(agent, session as u64).await.expect("connected"));
    }
    office.execute("ana", pause("fila")).await.expect("there is one");
    let mut sockets = sockets.into_iter().skip(1);
    let waiters: Vec<_> = ["bia", "caio"]
        .map(|agent| {
            let socket = sockets.next().expect("a socket");
            shuttle::future::spawn(wait_and_take(Arc::clone(&office), agent, socket))
        })
        .into();
    office.execute("ana", end()).await.expect("given back");
    for waiter in waiters {
        waiter.await.unwrap();
    }
    office.close().await;
    check_slot(&office).await;
}

async fn wait_and_take(office: Arc<Office>, agent: &'static str, mut socket: Socket) {
    let reply = office.execute(agent, pause("fila")).await.expect("a slot, or a place in line");
    if reply.outcome == Outcome::Queued {
        let offer = loop {
            if let Notice::Offered { offer, .. } = *socket.notices.recv().await.expect("the socket is held") {
                break offer;
            }
        };
        office.execute(agent, Command::AcceptOffer { offer }).await.expect("it is kept");
    }
    office.execute(agent, end()).await.expect("a pause that was begun can be ended");
}

async fn check_slot(office: &Office) {
    let mut on_it = Vec::new();
    for entry in office.entries().await {
        let EntryBody::Agent { event, .. } = entry.body else { continue };
        if let AgentEventBody::PauseStarted(started) = &event.body {
            on_it.push(started.id);
            assert!(on_it.len() <= 1, "two are on the one slot at {}", entry.seq);
        }
        if let AgentEventBody::PauseEnded(ended) = &event.body {
            on_it.retain(|id| *id != ended.pause);
        }
    }
}

#[test]
fn promise_c6_no_prefix_of_the_journal_has_two_on_one_slot() {
    explore(one_slot_for_three);
}

#[test]
fn a_sequencer_that_ignores_the_slots_is_found() {
    finds(Race::SlotsIgnored, one_slot_for_three, "two are on the one slot");
}

#[test]
fn a_sequencer_that_tells_nobody_of_their_turn_is_found() {
    finds(Race::TurnUntold, a_line_of_two, "deadlock");
}

#[test]
fn promise_c6_a_slot_that_is_given_back_reaches_everybody_in_line() {
    explore(a_line_of_two);
}
