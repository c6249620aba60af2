//! The people of the directory over HTTP, changed while everybody works (semantics §7, §8).

use futures_util::future::join_all;
use intervalo::auth::Role;
use intervalo::transport::{Rate, Settings};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer};

const ANA: &str = "/v1/agents/ana";
const KEY: &str = "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5b";

/// A server, and an administrator who asks it over HTTP.
pub(crate) struct House {
    pub(crate) server: TestServer,
    token: String,
}

impl House {
    pub(crate) async fn open() -> House {
        House::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> House {
        let server = TestServer::with(settings).await;
        let token = server.token(Role::Admin, "chefe", None);
        House { server, token }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.ask_as(&self.token, method, path, headers, body).await
    }

    pub(crate) async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers: Vec<(&str, &str)> = [("authorization", bearer.as_str())].iter().chain(headers).copied().collect();
        self.server.http(method, path, &headers, &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask("PUT", path, &[], &body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], &json!({})).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, &[], &json!({})).await
    }

    /// The status, the code and the field of a request that is refused.
    pub(crate) async fn refused(&self, path: &str, body: Value) -> (u16, String, String) {
        let answer = self.put(path, body).await;
        let (status, code) = answer.problem();
        (status, code, answer.json()["params"]["field"].as_str().unwrap_or_default().to_owned())
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    let agents = answer.json()["agents"].take();
    agents.as_array().expect("a list").iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn whoever_comes_is_in_the_directory_and_may_sign_in() {
    let house = House::open().await;
    let dora = json!({"name": "Dora", "teams": ["vendas"], "zone": "America/Manaus", "capacity": {"chat": 2}});
    let shown = json!({
        "id": "dora", "name": "Dora", "teams": ["vendas"], "zone": "America/Manaus", "capacity": {"chat": 2},
    });
    let mut board = house.server.supervisor(&["vendas"]).await;
    board.ok("board.subscribe", json!({"teams": ["vendas"]})).await;
    board.notification("board.changed").await;
    let answer = house.put("/v1/agents/dora", dora.clone()).await;
    assert_eq!((answer.status, answer.json()), (201, shown.clone()));
    assert_eq!(house.get("/v1/agents/dora").await.json(), shown);
    let answer = house.put("/v1/agents/dora", dora).await;
    assert_eq!(answer.status, 200, "again, it changes nothing");
    assert_eq!(ids(&house.get("/v1/agents").await), ["=davi", "ana", "bruno", "carla", "dora"]);
    let row = board.notification("board.changed").await["result"]["agents"][0].take();
    assert_eq!((&row["agent"], &row["presence"]), (&json!("dora"), &json!("offline")));
    let mut dora = house.server.agent("dora").await;
    let state = dora.ok("agent.get", json!({})).await;
    assert_eq!((&state["zone"], &state["status"]), (&json!("America/Manaus"), &json!("unavailable")));
}

#[tokio::test]
async fn people_are_listed_by_team_and_by_page_and_those_who_left_on_request() {
    let house = House::open().await;
    assert_eq!(ids(&house.get("/v1/agents?team=suporte").await), ["ana", "bruno"]);
    let first = house.get("/v1/agents?limit=3").await;
    assert_eq!(ids(&first), ["=davi", "ana", "bruno"]);
    assert_eq!(first.json()["next_cursor"], "bruno");
    let last = house.get("/v1/agents?limit=3&cursor=bruno").await;
    assert_eq!((ids(&last), last.json().get("next_cursor")), (vec!["carla".to_owned()], None));
    assert_eq!(house.get("/v1/agents?limit=4").await.json().get("next_cursor"), None, "a page that holds all");
    assert_eq!(house.delete("/v1/agents/bruno").await.status, 204);
    assert_eq!(ids(&house.get("/v1/agents").await), ["=davi", "ana", "carla"]);
    assert_eq!(ids(&house.get("/v1/agents?left=true").await), ["=davi", "ana", "bruno", "carla"]);
    assert!(house.get("/v1/agents/bruno").await.json()["left_at"].is_string());
    let cases = [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("left=1", "left"),
        ("x=1", "x"),
        ("team=suporte&team=vendas", "team"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
    ];
    for (query, field) in cases {
        let answer = house.get(&format!("/v1/agents?{query}")).await;
        assert_eq!((answer.problem().0, &answer.json()["params"]["field"]), (400, &json!(field)), "{query}");
    }
}

#[tokio::test]
async fn whoever_leaves_on_a_pause_is_out_at_once_and_the_pause_ends() {
    let house = House::open().await;
    let mut board = house.server.supervisor(&["suporte"]).await;
    board.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let mut ana = house.server.agent("ana").await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    assert_eq!(house.delete(ANA).await.status, 204);
    assert_eq!(ana.closed().await, 4401, "semantics §7");
    loop {
        let result = board.notification("board.changed").await["result"].take();
        if result["removed"] == json!(["ana"]) {
            break;
        }
    }
    let token = house.server.token(Role::Auditor, "audit", None);
    let ended = loop {
        let pauses = house.server.get(&token, "/v1/pauses?agent=ana").await.json()["pauses"].take();
        if pauses[0]["ended_by"].is_string() {
            break pauses[0]["ended_by"].clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(ended, "deactivated");
    assert_eq!(house.delete(ANA).await.status, 204, "whoever has left leaves no second time");

    // Whoever has no place in the directory is not let in.
    let mut gone = house.server.connect(&[]).await.expect("a socket");
    let token = house.server.token(Role::Agent, "ana", None);
    assert_eq!(gone.refused("session.open", json!({"token": token})).await.1, "unknown_agent");
    let (status, code, field) = house.refused(ANA, json!({"name": "Ana Paula", "teams": ["suporte"]})).await;
    assert_eq!((status, code.as_str(), field.as_str()), (400, "invalid_params", "name"), "the id is hers");
    let back = house.put(ANA, json!({"name": "ana", "teams": ["suporte"]})).await;
    assert_eq!((back.status, back.json().get("left_at")), (200, None));
    let mut ana = house.server.agent("ana").await;
    assert_eq!(ana.ok("agent.get", json!({})).await["status"], "unavailable");
}

#[tokio::test]
async fn whoever_moves_in_a_pause_keeps_its_team_and_changes_supervisors() {
    let house = House::open().await;
    let mut of_old = house.server.supervisor(&["suporte"]).await;
    let mut of_new = house.server.supervisor_named("sonia", &["vendas"]).await;
    let mut ana = house.server.agent("ana").await;
    ana.ok("pause.start", json!({"type": "rodizio"})).await;
    let end = json!({"agent": "ana", "reason": "volta"});
    assert_eq!(of_new.refused("agent.end_pause", end.clone()).await.1, "forbidden");
    assert_eq!(house.put(ANA, json!({"name": "ana", "teams": ["vendas"]})).await.status, 200);

    // The slot is still taken of the team that the pause began in (semantics §8).
    let mut bruno = house.server.agent("bruno").await;
    let waits = bruno.ok("pause.start", json!({"type": "rodizio"})).await;
    assert_eq!(waits["outcome"], "queued");
    let state = ana.ok("agent.get", json!({})).await;
    assert_eq!((&state["teams"], &state["pause"]["team"]), (&json!(["vendas"]), &json!("suporte")));
    assert_eq!(of_old.refused("agent.end_pause", end.clone()).await.1, "forbidden");
    of_new.ok("agent.end_pause", end).await;
    assert!(bruno.notification("pause.offered").await["offer"].is_string(), "the slot is given back");
}

#[tokio::test]
async fn what_is_wrong_with_a_person_is_told_by_its_field() {
    let house = House::open().await;
    let cases = [
        (json!({"teams": []}), "name"),
        (json!({"name": "Ana", "teams": ["nenhum"]}), "teams"),
        (json!({"name": "Ana", "teams": ["suporte", "suporte"]}), "teams"),
        (json!({"name": "Ana", "teams": vec!["suporte"; 65]}), "teams"),
        (json!({"name": "Ana", "capacity": {"telex": 1}}), "capacity"),
        (json!({"name": "Ana", "zone": "Mars/Olympus"}), "zone"),
        (json!({"name": "Ana", "team": "suporte"}), "team"),
        (json!([]), "body"),
    ];
    for (body, field) in cases {
        let expected = (400, "invalid_params".to_owned(), field.to_owned());
        assert_eq!(house.refused(ANA, body.clone()).await, expected, "{body}");
    }
    let long = format!("/v1/agents/{}", "x".repeat(129));
    assert_eq!(house.refused(&long, json!({"name": "Ana"})).await.2, "id");
    assert_eq!(house.delete("/v1/agents/ninguem").await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(house.get("/v1/agents/ninguem").await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(house.ask("PATCH", ANA, &[], &json!({})).await.problem().0, 405);
    assert_eq!(house.get(ANA).await.json()["teams"], json!(["suporte"]), "and nothing was changed");
}

#[tokio::test]
async fn promise_a2_the_directory_is_for_administrators_and_integrations_of_the_tenant() {
    let house = House::open().await;
    for role in Role::ALL {
        let may = matches!(role, Role::Admin | Role::Integration);
        let token = house.server.token(role, "ana", Some(&["suporte"]));
        let person = json!({"name": "ana", "teams": ["suporte"]});
        for (method, path) in [("GET", "/v1/agents"), ("GET", ANA), ("PUT", ANA), ("DELETE", "/v1/agents/carla")] {
            let answer = house.ask_as(&token, method, path, &[], &person).await;
            assert_eq!(answer.status == 403, !may, "{role} {method} {path}: {}", answer.status);
        }
    }
    let stranger = house.server.token_for("outra", Role::Admin, "x", None, std::time::Duration::from_secs(60));
    let answer = house.ask_as(&stranger, "PUT", ANA, &[], &json!({"name": "Outra", "teams": []})).await;
    assert_eq!(answer.status, 200, "their own ana");
    assert_eq!(house.get(ANA).await.json()["name"], "ana", "and nobody else's");
}

#[tokio::test]
async fn a_change_is_made_on_top_of_what_was_read() {
    let house = House::open().await;
    let read = house.get(ANA).await;
    let etag = read.headers["etag"].clone();
    let moved = json!({"name": "ana", "teams": ["vendas"]});
    let answer = house.ask("PUT", ANA, &[("if-match", &etag)], &moved).await;
    assert_eq!(answer.status, 200);
    assert_ne!(answer.headers["etag"], etag);
    for (method, tag) in [("PUT", etag.as_str()), ("DELETE", etag.as_str()), ("PUT", "\"x\"")] {
        let answer = house.ask(method, ANA, &[("if-match", tag)], &json!({"name": "ana", "teams": []})).await;
        assert_eq!(answer.problem(), (412, "precondition_failed".to_owned()), "{method}");
    }
    // As a proxy hands it on, and one of several.
    let etag = house.get(ANA).await.headers["etag"].clone();
    for tags in [format!("W/{etag}"), format!("\"x\", {etag}")] {
        assert_eq!(house.ask("PUT", ANA, &[("if-match", &tags)], &moved).await.status, 200, "{tags}");
    }
    for (name, value) in [("if-match", "x"), ("if-match", ""), ("if-match", "*, \"x\""), ("if-none-match", "\"x\"")] {
        let answer = house.ask("PUT", ANA, &[(name, value)], &moved).await;
        assert_eq!((answer.problem().0, answer.problem().1.as_str()), (400, "invalid_params"), "{name}: {value}");
    }
    let only_new = [("if-none-match", "*")];
    assert_eq!(house.ask("PUT", ANA, &only_new, &moved).await.problem().0, 412, "somebody is there");
    assert_eq!(house.ask("PUT", "/v1/agents/eva", &only_new, &json!({"name": "Eva"})).await.status, 201);
    let newcomer = json!({"name": "Dora"});
    let answer = house.ask("PUT", "/v1/agents/dora", &[("if-match", "*")], &newcomer).await;
    assert_eq!(answer.status, 412, "nobody is there");
    assert_eq!(house.ask("PUT", ANA, &[("if-match", "*")], &moved).await.status, 200);
    assert_eq!(house.get(ANA).await.json()["teams"], json!(["vendas"]));
}

#[tokio::test]
async fn a_change_that_is_sent_again_is_made_once() {
    let house = House::open().await;
    let moved = json!({"name": "ana", "teams": ["vendas"]});
    let key = [("idempotency-key", KEY)];
    assert_eq!(house.ask("PUT", ANA, &key, &moved).await.status, 200);
    assert_eq!(house.put(ANA, json!({"name": "ana", "teams": ["suporte"]})).await.status, 200);
    let again = house.ask("PUT", ANA, &key, &moved).await;
    assert_eq!((again.status, again.json()["teams"].clone()), (200, json!(["suporte"])), "as she is by now");
    let other = house.ask("PUT", ANA, &key, &json!({"name": "ana", "teams": []})).await;
    assert_eq!(other.problem(), (409, "op_reused".to_owned()));
    assert_eq!(house.ask("DELETE", ANA, &key, &json!({})).await.problem(), (409, "op_reused".to_owned()));
    let integration = house.server.token(Role::Integration, "chefe", None);
    let answer = house.ask_as(&integration, "DELETE", ANA, &key, &json!({})).await;
    assert_eq!(answer.status, 204, "an op is its sender's");
    assert_eq!(house.put(ANA, json!({"name": "ana", "teams": ["suporte"]})).await.status, 200);
    let answer = house.ask_as(&integration, "DELETE", ANA, &key, &json!({})).await;
    assert_eq!((answer.status, house.get(ANA).await.json().get("left_at")), (204, None), "she is back, and stays");
    // What changed nothing at first changes nothing later.
    let nothing = [("idempotency-key", "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5c")];
    let as_she_is = json!({"name": "ana", "teams": ["suporte"]});
    assert_eq!(house.ask("PUT", ANA, &nothing, &as_she_is).await.status, 200);
    assert_eq!(house.put(ANA, moved.clone()).await.status, 200);
    assert_eq!(house.ask("PUT", ANA, &nothing, &as_she_is).await.json()["teams"], json!(["vendas"]));
    let answer = house.ask("PUT", ANA, &[("idempotency-key", "x")], &moved).await;
    assert_eq!((answer.problem().0, &answer.json()["params"]["field"]), (400, &json!("Idempotency-Key")));
}

#[tokio::test]
async fn changes_of_many_at_once_are_all_made() {
    let house = &House::with(Settings { rate: Rate { per_second: 1000, burst: 1000 }, ..Settings::default() }).await;
    let put = |n: usize| async move {
        let path = format!("/v1/agents/nova-{n}");
        loop {
            // Whoever was overtaken too often is told to come again.
            let answer = house.put(&path, json!({"name": format!("Nova {n}"), "teams": ["vendas"]})).await;
            if answer.status != 503 {
                return answer.status;
            }
        }
    };
    assert_eq!(join_all((0..12).map(put)).await, [201; 12]);
    assert_eq!(ids(&house.get("/v1/agents").await).len(), 16);
}

#[tokio::test]
async fn promise_d3_one_key_has_one_effect_however_many_send_it_at_once() {
    let house = &House::open().await;
    let key = [("idempotency-key", KEY)];
    let put = |n: usize| async move {
        let person = json!({"name": format!("Nova {n}"), "teams": ["vendas"]});
        house.ask("PUT", "/v1/agents/nova", &key, &person).await.status
    };
    let mut answers = join_all((0..8).map(put)).await;
    answers.sort_unstable();
    assert_eq!(answers, [201, 409, 409, 409, 409, 409, 409, 409]);
    let (put, delete) = tokio::join!(put(9), async { house.ask("DELETE", ANA, &key, &json!({})).await.status });
    assert_eq!((put, delete), (409, 409), "nor has it another one later");
}

#[tokio::test]
async fn whoever_is_changed_is_told_of_it() {
    let house = House::open().await;
    let mut ana = house.server.agent("ana").await;
    let version = ana.ok("agent.get", json!({})).await["version"].clone();
    assert_eq!(house.put(ANA, json!({"name": "Ana Paula", "teams": ["vendas"]})).await.status, 200);
    // The first one may be of her sign-in.
    let mut told = ana.notification("agent.changed").await;
    if told["name"] == "ana" {
        told = ana.notification("agent.changed").await;
    }
    assert_eq!((&told["name"], &told["teams"]), (&json!("Ana Paula"), &json!(["vendas"])));
    assert_eq!(told["version"], version, "her state is what it was");
    // What is the same, and what others are, is nothing to tell.
    assert_eq!(house.put(ANA, json!({"name": "Ana Paula", "teams": ["vendas"]})).await.status, 200);
    assert_eq!(house.put("/v1/agents/carla", json!({"name": "Carla", "teams": []})).await.status, 200);
    assert_eq!(house.put(ANA, json!({"name": "Ana", "teams": ["vendas"]})).await.status, 200);
    assert_eq!(ana.notification("agent.changed").await["name"], "Ana");
}
