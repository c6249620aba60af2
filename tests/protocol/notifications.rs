//! Notifications that clients switch on and off by name, as the library rpc-websockets does.

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::server::{Client, TestServer};

/// All that comes up to the answer of a call, without the answer.
async fn told_up_to_a_call(client: &mut Client) -> Vec<Value> {
    client.send(json!({"jsonrpc": "2.0", "id": "now", "method": "session.ping"}).to_string()).await;
    let mut told = Vec::new();
    loop {
        let message = client.next_message().await;
        if message["id"] == "now" {
            return told;
        }
        told.push(message);
    }
}

#[tokio::test]
async fn every_name_is_answered_for_itself_and_any_role_may_ask() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let asked = json!(["agent.changed", "board.changed", "agent.vanished", ""]);
    let answered = json!({"agent.changed": "ok", "board.changed": "ok", "agent.vanished": "provided event invalid",
                          "": "provided event invalid"});
    for method in ["rpc.on", "rpc.off", "rpc.off", "rpc.on", "rpc.on"] {
        assert_eq!(ana.ok(method, asked.clone()).await, answered, "{method}");
    }
    assert_eq!(ana.ok("rpc.on", json!({"names": ["pause.warned"]})).await, json!({"pause.warned": "ok"}));
    assert_eq!(ana.ok("rpc.on", json!([])).await, json!({}));
    for bad in [json!({}), json!([7]), json!({"names": "pause.warned"}), json!({"names": [], "event": "x"})] {
        let (number, code, params) = ana.refused("rpc.on", bad.clone()).await;
        let field = if bad.get("event").is_some() { "event" } else { "names" };
        assert_eq!((number, code.as_str(), &params["field"]), (-32602, "invalid_params", &json!(field)), "{bad}");
    }
    let mut auditor = server.open(&server.token(Role::Auditor, "audit", None)).await;
    assert_eq!(auditor.ok("rpc.on", json!(["board.changed"])).await, json!({"board.changed": "ok"}));
}

#[tokio::test]
async fn a_socket_without_a_session_and_a_request_without_a_socket_switch_nothing() {
    let server = TestServer::start().await;
    let mut stranger = server.connect(&[]).await.expect("a socket");
    assert_eq!(stranger.refused("rpc.on", json!(["agent.changed"])).await.1, "unauthenticated");
    let token = server.token(Role::Agent, "ana", None);
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "rpc.off", "params": ["agent.changed"]});
    let answer = server.rpc(&token, &request).await.json();
    assert_eq!(answer["error"]["data"]["code"], "needs_socket");
}

#[tokio::test]
async fn an_agent_is_told_what_it_has_not_switched_off() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut other = server.agent("ana").await;
    ana.ok("rpc.off", json!(["agent.changed", "pause.warned"])).await;
    told_up_to_a_call(&mut ana).await;
    let begun = ana.ok("pause.start", json!({"type": "cafe"})).await;
    let first = ana.next_message().await;
    assert_eq!(
        (&first["method"], &first["params"]["pause"]),
        (&json!("pause.limit_reached"), &begun["agent"]["pause"]["id"])
    );
    for told in ["agent.changed", "pause.warned", "pause.limit_reached"] {
        assert!(other.notification(told).await.is_object(), "one socket's choice is its own");
    }
    ana.ok("rpc.on", json!(["agent.changed"])).await;
    ana.ok("status.set", json!({"status": "available"})).await;
    while ana.notification("agent.changed").await["status"] != "available" {}
}

#[tokio::test]
async fn a_board_that_was_switched_off_goes_on_where_it_was() {
    let server = TestServer::start().await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let mut last_to = sofia.notification("board.changed").await["result"]["to"].clone();
    assert_eq!(sofia.ok("rpc.off", json!(["board.changed"])).await, json!({"board.changed": "ok"}));
    told_up_to_a_call(&mut sofia).await;
    let mut ana = server.agent("ana").await;
    for status in ["available", "unavailable", "available"] {
        ana.ok("status.set", json!({"status": status})).await;
    }
    let is_available = |frame: &Value| {
        let rows = frame["result"]["agents"].as_array().cloned().unwrap_or_default();
        rows.iter().any(|row| row["agent"] == "ana" && row["status"] == "available")
    };
    // Another board of the same view has been sent all of it.
    let mut witness = server.supervisor(&["suporte"]).await;
    witness.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    while !is_available(&witness.notification("board.changed").await) {}
    assert_eq!(told_up_to_a_call(&mut sofia).await, Vec::<Value>::new());
    sofia.ok("rpc.on", json!(["board.changed"])).await;
    loop {
        let frame = sofia.notification("board.changed").await;
        assert_eq!((&frame["result"]["kind"], &frame["result"]["from"]), (&json!("changes"), &last_to), "no gap");
        last_to = frame["result"]["to"].clone();
        if is_available(&frame) {
            break;
        }
    }
}

#[tokio::test]
async fn a_watched_menu_that_was_switched_off_is_told_when_it_comes_back() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("pause.options", json!({"watch": true})).await;
    ana.ok("rpc.off", json!(["options.changed"])).await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    ana.ok("rpc.on", json!(["options.changed"])).await;
    assert_eq!(ana.notification("options.changed").await[1]["verdict"]["code"], "already_paused");
}

#[tokio::test]
async fn a_server_that_stops_closes_also_those_who_want_no_word_of_it() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("rpc.off", json!(["server.draining"])).await;
    told_up_to_a_call(&mut ana).await;
    server.begin_stop();
    assert_eq!(ana.receive().await, Err(1012));
    server.stopped().await;
}
