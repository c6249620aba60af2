//! A journal that takes everything and keeps nothing: what a journal costs is not what is counted.

use std::sync::Arc;

use intervalo::domain::command::Actor;
use intervalo::domain::event::TenantEvent;
use intervalo::domain::id::{AgentId, Op, PauseId, RequestId, TenantId};
use intervalo::domain::op::OpRecord;
use intervalo::domain::record::{RecordedPause, RecordedRequest};
use intervalo::domain::time::Timestamp;
use intervalo::ports::{
    AppendError, Batch, BoxFuture, Journal, ReadError, ShardHead, ShardId, ShardSeq, ShardSnapshot, Stored,
};
use intervalo::store::MemoryJournal;

/// Begins with what another one has.
pub(crate) struct Forgetful(pub(crate) Arc<MemoryJournal>);

impl Journal for Forgetful {
    fn append(&self, _: Batch) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async { Ok(()) })
    }

    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>> {
        self.0.snapshot(shard)
    }

    fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        self.0.read(shard, after, max)
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>> {
        self.0.heads()
    }

    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>> {
        self.0.head(shard)
    }

    fn find_pause<'a>(
        &'a self,
        _: &'a TenantId,
        _: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>> {
        Box::pin(async { Ok(None) })
    }

    fn find_request<'a>(
        &'a self,
        _: &'a TenantId,
        _: RequestId,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>> {
        Box::pin(async { Ok(None) })
    }

    fn find_op<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a AgentId,
        _: Op,
        _: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>> {
        Box::pin(async { Ok(None) })
    }

    fn find_change<'a>(
        &'a self,
        _: &'a TenantId,
        _: Op,
        _: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>> {
        Box::pin(async { Ok(None) })
    }
}
