//! What is kept in memory, counted when somebody reads `/metrics`: nothing is counted twice, and nobody waits for it.

use super::App;
use crate::limits::Kept;

/// Says how many there are of everything that is kept.
pub(super) fn measure(app: &App) {
    app.router.measure();
    app.sockets.measure();
    app.vault.measure();
    let of_tenants = app.tenant_limiter.as_ref().map_or(0, |limiter| limiter.meters());
    let of_principals =
        [&app.rate_limiter, &app.protected_limiter, &app.router_limiter].map(|limiter| limiter.meters());
    Kept::RateMeters.is(of_tenants + of_principals.iter().sum::<usize>());
    Kept::ChangingTenants.is(app.turns.tenants());
    Kept::DryRuns.is(app.dry_runs.running());
    Kept::Imports.is(app.imports.running());
    Kept::Newcomers.is(app.newcomers.counted());
    Kept::Readings.is(app.read_record.waiting());
    Kept::TurnedAway.is(app.turned_away.waiting());
}
