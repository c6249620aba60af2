//! Agents without an actor: nothing that is put in force slips past one that is just going to rest, and who is
//! overdue is brought up to date once, whoever asks meanwhile (promise T1).

use std::sync::Arc;
use std::time::Duration;

use intervalo::domain::command::Actor;
use intervalo::domain::directory::Person;
use intervalo::domain::event::{AgentEventBody, Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{DirectoryVersion, SessionId};
use intervalo::domain::time::hours;
use intervalo::ports::{EntryBody, TenantDefinition};
use intervalo::sync::Race;

use super::clock::BEGIN;
use super::company::{directory, later, pause, tenant};
use super::explore::{explore, finds};
use super::office::Office;

/// The idle time after which an actor rests.
const REST: Duration = Duration::from_secs(5);
/// How often others may go first before something that nobody waits for is missed.
const TURNS_MAX: usize = 2_000;

/// The names of an agent's events.
async fn names(office: &Office, agent: &str) -> Vec<&'static str> {
    let wanted = later(agent);
    let of_agent = |entry: intervalo::ports::Entry| match entry.body {
        EntryBody::Agent { agent, event, .. } if agent == wanted => Some(event.body.name()),
        EntryBody::Agent { .. } | EntryBody::Tenant { .. } => None,
    };
    office.entries().await.into_iter().filter_map(of_agent).collect()
}

async fn publish_departure(office: &Office, agent: &str) {
    let mut changed = directory();
    changed.version = DirectoryVersion(2);
    let person = changed.agents.get_mut(&later(agent)).expect("a person");
    *person = Arc::new(Person { left_at: Some(BEGIN), ..(**person).clone() });
    let body = TenantEventBody::DirectoryChanged { version: changed.version, added: 0, changed: 0, removed: 1 };
    let event = TenantEvent { at: BEGIN, actor: Actor::System, cause: Cause::Admin, op: None, body };
    office.core.publish(&tenant(), event, TenantDefinition::Directory(Arc::new(changed))).await.expect("published");
}

/// Ana is on a pause without a limit and goes; her actor goes to rest while the directory says that she has left.
async fn who_goes_to_rest_leaves_the_company() {
    let office = Office::open().await;
    let socket = office.connect("ana", 1).await.expect("connected");
    office.execute("ana", pause("almoco")).await.expect("begun");
    office.router.detach(&tenant(), &later("ana"), SessionId(1)).await;
    drop(socket);
    office.router.view(&tenant(), &later("ana")).await.expect("answered");
    office.clock.advance(REST);
    publish_departure(&office, "ana").await;
    for _ in 0..TURNS_MAX {
        if names(&office, "ana").await.contains(&"pause.ended") {
            office.close().await;
            return;
        }
        shuttle::future::yield_now().await;
    }
    panic!("nobody told her state that she has left: {:?}", names(&office, "ana").await);
}

/// Ana went on a coffee and was overdue when the server came up; she is asked by two at once.
async fn who_is_overdue_is_asked() {
    let office = Office::open().await;
    let socket = office.connect("ana", 1).await.expect("connected");
    office.execute("ana", pause("cafe")).await.expect("begun");
    drop(socket);
    let office = office.again(hours(1)).await;
    let ticking = office.tick();
    let asks: Vec<_> = (0..2)
        .map(|_| {
            let office = Arc::clone(&office);
            shuttle::future::spawn(async move {
                let view = office.router.public_view(&tenant(), &later("ana")).await.expect("answered");
                let overran_at = view.pause.as_ref().and_then(|pause| pause.overran_at);
                assert!(overran_at.is_some(), "shown before it was written");
            })
        })
        .collect();
    let head = office.core.caught_up(&tenant()).await.expect("a tenant");
    let entries = office.entries().await;
    let written = entries.iter().take(head.0 as usize).filter(|entry| match &entry.body {
        EntryBody::Agent { event, .. } => matches!(event.body, AgentEventBody::Escalated { .. }),
        EntryBody::Tenant { .. } => false,
    });
    assert_eq!(written.count(), 1, "all of it is durable at {head}");
    for ask in asks {
        ask.await.unwrap();
    }
    ticking.stop().await;
    let names = names(&office, "ana").await;
    for once in ["pause.warned", "pause.limit_reached", "pause.overran", "pause.escalated"] {
        assert_eq!(names.iter().filter(|name| **name == once).count(), 1, "{once} in {names:?}");
    }
    office.close().await;
}

#[test]
fn promise_t1_what_is_put_in_force_reaches_who_is_just_going_to_rest() {
    explore(who_goes_to_rest_leaves_the_company);
}

#[test]
fn an_actor_that_asks_its_state_before_it_is_seen_at_rest_is_found() {
    finds(Race::WakeAskedBefore, who_goes_to_rest_leaves_the_company, "nobody told her state");
}

#[test]
fn promise_t1_who_is_overdue_is_up_to_date_before_any_answer_whoever_asks() {
    explore(who_is_overdue_is_asked);
}
