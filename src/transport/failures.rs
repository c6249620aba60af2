//! What failed, by whom it failed for: an address, an account. Each has a budget of failures that fills up
//! again with time; once it is used, whoever asks is told how long to wait.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rate_limit::{Meter, Pace};
use crate::domain::time::Timestamp;
use crate::limits::Limit;

/// How many keys are remembered in each part. One whose budget is whole again is forgotten when the part is full.
const KEYS_PER_PART_MAX: usize = 4 * 1024;
/// How many parts there are, each under a lock of its own.
const PARTS: usize = 16;
/// What a key is told that there is no room for: by then others are forgotten.
const NO_ROOM_WAIT: Duration = Duration::from_secs(1);

/// How many failures are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// At once, after a rest; at least 1.
    pub(super) burst: u32,
    /// After what time one more is taken.
    pub(super) one_more_after: Duration,
}

impl Budget {
    /// As a meter needs it.
    pub(super) fn pace(self) -> Pace {
        Pace::new(self.one_more_after, self.burst)
    }
}

/// The failures of all keys of one kind.
pub(super) struct Failures<K> {
    /// What the keys are, for `/metrics`.
    kind: &'static str,
    pace: Pace,
    hasher: RandomState,
    parts: Vec<Mutex<HashMap<K, Meter>>>,
}

impl<K: Eq + Hash + Clone> Failures<K> {
    pub(super) fn new(kind: &'static str, budget: Budget) -> Failures<K> {
        let pace = budget.pace();
        let parts = (0..PARTS).map(|_| Mutex::new(HashMap::new())).collect();
        Failures { kind, pace, hasher: RandomState::new(), parts }
    }

    /// Whether one more failure would be within the budget; counts nothing. For work that is not even begun
    /// beyond it. A key of which nothing is known has its whole budget.
    ///
    /// # Errors
    /// After how long to try again.
    pub(super) fn check(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        self.part(key).get(key).copied().unwrap_or_default().count(self.pace, now)
    }

    /// Counts a failure. Beyond the budget it is not counted, so that waiting as told is enough. When there is no
    /// room for one more key, it is beyond it.
    ///
    /// # Errors
    /// After how long to try again.
    pub(super) fn failed(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        let counted =
            self.with_room(key, now, |meter| meter.map_or(Err(NO_ROOM_WAIT), |meter| meter.count(self.pace, now)));
        if counted.is_err() {
            metrics::counter!("intervalo_failures_held_up_total", "of" => self.kind).increment(1);
        }
        counted
    }

    /// The meter of a key, which is made where there is room for one more; whoever has rested is forgotten for it.
    fn with_room<T>(&self, key: &K, now: Timestamp, count: impl FnOnce(Option<&mut Meter>) -> T) -> T {
        let mut meters = self.part(key);
        if meters.len() >= KEYS_PER_PART_MAX && !meters.contains_key(key) {
            let before = meters.len();
            meters.retain(|_, meter| !meter.is_at_rest(now));
            metrics::gauge!("intervalo_failing_keys", "of" => self.kind).decrement((before - meters.len()) as f64);
        }
        let is_full = meters.len() >= KEYS_PER_PART_MAX;
        match meters.entry(key.clone()) {
            Entry::Occupied(mut known) => count(Some(known.get_mut())),
            Entry::Vacant(_) if is_full => {
                Limit::FailingKeys.reached();
                count(None)
            }
            Entry::Vacant(free) => {
                metrics::gauge!("intervalo_failing_keys", "of" => self.kind).increment(1.0);
                count(Some(free.insert(Meter::default())))
            }
        }
    }

    /// Counts a failure whatever the budget, and says how long it is until that would have taken it, at most `longest`. Where there is no
    /// room for one more key it is as long as that.
    pub(super) fn charge(&self, key: &K, longest: Duration, now: Timestamp) -> Duration {
        self.with_room(key, now, |meter| meter.map_or(longest, |meter| meter.charge(self.pace, longest, now)))
    }

    /// Nothing under this lock can panic half way, so that a poisoned one is still right.
    fn part(&self, key: &K) -> MutexGuard<'_, HashMap<K, Meter>> {
        let part = self.hasher.hash_one(key) as usize % PARTS;
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget { burst: 3, one_more_after: Duration::from_secs(3) };
    const START: Timestamp = Timestamp(1_000_000);

    #[test]
    fn a_budget_is_used_up_and_fills_again_and_is_each_ones_own() {
        let failures: Failures<String> = Failures::new("test", BUDGET);
        let (ana, bruno) = ("ana".to_owned(), "bruno".to_owned());
        for n in 0..3 {
            assert_eq!(failures.check(&ana, START), Ok(()), "failure {n}");
            assert_eq!(failures.failed(&ana, START), Ok(()), "failure {n}");
        }
        assert_eq!(failures.check(&ana, START), Err(Duration::from_secs(3)));
        assert_eq!(failures.failed(&ana, START), Err(Duration::from_secs(3)), "what is held up prolongs nothing");
        assert_eq!(failures.check(&bruno, START), Ok(()));
        let later = START + Duration::from_secs(3);
        assert_eq!(failures.check(&ana, later), Ok(()));
        assert_eq!(failures.check(&ana, later), Ok(()), "looking uses up nothing");
        assert_eq!(failures.failed(&ana, later), Ok(()));
        assert!(failures.failed(&ana, later).is_err());
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let failures: Failures<usize> = Failures::new("test", BUDGET);
        let held = |failures: &Failures<usize>| -> usize {
            failures.parts.iter().map(|part| part.lock().expect("no panic").len()).sum()
        };
        let many = 2 * PARTS * KEYS_PER_PART_MAX;
        let refused: Vec<usize> = (0..many).filter(|key| failures.failed(key, START).is_err()).collect();
        assert_eq!(held(&failures), PARTS * KEYS_PER_PART_MAX);
        assert_eq!(refused.len(), many - PARTS * KEYS_PER_PART_MAX);
        assert_eq!(failures.check(&refused[0], START), Ok(()), "who has not failed yet is not held up");
        let rested = START + BUDGET.one_more_after;
        assert_eq!(failures.failed(&refused[0], rested), Ok(()), "the others are forgotten once they have rested");
        assert!(held(&failures) < PARTS * KEYS_PER_PART_MAX);
    }
}
