//! Corrections and annotations: of pauses of the agent that are over and not protected, to an end that can be, by
//! somebody else, each on top of the one before; what follows from the end follows from the corrected one. An agent
//! annotates any pause of their own, others none that is protected (semantics §8). And the record of a pause is what the
//! journal makes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use intervalo::domain::command::Actor;
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause, PauseTerms};
use intervalo::domain::id::{AgentId, PauseId};
use intervalo::domain::record::{PauseCorrected, RecordedPause};
use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;

use crate::evidence::Evidence;
use crate::house::House;
use crate::model::Broken;
use crate::office::tenant;

/// How many annotations a pause may have.
const ANNOTATIONS_MAX: u32 = 20;

/// A pause on record.
struct Pause {
    agent: AgentId,
    terms: Option<PauseTerms>,
    began: Timestamp,
    limit: Option<Duration>,
    overran_at: Option<Timestamp>,
    ended: Option<Ended>,
    /// When the agent's next one began that is not protected.
    next: Option<Timestamp>,
    annotations: u32,
    amended: bool,
}

/// Its end, as last corrected.
#[derive(Clone, Copy)]
struct Ended {
    at: Timestamp,
    cause: Cause,
    misclick: bool,
    estimated: bool,
}

/// All pauses.
#[derive(Default)]
struct Records(BTreeMap<PauseId, Pause>);

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let mut records = Records::default();
    seen.durable.iter().find_map(|(entry, _)| {
        let EntryBody::Agent { agent, event, .. } = &entry.body else { return None };
        let why = records.stands_against(agent, event);
        records.take(agent, event);
        why.map(|why| ("§8", format!("{why}: {entry:?}")))
    })
}

/// What was amended is on record as the journal says (D6).
pub(crate) async fn records(house: &House) {
    let mut records = Records::default();
    for (entry, _) in &house.world.seen().durable {
        if let EntryBody::Agent { agent, event, .. } = &entry.body {
            records.take(agent, event);
        }
    }
    for (id, pause) in records.0.iter().filter(|(_, pause)| pause.amended) {
        let found = house.router.recorded_pause(&tenant(), *id).await;
        let told = |found: &RecordedPause| pause.is_told_by(found);
        if found.as_ref().is_ok_and(|found| !found.as_ref().is_some_and(told)) {
            let why = format!("another pause is on record than the journal says: {found:?}");
            house.world.seen().broken.push(("D6", why));
        }
    }
}

impl Records {
    fn take(&mut self, agent: &AgentId, event: &AgentEvent) {
        if let AgentEventBody::PauseStarted(started) = &event.body {
            if started.terms.is_some() {
                let before = self.0.values_mut().filter(|pause| pause.agent == *agent && pause.next.is_none());
                before.for_each(|pause| pause.next = Some(event.at));
            }
            let (agent, terms) = (agent.clone(), started.terms.clone());
            let limit = terms.as_ref().and_then(|terms| terms.limit);
            let (overran_at, ended, next, annotations, amended) = (None, None, None, 0, false);
            let pause = Pause { agent, terms, began: event.at, limit, overran_at, ended, next, annotations, amended };
            self.0.insert(started.id, pause);
        }
        if let AgentEventBody::PauseExtended { pause, by } = &event.body {
            self.change(*pause, |pause| pause.limit = pause.limit.map(|limit| limit + *by));
        }
        if let AgentEventBody::Overran { pause, .. } = &event.body {
            self.change(*pause, |pause| pause.overran_at = event.due_at.or(Some(event.at)));
        }
        if let AgentEventBody::PauseEnded(ended) = &event.body {
            let (at, cause, misclick) = (event.at, event.cause, ended.misclick);
            let estimated = ended.last_seen_at.is_some();
            self.change(ended.pause, |pause| pause.ended = Some(Ended { at, cause, misclick, estimated }));
        }
        if let AgentEventBody::PauseCorrected(corrected) = &event.body {
            self.change(corrected.pause, |pause| {
                let cause = pause.ended.map_or(event.cause, |ended| ended.cause);
                let (at, misclick, estimated) = (corrected.ended_at, corrected.misclick, false);
                (pause.ended, pause.amended) = (Some(Ended { at, cause, misclick, estimated }), true);
            });
        }
        if let AgentEventBody::PauseAnnotated { pause } = &event.body {
            self.change(*pause, |pause| (pause.annotations, pause.amended) = (pause.annotations + 1, true));
        }
    }

    fn change(&mut self, id: PauseId, with: impl FnOnce(&mut Pause)) {
        if let Some(pause) = self.0.get_mut(&id) {
            with(pause);
        }
    }

    fn stands_against(&self, agent: &AgentId, event: &AgentEvent) -> Option<&'static str> {
        let corrects = if let AgentEventBody::PauseCorrected(corrected) = &event.body { Some(corrected) } else { None };
        let annotated = if let AgentEventBody::PauseAnnotated { pause } = &event.body { Some(*pause) } else { None };
        let id = corrects.map(|corrected| corrected.pause).or(annotated)?;
        let Some(pause) = self.0.get(&id).filter(|pause| pause.agent == *agent) else {
            return Some("there is no such pause of the agent");
        };
        if event.reason.is_none() {
            return Some("nobody says why, or what");
        }
        let of_themselves = event.actor.id() == Some(agent.as_str());
        let Some(corrected) = corrects else {
            let by_agent = matches!(event.actor, Actor::Agent(_));
            return if pause.terms.is_none() && !by_agent {
                Some("somebody else annotated a protected pause")
            } else {
                (pause.annotations >= ANNOTATIONS_MAX).then_some("one annotation more than there may be")
            };
        };
        if of_themselves {
            return Some("nobody corrects a pause of their own");
        }
        pause.stands_against(corrected, event.at)
    }
}

impl Pause {
    fn stands_against(&self, corrected: &PauseCorrected, now: Timestamp) -> Option<&'static str> {
        let (Some(terms), Some(ended)) = (&self.terms, self.ended) else {
            return Some("a correction of a pause that is protected, or runs");
        };
        if corrected.ended_at <= self.began || corrected.ended_at > self.next.map_or(now, |next| next.min(now)) {
            return Some("it cannot have ended then");
        }
        if corrected.ended_at_before != ended.at || corrected.started_at != self.began {
            return Some("corrected is not what was on record");
        }
        if corrected.ended_at == ended.at && !ended.estimated {
            return Some("nothing was corrected");
        }
        let lasted = corrected.ended_at.since(self.began);
        let misclick = ended.cause != Cause::Limit && lasted < terms.refund_under;
        let short = !misclick && terms.min_duration.is_some_and(|min| lasted < min);
        let overrun = self.limit.map(|limit| self.began + limit + terms.grace);
        let overrun = self.overran_at.into_iter().chain(overrun).min().filter(|at| *at <= corrected.ended_at);
        let marks = (corrected.misclick, corrected.short, corrected.overran_at);
        let counts = ended.misclick == corrected.usage.before.is_none()
            && corrected.usage.after == (!misclick).then_some(lasted);
        (marks != (misclick, short, overrun) || !counts).then_some("something else follows from that end")
    }

    fn is_told_by(&self, found: &RecordedPause) -> bool {
        let end = |ended: Ended| (ended.at, ended.cause, ended.misclick, ended.estimated);
        let told = found.ended.map(|ended| (ended.at, ended.cause, ended.misclick, ended.last_seen_at.is_some()));
        found.agent == self.agent
            && found.started_at == self.began
            && found.measures.is_some() == self.terms.is_some()
            && told == self.ended.map(end)
            && found.next_started_at == self.next
            && found.annotations == self.annotations
    }
}
