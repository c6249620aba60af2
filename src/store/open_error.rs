//! Why a store cannot be opened.

use std::io::ErrorKind;
use std::path::PathBuf;

use sqlx::migrate::{MigrateError, Migrator};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns the data folder.
    #[error("the data folder {} is in use by process {pid}", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// The owner's process id, as it wrote it; `?` when it has not yet.
        pid: String,
    },
    /// Another server owns the database.
    #[error("the database {address} is in use by {owner}")]
    Owned {
        /// The database, without a password.
        address: String,
        /// Who owns it, as it wrote it: `process PID on HOST`.
        owner: String,
    },
    /// A newer program has been here.
    #[error("the database has migration {version}, which this program does not know: use a newer intervalo")]
    NewerSchema {
        /// The migration that is not known.
        version: i64,
    },
    /// There is no database, and nobody was to make one.
    #[error("there is no database in {}", dir.display())]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder or a file in it cannot be used.
    #[error("cannot use {}: {source}{}", path.display(), advice(source))]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database's server is set up so that promises could not be kept.
    #[error("the database {address} cannot be used: {why}")]
    Unfit {
        /// The database, without a password.
        address: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The database cannot be used.
    #[error("cannot open the database: {0}")]
    Database(String),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> OpenError {
        // Without the line of the server's own source that the library adds.
        let told = error.as_database_error().map(|answer| answer.message().to_owned());
        OpenError::Database(told.unwrap_or_else(|| error.to_string()))
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> OpenError {
        if let MigrateError::VersionMissing(version) = error {
            return OpenError::NewerSchema { version };
        }
        OpenError::Database(error.to_string())
    }
}

/// Refuses a schema that is not this program's: `newest` is the last migration that was run.
pub(crate) fn check_schema(known: &Migrator, newest: Option<i64>) -> Result<(), OpenError> {
    let own = known.iter().map(|migration| migration.version).max();
    match newest {
        Some(version) if Some(version) > own => Err(OpenError::NewerSchema { version }),
        version if version == own => Ok(()),
        _ => {
            Err(OpenError::Database("the database is of an older version; start the server once to bring it up".into()))
        }
    }
}

/// What to do about a path that cannot be used, where it is known.
fn advice(why: &std::io::Error) -> &'static str {
    let known = [
        (ErrorKind::AlreadyExists, "; it is no folder: name a data folder"),
        (ErrorKind::NotADirectory, "; a part of it is no folder: name a data folder"),
        (
            ErrorKind::PermissionDenied,
            "; give it to the user that runs intervalo, or name a data folder that it can write",
        ),
        (ErrorKind::ReadOnlyFilesystem, "; name a data folder that can be written"),
    ];
    known.iter().find(|(kind, _)| *kind == why.kind()).map_or("", |(_, advice)| advice)
}
