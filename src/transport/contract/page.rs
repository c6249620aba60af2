//! The OpenAPI document as one page to read: no scripts, nothing loaded from elsewhere.

use std::fmt::Write;

use serde_json::Value;

use super::roles::{name_of, word_of};
use crate::auth::{Action, Role, reach};
use crate::transport::sheet::escaped;

/// The only style that the page may have, by its hash.
pub(super) const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1a1a1a;\
    background:#fff}h2{border-bottom:1px solid #999;margin-top:2em}h3{margin-top:2em}code{font-size:.95em;\
    overflow-wrap:anywhere}table{border-collapse:collapse;margin:.5em 0;width:100%}th,td{border:1px solid #bbb;\
    padding:.2em .5em;text-align:left;vertical-align:top}th{background:#eee}nav ul{list-style:none;padding:0}\
    a{color:#0645ad}";

/// Writes the page.
pub(super) fn write(openapi: &Value) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Intervalo over HTTP</title>\
         <style>{STYLE}</style></head>\n<body>\n<h1>Intervalo over HTTP</h1>\n"
    );
    for paragraph in string(&openapi["info"]["description"]).split("\n\n") {
        let _ = writeln!(text, "<p>{}</p>", prose(paragraph));
    }
    text.push_str(
        "<p>The same for programs: <a href=\"/v1/openapi.json\">OpenAPI</a>, \
         <a href=\"/v1/openrpc.json\">OpenRPC</a>.</p>\n<nav><h2>Operations</h2><ul>\n",
    );
    for (path, method, operation) in operations(openapi) {
        let id = escaped(string(&operation["operationId"]));
        let (path, summary) = (escaped(path), escaped(string(&operation["summary"])));
        let _ = writeln!(
            text,
            "<li><a href=\"#{id}\"><code>{} {path}</code></a> {summary}</li>",
            method.to_ascii_uppercase()
        );
    }
    text.push_str("</ul></nav>\n");
    roles(&mut text);
    for (path, method, operation) in operations(openapi) {
        section(&mut text, path, method, operation);
    }
    text.push_str("<h2 id=\"schemas\">Schemas</h2>\n");
    for (name, schema) in openapi["components"]["schemas"].as_object().into_iter().flatten() {
        described(&mut text, name, schema);
    }
    text.push_str("</body></html>\n");
    text
}

fn operations(openapi: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    openapi["paths"].as_object().into_iter().flatten().flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn roles(text: &mut String) {
    text.push_str("<h2 id=\"roles\">Roles</h2>\n<table><tr><th></th>");
    for role in Role::ALL {
        let _ = write!(text, "<th>{role}</th>");
    }
    text.push_str("</tr>\n");
    for action in Action::ALL {
        let _ = write!(text, "<tr><th>{}</th>", escaped(name_of(action)));
        for role in Role::ALL {
            let _ = write!(text, "<td>{}</td>", prose(word_of(reach(role, action))));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table>\n");
}

fn section(text: &mut String, path: &str, method: &str, operation: &Value) {
    let id = escaped(string(&operation["operationId"]));
    let method = method.to_ascii_uppercase();
    let summary = escaped(string(&operation["summary"]));
    let who = prose(string(&operation["description"]));
    let _ = writeln!(
        text,
        "<section id=\"{id}\"><h3><code>{method} {}</code></h3>\n<p>{summary}. {who}</p>",
        escaped(path)
    );
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        text.push_str("<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>\n");
        for parameter in parameters {
            let must = if parameter["required"] == true { "" } else { "?" };
            let _ = writeln!(
                text,
                "<tr><td><code>{}{must}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(string(&parameter["name"])),
                escaped(string(&parameter["in"])),
                kind(&parameter["schema"]),
                prose(string(&parameter["description"])),
            );
        }
        text.push_str("</table>\n");
    }
    if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
        let _ = writeln!(text, "<p>Body: {}</p>", kind(schema));
    }
    text.push_str("<table><tr><th>status</th><th></th><th>body</th></tr>\n");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let content = response["content"].as_object().into_iter().flatten();
        let bodies: Vec<String> = content
            .map(|(media, content)| format!("<code>{}</code>: {}", escaped(media), kind(&content["schema"])))
            .collect();
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(status),
            prose(string(&response["description"])),
            bodies.join("<br>"),
        );
    }
    text.push_str("</table></section>\n");
}

fn described(text: &mut String, name: &str, schema: &Value) {
    let what = prose(string(&schema["description"]));
    let id = escaped(name);
    let _ = writeln!(text, "<section id=\"schema-{id}\"><h3><code>{id}</code></h3>\n<p>{what}</p>");
    let properties = schema["properties"].as_object();
    if let Some(properties) = properties.filter(|properties| !properties.is_empty()) {
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        text.push_str("<table><tr><th>field</th><th>type</th><th></th></tr>\n");
        for (field, schema) in properties {
            let must = if required.iter().any(|required| required == field) { "" } else { "?" };
            let _ = writeln!(
                text,
                "<tr><td><code>{}{must}</code></td><td>{}</td><td>{}</td></tr>",
                escaped(field),
                kind(schema),
                prose(string(&schema["description"])),
            );
        }
        text.push_str("</table>\n");
    } else {
        let _ = writeln!(text, "<p>{}</p>", kind(schema));
    }
    text.push_str("</section>\n");
}

/// What a schema is, in a few words, with links to the named ones.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(|word| format!("<code>{}</code>", escaped(string(word)))).collect();
        return words.join(" | ");
    }
    if let Some(word) = schema.get("const") {
        return format!("<code>{}</code>", escaped(&word.to_string()));
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("{} by name", kind(&schema["additionalProperties"]))
        }
        Some(kind) => match schema["format"].as_str() {
            Some(format) => format!("{} ({})", escaped(kind), escaped(format)),
            None => escaped(kind),
        },
        None => "anything".to_owned(),
    }
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text in which what stands between backticks is code.
fn prose(text: &str) -> String {
    let mut written = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = escaped(part);
        let _ = if at % 2 == 1 { write!(written, "<code>{part}</code>") } else { write!(written, "{part}") };
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_every_link_in_it_leads_somewhere() {
        let page = write(&super::super::openapi());
        for word in ["<script", "src=", "url(", "http://", "javascript:", " style="] {
            assert!(!page.contains(word), "{word}");
        }
        let links: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() > 50, "{}", links.len());
        for link in links {
            assert!(page.contains(&format!("id=\"{link}\"")), "{link}");
        }
    }
}
