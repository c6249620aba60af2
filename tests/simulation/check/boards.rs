//! Boards: all that they showed after each frame was true at the frame's number (V2, V4, C7).

use std::collections::BTreeMap;
use std::sync::Arc;

use intervalo::domain::directory::Directory;
use intervalo::domain::event::TenantEventBody;
use intervalo::domain::id::AgentId;
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::{Evidence, Frame, Row};
use crate::model::{Broken, Person};
use crate::office::team;
use crate::run::BOARDS;

pub(super) fn check(seen: &Evidence) -> Vec<Broken> {
    let mut by_number: BTreeMap<u64, Vec<&Frame>> = BTreeMap::new();
    for frame in &seen.frames {
        by_number.entry(frame.to).or_default().push(frame);
    }
    let mut broken = Vec::new();
    let mut people = People::new();
    let mut directory = None;
    for (at, (entry, _)) in seen.durable.iter().enumerate() {
        let _ = fold(&mut people, entry);
        if let EntryBody::Tenant { event, .. } = &entry.body
            && let TenantEventBody::DirectoryChanged { version, .. } = event.body
        {
            directory = seen.directories.get(&version.0);
        }
        let (Some(frames), Some(directory)) = (by_number.get(&(at as u64 + 1)), directory) else { continue };
        broken.extend(frames.iter().filter_map(|frame| untrue(frame, &people, directory)));
        if broken.len() > 8 {
            break;
        }
    }
    broken
}

/// What boards show once all is quiet: one of the truths, the last of which is the journal's end. A board that
/// may be empty shows at least that it is out of date.
pub(super) fn stale(seen: &Evidence, truths: &[People], may_be_empty: bool) -> Vec<Broken> {
    let Some(directory) = seen.directories.values().rev().find(|sent| is_in_force(seen, sent)) else {
        return vec![("V1", "no directory is in force".to_owned())];
    };
    let mut broken = Vec::new();
    for board in 0..BOARDS {
        let Some(frame) = seen.standing.get(&board) else {
            if !(may_be_empty && seen.told_stale.contains(&board)) {
                broken.push(("V1", format!("board {board} shows nothing")));
            }
            continue;
        };
        let faults: Vec<_> = truths.iter().filter_map(|people| untrue(frame, people, directory)).collect();
        if faults.len() < truths.len() {
            continue;
        }
        let (_, why) = faults.into_iter().next_back().unwrap_or(("V1", String::new()));
        if let Some(changed) = &seen.silent_change
            && let Some(row) = frame.rows.get(changed.as_str())
            && !truths.iter().any(|people| people.get(changed).is_some_and(|person| is_row_of(row, person)))
        {
            broken.push(("V3", format!("board {board} was told nothing and asked nobody: {why}")));
        }
        broken.push(("V1", format!("board {board}: {why}")));
    }
    broken
}

fn is_in_force(seen: &Evidence, directory: &Directory) -> bool {
    seen.durable.iter().any(|(entry, _)| match &entry.body {
        EntryBody::Tenant { event, .. } => {
            matches!(event.body, TenantEventBody::DirectoryChanged { version, .. } if version == directory.version)
        }
        EntryBody::Agent { .. } => false,
    })
}

fn untrue(frame: &Frame, people: &People, directory: &Arc<Directory>) -> Option<Broken> {
    let teams: Vec<_> = frame.teams.iter().map(|number| team(*number)).collect();
    let shown = |agent: &AgentId| {
        let person = &directory.agents[agent];
        person.left_at.is_none() && person.teams.iter().any(|of| teams.contains(of))
    };
    let promise = if frame.first { "V4" } else { "V2" };
    let expected = directory.agents.keys().filter(|agent| shown(agent)).count();
    if frame.rows.len() != expected {
        return Some((promise, format!("at {} it shows {} agents of {expected}", frame.to, frame.rows.len())));
    }
    let nobody = Person::new();
    directory.agents.keys().filter(|agent| shown(agent)).find_map(|agent| {
        let person = people.get(agent).unwrap_or(&nobody);
        let Some(row) = frame.rows.get(agent.as_str()) else {
            return Some((promise, format!("at {} {agent} is missing", frame.to)));
        };
        if is_row_of(row, person) {
            return None;
        }
        let promise = if row.version == person.public().version { "C7" } else { promise };
        Some((promise, format!("at {} {agent} is shown as {row:?}, true was {:?}", frame.to, person.public())))
    })
}

fn is_row_of(row: &Row, person: &Person) -> bool {
    let shown = person.public();
    let same_pause = match (&row.pause, &shown.pause) {
        (None, None) => true,
        (Some(row), Some(pause)) => {
            row.id == pause.id.to_string()
                && row.pause_type == pause.pause_type.as_str()
                && row.started_at == pause.started_at
                && row.limit_at == pause.limit_at
                && row.overrun == pause.overrun
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    same_pause
        && row.version == shown.version
        && row.presence == shown.presence
        && row.line == person.line
        && row.since == shown.since
}
