//! The paths of HTTP.

use intervalo::auth::Role;
use serde_json::json;

use crate::server::TestServer;

#[tokio::test]
async fn operations_answer_without_a_credential() {
    let server = TestServer::start().await;
    assert_eq!(server.http("GET", "/healthz", &[], "").await.status, 200);
    let ready = server.http("GET", "/readyz", &[], "").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)));
    assert_eq!(ready.json()["tzdata"], chrono_tz::IANA_TZDB_VERSION);
    let figures = server.http("GET", "/metrics", &[], "").await;
    assert_eq!(figures.status, 200);
    assert!(figures.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    assert_eq!(figures.headers["x-content-type-options"], "nosniff");
    assert_eq!(figures.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn every_failure_is_a_problem_document() {
    let server = TestServer::start().await;
    let problem = async |method, path, headers: &[(&str, &str)], body: &str| {
        let (status, code) = server.http(method, path, headers, body).await.problem();
        format!("{status} {code}")
    };
    assert_eq!(problem("GET", "/nothing", &[], "").await, "404 not_found");
    assert_eq!(problem("DELETE", "/v1/rpc", &[], "").await, "405 method_not_allowed");
    assert_eq!(problem("POST", "/v1/pauses", &[], "").await, "405 method_not_allowed");
    assert_eq!(problem("GET", "/v1/ws", &[], "").await, "426 upgrade_required");
    assert_eq!(problem("POST", "/v1/rpc", &[], "{}").await, "401 unauthenticated");
    assert_eq!(problem("GET", "/v1/pauses", &[], "").await, "401 unauthenticated");
    let bearer = format!("Bearer {}", server.token(Role::Agent, "ana", None));
    let authorized = [("authorization", bearer.as_str())];
    assert_eq!(problem("GET", "/v1/pauses", &authorized, "").await, "403 forbidden");
    assert_eq!(problem("GET", "/v1/agents/ana/state", &authorized, "").await, "403 forbidden");
    let large = "x".repeat(65 * 1024);
    assert_eq!(problem("POST", "/v1/rpc", &authorized, &large).await, "413 too_large");
    let unauthorized = server.http("POST", "/v1/rpc", &[], "{}").await;
    assert_eq!(unauthorized.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn methods_answer_over_http_and_sockets_methods_say_so() {
    let server = TestServer::start().await;
    let token = server.token(Role::Agent, "ana", None);
    let call = |method: &str, params| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let get = server.rpc(&token, &call("agent.get", json!({}))).await;
    assert_eq!((get.status, &get.json()["result"]["status"]), (200, &json!("offline")));
    let start = server.rpc(&token, &call("pause.start", json!({"type": "almoco"}))).await.json();
    assert_eq!(start["error"]["data"]["code"], "agent_offline");
    for method in ["session.open", "session.ping", "session.sign_out"] {
        let answer = server.rpc(&token, &call(method, json!({}))).await;
        assert_eq!((answer.status, &answer.json()["error"]["data"]["code"]), (200, &json!("needs_socket")), "{method}");
    }
    let sofia = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let board = server.rpc(&sofia, &call("board.subscribe", json!({"teams": "all"}))).await.json();
    assert_eq!(board["error"]["data"]["code"], "needs_socket");
    let nothing = server.rpc(&token, &json!({"jsonrpc": "2.0", "method": "agent.get"})).await;
    assert_eq!((nothing.status, nothing.body.as_str()), (204, ""));
    let batch = server.rpc(&token, &json!([call("agent.get", json!({})), call("no.such", json!({}))])).await.json();
    assert_eq!((batch[0]["result"]["agent"].as_str(), batch[1]["error"]["code"].as_i64()), (Some("ana"), Some(-32601)));
    let bearer = format!("Bearer {token}");
    let broken = server.http("POST", "/v1/rpc", &[("authorization", &bearer)], "{").await;
    assert_eq!((broken.status, &broken.json()["error"]["code"]), (200, &json!(-32700)));
    let mut ana = server.agent("ana").await;
    assert_eq!(ana.notification("agent.changed").await["cause"], "sign_in");
    let started = server.rpc(&token, &call("pause.start", json!({"type": "almoco"}))).await.json();
    assert_eq!(started["result"]["outcome"], "started");
    assert_eq!(ana.notification("agent.changed").await["pause"]["type"], "almoco");
}

#[tokio::test]
async fn the_state_of_an_agent_is_for_those_who_reach_it() {
    let server = TestServer::start().await;
    let state = async |role, teams: Option<&[&str]>, agent: &str| {
        server.get(&server.token(role, "p", teams), &format!("/v1/agents/{agent}/state")).await.status
    };
    assert_eq!(state(Role::Admin, None, "ana").await, 200);
    assert_eq!(state(Role::Integration, None, "%3Ddavi").await, 200);
    assert_eq!(state(Role::Supervisor, Some(&["vendas"]), "bruno").await, 200);
    assert_eq!(state(Role::Supervisor, Some(&["vendas"]), "ana").await, 403);
    assert_eq!(state(Role::Supervisor, None, "ana").await, 403);
    assert_eq!(state(Role::Auditor, None, "ana").await, 403);
    assert_eq!(state(Role::Admin, None, "nobody").await, 403);
    assert_eq!(state(Role::Admin, None, "%00").await, 403);
}

#[tokio::test]
async fn the_history_comes_in_pages_as_json_and_as_csv() {
    let server = TestServer::start().await;
    for agent in ["ana", "=davi"] {
        let mut client = server.agent(agent).await;
        client.ok("pause.start", json!({"type": "banheiro"})).await;
        client.ok("pause.end", json!({})).await;
        client.ok("pause.start", json!({"type": "almoco", "note": "=1+1"})).await;
        client.ok("pause.end", json!({})).await;
    }
    let admin = server.token(Role::Admin, "root", None);
    let all = server.get(&admin, "/v1/pauses").await.json();
    let pauses = all["pauses"].as_array().expect("a list");
    assert_eq!(pauses.len(), 2, "no protected pause is among them: {all}");
    assert_eq!(pauses[0]["agent"], "ana");
    assert_eq!(pauses[0]["ended_by"], "agent");
    assert_eq!(pauses[0]["misclick"], true);
    assert_eq!(pauses[0]["note"], "=1+1");
    assert!(pauses[0]["duration_ms"].is_u64());
    let first = server.get(&admin, "/v1/pauses?limit=1").await.json();
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = server.get(&admin, &format!("/v1/pauses?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&second["pauses"][0]["agent"], second.get("next_cursor")), (&json!("=davi"), None));
    let own = server.token(Role::Supervisor, "sofia", Some(&["suporte"]));
    let seen = server.get(&own, "/v1/pauses").await.json();
    assert_eq!(seen["pauses"].as_array().expect("a list").len(), 1);
    assert_eq!(server.get(&own, "/v1/pauses?team=vendas").await.problem().0, 403);
    let of = |query: &str| format!("/v1/pauses?{query}");
    let auditor = server.token(Role::Auditor, "aldo", None);
    let count =
        async |query: &str| server.get(&auditor, &of(query)).await.json()["pauses"].as_array().expect("a list").len();
    assert_eq!(count("agent=%3Ddavi&type=almoco").await, 1);
    assert_eq!(count("from=2020-01-01&to=2020-12-31").await, 0);
    assert_eq!(count("from=2020-01-01T00:00:00Z").await, 2);
    let (status, code) = server.get(&auditor, &of("colour=red")).await.problem();
    assert_eq!((status, code.as_str()), (400, "invalid_params"));
    let bearer = format!("Bearer {auditor}");
    let csv = server.http("GET", "/v1/pauses?limit=1", &[("authorization", &bearer), ("accept", "text/csv")], "").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert!(csv.headers["link"].ends_with("rel=\"next\""));
    let lines: Vec<&str> = csv.body.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2);
    let nothing_said_since = ",\"\"".repeat(6);
    assert!(lines[1].ends_with(&format!("\"'=1+1\"{nothing_said_since}")), "{}", lines[1]);
    let html = server.http("GET", "/v1/pauses", &[("authorization", &bearer), ("accept", "text/html")], "").await;
    assert_eq!(html.problem(), (406, "not_acceptable".to_owned()));
}
