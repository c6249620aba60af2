//! What a dry run has counted.

use std::collections::BTreeMap;

use crate::domain::id::{PauseTypeCode, TeamId};

/// What a dry run has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// How many pauses that began on the days were judged; protected ones are never among them.
    pub starts: u64,
    /// How many refused starts were judged.
    pub refusals: u64,
    /// Pauses that would be refused.
    pub refused: Tally,
    /// Pauses whose agent would wait in line.
    pub queued: Tally,
    /// Pauses that would wait for the end of work.
    pub pending: Tally,
    /// Pauses that a supervisor would have to agree to first.
    pub requested: Tally,
    /// Those of [`Report::refused`] that are entitlements.
    pub entitlements_lost: Tally,
    /// Refused starts that would not be; the codes are those that they were refused with.
    pub let_through: Tally,
    /// Starts and refusals that the policy in force, asked the same, does not explain either: nothing is said of them.
    pub unclear: u64,
}

/// How often, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// All together.
    pub total: u64,
    /// By the code of the rule.
    pub by_code: BTreeMap<String, u64>,
    /// By the type of pause.
    pub by_type: BTreeMap<PauseTypeCode, u64>,
    /// By the team that it counts for; of some there is none.
    pub by_team: BTreeMap<Option<TeamId>, u64>,
    /// By the local hour of the day, 0 to 23.
    pub by_hour: BTreeMap<u8, u64>,
    /// By all of these at once.
    pub by_case: BTreeMap<(Case, String), u64>,
}

/// What a start is counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The type of pause.
    pub pause_type: PauseTypeCode,
    /// The team that it counts for.
    pub team: Option<TeamId>,
    /// The local hour of the day, 0 to 23.
    pub hour: u8,
}

impl Tally {
    pub(super) fn add(&mut self, case: &Case, code: &str, count: u64) {
        self.total += count;
        *self.by_code.entry(code.to_owned()).or_default() += count;
        *self.by_type.entry(case.pause_type.clone()).or_default() += count;
        *self.by_team.entry(case.team.clone()).or_default() += count;
        *self.by_hour.entry(case.hour).or_default() += count;
        *self.by_case.entry((case.clone(), code.to_owned())).or_default() += count;
    }
}
