//! Decisions made while a definition is published or the shard is lost: nothing is committed that
//! was decided under another policy, or on memory that is void (promise C2).

use std::sync::Arc;

use intervalo::actor::CommandError;
use intervalo::domain::command::{Actor, Rejection};
use intervalo::domain::event::{AgentEventBody, Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{PauseTypeCode, PolicyVersion};
use intervalo::domain::policy::PauseType;
use intervalo::ports::{EntryBody, TenantDefinition};
use intervalo::store::memory::Fault;
use intervalo::sync::Race;

use super::clock::BEGIN;
use super::company::{end, later, pause, policy, tenant};
use super::explore::{explore, finds};
use super::office::Office;

/// How often one who is told to come again comes again.
const ASKS_MAX: u32 = 1_000;

/// Two agents begin and end their coffee while coffee is taken off the menu and put back.
async fn coffee_comes_and_goes() {
    let office = Office::open().await;
    let mut sockets = Vec::new();
    for (session, agent) in ["ana", "bia"].into_iter().enumerate() {
        sockets.push(office.connect(agent, session as u64).await.expect("connected"));
    }
    let agents: Vec<_> = ["ana", "bia"].map(|agent| shuttle::future::spawn(drink(Arc::clone(&office), agent))).into();
    let publisher = {
        let office = Arc::clone(&office);
        shuttle::future::spawn(async move {
            for version in [2, 3] {
                publish_coffee(&office, version, version == 3).await;
            }
        })
    };
    for agent in agents {
        agent.await.unwrap();
    }
    publisher.await.unwrap();
    office.close().await;
    check_versions(&office).await;
}

async fn drink(office: Arc<Office>, agent: &'static str) {
    for _ in 0..2 {
        match office.execute(agent, pause("cafe")).await {
            Ok(_) => {
                office.execute(agent, end()).await.expect("a pause that was begun can be ended");
            }
            Err(CommandError::Rejected { rejection: Rejection::Refused(refusal), .. }) => {
                assert_eq!(refusal.code(), "type_disabled");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn publish_coffee(office: &Office, version: u64, enabled: bool) {
    let mut changed = policy();
    changed.version = PolicyVersion(version);
    let coffee = changed.types.get_mut(&PauseTypeCode::new("cafe").expect("a code")).expect("a type");
    *coffee = Arc::new(PauseType { enabled, ..(**coffee).clone() });
    let body = TenantEventBody::PolicyPublished { version: changed.version, reason: None };
    let event = TenantEvent { at: BEGIN, actor: Actor::System, cause: Cause::Admin, op: None, body };
    office.core.publish(&tenant(), event, TenantDefinition::Policy(Arc::new(changed))).await.expect("published");
}

/// Every event of an agent was decided under the policy in force at its place in the journal, and no
/// coffee begins while there is none.
async fn check_versions(office: &Office) {
    let mut in_force = PolicyVersion(1);
    for entry in office.entries().await {
        match entry.body {
            EntryBody::Tenant { event, .. } => {
                if let TenantEventBody::PolicyPublished { version, .. } = event.body {
                    in_force = version;
                }
            }
            EntryBody::Agent { event, .. } => {
                assert_eq!(event.policy_version, in_force, "decided under another policy: {event:?}");
                if matches!(event.body, AgentEventBody::PauseStarted(_)) {
                    assert_ne!(in_force, PolicyVersion(2), "coffee began while there was none");
                }
            }
        }
    }
}

/// The shard is lost to a fence that turns out to be this node's own, while two agents act.
async fn the_shard_is_lost_and_found() {
    let office = Office::open().await;
    let mut sockets = Vec::new();
    for (session, agent) in ["ana", "bia"].into_iter().enumerate() {
        sockets.push(office.connect(agent, session as u64).await.expect("connected"));
    }
    let ticking = office.tick();
    office.journal.inject(Fault::Fenced);
    let agents: Vec<_> = ["ana", "bia"]
        .map(|agent| {
            let office = Arc::clone(&office);
            shuttle::future::spawn(async move {
                // Either may meet the loss; what it is told is that nothing was done.
                let _ = office.execute(agent, pause("cafe")).await;
                let _ = office.execute(agent, pause("almoco")).await;
            })
        })
        .into();
    for agent in agents {
        agent.await.unwrap();
    }
    // Whoever's socket was let go comes again, and is served from what is durable.
    for (session, agent) in ["ana", "bia"].into_iter().enumerate() {
        sockets.push(when_served(async || office.connect(agent, 10 + session as u64).await).await);
        let view = when_served(async || office.router.view(&tenant(), &later(agent)).await).await;
        if view.pause.is_some() {
            when_served(async || office.execute(agent, end()).await).await;
        }
        when_served(async || office.execute(agent, pause("cafe")).await).await;
    }
    ticking.stop().await;
    office.close().await;
}

/// Asks again as long as it is told to come again.
async fn when_served<T>(ask: impl AsyncFn() -> Result<T, CommandError>) -> T {
    for _ in 0..ASKS_MAX {
        match ask().await {
            Ok(answer) => return answer,
            Err(CommandError::Unavailable { .. }) => shuttle::future::yield_now().await,
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("the shard was not taken up again");
}

#[test]
fn promise_c2_no_event_stands_under_a_policy_that_was_not_in_force_at_its_place() {
    explore(coffee_comes_and_goes);
}

#[test]
fn a_sequencer_that_ignores_the_guards_is_found() {
    finds(Race::GuardsIgnored, coffee_comes_and_goes, "decided under another policy");
}

#[test]
fn promise_d6_after_a_loss_everybody_is_served_from_what_is_durable() {
    explore(the_shard_is_lost_and_found);
}

#[test]
fn a_sequencer_that_takes_appends_from_void_memory_is_found() {
    finds(Race::IncarnationIgnored, the_shard_is_lost_and_found, "AgentOffline");
}
