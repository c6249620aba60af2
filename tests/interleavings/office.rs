//! The company of four on the real core, with a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use intervalo::actor::{CommandError, Core, CoreParts, Notice, Reply, SessionLink};
use intervalo::cluster::{LocalBus, LocalPlacement};
use intervalo::domain::command::{Actor, Command, Request};
use intervalo::domain::id::{PauseId, SessionId, TenantSeq};
use intervalo::ports::{Entry, EntryBody, Journal, ShardId, ShardSeq};
use intervalo::router::Router;
use intervalo::store::MemoryJournal;
use intervalo::sync::{Receiver, queue};

use super::company::{found, later, tenant};
use super::still_clock::StillClock;

/// The clock's pace while messages are offered anew; commands have 5 s.
const STEP: Duration = Duration::from_millis(5);
/// Fewer steps than a command has time, so that none may end for want of it.
const STEPS_MAX: u32 = 900;

/// The core, and the way into it.
pub(crate) struct Office {
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) core: Arc<Core>,
    pub(crate) router: Router,
}

/// What is left of a socket: it lives as long as this.
pub(crate) struct Socket {
    pub(crate) notices: Receiver<Box<Notice>>,
}

/// The clock moves on until this is stopped.
pub(crate) struct Ticking {
    done: Arc<AtomicBool>,
    task: shuttle::future::JoinHandle<()>,
}

impl Ticking {
    pub(crate) async fn stop(self) {
        self.done.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
    }
}

impl Office {
    pub(crate) async fn open() -> Arc<Office> {
        let journal = Arc::new(MemoryJournal::new(7));
        found(&journal).await;
        Office::on(journal, Arc::new(StillClock::new())).await
    }

    /// As after a crash, some time later.
    pub(crate) async fn again(&self, later: Duration) -> Arc<Office> {
        self.close().await;
        self.journal.crash();
        self.clock.advance(later);
        Office::on(Arc::new(self.journal.reopen()), Arc::clone(&self.clock)).await
    }

    async fn on(journal: Arc<MemoryJournal>, clock: Arc<StillClock>) -> Arc<Office> {
        let ids = AtomicU64::new(1);
        let parts = CoreParts {
            journal: Arc::clone(&journal) as _,
            placement: Arc::new(LocalPlacement),
            bus: Arc::new(LocalBus::new()),
            clock: Arc::clone(&clock) as _,
            fresh_id: Arc::new(move |_, _, _| PauseId(u128::from(ids.fetch_add(1, Ordering::SeqCst)))),
        };
        let (core, _) = Core::take_up(parts).await.expect("taken up");
        core.open();
        let core = Arc::new(core);
        Arc::new(Office { journal, clock, router: Router::new(Arc::clone(&core)), core })
    }

    /// Moves the clock on in small steps, while others do what they do.
    pub(crate) fn tick(self: &Arc<Self>) -> Ticking {
        let (office, done) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&done);
        let task = shuttle::future::spawn(async move {
            for _ in 0..STEPS_MAX {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                shuttle::future::yield_now().await;
                office.clock.advance(STEP);
            }
        });
        Ticking { done, task }
    }

    pub(crate) async fn connect(&self, agent: &str, session: u64) -> Result<Socket, CommandError> {
        let (sender, notices) = queue(64);
        let link = SessionLink { id: SessionId(session), notices: sender, answered_at: Arc::new(AtomicI64::new(0)) };
        self.router.attach(&tenant(), &later(agent), link).await?;
        Ok(Socket { notices })
    }

    pub(crate) async fn execute(&self, agent: &str, command: Command) -> Result<Reply, CommandError> {
        let agent = later(agent);
        let actor = Actor::Agent(agent.clone());
        let request = Request { command, actor, reason: None, op: None, expected_version: None };
        self.router.execute(&tenant(), &agent, request).await
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let shard = ShardId::of_new_tenant(&tenant());
        let stored = self.journal.read(shard, ShardSeq(0), 10_000).await.expect("read");
        stored.into_iter().map(|stored| stored.entry).collect()
    }

    /// Ends, and holds the journal to its chain, its numbers and its fold.
    pub(crate) async fn close(&self) {
        self.core.close().await;
        self.journal.verify().unwrap_or_else(|fault| panic!("the journal does not hold: {fault:?}"));
        for (at, entry) in self.entries().await.iter().enumerate() {
            assert_eq!(entry.seq, TenantSeq(at as u64 + 1), "numbers are dense");
            if let EntryBody::Agent { agent_seq, .. } = &entry.body {
                assert!(agent_seq.0 > 0);
            }
        }
    }
}
