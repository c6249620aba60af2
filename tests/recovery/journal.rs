//! The journal as it lies on the disk, read past the product: from the documented columns only.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, PgConnection, Row, SqliteConnection};

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The tenant.
    pub(crate) tenant: String,
    /// The tenant's number.
    pub(crate) seq: i64,
    /// The shard.
    pub(crate) shard: i64,
    /// The shard's number.
    pub(crate) shard_seq: i64,
    /// The agent, by the host application's id.
    pub(crate) agent: Option<String>,
    /// The agent's number.
    pub(crate) agent_seq: Option<i64>,
    /// When, in ms.
    pub(crate) at: i64,
    /// When it was due, in ms.
    pub(crate) due_at: Option<i64>,
    /// What happened.
    pub(crate) kind: String,
    /// The `op`, as 32 hexadecimal digits.
    pub(crate) op: Option<String>,
    /// What the `op` led to: `done`, or `started:<pause>`.
    pub(crate) op_outcome: Option<String>,
    /// What happened, in full.
    pub(crate) body: Value,
}

impl Entry {
    /// A field of what happened.
    pub(crate) fn detail(&self, field: &str) -> &Value {
        &self.body["event"][&self.kind][field]
    }

    /// The pause that it is about.
    pub(crate) fn pause(&self) -> Option<&str> {
        self.detail(if self.kind == "pause.started" { "id" } else { "pause" }).as_str()
    }

    /// True when it is about this agent and of this kind.
    pub(crate) fn is(&self, agent: &str, kind: &str) -> bool {
        self.agent.as_deref() == Some(agent) && self.kind == kind
    }
}

/// The digits of an `op`, as [`Entry::op`] has them.
pub(crate) fn digits(op: &str) -> String {
    op.replace('-', "").to_lowercase()
}

/// The database in a data folder.
pub(crate) fn database(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data).expect("the data folder").map(|file| file.expect("a file").path());
    let mut found: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "db")).collect();
    assert_eq!(found.len(), 1, "one database is in {}", data.display());
    found.remove(0)
}

/// Reads the whole journal, in the order of tenants and their numbers.
pub(crate) async fn read(data: &Path) -> Vec<Entry> {
    let options = SqliteConnectOptions::new().filename(database(data)).read_only(true);
    let mut connection = options.connect().await.expect("the database opens");
    let rows = sqlx::query(
        "SELECT j.tenant, j.seq, j.shard, j.shard_seq, p.host_id, j.agent_seq, j.at, j.due_at, j.kind, \
         lower(hex(j.op)), j.op IS NULL, j.op_outcome, j.body \
         FROM journal AS j LEFT JOIN people AS p ON p.id = j.person ORDER BY j.tenant, j.seq",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the journal reads");
    rows.iter().map(entry).collect()
}

/// The same of a PostgreSQL database.
pub(crate) async fn read_postgres(url: &str) -> Vec<Entry> {
    let mut connection = PgConnection::connect(url).await.expect("the database opens");
    let rows = sqlx::query(
        "SELECT j.tenant, j.seq, j.shard, j.shard_seq, p.host_id, j.agent_seq, j.at, j.due_at, j.kind, \
         encode(j.op, 'hex'), j.op_outcome, j.body \
         FROM journal AS j LEFT JOIN people AS p ON p.id = j.person ORDER BY j.tenant, j.seq",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the journal reads");
    let entry = |row: &PgRow| Entry {
        tenant: row.get(0),
        seq: row.get(1),
        shard: row.get(2),
        shard_seq: row.get(3),
        agent: row.get(4),
        agent_seq: row.get(5),
        at: row.get(6),
        due_at: row.get(7),
        kind: row.get(8),
        op: row.get(9),
        op_outcome: row.get(10),
        body: serde_json::from_str(row.get(11)).expect("bodies are JSON"),
    };
    rows.iter().map(entry).collect()
}

fn entry(row: &SqliteRow) -> Entry {
    let has_no_op: bool = row.get(10);
    let body: String = row.get(12);
    Entry {
        tenant: row.get(0),
        seq: row.get(1),
        shard: row.get(2),
        shard_seq: row.get(3),
        agent: row.get(4),
        agent_seq: row.get(5),
        at: row.get(6),
        due_at: row.get(7),
        kind: row.get(8),
        op: (!has_no_op).then(|| row.get(9)),
        op_outcome: row.get(11),
        body: serde_json::from_str(&body).expect("bodies are JSON"),
    }
}

/// Opens the database of a stopped server to alter it; what belongs together is not looked after.
pub(crate) async fn open_to_alter(data: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database(data)).foreign_keys(false);
    options.connect().await.expect("the database opens")
}
