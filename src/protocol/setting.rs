//! Teams, channels and the settings of a tenant on the wire, with the field names of the import file.

use std::time::Duration;

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::access::InvitationObject;
use super::error::WireError;
use super::params::{Fields, FromField, Text, one_of};
use super::person::Zone;
use super::rpc::Params;
use crate::domain::deferral::AtDeadline;
use crate::domain::directory::{CAPACITY_MAX, Channel, SignInStatus, Team, Tenant};
use crate::domain::id::{ChannelCode, TeamId, TenantId};
use crate::domain::policy_check::{fits_a_day, is_some_of_a_day};
use crate::domain::policy_values::time_of_day;
use crate::domain::policy_words::{DEADLINE_ENDS, SIGN_IN_STATUSES, word_of};

/// A team as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TeamObject<'a> {
    /// Its id.
    pub id: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// Its own IANA zone, where it differs from the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<&'static str>,
}

impl<'a> TeamObject<'a> {
    /// A team as the directory has it.
    pub fn of(team: &'a Team) -> TeamObject<'a> {
        TeamObject { id: team.id.as_str(), name: &team.name, zone: team.zone.map(Tz::name) }
    }
}

/// Reads `{id?, name, zone?}`: the whole of a team.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_team(id: TeamId, body: Map<String, Value>) -> Result<Team, WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    same_as_address(&mut fields, "id", id.as_str())?;
    let Text(name) = fields.required("name")?;
    let zone = fields.optional::<Zone>("zone")?.map(|Zone(zone)| zone);
    fields.finish()?;
    Ok(Team { id, name, zone })
}

/// A channel as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChannelObject<'a> {
    /// Its code.
    pub code: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// False: nobody is routable on it.
    pub enabled: bool,
    /// True when open work on it defers a pause.
    pub blocks_pause: bool,
    /// How many conversations at once, where an agent has no number of their own.
    pub capacity: u32,
}

impl<'a> ChannelObject<'a> {
    /// A channel as the directory has it.
    pub fn of(channel: &'a Channel) -> ChannelObject<'a> {
        let Channel { code, name, enabled, blocks_pause, capacity } = channel;
        ChannelObject { code: code.as_str(), name, enabled: *enabled, blocks_pause: *blocks_pause, capacity: *capacity }
    }
}

/// Reads `{code?, name, enabled?, blocks_pause?, capacity?}`: the whole of a channel.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_channel(code: ChannelCode, body: Map<String, Value>) -> Result<Channel, WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    same_as_address(&mut fields, "code", code.as_str())?;
    let Text(name) = fields.required("name")?;
    let enabled = fields.optional("enabled")?.unwrap_or(true);
    let blocks_pause = fields.optional("blocks_pause")?.unwrap_or(Channel::blocks_by_default(&code));
    let capacity = fields.optional::<Capacity>("capacity")?.map_or(Channel::CAPACITY, |Capacity(capacity)| capacity);
    fields.finish()?;
    Ok(Channel { code, name, enabled, blocks_pause, capacity })
}

/// The settings of a tenant as they are sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TenantObject<'a> {
    /// Its id.
    pub id: &'a str,
    /// What people call it.
    pub name: &'a str,
    /// The IANA zone of its day, where neither agent nor team has one.
    pub zone: &'static str,
    /// When its business day begins, local time.
    pub business_day_start: String,
    /// False: there is no menu.
    pub pauses_enabled: bool,
    /// The status that a genuine first sign-in takes.
    pub status_on_sign_in: &'static str,
    /// How long after the last session is gone an agent is still held.
    pub connection_grace_s: u64,
    /// How long after a lost connection a return restores the status.
    pub resume_within_s: u64,
    /// How long a disconnected agent's pause runs before it is abandoned.
    pub abandon_after_s: u64,
    /// How long a pause or a status waits for the end of work.
    pub defer_for_s: u64,
    /// What becomes of it then.
    pub at_defer_deadline: &'static str,
    /// How long a shift is taken to last of which nobody has said so.
    pub default_shift_s: u64,
}

impl<'a> TenantObject<'a> {
    /// A tenant as its directory has it.
    pub fn of(tenant: &'a Tenant) -> TenantObject<'a> {
        TenantObject {
            id: tenant.id.as_str(),
            name: &tenant.name,
            zone: tenant.zone.name(),
            business_day_start: tenant.business_day_start.format("%H:%M").to_string(),
            pauses_enabled: tenant.pauses_enabled,
            status_on_sign_in: word_of(&SIGN_IN_STATUSES, &tenant.status_on_sign_in),
            connection_grace_s: tenant.connection_grace.as_secs(),
            resume_within_s: tenant.resume_within.as_secs(),
            abandon_after_s: tenant.abandon_after.as_secs(),
            defer_for_s: tenant.defer_for.as_secs(),
            at_defer_deadline: word_of(&DEADLINE_ENDS, &tenant.at_defer_deadline),
            default_shift_s: tenant.default_shift.as_secs(),
        }
    }
}

/// The settings of a tenant; to an operator who has made it, with what lets its first administrator in.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TenantPut<'a> {
    /// The settings.
    #[serde(flatten)]
    pub settings: TenantObject<'a>,
    /// The invitation of the first administrator, told this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationObject<'a>>,
}

/// Reads `{id?, name, zone, …}`: all settings of a tenant; one that is left out has its default.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_tenant(id: TenantId, body: Map<String, Value>) -> Result<Tenant, WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    same_as_address(&mut fields, "id", id.as_str())?;
    let Text(name) = fields.required("name")?;
    let Zone(zone) = fields.required("zone")?;
    let default = Tenant::new(id, name, zone);
    let some = |span: Option<SomeSeconds>, default| span.map_or(default, |SomeSeconds(span)| span);
    let any = |span: Option<Seconds>, default| span.map_or(default, |Seconds(span)| span);
    let tenant = Tenant {
        business_day_start: fields
            .optional::<TimeOfDay>("business_day_start")?
            .map_or(default.business_day_start, |TimeOfDay(time)| time),
        pauses_enabled: fields.optional("pauses_enabled")?.unwrap_or(default.pauses_enabled),
        status_on_sign_in: fields
            .optional::<OnSignIn>("status_on_sign_in")?
            .map_or(default.status_on_sign_in, |OnSignIn(status)| status),
        connection_grace: any(fields.optional("connection_grace_s")?, default.connection_grace),
        resume_within: any(fields.optional("resume_within_s")?, default.resume_within),
        abandon_after: any(fields.optional("abandon_after_s")?, default.abandon_after),
        defer_for: some(fields.optional("defer_for_s")?, default.defer_for),
        at_defer_deadline: fields
            .optional::<Deadline>("at_defer_deadline")?
            .map_or(default.at_defer_deadline, |Deadline(word)| word),
        default_shift: some(fields.optional("default_shift_s")?, default.default_shift),
        ..default
    };
    fields.finish()?;
    Ok(tenant)
}

/// What is put is what the address names; it may say so itself, as it is shown.
fn same_as_address(fields: &mut Fields, name: &str, address: &str) -> Result<(), WireError> {
    match fields.optional::<String>(name)? {
        Some(named) if named != address => Err(fields.invalid(name, "is not that of the address, and never changes")),
        Some(_) | None => Ok(()),
    }
}

struct Capacity(u32);

impl FromField for Capacity {
    fn from_field(value: Value) -> Result<Capacity, String> {
        let capacity = u64::from_field(value).ok().and_then(|capacity| u32::try_from(capacity).ok());
        let capacity = capacity.filter(|capacity| (1..=CAPACITY_MAX).contains(capacity));
        capacity.map(Capacity).ok_or_else(|| format!("must be from 1 to {CAPACITY_MAX}"))
    }
}

/// A span of a day at most.
struct Seconds(Duration);

impl FromField for Seconds {
    fn from_field(value: Value) -> Result<Seconds, String> {
        let span = Duration::from_secs(u64::from_field(value).map_err(|why| format!("{why}, of seconds"))?);
        fits_a_day(span).map(|()| Seconds(span))
    }
}

/// A span of a day at most, and not nothing.
struct SomeSeconds(Duration);

impl FromField for SomeSeconds {
    fn from_field(value: Value) -> Result<SomeSeconds, String> {
        let Seconds(span) = Seconds::from_field(value)?;
        is_some_of_a_day(span).map(|()| SomeSeconds(span))
    }
}

struct TimeOfDay(chrono::NaiveTime);

impl FromField for TimeOfDay {
    fn from_field(value: Value) -> Result<TimeOfDay, String> {
        time_of_day(&String::from_field(value)?).map(TimeOfDay)
    }
}

struct OnSignIn(SignInStatus);

impl FromField for OnSignIn {
    fn from_field(value: Value) -> Result<OnSignIn, String> {
        one_of(value, &SIGN_IN_STATUSES).map(OnSignIn)
    }
}

struct Deadline(AtDeadline);

impl FromField for Deadline {
    fn from_field(value: Value) -> Result<Deadline, String> {
        one_of(value, &DEADLINE_ENDS).map(Deadline)
    }
}
