//! The checkers: each holds what was seen against the journal, by way of the reference model.

mod abandoned;
mod boards;
mod corrections;
mod day;
mod early;
mod policies;
mod rights;
mod sessions;
mod shifts;
mod slots;
mod thresholds;
mod usage;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use intervalo::actor::SessionLink;
use intervalo::domain::agent::Agent;
use intervalo::domain::command::{Actor, Command, Outcome, Request};
use intervalo::domain::event::{AgentEventBody, ChosenStatus};
use intervalo::domain::id::{AgentId, Op, SessionId};
use intervalo::domain::presence::AgentView;
use intervalo::ports::{Entry, EntryBody, Journal, ShardSeq};
use intervalo::sync::queue;

use super::evidence::{Evidence, Session};
use super::house::House;
use super::model::{Broken, Person, Shown};
use super::office::{AGENTS, agent, shard, tenant};
use super::run::QUIET;
use super::world::World;

/// Everybody, as the journal has them.
pub(crate) type People = BTreeMap<AgentId, Person>;

/// What is durable at the end is what was durable on the way (D2).
pub(crate) async fn journal(world: &World) -> Vec<Broken> {
    let found = world.disk().read(shard(), ShardSeq(0), 1_000_000).await.expect("the journal can be read");
    let seen = world.seen();
    if found.len() < seen.durable.len() {
        return vec![("D2", format!("{} events were durable, {} are left", seen.durable.len(), found.len()))];
    }
    let changed = seen.durable.iter().zip(&found).find(|((entry, _), stored)| *entry != stored.entry);
    changed.map(|((entry, _), _)| ("D2", format!("what was durable has changed: {entry:?}"))).into_iter().collect()
}

pub(crate) use corrections::records;

/// What the server has taken up is the fold of the journal (D6).
pub(crate) async fn revived(house: &House) {
    let snapshot = house.probe.snapshot(shard()).await;
    let verified = house.world.disk().verify();
    house.look();
    let mut seen = house.world.seen();
    let mut people = People::new();
    for (entry, _) in &seen.durable {
        // What cannot be folded is found by those who look at the events.
        let _ = fold(&mut people, entry);
    }
    if let Err(fault) = verified {
        seen.broken.push(("D6", format!("the journal does not hold: {fault:?}")));
    }
    let Ok(snapshot) = snapshot else { return };
    let broken: Vec<Broken> = snapshot.tenants.iter().filter_map(|tenant| policies::taken_up(&seen, tenant)).collect();
    seen.broken.extend(broken);
    for row in snapshot.tenants.iter().flat_map(|tenant| &tenant.states) {
        let person = people.get(&row.agent).cloned().unwrap_or_else(Person::new);
        if !is_state_of(&row.record.agent, &person) {
            let (agent, stored) = (&row.agent, &row.record.agent);
            seen.broken.push(("D6", format!("{agent} was taken up as {stored:?}, the journal says {person:?}")));
        }
    }
}

fn is_state_of(stored: &Agent, person: &Person) -> bool {
    let (own, public) = (person.own(), person.public());
    let pause = stored.pause().map(|pause| pause.id);
    let protected = stored.protected_pause().map(|pause| pause.id);
    stored.seq.0 == person.seq
        && stored.version.0 == own.version
        && stored.public_version.0 == public.version
        && stored.since == public.since
        && protected.or(pause) == own.pause.as_ref().map(|pause| pause.id)
        && pause == public.pause.as_ref().map(|pause| pause.id)
}

/// Makes one change that a board on all teams can see, whatever state the agents are in.
pub(crate) async fn one_change(house: &House) {
    for number in 0..AGENTS {
        let who = agent(number);
        let (sender, notices) = queue(64);
        let id = SessionId(u64::MAX - number);
        let link = SessionLink { id, notices: sender, answered_at: Arc::default() };
        {
            let from = house.clock.now_true();
            let session = Session { life: house.life, agent: who.clone(), from, until: None };
            house.world.seen().sessions.push(session);
        }
        if house.router.attach(&tenant(), &who, link).await.is_err() {
            continue;
        }
        // The socket stays until the runtime ends.
        std::mem::forget(notices);
        for status in [ChosenStatus::Available, ChosenStatus::Unavailable] {
            let command = Command::SetStatus { status, after_work: false };
            let actor = Actor::Agent(who.clone());
            let request = Request { command, actor, reason: None, op: None, expected_version: None };
            let _ = house.router.execute(&tenant(), &who, request).await;
        }
        house.look();
        let mut seen = house.world.seen();
        seen.silent_change = Some(who);
        return;
    }
}

/// All is quiet: every board shows the end of the journal, and what the bus lost without a sound was
/// found by its heartbeat (V1, V3).
pub(crate) fn quiet(house: &House) {
    let mut seen = house.world.seen();
    let now = house.clock.now_true();
    let mut people = People::new();
    let mut truths = Vec::new();
    for (entry, at) in &seen.durable {
        // What is younger than two seconds may be on its way.
        if now.since(*at) < QUIET {
            truths.push(people.clone());
        }
        let _ = fold(&mut people, entry);
    }
    truths.push(people);
    // A store that is read only until the next start may have kept what was overdue from being written: then nobody
    // may be shown, and boards must say that they are out of date (T1, B4).
    let may_be_empty = house.probe.is_read_only();
    let broken = boards::stale(&seen, &truths, may_be_empty);
    seen.broken.extend(broken);
    if !may_be_empty {
        let (unoffered, forgotten) = (slots::unoffered(&seen, now), work::forgotten(&seen));
        let (untold, unloosened) = (rights::untold(&seen, now), policies::unloosened(&seen, now));
        seen.broken.extend(unoffered.into_iter().chain(forgotten).chain(untold).chain(unloosened));
    }
}

/// Everything that can be told from what was seen.
pub(crate) fn all(seen: &Evidence) -> Vec<Broken> {
    let mut broken = Vec::new();
    broken.extend(numbers(seen));
    broken.extend(events(seen));
    broken.extend(thresholds::check(seen));
    broken.extend(abandoned::check(seen));
    broken.extend(shifts::check(seen));
    broken.extend(usage::check(seen));
    broken.extend(work::check(seen));
    broken.extend(rights::check(seen));
    broken.extend(policies::check(seen));
    broken.extend(corrections::check(seen));
    broken.extend(early::check(seen));
    broken.extend(slots::check(seen));
    broken.extend(acks(seen));
    broken.extend(ops(seen));
    broken.extend(boards::check(seen));
    broken.extend(sessions::check(seen));
    broken
}

/// Numbers are 1, 2, 3 … per tenant and per agent (C3).
fn numbers(seen: &Evidence) -> Option<Broken> {
    let mut agents: BTreeMap<&AgentId, u64> = BTreeMap::new();
    for (at, (entry, _)) in seen.durable.iter().enumerate() {
        if entry.seq.0 != at as u64 + 1 {
            return Some(("C3", format!("{} stands where {} should", entry.seq, at + 1)));
        }
        if let EntryBody::Agent { agent, agent_seq, .. } = &entry.body {
            let last = agents.entry(agent).or_default();
            *last += 1;
            if agent_seq.0 != *last {
                return Some(("C3", format!("event {agent_seq} of {agent} stands where {last} should")));
            }
        }
    }
    None
}

/// Only events that can be follow each other (C1, C2, C4, C5).
fn events(seen: &Evidence) -> Option<Broken> {
    let mut people = People::new();
    seen.durable.iter().find_map(|(entry, _)| {
        let (promise, why) = fold(&mut people, entry).err()?;
        Some((promise, format!("{why}: {entry:?}")))
    })
}

/// Takes an entry.
fn fold(people: &mut People, entry: &Entry) -> Result<(), Broken> {
    match &entry.body {
        EntryBody::Agent { agent, event, .. } => people.entry(agent.clone()).or_insert_with(Person::new).apply(event),
        EntryBody::Tenant { event, .. } => {
            if event.body.name() == "server.started" {
                people.values_mut().for_each(Person::on_server_started);
            }
            Ok(())
        }
    }
}

/// What was acknowledged is in the journal, as it was acknowledged (D2, C7).
fn acks(seen: &Evidence) -> Option<Broken> {
    let mut history: HashMap<AgentId, Vec<Shown>> = HashMap::new();
    let mut begun = HashMap::new();
    let mut people = People::new();
    for (entry, _) in &seen.durable {
        let _ = fold(&mut people, entry);
        if let EntryBody::Agent { agent, event, .. } = &entry.body {
            let person = people.get(agent).expect("folded");
            history.entry(agent.clone()).or_default().push(person.own());
            if let AgentEventBody::PauseStarted(started) = &event.body {
                begun.insert(started.id, agent.clone());
            }
        }
    }
    for ack in &seen.acks {
        let version = ack.own.version.0;
        let stored = match version {
            0 => None,
            _ => match history.get(&ack.agent).and_then(|states| states.get(version as usize - 1)) {
                Some(stored) => Some(stored),
                None => return Some(("D2", format!("acknowledged and gone: {ack:?}"))),
            },
        };
        if let Some(stored) = stored
            && !is_shown(&ack.own, stored)
        {
            return Some(("C7", format!("{} was answered {:?}, the journal says {stored:?}", ack.agent, ack.own)));
        }
        if let Outcome::Started { pause } = ack.outcome
            && begun.get(&pause) != Some(&ack.agent)
        {
            return Some(("D2", format!("acknowledged and gone: {ack:?}")));
        }
    }
    None
}

fn is_shown(view: &AgentView, stored: &Shown) -> bool {
    let pause = view.pause.as_ref().map(|pause| (pause.id, &pause.pause_type, pause.started_at, pause.limit_at));
    let expected = stored.pause.as_ref().map(|pause| (pause.id, &pause.pause_type, pause.started_at, pause.limit_at));
    (view.version.0, view.status.as_str(), view.since, pause) == (stored.version, stored.status, stored.since, expected)
}

/// One op, one effect, one outcome (D3).
fn ops(seen: &Evidence) -> Option<Broken> {
    let mut effects: HashMap<(&Actor, &AgentId, Op), u32> = HashMap::new();
    for (entry, _) in &seen.durable {
        if let EntryBody::Agent { agent, event, .. } = &entry.body
            && let Some(record) = &event.op
        {
            let times = effects.entry((&record.by, agent, record.op)).or_default();
            *times += 1;
            if *times > 1 {
                return Some(("D3", format!("op {} had an effect twice: {entry:?}", record.op)));
            }
        }
    }
    let mut outcomes: HashMap<(&Actor, &AgentId, Op), Outcome> = HashMap::new();
    for ack in &seen.acks {
        let Some(op) = ack.op else { continue };
        let first = outcomes.entry((&ack.by, &ack.agent, op)).or_insert(ack.outcome);
        if *first != ack.outcome {
            return Some(("D3", format!("op {op} led to {first:?}, then to {:?}", ack.outcome)));
        }
    }
    None
}
