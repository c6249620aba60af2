//! What operators see: log lines through `tracing`, figures through `metrics`.
//!
//! No log line and no label carries a token, a message's body or a name of a person.

mod figures;
mod known;
mod logs;

pub use figures::{Figures, FiguresError};
pub use logs::{LogFormat, LogsError, start_logs};
