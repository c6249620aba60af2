//! The public keys of an issuer, kept at hand: read at the start, again every ten minutes, and when a token names a key that
//! is not among them.
//!
//! One task an issuer does all the reading ([`ProviderKeys::keep`]), so that there is never more than one read at a time,
//! nor one sooner than [`READ_GAP`] after the one before, whatever tokens come. Those who check tokens look, and wait
//! for that task where it may help. It knows nothing of claims.

mod set;
mod source;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use tokio::sync::{Notify, watch};

use crate::config::{KeysAt, SignatureAlgorithm};
use crate::domain::time::Timestamp;
use crate::ports::Clock;

use set::{Choice, KeySet};
use source::Source;

/// From one read to the next while all is well: so long, at most, a key counts that the provider has withdrawn.
const READ_EVERY: Duration = Duration::from_secs(600);
/// The shortest time from one read to the next, also after a failure, and however many tokens name unknown keys.
const READ_GAP: Duration = Duration::from_secs(30);
/// How long a set holds when no newer one can be read (fault table, "JWKS down").
const HOLDS_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long a token whose key is unknown waits for a read.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The keys of one issuer.
pub(super) struct ProviderKeys {
    /// For logs.
    issuer: String,
    /// Its place in the settings, for figures: those name nobody, and the name of an issuer may hold that of a tenant.
    number: String,
    source: Box<dyn Source>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    asked: Notify,
    /// How many reads have come to their end.
    finished: watch::Sender<u64>,
}

#[derive(Default)]
struct Held {
    /// The last set that was read, and when.
    set: Option<(KeySet, Timestamp)>,
    /// When the last read began.
    begun_at: Option<Timestamp>,
    is_reading: bool,
    /// True from the first of several failures to the next success.
    is_failing: bool,
}

/// What a look has found.
enum Look {
    Key(Arc<DecodingKey>),
    /// A read may bring it: one is under way, or may begin.
    Perhaps,
    No,
}

impl ProviderKeys {
    pub(super) fn new(number: usize, issuer: &str, keys: KeysAt, clock: Arc<dyn Clock>) -> ProviderKeys {
        ProviderKeys::read_from(Box::new(keys), number, issuer, clock)
    }

    fn read_from(source: Box<dyn Source>, number: usize, issuer: &str, clock: Arc<dyn Clock>) -> ProviderKeys {
        let (issuer, number) = (issuer.to_owned(), number.to_string());
        let (asked, (finished, _)) = (Notify::new(), watch::channel(0));
        // There from the start, with nothing counted.
        metrics::counter!("intervalo_jwks_reads_total", "issuer" => number.clone()).increment(0);
        metrics::counter!("intervalo_jwks_read_failures_total", "issuer" => number.clone()).increment(0);
        ProviderKeys { issuer, number, source, clock, held: Mutex::default(), asked, finished }
    }

    /// The key for a token of an algorithm that names a key, or that names none. Waits at most [`WAIT_MAX`].
    pub(super) async fn key(&self, id: Option<&str>, algorithm: SignatureAlgorithm) -> Option<Arc<DecodingKey>> {
        // Before the look, so that a read that ends in between is not waited for.
        let mut finished = self.finished.subscribe();
        match self.look(id, algorithm) {
            Look::Key(key) => return Some(key),
            Look::No => return None,
            Look::Perhaps => self.asked.notify_one(),
        }
        tokio::time::timeout(WAIT_MAX, finished.changed()).await.ok()?.ok()?;
        match self.look(id, algorithm) {
            Look::Key(key) => Some(key),
            Look::Perhaps | Look::No => None,
        }
    }

    fn look(&self, id: Option<&str>, algorithm: SignatureAlgorithm) -> Look {
        let now = self.clock.now();
        let held = self.held();
        let set = held.set.as_ref().filter(|(_, read_at)| now.since(*read_at) <= HOLDS_FOR);
        let found = set.map_or(Choice::UnknownId, |(set, _)| set.choose(id, algorithm));
        match found {
            Choice::Key(key) => Look::Key(key),
            Choice::UnknownId if held.is_reading || held.may_read(now) => Look::Perhaps,
            Choice::UnknownId | Choice::None => Look::No,
        }
    }

    /// Reads the set now, and again whenever it is time or asked for; for ever.
    pub(super) async fn keep(self: Arc<ProviderKeys>) {
        loop {
            let (begun_at, is_read) = self.read().await;
            let next_at = begun_at + if is_read { READ_EVERY } else { READ_GAP };
            let due = self.clock.sleep_until(next_at);
            tokio::select! {
                () = due => {}
                () = self.asked_in_time() => {}
            }
        }
    }

    /// Completes when a read is asked for that may begin. A wish that is too early was one for a read that is over by now.
    async fn asked_in_time(&self) {
        loop {
            self.asked.notified().await;
            if self.held().may_read(self.clock.now()) {
                return;
            }
        }
    }

    /// Reads the set once; says when it began, and whether there is a new one.
    async fn read(&self) -> (Timestamp, bool) {
        let begun_at = self.clock.now();
        {
            let mut held = self.held();
            held.begun_at = Some(begun_at);
            held.is_reading = true;
        }
        metrics::counter!("intervalo_jwks_reads_total", "issuer" => self.number.clone()).increment(1);
        let read = match self.source.read().await {
            Ok(document) => KeySet::read(&document).map_err(|problem| problem.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let is_read = self.take(read);
        // Last, so that whoever waited finds all of it.
        self.finished.send_modify(|count| *count += 1);
        (begun_at, is_read)
    }

    /// Puts a set in place of the one before; a failure leaves that where it is. Both ends of a run of failures are told.
    fn take(&self, read: Result<KeySet, String>) -> bool {
        let now = self.clock.now();
        let issuer = &self.issuer;
        let mut held = self.held();
        held.is_reading = false;
        match read {
            Ok(set) => {
                if std::mem::take(&mut held.is_failing) {
                    tracing::info!(issuer, "the keys of the issuer {issuer} are read again");
                }
                let (usable, passed_over) = (set.len(), set.passed_over());
                if held.set.as_ref().is_none_or(|(before, _)| before.len() != usable) {
                    if usable == 0 {
                        tracing::warn!(issuer, passed_over, "the issuer {issuer} has no key that can be used");
                    } else {
                        tracing::info!(issuer, usable, passed_over, "the keys of the issuer {issuer} are read");
                    }
                }
                held.set = Some((set, now));
                true
            }
            Err(why) => {
                metrics::counter!("intervalo_jwks_read_failures_total", "issuer" => self.number.clone()).increment(1);
                if !std::mem::replace(&mut held.is_failing, true) {
                    match &held.set {
                        Some(_) => tracing::warn!(
                            issuer,
                            "cannot read the keys of the issuer {issuer}, those of before hold for a day: {why}"
                        ),
                        None => tracing::warn!(
                            issuer,
                            "cannot read the keys of the issuer {issuer}, its tokens are refused until they can be: {why}"
                        ),
                    }
                }
                false
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn may_read(&self, now: Timestamp) -> bool {
        !self.is_reading && self.begun_at.is_none_or(|begun_at| now.since(begun_at) >= READ_GAP)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use serde_json::{Value, json};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::auth::test_keys::ed_key;
    use crate::clock::SystemClock;
    use crate::ports::BoxFuture;
    use source::ReadError;

    const EDDSA: SignatureAlgorithm = SignatureAlgorithm::EdDsa;

    /// A provider that answers what the test says, when the test lets it.
    struct Provider {
        answer: Mutex<Result<Vec<u8>, ReadError>>,
        reads: AtomicU64,
        open: Arc<Semaphore>,
    }

    impl Source for Arc<Provider> {
        fn read(&self) -> BoxFuture<'static, Result<Vec<u8>, ReadError>> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let provider = Arc::clone(self);
            Box::pin(async move {
                let _open = provider.open.acquire().await.expect("never closed");
                provider.answer.lock().expect("not poisoned").clone()
            })
        }
    }

    struct House {
        provider: Arc<Provider>,
        keys: Arc<ProviderKeys>,
        clock: Arc<dyn Clock>,
    }

    impl House {
        /// With a task that keeps the keys, which has not begun yet.
        fn with(answer: Result<Vec<u8>, ReadError>) -> House {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::start(Timestamp(0)));
            let (reads, open) = (AtomicU64::new(0), Arc::new(Semaphore::new(1)));
            let provider = Arc::new(Provider { answer: Mutex::new(answer), reads, open });
            let source = Box::new(Arc::clone(&provider));
            let keys = Arc::new(ProviderKeys::read_from(source, 1, "https://login.example", Arc::clone(&clock)));
            tokio::spawn(Arc::clone(&keys).keep());
            House { provider, keys, clock }
        }

        fn answers(&self, answer: Result<Vec<u8>, ReadError>) {
            *self.provider.answer.lock().expect("not poisoned") = answer;
        }

        fn reads(&self) -> u64 {
            self.provider.reads.load(Ordering::SeqCst)
        }

        async fn has(&self, id: &str) -> bool {
            self.keys.key(Some(id), EDDSA).await.is_some()
        }

        async fn after(&self, span: Duration) {
            self.clock.sleep_until(self.clock.now() + span).await;
        }
    }

    fn set(ids: &[&str]) -> Result<Vec<u8>, ReadError> {
        let keys: Vec<Value> = ids.iter().map(|id| ed_key().public(id)).collect();
        Ok(json!({ "keys": keys }).to_string().into_bytes())
    }

    fn down() -> Result<Vec<u8>, ReadError> {
        Err(ReadError::Status(503))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_tokens_wait_for_the_first_read() {
        let house = House::with(set(&["a"]));
        assert!(house.has("a").await);
        assert_eq!(house.reads(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_is_read_anew_every_ten_minutes() {
        let house = House::with(set(&["a"]));
        assert!(house.has("a").await);
        house.answers(set(&["b"]));
        house.after(READ_EVERY - Duration::from_secs(1)).await;
        assert_eq!(house.reads(), 1);
        assert!(house.has("a").await);
        house.after(Duration::from_secs(2)).await;
        assert_eq!(house.reads(), 2);
        assert!(!house.has("a").await, "a key that was taken back");
        assert!(house.has("b").await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_has_come_since_is_found_at_once() {
        let house = House::with(set(&["a"]));
        assert!(house.has("a").await);
        house.answers(set(&["a", "b"]));
        house.after(READ_GAP).await;
        let begun = house.clock.now();
        assert!(house.has("b").await && house.has("a").await);
        assert_eq!((house.reads(), house.clock.now()), (2, begun));
    }

    #[tokio::test(start_paused = true)]
    async fn promise_a3_a_flood_of_unknown_keys_costs_one_read_in_thirty_seconds() {
        let house = House::with(set(&["a"]));
        assert!(house.has("a").await);
        for n in 0..1000 {
            assert!(!house.has(&format!("x{n}")).await);
        }
        assert_eq!(house.reads(), 1, "too early for another");
        for round in 2..12 {
            house.after(READ_GAP).await;
            let begun = house.clock.now();
            let ids: Vec<String> = (0..1000).map(|n| format!("{round}-{n}")).collect();
            let asked = futures_util::future::join_all(ids.iter().map(|id| house.has(id))).await;
            assert!(asked.iter().all(|found| !found));
            assert!(house.clock.now() == begun, "none waits when the read is over");
            assert_eq!(house.reads(), round);
        }
        assert!(house.has("a").await, "known keys are none the worse for it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_waits_two_seconds_for_a_slow_provider_and_the_read_goes_on() {
        let house = House::with(set(&["a"]));
        let closed = Arc::clone(&house.provider.open).acquire_owned().await.expect("never closed");
        let begun = house.clock.now();
        assert!(!house.has("a").await);
        assert_eq!(house.clock.now().since(begun), WAIT_MAX);
        assert!(!house.has("a").await);
        assert_eq!(house.reads(), 1, "one read, however many wait for it");
        drop(closed);
        assert!(house.has("a").await);
    }

    #[tokio::test(start_paused = true)]
    async fn promise_a3_no_token_of_an_issuer_holds_before_its_keys_were_read_and_all_do_after() {
        let house = House::with(down());
        assert!(!house.has("a").await);
        house.answers(set(&["a"]));
        assert!(!house.has("a").await, "too early for another read");
        assert_eq!(house.reads(), 1);
        house.after(READ_GAP).await;
        assert!(house.has("a").await, "without being asked for");
        assert_eq!(house.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn promise_a3_keys_hold_for_a_day_while_no_newer_ones_can_be_read() {
        let house = House::with(set(&["a"]));
        assert!(house.has("a").await);
        let read_at = house.clock.now();
        let bad: [Result<Vec<u8>, ReadError>; 4] =
            [down(), Ok(b"<html>".to_vec()), Err(ReadError::TooLong), Ok(vec![b' '; set::SET_BYTES_MAX + 1])];
        for answer in bad.into_iter().cycle().take(23) {
            house.answers(answer);
            house.after(Duration::from_secs(3600)).await;
            assert!(house.has("a").await, "after {:?}", house.clock.now().since(read_at));
        }
        house.clock.sleep_until(read_at + HOLDS_FOR).await;
        assert!(house.has("a").await);
        house.after(Duration::from_secs(1)).await;
        assert!(!house.has("a").await, "a day is over");
        let day = HOLDS_FOR.as_secs() / READ_GAP.as_secs();
        assert!(house.reads() <= day + 2, "{} reads", house.reads());
        house.answers(set(&["a"]));
        house.after(READ_GAP).await;
        assert!(house.has("a").await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_without_keys_takes_them_all_back() {
        let house = House::with(set(&["a"]));
        assert!(house.has("a").await);
        house.answers(set(&[]));
        house.after(READ_EVERY + Duration::from_secs(1)).await;
        assert!(!house.has("a").await);
    }
}
