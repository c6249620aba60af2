//! Watches the wall clock: a step of it is put on record, once for each tenant (semantics §2, promise T3).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::actor::{CommandError, Core};
use crate::clock::STEP_OVER;
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::TenantId;
use crate::limits::Limit;
use crate::ports::{Clock, ClockStep};
use crate::router::Router;

/// How often the clocks are compared. After a sleep of the machine nothing falls due for so long at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many entries may wait for a store that is out of reach. With more, the oldest are given up: the log has them.
const UNWRITTEN_MAX: usize = 4_096;

/// Looks at the clocks for ever.
pub(super) async fn watch(clock: Arc<dyn Clock>, core: Arc<Core>) {
    let router = Router::new(Arc::clone(&core));
    let mut unwritten: VecDeque<(TenantId, ClockStep)> = VecDeque::new();
    let (mut tenants, mut ahead_ms) = (ids(&core), 0);
    loop {
        clock.sleep_until(clock.now() + LOOK_EVERY).await;
        if core.tenant_count() != tenants.len() {
            let there = ids(&core);
            // Whoever has come since has nothing on record of the steps before, and the next start goes by what is.
            if ahead_ms != 0 {
                let before = ClockStep { by_ms: ahead_ms, ahead_ms };
                unwritten.extend(there.difference(&tenants).map(|tenant| (tenant.clone(), before)));
            }
            tenants = there;
        }
        let look = clock.look();
        if !look.slept.is_zero() {
            info!("the machine was asleep for {} s; what fell due meanwhile is late", look.slept.as_secs());
        }
        if let Some(step) = look.stepped {
            tell(step);
            ahead_ms = step.ahead_ms;
            unwritten.extend(tenants.iter().map(|tenant| (tenant.clone(), step)));
            let surplus = unwritten.len().saturating_sub(UNWRITTEN_MAX);
            unwritten.drain(..surplus).for_each(|_given_up| Limit::ClockSteps.reached());
        }
        while let Some((tenant, step)) = unwritten.front() {
            if !is_on_record(&*clock, &router, tenant, *step).await {
                break;
            }
            unwritten.pop_front();
        }
    }
}

fn ids(core: &Core) -> BTreeSet<TenantId> {
    core.desks().iter().map(|desk| desk.facts().directory.tenant.id.clone()).collect()
}

/// Warns of a wall clock that lags behind what is on record, so that the server's time began ahead of it.
pub(super) fn tell_if_behind(clock: &dyn Clock) {
    let ahead = clock.now().since(clock.wall());
    if ahead > STEP_OVER {
        warn!(
            "the wall clock is {} s behind the last event on record; times of day are off by as much until a start finds it \
             ahead again: look at the clock of this machine",
            ahead.as_secs()
        );
    }
}

fn tell(ClockStep { by_ms, ahead_ms }: ClockStep) {
    metrics::counter!("intervalo_clock_steps_total").increment(1);
    metrics::gauge!("intervalo_clock_ahead_seconds").set(ahead_ms as f64 / 1000.0);
    warn!(
        clock.by_ms = by_ms,
        clock.ahead_ms = ahead_ms,
        "the wall clock was stepped by {by_ms} ms; what runs is not touched by it. The server's time is {ahead_ms} ms behind it \
         until the next start: restart it when that suits, if times of day matter"
    );
}

/// Journals a step for a tenant; false when that has to be tried again.
async fn is_on_record(clock: &dyn Clock, router: &Router, tenant: &TenantId, step: ClockStep) -> bool {
    let body = TenantEventBody::ClockStepped { by_ms: step.by_ms, ahead_ms: step.ahead_ms };
    let event = TenantEvent { at: clock.now(), actor: Actor::System, cause: Cause::Clock, op: None, body };
    matches!(router.record(tenant, event).await, Ok(()) | Err(CommandError::UnknownTenant))
}
