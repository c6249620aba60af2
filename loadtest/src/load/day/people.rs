//! Everybody on their sockets: agents who do what they mean to, and boards that come and go.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::account::Account;
use super::phases::Taken;
use super::plan::{Deed, Kind, agents_day, boards_day};
use super::signs::Signs;
use crate::board::Board;
use crate::check::Expected;
use crate::load::arrivals::FIRST_CALL;
use crate::load::breaches::Breaches;
use crate::load::company;
use crate::load::crowd::{Crowd, Wires};
use crate::load::failure::{Failure, Outcome};
use crate::load::fanout::Stand;
use crate::load::message::call;
use crate::random::Random;

/// After how many minutes somebody tries again who was refused, or is on another pause.
pub(super) const AGAIN_AFTER: f64 = 5.0;
/// How long the last ones may take to leave, and boards to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// After quiescence every board equals the truth within this time (`docs/promises.md`, V1).
const SETTLED_WITHIN: Duration = Duration::from_secs(2);

/// Who is on a socket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who {
    Agent(usize),
    Board(usize),
}

/// What happens at an instant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item {
    Agent(usize, Deed),
    /// An agent who was put off asks for its session again.
    AskAgain(usize),
    BoardComes(usize),
    BoardGoes(usize),
}

/// One agent's socket and what is under way on it.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) socket: Option<usize>,
    /// It has been told its own state since it connected.
    pub(super) is_there: bool,
    pub(super) has_left: bool,
    /// Since when it connects, or is there.
    pub(super) since: Option<Instant>,
    pub(super) call: Option<Call>,
    /// What is to be done when the call is answered, or when it is there again.
    pub(super) backlog: VecDeque<(Instant, Deed)>,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: u64,
    pub(super) text: String,
    pub(super) what: What,
    /// When it was to go out; none when it was sent again, for then its time tells nothing.
    pub(super) intended: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Start { kind: Kind, minutes: f64, tries: u32 },
    End,
    Leave,
}

/// One board's socket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seat {
    pub(super) socket: Option<usize>,
    /// It shows the team.
    pub(super) is_there: bool,
}

/// Where and as whom they connect, and how long a minute is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'s> {
    pub(super) address: SocketAddr,
    pub(super) agents: &'s [String],
    pub(super) supervisors: &'s [String],
    pub(super) minute: Duration,
}

/// The people of a day.
pub(super) struct People<'s> {
    pub(super) setting: Setting<'s>,
    pub(super) accounts: Vec<Account>,
    pub(super) lines: Vec<Line>,
    pub(super) seats: Vec<Seat>,
    pub(super) stand: Stand,
    pub(super) signs: Signs,
    /// By socket.
    pub(super) who: Vec<Who>,
    pub(super) agenda: BTreeMap<(Instant, u64), Item>,
    /// Agents whose backlog may be looked at.
    pub(super) ready: Vec<usize>,
    pub(super) numbers: u64,
    /// When something of the agenda was last done.
    pub(super) acted_at: Instant,
    pub(super) random: Random,
    pub(super) taken: Taken,
    pub(super) breaches: Breaches,
    pub(super) fault: Option<Failure>,
}

impl<'s> People<'s> {
    /// A day that begins at an instant; ops are drawn from another seed than plans, for a server remembers them.
    pub(super) fn of(setting: Setting<'s>, begins: Instant, seed: u64, ops: u64) -> People<'s> {
        let (agents, boards) = (setting.agents.len(), setting.supervisors.len());
        let team: Vec<String> = (0..agents).map(company::agent).collect();
        let mut people = People {
            setting,
            accounts: team.iter().cloned().map(Account::of).collect(),
            lines: (0..agents).map(|_| Line::default()).collect(),
            seats: vec![Seat::default(); boards],
            stand: Stand::of(boards, team),
            signs: Signs::of(agents),
            who: Vec::new(),
            agenda: BTreeMap::new(),
            ready: Vec::new(),
            numbers: FIRST_CALL,
            acted_at: begins,
            random: Random::of(ops),
            taken: Taken::default(),
            breaches: Breaches::none(),
            fault: None,
        };
        let mut plans = Random::of(seed);
        let at = |minutes: f64| begins + setting.minute.mul_f64(minutes);
        for agent in 0..agents {
            for (minutes, deed) in agents_day(&mut plans) {
                people.plan(at(minutes), Item::Agent(agent, deed));
            }
        }
        for board in 0..boards {
            for (from, until) in boards_day(&mut plans) {
                people.plan(at(from), Item::BoardComes(board));
                until.into_iter().for_each(|until| people.plan(at(until), Item::BoardGoes(board)));
            }
        }
        people
    }

    /// Lives until an instant, or until everybody has left and every board is there.
    pub(super) fn live_until(&mut self, crowd: &mut Crowd, until: Option<Instant>) -> Outcome<()> {
        loop {
            let now = Instant::now();
            while let Some(entry) =
                self.agenda.first_entry().filter(|entry| entry.key().0 <= until.unwrap_or(now).min(now))
            {
                let ((at, _), item) = entry.remove_entry();
                self.acted_at = now;
                self.on_item(crowd.wires(), at, item)?;
            }
            self.look_at_backlogs(crowd.wires())?;
            if until.map_or_else(|| self.is_over(), |until| now >= until) {
                return Ok(());
            }
            let patience = self.acted_at + PATIENCE;
            let next = self.agenda.first_key_value().map(|((at, _), _)| *at);
            if next.is_none() && now > patience {
                let left = self.lines.iter().filter(|line| !line.has_left).count();
                return Err(Failure::new(format!("{left} agents had not left {PATIENCE:?} after the last of the day")));
            }
            let wake = [next, until].into_iter().flatten().min().unwrap_or(patience);
            crowd.turn(wake, self)?;
            self.fault.take().map_or(Ok(()), Err)?;
        }
    }

    /// What was taken since the last time.
    pub(super) fn take(&mut self) -> Taken {
        self.taken.deliveries = self.signs.take();
        let there = self.lines.iter().filter(|line| line.is_there).count();
        self.taken.connections = there + self.seats.iter().filter(|seat| seat.is_there).count();
        std::mem::take(&mut self.taken)
    }

    /// Everybody has left: all boards are held to what a new one shows. The accounts, and all that was broken.
    pub(super) fn look_back(mut self, crowd: &mut Crowd, new: &Board) -> Outcome<(Vec<Account>, Breaches)> {
        let shown = |account: &Account| {
            let row = new.table().get(account.agent());
            let state =
                row.map(|row| Expected { status: row.status.clone(), pause: row.pause_id().map(str::to_owned) });
            (state.unwrap_or(Expected { status: String::new(), pause: None }), row.map_or(0, |row| row.version))
        };
        let truth: Vec<(Expected, u64)> = self.accounts.iter().map(shown).collect();
        let versions: Vec<u64> = truth.iter().map(|(_, version)| *version).collect();
        let until = Instant::now() + SETTLED_WITHIN;
        crowd.turn_until(until, &mut self, |people| people.fault.is_some() || people.stand.show(&versions))?;
        self.fault.take().map_or(Ok(()), Err)?;
        self.stand.compare(&truth);
        let mut breaches = self.breaches;
        breaches.add_all(self.stand.into_breaches());
        Ok((self.accounts, breaches))
    }

    pub(super) fn plan(&mut self, at: Instant, item: Item) {
        self.numbers += 1;
        self.agenda.insert((at, self.numbers), item);
    }

    fn is_over(&self) -> bool {
        self.agenda.is_empty()
            && self.lines.iter().all(|line| line.has_left)
            && self.seats.iter().all(|seat| seat.is_there)
    }

    fn on_item(&mut self, wires: &mut Wires, at: Instant, item: Item) -> Outcome<()> {
        match item {
            Item::Agent(agent, deed) => self.act(wires, agent, at, deed),
            Item::AskAgain(agent) => {
                let socket = self.lines[agent].socket;
                socket.into_iter().for_each(|socket| wires.send(socket, &call(FIRST_CALL, "session.open", "{}")));
                Ok(())
            }
            Item::BoardComes(board) => {
                self.stand.lost(board);
                let token = &self.setting.supervisors[board];
                let socket = self.connect(wires, self.seats[board].socket, token, Who::Board(board))?;
                self.seats[board].socket = Some(socket);
                Ok(())
            }
            Item::BoardGoes(board) => {
                self.seats[board].socket.into_iter().for_each(|socket| wires.cut(socket));
                self.seats[board].is_there = false;
                self.stand.lost(board);
                Ok(())
            }
        }
    }

    fn connect(&mut self, wires: &mut Wires, before: Option<usize>, token: &str, who: Who) -> Outcome<usize> {
        if let Some(socket) = before {
            return wires.open_again(socket, self.setting.address, token).map(|()| socket);
        }
        let socket = wires.open(self.setting.address, token)?;
        self.who.push(who);
        Ok(socket)
    }

    fn act(&mut self, wires: &mut Wires, agent: usize, at: Instant, deed: Deed) -> Outcome<()> {
        let line = &mut self.lines[agent];
        let later = |minutes: f64| Instant::now() + self.setting.minute.mul_f64(minutes);
        match deed {
            Deed::Arrive | Deed::Return => {
                let (before, token) = (line.socket, &self.setting.agents[agent]);
                line.since = Some(Instant::now());
                let socket = self.connect(wires, before, token, Who::Agent(agent))?;
                self.lines[agent].socket = Some(socket);
            }
            Deed::Lose { minutes } => {
                if let Some(socket) = line.socket.filter(|_| line.is_there && !line.has_left) {
                    wires.cut(socket);
                    line.is_there = false;
                    self.taken.lost += 1;
                    self.plan(later(minutes), Item::Agent(agent, Deed::Return));
                }
            }
            Deed::Start { .. } | Deed::End | Deed::Leave if !line.is_there || line.call.is_some() => {
                line.backlog.push_back((at, deed));
            }
            Deed::Start { kind, minutes, tries } if self.accounts[agent].is_paused() => {
                let again = Deed::Start { kind, minutes, tries: tries.saturating_sub(1) };
                if tries > 0 {
                    self.plan(later(AGAIN_AFTER), Item::Agent(agent, again));
                }
            }
            Deed::Start { kind, minutes, tries } => {
                let params = format!(r#"{{"type":"{}","op":"{}"}}"#, kind.code(), self.random.op());
                self.send(wires, agent, "pause.start", &params, at, What::Start { kind, minutes, tries });
            }
            Deed::End if !self.accounts[agent].is_paused() => {}
            Deed::End => {
                let params = format!(r#"{{"then":"available","op":"{}"}}"#, self.random.op());
                self.send(wires, agent, "pause.end", &params, at, What::End);
            }
            Deed::Leave => self.send(wires, agent, "session.sign_out", r#"{"pause":"end"}"#, at, What::Leave),
        }
        Ok(())
    }

    fn send(&mut self, wires: &mut Wires, agent: usize, method: &str, params: &str, at: Instant, what: What) {
        self.numbers += 1;
        let (id, text) = (self.numbers, call(self.numbers, method, params));
        let line = &mut self.lines[agent];
        // Whoever was away could not have asked before.
        let intended = Some(line.since.map_or(at, |since| at.max(since)));
        line.socket.into_iter().for_each(|socket| wires.send(socket, &text));
        line.call = Some(Call { id, text, what, intended });
    }

    fn look_at_backlogs(&mut self, wires: &mut Wires) -> Outcome<()> {
        while let Some(agent) = self.ready.pop() {
            while self.lines[agent].is_there
                && self.lines[agent].call.is_none()
                && let Some((at, deed)) = self.lines[agent].backlog.pop_front()
            {
                self.act(wires, agent, at, deed)?;
            }
        }
        Ok(())
    }
}
