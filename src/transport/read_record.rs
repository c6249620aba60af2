//! Who has read what is on record of others, put on record itself (semantics §11): repeats within a minute are one entry
//! with a count.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::App;
use super::access::actor_of;
use crate::auth::Principal;
use crate::domain::access::{AccessEvent, HistoryPart};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{PrincipalId, TenantId};
use crate::domain::role::Role;

/// How long readings are counted before they are put on record.
const FOLDED_FOR: Duration = Duration::from_secs(60);
/// How many readers are told apart in that time; whoever comes beyond it is put on record at the next minute's readings
/// of theirs only, and counted in the figures.
const READERS_MAX: usize = 10_000;

type Who = (TenantId, PrincipalId, Role, HistoryPart);

/// What has not been put on record yet. At most [`READERS_MAX`] entries.
#[derive(Debug, Default)]
pub(super) struct ReadRecord {
    counts: Mutex<BTreeMap<Who, (Actor, u32)>>,
}

impl ReadRecord {
    /// Counts one reading.
    pub(super) fn note(&self, principal: &Principal, what: HistoryPart) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let who = (principal.tenant.clone(), principal.id.clone(), principal.kind(), what);
        if counts.len() >= READERS_MAX && !counts.contains_key(&who) {
            metrics::counter!("intervalo_readings_unrecorded_total").increment(1);
            return;
        }
        let (_, count) = counts.entry(who).or_insert_with(|| (actor_of(principal), 0));
        *count = count.saturating_add(1);
    }

    /// How many readers are not on record yet.
    pub(super) fn waiting(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self) -> BTreeMap<Who, (Actor, u32)> {
        mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts them on record each minute, and once more when the server stops.
pub(super) async fn tell(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        let minute = app.clock.sleep_until(app.clock.now() + FOLDED_FOR);
        let stops = shutdown.run_until_cancelled(minute).await.is_none();
        for ((tenant, reader, role, what), (actor, count)) in app.read_record.take() {
            let body = TenantEventBody::Access(AccessEvent::HistoryRead { what, role, count });
            let event = TenantEvent { at: app.clock.now(), actor, cause: Cause::Session, op: None, body };
            if let Err(error) = app.router.record(&tenant, event).await {
                tracing::warn!(tenant.id = %tenant, principal.id = %reader, count, "a reading is not on record: {error:?}");
            }
        }
        if stops {
            return;
        }
    }
}
