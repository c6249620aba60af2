//! One agent living a small random day through the public protocol: ready, away, back, a second
//! tab, a lost connection. The same day for the same seed, as far as the server answers the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::client::{CallError, Client, ConnectError, Ended, Notification};
use crate::random::Random;

/// The shortest and the longest wait before connecting anew.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// The most failures that are kept: the first ones tell the story.
const FAILURES_MAX: usize = 50;

/// How fast an agent lives: how long it waits between two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// At least.
    pub min: Duration,
    /// At most.
    pub max: Duration,
}

/// One simulated agent.
#[derive(Debug, Clone)]
pub struct AgentDriver {
    /// Where: `ws://…/v1/ws`.
    pub url: String,
    /// Its token.
    pub token: String,
    /// Its day.
    pub seed: u64,
    /// How fast it lives.
    pub pace: Pace,
}

/// What an agent went through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentReport {
    /// Calls that were answered, refusals too.
    pub calls: u64,
    /// The acknowledged starts: `op` and the pause that it began.
    pub started: Vec<(String, String)>,
    /// How often each refusal was met, by its code.
    pub refused: BTreeMap<String, u64>,
    /// How often it connected anew.
    pub reconnects: u64,
    /// What should not have happened, for instance a call without an answer.
    pub failures: Vec<String>,
    /// The types that are protected, as the menu told.
    pub protected: BTreeSet<String>,
    /// Its own state at the end, as the server told it.
    pub last: Option<Value>,
}

/// Why a stretch on one connection ended.
enum Stretch {
    /// The day is over.
    Stopped,
    /// The connection is gone, or was dropped on purpose.
    Lost,
}

struct Life {
    driver: AgentDriver,
    random: Random,
    report: AgentReport,
    state: Value,
    extra_tab: Option<Client>,
}

impl AgentDriver {
    /// Lives until `stop` turns true; then asks for the state once more and closes.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> AgentReport {
        let random = Random::of(self.seed);
        let mut life =
            Life { driver: self, random, report: AgentReport::default(), state: Value::Null, extra_tab: None };
        let Pace { max, .. } = life.driver.pace;
        // Agents do not all come through the door at once.
        let mut wait = life.random.span(Duration::ZERO, max / 3);
        while !stopped_within(wait, &mut stop).await {
            match Client::connect(&life.driver.url, &life.driver.token).await {
                Ok(mut client) => match life.stretch(&mut client, &mut stop).await {
                    Stretch::Stopped => {
                        life.finish(client).await;
                        break;
                    }
                    Stretch::Lost => life.report.reconnects += 1,
                },
                Err(ConnectError::Status(401 | 403)) => {
                    life.fail("the token was refused".to_owned());
                    break;
                }
                // The server may be on its way up.
                Err(ConnectError::Failed(_) | ConnectError::TimedOut | ConnectError::Status(_)) => {}
                Err(error @ ConnectError::Request(_)) => {
                    life.fail(error.to_string());
                    break;
                }
            }
            wait = life.random.span(RECONNECT.0, RECONNECT.1);
        }
        life.report
    }
}

/// Waits, but not past the end of the day; true when that has come.
async fn stopped_within(wait: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    // Who holds the other end may be gone; that too is the end of the day.
    timeout(wait, stop.wait_for(|stop| *stop)).await.is_ok()
}

impl Life {
    /// Lives on one connection.
    async fn stretch(&mut self, client: &mut Client, stop: &mut watch::Receiver<bool>) -> Stretch {
        match self.call(client, "session.open", json!({})).await {
            Ok(opened) => self.state = opened["agent"].clone(),
            Err(_) => return Stretch::Lost,
        }
        self.learn_menu(client).await;
        loop {
            let pause = self.random.span(self.driver.pace.min, self.driver.pace.max);
            tokio::select! {
                stopped = stopped_within(pause, stop) => if stopped { return Stretch::Stopped },
                ended = self.listen(client) => {
                    if let Ended::Closed { code, .. } = ended && matches!(code, 1000 | 4403) {
                        // Signed out: people come back after a while, or not at all that day.
                        stopped_within(self.driver.pace.max, stop).await;
                    }
                    return Stretch::Lost;
                }
            }
            if self.act(client).await.is_err() {
                return Stretch::Lost;
            }
        }
    }

    /// Takes up notifications until the connection ends.
    async fn listen(&mut self, client: &mut Client) -> Ended {
        while let Some(notification) = client.notification().await {
            self.take(notification);
        }
        client.wait_ended().await
    }

    fn take(&mut self, Notification { method, params }: Notification) {
        if method == "agent.changed" {
            self.state = params;
        }
    }

    async fn learn_menu(&mut self, client: &Client) {
        let Ok(options) = self.call(client, "pause.options", json!({})).await else { return };
        let protected = options.as_array().into_iter().flatten().filter(|option| option["class"] == "protected");
        self.report.protected.extend(protected.filter_map(|option| option["type"].as_str()).map(str::to_owned));
    }

    /// Does one thing. An error means that the connection is of no more use.
    async fn act(&mut self, client: &mut Client) -> Result<(), Ended> {
        while let Some(notification) = client.try_notification() {
            self.take(notification);
        }
        let dice = self.random.below(100);
        let status = self.state["status"].as_str().unwrap_or_default().to_owned();
        let offer = self.state["offer"]["id"].as_str().map(str::to_owned);
        if let (Some(offer), 8..=89) = (offer, dice) {
            return self.command(client, "pause.accept", json!({ "offer": offer })).await;
        }
        match (status.as_str(), dice) {
            (_, 0..=3) => return Err(Ended::ByUs),
            (_, 4..=7) => self.toggle_tab().await,
            ("paused", 8..=64) => self.command(client, "pause.end", json!({})).await?,
            ("paused", 65..=74) => self.start_pause(client, true).await?,
            ("paused", _) => {}
            ("available", 8..=59) => self.start_pause(client, false).await?,
            ("available", 60..=69) => self.command(client, "status.set", json!({ "status": "unavailable" })).await?,
            ("available", _) => {}
            (_, _) => self.command(client, "status.set", json!({ "status": "available" })).await?,
        }
        Ok(())
    }

    /// Opens a second tab, or closes it.
    async fn toggle_tab(&mut self) {
        match self.extra_tab.take() {
            Some(tab) => tab.close().await,
            None => self.extra_tab = Client::connect(&self.driver.url, &self.driver.token).await.ok(),
        }
    }

    /// Asks what is offered and takes one of it.
    async fn start_pause(&mut self, client: &Client, replacing: bool) -> Result<(), Ended> {
        let options = match self.call(client, "pause.options", json!({})).await {
            Ok(options) => options,
            Err(error) => return lost(error),
        };
        let is_open = |option: &&Value| option["verdict"]["outcome"] != "refused" || replacing;
        let types: Vec<&Value> = options.as_array().into_iter().flatten().filter(is_open).collect();
        let Some(kind) = self.random.pick(&types).map(|option| option["type"].clone()) else { return Ok(()) };
        let mut params = json!({ "type": kind });
        if replacing && let Some(running) = self.state["pause"]["id"].as_str() {
            params["replaces"] = Value::from(running);
        }
        self.command(client, "pause.start", params).await
    }

    /// Sends a command under a fresh `op`.
    async fn command(&mut self, client: &Client, method: &str, mut params: Value) -> Result<(), Ended> {
        let op = self.random.op();
        params["op"] = Value::from(op.clone());
        match self.call(client, method, params).await {
            Ok(result) => {
                // `status.set` answers with the state itself, the others with `{agent, …}`.
                self.state = result.get("agent").filter(|agent| agent.is_object()).unwrap_or(&result).clone();
                if let (Some("started"), Some(pause)) = (result["outcome"].as_str(), self.state["pause"]["id"].as_str())
                {
                    self.report.started.push((op, pause.to_owned()));
                }
                Ok(())
            }
            Err(error) => lost(error),
        }
    }

    async fn call(&mut self, client: &Client, method: &str, params: Value) -> Result<Value, CallError> {
        let answer = client.call(method, params).await;
        match &answer {
            Ok(_) => self.report.calls += 1,
            Err(CallError::Rpc(error)) => {
                self.report.calls += 1;
                *self.report.refused.entry(error.word().to_owned()).or_default() += 1;
                if let Some(wait) = error.retry_after() {
                    sleep(wait).await;
                }
                let is_ours = error.code <= -32600 && error.code >= -32700;
                if is_ours {
                    self.fail(format!("{method}: {error}"));
                }
            }
            Err(error @ CallError::TimedOut { .. }) => self.fail(error.to_string()),
            Err(CallError::Ended(_)) => {}
        }
        answer
    }

    fn fail(&mut self, what: String) {
        if self.report.failures.len() < FAILURES_MAX {
            self.report.failures.push(what);
        }
    }

    async fn finish(&mut self, client: Client) {
        match self.call(&client, "agent.get", json!({})).await {
            Ok(state) => self.report.last = Some(state),
            // Signed out at the last moment, by a limit or a supervisor.
            Err(CallError::Ended(Ended::Closed { code: 1000 | 4403, .. })) => {}
            Err(error) => self.fail(format!("agent.get at the end: {error}")),
        }
        if let Some(tab) = self.extra_tab.take() {
            tab.close().await;
        }
        client.close().await;
    }
}

/// A refusal is part of the day; anything else ends the connection.
fn lost(error: CallError) -> Result<(), Ended> {
    match error {
        CallError::Rpc(_) => Ok(()),
        CallError::TimedOut { .. } => Err(Ended::ByUs),
        CallError::Ended(ended) => Err(ended),
    }
}
