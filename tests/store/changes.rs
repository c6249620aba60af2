//! Changes of a tenant's directory in the store, told person by person, and found by the op that they were made under.

use std::sync::Arc;

use crate::support::store_kinds::Store;
use crate::support::store_world::{World, admin, agent, supervisor};
use intervalo::domain::command::{Actor, Outcome};
use intervalo::domain::directory::Person;
use intervalo::domain::directory_change::PersonChange;
use intervalo::domain::event::{Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{Op, TenantId};
use intervalo::domain::op::OpRecord;
use intervalo::domain::time::seconds;
use intervalo::ports::{EntryBody, Epoch, ShardSeq, TenantDefinition};

/// More than twice as many as lie between two versions that are written whole.
const CHANGES: usize = 520;

/// The change that `World` is told of one person.
fn change(world: &mut World, change: PersonChange, op: Option<OpRecord>) {
    let PersonChange { directory, person, .. } = change;
    world.directory = directory.clone();
    world.now = world.now + seconds(1);
    let body = TenantEventBody::DirectoryChanged { version: directory.version, added: 0, changed: 1, removed: 0 };
    let event = TenantEvent { at: world.now, actor: admin(), cause: Cause::Admin, op, body };
    world.full_tenant_event(event, Some(TenantDefinition::Person(Arc::new(directory), person)));
}

/// Somebody comes, is called otherwise, moves out of all teams, or leaves.
fn next(world: &World, number: usize) -> PersonChange {
    let (directory, who) = (&world.directory, agent(&format!("nova-{}", number % 150)));
    let there = directory.agents.get(&who);
    if number % 7 == 3
        && let Some(change) = directory.without_person(&who, world.now)
    {
        // Whoever has left leaves no second time; the version counts all the same.
        return change;
    }
    let zoe = &directory.agents[&agent("zoe")];
    let teams = if number.is_multiple_of(2) { zoe.teams.clone() } else { Vec::new() };
    let name = there.filter(|there| there.left_at.is_some()).map(|there| there.name.clone());
    let name = name.unwrap_or_else(|| format!("Nova {number}"));
    let person = Person { id: who, name, teams, left_at: None, ..Person::clone(zoe) };
    directory.with_person(person).expect("it may be")
}

/// People who change one by one are as they were told last, however many versions ago the last whole one is.
pub(crate) async fn people_who_change_one_by_one_are_as_they_were_told_last(store: &impl Store) {
    let mut journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.unwrap().head.epoch;
    journal.append(world.founding()).await.unwrap();
    for number in 1..=CHANGES {
        let one = next(&world, number);
        change(&mut world, one, None);
        if [1, 253, 254, 255, 256, 300, CHANGES].contains(&number) {
            journal.append(world.batch()).await.unwrap();
            let snapshot = journal.snapshot(world.shard).await.unwrap();
            assert_eq!(*snapshot.tenants[0].directory, world.directory, "after {number}");
            journal = store.open().await;
            let head = journal.heads().await.unwrap()[0];
            world.take_over(head);
            let snapshot = journal.snapshot(world.shard).await.unwrap();
            assert_eq!(*snapshot.tenants[0].directory, world.directory, "after {number}, opened again");
        }
    }
    assert_eq!(journal.read(world.shard, ShardSeq(0), 10_000).await.unwrap(), world.stored);
    store.verify().await.unwrap();
}

/// The contract of `Journal::find_change`.
pub(crate) async fn promise_d3_a_change_is_found_by_its_op_across_reopening(store: &impl Store) {
    let mut journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.unwrap().head.epoch;
    journal.append(world.founding()).await.unwrap();
    // Ops of agents are none of the tenant's, whatever their number.
    world.eventful_day();
    for (number, op) in [(1, Some(7)), (2, None), (3, Some(9))] {
        let (one, at) = (next(&world, number), world.now + seconds(1));
        let record = |op| OpRecord { op: Op(op), by: admin(), fingerprint: op as u64, at, outcome: Outcome::Done };
        change(&mut world, one, op.map(record));
    }
    journal.append(world.batch()).await.unwrap();
    let made = |op| {
        world.stored.iter().find_map(|stored| match &stored.entry.body {
            EntryBody::Tenant { event, .. } => {
                event.op.as_ref().filter(|record| record.op == Op(op)).map(|_| TenantEvent::clone(event))
            }
            EntryBody::Agent { .. } => None,
        })
    };
    for reopens in [false, true] {
        if reopens {
            journal = store.open().await;
        }
        let find = async |tenant: &TenantId, op: u128, by: &Actor| journal.find_change(tenant, Op(op), by).await;
        for op in [7, 9] {
            let found = find(&world.tenant, op, &admin()).await.unwrap();
            assert!(found.is_some(), "op {op}");
            assert_eq!(found, made(op));
            assert_eq!(find(&world.tenant, op, &supervisor()).await.unwrap(), None, "somebody else's");
        }
        assert_eq!(find(&world.tenant, 8, &admin()).await.unwrap(), None, "an agent's");
        assert_eq!(find(&TenantId::new("globex").unwrap(), 7, &admin()).await.unwrap(), None);
    }
}
