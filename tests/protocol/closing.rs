//! Tenants that operators close while the server runs: nothing is erased, nobody is left behind, and to whoever holds a credential
//! of one it is a tenant that there is not, until it is opened again.

use std::sync::Arc;
use std::time::Duration;

use intervalo::auth::Role;
use intervalo::domain::closing::ClosingStep;
use intervalo::domain::command::Actor;
use intervalo::domain::event::{Cause, TenantEventBody};
use intervalo::domain::id::{DirectoryVersion, TenantId, TenantSeq};
use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;
use intervalo::store::history::{EventFilter, PAGE_MAX};
use intervalo::store::memory::Fault;
use intervalo::store::verify::verify;
use intervalo::store::{DATABASE_FILE, MemoryJournal, PauseHistory};
use intervalo::transport::{Rate, Settings};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::access::cookie_of;
use crate::events::Follower;
use crate::policy::{available, put_draft, shortly_before_a_day};
use crate::server::{Answer, Client, TestServer};

const PASSWORD: &str = "correct horse battery staple";
const OWN: &str = "/v1/tenants/acme";
const KEY: (&str, &str) = ("idempotency-key", "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5b");
const OTHER_KEY: (&str, &str) = ("idempotency-key", "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5c");
/// A tenant that there never was.
const NOWHERE: &str = "nada";

/// A server, and an operator who is of no tenant that it has.
struct House {
    server: TestServer,
    operator: String,
}

impl House {
    async fn open() -> House {
        House::of(TestServer::start().await)
    }

    fn of(server: TestServer) -> House {
        let operator = server.token_for("casa", Role::Operator, "olga", None, Duration::from_secs(3600));
        House { server, operator }
    }

    async fn restarted(self) -> House {
        House::of(self.server.restarted_after(Timestamp(0)).await)
    }

    /// A socket of `ana`, by a token of after a closing.
    async fn ana(&self) -> Client {
        self.server.open(&self.server.fresh_token_for("acme", Role::Agent, "ana")).await
    }

    async fn ask(&self, bearer: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {bearer}");
        let headers: Vec<(&str, &str)> = [("authorization", bearer.as_str())].iter().chain(headers).copied().collect();
        self.server.http(method, path, &headers, body).await
    }

    async fn close(&self, headers: &[(&str, &str)]) -> Answer {
        self.ask(&self.operator, "DELETE", OWN, headers, "").await
    }

    async fn closed(&self) {
        let closed = self.close(&[]).await;
        assert_eq!((closed.status, closed.body.as_str()), (204, ""), "{closed:?}");
    }

    async fn put(&self, headers: &[(&str, &str)], settings: &Value) -> Answer {
        self.ask(&self.operator, "PUT", OWN, headers, &settings.to_string()).await
    }

    /// Opens it again with the settings that it has, which whoever puts others is told.
    async fn reopened(&self) {
        let refused = self.put(&[], &json!({"name": "Outra", "zone": "UTC"})).await;
        assert_eq!(refused.problem(), (409, "tenant_closed".to_owned()));
        let opened = self.put(&[], &refused.json()["params"]["settings"]).await;
        assert_eq!(opened.status, 200, "{opened:?}");
    }

    async fn listed(&self) -> Value {
        self.server.get(&self.operator, "/v1/tenants").await.json()["tenants"].take()
    }

    fn token(&self, tenant: &str, role: Role) -> String {
        let id = if role == Role::Agent { "ana".to_owned() } else { role.to_string() };
        let teams: Option<&[&str]> = (role == Role::Supervisor).then_some(&["suporte"]);
        self.server.token_for(tenant, role, &id, teams, Duration::from_secs(3600))
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ask(&self.token("acme", Role::Admin), method, path, &[], &body.to_string()).await
    }

    async fn make_key(&self, role: &str) -> String {
        let made = self.admin("POST", "/v1/keys", json!({"name": "programa", "roles": [role]})).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["key"].as_str().expect("a key").to_owned()
    }

    async fn invite(&self, login: &str) -> String {
        let one = json!({"invitations": [{"login": login, "roles": ["auditor"]}]});
        let made = self.admin("POST", "/v1/invitations", one).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["invitations"][0]["invitation"].as_str().expect("a secret").to_owned()
    }

    async fn accept(&self, invitation: &str) -> Answer {
        let body = json!({"invitation": invitation, "password": PASSWORD});
        self.server.http("POST", "/v1/invitations/accept", &[], &body.to_string()).await
    }

    async fn log_in(&self, tenant: &str, password: &str) -> Answer {
        let body = json!({"tenant": tenant, "login": "rita", "password": password});
        self.server.http("POST", "/v1/login", &[], &body.to_string()).await
    }

    async fn browser(&self, cookie: &str, method: &str, path: &str) -> Answer {
        let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
        self.server.http(method, path, &headers, "").await
    }

    async fn ticket(&self, bearer: &str) -> String {
        let made = self.ask(bearer, "POST", "/v1/tickets", &[], "").await;
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["ticket"].as_str().expect("a ticket").to_owned()
    }

    async fn redeem(&self, ticket: &str) -> Value {
        let mut client = self.server.connect(&[]).await.expect("a socket");
        client.call("session.open", json!({ "ticket": ticket })).await
    }

    /// What is on record of the company, as its events are kept.
    async fn record(&self) -> Vec<EntryBody> {
        let history = PauseHistory::open(self.server.folder()).await.expect("the history");
        let acme = TenantId::new("acme").expect("an id");
        let page = history.of(&acme).events(&EventFilter::default(), TenantSeq(0), PAGE_MAX).await.expect("a page");
        assert_eq!(page.reached, page.head, "one page has it all");
        history.close().await;
        page.events.into_iter().map(|entry| entry.body).collect()
    }

    async fn steps(&self) -> Vec<ClosingStep> {
        let step = |body: &EntryBody| {
            let EntryBody::Tenant { event, .. } = body else { return None };
            if let TenantEventBody::Closing { step, .. } = event.body { Some(step) } else { None }
        };
        self.record().await.iter().filter_map(step).collect()
    }
}

/// All that is told by an answer but when.
fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.body.clone())
}

/// An error of a call, without the number of the call.
fn error_of(answer: &Value) -> Value {
    assert!(answer["error"].is_object(), "{answer}");
    answer["error"].clone()
}

#[tokio::test]
async fn promise_a3_a_token_of_a_closed_tenant_is_told_what_one_of_no_tenant_is() {
    let rate = Rate { per_second: 1_000, burst: 10_000 };
    let house = House::of(TestServer::with(Settings { rate, ..Settings::default() }).await);
    let paths = [
        "/v1/me",
        "/v1/agents",
        "/v1/agents/ana",
        "/v1/agents/ana/state",
        "/v1/teams",
        "/v1/channels",
        "/v1/directory",
        "/v1/pause-types",
        "/v1/policy",
        "/v1/policy/versions",
        "/v1/pauses",
        "/v1/audit",
        "/v1/events",
        "/v1/requests",
        "/v1/entitlements",
        "/v1/keys",
        "/v1/accounts",
        "/v1/sessions",
        "/v1/routable",
        "/v1/tenants/acme",
    ];
    let _key = house.make_key("integration").await;
    let invitation = house.invite("rita").await;
    assert_eq!(house.accept(&invitation).await.status, 200);
    assert_eq!(house.log_in("acme", PASSWORD).await.status, 200);
    let tokens: Vec<(Role, String, String)> =
        Role::ALL.into_iter().map(|role| (role, house.token("acme", role), house.token(NOWHERE, role))).collect();
    let (mut let_in, mut compared) = (0, 0);
    for (_, own, _) in &tokens {
        // A stream has no end to wait for.
        for path in paths.iter().filter(|path| **path != "/v1/events") {
            let_in += usize::from(house.server.get(own, path).await.status == 200);
        }
    }
    assert!(let_in > 30, "{let_in} were let in before");
    house.closed().await;
    for (role, own, nowhere) in &tokens {
        for path in paths {
            let answer = house.server.get(own, path).await;
            assert_eq!(told(&answer), told(&house.server.get(nowhere, path).await), "{role} {path}");
            compared += 1;
        }
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "policy.get"});
        assert_eq!(told(&house.server.rpc(own, &call).await), told(&house.server.rpc(nowhere, &call).await));
        let sockets = [own, nowhere].map(|token| ("authorization", format!("Bearer {token}")));
        let mut refused = Vec::new();
        for (name, bearer) in &sockets {
            refused.push(house.server.knock("/v1/ws", &[(*name, bearer.as_str())]).await.err());
        }
        assert!(refused[0].is_some_and(|(status, _)| status == 403) && refused[0] == refused[1], "{role}: {refused:?}");
        let tickets = (house.ticket(own).await, house.ticket(nowhere).await);
        let (own, nowhere) = (house.redeem(&tickets.0).await, house.redeem(&tickets.1).await);
        assert_eq!(error_of(&own), error_of(&nowhere), "{role}");
        for (method, path) in [("PUT", "/v1/teams/x"), ("POST", "/v1/keys"), ("DELETE", "/v1/sessions?subject=ana")] {
            let (own, nowhere) = (house.token("acme", *role), house.token(NOWHERE, *role));
            let of = async |token: &str| told(&house.ask(token, method, path, &[], r#"{"name":"X"}"#).await);
            assert_eq!(of(&own).await, of(&nowhere).await, "{role} {method} {path}");
        }
    }
    assert_eq!(compared, paths.len() * Role::ALL.len());
    assert_eq!(house.steps().await, [ClosingStep::Closed]);
}

#[tokio::test]
async fn promise_a3_what_a_closed_tenant_has_handed_out_is_told_what_one_that_there_is_not_is() {
    let house = House::open().await;
    let key = house.make_key("admin").await;
    let (first, open) = (house.invite("rita").await, house.invite("paulo").await);
    assert_eq!(house.accept(&first).await.status, 200);
    let cookie = cookie_of(&house.log_in("acme", PASSWORD).await);
    let (by_key, of_before) = (house.ticket(&key).await, house.ticket(&key).await);
    assert!(house.redeem(&by_key).await["result"].is_object(), "they let in");
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.status, 200);
    house.closed().await;

    // As ends of them that nobody ever had.
    let bent = |secret: &str| format!("{}{}", &secret[..4], secret[4..].chars().rev().collect::<String>());
    for path in ["/v1/me", "/v1/keys", "/v1/agents"] {
        let (own, none) = (house.server.get(&key, path).await, house.server.get(&bent(&key), path).await);
        assert_eq!((own.status, told(&own)), (401, told(&none)), "{path}");
        let own = house.browser(&cookie, "GET", path).await;
        let none = house.browser("__Host-intervalo=ivl_none", "GET", path).await;
        assert_eq!((own.status, told(&own)), (401, told(&none)), "{path}");
    }
    assert_eq!(house.browser(&cookie, "POST", "/v1/logout").await.status, 204, "who is not in is not out");
    let (own, none) = (house.accept(&open).await, house.accept(&bent(&open)).await);
    assert_eq!((own.status, told(&own)), (401, told(&none)));
    for password in [PASSWORD, "wrong wrong wrong wrong"] {
        let (own, none) = (house.log_in("acme", password).await, house.log_in(NOWHERE, password).await);
        assert_eq!((own.status, told(&own)), (401, told(&none)));
    }
    let refused = house.redeem(&of_before).await;
    assert!(["unauthenticated", "forbidden"].contains(&refused["error"]["data"]["code"].as_str().unwrap_or_default()));
    let kinds: Vec<&str> = house.record().await.iter().map(kind).collect();
    assert_eq!(kinds.last(), Some(&"tenant.closed"), "nothing is on record behind it: {kinds:?}");
}

fn kind(body: &EntryBody) -> &'static str {
    match body {
        EntryBody::Agent { event, .. } => event.body.name(),
        EntryBody::Tenant { event, .. } => event.body.name(),
    }
}

#[tokio::test]
async fn promise_a3_whatever_is_open_of_a_tenant_ends_when_it_is_closed_and_nothing_of_others() {
    let house = House::open().await;
    let key = house.make_key("integration").await;
    let invitation = house.invite("rita").await;
    assert_eq!(house.accept(&invitation).await.status, 200);
    let cookie = cookie_of(&house.log_in("acme", PASSWORD).await);
    let mut ana = available(&house.server, "ana").await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    let mut board = house.server.supervisor(&["suporte"]).await;
    board.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let mut admin = house.server.open(&house.token("acme", Role::Admin)).await;
    let mut by_key = house.server.open(&key).await;
    let made = house.browser(&cookie, "POST", "/v1/tickets").await.json();
    let mut by_login = house.server.connect(&[]).await.expect("a socket");
    by_login.ok("session.open", json!({"ticket": made["ticket"]})).await;
    let mut stream = Follower::begin(&house.server, &house.token("acme", Role::Admin), "", None).await;
    let of_other = |role, id| house.server.token_for("outra", role, id, None, Duration::from_secs(3600));
    let mut other_ana = house.server.open(&of_other(Role::Agent, "ana")).await;
    let mut other_board = house.server.open(&of_other(Role::Admin, "chefe")).await;
    other_board.ok("board.subscribe", json!({"teams": "all"})).await;
    let mut other_stream = Follower::begin(&house.server, &of_other(Role::Admin, "chefe"), "", None).await;

    house.closed().await;
    let closed: [&mut Client; 5] = [&mut ana, &mut board, &mut admin, &mut by_key, &mut by_login];
    for client in closed {
        assert_eq!(client.closed().await, 4401);
    }
    while stream.block().await.is_some() {}
    let state = other_ana.ok("status.set", json!({"status": "available"})).await;
    assert_eq!(state["status"], "available");
    loop {
        let event = other_stream.event().await;
        assert_ne!(event["kind"], "tenant.closed", "that is another's");
        if event["kind"] == "agent.status_changed" {
            break;
        }
    }
    loop {
        let told = other_board.notification("board.changed").await["result"].take();
        let rows = told["agents"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["agent"] == "ana" && row["status"] == "available") {
            break;
        }
    }
    let named = |id: &str| json!({"id": id, "name": "Acme"});
    let mut listed = house.listed().await;
    let closed_at = listed[0]["closed_at"].take();
    assert!(closed_at.as_str().is_some_and(|at| at.ends_with('Z')), "{closed_at}");
    assert_eq!((&listed[0]["id"], &listed[1]), (&json!("acme"), &named("outra")));
}

#[tokio::test]
async fn semantics_6_no_pause_and_no_presence_of_a_closed_tenant_is_without_an_end_on_record() {
    let house = House::open().await;
    let mut ana = available(&house.server, "ana").await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    // Gone for good, with a pause that goes on; and one that nobody else is to know of.
    let mut bruno = available(&house.server, "bruno").await;
    bruno.ok("pause.start", json!({"type": "descanso"})).await;
    bruno.ok("session.sign_out", json!({"scope": "all", "pause": "keep"})).await;
    let mut carla = available(&house.server, "carla").await;
    carla.ok("pause.start", json!({"type": "banheiro"})).await;
    let mut davi = available(&house.server, "=davi").await;
    davi.ok("pause.start", json!({"type": "medico"})).await;

    house.closed().await;
    let record = house.record().await;
    // As others are shown it: of a protected pause there is the sign-out alone.
    let (mut ended, mut signed_out, mut open) = (Vec::new(), Vec::new(), 0_i32);
    for body in &record {
        let EntryBody::Agent { agent, event, .. } = body else { continue };
        let is_closing = event.cause == Cause::TenantClosed;
        if is_closing {
            assert!(matches!(&event.actor, Actor::Integration(id) if id.as_str() == "olga"), "{event:?}");
        }
        match event.body.name() {
            "pause.started" => open += 1,
            "pause.ended" => {
                open -= 1;
                ended.extend(is_closing.then_some(agent.as_str()));
            }
            "agent.signed_out" => signed_out.extend(is_closing.then_some(agent.as_str())),
            "request.cancelled" => assert_eq!((agent.as_str(), is_closing), ("=davi", true)),
            _ => {}
        }
    }
    ended.sort_unstable();
    signed_out.sort_unstable();
    assert_eq!((open, ended), (0, vec!["ana", "bruno"]));
    assert_eq!(signed_out, ["=davi", "ana", "carla"], "who is gone goes no second time");
    let Some(EntryBody::Tenant { event, .. }) = record.last() else { panic!("an agent's event is the last one") };
    let step = TenantEventBody::Closing { step: ClosingStep::Closed, version: DirectoryVersion(2) };
    assert_eq!((&event.body, event.actor.id()), (&step, Some("olga")));

    let path = house.server.folder().join(DATABASE_FILE);
    let mut reader = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.expect("opened");
    let pauses = sqlx::query("SELECT count(*), count(ended_at) FROM pauses WHERE tenant = 'acme'");
    let row = pauses.fetch_one(&mut reader).await.expect("a row");
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (3, 3), "the protected one as well");
    // The store's own check asks the same of every closing.
    let house = house.restarted().await;
    verify(house.server.folder()).await.expect("the evidence is whole");
}

#[tokio::test]
async fn promise_d3_closing_is_asked_for_again_as_often_as_one_likes() {
    let house = House::open().await;
    assert_eq!((house.close(&[KEY]).await.status, house.close(&[KEY]).await.status), (204, 204));
    assert_eq!((house.close(&[OTHER_KEY]).await.status, house.close(&[]).await.status), (204, 204));
    assert_eq!(house.steps().await, [ClosingStep::Closed]);
    house.reopened().await;
    // What was asked before is done, and done once.
    assert_eq!(house.close(&[KEY]).await.status, 204);
    assert_eq!(house.steps().await, [ClosingStep::Closed, ClosingStep::Reopened]);
    let settings = json!({"name": "Acme", "zone": "UTC"});
    assert_eq!(house.put(&[KEY], &settings).await.problem(), (409, "op_reused".to_owned()));
    assert_eq!(house.close(&[OTHER_KEY]).await.status, 204);
    assert_eq!(house.steps().await.len(), 3, "a key under which nothing was done");
    let house = house.restarted().await;
    assert_eq!(house.close(&[OTHER_KEY]).await.status, 204);
    assert_eq!(house.steps().await.len(), 3);
}

#[tokio::test]
async fn promise_a2_tenants_are_closed_by_those_alone_whom_the_table_of_roles_names() {
    let house = House::open().await;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
        let token = house.token("acme", role);
        let answer = house.ask(&token, "DELETE", OWN, &[], "").await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{role}");
    }
    // What there is not is told as on GET.
    let nowhere = house.server.get(&house.operator, "/v1/tenants/nada").await;
    for path in ["/v1/tenants/nada", "/v1/tenants/%FF", "/v1/tenants/no%0Ava"] {
        let answer = house.ask(&house.operator, "DELETE", path, &[], "").await;
        assert_eq!(told(&answer), told(&nowhere), "{path}");
        assert_eq!(answer.status, 403);
    }
    let wrong = house.close(&[("if-match", "\"0123456789abcdef\"")]).await;
    assert_eq!(wrong.problem(), (412, "precondition_failed".to_owned()));
    assert_eq!(house.close(&[("idempotency-key", "x")]).await.problem().0, 400);
    assert!(house.steps().await.is_empty());
    assert_eq!(house.listed().await[0].get("closed_at"), None);
    // Also one's own: an operator is one of the installation, whatever their token says of a tenant.
    let own = house.token("acme", Role::Operator);
    assert_eq!(house.ask(&own, "DELETE", OWN, &[], "").await.status, 204);
    assert_eq!(house.server.get(&own, "/v1/tenants").await.status, 200, "as an operator of no tenant");
}

#[tokio::test]
async fn a_closed_tenant_is_opened_again_with_what_lasts_and_without_what_does_not() {
    let house = House::open().await;
    let key = house.make_key("admin").await;
    let (first, open) = (house.invite("rita").await, house.invite("paulo").await);
    assert_eq!(house.accept(&first).await.status, 200);
    let cookie = cookie_of(&house.log_in("acme", PASSWORD).await);
    let old = house.token("acme", Role::Agent);
    let settings = house.server.get(&key, OWN).await;
    let shown: Value = settings.json();
    house.closed().await;

    let other = json!({"name": "Outra", "zone": "UTC"});
    let refused = house.put(&[], &other).await;
    assert_eq!(refused.problem(), (409, "tenant_closed".to_owned()));
    let params = &refused.json()["params"];
    assert_eq!((&params["settings"], &params["closed_at"]), (&shown, &house.listed().await[0]["closed_at"]));
    let stale = house.put(&[("if-match", "\"0123456789abcdef\"")], &shown).await;
    assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
    assert_eq!(house.put(&[("if-none-match", "*")], &shown).await.problem().0, 412);
    let of_case = house.ask(&house.operator, "PUT", "/v1/tenants/ACME", &[], &shown.to_string()).await;
    assert_eq!(of_case.problem().0, 400, "the id in the settings is another");
    let of_case = house.ask(&house.operator, "PUT", "/v1/tenants/ACME", &[], &other.to_string()).await;
    assert_eq!(of_case.problem(), (409, "tenant_exists".to_owned()), "its id is nobody else's");
    assert_eq!(house.steps().await, [ClosingStep::Closed]);

    let opened = house.put(&[KEY, ("if-match", &settings.headers["etag"])], &shown).await;
    assert_eq!(
        (opened.status, opened.json(), &opened.headers["etag"]),
        (200, shown.clone(), &settings.headers["etag"])
    );
    assert_eq!(house.put(&[KEY], &shown).await.status, 200, "asked again, it is as it was");
    assert_eq!(house.steps().await, [ClosingStep::Closed, ClosingStep::Reopened]);
    assert_eq!(house.listed().await[0].get("closed_at"), None);
    // Tokens and logins of before may be anywhere by now; keys, accounts and invitations are ended one by one.
    assert_eq!(house.server.get(&old, "/v1/me").await.problem().0, 401);
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.problem().0, 401);
    assert_eq!(house.server.get(&key, "/v1/me").await.status, 200);
    assert_eq!(house.accept(&open).await.status, 200);
    let cookie = cookie_of(&house.log_in("acme", PASSWORD).await);
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.status, 200);
    let mut ana = house.ana().await;
    let state = ana.ok("agent.get", json!({})).await;
    assert_eq!((&state["connection"], state.get("pause")), (&json!("connected"), None));
    ana.ok("status.set", json!({"status": "available"})).await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;

    let house = house.restarted().await;
    assert_eq!(house.server.get(&old, "/v1/me").await.problem().0, 401, "after a start as well");
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.status, 200);
    let mut ana = house.ana().await;
    assert_eq!(ana.ok("agent.get", json!({})).await["pause"]["type"], "almoco");
    // The request that opened it does not open it when it comes late.
    house.closed().await;
    assert_eq!(house.put(&[KEY], &shown).await.problem(), (409, "tenant_closed".to_owned()));
    verify(house.server.folder()).await.expect("the evidence is whole");
}

#[tokio::test]
async fn a_tenant_that_was_closed_is_closed_after_a_restart_and_opens_after_one() {
    let house = House::open().await;
    let key = house.make_key("admin").await;
    let old = house.token("acme", Role::Agent);
    house.closed().await;
    let listed = house.listed().await;
    let house = house.restarted().await;
    assert_eq!(house.listed().await, listed);
    assert_eq!(house.server.get(&key, "/v1/me").await.problem().0, 401);
    assert_eq!(house.server.get(&old, "/v1/me").await.problem().0, 403);
    assert_eq!(house.server.get(&house.token("outra", Role::Admin), "/v1/agents").await.status, 200);
    assert_eq!(house.close(&[]).await.status, 204);
    house.reopened().await;
    assert_eq!(house.server.get(&key, "/v1/agents").await.status, 200);
    let mut ana = house.ana().await;
    ana.ok("status.set", json!({"status": "available"})).await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    assert_eq!(house.steps().await, [ClosingStep::Closed, ClosingStep::Reopened]);
}

#[tokio::test]
async fn semantics_5_what_is_planned_for_the_rules_waits_while_a_tenant_is_closed() {
    let (server, begins) = shortly_before_a_day().await;
    let house = House::of(server);
    let key = house.make_key("admin").await;
    let mut chefe = house.server.open(&key).await;
    put_draft(&mut chefe, "almoco", json!({"limit_s": 5400})).await;
    chefe.ok("policy.publish", json!({"reason": "acordo"})).await;
    house.closed().await;
    let is_published = |record: &[EntryBody]| record.iter().filter(|body| kind(body) == "policy.published").count();
    // The day begins while it is closed: with the server up, then with a start of it.
    house.server.clock.sleep_until(begins + Duration::from_millis(1_500)).await;
    assert_eq!(is_published(&house.record().await), 1, "the one that it began with");
    let server = house.server.restarted_after(begins).await;
    let house = House::of(server);
    assert_eq!(is_published(&house.record().await), 1);
    house.reopened().await;
    let mut stream = Follower::begin(&house.server, &key, "?after=0", None).await;
    let mut kinds = Vec::new();
    while kinds.iter().filter(|kind| *kind == "policy.published").count() < 2 {
        kinds.push(stream.event().await["kind"].as_str().expect("a kind").to_owned());
    }
    assert_eq!(kinds.iter().rev().nth(1).map(String::as_str), Some("tenant.reopened"), "{kinds:?}");
}

#[tokio::test]
async fn a_closed_tenant_counts_among_those_that_there_may_be() {
    let server = TestServer::with(Settings { tenants_max: 2, ..Settings::default() }).await;
    let house = House::of(server);
    house.closed().await;
    let more = house.ask(&house.operator, "PUT", "/v1/tenants/nova", &[], r#"{"name":"Nova","zone":"UTC"}"#).await;
    assert_eq!(more.problem(), (409, "too_many_tenants".to_owned()));
    house.reopened().await;
}

#[tokio::test]
async fn a_tenant_that_was_closed_before_anybody_came_still_has_its_link() {
    let house = House::open().await;
    let (path, settings) = ("/v1/tenants/nova", r#"{"name":"Nova","zone":"UTC"}"#);
    let ask = async |method: &str| house.ask(&house.operator, method, path, &[], settings).await;
    let made = ask("PUT").await;
    assert_eq!((made.status, ask("DELETE").await.status), (201, 204));
    let link = |answer: &Answer| answer.json()["invitation"]["invitation"].as_str().map(str::to_owned);
    assert_eq!(house.accept(&link(&made).expect("a link")).await.status, 401);
    let opened = ask("PUT").await;
    assert_eq!((opened.status, link(&opened)), (200, None), "the one of before holds");
    let again = ask("PUT").await;
    assert_eq!(house.accept(&link(&again).expect("another link")).await.status, 200);
}

#[tokio::test]
async fn promise_d4_a_tenant_that_could_not_be_closed_is_as_it_was() {
    let journal = Arc::new(MemoryJournal::new(1));
    let house = House::of(TestServer::over(Arc::clone(&journal)).await);
    let admin = house.token("acme", Role::Admin);
    assert_eq!(house.listed().await.as_array().map(Vec::len), Some(2), "it is up, and has written its start");
    for fault in [Fault::Unavailable, Fault::UnknownNotWritten] {
        let mut open = house.server.open(&admin).await;
        journal.inject(fault.clone());
        assert_eq!(house.close(&[KEY]).await.status, 503, "{fault:?}");
        assert_eq!(open.closed().await, 4401, "the doors were shut");
        assert_eq!(house.server.get(&admin, "/v1/agents").await.status, 200, "{fault:?}: and are open again");
        assert_eq!(house.listed().await[0].get("closed_at"), None);
    }
    let _ana = available(&house.server, "ana").await;
    journal.inject(Fault::UnknownWritten);
    assert_eq!(house.close(&[KEY]).await.status, 204, "what was written after all counts");
    assert_eq!(house.server.get(&admin, "/v1/agents").await.status, 403);
    journal.verify().expect("the evidence is whole");
}

#[tokio::test]
async fn of_those_who_close_a_tenant_at_once_one_does() {
    let house = House::open().await;
    let _ana = available(&house.server, "ana").await;
    let answers = tokio::join!(house.close(&[]), house.close(&[KEY]), house.close(&[OTHER_KEY]), house.close(&[]));
    let (one, two, three, four) = answers;
    assert_eq!([one, two, three, four].map(|answer| answer.status), [204; 4]);
    assert_eq!(house.steps().await, [ClosingStep::Closed]);
}
