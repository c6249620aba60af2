//! The OpenRPC document of the methods and notifications.

use serde_json::{Map, Value, json};

use super::results::{params_of as params_of_notification, result_of, summary_of};
use super::roles::roles_with;
use super::schemas::Schemas;
use crate::protocol::error::ErrorKind;
use crate::protocol::methods::Method;
use crate::protocol::methods::shapes::params_of;
use crate::protocol::notifications::Notification;
use crate::transport::rpc::action_of;

const DESCRIPTION: &str = "The methods of the WebSocket `/v1/ws` and of `POST /v1/rpc`. Params go by name. What the server \
    says without being asked is in `x-notifications`. `docs/protocol.md` of the project says how it all behaves.";

/// The document: of OpenRPC 1.3, with the notifications of the server beside its methods.
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let shapes: Vec<(Method, Value, Value)> = Method::ALL
        .iter()
        .map(|method| {
            let params = schemas.with(|generator| params_of(*method, generator));
            (*method, params, schemas.with(|generator| result_of(*method, generator)))
        })
        .collect();
    let notifications: Vec<Value> = Notification::ALL
        .into_iter()
        .map(|told| {
            let params = schemas.with(|generator| params_of_notification(told, generator));
            json!({"name": told.name(), "summary": summary_of(told), "params": params})
        })
        .collect();
    let named = schemas.named();
    let methods: Vec<Value> =
        shapes.into_iter().map(|(method, params, result)| write(method, resolved(&params, &named), result)).collect();
    let errors = ErrorKind::ALL
        .into_iter()
        .map(|kind| (name_of(kind).to_owned(), json!({"code": kind.number(), "message": sentence_of(kind)})));
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Intervalo",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"name": "this server", "url": "/v1/rpc"}],
        "methods": methods,
        "x-notifications": notifications,
        "components": {"schemas": named, "errors": errors.collect::<Map<String, Value>>()},
    })
}

/// The object that a reference leads to.
fn resolved<'a>(schema: &'a Value, named: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| named.get(name)).unwrap_or(schema)
}

fn write(method: Method, params: &Value, result: Value) -> Value {
    let required: Vec<&Value> = params["required"].as_array().into_iter().flatten().collect();
    let mut descriptors: Vec<Value> = Vec::new();
    for (name, schema) in params["properties"].as_object().into_iter().flatten() {
        let is_required = required.iter().any(|required| *required == name);
        let mut descriptor = json!({"name": name, "required": is_required, "schema": schema});
        if let Some(what) = schema.get("description") {
            descriptor["summary"] = what.clone();
        }
        descriptors.push(descriptor);
    }
    // Those that must be there first, as OpenRPC has it.
    descriptors.sort_by_key(|descriptor| descriptor["required"] != true);
    let by_position = [Method::BoardUnsubscribe, Method::RpcOn, Method::RpcOff].contains(&method);
    let errors: Vec<Value> = errors_of(method)
        .into_iter()
        .map(|kind| json!({"$ref": format!("#/components/errors/{}", name_of(kind))}))
        .collect();
    json!({
        "name": method.name(),
        "summary": method.summary(),
        "paramStructure": if by_position { "either" } else { "by-name" },
        "params": descriptors,
        "result": {"name": "result", "schema": result},
        "errors": errors,
        "x-roles": roles_with(action_of(method)),
    })
}

/// How a method can fail, besides not being a request at all.
fn errors_of(method: Method) -> Vec<ErrorKind> {
    let everybody = [
        ErrorKind::InvalidParams,
        ErrorKind::Internal,
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
    ];
    let more: &[ErrorKind] = match method {
        Method::SessionPing
        | Method::RpcOn
        | Method::RpcOff
        | Method::SessionOpen
        | Method::SessionRefresh
        | Method::SessionSignOut
        | Method::AgentGet
        | Method::PauseOptions
        | Method::RequestList => &[ErrorKind::Refused],
        Method::RpcDiscover => &[],
        Method::PolicyGet | Method::PolicyVersions => &[ErrorKind::NotFound],
        Method::PolicyPutDraft => &[ErrorKind::Conflict],
        Method::PolicyDryRun => &[ErrorKind::NotFound, ErrorKind::Conflict],
        Method::PolicyPublish => &[ErrorKind::Refused, ErrorKind::NotFound, ErrorKind::Conflict],
        Method::StatusSet
        | Method::PauseStart
        | Method::PauseAccept
        | Method::PauseEnd
        | Method::PauseCancel
        | Method::PauseAnnotate
        | Method::RequestCreate
        | Method::RequestCancel
        | Method::RequestDecide
        | Method::AlertAck
        | Method::AgentSetStatus
        | Method::AgentStartPause
        | Method::AgentEndPause
        | Method::AgentSignOut
        | Method::PauseExtend
        | Method::PauseCorrect
        | Method::OccupancySet
        | Method::BoardSubscribe
        | Method::BoardUnsubscribe => &[ErrorKind::Refused, ErrorKind::Conflict],
    };
    everybody.into_iter().chain(more.iter().copied()).collect()
}

fn name_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Parse => "parse_error",
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::MethodNotFound => "method_not_found",
        ErrorKind::InvalidParams => "invalid_params",
        ErrorKind::Internal => "internal",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::Refused => "refused",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Unavailable => "unavailable",
    }
}

fn sentence_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Parse => "The message is not JSON.",
        ErrorKind::InvalidRequest => "The message is no request.",
        ErrorKind::MethodNotFound => "There is no such method.",
        ErrorKind::InvalidParams => "A parameter is not what the method takes.",
        ErrorKind::Internal => "The server failed.",
        ErrorKind::Unauthenticated => "There is no credential that holds.",
        ErrorKind::Forbidden => "The credential does not reach that far, or there is nothing there.",
        ErrorKind::Refused => "A rule or the state stands against it; data.code says which.",
        ErrorKind::NotFound => "There is no such thing.",
        ErrorKind::Conflict => "The sender's picture is old; data.code says how.",
        ErrorKind::RateLimited => "Too many requests.",
        ErrorKind::Unavailable => "Out of reach for the moment; ask again.",
    }
}
