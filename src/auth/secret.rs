//! Secrets that are handed out once: API keys, invitations, the cookies of logins, and tickets.
//!
//! Each is a word that says what it is, and 64 characters of base64url: the id of the credential and a secret of 256
//! bits. Kept is a hash alone. The word is hashed too, so that what is handed out as one thing is nothing as another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::access::SecretHash;
use crate::domain::id::CredentialId;
use crate::domain::time::Timestamp;

/// How many bytes the id and the secret have.
const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
/// How many characters they are: every three bytes are four.
const ENCODED_CHARS: usize = (ID_BYTES + SECRET_BYTES) / 3 * 4;

/// An id for a new credential: UUID version 7 (RFC 9562 §5.7), so that ids are in the order in which they were made.
///
/// # Panics
/// When the system has no randomness.
#[expect(clippy::disallowed_methods, reason = "the one source of ids of credentials")]
pub fn fresh_credential_id(now: Timestamp) -> CredentialId {
    let mut random = [0; 10];
    getrandom::fill(&mut random).expect("the system has randomness");
    let ms = u64::try_from(now.0).unwrap_or(0);
    CredentialId(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().as_u128())
}

/// What a secret lets in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A program's key.
    Key,
    /// A link that an account's password is chosen with.
    Invitation,
    /// A browser's cookie.
    Login,
    /// What opens one socket.
    Ticket,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [SecretKind; 4] = [SecretKind::Key, SecretKind::Invitation, SecretKind::Login, SecretKind::Ticket];

    /// What it begins with: scanners for leaked secrets find it, and people see what they hold.
    pub fn prefix(self) -> &'static str {
        match self {
            SecretKind::Key => "ivk_",
            SecretKind::Invitation => "ivi_",
            SecretKind::Login => "ivl_",
            SecretKind::Ticket => "ivt_",
        }
    }
}

/// A secret as it is handed out. Never printed by itself.
pub struct Handed {
    text: String,
    /// What is kept of it.
    pub hash: SecretHash,
}

impl Handed {
    /// Makes one for a credential.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[expect(clippy::disallowed_methods, reason = "the one source of secrets that are handed out")]
    pub fn make(kind: SecretKind, id: CredentialId) -> Handed {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).expect("the system has randomness");
        let bytes = [&id.0.to_be_bytes()[..], &secret].concat();
        let text = format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes));
        Handed { text, hash: hash(kind, &secret) }
    }

    /// The text, for whoever it is for.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handed(…)")
    }
}

/// A secret as somebody presents it.
#[derive(Clone, Copy)]
pub struct Presented {
    /// Which credential it says it is.
    pub id: CredentialId,
    hash: SecretHash,
}

impl Presented {
    /// Reads a text as a secret of a kind; none when it is not the text of one.
    pub fn read(kind: SecretKind, text: &str) -> Option<Presented> {
        let encoded = text.strip_prefix(kind.prefix()).filter(|encoded| encoded.len() == ENCODED_CHARS)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (id, secret) = bytes.split_first_chunk::<ID_BYTES>()?;
        Some(Presented { id: CredentialId(u128::from_be_bytes(*id)), hash: hash(kind, secret) })
    }

    /// True when it is the secret that was handed out. Takes the same time whatever is wrong with it.
    pub fn is(&self, kept: SecretHash) -> bool {
        self.hash.0.ct_eq(&kept.0).into()
    }
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({}, …)", self.id)
    }
}

fn hash(kind: SecretKind, secret: &[u8]) -> SecretHash {
    let mut hasher = Sha256::new();
    hasher.update(kind.prefix());
    hasher.update(secret);
    SecretHash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_out_is_taken_as_what_it_is_and_as_nothing_else() {
        let id = CredentialId(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
        for kind in SecretKind::ALL {
            let handed = Handed::make(kind, id);
            let presented = Presented::read(kind, handed.reveal()).expect("a secret");
            assert!(presented.id == id && presented.is(handed.hash));
            assert!(!presented.is(Handed::make(kind, id).hash), "another secret of the same credential");
            for other in SecretKind::ALL.into_iter().filter(|other| *other != kind) {
                assert!(Presented::read(other, handed.reveal()).is_none());
                let renamed = handed.reveal().replacen(kind.prefix(), other.prefix(), 1);
                assert!(!Presented::read(other, &renamed).expect("a secret").is(handed.hash));
            }
        }
    }

    #[test]
    fn a_text_that_is_none_is_none() {
        let good = Handed::make(SecretKind::Key, CredentialId(1)).reveal().to_owned();
        for text in ["", "ivk_", &good[..good.len() - 1], &format!("{good}A"), &good.replacen("ivk_", "ivk_=", 1)] {
            assert!(Presented::read(SecretKind::Key, text).is_none(), "{text}");
        }
    }

    #[test]
    fn promise_a4_a_secret_does_not_print_itself() {
        let handed = Handed::make(SecretKind::Key, CredentialId(1));
        let presented = Presented::read(SecretKind::Key, handed.reveal()).expect("a secret");
        let shown = format!("{handed:?} {presented:?} {:?}", handed.hash);
        assert!(!shown.contains(&handed.reveal()[30..]), "{shown}");
        assert_eq!(shown, "Handed(…) Presented(00000000-0000-0000-0000-000000000001, …) SecretHash(…)");
    }
}
