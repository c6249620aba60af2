//! Thresholds: never early, never late, and after a stop before anybody is shown anything (T1, T2).

use std::time::Duration;

use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::{Broken, Person};

/// How late a threshold may be, of uptime.
const LATE_MAX: Duration = Duration::from_secs(1);

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let mut people = People::new();
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
        if let Some(broken) = before_it_served(seen, &people, at as u64 + 1) {
            return Some(broken);
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

/// What fell due while the server was down was written before it served.
fn before_it_served(seen: &Evidence, people: &People, head: u64) -> Option<Broken> {
    let opened = |life: &&crate::evidence::Life| life.opened.is_some_and(|(_, at_head)| at_head == head);
    let life = seen.lives.iter().find(opened)?;
    people.iter().find_map(|(agent, person)| {
        let (due, name) = person.next_threshold()?;
        (due < life.from).then(|| ("T1", format!("{name} of {agent} was due at {due:?}, before the server came up")))
    })
}
