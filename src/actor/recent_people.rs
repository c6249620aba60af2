//! Who was changed in the directory last: a decision about anybody else still stands.

use std::sync::Arc;

use crate::domain::id::{AgentId, DirectoryVersion};

/// How many changes are kept. More than these within one decision, which takes a few milliseconds, are no real load.
const KEPT_MAX: usize = 64;

/// The people of the last directory versions, as far back as each differs from the one before in one person.
#[derive(Debug, Clone, Default)]
pub struct RecentPeople(Arc<[(DirectoryVersion, AgentId)]>);

impl RecentPeople {
    /// With a version in which this person alone differs from the one before.
    pub(super) fn with(&self, version: DirectoryVersion, person: &AgentId) -> RecentPeople {
        let surplus = (self.0.len() + 1).saturating_sub(KEPT_MAX);
        RecentPeople(self.0.iter().skip(surplus).cloned().chain([(version, person.clone())]).collect())
    }

    /// True when all that differs between a version of before and the last one are other people than this one.
    pub(super) fn are_others_since(&self, before: DirectoryVersion, agent: &AgentId) -> bool {
        let reaches_back = self.0.first().is_some_and(|(first, _)| *first <= before.next());
        reaches_back && self.0.iter().all(|(version, person)| *version <= before || person != agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(id: &str) -> AgentId {
        AgentId::new(id).expect("an id")
    }

    #[test]
    fn a_decision_stands_while_only_others_have_changed_since() {
        let (ana, bia) = (agent("ana"), agent("bia"));
        let none = RecentPeople::default();
        assert!(!none.are_others_since(DirectoryVersion(4), &ana), "nobody knows what has changed");
        let people =
            none.with(DirectoryVersion(5), &bia).with(DirectoryVersion(6), &ana).with(DirectoryVersion(7), &bia);
        for (before, ana_stands, bia_stands) in
            [(3, false, false), (4, false, false), (5, false, false), (6, true, false)]
        {
            let stands = |agent| people.are_others_since(DirectoryVersion(before), agent);
            assert_eq!((stands(&ana), stands(&bia)), (ana_stands, bia_stands), "since {before}");
        }
    }

    #[test]
    fn only_so_many_are_kept() {
        let (ana, bia) = (agent("ana"), agent("bia"));
        let versions = 1..=KEPT_MAX as u64 + 1;
        let people =
            versions.fold(RecentPeople::default(), |people, version| people.with(DirectoryVersion(version), &bia));
        assert!(people.are_others_since(DirectoryVersion(1), &ana));
        assert!(!people.are_others_since(DirectoryVersion(0), &ana), "the first one is forgotten");
    }
}
