//! The fences and heads that the writer keeps at hand. They are those of the file for as long as nobody else writes to it, which
//! the lock of its folder sees to; that a shard's is what it was thought to be is looked at again with each write of it.

use std::collections::HashMap;

use crate::domain::id::TenantId;
use crate::limits::Limit;
use crate::ports::{Epoch, ShardId, ShardSeq};
use crate::store::encode::{Basis, KnownTenant, Wanted};

/// How many tenants' heads are kept at hand (about 150 bytes each); past it all are looked up anew.
const TENANTS_MAX: usize = 10_000;

/// Heads that are known to be stored.
#[derive(Debug, Default)]
pub(super) struct Heads {
    shards: HashMap<ShardId, (Epoch, ShardSeq)>,
    tenants: HashMap<TenantId, KnownTenant>,
}

impl Heads {
    /// Puts what is wanted and at hand into a basis.
    pub(super) fn put_into(&self, wanted: &Wanted, basis: &mut Basis) {
        for shard in &wanted.shards {
            if let Some(head) = self.shards.get(shard) {
                basis.shards.insert(*shard, *head);
            }
        }
        for tenant in &wanted.tenants {
            if let Some(known) = self.tenants.get(tenant) {
                basis.tenants.insert(tenant.clone(), *known);
            }
        }
    }

    /// Only what is durable may be kept at hand.
    pub(super) fn keep(&mut self, basis: &Basis) {
        self.shards.extend(&basis.shards);
        for (tenant, known) in &basis.tenants {
            match self.tenants.get_mut(tenant) {
                Some(kept) => *kept = *known,
                None => drop(self.tenants.insert(tenant.clone(), *known)),
            }
        }
        if self.tenants.len() > TENANTS_MAX {
            Limit::TenantHeadsAtHand.reached();
            self.tenants.clear();
        }
    }

    /// Forgets everything: it is not known any more what is stored.
    pub(super) fn clear(&mut self) {
        self.shards.clear();
        self.tenants.clear();
    }
}
