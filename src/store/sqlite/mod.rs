//! The journal on SQLite: one file, one writer, durable when a commit returns (WAL, `synchronous=FULL`).

mod checkpoint;
pub(crate) mod fault;
mod heads;
pub(crate) mod open;
mod script;
mod statement;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use open::{DATABASE_FILE, LOCK_FILE};

use crate::domain::command::Actor;
use crate::domain::event::TenantEvent;
use crate::domain::id::{AgentId, Op, PauseId, RequestId, TenantId};
use crate::domain::op::OpRecord;
use crate::domain::record::{RecordedPause, RecordedRequest};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::ports::{
    AppendError, Batch, BoxFuture, Clock, Journal, ReadError, ShardHead, ShardId, ShardSeq, ShardSnapshot, Stored,
};
use crate::store::open_error::OpenError;
use crate::store::ops;
use crate::store::reader;
use crate::store::reading::Readers;
use crate::store::recorded;
use crate::store::requests;
use crate::store::snapshot::snapshot;
use writer::{WAITING_MAX, Work, Writer};

/// The journal in a data folder, owned by this process.
///
/// Batches that wait, of all shards, are committed together; a commit that fails with an I/O error
/// turns the journal read-only until the server is restarted, reads go on.
#[derive(Debug)]
pub struct SqliteJournal {
    works: mpsc::Sender<Work>,
    readers: Readers,
    closing: CancellationToken,
    writer: Mutex<Option<JoinHandle<()>>>,
    broken: Arc<OnceLock<String>>,
}

impl SqliteJournal {
    /// Opens the journal in `dir`, made when it is missing: takes the folder's lock, brings the
    /// schema up to date, and takes every shard over with epoch + 1. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`] when another process owns the folder, when a newer program has been here, or
    /// when the folder cannot be used.
    pub async fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<SqliteJournal, OpenError> {
        let lock = open::FolderLock::take(dir)?;
        let mut connection = open::connect_writer(dir).await?;
        open::migrate(&mut connection).await?;
        open::take_over(&mut connection, clock.now()).await?;
        let readers = Readers::Sqlite(open::connect_readers(dir).await?);
        let broken = Arc::new(OnceLock::new());
        let writer = Writer::new(dir, connection, lock, Arc::clone(&broken)).await?;
        let (works, inbox) = mpsc::channel(WAITING_MAX);
        let closing = CancellationToken::new();
        let writer = tokio::spawn(writer.run(inbox, closing.clone()));
        Ok(SqliteJournal { works, readers, closing, writer: Mutex::new(Some(writer)), broken })
    }

    /// Answers everything that waits, then closes the files and gives up the lock. Later appends
    /// are answered `Unavailable`.
    pub async fn close(&self) {
        self.closing.cancel();
        let writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        self.readers.close().await;
        if let Some(writer) = writer
            && writer.await.is_err()
        {
            tracing::error!("the journal's writer panicked");
        }
    }

    /// When the last event on record was, so that the clock never runs behind it.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn last_at(&self) -> Result<Timestamp, ReadError> {
        reader::last_at(&self.readers).await
    }

    /// Why nothing can be written any more, when that is so.
    pub fn read_only_because(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }
}

impl Journal for SqliteJournal {
    fn broken(&self) -> Option<String> {
        self.read_only_because().map(str::to_owned)
    }

    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            if self.works.capacity() == 0 {
                Limit::JournalQueue.reached();
            }
            if self.works.send(Work { batch, answer }).await.is_err() {
                return Err(AppendError::Unavailable("the journal is closed".to_owned()));
            }
            answered.await.unwrap_or_else(|_| Err(AppendError::Unknown("the journal's writer is gone".to_owned())))
        })
    }

    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>> {
        Box::pin(snapshot(&self.readers, shard))
    }

    fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        Box::pin(reader::read(&self.readers, shard, after, max))
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>> {
        Box::pin(reader::heads(&self.readers))
    }

    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>> {
        Box::pin(reader::head(&self.readers, shard))
    }

    fn find_pause<'a>(
        &'a self,
        tenant: &'a TenantId,
        pause: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>> {
        Box::pin(recorded::find_pause(&self.readers, tenant, pause))
    }

    fn find_request<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RequestId,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>> {
        Box::pin(requests::find_request(&self.readers, tenant, request, since))
    }

    fn find_op<'a>(
        &'a self,
        tenant: &'a TenantId,
        agent: &'a AgentId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>> {
        Box::pin(ops::find_op(&self.readers, tenant, agent, op, by))
    }

    fn find_change<'a>(
        &'a self,
        tenant: &'a TenantId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>> {
        Box::pin(ops::find_change(&self.readers, tenant, op, by))
    }
}
