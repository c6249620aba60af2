//! The journal in memory, for tests: the same forms, rows and chain as on SQLite, on a simulated
//! disk that loses what was not synced, with faults that a test plants.

mod disk;
mod fault;
mod table;

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use fault::{Fault, Gate};

use super::encode::{PersonKey, Wanted, Writes, encode};
use super::random::SeededSalts;
use super::stored::{FormError, PersonKind, WideId, write_json};
use super::verify::{self, Summary};
use crate::domain::command::Actor;
use crate::domain::event::TenantEvent;
use crate::domain::id::{AgentId, Op, PauseId, RequestId, TenantId};
use crate::domain::op::OpRecord;
use crate::domain::record::{RecordedPause, RecordedRequest};
use crate::domain::time::Timestamp;
use crate::ports::{
    AppendError, Batch, BoxFuture, Journal, ReadError, ShardHead, ShardId, ShardSeq, ShardSnapshot, Stored,
};
use crate::store::decode::{damaged_row, decode_op, decode_tenant_event};
use crate::store::requests::request_of_rows;
use disk::SimDisk;
use table::Tables;

/// A journal in memory, on a simulated disk. Several handles may share a disk, one after the other:
/// [`MemoryJournal::reopen`] is a second process that takes over.
#[derive(Debug)]
pub struct MemoryJournal {
    shared: Arc<Mutex<Shared>>,
    /// Which opening of the disk this handle is.
    opening: u64,
}

#[derive(Debug)]
struct Shared {
    seed: u64,
    disk: SimDisk,
    tables: Tables,
    salts: SeededSalts,
    opening: u64,
    faults: VecDeque<Fault>,
    /// Shards with a record that is written and not synced.
    in_flight: HashSet<ShardId>,
    power_is_off: bool,
    broken: bool,
    reads_fail: bool,
    answers_before_sync: bool,
}

/// What is on the disk.
#[derive(Debug, Serialize, Deserialize)]
enum Record {
    TakeOver,
    Writes(Box<Writes>),
}

impl MemoryJournal {
    /// An empty journal, opened; all that is random in it follows from `seed`.
    pub fn new(seed: u64) -> MemoryJournal {
        let shared = Shared {
            seed,
            disk: SimDisk::default(),
            tables: Tables::new(),
            salts: SeededSalts::new(seed),
            opening: 0,
            faults: VecDeque::new(),
            in_flight: HashSet::new(),
            power_is_off: false,
            broken: false,
            reads_fail: false,
            answers_before_sync: false,
        };
        MemoryJournal { shared: Arc::new(Mutex::new(shared)), opening: 0 }.reopen()
    }

    /// A journal with a defect, for tests of checks: it answers before it syncs, so a power cut
    /// loses what was acknowledged.
    pub fn careless(seed: u64) -> MemoryJournal {
        let journal = MemoryJournal::new(seed);
        journal.lock().answers_before_sync = true;
        journal
    }

    /// Opens the same disk again, as another process would: reads back what is whole on it, and
    /// takes every shard over with epoch + 1. Handles of before are fenced.
    ///
    /// # Panics
    /// Panics when a whole record does not read: that is a defect of this journal.
    pub fn reopen(&self) -> MemoryJournal {
        let mut shared = self.lock();
        let mut tables = Tables::new();
        for record in shared.disk.recover() {
            match serde_json::from_slice(&record).expect("a record with the right checksum reads") {
                Record::TakeOver => tables.take_over(),
                Record::Writes(writes) => tables.apply(*writes),
            }
        }
        shared.disk.write(write_json(&Record::TakeOver).as_bytes());
        shared.disk.sync();
        tables.take_over();
        shared.tables = tables;
        shared.opening += 1;
        shared.in_flight.clear();
        shared.power_is_off = false;
        shared.broken = false;
        MemoryJournal { shared: Arc::clone(&self.shared), opening: shared.opening }
    }

    /// The power goes. What was not synced is dropped, torn or kept out of order; nothing works
    /// until [`MemoryJournal::reopen`].
    pub fn crash(&self) {
        let mut shared = self.lock();
        let seed = shared.seed;
        shared.disk.lose_power(seed);
        shared.power_is_off = true;
    }

    /// Plants a fault for the next append; several wait in line.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Makes reads fail, or work again.
    pub fn set_reads_fail(&self, fail: bool) {
        self.lock().reads_fail = fail;
    }

    /// Erases an agent's row and all texts about them.
    pub fn erase_agent(&self, tenant: &TenantId, agent: &AgentId) {
        let mut shared = self.lock();
        let key = PersonKey { tenant: tenant.clone(), kind: PersonKind::Agent, host_id: agent.to_string() };
        if let Some(person) = shared.tables.person(&key) {
            shared.tables.erase_person(person);
        }
    }

    /// Checks the chain, the numbers, and that every state is the fold of its events.
    ///
    /// # Errors
    /// The first [`verify::Fault`].
    pub fn verify(&self) -> Result<Summary, verify::Fault> {
        let shared = self.lock();
        let tables = &shared.tables;
        let mut checker = verify::Checker::default();
        let mut rows: Vec<_> = tables.journal.values().collect();
        rows.sort_by_key(|row| (row.tenant.clone(), row.seq));
        for row in rows {
            checker.entry(row)?;
        }
        let heads = tables.tenant_heads();
        let shards = tables.shards.iter().map(|head| (i64::from(head.shard.0), head.head.0.cast_signed())).collect();
        checker.heads(&heads, &shards)?;
        for state in tables.states.values() {
            checker.state(state)?;
        }
        checker.all_states_seen()?;
        Ok(checker.summary(&heads))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn append_with(&self, batch: Batch, fault: Option<Fault>) -> Result<(), AppendError> {
        match fault {
            Some(Fault::Fenced) => Err(AppendError::Fenced),
            Some(Fault::Unavailable) => Err(AppendError::Unavailable("injected".to_owned())),
            Some(Fault::UnknownNotWritten) => Err(AppendError::Unknown("injected".to_owned())),
            Some(Fault::UnknownWritten) => {
                let writes = self.write(&batch)?;
                self.sync(batch.shard, writes)?;
                Err(AppendError::Unknown("injected".to_owned()))
            }
            Some(Fault::SyncFails) => {
                self.write(&batch)?;
                let mut shared = self.lock();
                shared.broken = true;
                shared.in_flight.remove(&batch.shard);
                Err(AppendError::Unknown("injected: the sync failed".to_owned()))
            }
            Some(Fault::HoldBeforeWrite(gate)) => {
                gate.pass().await;
                let writes = self.write(&batch)?;
                self.sync(batch.shard, writes)
            }
            Some(Fault::HoldBeforeSync(gate)) => {
                let writes = self.write(&batch)?;
                gate.pass().await;
                self.sync(batch.shard, writes)
            }
            Some(Fault::HoldBeforeAnswer(gate)) => {
                let writes = self.write(&batch)?;
                let answer = self.sync(batch.shard, writes);
                gate.pass().await;
                answer
            }
            None => {
                let writes = self.write(&batch)?;
                self.sync(batch.shard, writes)
            }
        }
    }

    /// Checks a batch and writes its record.
    fn write(&self, batch: &Batch) -> Result<Writes, AppendError> {
        let mut guard = self.lock();
        let shared = &mut *guard;
        if shared.power_is_off || shared.broken {
            return Err(AppendError::Unavailable("the journal is read-only until it is opened anew".to_owned()));
        }
        if shared.in_flight.contains(&batch.shard) {
            return Err(AppendError::Fenced);
        }
        let wanted = Wanted::of([batch]);
        let mut basis = shared.tables.basis(&wanted);
        let (writes, answers) = encode([batch], &mut basis, &mut shared.salts);
        for answer in answers {
            answer?;
        }
        shared
            .tables
            .check(&writes)
            .map_err(|why| AppendError::Unavailable(format!("the store refuses the batch: {why}")))?;
        let record = Record::Writes(Box::new(writes));
        shared.disk.write(write_json(&record).as_bytes());
        shared.in_flight.insert(batch.shard);
        match record {
            Record::Writes(writes) => Ok(*writes),
            Record::TakeOver => Ok(Writes::default()),
        }
    }

    /// Makes a record durable and takes it up.
    fn sync(&self, shard: ShardId, writes: Writes) -> Result<(), AppendError> {
        let mut shared = self.lock();
        if shared.opening != self.opening || shared.power_is_off || shared.broken {
            return Err(AppendError::Unknown("the process ended before the sync".to_owned()));
        }
        if !shared.answers_before_sync {
            shared.disk.sync();
        }
        shared.in_flight.remove(&shard);
        shared.tables.apply(writes);
        Ok(())
    }

    fn reading(&self) -> Result<MutexGuard<'_, Shared>, ReadError> {
        let shared = self.lock();
        if shared.reads_fail || shared.power_is_off {
            return Err(ReadError::Unavailable("injected".to_owned()));
        }
        Ok(shared)
    }
}

impl Journal for MemoryJournal {
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move {
            let fault = self.lock().faults.pop_front();
            self.append_with(batch, fault).await
        })
    }

    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>> {
        Box::pin(async move { self.reading()?.tables.snapshot(shard) })
    }

    fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        Box::pin(async move { self.reading()?.tables.read(shard, after, max) })
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>> {
        Box::pin(async move { Ok(self.reading()?.tables.heads()) })
    }

    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>> {
        Box::pin(async move { self.reading()?.tables.head(shard) })
    }

    fn find_pause<'a>(
        &'a self,
        tenant: &'a TenantId,
        pause: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>> {
        Box::pin(async move {
            let shared = self.reading()?;
            let Some(rows) = shared.tables.recorded(tenant, WideId::of(pause.0)) else { return Ok(None) };
            let damaged =
                |error: FormError| ReadError::Damaged { place: format!("pause {pause}"), why: error.to_string() };
            rows.into_domain(&shared.tables.references()).map(Some).map_err(damaged)
        })
    }

    fn find_request<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RequestId,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>> {
        Box::pin(async move {
            let shared = self.reading()?;
            let rows = shared.tables.request_rows(tenant, request, since);
            request_of_rows(&rows, &shared.tables.references())
        })
    }

    fn find_op<'a>(
        &'a self,
        tenant: &'a TenantId,
        agent: &'a AgentId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>> {
        Box::pin(async move {
            let shared = self.reading()?;
            let key = PersonKey { tenant: tenant.clone(), kind: PersonKind::Agent, host_id: agent.to_string() };
            let Some(person) = shared.tables.person(&key) else { return Ok(None) };
            let found = shared.tables.references();
            let mut last = None;
            for row in shared.tables.rows_of(tenant).filter(|row| row.person == Some(person)) {
                let record = decode_op(row, &found).map_err(|error| damaged_row(row, &error))?;
                last = record.filter(|record| record.op == op && record.by == *by).or(last);
            }
            Ok(last)
        })
    }

    fn find_change<'a>(
        &'a self,
        tenant: &'a TenantId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>> {
        Box::pin(async move {
            let shared = self.reading()?;
            let found = shared.tables.references();
            let mut last = None;
            for row in shared.tables.rows_of(tenant).filter(|row| row.person.is_none() && row.op.is_some()) {
                let event = decode_tenant_event(row, &found).map_err(|error| damaged_row(row, &error))?;
                let is_it = event.op.as_ref().is_some_and(|record| record.op == op && record.by == *by);
                last = is_it.then_some(event).or(last);
            }
            Ok(last)
        })
    }
}
