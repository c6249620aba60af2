//! Changes of a directory while it is in force: a person comes, moves, returns or leaves.

use std::sync::Arc;

use super::directory::{Directory, Person, TEAMS_OF_PERSON_MAX};
use super::id::{AgentId, ChannelCode, TeamId};
use super::time::Timestamp;

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
}

impl PersonProblem {
    /// The field that is at fault.
    pub fn field(&self) -> &'static str {
        match self {
            PersonProblem::NoSuchTeam(_) | PersonProblem::TeamTwice(_) | PersonProblem::TooManyTeams => "teams",
            PersonProblem::NoSuchChannel(_) => "capacity",
            PersonProblem::IdOfAnother => "name",
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
}
