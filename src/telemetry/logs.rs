//! Log lines, as text for people or as JSON for machines.

use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One plain line an event.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = LogsError;

    fn from_str(word: &str) -> Result<LogFormat, LogsError> {
        match word {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(LogsError::UnknownFormat(word.to_owned())),
        }
    }
}

/// Why there are no log lines.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The word names no form.
    #[error("unknown log format {0:?}; the formats are text and json")]
    UnknownFormat(String),
    /// The filter does not parse.
    #[error("the log filter {filter:?} cannot be read: {why}")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something else writes the process's log lines already.
    #[error("log lines are already being written: {0}")]
    AlreadyStarted(#[from] TryInitError),
}

/// Begins to write log lines to standard error; standard output stays for what was asked for.
/// `filter` is in the form of `tracing-subscriber`, for example `info,intervalo=debug`.
///
/// # Errors
/// [`LogsError`] when the filter cannot be read, or log lines are already being written.
pub fn start_logs(format: LogFormat, filter: &str) -> Result<(), LogsError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| LogsError::Filter { filter: filter.to_owned(), why: error.to_string() })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            use std::io::IsTerminal;
            registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init()?;
        }
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_names_and_others_are_refused() {
        assert_eq!("text".parse::<LogFormat>().ok(), Some(LogFormat::Text));
        assert_eq!("json".parse::<LogFormat>().ok(), Some(LogFormat::Json));
        let refused = "xml".parse::<LogFormat>().expect_err("refused").to_string();
        assert_eq!(refused, "unknown log format \"xml\"; the formats are text and json");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let refused = start_logs(LogFormat::Text, "intervalo=loud").expect_err("refused").to_string();
        assert!(refused.contains("\"intervalo=loud\""), "{refused}");
    }
}
