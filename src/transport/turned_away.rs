//! Who was kept out, put on record: repeats within a minute are one entry with a count (semantics §10), so that
//! whoever tries a million times fills no disk.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::App;
use crate::domain::access::{AccessEvent, Door};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{CredentialId, TenantId};
use crate::limits::Limit;

/// How long repeats are counted before they are put on record.
const FOLDED_FOR: Duration = Duration::from_secs(60);
/// How many different ones of a tenant are told apart in that time; beyond it they count without the credential that they
/// were about.
const KINDS_MAX: usize = 10_000;

type What = (Door, Option<CredentialId>);

/// What was counted, by tenant.
type Noted = BTreeMap<TenantId, BTreeMap<What, u32>>;

/// What has not been put on record yet. At most [`KINDS_MAX`] entries a tenant, so that none is crowded out by another's,
/// and one a door beyond.
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    counts: Mutex<BTreeMap<TenantId, BTreeMap<What, u32>>>,
}

impl TurnedAway {
    /// Counts one.
    pub(super) fn note(&self, tenant: &TenantId, door: Door, credential: Option<CredentialId>) {
        metrics::counter!("intervalo_turned_away_total", "door" => door.as_str()).increment(1);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = counts.entry(tenant.clone()).or_default();
        let mut what = (door, credential);
        if of_tenant.len() >= KINDS_MAX && !of_tenant.contains_key(&what) {
            Limit::TurnedAway.reached();
            what.1 = None;
        }
        let count = of_tenant.entry(what).or_default();
        *count = count.saturating_add(1);
    }

    /// How many different ones are not on record yet.
    pub(super) fn waiting(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).values().map(BTreeMap::len).sum()
    }

    fn take_of(&self, tenant: &TenantId) -> Noted {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove_entry(tenant).into_iter().collect()
    }

    fn take(&self) -> Noted {
        mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts them on record each minute, and once more when the server stops.
pub(super) async fn tell(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        let minute = app.clock.sleep_until(app.clock.now() + FOLDED_FOR);
        let stops = shutdown.run_until_cancelled(minute).await.is_none();
        record(&app, app.turned_away.take()).await;
        if stops {
            return;
        }
    }
}

/// Puts what was counted of a tenant on record, without waiting for the minute to end.
pub(super) async fn record_of(app: &App, tenant: &TenantId) {
    record(app, app.turned_away.take_of(tenant)).await;
}

async fn record(app: &App, taken: Noted) {
    for (tenant, counts) in taken {
        for ((door, credential), count) in counts {
            let body = TenantEventBody::Access(AccessEvent::AccessRefused { door, credential, count });
            let event =
                TenantEvent { at: app.clock.now(), actor: Actor::System, cause: Cause::Session, op: None, body };
            if let Err(error) = app.router.record(&tenant, event).await {
                tracing::warn!(tenant.id = %tenant, count, "who was turned away is not on record: {error:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_and_a_flood_of_different_ones_is_bounded() {
        let tenant = |id| TenantId::new(id).expect("an id");
        let (away, acme) = (TurnedAway::default(), tenant("acme"));
        for _ in 0..3 {
            away.note(&acme, Door::Key, Some(CredentialId(1)));
        }
        away.note(&acme, Door::Login, None);
        let counts: Vec<_> = away.take()[&acme].iter().map(|((door, _), count)| (*door, *count)).collect();
        assert_eq!(counts, [(Door::Login, 1), (Door::Key, 3)]);
        for id in 0..2 * KINDS_MAX as u128 {
            away.note(&acme, Door::Key, Some(CredentialId(id)));
        }
        away.note(&tenant("outra"), Door::Key, Some(CredentialId(1)));
        let taken = away.take();
        let counts = &taken[&acme];
        assert_eq!(counts.len(), KINDS_MAX + 1);
        assert_eq!(counts.values().sum::<u32>() as usize, 2 * KINDS_MAX);
        let others: Vec<&What> = taken[&tenant("outra")].keys().collect();
        assert_eq!(others, [&(Door::Key, Some(CredentialId(1)))], "another tenant's is told in full");
    }
}
