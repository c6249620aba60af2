//! A board: one subscriber's place in a view.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::HubError;
use super::cursor::Cursor;
use super::seat::{Outlet, Seat};
use super::table::Table;
use super::tenant::Tenant;
use super::view::{Place, View};
use crate::domain::id::TeamId;
use crate::domain::time::{Timestamp, seconds};
use crate::ports::Clock;

/// After this long without a frame a board is sent a beat (`docs/protocol.md`).
pub const BEAT_AFTER: Duration = seconds(5);

/// One frame: a complete `board.changed` notification, shared by all boards of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardFrame {
    /// The JSON text.
    pub text: Utf8Bytes,
    /// What else is to be said after it: complete `request.changed` notifications.
    pub asides: Vec<Utf8Bytes>,
}

impl From<Utf8Bytes> for BoardFrame {
    fn from(text: Utf8Bytes) -> BoardFrame {
        BoardFrame { text, asides: Vec::new() }
    }
}

/// One subscriber of a view. Idle, it costs a seat and a timer; dropping it unsubscribes.
pub struct Board {
    tenant: Arc<Tenant>,
    view: Arc<str>,
    clock: Arc<dyn Clock>,
    seat: Arc<Seat>,
    /// The number of the seat in its view.
    number: u64,
    /// The frame that answers the cursor it came with.
    first: Option<Utf8Bytes>,
    /// What the board was last told of the store.
    told_stale: Option<Timestamp>,
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("view", &self.view).field("seat", &self.seat).finish_non_exhaustive()
    }
}

impl Board {
    pub(super) fn join(
        tenant: Arc<Tenant>,
        teams: &BTreeSet<TeamId>,
        cursor: Option<&str>,
        outlet: Option<Arc<dyn Outlet>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Board, HubError> {
        let id = View::id_of(&tenant.id, teams);
        let now = clock.now();
        let (seat, number, first) = {
            let mut state = tenant.state();
            state.open_view(&id, teams)?;
            let is_shown = state.is_shown();
            let (view, table) = state.view(&id).ok_or(HubError::UnknownTenant)?;
            let cursor = cursor.and_then(|text| Cursor::from_text(text, &id));
            let (place, first) = if is_shown { view.begin(table, cursor) } else { (Place::Waiting { cursor }, None) };
            let seat = Arc::new(Seat::new(place, outlet, now));
            let number = state.sit(&id, Arc::clone(&seat)).ok_or(HubError::UnknownTenant)?;
            (seat, number, first)
        };
        Ok(Board { tenant, view: id, clock, seat, number, first, told_stale: None })
    }

    /// The subscription's id: a function of the view only, the same on every socket.
    pub fn subscription(&self) -> &str {
        &self.view
    }

    /// The next frame that this board is to be sent; waits until there is one, at most
    /// [`BEAT_AFTER`]. Cancel-safe: a frame that was not returned is returned by the next call.
    pub async fn next(&mut self) -> BoardFrame {
        loop {
            if let Some(frame) = self.ready() {
                return self.sent(frame);
            }
            let due = self.seat.with(|progress| progress.last_frame_at) + BEAT_AFTER;
            tokio::select! {
                biased;
                () = self.seat.woken() => continue,
                () = self.clock.sleep_until(due) => {}
            }
            let now = self.clock.now();
            // It may have been told something meanwhile, past this task.
            if self.seat.with(|progress| progress.last_frame_at) + BEAT_AFTER > now {
                continue;
            }
            if let Some(frame) = self.ready().or_else(|| self.sign_of_life()) {
                return self.sent(frame);
            }
            // There is nothing that it could be told yet.
            self.seat.with(|progress| progress.last_frame_at = now);
        }
    }

    fn sent(&mut self, frame: BoardFrame) -> BoardFrame {
        let now = self.clock.now();
        self.seat.with(|progress| progress.last_frame_at = now);
        frame
    }

    /// What there is for this board at once.
    fn ready(&mut self) -> Option<BoardFrame> {
        let mut state = self.tenant.state();
        let (stale, is_shown) = (state.stale(), state.is_shown());
        let (view, table) = state.view(&self.view)?;
        self.seat.with(|progress| {
            let first = self.first.take().map(BoardFrame::from);
            let frame = first.or_else(|| next_of(view, table, &mut progress.place, is_shown)).or_else(|| {
                if stale == self.told_stale {
                    return None;
                }
                self.told_stale = stale;
                sign_of_life(view, table, progress.place, stale).map(BoardFrame::from)
            });
            progress.is_asleep = frame.is_none();
            frame
        })
    }

    /// What says that all is quiet, or still out of reach.
    fn sign_of_life(&self) -> Option<BoardFrame> {
        let mut state = self.tenant.state();
        let stale = state.stale();
        let (view, table) = state.view(&self.view)?;
        self.seat.with(|progress| {
            let sign = sign_of_life(view, table, progress.place, stale);
            progress.is_asleep = sign.is_none();
            sign.map(BoardFrame::from)
        })
    }
}

/// The next frame for a board at this place, which moves it.
fn next_of(view: &mut View, table: &Table, place: &mut Place, is_shown: bool) -> Option<BoardFrame> {
    if let (Place::Waiting { cursor }, true) = (*place, is_shown) {
        let first;
        (*place, first) = view.begin(table, cursor);
        if let Some(first) = first {
            return Some(first.into());
        }
    }
    view.next(table, place)
}

/// What says that the truth is out of reach, or else that all is quiet: to a board that has all there is.
fn sign_of_life(view: &mut View, table: &Table, place: Place, stale: Option<Timestamp>) -> Option<Utf8Bytes> {
    match (stale, place) {
        (Some(since), _) => Some(view.stale(since)),
        (None, Place::At { to }) if to == view.boundary() => Some(view.beat(table)),
        // It has something to be told first.
        (None, Place::Waiting { .. } | Place::Fresh { .. } | Place::Reading { .. } | Place::At { .. }) => None,
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // Whoever has it in hand to tell it a frame finds that it takes none.
        self.seat.leave();
        self.tenant.state().leave(&self.view, self.number);
    }
}
