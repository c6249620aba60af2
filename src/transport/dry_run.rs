//! `policy.dry_run`: the draft held against recorded days (semantics §5).
//!
//! The record is read in pages beside the writer, and each is folded on a thread that nobody else waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::App;
use super::policy::{draft_to_publish, facts_of, unreadable};
use super::rpc::{Viewer, failed};
use crate::auth::Principal;
use crate::domain::dry_run::{DryRun, Report};
use crate::domain::id::TenantId;
use crate::domain::policy::Policy;
use crate::domain::schedule::local_day;
use crate::limits::Limit;
use crate::ports::ReadError;
use crate::protocol::dry_run::{DaysWanted, write_report};
use crate::protocol::error::{ErrorKind, WireError};
use crate::store::history::{RecordedPage, fold_dry_run};

/// How many runs there may be at once, of all tenants: each takes a processor for as long as it lasts.
const RUNS_MAX: usize = 2;
/// When to ask again while there are as many.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The runs that are on their way: one a tenant.
#[derive(Debug, Default)]
pub(super) struct DryRuns {
    tenants: Mutex<BTreeSet<TenantId>>,
}

/// A run's place among them.
struct Running<'a> {
    runs: &'a DryRuns,
    tenant: TenantId,
}

impl DryRuns {
    fn begin(&self, tenant: &TenantId) -> Result<Running<'_>, WireError> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.contains(tenant) {
            let message = "A dry run is under way already; wait for its end.";
            return Err(WireError::new(ErrorKind::Conflict, "dry_run_under_way", message));
        }
        if tenants.len() >= RUNS_MAX {
            Limit::DryRuns.reached();
            return Err(WireError::unavailable(RETRY_AFTER));
        }
        tenants.insert(tenant.clone());
        Ok(Running { runs: self, tenant: tenant.clone() })
    }
}

impl DryRuns {
    /// How many there are.
    pub(super) fn running(&self) -> usize {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.runs.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
    }
}

/// Answers `policy.dry_run`. Whoever gets here may manage the policy.
pub(super) async fn answer(app: &App, principal: &Principal, wanted: DaysWanted) -> Result<Value, WireError> {
    let tenant = &principal.tenant;
    let facts = facts_of(app, tenant)?;
    let draft = draft_to_publish(&facts)?;
    let days = wanted.until(local_day(app.clock.now(), facts.directory.tenant.zone))?;
    let _running = app.dry_runs.begin(tenant)?;
    app.router.caught_up(tenant).await.map_err(|error| failed(error, Viewer::Other))?;
    tracing::info!(tenant.id = %tenant, principal.id = %principal.id, "{} runs a draft dry", principal.id);
    let policy = Policy { version: facts.policy.version.next(), types: draft.types.clone() };
    let (directory, in_force) = (Arc::clone(&facts.directory), Arc::clone(&facts.policy));
    let report = run(app, tenant, DryRun::new(directory, in_force, Arc::new(policy), days.clone())).await?;
    let mut shown = write_report(&report, &days);
    shown["version"] = facts.policy.version.0.into();
    shown["draft"] = super::policy::draft_head(&draft);
    Ok(shown)
}

async fn run(app: &App, tenant: &TenantId, mut run: DryRun) -> Result<Report, WireError> {
    let mut recorded = app.history.of(tenant).recorded().await.map_err(unreadable)?;
    while let Some(page) = recorded.next().await.map_err(unreadable)? {
        if app.draining.is_cancelled() {
            return Err(WireError::unavailable(RETRY_AFTER));
        }
        let is_over;
        (run, is_over) = folded(run, page).await?;
        if is_over {
            break;
        }
    }
    Ok(run.finish())
}

/// Folds a page on a thread of its own; true when what comes after it cannot matter.
async fn folded(mut run: DryRun, page: RecordedPage) -> Result<(DryRun, bool), WireError> {
    let folding = tokio::task::spawn_blocking(move || {
        let entries = page.decode()?;
        fold_dry_run(&mut run, &entries).map(|is_over| (run, is_over))
    });
    match folding.await {
        Ok(folded) => folded.map_err(unreadable),
        Err(broken) => {
            let why = format!("folding the record for a dry run: {broken}");
            Err(unreadable(ReadError::Damaged { place: "the journal".to_owned(), why }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).expect("an id")
    }

    fn refused(begun: Result<Running<'_>, WireError>) -> &'static str {
        begun.err().map_or("begun", |error| error.data.code)
    }

    #[test]
    fn one_run_of_a_tenant_is_under_way_at_a_time_and_so_many_of_all() {
        let runs = DryRuns::default();
        let first = runs.begin(&tenant("acme")).expect("it begins");
        assert_eq!(refused(runs.begin(&tenant("acme"))), "dry_run_under_way");
        let others: Vec<_> = (1..RUNS_MAX).map(|n| runs.begin(&tenant(&format!("t{n}"))).expect("it begins")).collect();
        assert_eq!(refused(runs.begin(&tenant("globex"))), "unavailable");
        drop(first);
        assert_eq!(refused(runs.begin(&tenant("acme"))), "begun");
        drop(others);
    }
}
