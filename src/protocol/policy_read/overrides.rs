//! `overrides` of a type: the fields of the rules, for whom, for how long and why.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Beside, FromField, Object, Problems, SPANS, read_list, read_rules, required};
use crate::domain::id::{AgentId, TeamId};
use crate::domain::overrides::{OVERRIDE_REASON_MAX, OVERRIDES_MAX, OverrideFor, RuleField, RuleOverride};
use crate::domain::policy::{PauseClass, PauseRules};
use crate::domain::policy_check::{CAP_IS_OF_A_TEAM, Unfit, check_override};
use crate::domain::policy_values::{date, printable};

/// Reads the list, beside the rules that they change.
pub(super) fn read_overrides(
    object: &mut Object,
    rules: &PauseRules,
    class: PauseClass,
    beside: Beside<'_>,
    problems: &mut Problems,
) -> Vec<RuleOverride> {
    let list = read_list(object, "overrides", OVERRIDES_MAX, problems).unwrap_or_default();
    let path = |at| object.path_of(&format!("overrides[{at}]"));
    list.into_iter()
        .enumerate()
        .filter_map(|(at, value)| read_override(value, &path(at), (rules, class), beside, problems))
        .collect()
}

fn read_override(
    value: Value,
    path: &str,
    (rules, class): (&PauseRules, PauseClass),
    beside: Beside<'_>,
    problems: &mut Problems,
) -> Option<RuleOverride> {
    let mut object = Object::of(value, path, problems)?;
    let team = object.take("team", problems, TeamId::from_field);
    let agent = object.take("agent", problems, AgentId::from_field);
    let from = object.take("from", problems, |value| date(&String::from_field(value)?));
    let until = object.take("until", problems, |value| date(&String::from_field(value)?));
    let why = |value| printable(&String::from_field(value)?, OVERRIDE_REASON_MAX);
    let reason = required(&mut object, "reason", problems, why);
    let before = problems.list.len();
    // By itself it says too little to be settled: that is done beside the rules of the type.
    let (values, given) = read_rules(&mut object, PauseClass::Protected, problems);
    let mut fields = BTreeSet::new();
    for name in given {
        match RuleField::of_name(name.strip_suffix("_s").unwrap_or(name)) {
            Some(field) => {
                fields.insert(field);
            }
            None => problems.add(object.path_of(name), CAP_IS_OF_A_TEAM),
        }
    }
    let told = problems.list.len() > before;
    let whom = match (team, agent) {
        (Some(team), None) => Some(OverrideFor::Team(team)),
        (None, Some(agent)) => Some(OverrideFor::Agent(agent)),
        (Some(_), Some(_)) | (None, None) => {
            problems.add(path, "must be for a team or for an agent; name one of them");
            None
        }
    };
    let path = object.path.clone();
    object.finish(problems);
    if let Some(OverrideFor::Agent(agent)) = &whom
        && !beside.directory.agents.contains_key(agent)
    {
        let agent = agent.as_str();
        problems
            .add(format!("{path}.agent"), format!("there is no agent {agent:?}; use the id of one in the directory"));
    }
    // Of rules that could not be read it is told already.
    if fields.is_empty() && (told || problems.list.len() > before) {
        return None;
    }
    let read = RuleOverride { whom: whom?, fields, values, from, until, reason: reason? };
    for Unfit { field, problem } in check_override(&read, rules, class) {
        let field = if SPANS.contains(&field) { format!("{field}_s") } else { field.to_owned() };
        problems.add(format!("{path}.{field}"), problem);
    }
    Some(read)
}
