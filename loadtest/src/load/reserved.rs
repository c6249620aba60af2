//! A file that has its whole size before the first record, as the log of a database does that is used over and over.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use super::failure::{Outcome, While};

/// The size of the file; at its end it begins anew. Far more than one batch, and small enough to be made at once.
pub(super) const FILE_BYTES: u64 = 32 << 20;
/// What records are made of.
pub(super) const RECORD_BYTE: u8 = b'.';

/// A file that has its size.
#[derive(Debug)]
pub(super) struct Reserved {
    file: File,
    at: u64,
    path: PathBuf,
}

impl Reserved {
    /// Makes the file, full of zeros and on the disk.
    ///
    /// # Errors
    /// [`super::Failure`] when it cannot be written.
    pub(super) fn open(path: &Path) -> Outcome<Reserved> {
        let path = path.to_owned();
        let doing = || format!("cannot write {}", path.display());
        let mut file = File::create(&path).while_doing(doing())?;
        let zeros = vec![0; 1 << 20];
        for _ in 0..FILE_BYTES / zeros.len() as u64 {
            file.write_all(&zeros).while_doing(doing())?;
        }
        file.sync_all().and_then(|()| file.rewind()).while_doing(doing())?;
        Ok(Reserved { file, at: 0, path })
    }

    /// Writes bytes after those before, or at the beginning when they do not fit any more, and syncs them.
    ///
    /// # Errors
    /// [`super::Failure`] when it cannot be written.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Outcome<()> {
        let doing = || format!("cannot write {}", self.path.display());
        if self.at + bytes.len() as u64 > FILE_BYTES {
            self.file.rewind().while_doing(doing())?;
            self.at = 0;
        }
        self.at += bytes.len() as u64;
        self.file.write_all(bytes).and_then(|()| self.file.sync_data()).while_doing(doing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::folder::Folder;

    #[test]
    fn a_file_that_is_full_begins_anew() {
        let folder = Folder::make(None).expect("a folder");
        let mut file = Reserved::open(&folder.path().join("floor")).expect("a file");
        let half = vec![RECORD_BYTE; FILE_BYTES as usize / 2 + 1];
        file.append(&half).expect("written");
        assert_eq!(file.at, FILE_BYTES / 2 + 1);
        file.append(&half).expect("written");
        assert_eq!(file.at, FILE_BYTES / 2 + 1);
    }
}
