//! What one tenant may have of the server, so that others have the rest. Without a quota a tenant may have all.

use std::time::Duration;

use super::App;
use super::rate_limit::Rate;
use crate::auth::Principal;
use crate::domain::directory::Directory;
use crate::domain::id::TenantId;
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::methods::Invocation;
use crate::protocol::policy_call::PolicyCall;

/// The quotas of each tenant; none: as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Open sessions at once.
    pub sessions_max: Option<usize>,
    /// Commands that write, by all of a tenant together.
    pub commands: Option<Rate>,
    /// People in the directory who have not left.
    pub agents_max: Option<usize>,
}

/// Counts a call that writes against its tenant's rate, or says after how long to try again.
pub(super) fn count_call(app: &App, tenant: &TenantId, invocation: &Invocation) -> Result<(), Duration> {
    if writes(invocation) { count(app, tenant) } else { Ok(()) }
}

/// Counts a request that writes against its tenant's rate.
pub(super) fn count_write(app: &App, principal: &Principal) -> Result<(), WireError> {
    count(app, &principal.tenant).map_err(|retry_after| {
        metrics::counter!("intervalo_rate_limited_total").increment(1);
        WireError::rate_limited(retry_after)
    })
}

fn count(app: &App, tenant: &TenantId) -> Result<(), Duration> {
    let Some(limiter) = &app.tenant_limiter else { return Ok(()) };
    limiter.count_key(tenant.clone(), app.clock.now())
}

/// Refuses a directory with more people than a tenant may have, where it has more than the one before.
pub(super) fn check_people(app: &App, before: &Directory, after: &Directory) -> Result<(), WireError> {
    let Some(most) = app.settings.quotas.agents_max else { return Ok(()) };
    let there = |directory: &Directory| directory.agents.values().filter(|person| person.left_at.is_none()).count();
    let used = there(before);
    if there(after) <= most.max(used) {
        return Ok(());
    }
    let message = format!("The company has {used} people, as many as it may have; somebody has to leave first.");
    Err(WireError::new(ErrorKind::Refused, "quota_exceeded", message).with("used", used).with("of", most))
}

/// True for what ends in the journal. A sign-out does too, but it is a session's last call and always heard; reports of
/// occupancy have a rate of their own.
fn writes(invocation: &Invocation) -> bool {
    match invocation {
        Invocation::Own(_)
        | Invocation::Live(_)
        | Invocation::OwnRequest(_)
        | Invocation::RequestDecide { .. }
        | Invocation::Record(_)
        | Invocation::AlertAck { .. } => true,
        Invocation::Policy(call) => match call {
            PolicyCall::PutDraft { .. } | PolicyCall::Publish { .. } | PolicyCall::Withdraw { .. } => true,
            PolicyCall::InForce
            | PolicyCall::Version(_)
            | PolicyCall::Draft
            | PolicyCall::Versions { .. }
            | PolicyCall::DryRun(_) => false,
        },
        Invocation::SessionOpen(_)
        | Invocation::SessionPing
        | Invocation::SessionRefresh { .. }
        | Invocation::SessionSignOut { .. }
        | Invocation::AgentGet
        | Invocation::PauseOptions { .. }
        | Invocation::RequestList
        | Invocation::OccupancySet { .. }
        | Invocation::BoardSubscribe { .. }
        | Invocation::BoardUnsubscribe { .. }
        | Invocation::SwitchOn { .. }
        | Invocation::Discover
        | Invocation::SwitchOff { .. } => false,
    }
}
