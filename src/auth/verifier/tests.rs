//! Tokens of several issuers: who is believed, and what it takes to be believed.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::auth::test_keys::{TestKey, ec_key, ed_key, rsa_key, rsa_pem};
use crate::auth::{Grant, Role};
use crate::clock::SystemClock;
use crate::config::KeysAt;

const ISS: &str = "https://login.example.com/";
const OTHER: &str = "https://other.example.com/";
const NOW: Timestamp = Timestamp(1_795_381_069_123);
const NOW_S: i64 = 1_795_381_069;

/// A verifier that takes own tokens, and those of two providers.
struct House {
    verifier: Verifier,
    own: TokenKey,
    ed: TestKey,
    ec: TestKey,
    rsa: TestKey,
    other: TestKey,
    _folder: TempDir,
}

fn issuer(iss: &str, keys: &Path) -> Issuer {
    Issuer {
        iss: PrincipalId::new(iss).expect("an id"),
        keys: KeysAt::File(keys.to_owned()),
        aud: "desk".to_owned(),
        algorithms: SignatureAlgorithm::ALL.to_vec(),
        tenant: None,
        provision: Provision::Directory,
    }
}

impl House {
    fn open() -> House {
        House::with(|issuer| issuer)
    }

    /// With a first provider that is bent as a test wants it.
    fn with(bend: impl FnOnce(Issuer) -> Issuer) -> House {
        let folder = tempfile::tempdir().expect("a folder");
        let (ed, ec, rsa, other) = (ed_key(), ec_key(), rsa_key(), ed_key());
        let file = |name: &str, keys: &[Value]| {
            let path = folder.path().join(name);
            std::fs::write(&path, json!({ "keys": keys }).to_string()).expect("written");
            path
        };
        let first = file("first.json", &[ed.public("ed"), ec.public("ec"), rsa.public("rsa")]);
        let second = file("second.json", &[other.public("ed")]);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start(Timestamp(0)));
        let own = TokenKey::from_bytes(&[42; 32]).expect("long enough");
        let issuers = [bend(issuer(ISS, &first)), issuer(OTHER, &second)];
        let verifier = Verifier::new(Some((&own, Provision::Directory)), &issuers, &clock);
        for keeping in verifier.keep_keys() {
            tokio::spawn(keeping);
        }
        House { verifier, own, ed, ec, rsa, other, _folder: folder }
    }

    async fn verify(&self, token: &str) -> Result<Principal, Unauthenticated> {
        self.verifier.verify(token, NOW).await
    }

    async fn holds(&self, token: &str) -> bool {
        self.verify(token).await.is_ok()
    }
}

fn good() -> Value {
    json!({"iss": ISS, "aud": "desk", "exp": NOW_S + 60, "sub": "ana", "tenant": "acme", "roles": ["agent"]})
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

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn each_algorithm_of_an_issuer_holds_with_the_key_that_the_token_names() {
    let house = House::open();
    for (key, id) in [(&house.ed, "ed"), (&house.ec, "ec"), (&house.rsa, "rsa")] {
        let principal = house.verify(&key.sign(Some(id), &good())).await.expect(id);
        assert_eq!((principal.id.as_str(), principal.tenant.as_str()), ("ana", "acme"));
        assert_eq!((principal.roles, principal.newcomer), ([Role::Agent].into(), None));
        assert!(house.holds(&key.sign(None, &good())).await, "{id} is the only one of its kind");
        assert!(!house.holds(&key.sign(Some("other"), &good())).await, "{id} under an id that nobody has");
    }
    let of_other = |claims| house.other.sign(Some("ed"), &claims);
    assert!(house.holds(&of_other(with("iss", json!(OTHER)))).await);
    let grant = Grant {
        id: PrincipalId::new("ana").expect("an id"),
        tenant: TenantId::new("acme").expect("an id"),
        roles: [Role::Agent].into(),
        teams: None,
    };
    assert!(house.holds(&house.own.issue(&grant, NOW, Duration::from_secs(60)).expect("issued")).await);
}

#[tokio::test]
async fn promise_a3_no_issuer_speaks_with_the_key_of_another() {
    let house = House::open();
    let own = EncodingKey::from_secret(house.own.bytes());
    let own_hs = |claims: &Value| jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &own).expect("signed");
    let own_claims = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW_S + 60, "sub": "ana", "tenant": "acme",
                            "roles": ["agent"]});
    assert!(house.holds(&own_hs(&own_claims)).await, "what the others are bent from");
    for (what, token) in [
        ("the right name, another issuer's key", house.other.sign(Some("ed"), &good())),
        ("the right name and key id, a key of nobody", ed_key().sign(Some("ed"), &good())),
        ("a name that nobody has", house.ed.sign(Some("ed"), &with("iss", json!("https://evil.example/")))),
        ("a name in other letters", house.ed.sign(Some("ed"), &with("iss", json!("HTTPS://login.example.com/")))),
        ("two names", house.ed.sign(Some("ed"), &with("iss", json!([ISS, OTHER])))),
        ("our own name", house.ed.sign(Some("ed"), &own_claims)),
        ("our own key for another's name", own_hs(&good())),
        ("another's audience", house.ed.sign(Some("ed"), &with("aud", json!(AUDIENCE)))),
    ] {
        assert!(!house.holds(&token).await, "{what}");
    }
}

#[tokio::test]
async fn promise_a3_no_algorithm_is_taken_for_another() {
    let house = House::open();
    let claims = good();
    let jwk = house.rsa.public("rsa");
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().expect("a modulus")).expect("base64");
    let pem = rsa_pem();
    let with_secret = |secret: &[u8], algorithm| {
        let header = Header { kid: Some("rsa".to_owned()), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).expect("signed")
    };
    let under = |key: &TestKey, id: &str| key.sign(Some(id), &claims);
    let signed = under(&house.ed, "ed");
    let parts: Vec<&str> = signed.split('.').collect();
    let none = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg, "kid": "ed"})), parts[1]);
    let relabelled =
        |alg: &str| format!("{}.{}.{}", part(&json!({"alg": alg, "typ": "JWT", "kid": "ed"})), parts[1], parts[2]);
    let embedded = Header {
        jwk: Some(serde_json::from_value(ed_key().public("ed")).expect("a key")),
        jku: Some("https://evil.example/keys".to_owned()),
        kid: Some("ed".to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    for (what, token) in [
        ("the public key's JWK as a secret", with_secret(jwk.to_string().as_bytes(), Algorithm::HS256)),
        ("the modulus as a secret", with_secret(&modulus, Algorithm::HS256)),
        ("its PEM as a secret", with_secret(pem.as_bytes(), Algorithm::HS256)),
        ("the same, longer", with_secret(pem.as_bytes(), Algorithm::HS512)),
        ("an empty secret", with_secret(b"", Algorithm::HS256)),
        ("P-256 under the id of RSA", under(&house.ec, "rsa")),
        ("Ed25519 under the id of P-256", under(&house.ed, "ec")),
        ("RSA under the id of Ed25519", under(&house.rsa, "ed")),
        ("none", none("none")),
        ("None", none("None")),
        ("nOnE with a signature", relabelled("nOnE")),
        ("another name on a signature", relabelled("RS256")),
        ("a name that there is not", relabelled("XX256")),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("half a signature", signed[..signed.len() - 20].to_owned()),
        (
            "RSA with another hash",
            house.rsa.sign_with(Header { kid: Some("rsa".to_owned()), ..Header::new(Algorithm::RS512) }, &claims),
        ),
        ("a key in the token itself", ed_key().sign_with(embedded, &claims)),
        (
            "a condition that is not understood",
            house.ed.sign_with(
                Header {
                    crit: Some(vec!["b64".to_owned()]),
                    kid: Some("ed".to_owned()),
                    ..Header::new(Algorithm::EdDSA)
                },
                &claims,
            ),
        ),
        ("a megabyte", "a".repeat(1 << 20)),
        ("a megabyte in three parts", format!("{}.{}.{}", parts[0], "A".repeat(1 << 20), parts[2])),
        ("nothing", String::new()),
        ("two dots", "..".to_owned()),
    ] {
        assert!(!house.holds(&token).await, "{what}");
    }
    assert!(house.holds(&signed).await, "what the others are bent from");
}

#[tokio::test]
async fn promise_a3_an_issuer_signs_only_with_what_it_is_pinned_to() {
    let house = House::with(|issuer| Issuer { algorithms: vec![SignatureAlgorithm::Es256], ..issuer });
    assert!(house.holds(&house.ec.sign(Some("ec"), &good())).await);
    assert!(!house.holds(&house.ed.sign(Some("ed"), &good())).await);
    assert!(!house.holds(&house.rsa.sign(Some("rsa"), &good())).await);
}

#[tokio::test]
async fn promise_a3_claims_of_every_issuer_are_typed_and_bounded() {
    let house = House::open();
    let holds = async |claims: Value| house.holds(&house.ed.sign(Some("ed"), &claims)).await;
    assert!(holds(good()).await);
    assert!(holds(with("aud", json!(["a", "desk"]))).await, "one of several audiences");
    assert!(holds(with("name", json!(7))).await, "not looked at where nobody is put into the directory");
    for (what, claims) in [
        ("expired", with("exp", json!(NOW_S))),
        ("exp \"9\"", with("exp", json!("9"))),
        ("exp a string", with("exp", json!((NOW_S + 60).to_string()))),
        ("exp missing", without("exp")),
        ("not yet", with("nbf", json!(NOW_S + 10))),
        ("other audiences", with("aud", json!(["a", "b"]))),
        ("no audiences", with("aud", json!([]))),
        ("audience a number", with("aud", json!(1))),
        ("no audience", without("aud")),
        ("no issuer", without("iss")),
        ("no subject", without("sub")),
        ("no tenant", without("tenant")),
        ("tenant null", with("tenant", Value::Null)),
        ("roles a word", with("roles", json!("agent"))),
        ("unknown roles only", with("roles", json!(["offline_access"]))),
        ("teams a word", with("teams", json!("suporte"))),
    ] {
        assert!(!holds(claims).await, "{what}");
    }
}

#[tokio::test]
async fn promise_a3_an_issuer_that_is_pinned_to_a_tenant_speaks_for_no_other() {
    let acme = TenantId::new("acme").expect("an id");
    let house = House::with(|issuer| Issuer { tenant: Some(acme.clone()), ..issuer });
    let verify = async |claims: Value| house.verify(&house.ed.sign(Some("ed"), &claims)).await;
    assert_eq!(verify(good()).await.expect("holds").tenant, acme);
    assert_eq!(verify(without("tenant")).await.expect("holds").tenant, acme);
    let roles = verify(with("roles", json!(["operator", "auditor"]))).await.expect("holds").roles;
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), [Role::Auditor], "nor does it make operators");
    assert_eq!(verify(with("roles", json!(["operator"]))).await, Err(Unauthenticated));
    for other in [json!("outra"), json!(""), json!(7), Value::Null] {
        assert_eq!(verify(with("tenant", other.clone())).await, Err(Unauthenticated), "{other}");
    }
}

#[tokio::test]
async fn whom_an_issuer_that_provisions_vouches_for_comes_with_a_name() {
    let house = House::with(|issuer| Issuer { provision: Provision::Jit, ..issuer });
    let verify = async |claims: Value| house.verify(&house.ed.sign(Some("ed"), &claims)).await;
    let newcomer =
        |name: Option<&str>| Newcomer { name: name.map(str::to_owned), issuer: PrincipalId::new(ISS).expect("an id") };
    assert_eq!(verify(good()).await.expect("holds").newcomer, Some(newcomer(None)));
    let named = with("name", json!("Ana Souza"));
    assert_eq!(verify(named).await.expect("holds").newcomer, Some(newcomer(Some("Ana Souza"))));
    assert_eq!(verify(with("name", json!(["Ana"]))).await, Err(Unauthenticated));
    let other = house.other.sign(Some("ed"), &with("iss", json!(OTHER)));
    assert_eq!(house.verify(&other).await.expect("holds").newcomer, None, "each issuer by its own setting");
}

#[tokio::test]
async fn promise_a3_own_tokens_hold_only_where_they_are_wanted() {
    let house = House::open();
    let grant = Grant {
        id: PrincipalId::new("ana").expect("an id"),
        tenant: TenantId::new("acme").expect("an id"),
        roles: [Role::Agent].into(),
        teams: None,
    };
    let token = house.own.issue(&grant, NOW, Duration::from_secs(60)).expect("issued");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start(Timestamp(0)));
    let others = Verifier::new(None, &[issuer(ISS, Path::new("/nowhere"))], &clock);
    assert_eq!(others.verify(&token, NOW).await, Err(Unauthenticated));
    let own = Verifier::new(Some((&house.own, Provision::Jit)), &[], &clock);
    assert_eq!(own.verify(&token, NOW).await.expect("holds").newcomer.expect("provisioned").issuer.as_str(), ISSUER);
}
