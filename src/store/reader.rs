//! The reads of the core: each of one instant, with a time limit, beside the writer. The same for every
//! database that keeps the rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::decode::{Asked, FoundPerson, References, damaged_row, decode_row};
use super::reading::{Bind, FoundRow, OneTenant, Readers, Reading, damaged};
use super::row::{DirectoryRow, JournalRow, StateRowForm};
use super::sql::{Sql, SqlOfAll};
use super::stored::{Hash, PauseTypeForm, PersonId, PlansForm, Resolve, read_json};
use crate::domain::id::PolicyVersion;
use crate::domain::policy::Policy;
use crate::domain::policy_plans::PolicyPlans;
use crate::domain::time::Timestamp;
use crate::ports::{Epoch, ReadError, ShardHead, ShardId, ShardSeq, Stored};

/// How long a read may take: a page is milliseconds, so past this the store is out of reach.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Every column of the journal, in the order of [`JournalRow`].
macro_rules! journal_columns {
    () => {
        "tenant, seq, shard, shard_seq, person, agent_seq, at, due_at, kind, actor_kind, actor_person, cause, \
         policy_version, op, op_by_kind, op_by, op_fingerprint, op_at, op_outcome, form, body, body_hash, hash"
    };
}
pub(crate) use journal_columns;

/// Reads one row of [`journal_columns`].
pub(crate) fn journal_row(row: &FoundRow) -> Result<JournalRow, ReadError> {
    let (tenant, seq) = (row.text(0, "a journal entry")?, row.number(1, "a journal entry")?);
    let place = format!("journal entry {tenant}/{seq}");
    let place = place.as_str();
    Ok(JournalRow {
        tenant,
        seq,
        shard: row.number(2, place)?,
        shard_seq: row.number(3, place)?,
        person: row.optional_person(4, place)?,
        agent_seq: row.optional_number(5, place)?,
        at: row.number(6, place)?,
        due_at: row.optional_number(7, place)?,
        kind: row.text(8, place)?,
        actor_kind: row.text(9, place)?,
        actor_person: row.optional_person(10, place)?,
        cause: row.text(11, place)?,
        policy_version: row.optional_number(12, place)?,
        op: row.optional_wide(13, place)?,
        op_by_kind: row.optional_text(14, place)?,
        op_by: row.optional_person(15, place)?,
        op_fingerprint: row.optional_number(16, place)?,
        op_at: row.optional_number(17, place)?,
        op_outcome: row.optional_text(18, place)?,
        form: row.number(19, place)?,
        body: row.text(20, place)?,
        body_hash: row.hash(21, place)?,
        hash: row.hash(22, place)?,
    })
}

pub(crate) async fn heads(readers: &Readers) -> Result<Vec<ShardHead>, ReadError> {
    const HEADS: SqlOfAll =
        SqlOfAll::same("SELECT id, epoch, head FROM shards WHERE id IN (SELECT shard FROM tenants) ORDER BY id");
    readers
        .within(READ_TIMEOUT, async |reading| reading.of_all().all(HEADS, &[]).await?.iter().map(shard_head).collect())
        .await
}

pub(crate) async fn head(readers: &Readers, shard: ShardId) -> Result<ShardHead, ReadError> {
    readers.within(READ_TIMEOUT, async |reading| head_in(reading, shard).await).await
}

/// The same in a transaction that there is already.
pub(crate) async fn head_in(reading: &mut Reading, shard: ShardId) -> Result<ShardHead, ReadError> {
    const HEAD: SqlOfAll = SqlOfAll::same("SELECT id, epoch, head FROM shards WHERE id = $1");
    shard_head(&reading.of_all().one(HEAD, &[Bind::Number(i64::from(shard.0))], "shards").await?)
}

/// When the last event of any tenant was; the epoch when there is none.
pub(crate) async fn last_at(readers: &Readers) -> Result<Timestamp, ReadError> {
    const LAST_AT: SqlOfAll = SqlOfAll::same("SELECT coalesce(max(last_at), 0) FROM tenant_heads");
    readers
        .within(READ_TIMEOUT, async |reading| {
            let row = reading.of_all().one(LAST_AT, &[], "tenant_heads").await?;
            Ok(Timestamp(row.number(0, "tenant_heads")?))
        })
        .await
}

fn shard_head(row: &FoundRow) -> Result<ShardHead, ReadError> {
    let id = row.number(0, "shards")?;
    Ok(ShardHead {
        shard: ShardId(u16::try_from(id).map_err(|_| damaged("shards", "a number is out of range"))?),
        epoch: Epoch(row.number(1, "shards")?.cast_unsigned()),
        head: ShardSeq(row.number(2, "shards")?.cast_unsigned()),
    })
}

pub(crate) async fn read(
    readers: &Readers,
    shard: ShardId,
    after: ShardSeq,
    max: usize,
) -> Result<Vec<Stored>, ReadError> {
    const PAGE: SqlOfAll = SqlOfAll::same(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE shard = $1 AND shard_seq > $2 ORDER BY shard_seq LIMIT $3"
    ));
    readers
        .within(READ_TIMEOUT, async |reading| {
            let binds = [
                Bind::Number(i64::from(shard.0)),
                Bind::Number(after.0.cast_signed()),
                Bind::Number(i64::try_from(max).unwrap_or(i64::MAX)),
            ];
            let rows = reading.of_all().all(PAGE, &binds).await?;
            let rows: Vec<JournalRow> = rows.iter().map(journal_row).collect::<Result<_, _>>()?;
            let decode = |row: &JournalRow, resolve: &dyn Resolve| {
                decode_row(row, resolve).map_err(|error| damaged_row(row, &error))
            };
            let mut found = References::default();
            let tenants: BTreeSet<&str> = rows.iter().map(|row| row.tenant.as_str()).collect();
            for tenant in tenants {
                let mut of_tenant = rows.iter().filter(|row| row.tenant == tenant);
                let (people, texts) = asked(|asked| of_tenant.try_for_each(|row| decode(row, asked).map(drop)))?;
                let of_tenant = references(&mut reading.of(tenant), &people, &texts).await?;
                found.people.extend(of_tenant.people);
                found.texts.extend(of_tenant.texts);
            }
            rows.iter().map(|row| decode(row, &found)).collect()
        })
        .await
}

/// What a decoding asks for.
pub(crate) fn asked(
    decode: impl FnOnce(&dyn Resolve) -> Result<(), ReadError>,
) -> Result<(Vec<PersonId>, Vec<Hash>), ReadError> {
    let asked = Asked::default();
    decode(&asked)?;
    Ok(asked.into_lists())
}

/// Fetches people and texts of a tenant.
pub(crate) async fn references(
    reading: &mut OneTenant<'_>,
    ids: &[PersonId],
    texts: &[Hash],
) -> Result<References, ReadError> {
    const PEOPLE: Sql = Sql::each(
        "SELECT p.id, p.host_id, p.name FROM json_each($2) AS k CROSS JOIN people AS p ON p.id = unhex(k.value)
         WHERE p.tenant = $1",
        "SELECT id, host_id, name FROM people WHERE tenant = $1 AND id = ANY($2)",
    );
    const TEXTS: Sql = Sql::each(
        "SELECT t.hash, t.text FROM json_each($2) AS k CROSS JOIN texts AS t ON t.hash = unhex(k.value)
         WHERE t.tenant = $1",
        "SELECT hash, text FROM texts WHERE tenant = $1 AND hash = ANY($2)",
    );
    let mut found = References::default();
    if !ids.is_empty() {
        found = people(reading, PEOPLE, &[Bind::Ids(ids.iter().map(|id| id.0.to_vec()).collect())]).await?;
    }
    if !texts.is_empty() {
        let hashes = Bind::Ids(texts.iter().map(|hash| hash.0.to_vec()).collect());
        for row in reading.all(TEXTS, &[hashes]).await? {
            found.texts.insert(row.hash(0, "texts")?, row.any_text(1, "texts")?);
        }
    }
    Ok(found)
}

/// People, as a statement finds them: by internal id, host id and name.
pub(crate) async fn people(reading: &mut OneTenant<'_>, sql: Sql, binds: &[Bind<'_>]) -> Result<References, ReadError> {
    let mut found = References::default();
    for row in reading.all(sql, binds).await? {
        let person = FoundPerson::new(row.text(1, "people")?, row.optional_text(2, "people")?);
        found.people.insert(row.person(0, "people")?, person);
    }
    Ok(found)
}

/// The last directory version that is whole, and what changed since, in order.
pub(crate) async fn directory_rows(reading: &mut OneTenant<'_>) -> Result<Vec<DirectoryRow>, ReadError> {
    const SINCE_WHOLE: Sql = Sql::each(
        "SELECT version, seq, form, whole, body FROM directories WHERE tenant = $1 AND version >=
            (SELECT version FROM directories WHERE tenant = $1 AND whole = 1 ORDER BY version DESC LIMIT 1)
         ORDER BY version",
        "SELECT version, seq, form, whole, body FROM directories WHERE tenant = $1 AND version >=
            (SELECT version FROM directories WHERE tenant = $1 AND whole ORDER BY version DESC LIMIT 1)
         ORDER BY version",
    );
    let rows = reading.all(SINCE_WHOLE, &[]).await?;
    let tenant = reading.tenant();
    let place = format!("the directory of tenant {tenant}");
    let read = |row: &FoundRow| {
        Ok(DirectoryRow {
            tenant: tenant.to_owned(),
            version: row.number(0, &place)?,
            seq: row.number(1, &place)?,
            form: row.number(2, &place)?,
            whole: row.truth(3, &place)?,
            body: row.text(4, &place)?,
        })
    };
    rows.iter().map(read).collect()
}

pub(crate) async fn policy(reading: &mut OneTenant<'_>) -> Result<Arc<Policy>, ReadError> {
    const NEWEST: Sql = Sql::same("SELECT max(version) FROM policies WHERE tenant = $1");
    let row = reading.one(NEWEST, &[], "policies").await?;
    let Some(version) = row.optional_number(0, "policies")? else { return Ok(Arc::new(Policy::empty())) };
    policy_of(reading, version).await.map(Arc::new)
}

/// A version of a tenant's policy.
pub(crate) async fn policy_of(reading: &mut OneTenant<'_>, version: i64) -> Result<Policy, ReadError> {
    let forms = pause_types(reading, version).await?;
    let tenant = reading.tenant();
    let decode = |resolve: &dyn Resolve| {
        let mut policy = Policy { version: PolicyVersion(version.cast_unsigned()), ..Policy::empty() };
        for form in forms.iter().cloned() {
            let place = format!("pause type {tenant}/{version}/{}", form.code);
            let pause_type = form.into_domain(resolve).map_err(|error| damaged(&place, &error.to_string()))?;
            policy.types.insert(pause_type.code.clone(), Arc::new(pause_type));
        }
        Ok(policy)
    };
    let (people, texts) = asked(|asked| decode(asked).map(drop))?;
    let found = references(reading, &people, &texts).await?;
    decode(&found)
}

/// What is planned for a tenant's policy.
pub(crate) async fn plans(reading: &mut OneTenant<'_>) -> Result<Arc<PolicyPlans>, ReadError> {
    const PLANS: Sql = Sql::same("SELECT form, body FROM policy_plans WHERE tenant = $1");
    let place = format!("the plans for the policy of tenant {}", reading.tenant());
    let Some(row) = reading.first(PLANS, &[]).await? else { return Ok(Arc::default()) };
    let (form, body) = (row.number(0, &place)?, row.text(1, &place)?);
    let decode = |resolve: &dyn Resolve| {
        let plans = read_json::<PlansForm>(form, &body).and_then(|form| form.into_domain(resolve));
        plans.map_err(|error| damaged(&place, &error.to_string()))
    };
    let (people, texts) = asked(|asked| decode(asked).map(drop))?;
    let found = references(reading, &people, &texts).await?;
    decode(&found).map(Arc::new)
}

/// A policy version's rows, in the order of their codes.
pub(crate) async fn pause_types(reading: &mut OneTenant<'_>, version: i64) -> Result<Vec<PauseTypeForm>, ReadError> {
    const TYPES: Sql = Sql::same(
        "SELECT code, class, color, body, rules FROM pause_types WHERE tenant = $1 AND version = $2 ORDER BY code",
    );
    let place = format!("the pause types of tenant {}", reading.tenant());
    let rows = reading.all(TYPES, &[Bind::Number(version)]).await?;
    rows.iter()
        .map(|row| {
            Ok(PauseTypeForm {
                code: row.text(0, &place)?,
                class: row.text(1, &place)?,
                color: row.optional_text(2, &place)?,
                body: row.text(3, &place)?,
                rules: row.optional_text(4, &place)?,
            })
        })
        .collect()
}

pub(crate) async fn server_started_row(reading: &mut OneTenant<'_>) -> Result<Option<JournalRow>, ReadError> {
    const LAST: Sql = Sql::same(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE tenant = $1 AND kind = 'server.started' ORDER BY seq DESC LIMIT 1"
    ));
    reading.first(LAST, &[]).await?.as_ref().map(journal_row).transpose()
}

/// The last step of the clock after an entry.
pub(crate) async fn clock_stepped_row(
    reading: &mut OneTenant<'_>,
    after: i64,
) -> Result<Option<JournalRow>, ReadError> {
    const LAST: Sql = Sql::same(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE tenant = $1 AND kind = 'clock.stepped' AND seq > $2 ORDER BY seq DESC LIMIT 1"
    ));
    reading.first(LAST, &[Bind::Number(after)]).await?.as_ref().map(journal_row).transpose()
}

/// All states of a tenant, in the order of their internal ids.
pub(crate) async fn state_rows(reading: &mut OneTenant<'_>) -> Result<Vec<StateRowForm>, ReadError> {
    const STATES: Sql = Sql::same("SELECT person, last_seq, form, body FROM states WHERE tenant = $1 ORDER BY person");
    let rows = reading.all(STATES, &[]).await?;
    let tenant = reading.tenant();
    let place = format!("the states of tenant {tenant}");
    rows.iter()
        .map(|row| {
            Ok(StateRowForm {
                tenant: tenant.to_owned(),
                person: row.person(0, &place)?,
                last_seq: row.number(1, &place)?,
                form: row.number(2, &place)?,
                body: row.text(3, &place)?,
            })
        })
        .collect()
}
