//! Reads the database in pages and hands them to the checks.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::checker::{Checker, Fault, Summary};
use crate::ports::ReadError;
use crate::store::pauses::PauseRowForm;
use crate::store::row::{JournalRow, TenantHeadRow};
use crate::store::sqlite::open::{check_schema, connect_readers};
use crate::store::sqlite::reader::{all_shard_heads, journal_columns, journal_row, pause_types, state_rows};
use crate::store::stored::{Hash, PauseTypeForm, PersonId, PersonKind, Salt, WideId, write_json};

/// How many rows one transaction reads: a longer one would keep the log from beginning anew.
const PAGE_ROWS: i64 = 10_000;
/// How many times what was appended meanwhile is read in pages before the rest is read in one go.
const CATCH_UPS_MAX: usize = 100;

/// Verifies the journal in a data folder. It is opened for reading only; a server may run beside it.
///
/// # Errors
/// The first [`Fault`] that is found.
pub async fn verify(dir: &Path) -> Result<Summary, Fault> {
    let unreadable = |error: &dyn std::fmt::Display| Fault::Unreadable(error.to_string());
    let pool = connect_readers(dir).await.map_err(|error| unreadable(&error))?;
    check_schema(&pool).await.map_err(|error| unreadable(&error))?;
    let result = verify_pool(&pool).await;
    pool.close().await;
    result
}

async fn verify_pool(pool: &SqlitePool) -> Result<Summary, Fault> {
    let mut checker = Checker::default();
    read_everything(pool, &mut checker).await?;
    for _ in 0..CATCH_UPS_MAX {
        if catch_up(pool, &mut checker).await? < PAGE_ROWS {
            break;
        }
    }
    people(pool).await?;
    texts(pool).await?;
    // The rest of the entries, the heads, states and open pauses of one instant.
    let mut transaction = pool.begin().await?;
    let heads = tenant_heads(&mut transaction).await?;
    for head in &heads {
        rest_of_tenant(&mut transaction, &mut checker, &head.tenant, i64::MAX).await?;
    }
    let shards = all_shard_heads(&mut transaction).await?;
    checker.heads(&heads, &shards)?;
    let summary = checker.summary(&heads);
    no_more_than(&mut transaction, "SELECT count(*) FROM journal", summary.entries, "the journal").await?;
    definitions(&mut transaction, &checker).await?;
    let tenants: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT tenant FROM states ORDER BY tenant").fetch_all(&mut *transaction).await?;
    for tenant in tenants {
        for state in state_rows(&mut transaction, &tenant).await? {
            checker.state(&state)?;
        }
    }
    checker.all_states_seen()?;
    let open = checker.open_pauses();
    pauses(&mut transaction, &open).await?;
    no_more_than(&mut transaction, "SELECT count(*) FROM pauses", checker.pauses(), "the history of pauses").await?;
    Ok(checker.summary(&heads))
}

async fn read_everything(pool: &SqlitePool, checker: &mut Checker) -> Result<(), Fault> {
    let mut after = (String::new(), i64::MIN);
    loop {
        let mut transaction = pool.begin().await?;
        let rows = sqlx::query(concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal WHERE (tenant, seq) > (?1, ?2) ORDER BY tenant, seq LIMIT ?3"
        ))
        .bind(&after.0)
        .bind(after.1)
        .bind(PAGE_ROWS)
        .fetch_all(&mut *transaction)
        .await?;
        if rows.is_empty() {
            return Ok(());
        }
        page(&mut transaction, checker, &rows).await?;
        if let Some((tenant, seq)) = checker.last_entry() {
            after = (tenant.to_owned(), seq);
        }
    }
}

/// Reads what was appended since. Returns how much that was.
async fn catch_up(pool: &SqlitePool, checker: &mut Checker) -> Result<i64, Fault> {
    let mut transaction = pool.begin().await?;
    let heads = tenant_heads(&mut transaction).await?;
    drop(transaction);
    let mut total = 0;
    for head in heads {
        loop {
            let mut transaction = pool.begin().await?;
            let read = rest_of_tenant(&mut transaction, checker, &head.tenant, PAGE_ROWS).await?;
            total += read;
            if read < PAGE_ROWS {
                break;
            }
        }
    }
    Ok(total)
}

async fn rest_of_tenant(
    connection: &mut SqliteConnection,
    checker: &mut Checker,
    tenant: &str,
    max: i64,
) -> Result<i64, Fault> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE tenant = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
    ))
    .bind(tenant)
    .bind(checker.seq_of(tenant))
    .bind(max)
    .fetch_all(&mut *connection)
    .await?;
    page(connection, checker, &rows).await?;
    Ok(rows.len() as i64)
}

async fn page(connection: &mut SqliteConnection, checker: &mut Checker, rows: &[SqliteRow]) -> Result<(), Fault> {
    let rows: Vec<JournalRow> = rows.iter().map(journal_row).collect::<Result<_, _>>()?;
    known_tenants(connection, checker, &rows).await?;
    for row in &rows {
        checker.entry(row)?;
    }
    let ended = checker.take_ended_pauses();
    pauses(connection, &ended).await
}

/// Checks that the entries are of tenants that there are: one that was moved to another name shows here.
async fn known_tenants(connection: &mut SqliteConnection, checker: &Checker, rows: &[JournalRow]) -> Result<(), Fault> {
    let mut fresh = rows.iter().filter(|row| checker.seq_of(&row.tenant) == 0).peekable();
    if fresh.peek().is_none() {
        return Ok(());
    }
    let tenants: Vec<String> = sqlx::query_scalar("SELECT id FROM tenants").fetch_all(connection).await?;
    let tenants: HashSet<String> = tenants.into_iter().collect();
    match fresh.find(|row| !tenants.contains(&row.tenant)) {
        Some(row) => {
            let what = "there is no such tenant".to_owned();
            Err(Fault::Entry { tenant: row.tenant.clone(), seq: row.seq, what })
        }
        None => Ok(()),
    }
}

async fn tenant_heads(connection: &mut SqliteConnection) -> Result<Vec<TenantHeadRow>, Fault> {
    let rows = sqlx::query("SELECT tenant, seq, hash, last_at FROM tenant_heads ORDER BY tenant")
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let tenant: String = row.try_get(0)?;
            let hash = Hash::from_bytes(row.try_get(2)?)
                .ok_or_else(|| Fault::other(format!("head of {tenant}"), "its hash has not 32 bytes"))?;
            Ok(TenantHeadRow { tenant, seq: row.try_get(1)?, hash, last_at: row.try_get(3)? })
        })
        .collect()
}

async fn no_more_than(
    connection: &mut SqliteConnection,
    count: &'static str,
    expected: u64,
    place: &str,
) -> Result<(), Fault> {
    let found: i64 = sqlx::query_scalar(count).fetch_one(connection).await?;
    if found.cast_unsigned() == expected {
        return Ok(());
    }
    Err(Fault::other(place, format!("{found} rows, of which {expected} belong there")))
}

/// Checks that people's internal ids are made of what stands beside them.
async fn people(pool: &SqlitePool) -> Result<(), Fault> {
    let mut after: Vec<u8> = Vec::new();
    loop {
        let rows = sqlx::query("SELECT id, tenant, kind, host_id, salt FROM people WHERE id > ?1 ORDER BY id LIMIT ?2")
            .bind(&after)
            .bind(PAGE_ROWS)
            .fetch_all(pool)
            .await?;
        for row in &rows {
            after = row.try_get(0)?;
            let (tenant, kind, host_id): (String, String, String) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
            let made = PersonKind::from_word(&kind)
                .zip(Salt::from_bytes(row.try_get(4)?))
                .map(|(kind, salt)| PersonId::of(salt, &tenant, kind, &host_id));
            if made.is_none() || made != PersonId::from_bytes(&after) {
                let place = format!("person {kind} {host_id} of {tenant}");
                return Err(Fault::other(place, "the internal id is not that of this tenant, kind and id"));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

/// Checks that the texts that are there are those that were hashed.
async fn texts(pool: &SqlitePool) -> Result<(), Fault> {
    let mut after: Vec<u8> = Vec::new();
    loop {
        let rows = sqlx::query("SELECT hash, tenant, salt, text FROM texts WHERE hash > ?1 ORDER BY hash LIMIT ?2")
            .bind(&after)
            .bind(PAGE_ROWS)
            .fetch_all(pool)
            .await?;
        for row in &rows {
            after = row.try_get(0)?;
            let (tenant, text): (String, String) = (row.try_get(1)?, row.try_get(3)?);
            let made = Salt::from_bytes(row.try_get(2)?).map(|salt| Hash::of_text(salt, &text));
            let stored = Hash::from_bytes(&after);
            if made.is_none() || made != stored {
                let hash = stored.map_or_else(String::new, |hash| hash.to_string());
                return Err(Fault::other(format!("text {hash} of {tenant}"), "it is not the text that was hashed"));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

/// Checks that what tenant events put in force is what they say.
async fn definitions(connection: &mut SqliteConnection, checker: &Checker) -> Result<(), Fault> {
    let mut found: HashMap<(String, i64), Hash> = HashMap::new();
    let rows = sqlx::query("SELECT tenant, seq, body FROM directories").fetch_all(&mut *connection).await?;
    for row in &rows {
        let body: String = row.try_get(2)?;
        found.insert((row.try_get(0)?, row.try_get(1)?), Hash::of(body.as_bytes()));
    }
    let rows = sqlx::query("SELECT tenant, seq, version FROM policies").fetch_all(&mut *connection).await?;
    for row in &rows {
        let (tenant, seq, version): (String, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let types = pause_types(connection, &tenant, version).await?;
        let hash = PauseTypeForm::hash_all(version.cast_unsigned(), &types);
        found.insert((tenant, seq), hash);
    }
    for ((tenant, seq), hash) in checker.definitions() {
        if found.remove(&(tenant.clone(), *seq)) != Some(*hash) {
            let what = "the definition that it put in force is missing or was altered".to_owned();
            return Err(Fault::Entry { tenant: tenant.clone(), seq: *seq, what });
        }
    }
    match found.into_keys().min() {
        Some((tenant, seq)) => Err(Fault::Entry { tenant, seq, what: "it put no definition in force".to_owned() }),
        None => Ok(()),
    }
}

/// Checks that the history's rows are what the events lead to.
async fn pauses(connection: &mut SqliteConnection, expected: &[PauseRowForm]) -> Result<(), Fault> {
    for chunk in expected.chunks(PAGE_ROWS as usize) {
        let ids: Vec<WideId> = chunk.iter().map(|pause| pause.id).collect();
        let rows: Vec<String> =
            sqlx::query_scalar(PAUSES_AS_JSON).bind(write_json(&ids)).fetch_all(&mut *connection).await?;
        let mut found: HashMap<WideId, PauseRowForm> = HashMap::with_capacity(rows.len());
        for row in rows {
            let pause: PauseRowForm = serde_json::from_str(&row)
                .map_err(|error| Fault::other("the history of pauses", format!("a row does not read: {error}")))?;
            found.insert(pause.id, pause);
        }
        for pause in chunk {
            if found.get(&pause.id) != Some(pause) {
                let seq = pause.ended_seq.unwrap_or(pause.started_seq);
                let what = format!("pause {} in the history is missing, or not what its events lead to", pause.id);
                return Err(Fault::Entry { tenant: pause.tenant.clone(), seq, what });
            }
        }
    }
    Ok(())
}

const PAUSES_AS_JSON: &str = "SELECT json_object(
        'id', lower(hex(p.id)), 'tenant', p.tenant, 'person', lower(hex(p.person)), 'pause_type', p.pause_type,
        'class', p.class, 'team', p.team, 'inside', iif(p.inside IS NULL, NULL, lower(hex(p.inside))),
        'replaces', iif(p.replaces IS NULL, NULL, lower(hex(p.replaces))),
        'replaced_by', iif(p.replaced_by IS NULL, NULL, lower(hex(p.replaced_by))),
        'zone', p.zone, 'utc_offset_s', p.utc_offset_s, 'local_day', p.local_day, 'business_day', p.business_day,
        'shift_started_at', p.shift_started_at,
        'shift_estimated', json(CASE p.shift_estimated WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END),
        'policy_version', p.policy_version, 'started_at', p.started_at, 'started_seq', p.started_seq,
        'ended_at', p.ended_at, 'ended_by', p.ended_by, 'ended_seq', p.ended_seq, 'last_seen_at', p.last_seen_at,
        'note', iif(p.note IS NULL, NULL, lower(hex(p.note))),
        'paid', json(CASE p.paid WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END),
        'counts_as_work', json(CASE p.counts_as_work WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END),
        'min_ms', p.min_ms, 'on_early_end', p.on_early_end, 'refund_under_ms', p.refund_under_ms,
        'limit_ms', p.limit_ms, 'grace_ms', p.grace_ms, 'on_limit', p.on_limit, 'extended_ms', p.extended_ms,
        'overran_at', p.overran_at,
        'short', json(CASE p.short WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END),
        'misclick', json(CASE p.misclick WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END))
    FROM json_each(?1) AS k CROSS JOIN pauses AS p ON p.id = unhex(k.value)";

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Fault {
        Fault::Unreadable(error.to_string())
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Fault {
        match error {
            ReadError::Damaged { place, why } => Fault::Other { place, what: why },
            ReadError::Unavailable(why) => Fault::Unreadable(why),
        }
    }
}
