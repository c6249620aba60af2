//! Drafts of a policy: types that read back as they were, in JSON and in the import file, or problems by the path of a field.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use intervalo::domain::id::PolicyVersion;
use intervalo::domain::policy::Policy;
use intervalo::domain::policy_plans::PauseTypes;
use intervalo::exchange::round_trip::{Company, LeftOut, to_toml};
use intervalo::protocol::board::FRAME_BYTES_MAX;
use intervalo::protocol::policy_read::{Beside, Problem, read_types, refused};
use intervalo::protocol::policy_write::{summary, write_difference, write_owed, write_types};
use serde_json::{Value, json};

use crate::company::{NOW, directory};
use crate::company_toml::changes_nothing;
use crate::schemas::{allow_entitlement_rule, allow_pause_type};
use crate::told::{ensure, prints};
use crate::{Held, Outcome};

/// What is in force: a type of each class, one of which is archived.
static IN_FORCE: LazyLock<Policy> = LazyLock::new(|| {
    let types = json!([
        {"code": "almoco", "name": {"pt-BR": "Almoço"}, "limit_s": 3600},
        {"code": "banheiro", "name": {"pt-BR": "Banheiro"}, "class": "protected"},
        {"code": "descanso", "name": {"pt-BR": "Descanso"}, "class": "entitlement", "limit_s": 900},
        {"code": "antigo", "name": {"pt-BR": "Antigo"}, "archived_at": "2020-01-01T00:00:00.000Z"},
    ]);
    let owed = json!([{"id": "nr17", "type": "descanso", "min_s": 600}]);
    let (policy, directory) = (Policy::empty(), directory());
    let beside = Beside { policy: &policy, directory: &directory, now: NOW };
    let types = read_types(list(types), Some(list(owed)), beside).expect("a policy that can be");
    Policy { version: PolicyVersion(1), types }
});

/// What is asked.
pub(crate) struct Subject {
    /// Writes types.
    pub(crate) write: fn(&PauseTypes) -> Value,
    /// Writes a company as an import file.
    pub(crate) export: fn(&Company) -> String,
}

impl Subject {
    pub(crate) const PRODUCT: Subject = Subject { write: write_types, export: to_toml };
}

/// A list of types, or an object of `types` and `entitlement_rules` as `policy.put_draft` takes them.
pub(crate) fn hold(input: &[u8], subject: &Subject) -> Held {
    let (types, owed) = match serde_json::from_slice::<Value>(input) {
        Ok(Value::Array(types)) => (types, None),
        Ok(Value::Object(mut draft)) => {
            let owed = draft.remove("entitlement_rules").and_then(|owed| owed.as_array().cloned());
            (draft.remove("types").map(list).unwrap_or_default(), owed)
        }
        Ok(_) | Err(_) => return Ok(Outcome::Refused),
    };
    let directory = directory();
    let beside = Beside { policy: &IN_FORCE, directory: &directory, now: NOW };
    let read = match read_types(types.clone(), owed.clone(), beside) {
        Ok(read) => read,
        Err(problems) => {
            are_well_told(&problems)?;
            return Ok(Outcome::Refused);
        }
    };
    for kind in &types {
        ensure(allow_pause_type(kind), || format!("what its schema refuses is taken: {kind}"))?;
    }
    for rule in owed.iter().flatten() {
        ensure(allow_entitlement_rule(rule), || format!("what its schema refuses is taken: {rule}"))?;
    }
    let written = (subject.write)(&read);
    for kind in written.as_array().into_iter().flatten() {
        ensure(allow_pause_type(kind), || format!("what its schema refuses is written: {kind}"))?;
    }
    let again = read_types(list(written.clone()), Some(list(write_owed(&read))), beside);
    ensure(again.as_ref() == Ok(&read), || format!("{read:?}\nreads back as {again:?}\nfrom {written}"))?;
    differs_from_itself_in_nothing(&read)?;
    if !read.is_empty() {
        let company = Company { directory, policy: Policy { version: PolicyVersion(2), types: read } };
        let text = (subject.export)(&company);
        for left_out in [LeftOut::Stays, LeftOut::Goes] {
            changes_nothing(&company, &text, left_out)?;
        }
    }
    Ok(Outcome::Accepted)
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Vec::new(),
    }
}

/// Each problem is by the path of a field, and the refusal fits a frame.
fn are_well_told(problems: &[Problem]) -> Result<(), String> {
    ensure(!problems.is_empty(), || "it is refused, and nothing is wrong with it".to_owned())?;
    for Problem { field, problem } in problems {
        prints(field)?;
        prints(problem)?;
        let is_path = ["types", "entitlement_rules"].iter().any(|root| field.starts_with(root));
        ensure(is_path, || format!("no path of a field: {field}"))?;
    }
    let error = serde_json::to_string(&refused(problems)).map_err(|why| why.to_string())?;
    ensure(error.len() < FRAME_BYTES_MAX, || format!("{} problems in {} bytes", problems.len(), error.len()))
}

fn differs_from_itself_in_nothing(types: &PauseTypes) -> Result<(), String> {
    let itself = write_difference(types, types);
    ensure(itself == json!([]), || format!("a difference from itself: {itself}"))?;
    let none = BTreeMap::new();
    let (added, removed) = (summary(&none, types), summary(types, &none));
    let count = types.len();
    ensure(added == json!({"added": count, "changed": 0, "removed": 0}), || format!("{count} new ones are {added}"))?;
    ensure(removed == json!({"added": 0, "changed": 0, "removed": count}), || format!("{count} gone are {removed}"))
}
