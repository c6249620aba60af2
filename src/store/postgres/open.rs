//! Opening a PostgreSQL database: how connections are made, what the server must be like, the schema, and
//! the epochs.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, Row};

use super::fault::WriteFault;
use crate::config::PostgresAddress;
use crate::domain::time::Timestamp;
use crate::ports::{Epoch, SHARDS};
use crate::store::open_error::{self, OpenError};

/// How long connecting may take, name resolution, TLS and login included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long bringing a schema up to date and taking the shards over may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);
/// How many connections read at once.
const READERS_MAX: u32 = 4;
/// How long a read waits for one of them.
const READER_WAIT_MAX: Duration = Duration::from_secs(5);
/// The oldest version of PostgreSQL, as `server_version_num` has it: 14, the oldest that is still maintained.
const VERSION_MIN: i64 = 140_000;
/// After how long the server itself ends a statement that reads: more than the reader waits.
const READ_STATEMENT_TIMEOUT: &str = "600s";

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How to connect.
pub(super) fn options(address: &PostgresAddress) -> Result<PgConnectOptions, OpenError> {
    // The library's words would repeat the address, and with it the password.
    let options = PgConnectOptions::from_str(address.with_password())
        .map_err(|_| OpenError::Database(format!("{address} is not an address of PostgreSQL")))?;
    // A plan is never worth compiling for rows as few as ours.
    Ok(options.options([("jit", "off")]).application_name("intervalo").disable_statement_logging())
}

/// A connection, within [`CONNECT_TIMEOUT`].
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let connection = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
    connection.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut))))
}

/// A connection to open the database with, checked: what is acknowledged must be durable.
pub(super) async fn connect_first(address: &PostgresAddress) -> Result<PgConnection, OpenError> {
    let hint = "is the server running there, and may this user log in?";
    let mut connection = connect(&options(address)?)
        .await
        .map_err(|error| OpenError::Database(format!("{address} cannot be reached: {error}; {hint}")))?;
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::bigint, current_setting('fsync'),
                current_setting('full_page_writes'), current_setting('server_encoding'), pg_is_in_recovery()",
    )
    .fetch_one(&mut connection)
    .await?;
    let (version, fsync, pages, encoding, standby): (i64, String, String, String, bool) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    let why = if version < VERSION_MIN {
        "its server is older than PostgreSQL 14; upgrade it".to_owned()
    } else if standby {
        "its server is a standby; give the address of the primary".to_owned()
    } else if fsync != "on" || pages != "on" {
        "its server runs with fsync or full_page_writes off, so a power cut would lose what was acknowledged; set \
         both on"
            .to_owned()
    } else if encoding != "UTF8" {
        format!("its encoding is {encoding}; create it with ENCODING 'UTF8'")
    } else {
        return Ok(connection);
    };
    Err(OpenError::Unfit { address: address.to_string(), why })
}

/// How writers connect: plans are made once, and a commit is durable whatever the server's default is.
pub(super) fn writer_options(
    address: &PostgresAddress,
    statement_timeout: Duration,
) -> Result<PgConnectOptions, OpenError> {
    let timeout = statement_timeout.as_millis().to_string();
    Ok(options(address)?.options([("plan_cache_mode", "force_generic_plan"), ("statement_timeout", timeout.as_str())]))
}

/// Makes a commit wait for the disk where the server's default is not to; a stricter default is left alone.
pub(super) async fn make_durable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Lets the server wait longer for the statements of a connection.
pub(super) async fn set_statement_timeout(connection: &mut PgConnection, limit: Duration) -> Result<(), WriteFault> {
    sqlx::query("SELECT set_config('statement_timeout', $1, false)")
        .bind(limit.as_millis().to_string())
        .fetch_all(connection)
        .await?;
    Ok(())
}

/// Connections that read, of a database with this program's schema.
pub(crate) async fn connect_readers(address: &PostgresAddress) -> Result<PgPool, OpenError> {
    check_schema(&mut connect_first(address).await?).await?;
    let options = options(address)?.options([("statement_timeout", READ_STATEMENT_TIMEOUT)]);
    Ok(PgPoolOptions::new().max_connections(READERS_MAX).acquire_timeout(READER_WAIT_MAX).connect_lazy_with(options))
}

/// Brings the schema up to this program's; refuses one that is ahead of it.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), OpenError> {
    within(async { Ok(MIGRATIONS.run(connection).await?) }).await
}

async fn check_schema(connection: &mut PgConnection) -> Result<(), OpenError> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    let newest: Option<i64> = match there {
        true => sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await?,
        false => None,
    };
    if newest.is_none() {
        return Err(OpenError::Database("there are no tables of intervalo in it; import a company first".to_owned()));
    }
    open_error::check_schema(&MIGRATIONS, newest)
}

/// Takes every shard over from whoever had it: epoch + 1. Returns the epochs by shard.
pub(super) async fn take_over(
    connection: &mut PgConnection,
    owner: &str,
    now: Timestamp,
) -> Result<Vec<Epoch>, OpenError> {
    within(async {
        let rows = sqlx::query("UPDATE shards SET epoch = epoch + 1, owner = $1, owned_at = $2 RETURNING id, epoch")
            .bind(owner)
            .bind(now.0)
            .fetch_all(connection)
            .await?;
        let mut epochs = vec![Epoch(0); usize::from(SHARDS)];
        for row in rows {
            let (id, epoch): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(place) = usize::try_from(id).ok().and_then(|id| epochs.get_mut(id)) {
                *place = Epoch(epoch.cast_unsigned());
            }
        }
        Ok(epochs)
    })
    .await
}

async fn within<T>(work: impl Future<Output = Result<T, OpenError>>) -> Result<T, OpenError> {
    let timed_out = || OpenError::Database(format!("no answer within {} s", OPEN_TIMEOUT.as_secs()));
    tokio::time::timeout(OPEN_TIMEOUT, work).await.unwrap_or_else(|_| Err(timed_out()))
}
