//! Texts of a fixed form, as the published schemas describe them. Nothing is read through these: each readers' own type
//! stands beside the words.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::params::{LONG_TEXT_LENGTH_MAX, LongText, TEXT_LENGTH_MAX, Text};
use crate::domain::id::ID_LENGTH_MAX;

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident as $title:literal = $schema:tt;)+) => {
        $($(#[$doc])* pub struct $name;)+
        $(impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })+
    };
}

scalars! {
    /// An id of the host application: of an agent, a team, a channel, a type of pause, a source.
    GivenId as "GivenId" = {
        "type": "string",
        "minLength": 1,
        "maxLength": ID_LENGTH_MAX,
        "description": "An id of the host application: printable, without blanks at the ends."
    };
    /// An id that the server gave.
    MadeId as "MadeId" = {
        "type": "string",
        "format": "uuid",
        "description": "An id that the server gave, for example of a pause."
    };
    /// What makes a command safe to send again.
    OpId as "Op" = {
        "type": "string",
        "format": "uuid",
        "description": "The same op with the same content has one effect and the first outcome, for 24 hours."
    };
    /// A local day.
    DayText as "Day" = {
        "type": "string",
        "format": "date",
        "description": "A local day, 2026-11-22."
    };
    /// The id of an alert.
    AlertText as "AlertId" = {
        "type": "string",
        "pattern": "^(overrun|work_during_pause|request|at_risk):.+$",
        "description": "The id of an alert: its kind, and what it is about."
    };
    /// `"none"`: what a rule is when there is none.
    NoneWord as "None" = {"type": "string", "const": "none"};
}

/// An object that is open: what belongs to a code, or is read by somebody else.
pub struct OpenObject(pub Map<String, Value>);

impl JsonSchema for OpenObject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OpenObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": true})
    }
}

fn text(length_max: usize) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": length_max,
        "pattern": "\\S",
        "description": "A text that a person wrote: printable, not blank.",
    })
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text(TEXT_LENGTH_MAX)
    }
}

impl JsonSchema for LongText {
    fn schema_name() -> Cow<'static, str> {
        "LongText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        text(LONG_TEXT_LENGTH_MAX)
    }
}
