//! The stored form of a directory version. It names people by their internal ids only: host ids
//! and names are in erasable rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::word::{AtDeadlineForm, SignInStatusForm};
use super::{FormError, PersonId, PersonKind, Refer, Resolve, from_ms, parse, read_json, to_ms};
use crate::domain::closing::Closing;
use crate::domain::deferral::DEFERRED_FOR;
use crate::domain::directory::{Channel, Directory, Person, Team, Tenant};
use crate::domain::entitlement::DEFAULT_SHIFT;
use crate::domain::id::{AgentId, ChannelCode, DirectoryVersion, TeamId, TenantId};
use crate::domain::time::Timestamp;
use crate::store::row::DirectoryRow;
use crate::sync::in_parts;

/// A directory version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DirectoryForm {
    v: i64,
    version: u64,
    tenant: TenantForm,
    teams: Vec<TeamForm>,
    agents: Vec<PersonForm>,
    channels: Vec<ChannelForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closing: Option<ClosingForm>,
}

impl DirectoryForm {
    pub(crate) fn of(directory: &Directory, refer: &mut dyn Refer) -> DirectoryForm {
        DirectoryForm {
            v: super::FORM,
            version: directory.version.0,
            tenant: TenantForm::of(&directory.tenant),
            teams: directory.teams.values().map(TeamForm::of).collect(),
            agents: directory.agents.values().map(|person| PersonForm::of(person, refer)).collect(),
            channels: directory.channels.values().map(ChannelForm::of).collect(),
            closing: directory.closing.map(ClosingForm::of),
        }
    }

    /// The directory that a whole version and the changes after it lead to.
    pub(crate) fn of_rows<'a>(rows: impl IntoIterator<Item = &'a DirectoryRow>) -> Result<DirectoryForm, FormError> {
        let mut changes = rows.into_iter().peekable();
        let Some(whole) = changes.next().filter(|first| first.whole) else {
            return Err(FormError::Contradiction("it has no directory".to_owned()));
        };
        let mut form = read_json::<DirectoryForm>(whole.form, &whole.body)?;
        let mut places: HashMap<PersonId, usize> = HashMap::new();
        if changes.peek().is_some() {
            places.extend(form.agents.iter().enumerate().map(|(at, person)| (person.id, at)));
        }
        for row in changes {
            let PersonChangeForm { v, version, person } = read_json(row.form, &row.body)?;
            if v != super::FORM {
                return Err(FormError::UnknownForm(v));
            }
            if version != form.version + 1 {
                let why = format!("directory version {version} follows on version {}", form.version);
                return Err(FormError::Contradiction(why));
            }
            form.version = version;
            match places.get(&person.id) {
                Some(&at) => form.agents[at] = person,
                None => {
                    places.insert(person.id, form.agents.len());
                    form.agents.push(person);
                }
            }
        }
        Ok(form)
    }

    /// True for the text of a whole version, false for one of a person.
    pub(crate) fn is_whole(body: &str) -> bool {
        #[derive(Deserialize)]
        struct Shape {
            person: Option<IgnoredAny>,
        }
        serde_json::from_str::<Shape>(body).is_ok_and(|shape| shape.person.is_none())
    }

    /// Everybody who is in it.
    pub(crate) fn people(&self) -> impl Iterator<Item = PersonId> {
        self.agents.iter().map(|person| person.id)
    }

    pub(crate) fn into_domain(self, resolve: &(dyn Resolve + Sync)) -> Result<Directory, FormError> {
        if self.v != super::FORM {
            return Err(FormError::UnknownForm(self.v));
        }
        let mut teams = BTreeMap::new();
        for team in self.teams {
            let team = team.into_domain()?;
            teams.insert(team.id.clone(), team);
        }
        // People share the ids of their teams.
        let shared: HashMap<&str, &TeamId> = teams.keys().map(|team| (team.as_str(), team)).collect();
        let parts = in_parts(self.agents, |people| {
            let people = people.into_iter().map(|person| {
                let person = person.into_domain(resolve, &shared)?;
                Ok((person.id.clone(), Arc::new(person)))
            });
            people.collect::<Result<Vec<_>, FormError>>()
        });
        // In their order as they are stored, so that it costs no sorting.
        let parts = parts.into_iter().collect::<Result<Vec<_>, FormError>>()?;
        let agents: BTreeMap<AgentId, Arc<Person>> = parts.into_iter().flatten().collect();
        let mut channels = BTreeMap::new();
        for channel in self.channels {
            let channel = channel.into_domain()?;
            channels.insert(channel.code.clone(), channel);
        }
        Ok(Directory {
            version: DirectoryVersion(self.version),
            tenant: self.tenant.into_domain()?,
            teams,
            agents,
            channels,
            closing: self.closing.map(ClosingForm::into_domain),
        })
    }
}

/// The last time that the tenant was closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosingForm {
    at: i64,
    wall_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reopened_at: Option<i64>,
    versions: u64,
}

impl ClosingForm {
    fn of(Closing { at, wall_at, reopened_at, versions }: Closing) -> ClosingForm {
        ClosingForm { at: at.0, wall_at: wall_at.0, reopened_at: reopened_at.map(|at| at.0), versions }
    }

    fn into_domain(self) -> Closing {
        let ClosingForm { at, wall_at, reopened_at, versions } = self;
        let (at, wall_at) = (Timestamp(at), Timestamp(wall_at));
        Closing { at, wall_at, reopened_at: reopened_at.map(Timestamp), versions }
    }
}

/// A directory version in which one person differs from the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonChangeForm {
    v: i64,
    version: u64,
    person: PersonForm,
}

impl PersonChangeForm {
    /// Of a person who is in the directory.
    pub(crate) fn of(directory: &Directory, person: &Person, refer: &mut dyn Refer) -> PersonChangeForm {
        PersonChangeForm { v: super::FORM, version: directory.version.0, person: PersonForm::of(person, refer) }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantForm {
    id: String,
    name: String,
    zone: String,
    business_day_start: String,
    pauses_enabled: bool,
    status_on_sign_in: SignInStatusForm,
    connection_grace_ms: u64,
    resume_within_ms: u64,
    abandon_after_ms: u64,
    #[serde(default = "deferred_for")]
    defer_for_ms: u64,
    #[serde(default = "start")]
    at_defer_deadline: AtDeadlineForm,
    #[serde(default = "default_shift")]
    default_shift_ms: u64,
}

fn default_shift() -> u64 {
    to_ms(DEFAULT_SHIFT)
}

fn deferred_for() -> u64 {
    to_ms(DEFERRED_FOR)
}

fn start() -> AtDeadlineForm {
    AtDeadlineForm::Start
}

impl TenantForm {
    fn of(tenant: &Tenant) -> TenantForm {
        TenantForm {
            id: tenant.id.to_string(),
            name: tenant.name.clone(),
            zone: tenant.zone.name().to_owned(),
            business_day_start: tenant.business_day_start.to_string(),
            pauses_enabled: tenant.pauses_enabled,
            status_on_sign_in: tenant.status_on_sign_in.into(),
            connection_grace_ms: to_ms(tenant.connection_grace),
            resume_within_ms: to_ms(tenant.resume_within),
            abandon_after_ms: to_ms(tenant.abandon_after),
            defer_for_ms: to_ms(tenant.defer_for),
            at_defer_deadline: tenant.at_defer_deadline.into(),
            default_shift_ms: to_ms(tenant.default_shift),
        }
    }

    fn into_domain(self) -> Result<Tenant, FormError> {
        Ok(Tenant {
            id: parse::<TenantId>("a tenant's id", &self.id)?,
            name: self.name,
            zone: parse::<Tz>("a time zone", &self.zone)?,
            business_day_start: parse::<NaiveTime>("a time of day", &self.business_day_start)?,
            pauses_enabled: self.pauses_enabled,
            status_on_sign_in: self.status_on_sign_in.into(),
            connection_grace: from_ms(self.connection_grace_ms),
            resume_within: from_ms(self.resume_within_ms),
            abandon_after: from_ms(self.abandon_after_ms),
            defer_for: from_ms(self.defer_for_ms),
            at_defer_deadline: self.at_defer_deadline.into(),
            default_shift: from_ms(self.default_shift_ms),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TeamForm {
    id: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
}

impl TeamForm {
    fn of(team: &Team) -> TeamForm {
        TeamForm { id: team.id.to_string(), name: team.name.clone(), zone: team.zone.map(zone_name) }
    }

    fn into_domain(self) -> Result<Team, FormError> {
        Ok(Team {
            id: parse::<TeamId>("a team's id", &self.id)?,
            name: self.name,
            zone: self.zone.as_deref().map(|zone| parse::<Tz>("a time zone", zone)).transpose()?,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonForm {
    id: PersonId,
    teams: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    capacity: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_at: Option<i64>,
}

impl PersonForm {
    fn of(person: &Person, refer: &mut dyn Refer) -> PersonForm {
        PersonForm {
            id: refer.person(PersonKind::Agent, person.id.as_str()),
            teams: person.teams.iter().map(TeamId::to_string).collect(),
            zone: person.zone.map(zone_name),
            capacity: person.capacity.iter().map(|(channel, count)| (channel.to_string(), *count)).collect(),
            left_at: person.left_at.map(|at| at.0),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve, shared: &HashMap<&str, &TeamId>) -> Result<Person, FormError> {
        let team_id = |team: &String| match shared.get(team.as_str()) {
            Some(id) => Ok(TeamId::clone(id)),
            None => parse::<TeamId>("a team's id", team),
        };
        Ok(Person {
            id: resolve.agent(self.id)?,
            name: resolve.name(self.id),
            teams: self.teams.iter().map(team_id).collect::<Result<Vec<_>, FormError>>()?,
            zone: self.zone.as_deref().map(|zone| parse::<Tz>("a time zone", zone)).transpose()?,
            capacity: self
                .capacity
                .iter()
                .map(|(channel, count)| Ok((parse::<ChannelCode>("a channel's code", channel)?, *count)))
                .collect::<Result<_, FormError>>()?,
            left_at: self.left_at.map(Timestamp),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelForm {
    code: String,
    name: String,
    enabled: bool,
    blocks_pause: bool,
    capacity: u32,
}

impl ChannelForm {
    fn of(channel: &Channel) -> ChannelForm {
        ChannelForm {
            code: channel.code.to_string(),
            name: channel.name.clone(),
            enabled: channel.enabled,
            blocks_pause: channel.blocks_pause,
            capacity: channel.capacity,
        }
    }

    fn into_domain(self) -> Result<Channel, FormError> {
        Ok(Channel {
            code: parse::<ChannelCode>("a channel's code", &self.code)?,
            name: self.name,
            enabled: self.enabled,
            blocks_pause: self.blocks_pause,
            capacity: self.capacity,
        })
    }
}

fn zone_name(zone: Tz) -> String {
    zone.name().to_owned()
}
