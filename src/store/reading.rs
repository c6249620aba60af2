//! Reading rows from whichever database keeps them: connections, statements, parameters and columns
//! under one name each, so that every read is written once.
//!
//! Rows are read of one tenant ([`OneTenant`], which binds the tenant itself) or, by that name, of all ([`AllTenants`]).

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{Row, Transaction};

use super::open_error::OpenError;
use super::sql::{Sql, SqlOfAll};
use super::stored::{Hash, PersonId, WideId, to_hex, write_json};
use crate::config::StoreAddress;
use crate::domain::id::TenantId;
use crate::limits::Limit;
use crate::ports::ReadError;

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Bind<'a> {
    /// An integer.
    Number(i64),
    /// A text.
    Text(&'a str),
    /// A text or nothing.
    Optional(Option<&'a str>),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of ids or hashes: in SQLite a JSON array of hex for `json_each`, in PostgreSQL `bytea[]`.
    Ids(Vec<Vec<u8>>),
    /// A list of texts or nothing: in SQLite a JSON array for `json_each`, in PostgreSQL `text[]`.
    Words(Option<Vec<String>>),
}

impl Bind<'_> {
    fn to_sqlite<'q>(&self, query: SqliteQuery<'q>) -> SqliteQuery<'q> {
        match self {
            Bind::Number(number) => query.bind(*number),
            Bind::Text(text) => query.bind((*text).to_owned()),
            Bind::Optional(text) => query.bind(text.map(str::to_owned)),
            Bind::Bytes(bytes) => query.bind(bytes.to_vec()),
            Bind::Ids(ids) => query.bind(write_json(&ids.iter().map(|id| to_hex(id)).collect::<Vec<_>>())),
            Bind::Words(words) => query.bind(words.as_ref().map(write_json)),
        }
    }

    fn to_postgres<'q>(&self, query: PostgresQuery<'q>) -> PostgresQuery<'q> {
        match self {
            Bind::Number(number) => query.bind(*number),
            Bind::Text(text) => query.bind((*text).to_owned()),
            Bind::Optional(text) => query.bind(text.map(str::to_owned)),
            Bind::Bytes(bytes) => query.bind(bytes.to_vec()),
            Bind::Ids(ids) => query.bind(ids.clone()),
            Bind::Words(words) => query.bind(words.clone()),
        }
    }
}

type SqliteQuery<'q> = Query<'q, Sqlite, <Sqlite as sqlx::Database>::Arguments>;
type PostgresQuery<'q> = Query<'q, Postgres, <Postgres as sqlx::Database>::Arguments>;

/// Connections that read.
#[derive(Debug, Clone)]
pub(crate) enum Readers {
    /// Of a file.
    Sqlite(SqlitePool),
    /// Of a server.
    Postgres(PgPool),
}

impl Readers {
    /// Connections to a store with this program's schema, beside whoever writes it.
    ///
    /// # Errors
    /// [`OpenError`] when there is none.
    pub(crate) async fn open(store: &StoreAddress) -> Result<Readers, OpenError> {
        match store {
            StoreAddress::Folder(dir) => {
                let pool = super::sqlite::open::connect_readers(dir).await?;
                super::sqlite::open::check_schema(&pool).await?;
                Ok(Readers::Sqlite(pool))
            }
            StoreAddress::Postgres(address) => {
                Ok(Readers::Postgres(super::postgres::open::connect_readers(address).await?))
            }
        }
    }

    /// The same for the rows of one tenant.
    pub(crate) fn of(&self, tenant: &TenantId) -> TenantReaders {
        TenantReaders { readers: self.clone(), tenant: tenant.clone() }
    }

    /// Runs reads of one instant within a limit.
    ///
    /// # Errors
    /// What the reads fail with; `Unavailable` when the store does not answer in time.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        read: impl AsyncFnOnce(&mut Reading) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let reading = async {
            let mut reading = self.begin().await?;
            let value = read(&mut reading).await?;
            reading.end().await?;
            Ok(value)
        };
        tokio::time::timeout(limit, reading)
            .await
            .unwrap_or_else(|_| Err(ReadError::Unavailable(format!("no answer within {} s", limit.as_secs()))))
    }

    /// Begins to read what is there at one instant.
    pub(crate) async fn begin(&self) -> Result<Reading, ReadError> {
        match self {
            Readers::Sqlite(pool) => {
                let transaction =
                    pool.begin().await.map_err(|error| super::sqlite::fault::read_error(noted(&error)))?;
                Ok(Reading::Sqlite(transaction))
            }
            Readers::Postgres(pool) => {
                let wrong = super::postgres::fault::read_error;
                let mut line = Line(Some(pool.acquire().await.map_err(|error| wrong(noted(&error)))?));
                sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .execute(line.connection()?)
                    .await
                    .map_err(|error| wrong(&error))?;
                Ok(Reading::Postgres(line))
            }
        }
    }

    /// Closes the connections.
    pub(crate) async fn close(&self) {
        match self {
            Readers::Sqlite(pool) => pool.close().await,
            Readers::Postgres(pool) => pool.close().await,
        }
    }
}

/// Counts that all connections were taken for as long as a read waits for one.
fn noted(error: &sqlx::Error) -> &sqlx::Error {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        Limit::Readers.reached();
    }
    error
}

/// Reads of one instant. Dropped before its end, a connection to a server is cut: whatever it was about
/// is then over, and no reader waits behind it.
pub(crate) enum Reading {
    /// Of a file.
    Sqlite(Transaction<'static, Sqlite>),
    /// Of a server.
    Postgres(Line),
}

/// A connection that is cut unless it is given back.
pub(crate) struct Line(Option<PoolConnection<Postgres>>);

impl Line {
    fn connection(&mut self) -> Result<&mut sqlx::PgConnection, ReadError> {
        self.0.as_deref_mut().ok_or_else(|| ReadError::Unavailable("the connection was given back".to_owned()))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// Connections that read the rows of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct TenantReaders {
    readers: Readers,
    tenant: TenantId,
}

impl TenantReaders {
    /// Runs reads of one instant within a limit.
    ///
    /// # Errors
    /// As [`Readers::within`].
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        read: impl AsyncFnOnce(&mut OneTenant<'_>) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        self.readers.within(limit, async |reading| read(&mut reading.of(self.tenant.as_str())).await).await
    }
}

/// Reads of one instant of the rows of one tenant.
pub(crate) struct OneTenant<'a> {
    reading: &'a mut Reading,
    tenant: &'a str,
}

impl<'a> OneTenant<'a> {
    /// Whose rows they are.
    pub(crate) fn tenant(&self) -> &'a str {
        self.tenant
    }

    /// All rows of a statement; `binds` are its parameters from `$2` on.
    pub(crate) async fn all(&mut self, sql: Sql, binds: &[Bind<'_>]) -> Result<Vec<FoundRow>, ReadError> {
        let mut all = Vec::with_capacity(1 + binds.len());
        all.push(Bind::Text(self.tenant));
        all.extend_from_slice(binds);
        self.reading.run(sql.sqlite, sql.postgres, &all).await
    }

    /// The first row of a statement, when there is one.
    pub(crate) async fn first(&mut self, sql: Sql, binds: &[Bind<'_>]) -> Result<Option<FoundRow>, ReadError> {
        Ok(self.all(sql, binds).await?.into_iter().next())
    }

    /// The only row of a statement that always has one.
    pub(crate) async fn one(&mut self, sql: Sql, binds: &[Bind<'_>], place: &str) -> Result<FoundRow, ReadError> {
        self.first(sql, binds).await?.ok_or_else(|| damaged(place, "a row is missing"))
    }

    /// As [`AllTenants::has_table`].
    pub(crate) async fn has_table(&mut self, table: &str) -> Result<bool, ReadError> {
        self.reading.of_all().has_table(table).await
    }
}

/// Reads of one instant of the rows of all tenants.
pub(crate) struct AllTenants<'a>(&'a mut Reading);

impl AllTenants<'_> {
    /// All rows of a statement.
    pub(crate) async fn all(&mut self, sql: SqlOfAll, binds: &[Bind<'_>]) -> Result<Vec<FoundRow>, ReadError> {
        self.0.run(sql.sqlite, sql.postgres, binds).await
    }

    /// The only row of a statement that always has one.
    pub(crate) async fn one(&mut self, sql: SqlOfAll, binds: &[Bind<'_>], place: &str) -> Result<FoundRow, ReadError> {
        let row = self.all(sql, binds).await?.into_iter().next();
        row.ok_or_else(|| damaged(place, "a row is missing"))
    }

    /// True when there is a table of this name: a folder that no server has opened since it came to be has none.
    pub(crate) async fn has_table(&mut self, table: &str) -> Result<bool, ReadError> {
        const TABLE: SqlOfAll = SqlOfAll::each(
            "SELECT name FROM sqlite_master WHERE name = $1",
            "SELECT 1 WHERE to_regclass($1) IS NOT NULL",
        );
        Ok(!self.all(TABLE, &[Bind::Text(table)]).await?.is_empty())
    }
}

impl Reading {
    /// Reads of the rows of one tenant.
    pub(crate) fn of<'a>(&'a mut self, tenant: &'a str) -> OneTenant<'a> {
        OneTenant { reading: self, tenant }
    }

    /// Reads of the rows of all tenants.
    pub(crate) fn of_all(&mut self) -> AllTenants<'_> {
        AllTenants(self)
    }

    async fn run(
        &mut self,
        sqlite: &'static str,
        postgres: &'static str,
        binds: &[Bind<'_>],
    ) -> Result<Vec<FoundRow>, ReadError> {
        match self {
            Reading::Sqlite(transaction) => {
                let query = binds.iter().fold(sqlx::query(sqlite), |query, bind| bind.to_sqlite(query));
                let rows = query.fetch_all(&mut **transaction).await;
                let rows = rows.map_err(|error| super::sqlite::fault::read_error(&error))?;
                Ok(rows.into_iter().map(FoundRow::Sqlite).collect())
            }
            Reading::Postgres(line) => {
                let query = binds.iter().fold(sqlx::query(postgres), |query, bind| bind.to_postgres(query));
                let rows = query.fetch_all(line.connection()?).await;
                let rows = rows.map_err(|error| super::postgres::fault::read_error(&error))?;
                Ok(rows.into_iter().map(FoundRow::Postgres).collect())
            }
        }
    }

    /// Ends the reads and gives the connection back.
    pub(crate) async fn end(self) -> Result<(), ReadError> {
        match self {
            Reading::Sqlite(transaction) => {
                transaction.rollback().await.map_err(|error| super::sqlite::fault::read_error(&error))
            }
            Reading::Postgres(mut line) => {
                let ended = sqlx::query("ROLLBACK").execute(line.connection()?).await;
                ended.map_err(|error| super::postgres::fault::read_error(&error))?;
                drop(line.0.take());
                Ok(())
            }
        }
    }
}

/// A row that was found. Its columns are asked for by their place in the statement.
pub(crate) enum FoundRow {
    /// Of a file.
    Sqlite(SqliteRow),
    /// Of a server.
    Postgres(PgRow),
}

/// Asks whichever row it is.
macro_rules! column {
    ($row:expr, $column:expr, $kind:ty, $place:expr) => {{
        let value: Result<$kind, sqlx::Error> = match $row {
            FoundRow::Sqlite(row) => row.try_get($column),
            FoundRow::Postgres(row) => row.try_get($column),
        };
        value.map_err(|error| damaged($place, &error.to_string()))
    }};
}

/// `place` names the row for a person to look at, should it be damaged.
impl FoundRow {
    pub(crate) fn number(&self, column: usize, place: &str) -> Result<i64, ReadError> {
        column!(self, column, i64, place)
    }

    pub(crate) fn optional_number(&self, column: usize, place: &str) -> Result<Option<i64>, ReadError> {
        column!(self, column, Option<i64>, place)
    }

    pub(crate) fn truth(&self, column: usize, place: &str) -> Result<bool, ReadError> {
        column!(self, column, bool, place)
    }

    pub(crate) fn optional_truth(&self, column: usize, place: &str) -> Result<Option<bool>, ReadError> {
        column!(self, column, Option<bool>, place)
    }

    pub(crate) fn text(&self, column: usize, place: &str) -> Result<String, ReadError> {
        let text = self.optional_text(column, place)?;
        text.ok_or_else(|| damaged(place, &format!("column {column} is empty")))
    }

    /// SQLite keeps any bytes as a text.
    pub(crate) fn optional_text(&self, column: usize, place: &str) -> Result<Option<String>, ReadError> {
        let bytes = match self {
            FoundRow::Sqlite(row) => row.try_get::<Option<Vec<u8>>, _>(column),
            FoundRow::Postgres(row) => return column_of(row.try_get(column), place),
        };
        let utf8 =
            |bytes| String::from_utf8(bytes).map_err(|_| damaged(place, &format!("column {column} is not UTF-8")));
        column_of(bytes, place)?.map(utf8).transpose()
    }

    /// A text that is kept as bytes where the database's own texts cannot hold every character.
    pub(crate) fn any_text(&self, column: usize, place: &str) -> Result<String, ReadError> {
        match self {
            FoundRow::Sqlite(_) => self.text(column, place),
            FoundRow::Postgres(row) => {
                let bytes: Vec<u8> = column_of(row.try_get(column), place)?;
                String::from_utf8(bytes).map_err(|_| damaged(place, &format!("column {column} is not UTF-8")))
            }
        }
    }

    fn bytes(&self, column: usize, place: &str) -> Result<Option<&[u8]>, ReadError> {
        column!(self, column, Option<&[u8]>, place)
    }

    pub(crate) fn optional_person(&self, column: usize, place: &str) -> Result<Option<PersonId>, ReadError> {
        made(self.bytes(column, place)?, PersonId::from_bytes, place)
    }

    pub(crate) fn person(&self, column: usize, place: &str) -> Result<PersonId, ReadError> {
        whole(self.optional_person(column, place)?, place)
    }

    pub(crate) fn optional_wide(&self, column: usize, place: &str) -> Result<Option<WideId>, ReadError> {
        made(self.bytes(column, place)?, WideId::from_bytes, place)
    }

    pub(crate) fn wide(&self, column: usize, place: &str) -> Result<WideId, ReadError> {
        whole(self.optional_wide(column, place)?, place)
    }

    pub(crate) fn optional_hash(&self, column: usize, place: &str) -> Result<Option<Hash>, ReadError> {
        made(self.bytes(column, place)?, Hash::from_bytes, place)
    }

    pub(crate) fn hash(&self, column: usize, place: &str) -> Result<Hash, ReadError> {
        whole(self.optional_hash(column, place)?, place)
    }

    pub(crate) fn salt(&self, column: usize, place: &str) -> Result<super::stored::Salt, ReadError> {
        whole(made(self.bytes(column, place)?, super::stored::Salt::from_bytes, place)?, place)
    }
}

fn column_of<T>(value: Result<T, sqlx::Error>, place: &str) -> Result<T, ReadError> {
    value.map_err(|error| damaged(place, &error.to_string()))
}

fn made<T>(bytes: Option<&[u8]>, make: fn(&[u8]) -> Option<T>, place: &str) -> Result<Option<T>, ReadError> {
    bytes.map(|bytes| whole(make(bytes), place)).transpose()
}

fn whole<T>(value: Option<T>, place: &str) -> Result<T, ReadError> {
    value.ok_or_else(|| damaged(place, "an id or a hash is missing or has the wrong length"))
}

/// Something that was read is not what it should be.
pub(crate) fn damaged(place: &str, why: &str) -> ReadError {
    ReadError::Damaged { place: place.to_owned(), why: why.to_owned() }
}
