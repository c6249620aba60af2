//! The type that is open in the first minutes of each hour: nobody begins it outside them, unless that was set aside, and who
//! waits for them joined shortly before (semantics §3 `queue_opens_before`, §4).

use std::collections::BTreeSet;

use intervalo::domain::event::{AgentEvent, AgentEventBody};
use intervalo::domain::id::PauseId;
use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;

use crate::evidence::Evidence;
use crate::model::Broken;
use crate::office::OPEN_MINUTES;

const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;
/// When the clocks of Berlin go back in the nights that are simulated: 2027-10-31T01:00:00Z.
const SET_BACK: i64 = 1_824_944_400_000;
/// How early it can be waited for.
const EARLY: i64 = 15 * MINUTE;

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let mut aside = super::usage::granted(seen);
    aside.extend(set_aside(seen));
    seen.durable.iter().find_map(|(entry, _)| {
        let EntryBody::Agent { event, .. } = &entry.body else { return None };
        let wrong = is_wrong_start(event, &aside) || is_wrong_wait(event);
        wrong.then(|| ("§4", format!("not in its minutes of the hour: {entry:?}")))
    })
}

fn is_wrong_start(event: &AgentEvent, aside: &BTreeSet<PauseId>) -> bool {
    let AgentEventBody::PauseStarted(started) = &event.body else { return false };
    started.pause_type.as_str() == "hora" && !is_open(event.at) && !aside.contains(&started.id)
}

fn is_wrong_wait(event: &AgentEvent) -> bool {
    let AgentEventBody::Queued(queued) = &event.body else { return false };
    if queued.pause_type.as_str() != "hora" {
        return queued.opens_at.is_some();
    }
    let next = Timestamp((event.at.0 / HOUR + 1) * HOUR);
    let early = next.0 - event.at.0 <= EARLY;
    // Whoever has a grant for the hour waits for a slot alone.
    queued.opens_at.is_some_and(|at| at != next || is_open(event.at) || !early)
}

/// The offset of the zone is of whole hours. In the hour that comes twice, what opens does so the first time, and what closes the
/// second (semantics §2).
fn is_open(at: Timestamp) -> bool {
    let twice = SET_BACK - HOUR <= at.0 && at.0 < SET_BACK;
    twice || at.0.rem_euclid(HOUR) < OPEN_MINUTES * MINUTE
}

fn set_aside(seen: &Evidence) -> BTreeSet<PauseId> {
    let of_window = seen.durable.iter().filter_map(|(entry, _)| {
        let EntryBody::Agent { event, .. } = &entry.body else { return None };
        let AgentEventBody::FindingRecorded { code, pause } = &event.body else { return None };
        pause.filter(|_| code == "waived_outside_window")
    });
    of_window.collect()
}
