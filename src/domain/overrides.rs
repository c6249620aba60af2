//! Overrides: other rules of a type for one team or one agent, for good or for some days (semantics §3).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::agent::Context;
use super::directory::{Directory, Person};
use super::id::{AgentId, TeamId};
use super::policy::{PauseKind, PauseRules, PauseType};
use super::schedule::{local_day, local_day_bounds};
use super::time::Timestamp;

/// The most overrides of one type.
pub const OVERRIDES_MAX: usize = 200;
/// The longest reason of an override, in characters.
pub const OVERRIDE_REASON_MAX: usize = 500;

/// Other rules of a type for some.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleOverride {
    /// For whom.
    pub whom: OverrideFor,
    /// The rules that are others for them; one at least.
    pub fields: BTreeSet<RuleField>,
    /// What those rules say; of the rest it says nothing.
    pub values: PauseRules,
    /// The first local day that it holds on; none: from the beginning.
    pub from: Option<NaiveDate>,
    /// The last local day that it holds on; none: for good.
    pub until: Option<NaiveDate>,
    /// Why; shown to administrators.
    pub reason: String,
}

/// Whom an override is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverrideFor {
    /// The members of a team.
    Team(TeamId),
    /// One agent.
    Agent(AgentId),
}

/// A rule that can be another for some. A cap is not among them: it is a team's own already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleField {
    /// `paid`
    Paid,
    /// `counts_as_work`
    CountsAsWork,
    /// `min_duration`
    MinDuration,
    /// `on_early_end`
    OnEarlyEnd,
    /// `refund_under`
    RefundUnder,
    /// `limit`
    Limit,
    /// `warn_before`
    WarnBefore,
    /// `grace`
    Grace,
    /// `on_limit`
    OnLimit,
    /// `escalate_after`
    EscalateAfter,
    /// `windows`
    Windows,
    /// `queue_opens_before`
    QueueOpensBefore,
    /// `not_in_first`
    NotInFirst,
    /// `not_in_last`
    NotInLast,
    /// `quota_count`
    QuotaCount,
    /// `quota_time`
    QuotaTime,
    /// `cooldown`
    Cooldown,
    /// `cooldown_any`
    CooldownAny,
    /// `when_full`
    WhenFull,
    /// `approval`
    Approval,
    /// `when_occupied`
    WhenOccupied,
    /// `startable_by`
    StartableBy,
}

impl RuleField {
    /// All, in the order in which they are written.
    pub const ALL: [RuleField; 22] = [
        RuleField::Paid,
        RuleField::CountsAsWork,
        RuleField::MinDuration,
        RuleField::OnEarlyEnd,
        RuleField::RefundUnder,
        RuleField::Limit,
        RuleField::WarnBefore,
        RuleField::Grace,
        RuleField::OnLimit,
        RuleField::EscalateAfter,
        RuleField::Windows,
        RuleField::QueueOpensBefore,
        RuleField::NotInFirst,
        RuleField::NotInLast,
        RuleField::QuotaCount,
        RuleField::QuotaTime,
        RuleField::Cooldown,
        RuleField::CooldownAny,
        RuleField::WhenFull,
        RuleField::Approval,
        RuleField::WhenOccupied,
        RuleField::StartableBy,
    ];

    /// The name that it is written with (semantics §3).
    pub fn name(self) -> &'static str {
        match self {
            RuleField::Paid => "paid",
            RuleField::CountsAsWork => "counts_as_work",
            RuleField::MinDuration => "min_duration",
            RuleField::OnEarlyEnd => "on_early_end",
            RuleField::RefundUnder => "refund_under",
            RuleField::Limit => "limit",
            RuleField::WarnBefore => "warn_before",
            RuleField::Grace => "grace",
            RuleField::OnLimit => "on_limit",
            RuleField::EscalateAfter => "escalate_after",
            RuleField::Windows => "windows",
            RuleField::QueueOpensBefore => "queue_opens_before",
            RuleField::NotInFirst => "not_in_first",
            RuleField::NotInLast => "not_in_last",
            RuleField::QuotaCount => "quota_count",
            RuleField::QuotaTime => "quota_time",
            RuleField::Cooldown => "cooldown",
            RuleField::CooldownAny => "cooldown_any",
            RuleField::WhenFull => "when_full",
            RuleField::Approval => "approval",
            RuleField::WhenOccupied => "when_occupied",
            RuleField::StartableBy => "startable_by",
        }
    }

    /// The rule of a name.
    pub fn of_name(name: &str) -> Option<RuleField> {
        RuleField::ALL.into_iter().find(|field| field.name() == name)
    }

    fn copy(self, from: &PauseRules, to: &mut PauseRules) {
        match self {
            RuleField::Paid => to.paid = from.paid,
            RuleField::CountsAsWork => to.counts_as_work = from.counts_as_work,
            RuleField::MinDuration => to.min_duration = from.min_duration,
            RuleField::OnEarlyEnd => to.on_early_end = from.on_early_end,
            RuleField::RefundUnder => to.refund_under = from.refund_under,
            RuleField::Limit => to.limit = from.limit,
            RuleField::WarnBefore => to.warn_before.clone_from(&from.warn_before),
            RuleField::Grace => to.grace = from.grace,
            RuleField::OnLimit => to.on_limit = from.on_limit,
            RuleField::EscalateAfter => to.escalate_after.clone_from(&from.escalate_after),
            RuleField::Windows => to.windows.clone_from(&from.windows),
            RuleField::QueueOpensBefore => to.queue_opens_before = from.queue_opens_before,
            RuleField::NotInFirst => to.not_in_first = from.not_in_first,
            RuleField::NotInLast => to.not_in_last = from.not_in_last,
            RuleField::QuotaCount => to.quota_count = from.quota_count,
            RuleField::QuotaTime => to.quota_time = from.quota_time,
            RuleField::Cooldown => to.cooldown = from.cooldown,
            RuleField::CooldownAny => to.cooldown_any = from.cooldown_any,
            RuleField::WhenFull => to.when_full = from.when_full,
            RuleField::Approval => to.approval = from.approval,
            RuleField::WhenOccupied => to.when_occupied = from.when_occupied,
            RuleField::StartableBy => to.startable_by = from.startable_by,
        }
    }
}

impl RuleOverride {
    /// Sets the rules that are others.
    pub fn set(&self, rules: &mut PauseRules) {
        self.fields.iter().for_each(|field| field.copy(&self.values, rules));
    }

    fn holds_on(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// The days after `today` with which it begins, or has ceased, to hold.
    fn edges_after(&self, today: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let ceased = self.until.and_then(|day| day.succ_opt());
        self.from.into_iter().chain(ceased).filter(move |day| *day > today)
    }
}

impl PauseRules {
    /// The rules as they are for a person at an instant, in their zone: what is said for the agent comes before what is
    /// said for a team, and of several teams the one that the directory lists first comes first. Of several overrides
    /// for the same, the one written last.
    pub fn for_person(&self, person: &Person, now: Timestamp, zone: Tz) -> Cow<'_, PauseRules> {
        let mut hold: Vec<(usize, &RuleOverride)> = self.overrides_of(person).collect();
        if !hold.is_empty() {
            let day = local_day(now, zone);
            hold.retain(|(_, one)| one.holds_on(day));
        }
        if hold.is_empty() {
            return Cow::Borrowed(self);
        }
        hold.sort_by_key(|(rank, _)| Reverse(*rank));
        let mut rules = self.without_overrides();
        hold.into_iter().for_each(|(_, one)| one.set(&mut rules));
        // Each of them fits the type; together they may not.
        if let (Some(min), Some(limit)) = (rules.min_duration, rules.limit) {
            rules.min_duration = Some(min.min(limit));
        }
        Cow::Owned(rules)
    }

    /// The next instant at which [`PauseRules::for_person`] may say something else.
    pub fn next_edge_for(&self, person: &Person, now: Timestamp, zone: Tz) -> Option<Timestamp> {
        let today = local_day(now, zone);
        let day = self.overrides_of(person).flat_map(|(_, one)| one.edges_after(today)).min()?;
        Some(local_day_bounds(day, zone).0).filter(|at| *at > now)
    }

    /// The same rules for everybody: a copy of the overrides is what none of them needs.
    fn without_overrides(&self) -> PauseRules {
        PauseRules {
            paid: self.paid,
            counts_as_work: self.counts_as_work,
            min_duration: self.min_duration,
            on_early_end: self.on_early_end,
            refund_under: self.refund_under,
            limit: self.limit,
            warn_before: self.warn_before.clone(),
            grace: self.grace,
            on_limit: self.on_limit,
            escalate_after: self.escalate_after.clone(),
            windows: self.windows.clone(),
            queue_opens_before: self.queue_opens_before,
            not_in_first: self.not_in_first,
            not_in_last: self.not_in_last,
            quota_count: self.quota_count,
            quota_time: self.quota_time,
            cooldown: self.cooldown,
            cooldown_any: self.cooldown_any,
            cap: self.cap.clone(),
            when_full: self.when_full,
            approval: self.approval,
            when_occupied: self.when_occupied,
            startable_by: self.startable_by,
            owed: self.owed.clone(),
            overrides: Vec::new(),
        }
    }

    /// Those that may hold for a person, each with how near it is to them; 0 is the agent's own.
    fn overrides_of<'a>(&'a self, person: &'a Person) -> impl Iterator<Item = (usize, &'a RuleOverride)> {
        self.overrides.iter().filter_map(|one| {
            let rank = match &one.whom {
                OverrideFor::Agent(agent) => (*agent == person.id).then_some(0),
                OverrideFor::Team(team) => person.teams.iter().position(|own| own == team).map(|place| place + 1),
            };
            rank.map(|rank| (rank, one))
        })
    }
}

impl PauseType {
    /// The rules as they are for a person at an instant; a protected type has none.
    pub fn rules_for(&self, person: &Person, directory: &Directory, now: Timestamp) -> Option<Cow<'_, PauseRules>> {
        let rules = self.kind.rules()?;
        Some(if rules.overrides.is_empty() {
            Cow::Borrowed(rules)
        } else {
            rules.for_person(person, now, directory.zone_of(person))
        })
    }

    /// The type with its rules as they are for a person at an instant.
    pub fn as_for(self: &Arc<PauseType>, person: &Person, directory: &Directory, now: Timestamp) -> Arc<PauseType> {
        let Some(Cow::Owned(rules)) = self.rules_for(person, directory, now) else { return Arc::clone(self) };
        let kind = match self.kind {
            PauseKind::Regular(_) => PauseKind::Regular(rules),
            PauseKind::Entitlement(_) => PauseKind::Entitlement(rules),
            PauseKind::Protected => PauseKind::Protected,
        };
        Arc::new(PauseType { kind, ..PauseType::clone(self) })
    }

    /// The next instant at which [`PauseType::rules_for`] may say something else.
    pub(super) fn next_edge_for(&self, context: &Context) -> Option<Timestamp> {
        let rules = self.kind.rules().filter(|rules| !rules.overrides.is_empty())?;
        rules.next_edge_for(context.person, context.now, context.directory.zone_of(context.person))
    }
}
