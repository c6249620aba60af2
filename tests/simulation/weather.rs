//! The bus in all weathers.

use std::sync::{Arc, Mutex};

use intervalo::cluster::LocalBus;
use intervalo::domain::id::{TenantId, TenantSeq};
use intervalo::domain::presence::{AgentView, Presence};
use intervalo::ports::{Bus, Committed, Feed, FeedRow, ShardId, Subscription};

use super::defect::Defect;
use super::lossy_bus::LossyBus;
use super::world::World;

/// What becomes of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sky {
    /// All arrive.
    Calm,
    /// A fifth each is dropped, doubled, reordered.
    Storm,
    /// None arrives.
    Cut,
}

/// A bus whose losses follow from the seed.
pub(crate) struct Weather {
    world: Arc<World>,
    calm: Arc<LocalBus>,
    storm: LossyBus,
    sky: Mutex<Sky>,
    /// How far a bus that hides its gaps has told.
    told: Mutex<Option<TenantSeq>>,
}

impl Weather {
    pub(crate) fn new(world: &Arc<World>, seed: u64) -> Weather {
        let calm = Arc::new(LocalBus::new());
        let storm = LossyBus::over(Arc::clone(&calm), seed);
        Weather { world: Arc::clone(world), calm, storm, sky: Mutex::new(Sky::Storm), told: Mutex::new(None) }
    }

    pub(crate) fn set(&self, sky: Sky) {
        *self.sky.lock().unwrap() = sky;
    }

    /// What a defect makes of a message.
    fn bend(&self, message: Feed) -> Option<Feed> {
        match (self.world.defect, &message) {
            (Some(Defect::HeadsLost), Feed::Head(_)) => None,
            (Some(Defect::RowAltered), Feed::Committed(committed)) => Some(Feed::Committed(altered(committed))),
            (Some(Defect::GapHidden), Feed::Committed(committed)) => {
                let mut told = self.told.lock().unwrap();
                let from = told.map_or(committed.from, |told| told.min(committed.from));
                *told = Some(committed.to);
                Some(Feed::Committed(Arc::new(Committed { from, ..(**committed).clone() })))
            }
            _ => Some(message),
        }
    }
}

/// With everybody on a pause shown as available.
fn altered(committed: &Committed) -> Arc<Committed> {
    let row = |row: &FeedRow| {
        let mut view = AgentView::clone(&row.view);
        if view.presence == Presence::Paused {
            view.presence = Presence::Available;
        }
        FeedRow { agent: row.agent.clone(), view: Arc::new(view) }
    };
    Arc::new(Committed { rows: committed.rows.iter().map(row).collect(), ..committed.clone() })
}

impl Bus for Weather {
    fn publish(&self, shard: ShardId, tenant: &TenantId, message: Feed) {
        self.world.seen().counts.messages += 1;
        let cut_for_good = self.world.defect == Some(Defect::BusCut);
        let sky = if cut_for_good { Sky::Cut } else { *self.sky.lock().unwrap() };
        // A gap is hidden where it arises: what is told next begins where the last that got through ended.
        if sky == Sky::Cut {
            return;
        }
        let hidden = self.world.defect == Some(Defect::GapHidden) && self.world.roll(3) == 0;
        if hidden && matches!(message, Feed::Committed(_)) {
            return;
        }
        let Some(message) = self.bend(message) else { return };
        match sky {
            Sky::Calm => self.calm.publish(shard, tenant, message),
            Sky::Storm => self.storm.publish(shard, tenant, message),
            Sky::Cut => {}
        }
    }

    fn subscribe(&self, shard: ShardId, tenant: &TenantId) -> Box<dyn Subscription> {
        self.calm.subscribe(shard, tenant)
    }
}
