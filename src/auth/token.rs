//! Bearer tokens: JSON Web Tokens, what they say, and how the installation issues its own, with HS256.

use std::collections::BTreeSet;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::key::TokenKey;
use super::principal::{Principal, Proof, Role};
use crate::config::OWN_ISSUER;
use crate::domain::id::{PrincipalId, TeamId, TenantId};
use crate::domain::time::Timestamp;

/// The `iss` of the tokens that this installation issues and accepts.
pub const ISSUER: &str = OWN_ISSUER;
/// The `aud` of the tokens that this installation issues and accepts.
pub const AUDIENCE: &str = "intervalo";
/// The longest token that is looked at, in bytes: room for some hundred teams, and a refusal of a
/// giant one costs nothing.
pub const TOKEN_LENGTH_MAX: usize = 8 * 1024;

/// The credential does not hold. Why, is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credential is missing, not valid, or has ended")]
pub struct Unauthenticated;

/// What a new token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who it speaks for.
    pub id: PrincipalId,
    /// Their tenant.
    pub tenant: TenantId,
    /// What they are to it.
    pub roles: BTreeSet<Role>,
    /// The teams that a supervisor is over.
    pub teams: Option<BTreeSet<TeamId>>,
}

/// A token could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// It would be longer than [`TOKEN_LENGTH_MAX`], and no server would look at it.
    #[error("the token would have {0} bytes, more than the {TOKEN_LENGTH_MAX} that are accepted; name fewer teams")]
    TooLong(usize),
    /// The signing library failed.
    #[error("the token cannot be signed: {0}")]
    Sign(String),
}

/// The claims as they are read. `iss` and `aud` are held against the expected ones by the library;
/// a claim of another type than the one here makes the token invalid.
#[derive(Deserialize)]
pub(super) struct ReadClaims {
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
    sub: String,
    #[serde(default, deserialize_with = "not_null")]
    tenant: Option<String>,
    roles: Vec<String>,
    #[serde(default)]
    teams: Option<Vec<String>>,
    /// Matters only where agents are put into the directory, and is looked at only there.
    #[serde(default)]
    name: Option<Value>,
}

/// A claim that is a text where it is there at all.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

#[derive(Serialize)]
struct IssuedClaims<'a> {
    iss: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
    sub: &'a str,
    tenant: &'a str,
    roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<&'a str>>,
}

impl ReadClaims {
    /// Who they speak for at `now`, and the name that they give. An issuer that is pinned to a tenant need not name it, and may
    /// name no other.
    pub(super) fn principal(self, pinned: Option<&TenantId>, now: Timestamp) -> Option<(Principal, Option<Value>)> {
        let expires_at = instant(self.exp)?;
        let issued_at = match self.iat {
            Some(iat) => Some(instant(iat)?),
            None => None,
        };
        let too_early = match self.nbf {
            Some(nbf) => now < instant(nbf)?,
            None => false,
        };
        if now >= expires_at || too_early {
            return None;
        }
        let named = match self.tenant {
            Some(tenant) => Some(TenantId::new(&tenant).ok()?),
            None => None,
        };
        let tenant = match (named, pinned) {
            (Some(named), Some(pinned)) if named != *pinned => return None,
            (Some(named), _) => named,
            (None, pinned) => pinned?.clone(),
        };
        // A word that names no role gives no right; a token without any right is no credential.
        let roles = self.roles.iter().filter_map(|word| word.parse().ok());
        // Whoever speaks for one tenant cannot make anybody an operator, who sees which others there are.
        let roles: BTreeSet<Role> = roles.filter(|role| pinned.is_none() || *role != Role::Operator).collect();
        let teams: Option<BTreeSet<TeamId>> = match self.teams {
            Some(teams) => Some(teams.iter().map(|team| TeamId::new(team).ok()).collect::<Option<_>>()?),
            None => None,
        };
        let id = PrincipalId::new(&self.sub).ok()?;
        let proof = Proof::Token { issued_at };
        let principal = Principal { id, tenant, roles, teams, expires_at, proof, newcomer: None };
        (!principal.roles.is_empty()).then_some((principal, self.name))
    }
}

/// A NumericDate (RFC 7519 §2: seconds, a fraction allowed) as an instant.
fn instant(seconds: f64) -> Option<Timestamp> {
    /// Year 9999: later ones cannot be written as RFC 3339.
    const LATEST_S: f64 = 253_402_300_799.0;
    (seconds >= 0.0).then(|| Timestamp((seconds.min(LATEST_S) * 1000.0) as i64))
}

impl TokenKey {
    /// Signs a token that holds from `now` for `ttl`, in whole seconds.
    ///
    /// # Errors
    /// [`IssueError`] when it would be too long to be accepted, or cannot be signed.
    pub fn issue(&self, grant: &Grant, now: Timestamp, ttl: Duration) -> Result<String, IssueError> {
        let issued_at_s = now.0.div_euclid(1000);
        let claims = IssuedClaims {
            iss: ISSUER,
            aud: AUDIENCE,
            iat: issued_at_s,
            exp: issued_at_s.saturating_add(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)),
            sub: grant.id.as_str(),
            tenant: grant.tenant.as_str(),
            roles: grant.roles.iter().map(|role| role.as_str()).collect(),
            teams: grant.teams.as_ref().map(|teams| teams.iter().map(TeamId::as_str).collect()),
        };
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(self.bytes()))
                .map_err(|error| IssueError::Sign(error.to_string()))?;
        if token.len() > TOKEN_LENGTH_MAX {
            return Err(IssueError::TooLong(token.len()));
        }
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;
    use crate::auth::Verifier;

    const NOW: Timestamp = Timestamp(1_795_381_069_123);
    const NOW_S: i64 = 1_795_381_069;

    fn key() -> TokenKey {
        TokenKey::from_bytes(&[42; 32]).expect("long enough")
    }

    /// A key of our own is at hand: there is nothing to wait for.
    fn at_once(verifier: &Verifier, token: &str, now: Timestamp) -> Result<Principal, Unauthenticated> {
        verifier.verify(token, now).now_or_never().expect("at once")
    }

    fn sign(algorithm: Algorithm, key: &[u8], claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).expect("signed")
    }

    fn good() -> Value {
        json!({"iss": "intervalo", "aud": "intervalo", "exp": NOW_S + 60, "sub": "ana", "tenant": "acme",
               "roles": ["agent"]})
    }

    fn with(field: &str, value: Value) -> Value {
        let mut claims = good();
        claims[field] = value;
        claims
    }

    fn without(field: &str) -> Value {
        let mut claims = good();
        claims.as_object_mut().expect("an object").remove(field);
        claims
    }

    fn verify(claims: &Value) -> Result<Principal, Unauthenticated> {
        at_once(&Verifier::with_key(&key()), &sign(Algorithm::HS256, &[42; 32], claims), NOW)
    }

    #[test]
    fn an_issued_token_gives_back_what_was_granted() {
        let grant = Grant {
            id: PrincipalId::new("sofia").expect("an id"),
            tenant: TenantId::new("acme").expect("an id"),
            roles: BTreeSet::from([Role::Supervisor]),
            teams: Some(BTreeSet::from([TeamId::new("suporte").expect("an id")])),
        };
        let token = key().issue(&grant, NOW, Duration::from_secs(60)).expect("issued");
        let verifier = Verifier::with_key(&key());
        let principal = at_once(&verifier, &token, NOW).expect("holds");
        assert_eq!(principal.id, grant.id);
        assert_eq!(principal.tenant, grant.tenant);
        assert_eq!(principal.roles, grant.roles);
        assert_eq!(principal.teams, grant.teams);
        assert_eq!(principal.expires_at, Timestamp((NOW_S + 60) * 1000));
        assert!(at_once(&verifier, &token, Timestamp((NOW_S + 60) * 1000 - 1)).is_ok());
        assert_eq!(at_once(&verifier, &token, Timestamp((NOW_S + 60) * 1000)), Err(Unauthenticated));
    }

    #[test]
    fn promise_a3_no_token_that_is_expired_mistyped_or_for_another_authenticates() {
        assert!(verify(&good()).is_ok(), "the token that the others are bent from holds");
        let bent = [
            ("expired", with("exp", json!(NOW_S))),
            ("exp a string", with("exp", json!((NOW_S + 60).to_string()))),
            ("exp \"9\"", with("exp", json!("9"))),
            ("exp negative", with("exp", json!(-1))),
            ("exp missing", without("exp")),
            ("not yet", with("nbf", json!(NOW_S + 10))),
            ("nbf a string", with("nbf", json!("1"))),
            ("iat a string", with("iat", json!("1"))),
            ("another issuer", with("iss", json!("somebody"))),
            ("no issuer", without("iss")),
            ("another audience", with("aud", json!("somebody"))),
            ("no audience", without("aud")),
            ("no subject", without("sub")),
            ("subject a number", with("sub", json!(1))),
            ("empty subject", with("sub", json!(""))),
            ("subject not printable", with("sub", json!("a\u{0}b"))),
            ("no tenant", without("tenant")),
            ("tenant null", with("tenant", Value::Null)),
            ("no roles", without("roles")),
            ("empty roles", with("roles", json!([]))),
            ("roles a word", with("roles", json!("admin"))),
            ("unknown roles only", with("roles", json!(["boss"]))),
            ("teams a word", with("teams", json!("suporte"))),
            ("a team that is no id", with("teams", json!([""]))),
        ];
        for (what, claims) in bent {
            assert_eq!(verify(&claims), Err(Unauthenticated), "{what}");
        }
    }

    #[test]
    fn promise_a3_a_token_with_a_condition_that_is_not_understood_does_not_authenticate() {
        let header = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &good(), &EncodingKey::from_secret(&[42; 32])).expect("signed");
        assert_eq!(at_once(&Verifier::with_key(&key()), &token, NOW), Err(Unauthenticated));
    }

    #[test]
    fn promise_a3_no_token_of_another_algorithm_or_key_authenticates() {
        let verifier = Verifier::with_key(&key());
        let longer = sign(Algorithm::HS512, &[42; 32], &good());
        let stranger = sign(Algorithm::HS256, &[43; 32], &good());
        let signed = sign(Algorithm::HS256, &[42; 32], &good());
        let parts: Vec<&str> = signed.split('.').collect();
        // {"alg":"none","typ":"JWT"}
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
        let unsigned = format!("{}.{}.", parts[0], parts[1]);
        let other = sign(Algorithm::HS256, &[42; 32], &with("sub", json!("bruno")));
        let swapped = format!("{}.{}.{}", parts[0], other.split('.').nth(1).expect("claims"), parts[2]);
        for token in [longer.as_str(), &stranger, &none, &unsigned, &swapped, "", "..", "a.b.c", "ana"] {
            assert_eq!(at_once(&verifier, token, NOW), Err(Unauthenticated), "{token}");
        }
        assert_eq!(at_once(&verifier, &"a".repeat(1 << 20), NOW), Err(Unauthenticated));
    }

    #[test]
    fn a_token_too_long_to_be_accepted_is_not_issued() {
        let grant = Grant {
            id: PrincipalId::new("sofia").expect("an id"),
            tenant: TenantId::new("acme").expect("an id"),
            roles: BTreeSet::from([Role::Supervisor]),
            teams: Some((0..1000).map(|n| TeamId::new(&format!("team-{n}")).expect("an id")).collect()),
        };
        let refused = key().issue(&grant, NOW, Duration::from_secs(60)).expect_err("refused");
        assert!(matches!(refused, IssueError::TooLong(bytes) if bytes > TOKEN_LENGTH_MAX));
    }
}
