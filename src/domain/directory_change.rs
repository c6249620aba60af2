//! Changes of a directory while it is in force: a person comes, moves, returns or leaves; a team, a channel or a setting is
//! otherwise.

use std::sync::Arc;

use super::directory::{Channel, Directory, Person, TEAMS_OF_PERSON_MAX, Team, Tenant};
use super::id::{AgentId, ChannelCode, PauseTypeCode, TeamId};
use super::policy::Policy;
use super::policy_check::teams_named;
use super::policy_plans::{PauseTypes, PolicyPlans};
use super::time::Timestamp;

/// The most teams of a tenant: as many as the largest of them have people for.
pub const TEAMS_MAX: usize = 10_000;
/// The most channels of a tenant: many times what any has.
pub const CHANNELS_MAX: usize = 200;

/// The most people of a tenant, those who left too: ten times what the largest companies have had in years.
pub const PEOPLE_MAX: usize = 1_000_000;

/// Why a person cannot be in the directory as wished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonProblem {
    /// The team does not exist.
    #[error("names team {:?}, which does not exist", .0.as_str())]
    NoSuchTeam(TeamId),
    /// A team is named twice.
    #[error("names team {:?} twice", .0.as_str())]
    TeamTwice(TeamId),
    /// There are too many of them.
    #[error("may name at most {TEAMS_OF_PERSON_MAX} teams")]
    TooManyTeams,
    /// The channel does not exist.
    #[error("names channel {:?}, which does not exist", .0.as_str())]
    NoSuchChannel(ChannelCode),
    /// Somebody of another name had the id, and is gone.
    #[error(
        "is not that of the person who had this id and left; an id is never given to another person, use a new one"
    )]
    IdOfAnother,
    /// There are as many people as there may be.
    #[error("would be one more than the {PEOPLE_MAX} people that a company may have, those who left too")]
    TooManyPeople,
}

impl PersonProblem {
    /// The field that is at fault.
    pub fn field(&self) -> &'static str {
        match self {
            PersonProblem::NoSuchTeam(_) | PersonProblem::TeamTwice(_) | PersonProblem::TooManyTeams => "teams",
            PersonProblem::NoSuchChannel(_) => "capacity",
            PersonProblem::IdOfAnother => "name",
            PersonProblem::TooManyPeople => "id",
        }
    }
}

/// The next version of a directory, after one person was put into it or left.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonChange {
    /// The version.
    pub directory: Directory,
    /// The person, as it has them.
    pub person: Arc<Person>,
    /// What became of them.
    pub what: PersonChanged,
}

/// What becomes of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChanged {
    /// They are new.
    Came,
    /// They are otherwise than before, or back.
    Changed,
    /// They are gone.
    Left,
    /// They are as they were.
    Nothing,
}

impl Directory {
    /// The next version, with a person in it in place of whoever has the id. Whoever left and has the same name is back;
    /// their history goes on.
    ///
    /// # Errors
    /// [`PersonProblem`], the first one.
    pub fn with_person(&self, person: Person) -> Result<PersonChange, PersonProblem> {
        if person.teams.len() > TEAMS_OF_PERSON_MAX {
            return Err(PersonProblem::TooManyTeams);
        }
        if let Some(team) = person.teams.iter().find(|team| !self.teams.contains_key(team)) {
            return Err(PersonProblem::NoSuchTeam(team.clone()));
        }
        let is_named_before = |(at, team): &(usize, &TeamId)| person.teams[..*at].contains(team);
        if let Some((_, team)) = person.teams.iter().enumerate().find(is_named_before) {
            return Err(PersonProblem::TeamTwice(team.clone()));
        }
        if let Some(channel) = person.capacity.keys().find(|channel| !self.channels.contains_key(channel)) {
            return Err(PersonProblem::NoSuchChannel(channel.clone()));
        }
        let what = match self.agents.get(&person.id) {
            None if self.agents.len() >= PEOPLE_MAX => return Err(PersonProblem::TooManyPeople),
            None => PersonChanged::Came,
            Some(there) if **there == person => PersonChanged::Nothing,
            Some(there) if there.left_at.is_some() && there.name != person.name => {
                return Err(PersonProblem::IdOfAnother);
            }
            Some(_) => PersonChanged::Changed,
        };
        Ok(self.next_with(Arc::new(person), what))
    }

    /// The next version, in which a person is gone from an instant on; as of before where they have left already. None
    /// where there is no such person. The id stays theirs.
    pub fn without_person(&self, id: &AgentId, left_at: Timestamp) -> Option<PersonChange> {
        let there = self.agents.get(id)?;
        if there.left_at.is_some() {
            return Some(self.next_with(Arc::clone(there), PersonChanged::Nothing));
        }
        let gone = Person { left_at: Some(left_at), ..Person::clone(there) };
        Some(self.next_with(Arc::new(gone), PersonChanged::Left))
    }

    fn next_with(&self, person: Arc<Person>, what: PersonChanged) -> PersonChange {
        let mut directory = Directory { version: self.version.next(), ..self.clone() };
        directory.agents.insert(person.id.clone(), Arc::clone(&person));
        PersonChange { directory, person, what }
    }

    /// The next version, with a team in it in place of the one with its id.
    ///
    /// # Errors
    /// [`TooMany`] when there are as many as there may be.
    pub fn with_team(&self, team: Team) -> Result<PartChange, TooMany> {
        let mut next = self.next();
        let what = what_becomes(self.teams.get(&team.id), &team);
        next.teams.insert(team.id.clone(), team);
        if what == PartChanged::Added && next.teams.len() > TEAMS_MAX {
            return Err(TooMany { most: TEAMS_MAX });
        }
        Ok(PartChange { directory: next, what })
    }

    /// The next version, without a team. Those who left are no longer of it; their history keeps its teams.
    ///
    /// # Errors
    /// [`NotRemoved`] where there is no such team, or somebody names it.
    pub fn without_team(&self, id: &TeamId, policy: &Policy, plans: &PolicyPlans) -> Result<PartChange, NotRemoved> {
        if !self.teams.contains_key(id) {
            return Err(NotRemoved::NoSuchPart);
        }
        let is_here = |person: &&Arc<Person>| person.left_at.is_none() && person.teams.contains(id);
        let people = self.agents.values().filter(is_here).map(|person| NamedBy::Person(person.id.clone()));
        let draft = plans.draft.iter().flat_map(|draft| types_naming(&draft.types, id, NamedBy::Draft));
        let waits = plans.scheduled.iter().map(|scheduled| &scheduled.draft.types);
        let waits = waits.flat_map(|types| types_naming(types, id, NamedBy::Scheduled));
        let types = types_naming(&policy.types, id, NamedBy::PauseType);
        let named_by: Vec<NamedBy> = people.chain(types).chain(waits).chain(draft).collect();
        if !named_by.is_empty() {
            return Err(NotRemoved::Named(named_by));
        }
        let mut next = self.next();
        next.teams.remove(id);
        next.change_people(|person| person.teams.contains(id), |person| person.teams.retain(|team| team != id));
        Ok(PartChange { directory: next, what: PartChanged::Removed })
    }

    /// The next version, with a channel in it in place of the one with its code.
    ///
    /// # Errors
    /// [`TooMany`] when there are as many as there may be.
    pub fn with_channel(&self, channel: Channel) -> Result<PartChange, TooMany> {
        let mut next = self.next();
        let what = what_becomes(self.channels.get(&channel.code), &channel);
        next.channels.insert(channel.code.clone(), channel);
        if what == PartChanged::Added && next.channels.len() > CHANNELS_MAX {
            return Err(TooMany { most: CHANNELS_MAX });
        }
        Ok(PartChange { directory: next, what })
    }

    /// The next version, without a channel. Those who left have no capacity of it any more.
    ///
    /// # Errors
    /// [`NotRemoved`] where there is no such channel, or somebody has a capacity of it.
    pub fn without_channel(&self, code: &ChannelCode) -> Result<PartChange, NotRemoved> {
        if !self.channels.contains_key(code) {
            return Err(NotRemoved::NoSuchPart);
        }
        let is_here = |person: &&Arc<Person>| person.left_at.is_none() && person.capacity.contains_key(code);
        let people = self.agents.values().filter(is_here);
        let named_by: Vec<NamedBy> = people.map(|person| NamedBy::Person(person.id.clone())).collect();
        if !named_by.is_empty() {
            return Err(NotRemoved::Named(named_by));
        }
        let mut next = self.next();
        next.channels.remove(code);
        next.change_people(
            |person| person.capacity.contains_key(code),
            |person| {
                person.capacity.remove(code);
            },
        );
        Ok(PartChange { directory: next, what: PartChanged::Removed })
    }

    /// The next version, with other settings of the tenant, which stays the one that it is.
    pub fn with_settings(&self, settings: Tenant) -> PartChange {
        let settings = Tenant { id: self.tenant.id.clone(), ..settings };
        let what = what_becomes(Some(&self.tenant), &settings);
        PartChange { directory: Directory { tenant: settings, ..self.next() }, what }
    }

    fn next(&self) -> Directory {
        Directory { version: self.version.next(), ..self.clone() }
    }

    fn change_people(&mut self, whom: impl Fn(&Person) -> bool, change: impl Fn(&mut Person)) {
        for person in self.agents.values_mut().filter(|person| whom(person)) {
            change(Arc::make_mut(person));
        }
    }
}

/// The next version of a directory, after a team, a channel or a setting was put into it or taken out.
#[derive(Debug, Clone, PartialEq)]
pub struct PartChange {
    /// The version.
    pub directory: Directory,
    /// What became of it.
    pub what: PartChanged,
}

/// What becomes of a part of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartChanged {
    /// It is new.
    Added,
    /// It is otherwise than before.
    Changed,
    /// It is gone.
    Removed,
    /// It is as it was.
    Nothing,
}

fn what_becomes<T: PartialEq>(there: Option<&T>, wanted: &T) -> PartChanged {
    match there {
        None => PartChanged::Added,
        Some(there) if there == wanted => PartChanged::Nothing,
        Some(_) => PartChanged::Changed,
    }
}

/// There are as many as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("would be one more than the {most} that there may be")]
pub struct TooMany {
    /// How many there may be.
    pub most: usize,
}

/// Why something is not taken out of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRemoved {
    /// There is no such thing.
    NoSuchPart,
    /// These name it.
    Named(Vec<NamedBy>),
}

/// Who names a team or a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedBy {
    /// A person who has not left.
    Person(AgentId),
    /// A type of pause in force, archived or not, in this field.
    PauseType(PauseTypeCode, &'static str),
    /// A type of what waits for its day.
    Scheduled(PauseTypeCode, &'static str),
    /// A type of the draft.
    Draft(PauseTypeCode, &'static str),
}

fn types_naming(
    types: &PauseTypes,
    team: &TeamId,
    by: fn(PauseTypeCode, &'static str) -> NamedBy,
) -> impl Iterator<Item = NamedBy> {
    let field_of = |kind| teams_named(kind).find(|(_, named)| *named == team).map(|(field, _)| field);
    let named = types.values().filter_map(move |kind| field_of(kind).map(|field| by(kind.code.clone(), field)));
    named.collect::<Vec<_>>().into_iter()
}
