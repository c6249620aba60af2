//! Passwords of accounts: Argon2id (RFC 9106), with a salt of their own, in the PHC string format.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::domain::access::PasswordHash;

/// The fewest characters of a password (NIST SP 800-63B rev. 4 §3.1.1: at least 15 where it is the only factor).
pub const PASSWORD_LENGTH_MIN: usize = 15;
/// The most bytes of a password: longer ones are not worth hashing.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// How many random bytes a salt has (RFC 9106 §3.1).
const SALT_BYTES: usize = 16;
/// How many characters of a made-up password are random, of 32 that cannot be mistaken for each other: 120 bits.
const MADE_CHARS: usize = 24;
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why a password cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitPassword {
    /// It is too short.
    #[error("must have at least {PASSWORD_LENGTH_MIN} characters")]
    TooShort,
    /// It is too long.
    #[error("must have at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// It is the login, or one character again and again.
    #[error("must not be the login, nor one character again and again")]
    TooPlain,
}

/// Says whether a password may be chosen. Takes no time to speak of.
///
/// # Errors
/// [`UnfitPassword`] when not.
pub fn check_password(password: &str, login: &str) -> Result<(), UnfitPassword> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(UnfitPassword::TooLong);
    }
    if password.chars().count() < PASSWORD_LENGTH_MIN {
        return Err(UnfitPassword::TooShort);
    }
    let first = password.chars().next();
    if password.to_lowercase() == login.to_lowercase() || password.chars().all(|c| Some(c) == first) {
        return Err(UnfitPassword::TooPlain);
    }
    Ok(())
}

/// Hashes a password; takes tens of milliseconds and 19 MiB by design (the library's default costs are those of the
/// OWASP password storage cheat sheet: 19 MiB, two passes, one lane).
///
/// # Panics
/// When the system has no randomness.
#[expect(clippy::disallowed_methods, reason = "the one source of salts of passwords")]
pub fn hash_password(password: &str) -> PasswordHash {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).expect("the system has randomness");
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    PasswordHash(hash.expect("the default costs and a salt of 16 bytes are in range").to_string())
}

/// True when a password is the one that was hashed. Takes as long as hashing it, also when there is no hash to hold
/// it against, so that the time does not tell which accounts there are.
pub fn is_password(password: &str, kept: Option<&PasswordHash>) -> bool {
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    match kept {
        Some(kept) => Argon2::default().verify_password(password.as_bytes(), kept.0.as_str()).is_ok(),
        None => {
            hash_password(password);
            false
        }
    }
}

/// A password that nobody has chosen, to be given out once.
///
/// # Panics
/// When the system has no randomness.
#[expect(clippy::disallowed_methods, reason = "the one source of passwords that are given out")]
pub fn make_password() -> String {
    let mut random = [0; MADE_CHARS];
    getrandom::fill(&mut random).expect("the system has randomness");
    let chars: Vec<char> = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    chars.chunks(6).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let kept = hash_password("correct horse battery");
        assert!(kept.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.0);
        assert_ne!(kept, hash_password("correct horse battery"), "a salt of its own");
        assert!(is_password("correct horse battery", Some(&kept)));
        assert!(!is_password("correct horse batterY", Some(&kept)));
        assert!(!is_password("correct horse battery", None));
        assert!(!is_password(&"a".repeat(1 << 20), Some(&kept)));
        assert!(!is_password("correct horse battery", Some(&PasswordHash("no hash".to_owned()))));
        assert_eq!(format!("{kept:?}"), "PasswordHash(…)");
    }

    #[test]
    fn a_password_that_anybody_would_try_is_refused() {
        assert_eq!(check_password("correct horse battery", "ana"), Ok(()));
        assert_eq!(check_password("fourteen chars", "ana"), Err(UnfitPassword::TooShort));
        assert_eq!(check_password("senha de água!!", "ana"), Ok(()), "fifteen characters, whatever their bytes");
        assert_eq!(check_password(&"x".repeat(1025), "ana"), Err(UnfitPassword::TooLong));
        assert_eq!(check_password(&"x".repeat(30), "ana"), Err(UnfitPassword::TooPlain));
        assert_eq!(check_password("ana.souza@acme.example", "Ana.Souza@acme.example"), Err(UnfitPassword::TooPlain));
    }

    #[test]
    fn a_made_password_may_be_chosen_and_is_made_once() {
        let made: HashSet<String> = (0..100).map(|_| make_password()).collect();
        assert_eq!(made.len(), 100);
        assert!(made.iter().all(|password| check_password(password, "admin").is_ok() && password.len() == 27));
    }
}
