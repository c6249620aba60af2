//! The rules of a pause's start, as a table (semantics §4).
//!
//! One evaluator answers preview and commit. A rule is one function and one row of `RULES`; the
//! order of the rows is the order in which a verdict names them.

use std::borrow::Cow;
use std::sync::Arc;

use super::agent::{Agent, Away, Context, Status};
use super::command::{Actor, Refusal};
use super::entitlement::{Entitled, entitled_to, next_edge, owed_by};
use super::id::{PauseId, PauseTypeCode, RequestId};
use super::line::Line;
use super::policy::{PauseClass, PauseRules, PauseType, StartableBy, WhenOccupied};
use super::request::Grant;
use super::schedule::{SHIFT_ESTIMATE_LASTS, WindowState, business_day, business_day_end, window_state};
use super::slots::SLOTS_FULL;
use super::time::Timestamp;
use super::usage::{Period, Used};

/// What would become of a start, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What would happen.
    pub outcome: VerdictOutcome,
    /// The rule that decided, when the outcome is not a plain start.
    pub code: Option<Refusal>,
    /// Every other rule that fails at this instant, in the table's order.
    pub also: Vec<Refusal>,
    /// The rules that fail and are waived, in the table's order.
    pub waived: Vec<Refusal>,
    /// The grant that sets a rule aside, or gives more time.
    pub grant: Option<RequestId>,
    /// Until when (outcome, code) stays as it is if nothing happens; none: for good.
    pub next_change_at: Option<Timestamp>,
}

impl Verdict {
    /// When the window opens that is to be waited for first.
    pub(super) fn opens_at(&self) -> Option<Timestamp> {
        let refusal = self.outside_window()?;
        if let Refusal::OutsideWindow { next_from } = refusal { *next_from } else { None }
    }

    /// That it is not the time of day for it, where that stands against it, whatever decides.
    pub(super) fn outside_window(&self) -> Option<&Refusal> {
        let mut failing = self.code.iter().chain(&self.also);
        failing.find(|refusal| matches!(refusal, Refusal::OutsideWindow { .. }))
    }
}

/// What a start leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerdictOutcome {
    /// The pause begins.
    Started,
    /// The agent waits in line for a slot.
    Queued,
    /// The pause begins when the work that is under way has ended.
    Pending,
    /// Somebody has to agree first.
    Requested,
    /// A rule stands against it.
    Refused,
}

impl VerdictOutcome {
    /// Every outcome.
    pub const ALL: [VerdictOutcome; 5] = [
        VerdictOutcome::Started,
        VerdictOutcome::Queued,
        VerdictOutcome::Pending,
        VerdictOutcome::Requested,
        VerdictOutcome::Refused,
    ];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictOutcome::Started => "started",
            VerdictOutcome::Queued => "queued",
            VerdictOutcome::Pending => "pending",
            VerdictOutcome::Requested => "requested",
            VerdictOutcome::Refused => "refused",
        }
    }
}

/// A start that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The agent.
    pub agent: &'a Agent,
    /// What the decision may look at.
    pub context: &'a Context<'a>,
    /// The type, as it was asked for.
    pub code: &'a PauseTypeCode,
    /// Who would start it.
    pub actor: &'a Actor,
    /// The running pause that it would replace.
    pub replaces: Option<PauseId>,
    /// True when a supervisor or administrator asks for it against the rules that can be waived.
    pub overriding: bool,
    /// True when it has waited for the end of work: that is over, or its time is up.
    pub waited: bool,
}

impl<'a> Question<'a> {
    /// The type, where there is one of this code.
    pub fn pause_type(&self) -> Option<&'a Arc<PauseType>> {
        self.context.policy.types.get(self.code)
    }

    /// The rules of the type, as they are for this agent now; a protected type has none.
    fn rules(&self) -> Option<Cow<'a, PauseRules>> {
        self.pause_type()?.rules_for(self.context.person, self.context.directory, self.context.now)
    }

    fn by_agent(&self) -> bool {
        matches!(self.actor, Actor::Agent(_))
    }

    /// True when the agent asks, or an integration that acts as they would.
    fn asks(&self) -> bool {
        self.by_agent() || matches!(self.actor, Actor::Integration(_))
    }

    /// What was granted to the agent, who asks, or for whom an integration does.
    fn grant(&self) -> Option<&'a Grant> {
        self.agent.grant_for(self.code, self.context.now).filter(|_| self.asks())
    }

    /// What is owed of the type; none where none of it ever is.
    fn right(&self) -> Option<Entitlement> {
        owed_by(self.pause_type()?).filter(|rules| !rules.is_empty())?;
        let entitled = entitled_to(self.agent, self.context, self.code);
        let owed = entitled.filter(|entitled| entitled.owed() > 0);
        Some(Entitlement {
            lapses_from: owed
                .as_ref()
                .map(Entitled::lapses_from)
                .filter(|at| *at > self.context.now && self.agent.may_be_at_risk()),
            owed: owed.is_some(),
            at_risk: self.agent.is_at_risk(self.code),
            changes_at: next_edge(self.agent, self.context),
        })
    }

    /// True when what can be waived is: an integration acts as the agent would, so its word waives nothing.
    fn waives(&self) -> bool {
        self.overriding && matches!(self.actor, Actor::Supervisor(_) | Actor::Admin(_))
    }

    /// True when the start would carry out what waits for the agent's return first.
    fn carries_out_what_waits(&self) -> bool {
        let protected = self.pause_type().is_some_and(|found| found.kind.class() == PauseClass::Protected);
        self.by_agent() && self.agent.pending.is_some() && !protected
    }

    /// True when an agent asks who has no live session.
    fn is_unattended(&self) -> bool {
        self.by_agent() && !self.agent.is_connected()
    }
}

/// What never stands against a pause that is owed (semantics §4).
const OWED_WAIVES: [&str; 2] = ["shift_head", "shift_tail"];
/// What does not either once it is about to lapse (semantics §4).
const AT_RISK_WAIVES: [&str; 3] = ["cooldown", SLOTS_FULL, "occupied"];

/// What the employer owes of a type that it owes at all.
struct Entitlement {
    /// One at least is owed now.
    owed: bool,
    /// It is on record that it is about to lapse.
    at_risk: bool,
    /// When it will be.
    lapses_from: Option<Timestamp>,
    /// What is owed may be otherwise then, if nothing happens.
    changes_at: Option<Timestamp>,
}

impl Entitlement {
    fn waives(&self, code: &str) -> bool {
        self.owed && (OWED_WAIVES.contains(&code) || (self.at_risk && AT_RISK_WAIVES.contains(&code)))
    }
}

/// What one rule says, and until when it says so if nothing happens.
struct Answer {
    refusal: Option<Refusal>,
    /// What becomes of a start that only this rule stands against.
    instead: VerdictOutcome,
    changes_at: Option<Timestamp>,
}

impl Answer {
    const PASS: Answer = Answer::of(None, None);

    const fn of(refusal: Option<Refusal>, changes_at: Option<Timestamp>) -> Answer {
        Answer { refusal, instead: VerdictOutcome::Refused, changes_at }
    }

    /// Refuses when `fails`; only an event can change it.
    fn refuse_if(fails: bool, refusal: Refusal) -> Answer {
        Answer::of(fails.then_some(refusal), None)
    }

    /// Refuses until `at`.
    fn refuse_until(at: Timestamp, refusal: Refusal) -> Answer {
        Answer::of(Some(refusal), Some(at))
    }
}

/// A rule about a start. Those of a type are asked only when the type exists.
enum Rule {
    /// Asked of every start.
    Any(fn(&Question) -> Answer),
    /// Asked of every type.
    Type(fn(&Question, &PauseType) -> Answer),
    /// Asked of every type that is not protected: a protected one cannot be refused by it.
    NotProtected(fn(&Question, &PauseRules) -> Answer),
    /// The same, and whoever commands with an override waives it (semantics §8): what the time of day and the
    /// agent's other pauses say, never who or what the agent or the type is.
    Waivable(&'static str, fn(&Question, &PauseRules) -> Answer),
}

/// The table. A new rule is a row here, a function below and a variant of [`Refusal`].
const RULES: [Rule; 16] = [
    Rule::Any(pauses_disabled),
    Rule::Any(unknown_type),
    Rule::Type(type_disabled),
    Rule::Type(not_offered),
    Rule::Any(agent_offline),
    Rule::NotProtected(already_paused),
    Rule::NotProtected(not_startable_by),
    Rule::Waivable("outside_window", outside_window),
    Rule::Waivable("shift_head", shift_head),
    Rule::Waivable("shift_tail", shift_tail),
    Rule::Waivable("cooldown", cooldown),
    Rule::Waivable("quota_count", quota_count),
    Rule::Waivable("quota_time", quota_time),
    Rule::Waivable("approval_required", approval_required),
    Rule::Waivable(SLOTS_FULL, slots_full),
    Rule::Waivable("occupied", occupied),
];

/// What would become of a start. A pause that is running already needs no leave to go on; one that
/// follows a protected pause must also be right by what waits for the agent's return from it.
pub fn evaluate(question: &Question) -> Verdict {
    if question.agent.running_of_type(question.code).is_some() && !question.is_unattended() {
        return Verdict {
            outcome: VerdictOutcome::Started,
            code: None,
            also: Vec::new(),
            waived: Vec::new(),
            grant: None,
            next_change_at: None,
        };
    }
    let stands =
        || standing_requested(question).or_else(|| standing_deferred(question)).or_else(|| standing_in_line(question));
    if let Some(verdict) = stands().filter(|_| !question.waives() && !question.waited) {
        return verdict;
    }
    let verdict = ask_all(question);
    if verdict.code.is_some() || !question.carries_out_what_waits() {
        return verdict;
    }
    let agent = question.agent.gone_on_from_protected(question.context);
    let then = ask_all(&Question { agent: &agent, ..*question });
    // A rule that lets it through as things are may stand against it before that changes.
    Verdict { next_change_at: earlier(verdict.next_change_at, then.next_change_at), ..then }
}

/// How many instants at which other rules begin to hold are looked past: a verdict that is the same after so many is asked
/// for again then.
const EDGES_MAX: usize = 16;

/// Asks every rule, and says when the answer is another if nothing happens: where other rules hold from an instant on, or a
/// grant has lapsed, by asking as of then.
fn ask_all(question: &Question) -> Verdict {
    let Asked { mut verdict, mut edge } = ask_once(question);
    for _ in 0..EDGES_MAX {
        let Some(at) = edge.filter(|edge| verdict.next_change_at.is_none_or(|at| *edge < at)) else { return verdict };
        let context = Context { now: at, ..*question.context };
        let then = ask_once(&Question { context: &context, ..*question });
        let code = |verdict: &Verdict| verdict.code.as_ref().map(Refusal::code);
        if then.verdict.outcome != verdict.outcome || code(&then.verdict) != code(&verdict) {
            return Verdict { next_change_at: Some(at), ..verdict };
        }
        (verdict.next_change_at, edge) = (then.verdict.next_change_at, then.edge);
    }
    Verdict { next_change_at: earlier(verdict.next_change_at, edge), ..verdict }
}

/// What the rules say at an instant.
struct Asked {
    /// With when it changes by these rules.
    verdict: Verdict,
    /// When the rules themselves may be others.
    edge: Option<Timestamp>,
}

/// Asks every rule, in order. The first that refuses decides; where none does, the first that has something else become
/// of the start.
fn ask_once(question: &Question) -> Asked {
    let mut failed: Vec<(VerdictOutcome, Refusal)> = Vec::new();
    let (mut refused, mut waived) = (false, Vec::new());
    let grant = question.grant();
    let mut used = grant.is_some_and(|grant| !grant.extra.is_zero());
    let mut next_change_at: Option<Timestamp> = None;
    let pause_type = question.pause_type().map(|found| &**found);
    let (rules, right) = (question.rules(), question.right());
    // Where the rules themselves are others, or what is owed is: whether that changes anything is seen by asking.
    let mut edge = pause_type.and_then(|found| found.next_edge_for(question.context));
    for rule in &RULES {
        let mut answer = ask(rule, question, pause_type, rules.as_deref());
        if question.waives() && matches!(rule, Rule::Waivable(..)) {
            waived.extend(answer.refusal);
            continue;
        }
        if let (Rule::Waivable(code, _), Some(right)) = (rule, &right) {
            // What is waived while something is owed is not for long; what is not may be soon.
            let fails = answer.refusal.is_some();
            if OWED_WAIVES.contains(code) && (fails || answer.changes_at.is_some()) {
                edge = earlier(edge, earlier(right.changes_at, answer.changes_at.take()));
            }
            let gives_way = AT_RISK_WAIVES.contains(code) && fails && right.owed && !right.at_risk;
            if gives_way && !refused {
                next_change_at = earlier(next_change_at, right.lapses_from);
            }
            if right.waives(code) {
                waived.extend(answer.refusal);
                continue;
            }
        }
        if let (Rule::Waivable(code, _), Some(grant)) = (rule, grant)
            && grant.waives.has(code)
        {
            used |= answer.refusal.is_some();
            continue;
        }
        // What comes after the rule that refuses cannot change (outcome, code).
        if !refused {
            next_change_at = earlier(next_change_at, answer.changes_at);
        }
        if let Some(refusal) = answer.refusal {
            refused |= answer.instead == VerdictOutcome::Refused;
            failed.push((answer.instead, refusal));
        }
    }
    let outcome = failed.iter().map(|(outcome, _)| *outcome).max().unwrap_or(VerdictOutcome::Started);
    let decides = failed.iter().position(|(of, _)| *of == outcome);
    let code = decides.map(|place| failed.remove(place).1);
    let also = failed.into_iter().map(|(_, refusal)| refusal).collect();
    let mut verdict = Verdict { outcome, code, also, waived, grant: None, next_change_at };
    if let Some(grant) = grant {
        verdict.grant = used.then_some(grant.id);
        edge = earlier(edge, Some(grant.until));
    }
    // What would change it is overruled by what decides.
    if matches!(outcome, VerdictOutcome::Pending | VerdictOutcome::Requested) {
        edge = earlier(edge, verdict.next_change_at.take());
    }
    Asked { verdict, edge }
}

/// What stands against asking for an exception: what the type is and whom it is for, not the time of day.
pub(super) fn stands_against_asking(code: &PauseTypeCode, context: &Context) -> Option<Refusal> {
    if !context.directory.tenant.pauses_enabled {
        return Some(Refusal::PausesDisabled);
    }
    let Some(pause_type) = context.policy.types.get(code) else { return Some(Refusal::UnknownType) };
    let disabled = !pause_type.enabled || pause_type.archived_at.is_some();
    let foreign = !is_offered(pause_type, context);
    disabled.then_some(Refusal::TypeDisabled).or_else(|| foreign.then_some(Refusal::NotOffered))
}

pub(super) fn is_on_menu(pause_type: &PauseType, context: &Context) -> bool {
    pause_type.enabled && pause_type.archived_at.is_none() && is_offered(pause_type, context)
}

fn ask(rule: &Rule, question: &Question, pause_type: Option<&PauseType>, rules: Option<&PauseRules>) -> Answer {
    match (rule, pause_type, rules) {
        (Rule::Any(check), _, _) => check(question),
        (Rule::Type(check), Some(pause_type), _) => check(question, pause_type),
        (Rule::NotProtected(check) | Rule::Waivable(_, check), _, Some(rules)) => check(question, rules),
        (Rule::Type(_) | Rule::NotProtected(_) | Rule::Waivable(..), _, _) => Answer::PASS,
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn pauses_disabled(question: &Question) -> Answer {
    Answer::refuse_if(!question.context.directory.tenant.pauses_enabled, Refusal::PausesDisabled)
}

fn unknown_type(question: &Question) -> Answer {
    Answer::refuse_if(question.pause_type().is_none(), Refusal::UnknownType)
}

fn type_disabled(_: &Question, pause_type: &PauseType) -> Answer {
    Answer::refuse_if(!pause_type.enabled || pause_type.archived_at.is_some(), Refusal::TypeDisabled)
}

fn not_offered(question: &Question, pause_type: &PauseType) -> Answer {
    Answer::refuse_if(!is_offered(pause_type, question.context), Refusal::NotOffered)
}

fn is_offered(pause_type: &PauseType, context: &Context) -> bool {
    pause_type.teams.as_ref().is_none_or(|teams| context.person.teams.iter().any(|team| teams.contains(team)))
}

fn agent_offline(question: &Question) -> Answer {
    let offline = question.agent.status == Status::Offline;
    Answer::refuse_if(offline || question.is_unattended(), Refusal::AgentOffline)
}

fn already_paused(question: &Question, _: &PauseRules) -> Answer {
    let (running, pause_type) = match &question.agent.status {
        Status::Paused(Away::Pause(pause)) => (pause.id, &pause.pause_type),
        Status::Paused(Away::ProtectedInside { outer, .. }) => (outer.id, &outer.pause_type),
        Status::Paused(Away::Protected(pause)) => (pause.id, &pause.pause_type),
        Status::Offline | Status::Available | Status::Unavailable => return Answer::PASS,
    };
    Answer::refuse_if(
        question.replaces != Some(running),
        Refusal::AlreadyPaused { pause: running, pause_type: pause_type.clone() },
    )
}

fn not_startable_by(question: &Question, rules: &PauseRules) -> Answer {
    let by_agent = question.by_agent();
    match rules.startable_by {
        StartableBy::Both => Answer::PASS,
        StartableBy::Agent => {
            // An integration acts on the agent's behalf, so it may do what the agent may.
            let allowed = by_agent || matches!(question.actor, Actor::Integration(_));
            Answer::refuse_if(!allowed, Refusal::NotStartableBy { startable_by: "agent" })
        }
        StartableBy::Supervisor => Answer::refuse_if(by_agent, Refusal::NotStartableBy { startable_by: "supervisor" }),
    }
}

fn outside_window(question: &Question, rules: &PauseRules) -> Answer {
    let (now, zone) = (question.context.now, question.context.directory.zone_of(question.context.person));
    let next_from = match window_state(&rules.windows, now, zone) {
        WindowState::Open { until } => return Answer::of(None, until),
        WindowState::Closed { next_from } => opens_at(question, next_from),
    };
    let refusal = Some(Refusal::OutsideWindow { next_from });
    let line = question.pause_type().map(|pause_type| Line::of(question, pause_type, rules));
    let joins = next_from.filter(|_| line.is_some_and(|line| line.opens_early()));
    match joins.map(|from| from.minus(rules.queue_opens_before)) {
        Some(joins_at) if joins_at <= now => Answer { refusal, instead: VerdictOutcome::Queued, changes_at: next_from },
        joins_at => Answer::of(refusal, joins_at.or(next_from)),
    }
}

/// When a window opens next that by the rules of now opens at `next_from`: other rules may hold by then.
fn opens_at(question: &Question, mut next_from: Option<Timestamp>) -> Option<Timestamp> {
    let (directory, person) = (question.context.directory, question.context.person);
    let Some(pause_type) = question.pause_type() else { return next_from };
    let mut context = *question.context;
    while let Some(edge) = pause_type.next_edge_for(&context)
        && next_from.is_none_or(|next_from| edge <= next_from)
    {
        context.now = edge;
        let rules = pause_type.rules_for(person, directory, edge)?;
        next_from = match window_state(&rules.windows, edge, directory.zone_of(person)) {
            WindowState::Open { .. } => return Some(edge),
            WindowState::Closed { next_from } => next_from,
        };
    }
    next_from
}

fn shift_head(question: &Question, rules: &PauseRules) -> Answer {
    if rules.not_in_first.is_zero() {
        return Answer::PASS;
    }
    let (agent, now) = (question.agent, question.context.now);
    let from = |at| agent.shift_at(at).map(|shift| shift.started_at + rules.not_in_first.min(SHIFT_ESTIMATE_LASTS));
    let refused_until = |at| from(at).filter(|from| at < *from);
    let changes_at = changes_in_shifts_at(agent, now, from, |at| refused_until(at).is_some());
    Answer::of(refused_until(now).map(|from| Refusal::ShiftHead { from }), changes_at)
}

/// The whole pause must be over before the last part of the shift begins: as long as it has to be, else as long as it may
/// be. Of a shift without a known end, or that is over, there is no last part.
fn shift_tail(question: &Question, rules: &PauseRules) -> Answer {
    if rules.not_in_last.is_zero() {
        return Answer::PASS;
    }
    let (agent, now) = (question.agent, question.context.now);
    let takes = rules.min_duration.or(rules.limit).unwrap_or_default();
    let until = |at| {
        let ends_at = agent.shift_at(at)?.ends_at.filter(|ends_at| at < *ends_at)?;
        Some(ends_at.minus(rules.not_in_last).minus(takes))
    };
    let refused_from = |at| until(at).filter(|until| at >= *until);
    let changes_at = changes_in_shifts_at(agent, now, until, |at| refused_from(at).is_some());
    Answer::of(refused_from(now).map(|until| Refusal::ShiftTail { until }), changes_at)
}

/// When a rule about the shift says something else if nothing happens: at a bound of its own within a shift, or where the
/// shift is another one.
fn changes_in_shifts_at(
    agent: &Agent,
    now: Timestamp,
    bound: impl Fn(Timestamp) -> Option<Timestamp>,
    refuses: impl Fn(Timestamp) -> bool,
) -> Option<Timestamp> {
    let (says, mut at) = (refuses(now), now);
    loop {
        let edge = agent.next_edge_of_shifts(at);
        let within = bound(at).filter(|bound| *bound > at && edge.is_none_or(|edge| *bound < edge));
        if let Some(changes_at) = within.into_iter().chain(edge).find(|at| refuses(*at) != says) {
            return Some(changes_at);
        }
        at = edge?;
    }
}

/// A pause that would be replaced ends now, unless it is a misclick: then it is as if it had not been, until it is one
/// no more.
fn cooldown(question: &Question, rules: &PauseRules) -> Answer {
    let (now, usage) = (question.context.now, &question.agent.usage);
    let replaced = question.agent.pause().filter(|pause| question.replaces == Some(pause.id));
    let counts_from =
        replaced.filter(|_| !rules.cooldown_any.is_zero()).map(|pause| pause.started_at + pause.terms.refund_under);
    let last = if counts_from.is_some_and(|at| at <= now) { Some(now) } else { usage.last() };
    let own = usage.last_of(question.code).map(|last| last + rules.cooldown);
    let from = own.max(last.map(|last| last + rules.cooldown_any)).filter(|from| *from > now);
    let refusal = from.map(|from| Refusal::Cooldown { from });
    let changes_at = match (from, counts_from) {
        // The end of what runs moves on with the time.
        (Some(from), Some(counts_from)) if counts_from <= from => None,
        (from, counts_from) => from.or(counts_from),
    };
    Answer::of(refusal, changes_at)
}

fn quota_count(question: &Question, rules: &PauseRules) -> Answer {
    let Some(of) = rules.quota_count else { return Answer::PASS };
    let used = used_in_period(question).count;
    if used < of {
        return Answer::PASS;
    }
    let resets_at = period_ends_at(question.agent, question.context);
    Answer::refuse_until(resets_at, Refusal::QuotaCount { used, of, resets_at })
}

fn quota_time(question: &Question, rules: &PauseRules) -> Answer {
    let Some(of) = rules.quota_time else { return Answer::PASS };
    let used = used_in_period(question).time;
    if used < of {
        return Answer::PASS;
    }
    let resets_at = period_ends_at(question.agent, question.context);
    Answer::refuse_until(resets_at, Refusal::QuotaTime { used, of, resets_at })
}

fn used_in_period(question: &Question) -> Used {
    let period = period_at(question.agent, question.context, question.context.now);
    question.agent.usage.of(question.code, period)
}

/// Whoever commands the agent has agreed by it; and to whoever waits already somebody has. The grant that was given for it
/// is spent on it all the same, as long as it is there.
fn approval_required(question: &Question, rules: &PauseRules) -> Answer {
    let waits = question.agent.queue.as_ref().is_some_and(|waiting| waiting.pause_type == *question.code);
    let granted = question.grant().is_some_and(|grant| grant.waives.has(Refusal::ApprovalRequired.code()));
    if rules.approval.is_none() || !question.asks() || ((waits || question.waited) && !granted) {
        return Answer::PASS;
    }
    Answer { refusal: Some(Refusal::ApprovalRequired), instead: VerdictOutcome::Requested, changes_at: None }
}

/// The first of the agent's teams that is full, or where others wait for what is free. Whoever has an offer needs no
/// other slot than the one that is kept for them.
fn slots_full(question: &Question, rules: &PauseRules) -> Answer {
    let Some(pause_type) = question.pause_type() else { return Answer::PASS };
    let line = Line::of(question, pause_type, rules);
    let Some((team, room)) = line.full_team() else { return Answer::PASS };
    let instead = if line.can_be_joined() { VerdictOutcome::Queued } else { VerdictOutcome::Refused };
    Answer { refusal: Some(line.refusal(team, room)), instead, changes_at: None }
}

/// Work that has to end first. What nobody knows stands in nobody's way, nor does what was waited for long enough; that what
/// is owed has not waited so long is to be told.
fn occupied(question: &Question, rules: &PauseRules) -> Answer {
    let waited = question.waited && !question.agent.is_at_risk(question.code);
    if !question.agent.is_occupied() || waited {
        return Answer::PASS;
    }
    match rules.when_occupied {
        WhenOccupied::Immediate => Answer::PASS,
        WhenOccupied::Refuse => Answer::of(Some(Refusal::Occupied), None),
        WhenOccupied::Defer => {
            Answer { refusal: Some(Refusal::Occupied), instead: VerdictOutcome::Pending, changes_at: None }
        }
    }
}

/// What an agent is told who has asked for approval already; none while they have not.
fn standing_requested(question: &Question) -> Option<Verdict> {
    let request = question.agent.open_request().filter(|request| request.is_of_start() && question.asks())?;
    let is_it = request.pause_type == *question.code && !question.is_unattended();
    is_it.then(|| Verdict {
        outcome: VerdictOutcome::Requested,
        code: Some(Refusal::ApprovalRequired),
        also: Vec::new(),
        waived: Vec::new(),
        grant: None,
        next_change_at: None,
    })
}

/// What an agent is told whose pause of this type waits for the end of work already; none while it does not.
fn standing_deferred(question: &Question) -> Option<Verdict> {
    let deferred = question.agent.deferred.as_deref().filter(|_| !question.agent.is_at_risk(question.code))?;
    let is_it = deferred.pause_type() == Some(question.code) && !question.is_unattended();
    is_it.then(|| Verdict {
        outcome: VerdictOutcome::Pending,
        code: Some(Refusal::Occupied),
        also: Vec::new(),
        waived: Vec::new(),
        grant: None,
        next_change_at: None,
    })
}

/// What a waiting agent is told of the line that they stand in; none while they do not wait for this type without an
/// offer, and for whoever need not wait.
fn standing_in_line(question: &Question) -> Option<Verdict> {
    let waiting = question.agent.queue.as_deref().filter(|waiting| waiting.pause_type == *question.code)?;
    if waiting.offer.is_some() || question.is_unattended() || question.agent.is_at_risk(question.code) {
        return None;
    }
    if let Some(opens_at) = waiting.opens_at.filter(|opens_at| *opens_at > question.context.now) {
        let code = Some(Refusal::OutsideWindow { next_from: Some(opens_at) });
        // A grant, or a version that has moved the window, lets the agent begin now.
        let asked_now = ask_once(question).verdict;
        let may_begin = matches!(asked_now.outcome, VerdictOutcome::Started | VerdictOutcome::Pending);
        if may_begin && asked_now.opens_at().is_none() {
            return None;
        }
        let (also, waived, next_change_at) = (Vec::new(), Vec::new(), Some(opens_at));
        return Some(Verdict { outcome: VerdictOutcome::Queued, code, also, waived, grant: None, next_change_at });
    }
    let pause_type = question.pause_type()?;
    let rules = question.rules()?;
    let line = Line::of(question, pause_type, &rules);
    let code = line.full_team().or_else(|| line.rooms().next()).map(|(team, room)| line.refusal(team, room));
    let (also, waived) = (Vec::new(), Vec::new());
    Some(Verdict { outcome: VerdictOutcome::Queued, code, also, waived, grant: None, next_change_at: None })
}

/// What a pause that begins at an instant is counted in.
pub(super) fn period_at(agent: &Agent, context: &Context, at: Timestamp) -> Period {
    agent.shift_at(at).map_or_else(
        || {
            let zone = context.directory.zone_of(context.person);
            Period::BusinessDay(business_day(at, context.directory.tenant.business_day_start, zone))
        },
        |shift| Period::Shift(shift.started_at),
    )
}

/// When the period of now ends if nobody signs in before.
fn period_ends_at(agent: &Agent, context: &Context) -> Timestamp {
    let (period, mut at) = (period_at(agent, context, context.now), context.now);
    loop {
        let day_ends_at = match period {
            Period::Shift(_) => None,
            Period::BusinessDay(day) => {
                let zone = context.directory.zone_of(context.person);
                Some(business_day_end(day, context.directory.tenant.business_day_start, zone)).filter(|end| *end > at)
            }
        };
        match earlier(agent.next_edge_of_shifts(at), day_ends_at) {
            Some(next) if period_at(agent, context, next) == period => at = next,
            next => return next.unwrap_or(at),
        }
    }
}
