//! Promise A5: whatever is altered in the journal, `intervalo verify` finds it and names the entry.

use std::time::Duration;

use intervalo_loadtest::Client;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::binary::{DataFolder, PATIENCE, Ran};
use crate::company::{TENANT, agent, company};
use crate::journal::open_to_alter;

/// How long a graceful stop may take.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// A number that no entry has.
const FAR: i64 = 1_000_003;
/// What is altered, and put back after it.
const TABLES: [&str; 9] =
    ["journal", "states", "pauses", "tenant_heads", "shards", "people", "texts", "directories", "pause_types"];

/// A stopped server's folder with an alterable journal.
struct Evidence {
    folder: DataFolder,
    connection: SqliteConnection,
    columns: Vec<Column>,
    last: i64,
}

struct Column {
    name: String,
    kind: String,
    is_nullable: bool,
}

impl Evidence {
    /// A short day, such that every column that may be empty is so in one entry and not in another.
    async fn of_a_day() -> Evidence {
        let folder = DataFolder::with(&company(2, "60s")).await;
        let supervisor = folder.token(TENANT, "supervisor", "rita", &["--teams", "suporte"]).await;
        let token = folder.token(TENANT, "agent", &agent(0), &[]).await;
        let server = folder.serve().await;
        let mut client = Client::connect(&server.url(), &token).await.expect("the server is ready");
        let rita = Client::connect(&server.url(), &supervisor).await.expect("the server is ready");
        let mut random = intervalo_loadtest::Random::of(1);
        let mut command = async |client: &Client, method: &str, mut params: serde_json::Value| {
            params["op"] = json!(random.op());
            client.call(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"));
        };
        command(&client, "status.set", json!({ "status": "available" })).await;
        command(&client, "pause.start", json!({ "type": "curta", "note": "água" })).await;
        client.notification_of("pause.limit_reached", PATIENCE).await.expect("the limit is reached");
        command(&rita, "agent.end_pause", json!({ "agent": agent(0), "reason": "fila cheia" })).await;
        command(&client, "pause.start", json!({ "type": "banheiro" })).await;
        command(&client, "pause.end", json!({})).await;
        command(&client, "status.set", json!({ "status": "available" })).await;
        drop((client, rita));
        let status = server.terminate(STOPPED_WITHIN).await;
        assert_eq!(status.code(), Some(0));

        let mut connection = open_to_alter(&folder.path()).await;
        let rows = sqlx::query("SELECT name, type, \"notnull\" FROM pragma_table_info('journal')");
        let rows = rows.fetch_all(&mut connection).await.expect("columns");
        let columns = rows.iter().map(|row| Column {
            name: row.get(0),
            kind: row.get(1),
            is_nullable: row.get::<i64, _>(2) == 0,
        });
        let columns = columns.collect();
        let copy = |table| format!("CREATE TEMP TABLE original_{table} AS SELECT * FROM main.{table};");
        execute(&mut connection, &TABLES.map(copy).concat()).await.expect("copies");
        let last = sqlx::query_scalar("SELECT max(seq) FROM journal").fetch_one(&mut connection).await.expect("a head");
        Evidence { folder, connection, columns, last }
    }

    /// Alters the database, verifies, and puts everything back.
    async fn verify_with(&mut self, alteration: &str) -> Ran {
        execute(&mut self.connection, alteration).await.unwrap_or_else(|error| panic!("{alteration}: {error}"));
        let ran = self.folder.run(&["verify"]).await;
        let restore =
            |table| format!("DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM temp.original_{table};");
        execute(&mut self.connection, &TABLES.map(restore).concat()).await.expect("the originals");
        ran
    }

    /// The middlemost entry for which a condition holds.
    async fn entry_where(&mut self, condition: &str) -> Option<i64> {
        let query = format!("SELECT seq FROM journal WHERE {condition} ORDER BY abs(seq - {}) LIMIT 1", self.last / 2);
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_optional(&mut self.connection).await.expect("a number")
    }

    /// All ways in which one column is altered: the entry, and how.
    async fn alterations_of(&mut self, column: usize) -> Vec<(i64, String)> {
        let Column { name, kind, is_nullable } = &self.columns[column];
        let (name, kind, is_nullable) = (name.clone(), kind.clone(), *is_nullable);
        let mut alterations = Vec::new();
        let filled = self.entry_where(&format!("{name} IS NOT NULL")).await;
        let filled = filled.unwrap_or_else(|| panic!("{name} is empty in every entry"));
        let value = match kind.as_str() {
            // The numbers that must be unique go where there is none.
            "INTEGER" if name.ends_with("seq") => format!("{name} + {FAR}"),
            "INTEGER" => format!("{name} + 1"),
            // JSON means the same with a blank behind it; the bytes are not the same.
            "TEXT" => format!("{name} || ' '"),
            "BLOB" => format!("x'{}'", self.flipped(&name, filled).await),
            other => panic!("{name} is of the kind {other}"),
        };
        alterations.push((filled, value));
        if is_nullable {
            alterations.push((filled, "NULL".to_owned()));
            let empty = self.entry_where(&format!("{name} IS NULL")).await;
            let empty = empty.unwrap_or_else(|| panic!("{name} is filled in every entry"));
            let value = match kind.as_str() {
                "INTEGER" => FAR.to_string(),
                "TEXT" => "'agent'".to_owned(),
                _ => format!("x'{}'", "17".repeat(16)),
            };
            alterations.push((empty, value));
        }
        let update = |value| format!("UPDATE journal SET {name} = {value}");
        alterations.into_iter().map(|(seq, value)| (seq, format!("{} WHERE seq = {seq}", update(value)))).collect()
    }

    /// A BLOB with one bit changed, in hexadecimal.
    async fn flipped(&mut self, name: &str, seq: i64) -> String {
        let query = AssertSqlSafe(format!("SELECT {name} FROM journal WHERE seq = {seq}"));
        let mut bytes: Vec<u8> = sqlx::query_scalar(query).fetch_one(&mut self.connection).await.expect("bytes");
        bytes[0] ^= 1;
        hex(&bytes)
    }
}

async fn execute(connection: &mut SqliteConnection, statements: &str) -> Result<(), sqlx::Error> {
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut *transaction).await?;
    transaction.commit().await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn assert_found(ran: &Ran, seq: i64, alteration: &str) {
    assert_eq!(ran.code, Some(1), "{alteration} was not found: {ran:?}");
    // An entry that was given to a tenant of another name is told by that name.
    let names = [format!("entry {TENANT}/{seq}:"), format!("entry {TENANT} /{seq}:")];
    assert!(names.iter().any(|name| ran.err.contains(name)), "{alteration}: {names:?} is not named: {ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_a5_an_alteration_of_any_column_is_found_and_the_entry_named() {
    let mut evidence = Evidence::of_a_day().await;
    let untouched = evidence.folder.run(&["verify"]).await;
    assert_eq!(untouched.code, Some(0), "{untouched:?}");
    let mut count = 0;
    for column in 0..evidence.columns.len() {
        for (seq, alteration) in evidence.alterations_of(column).await {
            let ran = evidence.verify_with(&alteration).await;
            assert_found(&ran, seq, &alteration);
            count += 1;
        }
    }
    assert!(evidence.columns.len() >= 20, "{} columns", evidence.columns.len());
    println!("{count} alterations of {} columns", evidence.columns.len());
    let restored = evidence.folder.run(&["verify"]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_a5_deletion_insertion_and_reordering_are_found() {
    let mut evidence = Evidence::of_a_day().await;
    let (middle, last) = (evidence.last / 2, evidence.last);
    let columns: Vec<&str> = evidence.columns.iter().map(|column| column.name.as_str()).collect();
    let inserted = |seq: i64, shard_seq: &str| {
        let values: Vec<&str> = columns
            .iter()
            .map(|name| match *name {
                "seq" => "?seq",
                "shard_seq" => shard_seq,
                "agent_seq" => "agent_seq + 1000",
                other => other,
            })
            .collect();
        let values = values.join(", ").replace("?seq", &seq.to_string());
        format!("INSERT INTO journal SELECT {values} FROM journal WHERE seq = {middle}")
    };
    let swap = format!(
        "UPDATE journal SET seq = -seq WHERE seq IN ({middle}, {middle} + 1);
         UPDATE journal SET seq = {middle} + {middle} + 1 + seq WHERE seq < 0"
    );
    let make_room =
        format!("UPDATE journal SET seq = -seq WHERE seq > {middle}; UPDATE journal SET seq = 1 - seq WHERE seq < 0");
    let body = "UPDATE journal SET body = replace(body, '\"v\"', ' \"v\"')";
    let repaired = {
        let read =
            sqlx::query_scalar("SELECT replace(body, '\"v\"', ' \"v\"') FROM journal WHERE seq = ?1").bind(middle);
        let forged: String = read.fetch_one(&mut evidence.connection).await.expect("a body");
        hex(&Sha256::digest(forged.as_bytes()))
    };
    let cases = [
        (middle, format!("DELETE FROM journal WHERE seq = {middle}")),
        (1, "DELETE FROM journal WHERE seq = 1".to_owned()),
        (last, format!("DELETE FROM journal WHERE seq = {last}")),
        (last - 1, format!("DELETE FROM journal WHERE seq >= {last} - 1")),
        (1, "DELETE FROM journal".to_owned()),
        (middle, swap),
        (last + 1, inserted(last + 1, "shard_seq + 1000")),
        (middle + 1, format!("{make_room}; {}", inserted(middle + 1, "shard_seq + 1000"))),
        (middle, format!("{body}, body_hash = x'{repaired}' WHERE seq = {middle}")),
    ];
    for (seq, alteration) in cases {
        let ran = evidence.verify_with(&alteration).await;
        assert_found(&ran, seq, &alteration);
    }
}

/// The check behind promise D6 on planted defects: states, projections and heads that are not what
/// the journal leads to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_beside_the_journal_is_verified_too() {
    let mut evidence = Evidence::of_a_day().await;
    let plants = [
        "UPDATE states SET body = replace(body, '\"available\"', '\"unavailable\"')",
        "UPDATE states SET last_seq = 1",
        "DELETE FROM states",
        "UPDATE pauses SET ended_at = ended_at + 1 WHERE limit_ms IS NOT NULL",
        "DELETE FROM pauses WHERE class = 'protected'",
        "UPDATE tenant_heads SET hash = x'0000000000000000000000000000000000000000000000000000000000000000'",
        "UPDATE tenant_heads SET seq = seq - 1",
        "UPDATE shards SET head = head + 1 WHERE head > 0",
        "UPDATE people SET host_id = host_id || 'x' WHERE kind = 'agent'",
        "UPDATE texts SET text = text || '!'",
        "UPDATE directories SET body = replace(body, 'America/Sao_Paulo', 'America/Manaus')",
        "UPDATE pause_types SET rules = replace(rules, '28800000', '3600000') WHERE code = 'reuniao'",
    ];
    for plant in plants {
        let ran = evidence.verify_with(plant).await;
        assert_eq!(ran.code, Some(1), "{plant} was not found: {ran:?}");
    }
    let restored = evidence.folder.run(&["verify"]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
}
