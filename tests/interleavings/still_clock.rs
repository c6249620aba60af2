//! A clock that stands still until a test moves it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use intervalo::domain::time::Timestamp;
use intervalo::ports::{BoxFuture, Clock};

use super::clock::BEGIN;

/// Tells what the test has set.
pub(crate) struct StillClock {
    face: Arc<Mutex<Face>>,
}

struct Face {
    now: Timestamp,
    sleepers: BTreeMap<u64, Waker>,
    named: u64,
}

/// One wait.
struct Sleep {
    face: Arc<Mutex<Face>>,
    at: Timestamp,
    name: Option<u64>,
}

impl StillClock {
    pub(crate) fn new() -> StillClock {
        StillClock { face: Arc::new(Mutex::new(Face { now: BEGIN, sleepers: BTreeMap::new(), named: 0 })) }
    }

    /// Moves the clock on; whoever waits looks again.
    pub(crate) fn advance(&self, by: Duration) {
        let woken = {
            let mut face = self.face.lock().unwrap();
            face.now = face.now + by;
            std::mem::take(&mut face.sleepers)
        };
        woken.into_values().for_each(Waker::wake);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        self.face.lock().unwrap().now
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(Sleep { face: Arc::clone(&self.face), at, name: None })
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let sleep = &mut *self;
        let mut face = sleep.face.lock().unwrap();
        if face.now >= sleep.at {
            return Poll::Ready(());
        }
        face.named += 1;
        let name = *sleep.name.get_or_insert(face.named);
        face.sleepers.insert(name, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Some(name), Ok(mut face)) = (self.name, self.face.lock()) {
            face.sleepers.remove(&name);
        }
    }
}
