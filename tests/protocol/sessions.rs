//! Sessions: how they open, what they are told, how they end.

use std::sync::Arc;
use std::time::Duration;

use intervalo::auth::Role;
use intervalo::store::MemoryJournal;
use intervalo::store::memory::Fault;
use serde_json::json;

use crate::server::TestServer;

#[tokio::test]
async fn a_credential_on_the_upgrade_opens_the_session_at_once() {
    let server = TestServer::start().await;
    let token = server.token(Role::Agent, "ana", None);
    let bearer = format!("Bearer {token}");
    let mut client =
        server.connect(&[("authorization", &bearer), ("sec-websocket-protocol", "intervalo.v1")]).await.expect("open");
    assert_eq!(client.protocol.as_deref(), Some("intervalo.v1"));
    let state = client.ok("agent.get", json!({})).await;
    assert_eq!((&state["agent"], &state["connection"]), (&json!("ana"), &json!("connected")));
    let opened = client.ok("session.open", json!({"client": {"name": "test", "version": "1"}})).await;
    assert_eq!(opened["principal"]["kind"], "agent");
    assert_eq!(opened["principal"]["teams"], json!(["suporte"]));
    assert_eq!(opened["principal"]["zone"], "America/Sao_Paulo");
    assert_eq!(opened["agent"]["status"], "unavailable");
    assert_eq!(opened["ping_interval_ms"], 25_000);
    assert_eq!(opened["limits"]["message_bytes"], 65_536);
}

/// The store is away for a moment just as an agent comes: the next attempt on the same socket must not be taken
/// off with the first one.
#[tokio::test]
async fn a_session_that_is_put_off_is_open_when_it_asks_again() {
    let journal = Arc::new(MemoryJournal::new(1));
    let server = TestServer::over(Arc::clone(&journal)).await;
    let mut other = server.agent("bruno").await;
    journal.inject(Fault::Unavailable);
    let open = r#"{"jsonrpc":"2.0","id":"open","method":"session.open","params":{}}"#;
    let mut client = server.open_saying(&server.token(Role::Agent, "ana", None), open).await;
    let opened = client.receive().await.expect("a reply");
    assert_eq!((&opened["id"], &opened["result"]["agent"]["connection"]), (&json!("open"), &json!("connected")));
    // By now everything that the first attempt left behind has had its turn.
    for _ in 0..3 {
        other.ok("agent.get", json!({})).await;
        assert_eq!(client.ok("agent.get", json!({})).await["connection"], "connected");
    }
    client.ok("status.set", json!({"status": "available"})).await;
    assert_eq!(client.notification("agent.changed").await["cause"], "sign_in", "it is told of itself");
}

#[tokio::test]
async fn nothing_is_answered_before_the_session_is_open() {
    let server = TestServer::start().await;
    let mut client = server.connect(&[]).await.expect("a socket");
    assert_eq!(client.protocol, None);
    for method in ["agent.get", "session.ping", "board.subscribe", "no.such"] {
        let (number, code, _) = client.refused(method, json!({})).await;
        assert_eq!((number, code.as_str()), (-32001, "unauthenticated"), "{method}");
    }
    let (number, ..) = client.refused("session.open", json!({"token": "a.b.c"})).await;
    assert_eq!(number, -32001);
    let (number, ..) = client.refused("session.open", json!({"ticket": "t"})).await;
    assert_eq!(number, -32001);
    let (number, _, params) = client.refused("session.open", json!({"ticket": "t", "token": "a.b.c"})).await;
    assert_eq!((number, params), (-32602, json!({"field": "ticket"})));
    let token = server.token(Role::Agent, "ana", None);
    let opened = client.ok("session.open", json!({"token": token})).await;
    assert_eq!(opened["agent"]["connection"], "connected");
    let stranger = server.token(Role::Agent, "bruno", None);
    assert_eq!(client.refused("session.open", json!({"token": stranger})).await.0, -32002);
    assert!(client.ok("session.open", json!({"token": token})).await.is_object());
}

#[tokio::test]
async fn a_bad_credential_is_refused_before_the_upgrade_in_the_same_words() {
    let server = TestServer::start().await;
    let ended = server.token_for("acme", Role::Agent, "ana", None, Duration::ZERO);
    for credential in ["Bearer a.b.c", "Basic YTpi", "Bearer ", &format!("Bearer {ended}")] {
        assert_eq!(server.connect(&[("authorization", credential)]).await.err(), Some(401), "{credential}");
    }
    let nowhere = server.token_for("nowhere", Role::Admin, "root", None, Duration::from_secs(60));
    assert_eq!(server.connect(&[("authorization", &format!("Bearer {nowhere}"))]).await.err(), Some(403));
    let unknown = server.token(Role::Agent, "nobody", None);
    assert_eq!(server.connect(&[("authorization", &format!("Bearer {unknown}"))]).await.err(), Some(403));
    let mut client = server.connect(&[]).await.expect("a socket");
    let (number, code, _) = client.refused("session.open", json!({"token": unknown})).await;
    assert_eq!((number, code.as_str()), (-32003, "unknown_agent"));
}

#[tokio::test]
async fn promise_a6_a_foreign_origin_gets_403_before_the_upgrade() {
    let server = TestServer::start().await;
    let own = format!("http://{}", server.address);
    assert!(server.connect(&[("origin", &own)]).await.is_ok());
    assert_eq!(server.connect(&[("origin", "https://evil.example")]).await.err(), Some(403));
    assert_eq!(server.connect(&[("origin", "null")]).await.err(), Some(403));
    assert_eq!(server.connect(&[("sec-websocket-protocol", "graphql-ws")]).await.err(), Some(400));
    assert_eq!(server.connect_to("/v1/ws?token=abc", &[]).await.err(), Some(400));
}

#[tokio::test]
async fn a_socket_that_opens_no_session_is_closed_after_ten_seconds() {
    let server = TestServer::start().await;
    let mut client = server.connect(&[]).await.expect("a socket");
    let begun = server.clock.now();
    assert_eq!(client.closed().await, 4408);
    let waited = server.clock.now().since(begun);
    assert!((9_500..12_000).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn promise_a3_a_session_is_warned_and_ends_with_its_credential_unless_it_is_refreshed() {
    let server = TestServer::start().await;
    let short = |id| server.token_for("acme", Role::Agent, id, None, Duration::from_secs(3));
    let mut refreshed = server.open(&short("bruno")).await;
    let mut client = server.open(&short("ana")).await;
    assert!(client.notification("session.expiring").await["at"].is_string());
    let stranger = server.token(Role::Agent, "carla", None);
    assert_eq!(refreshed.refused("session.refresh", json!({"token": stranger})).await.0, -32002);
    assert_eq!(refreshed.refused("session.refresh", json!({"token": "x"})).await.0, -32001);
    let fresh = server.token(Role::Agent, "bruno", None);
    assert!(refreshed.ok("session.refresh", json!({"token": fresh})).await["expires_at"].is_string());
    assert_eq!(client.closed().await, 4401);
    assert!(refreshed.ok("session.ping", json!({})).await["version"].is_u64());
}

#[tokio::test]
async fn signing_out_says_what_it_led_to_and_closes() {
    let server = TestServer::start().await;
    let (mut one, mut two) = (server.agent("ana").await, server.agent("ana").await);
    assert_eq!(one.ok("session.sign_out", json!({})).await, json!({}));
    assert_eq!(one.closed().await, 1000);
    assert_eq!(two.ok("agent.get", json!({})).await["status"], "unavailable", "one of two sessions left");
    let mut three = server.agent("ana").await;
    assert_eq!(two.ok("session.sign_out", json!({"scope": "all"})).await, json!({}));
    assert_eq!(two.notification("agent.changed").await["status"], "offline");
    assert_eq!(two.closed().await, 1000);
    assert_eq!(three.notification("agent.changed").await["status"], "offline");
    assert_eq!(three.closed().await, 1000);
}

#[tokio::test]
async fn the_last_session_to_sign_out_signs_the_agent_out() {
    let server = TestServer::start().await;
    let mut board = server.supervisor(&["suporte"]).await;
    board.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let mut client = server.agent("ana").await;
    client.ok("session.sign_out", json!({})).await;
    assert_eq!(client.closed().await, 1000);
    loop {
        let frame = board.notification("board.changed").await;
        let rows = frame["result"]["agents"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["agent"] == "ana" && row["status"] == "offline" && row["cause"] == "sign_out") {
            break;
        }
    }
}

#[tokio::test]
async fn a_socket_without_presence_leaves_the_agent_as_it_is() {
    let server = TestServer::start().await;
    let mut client = server.connect(&[]).await.expect("a socket");
    let token = server.token(Role::Agent, "ana", None);
    let opened = client.ok("session.open", json!({"token": token, "presence": false})).await;
    assert_eq!(
        (&opened["agent"]["connection"], &opened["agent"]["status"]),
        (&json!("disconnected"), &json!("offline"))
    );
    client.ok("session.sign_out", json!({})).await;
    assert_eq!(client.closed().await, 1000);
}

#[tokio::test]
async fn promise_b5_a_server_that_stops_tells_clients_when_to_come_back() {
    let server = TestServer::start().await;
    let mut clients = vec![server.agent("ana").await, server.agent("bruno").await];
    clients.push(server.supervisor(&["suporte"]).await);
    let begun = server.clock.now();
    server.begin_stop();
    for client in &mut clients {
        let after = client.notification("server.draining").await["reconnect_after_ms"].as_u64().expect("a number");
        assert!((1_000..10_000).contains(&after));
        assert_eq!(client.closed().await, 1012);
    }
    let clock = std::sync::Arc::clone(&server.clock);
    server.stopped().await;
    assert!(clock.now().since(begun) < Duration::from_secs(10));
}
