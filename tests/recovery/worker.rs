//! An agent that works through crashes: it keeps account of all that it sent and was told, and sends
//! again what it cannot know the end of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use intervalo::clock::SystemClock;
use intervalo::domain::time::Timestamp;
use intervalo::ports::Clock;
use intervalo_loadtest::{CallError, Client, Ended, Random};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::checks::{Acknowledged, Repeat, Return};
use crate::company::{PROTECTED, REPLACEABLE};

/// One agent with its account.
pub(crate) struct Worker {
    /// The agent's id.
    pub(crate) id: String,
    token: String,
    /// The token of the supervisor who acts on the agent, where the agent does nothing itself.
    boss: Option<String>,
    random: Random,
    client: Option<Client>,
    /// Its own state as it was last told; null before the first time.
    pub(crate) state: Value,
    in_flight: Option<Command>,
    done: Vec<Done>,
    /// All that it asked for.
    pub(crate) account: Account,
}

/// What an agent went through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// Every `op` that was ever sent.
    pub(crate) sent: BTreeSet<String>,
    /// What was answered with success.
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// What was sent again.
    pub(crate) repeats: Vec<Repeat>,
    /// How it came back.
    pub(crate) returns: Vec<Return>,
    /// How often a command in flight turned out to have been carried out, and not.
    pub(crate) found_done: usize,
    /// How often it turned out not to have been.
    pub(crate) found_undone: usize,
    /// How its connections ended.
    pub(crate) farewells: Vec<Farewell>,
    /// Answers that there was no reason for.
    pub(crate) faults: Vec<String>,
}

/// How far workers who persist are, all together.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// What was answered with success.
    pub(crate) acknowledged: AtomicU64,
    /// What was to be sent again later.
    pub(crate) put_off: AtomicU64,
    /// Told whenever one of them grows.
    pub(crate) moved: Notify,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Farewell {
    /// The params of `server.draining`, when that came.
    pub(crate) draining: Option<Value>,
    /// The end.
    pub(crate) ended: Ended,
}

#[derive(Debug, Clone)]
struct Command {
    op: String,
    method: &'static str,
    params: Value,
}

/// A command with the outcome that was told.
#[derive(Debug, Clone)]
struct Done {
    command: Command,
    outcome: Value,
}

impl Worker {
    /// An agent that was never there.
    pub(crate) fn new(id: String, token: String, seed: u64) -> Worker {
        Worker {
            id,
            token,
            boss: None,
            random: Random::of(seed),
            client: None,
            state: Value::Null,
            in_flight: None,
            done: Vec::new(),
            account: Account::default(),
        }
    }

    /// An agent that only holds a socket: a supervisor acts on it.
    pub(crate) fn supervised(id: String, token: String, boss: String, seed: u64) -> Worker {
        Worker { boss: Some(boss), ..Worker::new(id, token, seed) }
    }

    /// A connection of whoever acts, and the agent's state; the agent's own socket stays open beside a
    /// supervisor's.
    async fn connect(&self, url: &str) -> (Client, Value) {
        let mut own = Client::connect(url, &self.token).await.expect("the server is ready");
        let state = own.call("agent.get", json!({})).await.expect("an agent may see itself");
        let Some(boss) = &self.boss else { return (own, state) };
        tokio::spawn(async move { while own.notification().await.is_some() {} });
        (Client::connect(url, boss).await.expect("the server is ready"), state)
    }

    /// The method and parameters of a command as whoever acts sends it.
    fn on_the_wire(&self, method: &str, params: &Value) -> (String, Value) {
        let mut params = params.clone();
        if self.boss.is_none() {
            return (method.to_owned(), params);
        }
        params["agent"] = json!(self.id);
        let method = match method {
            "status.set" => "agent.set_status",
            "pause.start" => "agent.start_pause",
            "pause.end" => "agent.end_pause",
            other => unreachable!("no supervisor sends {other}"),
        };
        params["reason"] = json!("a fila está longa");
        if let Some(params) = params.as_object_mut() {
            params.remove("note");
        }
        (method.to_owned(), params)
    }

    async fn call(&self, client: &Client, method: &str, params: &Value) -> Result<Value, CallError> {
        let (method, params) = self.on_the_wire(method, params);
        client.call(&method, params).await
    }

    /// Connects, looks whether all is as it was left, and sends again: the last command that was
    /// acknowledged, one of long ago, and, twice, the one that was in flight.
    pub(crate) async fn come_back(mut self, url: String) -> Worker {
        let (client, after) = self.connect(&url).await;
        if !self.state.is_null() {
            let in_flight = self.in_flight.as_ref().map(|sent| (sent.method.to_owned(), sent.params.clone()));
            let (agent, before) = (self.id.clone(), self.state.clone());
            self.account.returns.push(Return { agent, before, after: after.clone(), in_flight });
        }
        let was_carried_out = self.state["version"] != after["version"];
        self.state = after;
        if let Some(done) = self.done.last().cloned() {
            self.misuse(&client, &done.command).await;
        }
        let long_ago = self.random.pick(&self.done).cloned();
        for done in self.done.last().cloned().into_iter().chain(long_ago) {
            self.repeat(&client, done).await;
        }
        if let Some(command) = self.in_flight.take() {
            let before = self.state.clone();
            match self.send(&client, &command).await {
                Ok(done) if was_carried_out => {
                    self.account.found_done += 1;
                    // The first answer is lost; that it was given without an effect can be seen.
                    self.note_repeat(before, &done, done.outcome.clone());
                    self.repeat(&client, done).await;
                }
                Ok(done) => {
                    self.account.found_undone += 1;
                    self.repeat(&client, done).await;
                }
                Err(error) => self.account.faults.push(format!("{}: {command:?}, sent again: {error}", self.id)),
            }
        }
        self.client = Some(client);
        self
    }

    /// Acts as fast as it is answered, until the connection ends.
    pub(crate) async fn work(mut self, acknowledgements: mpsc::Sender<()>) -> Worker {
        let mut client = self.client.take().expect("it came back first");
        let mut draining = None;
        let mut hear = |client: &mut Client| {
            while let Some(notification) = client.try_notification() {
                if notification.method == "server.draining" {
                    draining = Some(notification.params);
                }
            }
        };
        loop {
            hear(&mut client);
            let command = self.choose();
            self.in_flight = Some(command.clone());
            match self.send(&client, &command).await {
                Ok(_) => {
                    self.in_flight = None;
                    // Whoever counts may have counted enough.
                    let _ = acknowledgements.send(()).await;
                }
                Err(CallError::Ended(_) | CallError::TimedOut { .. }) => break,
                // Whether it was carried out is not known.
                Err(CallError::Rpc(error)) if error.word() == "unavailable" => break,
                Err(CallError::Rpc(error)) => {
                    self.in_flight = None;
                    let state = &self.state;
                    self.account.faults.push(format!("{}: {command:?} in {state}: {error}", self.id));
                    break;
                }
            }
        }
        let ended = client.wait_ended().await;
        hear(&mut client);
        self.account.farewells.push(Farewell { draining, ended });
        self
    }

    /// Acts as fast as it is answered until it is enough; what the store cannot take is sent again, with the same
    /// `op`, until it does.
    pub(crate) async fn persist(mut self, progress: Arc<Progress>, enough: CancellationToken) -> Worker {
        let client = self.client.take().expect("it came back first");
        while !enough.is_cancelled() {
            let command = self.choose();
            loop {
                match self.send(&client, &command).await {
                    Ok(_) => {
                        progress.acknowledged.fetch_add(1, Ordering::Relaxed);
                        progress.moved.notify_one();
                        break;
                    }
                    Err(CallError::Rpc(error)) if error.word() == "unavailable" => {
                        progress.put_off.fetch_add(1, Ordering::Relaxed);
                        progress.moved.notify_one();
                        let clock = SystemClock::start(Timestamp(0));
                        clock.sleep_until(clock.now() + error.retry_after().unwrap_or_default()).await;
                    }
                    Err(error) => {
                        let state = &self.state;
                        self.account.faults.push(format!("{}: {command:?} in {state}: {error}", self.id));
                        return self;
                    }
                }
            }
        }
        self
    }

    /// Sends a command and takes up the answer.
    async fn send(&mut self, client: &Client, command: &Command) -> Result<Done, CallError> {
        self.account.sent.insert(command.op.clone());
        let result = self.call(client, command.method, &command.params).await?;
        // `status.set` answers with the state itself, the others with `{agent, …}`.
        self.state = result.get("agent").filter(|agent| agent.is_object()).unwrap_or(&result).clone();
        let started = (command.method == "pause.start").then(|| {
            self.state["pause"]["id"].as_str().map(str::to_owned).unwrap_or_else(|| format!("none: {result}"))
        });
        let op = command.op.clone();
        self.account.acknowledged.push(Acknowledged { agent: self.id.clone(), op, started });
        let done = Done { command: command.clone(), outcome: result["outcome"].clone() };
        self.done.push(done.clone());
        Ok(done)
    }

    /// Sends again what was acknowledged.
    async fn repeat(&mut self, client: &Client, done: Done) {
        let Done { command, outcome } = &done;
        match self.call(client, command.method, &command.params).await {
            Ok(result) => {
                let before = self.state.clone();
                self.state = result.get("agent").filter(|agent| agent.is_object()).unwrap_or(&result).clone();
                self.note_repeat(before, &done, result["outcome"].clone());
            }
            Err(error) => self.account.faults.push(format!("{}: {command:?} -> {outcome}, again: {error}", self.id)),
        }
    }

    /// Sends an `op` that was acknowledged with another content: a fault of the client, not a repeat.
    async fn misuse(&mut self, client: &Client, Command { op, method, .. }: &Command) {
        let (method, params) = match *method {
            "status.set" => ("pause.start", json!({ "type": REPLACEABLE[0], "op": op })),
            _ => ("status.set", json!({ "status": "available", "op": op })),
        };
        match self.call(client, method, &params).await {
            Err(CallError::Rpc(error)) if error.word() == "op_reused" => {}
            answer => self.account.faults.push(format!("{}: {op} with another content: {answer:?}", self.id)),
        }
    }

    fn note_repeat(&mut self, before: Value, done: &Done, outcome_again: Value) {
        let (op, outcome, after) = (done.command.op.clone(), done.outcome.clone(), self.state.clone());
        self.account.repeats.push(Repeat { op, outcome, outcome_again, before, after });
    }

    /// Something that changes the state, whatever it is.
    fn choose(&mut self) -> Command {
        let dice = self.random.below(10);
        let status = self.state["status"].as_str().unwrap_or_default().to_owned();
        let running = self.state["pause"]["type"].as_str().unwrap_or_default().to_owned();
        let (method, mut params) = match (status.as_str(), dice) {
            ("paused", 0..=3) => ("pause.end", json!({})),
            ("paused", 4) => ("pause.end", json!({ "then": "unavailable" })),
            ("paused", _) if running == PROTECTED => ("pause.end", json!({})),
            // A supervisor ends a pause and begins another one.
            ("paused", _) if self.boss.is_some() => ("pause.end", json!({ "then": "available" })),
            ("paused", 5) => ("status.set", json!({ "status": "available" })),
            ("paused", 6) if self.boss.is_none() => ("pause.start", json!({ "type": PROTECTED })),
            ("paused", _) => {
                let others: Vec<&str> = REPLACEABLE.into_iter().filter(|kind| *kind != running).collect();
                let kind = self.random.pick(&others).copied().unwrap_or_default();
                ("pause.start", json!({ "type": kind, "replaces": self.state["pause"]["id"] }))
            }
            ("available", 0) => ("status.set", json!({ "status": "unavailable" })),
            (_, 1) if self.boss.is_none() => ("pause.start", json!({ "type": PROTECTED })),
            ("unavailable", 2..=5) => ("status.set", json!({ "status": "available" })),
            (_, _) => {
                let kind = self.random.pick(&REPLACEABLE).copied().unwrap_or_default();
                ("pause.start", json!({ "type": kind, "note": "até já" }))
            }
        };
        let op = self.random.op();
        params["op"] = json!(op);
        Command { op, method, params }
    }
}
