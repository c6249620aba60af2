//! Writes a merge to a journal: the directory and the policy in one batch, or nothing.

use std::sync::Arc;

use crate::config::Problem;
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{PrincipalId, TenantId, TenantSeq};
use crate::domain::time::Timestamp;
use crate::exchange::{
    Counts, Difference, Encoding, Existing, FileRead, Kind, LeftOut, LeftOuts, Merged, PeopleRead, Separator,
    merge_read, read_file, read_people,
};
use crate::ports::{
    AppendError, Batch, Entry, EntryBody, Journal, ReadError, ShardId, ShardSnapshot, TenantDefinition, TenantSnapshot,
};
use crate::protocol::time::to_text;

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub difference: Difference,
    pub notes: Vec<Problem>,
    /// What a CSV file was read as.
    pub form: Option<(Encoding, Separator)>,
}

/// A file as it was read.
#[derive(Debug)]
pub(super) enum Given {
    /// A company.
    Toml(String),
    /// The people of a tenant; of the only one where none is named.
    Csv { bytes: Vec<u8>, tenant: Option<TenantId> },
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
    /// There is no company that people could be of.
    #[error("there is no tenant in the store yet; import a TOML file first, CSV has people alone")]
    NoTenant,
    /// There is no such company.
    #[error("there is no tenant {:?} in the store", .0.as_str())]
    NoSuchTenant(TenantId),
    /// The company is closed.
    #[error(
        "the tenant {:?} is closed since {}, and nothing is imported into it; open it again first, with \
         `PUT /v1/tenants/{{id}}` by an operator", .0.as_str(), to_text(*.1)
    )]
    Closed(TenantId, Timestamp),
    /// It is not said whose the people are.
    #[error("the store has several tenants; say which one with --tenant: {}", .0.join(", "))]
    SeveralTenants(Vec<String>),
}

/// Imports a file.
///
/// # Errors
/// [`WriteError`]; nothing was written then, except after [`AppendError::Unknown`].
pub(super) async fn import_given(
    journal: &dyn Journal,
    given: &Given,
    left_out: LeftOut,
    intent: Intent,
    now: Timestamp,
    progress: &dyn Fn(String),
) -> Result<Report, WriteError> {
    let (place, tenant, merged, form) = match given {
        Given::Toml(text) => {
            let FileRead { file, problems } = read_file(text);
            let Some(file) = file else { return Err(WriteError::Problems(problems)) };
            progress(format!("comparing {} agents with those who are there", file.agents.len()));
            let place = find_open(journal, &file.tenant.id).await?;
            let existing = place.tenant.as_ref().map(existing_of);
            let merged = merge_read(&file, problems, existing, left_out, now).map_err(WriteError::Problems)?;
            (place, file.tenant.id, merged, None)
        }
        Given::Csv { bytes, tenant } => {
            let tenant = match tenant {
                Some(tenant) => tenant.clone(),
                None => only_tenant(journal).await?,
            };
            let place = find_open(journal, &tenant).await?;
            let Some(there) = &place.tenant else { return Err(WriteError::NoSuchTenant(tenant)) };
            let PeopleRead { file, form, problems } = read_people(bytes, &there.directory);
            progress(format!("comparing {} agents with those who are there", file.agents.len()));
            let left_out = match left_out {
                LeftOut::Stays => LeftOut::Stays.into(),
                LeftOut::Goes => LeftOuts::PEOPLE_GO,
            };
            let existing = Some(existing_of(there));
            let merged = merge_read(&file, problems, existing, left_out, now).map_err(WriteError::Problems)?;
            (place, tenant, merged, form)
        }
    };
    let report = Report { difference: merged.difference.clone(), notes: merged.notes.clone(), form };
    if intent == Intent::Write
        && let Some(batch) = batch(&tenant, &place, merged, now)
    {
        progress("writing".to_owned());
        journal.append(batch).await?;
    }
    Ok(report)
}

/// The tenant of a store that has one.
async fn only_tenant(journal: &dyn Journal) -> Result<TenantId, WriteError> {
    let mut there = Vec::new();
    for head in journal.heads().await? {
        let shard = journal.snapshot(head.shard).await?;
        there.extend(shard.tenants.iter().map(|tenant| tenant.directory.tenant.id.clone()));
    }
    match there.as_slice() {
        [] => Err(WriteError::NoTenant),
        [only] => Ok(only.clone()),
        several => Err(WriteError::SeveralTenants(several.iter().map(ToString::to_string).collect())),
    }
}

/// Writes what a merge led to for a tenant.
///
/// # Errors
/// [`WriteError`], of the journal only.
pub(in crate::cli) async fn write_merged(
    journal: &dyn Journal,
    tenant: &TenantId,
    merged: Merged,
    now: Timestamp,
) -> Result<(), WriteError> {
    let place = find_open(journal, tenant).await?;
    if let Some(batch) = batch(tenant, &place, merged, now) {
        journal.append(batch).await?;
    }
    Ok(())
}

/// Where a tenant is, or would be.
struct Place {
    shard: ShardSnapshot,
    tenant: Option<TenantSnapshot>,
}

fn existing_of(tenant: &TenantSnapshot) -> Existing<'_> {
    Existing { directory: &tenant.directory, policy: &tenant.policy }
}

/// Finds a tenant that may be written to.
async fn find_open(journal: &dyn Journal, tenant: &TenantId) -> Result<Place, WriteError> {
    let place = find(journal, tenant).await?;
    match place.tenant.as_ref().and_then(|there| there.directory.closed_at()) {
        Some(at) => Err(WriteError::Closed(tenant.clone(), at)),
        None => Ok(place),
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

fn batch(tenant: &TenantId, place: &Place, merged: Merged, now: Timestamp) -> Option<Batch> {
    let head = place.tenant.as_ref().map_or(TenantSeq(0), |there| there.head);
    // Event times never decrease, also when the clock was set back while the server was down.
    let at = place.tenant.as_ref().map_or(now, |there| there.last_at.max(now));
    let mut entries: Vec<Entry> = Vec::new();
    let mut push = |body: TenantEventBody, definition: TenantDefinition| {
        let event = TenantEvent { at, actor: importer(), cause: Cause::Admin, op: None, body };
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
        let body = TenantEventBody::PolicyPublished { version: policy.version, reason: None };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryJournal;

    const SAMPLE: &str = include_str!("../../../examples/acme.toml");
    const NOW: Timestamp = Timestamp(1_768_478_400_000);

    async fn import(journal: &MemoryJournal, text: &str, intent: Intent) -> Result<Report, WriteError> {
        import_given(journal, &Given::Toml(text.to_owned()), LeftOut::Stays, intent, NOW, &|_| {}).await
    }

    async fn tenant(journal: &MemoryJournal) -> Option<TenantSnapshot> {
        find(journal, &TenantId::new("acme").unwrap()).await.unwrap().tenant
    }

    #[tokio::test]
    async fn an_import_is_in_force_when_it_has_returned() {
        let journal = MemoryJournal::new(1);
        import(&journal, SAMPLE, Intent::Write).await.unwrap();
        let there = tenant(&journal).await.unwrap();
        assert_eq!((there.head, there.directory.agents.len(), there.policy.types.len()), (TenantSeq(2), 60, 10));
        journal.verify().unwrap();
    }

    #[tokio::test]
    async fn the_same_import_again_writes_nothing() {
        let journal = MemoryJournal::new(2);
        import(&journal, SAMPLE, Intent::Write).await.unwrap();
        let report = import(&journal, SAMPLE, Intent::Write).await.unwrap();
        assert!(report.difference.is_empty());
        assert_eq!(tenant(&journal).await.unwrap().head, TenantSeq(2));
    }

    #[tokio::test]
    async fn a_change_of_the_rules_alone_publishes_a_policy_alone() {
        let journal = MemoryJournal::new(3);
        import(&journal, SAMPLE, Intent::Write).await.unwrap();
        let text = "[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"cafe\"\nlimit = \"12m\"";
        import(&journal, text, Intent::Write).await.unwrap();
        let there = tenant(&journal).await.unwrap();
        assert_eq!((there.head, there.directory.version.0, there.policy.version.0), (TenantSeq(3), 1, 2));
        journal.verify().unwrap();
    }

    #[tokio::test]
    async fn a_dry_run_and_a_refused_file_write_nothing() {
        let journal = MemoryJournal::new(4);
        let report = import(&journal, SAMPLE, Intent::DryRun).await.unwrap();
        assert_eq!(report.difference.counts(&[Kind::Agent]).added, 60);
        assert!(matches!(
            import(&journal, "[tenant]\nid = \"acme\"", Intent::Write).await,
            Err(WriteError::Problems(_))
        ));
        assert!(tenant(&journal).await.is_none());
    }

    async fn import_people(journal: &MemoryJournal, bytes: &[u8], whose: Option<&str>) -> Result<Report, WriteError> {
        let tenant = whose.map(|whose| TenantId::new(whose).unwrap());
        let given = Given::Csv { bytes: bytes.to_vec(), tenant };
        import_given(journal, &given, LeftOut::Goes, Intent::Write, NOW, &|_| {}).await
    }

    #[tokio::test]
    async fn people_are_imported_as_csv_and_nothing_else_goes() {
        let journal = MemoryJournal::new(6);
        let nobody = import_people(&journal, b"id;nome\nana;Ana", None).await;
        assert!(matches!(nobody, Err(WriteError::NoTenant)));
        import(&journal, SAMPLE, Intent::Write).await.unwrap();
        let report = import_people(&journal, b"matr\xEDcula;nome;equipes\nana;S\xE3o Jo\xE3o;SUPORTE T\xE9cnico", None)
            .await
            .unwrap();
        assert_eq!(report.form, Some((Encoding::Windows1252, Separator::Semicolon)));
        assert_eq!(report.difference.counts(&[Kind::Agent]), Counts { added: 0, changed: 1, removed: 59 });
        let there = tenant(&journal).await.unwrap();
        assert_eq!((there.policy.version.0, there.directory.version.0), (1, 2), "the rules stay");
        assert!(!there.directory.channels.is_empty() && there.directory.teams.len() > 1);
        journal.verify().unwrap();
    }

    #[tokio::test]
    async fn a_store_with_several_tenants_wants_to_know_which() {
        let journal = MemoryJournal::new(7);
        import(&journal, SAMPLE, Intent::Write).await.unwrap();
        import(&journal, &SAMPLE.replace("id = \"acme\"", "id = \"other\""), Intent::Write).await.unwrap();
        let people = b"id,name\nnova,Nova";
        let Err(WriteError::SeveralTenants(there)) = import_people(&journal, people, None).await else { panic!() };
        assert_eq!(there, ["acme", "other"]);
        let foreign = import_people(&journal, people, Some("globex")).await;
        assert!(matches!(foreign, Err(WriteError::NoSuchTenant(_))));
        import_people(&journal, people, Some("other")).await.unwrap();
        assert_eq!(tenant(&journal).await.unwrap().head, TenantSeq(2), "acme is as it was");
    }

    #[tokio::test]
    async fn tenants_do_not_see_each_other() {
        let journal = MemoryJournal::new(5);
        import(&journal, SAMPLE, Intent::Write).await.unwrap();
        import(&journal, &SAMPLE.replace("id = \"acme\"", "id = \"other\""), Intent::Write).await.unwrap();
        assert_eq!(tenant(&journal).await.unwrap().head, TenantSeq(2));
    }
}
