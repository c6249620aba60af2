//! Internal ids, hashes and salts, written as lower-case hex.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};

use super::PersonKind;

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) [u8; $length]);

        impl $name {
            /// The value of bytes that have the right length.
            pub(crate) fn from_bytes(bytes: &[u8]) -> Option<$name> {
                bytes.try_into().ok().map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&to_hex(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                let mut bytes = [0; $length];
                from_hex(&text, &mut bytes).ok_or_else(|| D::Error::custom("not hex of the right length"))?;
                Ok($name(bytes))
            }
        }
    };
}

bytes_id!(
    /// A person's internal id: random to whoever does not have the salt, and so a pseudonym that
    /// cannot be undone once the salt is erased.
    PersonId,
    16
);
bytes_id!(
    /// An op or a pause: the 16 bytes of its id, big end first.
    WideId,
    16
);
bytes_id!(
    /// A SHA-256 hash.
    Hash,
    32
);
bytes_id!(
    /// 128 random bits that make a hash unguessable.
    Salt,
    16
);

/// Hashes of ids that are random already: their first bytes are as good as any hash of them. What they are made of
/// is salted, so that nobody can choose them.
pub(crate) type IdState = BuildHasherDefault<IdHasher>;

/// The hasher of [`IdState`].
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    /// The length that stands before the bytes; it is that of all of them.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl PersonId {
    /// What no id stands before.
    pub(crate) const LEAST: PersonId = PersonId([0; 16]);
    /// How many digits it is written with.
    pub(crate) const DIGITS: usize = 32;

    /// The id of its digits.
    pub(crate) fn from_hex(digits: &str) -> Option<PersonId> {
        let mut bytes = [0; 16];
        from_hex(digits, &mut bytes).map(|()| PersonId(bytes))
    }
}

impl WideId {
    pub(crate) fn of(id: u128) -> WideId {
        WideId(id.to_be_bytes())
    }

    pub(crate) fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl PersonId {
    /// The id of a person under a salt. It commits to what it is made of: as long as the row is
    /// there, nobody can make it another person's.
    pub(crate) fn of(salt: Salt, tenant: &str, kind: PersonKind, host_id: &str) -> PersonId {
        let mut hasher = Sha256::new();
        hasher.update(salt.0);
        for part in [tenant, kind.as_str(), host_id] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        PersonId(id)
    }
}

impl Hash {
    /// What stands before a tenant's first entry.
    pub(crate) const GENESIS: Hash = Hash([0; 32]);

    /// The hash of bytes.
    pub(crate) fn of(bytes: &[u8]) -> Hash {
        Hash(Sha256::digest(bytes).into())
    }

    /// The hash of a text under a salt.
    pub(crate) fn of_text(salt: Salt, text: &str) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(salt.0);
        hasher.update(text);
        Hash(hasher.finalize().into())
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)] as char).collect()
}

fn from_hex(text: &str, bytes: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != bytes.len() * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}

fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}
