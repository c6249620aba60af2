//! What the system tells of processes, and the little that is asked of it: descriptors and cores.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::failure::{Failure, Outcome, While};

/// Descriptors that are not connections: files, pipes, the poller, a database and its readers.
const OTHER_DESCRIPTORS: u64 = 200;
/// `f_type` of a file system in memory (`TMPFS_MAGIC`, linux/magic.h).
const TMPFS_MAGIC: u64 = 0x0102_1994;
/// The core of the server, or of the floor in its place, when cores are given out.
pub(super) const SERVER_CORE: usize = 0;
/// How much a process gives way that is to delay nobody: nearly all of a core that somebody else wants.
const WAY_GIVEN: i32 = 15;
/// The core of the load generator then.
pub(super) const GENERATOR_CORE: usize = 1;

/// The memory of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Memory {
    /// Resident, `VmRSS`, in KiB. Pages that were freed may still count.
    pub(super) resident_kib: u64,
    /// `Pss` of `smaps_rollup`, in KiB: resident, shared pages counted by their share.
    pub(super) proportional_kib: u64,
    /// `Anonymous` of `smaps_rollup`, in KiB: what is in no file.
    pub(super) anonymous_kib: u64,
}

/// The time that all threads of a process were on a core since it began; as precise as the clock tick, 10 ms.
///
/// # Errors
/// [`Failure`] when the process is gone or belongs to another user.
pub(super) fn cpu_time(pid: u32) -> Outcome<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).while_doing(format!("cannot read {path}"))?;
    ticks_in(&text)
        .map(|ticks| Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
        .ok_or_else(|| Failure::new(format!("{path} does not look as expected")))
}

/// `utime` and `stime` (proc(5), fields 14 and 15) together. The command's name before them may hold anything.
fn ticks_in(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// The time that all threads of this process were on a core.
pub(super) fn own_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The memory of a process now.
///
/// # Errors
/// [`Failure`] when the process is gone or belongs to another user.
pub(super) fn memory(pid: u32) -> Outcome<Memory> {
    let read = |path: String| fs::read_to_string(&path).while_doing(format!("cannot read {path}"));
    let (status, rollup) = (read(format!("/proc/{pid}/status"))?, read(format!("/proc/{pid}/smaps_rollup"))?);
    let figure = |text: &str, name: &str| {
        kib_in(text, name).ok_or_else(|| Failure::new(format!("the system does not tell {name} of process {pid}")))
    };
    Ok(Memory {
        resident_kib: figure(&status, "VmRSS")?,
        proportional_kib: figure(&rollup, "Pss")?,
        anonymous_kib: figure(&rollup, "Anonymous")?,
    })
}

/// The most memory that a process has had since it began or [`forget_peak`], resident (`VmHWM`), in KiB.
///
/// # Errors
/// [`Failure`] when the process is gone.
pub(super) fn peak_kib(pid: u32) -> Outcome<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).while_doing(format!("cannot read {path}"))?;
    kib_in(&text, "VmHWM").ok_or_else(|| Failure::new(format!("the system does not tell VmHWM of process {pid}")))
}

/// Has the system forget the most memory that a process has had (proc(5), `clear_refs`).
///
/// # Errors
/// [`Failure`] when the process is gone or belongs to another user.
pub(super) fn forget_peak(pid: u32) -> Outcome<()> {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, "5").while_doing(format!("cannot write {path}"))
}

/// How many descriptors a process has open.
///
/// # Errors
/// [`Failure`] when the process is gone or belongs to another user.
pub(super) fn descriptors(pid: u32) -> Outcome<usize> {
    let path = format!("/proc/{pid}/fd");
    Ok(fs::read_dir(&path).while_doing(format!("cannot read {path}"))?.count())
}

/// Lets others go first on the cores that this process shares with them.
///
/// # Errors
/// [`Failure`] when the system refuses.
pub(super) fn give_way() -> Outcome<()> {
    rustix::process::nice(WAY_GIVEN).map(drop).while_doing("cannot give way to others")
}

/// The figure of a line `Name:   123 kB`.
fn kib_in(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Makes room for so many connections in this process and in those that it starts from now on: the soft limit
/// goes up to the hard one.
///
/// # Errors
/// [`Failure`] when the hard limit is too low.
pub(super) fn make_room_for(connections: u64) -> Outcome<()> {
    let needed = connections + OTHER_DESCRIPTORS;
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|hard| hard < needed) {
        let hard = limit.maximum.unwrap_or(u64::MAX);
        return Err(Failure::new(format!(
            "{connections} connections need {needed} descriptors in one process, the hard limit is {hard}; raise it \
             (`ulimit -Hn`), or ask for at most {}",
            hard.saturating_sub(OTHER_DESCRIPTORS)
        )));
    }
    if limit.current.is_some_and(|soft| limit.maximum.is_none_or(|hard| soft < hard)) {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).while_doing("cannot raise the limit of descriptors")?;
    }
    Ok(())
}

/// True when so many connections fit into one process.
pub(super) fn fits(connections: u64) -> bool {
    getrlimit(Resource::Nofile).maximum.is_none_or(|hard| connections + OTHER_DESCRIPTORS <= hard)
}

/// How many cores this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Gives the server one core and the load generator another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pinning {
    /// The system decides.
    Free,
    /// The server on core 0, the generator on core 1.
    Apart,
}

impl Pinning {
    /// Puts this thread, and those that it starts, on the generator's core.
    ///
    /// # Errors
    /// [`Failure`] when there are not two cores to give out.
    pub(super) fn take_generators_core(self) -> Outcome<()> {
        self.take(GENERATOR_CORE)
    }

    /// Does something, such as starting a process or a thread, whose children are to be on the server's core.
    ///
    /// # Errors
    /// [`Failure`] when there are not two cores to give out; what `start` says.
    pub(super) fn on_servers_core<T>(self, start: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.take(SERVER_CORE)?;
        let started = start();
        self.take(GENERATOR_CORE)?;
        started
    }

    fn take(self, core: usize) -> Outcome<()> {
        if self == Pinning::Free {
            return Ok(());
        }
        let mut set = CpuSet::new();
        set.set(core);
        sched_setaffinity(None, &set).while_doing(format!("cannot use core {core} alone, leave out --pin"))
    }
}

/// True when a folder is in memory: a sync costs nothing there, and no figure of it means anything.
pub(super) fn is_in_memory(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|stat| u64::try_from(stat.f_type).is_ok_and(|kind| kind == TMPFS_MAGIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_found_behind_any_name() {
        let stat = "41 (a b) S (x) ) S 1 41 41 0 -1 4194560 900 0 3 0 17 25 8 9 20 0 4 0 5126 1 2 3";
        assert_eq!(ticks_in(stat), Some(42));
        assert_eq!(ticks_in("41 (a"), None);
    }

    #[test]
    fn figures_are_found_by_their_whole_name() {
        let text = "VmRSSx:\t 1 kB\nVmRSS:\t  5120 kB\nPss_Anon: 3 kB\nPss:      7 kB\n";
        assert_eq!(
            (kib_in(text, "VmRSS"), kib_in(text, "Pss"), kib_in(text, "Anonymous")),
            (Some(5120), Some(7), None)
        );
    }

    #[test]
    fn this_process_has_memory_and_uses_its_cores() {
        let pid = std::process::id();
        let memory = memory(pid).expect("it is ours");
        assert!(memory.resident_kib > 0 && memory.anonymous_kib > 0, "{memory:?}");
        let before = own_cpu_time();
        let (mut work, mut turns) = (0u64, 0u64);
        while own_cpu_time() < before + Duration::from_millis(40) {
            turns += 1;
            work = std::hint::black_box(work.wrapping_mul(31).wrapping_add(turns));
        }
        assert!(cpu_time(pid).expect("it is ours") >= Duration::from_millis(30), "two ways tell the same");
    }

    #[test]
    fn the_most_memory_is_told_and_forgotten() {
        let pid = std::process::id();
        let mut much = vec![1u8; 64 << 20];
        std::hint::black_box(&mut much);
        let peak = peak_kib(pid).expect("it is ours");
        assert!(peak >= 64 << 10, "{peak}");
        drop(much);
        forget_peak(pid).expect("it is ours");
        assert!(peak_kib(pid).expect("it is ours") < peak, "{peak} is forgotten");
        assert!(descriptors(pid).expect("it is ours") >= 3);
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        let refused = make_room_for(u64::from(u32::MAX)).err().map(|failure| failure.to_string());
        let Some(told) = refused else {
            assert!(getrlimit(Resource::Nofile).maximum.is_none_or(|hard| hard > u64::from(u32::MAX)));
            return;
        };
        assert!(told.contains("ask for at most"), "{told}");
        make_room_for(10).expect("room for a few");
    }
}
