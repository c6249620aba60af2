//! Passwords of accounts: Argon2id (RFC 9106), with a salt of their own, in the PHC string format.

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

use crate::domain::access::PasswordHash;

/// The fewest characters of a password (NIST SP 800-63B rev. 4 §3.1.1: at least 15 where it is the only factor).
pub const PASSWORD_LENGTH_MIN: usize = 15;
/// The most bytes of a password: longer ones are not worth hashing.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// How many random bytes a salt has (RFC 9106 §3.1).
const SALT_BYTES: usize = 16;
/// How many bytes a hash has (the library's default).
const OUTPUT_BYTES: usize = 32;
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
    let argon2 = Argon2::default();
    let mut output = [0; OUTPUT_BYTES];
    let hashed = fill(&argon2, password, &salt, &mut output).and_then(|()| {
        Some(phc::PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon2.params()).ok()?,
            salt: Some(Salt::new(&salt).ok()?),
            hash: Some(Output::new(&output).ok()?),
        })
    });
    PasswordHash(hashed.expect("the default costs and a salt of 16 bytes are in range").to_string())
}

/// True when a password is the one that was hashed. Takes as long as hashing it, also when there is no hash to hold
/// it against, so that the time does not tell which accounts there are.
pub fn is_password(password: &str, kept: Option<&PasswordHash>) -> bool {
    if password.len() > PASSWORD_BYTES_MAX {
        return false;
    }
    match kept {
        Some(kept) => is_hash_of(password, &kept.0).unwrap_or(false),
        None => {
            hash_password(password);
            false
        }
    }
}

fn is_hash_of(password: &str, kept: &str) -> Option<bool> {
    let kept = phc::PasswordHash::new(kept).ok()?;
    let algorithm = Algorithm::try_from(kept.algorithm.as_str()).ok()?;
    let version = kept.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(&kept).ok()?);
    let (salt, expected) = (kept.salt?, kept.hash?);
    let mut output = vec![0; expected.len()];
    fill(&argon2, password, &salt, &mut output)?;
    Some(output.ct_eq(expected.as_bytes()).into())
}

/// Hashes with memory that goes back to the system at once. Memory of the usual size would stay with each thread that ever
/// hashed one: glibc maps and unmaps what is larger than 32 MiB, whatever was freed before (`mallopt(3)`, M_MMAP_THRESHOLD),
/// and what of a mapping is not touched costs nothing.
fn fill(argon2: &Argon2<'_>, password: &str, salt: &[u8], output: &mut [u8]) -> Option<()> {
    const MAPPED_BYTES: usize = 33 * 1024 * 1024;
    let count = argon2.params().block_count();
    let mut memory: Vec<Block> = Vec::with_capacity(count.max(MAPPED_BYTES / size_of::<Block>()));
    memory.resize(count, Block::default());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut memory[..]).ok()
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

    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

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
    fn hashes_are_those_of_the_library() {
        let ours = hash_password("correct horse battery");
        let library = Argon2::default();
        assert!(library.verify_password(b"correct horse battery", ours.0.as_str()).is_ok());
        let theirs = library.hash_password_with_salt(b"correct horse battery", &[7; 16]).expect("hashed");
        assert!(is_password("correct horse battery", Some(&PasswordHash(theirs.to_string()))));
        // RFC 9106 §5.3 has secret and data besides; this one is of the reference implementation's test.c: 64 MiB, two passes.
        let reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(is_password("password", Some(&PasswordHash(reference.to_owned()))));
        assert!(!is_password("passwore", Some(&PasswordHash(reference.to_owned()))));
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
