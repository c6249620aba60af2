//! Agents who all ask for the same pause, and boards that watch them: agents on the first sockets of a crowd, boards
//! on those after them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::account::{Account, Offered, Placed, Stage};
use super::signs::Signs;
use crate::check::Expected;
use crate::load::breaches::Breaches;
use crate::load::crowd::{Crowd, Ear, Heard, Wires};
use crate::load::drive::refused;
use crate::load::failure::{Failure, Outcome};
use crate::load::fanout::Stand;
use crate::load::latency::Latency;
use crate::load::looking_back::SETTLED_WITHIN;
use crate::load::message::{AgentShown, Message, Wish, call, read, read_part};
use crate::load::pace::Pace;
use crate::random::Random;

/// How long all of them take to ask.
const ASKED_WITHIN: Duration = Duration::from_secs(1);
/// How long nothing may happen, beside the pauses: far longer than the slowest sync, and shorter than an offer holds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is the same in every round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) slots: usize,
    pub(super) pause: Duration,
}

/// The people of a rush.
#[derive(Debug)]
pub(super) struct Rush {
    accounts: Vec<Account>,
    lines: Vec<Line>,
    stand: Stand,
    signs: Signs,
    terms: Terms,
    random: Random,
    calls: u64,
    /// Who comes back when, in this order: all stay equally long.
    returns: VecDeque<(Instant, usize)>,
    taken: Taken,
    /// Nobody has taken an offer in this round.
    line_is_whole: bool,
    done: usize,
    heard_at: Instant,
    breaches: Breaches,
    fault: Option<Failure>,
}

/// What one agent has under way: one call at most.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    call: Option<(u64, Instant)>,
}

/// What was taken in one round.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// From the instants at which they were to ask to the replies.
    pub(super) asked: Latency,
    /// From taking an offer to the reply.
    pub(super) accepted: Latency,
    /// From the first sign of a change to each board.
    pub(super) boards: Latency,
    /// From the first asking to the last return.
    pub(super) within: Duration,
    /// How often somebody was told of themselves what was older than what they knew.
    pub(super) old_states: u64,
}

impl Rush {
    /// Agents who have signed in, and boards that show them.
    pub(super) fn of(accounts: Vec<Account>, stand: Stand, signs: Signs, terms: Terms, seed: u64) -> Rush {
        Rush {
            lines: vec![Line::default(); accounts.len()],
            accounts,
            stand,
            signs,
            terms,
            random: Random::of(seed),
            // The first was that of the sign-in.
            calls: 1,
            returns: VecDeque::new(),
            taken: Taken::default(),
            line_is_whole: true,
            done: 0,
            heard_at: Instant::now(),
            breaches: Breaches::none(),
            fault: None,
        }
    }

    /// Everybody has the pause once.
    ///
    /// # Errors
    /// [`Failure`] when one of them does not get it.
    pub(super) fn round(&mut self, crowd: &mut Crowd) -> Outcome<Taken> {
        self.accounts.iter_mut().for_each(Account::begin);
        (self.taken, self.line_is_whole, self.done) = (Taken::default(), true, 0);
        self.signs.begin();
        let began = Instant::now();
        self.heard_at = began;
        let count = self.accounts.len();
        let mut pace = Pace::new(began, count as f64 / ASKED_WITHIN.as_secs_f64());
        let mut asked = 0;
        while self.done < count {
            while asked < count
                && let Some(intended) = pace.due(Instant::now())
            {
                self.ask(crowd.wires(), asked, intended);
                asked += 1;
            }
            self.come_back(crowd.wires());
            let patience = self.patience();
            if Instant::now() > patience {
                return Err(self.stuck());
            }
            let next = self.returns.front().map_or(patience, |(at, _)| *at);
            let wake = if asked < count { next.min(pace.next_at()) } else { next };
            crowd.turn(wake.min(patience), self)?;
            self.check()?;
        }
        self.taken.within = self.heard_at - began;
        self.settle(crowd)?;
        self.taken.boards = self.signs.take();
        Ok(self.taken.clone())
    }

    /// All is quiet: holds every board to what was acknowledged. What was told, and what was broken.
    pub(super) fn look_back(mut self) -> (Vec<Account>, Breaches) {
        let truth: Vec<(Expected, u64)> = self.accounts.iter().map(Account::truth).collect();
        self.stand.compare(&truth);
        self.breaches.add_all(self.stand.into_breaches());
        (self.accounts, self.breaches)
    }

    /// How many stays in line there were.
    pub(super) fn waits(&self) -> usize {
        self.accounts.iter().map(|account| account.waits().len()).sum()
    }

    /// Goes on, unless something went wrong.
    fn check(&mut self) -> Outcome<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    fn patience(&self) -> Instant {
        let last = self.returns.back().map_or(self.heard_at, |(at, _)| (*at).max(self.heard_at));
        last + PATIENCE
    }

    /// Nobody is away and nothing comes, and some have not had their pause: a line that does not move is a promise
    /// that was broken.
    fn stuck(&self) -> Failure {
        let count = |stage| self.accounts.iter().filter(|account| account.stage() == stage).count();
        let (line, asked) = (count(Stage::InLine), count(Stage::Asked) + count(Stage::Accepting));
        Failure::new(format!(
            "nothing came for {PATIENCE:?}: {line} stand in line, {asked} have no reply, {} of {} had their pause",
            self.done,
            self.accounts.len()
        ))
        .into_broken_promise()
    }

    fn settle(&mut self, crowd: &mut Crowd) -> Outcome<()> {
        let versions: Vec<u64> = self.accounts.iter().map(|account| account.truth().1).collect();
        let until = Instant::now() + SETTLED_WITHIN;
        let settled = crowd.turn_until(until, self, |rush| rush.fault.is_some() || rush.stand.show(&versions))?;
        self.check()?;
        self.breaches.hold(settled, || format!("not every board showed the last change within {SETTLED_WITHIN:?}"));
        Ok(())
    }

    fn ask(&mut self, wires: &mut Wires, who: usize, intended: Instant) {
        let op = self.random.op();
        self.send(wires, who, intended, Stage::Asked, |id| Wish::Start.call(id, &op));
    }

    fn come_back(&mut self, wires: &mut Wires) {
        let now = Instant::now();
        while let Some((at, who)) = self.returns.front().copied().filter(|(at, _)| *at <= now) {
            self.returns.pop_front();
            let op = self.random.op();
            self.send(wires, who, at, Stage::Returning, |id| Wish::End.call(id, &op));
        }
    }

    fn send(
        &mut self,
        wires: &mut Wires,
        who: usize,
        intended: Instant,
        stage: Stage,
        text: impl FnOnce(u64) -> String,
    ) {
        self.calls += 1;
        self.lines[who].call = Some((self.calls, intended));
        self.accounts[who].sends(stage);
        wires.send(who, &text(self.calls));
    }

    fn on_agent(&mut self, wires: &mut Wires, who: usize, text: &[u8], now: Instant) -> Result<(), String> {
        let message: Message<'_> = read(text)?;
        match message.method.as_deref() {
            Some("agent.changed") => {
                let shown: AgentShown<'_> = read_part("params", message.params)?;
                let is_new = self.accounts[who].notified(&shown, &mut self.breaches);
                self.taken.old_states += u64::from(!is_new);
                return Ok(());
            }
            Some("pause.offered") => {
                let offered: Offered<'_> = read_part("params", message.params)?;
                if self.accounts[who].offered(&offered, &mut self.breaches) {
                    self.line_is_whole = false;
                    let (op, offer) = (self.random.op(), offered.offer);
                    let params = format!(r#"{{"offer":"{offer}","op":"{op}"}}"#);
                    self.send(wires, who, now, Stage::Accepting, |id| call(id, "pause.accept", &params));
                }
                return Ok(());
            }
            Some(_) => return Ok(()),
            None => {}
        }
        let sent = self.lines[who].call.take().filter(|(id, _)| message.id == Some(*id));
        let (_, intended) = sent.ok_or_else(|| format!("a reply to call {:?} came out of turn", message.id))?;
        if let Some(error) = message.error {
            return Err(refused(&error.data.code, error.to_string()));
        }
        self.heard_at = now;
        let reply = read_part("result", message.result)?;
        let (account, breaches) = (&mut self.accounts[who], &mut self.breaches);
        match account.stage() {
            Stage::Asked => {
                let placed: Placed = read_part("result", message.result)?;
                account.started(&reply, &placed, self.line_is_whole, breaches);
                self.taken.asked.record(now.saturating_duration_since(intended));
            }
            Stage::Accepting => {
                account.accepted(&reply, breaches);
                self.taken.accepted.record(now.saturating_duration_since(intended));
            }
            Stage::Returning => {
                account.ended(&reply, breaches);
                self.done += 1;
            }
            other @ (Stage::Before | Stage::InLine | Stage::Away | Stage::After) => {
                return Err(format!("a reply came to somebody who is {other:?}"));
            }
        }
        if account.stage() == Stage::Away {
            self.returns.push_back((now + self.terms.pause, who));
        }
        self.signs.seen(u32::try_from(who).unwrap_or(u32::MAX), self.accounts[who].truth().1, now);
        Ok(())
    }

    fn on_board(&mut self, board: usize, text: &[u8], now: Instant) -> Result<(), String> {
        self.stand.told(board, text, now, &mut self.signs)?;
        if board == 0
            && let Some(paused) = self.stand.paused()
        {
            // A frame ends where some event does: what it shows was true once.
            let slots = self.terms.slots;
            self.breaches.hold(paused <= slots, || format!("a board shows {paused} away at once, {slots} may be"));
        }
        Ok(())
    }
}

impl Ear for Rush {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let board = who.checked_sub(self.accounts.len());
        let done = match (heard, board) {
            (Heard::Opened, _) => Ok(()),
            (Heard::Text(text), None) => self.on_agent(wires, who, text, now),
            (Heard::Text(text), Some(board)) => self.on_board(board, text, now),
            (Heard::Ended(end), _) => Err(format!("the socket ended: {end}")),
        };
        if let Err(why) = done {
            let name = board.map_or_else(|| format!("agent {who}"), |board| format!("board {board}"));
            self.fault.get_or_insert(Failure::new(format!("{name}: {why}")));
        }
    }
}

#[cfg(test)]
#[path = "rush_tests.rs"]
mod tests;
