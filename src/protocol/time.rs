//! Instants on the wire: RFC 3339, UTC, milliseconds.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::domain::time::Timestamp;

/// An instant that serialises as the protocol writes it, for example `2026-11-22T20:57:49.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireTime(pub Timestamp);

/// A text that is not an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an instant of the form 2026-11-22T20:57:49.123Z")]
pub struct TimeError;

/// Writes an instant. One beyond the calendar (year ±262,000) is written as the nearest that is in it.
pub fn to_text(at: Timestamp) -> String {
    let nearest = if at.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    let instant = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or(nearest);
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads an instant in any offset; what is finer than a millisecond is cut off.
///
/// # Errors
/// [`TimeError`] when the text is not RFC 3339.
pub fn from_text(text: &str) -> Result<Timestamp, TimeError> {
    DateTime::parse_from_rfc3339(text).map(|instant| Timestamp(instant.timestamp_millis())).map_err(|_| TimeError)
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_text(self.0))
    }
}

impl JsonSchema for WireTime {
    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "An instant: RFC 3339, UTC, milliseconds.",
            "examples": ["2026-11-22T20:57:49.123Z"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_written_in_utc_with_three_decimals() {
        assert_eq!(to_text(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(to_text(Timestamp(1_795_381_069_120)), "2026-11-22T20:57:49.120Z");
        assert_eq!(to_text(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn an_instant_beyond_the_calendar_is_still_text() {
        assert!(to_text(Timestamp(i64::MAX)).ends_with('Z'));
        assert!(to_text(Timestamp(i64::MIN)).ends_with('Z'));
    }

    #[test]
    fn instants_are_read_in_any_offset() {
        let expected = Ok(Timestamp(1_795_381_069_123));
        assert_eq!(from_text("2026-11-22T20:57:49.123Z"), expected);
        assert_eq!(from_text("2026-11-22T17:57:49.123-03:00"), expected);
        assert_eq!(from_text("2026-11-22T20:57:49.123999Z"), expected);
        assert_eq!(from_text("2026-11-22 20h"), Err(TimeError));
        assert_eq!(from_text(""), Err(TimeError));
        assert_eq!(from_text("2026-11-22T20:57:49.123"), Err(TimeError));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in -60_000_000_000_000_i64..250_000_000_000_000) {
            prop_assert_eq!(from_text(&to_text(Timestamp(ms))), Ok(Timestamp(ms)));
        }
    }
}
