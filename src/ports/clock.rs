//! The clock: the one place where time enters.

use std::time::Duration;

use super::BoxFuture;
use crate::domain::time::Timestamp;

/// Tells the time, and waits for an instant.
pub trait Clock: Send + Sync + 'static {
    /// The present instant; never earlier than one told before.
    fn now(&self) -> Timestamp;

    /// Completes once `now() >= at`; never before.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;

    /// What the wall clock shows, as far as is known by the last look: what others count by, who issue credentials.
    fn wall(&self) -> Timestamp {
        self.now()
    }

    /// Compares itself with the clocks of the machine. Whoever looks is the only one who does: what is found is told once.
    fn look(&self) -> ClockLook {
        ClockLook::default()
    }
}

/// What a look at the machine's clocks has found since the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockLook {
    /// For how long the machine was asleep; the clock has moved on by it.
    pub slept: Duration,
    /// How the wall clock was set; the clock has not moved with it.
    pub stepped: Option<ClockStep>,
}

/// A step of the wall clock against the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockStep {
    /// By how much, forward or back.
    pub by_ms: i64,
    /// How far the wall clock is ahead of the server's from here on.
    pub ahead_ms: i64,
}
