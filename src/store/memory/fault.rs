//! Faults that a test plants, and gates that it holds appends at.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// What becomes of an append, instead of what should.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing is written; answered `Fenced`.
    Fenced,
    /// Nothing is written; answered `Unavailable`.
    Unavailable,
    /// It is written; answered `Unknown`.
    UnknownWritten,
    /// Nothing is written; answered `Unknown`.
    UnknownNotWritten,
    /// It is written, but making it durable fails: answered `Unknown`, and nothing more is ever
    /// written until the journal is opened anew.
    SyncFails,
    /// It waits at the gate before anything is written.
    HoldBeforeWrite(Gate),
    /// It waits at the gate, written and not durable.
    HoldBeforeSync(Gate),
    /// It waits at the gate, durable and not answered.
    HoldBeforeAnswer(Gate),
}

/// A place where appends wait for the test.
#[derive(Debug, Clone)]
pub struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate { arrived: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }

    /// Waits until an append stands at the gate.
    pub async fn reached(&self) {
        if let Ok(arrival) = self.arrived.acquire().await {
            arrival.forget();
        }
    }

    /// Lets one append through, the one that stands there or the next that comes.
    pub fn open(&self) {
        self.open.add_permits(1);
    }

    pub(super) async fn pass(&self) {
        self.arrived.add_permits(1);
        if let Ok(permit) = self.open.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Gate {
        Gate::new()
    }
}
