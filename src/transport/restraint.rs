//! Who calls in vain waits, by whatever door: what is refused costs almost as much as what is done, and without this a client whose
//! calls are all refused would be read as fast as it writes, with whoever is behind it waiting for each.

use std::time::Duration;

use super::App;
use super::failures::Budget;
use crate::auth::Principal;
use crate::protocol::error::{ErrorKind, WireError};

/// How many calls in vain a principal has at once, and after what time one more: mistakes are free, and a flood of them is read at five a
/// second, over all its sockets and requests together.
pub(super) const BUDGET: Budget = Budget { burst: 16, one_more_after: Duration::from_millis(200) };
/// For how long anything is held up at most: less than a request may take.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(5);

impl App {
    /// Whether a call was refused for what its caller has known for a while. Not what is only too much at once: held up, it would look as
    /// if it went on and on.
    pub(super) fn is_in_vain(&self, principal: Option<&Principal>, error: &WireError) -> bool {
        let floods =
            |principal: &Principal| self.rate_limiter.is_shut_out(&principal.tenant, &principal.id, self.clock.now());
        error.is_fault_of_form() || (error.kind() == ErrorKind::RateLimited && principal.is_some_and(floods))
    }

    /// Counts a call in vain, and says for how long nothing more of the principal is to be read; none mostly.
    pub(super) fn called_in_vain(&self, principal: &Principal) -> Option<Duration> {
        let who = (principal.tenant.clone(), principal.id.clone());
        let pause = self.in_vain.charge(&who, PAUSE_MAX, self.clock.now());
        (!pause.is_zero()).then_some(pause)
    }
}
