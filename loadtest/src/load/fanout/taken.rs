//! What was measured of an office in a part of a round.

use std::time::Duration;

use super::office::Office;
use crate::load::latency::Latency;

/// Times of changes.
#[derive(Debug, Clone, Default)]
pub(in crate::load) struct Taken {
    /// From the instants at which they were to be asked for until the replies.
    pub(in crate::load) replies: Latency,
    /// From the first sign of each to every board.
    pub(in crate::load) from_first_sign: Latency,
    /// From the instants at which they were to be asked for to every board.
    pub(in crate::load) from_asking: Latency,
}

impl Office<'_> {
    /// What was measured since the last time, which is then forgotten.
    pub(in crate::load) fn take(&mut self) -> Taken {
        // A long run has more rows than there is room for.
        self.stand.forget();
        let tally = &mut self.changes.tally;
        Taken {
            replies: self.drive.take_latency(),
            from_first_sign: std::mem::take(&mut tally.spread),
            from_asking: std::mem::take(&mut tally.from_send),
        }
    }

    /// How long after the first sign of the last change every board had it.
    pub(in crate::load) fn settled_in(&self) -> Duration {
        self.changes.tally.settled_in()
    }
}
