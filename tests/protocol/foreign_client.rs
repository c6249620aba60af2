//! The client of the library jsonrpsee, unmodified: its calls, its subscriptions, its errors.

use std::time::Duration;

use intervalo::auth::Role;
use jsonrpsee::client_transport::ws::{HeaderValue, Url, WsTransportClientBuilder};
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::{Client, ClientBuilder, ClientT, Subscription, SubscriptionClientT, SubscriptionKind};
use jsonrpsee::core::params::{ArrayParams, BatchRequestBuilder, ObjectParams};
use serde_json::{Value, json};

use crate::server::TestServer;

/// Longer than anything that is waited for takes; only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of the library with a credential on its upgrade, so that its session is open at once.
async fn client(server: &TestServer, token: &str) -> Client {
    let mut transport = WsTransportClientBuilder::default();
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header");
    transport.headers.insert("authorization", bearer);
    let url = Url::parse(&format!("ws://{}/v1/ws", server.address)).expect("an address");
    let (sender, receiver) = transport.build(url).await.expect("a socket");
    ClientBuilder::new().request_timeout(PATIENCE).build_with_tokio(sender, receiver)
}

async fn supervisor(server: &TestServer) -> Client {
    client(server, &server.token(Role::Supervisor, "sofia", Some(&["suporte"]))).await
}

fn by_name(params: Value) -> ObjectParams {
    let mut named = ObjectParams::new();
    for (name, value) in params.as_object().expect("an object") {
        named.insert(name, value).expect("JSON");
    }
    named
}

async fn call(client: &Client, method: &str, params: Value) -> Value {
    client.request(method, by_name(params)).await.unwrap_or_else(|error| panic!("{method}: {error}"))
}

/// The number and the data of the error that a call ends with.
async fn refused(client: &Client, method: &str, params: Value) -> (i32, Value) {
    match client.request::<Value, _>(method, by_name(params)).await {
        Err(ClientError::Call(error)) => {
            let data = error.data().unwrap_or_else(|| panic!("{method}: no data in {error}"));
            (error.code(), serde_json::from_str(data.get()).expect("JSON"))
        }
        other => panic!("{method}: {other:?}"),
    }
}

async fn board(client: &Client, params: Value) -> Subscription<Value> {
    let subscribed = client.subscribe("board.subscribe", by_name(params), "board.unsubscribe").await;
    subscribed.expect("a board")
}

/// The next thing that a subscription gives.
async fn next(subscription: &mut Subscription<Value>) -> Value {
    let next = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("in time");
    next.expect("the subscription goes on").expect("JSON")
}

/// Reads frames until one shows the agent with this status, and gives it. No frame may be missing.
async fn shown(board: &mut Subscription<Value>, mut last_to: Value, agent: &str, status: &str) -> Value {
    loop {
        let frame = next(board).await;
        if frame["kind"] == "changes" {
            assert_eq!(frame["from"], last_to, "promise V2: dense");
        }
        last_to = frame["to"].clone();
        let rows = frame["agents"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["agent"] == agent && row["status"] == status) {
            return frame;
        }
    }
}

#[tokio::test]
async fn its_subscription_shows_a_board_from_the_snapshot_to_the_end() {
    let server = TestServer::start().await;
    let sofia = supervisor(&server).await;
    let mut suporte = board(&sofia, json!({"teams": ["suporte"]})).await;
    let snapshot = next(&mut suporte).await;
    assert_eq!((&snapshot["kind"], &snapshot["part"], &snapshot["parts"]), (&json!("snapshot"), &json!(0), &json!(1)));
    let agents: Vec<&Value> = snapshot["agents"].as_array().expect("rows").iter().map(|row| &row["agent"]).collect();
    assert_eq!(agents, [&json!("ana"), &json!("bruno")]);

    let ana = client(&server, &server.token(Role::Agent, "ana", None)).await;
    call(&ana, "status.set", json!({"status": "available"})).await;
    let available = shown(&mut suporte, snapshot["to"].clone(), "ana", "available").await;
    call(&ana, "pause.start", json!({"type": "almoco"})).await;
    let paused = shown(&mut suporte, available["to"].clone(), "ana", "paused").await;
    assert_eq!(paused["agents"][0]["pause"]["type"], "almoco");

    let SubscriptionKind::Subscription(id) = suporte.kind() else { panic!("{suporte:?}") };
    let id = serde_json::to_value(id).expect("JSON");
    suporte.unsubscribe().await.expect("ended");
    let (number, data) = refused(&sofia, "board.unsubscribe", json!({"subscription": id})).await;
    assert_eq!((number, &data["code"]), (-32004, &json!("not_found")), "the library has ended it by position");
    let mut again = board(&sofia, json!({"teams": ["suporte"]})).await;
    assert_eq!(next(&mut again).await["kind"], "snapshot");
}

#[tokio::test]
async fn two_of_its_subscriptions_on_one_socket_are_told_apart() {
    let server = TestServer::start().await;
    let root = client(&server, &server.token(Role::Admin, "root", None)).await;
    let mut suporte = board(&root, json!({"teams": ["suporte"]})).await;
    let mut vendas = board(&root, json!({"teams": ["vendas"]})).await;
    let (first, second) = (next(&mut suporte).await, next(&mut vendas).await);
    let carla = client(&server, &server.token(Role::Agent, "carla", None)).await;
    call(&carla, "status.set", json!({"status": "available"})).await;
    shown(&mut vendas, second["to"].clone(), "carla", "available").await;
    let ana = client(&server, &server.token(Role::Agent, "ana", None)).await;
    call(&ana, "status.set", json!({"status": "available"})).await;
    let seen = shown(&mut suporte, first["to"].clone(), "ana", "available").await;
    assert!(!seen.to_string().contains("carla"), "{seen}");
}

#[tokio::test]
async fn it_comes_back_with_a_cursor_and_is_told_what_it_missed() {
    let server = TestServer::start().await;
    let sofia = supervisor(&server).await;
    let snapshot = next(&mut board(&sofia, json!({"teams": ["suporte"]})).await).await;
    drop(sofia);
    let ana = client(&server, &server.token(Role::Agent, "ana", None)).await;
    call(&ana, "status.set", json!({"status": "available"})).await;
    let again = supervisor(&server).await;
    let mut resumed = board(&again, json!({"teams": ["suporte"], "cursor": snapshot["cursor"]})).await;
    let first = next(&mut resumed).await;
    assert_eq!((&first["kind"], &first["from"]), (&json!("changes"), &snapshot["to"]));
    if first["agents"].as_array().is_none_or(|rows| rows.iter().all(|row| row["status"] != "available")) {
        shown(&mut resumed, first["to"].clone(), "ana", "available").await;
    }
}

#[tokio::test]
async fn its_errors_carry_what_the_contract_says() {
    let server = TestServer::start().await;
    let sofia = supervisor(&server).await;
    let foreign =
        sofia.subscribe::<Value, _>("board.subscribe", by_name(json!({"teams": ["vendas"]})), "board.unsubscribe");
    match foreign.await {
        Err(ClientError::Call(error)) => assert_eq!(error.code(), -32002),
        other => panic!("{other:?}"),
    }
    let ana = client(&server, &server.token(Role::Agent, "ana", None)).await;
    let begun = call(&ana, "pause.start", json!({"type": "almoco"})).await;
    let pause = &begun["agent"]["pause"]["id"];
    let (number, data) = refused(&ana, "pause.start", json!({"type": "jantar"})).await;
    assert_eq!((number, &data["code"]), (-32003, &json!("unknown_type")));
    let (number, data) = refused(&ana, "pause.start", json!({"type": "cafe"})).await;
    assert_eq!(
        (number, data),
        (-32003, json!({"code": "already_paused", "params": {"pause": pause, "type": "almoco"}}))
    );
    let mut by_position = ArrayParams::new();
    by_position.insert("cafe").expect("JSON");
    match ana.request::<Value, _>("pause.start", by_position).await {
        Err(ClientError::Call(error)) => assert_eq!(error.code(), -32602, "parameters go by name"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn its_batches_and_method_notifications_work() {
    let server = TestServer::start().await;
    let ana = client(&server, &server.token(Role::Agent, "ana", None)).await;
    let mut changed = ana.subscribe_to_method::<Value>("agent.changed").await.expect("registered");
    let mut batch = BatchRequestBuilder::new();
    batch.insert("status.set", by_name(json!({"status": "available"}))).expect("JSON");
    batch.insert("agent.get", ArrayParams::new()).expect("JSON");
    batch.insert("pause.end", ArrayParams::new()).expect("JSON");
    let answers = ana.batch_request::<Value>(batch).await.expect("answers");
    assert_eq!((answers.num_successful_calls(), answers.num_failed_calls()), (2, 1));
    let answers: Vec<_> = answers.into_iter().collect();
    assert_eq!(answers[1].as_ref().expect("a state")["status"], "available");
    assert_eq!(answers[2].as_ref().expect_err("no pause is running").code(), -32003);
    while next(&mut changed).await["status"] != "available" {}
}
