//! Pause types as JSON objects, with the field names of the import file; spans are whole seconds with `_s` in the name.
//! A field that has its default is left out.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::time::to_text;
use crate::domain::entitlement::{EntitlementRule, owed_by, owed_in};
use crate::domain::id::PauseTypeCode;
use crate::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use crate::domain::policy::{Approval, Cap, PauseClass, PauseKind, PauseRules, PauseType};
use crate::domain::policy_plans::PauseTypes;
use crate::domain::policy_words::{EARLY_ENDS, FULL_ENDS, LIMIT_ENDS, OCCUPIED_ENDS, STARTERS, TIMEOUT_ENDS, word_of};
use crate::domain::schedule::{WeekDays, Window};

/// Writes types, in the order of the menu.
pub fn write_types(types: &PauseTypes) -> Value {
    let mut sorted: Vec<&PauseType> = types.values().map(AsRef::as_ref).collect();
    sorted.sort_by(|a, b| (a.position, &a.code).cmp(&(b.position, &b.code)));
    sorted.into_iter().map(|kind| Value::Object(write_type(kind))).collect()
}

/// Writes one type.
pub fn write_type(kind: &PauseType) -> Map<String, Value> {
    let mut fields = Fields::default();
    fields.put("code", json!(kind.code.as_str()));
    fields.put("name", json!(kind.name));
    fields.unless("description", &kind.description, &Default::default(), |texts| json!(texts));
    fields.some("icon", kind.icon.as_ref().map(|icon| json!(icon)));
    fields.some("color", kind.color.as_ref().map(|color| json!(color)));
    fields.unless("position", &kind.position, &0, |position| json!(position));
    fields.unless("enabled", &kind.enabled, &true, |enabled| json!(enabled));
    fields.some("archived_at", kind.archived_at.map(|at| json!(to_text(at))));
    fields.unless("class", &kind.kind.class(), &PauseClass::Regular, |class| json!(class.as_str()));
    let teams = kind.teams.as_ref().map(|teams| teams.iter().map(|team| team.as_str()).collect::<Vec<_>>());
    fields.some("teams", teams.map(|teams| json!(teams)));
    match &kind.kind {
        PauseKind::Regular(rules) | PauseKind::Entitlement(rules) => write_rules(rules, &mut fields),
        PauseKind::Protected => {}
    }
    fields.written
}

/// The fields of an object, those with a default only where they differ, unless every one is asked for.
#[derive(Default)]
struct Fields {
    every: bool,
    written: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, name: &str, value: Value) {
        self.written.insert(name.to_owned(), value);
    }

    fn some(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => self.put(name, value),
            None if self.every => self.put(name, json!("none")),
            None => {}
        }
    }

    fn unless<T: PartialEq>(&mut self, name: &str, value: &T, default: &T, write: impl FnOnce(&T) -> Value) {
        if self.every || value != default {
            self.put(name, write(value));
        }
    }
}

/// Writes an override: for whom, its rules, for how long and why.
fn write_override(one: &RuleOverride) -> Value {
    let mut fields = Fields::default();
    match &one.whom {
        OverrideFor::Team(team) => fields.put("team", json!(team.as_str())),
        OverrideFor::Agent(agent) => fields.put("agent", json!(agent.as_str())),
    }
    let mut all = Fields { every: true, ..Fields::default() };
    write_rules(&one.values, &mut all);
    for (name, value) in all.written {
        let field = RuleField::of_name(name.strip_suffix("_s").unwrap_or(&name));
        if field.is_some_and(|field| one.fields.contains(&field)) {
            fields.put(&name, value);
        }
    }
    fields.some("from", one.from.map(|day| json!(day.to_string())));
    fields.some("until", one.until.map(|day| json!(day.to_string())));
    fields.put("reason", json!(one.reason));
    Value::Object(fields.written)
}

/// Writes what types owe.
pub fn write_owed(types: &PauseTypes) -> Value {
    owed_in(types).map(|(code, rule)| write_rule(code, rule)).collect()
}

fn write_rule(code: &PauseTypeCode, rule: &EntitlementRule) -> Value {
    let span = |span: &Duration| json!(span.as_secs());
    let mut fields = Fields::default();
    fields.put("id", json!(rule.id.as_str()));
    fields.put("type", json!(code.as_str()));
    fields.put("planned_shift_over_s", span(&rule.planned_over));
    fields.some("planned_shift_up_to_s", rule.planned_up_to.as_ref().map(span));
    fields.put("count", json!(rule.count));
    fields.put("min_s", span(&rule.min));
    let window = json!({"after_start_s": rule.after_start.as_secs(), "before_end_s": rule.before_end.as_secs()});
    fields.put("window", window);
    Value::Object(fields.written)
}

fn write_rules(rules: &PauseRules, fields: &mut Fields) {
    let default = PauseRules::default();
    let flag = |value: &bool| json!(value);
    let span = |span: &Duration| json!(span.as_secs());
    let spans = |spans: &BTreeSet<Duration>| spans.iter().rev().map(|span| json!(span.as_secs())).collect::<Value>();
    fields.unless("paid", &rules.paid, &default.paid, flag);
    fields.unless("counts_as_work", &rules.counts_as_work, &default.counts_as_work, flag);
    fields.some("min_duration_s", rules.min_duration.as_ref().map(span));
    let early = |value: &_| json!(word_of(&EARLY_ENDS, value));
    fields.unless("on_early_end", &rules.on_early_end, &default.on_early_end, early);
    fields.unless("refund_under_s", &rules.refund_under, &default.refund_under, span);
    fields.some("limit_s", rules.limit.as_ref().map(span));
    fields.unless("warn_before_s", &rules.warn_before, &default.warn_before, spans);
    fields.unless("grace_s", &rules.grace, &default.grace, span);
    fields.unless("on_limit", &rules.on_limit, &default.on_limit, |value| json!(word_of(&LIMIT_ENDS, value)));
    fields.unless("escalate_after_s", &rules.escalate_after, &default.escalate_after, spans);
    fields.unless("windows", &rules.windows, &default.windows, |windows| windows.iter().map(write_window).collect());
    fields.unless("queue_opens_before_s", &rules.queue_opens_before, &default.queue_opens_before, span);
    fields.unless("not_in_first_s", &rules.not_in_first, &default.not_in_first, span);
    fields.unless("not_in_last_s", &rules.not_in_last, &default.not_in_last, span);
    fields.some("quota_count", rules.quota_count.map(|count| json!(count)));
    fields.some("quota_time_s", rules.quota_time.as_ref().map(span));
    fields.unless("cooldown_s", &rules.cooldown, &default.cooldown, span);
    fields.unless("cooldown_any_s", &rules.cooldown_any, &default.cooldown_any, span);
    fields.unless("cap", &rules.cap, &default.cap, |cap| {
        Value::Object(cap.iter().map(|(team, cap)| (team.as_str().to_owned(), write_cap(*cap))).collect())
    });
    fields.unless("when_full", &rules.when_full, &default.when_full, |value| json!(word_of(&FULL_ENDS, value)));
    fields.some("approval", rules.approval.map(write_approval));
    let occupied = |value: &_| json!(word_of(&OCCUPIED_ENDS, value));
    fields.unless("when_occupied", &rules.when_occupied, &default.when_occupied, occupied);
    fields.unless("startable_by", &rules.startable_by, &default.startable_by, |value| json!(word_of(&STARTERS, value)));
    if !rules.overrides.is_empty() {
        fields.put("overrides", rules.overrides.iter().map(write_override).collect());
    }
}

fn write_window(window: &Window) -> Value {
    let time = |time: chrono::NaiveTime| time.format("%H:%M").to_string();
    let mut fields = Fields::default();
    let days = |days: &WeekDays| days.iter().map(|day| json!(day.to_string().to_lowercase())).collect();
    fields.unless("days", &window.days(), &WeekDays::ALL, days);
    fields.put("from", json!(time(window.from())));
    fields.put("until", json!(time(window.until())));
    Value::Object(fields.written)
}

fn write_cap(cap: Cap) -> Value {
    match cap {
        Cap::AtMost(most) => json!(most),
        Cap::Percent(percent) => json!({ "percent": percent }),
        Cap::KeepAvailable(least) => json!({ "keep_available": least }),
    }
}

fn write_approval(approval: Approval) -> Value {
    json!({"timeout_s": approval.timeout.as_secs(), "then": word_of(&TIMEOUT_ENDS, &approval.at_timeout)})
}

/// What differs between two sets of types: `{type, change, fields?}` by type, `fields` being `{field, before?, after?}`.
pub fn write_difference(before: &PauseTypes, after: &PauseTypes) -> Value {
    let codes: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    codes
        .into_iter()
        .filter_map(|code| {
            let (was, is) = (before.get(code), after.get(code));
            let row = |change: &str| json!({"type": code.as_str(), "change": change});
            match (was, is) {
                (Some(was), Some(is)) if was == is => None,
                (Some(was), Some(is)) if was.archived_at.is_none() && is.archived_at.is_some() => {
                    Some(with_fields(row("removed"), was, is))
                }
                (Some(was), Some(is)) => Some(with_fields(row("changed"), was, is)),
                (None, Some(_)) => Some(row("added")),
                (Some(_), None) => Some(row("removed")),
                (None, None) => None,
            }
        })
        .collect()
}

/// Writes one type with what it owes, which stands in a list of its own elsewhere.
pub fn write_with_owed(kind: &PauseType) -> Map<String, Value> {
    let mut fields = write_type(kind);
    let rules: Vec<Value> = owed_by(kind).unwrap_or_default().iter().map(|rule| write_rule(&kind.code, rule)).collect();
    if !rules.is_empty() {
        fields.insert("entitlement_rules".to_owned(), Value::Array(rules));
    }
    fields
}

fn with_fields(mut row: Value, before: &PauseType, after: &PauseType) -> Value {
    let (before, after) = (write_with_owed(before), write_with_owed(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let fields = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(|name| {
        let mut field = json!({ "field": name });
        if let Some(value) = before.get(name) {
            field["before"] = value.clone();
        }
        if let Some(value) = after.get(name) {
            field["after"] = value.clone();
        }
        field
    });
    row["fields"] = fields.collect();
    row
}

/// How many types a version adds, changes and removes.
pub fn summary(before: &PauseTypes, after: &PauseTypes) -> Value {
    let (mut added, mut changed, mut removed) = (0, 0, 0);
    for row in write_difference(before, after).as_array().into_iter().flatten() {
        match row["change"].as_str() {
            Some("added") => added += 1,
            Some("removed") => removed += 1,
            Some(_) | None => changed += 1,
        }
    }
    json!({"added": added, "changed": changed, "removed": removed})
}
