//! The tenants that are served, and the way to the actors of each. Some are there from the start, others come while the
//! core runs; each change is a new map, so that whoever reads never waits.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};

use futures_util::FutureExt;
use tokio_util::task::TaskTracker;
use tracing::error;

use super::agent::AgentActor;
use super::core::{Env, Errand, TenantSeed};
use super::desk::Desk;
use super::founding::Welcome;
use super::handle::AgentHandle;
use super::registry::{Birth, Key};
use super::shard::ShardHandle;
use crate::domain::id::TenantId;
use crate::sync::{Mutex, RarelySwapped, spawn_on};

/// One tenant: its desk, and what starts its actors.
pub(super) struct Line {
    pub(super) desk: Arc<Desk>,
    pub(super) shard: ShardHandle,
    tasks: TaskTracker,
    env: Arc<Env>,
}

/// All of them.
pub(super) struct Lines {
    tenants: RarelySwapped<BTreeMap<TenantId, Arc<Line>>>,
    /// Who is told of those that come. Held while one comes, so that no two come at once.
    welcome: Mutex<Option<Arc<dyn Welcome>>>,
    tasks: TaskTracker,
    env: Arc<Env>,
}

impl Lines {
    pub(super) fn new(env: Arc<Env>, tasks: TaskTracker) -> Lines {
        Lines { tenants: RarelySwapped::from_pointee(BTreeMap::new()), welcome: Mutex::new(None), tasks, env }
    }

    /// Those that are there from the start.
    pub(super) fn begin_with(&self, desks: Vec<(Arc<Desk>, ShardHandle)>) {
        let line = |(desk, shard): (Arc<Desk>, ShardHandle)| (desk.tenant.clone(), self.line(desk, shard));
        self.put(desks.into_iter().map(line).collect());
    }

    fn line(&self, desk: Arc<Desk>, shard: ShardHandle) -> Arc<Line> {
        Arc::new(Line { desk, shard, tasks: self.tasks.clone(), env: Arc::clone(&self.env) })
    }

    fn put(&self, tenants: BTreeMap<TenantId, Arc<Line>>) {
        self.tenants.store(Arc::new(tenants));
    }

    /// Who is told of those that come from here on; none: nobody.
    pub(super) fn welcome_by(&self, welcome: Option<Arc<dyn Welcome>>) {
        *self.welcome.lock().unwrap_or_else(PoisonError::into_inner) = welcome;
    }

    /// A tenant that is durable comes: first what it needs is made ready, then it can be reached.
    pub(super) fn open(&self, desk: Arc<Desk>, shard: ShardHandle, seed: TenantSeed) {
        let welcome = self.welcome.lock().unwrap_or_else(PoisonError::into_inner);
        let tenant = desk.tenant.clone();
        if let Some(welcome) = &*welcome {
            welcome.prepare(seed);
        }
        let mut tenants = (*self.tenants.load_full()).clone();
        tenants.insert(tenant.clone(), self.line(desk, shard));
        self.put(tenants);
        if let Some(welcome) = &*welcome {
            welcome.opened(&tenant);
        }
    }

    pub(super) fn get(&self, tenant: &TenantId) -> Option<Arc<Line>> {
        self.tenants.load_full().get(tenant).cloned()
    }

    /// All of them as of now, by the tenants' ids.
    pub(super) fn all(&self) -> Arc<BTreeMap<TenantId, Arc<Line>>> {
        self.tenants.load_full()
    }
}

impl Line {
    /// `incarnation` is that of the desk, read before it was seen to be open.
    pub(super) fn activate(
        self: &Arc<Self>,
        key: &Key,
        errand: Option<Errand>,
        incarnation: u64,
    ) -> Option<AgentHandle> {
        self.env.registry.activate(key, |birth| self.spawn(key.clone(), birth, errand, incarnation))
    }

    /// Wakes an agent for what is due. While memory is void nobody is: those who rest are asked again when it is
    /// taken up again.
    pub(super) fn wake(self: &Arc<Self>, key: &Key, errand: Errand) {
        let incarnation = self.desk.incarnation();
        if !self.desk.is_closed() {
            self.activate(key, Some(errand), incarnation);
        }
    }

    fn spawn(self: &Arc<Self>, key: Key, birth: Birth, errand: Option<Errand>, incarnation: u64) {
        let (desk, env) = (Arc::clone(&self.desk), Arc::clone(&self.env));
        let actor = AgentActor::new(key, birth, errand, incarnation, desk, self.shard.clone(), env);
        spawn_on(&self.tasks, supervise(actor));
    }
}

/// Runs an actor. A panic is confined to it: the agent goes back to its last durable state, its
/// sockets are closed, and it is woken again a little later.
async fn supervise(mut actor: AgentActor) {
    let Err(_panic) = AssertUnwindSafe(actor.run()).catch_unwind().await else { return };
    let agent = &actor.key().agent;
    error!(agent.id = %agent, "the actor of {agent} panicked; it is rebuilt from what is durable");
    metrics::counter!("intervalo_actor_panics_total").increment(1);
    actor.abandon_to_rest();
}
