//! Why the program ends without its figures.

use std::fmt;

/// One line for a person: what went wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    line: String,
    is_broken_promise: bool,
}

/// What may fail.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure with this line.
    pub(super) fn new(line: impl fmt::Display) -> Failure {
        Failure { line: line.to_string(), is_broken_promise: false }
    }

    /// The same, because the server did not do what it promises.
    pub(super) fn into_broken_promise(self) -> Failure {
        Failure { is_broken_promise: true, ..self }
    }

    /// True when the server did not do what it promises.
    pub(super) fn is_broken_promise(&self) -> bool {
        self.is_broken_promise
    }

    /// The same with more to know after it.
    pub(super) fn with(self, more: impl fmt::Display) -> Failure {
        Failure { line: format!("{}{more}", self.line), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// Puts what was being done before what the system said.
pub(super) trait While<T> {
    /// Names it.
    fn while_doing(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn while_doing(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure::new(format!("{what}: {error}")))
    }
}
