//! Golden transcripts: whole conversations, as a client's author would want to read them. Instants
//! and ids are replaced by words, so that they are the same every time.

use std::collections::BTreeMap;

use intervalo::auth::Role;
use serde_json::{Value, json};

use crate::server::{Client, TestServer};

/// A conversation as it is written down.
#[derive(Default)]
struct Transcript {
    lines: Vec<String>,
    words: BTreeMap<String, String>,
}

impl Transcript {
    /// Calls, and writes down the request, the answer, and as many notifications as follow.
    async fn call(&mut self, client: &mut Client, method: &str, params: Value, notifications: usize) -> Value {
        let line = format!("> {method} {}", self.masked(&params));
        self.lines.push(line);
        let answer = client.call(method, params).await;
        let what = if answer.get("error").is_some() { &answer["error"] } else { &answer["result"] };
        let line = format!("< {}", self.masked(what));
        self.lines.push(line);
        for _ in 0..notifications {
            let told = client.next_message().await;
            let line = format!("< {} {}", told["method"].as_str().unwrap_or("?"), self.masked(&told["params"]));
            self.lines.push(line);
        }
        answer["result"].clone()
    }

    /// The value with every instant and every made-up id replaced.
    fn masked(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if is_instant(text) => json!("<instant>"),
            Value::String(text) if text.parse::<intervalo::domain::id::PauseId>().is_ok() => {
                let next = format!("<pause {}>", self.words.len() + 1);
                json!(self.words.entry(text.clone()).or_insert(next))
            }
            Value::Array(list) => list.iter().map(|item| self.masked(item)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(name, item)| {
                    let opaque = matches!(name.as_str(), "cursor" | "subscription" | "token" | "session");
                    (name.clone(), if opaque { json!(format!("<{name}>")) } else { self.masked(item) })
                })
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }

    fn text(&self) -> String {
        self.lines.join("\n")
    }
}

fn is_instant(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && intervalo::protocol::time::from_text(text).is_ok()
}

#[tokio::test]
async fn an_agents_session_reads_as_written_down() {
    let server = TestServer::start().await;
    let mut client = server.connect(&[]).await.expect("a socket");
    let mut transcript = Transcript::default();
    let token = server.token(Role::Agent, "ana", None);
    transcript.call(&mut client, "agent.get", json!({}), 0).await;
    transcript.call(&mut client, "session.open", json!({"token": token}), 1).await;
    transcript.call(&mut client, "status.set", json!({"status": "available"}), 1).await;
    let begun = transcript.call(&mut client, "pause.start", json!({"type": "almoco", "note": "já volto"}), 1).await;
    transcript.call(&mut client, "pause.start", json!({"type": "cafe"}), 0).await;
    let replaces = begun["agent"]["pause"]["id"].clone();
    transcript.call(&mut client, "pause.start", json!({"type": "banheiro", "replaces": replaces}), 1).await;
    transcript.call(&mut client, "pause.end", json!({}), 1).await;
    transcript.call(&mut client, "pause.end", json!({"then": "unavailable"}), 1).await;
    transcript.call(&mut client, "pause.end", json!({"when": "now"}), 0).await;
    transcript.call(&mut client, "session.sign_out", json!({}), 1).await;
    assert_eq!(client.closed().await, 1000);
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn a_supervisors_session_reads_as_written_down() {
    let server = TestServer::start().await;
    let mut ana = server.agent("ana").await;
    ana.ok("status.set", json!({"status": "available"})).await;
    let mut sofia = server.supervisor(&["suporte"]).await;
    let mut transcript = Transcript::default();
    transcript
        .call(&mut sofia, "agent.start_pause", json!({"agent": "ana", "type": "feedback", "reason": "conversa"}), 0)
        .await;
    transcript.call(&mut sofia, "pause.extend", json!({"agent": "ana", "by_ms": 0, "reason": "x"}), 0).await;
    transcript.call(&mut sofia, "agent.end_pause", json!({"agent": "carla", "reason": "x"}), 0).await;
    transcript.call(&mut sofia, "agent.end_pause", json!({"agent": "ana", "reason": "fim"}), 0).await;
    transcript.call(&mut sofia, "agent.end_pause", json!({"agent": "ana", "reason": "fim"}), 0).await;
    transcript.call(&mut sofia, "board.subscribe", json!({"teams": ["vendas"]}), 0).await;
    transcript.call(&mut sofia, "pause.start", json!({"type": "almoco"}), 0).await;
    insta::assert_snapshot!(transcript.text());
}

#[tokio::test]
async fn a_menu_reads_as_written_down() {
    let server = TestServer::start().await;
    let mut client = server.agent("ana").await;
    let menu = client.ok("pause.options", json!({})).await;
    // The last line depends on the day of the week.
    let fixed: Vec<Value> = menu.as_array().expect("a list").iter().take(4).cloned().collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&fixed).expect("JSON"));
}
