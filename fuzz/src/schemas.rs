//! The schemas that the contract publishes. What a reader takes, they must take: a client is written against them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use intervalo::protocol::methods::{Method, shapes};
use intervalo::protocol::policy_shapes::{EntitlementRuleObject, PauseTypeObject};
use jsonschema::Validator;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// The parameters of each method.
static PARAMS: LazyLock<BTreeMap<Method, Validator>> =
    LazyLock::new(|| Method::ALL.iter().map(|&method| (method, params_of(method))).collect());
/// A type of pause.
static PAUSE_TYPE: LazyLock<Validator> = LazyLock::new(of::<PauseTypeObject>);
/// What a type owes.
static ENTITLEMENT_RULE: LazyLock<Validator> = LazyLock::new(of::<EntitlementRuleObject>);

fn params_of(method: Method) -> Validator {
    let mut generator = SchemaGenerator::default();
    let root = shapes::params_of(method, &mut generator).to_value();
    let mut whole = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [root]});
    whole["$defs"] = Value::Object(generator.take_definitions(true));
    jsonschema::validator_for(&whole).expect("the contract has schemas")
}

fn of<T: JsonSchema>() -> Validator {
    let schema = SchemaGenerator::default().into_root_schema_for::<T>().to_value();
    jsonschema::validator_for(&schema).expect("the contract has schemas")
}

/// True when the contract allows these parameters of a method.
pub(crate) fn allow_params(method: Method, params: &Value) -> bool {
    PARAMS.get(&method).is_some_and(|schema| schema.is_valid(params))
}

/// True when the contract allows this type of pause.
pub(crate) fn allow_pause_type(kind: &Value) -> bool {
    PAUSE_TYPE.is_valid(kind)
}

/// True when the contract allows this rule of what is owed.
pub(crate) fn allow_entitlement_rule(rule: &Value) -> bool {
    ENTITLEMENT_RULE.is_valid(rule)
}
