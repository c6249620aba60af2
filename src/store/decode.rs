//! From rows back to the domain. Shared by all journals.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::row::{JournalRow, StateRowForm};
use super::stored::{
    ActorForm, AgentForm, EventForm, FormError, Hash, OpColumns, PersonId, Resolve, TenantEventForm, erased_host_id,
    parse, parse_cause, read_json,
};
use crate::domain::event::{AgentEvent, TenantEvent};
use crate::domain::id::{AgentId, AgentSeq, PolicyVersion, TenantId, TenantSeq};
use crate::domain::op::OpRecord;
use crate::domain::time::Timestamp;
use crate::ports::{Entry, EntryBody, ReadError, ShardSeq, StateRow, Stored};

/// People and texts that were found.
#[derive(Debug, Default)]
pub(crate) struct References {
    pub(crate) people: HashMap<PersonId, FoundPerson>,
    pub(crate) texts: HashMap<Hash, String>,
}

/// A person that was found.
#[derive(Debug, Clone)]
pub(crate) struct FoundPerson {
    pub(crate) host_id: String,
    pub(crate) name: Option<String>,
}

impl Resolve for References {
    fn host_id(&self, person: PersonId) -> String {
        self.people.get(&person).map_or_else(|| erased_host_id(person), |found| found.host_id.clone())
    }

    fn name(&self, person: PersonId) -> String {
        self.people.get(&person).and_then(|found| found.name.clone()).unwrap_or_default()
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
            agent: parse::<AgentId>("an agent's id", &resolve.host_id(person))?,
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
        actor: ActorForm::from_columns(&row.actor_kind, row.actor_person).into_domain(resolve)?,
        cause: parse_cause(&row.cause)?,
        reason,
        policy_version: PolicyVersion(policy_version.cast_unsigned()),
        op: decode_op(row, resolve)?,
        body,
    })
}

/// A tenant's event as it was stored.
pub(crate) fn decode_tenant_event(row: &JournalRow, resolve: &dyn Resolve) -> Result<TenantEvent, FormError> {
    let body = read_json::<TenantEventForm>(row.form, &row.body)?.into_domain()?;
    same_kind(row, body.name())?;
    Ok(TenantEvent {
        at: Timestamp(row.at),
        actor: ActorForm::from_columns(&row.actor_kind, row.actor_person).into_domain(resolve)?,
        cause: parse_cause(&row.cause)?,
        body,
    })
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
    Ok(StateRow {
        agent: parse::<AgentId>("an agent's id", &resolve.host_id(row.person))?,
        last_seq: TenantSeq(row.last_seq.cast_unsigned()),
        record: read_json::<AgentForm>(row.form, &row.body)?.into_domain(resolve)?,
    })
}

/// The place of a row, for a person to look at.
pub(crate) fn damaged_row(row: &JournalRow, error: &FormError) -> ReadError {
    ReadError::Damaged { place: format!("journal entry {}/{}", row.tenant, row.seq), why: error.to_string() }
}
