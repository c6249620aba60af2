//! Thresholds: never early, never late, and after a stop before their agent is shown (T1, T2).

use std::collections::BTreeMap;
use std::time::Duration;

use intervalo::domain::id::AgentId;
use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::{Broken, Person};

/// How late a threshold may be, of uptime.
const LATE_MAX: Duration = Duration::from_secs(1);

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let mut people = People::new();
    let mut first_shown: BTreeMap<u64, Vec<(usize, &AgentId)>> = BTreeMap::new();
    for ((life, agent), at) in &seen.first_shown {
        first_shown.entry(*at).or_default().push((*life, agent));
    }
    for (at, (entry, durable_at)) in seen.durable.iter().enumerate() {
        if let EntryBody::Agent { agent, event, .. } = &entry.body
            && let Some(person) = people.get(agent)
            && let Some((due, name)) = person.next_threshold()
        {
            if event.body.name() == name && (event.at < due || *durable_at < due) {
                return Some(("T2", format!("{name} of {agent} was due at {due:?}: {entry:?}")));
            }
            if is_late(seen, due, *durable_at) {
                return Some(("T1", format!("{name} of {agent} was due at {due:?}, at {durable_at:?} came {entry:?}")));
            }
        }
        // What cannot be folded is found elsewhere.
        let _ = fold(&mut people, entry);
        for (life, agent) in first_shown.remove(&(at as u64 + 1)).unwrap_or_default() {
            if let Some(broken) = shown_overdue(seen, life, agent, people.get(agent)) {
                return Some(broken);
            }
        }
    }
    let end = seen.lives.last()?.until;
    let overdue = |person: &Person| person.next_threshold().is_some_and(|(due, _)| is_late(seen, due, end));
    let (agent, person) = people.iter().find(|(_, person)| overdue(person))?;
    Some(("T1", format!("at the end {:?} of {agent} is missing", person.next_threshold())))
}

fn is_late(seen: &Evidence, due: Timestamp, at: Timestamp) -> bool {
    at > due && seen.uptime(due, at) > LATE_MAX + seen.troubled(due, at)
}

/// What fell due while the server was down is written before the agent is answered or shown.
fn shown_overdue(seen: &Evidence, life: usize, agent: &AgentId, person: Option<&Person>) -> Option<Broken> {
    let (due, name) = person?.next_threshold()?;
    let from = seen.lives.get(life)?.from;
    (due < from)
        .then(|| ("T1", format!("{agent} was shown, and {name}, due at {due:?} before the start, was not written")))
}
