//! The directory of a tenant: its settings, teams, people and channels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::closing::Closing;
use super::deferral::{AtDeadline, DEFERRED_FOR};
use super::entitlement::DEFAULT_SHIFT;
use super::id::{AgentId, ChannelCode, DirectoryVersion, TeamId, TenantId};
use super::time::{Timestamp, hours, minutes, seconds};

/// The most conversations at once on one channel: more is a slip of the pen.
pub const CAPACITY_MAX: u32 = 1000;

/// The most teams that one person may be in.
pub const TEAMS_OF_PERSON_MAX: usize = 64;

/// One version of everything the tenant's administrator says about people, all in one value, so
/// that a decision always sees one consistent version.
#[derive(Debug, Clone, PartialEq)]
pub struct Directory {
    /// The number of this version.
    pub version: DirectoryVersion,
    /// The tenant's own settings.
    pub tenant: Tenant,
    /// Teams by id.
    pub teams: BTreeMap<TeamId, Team>,
    /// Agents by id, those who left too.
    pub agents: BTreeMap<AgentId, Arc<Person>>,
    /// Channels by code.
    pub channels: BTreeMap<ChannelCode, Channel>,
    /// The last time that the tenant was closed; none where it never was.
    pub closing: Option<Closing>,
}

impl Directory {
    /// The zone that an agent's day runs in: its own, else its primary team's, else the tenant's
    /// (semantics §2).
    pub fn zone_of(&self, person: &Person) -> Tz {
        person
            .zone
            .or_else(|| person.primary_team().and_then(|team| self.teams.get(team)?.zone))
            .unwrap_or(self.tenant.zone)
    }

    /// How many conversations of a channel an agent may have at once: their own number, else the channel's; none
    /// where there is no such channel.
    pub fn capacity_of(&self, person: &Person, channel: &ChannelCode) -> Option<u32> {
        let channel = self.channels.get(channel)?;
        Some(person.capacity.get(&channel.code).copied().unwrap_or(channel.capacity))
    }
}

/// A company and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its id, from the token.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// The zone of its day, where neither agent nor team has one.
    pub zone: Tz,
    /// When its business day begins, local time.
    pub business_day_start: NaiveTime,
    /// False: the whole feature is off; there is no menu.
    pub pauses_enabled: bool,
    /// The status that a genuine first sign-in takes.
    pub status_on_sign_in: SignInStatus,
    /// How long after the last session is gone an agent is still held (semantics §7).
    pub connection_grace: Duration,
    /// How long after a `connection_lost` a return restores the status (semantics §7).
    pub resume_within: Duration,
    /// How long a disconnected agent's pause runs before it is abandoned (semantics §5).
    pub abandon_after: Duration,
    /// How long a pause or a status waits for the end of work (semantics §4).
    pub defer_for: Duration,
    /// What becomes of it then.
    pub at_defer_deadline: AtDeadline,
    /// How long a shift is taken to last of which nobody has said so (semantics §3).
    pub default_shift: Duration,
}

impl Tenant {
    /// A tenant with the defaults of semantics §2, §5 and §7.
    pub fn new(id: TenantId, name: String, zone: Tz) -> Tenant {
        Tenant {
            id,
            name,
            zone,
            business_day_start: NaiveTime::from_hms_opt(4, 0, 0).expect("04:00 is a time of day"),
            pauses_enabled: true,
            status_on_sign_in: SignInStatus::Unavailable,
            connection_grace: seconds(60),
            resume_within: minutes(15),
            abandon_after: hours(4),
            defer_for: DEFERRED_FOR,
            at_defer_deadline: AtDeadline::Start,
            default_shift: DEFAULT_SHIFT,
        }
    }
}

/// The status that a genuine first sign-in takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInStatus {
    /// Ready for work at once.
    Available,
    /// Not ready until the agent says so.
    Unavailable,
}

/// A group of agents.
#[derive(Debug, Clone, PartialEq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// What people call it.
    pub name: String,
    /// Its own zone, where it differs from the tenant's.
    pub zone: Option<Tz>,
}

/// An attendant as the directory has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The host application's id.
    pub id: AgentId,
    /// What people call them.
    pub name: String,
    /// Their teams; the first is the primary one.
    pub teams: Vec<TeamId>,
    /// Their own zone, where it differs from the team's.
    pub zone: Option<Tz>,
    /// How many conversations at once by channel, where it differs from the channel's.
    pub capacity: BTreeMap<ChannelCode, u32>,
    /// Since when they are gone; the id is never given to another person.
    pub left_at: Option<Timestamp>,
}

impl Person {
    /// The first listed team.
    pub fn primary_team(&self) -> Option<&TeamId> {
        self.teams.first()
    }
}

/// A channel that agents work on.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Its code.
    pub code: ChannelCode,
    /// What people call it.
    pub name: String,
    /// False: nobody is routable on it.
    pub enabled: bool,
    /// True when open work on it defers a pause (voice), false when it does not (text).
    pub blocks_pause: bool,
    /// How many conversations at once, tenant default.
    pub capacity: u32,
}

impl Channel {
    /// How many conversations at once a channel has when nobody says so.
    pub const CAPACITY: u32 = 1;

    /// Whether conversations of a channel have to end before a pause when nobody says so: those of voice (semantics §1).
    pub fn blocks_by_default(code: &ChannelCode) -> bool {
        code.as_str() == "voice"
    }
}
