//! A bus that loses: by a seed it drops, repeats and reorders a fifth of the messages each.

use std::sync::Mutex;

use intervalo::cluster::LocalBus;
use intervalo::domain::id::TenantId;
use intervalo::ports::{Bus, Feed, ShardId, Subscription};

/// Numbers from a seed (xorshift64*, Vigna 2016).
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall the same for the same seed.
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

/// Drops, repeats and reorders 20 % each.
pub(crate) struct LossyBus {
    inner: LocalBus,
    fate: Mutex<Fate>,
}

struct Fate {
    dice: Dice,
    held: Vec<Feed>,
}

impl LossyBus {
    /// A bus whose losses follow from the seed.
    pub(crate) fn new(seed: u64) -> LossyBus {
        LossyBus { inner: LocalBus::new(), fate: Mutex::new(Fate { dice: Dice::new(seed), held: Vec::new() }) }
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
