//! The methods of protocol v1: their names, their parameters as domain values, their results.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::WireError;
use super::occupancy::read_report;
use super::params::{Fields, FromField, Instant, LongText, Text, one_of};
use super::policy_call::PolicyCall;
use super::request::read_decision;
use super::rpc::Params;
use crate::domain::alert::AlertId;
use crate::domain::command::{AfterEnd, Cancelled, Command, PauseAtSignOut};
use crate::domain::event::ChosenStatus;
use crate::domain::id::{AgentId, AgentSeq, Op, PauseId, RequestId, TeamId};
use crate::domain::occupancy::Report;
use crate::domain::policy::LIMIT_MAX;

mod results;
pub mod shapes;

pub use results::{
    AgentAfter, LimitsShown, PauseAnnotatedTold, PauseBegun, PauseCorrectedTold, PauseOffered, PauseThreshold, Pong,
    PrincipalShown, Refreshed, SessionOpened,
};

/// The most teams that one board can be asked to show by name.
pub const BOARD_TEAMS_MAX: usize = 200;
/// The longest name and version that a client may give itself, in characters.
const CLIENT_TEXT_LENGTH_MAX: usize = 64;
/// The longest cursor that is looked at, in bytes; those handed out are far shorter.
const CURSOR_LENGTH_MAX: usize = 256;
/// The most names in one `rpc.on` or `rpc.off`: a few times as many as there are notifications.
const NOTIFICATION_NAMES_MAX: usize = 32;

macro_rules! methods {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A method of the protocol.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method { $($(#[doc = $doc])* $variant),+ }

        impl Method {
            /// Every method, in the order of the contract.
            pub const ALL: &[Method] = &[$(Method::$variant),+];

            /// Its name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Method::$variant => $name),+ }
            }

            /// What it does, in a sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Method::$variant => concat!($($doc),*).trim_ascii()),+ }
            }

            /// The method of that name.
            pub fn named(name: &str) -> Option<Method> {
                match name { $($name => Some(Method::$variant),)+ _ => None }
            }
        }
    };
}

methods!(
    /// Opens the session of a socket.
    SessionOpen = "session.open",
    /// Answers the time.
    SessionPing = "session.ping",
    /// Puts a fresh credential in the place of the one that is about to end.
    SessionRefresh = "session.refresh",
    /// Ends this session, or all of the agent's.
    SessionSignOut = "session.sign_out",
    /// Answers the agent's own state.
    AgentGet = "agent.get",
    /// The agent takes a status.
    StatusSet = "status.set",
    /// Lists the types of pause with what the rules say of each.
    PauseOptions = "pause.options",
    /// The agent begins a pause.
    PauseStart = "pause.start",
    /// The agent takes the slot that is kept for it.
    PauseAccept = "pause.accept",
    /// The agent ends its pause.
    PauseEnd = "pause.end",
    /// The agent gives up what waits.
    PauseCancel = "pause.cancel",
    /// Somebody adds to the record of a pause.
    PauseAnnotate = "pause.annotate",
    /// The agent asks for an exception.
    RequestCreate = "request.create",
    /// The agent takes a request back.
    RequestCancel = "request.cancel",
    /// Lists requests: the agent's last, or those that the caller may decide on.
    RequestList = "request.list",
    /// Somebody decides on a request.
    RequestDecide = "request.decide",
    /// A supervisor has seen an alert.
    AlertAck = "alert.ack",
    /// Somebody else sets an agent's status.
    AgentSetStatus = "agent.set_status",
    /// Somebody else begins a pause for an agent.
    AgentStartPause = "agent.start_pause",
    /// Somebody else ends an agent's pause.
    AgentEndPause = "agent.end_pause",
    /// Somebody else signs an agent out.
    AgentSignOut = "agent.sign_out",
    /// Somebody else moves the limit of an agent's pause out.
    PauseExtend = "pause.extend",
    /// Somebody else says when a pause of an agent ended.
    PauseCorrect = "pause.correct",
    /// An integration says what work of an agent is open.
    OccupancySet = "occupancy.set",
    /// Shows the rules of pauses, or their draft.
    PolicyGet = "policy.get",
    /// Lists the versions that were published.
    PolicyVersions = "policy.versions",
    /// Puts a draft in the place of the one of before.
    PolicyPutDraft = "policy.put_draft",
    /// Holds the draft against recorded days.
    PolicyDryRun = "policy.dry_run",
    /// Publishes the draft.
    PolicyPublish = "policy.publish",
    /// Begins a live board.
    BoardSubscribe = "board.subscribe",
    /// Ends a live board.
    BoardUnsubscribe = "board.unsubscribe",
    /// Has the socket sent the notifications of these names, as it is from the start.
    RpcOn = "rpc.on",
    /// Has the socket not sent the notifications of these names.
    RpcOff = "rpc.off",
    /// Describes all methods and notifications as an OpenRPC document.
    RpcDiscover = "rpc.discover",
);

/// A request for a method, its parameters read.
#[derive(Debug, Clone, PartialEq)]
pub enum Invocation {
    /// `session.open`.
    SessionOpen(OpenParams),
    /// `session.ping`.
    SessionPing,
    /// `session.refresh`.
    SessionRefresh {
        /// The fresh credential.
        token: String,
    },
    /// `session.sign_out`.
    SessionSignOut {
        /// Which sessions.
        scope: SignOutScope,
        /// What becomes of a running entitlement.
        pause: PauseAtSignOut,
    },
    /// `agent.get`.
    AgentGet,
    /// `pause.options`.
    PauseOptions {
        /// True when changes are to be told.
        watch: bool,
    },
    /// `status.set`, `pause.start`, `pause.accept`, `pause.end`, `pause.cancel`.
    Own(OwnCommand),
    /// The `agent.*` actions and `pause.extend`.
    Live(LiveCommand),
    /// `request.create`, `request.cancel`.
    OwnRequest(OwnRequest),
    /// `request.list`.
    RequestList,
    /// `request.decide`.
    RequestDecide {
        /// Which.
        request: RequestId,
        /// The command.
        command: Command,
        /// Why; the agent is shown it.
        reason: String,
        /// What makes it safe.
        guard: Guard,
    },
    /// `pause.correct`, `pause.annotate`.
    Record(RecordCommand),
    /// `alert.ack`.
    AlertAck {
        /// Which.
        alert: AlertId,
        /// What makes it safe.
        guard: Guard,
    },
    /// `occupancy.set`.
    OccupancySet {
        /// Whose.
        agent: AgentId,
        /// What is open.
        report: Report,
        /// Refuse unless the agent's version is this one.
        expected_version: Option<AgentSeq>,
    },
    /// The `policy.*` methods.
    Policy(PolicyCall),
    /// `board.subscribe`.
    BoardSubscribe {
        /// Which teams.
        teams: TeamsWanted,
        /// Where a board of before left off.
        cursor: Option<String>,
    },
    /// `board.unsubscribe`.
    BoardUnsubscribe {
        /// Which board.
        subscription: String,
    },
    /// `rpc.on`.
    SwitchOn {
        /// Names, of notifications or not.
        names: Vec<String>,
    },
    /// `rpc.off`.
    SwitchOff {
        /// Names, of notifications or not.
        names: Vec<String>,
    },
    /// `rpc.discover`.
    Discover,
}

/// The parameters of `session.open`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenParams {
    /// A bearer token.
    pub token: Option<String>,
    /// A single-use ticket.
    pub ticket: Option<String>,
    /// False: the socket does not count as the agent's presence.
    pub presence: bool,
    /// What the client calls itself.
    pub client: Option<Client>,
}

/// What a client calls itself; for logs only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Which sessions a sign-out ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOutScope {
    /// This one; the last one signs the agent out.
    This,
    /// All of them.
    All,
}

/// A command for the agent that the principal is.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnCommand {
    /// The command.
    pub command: Command,
    /// What makes it safe.
    pub guard: Guard,
}

/// A request that the agent makes or takes back.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnRequest {
    /// The command.
    pub command: Command,
    /// Why they ask.
    pub reason: Option<String>,
    /// What makes it safe.
    pub guard: Guard,
}

/// A command about a pause on record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordCommand {
    /// The pause.
    pub pause: PauseId,
    /// The command.
    pub command: Command,
    /// Why, or what is added.
    pub text: String,
    /// An integration says that it acts on the agent's behalf.
    pub on_behalf: bool,
    /// The same again is the same effect.
    pub op: Option<Op>,
}

/// A command for another person.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveCommand {
    /// For whom.
    pub agent: AgentId,
    /// Why; the agent is shown it.
    pub reason: String,
    /// An integration says that it acts on the agent's behalf.
    pub on_behalf: bool,
    /// The command.
    pub command: Command,
    /// What makes it safe.
    pub guard: Guard,
}

/// What makes a command safe to send again, and safe to send late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guard {
    /// The same again is the same effect.
    pub op: Option<Op>,
    /// Refuse unless the agent's version is this one.
    pub expected_version: Option<AgentSeq>,
}

/// Which teams a board is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TeamsWanted {
    /// All that the principal may see.
    All,
    /// These.
    These(BTreeSet<TeamId>),
}

impl Invocation {
    /// Reads the parameters of a method.
    ///
    /// # Errors
    /// [`WireError`] that names the first parameter that is missing, unknown or not what it should
    /// be.
    pub fn read(method: Method, params: Params) -> Result<Invocation, WireError> {
        let params = named(method, params)?;
        let mut fields = Fields::of(params)?;
        let invocation = read_fields(method, &mut fields)?;
        fields.finish()?;
        Ok(invocation)
    }
}

/// Gives parameters by position their names, where clients of existing libraries have no other way:
/// they unsubscribe with `[subscription]`, and switch notifications on and off with a list of names.
fn named(method: Method, params: Params) -> Result<Params, WireError> {
    let Params::Positional(list) = params else { return Ok(params) };
    let (name, value) = match method {
        Method::BoardUnsubscribe => match <[Value; 1]>::try_from(list) {
            Ok([id]) => ("subscription", id),
            Err(_) => return Err(WireError::invalid_params("subscription", "must be one string")),
        },
        Method::RpcOn | Method::RpcOff => ("names", Value::Array(list)),
        Method::SessionOpen
        | Method::SessionPing
        | Method::SessionRefresh
        | Method::SessionSignOut
        | Method::AgentGet
        | Method::StatusSet
        | Method::PauseOptions
        | Method::PauseStart
        | Method::PauseAccept
        | Method::PauseEnd
        | Method::PauseCancel
        | Method::PauseAnnotate
        | Method::RequestCreate
        | Method::RequestCancel
        | Method::RequestList
        | Method::RequestDecide
        | Method::AlertAck
        | Method::AgentSetStatus
        | Method::AgentStartPause
        | Method::AgentEndPause
        | Method::AgentSignOut
        | Method::PauseExtend
        | Method::PauseCorrect
        | Method::OccupancySet
        | Method::PolicyGet
        | Method::PolicyVersions
        | Method::PolicyPutDraft
        | Method::PolicyDryRun
        | Method::PolicyPublish
        | Method::BoardSubscribe
        | Method::RpcDiscover => return Ok(Params::Positional(list)),
    };
    Ok(Params::Named(Map::from_iter([(name.to_owned(), value)])))
}

fn read_fields(method: Method, fields: &mut Fields) -> Result<Invocation, WireError> {
    Ok(match method {
        Method::SessionOpen => Invocation::SessionOpen(OpenParams {
            token: fields.optional("token")?,
            ticket: fields.optional("ticket")?,
            presence: fields.optional("presence")?.unwrap_or(true),
            client: client(fields)?,
        }),
        Method::SessionPing => Invocation::SessionPing,
        Method::SessionRefresh => Invocation::SessionRefresh { token: fields.required("token")? },
        Method::SessionSignOut => Invocation::SessionSignOut {
            scope: fields.optional("scope")?.unwrap_or(SignOutScope::This),
            pause: fields.optional("pause")?.unwrap_or(PauseAtSignOut::KeepEntitlement),
        },
        Method::AgentGet => Invocation::AgentGet,
        Method::StatusSet => {
            let status = fields.required("status")?;
            let after_work = fields.optional("when")?.unwrap_or(When::Now) == When::AfterWork;
            own(fields, Command::SetStatus { status, after_work })?
        }
        Method::PauseOptions => Invocation::PauseOptions { watch: fields.optional("watch")?.unwrap_or(false) },
        Method::PauseStart => {
            let command = Command::StartPause {
                pause_type: fields.required("type")?,
                note: fields.optional::<Text>("note")?.map(|note| note.0),
                replaces: fields.optional("replaces")?,
                overriding: false,
            };
            own(fields, command)?
        }
        Method::PauseAccept => {
            let command = Command::AcceptOffer { offer: fields.required("offer")? };
            own(fields, command)?
        }
        Method::PauseCancel => {
            let command = Command::Cancel { what: fields.required("what")? };
            own(fields, command)?
        }
        Method::PauseEnd => {
            let command = Command::EndPause { then: fields.optional("then")?, overriding: false };
            own(fields, command)?
        }
        Method::PauseAnnotate => {
            let (pause, LongText(text)) = (fields.required("pause")?, fields.required("text")?);
            let (command, op) = (Command::AnnotatePause { pause }, fields.optional("op")?);
            Invocation::Record(RecordCommand { pause, command, text, on_behalf: false, op })
        }
        Method::RequestCreate => {
            let pause_type = fields.required("type")?;
            let Text(reason) = fields.required("reason")?;
            let extra = Duration::from_millis(fields.optional("extra_ms")?.unwrap_or(0));
            if extra > LIMIT_MAX {
                return Err(fields.invalid("extra_ms", "must be at most 24 hours"));
            }
            let command = Command::CreateRequest { pause_type, extra };
            Invocation::OwnRequest(OwnRequest { command, reason: Some(reason), guard: guard(fields)? })
        }
        Method::RequestCancel => {
            let command = Command::CancelRequest { request: fields.required("request")? };
            Invocation::OwnRequest(OwnRequest { command, reason: None, guard: guard(fields)? })
        }
        Method::RequestList => Invocation::RequestList,
        Method::RequestDecide => {
            let request = fields.required("request")?;
            let decision = read_decision(fields)?;
            let Text(reason) = fields.required("reason")?;
            let command = Command::DecideRequest { request, decision };
            Invocation::RequestDecide { request, command, reason, guard: guard(fields)? }
        }
        Method::AlertAck => Invocation::AlertAck { alert: fields.required("alert")?, guard: guard(fields)? },
        Method::AgentSetStatus => {
            let command = Command::SetStatus { status: fields.required("status")?, after_work: false };
            live(fields, command)?
        }
        Method::AgentStartPause => {
            let command = Command::StartPause {
                pause_type: fields.required("type")?,
                note: None,
                replaces: None,
                overriding: fields.optional("override")?.unwrap_or(false),
            };
            live(fields, command)?
        }
        Method::AgentEndPause => {
            let command = Command::EndPause {
                then: fields.optional("then")?,
                overriding: fields.optional("override")?.unwrap_or(false),
            };
            live(fields, command)?
        }
        Method::AgentSignOut => {
            let pause = fields.optional("pause")?.unwrap_or(PauseAtSignOut::KeepEntitlement);
            live(fields, Command::SignOut { pause })?
        }
        Method::PauseExtend => {
            let by = Duration::from_millis(fields.required("by_ms")?);
            if by.is_zero() || by > LIMIT_MAX {
                return Err(fields.invalid("by_ms", "must be more than 0 and at most 24 hours"));
            }
            live(fields, Command::ExtendPause { by })?
        }
        Method::PauseCorrect => {
            let (pause, Instant(ended_at)) = (fields.required("pause")?, fields.required("ended_at")?);
            let (command, Text(text)) = (Command::CorrectPause { pause, ended_at }, fields.required("reason")?);
            let on_behalf = fields.optional("on_behalf")?.unwrap_or(false);
            Invocation::Record(RecordCommand { pause, command, text, on_behalf, op: fields.optional("op")? })
        }
        Method::OccupancySet => {
            let (agent, expected_version) = (fields.required("agent")?, fields.optional("expected_version")?);
            Invocation::OccupancySet { agent, report: read_report(fields)?, expected_version }
        }
        Method::PolicyGet => Invocation::Policy(PolicyCall::get(fields)?),
        Method::PolicyVersions => Invocation::Policy(PolicyCall::versions(fields)?),
        Method::PolicyPutDraft => Invocation::Policy(PolicyCall::put_draft(fields)?),
        Method::PolicyDryRun => Invocation::Policy(PolicyCall::dry_run(fields)?),
        Method::PolicyPublish => Invocation::Policy(PolicyCall::publish(fields)?),
        Method::BoardSubscribe => {
            let teams = fields.required("teams")?;
            let cursor: Option<String> = fields.optional("cursor")?;
            if cursor.as_ref().is_some_and(|cursor| cursor.len() > CURSOR_LENGTH_MAX) {
                return Err(fields.invalid("cursor", "is longer than any that was handed out"));
            }
            Invocation::BoardSubscribe { teams, cursor }
        }
        Method::BoardUnsubscribe => Invocation::BoardUnsubscribe { subscription: fields.required("subscription")? },
        Method::RpcOn => Invocation::SwitchOn { names: fields.required::<Names>("names")?.0 },
        Method::RpcOff => Invocation::SwitchOff { names: fields.required::<Names>("names")?.0 },
        Method::RpcDiscover => Invocation::Discover,
    })
}

fn client(fields: &mut Fields) -> Result<Option<Client>, WireError> {
    let Some(mut group) = fields.group("client", "client.")? else { return Ok(None) };
    let mut short = |name| {
        let Text(text) = group.required(name)?;
        if text.chars().count() > CLIENT_TEXT_LENGTH_MAX {
            return Err(group.invalid(name, "may have at most 64 characters"));
        }
        Ok(text)
    };
    let client = Client { name: short("name")?, version: short("version")? };
    group.finish()?;
    Ok(Some(client))
}

fn guard(fields: &mut Fields) -> Result<Guard, WireError> {
    Ok(Guard { op: fields.optional("op")?, expected_version: fields.optional("expected_version")? })
}

fn own(fields: &mut Fields, command: Command) -> Result<Invocation, WireError> {
    Ok(Invocation::Own(OwnCommand { command, guard: guard(fields)? }))
}

fn live(fields: &mut Fields, command: Command) -> Result<Invocation, WireError> {
    let agent = fields.required("agent")?;
    let Text(reason) = fields.required("reason")?;
    let on_behalf = fields.optional("on_behalf")?.unwrap_or(false);
    Ok(Invocation::Live(LiveCommand { agent, reason, on_behalf, command, guard: guard(fields)? }))
}

/// When a status takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    AfterWork,
}

impl FromField for When {
    fn from_field(value: Value) -> Result<When, String> {
        one_of(value, &[("now", When::Now), ("after_work", When::AfterWork)])
    }
}

impl FromField for ChosenStatus {
    fn from_field(value: Value) -> Result<ChosenStatus, String> {
        let all = [ChosenStatus::Available, ChosenStatus::Unavailable, ChosenStatus::Offline];
        one_of(value, &all.map(|status| (status.as_str(), status)))
    }
}

impl FromField for AfterEnd {
    fn from_field(value: Value) -> Result<AfterEnd, String> {
        one_of(value, &[("available", AfterEnd::Available), ("unavailable", AfterEnd::Unavailable)])
    }
}

impl FromField for SignOutScope {
    fn from_field(value: Value) -> Result<SignOutScope, String> {
        one_of(value, &[("this", SignOutScope::This), ("all", SignOutScope::All)])
    }
}

impl FromField for Cancelled {
    fn from_field(value: Value) -> Result<Cancelled, String> {
        one_of(value, &[Cancelled::Pending, Cancelled::Queue, Cancelled::Request].map(|what| (what.as_str(), what)))
    }
}

impl FromField for PauseAtSignOut {
    fn from_field(value: Value) -> Result<PauseAtSignOut, String> {
        one_of(value, &[("keep", PauseAtSignOut::KeepEntitlement), ("end", PauseAtSignOut::End)])
    }
}

impl FromField for TeamsWanted {
    fn from_field(value: Value) -> Result<TeamsWanted, String> {
        const WHAT: &str = "must be \"all\" or a list of team ids";
        match value {
            Value::String(word) if word == "all" => Ok(TeamsWanted::All),
            Value::Array(list) if list.is_empty() => Err("must name a team".to_owned()),
            Value::Array(list) if list.len() > BOARD_TEAMS_MAX => {
                Err(format!("may name at most {BOARD_TEAMS_MAX} teams"))
            }
            Value::Array(list) => {
                list.into_iter().map(TeamId::from_field).collect::<Result<_, _>>().map(TeamsWanted::These)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(WHAT.to_owned())
            }
        }
    }
}

/// Names that may be of notifications.
struct Names(Vec<String>);

impl FromField for Names {
    fn from_field(value: Value) -> Result<Names, String> {
        match value {
            Value::Array(list) if list.len() > NOTIFICATION_NAMES_MAX => {
                Err(format!("may have at most {NOTIFICATION_NAMES_MAX} entries"))
            }
            Value::Array(list) => list.into_iter().map(String::from_field).collect::<Result<_, _>>().map(Names),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err("must be a list of the names of notifications".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests;
