//! What the rules of a pause type may say, beside each other and by themselves (semantics §3).
//!
//! The import file and the protocol both ask here: what one of them takes the other takes too.

use std::collections::BTreeSet;
use std::time::Duration;

use super::id::TeamId;
use super::overrides::{OverrideFor, RuleField, RuleOverride};
use super::policy::{LIMIT_MAX, OnLimit, PauseClass, PauseRules, PauseType, WARN_BEFORE};
use super::time::{seconds, show_span};

/// The shortest limit (semantics §3).
pub const LIMIT_MIN: Duration = seconds(1);
/// The most warnings, and the most escalations, of one type.
pub const THRESHOLDS_MAX: usize = 8;
/// The highest `quota_count`: one a minute of a whole day.
pub const QUOTA_COUNT_MAX: u32 = 1440;
/// The highest number in a cap: more people than any team has.
pub const CAP_MAX: u32 = 1_000_000;
/// The most windows of one type.
pub const WINDOWS_MAX: usize = 32;
/// The most teams that a type may be offered to by name, or have a cap for.
pub const TEAMS_OF_TYPE_MAX: usize = 1000;

/// The most types of a company, archived ones too, which stay for its history: ten times a full menu.
pub const TYPES_KEPT_MAX: usize = 2_000;

/// What a rule of a protected type is answered with.
pub const PROTECTED_HAS_NO_RULES: &str = "a protected pause type may have no rules and no colour; take it out";
/// What a change of the class to or from protected is answered with.
pub const PROTECTION_STAYS: &str = "what is protected stays so, and nothing else becomes it: a code never changes its meaning; archive the type and \
     define another";

/// True when a type would be protected and was not, or is no more: what people were promised when they chose it.
pub fn changes_protection(before: PauseClass, after: PauseClass) -> bool {
    (before == PauseClass::Protected) != (after == PauseClass::Protected)
}

/// What a cap in an override is answered with.
pub const CAP_IS_OF_A_TEAM: &str = "a cap is a team's own already; set it in `cap` of the type";
/// What an empty list of teams is answered with.
pub const OFFERED_TO_NOBODY: &str =
    "the list is empty, so nobody would be offered it; write \"all\", or enabled = false";

/// Nothing in a pause lasts longer than the longest limit.
///
/// # Errors
/// What is allowed.
pub fn fits_a_day(span: Duration) -> Result<(), String> {
    if span > LIMIT_MAX { Err(format!("at most {} is allowed", show_span(LIMIT_MAX))) } else { Ok(()) }
}

/// A span that is not nothing.
///
/// # Errors
/// What to write instead.
pub fn is_some_of_a_day(span: Duration) -> Result<(), String> {
    if span.is_zero() {
        Err("nothing is left of it; write one of 1s at least, or take it out".to_owned())
    } else {
        Ok(())
    }
}

/// Where the warnings of a type come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warnings {
    /// Somebody has just written them.
    Written,
    /// They were there before, or are the default.
    Kept,
}

/// A field of the rules that does not go with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The field.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl Unfit {
    fn new(field: &'static str, problem: String) -> Unfit {
        Unfit { field, problem }
    }
}

/// Checks the rules that need more than one field. The default warning is dropped where the limit leaves no room for it;
/// one that somebody wrote is refused instead.
pub fn settle_rules(rules: &mut PauseRules, class: PauseClass, warnings: Warnings) -> Vec<Unfit> {
    let mut unfit = Vec::new();
    if let Some(limit) = rules.limit {
        let shown = show_span(limit);
        if warnings == Warnings::Kept && rules.warn_before == BTreeSet::from([WARN_BEFORE]) {
            rules.warn_before.retain(|span| *span < limit);
        }
        let mut too_long = rules.warn_before.iter().filter(|span| **span >= limit).map(|span| show_span(*span));
        match warnings {
            Warnings::Written => unfit.extend(too_long.map(|span| {
                Unfit::new("warn_before", format!("{span} is not before the limit of {shown}; make it shorter"))
            })),
            Warnings::Kept => unfit.extend(too_long.next().map(|span| {
                Unfit::new(
                    "limit",
                    format!(
                        "{shown} is not longer than the warning {span} before it that is in force; give `warn_before` too"
                    ),
                )
            })),
        }
    }
    if let (Some(min), Some(limit)) = (rules.min_duration, rules.limit)
        && min > limit
    {
        let (min, limit) = (show_span(min), show_span(limit));
        unfit.push(Unfit::new("min_duration", format!("{min} is longer than the limit of {limit}")));
    }
    if class == PauseClass::Entitlement && rules.on_limit == OnLimit::EndAvailable {
        let problem = "\"end_available\" is not for an entitlement; choose mark, end_unavailable or sign_out";
        unfit.push(Unfit::new("on_limit", problem.to_owned()));
    }
    unfit
}

/// Checks an override by itself, and beside the rules that it changes.
pub fn check_override(one: &RuleOverride, rules: &PauseRules, class: PauseClass) -> Vec<Unfit> {
    let mut unfit = Vec::new();
    if one.fields.is_empty() {
        unfit.push(Unfit::new("reason", "the override changes no rule; name one, such as windows".to_owned()));
    }
    if let (Some(from), Some(until)) = (one.from, one.until)
        && until < from
    {
        unfit.push(Unfit::new("until", format!("{until} is before {from}, so it would never hold")));
    }
    let warnings = if one.fields.contains(&RuleField::WarnBefore) { Warnings::Written } else { Warnings::Kept };
    let mut changed = rules.clone();
    one.set(&mut changed);
    unfit.extend(settle_rules(&mut changed, class, warnings));
    unfit
}

/// The teams that a type names, each with the field that does.
pub fn teams_named(pause_type: &PauseType) -> impl Iterator<Item = (&'static str, &TeamId)> {
    let offered = pause_type.teams.iter().flatten().map(|team| ("teams", team));
    let rules = pause_type.kind.rules();
    let capped = rules.into_iter().flat_map(|rules| rules.cap.keys()).map(|team| ("cap", team));
    let overridden = rules.into_iter().flat_map(|rules| &rules.overrides).filter_map(|one| match &one.whom {
        OverrideFor::Team(team) => Some(("overrides", team)),
        OverrideFor::Agent(_) => None,
    });
    offered.chain(capped).chain(overridden)
}
