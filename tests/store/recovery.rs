//! Promises D1, D2 and D4 on the memory journal's simulated disk: what was acknowledged survives any
//! power cut, what failed was not acknowledged, and a journal that breaks this is found.

use std::sync::Arc;

use intervalo::domain::event::AgentEventBody;
use intervalo::domain::id::Op;
use intervalo::ports::{AgentRecord, AppendError, Batch, Epoch, Journal, ReadError, ShardSeq, Stored};
use intervalo::store::MemoryJournal;
use intervalo::store::memory::{Fault, Gate};

use crate::support::store_world::{World, agent, pause};

/// How many seeds: each is three crashes with several batches in flight.
const SEEDS: u64 = 40;

/// A number that follows from a seed.
fn dice(state: &mut u64) -> u64 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Tenants on shards of their own.
fn worlds(epoch: Epoch) -> Vec<World> {
    ["acme", "globex", "initech", "umbrella"].into_iter().map(|tenant| World::new(tenant, epoch)).collect()
}

/// A batch of one to three agents' first steps.
fn some_work(world: &mut World, state: &mut u64) -> Batch {
    for _ in 0..=dice(state) % 3 {
        let id = agent(&format!("agent-{}", dice(state)));
        world.at_work(&id);
        world.start_pause(&id, pause(u128::from(dice(state))), Some("out for lunch"));
    }
    world.batch()
}

/// Crashes three times with batches in flight. Returns what is wrong after one of the recoveries.
async fn crash_and_check(mut journal: MemoryJournal, seed: u64) -> Result<(), String> {
    let mut state = seed;
    let mut worlds = worlds(Epoch(1));
    for world in &mut worlds {
        journal.append(world.founding()).await.unwrap();
    }
    for _ in 0..3 {
        let mut acknowledged: Vec<Vec<Stored>> = Vec::new();
        for world in &mut worlds {
            for _ in 0..dice(&mut state) % 4 {
                journal.append(some_work(world, &mut state)).await.unwrap();
            }
            acknowledged.push(world.stored.clone());
        }
        // One batch a shard stands written and not synced when the power goes.
        let held = Arc::new(journal);
        let mut in_flight = tokio::task::JoinSet::new();
        for world in &mut worlds {
            let gate = Gate::new();
            held.inject(Fault::HoldBeforeSync(gate.clone()));
            let (journal, batch) = (Arc::clone(&held), some_work(world, &mut state));
            in_flight.spawn(async move { journal.append(batch).await });
            gate.reached().await;
        }
        held.crash();
        in_flight.abort_all();
        assert!(matches!(held.append(worlds[0].batch()).await, Err(AppendError::Unavailable(_))));
        journal = held.reopen();
        for (world, acknowledged) in worlds.iter_mut().zip(acknowledged) {
            let read = journal.read(world.shard, ShardSeq(0), usize::MAX >> 1).await.unwrap();
            if read.len() < acknowledged.len() || read[..acknowledged.len()] != acknowledged {
                return Err(format!("{} lost acknowledged entries", world.tenant));
            }
            if read != acknowledged && read != world.stored {
                return Err(format!("{} has a batch that is not whole", world.tenant));
            }
            let snapshot = journal.snapshot(world.shard).await.unwrap();
            if snapshot.head.head.0 != read.len() as u64 {
                return Err(format!("{} has a head that is not its last entry", world.tenant));
            }
            // Go on from what is there.
            world.stored = read;
            world.epoch = snapshot.head.epoch;
            world.head = snapshot.head.head;
            world.seq = snapshot.tenants[0].head;
            world.agents = snapshot.tenants[0]
                .states
                .iter()
                .map(|row| (row.agent.clone(), AgentRecord::clone(&row.record)))
                .collect();
        }
        journal.verify().map_err(|fault| fault.to_string())?;
    }
    Ok(())
}

#[tokio::test]
async fn promise_d1_d2_what_was_acknowledged_survives_every_power_cut() {
    for seed in 0..SEEDS {
        let result = crash_and_check(MemoryJournal::new(seed), seed).await;
        assert_eq!(result, Ok(()), "seed {seed}");
    }
}

#[tokio::test]
async fn promise_d2_a_journal_that_answers_before_it_syncs_is_found() {
    let mut found = 0;
    for seed in 0..SEEDS {
        found += u64::from(crash_and_check(MemoryJournal::careless(seed), seed).await.is_err());
    }
    assert!(found > SEEDS / 2, "{found} of {SEEDS} seeds");
}

#[tokio::test]
async fn a_seed_gives_the_same_run_twice() {
    let mut heads = Vec::new();
    for _ in 0..2 {
        let journal = MemoryJournal::new(42);
        let mut world = World::new("acme", Epoch(1));
        journal.append(world.founding()).await.unwrap();
        world.eventful_day();
        journal.append(world.batch()).await.unwrap();
        heads.push(journal.verify().unwrap());
    }
    assert_eq!(heads[0], heads[1]);
}

#[tokio::test]
async fn promise_d4_after_a_failed_sync_nothing_is_acknowledged_or_written_and_reads_go_on() {
    let journal = MemoryJournal::new(1);
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    let before = world.stored.clone();
    world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    let batch = world.batch();
    journal.inject(Fault::SyncFails);
    assert!(matches!(journal.append(batch.clone()).await, Err(AppendError::Unknown(_))));
    for _ in 0..3 {
        assert!(matches!(journal.append(batch.clone()).await, Err(AppendError::Unavailable(_))));
    }
    assert_eq!(journal.read(world.shard, ShardSeq(0), 10).await.unwrap(), before);
    // Whatever the disk kept of it, the next start is whole.
    let again = journal.reopen();
    let read = again.read(world.shard, ShardSeq(0), 10).await.unwrap();
    assert!(read == before || read == world.stored);
    again.verify().unwrap();
}

#[tokio::test]
async fn an_unknown_outcome_is_told_by_the_head() {
    let journal = MemoryJournal::new(1);
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    let batch = world.batch();
    journal.inject(Fault::UnknownNotWritten);
    assert!(matches!(journal.append(batch.clone()).await, Err(AppendError::Unknown(_))));
    assert_eq!(journal.heads().await.unwrap()[0].head, batch.after, "unmoved: not written");
    journal.inject(Fault::UnknownWritten);
    assert!(matches!(journal.append(batch.clone()).await, Err(AppendError::Unknown(_))));
    assert_eq!(journal.heads().await.unwrap()[0].head, world.head, "moved: committed");
    for (fault, answer) in
        [(Fault::Fenced, AppendError::Fenced), (Fault::Unavailable, AppendError::Unavailable("injected".to_owned()))]
    {
        journal.inject(fault);
        assert_eq!(journal.append(world.batch()).await, Err(answer));
    }
    assert_eq!(journal.read(world.shard, ShardSeq(0), 10).await.unwrap(), world.stored);
}

#[tokio::test]
async fn nothing_is_shown_before_it_is_durable_and_a_second_opener_fences_the_first() {
    let journal = Arc::new(MemoryJournal::new(1));
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    let before = world.stored.clone();
    world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    let gate = Gate::new();
    journal.inject(Fault::HoldBeforeSync(gate.clone()));
    let (slow, batch) = (Arc::clone(&journal), world.batch());
    let first = tokio::spawn(async move { slow.append(batch).await });
    gate.reached().await;
    assert_eq!(journal.read(world.shard, ShardSeq(0), 10).await.unwrap(), before, "written, not yet durable");
    let second = journal.reopen();
    gate.open();
    let answer = first.await.unwrap();
    assert!(matches!(answer, Err(AppendError::Unknown(_))), "{answer:?}");
    // The process died, the power did not: what it had written is there, and whole.
    assert_eq!(second.read(world.shard, ShardSeq(0), 10).await.unwrap(), world.stored);
    world.event(&agent("rui"), AgentEventBody::Connected { shift: None });
    let batch = world.batch();
    assert_eq!(journal.append(batch.clone()).await, Err(AppendError::Fenced));
    assert_eq!(second.append(Batch { epoch: Epoch(2), ..batch }).await, Ok(()));
}

#[tokio::test]
async fn held_appends_wait_for_the_test_and_reads_fail_when_told_to() {
    let journal = Arc::new(MemoryJournal::new(1));
    let mut world = World::new("acme", Epoch(1));
    for hold in [Fault::HoldBeforeWrite as fn(Gate) -> Fault, Fault::HoldBeforeAnswer] {
        let gate = Gate::new();
        journal.inject(hold(gate.clone()));
        let (slow, batch) = (Arc::clone(&journal), if world.head.0 == 0 { world.founding() } else { world.batch() });
        let waiting = tokio::spawn(async move { slow.append(batch).await });
        gate.reached().await;
        assert!(!waiting.is_finished());
        gate.open();
        assert_eq!(waiting.await.unwrap(), Ok(()));
        world.event(&agent(&format!("agent-{}", world.head.0)), AgentEventBody::Connected { shift: None });
    }
    journal.set_reads_fail(true);
    assert!(matches!(journal.heads().await, Err(ReadError::Unavailable(_))));
    let own = intervalo::domain::command::Actor::System;
    assert!(journal.find_op(&world.tenant, &agent("ana"), Op(1), &own).await.is_err());
    journal.set_reads_fail(false);
    assert_eq!(journal.heads().await.unwrap().len(), 1);
}
