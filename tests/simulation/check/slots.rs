//! No pause begins where its caps, counted anew from the journal before it, leave no room, unless a supervisor set them
//! aside (C6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use intervalo::domain::directory::Directory;
use intervalo::domain::event::{AgentEventBody, TenantEventBody};
use intervalo::domain::id::{AgentId, PauseId, PauseTypeCode, TeamId};
use intervalo::domain::policy::Cap;
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::{Broken, Line};
use crate::office;

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let policy = office::policy();
    let set_aside = set_aside(seen);
    let mut directory = Arc::new(office::directory());
    let mut people = People::new();
    // Who is on which type, for which teams.
    let mut on: BTreeMap<AgentId, (PauseTypeCode, Vec<TeamId>)> = BTreeMap::new();
    for (entry, _) in &seen.durable {
        match &entry.body {
            EntryBody::Tenant { event, .. } => {
                if let TenantEventBody::DirectoryChanged { version, .. } = event.body {
                    // The first one is not sent but founded.
                    directory = seen.directories.get(&version.0).map_or(directory, Arc::clone);
                }
            }
            EntryBody::Agent { agent, event, .. } => {
                if let AgentEventBody::PauseStarted(started) = &event.body
                    && started.terms.is_some()
                {
                    let teams = &directory.agents.get(agent)?.teams;
                    let caps = &policy.types.get(&started.pause_type)?.kind.rules()?.cap;
                    let full = teams.iter().find(|team| {
                        let room = |cap: &Cap| room(&people, &on, &directory, agent, &started.pause_type, team, *cap);
                        caps.get(*team).is_some_and(|cap| !room(cap))
                    });
                    if let (Some(team), false) = (full, set_aside.contains(&started.id)) {
                        return Some(("C6", format!("{team} had no room for {entry:?}")));
                    }
                    if let (None, true) = (full, set_aside.contains(&started.id)) {
                        return Some(("C6", format!("a cap was set aside that left room: {entry:?}")));
                    }
                }
                let _ = fold(&mut people, entry);
                match people.get(agent).and_then(|person| person.pause.as_ref()).map(|pause| pause.id) {
                    Some(id) => {
                        if let AgentEventBody::PauseStarted(started) = &event.body
                            && started.id == id
                        {
                            let teams = directory.agents.get(agent)?.teams.clone();
                            on.insert(agent.clone(), (started.pause_type.clone(), teams));
                        }
                    }
                    None => drop(on.remove(agent)),
                }
                continue;
            }
        }
        let _ = fold(&mut people, entry);
    }
    None
}

/// The pauses whose caps are on record as set aside.
fn set_aside(seen: &Evidence) -> BTreeSet<PauseId> {
    let findings = seen.durable.iter().filter_map(|(entry, _)| match &entry.body {
        EntryBody::Agent { event, .. } => Some(&event.body),
        EntryBody::Tenant { .. } => None,
    });
    findings
        .filter_map(|body| match body {
            AgentEventBody::FindingRecorded { code, pause } if code == "waived_slots_full" => *pause,
            _ => None,
        })
        .collect()
}

/// True when one more of a team, this agent, may go.
fn room(
    people: &People,
    on: &BTreeMap<AgentId, (PauseTypeCode, Vec<TeamId>)>,
    directory: &Directory,
    asker: &AgentId,
    pause_type: &PauseTypeCode,
    team: &TeamId,
    cap: Cap,
) -> bool {
    let used = on.values().filter(|(of, teams)| of == pause_type && teams.contains(team)).count();
    let in_team = |id: &AgentId| directory.agents.get(id).is_some_and(|person| person.teams.contains(team));
    let of_team = || people.iter().filter(|(id, _)| in_team(id));
    match cap {
        Cap::AtMost(most) => used < most as usize,
        Cap::Percent(percent) => {
            let connected = of_team().filter(|(_, person)| person.line == Line::Connected).count();
            used < (connected * usize::from(percent) / 100).max(1)
        }
        Cap::KeepAvailable(least) => {
            let is_available = |person: &crate::model::Person| {
                person.line == Line::Connected && person.public().presence == "available"
            };
            let others = of_team().filter(|(id, person)| *id != asker && is_available(person)).count();
            others >= least as usize
        }
    }
}
