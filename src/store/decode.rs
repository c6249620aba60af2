//! From rows back to the domain. Shared by all journals.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::row::{JournalRow, StateRowForm};
use super::stored::{
    ActorForm, AgentForm, EventForm, FormError, Hash, IdState, OpColumns, PersonId, Resolve, TenantEventForm,
    erased_host_id, parse, parse_cause, read_json,
};
use crate::domain::event::{AgentEvent, TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, AgentSeq, PolicyVersion, TenantId, TenantSeq};
use crate::domain::op::OpRecord;
use crate::domain::time::Timestamp;
use crate::ports::{Entry, EntryBody, ReadError, ShardSeq, StateRow, Stored};

/// People and texts that were found.
#[derive(Debug, Clone, Default)]
pub(crate) struct References {
    pub(crate) people: HashMap<PersonId, FoundPerson, IdState>,
    pub(crate) texts: HashMap<Hash, String, IdState>,
}

/// A person that was found. What refers to an agent shares one id.
#[derive(Debug, Clone)]
pub(crate) struct FoundPerson {
    host_id: FoundHostId,
    name: Option<String>,
}

#[derive(Debug, Clone)]
enum FoundHostId {
    Checked(AgentId),
    Unchecked(String),
}

impl FoundPerson {
    pub(crate) fn new(host_id: String, name: Option<String>) -> FoundPerson {
        let host_id = AgentId::new(&host_id).map_or_else(|_| FoundHostId::Unchecked(host_id), FoundHostId::Checked);
        FoundPerson { host_id, name }
    }

    /// The host application's id.
    pub(crate) fn host_id(&self) -> String {
        match &self.host_id {
            FoundHostId::Checked(id) => id.as_str().to_owned(),
            FoundHostId::Unchecked(text) => text.clone(),
        }
    }

    /// The same, of an agent.
    pub(crate) fn agent(&self) -> Result<AgentId, FormError> {
        match &self.host_id {
            FoundHostId::Checked(id) => Ok(id.clone()),
            FoundHostId::Unchecked(text) => parse::<AgentId>("an agent's id", text),
        }
    }

    /// The name; empty when it was never known.
    pub(crate) fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }
}

/// The stand-in for the id of an agent who was erased.
pub(crate) fn erased(person: PersonId) -> Result<AgentId, FormError> {
    parse::<AgentId>("an agent's id", &erased_host_id(person))
}

impl Resolve for References {
    fn host_id(&self, person: PersonId) -> String {
        self.people.get(&person).map_or_else(|| erased_host_id(person), FoundPerson::host_id)
    }

    fn agent(&self, person: PersonId) -> Result<AgentId, FormError> {
        self.people.get(&person).map_or_else(|| erased(person), FoundPerson::agent)
    }

    fn name(&self, person: PersonId) -> String {
        self.people.get(&person).map(FoundPerson::name).unwrap_or_default()
    }

    fn text(&self, hash: Hash) -> Option<String> {
        self.texts.get(&hash).cloned()
    }
}

/// Takes note of what is asked for, so that it can be fetched at once; decode with it first, then
/// with what was found.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    people: RefCell<HashSet<PersonId>>,
    texts: RefCell<HashSet<Hash>>,
}

impl Asked {
    /// What was asked for.
    pub(crate) fn into_lists(self) -> (Vec<PersonId>, Vec<Hash>) {
        (self.people.into_inner().into_iter().collect(), self.texts.into_inner().into_iter().collect())
    }
}

impl Resolve for Asked {
    fn host_id(&self, person: PersonId) -> String {
        self.people.borrow_mut().insert(person);
        erased_host_id(person)
    }

    fn name(&self, person: PersonId) -> String {
        self.people.borrow_mut().insert(person);
        String::new()
    }

    fn text(&self, hash: Hash) -> Option<String> {
        self.texts.borrow_mut().insert(hash);
        None
    }
}

/// Names people and texts by their ids and hashes alone, so that what was erased still compares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pseudonyms;

impl Resolve for Pseudonyms {
    fn host_id(&self, person: PersonId) -> String {
        erased_host_id(person)
    }

    fn name(&self, _person: PersonId) -> String {
        String::new()
    }

    fn text(&self, hash: Hash) -> Option<String> {
        Some(hash.to_string())
    }
}

/// An entry as it was stored.
pub(crate) fn decode_row(row: &JournalRow, resolve: &dyn Resolve) -> Result<Stored, FormError> {
    let tenant = parse::<TenantId>("a tenant's id", &row.tenant)?;
    let body = match (row.person, row.agent_seq) {
        (Some(person), Some(agent_seq)) => EntryBody::Agent {
            agent: resolve.agent(person)?,
            agent_seq: AgentSeq(agent_seq.cast_unsigned()),
            event: Arc::new(decode_agent_event(row, resolve)?),
        },
        (None, None) => EntryBody::Tenant { event: Arc::new(decode_tenant_event(row, resolve)?), definition: None },
        (Some(_), None) | (None, Some(_)) => {
            return Err(FormError::Contradiction("it has an agent or an agent's number, not both".to_owned()));
        }
    };
    Ok(Stored {
        shard_seq: ShardSeq(row.shard_seq.cast_unsigned()),
        entry: Entry { tenant, seq: TenantSeq(row.seq.cast_unsigned()), body },
    })
}

/// An agent's event as it was stored.
pub(crate) fn decode_agent_event(row: &JournalRow, resolve: &dyn Resolve) -> Result<AgentEvent, FormError> {
    let (reason, body) = read_json::<EventForm>(row.form, &row.body)?.into_domain(resolve)?;
    same_kind(row, body.name())?;
    let policy_version = row
        .policy_version
        .ok_or_else(|| FormError::Contradiction("an agent's event has a policy version".to_owned()))?;
    Ok(AgentEvent {
        at: Timestamp(row.at),
        due_at: row.due_at.map(Timestamp),
        actor: ActorForm::from_columns(&row.actor_kind, row.actor_person)?.into_domain(resolve)?,
        cause: parse_cause(&row.cause)?,
        reason,
        policy_version: PolicyVersion(policy_version.cast_unsigned()),
        op: decode_op(row, resolve)?,
        body,
    })
}

/// A tenant's event as it was stored.
pub(crate) fn decode_tenant_event(row: &JournalRow, resolve: &dyn Resolve) -> Result<TenantEvent, FormError> {
    let body = read_json::<TenantEventForm>(row.form, &row.body)?.into_domain(resolve)?;
    same_kind(row, body.name())?;
    Ok(TenantEvent {
        at: Timestamp(row.at),
        actor: ActorForm::from_columns(&row.actor_kind, row.actor_person)?.into_domain(resolve)?,
        cause: parse_cause(&row.cause)?,
        op: decode_op(row, resolve)?,
        body,
    })
}

/// How far the wall clock was ahead by a step of it that is on record; 0 where there is none.
pub(crate) fn clock_ahead_ms(stepped: Option<&JournalRow>, resolve: &dyn Resolve) -> Result<i64, ReadError> {
    let Some(row) = stepped else { return Ok(0) };
    match decode_tenant_event(row, resolve).map_err(|error| damaged_row(row, &error))?.body {
        TenantEventBody::ClockStepped { ahead_ms, .. } => Ok(ahead_ms),
        TenantEventBody::ServerStarted { .. }
        | TenantEventBody::PolicyPublished { .. }
        | TenantEventBody::PolicyPlanned { .. }
        | TenantEventBody::DirectoryChanged { .. }
        | TenantEventBody::Closing { .. }
        | TenantEventBody::Access(_) => Ok(0),
    }
}

/// The op of a row, when it has one.
pub(crate) fn decode_op(row: &JournalRow, resolve: &dyn Resolve) -> Result<Option<OpRecord>, FormError> {
    let Some(op) = row.op else { return Ok(None) };
    let (Some(by_kind), Some(fingerprint), Some(at), Some(outcome)) =
        (&row.op_by_kind, row.op_fingerprint, row.op_at, &row.op_outcome)
    else {
        return Err(FormError::Contradiction("its op is not whole".to_owned()));
    };
    let columns = OpColumns { op, by_kind: by_kind.clone(), by: row.op_by, fingerprint, at, outcome: outcome.clone() };
    columns.into_domain(resolve).map(Some)
}

fn same_kind(row: &JournalRow, name: &str) -> Result<(), FormError> {
    if row.kind == name {
        return Ok(());
    }
    Err(FormError::Contradiction(format!("its kind is {}, its body says {name}", row.kind)))
}

/// A state as it was stored.
pub(crate) fn decode_state(row: &StateRowForm, resolve: &dyn Resolve) -> Result<StateRow, FormError> {
    decode_state_of(row.person, row.last_seq, row.form, &row.body, resolve)
}

/// The same, of its columns.
pub(crate) fn decode_state_of(
    person: PersonId,
    last_seq: i64,
    form: i64,
    body: &str,
    resolve: &dyn Resolve,
) -> Result<StateRow, FormError> {
    Ok(StateRow {
        agent: resolve.agent(person)?,
        last_seq: TenantSeq(last_seq.cast_unsigned()),
        record: Arc::new(read_json::<AgentForm>(form, body)?.into_domain(resolve)?),
    })
}

/// The place of a row, for a person to look at.
pub(crate) fn damaged_row(row: &JournalRow, error: &FormError) -> ReadError {
    ReadError::Damaged { place: format!("journal entry {}/{}", row.tenant, row.seq), why: error.to_string() }
}
