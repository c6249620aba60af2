//! One run of one scenario, as plain data, whatever its settings and figures are.

use serde::Serialize;
use serde_json::Value;

use super::section::Section;
use crate::load::failure::Failure;
use crate::load::report::{Checks, Report};

/// What came of one run.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) struct Part {
    /// The word of the scenario.
    pub(in crate::load) scenario: String,
    /// What it is called, where a profile says so.
    pub(in crate::load) name: Option<String>,
    /// When, where and against what, by name.
    pub(in crate::load) facts: Vec<(String, String)>,
    /// What was asked for, by name.
    pub(in crate::load) settings: Vec<(String, String)>,
    /// What was measured.
    pub(in crate::load) sections: Vec<Section>,
    /// What was checked.
    pub(in crate::load) verdict: Verdict,
    /// What whoever reads the figures must know.
    pub(in crate::load) notes: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::load) enum Verdict {
    /// All that was checked held.
    Held(Vec<String>),
    /// Promises were broken: how many, and the first.
    Broken(u64, Vec<String>),
    /// There are no figures.
    Failed(String),
}

impl Part {
    /// The part of a report.
    pub(in crate::load) fn of<S: Serialize, F>(report: &Report<S, F>, sections: Vec<Section>) -> Part {
        let Checks { held, breaches, first, checked } = &report.checks;
        let verdict = if *held { Verdict::Held(checked.clone()) } else { Verdict::Broken(*breaches, first.clone()) };
        let machine = &report.machine;
        let cores = if machine.cores == 1 { "1 core".to_owned() } else { format!("{} cores", machine.cores) };
        let pinned = if machine.pinned { ", the server on one and the load on another" } else { "" };
        let whose = if report.server.started_here { "started for this run" } else { "ran already" };
        let facts = [
            ("began", moment(report.started_at_unix_s)),
            ("program", format!("{} {}", report.tool, report.version)),
            ("machine", cores + pinned),
            ("server", format!("{whose}, store: {}", report.server.store)),
        ];
        Part {
            scenario: report.scenario.to_owned(),
            name: None,
            facts: facts.map(|(name, fact)| (name.to_owned(), fact)).to_vec(),
            settings: named(&serde_json::to_value(&report.settings).unwrap_or_default()),
            sections,
            verdict,
            notes: report.notes.clone(),
        }
    }

    /// A run of which nothing came.
    pub(in crate::load) fn failed(scenario: &str, failure: &Failure) -> Part {
        let line = failure.to_string();
        let verdict = if failure.is_broken_promise() { Verdict::Broken(1, vec![line]) } else { Verdict::Failed(line) };
        Part {
            scenario: scenario.to_owned(),
            name: None,
            facts: Vec::new(),
            settings: Vec::new(),
            sections: Vec::new(),
            verdict,
            notes: Vec::new(),
        }
    }

    /// The same under a name.
    pub(in crate::load) fn called(self, name: Option<String>) -> Part {
        Part { name, ..self }
    }

    /// What it is called: its name, or the word of its scenario.
    pub(in crate::load) fn title(&self) -> String {
        self.name.as_ref().map_or_else(|| self.scenario.clone(), |name| format!("{name} ({})", self.scenario))
    }
}

/// The fields of an object, each in a line of words.
fn named(settings: &Value) -> Vec<(String, String)> {
    let fields = settings.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), words(value))).collect()
}

fn words(value: &Value) -> String {
    let all = |list: Vec<String>| if list.is_empty() { "–".to_owned() } else { list.join(", ") };
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) => all(list.iter().map(words).collect()),
        Value::Object(fields) => all(fields.iter().map(|(name, value)| format!("{name} {}", words(value))).collect()),
    }
}

/// An instant in UTC, of seconds since 1970.
fn moment(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    let mut year = 1970;
    let mut day = days;
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02} {:02}:{:02} UTC", day + 1, second / 3600, second / 60 % 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_are_told_in_utc() {
        assert_eq!(moment(0), "1970-01-01 00:00 UTC");
        assert_eq!(moment(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(moment(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(moment(1_795_381_069), "2026-11-22 20:57 UTC");
        assert_eq!(moment(1_798_761_600), "2027-01-01 00:00 UTC");
    }

    #[test]
    fn settings_are_told_in_words() {
        let told = named(&json!({ "pairs": 5, "kinds": { "junk": 3 }, "connections": [1, 8], "none": [], "a": "b" }));
        let told: std::collections::BTreeMap<String, String> = told.into_iter().collect();
        assert_eq!((told["pairs"].as_str(), told["connections"].as_str()), ("5", "1, 8"));
        assert_eq!((told["kinds"].as_str(), told["none"].as_str(), told["a"].as_str()), ("junk 3", "–", "b"));
    }

    #[test]
    fn a_failure_is_told_as_what_it_is() {
        let failure = Failure::new("no server");
        assert_eq!(Part::failed("idle", &failure).verdict, Verdict::Failed("no server".to_owned()));
        let broken = failure.into_broken_promise();
        assert_eq!(Part::failed("idle", &broken).verdict, Verdict::Broken(1, vec!["no server".to_owned()]));
        assert_eq!(Part::failed("idle", &broken).called(Some("row 7".to_owned())).title(), "row 7 (idle)");
    }
}
