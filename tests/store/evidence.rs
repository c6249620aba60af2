//! Promise A5: whatever is edited, deleted, inserted or reordered in a SQLite journal is found by
//! `verify`, which names the entry; and what the data folder itself refuses.

use std::sync::Arc;

use crate::support::store_kinds::{OnSqlite, StoppedClock, Store};
use crate::support::store_world::{World, agent, code_of, pause};
use intervalo::domain::event::AgentEventBody;
use intervalo::ports::{Epoch, Journal};
use intervalo::store::verify::{self, Fault, verify};
use intervalo::store::{LOCK_FILE, OpenError, SqliteJournal};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

/// A closed data folder with an eventful day of two tenants in it.
async fn eventful() -> (OnSqlite, World) {
    let store = OnSqlite::new();
    let journal = store.open_sqlite().await;
    let mut other = World::new("globex", Epoch(1));
    journal.append(other.founding()).await.unwrap();
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.eventful_day();
    world.at_work(&agent("zoe"));
    world.start_pause(&agent("zoe"), pause(50), Some("still out"));
    journal.append(world.batch()).await.unwrap();
    store.close().await;
    verify(store.dir()).await.unwrap();
    (store, world)
}

async fn run(connection: &mut SqliteConnection, sql: &str) -> u64 {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::query(sql).execute(connection).await.unwrap().rows_affected()
}

/// The entry that a fault names.
pub(crate) fn entry(fault: &Fault) -> Option<(String, i64)> {
    let text = fault.to_string();
    let (place, _) = text.split_once(": ")?;
    let (tenant, seq) = place.split_once("entry ")?.1.rsplit_once('/')?;
    Some((tenant.trim().to_owned(), seq.parse().ok()?))
}

#[tokio::test]
async fn promise_a5_an_edit_of_any_column_of_the_journal_is_found_and_names_the_entry() {
    let (store, world) = eventful().await;
    let mut hand = store.by_hand().await;
    run(&mut hand, "CREATE TEMP TABLE copy AS SELECT * FROM main.journal").await;
    let columns =
        sqlx::query("SELECT name, type FROM pragma_table_info('journal')").fetch_all(&mut hand).await.unwrap();
    assert_eq!(columns.len(), 23);
    let last = i64::try_from(world.seq.0).unwrap();
    let mut edits = 0;
    for column in &columns {
        let (name, kind): (String, String) = (column.get(0), column.get(1));
        for seq in [1, 3, 7, last / 2, last] {
            let new = match kind.as_str() {
                "INTEGER" => format!("coalesce({name}, 0) + 1000"),
                "TEXT" => format!("coalesce({name}, '') || ' '"),
                "BLOB" => format!(
                    "unhex(iif(substr(hex({name}), 1, 2) = '00', '01', '00')
                     || substr(hex(coalesce({name}, zeroblob(16))), 3))"
                ),
                other => panic!("a column of type {other}"),
            };
            let sql = format!("UPDATE journal SET {name} = {new} WHERE tenant = 'acme' AND seq = {seq}");
            assert_eq!(run(&mut hand, &sql).await, 1);
            let fault = verify(store.dir()).await.expect_err(&format!("{name} of {seq}"));
            assert_eq!(entry(&fault), Some(("acme".to_owned(), seq)), "{name}: {fault}");
            run(&mut hand, "DELETE FROM journal").await;
            run(&mut hand, "INSERT INTO journal SELECT * FROM temp.copy").await;
            edits += 1;
        }
    }
    assert_eq!(edits, 23 * 5);
    verify(store.dir()).await.unwrap();
}

#[tokio::test]
async fn promise_a5_deleting_inserting_and_reordering_entries_is_found() {
    let (store, world) = eventful().await;
    let mut hand = store.by_hand().await;
    let last = i64::try_from(world.seq.0).unwrap();
    let cases: [(&str, String, i64); 8] = [
        ("one in the middle is gone", "DELETE FROM journal WHERE tenant = 'acme' AND seq = 9".into(), 9),
        ("the first is gone", "DELETE FROM journal WHERE tenant = 'acme' AND seq = 1".into(), 1),
        ("the tail is cut off", format!("DELETE FROM journal WHERE tenant = 'acme' AND seq > {last} - 3"), last - 2),
        ("all are gone", "DELETE FROM journal WHERE tenant = 'acme'".into(), 1),
        (
            "the tail is cut off and the rest renumbered",
            format!(
                "UPDATE journal SET seq = seq - 1000 WHERE tenant = 'acme' AND seq > 9;
                 DELETE FROM journal WHERE tenant = 'acme' AND seq = 9;
                 UPDATE journal SET seq = seq + 999 WHERE tenant = 'acme' AND seq < {last} - 1000 + 1 AND seq < 0"
            ),
            9,
        ),
        (
            "two have changed places",
            "UPDATE journal SET seq = -9 WHERE tenant = 'acme' AND seq = 9;
             UPDATE journal SET seq = 9 WHERE tenant = 'acme' AND seq = 10;
             UPDATE journal SET seq = 10 WHERE tenant = 'acme' AND seq = -9"
                .into(),
            9,
        ),
        (
            "one was put in twice",
            format!(
                "INSERT INTO journal SELECT tenant, {last} + 1, shard, shard_seq + 1000, person, agent_seq + 1000, at,
                 due_at, kind, actor_kind, actor_person, cause, policy_version, op, op_by_kind, op_by, op_fingerprint,
                 op_at, op_outcome, form, body, body_hash, hash FROM journal WHERE tenant = 'acme' AND seq = {last}"
            ),
            last + 1,
        ),
        (
            "the head was moved back with the tail cut off",
            format!(
                "DELETE FROM journal WHERE tenant = 'acme' AND seq = {last};
                 UPDATE tenant_heads SET seq = {last} - 1 WHERE tenant = 'acme'"
            ),
            last - 1,
        ),
    ];
    for (what, sql, seq) in cases {
        run(&mut hand, "CREATE TEMP TABLE heads AS SELECT * FROM tenant_heads").await;
        run(&mut hand, "CREATE TEMP TABLE copy AS SELECT * FROM main.journal").await;
        run(&mut hand, &sql).await;
        let fault = verify(store.dir()).await.expect_err(what);
        assert_eq!(entry(&fault), Some(("acme".to_owned(), seq)), "{what}: {fault}");
        run(&mut hand, "DELETE FROM journal").await;
        run(&mut hand, "INSERT INTO journal SELECT * FROM temp.copy").await;
        run(&mut hand, "INSERT OR REPLACE INTO tenant_heads SELECT * FROM heads").await;
        run(&mut hand, "DROP TABLE heads").await;
        run(&mut hand, "DROP TABLE temp.copy").await;
        verify(store.dir()).await.unwrap();
    }
}

#[tokio::test]
async fn promise_a5_a_whole_tenant_that_is_gone_leaves_a_hole_in_its_shard() {
    let (store, _) = eventful().await;
    let mut hand = store.by_hand().await;
    for table in [
        "journal",
        "tenant_heads",
        "states",
        "pause_amendments",
        "pauses",
        "people",
        "texts",
        "directories",
        "pause_types",
        "policies",
    ] {
        run(&mut hand, &format!("DELETE FROM {table} WHERE tenant = 'acme'")).await;
    }
    run(&mut hand, "DELETE FROM tenants WHERE id = 'acme'").await;
    let fault = verify(store.dir()).await.expect_err("a tenant is gone");
    assert!(fault.to_string().starts_with("shard "), "{fault}");
}

#[tokio::test]
async fn promise_a5_what_hangs_on_the_journal_is_verified_with_it() {
    let (store, world) = eventful().await;
    let mut hand = store.by_hand().await;
    let edits = [
        "UPDATE states SET body = replace(body, '\"offline\"', '\"available\"')",
        "UPDATE states SET last_seq = last_seq + 1000",
        "UPDATE states SET last_seq = last_seq - 1",
        "DELETE FROM states",
        "UPDATE people SET host_id = 'eva' WHERE host_id = 'ana'",
        "UPDATE texts SET text = text || '!'",
        "UPDATE directories SET body = replace(body, 'Suporte', 'Vendas')",
        "DELETE FROM directories WHERE tenant = 'acme'",
        "UPDATE directories SET whole = 0",
        "UPDATE pause_types SET rules = replace(rules, '3600000', '3600001')",
        "UPDATE pause_types SET color = '#000000' WHERE color IS NOT NULL",
        "DELETE FROM pause_types WHERE code = 'restroom'",
        "UPDATE pauses SET ended_at = ended_at + 1 WHERE class = 'regular'",
        "UPDATE pauses SET overran_at = NULL",
        "UPDATE pauses SET local_day = '2026-03-03'",
        "UPDATE pauses SET note = NULL WHERE ended_at IS NULL",
        "UPDATE pauses SET short = NOT short WHERE short IS NOT NULL",
        "DELETE FROM pauses WHERE ended_at IS NULL",
        "UPDATE tenant_heads SET last_at = last_at + 1",
        "UPDATE tenant_heads SET hash = zeroblob(32)",
        "UPDATE shards SET head = head + 1 WHERE head > 0",
    ];
    for sql in edits {
        run(&mut hand, "BEGIN").await;
        let table = sql.split_whitespace().find(|word| word.chars().all(|c| c.is_lowercase() || c == '_')).unwrap();
        run(&mut hand, &format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
        assert!(run(&mut hand, sql).await > 0, "{sql}");
        run(&mut hand, "COMMIT").await;
        let fault = verify(store.dir()).await.expect_err(sql);
        assert!(!matches!(fault, Fault::Unreadable(_)), "{sql}: {fault}");
        run(&mut hand, &format!("DELETE FROM {table}")).await;
        run(&mut hand, &format!("INSERT INTO {table} SELECT * FROM kept")).await;
        run(&mut hand, "DROP TABLE kept").await;
    }
    let summary = verify(store.dir()).await.unwrap();
    assert_eq!(summary.entries, world.stored.len() as u64 + 2);
}

#[tokio::test]
async fn verify_runs_beside_a_server_that_writes() {
    let store = OnSqlite::new();
    let journal = store.open_sqlite().await;
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    let writer = tokio::spawn({
        let journal = Arc::clone(&journal);
        async move {
            for n in 0..40 {
                let id = agent(&format!("agent-{n}"));
                world.at_work(&id);
                world.start_pause(&id, pause(n), Some("out"));
                journal.append(world.batch()).await.unwrap();
                world.end_pause(&id, pause(n));
                journal.append(world.batch()).await.unwrap();
            }
        }
    });
    let mut verified = 0;
    while !writer.is_finished() {
        let summary = verify(store.dir()).await.unwrap();
        assert!(summary.entries >= verified);
        verified = summary.entries;
    }
    writer.await.unwrap();
    assert_eq!(verify(store.dir()).await.unwrap().entries, 2 + 40 * 5);
}

#[tokio::test]
async fn a_second_owner_is_told_who_the_first_is() {
    let store = OnSqlite::new();
    let first = store.open_sqlite().await;
    let second = SqliteJournal::open(store.dir(), Arc::new(StoppedClock)).await;
    let pid = std::process::id().to_string();
    match second {
        Err(OpenError::Locked { pid: owner, .. }) => assert_eq!(owner, pid),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read_to_string(store.dir().join(LOCK_FILE)).unwrap().trim(), pid);
    first.close().await;
    let third = SqliteJournal::open(store.dir(), Arc::new(StoppedClock)).await.unwrap();
    third.close().await;
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_untouched() {
    let (store, _) = eventful().await;
    let mut hand = store.by_hand().await;
    let insert = "INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, true, checksum, 0
                  FROM _sqlx_migrations LIMIT 1";
    run(&mut hand, insert).await;
    let epochs = "SELECT sum(epoch) FROM shards";
    let before: i64 = sqlx::query_scalar(epochs).fetch_one(&mut hand).await.unwrap();
    let opened = SqliteJournal::open(store.dir(), Arc::new(StoppedClock)).await;
    assert!(matches!(opened, Err(OpenError::NewerSchema { version: 9999 })), "{opened:?}");
    let after: i64 = sqlx::query_scalar(epochs).fetch_one(&mut hand).await.unwrap();
    assert_eq!(after, before);
    let verified = verify::verify(store.dir()).await;
    assert!(matches!(verified, Err(Fault::Unreadable(_))), "{verified:?}");
}

#[tokio::test]
async fn a_folder_without_a_database_cannot_be_verified() {
    let dir = tempfile::TempDir::new().unwrap();
    let verified = verify(dir.path()).await;
    assert!(matches!(verified, Err(Fault::Unreadable(_))), "{verified:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "and nothing is made in it");
}

#[tokio::test]
async fn the_store_itself_refuses_rules_and_marks_on_what_is_protected() {
    let (store, _) = eventful().await;
    let mut hand = store.by_hand().await;
    let refused = [
        "UPDATE pause_types SET rules = '{}' WHERE class = 'protected'",
        "UPDATE pause_types SET class = 'protected' WHERE code = 'lunch'",
        "UPDATE pause_types SET color = '#ff0000' WHERE class = 'protected'",
        "UPDATE pauses SET limit_ms = 60000 WHERE class = 'protected'",
        "UPDATE pauses SET overran_at = 1 WHERE class = 'protected'",
        "UPDATE pauses SET short = 1 WHERE class = 'protected'",
        "UPDATE pauses SET class = 'protected' WHERE class = 'regular'",
        "UPDATE pauses SET inside = id WHERE class = 'regular'",
    ];
    for sql in refused {
        let error = sqlx::query(sql).execute(&mut hand).await.expect_err(sql);
        let error = error.as_database_error().unwrap().to_string();
        assert!(error.contains("CHECK constraint failed"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn no_name_host_id_or_text_stands_in_the_journal_or_the_states() {
    let (store, _) = eventful().await;
    let mut hand = store.by_hand().await;
    for sql in [
        "SELECT group_concat(body || actor_kind || kind || cause) FROM journal",
        "SELECT group_concat(body) FROM states",
        "SELECT group_concat(body) FROM directories",
    ] {
        let all: String = sqlx::query_scalar(sql).fetch_one(&mut hand).await.unwrap();
        for word in ["ana", "rui", "zoe", "sofia", "Souza", "router", "going out", "left the company", "private"] {
            let found = all.split(|c: char| !c.is_alphanumeric() && c != ' ').any(|part| part == word);
            assert!(!found, "{word} in {sql}");
        }
    }
    // The refusal's code is what the client wrote; it names no person.
    let refused: i64 = sqlx::query_scalar("SELECT count(*) FROM journal WHERE body LIKE '%almoço%'")
        .fetch_one(&mut hand)
        .await
        .unwrap();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn a_store_that_was_killed_opens_with_everything_that_was_acknowledged() {
    let store = OnSqlite::new();
    let journal = store.open_sqlite().await;
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    let refused = AgentEventBody::PauseRefused { pause_type: code_of("x"), code: "unknown_type".into(), count: 1 };
    world.event(&agent("ana"), refused);
    journal.append(world.batch()).await.unwrap();
    // What a killed process leaves: the files as they are, log and all, and no lock.
    let copy = OnSqlite::new();
    for file in std::fs::read_dir(store.dir()).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, copy.dir().join(path.file_name().unwrap())).unwrap();
    }
    assert!(copy.dir().join("intervalo.db-wal").metadata().unwrap().len() > 0);
    assert_eq!(verify(copy.dir()).await.unwrap().entries, world.seq.0);
    let again = copy.open().await;
    let read = again.read(world.shard, intervalo::ports::ShardSeq(0), 100).await.unwrap();
    assert_eq!(read, world.stored);
}
