//! The real binary on PostgreSQL, whose server is killed under load and started again, several times; and two
//! servers that are given the same database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use intervalo::config::StoreAddress;
use intervalo_loadtest::{BoardWatcher, CallError, Client, Random, Row, Teams};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::assert_none;
use crate::binary::{Answer, DataFolder, PATIENCE, Server, text_of};
use crate::checks;
use crate::company::{PROTECTED, TENANT, agent, company};
use crate::crashes::cycles;
use crate::journal;
use crate::postgres_server::{PrivatePostgres, url_of};
use crate::worker::{Account, Progress, Worker};

/// How many agents work.
const AGENTS: usize = 16;
/// How many acknowledgements there are at least between two kills.
const ACKNOWLEDGED_MIN: u64 = 40;
/// How many kills of PostgreSQL there are for each kill of the server (`RECOVERY_CYCLES`).
const KILLS_SHARE: usize = 4;
/// How long a board may take to be right after the store came back (promise V1).
const CONVERGED_WITHIN: Duration = Duration::from_secs(5);

/// A company on PostgreSQL.
struct Office {
    postgres: PrivatePostgres,
    store: StoreAddress,
    folder: DataFolder,
}

impl Office {
    async fn new() -> Option<Office> {
        let postgres = PrivatePostgres::start()?;
        let store = postgres.database().await;
        let folder = DataFolder::empty();
        let file = folder.file("company.toml", &company(AGENTS, "60s"));
        let imported = folder.run(&["import", text_of(&file), "--store", url_of(&store)]).await;
        assert_eq!(imported.code, Some(0), "{imported:?}");
        Some(Office { postgres, store, folder })
    }

    async fn serve(&self) -> Server {
        self.folder.start_with(&["--store", url_of(&self.store)]).ready().await
    }

    async fn verify(&self) {
        let verified = self.folder.run(&["verify", "--store", url_of(&self.store)]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
    }

    async fn by_hand(&self) -> PgConnection {
        PgConnection::connect(url_of(&self.store)).await.expect("a connection")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_d1_and_b4_nothing_acknowledged_is_lost_when_postgresql_is_killed_and_the_server_goes_on_by_itself() {
    let Some(office) = Office::new().await else { return };
    let server = office.serve().await;
    let admin = office.folder.token(TENANT, "admin", "rita", &[]).await;
    let mut board = BoardWatcher::open(&server.url(), &admin, Teams::All).await.expect("a board");
    board.board_mut().hide_types([PROTECTED]);
    let mut random = Random::of(41);
    let progress = Arc::new(Progress::default());
    let enough = CancellationToken::new();
    let mut working = JoinSet::new();
    for n in 0..AGENTS {
        let token = office.folder.token(TENANT, "agent", &agent(n), &[]).await;
        let worker = Worker::new(agent(n), token, random.draw()).come_back(server.url()).await;
        working.spawn(worker.persist(Arc::clone(&progress), enough.clone()));
    }
    let kills = (cycles() / KILLS_SHARE).max(2);
    let mut last = Seen::of(&progress);
    for kill in 0..kills {
        last = look_on(&mut board, &progress, |now| now.acknowledged >= last.acknowledged + ACKNOWLEDGED_MIN).await;
        office.postgres.kill();
        last = look_on(&mut board, &progress, |now| now.put_off > last.put_off).await;
        let ready = server.get("/healthz", &admin).await;
        assert_eq!(ready.status, 200, "kill {kill}: it answers while the store is away");
        office.postgres.launch();
    }
    look_on(&mut board, &progress, |now| now.acknowledged >= last.acknowledged + ACKNOWLEDGED_MIN).await;
    enough.cancel();
    let workers = timeout(PATIENCE, working.join_all()).await.expect("workers end when it is enough");

    let truth = truth(&server, &admin).await;
    let shown = board.until(CONVERGED_WITHIN, |board| board.is_whole() && *board.table() == truth).await;
    assert!(shown.is_ok(), "{shown:?}: {:?} instead of {truth:?}", board.board().table());
    assert_eq!(board.board().violations(), []);
    let ready: Answer = server.get("/readyz", &admin).await;
    assert_eq!(ready.status, 200, "{ready:?}\n{}", server.log());
    // The server too, and the next one has the database at once.
    server.kill().await;
    let status = office.serve().await.terminate(PATIENCE).await;
    assert!(status.success(), "{status}");

    let journal = journal::read_postgres(url_of(&office.store)).await;
    let account = together(&workers);
    assert_none(&account.faults);
    assert_none(&checks::lost_or_doubled(&account.acknowledged, &journal));
    assert_none(&checks::invented_or_doubled(&account.sent, &journal));
    assert_none(&checks::gaps(&journal));
    assert_none(&checks::broken_pauses(&journal));
    let starts = journal.iter().filter(|entry| entry.kind == "server.started").count();
    assert_eq!(starts, 2, "the server was not started again while PostgreSQL was killed");
    office.verify().await;
    println!(
        "PostgreSQL killed {kills} times, {} acknowledged, {} entries, {} put off and sent again",
        account.acknowledged.len(),
        journal.len(),
        progress.put_off.load(Ordering::Relaxed)
    );
}

/// How far the workers are.
#[derive(Clone, Copy)]
struct Seen {
    acknowledged: u64,
    put_off: u64,
}

impl Seen {
    fn of(progress: &Progress) -> Seen {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Seen { acknowledged: read(&progress.acknowledged), put_off: read(&progress.put_off) }
    }
}

/// Looks at the board until the workers are far enough.
async fn look_on(board: &mut BoardWatcher, progress: &Progress, far_enough: impl Fn(Seen) -> bool) -> Seen {
    let looking = async {
        loop {
            let moved = progress.moved.notified();
            let now = Seen::of(progress);
            if far_enough(now) {
                return now;
            }
            tokio::select! {
                () = moved => {}
                seen = board.next() => drop(seen.expect("the board stays connected")),
            }
        }
    };
    timeout(PATIENCE, looking).await.expect("the workers get on")
}

async fn truth(server: &Server, admin: &str) -> BTreeMap<String, Row> {
    let mut truth = BTreeMap::new();
    for n in 0..AGENTS {
        let answer = server.get(&format!("/v1/agents/{}/state", agent(n)), admin).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        truth.insert(agent(n), serde_json::from_str(&answer.body).expect("a state is a row"));
    }
    truth
}

fn together(workers: &[Worker]) -> Account {
    let mut all = Account::default();
    for worker in workers {
        all.sent.extend(worker.account.sent.iter().cloned());
        all.acknowledged.extend(worker.account.acknowledged.iter().cloned());
        all.faults.extend(worker.account.faults.iter().cloned());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_are_given_one_database_never_write_beside_each_other() {
    let Some(office) = Office::new().await else { return };
    let token = office.folder.token(TENANT, "agent", &agent(0), &[]).await;
    let first = office.serve().await;
    let on_first = Client::connect(&first.url(), &token).await.expect("the first is ready");
    on_first.call("status.set", json!({ "status": "available" })).await.expect("the first writes");

    // The second is told who the first is.
    let words = ["serve", "--listen", "127.0.0.1:0", "--store", url_of(&office.store)];
    let refused = office.folder.run(&words).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains(&format!("is in use by process {} on ", first.pid())), "{refused:?}");
    assert!(!refused.err.contains('\n') || refused.err.trim().lines().count() == 1, "{refused:?}");

    // The first's lock breaks: whoever is quicker has the database.
    let mut hand = office.by_hand().await;
    let second = loop {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_all(&mut hand)
        .await
        .expect("locks end");
        if let Some(second) = office.folder.start_with(&["--store", url_of(&office.store)]).ready_or_ended().await {
            break second;
        }
    };
    let refused = on_first.call("pause.start", json!({ "type": "cafe" })).await;
    match refused {
        Err(CallError::Rpc(error)) => assert_eq!(error.word(), "unavailable", "{error}"),
        Err(CallError::Ended(_)) => {}
        other => panic!("the first still writes: {other:?}"),
    }
    let ready = first.get("/readyz", &token).await;
    assert_eq!(ready.status, 503, "{ready:?}");
    let on_second = Client::connect(&second.url(), &token).await.expect("the second is ready");
    on_second.call("pause.start", json!({ "type": "cafe" })).await.expect("the second writes");
    second.kill().await;
    first.kill().await;
    let journal = journal::read_postgres(url_of(&office.store)).await;
    assert_none(&checks::gaps(&journal));
    let started: BTreeSet<&str> =
        journal.iter().filter(|entry| entry.kind == "pause.started").filter_map(|entry| entry.pause()).collect();
    assert_eq!(started.len(), 1);
    office.verify().await;
}
