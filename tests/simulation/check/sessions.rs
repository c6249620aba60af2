//! No ghosts: who has no socket is disconnected within the grace and a second (C8).

use std::collections::BTreeMap;
use std::time::Duration;

use intervalo::domain::id::AgentId;
use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::{Evidence, Life};
use crate::model::{Broken, Line};
use crate::office::{AGENTS, agent, directory};

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let lines = lines(seen);
    (0..AGENTS).map(agent).find_map(|who| {
        let lines = lines.get(&who).map_or(&[][..], Vec::as_slice);
        seen.lives.iter().enumerate().find_map(|(number, life)| ghost(seen, &who, lines, number, life))
    })
}

/// What became of each agent's connection, and when it was durable.
fn lines(seen: &Evidence) -> BTreeMap<AgentId, Vec<(Timestamp, Line)>> {
    let (mut people, mut lines) = (People::new(), BTreeMap::<AgentId, Vec<(Timestamp, Line)>>::new());
    for (entry, at) in &seen.durable {
        let _ = fold(&mut people, entry);
        match &entry.body {
            EntryBody::Agent { agent, .. } => {
                let person = people.get(agent).expect("folded");
                lines.entry(agent.clone()).or_default().push((*at, person.line));
            }
            EntryBody::Tenant { .. } => {
                for (agent, person) in &people {
                    lines.entry(agent.clone()).or_default().push((*at, person.line));
                }
            }
        }
    }
    lines
}

fn ghost(seen: &Evidence, who: &AgentId, lines: &[(Timestamp, Line)], number: usize, life: &Life) -> Option<Broken> {
    let grace = directory().tenant.connection_grace + Duration::from_secs(1);
    let (opened, _) = life.opened?;
    let mut spans: Vec<(Timestamp, Timestamp)> = seen
        .sessions
        .iter()
        .filter(|session| session.life == number && session.agent == *who)
        .map(|session| (session.from, session.until.unwrap_or(life.until)))
        .collect();
    spans.sort_unstable();
    spans.push((life.until, life.until));
    let mut alone_since = opened;
    for (from, until) in spans {
        let given_up = alone_since + grace + seen.troubled(alone_since, from.max(alone_since));
        if given_up < from {
            let line = lines.iter().take_while(|(at, _)| *at <= given_up).last().map(|(_, line)| *line);
            if !matches!(line, None | Some(Line::Disconnected)) {
                let why = format!("{who} had no socket from {alone_since:?} on, and was {line:?} at {given_up:?}");
                return Some(("C8", why));
            }
        }
        alone_since = alone_since.max(until);
    }
    None
}
