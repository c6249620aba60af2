//! The system clock: a wall anchor plus monotonic time. The only place that reads the time.
//!
//! Once anchored it follows the monotonic clock, whatever becomes of the wall clock: a span between two of its instants
//! is the time that passed. [`SystemClock::look`] compares the two now and then, and tells of a wall clock that was stepped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::domain::time::{Timestamp, millis};
use crate::ports::{BoxFuture, Clock, ClockLook, ClockStep};

/// The wall clock may move so far against the server's before it counts as stepped (semantics §2). Measured from the last
/// step, so that many small ones are noticed as well.
pub const STEP_OVER: Duration = Duration::from_secs(2);

/// The monotonic clock of Linux stands still while the machine sleeps. Less than this is the time between two reads.
const ASLEEP_OVER: Duration = Duration::from_millis(500);

/// Longer between two reads means that the process was held up between them: what they show cannot be compared.
const READS_WITHIN: Duration = Duration::from_millis(100);

/// A sleeper for longer than this is woken when the machine has slept meanwhile; a shorter one is over soon enough.
const NAP: Duration = Duration::from_secs(1);

/// What the machine's clocks show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineTime {
    /// The wall clock.
    pub wall: Timestamp,
    /// For how long the machine has been asleep since it started, all together.
    pub asleep: Duration,
}

/// The clocks of a machine; a test has its own.
pub trait Machine: Send + Sync + 'static {
    /// What they show now.
    fn read(&self) -> MachineTime;
}

/// The machine that the process runs on.
#[derive(Debug, Clone, Copy)]
pub struct ThisMachine;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
impl Machine for ThisMachine {
    fn read(&self) -> MachineTime {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(Timestamp(0), |since| Timestamp(millis(since)));
        MachineTime { wall, asleep: asleep() }
    }
}

/// The clock that counts the machine's sleep is ahead of the one that does not by just that.
#[cfg(target_os = "linux")]
fn asleep() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let of = |clock| {
        let read = clock_gettime(clock);
        Duration::new(u64::try_from(read.tv_sec).unwrap_or(0), u32::try_from(read.tv_nsec).unwrap_or(0))
    };
    // In this order: held up between the two reads, the process must not look like a machine that slept.
    let (all, awake) = (of(ClockId::Boottime), of(ClockId::Monotonic));
    all.saturating_sub(awake)
}

/// Where the monotonic clock goes on while the machine sleeps, or nothing else can be known, there is nothing to add.
#[cfg(not(target_os = "linux"))]
fn asleep() -> Duration {
    Duration::ZERO
}

/// Wall time as it was when the clock was made, moved on by the monotonic clock. Under tokio's
/// paused time it moves with that.
#[derive(Clone)]
pub struct SystemClock {
    shared: Arc<Shared>,
}

struct Shared {
    anchor: Timestamp,
    anchored: Instant,
    machine: Arc<dyn Machine>,
    /// How long the machine had been asleep when the clock was made.
    asleep_before: Duration,
    /// For how long it was since, in milliseconds: added to the monotonic time, for it did pass.
    asleep_ms: AtomicU64,
    /// How far the wall clock is ahead of this one, in milliseconds, as of the start or the last step.
    ahead_ms: AtomicI64,
    /// Wakes sleepers when the machine has slept.
    woke: Notify,
}

impl SystemClock {
    /// Anchors a clock at the wall time, or at `not_before` when the wall lags behind what is on
    /// record: event times never decrease.
    pub fn start(not_before: Timestamp) -> SystemClock {
        SystemClock::on(Arc::new(ThisMachine), not_before)
    }

    /// The same on the clocks of some machine.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn on(machine: Arc<dyn Machine>, not_before: Timestamp) -> SystemClock {
        let MachineTime { wall, asleep } = machine.read();
        let anchor = wall.max(not_before);
        let shared = Shared {
            anchor,
            anchored: Instant::now(),
            machine,
            asleep_before: asleep,
            asleep_ms: AtomicU64::new(0),
            ahead_ms: AtomicI64::new(wall.0 - anchor.0),
            woke: Notify::new(),
        };
        SystemClock { shared: Arc::new(shared) }
    }
}

impl Shared {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    fn now(&self) -> Timestamp {
        // Whole milliseconds, rounded down: a deadline is never told to have passed before it has.
        let awake = u64::try_from(self.anchored.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.anchor + Duration::from_millis(awake.saturating_add(self.asleep_ms.load(Ordering::Acquire)))
    }

    /// Takes over what the monotonic clock has missed; answers with it.
    fn add_sleep(&self, asleep: Duration) -> Duration {
        let asleep = asleep.saturating_sub(self.asleep_before);
        let known = Duration::from_millis(self.asleep_ms.load(Ordering::Acquire));
        let missed = asleep.saturating_sub(known);
        if missed < ASLEEP_OVER {
            return Duration::ZERO;
        }
        let ms = u64::try_from(asleep.as_millis()).unwrap_or(0);
        self.asleep_ms.fetch_max(ms, Ordering::AcqRel);
        self.woke.notify_waiters();
        missed
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the time and waits for it")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.shared.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            loop {
                let left = at.since(shared.now());
                if left.is_zero() {
                    return;
                }
                if left <= NAP {
                    tokio::time::sleep(left).await;
                    continue;
                }
                let woke = shared.woke.notified();
                // Between the look at the time and here it may have moved on.
                let left = at.since(shared.now());
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(left) => {}
                    () = woke => {}
                }
            }
        })
    }

    fn wall(&self) -> Timestamp {
        Timestamp(self.shared.now().0 + self.shared.ahead_ms.load(Ordering::Acquire))
    }

    fn look(&self) -> ClockLook {
        let shared = &self.shared;
        let before = shared.now();
        let machine = shared.machine.read();
        if shared.now().since(before) > READS_WITHIN {
            return ClockLook::default();
        }
        let slept = shared.add_sleep(machine.asleep);
        let ahead_ms = machine.wall.0 - (before + slept).0;
        let by_ms = ahead_ms - shared.ahead_ms.load(Ordering::Acquire);
        let is_step = by_ms.unsigned_abs() > STEP_OVER.as_millis() as u64;
        let stepped = is_step.then(|| {
            shared.ahead_ms.store(ahead_ms, Ordering::Release);
            ClockStep { by_ms, ahead_ms }
        });
        ClockLook { slept, stepped }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const BEGIN: Timestamp = Timestamp(1_795_338_000_000);
    const HOUR_MS: i64 = 3_600_000;

    /// A machine whose wall clock goes with tokio's time, unless it is set or the machine sleeps.
    struct Planted {
        begin: Instant,
        wall_ms: Mutex<i64>,
        asleep: Mutex<Duration>,
    }

    #[expect(clippy::disallowed_methods, reason = "a clock")]
    impl Planted {
        fn new() -> Arc<Planted> {
            let (wall_ms, asleep) = (Mutex::new(BEGIN.0), Mutex::new(Duration::ZERO));
            Arc::new(Planted { begin: Instant::now(), wall_ms, asleep })
        }

        fn step(&self, by_ms: i64) {
            *self.wall_ms.lock().unwrap() += by_ms;
        }

        fn sleep(&self, span: Duration) {
            *self.asleep.lock().unwrap() += span;
            self.step(millis(span));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a clock")]
    impl Machine for Planted {
        fn read(&self) -> MachineTime {
            let wall = Timestamp(*self.wall_ms.lock().unwrap()) + self.begin.elapsed();
            MachineTime { wall, asleep: *self.asleep.lock().unwrap() }
        }
    }

    fn stepped(by_ms: i64, ahead_ms: i64) -> ClockLook {
        ClockLook { slept: Duration::ZERO, stepped: Some(ClockStep { by_ms, ahead_ms }) }
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_runs_behind_what_is_on_record() {
        let recorded = Timestamp(i64::MAX / 8);
        assert!(SystemClock::start(recorded).now() >= recorded);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_wakes_at_its_instant_and_not_before() {
        let clock = SystemClock::start(Timestamp(0));
        let at = clock.now() + Duration::from_millis(1500);
        clock.sleep_until(at).await;
        assert_eq!(clock.now(), at);
    }

    #[tokio::test(start_paused = true)]
    async fn promise_t3_a_step_of_the_wall_is_told_once_and_moves_no_instant() {
        for by_ms in [HOUR_MS, -HOUR_MS, 2_001, -2_001] {
            let machine = Planted::new();
            let clock = SystemClock::on(Arc::clone(&machine) as _, Timestamp(0));
            assert_eq!(clock.look(), ClockLook::default(), "nothing has happened yet");
            let began = clock.now();
            machine.step(by_ms);
            assert_eq!(clock.now(), began, "instants go on as before");
            assert_eq!(clock.look(), stepped(by_ms, by_ms));
            assert_eq!(clock.wall(), machine.read().wall);
            assert_eq!(clock.look(), ClockLook::default(), "once");
            clock.sleep_until(began + Duration::from_secs(90)).await;
            assert_eq!(clock.now(), began + Duration::from_secs(90), "a span is the time that passed");
            assert_eq!(clock.look(), ClockLook::default());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn semantics_2_small_steps_are_no_step_until_they_add_up_to_one() {
        let machine = Planted::new();
        let clock = SystemClock::on(Arc::clone(&machine) as _, Timestamp(0));
        for _ in 0..2 {
            machine.step(1_000);
            assert_eq!(clock.look(), ClockLook::default(), "up to two seconds are none");
        }
        machine.step(-1_000);
        machine.step(1_000);
        assert_eq!(clock.look(), ClockLook::default(), "there and back");
        machine.step(1_000);
        assert_eq!(clock.look(), stepped(3_000, 3_000));
        machine.step(-10_000);
        assert_eq!(clock.look(), stepped(-10_000, -7_000), "what it is ahead by adds up");
    }

    #[tokio::test(start_paused = true)]
    async fn semantics_2_a_wall_that_lags_behind_the_record_is_no_step_until_it_is_put_right() {
        let machine = Planted::new();
        let clock = SystemClock::on(Arc::clone(&machine) as _, Timestamp(BEGIN.0 + HOUR_MS));
        assert_eq!((clock.now(), clock.wall()), (Timestamp(BEGIN.0 + HOUR_MS), BEGIN));
        assert_eq!(clock.look(), ClockLook::default());
        machine.step(HOUR_MS);
        assert_eq!(clock.look(), stepped(HOUR_MS, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn promise_t5_the_time_that_a_machine_sleeps_passes_and_is_no_step() {
        let machine = Planted::new();
        let clock = SystemClock::on(Arc::clone(&machine) as _, Timestamp(0));
        let (began, two_hours) = (clock.now(), Duration::from_secs(7_200));
        let sleeper = tokio::spawn(clock.sleep_until(began + two_hours));
        tokio::task::yield_now().await;
        machine.sleep(two_hours);
        assert_eq!(clock.look(), ClockLook { slept: two_hours, stepped: None });
        assert_eq!(clock.now(), began + two_hours);
        sleeper.await.expect("it is woken");
        assert_eq!(clock.now(), began + two_hours, "at once, without two more hours");
        assert_eq!(clock.look(), ClockLook::default(), "once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_sleeps_while_its_wall_clock_is_set_is_told_of_both() {
        let machine = Planted::new();
        let clock = SystemClock::on(Arc::clone(&machine) as _, Timestamp(0));
        machine.sleep(Duration::from_secs(60));
        machine.step(-5_000);
        let step = Some(ClockStep { by_ms: -5_000, ahead_ms: -5_000 });
        assert_eq!(clock.look(), ClockLook { slept: Duration::from_secs(60), stepped: step });
    }

    #[test]
    fn this_machine_can_be_read() {
        let (first, second) = (ThisMachine.read(), ThisMachine.read());
        assert!(second.asleep.abs_diff(first.asleep) < ASLEEP_OVER, "{first:?} {second:?}");
    }
}
