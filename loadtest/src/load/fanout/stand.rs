//! The boards of one team over their sockets: each asks for its team, and is told.

use std::time::Instant;

use super::boards::{Boards, Rows};
use super::frames::RowId;
use crate::check::Expected;
use crate::load::arrivals::{FIRST_CALL, Guests, Step};
use crate::load::breaches::Breaches;
use crate::load::message::{Message, call, read, read_part};

/// Boards that ask for the same team, by their numbers.
#[derive(Debug)]
pub(in crate::load) struct Stand {
    boards: Boards,
    subscription: Option<String>,
    subscribed: Vec<bool>,
    breaches: Breaches,
}

/// What a message was to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::load) enum Took {
    /// The reply to its call.
    Subscribed,
    /// A frame.
    Frame {
        /// How many rows it had.
        rows: usize,
        /// With it the board shows its team for the first time.
        is_first_whole: bool,
    },
}

impl Stand {
    /// So many boards that show nothing; these are the agents of their team.
    pub(in crate::load) fn of(boards: usize, team: Vec<String>) -> Stand {
        Stand {
            boards: Boards::of(boards, team),
            subscription: None,
            subscribed: vec![false; boards],
            breaches: Breaches::none(),
        }
    }

    /// The call that a board makes first.
    pub(in crate::load) fn first_call() -> String {
        call(FIRST_CALL, "board.subscribe", r#"{"teams":"all"}"#)
    }

    /// How many boards there are.
    pub(in crate::load) fn count(&self) -> usize {
        self.subscribed.len()
    }

    /// How many show their team.
    pub(in crate::load) fn whole(&self) -> usize {
        self.boards.whole()
    }

    /// The id of what all watch, when one has subscribed.
    pub(in crate::load) fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// Takes what was said to a board.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::load) fn told(
        &mut self,
        board: usize,
        text: &[u8],
        now: Instant,
        rows: &mut impl Rows,
    ) -> Result<Took, String> {
        if !self.subscribed[board] {
            return self.on_subscribed(board, text).map(|()| Took::Subscribed);
        }
        let whole = self.boards.whole();
        let rows = self.boards.take(board, text, now, rows);
        Ok(Took::Frame { rows, is_first_whole: self.boards.whole() > whole })
    }

    /// A board was lost: it asks for its team again, and is behind until it has been shown all of it.
    pub(in crate::load) fn lost(&mut self, board: usize) {
        self.subscribed[board] = false;
        self.boards.lost(board);
    }

    /// True when a board that was lost shows its team again.
    pub(in crate::load) fn is_back(&self, board: usize) -> bool {
        self.subscribed[board] && !self.boards.is_behind(board)
    }

    /// The row that a board shows of an agent.
    pub(super) fn shown_row(&self, board: usize, agent: usize) -> Option<RowId> {
        self.boards.shown_row(board, agent)
    }

    /// Forgets the rows that are on no board any more.
    pub(super) fn forget(&mut self) {
        self.boards.forget();
    }

    /// True when every board shows these versions, of the first so many agents.
    pub(in crate::load) fn show(&self, versions: &[u64]) -> bool {
        self.boards.show(versions)
    }

    /// How many agents the first board shows paused; none in the middle of a snapshot.
    pub(in crate::load) fn paused(&self) -> Option<usize> {
        self.boards.paused()
    }

    /// Holds every board to the truth, which is one state and version for each of the first so many agents.
    pub(in crate::load) fn compare(&mut self, truth: &[(Expected, u64)]) {
        self.boards.compare(truth);
    }

    /// What was broken.
    pub(in crate::load) fn into_breaches(self) -> Breaches {
        let mut breaches = self.breaches;
        breaches.add_all(self.boards.into_breaches());
        breaches
    }

    fn on_subscribed(&mut self, board: usize, text: &[u8]) -> Result<(), String> {
        let message: Message<'_> = read(text)?;
        if let Some(error) = message.error {
            return Err(error.to_string());
        }
        let id: String = read_part("result", message.result)?;
        let first = self.subscription.get_or_insert_with(|| id.clone());
        let same = *first == id;
        self.breaches.hold(same, || format!("board {board} has another subscription than the first"));
        self.subscribed[board] = true;
        Ok(())
    }
}

/// Boards on their way, each until it shows its team.
pub(in crate::load) struct BoardsComing<'a, R> {
    pub(in crate::load) tokens: &'a [String],
    pub(in crate::load) stand: &'a mut Stand,
    /// Who is told of the rows.
    pub(in crate::load) rows: &'a mut R,
}

impl<R: Rows> Guests for BoardsComing<'_, R> {
    fn tokens(&self) -> &[String] {
        self.tokens
    }

    fn first_call(&self, _: usize) -> Option<String> {
        Some(Stand::first_call())
    }

    fn told(&mut self, board: usize, text: &[u8], now: Instant) -> Result<Step, String> {
        let took = self.stand.told(board, text, now, self.rows)?;
        Ok(took.step())
    }
}

impl Took {
    /// How far a board that is on its way has come with it.
    pub(in crate::load) fn step(self) -> Step {
        match self {
            Took::Frame { is_first_whole: true, .. } => Step::Arrived,
            Took::Frame { .. } | Took::Subscribed => Step::Same,
        }
    }
}
