//! Holds a board's table against what the agents know of themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::row::Row;

/// What a board should show of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The status.
    pub status: String,
    /// The id of the pause.
    pub pause: Option<String>,
}

impl Expected {
    /// What everybody else should be shown of an agent's own state: a protected pause looks like a
    /// chosen `unavailable`, and inside another pause like that one.
    pub fn of_own_state(own: &Value, protected: &BTreeSet<String>) -> Expected {
        let pause = own.get("pause").filter(|pause| !pause.is_null());
        let is_protected = pause.and_then(|pause| pause["type"].as_str()).is_some_and(|kind| protected.contains(kind));
        let shown = if is_protected { pause.and_then(|pause| pause.get("inside")) } else { pause };
        let status = match (is_protected, shown) {
            (true, None) => "unavailable",
            (true, Some(_)) => "paused",
            (false, _) => own["status"].as_str().unwrap_or_default(),
        };
        let id = shown.and_then(|pause| pause["id"].as_str());
        Expected { status: status.to_owned(), pause: id.map(str::to_owned) }
    }
}

/// What differs between a table and what it should show, one line an agent; empty when nothing does.
pub fn disagreements(table: &BTreeMap<String, Row>, expected: &BTreeMap<String, Expected>) -> Vec<String> {
    expected
        .iter()
        .filter_map(|(agent, expected)| {
            let Some(row) = table.get(agent) else { return Some(format!("{agent} is missing")) };
            let shown = Expected { status: row.status.clone(), pause: row.pause_id().map(str::to_owned) };
            (shown != *expected).then(|| format!("{agent} is shown as {shown:?}, should be {expected:?}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(own: &Value) -> (String, Option<String>) {
        let expected = Expected::of_own_state(own, &BTreeSet::from(["banheiro".to_owned()]));
        (expected.status, expected.pause)
    }

    #[test]
    fn a_protected_pause_is_expected_masked() {
        let outer = json!({ "id": "p1", "type": "almoco" });
        let cases = [
            (json!({ "status": "available" }), ("available", None)),
            (json!({ "status": "paused", "pause": outer }), ("paused", Some("p1"))),
            (json!({ "status": "paused", "pause": { "id": "p2", "type": "banheiro" } }), ("unavailable", None)),
            (
                json!({ "status": "paused", "pause": { "id": "p2", "type": "banheiro", "inside": outer } }),
                ("paused", Some("p1")),
            ),
        ];
        for (own, (status, pause)) in cases {
            assert_eq!(expected(&own), (status.to_owned(), pause.map(str::to_owned)), "{own}");
        }
    }

    #[test]
    fn a_planted_disagreement_is_found() {
        let ana = Expected { status: "available".to_owned(), pause: None };
        let wanted = BTreeMap::from([("ana".to_owned(), ana)]);
        assert_eq!(disagreements(&BTreeMap::new(), &wanted), ["ana is missing"]);
        let row: Row = serde_json::from_value(json!({
            "agent": "ana", "name": "Ana", "teams": [], "zone": "UTC", "version": 1, "presence": "unavailable",
            "presence_since": "x", "status": "unavailable", "since": "x", "connection": "connected",
            "routable": false, "actor": { "kind": "agent" }, "cause": "agent"
        }))
        .unwrap();
        let table = BTreeMap::from([("ana".to_owned(), row)]);
        assert_eq!(disagreements(&table, &wanted).len(), 1);
    }
}
