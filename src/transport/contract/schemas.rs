//! JSON Schemas of the wire types, gathered while a document is written.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Where the schemas of a document stand in it.
const PLACE: &str = "/components/schemas";

/// A schema that an operation or a method points to.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schemas that one document needs.
pub(super) struct Schemas {
    generator: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Schemas {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = PLACE.into();
            settings.meta_schema = None;
        });
        Schemas { generator: settings.into_generator() }
    }

    /// A schema, by reference where it has a name.
    pub(super) fn of(&mut self, schema: SchemaOf) -> Value {
        tidied(schema(&mut self.generator).to_value())
    }

    /// A schema that something written by hand makes.
    pub(super) fn with(&mut self, schema: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
        tidied(schema(&mut self.generator).to_value())
    }

    /// The named schemas, by name.
    pub(super) fn named(mut self) -> Value {
        let mut named: Vec<(String, Value)> = self.generator.take_definitions(true).into_iter().collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named.into_iter().map(|(name, schema)| (name, tidied(schema))).collect::<Map<_, _>>().into()
    }
}

/// A schema as the protocol means it: what is absent is left out and never null, and a number's width is its bounds'.
fn tidied(schema: Value) -> Value {
    match schema {
        Value::Object(object) => tidied_object(object),
        Value::Array(list) => list.into_iter().map(tidied).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema,
    }
}

fn tidied_object(object: Map<String, Value>) -> Value {
    let mut kept = Map::new();
    for (name, value) in object {
        match (name.as_str(), value) {
            ("type", Value::Array(types)) => {
                let mut types: Vec<Value> = types.into_iter().filter(|kind| kind != "null").collect();
                let alone = if types.len() == 1 { types.pop() } else { None };
                kept.insert(name, alone.unwrap_or(Value::Array(types)));
            }
            ("anyOf", Value::Array(choices)) => {
                let mut choices: Vec<Value> =
                    choices.into_iter().filter(|choice| *choice != json!({"type": "null"})).map(tidied).collect();
                match (choices.len(), choices.pop()) {
                    (1, Some(Value::Object(alone))) => kept.extend(alone),
                    (_, last) => {
                        choices.extend(last);
                        kept.insert(name, Value::Array(choices));
                    }
                }
            }
            ("format", Value::String(format)) if format.starts_with("uint") || format.starts_with("int") => {}
            // Line breaks of a doc comment are those of the source.
            ("description", Value::String(text)) => {
                kept.insert(name, Value::String(text.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
            // A property may be called as a keyword is.
            ("properties", Value::Object(properties)) => {
                let properties: Map<_, _> = properties.into_iter().map(|(name, value)| (name, tidied(value))).collect();
                kept.insert(name, Value::Object(properties));
            }
            ("const" | "enum" | "examples", value) => {
                kept.insert(name, value);
            }
            (_, value) => {
                kept.insert(name, tidied(value));
            }
        }
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_never_null() {
        let schema = json!({
            "type": "object",
            "properties": {
                "format": {"type": ["string", "null"]},
                "by": {"description": "Who\n did it.", "anyOf": [{"$ref": "#/a"}, {"type": "null"}]},
                "count": {"type": ["integer", "null"], "format": "uint32", "minimum": 0},
            },
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "format": {"type": "string"},
                "by": {"description": "Who did it.", "$ref": "#/a"},
                "count": {"type": "integer", "minimum": 0},
            },
        });
        assert_eq!(tidied(schema), expected);
    }
}
