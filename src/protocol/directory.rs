//! The directory of a tenant on the wire, and what an import does to it.

use schemars::JsonSchema;
use serde::Serialize;

use super::person::PersonObject;
use super::setting::{ChannelObject, TeamObject, TenantObject};
use crate::domain::directory::Directory;

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
