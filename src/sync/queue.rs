//! A bounded queue of which there are two for each agent who is there: what the actor is told, and what the socket is.
//!
//! Empty, it takes little more than a hundred bytes; a channel made for throughput takes eight hundred, which were a tenth of what an idle agent cost. Its
//! lock is that of [`crate::sync`], so that the tests of interleavings see into it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Mutex, MutexGuard};

/// Room for more than this is given back as soon as the queue is empty.
const ROOM_KEPT: usize = 4;

/// Makes a queue for so many, at least one.
pub fn queue<T>(max: usize) -> (Sender<T>, Receiver<T>) {
    let state = State {
        items: VecDeque::new(),
        max: max.max(1),
        senders: 1,
        is_closed: false,
        receiver: None,
        waiting: Vec::new(),
    };
    let shared = Arc::new(Shared { state: Mutex::new(state) });
    (Sender { shared: Arc::clone(&shared) }, Receiver { shared })
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
    /// Wakes whoever waits for room.
    waiting: Vec<Waker>,
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
            if state.items.len() >= state.max {
                return Err(NotTaken::Full(item));
            }
            state.put(item)
        };
        receiver.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Puts an item in as soon as there is room.
    ///
    /// # Errors
    /// The item, when nobody takes any more.
    pub async fn send(&self, item: T) -> Result<(), T> {
        let mut item = Some(item);
        poll_fn(|cx| {
            let Some(wanted) = item.take() else { return Poll::Ready(Ok(())) };
            match self.try_send(wanted) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(NotTaken::Closed(wanted)) => Poll::Ready(Err(wanted)),
                Err(NotTaken::Full(wanted)) => {
                    item = Some(wanted);
                    self.wait_for_room(cx)
                }
            }
        })
        .await
    }

    /// Pending once there is no room, and whoever makes some wakes. Where there is room again by now, it is to be tried at once.
    fn wait_for_room<R>(&self, cx: &mut Context<'_>) -> Poll<R> {
        let mut state = self.shared.state();
        if state.is_closed || state.items.len() < state.max {
            cx.waker().wake_by_ref();
        } else if !state.waiting.iter().any(|waiting| waiting.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
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
            (item, std::mem::take(&mut state.waiting))
        };
        waiting.into_iter().for_each(Waker::wake);
        Some(item)
    }

    /// Takes no more; what was taken is still given.
    pub fn close(&mut self) {
        let waiting = {
            let mut state = self.shared.state();
            state.is_closed = true;
            std::mem::take(&mut state.waiting)
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
        if let Some(item) = self.try_recv() {
            return Poll::Ready(Some(item));
        }
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
