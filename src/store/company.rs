//! A company as it is in force, read beside whoever writes it.

use std::sync::Arc;
use std::time::Duration;

use super::open_error::OpenError;
use super::reader::{directory_rows, policy, references};
use super::reading::{Readers, Reading, damaged};
use super::sql::SqlOfAll;
use super::stored::{DirectoryForm, PersonId};
use crate::config::StoreAddress;
use crate::domain::directory::Directory;
use crate::domain::id::TenantId;
use crate::domain::policy::Policy;
use crate::ports::ReadError;

/// How long it may take to read a company: a hundred thousand people are seconds.
const COMPANY_TIMEOUT: Duration = Duration::from_secs(60);

/// The directory and the policy in force, of one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Company {
    /// The directory.
    pub directory: Directory,
    /// The policy.
    pub policy: Arc<Policy>,
}

/// Why there is no company to read.
#[derive(Debug, thiserror::Error)]
pub enum CompanyError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is in it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is none of this id.
    #[error("there is no tenant {:?} in the store; there {}", wanted.as_str(), listed(there))]
    Missing {
        /// The one that is wanted.
        wanted: TenantId,
        /// Those that there are.
        there: Vec<String>,
    },
}

fn listed(there: &[String]) -> String {
    if there.is_empty() { "is none at all".to_owned() } else { format!("are: {}", there.join(", ")) }
}

/// Reads a company. The store is opened for reading only; a server may run beside it.
///
/// # Errors
/// [`CompanyError`].
pub async fn read_company(store: &StoreAddress, tenant: &TenantId) -> Result<Company, CompanyError> {
    let readers = Readers::open(store).await?;
    let found = readers.within(COMPANY_TIMEOUT, async |reading| read(reading, tenant).await).await;
    readers.close().await;
    found?.map_err(|there| CompanyError::Missing { wanted: tenant.clone(), there })
}

/// The company, or else those that there are.
async fn read(reading: &mut Reading, tenant: &TenantId) -> Result<Result<Company, Vec<String>>, ReadError> {
    const TENANTS: SqlOfAll = SqlOfAll::same("SELECT id FROM tenants ORDER BY id");
    let rows = reading.of_all().all(TENANTS, &[]).await?;
    let there: Vec<String> = rows.iter().map(|row| row.text(0, "tenants")).collect::<Result<_, _>>()?;
    if !there.iter().any(|id| id == tenant.as_str()) {
        return Ok(Err(there));
    }
    let place = format!("tenant {tenant}");
    let reading = &mut reading.of(tenant.as_str());
    let rows = directory_rows(reading).await?;
    let form = DirectoryForm::of_rows(&rows).map_err(|error| damaged(&place, &error.to_string()))?;
    let people: Vec<PersonId> = form.people().collect();
    let found = references(reading, &people, &[]).await?;
    let directory = form.into_domain(&found).map_err(|error| damaged(&place, &error.to_string()))?;
    Ok(Ok(Company { directory, policy: policy(reading).await? }))
}
