//! Moves a company's whole store from a data folder to PostgreSQL, row by row as it is: numbers, chain and states
//! stay what they were, and both ends are verified.

use std::path::Path;

use super::amendments::{amendment_columns, amendment_row};
use super::credentials::credential_rows;
use super::encode::Writes;
use super::open_error::OpenError;
use super::pauses::{pause_columns, pause_row};
use super::postgres::{ShardCopy, Target, TargetError};
use super::reader::{journal_columns, journal_row, pause_types, state_rows};
use super::reading::{Bind, FoundRow, Readers, Reading};
use super::row::{DirectoryRow, PersonRow, PlansRow, PolicyRow, TenantRow, TextRow};
use super::sql::SqlOfAll;
use super::sqlite::DATABASE_FILE;
use super::sqlite::open::FolderLock;
use super::stored::PersonKind;
use super::verify::{Fault, Summary, tenant_heads, verify};
use crate::config::{PostgresAddress, StoreAddress};
use crate::ports::{Clock, ReadError};

/// How many rows travel at once: some megabytes.
const PAGE_ROWS: usize = 2000;

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the two cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The source cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The source is not whole: a copy would carry the fault along.
    #[error("the source does not verify: {0}")]
    Source(Fault),
    /// There is something in the target already.
    #[error("there is a company in {0} already; copy into an empty database")]
    NotEmpty(String),
    /// The target did not take it. Nothing of it stays, except when the answer to the last step was lost.
    #[error("{address} did not take the copy: {why}")]
    Target {
        /// The target, without a password.
        address: String,
        /// What went wrong.
        why: String,
    },
    /// The copy is not what the source is.
    #[error("the copy in {address} is not what was copied; do not use it: {why}")]
    Differs {
        /// The target, without a password.
        address: String,
        /// What is different.
        why: String,
    },
}

/// Copies the store of a data folder, which nobody may be using, into an empty database. Returns what both hold.
///
/// # Errors
/// [`CopyError`]; the source is never changed.
pub async fn copy(from: &Path, to: &PostgresAddress, clock: &dyn Clock) -> Result<Summary, CopyError> {
    if !from.join(DATABASE_FILE).exists() {
        return Err(OpenError::Missing { dir: from.to_owned() }.into());
    }
    let _lock = FolderLock::take(from)?;
    let before = verify(from).await.map_err(CopyError::Source)?;
    let readers = Readers::open(&from.into()).await?;
    let target = Target::open(to, clock).await?.ok_or_else(|| CopyError::NotEmpty(to.to_string()))?;
    let mut copying = Copying { reading: readers.begin().await?, target, address: to };
    copying.everything().await?;
    let Copying { reading, target, .. } = copying;
    target.finish().await.map_err(|error| not_taken(to, error))?;
    reading.end().await?;
    readers.close().await;
    let differs = |why: String| CopyError::Differs { address: to.to_string(), why };
    let after = verify(StoreAddress::Postgres(to.clone())).await.map_err(|fault| differs(fault.to_string()))?;
    if after != before {
        return Err(differs(format!("before: {before}; after: {after}")));
    }
    Ok(after)
}

struct Copying<'a> {
    reading: Reading,
    target: Target,
    address: &'a PostgresAddress,
}

impl Copying<'_> {
    /// All tables, in the order in which constraints allow them.
    async fn everything(&mut self) -> Result<(), CopyError> {
        self.tenants().await?;
        self.people().await?;
        self.texts().await?;
        self.journal().await?;
        self.definitions().await?;
        self.pauses().await?;
        self.amendments().await?;
        self.states().await?;
        self.shards().await
    }

    async fn tenants(&mut self) -> Result<(), CopyError> {
        const TENANTS: SqlOfAll = SqlOfAll::same("SELECT id, shard FROM tenants");
        let rows = self.reading.of_all().all(TENANTS, &[]).await?;
        let tenants = rows
            .iter()
            .map(|row| Ok(TenantRow { id: row.text(0, "tenants")?, shard: row.number(1, "tenants")? }))
            .collect::<Result<Vec<_>, ReadError>>()?;
        let tenant_heads = tenant_heads(&mut self.reading.of_all()).await?;
        self.write(Writes { tenants, tenant_heads, ..Writes::default() }).await
    }

    async fn people(&mut self) -> Result<(), CopyError> {
        const PAGE: SqlOfAll = SqlOfAll::same(
            "SELECT id, tenant, kind, host_id, name, salt FROM people WHERE id > $1 ORDER BY id LIMIT $2",
        );
        let mut after = Vec::new();
        loop {
            let rows = self.reading.of_all().all(PAGE, &[Bind::Bytes(&after), page()]).await?;
            let people = rows.iter().map(person).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = people.last() else { return Ok(()) };
            after = last.id.0.to_vec();
            self.write(Writes { people, ..Writes::default() }).await?;
        }
    }

    async fn texts(&mut self) -> Result<(), CopyError> {
        const PAGE: SqlOfAll =
            SqlOfAll::same("SELECT hash, tenant, person, salt, text FROM texts WHERE hash > $1 ORDER BY hash LIMIT $2");
        let mut after = Vec::new();
        loop {
            let rows = self.reading.of_all().all(PAGE, &[Bind::Bytes(&after), page()]).await?;
            let texts = rows.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = texts.last() else { return Ok(()) };
            after = last.hash.0.to_vec();
            self.write(Writes { texts, ..Writes::default() }).await?;
        }
    }

    async fn journal(&mut self) -> Result<(), CopyError> {
        const PAGE: SqlOfAll = SqlOfAll::same(concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal WHERE (tenant, seq) > ($1, $2) ORDER BY tenant, seq LIMIT $3"
        ));
        let mut after = (String::new(), i64::MIN);
        loop {
            let rows = self.reading.of_all().all(PAGE, &[Bind::Text(&after.0), Bind::Number(after.1), page()]).await?;
            let journal = rows.iter().map(journal_row).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = journal.last() else { return Ok(()) };
            after = (last.tenant.clone(), last.seq);
            self.write(Writes { journal, ..Writes::default() }).await?;
        }
    }

    async fn definitions(&mut self) -> Result<(), CopyError> {
        const DIRECTORIES: SqlOfAll = SqlOfAll::same("SELECT tenant, version, seq, form, whole, body FROM directories");
        const POLICIES: SqlOfAll = SqlOfAll::same("SELECT tenant, version, seq, form FROM policies");
        for row in self.reading.of_all().all(DIRECTORIES, &[]).await? {
            let directory = directory(&row)?;
            self.write(Writes { directories: vec![directory], ..Writes::default() }).await?;
        }
        for row in self.reading.of_all().all(POLICIES, &[]).await? {
            let (tenant, version) = (row.text(0, "policies")?, row.number(1, "policies")?);
            let types = pause_types(&mut self.reading.of(&tenant), version).await?;
            let policy =
                PolicyRow { tenant, version, seq: row.number(2, "policies")?, form: row.number(3, "policies")?, types };
            self.write(Writes { policies: vec![policy], ..Writes::default() }).await?;
        }
        self.plans().await?;
        let credentials = credential_rows(&mut self.reading.of_all()).await?;
        self.write(Writes { credentials, ..Writes::default() }).await
    }

    /// A folder that no server has opened since the table came to be has none.
    async fn plans(&mut self) -> Result<(), CopyError> {
        const PLANS: SqlOfAll = SqlOfAll::same("SELECT tenant, seq, form, body FROM policy_plans");
        if !self.reading.of_all().has_table("policy_plans").await? {
            return Ok(());
        }
        let plan = |row: &FoundRow| {
            let place = "policy_plans";
            let (tenant, seq) = (row.text(0, place)?, row.number(1, place)?);
            Ok(PlansRow { tenant, seq, form: row.number(2, place)?, body: row.text(3, place)? })
        };
        let rows = self.reading.of_all().all(PLANS, &[]).await?;
        let plans = rows.iter().map(plan).collect::<Result<Vec<_>, ReadError>>()?;
        self.write(Writes { plans, ..Writes::default() }).await
    }

    async fn pauses(&mut self) -> Result<(), CopyError> {
        const PAGE: SqlOfAll = SqlOfAll::same(concat!(
            "SELECT ",
            pause_columns!(),
            " FROM pauses AS p WHERE p.id > $1 ORDER BY p.id LIMIT $2"
        ));
        let mut after = Vec::new();
        loop {
            let rows = self.reading.of_all().all(PAGE, &[Bind::Bytes(&after), page()]).await?;
            let pauses = rows.iter().map(pause_row).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = pauses.last() else { return Ok(()) };
            after = last.id.0.to_vec();
            self.write(Writes { pauses, ..Writes::default() }).await?;
        }
    }

    async fn amendments(&mut self) -> Result<(), CopyError> {
        const PAGE: SqlOfAll = SqlOfAll::same(concat!(
            "SELECT ",
            amendment_columns!(),
            " FROM pause_amendments AS a WHERE (a.tenant, a.seq) > ($1, $2) ORDER BY a.tenant, a.seq LIMIT $3"
        ));
        let mut after = (String::new(), i64::MIN);
        loop {
            let rows = self.reading.of_all().all(PAGE, &[Bind::Text(&after.0), Bind::Number(after.1), page()]).await?;
            let amendments = rows.iter().map(amendment_row).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = amendments.last() else { return Ok(()) };
            after = (last.tenant.clone(), last.seq);
            self.write(Writes { amendments, ..Writes::default() }).await?;
        }
    }

    async fn states(&mut self) -> Result<(), CopyError> {
        const TENANTS: SqlOfAll = SqlOfAll::same("SELECT DISTINCT tenant FROM states ORDER BY tenant");
        for row in self.reading.of_all().all(TENANTS, &[]).await? {
            let tenant = row.text(0, "states")?;
            let states = state_rows(&mut self.reading.of(&tenant)).await?;
            for states in states.chunks(PAGE_ROWS) {
                self.write(Writes { states: states.to_vec(), ..Writes::default() }).await?;
            }
        }
        Ok(())
    }

    /// Epochs go along: whoever owned the source is fenced from the copy as well.
    async fn shards(&mut self) -> Result<(), CopyError> {
        const SHARDS: SqlOfAll = SqlOfAll::same("SELECT id, epoch, head FROM shards");
        for row in self.reading.of_all().all(SHARDS, &[]).await? {
            let (id, epoch, head) = (row.number(0, "shards")?, row.number(1, "shards")?, row.number(2, "shards")?);
            let set = self.target.set_shard(ShardCopy { id, epoch, head }).await;
            set.map_err(|error| not_taken(self.address, error))?;
        }
        Ok(())
    }

    async fn write(&mut self, writes: Writes) -> Result<(), CopyError> {
        self.target.write(&writes).await.map_err(|error| not_taken(self.address, error))
    }
}

fn page() -> Bind<'static> {
    Bind::Number(PAGE_ROWS as i64)
}

fn not_taken(address: &PostgresAddress, error: TargetError) -> CopyError {
    CopyError::Target { address: address.to_string(), why: error.to_string() }
}

fn person(row: &FoundRow) -> Result<PersonRow, ReadError> {
    let place = "people";
    let kind = row.text(2, place)?;
    let unknown = || ReadError::Damaged { place: place.to_owned(), why: format!("{kind} is no kind of person") };
    Ok(PersonRow {
        id: row.person(0, place)?,
        tenant: row.text(1, place)?,
        kind: PersonKind::from_word(&kind).ok_or_else(unknown)?,
        host_id: row.text(3, place)?,
        name: row.optional_text(4, place)?,
        salt: row.salt(5, place)?,
    })
}

fn text(row: &FoundRow) -> Result<TextRow, ReadError> {
    let place = "texts";
    Ok(TextRow {
        hash: row.hash(0, place)?,
        tenant: row.text(1, place)?,
        person: row.person(2, place)?,
        salt: row.salt(3, place)?,
        text: row.any_text(4, place)?,
    })
}

fn directory(row: &FoundRow) -> Result<DirectoryRow, ReadError> {
    let place = "directories";
    Ok(DirectoryRow {
        tenant: row.text(0, place)?,
        version: row.number(1, place)?,
        seq: row.number(2, place)?,
        form: row.number(3, place)?,
        whole: row.truth(4, place)?,
        body: row.text(5, place)?,
    })
}
