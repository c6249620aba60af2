//! The core as one value: desks, sequencers, actors, and the way to each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::desk::{Desk, TenantFacts};
use super::founding::{Found, Founding, Welcome};
use super::handle::{AgentHandle, Message, NotSent};
use super::lines::{Line, Lines};
use super::registry::{Key, Registry};
use super::reply::{CommandError, RETRY_AFTER};
use super::rest::wake_at;
pub use super::revival::RevivalError;
use super::revival::{RevivedTenant, revive};
use super::shard::{Intake, NotAppended, Publish, Sequencer, ShardHandle, TenantLine};
use crate::domain::access::Credential;
use crate::domain::agent::Agent;
use crate::domain::command::Actor;
use crate::domain::directory::Directory;
use crate::domain::event::{TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, Op, PauseId, RequestId, TenantId, TenantSeq};
use crate::domain::occupancy::Report;
use crate::domain::op::OP_REMEMBERED_FOR;
use crate::domain::record::{RecordedPause, RecordedRequest};
use crate::domain::time::Timestamp;
use crate::hub::SeedRow;
use crate::limits::{Kept, Limit};
use crate::ports::{Bus, Clock, Journal, Owner, Placement, ShardHead, ShardId, TenantDefinition};
use crate::sync::spawn_on;

/// A command that is not answered within this is answered `unavailable` (promise B4).
pub(super) const COMMAND_WITHIN: Duration = Duration::from_secs(5);

/// How often a message is offered anew to an agent whose actor is just going to rest.
pub(super) const OFFERS_MAX: usize = 200;

/// How long between two such offers.
pub(super) const OFFER_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// How many agents at rest may be on their way to what is due at once. A batch of so many has a few events each and
/// is written within tens of milliseconds, which is what a command that comes in between waits; with two batches'
/// worth, one gathers while the other is written.
pub(super) const ERRANDS_MAX: usize = 512;

/// What an agent that was woken for a deadline holds until that is durable.
pub(super) type Errand = OwnedSemaphorePermit;

/// Makes ids for what an agent of a tenant begins: unique, and ordered by the time given.
pub type FreshId = Arc<dyn Fn(&TenantId, &AgentId, Timestamp) -> PauseId + Send + Sync>;

/// What the core is built on.
pub struct CoreParts {
    /// The truth.
    pub journal: Arc<dyn Journal>,
    /// Who owns which shard.
    pub placement: Arc<dyn Placement>,
    /// Carries what is committed to the boards.
    pub bus: Arc<dyn Bus>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub fresh_id: FreshId,
}

/// What every actor is given.
pub(super) struct Env {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) registry: Arc<Registry>,
    pub(super) fresh_id: FreshId,
    pub(super) ready_at: Timestamp,
}

impl Env {
    /// When an agent at rest is to be woken.
    pub(super) fn wake_at(&self, facts: &TenantFacts, id: &AgentId, agent: &Agent) -> Option<Timestamp> {
        wake_at(agent, id, facts, self.ready_at, self.clock.now())
    }
}

/// A tenant's rows as they stood when the core was taken up, for the boards.
pub struct TenantSeed {
    /// The shard that feeds it.
    pub shard: ShardId,
    /// The number of its last event.
    pub head: TenantSeq,
    /// The directory in force.
    pub directory: Arc<Directory>,
    /// Who may come in.
    pub credentials: Arc<[Credential]>,
    /// The public rows of all agents that ever had an event.
    pub rows: Vec<SeedRow>,
    /// True when something fell due while the server was down: no row may be shown before
    /// [`Core::caught_up`] has answered.
    pub is_behind: bool,
}

/// Desks, sequencers and actors.
pub struct Core {
    pub(super) env: Arc<Env>,
    placement: Arc<dyn Placement>,
    bus: Arc<dyn Bus>,
    pub(super) lines: Arc<Lines>,
    /// Of each shard that has a sequencer: those with a tenant, and those on which one was to be made.
    shards: tokio::sync::Mutex<BTreeMap<ShardId, ShardHandle>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// What is started by [`Core::open`].
    unopened: Mutex<Option<Unopened>>,
}

struct Unopened {
    sequencers: Vec<(Sequencer, mpsc::Receiver<Intake>)>,
    overdue: usize,
}

impl Core {
    /// Takes up what is durable and records the start. Nothing runs until [`Core::open`].
    ///
    /// # Errors
    /// [`RevivalError`] when the store cannot be read or written.
    pub async fn take_up(parts: CoreParts) -> Result<(Core, Vec<TenantSeed>), RevivalError> {
        let ready_at = parts.clock.now();
        let registry = Arc::new(Registry::default());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let env = Arc::new(Env {
            journal: Arc::clone(&parts.journal),
            clock: Arc::clone(&parts.clock),
            registry: Arc::clone(&registry),
            fresh_id: parts.fresh_id,
            ready_at,
        });
        let lines = Arc::new(Lines::new(Arc::clone(&env), tasks.clone()));
        let core = Core {
            env,
            placement: parts.placement,
            bus: parts.bus,
            lines,
            shards: tokio::sync::Mutex::default(),
            tasks,
            stop,
            unopened: Mutex::new(None),
        };
        let (mut desks, mut shards, mut seeds) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut unopened = Unopened { sequencers: Vec::new(), overdue: 0 };
        for head in parts.journal.heads().await? {
            let revived = revive(&*parts.journal, head, ready_at, &registry).await?;
            let (shard, intake) = ShardHandle::new();
            let mut tenants = BTreeMap::new();
            for RevivedTenant { id, head, facts, credentials, rows, overdue, slots, .. } in revived.tenants {
                unopened.overdue += overdue.len();
                let (directory, is_behind) = (Arc::clone(&facts.directory), !overdue.is_empty());
                seeds.push(TenantSeed { shard: revived.head.shard, head, directory, credentials, rows, is_behind });
                let desk = Arc::new(Desk::new(id.clone(), revived.head.shard, facts, head, overdue));
                tenants.insert(id, TenantLine { desk: Arc::clone(&desk), head, slots });
                desks.push((desk, shard.clone()));
            }
            shards.insert(revived.head.shard, shard.clone());
            unopened.sequencers.push((core.sequencer(revived.head, tenants, shard), intake));
        }
        core.lines.begin_with(desks);
        Ok((Core { shards: shards.into(), unopened: Mutex::new(Some(unopened)), ..core }, seeds))
    }

    fn sequencer(&self, head: ShardHead, tenants: BTreeMap<TenantId, TenantLine>, handle: ShardHandle) -> Sequencer {
        Sequencer {
            head,
            tenants,
            journal: Arc::clone(&self.env.journal),
            bus: Arc::clone(&self.bus),
            clock: Arc::clone(&self.env.clock),
            registry: Arc::clone(&self.env.registry),
            lines: Arc::clone(&self.lines),
            handle,
            ready_at: self.env.ready_at,
            stale_since: None,
            stop: self.stop.clone(),
        }
    }

    /// Has somebody told of the tenants that come from here on, until the core is closed.
    pub fn welcome_by(&self, welcome: Arc<dyn Welcome>) {
        self.lines.welcome_by(Some(welcome));
    }

    /// Starts the sequencers, and wakes whoever is overdue, the longest overdue first.
    pub fn open(&self) {
        let unopened = self.unopened.lock().ok().and_then(|mut unopened| unopened.take());
        let Some(unopened) = unopened else { return };
        for (sequencer, intake) in unopened.sequencers {
            spawn_on(&self.tasks, sequencer.run(intake));
        }
        if unopened.overdue > 0 {
            info!(overdue = unopened.overdue, "agents are overdue; what fell due for them is being written");
        }
        let waking = wake_who_is_due(Arc::clone(&self.env), Arc::clone(&self.lines), self.stop.clone());
        spawn_on(&self.tasks, waking);
    }

    /// Waits until all is durable that fell due for a tenant's agents while the server was down; answers with the
    /// number by which it is.
    ///
    /// # Errors
    /// [`CommandError`] when the tenant is unknown.
    pub async fn caught_up(&self, tenant: &TenantId) -> Result<TenantSeq, CommandError> {
        let line = self.lines.get(tenant).ok_or(CommandError::UnknownTenant)?;
        Ok(line.desk.overdue.caught_up().await)
    }

    /// The same for whoever waits for an answer.
    ///
    /// # Errors
    /// [`CommandError`] when the tenant is unknown, or it takes longer than an answer may.
    pub(crate) async fn caught_up_in_time(&self, tenant: &TenantId) -> Result<(), CommandError> {
        let deadline = self.env.clock.sleep_until(self.env.clock.now() + COMMAND_WITHIN);
        tokio::select! {
            biased;
            caught_up = self.caught_up(tenant) => caught_up.map(|_head| ()),
            () = deadline => Err(CommandError::unavailable()),
        }
    }

    /// Commits what has arrived and ends. Whoever waits is answered.
    pub async fn close(&self) {
        self.stop.cancel();
        self.env.registry.close();
        self.tasks.close();
        self.tasks.wait().await;
        // It may know the core itself.
        self.lines.welcome_by(None);
    }

    /// The desk of a tenant; none where it is closed, or is being closed.
    pub fn desk(&self, tenant: &TenantId) -> Option<Arc<Desk>> {
        self.desk_of_any(tenant).filter(|desk| desk.is_served())
    }

    /// The desk of a tenant, be it closed.
    pub fn desk_of_any(&self, tenant: &TenantId) -> Option<Arc<Desk>> {
        self.lines.get(tenant).map(|line| Arc::clone(&line.desk))
    }

    /// The desks of all tenants, closed ones too, by the tenants' ids.
    pub fn desks(&self) -> Vec<Arc<Desk>> {
        self.lines.all().values().map(|line| Arc::clone(&line.desk)).collect()
    }

    /// How many tenants there are, closed ones too. One that is there does not go.
    pub fn tenant_count(&self) -> usize {
        self.lines.all().len()
    }

    /// When this run of the server became ready.
    pub fn ready_at(&self) -> Timestamp {
        self.env.ready_at
    }

    /// Why commands cannot be carried out, for whoever decides where to send them; none while they can.
    pub fn not_ready(&self) -> Option<String> {
        let lines = self.lines.all();
        let void = lines.iter().find(|(_, line)| line.desk.is_closed());
        let void = void.map(|(tenant, _)| format!("the agents of {tenant} are owned by another server"));
        let in_doubt = || self.env.journal.is_in_doubt().then(|| "the store is out of reach".to_owned());
        void.or_else(|| self.env.journal.broken()).or_else(in_doubt)
    }

    /// Says for `/metrics` what is kept of tenants and agents.
    pub fn measure(&self) {
        let facts: Vec<Arc<TenantFacts>> = self.desks().iter().map(|desk| desk.facts()).collect();
        let sum = |of: fn(&TenantFacts) -> usize| facts.iter().map(|facts| of(facts)).sum::<usize>();
        Kept::Tenants.is(facts.len());
        Kept::People.is(sum(|facts| facts.directory.agents.len()));
        Kept::Teams.is(sum(|facts| facts.directory.teams.len()));
        Kept::Channels.is(sum(|facts| facts.directory.channels.len()));
        Kept::PauseTypes.is(sum(|facts| facts.policy.types.len()));
        Kept::Waiting.is(sum(|facts| facts.slots.waiting()));
        let (agents, live) = self.env.registry.counts();
        Kept::Agents.is(agents);
        Kept::Actors.is(live);
        Kept::Wakes.is(self.env.registry.planned());
    }

    /// How many agents have an actor right now.
    pub fn live_agents(&self) -> usize {
        self.env.registry.live()
    }

    /// Puts a directory or policy version in force, in journal order with everybody's decisions. Of a tenant that is closed, or is
    /// being closed, only what closes it or opens it again.
    ///
    /// # Errors
    /// [`CommandError`] when the tenant is unknown, the store is out of reach, or somebody else was faster.
    pub async fn publish(
        &self,
        tenant: &TenantId,
        event: TenantEvent,
        definition: TenantDefinition,
    ) -> Result<(), CommandError> {
        let reaches_any = matches!(event.body, TenantEventBody::Closing { .. });
        let line = self.lines.get(tenant).filter(|line| reaches_any || line.desk.is_served());
        let line = line.ok_or(CommandError::UnknownTenant)?;
        self.append(&line, event, Some(definition)).await
    }

    /// Journals a tenant's event that puts nothing in force; of a closed tenant only what the server does to all of them.
    ///
    /// # Errors
    /// [`CommandError`] when the tenant is unknown, or the store is out of reach.
    pub async fn record(&self, tenant: &TenantId, event: TenantEvent) -> Result<(), CommandError> {
        let line = self.lines.get(tenant).ok_or(CommandError::UnknownTenant)?;
        self.append(&line, event, None).await
    }

    async fn append(
        &self,
        line: &Line,
        event: TenantEvent,
        definition: Option<TenantDefinition>,
    ) -> Result<(), CommandError> {
        let (reply, committed) = oneshot::channel();
        let publish = Publish { tenant: line.desk.tenant.clone(), event, definition, reply };
        appended(line.shard.offer(Intake::Publish(Box::new(publish))), committed).await
    }

    /// Makes a tenant. When it answers `Ok`, the tenant is durable and served, and whoever is to be told of it has been.
    ///
    /// # Errors
    /// [`CommandError::Overtaken`] when there is one of this id; else when it was not written, or nobody knows.
    pub async fn found(&self, founding: Founding) -> Result<(), CommandError> {
        if self.lines.get(founding.tenant()).is_some() {
            return Err(CommandError::Overtaken);
        }
        let shard = ShardId::of_new_tenant(founding.tenant());
        let deadline = self.env.clock.sleep_until(self.env.clock.now() + COMMAND_WITHIN);
        let shard = tokio::select! {
            biased;
            shard = self.shard(shard) => shard?,
            () = deadline => return Err(CommandError::unavailable()),
        };
        let (reply, committed) = oneshot::channel();
        appended(shard.offer(Intake::Found(Box::new(Found { founding, reply }))), committed).await
    }

    /// The way to a shard's sequencer. One that has no tenant gets its sequencer here.
    async fn shard(&self, shard: ShardId) -> Result<ShardHandle, CommandError> {
        let here = self.placement.owner(shard) == Owner::Here && self.placement.lease_is_fresh();
        if !here || self.stop.is_cancelled() {
            return Err(CommandError::unavailable());
        }
        let mut shards = self.shards.lock().await;
        if let Some(handle) = shards.get(&shard) {
            return Ok(handle.clone());
        }
        let head = self.env.journal.head(shard).await.map_err(|why| {
            warn!("shard {shard} cannot be read: {why}");
            CommandError::unavailable()
        })?;
        let (handle, intake) = ShardHandle::new();
        spawn_on(&self.tasks, self.sequencer(head, BTreeMap::new(), handle.clone()).run(intake));
        shards.insert(shard, handle.clone());
        Ok(handle)
    }

    /// The change of the tenant's that somebody made under an op, as long as ops are remembered (semantics §9).
    ///
    /// # Errors
    /// [`CommandError`] when the store is out of reach.
    pub async fn change_made(
        &self,
        tenant: &TenantId,
        op: Op,
        by: &Actor,
    ) -> Result<Option<TenantEvent>, CommandError> {
        let found = self.env.journal.find_change(tenant, op, by).await.map_err(|why| {
            warn!("the changes of {tenant} cannot be read: {why}");
            CommandError::unavailable()
        })?;
        let now = self.env.clock.now();
        Ok(found.filter(|event| now.since(event.at) < OP_REMEMBERED_FOR))
    }

    /// A pause of a tenant as it is on record, whoever's it is.
    ///
    /// # Errors
    /// [`CommandError`] when the store is out of reach.
    pub async fn recorded_pause(
        &self,
        tenant: &TenantId,
        pause: PauseId,
    ) -> Result<Option<RecordedPause>, CommandError> {
        self.env.journal.find_pause(tenant, pause).await.map_err(|why| {
            warn!("pause {pause} cannot be read: {why}");
            CommandError::unavailable()
        })
    }

    /// A request of somebody's that was made as long ago as an op is remembered.
    ///
    /// # Errors
    /// [`CommandError`] when the store is out of reach.
    pub async fn recorded_request(
        &self,
        tenant: &TenantId,
        request: RequestId,
    ) -> Result<Option<RecordedRequest>, CommandError> {
        let since = self.env.clock.now().minus(OP_REMEMBERED_FOR);
        self.env.journal.find_request(tenant, request, since).await.map_err(|why| {
            warn!("request {request} cannot be read: {why}");
            CommandError::unavailable()
        })
    }

    /// Asks an agent's actor something, and waits for the answer.
    pub(crate) async fn ask<T>(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            let mut message = Box::new(message(reply));
            let of_record = message.is_about_record();
            for _ in 0..OFFERS_MAX {
                let line = self.lines.get(tenant).filter(|line| line.desk.is_served());
                let line = line.ok_or(CommandError::UnknownTenant)?;
                match self.handle(&line, agent, of_record)?.offer(message) {
                    Ok(()) => return answer.await.map_err(|_| CommandError::unavailable()),
                    Err(NotSent::Full) => return Err(CommandError::Busy { retry_after: RETRY_AFTER }),
                    Err(NotSent::Gone(back)) => message = back,
                }
                self.env.clock.sleep_until(self.env.clock.now() + OFFER_AGAIN_AFTER).await;
            }
            Err(CommandError::unavailable())
        };
        let deadline = self.env.clock.sleep_until(self.env.clock.now() + COMMAND_WITHIN);
        tokio::select! {
            biased;
            answer = asked => answer,
            () = deadline => Err(CommandError::unavailable()),
        }
    }

    /// Tells an agent's actor something that must not be lost, also while the doors are shut; waits for room.
    pub(crate) async fn tell(&self, tenant: &TenantId, agent: &AgentId, message: Message) {
        let mut message = Box::new(message);
        loop {
            let Some(line) = self.lines.get(tenant) else { return };
            let Ok(handle) = self.handle(&line, agent, false) else { return };
            match handle.send(message).await {
                Ok(()) | Err(NotSent::Full) => return,
                Err(NotSent::Gone(back)) => message = back,
            }
            if self.stop.is_cancelled() {
                return;
            }
            self.env.clock.sleep_until(self.env.clock.now() + OFFER_AGAIN_AFTER).await;
        }
    }

    /// A source has told all that it knows: of everybody else it knows nothing any more. Waits for room in each mailbox;
    /// who has no actor has no report either.
    pub(crate) async fn report_nothing_of_others(&self, tenant: &TenantId, named: &BTreeSet<AgentId>, report: &Report) {
        for (agent, handle) in self.env.registry.live_of(tenant) {
            if !named.contains(&agent) {
                let message = Message::ReportNothing { report: report.clone() };
                // One that goes to rest meanwhile has no report that holds.
                let _ = handle.send(Box::new(message)).await;
            }
        }
    }

    /// `of_record`: what is on record of whoever left is asked about, too.
    fn handle(&self, line: &Arc<Line>, agent: &AgentId, of_record: bool) -> Result<AgentHandle, CommandError> {
        // Before the look at whether memory is void: an actor that comes to be while it is must not
        // be able to append.
        let incarnation = line.desk.incarnation();
        let facts = line.desk.facts();
        if facts.directory.agents.get(agent).is_none_or(|person| person.left_at.is_some() && !of_record) {
            return Err(CommandError::UnknownAgent);
        }
        if !self.is_here(line) {
            return Err(CommandError::unavailable());
        }
        let key = Key { tenant: line.desk.tenant.clone(), agent: agent.clone() };
        line.activate(&key, None, incarnation).ok_or_else(CommandError::unavailable)
    }

    /// True while this server may answer for the tenant's agents.
    pub(super) fn is_here(&self, line: &Line) -> bool {
        let here = self.placement.owner(line.desk.shard) == Owner::Here && self.placement.lease_is_fresh();
        here && !line.desk.is_closed() && !self.stop.is_cancelled()
    }
}

/// What became of something that a sequencer was offered.
async fn appended(
    offered: Result<(), NotAppended>,
    committed: oneshot::Receiver<Result<(), NotAppended>>,
) -> Result<(), CommandError> {
    let result = match offered {
        Ok(()) => committed.await.unwrap_or(Err(NotAppended::Lost)),
        Err(error) => Err(error),
    };
    result.map_err(|error| match error {
        NotAppended::Stale => CommandError::Overtaken,
        NotAppended::Unavailable | NotAppended::Lost => CommandError::unavailable(),
    })
}

/// Wakes agents at rest when something falls due for them, [`ERRANDS_MAX`] at once.
async fn wake_who_is_due(env: Arc<Env>, lines: Arc<Lines>, stop: CancellationToken) {
    let errands = Arc::new(Semaphore::new(ERRANDS_MAX));
    loop {
        let next = env.registry.next_wake();
        let due = async {
            match next {
                Some(at) => env.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = due => {}
            () = env.registry.earliest_changed() => continue,
        }
        if errands.available_permits() == 0 {
            Limit::Errands.reached();
        }
        let Some(Ok(errand)) = stop.run_until_cancelled(Arc::clone(&errands).acquire_owned()).await else { return };
        if let Some(key) = env.registry.take_due(env.clock.now())
            && let Some(line) = lines.get(&key.tenant)
        {
            line.wake(&key, errand);
        }
    }
}
