//! Tenants that operators make while the server runs: whole at once, their administrators' from then on, and nothing of
//! theirs to whoever made them.

use std::sync::Arc;
use std::time::Duration;

use intervalo::auth::Role;
use intervalo::domain::time::Timestamp;
use intervalo::store::MemoryJournal;
use intervalo::store::memory::Fault;
use intervalo::store::verify::verify;
use intervalo::transport::{Quotas, Settings};
use serde_json::{Value, json};

use crate::access::cookie_of;
use crate::events::Follower;
use crate::server::{Answer, TestServer};

const PASSWORD: &str = "correct horse battery staple";
const NEW: &str = "/v1/tenants/nova";
const KEY: (&str, &str) = ("idempotency-key", "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5b");
const NEW_ONLY: (&str, &str) = ("if-none-match", "*");
const COMPANY: &str = r#"
[tenant]
id = "nova"

[[team]]
id = "central"
name = "Central"

[[agent]]
id = "nina"
name = "Nina"
teams = ["central"]
"#;

/// A server, and an operator who is of no tenant that it has.
struct House {
    server: TestServer,
    operator: String,
}

impl House {
    async fn open() -> House {
        House::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> House {
        House::of(TestServer::with(settings).await)
    }

    fn of(server: TestServer) -> House {
        let operator = server.token_for("casa", Role::Operator, "olga", None, Duration::from_secs(3600));
        House { server, operator }
    }

    async fn put(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.operator);
        let headers: Vec<(&str, &str)> = [("authorization", bearer.as_str())].iter().chain(headers).copied().collect();
        self.server.http("PUT", path, &headers, &body.to_string()).await
    }

    async fn made(&self) -> Answer {
        let made = self.put(NEW, &[], &settings()).await;
        assert_eq!(made.status, 201, "{made:?}");
        made
    }

    async fn accept(&self, answer: &Answer) -> Answer {
        let body = json!({"invitation": answer.json()["invitation"]["invitation"], "password": PASSWORD});
        self.server.http("POST", "/v1/invitations/accept", &[], &body.to_string()).await
    }

    async fn log_in(&self) -> Answer {
        let body = json!({"tenant": "nova", "login": "admin", "password": PASSWORD});
        self.server.http("POST", "/v1/login", &[], &body.to_string()).await
    }

    /// One request of the new tenant's administrator, who has logged in.
    async fn browser(&self, cookie: &str, method: &str, path: &str, form: &str, body: &str) -> Answer {
        let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin"), ("content-type", form)];
        self.server.http(method, path, &headers, body).await
    }

    fn token(&self, role: Role, id: &str, teams: Option<&[&str]>) -> String {
        self.server.token_for("nova", role, id, teams, Duration::from_secs(3600))
    }

    async fn listed(&self) -> Value {
        self.server.get(&self.operator, "/v1/tenants").await.json()["tenants"].take()
    }
}

fn settings() -> Value {
    json!({"name": "Nova", "zone": "America/Bahia", "connection_grace_s": 1})
}

fn named(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name})
}

#[tokio::test]
async fn a_tenant_that_an_operator_makes_is_whole_at_once_and_after_a_restart() {
    let house = House::open().await;
    let made = house.put(NEW, &[KEY, NEW_ONLY], &settings()).await;
    let shown = made.json();
    assert_eq!((made.status, &shown["id"], &shown["zone"]), (201, &json!("nova"), &json!("America/Bahia")));
    assert_eq!(shown["invitation"]["login"], "admin");
    assert!(shown["invitation"]["link"].as_str().expect("a link").starts_with("/invitation#ivi_"));
    assert_eq!(house.listed().await, json!([named("acme", "Acme"), named("nova", "Nova"), named("outra", "Acme")]));

    // Its first administrator comes in by the link, and takes it from there.
    assert_eq!(house.accept(&made).await.json(), json!({"tenant": "nova", "login": "admin"}));
    let cookie = cookie_of(&house.log_in().await);
    let read = house.browser(&cookie, "GET", NEW, "application/json", "").await;
    assert_eq!((read.status, &read.headers["etag"]), (200, &made.headers["etag"]));
    let mut follower = Follower::begin(&house.server, &house.token(Role::Admin, "chefe", None), "?after=0", None).await;
    let first = follower.event().await;
    assert_eq!(
        (&first["kind"], &first["actor"]),
        (&json!("directory.changed"), &json!({"kind": "integration", "id": "olga"}))
    );
    let imported = house.browser(&cookie, "POST", "/v1/directory/import", "application/toml", COMPANY).await;
    assert_eq!(imported.status, 200, "{imported:?}");
    while follower.event().await["kind"] != "directory.changed" {}
    let lunch = json!({"name": {"pt-BR": "Almoço"}, "limit_s": 3600}).to_string();
    let put = house.browser(&cookie, "PUT", "/v1/pause-types/almoco", "application/json", &lunch).await;
    assert_eq!(put.status, 201, "{put:?}");

    // Its people work, and its supervisors see them.
    let mut board = house.server.open(&house.token(Role::Supervisor, "sofia", Some(&["central"]))).await;
    board.ok("board.subscribe", json!({"teams": ["central"]})).await;
    let mut nina = house.server.open(&house.token(Role::Agent, "nina", None)).await;
    assert_eq!(nina.ok("agent.get", json!({})).await["zone"], "America/Bahia");
    nina.ok("status.set", json!({"status": "available"})).await;
    nina.ok("pause.start", json!({"type": "almoco"})).await;
    loop {
        let result = board.notification("board.changed").await["result"].take();
        let rows = result["agents"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["agent"] == "nina" && row["presence"] == "paused") {
            break;
        }
    }
    let audit = house.browser(&cookie, "GET", "/v1/audit", "application/json", "").await;
    assert_eq!(audit.status, 200, "{audit:?}");

    let House { server, operator } = house;
    let house = House { server: server.restarted_after(Timestamp(0)).await, operator };
    let mut nina = house.server.open(&house.token(Role::Agent, "nina", None)).await;
    assert_eq!(nina.ok("agent.get", json!({})).await["pause"]["type"], "almoco");
    assert_eq!(house.log_in().await.status, 200);
    assert_eq!(house.put(NEW, &[], &settings()).await.problem(), (409, "tenant_exists".to_owned()));
    verify(house.server.folder()).await.expect("its chain is whole");
}

#[tokio::test]
async fn whoever_makes_a_tenant_again_gets_another_link_until_somebody_has_come_in() {
    let house = House::open().await;
    let first = house.put(NEW, &[KEY], &settings()).await;
    let again = house.put(NEW, &[KEY, NEW_ONLY], &settings()).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!((&again.headers["etag"], &again.json()["id"]), (&first.headers["etag"], &json!("nova")));
    assert_eq!(house.accept(&first).await.problem().0, 401, "the link of before is void");
    let other = json!({"name": "Outra", "zone": "UTC"});
    assert_eq!(house.put(NEW, &[KEY], &other).await.problem(), (409, "op_reused".to_owned()));
    assert_eq!(house.put(NEW, &[], &other).await.problem(), (409, "tenant_exists".to_owned()));
    assert_eq!(house.put(NEW, &[NEW_ONLY], &settings()).await.problem(), (412, "precondition_failed".to_owned()));

    // Without a key the same settings are the same request.
    let last = house.put(NEW, &[], &settings()).await;
    assert_eq!((last.status, house.accept(&again).await.problem().0), (200, 401));
    assert_eq!(house.accept(&last).await.status, 200);
    let repeat = house.put(NEW, &[KEY], &settings()).await;
    assert_eq!((repeat.status, repeat.json().get("invitation")), (200, None), "somebody has come in");
    assert_eq!(house.put(NEW, &[], &settings()).await.problem(), (409, "tenant_exists".to_owned()));
    assert_eq!(house.log_in().await.status, 200, "and the password is as it was chosen");
    assert_eq!(house.listed().await.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn promise_a2_whoever_makes_a_tenant_gets_no_link_to_what_was_put_into_it() {
    for path in ["/v1/teams/central", "/v1/pause-types/cafe", "/v1/keys"] {
        let house = House::open().await;
        let made = house.put(NEW, &[KEY], &settings()).await;
        assert_eq!(made.status, 201, "{made:?}");
        // A company may be run with tokens alone: the link is never used then.
        let bearer = format!("Bearer {}", house.token(Role::Admin, "chefe", None));
        let (method, body) = match path {
            "/v1/keys" => ("POST", json!({"name": "roteador", "roles": ["integration"]})),
            "/v1/teams/central" => ("PUT", json!({"name": "Central"})),
            _ => ("PUT", json!({"name": {"pt-BR": "Café"}})),
        };
        let put = house.server.http(method, path, &[("authorization", &bearer)], &body.to_string()).await;
        assert_eq!(put.status, 201, "{put:?}");
        assert_eq!(house.put(NEW, &[], &settings()).await.problem(), (409, "tenant_exists".to_owned()), "{path}");
        let repeat = house.put(NEW, &[KEY], &settings()).await;
        assert_eq!((repeat.status, repeat.json().get("invitation")), (200, None), "{path}");
        for read in ["/v1/agents", "/v1/teams", "/v1/audit", "/v1/pauses", "/v1/policy", NEW, "/v1/directory"] {
            assert_eq!(house.server.get(&house.operator, read).await.problem().0, 403, "{read}");
        }
    }
}

#[tokio::test]
async fn promise_a2_tenants_are_made_by_those_alone_whom_the_table_of_roles_names() {
    let house = House::open().await;
    for role in Role::ALL {
        let id = if role == Role::Agent { "ana".to_owned() } else { format!("{role}") };
        let bearer = format!("Bearer {}", house.server.token(role, &id, Some(&["suporte"])));
        let ask = async |method: &str, path: &str, body: Value| {
            house.server.http(method, path, &[("authorization", &bearer)], &body.to_string()).await
        };
        let path = format!("/v1/tenants/nova-{role}");
        let answer = ask("PUT", &path, settings()).await;
        assert_eq!(answer.status, if role == Role::Operator { 201 } else { 403 }, "{role}: {answer:?}");
        // One that there is, be it one's own, is its administrators'.
        let own = ask("PUT", "/v1/tenants/acme", json!({"name": "Acme", "zone": "UTC"})).await;
        let expected = match role {
            Role::Admin => 200,
            Role::Operator => 409,
            Role::Agent | Role::Supervisor | Role::Auditor | Role::Integration => 403,
        };
        assert_eq!(own.status, expected, "{role}: {own:?}");
        assert!(role == Role::Admin || !own.body.contains("Sao_Paulo"), "{role}: {own:?}");
        let other = ask("PATCH", "/v1/tenants/acme", json!({})).await;
        assert_eq!((other.problem().0, &other.headers["allow"]), (405, &"GET, PUT, DELETE".to_owned()));
    }
    let ids: Vec<Value> =
        house.listed().await.as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["acme", "nova-operator", "outra"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_tenant_is_told_and_nothing_is_made() {
    let house = House::open().await;
    let refused = async |path: &str, body: Value| {
        let answer = house.put(path, &[], &body).await;
        let (status, code) = answer.problem();
        (status, code, answer.json()["params"]["field"].as_str().unwrap_or_default().to_owned())
    };
    let cases = [
        (format!("/v1/tenants/{}", "x".repeat(129)), settings(), "id"),
        ("/v1/tenants/no%0Ava".to_owned(), settings(), "id"),
        ("/v1/tenants/%20nova".to_owned(), settings(), "id"),
        ("/v1/tenants/%FF".to_owned(), settings(), "id"),
        (NEW.to_owned(), json!({"id": "outra", "name": "Nova", "zone": "UTC"}), "id"),
        (NEW.to_owned(), json!({"name": "Nova"}), "zone"),
        (NEW.to_owned(), json!({"zone": "UTC"}), "name"),
        (NEW.to_owned(), json!({"name": "Nova", "zone": "UTC", "agents": []}), "agents"),
        (NEW.to_owned(), json!([]), "body"),
    ];
    for (path, body, field) in cases {
        assert_eq!(refused(&path, body.clone()).await, (400, "invalid_params".into(), field.into()), "{path} {body}");
    }
    for id in ["ACME", "Outra"] {
        let alike = house.put(&format!("/v1/tenants/{id}"), &[], &settings()).await;
        assert_eq!(alike.problem(), (409, "tenant_exists".to_owned()));
        assert_eq!(alike.json()["params"]["id"], id.to_lowercase());
    }
    let on_top = house.put(NEW, &[("if-match", "\"0123456789abcdef\"")], &settings()).await;
    assert_eq!(on_top.problem(), (412, "precondition_failed".to_owned()));
    let no_key = house.put(NEW, &[("idempotency-key", "x")], &settings()).await;
    assert_eq!(no_key.problem().0, 400);
    assert_eq!(house.put(&format!("{NEW}?x=1"), &[], &settings()).await.problem().0, 400);
    assert_eq!(house.listed().await.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn of_those_who_make_the_same_tenant_at_once_one_makes_it() {
    let house = House::open().await;
    let put = || house.put(NEW, &[NEW_ONLY], settings_of_all());
    let answers = [tokio::join!(put(), put()), tokio::join!(put(), put())];
    let mut statuses: Vec<u16> = answers.iter().flat_map(|(one, other)| [one.status, other.status]).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412, 412, 412]);
    assert_eq!(house.listed().await.as_array().map(Vec::len), Some(3));
}

fn settings_of_all() -> &'static Value {
    static SETTINGS: std::sync::LazyLock<Value> = std::sync::LazyLock::new(settings);
    &SETTINGS
}

#[tokio::test]
async fn there_are_only_so_many_and_each_has_its_quotas() {
    let quotas = Quotas { sessions_max: Some(1), agents_max: Some(1), ..Quotas::default() };
    let house = House::with(Settings { tenants_max: 3, quotas, ..Settings::default() }).await;
    house.made().await;
    let full = house.put("/v1/tenants/outra-mais", &[], &settings()).await;
    assert_eq!(full.problem(), (409, "too_many_tenants".to_owned()));
    assert_eq!(full.json()["params"], json!({"used": 3, "of": 3}));
    let bearer = format!("Bearer {}", house.token(Role::Admin, "chefe", None));
    let come = async |id: &str| {
        let body = json!({"name": id, "teams": []}).to_string();
        house.server.http("PUT", &format!("/v1/agents/{id}"), &[("authorization", &bearer)], &body).await
    };
    assert_eq!(come("nina").await.status, 201);
    assert_eq!(come("otto").await.problem(), (409, "quota_exceeded".to_owned()));
    let _nina = house.server.open(&house.token(Role::Agent, "nina", None)).await;
    let mut second = house.server.connect(&[("authorization", &bearer)]).await.expect("a socket");
    assert_eq!(second.closed().await, 4429);
}

#[tokio::test]
async fn where_nobody_logs_in_a_tenant_comes_without_a_link() {
    let house = House::with(Settings { logins: false, ..Settings::default() }).await;
    let made = house.put(NEW, &[KEY], &settings()).await;
    assert_eq!((made.status, made.json().get("invitation")), (201, None));
    let again = house.put(NEW, &[KEY], &settings()).await;
    assert_eq!((again.status, again.json().get("invitation")), (200, None));
    let admin = house.token(Role::Admin, "chefe", None);
    assert_eq!(house.server.get(&admin, NEW).await.json()["name"], "Nova", "whoever has a token is in");
    assert_eq!(house.server.get(&admin, "/v1/accounts").await.json(), json!({"accounts": []}));
}

#[tokio::test]
async fn promise_d3_a_request_that_was_cut_off_is_sent_again_and_makes_one_tenant() {
    let journal = Arc::new(MemoryJournal::new(1));
    let house = House::of(TestServer::over(Arc::clone(&journal)).await);
    assert_eq!(house.listed().await.as_array().map(Vec::len), Some(2), "it is up, and has written its start");
    for (fault, status) in [(Fault::Unavailable, 503), (Fault::UnknownNotWritten, 503), (Fault::UnknownWritten, 201)] {
        journal.inject(fault.clone());
        let answer = house.put(NEW, &[KEY, NEW_ONLY], &settings()).await;
        assert_eq!(answer.status, status, "{fault:?}: {answer:?}");
        let there = house.listed().await.as_array().map(Vec::len);
        assert_eq!(there, Some(if status == 201 { 3 } else { 2 }), "{fault:?}");
    }
    let again = house.put(NEW, &[KEY, NEW_ONLY], &settings()).await;
    assert_eq!((again.status, house.accept(&again).await.status), (200, 200));
    journal.verify().expect("the chain holds");
}

#[tokio::test]
async fn promise_a4_the_link_of_a_new_tenant_is_kept_nowhere() {
    let house = House::open().await;
    let made = house.made().await;
    let secret = made.json()["invitation"]["invitation"].as_str().expect("a text").to_owned();
    let mut read = 0;
    for file in std::fs::read_dir(house.server.folder()).expect("a folder") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("read");
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        read += bytes.len();
    }
    assert!(read > 10_000, "{read} bytes were looked at");
}
