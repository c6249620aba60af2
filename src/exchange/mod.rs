//! A company as a file: read, put on top of what is there, and what differs told.
//!
//! `file`, `pause_type` and `people_csv` read what is written, `merge` decides what it means, `difference` tells it;
//! `company_toml` and `people_csv` write it again. `round_trip` is the door for who holds the one against the other. Knows no store and no
//! wire: the command line and HTTP both hand it bytes and what is there.

mod company_toml;
mod csv_list;
mod csv_text;
mod difference;
mod entitlement_rule;
mod file;
mod merge;
mod merge_policy;
mod notes;
mod overrides;
mod pause_type;
mod people_csv;
pub mod round_trip;
#[cfg(test)]
mod tests;
mod values;

use crate::config::Problem;
use crate::domain::id::TenantId;
use crate::domain::time::Timestamp;

pub(crate) use company_toml::{write_company, write_directory};
pub(crate) use csv_text::{Encoding, Separator};
pub(crate) use difference::{Counts, Difference, Kind, RecordChange, What};
pub(crate) use file::{AgentPatch, FileRead, ImportFile, Stated, read_file};
pub(crate) use merge::{Existing, LeftOut, LeftOuts, Merged, merge};
pub(crate) use people_csv::{PeopleRead, read_people, write_people};

/// The largest file that is read, in bytes: some 100,000 agents.
pub(crate) const FILE_BYTES_MAX: usize = 16 << 20;
/// The most problems that are told at once; of the others it is told how many there are.
pub(crate) const PROBLEMS_TOLD_MAX: usize = 100;

/// Reads a file and puts it on top of what is there.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub(crate) fn read_and_merge<'a>(
    text: &str,
    existing: impl FnOnce(&TenantId) -> Option<Existing<'a>>,
    left_out: impl Into<LeftOuts>,
    now: Timestamp,
) -> Result<(TenantId, Merged), Vec<Problem>> {
    let FileRead { file, problems } = read_file(text);
    let Some(file) = file else { return Err(problems) };
    let merged = merge_read(&file, problems, existing(&file.tenant.id), left_out, now)?;
    Ok((file.tenant.id, merged))
}

/// Puts what was read on top of what is there, unless anything was wrong with it by itself.
///
/// # Errors
/// Everything that is wrong with it, by line.
pub(crate) fn merge_read(
    file: &ImportFile,
    mut problems: Vec<Problem>,
    existing: Option<Existing<'_>>,
    left_out: impl Into<LeftOuts>,
    now: Timestamp,
) -> Result<Merged, Vec<Problem>> {
    match merge(existing, file, left_out, now) {
        Ok(merged) if problems.is_empty() => Ok(merged),
        Ok(_) => Err(problems),
        Err(found) => {
            problems.extend(found);
            problems.sort();
            problems.dedup();
            Err(problems)
        }
    }
}
