//! Overrides and what is owed on the wire (semantics §3, §4): published, shown in the menu and on boards, used.

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::clock::SystemClock;
use intervalo::domain::schedule::local_day;
use intervalo::domain::time::{Timestamp, hours, minutes};
use intervalo::ports::Clock;
use intervalo::protocol::time::to_text;
use serde_json::{Value, json};

use crate::server::{Client, TestServer};

async fn admin(server: &TestServer) -> Client {
    server.open(&server.token(Role::Admin, "chefe", None)).await
}

/// Publishes the types in force with one more, or another in place of one, and what is owed.
async fn publish(server: &TestServer, kind: Value, owed: Option<Value>) -> Value {
    let mut chefe = admin(server).await;
    let policy = chefe.ok("policy.get", json!({})).await;
    let mut types = policy["types"].as_array().expect("a list").clone();
    types.retain(|other| other["code"] != kind["code"]);
    types.push(kind);
    let mut draft = json!({"types": types, "base_version": policy["version"]});
    if let Some(owed) = owed {
        draft["entitlement_rules"] = owed;
    }
    chefe.ok("policy.put_draft", draft).await;
    chefe.ok("policy.publish", json!({"at": "now", "reason": "acordo"})).await;
    chefe.ok("policy.get", json!({})).await
}

fn rest() -> Value {
    json!({"code": "descanso", "name": {"pt-BR": "Descanso"}, "class": "entitlement", "limit_s": 720, "cap": {"suporte": 1}})
}

fn owed() -> Value {
    json!([{"id": "n7", "type": "descanso", "planned_shift_over_s": 0, "count": 1, "min_s": 600,
            "window": {"after_start_s": 0, "before_end_s": 0}}])
}

async fn line(agent: &mut Client, code: &str) -> Value {
    let menu = agent.ok("pause.options", json!({})).await;
    menu.as_array().expect("a list").iter().find(|line| line["type"] == code).expect("on the menu").clone()
}

fn now() -> Timestamp {
    SystemClock::start(Timestamp(0)).now()
}

/// Plans a shift that began some hours ago and ends after a while.
async fn plan(server: &TestServer, agent: &str, ends_in: Duration) {
    let token = server.token(Role::Integration, "host", None);
    let bearer = format!("Bearer {token}");
    let end = now() + ends_in;
    let day = local_day(now(), chrono_tz::America::Sao_Paulo);
    let body = json!({"start": to_text(end.minus(hours(4))), "end": to_text(end)});
    let path = format!("/v1/agents/{agent}/shifts/{day}");
    let answer = server.http("PUT", &path, &[("authorization", &bearer)], &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// The alerts of the first frame that has such.
async fn alerts(board: &mut Client, is_it: impl Fn(&[Value]) -> bool) -> Value {
    let found = async {
        loop {
            let changed = board.notification("board.changed").await;
            if let Some(alerts) = changed["result"]["alerts"].as_array().filter(|alerts| is_it(alerts)) {
                return json!(alerts);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("such alerts")
}

fn at_risk(alerts: &[Value]) -> bool {
    alerts.len() == 1 && alerts[0]["kind"] == "at_risk"
}

#[tokio::test]
async fn what_is_owed_is_in_the_menu_on_the_boards_and_begins_whatever_the_caps_say() {
    let server = TestServer::start().await;
    let policy = publish(&server, rest(), Some(owed())).await;
    assert_eq!(policy["entitlement_rules"], owed());
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    plan(&server, "ana", hours(2)).await;
    let mut ana = server.agent("ana").await;
    let shown = line(&mut ana, "descanso").await;
    let entitlement = &shown["entitlement"];
    let expected = json!({
        "rule": "n7", "count": 1, "satisfied": 0, "owed": 1, "latest_start_at": entitlement["latest_start_at"],
        "at_risk": false, "estimated": false,
    });
    assert_eq!(*entitlement, expected);
    assert!(entitlement["latest_start_at"].is_string());

    // The day is shorter than was thought: nothing is left to wait for.
    plan(&server, "ana", minutes(20)).await;
    let told = alerts(&mut sofia, at_risk).await;
    let alert = &told[0];
    assert_eq!((&alert["agent"], &alert["team"]), (&json!("ana"), &json!("suporte")));
    let params = json!({"rule": "n7", "type": "descanso", "owed": 1, "latest_start_at": alert["params"]["latest_start_at"],
                        "estimated": false});
    assert_eq!(alert["params"], params);
    sofia.ok("alert.ack", json!({"alert": alert["id"]})).await;
    let seen = alerts(&mut sofia, |alerts| at_risk(alerts) && !alerts[0]["ack"].is_null()).await;
    assert_eq!((&seen[0]["id"], &seen[0]["ack"]["by"]["id"]), (&alert["id"], &json!("sofia")));
    assert_eq!(line(&mut ana, "descanso").await["entitlement"]["at_risk"], true);

    // Somebody of the team is away on it, and it begins all the same.
    let mut bruno = server.agent("bruno").await;
    let other = bruno.ok("pause.start", json!({"type": "descanso"})).await;
    let answer = ana.ok("pause.start", json!({"type": "descanso"})).await;
    assert_eq!((&other["outcome"], &answer["outcome"]), (&json!("started"), &json!("started")));
    assert_eq!(alerts(&mut sofia, <[Value]>::is_empty).await, json!([]), "what is taken is at risk no more");
    assert_eq!(line(&mut ana, "descanso").await["entitlement"]["owed"], 0);
}

#[tokio::test]
async fn what_is_at_risk_is_on_the_boards_after_a_restart() {
    let server = TestServer::start().await;
    publish(&server, rest(), Some(owed())).await;
    plan(&server, "ana", minutes(20)).await;
    let mut ana = server.agent("ana").await;
    // Whoever is on a pause is at work, connected or not.
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    let before = alerts(&mut sofia, at_risk).await;
    drop(ana);
    let server = server.restarted_after(Timestamp(0)).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    let after = alerts(&mut sofia, at_risk).await;
    assert_eq!((&after[0]["id"], &after[0]["since"]), (&before[0]["id"], &before[0]["since"]));
}

#[tokio::test]
async fn an_override_is_the_rule_of_whom_it_is_for_and_of_nobody_else() {
    let server = TestServer::start().await;
    let kind = json!({"code": "cha", "name": {"pt-BR": "Chá"}, "limit_s": 600, "quota_count": 1, "overrides": [
        {"agent": "ana", "limit_s": 1200, "quota_count": "none", "reason": "acordo"},
        {"team": "vendas", "limit_s": 300, "until": "2020-01-01", "reason": "há muito tempo"}
    ]});
    let policy = publish(&server, kind.clone(), None).await;
    let shown = policy["types"].as_array().unwrap().iter().find(|kind| kind["code"] == "cha").expect("there");
    assert_eq!(shown["overrides"], kind["overrides"]);
    let server = server.restarted_after(Timestamp(0)).await;
    let (mut ana, mut bia) = (server.agent("ana").await, server.agent("bruno").await);
    let (own, other) = (line(&mut ana, "cha").await, line(&mut bia, "cha").await);
    assert_eq!((&own["limit_ms"], own.get("of")), (&json!(1_200_000), None));
    assert_eq!((&other["limit_ms"], &other["of"]), (&json!(600_000), &json!(1)));
    let started = ana.ok("pause.start", json!({"type": "cha"})).await;
    let pause = &started["agent"]["pause"];
    let at = |field: &str| chrono::DateTime::parse_from_rfc3339(pause[field].as_str().expect("an instant")).unwrap();
    assert_eq!((at("limit_at") - at("started_at")).num_minutes(), 20);
}
