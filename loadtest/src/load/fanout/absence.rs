//! Agents and boards that are lost without a word and come back, while the others go on.
//!
//! A change is waited for on the boards that were there when it was asked for and still are: a board that comes back
//! is shown everything, but is late for its own fault.

use std::collections::BTreeSet;
use std::time::Instant;

use super::office::Office;
use super::stand::Stand;
use crate::load::arrivals::{FIRST_CALL, put_off};
use crate::load::crowd::{Heard, Wires};
use crate::load::failure::{Failure, Outcome};
use crate::load::message::{Message, Opened, call, read, read_part};

/// Who is away, by the numbers of their sockets.
#[derive(Debug, Default)]
pub(super) struct Absence {
    away: BTreeSet<usize>,
    /// Whoever was told to sign in later, and when.
    again: Vec<(Instant, usize)>,
}

impl Absence {
    /// True until somebody who was lost is back with all that there is to know.
    pub(super) fn has(&self, who: usize) -> bool {
        self.away.contains(&who)
    }
}

impl Office<'_> {
    /// How many sockets there are, agents first, boards after them.
    pub(in crate::load) fn sockets(&self) -> usize {
        self.agents + self.tokens.len()
    }

    /// How many are away.
    pub(in crate::load) fn absent(&self) -> usize {
        self.absence.away.len()
    }

    /// True when a socket may be lost: nothing of an agent is under way, and a board is not the last one.
    pub(in crate::load) fn may_leave(&self, who: usize) -> bool {
        if self.absence.has(who) {
            return false;
        }
        if who < self.agents {
            return self.is_free(who);
        }
        let boards_away = self.absence.away.range(self.agents..).count();
        boards_away + 1 < self.tokens.len()
    }

    /// Loses a socket without a word.
    pub(in crate::load) fn leave(&mut self, wires: &mut Wires, who: usize) {
        wires.cut(who);
        self.absence.away.insert(who);
        if let Some(board) = who.checked_sub(self.agents) {
            self.board_left(board);
        }
    }

    /// Has somebody who was lost connect again; `agents` are the tokens of all agents.
    ///
    /// # Errors
    /// [`Failure`] when the system has no socket to give.
    pub(in crate::load) fn come_back(&mut self, wires: &mut Wires, who: usize, agents: &[String]) -> Outcome<()> {
        let address = self.server.address();
        match who.checked_sub(self.agents) {
            None => wires.open_again(who, address, &agents[who]),
            Some(board) => wires.open_again(who, address, &self.tokens[board]),
        }
    }

    /// Lets those sign in who were told to do so later; when to look again.
    pub(in crate::load) fn ask_again(&mut self, wires: &mut Wires, now: Instant) -> Option<Instant> {
        let again = &mut self.absence.again;
        for at in (0..again.len()).rev() {
            if again[at].0 <= now {
                let (_, who) = again.swap_remove(at);
                wires.send(who, &call(FIRST_CALL, "session.open", "{}"));
            }
        }
        again.iter().map(|(at, _)| *at).min()
    }

    /// Somebody who was away is heard of.
    pub(super) fn on_absent(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let board = who.checked_sub(self.agents);
        let done = match (heard, board) {
            (Heard::Opened, None) => {
                wires.send(who, &call(FIRST_CALL, "session.open", "{}"));
                Ok(())
            }
            (Heard::Opened, Some(_)) => {
                wires.send(who, &Stand::first_call());
                Ok(())
            }
            (Heard::Text(text), None) => self.on_signing_in(who, text, now),
            (Heard::Text(text), Some(board)) => self.on_board(wires, board, text, now).map(|()| {
                if self.board_is_back(board) {
                    self.absence.away.remove(&who);
                }
            }),
            (Heard::Ended(end), _) => Err(end.to_string()),
        };
        if let Err(why) = done {
            let what = board.map_or_else(|| format!("agent {who}"), |board| format!("board {board}"));
            self.fault.get_or_insert(Failure::new(format!("{what}, who was coming back: {why}")));
        }
    }

    /// Nothing of an agent is under way: no call, and no change on its way to a board.
    pub(super) fn is_free(&self, who: usize) -> bool {
        self.changes.lines[who].open.is_none() && self.drive.is_answered(who)
    }

    /// What it has not shown does not wait for it any more.
    fn board_left(&mut self, board: usize) {
        self.stand.lost(board);
        let changes = &mut self.changes;
        let since = changes.since[board].take();
        changes.tally.board_left();
        for agent in 0..changes.lines.len() {
            let open = changes.lines[agent].open.filter(|open| since.is_some_and(|since| *open >= since));
            let Some(open) = open else { continue };
            let shown = self.stand.shown_row(board, agent).and_then(|row| changes.of_row.get(row.0 as usize));
            if shown != Some(&Some(open)) && changes.tally.excused(open) {
                changes.complete(open);
            }
        }
    }

    /// True when a board has had a snapshot since it was lost.
    fn board_is_back(&mut self, board: usize) -> bool {
        let is_back = self.stand.is_back(board);
        if is_back {
            self.changes.since[board] = Some(self.changes.tally.board_is_back());
        }
        is_back
    }

    fn on_signing_in(&mut self, who: usize, text: &[u8], now: Instant) -> Result<(), String> {
        let message: Message<'_> = read(text)?;
        if let Some(error) = message.error {
            let after = put_off(&error).ok_or_else(|| error.to_string())?;
            self.absence.again.push((now + after, who));
            return Ok(());
        }
        if message.id == Some(FIRST_CALL) {
            let opened: Opened<'_> = read_part("result", message.result)?;
            self.ledger().signed_in(who, &opened.agent);
            self.absence.away.remove(&who);
        }
        Ok(())
    }
}
