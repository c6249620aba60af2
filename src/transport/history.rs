//! What the doors need of the pause history and of past policies: one tenant's, whose principal asks. The store answers
//! it; a test may.

use crate::domain::id::{PauseId, PolicyVersion, TenantId, TenantSeq};
use crate::ports::{BoxFuture, ReadError};
use crate::store::history::{
    self, EventFilter, EventPage, PauseFilter, PauseKey, PausePage, PauseRow, PublishedPolicy, Recorded,
};

/// Gives out the history of each tenant.
pub trait PauseHistory: Send + Sync + 'static {
    /// The history of one tenant.
    fn of(&self, tenant: &TenantId) -> Box<dyn TenantHistory>;
}

/// Reads the history of one tenant.
pub trait TenantHistory: Send + Sync + 'static {
    /// Up to `limit` pauses after a key, by start and id. Protected ones are never among them.
    fn page<'a>(
        &'a self,
        filter: &'a PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<PausePage, ReadError>>;

    /// One pause by its id; a protected one is none.
    fn pause(&self, id: PauseId) -> BoxFuture<'_, Result<Option<PauseRow>, ReadError>>;

    /// Up to `limit` versions of the policy, none above `up_to`, the last one first.
    fn policies(&self, up_to: PolicyVersion, limit: u32) -> BoxFuture<'_, Result<Vec<PublishedPolicy>, ReadError>>;

    /// All that is on record, in the tenant's order.
    fn recorded(&self) -> BoxFuture<'_, Result<Recorded, ReadError>>;

    /// The number of the last event.
    fn head(&self) -> BoxFuture<'_, Result<TenantSeq, ReadError>>;

    /// The events after a number as others are shown them, of up to `limit` that are on record.
    fn events<'a>(
        &'a self,
        filter: &'a EventFilter,
        after: TenantSeq,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventPage, ReadError>>;
}

impl PauseHistory for history::PauseHistory {
    fn of(&self, tenant: &TenantId) -> Box<dyn TenantHistory> {
        Box::new(self.of(tenant))
    }
}

impl TenantHistory for history::TenantHistory {
    fn page<'a>(
        &'a self,
        filter: &'a PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> BoxFuture<'a, Result<PausePage, ReadError>> {
        Box::pin(self.page(filter, after, limit))
    }

    fn pause(&self, id: PauseId) -> BoxFuture<'_, Result<Option<PauseRow>, ReadError>> {
        Box::pin(self.pause(id))
    }

    fn policies(&self, up_to: PolicyVersion, limit: u32) -> BoxFuture<'_, Result<Vec<PublishedPolicy>, ReadError>> {
        Box::pin(self.policies(up_to, limit))
    }

    fn recorded(&self) -> BoxFuture<'_, Result<Recorded, ReadError>> {
        Box::pin(self.recorded())
    }

    fn head(&self) -> BoxFuture<'_, Result<TenantSeq, ReadError>> {
        Box::pin(self.head())
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
