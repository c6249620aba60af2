//! Answers of HTTP that are written by hand, as the contract describes them. The tests of the protocol hold what a server
//! answers against these.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::protocol::bodies::RpcId;
use crate::protocol::error::WireError;
use crate::protocol::event::EventObject;
use crate::protocol::methods::PrincipalShown;
use crate::protocol::time::WireTime;
use crate::protocol::words;

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(JsonSchema)]
            #[expect(dead_code, reason = "it describes what is written elsewhere")]
            pub(super) struct $name { $($(#[$fdoc])* $field: $type,)* }
        )+
    };
}

answers! {
    /// The process answers.
    Health {
        /// Always true.
        ok: bool,
    }
    /// Whether commands can be carried out.
    Readiness {
        /// True when they can.
        ready: bool,
        /// The version of the time zone data.
        tzdata: String,
    }
    /// Who a credential speaks for.
    Me {
        /// Who.
        principal: PrincipalShown,
        /// With what, and for how long.
        credential: CredentialShown,
        /// The server's time.
        server_time: WireTime,
    }
    /// What somebody came in with.
    CredentialShown {
        /// Of which kind it is.
        #[schemars(extend("enum" = words::proofs()))]
        kind: String,
        /// When it ends by itself.
        expires_at: WireTime,
    }
    /// A login has begun; the cookie is in the header.
    LoggedIn {
        /// When it ends by itself.
        expires_at: WireTime,
        /// Who it speaks for.
        principal: PrincipalShown,
    }
    /// A ticket.
    TicketMade {
        /// What a page opens a socket with, once.
        ticket: String,
        /// When it ends by itself.
        expires_at: WireTime,
    }
    /// A password has been chosen.
    Accepted {
        /// The company.
        tenant: String,
        /// The name to type in.
        login: String,
    }
    /// A page of the journal.
    AuditPage {
        /// The events, by their numbers.
        events: Vec<EventObject<'static>>,
        /// Where to go on.
        next_cursor: Option<String>,
    }
    /// What was taken of a source's whole set.
    SetTaken {
        /// Of how many it was taken.
        taken: u64,
        /// Of how many it was not.
        not_taken: u64,
        /// Why not, of at most 100 of them, by agent.
        failed: std::collections::BTreeMap<String, NotTaken>,
    }
    /// Why a report was not taken.
    NotTaken {
        /// The code of the error.
        code: String,
        /// A sentence.
        detail: String,
    }
    /// The answer to one call: a result, or an error.
    RpcAnswer {
        /// Always `2.0`.
        #[schemars(extend("const" = "2.0"))]
        jsonrpc: String,
        /// The id of the call; null where none could be made out.
        id: RpcId,
        /// What the method answers.
        result: Option<Value>,
        /// Why it does not.
        error: Option<WireError>,
    }
}

/// The answer to one call, or to a batch.
pub(super) struct RpcAnswers;

impl JsonSchema for RpcAnswers {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RpcAnswers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let answer = generator.subschema_for::<RpcAnswer>();
        json_schema!({
            "description": "The answer to one call, or the answers to a batch.",
            "anyOf": [answer, {"type": "array", "items": answer, "minItems": 1}],
        })
    }
}

/// How many entries a page has.
pub(super) struct Limit;

impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100})
    }
}

/// What is between the cells of CSV.
pub(super) struct Separator;

impl JsonSchema for Separator {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Separator".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": ["comma", "semicolon"]})
    }
}

/// A day or an instant.
pub(super) struct DayOrInstant;

impl JsonSchema for DayOrInstant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DayOrInstant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
        ]})
    }
}

/// Any JSON object.
pub(super) struct AnyObject;

impl JsonSchema for AnyObject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": true})
    }
}
