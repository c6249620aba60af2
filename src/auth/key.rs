//! The key that HS256 tokens are signed with: made in the data folder at first use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The key's file in the data folder: hexadecimal digits, mode 0600.
pub const KEY_FILE: &str = "token.key";
/// The shortest key accepted, in bytes: as long as the output of HS256's hash (RFC 7518 §3.2).
pub const KEY_LENGTH_MIN: usize = 32;

/// A secret of at least [`KEY_LENGTH_MIN`] bytes. Never printed.
#[derive(Clone)]
pub struct TokenKey(Vec<u8>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file or the folder cannot be read or written.
    #[error("cannot read or make the token key {path}: {source}; name a data folder that this user can write")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else than hexadecimal digits.
    #[error("the token key {0} must be hexadecimal digits, an even number of them")]
    NotHex(PathBuf),
    /// The key is too short to be safe.
    #[error("the token key {path} has {bytes} bytes, it needs at least {KEY_LENGTH_MIN}")]
    TooShort {
        /// Which file.
        path: PathBuf,
        /// How long it is.
        bytes: usize,
    },
    /// Others than the owner can read the file.
    #[error("the token key {path} is open to others (mode {mode:04o}); chmod 600 it")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(String),
}

impl TokenKey {
    /// Reads the key of a data folder; makes folder and key when they are not there. Two processes
    /// that come first together agree on one key.
    ///
    /// # Errors
    /// [`KeyError`] when the file cannot be read or made, or is not a key.
    pub fn read_or_make(data: &Path) -> Result<TokenKey, KeyError> {
        let path = data.join(KEY_FILE);
        match read(&path) {
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let failed = |source| KeyError::Io { path: path.clone(), source };
                fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
                make(data, &path)?;
                read(&path)
            }
            found => found,
        }
    }

    /// Takes a key from memory.
    ///
    /// # Errors
    /// How many bytes it has, when those are fewer than [`KEY_LENGTH_MIN`].
    pub fn from_bytes(bytes: &[u8]) -> Result<TokenKey, usize> {
        if bytes.len() < KEY_LENGTH_MIN { Err(bytes.len()) } else { Ok(TokenKey(bytes.to_vec())) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

fn read(path: &Path) -> Result<TokenKey, KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open { path: path.to_owned(), mode });
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let bytes = unhex(text.trim()).ok_or_else(|| KeyError::NotHex(path.to_owned()))?;
    TokenKey::from_bytes(&bytes).map_err(|bytes| KeyError::TooShort { path: path.to_owned(), bytes })
}

/// Writes a whole new key beside its place, then links it there: it is never seen half written, and
/// the first of two writers wins.
#[expect(clippy::disallowed_methods, reason = "the one source of keys")]
fn make(data: &Path, path: &Path) -> Result<(), KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let mut secret = [0u8; KEY_LENGTH_MIN];
    let mut unique = [0u8; 8];
    getrandom::fill(&mut secret).map_err(|error| KeyError::NoRandomness(error.to_string()))?;
    getrandom::fill(&mut unique).map_err(|error| KeyError::NoRandomness(error.to_string()))?;
    let draft = data.join(format!(".{KEY_FILE}.{}", hex(&unique)));
    let written = write_secret(&draft, &hex(&secret)).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written.and(removed).and_then(|()| File::open(data)?.sync_all()).map_err(failed)
}

fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("not/yet/there");
        let first = TokenKey::read_or_make(&data).expect("a key");
        let again = TokenKey::read_or_make(&data).expect("the same key");
        assert_eq!(first.bytes(), again.bytes());
        assert_eq!(first.bytes().len(), KEY_LENGTH_MIN);
        let mode = fs::metadata(data.join(KEY_FILE)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let names: Vec<_> =
            fs::read_dir(&data).expect("the folder").map(|e| e.expect("an entry").file_name()).collect();
        assert_eq!(names, [KEY_FILE], "no draft is left behind");
    }

    #[test]
    fn two_folders_have_two_keys() {
        let (a, b) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let a = TokenKey::read_or_make(a.path()).expect("a key");
        let b = TokenKey::read_or_make(b.path()).expect("a key");
        assert_ne!(a.bytes(), b.bytes());
    }

    #[test]
    fn a_key_that_is_short_or_open_or_no_key_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(KEY_FILE);
        let with = |text: &str, mode: u32| {
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            TokenKey::read_or_make(folder.path()).expect_err("refused").to_string()
        };
        assert!(with(&"ab".repeat(31), 0o600).contains("has 31 bytes"));
        assert!(with(&"zz".repeat(32), 0o600).contains("hexadecimal"));
        assert!(with(&"ab".repeat(32), 0o644).contains("mode 0644"));
    }

    #[test]
    fn a_key_does_not_print_itself() {
        let key = TokenKey::from_bytes(&[7; 32]).expect("long enough");
        assert_eq!(format!("{key:?}"), "TokenKey(…)");
    }
}
