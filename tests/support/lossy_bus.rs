//! A bus that loses: by a seed it drops, repeats and reorders a fifth of the messages each.

use std::sync::{Arc, Mutex};

use intervalo::cluster::LocalBus;
use intervalo::domain::id::TenantId;
use intervalo::ports::{Bus, Feed, ShardId, Subscription};

use super::dice::Dice;

/// Drops, repeats and reorders 20 % each.
pub(crate) struct LossyBus {
    inner: Arc<LocalBus>,
    fate: Mutex<Fate>,
}

struct Fate {
    dice: Dice,
    held: Vec<Feed>,
}

impl LossyBus {
    /// A bus over another one, whose losses follow from the seed.
    pub(crate) fn over(inner: Arc<LocalBus>, seed: u64) -> LossyBus {
        LossyBus { inner, fate: Mutex::new(Fate { dice: Dice::new(seed), held: Vec::new() }) }
    }
}

impl Bus for LossyBus {
    fn publish(&self, shard: ShardId, tenant: &TenantId, message: Feed) {
        let mut fate = self.fate.lock().unwrap();
        match fate.dice.below(5) {
            0 => return,
            1 => {
                self.inner.publish(shard, tenant, message.clone());
                self.inner.publish(shard, tenant, message);
            }
            2 => {
                fate.held.push(message);
                return;
            }
            _ => self.inner.publish(shard, tenant, message),
        }
        if fate.dice.below(2) == 0 {
            for late in std::mem::take(&mut fate.held).into_iter().rev() {
                self.inner.publish(shard, tenant, late);
            }
        }
    }

    fn subscribe(&self, shard: ShardId, tenant: &TenantId) -> Box<dyn Subscription> {
        self.inner.subscribe(shard, tenant)
    }
}
