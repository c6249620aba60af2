//! What a batch stands on, looked up: the shard's and the tenants' heads, people and texts.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::fault::WriteFault;
use crate::domain::id::TenantId;
use crate::ports::{Epoch, ShardId, ShardSeq};
use crate::store::encode::{Basis, KnownPerson, KnownTenant, PersonKey, TextKey, Wanted};
use crate::store::stored::{Hash, PersonId, PersonKind};

/// A shard's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShardRow {
    pub(super) epoch: Epoch,
    pub(super) head: ShardSeq,
    pub(super) turn: i64,
}

/// Fetches a shard's row.
pub(super) async fn shard(connection: &mut PgConnection, shard: ShardId) -> Result<ShardRow, WriteFault> {
    let row = sqlx::query("SELECT epoch, head, turn FROM shards WHERE id = $1")
        .bind(i64::from(shard.0))
        .fetch_one(connection)
        .await?;
    shard_row(&row)
}

/// Lets no append that is still on its way be written any more, waits for one that is being written, and
/// fetches the shard's row.
pub(super) async fn settle(connection: &mut PgConnection, shard: ShardId) -> Result<ShardRow, WriteFault> {
    let rows = sqlx::query("UPDATE shards SET turn = turn + 1 WHERE id = $1 RETURNING epoch, head, turn")
        .bind(i64::from(shard.0))
        .fetch_all(connection)
        .await?;
    shard_row(rows.first().ok_or_else(|| damaged("a shard has no row"))?)
}

fn shard_row(row: &PgRow) -> Result<ShardRow, WriteFault> {
    let (epoch, head, turn): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(ShardRow { epoch: Epoch(epoch.cast_unsigned()), head: ShardSeq(head.cast_unsigned()), turn })
}

/// Fetches the heads of tenants that the basis does not have yet. Those that are not there are new.
pub(super) async fn load_tenants(
    connection: &mut PgConnection,
    wanted: &Wanted,
    basis: &mut Basis,
) -> Result<(), WriteFault> {
    let missing = wanted.tenants.iter().filter(|tenant| !basis.tenants.contains_key(*tenant));
    let missing: Vec<&str> = missing.map(TenantId::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT t.id, t.shard, h.seq, h.hash, h.last_at FROM tenants AS t JOIN tenant_heads AS h ON h.tenant = t.id
         WHERE t.id = ANY($1)",
    )
    .bind(missing)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let shard: i64 = row.try_get(1)?;
        let tenant = KnownTenant {
            shard: ShardId(u16::try_from(shard).map_err(|_| damaged("a shard's number is out of range"))?),
            seq: row.try_get(2)?,
            hash: hash(&row, 3)?,
            last_at: row.try_get(4)?,
        };
        basis.tenants.insert(tenant_id(row.try_get(0)?)?, tenant);
    }
    Ok(())
}

/// Fetches people that the basis does not have yet. Those who are not there are new.
pub(super) async fn load_people(
    connection: &mut PgConnection,
    wanted: &Wanted,
    basis: &mut Basis,
) -> Result<(), WriteFault> {
    let missing: Vec<&PersonKey> = wanted.people.iter().filter(|key| !basis.people.contains_key(*key)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let tenants: Vec<&str> = missing.iter().map(|key| key.tenant.as_str()).collect();
    let kinds: Vec<&str> = missing.iter().map(|key| key.kind.as_str()).collect();
    let host_ids: Vec<&str> = missing.iter().map(|key| key.host_id.as_str()).collect();
    let rows = sqlx::query(
        "SELECT p.tenant, p.kind, p.host_id, p.id,
                coalesce((SELECT max(j.agent_seq) FROM journal AS j WHERE j.tenant = p.tenant AND j.person = p.id), 0)
         FROM unnest($1::text[], $2::text[], $3::text[]) AS k (tenant, kind, host_id)
         JOIN people AS p ON p.tenant = k.tenant AND p.kind = k.kind AND p.host_id = k.host_id",
    )
    .bind(tenants)
    .bind(kinds)
    .bind(host_ids)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let kind: &str = row.try_get(1)?;
        let key = PersonKey {
            tenant: tenant_id(row.try_get(0)?)?,
            kind: PersonKind::from_word(kind).ok_or_else(|| damaged("an unknown kind of person"))?,
            host_id: row.try_get(2)?,
        };
        let id = PersonId::from_bytes(row.try_get(3)?).ok_or_else(|| damaged("a person's id has not 16 bytes"))?;
        basis.people.insert(key, KnownPerson { id, agent_seq: row.try_get(4)? });
    }
    Ok(())
}

/// Fetches the hashes of texts that the basis does not have yet. Those that are not there are new.
pub(super) async fn load_texts(
    connection: &mut PgConnection,
    wanted: &Wanted,
    basis: &mut Basis,
) -> Result<(), WriteFault> {
    let missing: Vec<(&TextKey, PersonId)> = wanted
        .texts
        .iter()
        .filter(|key| !basis.texts.contains_key(*key))
        .filter_map(|key| Some((key, basis.people.get(&key.person())?.id)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let tenants: Vec<&str> = missing.iter().map(|(key, _)| key.tenant.as_str()).collect();
    let people: Vec<Vec<u8>> = missing.iter().map(|(_, person)| person.0.to_vec()).collect();
    let texts: Vec<&[u8]> = missing.iter().map(|(key, _)| key.text.as_bytes()).collect();
    let rows = sqlx::query(
        "SELECT k.place, t.hash
         FROM unnest($1::text[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS k (tenant, person, text, place)
         JOIN texts AS t ON t.tenant = k.tenant AND t.person = k.person AND sha256(t.text) = sha256(k.text)",
    )
    .bind(tenants)
    .bind(people)
    .bind(texts)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let place: i64 = row.try_get(0)?;
        let found = usize::try_from(place - 1).ok().and_then(|at| missing.get(at));
        if let Some((key, _)) = found {
            basis.texts.insert((*key).clone(), hash(&row, 1)?);
        }
    }
    Ok(())
}

fn tenant_id(id: &str) -> Result<TenantId, WriteFault> {
    TenantId::new(id).map_err(|error| damaged(&error.to_string()))
}

fn hash(row: &PgRow, column: usize) -> Result<Hash, WriteFault> {
    Hash::from_bytes(row.try_get(column)?).ok_or_else(|| damaged("a hash has not 32 bytes"))
}

fn damaged(why: &str) -> WriteFault {
    WriteFault::Refused(format!("the store is damaged: {why}"))
}
