//! The journal on PostgreSQL: durable when a commit returns, one statement a batch, fenced by the shard's row.

mod basis;
mod copying;
pub(crate) mod fault;
mod lane;
pub(crate) mod open;
mod owner;
mod standing;
mod statement;

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::PostgresAddress;
use crate::domain::command::Actor;
use crate::domain::event::TenantEvent;
use crate::domain::id::{AgentId, Op, PauseId, RequestId, TenantId};
use crate::domain::op::OpRecord;
use crate::domain::record::{RecordedPause, RecordedRequest};
use crate::domain::time::Timestamp;
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
pub(crate) use copying::{ShardCopy, Target, TargetError};
use lane::{Epochs, Lane, WRITE_TIMEOUT};
use standing::Standing;

/// How many connections write: shards of different lanes commit side by side, and PostgreSQL syncs them
/// together. A shard always has the same lane.
const LANES: usize = 8;

/// The journal in a PostgreSQL database, owned by this process.
///
/// Every call has a time limit. A connection that broke is opened anew by the next append; an append without an
/// answer is found out about before anything is said of its shard.
pub struct PostgresJournal {
    lanes: Vec<Mutex<Lane>>,
    epochs: Epochs,
    standing: Arc<Standing>,
    readers: Readers,
    closing: CancellationToken,
    holder: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl PostgresJournal {
    /// Opens the journal in a database: takes its lock, makes its tables or brings them up to date, and takes
    /// every shard over with epoch + 1. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`] when another server owns the database, when a newer program has been here, when it cannot
    /// be reached, or when its server would not keep what it acknowledges.
    pub async fn open(address: &PostgresAddress, clock: Arc<dyn Clock>) -> Result<PostgresJournal, OpenError> {
        let mut connection = open::connect_first(address).await?;
        owner::take(&mut connection, address, &*clock).await?;
        open::migrate(&mut connection).await?;
        open::make_durable(&mut connection).await?;
        let epochs = open::take_over(&mut connection, &owner::name(), clock.now()).await?;
        let readers = Readers::Postgres(open::connect_readers(address).await?);
        let options = open::writer_options(address, WRITE_TIMEOUT)?;
        let lanes = (0..LANES).map(|_| Mutex::new(Lane::new(options.clone()))).collect();
        let closing = CancellationToken::new();
        let epochs = Epochs(epochs);
        let standing = Arc::new(Standing::default());
        let watch = owner::Watch {
            options: open::options(address)?,
            epochs: epochs.sum(),
            standing: Arc::clone(&standing),
            clock,
            closing: closing.clone(),
        };
        let holder = tokio::spawn(watch.run(connection));
        let holder = std::sync::Mutex::new(Some(holder));
        Ok(PostgresJournal { lanes, epochs, standing, readers, closing, holder })
    }

    /// Closes the connections and gives up the lock. Later appends are answered `Unavailable`.
    pub async fn close(&self) {
        self.closing.cancel();
        for lane in &self.lanes {
            // One that is appending ends first.
            lane.lock().await.close().await;
        }
        self.readers.close().await;
        let holder = self.holder.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(holder) = holder
            && holder.await.is_err()
        {
            tracing::error!("the holder of the database's lock panicked");
        }
    }

    /// When the last event on record was, so that the clock never runs behind it.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn last_at(&self) -> Result<Timestamp, ReadError> {
        reader::last_at(&self.readers).await
    }

    /// Finds out what became of appends without an answer; until then no head may be told.
    async fn settle(&self) -> Result<(), ReadError> {
        for lane in &self.lanes {
            lane.lock().await.settle().await.map_err(|error| ReadError::Unavailable(error.to_string()))?;
        }
        Ok(())
    }
}

impl Journal for PostgresJournal {
    fn broken(&self) -> Option<String> {
        self.standing.lost().map(str::to_owned)
    }

    fn is_in_doubt(&self) -> bool {
        self.standing.is_in_doubt()
    }

    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async move {
            if self.closing.is_cancelled() {
                return Err(AppendError::Unavailable("the journal is closed".to_owned()));
            }
            if self.standing.lost().is_some() || !self.epochs.own(batch.shard, batch.epoch) {
                return Err(AppendError::Fenced);
            }
            let answer = self.lanes[usize::from(batch.shard.0) % LANES]
                .lock()
                .await
                .append(&batch, self.standing.breaks())
                .await;
            self.standing.after_append(&answer);
            answer
        })
    }

    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>> {
        Box::pin(snapshot(&self.readers, shard))
    }

    fn read(&self, shard: ShardId, after: ShardSeq, max: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        Box::pin(reader::read(&self.readers, shard, after, max))
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>> {
        Box::pin(async move {
            self.settle().await?;
            reader::heads(&self.readers).await
        })
    }

    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>> {
        Box::pin(async move {
            self.settle().await?;
            reader::head(&self.readers, shard).await
        })
    }

    fn find_pause<'a>(
        &'a self,
        tenant: &'a TenantId,
        pause: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>> {
        Box::pin(async move {
            let answer = recorded::find_pause(&self.readers, tenant, pause).await;
            self.standing.after_read(&answer);
            answer
        })
    }

    fn find_request<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RequestId,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>> {
        Box::pin(async move {
            let answer = requests::find_request(&self.readers, tenant, request, since).await;
            self.standing.after_read(&answer);
            answer
        })
    }

    fn find_op<'a>(
        &'a self,
        tenant: &'a TenantId,
        agent: &'a AgentId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>> {
        Box::pin(async move {
            let answer = ops::find_op(&self.readers, tenant, agent, op, by).await;
            self.standing.after_read(&answer);
            answer
        })
    }

    fn find_change<'a>(
        &'a self,
        tenant: &'a TenantId,
        op: Op,
        by: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>> {
        Box::pin(async move {
            let answer = ops::find_change(&self.readers, tenant, op, by).await;
            self.standing.after_read(&answer);
            answer
        })
    }
}
