//! What only a journal on a server has to fear: answers and requests that are lost or late on the way, a second
//! owner, a server that would not keep what it acknowledges; and the way there from SQLite.

use std::sync::Arc;

use intervalo::clock::SystemClock;
use intervalo::config::StoreAddress;
use intervalo::domain::event::AgentEventBody;
use intervalo::domain::time::Timestamp;
use intervalo::ports::{AppendError, Epoch, Journal, ReadError, ShardSeq};
use intervalo::store::copy::{CopyError, copy};
use intervalo::store::verify::verify;
use intervalo::store::{OpenError, PostgresJournal};
use sqlx::{Connection, PgConnection, Row};

use super::evidence::entry;
use crate::store::founding::founding;
use crate::support::postgres::{PrivatePostgres, postgres_of, url_of};
use crate::support::proxy::Proxy;
use crate::support::store_kinds::{OnPostgres, OnSqlite, Readable, StoppedClock, Store};
use crate::support::store_world::{World, agent, pause};

/// A journal behind a proxy, with a tenant in it.
struct Remote {
    store: OnPostgres,
    proxy: Proxy,
    journal: PostgresJournal,
    world: World,
}

impl Remote {
    async fn new() -> Option<Remote> {
        let store = OnPostgres::new().await?;
        let url = url_of(&store.address()).to_owned();
        let (before, port) = url.rsplit_once(':').expect("a port");
        let (port, database) = port.split_once('/').expect("a database");
        let proxy = Proxy::to(port.parse().expect("a number")).await;
        let through: StoreAddress = format!("{before}:{}/{database}", proxy.address.port()).parse().unwrap();
        let journal = PostgresJournal::open(postgres_of(&through), Arc::new(StoppedClock)).await.unwrap();
        let mut world = World::new("acme", Epoch(1));
        journal.append(world.founding()).await.unwrap();
        // Another of the same shape, so that the next is one request and one answer: its statement is prepared.
        world.event(&agent("rui"), AgentEventBody::Connected { shift: None });
        journal.append(world.batch()).await.unwrap();
        Some(Remote { store, proxy, journal, world })
    }

    /// Appends behind gates that are closed: there is no answer.
    async fn append_in_vain(&mut self) -> intervalo::ports::Batch {
        self.world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
        let batch = self.world.batch();
        let answer = self.journal.append(batch.clone()).await;
        assert!(matches!(answer, Err(AppendError::Unknown(_))), "{answer:?}");
        batch
    }

    async fn head(&self) -> ShardSeq {
        self.journal.heads().await.unwrap()[0].head
    }

    async fn verify(&self) {
        verify(self.store.address()).await.unwrap();
    }
}

#[tokio::test]
async fn promise_d4_an_answer_that_was_lost_is_found_out_about() {
    let Some(mut remote) = Remote::new().await else { return };
    remote.proxy.hold_answers();
    let batch = remote.append_in_vain().await;
    // While nobody can be asked, nothing is said.
    let unsaid = remote.journal.heads().await;
    assert!(matches!(unsaid, Err(ReadError::Unavailable(_))), "{unsaid:?}");
    remote.proxy.release();
    assert_eq!(remote.head().await, remote.world.head, "moved: it was written");
    assert_eq!(remote.journal.append(batch).await, Err(AppendError::Fenced), "and is not written again");
    remote.verify().await;
}

#[tokio::test]
async fn promise_d4_a_request_that_arrives_after_it_was_asked_about_is_void() {
    let Some(mut remote) = Remote::new().await else { return };
    remote.proxy.hold_requests();
    let batch = remote.append_in_vain().await;
    // Another way to the database than the one where the request still waits.
    let mut hand = remote.store.by_hand().await;
    sqlx::query("UPDATE shards SET turn = turn + 1 WHERE id = $1")
        .bind(i64::from(batch.shard.0))
        .execute(&mut hand)
        .await
        .unwrap();
    remote.proxy.release();
    assert_eq!(remote.head().await, batch.after, "unmoved: it was not written");
    await_idle(&mut hand).await;
    assert_eq!(remote.head().await, batch.after, "and it is not written late");
    // The same again is written, once.
    remote.journal.append(batch).await.unwrap();
    let read = remote.journal.read(remote.world.shard, ShardSeq(0), 100).await.unwrap();
    assert_eq!(read, remote.world.stored);
    remote.verify().await;
}

/// Waits until no other connection of the database is at work.
async fn await_idle(hand: &mut PgConnection) {
    let at_work = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'";
    loop {
        let count: i64 = sqlx::query_scalar(at_work).fetch_one(&mut *hand).await.unwrap();
        if count == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn promise_d4_a_statement_that_waits_at_the_server_is_settled_before_anything_is_said() {
    let Some(mut remote) = Remote::new().await else { return };
    // Somebody holds the shard's row: the append gets as far as that.
    let mut hand = remote.store.by_hand().await;
    let mut holding = hand.begin().await.unwrap();
    sqlx::query("SELECT FROM shards WHERE id = $1 FOR UPDATE")
        .bind(i64::from(remote.world.shard.0))
        .execute(&mut *holding)
        .await
        .unwrap();
    remote.world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    let batch = remote.world.batch();
    let answer = remote.journal.append(batch.clone()).await;
    assert!(answer.is_err(), "{answer:?}");
    let unsaid = match answer {
        Err(AppendError::Unknown(_)) => remote.journal.heads().await.is_err(),
        // The server gave the statement up itself, and said so.
        _ => true,
    };
    assert!(unsaid, "a head was told while the statement waited");
    holding.rollback().await.unwrap();
    assert_eq!(remote.head().await, batch.after);
    remote.journal.append(batch).await.unwrap();
    assert_eq!(remote.head().await, remote.world.head);
    remote.verify().await;
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_opened_anew() {
    let Some(mut remote) = Remote::new().await else { return };
    let mut hand = remote.store.by_hand().await;
    for n in 0..3 {
        let ended: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_one(&mut hand)
        .await
        .unwrap();
        assert!(ended > 0);
        remote.world.event(&agent(&format!("agent-{n}")), AgentEventBody::Connected { shift: None });
        let batch = remote.world.batch();
        match remote.journal.append(batch.clone()).await {
            Ok(()) => {}
            Err(AppendError::Unknown(_) | AppendError::Unavailable(_)) => {
                assert_eq!(remote.head().await, batch.after, "the connection had ended before the request");
                remote.journal.append(batch).await.unwrap();
            }
            Err(AppendError::Fenced) => panic!("fenced"),
        }
        assert_eq!(remote.head().await, remote.world.head);
    }
    remote.verify().await;
}

#[tokio::test]
async fn a_second_owner_is_told_who_the_first_is_and_fences_it_when_it_lost_its_lock() {
    let Some(store) = OnPostgres::new().await else { return };
    let first = store.open_postgres().await;
    let mut world = World::new("acme", Epoch(1));
    first.append(world.founding()).await.unwrap();
    let refused = store.open_beside().await.err().expect("taken");
    let line = refused.to_string();
    assert!(matches!(refused, OpenError::Owned { .. }), "{line}");
    assert!(line.contains(&format!("is in use by process {} on ", std::process::id())), "{line}");

    // The first's lock breaks, and before it has it again the second comes.
    let mut hand = store.by_hand().await;
    let second = loop {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_all(&mut hand)
        .await
        .unwrap();
        match store.open_beside().await {
            Ok(second) => break second,
            Err(OpenError::Owned { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    };
    world.event(&agent("ana"), AgentEventBody::Connected { shift: None });
    let batch = world.batch();
    assert_eq!(first.append(batch.clone()).await, Err(AppendError::Fenced));
    assert_eq!(second.heads().await.unwrap()[0].epoch, Epoch(2));
    let of_second = intervalo::ports::Batch { epoch: Epoch(2), ..batch };
    assert_eq!(first.append(of_second.clone()).await, Err(AppendError::Fenced), "an epoch that is not its own");
    second.append(of_second).await.unwrap();
    assert_eq!(second.read(world.shard, ShardSeq(0), 100).await.unwrap(), world.stored);
    store.verify().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_untouched() {
    let Some(store) = OnPostgres::new().await else { return };
    store.open_postgres().await;
    store.close().await;
    let mut hand = store.by_hand().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'of the future', true, '', 0)",
    )
    .execute(&mut hand)
    .await
    .unwrap();
    let refused = store.open_beside().await.err().expect("newer");
    assert!(matches!(refused, OpenError::NewerSchema { version: 99 }), "{refused}");
    let epoch: i64 = sqlx::query_scalar("SELECT max(epoch) FROM shards").fetch_one(&mut hand).await.unwrap();
    assert_eq!(epoch, 1);
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_in_one_line_without_its_password() {
    let nowhere: StoreAddress = "postgres://ana:secret@127.0.0.1:1/db".parse().unwrap();
    let refused = PostgresJournal::open(postgres_of(&nowhere), Arc::new(StoppedClock)).await.err().unwrap();
    let line = refused.to_string();
    assert!(line.contains("postgres://ana@127.0.0.1:1/db cannot be reached"), "{line}");
    assert!(line.contains("is the server running there") && !line.contains("secret"), "{line}");
    let Some(store) = OnPostgres::new().await else { return };
    let empty = verify(store.address()).await.unwrap_err().to_string();
    assert!(empty.contains("no tables of intervalo"), "{empty}");
    let mut hand = store.by_hand().await;
    sqlx::query("CREATE DATABASE in_latin ENCODING 'LATIN1' TEMPLATE template0").execute(&mut hand).await.unwrap();
    let (before, _) = url_of(&store.address()).rsplit_once('/').map(|(a, b)| (a.to_owned(), b)).unwrap();
    let latin: StoreAddress = format!("{before}/in_latin").parse().unwrap();
    let refused = PostgresJournal::open(postgres_of(&latin), Arc::new(StoppedClock)).await.err().unwrap();
    assert!(refused.to_string().contains("its encoding is LATIN1; create it with ENCODING 'UTF8'"), "{refused}");
}

#[tokio::test]
async fn promise_d2_a_server_that_does_not_sync_is_refused() {
    let Some(server) = PrivatePostgres::start_with(&["fsync=off"]) else { return };
    let address = server.database().await;
    let refused = PostgresJournal::open(postgres_of(&address), Arc::new(StoppedClock)).await.err().unwrap();
    assert!(refused.to_string().contains("set both on"), "{refused}");
}

#[tokio::test]
async fn promise_d2_a_commit_waits_for_the_disk_whatever_the_default() {
    let Some(store) = OnPostgres::new().await else { return };
    let mut hand = store.by_hand().await;
    let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut hand).await.unwrap();
    let off = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    sqlx::query(sqlx::AssertSqlSafe(off)).execute(&mut hand).await.unwrap();
    let journal = store.open_postgres().await;
    // Tells, from within the append, what is in force there.
    for sql in [
        "CREATE TABLE seen (setting TEXT)",
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$",
        "CREATE TRIGGER look AFTER INSERT ON journal EXECUTE FUNCTION look()",
    ] {
        sqlx::query(sql).execute(&mut hand).await.unwrap();
    }
    journal.append(World::new("acme", Epoch(1)).founding()).await.unwrap();
    let seen: Vec<String> = sqlx::query_scalar("SELECT setting FROM seen").fetch_all(&mut hand).await.unwrap();
    assert_eq!(seen, ["on"]);
}

#[tokio::test]
async fn promise_a5_an_edit_of_any_column_of_the_journal_is_found_and_names_the_entry() {
    let Some(store) = OnPostgres::new().await else { return };
    let journal = store.open_postgres().await;
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.eventful_day();
    journal.append(world.batch()).await.unwrap();
    store.close().await;
    store.verify().await.unwrap();
    let mut hand = store.by_hand().await;
    // Whoever edits by hand is not stopped by constraints.
    sqlx::query("SET session_replication_role = replica").execute(&mut hand).await.unwrap();
    let columns = sqlx::query(
        "SELECT column_name::text, data_type::text FROM information_schema.columns
         WHERE table_name = 'journal' AND table_schema = current_schema()",
    )
    .fetch_all(&mut hand)
    .await
    .unwrap();
    assert_eq!(columns.len(), 23);
    let seq = i64::try_from(world.seq.0 / 2).unwrap();
    for column in &columns {
        let (name, kind): (String, String) = (column.get(0), column.get(1));
        let new = match kind.as_str() {
            "bigint" => format!("coalesce({name}, 0) + 1000"),
            "text" => format!("coalesce({name}, '') || ' '"),
            "bytea" => format!(
                "set_byte(coalesce({name}, '\\x00112233445566778899aabbccddeeff'), 0,
                 255 - get_byte(coalesce({name}, '\\x00112233445566778899aabbccddeeff'), 0))"
            ),
            other => panic!("a column of type {other}"),
        };
        let mut edited = hand.begin().await.unwrap();
        sqlx::query("CREATE TEMP TABLE kept AS SELECT * FROM journal").execute(&mut *edited).await.unwrap();
        edited.commit().await.unwrap();
        let edit = format!("UPDATE journal SET {name} = {new} WHERE tenant = 'acme' AND seq = {seq}");
        sqlx::query(sqlx::AssertSqlSafe(edit)).execute(&mut hand).await.unwrap();
        let fault = store.verify().await.expect_err(&name);
        assert_eq!(entry(&fault), Some(("acme".to_owned(), seq)), "{name}: {fault}");
        for sql in ["DELETE FROM journal", "INSERT INTO journal SELECT * FROM kept", "DROP TABLE kept"] {
            sqlx::query(sql).execute(&mut hand).await.unwrap();
        }
    }
    store.verify().await.unwrap();
}

#[tokio::test]
async fn the_store_itself_refuses_rules_and_marks_on_what_is_protected() {
    let Some(store) = OnPostgres::new().await else { return };
    let journal = store.open_postgres().await;
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.eventful_day();
    journal.append(world.batch()).await.unwrap();
    let mut hand = store.by_hand().await;
    for sql in [
        "UPDATE pause_types SET rules = '{}' WHERE class = 'protected'",
        "UPDATE pause_types SET class = 'protected' WHERE code = 'lunch'",
        "UPDATE pause_types SET color = '#ff0000' WHERE class = 'protected'",
        "UPDATE pauses SET limit_ms = 60000 WHERE class = 'protected'",
        "UPDATE pauses SET overran_at = 1 WHERE class = 'protected'",
        "UPDATE pauses SET short = true WHERE class = 'protected'",
        "UPDATE pauses SET class = 'protected' WHERE class = 'regular'",
        "UPDATE pauses SET inside = id WHERE class = 'regular'",
    ] {
        let error = sqlx::query(sql).execute(&mut hand).await.expect_err(sql);
        assert!(error.to_string().contains("violates check constraint"), "{sql}: {error}");
    }
}

/// A closed data folder with three tenants in it, one of them just made.
async fn a_folder() -> OnSqlite {
    let folder = OnSqlite::new();
    let journal = folder.open_sqlite().await;
    let mut other = World::new("globex", Epoch(1));
    journal.append(other.founding()).await.unwrap();
    other.at_work(&agent("zoe"));
    journal.append(other.batch()).await.unwrap();
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.eventful_day();
    world.at_work(&agent("zoe"));
    world.start_pause(&agent("zoe"), pause(50), Some("still out"));
    journal.append(world.batch()).await.unwrap();
    let mut new = World::new("nova", Epoch(1));
    journal.append(founding(&mut new).0).await.unwrap();
    folder.close().await;
    folder
}

#[tokio::test]
async fn promise_u3_a_copy_keeps_numbers_chain_and_states_and_goes_on_from_there() {
    let Some(target) = OnPostgres::new().await else { return };
    let folder = a_folder().await;
    let before = verify(folder.dir()).await.unwrap();
    let copied = copy(folder.dir(), postgres_of(&target.address()), &SystemClock::start(Timestamp(0))).await.unwrap();
    assert_eq!(copied, before);
    assert_eq!(target.verify().await.unwrap(), before);

    let (old, new) = (folder.open_sqlite().await, target.open_postgres().await);
    assert_eq!(new.heads().await.unwrap(), old.heads().await.unwrap(), "the epochs too");
    for head in new.heads().await.unwrap() {
        let (mine, yours) = (new.snapshot(head.shard).await.unwrap(), old.snapshot(head.shard).await.unwrap());
        assert_eq!(format!("{mine:?}"), format!("{yours:?}"));
        let all = usize::MAX >> 1;
        let read = new.read(head.shard, ShardSeq(0), all).await.unwrap();
        assert_eq!(read, old.read(head.shard, ShardSeq(0), all).await.unwrap());
    }
}

#[tokio::test]
async fn promise_u3_what_cannot_be_copied_whole_is_not_copied_at_all() {
    let Some(target) = OnPostgres::new().await else { return };
    let folder = a_folder().await;
    let address = target.address();
    let (to, clock) = (postgres_of(&address), SystemClock::start(Timestamp(0)));
    // In use.
    let journal = folder.open_sqlite().await;
    let refused = copy(folder.dir(), to, &clock).await;
    assert!(matches!(refused, Err(CopyError::Open(OpenError::Locked { .. }))), "{refused:?}");
    drop(journal);
    folder.close().await;
    // Altered.
    let mut hand = folder.by_hand().await;
    let edit = |at: i64| format!("UPDATE journal SET at = at + {at} WHERE tenant = 'acme' AND seq = 5");
    sqlx::query(sqlx::AssertSqlSafe(edit(1))).execute(&mut hand).await.unwrap();
    let refused = copy(folder.dir(), to, &clock).await;
    assert!(matches!(refused, Err(CopyError::Source(_))), "{refused:?}");
    sqlx::query(sqlx::AssertSqlSafe(edit(-1))).execute(&mut hand).await.unwrap();
    // No folder at all, and none is made.
    let nowhere = folder.dir().join("nowhere");
    let refused = copy(&nowhere, to, &clock).await;
    assert!(matches!(refused, Err(CopyError::Open(OpenError::Missing { .. }))), "{refused:?}");
    assert!(!nowhere.exists());
    // Twice.
    copy(folder.dir(), to, &clock).await.unwrap();
    let refused = copy(folder.dir(), to, &clock).await;
    assert!(matches!(refused, Err(CopyError::NotEmpty(_))), "{refused:?}");
}
