//! The credentials of a tenant, as they are read back.

use std::sync::Arc;

use super::reading::{Bind, FoundRow, Reading, Sql, damaged};
use super::row::CredentialRow;
use super::stored::CredentialForm;
use crate::domain::access::Credential;
use crate::ports::ReadError;

/// The rows of one tenant, or of all. A folder that no server has opened since the table came to be has none.
pub(crate) async fn credential_rows(
    reading: &mut Reading,
    tenant: Option<&str>,
) -> Result<Vec<CredentialRow>, ReadError> {
    const IS_THERE: Sql = Sql::each(
        "SELECT name FROM sqlite_master WHERE name = 'credentials'",
        "SELECT 'credentials' WHERE to_regclass('credentials') IS NOT NULL",
    );
    const ALL: Sql = Sql::same("SELECT tenant, id, kind, seq, form, body FROM credentials ORDER BY tenant, id");
    const OF_TENANT: Sql =
        Sql::same("SELECT tenant, id, kind, seq, form, body FROM credentials WHERE tenant = $1 ORDER BY id");
    if reading.first(IS_THERE, &[]).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = match tenant {
        Some(tenant) => reading.all(OF_TENANT, &[Bind::Text(tenant)]).await?,
        None => reading.all(ALL, &[]).await?,
    };
    rows.iter().map(credential_row).collect()
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
pub(crate) async fn credentials(reading: &mut Reading, tenant: &str) -> Result<Arc<[Credential]>, ReadError> {
    let rows = credential_rows(reading, Some(tenant)).await?;
    let read = |row: &CredentialRow| {
        CredentialForm::read(row)
            .map_err(|error| damaged(&format!("credential {tenant}/{}", row.id), &error.to_string()))
    };
    rows.iter().map(read).collect()
}
