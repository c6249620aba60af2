//! What can go wrong between here and PostgreSQL, sorted by what must follow.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::ports::ReadError;

/// Why a statement that writes has no success.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WriteFault {
    /// A constraint of the store stands against it. Nothing was written.
    #[error("the store refuses the batch: {0}")]
    Refused(String),
    /// The server answered that it did not write it; the next may succeed.
    #[error("{0}")]
    NotWritten(String),
    /// There is no answer: it may or may not have been written.
    #[error("{0}")]
    Unknown(String),
}

/// Classes of SQLSTATE (<https://www.postgresql.org/docs/15/errcodes-appendix.html>) that tell of the rows
/// themselves: 22 data exception, 23 integrity constraint violation.
const OF_THE_ROWS: [&str; 2] = ["22", "23"];
/// Codes of a server that ends the connection: it may do so between the commit and its answer. 57P01
/// admin_shutdown, 57P02 crash_shutdown, 57P03 cannot_connect_now, 57P04 database_dropped, 57P05
/// idle_session_timeout.
const OF_THE_END: &str = "57P";

impl From<sqlx::Error> for WriteFault {
    fn from(error: sqlx::Error) -> WriteFault {
        let why = error.to_string();
        let Some(answer) = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        else {
            return WriteFault::Unknown(why);
        };
        let ended = matches!(answer.severity(), PgSeverity::Fatal | PgSeverity::Panic);
        match answer.code() {
            code if ended || code.starts_with(OF_THE_END) => WriteFault::Unknown(why),
            code if OF_THE_ROWS.iter().any(|class| code.starts_with(class)) => WriteFault::Refused(why),
            _ => WriteFault::NotWritten(why),
        }
    }
}

/// A read's failure, as the core sees it.
pub(crate) fn read_error(error: &sqlx::Error) -> ReadError {
    if matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) {
        return ReadError::Damaged { place: "a column".to_owned(), why: error.to_string() };
    }
    ReadError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_answer_nobody_knows() {
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(matches!(WriteFault::from(sqlx::Error::Io(lost)), WriteFault::Unknown(_)));
        assert!(matches!(WriteFault::from(sqlx::Error::PoolTimedOut), WriteFault::Unknown(_)));
    }
}
