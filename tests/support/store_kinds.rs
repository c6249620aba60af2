//! The journals that the contract is run on: one factory each.

use std::sync::{Arc, LazyLock, Mutex};

use intervalo::config::StoreAddress;
use intervalo::domain::id::{AgentId, TenantId};
use intervalo::domain::time::Timestamp;
use intervalo::ports::{BoxFuture, Clock, Journal};
use intervalo::store::{DATABASE_FILE, MemoryJournal, PostgresJournal, SqliteJournal, verify};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

use super::postgres::{PrivatePostgres, postgres_of, url_of};

/// A clock that stands still.
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(super::store_world::START)
    }

    fn sleep_until(&self, _at: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A data set that can be opened, and opened again.
pub(crate) trait Store {
    /// Opens it; whoever had it open before is gone.
    async fn open(&self) -> Arc<dyn Journal>;

    /// Is the evidence whole.
    async fn verify(&self) -> Result<verify::Summary, verify::Fault>;

    /// Erases an agent's row and the texts about them.
    async fn erase(&self, tenant: &TenantId, agent: &AgentId);
}

/// A data set that others can read while it is open.
pub(crate) trait Readable: Store {
    /// Where it is.
    fn address(&self) -> StoreAddress;
}

pub(crate) struct InMemory(Arc<MemoryJournal>);

impl InMemory {
    pub(crate) fn new() -> InMemory {
        InMemory(Arc::new(MemoryJournal::new(1)))
    }
}

impl Store for InMemory {
    async fn open(&self) -> Arc<dyn Journal> {
        Arc::new(self.0.reopen())
    }

    async fn verify(&self) -> Result<verify::Summary, verify::Fault> {
        self.0.verify()
    }

    async fn erase(&self, tenant: &TenantId, agent: &AgentId) {
        self.0.erase_agent(tenant, agent);
    }
}

pub(crate) struct OnSqlite {
    dir: TempDir,
    open: Mutex<Option<Arc<SqliteJournal>>>,
}

impl OnSqlite {
    pub(crate) fn new() -> OnSqlite {
        OnSqlite { dir: TempDir::new().unwrap(), open: Mutex::new(None) }
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) async fn open_sqlite(&self) -> Arc<SqliteJournal> {
        self.close().await;
        let journal = Arc::new(SqliteJournal::open(self.dir(), Arc::new(StoppedClock)).await.unwrap());
        *self.open.lock().unwrap() = Some(Arc::clone(&journal));
        journal
    }

    pub(crate) async fn close(&self) {
        let before = self.open.lock().unwrap().take();
        if let Some(before) = before {
            before.close().await;
        }
    }

    /// A person's own connection, as with `sqlite3`: no constraint of foreign keys.
    pub(crate) async fn by_hand(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.dir().join(DATABASE_FILE))
            .foreign_keys(false)
            .connect()
            .await
            .unwrap()
    }
}

impl Store for OnSqlite {
    async fn open(&self) -> Arc<dyn Journal> {
        self.open_sqlite().await
    }

    async fn verify(&self) -> Result<verify::Summary, verify::Fault> {
        verify::verify(self.dir()).await
    }

    async fn erase(&self, tenant: &TenantId, agent: &AgentId) {
        let mut connection = self.by_hand().await;
        let person = "(SELECT id FROM people WHERE tenant = ?1 AND kind = 'agent' AND host_id = ?2)";
        for sql in [
            format!("DELETE FROM texts WHERE tenant = ?1 AND person = {person}"),
            "DELETE FROM people WHERE tenant = ?1 AND kind = 'agent' AND host_id = ?2".to_owned(),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(tenant.as_str())
                .bind(agent.as_str())
                .execute(&mut connection)
                .await
                .unwrap();
        }
    }
}

impl Readable for OnSqlite {
    fn address(&self) -> StoreAddress {
        StoreAddress::Folder(self.dir().to_owned())
    }
}

/// One server for all tests of the process; each has a database of its own.
static SERVER: LazyLock<Option<PrivatePostgres>> = LazyLock::new(PrivatePostgres::start);

pub(crate) struct OnPostgres {
    address: StoreAddress,
    open: Mutex<Option<Arc<PostgresJournal>>>,
}

impl OnPostgres {
    /// None, with a line that says so, where PostgreSQL is not installed.
    pub(crate) async fn new() -> Option<OnPostgres> {
        // Making a server takes a second or two, in which the runtime has nothing else to do.
        let server = SERVER.as_ref()?;
        Some(OnPostgres { address: server.database().await, open: Mutex::new(None) })
    }

    /// A second owner, whether or not there is a first.
    pub(crate) async fn open_beside(&self) -> Result<PostgresJournal, intervalo::store::OpenError> {
        // A clock that goes on: whoever finds the lock taken waits a little.
        let clock = Arc::new(intervalo::clock::SystemClock::start(Timestamp(super::store_world::START)));
        PostgresJournal::open(postgres_of(&self.address), clock).await
    }

    pub(crate) async fn open_postgres(&self) -> Arc<PostgresJournal> {
        self.close().await;
        let journal = Arc::new(self.open_beside().await.unwrap());
        *self.open.lock().unwrap() = Some(Arc::clone(&journal));
        journal
    }

    pub(crate) async fn close(&self) {
        let before = self.open.lock().unwrap().take();
        if let Some(before) = before {
            before.close().await;
        }
    }

    /// A person's own connection, as with `psql`.
    pub(crate) async fn by_hand(&self) -> PgConnection {
        PgConnection::connect(url_of(&self.address)).await.unwrap()
    }
}

impl Store for OnPostgres {
    async fn open(&self) -> Arc<dyn Journal> {
        self.open_postgres().await
    }

    async fn verify(&self) -> Result<verify::Summary, verify::Fault> {
        verify::verify(&self.address).await
    }

    async fn erase(&self, tenant: &TenantId, agent: &AgentId) {
        let mut connection = self.by_hand().await;
        let person = "(SELECT id FROM people WHERE tenant = $1 AND kind = 'agent' AND host_id = $2)";
        for sql in [
            format!("DELETE FROM texts WHERE tenant = $1 AND person = {person}"),
            "DELETE FROM people WHERE tenant = $1 AND kind = 'agent' AND host_id = $2".to_owned(),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(tenant.as_str())
                .bind(agent.as_str())
                .execute(&mut connection)
                .await
                .unwrap();
        }
    }
}

impl Readable for OnPostgres {
    fn address(&self) -> StoreAddress {
        self.address.clone()
    }
}
