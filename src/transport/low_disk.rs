//! What is refused while the disk is nearly full: whatever begins something, so that what is under way can end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::App;
use crate::auth::Principal;
use crate::domain::command::Command;
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::methods::Invocation;
use crate::protocol::policy_call::PolicyCall;

/// When it is worth asking again: space is made by a person, or by something that tidies up.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Whether the disk is nearly full, as whoever watches it says. Clones say the same.
#[derive(Debug, Clone, Default)]
pub struct LowDisk(Arc<AtomicBool>);

impl LowDisk {
    /// Says how it is.
    pub fn set(&self, is_low: bool) {
        self.0.store(is_low, Ordering::Release);
    }

    /// True while it is nearly full.
    pub fn is_low(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Refuses a call that begins something while the disk is nearly full. A protected pause is never refused.
pub(super) fn check_call(app: &App, principal: &Principal, invocation: &Invocation) -> Result<(), WireError> {
    if !app.settings.low_disk.is_low()
        || !begins(invocation)
        || super::rpc::starts_protected(app, principal, invocation)
    {
        return Ok(());
    }
    Err(refused())
}

/// Refuses a request that adds to what is stored while the disk is nearly full.
pub(super) fn check(app: &App) -> Result<(), WireError> {
    if app.settings.low_disk.is_low() { Err(refused()) } else { Ok(()) }
}

fn refused() -> WireError {
    metrics::counter!("intervalo_low_disk_refusals_total").increment(1);
    let message = "The server's disk is nearly full; nothing new begins, what is under way can end.";
    let ms = u64::try_from(RETRY_AFTER.as_millis()).unwrap_or(u64::MAX);
    WireError::new(ErrorKind::Unavailable, "low_disk", message).with("retry_after_ms", ms)
}

fn begins(invocation: &Invocation) -> bool {
    match invocation {
        Invocation::Own(own) => command_begins(&own.command),
        Invocation::Live(live) => command_begins(&live.command),
        Invocation::OwnRequest(request) => command_begins(&request.command),
        Invocation::Policy(call) => match call {
            PolicyCall::PutDraft { .. } | PolicyCall::Publish { .. } => true,
            PolicyCall::InForce
            | PolicyCall::Version(_)
            | PolicyCall::Draft
            | PolicyCall::Versions { .. }
            | PolicyCall::DryRun(_)
            | PolicyCall::Withdraw { .. } => false,
        },
        Invocation::SessionOpen(_)
        | Invocation::SessionPing
        | Invocation::SessionRefresh { .. }
        | Invocation::SessionSignOut { .. }
        | Invocation::AgentGet
        | Invocation::PauseOptions { .. }
        | Invocation::RequestList
        | Invocation::RequestDecide { .. }
        | Invocation::Record(_)
        | Invocation::AlertAck { .. }
        | Invocation::OccupancySet { .. }
        | Invocation::BoardSubscribe { .. }
        | Invocation::BoardUnsubscribe { .. }
        | Invocation::SwitchOn { .. }
        | Invocation::Discover
        | Invocation::SwitchOff { .. } => false,
    }
}

/// True for what leads to more: a pause has a start, thresholds and an end; a request a decision.
fn command_begins(command: &Command) -> bool {
    match command {
        Command::StartPause { .. }
        | Command::AcceptOffer { .. }
        | Command::CreateRequest { .. }
        | Command::PlanShifts { .. } => true,
        Command::SetStatus { .. }
        | Command::Cancel { .. }
        | Command::EndPause { .. }
        | Command::ExtendPause { .. }
        | Command::CancelRequest { .. }
        | Command::DecideRequest { .. }
        | Command::AckAlert { .. }
        | Command::SignOut { .. }
        | Command::CancelShift { .. }
        | Command::CorrectPause { .. }
        | Command::AnnotatePause { .. } => false,
    }
}
