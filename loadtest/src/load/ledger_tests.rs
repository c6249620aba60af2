//! A day of two agents that holds, and every way in which it could not.

use serde_json::{Value, json};

use super::*;
use crate::load::message::read;

fn pause_id(n: u64) -> String {
    format!("01890a5d-ac96-774b-bcce-{n:012x}")
}

fn shown(agent: &str, version: u64, pause: Option<u64>) -> Value {
    let status = if pause.is_some() { "paused" } else { "available" };
    let mut state = json!({ "agent": agent, "version": version, "status": status, "connection": "connected" });
    if let Some(pause) = pause {
        state["pause"] = json!({ "id": pause_id(pause) });
    }
    state
}

fn row(agent: &str, version: u64, pause: Option<u64>) -> Row {
    let mut row = shown(agent, version, pause);
    for (field, value) in [
        ("name", json!("x")),
        ("teams", json!([])),
        ("zone", json!("UTC")),
        ("presence", row["status"].clone()),
        ("presence_since", json!("x")),
        ("since", json!("x")),
        ("routable", json!(pause.is_none())),
        ("actor", json!({ "kind": "agent" })),
        ("cause", json!("agent")),
    ] {
        row[field] = value;
    }
    if pause.is_some() {
        row["pause"]["type"] = json!("cafe");
        row["pause"]["started_at"] = json!("x");
        row["pause"]["overrun"] = json!(false);
    }
    serde_json::from_value(row).expect("a row")
}

fn with_state(value: &Value, take: impl FnOnce(&AgentShown<'_>)) {
    let text = value.to_string();
    take(&read(text.as_bytes()).expect("a state"));
}

fn with_reply(value: &Value, take: impl FnOnce(&Commanded<'_>)) {
    let text = value.to_string();
    take(&read(text.as_bytes()).expect("a result"));
}

/// What happens, in the words of the test.
enum Step {
    SignIn(usize, Value),
    Ack(usize, Wish, &'static str, Value),
    Notify(usize, Value),
    Repeat(usize, usize, Value),
    Final(usize, Value),
    Table(Vec<Row>),
    History(Vec<PastPause>),
}

fn started(agent: &str, version: u64, pause: u64) -> Value {
    json!({ "outcome": "started", "agent": shown(agent, version, Some(pause)) })
}

fn ended(agent: &str, version: u64) -> Value {
    json!({ "agent": shown(agent, version, None) })
}

fn past(agent: &str, n: u64, ended: bool) -> PastPause {
    PastPause { agent: agent.to_owned(), id: pause_id(n), ended }
}

/// Ana starts, ends and starts again; Bia starts.
fn day() -> Vec<Step> {
    vec![
        Step::SignIn(0, shown("ana", 2, None)),
        Step::SignIn(1, shown("bia", 2, None)),
        Step::Notify(0, shown("ana", 2, None)),
        Step::Ack(0, Wish::Start, "a1", started("ana", 3, 1)),
        Step::Notify(0, shown("ana", 3, Some(1))),
        Step::Ack(1, Wish::Start, "b1", started("bia", 3, 2)),
        Step::Ack(0, Wish::End, "a2", ended("ana", 4)),
        Step::Ack(0, Wish::Start, "a3", started("ana", 6, 3)),
        Step::Notify(0, shown("ana", 4, None)),
        Step::SignIn(1, shown("bia", 4, Some(2))),
        Step::Repeat(0, 0, started("ana", 6, 3)),
        Step::Repeat(0, 1, json!({ "agent": shown("ana", 6, Some(3)) })),
        Step::Repeat(0, 2, started("ana", 6, 3)),
        Step::Final(0, shown("ana", 6, Some(3))),
        Step::Table(vec![row("ana", 6, Some(3)), row("bia", 4, Some(2))]),
        Step::History(vec![past("ana", 1, true), past("bia", 2, false), past("ana", 3, false)]),
    ]
}

fn breaches(day: Vec<Step>) -> Vec<String> {
    let mut ledger = Ledger::of(["ana".to_owned(), "bia".to_owned()]);
    for step in day {
        match step {
            Step::SignIn(who, state) => with_state(&state, |state| ledger.signed_in(who, state)),
            Step::Ack(who, wish, op, reply) => with_reply(&reply, |reply| ledger.acked(who, wish, op, reply)),
            Step::Notify(who, state) => with_state(&state, |state| ledger.notified(who, state)),
            Step::Repeat(who, nth, reply) => {
                let done = ledger.to_repeat(who)[nth].clone();
                with_reply(&reply, |reply| ledger.repeated(who, &done, reply));
            }
            Step::Final(who, state) => with_state(&state, |state| ledger.final_state(who, state)),
            Step::Table(rows) => {
                let table = rows.into_iter().map(|row| (row.agent.clone(), row)).collect();
                ledger.final_table(&table);
            }
            Step::History(pauses) => ledger.history(&pauses),
        }
    }
    ledger.breaches().list().to_vec()
}

/// The day with one step put in the place of another.
fn bent(at: usize, step: Step) -> Vec<String> {
    let mut day = day();
    day[at] = step;
    breaches(day)
}

#[test]
fn a_day_that_holds_has_no_breach() {
    assert!(breaches(day()).is_empty(), "{:#?}", breaches(day()));
    let mut ledger = Ledger::of(["ana".to_owned()]);
    assert_eq!(ledger.next_wish(0), Wish::Start);
    with_reply(&started("ana", 3, 1), |reply| ledger.acked(0, Wish::Start, "a1", reply));
    assert_eq!((ledger.next_wish(0), ledger.commands(), ledger.version(0)), (Wish::End, 1, 3));
    let again: Vec<String> = ledger.to_repeat(0).into_iter().map(|done| done.op).collect();
    assert_eq!(again, ["a1"], "a command is not sent again twice");
}

#[test]
fn every_planted_breach_is_found() {
    let mut other_status = started("ana", 3, 1);
    other_status["agent"]["status"] = json!("available");
    let mut pending = started("ana", 3, 1);
    pending["outcome"] = json!("pending");
    let mut no_id = started("ana", 3, 1);
    no_id["agent"]["pause"]["id"] = json!("p1");
    let mut away = shown("bia", 4, Some(2));
    away["connection"] = json!("disconnected");
    let history = |list: &[PastPause]| Step::History(list.to_vec());
    let (one, two, three) = (past("ana", 1, true), past("bia", 2, false), past("ana", 3, false));
    let cases = [
        (3, Step::Ack(0, Wish::Start, "a1", started("bia", 3, 1)), "ana was answered with bia"),
        (6, Step::Ack(0, Wish::End, "a2", ended("ana", 3)), "ana was at version 3, and at 3 after another command"),
        (3, Step::Ack(0, Wish::Start, "a1", other_status), "ana: Start led to"),
        (6, Step::Ack(0, Wish::End, "a2", started("ana", 4, 1)), "ana: End led to"),
        (3, Step::Ack(0, Wish::Start, "a1", pending), "ana: a start had the outcome Some(\"pending\")"),
        (3, Step::Ack(0, Wish::Start, "a1", no_id), "ana: a pause has the id"),
        (4, Step::Notify(0, shown("ana", 3, Some(9))), "ana has two states at one version"),
        (4, Step::Notify(0, shown("ana", 4, None)), "ana was told of version 4 before the reply"),
        (9, Step::SignIn(1, shown("bia", 4, None)), "bia came back to"),
        (9, Step::SignIn(1, shown("bia", 1, Some(2))), "bia came back to"),
        (9, Step::SignIn(1, shown("ana", 4, Some(2))), "bia signed in and was told of ana"),
        (9, Step::SignIn(1, away), "bia signed in and is disconnected"),
        (10, Step::Repeat(0, 0, ended("ana", 6)), "ana: Start again had the outcome None"),
        (10, Step::Repeat(0, 0, started("ana", 7, 4)), "ana: Start sent again led from"),
        (11, Step::Repeat(0, 1, ended("ana", 7)), "ana: End sent again led from"),
        (13, Step::Final(0, shown("ana", 4, None)), "ana is Told"),
        (14, Step::Table(vec![row("bia", 4, Some(2))]), "a board at the end: ana is missing"),
        (
            14,
            Step::Table(vec![row("ana", 6, Some(1)), row("bia", 4, Some(2))]),
            "a board at the end: ana is shown as Expected",
        ),
        (
            14,
            Step::Table(vec![row("ana", 5, Some(3)), row("bia", 4, Some(2))]),
            "a board at the end: ana is at version Some(5), not 6",
        ),
        (
            15,
            history(&[two.clone(), three.clone()]),
            "ana: the history has 1 pauses, 2 were acknowledged, 1 of these are not there",
        ),
        (
            15,
            history(&[one.clone(), one.clone(), two.clone(), three.clone()]),
            "ana: the history has 3 pauses, 2 were acknowledged, 0 of these are not there",
        ),
        (
            15,
            history(&[one.clone(), two.clone(), past("ana", 3, true)]),
            "ana: 0 pauses of the history have not ended, 1 should",
        ),
        (
            15,
            history(&[one.clone(), two.clone(), three.clone(), past("caio", 4, true)]),
            "the history has pauses of caio, who commanded none",
        ),
    ];
    for (at, step, expected) in cases {
        let found = bent(at, step);
        assert!(found.iter().any(|breach| breach.starts_with(expected)), "{expected}: {found:#?}");
    }
}

#[test]
fn states_are_read_as_the_server_writes_them() {
    let text = shown("ana", 2, Some(1)).to_string();
    let state: AgentShown<'_> = read(text.as_bytes()).expect("a state");
    assert_eq!(told(&state), Told { version: 2, status: "paused".to_owned(), pause: Some(pause_id(1)) });
}
