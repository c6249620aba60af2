//! One run of the server: the core, the hub and the router as `server` wires them, without the wire.

use std::sync::Arc;

use futures_util::FutureExt;
use intervalo::actor::{Core, CoreParts};
use intervalo::cluster::LocalPlacement;
use intervalo::domain::id::PauseId;
use intervalo::domain::time::Timestamp;
use intervalo::hub::Hub;
use intervalo::ports::{Bus, Clock, Journal};
use intervalo::router::Router;
use intervalo::server::{Publishing, open_boards};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::SimClock;
use super::defect::Defect;
use super::office::tenant;
use super::probe::{Probe, note_durable};
use super::weather::Weather;
use super::world::World;

/// A server that runs.
pub(crate) struct House {
    pub(crate) world: Arc<World>,
    /// Which run it is.
    pub(crate) life: usize,
    /// How many times longer than else everybody waits.
    pub(crate) lull: u64,
    /// The true time.
    pub(crate) clock: SimClock,
    pub(crate) probe: Arc<Probe>,
    pub(crate) weather: Arc<Weather>,
    pub(crate) core: Arc<Core>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) router: Router,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl House {
    /// Starts a server on what is durable. None when the disk is in trouble while it starts.
    pub(crate) async fn open(world: &Arc<World>, life: usize, clock: &SimClock, lull: u64) -> Option<Arc<House>> {
        let probe = Arc::new(Probe::new(world, clock));
        let weather = Arc::new(Weather::new(world, world.seed ^ life as u64));
        let read: Arc<dyn Clock> = Arc::new(clock.with(world.defect));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let bus = Arc::clone(&weather) as Arc<dyn Bus>;
        let journal = Arc::clone(&probe) as Arc<dyn Journal>;
        let start_hub =
            || Hub::start(Arc::clone(&bus), Arc::clone(&journal), Arc::clone(&read), tasks.clone(), stop.clone());
        let hub = start_hub();
        // One that has opened no tenant.
        let hub_of_nobody = start_hub();
        let ids = Arc::clone(world);
        let parts = CoreParts {
            journal: Arc::clone(&journal),
            placement: Arc::new(LocalPlacement),
            bus: Arc::clone(&bus),
            clock: Arc::clone(&read),
            fresh_id: Arc::new(move |_, _, _| PauseId(ids.fresh_pause())),
        };
        let (core, mut seeds) = Core::take_up(parts).await.ok()?;
        let core = Arc::new(core);
        for seed in &mut seeds {
            match world.defect {
                Some(Defect::SeedBehind) => seed.rows.truncate(1),
                Some(Defect::ShownUnsettled) => seed.is_behind = false,
                Some(_) | None => {}
            }
        }
        open_boards(&core, &hub, seeds, &tasks, &stop);
        core.open();
        note_durable(world, &world.disk(), clock.now_true()).await;
        {
            let mut seen = world.seen();
            let head = seen.durable.len() as u64;
            if let Some(of_life) = seen.lives.get_mut(life) {
                of_life.opened = Some((clock.now_true(), head));
            }
        }
        let router = Router::new(Arc::clone(&core));
        let loosens_nobody = world.defect == Some(Defect::LoosensNobody);
        let of_publishing = match world.defect {
            Some(Defect::PublishesEarly) => clock.with(Some(Defect::ClockAhead)),
            defect => clock.with(defect),
        };
        let publishing = Arc::new(Publishing {
            router: router.clone(),
            hub: if loosens_nobody { hub_of_nobody } else { Arc::clone(&hub) },
            clock: Arc::new(of_publishing),
        });
        publishing.catch_up(&[tenant()]).await;
        tasks.spawn(stop.clone().run_until_cancelled_owned(publishing.run(tenant())));
        let world = Arc::clone(world);
        Some(Arc::new(House {
            world,
            life,
            lull,
            clock: clock.clone(),
            probe,
            weather,
            core,
            hub,
            router,
            stop,
            tasks,
        }))
    }

    /// Stops as `server` does.
    pub(crate) async fn close(&self) {
        self.core.close().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Takes note of what is durable right now.
    pub(crate) fn look(&self) {
        let looked = note_durable(&self.world, &self.world.disk(), self.clock.now_true()).now_or_never();
        looked.expect("the journal in memory answers at once");
    }

    /// The time as the server reads it.
    pub(crate) fn core_now(&self) -> Timestamp {
        self.clock.with(self.world.defect).now()
    }
}
