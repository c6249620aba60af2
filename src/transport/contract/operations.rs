//! Every operation of HTTP, once: what it takes, what it answers, and how it fails. The OpenAPI document, the table of
//! roles and the page of documentation come of this list; a test holds it against the paths that are served.

use super::answers::{
    Accepted, AnyObject, AuditPage, DayOrInstant, Health, Limit, LoggedIn, Me, Readiness, RpcAnswers, Separator,
    SetTaken, TicketMade,
};
use super::operation::{Needs, Operation};
use super::settings;
use crate::auth::Action;
use crate::protocol::access::{AccountObject, KeyObject};
use crate::protocol::bodies::{
    AcceptanceBody, InvitationsBody, KeyBody, LoginBody, PersonBody, ReportBody, ReportSetBody, RpcBody, ShiftBody,
    ShiftsBody,
};
use crate::protocol::directory::{DirectoryObject, ImportObject};
use crate::protocol::methods::AgentAfter;
use crate::protocol::methods::shapes::NoParams;
use crate::protocol::occupancy::RoutableAnswer;
use crate::protocol::person::PersonObject;
use crate::protocol::scalars::{DayText, GivenId, OpId};
use crate::protocol::shift::ShiftState;
use crate::protocol::state::AgentState;
use crate::transport::{accounts, agents, invitations, keys, pauses, sessions, shifts};

const ETAG_OF_PERSON: &str = "Of what is shown of the person; to be sent back in If-Match.";
const ETAG_OF_DIRECTORY: &str = "Its version; to be sent back in If-Match.";
const ETAG_OF_STATE: &str = "The version of the state; to be sent back in If-Match.";
const ETAG_OF_DOCUMENT: &str = "Of the document; to be sent back in If-None-Match.";

/// All of them, in the order in which they are shown.
pub(super) fn operations() -> Vec<Operation> {
    let (policy, parts, claims) = (settings::policy(), settings::parts(), settings::claims());
    let (people, shifts, routers) = (people(), shifts_planned(), routers());
    [calls(), credentials(), invited(), opened(), people, parts, policy, claims, shifts, routers, history(), house()]
        .into_iter()
        .flatten()
        .collect()
}

fn calls() -> Vec<Operation> {
    vec![
        Operation::new(
            ("GET", "/v1/ws"),
            "openSocket",
            "Opens the WebSocket: JSON-RPC 2.0 as the OpenRPC document describes it",
            Needs::Nothing,
        )
        .header::<String>("Sec-WebSocket-Protocol", "`intervalo.v1`, or none.")
        .answers_nothing(101, "The socket is open.")
        .problem(400, &["invalid_params", "invalid_handshake", "unknown_subprotocol"])
        .problem(401, &["unauthenticated"])
        .problem(403, &["forbidden", "foreign_origin", "unknown_agent", "unknown_team", "too_many_teams"])
        .problem(426, &["upgrade_required"])
        .problem(429, &["rate_limited", "too_many_connections"])
        .problem(503, &["busy"]),
        Operation::new(("POST", "/v1/rpc"), "call", "Calls a method, or a batch of them", Needs::Credential)
            .body::<RpcBody>()
            .answers::<RpcAnswers>(200, "The answer of JSON-RPC, be it a result or an error.")
            .answers_nothing(204, "Nothing in it wanted an answer."),
    ]
}

fn credentials() -> Vec<Operation> {
    vec![
        Operation::new(("GET", "/v1/me"), "readMe", "Says who the credential speaks for", Needs::Credential)
            .answers::<Me>(200, "Who, and for how long.")
            .problem(403, &["unknown_agent"]),
        Operation::new(
            ("POST", "/v1/tickets"),
            "makeTicket",
            "Makes a ticket that opens one socket",
            Needs::Credential,
        )
        .body_or_none::<NoParams>()
        .answers::<TicketMade>(201, "The ticket, for half a minute."),
        Operation::new(("POST", "/v1/login"), "logIn", "Logs a browser in", Needs::Nothing)
            .body::<LoginBody>()
            .answers::<LoggedIn>(200, "It is logged in.")
            .with("Set-Cookie", "The login, for this host alone.")
            .problem(401, &["unauthenticated"])
            .problem(403, &["forbidden", "cross_site", "logins_off", "password_change_required"])
            .problem(429, &["rate_limited"]),
        Operation::new(("POST", "/v1/logout"), "logOut", "Ends the browser's login", Needs::Nothing)
            .answers_nothing(204, "Nobody is logged in any more.")
            .with("Set-Cookie", "Takes the login away.")
            .problem(403, &["forbidden", "cross_site"]),
        keys_by("GET", "listKeys", "Lists the keys, ended ones too")
            .query::<Limit>("limit", "How many.")
            .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
            .answers::<keys::Page<'static>>(200, "A page of them."),
        keys_by("POST", "makeKey", "Makes a key")
            .header::<OpId>("Idempotency-Key", "The `op`.")
            .body::<KeyBody>()
            .answers::<KeyObject<'static>>(200, "It was made before under this op; its secret is not kept.")
            .answers::<KeyObject<'static>>(201, "The key, with its secret.")
            .problem(409, &["op_reused", "too_many_keys"]),
        one_key("GET", "readKey", "Reads a key").answers::<KeyObject<'static>>(200, "The key, without its secret."),
        one_key("DELETE", "endKey", "Ends a key").answers_nothing(204, "It lets nobody in any more."),
    ]
}

fn keys_by(method: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new((method, "/v1/keys"), id, summary, Needs::Action(Action::ManageAccess))
}

fn one_key(method: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new((method, "/v1/keys/{id}"), id, summary, Needs::Action(Action::ManageAccess))
        .at::<String>("id", "The id of the key.")
}

fn invited() -> Vec<Operation> {
    let manage = Needs::Action(Action::ManageAccess);
    let one = |method, id, summary| {
        Operation::new((method, "/v1/accounts/{id}"), id, summary, manage).at::<String>("id", "The id of the account.")
    };
    vec![
        Operation::new(("GET", "/v1/accounts"), "listAccounts", "Lists the accounts, ended ones too", manage)
            .query::<Limit>("limit", "How many.")
            .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
            .answers::<accounts::Page<'static>>(200, "A page of them."),
        one("GET", "readAccount", "Reads an account").answers::<AccountObject<'static>>(200, "The account."),
        one("DELETE", "endAccount", "Ends an account")
            .answers_nothing(204, "Nobody logs in with it any more.")
            .problem(409, &["last_administrator"]),
        Operation::new(("POST", "/v1/invitations"), "invite", "Invites people to choose a password", manage)
            .body::<InvitationsBody>()
            .answers::<invitations::Made<'static>>(201, "The invitations, as JSON or as a sheet to print.")
            .or_as("text/html")
            .problem(403, &["logins_off"])
            .problem(409, &["too_many_accounts"]),
        Operation::new(
            ("POST", "/v1/invitations/accept"),
            "acceptInvitation",
            "Chooses the password of an account",
            Needs::Nothing,
        )
        .body::<AcceptanceBody>()
        .answers::<Accepted>(200, "The password is chosen, and the invitation used up.")
        .problem(401, &["unauthenticated"])
        .problem(403, &["forbidden", "cross_site", "logins_off"]),
    ]
}

fn opened() -> Vec<Operation> {
    let list = Operation::new(
        ("GET", "/v1/sessions"),
        "listSessions",
        "Lists one's own sessions; an administrator's are everybody's",
        Needs::Credential,
    );
    let end = Operation::new(
        ("DELETE", "/v1/sessions/{id}"),
        "endSession",
        "Ends a session of one's own; an administrator ends anybody's",
        Needs::Credential,
    );
    let cut = Operation::new(
        ("DELETE", "/v1/sessions"),
        "cutAccess",
        "Ends all that somebody came in with",
        Needs::Action(Action::ManageAccess),
    );
    vec![
        list.query::<GivenId>("subject", "Whose.")
            .query::<Limit>("limit", "How many.")
            .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
            .answers::<sessions::Page>(200, "A page of them."),
        cut.query_required::<GivenId>("subject", "Whose.")
            .answers_nothing(204, "They are out.")
            .problem(409, &["too_many_cuts"]),
        end.at::<String>("id", "The id of the session.").answers_nothing(204, "It has ended."),
    ]
}

fn people() -> Vec<Operation> {
    let manage = Needs::Action(Action::ManageDirectory);
    let one = |method, id, summary| {
        Operation::new((method, "/v1/agents/{id}"), id, summary, manage).at::<GivenId>("id", "The agent's id.")
    };
    vec![
        Operation::new(("GET", "/v1/agents"), "listAgents", "Lists the people of the directory", manage)
            .query::<GivenId>("team", "Those of this team alone.")
            .query::<bool>("left", "True: those who left, too.")
            .query::<Limit>("limit", "How many.")
            .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
            .answers::<agents::Page<'static>>(200, "A page of them, by id."),
        one("GET", "readAgent", "Reads a person, those who left too")
            .answers::<PersonObject<'static>>(200, "The person.")
            .with("ETag", ETAG_OF_PERSON),
        one("PUT", "putAgent", "Somebody comes, changes, moves, or is back")
            .header::<OpId>("Idempotency-Key", "The `op`.")
            .header::<String>("If-Match", "Only if the person is still as this ETag says; `*`: only if there is one.")
            .header::<String>("If-None-Match", "`*`: only if there is nobody of this id.")
            .body::<PersonBody>()
            .answers::<PersonObject<'static>>(200, "The person, who was there.")
            .with("ETag", ETAG_OF_PERSON)
            .answers::<PersonObject<'static>>(201, "The person, who is new.")
            .with("ETag", ETAG_OF_PERSON)
            .problem(409, &["op_reused", "quota_exceeded"])
            .problem(412, &["precondition_failed"])
            .problem(503, &["low_disk"]),
        one("DELETE", "removeAgent", "Somebody leaves")
            .header::<OpId>("Idempotency-Key", "The `op`.")
            .header::<String>("If-Match", "Only if the person is still as this ETag says.")
            .answers_nothing(204, "They have left, or had.")
            .problem(409, &["op_reused"])
            .problem(412, &["precondition_failed"]),
        Operation::new(
            ("GET", "/v1/directory"),
            "exportDirectory",
            "Writes the directory out, but those who left",
            manage,
        )
        .query::<Separator>("separator", "Between the cells of CSV.")
        .query::<bool>("bom", "True: CSV with a byte order mark, for spreadsheets.")
        .answers::<DirectoryObject<'static>>(200, "All of it, as `Accept` likes it best.")
        .or_as("application/toml")
        .or_as("text/csv")
        .with("ETag", ETAG_OF_DIRECTORY)
        .problem(406, &["not_acceptable"]),
        Operation::new(
            ("POST", "/v1/directory/import"),
            "importDirectory",
            "Puts a file on top of the directory, all of it or nothing",
            manage,
        )
        .query::<bool>("dry_run", "True: only tell what it would do.")
        .query::<bool>("prune", "True: what is not in the file goes.")
        .header::<OpId>("Idempotency-Key", "The `op`.")
        .header::<String>("If-Match", "Only on top of the version that this ETag says.")
        .file(&["application/toml", "text/csv"])
        .answers::<ImportObject<'static>>(200, "What it did, or would do; told step by step as lines of JSON.")
        .or_as("application/x-ndjson")
        .problem(409, &["op_reused", "quota_exceeded"])
        .problem(412, &["precondition_failed"])
        .problem(415, &["unsupported_media_type"])
        .problem(503, &["low_disk"]),
        Operation::new(
            ("GET", "/v1/agents/{id}/state"),
            "readState",
            "Reads the state of an agent, as others see it",
            Needs::Action(Action::ReadAgent),
        )
        .at::<GivenId>("id", "The agent's id.")
        .answers::<AgentState<'static>>(200, "The state.")
        .with("ETag", ETAG_OF_STATE),
    ]
}

fn shifts_planned() -> Vec<Operation> {
    let plan = Needs::Action(Action::PlanShifts);
    let one = |method, id, summary| {
        Operation::new((method, "/v1/agents/{id}/shifts/{day}"), id, summary, plan)
            .at::<GivenId>("id", "The agent's id.")
            .at::<DayText>("day", "The local day that the shift belongs to.")
            .header::<OpId>("Idempotency-Key", "The `op`.")
    };
    vec![
        Operation::new(
            ("GET", "/v1/agents/{id}/shifts"),
            "readShifts",
            "Reads what is planned for an agent",
            Needs::Action(Action::ReadAgent),
        )
        .at::<GivenId>("id", "The agent's id.")
        .answers::<shifts::Listed>(200, "The shifts, the first one first."),
        one("PUT", "planShift", "Plans a shift, in place of what was planned for that day")
            .body::<ShiftBody>()
            .answers::<ShiftState>(200, "The shift.")
            .problem(409, &["op_reused"])
            .problem(503, &["low_disk"]),
        one("DELETE", "cancelShift", "Takes a planned shift back")
            .answers_nothing(204, "Nothing is planned for that day.")
            .problem(409, &["op_reused"]),
        Operation::new(("PUT", "/v1/shifts"), "planShifts", "Plans shifts of many", plan)
            .header::<OpId>("Idempotency-Key", "The `op`.")
            .body::<ShiftsBody>()
            .answers::<shifts::Done>(200, "All are planned.")
            .answers::<shifts::Done>(207, "The store failed midway: what was planned, and what was not.")
            .problem(503, &["low_disk"]),
    ]
}

fn routers() -> Vec<Operation> {
    let report = Needs::Action(Action::ReportOccupancy);
    vec![
        Operation::new(
            ("PUT", "/v1/agents/{id}/occupancy"),
            "reportOccupancy",
            "Says what work of an agent is open",
            report,
        )
        .at::<GivenId>("id", "The agent's id.")
        .header::<String>("If-Match", "The version of the state; else 409 with the state as it is.")
        .body::<ReportBody>()
        .answers::<AgentAfter>(200, "The agent after it.")
        .with("ETag", ETAG_OF_STATE)
        .problem(409, &["version"]),
        Operation::new(("PUT", "/v1/occupancy"), "reportAllOccupancy", "Says all that a source knows", report)
            .body::<ReportSetBody>()
            .answers::<SetTaken>(200, "Of how many it was taken."),
        Operation::new(
            ("GET", "/v1/routable"),
            "readRoutable",
            "Says who may get work",
            Needs::Action(Action::ReadAgent),
        )
        .query::<GivenId>("team", "For work of this team.")
        .query::<GivenId>("channel", "For work of this channel.")
        .query::<GivenId>("agent", "This agent alone.")
        .answers::<RoutableAnswer<'static>>(200, "Who, the longest ready first, or why nobody."),
    ]
}

fn history() -> Vec<Operation> {
    vec![
        Operation::new(
            ("GET", "/v1/pauses"),
            "readPauses",
            "Reads the pause history",
            Needs::Action(Action::ReadHistory),
        )
        .query::<DayOrInstant>("from", "From this day or instant on.")
        .query::<DayOrInstant>("to", "Up to this day, or before this instant.")
        .query::<GivenId>("team", "Pauses that counted for this team.")
        .query::<GivenId>("agent", "Pauses of this agent.")
        .query::<GivenId>("type", "Pauses of this type.")
        .query::<Limit>("limit", "How many.")
        .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
        .answers::<pauses::PageJson<'static>>(200, "A page of them, as `Accept` likes it best.")
        .or_as("text/csv")
        .problem(406, &["not_acceptable"]),
        Operation::new(
            ("GET", "/v1/audit"),
            "readAudit",
            "Reads the journal as a list, as others than the agents are shown it",
            Needs::Action(Action::ReadAudit),
        )
        .query::<u64>("after", "After the event of this number.")
        .query::<DayOrInstant>("from", "From this day or instant on.")
        .query::<DayOrInstant>("to", "Up to this day, or before this instant.")
        .query::<String>("kind", "Of these kinds alone, with commas between.")
        .query::<GivenId>("agent", "Of this agent alone.")
        .query::<GivenId>("actor", "Brought about by them alone.")
        .query::<Limit>("limit", "How many.")
        .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
        .answers::<AuditPage>(200, "A page of it, as `Accept` likes it best.")
        .or_as("application/x-ndjson")
        .problem(406, &["not_acceptable"]),
        Operation::new(
            ("GET", "/v1/events"),
            "followEvents",
            "Follows the journal as server-sent events, without a gap",
            Needs::Action(Action::FollowEvents),
        )
        .header::<String>("Last-Event-ID", "Go on after the event of this number.")
        .query::<u64>("after", "The same, where a header cannot be sent.")
        .query::<String>("kinds", "Of these kinds alone, with commas between.")
        .query::<GivenId>("team", "Of the agents of this team alone.")
        .query::<GivenId>("agent", "Of this agent alone.")
        .answers::<String>(200, "The stream; it lasts as long as the credential.")
        .in_text("text/event-stream")
        .problem(409, &["unknown_number"])
        .problem(429, &["too_many_streams", "too_many_sessions"]),
    ]
}

fn house() -> Vec<Operation> {
    let document = |path, id, summary| {
        Operation::new(("GET", path), id, summary, Needs::Nothing)
            .header::<String>("If-None-Match", "The ETag of what one has.")
            .answers::<AnyObject>(200, "The document.")
            .with("ETag", ETAG_OF_DOCUMENT)
            .answers_nothing(304, "One has it already.")
            .with("ETag", ETAG_OF_DOCUMENT)
    };
    let page = |operation: Operation| Operation {
        answers: operation
            .answers
            .into_iter()
            .map(|mut answer| {
                for (media, schema) in &mut answer.content {
                    (*media, *schema) = ("text/html", super::schemas::of::<String>);
                }
                answer
            })
            .collect(),
        ..operation
    };
    let part = |path, id, summary, media| {
        Operation::new(("GET", path), id, summary, Needs::Nothing).answers::<String>(200, "It.").in_text(media)
    };
    vec![
        part("/invitation", "readInvitationPage", "The page behind an invitation", "text/html"),
        part("/invitation.css", "readInvitationStyle", "Its style", "text/css"),
        part("/invitation.js", "readInvitationScript", "Its script", "text/javascript"),
        document("/v1/openapi.json", "readOpenApi", "Describes HTTP: this document"),
        document("/v1/openrpc.json", "readOpenRpc", "Describes the methods and notifications, as `rpc.discover` does"),
        page(document("/docs", "readDocs", "Describes HTTP as a page to read")),
        Operation::new(("GET", "/healthz"), "readHealth", "Says that the process answers", Needs::Nothing)
            .answers::<Health>(200, "It does."),
        Operation::new(("GET", "/readyz"), "readReadiness", "Says whether commands can be carried out", Needs::Nothing)
            .answers::<Readiness>(200, "They can.")
            .answers::<Readiness>(503, "They cannot, or the server is about to stop."),
        Operation::new(("GET", "/metrics"), "readMetrics", "Figures for Prometheus", Needs::Nothing)
            .answers::<String>(200, "Figures, without names of tenants or people.")
            .in_text("text/plain"),
    ]
}
