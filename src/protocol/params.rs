//! Reads the parameters of a request by name, so that every fault names the field.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::WireError;
use super::rpc::Params;
use crate::domain::alert::{AlertId, AlertIdError};
use crate::domain::id::{
    AgentId, AgentSeq, ChannelCode, EntitlementRuleId, IdError, OfferId, Op, PauseId, PauseTypeCode, PrincipalId,
    RequestId, SourceId, TeamId, WideIdError, is_unprintable_in_text,
};
use crate::domain::time::Timestamp;

/// The longest text that a person writes (a reason, a note), in characters (fault table, "names").
pub const TEXT_LENGTH_MAX: usize = 200;

/// A text that a person wrote: printable, not empty, at most [`TEXT_LENGTH_MAX`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl FromField for AlertId {
    fn from_field(value: Value) -> Result<AlertId, String> {
        String::from_field(value)?.parse().map_err(|error: AlertIdError| format!("is no id: {error}"))
    }
}

/// A longer text of a person, in characters: an annotation tells what happened.
pub const LONG_TEXT_LENGTH_MAX: usize = 1000;

/// A text that a person wrote: printable, not empty, at most [`LONG_TEXT_LENGTH_MAX`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongText(pub String);

impl FromField for LongText {
    fn from_field(value: Value) -> Result<LongText, String> {
        text(value, LONG_TEXT_LENGTH_MAX).map(LongText)
    }
}

/// An instant as RFC 3339 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Timestamp);

impl FromField for Instant {
    fn from_field(value: Value) -> Result<Instant, String> {
        let text = String::from_field(value)?;
        let read = chrono::DateTime::parse_from_rfc3339(&text);
        read.map(|at| Instant(Timestamp(at.timestamp_millis())))
            .map_err(|_| "must be an instant such as 2026-11-22T20:57:49.123Z".to_owned())
    }
}

/// The parameters that have not been read yet. What is left over at the end is refused by name.
#[derive(Debug)]
pub struct Fields {
    rest: Map<String, Value>,
    /// What stands before the names of nested parameters, for example `client.`.
    prefix: Cow<'static, str>,
}

impl Fields {
    /// Takes the parameters of a request.
    ///
    /// # Errors
    /// When they are given by position.
    pub fn of(params: Params) -> Result<Fields, WireError> {
        match params {
            Params::Absent => Ok(Fields::nested(Map::new(), "")),
            Params::Named(rest) => Ok(Fields::nested(rest, "")),
            Params::Positional(list) if list.is_empty() => Ok(Fields::nested(Map::new(), "")),
            Params::Positional(_) => Err(WireError::invalid_params("params", "must be given by name")),
        }
    }

    /// Parameters that stand inside another; `prefix` is what stands before their names in errors.
    pub fn nested(rest: Map<String, Value>, prefix: impl Into<Cow<'static, str>>) -> Fields {
        Fields { rest, prefix: prefix.into() }
    }

    /// A parameter that may be left out.
    ///
    /// # Errors
    /// When it is there and is not what it should be.
    pub fn optional<T: FromField>(&mut self, name: &str) -> Result<Option<T>, WireError> {
        match self.rest.remove(name) {
            None => Ok(None),
            Some(value) => T::from_field(value).map(Some).map_err(|why| self.invalid(name, &why)),
        }
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// When it is not, or is not what it should be.
    pub fn required<T: FromField>(&mut self, name: &str) -> Result<T, WireError> {
        self.optional(name)?.ok_or_else(|| self.invalid(name, "is missing"))
    }

    /// A group of parameters that may be left out.
    ///
    /// # Errors
    /// When it is there and is no object.
    pub fn group(&mut self, name: &str, prefix: &'static str) -> Result<Option<Fields>, WireError> {
        match self.rest.remove(name) {
            None => Ok(None),
            Some(Value::Object(rest)) => Ok(Some(Fields::nested(rest, prefix))),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                Err(self.invalid(name, "must be an object"))
            }
        }
    }

    /// Refuses what has not been read.
    ///
    /// # Errors
    /// When anything is left.
    pub fn finish(self) -> Result<(), WireError> {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(unknown) => Err(self.invalid(unknown, "is unknown to this method")),
        }
    }

    /// The error for a parameter.
    pub fn invalid(&self, name: &str, why: &str) -> WireError {
        WireError::invalid_params(&format!("{}{name}", self.prefix), why)
    }
}

/// What a parameter can be read as.
pub trait FromField: Sized {
    /// Reads it; else says what it must be.
    ///
    /// # Errors
    /// The end of a sentence that begins with the parameter's name.
    fn from_field(value: Value) -> Result<Self, String>;
}

impl FromField for String {
    fn from_field(value: Value) -> Result<String, String> {
        match value {
            Value::String(text) => Ok(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err("must be a string".to_owned())
            }
        }
    }
}

impl FromField for bool {
    fn from_field(value: Value) -> Result<bool, String> {
        value.as_bool().ok_or_else(|| "must be true or false".to_owned())
    }
}

impl FromField for u64 {
    fn from_field(value: Value) -> Result<u64, String> {
        value.as_u64().ok_or_else(|| "must be a whole number, not negative".to_owned())
    }
}

impl FromField for Vec<Value> {
    fn from_field(value: Value) -> Result<Vec<Value>, String> {
        match value {
            Value::Array(list) => Ok(list),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err("must be a list".to_owned())
            }
        }
    }
}

impl FromField for AgentSeq {
    fn from_field(value: Value) -> Result<AgentSeq, String> {
        u64::from_field(value).map(AgentSeq)
    }
}

impl FromField for Text {
    fn from_field(value: Value) -> Result<Text, String> {
        text(value, TEXT_LENGTH_MAX).map(Text)
    }
}

fn text(value: Value, length_max: usize) -> Result<String, String> {
    let text = String::from_field(value)?;
    if text.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text.chars().count() > length_max {
        return Err(format!("may have at most {length_max} characters"));
    }
    if text.chars().any(is_unprintable_in_text) {
        return Err("may hold printable characters only".to_owned());
    }
    Ok(text)
}

macro_rules! from_text_id {
    ($($name:ident),+) => {
        $(impl FromField for $name {
            fn from_field(value: Value) -> Result<$name, String> {
                $name::new(&String::from_field(value)?).map_err(|error: IdError| format!("is no id: {error}"))
            }
        })+
    };
}

from_text_id!(AgentId, PrincipalId, ChannelCode, TeamId, PauseTypeCode, SourceId, EntitlementRuleId);

macro_rules! from_wide_id {
    ($($name:ident),+) => {
        $(impl FromField for $name {
            fn from_field(value: Value) -> Result<$name, String> {
                String::from_field(value)?.parse().map_err(|error: WideIdError| format!("is no id: {error}"))
            }
        })+
    };
}

from_wide_id!(OfferId, PauseId, Op, RequestId);

/// Reads one of a few words.
///
/// # Errors
/// The list of the words, as the end of a sentence.
pub fn one_of<T: Copy>(value: Value, words: &[(&str, T)]) -> Result<T, String> {
    let word = String::from_field(value)?;
    words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let list: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        format!("must be one of: {}", list.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::of(Params::Named(value.as_object().expect("an object").clone())).expect("by name")
    }

    fn field_of(error: &WireError) -> &str {
        assert_eq!((error.code, error.data.code), (-32602, "invalid_params"));
        error.data.params["field"].as_str().expect("a name")
    }

    #[test]
    fn what_is_not_read_is_refused_by_name() {
        let mut given = fields(json!({"type": "almoco", "colour": "red"}));
        let _: PauseTypeCode = given.required("type").expect("there");
        assert_eq!(field_of(&given.finish().expect_err("left over")), "colour");
    }

    #[test]
    fn wrong_types_missing_values_and_nulls_name_their_field() {
        let mut given = fields(json!({"n": "1", "id": "", "op": "x", "text": null, "flag": 1}));
        assert_eq!(field_of(&given.optional::<u64>("n").expect_err("a string")), "n");
        assert_eq!(field_of(&given.optional::<AgentId>("id").expect_err("empty")), "id");
        assert_eq!(field_of(&given.optional::<Op>("op").expect_err("no uuid")), "op");
        assert_eq!(field_of(&given.optional::<Text>("text").expect_err("null")), "text");
        assert_eq!(field_of(&given.optional::<bool>("flag").expect_err("a number")), "flag");
        assert_eq!(field_of(&given.required::<bool>("gone").expect_err("missing")), "gone");
    }

    #[test]
    fn texts_are_printable_and_short() {
        let text = |value: &str| Text::from_field(json!(value));
        assert_eq!(text("saúde"), Ok(Text("saúde".to_owned())));
        assert!(text(&"é".repeat(TEXT_LENGTH_MAX)).is_ok());
        for bad in ["", "  ", "a\u{0}", "\u{1b}[31m", "a\u{202E}b", &"x".repeat(TEXT_LENGTH_MAX + 1)] {
            assert!(text(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parameters_by_position_are_refused_unless_there_are_none() {
        assert!(Fields::of(Params::Positional(vec![])).is_ok());
        assert_eq!(field_of(&Fields::of(Params::Positional(vec![json!(1)])).expect_err("by position")), "params");
    }
}
