//! Keys, accounts, invitations, logins, tickets and sessions: who comes in with them, and is out when they end
//! (promises A2, A3, A4).

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::domain::time::seconds;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::server::{Answer, Client, TestServer};

const PASSWORD: &str = "correct horse battery staple";
const KEY: &str = "6f1b1a2e-3c4d-4e5f-8a9b-0c1d2e3f4a5b";

struct House {
    server: TestServer,
    admin: String,
}

impl House {
    async fn open() -> House {
        let server = TestServer::start().await;
        let admin = server.token(Role::Admin, "chefe", None);
        House { server, admin }
    }

    /// One request with a bearer credential.
    async fn with(&self, bearer: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {bearer}");
        self.server.http(method, path, &[("authorization", &bearer)], &body.to_string()).await
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        self.with(&self.admin, method, path, &body).await
    }

    /// One request of a browser that has logged in.
    async fn browser(&self, cookie: &str, method: &str, path: &str) -> Answer {
        let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
        self.server.http(method, path, &headers, "").await
    }

    async fn make_key(&self, body: Value) -> (String, String) {
        let answer = self.admin("POST", "/v1/keys", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let made = answer.json();
        (text(&made["id"]), text(&made["key"]))
    }

    async fn invite(&self, login: &str, role: &str) -> String {
        let one = json!({"login": login, "subject": login.to_lowercase(), "roles": [role]});
        let answer = self.admin("POST", "/v1/invitations", json!({"invitations": [one]})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        text(&answer.json()["invitations"][0]["invitation"])
    }

    async fn accept(&self, invitation: &str, password: &str) -> Answer {
        let body = json!({"invitation": invitation, "password": password});
        self.server.http("POST", "/v1/invitations/accept", &[], &body.to_string()).await
    }

    async fn try_login(&self, tenant: &str, login: &str, password: &str) -> Answer {
        let body = json!({"tenant": tenant, "login": login, "password": password});
        self.server.http("POST", "/v1/login", &[], &body.to_string()).await
    }

    /// Somebody with an account logs in; their cookie.
    async fn login(&self, login: &str) -> String {
        let answer = self.try_login("acme", login, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        cookie_of(&answer)
    }

    async fn account(&self, login: &str, role: &str) {
        let invitation = self.invite(login, role).await;
        let answer = self.accept(&invitation, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// A socket that is opened by a ticket.
    async fn by_ticket(&self, cookie: &str) -> Client {
        let made = self.browser(cookie, "POST", "/v1/tickets").await;
        assert_eq!(made.status, 201, "{made:?}");
        let mut client = self.server.connect(&[]).await.expect("a socket");
        client.ok("session.open", json!({"ticket": made.json()["ticket"]})).await;
        client
    }

    /// The kinds and bodies of all events of the tenant.
    async fn journal(&self) -> Vec<(String, Value)> {
        let path = self.server.folder().join(intervalo::store::DATABASE_FILE);
        let mut reader = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.expect("opened");
        let rows = sqlx::query("SELECT kind, body FROM journal WHERE tenant = 'acme' ORDER BY seq");
        let rows = rows.fetch_all(&mut reader).await.expect("rows");
        let event = |body: String| serde_json::from_str::<Value>(&body).expect("JSON")["event"].take();
        rows.iter().map(|row| (row.get(0), event(row.get(1)))).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

pub(crate) fn cookie_of(answer: &Answer) -> String {
    let set = &answer.headers["set-cookie"];
    for word in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.split("; ").any(|part| part == word), "{word} in {set}");
    }
    assert!(!set.to_ascii_lowercase().contains("domain="), "{set}");
    let pair = set.split(';').next().expect("a pair");
    assert!(pair.starts_with("__Host-intervalo=ivl_"), "{pair}");
    pair.to_owned()
}

fn kinds(journal: &[(String, Value)]) -> Vec<&str> {
    let is_access = |kind: &&str| ["key.", "account.", "login.", "access."].iter().any(|of| kind.starts_with(of));
    journal.iter().map(|(kind, _)| kind.as_str()).filter(is_access).collect()
}

#[tokio::test]
async fn promise_a3_a_key_lets_a_program_in_until_it_is_ended() {
    let house = House::open().await;
    let wanted = json!({"name": "roteador", "roles": ["integration"], "ttl_s": 3600});
    let (id, key) = house.make_key(wanted).await;
    assert!(key.starts_with("ivk_"));
    let me = house.with(&key, "GET", "/v1/me", &json!({})).await.json();
    assert_eq!(me["principal"]["id"], "roteador");
    assert_eq!((&me["principal"]["kind"], &me["credential"]["kind"]), (&json!("integration"), &json!("key")));
    assert_eq!(house.with(&key, "GET", "/v1/agents/ana/state", &json!({})).await.status, 200);
    // It is no token for what its role may not do.
    assert_eq!(house.with(&key, "GET", "/v1/keys", &json!({})).await.problem(), (403, "forbidden".to_owned()));
    let mut socket = house.server.open(&key).await;
    let mut by_call = house.server.connect(&[]).await.expect("a socket");
    by_call.ok("session.open", json!({"token": key})).await;
    let mut other = house.server.open(&house.admin).await;

    let shown = house.admin("GET", &format!("/v1/keys/{id}"), json!({})).await.json();
    assert!(shown["used_at"].is_string() && shown["key"].is_null(), "{shown}");
    assert_eq!(house.admin("DELETE", &format!("/v1/keys/{id}"), json!({})).await.status, 204);
    assert_eq!((socket.closed().await, by_call.closed().await), (4401, 4401));
    other.ok("session.ping", json!({})).await;
    assert_eq!(house.with(&key, "GET", "/v1/me", &json!({})).await.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(house.server.connect(&[("authorization", &format!("Bearer {key}"))]).await.err(), Some(401));
    assert_eq!(house.admin("DELETE", &format!("/v1/keys/{id}"), json!({})).await.status, 204, "again");
    let listed = house.admin("GET", "/v1/keys", json!({})).await.json();
    assert!(listed["keys"][0]["ended_at"].is_string() && listed["keys"].as_array().map(Vec::len) == Some(1));
}

#[tokio::test]
async fn promise_d3_a_key_is_made_once_however_often_it_is_asked_for() {
    let house = House::open().await;
    let body = json!({"name": "bi", "roles": ["auditor"]}).to_string();
    let bearer = format!("Bearer {}", house.admin);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", KEY)];
    let first = house.server.http("POST", "/v1/keys", &headers, &body).await;
    let again = house.server.http("POST", "/v1/keys", &headers, &body).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert!(again.json()["key"].is_null(), "a secret is handed out once");
    let other = json!({"name": "bi", "roles": ["admin"]}).to_string();
    let other = house.server.http("POST", "/v1/keys", &headers, &other).await;
    assert_eq!(other.problem(), (409, "op_reused".to_owned()));
    assert_eq!(house.admin("GET", "/v1/keys", json!({})).await.json()["keys"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn promise_a2_only_an_administrator_hands_out_and_ends_credentials() {
    let house = House::open().await;
    let (id, _) = house.make_key(json!({"name": "roteador", "roles": ["integration"]})).await;
    let asked = [
        ("POST", "/v1/keys".to_owned()),
        ("GET", "/v1/keys".to_owned()),
        ("GET", format!("/v1/keys/{id}")),
        ("DELETE", format!("/v1/keys/{id}")),
        ("GET", "/v1/accounts".to_owned()),
        ("GET", format!("/v1/accounts/{id}")),
        ("DELETE", format!("/v1/accounts/{id}")),
        ("POST", "/v1/invitations".to_owned()),
        ("DELETE", "/v1/sessions?subject=ana".to_owned()),
    ];
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Admin) {
        let token = house.server.token(role, "ana", Some(&["suporte"]));
        for (method, path) in &asked {
            let answer = house.with(&token, method, path, &json!({"name": "x", "roles": ["admin"]})).await;
            assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{role} {method} {path}");
        }
    }
    // Another company's administrator finds nothing either.
    let other = house.server.token_for("outra", Role::Admin, "chefe", None, Duration::from_secs(60));
    for (method, path) in [("GET", format!("/v1/keys/{id}")), ("DELETE", format!("/v1/keys/{id}"))] {
        assert_eq!(house.with(&other, method, &path, &json!({})).await.problem().0, 403, "{method} {path}");
    }
    assert_eq!(house.with(&other, "GET", "/v1/keys", &json!({})).await.json(), json!({"keys": []}));
}

#[tokio::test]
async fn a_person_is_invited_logs_in_works_by_ticket_and_logs_out() {
    let house = House::open().await;
    house.account("Ana", "agent").await;
    let cookie = house.login("ana").await;
    let me = house.browser(&cookie, "GET", "/v1/me").await.json();
    assert_eq!((&me["principal"]["id"], &me["credential"]["kind"]), (&json!("ana"), &json!("login")));
    let mut socket = house.by_ticket(&cookie).await;
    socket.ok("pause.options", json!({})).await;
    let sessions = house.browser(&cookie, "GET", "/v1/sessions").await.json();
    let told: Vec<(&Value, &Value, &Value)> = sessions["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (&one["kind"], &one["subject"], &one["current"]))
        .collect();
    let (ana, yes, no) = (json!("ana"), json!(true), json!(false));
    assert_eq!(told, [(&json!("socket"), &ana, &no), (&json!("login"), &ana, &yes)]);
    let answer = house.browser(&cookie, "POST", "/v1/logout").await;
    assert_eq!(answer.status, 204);
    assert!(answer.headers["set-cookie"].contains("Max-Age=0"));
    assert_eq!(socket.closed().await, 4401);
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.problem(), (401, "unauthenticated".to_owned()));
    let told = ["account.invited", "account.password_set", "login.began", "login.ended"];
    assert_eq!(kinds(&house.journal().await), told);
}

#[tokio::test]
async fn an_invitation_is_used_once_and_a_new_one_voids_those_of_before() {
    let house = House::open().await;
    let first = house.invite("sofia", "supervisor").await;
    let second = house.invite("Sofia", "supervisor").await;
    let refused = house.accept(&first, PASSWORD).await;
    assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()), "replaced");
    let weak = house.accept(&second, "short").await;
    assert_eq!((weak.problem().0, &weak.json()["params"]["field"]), (400, &json!("password")));
    assert_eq!(house.accept(&second, PASSWORD).await.json(), json!({"tenant": "acme", "login": "sofia"}));
    assert_eq!(house.accept(&second, PASSWORD).await.problem().0, 401, "used");
    let cookie = house.login("SOFIA").await;
    // A new invitation alone changes nothing; when it is used, whoever knew the password of before is out.
    let third = house.invite("sofia", "supervisor").await;
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.status, 200);
    assert_eq!(house.accept(&third, "another fine long password").await.status, 200);
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.problem().0, 401);
    assert_eq!(house.try_login("acme", "sofia", PASSWORD).await.problem().0, 401);
    let both = tokio::join!(async {
        let fourth = house.invite("sofia", "supervisor").await;
        let (one, other) = tokio::join!(house.accept(&fourth, PASSWORD), house.accept(&fourth, "yet another password"));
        let mut both = [one.status, other.status];
        both.sort_unstable();
        both
    });
    assert_eq!(both.0, [200, 401], "of two at once one is first");
}

#[tokio::test]
async fn who_is_invited_again_stays_whom_the_account_speaks_for() {
    let house = House::open().await;
    house.account("Ana", "agent").await;
    let again = json!({"invitations": [{"login": "ANA", "roles": ["agent"]}]});
    assert_eq!(house.admin("POST", "/v1/invitations", again.clone()).await.status, 201);
    let listed = house.admin("GET", "/v1/accounts", json!({})).await.json();
    assert_eq!((&listed["accounts"][0]["login"], &listed["accounts"][0]["subject"]), (&json!("Ana"), &json!("ana")));
    let bearer = format!("Bearer {}", house.admin);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", KEY)];
    let refused = house.server.http("POST", "/v1/invitations", &headers, &again.to_string()).await;
    assert_eq!(refused.json()["params"]["field"], "Idempotency-Key", "another link each time");
}

#[tokio::test]
async fn promise_a3_a_cut_voids_what_somebody_could_still_come_in_with() {
    let house = House::open().await;
    let invitation = house.invite("ana", "agent").await;
    assert_eq!(house.admin("DELETE", "/v1/sessions?subject=ana", json!({})).await.status, 204);
    assert_eq!(house.accept(&invitation, PASSWORD).await.problem().0, 401);
    // Whoever tries a link that is void is on record.
    let at = house.server.clock.now();
    let server = house.server.restarted_after(at).await;
    let house = House { server, admin: String::new() };
    let told: Vec<Value> = house
        .journal()
        .await
        .into_iter()
        .filter(|(kind, _)| kind == "access.refused")
        .map(|(_, event)| event)
        .collect();
    assert_eq!(told, [json!({"access.refused": {"door": "invitation", "count": 1}})]);
}

#[tokio::test]
async fn a_parameter_that_a_path_does_not_know_is_refused_before_anything_is_done() {
    let house = House::open().await;
    let refused = [
        ("DELETE", "/v1/agents/ana?dry_run=true", "dry_run"),
        ("POST", "/v1/keys?ttl_s=60", "ttl_s"),
        ("GET", "/v1/me?x", "x"),
        ("GET", "/v1/agents?li%6Dit=1", "li%6Dit"),
        ("POST", "/v1/logout?x=1&y=2", "x"),
    ];
    for (method, path, name) in refused {
        let answer = house.admin(method, path, json!({"name": "k", "roles": ["admin"]})).await;
        assert_eq!((answer.problem().0, &answer.json()["params"]["field"]), (400, &json!(name)), "{method} {path}");
    }
    assert_eq!(house.admin("GET", "/v1/agents/ana", json!({})).await.json()["left_at"], Value::Null);
    assert_eq!(house.admin("GET", "/v1/keys", json!({})).await.json(), json!({"keys": []}));
    assert_eq!(house.admin("PATCH", "/v1/me?x=1", json!({})).await.problem().0, 405);
    assert_eq!(house.server.http("GET", "/healthz?from=a-balancer", &[], "").await.status, 200);
}

#[tokio::test]
async fn invitations_can_be_printed() {
    let house = House::open().await;
    let bearer = format!("Bearer {}", house.admin);
    let headers = [("authorization", bearer.as_str()), ("accept", "text/html")];
    let body = json!({"invitations": [{"login": "<ana>", "subject": "ana", "roles": ["agent"]}]}).to_string();
    let sheet = house.server.http("POST", "/v1/invitations", &headers, &body).await;
    assert_eq!((sheet.status, sheet.headers["content-type"].as_str()), (201, "text/html; charset=utf-8"));
    assert!(sheet.body.contains("&lt;ana&gt;") && !sheet.body.contains("<ana>"));
    let link = format!("http://{}/invitation#", house.server.address);
    let (_, after) = sheet.body.split_once(&link).expect("a link that can be opened");
    let invitation = after.split('<').next().expect("its end");
    assert_eq!(house.accept(invitation, PASSWORD).await.status, 200);
    assert!(sheet.headers["content-security-policy"].starts_with("default-src 'none'; style-src 'sha256-"));
}

#[tokio::test]
async fn the_page_behind_an_invitation_loads_nothing_from_elsewhere() {
    let house = House::open().await;
    let page = house.server.http("GET", "/invitation", &[], "").await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    let policy = &page.headers["content-security-policy"];
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let parts = page.body.split('"').filter(|part| part.starts_with("/invitation."));
    for (path, kind) in parts.zip(["text/css", "text/javascript"]) {
        let part = house.server.http("GET", path, &[], "").await;
        assert!(part.status == 200 && part.headers["content-type"].starts_with(kind), "{path}");
        assert!(!part.body.contains("http://") && !part.body.contains("https://"), "{path}");
    }
    assert!(!page.body.contains("<script>") && !page.body.contains("style="), "nothing inline");
}

#[tokio::test]
async fn promise_a3_every_wrong_login_is_answered_in_the_same_words_and_guessing_gets_slow() {
    let house = House::open().await;
    house.account("ana", "agent").await;
    let wrong = house.try_login("acme", "ana", "wrong horse battery staple").await;
    assert_eq!(wrong.problem(), (401, "unauthenticated".to_owned()));
    for (tenant, login) in [("acme", "nobody"), ("nowhere", "ana"), ("outra", "ana"), ("", "ana"), ("acme", "\u{7}")] {
        assert_eq!(house.try_login(tenant, login, PASSWORD).await.body, wrong.body, "{tenant} {login}");
    }
    for _ in 0..7 {
        assert_eq!(house.try_login("acme", "ana", "wrong").await.problem().0, 401);
    }
    let slowed = house.try_login("acme", "ana", PASSWORD).await;
    assert_eq!(slowed.problem(), (429, "rate_limited".to_owned()), "the right one too: else guessing would go on");
    assert!(slowed.json()["params"]["retry_after_ms"].as_u64().is_some_and(|ms| (1..=30_000).contains(&ms)));
    assert_eq!(house.try_login("acme", "sofia", "wrong").await.problem().0, 401, "nobody else is slowed");
    // It is on record, counted, when the minute is over or the server stops.
    let at = house.server.clock.now();
    let server = house.server.restarted_after(at).await;
    let house = House { server, admin: String::new() };
    let journal = house.journal().await;
    let refused: u64 = journal.iter().filter_map(|(_, event)| event["access.refused"]["count"].as_u64()).sum();
    assert_eq!(refused, 8 + 1 + 1, "of ana, nobody and sofia: {journal:?}");
}

#[tokio::test]
async fn promise_a6_a_page_of_another_site_does_nothing_with_a_login() {
    let house = House::open().await;
    house.account("ana", "agent").await;
    let cookie = house.login("ana").await;
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = [("cookie", cookie.as_str())].iter().chain(headers).copied().collect();
        let answer = house.server.http(method, path, &all, "").await;
        if answer.status < 300 { (answer.status, String::new()) } else { answer.problem() }
    };
    let foreign = (403, "cross_site".to_owned());
    for site in ["cross-site", "same-site"] {
        assert_eq!(ask("GET", "/v1/me", &[("sec-fetch-site", site)]).await, foreign);
        assert_eq!(ask("POST", "/v1/tickets", &[("sec-fetch-site", site)]).await, foreign);
        assert_eq!(ask("POST", "/v1/logout", &[("sec-fetch-site", site)]).await, foreign);
        assert_eq!(ask("POST", "/v1/login", &[("sec-fetch-site", site)]).await, foreign);
    }
    assert_eq!(ask("POST", "/v1/tickets", &[("origin", "https://evil.example")]).await, foreign, "an old browser");
    assert_eq!(ask("GET", "/v1/me", &[]).await.0, 200, "no browser");
    assert_eq!(house.server.connect(&[("cookie", &cookie), ("origin", "https://evil.example")]).await.err(), Some(403));
    // On a socket a cookie is no credential at all.
    let mut socket = house.server.connect(&[("cookie", &cookie)]).await.expect("a socket");
    assert_eq!(socket.refused("agent.get", json!({})).await.0, -32001);
}

#[tokio::test]
async fn promise_a3_a_ticket_opens_one_socket_of_the_page_that_asked_for_it() {
    let house = House::open().await;
    house.account("ana", "agent").await;
    let cookie = house.login("ana").await;
    let origin = format!("http://{}", house.server.address);
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin"), ("origin", origin.as_str())];
    let make = async || text(&house.server.http("POST", "/v1/tickets", &headers, "").await.json()["ticket"]);
    let (ticket, other) = (make().await, make().await);
    let mut elsewhere = house.server.connect(&[]).await.expect("a socket");
    assert_eq!(elsewhere.refused("session.open", json!({"ticket": other})).await.0, -32001, "of no page");
    let mut page = house.server.connect(&[("origin", &origin)]).await.expect("a socket");
    page.ok("session.open", json!({"ticket": ticket})).await;
    let mut again = house.server.connect(&[("origin", &origin)]).await.expect("a socket");
    assert_eq!(again.refused("session.open", json!({"ticket": ticket})).await.0, -32001, "used");
    assert_eq!(again.refused("session.open", json!({"ticket": ticket, "token": "x"})).await.0, -32602);
    assert_eq!(house.with(&ticket, "GET", "/v1/me", &json!({})).await.problem().0, 401, "it opens sockets alone");
}

#[tokio::test]
async fn promise_a3_what_somebody_came_in_with_is_cut_at_once_and_for_good() {
    let house = House::open().await;
    house.account("ana", "agent").await;
    let cookie = house.login("ana").await;
    let old = house.server.token(Role::Agent, "ana", None);
    let (mut by_token, mut by_ticket) = (house.server.open(&old).await, house.by_ticket(&cookie).await);
    let mut bruno = house.server.agent("bruno").await;
    assert_eq!(house.admin("DELETE", "/v1/sessions", json!({})).await.problem().0, 400, "whose?");
    assert_eq!(house.admin("DELETE", "/v1/sessions?subject=ana", json!({})).await.status, 204);
    assert_eq!((by_token.closed().await, by_ticket.closed().await), (4401, 4401));
    assert_eq!(house.with(&old, "GET", "/v1/me", &json!({})).await.problem().0, 401);
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.problem().0, 401);
    bruno.ok("session.ping", json!({})).await;
    // A token says in whole seconds when it was issued; one of the next second is one of after.
    let at = house.server.clock.now() + seconds(2);
    let server = house.server.restarted_after(at).await;
    let house = House { admin: server.token(Role::Admin, "chefe", None), server };
    assert_eq!(house.with(&old, "GET", "/v1/me", &json!({})).await.problem().0, 401, "after a restart");
    let new = house.server.token(Role::Agent, "ana", None);
    assert_eq!(house.with(&new, "GET", "/v1/me", &json!({})).await.status, 200);
    house.login("ana").await;
}

#[tokio::test]
async fn promise_a3_sessions_are_ended_by_their_own_and_by_administrators_alone() {
    let house = House::open().await;
    house.account("ana", "agent").await;
    house.account("bruno", "agent").await;
    let (ana, bruno) = (house.login("ana").await, house.login("bruno").await);
    let mut socket = house.by_ticket(&ana).await;
    let of_ana = house.admin("GET", "/v1/sessions?subject=ana", json!({})).await.json();
    let ids: Vec<String> = of_ana["sessions"].as_array().expect("a list").iter().map(|one| text(&one["id"])).collect();
    assert_eq!(ids.len(), 2, "{of_ana}");
    for id in &ids {
        let path = format!("/v1/sessions/{id}");
        assert_eq!(house.browser(&bruno, "DELETE", &path).await.problem().0, 403);
        let stranger = house.server.token_for("outra", Role::Admin, "chefe", None, Duration::from_secs(60));
        assert_eq!(house.with(&stranger, "DELETE", &path, &json!({})).await.problem().0, 403);
    }
    assert_eq!(house.browser(&bruno, "GET", "/v1/sessions?subject=ana").await.problem().0, 403);
    assert_eq!(house.browser(&bruno, "DELETE", "/v1/sessions/none").await.problem().0, 403);
    // A page at a time, and none twice.
    let (mut told, mut path) = (Vec::new(), "/v1/sessions?limit=1".to_owned());
    loop {
        let page = house.admin("GET", &path, json!({})).await.json();
        told.extend(page["sessions"].as_array().expect("a list").iter().map(|one| text(&one["id"])));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/sessions?limit=1&cursor={next}");
    }
    assert_eq!(told.len(), 3, "two logins and a socket: {told:?}");
    assert_eq!(house.browser(&ana, "DELETE", &format!("/v1/sessions/{}", ids[0])).await.status, 204, "the socket");
    assert_eq!(socket.closed().await, 4401);
    assert_eq!(house.browser(&ana, "GET", "/v1/me").await.status, 200, "the login goes on");
    assert_eq!(house.admin("DELETE", &format!("/v1/sessions/{}", ids[1]), json!({})).await.status, 204);
    assert_eq!(house.browser(&ana, "GET", "/v1/me").await.problem().0, 401);
}

#[tokio::test]
async fn promise_a3_a_key_that_is_ended_while_a_socket_opens_with_it_leaves_none_behind() {
    let house = House::open().await;
    for number in 0..8 {
        let wanted = json!({"name": format!("roteador-{number}"), "roles": ["integration"], "ttl_s": 3600});
        let (id, key) = house.make_key(wanted).await;
        let credential = format!("Bearer {key}");
        let (header, path) = ([("authorization", credential.as_str())], format!("/v1/keys/{id}"));
        let (opened, ended) = tokio::join!(house.server.connect(&header), house.admin("DELETE", &path, json!({})));
        assert_eq!(ended.status, 204);
        match opened {
            Ok(mut socket) => assert_eq!(socket.closed().await, 4401, "it was let in, and is not in"),
            Err(status) => assert_eq!(status, 401),
        }
    }
}

#[tokio::test]
async fn promise_a3_an_account_that_is_ended_lets_nobody_in_until_it_is_invited_again() {
    let house = House::open().await;
    house.account("sofia", "supervisor").await;
    let cookie = house.login("sofia").await;
    let mut socket = house.by_ticket(&cookie).await;
    let listed = house.admin("GET", "/v1/accounts", json!({})).await.json();
    assert_eq!(listed["accounts"][0]["has_password"], true, "{listed}");
    let path = format!("/v1/accounts/{}", text(&listed["accounts"][0]["id"]));
    assert_eq!(house.admin("DELETE", &path, json!({})).await.status, 204);
    assert_eq!(socket.closed().await, 4401);
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.problem().0, 401);
    assert_eq!(house.try_login("acme", "sofia", PASSWORD).await.problem().0, 401);
    assert!(house.admin("GET", &path, json!({})).await.json()["ended_at"].is_string());
    house.account("sofia", "auditor").await;
    let cookie = house.login("sofia").await;
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.json()["principal"]["kind"], "auditor");
}

#[tokio::test]
async fn the_last_administrator_who_can_come_in_is_not_ended() {
    let house = House::open().await;
    let path_of = async |login: &str| {
        let listed = house.admin("GET", "/v1/accounts", json!({})).await.json();
        let found = listed["accounts"].as_array().expect("a list").iter().find(|one| one["login"] == login);
        format!("/v1/accounts/{}", text(&found.expect("an account")["id"]))
    };
    house.account("rita", "admin").await;
    house.account("sofia", "supervisor").await;
    house.invite("otto", "admin").await;
    let rita = path_of("rita").await;
    let refused = house.admin("DELETE", &rita, json!({})).await;
    assert_eq!(refused.problem(), (409, "last_administrator".to_owned()), "an invitation is no way in yet");
    let cookie = house.login("rita").await;
    assert_eq!(house.browser(&cookie, "DELETE", &rita).await.problem().0, 409);
    assert_eq!(house.admin("DELETE", &path_of("otto").await, json!({})).await.status, 204, "who cannot come in may go");
    assert_eq!(house.admin("DELETE", &path_of("sofia").await, json!({})).await.status, 204);

    let (id, _) = house.make_key(json!({"name": "chave", "roles": ["admin"]})).await;
    assert_eq!(house.admin("DELETE", &format!("/v1/keys/{id}"), json!({})).await.status, 204);
    assert_eq!(house.admin("DELETE", &rita, json!({})).await.problem().0, 409, "a key that was ended is none");
    house.account("otto", "admin").await;
    assert_eq!(house.browser(&cookie, "DELETE", &rita).await.status, 204, "there is another one");
    house.make_key(json!({"name": "outra", "roles": ["admin"]})).await;
    assert_eq!(house.admin("DELETE", &path_of("otto").await, json!({})).await.status, 204, "there is a key");
}

#[tokio::test]
async fn a_password_is_changed_with_the_one_of_before_and_others_are_out() {
    let house = House::open().await;
    house.account("sofia", "supervisor").await;
    let (first, second) = (house.login("sofia").await, house.login("sofia").await);
    let change = async |password: &str, new: &str| {
        let body = json!({"tenant": "acme", "login": "sofia", "password": password, "new_password": new});
        house.server.http("POST", "/v1/login", &[], &body.to_string()).await
    };
    for unfit in ["short", PASSWORD, "aaaaaaaaaaaaaaaaaaaa"] {
        let refused = change(PASSWORD, unfit).await;
        assert_eq!((refused.problem().0, &refused.json()["params"]["field"]), (400, &json!("new_password")), "{unfit}");
    }
    assert_eq!(change("wrong", "another fine long password").await.problem().0, 401);
    let changed = change(PASSWORD, "another fine long password").await;
    assert_eq!(changed.status, 200);
    for cookie in [first, second] {
        assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.problem().0, 401);
    }
    assert_eq!(house.browser(&cookie_of(&changed), "GET", "/v1/me").await.status, 200);
    assert_eq!(house.try_login("acme", "sofia", PASSWORD).await.problem().0, 401);
}

#[tokio::test]
async fn an_agent_who_has_left_is_not_let_in() {
    let house = House::open().await;
    house.account("ana", "agent").await;
    let cookie = house.login("ana").await;
    assert_eq!(house.admin("DELETE", "/v1/agents/ana", json!({})).await.status, 204);
    assert_eq!(house.browser(&cookie, "GET", "/v1/me").await.problem(), (403, "unknown_agent".to_owned()));
    assert_eq!(house.try_login("acme", "ana", PASSWORD).await.problem().0, 401);
    let one = json!({"invitations": [{"login": "ana", "roles": ["agent"]}]});
    let refused = house.admin("POST", "/v1/invitations", one).await;
    assert_eq!(refused.json()["params"]["field"], "invitations[0].subject", "{refused:?}");
}

#[tokio::test]
async fn promise_a4_no_secret_is_kept_or_told_again() {
    let house = House::open().await;
    let (id, key) = house.make_key(json!({"name": "bi", "roles": ["auditor"]})).await;
    house.account("ana", "agent").await;
    let invitation = house.invite("sofia", "supervisor").await;
    let cookie = house.login("ana").await;
    let mut told = String::new();
    for path in ["/v1/keys", &format!("/v1/keys/{id}"), "/v1/accounts", "/v1/sessions", "/v1/me", "/v1/agents"] {
        told += &house.admin("GET", path, json!({})).await.body;
    }
    told += &house.server.http("GET", "/metrics", &[], "").await.body;
    let mut kept = Vec::new();
    for file in std::fs::read_dir(house.server.folder()).expect("the folder") {
        kept.extend(std::fs::read(file.expect("a file").path()).expect("read"));
    }
    let cookie = cookie.split_once('=').expect("a pair").1;
    for secret in [&key, &invitation, cookie, PASSWORD] {
        // What is in front of it is no secret, and the id of the credential neither.
        let secret = if secret == PASSWORD { secret } else { &secret[26..] };
        assert!(!told.contains(secret), "a secret is told again");
        assert!(!kept.windows(secret.len()).any(|window| window == secret.as_bytes()), "a secret is kept");
    }
    assert!(kept.windows(10).any(|window| window == b"$argon2id$"), "the files are looked at");
}
