//! A bounded queue of which there are two for each agent who is there: what the actor is told, and what the socket is.
//!
//! Empty, it takes little more than a hundred bytes; a channel made for throughput takes eight hundred, which were a tenth of what an idle agent cost. Its
//! lock is that of [`crate::sync`], so that the tests of interleavings see into it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Mutex, MutexGuard};

/// Room for more than this is given back as soon as the queue is empty.
const ROOM_KEPT: usize = 4;
/// After so many items, one after the other, other tasks have a turn.
const IN_A_ROW_MAX: u8 = 64;

/// Makes a queue for so many, at least one.
pub fn queue<T>(max: usize) -> (Sender<T>, Receiver<T>) {
    let state = State {
        items: VecDeque::new(),
        max: max.max(1),
        senders: 1,
        is_closed: false,
        receiver: None,
        waiting: VecDeque::new(),
        tickets: 0,
    };
    let shared = Arc::new(Shared { state: Mutex::new(state) });
    (Sender { shared: Arc::clone(&shared) }, Receiver { shared, in_a_row: 0 })
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    max: usize,
    senders: usize,
    /// Nothing is taken any more; what was taken is still given.
    is_closed: bool,
    /// Wakes whoever waits for an item.
    receiver: Option<Waker>,
    /// Who waits for room, in the order in which they came, by their tickets.
    waiting: VecDeque<(u64, Waker)>,
    tickets: u64,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn put(&mut self, item: T) -> Option<Waker> {
        self.items.push_back(item);
        self.receiver.take()
    }

    fn room(&self) -> usize {
        self.max.saturating_sub(self.items.len())
    }

    /// How to wake those for whom there is room by now; all, where nothing is taken any more.
    fn whose_turn_it_is(&self) -> Vec<Waker> {
        let count = if self.is_closed { self.waiting.len() } else { self.room() };
        self.waiting.iter().take(count).map(|(_, waker)| waker.clone()).collect()
    }

    fn place_of(&self, ticket: u64) -> Option<usize> {
        self.waiting.iter().position(|(other, _)| *other == ticket)
    }
}

/// Why an item was not taken; it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken<T> {
    /// There is no room.
    Full(T),
    /// Nobody takes any more.
    Closed(T),
}

/// Puts items in.
#[derive(Debug)]
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Puts an item in, if there is room.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn try_send(&self, item: T) -> Result<(), NotTaken<T>> {
        let receiver = {
            let mut state = self.shared.state();
            if state.is_closed {
                return Err(NotTaken::Closed(item));
            }
            // Whoever waits for room has it before others.
            if state.room() == 0 || !state.waiting.is_empty() {
                return Err(NotTaken::Full(item));
            }
            state.put(item)
        };
        receiver.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Puts an item in as soon as there is room, in the order in which those who wait came. Dropped before, it has put nothing in.
    ///
    /// # Errors
    /// The item, when nobody takes any more.
    pub fn send(&self, item: T) -> impl Future<Output = Result<(), T>> {
        Sending { shared: &self.shared, item: Some(item), ticket: None }
    }
}

/// Waits for room.
struct Sending<'s, T> {
    shared: &'s Shared<T>,
    /// None once it was taken, or came back.
    item: Option<T>,
    ticket: Option<u64>,
}

impl<T> Unpin for Sending<'_, T> {}

impl<T> Sending<'_, T> {
    fn poll_locked(&mut self, state: &mut State<T>, waker: &Waker) -> Poll<Result<Option<Waker>, T>> {
        let Some(item) = self.item.take() else { return Poll::Ready(Ok(None)) };
        let place = self.ticket.and_then(|ticket| state.place_of(ticket));
        if state.is_closed {
            return Poll::Ready(Err(item));
        }
        if place.unwrap_or(state.waiting.len()) < state.room() {
            self.ticket = None;
            place.and_then(|place| state.waiting.remove(place));
            return Poll::Ready(Ok(state.put(item)));
        }
        self.item = Some(item);
        match place.and_then(|place| state.waiting.get_mut(place)) {
            Some((_, known)) => known.clone_from(waker),
            None => {
                state.tickets += 1;
                self.ticket = Some(state.tickets);
                state.waiting.push_back((state.tickets, waker.clone()));
            }
        }
        Poll::Pending
    }
}

impl<T> Future for Sending<'_, T> {
    type Output = Result<(), T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), T>> {
        let shared = self.shared;
        let polled = self.poll_locked(&mut shared.state(), cx.waker());
        polled.map(|done| done.map(|receiver| receiver.into_iter().for_each(Waker::wake)))
    }
}

impl<T> Drop for Sending<'_, T> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let next = {
            let mut state = self.shared.state();
            let place = state.place_of(ticket);
            place.and_then(|place| state.waiting.remove(place));
            state.whose_turn_it_is()
        };
        next.into_iter().for_each(Waker::wake);
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.shared.state().senders += 1;
        Sender { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let receiver = {
            let mut state = self.shared.state();
            state.senders -= 1;
            if state.senders == 0 { state.receiver.take() } else { None }
        };
        receiver.into_iter().for_each(Waker::wake);
    }
}

/// Takes items out, in the order in which they were put in.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// How many items were given since somebody had to wait for one.
    in_a_row: u8,
}

impl<T> Receiver<T> {
    /// The next item; none once there is nobody who could put one in, or it is closed and empty. Cancel-safe.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// An item that is there already.
    pub fn try_recv(&mut self) -> Option<T> {
        let (item, waiting) = {
            let mut state = self.shared.state();
            let item = state.items.pop_front()?;
            if state.items.is_empty() && state.items.capacity() > ROOM_KEPT {
                state.items = VecDeque::new();
            }
            (item, state.whose_turn_it_is())
        };
        waiting.into_iter().for_each(Waker::wake);
        Some(item)
    }

    /// Takes no more; what was taken is still given.
    pub fn close(&mut self) {
        let waiting = {
            let mut state = self.shared.state();
            state.is_closed = true;
            state.whose_turn_it_is()
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// True when nobody can put anything in any more.
    pub fn is_closed(&self) -> bool {
        let state = self.shared.state();
        state.is_closed || state.senders == 0
    }

    /// How many items are there.
    pub fn len(&self) -> usize {
        self.shared.state().items.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.in_a_row >= IN_A_ROW_MAX {
            self.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(item) = self.try_recv() {
            self.in_a_row += 1;
            return Poll::Ready(Some(item));
        }
        self.in_a_row = 0;
        let mut state = self.shared.state();
        if !state.items.is_empty() {
            // It came in between.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if state.is_closed || state.senders == 0 {
            return Poll::Ready(None);
        }
        let is_known = state.receiver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if !is_known {
            state.receiver = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
        // Not under the lock: what is dropped may have a sender of this queue in it.
        let items = std::mem::take(&mut self.shared.state().items);
        drop(items);
    }
}

#[cfg(all(test, not(feature = "interleavings")))]
mod tests {
    use super::*;

    #[test]
    fn promise_r1_an_empty_queue_takes_little() {
        let bytes = size_of::<Shared<Box<u64>>>();
        assert!(bytes <= 128, "{bytes}");
    }
}
