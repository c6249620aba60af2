//! What the doors need of the pause history; a store answers it.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::domain::id::{AgentId, PauseId, PauseTypeCode, PolicyVersion, TeamId, TenantId};
use crate::domain::time::Timestamp;
use crate::ports::BoxFuture;

/// Which pauses. Protected ones are never among them (semantics §11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseFilter {
    /// Of this tenant.
    pub tenant: TenantId,
    /// Counted for one of these teams; `None`: all.
    pub teams: Option<BTreeSet<TeamId>>,
    /// Begun at or after this.
    pub from: Option<From>,
    /// Begun before this.
    pub until: Option<Until>,
    /// Of this agent.
    pub agent: Option<AgentId>,
    /// Of this type.
    pub pause_type: Option<PauseTypeCode>,
    /// After this one in the order of (start, id).
    pub after: Option<(Timestamp, PauseId)>,
    /// At most so many.
    pub limit: usize,
}

/// A local calendar day, in the zone that each pause recorded.
pub type Day = NaiveDate;

/// Where a range begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At an instant.
    Instant(Timestamp),
    /// With a day.
    Day(Day),
}

/// Where a range ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Before an instant.
    Instant(Timestamp),
    /// After a day: it belongs to the range.
    Day(Day),
}

/// One page, in the order of (start, id).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PausePage {
    /// The pauses.
    pub pauses: Vec<PauseRecord>,
    /// True when there are more after the last one.
    pub more: bool,
}

/// One pause, as it stands in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRecord {
    /// Its id.
    pub id: PauseId,
    /// The agent's id; none when the person has been erased.
    pub agent: Option<String>,
    /// What people call the agent.
    pub name: Option<String>,
    /// Its type.
    pub pause_type: String,
    /// `regular` or `entitlement`.
    pub class: String,
    /// The team that it counts for.
    pub team: Option<String>,
    /// The zone recorded at its start.
    pub zone: String,
    /// The zone's offset then, in seconds, east positive.
    pub utc_offset_s: i32,
    /// The calendar day of its start in that zone.
    pub local_day: Day,
    /// The business day of its start in that zone.
    pub business_day: Day,
    /// When the shift of its start began.
    pub shift_started_at: Option<Timestamp>,
    /// True when that is an estimate.
    pub shift_estimated: Option<bool>,
    /// The policy that it began under.
    pub policy_version: PolicyVersion,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs.
    pub ended_at: Option<Timestamp>,
    /// Why it ended (semantics §6).
    pub ended_by: Option<String>,
    /// For an abandoned one, when the agent was last seen; its end is then an estimate.
    pub last_seen_at: Option<Timestamp>,
    /// Its limit, extensions not included.
    pub limit_ms: Option<i64>,
    /// By how much the limit was moved out.
    pub extended_ms: i64,
    /// When its overrun was due.
    pub overran_at: Option<Timestamp>,
    /// Ended under its minimum.
    pub short: bool,
    /// Ended so soon that it does not count.
    pub misclick: bool,
    /// Paid, as its type said.
    pub paid: bool,
    /// Counts as work, as its type said.
    pub counts_as_work: bool,
    /// The pause that it replaced.
    pub replaces: Option<PauseId>,
    /// The pause that replaced it.
    pub replaced_by: Option<PauseId>,
    /// What the agent wrote.
    pub note: Option<String>,
}

impl PauseRecord {
    /// True when its end is an estimate.
    pub fn is_estimated(&self) -> bool {
        self.ended_by.as_deref() == Some(crate::domain::event::Cause::Abandoned.as_str())
    }
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The store is out of reach; ask again.
    #[error("the history is out of reach: {0}")]
    Unavailable(String),
    /// A row cannot be read.
    #[error("the history is damaged: {0}")]
    Damaged(String),
}

/// Reads the pause history.
pub trait PauseHistory: Send + Sync + 'static {
    /// One page.
    fn page(&self, filter: PauseFilter) -> BoxFuture<'_, Result<PausePage, HistoryError>>;
}
