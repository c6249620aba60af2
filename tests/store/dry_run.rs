//! The record of a tenant as a dry run reads it: in pages, beside the writer, and the same from every store.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use intervalo::domain::dry_run::{DryRun, Report};
use intervalo::domain::event::AgentEventBody;
use intervalo::domain::id::PolicyVersion;
use intervalo::domain::policy::{PauseKind, PauseRules, PauseType, Policy};
use intervalo::domain::time::hours;
use intervalo::ports::{Entry, Epoch, Journal, ShardSeq};
use intervalo::store::history::fold_dry_run;
use intervalo::store::{MemoryJournal, PauseHistory};

use crate::support::store_kinds::{OnPostgres, OnSqlite, Readable};
use crate::support::store_world::{World, agent, code_of, pause};

/// Pauses of one agent: more than a page has room for.
const PAUSES: u32 = 2_100;

#[tokio::test]
async fn semantics_5_a_dry_run_reads_the_whole_record_of_a_file() {
    the_whole_record_is_read(&OnSqlite::new()).await;
}

#[tokio::test]
async fn semantics_5_a_dry_run_reads_the_whole_record_of_a_server() {
    if let Some(store) = OnPostgres::new().await {
        the_whole_record_is_read(&store).await;
    }
}

/// Lunch at any time, with or without an hour between two.
fn policy(version: u64, rules: PauseRules) -> Arc<Policy> {
    let lunch = PauseType {
        code: code_of("lunch"),
        name: BTreeMap::new(),
        description: BTreeMap::new(),
        icon: None,
        color: None,
        position: 0,
        enabled: true,
        archived_at: None,
        teams: None,
        kind: PauseKind::Regular(rules),
    };
    let types = BTreeMap::from([(lunch.code.clone(), Arc::new(lunch))]);
    Arc::new(Policy { version: PolicyVersion(version), types })
}

fn run(world: &World) -> DryRun {
    let day = NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day");
    let in_force = policy(1, PauseRules::default());
    let draft = policy(2, PauseRules { cooldown: hours(1), ..PauseRules::default() });
    DryRun::new(Arc::new(world.directory.clone()), in_force, draft, day..=day)
}

async fn from_pages(history: &PauseHistory, world: &World) -> (Report, usize) {
    let (mut run, mut pages) = (run(world), 0);
    let mut recorded = history.of(&world.tenant).recorded().await.expect("it reads");
    while let Some(page) = recorded.next().await.expect("a page") {
        let is_over = fold_dry_run(&mut run, &page.decode().expect("entries")).expect("they fold");
        assert!(!is_over, "all of it is of the day");
        pages += 1;
    }
    (run.finish(), pages)
}

async fn from_memory(journal: &MemoryJournal, world: &World) -> Report {
    let mut run = run(world);
    let stored = journal.read(world.shard, ShardSeq(0), usize::MAX).await.expect("it reads");
    let entries: Vec<Entry> = stored.into_iter().map(|stored| stored.entry).collect();
    fold_dry_run(&mut run, &entries).expect("they fold");
    run.finish()
}

async fn the_whole_record_is_read(store: &impl Readable) {
    let journal = store.open().await;
    let memory = MemoryJournal::new(1);
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.expect("a snapshot").head.epoch;
    let memory_epoch = memory.snapshot(world.shard).await.expect("a snapshot").head.epoch;
    let keep = async |batch: intervalo::ports::Batch| {
        journal.append(batch.clone()).await.expect("appended");
        memory.append(intervalo::ports::Batch { epoch: memory_epoch, ..batch }).await.expect("appended");
    };
    keep(world.founding()).await;
    let (ana, rui) = (agent("ana"), agent("rui"));
    world.server_started();
    world.at_work(&ana);
    world.at_work(&rui);
    for n in 0..PAUSES {
        world.start_pause(&ana, pause(u128::from(n) + 1), Some("até já"));
        world.end_pause(&ana, pause(u128::from(n) + 1));
    }
    let code = "cooldown".to_owned();
    world.event(&rui, AgentEventBody::PauseRefused { pause_type: code_of("lunch"), code, count: 3 });
    keep(world.batch()).await;

    let history = PauseHistory::open(store.address()).await.expect("it opens");
    let (report, pages) = from_pages(&history, &world).await;
    assert!(pages > 1, "it does not fit into one page");
    assert_eq!(report, from_memory(&memory, &world).await);
    let entries_before = world.stored.len() as u64;
    assert_eq!((report.starts, report.refusals), (u64::from(PAUSES), 3));
    assert_eq!(report.refused.total, u64::from(PAUSES) - 1, "each but the first");
    assert_eq!(report.refused.by_code, BTreeMap::from([("cooldown".to_owned(), report.refused.total)]));
    assert_eq!(report.unclear, 3, "neither policy tells why Rui was refused");

    // What is written while it reads is not part of it, and whoever asks for another tenant gets nothing of this one.
    let mut recorded = history.of(&world.tenant).recorded().await.expect("it reads");
    world.start_pause(&ana, pause(999_999), None);
    journal.append(world.batch()).await.expect("appended");
    let mut entries = 0;
    while let Some(page) = recorded.next().await.expect("a page") {
        entries += page.decode().expect("entries").len() as u64;
    }
    assert_eq!(entries, entries_before);
    let other = intervalo::domain::id::TenantId::new("globex").expect("an id");
    assert!(history.of(&other).recorded().await.expect("it reads").next().await.expect("no page").is_none());
    history.close().await;
}
