//! Credentials: turns a bearer token into a [`Principal`], and says what a principal may do.
//!
//! It knows no socket and no wire format; what it asks others for, their public keys, it asks in `jwks`. A new kind of
//! credential is one more module here that ends in a [`Principal`].

mod first_administrator;
mod jwks;
mod key;
mod password;
mod principal;
mod roles;
mod secret;
#[cfg(test)]
mod test_keys;
mod token;
mod vault;
mod verifier;

pub use first_administrator::{FIRST_ADMINISTRATOR, first_administrator};
pub use key::{KEY_FILE, KEY_LENGTH_MIN, KeyError, TokenKey};
pub use password::{
    PASSWORD_BYTES_MAX, PASSWORD_LENGTH_MIN, UnfitPassword, check_password, hash_password, is_password, make_password,
};
pub use principal::{AllTenants, Newcomer, Principal, Proof, Role, UnknownRole};
pub use roles::{Action, Forbidden, Reach, Scope, Target, reach};
pub use secret::{Handed, Presented, SecretKind, fresh_credential_id};
pub use token::{AUDIENCE, Grant, ISSUER, IssueError, TOKEN_LENGTH_MAX, Unauthenticated};
pub use vault::Vault;
pub use verifier::Verifier;
