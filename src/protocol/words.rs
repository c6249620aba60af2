//! The words that a field of the wire is one of, for the schemas that are published. They come of the domain's own
//! lists, so that a new one is in the contract without being written twice.

use serde_json::{Value, json};

use crate::domain::event::Cause;
use crate::domain::policy_words::CLASSES;
use crate::domain::presence::{ConnectionWord, NotRoutable, Presence, StatusWord};
use crate::domain::role::Role;
use crate::domain::rules::VerdictOutcome;

/// What a dashboard shows first.
pub fn presences() -> Vec<&'static str> {
    Presence::ALL.iter().map(|presence| presence.as_str()).collect()
}

/// What was chosen, or a pause.
pub fn statuses() -> Vec<&'static str> {
    StatusWord::ALL.iter().map(|status| status.as_str()).collect()
}

/// What can be chosen.
pub fn chosen_statuses() -> Vec<&'static str> {
    statuses().into_iter().filter(|status| *status != StatusWord::Paused.as_str()).collect()
}

/// Is a socket open.
pub fn connections() -> Vec<&'static str> {
    ConnectionWord::ALL.iter().map(|connection| connection.as_str()).collect()
}

/// Why no work may be routed to somebody.
pub fn reasons_not_routable() -> Vec<&'static str> {
    NotRoutable::ALL.iter().map(|reason| reason.as_str()).collect()
}

/// Why something happened.
pub fn causes() -> Vec<&'static str> {
    Cause::ALL.iter().map(|cause| cause.as_str()).collect()
}

/// What became of a request.
pub fn request_states() -> Vec<&'static str> {
    vec!["open", "granted", "refused", "expired", "cancelled"]
}

/// Who does things.
pub fn actors() -> Vec<&'static str> {
    vec!["agent", "supervisor", "admin", "integration", "system"]
}

/// Of which kind alerts are.
pub fn alerts() -> Vec<&'static str> {
    vec!["overrun", "work_during_pause", "request", "at_risk"]
}

/// The classes of types of pauses.
pub fn classes() -> Vec<&'static str> {
    CLASSES.iter().map(|(word, _)| *word).collect()
}

/// The classes of which there is a history.
pub fn limited_classes() -> Vec<&'static str> {
    classes().into_iter().filter(|class| *class != "protected").collect()
}

/// What choosing a type of pause would lead to.
pub fn outcomes() -> Vec<&'static str> {
    VerdictOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect()
}

/// What a start that was not refused led to.
pub fn beginnings() -> Vec<&'static str> {
    outcomes().into_iter().filter(|outcome| *outcome != VerdictOutcome::Refused.as_str()).collect()
}

/// What somebody is to a tenant.
pub fn roles() -> Vec<&'static str> {
    Role::ALL.iter().map(|role| role.as_str()).collect()
}

/// What somebody came in with.
pub fn proofs() -> Vec<&'static str> {
    vec!["token", "key", "login"]
}

/// The schema of a role in a list.
pub fn one_of_roles() -> Value {
    json!({"type": "string", "enum": roles()})
}
