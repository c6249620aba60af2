//! All that is on record of a tenant, in its order, for whoever folds it anew: a page at a time, each read of its own,
//! so that no reader stands in the way of the writer for long.

use std::sync::Arc;

use super::{PAGE_TIMEOUT, TenantHistory};
use crate::domain::dry_run::DryRun;
use crate::domain::event::TenantEventBody;
use crate::ports::{Entry, EntryBody, ReadError};
use crate::store::decode::{References, damaged_row, decode_row};
use crate::store::reader::{journal_columns, journal_row, people};
use crate::store::reading::{Bind, OneTenant, TenantReaders};
use crate::store::row::JournalRow;
use crate::store::sql::Sql;

/// How many entries a page has: some megabytes, and milliseconds to decode.
const ENTRIES_MAX: u32 = 4_000;

/// A walk through what is on record of a tenant by now. Free texts are not read.
#[derive(Debug)]
pub struct Recorded {
    readers: TenantReaders,
    people: Arc<References>,
    after: i64,
    head: i64,
}

/// A page of entries as they are stored: decoding them takes a processor, not the store.
#[derive(Debug)]
pub struct RecordedPage {
    rows: Vec<JournalRow>,
    people: Arc<References>,
}

impl TenantHistory {
    /// All that is on record, from its first entry to the last one that there is now.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn recorded(&self) -> Result<Recorded, ReadError> {
        const HEAD: Sql = Sql::same("SELECT coalesce(max(seq), 0) FROM tenant_heads WHERE tenant = $1");
        const PEOPLE: Sql = Sql::same("SELECT id, host_id, name FROM people WHERE tenant = $1");
        let read = async |reading: &mut OneTenant<'_>| {
            let head = reading.one(HEAD, &[], "tenant_heads").await?.number(0, "tenant_heads")?;
            Ok((head, people(reading, PEOPLE, &[]).await?))
        };
        let (head, people) = self.readers.within(PAGE_TIMEOUT, read).await?;
        Ok(Recorded { readers: self.readers.clone(), people: Arc::new(people), after: 0, head })
    }
}

impl Recorded {
    /// The next page; none after the last one.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn next(&mut self) -> Result<Option<RecordedPage>, ReadError> {
        const PAGE: Sql = Sql::same(concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal WHERE tenant = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4"
        ));
        if self.after >= self.head {
            return Ok(None);
        }
        let binds = [Bind::Number(self.after), Bind::Number(self.head), Bind::Number(i64::from(ENTRIES_MAX))];
        let read = async |reading: &mut OneTenant<'_>| {
            reading.all(PAGE, &binds).await?.iter().map(journal_row).collect::<Result<Vec<_>, _>>()
        };
        let rows = self.readers.within(PAGE_TIMEOUT, read).await?;
        self.after = rows.last().map_or(self.head, |row| row.seq);
        Ok(Some(RecordedPage { rows, people: Arc::clone(&self.people) }))
    }
}

impl RecordedPage {
    /// The entries, in the tenant's order.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] when one is not what it should be.
    pub fn decode(&self) -> Result<Vec<Entry>, ReadError> {
        let entry = |row: &JournalRow| {
            let stored = decode_row(row, &*self.people).map_err(|error| damaged_row(row, &error))?;
            Ok(stored.entry)
        };
        self.rows.iter().map(entry).collect()
    }
}

/// Hands a tenant's entries to a dry run, in their order; true when what comes after them cannot matter to it.
///
/// # Errors
/// [`ReadError::Damaged`] when one cannot follow the ones before.
pub fn fold_dry_run(run: &mut DryRun, entries: &[Entry]) -> Result<bool, ReadError> {
    let mut last_at = None;
    for entry in entries {
        last_at = Some(match &entry.body {
            EntryBody::Agent { agent, event, .. } => {
                run.on_agent_event(agent, event).map_err(|illegal| ReadError::Damaged {
                    place: format!("journal entry {}/{}", entry.tenant, entry.seq),
                    why: illegal.to_string(),
                })?;
                event.at
            }
            EntryBody::Tenant { event, .. } => {
                match event.body {
                    TenantEventBody::ServerStarted { grace_until, moved } => {
                        run.on_server_started(event.at, grace_until, moved);
                    }
                    TenantEventBody::ClockStepped { .. }
                    | TenantEventBody::PolicyPublished { .. }
                    | TenantEventBody::PolicyPlanned { .. }
                    | TenantEventBody::DirectoryChanged { .. }
                    | TenantEventBody::Closing { .. }
                    | TenantEventBody::Access(_) => run.on_other_event(),
                }
                event.at
            }
        });
    }
    Ok(last_at.is_some_and(|at| run.is_over_at(at)))
}
