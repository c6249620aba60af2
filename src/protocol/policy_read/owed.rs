//! `entitlement_rules`: what the employer owes.

use std::time::Duration;

use serde_json::Value;

use super::{FromField, Object, Problems, number, required, some_span, span};
use crate::domain::entitlement::{ENTITLED_COUNT_MAX, ENTITLEMENT_RULES_MAX, EntitlementRule};
use crate::domain::id::{EntitlementRuleId, PauseTypeCode};

/// Reads the list; whether each fits its type is not looked at.
pub(super) fn read_owed(list: Vec<Value>, problems: &mut Problems) -> Vec<(PauseTypeCode, EntitlementRule)> {
    if list.len() > ENTITLEMENT_RULES_MAX {
        let count = list.len();
        problems.add("entitlement_rules", format!("at most {ENTITLEMENT_RULES_MAX} are allowed, these are {count}"));
        return Vec::new();
    }
    let path = |at| format!("entitlement_rules[{at}]");
    list.into_iter().enumerate().filter_map(|(at, value)| read_rule(value, &path(at), problems)).collect()
}

fn read_rule(value: Value, path: &str, problems: &mut Problems) -> Option<(PauseTypeCode, EntitlementRule)> {
    let mut object = Object::of(value, path, problems)?;
    let id = required(&mut object, "id", problems, EntitlementRuleId::from_field);
    let code = required(&mut object, "type", problems, PauseTypeCode::from_field);
    let planned_over = object.take("planned_shift_over_s", problems, span).unwrap_or_default();
    let planned_up_to = object.take("planned_shift_up_to_s", problems, some_span);
    let count = object.take("count", problems, |value| number(&value, ENTITLED_COUNT_MAX)).unwrap_or(1);
    let min = required(&mut object, "min_s", problems, some_span);
    let (after_start, before_end) = match object.raw("window") {
        Some(value) => read_window(value, &object.path_of("window"), problems),
        None => (Duration::ZERO, Duration::ZERO),
    };
    object.finish(problems);
    let rule = EntitlementRule { id: id?, planned_over, planned_up_to, count, min: min?, after_start, before_end };
    Some((code?, rule))
}

fn read_window(value: Value, path: &str, problems: &mut Problems) -> (Duration, Duration) {
    let Some(mut object) = Object::of(value, path, problems) else { return (Duration::ZERO, Duration::ZERO) };
    let after_start = object.take("after_start_s", problems, span).unwrap_or_default();
    let before_end = object.take("before_end_s", problems, span).unwrap_or_default();
    object.finish(problems);
    (after_start, before_end)
}
