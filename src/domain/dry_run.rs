//! A dry run: what a policy that is not in force would have made of the starts of recorded days (semantics §5).
//!
//! It is a fold over the tenant's events in their order. Each start is judged by itself, by the evaluator that judged it
//! then (`rules`), on what really was before it: there is no day that might have been, in which one refused start
//! makes room for another. What is not on record, the directory of then above all, is taken as it is by now; so the
//! policy in force is asked the same, and only what the draft says beyond it is its doing.
//!
//! Cost: a state for each agent who ever had an event, which is what a start of the server holds of them, too.

mod report;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};

use super::agent::{Agent, Context, IllegalEvent, Live, as_shown};
use super::command::{Actor, Refusal};
use super::directory::{Directory, Person};
use super::event::{AgentEvent, AgentEventBody, LimitedClass, PauseStarted};
use super::findings;
use super::id::{AgentId, PauseId, PauseTypeCode};
use super::occupancy::Reports;
use super::policy::{PauseClass, Policy};
use super::rules::{Question, Verdict, VerdictOutcome, evaluate};
use super::schedule::{local_day, utc_offset_s};
use super::slots::{Slots, Standing};
use super::time::{Timestamp, hours};

pub use report::{Case, Report, Tally};

/// How far a local day may lie from the day of UTC, with room to spare: no zone is further off than this.
const ZONE_OFFSET_MAX: Duration = hours(26);

/// The days of a run, in the zone that each pause recorded at its start; both are included.
pub type Days = RangeInclusive<NaiveDate>;

/// A dry run on its way through the events.
#[derive(Debug, Clone)]
pub struct DryRun {
    directory: Arc<Directory>,
    in_force: Arc<Policy>,
    draft: Arc<Policy>,
    days: Days,
    agents: BTreeMap<AgentId, Agent>,
    /// Kept from the first instant that may be of the days on.
    slots: Option<BothSlots>,
    /// A start whose findings may be next: they tell what was set aside for it.
    held: Option<Held>,
    report: Report,
}

/// What is taken of the caps of both policies.
#[derive(Debug, Clone)]
struct BothSlots {
    in_force: Slots,
    draft: Slots,
}

/// What both policies say of one question.
#[derive(Debug, Clone)]
struct Verdicts {
    in_force: Verdict,
    draft: Verdict,
}

/// A start that was judged.
#[derive(Debug, Clone)]
struct Held {
    agent: AgentId,
    at: Timestamp,
    pause: PauseId,
    case: Case,
    class: LimitedClass,
    /// As it was asked for; none where the directory does not know the agent any more.
    asked: Option<Verdicts>,
    /// The same with an override, where whoever started it may give one.
    overriding: Option<Verdicts>,
    was_overriding: bool,
}

impl DryRun {
    /// A run of `draft` beside the policy in force.
    pub fn new(directory: Arc<Directory>, in_force: Arc<Policy>, draft: Arc<Policy>, days: Days) -> DryRun {
        let (agents, report) = (BTreeMap::new(), Report::default());
        DryRun { directory, in_force, draft, days, agents, slots: None, held: None, report }
    }

    /// True when no event from `at` on can be of the days.
    pub fn is_over_at(&self, at: Timestamp) -> bool {
        self.days.end().succ_opt().is_some_and(|next| at > midnight(next) + ZONE_OFFSET_MAX)
    }

    /// Takes the tenant's next event, where it is one of an agent.
    ///
    /// # Errors
    /// [`IllegalEvent`] when it cannot follow the ones before.
    pub fn on_agent_event(&mut self, id: &AgentId, event: &AgentEvent) -> Result<(), IllegalEvent> {
        self.settle_unless_of_same_decision(id, event);
        if self.slots.is_none() && event.at >= midnight(*self.days.start()).minus(ZONE_OFFSET_MAX) {
            self.slots = Some(self.count_slots());
        }
        if let AgentEventBody::PauseStarted(started) = &event.body {
            self.settle();
            self.held = self.on_start(id, event, started);
        } else if let AgentEventBody::PauseRefused { pause_type, code, count } = &event.body {
            self.on_refusal(id, event, pause_type, code, *count);
        }
        let agent = self.agents.entry(id.clone()).or_insert_with(|| Agent::unseen(id.clone()));
        agent.apply(event)?;
        if let Some(slots) = &mut self.slots {
            let standing = Standing::of(agent);
            slots.in_force.put(id, standing.clone(), &self.directory);
            slots.draft.put(id, standing, &self.directory);
        }
        Ok(())
    }

    /// Takes a start of the server.
    pub fn on_server_started(&mut self, at: Timestamp, grace_until: Timestamp, moved: Duration) {
        self.settle();
        for agent in self.agents.values_mut() {
            agent.on_clock_moved(moved);
            agent.on_server_started(at, grace_until);
        }
        if self.slots.is_some() {
            self.slots = Some(self.count_slots());
        }
    }

    /// Takes an event of the tenant that changes no agent.
    pub fn on_other_event(&mut self) {
        self.settle();
    }

    /// What was found.
    pub fn finish(mut self) -> Report {
        self.settle();
        self.report
    }

    fn count_slots(&self) -> BothSlots {
        let standings = || self.agents.iter().map(|(id, agent)| (id.clone(), Standing::of(agent)));
        let standings: BTreeMap<_, _> = standings().filter(|(_, standing)| *standing != Standing::default()).collect();
        BothSlots {
            in_force: Slots::new(standings.clone(), &self.in_force, &self.directory),
            draft: Slots::new(standings, &self.draft, &self.directory),
        }
    }

    fn on_start(&self, id: &AgentId, event: &AgentEvent, started: &PauseStarted) -> Option<Held> {
        let class = started.terms.as_ref()?.class;
        let code = &started.pause_type;
        if !self.days.contains(&started.place.local_day) || self.is_protected(code) {
            return None;
        }
        let case = Case {
            pause_type: code.clone(),
            team: started.place.team.clone(),
            hour: hour_of(event.at, started.place.utc_offset_s),
        };
        let person = self.directory.agents.get(id);
        let ask = |overriding| Some(self.ask(person?, event, code, None, overriding));
        let superior = matches!(event.actor, Actor::Supervisor(_) | Actor::Admin(_));
        let overriding = if superior { ask(true) } else { None };
        let (agent, at, pause) = (id.clone(), event.at, started.id);
        Some(Held { agent, at, pause, case, class, asked: ask(false), overriding, was_overriding: false })
    }

    fn on_refusal(&mut self, id: &AgentId, event: &AgentEvent, code: &PauseTypeCode, refused_by: &str, count: u32) {
        let count = u64::from(count);
        let Some(person) = self.directory.agents.get(id) else { return };
        let zone = self.directory.zone_of(person);
        if !self.days.contains(&local_day(event.at, zone)) || self.is_protected(code) {
            return;
        }
        let agent = self.agents.get(id);
        // What a protected pause stood against is nobody's business either.
        if refused_by == ALREADY_PAUSED && agent.is_some_and(|agent| agent.pause().is_none()) {
            return;
        }
        self.report.refusals += count;
        // Where the pause that ran was not what stood against it, it was to give way.
        let running = agent.and_then(|agent| agent.pause()).map(|pause| pause.id);
        let replaces = running.filter(|_| refused_by != ALREADY_PAUSED);
        let Verdicts { in_force, draft } = self.ask(person, event, code, replaces, false);
        let case = Case {
            pause_type: code.clone(),
            team: person.primary_team().cloned(),
            hour: hour_of(event.at, utc_offset_s(event.at, zone)),
        };
        match (in_force.outcome, draft.outcome) {
            (VerdictOutcome::Refused, VerdictOutcome::Refused) => {}
            (VerdictOutcome::Refused, _) => self.report.let_through.add(&case, refused_by, count),
            (_, _) => self.report.unclear += count,
        }
    }

    /// Protected pauses are none of anybody's business, whichever policy says that they are.
    fn is_protected(&self, code: &PauseTypeCode) -> bool {
        [&self.in_force, &self.draft]
            .into_iter()
            .any(|policy| policy.types.get(code).is_some_and(|found| found.kind.class() == PauseClass::Protected))
    }

    /// What both policies say of a start at the instant of an event, to the agent as they were before it.
    fn ask(
        &self,
        person: &Person,
        event: &AgentEvent,
        code: &PauseTypeCode,
        replaces: Option<PauseId>,
        overriding: bool,
    ) -> Verdicts {
        let unseen;
        let before = match self.agents.get(&person.id) {
            Some(agent) => agent,
            None => {
                unseen = Agent::unseen(person.id.clone());
                &unseen
            }
        };
        // A protected pause that runs has no part in it, nor has what waits for the return from one.
        let agent = Agent { pending: None, ..as_shown(before) };
        let waited = agent.deferred.as_ref().is_some_and(|deferred| deferred.pause_type() == Some(code));
        let (none, reports) = (Slots::default(), Reports::default());
        let say = |policy: &Policy, slots: &Slots| {
            let context = Context {
                now: event.at,
                directory: &self.directory,
                person,
                policy,
                slots: slots.counts(),
                counted_available: Standing::of(before).available,
                live: Live::default(),
                reports: &reports,
                recorded: None,
                fresh_id: PauseId(0),
                ready_at: Timestamp(0),
            };
            let actor = &event.actor;
            evaluate(&Question { agent: &agent, context: &context, code, actor, replaces, overriding, waited })
        };
        let slots = self.slots.as_ref();
        Verdicts {
            in_force: say(&self.in_force, slots.map_or(&none, |slots| &slots.in_force)),
            draft: say(&self.draft, slots.map_or(&none, |slots| &slots.draft)),
        }
    }

    /// What was set aside for a start is told right after it. Anything else that happens closes the case.
    fn settle_unless_of_same_decision(&mut self, id: &AgentId, event: &AgentEvent) {
        let Some(held) = self.held.as_mut().filter(|held| held.agent == *id && held.at == event.at) else {
            self.settle();
            return;
        };
        if let AgentEventBody::FindingRecorded { code, pause: Some(pause) } = &event.body {
            // What gives way to what is owed does so without anybody's word.
            let by_right = held.asked.iter().flat_map(|asked| &asked.in_force.waived);
            let is_by_right = by_right.map(|refusal| findings::waived(refusal.code())).any(|waived| waived == *code);
            held.was_overriding |= *pause == held.pause && findings::is_waived(code) && !is_by_right;
        }
    }

    fn settle(&mut self) {
        let Some(held) = self.held.take() else { return };
        self.report.starts += 1;
        let overriding = held.overriding.filter(|_| held.was_overriding);
        let Some(Verdicts { in_force, draft }) = overriding.or(held.asked) else {
            self.report.unclear += 1;
            return;
        };
        if draft.outcome <= in_force.outcome {
            self.report.unclear += u64::from(draft.outcome != VerdictOutcome::Started);
            return;
        }
        let code = draft.code.as_ref().map_or("", Refusal::code);
        let report = &mut self.report;
        match draft.outcome {
            VerdictOutcome::Started => {}
            VerdictOutcome::Queued => report.queued.add(&held.case, code, 1),
            VerdictOutcome::Pending => report.pending.add(&held.case, code, 1),
            VerdictOutcome::Requested => report.requested.add(&held.case, code, 1),
            VerdictOutcome::Refused => {
                report.refused.add(&held.case, code, 1);
                if held.class == LimitedClass::Entitlement {
                    report.entitlements_lost.add(&held.case, code, 1);
                }
            }
        }
    }
}

/// The rule that names the pause that runs.
const ALREADY_PAUSED: &str = "already_paused";

/// Midnight of a day in UTC.
fn midnight(day: NaiveDate) -> Timestamp {
    Timestamp(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

/// The hour of the day, 0 to 23.
fn hour_of(at: Timestamp, utc_offset_s: i32) -> u8 {
    const HOUR_MS: i64 = 3_600_000;
    let local_ms = at.0 + i64::from(utc_offset_s) * 1000;
    u8::try_from(local_ms.div_euclid(HOUR_MS).rem_euclid(24)).unwrap_or(0)
}
