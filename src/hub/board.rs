//! A board: one subscriber's place in a view.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::HubError;
use super::cursor::Cursor;
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

/// One subscriber of a view. Idle, it costs a number, a watch and a timer; dropping it
/// unsubscribes.
pub struct Board {
    tenant: Arc<Tenant>,
    view: Arc<str>,
    clock: Arc<dyn Clock>,
    ticks: watch::Receiver<u64>,
    place: Place,
    /// The frame that answers the cursor it came with.
    first: Option<Utf8Bytes>,
    /// What the board was last told of the store.
    told_stale: Option<Timestamp>,
    last_frame_at: Timestamp,
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("view", &self.view).field("place", &self.place).finish_non_exhaustive()
    }
}

impl Board {
    pub(super) fn join(
        tenant: Arc<Tenant>,
        teams: &BTreeSet<TeamId>,
        cursor: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Board, HubError> {
        let id = View::id_of(&tenant.id, teams);
        let last_frame_at = clock.now();
        let (ticks, place, first) = {
            let mut state = tenant.state();
            state.join(&id, teams)?;
            let is_shown = state.is_shown();
            let (view, table) = state.view(&id).ok_or(HubError::UnknownTenant)?;
            let cursor = cursor.and_then(|text| Cursor::from_text(text, &id));
            let (place, first) = if is_shown { view.begin(table, cursor) } else { (Place::Waiting { cursor }, None) };
            (view.ticks(), place, first)
        };
        Ok(Board { tenant, view: id, clock, ticks, place, first, told_stale: None, last_frame_at })
    }

    /// The subscription's id: a function of the view only, the same on every socket.
    pub fn subscription(&self) -> &str {
        &self.view
    }

    /// The next frame that this board is to be sent; waits until there is one, at most
    /// [`BEAT_AFTER`]. Cancel-safe: a frame that was not returned is returned by the next call.
    pub async fn next(&mut self) -> BoardFrame {
        loop {
            // Seen before looking, so that what comes while looking wakes.
            self.ticks.borrow_and_update();
            if let Some(frame) = self.ready() {
                return self.sent(frame);
            }
            let due = self.clock.sleep_until(self.last_frame_at + BEAT_AFTER);
            let idle = tokio::select! {
                biased;
                () = changed(&mut self.ticks) => false,
                () = due => true,
            };
            if idle {
                if let Some(frame) = self.ready().or_else(|| self.sign_of_life()) {
                    return self.sent(frame);
                }
                // There is nothing that it could be told yet.
                self.last_frame_at = self.clock.now();
            }
        }
    }

    fn sent(&mut self, frame: BoardFrame) -> BoardFrame {
        self.last_frame_at = self.clock.now();
        frame
    }

    /// What there is for this board at once.
    fn ready(&mut self) -> Option<BoardFrame> {
        if let Some(first) = self.first.take() {
            return Some(first.into());
        }
        let mut state = self.tenant.state();
        let (stale, is_shown) = (state.stale(), state.is_shown());
        let (view, table) = state.view(&self.view)?;
        if let (Place::Waiting { cursor }, true) = (self.place, is_shown) {
            let (place, first) = view.begin(table, cursor);
            self.place = place;
            if let Some(first) = first {
                return Some(first.into());
            }
        }
        if let Some(frame) = view.next(table, &mut self.place) {
            return Some(frame);
        }
        if stale == self.told_stale {
            return None;
        }
        self.told_stale = stale;
        sign_of_life(view, table, self.place, stale).map(BoardFrame::from)
    }

    /// What says that all is quiet, or still out of reach.
    fn sign_of_life(&self) -> Option<BoardFrame> {
        let mut state = self.tenant.state();
        let stale = state.stale();
        let (view, table) = state.view(&self.view)?;
        sign_of_life(view, table, self.place, stale).map(BoardFrame::from)
    }
}

/// What says that the truth is out of reach, or else that all is quiet: not to a board that has seen nothing.
fn sign_of_life(view: &mut View, table: &Table, place: Place, stale: Option<Timestamp>) -> Option<Utf8Bytes> {
    match (stale, place) {
        (Some(since), _) => Some(view.stale(since)),
        (None, Place::Waiting { .. }) => None,
        (None, Place::Fresh { .. } | Place::Reading { .. } | Place::At { .. }) => Some(view.beat(table)),
    }
}

/// Completes with the next tick. A view lives as long as its boards; if it did not, this would wait
/// rather than spin.
async fn changed(ticks: &mut watch::Receiver<u64>) {
    if ticks.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let mut state = self.tenant.state();
        if let Some((view, _)) = state.view(&self.view) {
            view.release(self.place);
        }
        state.leave(&self.view);
    }
}
