//! Keys of a provider, made anew for each run of the tests: they sign tokens, and show their public halves as JWK.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

/// A key pair.
pub(crate) struct TestKey {
    algorithm: Algorithm,
    private: EncodingKey,
}

/// An Ed25519 key.
pub(crate) fn ed_key() -> TestKey {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).expect("a key");
    TestKey { algorithm: Algorithm::EdDSA, private: EncodingKey::from_ed_der(pkcs8.as_ref()) }
}

/// A key on P-256.
pub(crate) fn ec_key() -> TestKey {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
    TestKey { algorithm: Algorithm::ES256, private: EncodingKey::from_ec_der(pkcs8.as_ref()) }
}

/// An RSA key of 2048 bits; always the same one, for making one takes a while.
pub(crate) fn rsa_key() -> TestKey {
    TestKey { algorithm: Algorithm::RS256, private: EncodingKey::from_rsa_der(rsa_der()) }
}

/// The public half of that key as it stands in files.
pub(crate) fn rsa_pem() -> String {
    let pair = RsaKeyPair::from_der(rsa_der()).expect("a key");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its form");
    let text = STANDARD.encode(public.as_ref());
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn rsa_der() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().expect("its form");
        // What the library reads stands inside, after the name of the algorithm (RFC 5208 §5): always this far in.
        pkcs8.as_ref()[26..].to_vec()
    })
}

impl TestKey {
    /// The public half as a JWK with an id, and without anything that need not be said.
    pub(crate) fn public(&self, id: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm).expect("a public half");
        let mut value = serde_json::to_value(&jwk).expect("JSON");
        let fields = value.as_object_mut().expect("an object");
        fields.remove("alg");
        fields.insert("kid".to_owned(), id.into());
        value
    }

    /// A token with the id of a key.
    pub(crate) fn sign(&self, id: Option<&str>, claims: &Value) -> String {
        self.sign_with(Header { kid: id.map(str::to_owned), ..Header::new(self.algorithm) }, claims)
    }

    /// A token with any header.
    pub(crate) fn sign_with(&self, header: Header, claims: &Value) -> String {
        jsonwebtoken::encode(&header, claims, &self.private).expect("signed")
    }
}
