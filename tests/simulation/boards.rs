//! Those who look on: boards that come, read at their own pace, go, and come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use intervalo::domain::id::AgentId;
use intervalo::domain::time::Timestamp;
use intervalo::hub::Board;
use intervalo::protocol::time::from_text;
use serde_json::Value;

use super::dice::Dice;
use super::evidence::{Frame, Row, RowPause};
use super::house::House;
use super::model::{Broken, Line};
use super::office::{TEAMS, team, tenant};

/// A board, with what it shows.
pub(crate) struct Watcher {
    house: Arc<House>,
    number: u64,
    dice: Dice,
    quiet_at: Timestamp,
    teams: Vec<u64>,
    rows: BTreeMap<String, Arc<Row>>,
    to: Option<u64>,
    cursor: Option<String>,
    parts_missing: u64,
    /// Nothing was shown since it joined.
    joined: bool,
}

impl Watcher {
    pub(crate) fn new(house: &Arc<House>, number: u64, quiet_at: Timestamp) -> Watcher {
        let seed = house.world.seed.wrapping_mul(1_000_033) ^ (house.life as u64 * 2_003 + number);
        let (rows, teams) = (BTreeMap::new(), Vec::new());
        let house = Arc::clone(house);
        let dice = Dice::new(seed);
        Watcher { house, number, dice, quiet_at, teams, rows, to: None, cursor: None, parts_missing: 0, joined: true }
    }

    /// Watches until the run ends; once all is quiet, it stays and reads.
    pub(crate) async fn watch(mut self) {
        loop {
            let mut board = self.join();
            self.read(&mut board).await;
            drop(board);
            self.pass(20_000).await;
        }
    }

    /// Some teams anew, or the same ones with the cursor.
    fn join(&mut self) -> Board {
        let again = !self.teams.is_empty() && self.dice.below(2) == 0;
        if !again {
            let first = self.dice.below(TEAMS);
            self.teams = (0..=self.dice.below(TEAMS)).map(|more| (first + more) % TEAMS).collect();
            self.teams.sort_unstable();
            (self.to, self.cursor) = (None, None);
        }
        self.joined = true;
        let teams: BTreeSet<_> = self.teams.iter().map(|number| team(*number)).collect();
        self.house.hub.board(&tenant(), &teams, self.cursor.as_deref()).expect("a board")
    }

    async fn read(&mut self, board: &mut Board) {
        let mut frames_left = 5 + self.dice.below(200);
        loop {
            let frame = board.next().await;
            if let Err(broken) = self.apply(frame.text.as_str()) {
                self.house.world.seen().broken.push(broken);
            }
            if self.house.clock.now_true() >= self.quiet_at {
                continue;
            }
            frames_left -= 1;
            if frames_left == 0 {
                return;
            }
            if self.dice.below(10) == 0 {
                self.pass(3_000).await;
            }
        }
    }

    /// Waits at most so long, and no longer than it is loud.
    async fn pass(&mut self, most_ms: u64) {
        let ms = self.dice.below(most_ms);
        self.house.clock.pass_until(ms, self.quiet_at).await;
    }

    fn apply(&mut self, text: &str) -> Result<(), Broken> {
        self.house.look();
        let world = Arc::clone(&self.house.world);
        let mut seen = world.seen();
        let durable = seen.durable.len() as u64;
        seen.counts.frames += 1;
        seen.note_of_board(self.number, format_args!("{text}"));
        let frame: Value = serde_json::from_str(text).map_err(|error| ("V2", error.to_string()))?;
        let result = &frame["params"]["result"];
        let to = result["to"].as_u64();
        match (result["kind"].as_str(), to) {
            (Some("stale"), _) => {
                seen.told_stale.insert(self.number);
                return Ok(());
            }
            (Some("beat"), Some(to)) if self.to == Some(to) => return Ok(()),
            (Some("snapshot"), Some(to)) => {
                let (part, parts) = (result["part"].as_u64().unwrap_or(0), result["parts"].as_u64().unwrap_or(0));
                if part == 0 {
                    if self.to.is_some_and(|had| to < had) {
                        return Err(("V2", format!("a snapshot of {to} after {:?}", self.to)));
                    }
                    self.rows.clear();
                    self.parts_missing = parts;
                    self.to = Some(to);
                }
                self.parts_missing = self.parts_missing.saturating_sub(1);
            }
            (Some("changes"), Some(to)) => {
                let from = result["from"].as_u64();
                if from != self.to || self.parts_missing > 0 {
                    return Err(("V2", format!("changes ({from:?}, {to}] after {:?}", self.to)));
                }
                self.to = Some(to);
                for gone in result["removed"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    self.rows.remove(gone);
                }
            }
            _ => return Err(("V2", format!("after {:?} came {text}", self.to))),
        }
        seen.told_stale.remove(&self.number);
        self.cursor = result["cursor"].as_str().map(str::to_owned);
        for row in result["agents"].as_array().into_iter().flatten() {
            let agent = row["agent"].as_str().unwrap_or_default().to_owned();
            let row = read_row(row).ok_or_else(|| ("V2", format!("a row that cannot be read: {row}")))?;
            self.rows.insert(agent, Arc::new(row));
        }
        let to = to.unwrap_or(0);
        if to > durable {
            return Err(("D5", format!("a board shows {to} while {durable} is durable")));
        }
        for agent in self.rows.keys() {
            seen.take_row(self.house.life, &AgentId::new(agent).expect("an id"), to);
        }
        if self.parts_missing == 0 {
            let first = std::mem::take(&mut self.joined);
            let frame = Frame { to, teams: self.teams.clone(), first, rows: self.rows.clone() };
            seen.standing.insert(self.number, frame.clone());
            seen.frames.push(frame);
        }
        Ok(())
    }
}

fn read_row(row: &Value) -> Option<Row> {
    let instant = |value: &Value| -> Option<Timestamp> { from_text(value.as_str()?).ok() };
    let pause = &row["pause"];
    let pause = if pause.is_null() {
        None
    } else {
        Some(RowPause {
            id: pause["id"].as_str()?.to_owned(),
            pause_type: pause["type"].as_str()?.to_owned(),
            started_at: instant(&pause["started_at"])?,
            limit_at: instant(&pause["limit_at"]),
            overrun: pause["overrun"].as_bool()?,
        })
    };
    let line = match row["connection"].as_str()? {
        "connected" => Line::Connected,
        "grace" => Line::Grace,
        "disconnected" => Line::Disconnected,
        _ => return None,
    };
    Some(Row {
        version: row["version"].as_u64()?,
        presence: row["presence"].as_str()?.to_owned(),
        since: instant(&row["since"])?,
        line,
        pause,
    })
}
