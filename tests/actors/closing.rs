//! A company that is closed while the core runs: its doors are shut, all leave, each by their own actor, and nothing happens to it any
//! more until it is opened again.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use intervalo::actor::{CommandError, Notice};
use intervalo::domain::agent::Connection;
use intervalo::domain::closing::ClosingStep;
use intervalo::domain::command::{Actor, Command, Outcome, PauseAtSignOut};
use intervalo::domain::directory::{Directory, Person};
use intervalo::domain::event::{AgentEventBody, Cause, ChosenStatus, TenantEvent, TenantEventBody};
use intervalo::domain::id::PrincipalId;
use intervalo::domain::time::hours;
use intervalo::ports::TenantDefinition;
use intervalo::store::memory::{Fault, Gate};

use crate::company::{later, pause};
use crate::house::House;

/// More than leave at once.
const MANY: usize = 600;

fn olga() -> Actor {
    Actor::Integration(PrincipalId::new("olga").expect("an id"))
}

fn set(status: ChosenStatus) -> Command {
    Command::SetStatus { status, after_work: false }
}

async fn put(house: &House, step: ClosingStep, next: Directory) -> Result<(), CommandError> {
    let body = TenantEventBody::Closing { step, version: next.version };
    let event = TenantEvent { at: house.now(), actor: olga(), cause: Cause::Admin, op: None, body };
    house.core.publish(&house.tenant, event, TenantDefinition::Directory(Arc::new(next))).await
}

fn directory(house: &House) -> Arc<Directory> {
    Arc::clone(&house.router.tenant_even_closed(&house.tenant).expect("it is there").directory)
}

/// All that closing is, in its order.
async fn close(house: &House) {
    let shut = house.core.shut_doors(&house.tenant).expect("it is there");
    house.core.all_leave(&house.tenant, &olga()).await.expect("all leave");
    put(house, ClosingStep::Closed, directory(house).closed(house.now(), house.now())).await.expect("closed");
    drop(shut);
}

async fn reopen(house: &House) {
    let next = directory(house).reopened(house.now()).expect("it is closed");
    put(house, ClosingStep::Reopened, next).await.expect("opened");
}

fn is_unknown<T>(result: &Result<T, CommandError>) -> bool {
    matches!(result, Err(CommandError::UnknownTenant))
}

async fn last_of(house: &House, agent: &str) -> (Actor, Cause, AgentEventBody) {
    let event = house.events(agent).await.pop().expect("an event");
    (event.actor, event.cause, event.body)
}

#[tokio::test(start_paused = true)]
async fn semantics_6_whoever_is_there_leaves_when_the_company_is_closed() {
    let house = House::open().await;
    let mut ana = house.connect("ana").await;
    house.execute("ana", pause("fila")).await.expect("started");
    // Away, with a pause that goes on; and one that nobody else is to know of, the connection lost.
    let bia = house.connect("bia").await;
    house.execute("bia", pause("almoco")).await.expect("started");
    house.disconnect(bia).await;
    let caio = house.connect("caio").await;
    house.execute("caio", pause("banheiro")).await.expect("started");
    house.disconnect(caio).await;
    // In line for a slot that another has.
    let duda = house.connect("duda").await;
    house.execute("duda", set(ChosenStatus::Available)).await.expect("available");
    assert_eq!(house.execute("duda", pause("fila")).await.expect("in line").outcome, Outcome::Queued);
    house.pass(Duration::from_secs(120)).await;
    assert!(house.state("bia").await.is_paused() && house.state("caio").await.is_shown_offline());

    close(&house).await;
    assert_eq!(last_of(&house, "ana").await, (olga(), Cause::TenantClosed, AgentEventBody::SignedOut));
    loop {
        match ana.notice().await {
            Some(Notice::SignedOut { cause, .. }) => break assert_eq!(cause, Cause::TenantClosed),
            Some(_) => {}
            None => panic!("it was told nothing"),
        }
    }
    for agent in ["bia", "caio"] {
        let (by, cause, body) = last_of(&house, agent).await;
        assert!(matches!(body, AgentEventBody::PauseEnded(_)), "{agent}: {body:?}");
        assert_eq!((by, cause), (olga(), Cause::TenantClosed), "{agent}");
    }
    for agent in ["ana", "bia", "caio", "duda"] {
        let state = house.state(agent).await;
        assert!(
            matches!(state.connection, Connection::Disconnected { .. }) && !state.has_something_to_end(),
            "{agent}"
        );
    }
    drop(duda);
    house.check_fold().await;
    house.check_numbers().await;
    house.journal.verify().expect("the evidence is whole");
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_in_by_doors_that_are_shut_and_they_open_again() {
    let house = House::open().await;
    let ana = house.connect("ana").await;
    let shut = house.core.shut_doors(&house.tenant).expect("it is there");
    assert!(house.core.desk(&house.tenant).is_none() && house.router.tenant(&house.tenant).is_none());
    assert!(is_unknown(&house.try_connect("bia").await));
    assert!(is_unknown(&house.execute("ana", set(ChosenStatus::Available)).await));
    let supervised = house.execute_as_supervisor("ana", set(ChosenStatus::Unavailable)).await;
    assert!(is_unknown(&supervised));
    let next = Directory { version: directory(&house).version.next(), ..(*directory(&house)).clone() };
    let body = TenantEventBody::DirectoryChanged { version: next.version, added: 0, changed: 1, removed: 0 };
    let event = TenantEvent { at: house.now(), actor: olga(), cause: Cause::Admin, op: None, body };
    let published = house.core.publish(&house.tenant, event, TenantDefinition::Directory(Arc::new(next))).await;
    assert!(is_unknown(&published));
    // Who goes is not lost behind them.
    house.disconnect(ana).await;
    house.pass(Duration::from_secs(120)).await;
    assert_eq!(house.names("ana").await.last().map(String::as_str), Some("agent.connection_lost"));
    drop(shut);
    let _ana = house.connect("ana").await;
    house.execute("ana", set(ChosenStatus::Available)).await.expect("available");
    assert!(house.core.shut_doors(&"nada".parse().expect("an id")).is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_falls_due_of_a_closed_company_also_after_a_start_until_it_is_opened() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    house.publish_departure("bia").await;
    close(&house).await;
    let before = house.journal.verify().expect("whole").entries;
    house.pass(hours(30)).await;
    assert_eq!(house.journal.verify().expect("whole").entries, before, "nothing has happened");
    assert_eq!(house.core.live_agents(), 0, "nobody has an actor");

    let house = house.restart_after(hours(30)).await;
    assert!(!house.is_behind() && house.core.desk(&house.tenant).is_none());
    assert_eq!(house.core.tenant_count(), 1);
    house.pass(hours(30)).await;
    assert_eq!(house.journal.verify().expect("whole").entries, before + 1, "the start alone");
    assert!(is_unknown(&house.try_connect("ana").await));

    reopen(&house).await;
    let ana = house.connect("ana").await;
    house.execute("ana", pause("cafe")).await.expect("started");
    house.pass(hours(1)).await;
    assert!(house.names("ana").await.contains(&"pause.overran".to_owned()), "what is due falls due again");
    house.disconnect(ana).await;
    house.check_fold().await;
    house.journal.verify().expect("the evidence is whole");
}

#[tokio::test(start_paused = true)]
async fn only_what_opens_a_closed_company_is_put_in_force() {
    let house = House::open().await;
    close(&house).await;
    let other = Directory { version: directory(&house).version.next(), ..(*directory(&house)).clone() };
    let body = TenantEventBody::DirectoryChanged { version: other.version, added: 0, changed: 1, removed: 0 };
    let event = |body| TenantEvent { at: house.now(), actor: olga(), cause: Cause::Admin, op: None, body };
    let definition = TenantDefinition::Directory(Arc::new(other));
    assert!(is_unknown(&house.core.publish(&house.tenant, event(body.clone()), definition).await));
    // What is not looked at on the way is refused by whoever numbers it.
    let refused = house.core.record(&house.tenant, event(body)).await;
    assert!(matches!(refused, Err(CommandError::Unavailable { .. })), "{refused:?}");
    let again = put(&house, ClosingStep::Closed, directory(&house).closed(house.now(), house.now())).await;
    assert!(matches!(again, Err(CommandError::Unavailable { .. })), "{again:?}");
    let step = TenantEventBody::ClockStepped { by_ms: 5_000, ahead_ms: 5_000 };
    house.core.record(&house.tenant, event(step)).await.expect("what happens to the server is on record");
    reopen(&house).await;
    house.publish_without("almoco").await.expect("published");
    house.journal.verify().expect("the evidence is whole");
}

#[tokio::test(start_paused = true)]
async fn more_people_than_leave_at_once_leave_all_of_them() {
    let house = House::open().await;
    let names: Vec<String> = (0..MANY).map(|n| format!("p{n:04}")).collect();
    house
        .publish_directory(|directory| {
            let teams: Vec<_> = directory.teams.keys().cloned().collect();
            for name in &names {
                let (id, teams) = (later(name), teams.clone());
                let (name, zone, capacity, left_at) = (name.clone(), None, BTreeMap::new(), None);
                directory.agents.insert(id.clone(), Arc::new(Person { id, name, teams, zone, capacity, left_at }));
            }
        })
        .await;
    let mut links = Vec::new();
    for name in &names {
        links.push(house.connect(name).await);
    }
    close(&house).await;
    for name in &names {
        assert_eq!(house.names(name).await, ["agent.connected", "agent.signed_in", "agent.signed_out"], "{name}");
    }
    house.check_fold().await;
}

#[tokio::test(start_paused = true)]
async fn promise_d4_whoever_could_not_leave_is_there_still_and_leaves_the_next_time() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    house.execute("ana", pause("almoco")).await.expect("started");
    house.journal.inject(Fault::Unavailable);
    let shut = house.core.shut_doors(&house.tenant).expect("it is there");
    let left = house.core.all_leave(&house.tenant, &olga()).await;
    assert!(matches!(left, Err(CommandError::Unavailable { .. })), "{left:?}");
    drop(shut);
    assert!(house.state("ana").await.is_paused());
    house.execute("ana", Command::SignOut { pause: PauseAtSignOut::KeepEntitlement }).await.expect("served");
    let _ana = house.connect("ana").await;
    close(&house).await;
    house.check_fold().await;
    house.journal.verify().expect("the evidence is whole");
}

#[tokio::test(start_paused = true)]
async fn whoever_was_on_the_way_when_the_doors_were_shut_does_not_come_in_behind_them() {
    let house = House::open().await;
    let _ana = house.connect("ana").await;
    let gate = Gate::new();
    house.journal.inject(Fault::HoldBeforeSync(gate.clone()));
    let closing = async {
        gate.reached().await;
        let mut second = pin!(house.try_connect("ana"));
        // It waits in the mailbox, past whoever looks whether the tenant is served.
        tokio::select! {
            biased;
            come = &mut second => panic!("the actor waits for the store: {:?}", come.err()),
            () = std::future::ready(()) => {}
        }
        let shut = house.core.shut_doors(&house.tenant).expect("it is there");
        gate.open();
        let by = olga();
        let (second, left) = tokio::join!(second, house.core.all_leave(&house.tenant, &by));
        left.expect("all leave");
        assert!(is_unknown(&second));
        put(&house, ClosingStep::Closed, directory(&house).closed(house.now(), house.now())).await.expect("closed");
        drop(shut);
    };
    let (started, ()) = tokio::join!(house.execute("ana", pause("almoco")), closing);
    started.expect("it was before");
    assert_eq!(last_of(&house, "ana").await, (olga(), Cause::TenantClosed, AgentEventBody::SignedOut));
    house.check_fold().await;
    house.journal.verify().expect("the evidence is whole");
}
