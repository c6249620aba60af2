//! Requests and grants on the wire (semantics §4): asked for, shown live, decided once.

use intervalo::auth::Role;
use intervalo::domain::time::Timestamp;
use serde_json::{Value, json};

use crate::server::{Client, TestServer};

async fn available(server: &TestServer, id: &str) -> Client {
    let mut agent = server.agent(id).await;
    agent.ok("status.set", json!({"status": "available"})).await;
    agent
}

/// The first board frame that says something of requests.
async fn requests_of(supervisor: &mut Client) -> Value {
    loop {
        let changed = supervisor.notification("board.changed").await;
        if let Some(requests) = changed["result"].get("requests") {
            return json!({"requests": requests, "alerts": changed["result"]["alerts"]});
        }
    }
}

#[tokio::test]
async fn a_start_that_needs_approval_is_asked_for_and_begins_when_it_is_granted() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("board.subscribe", json!({"teams": "all"})).await;
    assert_eq!(requests_of(&mut sofia).await["requests"], json!([]), "a snapshot says that there are none");

    let asked = ana.ok("pause.start", json!({"type": "medico", "note": "dor de cabeça"})).await;
    assert_eq!(asked["outcome"], "requested");
    let request = &asked["agent"]["request"];
    assert_eq!((&request["type"], &request["state"]), (&json!("medico"), &json!("open")));
    assert_eq!(asked["agent"]["routable"], true, "asking keeps no work away");
    let told = ana.notification("request.changed").await;
    assert_eq!((&told["request"]["id"], &told["request"]["state"]), (&request["id"], &json!("open")));

    let shown = requests_of(&mut sofia).await;
    assert_eq!((&shown["requests"][0]["id"], &shown["requests"][0]["agent"]), (&request["id"], &json!("ana")));
    assert!(shown["requests"][0]["expires_at"].is_string());
    let alert = &shown["alerts"][0];
    assert_eq!((&alert["kind"], &alert["params"]["request"]), (&json!("request"), &request["id"]));
    let told = sofia.notification("request.changed").await;
    assert_eq!(told["request"]["id"], request["id"], "and those with a board are told by itself");
    assert_eq!(sofia.ok("request.list", json!({})).await[0]["id"], request["id"]);

    let decision = json!({"request": request["id"], "decision": "grant", "reason": "melhoras"});
    let decided = sofia.ok("request.decide", decision.clone()).await;
    assert_eq!(
        (&decided["request"]["state"], &decided["request"]["decided_by"]["id"]),
        (&json!("granted"), &json!("sofia"))
    );
    let state = ana.ok("agent.get", json!({})).await;
    assert_eq!((&state["pause"]["type"], &state["pause"]["note"]), (&json!("medico"), &json!("dor de cabeça")));
    assert_eq!(state["request"]["state"], "granted");
    let told = ana.notification("request.changed").await;
    assert_eq!(
        (&told["request"]["state"], &told["request"]["decision_reason"]),
        (&json!("granted"), &json!("melhoras"))
    );
    // The first decision counts.
    let mut chefe = server.open(&server.token(Role::Admin, "chefe", None)).await;
    let (number, code, params) = chefe.refused("request.decide", decision).await;
    assert_eq!((number, code.as_str()), (-32003, "already_decided"));
    assert_eq!(params["by"], json!({"kind": "supervisor", "id": "sofia"}));
    assert_eq!(requests_of(&mut sofia).await["requests"], json!([]), "and the list is empty again");
}

#[tokio::test]
async fn an_exception_is_asked_for_granted_and_shown_in_the_menu() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let wish = json!({"type": "descanso", "reason": "consulta", "extra_ms": 300_000});
    let made = ana.ok("request.create", wish).await;
    assert_eq!((&made["request"]["reason"], &made["request"]["extra_ms"]), (&json!("consulta"), &json!(300_000)));
    let list = ana.ok("request.list", json!({})).await;
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let decision = json!({"request": made["request"]["id"], "decision": "grant", "reason": "ok", "uses": 2});
    sofia.ok("request.decide", decision).await;
    let menu = ana.ok("pause.options", json!({})).await;
    let line = menu.as_array().unwrap().iter().find(|line| line["type"] == "descanso").expect("a line");
    assert_eq!((&line["grant"]["id"], &line["grant"]["uses"]), (&made["request"]["id"], &json!(2)));
    assert!(line["grant"]["waives"].as_array().unwrap().contains(&json!("held")), "{line}");
    assert!(line["grant"]["until"].is_string());
}

#[tokio::test]
async fn a_request_in_whose_place_another_is_made_is_told_of_as_taken_back() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let first = ana.ok("request.create", json!({"type": "descanso", "reason": "consulta"})).await["request"].take();
    let other = ana.ok("request.create", json!({"type": "almoco", "reason": "visita"})).await["request"].take();
    let mut told = Vec::new();
    for _ in 0..3 {
        let request = ana.notification("request.changed").await["request"].take();
        told.push((request["id"].clone(), request["state"].clone()));
    }
    let (first, other) = (&first["id"], &other["id"]);
    let expected = [(first, "open"), (first, "cancelled"), (other, "open")];
    assert_eq!(told, expected.map(|(id, state)| (id.clone(), json!(state))));
}

#[tokio::test]
async fn refused_taken_back_and_out_of_reach() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let mut vera = server.supervisor(&["vendas"]).await;
    let asked = ana.ok("pause.start", json!({"type": "medico"})).await;
    let id = asked["agent"]["request"]["id"].clone();
    let decide = |decision: &str| json!({"request": id, "decision": decision, "reason": "agora não"});
    // Out of reach is as what does not exist.
    assert_eq!(vera.refused("request.decide", decide("grant")).await.1, "forbidden");
    let unknown = json!({"request": "01890a5d-ac96-774b-bcce-b302099a8057", "decision": "grant", "reason": "r"});
    assert_eq!(sofia.refused("request.decide", unknown).await.1, "forbidden");
    assert_eq!(vera.ok("request.list", json!({})).await, json!([]));
    assert_eq!(ana.refused("request.decide", decide("grant")).await.1, "forbidden");
    let refused = sofia.ok("request.decide", decide("refuse")).await;
    assert_eq!(refused["request"]["state"], "refused");
    let state = ana.ok("agent.get", json!({})).await;
    assert_eq!((state.get("pause"), &state["request"]["state"]), (None, &json!("refused")));
    let again = ana.ok("pause.start", json!({"type": "medico"})).await;
    let id = again["agent"]["request"]["id"].clone();
    assert_eq!(ana.ok("request.cancel", json!({"request": id})).await, json!({}));
    assert_eq!(ana.refused("request.cancel", json!({"request": id})).await.1, "already_decided");
    let foreign = json!({"request": "01890a5d-ac96-774b-bcce-b302099a8057"});
    assert_eq!(ana.refused("request.cancel", foreign).await.1, "nothing_pending");
}

#[tokio::test]
async fn nobody_decides_on_their_own_and_a_protected_pause_needs_nobody() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let asked = ana.ok("pause.start", json!({"type": "medico"})).await;
    let id = asked["agent"]["request"]["id"].clone();
    // The same person, with a supervisor's token.
    let mut herself = server.open(&server.token(Role::Supervisor, "ana", Some(&["suporte"]))).await;
    let decision = json!({"request": id, "decision": "grant", "reason": "why not"});
    assert_eq!(herself.refused("request.decide", decision).await.1, "own_request");
    let (_, code, params) = ana.refused("request.create", json!({"type": "banheiro", "reason": "r"})).await;
    assert_eq!((code.as_str(), &params["field"]), ("invalid_params", &json!("type")));
    assert_eq!(ana.refused("request.create", json!({"type": "nada", "reason": "r"})).await.1, "unknown_type");
}

#[tokio::test]
async fn a_repeated_op_asks_and_decides_once() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let op = "01890a5d-ac96-774b-bcce-b302099a8057";
    let start = json!({"type": "medico", "op": op});
    let first = ana.ok("pause.start", start.clone()).await;
    let second = ana.ok("pause.start", start).await;
    assert_eq!((&second["outcome"], &second["agent"]["request"]), (&json!("requested"), &first["agent"]["request"]));
    let decision = json!({"request": first["agent"]["request"]["id"], "decision": "grant", "reason": "r", "op": op});
    sofia.ok("request.decide", decision.clone()).await;
    let again = sofia.ok("request.decide", decision).await;
    assert_eq!(again["request"]["state"], "granted", "a repeat is answered as the first was");
}

/// Decided by sofia under an op, and not the agent's last request any more.
async fn decided_and_over(server: &TestServer, ana: &mut Client) -> Value {
    let mut sofia = server.supervisor(&["suporte"]).await;
    let made = ana.ok("request.create", json!({"type": "descanso", "reason": "consulta"})).await;
    let id = made["request"]["id"].clone();
    let decision = json!({"request": id, "decision": "grant", "reason": "claro", "op": OP});
    let first = sofia.ok("request.decide", decision).await;
    assert_eq!(first["request"]["state"], "granted");
    let another = ana.ok("request.create", json!({"type": "almoco", "reason": "outra"})).await;
    assert_ne!(another["request"]["id"], id);
    first["request"].clone()
}

const OP: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// What whoever decides on that request is told: sofia under her op again, others late, and those out of reach.
async fn told_late(server: &TestServer, request: &Value) {
    let decide = |decision: &str| json!({"request": request["id"], "decision": decision, "reason": "claro"});
    let mut sofia = server.supervisor(&["suporte"]).await;
    let mut again = decide("grant");
    again["op"] = json!(OP);
    assert_eq!(sofia.ok("request.decide", again.clone()).await["request"], *request, "the first outcome");
    again["reason"] = json!("não");
    assert_eq!(sofia.refused("request.decide", again).await.1, "op_reused");
    let mut chefe = server.open(&server.token(Role::Admin, "chefe", None)).await;
    let (number, code, params) = chefe.refused("request.decide", decide("refuse")).await;
    assert_eq!((number, code.as_str()), (-32003, "already_decided"));
    assert_eq!(params["by"], json!({"kind": "supervisor", "id": "sofia"}));
    let mut vera = server.supervisor_named("vera", &["vendas"]).await;
    let unknown = json!({"request": "01890a5d-ac96-774b-bcce-b302099a8059", "decision": "grant", "reason": "r"});
    let forbidden = vera.refused("request.decide", unknown).await;
    assert_eq!(vera.refused("request.decide", decide("grant")).await, forbidden, "out of reach is as unknown");
}

#[tokio::test]
async fn promise_d3_a_decision_is_repeated_and_a_late_one_is_told_by_whom_also_when_another_request_is_open() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let request = decided_and_over(&server, &mut ana).await;
    told_late(&server, &request).await;
    // Nothing of a decided request is kept of who is offline.
    let last = ana.ok("request.list", json!({})).await[0]["id"].clone();
    ana.ok("request.cancel", json!({"request": last})).await;
    ana.ok("session.sign_out", json!({"scope": "all"})).await;
    told_late(&server, &request).await;
    // Across a restart as well.
    let now = server.clock.now();
    let server = server.restarted_after(now).await;
    told_late(&server, &request).await;
}

#[tokio::test]
async fn a_request_that_lapsed_or_was_taken_back_is_told_by_whom_too() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let made = ana.ok("request.create", json!({"type": "descanso", "reason": "consulta"})).await;
    ana.ok("request.cancel", json!({"request": made["request"]["id"]})).await;
    ana.ok("request.create", json!({"type": "almoco", "reason": "outra"})).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let decision = json!({"request": made["request"]["id"], "decision": "grant", "reason": "r"});
    let (_, code, params) = sofia.refused("request.decide", decision).await;
    assert_eq!((code.as_str(), &params["by"]), ("already_decided", &json!({"kind": "agent", "id": "ana"})));
}

#[tokio::test]
async fn promise_d3_an_acknowledgement_is_repeated_when_the_alert_is_over() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let made = ana.ok("request.create", json!({"type": "descanso", "reason": "consulta"})).await;
    let id = made["request"]["id"].as_str().expect("an id").to_owned();
    let ack = json!({"alert": format!("request:{id}"), "op": OP});
    assert_eq!(sofia.ok("alert.ack", ack.clone()).await, json!({}));
    ana.ok("request.cancel", json!({"request": id})).await;
    ana.ok("request.create", json!({"type": "almoco", "reason": "outra"})).await;
    assert_eq!(sofia.ok("alert.ack", ack.clone()).await, json!({}), "the first outcome");
    let late = json!({"alert": format!("request:{id}")});
    assert_eq!(sofia.refused("alert.ack", late.clone()).await.1, "nothing_pending");
    let mut vera = server.supervisor_named("vera", &["vendas"]).await;
    for out_of_reach in [late, ack, json!({"alert": format!("overrun:{OP}")})] {
        assert_eq!(vera.refused("alert.ack", out_of_reach).await.1, "forbidden");
    }
    // Of a protected pause there is no alert that could be over.
    let secret = ana.ok("pause.start", json!({"type": "banheiro"})).await["agent"]["pause"]["id"].clone();
    let secret = json!({"alert": format!("overrun:{}", secret.as_str().expect("an id"))});
    let unknown = sofia.refused("alert.ack", json!({"alert": format!("overrun:{OP}")})).await;
    assert_eq!(sofia.refused("alert.ack", secret).await, unknown);
}

#[tokio::test]
async fn promise_d3_what_was_asked_for_under_an_op_is_the_answer_to_it_whatever_is_asked_for_since() {
    let server = TestServer::start().await;
    let mut ana = available(&server, "ana").await;
    let asked = json!({"type": "cafe", "reason": "prova", "op": OP});
    let first = ana.ok("request.create", asked.clone()).await["request"]["id"].clone();
    assert_eq!(ana.ok("request.create", asked.clone()).await["request"]["id"], first);
    ana.ok("request.cancel", json!({"request": first})).await;
    let other = ana.ok("request.create", json!({"type": "almoco", "reason": "banco"})).await["request"]["id"].clone();
    assert_ne!(other, first);
    let again = ana.ok("request.create", asked.clone()).await["request"].clone();
    assert_eq!((&again["id"], &again["type"], &again["state"]), (&first, &json!("cafe"), &json!("cancelled")));
    assert_eq!(ana.ok("request.list", json!({})).await[0]["id"], other, "and it changed nothing");
    drop(ana);
    let server = server.restarted_after(Timestamp(0)).await;
    let mut ana = available(&server, "ana").await;
    assert_eq!(ana.ok("request.create", asked).await["request"]["id"], first, "a restart remembers");
}
