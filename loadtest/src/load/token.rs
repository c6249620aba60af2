//! Tokens for many, signed as a host application would (`docs/protocol.md`, "Credentials").

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::failure::{Failure, Outcome, While};

/// The key's file in a data folder.
pub(super) const KEY_FILE: &str = "token.key";
/// The shortest key that a server takes, in bytes.
const KEY_LENGTH_MIN: usize = 32;
/// How long a token holds: longer than any run.
const HOLDS_FOR: Duration = Duration::from_secs(12 * 3600);

/// Signs tokens for one tenant.
pub(super) struct Signer {
    key: EncodingKey,
    tenant: String,
}

/// What one token says beside who it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role<'a> {
    /// An agent.
    Agent,
    /// A supervisor of one team.
    Supervisor {
        /// The team.
        team: &'a str,
    },
    /// An administrator.
    Admin,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    aud: &'static str,
    exp: u64,
    sub: &'a str,
    tenant: &'a str,
    roles: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<[&'a str; 1]>,
}

impl Signer {
    /// Takes the key from its file.
    ///
    /// # Errors
    /// [`Failure`] when the file cannot be read or holds no key.
    pub(super) fn from_file(path: &Path, tenant: &str) -> Outcome<Signer> {
        let text = std::fs::read_to_string(path).while_doing(format!("cannot read the key {}", path.display()))?;
        let bytes = bytes_of(text.trim()).filter(|bytes| bytes.len() >= KEY_LENGTH_MIN).ok_or_else(|| {
            Failure::new(format!(
                "{} is no key of a server: it must hold at least {} hexadecimal digits",
                path.display(),
                2 * KEY_LENGTH_MIN
            ))
        })?;
        Ok(Signer { key: EncodingKey::from_secret(&bytes), tenant: tenant.to_owned() })
    }

    /// The tenant.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// A token for somebody.
    ///
    /// # Errors
    /// [`Failure`] when the library cannot sign.
    pub(super) fn sign(&self, role: Role<'_>, subject: &str) -> Outcome<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (word, teams) = match role {
            Role::Agent => ("agent", None),
            Role::Supervisor { team } => ("supervisor", Some([team])),
            Role::Admin => ("admin", None),
        };
        let claims = Claims {
            iss: "intervalo",
            aud: "intervalo",
            exp: (now + HOLDS_FOR).as_secs(),
            sub: subject,
            tenant: &self.tenant,
            roles: [word],
            teams,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.key).while_doing("cannot sign a token")
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

fn bytes_of(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hexadecimal
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::load::folder::Folder;

    fn claims(token: &str, key: &[u8]) -> Value {
        let mut validation = jsonwebtoken::Validation::new(Algorithm::HS256);
        validation.set_issuer(&["intervalo"]);
        validation.set_audience(&["intervalo"]);
        let key = jsonwebtoken::DecodingKey::from_secret(key);
        jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a token that holds").claims
    }

    #[test]
    fn tokens_say_what_the_protocol_asks_for() {
        let folder = Folder::make(None).expect("a folder");
        let file = folder.path().join(KEY_FILE);
        std::fs::write(&file, "0a".repeat(32) + "\n").expect("written");
        let signer = Signer::from_file(&file, "acme").expect("a key");
        let token = signer.sign(Role::Supervisor { team: "suporte" }, "maria").expect("a token");
        let told = claims(&token, &[10; 32]);
        assert_eq!((&told["sub"], &told["tenant"]), (&Value::from("maria"), &Value::from("acme")));
        assert_eq!(told["roles"], serde_json::json!(["supervisor"]));
        assert_eq!(told["teams"], serde_json::json!(["suporte"]));
        let agent = claims(&signer.sign(Role::Agent, "ana").expect("a token"), &[10; 32]);
        assert_eq!(agent.get("teams"), None);
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        let folder = Folder::make(None).expect("a folder");
        let file = folder.path().join(KEY_FILE);
        for text in ["", "0a0b", &"0g".repeat(32), &"a".repeat(65)] {
            std::fs::write(&file, text).expect("written");
            let told = Signer::from_file(&file, "acme").expect_err("refused").to_string();
            assert!(told.contains("at least 64 hexadecimal digits"), "{told}");
        }
        let missing = Signer::from_file(&folder.path().join("none"), "acme").expect_err("refused").to_string();
        assert!(missing.contains("cannot read the key"), "{missing}");
    }
}
