//! What one tenant may have of the server, and that another has its own.

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::transport::{Quotas, Rate, Settings};
use serde_json::json;

use crate::server::TestServer;

async fn with(quotas: Quotas) -> TestServer {
    TestServer::with(Settings { quotas, ..Settings::default() }).await
}

#[tokio::test]
async fn a_tenant_has_so_many_sessions_and_another_has_its_own() {
    let server = with(Quotas { sessions_max: Some(2), ..Quotas::default() }).await;
    let (ana, _bruno) = (server.agent("ana").await, server.agent("bruno").await);
    let admin = server.token(Role::Admin, "root", None);
    let mut one_more = server.connect(&[("authorization", &format!("Bearer {admin}"))]).await.expect("a socket");
    assert_eq!(one_more.closed().await, 4429);
    let mut asked = server.connect(&[]).await.expect("a socket");
    let (number, code, _) = asked.refused("session.open", json!({"token": admin})).await;
    assert_eq!((number, code.as_str()), (-32003, "too_many_sessions"));
    let other = server.token_for("outra", Role::Admin, "root", None, Duration::from_secs(60));
    server.open(&other).await;
    ana.vanish();
    loop {
        // The place is free as soon as the server has seen the other go.
        let mut again = server.connect(&[]).await.expect("a socket");
        if again.call("session.open", json!({"token": admin})).await.get("error").is_none() {
            break;
        }
    }
}

#[tokio::test]
async fn a_tenant_writes_so_often_and_reads_pings_and_protected_pauses_are_not_held_up() {
    let server = with(Quotas { commands: Some(Rate { per_second: 1, burst: 2 }), ..Quotas::default() }).await;
    let (mut ana, mut bruno) = (server.agent("ana").await, server.agent("bruno").await);
    ana.ok("status.set", json!({"status": "available"})).await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    let (number, code, params) = bruno.refused("status.set", json!({"status": "available"})).await;
    assert_eq!((number, code.as_str()), (-32006, "rate_limited"), "the rate is the tenant's");
    assert!((1..=1000).contains(&params["retry_after_ms"].as_u64().expect("a time")), "{params}");
    bruno.ok("agent.get", json!({})).await;
    bruno.ok("pause.options", json!({})).await;
    bruno.ok("session.ping", json!({})).await;
    bruno.ok("pause.start", json!({"type": "banheiro"})).await;
    bruno.ok("pause.end", json!({})).await;
    let put = json!({"name": "Zeca"}).to_string();
    let bearer = format!("Bearer {}", server.token(Role::Admin, "root", None));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let put = server.http("PUT", "/v1/agents/zeca", &[("authorization", &bearer)], &put).await;
        statuses.push(put.status);
    }
    assert!(statuses.contains(&429), "a change over HTTP counts too: {statuses:?}");
    let other = server.token_for("outra", Role::Agent, "ana", None, Duration::from_secs(60));
    let mut stranger = server.open(&other).await;
    stranger.ok("status.set", json!({"status": "available"})).await;
}

#[tokio::test]
async fn a_tenant_has_so_many_people_and_no_more() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin, "root", None);
    let people = server.get(&admin, "/v1/agents").await.json()["agents"].as_array().expect("a list").len();
    drop(server);
    let server = with(Quotas { agents_max: Some(people + 1), ..Quotas::default() }).await;
    let bearer = format!("Bearer {}", server.token(Role::Admin, "root", None));
    let put = async |id: &str, name: &str| {
        let body = json!({"name": name}).to_string();
        server.http("PUT", &format!("/v1/agents/{id}"), &[("authorization", &bearer)], &body).await
    };
    assert_eq!(put("zeca", "Zeca").await.status, 201);
    let refused = put("yara", "Yara").await;
    assert_eq!(refused.problem(), (409, "quota_exceeded".to_owned()));
    assert_eq!(refused.json()["params"], json!({"used": people + 1, "of": people + 1}));
    assert_eq!(put("zeca", "Zeca Lima").await.status, 200, "who is there may change");
    let left = server.http("DELETE", "/v1/agents/zeca", &[("authorization", &bearer)], "").await;
    assert_eq!(left.status, 204);
    assert_eq!(put("yara", "Yara").await.status, 201, "somebody has left");
    assert_eq!(
        put("zeca", "Zeca Lima").await.problem().1,
        "quota_exceeded",
        "and cannot come back before another goes"
    );
}
