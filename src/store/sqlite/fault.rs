//! What can go wrong in SQLite, sorted by what must follow.

use crate::ports::ReadError;

/// Why a transaction was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteFault {
    /// A constraint of the store stands against one of its batches.
    #[error("the store refuses the batch: {0}")]
    Refused(String),
    /// It was rolled back; the next may succeed.
    #[error("{0}")]
    Passing(String),
    /// The file, or what lies under it, is not to be trusted any more.
    #[error("{0}")]
    Broken(String),
}

/// SQLite's primary result codes that matter here (<https://www.sqlite.org/rescode.html>).
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const CANTOPEN: i32 = 14;
const CONSTRAINT: i32 = 19;
const NOTADB: i32 = 26;

impl From<sqlx::Error> for WriteFault {
    fn from(error: sqlx::Error) -> WriteFault {
        let why = error.to_string();
        match primary_code(&error) {
            Some(CONSTRAINT) => WriteFault::Refused(why),
            Some(READONLY | IOERR | CORRUPT | CANTOPEN | NOTADB) => WriteFault::Broken(why),
            Some(_) => WriteFault::Passing(why),
            None if matches!(error, sqlx::Error::WorkerCrashed | sqlx::Error::Io(_)) => WriteFault::Broken(why),
            None => WriteFault::Passing(why),
        }
    }
}

/// A read's failure, as the core sees it.
pub(crate) fn read_error(error: &sqlx::Error) -> ReadError {
    match primary_code(error) {
        Some(CORRUPT | NOTADB) => ReadError::Damaged { place: "the database file".to_owned(), why: error.to_string() },
        _ if matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
            ReadError::Damaged { place: "a column".to_owned(), why: error.to_string() }
        }
        _ => ReadError::Unavailable(error.to_string()),
    }
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
