//! Who was cut off for what it sent, and how often: coming back costs more than being cut off, for each sign-in of an agent is an
//! event on record.

use std::time::Duration;

use super::App;
use super::failures::Budget;
use crate::auth::Principal;
use crate::protocol::close::CloseCode;
use crate::protocol::error::WireError;

/// How often a principal may be cut off for its own fault: some times at once, as a page does that is reloaded, then once in ten
/// seconds. A socket beyond it is not opened until then.
pub(super) const BUDGET: Budget = Budget { burst: 5, one_more_after: Duration::from_secs(10) };

impl App {
    /// A socket of a principal has ended so.
    pub(super) fn has_ended(&self, principal: &Principal, code: CloseCode) {
        if code.is_fault_of_client() {
            let who = (principal.tenant.clone(), principal.id.clone());
            // Beyond the budget nothing is counted: whoever was let in before is not kept out for longer.
            let _beyond = self.struck_out.failed(&who, self.clock.now());
        }
    }

    /// Whether a principal may open a socket.
    ///
    /// # Errors
    /// [`WireError`] with the time to wait.
    pub(super) fn check_not_struck_out(&self, principal: &Principal) -> Result<(), WireError> {
        let who = (principal.tenant.clone(), principal.id.clone());
        self.struck_out.check(&who, self.clock.now()).map_err(|wait| {
            metrics::counter!("intervalo_connections_refused_total", "why" => "struck_out").increment(1);
            WireError::rate_limited(wait)
        })
    }
}
