//! How many requests a principal may send: the generic cell rate algorithm, one instant a principal.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::id::{PrincipalId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::Limit;

/// How many principals, or other keys, are remembered in each part. One that has been quiet for a burst's time is
/// forgotten when the part is full; if none has, a newcomer is refused until one is.
const PRINCIPALS_PER_PART_MAX: usize = 8 * 1024;
/// How many parts there are, each under a lock of its own.
const PARTS: usize = 16;

/// For how long a caller may go on calling in vain, before the time that it was told to wait. Someone who sends much at once does not;
/// by so long it is a flood.
const FLOOD_TIME: Duration = Duration::from_secs(5);
/// How long after a call in vain the next one still belongs to the same flood: one may come in bursts, but a page that asks for much
/// each second is none.
const FLOOD_GAP: Duration = Duration::from_millis(750);
/// For how long a flood is refused, from its last call on.
const FLOOD_WAIT: Duration = Duration::from_secs(5);

/// A rate with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run; at least 1.
    pub per_second: u32,
    /// At once, after a rest; at least 1.
    pub burst: u32,
}

impl Default for Rate {
    /// What the fault table promises: 10/s, burst 20.
    fn default() -> Rate {
        Rate { per_second: 10, burst: 20 }
    }
}

/// A rate as a meter needs it, from fast to slower than one a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    interval_us: i64,
    tolerance_us: i64,
}

/// One counter: the instant, in µs, at which it will have no debt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Meter(i64);

impl Pace {
    /// One each interval, and so many at once after a rest.
    pub(super) fn new(interval: Duration, burst: u32) -> Pace {
        let interval_us = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
        Pace { interval_us, tolerance_us: interval_us.saturating_mul(i64::from(burst.max(1) - 1)) }
    }
}

impl From<Rate> for Pace {
    fn from(rate: Rate) -> Pace {
        Pace::new(Duration::from_micros(1_000_000 / u64::from(rate.per_second.max(1))), rate.burst)
    }
}

impl Meter {
    /// Counts one at `now`, or says after how long to try again and counts nothing.
    pub(super) fn count(&mut self, pace: impl Into<Pace>, now: Timestamp) -> Result<(), Duration> {
        let pace = pace.into();
        let now_us = now.0.saturating_mul(1000);
        let due = self.0.max(now_us);
        let early_us = due - pace.tolerance_us - now_us;
        if early_us > 0 {
            let ms = u64::try_from(early_us).unwrap_or(0).div_ceil(1000);
            return Err(Duration::from_millis(ms));
        }
        self.0 = due.saturating_add(pace.interval_us);
        Ok(())
    }

    /// Counts one at `now`, whatever the pace allows, and says how long it is until that would allow it: at most `longest`, beyond
    /// which nothing is counted.
    pub(super) fn charge(&mut self, pace: impl Into<Pace>, longest: Duration, now: Timestamp) -> Duration {
        let pace = pace.into();
        let now_us = now.0.saturating_mul(1000);
        let longest_us = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        let most = now_us.saturating_add(pace.tolerance_us).saturating_add(longest_us);
        self.0 = self.0.max(now_us).saturating_add(pace.interval_us).min(most.max(self.0));
        let early_us = self.0 - pace.interval_us - pace.tolerance_us - now_us;
        Duration::from_micros(u64::try_from(early_us).unwrap_or(0))
    }

    pub(super) fn is_at_rest(self, now: Timestamp) -> bool {
        self.0 <= now.0.saturating_mul(1000)
    }
}

/// What is kept of one key: its rate, and whether it waits as it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Caller {
    meter: Meter,
    /// When it was last told to come again.
    told: Timestamp,
    /// Its last call before that, and the first of those without a gap in between.
    in_vain: Timestamp,
    floods_since: Timestamp,
    /// Until when it is not let in at all, because it floods.
    shut_until: Timestamp,
}

impl Caller {
    fn count(&mut self, rate: Rate, shuts_out: bool, now: Timestamp) -> Result<(), Duration> {
        if shuts_out && now < self.told {
            if self.in_vain + FLOOD_GAP < now {
                self.floods_since = now;
            }
            self.in_vain = now;
            if now.since(self.floods_since) >= FLOOD_TIME {
                self.shut_until = now + FLOOD_WAIT;
            }
        }
        let counted = if now < self.shut_until { Err(self.shut_until.since(now)) } else { self.meter.count(rate, now) };
        self.told = counted.map_or_else(|wait| now + wait, |()| self.told);
        counted
    }

    /// Nothing that is kept of it makes a difference any more.
    fn is_at_rest(self, now: Timestamp) -> bool {
        self.meter.is_at_rest(now) && self.shut_until <= now && self.told <= now
    }
}

/// The counters of all keys of one kind: principals, unless something else is said.
pub(super) struct RateLimiter<K = (TenantId, PrincipalId)> {
    rate: Rate,
    /// Whether who floods is not let in at all; not where those that come belong to different callers.
    shuts_out: bool,
    hasher: RandomState,
    parts: Vec<Mutex<HashMap<K, Caller>>>,
}

impl RateLimiter {
    /// Counts one request of a principal, or says after how long to try again.
    pub(super) fn count(&self, tenant: &TenantId, principal: &PrincipalId, now: Timestamp) -> Result<(), Duration> {
        self.count_key((tenant.clone(), principal.clone()), now)
    }

    /// Whether a principal is not let in at all, because it floods.
    pub(super) fn is_shut_out(&self, tenant: &TenantId, principal: &PrincipalId, now: Timestamp) -> bool {
        self.is_key_shut_out(&(tenant.clone(), principal.clone()), now)
    }
}

impl<K: Eq + Hash> RateLimiter<K> {
    pub(super) fn new(rate: Rate) -> RateLimiter<K> {
        let parts = (0..PARTS).map(|_| Mutex::new(HashMap::new())).collect();
        RateLimiter { rate, shuts_out: false, hasher: RandomState::new(), parts }
    }

    /// The same, for keys that are one caller each: who goes on and on calling without waiting as told is not let in at all until it
    /// does. The rate alone would let a flood through at that rate for ever.
    pub(super) fn against_floods(self) -> RateLimiter<K> {
        RateLimiter { shuts_out: true, ..self }
    }

    /// How many keys are counted.
    pub(super) fn meters(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn is_key_shut_out(&self, key: &K, now: Timestamp) -> bool {
        self.part(key).get(key).is_some_and(|caller| now < caller.shut_until)
    }

    fn part(&self, key: &K) -> MutexGuard<'_, HashMap<K, Caller>> {
        let part = self.hasher.hash_one(key) as usize % PARTS;
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one request of a key, or says after how long to try again.
    pub(super) fn count_key(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        let mut meters = self.part(&key);
        if meters.len() >= PRINCIPALS_PER_PART_MAX && !meters.contains_key(&key) {
            meters.retain(|_, caller| !caller.is_at_rest(now));
            if meters.len() >= PRINCIPALS_PER_PART_MAX {
                Limit::RateMeters.reached();
                return Err(Duration::from_secs(1));
            }
        }
        match meters.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().count(self.rate, self.shuts_out, now),
            Entry::Vacant(free) => free.insert(Caller::default()).count(self.rate, self.shuts_out, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 20 };

    #[test]
    fn a_burst_passes_and_then_one_each_interval() {
        let mut meter = Meter::default();
        let start = Timestamp(1_000_000);
        for n in 0..20 {
            assert_eq!(meter.count(RATE, start), Ok(()), "request {n} of the burst");
        }
        assert_eq!(meter.count(RATE, start), Err(Duration::from_millis(100)));
        assert_eq!(meter.count(RATE, start + Duration::from_millis(99)), Err(Duration::from_millis(1)));
        assert_eq!(meter.count(RATE, start + Duration::from_millis(100)), Ok(()));
        assert!(meter.count(RATE, start + Duration::from_millis(100)).is_err());
    }

    #[test]
    fn waiting_as_told_is_enough() {
        let mut meter = Meter::default();
        let mut now = Timestamp(5_000);
        let rate = Rate { per_second: 7, burst: 3 };
        for _ in 0..1000 {
            if let Err(wait) = meter.count(rate, now) {
                now = now + wait;
                assert_eq!(meter.count(rate, now), Ok(()));
            }
        }
    }

    #[test]
    fn who_is_charged_whatever_the_pace_waits_for_longer_and_longer_and_not_for_ever() {
        let (mut meter, now, longest) = (Meter::default(), Timestamp(1_000_000), Duration::from_secs(1));
        let mut charge = |now| meter.charge(RATE, longest, now);
        assert!((0..20).all(|_| charge(now).is_zero()), "the burst");
        assert_eq!(charge(now), Duration::from_millis(100));
        assert_eq!(charge(now), Duration::from_millis(200));
        let last = (0..1000).map(|_| charge(now)).last();
        assert!(
            last.is_some_and(|wait| wait <= longest && wait >= longest.saturating_sub(Duration::from_millis(100))),
            "{last:?}"
        );
        let later = now + longest;
        assert!(charge(later) <= Duration::from_millis(100), "who has waited is where the pace is");
        assert!(charge(later + Duration::from_secs(10)).is_zero());
    }

    #[test]
    fn in_the_long_run_no_more_than_the_rate_passes() {
        let mut meter = Meter::default();
        let passed = (0..10_000).filter(|ms| meter.count(RATE, Timestamp(1_000_000 + ms)).is_ok()).count();
        assert_eq!(passed, 20 + 99, "ten seconds: the burst, then ten a second");
    }

    /// How many of the calls at these instants are let in.
    fn let_in(limiter: &RateLimiter<u8>, instants: impl IntoIterator<Item = i64>) -> usize {
        instants.into_iter().filter(|at| limiter.count_key(0, Timestamp(*at)).is_ok()).count()
    }

    #[test]
    fn a_flood_is_let_in_no_more_until_it_waits_as_told() {
        let limiter = RateLimiter::new(RATE).against_floods();
        let forty_a_second = |from: i64, seconds: i64| (0..seconds * 40).map(move |n| from + n * 25);
        let first = let_in(&limiter, forty_a_second(1_000_000, 4));
        assert_eq!(first, 20 + 39, "who calls in vain for a while is let in at the rate");
        assert!(!limiter.is_key_shut_out(&0, Timestamp(1_004_000)));
        assert!(let_in(&limiter, forty_a_second(1_004_000, 6)) < 25, "and then is shut out");
        assert!(
            limiter.is_key_shut_out(&0, Timestamp(1_010_000)) && !limiter.is_key_shut_out(&1, Timestamp(1_010_000))
        );
        assert_eq!(let_in(&limiter, forty_a_second(1_010_000, 60)), 0);
        let last = Timestamp(1_070_000 - 25);
        let told = limiter.count_key(0, last).expect_err("a flood");
        assert_eq!(told, FLOOD_WAIT);
        assert_eq!(
            limiter.count_key(0, last + told.saturating_sub(Duration::from_millis(1))),
            Err(Duration::from_millis(1))
        );
        assert_eq!(limiter.count_key(0, last + told), Ok(()), "who has waited is let in");
        assert_eq!(let_in(&limiter, (0..19).map(|_| (last + told).0)), 19, "with a whole burst");
    }

    #[test]
    fn a_flood_that_comes_in_bursts_is_one() {
        let limiter = RateLimiter::new(RATE).against_floods();
        let twenty_each_half_second = |from: i64| (0..20).flat_map(move |burst| [from + burst * 500; 20]);
        assert!(let_in(&limiter, twenty_each_half_second(1_000_000)) >= 20 + 9 * 5);
        assert_eq!(let_in(&limiter, twenty_each_half_second(1_010_000)), 0);
    }

    #[test]
    fn no_flood_is_who_waits_as_told_sends_much_at_once_or_comes_half_as_often_again_as_it_may() {
        let limiter = RateLimiter::new(RATE).against_floods();
        let mut now = Timestamp(1_000_000);
        for _ in 0..10_000 {
            if let Err(wait) = limiter.count_key(0, now) {
                assert!(wait <= Duration::from_millis(100), "{wait:?}");
                now = now + wait;
            }
        }
        let at_once = Timestamp(9_000_000);
        assert_eq!(let_in(&limiter, (0..1_000).map(|_| at_once.0)), 20);
        assert_eq!(limiter.count_key(0, at_once), Err(Duration::from_millis(100)), "much at once is no flood");
        let thirty_each_second = (0..60).flat_map(|second| [9_100_000 + second * 1000; 30]);
        assert_eq!(let_in(&limiter, thirty_each_second), 20 + 59 * 10);
        let fifteen_a_second = (0..9_000).map(|n| 10_000_000 + n * 1000 / 15);
        assert_eq!(let_in(&limiter, fifteen_a_second), 20 + 6_000 - 1);
    }

    #[test]
    fn many_who_share_a_key_are_no_flood() {
        let limiter = RateLimiter::new(RATE);
        assert_eq!(let_in(&limiter, (0..40 * 60).map(|n| 1_000_000 + n * 25)), 20 + 600 - 1);
    }

    #[test]
    fn principals_do_not_share_a_meter_and_the_quiet_are_forgotten() {
        let limiter: RateLimiter = RateLimiter::new(Rate { per_second: 10, burst: 1 });
        let tenant = TenantId::new("acme").expect("an id");
        let id = |n: usize| PrincipalId::new(&format!("p{n}")).expect("an id");
        let now = Timestamp(1_000_000);
        assert_eq!(limiter.count(&tenant, &id(0), now), Ok(()));
        assert!(limiter.count(&tenant, &id(0), now).is_err());
        assert_eq!(limiter.count(&tenant, &id(1), now), Ok(()));
        let later = now + Duration::from_secs(1);
        for n in 0..3 * PARTS * PRINCIPALS_PER_PART_MAX / 2 {
            // Far more than fit, in waves that rest in between.
            let wave = (n / (PARTS * PRINCIPALS_PER_PART_MAX / 2)) as u64;
            assert_eq!(limiter.count(&tenant, &id(n), later + Duration::from_secs(wave)), Ok(()), "principal {n}");
        }
        let held: usize = limiter.parts.iter().map(|part| part.lock().expect("no panic").len()).sum();
        assert!(held <= PARTS * PRINCIPALS_PER_PART_MAX);
    }
}
