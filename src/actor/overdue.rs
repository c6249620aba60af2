//! Who had something fall due while the server was down, until all of it is durable. Before that they are neither
//! answered nor shown (promise T1); everybody else is.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::domain::id::{AgentId, TenantSeq};
use crate::sync::{AtomicBool, Mutex};

/// The overdue agents of one tenant. Empty, which it is for all but the first seconds of a run, it costs the look at
/// a flag.
#[derive(Debug)]
pub(super) struct Overdue {
    any: AtomicBool,
    agents: Mutex<BTreeSet<AgentId>>,
    /// The tenant's head when the last of them was up to date.
    caught_up: watch::Sender<Option<TenantSeq>>,
}

impl Overdue {
    /// `head` is the tenant's, in case there is nobody.
    pub(super) fn new(agents: BTreeSet<AgentId>, head: TenantSeq) -> Overdue {
        let any = !agents.is_empty();
        metrics::gauge!("intervalo_agents_overdue").increment(agents.len() as f64);
        Overdue {
            any: AtomicBool::new(any),
            agents: Mutex::new(agents),
            caught_up: watch::Sender::new((!any).then_some(head)),
        }
    }

    /// True while something that fell due for this agent is not durable.
    pub(super) fn holds(&self, agent: &AgentId) -> bool {
        self.any.load(Ordering::Acquire) && self.lock().contains(agent)
    }

    /// Lets go of an agent: all that fell due is durable, at the tenant's `head` at the latest.
    pub(super) fn release(&self, agent: &AgentId, head: impl FnOnce() -> TenantSeq) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut agents = self.lock();
        if !agents.remove(agent) {
            return;
        }
        metrics::gauge!("intervalo_agents_overdue").decrement(1.0);
        if agents.is_empty() {
            self.any.store(false, Ordering::Release);
            self.caught_up.send_replace(Some(head()));
        }
    }

    /// Waits until nobody is overdue; answers with the number by which all of it is durable.
    pub(super) async fn caught_up(&self) -> TenantSeq {
        let mut caught_up = self.caught_up.subscribe();
        match caught_up.wait_for(Option::is_some).await {
            Ok(head) => head.unwrap_or_default(),
            Err(_closed) => unreachable!("the sender is a field of what is borrowed here"),
        }
    }

    fn lock(&self) -> crate::sync::MutexGuard<'_, BTreeSet<AgentId>> {
        // The set is whole whoever panicked beside it: each step is one removal.
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
