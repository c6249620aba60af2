//! Credentials, what people write, and protected pauses are in no line of the log, no figure and no error (promise A4).

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use intervalo::auth::Role;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::server::TestServer;

const NOTE: &str = "canario-nota";
const REASON: &str = "canario-motivo";
const PROTECTED: &str = "banheiro";

/// Everything that is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn promise_a4_no_secret_is_in_the_log_the_figures_or_an_error() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    // The server runs on the test's own thread.
    let _logging = tracing::subscriber::set_default(subscriber);
    let server = TestServer::start().await;
    let (token, chefe) = (server.token(Role::Agent, "ana", None), server.token(Role::Admin, "chefe", None));
    let mut errors = Vec::new();

    let mut ana = server.open(&token).await;
    let started = ana.ok("pause.start", json!({"type": "almoco", "note": NOTE})).await;
    let pause = started["agent"]["pause"]["id"].clone();
    ana.ok("pause.annotate", json!({"pause": pause, "text": NOTE})).await;
    let mut admin = server.open(&chefe).await;
    admin.ok("agent.end_pause", json!({"agent": "ana", "reason": REASON})).await;
    let hidden = ana.ok("pause.start", json!({"type": PROTECTED})).await["agent"]["pause"].take();
    errors.push(admin.call("agent.end_pause", json!({"agent": "ana", "reason": REASON})).await.to_string());
    errors.push(ana.call("pause.start", json!({"type": "nada", "note": NOTE})).await.to_string());
    errors.push(ana.call("pause.start", json!({"type": "almoco", "note": NOTE, "colour": "red"})).await.to_string());
    errors.push(ana.call("session.open", json!({"token": format!("{token}x")})).await.to_string());
    errors.push(ana.call("session.refresh", json!({"token": chefe})).await.to_string());
    errors.push(server.get(&format!("{chefe}x"), "/v1/agents").await.body);
    errors.push(server.get(&token, "/v1/agents").await.body);
    errors.push(server.get("", &format!("/v1/ws?token={token}")).await.body);
    assert!(errors.iter().all(|error| error.contains("code")), "{errors:?}");
    let figures = server.http("GET", "/metrics", &[], "").await.body;

    let text = String::from_utf8_lossy(&log.0.lock().expect("no panic")).into_owned();
    assert!(text.contains("a session of agent is open"), "the log was not taken: {text}");
    let signature = |token: &str| token.rsplit('.').next().expect("three parts").to_owned();
    let began = hidden["started_at"].as_str().expect("an instant").to_owned();
    let hidden = hidden["id"].as_str().expect("an id").to_owned();
    let secrets = [&signature(&token), &signature(&chefe), NOTE, REASON, PROTECTED, &hidden, &began];
    for place in errors.iter().map(String::as_str).chain([text.as_str(), &figures]) {
        for secret in secrets {
            assert!(!place.contains(secret), "{secret} is in {place}");
        }
    }
}
