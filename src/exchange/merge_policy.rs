//! The pause types of a merge, with the checks that need more than one field (semantics §3).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::difference::{Kind, first_name, pause_type_fields};
use super::file::ImportFile;
use super::merge::{Gathered, LeftOut};
use super::pause_type::{OfferedTo, PauseTypePatch, RulesPatch};
use crate::domain::entitlement::{ENTITLEMENT_RULES_MAX, UnfitRule, owe, owed_in};
use crate::domain::policy::{OnEarlyEnd, PauseClass, PauseKind, PauseRules, PauseType, Policy};
use crate::domain::policy_check::{
    PROTECTED_HAS_NO_RULES, PROTECTION_STAYS, Unfit, Warnings, changes_protection, check_override, settle_rules,
};
use crate::domain::time::Timestamp;

/// Puts the pause types of a file, and what it says is owed, on top of a policy; the version stays.
pub(super) fn merge_policy(
    before: Option<&Policy>,
    file: &ImportFile,
    left_out: LeftOut,
    now: Timestamp,
    gathered: &mut Gathered,
) -> Policy {
    let before = before.cloned().unwrap_or_else(Policy::empty);
    let mut policy = before.clone();
    for patch in &file.pause_types {
        let there = policy.types.get(&patch.code).cloned();
        let Some(merged) = merge_type(there.as_deref(), patch, left_out, now, gathered) else { continue };
        policy.types.insert(patch.code.clone(), Arc::new(merged));
    }
    let listed: BTreeSet<_> = file.pause_types.iter().map(|patch| &patch.code).collect();
    if left_out == LeftOut::Goes {
        for (code, kind) in &mut policy.types {
            if !listed.contains(code) && kind.archived_at.is_none() {
                *kind = Arc::new(PauseType { archived_at: Some(now), ..PauseType::clone(kind) });
            }
        }
    }
    merge_owed(&mut policy, file, left_out, gathered);
    let others = policy.types.keys().filter(|code| !listed.contains(code));
    for code in file.pause_types.iter().map(|patch| &patch.code).chain(others) {
        tell_difference(before.types.get(code), policy.types.get(code), !listed.contains(code), gathered);
    }
    policy
}

/// What was owed before has to fit what the types are now.
fn check_owed(policy: &mut Policy, file: &ImportFile, gathered: &mut Gathered) {
    let rules: Vec<_> = owed_in(&policy.types).map(|(code, rule)| (code.clone(), rule.clone())).collect();
    for UnfitRule { place, problem, .. } in owe(&mut policy.types, &rules) {
        let (code, id) = (rules[place].0.as_str(), rules[place].1.id.as_str());
        let patch = file.pause_types.iter().find(|patch| patch.code == rules[place].0);
        let limit = patch.and_then(|patch| patch.rules.limit.as_ref().map(|at| at.line));
        let line = limit.or(patch.map(|patch| patch.line)).unwrap_or(1);
        gathered.refuse(line, format!("pause type {code:?}: the entitlement rule {id:?} in force: `min`: {problem}"));
    }
}

fn tell_difference(
    before: Option<&Arc<PauseType>>,
    after: Option<&Arc<PauseType>>,
    left_out: bool,
    gathered: &mut Gathered,
) {
    let Some(after) = after else { return };
    let code = after.code.as_str();
    match before {
        Some(before) if left_out && before.archived_at.is_none() && after.archived_at.is_some() => {
            gathered.difference.removed(Kind::PauseType, code, "archived; the history stays");
        }
        Some(before) => {
            gathered.difference.changed(Kind::PauseType, code, &pause_type_fields(before), &pause_type_fields(after));
        }
        None => gathered.difference.added(Kind::PauseType, code, first_name(&after.name)),
    }
}

/// What is owed is what the file says, where it says anything of it.
fn merge_owed(policy: &mut Policy, file: &ImportFile, left_out: LeftOut, gathered: &mut Gathered) {
    let patches = match (&file.entitlement_rules, left_out) {
        (Some(patches), _) => patches.as_slice(),
        (None, LeftOut::Goes) => &[],
        (None, LeftOut::Stays) => return check_owed(policy, file, gathered),
    };
    let line = |place: usize| patches.get(place).map_or(1, |patch| patch.line);
    if patches.len() > ENTITLEMENT_RULES_MAX {
        let message = format!("at most {ENTITLEMENT_RULES_MAX} entitlement rules are allowed");
        return gathered.refuse(line(ENTITLEMENT_RULES_MAX), message);
    }
    let rules: Vec<_> = patches.iter().map(|patch| (patch.pause_type.clone(), patch.rule.clone())).collect();
    for UnfitRule { place, field, problem } in owe(&mut policy.types, &rules) {
        let id = rules[place].1.id.as_str();
        gathered.refuse(line(place), format!("entitlement rule {id:?}: `{field}`: {problem}"));
    }
}

fn merge_type(
    there: Option<&PauseType>,
    patch: &PauseTypePatch,
    left_out: LeftOut,
    now: Timestamp,
    gathered: &mut Gathered,
) -> Option<PauseType> {
    let what = format!("pause type {:?}", patch.code.as_str());
    let name = patch.name.value_or(there.map(|there| there.name.clone()));
    if name.is_none() && patch.name.is_absent() {
        gathered.refuse(patch.line, format!("{what}: `name` is missing; a new pause type needs one"));
    }
    let kept = there.filter(|_| left_out == LeftOut::Stays);
    let class = patch.class.as_ref().map(|at| at.value).or(kept.map(|kept| kept.kind.class()));
    let class = class.unwrap_or(PauseClass::Regular);
    if there.is_some_and(|there| changes_protection(there.kind.class(), class)) {
        let line = patch.class.as_ref().map_or(patch.line, |at| at.line);
        gathered.refuse(line, format!("{what}: `class`: {PROTECTION_STAYS}"));
    }
    let rules = || {
        let base = kept.and_then(|kept| kept.kind.rules()).cloned().unwrap_or_default();
        let rules = merge_rules(base, &patch.rules);
        match &patch.overrides {
            Some(at) => PauseRules { overrides: at.value.iter().map(|at| at.value.clone()).collect(), ..rules },
            None => rules,
        }
    };
    let color = patch.color.as_ref().map(|at| at.value.clone());
    let color = color.unwrap_or_else(|| kept.and_then(|kept| kept.color.clone()));
    let (kind, color) = match class {
        PauseClass::Protected => {
            refuse_rules_of_protected(&what, patch, gathered);
            (PauseKind::Protected, None)
        }
        PauseClass::Entitlement => (PauseKind::Entitlement(checked(&what, rules(), class, patch, gathered)), color),
        PauseClass::Regular => {
            let rules = PauseRules { owed: Vec::new(), ..rules() };
            (PauseKind::Regular(checked(&what, rules, class, patch, gathered)), color)
        }
    };
    let teams = match patch.teams.as_ref().map(|at| &at.value) {
        Some(OfferedTo::All) => None,
        Some(OfferedTo::Only(teams)) => Some(teams.clone()),
        None => kept.and_then(|kept| kept.teams.clone()),
    };
    let archived_before = there.and_then(|there| there.archived_at);
    let archived_at = match (patch.archived, left_out) {
        (Some(true), _) => Some(archived_before.unwrap_or(now)),
        (Some(false), _) | (None, LeftOut::Goes) => None,
        (None, LeftOut::Stays) => archived_before,
    };
    let description = patch.description.as_ref().map(|at| at.value.clone());
    Some(PauseType {
        code: patch.code.clone(),
        name: name?,
        description: description.or_else(|| kept.map(|kept| kept.description.clone())).unwrap_or_default(),
        icon: patch.icon.clone().unwrap_or_else(|| kept.and_then(|kept| kept.icon.clone())),
        color,
        position: patch.position.or(kept.map(|kept| kept.position)).unwrap_or(0),
        enabled: patch.enabled.or(kept.map(|kept| kept.enabled)).unwrap_or(true),
        archived_at,
        teams,
        kind,
    })
}

pub(super) fn merge_rules(base: PauseRules, patch: &RulesPatch) -> PauseRules {
    let value = |at: &Option<crate::config::At<BTreeSet<Duration>>>, base: BTreeSet<Duration>| {
        at.as_ref().map_or(base, |at| at.value.clone())
    };
    PauseRules {
        paid: patch.paid.map_or(base.paid, |at| at.value),
        counts_as_work: patch.counts_as_work.map_or(base.counts_as_work, |at| at.value),
        min_duration: patch.min_duration.map_or(base.min_duration, |at| at.value),
        on_early_end: patch.on_early_end.map_or(base.on_early_end, |at| at.value),
        refund_under: patch.refund_under.map_or(base.refund_under, |at| at.value),
        limit: patch.limit.map_or(base.limit, |at| at.value),
        warn_before: value(&patch.warn_before, base.warn_before),
        grace: patch.grace.map_or(base.grace, |at| at.value),
        on_limit: patch.on_limit.map_or(base.on_limit, |at| at.value),
        escalate_after: value(&patch.escalate_after, base.escalate_after),
        windows: match &patch.windows {
            Some(at) => at.value.iter().map(|at| at.value).collect(),
            None => base.windows,
        },
        queue_opens_before: patch.queue_opens_before.map_or(base.queue_opens_before, |at| at.value),
        not_in_first: patch.not_in_first.map_or(base.not_in_first, |at| at.value),
        not_in_last: patch.not_in_last.map_or(base.not_in_last, |at| at.value),
        quota_count: patch.quota_count.map_or(base.quota_count, |at| at.value),
        quota_time: patch.quota_time.map_or(base.quota_time, |at| at.value),
        cooldown: patch.cooldown.map_or(base.cooldown, |at| at.value),
        cooldown_any: patch.cooldown_any.map_or(base.cooldown_any, |at| at.value),
        when_full: patch.when_full.map_or(base.when_full, |at| at.value),
        approval: patch.approval.map_or(base.approval, |at| at.value),
        when_occupied: patch.when_occupied.map_or(base.when_occupied, |at| at.value),
        cap: patch.cap.as_ref().map_or(base.cap, |at| at.value.clone()),
        startable_by: patch.startable_by.map_or(base.startable_by, |at| at.value),
        owed: base.owed,
        overrides: base.overrides,
    }
}

/// A protected type has no rules, so that none can be set, stored or enforced.
fn refuse_rules_of_protected(what: &str, patch: &PauseTypePatch, gathered: &mut Gathered) {
    let color = patch.color.as_ref().filter(|at| at.value.is_some()).map(|at| ("color", at.line));
    let overrides = patch.overrides.as_ref().map(|at| ("overrides", at.line));
    for (field, line) in patch.rules.given().into_iter().chain(color).chain(overrides) {
        gathered.refuse(line, format!("{what}: `{field}`: {PROTECTED_HAS_NO_RULES}"));
    }
}

/// Checks the rules that need more than one field, and notes those that do nothing.
fn checked(
    what: &str,
    mut rules: PauseRules,
    class: PauseClass,
    patch: &PauseTypePatch,
    gathered: &mut Gathered,
) -> PauseRules {
    let given = &patch.rules;
    let warnings = if given.warn_before.is_some() { Warnings::Written } else { Warnings::Kept };
    for Unfit { field, problem } in settle_rules(&mut rules, class, warnings) {
        gathered.refuse(line_of(field, patch), format!("{what}: `{field}`: {problem}"));
    }
    for (place, one) in rules.overrides.iter().enumerate() {
        let line = patch.overrides.as_ref().and_then(|at| at.value.get(place)).map_or(patch.line, |at| at.line);
        for Unfit { field, problem } in check_override(one, &rules, class) {
            gathered.refuse(line, format!("{what}: `overrides`: `{field}`: {problem}"));
        }
    }
    if let Some(at) = given.warn_before.as_ref().filter(|at| rules.limit.is_none() && !at.value.is_empty()) {
        gathered.note(at.line, format!("{what}: `warn_before` does nothing without a `limit`"));
    }
    if rules.on_early_end == OnEarlyEnd::Hold && rules.min_duration.is_none() {
        let line = given.on_early_end.as_ref().map_or(patch.line, |at| at.line);
        gathered.note(line, format!("{what}: `on_early_end = \"hold\"` holds nothing without a `min_duration`"));
    }
    rules
}

/// The line of a field that does not go with another: its own, else that of the other one, else that of the type.
fn line_of(field: &str, patch: &PauseTypePatch) -> usize {
    let (given, limit) = (patch.rules.given(), "limit");
    let line = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, line)| *line);
    let class = patch.class.as_ref().map(|at| at.line).filter(|_| field == "on_limit");
    line(field).or(class).or_else(|| line(limit).filter(|_| field == "min_duration")).unwrap_or(patch.line)
}
