//! No pause begins against what the agent's pauses have used up, unless a supervisor set the rule aside; and what is on
//! record as set aside stood against it (semantics §3, §4, §8). Counted anew for every start, from the plain list of
//! the agent's pauses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause};
use intervalo::domain::id::{AgentId, PauseId, PauseTypeCode};
use intervalo::domain::policy::PauseRules;
use intervalo::domain::request::Waives;
use intervalo::domain::time::{Timestamp, hours};
use intervalo::ports::EntryBody;

use crate::evidence::Evidence;
use crate::model::Broken;
use crate::office;

/// A shift of which nobody knows the end is one no more after this long; no seed runs for as long.
const SHIFT_LASTS: Duration = hours(16);

/// The rules that look at what was used up, as findings name them.
const RULES: [&str; 4] = ["waived_shift_head", "waived_cooldown", "waived_quota_count", "waived_quota_time"];

/// A pause with terms.
struct Taken {
    id: PauseId,
    pause_type: PauseTypeCode,
    refund_under: Duration,
    shift: Option<Timestamp>,
    began: Timestamp,
    ended: Option<Timestamp>,
    misclick: bool,
}

#[derive(Default)]
struct Person {
    shift: Option<Timestamp>,
    taken: Vec<Taken>,
    /// Rules that stood against the last start.
    against: BTreeSet<&'static str>,
}

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let policy = office::policy();
    let (set_aside, granted) = (set_aside(seen), granted(seen));
    let mut people: BTreeMap<&AgentId, Person> = BTreeMap::new();
    seen.durable.iter().find_map(|(entry, _)| {
        let EntryBody::Agent { agent, event, .. } = &entry.body else { return None };
        let person = people.entry(agent).or_default();
        if let AgentEventBody::PauseStarted(started) = &event.body
            && let Some(terms) = &started.terms
        {
            let rules = policy.types.get(&started.pause_type)?.kind.rules()?;
            person.against = person.against_start(&started.pause_type, rules, event.at);
            let none = BTreeSet::new();
            let aside = set_aside.get(&started.id).unwrap_or(&none);
            // A grant sets them aside without a word of its own for each.
            if person.against != *aside && !granted.contains(&started.id) {
                let why = format!("against the start stood {:?}, set aside were {aside:?}: {entry:?}", person.against);
                return Some(("§4", why));
            }
            person.taken.push(Taken {
                id: started.id,
                pause_type: started.pause_type.clone(),
                refund_under: terms.refund_under,
                shift: person.shift,
                began: event.at,
                ended: None,
                misclick: false,
            });
        }
        person.take(event);
        None
    })
}

/// The pauses for which a grant that sets rules aside was used.
pub(super) fn granted(seen: &Evidence) -> BTreeSet<PauseId> {
    let (mut grants, mut granted) = (BTreeSet::new(), BTreeSet::new());
    for (entry, _) in &seen.durable {
        let EntryBody::Agent { event, .. } = &entry.body else { continue };
        if let AgentEventBody::RequestDecided { grant: Some(grant), .. } = &event.body
            && grant.waives == Waives::All
        {
            grants.insert(grant.id);
        }
        if let AgentEventBody::GrantUsed { grant, pause } = &event.body
            && grants.contains(grant)
        {
            granted.insert(*pause);
        }
    }
    granted
}

/// The rules that are on record as set aside, by pause.
fn set_aside(seen: &Evidence) -> BTreeMap<PauseId, BTreeSet<&'static str>> {
    let mut found: BTreeMap<PauseId, BTreeSet<&'static str>> = BTreeMap::new();
    for (entry, _) in &seen.durable {
        if let EntryBody::Agent { event, .. } = &entry.body
            && let AgentEventBody::FindingRecorded { code, pause: Some(pause) } = &event.body
        {
            found.entry(*pause).or_default().extend(RULES.iter().find(|rule| *rule == code));
        }
    }
    found
}

impl Person {
    fn take(&mut self, event: &AgentEvent) {
        if let AgentEventBody::SignedIn { shift, .. } = &event.body {
            self.shift = Some(shift.started_at);
        }
        if let AgentEventBody::PauseEnded(ended) = &event.body {
            let by_time = matches!(event.cause, Cause::Limit | Cause::Abandoned);
            for taken in self.taken.iter_mut().filter(|taken| taken.id == ended.pause) {
                taken.ended = Some(event.at);
                taken.misclick = !by_time && event.at.since(taken.began) < taken.refund_under;
            }
        }
    }

    fn against_start(&self, pause_type: &PauseTypeCode, rules: &PauseRules, now: Timestamp) -> BTreeSet<&'static str> {
        let counted = || self.taken.iter().filter(|taken| !taken.misclick);
        let own = || counted().filter(|taken| taken.pause_type == *pause_type);
        let in_shift = || own().filter(|taken| taken.shift == self.shift);
        let last = |ended: Option<Timestamp>, cooldown| ended.is_some_and(|ended| now.since(ended) < cooldown);
        let spent: Duration = in_shift().filter_map(|taken| Some(taken.ended?.since(taken.began))).sum();
        // Where the sign-in is lost, others find it.
        let shift = self.shift.filter(|shift| now.since(*shift) < SHIFT_LASTS);
        let [head, cooldown, count, time] = RULES;
        let stands = [
            (head, shift.is_some_and(|shift| now.since(shift) < rules.not_in_first)),
            (
                cooldown,
                last(own().filter_map(|taken| taken.ended).max(), rules.cooldown)
                    || last(counted().filter_map(|taken| taken.ended).max(), rules.cooldown_any),
            ),
            (count, rules.quota_count.is_some_and(|of| in_shift().count() as u32 >= of)),
            (time, rules.quota_time.is_some_and(|of| spent >= of)),
        ];
        stands.into_iter().filter(|(_, stands)| *stands).map(|(rule, _)| rule).collect()
    }
}
