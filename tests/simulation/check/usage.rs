//! No pause begins against what the agent's pauses have used up, or too early or too late in the agent's shift, unless a
//! supervisor set the rule aside, or the employer owes it; and what is on record as set aside stood against it (semantics
//! §3, §4, §8). Counted anew for every start, from the plain list of the agent's pauses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use intervalo::domain::event::{AgentEventBody, PauseStarted};
use intervalo::domain::id::{AgentId, PauseId};
use intervalo::domain::policy::PauseRules;
use intervalo::domain::request::Waives;
use intervalo::domain::time::Timestamp;
use intervalo::ports::EntryBody;

use super::day::{Day, Taken};
use super::policies::InForce;
use crate::evidence::Evidence;
use crate::model::Broken;

/// The rules that look at what was used up and at the shift, as findings name them.
const RULES: [&str; 5] =
    ["waived_shift_head", "waived_shift_tail", "waived_cooldown", "waived_quota_count", "waived_quota_time"];

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let (set_aside, granted) = (set_aside(seen), granted(seen));
    let (mut in_force, mut days) = (InForce::first(), BTreeMap::<&AgentId, Day>::new());
    seen.durable.iter().find_map(|(entry, _)| {
        in_force.take(entry, seen);
        let EntryBody::Agent { agent, event, .. } = &entry.body else { return None };
        let day = days.entry(agent).or_default();
        let mut broken = None;
        if let AgentEventBody::PauseStarted(started) = &event.body
            && let Some(rules) = in_force.policy.types.get(&started.pause_type).and_then(|found| found.kind.rules())
        {
            let against = against_start(day, started, rules, event.at);
            let none = BTreeSet::new();
            let aside = set_aside.get(&started.id).unwrap_or(&none);
            // A grant sets them aside without a word of its own for each.
            if against != *aside && !granted.contains(&started.id) {
                let why = format!("against the start stood {against:?}, set aside were {aside:?}: {entry:?}");
                broken = Some(("§4", why));
            }
        }
        day.take(event);
        broken
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

fn against_start(day: &Day, started: &PauseStarted, rules: &PauseRules, now: Timestamp) -> BTreeSet<&'static str> {
    let shift = day.shifts.at(now);
    let takes = rules.min_duration.or(rules.limit).unwrap_or_default();
    let too_late = |ends: Timestamp| now >= ends.minus(rules.not_in_last).minus(takes);
    let last = |ended: Option<Timestamp>, cooldown| ended.is_some_and(|ended| now.since(ended) < cooldown);
    let end = |taken: &Taken| taken.end.map(|end| end.at);
    let own = || day.counted().filter(|taken| taken.pause_type == started.pause_type);
    let in_shift = || day.counted_at(now, &started.pause_type, &started.place);
    let spent: Duration = in_shift().map(Taken::time).sum();
    let [head, tail, cooldown, count, time] = RULES;
    let stands = [
        // Also of whoever is there before their shift begins.
        (head, shift.is_some_and(|shift| now < shift.began + rules.not_in_first && !rules.not_in_first.is_zero())),
        (tail, !rules.not_in_last.is_zero() && shift.and_then(|shift| shift.ends).is_some_and(too_late)),
        (
            cooldown,
            last(own().filter_map(end).max(), rules.cooldown)
                || last(day.counted().filter_map(end).max(), rules.cooldown_any),
        ),
        (count, rules.quota_count.is_some_and(|of| in_shift().count() as u32 >= of)),
        (time, rules.quota_time.is_some_and(|of| spent >= of)),
    ];
    stands.into_iter().filter(|(_, stands)| *stands).map(|(rule, _)| rule).collect()
}
