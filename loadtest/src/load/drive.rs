//! Agents that start and end pauses as fast as they are answered, or at instants fixed beforehand.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::crowd::{Crowd, Ear, Heard, Wires};
use super::failure::{Failure, Outcome};
use super::latency::Latency;
use super::ledger::{Done, Ledger};
use super::machine::own_cpu_time;
use super::message::{Message, Wish, call, read, read_part};
use super::pace::Pace;
use crate::random::Random;

/// A load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Load {
    /// Each connection waits for its reply.
    Closed { connections: usize },
    /// Commands go out at a fixed rate, to the connections in turn.
    Open { connections: usize, per_second: f64 },
}

/// How long a load runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) warm_up: Duration,
    pub(super) time: Duration,
}

/// What one side did in one round.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) per_second: f64,
    pub(super) completed: u64,
    pub(super) latency: Latency,
    /// Of the server, when its process is known.
    pub(super) server_cpu: Option<Duration>,
    /// How many cores this process used.
    pub(super) generator_cores: f64,
}

/// How long a command may be without a reply. The slowest sync of a busy disk is far shorter.
const PATIENCE: Duration = Duration::from_secs(30);

/// The agents of a run, one on each socket, the n-th on the n-th.
#[derive(Debug)]
pub(super) struct Drive {
    ledger: Ledger,
    agents: Vec<AgentLine>,
    random: Random,
    calls: u64,
    phase: Phase,
    latency: Latency,
    completed: u64,
    fault: Option<Failure>,
}

#[derive(Debug, Default)]
struct AgentLine {
    /// Sent and not answered, in order; the server answers in order.
    waiting: VecDeque<Sent>,
}

#[derive(Debug)]
struct Sent {
    call: u64,
    what: What,
    /// When it was to go out.
    intended: Instant,
    /// Its time is one of those that are told.
    counts: bool,
}

#[derive(Debug)]
enum What {
    Command { wish: Wish, op: String },
    Again(Done),
    Get,
}

/// What a reply leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The next command at once; what is answered now is counted.
    Closed { counts: bool },
    /// Nothing: commands go out at their instants.
    Open,
    /// Nothing: what is under way is waited for.
    Quiet,
}

impl Drive {
    /// Agents who have signed in, by the ledger.
    pub(super) fn new(ledger: Ledger, seed: u64) -> Drive {
        let agents = (0..ledger.agents()).map(|_| AgentLine::default()).collect();
        Drive {
            ledger,
            agents,
            random: Random::of(seed),
            calls: 1,
            phase: Phase::Quiet,
            latency: Latency::new(),
            completed: 0,
            fault: None,
        }
    }

    /// The ledger, when the agents are gone.
    pub(super) fn into_ledger(self) -> Ledger {
        self.ledger
    }

    /// The ledger.
    pub(super) fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Puts the first agents under load for the time of the plan, and waits for every reply.
    pub(super) fn round(
        &mut self,
        crowd: &mut Crowd,
        load: Load,
        plan: Plan,
        server_cpu: &mut dyn FnMut() -> Outcome<Option<Duration>>,
    ) -> Outcome<Measured> {
        self.latency = Latency::new();
        self.completed = 0;
        let from = Instant::now() + plan.warm_up;
        let until = from + plan.time;
        let mut pace = match load {
            Load::Closed { connections } => {
                self.phase = Phase::Closed { counts: false };
                (0..connections).for_each(|who| self.command(crowd.wires(), who, Instant::now(), false));
                None
            }
            Load::Open { connections, per_second } => {
                self.phase = Phase::Open;
                Some((Pace::new(Instant::now(), per_second), 0, connections))
            }
        };
        let window = (from, until);
        self.turn_until(crowd, from, &mut pace, window)?;
        let (server_before, own_before, began) = (server_cpu()?, own_cpu_time(), Instant::now());
        if self.phase == (Phase::Closed { counts: false }) {
            self.phase = Phase::Closed { counts: true };
        }
        self.turn_until(crowd, until, &mut pace, window)?;
        let (server_after, own_after, took) = (server_cpu()?, own_cpu_time(), began.elapsed());
        // Of a closed loop, what was answered within the time counts; of an open one, what was due within it.
        let closed = matches!(load, Load::Closed { .. });
        let completed = self.completed;
        self.phase = Phase::Quiet;
        self.wait_for_replies(crowd)?;
        let completed = if closed { completed } else { self.completed };
        Ok(Measured {
            per_second: completed as f64 / took.as_secs_f64(),
            completed,
            latency: self.latency.clone(),
            server_cpu: server_after.zip(server_before).map(|(after, before)| after.saturating_sub(before)),
            generator_cores: (own_after - own_before).as_secs_f64() / took.as_secs_f64(),
        })
    }

    /// Sends what is worth sending again, and asks each agent's state.
    pub(super) fn look_back(&mut self, crowd: &mut Crowd) -> Outcome<()> {
        self.phase = Phase::Quiet;
        for who in 0..self.agents.len() {
            for done in self.ledger.to_repeat(who) {
                let text = done.wish.call(self.next_call(), &done.op);
                self.send(crowd.wires(), who, &text, What::Again(done), Instant::now(), false);
            }
            let text = call(self.next_call(), "agent.get", "{}");
            self.send(crowd.wires(), who, &text, What::Get, Instant::now(), false);
        }
        self.wait_for_replies(crowd)
    }

    fn turn_until(
        &mut self,
        crowd: &mut Crowd,
        until: Instant,
        pace: &mut Option<(Pace, usize, usize)>,
        window: (Instant, Instant),
    ) -> Outcome<()> {
        loop {
            let now = Instant::now();
            let mut wake = until;
            if let Some((pace, next, connections)) = pace {
                while let Some(intended) = pace.due(now.min(until)) {
                    let counts = (window.0..window.1).contains(&intended);
                    self.command(crowd.wires(), *next, intended, counts);
                    *next = (*next + 1) % *connections;
                }
                wake = wake.min(pace.next_at());
            }
            if now >= until {
                return Ok(());
            }
            crowd.turn(wake, self)?;
            self.check()?;
        }
    }

    fn wait_for_replies(&mut self, crowd: &mut Crowd) -> Outcome<()> {
        let until = Instant::now() + PATIENCE;
        let quiet = |drive: &Drive| drive.fault.is_some() || drive.agents.iter().all(|line| line.waiting.is_empty());
        let is_quiet = crowd.turn_until(until, self, quiet)?;
        self.check()?;
        if is_quiet {
            return Ok(());
        }
        let waiting: usize = self.agents.iter().map(|line| line.waiting.len()).sum();
        Err(Failure::new(format!("{waiting} calls had no reply within {PATIENCE:?}")))
    }

    /// The times of what was asked for through [`Drive::command`] and was to count, which are then forgotten.
    pub(super) fn take_latency(&mut self) -> Latency {
        std::mem::take(&mut self.latency)
    }

    /// True when an agent's calls have all been answered.
    pub(super) fn is_answered(&self, who: usize) -> bool {
        self.agents[who].waiting.is_empty()
    }

    /// What went wrong while things were heard.
    pub(super) fn check(&mut self) -> Outcome<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    fn next_call(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    /// Sends an agent's next command.
    pub(super) fn command(&mut self, wires: &mut Wires, who: usize, intended: Instant, counts: bool) {
        // What has been sent will have been done by the time this one is.
        let last = self.agents[who].waiting.iter().rev().find_map(|sent| match &sent.what {
            What::Command { wish, .. } => Some(*wish),
            What::Again(_) | What::Get => None,
        });
        let wish = last.map_or_else(|| self.ledger.next_wish(who), Wish::other);
        let op = self.random.op();
        let text = wish.call(self.next_call(), &op);
        self.send(wires, who, &text, What::Command { wish, op }, intended, counts);
    }

    fn send(&mut self, wires: &mut Wires, who: usize, text: &str, what: What, intended: Instant, counts: bool) {
        self.agents[who].waiting.push_back(Sent { call: self.calls, what, intended, counts });
        wires.send(who, text);
    }

    fn on_text(&mut self, wires: &mut Wires, who: usize, text: &[u8], now: Instant) -> Result<(), String> {
        let message: Message<'_> = read(text)?;
        if message.method.as_deref() == Some("agent.changed") {
            self.ledger.notified(who, &read_part("params", message.params)?);
            return Ok(());
        }
        let Some(id) = message.id else { return Ok(()) };
        let sent = self.agents[who].waiting.pop_front().filter(|sent| sent.call == id);
        let sent = sent.ok_or_else(|| format!("a reply to call {id} came out of turn"))?;
        if let Some(error) = message.error {
            return Err(refused(&error.data.code, error.to_string()));
        }
        match &sent.what {
            What::Command { wish, op } => {
                self.ledger.acked(who, *wish, op, &read_part("result", message.result)?);
                self.on_acked(wires, who, &sent, now);
            }
            What::Again(done) => self.ledger.repeated(who, done, &read_part("result", message.result)?),
            What::Get => self.ledger.final_state(who, &read_part("result", message.result)?),
        }
        Ok(())
    }

    fn on_acked(&mut self, wires: &mut Wires, who: usize, sent: &Sent, now: Instant) {
        let counts = match self.phase {
            Phase::Closed { counts } => counts,
            Phase::Open | Phase::Quiet => sent.counts,
        };
        if counts {
            self.completed += 1;
            self.latency.record(now - sent.intended);
        }
        if matches!(self.phase, Phase::Closed { .. }) {
            self.command(wires, who, now, false);
        }
    }
}

impl Ear for Drive {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let done = match heard {
            Heard::Opened => Ok(()),
            Heard::Text(text) => self.on_text(wires, who, text, now),
            Heard::Ended(end) => Err(format!("the socket ended: {end}")),
        };
        if let Err(why) = done {
            self.fault.get_or_insert(Failure::new(format!("agent {who}: {why}")));
        }
    }
}

/// Another seed each time: a server remembers each op for a day.
pub(super) fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64 ^ u64::from(std::process::id()).rotate_left(48)
}

/// The words for a refusal, with what to do about the one that is likely.
pub(super) fn refused(code: &str, error: String) -> String {
    if code == "rate_limited" {
        return format!("{error} Raise the server's `rate_per_second` and `rate_burst` for a load test.");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_with_the_way_out() {
        assert!(refused("rate_limited", "x".to_owned()).contains("Raise the server's `rate_per_second`"));
        assert_eq!(refused("unavailable", "x".to_owned()), "x");
    }
}
