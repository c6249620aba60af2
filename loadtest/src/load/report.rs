//! What a run leaves: a table for people, and the same as JSON with names that stay (`docs/loadtest.md`).

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::breaches::Breaches;
use super::failure::{Outcome, While};
use super::latency::{Latency, Percentiles};
use super::machine::{self, Pinning};
use super::spread::Spread;
use super::target::Target;

/// A generator that is this busy may be what was measured.
const BUSY_CORES: f64 = 0.8;

/// A report of one scenario.
#[derive(Debug, Serialize)]
pub(super) struct Report<S, F> {
    /// This program.
    pub(super) tool: &'static str,
    /// Its version.
    pub(super) version: &'static str,
    /// Which scenario.
    pub(super) scenario: &'static str,
    /// When it began, in seconds since 1970.
    pub(super) started_at_unix_s: u64,
    /// Where.
    pub(super) machine: Machine,
    /// Against what.
    pub(super) server: ServerShown,
    /// What was asked for.
    pub(super) settings: S,
    /// What was measured.
    pub(super) figures: F,
    /// What was checked.
    pub(super) checks: Checks,
    /// What whoever reads the figures must know.
    pub(super) notes: Vec<String>,
}

/// The machine.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    /// Cores that may be used.
    pub(super) cores: usize,
    /// Server and generator had a core each.
    pub(super) pinned: bool,
}

/// The server.
#[derive(Debug, Serialize)]
pub(super) struct ServerShown {
    /// It was started for this run.
    pub(super) started_here: bool,
    /// `sqlite`, `postgresql`, `other` or `unknown`.
    pub(super) store: &'static str,
}

/// The outcome of the checks.
#[derive(Debug, Serialize)]
pub(super) struct Checks {
    /// Every promise held.
    pub(super) held: bool,
    /// How many breaches were found.
    pub(super) breaches: u64,
    /// The first of them.
    pub(super) first: Vec<String>,
    /// What was checked, in words.
    pub(super) checked: Vec<String>,
}

/// One side of a comparison: server or floor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Side {
    /// Done in a second.
    pub(super) per_second: Spread,
    /// The half of each round.
    pub(super) p50_us: Spread,
    /// The 99 % of each round.
    pub(super) p99_us: Spread,
    /// All rounds together.
    pub(super) latency: Percentiles,
}

impl Side {
    /// What some rounds come to; none when one of them has no time.
    pub(super) fn of(rounds: &[(f64, &Latency)]) -> Option<Side> {
        let told: Vec<Percentiles> = rounds.iter().map(|(_, latency)| latency.percentiles()).collect::<Option<_>>()?;
        let mut all = Latency::new();
        rounds.iter().for_each(|(_, latency)| all.add(latency));
        Some(Side {
            per_second: Spread::of(rounds.iter().map(|(per_second, _)| *per_second))?,
            p50_us: Spread::of(told.iter().map(|told| told.p50_us))?,
            p99_us: Spread::of(told.iter().map(|told| told.p99_us))?,
            latency: all.percentiles()?,
        })
    }
}

impl Machine {
    /// This one.
    pub(super) fn here(pinning: Pinning) -> Machine {
        Machine { cores: machine::cores(), pinned: pinning == Pinning::Apart }
    }
}

impl ServerShown {
    /// That of a target.
    pub(super) fn of(target: &Target) -> ServerShown {
        ServerShown { started_here: target.installation().is_some(), store: target.store_word() }
    }
}

impl Checks {
    /// What was checked, and what was found.
    pub(super) fn of(breaches: &Breaches, checked: Vec<String>) -> Checks {
        Checks { held: breaches.is_empty(), breaches: breaches.count(), first: breaches.list().to_vec(), checked }
    }
}

/// When a run began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun(u64);

/// A run begins.
pub(super) fn begun() -> Begun {
    Begun(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// The report of a run against a target.
pub(super) fn report<S, F>(
    scenario: &'static str,
    Begun(started_at_unix_s): Begun,
    target: &Target,
    settings: S,
    figures: F,
    checks: Checks,
    notes: Vec<String>,
) -> Report<S, F> {
    Report {
        tool: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        scenario,
        started_at_unix_s,
        machine: Machine::here(target.pinning()),
        server: ServerShown::of(target),
        settings,
        figures,
        checks,
        notes,
    }
}

/// The line to tell when the load generator itself was the limit, by the cores that it used in each round.
pub(super) fn busy_note(what: &str, generator_cores: &Spread) -> Option<String> {
    (generator_cores.max > BUSY_CORES).then(|| {
        format!(
            "{what}: the load generator was on a core for {:.0} % of the time; the figure may be its limit, not the \
             server's",
            generator_cores.max * 100.0
        )
    })
}

/// Writes a report as JSON.
///
/// # Errors
/// [`super::Failure`] when the file cannot be written.
pub(super) fn write<S: Serialize, F: Serialize>(report: &Report<S, F>, path: &Path) -> Outcome<()> {
    let mut text = serde_json::to_string_pretty(report).while_doing("cannot write the report")?;
    text.push('\n');
    std::fs::write(path, text).while_doing(format!("cannot write {}", path.display()))
}

/// The notes and the checks, as lines.
pub(super) fn ending(checks: &Checks, notes: &[String]) -> String {
    let mut lines: Vec<String> = notes.iter().map(|note| format!("note: {note}")).collect();
    if checks.held {
        lines.push(format!("held: {}", checks.checked.join("; ")));
    } else {
        lines.extend(checks.first.iter().map(|breach| format!("BROKEN: {breach}")));
        lines.push(format!("{} breaches of what the server promises", checks.breaches));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn report() -> Report<serde_json::Value, Side> {
        let mut latency = Latency::new();
        latency.record(Duration::from_micros(100));
        let mut breaches = Breaches::none();
        breaches.add("ana is lost");
        Report {
            tool: "intervalo-loadtest",
            version: "0.0.0",
            scenario: "commands",
            started_at_unix_s: 1_795_381_069,
            machine: Machine { cores: 2, pinned: false },
            server: ServerShown { started_here: true, store: "sqlite" },
            settings: json!({ "pairs": 1 }),
            figures: Side::of(&[(10.0, &latency)]).expect("a side"),
            checks: Checks::of(&breaches, vec!["final states".to_owned()]),
            notes: vec!["on a busy machine".to_owned()],
        }
    }

    #[test]
    fn the_names_in_json_stay() {
        let written = serde_json::to_value(report()).expect("JSON");
        let spread = |figure: f64| json!({ "median": figure, "min": figure, "max": figure, "count": 1 });
        // 100 µs with three digits.
        let p50 = written["figures"]["latency"]["p50_us"].as_f64().expect("a number");
        assert!((p50 / 100.0 - 1.0).abs() < 0.001);
        let percentiles =
            json!({ "count": 1, "p50_us": p50, "p90_us": p50, "p99_us": p50, "p999_us": p50, "max_us": p50 });
        let expected = json!({
            "tool": "intervalo-loadtest",
            "version": "0.0.0",
            "scenario": "commands",
            "started_at_unix_s": 1_795_381_069,
            "machine": { "cores": 2, "pinned": false },
            "server": { "started_here": true, "store": "sqlite" },
            "settings": { "pairs": 1 },
            "figures": {
                "per_second": spread(10.0), "p50_us": spread(p50), "p99_us": spread(p50), "latency": percentiles
            },
            "checks": { "held": false, "breaches": 1, "first": ["ana is lost"], "checked": ["final states"] },
            "notes": ["on a busy machine"]
        });
        assert_eq!(written, expected);
    }

    #[test]
    fn breaches_and_notes_are_told() {
        let told = ending(&report().checks, &report().notes);
        assert_eq!(told, "note: on a busy machine\nBROKEN: ana is lost\n1 breaches of what the server promises\n");
        let held = Checks::of(&Breaches::none(), vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(ending(&held, &[]), "held: a; b\n");
    }

    #[test]
    fn a_generator_at_its_limit_is_told() {
        let spread = |max| Spread { median: 0.1, min: 0.1, max, count: 2 };
        assert_eq!(busy_note("64 connections", &spread(0.7)), None);
        let told = busy_note("64 connections", &spread(0.93)).expect("a note");
        assert!(told.starts_with("64 connections: the load generator was on a core for 93 %"), "{told}");
    }

    #[test]
    fn a_report_is_written_whole() {
        let folder = crate::load::folder::Folder::make(None).expect("a folder");
        let path = folder.path().join("report.json");
        write(&report(), &path).expect("written");
        let text = std::fs::read_to_string(path).expect("a file");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["scenario"], "commands");
        assert!(text.ends_with("}\n"));
    }
}
