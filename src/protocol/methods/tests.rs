//! Methods as they are called, and as they are refused.

use serde_json::json;

use super::*;

fn read(method: &str, params: Value) -> Result<Invocation, WireError> {
    let params = match params {
        Value::Object(named) => Params::Named(named),
        Value::Array(list) => Params::Positional(list),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Params::Absent,
    };
    Invocation::read(Method::named(method).expect("a method"), params)
}

fn field(method: &str, params: Value) -> String {
    let error = read(method, params).expect_err("not valid");
    assert_eq!(error.code, -32602);
    error.data.params["field"].as_str().expect("a name").to_owned()
}

#[test]
fn names_and_methods_are_one_to_one() {
    for &method in Method::ALL {
        assert_eq!(Method::named(method.name()), Some(method));
    }
    assert_eq!(Method::named("pause.begin"), None);
}

#[test]
fn every_method_refuses_an_unknown_parameter_by_name() {
    for &method in Method::ALL {
        let mut params = example(method);
        params["surprise"] = json!(1);
        assert_eq!(field(method.name(), params), "surprise", "{}", method.name());
        assert!(read(method.name(), example(method)).is_ok(), "{}", method.name());
    }
}

/// Parameters that the method takes, all of them.
fn example(method: Method) -> Value {
    let op = "01890a5d-ac96-774b-bcce-b302099a8057";
    match method {
        Method::SessionOpen => json!({"token": "t", "presence": false, "client": {"name": "x", "version": "1"}}),
        Method::SessionPing | Method::AgentGet | Method::RpcDiscover => json!({}),
        Method::SessionRefresh => json!({"token": "t"}),
        Method::SessionSignOut => json!({"scope": "all", "pause": "end"}),
        Method::StatusSet => json!({"status": "available", "when": "after_work", "op": op, "expected_version": 3}),
        Method::PauseOptions => json!({"watch": true}),
        Method::PauseStart => {
            json!({"type": "almoco", "note": "n", "replaces": op, "op": op, "expected_version": 3})
        }
        Method::PauseAccept => json!({"offer": op, "op": op, "expected_version": 3}),
        Method::PauseCancel => json!({"what": "queue", "op": op, "expected_version": 3}),
        Method::PauseEnd => json!({"then": "unavailable", "op": op, "expected_version": 3}),
        Method::AgentSetStatus => {
            json!({"agent": "ana", "reason": "r", "status": "offline", "op": op, "on_behalf": true})
        }
        Method::AgentStartPause => json!({"agent": "ana", "reason": "r", "type": "almoco", "override": false}),
        Method::AgentEndPause => json!({"agent": "ana", "reason": "r", "then": "available", "override": true}),
        Method::AgentSignOut => json!({"agent": "ana", "reason": "r", "expected_version": 3}),
        Method::PauseExtend => json!({"agent": "ana", "reason": "r", "by_ms": 60000}),
        Method::PauseCorrect => json!({
            "pause": op, "ended_at": "2026-11-22T20:57:49.123Z", "reason": "r", "on_behalf": true, "op": op
        }),
        Method::PauseAnnotate => json!({"pause": op, "text": "é".repeat(1000), "op": op}),
        Method::RequestCreate => json!({"type": "almoco", "reason": "r", "extra_ms": 60000, "op": op}),
        Method::RequestCancel => json!({"request": op, "op": op}),
        Method::RequestList => json!({}),
        Method::AlertAck => json!({"alert": format!("overrun:{op}"), "op": op}),
        Method::RequestDecide => json!({
            "request": op, "decision": "grant", "reason": "r", "uses": 2, "until": "2026-11-22T20:57:49.123Z", "op": op
        }),
        Method::OccupancySet => json!({
            "agent": "ana", "source": "pbx", "seq": 1, "ttl_s": 60, "channels": {"voice": 1}, "wrap_up": true,
            "expected_version": 3
        }),
        Method::PolicyGet => json!({"version": 3}),
        Method::PolicyVersions => json!({"limit": 5, "cursor": "7"}),
        Method::PolicyPutDraft => json!({"types": [], "base_version": 3, "note": "n"}),
        Method::PolicyDryRun => json!({"to": "2026-11-22", "days": 7}),
        Method::PolicyPublish => json!({"at": "now", "loosen_only": true, "reason": "r"}),
        Method::BoardSubscribe => json!({"teams": ["suporte"], "cursor": "c"}),
        Method::BoardUnsubscribe => json!({"subscription": "s"}),
        Method::RpcOn | Method::RpcOff => json!({"names": ["agent.changed"]}),
    }
}

/// The schema of a method's parameters, with all that it refers to.
fn schema(method: Method) -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    let root = shapes::params_of(method, &mut generator).to_value();
    let mut whole = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [root]});
    whole["$defs"] = Value::Object(generator.take_definitions(true));
    whole
}

fn own_part(whole: &Value) -> &Value {
    let reference = whole["allOf"][0]["$ref"].as_str().expect("a reference");
    whole.pointer(reference.trim_start_matches('#')).expect("it leads there")
}

#[test]
fn the_schema_of_each_method_says_what_its_reader_takes() {
    for &method in Method::ALL {
        let (name, whole) = (method.name(), schema(method));
        let schema = jsonschema::validator_for(&whole).expect("a schema");
        let params = example(method);
        assert!(schema.is_valid(&params), "{name}: {params}");
        let mut unknown = params.clone();
        unknown["surprise"] = json!(1);
        assert!(!schema.is_valid(&unknown), "{name} takes what its reader refuses");
        let own = own_part(&whole);
        for property in own["properties"].as_object().into_iter().flatten().map(|(property, _)| property) {
            let mut wrong = params.clone();
            wrong[property] = json!({"\u{0}": []});
            let error = read(name, wrong.clone()).expect_err("not valid");
            assert!(!error.message.contains("is unknown to this method"), "{name} does not read {property}");
            assert!(!schema.is_valid(&wrong), "{name}: {wrong}");
        }
        for (property, _) in params.as_object().expect("an object") {
            let mut less = params.clone();
            less.as_object_mut().expect("an object").remove(property);
            let required = own["required"].as_array().into_iter().flatten().any(|name| name == property);
            // A publication needs a reason, what is withdrawn does not: that is beyond the schema.
            let is_either = (name, property.as_str()) == ("policy.publish", "reason");
            assert_eq!(read(name, less.clone()).is_err(), required || is_either, "{name} without {property}");
            assert_eq!(schema.is_valid(&less), !required, "{name} without {property}");
        }
        for required in own["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(params.get(required).is_some(), "{name}: the example has no {required}");
        }
    }
}

#[test]
fn faults_name_their_parameter() {
    assert_eq!(field("pause.start", json!({})), "type");
    assert_eq!(field("pause.start", json!({"type": 7})), "type");
    assert_eq!(field("pause.start", json!({"type": "a", "note": "\u{0}"})), "note");
    assert_eq!(field("status.set", json!({"status": "paused"})), "status");
    assert_eq!(field("status.set", json!({"status": "available", "when": "later"})), "when");
    assert_eq!(field("agent.end_pause", json!({"agent": "ana"})), "reason");
    let op = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(field("request.create", json!({"type": "almoco"})), "reason");
    assert_eq!(field("request.create", json!({"type": "a", "reason": "r", "extra_ms": 86_400_001})), "extra_ms");
    assert_eq!(field("request.decide", json!({"request": op, "reason": "r"})), "decision");
    assert_eq!(field("request.decide", json!({"request": op, "decision": "maybe", "reason": "r"})), "decision");
    assert_eq!(field("pause.correct", json!({"pause": op, "reason": "r"})), "ended_at");
    assert_eq!(field("pause.correct", json!({"pause": op, "ended_at": "12:30", "reason": "r"})), "ended_at");
    assert_eq!(field("pause.correct", json!({"pause": op, "ended_at": "2026-11-22T20:57:49Z"})), "reason");
    assert_eq!(field("pause.annotate", json!({"text": "t"})), "pause");
    for bad in [json!(""), json!("é".repeat(1001)), json!("a\nb"), json!(7)] {
        assert_eq!(field("pause.annotate", json!({"pause": op, "text": bad})), "text");
    }
    for (name, value) in [("uses", json!(1)), ("until", json!("2026-11-22T20:57:49.123Z"))] {
        let mut refusal = json!({"request": op, "decision": "refuse", "reason": "r"});
        refusal[name] = value;
        assert_eq!(field("request.decide", refusal), name);
    }
    for (name, value) in [("uses", json!(0)), ("uses", json!(101)), ("until", json!("tomorrow"))] {
        let mut grant = json!({"request": op, "decision": "grant", "reason": "r"});
        grant[name] = value;
        assert_eq!(field("request.decide", grant), name);
    }
    assert_eq!(field("agent.end_pause", json!({"agent": "ana", "reason": " "})), "reason");
    assert_eq!(
        field("agent.start_pause", json!({"agent": "a", "reason": "r", "type": "t", "override": 1})),
        "override"
    );
    assert_eq!(field("pause.accept", json!({})), "offer");
    assert_eq!(field("pause.accept", json!({"offer": "7"})), "offer");
    assert_eq!(field("pause.cancel", json!({"what": "lunch"})), "what");
    assert_eq!(field("pause.extend", json!({"agent": "ana", "reason": "r", "by_ms": 0})), "by_ms");
    assert_eq!(field("pause.extend", json!({"agent": "ana", "reason": "r", "by_ms": -5})), "by_ms");
    assert_eq!(field("pause.extend", json!({"agent": "ana", "reason": "r", "by_ms": 86_400_001})), "by_ms");
    assert_eq!(field("board.subscribe", json!({"teams": []})), "teams");
    assert_eq!(field("board.subscribe", json!({"teams": "some"})), "teams");
    assert_eq!(field("board.subscribe", json!({"teams": [1]})), "teams");
    assert_eq!(field("session.open", json!({"client": {"name": "x", "version": "1", "os": "y"}})), "client.os");
    assert_eq!(field("session.open", json!({"client": {"name": "x"}})), "client.version");
    assert_eq!(field("agent.get", json!([1])), "params");
}

#[test]
fn a_board_ends_by_name_or_by_position() {
    let expected = Invocation::BoardUnsubscribe { subscription: "s1".to_owned() };
    assert_eq!(read("board.unsubscribe", json!({"subscription": "s1"})), Ok(expected.clone()));
    assert_eq!(read("board.unsubscribe", json!(["s1"])), Ok(expected));
    assert_eq!(field("board.unsubscribe", json!([1])), "subscription");
    assert_eq!(field("board.unsubscribe", json!(["a", "b"])), "subscription");
}

#[test]
fn notifications_are_switched_by_name_or_by_position() {
    let names = vec!["agent.changed".to_owned(), "no.such".to_owned()];
    let expected = Invocation::SwitchOn { names: names.clone() };
    assert_eq!(read("rpc.on", json!(["agent.changed", "no.such"])), Ok(expected.clone()));
    assert_eq!(read("rpc.on", json!({"names": ["agent.changed", "no.such"]})), Ok(expected));
    assert_eq!(read("rpc.off", json!(["agent.changed", "no.such"])), Ok(Invocation::SwitchOff { names }));
    assert_eq!(read("rpc.off", json!([])), Ok(Invocation::SwitchOff { names: Vec::new() }));
    assert_eq!(read("rpc.on", json!(vec!["x"; 32])), Ok(Invocation::SwitchOn { names: vec!["x".to_owned(); 32] }));
    for bad in [json!(null), json!(["agent.changed", 1]), json!({"names": "agent.changed"}), json!(vec!["x"; 33])] {
        assert_eq!(field("rpc.on", bad), "names");
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    assert_eq!(
        read("session.sign_out", json!({})),
        Ok(Invocation::SessionSignOut { scope: SignOutScope::This, pause: PauseAtSignOut::KeepEntitlement })
    );
    let Ok(Invocation::SessionOpen(open)) = read("session.open", json!({})) else { panic!("opens") };
    assert!(open.presence && open.token.is_none() && open.client.is_none());
    assert_eq!(read("pause.options", json!({})), Ok(Invocation::PauseOptions { watch: false }));
}
