//! The one task that writes: takes whatever waits, from all shards, into one transaction.
//!
//! Cost: one commit (an fsync of the log) for all that came in while the one before it ran; at most
//! [`WAITING_MAX`] batches wait. SQLite runs on a thread of its own, so nothing here blocks the runtime.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::checkpoint::{self, CHECKPOINT_AFTER_BYTES, CHECKPOINT_AFTER_COMMITS};
use super::fault::WriteFault;
use super::heads::Heads;
use super::open::FolderLock;
use super::statement;
use crate::ports::{AppendError, Batch, SHARDS};
use crate::store::at_hand::AtHand;
use crate::store::encode::{Basis, Wanted, encode};
use crate::store::open_error::OpenError;
use crate::store::random::{Salts, SystemSalts};

/// How many batches may wait: one a shard, and as many again for callers that gave up and came back.
pub(super) const WAITING_MAX: usize = 2 * SHARDS as usize;
/// How many entries go into one transaction at most; more would make the first of them wait for the last.
const ENTRIES_MAX: usize = 8192;
/// A batch that waits, and where its answer goes.
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<(), AppendError>>,
}

/// Why nothing can be written any more; set once.
pub(super) type Broken = Arc<std::sync::OnceLock<String>>;

pub(super) struct Writer {
    connection: SqliteConnection,
    at_hand: AtHand,
    heads: Heads,
    salts: SystemSalts,
    broken: Broken,
    checkpoints: mpsc::Sender<()>,
    checkpointer: JoinHandle<()>,
    rest_to_checkpoint: Arc<AtomicBool>,
    commits_since_checkpoint: usize,
    bytes_since_checkpoint: usize,
    /// Held as long as anything here may write.
    _lock: FolderLock,
}

impl Writer {
    pub(super) async fn new(
        dir: &Path,
        connection: SqliteConnection,
        lock: FolderLock,
        broken: Broken,
    ) -> Result<Writer, OpenError> {
        let rest_to_checkpoint = Arc::new(AtomicBool::new(false));
        let (checkpoints, asked) = mpsc::channel(1);
        let checkpointer = checkpoint::start(dir, asked, Arc::clone(&rest_to_checkpoint), Arc::clone(&broken)).await?;
        Ok(Writer {
            connection,
            at_hand: AtHand::default(),
            heads: Heads::default(),
            salts: SystemSalts,
            broken,
            checkpoints,
            checkpointer,
            rest_to_checkpoint,
            commits_since_checkpoint: 0,
            bytes_since_checkpoint: 0,
            _lock: lock,
        })
    }

    /// Writes until `closing` and everything that waits is answered, or nobody is left to ask.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Work>, closing: CancellationToken) {
        loop {
            let first = tokio::select! {
                work = inbox.recv() => work,
                () = closing.cancelled() => {
                    inbox.close();
                    inbox.recv().await
                }
            };
            let Some(first) = first else { break };
            let mut entries = first.batch.entries.len();
            let mut works = vec![first];
            while entries < ENTRIES_MAX
                && let Ok(work) = inbox.try_recv()
            {
                entries += work.batch.entries.len();
                works.push(work);
            }
            self.write(works).await;
            self.checkpoint().await;
        }
        drop(self.checkpoints);
        if self.checkpointer.await.is_err() {
            tracing::error!("the checkpointer panicked");
        }
        // A folder at rest is its database alone: who copies that file has everything.
        if self.broken.get().is_none()
            && let Err(fault) = checkpoint::finish(&mut self.connection).await
        {
            checkpoint::report(&fault, &self.broken);
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!("closing the database failed: {error}");
        }
    }

    async fn write(&mut self, works: Vec<Work>) {
        let batches: Vec<&Batch> = works.iter().map(|work| &work.batch).collect();
        let answers = match self.transact(&batches).await {
            // One of them is refused by the store: each alone, so that it spoils none of the others.
            Err(Outcome::Refused(_)) if batches.len() > 1 => {
                let mut answers = Vec::with_capacity(batches.len());
                for batch in &batches {
                    answers.extend(all(1, self.transact(&[batch]).await));
                }
                answers
            }
            result => all(batches.len(), result),
        };
        for (work, answer) in works.into_iter().zip(answers) {
            // Whoever does not wait any more will read the head.
            let _unheard = work.answer.send(answer);
        }
    }

    /// Writes batches in one transaction, and answers each of them.
    async fn transact(&mut self, batches: &[&Batch]) -> Result<Vec<Result<(), AppendError>>, Outcome> {
        if let Some(why) = self.broken.get() {
            return Err(Outcome::NotWritten(why.clone()));
        }
        let filled = match self.fill(batches).await {
            Ok(filled) => filled,
            Err(fault) => {
                self.roll_back().await;
                return Err(self.not_written(fault));
            }
        };
        if filled.is_empty {
            return Ok(filled.answers);
        }
        if let Err(error) = sqlx::query("COMMIT").execute(&mut self.connection).await {
            return Err(self.unknown(error).await);
        }
        self.heads.keep(&filled.basis);
        self.at_hand.keep(filled.basis);
        self.commits_since_checkpoint += 1;
        self.bytes_since_checkpoint += filled.bytes;
        metrics::counter!("intervalo_journal_commits_total").increment(1);
        metrics::counter!("intervalo_journal_entries_total").increment(filled.entries as u64);
        Ok(filled.answers)
    }

    /// Everything of a transaction but its end.
    async fn fill(&mut self, batches: &[&Batch]) -> Result<Filled, WriteFault> {
        let wanted = Wanted::of(batches.iter().copied());
        let mut basis = self.at_hand.of(&wanted);
        self.heads.put_into(&wanted, &mut basis);
        statement::load_heads(&mut self.connection, &wanted, &mut basis).await?;
        statement::load_people(&mut self.connection, &wanted, &mut basis).await?;
        statement::load_texts(&mut self.connection, &wanted, &mut basis).await?;
        let salts: &mut dyn Salts = &mut self.salts;
        let (writes, answers) = encode(batches.iter().copied(), &mut basis, salts);
        let entries = writes.journal.len();
        let is_empty = entries == 0 && writes.states.is_empty();
        let bytes = if is_empty { 0 } else { statement::transaction(&writes)?.run(&mut self.connection).await? };
        Ok(Filled { is_empty, answers, basis, entries, bytes })
    }

    /// A transaction failed before its commit: nothing of it was written.
    fn not_written(&mut self, fault: WriteFault) -> Outcome {
        match fault {
            WriteFault::Refused(why) => {
                // It may be the fence that refused: the next one looks at the file.
                self.heads.clear();
                tracing::error!("the store refuses a batch: {why}");
                Outcome::Refused(why)
            }
            WriteFault::Passing(why) => Outcome::NotWritten(why),
            WriteFault::Broken(why) => Outcome::NotWritten(self.turn_read_only(&why)),
        }
    }

    /// A commit failed: whether it was written only the next reader of the file will know. On a
    /// handle that has seen an I/O error nothing is tried again, for what a failed fsync dropped
    /// would look written (<https://lwn.net/Articles/752063/>).
    async fn unknown(&mut self, error: sqlx::Error) -> Outcome {
        self.at_hand.clear();
        self.heads.clear();
        match error.into() {
            WriteFault::Broken(why) => Outcome::Unknown(self.turn_read_only(&why)),
            WriteFault::Refused(why) | WriteFault::Passing(why) => {
                self.roll_back().await;
                Outcome::Unknown(why)
            }
        }
    }

    async fn roll_back(&mut self) {
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            // SQLite rolls some failures back itself, and then there is no transaction to end.
            let ended = error.as_database_error().is_some_and(|db| db.message().contains("no transaction is active"));
            if !ended {
                self.turn_read_only(&format!("rolling back failed: {error}"));
            }
        }
    }

    fn turn_read_only(&self, why: &str) -> String {
        let text = format!("the journal is read-only until the server is restarted: {why}");
        if self.broken.set(text.clone()).is_ok() {
            checkpoint::tell_read_only(&text);
        }
        text
    }

    /// Asks for a checkpoint when the log has grown, and finishes what one could not because of
    /// commits beside it: only then can the log begin anew.
    async fn checkpoint(&mut self) {
        if self.broken.get().is_some() {
            return;
        }
        if self.rest_to_checkpoint.swap(false, Ordering::AcqRel)
            && let Err(fault) = checkpoint::run(&mut self.connection).await
        {
            checkpoint::report(&fault, &self.broken);
        }
        if self.commits_since_checkpoint >= CHECKPOINT_AFTER_COMMITS
            || self.bytes_since_checkpoint >= CHECKPOINT_AFTER_BYTES
        {
            self.commits_since_checkpoint = 0;
            self.bytes_since_checkpoint = 0;
            // One that is already asked for will see these commits too.
            let _already_asked = self.checkpoints.try_send(());
        }
    }
}

/// A transaction ready to be committed.
struct Filled {
    answers: Vec<Result<(), AppendError>>,
    basis: Basis,
    /// Nothing was admitted: no transaction was begun.
    is_empty: bool,
    entries: usize,
    bytes: usize,
}

/// Why a whole transaction has no success.
enum Outcome {
    Refused(String),
    NotWritten(String),
    Unknown(String),
}

/// The answers to `n` batches of one transaction.
fn all(n: usize, result: Result<Vec<Result<(), AppendError>>, Outcome>) -> Vec<Result<(), AppendError>> {
    let error = match result {
        Ok(answers) => return answers,
        Err(Outcome::Refused(why)) => AppendError::Unavailable(format!("the store refuses the batch: {why}")),
        Err(Outcome::NotWritten(why)) => AppendError::Unavailable(why),
        Err(Outcome::Unknown(why)) => AppendError::Unknown(why),
    };
    vec![Err(error); n]
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use chrono_tz::America::Sao_Paulo;
    use tempfile::TempDir;

    use super::*;
    use crate::domain::command::Actor;
    use crate::domain::directory::{Directory, Tenant};
    use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
    use crate::domain::id::{DirectoryVersion, TenantId, TenantSeq};
    use crate::domain::time::Timestamp;
    use crate::ports::{Entry, EntryBody, Epoch, ShardHead, ShardId, ShardSeq, TenantDefinition};
    use crate::store::reader;
    use crate::store::reading::Readers;
    use crate::store::sqlite::open;

    /// A writer whose connection was prepared by the test, and what it can be asked through.
    struct Bench {
        dir: TempDir,
        works: mpsc::Sender<Work>,
        broken: Broken,
    }

    impl Bench {
        async fn with(pragma: &'static str) -> Bench {
            let dir = TempDir::new().expect("a folder");
            let lock = FolderLock::take(dir.path()).expect("the lock");
            let mut connection = open::connect_writer(dir.path()).await.expect("a connection");
            open::migrate(&mut connection).await.expect("the schema");
            sqlx::query(pragma).execute(&mut connection).await.expect("the pragma");
            let broken: Broken = Arc::new(OnceLock::new());
            let writer = Writer::new(dir.path(), connection, lock, Arc::clone(&broken)).await.expect("a writer");
            let (works, inbox) = mpsc::channel(WAITING_MAX);
            tokio::spawn(writer.run(inbox, CancellationToken::new()));
            Bench { dir, works, broken }
        }

        async fn append(&self, batch: Batch) -> Result<(), AppendError> {
            let (answer, answered) = oneshot::channel();
            assert!(self.works.send(Work { batch, answer }).await.is_ok(), "the writer runs");
            answered.await.expect("an answer")
        }

        async fn heads(&self) -> Vec<ShardHead> {
            let pool = open::connect_readers(self.dir.path()).await.expect("readers");
            reader::heads(&Readers::Sqlite(pool)).await.expect("heads")
        }
    }

    /// A tenant's directory of about `bytes`.
    fn founding(bytes: usize, after: ShardSeq) -> Batch {
        let tenant = TenantId::new("acme").expect("an id");
        let version = DirectoryVersion(after.0 + 1);
        let directory = Directory {
            version,
            tenant: Tenant::new(tenant.clone(), "x".repeat(bytes), Sao_Paulo),
            teams: Default::default(),
            agents: Default::default(),
            closing: None,
            channels: Default::default(),
        };
        let event = TenantEvent {
            at: Timestamp(1),
            actor: Actor::System,
            cause: Cause::Admin,
            op: None,
            body: TenantEventBody::DirectoryChanged { version, added: 0, changed: 0, removed: 0 },
        };
        let body = EntryBody::Tenant {
            event: Arc::new(event),
            definition: Some(TenantDefinition::Directory(Arc::new(directory))),
        };
        Batch {
            shard: ShardId(3),
            epoch: Epoch(0),
            after,
            entries: vec![Entry { tenant, seq: TenantSeq(after.0 + 1), body }],
            states: Vec::new(),
        }
    }

    #[tokio::test]
    async fn promise_d4_a_full_disk_is_an_error_that_writes_nothing_and_passes() {
        let bench = Bench::with("PRAGMA max_page_count = 150").await;
        assert_eq!(bench.append(founding(10, ShardSeq(0))).await, Ok(()));
        let before = bench.heads().await;
        for _ in 0..2 {
            let answer = bench.append(founding(2_000_000, ShardSeq(1))).await;
            assert!(matches!(answer, Err(AppendError::Unavailable(_))), "{answer:?}");
            assert_eq!(bench.heads().await, before);
        }
        assert_eq!(bench.append(founding(10, ShardSeq(1))).await, Ok(()), "what is small enough still goes");
        assert_eq!(bench.broken.get(), None);
    }

    #[tokio::test]
    async fn what_somebody_changed_in_spite_of_the_lock_is_found_before_anything_is_written() {
        let bench = Bench::with("PRAGMA user_version").await;
        assert_eq!(bench.append(founding(10, ShardSeq(0))).await, Ok(()));
        // Its heads are at hand from now on.
        let mut hand = open::connect_writer(bench.dir.path()).await.expect("a connection");
        sqlx::query("UPDATE shards SET epoch = epoch + 1").execute(&mut hand).await.expect("taken over");
        let before = bench.heads().await;
        let answer = bench.append(founding(10, ShardSeq(1))).await;
        assert!(matches!(&answer, Err(AppendError::Unavailable(why)) if why.contains("UPDATE shards")), "{answer:?}");
        assert_eq!(bench.append(founding(10, ShardSeq(1))).await, Err(AppendError::Fenced));
        assert_eq!(bench.heads().await, before);
    }

    #[tokio::test]
    async fn promise_d4_after_a_fault_of_the_file_nothing_is_tried_again_and_reads_go_on() {
        // `query_only` fails every write with SQLITE_READONLY, one of the codes of a file that is not to be trusted.
        let bench = Bench::with("PRAGMA query_only = true").await;
        let first = bench.append(founding(10, ShardSeq(0))).await;
        let Err(AppendError::Unavailable(why)) = first else { panic!("{first:?}") };
        assert!(why.contains("read-only until the server is restarted"), "{why}");
        assert_eq!(bench.append(founding(10, ShardSeq(0))).await, Err(AppendError::Unavailable(why.clone())));
        assert_eq!(bench.broken.get(), Some(&why));
        assert_eq!(bench.heads().await, []);
    }

    #[tokio::test]
    async fn a_folder_at_rest_is_its_database_alone() {
        let clock = Arc::new(crate::clock::SystemClock::start(crate::domain::time::Timestamp(0)));
        let dir = TempDir::new().expect("a folder");
        let journal = crate::store::SqliteJournal::open(dir.path(), clock).await.expect("a journal");
        // Another process that has it open keeps SQLite from emptying the log by itself.
        let reading = Readers::Sqlite(open::connect_readers(dir.path()).await.expect("readers"));
        let heads = reader::heads(&reading).await.expect("heads");
        let epoch = heads.iter().map(|head| head.epoch).max().unwrap_or(Epoch(1));
        let batch = Batch { epoch, ..founding(10, ShardSeq(0)) };
        crate::ports::Journal::append(&journal, batch).await.expect("an append");
        journal.close().await;
        let log = dir.path().join("intervalo.db-wal").metadata().map_or(0, |log| log.len());
        assert_eq!(log, 0, "the log's bytes");
        reading.close().await;
        let copy = TempDir::new().expect("a folder");
        std::fs::copy(dir.path().join("intervalo.db"), copy.path().join("intervalo.db")).expect("copied");
        let copied = Readers::Sqlite(open::connect_readers(copy.path()).await.expect("readers"));
        assert_eq!(reader::heads(&copied).await.expect("heads")[0].head, ShardSeq(1));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_database_is_for_the_owners_eyes_only_whatever_the_folder() {
        use std::os::unix::fs::PermissionsExt;
        let bench = Bench::with("PRAGMA user_version").await;
        std::fs::set_permissions(bench.dir.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        bench.append(founding(10, ShardSeq(0))).await.expect("an append");
        for file in ["intervalo.db", "intervalo.db-wal", "intervalo.db-shm"] {
            let mode = bench.dir.path().join(file).metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[tokio::test]
    async fn the_log_begins_anew_under_steady_traffic() {
        let bench = Bench::with("PRAGMA user_version").await;
        // Each batch is about 64 KiB of rows and of log; without checkpoints that finish, all would stay in the log.
        let (batches, bytes) = (160, 64 << 10);
        for n in 0..batches {
            bench.append(founding(bytes, ShardSeq(n))).await.expect("an append");
        }
        let log = bench.dir.path().join("intervalo.db-wal").metadata().expect("the log").len();
        assert!(log < batches * (64 << 10) * 3 / 4, "{log} bytes");
    }
}
