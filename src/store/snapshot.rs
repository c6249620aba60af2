//! The snapshot that a start, or a shard that is taken up again, is made of. States are read in chunks, each decoded
//! on a thread of its own while the next is read, and each once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::credentials::credentials;
use super::decode::{References, clock_ahead_ms, damaged_row, decode_state, decode_tenant_event};
use super::packed::{Decoded, Undecided, decode_chunk, next_chunk};
use super::reader::{clock_stepped_row, directory_rows, head_in, plans, policy, references, server_started_row};
use super::reading::{Bind, OneTenant, Readers, damaged};
use super::sql::{Sql, SqlOfAll};
use super::stored::{DirectoryForm, IdState, PersonId};
use crate::domain::id::TenantSeq;
use crate::domain::time::Timestamp;
use crate::ports::{ReadError, ShardId, ShardSnapshot, StateRow, TenantSnapshot};

/// How long a snapshot of a whole shard may take, at start or when a shard is taken over.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(60);
/// How many chunks may wait to be decoded; with more, the next is not read yet.
const CHUNKS_WAITING_MAX: usize = 4;

/// A shard's head, definitions and states, of one instant.
pub(crate) async fn snapshot(readers: &Readers, shard: ShardId) -> Result<ShardSnapshot, ReadError> {
    const TENANTS: SqlOfAll = SqlOfAll::same(
        "SELECT t.id, h.seq, h.last_at FROM tenants AS t JOIN tenant_heads AS h ON h.tenant = t.id
         WHERE t.shard = $1 ORDER BY t.id",
    );
    readers
        .within(SNAPSHOT_TIMEOUT, async |reading| {
            let id = [Bind::Number(i64::from(shard.0))];
            let head = head_in(reading, shard).await?;
            let rows = reading.of_all().all(TENANTS, &id).await?;
            let mut tenants = Vec::with_capacity(rows.len());
            for row in rows {
                let (tenant, seq, last_at) =
                    (row.text(0, "tenants")?, row.number(1, "tenants")?, row.number(2, "tenants")?);
                tenants.push(tenant_snapshot(&mut reading.of(&tenant), seq, last_at).await?);
            }
            Ok(ShardSnapshot { head, tenants })
        })
        .await
}

async fn tenant_snapshot(reading: &mut OneTenant<'_>, seq: i64, last_at: i64) -> Result<TenantSnapshot, ReadError> {
    let place = format!("tenant {}", reading.tenant());
    let rows = directory_rows(reading).await?;
    // The largest text that there is: it is read while the states are.
    let directory = on_a_thread(move || DirectoryForm::of_rows(&rows));
    let policy = policy(reading).await?;
    let plans = plans(reading).await?;
    let credentials = credentials(reading).await?;
    let started = server_started_row(reading).await?;
    let stepped = clock_stepped_row(reading, started.as_ref().map_or(0, |row| row.seq)).await?;
    let (mut found, states) = states(reading).await?;
    let directory = joined(directory).await?.map_err(|error| damaged(&place, &error.to_string()))?;
    // Those of whom nothing ever happened.
    let unseen: Vec<PersonId> = directory.people().filter(|person| !found.people.contains_key(person)).collect();
    found.people.extend(references(reading, &unseen, &[]).await?.people);
    let finished = on_a_thread(move || {
        let states = in_order(states, &directory);
        (directory.into_domain(&found), found, states)
    });
    let (directory, found, states) = joined(finished).await?;
    let directory = directory.map_err(|error| damaged(&place, &error.to_string()))?;
    let clock_ahead_ms = clock_ahead_ms(stepped.as_ref(), &found)?;
    let server_started = started
        .map(|row| {
            let event = decode_tenant_event(&row, &found).map_err(|error| damaged_row(&row, &error))?;
            Ok::<_, ReadError>((TenantSeq(row.seq.cast_unsigned()), Arc::new(event)))
        })
        .transpose()?;
    // As long as a company is large; nobody waits for it.
    drop(on_a_thread(move || drop(found)));
    Ok(TenantSnapshot {
        head: TenantSeq(seq.cast_unsigned()),
        last_at: Timestamp(last_at),
        directory: Arc::new(directory),
        policy,
        plans,
        server_started,
        clock_ahead_ms,
        credentials,
        states,
    })
}

/// All states of a tenant, with the people that they are about.
async fn states(reading: &mut OneTenant<'_>) -> Result<(References, States), ReadError> {
    let others = Arc::new(others(reading).await?);
    let mut gathered = Gathered::default();
    let mut decoding = VecDeque::new();
    let mut next = next_chunk(reading, PersonId::LEAST).await?;
    while let Some(chunk) = next {
        let after = chunk.last;
        let (of, others) = (reading.tenant().to_owned(), Arc::clone(&others));
        decoding.push_back(on_a_thread(move || decode_chunk(&of, &chunk, &others)));
        let first = if decoding.len() > CHUNKS_WAITING_MAX { decoding.pop_front() } else { None };
        // While the database puts the next one together.
        let gathering = async {
            if let Some(first) = first {
                gathered.take(joined(first).await??);
            }
            Ok::<(), ReadError>(())
        };
        let (read, gathering) = tokio::join!(next_chunk(reading, after), gathering);
        gathering?;
        next = read?;
    }
    for chunk in decoding {
        gathered.take(joined(chunk).await??);
    }
    let mut found = Arc::unwrap_or_clone(others);
    found.people.extend(std::mem::take(&mut gathered.found.people));
    let wanted = references(reading, &gathered.people_wanted(), &gathered.texts_wanted()).await?;
    found.people.extend(wanted.people);
    found.texts = wanted.texts;
    for Undecided { row, .. } in gathered.undecided {
        let place = format!("state {}/{}", reading.tenant(), row.person);
        let state = decode_state(&row, &found).map_err(|error| damaged(&place, &error.to_string()))?;
        gathered.states.insert(row.person, state);
    }
    Ok((found, gathered.states))
}

/// The tenant's supervisors, administrators and integrations: few, and behind many a state.
async fn others(reading: &mut OneTenant<'_>) -> Result<References, ReadError> {
    const OTHERS: Sql = Sql::same(
        "SELECT id, host_id, name FROM people WHERE tenant = $1 AND kind IN ('supervisor', 'admin', 'integration')",
    );
    super::reader::people(reading, OTHERS, &[]).await
}

/// States, by whose they are.
type States = HashMap<PersonId, StateRow, IdState>;

/// The states in the order of the directory, which is that of their agents, so that whoever takes them up need not
/// sort them; after them those of whom it knows nothing.
fn in_order(mut states: States, directory: &DirectoryForm) -> Vec<StateRow> {
    let mut ordered = Vec::with_capacity(states.len());
    ordered.extend(directory.people().filter_map(|person| states.remove(&person)));
    ordered.extend(states.into_values());
    ordered
}

/// What has been decoded.
#[derive(Default)]
struct Gathered {
    found: References,
    states: States,
    undecided: Vec<Undecided>,
}

impl Gathered {
    fn take(&mut self, chunk: Decoded) {
        self.found.people.extend(chunk.people);
        self.states.extend(chunk.states);
        self.undecided.extend(chunk.undecided);
    }

    fn people_wanted(&self) -> Vec<PersonId> {
        self.undecided.iter().flat_map(|undecided| &undecided.people).copied().collect()
    }

    fn texts_wanted(&self) -> Vec<super::stored::Hash> {
        self.undecided.iter().flat_map(|undecided| &undecided.texts).copied().collect()
    }
}

fn on_a_thread<T: Send + 'static>(decode: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn_blocking(decode)
}

async fn joined<T>(decoding: JoinHandle<T>) -> Result<T, ReadError> {
    decoding.await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_cancelled) => ReadError::Unavailable("the server is stopping".to_owned()),
    })
}
