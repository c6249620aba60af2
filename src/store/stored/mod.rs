//! Stored forms: what is written as JSON, with explicit versions, apart from domain types.
//!
//! A form never holds a host id, a name or a free text: people are named by internal ids and texts
//! by salted hashes, which [`Refer`] makes and [`Resolve`] looks up. What was erased reads back as
//! absent. Instants and spans are integer milliseconds.

mod access;
mod agent;
mod alert;
mod credential;
mod deferred;
mod directory;
mod entitlement;
mod event;
mod id;
mod occupancy;
mod op_columns;
mod ops;
mod overrides;
mod plans;
mod policy;
mod queue;
mod record;
mod request;
mod shift;
mod tenant_event;
#[cfg(test)]
mod tests;
mod text;
mod usage;
mod word;

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::domain::command::Actor;
use crate::domain::event::Cause;
use crate::domain::id::{AgentId, PrincipalId};
use crate::domain::time::millis;

pub(crate) use agent::AgentForm;
pub(crate) use credential::CredentialForm;
pub(crate) use directory::{DirectoryForm, PersonChangeForm};
pub(crate) use event::EventForm;
pub(crate) use id::{Hash, IdState, PersonId, Salt, WideId, to_hex};
pub(crate) use op_columns::OpColumns;
pub(crate) use plans::PlansForm;
pub(crate) use policy::PauseTypeForm;
pub(crate) use tenant_event::TenantEventForm;
use word::ActorKindForm;
pub(crate) use word::{OnEarlyEndForm, OnLimitForm};

/// The version that every form is written in.
pub(crate) const FORM: i64 = 1;

/// Why a stored form cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// Written by a newer program, or not written by this one at all.
    #[error("its form {0} is not known to this program")]
    UnknownForm(i64),
    /// Not JSON, or not of the form.
    #[error("its body does not read: {0}")]
    Json(String),
    /// A word or an id that is none.
    #[error("{value:?} is not {what}: {why}")]
    Value { what: &'static str, value: String, why: String },
    /// The columns and the body contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

/// The kinds of people and programs that are named by internal ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonKind {
    Agent,
    Supervisor,
    Admin,
    Integration,
}

impl PersonKind {
    /// The kind and the id of whoever acts; none for the server itself.
    pub(crate) fn of_actor(actor: &Actor) -> Option<(PersonKind, &str)> {
        match actor {
            Actor::Agent(id) => Some((PersonKind::Agent, id.as_str())),
            Actor::Supervisor(id) => Some((PersonKind::Supervisor, id.as_str())),
            Actor::Admin(id) => Some((PersonKind::Admin, id.as_str())),
            Actor::Integration(id) => Some((PersonKind::Integration, id.as_str())),
            Actor::System => None,
        }
    }

    /// The stable word, the same as of an actor's kind.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            PersonKind::Agent => "agent",
            PersonKind::Supervisor => "supervisor",
            PersonKind::Admin => "admin",
            PersonKind::Integration => "integration",
        }
    }

    /// The kind of a word.
    pub(crate) fn from_word(word: &str) -> Option<PersonKind> {
        [PersonKind::Agent, PersonKind::Supervisor, PersonKind::Admin, PersonKind::Integration]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Gives internal ids to people and hashes to texts, on the way in.
pub(crate) trait Refer {
    /// The internal id of a person of the tenant at hand.
    fn person(&mut self, kind: PersonKind, host_id: &str) -> PersonId;

    /// The salted hash of a text about the agent at hand.
    fn text(&mut self, text: &str) -> Hash;

    /// The salted hash of a text about an agent who is not at hand.
    fn text_about(&mut self, agent: &str, text: &str) -> Hash;
}

/// Finds people and texts, on the way out.
pub(crate) trait Resolve {
    /// The host application's id; a stand-in when it was erased.
    fn host_id(&self, person: PersonId) -> String;

    /// The agent whose host id that is.
    fn agent(&self, person: PersonId) -> Result<AgentId, FormError> {
        parse::<AgentId>("an agent's id", &self.host_id(person))
    }

    /// The principal whose host id that is.
    fn principal(&self, person: PersonId) -> Result<PrincipalId, FormError> {
        parse::<PrincipalId>("a principal's id", &self.host_id(person))
    }

    /// The name; empty when it was erased or never known.
    fn name(&self, person: PersonId) -> String;

    /// The text; none when it was erased.
    fn text(&self, hash: Hash) -> Option<String>;
}

/// What stands for the host id of an erased person.
pub(crate) fn erased_host_id(person: PersonId) -> String {
    format!("erased:{person}")
}

/// Who brought something about, by internal id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActorForm {
    kind: ActorKindForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<PersonId>,
}

impl ActorForm {
    pub(crate) fn of(actor: &Actor, refer: &mut dyn Refer) -> ActorForm {
        let (kind, id) = match actor {
            Actor::Agent(id) => (ActorKindForm::Agent, Some(refer.person(PersonKind::Agent, id.as_str()))),
            Actor::Supervisor(id) => {
                (ActorKindForm::Supervisor, Some(refer.person(PersonKind::Supervisor, id.as_str())))
            }
            Actor::Admin(id) => (ActorKindForm::Admin, Some(refer.person(PersonKind::Admin, id.as_str()))),
            Actor::Integration(id) => {
                (ActorKindForm::Integration, Some(refer.person(PersonKind::Integration, id.as_str())))
            }
            Actor::System => (ActorKindForm::System, None),
        };
        ActorForm { kind, id }
    }

    pub(crate) fn from_columns(kind: &str, id: Option<PersonId>) -> Result<ActorForm, FormError> {
        let kind = ActorKindForm::from_word(kind).ok_or_else(|| not("a kind of actor", kind.to_owned(), "unknown"))?;
        Ok(ActorForm { kind, id })
    }

    pub(crate) fn columns(self) -> (String, Option<PersonId>) {
        (self.kind.as_str().to_owned(), self.id)
    }

    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<Actor, FormError> {
        match (self.kind, self.id) {
            (ActorKindForm::System, None) => Ok(Actor::System),
            (ActorKindForm::Agent, Some(id)) => resolve.agent(id).map(Actor::Agent),
            (ActorKindForm::Supervisor, Some(id)) => resolve.principal(id).map(Actor::Supervisor),
            (ActorKindForm::Admin, Some(id)) => resolve.principal(id).map(Actor::Admin),
            (ActorKindForm::Integration, Some(id)) => resolve.principal(id).map(Actor::Integration),
            (ActorKindForm::System, Some(_)) => {
                Err(not("a kind of actor with an id", "system".to_owned(), "it has one"))
            }
            (kind, None) => Err(not("an actor with an id", kind.as_str().to_owned(), "it has none")),
        }
    }
}

/// The cause of a word.
pub(crate) fn parse_cause(word: &str) -> Result<Cause, FormError> {
    Cause::ALL
        .into_iter()
        .find(|cause| cause.as_str() == word)
        .ok_or_else(|| not("a cause", word.to_owned(), "unknown"))
}

/// A cause as its stable word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CauseWord(pub(crate) Cause);

impl Display for CauseWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for CauseWord {
    type Err = FormError;

    fn from_str(word: &str) -> Result<CauseWord, FormError> {
        parse_cause(word).map(CauseWord)
    }
}

/// Reads a JSON body of the form that stands beside it.
pub(crate) fn read_json<T: DeserializeOwned>(form: i64, body: &str) -> Result<T, FormError> {
    if form != FORM {
        return Err(FormError::UnknownForm(form));
    }
    serde_json::from_str(body).map_err(|error| FormError::Json(error.to_string()))
}

/// Writes a form as JSON.
pub(crate) fn write_json<T: Serialize>(form: &T) -> String {
    // Forms are structs of numbers, strings, lists and maps with string keys: always JSON.
    serde_json::to_string(form).unwrap_or_default()
}

pub(crate) fn parse<T>(what: &'static str, value: &str) -> Result<T, FormError>
where
    T: FromStr,
    T::Err: Display,
{
    value.parse().map_err(|error: T::Err| not(what, value.to_owned(), &error.to_string()))
}

pub(crate) fn not(what: &'static str, value: String, why: &str) -> FormError {
    FormError::Value { what, value, why: why.to_owned() }
}

/// A span as it is stored.
pub(crate) fn to_ms(span: Duration) -> u64 {
    u64::try_from(millis(span)).unwrap_or(0)
}

/// A span as it was stored.
pub(crate) fn from_ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
