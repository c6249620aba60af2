//! A house for the core: the journal in memory, a feed, a small company, and a clock on paused time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use intervalo::actor::core::TenantSeed;
use intervalo::actor::{CommandError, Core, CoreParts, Notice, Reply, SessionLink};
use intervalo::cluster::{LocalBus, LocalPlacement};
use intervalo::domain::agent::Agent;
use intervalo::domain::command::{Actor, Command, PauseAtSignOut, Rejection, Request};
use intervalo::domain::directory::{Directory, Person};
use intervalo::domain::event::{AgentEvent, Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{
    AgentId, Op, PauseId, PauseTypeCode, PolicyVersion, PrincipalId, SessionId, TenantId, TenantSeq,
};
use intervalo::domain::policy::PauseType;
use intervalo::domain::presence::AgentView;
use intervalo::domain::time::Timestamp;
use intervalo::ports::{
    Bus, Clock, Committed, Delivery, Entry, EntryBody, Feed, Journal, ShardId, ShardSeq, Subscription, TenantDefinition,
};
use intervalo::router::Router;
use intervalo::store::MemoryJournal;
use intervalo::sync::{Receiver, queue};

use crate::clock::TokioClock;
use crate::company::{found, later, policy, tenant};

/// A company of four on a core.
pub(crate) struct House {
    pub(crate) tenant: TenantId,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) core: Arc<Core>,
    pub(crate) router: Router,
    clock: Arc<dyn Clock>,
    bus: Arc<FragileBus>,
    shard: ShardId,
    seeds: Vec<TenantSeed>,
    panics: Arc<AtomicBool>,
    sessions: AtomicU64,
}

/// A bus that panics once when it is told to.
#[derive(Default)]
struct FragileBus {
    bus: LocalBus,
    breaks: AtomicBool,
}

impl Bus for FragileBus {
    fn publish(&self, shard: ShardId, tenant: &TenantId, message: Feed) {
        assert!(!self.breaks.swap(false, Ordering::SeqCst), "a planted panic");
        self.bus.publish(shard, tenant, message);
    }

    fn subscribe(&self, shard: ShardId, tenant: &TenantId) -> Box<dyn Subscription> {
        self.bus.subscribe(shard, tenant)
    }
}

/// One socket, from the agent's side.
pub(crate) struct Link {
    agent: AgentId,
    pub(crate) id: SessionId,
    /// What the session was opened with.
    pub(crate) opened: Arc<AgentView>,
    notices: Receiver<Box<Notice>>,
}

impl Link {
    /// The next notice; none when the actor has let go.
    pub(crate) async fn notice(&mut self) -> Option<Notice> {
        self.notices.recv().await.map(|notice| *notice)
    }

    /// A notice that is there already.
    pub(crate) fn waiting(&mut self) -> Option<Notice> {
        self.notices.try_recv().map(|notice| *notice)
    }
}

impl House {
    pub(crate) async fn open() -> House {
        let journal = Arc::new(MemoryJournal::new(7));
        found(&journal).await;
        House::on(journal, Arc::new(TokioClock::new())).await
    }

    /// The same on a clock of the test's.
    pub(crate) async fn open_on(clock: Arc<dyn Clock>) -> House {
        let journal = Arc::new(MemoryJournal::new(7));
        found(&journal).await;
        House::on(journal, clock).await
    }

    async fn on(journal: Arc<MemoryJournal>, clock: Arc<dyn Clock>) -> House {
        let bus = Arc::new(FragileBus::default());
        let panics = Arc::new(AtomicBool::new(false));
        let (next, armed) = (AtomicU64::new(clock.now().0.unsigned_abs()), Arc::clone(&panics));
        let parts = CoreParts {
            journal: Arc::clone(&journal) as _,
            placement: Arc::new(LocalPlacement),
            bus: Arc::clone(&bus) as _,
            clock: Arc::clone(&clock),
            fresh_id: Arc::new(move |_, _, _| {
                assert!(!armed.swap(false, Ordering::SeqCst), "a planted panic");
                PauseId(u128::from(next.fetch_add(1, Ordering::SeqCst)))
            }),
        };
        let (core, seeds) = Core::take_up(parts).await.expect("taken up");
        core.open();
        let core = Arc::new(core);
        let tenant = tenant();
        House {
            router: Router::new(Arc::clone(&core)),
            shard: ShardId::of_new_tenant(&tenant),
            tenant,
            journal,
            core,
            clock,
            bus,
            seeds,
            panics,
            sessions: AtomicU64::new(1),
        }
    }

    /// As after a crash: a new core on what is durable.
    pub(crate) async fn restart(self) -> House {
        self.restart_after(Duration::ZERO).await
    }

    /// The same, after the server was down for a while. The actors of before can write nothing: they
    /// are fenced.
    pub(crate) async fn restart_after(self, down: Duration) -> House {
        let clock = Arc::clone(&self.clock);
        let journal = self.crash().await;
        clock.sleep_until(clock.now() + down).await;
        House::on(journal, clock).await
    }

    /// The same with a clock that is made for the start, not before what is on record.
    pub(crate) async fn restart_on(self, clock: impl FnOnce(Timestamp) -> Arc<dyn Clock>) -> House {
        let shard = self.shard;
        let journal = self.crash().await;
        let last_at = journal.snapshot(shard).await.expect("a snapshot").tenants.first().expect("a tenant").last_at;
        House::on(journal, clock(last_at)).await
    }

    async fn crash(self) -> Arc<MemoryJournal> {
        self.journal.crash();
        let journal = Arc::new(self.journal.reopen());
        self.core.close().await;
        journal
    }

    /// Lets time pass: it does once everybody waits for something.
    pub(crate) async fn pass(&self, span: Duration) {
        self.clock.sleep_until(self.clock.now() + span).await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn connect(&self, agent: &str) -> Link {
        self.try_connect(agent).await.expect("attached")
    }

    pub(crate) async fn try_connect(&self, agent: &str) -> Result<Link, CommandError> {
        let id = SessionId(self.sessions.fetch_add(1, Ordering::SeqCst));
        let (sender, notices) = queue(64);
        let link = SessionLink { id, notices: sender, answered_at: Arc::new(AtomicI64::new(0)) };
        let agent = later(agent);
        let opened = self.router.attach(&self.tenant, &agent, link).await?;
        let mut link = Link { agent, id, opened, notices };
        // Its own sign-in is no news to it.
        while link.waiting().is_some() {}
        Ok(link)
    }

    pub(crate) async fn disconnect(&self, link: Link) {
        self.router.detach(&self.tenant, &link.agent, link.id).await;
    }

    pub(crate) async fn execute(&self, agent: &str, command: impl Into<Wish>) -> Result<Reply, CommandError> {
        let Wish { command, op } = command.into();
        let agent = later(agent);
        let actor = Actor::Agent(agent.clone());
        let request = Request { command, actor, reason: None, op, expected_version: None };
        self.router.execute(&self.tenant, &agent, request).await
    }

    pub(crate) async fn execute_as_supervisor(&self, agent: &str, command: Command) -> Result<Reply, CommandError> {
        let actor = Actor::Supervisor(PrincipalId::new("sofia").expect("an id"));
        let reason = Some("the queue is long".to_owned());
        let request = Request { command, actor, reason, op: None, expected_version: None };
        self.router.execute(&self.tenant, &later(agent), request).await
    }

    /// Publishes the policy without one of its types.
    pub(crate) async fn publish_without(&self, code: &str) -> Result<(), CommandError> {
        self.publish_type(code, |kind| kind.enabled = false).await
    }

    /// Publishes the first policy with a change of one of its types.
    pub(crate) async fn publish_type(
        &self,
        code: &str,
        change: impl FnOnce(&mut PauseType),
    ) -> Result<(), CommandError> {
        let mut policy = policy();
        policy.version = PolicyVersion(2);
        let code = PauseTypeCode::new(code).expect("a code");
        change(Arc::make_mut(policy.types.get_mut(&code).expect("a type")));
        let event = TenantEvent {
            at: self.clock.now(),
            actor: Actor::System,
            cause: Cause::Admin,
            op: None,
            body: TenantEventBody::PolicyPublished { version: policy.version, reason: None },
        };
        self.core.publish(&self.tenant, event, TenantDefinition::Policy(Arc::new(policy))).await
    }

    /// Publishes the directory with somebody marked as gone.
    pub(crate) async fn publish_departure(&self, agent: &str) {
        let left_at = Some(self.clock.now());
        self.publish_directory(|directory| {
            let person = directory.agents.get_mut(&later(agent)).expect("a person");
            *person = Arc::new(Person { left_at, ..(**person).clone() });
        })
        .await;
    }

    /// Publishes the directory in force with a change.
    pub(crate) async fn publish_directory(&self, change: impl FnOnce(&mut Directory)) {
        let in_force = self.router.tenant(&self.tenant).expect("a tenant");
        let mut directory = (*in_force.directory).clone();
        directory.version = directory.version.next();
        change(&mut directory);
        let body = TenantEventBody::DirectoryChanged { version: directory.version, added: 0, changed: 0, removed: 1 };
        let event = TenantEvent { at: self.clock.now(), actor: Actor::System, cause: Cause::Admin, op: None, body };
        let definition = TenantDefinition::Directory(Arc::new(directory));
        self.core.publish(&self.tenant, event, definition).await.expect("published");
    }

    pub(crate) async fn sign_out_session(&self, agent: &str, session: SessionId) {
        let agent = later(agent);
        let request = Request {
            command: Command::SignOut { pause: PauseAtSignOut::KeepEntitlement },
            actor: Actor::Agent(agent.clone()),
            reason: None,
            op: None,
            expected_version: None,
        };
        self.router.sign_out_session(&self.tenant, &agent, session, request).await.expect("signed out");
    }

    pub(crate) fn feed(&self) -> Box<dyn Subscription> {
        self.bus.subscribe(self.shard, &self.tenant)
    }

    pub(crate) fn panic_on_next_publication(&self) {
        self.bus.breaks.store(true, Ordering::SeqCst);
    }

    pub(crate) fn panic_on_next_id(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    /// True when boards may not be shown anything yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.seeds.first().expect("a tenant").is_behind
    }

    /// Waits until what fell due while the server was down is on record.
    pub(crate) async fn caught_up(&self) -> TenantSeq {
        self.core.caught_up(&self.tenant).await.expect("a tenant")
    }

    async fn entries(&self) -> Vec<Entry> {
        let stored = self.journal.read(self.shard, ShardSeq(0), 100_000).await.expect("read");
        stored.into_iter().map(|stored| stored.entry).collect()
    }

    pub(crate) async fn events(&self, agent: &str) -> Vec<AgentEvent> {
        let wanted = later(agent);
        let of_agent = |entry: Entry| match entry.body {
            EntryBody::Agent { agent, event, .. } if agent == wanted => Some((*event).clone()),
            EntryBody::Agent { .. } | EntryBody::Tenant { .. } => None,
        };
        self.entries().await.into_iter().filter_map(of_agent).collect()
    }

    pub(crate) async fn names(&self, agent: &str) -> Vec<String> {
        self.events(agent).await.iter().map(|event| event.body.name().to_owned()).collect()
    }

    /// The stored state.
    pub(crate) async fn state(&self, agent: &str) -> Agent {
        let snapshot = self.journal.snapshot(self.shard).await.expect("a snapshot");
        let rows = &snapshot.tenants.first().expect("a tenant").states;
        rows.iter().find(|row| row.agent == later(agent)).expect("a state").record.agent.clone()
    }

    /// The stored states are the fold of the stored events.
    pub(crate) async fn check_fold(&self) {
        let mut folded: BTreeMap<AgentId, Agent> = BTreeMap::new();
        for entry in self.entries().await {
            match entry.body {
                EntryBody::Agent { agent, event, .. } => {
                    let state = folded.entry(agent.clone()).or_insert_with(|| Agent::unseen(agent));
                    state.apply(&event).expect("a legal event");
                }
                EntryBody::Tenant { event, .. } => {
                    if let TenantEventBody::ServerStarted { grace_until, moved } = event.body {
                        for state in folded.values_mut() {
                            state.on_clock_moved(moved);
                            state.on_server_started(event.at, grace_until);
                        }
                    }
                }
            }
        }
        let snapshot = self.journal.snapshot(self.shard).await.expect("a snapshot");
        let tenant = snapshot.tenants.first().expect("a tenant");
        let mut checked = 0;
        for row in &tenant.states {
            let mut stored = row.record.agent.clone();
            if let Some((seq, event)) = &tenant.server_started
                && row.last_seq < *seq
                && let TenantEventBody::ServerStarted { grace_until, .. } = event.body
            {
                stored.on_server_started(event.at, grace_until);
            }
            assert_eq!(Some(&stored), folded.get(&row.agent), "{}", row.agent);
            checked += 1;
        }
        assert_eq!(checked, folded.len());
        self.journal.verify().expect("the chain holds");
    }

    /// Numbers are 1, 2, 3 … per agent and per tenant.
    pub(crate) async fn check_numbers(&self) {
        let mut agents: BTreeMap<AgentId, u64> = BTreeMap::new();
        for (at, entry) in self.entries().await.into_iter().enumerate() {
            assert_eq!(entry.seq, TenantSeq(at as u64 + 1));
            if let EntryBody::Agent { agent, agent_seq, .. } = entry.body {
                let last = agents.entry(agent).or_default();
                *last += 1;
                assert_eq!(agent_seq.0, *last);
            }
        }
    }
}

/// A command, and the op that it may carry.
pub(crate) struct Wish {
    command: Command,
    op: Option<Op>,
}

impl From<Command> for Wish {
    fn from(command: Command) -> Wish {
        Wish { command, op: None }
    }
}

pub(crate) fn with_op(command: Command, op: u128) -> Wish {
    Wish { command, op: Some(Op(op)) }
}

/// The next commit on a feed; heads in between are skipped.
pub(crate) async fn committed(feed: &mut Box<dyn Subscription>) -> Arc<Committed> {
    loop {
        match feed.next().await {
            Some(Delivery::Message(Feed::Committed(committed))) => return committed,
            Some(Delivery::Message(Feed::Head(_))) => {}
            other => panic!("no commit: {other:?}"),
        }
    }
}

/// The code of a refusal.
pub(crate) fn refusal(error: CommandError) -> &'static str {
    let CommandError::Rejected { rejection: Rejection::Refused(refusal), .. } = error else {
        panic!("not refused: {error:?}")
    };
    refusal.code()
}
