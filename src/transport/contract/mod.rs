//! The contract as the server publishes it: OpenAPI for HTTP, OpenRPC for the methods, the schemas of both, TypeScript
//! types, the table of roles, and a page to read. All of it is written from the wire types, the methods and one list of
//! operations; what is committed under `docs/contract/` is compared with it by a test.

mod answers;
mod openapi;
mod openrpc;
mod operation;
mod operations;
mod page;
mod results;
mod roles;
mod schemas;
pub(super) mod served;
mod settings;
mod typescript;

pub use openapi::document as openapi;
pub use openrpc::document as openrpc;
pub use roles::markdown as roles;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The parameters of the query that a path takes, by method.
pub(super) fn query_names(path: &str) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let of_path = operations::operations().into_iter().filter(|operation| operation.path == path);
    let names = |operation: operation::Operation| {
        let in_query = operation.parameters.iter().filter(|parameter| parameter.place == "query");
        (operation.method, in_query.map(|parameter| parameter.name).collect())
    };
    of_path.map(names).collect()
}

/// The schemas of both documents as one JSON Schema document.
pub fn json_schemas() -> Value {
    let mut all: Map<String, Value> = Map::new();
    for document in [openapi(), openrpc()] {
        if let Some(Value::Object(schemas)) = document.pointer("/components/schemas").cloned() {
            all.extend(schemas);
        }
    }
    let mut sorted: Vec<(String, Value)> = all.into_iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let defs: Map<String, Value> =
        sorted.into_iter().map(|(name, schema)| (name, moved(schema, "#/components/schemas/", "#/$defs/"))).collect();
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Intervalo", "$defs": defs})
}

/// The same types for TypeScript, with the params and results of each method.
pub fn typescript() -> String {
    typescript::write(&json_schemas(), &openrpc())
}

/// A schema whose references lead elsewhere.
fn moved(schema: Value, from: &str, to: &str) -> Value {
    match schema {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(name, value)| match value.as_str().filter(|_| name == "$ref") {
                    Some(reference) => (name, Value::String(reference.replacen(from, to, 1))),
                    None => (name, moved(value, from, to)),
                })
                .collect(),
        ),
        Value::Array(list) => list.into_iter().map(|value| moved(value, from, to)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::board::FRAME_BYTES_MAX;

    #[test]
    fn a_batch_that_asks_for_the_document_fits_a_frame() {
        let bytes = openrpc().to_string().len();
        assert!(bytes < FRAME_BYTES_MAX / 2, "{bytes}");
    }
}
