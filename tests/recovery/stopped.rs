//! A server that is stopped for seconds (SIGSTOP) and goes on (SIGCONT): what fell due meanwhile
//! happens once.

use intervalo::clock::SystemClock;
use intervalo::domain::time::Timestamp;
use intervalo::ports::Clock;
use intervalo_loadtest::{BoardWatcher, Client, Teams};
use rustix::process::Signal;
use serde_json::json;

use crate::binary::{DataFolder, PATIENCE};
use crate::company::{MARKED_LIMIT_S, TENANT, agent, company};
use crate::journal;

/// How long after the last threshold the server is still stopped, in ms: later than a second is late.
const BEYOND_MS: i64 = 2_500;

/// What falls due of a pause of the type `marcada`, in seconds from its limit.
const THRESHOLDS: [(&str, i64); 4] =
    [("pause.warned", -1), ("pause.limit_reached", 0), ("pause.overran", 1), ("pause.escalated", 2)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_t5_after_a_stop_of_seconds_each_due_threshold_fires_once_and_nobody_is_gone() {
    let folder = DataFolder::with(&company(2, "60s")).await;
    let token = folder.token(TENANT, "agent", &agent(0), &[]).await;
    let other = folder.token(TENANT, "agent", &agent(1), &[]).await;
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    let server = folder.serve().await;
    let client = Client::connect(&server.url(), &token).await.expect("the server is ready");
    let bystander = Client::connect(&server.url(), &other).await.expect("the server is ready");
    bystander.call("status.set", json!({ "status": "available" })).await.expect("a status");
    let mut board = BoardWatcher::open(&server.url(), &admin, Teams::All).await.expect("a board");
    client.call("pause.start", json!({ "type": "marcada" })).await.expect("a pause");
    server.signal(Signal::STOP);
    let journal = journal::read(&folder.path()).await;
    let began = journal.iter().find(|entry| entry.kind == "pause.started").expect("it was acknowledged");
    assert!(journal.iter().all(|entry| entry.kind != "pause.warned"), "stopped before the first threshold");
    let limit_at = began.at + MARKED_LIMIT_S * 1000;
    let last_at = limit_at + THRESHOLDS.map(|(_, after_s)| after_s * 1000).into_iter().max().unwrap_or(0);
    SystemClock::start(Timestamp(0)).sleep_until(Timestamp(last_at + BEYOND_MS)).await;
    server.signal(Signal::CONT);

    let overrun = |board: &intervalo_loadtest::Board| {
        board.table().get(&agent(0)).and_then(|row| row.pause.as_ref()).is_some_and(|pause| pause.overrun)
    };
    board.until(PATIENCE, overrun).await.expect("the overrun is shown");
    // The sockets of before are still there, and what comes after the stop goes its usual way.
    client.call("pause.end", json!({})).await.expect("the pause can be ended");
    bystander.call("status.set", json!({ "status": "unavailable" })).await.expect("a status");
    assert_eq!(board.board().violations(), []);
    server.kill().await;
    let journal = journal::read(&folder.path()).await;
    for (kind, after_s) in THRESHOLDS {
        let found: Vec<_> = journal.iter().filter(|entry| entry.is(&agent(0), kind)).collect();
        assert_eq!(found.len(), 1, "{kind}: {found:?}");
        let due_at = limit_at + after_s * 1000;
        assert_eq!((found[0].due_at, found[0].detail("late")), (Some(due_at), &json!(true)), "{kind}");
        assert!(found[0].at >= last_at + BEYOND_MS, "{kind} came while the server was stopped");
    }
    for gone in ["agent.grace", "agent.connection_lost", "agent.signed_out"] {
        assert!(journal.iter().all(|entry| entry.kind != gone), "a stop of seconds is no lost connection: {gone}");
    }
    assert!(journal.iter().all(|entry| entry.kind != "clock.stepped"), "nor is it a step of the clock");
    let verified = folder.run(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
