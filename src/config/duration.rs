//! Spans of time as people write them: `90s`, `10m`, `1h30m`. Knows nothing of what they are for.

use std::time::Duration;

pub use crate::domain::time::show_span;

/// The longest span that can be written: a year. Longer ones are slips of the pen, and a bound keeps
/// sums of instants and spans far from overflow.
pub const SPAN_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// A text that is not a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// It has another form.
    #[error("expected a duration such as \"90s\", \"10m\" or \"1h30m\"")]
    Form,
    /// It is over [`SPAN_MAX`].
    #[error("a duration may be at most a year (8760h)")]
    TooLong,
}

/// Reads a span: hours, minutes and seconds, in that order, each at most once.
///
/// # Errors
/// [`SpanError`] when it has another form or is over [`SPAN_MAX`].
pub fn parse_span(text: &str) -> Result<Duration, SpanError> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut read_any = false;
    for (unit, seconds) in [('h', 3600), ('m', 60), ('s', 1)] {
        let Some((number, after)) = rest.split_once(unit) else { continue };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SpanError::Form);
        }
        // Only digits are left, so the one way to fail is to be too large.
        let number: u64 = number.parse().map_err(|_| SpanError::TooLong)?;
        total = number.checked_mul(seconds).and_then(|part| total.checked_add(part)).ok_or(SpanError::TooLong)?;
        rest = after;
        read_any = true;
    }
    if !rest.is_empty() || !read_any {
        return Err(SpanError::Form);
    }
    let span = Duration::from_secs(total);
    if span > SPAN_MAX { Err(SpanError::TooLong) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        let cases = [("90s", 90), ("10m", 600), ("1h30m", 5400), ("0s", 0), ("24h", 86_400), ("1h0m5s", 3605)];
        for (text, seconds) in cases {
            assert_eq!(parse_span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "m", "10m1h", "1.5h", "-1s", "1 h", "10M", "5m5m", "10ms", "+5s"] {
            assert_eq!(parse_span(text), Err(SpanError::Form), "{text}");
        }
        assert_eq!(parse_span("8761h"), Err(SpanError::TooLong));
        assert_eq!(parse_span("99999999999999999999h"), Err(SpanError::TooLong));
    }

    #[test]
    fn spans_read_back_what_they_show() {
        for seconds in [0, 1, 59, 60, 61, 3599, 3600, 3661, 86_400, 90_061] {
            let span = Duration::from_secs(seconds);
            assert_eq!(parse_span(&show_span(span)), Ok(span));
        }
    }
}
