//! A tenant that is closed while the server is killed: it is as it was, or closed with nobody in it; and the request again closes it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use intervalo::auth::{Grant, Role, TokenKey};
use intervalo::clock::SystemClock;
use intervalo::domain::id::{PrincipalId, TenantId};
use intervalo::domain::time::Timestamp;
use intervalo::ports::Clock;
use intervalo_loadtest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::binary::{DataFolder, Server};
use crate::company::{TENANT, agent, company};

/// More than leave at once, so that a closing is several batches long.
const AGENTS: usize = 160;
/// How many requests are answered between the one that closes and the kill, in each round.
const ANSWERED_BEFORE_KILL: [usize; 6] = [0, 2, 8, 16, 32, 96];

/// One request; the status and the body, or none where the server went away before it answered.
async fn ask(address: SocketAddr, bearer: String, method: &str, path: &str, body: String) -> Option<(u16, Value)> {
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok())?;
    Some((status, serde_json::from_str(body).unwrap_or_default()))
}

/// The company, and who may do what in it.
struct Company {
    folder: DataFolder,
    operator: String,
    /// Of a host application, which holds after the company was opened again.
    key: String,
}

impl Company {
    async fn found() -> Company {
        let folder = DataFolder::with(&company(AGENTS, "60s")).await;
        let operator = folder.token("casa", "operator", "olga", &[]).await;
        let admin = folder.token(TENANT, "admin", "rita", &[]).await;
        let server = folder.serve().await;
        let wanted = json!({"name": "pbx", "roles": ["integration"]}).to_string();
        let made = ask(server.address, admin, "POST", "/v1/keys", wanted).await.expect("an answer");
        let key = made.1["key"].as_str().expect("a key").to_owned();
        server.kill().await;
        Company { folder, operator, key }
    }

    async fn asked(&self, server: &Server, method: &str, body: &Value) -> (u16, Value) {
        let (operator, path) = (self.operator.clone(), format!("/v1/tenants/{TENANT}"));
        ask(server.address, operator, method, &path, body.to_string()).await.expect("an answer")
    }

    async fn is_closed(&self, server: &Server) -> bool {
        let list: Value = serde_json::from_str(&server.get("/v1/tenants", &self.operator).await.body).expect("JSON");
        assert_eq!(list["tenants"][0]["id"], TENANT);
        list["tenants"][0].get("closed_at").is_some()
    }

    /// With the settings that it has, which whoever puts others is told.
    async fn reopen(&self, server: &Server) {
        let (status, refused) = self.asked(server, "PUT", &json!({"name": "x", "zone": "UTC"})).await;
        assert_eq!((status, &refused["code"]), (409, &json!("tenant_closed")), "{refused}");
        let (status, opened) = self.asked(server, "PUT", &refused["params"]["settings"]).await;
        assert_eq!(status, 200, "{opened}");
    }

    /// Everybody is there and on a pause. Tokens are of the next second: those of the one in which the company was closed are
    /// void when it is open again.
    async fn all_pause(&self, server: &Server) -> Vec<Client> {
        let (key, url) = (TokenKey::read_or_make(&self.folder.path()).expect("the key"), server.url());
        let at = SystemClock::start(Timestamp(0)).now() + Duration::from_secs(1);
        let mut clients = Vec::new();
        for n in 0..AGENTS {
            let (id, tenant) = (PrincipalId::new(&agent(n)).expect("an id"), TenantId::new(TENANT).expect("an id"));
            let grant = Grant { id, tenant, roles: BTreeSet::from([Role::Agent]), teams: None };
            let token = key.issue(&grant, at, Duration::from_secs(3600)).expect("a token");
            let client = Client::connect(&url, &token).await.expect("the server is ready");
            client.call("pause.start", json!({"type": "reuniao"})).await.expect("it may begin");
            clients.push(client);
        }
        clients
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_d1_a_tenant_that_is_closed_under_kills_is_as_it_was_or_closed_whole() {
    let company = Company::found().await;
    for answered_before in ANSWERED_BEFORE_KILL {
        let server = company.folder.serve().await;
        if company.is_closed(&server).await {
            company.reopen(&server).await;
        }
        let _clients = company.all_pause(&server).await;
        let (address, operator, path) = (server.address, company.operator.clone(), format!("/v1/tenants/{TENANT}"));
        let closing = tokio::spawn(async move { ask(address, operator, "DELETE", &path, String::new()).await });
        for _ in 0..answered_before {
            assert_eq!(server.get("/healthz", &company.operator).await.status, 200);
        }
        server.kill().await;
        let answered = closing.await.expect("no panic");
        let verified = company.folder.run(&["verify"]).await;
        assert_eq!(verified.code, Some(0), "whoever is closed is whole: {verified:?}");

        let server = company.folder.serve().await;
        let is_closed = company.is_closed(&server).await;
        if let Some((status, body)) = answered {
            assert_eq!((status, is_closed), (204, true), "what was answered stays: {body}");
        }
        let of_key = server.get("/v1/routable", &company.key).await;
        assert_eq!(of_key.status, if is_closed { 401 } else { 200 }, "{}", of_key.body);
        assert_eq!(company.asked(&server, "DELETE", &json!({})).await.0, 204, "the request again finishes it");
        assert!(company.is_closed(&server).await);
        server.kill().await;
        let verified = company.folder.run(&["verify"]).await;
        assert_eq!(verified.code, Some(0), "nobody is left behind: {verified:?}");
    }

    // The tools go on working on it; only what would change it is refused.
    let exported = company.folder.run(&["export", "--tenant", TENANT]).await;
    assert_eq!(exported.code, Some(0), "{exported:?}");
    let token = company.folder.run(&["token", "--tenant", TENANT, "--role", "admin", "--subject", "rita"]).await;
    assert!(token.code == Some(0) && token.err.contains("is closed"), "{token:?}");
    let file = company.folder.file("again.toml", &exported.out);
    let imported = company.folder.run(&["import", file.to_str().expect("text")]).await;
    assert_eq!(imported.code, Some(1), "{imported:?}");
    assert!(imported.err.contains("is closed since") && imported.err.contains("PUT /v1/tenants/"), "{}", imported.err);
}
