//! The writer's statements: one a table and transaction, whatever the number of rows, which travel
//! as one JSON array, and all of a transaction on one trip.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::fault::WriteFault;
use super::script::Script;
use crate::domain::id::TenantId;
use crate::ports::{Epoch, ShardId, ShardSeq};
use crate::store::encode::{Basis, KnownPerson, KnownTenant, PersonKey, TextKey, Wanted, Writes};
use crate::store::stored::{Hash, PersonId, PersonKind, write_json};

/// Fetches the fence and the heads that some batches touch, where the basis does not have them yet. A tenant that is not there
/// is new.
pub(super) async fn load_heads(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    basis: &mut Basis,
) -> Result<(), WriteFault> {
    let shards = wanted.shards.iter().filter(|shard| !basis.shards.contains_key(*shard));
    let shards: Vec<u16> = shards.map(|shard| shard.0).collect();
    let tenants = wanted.tenants.iter().filter(|tenant| !basis.tenants.contains_key(*tenant));
    let tenants: Vec<&str> = tenants.map(TenantId::as_str).collect();
    if !shards.is_empty() {
        let rows = sqlx::query("SELECT id, epoch, head FROM shards WHERE id IN (SELECT value FROM json_each(?1))")
            .bind(write_json(&shards))
            .fetch_all(&mut *connection)
            .await?;
        for row in rows {
            let (id, epoch, head): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            basis.shards.insert(shard_id(id)?, (Epoch(epoch.cast_unsigned()), ShardSeq(head.cast_unsigned())));
        }
    }
    if tenants.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT t.id, t.shard, h.seq, h.hash, h.last_at FROM tenants AS t JOIN tenant_heads AS h ON h.tenant = t.id
         WHERE t.id IN (SELECT value FROM json_each(?1))",
    )
    .bind(write_json(&tenants))
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let id: String = row.try_get(0)?;
        let tenant = KnownTenant {
            shard: shard_id(row.try_get(1)?)?,
            seq: row.try_get(2)?,
            hash: Hash::from_bytes(row.try_get(3)?).ok_or_else(|| damaged("a hash has not 32 bytes"))?,
            last_at: row.try_get(4)?,
        };
        basis.tenants.insert(TenantId::new(&id).map_err(|error| damaged(&error.to_string()))?, tenant);
    }
    Ok(())
}

/// Fetches people that the basis does not have yet. Those who are not there are new.
pub(super) async fn load_people(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    basis: &mut Basis,
) -> Result<(), WriteFault> {
    #[derive(Serialize)]
    struct Key<'a> {
        tenant: &'a str,
        kind: PersonKind,
        host_id: &'a str,
    }
    let missing: Vec<Key<'_>> = wanted
        .people
        .iter()
        .filter(|key| !basis.people.contains_key(*key))
        .map(|key| Key { tenant: key.tenant.as_str(), kind: key.kind, host_id: &key.host_id })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT p.tenant, p.kind, p.host_id, p.id,
                coalesce((SELECT max(j.agent_seq) FROM journal AS j WHERE j.tenant = p.tenant AND j.person = p.id), 0)
         FROM json_each(?1) AS k CROSS JOIN people AS p
         ON p.tenant = k.value->>'tenant' AND p.kind = k.value->>'kind' AND p.host_id = k.value->>'host_id'",
    )
    .bind(write_json(&missing))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let (tenant, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let key = PersonKey {
            tenant: TenantId::new(&tenant).map_err(|error| damaged(&error.to_string()))?,
            kind: PersonKind::from_word(&kind).ok_or_else(|| damaged("an unknown kind of person"))?,
            host_id: row.try_get(2)?,
        };
        basis.people.insert(key, KnownPerson { id: person_id(&row, 3)?, agent_seq: row.try_get(4)? });
    }
    Ok(())
}

/// Fetches the hashes of texts that the basis does not have yet. Those that are not there are new.
pub(super) async fn load_texts(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    basis: &mut Basis,
) -> Result<(), WriteFault> {
    #[derive(Serialize)]
    struct Key<'a> {
        at: usize,
        tenant: &'a str,
        person: PersonId,
        text: String,
    }
    let missing: Vec<(&TextKey, PersonId)> = wanted
        .texts
        .iter()
        .filter(|key| !basis.texts.contains_key(*key))
        .filter_map(|key| Some((key, basis.people.get(&key.person())?.id)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let keys: Vec<Key<'_>> = missing
        .iter()
        .enumerate()
        .map(|(at, (key, person))| Key { at, tenant: key.tenant.as_str(), person: *person, text: hex(&key.text) })
        .collect();
    let rows = sqlx::query(
        "SELECT k.value->>'at', t.hash FROM json_each(?1) AS k CROSS JOIN texts AS t
         ON t.tenant = k.value->>'tenant' AND t.person = unhex(k.value->>'person')
            AND t.text = CAST(unhex(k.value->>'text') AS TEXT)",
    )
    .bind(write_json(&keys))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let at: i64 = row.try_get(0)?;
        let hash = Hash::from_bytes(row.try_get(1)?).ok_or_else(|| damaged("a hash has not 32 bytes"))?;
        if let Some((key, _)) = usize::try_from(at).ok().and_then(|at| missing.get(at)) {
            basis.texts.insert((*key).clone(), hash);
        }
    }
    Ok(())
}

/// A transaction that writes all rows, in the order in which constraints allow them, but for its end.
pub(super) fn transaction(writes: &Writes) -> Result<Script, WriteFault> {
    let mut script = Script::of_transaction();
    script.put(MOVE_SHARD_HEADS, &writes.shard_heads)?;
    script.put(INSERT_TENANTS, &writes.tenants)?;
    script.put(UPSERT_TENANT_HEADS, &writes.tenant_heads)?;
    script.put(INSERT_PEOPLE, &writes.people)?;
    script.touch(UPDATE_NAMES, &hexed_names(writes))?;
    script.put(INSERT_TEXTS, &hexed_texts(writes))?;
    script.put(INSERT_JOURNAL, &writes.journal)?;
    script.put(INSERT_DIRECTORIES, &writes.directories)?;
    script.put(INSERT_POLICIES, &writes.policies)?;
    script.touch(INSERT_PAUSE_TYPES, &writes.policies)?;
    script.put(UPSERT_PLANS, &writes.plans)?;
    script.put(UPSERT_CREDENTIALS, &writes.credentials)?;
    script.touch(DROP_CREDENTIALS, &writes.dropped_credentials)?;
    // Ends before starts: a pause that ends makes room for the one that begins.
    script.put(UPDATE_PAUSES, &writes.pause_changes)?;
    script.put(INSERT_PAUSES, &writes.pauses)?;
    script.put(INSERT_AMENDMENTS, &writes.amendments)?;
    script.touch(UPSERT_STATES, &writes.states)?;
    Ok(script)
}

/// A text as hex: JSON cannot carry a NUL through SQLite.
fn hex(text: &str) -> String {
    crate::store::stored::to_hex(text.as_bytes())
}

#[derive(Serialize)]
struct HexedName {
    id: PersonId,
    name: String,
}

fn hexed_names(writes: &Writes) -> Vec<HexedName> {
    writes.names.iter().map(|row| HexedName { id: row.id, name: hex(&row.name) }).collect()
}

#[derive(Serialize)]
struct HexedText<'a> {
    hash: Hash,
    tenant: &'a str,
    person: PersonId,
    salt: crate::store::stored::Salt,
    text: String,
}

fn hexed_texts(writes: &Writes) -> Vec<HexedText<'_>> {
    writes
        .texts
        .iter()
        .map(|row| HexedText {
            hash: row.hash,
            tenant: &row.tenant,
            person: row.person,
            salt: row.salt,
            text: hex(&row.text),
        })
        .collect()
}

fn shard_id(id: i64) -> Result<ShardId, WriteFault> {
    u16::try_from(id).map(ShardId).map_err(|_| damaged("a shard's number is out of range"))
}

fn person_id(row: &SqliteRow, column: usize) -> Result<PersonId, WriteFault> {
    PersonId::from_bytes(row.try_get(column)?).ok_or_else(|| damaged("a person's id has not 16 bytes"))
}

fn damaged(why: &str) -> WriteFault {
    WriteFault::Refused(format!("the store is damaged: {why}"))
}

/// A statement over `rows`, the objects of its parameter in the column `value`. Without a table of their own each would be written out
/// as JSON again for each of its members that is asked for.
macro_rules! of_rows {
    ($sql:literal) => {
        concat!("WITH rows AS MATERIALIZED (SELECT value FROM json_each(?))\n", $sql)
    };
}

const INSERT_TENANTS: &str = of_rows!("INSERT INTO tenants (id, shard) SELECT value->>'id', value->>'shard' FROM rows");

const UPSERT_TENANT_HEADS: &str = of_rows!(
    "INSERT INTO tenant_heads (tenant, seq, hash, last_at)
    SELECT value->>'tenant', value->>'seq', unhex(value->>'hash'), value->>'last_at' FROM rows WHERE true
    ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, last_at = excluded.last_at"
);

/// The fence: it moves a head only where nobody else has.
const MOVE_SHARD_HEADS: &str = of_rows!(
    "UPDATE shards SET head = u.head
    FROM (SELECT value->>'id' AS id, value->>'epoch' AS epoch, value->>'after' AS after, value->>'head' AS head
          FROM rows) AS u
    WHERE shards.id = u.id AND shards.epoch = u.epoch AND shards.head = u.after"
);

const INSERT_PEOPLE: &str = of_rows!(
    "INSERT INTO people (id, tenant, kind, host_id, salt)
    SELECT unhex(value->>'id'), value->>'tenant', value->>'kind', value->>'host_id', unhex(value->>'salt')
    FROM rows"
);

const UPDATE_NAMES: &str = of_rows!(
    "UPDATE people SET name = u.name
    FROM (SELECT unhex(value->>'id') AS id, CAST(unhex(value->>'name') AS TEXT) AS name FROM rows) AS u
    WHERE people.id = u.id AND people.name IS NOT u.name"
);

const INSERT_TEXTS: &str = of_rows!(
    "INSERT INTO texts (hash, tenant, person, salt, text)
    SELECT unhex(value->>'hash'), value->>'tenant', unhex(value->>'person'), unhex(value->>'salt'),
           CAST(unhex(value->>'text') AS TEXT)
    FROM rows"
);

const INSERT_JOURNAL: &str = of_rows!(
    "INSERT INTO journal (tenant, seq, shard, shard_seq, person, agent_seq, at, due_at, kind,
        actor_kind, actor_person, cause, policy_version, op, op_by_kind, op_by, op_fingerprint, op_at, op_outcome,
        form, body, body_hash, hash)
    SELECT value->>'tenant', value->>'seq', value->>'shard', value->>'shard_seq', unhex(value->>'person'),
           value->>'agent_seq', value->>'at', value->>'due_at', value->>'kind', value->>'actor_kind',
           unhex(value->>'actor_person'), value->>'cause', value->>'policy_version', unhex(value->>'op'),
           value->>'op_by_kind', unhex(value->>'op_by'), value->>'op_fingerprint', value->>'op_at',
           value->>'op_outcome', value->>'form', value->>'body', unhex(value->>'body_hash'), unhex(value->>'hash')
    FROM rows"
);

const INSERT_DIRECTORIES: &str = of_rows!(
    "INSERT INTO directories (tenant, version, seq, form, whole, body)
    SELECT value->>'tenant', value->>'version', value->>'seq', value->>'form', value->>'whole', value->>'body'
    FROM rows"
);

const INSERT_POLICIES: &str = of_rows!(
    "INSERT INTO policies (tenant, version, seq, form)
    SELECT value->>'tenant', value->>'version', value->>'seq', value->>'form' FROM rows"
);

const INSERT_PAUSE_TYPES: &str = of_rows!(
    "INSERT INTO pause_types (tenant, version, code, class, color, body, rules)
    SELECT p.value->>'tenant', p.value->>'version', t.value->>'code', t.value->>'class', t.value->>'color',
           t.value->>'body', t.value->>'rules'
    FROM rows AS p, json_each(p.value, '$.types') AS t"
);

const UPSERT_PLANS: &str = of_rows!(
    "INSERT INTO policy_plans (tenant, seq, form, body)
    SELECT value->>'tenant', value->>'seq', value->>'form', value->>'body' FROM rows WHERE true
    ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, form = excluded.form, body = excluded.body"
);

const UPSERT_CREDENTIALS: &str = of_rows!(
    "INSERT INTO credentials (tenant, id, kind, seq, form, body)
    SELECT value->>'tenant', unhex(value->>'id'), value->>'kind', value->>'seq', value->>'form', value->>'body'
    FROM rows WHERE true
    ON CONFLICT (tenant, id) DO UPDATE SET seq = excluded.seq, form = excluded.form, body = excluded.body"
);

const DROP_CREDENTIALS: &str = of_rows!(
    "DELETE FROM credentials WHERE (tenant, id) IN
    (SELECT value->>'tenant', unhex(value->>'id') FROM rows)"
);

const UPDATE_PAUSES: &str = of_rows!(
    "UPDATE pauses SET
        replaced_by = coalesce(u.replaced_by, pauses.replaced_by), ended_at = u.ended_at, ended_by = u.ended_by,
        ended_seq = u.ended_seq, last_seen_at = u.last_seen_at,
        extended_ms = CASE class WHEN 'protected' THEN NULL ELSE pauses.extended_ms + u.extended_ms END,
        overran_at = CASE class WHEN 'protected' THEN NULL ELSE coalesce(u.overran_at, pauses.overran_at) END,
        short = CASE class WHEN 'protected' THEN NULL ELSE u.short END,
        misclick = CASE class WHEN 'protected' THEN NULL ELSE u.misclick END
    FROM (SELECT unhex(value->>'id') AS id, value->>'tenant' AS tenant,
                 unhex(value->>'replaced_by') AS replaced_by, value->>'ended_at' AS ended_at,
                 value->>'ended_by' AS ended_by, value->>'ended_seq' AS ended_seq,
                 value->>'last_seen_at' AS last_seen_at, value->>'extended_ms' AS extended_ms,
                 value->>'overran_at' AS overran_at, value->>'short' AS short, value->>'misclick' AS misclick
          FROM rows) AS u
    WHERE pauses.id = u.id AND pauses.tenant = u.tenant AND pauses.ended_at IS NULL"
);

const INSERT_PAUSES: &str = of_rows!(
    "INSERT INTO pauses (id, tenant, person, pause_type, class, team, inside, replaces,
        replaced_by, zone, utc_offset_s, local_day, business_day, shift_started_at, shift_estimated, policy_version,
        started_at, started_seq, ended_at, ended_by, ended_seq, last_seen_at, note, paid, counts_as_work, min_ms,
        on_early_end, refund_under_ms, limit_ms, grace_ms, on_limit, extended_ms, overran_at, short, misclick)
    SELECT unhex(value->>'id'), value->>'tenant', unhex(value->>'person'), value->>'pause_type', value->>'class',
           value->>'team', unhex(value->>'inside'), unhex(value->>'replaces'), unhex(value->>'replaced_by'),
           value->>'zone', value->>'utc_offset_s', value->>'local_day', value->>'business_day',
           value->>'shift_started_at', value->>'shift_estimated', value->>'policy_version', value->>'started_at',
           value->>'started_seq', value->>'ended_at', value->>'ended_by', value->>'ended_seq',
           value->>'last_seen_at', unhex(value->>'note'), value->>'paid', value->>'counts_as_work', value->>'min_ms',
           value->>'on_early_end', value->>'refund_under_ms', value->>'limit_ms', value->>'grace_ms',
           value->>'on_limit', value->>'extended_ms', value->>'overran_at', value->>'short', value->>'misclick'
    FROM rows"
);

const INSERT_AMENDMENTS: &str = of_rows!(
    "INSERT INTO pause_amendments (tenant, seq, pause, at, actor_kind, actor_person, text,
        ended_at, short, misclick, overran_at)
    SELECT value->>'tenant', value->>'seq', unhex(value->>'pause'), value->>'at', value->>'actor_kind',
           unhex(value->>'actor_person'), unhex(value->>'text'), value->>'ended_at', value->>'short',
           value->>'misclick', value->>'overran_at'
    FROM rows"
);

const UPSERT_STATES: &str = of_rows!(
    "INSERT INTO states (tenant, person, last_seq, form, body)
    SELECT value->>'tenant', unhex(value->>'person'), value->>'last_seq', value->>'form', value->>'body'
    FROM rows WHERE true
    ON CONFLICT (tenant, person) DO UPDATE SET
        last_seq = excluded.last_seq, form = excluded.form, body = excluded.body"
);

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, Executor};

    use super::*;
    use crate::store::sqlite::open;

    #[tokio::test]
    async fn no_statement_of_the_writer_goes_through_a_table() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.expect("a connection");
        open::migrate(&mut connection).await.expect("the schema");
        // The plan of who is referred to has a step for each who refers, which is not taken.
        connection.execute("PRAGMA foreign_keys = OFF").await.expect("without references");
        let all = [
            INSERT_TENANTS,
            UPSERT_TENANT_HEADS,
            MOVE_SHARD_HEADS,
            INSERT_PEOPLE,
            UPDATE_NAMES,
            INSERT_TEXTS,
            INSERT_JOURNAL,
            INSERT_DIRECTORIES,
            INSERT_POLICIES,
            INSERT_PAUSE_TYPES,
            UPSERT_PLANS,
            UPSERT_CREDENTIALS,
            DROP_CREDENTIALS,
            UPDATE_PAUSES,
            INSERT_PAUSES,
            INSERT_AMENDMENTS,
            UPSERT_STATES,
        ];
        for sql in all {
            let plan = connection.fetch_all(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).await.expect("a plan");
            let steps: Vec<String> = plan.iter().map(|row| row.get(3)).collect();
            let of_rows =
                |step: &&String| ["rows", "json_each", "p", "t"].contains(&step.split(' ').nth(1).unwrap_or(""));
            let scans = steps.iter().filter(|step| step.starts_with("SCAN"));
            let (fine, not): (Vec<_>, Vec<_>) = scans.partition(of_rows);
            assert!(!fine.is_empty() && not.is_empty(), "{steps:?}: {sql}");
        }
    }
}
