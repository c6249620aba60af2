//! A lane: one connection that writes, for some of the shards, one batch after the other.
//!
//! An append whose answer did not come is settled before anything else is said of its shard: the shard's turn
//! is moved on, which waits for a statement that is being written and voids one that is still on its way, and
//! then the head tells. Cost: a connection a lane, and the heads of its tenants in memory.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::basis::{self, ShardRow};
use super::fault::WriteFault;
use super::open::{self, connect, make_durable};
use super::statement::{Fence, Statement};
use crate::domain::id::TenantId;
use crate::ports::{AppendError, Batch, Epoch, ShardId, ShardSeq};
use crate::store::at_hand::AtHand;
use crate::store::encode::{Basis, KnownTenant, Wanted, encode};
use crate::store::random::SystemSalts;

/// How long a statement that writes may take, and those that look up what it stands on: commands are to fail
/// within 5 s (promise B4). The server ends the statement at the same time.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(4);

/// From how many bytes of rows on a batch is given more time: no batch of commands comes near, the directory of
/// a large company does.
const LARGE_BYTES: usize = 1 << 20;

pub(super) struct Lane {
    options: PgConnectOptions,
    /// None before the first append, and after a connection broke.
    connection: Option<PgConnection>,
    books: HashMap<ShardId, Book>,
    /// Shards with an append of which it is not known whether it was written.
    unsettled: HashSet<ShardId>,
    at_hand: AtHand,
    salts: SystemSalts,
}

/// What is known of a shard.
struct Book {
    row: ShardRow,
    tenants: HashMap<TenantId, KnownTenant>,
}

impl Lane {
    pub(super) fn new(options: PgConnectOptions) -> Lane {
        Lane {
            options,
            connection: None,
            books: HashMap::new(),
            unsettled: HashSet::new(),
            at_hand: AtHand::default(),
            salts: SystemSalts,
        }
    }

    /// Appends a batch of one of the lane's shards. Dropped before its end it counts as one without an answer.
    pub(super) async fn append(&mut self, batch: &Batch) -> Result<(), AppendError> {
        let mut connection = self.take_connection().await?;
        if self.unsettled.contains(&batch.shard) {
            self.settle_on(&mut connection, batch.shard).await.map_err(not_written)?;
        }
        let (answer, healthy) = self.append_on(&mut connection, batch).await;
        if healthy {
            self.connection = Some(connection);
        }
        answer
    }

    /// Finds out what became of the appends without an answer. While that is not known, nothing may be said of
    /// their shards' heads.
    pub(super) async fn settle(&mut self) -> Result<(), AppendError> {
        if self.unsettled.is_empty() {
            return Ok(());
        }
        let mut connection = self.take_connection().await?;
        for shard in self.unsettled.clone() {
            self.settle_on(&mut connection, shard).await.map_err(not_written)?;
        }
        self.connection = Some(connection);
        Ok(())
    }

    async fn settle_on(&mut self, connection: &mut PgConnection, shard: ShardId) -> Result<(), WriteFault> {
        within(WRITE_TIMEOUT, basis::settle(connection, shard)).await?;
        self.unsettled.remove(&shard);
        // Its turn has moved.
        self.forget(shard);
        Ok(())
    }

    async fn take_connection(&mut self) -> Result<PgConnection, AppendError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let opened = async {
            let mut connection = connect(&self.options).await?;
            make_durable(&mut connection).await?;
            Ok::<PgConnection, sqlx::Error>(connection)
        };
        let opened = tokio::time::timeout(WRITE_TIMEOUT, opened).await;
        match opened {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(AppendError::Unavailable(format!("cannot connect: {error}"))),
            Err(_) => Err(AppendError::Unavailable("cannot connect in time".to_owned())),
        }
    }

    /// The answer, and whether the connection can be used further.
    async fn append_on(&mut self, connection: &mut PgConnection, batch: &Batch) -> (Result<(), AppendError>, bool) {
        let wanted = Wanted::of([batch]);
        let (mut basis, turn) = match within(WRITE_TIMEOUT, self.basis(connection, batch.shard, &wanted)).await {
            Ok(found) => found,
            Err(fault) => {
                self.forget(batch.shard);
                let healthy = !matches!(fault, WriteFault::Unknown(_));
                return (Err(not_written(fault)), healthy);
            }
        };
        let (writes, answers) = encode([batch], &mut basis, &mut self.salts);
        if let Some(Err(error)) = answers.into_iter().next() {
            // What is known may be what is old: the next append looks again.
            self.forget(batch.shard);
            return (Err(error), true);
        }
        let statement = Statement::of(&writes);
        let entries = writes.journal.len();
        let reached = ShardSeq(batch.after.0 + batch.entries.len() as u64);
        let fence = Fence { shard: batch.shard, epoch: batch.epoch, after: batch.after, reached, turn };
        let limit = time_for(statement.bytes());
        if limit > WRITE_TIMEOUT
            && let Err(fault) = within(WRITE_TIMEOUT, open::set_statement_timeout(connection, limit)).await
        {
            self.forget(batch.shard);
            return (Err(not_written(fault)), false);
        }
        self.unsettled.insert(batch.shard);
        let written = within(limit, statement.run(connection, fence)).await;
        // A connection that was given more time is not used for what is to be quick.
        let healthy = limit == WRITE_TIMEOUT;
        if !matches!(written, Err(WriteFault::Unknown(_))) {
            self.unsettled.remove(&batch.shard);
        }
        match written {
            Ok(true) => {
                metrics::counter!("intervalo_journal_commits_total").increment(1);
                metrics::counter!("intervalo_journal_entries_total").increment(entries as u64);
                self.keep(batch.shard, ShardRow { epoch: batch.epoch, head: reached, turn }, basis);
                (Ok(()), healthy)
            }
            Ok(false) => {
                self.forget(batch.shard);
                (Err(AppendError::Fenced), healthy)
            }
            Err(WriteFault::Unknown(why)) => {
                self.forget(batch.shard);
                (Err(AppendError::Unknown(why)), false)
            }
            Err(fault) => {
                self.forget(batch.shard);
                (Err(not_written(fault)), healthy)
            }
        }
    }

    /// Ends the connection, politely where that can be.
    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && tokio::time::timeout(WRITE_TIMEOUT, connection.close()).await.is_err()
        {
            tracing::warn!("a connection to the database did not close in time");
        }
    }

    /// What a batch stands on, from memory where it is known.
    async fn basis(
        &mut self,
        connection: &mut PgConnection,
        shard: ShardId,
        wanted: &Wanted,
    ) -> Result<(Basis, i64), WriteFault> {
        let mut basis = self.at_hand.of(wanted);
        let row = match self.books.get(&shard) {
            Some(book) => {
                let known =
                    wanted.tenants.iter().filter_map(|tenant| Some((tenant.clone(), *book.tenants.get(tenant)?)));
                basis.tenants.extend(known);
                book.row
            }
            None => basis::shard(connection, shard).await?,
        };
        basis.shards.insert(shard, (row.epoch, row.head));
        basis::load_tenants(connection, wanted, &mut basis).await?;
        basis::load_people(connection, wanted, &mut basis).await?;
        basis::load_texts(connection, wanted, &mut basis).await?;
        Ok((basis, row.turn))
    }

    /// Only what is durable is kept.
    fn keep(&mut self, shard: ShardId, row: ShardRow, mut basis: Basis) {
        let tenants = std::mem::take(&mut basis.tenants);
        let book = self.books.entry(shard).or_insert_with(|| Book { row, tenants: HashMap::new() });
        book.row = row;
        book.tenants.extend(tenants);
        self.at_hand.keep(basis);
    }

    /// It is not known any more what is stored.
    fn forget(&mut self, shard: ShardId) {
        self.books.remove(&shard);
        self.at_hand.clear();
    }
}

/// How long a batch may take: [`WRITE_TIMEOUT`], and as long again for every [`LARGE_BYTES`] of it.
fn time_for(bytes: usize) -> Duration {
    WRITE_TIMEOUT * (1 + u32::try_from(bytes / LARGE_BYTES).unwrap_or(u32::MAX - 1))
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, WriteFault>>) -> Result<T, WriteFault> {
    let timed_out = || WriteFault::Unknown(format!("no answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out()))
}

/// An append that never reached the statement that writes, or that the server said it did not write.
fn not_written(fault: WriteFault) -> AppendError {
    if let WriteFault::Refused(why) = &fault {
        tracing::error!("the store refuses a batch: {why}");
    }
    AppendError::Unavailable(fault.to_string())
}

/// The epochs under which this process owns the shards.
#[derive(Debug)]
pub(super) struct Epochs(pub(super) Vec<Epoch>);

impl Epochs {
    /// True when `epoch` is the one that this process took the shard over with.
    pub(super) fn own(&self, shard: ShardId, epoch: Epoch) -> bool {
        self.0.get(usize::from(shard.0)) == Some(&epoch)
    }
}
