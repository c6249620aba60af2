//! A house for boards: a world, a bus, a clock on paused time, and the hub between them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use intervalo::cluster::LocalBus;
use intervalo::domain::directory::Directory;
use intervalo::domain::id::{TeamId, TenantSeq};
use intervalo::hub::{Board, Hub, SeedRow, seed_rows};
use intervalo::ports::{Bus, Clock, Committed, Feed, ShardId};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::TokioClock;
use super::dashboard::Dashboard;
use super::world::{SHARD, To, World, team_id, tenant_id};

/// A world, a bus, and a hub that shows the one through the other.
pub(crate) struct House {
    pub(crate) world: Arc<World>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<TokioClock>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// How a tenant is opened.
type Open = fn(&Hub, ShardId, Arc<Directory>, TenantSeq, Vec<SeedRow>);

impl House {
    pub(crate) fn on(world: &Arc<World>, bus: Arc<dyn Bus>) -> House {
        House::opened(world, bus, Hub::open_tenant)
    }

    /// One that shows no row before it is told from which number on.
    pub(crate) fn unshown(agents: usize, teams: usize) -> House {
        House::opened(&World::new(agents, teams), Arc::new(LocalBus::new()), Hub::open_tenant_unshown)
    }

    fn opened(world: &Arc<World>, bus: Arc<dyn Bus>, open: Open) -> House {
        let clock = Arc::new(TokioClock::new());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let hub =
            Hub::start(Arc::clone(&bus), Arc::clone(world) as _, Arc::clone(&clock) as _, tasks.clone(), stop.clone());
        let seed = world.tenant_snapshot();
        open(&hub, SHARD, Arc::clone(&seed.directory), seed.head, seed_rows(&seed));
        House { world: Arc::clone(world), bus, clock, hub, stop, tasks }
    }

    pub(crate) fn new(agents: usize, teams: usize) -> House {
        House::on(&World::new(agents, teams), Arc::new(LocalBus::new()))
    }

    pub(crate) fn publish(&self, committed: Arc<Committed>) {
        self.bus.publish(SHARD, &tenant_id(), Feed::Committed(committed));
    }

    pub(crate) fn commit(&self, changes: &[(usize, To)]) {
        self.publish(self.world.commit(changes));
    }

    pub(crate) fn beat_head(&self) {
        self.bus.publish(SHARD, &tenant_id(), Feed::Head(self.world.head()));
    }

    pub(crate) fn join(&self, teams: &[usize]) -> (Board, Dashboard) {
        (self.board(teams, None), Dashboard::new(teams))
    }

    pub(crate) fn board(&self, teams: &[usize], cursor: Option<&str>) -> Board {
        self.hub.board(&tenant_id(), &team_set(teams), cursor).unwrap()
    }

    /// Lets every task do what it can do without time passing.
    pub(crate) async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the hub stands where the world does.
    pub(crate) async fn arrive(&self) {
        for _ in 0..10_000 {
            if self.hub.head(&tenant_id()) == Some(self.world.head()) {
                return;
            }
            self.pass(1).await;
        }
        panic!("the hub stands at {:?}, the world at {}", self.hub.head(&tenant_id()), self.world.head());
    }

    /// Lets time pass, as the hub's clock tells it.
    pub(crate) async fn pass(&self, ms: u64) {
        self.clock.sleep_until(self.clock.now() + Duration::from_millis(ms)).await;
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

pub(crate) fn team_set(teams: &[usize]) -> BTreeSet<TeamId> {
    teams.iter().map(|team| team_id(*team)).collect()
}

/// Applies what there is for the board at once; answers the frames.
pub(crate) fn drain(board: &mut Board, dashboard: &mut Dashboard, world: &World) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(frame) = board.next().now_or_never() {
        dashboard.apply(frame.text.as_str(), world).unwrap_or_else(|fault| panic!("{fault}"));
        frames.push(frame.text.as_str().to_owned());
        assert!(frames.len() < 1_000, "a board that never has enough");
    }
    frames
}

pub(crate) fn result_of(frame: &str) -> Value {
    serde_json::from_str::<Value>(frame).unwrap()["params"]["result"].take()
}
