//! From batches to rows: checks the fence and the numbers, gives people and texts their internal
//! names, extends the chains, and folds the projection. Shared by all journals; it reads and writes
//! nothing itself, but is handed a [`Basis`] and returns [`Writes`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::amendments::AmendmentRow;
use super::pauses::{EventPlace, PauseChange, PauseRowForm, PauseWrites};
use super::random::Salts;
use super::row::{
    CredentialRow, DirectoryRow, DroppedRow, JournalRow, NameRow, PersonRow, PlansRow, PolicyRow, ShardHeadRow,
    StateRowForm, TenantHeadRow, TenantRow, TextRow,
};
use super::stored::{
    ActorForm, AgentForm, CredentialForm, DirectoryForm, EventForm, FORM, Hash, OpColumns, PauseTypeForm,
    PersonChangeForm, PersonId, PersonKind, PlansForm, Refer, TenantEventForm, WideId, write_json,
};
use crate::domain::access::CredentialChange;
use crate::domain::directory::{Directory, Person};
use crate::domain::event::{AgentEvent, TenantEvent};
use crate::domain::id::{AgentId, TenantId};
use crate::domain::policy::Policy;
use crate::domain::policy_plans::PolicyPlans;
use crate::ports::{AppendError, Batch, Entry, EntryBody, Epoch, ShardId, ShardSeq, StateChange, TenantDefinition};

/// Who a person is, before they have an internal id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PersonKey {
    pub(crate) tenant: TenantId,
    pub(crate) kind: PersonKind,
    pub(crate) host_id: String,
}

/// What a text is about, before it has a hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TextKey {
    pub(crate) tenant: TenantId,
    /// Whose it is: the agent whom it is about, else the person who wrote it.
    pub(crate) kind: PersonKind,
    pub(crate) host_id: String,
    pub(crate) text: String,
}

impl TextKey {
    fn new(tenant: &TenantId, whose: Option<(PersonKind, &str)>, text: &str) -> TextKey {
        let (kind, host_id) = whose.unwrap_or((PersonKind::Agent, ""));
        TextKey { tenant: tenant.clone(), kind, host_id: host_id.to_owned(), text: text.to_owned() }
    }

    /// The person whose it is.
    pub(crate) fn person(&self) -> PersonKey {
        PersonKey { tenant: self.tenant.clone(), kind: self.kind, host_id: self.host_id.clone() }
    }
}

/// What the store has of a person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownPerson {
    pub(crate) id: PersonId,
    /// The number of the agent's last event.
    pub(crate) agent_seq: i64,
}

/// What the store has of a tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownTenant {
    pub(crate) shard: ShardId,
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
    pub(crate) last_at: i64,
}

/// All that the store has of what some batches touch.
#[derive(Debug, Default)]
pub(crate) struct Basis {
    pub(crate) shards: HashMap<ShardId, (Epoch, ShardSeq)>,
    pub(crate) tenants: HashMap<TenantId, KnownTenant>,
    pub(crate) people: HashMap<PersonKey, KnownPerson>,
    pub(crate) texts: HashMap<TextKey, Hash>,
}

/// What some batches touch.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) shards: HashSet<ShardId>,
    pub(crate) tenants: HashSet<TenantId>,
    pub(crate) people: HashSet<PersonKey>,
    pub(crate) texts: HashSet<TextKey>,
}

impl Wanted {
    /// Everything that [`encode`] will ask the basis of these batches for.
    pub(crate) fn of<'a>(batches: impl IntoIterator<Item = &'a Batch>) -> Wanted {
        let mut wanted = Wanted::default();
        for batch in batches {
            wanted.shards.insert(batch.shard);
            for entry in &batch.entries {
                wanted.tenants.insert(entry.tenant.clone());
                match &entry.body {
                    EntryBody::Agent { agent, event, .. } => {
                        let whose = Some((PersonKind::Agent, agent.as_str()));
                        let mut collect = Collect { wanted: &mut wanted, tenant: &entry.tenant, whose };
                        collect.person(PersonKind::Agent, agent.as_str());
                        ActorForm::of(&event.actor, &mut collect);
                        EventForm::of(event, &mut collect);
                        if let Some(op) = &event.op {
                            OpColumns::of(op, &mut collect);
                        }
                    }
                    EntryBody::Tenant { event, definition } => {
                        let whose = PersonKind::of_actor(&event.actor);
                        let mut collect = Collect { wanted: &mut wanted, tenant: &entry.tenant, whose };
                        ActorForm::of(&event.actor, &mut collect);
                        if let Some(op) = &event.op {
                            OpColumns::of(op, &mut collect);
                        }
                        TenantEventForm::of(&event.body, None, &mut collect);
                        match definition {
                            Some(TenantDefinition::Directory(directory)) => {
                                DirectoryForm::of(directory, &mut collect);
                            }
                            Some(TenantDefinition::Person(directory, person)) if is_told_as_person(directory) => {
                                PersonChangeForm::of(directory, person, &mut collect);
                            }
                            Some(TenantDefinition::Person(directory, _)) => {
                                DirectoryForm::of(directory, &mut collect);
                            }
                            Some(TenantDefinition::Plans(plans)) => {
                                PlansForm::of(plans, &mut collect);
                            }
                            Some(TenantDefinition::Publication(policy, plans)) => {
                                PlansForm::of(plans, &mut collect);
                                forms_of(policy, &mut collect);
                            }
                            Some(TenantDefinition::Policy(policy)) => {
                                forms_of(policy, &mut collect);
                            }
                            Some(TenantDefinition::Credentials(_)) | None => {}
                        }
                    }
                }
            }
            for state in &batch.states {
                wanted.tenants.insert(state.tenant.clone());
                let whose = Some((PersonKind::Agent, state.agent.as_str()));
                let mut collect = Collect { wanted: &mut wanted, tenant: &state.tenant, whose };
                collect.person(PersonKind::Agent, state.agent.as_str());
                AgentForm::of(&state.record, &mut collect);
            }
        }
        wanted
    }
}

fn forms_of(policy: &Policy, refer: &mut dyn Refer) -> Vec<PauseTypeForm> {
    policy.types.values().map(|pause_type| PauseTypeForm::of(pause_type, refer)).collect()
}

struct Collect<'a> {
    wanted: &'a mut Wanted,
    tenant: &'a TenantId,
    whose: Option<(PersonKind, &'a str)>,
}

impl Refer for Collect<'_> {
    fn person(&mut self, kind: PersonKind, host_id: &str) -> PersonId {
        self.wanted.people.insert(PersonKey { tenant: self.tenant.clone(), kind, host_id: host_id.to_owned() });
        PersonId([0; 16])
    }

    fn text(&mut self, text: &str) -> Hash {
        self.wanted.texts.insert(TextKey::new(self.tenant, self.whose, text));
        Hash([0; 32])
    }

    fn text_about(&mut self, agent: &str, text: &str) -> Hash {
        Collect { whose: Some((PersonKind::Agent, agent)), tenant: self.tenant, wanted: self.wanted }.text(text)
    }
}

/// The rows of one transaction, in the order in which they must be written.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Writes {
    pub(crate) tenants: Vec<TenantRow>,
    pub(crate) people: Vec<PersonRow>,
    pub(crate) names: Vec<NameRow>,
    pub(crate) texts: Vec<TextRow>,
    pub(crate) journal: Vec<JournalRow>,
    pub(crate) directories: Vec<DirectoryRow>,
    pub(crate) policies: Vec<PolicyRow>,
    pub(crate) plans: Vec<PlansRow>,
    pub(crate) credentials: Vec<CredentialRow>,
    pub(crate) dropped_credentials: Vec<DroppedRow>,
    pub(crate) pause_changes: Vec<PauseChange>,
    pub(crate) pauses: Vec<PauseRowForm>,
    pub(crate) amendments: Vec<AmendmentRow>,
    pub(crate) states: Vec<StateRowForm>,
    pub(crate) tenant_heads: Vec<TenantHeadRow>,
    pub(crate) shard_heads: Vec<ShardHeadRow>,
}

/// Turns batches into rows. A batch that does not fit is answered and leaves no row; the others are
/// as if it had not been there. The basis moves on with what is returned.
pub(crate) fn encode<'a>(
    batches: impl IntoIterator<Item = &'a Batch>,
    basis: &mut Basis,
    salts: &mut dyn Salts,
) -> (Writes, Vec<Result<(), AppendError>>) {
    let mut encoder = Encoder { basis, salts, writes: Writes::default(), pauses: PauseWrites::default() };
    let mut touched = Touched::default();
    let answers = batches
        .into_iter()
        .map(|batch| {
            admit(batch, encoder.basis)?;
            encoder.batch(batch, &mut touched);
            Ok(())
        })
        .collect();
    (encoder.finish(&touched), answers)
}

/// Whose heads have moved.
#[derive(Default)]
struct Touched {
    /// With the head that each had.
    shards: HashMap<ShardId, ShardSeq>,
    tenants: HashSet<TenantId>,
}

/// Checks a batch against the fence and the numbers.
///
/// Numbers that do not follow are answered `Fenced` too: whoever made them does not know what is stored.
fn admit(batch: &Batch, basis: &Basis) -> Result<(), AppendError> {
    let known = basis.shards.get(&batch.shard).copied();
    if known != Some((batch.epoch, batch.after)) {
        return Err(AppendError::Fenced);
    }
    let mut tenants: HashMap<&TenantId, i64> = HashMap::new();
    let mut agents: HashMap<(&TenantId, &AgentId), i64> = HashMap::new();
    for entry in &batch.entries {
        let head = match (tenants.get(&entry.tenant), basis.tenants.get(&entry.tenant)) {
            (Some(&head), _) => head,
            (None, Some(tenant)) if tenant.shard != batch.shard => {
                return Err(misfit(format!("tenant {} is on shard {}", entry.tenant, tenant.shard)));
            }
            (None, Some(tenant)) => tenant.seq,
            (None, None) if creates_tenant(entry) => 0,
            (None, None) => return Err(misfit(format!("there is no tenant {}", entry.tenant))),
        };
        let seq = entry.seq.0.cast_signed();
        if seq != head + 1 {
            return Err(AppendError::Fenced);
        }
        tenants.insert(&entry.tenant, seq);
        if let EntryBody::Agent { agent, agent_seq, .. } = &entry.body {
            let before =
                agents.get(&(&entry.tenant, agent)).copied().unwrap_or_else(|| last_agent_seq(basis, entry, agent));
            let agent_seq = agent_seq.0.cast_signed();
            if agent_seq != before + 1 {
                return Err(AppendError::Fenced);
            }
            agents.insert((&entry.tenant, agent), agent_seq);
        }
    }
    match batch.states.iter().find(|state| {
        !tenants.contains_key(&state.tenant)
            && basis.tenants.get(&state.tenant).is_none_or(|tenant| tenant.shard != batch.shard)
    }) {
        Some(state) => Err(misfit(format!("tenant {} is not on shard {}", state.tenant, batch.shard))),
        None => Ok(()),
    }
}

fn misfit(why: String) -> AppendError {
    AppendError::Unavailable(format!("the batch does not fit: {why}"))
}

/// Every so many versions a directory is written whole whatever changed, so that a start puts few changes together.
const WHOLE_EVERY: u64 = 256;

fn is_told_as_person(directory: &Directory) -> bool {
    !directory.version.0.is_multiple_of(WHOLE_EVERY)
}

fn creates_tenant(entry: &Entry) -> bool {
    matches!(&entry.body, EntryBody::Tenant { definition: Some(TenantDefinition::Directory(_)), .. })
}

fn last_agent_seq(basis: &Basis, entry: &Entry, agent: &AgentId) -> i64 {
    let key = PersonKey { tenant: entry.tenant.clone(), kind: PersonKind::Agent, host_id: agent.as_str().to_owned() };
    basis.people.get(&key).map_or(0, |person| person.agent_seq)
}

struct Encoder<'a> {
    basis: &'a mut Basis,
    salts: &'a mut dyn Salts,
    writes: Writes,
    pauses: PauseWrites,
}

impl Encoder<'_> {
    fn batch(&mut self, batch: &Batch, touched: &mut Touched) {
        let mut shard_seq = batch.after.0.cast_signed();
        let mut last_seqs: HashMap<(&TenantId, &AgentId), i64> = HashMap::new();
        for entry in &batch.entries {
            shard_seq += 1;
            let place = Place { shard: batch.shard, shard_seq };
            match &entry.body {
                EntryBody::Agent { agent, event, agent_seq } => {
                    self.agent_entry(entry, place, agent, agent_seq.0.cast_signed(), event);
                    last_seqs.insert((&entry.tenant, agent), entry.seq.0.cast_signed());
                }
                EntryBody::Tenant { event, definition } => {
                    self.tenant_entry(entry, place, event, definition.as_ref());
                }
            }
            touched.tenants.insert(entry.tenant.clone());
        }
        for state in &batch.states {
            self.state(state, last_seqs.get(&(&state.tenant, &state.agent)).copied());
        }
        self.basis.shards.insert(batch.shard, (batch.epoch, ShardSeq(shard_seq.cast_unsigned())));
        touched.shards.entry(batch.shard).or_insert(batch.after);
    }

    fn agent_entry(&mut self, entry: &Entry, place: Place, agent: &AgentId, agent_seq: i64, event: &AgentEvent) {
        let mut names = self.names(&entry.tenant, Some((PersonKind::Agent, agent.as_str())));
        let person = names.person(PersonKind::Agent, agent.as_str());
        let (actor_kind, actor_person) = ActorForm::of(&event.actor, &mut names).columns();
        let form = EventForm::of(event, &mut names);
        let op = event.op.as_ref().map(|op| OpColumns::of(op, &mut names));
        let seq = entry.seq.0.cast_signed();
        let (tenant, reason, note) = (entry.tenant.as_str(), form.reason(), form.note());
        self.pauses.on_event(EventPlace { tenant, person, seq, actor: actor_person, reason, note }, event);
        let mut row = blank(entry, place, event.at.0, event.body.name(), actor_kind, event.cause.as_str());
        row.person = Some(person);
        row.agent_seq = Some(agent_seq);
        row.due_at = event.due_at.map(|at| at.0);
        row.actor_person = actor_person;
        row.policy_version = Some(event.policy_version.0.cast_signed());
        row.put_op(op);
        row.body = write_json(&form);
        self.chain(entry, row);
        let key = PersonKey { tenant: entry.tenant.clone(), kind: PersonKind::Agent, host_id: agent.to_string() };
        if let Some(known) = self.basis.people.get_mut(&key) {
            known.agent_seq = agent_seq;
        }
    }

    fn tenant_entry(
        &mut self,
        entry: &Entry,
        place: Place,
        event: &TenantEvent,
        definition: Option<&TenantDefinition>,
    ) {
        if !self.basis.tenants.contains_key(&entry.tenant) {
            self.writes.tenants.push(TenantRow { id: entry.tenant.to_string(), shard: i64::from(place.shard.0) });
            let fresh = KnownTenant { shard: place.shard, seq: 0, hash: Hash::GENESIS, last_at: 0 };
            self.basis.tenants.insert(entry.tenant.clone(), fresh);
        }
        let hash = definition.and_then(|definition| match definition {
            TenantDefinition::Directory(directory) => Some(self.directory(entry, directory)),
            TenantDefinition::Person(directory, person) if is_told_as_person(directory) => {
                Some(self.person_change(entry, directory, person))
            }
            TenantDefinition::Person(directory, _) => Some(self.directory(entry, directory)),
            TenantDefinition::Policy(policy) => Some(self.policy(entry, policy)),
            TenantDefinition::Publication(policy, plans) => {
                self.plans(entry, plans);
                Some(self.policy(entry, policy))
            }
            // They are in force for nobody, and change: what is published of them is vouched for then.
            TenantDefinition::Plans(plans) => {
                self.plans(entry, plans);
                None
            }
            // They are no evidence, and can be erased: what became of them is in the event.
            TenantDefinition::Credentials(changes) => {
                self.credentials(entry, changes);
                None
            }
        });
        let mut names = self.names(&entry.tenant, PersonKind::of_actor(&event.actor));
        let (actor_kind, actor_person) = ActorForm::of(&event.actor, &mut names).columns();
        let mut row = blank(entry, place, event.at.0, event.body.name(), actor_kind, event.cause.as_str());
        row.actor_person = actor_person;
        row.put_op(event.op.as_ref().map(|op| OpColumns::of(op, &mut names)));
        row.body = write_json(&TenantEventForm::of(&event.body, hash, &mut names));
        self.chain(entry, row);
    }

    fn directory(&mut self, entry: &Entry, directory: &Arc<Directory>) -> Hash {
        let mut names = self.names(&entry.tenant, None);
        let body = write_json(&DirectoryForm::of(directory, &mut names));
        for person in directory.agents.values() {
            self.name(entry, person);
        }
        self.directory_row(entry, directory, true, body)
    }

    /// A version in which one person differs from the one before.
    fn person_change(&mut self, entry: &Entry, directory: &Directory, person: &Person) -> Hash {
        let mut names = self.names(&entry.tenant, None);
        let body = write_json(&PersonChangeForm::of(directory, person, &mut names));
        self.name(entry, person);
        self.directory_row(entry, directory, false, body)
    }

    fn name(&mut self, entry: &Entry, person: &Person) {
        let id = self.names(&entry.tenant, None).person(PersonKind::Agent, person.id.as_str());
        self.writes.names.push(NameRow { id, name: person.name.clone() });
    }

    fn directory_row(&mut self, entry: &Entry, directory: &Directory, whole: bool, body: String) -> Hash {
        let hash = Hash::of(body.as_bytes());
        self.writes.directories.push(DirectoryRow {
            tenant: entry.tenant.to_string(),
            version: directory.version.0.cast_signed(),
            seq: entry.seq.0.cast_signed(),
            form: FORM,
            whole,
            body,
        });
        hash
    }

    fn policy(&mut self, entry: &Entry, policy: &Policy) -> Hash {
        let types = forms_of(policy, &mut self.names(&entry.tenant, None));
        let hash = PauseTypeForm::hash_all(policy.version.0, &types);
        self.writes.policies.push(PolicyRow {
            tenant: entry.tenant.to_string(),
            version: policy.version.0.cast_signed(),
            seq: entry.seq.0.cast_signed(),
            form: FORM,
            types,
        });
        hash
    }

    fn plans(&mut self, entry: &Entry, plans: &PolicyPlans) {
        let body = write_json(&PlansForm::of(plans, &mut self.names(&entry.tenant, None)));
        let (tenant, seq) = (entry.tenant.to_string(), entry.seq.0.cast_signed());
        // One row a tenant, and the last one counts.
        self.writes.plans.retain(|row| row.tenant != tenant);
        self.writes.plans.push(PlansRow { tenant, seq, form: FORM, body });
    }

    fn credentials(&mut self, entry: &Entry, changes: &[CredentialChange]) {
        let (tenant, seq) = (entry.tenant.as_str(), entry.seq.0.cast_signed());
        for change in changes {
            let id = WideId(change.id().0.to_be_bytes());
            // One row a credential, and the last change of it counts.
            self.writes.credentials.retain(|row| row.id != id || row.tenant != tenant);
            self.writes.dropped_credentials.retain(|row| row.id != id || row.tenant != tenant);
            let tenant = tenant.to_owned();
            match change {
                CredentialChange::Put(credential) => {
                    let (kind, body) = (credential.kind().to_owned(), write_json(&CredentialForm::of(credential)));
                    self.writes.credentials.push(CredentialRow { tenant, id, kind, seq, form: FORM, body });
                }
                CredentialChange::Drop(_) => self.writes.dropped_credentials.push(DroppedRow { tenant, id }),
            }
        }
    }

    fn state(&mut self, state: &StateChange, last_seq: Option<i64>) {
        let mut names = self.names(&state.tenant, Some((PersonKind::Agent, state.agent.as_str())));
        let person = names.person(PersonKind::Agent, state.agent.as_str());
        let body = write_json(&AgentForm::of(&state.record, &mut names));
        // A state without an event of its own is of the tenant's head.
        let head = self.basis.tenants.get(&state.tenant).map_or(0, |tenant| tenant.seq);
        self.writes.states.push(StateRowForm {
            tenant: state.tenant.to_string(),
            person,
            last_seq: last_seq.unwrap_or(head),
            form: FORM,
            body,
        });
    }

    /// Seals a row and moves the tenant's head to it.
    fn chain(&mut self, entry: &Entry, mut row: JournalRow) {
        if let Some(tenant) = self.basis.tenants.get_mut(&entry.tenant) {
            row.seal(tenant.hash);
            tenant.seq = row.seq;
            tenant.hash = row.hash;
            tenant.last_at = row.at;
        }
        self.writes.journal.push(row);
    }

    fn names<'n>(&'n mut self, tenant: &'n TenantId, whose: Option<(PersonKind, &'n str)>) -> Names<'n> {
        Names { basis: &mut *self.basis, salts: &mut *self.salts, writes: &mut self.writes, tenant, whose }
    }

    fn finish(mut self, touched: &Touched) -> Writes {
        self.writes.pauses = self.pauses.inserts;
        self.writes.pause_changes = self.pauses.changes;
        self.writes.amendments = self.pauses.amendments;
        for tenant in &touched.tenants {
            if let Some(known) = self.basis.tenants.get(tenant) {
                self.writes.tenant_heads.push(TenantHeadRow {
                    tenant: tenant.to_string(),
                    seq: known.seq,
                    hash: known.hash,
                    last_at: known.last_at,
                });
            }
        }
        for (shard, after) in &touched.shards {
            if let Some((epoch, head)) = self.basis.shards.get(shard) {
                self.writes.shard_heads.push(ShardHeadRow {
                    id: i64::from(shard.0),
                    epoch: epoch.0.cast_signed(),
                    after: after.0.cast_signed(),
                    head: head.0.cast_signed(),
                });
            }
        }
        self.writes
    }
}

#[derive(Clone, Copy)]
struct Place {
    shard: ShardId,
    shard_seq: i64,
}

fn blank(entry: &Entry, place: Place, at: i64, kind: &str, actor_kind: String, cause: &str) -> JournalRow {
    JournalRow {
        tenant: entry.tenant.to_string(),
        seq: entry.seq.0.cast_signed(),
        shard: i64::from(place.shard.0),
        shard_seq: place.shard_seq,
        person: None,
        agent_seq: None,
        at,
        due_at: None,
        kind: kind.to_owned(),
        actor_kind,
        actor_person: None,
        cause: cause.to_owned(),
        policy_version: None,
        op: None,
        op_by_kind: None,
        op_by: None,
        op_fingerprint: None,
        op_at: None,
        op_outcome: None,
        form: FORM,
        body: String::new(),
        body_hash: Hash::GENESIS,
        hash: Hash::GENESIS,
    }
}

/// Looks people and texts up in the basis, and adds those that are new.
struct Names<'a> {
    basis: &'a mut Basis,
    salts: &'a mut dyn Salts,
    writes: &'a mut Writes,
    tenant: &'a TenantId,
    /// Whose the texts are: the agent whom they are about, else the person who wrote them.
    whose: Option<(PersonKind, &'a str)>,
}

impl Refer for Names<'_> {
    fn person(&mut self, kind: PersonKind, host_id: &str) -> PersonId {
        let key = PersonKey { tenant: self.tenant.clone(), kind, host_id: host_id.to_owned() };
        if let Some(known) = self.basis.people.get(&key) {
            return known.id;
        }
        let salt = self.salts.next();
        let id = PersonId::of(salt, self.tenant.as_str(), kind, host_id);
        self.writes.people.push(PersonRow {
            id,
            tenant: self.tenant.to_string(),
            kind,
            host_id: host_id.to_owned(),
            name: None,
            salt,
        });
        self.basis.people.insert(key, KnownPerson { id, agent_seq: 0 });
        id
    }

    fn text(&mut self, text: &str) -> Hash {
        let key = TextKey::new(self.tenant, self.whose, text);
        self.hash_of(key)
    }

    fn text_about(&mut self, agent: &str, text: &str) -> Hash {
        let key = TextKey::new(self.tenant, Some((PersonKind::Agent, agent)), text);
        self.hash_of(key)
    }
}

impl Names<'_> {
    fn hash_of(&mut self, key: TextKey) -> Hash {
        let person = self.person(key.kind, &key.host_id);
        if let Some(hash) = self.basis.texts.get(&key) {
            return *hash;
        }
        let salt = self.salts.next();
        let (hash, text) = (Hash::of_text(salt, &key.text), key.text.clone());
        self.writes.texts.push(TextRow { hash, tenant: self.tenant.to_string(), person, salt, text });
        self.basis.texts.insert(key, hash);
        hash
    }
}
