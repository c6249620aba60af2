//! Who has read what is on record of others, and what left as a file, put on record itself (semantics §11): repeats within
//! a minute are one entry with a count.

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
use crate::domain::export::Export;
use crate::domain::id::{PrincipalId, TenantId};
use crate::domain::role::Role;

/// How long readings are counted before they are put on record.
const FOLDED_FOR: Duration = Duration::from_secs(60);
/// How many readers of a tenant are told apart in that time; whoever comes beyond it is put on record at the next
/// minute's readings of theirs only, and counted in the figures.
const READERS_MAX: usize = 10_000;

/// What was given out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Pages, or a stream.
    Read(HistoryPart),
    /// A file.
    Exported(Export),
}

type Who = (PrincipalId, Role, What);

/// What was counted, by tenant.
type Noted = BTreeMap<TenantId, BTreeMap<Who, Counted>>;

/// How often, to whom, and how much.
#[derive(Debug)]
struct Counted {
    actor: Actor,
    count: u32,
    rows: u64,
}

/// What has not been put on record yet. At most [`READERS_MAX`] entries a tenant, so that none is crowded out by another's.
#[derive(Debug, Default)]
pub(super) struct ReadRecord {
    counts: Mutex<BTreeMap<TenantId, BTreeMap<Who, Counted>>>,
}

impl ReadRecord {
    /// Counts one reading.
    pub(super) fn read(&self, principal: &Principal, what: HistoryPart) {
        self.note(principal, What::Read(what), 0);
    }

    /// Counts one file with so many records.
    pub(super) fn exported(&self, principal: &Principal, export: Export, rows: usize) {
        self.note(principal, What::Exported(export), rows as u64);
    }

    fn note(&self, principal: &Principal, what: What, rows: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = counts.entry(principal.tenant.clone()).or_default();
        let who = (principal.id.clone(), principal.kind(), what);
        if of_tenant.len() >= READERS_MAX && !of_tenant.contains_key(&who) {
            metrics::counter!("intervalo_readings_unrecorded_total").increment(1);
            return;
        }
        let counted = of_tenant.entry(who).or_insert_with(|| Counted { actor: actor_of(principal), count: 0, rows: 0 });
        counted.count = counted.count.saturating_add(1);
        counted.rows = counted.rows.saturating_add(rows);
    }

    /// How many readers are not on record yet.
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
        record(&app, app.read_record.take()).await;
        if stops {
            return;
        }
    }
}

/// Puts what was counted of a tenant on record, without waiting for the minute to end.
pub(super) async fn record_of(app: &App, tenant: &TenantId) {
    record(app, app.read_record.take_of(tenant)).await;
}

async fn record(app: &App, taken: Noted) {
    for (tenant, counts) in taken {
        for ((reader, role, what), Counted { actor, count, rows }) in counts {
            let event = match what {
                What::Read(what) => AccessEvent::HistoryRead { what, role, count },
                What::Exported(export) => AccessEvent::DataExported { export, rows, role, count },
            };
            let body = TenantEventBody::Access(event);
            let event = TenantEvent { at: app.clock.now(), actor, cause: Cause::Session, op: None, body };
            if let Err(error) = app.router.record(&tenant, event).await {
                tracing::warn!(
                    tenant.id = %tenant, principal.id = %reader, count, "a reading is not on record: {error:?}"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::auth::Proof;
    use crate::domain::export::{ExportFilter, ExportFormat, ExportPart};
    use crate::domain::time::Timestamp;

    fn principal(tenant: &str, id: &str) -> Principal {
        Principal {
            id: PrincipalId::new(id).expect("an id"),
            tenant: TenantId::new(tenant).expect("an id"),
            roles: BTreeSet::from([Role::Auditor]),
            teams: None,
            expires_at: Timestamp(9),
            proof: Proof::Token { issued_at: None },
            newcomer: None,
        }
    }

    fn export(filters: &[ExportFilter]) -> Export {
        let (what, format) = (ExportPart::Pauses, ExportFormat::Csv);
        Export { what, format, filters: filters.iter().copied().collect() }
    }

    #[test]
    fn files_of_one_kind_are_one_entry_with_their_records_and_others_their_own() {
        let (record, olga) = (ReadRecord::default(), principal("acme", "olga"));
        record.exported(&olga, export(&[]), 3);
        record.exported(&olga, export(&[ExportFilter::Agent]), 1);
        record.exported(&olga, export(&[]), 4);
        record.read(&olga, HistoryPart::Pauses);
        let taken = record.take();
        let counts: Vec<(u32, u64)> = taken.values().flatten().map(|(_, one)| (one.count, one.rows)).collect();
        assert_eq!(counts, [(1, 0), (2, 7), (1, 1)]);
        assert!(record.take().is_empty());
    }

    #[test]
    fn promise_a1_a_flood_of_one_tenants_readers_crowds_nobody_elses_out() {
        let record = ReadRecord::default();
        for n in 0..=READERS_MAX {
            record.read(&principal("acme", &format!("r{n}")), HistoryPart::Audit);
        }
        record.read(&principal("outra", "olga"), HistoryPart::Audit);
        let counts: Vec<usize> = record.take().values().map(BTreeMap::len).collect();
        assert_eq!(counts, [READERS_MAX, 1]);
    }
}
