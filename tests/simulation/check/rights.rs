//! What is owed, counted anew from the plain list of the agent's pauses: what is on record as at risk is, with how many and
//! until when, and when all is quiet nobody's is that is not on record (semantics §4); each rest says by what it is one of those
//! that are owed. And whoever has a limit of their own has it (semantics §3, overrides).

use std::collections::BTreeMap;

use intervalo::domain::event::{AgentEvent, AgentEventBody};
use intervalo::domain::id::AgentId;
use intervalo::domain::time::{Timestamp, minutes};
use intervalo::ports::EntryBody;

use super::day::{Day, Owed};
use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::{Broken, Person};
use crate::office::{OWN_LIMIT, REST, agent};

/// What is owed to one agent.
#[derive(Default)]
struct Rights {
    day: Day,
    /// How many are on record as at risk, by rule.
    on_record: BTreeMap<String, u32>,
}

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let (mut all, mut people) = (BTreeMap::<AgentId, Rights>::new(), People::new());
    seen.durable.iter().find_map(|(entry, _)| {
        let _ = fold(&mut people, entry);
        let EntryBody::Agent { agent: who, event, .. } = &entry.body else { return None };
        let rights = all.entry(who.clone()).or_default();
        let of_another_right = rights.has_wrong_right(event);
        rights.take(event, people.get(who));
        let wrong = of_another_right || rights.is_wrongly_told(event) || has_wrong_limit(who, event);
        wrong.then(|| ("§4", format!("owed are {:?} by {who}: {entry:?}", rights.day.owed_at(event.at))))
    })
}

/// All is quiet: what is at risk is on record, and nothing else.
pub(super) fn untold(seen: &Evidence, now: Timestamp) -> Option<Broken> {
    let (mut all, mut people) = (BTreeMap::<AgentId, Rights>::new(), People::new());
    for (entry, _) in &seen.durable {
        let _ = fold(&mut people, entry);
        if let EntryBody::Agent { agent, event, .. } = &entry.body {
            all.entry(agent.clone()).or_default().take(event, people.get(agent));
        }
    }
    // What has come to be in the last moment may be on its way.
    let settled = |rights: &Rights| rights.at_risk(now) == rights.at_risk(Timestamp(now.0 - 1_000));
    let at_risk = |who: &AgentId, rights: &Rights| {
        let at_work = people.get(who).is_some_and(is_at_work);
        let owed = rights.at_risk(now).filter(|_| at_work);
        owed.map(|owed| (owed.rule.to_owned(), owed.owed)).into_iter().collect::<BTreeMap<String, u32>>()
    };
    let wrong = all.iter().find(|(who, rights)| settled(rights) && rights.on_record != at_risk(who, rights));
    wrong.map(|(who, rights)| {
        ("§4", format!("{:?} of {who} are on record as at risk, and {:?} are", rights.on_record, at_risk(who, rights)))
    })
}

fn is_at_work(person: &Person) -> bool {
    person.public().status != "offline"
}

fn has_wrong_limit(who: &AgentId, event: &AgentEvent) -> bool {
    let AgentEventBody::PauseStarted(started) = &event.body else { return false };
    let limit = started.terms.as_ref().and_then(|terms| terms.limit);
    // A grant may have given more time.
    let own =
        limit.is_some_and(|limit| (limit.as_secs() - OWN_LIMIT.as_secs().min(limit.as_secs())).is_multiple_of(60));
    started.pause_type.as_str() == "curta" && own != (*who == agent(1))
}

impl Rights {
    fn take(&mut self, event: &AgentEvent, person: Option<&Person>) {
        self.day.take(event);
        if let AgentEventBody::EntitlementAtRisk(risk) = &event.body {
            self.on_record.insert(risk.rule.to_string(), risk.owed);
            self.on_record.retain(|_, owed| *owed > 0);
        }
        if !person.is_some_and(is_at_work) {
            self.on_record.clear();
        }
    }

    /// What is owed at an instant and about to lapse.
    fn at_risk(&self, now: Timestamp) -> Option<Owed> {
        self.day.owed_at(now).filter(|owed| now >= owed.latest.minus(minutes(15)) && now < owed.ends)
    }

    fn is_wrongly_told(&self, event: &AgentEvent) -> bool {
        let AgentEventBody::EntitlementAtRisk(risk) = &event.body else { return false };
        match self.at_risk(event.at).filter(|owed| owed.rule == risk.rule.as_str()) {
            Some(owed) => (risk.owed, risk.latest_start, risk.estimated) != (owed.owed, owed.latest, owed.estimated),
            None => risk.owed != 0,
        }
    }

    fn has_wrong_right(&self, event: &AgentEvent) -> bool {
        let AgentEventBody::PauseStarted(started) = &event.body else { return false };
        let right = started.terms.as_ref().and_then(|terms| terms.right);
        let own = self.day.right_at(event.at).filter(|_| started.pause_type.as_str() == "descanso");
        right.map(|right| (right.min, right.from, right.until)) != own.map(|own| (REST, own.from, own.until))
    }
}
