//! The type that is open in the first minutes of each hour: nobody begins it outside them, unless that was set aside, and who
//! waits for them joined shortly before (semantics §3 `queue_opens_before`, §4).

use std::collections::BTreeSet;

use intervalo::domain::event::AgentEventBody;
use intervalo::domain::id::PauseId;
use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;

use crate::evidence::Evidence;
use crate::model::Broken;
use crate::office::OPEN_MINUTES;

const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;
/// How early it can be waited for.
const EARLY: i64 = 15 * MINUTE;

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let mut aside = super::usage::granted(seen);
    aside.extend(set_aside(seen));
    seen.durable.iter().find_map(|(entry, _)| {
        let EntryBody::Agent { event, .. } = &entry.body else { return None };
        let wrong = match &event.body {
            AgentEventBody::PauseStarted(started) if started.pause_type.as_str() == "hora" => {
                !is_open(event.at) && !aside.contains(&started.id)
            }
            AgentEventBody::Queued(queued) if queued.pause_type.as_str() == "hora" => {
                let next = Timestamp((event.at.0 / HOUR + 1) * HOUR);
                let early = next.0 - event.at.0 <= EARLY;
                // Whoever has a grant for the hour waits for a slot alone.
                queued.opens_at.is_some_and(|at| at != next || is_open(event.at) || !early)
            }
            AgentEventBody::Queued(queued) => queued.opens_at.is_some(),
            AgentEventBody::Offered { .. } => false,
            _ => false,
        };
        wrong.then(|| ("§4", format!("not in its minutes of the hour: {entry:?}")))
    })
}

/// The offset of the zone is of whole hours.
fn is_open(at: Timestamp) -> bool {
    at.0.rem_euclid(HOUR) < OPEN_MINUTES * MINUTE
}

fn set_aside(seen: &Evidence) -> BTreeSet<PauseId> {
    let of_window = seen.durable.iter().filter_map(|(entry, _)| {
        let EntryBody::Agent { event, .. } = &entry.body else { return None };
        let AgentEventBody::FindingRecorded { code, pause } = &event.body else { return None };
        pause.filter(|_| code == "waived_outside_window")
    });
    of_window.collect()
}
