//! A temporary folder that is gone when the demo is.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;

/// How many names are tried before giving up; only a crashed demo with the same process id leaves one.
const NAMES_MAX: u32 = 100;

/// A folder for its owner's eyes only. Removed when dropped, and by [`TemporaryFolder::remove`] with
/// a word when that fails.
#[derive(Debug)]
pub(super) struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    pub(super) fn make() -> Result<TemporaryFolder, Failure> {
        let base = std::env::temp_dir();
        for number in 0..NAMES_MAX {
            let path = base.join(format!("intervalo-demo-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(TemporaryFolder { path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Failure::new(format_args!("cannot make {}: {error}", path.display()))),
            }
        }
        Err(Failure::new(format_args!("no free name for a temporary folder in {}; clean it up", base.display())))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder.
    pub(super) fn remove(self) -> Result<(), Failure> {
        std::fs::remove_dir_all(&self.path)
            .map_err(|error| Failure::new(format_args!("cannot remove {}: {error}", self.path.display())))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Gone already after `remove`; on the way out of a panic there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        let (first, second) = (TemporaryFolder::make().unwrap(), TemporaryFolder::make().unwrap());
        let paths = [first.path().to_owned(), second.path().to_owned()];
        assert_ne!(paths[0], paths[1]);
        std::fs::write(paths[0].join("file"), "x").unwrap();
        first.remove().unwrap();
        drop(second);
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
