//! Entitlements: the pauses that the employer owes in a shift, which of them were taken, and which are about to lapse
//! (semantics §3, §4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::agent::{Agent, Context};
use super::event::{Right, Shift};
use super::id::{EntitlementRuleId, PauseTypeCode, RiskId};
use super::overrides::RuleField;
use super::policy::{PauseKind, PauseRules, PauseType};
use super::policy_plans::PauseTypes;
use super::rules::is_on_menu;
use super::shift::PlannedShift;
use super::time::{Timestamp, hours, minutes, show_span};
use super::usage::Period;

/// So long before the latest start of what is owed it is at risk: supervisors are told, and what stands against it that can
/// give way does (semantics §4).
pub const LAPSES_WITHIN: Duration = minutes(15);
/// How long a shift is planned to last of which nobody has said so, unless the tenant says otherwise: the usual day of a
/// contact centre in Brazil (NR-17 Annex II, 5.3).
pub const DEFAULT_SHIFT: Duration = hours(6);
/// The most rules of one policy.
pub const ENTITLEMENT_RULES_MAX: usize = 100;
/// The most pauses that one rule may owe in a shift.
pub const ENTITLED_COUNT_MAX: u32 = 24;

/// A pause that is owed in every shift of some length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitlementRule {
    /// Its id, unique in the policy.
    pub id: EntitlementRuleId,
    /// It is owed in shifts that are planned to last longer than this, their unpaid meal not counted.
    pub planned_over: Duration,
    /// And at most so long; none means any length.
    pub planned_up_to: Option<Duration>,
    /// How many pauses are owed.
    pub count: u32,
    /// A shorter one does not count.
    pub min: Duration,
    /// How long after the start of the shift one may begin.
    pub after_start: Duration,
    /// How long before the end of the shift one must be over.
    pub before_end: Duration,
}

impl EntitlementRule {
    fn is_for(&self, planned: Duration) -> bool {
        planned > self.planned_over && self.planned_up_to.is_none_or(|up_to| planned <= up_to)
    }

    /// True when shifts of some length are of both: of one type only one of them may owe a pause.
    pub fn overlaps(&self, other: &EntitlementRule) -> bool {
        let below = |a: &EntitlementRule, b: &EntitlementRule| a.planned_up_to.is_some_and(|to| to <= b.planned_over);
        !below(self, other) && !below(other, self)
    }
}

/// Something that is wrong with one of several rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitRule {
    /// Its place among them.
    pub place: usize,
    /// The field.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// Gives each type what it owes, in place of what it owed before, and tells of every rule that cannot be.
pub fn owe(types: &mut PauseTypes, rules: &[(PauseTypeCode, EntitlementRule)]) -> Vec<UnfitRule> {
    let mut unfit = Vec::new();
    let mut tell = |place, field, problem: String| unfit.push(UnfitRule { place, field, problem });
    let mut owed: BTreeMap<&PauseTypeCode, Vec<EntitlementRule>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (place, (code, rule)) in rules.iter().enumerate() {
        if !ids.insert(&rule.id) {
            tell(place, "id", "stands here again; use each id once".to_owned());
        }
        if rule.planned_up_to.is_some_and(|up_to| up_to <= rule.planned_over) {
            tell(place, "planned_shift_up_to", "must be more than planned_shift_over".to_owned());
        }
        let name = code.as_str();
        match types.get(code).map(|found| &found.kind) {
            None => tell(place, "type", format!("there is no pause type {name:?}; define it first")),
            Some(PauseKind::Regular(_) | PauseKind::Protected) => {
                tell(place, "type", format!("{name:?} is no entitlement; set class = \"entitlement\" for it"));
            }
            Some(PauseKind::Entitlement(found)) => {
                let overridden = found.overrides.iter().filter(|one| one.fields.contains(&RuleField::Limit));
                let limits = found.limit.into_iter().chain(overridden.filter_map(|one| one.values.limit));
                if let Some(limit) = limits.min().filter(|limit| *limit < rule.min) {
                    let whose = if found.limit == Some(limit) { "limit" } else { "limit in an override" };
                    let (min, limit) = (show_span(rule.min), show_span(limit));
                    tell(place, "min", format!("{min} is longer than the {whose} of {name:?}, {limit}"));
                }
            }
        }
        let own = owed.entry(code).or_default();
        if let Some(other) = own.iter().find(|other| other.overlaps(rule)) {
            let other = other.id.as_str();
            tell(place, "planned_shift_over", format!("shifts of some length are those of the rule {other:?} too"));
        }
        own.push(rule.clone());
    }
    for (code, found) in types.iter_mut() {
        let own = owed.remove(code).unwrap_or_default();
        if let PauseKind::Entitlement(rules) = &found.kind
            && rules.owed != own
        {
            let kind = PauseKind::Entitlement(PauseRules { owed: own, ..rules.clone() });
            *found = Arc::new(PauseType { kind, ..PauseType::clone(found) });
        }
    }
    unfit
}

/// What some types owe, in the order of their codes.
pub fn owed_in(types: &PauseTypes) -> impl Iterator<Item = (&PauseTypeCode, &EntitlementRule)> {
    types.values().flat_map(|found| owed_by(found).unwrap_or_default().iter().map(|rule| (&found.code, rule)))
}

/// An entitlement that is about to lapse, as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRisk {
    /// The id of the alert.
    pub id: RiskId,
    /// The rule.
    pub rule: EntitlementRuleId,
    /// The type.
    pub pause_type: PauseTypeCode,
    /// How many are still owed; 0 when it is at risk no more.
    pub owed: u32,
    /// When the next one has to begin, so that all that are owed find room one after another.
    pub latest_start: Timestamp,
    /// Nobody has said how long the shift is.
    pub estimated: bool,
    /// Since when it is at risk.
    pub since: Timestamp,
}

/// What a rule owes an agent in the shift of an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitled<'a> {
    /// The type of pause.
    pub pause_type: &'a PauseTypeCode,
    /// The rule.
    pub rule: &'a EntitlementRule,
    /// When the shift began.
    pub began: Timestamp,
    /// When it ends, if need be as estimated.
    pub ends_at: Timestamp,
    /// Nobody has said how long the shift is.
    pub estimated: bool,
    /// How many were taken in full, in the time for it.
    pub satisfied: u32,
    /// One is being taken.
    pub running: bool,
}

impl Entitled<'_> {
    /// How many are still owed; one that is being taken is not among them.
    pub fn owed(&self) -> u32 {
        self.rule.count.saturating_sub(self.satisfied).saturating_sub(u32::from(self.running))
    }

    /// When the next one has to begin, so that all that are owed find room one after another.
    pub fn latest_start(&self) -> Timestamp {
        self.ends_at.minus(self.rule.before_end).minus(self.rule.min * self.owed())
    }

    /// From when what is owed is at risk.
    pub(super) fn lapses_from(&self) -> Timestamp {
        self.latest_start().minus(LAPSES_WITHIN)
    }

    /// True while some are owed that are about to lapse, or have lapsed in this shift.
    pub fn is_at_risk(&self, now: Timestamp) -> bool {
        self.owed() > 0 && (self.lapses_from()..self.ends_at).contains(&now)
    }

    /// What makes a pause that begins now one of those that are owed.
    fn right(&self) -> Right {
        let until = (!self.estimated).then(|| self.ends_at.minus(self.rule.before_end));
        Right { min: self.rule.min, from: self.began + self.rule.after_start, until }
    }
}

/// What an agent is entitled to in the shift of now, by type.
pub fn entitled<'a>(agent: &'a Agent, context: &'a Context<'a>) -> impl Iterator<Item = Entitled<'a>> {
    let owed = |found: &&Arc<PauseType>| owed_by(found).is_some_and(|rules| !rules.is_empty());
    let mut types = context.policy.types.values().filter(owed).peekable();
    let length = types.peek().and_then(|_| length_of_shift(agent, context));
    types.filter_map(move |found| entitled_in(agent, context, found, length.as_ref()?))
}

/// What an agent is entitled to of one type in the shift of now.
pub fn entitled_to<'a>(agent: &'a Agent, context: &'a Context<'a>, code: &'a PauseTypeCode) -> Option<Entitled<'a>> {
    let found = context.policy.types.get(code)?;
    owed_by(found).filter(|rules| !rules.is_empty())?;
    entitled_in(agent, context, found, &length_of_shift(agent, context)?)
}

/// The rules by which a type is owed; none for one that is no entitlement.
pub fn owed_by(pause_type: &PauseType) -> Option<&[EntitlementRule]> {
    match &pause_type.kind {
        PauseKind::Entitlement(rules) => Some(&rules.owed),
        PauseKind::Regular(_) | PauseKind::Protected => None,
    }
}

fn entitled_in<'a>(agent: &Agent, context: &Context, found: &'a PauseType, length: &Length) -> Option<Entitled<'a>> {
    let rule =
        owed_by(found)?.iter().find(|rule| rule.is_for(length.planned)).filter(|_| is_on_menu(found, context))?;
    // Of a shift that is too short for it nothing is owed.
    let (first, last) = (length.shift.started_at + rule.after_start, length.ends_at.minus(rule.before_end));
    (last.since(first) >= rule.min * rule.count).then_some(())?;
    Some(Entitled {
        pause_type: &found.code,
        rule,
        began: length.shift.started_at,
        ends_at: length.ends_at,
        estimated: length.estimated,
        satisfied: agent.usage.satisfied(&found.code, Period::Shift(length.shift.started_at)),
        running: agent.pause().is_some_and(|pause| pause.pause_type == found.code),
    })
}

/// What makes a pause of a type that begins now one of those that are owed; none where none is.
pub(super) fn right_to(agent: &Agent, context: &Context, code: &PauseTypeCode) -> Option<Right> {
    entitled_to(agent, context, code).map(|entitled| entitled.right())
}

/// The next instant at which what is owed, or whether it is at risk, may be otherwise if nothing happens.
pub(super) fn next_edge(agent: &Agent, context: &Context) -> Option<Timestamp> {
    if !context.policy.types.values().any(|found| owed_by(found).is_some_and(|rules| !rules.is_empty())) {
        return None;
    }
    let own = entitled(agent, context).flat_map(|entitled| {
        let lapses_from = (entitled.owed() > 0).then(|| entitled.lapses_from());
        lapses_from.into_iter().chain([entitled.ends_at])
    });
    own.chain(agent.next_edge_of_shifts(context.now)).filter(|at| *at > context.now).min()
}

/// The shift of an instant, and how long it is planned to last.
struct Length {
    shift: Shift,
    ends_at: Timestamp,
    planned: Duration,
    estimated: bool,
}

fn length_of_shift(agent: &Agent, context: &Context) -> Option<Length> {
    let shift = agent.shift_at(context.now)?;
    let default = context.directory.tenant.default_shift;
    let declared =
        |planned: &&PlannedShift| planned.start() == shift.started_at && Some(planned.end()) == shift.ends_at;
    let meal = agent.plan.shifts().iter().find(declared).map_or(Duration::ZERO, PlannedShift::unpaid_meal);
    let ends_at = shift.ends_at.unwrap_or(shift.started_at + default);
    let planned = ends_at.since(shift.started_at).saturating_sub(meal);
    (context.now < ends_at).then_some(Length { shift, ends_at, planned, estimated: shift.ends_at.is_none() })
}
