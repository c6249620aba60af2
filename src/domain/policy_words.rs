//! The words that the choices of a pause type and of a tenant's settings are written in, in the import file and in the protocol.

use super::deferral::AtDeadline;
use super::directory::SignInStatus;
use super::policy::{AtTimeout, OnEarlyEnd, OnLimit, PauseClass, StartableBy, WhenFull, WhenOccupied};

/// The words of `class`.
pub const CLASSES: [(&str, PauseClass); 3] =
    [("regular", PauseClass::Regular), ("entitlement", PauseClass::Entitlement), ("protected", PauseClass::Protected)];
/// The words of `on_early_end`.
pub const EARLY_ENDS: [(&str, OnEarlyEnd); 2] = [("record", OnEarlyEnd::Record), ("hold", OnEarlyEnd::Hold)];
/// The words of `on_limit`.
pub const LIMIT_ENDS: [(&str, OnLimit); 4] = [
    ("mark", OnLimit::Mark),
    ("end_unavailable", OnLimit::EndUnavailable),
    ("end_available", OnLimit::EndAvailable),
    ("sign_out", OnLimit::SignOut),
];
/// The words of `when_full`.
pub const FULL_ENDS: [(&str, WhenFull); 2] = [("refuse", WhenFull::Refuse), ("queue", WhenFull::Queue)];
/// The words of an approval's `then`.
pub const TIMEOUT_ENDS: [(&str, AtTimeout); 2] = [("refuse", AtTimeout::Refuse), ("grant", AtTimeout::Grant)];
/// The words of `when_occupied`.
pub const OCCUPIED_ENDS: [(&str, WhenOccupied); 3] =
    [("defer", WhenOccupied::Defer), ("immediate", WhenOccupied::Immediate), ("refuse", WhenOccupied::Refuse)];
/// The words of `startable_by`.
pub const STARTERS: [(&str, StartableBy); 3] =
    [("agent", StartableBy::Agent), ("supervisor", StartableBy::Supervisor), ("both", StartableBy::Both)];
/// The words of a tenant's `status_on_sign_in`.
pub const SIGN_IN_STATUSES: [(&str, SignInStatus); 2] =
    [("available", SignInStatus::Available), ("unavailable", SignInStatus::Unavailable)];
/// The words of a tenant's `at_defer_deadline`.
pub const DEADLINE_ENDS: [(&str, AtDeadline); 3] =
    [("start", AtDeadline::Start), ("notify", AtDeadline::Notify), ("cancel", AtDeadline::Cancel)];

/// The word of a choice.
pub fn word_of<T: PartialEq>(words: &[(&'static str, T)], wanted: &T) -> &'static str {
    words.iter().find(|(_, value)| value == wanted).map_or("", |(word, _)| word)
}
