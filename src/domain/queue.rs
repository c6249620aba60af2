//! A place in a waiting list, and the offer of a slot that comes of it (semantics §4).

use std::time::Duration;

use super::id::{OfferId, PauseTypeCode, TeamId};
use super::time::{Timestamp, seconds};

/// How long an offer stands; the clock rests while nobody could take it (semantics §4).
pub const OFFER_LASTS: Duration = seconds(60);
/// With so many offers let pass the seat is lost; the ones before cost a place each (semantics §4).
pub const OFFERS_LET_PASS_MAX: u8 = 3;

/// An agent who waits for a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The type of pause that is waited for.
    pub pause_type: PauseTypeCode,
    /// What the agent wrote when they asked for it.
    pub note: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Where in the line.
    pub place: Place,
    /// The teams in whose lines the agent stands: a slot of each is needed.
    pub slots: Box<[TeamId]>,
    /// When the window opens that is waited for first; none where it was open.
    pub opens_at: Option<Timestamp>,
    /// How many offers were let pass.
    pub let_pass: u8,
    /// The last of those.
    pub last_expired: Option<OfferId>,
    /// A slot that is kept for the agent.
    pub offer: Option<Offer>,
    /// When the connection was given up; the place is kept for a while after it.
    pub lost_at: Option<Timestamp>,
}

/// A place in a line; the least is the first. Equal places go by the agents' ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When whoever stands or stood here asked.
    pub asked_at: Timestamp,
    /// How many steps behind them.
    pub behind: u32,
}

impl Place {
    /// The place of who asks at `at`.
    pub fn at(at: Timestamp) -> Place {
        Place { asked_at: at, behind: 0 }
    }

    /// The place right behind this one.
    #[must_use]
    pub fn next(self) -> Place {
        Place { behind: self.behind.saturating_add(1), ..self }
    }
}

/// A slot that is kept for an agent for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// How long it stands, from `runs_since` on.
    pub left: Duration,
    /// Since when its clock runs; none while it rests.
    pub runs_since: Option<Timestamp>,
}

impl Offer {
    /// When it expires; none while its clock rests.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.runs_since.map(|since| since + self.left)
    }

    /// Lets the clock run or rest from `at` on.
    pub(super) fn set_running(&mut self, runs: bool, at: Timestamp) {
        match (self.runs_since, runs) {
            (Some(since), false) => {
                self.left = self.left.saturating_sub(at.since(since));
                self.runs_since = None;
            }
            (None, true) => self.runs_since = Some(at),
            (Some(_), true) | (None, false) => {}
        }
    }

    /// The server came up: how much of the time ran before it went down is not known, so none did.
    pub(super) fn rest_after_restart(&mut self) {
        self.runs_since = None;
    }
}
