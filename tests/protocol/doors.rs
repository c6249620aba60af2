//! Who is let in, and how many: addresses behind proxies, credentials that fail, everybody at once.

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::transport::{LowDisk, Rate, Settings};
use serde_json::json;

use crate::server::{Answer, TestServer};

/// What an upgrade is refused with.
async fn refused_upgrade(server: &TestServer, headers: &[(&str, &str)]) -> Answer {
    let mut text = format!(
        "GET /v1/ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        server.address
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    server.raw(format!("{text}\r\n").as_bytes()).await
}

async fn behind_a_proxy(settings: Settings) -> TestServer {
    let trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    TestServer::with(Settings { trusted_proxies, ..settings }).await
}

/// The status of a request with a credential that does not hold.
async fn failing(server: &TestServer, client: &str) -> Answer {
    let headers = [("authorization", "Bearer a.b.c"), ("x-forwarded-for", client)];
    server.http("GET", "/v1/agents/ana/state", &headers, "").await
}

#[tokio::test]
async fn sockets_that_a_trusted_proxy_carries_count_for_the_address_that_they_came_from() {
    let server = behind_a_proxy(Settings { connections_per_address_max: 1, ..Settings::default() }).await;
    let first = server.connect(&[("x-forwarded-for", "198.51.100.1")]).await.expect("a socket");
    let full = refused_upgrade(&server, &[("x-forwarded-for", "198.51.100.1")]).await;
    assert_eq!(full.problem(), (429, "too_many_connections".to_owned()));
    assert_eq!(full.headers["retry-after"], "5");
    let forged = refused_upgrade(&server, &[("x-forwarded-for", "203.0.113.1, 198.51.100.1")]).await;
    assert_eq!(forged.status, 429, "what a client writes itself does not count");
    let _other = server.connect(&[("forwarded", "for=198.51.100.2")]).await.expect("another address has its own");
    for _ in 0..3 {
        assert_eq!(server.http("GET", "/healthz", &[], "").await.status, 200, "the proxy's connections do not count");
    }
    first.vanish();
    let free = async { while server.connect(&[("x-forwarded-for", "198.51.100.1")]).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(4), free).await.expect("the place is free again");
}

#[tokio::test]
async fn without_trust_what_is_said_of_others_changes_nothing() {
    let server = TestServer::with(Settings { connections_per_address_max: 1, ..Settings::default() }).await;
    let _held = server.connect(&[("x-forwarded-for", "198.51.100.1")]).await.expect("a socket");
    let refused = server.http("GET", "/healthz", &[("x-forwarded-for", "198.51.100.2")], "").await;
    assert_eq!(refused.status, 429, "both are of one address");
}

#[tokio::test]
async fn an_address_whose_credentials_fail_is_told_to_wait_and_nobody_else_there_is() {
    let server = behind_a_proxy(Settings::default()).await;
    for n in 0..20 {
        assert_eq!(
            failing(&server, "198.51.100.1").await.problem(),
            (401, "unauthenticated".to_owned()),
            "failure {n}"
        );
    }
    let held_up = failing(&server, "198.51.100.1").await;
    assert_eq!(held_up.problem(), (429, "rate_limited".to_owned()));
    let wait = held_up.json()["params"]["retry_after_ms"].as_u64().expect("a time");
    assert!((1..=3_000).contains(&wait), "{wait}");
    assert!((1..=3).contains(&held_up.headers["retry-after"].parse::<u64>().expect("seconds")));
    let upgrade = [("x-forwarded-for", "198.51.100.1"), ("authorization", "Bearer a.b.c")];
    assert_eq!(server.connect(&upgrade).await.err(), Some(429), "whatever the path");
    let none = server.http("GET", "/v1/agents/ana/state", &[("x-forwarded-for", "198.51.100.1")], "").await;
    assert_eq!(none.status, 401, "to send no credential is no failure of one");

    let bearer = format!("Bearer {}", server.token(Role::Agent, "ana", None));
    let good = [("x-forwarded-for", "198.51.100.1"), ("authorization", bearer.as_str())];
    let mut colleague = server.connect(&good).await.expect("a good credential is let in from the same address");
    colleague.ok("agent.get", json!({})).await;
    assert_eq!(failing(&server, "198.51.100.2").await.status, 401, "another address has its own budget");
}

#[tokio::test]
async fn credentials_that_fail_on_a_socket_use_up_the_same_budget() {
    let server = TestServer::start().await;
    let mut client = server.connect(&[]).await.expect("a socket");
    for n in 0..20 {
        if n == 10 {
            // Twenty faults in a row would end a socket.
            client = server.connect(&[]).await.expect("a socket");
        }
        let (number, ..) = client.refused("session.open", json!({"token": "a.b.c"})).await;
        assert_eq!(number, -32001, "failure {n}");
    }
    let (number, code, params) = client.refused("session.open", json!({"token": "a.b.c"})).await;
    assert_eq!((number, code.as_str()), (-32006, "rate_limited"));
    assert!(params["retry_after_ms"].is_u64(), "{params}");
    let over_http = server.get("a.b.c", "/v1/agents/ana/state").await;
    assert_eq!(over_http.status, 429);
    let token = server.token(Role::Agent, "ana", None);
    assert!(client.ok("session.open", json!({"token": token})).await.is_object(), "the right one is let in");
}

#[tokio::test]
async fn more_upgrades_than_are_let_in_are_put_off_before_their_credential_is_looked_at() {
    let upgrades = Some(Rate { per_second: 1, burst: 2 });
    let server = TestServer::with(Settings { upgrades, ..Settings::default() }).await;
    let _let_in = (server.agent("ana").await, server.agent("bruno").await);
    let put_off = refused_upgrade(&server, &[("authorization", "Bearer a.b.c")]).await;
    assert_eq!(put_off.problem(), (503, "busy".to_owned()));
    let wait_ms = put_off.json()["params"]["retry_after_ms"].as_u64().expect("a time");
    assert!((1_000..10_000).contains(&wait_ms), "{wait_ms}");
    assert_eq!(put_off.headers["retry-after"], wait_ms.div_ceil(1000).to_string());
    let asked = server.get("a.b.c", "/v1/agents/ana/state").await;
    assert_eq!(asked.status, 401, "requests are not held up");
}

/// Three times as many as are let in at once, all at the same moment, each coming again when it is told to.
#[tokio::test]
async fn promise_b2_a_small_storm_is_let_in_by_those_who_wait_as_they_are_told() {
    const CLIENTS: usize = 60;
    let upgrades = Some(Rate { per_second: 20, burst: 20 });
    let server = TestServer::with(Settings { upgrades, ..Settings::default() }).await;
    let token = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let bearer = format!("Bearer {token}");
    let begun = server.clock.now();
    let mut put_off = 0;
    let mut waiting: Vec<_> = (0..CLIENTS).map(|_| begun).collect();
    let mut back = Vec::new();
    while let Some(at) = waiting.pop() {
        server.clock.sleep_until(at).await;
        match server.knock("/v1/ws", &[("authorization", &bearer)]).await {
            Ok(client) => back.push(client),
            Err((status, wait_s)) => {
                assert_eq!(status, 503);
                put_off += 1;
                waiting.push(server.clock.now() + Duration::from_secs(wait_s.expect("a time to wait")));
                waiting.sort_by_key(|at| std::cmp::Reverse(*at));
            }
        }
    }
    assert!(put_off > 0, "nobody was put off");
    assert_eq!(back.len(), CLIENTS);
    assert!(server.clock.now().since(begun) <= Duration::from_secs(30));
    for client in &mut back {
        client.ok("session.ping", json!({})).await;
    }
}

#[tokio::test]
async fn on_a_low_disk_what_begins_something_is_put_off_and_nothing_else() {
    let low_disk = LowDisk::default();
    let server = TestServer::with(Settings { low_disk: low_disk.clone(), ..Settings::default() }).await;
    let mut ana = server.agent("ana").await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    low_disk.set(true);
    ana.ok("pause.end", json!({})).await;
    let (number, code, params) = ana.refused("pause.start", json!({"type": "almoco"})).await;
    assert_eq!((number, code.as_str(), params), (-32007, "low_disk", json!({"retry_after_ms": 30_000})));
    ana.ok("pause.start", json!({"type": "banheiro"})).await;
    ana.ok("pause.end", json!({})).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let start = json!({"agent": "ana", "type": "almoco", "reason": "rest"});
    assert_eq!(sofia.refused("agent.start_pause", start).await.1, "low_disk");
    sofia.ok("agent.set_status", json!({"agent": "ana", "status": "unavailable", "reason": "lunch"})).await;
    let bearer = format!("Bearer {}", server.token(Role::Admin, "root", None));
    let put = server.http("PUT", "/v1/agents/zeca", &[("authorization", &bearer)], "{\"name\":\"Zeca\"}").await;
    assert_eq!(put.problem(), (503, "low_disk".to_owned()));
    assert_eq!(put.headers["retry-after"], "30");
    let left = server.http("DELETE", "/v1/agents/bruno", &[("authorization", &bearer)], "").await;
    assert_eq!(left.status, 204);
    low_disk.set(false);
    ana.ok("pause.start", json!({"type": "almoco"})).await;
}
