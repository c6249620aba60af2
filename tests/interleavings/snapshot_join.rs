//! Boards that join, leave and come back while changes are committed (promise V4).
//!
//! The clock stands still: nothing is repaired by a timer, so a change that slips between snapshot
//! and stream leaves its board waiting for ever, which shuttle finds as a deadlock. The dashboard
//! checks every frame against what was true at its number.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use intervalo::cluster::LocalBus;
use intervalo::domain::id::TenantId;
use intervalo::hub::{Hub, seed_rows};
use intervalo::ports::{BoxFuture, Bus, Delivery, Feed, ShardId, Subscription};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dashboard::Dashboard;
use super::explore::{explore, fails};
use super::still_clock::StillClock;
use super::world::{SHARD, To, World, team_id, tenant_id};

const CHANGES: [(usize, To); 4] = [(0, To::Available), (1, To::Paused), (0, To::Protected), (1, To::Overrun)];

async fn boards_join_over(bus: Arc<dyn Bus>) {
    let world = World::new(2, 1);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let hub = Hub::start(
        Arc::clone(&bus),
        Arc::clone(&world) as _,
        Arc::new(StillClock::new()) as _,
        tasks.clone(),
        stop.clone(),
    );
    let seed = world.tenant_snapshot();
    hub.open_tenant(SHARD, Arc::clone(&seed.directory), seed.head, seed_rows(&seed));

    let writer = {
        let world = Arc::clone(&world);
        shuttle::future::spawn(async move {
            for change in CHANGES {
                bus.publish(SHARD, &tenant_id(), Feed::Committed(world.commit(&[change])));
                shuttle::future::yield_now().await;
            }
        })
    };
    let last = seed.head.0 + CHANGES.len() as u64;
    let boards: Vec<_> =
        (0..2).map(|_| shuttle::future::spawn(watch(Arc::clone(&hub), Arc::clone(&world), last))).collect();
    writer.await.unwrap();
    for board in boards {
        board.await.unwrap();
    }
    assert_eq!(hub.views(&tenant_id()), 0, "the last board closes its view");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

/// Joins, leaves after the first frame, comes back with its cursor, and stays until it has seen all.
async fn watch(hub: Arc<Hub>, world: Arc<World>, last: u64) {
    let teams = BTreeSet::from([team_id(0)]);
    let mut dashboard = Dashboard::new(&[0]);
    let mut board = hub.board(&tenant_id(), &teams, None).unwrap();
    let first = board.next().await;
    dashboard.apply(first.text.as_str(), &world).unwrap_or_else(|fault| panic!("{fault}"));
    drop(board);
    let mut board = hub.board(&tenant_id(), &teams, dashboard.cursor.as_deref()).unwrap();
    while dashboard.to != Some(last) {
        let frame = board.next().await;
        dashboard.apply(frame.text.as_str(), &world).unwrap_or_else(|fault| panic!("{fault}"));
    }
    assert_eq!(dashboard.rows, world.truth(&[0]));
}

#[test]
fn promise_v4_a_board_that_joins_while_changes_are_committed_misses_none_and_sees_none_twice() {
    explore(|| boards_join_over(Arc::new(LocalBus::new())));
}

/// A planted race: it subscribes when it is first read, not when it is asked to.
struct LateBus(Arc<LocalBus>);

struct LateSubscription {
    bus: Arc<LocalBus>,
    tenant: TenantId,
    begun: Mutex<Option<Box<dyn Subscription>>>,
}

impl Bus for LateBus {
    fn publish(&self, shard: ShardId, tenant: &TenantId, message: Feed) {
        self.0.publish(shard, tenant, message);
    }

    fn subscribe(&self, _: ShardId, tenant: &TenantId) -> Box<dyn Subscription> {
        let bus = Arc::clone(&self.0);
        Box::new(LateSubscription { bus, tenant: tenant.clone(), begun: Mutex::new(None) })
    }
}

impl Subscription for LateSubscription {
    fn next(&mut self) -> BoxFuture<'_, Option<Delivery>> {
        let (bus, tenant) = (&self.bus, &self.tenant);
        self.begun.get_mut().unwrap().get_or_insert_with(|| bus.subscribe(SHARD, tenant)).next()
    }
}

#[test]
fn a_subscription_that_begins_after_the_snapshot_is_found() {
    fails(|| boards_join_over(Arc::new(LateBus(Arc::new(LocalBus::new())))), "deadlock");
}
