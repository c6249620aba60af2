//! Board frames, each read once however many boards it comes to.
//!
//! All boards at the same place are sent the same bytes (`docs/protocol.md`, "Boards": a frame depends on nothing
//! of the connection). So a frame is looked up by the place of its board and compared byte by byte; only one that
//! was not met before is read as JSON.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use serde::Deserialize;

use crate::check::Expected;
use crate::row::Row;

/// How many frames are kept for boards that have not read them yet; the oldest go first.
pub(super) const FRAMES_MAX: usize = 4096;

/// A row of an agent, by its place in the order of first meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::load) struct RowId(pub(in crate::load) u32);

/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::load) struct Shown {
    /// The agent's number.
    pub(in crate::load) agent: u32,
    /// The version.
    pub(in crate::load) version: u64,
    /// Status and pause.
    pub(in crate::load) state: Expected,
}

/// What a frame does to a board.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A part of a snapshot.
    Part { part: u64, parts: u64, to: u64, rows: Vec<RowId> },
    /// Changes.
    Changes { from: u64, to: u64, rows: Vec<RowId>, removed: Vec<u32> },
    /// Nothing happened.
    Beat { to: u64 },
    /// The truth is out of reach.
    Stale,
}

#[derive(Debug)]
struct Frame {
    text: Box<[u8]>,
    effect: Rc<Effect>,
}

/// All frames that were met and may be met again, and all rows.
#[derive(Debug)]
pub(super) struct Frames {
    agents: BTreeMap<String, u32>,
    /// The oldest first.
    rows: VecDeque<Shown>,
    /// How many rows there were before these.
    forgotten: usize,
    /// Rows by agent and version: two frames with the same row have one.
    by_version: HashMap<(u32, u64), RowId>,
    /// By where the board was; a new board is nowhere.
    frames: HashMap<Option<u64>, Vec<Frame>>,
    order: VecDeque<Option<u64>>,
}

#[derive(Deserialize)]
struct Notification {
    method: String,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    result: Told,
}

#[derive(Deserialize)]
struct Told {
    kind: String,
    part: Option<u64>,
    parts: Option<u64>,
    from: Option<u64>,
    to: Option<u64>,
    #[serde(default)]
    agents: Vec<Row>,
    #[serde(default)]
    removed: Vec<String>,
}

impl Effect {
    /// The rows in it.
    fn rows(&self) -> &[RowId] {
        match self {
            Effect::Part { rows, .. } | Effect::Changes { rows, .. } => rows,
            Effect::Beat { .. } | Effect::Stale => &[],
        }
    }
}

impl Frames {
    /// None was met; these are the agents, by their numbers.
    pub(super) fn of(agents: impl IntoIterator<Item = String>) -> Frames {
        Frames {
            agents: (0..).zip(agents).map(|(number, agent)| (agent, number)).collect(),
            rows: VecDeque::new(),
            forgotten: 0,
            by_version: HashMap::new(),
            frames: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// What a frame does that came to a board at `place`, and the rows that were not met before.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn effect(&mut self, place: Option<u64>, text: &[u8]) -> Result<(Rc<Effect>, Vec<RowId>), String> {
        let known = self.frames.get(&place).into_iter().flatten().rev().find(|frame| *frame.text == *text);
        if let Some(frame) = known {
            return Ok((Rc::clone(&frame.effect), Vec::new()));
        }
        let met = self.met();
        let effect = Rc::new(self.read(text)?);
        let frame = Frame { text: text.into(), effect: Rc::clone(&effect) };
        self.frames.entry(place).or_default().push(frame);
        self.order.push_back(place);
        if self.order.len() > FRAMES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget_first(oldest);
        }
        let new = (met..self.met()).filter_map(|row| u32::try_from(row).ok()).map(RowId).collect();
        Ok((effect, new))
    }

    /// What a row shows.
    pub(super) fn row(&self, row: RowId) -> &Shown {
        &self.rows[row.0 as usize - self.forgotten]
    }

    /// Forgets the rows that came before all that boards show, of which this is the first, and all that frames have
    /// which may be met again.
    pub(super) fn forget_before(&mut self, on_boards: RowId) {
        let kept = self.frames.values().flatten().flat_map(|frame| frame.effect.rows());
        let first = kept.copied().min().unwrap_or(on_boards).min(on_boards);
        while self.forgotten < first.0 as usize
            && let Some(row) = self.rows.pop_front()
        {
            self.by_version.remove(&(row.agent, row.version));
            self.forgotten += 1;
        }
    }

    /// How many rows are at hand.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.rows.len()
    }

    /// How many rows were ever met.
    fn met(&self) -> usize {
        self.forgotten + self.rows.len()
    }

    fn forget_first(&mut self, place: Option<u64>) {
        if let Some(frames) = self.frames.get_mut(&place) {
            frames.remove(0);
            if frames.is_empty() {
                self.frames.remove(&place);
            }
        }
    }

    fn read(&mut self, text: &[u8]) -> Result<Effect, String> {
        let start = || String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
        let notification: Notification =
            serde_json::from_slice(text).map_err(|error| format!("a frame cannot be read: {error}: {}", start()))?;
        if notification.method != "board.changed" {
            return Err(format!("a board was sent {}", notification.method));
        }
        let told = notification.params.result;
        let needed = |field: Option<u64>| field.ok_or_else(|| format!("a frame lacks a number: {}", start()));
        let effect = match told.kind.as_str() {
            "snapshot" => {
                let rows = self.rows_of(told.agents)?;
                Effect::Part { part: needed(told.part)?, parts: needed(told.parts)?, to: needed(told.to)?, rows }
            }
            "changes" => {
                let removed = told.removed.iter().map(|agent| self.number(agent)).collect::<Result<_, _>>()?;
                let rows = self.rows_of(told.agents)?;
                Effect::Changes { from: needed(told.from)?, to: needed(told.to)?, rows, removed }
            }
            "beat" => Effect::Beat { to: needed(told.to)? },
            "stale" => Effect::Stale,
            other => return Err(format!("a frame of the unknown kind {other:?} came")),
        };
        Ok(effect)
    }

    fn rows_of(&mut self, agents: Vec<Row>) -> Result<Vec<RowId>, String> {
        agents.into_iter().map(|row| self.row_of(&row)).collect()
    }

    fn row_of(&mut self, row: &Row) -> Result<RowId, String> {
        let agent = self.number(&row.agent)?;
        let state = Expected { status: row.status.clone(), pause: row.pause_id().map(str::to_owned) };
        let shown = Shown { agent, version: row.version, state };
        if let Some(known) = self.by_version.get(&(agent, row.version)) {
            let before = self.row(*known);
            if *before != shown {
                return Err(format!("{} has two states at one version: {before:?}, {shown:?}", row.agent));
            }
            return Ok(*known);
        }
        let id = RowId(u32::try_from(self.met()).map_err(|_| "more rows than can be told apart".to_owned())?);
        self.by_version.insert((agent, row.version), id);
        self.rows.push_back(shown);
        Ok(id)
    }

    fn number(&self, agent: &str) -> Result<u32, String> {
        self.agents.get(agent).copied().ok_or_else(|| format!("a board shows {agent}, who is not of the team"))
    }
}
