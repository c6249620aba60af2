//! Internal ids that a writer keeps at hand, so that it need not look them up for every batch.

use crate::limits::Limit;
use std::collections::HashMap;

use super::encode::{Basis, KnownPerson, PersonKey, TextKey, Wanted};
use super::stored::Hash;

/// How many people's internal ids are kept at hand (about 200 bytes each); past it all are looked up anew.
const PEOPLE_MAX: usize = 100_000;
/// How many texts' hashes are kept at hand; past it all are looked up anew.
const TEXTS_MAX: usize = 4096;

/// People and texts that are known to be stored.
#[derive(Debug, Default)]
pub(crate) struct AtHand {
    people: HashMap<PersonKey, KnownPerson>,
    texts: HashMap<TextKey, Hash>,
}

impl AtHand {
    /// What is wanted of what is at hand.
    pub(crate) fn of(&self, wanted: &Wanted) -> Basis {
        let mut basis = Basis::default();
        for key in &wanted.people {
            if let Some(known) = self.people.get(key) {
                basis.people.insert(key.clone(), *known);
            }
        }
        for key in &wanted.texts {
            if let Some(hash) = self.texts.get(key) {
                basis.texts.insert(key.clone(), *hash);
            }
        }
        basis
    }

    /// Only what is durable may be kept at hand.
    pub(crate) fn keep(&mut self, basis: Basis) {
        self.people.extend(basis.people);
        if self.people.len() > PEOPLE_MAX {
            Limit::PeopleAtHand.reached();
            self.people.clear();
        }
        self.texts.extend(basis.texts);
        if self.texts.len() > TEXTS_MAX {
            Limit::TextsAtHand.reached();
            self.texts.clear();
        }
    }

    /// Forgets everything: it is not known any more what is stored.
    pub(crate) fn clear(&mut self) {
        self.people.clear();
        self.texts.clear();
    }
}
