//! The server's side of a round: agents who change, and boards that hear of it.

use std::time::{Duration, Instant};

use super::absence::Absence;
use super::boards::Rows;
use super::frames::{RowId, Shown};
use super::round::Side;
use super::stand::{Stand, Took};
use super::tally::{ChangeId, Tally};
use crate::check::Expected;
use crate::load::breaches::Breaches;
use crate::load::crowd::{Crowd, Ear, Heard, Wires};
use crate::load::drive::Drive;
use crate::load::failure::{Failure, Outcome};
use crate::load::latency::Latency;
use crate::load::ledger::Ledger;
use crate::load::looking_back::SETTLED_WITHIN;
use crate::load::target::Running;

/// How many boards connect at once.
const BOARDS_AT_ONCE: usize = 64;
/// How long nothing may come of a board's connecting.
const PATIENCE: Duration = Duration::from_secs(60);

/// Agents on the first sockets of a crowd, boards on those after them.
pub(in crate::load) struct Office<'s> {
    pub(super) drive: Drive,
    pub(super) server: &'s Running,
    pub(super) agents: usize,
    /// How many of them make changes, the first ones.
    askers: usize,
    /// Whatever happens to an agent or a board that should not is a promise that was broken.
    holds_sessions: bool,
    pub(super) stand: Stand,
    pub(super) tokens: Vec<String>,
    opened: usize,
    pub(super) changes: Changes,
    window: usize,
    next_agent: usize,
    one_row: OneRow,
    pub(super) absence: Absence,
    pub(super) fault: Option<Failure>,
}

/// What is known of each agent's changes.
pub(super) struct Changes {
    pub(super) tally: Tally,
    pub(super) lines: Vec<Line>,
    /// The change that each row shows, by the row's number; none of rows that were there before.
    pub(super) of_row: Vec<Option<ChangeId>>,
    breaches: Breaches,
    /// All boards have the changes of these agents.
    completed: usize,
    /// The board whose frame is read.
    board: usize,
    /// The first change of which a board is told, where it has been away; none while it is.
    pub(super) since: Vec<Option<ChangeId>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// The change that was asked for last, until every board has it.
    pub(super) open: Option<ChangeId>,
    /// The version before it.
    version_before: u64,
    /// The version at which a board showed it.
    shown_version: Option<u64>,
}

/// The size of frames with one row.
#[derive(Debug, Clone, Copy, Default)]
struct OneRow {
    frames: u64,
    bytes: u64,
}

impl<'s> Office<'s> {
    /// Agents who have signed in on the first sockets of a crowd; the team may have others, who come after them.
    pub(in crate::load) fn new(
        mut drive: Drive,
        server: &'s Running,
        team: Vec<String>,
        tokens: Vec<String>,
    ) -> Office<'s> {
        let (agents, count, boards) = (drive.ledger().agents(), team.len(), tokens.len());
        Office {
            drive,
            server,
            agents,
            askers: agents,
            holds_sessions: false,
            stand: Stand::of(boards, team),
            tokens,
            opened: 0,
            changes: Changes {
                tally: Tally::of(boards),
                lines: vec![Line::default(); count],
                of_row: Vec::new(),
                breaches: Breaches::none(),
                completed: 0,
                board: 0,
                since: vec![Some(ChangeId::FIRST); boards],
            },
            window: 0,
            next_agent: 0,
            one_row: OneRow::default(),
            absence: Absence::default(),
            fault: None,
        }
    }

    /// The same, where nobody but the first so many makes changes, and where whoever is cut off or refused, or is told
    /// what cannot be, has been promised better.
    pub(in crate::load) fn holding_sessions(self, askers: usize) -> Office<'s> {
        Office { askers: askers.min(self.agents), holds_sessions: true, ..self }
    }

    /// The changes that come next are those of another round. All is quiet.
    pub(in crate::load) fn next_round(&mut self) {
        self.changes.tally = Tally::of(self.stand.count());
        self.changes.of_row.fill(None);
        self.changes.since.fill(Some(ChangeId::FIRST));
        self.drive.take_latency();
    }

    /// How long the replies of the round took, from the instants at which they were to be asked for.
    pub(in crate::load) fn take_replies(&mut self) -> Latency {
        self.drive.take_latency()
    }

    /// The id of the board that all watch, when one has subscribed.
    pub(in crate::load) fn subscription(&self) -> Option<&str> {
        self.stand.subscription()
    }

    /// What is known of the agents.
    pub(in crate::load) fn ledger(&mut self) -> &mut Ledger {
        self.drive.ledger()
    }

    /// Connects all boards, and waits until each shows its team.
    pub(in crate::load) fn open_boards(&mut self, crowd: &mut Crowd) -> Outcome<()> {
        for _ in 0..BOARDS_AT_ONCE.min(self.tokens.len()) {
            self.open_next(crowd.wires());
        }
        let patience = Instant::now() + PATIENCE;
        while self.stand.whole() < self.tokens.len() {
            if Instant::now() > patience {
                let whole = self.stand.whole();
                let all = self.tokens.len();
                return Err(Failure::new(format!("{whole} of {all} boards had a snapshot within {PATIENCE:?}")));
            }
            crowd.turn(patience, self)?;
            self.check()?;
        }
        Ok(())
    }

    /// The mean payload of a frame with one row, in bytes; none when there was none.
    pub(super) fn one_row_bytes(&self) -> Option<usize> {
        self.one_row.bytes.checked_div(self.one_row.frames).and_then(|bytes| usize::try_from(bytes).ok())
    }

    /// Everything is quiet: holds every board and every agent to what was acknowledged, and gives the agents back.
    pub(in crate::load) fn look_back(mut self, crowd: &mut Crowd, settled_in: Duration) -> Outcome<Drive> {
        let truth: Vec<(Expected, u64)> = (0..self.agents).map(|who| self.drive.ledger().truth(who)).collect();
        let versions: Vec<u64> = truth.iter().map(|(_, version)| *version).collect();
        let until = Instant::now() + SETTLED_WITHIN;
        crowd.turn_until(until, &mut self, |office| office.fault.is_some() || office.stand.show(&versions))?;
        self.check()?;
        self.stand.compare(&truth);
        let Office { mut drive, stand, changes, .. } = self;
        let ledger = drive.ledger();
        ledger.add_breaches(stand.into_breaches());
        ledger.add_breaches(changes.breaches);
        if settled_in > SETTLED_WITHIN {
            ledger
                .breach(format!("the boards had the last change after {settled_in:?}, not within {SETTLED_WITHIN:?}"));
        }
        Ok(drive)
    }

    fn open_next(&mut self, wires: &mut Wires) {
        let Some(token) = self.tokens.get(self.opened) else { return };
        self.opened += 1;
        if let Err(failure) = wires.open(self.server.address(), token) {
            self.fault.get_or_insert(failure);
        }
    }

    fn on_agent(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let before = self.drive.ledger().version(who);
        self.drive.heard(wires, who, heard, now);
        let version = self.drive.ledger().version(who);
        if version != before {
            self.changes.acked(who, version, now);
            // Every board may have had the change before its agent had the reply.
            self.refill(wires, now);
        }
    }

    pub(super) fn on_board(
        &mut self,
        wires: &mut Wires,
        board: usize,
        text: &[u8],
        now: Instant,
    ) -> Result<(), String> {
        self.changes.board = board;
        let took = self.stand.told(board, text, now, &mut self.changes)?;
        let Took::Frame { rows, is_first_whole } = took else { return Ok(()) };
        self.changes.tally.frame(text.len());
        if rows == 1 && self.changes.tally.is_counting() {
            self.one_row.frames += 1;
            self.one_row.bytes += text.len() as u64;
        }
        if is_first_whole {
            self.open_next(wires);
        }
        if self.changes.take_completed() {
            self.refill(wires, now);
        }
        Ok(())
    }

    fn refill(&mut self, wires: &mut Wires, now: Instant) {
        let counts = self.changes.tally.is_counting();
        while self.changes.tally.under_way() < self.window && self.ask(wires, now, counts) {}
    }
}

impl Changes {
    /// The reply to an agent's change came.
    fn acked(&mut self, who: usize, version: u64, now: Instant) {
        let line = &mut self.lines[who];
        if let Some(open) = line.open {
            self.tally.seen(open, now);
        }
        if let Some(shown) = line.shown_version {
            self.breaches.hold(shown == version, || {
                format!("a board showed agent {who} at version {shown}, the reply said {version}")
            });
        }
    }

    /// All boards have a change.
    pub(super) fn complete(&mut self, change: ChangeId) {
        self.completed += 1;
        if let Some(line) = self.lines.iter_mut().find(|line| line.open == Some(change)) {
            line.open = None;
        }
    }

    /// Some changes have come to all boards.
    fn take_completed(&mut self) -> bool {
        std::mem::take(&mut self.completed) > 0
    }
}

impl Rows for Changes {
    fn met(&mut self, row: RowId, shown: &Shown, now: Instant) {
        let line = &mut self.lines[shown.agent as usize];
        let change = line.open.filter(|_| shown.version > line.version_before);
        if let Some(change) = change {
            line.shown_version = Some(shown.version);
            self.tally.seen(change, now);
        }
        let at = row.0 as usize;
        // A frame that could not be read to its end may have had rows that nobody was told of.
        self.of_row.resize(self.of_row.len().max(at + 1), None);
        self.of_row[at] = change;
    }

    fn shown(&mut self, row: RowId, now: Instant) {
        let Some(Some(change)) = self.of_row.get(row.0 as usize).copied() else { return };
        // A board that was away is not waited for by what was asked for before it was back.
        let is_due = self.since[self.board].is_some_and(|since| change >= since);
        if is_due && self.tally.delivered(change, now) {
            self.complete(change);
        }
    }
}

impl Ear for Office<'_> {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        if self.absence.has(who) {
            self.on_absent(wires, who, heard, now);
            return;
        }
        let Some(board) = who.checked_sub(self.agents) else {
            self.on_agent(wires, who, heard, now);
            return;
        };
        if board >= self.stand.count() {
            // The sockets after those of the boards are somebody else's.
            return;
        }
        let done = match heard {
            Heard::Opened => {
                wires.send(who, &Stand::first_call());
                Ok(())
            }
            Heard::Text(text) => self.on_board(wires, board, text, now),
            Heard::Ended(end) => Err(end.to_string()),
        };
        if let Err(why) = done {
            self.fault.get_or_insert(Failure::new(format!("board {board}: {why}")));
        }
    }
}

impl Side for Office<'_> {
    fn tally(&mut self) -> &mut Tally {
        &mut self.changes.tally
    }

    /// The next agent whose last change is everywhere, and acknowledged.
    fn ask(&mut self, wires: &mut Wires, intended: Instant, counts: bool) -> bool {
        let free = |who: &usize| self.is_free(*who) && !self.absence.has(*who);
        let around = (self.next_agent..self.askers).chain(0..self.next_agent);
        let Some(who) = around.into_iter().find(free) else { return false };
        self.next_agent = (who + 1) % self.askers;
        let change = self.changes.tally.begin(intended, counts);
        self.changes.lines[who] =
            Line { open: Some(change), version_before: self.drive.ledger().version(who), shown_version: None };
        self.drive.command(wires, who, intended, counts);
        true
    }

    fn keep_under_way(&mut self, window: usize) {
        self.window = window;
    }

    fn cpu_time(&mut self) -> Outcome<Option<Duration>> {
        self.server.cpu_time()
    }

    fn is_in_this_process(&self) -> bool {
        false
    }

    fn is_quiet(&self) -> bool {
        self.changes.tally.under_way() == 0 && (0..self.agents).all(|who| self.drive.is_answered(who))
    }

    fn check(&mut self) -> Outcome<()> {
        let checked = self.drive.check().and_then(|()| self.fault.take().map_or(Ok(()), Err));
        checked.map_err(|failure| if self.holds_sessions { failure.into_broken_promise() } else { failure })
    }
}
