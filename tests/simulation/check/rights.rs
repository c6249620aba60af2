//! What is owed, counted anew from the plain list of the agent's pauses: what is on record as at risk is, with how many and
//! until when, and when all is quiet nobody's is that is not on record (semantics §4). And whoever has a limit of their own has it
//! (semantics §3, overrides).

use std::collections::BTreeMap;

use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause};
use intervalo::domain::id::{AgentId, PauseId};
use intervalo::domain::time::{Timestamp, minutes};
use intervalo::ports::EntryBody;

use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::{Broken, Person};
use crate::office::{OWN_LIMIT, REST, REST_FROM, RESTS, SHIFT, agent};

/// A rest.
struct Rest {
    id: PauseId,
    shift: Option<Timestamp>,
    began: Timestamp,
    ended: Option<Timestamp>,
    misclick: bool,
}

/// One agent's shift and rests.
#[derive(Default)]
struct Day {
    shift: Option<Timestamp>,
    rests: Vec<Rest>,
    /// How many are on record as at risk.
    on_record: u32,
}

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let (mut days, mut people) = (BTreeMap::new(), People::new());
    seen.durable.iter().find_map(|(entry, _)| {
        let _ = fold(&mut people, entry);
        let EntryBody::Agent { agent: who, event, .. } = &entry.body else { return None };
        let day: &mut Day = days.entry(who.clone()).or_default();
        day.take(event, people.get(who));
        let wrong = day.is_wrongly_told(event) || has_wrong_limit(who, event);
        wrong.then(|| ("§4", format!("owed are {:?} by {who}: {entry:?}", day.at_risk(event.at))))
    })
}

/// All is quiet: what is at risk is on record, and nothing else.
pub(super) fn untold(seen: &Evidence, now: Timestamp) -> Option<Broken> {
    let (mut days, mut people) = (BTreeMap::<AgentId, Day>::new(), People::new());
    for (entry, _) in &seen.durable {
        let _ = fold(&mut people, entry);
        if let EntryBody::Agent { agent, event, .. } = &entry.body {
            days.entry(agent.clone()).or_default().take(event, people.get(agent));
        }
    }
    // What has come to be in the last moment may be on its way.
    let settled = |day: &Day| day.at_risk(now) == day.at_risk(Timestamp(now.0 - 1_000));
    let owes = |who: &AgentId, day: &Day| {
        let at_work = people.get(who).is_some_and(is_at_work);
        if at_work { day.at_risk(now).map_or(0, |(owed, _)| owed) } else { 0 }
    };
    let wrong = days.iter().find(|(who, day)| settled(day) && day.on_record != owes(who, day));
    wrong.map(|(who, day)| {
        ("§4", format!("{} of {who} are on record as at risk, and {} are", day.on_record, owes(who, day)))
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

impl Day {
    fn take(&mut self, event: &AgentEvent, person: Option<&Person>) {
        match &event.body {
            AgentEventBody::SignedIn { shift, .. } => self.shift = Some(shift.started_at),
            AgentEventBody::PauseStarted(started) if started.pause_type.as_str() == "descanso" => {
                let (id, shift, began) = (started.id, self.shift, event.at);
                self.rests.push(Rest { id, shift, began, ended: None, misclick: false });
            }
            AgentEventBody::PauseEnded(ended) => {
                let by_time = matches!(event.cause, Cause::Limit | Cause::Abandoned);
                for rest in self.rests.iter_mut().filter(|rest| rest.id == ended.pause) {
                    let at = ended.last_seen_at.unwrap_or(event.at);
                    rest.ended = Some(at);
                    // The refund of every type here.
                    rest.misclick = !by_time && event.at.since(rest.began).as_secs() < 30;
                }
            }
            AgentEventBody::EntitlementAtRisk(risk) => self.on_record = risk.owed,
            _ => {}
        }
        if !person.is_some_and(is_at_work) {
            self.on_record = 0;
        }
    }

    /// How many are owed at an instant and about to lapse, and when the next one has to begin.
    fn at_risk(&self, now: Timestamp) -> Option<(u32, Timestamp)> {
        let began = self.shift.filter(|began| now < *began + SHIFT)?;
        let in_shift = || self.rests.iter().filter(|rest| rest.shift == Some(began));
        let whole = |rest: &&Rest| {
            let long = rest.ended.is_some_and(|ended| ended.since(rest.began) >= REST);
            long && !rest.misclick && rest.began >= began + REST_FROM
        };
        let satisfied = in_shift().filter(whole).count();
        let running = self.rests.iter().filter(|rest| rest.ended.is_none()).count();
        let owed = u32::try_from((RESTS as usize).saturating_sub(satisfied + running)).unwrap_or(0);
        let latest = (began + SHIFT).minus(REST_FROM).minus(REST * owed);
        (owed > 0 && now >= latest.minus(minutes(15))).then_some((owed, latest))
    }

    fn is_wrongly_told(&self, event: &AgentEvent) -> bool {
        let AgentEventBody::EntitlementAtRisk(risk) = &event.body else { return false };
        match self.at_risk(event.at) {
            Some(expected) => (risk.owed, risk.latest_start) != expected || !risk.estimated,
            None => risk.owed != 0,
        }
    }
}
