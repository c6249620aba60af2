//! A dashboard as an independent client would write it, which checks every frame it applies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{Rows, World, team_id};

/// The largest frame that a client must take.
const FRAME_BYTES_MAX: usize = 512 * 1024;

/// What a dashboard shows, and how far it has got.
pub(crate) struct Dashboard {
    teams: Vec<usize>,
    pub(crate) rows: Rows,
    pub(crate) to: Option<u64>,
    pub(crate) cursor: Option<String>,
    pub(crate) stale: bool,
    pub(crate) snapshots: usize,
    pub(crate) changes: usize,
    pub(crate) beats: usize,
    counts: Value,
    alerts: Value,
    parts_missing: u64,
}

impl Dashboard {
    pub(crate) fn new(teams: &[usize]) -> Dashboard {
        Dashboard {
            teams: teams.to_vec(),
            rows: Rows::new(),
            to: None,
            cursor: None,
            stale: false,
            snapshots: 0,
            changes: 0,
            beats: 0,
            counts: Value::Null,
            alerts: Value::Null,
            parts_missing: 0,
        }
    }

    /// Applies a frame, and says what is wrong with it: a number that is not dense or goes back, a
    /// row that was never true, a whole that was not true at its number, counts or alerts that are
    /// not those of the rows.
    pub(crate) fn apply(&mut self, text: &str, world: &World) -> Result<(), String> {
        if text.len() > FRAME_BYTES_MAX {
            return Err(format!("a frame of {} bytes", text.len()));
        }
        let frame: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if frame["jsonrpc"] != "2.0" || frame["method"] != "board.changed" {
            return Err(format!("not a board.changed: {frame}"));
        }
        let result = &frame["params"]["result"];
        match result["kind"].as_str() {
            Some("snapshot") => self.on_snapshot(result)?,
            Some("changes") => self.on_changes(result)?,
            Some("beat") => self.on_beat(result)?,
            Some("stale") => {
                self.stale = true;
                return Ok(());
            }
            _ => return Err(format!("unknown kind: {result}")),
        }
        self.stale = false;
        self.cursor = Some(result["cursor"].as_str().ok_or("no cursor")?.to_owned());
        if self.parts_missing > 0 {
            return Ok(());
        }
        self.check_against(world)
    }

    fn on_snapshot(&mut self, result: &Value) -> Result<(), String> {
        let (part, parts) = (number(result, "part")?, number(result, "parts")?);
        let to = number(result, "to")?;
        if part == 0 {
            if self.to.is_some_and(|had| to < had) {
                return Err(format!("a snapshot of {to} after {:?}", self.to));
            }
            self.snapshots += 1;
            self.rows.clear();
            self.to = Some(to);
            self.parts_missing = parts;
            self.counts = result["counts"].clone();
            self.alerts = result["alerts"].clone();
        }
        if self.to != Some(to) || self.parts_missing != parts - part {
            return Err(format!("part {part} of {parts} at {to}, out of turn"));
        }
        self.parts_missing -= 1;
        self.take_agents(result)
    }

    fn on_changes(&mut self, result: &Value) -> Result<(), String> {
        let (from, to) = (number(result, "from")?, number(result, "to")?);
        if self.to != Some(from) || to < from || self.parts_missing > 0 {
            return Err(format!("changes ({from}, {to}] after {:?}", self.to));
        }
        self.changes += 1;
        self.to = Some(to);
        self.take_agents(result)?;
        for agent in result["removed"].as_array().ok_or("no removed")? {
            let agent = agent.as_str().ok_or("not an id")?;
            self.rows.remove(agent).ok_or_else(|| format!("{agent} was removed but not there"))?;
        }
        for (had, came) in [(&mut self.counts, &result["counts"]), (&mut self.alerts, &result["alerts"])] {
            if !came.is_null() {
                *had = came.clone();
            }
        }
        Ok(())
    }

    fn on_beat(&mut self, result: &Value) -> Result<(), String> {
        self.beats += 1;
        let to = number(result, "to")?;
        if self.to == Some(to) { Ok(()) } else { Err(format!("a beat at {to} after {:?}", self.to)) }
    }

    fn take_agents(&mut self, result: &Value) -> Result<(), String> {
        for row in result["agents"].as_array().ok_or("no agents")? {
            let agent = row["agent"].as_str().ok_or("a row without agent")?;
            let newer = |had: &Value| had["version"].as_u64() > row["version"].as_u64();
            if self.rows.get(agent).is_some_and(newer) {
                return Err(format!("{agent} went back"));
            }
            self.rows.insert(agent.to_owned(), row.clone());
        }
        Ok(())
    }

    fn check_against(&self, world: &World) -> Result<(), String> {
        let to = self.to.ok_or("no number")?;
        let truth = world.truth_at(to, &self.teams).ok_or_else(|| format!("no batch ended at {to}"))?;
        if self.rows != truth {
            return Err(format!("at {to} it shows {:?}, true was {truth:?}", self.rows));
        }
        let counts = counts_of(&self.rows, &self.teams);
        if self.counts != counts {
            return Err(format!("at {to} it counts {}, right is {counts}", self.counts));
        }
        let overrun = self.rows.values().filter(|row| row["pause"]["overrun"] == true);
        let mut expected: Vec<&Value> = overrun.map(|row| &row["agent"]).collect();
        let mut alerts: Vec<&Value> =
            self.alerts.as_array().ok_or("no alerts")?.iter().map(|alert| &alert["agent"]).collect();
        expected.sort_by_key(|agent| agent.as_str());
        alerts.sort_by_key(|agent| agent.as_str());
        if expected == alerts { Ok(()) } else { Err(format!("at {to} alerts are {alerts:?}, right is {expected:?}")) }
    }
}

fn counts_of(rows: &Rows, teams: &[usize]) -> Value {
    let of_team = |team: &usize| {
        let team = team_id(*team).as_str().to_owned();
        let mut counts: BTreeMap<&str, u32> = ["available", "unavailable", "wrap_up", "busy", "paused", "offline"]
            .into_iter()
            .map(|presence| (presence, 0))
            .collect();
        for row in rows.values().filter(|row| row["teams"].as_array().unwrap().contains(&json!(team))) {
            *counts.get_mut(row["presence"].as_str().unwrap()).unwrap() += 1;
        }
        (team, counts)
    };
    json!(teams.iter().map(of_team).collect::<BTreeMap<_, _>>())
}

fn number(value: &Value, field: &str) -> Result<u64, String> {
    value[field].as_u64().ok_or_else(|| format!("no number {field} in {value}"))
}
