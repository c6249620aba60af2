//! One type of pause, read to be put among the others of a policy; its fields have their own names as paths.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::owed::read_owed;
use super::{Beside, Problem, Problems, TYPES_MAX, check_kept, field_of, listed, read_type};
use crate::domain::entitlement::{EntitlementRule, owe, owed_in};
use crate::domain::id::PauseTypeCode;
use crate::domain::policy::PauseClass;
use crate::domain::policy_plans::PauseTypes;
use crate::protocol::error::WireError;

/// What a type is read under, which nobody is shown.
const ROOT: &str = "type";

/// Reads one type with what it owes, and gives the policy's types with it in place of the one with its code. What it owes is as it
/// is in force where `entitlement_rules` is left out.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_one(
    code: &PauseTypeCode,
    mut body: Map<String, Value>,
    beside: Beside<'_>,
) -> Result<PauseTypes, Vec<Problem>> {
    let mut problems = Problems::default();
    if body.get("code").is_some_and(|named| named != code.as_str()) {
        problems.add("code", "is not that of the address, and no type changes its code");
    }
    body.insert("code".to_owned(), json!(code.as_str()));
    let written = body.remove("entitlement_rules");
    let mut types = beside.policy.types.clone();
    let on_menu = types.values().filter(|kind| kind.archived_at.is_none() && kind.code != *code).count();
    if on_menu >= TYPES_MAX {
        problems
            .add("code", format!("would be one more than the {TYPES_MAX} types that there may be; archive one first"));
    }
    let kept = types.len() + usize::from(!types.contains_key(code));
    check_kept("code", kept, beside.policy, &mut problems);
    let mut of_type = Problems::default();
    let kind = read_type(Value::Object(body), ROOT, beside, &mut of_type);
    for Problem { field, problem } in of_type.list {
        problems.add(field.strip_prefix("type.").unwrap_or(&field), problem);
    }
    let others = owed_in(&beside.policy.types).filter(|(of, _)| *of != code);
    let mut rules: Vec<_> = others.map(|(of, rule)| (of.clone(), rule.clone())).collect();
    let others = rules.len();
    match (written, &kind) {
        (Some(written), _) => rules.extend(read_own(code, written, &mut problems)),
        (None, Some(kind)) if kind.kind.class() == PauseClass::Entitlement => {
            let own = owed_in(&beside.policy.types).filter(|(of, _)| *of == code);
            rules.extend(own.map(|(of, rule)| (of.clone(), rule.clone())));
        }
        (None, Some(_) | None) => {}
    }
    if let Some(kind) = kind.filter(|_| problems.list.is_empty()) {
        types.insert(code.clone(), Arc::new(kind));
        for unfit in owe(&mut types, &rules) {
            let place = unfit.place.checked_sub(others);
            let path = place.map_or_else(String::new, |place| format!("[{place}].{}", field_of(&unfit)));
            problems.add(format!("entitlement_rules{path}"), unfit.problem);
        }
    }
    if problems.list.is_empty() { Ok(types) } else { Err(problems.list) }
}

/// What a type owes by its own list, in which no rule needs to say of which type it is.
fn read_own(code: &PauseTypeCode, written: Value, problems: &mut Problems) -> Vec<(PauseTypeCode, EntitlementRule)> {
    let Value::Array(mut list) = written else {
        problems.add("entitlement_rules", "must be a list");
        return Vec::new();
    };
    for (at, rule) in list.iter_mut().enumerate() {
        let Value::Object(rule) = rule else { continue };
        let of = rule.entry("type").or_insert_with(|| json!(code.as_str()));
        if *of != code.as_str() {
            problems.add(format!("entitlement_rules[{at}].type"), "is another type; put what it owes there");
        }
    }
    read_owed(list, problems)
}

/// The refusal of a type.
pub fn refused_one(problems: &[Problem]) -> WireError {
    let count = problems.len();
    let field = problems.first().map_or(ROOT, |first| first.field.as_str());
    let mut error = WireError::invalid_params(field, "does not fit");
    error.message = format!("The type has {count} {} to correct.", if count == 1 { "problem" } else { "problems" });
    error.with("problems", listed(problems))
}
