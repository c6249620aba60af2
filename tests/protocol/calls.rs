//! Calls: what they answer, in which order, and how they are refused.

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::server::TestServer;

#[tokio::test]
async fn a_reply_precedes_the_notifications_that_it_causes() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    assert_eq!(client.notification("agent.changed").await["cause"], "sign_in");
    for (id, method, params) in [
        (1, "status.set", json!({"status": "available"})),
        (2, "pause.start", json!({"type": "almoco"})),
        (3, "pause.end", json!({})),
    ] {
        client.send(json!({"jsonrpc": "2.0", "id": 100 + id, "method": method, "params": params}).to_string()).await;
        let reply = client.receive().await.expect("open");
        assert_eq!(reply["id"], 100 + id, "{method}: {reply}");
        assert!(reply["result"].is_object(), "{method}: {reply}");
        let changed = client.receive().await.expect("open");
        assert_eq!(changed["method"], "agent.changed", "{method}: {changed}");
        let state = if id == 1 { &reply["result"] } else { &reply["result"]["agent"] };
        assert_eq!(changed["params"]["version"], state["version"], "promise C7: both speak of the same event");
        assert_eq!(changed["params"]["status"], state["status"]);
    }
}

#[tokio::test]
async fn a_pause_goes_from_the_menu_to_its_end() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let menu = client.ok("pause.options", json!({})).await;
    let types: Vec<&str> =
        menu.as_array().expect("a list").iter().map(|line| line["type"].as_str().expect("a code")).collect();
    assert_eq!(types, ["almoco", "cafe", "banheiro", "feedback", "ginastica", "descanso", "medico", "rodizio"]);
    assert_eq!(menu[0]["verdict"], json!({"outcome": "started", "also": []}));
    assert_eq!(menu[3]["verdict"]["code"], "not_startable_by");
    assert_eq!(menu[2]["class"], "protected");
    let begun = client.ok("pause.start", json!({"type": "almoco", "note": "já volto"})).await;
    assert_eq!(begun["outcome"], "started");
    assert_eq!(begun["agent"]["pause"]["type"], "almoco");
    assert_eq!(begun["agent"]["pause"]["note"], "já volto");
    let again = client.ok("pause.start", json!({"type": "almoco"})).await;
    assert_eq!(again["agent"]["version"], begun["agent"]["version"], "the same type again changes nothing");
    let (number, code, params) = client.refused("pause.start", json!({"type": "cafe"})).await;
    assert_eq!((number, code.as_str()), (-32003, "already_paused"));
    assert_eq!(params["pause"], begun["agent"]["pause"]["id"]);
    let changed = client.ok("pause.start", json!({"type": "cafe", "replaces": params["pause"]})).await;
    assert_eq!(changed["agent"]["pause"]["type"], "cafe");
    let ended = client.ok("pause.end", json!({"then": "unavailable"})).await;
    assert_eq!((&ended["agent"]["status"], ended["agent"].get("pause")), (&json!("unavailable"), None));
    assert_eq!(client.refused("pause.end", json!({})).await.1, "not_paused");
    assert_eq!(client.refused("pause.start", json!({"type": "siesta"})).await.1, "unknown_type");
}

#[tokio::test]
async fn the_limit_of_a_pause_is_told_as_it_nears_and_as_it_passes() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let begun = client.ok("pause.start", json!({"type": "cafe"})).await;
    let pause = &begun["agent"]["pause"];
    let warned = client.notification("pause.warned").await;
    assert_eq!(
        (&warned["pause"], &warned["type"], &warned["limit_at"]),
        (&pause["id"], &json!("cafe"), &pause["limit_at"])
    );
    let reached = client.notification("pause.limit_reached").await;
    assert_eq!((&reached["pause"], &reached["limit_at"]), (&pause["id"], &pause["limit_at"]));
    loop {
        let changed = client.notification("agent.changed").await;
        if changed["status"] == "unavailable" {
            assert_eq!((&changed["cause"], &changed["actor"]["kind"]), (&json!("limit"), &json!("system")));
            break;
        }
    }
}

#[tokio::test]
async fn a_stale_command_is_answered_with_the_fresh_state() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let version = client.ok("status.set", json!({"status": "available"})).await["version"].as_u64().expect("a number");
    let (number, code, params) =
        client.refused("status.set", json!({"status": "unavailable", "expected_version": version - 1})).await;
    assert_eq!((number, code.as_str()), (-32005, "version"));
    assert_eq!((&params["current"], &params["agent"]["status"]), (&json!(version), &json!("available")));
    client.ok("status.set", json!({"status": "unavailable", "expected_version": version})).await;
}

#[tokio::test]
async fn an_end_that_is_refused_says_when_it_is_worth_asking_again() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    ana.ok("pause.start", json!({"type": "descanso"})).await;
    let held = ana.call("pause.end", json!({})).await["error"]["data"].take();
    let owed = sofia.call("agent.end_pause", json!({"agent": "ana", "reason": "x"})).await["error"]["data"].take();
    assert_eq!((&held["code"], &owed["code"]), (&json!("held"), &json!("entitlement_minimum")));
    for data in [held, owed] {
        assert!(data["next_change_at"].is_string(), "{data}");
        assert_eq!(data["next_change_at"], data["params"]["until"]);
    }
    sofia.ok("agent.end_pause", json!({"agent": "ana", "reason": "x", "override": true})).await;
}

#[tokio::test]
async fn promise_d3_the_same_op_again_has_one_effect_and_one_outcome() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let op = "01890a5d-ac96-774b-bcce-b302099a8057";
    let first = client.ok("pause.start", json!({"type": "almoco", "op": op})).await;
    client.ok("pause.end", json!({})).await;
    let again = client.ok("pause.start", json!({"type": "almoco", "op": op})).await;
    assert_eq!(again["outcome"], first["outcome"]);
    assert_eq!(again["agent"].get("pause"), None, "a repeat begins nothing");
    let (number, code, _) = client.refused("pause.start", json!({"type": "cafe", "op": op})).await;
    assert_eq!((number, code.as_str()), (-32005, "op_reused"));
}

#[tokio::test]
async fn batches_run_in_order_and_notifications_are_not_answered() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": "a", "method": "status.set", "params": {"status": "available"}},
        {"jsonrpc": "2.0", "method": "pause.start", "params": {"type": "almoco"}},
        {"jsonrpc": "2.0", "id": "b", "method": "agent.get"},
        {"jsonrpc": "2.0", "id": "c", "method": "no.such"},
        7
    ]);
    assert_eq!(client.notification("agent.changed").await["cause"], "sign_in");
    client.send(batch.to_string()).await;
    let answers = client.receive().await.expect("open");
    let ids: Vec<&Value> = answers.as_array().expect("a list").iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!("a"), &json!("b"), &json!("c"), &Value::Null]);
    assert_eq!(answers[1]["result"]["status"], "paused");
    assert_eq!(answers[2]["error"]["code"], -32601);
    assert_eq!(answers[3]["error"]["code"], -32600);
    client.send(json!([{"jsonrpc": "2.0", "method": "session.ping"}]).to_string()).await;
    assert!(client.ok("session.ping", json!({})).await["server_time"].is_string());
}

#[tokio::test]
async fn supervisors_act_on_the_agents_of_their_teams_and_the_agent_sees_who_and_why() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    assert_eq!(ana.notification("agent.changed").await["cause"], "sign_in");
    let mut sofia = server.supervisor(&["suporte"]).await;
    let set = json!({"agent": "ana", "status": "available", "reason": "fila cheia"});
    let after = sofia.ok("agent.set_status", set).await;
    assert_eq!(after["agent"]["status"], "available");
    let told = ana.notification("agent.changed").await;
    assert_eq!(told["actor"], json!({"kind": "supervisor", "id": "sofia"}));
    assert_eq!(told["reason"], "fila cheia");
    let begun = sofia.ok("agent.start_pause", json!({"agent": "ana", "type": "feedback", "reason": "conversa"})).await;
    assert_eq!(begun["agent"]["pause"]["type"], "feedback");
    let ended = sofia.ok("agent.end_pause", json!({"agent": "ana", "reason": "fim"})).await;
    assert_eq!(ended["agent"]["status"], "unavailable");
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    let before = ana.ok("agent.get", json!({})).await;
    let extended = sofia.ok("pause.extend", json!({"agent": "ana", "by_ms": 60_000, "reason": "médico"})).await;
    assert!(extended["agent"]["pause"]["limit_at"].as_str() > before["pause"]["limit_at"].as_str());
    for agent in ["carla", "nobody"] {
        let (number, code, _) =
            sofia.refused("agent.set_status", json!({"agent": agent, "status": "available", "reason": "x"})).await;
        assert_eq!((number, code.as_str()), (-32002, "forbidden"), "{agent}");
    }
    sofia.ok("agent.sign_out", json!({"agent": "ana", "reason": "fim do turno"})).await;
    assert_eq!(ana.closed().await, 4403);
}

#[tokio::test]
async fn a_protected_pause_is_shown_to_the_agent_and_to_nobody_else() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let own = ana.ok("pause.start", json!({"type": "banheiro"})).await;
    assert_eq!(own["agent"]["pause"]["type"], "banheiro");
    let (_, code, params) = sofia
        .refused(
            "agent.set_status",
            json!({"agent": "ana", "status": "available", "reason": "x", "expected_version": 99}),
        )
        .await;
    assert_eq!(code, "version");
    assert_eq!(params["agent"]["status"], "unavailable");
    assert!(!params.to_string().contains("banheiro"));
    let token = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let seen = server.get(&token, "/v1/agents/ana/state").await;
    assert_eq!((seen.status, &seen.json()["status"]), (200, &json!("unavailable")));
    assert!(!seen.body.contains("banheiro") && !seen.body.contains("pause"), "{}", seen.body);
}

#[tokio::test]
async fn each_role_is_kept_to_its_methods() {
    let server = TestServer::start().await;
    for role in [Role::Auditor, Role::Operator, Role::Integration] {
        let mut client = server.open(&server.token(role, "p", None)).await;
        for method in ["agent.get", "pause.start", "board.subscribe"] {
            let (number, code, _) = client.refused(method, json!({})).await;
            assert_eq!((number, code.as_str()), (-32002, "forbidden"), "{role} {method}");
        }
    }
    let mut agent = server.agent("ana").await;
    assert_eq!(agent.refused("agent.set_status", json!({})).await.0, -32002);
    let mut admin = server.open(&server.token(Role::Admin, "root", None)).await;
    let mut host = server.open(&server.token(Role::Integration, "host", None)).await;
    let set = |on_behalf: bool| json!({"agent": "ana", "status": "available", "reason": "r", "on_behalf": on_behalf});
    assert_eq!(host.refused("agent.set_status", set(false)).await.0, -32002);
    assert_eq!(host.ok("agent.set_status", set(true)).await["agent"]["actor"]["kind"], "integration");
    assert_eq!(admin.ok("agent.set_status", set(false)).await["agent"]["status"], "available");
    let outsider = server.token_for("outra", Role::Admin, "root", None, std::time::Duration::from_secs(60));
    let mut outsider = server.open(&outsider).await;
    let (_, code, _) = outsider.refused("agent.set_status", set(false)).await;
    assert_eq!(code, "agent_offline", "the other tenant's agent of the same name is another");
}

#[tokio::test]
async fn the_menu_is_told_again_when_an_outcome_changes() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let menu = client.ok("pause.options", json!({"watch": true})).await;
    assert_eq!(menu[0]["verdict"]["outcome"], "started");
    client.ok("pause.start", json!({"type": "almoco"})).await;
    let changed = client.notification("options.changed").await;
    assert_eq!(changed[1]["verdict"]["code"], "already_paused");
    client.ok("pause.end", json!({})).await;
    let changed = client.notification("options.changed").await;
    assert_eq!(changed[1]["verdict"]["outcome"], "started");
}
