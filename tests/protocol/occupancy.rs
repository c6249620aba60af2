//! What routers say and ask (semantics §1, §4): occupancy in, routable out, and what waits for the end of work.

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::server::TestServer;

const ONE: &str = "/v1/agents/ana/occupancy";

async fn put(server: &TestServer, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let bearer = format!("Bearer {}", server.token(Role::Integration, "router", None));
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    let answer = server.http("PUT", path, &all, &body.to_string()).await;
    (answer.status, answer.json())
}

async fn ask(server: &TestServer, query: &str) -> Value {
    let token = server.token(Role::Integration, "router", None);
    let answer = server.get(&token, &format!("/v1/routable{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.json());
    answer.json()
}

#[tokio::test]
async fn a_report_makes_an_agent_busy_on_every_board() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    sofia.notification("board.changed").await;
    let report = json!({"source": "pbx", "seq": 1, "channels": {"voice": 1, "chat": 0}});
    let (status, answer) = put(&server, ONE, &[], &report).await;
    assert_eq!((status, &answer["agent"]["presence"]), (200, &json!("busy")));
    let changed = sofia.notification("board.changed").await;
    let row = &changed["result"]["agents"][0];
    assert_eq!(
        (&row["agent"], &row["presence"], &row["occupancy"]),
        (&json!("ana"), &json!("busy"), &json!({"voice": 1}))
    );
    assert_eq!((&row["status"], &row["routable"]), (&json!("available"), &json!(true)), "chats still fit in");
    assert_eq!(changed["result"]["counts"]["suporte"]["busy"], 1);
    // The agent's own page hears of it as well, and no version moves.
    let told = loop {
        let told = ana.notification("agent.changed").await;
        if told["presence"] == "busy" {
            break told;
        }
    };
    assert_eq!(told["version"], row["version"]);
    // What was overtaken changes nothing and is no failure: it may be a report that was sent again.
    let late = json!({"source": "pbx", "seq": 1, "channels": {}});
    let (status, answer) = put(&server, ONE, &[], &late).await;
    assert_eq!((status, &answer["agent"]["presence"]), (200, &json!("busy")));
    let after = json!({"source": "pbx", "seq": 2, "wrap_up": true});
    let (_, answer) = put(&server, ONE, &[], &after).await;
    assert_eq!((&answer["agent"]["presence"], &answer["agent"]["wrap_up"]), (&json!("wrap_up"), &json!(true)));
    assert_eq!(answer["agent"]["routable_reason"], "wrap_up");
}

#[tokio::test]
async fn a_pause_waits_for_the_end_of_a_call() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    put(&server, ONE, &[], &json!({"source": "pbx", "seq": 1, "channels": {"voice": 1}})).await;
    let menu = ana.ok("pause.options", json!({})).await;
    assert_eq!((&menu[0]["verdict"]["outcome"], &menu[0]["verdict"]["code"]), (&json!("pending"), &json!("occupied")));
    let waits = ana.ok("pause.start", json!({"type": "almoco", "note": "já volto"})).await;
    assert_eq!(waits["outcome"], "pending");
    let pending = &waits["agent"]["pending"];
    assert_eq!((&pending["type"], &pending["why"]), (&json!("almoco"), &json!("occupied")));
    assert!(pending["deadline_at"].is_string() && pending["since"].is_string(), "{pending}");
    assert_eq!(waits["agent"]["routable_reason"], "pending");
    let reason = ask(&server, "?agent=ana&channel=chat").await;
    assert_eq!(reason, json!({"routable": false, "reason": "pending", "agents": []}));
    put(&server, ONE, &[], &json!({"source": "pbx", "seq": 2, "channels": {}})).await;
    let state = ana.ok("agent.get", json!({})).await;
    assert_eq!((&state["pause"]["type"], &state["pause"]["note"]), (&json!("almoco"), &json!("já volto")));
    assert_eq!(state.get("pending"), None);
    // More work during it is an alert, and ends nothing.
    let mut sofia = server.supervisor(&["suporte"]).await;
    put(&server, ONE, &[], &json!({"source": "pbx", "seq": 3, "channels": {"voice": 1}})).await;
    sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    let first = sofia.notification("board.changed").await;
    let alert = &first["result"]["alerts"][0];
    assert_eq!((&alert["kind"], &alert["agent"]), (&json!("work_during_pause"), &json!("ana")));
    assert_eq!(alert["params"]["pause"], state["pause"]["id"]);
    // Who has seen it is shown to everybody.
    let mut vera = server.supervisor(&["vendas"]).await;
    assert_eq!(vera.refused("alert.ack", json!({"alert": alert["id"]})).await.1, "forbidden");
    assert_eq!(sofia.ok("alert.ack", json!({"alert": alert["id"]})).await, json!({}));
    let changed = sofia.notification("board.changed").await;
    let alert = &changed["result"]["alerts"][0];
    assert_eq!(alert["ack"]["by"], json!({"kind": "supervisor", "id": "sofia"}));
    assert!(alert["ack"]["at"].is_string());
    assert_eq!(sofia.refused("alert.ack", json!({"alert": "overrun"})).await.1, "invalid_params");
}

#[tokio::test]
async fn a_status_after_work_and_what_waits_given_up() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    put(&server, ONE, &[], &json!({"source": "pbx", "seq": 1, "channels": {"voice": 1}})).await;
    let waits = ana.ok("status.set", json!({"status": "unavailable", "when": "after_work"})).await;
    assert_eq!((&waits["status"], &waits["pending"]["status"]), (&json!("available"), &json!("unavailable")));
    let given_up = ana.ok("pause.cancel", json!({"what": "pending"})).await;
    assert_eq!(given_up["agent"].get("pending"), None);
    assert_eq!(ana.refused("pause.cancel", json!({"what": "pending"})).await.1, "nothing_pending");
    let op = "01890a5d-ac96-774b-bcce-b302099a8057";
    let later = json!({"status": "unavailable", "when": "after_work", "op": op});
    ana.ok("status.set", later.clone()).await;
    ana.ok("status.set", later).await;
    let now = json!({"status": "unavailable", "op": op});
    assert_eq!(ana.refused("status.set", now).await.1, "op_reused", "now is another wish");
    put(&server, ONE, &[], &json!({"source": "pbx", "seq": 2})).await;
    assert_eq!(ana.ok("agent.get", json!({})).await["status"], "unavailable");
}

#[tokio::test]
async fn a_router_that_saw_an_older_state_is_answered_with_the_new_one() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let routable = ask(&server, "?team=suporte&channel=voice").await;
    assert_eq!((&routable["routable"], &routable["agents"][0]["agent"]), (&json!(true), &json!("ana")));
    let seen = routable["agents"][0]["version"].to_string();
    // She goes on a pause between the question and the call.
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    let call = json!({"source": "pbx", "seq": 1, "channels": {"voice": 1}});
    let (status, answer) = put(&server, ONE, &[("if-match", &format!("\"{seen}\""))], &call).await;
    assert_eq!((status, &answer["code"]), (409, &json!("version")));
    assert_eq!(answer["params"]["agent"]["presence"], "paused");
    let (status, answer) = put(&server, ONE, &[("if-match", "latest")], &call).await;
    assert_eq!((status, &answer["params"]["field"]), (400, &json!("If-Match")));
    let current = answer_version(&server).await;
    let (status, _) = put(&server, ONE, &[("if-match", &current)], &call).await;
    assert_eq!(status, 200);
}

async fn answer_version(server: &TestServer) -> String {
    let token = server.token(Role::Integration, "router", None);
    server.get(&token, "/v1/agents/ana/state").await.headers["etag"].clone()
}

#[tokio::test]
async fn who_may_get_work_and_why_nobody_may() {
    let server = TestServer::start().await;
    let off = json!({"routable": false, "reason": "offline", "agents": []});
    assert_eq!(ask(&server, "?team=suporte").await, off);
    let (mut ana, mut bruno) = (server.agent("ana").await, server.agent("bruno").await);
    assert_eq!(ask(&server, "?team=suporte").await["reason"], "unavailable");
    ana.ok("status.set", json!({"status": "available"})).await;
    bruno.ok("status.set", json!({"status": "available"})).await;
    let both = ask(&server, "?team=suporte&channel=voice").await;
    let names: Vec<&str> =
        both["agents"].as_array().unwrap().iter().map(|one| one["agent"].as_str().unwrap()).collect();
    assert_eq!(names, ["ana", "bruno"], "the longest ready first");
    put(&server, ONE, &[], &json!({"source": "pbx", "seq": 1, "channels": {"voice": 1}})).await;
    let (status, _) =
        put(&server, "/v1/agents/bruno/occupancy", &[], &json!({"source": "pbx", "seq": 1, "channels": {"voice": 1}}))
            .await;
    assert_eq!(status, 200);
    assert_eq!(ask(&server, "?team=suporte&channel=voice").await["reason"], "at_capacity");
    let chat = ask(&server, "?team=suporte&channel=chat").await;
    assert_eq!(chat["agents"].as_array().map(Vec::len), Some(2));
    assert_eq!(chat["agents"][0]["occupancy"], json!({"voice": 1}));
    assert_eq!(ask(&server, "?agent=ana&team=vendas&channel=chat").await["reason"], "not_in_team");
    assert_eq!(ask(&server, "?agent=ana&channel=fax").await["reason"], "channel_disabled");
    // Before the status everything else gives way.
    bruno.ok("status.set", json!({"status": "unavailable"})).await;
    assert_eq!(ask(&server, "?agent=bruno&channel=fax").await["reason"], "unavailable");
    // A supervisor asks of their own teams.
    let sofia = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    assert_eq!(server.get(&sofia, "/v1/routable?team=suporte").await.status, 200);
    assert_eq!(server.get(&sofia, "/v1/routable?team=vendas").await.status, 403);
    assert_eq!(server.get(&sofia, "/v1/routable?agent=carla").await.status, 403);
    assert_eq!(server.get(&sofia, "/v1/routable?agent=nobody").await.status, 403);
}

#[tokio::test]
async fn a_whole_set_is_all_that_its_source_knows() {
    let server = TestServer::start().await;
    let (mut ana, mut bruno) = (server.agent("ana").await, server.agent("bruno").await);
    ana.ok("status.set", json!({"status": "available"})).await;
    bruno.ok("status.set", json!({"status": "available"})).await;
    put(&server, ONE, &[], &json!({"source": "pbx", "seq": 900, "channels": {"voice": 1}})).await;
    // The router came up again, and begins to count anew.
    let set = json!({"source": "pbx", "seq": 1, "agents": {"bruno": {"channels": {"chat": 2}}}});
    let (status, answer) = put(&server, "/v1/occupancy", &[], &set).await;
    assert_eq!((status, &answer), (200, &json!({"taken": 1, "not_taken": 0, "failed": {}})));
    assert_eq!(bruno.ok("agent.get", json!({})).await["presence"], "busy");
    assert_eq!(ana.ok("agent.get", json!({})).await["presence"], "available", "who is not named has nothing open");
    // All of it is checked before any of it is taken.
    let cases = [
        (json!({"source": "pbx", "seq": 2, "agents": {"ana": {}, "nobody": {}}}), "agents.nobody"),
        (
            json!({"source": "pbx", "seq": 2, "agents": {"ana": {"channels": {"telex": 1}}}}),
            "agents.ana.channels.telex",
        ),
        (json!({"source": "pbx", "seq": 2, "agents": {"ana": {"voice": 1}}}), "agents.ana.voice"),
        (json!({"source": "pbx", "seq": 2, "agents": []}), "agents"),
        (json!({"source": "pbx", "seq": 2}), "agents"),
    ];
    for (body, field) in cases {
        let (status, answer) = put(&server, "/v1/occupancy", &[], &body).await;
        assert_eq!((status, &answer["params"]["field"]), (400, &json!(field)), "{body}");
    }
    assert_eq!(bruno.ok("agent.get", json!({})).await["occupancy"], json!({"chat": 2}));
}

#[tokio::test]
async fn bad_reports_name_their_field_and_change_nothing() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let cases = [
        (json!({"seq": 1}), "source"),
        (json!({"source": "", "seq": 1}), "source"),
        (json!({"source": "pbx"}), "seq"),
        (json!({"source": "pbx", "seq": -1}), "seq"),
        (json!({"source": "pbx", "seq": 1, "ttl_s": 0}), "ttl_s"),
        (json!({"source": "pbx", "seq": 1, "ttl_s": 3601}), "ttl_s"),
        (json!({"source": "pbx", "seq": 1, "channels": {"voice": 1001}}), "channels.voice"),
        (json!({"source": "pbx", "seq": 1, "channels": {"voice": "1"}}), "channels.voice"),
        (json!({"source": "pbx", "seq": 1, "channels": {"telex": 1}}), "channels.telex"),
        (json!({"source": "pbx", "seq": 1, "channels": [1]}), "channels"),
        (json!({"source": "pbx", "seq": 1, "wrap_up": 1}), "wrap_up"),
        (json!({"source": "pbx", "seq": 1, "open": 1}), "open"),
    ];
    for (body, field) in cases {
        let (status, answer) = put(&server, ONE, &[], &body).await;
        assert_eq!((status, &answer["params"]["field"]), (400, &json!(field)), "{body}");
    }
    assert_eq!(put(&server, ONE, &[], &json!("text")).await.0, 400);
    let report = json!({"source": "pbx", "seq": 1});
    let (status, answer) = put(&server, "/v1/agents/nobody/occupancy", &[], &report).await;
    assert_eq!((status, &answer["code"]), (403, &json!("forbidden")));
    for (role, teams) in [(Role::Agent, None), (Role::Supervisor, Some(&["suporte"][..])), (Role::Auditor, None)] {
        let bearer = format!("Bearer {}", server.token(role, "ana", teams));
        let answer = server.http("PUT", ONE, &[("authorization", &bearer)], &report.to_string()).await;
        assert_eq!(answer.status, 403, "{role}");
    }
    assert_eq!(ana.ok("agent.get", json!({})).await["presence"], "available");
    for query in ["?team=", "?channel=telex", "?agents=ana", "?team=suporte&team=vendas"] {
        let token = server.token(Role::Integration, "router", None);
        assert_eq!(server.get(&token, &format!("/v1/routable{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_report_by_the_socket_is_the_same() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let mut router = server.open(&server.token(Role::Integration, "router", None)).await;
    let report = json!({"agent": "ana", "source": "pbx", "seq": 1, "ttl_s": 60, "channels": {"voice": 1}});
    assert_eq!(router.ok("occupancy.set", report).await["agent"]["presence"], "busy");
    let stale = json!({"agent": "ana", "source": "pbx", "seq": 2, "expected_version": 1});
    let (number, code, _) = router.refused("occupancy.set", stale).await;
    assert_eq!((number, code.as_str()), (-32005, "version"));
    let mut sofia = server.supervisor(&["suporte"]).await;
    let foreign = json!({"agent": "ana", "source": "pbx", "seq": 3});
    assert_eq!(sofia.refused("occupancy.set", foreign).await.1, "forbidden");
}
