//! The bodies of HTTP requests as the contract describes them, beside the readers that take them apart field by field.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::access::{INVITATION_TTL_MAX, INVITATIONS_MAX, KEY_TTL_MAX};
use super::methods::shapes::Channels;
use super::params::Text;
use super::rpc::BATCH_MAX;
use super::scalars::{DayText, GivenId};
use super::time::WireTime;
use crate::domain::directory::CAPACITY_MAX;
use crate::domain::occupancy::LEASE_MAX;

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(JsonSchema)]
            #[schemars(deny_unknown_fields)]
            pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }
        )+
    };
}

bodies! {
    /// A person of the directory, whole: what is left out is as with somebody new.
    PersonBody {
        /// What people call them.
        name: Text,
        /// Their teams, the primary one first.
        teams: Option<Vec<GivenId>>,
        /// Their own IANA zone, where it differs from the team's.
        zone: Option<String>,
        /// How many conversations at once by channel, where it differs from the channel's.
        capacity: Option<Capacity>,
    }
    /// What an integration says of an agent's work: the whole of what it knows.
    ReportBody {
        /// The integration that says so.
        source: GivenId,
        /// The source's own number, rising.
        seq: u64,
        /// For how many seconds it holds; 120, if nothing is said.
        #[schemars(range(min = 1, max = LEASE_MAX.as_secs()))]
        ttl_s: Option<u64>,
        /// Open conversations by channel; one that is left out has none.
        channels: Option<Channels>,
        /// True during after-conversation work.
        wrap_up: Option<bool>,
    }
    /// All that a source knows: of whom it does not name it knows nothing open.
    ReportSetBody {
        /// The integration that says so.
        source: GivenId,
        /// The source's own number of the set.
        seq: u64,
        /// For how many seconds it holds; 120, if nothing is said.
        #[schemars(range(min = 1, max = LEASE_MAX.as_secs()))]
        ttl_s: Option<u64>,
        /// By agent; at most 20,000.
        agents: BTreeMap<String, WorkBody>,
    }
    /// The work of one agent.
    WorkBody {
        /// Open conversations by channel; one that is left out has none.
        channels: Option<Channels>,
        /// True during after-conversation work.
        wrap_up: Option<bool>,
    }
    /// A planned shift.
    ShiftBody {
        /// When it begins.
        start: WireTime,
        /// When it ends: at most 24 hours later.
        end: WireTime,
        /// How many seconds of it are a meal that is not paid.
        unpaid_meal_s: Option<u64>,
    }
    /// Planned shifts of many.
    ShiftsBody {
        /// Each day once for an agent.
        shifts: Vec<ShiftItem>,
    }
    /// One planned shift of many.
    ShiftItem {
        /// Whose.
        agent: GivenId,
        /// The day that it belongs to.
        day: DayText,
        /// When it begins.
        start: WireTime,
        /// When it ends: at most 24 hours later.
        end: WireTime,
        /// How many seconds of it are a meal that is not paid.
        unpaid_meal_s: Option<u64>,
    }
    /// A key that is wished for.
    KeyBody {
        /// What people call it.
        name: Text,
        /// Who it speaks for; the name, if nothing is said.
        subject: Option<GivenId>,
        /// What it is to the tenant.
        #[schemars(extend("items" = one_of(&["admin", "supervisor", "integration", "auditor"])), length(min = 1))]
        roles: Vec<String>,
        /// The teams that a supervisor is over.
        teams: Option<Vec<GivenId>>,
        /// For how many seconds it holds; a year, if nothing is said.
        #[schemars(range(min = 60, max = KEY_TTL_MAX.as_secs()))]
        ttl_s: Option<u64>,
    }
    /// Invitations that are wished for.
    InvitationsBody {
        /// Each login once.
        #[schemars(length(min = 1, max = INVITATIONS_MAX))]
        invitations: Vec<InvitationBody>,
        /// For how many seconds they hold; a week, if nothing is said.
        #[schemars(range(min = 60, max = INVITATION_TTL_MAX.as_secs()))]
        ttl_s: Option<u64>,
    }
    /// An invitation that is wished for.
    InvitationBody {
        /// The name that will be typed in.
        login: GivenId,
        /// Who the account speaks for; the login, if nothing is said.
        subject: Option<GivenId>,
        /// What the account is to the tenant.
        #[schemars(extend("items" = one_of(&["agent", "admin", "supervisor", "auditor"])), length(min = 1))]
        roles: Vec<String>,
        /// The teams that a supervisor is over.
        teams: Option<Vec<GivenId>>,
    }
    /// What somebody types in to log in.
    LoginBody {
        /// Their company.
        tenant: String,
        /// Their name.
        login: String,
        /// The password.
        password: String,
        /// The password from here on.
        new_password: Option<String>,
    }
    /// The use of an invitation.
    AcceptanceBody {
        /// What the link holds after its `#`.
        invitation: String,
        /// The password from here on.
        password: String,
    }
    /// One call of JSON-RPC 2.0.
    RpcCall {
        /// Always `2.0`.
        #[schemars(extend("const" = "2.0"))]
        jsonrpc: String,
        /// What the answer is filed under; without it there is none.
        id: Option<RpcId>,
        /// One of the methods of the OpenRPC document.
        method: String,
        /// Its parameters, by name.
        params: Option<RpcParams>,
    }
}

/// One call, or a batch of them.
pub struct RpcBody;

impl JsonSchema for RpcBody {
    fn schema_name() -> Cow<'static, str> {
        "RpcBody".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let call = generator.subschema_for::<RpcCall>();
        json_schema!({
            "description": "One call, or a batch of them.",
            "anyOf": [call, {"type": "array", "items": call, "minItems": 1, "maxItems": BATCH_MAX}],
        })
    }
}

/// The id of a call.
pub struct RpcId;

impl JsonSchema for RpcId {
    fn schema_name() -> Cow<'static, str> {
        "RpcId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The id of a call; null where none could be made out.",
            "oneOf": [{"type": ["string", "number"]}, {"const": null}],
        })
    }
}

/// The params of a call: by name, or for a few methods by position.
pub struct RpcParams;

impl JsonSchema for RpcParams {
    fn schema_name() -> Cow<'static, str> {
        "RpcParams".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The params of a call: by name, or for a few methods by position.",
            "anyOf": [{"type": "object", "additionalProperties": true}, {"type": "array", "items": true}],
        })
    }
}

/// How many conversations at once by the code of the channel.
pub struct Capacity;

impl JsonSchema for Capacity {
    fn schema_name() -> Cow<'static, str> {
        "Capacity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How many conversations at once by the code of the channel.",
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": CAPACITY_MAX},
        })
    }
}

fn one_of(words: &[&str]) -> Schema {
    json_schema!({"type": "string", "enum": words})
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::domain::id::AgentId;
    use crate::domain::time::Timestamp;
    use crate::protocol::access::{read_acceptance, read_invitations, read_key, read_login};
    use crate::protocol::error::WireError;
    use crate::protocol::occupancy::{read_report, read_set};
    use crate::protocol::params::Fields;
    use crate::protocol::person::read_person;
    use crate::protocol::rpc::Params;
    use crate::protocol::shift::read_shift;

    type Reader = fn(Map<String, Value>) -> Result<(), WireError>;

    fn fields(body: Map<String, Value>) -> Fields {
        Fields::of(Params::Named(body)).expect("by name")
    }

    fn read_one_report(body: Map<String, Value>) -> Result<(), WireError> {
        let mut fields = fields(body);
        read_report(&mut fields)?;
        fields.finish()
    }

    /// Holds a schema against its reader: what both take, what both refuse.
    fn hold<T: JsonSchema>(example: Value, read: Reader) {
        let schema = SchemaGenerator::default().into_root_schema_for::<T>().to_value();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let read = |body: &Value| read(body.as_object().expect("an object").clone());
        let name = T::schema_name();
        assert!(validator.is_valid(&example), "{name}: {example}");
        read(&example).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let mut unknown = example.clone();
        unknown["surprise"] = json!(1);
        assert!(!validator.is_valid(&unknown) && read(&unknown).is_err(), "{name}");
        let properties = schema["properties"].as_object().expect("properties");
        let required = |field: &str| schema["required"].as_array().into_iter().flatten().any(|name| name == field);
        for field in properties.keys() {
            let mut wrong = example.clone();
            wrong[field] = json!({"\u{0}": []});
            let error = read(&wrong).expect_err("not valid");
            assert!(!error.message.contains("is unknown to this method"), "{name} does not read {field}");
            assert!(!validator.is_valid(&wrong), "{name}: {wrong}");
            let mut less = example.clone();
            let was_there = less.as_object_mut().expect("an object").remove(field).is_some();
            assert!(was_there, "{name}: the example has no {field}");
            assert_eq!(read(&less).is_err(), required(field), "{name} without {field}");
            assert_eq!(validator.is_valid(&less), !required(field), "{name} without {field}");
        }
    }

    #[test]
    fn the_schema_of_each_body_says_what_its_reader_takes() {
        let person = json!({"name": "Ana", "teams": ["a"], "zone": "America/Sao_Paulo", "capacity": {"chat": 2}});
        hold::<PersonBody>(person, |body| read_person(AgentId::new("ana").expect("an id"), body).map(|_| ()));
        let report = json!({"source": "pbx", "seq": 1, "ttl_s": 60, "channels": {"voice": 1}, "wrap_up": true});
        hold::<ReportBody>(report, read_one_report);
        let work = json!({"channels": {"voice": 1}, "wrap_up": true});
        let set = json!({"source": "pbx", "seq": 1, "ttl_s": 60, "agents": {"ana": work}});
        hold::<ReportSetBody>(set, |body| read_set(fields(body), Timestamp(0)).map(|_| ()));
        let (start, end) = ("2026-11-22T09:00:00-03:00", "2026-11-22T15:00:00-03:00");
        let shift = json!({"start": start, "end": end, "unpaid_meal_s": 900});
        hold::<ShiftBody>(shift, |body| {
            read_shift(fields(body), chrono::NaiveDate::from_ymd_opt(2026, 11, 22)).map(|_| ())
        });
        let key = json!({"name": "wall", "subject": "wall", "roles": ["supervisor"], "teams": ["a"], "ttl_s": 60});
        hold::<KeyBody>(key, |body| read_key(body).map(|_| ()));
        let one = json!({"login": "sofia", "subject": "s", "roles": ["supervisor"], "teams": ["a"]});
        let invitations = json!({"invitations": [one], "ttl_s": 60});
        hold::<InvitationsBody>(invitations, |body| read_invitations(body).map(|_| ()));
        hold::<InvitationBody>(one, |body| {
            let list = Map::from_iter([("invitations".to_owned(), json!([body]))]);
            read_invitations(list).map(|_| ())
        });
        let login = json!({"tenant": "acme", "login": "ana", "password": "p", "new_password": "q"});
        hold::<LoginBody>(login, |body| read_login(body).map(|_| ()));
        hold::<AcceptanceBody>(json!({"invitation": "i", "password": "p"}), |body| read_acceptance(body).map(|_| ()));
        hold::<ShiftItem>(
            json!({"agent": "ana", "day": "2026-11-22", "start": start, "end": end, "unpaid_meal_s": 1}),
            |body| {
                let mut fields = fields(body);
                fields.required::<AgentId>("agent")?;
                read_shift(fields, None).map(|_| ())
            },
        );
    }
}
