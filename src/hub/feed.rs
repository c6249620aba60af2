//! The reader of a tenant's feed: puts what arrives in order, drops what is old, and reads from the
//! journal what is missing.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::seed::seed_rows;
use super::tenant::Tenant;
use super::view::Cut;
use crate::domain::id::{TenantId, TenantSeq};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::ports::{Bus, Clock, Committed, Delivery, Feed, Journal, ReadError, ShardId, Subscription, TenantSnapshot};

/// How many batches that arrived too early are kept until what is before them arrives; with more,
/// the journal is read at once.
pub const EARLY_MAX: usize = 64;
/// How long a gap may last before the journal is read: longer than messages overtake each other by,
/// and short against the heartbeat within which a gap must be repaired.
pub const GAP_WAIT: Duration = Duration::from_millis(100);
/// How many batches that have come are taken up before boards are told of them.
const TAKEN_AT_ONCE_MAX: usize = 64;
/// How long to wait before the journal is read again after it could not be, and before a feed that
/// ended is subscribed to again.
pub const REPAIR_RETRY: Duration = Duration::from_millis(500);

/// Reads one tenant's feed for as long as the hub runs.
pub(super) struct FeedReader {
    tenant: Arc<Tenant>,
    shard: ShardId,
    subscription: Box<dyn Subscription>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    /// Batches that begin after the head, by where they begin.
    early: BTreeMap<TenantSeq, Arc<Committed>>,
    /// The furthest number heard of.
    heard: TenantSeq,
    /// When the journal is to be read; none when nothing is missing.
    repair_at: Option<Timestamp>,
    /// The feed said that it lost something, or was left for a while: the numbers alone do not tell.
    missed: bool,
    /// True after a panic: what the views have is not trusted.
    start_over: bool,
}

/// What wakes the reader.
enum Input {
    Delivery(Option<Delivery>),
    RepairDue,
    /// Boards are to be told something, or somebody else has moved the table.
    CutDue,
    Stop,
}

impl FeedReader {
    pub(super) fn new(
        tenant: Arc<Tenant>,
        shard: ShardId,
        subscription: Box<dyn Subscription>,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
    ) -> FeedReader {
        let heard = tenant.state().table.head();
        let early = BTreeMap::new();
        FeedReader {
            tenant,
            shard,
            subscription,
            journal,
            clock,
            early,
            heard,
            repair_at: None,
            missed: false,
            start_over: false,
        }
    }

    /// Reads until `stop`. A panic is confined to what was being handled: the tenant's rows are then
    /// read from the journal and every board begins anew.
    pub(super) async fn run(mut self, bus: Arc<dyn Bus>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match AssertUnwindSafe(self.read(&stop)).catch_unwind().await {
                Ok(()) if stop.is_cancelled() => return,
                Ok(()) => warn!(tenant.id = %self.tenant.id, "the feed of tenant {} ended", self.tenant.id),
                Err(_) => {
                    error!(tenant.id = %self.tenant.id, "the feed of tenant {} panicked; starting over", self.tenant.id);
                    self.start_over = true;
                }
            }
            let again_at = self.clock.now() + REPAIR_RETRY;
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(again_at) => {}
            }
            self.subscription = bus.subscribe(self.shard, &self.tenant.id);
            self.early.clear();
            self.on_missed();
        }
    }

    async fn read(&mut self, stop: &CancellationToken) {
        loop {
            match self.next_input(stop).await {
                Input::Delivery(Some(delivery)) => {
                    self.on_delivery(delivery);
                    self.take_what_has_come();
                }
                Input::RepairDue => self.repair().await,
                Input::CutDue => {}
                Input::Delivery(None) | Input::Stop => return,
            }
            self.tell_what_is_due().await;
        }
    }

    fn on_delivery(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Message(message) => self.on_message(message),
            Delivery::Missed => self.on_missed(),
        }
    }

    /// What came while boards were told of what was before it is told in one frame. The end of the feed, should it come here, comes again.
    fn take_what_has_come(&mut self) {
        for _ in 0..TAKEN_AT_ONCE_MAX {
            if self.tenant.state().is_full() {
                return;
            }
            match self.subscription.next().now_or_never() {
                Some(Some(delivery)) => self.on_delivery(delivery),
                Some(None) | None => return,
            }
        }
    }

    async fn tell_what_is_due(&mut self) {
        let now = self.clock.now();
        let cuts = self.tenant.state().cut_what_is_due(now);
        for cut in cuts {
            cut.tell(&*self.clock).await;
        }
    }

    fn on_missed(&mut self) {
        self.missed = true;
        self.repair_at = Some(self.clock.now());
    }

    async fn next_input(&mut self, stop: &CancellationToken) -> Input {
        let until = |at: Option<Timestamp>| {
            let sleep = at.map(|at| self.clock.sleep_until(at));
            async {
                match sleep {
                    Some(sleep) => sleep.await,
                    None => std::future::pending().await,
                }
            }
        };
        let (repair_due, cut_due) = (until(self.repair_at), until(self.tenant.state().next_cut()));
        tokio::select! {
            biased;
            () = stop.cancelled() => Input::Stop,
            () = repair_due => Input::RepairDue,
            () = cut_due => Input::CutDue,
            () = self.tenant.nudged() => Input::CutDue,
            delivery = self.subscription.next() => Input::Delivery(delivery),
        }
    }

    fn on_message(&mut self, message: Feed) {
        match message {
            Feed::Committed(committed) => self.on_committed(committed),
            Feed::Head(head) => self.heard = self.heard.max(head),
            Feed::Stale(since) => self.tenant.state().set_feed_stale(Some(since)),
            Feed::Fresh => self.tenant.state().set_feed_stale(None),
        }
        self.look_for_gap();
    }

    fn on_committed(&mut self, committed: Arc<Committed>) {
        self.heard = self.heard.max(committed.to);
        let now = self.clock.now();
        let mut state = self.tenant.state();
        let head = state.table.head();
        if committed.to <= head {
            return;
        }
        if committed.from > head {
            drop(state);
            if self.early.len() < EARLY_MAX {
                self.early.insert(committed.from, committed);
            } else {
                Limit::EarlyBatches.reached();
                self.repair_at = Some(self.clock.now());
            }
            return;
        }
        state.commit(&committed, now);
        // What was committed after the store went away says that it is back.
        state.set_feed_stale(None);
        drop(state);
        self.take_early();
    }

    /// Takes up what follows on from the head among what came early.
    fn take_early(&mut self) {
        let now = self.clock.now();
        while let Some(first) = self.early.first_entry() {
            let mut state = self.tenant.state();
            if *first.key() > state.table.head() {
                return;
            }
            let committed = first.remove();
            if committed.to > state.table.head() {
                state.commit(&committed, now);
            }
            if state.is_full() {
                state.cut_what_is_due(now).iter().for_each(Cut::wake);
            }
        }
    }

    /// Something is missing when more was heard of than the table has.
    fn look_for_gap(&mut self) {
        let complete = self.heard <= self.tenant.state().table.head();
        if complete && !self.missed && !self.start_over {
            self.repair_at = None;
        } else if self.repair_at.is_none() {
            self.repair_at = Some(self.clock.now() + GAP_WAIT);
        }
    }

    async fn repair(&mut self) {
        // Not a method: the subscription is not to be shared over the wait.
        let snapshot = tenant_snapshot(Arc::clone(&self.journal), self.shard, self.tenant.id.clone()).await;
        match snapshot {
            Ok(Some(snapshot)) => self.take_snapshot(&snapshot),
            Ok(None) => self.repair_failed(&format!("shard {} has no such tenant", self.shard)),
            Err(failure) => self.repair_failed(&failure.to_string()),
        }
    }

    fn take_snapshot(&mut self, snapshot: &TenantSnapshot) {
        let rows = seed_rows(snapshot);
        {
            let mut state = self.tenant.state();
            if self.start_over {
                state.start_over(snapshot.head, &snapshot.directory, rows);
            } else {
                state.repair(snapshot.head, &snapshot.directory, rows, self.clock.now());
            }
            // The store answers; a `Fresh` may have been among what was missed.
            state.set_repair_stale(None);
            if self.missed {
                state.set_feed_stale(None);
            }
            info!(tenant.id = %self.tenant.id, "tenant {} was repaired from the journal at {}", self.tenant.id, snapshot.head);
        }
        self.start_over = false;
        self.missed = false;
        self.repair_at = None;
        self.take_early();
        self.look_for_gap();
    }

    fn repair_failed(&mut self, why: &str) {
        warn!(tenant.id = %self.tenant.id, "tenant {} could not be repaired: {why}", self.tenant.id);
        let now = self.clock.now();
        self.tenant.state().set_repair_stale(Some(now));
        self.repair_at = Some(now + REPAIR_RETRY);
    }
}

async fn tenant_snapshot(
    journal: Arc<dyn Journal>,
    shard: ShardId,
    tenant: TenantId,
) -> Result<Option<TenantSnapshot>, ReadError> {
    let snapshot = journal.snapshot(shard).await?;
    Ok(snapshot.tenants.into_iter().find(|found| found.directory.tenant.id == tenant))
}
