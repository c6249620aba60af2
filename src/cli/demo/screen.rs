//! What a supervisor's board shows, as lines that a person can read.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;
use intervalo_loadtest::{BoardWatcher, Row, RowChange, RowPause, Teams};

use super::company::Company;
use crate::cli::failure::{Failure, print};
use crate::clock::SystemClock;
use crate::domain::policy::PauseClass;
use crate::domain::time::Timestamp;
use crate::ports::Clock;

/// How long the board may take to show all agents at first.
const FIRST_VIEW_WITHIN: Duration = Duration::from_secs(30);
/// The locale whose names are shown.
const LOCALE: &str = "pt-BR";

/// A board, read by a person.
pub(super) struct Screen {
    watcher: BoardWatcher,
    names: Names,
    zone: Tz,
    clock: SystemClock,
}

/// What people call the pause types.
struct Names(BTreeMap<String, String>);

impl Screen {
    /// Opens the board of all teams and waits for its first view.
    pub(super) async fn open(url: &str, token: &str, company: &Company, clock: SystemClock) -> Result<Screen, Failure> {
        let policy = company.policy();
        let called = |names: &BTreeMap<String, String>| names.get(LOCALE).or(names.values().next()).cloned();
        let names = policy.types.values().filter_map(|kind| Some((kind.code.to_string(), called(&kind.name)?)));
        let names = Names(names.collect());
        let mut watcher = BoardWatcher::open(url, token, Teams::All).await.map_err(Failure::new)?;
        let protected = policy.types.values().filter(|kind| kind.kind.class() == PauseClass::Protected);
        watcher.board_mut().hide_types(protected.map(|kind| kind.code.as_str()));
        watcher.until_whole(FIRST_VIEW_WITHIN).await.map_err(Failure::new)?;
        Ok(Screen { watcher, names, zone: company.zone, clock })
    }

    /// Prints what changes until the board ends.
    pub(super) async fn run(&mut self) -> Result<(), Failure> {
        loop {
            let changes = self.watcher.next().await.map_err(Failure::new)?;
            for line in changes.iter().filter_map(|change| line(change, &self.names, self.zone, self.clock.now())) {
                print(line)?;
            }
        }
    }

    /// Leaves the board; tells what its checks found.
    pub(super) async fn close(self) -> String {
        let board = self.watcher.close().await;
        let violations = board.violations();
        if violations.is_empty() {
            return "the board held every frame against the protocol and found no fault".to_owned();
        }
        let lines: Vec<String> =
            violations.iter().map(|violation| format!("  fault on the board: {violation}")).collect();
        lines.join("\n")
    }
}

/// One change as a line; none when nothing in it matters to a person.
fn line(change: &RowChange, names: &Names, zone: Tz, now: Timestamp) -> Option<String> {
    let (before, after) = match (&change.before, &change.after) {
        (Some(before), Some(after)) => (before, after),
        (None, Some(after)) => return Some(format!("{} {}  is new", clock(&after.since, zone), after.name)),
        (Some(before), None) => return Some(format!("{} {}  is gone", clock(&before.since, zone), before.name)),
        (None, None) => return None,
    };
    let (at, what) = what(before, after, names)?;
    let at = match at {
        When::Since(since) => clock(since, zone),
        When::Now => time_of_day(now, zone),
    };
    let by = match after.actor.kind.as_str() {
        "agent" | "system" => String::new(),
        kind => format!(", by {kind} {}", after.actor.id.as_deref().unwrap_or_default()),
    };
    Some(format!("{at} {}  {what}{by}", after.name))
}

/// When a change was, as far as the row tells.
enum When<'r> {
    /// The row has the instant.
    Since(&'r str),
    /// It does not; the frame came at once.
    Now,
}

fn what<'r>(before: &Row, after: &'r Row, names: &Names) -> Option<(When<'r>, String)> {
    let is_over = |row: &Row| row.pause.as_ref().is_some_and(|pause| pause.overrun);
    if before.status != after.status || before.pause_id() != after.pause_id() {
        let pause = after.pause.as_ref().map(|pause| format!(" ({})", names.pause(pause)));
        let cause = match after.cause.as_str() {
            cause @ ("limit" | "connection_lost" | "resumed" | "abandoned" | "sign_in" | "sign_out") => {
                format!(" [{cause}]")
            }
            _ => String::new(),
        };
        let text = format!("{} → {}{}{cause}", before.status, after.status, pause.unwrap_or_default());
        return Some((When::Since(&after.since), text));
    }
    if is_over(after) && !is_over(before) {
        let pause = after.pause.as_ref().map(|pause| names.pause(pause)).unwrap_or_default();
        return Some((When::Now, format!("over the limit ({pause})")));
    }
    let limit_of = |row: &Row| row.pause.as_ref().and_then(|pause| pause.limit_at.clone());
    if limit_of(before) != limit_of(after) {
        let pause = after.pause.as_ref().map(|pause| names.pause(pause)).unwrap_or_default();
        return Some((When::Now, format!("extended ({pause})")));
    }
    let moved = before.connection != after.connection;
    moved.then(|| (When::Now, format!("{} → {}", before.connection, after.connection)))
}

impl Names {
    fn pause(&self, pause: &RowPause) -> String {
        let name = self.0.get(&pause.pause_type).unwrap_or(&pause.pause_type);
        match limit(pause) {
            Some(limit) => format!("{name}, limit {limit}"),
            None => name.clone(),
        }
    }
}

/// The time from start to limit, as minutes and seconds.
fn limit(pause: &RowPause) -> Option<String> {
    let started = DateTime::parse_from_rfc3339(&pause.started_at).ok()?;
    let limit = DateTime::parse_from_rfc3339(pause.limit_at.as_deref()?).ok()?;
    let seconds = (limit - started).num_seconds();
    Some(format!("{}:{:02}", seconds / 60, seconds % 60))
}

fn time_of_day(at: Timestamp, zone: Tz) -> String {
    let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    at.with_timezone(&zone).format("%H:%M:%S").to_string()
}

/// The time of day where the company is, one zone for all, so that the lines follow one another.
fn clock(instant: &str, zone: Tz) -> String {
    match DateTime::parse_from_rfc3339(instant) {
        Ok(at) => at.with_timezone(&zone).format("%H:%M:%S").to_string(),
        Err(_) => instant.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: &str, more: serde_json::Value) -> Row {
        let mut row = serde_json::json!({
            "agent": "ana", "name": "Ana Souza", "teams": [], "zone": "America/Sao_Paulo", "version": 1,
            "presence": status, "presence_since": "2026-11-22T17:02:10.000Z", "status": status,
            "since": "2026-11-22T17:02:10.000Z", "connection": "connected", "routable": false,
            "actor": { "kind": "agent", "id": "ana" }, "cause": "agent"
        });
        for (name, value) in more.as_object().unwrap() {
            row[name] = value.clone();
        }
        serde_json::from_value(row).unwrap()
    }

    /// 2026-11-22T17:02:15Z.
    const NOW: Timestamp = Timestamp(1_795_366_935_000);

    #[test]
    fn changes_read_as_plain_lines() {
        let names = Names(BTreeMap::from([("almoco".to_owned(), "Almoço".to_owned())]));
        let pause = |overrun: bool| {
            serde_json::json!({ "pause": {
                "id": "p", "type": "almoco", "started_at": "2026-11-22T17:02:10.000Z",
                "limit_at": "2026-11-22T17:03:10.000Z", "overrun": overrun
            } })
        };
        let none = serde_json::json!({});
        let by = serde_json::json!({ "actor": { "kind": "supervisor", "id": "rita" } });
        let away = serde_json::json!({ "connection": "grace" });
        let over = serde_json::json!({ "cause": "limit" });
        let cases = [
            (
                row("available", none.clone()),
                row("paused", pause(false)),
                Some("14:02:10 Ana Souza  available → paused (Almoço, limit 1:00)"),
            ),
            (
                row("paused", pause(false)),
                row("paused", pause(true)),
                Some("14:02:15 Ana Souza  over the limit (Almoço, limit 1:00)"),
            ),
            (
                row("paused", pause(false)),
                row("unavailable", over),
                Some("14:02:10 Ana Souza  paused → unavailable [limit]"),
            ),
            (
                row("available", none.clone()),
                row("unavailable", by),
                Some("14:02:10 Ana Souza  available → unavailable, by supervisor rita"),
            ),
            (row("available", none.clone()), row("available", away), Some("14:02:15 Ana Souza  connected → grace")),
            (row("available", none.clone()), row("available", none), None),
        ];
        for (before, after, expected) in cases {
            let change = RowChange { before: Some(before), after: Some(after) };
            assert_eq!(line(&change, &names, chrono_tz::America::Sao_Paulo, NOW).as_deref(), expected);
        }
    }
}
