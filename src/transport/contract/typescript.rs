//! TypeScript types, written from the JSON Schemas.

use std::fmt::Write;

use serde_json::Value;

/// Writes a type for each schema, and the params and results of the methods and notifications by name.
pub(super) fn write(schemas: &Value, openrpc: &Value) -> String {
    let mut text = String::from("// The types of protocol v1 of Intervalo, written by `just contract`.\n");
    for (name, schema) in schemas["$defs"].as_object().into_iter().flatten() {
        doc(&mut text, schema, "");
        match schema["properties"].as_object() {
            Some(_) => {
                let _ = writeln!(text, "export interface {name} {}", object(schema, ""));
            }
            None => {
                let _ = writeln!(text, "export type {name} = {};", kind(schema, ""));
            }
        }
    }
    text.push_str("\n/** Every method with what it takes and what it answers. */\nexport interface Methods {\n");
    for method in openrpc["methods"].as_array().into_iter().flatten() {
        let params: Vec<String> = method["params"].as_array().into_iter().flatten().map(descriptor).collect();
        let params = if params.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", params.join("; ")) };
        let result = kind(&method["result"]["schema"], "  ");
        let _ = writeln!(text, "  {}: {{ params: {params}; result: {result} }};", method["name"]);
    }
    text.push_str("}\n\n/** Every notification of the server with its params. */\nexport interface Notifications {\n");
    for told in openrpc["x-notifications"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "  {}: {};", told["name"], kind(&told["params"], "  "));
    }
    text.push_str("}\n");
    text
}

fn descriptor(descriptor: &Value) -> String {
    let must = if descriptor["required"] == true { "" } else { "?" };
    format!("{}{must}: {}", descriptor["name"].as_str().unwrap_or_default(), kind(&descriptor["schema"], "  "))
}

fn doc(text: &mut String, schema: &Value, indent: &str) {
    if let Some(what) = schema["description"].as_str() {
        let _ = writeln!(text, "{indent}/** {} */", what.replace("*/", "* /"));
    }
}

fn object(schema: &Value, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = String::from("{\n");
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        doc(&mut text, schema, &inner);
        let must = if required.iter().any(|required| required == name) { "" } else { "?" };
        let _ = writeln!(text, "{inner}{name}{must}: {};", kind(schema, &inner));
    }
    let _ = write!(text, "{indent}}}");
    text
}

/// A schema as a type.
fn kind(schema: &Value, indent: &str) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return name.to_owned();
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    if let Some(word) = schema.get("const") {
        return word.to_string();
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return choices.iter().map(|choice| kind(choice, indent)).collect::<Vec<_>>().join(" | ");
    }
    match &schema["type"] {
        Value::String(name) => named(name, schema, indent),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| named(name, schema, indent))
            .collect::<Vec<_>>()
            .join(" | "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "unknown".to_owned(),
    }
}

fn named(name: &str, schema: &Value, indent: &str) -> String {
    match name {
        "string" => "string".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "boolean" => "boolean".to_owned(),
        "null" => "null".to_owned(),
        "array" => format!("Array<{}>", kind(&schema["items"], indent)),
        "object" if schema["properties"].is_object() => object(schema, indent),
        "object" if schema["additionalProperties"].is_object() => {
            format!("Record<string, {}>", kind(&schema["additionalProperties"], indent))
        }
        "object" if schema["additionalProperties"] == false => "Record<string, never>".to_owned(),
        _ => "Record<string, unknown>".to_owned(),
    }
}
