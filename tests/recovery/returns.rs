//! Single crashes and a graceful stop: who does not come back, limits that pass while the server is
//! down, and what clients are told when it stops.

use std::time::Duration;

use futures_util::SinkExt;
use intervalo::clock::SystemClock;
use intervalo::domain::time::Timestamp;
use intervalo::ports::Clock;
use intervalo_loadtest::{Board, BoardWatcher, Client, Ended, Teams, open_socket};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::binary::{DataFolder, PATIENCE};
use crate::checks;
use crate::company::{SHORT_LIMIT_S, TENANT, agent, company};
use crate::journal;
use crate::worker::{Farewell, Worker};

/// How long a graceful stop may take (promise B5).
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// The grace of those tests that wait for its end, in seconds.
const GRACE_S: i64 = 1;
/// What the client sends that never reads an answer.
const SUBSCRIBE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"board.subscribe","params":{"teams":"all"}}"#;
/// How many agents work while the server is asked to stop.
const WORKERS: usize = 6;
/// How many acknowledgements come before it.
const ACKNOWLEDGED_BEFORE_STOP: usize = 100;

async fn call(client: &Client, method: &str, params: Value) -> Value {
    client.call(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
}

#[track_caller]
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_c8_who_does_not_come_back_after_a_crash_is_given_up_within_the_grace() {
    let folder = DataFolder::with(&company(3, &format!("{GRACE_S}s"))).await;
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    let mut tokens = Vec::new();
    for n in 0..3 {
        tokens.push(folder.token(TENANT, "agent", &agent(n), &[]).await);
    }
    // Agent 0 is available, agent 1 in a pause, agent 2 goes while the server is up.
    let server = folder.serve().await;
    let mut clients = Vec::new();
    for token in &tokens {
        clients.push(Client::connect(&server.url(), token).await.expect("the server is ready"));
    }
    let mut board = BoardWatcher::open(&server.url(), &admin, Teams::All).await.expect("a board");
    call(&clients[0], "status.set", json!({ "status": "available" })).await;
    let paused = call(&clients[1], "pause.start", json!({ "type": "cafe" })).await["agent"].clone();
    call(&clients[2], "status.set", json!({ "status": "available" })).await;
    let shows = |n: usize, connection: &'static str, status: &'static str| {
        move |board: &Board| {
            board.table().get(&agent(n)).is_some_and(|row| row.connection == connection && row.status == status)
        }
    };
    for (n, status) in [(0, "available"), (1, "paused"), (2, "available")] {
        board.until(PATIENCE, shows(n, "connected", status)).await.expect("everybody is there");
    }
    drop(clients.pop());
    board.until(PATIENCE, shows(2, "disconnected", "offline")).await.expect("who goes is given up");
    server.kill().await;

    let server = folder.serve().await;
    board.resume(&server.url(), &admin).await.expect("a board may come back");
    for (n, status) in [(0, "offline"), (1, "paused"), (2, "offline")] {
        board.until(PATIENCE, shows(n, "disconnected", status)).await.expect("who does not come back is given up");
        assert_eq!(board.board().table()[&agent(n)].cause, if n == 1 { "agent" } else { "connection_lost" });
    }
    let away = board.board().table()[&agent(1)].pause.clone().expect("a pause goes on without a socket");
    assert_eq!(json!([away.id, away.started_at]), json!([paused["pause"]["id"], paused["pause"]["started_at"]]));

    let back = Client::connect(&server.url(), &tokens[1]).await.expect("the server is ready");
    let state = call(&back, "agent.get", json!({})).await;
    assert_eq!((&state["pause"], &state["since"]), (&paused["pause"], &paused["since"]), "coming back changed a pause");
    let back = Client::connect(&server.url(), &tokens[0]).await.expect("the server is ready");
    let state = call(&back, "agent.get", json!({})).await;
    assert_eq!((&state["status"], &state["cause"]), (&json!("available"), &json!("resumed")));
    assert_eq!(board.board().violations(), []);
    drop(back);
    server.kill().await;

    let journal = journal::read(&folder.path()).await;
    assert_none(&checks::given_up_late(&journal, GRACE_S * 1000));
    let given_up = journal.iter().filter(|entry| entry.kind == "agent.connection_lost").count();
    assert!(given_up >= 3, "{given_up} were given up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_t1_a_limit_that_passed_while_the_server_was_down_is_on_record_before_the_first_answer() {
    let folder = DataFolder::with(&company(1, "60s")).await;
    let token = folder.token(TENANT, "agent", &agent(0), &[]).await;
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    let server = folder.serve().await;
    let client = Client::connect(&server.url(), &token).await.expect("the server is ready");
    let started = call(&client, "pause.start", json!({ "type": "curta" })).await["agent"].clone();
    server.kill().await;

    let journal = journal::read(&folder.path()).await;
    let began = journal.iter().find(|entry| entry.kind == "pause.started").expect("it was acknowledged");
    assert!(journal.iter().all(|entry| entry.kind != "pause.limit_reached"), "killed within the limit");
    let limit_at = began.at + SHORT_LIMIT_S * 1000;
    // Over a second later than due is late.
    SystemClock::start(Timestamp(0)).sleep_until(Timestamp(limit_at + 1_500)).await;

    let server = folder.serve().await;
    let mut board = BoardWatcher::open(&server.url(), &admin, Teams::All).await.expect("a board");
    board.next().await.expect("the first frame");
    let row = board.board().table()[&agent(0)].clone();
    assert!(row.pause.is_some_and(|pause| pause.overrun), "the first row shown is over the limit");
    let client = Client::connect(&server.url(), &token).await.expect("the server is ready");
    let opened = call(&client, "session.open", json!({})).await;
    let pause = &opened["agent"]["pause"];
    assert_eq!(pause["overrun"], true, "{opened}");
    for field in ["id", "started_at", "limit_at"] {
        assert_eq!(pause[field], started["pause"][field], "{field}");
    }
    server.kill().await;
    let journal = journal::read(&folder.path()).await;
    assert_none(&checks::limit_not_on_record(&journal, &agent(0), limit_at));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_b5_a_graceful_stop_tells_everybody_and_loses_nothing() {
    let folder = DataFolder::with(&company(WORKERS, "60s")).await;
    let admin = folder.token(TENANT, "admin", "rita", &[]).await;
    let server = folder.serve().await;
    let mut workers = Vec::new();
    for n in 0..WORKERS {
        let token = folder.token(TENANT, "agent", &agent(n), &[]).await;
        workers.push(Worker::new(agent(n), token, n as u64).come_back(server.url()).await);
    }
    // Clients that hold nobody up: one never reads, one never finishes its request.
    let mut deaf = open_socket(&server.url(), Some(&admin)).await.expect("the server is ready");
    deaf.send(Message::text(SUBSCRIBE)).await.expect("a frame");
    let mut dawdler = TcpStream::connect(server.address).await.expect("the server is ready");
    dawdler.write_all(b"GET /readyz HTTP/1.1\r\n").await.expect("a line");
    let mut board = Client::connect(&server.url(), &admin).await.expect("the server is ready");
    call(&board, "board.subscribe", json!({ "teams": "all" })).await;
    let (acknowledgements, mut acknowledged) = mpsc::channel(WORKERS);
    let mut working = JoinSet::new();
    for worker in workers {
        working.spawn(worker.work(acknowledgements.clone()));
    }
    drop(acknowledgements);
    for n in 0..ACKNOWLEDGED_BEFORE_STOP {
        assert!(acknowledged.recv().await.is_some(), "everybody stopped after {n} acknowledgements:\n{}", server.log());
    }
    // Whoever counts no more must not hold the agents up while the server drains.
    drop(acknowledged);
    let log = server.log();
    let status = server.terminate(STOPPED_WITHIN).await;
    assert_eq!(status.code(), Some(0), "{log}");
    drop((deaf, dawdler));

    let mut workers = timeout(PATIENCE, working.join_all()).await.expect("connections end with the server");
    let mut farewells: Vec<Farewell> = workers.iter().flat_map(|worker| worker.account.farewells.clone()).collect();
    let draining = board.notification_of("server.draining", PATIENCE).await.map(|notification| notification.params);
    farewells.push(Farewell { draining, ended: board.wait_ended().await });
    assert_eq!(farewells.len(), WORKERS + 1);
    for farewell in &farewells {
        let told = farewell.draining.as_ref().and_then(|params| params["reconnect_after_ms"].as_u64());
        assert!(told.is_some(), "not told when to come back: {farewell:?}");
        assert!(matches!(farewell.ended, Ended::Closed { code: 1012, .. }), "{farewell:?}");
    }
    let check = async |workers: &[Worker]| {
        let journal = journal::read(&folder.path()).await;
        for worker in workers {
            assert_none(&worker.account.faults);
            assert_none(&checks::lost_or_doubled(&worker.account.acknowledged, &journal));
            assert_none(&checks::altered_returns(&worker.account.returns));
            assert_none(&checks::unequal_repeats(&worker.account.repeats));
        }
        let verified = folder.run(&["verify"]).await;
        assert_eq!(verified.code, Some(0), "{verified:?}");
    };
    check(&workers).await;

    let server = folder.serve().await;
    let mut coming = JoinSet::new();
    for worker in workers.drain(..) {
        coming.spawn(worker.come_back(server.url()));
    }
    let workers = coming.join_all().await;
    server.kill().await;
    check(&workers).await;
}
