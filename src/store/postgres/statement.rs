//! The one statement that writes a batch: it moves the shard's head if nobody else has, and with it, or not at
//! all, go the rows, which travel as one JSON array a table.
//!
//! Data-modifying parts of a `WITH` see the same state of before and are written together
//! (<https://www.postgresql.org/docs/15/queries-with.html#QUERIES-WITH-MODIFYING>). Each part takes its rows
//! only where `fence` has one.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::fault::WriteFault;
use crate::ports::{Epoch, ShardId, ShardSeq};
use crate::store::encode::Writes;
use crate::store::row::{NameRow, PersonRow};
use crate::store::stored::{Hash, PersonId, Salt, to_hex, write_json};

/// What must hold for a batch to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fence {
    pub(super) shard: ShardId,
    pub(super) epoch: Epoch,
    /// The head that it follows.
    pub(super) after: ShardSeq,
    /// The head that it leads to.
    pub(super) reached: ShardSeq,
    pub(super) turn: i64,
}

/// A statement in the making.
pub(super) struct Statement {
    parts: String,
    parameters: Vec<String>,
    /// How many parameters the fence has.
    taken: usize,
    /// How many pauses must change.
    changes: usize,
}

/// Parameters 1 to 5 are those of the fence.
const FENCE: &str = "fence AS (UPDATE shards SET head = $4 WHERE id = $1 AND epoch = $2 AND head = $3 AND turn = $5
    RETURNING id)";
/// Where nobody else can write, nothing stands in the way.
const NO_FENCE: &str = "fence AS (SELECT 1)";

impl Statement {
    /// The statement of a batch, with the parts that it has rows for.
    pub(super) fn of(writes: &Writes) -> Statement {
        let mut statement = Statement { parts: FENCE.to_owned(), parameters: Vec::new(), taken: 5, changes: 0 };
        statement.fill(writes);
        statement
    }

    /// A statement that writes rows as they are, for a copy into an empty database.
    pub(super) fn of_copy(writes: &Writes) -> Statement {
        let mut statement = Statement { parts: NO_FENCE.to_owned(), parameters: Vec::new(), taken: 0, changes: 0 };
        statement.fill(writes);
        statement
    }

    fn fill(&mut self, writes: &Writes) {
        let (people, names) = named(writes);
        self.part("new_tenants", TENANTS, &writes.tenants);
        self.part("heads", TENANT_HEADS, &writes.tenant_heads);
        self.part("new_people", PEOPLE, &people);
        self.part("renamed", NAMES, &names);
        self.part("new_texts", TEXTS, &hexed_texts(writes));
        self.part("entries", JOURNAL, &writes.journal);
        self.part("new_directories", DIRECTORIES, &writes.directories);
        self.part("new_policies", POLICIES, &writes.policies);
        self.part("new_types", PAUSE_TYPES, &writes.policies);
        self.part("new_plans", PLANS, &writes.plans);
        self.part("new_credentials", CREDENTIALS, &writes.credentials);
        self.part("old_credentials", DROPPED_CREDENTIALS, &writes.dropped_credentials);
        self.part("changed", PAUSE_CHANGES, &writes.pause_changes);
        self.changes = writes.pause_changes.len();
        // A pause that ends makes room for the one that begins: the insert reads what the update has done.
        let pauses = if self.changes == 0 { PAUSES.to_owned() } else { PAUSES.replace("FROM fence", PAUSES_AFTER) };
        self.part("new_pauses", &pauses, &writes.pauses);
        self.part("new_amendments", AMENDMENTS, &writes.amendments);
        self.part("new_states", STATES, &writes.states);
    }

    fn part<T: Serialize>(&mut self, name: &str, sql: &str, rows: &[T]) {
        if rows.is_empty() {
            return;
        }
        self.parameters.push(write_json(&rows));
        let parameter = format!("CAST(${} AS json)", self.taken + self.parameters.len());
        self.parts.push_str(&format!(",\n{name} AS ({})", sql.replace("$ROWS", &parameter)));
    }

    fn sql(&self) -> String {
        let refusal = if self.changes == 0 {
            String::new()
        } else {
            format!(
                ", CASE WHEN EXISTS (SELECT FROM fence) AND (SELECT count(*) FROM changed) <> ${}
                   THEN intervalo_refuse('a pause that changes is not open') END",
                self.taken + self.parameters.len() + 1
            )
        };
        format!("WITH {}\nSELECT (SELECT count(*) FROM fence){refusal}", self.parts)
    }

    /// How many bytes of rows it carries.
    pub(super) fn bytes(&self) -> usize {
        self.parameters.iter().map(String::len).sum()
    }

    /// Runs it, behind its fence. False when the fence did not hold: nothing was written.
    pub(super) async fn run(self, connection: &mut PgConnection, fence: Fence) -> Result<bool, WriteFault> {
        let sql = self.sql();
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(fence.shard.0))
            .bind(fence.epoch.0.cast_signed())
            .bind(fence.after.0.cast_signed())
            .bind(fence.reached.0.cast_signed())
            .bind(fence.turn);
        Ok(self.finish(query, connection).await? == 1)
    }

    /// Runs it without a fence.
    pub(super) async fn run_copy(self, connection: &mut PgConnection) -> Result<(), WriteFault> {
        let sql = self.sql();
        let query = sqlx::query(AssertSqlSafe(sql));
        self.finish(query, connection).await.map(drop)
    }

    async fn finish<'q>(
        self,
        mut query: sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>,
        connection: &mut PgConnection,
    ) -> Result<i64, WriteFault> {
        let changes = self.changes as i64;
        for parameter in self.parameters {
            query = query.bind(parameter);
        }
        if changes > 0 {
            query = query.bind(changes);
        }
        // All rows, not the first: only then has the server said that it committed.
        let rows = query.fetch_all(connection).await?;
        let held = rows.first().ok_or_else(|| WriteFault::Unknown("the server answered no row".to_owned()))?;
        Ok(held.try_get(0)?)
    }
}

/// New people with their names, and the names of those that were there: one statement cannot touch a row
/// that it inserts.
fn named(writes: &Writes) -> (Vec<PersonRow>, Vec<NameRow>) {
    let mut people = writes.people.clone();
    let places: HashMap<PersonId, usize> = people.iter().enumerate().map(|(at, person)| (person.id, at)).collect();
    let mut names = Vec::new();
    for row in &writes.names {
        match places.get(&row.id) {
            Some(&at) => people[at].name = Some(row.name.clone()),
            None => names.push(row.clone()),
        }
    }
    (people, names)
}

#[derive(Serialize)]
struct HexedText<'a> {
    hash: Hash,
    tenant: &'a str,
    person: PersonId,
    salt: Salt,
    text: String,
}

fn hexed_texts(writes: &Writes) -> Vec<HexedText<'_>> {
    let hexed = |text: &str| to_hex(text.as_bytes());
    let rows = writes.texts.iter();
    rows.map(|row| HexedText {
        hash: row.hash,
        tenant: &row.tenant,
        person: row.person,
        salt: row.salt,
        text: hexed(&row.text),
    })
    .collect()
}

const TENANTS: &str = "INSERT INTO tenants (id, shard)
    SELECT r.id, r.shard FROM fence, json_to_recordset($ROWS) AS r (id text, shard bigint)";

const TENANT_HEADS: &str = "INSERT INTO tenant_heads (tenant, seq, hash, last_at)
    SELECT r.tenant, r.seq, decode(r.hash, 'hex'), r.last_at
    FROM fence, json_to_recordset($ROWS) AS r (tenant text, seq bigint, hash text, last_at bigint)
    ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, last_at = excluded.last_at";

const PEOPLE: &str = "INSERT INTO people (id, tenant, kind, host_id, name, salt)
    SELECT decode(r.id, 'hex'), r.tenant, r.kind, r.host_id, r.name, decode(r.salt, 'hex')
    FROM fence, json_to_recordset($ROWS)
         AS r (id text, tenant text, kind text, host_id text, name text, salt text)";

const NAMES: &str = "UPDATE people SET name = r.name
    FROM fence, json_to_recordset($ROWS) AS r (id text, name text)
    WHERE people.id = decode(r.id, 'hex') AND people.name IS DISTINCT FROM r.name";

const TEXTS: &str = "INSERT INTO texts (hash, tenant, person, salt, text)
    SELECT decode(r.hash, 'hex'), r.tenant, decode(r.person, 'hex'), decode(r.salt, 'hex'), decode(r.text, 'hex')
    FROM fence, json_to_recordset($ROWS) AS r (hash text, tenant text, person text, salt text, text text)";

const JOURNAL: &str = "INSERT INTO journal (tenant, seq, shard, shard_seq, person, agent_seq, at, due_at, kind,
        actor_kind, actor_person, cause, policy_version, op, op_by_kind, op_by, op_fingerprint, op_at, op_outcome,
        form, body, body_hash, hash)
    SELECT r.tenant, r.seq, r.shard, r.shard_seq, decode(r.person, 'hex'), r.agent_seq, r.at, r.due_at, r.kind,
           r.actor_kind, decode(r.actor_person, 'hex'), r.cause, r.policy_version, decode(r.op, 'hex'), r.op_by_kind,
           decode(r.op_by, 'hex'), r.op_fingerprint, r.op_at, r.op_outcome, r.form, r.body,
           decode(r.body_hash, 'hex'), decode(r.hash, 'hex')
    FROM fence, json_to_recordset($ROWS)
         AS r (tenant text, seq bigint, shard bigint, shard_seq bigint, person text, agent_seq bigint, at bigint,
               due_at bigint, kind text, actor_kind text, actor_person text, cause text, policy_version bigint,
               op text, op_by_kind text, op_by text, op_fingerprint bigint, op_at bigint, op_outcome text,
               form bigint, body text, body_hash text, hash text)";

const DIRECTORIES: &str = "INSERT INTO directories (tenant, version, seq, form, whole, body)
    SELECT r.tenant, r.version, r.seq, r.form, r.whole, r.body
    FROM fence, json_to_recordset($ROWS)
         AS r (tenant text, version bigint, seq bigint, form bigint, whole boolean, body text)";

const POLICIES: &str = "INSERT INTO policies (tenant, version, seq, form)
    SELECT r.tenant, r.version, r.seq, r.form
    FROM fence, json_to_recordset($ROWS) AS r (tenant text, version bigint, seq bigint, form bigint)";

const PAUSE_TYPES: &str = "INSERT INTO pause_types (tenant, version, code, class, color, body, rules)
    SELECT r.tenant, r.version, t.code, t.class, t.color, t.body, t.rules
    FROM fence, json_to_recordset($ROWS) AS r (tenant text, version bigint, types json),
         json_to_recordset(r.types) AS t (code text, class text, color text, body text, rules text)";

const PLANS: &str = "INSERT INTO policy_plans (tenant, seq, form, body)
    SELECT r.tenant, r.seq, r.form, r.body
    FROM fence, json_to_recordset($ROWS) AS r (tenant text, seq bigint, form bigint, body text)
    ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, form = excluded.form, body = excluded.body";

const CREDENTIALS: &str = "INSERT INTO credentials (tenant, id, kind, seq, form, body)
    SELECT r.tenant, decode(r.id, 'hex'), r.kind, r.seq, r.form, r.body
    FROM fence, json_to_recordset($ROWS)
         AS r (tenant text, id text, kind text, seq bigint, form bigint, body text)
    ON CONFLICT (tenant, id) DO UPDATE SET seq = excluded.seq, form = excluded.form, body = excluded.body";

const DROPPED_CREDENTIALS: &str = "DELETE FROM credentials
    USING fence, json_to_recordset($ROWS) AS r (tenant text, id text)
    WHERE credentials.tenant = r.tenant AND credentials.id = decode(r.id, 'hex')";

const PAUSE_CHANGES: &str = "UPDATE pauses SET
        replaced_by = coalesce(decode(r.replaced_by, 'hex'), pauses.replaced_by), ended_at = r.ended_at,
        ended_by = r.ended_by, ended_seq = r.ended_seq, last_seen_at = r.last_seen_at,
        extended_ms = CASE class WHEN 'protected' THEN NULL ELSE pauses.extended_ms + r.extended_ms END,
        overran_at = CASE class WHEN 'protected' THEN NULL ELSE coalesce(r.overran_at, pauses.overran_at) END,
        short = CASE class WHEN 'protected' THEN NULL ELSE r.short END,
        misclick = CASE class WHEN 'protected' THEN NULL ELSE r.misclick END
    FROM fence, json_to_recordset($ROWS)
         AS r (id text, tenant text, replaced_by text, ended_at bigint, ended_by text, ended_seq bigint,
               last_seen_at bigint, extended_ms bigint, overran_at bigint, short boolean, misclick boolean)
    WHERE pauses.id = decode(r.id, 'hex') AND pauses.tenant = r.tenant AND pauses.ended_at IS NULL
    RETURNING 1";

/// In place of `FROM fence` in [`PAUSES`]: the count is known only when every change is made.
const PAUSES_AFTER: &str = "FROM fence, (SELECT count(*) FROM changed) AS ended";

const PAUSES: &str = "INSERT INTO pauses (id, tenant, person, pause_type, class, team, inside, replaces,
        replaced_by, zone, utc_offset_s, local_day, business_day, shift_started_at, shift_estimated, policy_version,
        started_at, started_seq, ended_at, ended_by, ended_seq, last_seen_at, note, paid, counts_as_work, min_ms,
        on_early_end, refund_under_ms, limit_ms, grace_ms, on_limit, extended_ms, overran_at, short, misclick)
    SELECT decode(r.id, 'hex'), r.tenant, decode(r.person, 'hex'), r.pause_type, r.class, r.team,
           decode(r.inside, 'hex'), decode(r.replaces, 'hex'), decode(r.replaced_by, 'hex'), r.zone, r.utc_offset_s,
           r.local_day, r.business_day, r.shift_started_at, r.shift_estimated, r.policy_version, r.started_at,
           r.started_seq, r.ended_at, r.ended_by, r.ended_seq, r.last_seen_at, decode(r.note, 'hex'), r.paid,
           r.counts_as_work, r.min_ms, r.on_early_end, r.refund_under_ms, r.limit_ms, r.grace_ms, r.on_limit,
           r.extended_ms, r.overran_at, r.short, r.misclick
    FROM fence, json_to_recordset($ROWS)
         AS r (id text, tenant text, person text, pause_type text, class text, team text, inside text, replaces text,
               replaced_by text, zone text, utc_offset_s bigint, local_day text, business_day text,
               shift_started_at bigint, shift_estimated boolean, policy_version bigint, started_at bigint,
               started_seq bigint, ended_at bigint, ended_by text, ended_seq bigint, last_seen_at bigint, note text,
               paid boolean, counts_as_work boolean, min_ms bigint, on_early_end text, refund_under_ms bigint,
               limit_ms bigint, grace_ms bigint, on_limit text, extended_ms bigint, overran_at bigint,
               short boolean, misclick boolean)";

const AMENDMENTS: &str =
    "INSERT INTO pause_amendments (tenant, seq, pause, at, actor_kind, actor_person, text, ended_at,
        short, misclick, overran_at)
    SELECT r.tenant, r.seq, decode(r.pause, 'hex'), r.at, r.actor_kind, decode(r.actor_person, 'hex'),
           decode(r.text, 'hex'), r.ended_at, r.short, r.misclick, r.overran_at
    FROM fence, json_to_recordset($ROWS)
         AS r (tenant text, seq bigint, pause text, at bigint, actor_kind text, actor_person text, text text,
               ended_at bigint, short boolean, misclick boolean, overran_at bigint)";

const STATES: &str = "INSERT INTO states (tenant, person, last_seq, form, body)
    SELECT r.tenant, decode(r.person, 'hex'), r.last_seq, r.form, r.body
    FROM fence, json_to_recordset($ROWS) AS r (tenant text, person text, last_seq bigint, form bigint, body text)
    ON CONFLICT (tenant, person) DO UPDATE SET
        last_seq = excluded.last_seq, form = excluded.form, body = excluded.body";
