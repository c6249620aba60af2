//! The owner's lock: an advisory lock of the database that keeps a second server from taking it over by
//! mistake. A courtesy only, for a connection can break: what keeps two writers apart is the epoch.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use super::open::{CONNECT_TIMEOUT, connect};
use super::standing::Standing;
use crate::config::PostgresAddress;
use crate::ports::Clock;
use crate::store::open_error::OpenError;

/// How often the lock's connection is looked at, and taken anew when it broke.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

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

/// Holds the lock, and looks whether the database is there and still this process's.
pub(super) struct Watch {
    pub(super) options: PgConnectOptions,
    /// The sum of the epochs that this process took the shards over with.
    pub(super) epochs: i64,
    pub(super) standing: Arc<Standing>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) closing: CancellationToken,
}

impl Watch {
    /// Runs until `closing`, or until another server has taken the database over; then the lock is given up.
    pub(super) async fn run(self, connection: PgConnection) {
        let mut held = Some(connection);
        loop {
            let rest = self.clock.sleep_until(self.clock.now() + LOOKED_AT_EVERY);
            if self.closing.run_until_cancelled(rest).await.is_none() || self.standing.lost().is_some() {
                break;
            }
            held = match held {
                Some(connection) => self.look(connection).await,
                None => self.take_again().await,
            };
        }
        if let Some(connection) = held {
            give_up(connection).await;
        }
    }

    async fn look(&self, mut connection: PgConnection) -> Option<PgConnection> {
        match within(self.epochs_there(&mut connection)).await {
            Some(epochs) if epochs == self.epochs => {
                self.standing.is_fine();
                Some(connection)
            }
            Some(_) => {
                self.lose();
                Some(connection)
            }
            None => {
                self.standing.has_broken();
                tracing::warn!("the connection that holds the database's lock broke; it will be taken again");
                None
            }
        }
    }

    async fn take_again(&self) -> Option<PgConnection> {
        let Ok(mut connection) = connect(&self.options).await else {
            self.standing.is_doubtful();
            return None;
        };
        let epochs = within(self.epochs_there(&mut connection)).await?;
        if epochs != self.epochs {
            self.lose();
            return None;
        }
        self.standing.is_fine();
        match within(lock(&mut connection)).await {
            Some(true) => {
                tracing::info!("the database's lock is held again");
                Some(connection)
            }
            Some(false) => {
                tracing::warn!("another connection holds the database's lock; perhaps the one that broke, for a while");
                None
            }
            None => None,
        }
    }

    async fn epochs_there(&self, connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT sum(epoch)::bigint FROM shards").fetch_one(connection).await
    }

    fn lose(&self) {
        self.standing.is_lost("another server has taken the database over; this one can only be stopped");
    }
}

/// None when the database does not answer in time, or not as it should.
async fn within<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Option<T> {
    tokio::time::timeout(CONNECT_TIMEOUT, asked).await.ok()?.ok()
}

async fn give_up(mut connection: PgConnection) {
    let unlocked = async {
        sqlx::query("SELECT pg_advisory_unlock_all()").fetch_all(&mut connection).await?;
        connection.close().await
    };
    if within(unlocked).await.is_none() {
        tracing::warn!("the database's lock was not given up politely; it goes with the connection");
    }
}
