//! One contract, run on every journal: what the core may rely on, whatever keeps the rows.

mod store {
    pub(crate) mod amendments;
    pub(crate) mod changes;
    pub(crate) mod closing;
    pub(crate) mod credentials;
    mod dry_run;
    mod evidence;
    pub(crate) mod founding;
    mod history;
    mod postgres;
    mod recovery;
    pub(crate) mod requests;
}
mod support {
    pub(crate) mod postgres;
    pub(crate) mod proxy;
    pub(crate) mod store_kinds;
    pub(crate) mod store_world;
}

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use intervalo::domain::command::Actor;
use intervalo::domain::event::{AgentEventBody, Cause, ChosenStatus, TenantEventBody};
use intervalo::domain::id::{Op, PolicyVersion, TenantSeq};
use intervalo::domain::policy::Policy;
use intervalo::domain::policy_plans::{Loosening, PauseTypes, PolicyDraft, PolicyPlans, PolicyStep, ScheduledPolicy};
use intervalo::domain::time::Timestamp;
use intervalo::ports::{
    AppendError, Batch, EntryBody, Epoch, Journal, ShardHead, ShardId, ShardSeq, ShardSnapshot, StateRow, Stored,
    TenantDefinition,
};
use store::amendments::{
    a_pause_on_record_is_found_with_what_was_said_of_it, nothing_is_said_of_a_pause_that_there_is_not,
};
use store::changes::{
    people_who_change_one_by_one_are_as_they_were_told_last, promise_d3_a_change_is_found_by_its_op_across_reopening,
};
use store::closing::{
    a_tenant_that_is_closed_reads_back_so_and_opens_again, promise_a5_a_closing_that_leaves_somebody_behind_is_found,
    promise_a5_a_tenant_that_is_closed_twice_is_found, promise_a5_what_happens_in_a_closed_tenant_is_found,
};
use store::credentials::credentials_are_kept_as_they_were_put_last;
use store::founding::a_tenant_that_begins_with_its_first_account_is_there_with_it_or_not_at_all;
use store::requests::a_request_is_found_with_what_became_of_it_when_its_agent_has_made_another;
use support::store_kinds::{InMemory, OnPostgres, OnSqlite, Store};
use support::store_world::{World, admin, agent, pause, seq, started, supervisor, terms};

/// The contract, on one journal.
macro_rules! contract {
    ($journal:ident, $factory:expr) => {
        contract!(
            $journal,
            $factory,
            every_kind_of_event_reads_back_as_it_was_appended,
            reads_come_in_pages_of_one_shard,
            a_snapshot_has_definitions_and_states_of_its_head,
            states_without_events_are_kept,
            a_tenant_begins_with_its_directory,
            a_tenant_that_begins_with_its_first_account_is_there_with_it_or_not_at_all,
            promise_c3_numbers_that_leave_a_gap_are_fenced_and_write_nothing,
            an_old_epoch_or_head_is_fenced_and_writes_nothing,
            a_batch_is_written_whole_or_not_at_all,
            promise_c1_a_second_open_pause_is_refused_and_spoils_no_other_batch,
            semantics_4_a_pause_that_had_to_wait_begins_around_a_protected_one,
            all_shards_may_append_at_once,
            opening_again_keeps_everything_and_takes_epoch_plus_one,
            promise_d3_an_op_is_found_across_reopening,
            promise_d5_a_snapshot_beside_appends_is_of_one_instant,
            promise_d6_states_are_the_fold_of_events_across_restarts,
            what_is_erased_reads_back_as_absent_and_the_chain_still_verifies,
            a_pause_that_begins_and_ends_in_one_batch_is_whole,
            what_is_planned_for_the_policy_is_kept_until_it_is_published,
            a_pause_on_record_is_found_with_what_was_said_of_it,
            nothing_is_said_of_a_pause_that_there_is_not,
            a_request_is_found_with_what_became_of_it_when_its_agent_has_made_another,
            promise_d6_a_start_that_moves_the_clock_is_part_of_the_fold,
            people_who_change_one_by_one_are_as_they_were_told_last,
            promise_d3_a_change_is_found_by_its_op_across_reopening,
            credentials_are_kept_as_they_were_put_last,
            a_tenant_that_is_closed_reads_back_so_and_opens_again,
            promise_a5_a_closing_that_leaves_somebody_behind_is_found,
            promise_a5_what_happens_in_a_closed_tenant_is_found,
            promise_a5_a_tenant_that_is_closed_twice_is_found,
        );
    };
    ($journal:ident, $factory:expr, $($test:ident),+ $(,)?) => {
        mod $journal {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&$factory).await;
                }
            )+
        }
    };
}

contract!(memory, InMemory::new());
contract!(sqlite, OnSqlite::new());
contract!(
    postgres,
    match OnPostgres::new().await {
        Some(store) => store,
        None => return,
    }
);

async fn found(store: &impl Store) -> (Arc<dyn Journal>, World) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.unwrap().head.epoch;
    journal.append(world.founding()).await.unwrap();
    (journal, world)
}

async fn read_all(journal: &dyn Journal, shard: ShardId) -> Vec<Stored> {
    journal.read(shard, ShardSeq(0), usize::MAX >> 1).await.unwrap()
}

async fn every_kind_of_event_reads_back_as_it_was_appended(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    world.eventful_day();
    journal.append(world.batch()).await.unwrap();
    assert_eq!(read_all(&*journal, world.shard).await, world.stored);
    let names: BTreeSet<&str> = world
        .stored
        .iter()
        .map(|stored| match &stored.entry.body {
            EntryBody::Agent { event, .. } => event.body.name(),
            EntryBody::Tenant { event, .. } => event.body.name(),
        })
        .collect();
    let expected = [
        "agent.connected",
        "agent.connection_lost",
        "agent.deactivated",
        "agent.grace",
        "agent.resumed",
        "agent.signed_in",
        "agent.signed_out",
        "agent.status_changed",
        "alert.acknowledged",
        "directory.changed",
        "finding.recorded",
        "grant.used",
        "occupancy.changed",
        "pause.annotated",
        "pause.corrected",
        "pause.ended",
        "pause.escalated",
        "pause.extended",
        "pause.limit_reached",
        "pause.overran",
        "pause.pending",
        "pause.pending_cancelled",
        "pause.refused",
        "pause.started",
        "pause.warned",
        "policy.published",
        "request.cancelled",
        "request.created",
        "request.decided",
        "request.expired",
        "server.started",
    ];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), expected);
    let summary = store.verify().await.unwrap();
    assert_eq!(summary.entries, world.stored.len() as u64);
    assert_eq!((summary.agents, summary.pauses), (2, 4));
}

async fn reads_come_in_pages_of_one_shard(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let mut other = World::new("globex", world.epoch);
    assert_ne!(other.shard, world.shard);
    journal.append(other.founding()).await.unwrap();
    world.eventful_day();
    journal.append(world.batch()).await.unwrap();
    let mut read = Vec::new();
    let mut after = ShardSeq(0);
    loop {
        let page = journal.read(world.shard, after, 7).await.unwrap();
        assert!(page.len() <= 7);
        let Some(last) = page.last() else { break };
        after = last.shard_seq;
        read.extend(page);
    }
    assert_eq!(read, world.stored);
    assert!(journal.read(world.shard, world.head, 7).await.unwrap().is_empty());
}

async fn a_snapshot_has_definitions_and_states_of_its_head(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let snapshot = journal.snapshot(world.shard).await.unwrap();
    assert_eq!(snapshot.tenants[0].server_started, None);
    assert_eq!(snapshot.tenants[0].states, []);
    world.eventful_day();
    journal.append(world.batch()).await.unwrap();
    let snapshot = journal.snapshot(world.shard).await.unwrap();
    let head = ShardHead { shard: world.shard, epoch: world.epoch, head: world.head };
    assert_eq!(snapshot.head, head);
    let [tenant] = &snapshot.tenants[..] else { panic!("one tenant") };
    assert_eq!((tenant.head, tenant.last_at), (world.seq, world.now));
    assert_eq!(*tenant.directory, world.directory);
    assert_eq!(*tenant.policy, world.policy);
    let (number, event) = tenant.server_started.clone().unwrap();
    assert_eq!((number, event.body.name()), (TenantSeq(3), "server.started"));
    assert_eq!(states(&snapshot), expected_states(&world));
}

/// The states of a snapshot's only tenant, by agent.
fn states(snapshot: &ShardSnapshot) -> Vec<StateRow> {
    let mut states = snapshot.tenants[0].states.clone();
    states.sort_by(|a, b| a.agent.cmp(&b.agent));
    states
}

fn expected_states(world: &World) -> Vec<StateRow> {
    world
        .agents
        .iter()
        .map(|(id, record)| StateRow {
            agent: id.clone(),
            last_seq: world
                .stored
                .iter()
                .rev()
                .find(|stored| matches!(&stored.entry.body, EntryBody::Agent { agent, .. } if agent == id))
                .map(|stored| stored.entry.seq)
                .unwrap(),
            record: record.clone().into(),
        })
        .collect()
}

async fn states_without_events_are_kept(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    journal.append(world.batch()).await.unwrap();
    world.server_started();
    journal.append(world.batch()).await.unwrap();
    let record = world.agents.get_mut(&ana).unwrap();
    let at = record.agent.since;
    record.agent.on_server_started(world.now, world.now + intervalo::domain::time::minutes(1));
    record.ops.remember(intervalo::domain::op::OpRecord {
        op: Op(99),
        by: supervisor(),
        fingerprint: 5,
        at,
        outcome: intervalo::domain::command::Outcome::Done,
    });
    let batch = Batch { states: vec![world.state(&ana)], ..world.batch() };
    journal.append(batch).await.unwrap();
    let snapshot = journal.snapshot(world.shard).await.unwrap();
    assert_eq!(snapshot.head.head, world.head);
    let expected = StateRow { agent: ana.clone(), last_seq: world.seq, record: world.agents[&ana].clone().into() };
    assert_eq!(states(&snapshot), [expected]);
    store.verify().await.unwrap();
}

async fn a_tenant_begins_with_its_directory(store: &impl Store) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    let head = journal.snapshot(world.shard).await.unwrap().head;
    assert_eq!((head.shard, head.head), (world.shard, ShardSeq(0)));
    world.epoch = head.epoch;
    assert_eq!(journal.heads().await.unwrap(), []);
    assert_eq!(journal.head(world.shard).await.unwrap(), head, "a shard without a tenant has a head");
    let mut unfounded = world.clone();
    unfounded.server_started();
    let answer = journal.append(unfounded.batch()).await;
    assert!(matches!(answer, Err(AppendError::Unavailable(_))), "{answer:?}");
    journal.append(world.founding()).await.unwrap();
    let head = ShardHead { shard: world.shard, epoch: world.epoch, head: ShardSeq(2) };
    assert_eq!(journal.heads().await.unwrap(), [head]);
    assert_eq!(journal.head(world.shard).await.unwrap(), head);
}

async fn promise_c3_numbers_that_leave_a_gap_are_fenced_and_write_nothing(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    let good = world.batch();

    let mut bad = good.clone();
    bad.entries[1].seq = TenantSeq(bad.entries[1].seq.0 + 1);
    assert_eq!(journal.append(bad).await, Err(AppendError::Fenced));
    let mut bad = good.clone();
    bad.entries[2].seq = bad.entries[1].seq;
    assert_eq!(journal.append(bad).await, Err(AppendError::Fenced));
    for wrong in [0, 1, 3] {
        let mut bad = good.clone();
        let EntryBody::Agent { agent_seq, .. } = &mut bad.entries[1].body else { panic!("an agent's event") };
        *agent_seq = seq(wrong);
        assert_eq!(journal.append(bad).await, Err(AppendError::Fenced), "{wrong}");
    }
    assert_eq!(journal.heads().await.unwrap()[0].head, ShardSeq(2));
    journal.append(good).await.unwrap();
    world.start_pause(&ana, pause(1), None);
    journal.append(world.batch()).await.unwrap();
    assert_eq!(read_all(&*journal, world.shard).await, world.stored);
    let numbers: Vec<u64> = world.stored.iter().map(|stored| stored.entry.seq.0).collect();
    assert_eq!(numbers, (1..=world.seq.0).collect::<Vec<_>>());
}

async fn an_old_epoch_or_head_is_fenced_and_writes_nothing(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    world.at_work(&agent("ana"));
    let good = world.batch();
    let older = Batch { epoch: Epoch(good.epoch.0 - 1), ..good.clone() };
    let newer = Batch { epoch: Epoch(good.epoch.0 + 1), ..good.clone() };
    let behind = Batch { after: ShardSeq(good.after.0 - 1), ..good.clone() };
    let ahead = Batch { after: ShardSeq(good.after.0 + 1), ..good.clone() };
    for batch in [older, newer, behind, ahead] {
        assert_eq!(journal.append(batch).await, Err(AppendError::Fenced));
    }
    assert_eq!(read_all(&*journal, world.shard).await, world.stored[..2]);
    journal.append(good.clone()).await.unwrap();
    assert_eq!(journal.append(good).await, Err(AppendError::Fenced), "the same batch again");
    assert_eq!(read_all(&*journal, world.shard).await, world.stored);
}

async fn a_batch_is_written_whole_or_not_at_all(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    journal.append(world.batch()).await.unwrap();
    let before = world.clone();
    world.start_pause(&ana, pause(1), Some("a note that must not stay"));
    world.end_pause(&ana, pause(1));
    let mut batch = world.batch();
    // Its last entry ends a pause that is not there.
    let EntryBody::Agent { event, .. } = &mut batch.entries[1].body else { panic!("an agent's event") };
    let mut wrong = (**event).clone();
    wrong.body = AgentEventBody::PauseEnded(support::store_world::ended(pause(77)));
    *event = Arc::new(wrong);
    let answer = journal.append(batch).await;
    assert!(matches!(answer, Err(AppendError::Unavailable(_))), "{answer:?}");
    let snapshot = journal.snapshot(before.shard).await.unwrap();
    assert_eq!(snapshot.head.head, before.head);
    assert_eq!(states(&snapshot), expected_states(&before));
    assert_eq!(read_all(&*journal, before.shard).await, before.stored);
    let mut world = before;
    world.start_pause(&ana, pause(1), None);
    journal.append(world.batch()).await.unwrap();
    store.verify().await.unwrap();
}

async fn promise_c1_a_second_open_pause_is_refused_and_spoils_no_other_batch(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let mut other = World::new("globex", world.epoch);
    journal.append(other.founding()).await.unwrap();
    let ana = agent("ana");
    world.at_work(&ana);
    world.start_pause(&ana, pause(1), None);
    let mut inside = started(pause(2), None, None);
    inside.inside = Some(pause(1));
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(inside)));
    journal.append(world.batch()).await.unwrap();
    for (id, inside) in [(pause(3), None), (pause(4), Some(pause(1)))] {
        let mut second = started(id, inside.is_none().then(terms), None);
        second.inside = inside;
        // What a broken sequencer would send: the state machine itself would not allow it.
        let mut broken = world.clone();
        broken.event(
            &ana,
            AgentEventBody::PauseRefused {
                pause_type: support::store_world::code_of("lunch"),
                code: "already_paused".to_owned(),
                count: 1,
            },
        );
        let mut bad = broken.batch();
        let EntryBody::Agent { event, .. } = &mut bad.entries[0].body else { panic!("an agent's event") };
        let mut start = (**event).clone();
        start.body = AgentEventBody::PauseStarted(Box::new(second));
        *event = Arc::new(start);
        let zoe = agent("zoe");
        other.event(
            &zoe,
            if inside.is_none() {
                AgentEventBody::Connected { shift: None }
            } else {
                AgentEventBody::GraceBegan { until: other.now }
            },
        );
        let good = other.batch();
        let (refused, written) = tokio::join!(journal.append(bad), journal.append(good));
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
        assert_eq!(written, Ok(()));
    }
    assert_eq!(read_all(&*journal, world.shard).await, world.stored);
    assert_eq!(read_all(&*journal, other.shard).await, other.stored);
}

async fn semantics_4_a_pause_that_had_to_wait_begins_around_a_protected_one(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    let inner = started(pause(1), None, None);
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(inner)));
    journal.append(world.batch()).await.unwrap();
    world.start_pause(&ana, pause(2), None);
    assert_eq!(journal.append(world.batch()).await, Ok(()));
    assert_eq!(read_all(&*journal, world.shard).await, world.stored);
}

async fn all_shards_may_append_at_once(store: &impl Store) {
    let journal = store.open().await;
    let epoch = journal.snapshot(ShardId(0)).await.unwrap().head.epoch;
    let mut worlds: Vec<World> = Vec::new();
    for n in 0..40 {
        let world = World::new(&format!("tenant-{n}"), epoch);
        if worlds.iter().all(|other| other.shard != world.shard) {
            worlds.push(world);
        }
    }
    let mut tasks = tokio::task::JoinSet::new();
    for mut world in worlds {
        let journal = Arc::clone(&journal);
        tasks.spawn(async move {
            journal.append(world.founding()).await.unwrap();
            for n in 0..5 {
                let id = agent(&format!("agent-{n}"));
                world.at_work(&id);
                journal.append(world.batch()).await.unwrap();
            }
            world
        });
    }
    let worlds = tasks.join_all().await;
    let heads = journal.heads().await.unwrap();
    assert_eq!(heads.len(), worlds.len());
    for world in &worlds {
        assert!(heads.contains(&ShardHead { shard: world.shard, epoch, head: world.head }));
        assert_eq!(read_all(&*journal, world.shard).await, world.stored);
    }
    let summary = store.verify().await.unwrap();
    assert_eq!(summary.tenants.len(), worlds.len());
}

async fn opening_again_keeps_everything_and_takes_epoch_plus_one(store: &impl Store) {
    let (first, mut world) = found(store).await;
    world.eventful_day();
    first.append(world.batch()).await.unwrap();
    let before = first.snapshot(world.shard).await.unwrap();
    let second = store.open().await;
    let head = second.heads().await.unwrap()[0];
    assert_eq!(head, ShardHead { shard: world.shard, epoch: Epoch(world.epoch.0 + 1), head: world.head });
    let after = second.snapshot(world.shard).await.unwrap();
    assert_eq!(states(&after), states(&before));
    assert_eq!(after.tenants[0].directory, before.tenants[0].directory);
    assert_eq!(after.tenants[0].policy, before.tenants[0].policy);
    assert_eq!(read_all(&*second, world.shard).await, world.stored);
    // Whoever had it before cannot write beside the new owner.
    let zoe = agent("zoe");
    let mut stale = world.clone();
    stale.event(&zoe, AgentEventBody::Connected { shift: None });
    let stale = stale.batch();
    assert!(first.append(stale.clone()).await.is_err());
    assert_eq!(second.append(stale).await, Err(AppendError::Fenced));
    world.take_over(head);
    world.event(&zoe, AgentEventBody::Connected { shift: None });
    second.append(world.batch()).await.unwrap();
    assert_eq!(read_all(&*second, world.shard).await, world.stored);
    store.verify().await.unwrap();
}

async fn promise_d3_an_op_is_found_across_reopening(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    world.eventful_day();
    journal.append(world.batch()).await.unwrap();
    let (ana, rui) = (agent("ana"), agent("rui"));
    let own = intervalo::domain::command::Actor::Agent(ana.clone());
    let journals = [journal, store.open().await];
    let records: Vec<_> = world.agents[&ana].ops.records().collect();
    let started = records.iter().find(|record| record.op == Op(7)).cloned();
    let extended = records.iter().find(|record| record.op == Op(8)).cloned();
    assert!(started.is_some() && extended.is_some());
    // The first is closed by the second; both orders of asking are covered by the second alone.
    let journal = &journals[1];
    assert_eq!(journal.find_op(&world.tenant, &ana, Op(7), &own).await.unwrap(), started);
    assert_eq!(journal.find_op(&world.tenant, &ana, Op(8), &supervisor()).await.unwrap(), extended);
    assert_eq!(journal.find_op(&world.tenant, &ana, Op(7), &supervisor()).await.unwrap(), None);
    assert_eq!(journal.find_op(&world.tenant, &ana, Op(8), &admin()).await.unwrap(), None, "same id, other kind");
    assert_eq!(journal.find_op(&world.tenant, &rui, Op(7), &own).await.unwrap(), None);
    assert_eq!(journal.find_op(&world.tenant, &ana, Op(1234), &own).await.unwrap(), None);
    let other = World::new("globex", Epoch(0)).tenant;
    assert_eq!(journal.find_op(&other, &ana, Op(7), &own).await.unwrap(), None);
}

async fn promise_d5_a_snapshot_beside_appends_is_of_one_instant(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let (shard, founded) = (world.shard, world.head.0);
    let writer = tokio::spawn({
        let journal = Arc::clone(&journal);
        async move {
            for n in 0..60 {
                world.event(&agent(&format!("agent-{n}")), AgentEventBody::Connected { shift: None });
                journal.append(world.batch()).await.unwrap();
            }
        }
    });
    while !writer.is_finished() {
        let snapshot = journal.snapshot(shard).await.unwrap();
        let tenant = &snapshot.tenants[0];
        assert_eq!(snapshot.head.head.0, tenant.head.0);
        assert_eq!(tenant.states.len() as u64, tenant.head.0 - founded);
        assert!(tenant.states.iter().all(|state| state.last_seq <= tenant.head));
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

async fn promise_d6_states_are_the_fold_of_events_across_restarts(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let (ana, rui) = (agent("ana"), agent("rui"));
    world.at_work(&ana);
    world.at_work(&rui);
    world.event(&rui, AgentEventBody::GraceBegan { until: world.now });
    journal.append(world.batch()).await.unwrap();
    drop(journal);
    // Two starts in a row, and only then an event: the first leaves no trace in the state.
    for _ in 0..2 {
        let journal = store.open().await;
        world.take_over(journal.heads().await.unwrap()[0]);
        world.now = world.now + intervalo::domain::time::minutes(1);
        world.server_started();
        journal.append(world.batch()).await.unwrap();
    }
    let journal = store.open().await;
    world.take_over(journal.heads().await.unwrap()[0]);
    let snapshot = journal.snapshot(world.shard).await.unwrap();
    let (number, event) = snapshot.tenants[0].server_started.clone().unwrap();
    let intervalo::domain::event::TenantEventBody::ServerStarted { grace_until, .. } = event.body else {
        panic!("a server's start")
    };
    for state in &snapshot.tenants[0].states {
        assert!(state.last_seq < number);
        let mut record = intervalo::ports::AgentRecord::clone(&state.record);
        record.agent.on_server_started(event.at, grace_until);
        world.agents.insert(state.agent.clone(), record);
    }
    let body = AgentEventBody::StatusChanged { from: ChosenStatus::Available, to: ChosenStatus::Unavailable };
    world.event(&ana, body.clone());
    world.event(&rui, body);
    journal.append(world.batch()).await.unwrap();
    assert_eq!(states(&journal.snapshot(world.shard).await.unwrap()), expected_states(&world));
    store.verify().await.unwrap();
}

async fn promise_d6_a_start_that_moves_the_clock_is_part_of_the_fold(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let (ana, rui) = (agent("ana"), agent("rui"));
    let (hour, minute) = (intervalo::domain::time::hours(1), intervalo::domain::time::minutes(1));
    assert_eq!(journal.snapshot(world.shard).await.unwrap().tenants[0].clock_ahead_ms, 0);
    for who in [&ana, &rui] {
        world.at_work(who);
    }
    let lunch = pause(1);
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(started(lunch, Some(terms()), None))));
    let began = world.now;
    for (by_ms, ahead_ms) in [(-7_000, -7_000), (3_607_000, 3_600_000)] {
        world.tenant_event(Actor::System, Cause::Clock, TenantEventBody::ClockStepped { by_ms, ahead_ms }, None);
    }
    journal.append(world.batch()).await.unwrap();
    assert_eq!(
        journal.snapshot(world.shard).await.unwrap().tenants[0].clock_ahead_ms,
        3_600_000,
        "the last one counts"
    );

    // Two starts in a row: who has something that runs is written with the one that moves it.
    for moved in [hour, Duration::ZERO] {
        world.now = world.now + hour + minute;
        let body = TenantEventBody::ServerStarted { grace_until: world.now + minute, moved };
        world.tenant_event(Actor::System, Cause::ServerStarted, body, None);
        let mut states = Vec::new();
        for who in [&ana, &rui] {
            let agent = &mut world.agents.get_mut(who).unwrap().agent;
            let is_moved = agent.on_clock_moved(moved);
            agent.on_server_started(world.now, world.now + minute);
            states.extend(is_moved.then(|| world.state(who)));
        }
        assert_eq!(states.len(), usize::from(!moved.is_zero()), "one is on a pause");
        journal.append(Batch { states, ..world.batch() }).await.unwrap();
        store.verify().await.unwrap();
    }
    assert_eq!(journal.snapshot(world.shard).await.unwrap().tenants[0].clock_ahead_ms, 0, "the clock is at the wall");
    world.event(&ana, AgentEventBody::LimitReached { pause: lunch, late: false });
    world.event(&rui, AgentEventBody::Connected { shift: None });
    assert_eq!(world.agents[&ana].agent.pause().unwrap().started_at, began + hour);
    journal.append(world.batch()).await.unwrap();
    assert_eq!(states(&journal.snapshot(world.shard).await.unwrap()), expected_states(&world));
    store.verify().await.unwrap();
}

async fn what_is_erased_reads_back_as_absent_and_the_chain_still_verifies(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let ana = agent("ana");
    world.eventful_day();
    world.event(&ana, AgentEventBody::Connected { shift: None });
    journal.append(world.batch()).await.unwrap();
    let with_text =
        |stored: &[Stored]| stored.iter().filter(|stored| format!("{stored:?}").contains("going out")).count();
    assert_eq!(with_text(&read_all(&*journal, world.shard).await), 1);
    let before = store.verify().await.unwrap();
    store.erase(&world.tenant, &ana).await;
    let read = read_all(&*journal, world.shard).await;
    assert_eq!(read.len(), world.stored.len());
    assert_eq!(with_text(&read), 0);
    let text = format!("{read:?} {:?}", journal.snapshot(world.shard).await.unwrap());
    assert!(!text.contains("\"ana\"") && !text.contains("Ana Souza"), "{text}");
    assert!(text.contains("erased:"));
    assert!(text.contains("\"rui\"") && text.contains("left the company"), "others stay");
    assert_eq!(store.verify().await.unwrap(), before);
}

async fn a_pause_that_begins_and_ends_in_one_batch_is_whole(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    for n in 1..=3 {
        world.start_pause(&ana, pause(n), None);
        world.end_pause(&ana, pause(n));
    }
    world.start_pause(&ana, pause(4), None);
    journal.append(world.batch()).await.unwrap();
    assert_eq!(store.verify().await.unwrap().pauses, 4);
}

async fn what_is_planned_for_the_policy_is_kept_until_it_is_published(store: &impl Store) {
    let (journal, mut world) = found(store).await;
    let planned = planned(&world.policy.types);
    let step = |step| TenantEventBody::PolicyPlanned { step, reason: Some("do RH".to_owned()) };
    let drafted = step(PolicyStep::Drafted { base_version: PolicyVersion(1) });
    let first = PolicyPlans { revision: 1, draft: planned.draft.clone(), ..PolicyPlans::default() };
    world.tenant_event(admin(), Cause::Admin, drafted, Some(TenantDefinition::Plans(Arc::new(first))));
    let takes_effect_at = Timestamp(2_000_000_000_000);
    let scheduled = step(PolicyStep::Scheduled { takes_effect_at, loosen_only: true });
    world.tenant_event(admin(), Cause::Admin, scheduled, Some(TenantDefinition::Plans(Arc::new(planned.clone()))));
    journal.append(world.batch()).await.unwrap();
    assert_eq!(*journal.snapshot(world.shard).await.unwrap().tenants[0].plans, planned, "the last of a batch counts");

    let after = PolicyPlans { revision: 3, ..PolicyPlans::default() };
    let policy = Arc::new(Policy { version: PolicyVersion(2), ..world.policy.clone() });
    // The same text of the same person again is one text.
    world.tenant_event(admin(), Cause::Admin, step(PolicyStep::Withdrawn), None);
    let published = TenantEventBody::PolicyPublished { version: PolicyVersion(2), reason: Some("acordo".to_owned()) };
    let publication = TenantDefinition::Publication(Arc::clone(&policy), Arc::new(after.clone()));
    world.tenant_event(admin(), Cause::Admin, published, Some(publication));
    journal.append(world.batch()).await.unwrap();
    assert_eq!(read_all(&*journal, world.shard).await, world.stored, "with the reasons");
    drop(journal);
    let journal = store.open().await;
    let there = journal.snapshot(world.shard).await.unwrap();
    assert_eq!((&*there.tenants[0].policy, &*there.tenants[0].plans), (&*policy, &after));
    drop(journal);
    store.verify().await.unwrap();
}

fn planned(types: &PauseTypes) -> PolicyPlans {
    let draft = PolicyDraft {
        base_version: PolicyVersion(1),
        at: Timestamp(1),
        by: admin(),
        note: Some("do RH".to_owned()),
        types: types.clone(),
    };
    let scheduled = ScheduledPolicy {
        draft: Arc::new(draft.clone()),
        takes_effect_at: Timestamp(2_000_000_000_000),
        loosen_only: true,
        by: supervisor(),
        reason: "acordo".to_owned(),
    };
    let loosening = Loosening {
        version: PolicyVersion(1),
        at: Timestamp(2),
        types: types.keys().cloned().collect(),
        by: admin(),
        reason: "acordo".to_owned(),
    };
    PolicyPlans {
        revision: 2,
        draft: Some(Arc::new(PolicyDraft { note: None, ..draft })),
        scheduled: Some(Arc::new(scheduled)),
        loosening: Some(Arc::new(loosening)),
    }
}
