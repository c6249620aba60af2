//! What a dashboard does with the frames of `board.changed`, and what it holds against them: pure,
//! so that frames can be planted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::row::Row;

/// The most agents in one part of a snapshot (`docs/protocol.md`).
pub const AGENTS_PER_PART_MAX: usize = 500;
/// The most violations that are kept: the first ones tell the story.
pub const VIOLATIONS_MAX: usize = 100;
/// The presences that `counts` speaks of.
const PRESENCES: [&str; 6] = ["offline", "paused", "unavailable", "wrap_up", "busy", "available"];

/// Something that a frame did against the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One row before and after a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct RowChange {
    /// The row before; none when the agent was not there.
    pub before: Option<Row>,
    /// The row after; none when the agent is gone.
    pub after: Option<Row>,
}

/// A board's table with its checks.
#[derive(Debug, Default)]
pub struct Board {
    table: BTreeMap<String, Row>,
    counts: Option<Value>,
    alerts: Vec<Value>,
    to: Option<u64>,
    cursor: Option<String>,
    stale: bool,
    snapshot: Option<Snapshot>,
    /// The last version seen of each agent, also of those who are gone: an old one may not come back.
    seen: BTreeMap<String, Seen>,
    hidden_types: BTreeSet<String>,
    violations: Vec<Violation>,
}

/// A snapshot of which not all parts have come.
#[derive(Debug)]
struct Snapshot {
    to: u64,
    parts: u64,
    next: u64,
    rows: BTreeMap<String, Row>,
}

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    version: u64,
    status: String,
    pause: Option<String>,
}

impl Board {
    /// A board that nothing was sent to.
    pub fn new() -> Board {
        Board::default()
    }

    /// Pause types that must never be seen on a board: the protected ones.
    pub fn hide_types<'t>(&mut self, types: impl IntoIterator<Item = &'t str>) {
        self.hidden_types = types.into_iter().map(str::to_owned).collect();
    }

    /// The rows by agent.
    pub fn table(&self) -> &BTreeMap<String, Row> {
        &self.table
    }

    /// The alerts in force.
    pub fn alerts(&self) -> &[Value] {
        &self.alerts
    }

    /// Up to where the table is true.
    pub fn to(&self) -> Option<u64> {
        self.to
    }

    /// What a later subscription may resume with.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// True while the server says that the truth is out of reach.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// True once a whole snapshot is there and none is on its way.
    pub fn is_whole(&self) -> bool {
        self.to.is_some() && self.snapshot.is_none()
    }

    /// What was against the contract so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Takes the `result` of one `board.changed`; tells which rows it changed.
    pub fn apply(&mut self, result: &Value) -> Vec<RowChange> {
        let kind = result["kind"].as_str().unwrap_or_default().to_owned();
        if self.snapshot.is_some() && kind != "snapshot" {
            self.violate(format!("a {kind} frame came between the parts of a snapshot"));
        }
        match kind.as_str() {
            "snapshot" => self.apply_part(result),
            "changes" => self.apply_changes(result),
            "beat" => {
                self.apply_beat(result);
                Vec::new()
            }
            "stale" => {
                self.stale = true;
                Vec::new()
            }
            other => {
                self.violate(format!("a frame of the unknown kind {other:?} came"));
                Vec::new()
            }
        }
    }

    fn apply_part(&mut self, result: &Value) -> Vec<RowChange> {
        let (part, parts, to) = (number(result, "part"), number(result, "parts"), number(result, "to"));
        self.stale = false;
        if part == 0 {
            if let Some(last) = self.to.filter(|last| to < *last) {
                self.violate(format!("a snapshot up to {to} came after {last} was shown"));
            }
            self.snapshot = Some(Snapshot { to, parts, next: 0, rows: BTreeMap::new() });
            self.take_extras(result);
        }
        let rows = self.rows_of(result);
        let Some(mut snapshot) = self.snapshot.take() else {
            self.violate(format!("part {part} of a snapshot came without part 0"));
            return Vec::new();
        };
        let expected = (snapshot.next, snapshot.parts, snapshot.to);
        if (part, parts, to) != expected {
            self.violate(format!("part {part} of {parts} up to {to} came where {expected:?} was due"));
        }
        for row in rows {
            if let Some(twice) = snapshot.rows.insert(row.agent.clone(), row) {
                self.violate(format!("agent {} is in a snapshot twice", twice.agent));
            }
        }
        snapshot.next += 1;
        if snapshot.next < snapshot.parts {
            self.snapshot = Some(snapshot);
            return Vec::new();
        }
        self.ends_at(snapshot.to, result);
        let before = std::mem::replace(&mut self.table, snapshot.rows);
        self.check_counts();
        difference(before, &self.table)
    }

    fn apply_changes(&mut self, result: &Value) -> Vec<RowChange> {
        let (from, to) = (number(result, "from"), number(result, "to"));
        self.stale = false;
        match self.to {
            Some(last) if last == from => {}
            Some(last) => self.violate(format!("changes from {from} came after {last}: a gap, or an overlap")),
            None => self.violate(format!("changes from {from} came before any snapshot")),
        }
        if to < from {
            self.violate(format!("changes from {from} end at {to}, before they begin"));
        }
        self.take_extras(result);
        let mut changes = Vec::new();
        let mut named = BTreeSet::new();
        for row in self.rows_of(result) {
            if !named.insert(row.agent.clone()) {
                self.violate(format!("agent {} is in one frame twice", row.agent));
            }
            let before = self.table.insert(row.agent.clone(), row.clone());
            changes.push(RowChange { before, after: Some(row) });
        }
        for agent in result["removed"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match self.table.remove(agent) {
                Some(before) => changes.push(RowChange { before: Some(before), after: None }),
                None => self.violate(format!("agent {agent} was removed and was not there")),
            }
        }
        self.ends_at(to, result);
        self.check_counts();
        changes
    }

    fn apply_beat(&mut self, result: &Value) {
        let to = number(result, "to");
        self.stale = false;
        match self.to {
            Some(last) if last == to => {}
            Some(last) => self.violate(format!("a beat at {to} came after {last}: something was missed")),
            None => self.violate(format!("a beat at {to} came before any snapshot")),
        }
        self.ends_at(to, result);
    }

    fn ends_at(&mut self, to: u64, result: &Value) {
        self.to = Some(to);
        match result["cursor"].as_str() {
            Some(cursor) => self.cursor = Some(cursor.to_owned()),
            None => self.violate(format!("the frame up to {to} has no cursor")),
        }
    }

    fn take_extras(&mut self, result: &Value) {
        if let Some(counts) = result.get("counts") {
            self.counts = Some(counts.clone());
        }
        if let Some(alerts) = result["alerts"].as_array() {
            self.alerts.clone_from(alerts);
        }
    }

    /// The rows of a frame, each checked against what was seen of the agent before.
    fn rows_of(&mut self, result: &Value) -> Vec<Row> {
        let Some(agents) = result["agents"].as_array() else {
            self.violate("a frame has no list of agents".to_owned());
            return Vec::new();
        };
        if agents.len() > AGENTS_PER_PART_MAX && result["kind"] == "snapshot" {
            self.violate(format!("one part of a snapshot has {} agents", agents.len()));
        }
        let mut rows = Vec::with_capacity(agents.len());
        for agent in agents {
            match serde_json::from_value::<Row>(agent.clone()) {
                Ok(row) => {
                    self.check_row(&row);
                    rows.push(row);
                }
                Err(error) => self.violate(format!("a row is not a row: {error}: {agent}")),
            }
        }
        rows
    }

    fn check_row(&mut self, row: &Row) {
        let agent = &row.agent;
        if (row.status == "paused") != row.pause.is_some() {
            self.violate(format!(
                "agent {agent} is {} and {} a pause",
                row.status,
                if row.pause.is_some() { "has" } else { "lacks" }
            ));
        }
        if row.routable == row.routable_reason.is_some() {
            self.violate(format!("agent {agent}: routable {} with reason {:?}", row.routable, row.routable_reason));
        }
        if let Some(pause) = row.pause.as_ref().filter(|pause| self.hidden_types.contains(&pause.pause_type)) {
            self.violate(format!("agent {agent} is shown on the protected pause {}", pause.pause_type));
        }
        let seen =
            Seen { version: row.version, status: row.status.clone(), pause: row.pause.as_ref().map(|p| p.id.clone()) };
        let before = self.seen.insert(agent.clone(), seen.clone());
        if let Some(before) = before {
            if seen.version < before.version {
                self.violate(format!("agent {agent} went back from version {} to {}", before.version, seen.version));
            }
            if seen.version == before.version && seen != before {
                self.violate(format!("agent {agent} has two states at version {}: {before:?}, {seen:?}", seen.version));
            }
        }
    }

    /// Holds the counts last sent against the table.
    fn check_counts(&mut self) {
        let Some(counts) = self.counts.take() else { return };
        for (team, told) in counts.as_object().into_iter().flatten() {
            for presence in PRESENCES {
                let there = self
                    .table
                    .values()
                    .filter(|row| row.presence == presence && row.teams.iter().any(|of| of == team))
                    .count() as u64;
                let told = told[presence].as_u64().unwrap_or(0);
                if told != there {
                    self.violate(format!("team {team}: {told} {presence} were counted, {there} are there"));
                }
            }
        }
        self.counts = Some(counts);
    }

    fn violate(&mut self, what: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation(what));
        }
    }
}

fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or(u64::MAX)
}

fn difference(before: BTreeMap<String, Row>, after: &BTreeMap<String, Row>) -> Vec<RowChange> {
    let mut before = before;
    let mut changes = Vec::new();
    for (agent, row) in after {
        let was = before.remove(agent);
        if was.as_ref() != Some(row) {
            changes.push(RowChange { before: was, after: Some(row.clone()) });
        }
    }
    changes.extend(before.into_values().map(|row| RowChange { before: Some(row), after: None }));
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(agent: &str, version: u64, status: &str) -> Value {
        let mut row = json!({
            "agent": agent, "name": agent, "teams": ["suporte"], "zone": "America/Sao_Paulo", "version": version,
            "presence": status, "presence_since": "2026-01-15T12:00:00.000Z", "status": status,
            "since": "2026-01-15T12:00:00.000Z", "connection": "connected", "routable": status == "available",
            "occupancy": {}, "wrap_up": false, "actor": { "kind": "agent", "id": agent }, "cause": "agent"
        });
        if status != "available" {
            row["routable_reason"] = json!(status);
        }
        if status == "paused" {
            row["pause"] =
                json!({ "id": "p1", "type": "cafe", "started_at": "2026-01-15T12:00:00.000Z", "overrun": false });
        }
        row
    }

    fn part(part: u64, parts: u64, to: u64, agents: &[Value]) -> Value {
        json!({ "kind": "snapshot", "part": part, "parts": parts, "to": to, "cursor": "c", "agents": agents })
    }

    fn changes(from: u64, to: u64, agents: &[Value], removed: &[&str]) -> Value {
        json!({ "kind": "changes", "from": from, "to": to, "cursor": "c", "agents": agents, "removed": removed })
    }

    fn beat(to: u64) -> Value {
        json!({ "kind": "beat", "to": to, "cursor": "c" })
    }

    fn violations(frames: &[Value]) -> Vec<String> {
        let mut board = Board::new();
        board.hide_types(["banheiro"]);
        frames.iter().for_each(|frame| {
            board.apply(frame);
        });
        board.violations().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_right_sequence_has_no_violation_and_leads_to_its_table() {
        let mut board = Board::new();
        let frames = [
            part(0, 2, 5, &[row("ana", 1, "available")]),
            part(1, 2, 5, &[row("bia", 1, "unavailable")]),
            changes(5, 7, &[row("ana", 2, "paused")], &[]),
            beat(7),
            json!({ "kind": "stale", "since": "2026-01-15T12:00:00.000Z" }),
            changes(7, 9, &[row("ana", 3, "available")], &["bia"]),
            part(0, 1, 9, &[row("ana", 3, "available")]),
        ];
        let counted: Vec<usize> = frames.iter().map(|frame| board.apply(frame).len()).collect();
        assert_eq!(counted, [0, 2, 1, 0, 0, 2, 0]);
        assert_eq!(board.violations(), []);
        assert_eq!((board.to(), board.cursor(), board.is_whole(), board.is_stale()), (Some(9), Some("c"), true, false));
        assert_eq!(board.table().keys().collect::<Vec<_>>(), ["ana"]);
    }

    #[test]
    fn every_planted_fault_is_found() {
        let start = part(0, 1, 5, &[row("ana", 4, "available")]);
        let mut paused_without = row("ana", 5, "paused");
        paused_without["pause"] = Value::Null;
        let mut protected = row("ana", 5, "paused");
        protected["pause"]["type"] = json!("banheiro");
        let mut counted = changes(5, 6, &[row("ana", 5, "unavailable")], &[]);
        counted["counts"] = json!({ "suporte": { "available": 1, "unavailable": 0 } });
        let cases = [
            (vec![start.clone(), changes(6, 7, &[], &[])], "changes from 6 came after 5: a gap, or an overlap"),
            (vec![start.clone(), changes(4, 7, &[], &[])], "changes from 4 came after 5: a gap, or an overlap"),
            (vec![changes(0, 7, &[], &[])], "changes from 0 came before any snapshot"),
            (vec![start.clone(), beat(6)], "a beat at 6 came after 5: something was missed"),
            (
                vec![start.clone(), changes(5, 6, &[row("ana", 3, "available")], &[])],
                "agent ana went back from version 4 to 3",
            ),
            (
                vec![start.clone(), part(0, 1, 6, &[row("ana", 3, "available")])],
                "agent ana went back from version 4 to 3",
            ),
            (
                vec![start.clone(), part(0, 1, 4, &[row("ana", 4, "available")])],
                "a snapshot up to 4 came after 5 was shown",
            ),
            (
                vec![start.clone(), changes(5, 6, &[row("ana", 4, "unavailable")], &[])],
                "agent ana has two states at version 4: Seen { version: 4, status: \"available\", pause: None }, Seen \
                 { version: 4, status: \"unavailable\", pause: None }",
            ),
            (vec![part(1, 2, 5, &[])], "part 1 of a snapshot came without part 0"),
            (vec![part(0, 3, 5, &[]), part(2, 3, 5, &[])], "part 2 of 3 up to 5 came where (1, 3, 5) was due"),
            (vec![part(0, 2, 5, &[]), beat(5)], "a beat frame came between the parts of a snapshot"),
            (vec![start.clone(), changes(5, 6, &[], &["bia"])], "agent bia was removed and was not there"),
            (vec![start.clone(), changes(5, 6, &[paused_without], &[])], "agent ana is paused and lacks a pause"),
            (
                vec![start.clone(), changes(5, 6, &[protected], &[])],
                "agent ana is shown on the protected pause banheiro",
            ),
            (vec![start.clone(), counted], "team suporte: 0 unavailable were counted, 1 are there"),
            (vec![start.clone(), json!({ "kind": "news" })], "a frame of the unknown kind \"news\" came"),
            (
                vec![part(0, 1, 5, &[row("ana", 4, "available"), row("ana", 4, "available")])],
                "agent ana is in a snapshot twice",
            ),
        ];
        for (frames, expected) in cases {
            let found = violations(&frames);
            assert_eq!(found.first().map(String::as_str), Some(expected), "{found:#?}");
        }
    }
}
