//! A socket that counts as an agent's presence: what the agent's actor has to say to it, until it is taken off.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::App;
use crate::actor::Notice;
use crate::actor::session::{NOTICES_MAX, Receiver};
use crate::domain::id::{AgentId, SessionId, TenantId};

/// The socket counts as the agent's presence.
pub(super) struct Presence {
    pub(super) notices: Notices,
    _attached: Attached,
}

impl Presence {
    pub(super) fn new(notices: Receiver<Box<Notice>>, attached: Attached) -> Presence {
        Presence { notices: Notices { queue: notices, fell_behind: false }, _attached: attached }
    }
}

/// What the agent's actor says.
pub(super) struct Notices {
    queue: Receiver<Box<Notice>>,
    /// The queue was seen full: if it ends, it ends because of that.
    fell_behind: bool,
}

impl Notices {
    /// The socket was too slow for what it is to be told.
    pub(super) fn fell_behind(&self) -> bool {
        self.fell_behind
    }

    /// What is already waiting.
    pub(super) fn waiting(&mut self) -> Option<Notice> {
        self.look_whether_it_fell_behind();
        self.queue.try_recv().map(|notice| *notice)
    }

    /// The next one; none once the actor has let go of the socket.
    async fn next(&mut self) -> Option<Notice> {
        self.look_whether_it_fell_behind();
        self.queue.recv().await.map(|notice| *notice)
    }

    fn look_whether_it_fell_behind(&mut self) {
        self.fell_behind |= self.queue.len() >= NOTICES_MAX;
    }
}

/// The next thing that the agent's actor says; never, when the socket is no presence.
pub(super) async fn next_notice(presence: Option<&mut Presence>) -> Option<Notice> {
    let Some(presence) = presence else { return std::future::pending().await };
    presence.notices.next().await
}

/// Takes the socket off the agent when it is dropped, however the connection ended.
pub(super) struct Attached {
    pub(super) app: Arc<App>,
    pub(super) tenant: TenantId,
    pub(super) agent: AgentId,
    pub(super) session: SessionId,
    /// It may be on the agent.
    pub(super) is_on: bool,
}

impl Drop for Attached {
    fn drop(&mut self) {
        if !self.is_on {
            return;
        }
        // Without a runtime the process is ending, and its next start takes every socket off.
        let Ok(runtime) = Handle::try_current() else { return };
        let app = Arc::clone(&self.app);
        let (tenant, agent, session) = (self.tenant.clone(), self.agent.clone(), self.session);
        let detaching = async move { app.router.detach(&tenant, &agent, session).await };
        self.app.tasks.spawn_on(detaching, &runtime);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::session::notices;
    use crate::domain::id::{OfferId, PauseTypeCode};
    use crate::domain::time::Timestamp;

    #[tokio::test]
    async fn a_queue_that_was_full_is_remembered_whichever_way_it_is_emptied() {
        for (count, is_full) in [(NOTICES_MAX, true), (NOTICES_MAX - 1, false)] {
            let (sender, queue) = notices();
            let mut said = Notices { queue, fell_behind: false };
            for _ in 0..count {
                let pause_type = PauseTypeCode::new("lunch").expect("a code");
                let offered = Notice::Offered { offer: OfferId(1), pause_type, expires_at: Timestamp(0) };
                sender.try_send(Box::new(offered)).expect("room");
            }
            // So the actor ends a socket that is too far behind.
            drop(sender);
            while said.waiting().is_some() {}
            assert!(said.next().await.is_none());
            assert_eq!(said.fell_behind(), is_full, "{count} notices");
        }
    }
}
