//! The receiving end of a copy: an empty database that takes rows as they are, in one transaction.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::{open, owner, statement::Statement};
use crate::config::PostgresAddress;
use crate::ports::Clock;
use crate::store::encode::Writes;
use crate::store::open_error::OpenError;

/// How long one page may take to be written, and the commit.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);

/// A database in the middle of a copy. Dropped before its end, nothing was written.
pub(crate) struct Target {
    connection: PgConnection,
}

/// Why a copy did not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("{0}")]
    Database(String),
    #[error("no answer within {} s", PAGE_TIMEOUT.as_secs())]
    TimedOut,
}

impl From<sqlx::Error> for TargetError {
    fn from(error: sqlx::Error) -> TargetError {
        TargetError::Database(error.to_string())
    }
}

/// A shard's row, as it is copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShardCopy {
    pub(crate) id: i64,
    pub(crate) epoch: i64,
    pub(crate) head: i64,
}

impl Target {
    /// Takes the database's lock and makes its tables; none when there is something in them.
    pub(crate) async fn open(address: &PostgresAddress, clock: &dyn Clock) -> Result<Option<Target>, OpenError> {
        let mut connection = open::connect_first(address).await?;
        owner::take(&mut connection, address, clock).await?;
        open::migrate(&mut connection).await?;
        open::make_durable(&mut connection).await?;
        let empty: bool =
            sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM tenants)").fetch_one(&mut connection).await?;
        if !empty {
            return Ok(None);
        }
        sqlx::query("BEGIN").execute(&mut connection).await?;
        Ok(Some(Target { connection }))
    }

    /// Writes rows.
    pub(crate) async fn write(&mut self, writes: &Writes) -> Result<(), TargetError> {
        let statement = Statement::of_copy(writes);
        within(async {
            let written = statement.run_copy(&mut self.connection).await;
            written.map_err(|fault| TargetError::Database(fault.to_string()))
        })
        .await
    }

    /// Sets a shard's epoch and head.
    pub(crate) async fn set_shard(&mut self, shard: ShardCopy) -> Result<(), TargetError> {
        within(async {
            sqlx::query("UPDATE shards SET epoch = $2, head = $3 WHERE id = $1")
                .bind(shard.id)
                .bind(shard.epoch)
                .bind(shard.head)
                .execute(&mut self.connection)
                .await?;
            Ok(())
        })
        .await
    }

    /// Makes the copy durable, and the server's statistics those of what it now holds.
    pub(crate) async fn finish(mut self) -> Result<(), TargetError> {
        within(async {
            sqlx::query("COMMIT").execute(&mut self.connection).await?;
            sqlx::query("ANALYZE").execute(&mut self.connection).await?;
            Ok(self.connection.close().await?)
        })
        .await
    }
}

async fn within<T>(work: impl Future<Output = Result<T, TargetError>>) -> Result<T, TargetError> {
    tokio::time::timeout(PAGE_TIMEOUT, work).await.unwrap_or(Err(TargetError::TimedOut))
}
