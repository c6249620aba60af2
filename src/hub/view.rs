//! A view: what one set of teams is shown, as one sequence of frames that all its boards share.
//!
//! Frames are cut where a committed batch changed a row of the view. A board holds only a [`Place`];
//! what it is sent next follows from the place and the view alone, so the bytes are the same for
//! every board at the same place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use metrics::counter;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::board::BoardFrame;
use super::cursor::Cursor;
use super::pace::Pace;
use super::seat::Seat;
use super::table::{Row, Table};
use crate::domain::directory::Person;
use crate::domain::id::{AgentId, TeamId, TenantId, TenantSeq};
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::protocol::board::{self, Boundary, Extras, Snapshot};
use crate::protocol::request::RequestObject;

/// The most frames that a view keeps for boards that are a little behind.
pub const RING_FRAMES_MAX: usize = 64;
/// The most bytes of such frames; a single longer frame is still kept. Small, because a board that
/// is further behind is served better by one frame of all that changed.
pub const RING_BYTES_MAX: usize = 64 * 1024;
/// The longest `changes` frame, in bytes; where one would be longer, boards begin anew with a
/// snapshot. Half of what a frame may be.
pub const CATCH_UP_BYTES_MAX: usize = 256 * 1024;
/// How many agents, or requests, wait for the next frame at most: with rows of half a kilobyte that is far from [`CATCH_UP_BYTES_MAX`].
pub const WAITING_MAX: usize = 128;
/// How many catch-ups to the present boundary a view keeps, for boards that come from the same
/// place, as after a broken network.
pub const CATCH_UPS_MAX: usize = 4;
/// How many snapshots of different boundaries a view keeps while boards read them. One more joins an
/// existing one where it can, else the board that reads the oldest begins again.
pub const SNAPSHOTS_MAX: usize = 4;
/// A snapshot that others are in the middle of is joined when it is so many times as long as what changed since: in a storm
/// all share one, though rows change all the while.
const JOINED_MIN: usize = 8;

/// How far a board has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The rows may not be shown yet; it came with this cursor.
    Waiting { cursor: Option<Cursor> },
    /// It needs a snapshot that is not older than this.
    Fresh { not_before: TenantSeq },
    /// It is being sent the snapshot of this number; `part` is next.
    Reading { snapshot: u64, part: usize, not_before: TenantSeq },
    /// It has everything up to `to`.
    At { to: TenantSeq },
}

/// What a frame carries beside rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    /// The counts of the view's teams.
    pub(super) counts: bool,
    /// The view's alerts.
    pub(super) alerts: bool,
}

/// What has changed since the last frame.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Whose row or membership did, and whether the view showed them before.
    pub(super) agents: BTreeMap<AgentId, bool>,
    pub(super) beside: Beside,
    /// What is told after the frame.
    pub(super) asides: Vec<Utf8Bytes>,
}

impl Changed {
    pub(super) fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }

    /// What came later is put on top.
    fn add(&mut self, later: Changed) {
        for (agent, was_shown) in later.agents {
            self.agents.entry(agent).or_insert(was_shown);
        }
        self.beside.counts |= later.beside.counts;
        self.beside.alerts |= later.beside.alerts;
        self.asides.extend(later.asides);
    }
}

/// One frame of the ring.
#[derive(Debug)]
struct Change {
    from: TenantSeq,
    to: TenantSeq,
    frame: BoardFrame,
}

/// A snapshot, and how many boards are in the middle of it.
#[derive(Debug)]
struct Kept {
    /// Unique within the view.
    number: u64,
    at: TenantSeq,
    snapshot: Snapshot,
    /// The parts that somebody has been sent, of the newest snapshot; none of those before it.
    written: Vec<Option<Utf8Bytes>>,
    readers: usize,
    /// How many bytes of changes came after it.
    bytes_since: usize,
}

impl Kept {
    /// Whether whoever comes now is better served by this one, and all that changed since, than by one of the present.
    fn is_to_be_joined(&self, crowded: bool) -> bool {
        let is_cheaper = self.readers > 0 && self.bytes_since.saturating_mul(JOINED_MIN) <= self.snapshot.bytes();
        self.bytes_since <= CATCH_UP_BYTES_MAX && (crowded || is_cheaper)
    }

    /// A part, written once for all who come to it while this is the newest snapshot.
    fn frame(&mut self, subscription: &str, part: usize) -> Utf8Bytes {
        if let Some(Some(written)) = self.written.get(part) {
            return written.clone();
        }
        let frame = encoded(self.snapshot.frame(subscription, part));
        if let Some(kept) = self.written.get_mut(part) {
            *kept = Some(frame.clone());
        }
        frame
    }
}

/// One view of a tenant.
#[derive(Debug)]
pub(super) struct View {
    id: Arc<str>,
    teams: BTreeSet<TeamId>,
    /// Where the last frame ended.
    boundary: TenantSeq,
    /// What is to be in the next one, and when that is to be cut.
    waiting: Changed,
    due: Option<Timestamp>,
    pace: Pace,
    ring: VecDeque<Change>,
    ring_bytes: usize,
    catch_ups: VecDeque<(TenantSeq, Utf8Bytes)>,
    snapshots: VecDeque<Kept>,
    snapshots_made: u64,
    beat: Option<(Cursor, Utf8Bytes)>,
    stale: Option<(Timestamp, Utf8Bytes)>,
    /// Its boards, by a number that none has had before.
    seats: BTreeMap<u64, Arc<Seat>>,
    seats_made: u64,
}

/// A frame that was cut, and everybody who is to be told.
#[derive(Debug)]
pub(super) struct Cut {
    from: TenantSeq,
    to: TenantSeq,
    /// None where it would have been too long, or where what is told beside it takes the board's own task.
    frame: Option<Utf8Bytes>,
    seats: Vec<Arc<Seat>>,
}

impl Cut {
    /// How many are told before others have a turn, and how many bytes: some hundred microseconds of writing.
    const AT_ONCE: usize = 32;
    const BYTES_AT_ONCE: usize = 64 * 1024;

    /// Lets every board look for itself.
    pub(super) fn wake(&self) {
        self.seats.iter().for_each(|seat| seat.wake());
    }

    /// Hands the frame to every board that has all before it, and wakes the others.
    pub(super) async fn tell(self, clock: &dyn Clock) {
        let length = self.frame.as_ref().map_or(0, |frame| frame.len());
        let at_once = Cut::BYTES_AT_ONCE.checked_div(length).unwrap_or(Cut::AT_ONCE).clamp(1, Cut::AT_ONCE);
        for some in self.seats.chunks(at_once) {
            let now = clock.now();
            for seat in some {
                match &self.frame {
                    Some(frame) => seat.tell(frame, self.from, self.to, now),
                    None => seat.wake(),
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

impl View {
    /// A view whose first boundary is the table's head.
    pub(super) fn new(id: Arc<str>, teams: BTreeSet<TeamId>, table: &Table) -> View {
        View {
            id,
            teams,
            boundary: table.head(),
            waiting: Changed::default(),
            due: None,
            pace: Pace::new(),
            ring: VecDeque::new(),
            ring_bytes: 0,
            catch_ups: VecDeque::new(),
            snapshots: VecDeque::new(),
            snapshots_made: 0,
            beat: None,
            stale: None,
            seats: BTreeMap::new(),
            seats_made: 0,
        }
    }

    /// The id of a view: the first 128 bits of SHA-256 over the tenant and the teams in order, each
    /// after its length, as hexadecimal digits.
    pub(super) fn id_of(tenant: &TenantId, teams: &BTreeSet<TeamId>) -> Arc<str> {
        let mut hash = Sha256::new();
        for part in std::iter::once(tenant.as_str()).chain(teams.iter().map(|team| team.as_str())) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    /// The teams that it shows.
    pub(super) fn teams(&self) -> &BTreeSet<TeamId> {
        &self.teams
    }

    /// True when the person is one of its rows.
    pub(super) fn shows(&self, person: &Person) -> bool {
        person.left_at.is_none() && person.teams.iter().any(|team| self.teams.contains(team))
    }

    /// Where the last frame ended.
    pub(super) fn boundary(&self) -> TenantSeq {
        self.boundary
    }

    /// True when no more is to wait for the next frame.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.agents.len().max(self.waiting.asides.len()) >= WAITING_MAX
    }

    /// How many boards it has.
    pub(super) fn boards(&self) -> usize {
        self.seats.len()
    }

    /// Gives a board its seat, and the number of it.
    pub(super) fn sit(&mut self, seat: Arc<Seat>) -> u64 {
        self.seats_made += 1;
        self.seats.insert(self.seats_made, seat);
        self.seats_made
    }

    /// A board is gone.
    pub(super) fn stand_up(&mut self, number: u64) {
        let Some(seat) = self.seats.remove(&number) else { return };
        if let Place::Reading { snapshot, .. } = seat.with(|progress| progress.place)
            && let Some(kept) = self.snapshots.iter_mut().find(|kept| kept.number == snapshot)
        {
            kept.readers -= 1;
            self.drop_unread_snapshots();
        }
    }

    /// Lets boards look whether there is something for them.
    pub(super) fn wake_all(&self) {
        self.seats.values().for_each(|seat| seat.wake());
    }

    /// Takes up what has changed, and says when a frame is to be cut of it: no later than `now` where that is at once.
    pub(super) fn change(&mut self, changed: Changed, more: bool, now: Timestamp) -> Timestamp {
        let at = self.pace.changed(changed.agents.len(), self.boards(), more, now);
        self.waiting.add(changed);
        let at = if self.is_full() { now } else { at };
        self.due = Some(at);
        at
    }

    /// Cuts a frame of what waits, to be told to all; none where that was cut already, because somebody came to whom it was told.
    pub(super) fn cut_what_is_due(&mut self, table: &Table, now: Timestamp) -> Option<Cut> {
        self.due.take()?;
        self.pace.cut(now);
        let waiting = std::mem::take(&mut self.waiting);
        let (from, frame) = (self.boundary, self.cut(table, waiting));
        // What is told beside a frame takes the board's own task.
        let frame = frame.filter(|frame| frame.asides.is_empty()).map(|frame| frame.text);
        Some(Cut { from, to: self.boundary, frame, seats: self.seats.values().cloned().collect() })
    }

    /// Cuts a frame of what waits: before anything is written anew, so that it is of where the rows stand.
    fn cut_what_waits(&mut self, table: &Table) {
        if self.due.take().is_some() {
            let waiting = std::mem::take(&mut self.waiting);
            self.pace.forget_what_waits();
            self.cut(table, waiting);
            self.wake_all();
        }
    }

    /// Cuts a frame that ends at the table's head: these agents' rows are new, or gone. None where it would be too long.
    fn cut(&mut self, table: &Table, changed: Changed) -> Option<BoardFrame> {
        let Changed { agents, beside, asides } = changed;
        let (mut rows, mut removed) = (Vec::<&RawValue>::new(), Vec::<&str>::new());
        for (agent, was_shown) in &agents {
            match table.row(agent).filter(|row| self.shows(&row.view.person)) {
                Some(row) => rows.push(row.json()),
                None if *was_shown => removed.push(agent.as_str()),
                // Came and went between two frames.
                None => {}
            }
        }
        let (from, to) = (self.boundary, table.head());
        let bytes = bytes_of(&rows) + removed.iter().map(|agent| agent.len() + 3).sum::<usize>();
        self.boundary = to;
        self.catch_ups.clear();
        self.beat = None;
        for kept in &mut self.snapshots {
            kept.bytes_since = kept.bytes_since.saturating_add(bytes);
        }
        self.snapshots.retain(|kept| kept.readers > 0);
        if bytes > CATCH_UP_BYTES_MAX {
            self.ring.clear();
            self.ring_bytes = 0;
            return None;
        }
        let cursor = self.cursor(table);
        let end = Boundary { to, cursor: &cursor };
        let extras = self.extras(table, beside);
        let text = encoded(board::changes(&self.id, from, end, &rows, &removed, &extras));
        self.ring_bytes += text.len();
        let frame = BoardFrame { text, asides };
        self.ring.push_back(Change { from, to, frame: frame.clone() });
        self.trim_ring();
        Some(frame)
    }

    /// Forgets every frame: each board begins anew.
    pub(super) fn reset(&mut self, table: &Table) {
        self.boundary = table.head();
        (self.waiting, self.due) = (Changed::default(), None);
        self.pace.forget_what_waits();
        self.ring.clear();
        self.ring_bytes = 0;
        self.catch_ups.clear();
        self.snapshots.clear();
        self.beat = None;
        self.wake_all();
    }

    /// The next frame for a board, which moves its place; none when it has everything.
    pub(super) fn next(&mut self, table: &Table, place: &mut Place) -> Option<BoardFrame> {
        loop {
            match *place {
                Place::Waiting { .. } => return None,
                Place::Fresh { not_before } => {
                    let snapshot = self.open_snapshot(table, not_before);
                    *place = Place::Reading { snapshot, part: 0, not_before };
                }
                Place::Reading { snapshot, part, not_before } => {
                    let Some(kept) = self.snapshots.iter_mut().find(|kept| kept.number == snapshot) else {
                        *place = Place::Fresh { not_before };
                        continue;
                    };
                    let frame = kept.frame(&self.id, part);
                    if part + 1 == kept.snapshot.parts() {
                        kept.readers -= 1;
                        *place = Place::At { to: kept.at };
                        self.drop_unread_snapshots();
                    } else {
                        *place = Place::Reading { snapshot, part: part + 1, not_before };
                    }
                    return Some(frame.into());
                }
                Place::At { to } if to == self.boundary => return None,
                Place::At { to } => {
                    if let Some(change) = self.ring.iter().find(|change| change.from == to) {
                        *place = Place::At { to: change.to };
                        return Some(change.frame.clone());
                    }
                    self.cut_what_waits(table);
                    if to >= table.directory_since()
                        && let Some(text) = self.catch_up(table, to)
                    {
                        *place = Place::At { to: self.boundary };
                        return Some(text.into());
                    }
                    *place = Place::Fresh { not_before: to };
                }
            }
        }
    }

    /// Where a board begins, and the frame that answers its cursor where there is one.
    pub(super) fn begin(&mut self, table: &Table, cursor: Option<Cursor>) -> (Place, Option<Utf8Bytes>) {
        if cursor.is_some() {
            self.cut_what_waits(table);
        }
        let first = cursor.and_then(|cursor| self.resume(table, cursor));
        let place = match (&first, cursor) {
            (Some(_), _) => Place::At { to: self.boundary },
            // Nothing older than what it has seen, unless that was never true.
            (None, Some(cursor)) if cursor.to <= table.head() => Place::Fresh { not_before: cursor.to },
            (None, _) => Place::Fresh { not_before: TenantSeq(0) },
        };
        (place, first)
    }

    /// The frame for a board that comes back with this cursor; none when it must begin anew. The
    /// board is at the boundary after it.
    fn resume(&mut self, table: &Table, cursor: Cursor) -> Option<Utf8Bytes> {
        if cursor.to > table.head() {
            return None;
        }
        if cursor.to > self.boundary {
            // The view was opened anew, or the board saw it before it was closed: no row of it
            // changed in between, so that its boundary may move up to where the board already is.
            self.cut(table, Changed::default());
            self.wake_all();
        }
        if cursor.directory != table.directory_version() {
            return None;
        }
        self.catch_up(table, cursor.to)
    }

    /// The beat at the present boundary: of all that was told.
    pub(super) fn beat(&mut self, table: &Table) -> Utf8Bytes {
        let cursor = Cursor { to: self.boundary, directory: table.directory_version() };
        if let Some((_, text)) = self.beat.as_ref().filter(|(at, _)| *at == cursor) {
            return text.clone();
        }
        let end = Boundary { to: self.boundary, cursor: &cursor.to_text(&self.id) };
        let text = encoded(board::beat(&self.id, end));
        self.beat = Some((cursor, text.clone()));
        text
    }

    /// The word that the truth is out of reach.
    pub(super) fn stale(&mut self, since: Timestamp) -> Utf8Bytes {
        if let Some((_, text)) = self.stale.as_ref().filter(|(at, _)| *at == since) {
            return text.clone();
        }
        let text = encoded(board::stale(&self.id, since));
        self.stale = Some((since, text.clone()));
        text
    }

    /// Counts and alerts as they are to be put beside rows.
    fn extras<'a>(&'a self, table: &'a Table, beside: Beside) -> Extras<'a> {
        Extras {
            counts: beside.counts.then(|| self.counts(table)),
            alerts: beside.alerts.then(|| self.alerts(table)),
            requests: beside.alerts.then(|| self.requests(table)),
        }
    }

    /// The open ones, the oldest first.
    fn requests<'a>(&'a self, table: &'a Table) -> Vec<RequestObject<'a>> {
        let asking = table.asking().filter(|view| self.shows(&view.person));
        let mut requests: Vec<RequestObject<'_>> = asking.filter_map(RequestObject::open).collect();
        requests.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        requests
    }

    fn counts<'a>(&'a self, table: &Table) -> BTreeMap<&'a str, board::PresenceCounts> {
        self.teams.iter().map(|team| (team.as_str(), table.counts(team))).collect()
    }

    /// The oldest first, so that what a frame leaves out is the newest.
    fn alerts<'a>(&self, table: &'a Table) -> Vec<&'a board::Alert> {
        let mut alerts: Vec<&board::Alert> =
            table.alerts().filter(|(person, _)| self.shows(person)).map(|(_, alert)| alert).collect();
        alerts.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        alerts
    }

    fn rows<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = &'a Row> {
        table.rows().filter(|row| self.shows(&row.view.person))
    }

    fn cursor(&self, table: &Table) -> String {
        Cursor { to: self.boundary, directory: table.directory_version() }.to_text(&self.id)
    }

    fn trim_ring(&mut self) {
        while self.ring.len() > RING_FRAMES_MAX || (self.ring_bytes > RING_BYTES_MAX && self.ring.len() > 1) {
            if let Some(change) = self.ring.pop_front() {
                self.ring_bytes -= change.frame.text.len();
            }
        }
    }

    /// One frame of everything that changed since `from`; none when it would be too long. Exact only
    /// where nobody joined or left the view in between.
    fn catch_up(&mut self, table: &Table, from: TenantSeq) -> Option<Utf8Bytes> {
        if let Some((_, text)) = self.catch_ups.iter().find(|(at, _)| *at == from) {
            return Some(text.clone());
        }
        let rows: Vec<&RawValue> = self.rows(table).filter(|row| row.changed > from).map(|row| &**row.json()).collect();
        if bytes_of(&rows) > CATCH_UP_BYTES_MAX {
            return None;
        }
        let cursor = self.cursor(table);
        let end = Boundary { to: self.boundary, cursor: &cursor };
        let text = encoded(board::changes(
            &self.id,
            from,
            end,
            &rows,
            &[],
            &self.extras(table, Beside { counts: true, alerts: true }),
        ));
        counter!("intervalo_hub_conflations_total").increment(1);
        if self.catch_ups.len() == CATCH_UPS_MAX {
            self.catch_ups.pop_front();
        }
        self.catch_ups.push_back((from, text.clone()));
        Some(text)
    }

    /// Finds or makes a snapshot for one more reader; answers its number.
    fn open_snapshot(&mut self, table: &Table, not_before: TenantSeq) -> u64 {
        self.drop_unread_snapshots();
        let boundary = self.boundary;
        let crowded = self.snapshots.len() == SNAPSHOTS_MAX;
        let oldest = not_before.max(table.directory_since());
        let serves = |kept: &&mut Kept| kept.at == boundary || (kept.at >= oldest && kept.is_to_be_joined(crowded));
        if let Some(kept) = self.snapshots.back_mut().filter(serves) {
            kept.readers += 1;
            return kept.number;
        }
        if crowded {
            self.snapshots.pop_front();
        }
        self.cut_what_waits(table);
        let boundary = self.boundary;
        let rows = self.rows(table).map(|row| Arc::clone(row.json())).collect();
        let cursor = self.cursor(table);
        let end = Boundary { to: boundary, cursor: &cursor };
        let snapshot = Snapshot::of(end, rows, &self.extras(table, Beside { counts: true, alerts: true }));
        counter!("intervalo_hub_snapshots_total").increment(1);
        self.snapshots_made += 1;
        let number = self.snapshots_made;
        if let Some(before) = self.snapshots.back_mut() {
            // Whoever is still in the middle of it has what is left written anew; whoever comes takes the new one.
            before.written.clear();
        }
        let written = vec![None; snapshot.parts()];
        self.snapshots.push_back(Kept { number, at: boundary, snapshot, written, readers: 1, bytes_since: 0 });
        number
    }

    /// A snapshot of the present boundary stays, for whoever comes next; older ones only while read.
    fn drop_unread_snapshots(&mut self) {
        let boundary = self.boundary;
        self.snapshots.retain(|kept| kept.readers > 0 || kept.at == boundary);
    }
}

fn encoded(frame: String) -> Utf8Bytes {
    counter!("intervalo_hub_frames_encoded_total").increment(1);
    Utf8Bytes::from(frame)
}

/// The length of rows in a frame, commas included.
fn bytes_of(rows: &[&RawValue]) -> usize {
    rows.iter().map(|row| row.get().len() + 1).sum()
}
