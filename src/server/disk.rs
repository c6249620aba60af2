//! Watches the room that the data folder's disk has left, and keeps a reserve there: what is under way must be
//! able to end when everything else has filled the disk (promise R6).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::ports::Clock;
use crate::transport::LowDisk;

/// How often the disk is looked at: a log that runs wild fills some hundred MiB in that time at most.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);
/// How large the reserve is: the ends of all pauses of 20,000 agents are a few MiB, and the write-ahead log is of about that
/// size until it is carried over.
pub(super) const RESERVE_BYTES: u64 = 16 << 20;
/// The reserve's file in the data folder.
const RESERVE_FILE: &str = "disk.reserve";

/// The disk of one data folder.
pub(super) struct Disk {
    folder: PathBuf,
    /// Under how much room it is nearly full.
    low_under: u64,
    told: LowDisk,
    /// A reserve that cannot be made is told once.
    failure_told: bool,
}

/// What is to be done about the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decision {
    is_low: bool,
    reserve: Reserve,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reserve {
    Leave,
    Make,
    GiveUp,
}

/// `room` is what is left beside the reserve. What is low stays so until an eighth more is free, so that it does not change at
/// every look.
fn decide(room: u64, low_under: u64, was_low: bool, has_reserve: bool) -> Decision {
    let enough = if was_low { low_under + low_under / 8 } else { low_under };
    let is_low = room < enough;
    let reserve = match has_reserve {
        true if room < RESERVE_BYTES => Reserve::GiveUp,
        false if !is_low && room >= low_under + RESERVE_BYTES => Reserve::Make,
        true | false => Reserve::Leave,
    };
    Decision { is_low, reserve }
}

impl Disk {
    pub(super) fn new(folder: PathBuf, low_under: u64, told: LowDisk) -> Disk {
        Disk { folder, low_under, told, failure_told: false }
    }

    /// Looks once.
    pub(super) fn look(&mut self) {
        let room = match statvfs(&self.folder) {
            Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
            Err(error) => {
                tracing::warn!(%error, "the room on the disk of {} cannot be asked", self.folder.display());
                return;
            }
        };
        let path = self.folder.join(RESERVE_FILE);
        let was_low = self.told.is_low();
        let Decision { is_low, reserve } = decide(room, self.low_under, was_low, holds_reserve(&path));
        if is_low != was_low {
            self.told.set(is_low);
            let (room_mb, folder) = (room >> 20, self.folder.display());
            if is_low {
                tracing::error!(
                    room_mb,
                    "the disk of {folder} has {room_mb} MiB left: no pauses begin until it has more"
                );
            } else {
                tracing::info!(room_mb, "the disk of {folder} has room again: pauses begin");
            }
        }
        match reserve {
            Reserve::Leave => {}
            Reserve::Make => match make(&path) {
                Ok(()) => {
                    self.failure_told = false;
                    tracing::info!("a reserve of {} MiB is kept in {}", RESERVE_BYTES >> 20, path.display());
                }
                Err(error) if self.failure_told => tracing::debug!(%error, "no reserve on the disk"),
                Err(error) => {
                    self.failure_told = true;
                    tracing::warn!(%error, "no reserve can be kept in {}", path.display());
                }
            },
            Reserve::GiveUp => match fs::remove_file(&path) {
                Ok(()) => tracing::error!("the reserve on the disk is given up, so that what is under way can end"),
                Err(error) => tracing::error!(%error, "the reserve {} cannot be given up", path.display()),
            },
        }
        metrics::gauge!("intervalo_disk_room_bytes").set(room as f64);
        metrics::gauge!("intervalo_disk_low").set(if is_low { 1.0 } else { 0.0 });
        metrics::gauge!("intervalo_disk_reserve_bytes").set(if holds_reserve(&path) {
            RESERVE_BYTES as f64
        } else {
            0.0
        });
    }
}

/// Looks for ever.
pub(super) async fn watch(mut disk: Disk, clock: Arc<dyn Clock>) {
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            disk.look();
            disk
        });
        match looked.await {
            Ok(looked) => disk = looked,
            Err(error) => {
                tracing::error!(%error, "the disk is not watched any more");
                return;
            }
        }
        clock.sleep_until(clock.now() + LOOKED_AT_EVERY).await;
    }
}

fn holds_reserve(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() >= RESERVE_BYTES)
}

/// Makes the file with all its blocks; one that has not all of them is none.
fn make(path: &Path) -> io::Result<()> {
    let file: File = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    let made = fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES).map_err(io::Error::from);
    if made.is_err() {
        fs::remove_file(path)?;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn what_is_done_follows_from_the_room_that_is_left() {
        let decided = |room: u64, was_low, has_reserve| decide(room * MB, 256 * MB, was_low, has_reserve);
        let decision = |is_low, reserve| Decision { is_low, reserve };
        assert_eq!(decided(1000, false, false), decision(false, Reserve::Make));
        assert_eq!(decided(1000, false, true), decision(false, Reserve::Leave));
        assert_eq!(decided(260, false, false), decision(false, Reserve::Leave), "the reserve would make it low");
        assert_eq!(decided(255, false, true), decision(true, Reserve::Leave));
        assert_eq!(decided(280, true, true), decision(true, Reserve::Leave), "an eighth more ends it");
        assert_eq!(decided(288, true, true), decision(false, Reserve::Leave));
        assert_eq!(decided(15, true, true), decision(true, Reserve::GiveUp));
        assert_eq!(decided(31, true, false), decision(true, Reserve::Leave), "it is not made again at once");
    }

    #[test]
    fn a_reserve_has_its_blocks_and_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut disk = Disk::new(folder.path().to_owned(), 1, LowDisk::default());
        disk.look();
        let file = fs::metadata(folder.path().join(RESERVE_FILE)).expect("the reserve");
        assert_eq!(file.len(), RESERVE_BYTES);
        assert!(std::os::unix::fs::MetadataExt::blocks(&file) * 512 >= RESERVE_BYTES, "it is no empty promise");
        assert!(!disk.told.is_low());
        let mut full = Disk::new(folder.path().to_owned(), u64::MAX / 2, LowDisk::default());
        full.look();
        assert!(full.told.is_low());
    }
}
