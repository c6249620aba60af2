//! The journal as the server sees it: the one in memory, on a disk that is slow, stalls and fails,
//! with note taken of everything that becomes durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use intervalo::domain::command::Actor;
use intervalo::domain::event::TenantEvent;
use intervalo::domain::id::{AgentId, Op, PauseId, RequestId, TenantId};
use intervalo::domain::op::{OpMemory, OpRecord};
use intervalo::domain::policy::{PauseKind, PauseRules, Policy, WhenOccupied};
use intervalo::domain::record::{RecordedPause, RecordedRequest};
use intervalo::domain::shift::Plan;
use intervalo::domain::time::Timestamp;
use intervalo::domain::usage::Usage;
use intervalo::ports::{
    AppendError, Batch, BoxFuture, Journal, ReadError, ShardHead, ShardId, ShardSeq, ShardSnapshot, Stored,
};
use intervalo::store::MemoryJournal;
use intervalo::store::memory::{Fault, Gate};

use super::clock::SimClock;
use super::defect::Defect;
use super::office::shard;
use super::world::World;

/// How long a server waits before it tries again after a failure, at most, with the command that is
/// given up meanwhile: what the trouble of an append excuses beyond its own length, in ms.
const AFTERMATH_MS: i64 = 5_000;

/// The journal that a server is given.
pub(crate) struct Probe {
    world: Arc<World>,
    clock: SimClock,
    inner: Arc<MemoryJournal>,
    /// The disk does as it should.
    well: AtomicBool,
    /// A sync has failed: nothing is written any more.
    read_only: AtomicBool,
}

impl Probe {
    pub(crate) fn new(world: &Arc<World>, clock: &SimClock) -> Probe {
        Probe {
            world: Arc::clone(world),
            clock: clock.clone(),
            inner: world.disk(),
            well: AtomicBool::new(false),
            read_only: AtomicBool::new(false),
        }
    }

    /// From here on the disk does as it should.
    pub(crate) fn heal(&self) {
        self.well.store(true, Ordering::SeqCst);
    }

    /// True when nothing can be written until the next start.
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::SeqCst)
    }

    async fn append_in_weather(&self, batch: Batch) -> Result<(), AppendError> {
        let began = self.clock.now_true();
        let ill = !self.well.load(Ordering::SeqCst);
        let wait = match self.world.roll(20) {
            0 if ill => self.world.roll(1_500),
            1..=3 => self.world.roll(40),
            _ => self.world.roll(3),
        };
        let fault = if ill { self.fault() } else { None };
        let gate = Gate::new();
        let hold = match self.world.roll(4) {
            0 => Some(Fault::HoldBeforeWrite(gate.clone())),
            1 | 2 => Some(Fault::HoldBeforeSync(gate.clone())),
            _ => Some(Fault::HoldBeforeAnswer(gate.clone())),
        };
        if let Some(fault) = &fault {
            let mut seen = self.world.seen();
            seen.counts.faults += 1;
            seen.note(format_args!("fault {fault:?}"));
            // After a sync that failed nothing is written until the server starts anew.
            let read_only = matches!(fault, Fault::SyncFails);
            self.read_only.fetch_or(read_only, Ordering::SeqCst);
            let until = if read_only { i64::MAX } else { began.0 + AFTERMATH_MS };
            seen.trouble.push((began, Timestamp(until)));
        }
        // Noted before it is over: a crash may cut it short.
        let is_slow = wait > 100;
        if is_slow {
            self.world.seen().trouble.push((began, Timestamp(began.0 + wait.cast_signed() + 500)));
        }
        self.inner.inject(fault.or(hold).expect("a fate"));
        let open = async {
            self.clock.pass(wait).await;
            gate.open();
        };
        let (result, ()) = tokio::join!(self.inner.append(batch), open);
        let ended = self.clock.now_true();
        if !is_slow && ended.since(began).as_millis() > 100 {
            self.world.seen().trouble.push((began, Timestamp(ended.0 + 500)));
        }
        result
    }

    fn fault(&self) -> Option<Fault> {
        match self.world.roll(400) {
            0..=2 => Some(Fault::Unavailable),
            3..=4 => Some(Fault::UnknownWritten),
            5..=6 => Some(Fault::UnknownNotWritten),
            7 => Some(Fault::Fenced),
            8 if self.world.roll(4) == 0 => Some(Fault::SyncFails),
            _ => None,
        }
    }

    /// Takes note of what has become durable.
    async fn look(&self) {
        note_durable(&self.world, &self.inner, self.clock.now_true()).await;
    }
}

/// Takes note of all entries that are durable and not on record yet, as of an instant.
pub(crate) async fn note_durable(world: &World, journal: &MemoryJournal, at: Timestamp) {
    let known = world.seen().durable.len() as u64;
    let Ok(found) = journal.read(shard(), ShardSeq(known), 100_000).await else { return };
    let mut seen = world.seen();
    for stored in found {
        if stored.shard_seq.0 == seen.durable.len() as u64 + 1 {
            seen.take_entry(stored.entry, at);
        }
    }
}

/// The same policy without caps.
fn without_caps(policy: &Policy) -> Policy {
    with_rules(policy, |rules| rules.cap.clear())
}

fn without_obstacles(policy: &Policy) -> Policy {
    with_rules(policy, |rules| rules.when_occupied = WhenOccupied::Immediate)
}

fn with_rules(policy: &Policy, change: fn(&mut PauseRules)) -> Policy {
    let mut policy = policy.clone();
    for pause_type in policy.types.values_mut() {
        if let PauseKind::Regular(rules) | PauseKind::Entitlement(rules) = &mut Arc::make_mut(pause_type).kind {
            change(rules);
        }
    }
    policy
}

impl Journal for Probe {
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move {
            self.world.seen().take_definitions(&batch);
            if self.world.defect == Some(Defect::AnswersBeforeWrite) && !batch.entries.is_empty() {
                let (inner, clock) = (Arc::clone(&self.inner), self.clock.clone());
                drop(tokio::spawn(async move {
                    clock.pass(20).await;
                    inner.append(batch).await
                }));
                return Ok(());
            }
            let result = self.append_in_weather(batch).await;
            self.world.seen().append_failed = result.is_err();
            self.look().await;
            match result {
                Err(AppendError::Unavailable(_)) if self.world.defect == Some(Defect::FailureHidden) => Ok(()),
                result => result,
            }
        })
    }

    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>> {
        Box::pin(async move {
            let mut snapshot = self.inner.snapshot(shard).await?;
            if self.world.defect == Some(Defect::CapsForgotten) {
                for tenant in &mut snapshot.tenants {
                    tenant.policy = Arc::new(without_caps(&tenant.policy));
                }
            }
            if self.world.defect == Some(Defect::WorkIgnored) {
                for tenant in &mut snapshot.tenants {
                    tenant.policy = Arc::new(without_obstacles(&tenant.policy));
                }
            }
            if self.world.defect == Some(Defect::PlansForgotten) {
                for tenant in &mut snapshot.tenants {
                    tenant.plans = Arc::default();
                }
            }
            for row in snapshot.tenants.iter_mut().flat_map(|tenant| &mut tenant.states) {
                let record = Arc::make_mut(&mut row.record);
                match self.world.defect {
                    Some(Defect::OpsForgotten) => record.ops = OpMemory::default(),
                    Some(Defect::UsageForgotten) => record.agent.usage = Usage::default(),
                    Some(Defect::ShiftsForgotten) => record.agent.plan = Plan::default(),
                    Some(Defect::StateBehind) => record.agent.since = Timestamp(record.agent.since.0 - 1),
                    Some(_) | None => {}
                }
            }
            Ok(snapshot)
        })
    }

    fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        self.inner.read(shard, after, max)
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>> {
        self.inner.heads()
    }

    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>> {
        self.inner.head(shard)
    }

    fn find_pause<'a>(
        &'a self,
        tenant: &'a TenantId,
        pause: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>> {
        Box::pin(async move {
            let mut found = self.inner.find_pause(tenant, pause).await?;
            if self.world.defect == Some(Defect::CorrectionsUnseen)
                && let Some(ended) = found.as_mut().and_then(|found| found.ended.as_mut())
            {
                ended.at = self.world.seen().first_end_of(pause).unwrap_or(ended.at);
            }
            Ok(found)
        })
    }

    fn find_request<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RequestId,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>> {
        self.inner.find_request(tenant, request, since)
    }

    fn find_op<'a>(
        &'a self,
        tenant: &'a TenantId,
        agent: &'a AgentId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>> {
        Box::pin(async move {
            if self.world.defect == Some(Defect::OpsForgotten) {
                return Ok(None);
            }
            self.inner.find_op(tenant, agent, op, by).await
        })
    }

    fn find_change<'a>(
        &'a self,
        tenant: &'a TenantId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>> {
        self.inner.find_change(tenant, op, by)
    }
}
