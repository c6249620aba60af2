//! A company read from a file and written again, for who holds the one against the other from outside (`fuzz/`).
//!
//! Decides nothing: each function is what the command line and HTTP do with a file, between the bytes and the store.

use super::merge::{Existing, LeftOuts};
use super::{merge_read, read_and_merge};
use crate::config::Problem;
use crate::domain::directory::Directory;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;

pub use super::csv_text::{Encoding, Separator};
pub use super::merge::LeftOut;

/// A company: who there is, and by which rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Company {
    /// The directory.
    pub directory: Directory,
    /// The policy in force.
    pub policy: Policy,
}

/// The company that a TOML file leads to, where there is none yet.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub fn from_toml(text: &str, now: Timestamp) -> Result<Company, Vec<Problem>> {
    let (_, merged) = read_and_merge(text, |_| None, LeftOut::Stays, now)?;
    let directory = merged.directory.ok_or_else(|| vec![Problem { line: 1, message: "nothing is new".to_owned() }])?;
    Ok(Company { directory, policy: merged.policy.unwrap_or_else(Policy::empty) })
}

/// The company after a TOML file was put on top of it.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub fn with_toml(before: &Company, text: &str, left_out: LeftOut, now: Timestamp) -> Result<Company, Vec<Problem>> {
    let existing = Existing { directory: &before.directory, policy: &before.policy };
    let (_, merged) = read_and_merge(text, |_| Some(existing), left_out, now)?;
    Ok(Company {
        directory: merged.directory.unwrap_or_else(|| before.directory.clone()),
        policy: merged.policy.unwrap_or_else(|| before.policy.clone()),
    })
}

/// A company as a TOML file.
pub fn to_toml(company: &Company) -> String {
    super::write_company(&company.directory, &company.policy)
}

/// The directory after people in CSV were put on top of it, and what the file was read as.
///
/// # Errors
/// Everything that is wrong with the file, by line.
pub fn with_people(
    before: &Directory,
    bytes: &[u8],
    left_out: LeftOut,
    now: Timestamp,
) -> Result<(Directory, Encoding, Separator), Vec<Problem>> {
    let read = super::read_people(bytes, before);
    let policy = Policy::empty();
    let existing = Existing { directory: before, policy: &policy };
    let left_out = match left_out {
        LeftOut::Stays => LeftOuts::from(LeftOut::Stays),
        LeftOut::Goes => LeftOuts::PEOPLE_GO,
    };
    let merged = merge_read(&read.file, read.problems, Some(existing), left_out, now)?;
    let (encoding, separator) =
        read.form.ok_or_else(|| vec![Problem { line: 1, message: "the file has no form".to_owned() }])?;
    Ok((merged.directory.unwrap_or_else(|| before.clone()), encoding, separator))
}

/// The people of a directory as CSV; empty where they cannot be written, which a writer into memory never refuses.
pub fn to_people_csv(directory: &Directory, separator: Separator) -> Vec<u8> {
    super::write_people(directory, separator).unwrap_or_default()
}
