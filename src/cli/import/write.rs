//! Writes a merge to a journal: the directory and the policy in one batch, or nothing.

use std::sync::Arc;

use super::difference::{Counts, Difference, Kind};
use super::file::{ImportFile, read_file};
use super::merge::{Existing, LeftOut, Merged, merge};
use crate::config::Problem;
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{PrincipalId, TenantId, TenantSeq};
use crate::domain::time::Timestamp;
use crate::ports::{
    AppendError, Batch, Entry, EntryBody, Journal, ReadError, ShardId, ShardSnapshot, TenantDefinition, TenantSnapshot,
};

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub difference: Difference,
    pub notes: Vec<Problem>,
}

/// Whether the import is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// It is.
    Write,
    /// Only the difference is asked for.
    DryRun,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The file says what cannot be.
    #[error("{} in the file", .0.len())]
    Problems(Vec<Problem>),
    /// What is there cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal did not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Imports the text of a file.
///
/// # Errors
/// [`WriteError`]; nothing was written then, except after [`AppendError::Unknown`].
pub(crate) async fn import_text(
    journal: &dyn Journal,
    text: &str,
    left_out: LeftOut,
    intent: Intent,
    now: Timestamp,
) -> Result<Report, WriteError> {
    let (file, mut problems) = match read_file(text) {
        Ok(file) => (file, Vec::new()),
        Err((problems, Some(file))) => (file, problems),
        Err((problems, None)) => return Err(WriteError::Problems(problems)),
    };
    let place = find(journal, &file.tenant.id).await?;
    let outcome = merge(place.tenant.as_ref().map(TenantSnapshotExt::existing), &file, left_out, now);
    let merged = match outcome {
        Ok(merged) if problems.is_empty() => merged,
        Ok(_) => return Err(WriteError::Problems(problems)),
        Err(found) => {
            problems.extend(found);
            problems.sort();
            problems.dedup();
            return Err(WriteError::Problems(problems));
        }
    };
    let report = Report { difference: merged.difference.clone(), notes: merged.notes.clone() };
    if intent == Intent::Write
        && let Some(batch) = batch(&file, &place, merged, now)
    {
        journal.append(batch).await?;
    }
    Ok(report)
}

/// Where a tenant is, or would be.
struct Place {
    shard: ShardSnapshot,
    tenant: Option<TenantSnapshot>,
}

trait TenantSnapshotExt {
    fn existing(&self) -> Existing<'_>;
}

impl TenantSnapshotExt for TenantSnapshot {
    fn existing(&self) -> Existing<'_> {
        Existing { directory: &self.directory, policy: &self.policy }
    }
}

/// Finds a tenant: on the shard that a new one would be placed on, else on any other.
async fn find(journal: &dyn Journal, tenant: &TenantId) -> Result<Place, ReadError> {
    let of_new = ShardId::of_new_tenant(tenant);
    let first = journal.snapshot(of_new).await?;
    if let Some(found) = on_shard(&first, tenant) {
        return Ok(Place { shard: first, tenant: Some(found) });
    }
    for head in journal.heads().await?.iter().filter(|head| head.shard != of_new) {
        let shard = journal.snapshot(head.shard).await?;
        if let Some(found) = on_shard(&shard, tenant) {
            return Ok(Place { shard, tenant: Some(found) });
        }
    }
    Ok(Place { shard: first, tenant: None })
}

fn on_shard(shard: &ShardSnapshot, tenant: &TenantId) -> Option<TenantSnapshot> {
    shard.tenants.iter().find(|there| there.directory.tenant.id == *tenant).cloned()
}

fn batch(file: &ImportFile, place: &Place, merged: Merged, now: Timestamp) -> Option<Batch> {
    let tenant = &file.tenant.id;
    let head = place.tenant.as_ref().map_or(TenantSeq(0), |there| there.head);
    // Event times never decrease, also when the clock was set back while the server was down.
    let at = place.tenant.as_ref().map_or(now, |there| there.last_at.max(now));
    let mut entries: Vec<Entry> = Vec::new();
    let mut push = |body: TenantEventBody, definition: TenantDefinition| {
        let event = TenantEvent { at, actor: importer(), cause: Cause::Admin, body };
        let seq = entries.last().map_or(head, |last: &Entry| last.seq).next();
        let body = EntryBody::Tenant { event: Arc::new(event), definition: Some(definition) };
        entries.push(Entry { tenant: tenant.clone(), seq, body });
    };
    // The directory first: the first one creates the tenant.
    if let Some(directory) = merged.directory {
        let kinds = [Kind::Tenant, Kind::Channel, Kind::Team, Kind::Agent];
        let Counts { added, changed, removed } = merged.difference.counts(&kinds);
        let body = TenantEventBody::DirectoryChanged { version: directory.version, added, changed, removed };
        push(body, TenantDefinition::Directory(Arc::new(directory)));
    }
    if let Some(policy) = merged.policy {
        let body = TenantEventBody::PolicyPublished { version: policy.version };
        push(body, TenantDefinition::Policy(Arc::new(policy)));
    }
    let head = place.shard.head;
    (!entries.is_empty()).then(|| Batch {
        shard: head.shard,
        epoch: head.epoch,
        after: head.head,
        entries,
        states: Vec::new(),
    })
}

/// Who an import acts as.
fn importer() -> Actor {
    // The id is printable and short, so the only way to fail is a change of that word.
    PrincipalId::new("import").map_or(Actor::System, Actor::Admin)
}
