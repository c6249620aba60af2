//! A set of public keys (RFC 7517 §5): what of it can be used, and which key a token is to be checked with.
//!
//! A set comes from outside. What is not understood in it is passed over, so that a provider may add keys of a kind
//! that is not used here; a set that is none is refused as a whole.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::config::SignatureAlgorithm;

/// The largest set that is read, in bytes: a provider's has some few keys of about 400 bytes, 2 KiB with certificates.
pub(super) const SET_BYTES_MAX: usize = 64 * 1024;
/// The most keys of a set, also of those that are passed over.
const KEYS_MAX: usize = 100;
/// The shortest modulus of an RSA key that is accepted, in bits (RFC 7518 §3.3).
const RSA_BITS_MIN: usize = 2048;
/// The longest that is accepted: the library that checks signatures takes no longer one.
const RSA_BITS_MAX: usize = 8192;
/// The longest exponent of an RSA key, in bytes: the library takes up to 33 bits, everybody uses 65537.
const RSA_EXPONENT_BYTES_MAX: usize = 5;
/// The length of a coordinate on P-256, and of an Ed25519 key, in bytes.
const COORDINATE_BYTES: usize = 32;

/// Why a document is no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SetProblem {
    /// It is too long.
    #[error("the set has more than {SET_BYTES_MAX} bytes")]
    TooLong,
    /// It is not JSON of the form `{"keys": […]}`.
    #[error("what is there is no set of keys: it is not of the form {{\"keys\": […]}}")]
    NotASet,
    /// It has too many keys.
    #[error("the set has more than {KEYS_MAX} keys")]
    TooManyKeys,
}

/// The keys that can be used.
#[derive(Default)]
pub(super) struct KeySet {
    keys: Vec<Key>,
    passed_over: usize,
}

struct Key {
    id: Option<String>,
    algorithm: SignatureAlgorithm,
    key: Arc<DecodingKey>,
}

/// What a set has for a token.
pub(super) enum Choice {
    /// The key.
    Key(Arc<DecodingKey>),
    /// None of this id. A newer set may have it.
    UnknownId,
    /// None, and a newer set would not help: the token does not say which, or its key is of another kind.
    None,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// The parameters of a key that matter here (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
#[derive(Deserialize)]
struct Parameters {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    /// The secret half of a key that is not to be published, and so is nobody's any more.
    #[serde(default)]
    d: Option<IgnoredAny>,
}

impl KeySet {
    /// Reads a set; keys that cannot be used are passed over.
    ///
    /// # Errors
    /// [`SetProblem`] when it is none, or too large.
    pub(super) fn read(document: &[u8]) -> Result<KeySet, SetProblem> {
        if document.len() > SET_BYTES_MAX {
            return Err(SetProblem::TooLong);
        }
        let Document { keys } = serde_json::from_slice(document).map_err(|_| SetProblem::NotASet)?;
        if keys.len() > KEYS_MAX {
            return Err(SetProblem::TooManyKeys);
        }
        let count = keys.len();
        let keys: Vec<Key> = keys.into_iter().filter_map(usable).collect();
        let passed_over = count - keys.len();
        Ok(KeySet { keys, passed_over })
    }

    /// How many keys can be used.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// How many were passed over.
    pub(super) fn passed_over(&self) -> usize {
        self.passed_over
    }

    /// The key for a token of an algorithm that names a key, or that names none.
    pub(super) fn choose(&self, id: Option<&str>, algorithm: SignatureAlgorithm) -> Choice {
        let Some(id) = id else {
            let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Choice::Key(Arc::clone(&key.key)),
                (Some(_), Some(_)) | (None, _) => Choice::None,
            };
        };
        let mut named = self.keys.iter().filter(|key| key.id.as_deref() == Some(id)).peekable();
        if named.peek().is_none() {
            return Choice::UnknownId;
        }
        named.find(|key| key.algorithm == algorithm).map_or(Choice::None, |key| Choice::Key(Arc::clone(&key.key)))
    }
}

/// The key, where it is a public one for checking signatures of an algorithm that is used here, and strong enough.
fn usable(value: Value) -> Option<Key> {
    let parameters: Parameters = serde_json::from_value(value).ok()?;
    let is_for_signatures = parameters.usage.as_deref().is_none_or(|usage| usage == "sig");
    let may_verify = parameters.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !is_for_signatures || !may_verify || parameters.d.is_some() {
        return None;
    }
    let (algorithm, key) = match (parameters.kty.as_str(), parameters.crv.as_deref()) {
        ("RSA", _) => (SignatureAlgorithm::Rs256, rsa(parameters.n.as_deref()?, parameters.e.as_deref()?)?),
        ("EC", Some("P-256")) => (SignatureAlgorithm::Es256, p256(parameters.x.as_deref()?, parameters.y.as_deref()?)?),
        ("OKP", Some("Ed25519")) => (SignatureAlgorithm::EdDsa, ed25519(parameters.x.as_deref()?)?),
        _ => return None,
    };
    let is_named = match parameters.alg.as_deref() {
        None => true,
        // The name of the same since RFC 9864.
        Some("Ed25519") => algorithm == SignatureAlgorithm::EdDsa,
        Some(name) => name == algorithm.as_str(),
    };
    is_named.then(|| Key { id: parameters.kid, algorithm, key: Arc::new(key) })
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let (modulus, exponent) = (URL_SAFE_NO_PAD.decode(n).ok()?, URL_SAFE_NO_PAD.decode(e).ok()?);
    // A leading zero byte is not minimal (RFC 7518 §2), but some write it.
    let modulus = &modulus[modulus.iter().take_while(|byte| **byte == 0).count()..];
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    let is_fit = (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits)
        && (1..=RSA_EXPONENT_BYTES_MAX).contains(&exponent.len())
        && exponent != [1];
    is_fit.then(|| DecodingKey::from_rsa_raw_components(modulus, &exponent))
}

fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    is_coordinate(x).then_some(())?;
    is_coordinate(y).then_some(())?;
    DecodingKey::from_ec_components(x, y).ok()
}

fn ed25519(x: &str) -> Option<DecodingKey> {
    is_coordinate(x).then_some(())?;
    DecodingKey::from_ed_components(x).ok()
}

fn is_coordinate(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == COORDINATE_BYTES)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::test_keys::{ec_key, ed_key, rsa_key};

    const ALL: [SignatureAlgorithm; 3] = SignatureAlgorithm::ALL;

    fn set(keys: &[Value]) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).expect("a set")
    }

    fn with(mut key: Value, field: &str, value: Value) -> Value {
        key[field] = value;
        key
    }

    fn is_key(choice: &Choice) -> bool {
        matches!(choice, Choice::Key(_))
    }

    #[test]
    fn a_key_is_found_by_its_id_and_for_its_own_algorithm_only() {
        let set = set(&[ed_key().public("ed"), ec_key().public("ec"), rsa_key().public("rsa")]);
        assert_eq!((set.len(), set.passed_over()), (3, 0));
        for (id, own) in ["ed", "ec", "rsa"].into_iter().zip(ALL) {
            for algorithm in ALL {
                let choice = set.choose(Some(id), algorithm);
                assert_eq!(is_key(&choice), algorithm == own, "{id} {algorithm:?}");
                assert!(!matches!(choice, Choice::UnknownId), "another set would not help");
            }
        }
        assert!(matches!(set.choose(Some("other"), ALL[0]), Choice::UnknownId));
        assert!(is_key(&set.choose(None, SignatureAlgorithm::Rs256)), "the only one of its kind");
    }

    #[test]
    fn a_token_says_which_key_where_there_are_several_of_a_kind() {
        let set = set(&[ed_key().public("one"), with(ed_key().public("two"), "x", ed_key().public("")["x"].clone())]);
        assert!(matches!(set.choose(None, SignatureAlgorithm::EdDsa), Choice::None));
        assert!(is_key(&set.choose(Some("two"), SignatureAlgorithm::EdDsa)));
    }

    #[test]
    fn promise_a3_keys_that_are_secret_weak_or_for_something_else_are_passed_over() {
        let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
        // 2048 bits with the zeros that stand in front.
        let padded = URL_SAFE_NO_PAD.encode([[0; 128], [0xff; 128]].concat());
        let (ed, ec, rsa) = (ed_key().public("k"), ec_key().public("k"), rsa_key().public("k"));
        let unusable = [
            ("a secret", json!({"kty": "oct", "kid": "k", "k": "c2VjcmV0", "alg": "HS256"})),
            ("1024 bits", with(rsa.clone(), "n", json!(short))),
            ("1024 bits, padded", with(rsa.clone(), "n", json!(padded))),
            ("an endless modulus", with(rsa.clone(), "n", json!(URL_SAFE_NO_PAD.encode([0xff; 1025])))),
            ("no modulus", with(rsa.clone(), "n", json!(""))),
            ("an exponent of one", with(rsa.clone(), "e", json!("AQ"))),
            ("for encryption", with(rsa.clone(), "use", json!("enc"))),
            ("for other operations", with(rsa.clone(), "key_ops", json!(["encrypt"]))),
            ("for another algorithm", with(rsa.clone(), "alg", json!("PS256"))),
            ("for a secret's algorithm", with(rsa.clone(), "alg", json!("HS256"))),
            ("with its secret half", with(rsa, "d", json!("AQAB"))),
            ("another curve", with(ec.clone(), "crv", json!("P-384"))),
            ("a short coordinate", with(ec.clone(), "x", json!("AQAB"))),
            ("no second coordinate", with(ec, "y", Value::Null)),
            ("another curve of Edwards", with(ed.clone(), "crv", json!("Ed448"))),
            ("not base64", with(ed.clone(), "x", json!("***"))),
            ("a number for an id", with(ed.clone(), "kid", json!(7))),
            ("no type", with(ed, "kty", Value::Null)),
            ("no key", json!("key")),
        ];
        for (what, key) in unusable {
            let set = set(&[key]);
            assert_eq!((set.len(), set.passed_over()), (0, 1), "{what}");
        }
    }

    #[test]
    fn what_a_key_may_say_of_its_use_is_heeded() {
        let right = with(with(rsa_key().public("k"), "use", json!("sig")), "key_ops", json!(["verify"]));
        assert_eq!(set(&[with(right, "alg", json!("RS256")), json!({"kty": "new"})]).len(), 1);
        assert_eq!(set(&[with(ed_key().public("k"), "alg", json!("Ed25519"))]).len(), 1);
    }

    #[test]
    fn what_is_no_set_is_refused_as_a_whole() {
        let problem = |text: &str| KeySet::read(text.as_bytes()).err();
        for garbage in ["", "<html>", "[]", "{}", "{\"keys\": {}}", "\u{0}"] {
            assert_eq!(problem(garbage), Some(SetProblem::NotASet), "{garbage}");
        }
        let many = json!({ "keys": vec![json!({}); KEYS_MAX + 1] }).to_string();
        assert_eq!(problem(&many), Some(SetProblem::TooManyKeys));
        let long = format!("{{\"keys\": []}}{}", " ".repeat(SET_BYTES_MAX));
        assert_eq!(problem(&long), Some(SetProblem::TooLong));
        assert_eq!(problem("{\"keys\": []}"), None);
    }
}
