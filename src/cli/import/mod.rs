//! `intervalo import`: a company as a TOML file, or its people as CSV, put on top of what is there.
//!
//! `exchange` reads what is written and decides what it means, `write` makes it durable.

mod write;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use super::args::{FileFormat, Import};
use super::failure::{Failure, print};
use super::runtime::wait_for;
use super::settings::store_of;
use crate::clock::SystemClock;
use crate::config::{Problem, StoreAddress, read_text};
use crate::domain::id::TenantId;
use crate::domain::time::Timestamp;
use crate::exchange::{FILE_BYTES_MAX, LeftOut, PROBLEMS_TOLD_MAX, read_and_merge};
use crate::ports::Clock;
use crate::store::{DATABASE_FILE, OpenError, open_journal};

pub(super) use write::write_merged;
use write::{Given, Intent, Report, WriteError, import_given};

/// Imports the file, or tells what importing it would do.
pub(super) fn run(flags: &Import) -> Result<(), Failure> {
    let store = store_of(&flags.place)?;
    let given = given(flags)?;
    let intent = if flags.dry_run { Intent::DryRun } else { Intent::Write };
    let left_out = if flags.prune { LeftOut::Goes } else { LeftOut::Stays };
    let report = wait_for(async {
        // A file that cannot be written anyway is told without making a data folder.
        let is_there = match &store {
            StoreAddress::Folder(dir) => dir.join(DATABASE_FILE).exists(),
            StoreAddress::Postgres(_) => true,
        };
        if !is_there {
            let previewed = match &given {
                Given::Toml(text) => preview(text, left_out).map_err(|found| refused(&flags.file, &found))?,
                Given::Csv { .. } => return Err(Failure::new(WriteError::NoTenant)),
            };
            if intent == Intent::DryRun {
                return Ok(previewed);
            }
        }
        import_into(&store, &flags.file, &given, left_out, intent).await
    })?;
    if let Some((encoding, separator)) = report.form {
        Failure::new(format_args!("note: {} is read as {encoding}, with {separator}", flags.file.display())).print();
    }
    let (told, more) = told(&report.notes);
    for note in told {
        Failure::new(format_args!("note: {} {note}", flags.file.display())).print();
    }
    if more > 0 {
        Failure::new(format_args!("note: and {more} more")).print();
    }
    print(report.difference.to_string().trim_end())?;
    match intent {
        Intent::Write => Ok(()),
        Intent::DryRun => print("nothing was written: this was a dry run"),
    }
}

/// The file, by its format.
fn given(flags: &Import) -> Result<Given, Failure> {
    let is_csv = flags.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let by_ending = if is_csv { FileFormat::Csv } else { FileFormat::Toml };
    progress(format_args!("reading {}", flags.file.display()));
    match flags.format.unwrap_or(by_ending) {
        FileFormat::Toml if flags.tenant.is_some() => {
            Err(Failure::new("flag --tenant: a TOML file names its tenant itself; leave the flag out"))
        }
        FileFormat::Toml => Ok(Given::Toml(read(&flags.file)?)),
        FileFormat::Csv => Ok(Given::Csv { bytes: read_bytes(&flags.file)?, tenant: flags.tenant.clone() }),
    }
}

/// Tells how far it is, to whoever waits at a terminal.
fn progress(step: impl Display) {
    if io::stderr().is_terminal() {
        Failure::new(format_args!("{step} …")).print();
    }
}

/// What is told of what was found, and how much more there is.
fn told(problems: &[Problem]) -> (&[Problem], usize) {
    let told = &problems[..problems.len().min(PROBLEMS_TOLD_MAX)];
    (told, problems.len() - told.len())
}

/// What the file would do to a folder with nothing in it.
fn preview(text: &str, left_out: LeftOut) -> Result<Report, Vec<Problem>> {
    let now = SystemClock::start(Timestamp(0)).now();
    let (_, merged) = read_and_merge(text, |_: &TenantId| None, left_out, now)?;
    Ok(Report { difference: merged.difference, notes: merged.notes, form: None })
}

async fn import_into(
    store: &StoreAddress,
    file: &Path,
    given: &Given,
    left_out: LeftOut,
    intent: Intent,
) -> Result<Report, Failure> {
    let clock = Arc::new(SystemClock::start(Timestamp(0)));
    let journal = open_journal(store, clock.clone()).await.map_err(not_opened)?;
    let outcome = import_given(&*journal, given, left_out, intent, clock.now(), &|step| progress(step)).await;
    journal.close().await;
    outcome.map_err(|error| match error {
        WriteError::Problems(found) => refused(file, &found),
        WriteError::Read(_)
        | WriteError::Append(_)
        | WriteError::NoTenant
        | WriteError::NoSuchTenant(_)
        | WriteError::Closed(..)
        | WriteError::SeveralTenants(_) => Failure::new(error),
    })
}

fn not_opened(error: OpenError) -> Failure {
    match &error {
        OpenError::Locked { .. } | OpenError::Owned { .. } => Failure::new(format_args!(
            "{error}; import over HTTP while it runs (POST /v1/directory/import), or stop that server, import, and start it again"
        )),
        OpenError::NewerSchema { .. }
        | OpenError::Missing { .. }
        | OpenError::Io { .. }
        | OpenError::Unfit { .. }
        | OpenError::Database(_) => Failure::new(error),
    }
}

fn refused(file: &Path, problems: &[Problem]) -> Failure {
    let (told, more) = told(problems);
    let lines = told.iter().map(|problem| format!("{} {problem}", file.display()));
    let more = (more > 0).then(|| format!("and {more} more"));
    let count = problems.len();
    let summary = format!("nothing was imported: {count} {} to correct", if count == 1 { "line" } else { "lines" });
    Failure::all(lines.chain(more).chain([summary]))
}

fn read(file: &Path) -> Result<String, Failure> {
    read_text(file, FILE_BYTES_MAX as u64).map_err(|why| unread(file, &why))
}

/// Reads a file whose characters are yet to be told.
fn read_bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|why| unread(file, &why))?;
    if bytes.len() > FILE_BYTES_MAX {
        let why = format_args!("cannot read {}: it has more than {FILE_BYTES_MAX} bytes", file.display());
        return Err(Failure::new(why));
    }
    Ok(bytes)
}

fn unread(file: &Path, why: &io::Error) -> Failure {
    let known = [
        (ErrorKind::NotFound, "; check the path"),
        (ErrorKind::PermissionDenied, "; let the user that runs this command read it"),
        (ErrorKind::IsADirectory, "; name the TOML file in it"),
    ];
    let advice = known.iter().find(|(kind, _)| *kind == why.kind()).map_or("", |(_, advice)| advice);
    Failure::new(format_args!("cannot read {}: {why}{advice}", file.display()))
}
