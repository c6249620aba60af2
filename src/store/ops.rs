//! Ops that stand in the journal: what was done under one, looked up when it is sent again (semantics §9).

use super::decode::{damaged_row, decode_op, decode_tenant_event};
use super::reader::{READ_TIMEOUT, asked, journal_columns, journal_row, references};
use super::reading::{Bind, Readers};
use super::sql::Sql;
use super::stored::{PersonId, Resolve, WideId};
use crate::domain::command::Actor;
use crate::domain::event::TenantEvent;
use crate::domain::id::{AgentId, Op, TenantId};
use crate::domain::op::OpRecord;
use crate::ports::ReadError;

/// The record of an op of this principal for this agent.
pub(crate) async fn find_op(
    readers: &Readers,
    tenant: &TenantId,
    agent: &AgentId,
    op: Op,
    by: &Actor,
) -> Result<Option<OpRecord>, ReadError> {
    const FIND: Sql = Sql::each(
        concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal INDEXED BY journal_by_op
              WHERE tenant = $1 AND op = $3 AND op_by_kind = $4
                AND person = (SELECT id FROM people WHERE tenant = $1 AND kind = 'agent' AND host_id = $2)
                AND op_by IS (SELECT id FROM people WHERE tenant = $1 AND kind = $4 AND host_id = $5)
              ORDER BY seq DESC LIMIT 1"
        ),
        concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal
              WHERE tenant = $1 AND op = $3 AND op_by_kind = $4
                AND person = (SELECT id FROM people WHERE tenant = $1 AND kind = 'agent' AND host_id = $2)
                AND op_by IS NOT DISTINCT FROM
                    (SELECT id FROM people WHERE tenant = $1 AND kind = $4 AND host_id = $5)
              ORDER BY seq DESC LIMIT 1"
        ),
    );
    readers
        .of(tenant)
        .within(READ_TIMEOUT, async |reading| {
            let op = WideId::of(op.0);
            let binds =
                [Bind::Text(agent.as_str()), Bind::Bytes(&op.0), Bind::Text(by.kind()), Bind::Optional(by.id())];
            let Some(row) = reading.first(FIND, &binds).await? else { return Ok(None) };
            let row = journal_row(&row)?;
            let people: Vec<PersonId> = row.op_by.into_iter().collect();
            let found = references(reading, &people, &[]).await?;
            decode_op(&row, &found).map_err(|error| damaged_row(&row, &error))
        })
        .await
}

/// The last change of the tenant's that this principal made under an op.
pub(crate) async fn find_change(
    readers: &Readers,
    tenant: &TenantId,
    op: Op,
    by: &Actor,
) -> Result<Option<TenantEvent>, ReadError> {
    const FIND: Sql = Sql::each(
        concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal INDEXED BY journal_by_op
              WHERE tenant = $1 AND person IS NULL AND op = $2 AND op_by_kind = $3
                AND op_by IS (SELECT id FROM people WHERE tenant = $1 AND kind = $3 AND host_id = $4)
              ORDER BY seq DESC LIMIT 1"
        ),
        concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal
              WHERE tenant = $1 AND person IS NULL AND op = $2 AND op_by_kind = $3
                AND op_by IS NOT DISTINCT FROM
                    (SELECT id FROM people WHERE tenant = $1 AND kind = $3 AND host_id = $4)
              ORDER BY seq DESC LIMIT 1"
        ),
    );
    readers
        .of(tenant)
        .within(READ_TIMEOUT, async |reading| {
            let op = WideId::of(op.0);
            let binds = [Bind::Bytes(&op.0), Bind::Text(by.kind()), Bind::Optional(by.id())];
            let Some(row) = reading.first(FIND, &binds).await? else { return Ok(None) };
            let row = journal_row(&row)?;
            let decode =
                |resolve: &dyn Resolve| decode_tenant_event(&row, resolve).map_err(|why| damaged_row(&row, &why));
            let (people, texts) = asked(|asked| decode(asked).map(drop))?;
            let found = references(reading, &people, &texts).await?;
            decode(&found).map(Some)
        })
        .await
}
