//! Tokens of other issuers, and agents who come into the directory with their first session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use futures_util::future::join_all;
use intervalo::auth::Role;
use intervalo::config::{Issuer, KeysAt, Provision, SignatureAlgorithm};
use intervalo::domain::command::Actor;
use intervalo::domain::event::TenantEventBody;
use intervalo::domain::id::{PrincipalId, TenantId};
use intervalo::ports::{EntryBody, Journal, ShardId, ShardSeq};
use intervalo::store::MemoryJournal;
use intervalo::store::memory::Fault;
use intervalo::transport::Settings;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::server::{Answer, TestServer};

const ISS: &str = "https://login.example.com/";

/// A provider of identities with one key, and a server that believes it.
struct House {
    server: TestServer,
    journal: Arc<MemoryJournal>,
    key: EncodingKey,
    _folder: TempDir,
}

impl House {
    /// Agents whom the directory does not have are put into it.
    async fn open() -> House {
        House::with(Settings::default(), |issuer| issuer).await
    }

    /// With an issuer that is bent as a test wants it; its keys stand in the file that it says.
    async fn with(settings: Settings, bend: impl FnOnce(Issuer) -> Issuer) -> House {
        let folder = tempfile::tempdir().expect("a folder");
        let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).expect("a key");
        let key = EncodingKey::from_ed_der(pkcs8.as_ref());
        let public = Jwk::from_encoding_key(&key, Algorithm::EdDSA).expect("a public half");
        let path = folder.path().join("keys.json");
        std::fs::write(&path, json!({ "keys": [public] }).to_string()).expect("written");
        let issuer = Issuer {
            iss: PrincipalId::new(ISS).expect("an id"),
            keys: KeysAt::File(path),
            aud: "desk".to_owned(),
            algorithms: vec![SignatureAlgorithm::EdDsa],
            tenant: None,
            provision: Provision::Jit,
        };
        let journal = Arc::new(MemoryJournal::new(1));
        let own = Some(Provision::Directory);
        let server = TestServer::believing(Arc::clone(&journal), own, &[bend(issuer)], settings).await;
        House { server, journal, key, _folder: folder }
    }

    /// A token of the provider, with claims put in place of the usual ones.
    fn token(&self, id: &str, claims: Value) -> String {
        let exp = self.server.clock.wall().0 / 1000 + 3600;
        let mut whole = json!({"iss": ISS, "aud": "desk", "exp": exp, "sub": id, "tenant": "acme", "roles": ["agent"]});
        for (name, value) in claims.as_object().expect("claims") {
            whole[name] = value.clone();
        }
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &whole, &self.key).expect("signed")
    }

    /// The answer to an upgrade, which is read as HTTP.
    async fn upgrade(&self, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("authorization", &bearer),
        ];
        self.server.http("GET", "/v1/ws", &headers, "").await
    }

    /// What the directory says of somebody, where it has them.
    async fn person(&self, id: &str) -> Option<Value> {
        let answer = self.server.get(&self.server.token(Role::Admin, "chefe", None), &format!("/v1/agents/{id}")).await;
        (answer.status == 200).then(|| answer.json())
    }

    /// On whose word the directory changed since the server started, once for each change.
    async fn changes(&self) -> Vec<Actor> {
        let shard = ShardId::of_new_tenant(&TenantId::new("acme").expect("an id"));
        let stored = self.journal.read(shard, ShardSeq(0), 10_000).await.expect("entries");
        assert!(stored.len() < 10_000, "all of them");
        let changes = stored.into_iter().filter_map(|stored| {
            let EntryBody::Tenant { event, .. } = stored.entry.body else { return None };
            let TenantEventBody::DirectoryChanged { version, .. } = &event.body else { return None };
            (version.0 > 1).then(|| event.actor.clone())
        });
        changes.collect()
    }
}

#[tokio::test]
async fn an_agent_of_a_provider_comes_into_the_directory_when_its_session_opens() {
    let house = House::open().await;
    let mut board = house.server.supervisor(&["suporte"]).await;
    board.ok("board.subscribe", json!({"teams": ["suporte"]})).await;
    let mut client = house.server.open(&house.token("nova", json!({"name": "Nova Silva", "teams": ["suporte"]}))).await;
    let state = client.ok("agent.get", json!({})).await;
    assert_eq!(
        (&state["agent"], &state["name"], &state["teams"]),
        (&json!("nova"), &json!("Nova Silva"), &json!(["suporte"]))
    );
    assert_eq!(state["connection"], "connected");
    client.ok("status.set", json!({"status": "available"})).await;
    loop {
        let frame = board.notification("board.changed").await;
        let rows = frame["result"]["agents"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["agent"] == "nova" && row["status"] == "available") {
            break;
        }
    }
    // From here on the directory says who they are, not the credential.
    let other = house.token("nova", json!({"name": "Another", "teams": ["vendas"]}));
    house.server.open(&other).await;
    let person = house.person("nova").await.expect("there");
    assert_eq!((&person["name"], &person["teams"]), (&json!("Nova Silva"), &json!(["suporte"])));
    assert_eq!(house.changes().await, [Actor::Integration(PrincipalId::new(ISS).expect("an id"))]);
}

#[tokio::test]
async fn a_token_in_session_open_brings_an_agent_as_well() {
    let house = House::open().await;
    let mut client = house.server.connect(&[]).await.expect("a socket");
    let opened = client.ok("session.open", json!({"token": house.token("nova", json!({})), "presence": false})).await;
    assert_eq!((&opened["principal"]["id"], &opened["principal"]["teams"]), (&json!("nova"), &json!([])));
    assert_eq!(house.person("nova").await.expect("there")["name"], "nova", "the id stands in for a name");
    house.server.open(&house.token("nome", json!({"name": "a\u{202e}b"}))).await;
    assert_eq!(house.person("nome").await.expect("there")["name"], "nome", "and for one that cannot be shown");
}

#[tokio::test]
async fn many_sockets_at_once_bring_one_person_and_many_people_each_once() {
    let house = House::open().await;
    let tokens: Vec<String> =
        (0..12).map(|n| house.token(&format!("nova{}", n % 4), json!({"name": format!("Nova {n}")}))).collect();
    let clients = join_all(tokens.iter().map(|token| house.server.open(token))).await;
    assert_eq!(clients.len(), 12);
    assert_eq!(house.changes().await.len(), 4);
}

#[tokio::test]
async fn a_team_that_does_not_exist_is_refused_by_its_name() {
    let house = House::open().await;
    let token = house.token("nova", json!({"teams": ["suporte", "lua"]}));
    let answer = house.upgrade(&token).await;
    assert_eq!(answer.problem(), (403, "unknown_team".to_owned()));
    assert_eq!(answer.json()["params"], json!({"team": "lua"}));
    let mut client = house.server.connect(&[]).await.expect("a socket");
    let (number, code, params) = client.refused("session.open", json!({"token": token})).await;
    assert_eq!((number, code.as_str(), params), (-32003, "unknown_team", json!({"team": "lua"})));
    let many: Vec<String> = (0..65).map(|n| format!("t{n}")).collect();
    let answer = house.upgrade(&house.token("nova", json!({"teams": many}))).await;
    assert_eq!(answer.problem(), (403, "too_many_teams".to_owned()));
    assert_eq!((house.person("nova").await, house.changes().await.len()), (None, 0));
    // Who is there already is not asked for teams.
    house.server.open(&house.token("ana", json!({"teams": ["lua"]}))).await;
}

#[tokio::test]
async fn whoever_has_left_is_not_brought_back_by_a_credential() {
    let house = House::open().await;
    let bearer = format!("Bearer {}", house.server.token(Role::Admin, "chefe", None));
    let gone = house.server.http("DELETE", "/v1/agents/carla", &[("authorization", &bearer)], "").await;
    assert_eq!(gone.status, 204);
    let token = house.token("carla", json!({"teams": ["vendas"]}));
    assert_eq!(house.upgrade(&token).await.problem(), (403, "unknown_agent".to_owned()));
    let mut client = house.server.connect(&[]).await.expect("a socket");
    assert_eq!(client.refused("session.open", json!({"token": token})).await.1, "unknown_agent");
    assert!(house.person("carla").await.expect("on record")["left_at"].is_string());
}

#[tokio::test]
async fn without_provisioning_the_directory_alone_says_who_works_here() {
    let house = House::with(Settings::default(), |issuer| Issuer { provision: Provision::Directory, ..issuer }).await;
    house.server.open(&house.token("ana", json!({}))).await;
    assert_eq!(house.upgrade(&house.token("nova", json!({}))).await.problem(), (403, "unknown_agent".to_owned()));
    let own = house.server.token(Role::Agent, "nova", None);
    assert_eq!(house.upgrade(&own).await.problem(), (403, "unknown_agent".to_owned()));
    assert_eq!(house.changes().await.len(), 0);
}

#[tokio::test]
async fn only_sessions_of_agents_bring_people_and_only_into_tenants_that_exist() {
    let house = House::open().await;
    let supervisor = house.token("sofia", json!({"roles": ["supervisor"], "teams": ["lua"]}));
    house.server.open(&supervisor).await;
    let nowhere = house.token("nova", json!({"tenant": "nowhere"}));
    assert_eq!(house.upgrade(&nowhere).await.problem(), (403, "forbidden".to_owned()));
    let token = house.token("nova", json!({}));
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "agent.get"});
    assert_eq!(house.server.rpc(&token, &call).await.json()["error"]["data"]["code"], "unknown_agent");
    assert_eq!((house.person("sofia").await, house.changes().await.len()), (None, 0));
}

#[tokio::test]
async fn only_so_many_people_come_in_a_minute() {
    let settings = Settings { newcomers_per_minute_max: 2, ..Settings::default() };
    let house = House::with(settings, |issuer| issuer).await;
    let token = |id| house.token(id, json!({}));
    for id in ["nova1", "nova2"] {
        house.server.open(&token(id)).await;
    }
    let answer = house.upgrade(&token("nova3")).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert!((50_000..=60_000).contains(&answer.json()["params"]["retry_after_ms"].as_u64().expect("a number")));
    let mut client = house.server.connect(&[]).await.expect("a socket");
    assert_eq!(client.refused("session.open", json!({"token": token("nova3")})).await.0, -32007);
    house.server.open(&token("nova1")).await;
    house.server.open(&token("ana")).await;
    house.server.open(&house.token("nova3", json!({"tenant": "outra"}))).await;
    assert_eq!(house.changes().await.len(), 2);
}

#[tokio::test]
async fn a_store_that_is_away_puts_a_newcomer_off() {
    let house = House::open().await;
    // By then the server is up. They stay, so that nothing else is written meanwhile.
    let _stays = house.server.agent("bruno").await;
    let token = house.token("nova", json!({}));
    house.journal.inject(Fault::Unavailable);
    assert_eq!(house.upgrade(&token).await.problem(), (503, "unavailable".to_owned()));
    house.server.open(&token).await;
    assert_eq!(house.changes().await.len(), 1);
}

#[tokio::test]
async fn promise_a3_a_credential_of_another_tenant_key_or_server_opens_nothing() {
    let acme = TenantId::new("acme").expect("an id");
    let house = House::with(Settings::default(), |issuer| Issuer { tenant: Some(acme), ..issuer }).await;
    house.server.open(&house.token("ana", json!({}))).await;
    let stranger = House::open().await;
    for (what, token) in [
        ("another tenant", house.token("ana", json!({"tenant": "outra"}))),
        ("another audience", house.token("ana", json!({"aud": "intervalo"}))),
        ("expired", house.token("ana", json!({"exp": house.server.clock.wall().0 / 1000 - 1}))),
        ("exp \"9\"", house.token("ana", json!({"exp": "9"}))),
        ("another's key", stranger.token("ana", json!({}))),
        ("another's own key", stranger.server.token(Role::Agent, "ana", None)),
    ] {
        assert_eq!(house.upgrade(&token).await.problem(), (401, "unauthenticated".to_owned()), "{what}");
    }
    let without_own = TestServer::believing(Arc::new(MemoryJournal::new(1)), None, &[], Settings::default()).await;
    let own = without_own.token(Role::Agent, "ana", None);
    assert_eq!(without_own.connect(&[("authorization", &format!("Bearer {own}"))]).await.err(), Some(401));
}

#[tokio::test]
async fn promise_a3_a_flood_of_unknown_keys_leaves_a_provider_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicU64::new(0));
    let house = House::with(Settings::default(), |issuer| {
        let KeysAt::File(path) = issuer.keys else { panic!("a file") };
        tokio::spawn(provide(listener, std::fs::read(path).expect("keys"), Arc::clone(&asked)));
        Issuer { keys: KeysAt::Url(url), ..issuer }
    })
    .await;
    house.server.open(&house.token("nova", json!({}))).await;
    let unknown: Vec<String> = (0..200)
        .map(|n| {
            let header = Header { kid: Some(format!("k{n}")), ..Header::new(Algorithm::EdDSA) };
            jsonwebtoken::encode(&header, &json!({"iss": ISS}), &house.key).expect("signed")
        })
        .collect();
    let answers = join_all(unknown.iter().map(|token| house.upgrade(token))).await;
    // Beyond what an address has, they are told to wait.
    assert!(answers.iter().all(|answer| matches!(answer.status, 401 | 429)));
    house.server.open(&house.token("nova", json!({}))).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// Answers everybody with a set of keys, and counts them.
async fn provide(listener: TcpListener, keys: Vec<u8>, asked: Arc<AtomicU64>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        asked.fetch_add(1, Ordering::SeqCst);
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", keys.len());
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(&[head.as_bytes(), &keys].concat()).await;
    }
}

#[tokio::test]
async fn own_tokens_may_bring_people_too() {
    let journal = Arc::new(MemoryJournal::new(1));
    let server = TestServer::believing(journal, Some(Provision::Jit), &[], Settings::default()).await;
    let mut client = server.open(&server.token(Role::Agent, "nova", Some(&["vendas"]))).await;
    assert_eq!(client.ok("agent.get", json!({})).await["teams"], json!(["vendas"]));
}
