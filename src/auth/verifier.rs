//! Checks bearer tokens: finds the issuer, and holds the token against what that issuer is pinned to.
//!
//! Algorithms, audience and tenant are pinned by the settings, never taken from the token; the token's own words only choose
//! among the issuers and among their keys. Every token that does not hold is refused in the same words, so that a refusal
//! teaches nothing.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::jwks::ProviderKeys;
use super::key::TokenKey;
use super::principal::{Newcomer, Principal};
use super::token::{AUDIENCE, ISSUER, ReadClaims, TOKEN_LENGTH_MAX, Unauthenticated};
use crate::config::{Issuer, Provision, SignatureAlgorithm};
use crate::domain::id::{PrincipalId, TenantId};
use crate::domain::time::Timestamp;
use crate::ports::Clock;

/// Checks credentials.
#[derive(Clone)]
pub struct Verifier {
    issuers: Arc<[TrustedIssuer]>,
}

/// One issuer, with all that its tokens are held against.
struct TrustedIssuer {
    iss: PrincipalId,
    keys: Keys,
    tenant: Option<TenantId>,
    provision: Provision,
}

/// What the claims of an issuer's tokens are proven with.
enum Keys {
    /// HS256 with a key of our own.
    Secret(Box<(DecodingKey, Validation)>),
    /// Public keys of somebody else, by the algorithms that they may sign with.
    Public(Arc<ProviderKeys>, Vec<(SignatureAlgorithm, Validation)>),
}

/// The claim that says who else to ask, before anything is proven.
#[derive(Deserialize)]
struct Unproven {
    iss: String,
}

impl Verifier {
    /// Accepts tokens signed with `key` alone; agents must be in the directory.
    pub fn with_key(key: &TokenKey) -> Verifier {
        Verifier { issuers: Arc::new([own_issuer(key, Provision::Directory)]) }
    }

    /// Accepts tokens signed with a key of our own, where there is one, and those of `issuers`. Their keys are at hand as
    /// long as somebody runs [`Verifier::keep_keys`].
    pub fn new(own: Option<(&TokenKey, Provision)>, issuers: &[Issuer], clock: &Arc<dyn Clock>) -> Verifier {
        let own = own.map(|(key, provision)| own_issuer(key, provision));
        let others = (1..).zip(issuers).map(|(number, issuer)| provider(number, issuer, Arc::clone(clock)));
        Verifier { issuers: own.into_iter().chain(others).collect() }
    }

    /// True where an identity provider of somebody else may speak for a tenant.
    pub fn has_provider_of(&self, tenant: &TenantId) -> bool {
        let speaks = |issuer: &TrustedIssuer| issuer.tenant.as_ref().is_none_or(|only| only == tenant);
        self.issuers.iter().any(|issuer| matches!(issuer.keys, Keys::Public(..)) && speaks(issuer))
    }

    /// Tasks that read the public keys of the issuers, now and again for as long as they run; one an issuer.
    pub fn keep_keys(&self) -> Vec<impl Future<Output = ()> + Send + use<>> {
        let keys = self.issuers.iter().filter_map(|issuer| match &issuer.keys {
            Keys::Secret(_) => None,
            Keys::Public(keys, _) => Some(Arc::clone(keys).keep()),
        });
        keys.collect()
    }

    /// The principal that a token speaks for at `now`. Waits at most two seconds, where the token names a key that a newer set
    /// of its issuer may have.
    ///
    /// # Errors
    /// [`Unauthenticated`] for every token that does not hold, whatever is wrong with it.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Unauthenticated> {
        if token.len() > TOKEN_LENGTH_MAX {
            return Err(Unauthenticated);
        }
        let unproven: Unproven = jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Unauthenticated)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.iss.as_str() == unproven.iss).ok_or(Unauthenticated)?;
        let claims = issuer.prove(token).await?;
        claims.principal(issuer.tenant.as_ref(), now).map(|told| issuer.with_newcomer(told)).ok_or(Unauthenticated)?
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(…)")
    }
}

impl TrustedIssuer {
    /// The claims, where one of the issuer's keys has signed them in a way that it may.
    async fn prove(&self, token: &str) -> Result<ReadClaims, Unauthenticated> {
        match &self.keys {
            Keys::Secret(own) => decode(token, &own.0, &own.1),
            Keys::Public(keys, allowed) => {
                let header = jsonwebtoken::decode_header(token).map_err(|_| Unauthenticated)?;
                let signed_with = |algorithm: &SignatureAlgorithm| library_name(*algorithm) == header.alg;
                let (algorithm, validation) =
                    allowed.iter().find(|(algorithm, _)| signed_with(algorithm)).ok_or(Unauthenticated)?;
                let key = keys.key(header.kid.as_deref(), *algorithm).await.ok_or(Unauthenticated)?;
                decode(token, &key, validation)
            }
        }
    }

    /// With the claims that matter where agents are put into the directory.
    fn with_newcomer(
        &self,
        (principal, name): (Principal, Option<serde_json::Value>),
    ) -> Result<Principal, Unauthenticated> {
        let newcomer = match self.provision {
            Provision::Directory => None,
            Provision::Jit => {
                let name = name.map(serde_json::from_value).transpose().map_err(|_| Unauthenticated)?;
                Some(Newcomer { name, issuer: self.iss.clone() })
            }
        };
        Ok(Principal { newcomer, ..principal })
    }
}

fn decode(token: &str, key: &DecodingKey, validation: &Validation) -> Result<ReadClaims, Unauthenticated> {
    let read = jsonwebtoken::decode::<ReadClaims>(token, key, validation).map_err(|_| Unauthenticated)?;
    // `crit` says "understand these or refuse" (RFC 7515 §4.1.11). None are understood here, and the library
    // passes over it.
    if read.header.crit.is_some() { Err(Unauthenticated) } else { Ok(read.claims) }
}

fn own_issuer(key: &TokenKey, provision: Provision) -> TrustedIssuer {
    let validation = validation(Algorithm::HS256, ISSUER, AUDIENCE);
    let keys = Keys::Secret(Box::new((DecodingKey::from_secret(key.bytes()), validation)));
    let iss = PrincipalId::new(ISSUER).expect("our own name is an id");
    TrustedIssuer { iss, keys, tenant: None, provision }
}

/// An issuer of the settings, and its place among them.
fn provider(number: usize, issuer: &Issuer, clock: Arc<dyn Clock>) -> TrustedIssuer {
    let Issuer { iss, keys, aud, algorithms, tenant, provision } = issuer;
    let allowed = algorithms.iter().map(|one| (*one, validation(library_name(*one), iss.as_str(), aud))).collect();
    let keys = Keys::Public(Arc::new(ProviderKeys::new(number, iss.as_str(), keys.clone(), clock)), allowed);
    TrustedIssuer { iss: iss.clone(), keys, tenant: tenant.clone(), provision: *provision }
}

fn validation(algorithm: Algorithm, iss: &str, aud: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[iss]);
    validation.set_audience(&[aud]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The library would read the system's clock; `verify` is handed the time instead.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn library_name(algorithm: SignatureAlgorithm) -> Algorithm {
    match algorithm {
        SignatureAlgorithm::EdDsa => Algorithm::EdDSA,
        SignatureAlgorithm::Es256 => Algorithm::ES256,
        SignatureAlgorithm::Rs256 => Algorithm::RS256,
    }
}

#[cfg(test)]
mod tests;
