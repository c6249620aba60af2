//! The reads: each of one instant, with a time limit, beside the writer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::fault::read_error;
use crate::domain::command::Actor;
use crate::domain::directory::Directory;
use crate::domain::event::TenantEvent;
use crate::domain::id::{AgentId, Op, PolicyVersion, TenantId, TenantSeq};
use crate::domain::op::OpRecord;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::ports::{Epoch, ReadError, ShardHead, ShardId, ShardSeq, ShardSnapshot, StateRow, Stored, TenantSnapshot};
use crate::store::decode::{
    Asked, FoundPerson, References, damaged_row, decode_op, decode_row, decode_state, decode_tenant_event,
};
use crate::store::row::{DirectoryRow, JournalRow, StateRowForm};
use crate::store::stored::{
    DirectoryForm, FormError, Hash, PauseTypeForm, PersonId, Resolve, WideId, read_json, write_json,
};

/// How long a read may take: a page is milliseconds, so past this the disk is out of reach.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a snapshot of a whole shard may take, at start or when a shard is taken over.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(60);

/// Every column of the journal, in the order of [`JournalRow`].
macro_rules! journal_columns {
    () => {
        "tenant, seq, shard, shard_seq, person, agent_seq, at, due_at, kind, actor_kind, actor_person, cause, \
         policy_version, op, op_by_kind, op_by, op_fingerprint, op_at, op_outcome, form, body, body_hash, hash"
    };
}
pub(crate) use journal_columns;

/// Reads one row of [`journal_columns`].
pub(crate) fn journal_row(row: &SqliteRow) -> Result<JournalRow, ReadError> {
    let (tenant, seq): (Vec<u8>, i64) = (get(row, 0, "a journal entry")?, get(row, 1, "a journal entry")?);
    let place = format!("journal entry {}/{seq}", String::from_utf8_lossy(&tenant));
    let place = place.as_str();
    Ok(JournalRow {
        tenant: utf8(tenant, "tenant", place)?,
        seq,
        shard: get(row, 2, place)?,
        shard_seq: get(row, 3, place)?,
        person: bytes(row, 4, place, PersonId::from_bytes)?,
        agent_seq: get(row, 5, place)?,
        at: get(row, 6, place)?,
        due_at: get(row, 7, place)?,
        kind: utf8(get(row, 8, place)?, "kind", place)?,
        actor_kind: utf8(get(row, 9, place)?, "actor_kind", place)?,
        actor_person: bytes(row, 10, place, PersonId::from_bytes)?,
        cause: utf8(get(row, 11, place)?, "cause", place)?,
        policy_version: get(row, 12, place)?,
        op: bytes(row, 13, place, WideId::from_bytes)?,
        op_by_kind: optional_utf8(row, 14, "op_by_kind", place)?,
        op_by: bytes(row, 15, place, PersonId::from_bytes)?,
        op_fingerprint: get(row, 16, place)?,
        op_at: get(row, 17, place)?,
        op_outcome: optional_utf8(row, 18, "op_outcome", place)?,
        form: get(row, 19, place)?,
        body: utf8(get(row, 20, place)?, "body", place)?,
        body_hash: whole(bytes(row, 21, place, Hash::from_bytes)?, "body_hash", place)?,
        hash: whole(bytes(row, 22, place, Hash::from_bytes)?, "hash", place)?,
    })
}

fn get<'r, T>(row: &'r SqliteRow, column: usize, place: &str) -> Result<T, ReadError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|error| damaged(place, &error.to_string()))
}

fn bytes<T>(row: &SqliteRow, column: usize, place: &str, make: fn(&[u8]) -> Option<T>) -> Result<Option<T>, ReadError> {
    let Some(bytes) = get::<Option<&[u8]>>(row, column, place)? else { return Ok(None) };
    whole(make(bytes), "an id or a hash", place).map(Some)
}

fn whole<T>(value: Option<T>, what: &str, place: &str) -> Result<T, ReadError> {
    value.ok_or_else(|| damaged(place, &format!("{what} is missing or has the wrong length")))
}

fn utf8(bytes: Vec<u8>, what: &str, place: &str) -> Result<String, ReadError> {
    String::from_utf8(bytes).map_err(|_| damaged(place, &format!("{what} is not UTF-8")))
}

fn optional_utf8(row: &SqliteRow, column: usize, what: &str, place: &str) -> Result<Option<String>, ReadError> {
    get::<Option<Vec<u8>>>(row, column, place)?.map(|bytes| utf8(bytes, what, place)).transpose()
}

fn damaged(place: &str, why: &str) -> ReadError {
    ReadError::Damaged { place: place.to_owned(), why: why.to_owned() }
}

/// Runs a read within a limit.
pub(crate) async fn within<T>(
    limit: Duration,
    read: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    tokio::time::timeout(limit, read)
        .await
        .unwrap_or_else(|_| Err(ReadError::Unavailable(format!("no answer within {} s", limit.as_secs()))))
}

pub(super) async fn heads(pool: &SqlitePool) -> Result<Vec<ShardHead>, ReadError> {
    within(READ_TIMEOUT, async {
        let rows =
            sqlx::query("SELECT id, epoch, head FROM shards WHERE id IN (SELECT shard FROM tenants) ORDER BY id")
                .fetch_all(pool)
                .await
                .map_err(|error| read_error(&error))?;
        rows.iter().map(shard_head).collect()
    })
    .await
}

/// When the last event of any tenant was; the epoch when there is none.
pub(super) async fn last_at(pool: &SqlitePool) -> Result<Timestamp, ReadError> {
    within(READ_TIMEOUT, async {
        let row = sqlx::query("SELECT coalesce(max(last_at), 0) FROM tenant_heads")
            .fetch_one(pool)
            .await
            .map_err(|error| read_error(&error))?;
        Ok(Timestamp(get(&row, 0, "tenant_heads")?))
    })
    .await
}

fn shard_head(row: &SqliteRow) -> Result<ShardHead, ReadError> {
    let (id, epoch, head): (i64, i64, i64) = (get(row, 0, "shards")?, get(row, 1, "shards")?, get(row, 2, "shards")?);
    Ok(ShardHead {
        shard: ShardId(u16::try_from(id).map_err(|_| damaged("shards", "a number is out of range"))?),
        epoch: Epoch(epoch.cast_unsigned()),
        head: ShardSeq(head.cast_unsigned()),
    })
}

pub(super) async fn read(
    pool: &SqlitePool,
    shard: ShardId,
    after: ShardSeq,
    max: usize,
) -> Result<Vec<Stored>, ReadError> {
    within(READ_TIMEOUT, async {
        let mut transaction = pool.begin().await.map_err(|error| read_error(&error))?;
        let rows = sqlx::query(concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal WHERE shard = ?1 AND shard_seq > ?2 ORDER BY shard_seq LIMIT ?3"
        ))
        .bind(i64::from(shard.0))
        .bind(after.0.cast_signed())
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await
        .map_err(|error| read_error(&error))?;
        let rows: Vec<JournalRow> = rows.iter().map(journal_row).collect::<Result<_, _>>()?;
        let decode = |resolve: &dyn Resolve| -> Result<Vec<Stored>, ReadError> {
            rows.iter().map(|row| decode_row(row, resolve).map_err(|error| damaged_row(row, &error))).collect()
        };
        let (people, texts) = asked(|asked| decode(asked).map(drop))?;
        let found = references(&mut transaction, &people, &texts).await?;
        decode(&found)
    })
    .await
}

/// What a decoding asks for.
fn asked(decode: impl FnOnce(&dyn Resolve) -> Result<(), ReadError>) -> Result<(Vec<PersonId>, Vec<Hash>), ReadError> {
    let asked = Asked::default();
    decode(&asked)?;
    Ok(asked.into_lists())
}

/// Fetches people and texts.
pub(crate) async fn references(
    connection: &mut SqliteConnection,
    people: &[PersonId],
    texts: &[Hash],
) -> Result<References, ReadError> {
    let mut found = References::default();
    if !people.is_empty() {
        let rows = sqlx::query(
            "SELECT p.id, p.host_id, p.name FROM json_each(?1) AS k CROSS JOIN people AS p ON p.id = unhex(k.value)",
        )
        .bind(write_json(&people))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| read_error(&error))?;
        for row in rows {
            let id = whole(bytes(&row, 0, "people", PersonId::from_bytes)?, "id", "people")?;
            let person = FoundPerson { host_id: get(&row, 1, "people")?, name: get(&row, 2, "people")? };
            found.people.insert(id, person);
        }
    }
    if !texts.is_empty() {
        let rows = sqlx::query(
            "SELECT t.hash, t.text FROM json_each(?1) AS k CROSS JOIN texts AS t ON t.hash = unhex(k.value)",
        )
        .bind(write_json(&texts))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| read_error(&error))?;
        for row in rows {
            let hash = whole(bytes(&row, 0, "texts", Hash::from_bytes)?, "hash", "texts")?;
            found.texts.insert(hash, get(&row, 1, "texts")?);
        }
    }
    Ok(found)
}

pub(super) async fn find_op(
    pool: &SqlitePool,
    tenant: &TenantId,
    agent: &AgentId,
    op: Op,
    by: &Actor,
) -> Result<Option<OpRecord>, ReadError> {
    within(READ_TIMEOUT, async {
        let mut transaction = pool.begin().await.map_err(|error| read_error(&error))?;
        let row = sqlx::query(concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal INDEXED BY journal_by_op
              WHERE tenant = ?1 AND op = ?3 AND op_by_kind = ?4
                AND person = (SELECT id FROM people WHERE tenant = ?1 AND kind = 'agent' AND host_id = ?2)
                AND op_by IS (SELECT id FROM people WHERE tenant = ?1 AND kind = ?4 AND host_id = ?5)
              ORDER BY seq DESC LIMIT 1"
        ))
        .bind(tenant.as_str())
        .bind(agent.as_str())
        .bind(&WideId::of(op.0).0[..])
        .bind(by.kind())
        .bind(by.id())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(|error| read_error(&error))?;
        let Some(row) = row else { return Ok(None) };
        let row = journal_row(&row)?;
        let people: Vec<PersonId> = row.op_by.into_iter().collect();
        let found = references(&mut transaction, &people, &[]).await?;
        decode_op(&row, &found).map_err(|error| damaged_row(&row, &error))
    })
    .await
}

pub(super) async fn snapshot(pool: &SqlitePool, shard: ShardId) -> Result<ShardSnapshot, ReadError> {
    within(SNAPSHOT_TIMEOUT, async {
        let mut transaction = pool.begin().await.map_err(|error| read_error(&error))?;
        let head = sqlx::query("SELECT id, epoch, head FROM shards WHERE id = ?1")
            .bind(i64::from(shard.0))
            .fetch_one(&mut *transaction)
            .await
            .map_err(|error| read_error(&error))?;
        let head = shard_head(&head)?;
        let rows = sqlx::query(
            "SELECT t.id, h.seq, h.last_at FROM tenants AS t JOIN tenant_heads AS h ON h.tenant = t.id
             WHERE t.shard = ?1 ORDER BY t.id",
        )
        .bind(i64::from(shard.0))
        .fetch_all(&mut *transaction)
        .await
        .map_err(|error| read_error(&error))?;
        let mut tenants = Vec::with_capacity(rows.len());
        for row in rows {
            let (tenant, seq, last_at): (String, i64, i64) =
                (get(&row, 0, "tenants")?, get(&row, 1, "tenants")?, get(&row, 2, "tenants")?);
            tenants.push(tenant_snapshot(&mut transaction, &tenant, seq, last_at).await?);
        }
        Ok(ShardSnapshot { head, tenants })
    })
    .await
}

async fn tenant_snapshot(
    connection: &mut SqliteConnection,
    tenant: &str,
    seq: i64,
    last_at: i64,
) -> Result<TenantSnapshot, ReadError> {
    let directory = directory_row(connection, tenant).await?;
    let policy = policy(connection, tenant).await?;
    let started = server_started_row(connection, tenant).await?;
    let states = state_rows(connection, tenant).await?;
    let place = format!("tenant {tenant}");
    let decode = |resolve: &dyn Resolve| -> Result<TenantSnapshot, ReadError> {
        let wrong = |error: FormError| damaged(&place, &error.to_string());
        let directory: Directory = read_json::<DirectoryForm>(directory.form, &directory.body)
            .and_then(|form| form.into_domain(resolve))
            .map_err(wrong)?;
        let server_started: Option<(TenantSeq, Arc<TenantEvent>)> = started
            .as_ref()
            .map(|row| {
                let event = decode_tenant_event(row, resolve).map_err(|error| damaged_row(row, &error))?;
                Ok::<_, ReadError>((TenantSeq(row.seq.cast_unsigned()), Arc::new(event)))
            })
            .transpose()?;
        let states: Vec<StateRow> = states
            .iter()
            .map(|row| {
                decode_state(row, resolve)
                    .map_err(|error| damaged(&format!("state {tenant}/{}", row.person), &error.to_string()))
            })
            .collect::<Result<_, _>>()?;
        Ok(TenantSnapshot {
            head: TenantSeq(seq.cast_unsigned()),
            last_at: Timestamp(last_at),
            directory: Arc::new(directory),
            policy: Arc::clone(&policy),
            server_started,
            states,
        })
    };
    let (people, texts) = asked(|asked| decode(asked).map(drop))?;
    let found = references(connection, &people, &texts).await?;
    decode(&found)
}

async fn directory_row(connection: &mut SqliteConnection, tenant: &str) -> Result<DirectoryRow, ReadError> {
    let row =
        sqlx::query("SELECT version, seq, form, body FROM directories WHERE tenant = ?1 ORDER BY version DESC LIMIT 1")
            .bind(tenant)
            .fetch_optional(connection)
            .await
            .map_err(|error| read_error(&error))?
            .ok_or_else(|| damaged(&format!("tenant {tenant}"), "it has no directory"))?;
    Ok(DirectoryRow {
        tenant: tenant.to_owned(),
        version: get(&row, 0, "directories")?,
        seq: get(&row, 1, "directories")?,
        form: get(&row, 2, "directories")?,
        body: get(&row, 3, "directories")?,
    })
}

async fn policy(connection: &mut SqliteConnection, tenant: &str) -> Result<Arc<Policy>, ReadError> {
    let version: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM policies WHERE tenant = ?1")
        .bind(tenant)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| read_error(&error))?;
    let Some(version) = version else { return Ok(Arc::new(Policy::empty())) };
    let mut policy = Policy { version: PolicyVersion(version.cast_unsigned()), ..Policy::empty() };
    for form in pause_types(connection, tenant, version).await? {
        let place = format!("pause type {tenant}/{version}/{}", form.code);
        let pause_type = form.into_domain().map_err(|error| damaged(&place, &error.to_string()))?;
        policy.types.insert(pause_type.code.clone(), Arc::new(pause_type));
    }
    Ok(Arc::new(policy))
}

/// A policy version's rows, in the order of their codes.
pub(crate) async fn pause_types(
    connection: &mut SqliteConnection,
    tenant: &str,
    version: i64,
) -> Result<Vec<PauseTypeForm>, ReadError> {
    let rows = sqlx::query(
        "SELECT code, class, color, body, rules FROM pause_types WHERE tenant = ?1 AND version = ?2 ORDER BY code",
    )
    .bind(tenant)
    .bind(version)
    .fetch_all(connection)
    .await
    .map_err(|error| read_error(&error))?;
    rows.iter()
        .map(|row| {
            Ok(PauseTypeForm {
                code: get(row, 0, "pause_types")?,
                class: get(row, 1, "pause_types")?,
                color: get(row, 2, "pause_types")?,
                body: get(row, 3, "pause_types")?,
                rules: get(row, 4, "pause_types")?,
            })
        })
        .collect()
}

async fn server_started_row(connection: &mut SqliteConnection, tenant: &str) -> Result<Option<JournalRow>, ReadError> {
    let row = sqlx::query(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE tenant = ?1 AND kind = 'server.started' ORDER BY seq DESC LIMIT 1"
    ))
    .bind(tenant)
    .fetch_optional(connection)
    .await
    .map_err(|error| read_error(&error))?;
    row.as_ref().map(journal_row).transpose()
}

/// All states of a tenant.
pub(crate) async fn state_rows(
    connection: &mut SqliteConnection,
    tenant: &str,
) -> Result<Vec<StateRowForm>, ReadError> {
    let rows = sqlx::query("SELECT person, last_seq, form, body FROM states WHERE tenant = ?1 ORDER BY person")
        .bind(tenant)
        .fetch_all(connection)
        .await
        .map_err(|error| read_error(&error))?;
    rows.iter()
        .map(|row| {
            Ok(StateRowForm {
                tenant: tenant.to_owned(),
                person: whole(bytes(row, 0, "states", PersonId::from_bytes)?, "person", "states")?,
                last_seq: get(row, 1, "states")?,
                form: get(row, 2, "states")?,
                body: get(row, 3, "states")?,
            })
        })
        .collect()
}

/// The shards by their heads, all of them.
pub(crate) async fn all_shard_heads(connection: &mut SqliteConnection) -> Result<HashMap<i64, i64>, ReadError> {
    let rows =
        sqlx::query("SELECT id, head FROM shards").fetch_all(connection).await.map_err(|error| read_error(&error))?;
    rows.iter().map(|row| Ok((get(row, 0, "shards")?, get(row, 1, "shards")?))).collect()
}
