//! What methods answer and notifications say, method by method.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::answers::AnyObject;
use crate::protocol::board::{AGENTS_PER_PART_MAX, Alert, PresenceCounts};
use crate::protocol::methods::{
    AgentAfter, Method, PauseAnnotatedTold, PauseBegun, PauseCorrectedTold, PauseOffered, PauseThreshold, Pong,
    Refreshed, SessionOpened,
};
use crate::protocol::notifications::Notification;
use crate::protocol::options::OptionState;
use crate::protocol::policy_shapes::{DryRunReport, PolicyDrafted, PolicyPublished, PolicyShown, PolicyVersionsPage};
use crate::protocol::request::{RequestAfter, RequestObject};
use crate::protocol::state::{AgentChanged, AgentState};
use crate::protocol::time::WireTime;
use crate::transport::pauses::PauseJson;

macro_rules! told {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(JsonSchema)]
            #[expect(dead_code, reason = "it describes what is written elsewhere")]
            pub(super) struct $name { $($(#[$fdoc])* $field: $type,)* }
        )+
    };
}

told! {
    /// The result of `pause.correct`.
    PauseAfter {
        /// The pause as the history shows it.
        pause: PauseJson<'static>,
    }
    /// The params of `board.changed`.
    BoardChanged {
        /// Which board.
        subscription: String,
        /// The next frame.
        result: BoardFrame,
    }
    /// A part of a snapshot: part 0 replaces everything there was, the others add.
    SnapshotFrame {
        /// Always `snapshot`.
        #[schemars(extend("const" = "snapshot"))]
        kind: String,
        /// Which part, from 0.
        part: u64,
        /// How many parts.
        parts: u64,
        /// The tenant's number that it holds up to.
        to: u64,
        /// Where to go on.
        cursor: String,
        /// The rows.
        #[schemars(length(max = AGENTS_PER_PART_MAX))]
        agents: Vec<AgentState<'static>>,
        /// How many agents of each team are in each presence.
        counts: Option<BTreeMap<String, PresenceCounts>>,
        /// Every alert.
        alerts: Option<Vec<Alert>>,
        /// Every open request.
        requests: Option<Vec<RequestObject<'static>>>,
    }
    /// What changed.
    ChangesFrame {
        /// Always `changes`.
        #[schemars(extend("const" = "changes"))]
        kind: String,
        /// Your last `to`.
        from: u64,
        /// The tenant's number that it holds up to.
        to: u64,
        /// Where to go on.
        cursor: String,
        /// Whole rows; the latest wins.
        agents: Vec<AgentState<'static>>,
        /// Ids that are not on the board any more.
        removed: Vec<String>,
        /// How many agents of each team are in each presence, when that changed.
        counts: Option<BTreeMap<String, PresenceCounts>>,
        /// Every alert, when one changed.
        alerts: Option<Vec<Alert>>,
        /// Every open request, when one changed.
        requests: Option<Vec<RequestObject<'static>>>,
    }
    /// Nothing has changed.
    BeatFrame {
        /// Always `beat`.
        #[schemars(extend("const" = "beat"))]
        kind: String,
        /// The tenant's number that it holds up to.
        to: u64,
        /// Where to go on.
        cursor: String,
    }
    /// The truth is out of reach.
    StaleFrame {
        /// Always `stale`.
        #[schemars(extend("const" = "stale"))]
        kind: String,
        /// Since when.
        since: WireTime,
    }
    /// The params of `session.expiring`.
    SessionExpiring {
        /// When the credential ends.
        at: WireTime,
    }
    /// The params of `server.draining`.
    ServerDraining {
        /// When to connect again.
        reconnect_after_ms: u64,
    }
}

/// Nothing more than that it is done.
#[derive(JsonSchema)]
pub(super) struct Done {}

/// A frame of a board, by its `kind`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what is written elsewhere")]
pub(super) enum BoardFrame {
    Snapshot(SnapshotFrame),
    Changes(ChangesFrame),
    Beat(BeatFrame),
    Stale(StaleFrame),
}

/// What a method answers.
pub(super) fn result_of(method: Method, generator: &mut SchemaGenerator) -> Schema {
    match method {
        Method::SessionOpen => generator.subschema_for::<SessionOpened>(),
        Method::SessionPing => generator.subschema_for::<Pong>(),
        Method::SessionRefresh => generator.subschema_for::<Refreshed>(),
        Method::SessionSignOut | Method::PauseAnnotate | Method::RequestCancel | Method::AlertAck => {
            generator.subschema_for::<Done>()
        }
        Method::AgentGet | Method::StatusSet => generator.subschema_for::<AgentState<'_>>(),
        Method::PauseOptions => generator.subschema_for::<Vec<OptionState<'_>>>(),
        Method::PauseStart => generator.subschema_for::<PauseBegun>(),
        Method::PauseAccept
        | Method::PauseEnd
        | Method::PauseCancel
        | Method::AgentSetStatus
        | Method::AgentStartPause
        | Method::AgentEndPause
        | Method::AgentSignOut
        | Method::PauseExtend
        | Method::OccupancySet => generator.subschema_for::<AgentAfter>(),
        Method::RequestCreate | Method::RequestDecide => generator.subschema_for::<RequestAfter<'_>>(),
        Method::RequestList => generator.subschema_for::<Vec<RequestObject<'_>>>(),
        Method::PauseCorrect => generator.subschema_for::<PauseAfter>(),
        Method::PolicyGet => generator.subschema_for::<PolicyShown>(),
        Method::PolicyVersions => generator.subschema_for::<PolicyVersionsPage>(),
        Method::PolicyPutDraft => generator.subschema_for::<PolicyDrafted>(),
        Method::PolicyDryRun => generator.subschema_for::<DryRunReport>(),
        Method::PolicyPublish => generator.subschema_for::<PolicyPublished>(),
        Method::BoardSubscribe => json_schema!({"type": "string", "description": "The id of the subscription."}),
        Method::BoardUnsubscribe => json_schema!({"type": "boolean", "const": true}),
        Method::RpcOn | Method::RpcOff => json_schema!({
            "type": "object",
            "description": "What became of each name.",
            "additionalProperties": {"type": "string", "enum": ["ok", "provided event invalid"]},
        }),
        Method::RpcDiscover => generator.subschema_for::<AnyObject>(),
    }
}

/// The params of a notification: an object, or for `options.changed` the menu, which is a list.
pub(super) fn params_of(notification: Notification, generator: &mut SchemaGenerator) -> Schema {
    match notification {
        Notification::AgentChanged => generator.subschema_for::<AgentChanged<'_>>(),
        Notification::PauseWarned | Notification::PauseLimitReached => generator.subschema_for::<PauseThreshold>(),
        Notification::PauseOffered => generator.subschema_for::<PauseOffered>(),
        Notification::PauseCorrected => generator.subschema_for::<PauseCorrectedTold<'_>>(),
        Notification::PauseAnnotated => generator.subschema_for::<PauseAnnotatedTold<'_>>(),
        Notification::OptionsChanged => generator.subschema_for::<Vec<OptionState<'_>>>(),
        Notification::RequestChanged => generator.subschema_for::<RequestAfter<'_>>(),
        Notification::BoardChanged => generator.subschema_for::<BoardChanged>(),
        Notification::SessionExpiring => generator.subschema_for::<SessionExpiring>(),
        Notification::ServerDraining => generator.subschema_for::<ServerDraining>(),
    }
}

/// What a notification is for.
pub(super) fn summary_of(notification: Notification) -> &'static str {
    match notification {
        Notification::AgentChanged => "The agent's state has changed",
        Notification::PauseWarned => "The limit of the pause nears",
        Notification::PauseLimitReached => "The limit of the pause is reached",
        Notification::PauseOffered => "It is the agent's turn in line",
        Notification::PauseCorrected => "Somebody corrected the end of a pause of the agent",
        Notification::PauseAnnotated => "Something was added to the record of a pause of the agent",
        Notification::OptionsChanged => "The watched menu has changed",
        Notification::RequestChanged => "A request was made, or something became of it",
        Notification::BoardChanged => "The next frame of a board",
        Notification::SessionExpiring => "The credential ends in a minute",
        Notification::ServerDraining => "The server stops, and says when to come back",
    }
}
