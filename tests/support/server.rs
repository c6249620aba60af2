//! A whole server on a port of its own, over SQLite in a folder of its own, and clients that speak
//! to it as any other would.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use chrono::Weekday;
use futures_util::{SinkExt, StreamExt};
use intervalo::auth::{Grant, Role, TokenKey, Verifier};
use intervalo::clock::{Machine, SystemClock, ThisMachine};
use intervalo::config::{Issuer, Provision};
use intervalo::domain::command::Actor;
use intervalo::domain::directory::{Channel, Directory, Person, Team, Tenant};
use intervalo::domain::event::{Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{
    AgentId, ChannelCode, DirectoryVersion, PauseTypeCode, PolicyVersion, PrincipalId, TeamId, TenantId, TenantSeq,
};
use intervalo::domain::policy::{
    Approval, AtTimeout, Cap, OnEarlyEnd, OnLimit, PauseKind, PauseRules, PauseType, Policy, StartableBy,
};
use intervalo::domain::schedule::{WeekDays, Window};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::ports::{Batch, Clock, Entry, EntryBody, Journal, ShardId, TenantDefinition};
use intervalo::server::{self, Stores};
use intervalo::store::{MemoryJournal, PauseHistory, SqliteJournal};
use intervalo::telemetry::Figures;
use intervalo::transport::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role as WireRole;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

/// Longer than anything that is waited for takes; only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tenant of [`TestServer::with_neighbour`].
pub(crate) const NEIGHBOUR: &str = "vizinha";

/// A running server.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<dyn Clock>,
    key: TokenKey,
    shutdown: CancellationToken,
    running: Option<JoinHandle<()>>,
    data: Option<TempDir>,
}

impl TestServer {
    pub(crate) async fn start() -> TestServer {
        TestServer::with(Settings::default()).await
    }

    /// Starts a server for the tenants `acme` and `outra`.
    pub(crate) async fn with(settings: Settings) -> TestServer {
        let data = tempfile::tempdir().expect("a folder");
        TestServer::in_folder(data, settings, Some(NaiveTime::from_hms_opt(4, 0, 0).expect("a time of day"))).await
    }

    /// Starts a server that has the tenant [`NEIGHBOUR`] besides, where no person and no team is called as in the others.
    pub(crate) async fn with_neighbour(settings: Settings) -> TestServer {
        let data = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start(Timestamp(0)));
        let journal = SqliteJournal::open(data.path(), Arc::clone(&clock)).await.expect("a journal");
        seed_all(&journal, clock.now(), NaiveTime::MIN).await;
        seed(&journal, NEIGHBOUR, clock.now(), NaiveTime::MIN).await;
        journal.close().await;
        TestServer::in_folder(data, settings, None).await
    }

    /// Starts a server whose tenants' business days begin at another time.
    pub(crate) async fn with_days_from(day_start: NaiveTime) -> TestServer {
        let data = tempfile::tempdir().expect("a folder");
        TestServer::in_folder(data, Settings::default(), Some(day_start)).await
    }

    /// Starts a server on a machine whose clocks are the test's.
    pub(crate) async fn on_machine(machine: Arc<dyn Machine>) -> TestServer {
        let data = tempfile::tempdir().expect("a folder");
        TestServer::in_folder_on(machine, data, Settings::default(), Some(NaiveTime::MIN)).await
    }

    /// Stops it, and starts it again on what is durable: its clock is anchored at the machine's wall clock.
    pub(crate) async fn restarted_on(mut self, machine: Arc<dyn Machine>) -> TestServer {
        let data = self.data.take().expect("a folder");
        self.begin_stop();
        self.stopped().await;
        TestServer::in_folder_on(machine, data, Settings::default(), None).await
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.data.as_ref().expect("a folder").path()
    }

    /// Stops it, waits until an instant, and starts it again on what is durable.
    pub(crate) async fn restarted_after(mut self, at: Timestamp) -> TestServer {
        let data = self.data.take().expect("a folder");
        let clock = Arc::clone(&self.clock);
        self.begin_stop();
        self.stopped().await;
        clock.sleep_until(at).await;
        TestServer::in_folder(data, Settings::default(), None).await
    }

    /// On a folder; without a time that days begin at there is everything in it already.
    async fn in_folder(data: TempDir, settings: Settings, day_start: Option<NaiveTime>) -> TestServer {
        TestServer::in_folder_on(Arc::new(ThisMachine), data, settings, day_start).await
    }

    async fn in_folder_on(
        machine: Arc<dyn Machine>,
        data: TempDir,
        settings: Settings,
        day_start: Option<NaiveTime>,
    ) -> TestServer {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::on(machine, Timestamp(0)));
        let key = TokenKey::read_or_make(data.path()).expect("a key");
        let journal = Arc::new(SqliteJournal::open(data.path(), Arc::clone(&clock)).await.expect("a journal"));
        if let Some(day_start) = day_start {
            seed_all(&*journal, clock.now(), day_start).await;
        }
        let closing = Arc::clone(&journal);
        let close = async move { closing.close().await };
        let verifier = Verifier::with_key(&key);
        TestServer::on(data, clock, (key, verifier), journal, settings, close).await
    }

    /// Starts a server for the same tenants over a journal in memory, in which faults can be planted.
    pub(crate) async fn over(journal: Arc<MemoryJournal>) -> TestServer {
        TestServer::believing(journal, Some(Provision::Directory), &[], Settings::default()).await
    }

    /// The same, with tokens of its own or without, and those of other issuers.
    pub(crate) async fn believing(
        journal: Arc<MemoryJournal>,
        own: Option<Provision>,
        issuers: &[Issuer],
        settings: Settings,
    ) -> TestServer {
        let data = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start(Timestamp(0)));
        let key = TokenKey::read_or_make(data.path()).expect("a key");
        // The history is read from a database, which is empty.
        SqliteJournal::open(data.path(), Arc::clone(&clock)).await.expect("a database").close().await;
        seed_all(&*journal, clock.now(), NaiveTime::from_hms_opt(4, 0, 0).expect("a time of day")).await;
        let verifier = Verifier::new(own.map(|provision| (&key, provision)), issuers, &clock);
        TestServer::on(data, clock, (key, verifier), journal, settings, async {}).await
    }

    async fn on(
        data: TempDir,
        clock: Arc<dyn Clock>,
        (key, verifier): (TokenKey, Verifier),
        journal: Arc<dyn Journal>,
        settings: Settings,
        close: impl Future<Output = ()> + Send + 'static,
    ) -> TestServer {
        let history = Arc::new(PauseHistory::open(data.path()).await.expect("the history"));
        let fresh_id = server::fresh_id();
        let stores = Stores { journal, history, verifier, clock: Arc::clone(&clock), first_login: None, fresh_id };
        TestServer::serve(data, key, stores, settings, close)
    }

    /// Starts a server for some tenants on a clock of the test's, on what `made` makes of its stores.
    pub(crate) async fn standing_on(
        clock: Arc<dyn Clock>,
        tenants: &[&str],
        settings: Settings,
        made: impl FnOnce(Stores) -> Stores,
    ) -> TestServer {
        let data = tempfile::tempdir().expect("a folder");
        let key = TokenKey::read_or_make(data.path()).expect("a key");
        let journal = Arc::new(SqliteJournal::open(data.path(), Arc::clone(&clock)).await.expect("a journal"));
        for tenant in tenants {
            seed(&*journal, tenant, clock.now(), NaiveTime::MIN).await;
        }
        let closing = Arc::clone(&journal);
        let history = Arc::new(PauseHistory::open(data.path()).await.expect("the history"));
        let (verifier, fresh_id) = (Verifier::with_key(&key), server::fresh_id());
        let stores = Stores { journal, history, verifier, clock, first_login: None, fresh_id };
        TestServer::serve(data, key, made(stores), settings, async move { closing.close().await })
    }

    fn serve(
        data: TempDir,
        key: TokenKey,
        stores: Stores,
        settings: Settings,
        close: impl Future<Output = ()> + Send + 'static,
    ) -> TestServer {
        let clock = Arc::clone(&stores.clock);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let figures = Figures::detached().expect("figures");
        let stop = shutdown.clone();
        let running = tokio::spawn(async move {
            server::run_on(stores, settings, vec![listener], figures, stop).await.expect("served");
            close.await;
        });
        TestServer { address, clock, key, shutdown, running: Some(running), data: Some(data) }
    }

    pub(crate) fn token(&self, role: Role, id: &str, teams: Option<&[&str]>) -> String {
        self.token_for("acme", role, id, teams, Duration::from_secs(3600))
    }

    pub(crate) fn token_for(
        &self,
        tenant: &str,
        role: Role,
        id: &str,
        teams: Option<&[&str]>,
        ttl: Duration,
    ) -> String {
        self.token_issued_at(self.clock.wall(), tenant, role, id, teams, ttl)
    }

    /// A token of the second after this one: what was cut until now is no matter to it.
    pub(crate) fn fresh_token_for(&self, tenant: &str, role: Role, id: &str) -> String {
        let next_second = self.clock.wall() + seconds(1);
        self.token_issued_at(next_second, tenant, role, id, None, Duration::from_secs(36_000))
    }

    fn token_issued_at(
        &self,
        at: Timestamp,
        tenant: &str,
        role: Role,
        id: &str,
        teams: Option<&[&str]>,
        ttl: Duration,
    ) -> String {
        let grant = Grant {
            id: PrincipalId::new(id).expect("an id"),
            tenant: TenantId::new(tenant).expect("an id"),
            roles: BTreeSet::from([role]),
            teams: teams.map(|teams| teams.iter().map(|team| TeamId::new(team).expect("an id")).collect()),
        };
        self.key.issue(&grant, at, ttl).expect("a token")
    }

    /// A socket with an open session.
    pub(crate) async fn open(&self, token: &str) -> Client {
        let mut client = self.connect(&[("authorization", &format!("Bearer {token}"))]).await.expect("a socket");
        let opened = client.call("session.open", json!({})).await;
        assert!(opened["result"].is_object(), "{opened}");
        client
    }

    /// A socket of the agent `ana`.
    pub(crate) async fn agent(&self, id: &str) -> Client {
        self.open(&self.token(Role::Agent, id, None)).await
    }

    pub(crate) async fn supervisor(&self, teams: &[&str]) -> Client {
        self.supervisor_named("sofia", teams).await
    }

    pub(crate) async fn supervisor_named(&self, id: &str, teams: &[&str]) -> Client {
        self.open(&self.token(Role::Supervisor, id, Some(teams))).await
    }

    /// Opens a WebSocket; else the status that it was refused with.
    pub(crate) async fn connect(&self, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        self.connect_to("/v1/ws", headers).await
    }

    pub(crate) async fn connect_to(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Client, u16> {
        self.knock(path, headers).await.map_err(|(status, _)| status)
    }

    /// Opens a WebSocket; else the status that it was refused with, and the seconds that it is told to wait.
    pub(crate) async fn knock(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, (u16, Option<u64>)> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let stream = TcpStream::connect(self.address).await.expect("connected");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|value| value.to_str().expect("text").to_owned());
                Ok(Client { socket, protocol, waiting: Vec::new(), calls: 0, heard: Vec::new() })
            }
            Err(Error::Http(response)) => {
                let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                Err((response.status().as_u16(), wait))
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// A socket on which a short message was sent in one go with the upgrade, before its answer.
    pub(crate) async fn open_saying(&self, token: &str, text: &str) -> Client {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        let head = format!(
            "GET /v1/ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nauthorization: Bearer {token}\r\n\r\n",
            self.address
        );
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("a short message");
        // A mask of zeros leaves the payload as it is.
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
        stream.write_all(&[head.as_bytes(), &frame].concat()).await.expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("an answer"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        let socket = WebSocketStream::from_raw_socket(stream, WireRole::Client, None).await;
        Client { socket, protocol: None, waiting: Vec::new(), calls: 0, heard: Vec::new() }
    }

    /// One HTTP request on a connection of its own.
    pub(crate) async fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        self.raw(text.as_bytes()).await
    }

    /// `POST /v1/rpc` with a token.
    pub(crate) async fn rpc(&self, token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        self.http("POST", "/v1/rpc", &[("authorization", &bearer)], &body.to_string()).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.http("GET", path, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        let exchange = async {
            // The server may answer and close before it has taken everything.
            let _ = stream.write_all(bytes).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        Answer::read(&tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time"))
    }

    /// Asks the server to stop.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// Stops it; what it has written stays.
    pub(crate) async fn stopped_on(mut self) -> TempDir {
        let data = self.data.take().expect("a folder");
        self.begin_stop();
        self.stopped().await;
        data
    }

    /// Waits until it has.
    pub(crate) async fn stopped(mut self) {
        let running = self.running.take().expect("running");
        tokio::time::timeout(PATIENCE, running).await.expect("stopped in time").expect("no panic");
    }
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Answer {
        let head_ends = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let (head, body) =
            (String::from_utf8_lossy(&bytes[..head_ends]), bytes.get(head_ends + 4..).unwrap_or_default());
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let is_chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let body = if is_chunked { chunks(body).concat() } else { body.to_vec() };
        Answer { status: status.unwrap_or(0), headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and the code of a problem document.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers.get("content-type").map(String::as_str), Some("application/problem+json"), "{self:?}");
        let document = self.json();
        assert_eq!(document["status"], self.status, "{document}");
        (self.status, document["code"].as_str().expect("a code").to_owned())
    }
}

/// The chunks of a body that came in chunks (RFC 9112, 7.1).
fn chunks(mut body: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    loop {
        let ends = body.windows(2).position(|two| two == b"\r\n").expect("the length of a chunk");
        let length = std::str::from_utf8(&body[..ends]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let (chunk, rest) = body[ends + 2..].split_at(length.expect("a length"));
        if chunk.is_empty() {
            return found;
        }
        found.push(chunk);
        body = rest.strip_prefix(b"\r\n").expect("the end of a chunk");
    }
}

/// A client of the socket.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    /// The subprotocol that the server chose.
    pub(crate) protocol: Option<String>,
    /// What came while an answer was waited for.
    waiting: Vec<Value>,
    calls: u64,
    /// Every text that came, as it came.
    pub(crate) heard: Vec<String>,
}

impl Client {
    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.socket.send(Message::Text(text.into().into())).await.expect("sent");
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.expect("sent");
    }

    /// The next message as JSON, or the code that the server closed with (1006: without one).
    pub(crate) async fn receive(&mut self) -> Result<Value, u16> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message in time");
            match next {
                Some(Ok(Message::Text(text))) => {
                    self.heard.push(text.to_string());
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Binary(_))) => panic!("a binary message"),
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// Sends a request and waits for its answer; notifications before it are kept for
    /// [`Client::notification`].
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
        loop {
            let message = self.receive().await.unwrap_or_else(|code| panic!("closed with {code}"));
            if message["id"] == id {
                return message;
            }
            self.waiting.push(message);
        }
    }

    /// The result of a call that must succeed.
    pub(crate) async fn ok(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.call(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The number, code and parameters of the error of a call that must fail.
    pub(crate) async fn refused(&mut self, method: &str, params: Value) -> (i64, String, Value) {
        let mut answer = self.call(method, params).await;
        let code = answer["error"]["data"]["code"].as_str().unwrap_or_else(|| panic!("{method}: {answer}")).to_owned();
        (answer["error"]["code"].as_i64().expect("a number"), code, answer["error"]["data"]["params"].take())
    }

    /// The params of the next notification of a method; what comes before it is passed over.
    pub(crate) async fn notification(&mut self, method: &str) -> Value {
        loop {
            let mut message = self.next_message().await;
            if message["method"] == method {
                return message["params"].take();
            }
        }
    }

    /// The next message, kept ones first.
    pub(crate) async fn next_message(&mut self) -> Value {
        if self.waiting.is_empty() {
            self.receive().await.unwrap_or_else(|code| panic!("closed with {code}"))
        } else {
            self.waiting.remove(0)
        }
    }

    /// The code that the server closes with; messages before it are passed over.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.receive().await {
                return code;
            }
        }
    }

    /// Goes away without a word.
    pub(crate) fn vanish(self) {
        drop(self.socket);
    }
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("an id")
}

async fn seed_all(journal: &dyn Journal, now: Timestamp, day_start: NaiveTime) {
    for tenant in ["acme", "outra"] {
        seed(journal, tenant, now, day_start).await;
    }
}

async fn seed(journal: &dyn Journal, tenant: &str, now: Timestamp, day_start: NaiveTime) {
    let tenant: TenantId = id(tenant);
    let shard = ShardId::of_new_tenant(&tenant);
    let head = journal.snapshot(shard).await.expect("a snapshot").head;
    let (directory, policy) = (Arc::new(directory(&tenant, day_start)), Arc::new(policy(&tenant)));
    let event = |body| Arc::new(TenantEvent { at: now, actor: Actor::System, cause: Cause::Admin, op: None, body });
    let changed = TenantEventBody::DirectoryChanged { version: DirectoryVersion(1), added: 5, changed: 0, removed: 0 };
    let published = TenantEventBody::PolicyPublished { version: PolicyVersion(1), reason: None };
    let entry = |seq, event, definition| Entry {
        tenant: tenant.clone(),
        seq: TenantSeq(seq),
        body: EntryBody::Tenant { event, definition: Some(definition) },
    };
    let entries = vec![
        entry(1, event(changed), TenantDefinition::Directory(directory)),
        entry(2, event(published), TenantDefinition::Policy(policy)),
    ];
    let batch = Batch { shard, epoch: head.epoch, after: head.head, entries, states: Vec::new() };
    journal.append(batch).await.expect("appended");
}

fn directory(tenant: &TenantId, business_day_start: NaiveTime) -> Directory {
    let team = |name: &str| {
        let name = own_name(tenant, name);
        (id::<TeamId>(&name), Team { id: id(&name), name, zone: None })
    };
    let person = |name: &str, teams: &[&str]| {
        let teams = teams.iter().map(|team| id(&own_name(tenant, team))).collect();
        let name = &own_name(tenant, name);
        let person =
            Person { id: id(name), name: name.to_owned(), teams, zone: None, capacity: BTreeMap::new(), left_at: None };
        (id::<AgentId>(name), Arc::new(person))
    };
    let channel = |code: &str, blocks_pause, capacity| {
        let channel = Channel { code: id(code), name: code.to_owned(), enabled: true, blocks_pause, capacity };
        (id::<ChannelCode>(code), channel)
    };
    let off = |code: &str| {
        let (code, fax) = channel(code, false, 1);
        (code, Channel { enabled: false, ..fax })
    };
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant {
            // Short, so that tests can see it pass.
            connection_grace: seconds(1),
            business_day_start,
            ..Tenant::new(tenant.clone(), "Acme".to_owned(), chrono_tz::America::Sao_Paulo)
        },
        teams: BTreeMap::from([team("suporte"), team("vendas")]),
        agents: BTreeMap::from([
            person("ana", &["suporte"]),
            person("bruno", &["suporte", "vendas"]),
            person("carla", &["vendas"]),
            person("=davi", &["vendas"]),
        ]),
        closing: None,
        channels: BTreeMap::from([channel("voice", true, 1), channel("chat", false, 3), off("fax")]),
    }
}

/// What something is called in a tenant.
fn own_name(tenant: &TenantId, name: &str) -> String {
    let theirs = [
        ("suporte", "norte"),
        ("vendas", "sul"),
        ("ana", "zeca"),
        ("bruno", "yara"),
        ("carla", "xisto"),
        ("=davi", "=wanda"),
    ];
    let theirs = theirs.iter().find(|(here, _)| tenant.as_str() == NEIGHBOUR && *here == name);
    theirs.map_or(name, |(_, there)| there).to_owned()
}

fn policy(tenant: &TenantId) -> Policy {
    let clock_time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).expect("a time of day");
    // Shown in the menu; whether it is open depends on the day that the test runs on.
    let early_week =
        Window::new(WeekDays::of([Weekday::Mon, Weekday::Tue]), clock_time(0, 0), clock_time(23, 59)).expect("one");
    let pause_type = |code: &str, position, kind| {
        let pause_type = PauseType {
            code: id(code),
            name: BTreeMap::from([("pt-BR".to_owned(), code.to_owned())]),
            description: BTreeMap::new(),
            icon: None,
            color: None,
            position,
            enabled: true,
            archived_at: None,
            teams: None,
            kind,
        };
        (id::<PauseTypeCode>(code), Arc::new(pause_type))
    };
    let regular = |rules| PauseKind::Regular(rules);
    let lunch = PauseRules { limit: Some(minutes(60)), ..PauseRules::default() };
    let short = PauseRules {
        limit: Some(seconds(2)),
        warn_before: BTreeSet::from([seconds(1)]),
        grace: Duration::ZERO,
        on_limit: OnLimit::EndUnavailable,
        ..PauseRules::default()
    };
    let supervisors = PauseRules { startable_by: StartableBy::Supervisor, ..PauseRules::default() };
    let held = PauseRules {
        min_duration: Some(minutes(10)),
        on_early_end: OnEarlyEnd::Hold,
        refund_under: Duration::ZERO,
        ..PauseRules::default()
    };
    let cap = BTreeMap::from([(id(&own_name(tenant, "suporte")), Cap::AtMost(1))]);
    let one_at_once = PauseRules { cap, limit: Some(minutes(10)), ..PauseRules::default() };
    let approved = PauseRules {
        approval: Some(Approval { timeout: minutes(10), at_timeout: AtTimeout::Refuse }),
        ..PauseRules::default()
    };
    let windowed = PauseRules { windows: vec![early_week], ..PauseRules::default() };
    Policy {
        version: PolicyVersion(1),
        types: BTreeMap::from([
            pause_type("almoco", 1, regular(lunch)),
            pause_type("cafe", 2, regular(short)),
            pause_type("banheiro", 3, PauseKind::Protected),
            pause_type("feedback", 4, regular(supervisors)),
            pause_type("ginastica", 5, regular(windowed)),
            pause_type("descanso", 6, PauseKind::Entitlement(held)),
            pause_type("rodizio", 7, regular(one_at_once)),
            pause_type("medico", 6, regular(approved)),
        ]),
    }
}
