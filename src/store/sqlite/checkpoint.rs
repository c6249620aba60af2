//! Checkpoints: moving the write-ahead log into the database, off the path of commits.
//!
//! A connection of its own does the bulk (`PASSIVE`: it waits for nobody and holds nobody up). What
//! was committed meanwhile the writer moves itself, between two transactions: a few pages. Only when
//! the whole log is moved can it begin anew, so without that it would grow as long as there is traffic.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{Connection, SqliteConnection};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fault::WriteFault;
use super::open::connect_writer;
use super::writer::Broken;
use crate::store::open_error::OpenError;

/// After how many bytes of rows a checkpoint is asked for: about SQLite's own default of 1,000 pages.
pub(super) const CHECKPOINT_AFTER_BYTES: usize = 4 << 20;
/// After how many commits: a small one touches about a dozen pages, so this is some 12 MiB of log.
pub(super) const CHECKPOINT_AFTER_COMMITS: usize = 256;

/// How long the last checkpoint waits for readers: a small part of the 10 s that a stop may take.
const FINISH_WAIT: &str = "PRAGMA busy_timeout = 500";

/// Starts the task; it ends when `asked` closes.
pub(super) async fn start(
    dir: &Path,
    mut asked: mpsc::Receiver<()>,
    rest: Arc<AtomicBool>,
    broken: Broken,
) -> Result<JoinHandle<()>, OpenError> {
    let mut connection = connect_writer(dir).await?;
    Ok(tokio::spawn(async move {
        while asked.recv().await.is_some() {
            match run(&mut connection).await {
                Ok(()) => rest.store(true, Ordering::Release),
                Err(fault) => report(&fault, &broken),
            }
        }
        if let Err(error) = connection.close().await {
            tracing::warn!("closing the checkpointer's connection failed: {error}");
        }
    }))
}

/// Moves what can be moved without waiting for anybody.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), WriteFault> {
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await?;
    Ok(())
}

/// Moves the whole log and empties its file, when nothing more will be written.
pub(super) async fn finish(connection: &mut SqliteConnection) -> Result<(), WriteFault> {
    // Somebody may be reading, `verify` for example: the log then stays, which loses nothing.
    sqlx::query(FINISH_WAIT).execute(&mut *connection).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await?;
    Ok(())
}

/// Says that nothing can be written any more, where people and their alarms look.
pub(super) fn tell_read_only(why: &str) {
    metrics::gauge!("intervalo_journal_read_only").set(1.0);
    tracing::error!("{why}");
}

/// A checkpoint that failed for a passing reason is tried again with the next; after an I/O error
/// nothing may be written any more.
pub(super) fn report(fault: &WriteFault, broken: &Broken) {
    match fault {
        WriteFault::Broken(why) => {
            let text = format!("the journal is read-only until the server is restarted: checkpoint: {why}");
            if broken.set(text.clone()).is_ok() {
                tell_read_only(&text);
            }
        }
        WriteFault::Refused(why) | WriteFault::Passing(why) => tracing::warn!("a checkpoint failed: {why}"),
    }
}
