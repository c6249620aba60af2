//! Reads the store in pages and hands them to the checks.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::checker::{Checker, Fault, Summary};
use crate::config::StoreAddress;
use crate::ports::ReadError;
use crate::store::amendments::{AmendmentRow, amendment_columns, amendment_row};
use crate::store::pauses::{PauseRowForm, pause_columns, pause_row};
use crate::store::reader::{journal_columns, journal_row, pause_types, state_rows};
use crate::store::reading::{AllTenants, Bind, FoundRow, Readers, Reading};
use crate::store::row::{JournalRow, TenantHeadRow};
use crate::store::sql::{Sql, SqlOfAll};
use crate::store::stored::{DirectoryForm, Hash, PauseTypeForm, PersonId, PersonKind, WideId};

/// How many rows one transaction reads: a longer one would keep SQLite's log from beginning anew, and
/// PostgreSQL from clearing away.
const PAGE_ROWS: i64 = 10_000;
/// How many times what was appended meanwhile is read in pages before the rest is read in one go.
const CATCH_UPS_MAX: usize = 100;
/// How long one transaction may take: the last one reads all states.
const PAGE_TIMEOUT: Duration = Duration::from_secs(600);

/// Verifies the journal in a store. It is opened for reading only; a server may run beside it.
///
/// # Errors
/// The first [`Fault`] that is found.
pub async fn verify(store: impl Into<StoreAddress>) -> Result<Summary, Fault> {
    let readers = Readers::open(&store.into()).await.map_err(|error| Fault::Unreadable(error.to_string()))?;
    let result = verify_all(&readers).await;
    readers.close().await;
    result
}

async fn verify_all(readers: &Readers) -> Result<Summary, Fault> {
    let mut checker = Checker::default();
    read_everything(readers, &mut checker).await?;
    for _ in 0..CATCH_UPS_MAX {
        if catch_up(readers, &mut checker).await? < PAGE_ROWS {
            break;
        }
    }
    people(readers).await?;
    texts(readers).await?;
    let mut reading = readers.begin().await?;
    let summary = tokio::time::timeout(PAGE_TIMEOUT, of_one_instant(&mut reading, &mut checker)).await;
    let summary =
        summary.map_err(|_| Fault::Unreadable(format!("no answer within {} s", PAGE_TIMEOUT.as_secs())))??;
    reading.end().await?;
    Ok(summary)
}

/// The rest of the entries, the heads, states and open pauses of one instant.
async fn of_one_instant(reading: &mut Reading, checker: &mut Checker) -> Result<Summary, Fault> {
    const IN_JOURNAL: SqlOfAll = SqlOfAll::same("SELECT count(*) FROM journal");
    const IN_HISTORY: SqlOfAll = SqlOfAll::same("SELECT count(*) FROM pauses");
    const AMENDED: SqlOfAll = SqlOfAll::same("SELECT count(*) FROM pause_amendments");
    const WITH_STATES: SqlOfAll = SqlOfAll::same("SELECT DISTINCT tenant FROM states ORDER BY tenant");
    let heads = tenant_heads(&mut reading.of_all()).await?;
    for head in &heads {
        rest_of_tenant(reading, checker, &head.tenant, i64::MAX).await?;
    }
    let shards = all_shard_heads(reading).await?;
    checker.heads(&heads, &shards)?;
    let entries = checker.summary(&heads).entries;
    no_more_than(reading, IN_JOURNAL, entries, "the journal").await?;
    definitions(reading, checker).await?;
    for row in reading.of_all().all(WITH_STATES, &[]).await? {
        let tenant = row.text(0, "states")?;
        for state in state_rows(&mut reading.of(&tenant)).await? {
            checker.state(&state)?;
        }
    }
    checker.all_states_seen()?;
    let open = checker.open_pauses();
    pauses(reading, &open).await?;
    no_more_than(reading, IN_HISTORY, checker.pauses(), "the history of pauses").await?;
    no_more_than(reading, AMENDED, checker.amended(), "the amendments of pauses").await?;
    Ok(checker.summary(&heads))
}

async fn read_everything(readers: &Readers, checker: &mut Checker) -> Result<(), Fault> {
    const PAGE: SqlOfAll = SqlOfAll::same(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE (tenant, seq) > ($1, $2) ORDER BY tenant, seq LIMIT $3"
    ));
    let mut after = (String::new(), i64::MIN);
    loop {
        let mut reading = readers.begin().await?;
        let binds = [Bind::Text(&after.0), Bind::Number(after.1), Bind::Number(PAGE_ROWS)];
        let rows = reading.of_all().all(PAGE, &binds).await?;
        if rows.is_empty() {
            return Ok(reading.end().await?);
        }
        page(&mut reading, checker, &rows).await?;
        reading.end().await?;
        if let Some((tenant, seq)) = checker.last_entry() {
            after = (tenant.to_owned(), seq);
        }
    }
}

/// Reads what was appended since. Returns how much that was.
async fn catch_up(readers: &Readers, checker: &mut Checker) -> Result<i64, Fault> {
    let mut reading = readers.begin().await?;
    let heads = tenant_heads(&mut reading.of_all()).await?;
    reading.end().await?;
    let mut total = 0;
    for head in heads {
        loop {
            let mut reading = readers.begin().await?;
            let read = rest_of_tenant(&mut reading, checker, &head.tenant, PAGE_ROWS).await?;
            reading.end().await?;
            total += read;
            if read < PAGE_ROWS {
                break;
            }
        }
    }
    Ok(total)
}

async fn rest_of_tenant(reading: &mut Reading, checker: &mut Checker, tenant: &str, max: i64) -> Result<i64, Fault> {
    const REST: Sql = Sql::same(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3"
    ));
    let binds = [Bind::Number(checker.seq_of(tenant)), Bind::Number(max)];
    let rows = reading.of(tenant).all(REST, &binds).await?;
    page(reading, checker, &rows).await?;
    Ok(rows.len() as i64)
}

async fn page(reading: &mut Reading, checker: &mut Checker, rows: &[FoundRow]) -> Result<(), Fault> {
    let rows: Vec<JournalRow> = rows.iter().map(journal_row).collect::<Result<_, _>>()?;
    known_tenants(reading, checker, &rows).await?;
    for row in &rows {
        checker.entry(row)?;
    }
    let ended = checker.take_ended_pauses();
    pauses(reading, &ended).await?;
    amendments(reading, &checker.take_amendments()).await
}

/// Checks that the entries are of tenants that there are: one that was moved to another name shows here.
async fn known_tenants(reading: &mut Reading, checker: &Checker, rows: &[JournalRow]) -> Result<(), Fault> {
    const TENANTS: SqlOfAll = SqlOfAll::same("SELECT id FROM tenants");
    let mut fresh = rows.iter().filter(|row| checker.seq_of(&row.tenant) == 0).peekable();
    if fresh.peek().is_none() {
        return Ok(());
    }
    let found = reading.of_all().all(TENANTS, &[]).await?;
    let tenants: HashSet<String> = found.iter().map(|row| row.text(0, "tenants")).collect::<Result<_, _>>()?;
    match fresh.find(|row| !tenants.contains(&row.tenant)) {
        Some(row) => {
            let what = "there is no such tenant".to_owned();
            Err(Fault::Entry { tenant: row.tenant.clone(), seq: row.seq, what })
        }
        None => Ok(()),
    }
}

/// Every tenant's stored head.
pub(crate) async fn tenant_heads(reading: &mut AllTenants<'_>) -> Result<Vec<TenantHeadRow>, ReadError> {
    const HEADS: SqlOfAll = SqlOfAll::same("SELECT tenant, seq, hash, last_at FROM tenant_heads ORDER BY tenant");
    let rows = reading.all(HEADS, &[]).await?;
    rows.iter()
        .map(|row| {
            let tenant = row.text(0, "tenant_heads")?;
            let place = format!("head of {tenant}");
            let (seq, last_at) = (row.number(1, &place)?, row.number(3, &place)?);
            Ok(TenantHeadRow { tenant, seq, hash: row.hash(2, &place)?, last_at })
        })
        .collect()
}

/// The shards by their heads, all of them.
async fn all_shard_heads(reading: &mut Reading) -> Result<HashMap<i64, i64>, ReadError> {
    const HEADS: SqlOfAll = SqlOfAll::same("SELECT id, head FROM shards");
    let rows = reading.of_all().all(HEADS, &[]).await?;
    rows.iter().map(|row| Ok((row.number(0, "shards")?, row.number(1, "shards")?))).collect()
}

async fn no_more_than(reading: &mut Reading, count: SqlOfAll, expected: u64, place: &str) -> Result<(), Fault> {
    let found = reading.of_all().one(count, &[], place).await?.number(0, place)?;
    if found.cast_unsigned() == expected {
        return Ok(());
    }
    Err(Fault::other(place, format!("{found} rows, of which {expected} belong there")))
}

/// Checks that people's internal ids are made of what stands beside them.
async fn people(readers: &Readers) -> Result<(), Fault> {
    const PAGE: SqlOfAll =
        SqlOfAll::same("SELECT id, tenant, kind, host_id, salt FROM people WHERE id > $1 ORDER BY id LIMIT $2");
    let mut after: Vec<u8> = Vec::new();
    loop {
        let mut reading = readers.begin().await?;
        let rows = reading.of_all().all(PAGE, &[Bind::Bytes(&after), Bind::Number(PAGE_ROWS)]).await?;
        reading.end().await?;
        for row in &rows {
            let id: PersonId = row.person(0, "people")?;
            after = id.0.to_vec();
            let (tenant, kind, host_id) = (row.text(1, "people")?, row.text(2, "people")?, row.text(3, "people")?);
            let salt = row.salt(4, "people")?;
            let made = PersonKind::from_word(&kind).map(|kind| PersonId::of(salt, &tenant, kind, &host_id));
            if made != Some(id) {
                let place = format!("person {kind} {host_id} of {tenant}");
                return Err(Fault::other(place, "the internal id is not that of this tenant, kind and id"));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

/// Checks that the texts that are there are those that were hashed.
async fn texts(readers: &Readers) -> Result<(), Fault> {
    const PAGE: SqlOfAll =
        SqlOfAll::same("SELECT hash, tenant, salt, text FROM texts WHERE hash > $1 ORDER BY hash LIMIT $2");
    let mut after: Vec<u8> = Vec::new();
    loop {
        let mut reading = readers.begin().await?;
        let rows = reading.of_all().all(PAGE, &[Bind::Bytes(&after), Bind::Number(PAGE_ROWS)]).await?;
        reading.end().await?;
        for row in &rows {
            let hash = row.hash(0, "texts")?;
            after = hash.0.to_vec();
            let (tenant, text) = (row.text(1, "texts")?, row.any_text(3, "texts")?);
            if Hash::of_text(row.salt(2, "texts")?, &text) != hash {
                return Err(Fault::other(format!("text {hash} of {tenant}"), "it is not the text that was hashed"));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

/// Checks that what tenant events put in force is what they say.
async fn definitions(reading: &mut Reading, checker: &Checker) -> Result<(), Fault> {
    const DIRECTORIES: SqlOfAll = SqlOfAll::same("SELECT tenant, seq, whole, body FROM directories");
    const POLICIES: SqlOfAll = SqlOfAll::same("SELECT tenant, seq, version FROM policies");
    let mut found: HashMap<(String, i64), Hash> = HashMap::new();
    for row in reading.of_all().all(DIRECTORIES, &[]).await? {
        let (tenant, seq) = (row.text(0, "directories")?, row.number(1, "directories")?);
        let body = row.text(3, "directories")?;
        if row.truth(2, "directories")? != DirectoryForm::is_whole(&body) {
            let what = "the directory that it put in force is not stored as what it is".to_owned();
            return Err(Fault::Entry { tenant, seq, what });
        }
        found.insert((tenant, seq), Hash::of(body.as_bytes()));
    }
    for row in reading.of_all().all(POLICIES, &[]).await? {
        let (tenant, seq, version) = (row.text(0, "policies")?, row.number(1, "policies")?, row.number(2, "policies")?);
        let types = pause_types(&mut reading.of(&tenant), version).await?;
        let hash = PauseTypeForm::hash_all(version.cast_unsigned(), &types);
        found.insert((tenant, seq), hash);
    }
    for ((tenant, seq), hash) in checker.definitions() {
        if found.remove(&(tenant.clone(), *seq)) != Some(*hash) {
            let what = "the definition that it put in force is missing or was altered".to_owned();
            return Err(Fault::Entry { tenant: tenant.clone(), seq: *seq, what });
        }
    }
    match found.into_keys().min() {
        Some((tenant, seq)) => Err(Fault::Entry { tenant, seq, what: "it put no definition in force".to_owned() }),
        None => Ok(()),
    }
}

/// Checks that the history's rows are what the events lead to.
async fn pauses(reading: &mut Reading, expected: &[PauseRowForm]) -> Result<(), Fault> {
    const THESE: SqlOfAll = SqlOfAll::each(
        concat!(
            "SELECT ",
            pause_columns!(),
            " FROM json_each($1) AS k CROSS JOIN pauses AS p ON p.id = unhex(k.value)"
        ),
        concat!("SELECT ", pause_columns!(), " FROM pauses AS p WHERE p.id = ANY($1)"),
    );
    for chunk in expected.chunks(PAGE_ROWS as usize) {
        let ids = Bind::Ids(chunk.iter().map(|pause| pause.id.0.to_vec()).collect());
        let rows = reading.of_all().all(THESE, &[ids]).await?;
        let mut found: HashMap<WideId, PauseRowForm> = HashMap::with_capacity(rows.len());
        for row in &rows {
            let pause = pause_row(row)?;
            found.insert(pause.id, pause);
        }
        for pause in chunk {
            if found.get(&pause.id) != Some(pause) {
                let seq = pause.ended_seq.unwrap_or(pause.started_seq);
                let what = format!("pause {} in the history is missing, or not what its events lead to", pause.id);
                return Err(Fault::Entry { tenant: pause.tenant.clone(), seq, what });
            }
        }
    }
    Ok(())
}

/// Checks that what was said of pauses is what the events say.
async fn amendments(reading: &mut Reading, expected: &[AmendmentRow]) -> Result<(), Fault> {
    const BETWEEN: Sql = Sql::same(concat!(
        "SELECT ",
        amendment_columns!(),
        " FROM pause_amendments AS a WHERE a.tenant = $1 AND a.seq >= $2 AND a.seq <= $3"
    ));
    // A page's events, tenant by tenant, in their order.
    for of_tenant in expected.chunk_by(|a, b| a.tenant == b.tenant) {
        let (Some(first), Some(last)) = (of_tenant.first(), of_tenant.last()) else { continue };
        let binds = [Bind::Number(first.seq), Bind::Number(last.seq)];
        let rows = reading.of(&first.tenant).all(BETWEEN, &binds).await?;
        let found = rows.iter().map(|row| Ok((row.number(1, "an amendment")?, amendment_row(row)?)));
        let found: HashMap<i64, AmendmentRow> = found.collect::<Result<_, ReadError>>()?;
        for amendment in of_tenant {
            if found.get(&amendment.seq) != Some(amendment) {
                let what = "what it says of a pause is missing in the history, or was altered".to_owned();
                return Err(Fault::Entry { tenant: amendment.tenant.clone(), seq: amendment.seq, what });
            }
        }
    }
    Ok(())
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Fault {
        match error {
            ReadError::Damaged { place, why } => Fault::Other { place, what: why },
            ReadError::Unavailable(why) => Fault::Unreadable(why),
        }
    }
}
