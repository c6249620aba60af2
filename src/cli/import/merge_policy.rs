//! The pause types of a merge, with the checks that need more than one field (semantics §3).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::difference::{Kind, first_name, pause_type_fields};
use super::merge::{Gathered, LeftOut};
use super::pause_type::{OfferedTo, PauseTypePatch, RulesPatch};
use crate::domain::policy::{OnEarlyEnd, PauseClass, PauseKind, PauseRules, PauseType, Policy};
use crate::domain::policy_check::{PROTECTED_HAS_NO_RULES, Unfit, Warnings, settle_rules};
use crate::domain::time::Timestamp;

/// Puts the pause types of a file on top of a policy; the version stays.
pub(super) fn merge_policy(
    before: Option<&Policy>,
    patches: &[PauseTypePatch],
    left_out: LeftOut,
    now: Timestamp,
    gathered: &mut Gathered,
) -> Policy {
    let mut policy = before.cloned().unwrap_or_else(Policy::empty);
    for patch in patches {
        let there = policy.types.get(&patch.code).cloned();
        let Some(merged) = merge_type(there.as_deref(), patch, left_out, now, gathered) else { continue };
        let code = patch.code.as_str();
        match there {
            Some(there) => gathered.difference.changed(
                Kind::PauseType,
                code,
                &pause_type_fields(&there),
                &pause_type_fields(&merged),
            ),
            None => gathered.difference.added(Kind::PauseType, code, first_name(&merged.name)),
        }
        policy.types.insert(patch.code.clone(), Arc::new(merged));
    }
    if left_out == LeftOut::Goes {
        let listed: BTreeSet<_> = patches.iter().map(|patch| &patch.code).collect();
        for (code, kind) in &mut policy.types {
            if !listed.contains(code) && kind.archived_at.is_none() {
                gathered.difference.removed(Kind::PauseType, code.as_str(), "archived; the history stays");
                *kind = Arc::new(PauseType { archived_at: Some(now), ..PauseType::clone(kind) });
            }
        }
    }
    policy
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
    let rules = || {
        let base = kept.and_then(|kept| kept.kind.rules()).cloned().unwrap_or_default();
        merge_rules(base, &patch.rules)
    };
    let color = patch.color.as_ref().map(|at| at.value.clone());
    let color = color.unwrap_or_else(|| kept.and_then(|kept| kept.color.clone()));
    let (kind, color) = match class {
        PauseClass::Protected => {
            refuse_rules_of_protected(&what, patch, gathered);
            (PauseKind::Protected, None)
        }
        PauseClass::Entitlement => (PauseKind::Entitlement(checked(&what, rules(), class, patch, gathered)), color),
        PauseClass::Regular => (PauseKind::Regular(checked(&what, rules(), class, patch, gathered)), color),
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

fn merge_rules(base: PauseRules, patch: &RulesPatch) -> PauseRules {
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
    }
}

/// A protected type has no rules, so that none can be set, stored or enforced.
fn refuse_rules_of_protected(what: &str, patch: &PauseTypePatch, gathered: &mut Gathered) {
    let color = patch.color.as_ref().filter(|at| at.value.is_some()).map(|at| ("color", at.line));
    for (field, line) in patch.rules.given().into_iter().chain(color) {
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
