//! The rules of a pause's start, as a table (semantics §4).
//!
//! One evaluator answers preview and commit. A rule is one function and one row of `RULES`; the
//! order of the rows is the order in which a verdict names them.

use std::sync::Arc;

use super::agent::{Agent, Away, Context, Status};
use super::command::{Actor, Refusal};
use super::id::{PauseId, PauseTypeCode};
use super::policy::{PauseClass, PauseType, StartableBy};
use super::schedule::{WindowState, window_state};
use super::time::Timestamp;

/// What would become of a start, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What would happen.
    pub outcome: VerdictOutcome,
    /// The rule that decided, when the outcome is not a plain start.
    pub code: Option<Refusal>,
    /// Every other rule that fails at this instant, in the table's order.
    pub also: Vec<Refusal>,
    /// Until when (outcome, code) stays as it is if nothing happens; none: for good.
    pub next_change_at: Option<Timestamp>,
}

/// What a start leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerdictOutcome {
    /// The pause begins.
    Started,
    /// A rule stands against it.
    Refused,
}

impl VerdictOutcome {
    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictOutcome::Started => "started",
            VerdictOutcome::Refused => "refused",
        }
    }
}

/// One line of an agent's menu.
#[derive(Debug, Clone)]
pub struct PauseOption {
    /// The type.
    pub pause_type: Arc<PauseType>,
    /// What choosing it would lead to.
    pub verdict: Verdict,
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
}

impl<'a> Question<'a> {
    /// The type, where there is one of this code.
    pub fn pause_type(&self) -> Option<&'a Arc<PauseType>> {
        self.context.policy.types.get(self.code)
    }

    fn by_agent(&self) -> bool {
        matches!(self.actor, Actor::Agent(_))
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

/// What one rule says, and until when it says so if nothing happens.
struct Answer {
    refusal: Option<Refusal>,
    changes_at: Option<Timestamp>,
}

impl Answer {
    const PASS: Answer = Answer { refusal: None, changes_at: None };

    /// Refuses when `fails`; only an event can change it.
    fn refuse_if(fails: bool, refusal: Refusal) -> Answer {
        Answer { refusal: fails.then_some(refusal), changes_at: None }
    }
}

/// A rule about a start. Those of a type are asked only when the type exists.
enum Rule {
    /// Asked of every start.
    Any(fn(&Question) -> Answer),
    /// Asked of every type.
    Type(fn(&Question, &PauseType) -> Answer),
    /// Asked of every type that is not protected: a protected one cannot be refused by it.
    NotProtected(fn(&Question, &PauseType) -> Answer),
}

/// The table. A new rule is a row here, a function below and a variant of [`Refusal`].
const RULES: [Rule; 8] = [
    Rule::Any(pauses_disabled),
    Rule::Any(unknown_type),
    Rule::Type(type_disabled),
    Rule::Type(not_offered),
    Rule::Any(agent_offline),
    Rule::NotProtected(already_paused),
    Rule::NotProtected(not_startable_by),
    Rule::NotProtected(outside_window),
];

/// What would become of a start. A pause that is running already needs no leave to go on; one that
/// follows a protected pause must also be right by what waits for the agent's return from it.
pub fn evaluate(question: &Question) -> Verdict {
    if question.agent.running_of_type(question.code).is_some() && !question.is_unattended() {
        return Verdict { outcome: VerdictOutcome::Started, code: None, also: Vec::new(), next_change_at: None };
    }
    let verdict = ask_all(question);
    if verdict.code.is_some() || !question.carries_out_what_waits() {
        return verdict;
    }
    let agent = question.agent.gone_on_from_protected(question.context);
    ask_all(&Question { agent: &agent, ..*question })
}

/// Asks every rule, in order.
fn ask_all(question: &Question) -> Verdict {
    let mut failed: Vec<Refusal> = Vec::new();
    let mut next_change_at: Option<Timestamp> = None;
    for rule in &RULES {
        let answer = ask(rule, question);
        // What comes after the deciding rule cannot change (outcome, code).
        if failed.is_empty() {
            next_change_at = earlier(next_change_at, answer.changes_at);
        }
        failed.extend(answer.refusal);
    }
    let mut failed = failed.into_iter();
    let code = failed.next();
    Verdict {
        outcome: if code.is_none() { VerdictOutcome::Started } else { VerdictOutcome::Refused },
        code,
        also: failed.collect(),
        next_change_at,
    }
}

/// The menu of an agent: every type offered to it, by position and code, each with its verdict.
pub fn options(agent: &Agent, context: &Context) -> Vec<PauseOption> {
    if !context.directory.tenant.pauses_enabled {
        return Vec::new();
    }
    let actor = Actor::Agent(context.person.id.clone());
    let mut menu: Vec<PauseOption> = context
        .policy
        .types
        .values()
        .filter(|pause_type| is_on_menu(pause_type, context))
        .map(|pause_type| {
            let code = &pause_type.code;
            let question = Question { agent, context, code, actor: &actor, replaces: None };
            PauseOption { pause_type: Arc::clone(pause_type), verdict: evaluate(&question) }
        })
        .collect();
    menu.sort_by(|a, b| (a.pause_type.position, &a.pause_type.code).cmp(&(b.pause_type.position, &b.pause_type.code)));
    menu
}

fn is_on_menu(pause_type: &PauseType, context: &Context) -> bool {
    pause_type.enabled && pause_type.archived_at.is_none() && is_offered(pause_type, context)
}

fn ask(rule: &Rule, question: &Question) -> Answer {
    match (rule, question.pause_type()) {
        (Rule::Any(check), _) => check(question),
        (Rule::Type(_) | Rule::NotProtected(_), None) => Answer::PASS,
        (Rule::Type(check), Some(pause_type)) => check(question, pause_type),
        (Rule::NotProtected(check), Some(pause_type)) => match pause_type.kind.class() {
            PauseClass::Protected => Answer::PASS,
            PauseClass::Regular | PauseClass::Entitlement => check(question, pause_type),
        },
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

fn already_paused(question: &Question, _: &PauseType) -> Answer {
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

fn not_startable_by(question: &Question, pause_type: &PauseType) -> Answer {
    let Some(rules) = pause_type.kind.rules() else { return Answer::PASS };
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

fn outside_window(question: &Question, pause_type: &PauseType) -> Answer {
    let Some(rules) = pause_type.kind.rules() else { return Answer::PASS };
    let zone = question.context.directory.zone_of(question.context.person);
    match window_state(&rules.windows, question.context.now, zone) {
        WindowState::Open { until } => Answer { refusal: None, changes_at: until },
        WindowState::Closed { next_from } => {
            Answer { refusal: Some(Refusal::OutsideWindow { next_from }), changes_at: next_from }
        }
    }
}
