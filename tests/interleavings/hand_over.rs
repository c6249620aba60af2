//! An actor goes to rest while messages reach it: each is answered, by this actor or the next, and
//! there are never two (promise C8: a socket that came in is a presence).

use std::sync::Arc;
use std::time::Duration;

use intervalo::domain::presence::ConnectionWord;
use intervalo::sync::Race;

use super::company::{later, pause, tenant};
use super::explore::{explore, finds};
use super::office::Office;

/// The idle time after which an actor rests.
const REST: Duration = Duration::from_secs(5);

async fn an_actor_goes_to_rest_while_it_is_asked() {
    let office = Office::open().await;
    office.router.view(&tenant(), &later("caio")).await.expect("there is such an agent");
    office.clock.advance(REST);

    let ticking = office.tick();
    let asks: Vec<_> = (0..2)
        .map(|_| {
            let office = Arc::clone(&office);
            shuttle::future::spawn(async move {
                office.router.view(&tenant(), &later("caio")).await.expect("answered");
            })
        })
        .collect();
    let mut socket = office.connect("caio", 1).await.expect("signed in");
    for ask in asks {
        ask.await.unwrap();
    }
    let view = office.router.view(&tenant(), &later("caio")).await.expect("answered");
    assert_eq!(view.connection, ConnectionWord::Connected, "the socket is held by the actor that answers");
    office.execute("caio", pause("cafe")).await.expect("begun");
    while socket.notices.try_recv().is_some() {}
    assert!(!socket.notices.is_closed(), "the socket was let go");
    ticking.stop().await;
    office.close().await;
}

#[test]
fn promise_c8_an_actor_that_goes_to_rest_answers_whoever_reached_it_and_keeps_who_came_in() {
    explore(an_actor_goes_to_rest_while_it_is_asked);
}

#[test]
fn a_mailbox_that_is_dropped_with_its_messages_is_found() {
    finds(Race::MailboxDropped, an_actor_goes_to_rest_while_it_is_asked, ": Unavailable");
}
