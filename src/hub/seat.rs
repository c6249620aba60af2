//! A seat: the place of one board in its view, which two move: the board's own task, and whoever tells a new frame to all.
//!
//! Waking a task for every frame costs more than writing the frame. So a board that has all there is, and whose way out is free, is
//! handed the next frame where it lies, and its task sleeps on. Any other board is woken, and takes what it is to be sent itself.

use std::fmt;
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::view::Place;
use crate::domain::id::TenantSeq;
use crate::domain::time::Timestamp;
use crate::sync::{Mutex, MutexGuard};

/// The way out to whoever looks at a board.
pub trait Outlet: Send + Sync {
    /// Takes a frame, all of it and before anything else, or nothing of it. Never waits.
    fn take(&self, frame: &Utf8Bytes) -> bool;
}

/// How far a board has got, and since when it has been told nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) place: Place,
    pub(super) last_frame_at: Timestamp,
    /// Its task has seen that there is nothing for it, and waits. Not while it has a frame in hand: the next one would overtake that.
    pub(super) is_asleep: bool,
}

/// One board in its view.
pub(super) struct Seat {
    state: Mutex<State>,
    wake: Notify,
}

/// What the lock guards.
struct State {
    progress: Progress,
    /// Not once the board has left: the connection is to close, whoever still has the seat in hand.
    outlet: Option<Arc<dyn Outlet>>,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("progress", &self.state().progress).finish_non_exhaustive()
    }
}

impl Seat {
    pub(super) fn new(place: Place, outlet: Option<Arc<dyn Outlet>>, now: Timestamp) -> Seat {
        let progress = Progress { place, last_frame_at: now, is_asleep: false };
        Seat { state: Mutex::new(State { progress, outlet }), wake: Notify::new() }
    }

    /// Nothing under this lock can panic half way, but for an outlet, before which nothing is moved.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at how far it has got, or moves it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Progress) -> T) -> T {
        look(&mut self.state().progress)
    }

    /// The board is gone: it is told nothing more.
    pub(super) fn leave(&self) {
        self.state().outlet = None;
    }

    /// Hands over a frame to whoever has everything up to where it begins, and wakes whoever cannot take it so.
    pub(super) fn tell(&self, frame: &Utf8Bytes, from: TenantSeq, to: TenantSeq, now: Timestamp) {
        let mut state = self.state();
        let is_told = match state.progress.place {
            Place::At { to: at } if at == from && state.progress.is_asleep => {
                let is_told = state.outlet.as_ref().is_some_and(|outlet| outlet.take(frame));
                if is_told {
                    state.progress.place = Place::At { to };
                    state.progress.last_frame_at = now;
                }
                is_told
            }
            // It has been there before.
            Place::At { to: at } => at >= to,
            Place::Waiting { .. } | Place::Fresh { .. } | Place::Reading { .. } => false,
        };
        drop(state);
        if !is_told {
            self.wake();
        }
    }

    /// Lets its task look whether there is something for it.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Completes once it has been woken since this was last waited for.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
}
