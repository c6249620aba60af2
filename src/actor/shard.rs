//! The sequencer of a shard: takes appends in order, holds each to its guards in that same order,
//! numbers them, commits what has gathered as one batch, and hands the result over, once.
//!
//! One append is in flight; what arrives meanwhile is the next batch (group commit). So journal
//! order is decision order, and nobody decides under an old policy.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::desk::{Desk, Guards, TenantFacts};
use super::draft::{Answer, Draft, DraftLine, tell};
use super::founding::Found;
use super::lines::Lines;
use super::recent_people::RecentPeople;
use super::registry::{Key, Registry};
use super::rest::wake_at;
use super::revival::{current_states, note_standing};
use crate::domain::closing::reaches_closed;
use crate::domain::event::{AgentEvent, TenantEvent};
use crate::domain::id::{AgentId, AgentSeq, TenantId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::domain::slots::{Slots, Standing};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::ports::{
    AgentRecord, AppendError, Batch, Bus, Clock, Committed, Entry, EntryBody, Feed, FeedRow, Journal, ShardHead,
    ShardSeq, StateChange, TenantDefinition,
};
use crate::sync::{Race, may_switch, planted};

/// How many appends may wait for a shard. Each waiting agent has one at most, so this bounds how
/// many agents of a shard can be waiting; more are answered `unavailable`. When a network fails, all
/// connections of an installation are lost at once, each an append, and nobody else is to be refused for it.
const INTAKE_MAX: usize = 131_072;

/// How many appends one batch takes. A larger batch costs latency and saves no syncs that count.
const BATCH_MAX: usize = 1024;

/// How long until a store that could not be read is asked again.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// How often feeds are told their heads; within it a gap is detected (promise V3).
const HEAD_AFTER: Duration = Duration::from_secs(5);

/// One agent's events, to be appended as one.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) tenant: TenantId,
    pub(super) agent: AgentId,
    /// The number of the agent's first event here.
    pub(super) first: AgentSeq,
    /// The events; empty when only the state's ops change.
    pub(super) events: Vec<AgentEvent>,
    /// The state that they lead to.
    pub(super) record: Arc<AgentRecord>,
    /// The public row that they lead to.
    pub(super) row: Arc<AgentView>,
    /// What the decision was made under.
    pub(super) guards: Guards,
    /// The incarnation of memory that the decision was made on.
    pub(super) incarnation: u64,
    pub(super) reply: oneshot::Sender<Result<(), NotAppended>>,
}

/// A tenant's event, and what it puts in force.
#[derive(Debug)]
pub(super) struct Publish {
    pub(super) tenant: TenantId,
    pub(super) event: TenantEvent,
    pub(super) definition: Option<TenantDefinition>,
    pub(super) reply: oneshot::Sender<Result<(), NotAppended>>,
}

#[derive(Debug)]
pub(super) enum Intake {
    Append(Box<Append>),
    Publish(Box<Publish>),
    Found(Box<Found>),
}

/// Why an append has no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAppended {
    /// A guard no longer holds, or a slot is taken: decide again.
    Stale,
    /// The store is out of reach; nothing was written.
    Unavailable,
    /// The shard was lost: what is in memory is void.
    Lost,
}

/// A way to a shard's sequencer.
#[derive(Debug, Clone)]
pub(super) struct ShardHandle {
    intake: mpsc::Sender<Intake>,
}

impl ShardHandle {
    pub(super) fn new() -> (ShardHandle, mpsc::Receiver<Intake>) {
        let (intake, receiver) = mpsc::channel(INTAKE_MAX);
        (ShardHandle { intake }, receiver)
    }

    /// True when something waits for the next batch.
    fn has_more(&self) -> bool {
        self.intake.capacity() < INTAKE_MAX
    }

    pub(super) fn offer(&self, intake: Intake) -> Result<(), NotAppended> {
        may_switch();
        self.intake.try_send(intake).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                Limit::Intake.reached();
                NotAppended::Unavailable
            }
            mpsc::error::TrySendError::Closed(_) => NotAppended::Lost,
        })
    }
}

/// The sequencer.
pub(super) struct Sequencer {
    pub(super) head: ShardHead,
    pub(super) tenants: BTreeMap<TenantId, TenantLine>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) registry: Arc<Registry>,
    /// Where tenants that come are to be found.
    pub(super) lines: Arc<Lines>,
    /// The way here, for those that come.
    pub(super) handle: ShardHandle,
    /// When this run of the server became ready.
    pub(super) ready_at: Timestamp,
    pub(super) stale_since: Option<Timestamp>,
    pub(super) stop: CancellationToken,
}

/// One tenant on the shard.
pub(super) struct TenantLine {
    pub(super) desk: Arc<Desk>,
    pub(super) head: TenantSeq,
    /// Who takes which slot, with what of the batch in hand has been checked.
    pub(super) slots: Slots,
}

/// What becomes of the shard after a batch.
enum Fate {
    Owned,
    Lost,
}

impl Sequencer {
    /// Runs until the intake closes, or until all that had arrived before the stop is committed.
    pub(super) async fn run(mut self, mut intake: mpsc::Receiver<Intake>) {
        let stop = self.stop.clone();
        let mut arrived = Vec::with_capacity(BATCH_MAX);
        let mut heads_at = self.clock.now() + HEAD_AFTER;
        loop {
            let count = tokio::select! {
                biased;
                // First, so that one tenant's traffic does not keep another's head from being told.
                () = self.clock.sleep_until(heads_at) => {
                    self.tell_heads();
                    heads_at = self.clock.now() + HEAD_AFTER;
                    match self.knock().await {
                        Fate::Owned => continue,
                        Fate::Lost => break,
                    }
                }
                count = intake.recv_many(&mut arrived, BATCH_MAX) => count,
                () = stop.cancelled(), if !intake.is_closed() => { intake.close(); continue }
            };
            if count == 0 {
                return;
            }
            match self.commit_or_start_over(std::mem::take(&mut arrived)).await {
                Fate::Owned => {}
                Fate::Lost => break,
            }
        }
        self.refuse_the_rest(&mut intake).await;
    }

    /// A panic voids the shard's memory and nothing else: those who waited are told that the outcome is
    /// not known, and everything is taken up again from what is durable.
    async fn commit_or_start_over(&mut self, arrived: Vec<Intake>) -> Fate {
        match AssertUnwindSafe(self.commit(arrived)).catch_unwind().await {
            Ok(fate) => fate,
            Err(_panic) => {
                error!(shard = %self.head.shard, "the sequencer of shard {} panicked", self.head.shard);
                self.lose(Vec::new()).await
            }
        }
    }

    async fn commit(&mut self, arrived: Vec<Intake>) -> Fate {
        let draft = self.draft(arrived);
        if draft.is_empty() {
            tell(draft.overtaken, Err(NotAppended::Stale));
            return Fate::Owned;
        }
        metrics::histogram!("intervalo_batch_events").record(draft.entries.len() as f64);
        self.append(draft).await
    }

    /// Asks a store that was out of reach whether it is back, and one that is in doubt whether it is there, with an
    /// append of nothing: boards are to hear of it though nobody writes.
    async fn knock(&mut self) -> Fate {
        if self.stale_since.is_some() || self.journal.is_in_doubt() {
            let nothing = self.draft(Vec::new());
            return self.append(nothing).await;
        }
        Fate::Owned
    }

    async fn append(&mut self, mut draft: Draft) -> Fate {
        let events = draft.entries.len() as u64;
        let batch = Batch {
            shard: self.head.shard,
            epoch: self.head.epoch,
            after: self.head.head,
            entries: std::mem::take(&mut draft.entries),
            states: std::mem::take(&mut draft.states),
        };
        let reached = ShardSeq(self.head.head.0 + events);
        match self.journal.append(batch).await {
            Ok(()) => self.hand_over(draft, reached),
            Err(AppendError::Unavailable(why)) => self.put_off(draft, &why),
            Err(AppendError::Unknown(why)) => self.find_out(draft, reached, &why).await,
            Err(AppendError::Fenced) => self.lose(draft.everybody()).await,
        }
    }

    /// Checks guards and numbers events, in the order of arrival.
    fn draft(&mut self, arrived: Vec<Intake>) -> Draft {
        let mut draft = Draft::default();
        for intake in arrived {
            match intake {
                Intake::Append(append) => self.draft_append(&mut draft, *append),
                Intake::Publish(publish) => self.draft_publish(&mut draft, *publish),
                Intake::Found(found) => self.draft_founding(&mut draft, *found),
            }
        }
        draft
    }

    fn draft_append(&mut self, draft: &mut Draft, append: Append) {
        let Some(line) = self.line(&mut draft.lines, &append.tenant) else {
            let _ = append.reply.send(Err(NotAppended::Lost));
            return;
        };
        if line.incarnation != append.incarnation && !planted(Race::IncarnationIgnored) {
            let _ = append.reply.send(Err(NotAppended::Lost));
            return;
        }
        if !line.facts.hold(append.guards, &append.agent) && !planted(Race::GuardsIgnored) {
            metrics::counter!("intervalo_stale_decisions_total").increment(1);
            let _ = append.reply.send(Err(NotAppended::Stale));
            return;
        }
        let Some(tenant) = self.tenants.get_mut(&append.tenant) else { return };
        let allowed = tenant.slots.allow(&append.agent, &append.events, &line.facts.policy, &line.facts.directory);
        if !allowed && !planted(Race::SlotsIgnored) {
            metrics::counter!("intervalo_overtaken_decisions_total").increment(1);
            draft.overtaken.push(append.reply);
            return;
        }
        let stood = tenant.slots.put(&append.agent, Standing::of(&append.record.agent), &line.facts.directory);
        line.stood.push((append.agent.clone(), stood));
        let mut agent_seq = append.first;
        for event in append.events {
            line.head = line.head.next();
            let agent = append.agent.clone();
            let body = EntryBody::Agent { agent, agent_seq, event: Arc::new(event) };
            draft.entries.push(Entry { tenant: append.tenant.clone(), seq: line.head, body });
            agent_seq = agent_seq.next();
        }
        line.rows.push(FeedRow { agent: append.agent.clone(), view: append.row });
        draft.states.push(StateChange { tenant: append.tenant, agent: append.agent, record: append.record });
        draft.waiting.push(append.reply);
    }

    fn draft_publish(&self, draft: &mut Draft, publish: Publish) {
        let Some(line) = self.line(&mut draft.lines, &publish.tenant) else {
            let _ = publish.reply.send(Err(NotAppended::Lost));
            return;
        };
        if line.facts.directory.is_closed() && !reaches_closed(&publish.event.body) {
            let _ = publish.reply.send(Err(NotAppended::Lost));
            return;
        }
        if let Some(definition) = &publish.definition {
            if !line.facts.lead_to(definition) {
                draft.overtaken.push(publish.reply);
                return;
            }
            line.facts = Arc::new(line.facts.with(definition));
            if let TenantDefinition::Directory(directory) | TenantDefinition::Person(directory, _) = definition {
                line.directory = Some(Arc::clone(directory));
            }
        }
        line.head = line.head.next();
        let body = EntryBody::Tenant { event: Arc::new(publish.event), definition: publish.definition };
        draft.entries.push(Entry { tenant: publish.tenant, seq: line.head, body });
        draft.waiting.push(publish.reply);
    }

    /// The tenant's line in the draft; it begins where the tenant stands.
    fn line<'d>(&self, lines: &'d mut BTreeMap<TenantId, DraftLine>, tenant: &TenantId) -> Option<&'d mut DraftLine> {
        if !lines.contains_key(tenant) {
            let line = self.tenants.get(tenant)?;
            let fresh = DraftLine {
                head: line.head,
                incarnation: line.desk.incarnation(),
                facts: line.desk.facts(),
                directory: None,
                rows: Vec::new(),
                stood: Vec::new(),
                founded: None,
            };
            lines.insert(tenant.clone(), fresh);
        }
        lines.get_mut(tenant)
    }

    /// It is durable: heads and facts move, boards are fed, and whoever waits is told.
    fn hand_over(&mut self, draft: Draft, reached: ShardSeq) -> Fate {
        metrics::counter!("intervalo_events_committed_total").increment(reached.0 - self.head.head.0);
        self.head.head = reached;
        let more = self.handle.has_more();
        if self.stale_since.take().is_some() {
            info!(shard = %self.head.shard, "the store of shard {} is back", self.head.shard);
            self.tell_all(&Feed::Fresh);
        }
        for (tenant, drafted) in draft.lines {
            if let Some(credentials) = drafted.founded {
                self.open_tenant(&drafted.facts, drafted.head, credentials);
                continue;
            }
            let Some(line) = self.tenants.get_mut(&tenant) else { continue };
            let from = std::mem::replace(&mut line.head, drafted.head);
            line.desk.reached(drafted.head);
            let before = line.desk.facts();
            let published = before.guards() != drafted.facts.guards();
            let planned = !Arc::ptr_eq(&before.plans, &drafted.facts.plans);
            if published {
                line.slots.count_anew(&drafted.facts.policy, &drafted.facts.directory);
                let slots = Arc::clone(line.slots.counts());
                line.desk.put_in_force(TenantFacts { slots, ..(*drafted.facts).clone() });
                ask_anew(&self.registry, &line.desk, self.ready_at, self.clock.now());
                self.registry.have_look(&tenant);
            } else if planned {
                line.desk.put_in_force(TenantFacts { plans: Arc::clone(&drafted.facts.plans), ..(*before).clone() });
            }
            if (line.desk.put_slots(line.slots.counts()) || published) && !planted(Race::TurnUntold) {
                for agent in line.slots.turns(&drafted.facts.policy, self.clock.now()) {
                    self.registry.have_one_look(&Key { tenant: tenant.clone(), agent });
                }
            }
            let DraftLine { head: to, rows, directory, .. } = drafted;
            let committed = Committed { from, to, rows, more, directory };
            self.bus.publish(self.head.shard, &tenant, Feed::Committed(Arc::new(committed)));
        }
        tell(draft.waiting, Ok(()));
        tell(draft.overtaken, Err(NotAppended::Stale));
        Fate::Owned
    }

    /// Nothing was written and nothing changes; those who wait may try again.
    fn put_off(&mut self, mut draft: Draft, why: &str) -> Fate {
        self.go_stale(&why);
        for (tenant, drafted) in &mut draft.lines {
            let Some(line) = self.tenants.get_mut(tenant) else { continue };
            for (agent, stood) in drafted.stood.drain(..).rev() {
                line.slots.put(&agent, stood, &line.desk.facts().directory);
            }
        }
        tell(draft.everybody(), Err(NotAppended::Unavailable));
        Fate::Owned
    }

    /// Boards are told, once, since when the truth is out of reach.
    fn go_stale(&mut self, why: &dyn std::fmt::Display) {
        if self.stale_since.is_none() {
            let since = self.clock.now();
            warn!(shard = %self.head.shard, "the store of shard {} is out of reach: {why}", self.head.shard);
            self.stale_since = Some(since);
            self.tell_all(&Feed::Stale(since));
        }
    }

    /// The outcome is unknown: intake rests until the head tells.
    async fn find_out(&mut self, draft: Draft, reached: ShardSeq, why: &str) -> Fate {
        warn!(shard = %self.head.shard, "an append to shard {} has no known outcome: {why}", self.head.shard);
        let found = self.read_head().await;
        match found {
            Some(found) if found.epoch == self.head.epoch && found.head == reached && reached != self.head.head => {
                self.hand_over(draft, reached)
            }
            Some(found) if found == self.head => self.put_off(draft, why),
            Some(_) | None => self.lose(draft.everybody()).await,
        }
    }

    /// Reads the shard's fence and head, until the store answers; none also when the server stops
    /// before it does.
    async fn read_head(&mut self) -> Option<ShardHead> {
        loop {
            match self.journal.head(self.head.shard).await {
                Ok(head) => return Some(head),
                Err(why) => {
                    self.go_stale(&why);
                    self.before_reading_again().await?;
                }
            }
        }
    }

    /// Waits a little; none when the server stops meanwhile.
    async fn before_reading_again(&self) -> Option<()> {
        self.stop.run_until_cancelled(self.clock.sleep_until(self.clock.now() + READ_AGAIN_AFTER)).await
    }

    /// Somebody else wrote, or nobody knows who did: all of the shard in memory is void.
    async fn lose(&mut self, waiting: Vec<Answer>) -> Fate {
        error!(shard = %self.head.shard, "what is in memory of shard {} is void; its agents are dropped", self.head.shard);
        metrics::counter!("intervalo_shards_lost_total").increment(1);
        for (tenant, line) in &self.tenants {
            line.desk.close();
            self.registry.discard(tenant);
        }
        tell(waiting, Err(NotAppended::Lost));
        match self.read_head().await {
            Some(found) if found.epoch == self.head.epoch => self.reload().await,
            Some(_) | None => {
                self.go_stale(&"it is another server's");
                Fate::Lost
            }
        }
    }

    /// The shard is still this node's: memory is built anew from what is durable.
    async fn reload(&mut self) -> Fate {
        let snapshot = loop {
            match self.journal.snapshot(self.head.shard).await {
                Ok(snapshot) => break snapshot,
                Err(why) => {
                    warn!(shard = %self.head.shard, "shard {} cannot be read yet: {why}", self.head.shard);
                    if self.before_reading_again().await.is_none() {
                        return Fate::Lost;
                    }
                }
            }
        };
        if snapshot.head.epoch != self.head.epoch {
            // Somebody took it over since the head was read.
            self.go_stale(&"it is another server's");
            return Fate::Lost;
        }
        self.head = snapshot.head;
        self.stale_since = None;
        for tenant in snapshot.tenants {
            let id = tenant.directory.tenant.id.clone();
            let (directory, policy) = (Arc::clone(&tenant.directory), Arc::clone(&tenant.policy));
            let plans = Arc::clone(&tenant.plans);
            let Some(line) = self.tenants.get_mut(&id) else {
                // It came with an append whose outcome nobody knew.
                let (slots, people) = (Arc::default(), RecentPeople::default());
                let facts = TenantFacts { directory, policy, plans, slots, people };
                self.open_tenant(&facts, tenant.head, tenant.credentials);
                continue;
            };
            line.head = tenant.head;
            line.desk.reached(tenant.head);
            let mut standings = BTreeMap::new();
            for (agent, record, _) in current_states(tenant) {
                note_standing(&mut standings, &agent, &record.agent);
                // Who is woken while memory is void is not woken again: nobody is before it is not.
                self.registry.rest(Key { tenant: id.clone(), agent }, record, None);
            }
            line.slots = Slots::new(standings, &policy, &directory);
            let slots = Arc::clone(line.slots.counts());
            let people = RecentPeople::default();
            line.desk.put_in_force(TenantFacts { directory, policy, plans, slots, people });
            line.desk.reopen();
            ask_anew(&self.registry, &line.desk, self.ready_at, self.clock.now());
        }
        self.tell_heads();
        self.tell_all(&Feed::Fresh);
        Fate::Owned
    }

    async fn refuse_the_rest(&self, intake: &mut mpsc::Receiver<Intake>) {
        intake.close();
        while let Some(left) = intake.recv().await {
            let reply = match left {
                Intake::Append(append) => append.reply,
                Intake::Publish(publish) => publish.reply,
                Intake::Found(found) => found.reply,
            };
            let _ = reply.send(Err(NotAppended::Lost));
        }
    }

    fn tell_heads(&self) {
        for (tenant, line) in &self.tenants {
            self.bus.publish(self.head.shard, tenant, Feed::Head(line.head));
        }
    }

    fn tell_all(&self, message: &Feed) {
        for tenant in self.tenants.keys() {
            self.bus.publish(self.head.shard, tenant, message.clone());
        }
    }
}

/// Asks all of a tenant who rest for their next deadline, under what is in force.
fn ask_anew(registry: &Registry, desk: &Desk, ready_at: Timestamp, now: Timestamp) {
    let facts = desk.facts();
    registry.ask_anew(&desk.tenant, |id, agent| {
        let wake_at = wake_at(agent, id, &facts, ready_at, now);
        // What was overdue may have been written after all, or is due no more.
        if wake_at.is_none_or(|at| at > now) {
            desk.is_up_to_date(id);
        }
        wake_at
    });
}
