//! Who calls in vain is read slowly: what is refused costs almost as much as what is done, and without this a socket whose calls
//! are all refused would be read as fast as it writes, with whoever is behind it waiting for each.

use std::time::Duration;

/// How many calls in vain are free: mistakes.
const FREE: u32 = 8;
/// By how much the pause grows with each further one.
const STEP: Duration = Duration::from_millis(10);
/// After how many it grows no more: at the most five calls in vain a second are read.
const STEPS_MAX: u32 = 20;
/// How many calls in vain one makes good that is not: who now and then does something right among much that is not is restrained in the end.
const MADE_GOOD: u32 = 2;

/// How much a session has called in vain of late.
#[derive(Debug, Default)]
pub(super) struct Restraint {
    in_vain: u32,
    owed: Duration,
}

impl Restraint {
    /// A call was in vain (a fault of form, or one of a flood that is shut out), or it was not.
    pub(super) fn count(&mut self, in_vain: bool) {
        if !in_vain {
            self.in_vain = self.in_vain.saturating_sub(MADE_GOOD);
            return;
        }
        self.in_vain = (self.in_vain + 1).min(FREE + STEPS_MAX);
        self.owed += STEP * self.in_vain.saturating_sub(FREE);
    }

    /// For how long nothing more is to be read now; none mostly.
    pub(super) fn take_pause(&mut self) -> Option<Duration> {
        let owed = std::mem::take(&mut self.owed);
        (!owed.is_zero()).then_some(owed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(calls: impl IntoIterator<Item = bool>) -> Duration {
        let mut restraint = Restraint::default();
        calls.into_iter().for_each(|in_vain| restraint.count(in_vain));
        let pause = restraint.take_pause().unwrap_or_default();
        assert_eq!(restraint.take_pause(), None, "a pause is taken once");
        pause
    }

    #[test]
    fn mistakes_are_free_and_what_goes_on_in_vain_is_paused_for_longer_and_longer() {
        assert_eq!(after([true; 8]), Duration::ZERO);
        assert_eq!(after([true; 9]), STEP);
        assert_eq!(after([true; 10]), STEP * 3);
        assert_eq!(after([true; 28]), STEP * 210);
        assert_eq!(after([true; 29]) - after([true; 28]), STEP * STEPS_MAX);
        assert_eq!(after([true; 100]) - after([true; 99]), STEP * STEPS_MAX);
    }

    #[test]
    fn who_makes_a_mistake_now_and_then_is_not_restrained_and_who_does_little_else_is() {
        let one_of = |n: usize| (0..1_000).map(move |call| call % n == 0);
        assert_eq!(after(one_of(4)), Duration::ZERO, "one of four in vain");
        assert!(after(one_of(4).map(|in_vain| !in_vain)) > Duration::from_secs(100), "three of four in vain");
    }
}
