//! The neighbour that does everything at once, under the same names, ids and ops.

use std::cell::Cell;
use std::time::Duration;

use intervalo::auth::Role;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::server::{Client, TestServer};

/// Ops that the own tenant sends as well.
pub(super) const OPS: [&str; 4] = [
    "01890a5d-ac96-774b-bcce-b302099a8057",
    "01890a5d-ac96-774b-bcce-b302099a8058",
    "01890a5d-ac96-774b-bcce-b302099a8059",
    "01890a5d-ac96-774b-bcce-b302099a805a",
];

/// A tenant that never rests.
pub(super) struct Rival<'a> {
    server: &'a TestServer,
    tenant: &'a str,
    rounds: watch::Sender<u64>,
    changes: Cell<u64>,
}

impl<'a> Rival<'a> {
    pub(super) fn new(server: &'a TestServer, tenant: &'a str) -> Rival<'a> {
        Rival { server, tenant, rounds: watch::Sender::new(0), changes: Cell::new(0) }
    }

    /// How many rounds its people have gone through.
    pub(super) fn progress(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Does it for ever.
    pub(super) async fn rage(&self) {
        tokio::join!(
            self.agent("ana"),
            self.agent("bruno"),
            self.agent("carla"),
            self.supervisor(),
            self.administrator(),
            self.reader(),
            self.flood(),
        );
    }

    /// Is closed by an operator and opened again, for ever, with people in it each time.
    pub(super) async fn close_and_open(&self) {
        let path = format!("/v1/tenants/{}", self.tenant);
        for round in 0_u64.. {
            // Others each time, for time stands still and with it their rate.
            let olga = self.server.fresh_token_for("casa", Role::Operator, &format!("olga {round}"));
            let bearer = format!("Bearer {olga}");
            let ask = async |method: &str, body: Value| {
                self.server.http(method, &path, &[("authorization", &bearer)], &body.to_string()).await
            };
            let agent = ["ana", "bruno", "carla"][(round % 3) as usize];
            let mut agent = self.server.open(&self.server.fresh_token_for(self.tenant, Role::Agent, agent)).await;
            agent.call("status.set", json!({"status": "available", "op": OPS[0]})).await;
            agent.call("pause.start", json!({"type": "almoco", "op": OPS[1]})).await;
            let closed = ask("DELETE", json!({})).await;
            let refused = ask("PUT", json!({"name": "Outra", "zone": "UTC"})).await;
            let opened = ask("PUT", refused.json()["params"]["settings"].clone()).await;
            assert_eq!((closed.status, opened.status), (204, 200), "{closed:?} {refused:?} {opened:?}");
            self.rounds.send_modify(|rounds| *rounds += 1);
        }
    }

    fn token(&self, role: Role, id: &str) -> String {
        let teams: Option<&[&str]> = (role == Role::Supervisor).then_some(&["suporte", "vendas"]);
        self.server.token_for(self.tenant, role, id, teams, Duration::from_secs(3600))
    }

    async fn open(&self, role: Role, id: &str) -> Client {
        self.server.open(&self.token(role, id)).await
    }

    /// In and out of everything, often refused.
    async fn agent(&self, id: &str) {
        loop {
            let mut agent = self.open(Role::Agent, id).await;
            let calls = [
                ("status.set", json!({"status": "available", "op": OPS[0]})),
                ("pause.start", json!({"type": "almoco", "note": "o do vizinho", "op": OPS[1]})),
                ("pause.start", json!({"type": "cafe"})),
                ("pause.end", json!({"op": OPS[2]})),
                ("pause.start", json!({"type": "rodizio"})),
                ("pause.options", json!({"watch": true})),
                ("pause.start", json!({"type": "feedback"})),
                ("pause.start", json!({"type": "nada"})),
                ("pause.cancel", json!({"what": "queue"})),
                ("pause.end", json!({})),
                ("pause.start", json!({"type": "banheiro"})),
                ("pause.end", json!({})),
                ("pause.start", json!({"type": "medico"})),
                ("pause.cancel", json!({"what": "request"})),
                ("status.set", json!({"status": "unavailable"})),
            ];
            for (method, params) in calls {
                agent.call(method, params).await;
            }
            agent.vanish();
            self.rounds.send_modify(|rounds| *rounds += 1);
        }
    }

    async fn supervisor(&self) {
        let mut sofia = self.open(Role::Supervisor, "sofia").await;
        loop {
            let board = sofia.call("board.subscribe", json!({"teams": "all"})).await["result"].take();
            for agent in ["ana", "bruno", "carla"] {
                sofia.call("agent.set_status", json!({"agent": agent, "status": "available", "reason": "já"})).await;
                let wish = json!({"agent": agent, "type": "almoco", "reason": "agora", "override": true});
                sofia.call("agent.start_pause", wish).await;
                sofia.call("pause.extend", json!({"agent": agent, "by_ms": 1000, "reason": "mais"})).await;
                sofia.call("agent.end_pause", json!({"agent": agent, "reason": "chega"})).await;
            }
            sofia.call("request.list", json!({})).await;
            sofia.call("board.unsubscribe", json!([board])).await;
        }
    }

    /// Policies, people, keys and invitations.
    async fn administrator(&self) {
        let mut chefe = self.open(Role::Admin, "chefe").await;
        let token = format!("Bearer {}", self.token(Role::Admin, "chefe"));
        loop {
            let round = self.changes.replace(self.changes.get() + 1);
            // The own tenant makes the same team and the same person, under the same op.
            let put = |op| [("authorization", token.as_str()), ("idempotency-key", op)];
            self.server.http("PUT", "/v1/teams/tarde", &put(OPS[0]), r#"{"name":"Tarde"}"#).await;
            self.server.http("PUT", "/v1/agents/nova", &put(OPS[3]), r#"{"name":"Nova","teams":["suporte"]}"#).await;
            let headers = [("authorization", token.as_str())];
            let (path, body) = (format!("/v1/agents/n{}", round % 50), json!({"name": format!("N {round}")}));
            self.server.http("PUT", &path, &headers, &body.to_string()).await;
            let policy = chefe.call("policy.get", json!({})).await["result"].take();
            let draft = json!({"types": policy["types"], "base_version": policy["version"], "note": "outra"});
            chefe.call("policy.put_draft", draft).await;
            chefe.call("policy.publish", json!({"at": "now", "reason": "mais uma"})).await;
            let key = json!({"name": format!("chave {round}"), "roles": ["integration"]});
            self.server.http("POST", "/v1/keys", &headers, &key.to_string()).await;
            let invitation = json!({"invitations": [{"login": format!("l{}", round % 20), "roles": ["auditor"]}]});
            self.server.http("POST", "/v1/invitations", &headers, &invitation.to_string()).await;
            self.server.http("POST", "/v1/tickets", &headers, "").await;
            let shifts = json!({"start": "2026-11-22T11:00:00Z", "end": "2026-11-22T19:00:00Z"});
            self.server.http("PUT", "/v1/agents/ana/shifts/2026-11-22", &headers, &shifts.to_string()).await;
            let work = json!({"source": "pbx", "seq": round, "channels": {"voice": round % 2}});
            self.server.http("PUT", "/v1/agents/bruno/occupancy", &headers, &work.to_string()).await;
        }
    }

    async fn reader(&self) {
        let (admin, olga) = (self.token(Role::Admin, "leitor"), self.token(Role::Auditor, "olga"));
        loop {
            for path in
                ["/v1/audit?limit=1000", "/v1/pauses", "/v1/directory", "/v1/sessions", "/v1/keys", "/v1/policy"]
            {
                self.server.get(&admin, path).await;
            }
            let headers = [("authorization", &*format!("Bearer {olga}")), ("accept", "text/csv")];
            self.server.http("GET", "/v1/pauses", &headers, "").await;
            self.server.get(&admin, "/v1/events?after=1000000").await;
        }
    }

    /// More than it may, and what is none of its business.
    async fn flood(&self) {
        let mut many = self.open(Role::Admin, "enchente").await;
        loop {
            let batch: Vec<Value> = (0..16)
                .map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "agent.set_status", "params": {"agent": "ninguem", "status": "available", "reason": "x"}}))
                .collect();
            many.send(Value::from(batch).to_string()).await;
            if many.receive().await.is_err() {
                many = self.open(Role::Admin, "enchente").await;
            }
            let refused = json!({"tenant": self.tenant, "login": "sofia", "password": "errada errada errada"});
            self.server.http("POST", "/v1/login", &[], &refused.to_string()).await;
        }
    }
}
