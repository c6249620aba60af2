//! `[[entitlement_rules]]` as they are written (semantics §3).

use std::time::Duration;

use super::file::read_id;
use super::pause_type::{read_of, some_span_of_a_day, span_of_a_day};
use crate::config::{At, Problems, Section};
use crate::domain::entitlement::{ENTITLED_COUNT_MAX, EntitlementRule};
use crate::domain::id::{EntitlementRuleId, PauseTypeCode};

/// What a file says about one rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EntitlementRulePatch {
    pub line: usize,
    pub pause_type: PauseTypeCode,
    pub rule: EntitlementRule,
}

/// Reads one rule.
pub(super) fn read_rule(mut section: Section<'_>, problems: &mut Problems) -> Option<EntitlementRulePatch> {
    let line = section.line;
    let id = read_id(&mut section, "id", "entitlement rule", problems, EntitlementRuleId::new);
    let code = section.take("type", problems);
    if code.is_none() {
        section.refuse(problems, "`type` is missing; it is the code of the pause type that is owed");
    }
    let code = code.and_then(|field| field.read(problems, PauseTypeCode::new));
    let planned_over = read_of(&mut section, "planned_shift_over", problems, span_of_a_day);
    let planned_up_to = read_of(&mut section, "planned_shift_up_to", problems, some_span_of_a_day);
    let count = section.take("count", problems);
    let count = count.map(|field| field.integer(problems, 1..=i64::from(ENTITLED_COUNT_MAX)));
    let min = read_of(&mut section, "min", problems, some_span_of_a_day);
    if min.is_none() {
        section.refuse(problems, "`min` is missing, or does not read; a shorter pause than this does not count");
    }
    let (after_start, before_end) = match section.take("window", problems) {
        Some(field) => {
            let mut window = field.section(problems, field.place())?;
            let after_start = read_of(&mut window, "after_start", problems, span_of_a_day);
            let before_end = read_of(&mut window, "before_end", problems, span_of_a_day);
            window.finish(problems);
            (after_start, before_end)
        }
        None => (None, None),
    };
    section.finish(problems);
    let span = |at: Option<At<Duration>>| at.map_or(Duration::ZERO, |at| at.value);
    let count = match count {
        Some(count) => u32::try_from(count?.value).ok()?,
        None => 1,
    };
    Some(EntitlementRulePatch {
        line,
        pause_type: code?.value,
        rule: EntitlementRule {
            id: id?,
            planned_over: span(planned_over),
            planned_up_to: planned_up_to.map(|at| at.value),
            count,
            min: min?.value,
            after_start: span(after_start),
            before_end: span(before_end),
        },
    })
}
