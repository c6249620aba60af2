//! Where the store is: a data folder, or a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};

/// What the address of a data folder's SQLite store begins with.
const FOLDER_SCHEME: &str = "sqlite:";
/// What the address of a PostgreSQL database begins with.
const POSTGRES_SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// The SQLite database in this data folder.
    Folder(PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresAddress),
}

/// The address of a PostgreSQL database, `postgres://user:password@host:port/database?…`. Whoever
/// prints it sees no password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress(String);

impl PostgresAddress {
    /// The whole address, for the library that connects.
    pub fn with_password(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stands before the last `@` of the part up to the path is `user:password`.
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("postgres", &self.0));
        let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(path_at);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (user.split(':').next().unwrap_or_default(), host),
            None => ("", authority),
        };
        let at = if user.is_empty() { "" } else { "@" };
        // Parameters may hold a password too.
        let path = path.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{user}{at}{host}{path}")
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreAddress::Folder(dir) => write!(f, "{FOLDER_SCHEME}{}", dir.display()),
            StoreAddress::Postgres(address) => write!(f, "{address}"),
        }
    }
}

impl From<&Path> for StoreAddress {
    fn from(dir: &Path) -> StoreAddress {
        StoreAddress::Folder(dir.to_owned())
    }
}

impl From<&StoreAddress> for StoreAddress {
    fn from(address: &StoreAddress) -> StoreAddress {
        address.clone()
    }
}

impl std::str::FromStr for StoreAddress {
    type Err = String;

    /// # Errors
    /// What is wrong with it, without the text: it may hold a password.
    fn from_str(text: &str) -> Result<StoreAddress, String> {
        if let Some(dir) = text.strip_prefix(FOLDER_SCHEME) {
            if dir.is_empty() {
                return Err("expected a folder after `sqlite:`, found nothing".to_owned());
            }
            return Ok(StoreAddress::Folder(PathBuf::from(dir)));
        }
        let Some(rest) = POSTGRES_SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
            return Err("expected `sqlite:FOLDER` or `postgres://USER@HOST:PORT/DATABASE`, found neither".to_owned());
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let database = rest[authority.len()..].split('?').next().unwrap_or_default();
        if database.trim_start_matches('/').is_empty() {
            return Err("the address names no database: `postgres://USER@HOST:PORT/DATABASE`".to_owned());
        }
        Ok(StoreAddress::Postgres(PostgresAddress(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        assert_eq!("sqlite:./data".parse(), Ok(StoreAddress::Folder(PathBuf::from("./data"))));
        let address: StoreAddress = "postgres://u@h/db".parse().unwrap();
        assert!(matches!(address, StoreAddress::Postgres(_)));
        for wrong in ["", "sqlite:", "mysql://u@h/db", "postgres://u@h", "postgres://u@h/", "postgres://u@h/?x=1"] {
            assert!(wrong.parse::<StoreAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_password_is_printed() {
        for (text, shown) in [
            ("postgres://ana:secret@h:5432/db?sslmode=require", "postgres://ana@h:5432/db"),
            ("postgresql://ana:se@cret@h/db", "postgresql://ana@h/db"),
            ("postgres://h/db?password=secret", "postgres://h/db"),
            ("postgres://:secret@h/db", "postgres://h/db"),
        ] {
            let address: StoreAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("cret"), "{address:?}");
        }
        assert!(!"mysql://ana:secret@h/db".parse::<StoreAddress>().unwrap_err().contains("secret"));
    }
}
