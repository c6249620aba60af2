//! The operations on what an administrator sets: the policy and its types, teams, channels, the tenant; and what comes of
//! them, requests and what is owed.

use super::answers::{
    ChannelBody, ChannelsPage, DraftBody, DryRunBody, EntitlementsPage, Limit, PauseTypeChanged, PauseTypesPage,
    PublishBody, RequestsPage, TeamBody, TeamsPage, TenantBody, TenantsPage,
};
use super::operation::{Needs, Operation};
use crate::auth::Action;
use crate::protocol::policy_shapes::{
    DryRunReport, PauseTypeObject, PolicyDrafted, PolicyPublished, PolicyShown, PolicyVersionsPage,
};
use crate::protocol::scalars::{GivenId, OpId};
use crate::protocol::setting::{ChannelObject, TeamObject, TenantObject, TenantPut};

const ETAG: &str = "Of what is shown; to be sent back in If-Match.";
const ETAG_OF_POLICY: &str = "The version in force and what is planned; to be sent back in If-Match.";

/// The policy as a whole.
pub(super) fn policy() -> Vec<Operation> {
    let manage = Needs::Action(Action::ManagePolicy);
    vec![
        Operation::new(("GET", "/v1/policy"), "readPolicy", "Reads the rules of pauses", manage)
            .query::<u64>("version", "A version of before; not beside `draft`.")
            .query::<bool>("draft", "True: the draft.")
            .answers::<PolicyShown>(
                200,
                "The version, or the draft; of what is in force and of the draft with an ETag.",
            )
            .problem(404, &["not_found"]),
        Operation::new(("GET", "/v1/policy/versions"), "listPolicyVersions", "Lists the versions", manage)
            .query::<u64>("limit", "How many; 20, if nothing is said.")
            .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
            .answers::<PolicyVersionsPage>(200, "A page of them, the last one first."),
        changing(("PUT", "/v1/policy/draft"), "putDraft", "Writes the draft: the whole policy", manage)
            .body::<DraftBody>()
            .answers::<PolicyDrafted>(200, "The draft, and how it differs from what is in force.")
            .with("ETag", ETAG_OF_POLICY)
            .problem(409, &["version"])
            .problem(503, &["low_disk"]),
        Operation::new(("POST", "/v1/policy/draft/dry-run"), "dryRun", "Tries the draft on recorded days", manage)
            .body_or_none::<DryRunBody>()
            .answers::<DryRunReport>(200, "What it would have made of them.")
            .problem(404, &["not_found"])
            .problem(409, &["dry_run_under_way"]),
        changing(("POST", "/v1/policy/draft/publish"), "publishDraft", "Puts the draft in force", manage)
            .body::<PublishBody>()
            .answers::<PolicyPublished>(200, "When, and who is affected.")
            .with("ETag", ETAG_OF_POLICY)
            .problem(404, &["not_found"])
            .problem(409, &["version", "nothing_pending"])
            .problem(503, &["low_disk"]),
        Operation::new(("GET", "/v1/pause-types"), "listPauseTypes", "Lists the types of pauses", manage)
            .query::<bool>("archived", "True: archived ones, too.")
            .query::<Limit>("limit", "How many.")
            .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
            .answers::<PauseTypesPage>(200, "A page of them, by code."),
        Operation::new(("GET", "/v1/pause-types/{code}"), "readPauseType", "Reads a type of pause", manage)
            .at::<GivenId>("code", "The code of the type.")
            .query::<String>("at", "`now`, or `next_business_day`: as it is planned for that day.")
            .answers::<PauseTypeObject>(200, "The type.")
            .with("ETag", ETAG),
        one_type("PUT", "putPauseType", "Publishes a version with this type as it is here")
            .header::<String>("If-None-Match", "`*`: only if there is no type of this code.")
            .body::<PauseTypeObject>()
            .answers::<PauseTypeChanged>(200, "It was there.")
            .with("ETag", ETAG)
            .answers::<PauseTypeChanged>(201, "It is new.")
            .with("ETag", ETAG)
            .answers::<PauseTypeChanged>(202, "It takes effect with the next business day.")
            .with("ETag", ETAG)
            .problem(409, &["version"])
            .problem(503, &["low_disk"]),
        one_type("DELETE", "removePauseType", "Publishes a version in which nobody can choose this type")
            .answers::<PolicyPublished>(200, "When, and who is affected.")
            .answers::<PolicyPublished>(202, "It takes effect with the next business day.")
            .answers_nothing(204, "It is archived already.")
            .problem(409, &["version", "in_use"]),
    ]
}

fn changing(at: (&'static str, &'static str), id: &'static str, summary: &'static str, needs: Needs) -> Operation {
    Operation::new(at, id, summary, needs)
        .header::<OpId>("Idempotency-Key", "The `op`.")
        .header::<String>("If-Match", "Only on top of what this ETag says.")
        .problem(409, &["op_reused"])
        .problem(412, &["precondition_failed"])
}

fn one_type(method: &'static str, id: &'static str, summary: &'static str) -> Operation {
    changing((method, "/v1/pause-types/{code}"), id, summary, Needs::Action(Action::ManagePolicy))
        .at::<GivenId>("code", "The code of the type.")
        .query::<String>("at", "`now`, or `next_business_day`.")
        .query::<bool>("loosen_only", "True: running pauses get the longer limits.")
        .query::<String>("reason", "Why.")
}

/// Teams, channels, tenants.
pub(super) fn parts() -> Vec<Operation> {
    let manage = Needs::Action(Action::ManageDirectory);
    let teams = |method, id, summary| {
        changing((method, "/v1/teams/{id}"), id, summary, manage).at::<GivenId>("id", "The team's id.")
    };
    let channels = |method, id, summary| {
        changing((method, "/v1/channels/{code}"), id, summary, manage).at::<GivenId>("code", "The channel's code.")
    };
    let tenant = Needs::Action(Action::ManageTenant);
    let set_or_make = Needs::Either(Action::ManageTenant, Action::MakeTenant);
    vec![
        listing("/v1/teams", "listTeams", "Lists the teams", manage)
            .answers::<TeamsPage>(200, "A page of them, by id."),
        Operation::new(("GET", "/v1/teams/{id}"), "readTeam", "Reads a team", manage)
            .at::<GivenId>("id", "The team's id.")
            .answers::<TeamObject<'static>>(200, "The team.")
            .with("ETag", ETAG),
        teams("PUT", "putTeam", "A team is new, or otherwise")
            .header::<String>("If-None-Match", "`*`: only if there is none.")
            .body::<TeamBody>()
            .answers::<TeamObject<'static>>(200, "It was there.")
            .with("ETag", ETAG)
            .answers::<TeamObject<'static>>(201, "It is new.")
            .with("ETag", ETAG)
            .problem(409, &["quota_exceeded"])
            .problem(503, &["low_disk"]),
        teams("DELETE", "removeTeam", "Takes a team away that nobody names")
            .answers_nothing(204, "There is none.")
            .problem(409, &["in_use"]),
        listing("/v1/channels", "listChannels", "Lists the channels", manage)
            .answers::<ChannelsPage>(200, "A page of them, by code."),
        Operation::new(("GET", "/v1/channels/{code}"), "readChannel", "Reads a channel", manage)
            .at::<GivenId>("code", "The channel's code.")
            .answers::<ChannelObject<'static>>(200, "The channel.")
            .with("ETag", ETAG),
        channels("PUT", "putChannel", "A channel is new, or otherwise")
            .header::<String>("If-None-Match", "`*`: only if there is none.")
            .body::<ChannelBody>()
            .answers::<ChannelObject<'static>>(200, "It was there.")
            .with("ETag", ETAG)
            .answers::<ChannelObject<'static>>(201, "It is new.")
            .with("ETag", ETAG)
            .problem(409, &["quota_exceeded"])
            .problem(503, &["low_disk"]),
        channels("DELETE", "removeChannel", "Takes a channel away that nobody names")
            .answers_nothing(204, "There is none.")
            .problem(409, &["in_use"]),
        listing("/v1/tenants", "listTenants", "Lists the tenants", Needs::Action(Action::ListTenants))
            .answers::<TenantsPage>(200, "A page of them, by id."),
        Operation::new(("GET", "/v1/tenants/{id}"), "readTenant", "Reads the settings of one's own tenant", tenant)
            .at::<GivenId>("id", "The tenant's id.")
            .answers::<TenantObject<'static>>(200, "The settings.")
            .with("ETag", ETAG),
        changing(
            ("PUT", "/v1/tenants/{id}"),
            "putTenant",
            "Sets the settings of one's own tenant, makes one, or opens one again",
            set_or_make,
        )
        .at::<GivenId>("id", "The tenant's id.")
        .header::<String>("If-None-Match", "`*`: only if there is none.")
        .body::<TenantBody>()
        .answers::<TenantPut<'static>>(200, "It was there.")
        .with("ETag", ETAG)
        .answers::<TenantPut<'static>>(201, "It is new.")
        .with("ETag", ETAG)
        .problem(409, &["tenant_exists", "tenant_closed", "too_many_tenants"])
        .problem(503, &["low_disk"]),
        changing(
            ("DELETE", "/v1/tenants/{id}"),
            "closeTenant",
            "Closes a tenant, erasing nothing",
            Needs::Action(Action::CloseTenant),
        )
        .at::<GivenId>("id", "The tenant's id.")
        .answers_nothing(204, "It is closed."),
    ]
}

fn listing(path: &'static str, id: &'static str, summary: &'static str, needs: Needs) -> Operation {
    Operation::new(("GET", path), id, summary, needs)
        .query::<Limit>("limit", "How many.")
        .query::<String>("cursor", "Where to go on, as `next_cursor` said.")
}

/// Requests, and what is owed.
pub(super) fn claims() -> Vec<Operation> {
    vec![
        listing("/v1/requests", "listRequests", "Lists requests for exceptions", Needs::Action(Action::ListRequests))
            .query::<String>("state", "`open`, `granted`, `refused`, `expired` or `cancelled`.")
            .query::<GivenId>("agent", "Of this agent alone.")
            .query::<GivenId>("team", "Of the agents of this team alone.")
            .answers::<RequestsPage>(200, "A page of them, the oldest first.")
            .problem(409, &["unknown_agent"]),
        listing(
            "/v1/entitlements",
            "listEntitlements",
            "Says what each agent is owed in the shift of now",
            Needs::Action(Action::ReadHistory),
        )
        .query::<GivenId>("agent", "This agent alone.")
        .query::<GivenId>("team", "The agents of this team alone.")
        .answers::<EntitlementsPage>(200, "A page of them, by agent."),
    ]
}
