//! All hostile clients of a round on one thread, apart from the honest ones, whose clock they must not hold up.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Interest, Poll, Token, Waker};
use serde::{Deserialize, Serialize};

use super::kinds::{Answers, Kind};
use super::line::{Heard, Line};
use super::script::{self, Act, At, Then, Tools};
use crate::load::failure::{Failure, Outcome, While};
use crate::load::interrupt::Interrupt;

/// What is read at once.
const READ_BYTES: usize = 16 * 1024;
/// How many sockets are dealt with between two looks at the clock.
const EVENTS_MAX: usize = 256;
/// What whoever was hostile in the round before is answered for some seconds more: an idle agent with its credential then waits.
const STRUCK_OUT: Heard = Heard::Status(429);
/// How long a turn waits at most, so that an interrupt is noticed.
const TURN_MAX: Duration = Duration::from_millis(250);
/// How many begin a second at first, so that not all come in the same instant: fewer than a server lets in.
const BEGIN_PER_SECOND: f64 = 500.0;
/// How long honest ones may take to be signed in, and to sign out.
const PATIENCE: Duration = Duration::from_secs(60);
/// The place of whoever wakes the thread among the tokens.
const WAKER: Token = Token(usize::MAX);

/// What the clients of a round are to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Orders {
    /// How many of each kind.
    pub(super) clients: Vec<(Kind, usize)>,
    /// The address of this machine that they come from; none: the one that all come from.
    pub(super) from: Option<IpAddr>,
    /// What they work with.
    pub(super) tools: Tools,
    /// Their credentials were those of hostile clients in an earlier round. In the first one nobody may be kept out.
    pub(super) were_hostile: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    /// From the first connection to the last.
    pub(super) seconds: f64,
    /// What each kind was answered.
    pub(super) answers: BTreeMap<Kind, Answers>,
    /// Ends of honest clients that nobody asked for.
    pub(super) lost: Vec<String>,
}

/// What wakes a camp, and asks it to end.
#[derive(Debug, Clone)]
pub(super) struct Whistle {
    waker: Arc<Waker>,
    ended: Interrupt,
}

impl Whistle {
    /// Asks the camp to end.
    pub(super) fn blow(&self) {
        self.ended.raise();
        // When the system cannot wake it, it wakes by itself within a turn.
        let _ = self.waker.wake();
    }
}

/// The clients, and the means to wait for them.
pub(super) struct Camp {
    orders: Orders,
    poll: Poll,
    whistle: Whistle,
    interrupt: Interrupt,
    clients: Vec<Client>,
    /// Whose turn it is when; one that has been put off since has another instant.
    turns: BinaryHeap<Reverse<(Instant, usize)>>,
    answers: BTreeMap<Kind, Answers>,
    buffer: Vec<u8>,
    began: Instant,
    ready_at: Instant,
    signed_in: usize,
    leaving: bool,
    lost: Vec<String>,
}

#[derive(Debug)]
struct Client {
    at: At,
    line: Option<Line>,
    turn: Option<Instant>,
}

impl Camp {
    /// Nobody has begun.
    ///
    /// # Errors
    /// [`Failure`] when the system has no means to wait.
    pub(super) fn new(orders: Orders, interrupt: Interrupt) -> Outcome<Camp> {
        let doing = "cannot wait for sockets";
        let poll = Poll::new().while_doing(doing)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).while_doing(doing)?);
        let whistle = Whistle { waker, ended: Interrupt::none() };
        let mut clients = Vec::new();
        let mut answers = BTreeMap::new();
        for (kind, count) in &orders.clients {
            answers.insert(*kind, Answers { clients: *count as u64, ..Answers::default() });
            for nth in 0..*count {
                let at = At { kind: *kind, client: clients.len(), nth, attempt: 0, step: 0 };
                clients.push(Client { at, line: None, turn: None });
            }
        }
        let began = Instant::now();
        let ready_at = began + Duration::from_secs_f64(clients.len() as f64 / BEGIN_PER_SECOND);
        Ok(Camp {
            orders,
            poll,
            whistle,
            interrupt,
            clients,
            turns: BinaryHeap::new(),
            answers,
            buffer: vec![0; READ_BYTES],
            began,
            ready_at,
            signed_in: 0,
            leaving: false,
            lost: Vec::new(),
        })
    }

    /// What ends it.
    pub(super) fn whistle(&self) -> Whistle {
        self.whistle.clone()
    }

    /// Goes on until the whistle is blown; `ready` is called once, when all have begun and the honest ones are in.
    ///
    /// # Errors
    /// [`Failure`] when the run was interrupted, the system refuses, or honest clients do not come in or out.
    pub(super) fn run(mut self, ready: &mut dyn FnMut() -> Outcome<()>) -> Outcome<Told> {
        self.began = Instant::now();
        let count = self.clients.len();
        for who in 0..count {
            // The kinds are mixed from the first instant on.
            let place = who.wrapping_mul(7919) % count.max(1);
            self.take_turn_at(who, self.began + Duration::from_secs_f64(place as f64 / BEGIN_PER_SECOND));
        }
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut is_ready = false;
        while self.whistle.ended.check().is_ok() {
            self.turn(&mut events)?;
            if !is_ready && Instant::now() >= self.ready_at && self.signed_in == self.honest() {
                is_ready = true;
                ready()?;
            }
            if !is_ready && Instant::now() > self.ready_at + PATIENCE {
                let waiting = self.honest() - self.signed_in;
                return Err(Failure::new(format!("{waiting} sign-ins had no answer within {PATIENCE:?}")));
            }
        }
        let seconds = self.began.elapsed().as_secs_f64();
        let answers = self.answers.clone();
        self.leave(&mut events)?;
        Ok(Told { seconds, answers, lost: self.lost })
    }

    /// How many clients are honest.
    fn honest(&self) -> usize {
        self.orders.clients.iter().filter(|(kind, _)| *kind == Kind::Idle).map(|(_, count)| count).sum()
    }

    /// Honest clients sign out and wait for the end, so that they are not missed; the others go as they are.
    fn leave(&mut self, events: &mut Events) -> Outcome<()> {
        self.leaving = true;
        for client in &mut self.clients {
            match (&mut client.line, client.at.kind == Kind::Idle) {
                (Some(line), true) => drop(line.send(&script::farewell())),
                (_, _) => client.line = None,
            }
        }
        let until = Instant::now() + PATIENCE;
        while self.clients.iter().any(|client| client.line.is_some()) {
            if Instant::now() > until {
                return Err(Failure::new(format!("honest clients were not signed out within {PATIENCE:?}")));
            }
            self.turn(events)?;
        }
        Ok(())
    }

    /// Deals with what has come and with whoever's turn it is.
    fn turn(&mut self, events: &mut Events) -> Outcome<()> {
        self.interrupt.check()?;
        while let Some(Reverse((due, who))) = self.turns.peek().copied() {
            if due > Instant::now() {
                break;
            }
            self.turns.pop();
            if self.clients[who].turn == Some(due) {
                self.clients[who].turn = None;
                self.on_turn(who)?;
            }
        }
        let next = self.turns.peek().map(|Reverse((due, _))| due.saturating_duration_since(Instant::now()));
        match self.poll.poll(events, Some(next.unwrap_or(TURN_MAX).min(TURN_MAX))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.while_doing("cannot wait for sockets")?,
        }
        for event in &*events {
            if event.token() != WAKER {
                self.on_event(event.token().0, event);
            }
        }
        Ok(())
    }

    fn on_turn(&mut self, who: usize) -> Outcome<()> {
        if self.leaving {
            return Ok(());
        }
        let at = self.clients[who].at;
        if self.clients[who].line.is_none() {
            self.clients[who].at.step = 0;
            let from = self.orders.from;
            let mut line = Line::connect(self.orders.tools.address, from, at.kind == Kind::StalledBoards)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registered = self.poll.registry().register(line.stream(), Token(who), interest);
            registered.while_doing("cannot wait for a socket")?;
            self.clients[who].line = Some(line);
            self.of(at.kind).connections += 1;
            let act = script::connected(self.clients[who].at, &self.orders.tools);
            self.act(who, act);
            return Ok(());
        }
        self.clients[who].at.step += 1;
        let act = script::again(self.clients[who].at, &self.orders.tools);
        self.act(who, act);
        Ok(())
    }

    fn act(&mut self, who: usize, act: Act) {
        let kind = self.clients[who].at.kind;
        let Some(line) = &mut self.clients[who].line else { return };
        let sent = line.send(&act.bytes);
        self.of(kind).bytes_sent += sent as u64;
        match act.then {
            Then::Reads => {}
            Then::Stalls => {
                if let Some(line) = &mut self.clients[who].line {
                    line.stall();
                }
            }
            Then::Vanishes => return self.over(who),
            Then::GivesUp => {
                self.of(kind).given_up += 1;
                return self.over(who);
            }
        }
        if let Some(after) = act.again {
            self.take_turn_at(who, Instant::now() + after);
        }
    }

    fn on_event(&mut self, who: usize, event: &Event) {
        let Some(line) = &mut self.clients[who].line else { return };
        if event.is_writable() {
            line.flush();
        }
        if line.stalls() {
            // Who reads nothing still learns from the system that there is nobody to read from.
            if event.is_error() || event.is_read_closed() || event.is_write_closed() {
                self.hear(who, Heard::Cut);
            }
            return;
        }
        if event.is_readable() || event.is_error() || event.is_read_closed() {
            let mut heard = Vec::new();
            line.read(&mut self.buffer, &mut heard);
            for one in heard {
                // One that has vanished hears nothing more.
                if self.clients[who].line.is_some() {
                    self.hear(who, one);
                }
            }
        }
    }

    fn hear(&mut self, who: usize, heard: Heard) {
        let at = self.clients[who].at;
        let answers = self.of(at.kind);
        match heard {
            Heard::LetIn => {
                answers.let_in += 1;
                self.clients[who].at.step = 0;
                let act = script::let_in(at, &self.orders.tools);
                return self.act(who, act);
            }
            Heard::Status(status) => *answers.statuses.entry(status).or_default() += 1,
            Heard::Close(code) => *answers.closes.entry(code).or_default() += 1,
            Heard::Cut => answers.cut += 1,
            Heard::RateLimited => {
                answers.errors += 1;
                answers.rate_limited += 1;
            }
            Heard::Error => {
                answers.errors += 1;
                if at.kind == Kind::Idle && !self.leaving {
                    self.take_turn_at(who, Instant::now() + script::return_after(Kind::Idle));
                }
            }
            Heard::Reply => self.signed_in += usize::from(at.kind == Kind::Idle && !self.leaving),
        }
        if heard.is_end() {
            if at.kind == Kind::Idle && heard == STRUCK_OUT && self.orders.were_hostile && !self.leaving {
                self.over(who);
                return self.take_turn_at(who, Instant::now() + script::return_after(Kind::Idle));
            }
            if at.kind == Kind::Idle && !self.leaving {
                self.lost.push(format!("idle agent {}: {heard:?}", at.nth));
            }
            self.over(who);
        }
    }

    /// A connection is over; its client comes back.
    fn over(&mut self, who: usize) {
        let client = &mut self.clients[who];
        client.line = None;
        client.at.attempt += 1;
        if !self.leaving && client.at.kind != Kind::Idle {
            self.take_turn_at(who, Instant::now() + script::return_after(self.clients[who].at.kind));
        }
    }

    fn take_turn_at(&mut self, who: usize, due: Instant) {
        self.clients[who].turn = Some(due);
        self.turns.push(Reverse((due, who)));
    }

    fn of(&mut self, kind: Kind) -> &mut Answers {
        self.answers.entry(kind).or_default()
    }
}
