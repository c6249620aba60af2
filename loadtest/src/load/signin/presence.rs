//! Whoever signed in is present, and came in once: a board's table and the journal are held against each other.

use std::collections::BTreeMap;

use crate::load::breaches::Breaches;
use crate::load::journal::Event;
use crate::load::looking_back::absences;
use crate::row::Row;

/// The event that a first sign-in is.
pub(super) const SIGNED_IN: &str = "agent.signed_in";

/// What is wrong with who is there.
pub(super) fn check(agents: &[String], table: &BTreeMap<String, Row>, journal: &[Event]) -> Breaches {
    let mut breaches = absences(table, agents.iter().cloned());
    let mut entries: BTreeMap<&str, u64> = agents.iter().map(|agent| (agent.as_str(), 0)).collect();
    for event in journal.iter().filter(|event| event.kind == SIGNED_IN) {
        let agent = event.agent.as_deref().unwrap_or_default();
        match entries.get_mut(agent) {
            Some(times) => *times += 1,
            None => breaches.add(format!("the journal has {agent:?} sign in, who has not")),
        }
    }
    for (agent, times) in entries {
        breaches.hold(times == 1, || format!("{agent} signed in once, the journal has it {times} times"));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(agent: &str, connection: &str) -> (String, Row) {
        let row = json!({
            "agent": agent, "name": "Ana", "teams": [], "zone": "UTC", "version": 1, "presence": "available",
            "presence_since": "x", "status": "available", "since": "x", "connection": connection,
            "routable": false, "actor": { "kind": "agent" }, "cause": "agent"
        });
        (agent.to_owned(), serde_json::from_value(row).expect("a row"))
    }

    fn signed_in(seq: u64, agent: &str) -> Event {
        let event =
            json!({ "seq": seq, "at": "x", "kind": SIGNED_IN, "agent": agent, "data": { "status": "available" } });
        serde_json::from_value(event).expect("an event")
    }

    fn told(table: &[(String, Row)], journal: &[Event]) -> Vec<String> {
        let agents = ["ana".to_owned(), "bruno".to_owned()];
        check(&agents, &table.iter().cloned().collect(), journal).list().to_vec()
    }

    #[test]
    fn everybody_once_is_as_it_must_be() {
        let table = [row("ana", "connected"), row("bruno", "connected"), row("carla", "disconnected")];
        assert_eq!(told(&table, &[signed_in(1, "ana"), signed_in(2, "bruno")]), [""; 0]);
    }

    #[test]
    fn planted_absences_and_doubles_are_found() {
        let both = [signed_in(1, "ana"), signed_in(2, "bruno")];
        let whole = [row("ana", "connected"), row("bruno", "connected")];
        let find = |table: &[(String, Row)], journal: &[Event], what: &str| assert_eq!(told(table, journal), [what]);
        find(&whole[..1], &both, "a board at the end: bruno is missing");
        find(&[row("ana", "grace"), row("bruno", "connected")], &both, "a board at the end: ana is grace");
        find(&whole, &both[..1], "bruno signed in once, the journal has it 0 times");
        let twice = [&both[..], &[signed_in(3, "ana")]].concat();
        find(&whole, &twice, "ana signed in once, the journal has it 2 times");
        let foreign = [&both[..], &[signed_in(3, "eva")]].concat();
        find(&whole, &foreign, "the journal has \"eva\" sign in, who has not");
    }
}
