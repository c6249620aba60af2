//! The OpenAPI 3.1 document of HTTP, from the list of operations.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::{Answer, Needs, Operation, Parameter};
use super::operations::operations;
use super::roles::{name_of, roles_with};
use super::schemas::{Schemas, of};
use crate::transport::access::COOKIE_NAME;
use crate::transport::problem::Document as Problem;

const DESCRIPTION: &str = "Real-time presence and pauses of contact centres. What the methods of JSON-RPC take and answer \
    is in `/v1/openrpc.json`; `docs/protocol.md` of the project says how it all behaves.\n\n\
    Every failure is a problem document (RFC 9457) with a stable `code`. Before a request is read the server may answer \
    400 or 431 to a head that it cannot read, and 503 while there is no place for one more connection, without a body. \
    Any other path answers 404.\n\n\
    Planned: `/v1/webhooks`, signed posts to addresses of the company's own. It answers 404 until then.";

/// The document.
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<usize, (&'static str, Map<String, Value>)> = BTreeMap::new();
    for operation in operations() {
        let place = paths.values().position(|(path, _)| *path == operation.path).unwrap_or(paths.len());
        let written = write(&operation, &mut schemas);
        let (_, item) = paths.entry(place).or_insert((operation.path, Map::new()));
        item.insert(operation.method.to_ascii_lowercase(), written);
    }
    let paths: Map<String, Value> =
        paths.into_values().map(|(path, item)| (path.to_owned(), Value::Object(item))).collect();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Intervalo",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token of an issuer, or a key."},
                "login": {"type": "apiKey", "in": "cookie", "name": COOKIE_NAME, "description": "A browser's login."},
            },
            "schemas": schemas.named(),
        },
    })
}

fn write(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut written = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": who(operation.needs),
        "tags": [tag_of(operation.path)],
    });
    match operation.needs {
        Needs::Nothing => written["security"] = json!([]),
        Needs::Credential => written["security"] = json!([{"bearer": []}, {"login": []}]),
        Needs::Action(action) => {
            written["security"] = json!([{"bearer": []}, {"login": []}]);
            written["x-roles"] = json!(roles_with(action));
        }
        Needs::Either(one, other) => {
            written["security"] = json!([{"bearer": []}, {"login": []}]);
            written["x-roles"] = json!([roles_with(one), roles_with(other)].concat());
        }
    }
    if !operation.parameters.is_empty() {
        written["parameters"] = operation.parameters.iter().map(|parameter| parameter_of(parameter, schemas)).collect();
    }
    if let Some((schema, is_required)) = operation.body {
        let content =
            operation.body_media.iter().map(|media| ((*media).to_owned(), json!({"schema": schemas.of(schema)})));
        let content = content.collect::<Map<String, Value>>();
        written["requestBody"] = json!({"required": is_required, "content": content});
    }
    written["responses"] = Value::Object(responses(operation, schemas));
    written
}

/// Who may, in a sentence.
pub(super) fn who(needs: Needs) -> String {
    match needs {
        Needs::Nothing => "Needs no credential.".to_owned(),
        Needs::Credential => "Needs a credential of any role.".to_owned(),
        Needs::Action(action) => format!("For {}: {}.", roles_with(action).join(", "), name_of(action)),
        Needs::Either(one, other) => {
            let each = [one, other].map(|action| format!("for {}: {}", roles_with(action).join(", "), name_of(action)));
            format!("Needs a credential; {}.", each.join("; "))
        }
    }
}

/// The part of the house that a path belongs to.
fn tag_of(path: &str) -> &str {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some("v1"), Some(part)) => part.split('.').next().unwrap_or(part),
        _ => "operations",
    }
}

fn parameter_of(parameter: &Parameter, schemas: &mut Schemas) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required,
        "description": parameter.what,
        "schema": schemas.of(parameter.schema),
    })
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Value> = BTreeMap::new();
    for answer in &operation.answers {
        by_status.insert(answer.status, answer_of(answer, schemas));
    }
    for (status, codes) in &operation.problems {
        let reason = http::StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let listed: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let what = format!("{}: {}.", reason.unwrap_or("Failed"), listed.join(", "));
        let problem = json!({"schema": schemas.of(of::<Problem<'static>>)});
        let response = by_status.entry(*status).or_insert_with(|| json!({"description": what, "content": {}}));
        response["content"]["application/problem+json"] = problem;
        response["x-codes"] = json!(codes);
        if let Some((name, what)) = header_of(*status) {
            response["headers"] = json!({name: {"required": true, "description": what, "schema": {"type": "string"}}});
        }
    }
    by_status.into_iter().map(|(status, response)| (status.to_string(), response)).collect()
}

/// The header that every problem of a status has.
fn header_of(status: u16) -> Option<(&'static str, &'static str)> {
    match status {
        401 => Some(("WWW-Authenticate", "`Bearer`.")),
        405 => Some(("Allow", "The methods that the path answers.")),
        429 => Some(("Retry-After", "After how many seconds to ask again.")),
        _ => None,
    }
}

fn answer_of(answer: &Answer, schemas: &mut Schemas) -> Value {
    let mut written = json!({"description": answer.what});
    if !answer.content.is_empty() {
        let content = answer.content.iter().map(|(media, schema)| {
            let schema = schemas.of(*schema);
            ((*media).to_owned(), json!({ "schema": schema }))
        });
        written["content"] = Value::Object(content.collect());
    }
    if !answer.headers.is_empty() {
        let header = |what: &str| json!({"required": true, "description": what, "schema": {"type": "string"}});
        let headers = answer.headers.iter().map(|(name, what)| ((*name).to_owned(), header(what)));
        written["headers"] = Value::Object(headers.collect());
    }
    written
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_contract_has_every_path_that_is_served_and_no_other() {
        let served: BTreeSet<(String, String)> = crate::transport::http::paths()
            .into_iter()
            .flat_map(|(path, methods)| methods.split(", ").map(move |method| (path.to_owned(), method.to_owned())))
            .collect();
        let told: BTreeSet<(String, String)> = operations()
            .into_iter()
            .map(|operation| (operation.path.to_owned(), operation.method.to_owned()))
            .collect();
        assert_eq!(served, told);
    }

    #[test]
    fn names_of_operations_are_used_once_and_every_reference_leads_somewhere() {
        let ids: Vec<&str> = operations().iter().map(|operation| operation.id).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let document = document();
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str));
                    object.values().for_each(|value| references(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100, "{}", found.len());
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
