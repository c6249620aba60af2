//! A tenant that is closed in the store: it reads back so, whoever opens the store, and what cannot be of one is found.

use std::sync::Arc;

use crate::support::store_kinds::Store;
use crate::support::store_world::{World, admin, agent};
use intervalo::domain::closing::ClosingStep;
use intervalo::domain::event::{AgentEventBody, Cause, TenantEventBody};
use intervalo::domain::id::DirectoryVersion;
use intervalo::domain::time::{Timestamp, seconds};
use intervalo::ports::{Epoch, Journal, ShardSeq, TenantDefinition};

async fn found(store: &impl Store) -> (Arc<dyn Journal>, World) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.unwrap().head.epoch;
    journal.append(world.founding()).await.unwrap();
    (journal, world)
}

fn put(world: &mut World, step: ClosingStep) {
    world.now = world.now + seconds(1);
    let next = match step {
        ClosingStep::Closed => world.directory.closed(world.now, Timestamp(world.now.0 + 7)),
        ClosingStep::Reopened => world.directory.reopened(world.now).expect("it is closed"),
    };
    world.directory = next.clone();
    let body = TenantEventBody::Closing { step, version: next.version };
    world.tenant_event(admin(), Cause::Admin, body, Some(TenantDefinition::Directory(Arc::new(next))));
}

pub(crate) async fn a_tenant_that_is_closed_reads_back_so_and_opens_again(store: &impl Store) {
    let (mut journal, mut world) = found(store).await;
    for (step, is_closed) in [(ClosingStep::Closed, true), (ClosingStep::Reopened, false), (ClosingStep::Closed, true)]
    {
        put(&mut world, step);
        journal.append(world.batch()).await.unwrap();
        world.server_started();
        journal.append(world.batch()).await.unwrap();
        journal = store.open().await;
        let head = journal.heads().await.unwrap()[0];
        world.take_over(head);
        let snapshot = journal.snapshot(world.shard).await.unwrap();
        let directory = &snapshot.tenants[0].directory;
        assert_eq!((&**directory, directory.is_closed()), (&world.directory, is_closed), "{step:?}");
        assert_eq!(directory.version, world.directory.version);
    }
    assert_eq!(world.directory.version, DirectoryVersion(4));
    assert_eq!(journal.read(world.shard, ShardSeq(0), 1_000).await.unwrap(), world.stored);
    store.verify().await.unwrap();
}

async fn fault(store: &impl Store, journal: Arc<dyn Journal>, mut world: World) -> String {
    journal.append(world.batch()).await.unwrap();
    drop(journal);
    store.verify().await.expect_err("it cannot be").to_string()
}

pub(crate) async fn promise_a5_a_closing_that_leaves_somebody_behind_is_found(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    put(&mut world, ClosingStep::Closed);
    let fault = fault(store, journal, world).await;
    assert!(fault.contains("acme/4: somebody of the tenant is still there"), "{fault}");
}

pub(crate) async fn promise_a5_what_happens_in_a_closed_tenant_is_found(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    put(&mut world, ClosingStep::Closed);
    world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    let fault = fault(store, journal, world).await;
    assert!(fault.contains("acme/4: it follows on the closing of its tenant"), "{fault}");
}

pub(crate) async fn promise_a5_a_tenant_that_is_closed_twice_is_found(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    put(&mut world, ClosingStep::Closed);
    put(&mut world, ClosingStep::Closed);
    let fault = fault(store, journal, world).await;
    assert!(fault.contains("acme/4: it follows on the closing of its tenant"), "{fault}");
}
