//! Starts that race for one slot, with others who give it back: at no prefix of the journal are more on it than the cap
//! allows (promise C6).

use std::sync::Arc;

use intervalo::actor::CommandError;
use intervalo::domain::command::Rejection;
use intervalo::domain::event::AgentEventBody;
use intervalo::ports::EntryBody;
use intervalo::sync::Race;

use super::company::{end, pause};
use super::explore::{explore, finds};
use super::office::Office;

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

async fn check_slot(office: &Office) {
    let mut on_it = Vec::new();
    for entry in office.entries().await {
        let EntryBody::Agent { event, .. } = entry.body else { continue };
        match &event.body {
            AgentEventBody::PauseStarted(started) => {
                on_it.push(started.id);
                assert!(on_it.len() <= 1, "two are on the one slot at {}", entry.seq);
            }
            AgentEventBody::PauseEnded(ended) => on_it.retain(|id| *id != ended.pause),
            _ => {}
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
