//! Promises that were broken.

use std::fmt;

/// How many are kept: the first ones tell the story.
pub(super) const BREACHES_MAX: usize = 50;

/// What was found, in the order of finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Breaches {
    list: Vec<String>,
    count: u64,
}

impl Breaches {
    /// Nothing.
    pub(super) fn none() -> Breaches {
        Breaches::default()
    }

    /// Adds one.
    pub(super) fn add(&mut self, what: impl fmt::Display) {
        self.count += 1;
        if self.list.len() < BREACHES_MAX {
            self.list.push(what.to_string());
        }
    }

    /// Adds one when something does not hold.
    pub(super) fn hold(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.add(what());
        }
    }

    /// Adds all of another.
    pub(super) fn add_all(&mut self, other: Breaches) {
        let unkept = other.count - other.list.len() as u64;
        other.list.into_iter().for_each(|what| self.add(what));
        self.count += unkept;
    }

    /// The first ones.
    pub(super) fn list(&self) -> &[String] {
        &self.list
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// True when everything held.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_kept() {
        let mut breaches = Breaches::none();
        breaches.hold(true, || unreachable!("it holds"));
        assert!(breaches.is_empty());
        (0..60).for_each(|n| breaches.add(n));
        let mut all = Breaches::none();
        all.hold(false, || "first".to_owned());
        all.add_all(breaches);
        assert_eq!((all.count(), all.list().len()), (61, BREACHES_MAX));
        assert_eq!(all.list()[..2], ["first", "0"]);
    }
}
