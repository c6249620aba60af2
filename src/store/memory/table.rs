//! The rows in memory, with the constraints of the SQLite schema.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::access::Credential;
use crate::domain::id::{PolicyVersion, RequestId, TenantId, TenantSeq};
use crate::domain::policy::Policy;
use crate::domain::policy_plans::PolicyPlans;
use crate::domain::time::Timestamp;
use crate::ports::{
    Epoch, ReadError, SHARDS, ShardHead, ShardId, ShardSeq, ShardSnapshot, StateRow, Stored, TenantSnapshot,
};
use crate::store::amendments::AmendmentRow;
use crate::store::decode::{
    FoundPerson, References, clock_ahead_ms, damaged_row, decode_row, decode_state, decode_tenant_event,
};
use crate::store::encode::{Basis, KnownPerson, KnownTenant, PersonKey, TextKey, Wanted, Writes};
use crate::store::pauses::PauseRowForm;
use crate::store::recorded::{BEFORE_MAX, EndBefore, RecordedRows, look_back_from};
use crate::store::row::{
    CredentialRow, DirectoryRow, JournalRow, PersonRow, PlansRow, PolicyRow, StateRowForm, TenantHeadRow, TextRow,
};
use crate::store::stored::{
    CredentialForm, DirectoryForm, FormError, Hash, PersonId, PersonKind, PlansForm, WideId, read_json,
};

/// All tables.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) shards: Vec<ShardHead>,
    tenants: BTreeMap<String, (ShardId, TenantHeadRow)>,
    pub(super) journal: BTreeMap<(i64, i64), JournalRow>,
    agent_seqs: HashMap<PersonId, i64>,
    people: HashMap<PersonId, PersonRow>,
    people_by_key: HashMap<(String, PersonKind, String), PersonId>,
    texts: HashMap<Hash, TextRow>,
    texts_by_key: HashMap<(PersonId, String), Hash>,
    pub(super) states: BTreeMap<(String, PersonId), StateRowForm>,
    pauses: HashMap<WideId, PauseRowForm>,
    amendments: Vec<AmendmentRow>,
    directories: BTreeMap<(String, i64), DirectoryRow>,
    policies: BTreeMap<(String, i64), PolicyRow>,
    plans: BTreeMap<String, PlansRow>,
    credentials: BTreeMap<(String, WideId), CredentialRow>,
}

impl Tables {
    pub(super) fn new() -> Tables {
        Tables {
            shards: (0..SHARDS)
                .map(|id| ShardHead { shard: ShardId(id), epoch: Epoch(0), head: ShardSeq(0) })
                .collect(),
            tenants: BTreeMap::new(),
            journal: BTreeMap::new(),
            agent_seqs: HashMap::new(),
            people: HashMap::new(),
            people_by_key: HashMap::new(),
            texts: HashMap::new(),
            texts_by_key: HashMap::new(),
            states: BTreeMap::new(),
            pauses: HashMap::new(),
            amendments: Vec::new(),
            directories: BTreeMap::new(),
            policies: BTreeMap::new(),
            plans: BTreeMap::new(),
            credentials: BTreeMap::new(),
        }
    }

    /// Somebody takes every shard over.
    pub(super) fn take_over(&mut self) {
        for shard in &mut self.shards {
            shard.epoch.0 += 1;
        }
    }

    /// What is here of what some batches touch.
    pub(super) fn basis(&self, wanted: &Wanted) -> Basis {
        let mut basis = Basis::default();
        for shard in &wanted.shards {
            if let Some(head) = self.shards.get(usize::from(shard.0)) {
                basis.shards.insert(*shard, (head.epoch, head.head));
            }
        }
        for tenant in &wanted.tenants {
            if let Some((shard, head)) = self.tenants.get(tenant.as_str()) {
                let known = KnownTenant { shard: *shard, seq: head.seq, hash: head.hash, last_at: head.last_at };
                basis.tenants.insert(tenant.clone(), known);
            }
        }
        for key in &wanted.people {
            if let Some(id) = self.person(key) {
                let agent_seq = self.agent_seqs.get(&id).copied().unwrap_or(0);
                basis.people.insert(key.clone(), KnownPerson { id, agent_seq });
            }
        }
        for key in &wanted.texts {
            if let Some(hash) = self.text(key) {
                basis.texts.insert(key.clone(), hash);
            }
        }
        basis
    }

    pub(super) fn person(&self, key: &PersonKey) -> Option<PersonId> {
        self.people_by_key.get(&(key.tenant.to_string(), key.kind, key.host_id.clone())).copied()
    }

    fn text(&self, key: &TextKey) -> Option<Hash> {
        self.texts_by_key.get(&(self.person(&key.person())?, key.text.clone())).copied()
    }

    /// The constraints of the schema that the rows themselves do not show: a pause that changes is
    /// there and open, and no agent comes to have two open ones.
    pub(super) fn check(&self, writes: &Writes) -> Result<(), String> {
        let mut open: HashSet<(PersonId, bool)> = HashSet::new();
        let ending: HashSet<WideId> =
            writes.pause_changes.iter().filter(|change| change.ended_at.is_some()).map(|change| change.id).collect();
        for change in &writes.pause_changes {
            if self.pauses.get(&change.id).is_none_or(|pause| pause.ended_at.is_some()) {
                return Err(format!("pause {} is not open", change.id));
            }
        }
        let is_there = |id: &WideId| self.pauses.contains_key(id) || writes.pauses.iter().any(|pause| pause.id == *id);
        if let Some(amendment) = writes.amendments.iter().find(|amendment| !is_there(&amendment.pause)) {
            return Err(format!("there is no pause {}", amendment.pause));
        }
        let people: HashSet<PersonId> = writes.pauses.iter().map(|pause| pause.person).collect();
        let kept = self.pauses.values().filter(|pause| people.contains(&pause.person) && !ending.contains(&pause.id));
        for pause in kept.chain(&writes.pauses).filter(|pause| pause.ended_at.is_none()) {
            if !open.insert((pause.person, pause.class == "protected")) {
                return Err(format!("person {} has an open pause already", pause.person));
            }
        }
        Ok(())
    }

    /// Takes up what is durable.
    pub(super) fn apply(&mut self, writes: Writes) {
        for row in writes.tenants {
            let head = TenantHeadRow { tenant: row.id.clone(), seq: 0, hash: Hash::GENESIS, last_at: 0 };
            self.tenants.insert(row.id, (ShardId(u16::try_from(row.shard).unwrap_or(0)), head));
        }
        for row in writes.people {
            self.people_by_key.insert((row.tenant.clone(), row.kind, row.host_id.clone()), row.id);
            self.people.insert(row.id, row);
        }
        for row in writes.names {
            if let Some(person) = self.people.get_mut(&row.id) {
                person.name = Some(row.name);
            }
        }
        for row in writes.texts {
            self.texts_by_key.insert((row.person, row.text.clone()), row.hash);
            self.texts.insert(row.hash, row);
        }
        for row in writes.journal {
            if let (Some(person), Some(agent_seq)) = (row.person, row.agent_seq) {
                self.agent_seqs.insert(person, agent_seq);
            }
            self.journal.insert((row.shard, row.shard_seq), row);
        }
        for row in writes.directories {
            self.directories.insert((row.tenant.clone(), row.version), row);
        }
        for row in writes.policies {
            self.policies.insert((row.tenant.clone(), row.version), row);
        }
        self.plans.extend(writes.plans.into_iter().map(|row| (row.tenant.clone(), row)));
        self.credentials.extend(writes.credentials.into_iter().map(|row| ((row.tenant.clone(), row.id), row)));
        for row in writes.dropped_credentials {
            self.credentials.remove(&(row.tenant, row.id));
        }
        for change in writes.pause_changes {
            if let Some(pause) = self.pauses.get_mut(&change.id) {
                pause.change(&change);
            }
        }
        self.pauses.extend(writes.pauses.into_iter().map(|pause| (pause.id, pause)));
        self.amendments.extend(writes.amendments);
        for row in writes.states {
            self.states.insert((row.tenant.clone(), row.person), row);
        }
        for row in writes.tenant_heads {
            if let Some((_, head)) = self.tenants.get_mut(&row.tenant) {
                *head = row;
            }
        }
        for row in writes.shard_heads {
            if let Some(shard) = usize::try_from(row.id).ok().and_then(|id| self.shards.get_mut(id)) {
                shard.head = ShardSeq(row.head.cast_unsigned());
            }
        }
    }

    /// Erases a text, or all texts and the row of a person.
    pub(super) fn erase_person(&mut self, person: PersonId) {
        self.texts.retain(|_, text| text.person != person);
        self.texts_by_key.retain(|(owner, _), _| *owner != person);
        self.people.remove(&person);
        self.people_by_key.retain(|_, id| *id != person);
    }

    pub(super) fn heads(&self) -> Vec<ShardHead> {
        let with_tenant: HashSet<ShardId> = self.tenants.values().map(|(shard, _)| *shard).collect();
        self.shards.iter().filter(|head| with_tenant.contains(&head.shard)).copied().collect()
    }

    pub(super) fn head(&self, shard: ShardId) -> Result<ShardHead, ReadError> {
        let head = self.shards.get(usize::from(shard.0)).copied();
        head.ok_or_else(|| ReadError::Unavailable(format!("there is no shard {shard}")))
    }

    pub(super) fn tenant_heads(&self) -> Vec<TenantHeadRow> {
        self.tenants.values().map(|(_, head)| head.clone()).collect()
    }

    pub(super) fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> Result<Vec<Stored>, ReadError> {
        let shard = i64::from(shard.0);
        let from = (shard, after.0.cast_signed().saturating_add(1));
        let found = self.references();
        self.journal
            .range(from..(shard + 1, 0))
            .take(max)
            .map(|(_, row)| decode_row(row, &found).map_err(|error| damaged_row(row, &error)))
            .collect()
    }

    pub(super) fn rows_of(&self, tenant: &TenantId) -> impl Iterator<Item = &JournalRow> {
        let tenant = tenant.to_string();
        self.journal.values().filter(move |row| row.tenant == tenant)
    }

    /// A pause with all that a correction of it looks at.
    pub(super) fn recorded(&self, tenant: &TenantId, id: WideId) -> Option<RecordedRows> {
        let pause = self.pauses.get(&id).filter(|pause| pause.tenant == tenant.as_str())?;
        let last_correction = |id: WideId| {
            let mut of_pause = self.amendments.iter().rev().filter(|row| row.pause == id);
            of_pause.find(|row| row.is_correction()).cloned()
        };
        let of_agent =
            || self.pauses.values().filter(|other| other.person == pause.person && other.class != "protected");
        let later = of_agent().filter(|other| other.started_seq > pause.started_seq);
        let from = look_back_from(pause.started_at);
        let earlier = of_agent().filter(|other| other.started_seq < pause.started_seq && other.started_at >= from);
        let mut earlier: Vec<&PauseRowForm> = earlier.filter(|other| other.ended_at.is_some()).collect();
        earlier.sort_by_key(|other| std::cmp::Reverse((other.started_at, other.started_seq)));
        let end_before = |other: &&PauseRowForm| {
            let correction = last_correction(other.id);
            let ended_at = correction.as_ref().and_then(|row| row.ended_at).or(other.ended_at)?;
            let misclick = correction.and_then(|row| row.misclick).or(other.misclick).unwrap_or(false);
            Some(EndBefore { pause_type: other.pause_type.clone(), ended_at, misclick })
        };
        let is_start = |row: &&JournalRow| row.seq == pause.started_seq && pause.class == "entitlement";
        Some(RecordedRows {
            started: self.rows_of(tenant).find(is_start).cloned(),
            last_correction: last_correction(id),
            annotations: self.amendments.iter().filter(|row| row.pause == id && !row.is_correction()).count(),
            next_started_at: later.map(|other| other.started_at).min(),
            before: earlier.iter().take(BEFORE_MAX).filter_map(end_before).collect(),
            pause: pause.clone(),
        })
    }

    /// The rows that made a request and closed it; none where it was made before an instant.
    pub(super) fn request_rows(&self, tenant: &TenantId, id: RequestId, since: Timestamp) -> Vec<JournalRow> {
        let id = id.to_string();
        let is_it = |row: &&JournalRow| row.kind == "request.created" && row.at >= since.0 && row.body.contains(&id);
        let Some(made) = self.rows_of(tenant).find(is_it) else { return Vec::new() };
        let closes = |kind: &str| ["request.decided", "request.expired", "request.cancelled"].contains(&kind);
        let after = self.rows_of(tenant).filter(|row| row.person == made.person && row.agent_seq > made.agent_seq);
        let closed = after.filter(|row| closes(&row.kind)).min_by_key(|row| row.agent_seq);
        [made].into_iter().chain(closed).cloned().collect()
    }

    pub(super) fn snapshot(&self, shard: ShardId) -> Result<ShardSnapshot, ReadError> {
        let head = self.head(shard)?;
        let found = self.references();
        let tenants = self
            .tenants
            .iter()
            .filter(|(_, (on, _))| *on == shard)
            .map(|(tenant, (_, head))| self.tenant_snapshot(tenant, head, &found))
            .collect::<Result<_, _>>()?;
        Ok(ShardSnapshot { head, tenants })
    }

    fn tenant_snapshot(
        &self,
        tenant: &str,
        head: &TenantHeadRow,
        found: &References,
    ) -> Result<TenantSnapshot, ReadError> {
        let place = format!("tenant {tenant}");
        let wrong = |error: FormError| ReadError::Damaged { place: place.clone(), why: error.to_string() };
        let versions = (tenant.to_owned(), i64::MIN)..=(tenant.to_owned(), i64::MAX);
        let rows: Vec<&DirectoryRow> = self.directories.range(versions.clone()).map(|(_, row)| row).collect();
        let last_whole = rows.iter().rposition(|row| row.whole).unwrap_or(0);
        let directory = DirectoryForm::of_rows(rows[last_whole..].iter().copied())
            .and_then(|form| form.into_domain(found))
            .map_err(wrong)?;
        let policy = match self.policies.range(versions).next_back() {
            Some((_, row)) => policy(row, found).map_err(wrong)?,
            None => Policy::empty(),
        };
        let plans = match self.plans.get(tenant) {
            Some(row) => read_json::<PlansForm>(row.form, &row.body).and_then(|form| form.into_domain(found)),
            None => Ok(PolicyPlans::default()),
        };
        let plans = Arc::new(plans.map_err(wrong)?);
        let credentials = self.credentials.values().filter(|row| row.tenant == tenant);
        let credentials: Arc<[Credential]> =
            credentials.map(|row| CredentialForm::read(row).map_err(wrong)).collect::<Result<_, _>>()?;
        let started = self
            .journal
            .values()
            .filter(|row| row.tenant == tenant && row.kind == "server.started")
            .max_by_key(|row| row.seq);
        let after = started.map_or(0, |row| row.seq);
        let stepped = self
            .journal
            .values()
            .filter(|row| row.tenant == tenant && row.kind == "clock.stepped" && row.seq > after)
            .max_by_key(|row| row.seq);
        let clock_ahead_ms = clock_ahead_ms(stepped, found)?;
        let server_started = started
            .map(|row| {
                let event = decode_tenant_event(row, found).map_err(|error| damaged_row(row, &error))?;
                Ok::<_, ReadError>((TenantSeq(row.seq.cast_unsigned()), Arc::new(event)))
            })
            .transpose()?;
        let states: Vec<StateRow> = self
            .states
            .values()
            .filter(|row| row.tenant == tenant)
            .map(|row| decode_state(row, found).map_err(wrong))
            .collect::<Result<_, _>>()?;
        Ok(TenantSnapshot {
            head: TenantSeq(head.seq.cast_unsigned()),
            last_at: Timestamp(head.last_at),
            directory: Arc::new(directory),
            policy: Arc::new(policy),
            plans,
            server_started,
            clock_ahead_ms,
            credentials,
            states,
        })
    }

    pub(super) fn references(&self) -> References {
        References {
            people: self
                .people
                .values()
                .map(|row| (row.id, FoundPerson::new(row.host_id.clone(), row.name.clone())))
                .collect(),
            texts: self.texts.values().map(|row| (row.hash, row.text.clone())).collect(),
        }
    }
}

fn policy(row: &PolicyRow, found: &References) -> Result<Policy, FormError> {
    let mut policy = Policy { version: PolicyVersion(row.version.cast_unsigned()), ..Policy::empty() };
    for form in row.types.iter().cloned() {
        let pause_type = form.into_domain(found)?;
        policy.types.insert(pause_type.code.clone(), Arc::new(pause_type));
    }
    Ok(policy)
}
