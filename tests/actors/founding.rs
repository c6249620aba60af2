//! A tenant that is made while the core runs: all of it or nothing, served at once, and told of before it can be reached.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use intervalo::actor::core::TenantSeed;
use intervalo::actor::{CommandError, Core, Founding, Welcome};
use intervalo::auth::first_administrator;
use intervalo::domain::access::{AccessEvent, Credential};
use intervalo::domain::command::Actor;
use intervalo::domain::directory::Directory;
use intervalo::domain::event::{Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{CredentialId, DirectoryVersion, TenantId, TenantSeq};
use intervalo::ports::{Journal, ShardId, TenantDefinition, TenantSnapshot};
use intervalo::store::memory::{Fault, Gate};

use crate::company::{directory, later, pause};
use crate::house::House;

/// Has seen who came, and whether they could be reached yet.
#[derive(Default)]
struct Doorman {
    core: Mutex<Weak<Core>>,
    seen: Mutex<Vec<String>>,
}

impl Doorman {
    fn of(house: &House) -> Arc<Doorman> {
        let doorman = Arc::new(Doorman::default());
        *doorman.core.lock().unwrap() = Arc::downgrade(&house.core);
        house.core.welcome_by(Arc::clone(&doorman) as _);
        doorman
    }

    fn note(&self, what: &str, tenant: &TenantId) {
        let core = self.core.lock().unwrap().upgrade().expect("a core");
        let reached = if core.desk(tenant).is_some() { "reached" } else { "not reached" };
        self.seen.lock().unwrap().push(format!("{what} {tenant} {reached}"));
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Welcome for Doorman {
    fn prepare(&self, seed: TenantSeed) {
        assert_eq!((seed.head, seed.credentials.len(), seed.is_behind), (TenantSeq(2), 1, false));
        self.note("prepare", &seed.directory.tenant.id);
    }

    fn opened(&self, tenant: &TenantId) {
        self.note("opened", tenant);
    }
}

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).expect("an id")
}

/// One on a shard that has no tenant, or one on the shard of the company that there is.
fn new_tenant(house: &House, is_beside: bool) -> TenantId {
    let of_house = ShardId::of_new_tenant(&house.tenant);
    let names = (0..).map(|n| tenant(&format!("zeta-{n}")));
    { names }.find(|id| (ShardId::of_new_tenant(id) == of_house) == is_beside).expect("there are 256 shards")
}

fn founding(house: &House, id: &TenantId) -> Founding {
    let event = |body| TenantEvent { at: house.now(), actor: Actor::System, cause: Cause::Admin, op: None, body };
    let made = TenantEventBody::DirectoryChanged { version: DirectoryVersion(1), added: 1, changed: 0, removed: 0 };
    let account = first_administrator(house.now());
    let invited = AccessEvent::AccountInvited { account: account.id, invitation: CredentialId(7) };
    let mut settings = directory().tenant;
    settings.id = id.clone();
    let directory = Directory {
        version: DirectoryVersion(1),
        tenant: settings,
        teams: BTreeMap::new(),
        agents: BTreeMap::new(),
        closing: None,
        channels: BTreeMap::new(),
    };
    Founding {
        directory: Arc::new(directory),
        founded: event(made),
        invited: Some((event(TenantEventBody::Access(invited)), Arc::new([Credential::Account(account)]))),
    }
}

async fn stored(house: &House, id: &TenantId) -> Option<TenantSnapshot> {
    let shard = house.journal.snapshot(ShardId::of_new_tenant(id)).await.expect("a snapshot");
    shard.tenants.into_iter().find(|there| there.directory.tenant.id == *id)
}

fn is_served(house: &House, id: &TenantId) -> bool {
    house.core.desk(id).is_some()
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_made_is_served_at_once_and_is_there_after_a_restart() {
    for is_beside in [false, true] {
        let mut house = House::open().await;
        let doorman = Doorman::of(&house);
        let id = new_tenant(&house, is_beside);
        house.core.found(founding(&house, &id)).await.expect("made");
        assert_eq!(doorman.seen(), [format!("prepare {id} not reached"), format!("opened {id} reached")]);
        assert_eq!(house.core.tenant_count(), 2);
        let there = stored(&house, &id).await.expect("durable");
        assert_eq!((there.head, there.credentials.len(), there.server_started), (TenantSeq(2), 1, None));

        // Somebody comes into its directory and signs in, as in any other.
        let in_force = house.router.tenant(&id).expect("served");
        let people = Directory { tenant: in_force.directory.tenant.clone(), ..directory() };
        let next = Directory { version: DirectoryVersion(2), ..people };
        let body = TenantEventBody::DirectoryChanged { version: next.version, added: 4, changed: 0, removed: 0 };
        let event = TenantEvent { at: house.now(), actor: Actor::System, cause: Cause::Admin, op: None, body };
        let definition = TenantDefinition::Directory(Arc::new(next));
        house.core.publish(&id, event, definition).await.expect("published");
        house.tenant = id.clone();
        let _ana = house.connect("ana").await;

        let house = house.restart().await;
        assert!(is_served(&house, &id));
        let there = stored(&house, &id).await.expect("durable");
        assert!(there.server_started.is_some(), "its start is on record like that of any other");
        assert_eq!(house.core.tenant_count(), 2);
        house.router.view(&id, &later("ana")).await.expect("a view");
        house.journal.verify().expect("the chain holds");
    }
}

#[tokio::test(start_paused = true)]
async fn of_those_who_make_the_same_tenant_one_does() {
    let house = House::open().await;
    let id = new_tenant(&house, false);
    let make = || house.core.found(founding(&house, &id));
    let (first, second) = tokio::join!(make(), make());
    assert!(matches!((&first, &second), (Ok(()), Err(CommandError::Overtaken))), "{first:?} {second:?}");
    assert!(matches!(make().await, Err(CommandError::Overtaken)));
    assert_eq!(stored(&house, &id).await.expect("durable").head, TenantSeq(2));
}

#[tokio::test(start_paused = true)]
async fn promise_d4_a_tenant_that_was_not_written_is_not_there_and_can_be_made() {
    for is_beside in [false, true] {
        for fault in [Fault::Unavailable, Fault::UnknownNotWritten, Fault::Fenced] {
            let house = House::open().await;
            let doorman = Doorman::of(&house);
            let id = new_tenant(&house, is_beside);
            house.journal.inject(fault.clone());
            let refused = house.core.found(founding(&house, &id)).await;
            assert!(matches!(refused, Err(CommandError::Unavailable { .. })), "{fault:?}: {refused:?}");
            assert!(!is_served(&house, &id) && doorman.seen().is_empty(), "{fault:?}");
            assert!(stored(&house, &id).await.is_none(), "{fault:?}");
            house.core.found(founding(&house, &id)).await.expect("made");
            assert!(is_served(&house, &id), "{fault:?}");
            house.connect("ana").await;
            house.check_fold().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_making_had_no_known_outcome_is_there_when_it_was_written() {
    for is_beside in [false, true] {
        let house = House::open().await;
        let doorman = Doorman::of(&house);
        let id = new_tenant(&house, is_beside);
        house.journal.inject(Fault::UnknownWritten);
        house.core.found(founding(&house, &id)).await.expect("it was written after all");
        assert!(is_served(&house, &id));
        assert_eq!(doorman.seen().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn promise_d5_a_tenant_is_nowhere_before_it_is_durable_and_whole_after_a_crash() {
    for is_durable in [false, true] {
        let house = House::open().await;
        let doorman = Doorman::of(&house);
        let (id, gate) = (new_tenant(&house, false), Gate::new());
        let hold = if is_durable { Fault::HoldBeforeAnswer } else { Fault::HoldBeforeSync };
        house.journal.inject(hold(gate.clone()));
        {
            let making = house.core.found(founding(&house, &id));
            tokio::pin!(making);
            tokio::select! {
                biased;
                answer = &mut making => panic!("answered before: {answer:?}"),
                () = gate.reached() => {}
            }
        }
        assert!(!is_served(&house, &id) && doorman.seen().is_empty());
        house.journal.crash();
        gate.open();
        let house = house.restart().await;
        assert_eq!(is_served(&house, &id), is_durable);
        let credentials = stored(&house, &id).await.map(|there| there.credentials.len());
        assert_eq!(credentials, is_durable.then_some(1), "all of it or nothing");
        house.journal.verify().expect("the chain holds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_was_durable_when_its_shard_was_lost_is_taken_up_with_it() {
    let house = House::open().await;
    let doorman = Doorman::of(&house);
    let id = new_tenant(&house, true);
    let _ana = house.connect("ana").await;
    let (first_gate, second_gate) = (Gate::new(), Gate::new());
    house.journal.inject(Fault::HoldBeforeSync(first_gate.clone()));
    house.journal.inject(Fault::HoldBeforeSync(second_gate.clone()));
    let first = house.execute("ana", pause("cafe"));
    tokio::pin!(first);
    tokio::select! {
        biased;
        reply = &mut first => panic!("answered before it was durable: {reply:?}"),
        () = first_gate.reached() => {}
    }
    // Both are of the next batch: the company that there was is handed over first, and that panics.
    let (publishing, making) = (house.publish_without("jantar"), house.core.found(founding(&house, &id)));
    tokio::pin!(publishing, making);
    assert!(futures_util::poll!(&mut publishing).is_pending() && futures_util::poll!(&mut making).is_pending());
    first_gate.open();
    first.await.expect("started");
    second_gate.reached().await;
    house.panic_on_next_publication();
    second_gate.open();
    let (_, answer) = tokio::join!(publishing, making);
    assert!(matches!(answer, Err(CommandError::Unavailable { .. })), "{answer:?}");
    house.pass(Duration::from_secs(1)).await;
    assert!(is_served(&house, &id), "what is durable is served");
    assert_eq!(doorman.seen().len(), 2);
    assert!(matches!(house.core.found(founding(&house, &id)).await, Err(CommandError::Overtaken)));
    house.connect("ana").await;
}
