//! A server that is stopped for seconds (SIGSTOP) and goes on (SIGCONT): what fell due meanwhile
//! happens once.

use intervalo::clock::SystemClock;
use intervalo::domain::time::Timestamp;
use intervalo::ports::Clock;
use intervalo_loadtest::{BoardWatcher, Client, Teams};
use rustix::process::Signal;
use serde_json::json;

use crate::binary::{DataFolder, PATIENCE};
use crate::company::{SHORT_LIMIT_S, TENANT, agent, company};
use crate::journal;

/// How long after the limit the server is still stopped, in ms: later than a second is late.
const BEYOND_MS: i64 = 2_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_t5_after_a_stop_of_seconds_each_due_threshold_fires_once_and_nobody_is_gone() {
    let folder = DataFolder::with(&company(2, "60s")).await;
    let token = folder.token(TENANT, "agent", &agent(0), &[]).await;
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    let server = folder.serve().await;
    let client = Client::connect(&server.url(), &token).await.expect("the server is ready");
    let mut board = BoardWatcher::open(&server.url(), &admin, Teams::All).await.expect("a board");
    client.call("pause.start", json!({ "type": "curta" })).await.expect("a pause");
    server.signal(Signal::STOP);
    let journal = journal::read(&folder.path()).await;
    let began = journal.iter().find(|entry| entry.kind == "pause.started").expect("it was acknowledged");
    assert!(journal.iter().all(|entry| entry.kind != "pause.limit_reached"), "stopped within the limit");
    let limit_at = began.at + SHORT_LIMIT_S * 1000;
    SystemClock::start(Timestamp(0)).sleep_until(Timestamp(limit_at + BEYOND_MS)).await;
    server.signal(Signal::CONT);

    let overrun = |board: &intervalo_loadtest::Board| {
        board.table().get(&agent(0)).and_then(|row| row.pause.as_ref()).is_some_and(|pause| pause.overrun)
    };
    board.until(PATIENCE, overrun).await.expect("the overrun is shown");
    // The sockets of before are still there, and what comes after the stop goes its usual way.
    client.call("pause.end", json!({})).await.expect("the pause can be ended");
    assert_eq!(board.board().violations(), []);
    server.kill().await;
    let journal = journal::read(&folder.path()).await;
    for kind in ["pause.limit_reached", "pause.overran"] {
        let found: Vec<_> = journal.iter().filter(|entry| entry.is(&agent(0), kind)).collect();
        assert_eq!(found.len(), 1, "{kind}: {found:?}");
        assert_eq!((found[0].due_at, found[0].detail("late")), (Some(limit_at), &json!(true)), "{kind}");
    }
    let gone = journal.iter().filter(|entry| entry.is(&agent(0), "agent.grace")).count();
    assert_eq!(gone, 0, "a stop of seconds is no lost connection");
    let verified = folder.run(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
