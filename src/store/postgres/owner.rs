//! The owner's lock: an advisory lock of the database that keeps a second server from taking it over by
//! mistake. A courtesy only, for a connection can break: what keeps two writers apart is the epoch.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::open::{CONNECT_TIMEOUT, connect};
use crate::config::PostgresAddress;
use crate::ports::Clock;
use crate::store::open_error::OpenError;

/// How often the lock's connection is looked at, and taken anew when it broke.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);

/// Who this is, for whoever finds the database taken.
pub(super) fn name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("process {} on {host}", std::process::id())
}

/// How often a lock that is taken is tried again, and after how long: the server may take a moment to notice that
/// the process which held it has gone.
const TRIES: u32 = 20;
const TRIED_EVERY: Duration = Duration::from_millis(100);

/// Takes the lock of the database's schema.
pub(super) async fn take(
    connection: &mut PgConnection,
    address: &PostgresAddress,
    clock: &dyn Clock,
) -> Result<(), OpenError> {
    for _ in 0..TRIES {
        if lock(connection).await? {
            return Ok(());
        }
        clock.sleep_until(clock.now() + TRIED_EVERY).await;
    }
    let owner: Result<Option<String>, _> =
        sqlx::query_scalar("SELECT owner FROM shards WHERE owner IS NOT NULL ORDER BY owned_at DESC LIMIT 1")
            .fetch_optional(connection)
            .await;
    let owner = owner.ok().flatten().unwrap_or_else(|| "another server".to_owned());
    Err(OpenError::Owned { address: address.to_string(), owner })
}

async fn lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended('intervalo owner of ' || current_schema(), 0))")
        .fetch_one(connection)
        .await
}

/// Holds the lock until `closing`, and takes it again after its connection broke.
pub(super) fn hold(
    connection: PgConnection,
    options: PgConnectOptions,
    clock: Arc<dyn Clock>,
    closing: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut held = Some(connection);
        while closing.run_until_cancelled(clock.sleep_until(clock.now() + LOOKED_AT_EVERY)).await.is_some() {
            held = match held {
                Some(connection) => still_there(connection).await,
                None => taken_again(&options).await,
            };
        }
        if let Some(connection) = held {
            give_up(connection).await;
        }
    })
}

async fn give_up(mut connection: PgConnection) {
    let unlocked = async {
        sqlx::query("SELECT pg_advisory_unlock_all()").fetch_all(&mut connection).await?;
        connection.close().await
    };
    if !matches!(tokio::time::timeout(CONNECT_TIMEOUT, unlocked).await, Ok(Ok(()))) {
        tracing::warn!("the database's lock was not given up politely; it goes with the connection");
    }
}

async fn still_there(mut connection: PgConnection) -> Option<PgConnection> {
    let asked = async { sqlx::query("SELECT 1").execute(&mut connection).await };
    match tokio::time::timeout(CONNECT_TIMEOUT, asked).await {
        Ok(Ok(_)) => Some(connection),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("the connection that holds the database's lock broke; it is taken again");
            None
        }
    }
}

async fn taken_again(options: &PgConnectOptions) -> Option<PgConnection> {
    let mut connection = connect(options).await.ok()?;
    match tokio::time::timeout(CONNECT_TIMEOUT, lock(&mut connection)).await {
        Ok(Ok(true)) => Some(connection),
        Ok(Ok(false)) => {
            tracing::error!("another server holds the database's lock; if it has taken the shards over, this one ends");
            None
        }
        Ok(Err(_)) | Err(_) => None,
    }
}
