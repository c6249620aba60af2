//! Pause types as JSON objects, read with everything that is wrong with them, each by the path of its field.
//!
//! What is refused here is refused in the import file too: the rules themselves are the domain's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

pub use self::one::{read_one, refused_one};
use self::overrides::read_overrides;
use self::owed::read_owed;
use super::error::WireError;
use super::params::{FromField, Instant, one_of};
use crate::domain::directory::Directory;
use crate::domain::entitlement::{UnfitRule, owe, owed_in};
use crate::domain::id::{PauseTypeCode, TeamId};
use crate::domain::policy::{
    APPROVAL_TIMEOUT, Approval, AtTimeout, Cap, LIMIT_MAX, PauseClass, PauseKind, PauseRules, PauseType, Policy,
    Translations,
};
use crate::domain::policy_check::{
    CAP_MAX, LIMIT_MIN, OFFERED_TO_NOBODY, PROTECTED_HAS_NO_RULES, PROTECTION_STAYS, QUOTA_COUNT_MAX,
    TEAMS_OF_TYPE_MAX, THRESHOLDS_MAX, TYPES_KEPT_MAX, Unfit, WINDOWS_MAX, Warnings, changes_protection, fits_a_day,
    is_some_of_a_day, settle_rules, teams_named,
};
use crate::domain::policy_plans::PauseTypes;
use crate::domain::policy_values::{
    DESCRIPTION_LENGTH_MAX, LOCALES_MAX, NAME_LENGTH_MAX, color, day, days, end_of_day, icon, is_locale, printable,
    time_of_day,
};
use crate::domain::policy_words::{CLASSES, EARLY_ENDS, FULL_ENDS, LIMIT_ENDS, OCCUPIED_ENDS, STARTERS, TIMEOUT_ENDS};
use crate::domain::schedule::{WeekDays, Window};
use crate::domain::time::{Timestamp, show_span};

/// The most types of one policy: more than any menu has.
pub const TYPES_MAX: usize = 200;
/// The most problems that are told at once; the answer has to fit a message.
const PROBLEMS_MAX: usize = 500;
/// The rules that are spans: whoever forgets the `_s` is told.
const SPANS: [&str; 12] = [
    "min_duration",
    "refund_under",
    "limit",
    "warn_before",
    "grace",
    "escalate_after",
    "queue_opens_before",
    "not_in_first",
    "not_in_last",
    "quota_time",
    "cooldown",
    "cooldown_any",
];

/// Something that is wrong with a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of the field, for example `types[2].windows[0].until`.
    pub field: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// Everything that is wrong, in the order in which it was found.
#[derive(Debug, Default)]
struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(Problem { field: field.into(), problem: problem.into() });
        } else {
            self.more += 1;
        }
    }
}

/// What a draft is read beside.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The policy that it is written on top of.
    pub policy: &'a Policy,
    /// The teams that there are.
    pub directory: &'a Directory,
    /// The time.
    pub now: Timestamp,
}

/// Reads all types of a policy, and what they owe; absent, that is what they owe by the policy in force.
///
/// # Errors
/// Everything that is wrong.
pub fn read_types(list: Vec<Value>, owed: Option<Vec<Value>>, beside: Beside<'_>) -> Result<PauseTypes, Vec<Problem>> {
    let mut problems = Problems::default();
    let mut types = PauseTypes::new();
    if list.len() > TYPES_MAX {
        problems.add("types", format!("at most {TYPES_MAX} are allowed, these are {}", list.len()));
    } else {
        let mut codes = BTreeSet::new();
        for (at, value) in list.into_iter().enumerate() {
            let path = format!("types[{at}]");
            let code = value.get("code").and_then(Value::as_str).map(str::to_owned);
            if code.is_some_and(|code| !codes.insert(code)) {
                problems.add(format!("{path}.code"), "stands here again; use each code once");
            }
            let Some(kind) = read_type(value, &path, beside, &mut problems) else { continue };
            types.insert(kind.code.clone(), Arc::new(kind));
        }
    }
    let left_out = beside.policy.types.keys().filter(|code| !types.contains_key(*code)).count();
    check_kept("types", left_out + types.len(), beside.policy, &mut problems);
    let rules = match owed {
        Some(owed) => read_owed(owed, &mut problems),
        None => {
            let is_entitlement = |kind: &Arc<PauseType>| kind.kind.class() == PauseClass::Entitlement;
            let there = owed_in(&beside.policy.types).filter(|(code, _)| types.get(*code).is_some_and(is_entitlement));
            there.map(|(code, rule)| (code.clone(), rule.clone())).collect()
        }
    };
    // Of types that cannot be it is not known what they could owe.
    if problems.list.is_empty() {
        for unfit in owe(&mut types, &rules) {
            problems.add(format!("entitlement_rules[{}].{}", unfit.place, field_of(&unfit)), unfit.problem);
        }
    }
    if problems.more > 0 {
        let more = format!("{} more problems are not listed; correct these first", problems.more);
        problems.list.push(Problem { field: "types".to_owned(), problem: more });
    }
    if problems.list.is_empty() { Ok(types) } else { Err(problems.list) }
}

/// Refuses one type more than there may be with those that are archived, which are never taken away.
fn check_kept(path: &str, kept: usize, before: &Policy, problems: &mut Problems) {
    if kept > TYPES_KEPT_MAX.max(before.types.len()) {
        let used = before.types.len();
        problems.add(
            path,
            format!(
                "would make {kept} types with those that are archived, of {TYPES_KEPT_MAX} that there may be; there are \
                 {used}: take an archived code back into use for what it meant"
            ),
        );
    }
}

/// The field of a rule that is at fault, as it is written.
fn field_of(unfit: &UnfitRule) -> String {
    match unfit.field {
        "id" | "type" => unfit.field.to_owned(),
        span => format!("{span}_s"),
    }
}

/// The refusal of a draft.
pub fn refused(problems: &[Problem]) -> WireError {
    let count = problems.len();
    let mut error = WireError::invalid_params("types", "does not hold a policy that can be");
    error.message = format!("The draft has {count} {} to correct.", if count == 1 { "problem" } else { "problems" });
    error.with("problems", listed(problems))
}

fn listed(problems: &[Problem]) -> Value {
    problems.iter().map(|one| json!({"field": one.field, "problem": one.problem})).collect()
}

/// An object whose fields have not all been read yet.
struct Object {
    path: String,
    rest: Map<String, Value>,
}

impl Object {
    fn of(value: Value, path: &str, problems: &mut Problems) -> Option<Object> {
        match value {
            Value::Object(rest) => Some(Object { path: path.to_owned(), rest }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                problems.add(path, "must be an object");
                None
            }
        }
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn raw(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name)
    }

    fn take<T>(
        &mut self,
        name: &str,
        problems: &mut Problems,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.raw(name)?;
        read(value).map_err(|why| problems.add(self.path_of(name), why)).ok()
    }

    fn finish(self, problems: &mut Problems) {
        for name in self.rest.keys() {
            let hint = if SPANS.contains(&name.as_str()) {
                format!("is unknown; write it as {name}_s, in whole seconds")
            } else {
                "is unknown; take it out".to_owned()
            };
            problems.add(format!("{}.{}", self.path, shown(name)), hint);
        }
    }
}

/// A name that somebody else made up, as it can be shown.
fn shown(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

fn read_type(value: Value, path: &str, beside: Beside<'_>, problems: &mut Problems) -> Option<PauseType> {
    let mut object = Object::of(value, path, problems)?;
    let before = problems.list.len();
    let code = required(&mut object, "code", problems, PauseTypeCode::from_field);
    let name = match object.raw("name") {
        Some(Value::Object(texts)) if texts.is_empty() => {
            problems.add(object.path_of("name"), "is empty; at least one locale is needed");
            None
        }
        Some(value) => read_texts(value, &object.path_of("name"), NAME_LENGTH_MAX, problems),
        None => {
            problems.add(object.path_of("name"), "is missing");
            None
        }
    };
    let description = object.raw("description");
    let description_path = object.path_of("description");
    let description =
        description.and_then(|value| read_texts(value, &description_path, DESCRIPTION_LENGTH_MAX, problems));
    let icon = object.take("icon", problems, |value| icon(&String::from_field(value)?));
    let shown_color = object.take("color", problems, |value| color(&String::from_field(value)?));
    let position = object.take("position", problems, read_position);
    let enabled = object.take("enabled", problems, bool::from_field);
    let archived_at = read_archived(&mut object, code.as_ref(), beside, problems);
    let class = object.take("class", problems, |value| one_of(value, &CLASSES)).unwrap_or(PauseClass::Regular);
    let there = code.as_ref().and_then(|code| beside.policy.types.get(code));
    if there.is_some_and(|there| changes_protection(there.kind.class(), class)) {
        problems.add(object.path_of("class"), PROTECTION_STAYS);
    }
    let teams = read_offered_to(&mut object, problems);
    let (mut rules, mut given) = read_rules(&mut object, class, problems);
    if object.rest.contains_key("overrides") {
        given.push("overrides");
        rules.overrides = read_overrides(&mut object, &rules, class, beside, problems);
    }
    let kind = match class {
        PauseClass::Regular => PauseKind::Regular(rules),
        PauseClass::Entitlement => PauseKind::Entitlement(rules),
        PauseClass::Protected => {
            let color = shown_color.as_ref().map(|_| "color");
            for field in given.into_iter().chain(color) {
                problems.add(object.path_of(field), PROTECTED_HAS_NO_RULES);
            }
            PauseKind::Protected
        }
    };
    let read = PauseType {
        // Never shown: without a code there is a problem.
        code: code.or_else(|| PauseTypeCode::new("unnamed").ok())?,
        name: name.unwrap_or_default(),
        description: description.unwrap_or_default(),
        icon,
        color: shown_color,
        position: position.unwrap_or(0),
        enabled: enabled.unwrap_or(true),
        archived_at,
        teams,
        kind,
    };
    for (field, team) in teams_named(&read) {
        if !beside.directory.teams.contains_key(team) {
            let team = team.as_str();
            problems
                .add(object.path_of(field), format!("there is no team {team:?}; use the id of one in the directory"));
        }
    }
    object.finish(problems);
    Some(read).filter(|_| problems.list.len() == before)
}

fn required<T>(
    object: &mut Object,
    name: &str,
    problems: &mut Problems,
    read: impl FnOnce(Value) -> Result<T, String>,
) -> Option<T> {
    if object.rest.contains_key(name) {
        return object.take(name, problems, read);
    }
    problems.add(object.path_of(name), "is missing");
    None
}

fn read_texts(value: Value, path: &str, max: usize, problems: &mut Problems) -> Option<Translations> {
    let object = Object::of(value, path, problems)?;
    if object.rest.len() > LOCALES_MAX {
        problems.add(path, format!("at most {LOCALES_MAX} locales are allowed"));
        return None;
    }
    let mut texts = Translations::new();
    for (locale, value) in object.rest {
        if !is_locale(&locale) {
            let shown: String = locale.chars().take(64).collect();
            problems.add(path, format!("{shown:?} is no locale; expected one such as \"pt-BR\" or \"en\""));
            continue;
        }
        match String::from_field(value).and_then(|text| printable(&text, max)) {
            Ok(text) => {
                texts.insert(locale, text);
            }
            Err(why) => problems.add(format!("{path}.{locale}"), why),
        }
    }
    Some(texts)
}

fn read_position(value: Value) -> Result<i32, String> {
    let position = value.as_i64().and_then(|position| i32::try_from(position).ok());
    position.ok_or_else(|| format!("must be a whole number from {} to {}", i32::MIN, i32::MAX))
}

/// `archived` as in the import file, or `archived_at` as it is shown. A type that is archived already stays so since then.
fn read_archived(
    object: &mut Object,
    code: Option<&PauseTypeCode>,
    beside: Beside<'_>,
    problems: &mut Problems,
) -> Option<Timestamp> {
    let archived = object.take("archived", problems, bool::from_field);
    let archived_at = object.take("archived_at", problems, Instant::from_field).map(|at| at.0);
    match (archived, archived_at) {
        (Some(false), Some(_)) => {
            problems.add(object.path_of("archived_at"), "contradicts archived: false; leave one of them out");
            None
        }
        (_, Some(at)) if at > beside.now => {
            problems.add(object.path_of("archived_at"), "is in the future; write archived: true to archive it");
            None
        }
        (_, Some(at)) => Some(at),
        (Some(true), None) => {
            let there = code.and_then(|code| beside.policy.types.get(code));
            Some(there.and_then(|there| there.archived_at).unwrap_or(beside.now))
        }
        (Some(false) | None, None) => None,
    }
}

fn read_offered_to(object: &mut Object, problems: &mut Problems) -> Option<BTreeSet<TeamId>> {
    let list = match object.raw("teams")? {
        Value::String(word) if word == "all" => return None,
        Value::Array(list) => list,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            problems.add(object.path_of("teams"), "must be \"all\" or a list of teams");
            return None;
        }
    };
    if list.is_empty() {
        problems.add(object.path_of("teams"), OFFERED_TO_NOBODY);
    }
    if list.len() > TEAMS_OF_TYPE_MAX {
        problems.add(object.path_of("teams"), format!("at most {TEAMS_OF_TYPE_MAX} teams are allowed"));
        return None;
    }
    let mut teams = BTreeSet::new();
    for (at, value) in list.into_iter().enumerate() {
        let path = object.path_of(&format!("teams[{at}]"));
        match TeamId::from_field(value) {
            Ok(team) if teams.contains(&team) => problems.add(path, "is listed twice"),
            Ok(team) => {
                teams.insert(team);
            }
            Err(why) => problems.add(path, why),
        }
    }
    Some(teams)
}

/// The rules, and the names of those that are given.
fn read_rules(object: &mut Object, class: PauseClass, problems: &mut Problems) -> (PauseRules, Vec<&'static str>) {
    const NAMES: [&str; 23] = [
        "paid",
        "counts_as_work",
        "min_duration_s",
        "on_early_end",
        "refund_under_s",
        "limit_s",
        "warn_before_s",
        "grace_s",
        "on_limit",
        "escalate_after_s",
        "windows",
        "queue_opens_before_s",
        "not_in_first_s",
        "not_in_last_s",
        "quota_count",
        "quota_time_s",
        "cooldown_s",
        "cooldown_any_s",
        "cap",
        "when_full",
        "approval",
        "when_occupied",
        "startable_by",
    ];
    let given: Vec<&'static str> = NAMES.into_iter().filter(|name| object.rest.contains_key(*name)).collect();
    let default = PauseRules::default();
    let warn_before = read_spans(object, "warn_before_s", problems);
    let warnings = if warn_before.is_some() { Warnings::Written } else { Warnings::Kept };
    let mut rules = PauseRules {
        paid: object.take("paid", problems, bool::from_field).unwrap_or(default.paid),
        counts_as_work: object.take("counts_as_work", problems, bool::from_field).unwrap_or(default.counts_as_work),
        min_duration: object.take("min_duration_s", problems, or_none(span)).flatten(),
        on_early_end: object
            .take("on_early_end", problems, |value| one_of(value, &EARLY_ENDS))
            .unwrap_or(default.on_early_end),
        refund_under: object.take("refund_under_s", problems, span).unwrap_or(default.refund_under),
        limit: object.take("limit_s", problems, or_none(limit)).flatten(),
        warn_before: warn_before.unwrap_or(default.warn_before),
        grace: object.take("grace_s", problems, span).unwrap_or(default.grace),
        on_limit: object.take("on_limit", problems, |value| one_of(value, &LIMIT_ENDS)).unwrap_or(default.on_limit),
        escalate_after: read_spans(object, "escalate_after_s", problems).unwrap_or(default.escalate_after),
        windows: read_windows(object, problems),
        queue_opens_before: object.take("queue_opens_before_s", problems, span).unwrap_or(default.queue_opens_before),
        not_in_first: object.take("not_in_first_s", problems, span).unwrap_or(default.not_in_first),
        not_in_last: object.take("not_in_last_s", problems, span).unwrap_or(default.not_in_last),
        quota_count: object.take("quota_count", problems, or_none(|value| number(&value, QUOTA_COUNT_MAX))).flatten(),
        quota_time: object.take("quota_time_s", problems, or_none(some_span)).flatten(),
        cooldown: object.take("cooldown_s", problems, span).unwrap_or(default.cooldown),
        cooldown_any: object.take("cooldown_any_s", problems, span).unwrap_or(default.cooldown_any),
        cap: read_caps(object, problems),
        when_full: object.take("when_full", problems, |value| one_of(value, &FULL_ENDS)).unwrap_or(default.when_full),
        approval: read_approval(object, problems),
        when_occupied: object
            .take("when_occupied", problems, |value| one_of(value, &OCCUPIED_ENDS))
            .unwrap_or(default.when_occupied),
        startable_by: object
            .take("startable_by", problems, |value| one_of(value, &STARTERS))
            .unwrap_or(default.startable_by),
        owed: Vec::new(),
        overrides: Vec::new(),
    };
    // What could not be read is as if it were not there, so that nothing is told twice.
    if class != PauseClass::Protected {
        for Unfit { field, problem } in settle_rules(&mut rules, class, warnings) {
            let field = if SPANS.contains(&field) { format!("{field}_s") } else { field.to_owned() };
            problems.add(object.path_of(&field), problem);
        }
    }
    (rules, given)
}

/// Reads a value that the word `none` stands for the absence of.
fn or_none<T>(read: impl FnOnce(Value) -> Result<T, String>) -> impl FnOnce(Value) -> Result<Option<T>, String> {
    |value| if value == "none" { Ok(None) } else { read(value).map(Some) }
}

/// A span of at most a day, in whole seconds.
fn span(value: Value) -> Result<Duration, String> {
    let span = Duration::from_secs(u64::from_field(value).map_err(|why| format!("{why}, of seconds"))?);
    fits_a_day(span).map(|()| span)
}

fn some_span(value: Value) -> Result<Duration, String> {
    let span = span(value)?;
    is_some_of_a_day(span).map(|()| span)
}

fn limit(value: Value) -> Result<Duration, String> {
    let limit = Duration::from_secs(u64::from_field(value).map_err(|why| format!("{why}, of seconds"))?);
    if (LIMIT_MIN..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(format!("must be from {} to {} seconds ({})", LIMIT_MIN.as_secs(), LIMIT_MAX.as_secs(), show_span(LIMIT_MAX)))
}

fn number(value: &Value, max: u32) -> Result<u32, String> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| (1..=max).contains(number)).ok_or_else(|| format!("must be a whole number from 1 to {max}"))
}

fn read_list(object: &mut Object, name: &str, max: usize, problems: &mut Problems) -> Option<Vec<Value>> {
    let list = object.take(name, problems, Vec::<Value>::from_field)?;
    if list.len() > max {
        problems.add(object.path_of(name), format!("at most {max} are allowed, these are {}", list.len()));
        return None;
    }
    Some(list)
}

fn read_spans(object: &mut Object, name: &str, problems: &mut Problems) -> Option<BTreeSet<Duration>> {
    let list = read_list(object, name, THRESHOLDS_MAX, problems)?;
    let mut spans = BTreeSet::new();
    for (at, value) in list.into_iter().enumerate() {
        let path = object.path_of(&format!("{name}[{at}]"));
        match span(value) {
            Ok(span) if spans.contains(&span) => problems.add(path, "is listed twice"),
            Ok(span) => {
                spans.insert(span);
            }
            Err(why) => problems.add(path, why),
        }
    }
    Some(spans)
}

fn read_windows(object: &mut Object, problems: &mut Problems) -> Vec<Window> {
    let list = read_list(object, "windows", WINDOWS_MAX, problems).unwrap_or_default();
    let path = |at| object.path_of(&format!("windows[{at}]"));
    list.into_iter().enumerate().filter_map(|(at, value)| read_window(value, &path(at), problems)).collect()
}

fn read_window(value: Value, path: &str, problems: &mut Problems) -> Option<Window> {
    let mut object = Object::of(value, path, problems)?;
    let days = match object.raw("days") {
        Some(value) => read_days(value).map_err(|why| problems.add(object.path_of("days"), why)).ok(),
        None => Some(WeekDays::ALL),
    };
    let from = required(&mut object, "from", problems, |value| time_of_day(&String::from_field(value)?));
    let until = required(&mut object, "until", problems, |value| end_of_day(&String::from_field(value)?));
    object.finish(problems);
    Window::new(days?, from?, until?).map_err(|error| problems.add(path, error.to_string())).ok()
}

fn read_days(value: Value) -> Result<WeekDays, String> {
    match value {
        Value::String(text) => days(&text),
        Value::Array(list) => {
            let read = |value| String::from_field(value).and_then(|text| day(&text));
            list.into_iter().map(read).collect::<Result<Vec<_>, _>>().map(WeekDays::of)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Err("must be a text such as \"mon-fri\" or a list of days".to_owned())
        }
    }
}

fn read_caps(object: &mut Object, problems: &mut Problems) -> BTreeMap<TeamId, Cap> {
    let Some(value) = object.raw("cap") else { return BTreeMap::new() };
    let path = object.path_of("cap");
    let Some(teams) = Object::of(value, &path, problems) else { return BTreeMap::new() };
    if teams.rest.len() > TEAMS_OF_TYPE_MAX {
        problems.add(path, format!("at most {TEAMS_OF_TYPE_MAX} teams are allowed"));
        return BTreeMap::new();
    }
    let read = |(team, value): (String, Value)| {
        let path = format!("{path}.{}", shown(&team));
        match TeamId::new(&team) {
            Ok(team) => Some((team, read_cap(value, &path, problems)?)),
            Err(why) => {
                problems.add(path, format!("is no id: {why}"));
                None
            }
        }
    };
    teams.rest.into_iter().filter_map(read).collect()
}

fn read_cap(value: Value, path: &str, problems: &mut Problems) -> Option<Cap> {
    if value.is_number() {
        return number(&value, CAP_MAX).map(Cap::AtMost).map_err(|why| problems.add(path, why)).ok();
    }
    if !value.is_object() {
        problems.add(path, "must be a number, {\"percent\": 20} or {\"keep_available\": 5}");
        return None;
    }
    let mut object = Object::of(value, path, problems)?;
    let before = problems.list.len();
    let percent = object.take("percent", problems, |value| number(&value, 100));
    let keep = object.take("keep_available", problems, |value| number(&value, CAP_MAX));
    object.finish(problems);
    match (percent.and_then(|percent| u8::try_from(percent).ok()), keep) {
        (Some(percent), None) => Some(Cap::Percent(percent)),
        (None, Some(least)) => Some(Cap::KeepAvailable(least)),
        (Some(_), Some(_)) | (None, None) => {
            if problems.list.len() == before {
                problems.add(path, "must be a number, {\"percent\": 20} or {\"keep_available\": 5}");
            }
            None
        }
    }
}

fn read_approval(object: &mut Object, problems: &mut Problems) -> Option<Approval> {
    let value = object.raw("approval").filter(|value| value != "none")?;
    let mut object = Object::of(value, &object.path_of("approval"), problems)?;
    let timeout = object.take("timeout_s", problems, some_span).unwrap_or(APPROVAL_TIMEOUT);
    let at_timeout = object.take("then", problems, |value| one_of(value, &TIMEOUT_ENDS)).unwrap_or(AtTimeout::Refuse);
    object.finish(problems);
    Some(Approval { timeout, at_timeout })
}

mod one;
mod overrides;
mod owed;
#[cfg(test)]
mod tests;
