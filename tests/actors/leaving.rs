//! Whoever leaves, moves or is called otherwise while everybody works (semantics §7, §8).

use std::sync::Arc;
use std::time::Duration;

use intervalo::actor::{CommandError, Notice};
use intervalo::domain::directory::Person;
use intervalo::domain::event::Cause;
use intervalo::domain::presence::StatusWord;
use intervalo::store::memory::{Fault, Gate};

use crate::company::{later, pause};
use crate::house::House;

#[tokio::test(start_paused = true)]
async fn a_socket_that_comes_in_while_its_agent_leaves_is_let_go() {
    let house = House::open().await;
    // While something else is being written the person is taken from the directory, and signs in, both in one batch.
    let _bia = house.connect("bia").await;
    let gate = Gate::new();
    house.journal.inject(Fault::HoldBeforeSync(gate.clone()));
    let first = house.execute("bia", pause("cafe"));
    let both = async {
        gate.reached().await;
        let opened = async {
            house.pass(Duration::from_millis(10)).await;
            gate.open();
        };
        tokio::join!(house.publish_departure("ana"), house.try_connect("ana"), opened).1
    };
    let (_, came_in) = tokio::join!(first, both);
    house.pass(Duration::from_millis(10)).await;
    let is_gone = match came_in {
        Err(CommandError::UnknownAgent) => true,
        Err(other) => panic!("{other:?}"),
        // What it was told on the way in is no news; then there is nobody any more who would tell it something.
        Ok(mut link) => {
            let is_over = |notice: &Option<Notice>| {
                matches!(notice, None | Some(Notice::SignedOut { cause: Cause::Deactivated, .. }))
            };
            tokio::time::timeout(Duration::from_secs(1), link.notice()).await.is_ok_and(|notice| is_over(&notice))
        }
    };
    assert!(is_gone, "nobody is left with a socket to somebody who is not there");
    // Whoever comes back under the id signs in anew, and nobody is there before they do.
    house
        .publish_directory(|directory| {
            let ana = directory.agents.get_mut(&later("ana")).expect("a person");
            *ana = Arc::new(Person { left_at: None, ..Person::clone(ana) });
        })
        .await;
    house.pass(Duration::from_secs(1)).await;
    let view = house.router.view(&house.tenant, &later("ana")).await.expect("a view");
    assert_eq!(view.status, StatusWord::Offline);
    house.check_fold().await;
}
