//! TOML read with line numbers, so that everything wrong with a file is told in one go, each with
//! its line and, for an unknown key, the name that was probably meant. Knows no file in particular.

use std::fmt;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;

/// How much of a number that is none is told, in characters.
const FOUND_TOLD_MAX: usize = 40;

/// Something wrong with a file, or worth a note.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// What was found wrong so far.
#[derive(Debug, Default)]
pub struct Problems {
    line_starts: Vec<usize>,
    found: Vec<Problem>,
    /// What is no TOML. What else is found may be so because of it alone, and is not told.
    broken: Option<Problem>,
}

impl Problems {
    fn of(text: &str) -> Problems {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Problems { line_starts: std::iter::once(0).chain(starts).collect(), found: Vec::new(), broken: None }
    }

    /// The line of a byte offset.
    fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    /// Adds one.
    pub fn add(&mut self, line: usize, message: impl Into<String>) {
        self.found.push(Problem { line, message: message.into() });
    }

    /// True when the text is no TOML.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// How much was found.
    pub fn count(&self) -> usize {
        self.found.len() + usize::from(self.broken.is_some())
    }

    /// True when nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.broken.is_none()
    }

    /// All of them, by line; what is no TOML alone, where something is.
    pub fn into_sorted(self) -> Vec<Problem> {
        if let Some(broken) = self.broken {
            return vec![broken];
        }
        let mut found = self.found;
        found.sort();
        found.dedup();
        found
    }
}

/// A value with the line that it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its line, counted from 1.
    pub line: usize,
}

/// Reads a text as TOML, as far as it can be read; what cannot is among the problems.
pub fn parse(text: &str) -> (Spanned<DeTable<'_>>, Problems) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut problems = Problems::of(text);
    // The first one: where it is, others may be its consequence.
    if let Some(error) = errors.first() {
        let line = problems.line_of(error.span().map_or(0, |span| span.start));
        problems.broken = Some(Problem { line, message: format!("this is not TOML: {}", error.message()) });
    }
    (document, problems)
}

/// A table while it is read. Whatever was not asked for by the end is an unknown key.
pub struct Section<'d> {
    /// What the table is, for messages: `pause type "almoco"`; empty at the top of a file.
    pub what: String,
    /// The line that it begins on.
    pub line: usize,
    table: &'d DeTable<'d>,
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
}

impl<'d> Section<'d> {
    /// The top of a file.
    pub fn top(document: &'d Spanned<DeTable<'d>>) -> Section<'d> {
        Section { what: String::new(), line: 1, table: document.get_ref(), known: Vec::new(), refused: Vec::new() }
    }

    /// The field of a name; from here on the name is known.
    pub fn take(&mut self, name: &'static str, problems: &Problems) -> Option<Field<'d>> {
        self.known.push(name);
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, value)| Field {
            name: name.to_owned(),
            what: self.what.clone(),
            line: problems.line_of(key.span().start),
            value: value.get_ref(),
        })
    }

    /// Like [`Section::take`], for a key that has its own refusal and is not to be proposed.
    pub fn take_hidden(&mut self, name: &'static str, problems: &Problems) -> Option<Field<'d>> {
        let field = self.take(name, problems);
        if let Some(known) = self.known.pop() {
            self.refused.push(known);
        }
        field
    }

    /// True when a field of a name stands there.
    pub fn has(&self, name: &str) -> bool {
        self.table.iter().any(|(key, _)| key.get_ref() == name)
    }

    /// All fields, whatever their names; nothing is unknown then.
    pub fn take_all(self, problems: &Problems) -> Vec<Field<'d>> {
        self.table
            .iter()
            .map(|(key, value)| Field {
                name: key.get_ref().to_string(),
                what: self.what.clone(),
                line: problems.line_of(key.span().start),
                value: value.get_ref(),
            })
            .collect()
    }

    /// Says what is wrong with this table.
    pub fn refuse(&self, problems: &mut Problems, message: impl fmt::Display) {
        problems.add(self.line, in_place(&self.what, message));
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self, problems: &mut Problems) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if self.known.contains(&name) || self.refused.contains(&name) {
                continue;
            }
            let line = problems.line_of(key.span().start);
            let hint = match nearest(name, self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here are: {}", self.known.join(", ")),
            };
            problems.add(line, in_place(&self.what, format_args!("unknown key `{}`; {hint}", name.escape_debug())));
        }
    }
}

/// A key with its value.
pub struct Field<'d> {
    /// The key.
    pub name: String,
    /// The line that it stands on.
    pub line: usize,
    what: String,
    value: &'d DeValue<'d>,
}

impl<'d> Field<'d> {
    /// Says what is wrong with this field.
    pub fn refuse(&self, problems: &mut Problems, message: impl fmt::Display) {
        problems.add(self.line, in_place(&self.what, format_args!("`{}`: {message}", self.name.escape_debug())));
    }

    fn wrong_type(&self, problems: &mut Problems, expected: &str) {
        self.refuse(problems, format_args!("expected {expected}, found {}", type_word(self.value)));
    }

    /// The value as text.
    pub fn text(&self, problems: &mut Problems) -> Option<&'d str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type(problems, "a text in quotes");
        }
        text
    }

    /// The value as a text that `read` makes sense of.
    pub fn read<T, E: fmt::Display>(
        &self,
        problems: &mut Problems,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        match read(self.text(problems)?) {
            Ok(value) => Some(At { value, line: self.line }),
            Err(error) => {
                self.refuse(problems, error);
                None
            }
        }
    }

    /// The value as true or false.
    pub fn boolean(&self, problems: &mut Problems) -> Option<At<bool>> {
        let value = self.value.as_bool();
        if value.is_none() {
            self.wrong_type(problems, "true or false");
        }
        value.map(|value| At { value, line: self.line })
    }

    /// The value as a whole number within a range.
    pub fn integer(&self, problems: &mut Problems, range: RangeInclusive<i64>) -> Option<At<i64>> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(number) = self.value.as_integer() else {
            self.wrong_type(problems, &expected);
            return None;
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) if range.contains(&value) => Some(At { value, line: self.line }),
            Ok(_) | Err(_) => {
                // Where a file is no TOML, whatever stands there is taken for the number: it may be long, and need not print.
                let found: String =
                    number.to_string().chars().take(FOUND_TOLD_MAX).flat_map(char::escape_debug).collect();
                self.refuse(problems, format_args!("expected {expected}, found {found}"));
                None
            }
        }
    }

    /// The entries of a list, as fields of the same name.
    pub fn list(&self, problems: &mut Problems) -> Option<Vec<Field<'d>>> {
        let Some(array) = self.value.as_array() else {
            self.wrong_type(problems, "a list in brackets");
            return None;
        };
        Some(
            array
                .iter()
                .map(|entry| Field {
                    name: self.name.clone(),
                    what: self.what.clone(),
                    line: problems.line_of(entry.span().start),
                    value: entry.get_ref(),
                })
                .collect(),
        )
    }

    /// What messages call this field, with the table that it is in.
    pub fn place(&self) -> String {
        in_place(&self.what, format_args!("`{}`", self.name.escape_debug()))
    }

    /// True when the value is a text.
    pub fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// True when the value is a list.
    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// True when the value is a table.
    pub fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// The value as a table; `what` is what messages call it.
    pub fn section(&self, problems: &mut Problems, what: impl Into<String>) -> Option<Section<'d>> {
        let Some(table) = self.value.as_table() else {
            self.wrong_type(problems, "a table");
            return None;
        };
        Some(Section { what: what.into(), line: self.line, table, known: Vec::new(), refused: Vec::new() })
    }

    /// The value as one text, or as several where it is a list: what a setting is written as.
    pub fn plain_texts(&self, problems: &mut Problems) -> Option<Vec<String>> {
        if self.is_list() {
            let entries = self.list(problems)?;
            return entries.iter().map(|entry| entry.plain_text(problems)).collect();
        }
        self.plain_text(problems).map(|text| vec![text])
    }

    fn plain_text(&self, problems: &mut Problems) -> Option<String> {
        if let Some(text) = self.value.as_str() {
            return Some(text.to_owned());
        }
        if let Some(value) = self.value.as_bool() {
            return Some(value.to_string());
        }
        if let Some(number) = self.value.as_integer() {
            // A number too great for any setting is handed on as it stands: the setting refuses it by its own range.
            let read = i64::from_str_radix(number.as_str(), number.radix());
            return Some(read.map_or_else(|_| number.to_string(), |number| number.to_string()));
        }
        self.wrong_type(problems, "a text, a whole number, or true or false");
        None
    }
}

fn in_place(what: &str, message: impl fmt::Display) -> String {
    if what.is_empty() { message.to_string() } else { format!("{what}: {message}") }
}

fn type_word(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
