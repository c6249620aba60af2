//! The limits, met over real sockets (fault table of the promises).

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::clock::SystemClock;
use intervalo::domain::time::Timestamp;
use intervalo::ports::Clock;
use intervalo::transport::{PingTimes, Rate, Settings};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::server::TestServer;

#[tokio::test]
async fn bad_messages_close_with_their_code() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    client.send_message(Message::Binary("{}".into())).await;
    assert_eq!(client.closed().await, 1003);
    let mut client = server.agent("ana").await;
    client.send("x".repeat(64 * 1024 + 1)).await;
    assert_eq!(client.closed().await, 1009);
    let mut client = server.agent("ana").await;
    for _ in 0..100 {
        client.send_message(Message::Ping(Default::default())).await;
    }
    assert_eq!(client.closed().await, 1008);
    let mut client = server.agent("ana").await;
    assert!(client.ok("session.ping", json!({})).await.is_object(), "others are not touched by it");
}

#[tokio::test]
async fn twenty_malformed_messages_in_a_row_are_answered_and_then_the_socket_is_closed() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    assert_eq!(client.notification("agent.changed").await["cause"], "sign_in");
    for _ in 0..19 {
        client.send("{").await;
        assert_eq!(client.receive().await.expect("open")["error"]["code"], -32700);
    }
    client.ok("session.ping", json!({})).await;
    let faults = ["{", "[]", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no.such\"}", "{\"a\":NaN}", "7"];
    for n in 0..20 {
        client.send(faults[n % faults.len()]).await;
        assert!(client.receive().await.expect("open")["error"].is_object(), "fault {n}");
    }
    assert_eq!(client.closed().await, 1008);
}

#[tokio::test]
async fn a_flood_of_calls_is_told_to_wait_but_pings_and_protected_pauses_are_not() {
    let rate = Rate { per_second: 1, burst: 5 };
    let server = TestServer::with(Settings { rate, ..Settings::default() }).await;
    let mut client = server.agent("ana").await;
    let mut refused = None;
    for _ in 0..6 {
        let answer = client.call("agent.get", json!({})).await;
        if answer.get("error").is_some() {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("the sixth is one too many");
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["data"]["code"]),
        (&json!(-32006), &json!("rate_limited"))
    );
    let wait = refused["error"]["data"]["params"]["retry_after_ms"].as_u64().expect("a number");
    assert!((1..=1000).contains(&wait));
    for _ in 0..10 {
        client.ok("session.ping", json!({})).await;
    }
    client.ok("pause.start", json!({"type": "banheiro"})).await;
    client.ok("pause.end", json!({})).await;
    assert_eq!(client.refused("pause.end", json!({})).await.0, -32006);
    let mut other = server.agent("bruno").await;
    assert!(other.ok("agent.get", json!({})).await.is_object(), "a principal's flood is its own");
    let token = server.token(Role::Agent, "ana", None);
    let over_http = server.rpc(&token, &json!({"jsonrpc": "2.0", "id": 1, "method": "agent.get"})).await;
    assert_eq!(over_http.json()["error"]["code"], -32006, "the rate is the principal's, whatever the door");
}

#[tokio::test]
async fn a_flood_of_protected_pauses_is_held_up_and_never_refused() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let mut held_up = false;
    for _ in 0..1000 {
        let mut call = Box::pin(client.call("pause.start", json!({"type": "banheiro"})));
        let at_once = tokio::time::timeout(Duration::from_millis(100), &mut call).await;
        held_up = at_once.is_err();
        let answer = match at_once {
            Ok(answer) => answer,
            Err(_) => call.await,
        };
        assert!(answer.get("error").is_none(), "{answer}");
        if held_up {
            break;
        }
    }
    assert!(held_up, "nothing holds it up");
    assert!(client.ok("agent.get", json!({})).await.is_object(), "the rate of everything else is untouched");
}

#[tokio::test]
async fn promise_c8_who_falls_silent_behind_calls_that_are_held_up_is_not_taken_for_there() {
    let ping = PingTimes { every: Duration::from_millis(300), answered_within: Duration::from_millis(300) };
    let server = TestServer::with(Settings { ping, ..Settings::default() }).await;
    let mut client = server.agent("ana").await;
    client.ok("agent.get", json!({})).await;
    // For minutes, at the rate at which such starts are let in; and then neither a word nor an answer to a ping.
    let start = json!({"jsonrpc": "2.0", "method": "pause.start", "params": {"type": "banheiro"}}).to_string();
    for _ in 0..1000 {
        client.send(start.clone()).await;
    }
    let supervisor = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let asked = async {
        loop {
            let state = server.get(&supervisor, "/v1/agents/ana/state").await.json();
            match state["connection"].as_str().expect("a state") {
                "connected" => {}
                other => break assert_eq!(other, "grace"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the agent to be in grace");
    drop(client);
}

#[tokio::test]
async fn a_flood_of_session_pings_ends_the_socket() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "session.ping"});
    let sixteen = serde_json::Value::from(vec![ping; 16]).to_string();
    for _ in 0..40 {
        client.send(sixteen.clone()).await;
    }
    assert_eq!(client.closed().await, 1008);
    let mut client = server.agent("ana").await;
    for _ in 0..50 {
        client.ok("session.ping", json!({})).await;
    }
}

#[tokio::test]
async fn calls_in_vain_are_read_slowly_while_what_a_socket_is_told_is_told() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let clock = SystemClock::start(Timestamp(0));
    let begun = clock.now();
    let (free, more) = (16, 3);
    for _ in 0..free + more {
        client.send("{").await;
    }
    // Done by another socket while this one is not read.
    let mut other = server.agent("ana").await;
    other.ok("status.set", json!({"status": "unavailable"})).await;
    while client.notification("agent.changed").await["status"] != "unavailable" {}
    client.send(json!({"jsonrpc": "2.0", "id": "last", "method": "session.ping"}).to_string()).await;
    loop {
        let answer = client.receive().await.expect("open");
        if answer["id"] == "last" {
            break;
        }
        assert_eq!(answer["error"]["code"], -32700);
    }
    let paused = Duration::from_millis(200 * more);
    let took = clock.now().since(begun);
    assert!(took >= paused, "{took:?}");
}

#[tokio::test]
async fn who_is_struck_out_time_and_again_is_let_in_once_in_ten_seconds() {
    let server = TestServer::start().await;
    let token = server.token(Role::Agent, "ana", None);
    let bearer = format!("Bearer {token}");
    for _ in 0..5 {
        let mut client = server.connect(&[("authorization", &bearer)]).await.expect("a socket");
        client.send_message(Message::Binary("{}".into())).await;
        assert_eq!(client.closed().await, 1003);
    }
    let (status, wait) =
        server.knock("/v1/ws", &[("authorization", &bearer)]).await.err().expect("the sixth is kept out");
    assert_eq!(status, 429);
    assert!(wait.is_some_and(|seconds| (1..=10).contains(&seconds)), "{wait:?}");
    let mut open = server.connect(&[]).await.expect("a socket without a credential");
    let (code, word, _) = open.refused("session.open", json!({"token": token})).await;
    assert_eq!((code, word.as_str()), (-32006, "rate_limited"), "whatever the door");
    let ticket = server.http("POST", "/v1/tickets", &[("authorization", &bearer)], "").await;
    assert_eq!(
        ticket.problem(),
        (429, "rate_limited".to_owned()),
        "no ticket is handed out that would be used up in vain"
    );
    let over_http = server.rpc(&token, &json!({"jsonrpc": "2.0", "id": 1, "method": "agent.get"})).await;
    assert!(over_http.json()["result"].is_object(), "it is sockets that are kept out");
    let mut other = server.agent("bruno").await;
    other.ok("agent.get", json!({})).await;
}

#[tokio::test]
async fn a_principal_has_so_many_sessions_and_no_more() {
    let server = TestServer::with(Settings { sessions_per_principal_max: 2, ..Settings::default() }).await;
    let token = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let (_one, two) = (server.open(&token).await, server.open(&token).await);
    let bearer = format!("Bearer {token}");
    let mut three = server.connect(&[("authorization", &bearer)]).await.expect("a socket");
    assert_eq!(three.closed().await, 4429);
    two.vanish();
    loop {
        // The place is free as soon as the server has seen the other go.
        let mut again = server.connect(&[("authorization", &bearer)]).await.expect("a socket");
        again.send(json!({"jsonrpc": "2.0", "id": 1, "method": "session.ping"}).to_string()).await;
        if again.receive().await.is_ok() {
            break;
        }
    }
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_no_more() {
    let server = TestServer::with(Settings { connections_per_address_max: 2, ..Settings::default() }).await;
    let _held = (server.agent("ana").await, server.agent("bruno").await);
    let refused = server.http("GET", "/healthz", &[], "").await;
    assert_eq!(refused.status, 429);
}

#[tokio::test]
async fn a_head_that_is_slow_large_or_long_is_refused() {
    let server = TestServer::start().await;
    let headers: String = (0..70).map(|n| format!("x-{n}: y\r\n")).collect();
    let many = server.raw(format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await;
    assert_eq!(many.status, 431);
    let large = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(20 * 1024));
    assert_eq!(server.raw(large.as_bytes()).await.status, 431);
    let begun = server.clock.now();
    let mut slow = TcpStream::connect(server.address).await.expect("connected");
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.expect("written");
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(8), slow.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "a head that does not end is cut");
    assert!(server.clock.now().since(begun) >= Duration::from_secs(4));
}

#[tokio::test]
async fn a_handshake_of_http_1_0_is_told_to_upgrade_first() {
    let server = TestServer::start().await;
    let head = "GET /v1/ws HTTP/1.0\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert_eq!(server.raw(head.as_bytes()).await.problem(), (426, "upgrade_required".to_owned()));
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_waited_for() {
    let server = TestServer::start().await;
    let token = server.token(Role::Admin, "root", None);
    let begun = server.clock.now();
    let head = format!(
        "POST /v1/rpc HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 10737418240\r\n\r\n"
    );
    assert_eq!(server.raw(head.as_bytes()).await.problem(), (413, "too_large".to_owned()));
    assert!(server.clock.now().since(begun) < Duration::from_secs(4), "its time for a body is five");
}

#[tokio::test]
async fn a_request_that_names_two_hosts_is_refused() {
    let server = TestServer::start().await;
    let head = "GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n";
    assert_eq!(server.raw(head.as_bytes()).await.problem(), (400, "invalid_request".to_owned()));
}
