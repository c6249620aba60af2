//! Answers of HTTP that are written by hand, as the contract describes them. The tests of the protocol hold what a server
//! answers against these.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::protocol::bodies::RpcId;
use crate::protocol::error::WireError;
use crate::protocol::event::EventObject;
use crate::protocol::methods::PrincipalShown;
use crate::protocol::options::EntitlementState;
use crate::protocol::params::Text;
use crate::protocol::policy_shapes::{EntitlementRuleObject, PauseTypeObject, PolicyAffected};
use crate::protocol::request::RequestObject;
use crate::protocol::scalars::{DayText, GivenId};
use crate::protocol::setting::{ChannelObject, TeamObject};
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
    /// The draft of a policy: all of it.
    DraftBody {
        /// The types; one that is left out is archived.
        types: Vec<PauseTypeObject>,
        /// What the employer owes; as in force, if nothing is said.
        entitlement_rules: Option<Vec<EntitlementRuleObject>>,
        /// The version that it was written on top of.
        base_version: u64,
        /// What is written to it.
        note: Option<Text>,
    }
    /// Which days the draft is tried on.
    DryRunBody {
        /// The first day; not beside `days`.
        from: Option<DayText>,
        /// The last day; today, if nothing is said.
        to: Option<DayText>,
        /// How many days up to the last one; 7, if nothing is said.
        days: Option<u64>,
    }
    /// When the draft is put in force, and why.
    PublishBody {
        /// When; the next business day, if nothing is said. `never` withdraws what waits.
        #[schemars(extend("enum" = ["now", "next_business_day", "never"]))]
        at: Option<String>,
        /// True when running pauses get the longer limits; not beside `never`.
        loosen_only: Option<bool>,
        /// Why; with `never` it may be left out.
        reason: Option<Text>,
    }
    /// A page of the types of pauses.
    PauseTypesPage {
        /// The types, by code.
        pause_types: Vec<PauseTypeObject>,
        /// Where to go on.
        next_cursor: Option<String>,
    }
    /// A type of pause that was put.
    PauseTypeChanged {
        /// The type as it is, or will be.
        pause_type: PauseTypeObject,
        /// The version that it is in, where there is one already.
        version: Option<u64>,
        /// When it takes effect.
        takes_effect_at: Option<WireTime>,
        /// Who is affected.
        affected: Option<PolicyAffected>,
    }
    /// A team, by its id in the address.
    TeamBody {
        /// The same as in the address.
        id: Option<GivenId>,
        /// What people call it.
        name: Text,
        /// Its own IANA zone, where it differs from the tenant's.
        zone: Option<String>,
    }
    /// A page of teams.
    TeamsPage {
        /// The teams, by id.
        teams: Vec<TeamObject<'static>>,
        /// Where to go on.
        next_cursor: Option<String>,
    }
    /// A channel, by its code in the address.
    ChannelBody {
        /// The same as in the address.
        code: Option<GivenId>,
        /// What people call it.
        name: Text,
        /// False: nobody is routable on it.
        enabled: Option<bool>,
        /// True when open work on it defers a pause.
        blocks_pause: Option<bool>,
        /// How many conversations at once.
        capacity: Option<u64>,
    }
    /// A page of channels.
    ChannelsPage {
        /// The channels, by code.
        channels: Vec<ChannelObject<'static>>,
        /// Where to go on.
        next_cursor: Option<String>,
    }
    /// The settings of a tenant; one that is left out has its default.
    TenantBody {
        /// The same as in the address.
        id: Option<GivenId>,
        /// What people call it.
        name: Text,
        /// The IANA zone of its day.
        zone: String,
        /// When its business day begins, `04:00`.
        business_day_start: Option<String>,
        /// False: there is no menu.
        pauses_enabled: Option<bool>,
        /// The status that a genuine first sign-in takes.
        #[schemars(extend("enum" = ["available", "unavailable"]))]
        status_on_sign_in: Option<String>,
        /// How many seconds after the last session is gone an agent is still held.
        connection_grace_s: Option<u64>,
        /// How many seconds after a lost connection a return restores the status.
        resume_within_s: Option<u64>,
        /// How many seconds a disconnected agent's pause runs before it is abandoned.
        abandon_after_s: Option<u64>,
        /// How many seconds a pause or a status waits for the end of work.
        defer_for_s: Option<u64>,
        /// What becomes of it then.
        #[schemars(extend("enum" = ["start", "notify", "cancel"]))]
        at_defer_deadline: Option<String>,
        /// How many seconds a shift is taken to last of which nobody has said so.
        default_shift_s: Option<u64>,
    }
    /// A page of the tenants.
    TenantsPage {
        /// The tenants, by id.
        tenants: Vec<TenantNamed>,
        /// Where to go on.
        next_cursor: Option<String>,
    }
    /// A tenant, as an operator sees it.
    TenantNamed {
        /// Its id.
        id: String,
        /// What people call it.
        name: String,
        /// Since when it is closed; absent while it is open.
        closed_at: Option<WireTime>,
    }
    /// A page of requests.
    RequestsPage {
        /// The requests, the oldest first.
        requests: Vec<RequestObject<'static>>,
        /// Where to go on.
        next_cursor: Option<String>,
    }
    /// A page of what is owed.
    EntitlementsPage {
        /// By agent.
        entitlements: Vec<AgentOwed>,
        /// Where to go on.
        next_cursor: Option<String>,
    }
    /// What one agent is owed.
    AgentOwed {
        /// Who.
        agent: String,
        /// What people call them.
        name: String,
        /// Their teams.
        teams: Vec<String>,
        /// By rule.
        owed: Vec<TypeOwed>,
    }
    /// What is owed of a type.
    TypeOwed {
        /// Of which type.
        r#type: String,
        /// What of it.
        #[schemars(flatten)]
        owed: EntitlementState<'static>,
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
