//! The credentials of a tenant, as they are read back.

use std::sync::Arc;

use super::reading::{AllTenants, FoundRow, OneTenant, damaged};
use super::row::CredentialRow;
use super::sql::{Sql, SqlOfAll};
use super::stored::CredentialForm;
use crate::domain::access::Credential;
use crate::ports::ReadError;

/// The rows of all tenants.
pub(crate) async fn credential_rows(reading: &mut AllTenants<'_>) -> Result<Vec<CredentialRow>, ReadError> {
    const ALL: SqlOfAll =
        SqlOfAll::same("SELECT tenant, id, kind, seq, form, body FROM credentials ORDER BY tenant, id");
    if !reading.has_table("credentials").await? {
        return Ok(Vec::new());
    }
    reading.all(ALL, &[]).await?.iter().map(credential_row).collect()
}

fn credential_row(row: &FoundRow) -> Result<CredentialRow, ReadError> {
    let place = "credentials";
    Ok(CredentialRow {
        tenant: row.text(0, place)?,
        id: row.wide(1, place)?,
        kind: row.text(2, place)?,
        seq: row.number(3, place)?,
        form: row.number(4, place)?,
        body: row.text(5, place)?,
    })
}

/// The credentials of a tenant, by their ids.
pub(crate) async fn credentials(reading: &mut OneTenant<'_>) -> Result<Arc<[Credential]>, ReadError> {
    const OF_TENANT: Sql =
        Sql::same("SELECT tenant, id, kind, seq, form, body FROM credentials WHERE tenant = $1 ORDER BY id");
    if !reading.has_table("credentials").await? {
        return Ok(Arc::default());
    }
    let read = |row: &FoundRow| {
        let row = credential_row(row)?;
        CredentialForm::read(&row)
            .map_err(|error| damaged(&format!("credential {}/{}", row.tenant, row.id), &error.to_string()))
    };
    reading.all(OF_TENANT, &[]).await?.iter().map(read).collect()
}
