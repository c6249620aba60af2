//! The parameters of the methods as the contract describes them. They are read by hand, field by field, so that a fault
//! names its field; these say the same to machines, and a test holds each against its reader.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{BOARD_TEAMS_MAX, CLIENT_TEXT_LENGTH_MAX, CURSOR_LENGTH_MAX, Method, NOTIFICATION_NAMES_MAX};
use crate::domain::occupancy::{LEASE_MAX, OPEN_MAX};
use crate::domain::policy::LIMIT_MAX;
use crate::domain::request::GRANT_USES_MAX;
use crate::domain::time::millis;
use crate::protocol::dry_run::DAYS_MAX;
use crate::protocol::params::{LongText, Text};
use crate::protocol::policy_call::VERSIONS_MAX;
use crate::protocol::policy_shapes::{EntitlementRuleObject, PauseTypeObject};
use crate::protocol::scalars::{AlertText, DayText, GivenId, MadeId, OpId};
use crate::protocol::time::WireTime;
use crate::protocol::words;

/// The parameters of a method as an object.
pub fn params_of(method: Method, generator: &mut SchemaGenerator) -> Schema {
    match method {
        Method::SessionOpen => generator.subschema_for::<SessionOpenParams>(),
        Method::SessionRefresh => generator.subschema_for::<SessionRefreshParams>(),
        Method::SessionSignOut => generator.subschema_for::<SessionSignOutParams>(),
        Method::SessionPing | Method::AgentGet | Method::RequestList => generator.subschema_for::<NoParams>(),
        Method::StatusSet => generator.subschema_for::<StatusSetParams>(),
        Method::PauseOptions => generator.subschema_for::<PauseOptionsParams>(),
        Method::PauseStart => generator.subschema_for::<PauseStartParams>(),
        Method::PauseAccept => generator.subschema_for::<PauseAcceptParams>(),
        Method::PauseEnd => generator.subschema_for::<PauseEndParams>(),
        Method::PauseCancel => generator.subschema_for::<PauseCancelParams>(),
        Method::PauseAnnotate => generator.subschema_for::<PauseAnnotateParams>(),
        Method::RequestCreate => generator.subschema_for::<RequestCreateParams>(),
        Method::RequestCancel => generator.subschema_for::<RequestCancelParams>(),
        Method::RequestDecide => generator.subschema_for::<RequestDecideParams>(),
        Method::AlertAck => generator.subschema_for::<AlertAckParams>(),
        Method::AgentSetStatus => generator.subschema_for::<AgentSetStatusParams>(),
        Method::AgentStartPause => generator.subschema_for::<AgentStartPauseParams>(),
        Method::AgentEndPause => generator.subschema_for::<AgentEndPauseParams>(),
        Method::AgentSignOut => generator.subschema_for::<AgentSignOutParams>(),
        Method::PauseExtend => generator.subschema_for::<PauseExtendParams>(),
        Method::PauseCorrect => generator.subschema_for::<PauseCorrectParams>(),
        Method::OccupancySet => generator.subschema_for::<OccupancySetParams>(),
        Method::PolicyGet => generator.subschema_for::<PolicyGetParams>(),
        Method::PolicyVersions => generator.subschema_for::<PolicyVersionsParams>(),
        Method::PolicyPutDraft => generator.subschema_for::<PolicyPutDraftParams>(),
        Method::PolicyDryRun => generator.subschema_for::<PolicyDryRunParams>(),
        Method::PolicyPublish => generator.subschema_for::<PolicyPublishParams>(),
        Method::BoardSubscribe => generator.subschema_for::<BoardSubscribeParams>(),
        Method::BoardUnsubscribe => generator.subschema_for::<BoardUnsubscribeParams>(),
        Method::RpcOn | Method::RpcOff => generator.subschema_for::<NamesParams>(),
        Method::RpcDiscover => generator.subschema_for::<NoParams>(),
    }
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(JsonSchema)]
            #[schemars(deny_unknown_fields)]
            pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }
        )+
    };
}

/// The same with what makes a command safe to send again, and safe to send late.
macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })+) => {
        params! { $(
            $(#[$doc])*
            $name {
                $($(#[$fdoc])* $field: $type,)*
                /// The same again is the same effect.
                op: Option<OpId>,
                /// Refuse unless the agent's version is this one.
                expected_version: Option<u64>,
            }
        )+ }
    };
}

/// Commands for another person.
macro_rules! live_commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })+) => {
        commands! { $(
            $(#[$doc])*
            $name {
                /// For whom.
                agent: GivenId,
                /// Why; the agent is shown it.
                reason: Text,
                /// An integration says that it acts on the agent's behalf.
                on_behalf: Option<bool>,
                $($(#[$fdoc])* $field: $type,)*
            }
        )+ }
    };
}

params! {
    /// None.
    NoParams {}
    /// The parameters of `session.open`.
    SessionOpenParams {
        /// A bearer token or key.
        token: Option<String>,
        /// A single-use ticket.
        ticket: Option<String>,
        /// False: the socket does not count as the agent's presence.
        presence: Option<bool>,
        /// What the client calls itself; for logs only.
        client: Option<ClientShape>,
    }
    /// What a client calls itself.
    ClientShape {
        /// Its name.
        #[schemars(length(min = 1, max = CLIENT_TEXT_LENGTH_MAX), regex(pattern = r"\S"))]
        name: String,
        /// Its version.
        #[schemars(length(min = 1, max = CLIENT_TEXT_LENGTH_MAX), regex(pattern = r"\S"))]
        version: String,
    }
    /// The parameters of `session.refresh`.
    SessionRefreshParams {
        /// A fresh credential of the same subject.
        token: String,
    }
    /// The parameters of `session.sign_out`.
    SessionSignOutParams {
        /// Which sessions end: this one, if nothing is said.
        #[schemars(extend("enum" = ["this", "all"]))]
        scope: Option<String>,
        /// What becomes of a running entitlement: it goes on, if nothing is said.
        #[schemars(extend("enum" = ["keep", "end"]))]
        pause: Option<String>,
    }
    /// The parameters of `pause.options`.
    PauseOptionsParams {
        /// True when changes are to be told.
        watch: Option<bool>,
    }
    /// The parameters of `pause.annotate`.
    PauseAnnotateParams {
        /// The pause.
        pause: MadeId,
        /// What is added.
        text: LongText,
        /// The same again is the same effect.
        op: Option<OpId>,
    }
    /// The parameters of `pause.correct`.
    PauseCorrectParams {
        /// The pause, which is over.
        pause: MadeId,
        /// When it ended.
        ended_at: WireTime,
        /// Why; the agent is told.
        reason: Text,
        /// An integration says that it acts on the agent's behalf.
        on_behalf: Option<bool>,
        /// The same again is the same effect.
        op: Option<OpId>,
    }
    /// The parameters of `occupancy.set`.
    OccupancySetParams {
        /// Whose.
        agent: GivenId,
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
        /// Refuse unless the agent's version is this one.
        expected_version: Option<u64>,
    }
    /// The parameters of `policy.get`: one of them, or none for the version in force.
    PolicyGetParams {
        /// A version of before.
        version: Option<u64>,
        /// True for the draft.
        draft: Option<bool>,
    }
    /// The parameters of `policy.versions`.
    PolicyVersionsParams {
        /// How many; 20, if nothing is said.
        #[schemars(range(min = 1, max = VERSIONS_MAX))]
        limit: Option<u64>,
        /// Where to go on, as `next_cursor` said.
        #[schemars(regex(pattern = r"^\+?[0-9]+$"))]
        cursor: Option<String>,
    }
    /// The parameters of `policy.put_draft`: the whole policy.
    PolicyPutDraftParams {
        /// The types; one that is left out is archived.
        types: Vec<PauseTypeObject>,
        /// What the employer owes; as in force, if nothing is said.
        entitlement_rules: Option<Vec<EntitlementRuleObject>>,
        /// The version that it was written on top of.
        base_version: u64,
        /// What is written to it.
        note: Option<Text>,
        /// The same again is the same effect.
        op: Option<OpId>,
    }
    /// The parameters of `policy.dry_run`.
    PolicyDryRunParams {
        /// The first day; not beside `days`.
        from: Option<DayText>,
        /// The last day; today, if nothing is said.
        to: Option<DayText>,
        /// How many days up to the last one; 7, if nothing is said.
        #[schemars(range(min = 1, max = DAYS_MAX))]
        days: Option<u64>,
    }
    /// The parameters of `policy.publish`.
    PolicyPublishParams {
        /// When; the next business day, if nothing is said. `never` withdraws what waits.
        #[schemars(extend("enum" = ["now", "next_business_day", "never"]))]
        at: Option<String>,
        /// True when running pauses get the longer limits; not beside `never`.
        loosen_only: Option<bool>,
        /// Why; with `never` it may be left out.
        reason: Option<Text>,
        /// The same again is the same effect.
        op: Option<OpId>,
    }
    /// The parameters of `board.subscribe`.
    BoardSubscribeParams {
        /// Which teams.
        #[schemars(schema_with = "teams_wanted")]
        teams: (),
        /// Where a board of before left off.
        #[schemars(length(max = CURSOR_LENGTH_MAX))]
        cursor: Option<String>,
    }
    /// The parameters of `board.unsubscribe`; by position, too.
    BoardUnsubscribeParams {
        /// Which board.
        subscription: String,
    }
    /// The parameters of `rpc.on` and `rpc.off`; by position, too.
    NamesParams {
        /// Names of notifications.
        #[schemars(length(max = NOTIFICATION_NAMES_MAX))]
        names: Vec<String>,
    }
}

commands! {
    /// The parameters of `status.set`.
    StatusSetParams {
        /// What is chosen.
        #[schemars(extend("enum" = words::chosen_statuses()))]
        status: String,
        /// When it takes effect: now, if nothing is said.
        #[schemars(extend("enum" = ["now", "after_work"]))]
        when: Option<String>,
    }
    /// The parameters of `pause.start`.
    PauseStartParams {
        /// The code of the type.
        r#type: GivenId,
        /// What the agent writes to it.
        note: Option<Text>,
        /// The running pause that this one takes the place of.
        replaces: Option<MadeId>,
    }
    /// The parameters of `pause.accept`.
    PauseAcceptParams {
        /// The offer.
        offer: MadeId,
    }
    /// The parameters of `pause.end`.
    PauseEndParams {
        /// What follows; as before the pause, if nothing is said.
        #[schemars(extend("enum" = ["available", "unavailable"]))]
        then: Option<String>,
    }
    /// The parameters of `pause.cancel`.
    PauseCancelParams {
        /// What is given up.
        #[schemars(extend("enum" = ["pending", "queue", "request"]))]
        what: String,
    }
    /// The parameters of `request.create`.
    RequestCreateParams {
        /// The code of the type.
        r#type: GivenId,
        /// Why.
        reason: Text,
        /// By how much the limit is to be later.
        #[schemars(range(max = millis(LIMIT_MAX)))]
        extra_ms: Option<u64>,
    }
    /// The parameters of `request.cancel`.
    RequestCancelParams {
        /// The request.
        request: MadeId,
    }
    /// The parameters of `request.decide`.
    RequestDecideParams {
        /// The request.
        request: MadeId,
        /// How it is decided.
        #[schemars(extend("enum" = ["grant", "refuse"]))]
        decision: String,
        /// Why; the agent is shown it.
        reason: Text,
        /// How often a grant can be used; once, if nothing is said.
        #[schemars(range(min = 1, max = GRANT_USES_MAX))]
        uses: Option<u32>,
        /// Until when a grant can be used.
        until: Option<WireTime>,
    }
    /// The parameters of `alert.ack`.
    AlertAckParams {
        /// The alert.
        alert: AlertText,
    }
}

live_commands! {
    /// The parameters of `agent.set_status`.
    AgentSetStatusParams {
        /// What is chosen for the agent.
        #[schemars(extend("enum" = words::chosen_statuses()))]
        status: String,
    }
    /// The parameters of `agent.start_pause`.
    AgentStartPauseParams {
        /// The code of the type.
        r#type: GivenId,
        /// Sets the rules from `outside_window` on aside, on record.
        r#override: Option<bool>,
    }
    /// The parameters of `agent.end_pause`.
    AgentEndPauseParams {
        /// What follows; as before the pause, if nothing is said.
        #[schemars(extend("enum" = ["available", "unavailable"]))]
        then: Option<String>,
        /// Ends an entitlement under its minimum.
        r#override: Option<bool>,
    }
    /// The parameters of `agent.sign_out`.
    AgentSignOutParams {
        /// What becomes of a running entitlement: it goes on, if nothing is said.
        #[schemars(extend("enum" = ["keep", "end"]))]
        pause: Option<String>,
    }
    /// The parameters of `pause.extend`.
    PauseExtendParams {
        /// By how much the limit is later, in milliseconds.
        #[schemars(range(min = 1, max = millis(LIMIT_MAX)))]
        by_ms: u64,
    }
}

/// Open conversations by the code of the channel.
pub struct Channels(pub BTreeMap<String, u32>);

impl JsonSchema for Channels {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Channels".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Open conversations by the code of the channel.",
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": OPEN_MAX},
        })
    }
}

fn teams_wanted(generator: &mut SchemaGenerator) -> Schema {
    let id = generator.subschema_for::<GivenId>();
    json_schema!({
        "anyOf": [
            {"type": "string", "const": "all"},
            {"type": "array", "items": id, "minItems": 1, "maxItems": BOARD_TEAMS_MAX},
        ],
    })
}
