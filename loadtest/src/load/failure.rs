//! Why the program ends without its figures.

use std::fmt;

/// One line for a person: what went wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure(String);

/// What may fail.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure with this line.
    pub(super) fn new(line: impl fmt::Display) -> Failure {
        Failure(line.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts what was being done before what the system said.
pub(super) trait While<T> {
    /// Names it.
    fn while_doing(self, what: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn while_doing(self, what: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}
