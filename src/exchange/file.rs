//! The import file as it is written: what it says, with lines, and what it does not say as `None`.
//!
//! Knows the form of the file only; what it means beside what is already there is told by `merge`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::entitlement_rule::{EntitlementRulePatch, read_rule};
use super::pause_type::{PauseTypePatch, read_pause_type, some_span_of_a_day};
use super::values;
use crate::config::{At, Field, Problem, Problems, Section, parse_document, parse_span};
use crate::domain::deferral::AtDeadline;
use crate::domain::directory::{self, SignInStatus, TEAMS_OF_PERSON_MAX};
use crate::domain::id::{AgentId, ChannelCode, IdError, TeamId, TenantId};
use crate::domain::policy_words::{DEADLINE_ENDS, SIGN_IN_STATUSES};

/// The most conversations at once that can be set for a channel.
const CAPACITY_MAX: i64 = directory::CAPACITY_MAX as i64;

/// What a file says. Of each record only the fields that stand there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportFile {
    /// The company.
    pub tenant: TenantPatch,
    /// Channels, in the order of the file.
    pub channels: Vec<ChannelPatch>,
    /// Teams, in the order of the file.
    pub teams: Vec<TeamPatch>,
    /// Agents, in the order of the file.
    pub agents: Vec<AgentPatch>,
    /// Pause types, in the order of the file.
    pub pause_types: Vec<PauseTypePatch>,
    /// What is owed, in the order of the file; none when the file says nothing of it.
    pub entitlement_rules: Option<Vec<EntitlementRulePatch>>,
}

/// A field that a new record cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stated<T> {
    /// It does not stand there.
    Absent,
    /// What stands there was refused, which is told already.
    Unreadable,
    /// It stands there.
    Value(T),
}

impl<T: Clone> Stated<T> {
    /// The value, or else another.
    pub(super) fn value_or(&self, other: Option<T>) -> Option<T> {
        match self {
            Stated::Value(value) => Some(value.clone()),
            Stated::Absent | Stated::Unreadable => other,
        }
    }

    /// True when nothing stands there.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Stated::Absent => true,
            Stated::Value(_) | Stated::Unreadable => false,
        }
    }
}

/// `[tenant]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TenantPatch {
    pub line: usize,
    pub id: TenantId,
    pub name: Stated<String>,
    pub zone: Stated<Tz>,
    pub business_day_start: Option<NaiveTime>,
    pub pauses_enabled: Option<bool>,
    pub status_on_sign_in: Option<SignInStatus>,
    pub connection_grace: Option<Duration>,
    pub resume_within: Option<Duration>,
    pub abandon_after: Option<Duration>,
    pub defer_for: Option<Duration>,
    pub at_defer_deadline: Option<AtDeadline>,
    pub default_shift: Option<Duration>,
}

/// `[[channel]]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChannelPatch {
    pub line: usize,
    pub code: ChannelCode,
    pub name: Stated<String>,
    pub enabled: Option<bool>,
    pub blocks_pause: Option<bool>,
    pub capacity: Option<u32>,
}

/// `[[team]]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TeamPatch {
    pub line: usize,
    pub id: TeamId,
    pub name: Stated<String>,
    /// `Some(None)`: back to the tenant's zone.
    pub zone: Option<Option<Tz>>,
}

/// `[[agent]]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AgentPatch {
    pub line: usize,
    pub id: AgentId,
    pub name: Stated<String>,
    pub teams: Option<At<Vec<TeamId>>>,
    /// `Some(None)`: back to the team's zone.
    pub zone: Option<Option<Tz>>,
    pub capacity: Option<At<BTreeMap<ChannelCode, u32>>>,
}

/// A file as far as it could be read.
#[derive(Debug)]
pub(crate) struct FileRead {
    /// What it says; none when not even the tenant could be read.
    pub file: Option<ImportFile>,
    /// Everything that is wrong with it by itself, by line.
    pub problems: Vec<Problem>,
}

/// Reads a file as far as it can be read.
pub(crate) fn read_file(text: &str) -> FileRead {
    let (document, mut problems) = parse_document(text);
    let file = read_top(Section::top(&document), &mut problems);
    FileRead { file, problems: problems.into_sorted() }
}

fn read_top(mut top: Section<'_>, problems: &mut Problems) -> Option<ImportFile> {
    let tenant = match top.take("tenant", problems) {
        Some(field) => field.section(problems, "tenant").and_then(|section| read_tenant(section, problems)),
        None => {
            problems.add(1, "the table [tenant] is missing; it says which company this is about");
            None
        }
    };
    let channels = records(&mut top, "channel", problems, read_channel);
    let teams = records(&mut top, "team", problems, read_team);
    let agents = records(&mut top, "agent", problems, read_agent);
    let pause_types = records(&mut top, "pause_type", problems, read_pause_type);
    let says_what_is_owed = top.has("entitlement_rules");
    let owed = records(&mut top, "entitlement_rules", problems, read_rule);
    let entitlement_rules = says_what_is_owed.then_some(owed);
    top.finish(problems);
    unique(channels.iter().map(|one| (one.code.as_str(), one.line)), "channel", problems);
    unique(teams.iter().map(|one| (one.id.as_str(), one.line)), "team", problems);
    unique(agents.iter().map(|one| (one.id.as_str(), one.line)), "agent", problems);
    unique(pause_types.iter().map(|one| (one.code.as_str(), one.line)), "pause type", problems);
    tenant.map(|tenant| ImportFile { tenant, channels, teams, agents, pause_types, entitlement_rules })
}

/// Reads `[[name]]` tables.
fn records<'d, T>(
    top: &mut Section<'d>,
    name: &'static str,
    problems: &mut Problems,
    read: impl Fn(Section<'d>, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let Some(field) = top.take(name, problems) else { return Vec::new() };
    if !field.is_list() {
        field.refuse(problems, format_args!("write each one as a table of its own, under [[{name}]]"));
        return Vec::new();
    }
    let entries = field.list(problems).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            let section = entry.section(problems, name)?;
            read(section, problems)
        })
        .collect()
}

pub(super) fn unique<'a>(ids: impl Iterator<Item = (&'a str, usize)>, what: &str, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, line) in ids {
        match seen.get(id) {
            Some(first) => {
                problems.add(line, format!("{what} {id:?} stands here again; it is already on line {first}"))
            }
            None => {
                seen.insert(id, line);
            }
        }
    }
}

/// Reads the id that a record must have, and names the record by it in messages.
pub(super) fn read_id<T: fmt::Display>(
    section: &mut Section<'_>,
    key: &'static str,
    noun: &str,
    problems: &mut Problems,
    read: fn(&str) -> Result<T, IdError>,
) -> Option<T> {
    let Some(field) = section.take(key, problems) else {
        section.refuse(problems, format_args!("`{key}` is missing"));
        return None;
    };
    let id = field.read(problems, read)?.value;
    section.what = format!("{noun} {:?}", id.to_string());
    Some(id)
}

/// Reads the list of teams of a field.
pub(super) fn read_teams(field: &Field<'_>, max: usize, problems: &mut Problems) -> Option<At<Vec<TeamId>>> {
    let entries = field.list(problems)?;
    if entries.len() > max {
        field.refuse(problems, format_args!("at most {max} teams are allowed, these are {}", entries.len()));
        return None;
    }
    let mut teams: Vec<TeamId> = Vec::new();
    for entry in entries {
        let Some(team) = entry.read(problems, TeamId::new) else { continue };
        if teams.contains(&team.value) {
            entry.refuse(problems, format_args!("team {:?} is listed twice", team.value.as_str()));
        } else {
            teams.push(team.value);
        }
    }
    Some(At { value: teams, line: field.line })
}

fn read_tenant(mut section: Section<'_>, problems: &mut Problems) -> Option<TenantPatch> {
    let line = section.line;
    let id = read_id(&mut section, "id", "tenant", problems, TenantId::new);
    let name = stated_of(&mut section, "name", problems, values::name);
    let zone = stated_of(&mut section, "zone", problems, values::zone);
    let business_day_start = text_of(&mut section, "business_day_start", problems, values::time_of_day);
    let pauses_enabled = boolean_of(&mut section, "pauses_enabled", problems);
    let status_on_sign_in = text_of(&mut section, "status_on_sign_in", problems, values::word(&SIGN_IN_STATUSES));
    let connection_grace = text_of(&mut section, "connection_grace", problems, parse_span);
    let resume_within = text_of(&mut section, "resume_within", problems, parse_span);
    let abandon_after = text_of(&mut section, "abandon_after", problems, parse_span);
    let defer_for = text_of(&mut section, "defer_for", problems, some_span_of_a_day);
    let at_defer_deadline = text_of(&mut section, "at_defer_deadline", problems, values::word(&DEADLINE_ENDS));
    let default_shift = text_of(&mut section, "default_shift", problems, some_span_of_a_day);
    section.finish(problems);
    Some(TenantPatch {
        line,
        id: id?,
        name,
        zone,
        business_day_start,
        pauses_enabled,
        status_on_sign_in,
        connection_grace,
        resume_within,
        abandon_after,
        defer_for,
        at_defer_deadline,
        default_shift,
    })
}

fn read_channel(mut section: Section<'_>, problems: &mut Problems) -> Option<ChannelPatch> {
    let line = section.line;
    let code = read_id(&mut section, "code", "channel", problems, ChannelCode::new);
    let name = stated_of(&mut section, "name", problems, values::name);
    let enabled = boolean_of(&mut section, "enabled", problems);
    let blocks_pause = boolean_of(&mut section, "blocks_pause", problems);
    let capacity = section.take("capacity", problems).and_then(|field| field.integer(problems, 1..=CAPACITY_MAX));
    section.finish(problems);
    let capacity = capacity.and_then(|capacity| u32::try_from(capacity.value).ok());
    Some(ChannelPatch { line, code: code?, name, enabled, blocks_pause, capacity })
}

fn read_team(mut section: Section<'_>, problems: &mut Problems) -> Option<TeamPatch> {
    let line = section.line;
    let id = read_id(&mut section, "id", "team", problems, TeamId::new);
    let name = stated_of(&mut section, "name", problems, values::name);
    let zone = text_of(&mut section, "zone", problems, values::or_none(values::zone));
    section.finish(problems);
    Some(TeamPatch { line, id: id?, name, zone })
}

fn read_agent(mut section: Section<'_>, problems: &mut Problems) -> Option<AgentPatch> {
    let line = section.line;
    let id = read_id(&mut section, "id", "agent", problems, AgentId::new);
    let name = stated_of(&mut section, "name", problems, values::name);
    let teams = section.take("teams", problems).and_then(|field| read_teams(&field, TEAMS_OF_PERSON_MAX, problems));
    let zone = text_of(&mut section, "zone", problems, values::or_none(values::zone));
    let capacity = section.take("capacity", problems).and_then(|field| read_capacity(&field, problems));
    section.finish(problems);
    Some(AgentPatch { line, id: id?, name, teams, zone, capacity })
}

/// Reads how many conversations an agent may have at once, by channel; 0 keeps work of a channel away from them.
fn read_capacity(field: &Field<'_>, problems: &mut Problems) -> Option<At<BTreeMap<ChannelCode, u32>>> {
    let channels = field.section(problems, field.place())?.take_all(problems);
    let wanted = channels.len();
    let read = |channel: &Field<'_>| {
        let code = match ChannelCode::new(&channel.name) {
            Ok(code) => code,
            Err(why) => {
                channel.refuse(problems, format_args!("this is no channel's code: {why}"));
                return None;
            }
        };
        let count = channel.integer(problems, 0..=CAPACITY_MAX)?;
        Some((code, u32::try_from(count.value).ok()?))
    };
    let value: BTreeMap<ChannelCode, u32> = channels.iter().filter_map(read).collect();
    (value.len() == wanted).then_some(At { value, line: field.line })
}

/// The value of a text field.
pub(super) fn text_of<T, E: fmt::Display>(
    section: &mut Section<'_>,
    key: &'static str,
    problems: &mut Problems,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let field = section.take(key, problems)?;
    field.read(problems, read).map(|at| at.value)
}

/// The value of a text field that a new record cannot do without.
fn stated_of<T>(
    section: &mut Section<'_>,
    key: &'static str,
    problems: &mut Problems,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Stated<T> {
    let Some(field) = section.take(key, problems) else { return Stated::Absent };
    field.read(problems, read).map_or(Stated::Unreadable, |at| Stated::Value(at.value))
}

/// The value of a field that is true or false.
pub(super) fn boolean_of(section: &mut Section<'_>, key: &'static str, problems: &mut Problems) -> Option<bool> {
    let field = section.take(key, problems)?;
    field.boolean(problems).map(|at| at.value)
}
