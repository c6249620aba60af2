//! What makes a command safe to send again (semantics §9).

use intervalo::domain::command::{Actor, Command, Outcome, Request};
use intervalo::domain::id::{AgentId, Op, PauseId, PrincipalId, RequestId};
use intervalo::domain::op::{
    OP_REMEMBERED_FOR, OPS_AT_HAND_MAX, OpMemory, OpRecord, fingerprint, fingerprint_of_change,
};
use intervalo::domain::time::{Timestamp, seconds};

use crate::script::check;
use crate::setting::type_code;

fn ana() -> Actor {
    Actor::Agent(AgentId::new("ana").expect("an id"))
}

fn sofia() -> Actor {
    Actor::Supervisor(PrincipalId::new("sofia").expect("an id"))
}

fn record(op: u128, by: Actor, at: i64, outcome: Outcome) -> OpRecord {
    OpRecord { op: Op(op), by, fingerprint: op as u64 + 1, at: Timestamp(at), outcome }
}

#[test]
fn promise_d3_the_last_ops_are_at_hand_each_with_its_sender_and_what_it_led_to() {
    let outcomes = [
        Outcome::Done,
        Outcome::Queued,
        Outcome::Requested,
        Outcome::Deferred,
        Outcome::Started { pause: PauseId(77) },
        Outcome::Asked { request: RequestId(78) },
    ];
    let mut memory = OpMemory::default();
    assert!(!memory.may_have_forgotten(Timestamp(0)));
    for (op, outcome) in outcomes.into_iter().enumerate() {
        let by = if op % 2 == 0 { ana() } else { sofia() };
        memory.remember(record(op as u128, by, op as i64, outcome));
    }
    for (op, outcome) in outcomes.into_iter().enumerate() {
        let (by, other) = if op % 2 == 0 { (ana(), sofia()) } else { (sofia(), ana()) };
        let expected = record(op as u128, by.clone(), op as i64, outcome);
        assert_eq!(memory.find(Op(op as u128), &by), Some(expected));
        assert_eq!(memory.find(Op(op as u128), &other), None, "an op is its sender's");
    }
    assert_eq!(memory.find(Op(99), &ana()), None);
    assert_eq!(OpMemory::from_records(memory.records()), memory);
    memory.remember(record(0, ana(), 50, Outcome::Deferred));
    let found = memory.find(Op(0), &ana()).expect("it is there twice");
    assert_eq!((found.at, found.outcome), (Timestamp(50), Outcome::Deferred), "the last one counts");
}

#[test]
fn promise_d3_only_so_many_are_at_hand_and_it_is_known_when_one_may_be_older() {
    let mut memory = OpMemory::default();
    for op in 0..OPS_AT_HAND_MAX {
        assert!(!memory.may_have_forgotten(Timestamp(0)), "there were only {op}");
        memory.remember(record(op as u128, ana(), 1000 + op as i64, Outcome::Done));
    }
    // The oldest at hand tells how far back it reaches.
    let reaches = Timestamp(1000) + OP_REMEMBERED_FOR;
    assert!(memory.may_have_forgotten(Timestamp(reaches.0 - 1)));
    assert!(!memory.may_have_forgotten(reaches));
    memory.remember(record(100, ana(), 2000, Outcome::Done));
    assert_eq!(memory.records().count(), OPS_AT_HAND_MAX);
    assert_eq!(memory.find(Op(0), &ana()), None, "the oldest has gone");
    assert!(memory.find(Op(1), &ana()).is_some() && memory.find(Op(100), &ana()).is_some());
}

#[test]
fn promise_d3_an_op_stands_on_the_last_event_of_its_command() {
    let world = check("agent ana\ntype cafe\nmon 2026-11-23 09:00 ana connects -> connected, signed_in unavailable");
    let command = Command::StartPause { pause_type: type_code("cafe"), note: None, replaces: None, overriding: false };
    let request = Request { command, actor: ana(), reason: None, op: None, expected_version: None };
    let mut decision = world.agent.decide(&request, &world.context()).expect("it begins");
    let first = decision.events[0].clone();
    decision.events.push(first);
    let op = record(7, ana(), world.now.0, decision.outcome);
    decision.remember(&op);
    let ops: Vec<_> = decision.events.iter().map(|event| event.op.clone()).collect();
    assert_eq!(ops, [None, Some(op)]);
}

#[test]
fn promise_d3_other_content_is_another_fingerprint() {
    let cancel = |ms| Command::ExtendPause { by: seconds(ms) };
    assert_eq!(fingerprint(&cancel(1), Some("r")), fingerprint(&cancel(1), Some("r")));
    assert_ne!(fingerprint(&cancel(1), Some("r")), fingerprint(&cancel(2), Some("r")));
    assert_ne!(fingerprint(&cancel(1), Some("r")), fingerprint(&cancel(1), None));
    let change = |name, parts: &[(&str, &str)]| fingerprint_of_change(name, parts);
    let one = change("agent.put", &[("person", "{}")]);
    assert_eq!(one, change("agent.put", &[("person", "{}")]));
    for other in [
        change("agent.remove", &[("person", "{}")]),
        change("agent.put", &[("person", "{ }")]),
        change("agent.put", &[("agent", "{}")]),
        change("agent.put", &[("person", "{}"), ("more", "")]),
        change("agent.put", &[]),
    ] {
        assert_ne!(one, other);
    }
}
