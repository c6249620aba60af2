//! The hashing of passwords, which is made to be slow: bounded, off the threads that serve, and giving way to them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::failures::{Budget, Failures};
use crate::domain::id::{PrincipalId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::protocol::error::WireError;

/// How many passwords are hashed at once at most: each takes a processor and 19 MiB for some tens of milliseconds.
const HASHES_AT_ONCE: usize = 2;
/// How many may wait for that; whoever comes then is told to come again.
const HASHES_WAITING_MAX: usize = 256;
/// When to come again then.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How many wrong passwords an account takes, whoever tries them: some mistakes at once, then one in half a minute.
/// That is a million in a year, of the 2¹²⁰ that a made-up password could be.
const WRONG_PASSWORDS: Budget = Budget { burst: 8, one_more_after: Duration::from_secs(30) };

/// The same by address, whatever the names: room for the mistakes of a whole contact centre behind one, and few enough
/// that nobody else waits long for a password to be looked at.
const WRONG_FROM_ADDRESS: Budget = Budget { burst: 100, one_more_after: Duration::from_secs(1) };

/// What is done about passwords, and by whom it was guessed in vain.
pub(super) struct PasswordWork {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Wrong passwords by company and login.
    wrong: Failures<(TenantId, PrincipalId)>,
    /// And by address.
    wrong_from: Failures<IpAddr>,
    /// Held by whoever uses an invitation up.
    pub(super) accepting: tokio::sync::Mutex<()>,
}

impl Default for PasswordWork {
    fn default() -> PasswordWork {
        PasswordWork {
            at_once: Arc::new(Semaphore::new(hashes_at_once())),
            waiting: Arc::new(Semaphore::new(HASHES_WAITING_MAX)),
            wrong: Failures::new("login", WRONG_PASSWORDS),
            wrong_from: Failures::new("login_address", WRONG_FROM_ADDRESS),
            accepting: tokio::sync::Mutex::default(),
        }
    }
}

/// No more than half of the processors: whoever guesses leaves the others to those who work.
fn hashes_at_once() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    (processors / 2).clamp(1, HASHES_AT_ONCE)
}

impl PasswordWork {
    /// Runs something slow.
    ///
    /// # Errors
    /// [`WireError`] when too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WireError> {
        self.run_if(|| Ok(()), work).await
    }

    /// The same, unless something speaks against it by the time that it is its turn. Once begun it is done, whether or not
    /// anybody waits for it any more, and its turn lasts until then.
    ///
    /// # Errors
    /// [`WireError`] when too many wait already, or what `may` says.
    pub(super) async fn run_if<T: Send + 'static>(
        &self,
        may: impl FnOnce() -> Result<(), WireError>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WireError> {
        let busy = || WireError::unavailable(RETRY_AFTER);
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| {
            Limit::Passwords.reached();
            busy()
        })?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| busy())?;
        may()?;
        let (tell, told) = oneshot::channel();
        // A thread of its own, for it keeps the priority that it is given: starting one takes a thousandth of the work.
        let hashing = std::thread::Builder::new().name("passwords".to_owned()).spawn(move || {
            let _held = (waiting, turn);
            give_way();
            // Nobody may wait for it any more.
            let _gone = tell.send(work());
        });
        hashing.map_err(|_| busy())?;
        told.await.map_err(|_| WireError::internal())
    }

    /// Whether there is budget left for one more guess at an account, from an address.
    ///
    /// # Errors
    /// [`WireError`] with the time to wait.
    pub(super) fn may_guess(
        &self,
        who: &(TenantId, PrincipalId),
        from: &IpAddr,
        now: Timestamp,
    ) -> Result<(), WireError> {
        self.wrong_from.check(from, now).map_err(WireError::rate_limited)?;
        self.wrong.check(who, now).map_err(WireError::rate_limited)
    }

    /// Counts a wrong guess.
    ///
    /// # Errors
    /// [`WireError`] with the time to wait, for one beyond the budget.
    pub(super) fn guessed_wrong(
        &self,
        who: &(TenantId, PrincipalId),
        from: &IpAddr,
        now: Timestamp,
    ) -> Result<(), WireError> {
        self.wrong_from.failed(from, now).map_err(WireError::rate_limited)?;
        self.wrong.failed(who, now).map_err(WireError::rate_limited)
    }
}

/// Leaves the processor to whoever else wants it, and at once: to a thread that is nothing but nice, whoever wakes up waits for the
/// end of its slice, some milliseconds (`SCHED_IDLE` in sched(7)).
#[cfg(target_os = "linux")]
fn give_way() {
    use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};

    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let this = thread_priority::thread_native_id();
    // A thread that may not is as good as it was.
    let _as_it_was = thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, idle);
}

/// Elsewhere there is no such policy.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use futures_util::future::join_all;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn guesser() -> ((TenantId, PrincipalId), IpAddr) {
        ((TenantId::new("acme").unwrap(), PrincipalId::new("ana").unwrap()), IpAddr::from([192, 0, 2, 7]))
    }

    #[tokio::test]
    async fn guesses_that_wait_their_turn_are_not_looked_at_beyond_the_budget() {
        let (work, looked_at) = (Arc::new(PasswordWork::default()), Arc::new(AtomicUsize::new(0)));
        let (who, from) = guesser();
        let may = || work.may_guess(&who, &from, NOW);
        let guess = async || {
            may()?;
            let (counting, looked_at, who) = (Arc::clone(&work), Arc::clone(&looked_at), who.clone());
            let look = move || {
                looked_at.fetch_add(1, Ordering::SeqCst);
                counting.guessed_wrong(&who, &from, NOW)
            };
            work.run_if(may, look).await?
        };
        let guesses = join_all((0..HASHES_WAITING_MAX).map(|_| guess())).await;
        let counted = guesses.iter().filter(|guess| guess.is_ok()).count();
        assert_eq!(counted, WRONG_PASSWORDS.burst as usize);
        let looked_at = looked_at.load(Ordering::SeqCst);
        assert!(looked_at < counted + HASHES_AT_ONCE, "{looked_at} for a budget of {counted}");
    }

    #[tokio::test]
    async fn whoever_hangs_up_gives_no_turn_to_the_next_before_the_work_is_done() {
        let work = Arc::new(PasswordWork::default());
        let (go, gate) = mpsc::sync_channel::<()>(1);
        let (begin, begun) = oneshot::channel();
        let looking = work.run(move || {
            begin.send(()).unwrap();
            gate.recv().unwrap();
        });
        tokio::select! {
            done = looking => panic!("not before the gate is open: {done:?}"),
            began = begun => began.unwrap(),
        }
        assert_eq!(work.at_once.available_permits(), hashes_at_once() - 1);
        go.send(()).unwrap();
        let all_turns = work.at_once.acquire_many(hashes_at_once() as u32).await.unwrap();
        assert_eq!(all_turns.num_permits(), hashes_at_once());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_that_hash_give_way_and_no_others() {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};

        let policy = || thread_schedule_policy().unwrap();
        let (before, idle) = (policy(), ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle));
        assert_ne!(before, idle);
        assert_eq!(PasswordWork::default().run(policy).await.unwrap(), idle);
        assert_eq!(policy(), before);
    }
}
