//! Thousands of boards, each held to the contract: no gap, nothing old, and in the end the truth.
//!
//! A board here is a number for where it is and one for each row that it shows. The first board is a whole
//! [`Board`] as well, so that every frame that it gets is checked in full.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use serde_json::Value;

use super::frames::{Effect, Frames, RowId, Shown};
use crate::board::Board;
use crate::check::Expected;
use crate::load::breaches::Breaches;

/// A place in the table where no row is.
const NO_ROW: u32 = u32::MAX;

/// What is told of the rows, while frames come.
pub(in crate::load) trait Rows {
    /// A row was met for the first time, on any board.
    fn met(&mut self, row: RowId, shown: &Shown, now: Instant);
    /// A board shows a newer row of an agent than before.
    fn shown(&mut self, row: RowId, now: Instant);
}

/// All boards of a round.
#[derive(Debug)]
pub(super) struct Boards {
    frames: Frames,
    seats: Vec<Seat>,
    agents: usize,
    /// The row of each agent on each board; all boards of one agent lie together.
    table: Vec<u32>,
    first: Board,
    breaches: Breaches,
    whole: usize,
}

#[derive(Debug, Default)]
struct Seat {
    to: Option<u64>,
    /// It was lost, and has not had a whole snapshot since.
    is_behind: bool,
    snapshot: Option<Snapshot>,
}

/// A snapshot of which not all parts have come.
#[derive(Debug)]
struct Snapshot {
    next: u64,
    parts: u64,
    to: u64,
    rows: Vec<RowId>,
}

impl Boards {
    /// So many boards that show nothing; these are the agents of their team.
    pub(super) fn of(boards: usize, agents: Vec<String>) -> Boards {
        let count = agents.len();
        Boards {
            frames: Frames::of(agents),
            seats: (0..boards).map(|_| Seat::default()).collect(),
            agents: count,
            table: vec![NO_ROW; boards * count],
            first: Board::new(),
            breaches: Breaches::none(),
            whole: 0,
        }
    }

    /// How many have had a whole snapshot.
    pub(super) fn whole(&self) -> usize {
        self.whole
    }

    /// Forgets the rows that are on no board any more and came before all that are.
    pub(super) fn forget(&mut self) {
        let parts = self.seats.iter().filter_map(|seat| seat.snapshot.as_ref()).flat_map(|snapshot| &snapshot.rows);
        let shown = self.table.iter().copied().filter(|row| *row != NO_ROW).map(RowId);
        if let Some(first) = shown.chain(parts.copied()).min() {
            self.frames.forget_before(first);
        }
    }

    /// A board was lost: what comes to it next is a snapshot.
    pub(super) fn lost(&mut self, board: usize) {
        let seat = &mut self.seats[board];
        (seat.snapshot, seat.is_behind) = (None, true);
    }

    /// True from when a board was lost until it has had a whole snapshot.
    pub(super) fn is_behind(&self, board: usize) -> bool {
        self.seats[board].is_behind
    }

    /// The row that a board shows of an agent.
    pub(super) fn shown_row(&self, board: usize, agent: usize) -> Option<RowId> {
        let row = self.table[agent * self.seats.len() + board];
        (row != NO_ROW).then_some(RowId(row))
    }

    /// What was broken.
    pub(super) fn into_breaches(self) -> Breaches {
        let mut breaches = self.breaches;
        self.first.violations().iter().for_each(|violation| breaches.add(format!("board 0: {violation}")));
        breaches
    }

    /// Takes one frame of a board; how many rows it had.
    pub(super) fn take(&mut self, board: usize, text: &[u8], now: Instant, rows: &mut impl Rows) -> usize {
        if board == 0 {
            self.take_in_full(text);
        }
        let place = self.seats[board].to;
        let (effect, new) = match self.frames.effect(place, text) {
            Ok(found) => found,
            Err(why) => {
                self.breaches.add(format!("board {board}: {why}"));
                return 0;
            }
        };
        for row in new {
            rows.met(row, self.frames.row(row), now);
        }
        self.apply(board, &effect, now, rows)
    }

    /// Holds every board to the truth, which is one state and version for each agent, in their order.
    pub(super) fn compare(&mut self, truth: &[(Expected, u64)]) {
        let boards = self.seats.len();
        for (agent, (state, version)) in truth.iter().enumerate() {
            let mut by_row: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for (board, row) in self.table[agent * boards..(agent + 1) * boards].iter().enumerate() {
                by_row.entry(*row).or_default().push(board);
            }
            for (row, boards) in by_row {
                let shown = (row != NO_ROW).then(|| self.frames.row(RowId(row)));
                let is_true = shown.is_some_and(|shown| shown.state == *state && shown.version == *version);
                self.breaches.hold(is_true, || {
                    format!(
                        "board {} and {} others show {shown:?} of agent {agent} at the end, was acknowledged {state:?} \
                         at version {version}",
                        boards[0],
                        boards.len() - 1
                    )
                });
            }
        }
    }

    /// True when every board shows these versions.
    pub(super) fn show(&self, versions: &[u64]) -> bool {
        versions.iter().zip(self.table.chunks(self.seats.len().max(1))).all(|(version, rows)| {
            rows.iter().all(|row| *row != NO_ROW && self.frames.row(RowId(*row)).version == *version)
        })
    }

    /// How many agents the first board shows paused; none in the middle of a snapshot.
    pub(super) fn paused(&self) -> Option<usize> {
        let paused = || self.first.table().values().filter(|row| row.pause.is_some()).count();
        self.first.is_whole().then(paused)
    }

    fn take_in_full(&mut self, text: &[u8]) {
        match serde_json::from_slice::<Value>(text) {
            Ok(notification) => {
                self.first.apply(&notification["params"]["result"]);
            }
            Err(error) => self.breaches.add(format!("board 0: a frame is not JSON: {error}")),
        }
    }

    fn apply(&mut self, board: usize, effect: &Rc<Effect>, now: Instant, rows: &mut impl Rows) -> usize {
        let seat = &mut self.seats[board];
        let place = seat.to;
        if seat.snapshot.is_some() && !matches!(**effect, Effect::Part { .. }) {
            self.breaches.add(format!("board {board}: a frame came between the parts of a snapshot"));
        }
        match &**effect {
            Effect::Part { part, parts, to, rows: list } => {
                self.apply_part(board, (*part, *parts, *to), list, now, rows);
                list.len()
            }
            Effect::Changes { from, to, rows: list, removed } => {
                self.breaches.hold(place == Some(*from), || {
                    format!("board {board}: changes from {from} came where {place:?} was shown: a gap, or an overlap")
                });
                self.breaches.hold(from <= to, || format!("board {board}: changes from {from} end at {to}"));
                seat.to = Some(*to);
                list.iter().for_each(|row| self.show_row(board, *row, now, rows));
                for agent in removed {
                    self.breaches.add(format!("board {board}: agent {agent} was removed, who has not left"));
                }
                list.len()
            }
            Effect::Beat { to } => {
                self.breaches.hold(place == Some(*to), || {
                    format!("board {board}: a beat at {to} came where {place:?} was shown: something was missed")
                });
                0
            }
            Effect::Stale => {
                self.breaches.add(format!("board {board} was told that the truth is out of reach"));
                0
            }
        }
    }

    fn apply_part(
        &mut self,
        board: usize,
        (part, parts, to): (u64, u64, u64),
        list: &[RowId],
        now: Instant,
        rows: &mut impl Rows,
    ) {
        let seat = &mut self.seats[board];
        if part == 0 {
            self.breaches.hold(seat.to.is_none_or(|last| last <= to), || {
                format!("board {board}: a snapshot up to {to} came after {:?} was shown", seat.to)
            });
            seat.snapshot = Some(Snapshot { next: 0, parts, to, rows: Vec::new() });
        }
        let Some(snapshot) = &mut seat.snapshot else {
            self.breaches.add(format!("board {board}: part {part} of a snapshot came without part 0"));
            return;
        };
        let due = (snapshot.next, snapshot.parts, snapshot.to);
        self.breaches.hold((part, parts, to) == due, || {
            format!("board {board}: part {part} of {parts} up to {to} came where {due:?} was due")
        });
        snapshot.rows.extend_from_slice(list);
        snapshot.next += 1;
        if snapshot.next < snapshot.parts {
            return;
        }
        let list = std::mem::take(&mut snapshot.rows);
        (seat.snapshot, seat.is_behind) = (None, false);
        self.whole += usize::from(seat.to.is_none());
        seat.to = Some(to);
        self.breaches.hold(list.len() == self.agents, || {
            format!("board {board}: a snapshot shows {} agents of {}", list.len(), self.agents)
        });
        list.iter().for_each(|row| self.show_row(board, *row, now, rows));
    }

    fn show_row(&mut self, board: usize, row: RowId, now: Instant, rows: &mut impl Rows) {
        let Shown { agent, version, .. } = *self.frames.row(row);
        let place = agent as usize * self.seats.len() + board;
        let before = self.table[place];
        if before == row.0 {
            return;
        }
        let version_before = (before != NO_ROW).then(|| self.frames.row(RowId(before)).version);
        if version_before.is_some_and(|before| before > version) {
            self.breaches
                .add(format!("board {board}: agent {agent} went back from version {version_before:?} to {version}"));
            return;
        }
        self.table[place] = row.0;
        rows.shown(row, now);
    }
}

#[cfg(test)]
#[path = "boards_tests.rs"]
mod tests;
