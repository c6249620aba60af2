//! The bare group commit: what a durable command would cost if there were nothing but its durability.
//!
//! Clients hand records to one writer, which writes all that have gathered after each other into a file, syncs it
//! once (`fdatasync`), and answers all of them. No network, no protocol, no rules, no database: nothing that
//! acknowledges after a sync on this disk is faster with as many clients.
//!
//! The file has its whole size before the first record, as the log of a database does that is used over and over:
//! a sync of a file that grows has the file system's own journal to wait for as well, which takes several times as
//! long, and would be no floor.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::load::drive::{Load, Measured, Plan};
use crate::load::failure::{Failure, Outcome, While};
use crate::load::interrupt::Interrupt;
use crate::load::latency::Latency;
use crate::load::machine::{Pinning, own_cpu_time};
use crate::load::pace::Pace;
use crate::load::reserved::{RECORD_BYTE, Reserved};

/// How many syncs tell how long one takes.
const SYNCS: usize = 200;
/// How long those may take together, on a slow disk.
const SYNCS_TIME_MAX: Duration = Duration::from_secs(2);
/// How many answered batches may wait for the clients: they take them at once.
const BATCHES_MAX: usize = 16;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The floor of one disk.
#[derive(Debug, Clone)]
pub(super) struct Floor {
    pub(super) path: PathBuf,
    pub(super) record_bytes: usize,
    pub(super) pinning: Pinning,
    pub(super) interrupt: Interrupt,
}

/// What waits to be written: when each was to go out, and whether its time is told.
type Ticket = (Instant, bool);

#[derive(Debug, Default)]
struct Intake {
    waiting: Vec<Ticket>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Desk {
    intake: Mutex<Intake>,
    come: Condvar,
}

impl Floor {
    /// How long a record of one client takes to be written and synced, over and over.
    pub(super) fn syncs(&self) -> Outcome<Latency> {
        let mut file = Reserved::open(&self.path)?;
        let record = vec![RECORD_BYTE; self.record_bytes];
        let mut latency = Latency::new();
        let began = Instant::now();
        for _ in 0..SYNCS {
            self.interrupt.check()?;
            let before = Instant::now();
            file.append(&record)?;
            latency.record(before.elapsed());
            if began.elapsed() > SYNCS_TIME_MAX {
                break;
            }
        }
        Ok(latency)
    }

    /// Puts the writer under load for the time of the plan.
    pub(super) fn round(&self, load: Load, plan: Plan) -> Outcome<Measured> {
        let file = Reserved::open(&self.path)?;
        let desk = Desk::default();
        let (answer, answered) = sync_channel(BATCHES_MAX);
        std::thread::scope(|scope| {
            let writer = self.pinning.on_servers_core(|| {
                let write = || self.write(file, &desk, &answer);
                let started = std::thread::Builder::new().name("floor".to_owned()).spawn_scoped(scope, write);
                started.while_doing("cannot start a thread")
            })?;
            let measured = self.clients(&desk, &answered, load, plan);
            desk.close();
            drop(answered);
            let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // Why the writer ended says more than that its answers stopped.
            written.and(measured)
        })
    }

    fn write(&self, mut file: Reserved, desk: &Desk, answer: &SyncSender<Vec<Ticket>>) -> Outcome<()> {
        let mut bytes = Vec::new();
        while let Some(batch) = desk.take() {
            bytes.resize(batch.len() * self.record_bytes, RECORD_BYTE);
            file.append(&bytes)?;
            if answer.send(batch).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn clients(&self, desk: &Desk, answered: &Receiver<Vec<Ticket>>, load: Load, plan: Plan) -> Outcome<Measured> {
        let began = Instant::now();
        let (from, until) = (began + plan.warm_up, began + plan.warm_up + plan.time);
        let mut tally = Tally { latency: Latency::new(), completed: 0, under_way: 0 };
        let mut pace = match load {
            Load::Closed { connections } => {
                tally.under_way = connections;
                desk.hand_in(std::iter::repeat_n((began, false), connections));
                None
            }
            Load::Open { per_second, .. } => Some(Pace::new(began, per_second)),
        };
        let mut own_before = None;
        loop {
            self.interrupt.check()?;
            let now = Instant::now();
            if now >= from && own_before.is_none() {
                own_before = Some((own_cpu_time(), now));
            }
            let mut wake = if own_before.is_none() { from } else { until };
            if let Some(pace) = &mut pace {
                let due = std::iter::from_fn(|| pace.due(now.min(until)));
                let due: Vec<Ticket> = due.map(|at| (at, at >= from && at < until)).collect();
                tally.under_way += due.len();
                desk.hand_in(due);
                wake = wake.min(pace.next_at());
            }
            if now >= until {
                break;
            }
            let Some(batch) = next(answered, wake)? else { continue };
            let now = Instant::now();
            let of_closed = pace.is_none().then_some(own_before.is_some() && now < until);
            let answered = tally.take(&batch, now, of_closed);
            if pace.is_none() {
                tally.under_way += answered;
                desk.hand_in(std::iter::repeat_n((now, false), answered));
            }
        }
        let (own_before, window_began) = own_before.unwrap_or_else(|| (own_cpu_time(), from));
        let (own_after, took) = (own_cpu_time(), window_began.elapsed());
        let patience = Instant::now() + PATIENCE;
        while tally.under_way > 0 {
            let batch = next(answered, patience)?;
            let batch = batch.ok_or_else(|| Failure::new(format!("a sync took longer than {PATIENCE:?}")))?;
            tally.take(&batch, Instant::now(), pace.is_none().then_some(false));
        }
        Ok(Measured {
            per_second: tally.completed as f64 / took.as_secs_f64(),
            completed: tally.completed,
            latency: tally.latency,
            server_cpu: None,
            generator_cores: (own_after - own_before).as_secs_f64() / took.as_secs_f64(),
        })
    }
}

struct Tally {
    latency: Latency,
    completed: u64,
    under_way: usize,
}

impl Tally {
    /// Takes an answered batch; how many there were. `of_closed` tells of a closed loop whether they count.
    fn take(&mut self, batch: &[Ticket], now: Instant, of_closed: Option<bool>) -> usize {
        for (intended, counts) in batch {
            if of_closed.unwrap_or(*counts) {
                self.completed += 1;
                self.latency.record(now - *intended);
            }
        }
        self.under_way -= batch.len();
        batch.len()
    }
}

impl Desk {
    fn hand_in(&self, tickets: impl IntoIterator<Item = Ticket>) {
        let mut intake = self.intake();
        intake.waiting.extend(tickets);
        drop(intake);
        self.come.notify_one();
    }

    /// All that has gathered; none when nothing more comes.
    fn take(&self) -> Option<Vec<Ticket>> {
        let mut intake = self.intake();
        while intake.waiting.is_empty() && !intake.closed {
            intake = self.come.wait(intake).unwrap_or_else(PoisonError::into_inner);
        }
        (!intake.waiting.is_empty()).then(|| std::mem::take(&mut intake.waiting))
    }

    fn close(&self) {
        self.intake().closed = true;
        self.come.notify_one();
    }

    fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next answered batch, if one comes in time.
fn next(answered: &Receiver<Vec<Ticket>>, until: Instant) -> Outcome<Option<Vec<Ticket>>> {
    match answered.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(batch) => Ok(Some(batch)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(Failure::new("the floor's writer ended")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::folder::Folder;
    use crate::load::reserved::FILE_BYTES;

    fn floor(folder: &Folder) -> Floor {
        let path = folder.path().join("floor");
        Floor { path, record_bytes: 100, pinning: Pinning::Free, interrupt: Interrupt::none() }
    }

    const PLAN: Plan = Plan { warm_up: Duration::from_millis(20), time: Duration::from_millis(100) };

    #[test]
    fn every_record_is_in_the_file_and_every_client_was_answered() {
        let folder = Folder::make(None).expect("a folder");
        let floor = floor(&folder);
        let measured = floor.round(Load::Closed { connections: 5 }, PLAN).expect("measured");
        let file = std::fs::read(&floor.path).expect("the file");
        assert_eq!(file.len() as u64, FILE_BYTES);
        let written = file.iter().filter(|byte| **byte == RECORD_BYTE).count() as u64;
        assert_eq!(written % (5 * 100), 0, "all five are answered each time");
        // Those of the warm-up, or those that were waited for at the end, do not count.
        assert!(written / 100 > measured.completed, "{written} bytes, {measured:?}");
        let times = measured.latency.percentiles().map_or(0, |told| told.count);
        assert_eq!(times, measured.completed);
    }

    #[test]
    fn an_open_loop_does_all_that_was_due() {
        let folder = Folder::make(None).expect("a folder");
        let load = Load::Open { connections: 5, per_second: 1000.0 };
        let measured = floor(&folder).round(load, PLAN).expect("measured");
        assert_eq!(measured.completed, 100, "however late they are answered: {measured:?}");
    }

    #[test]
    fn a_file_that_cannot_be_written_ends_it() {
        let folder = Folder::make(None).expect("a folder");
        let floor = Floor { path: folder.path().join("no/where"), ..floor(&folder) };
        assert!(floor.syncs().expect_err("no such folder").to_string().starts_with("cannot write "));
    }
}
