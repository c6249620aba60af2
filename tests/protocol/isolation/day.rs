//! The day of the tenant that is compared: the same steps each time, each waited for until everybody has seen it.

use std::time::Duration;

use intervalo::auth::Role;
use intervalo::ports::Clock;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::rival::OPS;
use super::{Given, HandClock, OWN};
use crate::events::Follower;
use crate::server::{Answer, Client, TestServer};

/// Between two steps; more than a stream waits between two looks at the journal.
const STEP_MS: i64 = 30;
/// How many ids are tried that somebody else's pauses may have.
const GUESSES: u128 = 64;

pub(super) struct Day<'a> {
    server: &'a TestServer,
    clock: &'a HandClock,
    rival: Option<watch::Receiver<u64>>,
    given: Given,
}

/// Somebody with a board.
struct Watcher(Client);

impl Watcher {
    /// Waits for a row of this version.
    async fn sees(&mut self, agent: &str, version: &Value) {
        loop {
            let frame = self.0.notification("board.changed").await;
            let rows = frame["result"]["agents"].as_array().cloned().unwrap_or_default();
            if rows.iter().any(|row| row["agent"] == agent && row["version"].as_u64() >= version.as_u64()) {
                return;
            }
        }
    }
}

/// Everybody who looks on.
struct Watchers {
    sofia: Watcher,
    chefe: Watcher,
}

impl Watchers {
    async fn see(&mut self, state: &Value) {
        let agent = state["agent"].as_str().expect("an agent");
        self.sofia.sees(agent, &state["version"]).await;
        self.chefe.sees(agent, &state["version"]).await;
    }
}

/// An agent hears of their own state.
async fn hears(agent: &mut Client, state: &Value) {
    while agent.notification("agent.changed").await["version"].as_u64() < state["version"].as_u64() {}
}

impl<'a> Day<'a> {
    pub(super) fn new(server: &'a TestServer, clock: &'a HandClock, rival: Option<watch::Receiver<u64>>) -> Day<'a> {
        Day { server, clock, rival, given: Given::new() }
    }

    /// Lets a moment pass, in which the neighbour has done something.
    async fn step(&mut self) {
        self.clock.pass(STEP_MS);
        if let Some(rival) = &mut self.rival {
            let seen = *rival.borrow_and_update();
            rival.wait_for(|rounds| *rounds > seen).await.expect("it has no end");
        }
    }

    fn token(&self, role: Role, id: &str) -> String {
        let teams: Option<&[&str]> = (role == Role::Supervisor).then_some(&["suporte", "vendas"]);
        self.server.token_for(OWN, role, id, teams, Duration::from_secs(3600))
    }

    async fn open(&mut self, role: Role, id: &str) -> Client {
        self.step().await;
        self.server.open(&self.token(role, id)).await
    }

    /// A command of an agent's own, until everybody has seen what came of it.
    async fn does(&mut self, agent: &mut Client, all: &mut Watchers, method: &str, params: Value) -> Value {
        self.step().await;
        let answer = agent.ok(method, params).await;
        let state = if answer.get("version").is_some() { answer.clone() } else { answer["agent"].clone() };
        hears(agent, &state).await;
        all.see(&state).await;
        answer
    }

    fn keep(&mut self, whose: &str, answer: &Answer) {
        let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| *name != "date").collect();
        let line = format!("{} {headers:?} {}", answer.status, answer.body);
        self.given.entry(whose.to_owned()).or_default().push(line);
    }

    /// What a client was sent: answers in their order, and the notifications of each kind in theirs.
    fn keep_heard(&mut self, whose: &str, client: &Client) {
        for text in &client.heard {
            let message: Value = serde_json::from_str(text).expect("JSON");
            let kind = message["method"].as_str().unwrap_or("answers");
            self.given.entry(format!("{whose}: {kind}")).or_default().push(text.clone());
        }
    }

    /// From the first hour to the last; all that anybody was given.
    pub(super) async fn live(mut self) -> Given {
        let mut all = self.watchers().await;
        let [mut ana, mut bruno, mut carla] = self.agents(&mut all).await;
        self.pauses(&mut all, &mut ana, &mut bruno, &mut carla).await;
        self.supervision(&mut all, &mut carla).await;
        self.administration(&mut all).await;
        self.readers().await;
        for (id, mut agent) in [("ana", ana), ("bruno", bruno), ("carla", carla)] {
            self.step().await;
            let state = agent.ok("status.set", json!({"status": "offline"})).await;
            hears(&mut agent, &state).await;
            all.see(&state).await;
            agent.ok("session.sign_out", json!({"scope": "all"})).await;
            agent.closed().await;
            self.keep_heard(id, &agent);
        }
        self.keep_heard("sofia", &all.sofia.0);
        self.keep_heard("chefe", &all.chefe.0);
        self.given
    }

    async fn watchers(&mut self) -> Watchers {
        let mut sofia = Watcher(self.open(Role::Supervisor, "sofia").await);
        let mut chefe = Watcher(self.open(Role::Admin, "chefe").await);
        for watcher in [&mut sofia, &mut chefe] {
            watcher.0.ok("board.subscribe", json!({"teams": "all"})).await;
            watcher.0.notification("board.changed").await;
        }
        Watchers { sofia, chefe }
    }

    async fn agents(&mut self, all: &mut Watchers) -> [Client; 3] {
        let mut opened = Vec::new();
        for (id, op) in [("ana", 0), ("bruno", 1), ("carla", 2)] {
            let mut agent = self.open(Role::Agent, id).await;
            let state = agent.ok("agent.get", json!({})).await;
            all.see(&state).await;
            self.does(&mut agent, all, "status.set", json!({"status": "available", "op": OPS[op]})).await;
            opened.push(agent);
        }
        opened.try_into().unwrap_or_else(|_| panic!("three"))
    }

    async fn pauses(&mut self, all: &mut Watchers, ana: &mut Client, bruno: &mut Client, carla: &mut Client) {
        let lunch = json!({"type": "almoco", "note": "já volto", "op": OPS[3]});
        self.does(ana, all, "pause.start", lunch.clone()).await;
        self.step().await;
        // Sent again, it is answered with what it led to.
        ana.ok("pause.start", lunch).await;
        for pause_type in ["feedback", "nada", "ginastica"] {
            bruno.call("pause.start", json!({"type": pause_type})).await;
        }
        bruno.ok("pause.options", json!({})).await;
        self.does(bruno, all, "pause.start", json!({"type": "rodizio"})).await;
        self.does(ana, all, "pause.end", json!({})).await;
        self.does(ana, all, "pause.start", json!({"type": "rodizio"})).await;
        self.does(bruno, all, "pause.end", json!({})).await;
        let offered = ana.notification("pause.offered").await;
        self.does(ana, all, "pause.accept", json!({"offer": offered["offer"]})).await;
        self.does(carla, all, "pause.start", json!({"type": "banheiro"})).await;
        self.does(carla, all, "pause.end", json!({})).await;
        // Warned after a second, over after two.
        self.does(carla, all, "pause.start", json!({"type": "cafe"})).await;
        self.clock.pass(1_000);
        carla.notification("pause.warned").await;
        self.clock.pass(1_000);
        carla.notification("pause.limit_reached").await;
        let state = carla.ok("agent.get", json!({})).await;
        assert_eq!(state["status"], "unavailable", "the pause is over: {state}");
        hears(carla, &state).await;
        all.see(&state).await;
    }

    async fn supervision(&mut self, all: &mut Watchers, carla: &mut Client) {
        let asked = self.does(carla, all, "pause.start", json!({"type": "medico"})).await;
        self.step().await;
        let grant = json!({"request": asked["agent"]["request"]["id"], "decision": "grant", "reason": "melhoras"});
        all.sofia.0.ok("request.decide", grant).await;
        let state = carla.ok("agent.get", json!({})).await;
        hears(carla, &state).await;
        all.see(&state).await;
        self.step().await;
        let wish = json!({"agent": "carla", "reason": "chega"});
        let state = all.sofia.0.ok("agent.end_pause", wish).await["agent"].take();
        hears(carla, &state).await;
        all.see(&state).await;
        // Ids of pauses that are somebody else's, where they are anybody's.
        for id in 1..=GUESSES {
            let pause = uuid_of(id);
            all.sofia.0.call("pause.annotate", json!({"pause": pause, "text": "de quem é?"})).await;
            let ended_at = "2026-11-22T09:00:01.000Z";
            all.chefe.0.call("pause.correct", json!({"pause": pause, "ended_at": ended_at, "reason": "não foi"})).await;
        }
    }

    async fn administration(&mut self, all: &mut Watchers) {
        self.step().await;
        let bearer = format!("Bearer {}", self.token(Role::Admin, "chefe"));
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", OPS[0])];
        let answer = self.server.http("PUT", "/v1/teams/tarde", &headers, r#"{"name":"Tarde"}"#).await;
        self.keep("PUT /v1/teams/tarde", &answer);
        self.step().await;
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", OPS[3])];
        let body = r#"{"name":"Nova","teams":["suporte"]}"#;
        let answer = self.server.http("PUT", "/v1/agents/nova", &headers, body).await;
        self.keep("PUT /v1/agents/nova", &answer);
        all.see(&json!({"agent": "nova", "version": 0})).await;
        self.step().await;
        let chefe = &mut all.chefe.0;
        let policy = chefe.ok("policy.get", json!({})).await;
        let draft = json!({"types": policy["types"], "base_version": policy["version"], "note": "a mesma"});
        chefe.ok("policy.put_draft", draft).await;
        chefe.ok("policy.publish", json!({"at": "now", "reason": "acordo"})).await;
        let headers = [("authorization", bearer.as_str())];
        for (path, body) in [
            ("/v1/agents/nova/shifts/2026-11-22", r#"{"start":"2026-11-22T11:00:00Z","end":"2026-11-22T19:00:00Z"}"#),
            ("/v1/agents/nova/occupancy", r#"{"source":"pbx","seq":1,"channels":{"chat":1}}"#),
        ] {
            self.step().await;
            let answer = self.server.http("PUT", path, &headers, body).await;
            self.keep(path, &answer);
        }
    }

    /// Everything that can be read, of all forms.
    async fn readers(&mut self) {
        self.step().await;
        let paths = [
            "/v1/me",
            "/v1/agents?left=true",
            "/v1/agents/ana",
            "/v1/agents/ana/state",
            "/v1/agents/carla/state",
            "/v1/agents/nova/shifts",
            "/v1/teams",
            "/v1/channels",
            "/v1/tenants/filial",
            "/v1/policy",
            "/v1/policy/versions",
            "/v1/pause-types?archived=true",
            "/v1/requests?state=granted",
            "/v1/requests",
            "/v1/entitlements",
            "/v1/pauses",
            "/v1/pauses?limit=1",
            "/v1/audit?limit=1000",
            "/v1/audit?limit=3",
            "/v1/audit?after=1000000",
            "/v1/events?after=1000000",
            "/v1/sessions",
            "/v1/keys",
            "/v1/accounts",
            "/v1/routable?team=suporte&channel=chat",
            "/v1/tenants",
            "/v1/directory",
        ];
        for (role, id) in
            [(Role::Admin, "chefe"), (Role::Auditor, "olga"), (Role::Supervisor, "sofia"), (Role::Agent, "ana")]
        {
            let token = self.token(role, id);
            for path in paths {
                let answer = self.server.get(&token, path).await;
                self.keep(&format!("{id}: GET {path}"), &answer);
            }
            let bearer = format!("Bearer {token}");
            for (path, accept) in [
                ("/v1/pauses", "text/csv"),
                ("/v1/audit?limit=1000", "application/x-ndjson"),
                ("/v1/directory", "application/toml"),
                ("/v1/directory", "text/csv"),
            ] {
                let headers = [("authorization", bearer.as_str()), ("accept", accept)];
                let answer = self.server.http("GET", path, &headers, "").await;
                self.keep(&format!("{id}: GET {path} as {accept}"), &answer);
            }
        }
        let last = self.server.get(&self.token(Role::Admin, "chefe"), "/v1/audit?limit=1000").await.json();
        let last = last["events"].as_array().and_then(|events| events.last()).expect("events")["seq"].as_u64();
        let mut stream = Follower::begin(self.server, &self.token(Role::Integration, "host"), "", Some(0)).await;
        while stream.last_id < last {
            let lines = stream.block().await.expect("it goes on");
            let lines: Vec<String> = lines.into_iter().filter(|line| !line.starts_with(':')).collect();
            if lines.len() > 1 {
                self.given.entry("host: GET /v1/events".to_owned()).or_default().extend(lines);
            }
        }
        assert!(self.clock.now() < super::BEGIN + Duration::from_secs(60), "nobody's reading is on record yet");
    }
}

/// An id as it is written.
fn uuid_of(id: u128) -> String {
    let digits = format!("{id:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
