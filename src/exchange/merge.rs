//! What is there, and what a file says, become one: pure, no store, no clock.
//!
//! A field that the file leaves out stays as it is; without `--prune` a record that it leaves out
//! does too. With `--prune` the file is the whole truth: left-out fields take their defaults, and
//! left-out records go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::PROBLEMS_TOLD_MAX;
use super::difference::{Difference, Kind, agent_fields, channel_fields, team_fields, tenant_fields};
use super::file::{AgentPatch, ChannelPatch, ImportFile, TeamPatch, TenantPatch};
use super::merge_policy::merge_policy;
use super::notes::window_notes;
use super::pause_type::OfferedTo;
use crate::config::{Problem, nearest};
use crate::domain::directory::{Channel, Directory, Person, Team, Tenant};
use crate::domain::directory_change::{CHANNELS_MAX, PEOPLE_MAX, TEAMS_MAX};
use crate::domain::id::{AgentId, ChannelCode, DirectoryVersion, TeamId};
use crate::domain::overrides::OverrideFor;
use crate::domain::policy::{PauseType, Policy};
use crate::domain::policy_check::{TYPES_KEPT_MAX, teams_named};
use crate::domain::time::Timestamp;

/// What is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Existing<'a> {
    pub directory: &'a Directory,
    pub policy: &'a Policy,
}

/// What becomes of what the file leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It stays.
    Stays,
    /// It goes, or takes its default.
    Goes,
}

/// What becomes of what a file leaves out, by what it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOuts {
    /// Of people: whether those who are left out leave.
    people: LeftOut,
    /// Of everything else in the directory, and of the fields of people.
    directory: LeftOut,
    /// Of pause types and of what is owed.
    policy: LeftOut,
}

impl LeftOuts {
    /// People leave; nothing else goes.
    pub(crate) const PEOPLE_GO: LeftOuts =
        LeftOuts { people: LeftOut::Goes, directory: LeftOut::Stays, policy: LeftOut::Stays };
    /// The file is the whole truth of the directory; the policy stays.
    pub(crate) const DIRECTORY_GOES: LeftOuts =
        LeftOuts { people: LeftOut::Goes, directory: LeftOut::Goes, policy: LeftOut::Stays };
}

impl From<LeftOut> for LeftOuts {
    fn from(all: LeftOut) -> LeftOuts {
        LeftOuts { people: all, directory: all, policy: all }
    }
}

/// The outcome of a merge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Merged {
    /// The next directory, when it differs.
    pub directory: Option<Directory>,
    /// The next policy, when it differs.
    pub policy: Option<Policy>,
    /// What differs.
    pub difference: Difference,
    /// What is worth knowing, and stands in nobody's way.
    pub notes: Vec<Problem>,
}

/// What a merge gathers on its way.
pub(super) struct Gathered {
    pub difference: Difference,
    pub problems: Vec<Problem>,
    pub notes: Vec<Problem>,
}

impl Gathered {
    /// Refuses what a line says.
    pub(super) fn refuse(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(Problem { line, message: message.into() });
    }

    /// The name that was probably meant; looked for as long as what is refused will be told.
    fn meant<'n>(&self, wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        if self.problems.len() < PROBLEMS_TOLD_MAX { nearest(wanted, names) } else { None }
    }

    /// Notes what a line leads to.
    pub(super) fn note(&mut self, line: usize, message: impl Into<String>) {
        self.notes.push(Problem { line, message: message.into() });
    }
}

/// Puts a file on top of what is there.
///
/// # Errors
/// Everything in the file that cannot be, by line.
pub(crate) fn merge(
    existing: Option<Existing<'_>>,
    file: &ImportFile,
    left_out: impl Into<LeftOuts>,
    now: Timestamp,
) -> Result<Merged, Vec<Problem>> {
    let mut gathered = Gathered { difference: Difference::default(), problems: Vec::new(), notes: Vec::new() };
    let LeftOuts { people, directory: of_directory, policy: of_policy } = left_out.into();
    let before = existing.map(|existing| existing.directory);
    let tenant = merge_tenant(before, &file.tenant, of_directory, &mut gathered);
    let channels = merge_channels(before, &file.channels, of_directory, &mut gathered);
    let teams = merge_teams(before, &file.teams, of_directory, &mut gathered);
    let mut agents = merge_agents(before, &file.agents, of_directory, &mut gathered);
    if people == LeftOut::Goes {
        let_go(&mut agents, &file.agents, now, &mut gathered);
    }
    let policy = merge_policy(existing.map(|existing| existing.policy), file, of_policy, now, &mut gathered);
    let teams = if of_directory == LeftOut::Goes {
        prune_teams(teams, file, &mut agents, &policy, &mut gathered)
    } else {
        teams
    };
    let (before_agents, empty) = (before.map(|before| &before.agents), BTreeMap::new());
    note_agents(before_agents.unwrap_or(&empty), &agents, &mut gathered);
    check_teams(file, &teams, &mut gathered);
    check_channels(file, &channels, &mut gathered);
    check_overridden(file, &agents, &mut gathered);
    check_counts(existing, file, [teams.len(), channels.len(), agents.len(), policy.types.len()], &mut gathered);

    if let Some(tenant) = tenant {
        let version = before.map_or(DirectoryVersion(0), |before| before.version);
        let closing = before.and_then(|before| before.closing);
        let directory = Directory { version, tenant, teams, agents, channels, closing };
        window_notes(file, &directory, now, &mut gathered);
        if gathered.problems.is_empty() {
            return Ok(finish(existing, directory, policy, gathered));
        }
    }
    gathered.problems.sort();
    gathered.problems.dedup();
    Err(gathered.problems)
}

/// Refuses what would be more than there may be, and more than there is.
fn check_counts(
    existing: Option<Existing<'_>>,
    file: &ImportFile,
    [teams, channels, agents, types]: [usize; 4],
    gathered: &mut Gathered,
) {
    let before = existing.map_or([0; 4], |Existing { directory, policy }| {
        [directory.teams.len(), directory.channels.len(), directory.agents.len(), policy.types.len()]
    });
    let [teams_before, channels_before, agents_before, types_before] = before;
    let counts = [
        ("teams", teams, teams_before, TEAMS_MAX, file.teams.last().map(|last| last.line)),
        ("channels", channels, channels_before, CHANNELS_MAX, file.channels.last().map(|last| last.line)),
        ("people, those who left too,", agents, agents_before, PEOPLE_MAX, file.agents.last().map(|last| last.line)),
        (
            "pause types, archived ones too,",
            types,
            types_before,
            TYPES_KEPT_MAX,
            file.pause_types.last().map(|last| last.line),
        ),
    ];
    for (what, after, before, most, line) in counts {
        if after > most.max(before) {
            gathered.refuse(line.unwrap_or(1), format!("at most {most} {what} are allowed, this would make {after}"));
        }
    }
}

fn finish(existing: Option<Existing<'_>>, directory: Directory, policy: Policy, gathered: Gathered) -> Merged {
    let same_directory = existing.is_some_and(|existing| *existing.directory == directory);
    let no_policy = Policy::empty();
    let same_policy = *existing.map_or(&no_policy, |existing| existing.policy) == policy;
    let mut notes = gathered.notes;
    notes.sort();
    notes.dedup();
    Merged {
        directory: (!same_directory).then(|| Directory { version: directory.version.next(), ..directory }),
        policy: (!same_policy).then(|| Policy { version: policy.version.next(), ..policy }),
        difference: gathered.difference,
        notes,
    }
}

fn merge_tenant(
    before: Option<&Directory>,
    patch: &TenantPatch,
    left_out: LeftOut,
    gathered: &mut Gathered,
) -> Option<Tenant> {
    let there = before.map(|before| &before.tenant);
    let id = patch.id.as_str();
    let name = patch.name.value_or(there.map(|tenant| tenant.name.clone()));
    let zone = patch.zone.value_or(there.map(|tenant| tenant.zone));
    let missing =
        [("name", name.is_none() && patch.name.is_absent()), ("zone", zone.is_none() && patch.zone.is_absent())];
    for (field, is_missing) in missing {
        if is_missing {
            gathered.refuse(patch.line, format!("tenant {id:?}: `{field}` is missing; a new tenant needs one"));
        }
    }
    let defaults = Tenant::new(patch.id.clone(), name?, zone?);
    let base = match (there, left_out) {
        (Some(tenant), LeftOut::Stays) => tenant.clone(),
        (Some(_) | None, _) => defaults.clone(),
    };
    let tenant = Tenant {
        id: defaults.id,
        name: defaults.name,
        zone: defaults.zone,
        business_day_start: patch.business_day_start.unwrap_or(base.business_day_start),
        pauses_enabled: patch.pauses_enabled.unwrap_or(base.pauses_enabled),
        status_on_sign_in: patch.status_on_sign_in.unwrap_or(base.status_on_sign_in),
        connection_grace: patch.connection_grace.unwrap_or(base.connection_grace),
        resume_within: patch.resume_within.unwrap_or(base.resume_within),
        abandon_after: patch.abandon_after.unwrap_or(base.abandon_after),
        defer_for: patch.defer_for.unwrap_or(base.defer_for),
        at_defer_deadline: patch.at_defer_deadline.unwrap_or(base.at_defer_deadline),
        default_shift: patch.default_shift.unwrap_or(base.default_shift),
    };
    match there {
        Some(there) => {
            gathered.difference.changed(Kind::Tenant, id, &tenant_fields(there), &tenant_fields(&tenant));
        }
        None => gathered.difference.added(Kind::Tenant, id, &tenant.name),
    }
    Some(tenant)
}

fn merge_channels(
    before: Option<&Directory>,
    patches: &[ChannelPatch],
    left_out: LeftOut,
    gathered: &mut Gathered,
) -> BTreeMap<ChannelCode, Channel> {
    let mut channels = before.map(|before| before.channels.clone()).unwrap_or_default();
    for patch in patches {
        let (there, code) = (channels.get(&patch.code), patch.code.as_str());
        let Some(name) = patch.name.value_or(there.map(|channel| channel.name.clone())) else {
            if patch.name.is_absent() {
                gathered.refuse(patch.line, format!("channel {code:?}: `name` is missing; a new channel needs one"));
            }
            continue;
        };
        let kept = there.filter(|_| left_out == LeftOut::Stays);
        let channel = Channel {
            code: patch.code.clone(),
            name,
            enabled: patch.enabled.or(kept.map(|kept| kept.enabled)).unwrap_or(true),
            blocks_pause: patch
                .blocks_pause
                .or(kept.map(|kept| kept.blocks_pause))
                .unwrap_or(Channel::blocks_by_default(&patch.code)),
            capacity: patch.capacity.or(kept.map(|kept| kept.capacity)).unwrap_or(Channel::CAPACITY),
        };
        match there {
            Some(there) => {
                gathered.difference.changed(Kind::Channel, code, &channel_fields(there), &channel_fields(&channel));
            }
            None => gathered.difference.added(Kind::Channel, code, &channel.name),
        }
        channels.insert(patch.code.clone(), channel);
    }
    if left_out == LeftOut::Goes {
        let listed: BTreeSet<&ChannelCode> = patches.iter().map(|patch| &patch.code).collect();
        for code in channels.keys().filter(|code| !listed.contains(code)) {
            gathered.difference.removed(Kind::Channel, code.as_str(), "removed");
        }
        channels.retain(|code, _| listed.contains(code));
    }
    channels
}

fn merge_teams(
    before: Option<&Directory>,
    patches: &[TeamPatch],
    left_out: LeftOut,
    gathered: &mut Gathered,
) -> BTreeMap<TeamId, Team> {
    let mut teams = before.map(|before| before.teams.clone()).unwrap_or_default();
    for patch in patches {
        let (there, id) = (teams.get(&patch.id), patch.id.as_str());
        let Some(name) = patch.name.value_or(there.map(|team| team.name.clone())) else {
            if patch.name.is_absent() {
                gathered.refuse(patch.line, format!("team {id:?}: `name` is missing; a new team needs one"));
            }
            continue;
        };
        let kept = there.filter(|_| left_out == LeftOut::Stays);
        let team =
            Team { id: patch.id.clone(), name, zone: patch.zone.unwrap_or_else(|| kept.and_then(|kept| kept.zone)) };
        match there {
            Some(there) => gathered.difference.changed(Kind::Team, id, &team_fields(there), &team_fields(&team)),
            None => gathered.difference.added(Kind::Team, id, &team.name),
        }
        teams.insert(patch.id.clone(), team);
    }
    teams
}

fn merge_agents(
    before: Option<&Directory>,
    patches: &[AgentPatch],
    left_out: LeftOut,
    gathered: &mut Gathered,
) -> BTreeMap<AgentId, Arc<Person>> {
    let mut agents = before.map(|before| before.agents.clone()).unwrap_or_default();
    for patch in patches {
        let (there, id) = (agents.get(&patch.id), patch.id.as_str());
        let Some(name) = patch.name.value_or(there.map(|person| person.name.clone())) else {
            if patch.name.is_absent() {
                gathered.refuse(patch.line, format!("agent {id:?}: `name` is missing; a new agent needs one"));
            }
            continue;
        };
        if let Some(gone) = there.filter(|there| there.left_at.is_some() && there.name != name) {
            let message = format!(
                "agent {id:?}: this id belonged to {:?}, who left, and is never given to another person; use a new id",
                gone.name
            );
            gathered.refuse(patch.line, message);
            continue;
        }
        let kept = there.filter(|_| left_out == LeftOut::Stays);
        let teams = patch.teams.as_ref().map(|teams| teams.value.clone());
        let person = Person {
            id: patch.id.clone(),
            name,
            teams: teams.or_else(|| kept.map(|kept| kept.teams.clone())).unwrap_or_default(),
            zone: patch.zone.unwrap_or_else(|| kept.and_then(|kept| kept.zone)),
            capacity: match &patch.capacity {
                Some(capacity) => capacity.value.clone(),
                None => kept.map(|kept| kept.capacity.clone()).unwrap_or_default(),
            },
            left_at: None,
        };
        if person.teams.is_empty() {
            gathered.note(patch.line, format!("agent {id:?} is in no team, so no board shows them"));
        }
        if there.is_none() {
            gathered.difference.added(Kind::Agent, id, &person.name);
        }
        agents.insert(patch.id.clone(), Arc::new(person));
    }
    agents
}

/// Whoever the file leaves out leaves; their history stays.
fn let_go(
    agents: &mut BTreeMap<AgentId, Arc<Person>>,
    patches: &[AgentPatch],
    now: Timestamp,
    gathered: &mut Gathered,
) {
    let listed: BTreeSet<&AgentId> = patches.iter().map(|patch| &patch.id).collect();
    for (id, person) in agents {
        if !listed.contains(id) && person.left_at.is_none() {
            gathered.difference.removed(Kind::Agent, id.as_str(), "leaves; the history stays");
            *person = Arc::new(Person { left_at: Some(now), ..Person::clone(person) });
        }
    }
}

/// Notes how the agents changed that are neither new nor leaving. Last, because pruning a team
/// changes those who were in it.
fn note_agents(
    before: &BTreeMap<AgentId, Arc<Person>>,
    after: &BTreeMap<AgentId, Arc<Person>>,
    gathered: &mut Gathered,
) {
    for (id, person) in after {
        let Some(there) = before.get(id) else { continue };
        let leaves = there.left_at.is_none() && person.left_at.is_some();
        if !leaves {
            gathered.difference.changed(Kind::Agent, id.as_str(), &agent_fields(there), &agent_fields(person));
        }
    }
}

/// Takes away the teams that the file leaves out and nobody refers to. Those who left stop
/// referring to them; their history keeps its own teams.
fn prune_teams(
    teams: BTreeMap<TeamId, Team>,
    file: &ImportFile,
    agents: &mut BTreeMap<AgentId, Arc<Person>>,
    policy: &Policy,
    gathered: &mut Gathered,
) -> BTreeMap<TeamId, Team> {
    let listed: BTreeSet<&TeamId> = file.teams.iter().map(|patch| &patch.id).collect();
    let mut kept = teams.clone();
    for team in teams.keys().filter(|team| !listed.contains(team)) {
        let in_it = agents.values().find(|person| person.left_at.is_none() && person.teams.contains(team));
        let offered = policy.types.values().find(|kind| kind.teams.as_ref().is_some_and(|teams| teams.contains(team)));
        let has_cap = |kind: &&Arc<PauseType>| kind.kind.rules().is_some_and(|rules| rules.cap.contains_key(team));
        let named = policy.types.values().find(|kind| teams_named(kind).any(|(_, named)| named == team));
        let user = match (in_it, offered, policy.types.values().find(has_cap), named) {
            (Some(person), _, _, _) => Some(format!("agent {:?} is in it", person.id.as_str())),
            (None, Some(kind), _, _) => Some(format!("pause type {:?} is offered to it", kind.code.as_str())),
            (None, None, Some(kind), _) => Some(format!("pause type {:?} has a cap for it", kind.code.as_str())),
            (None, None, None, Some(kind)) => {
                Some(format!("pause type {:?} has an override for it", kind.code.as_str()))
            }
            (None, None, None, None) => None,
        };
        if let Some(user) = user {
            gathered.note(file.tenant.line, format!("team {:?} is left out, yet stays: {user}", team.as_str()));
            continue;
        }
        for person in agents.values_mut().filter(|person| person.teams.contains(team)) {
            let mut without = Person::clone(person);
            without.teams.retain(|other| other != team);
            *person = Arc::new(without);
        }
        kept.remove(team);
        gathered.difference.removed(Kind::Team, team.as_str(), "removed");
    }
    kept
}

/// Refuses channels that do not exist, wherever the file names them.
fn check_channels(file: &ImportFile, channels: &BTreeMap<ChannelCode, Channel>, gathered: &mut Gathered) {
    for agent in &file.agents {
        let Some(capacity) = &agent.capacity else { continue };
        let named = |code: &&ChannelCode| file.channels.iter().any(|patch| patch.code == **code);
        for code in capacity.value.keys().filter(|code| !channels.contains_key(*code)).filter(|code| !named(code)) {
            let hint = match gathered.meant(code.as_str(), channels.keys().map(ChannelCode::as_str)) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => "define it under [[channel]]".to_owned(),
            };
            let (agent, code) = (agent.id.as_str(), code.as_str());
            gathered
                .refuse(capacity.line, format!("agent {agent:?}: `capacity`: there is no channel {code:?}; {hint}"));
        }
    }
}

/// Refuses agents that do not exist, wherever an override names them.
fn check_overridden(file: &ImportFile, agents: &BTreeMap<AgentId, Arc<Person>>, gathered: &mut Gathered) {
    for kind in &file.pause_types {
        for one in kind.overrides.iter().flat_map(|at| &at.value) {
            let OverrideFor::Agent(agent) = &one.value.whom else { continue };
            if !agents.contains_key(agent) && !file.agents.iter().any(|patch| patch.id == *agent) {
                let hint = match gathered.meant(agent.as_str(), agents.keys().map(AgentId::as_str)) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => "define them under [[agent]]".to_owned(),
                };
                let (code, agent) = (kind.code.as_str(), agent.as_str());
                gathered
                    .refuse(one.line, format!("pause type {code:?}: `overrides`: there is no agent {agent:?}; {hint}"));
            }
        }
    }
}

/// Refuses teams that do not exist, wherever the file names them.
fn check_teams(file: &ImportFile, teams: &BTreeMap<TeamId, Team>, gathered: &mut Gathered) {
    let mut check = |line: usize, what: String, team: &TeamId| {
        if !teams.contains_key(team) && !file.teams.iter().any(|patch| patch.id == *team) {
            let hint = match gathered.meant(team.as_str(), teams.keys().map(TeamId::as_str)) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => "define it under [[team]]".to_owned(),
            };
            gathered.refuse(line, format!("{what}: there is no team {:?}; {hint}", team.as_str()));
        }
    };
    for agent in &file.agents {
        for team in agent.teams.iter().flat_map(|at| &at.value) {
            let line = agent.teams.as_ref().map_or(agent.line, |at| at.line);
            check(line, format!("agent {:?}", agent.id.as_str()), team);
        }
    }
    for kind in &file.pause_types {
        if let Some(cap) = &kind.rules.cap {
            let what = || format!("pause type {:?}: `cap`", kind.code.as_str());
            cap.value.keys().for_each(|team| check(cap.line, what(), team));
        }
        for one in kind.overrides.iter().flat_map(|at| &at.value) {
            if let OverrideFor::Team(team) = &one.value.whom {
                check(one.line, format!("pause type {:?}: `overrides`", kind.code.as_str()), team);
            }
        }
        let Some(teams) = &kind.teams else { continue };
        match &teams.value {
            OfferedTo::All => {}
            OfferedTo::Only(only) => {
                only.iter().for_each(|team| check(teams.line, format!("pause type {:?}", kind.code.as_str()), team));
            }
        }
    }
}
