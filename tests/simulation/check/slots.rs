//! Slots and lines, counted anew from the journal for every start and every offer (C6): no pause begins where its caps
//! leave no room, unless a supervisor set them aside; nobody passes by who waits; offers are made in turn; and when all
//! is quiet nobody whose turn it is waits for an offer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use intervalo::domain::directory::Directory;
use intervalo::domain::event::{AgentEvent, AgentEventBody, PauseStarted, TenantEventBody};
use intervalo::domain::id::{AgentId, PauseId, PauseTypeCode, TeamId};
use intervalo::domain::policy::{Cap, PauseRules, Policy};
use intervalo::domain::time::Timestamp;
use intervalo::ports::{Entry, EntryBody};

use super::{People, fold};
use crate::evidence::Evidence;
use crate::model::{Broken, Line, Person};
use crate::office;

pub(super) fn check(seen: &Evidence) -> Option<Broken> {
    let set_aside = set_aside(seen);
    let mut ledger = Ledger::new();
    seen.durable.iter().find_map(|(entry, _)| {
        let broken = ledger.is_broken_by(entry, &set_aside);
        ledger.take(entry, seen);
        broken.map(|why| ("C6", format!("{why}: {entry:?}")))
    })
}

/// All is quiet: whoever's turn it is has an offer.
pub(super) fn unoffered(seen: &Evidence, now: Timestamp) -> Option<Broken> {
    let mut ledger = Ledger::new();
    seen.durable.iter().for_each(|(entry, _)| ledger.take(entry, seen));
    let turns: Vec<AgentId> = ledger.policy.types.keys().flat_map(|code| ledger.turns(code, now)).collect();
    (!turns.is_empty()).then(|| ("C6", format!("it is the turn of {turns:?}, and they have no offer")))
}

/// The pauses whose caps are on record as set aside.
fn set_aside(seen: &Evidence) -> BTreeSet<PauseId> {
    let of_caps = |(entry, _): &(Entry, Timestamp)| {
        let EntryBody::Agent { event, .. } = &entry.body else { return None };
        let AgentEventBody::FindingRecorded { code, pause } = &event.body else { return None };
        pause.filter(|_| code == "waived_slots_full")
    };
    seen.durable.iter().filter_map(of_caps).collect()
}

struct Waiter {
    pause_type: PauseTypeCode,
    teams: Vec<TeamId>,
    place: (Timestamp, u32),
    opens_at: Option<Timestamp>,
    offered: bool,
}

impl Waiter {
    fn waits_at(&self, now: Timestamp) -> bool {
        !self.offered && self.opens_at.is_none_or(|opens_at| opens_at <= now)
    }
}

/// Everybody as far as slots go, and what the administrator says.
struct Ledger {
    policy: Policy,
    directory: Arc<Directory>,
    people: People,
    on: BTreeMap<AgentId, (PauseTypeCode, Vec<TeamId>)>,
    waiting: BTreeMap<AgentId, Waiter>,
    at_risk: BTreeSet<AgentId>,
}

impl Ledger {
    fn new() -> Ledger {
        Ledger {
            policy: office::policy(),
            directory: Arc::new(office::directory()),
            people: People::new(),
            on: BTreeMap::new(),
            waiting: BTreeMap::new(),
            at_risk: BTreeSet::new(),
        }
    }

    fn take(&mut self, entry: &Entry, seen: &Evidence) {
        if let EntryBody::Tenant { event, .. } = &entry.body
            && let TenantEventBody::DirectoryChanged { version, .. } = event.body
            && let Some(sent) = seen.directories.get(&version.0)
        {
            self.directory = Arc::clone(sent);
        }
        // What cannot be folded is found elsewhere.
        let _ = fold(&mut self.people, entry);
        if let EntryBody::Agent { agent, event, .. } = &entry.body {
            self.take_event(agent, event);
        }
    }

    fn take_event(&mut self, agent: &AgentId, event: &AgentEvent) {
        let teams = self.directory.agents.get(agent).map(|person| person.teams.clone()).unwrap_or_default();
        if let AgentEventBody::PauseStarted(started) = &event.body
            && started.terms.is_some()
        {
            self.on.insert(agent.clone(), (started.pause_type.clone(), teams.clone()));
            if self.waiting.get(agent).is_some_and(|waiter| waiter.pause_type == started.pause_type) {
                self.waiting.remove(agent);
            }
        }
        if let AgentEventBody::Queued(queued) = &event.body {
            let (pause_type, place, opens_at) = (queued.pause_type.clone(), (event.at, 0), queued.opens_at);
            self.waiting.insert(agent.clone(), Waiter { pause_type, teams, place, opens_at, offered: false });
        }
        if let AgentEventBody::OfferExpired { place: Some(place), .. } = &event.body
            && let Some(waiter) = self.waiting.get_mut(agent)
        {
            waiter.place = (place.asked_at, place.behind);
        }
        match event.body.name() {
            "pause.offered" => self.set_offered(agent, true),
            "pause.offer_expired" | "agent.connection_lost" => self.set_offered(agent, false),
            _ => {}
        }
        if matches!(event.body, AgentEventBody::LeftQueue { .. } | AgentEventBody::OfferExpired { place: None, .. }) {
            self.waiting.remove(agent);
        }
        if self.people.get(agent).is_none_or(|person| person.pause.is_none()) {
            self.on.remove(agent);
        }
        if let AgentEventBody::EntitlementAtRisk(risk) = &event.body
            && risk.owed > 0
        {
            self.at_risk.insert(agent.clone());
        } else if matches!(event.body, AgentEventBody::EntitlementAtRisk(_))
            || self.people.get(agent).is_none_or(|person| person.public().status == "offline")
        {
            self.at_risk.remove(agent);
        }
    }

    fn set_offered(&mut self, agent: &AgentId, offered: bool) {
        self.waiting.get_mut(agent).into_iter().for_each(|waiter| waiter.offered = offered);
    }

    fn is_broken_by(&self, entry: &Entry, set_aside: &BTreeSet<PauseId>) -> Option<&'static str> {
        let EntryBody::Agent { agent, event, .. } = &entry.body else { return None };
        if let AgentEventBody::PauseStarted(started) = &event.body
            && started.terms.is_some()
        {
            return match (self.stands_against(agent, started, event.at), set_aside.contains(&started.id)) {
                (Some(why), false) => Some(why),
                (None, true) => Some("caps were set aside that left room"),
                (Some(_), true) | (None, false) => None,
            };
        }
        let waiter = self.waiting.get(agent)?;
        if let AgentEventBody::Offered { .. } = &event.body {
            let in_turn = self.turns(&waiter.pause_type, event.at).contains(agent);
            return (!in_turn).then_some("an offer out of turn");
        }
        let AgentEventBody::OfferExpired { place: Some(place), .. } = &event.body else { return None };
        let line = self.line(&waiter.pause_type);
        let shares = |next: &Waiter| next.teams.iter().any(|team| waiter.teams.contains(team));
        let behind = line.iter().skip_while(|(id, _)| *id != agent).skip(1);
        let next = behind.into_iter().find(|(_, next)| shares(next));
        let expected = next.map_or(waiter.place, |(_, next)| (next.place.0, next.place.1 + 1));
        (expected != (place.asked_at, place.behind)).then_some("another place than the one behind the next")
    }

    fn rules(&self, code: &PauseTypeCode) -> &PauseRules {
        self.policy.types[code].kind.rules().expect("not protected")
    }

    fn stands_against(&self, agent: &AgentId, started: &PauseStarted, now: Timestamp) -> Option<&'static str> {
        let (code, caps) = (&started.pause_type, &self.rules(&started.pause_type).cap);
        let own = self.waiting.get(agent).filter(|waiter| waiter.offered && waiter.pause_type == *code);
        let teams = &self.directory.agents.get(agent)?.teams;
        for (team, cap) in teams.iter().filter_map(|team| Some((team, caps.get(team)?))) {
            if self.room(agent, code, team, *cap) < 1 {
                return Some("no room");
            }
            let waits = |(id, waiter): &(&AgentId, &Waiter)| {
                *id != agent && self.is_ready(id) && waiter.waits_at(now) && waiter.teams.contains(team)
            };
            let kept = own.is_some_and(|waiter| waiter.teams.contains(team));
            if !kept && self.line(code).iter().any(waits) {
                return Some("passed by somebody who waits");
            }
        }
        None
    }

    /// How many more of a team may go, this agent, who is not counted, among them.
    fn room(&self, asker: &AgentId, code: &PauseTypeCode, team: &TeamId, cap: Cap) -> i64 {
        let on_it = self.on.values().filter(|(of, teams)| of == code && teams.contains(team)).count();
        let kept = |(id, waiter): &(&AgentId, &Waiter)| *id != asker && waiter.offered && waiter.teams.contains(team);
        let used = on_it + self.line(code).iter().filter(|waiter| kept(waiter)).count();
        let in_team = |id: &AgentId| self.directory.agents.get(id).is_some_and(|person| person.teams.contains(team));
        let of_team = || self.people.iter().filter(|(id, _)| in_team(id));
        match cap {
            Cap::AtMost(most) => i64::from(most) - used as i64,
            Cap::Percent(percent) => {
                let connected = of_team().filter(|(_, person)| person.line == Line::Connected).count();
                (connected * usize::from(percent) / 100).max(1) as i64 - used as i64
            }
            Cap::KeepAvailable(least) => {
                // Those for whom a slot is kept are as good as gone.
                let goes = |id: &AgentId| self.waiting.get(id).is_some_and(|waiter| waiter.offered);
                let stays = |(id, person): &(&AgentId, &Person)| *id != asker && is_available(person) && !goes(id);
                let others = of_team().filter(stays).count();
                others as i64 + 1 - i64::from(least)
            }
        }
    }

    fn is_ready(&self, agent: &AgentId) -> bool {
        let ready = |person: &Person| person.line == Line::Connected && !person.is_on_protected();
        self.people.get(agent).is_some_and(ready)
    }

    /// About to lose what they are owed: the one type of that kind.
    fn is_at_risk(&self, agent: &AgentId, waiter: &Waiter) -> bool {
        self.at_risk.contains(agent) && waiter.pause_type.as_str() == "descanso"
    }

    /// Those who wait for a type, in order.
    fn line(&self, code: &PauseTypeCode) -> Vec<(&AgentId, &Waiter)> {
        let mut line: Vec<_> = self.waiting.iter().filter(|(_, waiter)| waiter.pause_type == *code).collect();
        line.sort_by_key(|(id, waiter)| (!self.is_at_risk(id, waiter), waiter.place, *id));
        line
    }

    /// Those for whom every team has a slot, the longest waiting first; what the first has who lacks one is kept.
    fn turns(&self, code: &PauseTypeCode, now: Timestamp) -> Vec<AgentId> {
        let Some(rules) = self.policy.types[code].kind.rules() else { return Vec::new() };
        let mut promised: BTreeMap<&TeamId, i64> = BTreeMap::new();
        let (mut turns, mut kept) = (Vec::new(), false);
        for (id, waiter) in self.line(code) {
            if !waiter.waits_at(now) || !self.is_ready(id) {
                continue;
            }
            let has_slot = |team: &&TeamId| {
                let promised = promised.get(*team).copied().unwrap_or(0);
                rules.cap.get(*team).is_none_or(|cap| self.room(id, code, team, *cap) > promised)
            };
            let free: Vec<&TeamId> = waiter.teams.iter().filter(has_slot).collect();
            let all = self.is_at_risk(id, waiter) || free.len() == waiter.teams.len();
            if all || !kept {
                free.into_iter().for_each(|team| *promised.entry(team).or_default() += 1);
            }
            kept |= !all;
            if all {
                turns.push(id.clone());
            }
        }
        turns
    }
}

fn is_available(person: &Person) -> bool {
    person.line == Line::Connected && person.public().status == "available" && person.waits.is_none()
}
