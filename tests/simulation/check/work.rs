//! Nobody begins a pause in the middle of work that has to end first, unless they waited for too long or a supervisor set
//! it aside; and when all is quiet nothing waits for the end of work that has ended (semantics §4).

use std::collections::BTreeSet;

use intervalo::domain::command::Actor;
use intervalo::domain::event::AgentEventBody;
use intervalo::domain::id::PauseId;
use intervalo::domain::policy::WhenOccupied;
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::{Broken, Person};
use crate::office;

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let policy = office::policy();
    let set_aside = set_aside(seen);
    let mut people = People::new();
    seen.durable.iter().find_map(|(entry, _)| {
        let mut broken = None;
        if let EntryBody::Agent { agent, event, .. } = &entry.body
            && let AgentEventBody::PauseStarted(started) = &event.body
            && let Some(rules) = policy.types.get(&started.pause_type).and_then(|found| found.kind.rules())
        {
            let person = people.get(agent).cloned().unwrap_or_else(Person::new);
            let waited = person.has_waited_enough(&started.pause_type, event.at);
            let stands = person.work.blocks && rules.when_occupied != WhenOccupied::Immediate && !waited;
            // Whoever would lose what they are owed waits no longer, and it is on record; so is what a supervisor began while
            // somebody who had waited long enough was still waiting.
            let aside = set_aside.contains(&started.id);
            let by_another = matches!(event.actor, Actor::Supervisor(_));
            let past_waiting =
                waited && person.work.blocks && (by_another || started.pause_type.as_str() == "descanso");
            let nothing = aside && !(stands || past_waiting);
            broken = ((stands && !aside) || nothing).then(|| ("§4", format!("in the middle of work: {entry:?}")));
        }
        // What cannot be folded is found elsewhere.
        let _ = fold(&mut people, entry);
        broken
    })
}

/// All is quiet: nothing waits for the end of work that has ended.
pub(super) fn forgotten(seen: &Evidence) -> Option<Broken> {
    let mut people = People::new();
    for (entry, _) in &seen.durable {
        let _ = fold(&mut people, entry);
    }
    let left = people.iter().find(|(_, person)| person.should_go_on());
    left.map(|(agent, person)| ("§4", format!("{agent} still waits for the end of work that has ended: {person:?}")))
}

fn set_aside(seen: &Evidence) -> BTreeSet<PauseId> {
    let of_work = seen.durable.iter().filter_map(|(entry, _)| {
        let EntryBody::Agent { event, .. } = &entry.body else { return None };
        let AgentEventBody::FindingRecorded { code, pause } = &event.body else { return None };
        pause.filter(|_| code == "waived_occupied")
    });
    of_work.collect()
}
