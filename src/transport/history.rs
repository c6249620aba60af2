//! What the doors need of the pause history and of past policies. The store answers it; a test may.

use crate::domain::id::{PauseId, PolicyVersion, TenantId, TenantSeq};
use crate::ports::{BoxFuture, ReadError};
use crate::store::history::{
    self, EventFilter, EventPage, PauseFilter, PauseKey, PausePage, PauseRow, PublishedPolicy, Recorded,
};

/// Reads the pause history.
pub trait PauseHistory: Send + Sync + 'static {
    /// Up to `limit` pauses after a key, by start and id. Protected ones are never among them.
    fn page<'a>(
        &'a self,
        filter: &'a PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<PausePage, ReadError>>;

    /// One pause by its id; a protected one is none.
    fn pause<'a>(&'a self, tenant: &'a TenantId, id: PauseId) -> BoxFuture<'a, Result<Option<PauseRow>, ReadError>>;

    /// Up to `limit` versions of the policy, none above `up_to`, the last one first.
    fn policies<'a>(
        &'a self,
        tenant: &'a TenantId,
        up_to: PolicyVersion,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<PublishedPolicy>, ReadError>>;

    /// All that is on record of a tenant, in its order.
    fn recorded<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Result<Recorded, ReadError>>;

    /// The number of a tenant's last event.
    fn head<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Result<TenantSeq, ReadError>>;

    /// The events after a number as others are shown them, of up to `limit` that are on record.
    fn events<'a>(
        &'a self,
        filter: &'a EventFilter,
        after: TenantSeq,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventPage, ReadError>>;
}

impl PauseHistory for history::PauseHistory {
    fn page<'a>(
        &'a self,
        filter: &'a PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<PausePage, ReadError>> {
        Box::pin(self.page(filter, after, limit))
    }

    fn pause<'a>(&'a self, tenant: &'a TenantId, id: PauseId) -> BoxFuture<'a, Result<Option<PauseRow>, ReadError>> {
        Box::pin(self.pause(tenant, id))
    }

    fn policies<'a>(
        &'a self,
        tenant: &'a TenantId,
        up_to: PolicyVersion,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<PublishedPolicy>, ReadError>> {
        Box::pin(self.policies(tenant, up_to, limit))
    }

    fn recorded<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Result<Recorded, ReadError>> {
        Box::pin(self.recorded(tenant))
    }

    fn head<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Result<TenantSeq, ReadError>> {
        Box::pin(self.head(tenant))
    }

    fn events<'a>(
        &'a self,
        filter: &'a EventFilter,
        after: TenantSeq,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventPage, ReadError>> {
        Box::pin(self.events(filter, after, limit))
    }
}
