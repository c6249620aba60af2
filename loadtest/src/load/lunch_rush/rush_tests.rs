//! What a board shows of a rush, and what an agent is told, as they could not be.

use serde_json::{Value, json};

use super::*;

const AGENTS: [&str; 2] = ["ana", "bruno"];

/// Two agents with one slot between them, and a board that has subscribed.
fn rush() -> Rush {
    let account = |agent: &&str| {
        let shown = json!({ "agent": agent, "version": 1, "status": "available", "connection": "connected" });
        let text = shown.to_string();
        Account::of(&serde_json::from_str(&text).expect("a state"))
    };
    let stand = Stand::of(1, AGENTS.map(str::to_owned).to_vec());
    let terms = Terms { slots: 1, pause: Duration::from_secs(1) };
    let mut rush = Rush::of(AGENTS.iter().map(account).collect(), stand, Signs::default(), terms, 1);
    rush.on_board(0, br#"{"id":1,"result":"s"}"#, Instant::now()).expect("subscribed");
    rush
}

fn row(agent: &str, is_away: bool) -> Value {
    let status = if is_away { "paused" } else { "available" };
    let mut row = json!({
        "agent": agent, "name": agent, "teams": ["todos"], "zone": "UTC", "version": 2, "presence": status,
        "presence_since": "x", "status": status, "since": "x", "connection": "connected", "routable": !is_away,
        "occupancy": {}, "wrap_up": false, "actor": { "kind": "agent" }, "cause": "agent"
    });
    if is_away {
        row["routable_reason"] = json!("paused");
        row["pause"] = json!({ "id": format!("p-{agent}"), "type": "cafe", "started_at": "x", "overrun": false });
    }
    row
}

fn breaches(away: [bool; 2]) -> Vec<String> {
    let mut rush = rush();
    let rows: Vec<Value> = AGENTS.iter().zip(away).map(|(agent, is_away)| row(agent, is_away)).collect();
    let result = json!({ "kind": "snapshot", "part": 0, "parts": 1, "to": 9, "cursor": "c", "agents": rows });
    let frame = json!({ "method": "board.changed", "params": { "subscription": "s", "result": result } });
    rush.on_board(0, frame.to_string().as_bytes(), Instant::now()).expect("a frame");
    rush.breaches.list().to_vec()
}

#[test]
fn a_planted_board_with_a_slot_too_many_is_found() {
    assert_eq!(breaches([true, false]), [""; 0]);
    assert_eq!(breaches([true, true]), ["a board shows 2 away at once, 1 may be"]);
}

#[test]
fn planted_boards_that_miss_the_truth_are_found() {
    let (_, breaches) = rush().look_back();
    assert!(breaches.list().iter().any(|found| found.contains("of agent 0 at the end")), "{breaches:?}");
}

#[test]
fn replies_out_of_turn_and_errors_end_the_run() {
    let mut crowd = Crowd::new(crate::load::interrupt::Interrupt::none()).expect("a crowd");
    let mut rush = rush();
    let mut say = |text: &str| rush.on_agent(crowd.wires(), 0, text.as_bytes(), Instant::now());
    assert_eq!(say(r#"{"id":7,"result":{}}"#), Err("a reply to call Some(7) came out of turn".to_owned()));
    assert_eq!(say(r#"{"method":"options.changed","params":[]}"#), Ok(()));
    rush.lines[0].call = Some((8, Instant::now()));
    let error = r#"{"id":8,"error":{"code":-32003,"message":"No.","data":{"code":"slots_full"}}}"#;
    let told = rush.on_agent(crowd.wires(), 0, error.as_bytes(), Instant::now());
    assert_eq!(told, Err("-32003 slots_full: No.".to_owned()));
}
