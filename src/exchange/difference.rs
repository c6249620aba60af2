//! What an import adds, changes and removes, field by field, as people read it.

use std::collections::BTreeMap;
use std::fmt;

use super::pause_type::{EARLY_ENDS, FULL_ENDS, LIMIT_ENDS, OCCUPIED_ENDS, STARTERS, TIMEOUT_ENDS};
use super::values::show_days;
use crate::config::show_span;
use crate::domain::directory::{Channel, Person, SignInStatus, Team, Tenant};
use crate::domain::entitlement::EntitlementRule;
use crate::domain::id::ChannelCode;
use crate::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use crate::domain::policy::{Approval, Cap, PauseRules, PauseType, Translations};
use crate::domain::policy_words::DEADLINE_ENDS;
use crate::domain::schedule::Window;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The company's own settings.
    Tenant,
    /// A channel.
    Channel,
    /// A team.
    Team,
    /// An agent.
    Agent,
    /// A pause type.
    PauseType,
}

impl Kind {
    /// All kinds, in the order that they are shown.
    pub(crate) const ALL: [Kind; 5] = [Kind::Tenant, Kind::Channel, Kind::Team, Kind::Agent, Kind::PauseType];

    fn noun(self) -> &'static str {
        match self {
            Kind::Tenant => "tenant",
            Kind::Channel => "channel",
            Kind::Team => "team",
            Kind::Agent => "agent",
            Kind::PauseType => "pause type",
        }
    }
}

/// What becomes of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordChange {
    pub kind: Kind,
    pub id: String,
    pub what: What,
}

/// Added, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// It was not there; what people call it.
    Added(String),
    /// Some of its fields are others.
    Changed(Vec<FieldChange>),
    /// It goes; how.
    Removed(&'static str),
}

/// One field before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldChange {
    pub field: &'static str,
    pub before: String,
    pub after: String,
}

/// All that an import does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub changes: Vec<RecordChange>,
}

/// How many records of some kinds are added, changed and removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub added: u32,
    pub changed: u32,
    pub removed: u32,
}

/// A record's fields as text, in a fixed order.
pub(super) type Fields = Vec<(&'static str, String)>;

impl Difference {
    /// True when the import would change nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn added(&mut self, kind: Kind, id: &str, called: &str) {
        self.push(kind, id, What::Added(called.to_owned()));
    }

    pub(super) fn removed(&mut self, kind: Kind, id: &str, how: &'static str) {
        self.push(kind, id, What::Removed(how));
    }

    /// Notes the fields that differ, if any do. A field that only one side has is shown as `none` on the other.
    pub(super) fn changed(&mut self, kind: Kind, id: &str, before: &Fields, after: &Fields) {
        let value = |fields: &Fields, name: &str| {
            fields
                .iter()
                .find(|(field, _)| *field == name)
                .map_or_else(|| "none".to_owned(), |(_, value)| value.clone())
        };
        let mut names: Vec<&'static str> = after.iter().map(|(name, _)| *name).collect();
        names.extend(before.iter().map(|(name, _)| *name).filter(|name| !after.iter().any(|(field, _)| field == name)));
        let changes: Vec<FieldChange> = names
            .into_iter()
            .map(|field| FieldChange { field, before: value(before, field), after: value(after, field) })
            .filter(|change| change.before != change.after)
            .collect();
        if !changes.is_empty() {
            self.push(kind, id, What::Changed(changes));
        }
    }

    fn push(&mut self, kind: Kind, id: &str, what: What) {
        self.changes.push(RecordChange { kind, id: id.to_owned(), what });
    }

    /// How many records of these kinds are added, changed and removed.
    pub(crate) fn counts(&self, kinds: &[Kind]) -> Counts {
        let mut counts = Counts::default();
        for change in self.changes.iter().filter(|change| kinds.contains(&change.kind)) {
            match change.what {
                What::Added(_) => counts.added += 1,
                What::Changed(_) => counts.changed += 1,
                What::Removed(_) => counts.removed += 1,
            }
        }
        counts
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            for change in self.changes.iter().filter(|change| change.kind == kind) {
                writeln!(f, "{change}")?;
            }
        }
        for kind in Kind::ALL {
            let counts = self.counts(&[kind]);
            if counts != Counts::default() {
                let Counts { added, changed, removed } = counts;
                writeln!(
                    f,
                    "{:<11} {added} added, {changed} changed, {removed} removed",
                    format!("{}s:", kind.noun())
                )?;
            }
        }
        if self.is_empty() { writeln!(f, "nothing to change") } else { Ok(()) }
    }
}

impl fmt::Display for RecordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordChange { kind, id, what } = self;
        let noun = kind.noun();
        match what {
            What::Added(called) => write!(f, "+ {noun} {id}: {called}"),
            What::Removed(how) => write!(f, "- {noun} {id}: {how}"),
            What::Changed(fields) => {
                write!(f, "~ {noun} {id}: ")?;
                for (at, FieldChange { field, before, after }) in fields.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "; " };
                    write!(f, "{comma}{field} {before} -> {after}")?;
                }
                Ok(())
            }
        }
    }
}

pub(super) fn tenant_fields(tenant: &Tenant) -> Fields {
    let status = match tenant.status_on_sign_in {
        SignInStatus::Available => "available",
        SignInStatus::Unavailable => "unavailable",
    };
    vec![
        ("name", quoted(&tenant.name)),
        ("zone", tenant.zone.name().to_owned()),
        ("business_day_start", tenant.business_day_start.format("%H:%M").to_string()),
        ("pauses_enabled", tenant.pauses_enabled.to_string()),
        ("status_on_sign_in", status.to_owned()),
        ("connection_grace", show_span(tenant.connection_grace)),
        ("resume_within", show_span(tenant.resume_within)),
        ("abandon_after", show_span(tenant.abandon_after)),
        ("defer_for", show_span(tenant.defer_for)),
        ("at_defer_deadline", word_of(&DEADLINE_ENDS, tenant.at_defer_deadline)),
        ("default_shift", show_span(tenant.default_shift)),
    ]
}

pub(super) fn channel_fields(channel: &Channel) -> Fields {
    vec![
        ("name", quoted(&channel.name)),
        ("enabled", channel.enabled.to_string()),
        ("blocks_pause", channel.blocks_pause.to_string()),
        ("capacity", channel.capacity.to_string()),
    ]
}

pub(super) fn team_fields(team: &Team) -> Fields {
    vec![("name", quoted(&team.name)), ("zone", show_zone(team.zone))]
}

pub(super) fn agent_fields(person: &Person) -> Fields {
    let left = if person.left_at.is_some() { "left" } else { "present" };
    vec![
        ("name", quoted(&person.name)),
        ("teams", bracketed(person.teams.iter().map(|team| team.to_string()))),
        ("zone", show_zone(person.zone)),
        ("capacity", show_capacity(&person.capacity)),
        ("membership", left.to_owned()),
    ]
}

fn show_approval(approval: Option<Approval>) -> String {
    approval.map_or_else(none, |approval| {
        format!("within {}, then {}", show_span(approval.timeout), word_of(&TIMEOUT_ENDS, approval.at_timeout))
    })
}

fn show_capacity(capacity: &BTreeMap<ChannelCode, u32>) -> String {
    if capacity.is_empty() {
        return none();
    }
    bracketed(capacity.iter().map(|(channel, count)| format!("{channel} = {count}")))
}

pub(super) fn pause_type_fields(kind: &PauseType) -> Fields {
    let teams = kind.teams.as_ref();
    let mut fields = vec![
        ("name", show_translations(&kind.name)),
        ("description", show_translations(&kind.description)),
        ("icon", kind.icon.clone().unwrap_or_else(none)),
        ("color", kind.color.clone().unwrap_or_else(none)),
        ("position", kind.position.to_string()),
        ("enabled", kind.enabled.to_string()),
        ("archived", kind.archived_at.is_some().to_string()),
        ("class", kind.kind.class().as_str().to_owned()),
        ("teams", teams.map_or_else(|| "all".to_owned(), |teams| bracketed(teams.iter().map(ToString::to_string)))),
    ];
    fields.extend(kind.kind.rules().map(rule_fields).unwrap_or_default());
    fields
}

fn rule_fields(rules: &PauseRules) -> Fields {
    let spans = |spans: &std::collections::BTreeSet<std::time::Duration>| {
        bracketed(spans.iter().rev().map(|span| show_span(*span)))
    };
    vec![
        ("paid", rules.paid.to_string()),
        ("counts_as_work", rules.counts_as_work.to_string()),
        ("min_duration", rules.min_duration.map_or_else(none, show_span)),
        ("on_early_end", word_of(&EARLY_ENDS, rules.on_early_end)),
        ("refund_under", show_span(rules.refund_under)),
        ("limit", rules.limit.map_or_else(none, show_span)),
        ("warn_before", spans(&rules.warn_before)),
        ("grace", show_span(rules.grace)),
        ("on_limit", word_of(&LIMIT_ENDS, rules.on_limit)),
        ("escalate_after", spans(&rules.escalate_after)),
        (
            "windows",
            if rules.windows.is_empty() {
                "always".to_owned()
            } else {
                bracketed(rules.windows.iter().map(show_window))
            },
        ),
        ("queue_opens_before", show_span(rules.queue_opens_before)),
        ("not_in_first", show_span(rules.not_in_first)),
        ("not_in_last", show_span(rules.not_in_last)),
        ("quota_count", rules.quota_count.map_or_else(none, |count| count.to_string())),
        ("quota_time", rules.quota_time.map_or_else(none, show_span)),
        ("cooldown", show_span(rules.cooldown)),
        ("cooldown_any", show_span(rules.cooldown_any)),
        (
            "cap",
            if rules.cap.is_empty() {
                none()
            } else {
                bracketed(rules.cap.iter().map(|(team, cap)| format!("{team} {}", show_cap(*cap))))
            },
        ),
        ("when_full", word_of(&FULL_ENDS, rules.when_full)),
        ("approval", show_approval(rules.approval)),
        ("when_occupied", word_of(&OCCUPIED_ENDS, rules.when_occupied)),
        ("startable_by", word_of(&STARTERS, rules.startable_by)),
        ("owed", if rules.owed.is_empty() { none() } else { bracketed(rules.owed.iter().map(show_owed)) }),
        (
            "overrides",
            if rules.overrides.is_empty() { none() } else { bracketed(rules.overrides.iter().map(show_override)) },
        ),
    ]
}

fn show_owed(rule: &EntitlementRule) -> String {
    let (id, count, min) = (rule.id.as_str(), rule.count, show_span(rule.min));
    let up_to = rule.planned_up_to.map_or_else(String::new, |up_to| format!(" up to {}", show_span(up_to)));
    let (over, after) = (show_span(rule.planned_over), show_span(rule.after_start));
    format!("{id}: {count} of {min} in shifts over {over}{up_to}, {after} to {} before", show_span(rule.before_end))
}

/// Writes an override as `agent ana: windows [daily 12:00-15:00] (health plan)`.
fn show_override(one: &RuleOverride) -> String {
    let whom = match &one.whom {
        OverrideFor::Team(team) => format!("team {team}"),
        OverrideFor::Agent(agent) => format!("agent {agent}"),
    };
    let values = rule_fields(&one.values);
    let set =
        values.iter().filter(|(name, _)| RuleField::of_name(name).is_some_and(|field| one.fields.contains(&field)));
    let rules: Vec<String> = set.map(|(name, value)| format!("{name} {value}")).collect();
    let from = one.from.map_or_else(String::new, |day| format!(" from {day}"));
    let until = one.until.map_or_else(String::new, |day| format!(" until {day}"));
    format!("{whom}{from}{until}: {} ({})", rules.join(", "), one.reason)
}

fn show_cap(cap: Cap) -> String {
    match cap {
        Cap::AtMost(most) => most.to_string(),
        Cap::Percent(percent) => format!("{percent}%"),
        Cap::KeepAvailable(least) => format!("keep {least} available"),
    }
}

/// Writes a window as `mon-fri 11:30-14:30`.
pub(super) fn show_window(window: &Window) -> String {
    format!("{} {}-{}", show_days(window.days()), window.from().format("%H:%M"), window.until().format("%H:%M"))
}

fn word_of<T: PartialEq>(words: &[(&'static str, T)], wanted: T) -> String {
    crate::domain::policy_words::word_of(words, &wanted).to_owned()
}

fn show_translations(texts: &Translations) -> String {
    let texts: Vec<String> = texts.iter().map(|(locale, text)| format!("{locale} {}", quoted(text))).collect();
    if texts.is_empty() { none() } else { texts.join(", ") }
}

/// What people call a type, in messages: its first name.
pub(super) fn first_name(texts: &Translations) -> &str {
    texts.values().next().map_or("", String::as_str)
}

fn show_zone(zone: Option<chrono_tz::Tz>) -> String {
    zone.map_or_else(none, |zone| zone.name().to_owned())
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn none() -> String {
    "none".to_owned()
}

fn bracketed(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.collect();
    format!("[{}]", texts.join(", "))
}
