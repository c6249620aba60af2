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
    let (shown, rows) = (by_number(&seen.first_shown), by_number(&seen.first_row));
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
        let number = at as u64 + 1;
        for (life, agent) in shown.get(&number).into_iter().flatten() {
            let due = people.get(agent).and_then(Person::next_threshold);
            if let Some((due, name)) = due.filter(|(due, _)| is_of_before(seen, *life, *due)) {
                return Some(("T1", format!("run {life} showed {agent} at {number}, {name} was due at {due:?}")));
            }
        }
        for (life, agent) in rows.get(&number).into_iter().flatten() {
            let due = people.get(agent).and_then(Person::overrun_due);
            if let Some(due) = due.filter(|due| is_of_before(seen, *life, *due)) {
                return Some((
                    "T1",
                    format!("run {life} showed {agent} at {number} within a limit over since {due:?}"),
                ));
            }
        }
    }
    let end = seen.lives.last()?.until;
    let overdue = |person: &Person| person.next_threshold().is_some_and(|(due, _)| is_late(seen, due, end));
    let (agent, person) = people.iter().find(|(_, person)| overdue(person))?;
    Some(("T1", format!("at the end {:?} of {agent} is missing", person.next_threshold())))
}

fn by_number(first: &BTreeMap<(usize, AgentId), u64>) -> BTreeMap<u64, Vec<(usize, &AgentId)>> {
    let mut numbers: BTreeMap<u64, Vec<(usize, &AgentId)>> = BTreeMap::new();
    for ((life, agent), number) in first {
        numbers.entry(*number).or_default().push((*life, agent));
    }
    numbers
}

fn is_late(seen: &Evidence, due: Timestamp, at: Timestamp) -> bool {
    at > due && seen.uptime(due, at) > LATE_MAX + seen.troubled(due, at)
}

/// True for what fell due before a run of the server began: that is written before the agent is answered or shown.
fn is_of_before(seen: &Evidence, life: usize, due: Timestamp) -> bool {
    seen.lives.get(life).is_some_and(|life| due < life.from)
}
