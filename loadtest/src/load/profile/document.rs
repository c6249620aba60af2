//! What a profile says, line by line: its loads as words of the command line, so that a flag and a key can never
//! differ, or the first problem with its line.
//!
//! Pure: text goes in, commands come out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::words::{Flags, Setting, words_of};
use crate::load::args::{Arguments, Command, TargetArgs};

/// The loads of a profile are kept in memory with their reports.
const LOADS_MAX: usize = 1000;
/// The key of a load that says which scenario it is.
const SCENARIO: &str = "scenario";
/// The key of a load that says what it is called in the page.
const NAME: &str = "name";

/// One load.
#[derive(Debug)]
pub(in crate::load) struct Load {
    /// What the command line would have come to.
    pub(in crate::load) command: Command,
    /// The word of its scenario.
    pub(in crate::load) scenario: String,
    /// What it is called.
    pub(in crate::load) name: Option<String>,
}

/// What is wrong with a profile, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The line, from 1 on.
    pub(super) line: usize,
    /// What is wrong, and what would be right.
    pub(super) what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// The loads of a profile; `over` goes before what it says of the server.
///
/// # Errors
/// The first [`Problem`].
pub(super) fn read(text: &str, over: &TargetArgs) -> Result<Vec<Load>, Problem> {
    let lines = Lines(text);
    let table = DeTable::parse(text)
        .map_err(|error| lines.problem(error.span().map_or(0, |span| span.start), error.message()))?;
    let (mut target, mut loads) = (BTreeMap::new(), Vec::new());
    for (key, value) in table.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("target", DeValue::Table(given)) => target = settings(lines, given, &Flags::of_target(), "[target]")?,
            ("load", DeValue::Array(list)) => loads = list.iter().collect(),
            ("target" | "load", _) => {
                return Err(lines.problem(key.span().start, "the tables are written [target] and [[load]]"));
            }
            (other, _) => {
                let what = format!("there is no {other:?} in a profile, only [target] and [[load]]");
                return Err(lines.problem(key.span().start, what));
            }
        }
    }
    if loads.is_empty() || loads.len() > LOADS_MAX {
        return Err(lines.problem(0, format!("a profile has at least one [[load]] and at most {LOADS_MAX}")));
    }
    let over = words_of(over);
    if over.iter().any(|(key, _)| ["server", "url"].contains(key)) {
        ["server", "url", "key", "pid", "store"].iter().for_each(|key| drop(target.remove(*key)));
    }
    loads.into_iter().map(|load| read_load(lines, load, &target, &over)).collect()
}

fn read_load(
    lines: Lines<'_>,
    load: &Spanned<DeValue<'_>>,
    target: &BTreeMap<String, Setting>,
    over: &[(&'static str, OsString)],
) -> Result<Load, Problem> {
    let start = load.span().start;
    let DeValue::Table(table) = load.get_ref() else {
        return Err(lines.problem(start, "a load is a table: [[load]]"));
    };
    let scenario = text_of(lines, table, SCENARIO)?;
    let flags = scenario.as_ref().and_then(|(scenario, _)| Flags::of_scenario(scenario));
    let (Some((scenario, _)), Some(flags)) = (&scenario, flags) else {
        let at = scenario.as_ref().map_or(start, |(_, at)| *at);
        let known = Flags::scenarios().join(", ");
        return Err(lines.problem(at, format!("a load has `scenario = \"…\"`, one of: {known}")));
    };
    let name = text_of(lines, table, NAME)?.map(|(name, _)| name);
    let own = settings(lines, table, &flags, scenario)?;
    let mut all: BTreeMap<&str, (usize, Vec<OsString>)> = BTreeMap::new();
    for (key, setting) in target.iter().chain(&own) {
        all.insert(key, (setting.line, setting.words(key)));
    }
    for (key, word) in over {
        all.insert(key, (lines.of(start), vec![word.clone()]));
    }
    let words = ["intervalo-loadtest", scenario].map(OsString::from);
    let words = words.into_iter().chain(all.values().flat_map(|(_, words)| words.clone()));
    match Arguments::try_parse_from(words) {
        Ok(Arguments { command }) => Ok(Load { command, scenario: scenario.clone(), name }),
        Err(error) => {
            let line = faulty_key(&error).and_then(|key| all.get(key.as_str())).map(|(line, _)| *line);
            Err(Problem { line: line.unwrap_or_else(|| lines.of(start)), what: first_sentence(&error) })
        }
    }
}

/// The keys of a table that are flags, each with its line.
fn settings(
    lines: Lines<'_>,
    table: &DeTable<'_>,
    flags: &Flags,
    place: &str,
) -> Result<BTreeMap<String, Setting>, Problem> {
    let mut settings = BTreeMap::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if place != "[target]" && [SCENARIO, NAME].contains(&name) {
            continue;
        }
        let line = lines.of(key.span().start);
        let setting = flags.setting(place, name, value.get_ref(), line).map_err(|what| Problem { line, what })?;
        settings.insert(name.to_owned(), setting);
    }
    Ok(settings)
}

/// A text of a table, and where it is.
fn text_of(lines: Lines<'_>, table: &DeTable<'_>, name: &str) -> Result<Option<(String, usize)>, Problem> {
    let found = table.iter().find(|(key, _)| key.get_ref().as_ref() == name);
    let Some((key, value)): Option<(&Spanned<DeString<'_>>, _)> = found else { return Ok(None) };
    let DeValue::String(text) = value.get_ref() else {
        let what = format!("`{name}` is text in quotes, not {}", value.get_ref().type_str());
        return Err(lines.problem(key.span().start, what));
    };
    Ok(Some((text.clone().into_owned(), key.span().start)))
}

/// The flag that the command line complains of.
fn faulty_key(error: &clap::Error) -> Option<String> {
    let shown = error.get(ContextKind::InvalidArg)?;
    if let ContextValue::Strings(all) = shown {
        return flag_in(all.first()?);
    }
    let ContextValue::String(one) = shown else { return None };
    flag_in(one)
}

/// The name of a flag that is shown as `--time <SPAN>`.
fn flag_in(shown: &str) -> Option<String> {
    let name = shown.strip_prefix("--")?;
    Some(name.split([' ', '=']).next()?.to_owned())
}

/// What the command line says, without its way out: there is no `--help` in a file.
fn first_sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let sentence = lines.join(" ");
    sentence.strip_prefix("error: ").unwrap_or(&sentence).to_owned()
}

/// A text, of which lines are told.
#[derive(Debug, Clone, Copy)]
struct Lines<'t>(&'t str);

impl Lines<'_> {
    /// The line of a place, from 1 on.
    fn of(self, at: usize) -> usize {
        let before = &self.0.as_bytes()[..at.min(self.0.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn problem(self, at: usize, what: impl fmt::Display) -> Problem {
        Problem { line: self.of(at), what: what.to_string() }
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
