//! The contract as a server publishes it, to hold its answers against.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::server::Answer;

/// The documents of a server, with schemas that take no field they do not name.
pub(crate) struct Published {
    openapi: Value,
    openrpc: Value,
}

impl Published {
    pub(crate) fn of(openapi: Value, openrpc: Value) -> Published {
        Published { openapi: strict(openapi), openrpc: strict(openrpc) }
    }

    /// Holds an answer against what the document says of the operation.
    #[track_caller]
    pub(crate) fn check(&self, method: &str, path: &str, answer: &Answer) {
        let operation = &self.openapi["paths"][path][method.to_ascii_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not in the document");
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{method} {path} answers {}, which is not in the document", answer.status);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let is_there = answer.headers.contains_key(&name.to_ascii_lowercase());
            assert!(is_there || header["required"] != true, "{method} {path} {}: no {name}", answer.status);
        }
        if answer.body.is_empty() {
            // A text may be empty, JSON is not.
            let promised = response["content"].as_object().into_iter().flatten();
            let is_json = promised.into_iter().any(|(media, _)| media.ends_with("json"));
            assert!(!is_json, "{method} {path} {}: the document promises a body", answer.status);
            return;
        }
        let media = answer.headers.get("content-type").expect("a media type");
        let media = media.split(';').next().expect("a media type");
        let content = &response["content"][media];
        assert!(content.is_object(), "{method} {path} {}: {media} is not in the document", answer.status);
        if media.ends_with("json") {
            let body = answer.json();
            assert_valid(&content["schema"], &self.openapi, &body, &format!("{method} {path} {}", answer.status));
            if media == "application/problem+json" {
                let codes = response["x-codes"].as_array().expect("codes");
                assert!(codes.contains(&body["code"]), "{method} {path}: {body} is not among {codes:?}");
            }
        }
    }

    /// Every operation, `GET /v1/me`.
    pub(crate) fn operations(&self) -> BTreeSet<String> {
        let paths = self.openapi["paths"].as_object().expect("paths").iter();
        let of = |(path, item): (&String, &Value)| -> Vec<String> {
            let methods = item.as_object().expect("methods").keys();
            methods.map(|method| format!("{} {path}", method.to_ascii_uppercase())).collect()
        };
        paths.flat_map(of).collect()
    }

    /// Every method, or every notification by `x-notifications`.
    pub(crate) fn names(&self, list: &str) -> BTreeSet<String> {
        let list = self.openrpc[list].as_array().expect("a list").iter();
        list.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// Holds the answer to a call against what the document says of the method.
    #[track_caller]
    pub(crate) fn check_call(&self, name: &str, params: &Value, answer: &Value) {
        let method = self.named("methods", name);
        match answer.get("error") {
            None => {
                assert_valid(&method["result"]["schema"], &self.openrpc, &answer["result"], name);
                self.check_params(name, method, params);
            }
            Some(error) => {
                let errors = method["errors"].as_array().expect("errors").iter();
                let numbers: Vec<&Value> = errors
                    .map(|error| error["$ref"].as_str().expect("a reference").trim_start_matches('#'))
                    .map(|place| &self.openrpc.pointer(place).expect("an error")["code"])
                    .collect();
                assert!(numbers.contains(&&error["code"]), "{name}: {error} is not among {numbers:?}");
                assert_valid(&json!({"$ref": "#/components/schemas/Error"}), &self.openapi, error, name);
            }
        }
    }

    fn check_params(&self, name: &str, method: &Value, params: &Value) {
        let descriptors = method["params"].as_array().expect("params");
        for (param, value) in params.as_object().expect("by name") {
            let descriptor = descriptors.iter().find(|descriptor| descriptor["name"] == *param);
            let descriptor = descriptor.unwrap_or_else(|| panic!("{name} took {param}, which is not in the document"));
            assert_valid(&descriptor["schema"], &self.openrpc, value, &format!("{name} {param}"));
        }
        for descriptor in descriptors.iter().filter(|descriptor| descriptor["required"] == true) {
            let param = descriptor["name"].as_str().expect("a name");
            assert!(params.get(param).is_some(), "{name} did without {param}");
        }
    }

    /// Holds the params of a notification against the document.
    #[track_caller]
    pub(crate) fn check_notification(&self, name: &str, params: &Value) {
        let told = self.named("x-notifications", name);
        assert_valid(&told["params"], &self.openrpc, params, name);
    }

    fn named(&self, list: &str, name: &str) -> &Value {
        let found = self.openrpc[list].as_array().expect("a list").iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in the document"))
    }
}

#[track_caller]
fn assert_valid(schema: &Value, document: &Value, value: &Value, what: &str) {
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": document["components"],
    });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema");
    let wrong: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}\n{value:#}");
}

/// A document whose objects have only the properties that it names.
fn strict(document: Value) -> Value {
    match document {
        Value::Object(object) => {
            let mut object: serde_json::Map<String, Value> =
                object.into_iter().map(|(name, value)| (name, strict(value))).collect();
            let is_schema =
                object.get("type").is_some_and(|kind| kind == "object") && object.contains_key("properties");
            if is_schema && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
            Value::Object(object)
        }
        Value::Array(list) => list.into_iter().map(strict).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => document,
    }
}
