//! The versions of the policy that were published, with who did it and why.

use std::sync::Arc;

use super::{PAGE_TIMEOUT, TenantHistory};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEventBody};
use crate::domain::id::PolicyVersion;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::ports::ReadError;
use crate::store::decode::{Asked, damaged_row, decode_tenant_event};
use crate::store::reader::{journal_columns, journal_row, policy_of, references};
use crate::store::reading::{Bind, OneTenant};
use crate::store::sql::Sql;
use crate::store::stored::Resolve;

/// The most versions of a page, and one more: what a version changes is seen beside the one before it.
const VERSIONS_MAX: u32 = 101;

/// A version as it was published.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedPolicy {
    /// The version.
    pub policy: Arc<Policy>,
    /// When it came into force.
    pub at: Timestamp,
    /// Who published it.
    pub actor: Actor,
    /// What brought it about.
    pub cause: Cause,
    /// Why; none where nobody said, or it was erased.
    pub reason: Option<String>,
}

impl TenantHistory {
    /// Up to `limit` versions of the policy, none above `up_to`, the last one first.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn policies(&self, up_to: PolicyVersion, limit: u32) -> Result<Vec<PublishedPolicy>, ReadError> {
        let limit = limit.clamp(1, VERSIONS_MAX);
        self.readers.within(PAGE_TIMEOUT, async |reading| read(reading, up_to, limit).await).await
    }
}

async fn read(
    reading: &mut OneTenant<'_>,
    up_to: PolicyVersion,
    limit: u32,
) -> Result<Vec<PublishedPolicy>, ReadError> {
    const VERSIONS: Sql = Sql::same(
        "SELECT version, seq FROM policies WHERE tenant = $1 AND version <= $2 ORDER BY version DESC LIMIT $3",
    );
    let up_to = i64::try_from(up_to.0).unwrap_or(i64::MAX);
    let binds = [Bind::Number(up_to), Bind::Number(i64::from(limit))];
    let mut published = Vec::new();
    for row in reading.all(VERSIONS, &binds).await? {
        let (version, seq) = (row.number(0, "policies")?, row.number(1, "policies")?);
        published.push(version_of(reading, version, seq).await?);
    }
    Ok(published)
}

async fn version_of(reading: &mut OneTenant<'_>, version: i64, seq: i64) -> Result<PublishedPolicy, ReadError> {
    const ENTRY: Sql =
        Sql::same(concat!("SELECT ", journal_columns!(), " FROM journal WHERE tenant = $1 AND seq = $2"));
    let place = format!("policy version {}/{version}", reading.tenant());
    let row = reading.one(ENTRY, &[Bind::Number(seq)], &place).await?;
    let row = journal_row(&row)?;
    let decode = |resolve: &dyn Resolve| decode_tenant_event(&row, resolve).map_err(|error| damaged_row(&row, &error));
    let asked = Asked::default();
    decode(&asked)?;
    let (people, texts) = asked.into_lists();
    let event = decode(&references(reading, &people, &texts).await?)?;
    let reason = match event.body {
        TenantEventBody::PolicyPublished { reason, .. } => reason,
        TenantEventBody::ServerStarted { .. }
        | TenantEventBody::ClockStepped { .. }
        | TenantEventBody::PolicyPlanned { .. }
        | TenantEventBody::DirectoryChanged { .. }
        | TenantEventBody::Closing { .. }
        | TenantEventBody::Access(_) => None,
    };
    let policy = policy_of(reading, version).await?;
    Ok(PublishedPolicy { policy: Arc::new(policy), at: event.at, actor: event.actor, cause: event.cause, reason })
}
