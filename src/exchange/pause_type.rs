//! `[[pause_type]]` as it is written (semantics §3).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::file::{Stated, boolean_of, read_id, read_teams, text_of};
use super::overrides::read_overrides;
use super::values;
use crate::config::{At, Field, Problems, Section, parse_span, show_span};
use crate::domain::id::{PauseTypeCode, TeamId};
use crate::domain::overrides::RuleOverride;
use crate::domain::policy::{
    APPROVAL_TIMEOUT, Approval, AtTimeout, Cap, LIMIT_MAX, OnEarlyEnd, OnLimit, PauseClass, StartableBy, Translations,
    WhenFull, WhenOccupied,
};
use crate::domain::policy_check::{
    CAP_MAX, LIMIT_MIN, OFFERED_TO_NOBODY, QUOTA_COUNT_MAX, TEAMS_OF_TYPE_MAX, THRESHOLDS_MAX, WINDOWS_MAX, fits_a_day,
    is_some_of_a_day,
};
use crate::domain::schedule::{WeekDays, Window};

/// What a file says about one pause type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PauseTypePatch {
    pub line: usize,
    pub code: PauseTypeCode,
    pub name: Stated<Translations>,
    pub description: Option<At<Translations>>,
    /// `Some(None)`: no icon.
    pub icon: Option<Option<String>>,
    /// `Some(None)`: no colour.
    pub color: Option<At<Option<String>>>,
    pub position: Option<i32>,
    pub enabled: Option<bool>,
    pub archived: Option<bool>,
    pub class: Option<At<PauseClass>>,
    pub teams: Option<At<OfferedTo>>,
    pub rules: RulesPatch,
    pub overrides: Option<At<Vec<At<RuleOverride>>>>,
}

/// The teams that a type is offered to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OfferedTo {
    /// Every team.
    All,
    /// These.
    Only(BTreeSet<TeamId>),
}

/// What a file says about the rules of one pause type.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RulesPatch {
    pub paid: Option<At<bool>>,
    pub counts_as_work: Option<At<bool>>,
    pub min_duration: Option<At<Option<Duration>>>,
    pub on_early_end: Option<At<OnEarlyEnd>>,
    pub refund_under: Option<At<Duration>>,
    pub limit: Option<At<Option<Duration>>>,
    pub warn_before: Option<At<BTreeSet<Duration>>>,
    pub grace: Option<At<Duration>>,
    pub on_limit: Option<At<OnLimit>>,
    pub escalate_after: Option<At<BTreeSet<Duration>>>,
    pub windows: Option<At<Vec<At<Window>>>>,
    pub queue_opens_before: Option<At<Duration>>,
    pub not_in_first: Option<At<Duration>>,
    pub not_in_last: Option<At<Duration>>,
    pub quota_count: Option<At<Option<u32>>>,
    pub quota_time: Option<At<Option<Duration>>>,
    pub cooldown: Option<At<Duration>>,
    pub cooldown_any: Option<At<Duration>>,
    pub cap: Option<At<BTreeMap<TeamId, Cap>>>,
    pub when_full: Option<At<WhenFull>>,
    pub approval: Option<At<Option<Approval>>>,
    pub when_occupied: Option<At<WhenOccupied>>,
    pub startable_by: Option<At<StartableBy>>,
}

impl RulesPatch {
    /// The names and lines of the fields that stand there.
    pub(super) fn given(&self) -> Vec<(&'static str, usize)> {
        let lines = [
            ("paid", self.paid.as_ref().map(|at| at.line)),
            ("counts_as_work", self.counts_as_work.as_ref().map(|at| at.line)),
            ("min_duration", self.min_duration.as_ref().map(|at| at.line)),
            ("on_early_end", self.on_early_end.as_ref().map(|at| at.line)),
            ("refund_under", self.refund_under.as_ref().map(|at| at.line)),
            ("limit", self.limit.as_ref().map(|at| at.line)),
            ("warn_before", self.warn_before.as_ref().map(|at| at.line)),
            ("grace", self.grace.as_ref().map(|at| at.line)),
            ("on_limit", self.on_limit.as_ref().map(|at| at.line)),
            ("escalate_after", self.escalate_after.as_ref().map(|at| at.line)),
            ("windows", self.windows.as_ref().map(|at| at.line)),
            ("queue_opens_before", self.queue_opens_before.as_ref().map(|at| at.line)),
            ("not_in_first", self.not_in_first.as_ref().map(|at| at.line)),
            ("not_in_last", self.not_in_last.as_ref().map(|at| at.line)),
            ("quota_count", self.quota_count.as_ref().map(|at| at.line)),
            ("quota_time", self.quota_time.as_ref().map(|at| at.line)),
            ("cooldown", self.cooldown.as_ref().map(|at| at.line)),
            ("cooldown_any", self.cooldown_any.as_ref().map(|at| at.line)),
            ("cap", self.cap.as_ref().map(|at| at.line)),
            ("when_full", self.when_full.as_ref().map(|at| at.line)),
            ("approval", self.approval.as_ref().map(|at| at.line)),
            ("when_occupied", self.when_occupied.as_ref().map(|at| at.line)),
            ("startable_by", self.startable_by.as_ref().map(|at| at.line)),
        ];
        lines.into_iter().filter_map(|(name, line)| Some((name, line?))).collect()
    }
}

pub(super) use crate::domain::policy_words::{
    CLASSES, EARLY_ENDS, FULL_ENDS, LIMIT_ENDS, OCCUPIED_ENDS, STARTERS, TIMEOUT_ENDS,
};

/// Reads one pause type.
pub(super) fn read_pause_type(mut section: Section<'_>, problems: &mut Problems) -> Option<PauseTypePatch> {
    let line = section.line;
    let code = read_id(&mut section, "code", "pause type", problems, PauseTypeCode::new);
    let name = match section.take("name", problems) {
        Some(field) => read_name(&field, problems),
        None => Stated::Absent,
    };
    let description = section.take("description", problems);
    let description =
        description.and_then(|field| values::translations(&field, values::DESCRIPTION_LENGTH_MAX, problems));
    let icon = text_of(&mut section, "icon", problems, values::or_none(values::icon));
    let color = read_of(&mut section, "color", problems, values::or_none(values::color));
    let position = section.take("position", problems);
    let position = position.and_then(|field| field.integer(problems, i64::from(i32::MIN)..=i64::from(i32::MAX)));
    let enabled = boolean_of(&mut section, "enabled", problems);
    let archived = boolean_of(&mut section, "archived", problems);
    let class = read_of(&mut section, "class", problems, values::word(&CLASSES));
    let teams = section.take("teams", problems).and_then(|field| read_offered_to(&field, problems));
    let rules = read_rules(&mut section, problems);
    let overrides = section.take("overrides", problems).and_then(|field| read_overrides(&field, problems));
    section.finish(problems);
    Some(PauseTypePatch {
        line,
        code: code?,
        name,
        description,
        icon,
        color,
        position: position.and_then(|at| i32::try_from(at.value).ok()),
        enabled,
        archived,
        class,
        teams,
        rules,
        overrides,
    })
}

fn read_name(field: &Field<'_>, problems: &mut Problems) -> Stated<Translations> {
    match values::translations(field, values::NAME_LENGTH_MAX, problems) {
        Some(names) if names.value.is_empty() => {
            field.refuse(problems, "at least one locale is needed");
            Stated::Unreadable
        }
        Some(names) => Stated::Value(names.value),
        None => Stated::Unreadable,
    }
}

pub(super) fn read_rules(section: &mut Section<'_>, problems: &mut Problems) -> RulesPatch {
    RulesPatch {
        paid: section.take("paid", problems).and_then(|field| field.boolean(problems)),
        counts_as_work: section.take("counts_as_work", problems).and_then(|field| field.boolean(problems)),
        min_duration: read_of(section, "min_duration", problems, values::or_none(span_of_a_day)),
        on_early_end: read_of(section, "on_early_end", problems, values::word(&EARLY_ENDS)),
        refund_under: read_of(section, "refund_under", problems, span_of_a_day),
        limit: read_of(section, "limit", problems, values::or_none(limit)),
        warn_before: read_spans(section, "warn_before", problems),
        grace: read_of(section, "grace", problems, span_of_a_day),
        on_limit: read_of(section, "on_limit", problems, values::word(&LIMIT_ENDS)),
        escalate_after: read_spans(section, "escalate_after", problems),
        windows: section.take("windows", problems).and_then(|field| read_windows(&field, problems)),
        queue_opens_before: read_of(section, "queue_opens_before", problems, span_of_a_day),
        not_in_first: read_of(section, "not_in_first", problems, span_of_a_day),
        not_in_last: read_of(section, "not_in_last", problems, span_of_a_day),
        quota_count: section.take("quota_count", problems).and_then(|field| read_quota(&field, problems)),
        quota_time: read_of(section, "quota_time", problems, values::or_none(some_span_of_a_day)),
        cooldown: read_of(section, "cooldown", problems, span_of_a_day),
        cooldown_any: read_of(section, "cooldown_any", problems, span_of_a_day),
        when_full: read_of(section, "when_full", problems, values::word(&FULL_ENDS)),
        approval: section.take("approval", problems).and_then(|field| read_approval(&field, problems)),
        when_occupied: read_of(section, "when_occupied", problems, values::word(&OCCUPIED_ENDS)),
        cap: read_caps(section, problems),
        startable_by: read_of(section, "startable_by", problems, values::word(&STARTERS)),
    }
}

pub(super) fn read_of<T>(
    section: &mut Section<'_>,
    key: &'static str,
    problems: &mut Problems,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<At<T>> {
    let field = section.take(key, problems)?;
    field.read(problems, read)
}

/// Reads a span of at most a day: nothing in a pause lasts longer than the longest limit.
pub(super) fn span_of_a_day(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|error| format!("{error}, found {text:?}"))?;
    fits_a_day(span).map_err(|why| format!("{why}, found {text:?}"))?;
    Ok(span)
}

/// A span that is not nothing: who wants none of something switches the type off.
pub(super) fn some_span_of_a_day(text: &str) -> Result<Duration, String> {
    let span = span_of_a_day(text)?;
    is_some_of_a_day(span).map(|()| span)
}

fn read_caps(section: &mut Section<'_>, problems: &mut Problems) -> Option<At<BTreeMap<TeamId, Cap>>> {
    let field = section.take("cap", problems)?;
    let teams = field.section(problems, field.place())?.take_all(problems);
    if teams.len() > TEAMS_OF_TYPE_MAX {
        field
            .refuse(problems, format_args!("at most {TEAMS_OF_TYPE_MAX} teams are allowed, these are {}", teams.len()));
        return None;
    }
    let wanted = teams.len();
    let caps: BTreeMap<TeamId, Cap> = teams.iter().filter_map(|team| read_cap(team, problems)).collect();
    (caps.len() == wanted).then_some(At { value: caps, line: field.line })
}

fn read_cap(field: &Field<'_>, problems: &mut Problems) -> Option<(TeamId, Cap)> {
    let team = match TeamId::new(&field.name) {
        Ok(team) => team,
        Err(why) => {
            field.refuse(problems, format_args!("this is no team's id: {why}"));
            return None;
        }
    };
    let of = |at: At<i64>| u32::try_from(at.value).ok();
    if !field.is_table() {
        let most = field.integer(problems, 1..=i64::from(CAP_MAX)).and_then(of)?;
        return Some((team, Cap::AtMost(most)));
    }
    let mut section = field.section(problems, field.place())?;
    let percent = section.take("percent", problems);
    let keep = section.take("keep_available", problems);
    section.finish(problems);
    let cap = match (percent, keep) {
        (Some(percent), None) => {
            let percent = percent.integer(problems, 1..=100)?;
            Cap::Percent(u8::try_from(percent.value).ok()?)
        }
        (None, Some(keep)) => Cap::KeepAvailable(keep.integer(problems, 1..=i64::from(CAP_MAX)).and_then(of)?),
        (Some(_), Some(_)) | (None, None) => {
            field.refuse(problems, "expected a number, { percent = 20 } or { keep_available = 5 }");
            return None;
        }
    };
    Some((team, cap))
}

/// Who has to agree: `"none"`, or how long supervisors have for it and what comes then.
fn read_approval(field: &Field<'_>, problems: &mut Problems) -> Option<At<Option<Approval>>> {
    if field.is_text() {
        return field.read(problems, |text| match text {
            "none" => Ok(None),
            other => Err(format!("expected {{ timeout = \"10m\", then = \"refuse\" }} or \"none\", found {other:?}")),
        });
    }
    let mut section = field.section(problems, field.place())?;
    let timeout = read_of(&mut section, "timeout", problems, some_span_of_a_day);
    let then = read_of(&mut section, "then", problems, values::word(&TIMEOUT_ENDS));
    section.finish(problems);
    let timeout = timeout.map_or(APPROVAL_TIMEOUT, |at| at.value);
    let at_timeout = then.map_or(AtTimeout::Refuse, |at| at.value);
    Some(At { value: Some(Approval { timeout, at_timeout }), line: field.line })
}

/// How often a type may be taken: a number, or `"none"` for any.
fn read_quota(field: &Field<'_>, problems: &mut Problems) -> Option<At<Option<u32>>> {
    if field.is_text() {
        return field.read(problems, |text| match text {
            "none" => Ok(None),
            other => Err(format!("expected a number or \"none\", found {other:?}")),
        });
    }
    let at = field.integer(problems, 1..=i64::from(QUOTA_COUNT_MAX))?;
    Some(At { value: u32::try_from(at.value).ok(), line: at.line })
}

fn limit(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|error| format!("{error}, found {text:?}"))?;
    if (LIMIT_MIN..=LIMIT_MAX).contains(&span) {
        Ok(span)
    } else {
        Err(format!("expected {} to {}, found {text:?}", show_span(LIMIT_MIN), show_span(LIMIT_MAX)))
    }
}

fn read_spans(section: &mut Section<'_>, key: &'static str, problems: &mut Problems) -> Option<At<BTreeSet<Duration>>> {
    let field = section.take(key, problems)?;
    let entries = field.list(problems)?;
    if entries.len() > THRESHOLDS_MAX {
        field.refuse(problems, format_args!("at most {THRESHOLDS_MAX} are allowed, these are {}", entries.len()));
        return None;
    }
    let mut spans = BTreeSet::new();
    for entry in entries {
        let Some(span) = entry.read(problems, span_of_a_day) else { continue };
        if !spans.insert(span.value) {
            entry.refuse(problems, format_args!("{} is listed twice", show_span(span.value)));
        }
    }
    Some(At { value: spans, line: field.line })
}

fn read_offered_to(field: &Field<'_>, problems: &mut Problems) -> Option<At<OfferedTo>> {
    if field.is_text() {
        let all = |text: &str| match text {
            "all" => Ok(OfferedTo::All),
            other => Err(format!("expected \"all\" or a list of teams, found {other:?}")),
        };
        return field.read(problems, all);
    }
    let teams = read_teams(field, TEAMS_OF_TYPE_MAX, problems)?;
    if teams.value.is_empty() {
        field.refuse(problems, OFFERED_TO_NOBODY);
        return None;
    }
    Some(At { value: OfferedTo::Only(teams.value.into_iter().collect()), line: teams.line })
}

fn read_windows(field: &Field<'_>, problems: &mut Problems) -> Option<At<Vec<At<Window>>>> {
    let entries = field.list(problems)?;
    if entries.len() > WINDOWS_MAX {
        field.refuse(problems, format_args!("at most {WINDOWS_MAX} windows are allowed, these are {}", entries.len()));
        return None;
    }
    let mut windows = Vec::new();
    for entry in entries {
        let Some(section) = entry.section(problems, field.place()) else { continue };
        if let Some(window) = read_window(&entry, section, problems) {
            windows.push(At { value: window, line: entry.line });
        }
    }
    Some(At { value: windows, line: field.line })
}

fn read_window(entry: &Field<'_>, mut section: Section<'_>, problems: &mut Problems) -> Option<Window> {
    let days = match section.take("days", problems) {
        Some(field) => read_days(&field, problems),
        None => Some(WeekDays::ALL),
    };
    let from = section.take("from", problems);
    let until = section.take("until", problems);
    section.finish(problems);
    let (Some(from), Some(until)) = (from, until) else {
        entry.refuse(problems, "a window needs `from` and `until`, such as from = \"11:30\", until = \"14:30\"");
        return None;
    };
    let from = from.read(problems, values::time_of_day);
    let until = until.read(problems, values::end_of_day);
    match Window::new(days?, from?.value, until?.value) {
        Ok(window) => Some(window),
        Err(error) => {
            entry.refuse(problems, error);
            None
        }
    }
}

fn read_days(field: &Field<'_>, problems: &mut Problems) -> Option<WeekDays> {
    if !field.is_list() {
        return field.read(problems, values::days).map(|at| at.value);
    }
    let entries = field.list(problems)?;
    let days: Vec<_> = entries.iter().filter_map(|entry| entry.read(problems, values::day)).collect();
    (days.len() == entries.len()).then(|| WeekDays::of(days.into_iter().map(|at| at.value)))
}
