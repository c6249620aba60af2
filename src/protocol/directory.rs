//! The directory of a tenant on the wire, and what an import does to it.

use schemars::JsonSchema;
use serde::Serialize;

use super::person::PersonObject;
use crate::domain::deferral::AtDeadline;
use crate::domain::directory::{Channel, Directory, SignInStatus, Team, Tenant};

/// A directory without those who left.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DirectoryObject<'a> {
    /// Its version, which is its `ETag` too.
    pub version: u64,
    /// The tenant's own settings.
    pub tenant: TenantObject<'a>,
    /// Channels, by code.
    pub channels: Vec<ChannelObject<'a>>,
    /// Teams, by id.
    pub teams: Vec<TeamObject<'a>>,
    /// People, by id.
    pub agents: Vec<PersonObject<'a>>,
}

impl<'a> DirectoryObject<'a> {
    /// A directory as it is shown.
    pub fn of(directory: &'a Directory) -> DirectoryObject<'a> {
        let people = directory.agents.values().filter(|person| person.left_at.is_none());
        DirectoryObject {
            version: directory.version.0,
            tenant: TenantObject::of(&directory.tenant),
            channels: directory.channels.values().map(ChannelObject::of).collect(),
            teams: directory.teams.values().map(TeamObject::of).collect(),
            agents: people.map(|person| PersonObject::of(person)).collect(),
        }
    }
}

/// A tenant's settings; spans are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TenantObject<'a> {
    id: &'a str,
    name: &'a str,
    zone: &'static str,
    business_day_start: String,
    pauses_enabled: bool,
    status_on_sign_in: &'static str,
    connection_grace_s: u64,
    resume_within_s: u64,
    abandon_after_s: u64,
    defer_for_s: u64,
    at_defer_deadline: &'static str,
    default_shift_s: u64,
}

impl<'a> TenantObject<'a> {
    /// A tenant as it is shown.
    pub fn of(tenant: &'a Tenant) -> TenantObject<'a> {
        TenantObject {
            id: tenant.id.as_str(),
            name: &tenant.name,
            zone: tenant.zone.name(),
            business_day_start: tenant.business_day_start.format("%H:%M").to_string(),
            pauses_enabled: tenant.pauses_enabled,
            status_on_sign_in: match tenant.status_on_sign_in {
                SignInStatus::Available => "available",
                SignInStatus::Unavailable => "unavailable",
            },
            connection_grace_s: tenant.connection_grace.as_secs(),
            resume_within_s: tenant.resume_within.as_secs(),
            abandon_after_s: tenant.abandon_after.as_secs(),
            defer_for_s: tenant.defer_for.as_secs(),
            at_defer_deadline: match tenant.at_defer_deadline {
                AtDeadline::Start => "start",
                AtDeadline::Notify => "notify",
                AtDeadline::Cancel => "cancel",
            },
            default_shift_s: tenant.default_shift.as_secs(),
        }
    }
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChannelObject<'a> {
    code: &'a str,
    name: &'a str,
    enabled: bool,
    blocks_pause: bool,
    capacity: u32,
}

impl<'a> ChannelObject<'a> {
    /// A channel as it is shown.
    pub fn of(channel: &'a Channel) -> ChannelObject<'a> {
        let Channel { code, name, enabled, blocks_pause, capacity } = channel;
        ChannelObject { code: code.as_str(), name, enabled: *enabled, blocks_pause: *blocks_pause, capacity: *capacity }
    }
}

/// A team.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TeamObject<'a> {
    id: &'a str,
    name: &'a str,
    /// Its own zone, where it differs from the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'static str>,
}

impl<'a> TeamObject<'a> {
    /// A team as it is shown.
    pub fn of(team: &'a Team) -> TeamObject<'a> {
        TeamObject { id: team.id.as_str(), name: &team.name, zone: team.zone.map(|zone| zone.name()) }
    }
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImportObject<'a> {
    /// True where nothing was written.
    pub dry_run: bool,
    /// The version in force.
    pub version: u64,
    /// How many records are new.
    pub added: u32,
    /// How many are otherwise than before.
    pub changed: u32,
    /// How many go.
    pub removed: u32,
    /// How many of the file are there just so; left out where the import is one that was made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<usize>,
    /// Which characters the file was read as; for CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What is between its cells; for CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The changes, as many as are told.
    pub changes: Vec<ChangeObject<'a>>,
    /// How many more there are.
    pub more: usize,
    /// What is worth knowing, and stands in nobody's way.
    pub notes: Vec<LineObject<'a>>,
}

/// What becomes of one record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangeObject<'a> {
    /// `tenant`, `channel`, `team` or `agent`.
    pub kind: &'static str,
    /// Its id or code.
    pub id: &'a str,
    /// `added`, `changed` or `removed`.
    pub what: &'static str,
    /// As it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<RecordObject<'a>>,
    /// As it is then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<RecordObject<'a>>,
}

/// One record of a directory.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RecordObject<'a> {
    /// The tenant.
    Tenant(TenantObject<'a>),
    /// A channel.
    Channel(ChannelObject<'a>),
    /// A team.
    Team(TeamObject<'a>),
    /// A person.
    Person(PersonObject<'a>),
}

/// What is said of a line of a file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LineObject<'a> {
    /// The line, counted from 1.
    pub line: usize,
    /// What is said.
    pub message: &'a str,
}
