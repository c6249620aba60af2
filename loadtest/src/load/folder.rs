//! A folder that goes with the run.

use std::path::{Path, PathBuf};

use super::failure::{Outcome, While};
use super::machine;

/// A folder of this process's own, removed with this value.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one in `parent`, or where the system keeps temporary files.
    ///
    /// # Errors
    /// [`super::Failure`] when it cannot be made.
    pub(super) fn make(parent: Option<&Path>) -> Outcome<Folder> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        // A process makes several, one after the other or at once.
        static MADE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = parent.join(format!("intervalo-loadtest-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).while_doing(format!("cannot make the folder {}", path.display()))?;
        Ok(Folder(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The line to tell when figures of this disk mean nothing.
    pub(super) fn warning(&self) -> Option<String> {
        machine::is_in_memory(&self.0).then(|| {
            format!(
                "{} is in memory, where a sync costs nothing: choose a folder on a disk with --dir",
                self.0.display()
            )
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is in a temporary folder; there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
