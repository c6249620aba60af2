//! How long the disk takes meanwhile: one record written and synced every so often, by a thread of its own.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::failure::{Outcome, While};
use super::latency::Latency;
use super::reserved::{RECORD_BYTE, Reserved};

/// From one record to the next. What it costs the disk is next to nothing, and no stall of a second is missed.
const EVERY: Duration = Duration::from_millis(50);
/// The size of a record, about what a command adds to a journal.
const RECORD_BYTES: usize = 2048;

/// A probe that runs.
#[derive(Debug)]
pub(super) struct Probe {
    /// Closed to end it.
    stop: SyncSender<()>,
    thread: JoinHandle<Outcome<Latency>>,
}

impl Probe {
    /// Begins, with a file of its own on the disk to look at.
    ///
    /// # Errors
    /// [`super::Failure`] when the file cannot be made.
    pub(super) fn start(path: &Path) -> Outcome<Probe> {
        let mut file = Reserved::open(path)?;
        let (stop, stopped) = sync_channel(0);
        let run = move || {
            let record = [RECORD_BYTE; RECORD_BYTES];
            let mut syncs = Latency::new();
            loop {
                let began = Instant::now();
                file.append(&record)?;
                syncs.record(began.elapsed());
                match stopped.recv_timeout(EVERY.saturating_sub(began.elapsed())) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(syncs),
                }
            }
        };
        let thread = std::thread::Builder::new().name("probe".to_owned()).spawn(run);
        Ok(Probe { stop, thread: thread.while_doing("cannot start a thread")? })
    }

    /// Ends it; how long its syncs took.
    ///
    /// # Errors
    /// [`super::Failure`] when the file could not be written.
    pub(super) fn end(self) -> Outcome<Latency> {
        drop(self.stop);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::folder::Folder;

    #[test]
    fn syncs_are_timed_until_it_is_told_to_end() {
        let folder = Folder::make(None).expect("a folder");
        let probe = Probe::start(&folder.path().join("probe")).expect("a probe");
        let told = probe.end().expect("syncs").percentiles().expect("one at least");
        assert!(told.max_us > 0.0, "{told:?}");
        assert!(Probe::start(&folder.path().join("no/where")).is_err());
    }
}
