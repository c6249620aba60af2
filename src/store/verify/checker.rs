//! The checks themselves, on rows handed in tenant by tenant, in order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::domain::agent::Agent;
use crate::domain::closing::{ClosingStep, reaches_closed};
use crate::domain::event::TenantEventBody;
use crate::domain::id::AgentId;
use crate::domain::op::OpMemory;
use crate::domain::time::Timestamp;
use crate::store::amendments::AmendmentRow;
use crate::store::decode::{Pseudonyms, decode_agent_event, decode_state, decode_tenant_event};
use crate::store::pauses::{EventPlace, PauseRowForm, PauseWrites};
use crate::store::row::{JournalRow, StateRowForm, TenantHeadRow};
use crate::store::stored::{EventForm, Hash, PersonId, TenantEventForm, WideId, erased_host_id, read_json};

/// What does not add up: the first thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An entry of the journal.
    #[error("entry {tenant}/{seq}: {what}")]
    Entry {
        /// The tenant.
        tenant: String,
        /// The tenant's number of the entry.
        seq: i64,
        /// What is wrong with it.
        what: String,
    },
    /// Something else than an entry.
    #[error("{place}: {what}")]
    Other {
        /// Where, for a person to look at.
        place: String,
        /// What is wrong there.
        what: String,
    },
    /// It could not be read at all.
    #[error("cannot verify: {0}")]
    Unreadable(String),
}

impl Fault {
    fn entry(row: &JournalRow, what: impl fmt::Display) -> Fault {
        Fault::Entry { tenant: row.tenant.clone(), seq: row.seq, what: what.to_string() }
    }

    pub(super) fn other(place: impl fmt::Display, what: impl fmt::Display) -> Fault {
        Fault::Other { place: place.to_string(), what: what.to_string() }
    }
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many entries.
    pub entries: u64,
    /// How many agents' states were folded anew.
    pub agents: u64,
    /// How many pauses were folded anew.
    pub pauses: u64,
    /// Each tenant's head.
    pub tenants: Vec<TenantSummary>,
}

/// A tenant's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSummary {
    /// The tenant.
    pub tenant: String,
    /// The number of its last entry.
    pub seq: u64,
    /// The hash of its last entry, as hex.
    pub hash: String,
    /// The hash of its agents' stored states, as hex: two stores with the same states have the same.
    pub states: String,
}

impl fmt::Display for Summary {
    /// One line for all, and one a tenant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "verified {} entries, {} agents, {} pauses", self.entries, self.agents, self.pauses)?;
        for tenant in &self.tenants {
            write!(f, "\n{} head {} {} states {}", tenant.tenant, tenant.seq, tenant.hash, tenant.states)?;
        }
        Ok(())
    }
}

/// All that the checks remember between pages.
#[derive(Default)]
pub(crate) struct Checker {
    entries: u64,
    pauses: u64,
    tenants: BTreeMap<String, Chain>,
    shards: HashMap<i64, Numbers>,
    agents: HashMap<(String, PersonId), Folded>,
    states_seen: HashSet<(String, PersonId)>,
    /// Each tenant's states so far.
    state_hashes: HashMap<String, Sha256>,
    /// The hash of each definition, by the entry that put it in force.
    definitions: BTreeMap<(String, i64), Hash>,
    open_pauses: HashMap<WideId, PauseRowForm>,
    ended_pauses: Vec<PauseRowForm>,
    amendments: Vec<AmendmentRow>,
    amended: u64,
}

/// How far a tenant's chain was followed.
struct Chain {
    seq: i64,
    hash: Hash,
    last_at: i64,
    shard: i64,
    shard_seq: i64,
    server_started: Vec<Started>,
    /// The tenant was closed, and not opened again.
    is_closed: bool,
}

#[derive(Clone, Copy)]
struct Started {
    seq: i64,
    at: Timestamp,
    grace_until: Timestamp,
    moved: Duration,
}

/// An agent, folded so far.
struct Folded {
    agent: Agent,
    ops: OpMemory,
    last_seq: i64,
}

impl Folded {
    fn new(person: PersonId) -> Result<Folded, String> {
        let id = AgentId::new(&erased_host_id(person)).map_err(|error| error.to_string())?;
        Ok(Folded { agent: Agent::unseen(id), ops: OpMemory::default(), last_seq: 0 })
    }

    /// The server's last start up to `seq` is folded in first, as the server itself does when it
    /// loads the state; of an earlier one that no event followed only the clock that it moved has left a trace in it.
    fn on_server_started(&mut self, started: &[Started], seq: i64) {
        let after = started.partition_point(|started| started.seq <= self.last_seq);
        let new = started.get(after..).unwrap_or_default();
        let new = new.get(..new.partition_point(|started| started.seq < seq)).unwrap_or_default();
        for moved in new.iter().map(|started| started.moved).filter(|moved| !moved.is_zero()) {
            self.agent.on_clock_moved(moved);
        }
        if let Some(started) = new.last() {
            self.agent.on_server_started(started.at, started.grace_until);
        }
    }
}

/// Which numbers were seen, one bit each.
#[derive(Default)]
struct Numbers {
    bits: Vec<u64>,
    count: i64,
}

impl Numbers {
    /// The highest number that is taken for one: a shard with more entries than this does not fit
    /// on one machine, so it is an edit.
    const MAX: i64 = 1 << 40;

    /// False when the number was seen before, or is none.
    fn insert(&mut self, number: i64, most: usize) -> bool {
        if !(1..=Numbers::MAX).contains(&number) {
            return false;
        }
        let (word, bit) = ((number / 64) as usize, number % 64);
        if word >= self.bits.len() {
            if word > most {
                return false;
            }
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] & 1 << bit == 0;
        self.bits[word] |= 1 << bit;
        self.count += i64::from(is_new);
        is_new
    }

    /// The first number from 1 to `head` that was not seen.
    fn first_missing(&self, head: i64) -> Option<i64> {
        (1..=head)
            .find(|number| self.bits.get((number / 64) as usize).is_none_or(|word| word & 1 << (number % 64) == 0))
    }
}

/// How many words of 64 numbers a shard's set may grow to: 2^31 entries, 256 MiB. More in one shard
/// cannot be verified in one go.
const NUMBER_WORDS_MAX: usize = 1 << 25;

impl Checker {
    /// Checks the next entry. A tenant's entries must come in the order of their numbers.
    pub(crate) fn entry(&mut self, row: &JournalRow) -> Result<(), Fault> {
        let chain = self.tenants.entry(row.tenant.clone()).or_insert_with(|| Chain {
            seq: 0,
            hash: Hash::GENESIS,
            last_at: 0,
            shard: row.shard,
            shard_seq: 0,
            server_started: Vec::new(),
            is_closed: false,
        });
        if row.seq != chain.seq + 1 {
            let missing = chain.seq + 1;
            let what = format!("it is missing; the next one there is {}", row.seq);
            return Err(Fault::Entry { tenant: row.tenant.clone(), seq: missing, what });
        }
        if row.body_hash != Hash::of(row.body.as_bytes()) {
            return Err(Fault::entry(row, "its body does not match body_hash"));
        }
        if row.hash != row.chained(chain.hash) {
            return Err(Fault::entry(row, "its hash does not follow from the entry before and its columns"));
        }
        if row.shard != chain.shard || row.shard_seq <= chain.shard_seq {
            return Err(Fault::entry(row, "its place in the shard does not follow the entry before"));
        }
        chain.seq = row.seq;
        chain.hash = row.hash;
        chain.last_at = row.at;
        chain.shard_seq = row.shard_seq;
        self.entries += 1;
        if !self.shards.entry(row.shard).or_default().insert(row.shard_seq, NUMBER_WORDS_MAX) {
            return Err(Fault::entry(row, format!("its number {} in shard {} is taken", row.shard_seq, row.shard)));
        }
        match (row.person, row.agent_seq) {
            (Some(person), Some(agent_seq)) => self.agent_entry(row, person, agent_seq),
            (None, None) => self.tenant_entry(row),
            (Some(_), None) | (None, Some(_)) => {
                Err(Fault::entry(row, "it has an agent or an agent's number, not both"))
            }
        }
    }

    fn tenant_entry(&mut self, row: &JournalRow) -> Result<(), Fault> {
        let form: TenantEventForm = read_json(row.form, &row.body).map_err(|error| Fault::entry(row, error))?;
        if let Some(hash) = form.definition {
            self.definitions.insert((row.tenant.clone(), row.seq), hash);
        }
        let event = decode_tenant_event(row, &Pseudonyms).map_err(|error| Fault::entry(row, error))?;
        if self.is_closed(&row.tenant) && !reaches_closed(&event.body) {
            return Err(Fault::entry(row, "it follows on the closing of its tenant"));
        }
        match event.body {
            TenantEventBody::ServerStarted { grace_until, moved } => {
                if let Some(chain) = self.tenants.get_mut(&row.tenant) {
                    chain.server_started.push(Started { seq: row.seq, at: event.at, grace_until, moved });
                }
            }
            TenantEventBody::Closing { step, .. } => self.closing(row, step)?,
            TenantEventBody::ClockStepped { .. }
            | TenantEventBody::PolicyPublished { .. }
            | TenantEventBody::PolicyPlanned { .. }
            | TenantEventBody::DirectoryChanged { .. }
            | TenantEventBody::Access(_) => {}
        }
        Ok(())
    }

    /// A tenant is closed when nobody is there any more, and opened again when it is closed.
    fn closing(&mut self, row: &JournalRow, step: ClosingStep) -> Result<(), Fault> {
        let stays = |((tenant, _), folded): (&(String, PersonId), &Folded)| {
            *tenant == row.tenant && folded.agent.has_something_to_end()
        };
        let is_closed = step == ClosingStep::Closed;
        if is_closed && self.agents.iter().any(stays) {
            return Err(Fault::entry(row, "somebody of the tenant is still there when it is closed"));
        }
        if let Some(chain) = self.tenants.get_mut(&row.tenant) {
            if chain.is_closed == is_closed {
                let word = if is_closed { "closed" } else { "open" };
                return Err(Fault::entry(row, format!("its tenant is {word} already")));
            }
            chain.is_closed = is_closed;
        }
        Ok(())
    }

    fn is_closed(&self, tenant: &str) -> bool {
        self.tenants.get(tenant).is_some_and(|chain| chain.is_closed)
    }

    fn agent_entry(&mut self, row: &JournalRow, person: PersonId, agent_seq: i64) -> Result<(), Fault> {
        if self.is_closed(&row.tenant) {
            return Err(Fault::entry(row, "it follows on the closing of its tenant"));
        }
        let event = decode_agent_event(row, &Pseudonyms).map_err(|error| Fault::entry(row, error))?;
        let form: EventForm = read_json(row.form, &row.body).map_err(|error| Fault::entry(row, error))?;
        let folded = match self.agents.entry((row.tenant.clone(), person)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Folded::new(person).map_err(|error| Fault::entry(row, error))?)
            }
        };
        let expected = folded.agent.seq.0.cast_signed() + 1;
        if agent_seq != expected {
            return Err(Fault::entry(row, format!("its agent's number is {agent_seq}, not {expected}")));
        }
        if let Some(chain) = self.tenants.get(&row.tenant) {
            folded.on_server_started(&chain.server_started, row.seq);
        }
        folded.agent.apply(&event).map_err(|error| Fault::entry(row, error))?;
        if let Some(op) = &event.op {
            folded.ops.remember(op.clone());
        }
        folded.last_seq = row.seq;
        let (actor, reason, note) = (row.actor_person, form.reason(), form.note());
        self.fold_pauses(EventPlace { tenant: &row.tenant, person, seq: row.seq, actor, reason, note }, &event);
        Ok(())
    }

    fn fold_pauses(&mut self, place: EventPlace<'_>, event: &crate::domain::event::AgentEvent) {
        let mut writes = PauseWrites::default();
        writes.on_event(place, event);
        self.amended += writes.amendments.len() as u64;
        self.amendments.extend(writes.amendments);
        for pause in writes.inserts {
            self.pauses += 1;
            self.open_pauses.insert(pause.id, pause);
        }
        for change in writes.changes {
            if let Some(pause) = self.open_pauses.get_mut(&change.id) {
                pause.change(&change);
                if pause.ended_at.is_some()
                    && let Some(pause) = self.open_pauses.remove(&change.id)
                {
                    self.ended_pauses.push(pause);
                }
            }
        }
    }

    /// The pauses that ended since this was last asked.
    pub(super) fn take_ended_pauses(&mut self) -> Vec<PauseRowForm> {
        std::mem::take(&mut self.ended_pauses)
    }

    /// What was said of pauses since this was last asked.
    pub(super) fn take_amendments(&mut self) -> Vec<AmendmentRow> {
        std::mem::take(&mut self.amendments)
    }

    /// How often something was said of a pause.
    pub(super) fn amended(&self) -> u64 {
        self.amended
    }

    /// The pauses that have not ended.
    pub(super) fn open_pauses(&self) -> Vec<PauseRowForm> {
        self.open_pauses.values().cloned().collect()
    }

    /// How many pauses were folded.
    pub(super) fn pauses(&self) -> u64 {
        self.pauses
    }

    /// How far a tenant's entries were followed.
    pub(super) fn last_entry(&self) -> Option<(&str, i64)> {
        self.tenants.last_key_value().map(|(tenant, chain)| (tenant.as_str(), chain.seq))
    }

    /// How far the entries of one tenant were followed.
    pub(super) fn seq_of(&self, tenant: &str) -> i64 {
        self.tenants.get(tenant).map_or(0, |chain| chain.seq)
    }

    /// The hash of every definition, by the entry that put it in force.
    pub(super) fn definitions(&self) -> &BTreeMap<(String, i64), Hash> {
        &self.definitions
    }

    /// Checks the stored heads against what was followed: a tail that was cut off shows here.
    pub(crate) fn heads(&self, heads: &[TenantHeadRow], shards: &HashMap<i64, i64>) -> Result<(), Fault> {
        for head in heads {
            let (seq, hash) =
                self.tenants.get(&head.tenant).map_or((0, Hash::GENESIS), |chain| (chain.seq, chain.hash));
            if head.seq > seq {
                let what = format!("it is missing; the stored head is {}", head.seq);
                return Err(Fault::Entry { tenant: head.tenant.clone(), seq: seq + 1, what });
            }
            let last_at = self.tenants.get(&head.tenant).map_or(0, |chain| chain.last_at);
            if head.seq < seq || head.hash != hash || head.last_at != last_at {
                let what = format!("the stored head ({}, {}) is not that of the last entry", head.seq, head.hash);
                return Err(Fault::Entry { tenant: head.tenant.clone(), seq, what });
            }
        }
        let known: HashSet<&str> = heads.iter().map(|head| head.tenant.as_str()).collect();
        if let Some((tenant, chain)) = self.tenants.iter().find(|(tenant, _)| !known.contains(tenant.as_str())) {
            let what = "its tenant has no stored head".to_owned();
            return Err(Fault::Entry { tenant: tenant.clone(), seq: chain.seq, what });
        }
        let none = Numbers::default();
        for (shard, head) in shards {
            let numbers = self.shards.get(shard).unwrap_or(&none);
            if numbers.count != *head || numbers.first_missing(*head).is_some() {
                let what = match numbers.first_missing(*head) {
                    Some(missing) => format!("its head is {head}, but entry {missing} of it is missing"),
                    None => format!("its head is {head}, but it has {} entries", numbers.count),
                };
                return Err(Fault::other(format!("shard {shard}"), what));
            }
        }
        match self.shards.keys().find(|shard| !shards.contains_key(shard)) {
            Some(shard) => Err(Fault::other(format!("shard {shard}"), "it has entries and no head")),
            None => Ok(()),
        }
    }

    /// Checks that a state is the fold of its agent's events.
    pub(crate) fn state(&mut self, row: &StateRowForm) -> Result<(), Fault> {
        let place = format!("state of {} in {}", row.person, row.tenant);
        let wrong = |what: &dyn fmt::Display| Fault::other(&place, what);
        let stored = decode_state(row, &Pseudonyms).map_err(|error| wrong(&error))?;
        let key = (row.tenant.clone(), row.person);
        if !self.agents.contains_key(&key) {
            self.agents.insert(key.clone(), Folded::new(row.person).map_err(|error| wrong(&error))?);
        }
        let (Some(folded), Some(chain)) = (self.agents.get_mut(&key), self.tenants.get(&row.tenant)) else {
            return Err(wrong(&"its tenant has no entry"));
        };
        if row.last_seq < folded.last_seq || row.last_seq > chain.seq {
            let what = format!("it is of entry {}, its agent's last is {}", row.last_seq, folded.last_seq);
            return Err(wrong(&what));
        }
        folded.on_server_started(&chain.server_started, row.last_seq + 1);
        if stored.record.agent != folded.agent {
            return Err(wrong(&format!("it is not the fold of its events up to entry {}", folded.last_seq)));
        }
        // Ops of commands that led to no event stand in the state alone; those of events must agree.
        let kept: Vec<_> = stored.record.ops.records().collect();
        let differs = folded
            .ops
            .records()
            .any(|op| !kept.contains(&op) && kept.iter().any(|kept| kept.op == op.op && kept.by == op.by));
        if differs {
            return Err(wrong(&"an op in it is not the one of its event"));
        }
        self.states_seen.insert(key);
        hash_state(self.state_hashes.entry(row.tenant.clone()).or_default(), row);
        Ok(())
    }

    /// Checks that every agent with an event has a state.
    pub(crate) fn all_states_seen(&self) -> Result<(), Fault> {
        match self.agents.keys().find(|key| !self.states_seen.contains(key)) {
            Some((tenant, person)) => Err(Fault::other(format!("state of {person} in {tenant}"), "it is missing")),
            None => Ok(()),
        }
    }

    fn state_hash(&self, tenant: &str) -> Hash {
        let states = self.state_hashes.get(tenant).cloned().unwrap_or_default();
        Hash(states.finalize().into())
    }

    /// What was verified.
    pub(crate) fn summary(&self, heads: &[TenantHeadRow]) -> Summary {
        Summary {
            entries: self.entries,
            agents: self.states_seen.len() as u64,
            pauses: self.pauses,
            tenants: heads
                .iter()
                .map(|head| TenantSummary {
                    tenant: head.tenant.clone(),
                    seq: head.seq.cast_unsigned(),
                    hash: head.hash.to_string(),
                    states: self.state_hash(&head.tenant).to_string(),
                })
                .collect(),
        }
    }
}

/// Takes a state into its tenant's hash: internal id, number and form, then the body with its length first. States
/// come in the order of their internal ids.
fn hash_state(hasher: &mut Sha256, row: &StateRowForm) {
    hasher.update(row.person.0);
    for number in [row.last_seq, row.form, row.body.len() as i64] {
        hasher.update(number.to_be_bytes());
    }
    hasher.update(&row.body);
}
