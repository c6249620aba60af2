//! `intervalo import`: a company as a TOML file, put on top of what is there.
//!
//! `exchange` reads what is written and decides what it means, `write` makes it durable.

mod write;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::args::Import;
use super::failure::{Failure, print};
use super::runtime::wait_for;
use super::settings::store_of;
use crate::clock::SystemClock;
use crate::config::{Problem, StoreAddress, read_text};
use crate::domain::time::Timestamp;
use crate::exchange::{LeftOut, read_and_merge};
use crate::ports::Clock;
use crate::store::{DATABASE_FILE, OpenError, open_journal};

pub(super) use write::write_merged;
use write::{Intent, Report, WriteError, import_text};

/// The largest file that is read, in bytes: some 100,000 agents.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Imports the file, or tells what importing it would do.
pub(super) fn run(flags: &Import) -> Result<(), Failure> {
    let store = store_of(&flags.place)?;
    let text = read(&flags.file)?;
    let intent = if flags.dry_run { Intent::DryRun } else { Intent::Write };
    let left_out = if flags.prune { LeftOut::Goes } else { LeftOut::Stays };
    let report = wait_for(async {
        // A file that cannot be written anyway is told without making a data folder.
        let is_there = match &store {
            StoreAddress::Folder(dir) => dir.join(DATABASE_FILE).exists(),
            StoreAddress::Postgres(_) => true,
        };
        if !is_there {
            let previewed = preview(&text, left_out).map_err(|found| refused(&flags.file, &found))?;
            if intent == Intent::DryRun {
                return Ok(previewed);
            }
        }
        import_into(&store, &flags.file, &text, left_out, intent).await
    })?;
    for note in &report.notes {
        Failure::new(format_args!("note: {} {note}", flags.file.display())).print();
    }
    print(report.difference.to_string().trim_end())?;
    match intent {
        Intent::Write => Ok(()),
        Intent::DryRun => print("nothing was written: this was a dry run"),
    }
}

/// What the file would do to a folder with nothing in it.
fn preview(text: &str, left_out: LeftOut) -> Result<Report, Vec<Problem>> {
    let now = SystemClock::start(Timestamp(0)).now();
    let (_, merged) = read_and_merge(text, |_| None, left_out, now)?;
    Ok(Report { difference: merged.difference, notes: merged.notes })
}

async fn import_into(
    store: &StoreAddress,
    file: &Path,
    text: &str,
    left_out: LeftOut,
    intent: Intent,
) -> Result<Report, Failure> {
    let clock = Arc::new(SystemClock::start(Timestamp(0)));
    let journal = open_journal(store, clock.clone()).await.map_err(not_opened)?;
    let outcome = import_text(&*journal, text, left_out, intent, clock.now()).await;
    journal.close().await;
    outcome.map_err(|error| match error {
        WriteError::Problems(found) => refused(file, &found),
        WriteError::Read(error) => Failure::new(error),
        WriteError::Append(error) => Failure::new(error),
    })
}

fn not_opened(error: OpenError) -> Failure {
    match &error {
        OpenError::Locked { .. } | OpenError::Owned { .. } => {
            Failure::new(format_args!("{error}; stop that server, import, and start it again"))
        }
        OpenError::NewerSchema { .. }
        | OpenError::Missing { .. }
        | OpenError::Io { .. }
        | OpenError::Unfit { .. }
        | OpenError::Database(_) => Failure::new(error),
    }
}

fn refused(file: &Path, problems: &[Problem]) -> Failure {
    let lines = problems.iter().map(|problem| format!("{} {problem}", file.display()));
    let count = problems.len();
    let summary = format!("nothing was imported: {count} {} to correct", if count == 1 { "line" } else { "lines" });
    Failure::all(lines.chain([summary]))
}

fn read(file: &Path) -> Result<String, Failure> {
    read_text(file, FILE_BYTES_MAX).map_err(|why| {
        let known = [
            (ErrorKind::NotFound, "; check the path"),
            (ErrorKind::PermissionDenied, "; let the user that runs this command read it"),
            (ErrorKind::IsADirectory, "; name the TOML file in it"),
        ];
        let advice = known.iter().find(|(kind, _)| *kind == why.kind()).map_or("", |(_, advice)| advice);
        Failure::new(format_args!("cannot read {}: {why}{advice}", file.display()))
    })
}
