//! What a command says when it fails: one line for each thing that is wrong.

use std::fmt::Display;
use std::io::{self, Write};

/// Why a command failed, in lines for standard error.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    lines: Vec<String>,
}

impl Failure {
    /// One thing is wrong.
    pub(super) fn new(line: impl Display) -> Failure {
        Failure { lines: vec![line.to_string()] }
    }

    /// Several things are.
    pub(super) fn all(lines: impl IntoIterator<Item = impl Display>) -> Failure {
        Failure { lines: lines.into_iter().map(|line| line.to_string()).collect() }
    }

    /// Writes the lines to standard error.
    pub(super) fn print(&self) {
        let mut stderr = io::stderr().lock();
        for line in &self.lines {
            // When even that cannot be written, the exit code is left to tell.
            let _ = writeln!(stderr, "intervalo: {line}");
        }
    }
}

/// Writes to standard output.
///
/// # Errors
/// [`Failure`] when it cannot be written, for instance because the reader of a pipe has gone.
pub(super) fn print(text: impl Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    written.map_err(|error| Failure::new(format_args!("cannot write to standard output: {error}")))
}
