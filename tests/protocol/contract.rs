//! The contract that the server publishes, and its answers held against it: every operation, every method.

use std::collections::BTreeSet;

use intervalo::auth::Role;
use intervalo::domain::time::seconds;
use intervalo::protocol::time::{from_text, to_text};
use intervalo::transport::{Rate, Settings, contract};
use serde_json::{Value, json};

use crate::published::Published;
use crate::server::{Answer, Client, TestServer};

const OP: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

struct House {
    server: TestServer,
    published: Published,
    asked: BTreeSet<String>,
}

impl House {
    async fn open() -> House {
        let rate = Rate { per_second: 10_000, burst: 10_000 };
        let server = TestServer::with(Settings { rate, ..Settings::default() }).await;
        let openapi = server.http("GET", "/v1/openapi.json", &[], "").await.json();
        let openrpc = server.http("GET", "/v1/openrpc.json", &[], "").await.json();
        House { server, published: Published::of(openapi, openrpc), asked: BTreeSet::new() }
    }

    /// Asks, and holds the answer against the document; `path` has the template after a blank where they differ.
    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (path, template) = path.split_once(' ').unwrap_or((path, path.split('?').next().expect("a path")));
        let answer = self.server.http(method, path, headers, body).await;
        self.published.check(method, template, &answer);
        self.asked.insert(format!("{method} {template}"));
        answer
    }

    async fn ask_as(&mut self, role: Role, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.server.token(role, "p", Some(&["suporte"])));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask(method, path, &[("authorization", &bearer)], &body).await
    }
}

/// Teams, channels, the tenant; requests and what is owed.
async fn settings(house: &mut House) {
    let admin = Role::Admin;
    let none = Value::Null;
    for (path, template, body, worse) in [
        ("/v1/teams/nova", "/v1/teams/{id}", json!({"name": "Nova", "zone": "America/Manaus"}), json!({"name": 1})),
        ("/v1/channels/fax", "/v1/channels/{code}", json!({"name": "Fax", "capacity": 3}), json!({"capacity": 1})),
    ] {
        let (list, at) = (path.rsplit_once('/').expect("two parts").0, format!("{path} {template}"));
        assert_eq!(house.ask_as(admin, "PUT", &at, worse).await.status, 400);
        let first = house.ask_as(admin, "PUT", &at, body.clone()).await.status;
        assert!(matches!(first, 200 | 201), "{at}: {first}");
        assert_eq!(house.ask_as(admin, "PUT", &at, body).await.status, 200);
        assert_eq!(house.ask_as(admin, "GET", &at, none.clone()).await.status, 200);
        assert_eq!(house.ask_as(admin, "GET", &format!("{list}?limit=1"), none.clone()).await.status, 200);
        assert_eq!(house.ask_as(admin, "DELETE", &at, none.clone()).await.status, 204);
        assert_eq!(house.ask_as(admin, "GET", &at, none.clone()).await.status, 403);
    }
    let named = house.ask_as(admin, "DELETE", "/v1/teams/suporte /v1/teams/{id}", none.clone()).await;
    assert_eq!(named.problem(), (409, "in_use".to_owned()));
    let tenant = "/v1/tenants/acme /v1/tenants/{id}";
    let mut shown = house.ask_as(admin, "GET", tenant, none.clone()).await.json();
    shown["name"] = json!("Acme & filhos");
    assert_eq!(house.ask_as(admin, "PUT", tenant, shown).await.status, 200);
    assert_eq!(house.ask_as(admin, "PUT", tenant, json!({"name": "x", "zone": "nowhere"})).await.status, 400);
    assert_eq!(house.ask_as(Role::Operator, "GET", "/v1/tenants?limit=1", none.clone()).await.status, 200);
    for query in ["", "?state=open", "?state=granted&limit=1", "?state=lost"] {
        house.ask_as(admin, "GET", &format!("/v1/requests{query}"), none.clone()).await;
    }
    for query in ["", "?agent=ana", "?team=suporte&limit=1", "?colour=red"] {
        house.ask_as(admin, "GET", &format!("/v1/entitlements{query}"), none.clone()).await;
    }
}

/// Tenants that operators make, close and open again.
async fn closing(house: &mut House) {
    let (operator, nova) = (Role::Operator, "/v1/tenants/nova /v1/tenants/{id}");
    let settings = json!({"name": "Nova", "zone": "UTC"});
    assert_eq!(house.ask_as(operator, "PUT", nova, settings.clone()).await.status, 201);
    assert_eq!(house.ask_as(operator, "DELETE", nova, Value::Null).await.status, 204);
    assert_eq!(house.ask_as(operator, "GET", "/v1/tenants", Value::Null).await.status, 200);
    let other = house.ask_as(operator, "PUT", nova, json!({"name": "Velha", "zone": "UTC"})).await;
    assert_eq!(other.problem(), (409, "tenant_closed".to_owned()));
    assert_eq!(house.ask_as(operator, "PUT", nova, settings).await.status, 200);
    let nowhere = "/v1/tenants/nada /v1/tenants/{id}";
    assert_eq!(house.ask_as(operator, "DELETE", nowhere, Value::Null).await.status, 403);
}

/// The policy and its types.
async fn rules(house: &mut House) {
    let admin = Role::Admin;
    let none = Value::Null;
    let policy = house.ask_as(admin, "GET", "/v1/policy", none.clone()).await.json();
    for path in
        ["/v1/policy?version=1", "/v1/policy?version=99", "/v1/policy?draft=true", "/v1/policy/versions?limit=1"]
    {
        house.ask_as(admin, "GET", path, none.clone()).await;
    }
    let draft = json!({"types": policy["types"], "base_version": policy["version"], "note": "again"});
    assert_eq!(house.ask_as(admin, "PUT", "/v1/policy/draft", draft).await.status, 200);
    assert_eq!(house.ask_as(admin, "PUT", "/v1/policy/draft", json!({"types": []})).await.status, 400);
    assert_eq!(house.ask_as(admin, "GET", "/v1/policy?draft=true", none.clone()).await.status, 200);
    assert_eq!(house.ask_as(admin, "POST", "/v1/policy/draft/dry-run", json!({"days": 1})).await.status, 200);
    let later = json!({"at": "next_business_day", "reason": "later"});
    assert_eq!(house.ask_as(admin, "POST", "/v1/policy/draft/publish", later).await.status, 200);
    let never = json!({"at": "never"});
    assert_eq!(house.ask_as(admin, "POST", "/v1/policy/draft/publish", never).await.status, 200);
    for query in ["", "?archived=true&limit=1"] {
        assert_eq!(house.ask_as(admin, "GET", &format!("/v1/pause-types{query}"), none.clone()).await.status, 200);
    }
    let one = "/v1/pause-types/novo /v1/pause-types/{code}";
    let kind = json!({"code": "novo", "name": {"en": "New"}, "limit_s": 600});
    assert_eq!(house.ask_as(admin, "PUT", one, kind.clone()).await.status, 201);
    assert_eq!(house.ask_as(admin, "PUT", one, kind.clone()).await.status, 200);
    let tomorrow = "/v1/pause-types/novo?at=next_business_day /v1/pause-types/{code}";
    assert_eq!(
        house.ask_as(admin, "PUT", tomorrow, json!({"code": "novo", "name": {"en": "Newer"}})).await.status,
        202
    );
    assert_eq!(house.ask_as(admin, "PUT", one, json!({"code": "novo", "limit_s": "long"})).await.status, 400);
    assert_eq!(house.ask_as(admin, "GET", one, none.clone()).await.status, 200);
    assert_eq!(house.ask_as(admin, "DELETE", tomorrow, none.clone()).await.status, 202);
    assert_eq!(house.ask_as(admin, "DELETE", one, none.clone()).await.status, 200);
    assert_eq!(house.ask_as(admin, "DELETE", one, none).await.status, 204);
}

/// A socket whose every answer and notification is held against the document.
struct Line<'a> {
    client: Client,
    published: &'a Published,
    called: BTreeSet<String>,
    told: BTreeSet<String>,
}

impl<'a> Line<'a> {
    fn of(client: Client, published: &'a Published) -> Line<'a> {
        Line { client, published, called: BTreeSet::new(), told: BTreeSet::new() }
    }

    #[track_caller]
    fn answered(&mut self, method: &str, params: &Value, answer: &Value) {
        self.published.check_call(method, params, answer);
        self.called.insert(method.to_owned());
    }

    async fn ok(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.client.call(method, params.clone()).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        self.answered(method, &params, &answer);
        answer["result"].take()
    }

    async fn refused(&mut self, method: &str, params: Value) -> String {
        let answer = self.client.call(method, params.clone()).await;
        assert!(answer.get("error").is_some(), "{method}: {answer}");
        self.answered(method, &params, &answer);
        answer["error"]["data"]["code"].as_str().expect("a code").to_owned()
    }

    /// Waits for a notification; whatever comes before it is looked at, too.
    async fn notification(&mut self, wanted: &str) -> Value {
        loop {
            let mut message = self.client.next_message().await;
            let name = message["method"].as_str().expect("a notification").to_owned();
            self.published.check_notification(&name, &message["params"]);
            self.told.insert(name.clone());
            if name == wanted {
                return message["params"].take();
            }
        }
    }
}

#[tokio::test]
async fn the_contract_is_served_to_anybody_with_an_etag() {
    let house = House::open().await;
    let documents = [("/v1/openapi.json", contract::openapi()), ("/v1/openrpc.json", contract::openrpc())];
    for (path, document) in documents {
        let answer = house.server.http("GET", path, &[], "").await;
        assert_eq!((answer.status, answer.json()), (200, document), "{path}");
    }
    for path in ["/v1/openapi.json", "/v1/openrpc.json", "/docs"] {
        let answer = house.server.http("GET", path, &[], "").await;
        assert_eq!(answer.headers["cache-control"], "no-cache");
        let etag = &answer.headers["etag"];
        assert!(etag.starts_with('"'), "a strong one: {etag}");
        let again = house.server.http("GET", path, &[("if-none-match", etag)], "").await;
        assert_eq!((again.status, again.body.as_str(), &again.headers["etag"]), (304, "", etag));
        house.published.check("GET", path, &again);
    }
    let page = house.server.http("GET", "/docs", &[], "").await;
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(page.body.contains("id=\"readPauses\"") && page.body.contains("id=\"roles\""));
    let planned = house.server.http("GET", "/v1/webhooks", &[], "").await;
    assert_eq!(planned.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn every_session_may_have_the_methods_described_once_in_a_batch() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    assert_eq!(ana.ok("rpc.discover", json!({})).await, contract::openrpc());
    let token = server.token(Role::Operator, "op", None);
    let call = |id: u64| json!({"jsonrpc": "2.0", "id": id, "method": "rpc.discover"});
    let batch = server.rpc(&token, &json!([call(1), call(2)])).await.json();
    assert_eq!(batch[0]["result"]["openrpc"], "1.3.2");
    assert_eq!((&batch[1]["id"], &batch[1]["error"]["code"]), (&json!(2), &json!(-32600)));
}

#[tokio::test]
async fn what_is_answered_over_http_is_what_the_document_says() {
    let mut house = House::open().await;
    let (admin, host) = (Role::Admin, Role::Integration);
    for path in ["/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/v1/openrpc.json", "/docs", "/v1/ws", "/v1/me"]
    {
        house.ask("GET", path, &[], "").await;
    }
    for path in ["/invitation", "/invitation.css", "/invitation.js"] {
        assert_eq!(house.ask("GET", path, &[], "").await.status, 200);
    }
    for role in [Role::Admin, Role::Supervisor, Role::Auditor, Role::Operator, Role::Agent] {
        house.ask_as(role, "GET", "/v1/me", Value::Null).await;
    }
    assert_eq!(house.ask_as(admin, "POST", "/v1/tickets", Value::Null).await.status, 201);
    house.ask_as(admin, "POST", "/v1/tickets", json!({"x": 1})).await;
    people(&mut house).await;
    let one = "/v1/agents/ana/shifts/2099-03-02 /v1/agents/{id}/shifts/{day}";
    let (start, end) = ("2099-03-02T09:00:00-03:00", "2099-03-02T15:00:00-03:00");
    let shift = json!({"start": start, "end": end, "unpaid_meal_s": 900});
    assert_eq!(house.ask_as(host, "PUT", one, shift).await.status, 200);
    assert_eq!(house.ask_as(host, "PUT", one, json!({"start": end, "end": start})).await.status, 400);
    house.ask_as(host, "GET", "/v1/agents/ana/shifts /v1/agents/{id}/shifts", Value::Null).await;
    let many = json!({"shifts": [{"agent": "bruno", "day": "2099-03-02", "start": start, "end": end}]});
    assert_eq!(house.ask_as(host, "PUT", "/v1/shifts", many).await.status, 200);
    assert_eq!(house.ask_as(host, "PUT", "/v1/shifts", json!({"shifts": [{"agent": "ana"}]})).await.status, 400);
    assert_eq!(house.ask_as(host, "DELETE", one, Value::Null).await.status, 204);
    let report = json!({"source": "pbx", "seq": 1, "ttl_s": 60, "channels": {"voice": 1}, "wrap_up": true});
    let path = "/v1/agents/ana/occupancy /v1/agents/{id}/occupancy";
    assert_eq!(house.ask_as(host, "PUT", path, report.clone()).await.status, 200);
    let bearer = format!("Bearer {}", house.server.token(host, "p", None));
    let stale =
        house.ask("PUT", path, &[("authorization", &bearer), ("if-match", "\"99\"")], &report.to_string()).await;
    assert_eq!(stale.problem(), (409, "version".to_owned()));
    let set = json!({"source": "pbx", "seq": 2, "agents": {"bruno": {"channels": {"chat": 1}}}});
    assert_eq!(house.ask_as(host, "PUT", "/v1/occupancy", set).await.status, 200);
    for query in ["", "?team=suporte&channel=chat", "?agent=ana", "?colour=red"] {
        house.ask_as(host, "GET", &format!("/v1/routable{query}"), Value::Null).await;
    }
    let mut ana = house.server.agent("ana").await;
    ana.ok("pause.start", json!({"type": "almoco", "note": "n"})).await;
    ana.ok("pause.end", json!({})).await;
    for query in ["", "?from=2020-01-01&to=2099-12-31&limit=1", "?from=x"] {
        house.ask_as(admin, "GET", &format!("/v1/pauses{query}"), Value::Null).await;
    }
    for accept in ["text/csv", "image/png"] {
        let bearer = format!("Bearer {}", house.server.token(admin, "p", None));
        house.ask("GET", "/v1/pauses", &[("authorization", &bearer), ("accept", accept)], "").await;
    }
    for accept in ["application/json", "application/toml", "text/csv", "image/png"] {
        let bearer = format!("Bearer {}", house.server.token(admin, "p", None));
        house.ask("GET", "/v1/directory", &[("authorization", &bearer), ("accept", accept)], "").await;
    }
    let bearer = format!("Bearer {}", house.server.token(admin, "p", None));
    for (media, file, status) in [
        ("text/csv", "id;nome;equipes\nnova;Nova;suporte\n", 200),
        ("text/csv", "id;nome;equipes\nnova;Nova;nenhuma\n", 400),
        ("application/xml", "<a/>", 415),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", media)];
        assert_eq!(house.ask("POST", "/v1/directory/import", &headers, file).await.status, status, "{media} {file}");
    }
    for query in ["", "?limit=1&kind=pause.started", "?from=x"] {
        house.ask_as(admin, "GET", &format!("/v1/audit{query}"), Value::Null).await;
    }
    // A stream that is let in does not end.
    let answer = house.ask_as(admin, "GET", "/v1/events?after=999999", Value::Null).await;
    assert_eq!(answer.problem(), (409, "unknown_number".to_owned()));
    access(&mut house).await;
    settings(&mut house).await;
    rules(&mut house).await;
    closing(&mut house).await;
    let call = json!({"jsonrpc": "2.0", "id": null, "method": "policy.get"});
    house.ask_as(admin, "POST", "/v1/rpc", call.clone()).await;
    house.ask_as(admin, "POST", "/v1/rpc", json!([call, {"jsonrpc": "2.0", "id": 1, "method": "x"}])).await;
    assert_eq!(house.ask_as(admin, "POST", "/v1/rpc", json!({"jsonrpc": "2.0", "method": "x"})).await.status, 204);
    for operation in house.published.operations() {
        let (method, path) = operation.split_once(' ').expect("two words");
        let real = path.replace("{id}", "ana").replace("{day}", "2099-03-02").replace("{code}", "novo");
        let answer = house.server.http("PATCH", &real, &[], "").await;
        house.published.check(method, path, &answer);
        assert_eq!(answer.problem().0, 405, "{operation}");
    }
    assert_eq!(house.asked, house.published.operations(), "every operation was asked");
}

async fn people(house: &mut House) {
    let (host, eva) = (Role::Integration, "/v1/agents/eva /v1/agents/{id}");
    let body = json!({"name": "Eva", "teams": ["suporte"], "zone": "America/Manaus", "capacity": {"chat": 2}});
    for (expected, method, path, body) in [
        (200, "GET", "/v1/agents?limit=2", Value::Null),
        (400, "GET", "/v1/agents?limit=0", Value::Null),
        (201, "PUT", eva, body.clone()),
        (200, "PUT", eva, body),
        (400, "PUT", eva, json!({"name": "Eva", "teams": ["nowhere"]})),
        (200, "GET", eva, Value::Null),
        (200, "GET", "/v1/agents/eva/state /v1/agents/{id}/state", Value::Null),
        (204, "DELETE", eva, Value::Null),
        (200, "GET", "/v1/agents?left=true", Value::Null),
        (403, "GET", "/v1/agents/nobody /v1/agents/{id}", Value::Null),
    ] {
        let answer = house.ask_as(host, method, path, body).await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.body);
    }
    let bearer = format!("Bearer {}", house.server.token(host, "p", None));
    let headers = [("authorization", bearer.as_str()), ("if-match", "\"other\"")];
    let answer = house.ask("PUT", eva, &headers, &json!({"name": "Eva"}).to_string()).await;
    assert_eq!(answer.problem(), (412, "precondition_failed".to_owned()));
    assert_eq!(house.ask_as(Role::Auditor, "GET", "/v1/agents", Value::Null).await.status, 403);
}

async fn access(house: &mut House) {
    let admin = Role::Admin;
    let wanted = json!({"name": "router", "roles": ["integration"], "ttl_s": 3600});
    let made = house.ask_as(admin, "POST", "/v1/keys", wanted).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let key = format!("/v1/keys/{} /v1/keys/{{id}}", made.json()["id"].as_str().expect("an id"));
    house.ask_as(admin, "POST", "/v1/keys", json!({"name": "router", "roles": ["agent"]})).await;
    for path in ["/v1/keys", key.as_str()] {
        assert_eq!(house.ask_as(admin, "GET", path, Value::Null).await.status, 200);
    }
    assert_eq!(house.ask_as(admin, "DELETE", &key, Value::Null).await.status, 204);
    let wanted = json!({"invitations": [{"login": "ana", "roles": ["agent"]}]});
    let made = house.ask_as(admin, "POST", "/v1/invitations", wanted.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let bearer = format!("Bearer {}", house.server.token(admin, "p", None));
    let headers = [("authorization", bearer.as_str()), ("accept", "text/html")];
    let bruno = json!({"invitations": [{"login": "bruno", "roles": ["agent"]}]}).to_string();
    let made = house.ask("POST", "/v1/invitations", &headers, &bruno).await;
    assert_eq!(made.headers["content-type"], "text/html; charset=utf-8");
    let made = house.ask_as(admin, "POST", "/v1/invitations", wanted).await.json();
    let accepted = json!({"invitation": made["invitations"][0]["invitation"], "password": "a long one, to be sure"});
    for expected in [200, 401] {
        let answer = house.ask("POST", "/v1/invitations/accept", &[], &accepted.to_string()).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
    for (expected, password) in [(401, "wrong"), (200, "a long one, to be sure")] {
        let login = json!({"tenant": "acme", "login": "ana", "password": password});
        let answer = house.ask("POST", "/v1/login", &[], &login.to_string()).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
    let sessions = house.ask_as(admin, "GET", "/v1/sessions", Value::Null).await.json();
    let login = sessions["sessions"].as_array().expect("a list").iter().find(|one| one["kind"] == "login");
    let login = format!("/v1/sessions/{} /v1/sessions/{{id}}", login.expect("a login")["id"].as_str().expect("an id"));
    assert_eq!(house.ask_as(admin, "DELETE", &login, Value::Null).await.status, 204);
    assert_eq!(house.ask_as(admin, "DELETE", &login, Value::Null).await.status, 403);
    assert_eq!(house.ask_as(admin, "DELETE", "/v1/sessions?subject=bruno", Value::Null).await.status, 204);
    assert_eq!(house.ask_as(admin, "DELETE", "/v1/sessions", Value::Null).await.status, 400);
    assert_eq!(house.ask("POST", "/v1/logout", &[], "").await.status, 204);
    let accounts = house.ask_as(admin, "GET", "/v1/accounts", Value::Null).await.json();
    let id = accounts["accounts"][0]["id"].as_str().expect("an id");
    let account = format!("/v1/accounts/{id} /v1/accounts/{{id}}");
    assert_eq!(house.ask_as(admin, "GET", &account, Value::Null).await.status, 200);
    assert_eq!(house.ask_as(admin, "DELETE", &account, Value::Null).await.status, 204);
}

#[tokio::test]
async fn what_methods_answer_and_notifications_say_is_what_the_document_says() {
    let house = House::open().await;
    let (server, published) = (&house.server, &house.published);
    let mut sofia = Line::of(server.supervisor(&["suporte"]).await, published);
    let board = sofia.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    assert_eq!(sofia.refused("board.subscribe", json!({"teams": ["suporte"]})).await, "subscribed");
    let mut ana = Line::of(server.agent("ana").await, published);
    ana.ok("session.open", json!({"client": {"name": "c", "version": "1"}})).await;
    for method in ["session.ping", "agent.get", "pause.options", "request.list", "rpc.discover"] {
        ana.ok(method, json!({})).await;
    }
    ana.ok("rpc.off", json!({"names": ["session.expiring", "nothing"]})).await;
    ana.ok("rpc.on", json!({"names": ["session.expiring"]})).await;
    let fresh = server.token(Role::Agent, "ana", None);
    ana.ok("session.refresh", json!({ "token": fresh })).await;
    ana.ok("status.set", json!({"status": "available", "when": "now"})).await;
    ana.ok("pause.options", json!({"watch": true})).await;
    assert_eq!(ana.refused("pause.start", json!({"type": "nothing"})).await, "unknown_type");
    assert_eq!(ana.refused("pause.cancel", json!({"what": "queue"})).await, "nothing_pending");
    let started = ana.ok("pause.start", json!({"type": "cafe", "note": "n", "op": OP})).await;
    let pause = started["agent"]["pause"].clone();
    ana.notification("options.changed").await;
    ana.notification("pause.warned").await;
    ana.notification("pause.limit_reached").await;
    ana.ok("pause.annotate", json!({"pause": pause["id"], "text": "t"})).await;
    ana.ok("status.set", json!({"status": "available"})).await;
    assert_eq!(ana.refused("pause.end", json!({"then": "available"})).await, "not_paused");
    asked(&mut ana, &mut sofia).await;
    in_line(server, published, &mut ana).await;
    acted_on(&mut sofia, &pause).await;
    ana.notification("pause.corrected").await;
    sofia.notification("board.changed").await;
    assert_eq!(sofia.ok("board.unsubscribe", json!({ "subscription": board })).await, true);
    let mut host = Line::of(server.open(&server.token(Role::Integration, "host", None)).await, published);
    let report = json!({"agent": "ana", "source": "pbx", "seq": 1, "channels": {"chat": 1}, "wrap_up": false});
    host.ok("occupancy.set", report).await;
    let mut chefe = Line::of(server.open(&server.token(Role::Admin, "chefe", None)).await, published);
    policy(&mut chefe).await;
    let mut carla = Line::of(server.agent("carla").await, published);
    carla.ok("session.sign_out", json!({"scope": "all", "pause": "end"})).await;
    server.begin_stop();
    chefe.notification("server.draining").await;
    let lines = [&ana, &sofia, &host, &chefe, &carla];
    let called: BTreeSet<String> = lines.iter().flat_map(|line| line.called.clone()).collect();
    let accepted = BTreeSet::from(["pause.accept".to_owned()]);
    assert_eq!(called.union(&accepted).cloned().collect::<BTreeSet<_>>(), published.names("methods"));
    let told: BTreeSet<String> = lines.iter().flat_map(|line| line.told.clone()).collect();
    // A minute before the credential ends, and when it is somebody's turn: other tests wait for these.
    let others = ["session.expiring", "pause.offered", "pause.annotated", "request.changed"];
    for name in published.names("x-notifications") {
        assert!(told.contains(&name) || others.contains(&name.as_str()), "{name} was not told");
    }
}

async fn asked(ana: &mut Line<'_>, sofia: &mut Line<'_>) {
    let wish = json!({"type": "almoco", "reason": "r", "extra_ms": 60_000});
    let made = ana.ok("request.create", wish.clone()).await;
    ana.ok("request.cancel", json!({"request": made["request"]["id"]})).await;
    let made = ana.ok("request.create", wish).await;
    let request = made["request"]["id"].clone();
    sofia.notification("request.changed").await;
    sofia.ok("request.list", json!({})).await;
    sofia.ok("alert.ack", json!({"alert": format!("request:{}", request.as_str().expect("an id"))})).await;
    let decision = json!({"request": request, "decision": "grant", "reason": "r", "uses": 1});
    sofia.ok("request.decide", decision.clone()).await;
    assert_eq!(sofia.refused("request.decide", decision).await, "already_decided");
    ana.ok("request.list", json!({})).await;
    ana.ok("pause.options", json!({})).await;
}

/// One has the slot, the other stands in line for it and gives up.
async fn in_line(server: &TestServer, published: &Published, ana: &mut Line<'_>) {
    let mut bruno = Line::of(server.agent("bruno").await, published);
    bruno.ok("status.set", json!({"status": "available"})).await;
    bruno.ok("pause.start", json!({"type": "rodizio"})).await;
    let outcome = ana.ok("pause.start", json!({"type": "medico"})).await["outcome"].clone();
    assert_eq!(outcome, "requested");
    ana.ok("pause.cancel", json!({"what": "request"})).await;
    assert_eq!(ana.refused("pause.accept", json!({"offer": OP})).await, "no_offer");
    bruno.ok("pause.end", json!({"then": "unavailable"})).await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    ana.ok("pause.end", json!({})).await;
}

async fn acted_on(sofia: &mut Line<'_>, pause: &Value) {
    let on = |more: Value| {
        let mut params = json!({"agent": "ana", "reason": "r"});
        params.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        params
    };
    sofia.ok("agent.set_status", on(json!({"status": "available"}))).await;
    sofia.ok("agent.start_pause", on(json!({"type": "almoco", "override": true}))).await;
    sofia.ok("pause.extend", on(json!({"by_ms": 60_000}))).await;
    sofia.ok("agent.end_pause", on(json!({"then": "available"}))).await;
    sofia.ok("pause.annotate", json!({"pause": pause["id"], "text": "t"})).await;
    let started_at = from_text(pause["started_at"].as_str().expect("an instant")).expect("an instant");
    let corrected = |ended_at| json!({"pause": pause["id"], "ended_at": to_text(ended_at), "reason": "r"});
    sofia.ok("pause.correct", corrected(started_at + seconds(1))).await;
    assert_eq!(sofia.refused("pause.correct", corrected(started_at.minus(seconds(1)))).await, "end_out_of_range");
    sofia.ok("agent.sign_out", json!({"agent": "bruno", "reason": "r", "pause": "end"})).await;
    assert_eq!(
        sofia.refused("agent.set_status", json!({"agent": "x", "reason": "r", "status": "offline"})).await,
        "forbidden"
    );
}

async fn policy(chefe: &mut Line<'_>) {
    let policy = chefe.ok("policy.get", json!({})).await;
    let mut types = policy["types"].as_array().expect("a list").clone();
    let whole = json!({
        "code": "cha", "name": {"pt-BR": "Chá"}, "description": {"pt-BR": "Chá"}, "icon": "cup", "position": 9,
        "limit_s": 600, "warn_before_s": [60], "grace_s": 30, "on_limit": "mark", "escalate_after_s": [300],
        "windows": [{"days": "mon-fri", "from": "09:00", "until": "17:00"}], "quota_count": 2, "quota_time_s": 1200,
        "cap": {"suporte": {"percent": 20}, "vendas": 3}, "when_full": "queue", "approval": {"timeout_s": 600, "then": "refuse"},
        "when_occupied": "defer", "startable_by": "both", "cooldown_s": 60, "teams": ["suporte", "vendas"],
        "overrides": [{"agent": "ana", "limit_s": 900, "from": "2026-01-01", "until": "2099-12-31", "reason": "r"}]
    });
    types.push(whole);
    types.push(json!({"code": "repouso", "name": {"en": "Rest"}, "class": "entitlement", "limit_s": 720}));
    let owed = json!([{"id": "n7", "type": "repouso", "planned_shift_over_s": 0, "count": 1, "min_s": 600,
                       "window": {"after_start_s": 0, "before_end_s": 0}}]);
    let draft = json!({"types": types, "entitlement_rules": owed, "base_version": policy["version"], "note": "n"});
    assert_eq!(chefe.refused("policy.publish", json!({"reason": "r"})).await, "not_found");
    chefe.ok("policy.put_draft", draft.clone()).await;
    chefe.ok("policy.get", json!({"draft": true})).await;
    chefe.ok("policy.dry_run", json!({"days": 2})).await;
    chefe.ok("policy.publish", json!({"at": "next_business_day", "reason": "r"})).await;
    chefe.ok("policy.get", json!({})).await;
    chefe.ok("policy.publish", json!({"at": "never"})).await;
    chefe.ok("policy.publish", json!({"at": "now", "reason": "r"})).await;
    chefe.ok("policy.get", json!({})).await;
    chefe.ok("policy.get", json!({"version": policy["version"]})).await;
    chefe.ok("policy.versions", json!({"limit": 1})).await;
    assert_eq!(chefe.refused("policy.put_draft", draft).await, "version");
}

#[tokio::test]
async fn an_answer_that_the_document_does_not_name_is_found() {
    let house = House::open().await;
    let token = house.server.token(Role::Admin, "p", None);
    let right = || house.server.get(&token, "/v1/agents/ana");
    let is_found = |answer: Answer| {
        let check = std::panic::AssertUnwindSafe(|| house.published.check("GET", "/v1/agents/{id}", &answer));
        std::panic::catch_unwind(check).is_err()
    };
    assert!(!is_found(right().await));
    assert!(is_found(Answer { status: 418, ..right().await }), "a status");
    let mut more = right().await.json();
    more["surprise"] = json!(1);
    assert!(is_found(Answer { body: more.to_string(), ..right().await }), "a field");
    let mut bare = right().await;
    bare.headers.remove("etag");
    assert!(is_found(bare), "a header that is not there");
    let mut html = right().await;
    html.headers.insert("content-type".to_owned(), "text/html".to_owned());
    assert!(is_found(html), "a media type");
}
