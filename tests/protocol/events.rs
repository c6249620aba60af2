//! The journal as a list and as a stream: the same events under the same numbers, without gaps, masked, and put on record
//! who reads them (semantics §10, §11; promises A1, A3, B5).

use std::collections::BTreeSet;
use std::time::Duration;

use intervalo::auth::Role;
use intervalo::domain::time::seconds;
use intervalo::protocol::event::EVENT_KINDS;
use intervalo::transport::{Rate, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::TestServer;

/// Longer than anything that is waited for takes; only a test that fails waits for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of the stream, which reads when it is asked to.
pub(crate) struct Follower {
    stream: TcpStream,
    /// What has come and has not been read as an event yet.
    text: String,
    /// The last number that the stream has given.
    pub(crate) last_id: Option<u64>,
}

impl Follower {
    /// Begins to follow; the head of the answer with its status.
    async fn ask(server: &TestServer, token: &str, query: &str, after: Option<u64>) -> (u16, String, Follower) {
        let mut stream = TcpStream::connect(server.address).await.expect("connected");
        let after = after.map_or_else(String::new, |after| format!("last-event-id: {after}\r\n"));
        let request = format!(
            "GET /v1/events{query} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n{after}\r\n",
            server.address
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("a head in time");
            head.push(byte.expect("a head"));
        }
        let head = String::from_utf8(head).expect("text");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, head, Follower { stream, text: String::new(), last_id: None })
    }

    pub(crate) async fn begin(server: &TestServer, token: &str, query: &str, after: Option<u64>) -> Follower {
        let (status, head, mut follower) = Follower::ask(server, token, query, after).await;
        assert_eq!(status, 200, "{head}");
        assert!(head.to_ascii_lowercase().contains("content-type: text/event-stream"), "{head}");
        follower.block().await.expect("where it begins");
        assert!(follower.last_id.is_some(), "the stream says where it begins");
        follower
    }

    /// The lines up to the next blank one; none when the stream has ended.
    pub(crate) async fn block(&mut self) -> Option<Vec<String>> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let lines: Vec<String> = block.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
                let id = lines.iter().find_map(|line| line.strip_prefix("id: "));
                self.last_id = id.map(|id| id.parse().expect("a number")).or(self.last_id);
                return Some(lines);
            }
            let chunk = self.chunk().await?;
            self.text.push_str(&chunk);
        }
    }

    /// One chunk of the body; none after the last one.
    async fn chunk(&mut self) -> Option<String> {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            let byte = tokio::time::timeout(PATIENCE, self.stream.read_u8()).await.expect("something in time");
            size.push(byte.ok()?);
        }
        let size = usize::from_str_radix(String::from_utf8_lossy(&size).trim(), 16).expect("the size of a chunk");
        let mut chunk = vec![0; size + 2];
        tokio::time::timeout(PATIENCE, self.stream.read_exact(&mut chunk)).await.expect("in time").ok()?;
        (size > 0).then(|| String::from_utf8(chunk[..size].to_vec()).expect("text"))
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            let lines = self.block().await.expect("the stream goes on");
            if let Some(event) = event_of(&lines) {
                return event;
            }
        }
    }

    /// The events up to one of this number.
    async fn up_to(&mut self, seq: u64) -> Vec<Value> {
        let mut events = Vec::new();
        while self.last_id.is_none_or(|last| last < seq) {
            let lines = self.block().await.expect("the stream goes on");
            events.extend(event_of(&lines));
        }
        events
    }

    /// All comments until the stream ends.
    async fn comments_to_the_end(&mut self) -> Vec<String> {
        let mut comments = Vec::new();
        while let Some(lines) = self.block().await {
            comments.extend(lines.into_iter().filter(|line| line.starts_with(':')));
        }
        comments
    }
}

fn event_of(lines: &[String]) -> Option<Value> {
    let data = lines.iter().find_map(|line| line.strip_prefix("data: "))?;
    let event: Value = serde_json::from_str(data).expect("JSON");
    let field = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).expect("a field").to_owned();
    assert_eq!(field("id: "), event["seq"].to_string());
    assert_eq!(json!(field("event: ")), event["kind"]);
    Some(event)
}

fn auditor(server: &TestServer) -> String {
    server.token(Role::Auditor, "olga", None)
}

fn host(server: &TestServer) -> String {
    server.token(Role::Integration, "host", None)
}

/// Every kind that the domain has a name for can be asked for, and is in the document; and no other.
#[test]
fn every_kind_of_event_has_a_form_and_is_described() {
    let sources = [
        include_str!("../../src/domain/event.rs"),
        include_str!("../../src/domain/access.rs"),
        include_str!("../../src/domain/policy_plans.rs"),
        include_str!("../../src/domain/closing.rs"),
    ];
    let named: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split("=> \"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let named: BTreeSet<&str> = named.into_iter().filter(|word| word.contains('.')).collect();
    assert_eq!(EVENT_KINDS.to_vec(), named.into_iter().collect::<Vec<_>>());
    let document = include_str!("../../docs/protocol.md");
    let table = document.split("### Events").nth(1).and_then(|rest| rest.split("\n### ").next()).expect("a section");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let mut described: Vec<&str> =
        rows.flat_map(|cell| cell.split("`, `")).map(|kind| kind.trim_matches('`')).collect();
    described.sort_unstable();
    assert_eq!(described, EVENT_KINDS);
}

/// The whole audit, page by page.
async fn audit(server: &TestServer, query: &str, limit: usize) -> Vec<Value> {
    let (token, mut events, mut cursor) = (auditor(server), Vec::new(), String::new());
    loop {
        let path = format!("/v1/audit?limit={limit}{cursor}{query}");
        let answer = server.get(&token, &path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        let of_page = page["events"].as_array().expect("a list");
        assert!(of_page.len() <= limit, "{page}");
        events.extend(of_page.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return events,
        }
    }
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().expect("a kind")).collect()
}

fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect()
}

/// A short day of two agents.
async fn day(server: &TestServer) {
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    ana.ok("pause.start", json!({"type": "almoco", "note": "volto"})).await;
    ana.ok("pause.end", json!({})).await;
    let mut bruno = server.agent("bruno").await;
    bruno.ok("status.set", json!({"status": "available"})).await;
    bruno.refused("pause.start", json!({"type": "feedback"})).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("agent.set_status", json!({"agent": "bruno", "status": "unavailable", "reason": "reunião"})).await;
    ana.ok("session.sign_out", json!({"scope": "all"})).await;
    bruno.ok("session.sign_out", json!({"scope": "all"})).await;
}

#[tokio::test]
async fn the_audit_lists_what_happened_in_order_with_what_belongs_to_it() {
    let server = TestServer::start().await;
    day(&server).await;
    let all = audit(&server, "", 1000).await;
    assert!(seqs(&all).is_sorted_by(|a, b| a < b), "{:?}", seqs(&all));
    let of = |kind: &str| all.iter().find(|event| event["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let started = of("pause.started");
    assert_eq!(started["agent"], "ana");
    assert_eq!(started["actor"], json!({"kind": "agent", "id": "ana"}));
    assert_eq!(started["cause"], "agent");
    assert_eq!(started["policy_version"], 1);
    for (field, value) in [("type", json!("almoco")), ("class", json!("regular")), ("limit_ms", json!(3_600_000))] {
        assert_eq!(started["data"][field], value, "{started}");
    }
    assert_eq!(started["data"]["note"], "volto");
    assert_eq!(of("pause.ended")["data"]["pause"], started["data"]["pause"]);
    assert_eq!(of("pause.refused")["data"], json!({"type": "feedback", "code": "not_startable_by", "count": 1}));
    let set = all.iter().find(|event| event["actor"]["kind"] == "supervisor").expect("a supervisor's");
    assert_eq!(set["reason"], "reunião");
    assert_eq!(set["data"], json!({"from": "available", "to": "unavailable"}));
    assert_eq!(of("server.started")["actor"], json!({"kind": "system"}));
    assert_eq!(of("directory.changed")["data"]["added"], 5);
    // A page at a time it is the same.
    assert_eq!(audit(&server, "", 3).await, all);
}

#[tokio::test]
async fn the_audit_is_filtered_by_kind_agent_actor_time_and_number() {
    let server = TestServer::start().await;
    day(&server).await;
    let all = audit(&server, "", 1000).await;
    let fitting = |fits: &dyn Fn(&Value) -> bool| all.iter().filter(|event| fits(event)).cloned().collect::<Vec<_>>();
    let of_ana = fitting(&|event| event["agent"] == "ana");
    assert!(of_ana.len() > 4, "{of_ana:?}");
    assert_eq!(audit(&server, "&agent=ana", 2).await, of_ana);
    let pauses = fitting(&|event| event["kind"] == "pause.started" || event["kind"] == "pause.ended");
    assert_eq!(audit(&server, "&kind=pause.started,pause.ended", 1).await, pauses);
    assert_eq!(audit(&server, "&actor=sofia", 10).await, fitting(&|event| event["actor"]["id"] == "sofia"));
    let middle = &all[all.len() / 2];
    let seq = middle["seq"].as_u64().expect("a number");
    assert_eq!(
        audit(&server, "", 1000).await[all.len() / 2 + 1..],
        fitting(&|event| event["seq"].as_u64() > Some(seq))[..]
    );
    let at = middle["at"].as_str().expect("an instant");
    let since = fitting(&|event| event["at"].as_str().expect("an instant") >= at);
    assert_eq!(audit(&server, &format!("&from={at}"), 1000).await, since);
    assert_eq!(audit(&server, &format!("&to={at}"), 1000).await, all[..all.len() - since.len()]);
    let token = auditor(&server);
    // No journal has an event of this number, so nothing comes behind it.
    for beyond in [i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs() + 1, u64::MAX] {
        let answer = server.get(&token, &format!("/v1/audit?after={beyond}")).await.json();
        assert_eq!(answer, serde_json::json!({"events": []}), "{beyond}");
    }
    for query in [
        "kind=pause.begun",
        "agent=",
        "limit=0",
        "from=yesterday",
        "after=-1",
        "after=%2B1",
        "after=1&cursor=1",
        "colour=red",
    ] {
        let answer = server.get(&token, &format!("/v1/audit?{query}")).await;
        assert_eq!(answer.problem(), (400, "invalid_params".to_owned()), "{query}");
    }
    let lines = server
        .http(
            "GET",
            "/v1/audit?limit=2",
            &[("authorization", &format!("Bearer {token}")), ("accept", "application/x-ndjson")],
            "",
        )
        .await;
    assert_eq!(lines.headers["content-type"], "application/x-ndjson");
    let read: Vec<Value> = lines.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(read, all[..2]);
    assert!(lines.headers["link"].contains("cursor="), "{lines:?}");
}

#[tokio::test]
async fn whoever_reads_of_others_is_on_record_with_a_count() {
    let server = TestServer::start().await;
    let token = auditor(&server);
    for _ in 0..3 {
        assert_eq!(server.get(&token, "/v1/pauses").await.status, 200);
    }
    assert_eq!(server.get(&token, "/v1/audit").await.status, 200);
    drop(Follower::begin(&server, &host(&server), "", None).await);
    let now = server.clock.now();
    let server = server.restarted_after(now).await;
    let mut read: Vec<Value> = audit(&server, "&kind=history.read", 10).await;
    read.sort_by_key(|event| event["data"]["what"].to_string());
    let told: Vec<_> = read.iter().map(|event| (event["actor"]["id"].clone(), event["data"].clone())).collect();
    let expected = [
        (json!("olga"), json!({"what": "audit", "role": "auditor", "count": 1})),
        (json!("host"), json!({"what": "events", "role": "integration", "count": 1})),
        (json!("olga"), json!({"what": "pauses", "role": "auditor", "count": 3})),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn whatever_leaves_as_a_file_is_on_record_as_such() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    let (olga, host) = (format!("Bearer {}", auditor(&server)), format!("Bearer {}", host(&server)));
    let taken = |token: &str, path: &str, accept: &str| {
        let (token, path, accept) = (token.to_owned(), path.to_owned(), accept.to_owned());
        let server = &server;
        async move { server.http("GET", &path, &[("authorization", &token), ("accept", &accept)], "").await }
    };
    for _ in 0..2 {
        assert_eq!(taken(&olga, "/v1/pauses?from=2026-01-01&agent=ana", "text/csv").await.status, 200);
    }
    assert_eq!(taken(&olga, "/v1/pauses", "text/csv").await.status, 200);
    let lines = taken(&olga, "/v1/audit?kind=agent.signed_in", "application/x-ndjson").await;
    assert_eq!(lines.body.lines().count(), 1);
    assert_eq!(taken(&host, "/v1/directory", "application/toml").await.status, 200);
    assert_eq!(taken(&host, "/v1/directory", "text/csv").await.status, 200);
    // What is no file, and what was refused, is none.
    assert_eq!(taken(&host, "/v1/directory", "application/json").await.status, 200);
    assert_eq!(taken(&host, "/v1/pauses", "text/csv").await.status, 403);
    assert_eq!(taken(&olga, "/v1/pauses?agent=", "text/csv").await.status, 400);
    drop(ana);
    let now = server.clock.now();
    let server = server.restarted_after(now).await;
    let told = |events: Vec<Value>| {
        let mut told: Vec<String> =
            events.iter().map(|event| json!([event["actor"]["id"], event["data"]]).to_string()).collect();
        told.sort();
        told
    };
    let file = |who: &str, what: &str, format: &str, filters: &[&str], rows: u64, count: u32| {
        let role = if who == "olga" { "auditor" } else { "integration" };
        let data =
            json!({"what": what, "format": format, "filters": filters, "rows": rows, "role": role, "count": count});
        json!([who, data]).to_string()
    };
    let expected = [
        // The settings, three channels, two teams and four people.
        file("host", "directory", "toml", &[], 10, 1),
        file("host", "directory", "csv", &[], 4, 1),
        file("olga", "audit", "ndjson", &["kind"], 1, 1),
        file("olga", "pauses", "csv", &["agent", "from"], 2, 2),
        file("olga", "pauses", "csv", &[], 1, 1),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(told(audit(&server, "&kind=data.exported", 10).await), expected);
    assert_eq!(told(audit(&server, "&kind=history.read", 10).await), Vec::<String>::new(), "each is one or the other");
}

/// A day with a pause that is `unavailable` to others; what the audit shows of it, without the times and ids that differ
/// from one run to the next.
async fn told_of(pauses: &[(&str, Value)]) -> (Vec<Value>, TestServer) {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    for (method, params) in pauses {
        ana.ok(method, params.clone()).await;
    }
    ana.ok("session.sign_out", json!({"scope": "all"})).await;
    let mut events = audit(&server, "&agent=ana", 1000).await;
    for event in &mut events {
        event["at"].take();
    }
    (events, server)
}

#[tokio::test]
async fn a_protected_pause_is_a_chosen_unavailable_in_the_audit_and_in_the_stream() {
    let start = |code: &str| ("pause.start", json!({"type": code, "note": "segredo"}));
    let set = |status: &str| ("status.set", json!({"status": status}));
    let end = |then: &str| ("pause.end", json!({"then": then}));
    let (protected, server) = told_of(&[start("banheiro"), end("available")]).await;
    let (chosen, _other) = told_of(&[set("unavailable"), set("available")]).await;
    assert!(kinds(&chosen).iter().filter(|kind| **kind == "agent.status_changed").count() >= 3, "{chosen:?}");
    assert_eq!(
        serde_json::to_string(&protected).expect("JSON"),
        serde_json::to_string(&chosen).expect("JSON"),
        "byte by byte, numbers included"
    );
    let mut stream = Follower::begin(&server, &host(&server), "", Some(0)).await;
    let all = audit(&server, "", 1000).await;
    let streamed = stream.up_to(*seqs(&all).last().expect("events")).await;
    assert_eq!(streamed, all);
    assert!(
        !streamed.iter().any(|event| event.to_string().contains("banheiro") || event.to_string().contains("segredo"))
    );

    // What cannot keep its number is left out: gone straight to bed, and begun while unavailable already.
    let unnumbered = |events: &[Value]| {
        let strip = |event: &Value| {
            let mut event = event.clone();
            (event["seq"], event["agent_seq"]) = (json!(0), json!(0));
            event.to_string()
        };
        events.iter().map(strip).collect::<Vec<_>>()
    };
    let ways = [
        (vec![set("unavailable"), start("banheiro"), end("unavailable")], vec![set("unavailable")]),
        (vec![start("banheiro")], vec![set("unavailable")]),
        (vec![start("banheiro"), set("offline")], vec![set("unavailable"), set("offline")]),
    ];
    for (with, without) in ways {
        let (protected, _server) = told_of(&with).await;
        let (chosen, _other) = told_of(&without).await;
        assert_eq!(unnumbered(&protected), unnumbered(&chosen), "{with:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_and_found_tells_no_protected_pause_either() {
    let told = async |begin: (&str, Value), end: &str| {
        let server = TestServer::start().await;
        let mut ana = server.agent("ana").await;
        ana.ok("status.set", json!({"status": "available"})).await;
        ana.ok(begin.0, begin.1).await;
        ana.vanish();
        let until = server.clock.now() + PATIENCE;
        while audit(&server, "&agent=ana&kind=agent.connection_lost", 10).await.is_empty() {
            assert!(server.clock.now() < until, "the connection is not given up");
            server.clock.sleep_until(server.clock.now() + Duration::from_millis(100)).await;
        }
        let mut ana = server.agent("ana").await;
        if end == "offline" {
            ana.ok("session.sign_out", json!({"scope": "all"})).await;
        } else {
            ana.ok("status.set", json!({"status": end})).await;
        }
        let told = audit(&server, "&agent=ana", 1000).await;
        let shown = |event: &Value| (event["kind"].clone(), event["actor"].clone(), event["cause"].clone());
        told.iter()
            .map(|event| (shown(event), event["data"]["status"].clone(), event["data"]["to"].clone()))
            .collect::<Vec<_>>()
    };
    for end in ["available", "offline"] {
        let protected = told(("pause.start", json!({"type": "banheiro"})), end).await;
        let chosen = told(("status.set", json!({"status": "unavailable"})), end).await;
        assert!(chosen.iter().any(|(shown, ..)| shown.0 == "agent.resumed"), "{chosen:?}");
        assert_eq!(protected, chosen, "{end}");
    }
}

#[tokio::test]
async fn a_protected_pause_inside_another_is_nothing_at_all() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    ana.ok("pause.start", json!({"type": "almoco"})).await;
    ana.ok("pause.start", json!({"type": "banheiro", "note": "segredo"})).await;
    ana.refused("pause.start", json!({"type": "medico"})).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    sofia.ok("agent.end_pause", json!({"agent": "ana", "reason": "fila"})).await;
    ana.ok("pause.end", json!({})).await;
    let told = audit(&server, "&agent=ana", 1000).await;
    let of_pauses: Vec<&str> = kinds(&told).into_iter().filter(|kind| kind.starts_with("pause.")).collect();
    assert_eq!(of_pauses, ["pause.started", "pause.ended"], "{told:?}");
    assert!(!told.iter().any(|event| event.to_string().contains("banheiro") || event.to_string().contains("segredo")));
    let stored = seqs(&told);
    assert!(stored.windows(2).any(|pair| pair[1] > pair[0] + 1), "what is left out leaves its number: {stored:?}");
}

#[tokio::test]
async fn from_every_number_the_stream_is_what_the_audit_has_after_it_also_over_a_restart() {
    let server = TestServer::start().await;
    day(&server).await;
    let all = audit(&server, "", 1000).await;
    let last = *seqs(&all).last().expect("events");
    let token = host(&server);
    for after in 0..=last {
        let mut stream = Follower::begin(&server, &token, "", Some(after)).await;
        let streamed = stream.up_to(last).await;
        let expected: Vec<Value> = all.iter().filter(|event| event["seq"].as_u64() > Some(after)).cloned().collect();
        assert_eq!(streamed, expected, "after {after}");
    }
    // It goes on where it was over the joint and over a restart.
    let mut stream = Follower::begin(&server, &token, "", Some(last - 2)).await;
    stream.up_to(last - 1).await;
    let (reached, now) = (stream.last_id.expect("a number"), server.clock.now());
    drop(stream);
    let server = server.restarted_after(now).await;
    let mut stream = Follower::begin(&server, &host(&server), "", Some(reached)).await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let again = audit(&server, "", 1000).await;
    let newest = *seqs(&again).last().expect("events");
    let streamed = stream.up_to(newest).await;
    assert_eq!(streamed, again.into_iter().filter(|event| event["seq"].as_u64() > Some(reached)).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_number_it_begins_at_the_present_and_a_number_that_is_not_there_is_told() {
    let server = TestServer::start().await;
    day(&server).await;
    let (token, head) = (host(&server), *seqs(&audit(&server, "", 1000).await).last().expect("events"));
    let mut stream = Follower::begin(&server, &token, "", None).await;
    assert_eq!(stream.last_id, Some(head));
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    assert_eq!(stream.event().await["kind"], "agent.signed_in");
    assert_eq!(stream.event().await["data"], json!({"from": "unavailable", "to": "available"}));
    let answer = server.get(&token, "/v1/events?after=999999").await;
    assert_eq!(answer.problem(), (409, "unknown_number".to_owned()));
    assert!(answer.json()["params"]["head"].as_u64() >= Some(head));
    let bearer = format!("Bearer {token}");
    let bad = server.http("GET", "/v1/events", &[("authorization", &bearer), ("last-event-id", "x1")], "").await;
    assert_eq!(bad.problem(), (400, "invalid_params".to_owned()));
    for query in ["kinds=pause.begun", "after=x", "colour=red"] {
        let answer = server.get(&token, &format!("/v1/events?{query}")).await;
        assert_eq!(answer.problem(), (400, "invalid_params".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_stream_is_filtered_by_kind_team_and_agent_and_still_moves_on() {
    let server = TestServer::start().await;
    day(&server).await;
    let all = audit(&server, "", 1000).await;
    let (token, last) = (host(&server), *seqs(&all).last().expect("events"));
    let of_team = |event: &Value| event["agent"] == "bruno";
    type Fits<'a> = &'a dyn Fn(&Value) -> bool;
    let filters: [(&str, Fits<'_>); 3] = [
        ("?after=0&agent=ana", &|event| event["agent"] == "ana"),
        ("?after=0&team=vendas", &of_team),
        ("?after=0&kinds=pause.started,server.started", &|event| {
            event["kind"] == "pause.started" || event["kind"] == "server.started"
        }),
    ];
    for (query, fits) in filters {
        let expected: Vec<Value> = all.iter().filter(|event| fits(event)).cloned().collect();
        let mut stream = Follower::begin(&server, &token, query, None).await;
        let mut streamed = Vec::new();
        while streamed.len() < expected.len() {
            streamed.push(stream.event().await);
        }
        assert_eq!(streamed, expected, "{query}");
    }
    assert!(last > 0);
}

#[tokio::test]
async fn who_reads_slowly_gets_everything_after_a_burst() {
    let rate = Rate { per_second: 1000, burst: 1000 };
    let server = TestServer::with(Settings { rate, ..Settings::default() }).await;
    let token = host(&server);
    let mut stream = Follower::begin(&server, &token, "", Some(0)).await;
    // Many pages, and more than the system takes for a reader who does not read.
    let bearer = format!("Bearer {token}");
    for round in 0..40 {
        let shifts: Vec<Value> = (1..=20)
            .flat_map(|day| ["ana", "bruno", "carla"].map(|agent| (day, agent)))
            .map(|(day, agent)| {
                let at = |hour: &str| format!("2031-01-{day:02}T{hour}:{round:02}:00Z");
                json!({"agent": agent, "day": format!("2031-01-{day:02}"), "start": at("12"), "end": at("18")})
            })
            .collect();
        let body = json!({"shifts": shifts}).to_string();
        let answer = server.http("PUT", "/v1/shifts", &[("authorization", &bearer)], &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let all = audit(&server, "", 1000).await;
    assert!(all.len() > 2400, "{}", all.len());
    let streamed = stream.up_to(*seqs(&all).last().expect("events")).await;
    assert_eq!(seqs(&streamed), seqs(&all));
    assert_eq!(streamed, all);
}

#[tokio::test]
async fn promise_a3_a_stream_ends_with_its_credential_and_promise_b5_with_the_server() {
    let server = TestServer::start().await;
    let short = server.token_for("acme", Role::Integration, "breve", None, Duration::from_secs(2));
    let mut stream = Follower::begin(&server, &short, "", None).await;
    let until = server.clock.now() + seconds(30);
    stream.comments_to_the_end().await;
    assert!(server.clock.now() < until, "it went on after its credential had ended");

    let admin = server.token(Role::Admin, "chefe", None);
    let bearer = format!("Bearer {admin}");
    let key = json!({"name": "fluxo", "roles": ["integration"]}).to_string();
    let made = server.http("POST", "/v1/keys", &[("authorization", &bearer)], &key).await.json();
    let (id, secret) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    let mut stream = Follower::begin(&server, secret, "", None).await;
    let listed = server.get(&admin, "/v1/sessions?subject=fluxo").await.json();
    assert_eq!(listed["sessions"][0]["kind"], "stream", "{listed}");
    let ended = server.http("DELETE", &format!("/v1/keys/{id}"), &[("authorization", &bearer)], "").await;
    assert_eq!(ended.status, 204, "{ended:?}");
    let until = server.clock.now() + seconds(5);
    stream.comments_to_the_end().await;
    assert!(server.clock.now() < until, "it went on after its key was ended");

    let mut stream = Follower::begin(&server, &host(&server), "", None).await;
    server.begin_stop();
    let comments = stream.comments_to_the_end().await;
    assert_eq!(comments.last().map(String::as_str), Some(": draining"));
    server.stopped().await;
}

#[tokio::test]
async fn a_principal_has_so_many_streams_and_gets_places_back() {
    let server = TestServer::start().await;
    let token = host(&server);
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(Follower::begin(&server, &token, "", None).await);
    }
    let answer = server.get(&token, "/v1/events").await;
    assert_eq!(answer.problem(), (429, "too_many_streams".to_owned()));
    // Another one has places of its own.
    drop(Follower::begin(&server, &server.token(Role::Integration, "outro", None), "", None).await);
}

#[tokio::test]
async fn promise_a2_the_audit_is_for_administrators_and_auditors_and_the_stream_for_integrations() {
    let server = TestServer::start().await;
    let (audit_for, events_for) = ([Role::Admin, Role::Auditor], [Role::Admin, Role::Integration]);
    for role in Role::ALL {
        let token = server.token(role, "ana", Some(&["suporte"]));
        let status = server.get(&token, "/v1/audit").await.status;
        assert_eq!(status, if audit_for.contains(&role) { 200 } else { 403 }, "{role}");
        // A number that is not there, so that the answer ends.
        let status = server.get(&token, "/v1/events?after=999999").await.status;
        assert_eq!(status, if events_for.contains(&role) { 409 } else { 403 }, "{role}");
    }
    assert_eq!(server.http("GET", "/v1/audit", &[], "").await.status, 401);
    assert_eq!(server.http("GET", "/v1/events", &[], "").await.status, 401);
    assert_eq!(server.get(&server.token(Role::Admin, "chefe", None), "/v1/webhooks").await.status, 404);
}

#[tokio::test]
async fn promise_a4_no_secret_is_in_any_event() {
    let server = TestServer::start().await;
    let bearer = format!("Bearer {}", server.token(Role::Admin, "chefe", None));
    let post = async |path: &str, body: Value| {
        let made = server.http("POST", path, &[("authorization", &bearer)], &body.to_string()).await;
        assert!(made.status < 300, "{made:?}");
        made.json()
    };
    let key = post("/v1/keys", json!({"name": "roteador", "roles": ["integration"]})).await;
    let one = json!({"login": "sofia", "subject": "sofia", "roles": ["auditor"]});
    let invited = post("/v1/invitations", json!({"invitations": [one]})).await["invitations"][0].take();
    let password = "correct horse battery staple";
    post("/v1/invitations/accept", json!({"invitation": invited["invitation"], "password": password})).await;
    post("/v1/login", json!({"tenant": "acme", "login": "sofia", "password": password})).await;
    let all = audit(&server, "", 1000).await;
    let told: BTreeSet<&str> = kinds(&all).into_iter().collect();
    for kind in ["key.made", "account.made", "account.invited", "account.password_set", "login.began"] {
        let is_there = told.contains(kind) || kind == "account.made";
        assert!(is_there, "{kind} in {told:?}");
    }
    let text = json!(all).to_string();
    for secret in [key["key"].as_str(), invited["invitation"].as_str(), Some(password)] {
        assert!(!text.contains(secret.expect("a text")), "a secret is in the audit");
    }
    let made = all.iter().find(|event| event["kind"] == "key.made").expect("one");
    assert_eq!(made["data"]["key"], key["id"]);
}
