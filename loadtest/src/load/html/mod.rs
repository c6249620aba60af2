//! The report as one page of HTML: no script, nothing loaded from elsewhere, readable on a phone and in the dark.
//!
//! A scenario says what it has to show as plain data ([`Section`]); how that looks is known here alone. All text is
//! escaped, for a note may hold what a server wrote.

mod axis;
mod bars;
mod curves;
mod lines;
mod markup;
mod page;
mod part;
mod section;

use std::path::Path;

pub(super) use self::part::Part;
pub(super) use self::section::{Chart, Line, Section, Table};
use super::failure::{Outcome, While};

/// Writes the page of some parts.
///
/// # Errors
/// [`super::Failure`] when the file cannot be written.
pub(super) fn write(parts: &[Part], path: &Path) -> Outcome<()> {
    std::fs::write(path, page::page(parts)).while_doing(format!("cannot write {}", path.display()))
}
