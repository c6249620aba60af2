//! Randomness for internal ids and salts. Handed in, so that a test can repeat a run.

use crate::store::stored::Salt;

/// Makes salts; every internal id and text hash is made of one.
pub(crate) trait Salts: Send {
    /// The next salt.
    fn next(&mut self) -> Salt;
}

/// Salts from the operating system.
pub(crate) struct SystemSalts;

impl Salts for SystemSalts {
    /// # Panics
    /// Panics when the operating system gives no randomness; nothing may be stored without it.
    fn next(&mut self) -> Salt {
        let mut salt = [0; 16];
        #[expect(clippy::disallowed_methods, reason = "the one source of internal ids and salts")]
        getrandom::fill(&mut salt).expect("the operating system gives randomness");
        Salt(salt)
    }
}

/// Salts that follow from a seed, for tests.
#[derive(Debug)]
pub(crate) struct SeededSalts {
    seed: u64,
    drawn: u64,
}

impl SeededSalts {
    pub(crate) fn new(seed: u64) -> SeededSalts {
        SeededSalts { seed, drawn: 0 }
    }
}

impl Salts for SeededSalts {
    fn next(&mut self) -> Salt {
        self.drawn += 1;
        let (seed, drawn) = (self.seed.to_be_bytes(), self.drawn.to_be_bytes());
        let hash = crate::store::stored::Hash::of(&[seed, drawn].concat());
        let mut salt = [0; 16];
        salt.copy_from_slice(&hash.0[..16]);
        Salt(salt)
    }
}
