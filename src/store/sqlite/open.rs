//! Opening a data folder: the lock, the schema, the epochs, and how connections are made.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::domain::time::Timestamp;
use crate::store::open_error::{self, OpenError};

/// The database's file in the data folder.
pub const DATABASE_FILE: &str = "intervalo.db";
/// The lock's file in the data folder; it holds the owner's process id as text.
pub const LOCK_FILE: &str = "lock";

/// How long a statement waits for a lock of the database. Nobody else writes, so only a checkpoint
/// or a person's `sqlite3` can hold it; longer than this is a fault to be told of.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How many connections read at once: reads are short, and each connection is a thread.
const READERS_MAX: u32 = 4;
/// How long a read waits for one of them.
const READER_WAIT_MAX: Duration = Duration::from_secs(5);

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Holds the folder's lock until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder when it is missing, and takes its lock.
    pub(crate) fn take(dir: &Path) -> Result<FolderLock, OpenError> {
        make_dir(dir).map_err(|source| OpenError::Io { path: dir.to_owned(), source })?;
        let path = dir.join(LOCK_FILE);
        let io = |source| OpenError::Io { path: path.clone(), source };
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let read = file.read_to_string(&mut pid);
                let pid = if read.is_ok() && !pid.trim().is_empty() { pid.trim().to_owned() } else { "?".to_owned() };
                return Err(OpenError::Locked { dir: dir.to_owned(), pid });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        // So that a database made in it survives a power cut together with its name.
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
        Ok(FolderLock { _file: file })
    }
}

/// For the owner's eyes only: it holds people's names.
#[cfg(unix)]
fn make_dir(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn make_dir(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// Makes the database's file when it is missing, for the owner's eyes only also where the folder is
/// for everybody's. SQLite gives the log and its index the same rights.
fn make_database(path: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// A connection that writes: durable when a commit returns, and checkpoints only when told to.
pub(super) async fn connect_writer(dir: &Path) -> Result<SqliteConnection, OpenError> {
    let path = dir.join(DATABASE_FILE);
    make_database(&path).map_err(|source| OpenError::Io { path, source })?;
    let options = options(dir)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", "0")
        // What undoes a statement that fails halfway is not worth a file (<https://www.sqlite.org/tempfiles.html>).
        .pragma("temp_store", "memory");
    Ok(options.connect().await?)
}

/// Connections that read, beside a writer of this process or another.
pub(crate) async fn connect_readers(dir: &Path) -> Result<SqlitePool, OpenError> {
    if !dir.join(DATABASE_FILE).exists() {
        return Err(OpenError::Missing { dir: dir.to_owned() });
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(READER_WAIT_MAX)
        .connect_with(options(dir).read_only(true))
        .await?;
    Ok(pool)
}

fn options(dir: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(dir.join(DATABASE_FILE)).busy_timeout(BUSY_TIMEOUT).disable_statement_logging()
}

/// Brings the schema up to this program's; refuses one that is ahead of it.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    Ok(MIGRATIONS.run(connection).await?)
}

/// Refuses a schema that is not this program's, without changing it.
pub(crate) async fn check_schema(pool: &SqlitePool) -> Result<(), OpenError> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(pool).await?;
    open_error::check_schema(&MIGRATIONS, newest)
}

/// Takes every shard over from whoever had it: epoch + 1.
pub(super) async fn take_over(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), OpenError> {
    sqlx::query("UPDATE shards SET epoch = epoch + 1, owner = ?1, owned_at = ?2")
        .bind(std::process::id().to_string())
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}
