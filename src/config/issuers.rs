//! Who else may issue tokens: the `[[issuer]]` tables of the settings file.
//!
//! Each pins down what its tokens may be: algorithms, audience, and perhaps the tenant. Nothing of this is taken from a token.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::document::{Field, Problems, Section};
use super::layers::Origin;
use crate::domain::id::{PrincipalId, TenantId};

/// The most issuers: each has a set of keys in memory and is asked for it now and then.
pub const ISSUERS_MAX: usize = 16;
/// The `iss` of the installation's own tokens, which no other issuer may have.
pub const OWN_ISSUER: &str = "intervalo";
/// The longest `aud`, `jwks` address or path, in bytes: longer ones are no addresses.
const TEXT_BYTES_MAX: usize = 2048;

/// What becomes of an agent whom an issuer vouches for and the directory does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provision {
    /// They are refused: the directory alone says who works here.
    #[default]
    Directory,
    /// They are put into the directory when their first session opens ("just in time").
    Jit,
}

impl Provision {
    /// Every way.
    pub const ALL: [Provision; 2] = [Provision::Directory, Provision::Jit];

    /// The word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Provision::Directory => "directory",
            Provision::Jit => "jit",
        }
    }
}

/// A signature that an issuer may use. All are of public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureAlgorithm {
    /// Ed25519 (RFC 8037 §3.1).
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [SignatureAlgorithm; 3] =
        [SignatureAlgorithm::EdDsa, SignatureAlgorithm::Es256, SignatureAlgorithm::Rs256];

    /// The `alg` of a token.
    pub fn as_str(self) -> &'static str {
        match self {
            SignatureAlgorithm::EdDsa => "EdDSA",
            SignatureAlgorithm::Es256 => "ES256",
            SignatureAlgorithm::Rs256 => "RS256",
        }
    }
}

/// Where an issuer's set of public keys is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysAt {
    /// `https://…`, or `http://…` on this machine.
    Url(String),
    /// A file.
    File(PathBuf),
}

impl fmt::Display for KeysAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeysAt::Url(url) => f.write_str(url),
            KeysAt::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// One issuer of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its name, the `iss` of its tokens. An id, for it stands in the audit as whoever provisions.
    pub iss: PrincipalId,
    /// Where its keys are.
    pub keys: KeysAt,
    /// The `aud` that its tokens must have.
    pub aud: String,
    /// What it may sign with; at least one.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// The only tenant that its tokens may speak for; none: the one that the token names.
    pub tenant: Option<TenantId>,
    /// What becomes of agents whom the directory does not have.
    pub provision: Provision,
}

/// An issuer in force, field by field, as it would stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownIssuer {
    /// Names and values.
    pub fields: Vec<(&'static str, String)>,
    /// Where it came from.
    pub origin: Origin,
}

impl Issuer {
    /// As it would stand in the file.
    pub(super) fn shown(&self, origin: Origin) -> ShownIssuer {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let algorithms: Vec<String> = self.algorithms.iter().map(|one| quoted(one.as_str())).collect();
        let mut fields = vec![
            ("iss", quoted(self.iss.as_str())),
            ("jwks", quoted(&self.keys.to_string())),
            ("aud", quoted(&self.aud)),
            ("algorithms", format!("[{}]", algorithms.join(", "))),
        ];
        fields.extend(self.tenant.as_ref().map(|tenant| ("tenant", quoted(tenant.as_str()))));
        fields.push(("provision", quoted(self.provision.as_str())));
        ShownIssuer { fields, origin }
    }
}

/// Reads the tables, each with its line; one with a problem is left out.
pub(super) fn read_issuers(top: &mut Section<'_>, problems: &mut Problems) -> Vec<(usize, Issuer)> {
    let Some(field) = top.take("issuer", problems) else { return Vec::new() };
    let is_tables = field.is_list();
    let Some(tables) = field.list(problems).filter(|_| is_tables) else { return Vec::new() };
    if tables.len() > ISSUERS_MAX {
        field.refuse(problems, format_args!("at most {ISSUERS_MAX} can be listed, these are {}", tables.len()));
    }
    let mut issuers: Vec<(usize, Issuer)> = Vec::new();
    for (number, table) in (1..).zip(&tables) {
        let Some(section) = table.section(problems, format!("issuer {number}")) else { continue };
        let Some(issuer) = read_issuer(section, problems) else { continue };
        if issuers.iter().any(|(_, other)| other.iss == issuer.iss) {
            table.refuse(problems, format_args!("{:?} is listed twice", issuer.iss.as_str()));
        }
        issuers.push((table.line, issuer));
    }
    issuers
}

fn read_issuer(mut section: Section<'_>, problems: &mut Problems) -> Option<Issuer> {
    let iss = required(&mut section, "iss", problems).and_then(|field| field.read(problems, iss));
    let keys = required(&mut section, "jwks", problems).and_then(|field| field.read(problems, keys_at));
    let aud = required(&mut section, "aud", problems).and_then(|field| field.read(problems, bounded));
    let algorithms = match section.take("algorithms", problems) {
        Some(field) => algorithms(&field, problems),
        None => Some(SignatureAlgorithm::ALL.to_vec()),
    };
    let tenant = match section.take("tenant", problems) {
        Some(field) => field.read(problems, tenant).map(|at| Some(at.value)),
        None => Some(None),
    };
    let provision = match section.take("provision", problems) {
        Some(field) => field.read(problems, provision).map(|at| at.value),
        None => Some(Provision::default()),
    };
    section.finish(problems);
    Some(Issuer {
        iss: iss?.value,
        keys: keys?.value,
        aud: aud?.value,
        algorithms: algorithms?,
        tenant: tenant?,
        provision: provision?,
    })
}

fn required<'d>(section: &mut Section<'d>, name: &'static str, problems: &mut Problems) -> Option<Field<'d>> {
    let field = section.take(name, problems);
    if field.is_none() {
        section.refuse(problems, format_args!("`{name}` is missing"));
    }
    field
}

fn iss(text: &str) -> Result<PrincipalId, String> {
    if text == OWN_ISSUER {
        return Err(format!("{OWN_ISSUER:?} is the issuer of the installation's own tokens; see `own_tokens`"));
    }
    PrincipalId::new(text).map_err(|why| format!("{why}, found {text:?}"))
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::new(text).map_err(|why| format!("{why}, found {text:?}"))
}

fn bounded(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(format!("expected 1 to {TEXT_BYTES_MAX} printable characters, found {text:?}"));
    }
    Ok(text.to_owned())
}

pub(super) fn provision(text: &str) -> Result<Provision, String> {
    Provision::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
        let words: Vec<&str> = Provision::ALL.into_iter().map(Provision::as_str).collect();
        format!("expected one of {}, found {text:?}", words.join(", "))
    })
}

fn algorithms(field: &Field<'_>, problems: &mut Problems) -> Option<Vec<SignatureAlgorithm>> {
    let entries = field.list(problems)?;
    let mut named: Vec<SignatureAlgorithm> = Vec::new();
    let mut is_right = true;
    for entry in &entries {
        match entry.read(problems, algorithm) {
            Some(at) if named.contains(&at.value) => {
                entry.refuse(problems, format_args!("{:?} is listed twice", at.value.as_str()));
                is_right = false;
            }
            Some(at) => named.push(at.value),
            None => is_right = false,
        }
    }
    if entries.is_empty() {
        field.refuse(problems, "expected at least one algorithm, found none");
        is_right = false;
    }
    is_right.then_some(named)
}

fn algorithm(text: &str) -> Result<SignatureAlgorithm, String> {
    SignatureAlgorithm::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
        let words: Vec<&str> = SignatureAlgorithm::ALL.into_iter().map(SignatureAlgorithm::as_str).collect();
        let words = words.join(", ");
        if text.starts_with("HS") {
            return format!("{text} is made with a secret, and this issuer's keys are public; expected one of {words}");
        }
        format!("expected one of {words}, found {text:?}")
    })
}

fn keys_at(text: &str) -> Result<KeysAt, String> {
    let text = bounded(text)?;
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(KeysAt::File(PathBuf::from(text))) };
    const FORM: &str = "`https://HOST/PATH`, `http://127.0.0.1:PORT/PATH` on this machine, or a path";
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let Some(host) = host_of(authority).filter(|_| is_plain) else {
        return Err(format!("the address cannot be read; expected {FORM}"));
    };
    match scheme {
        "https" => Ok(KeysAt::Url(text)),
        "http" if is_loopback(host) => Ok(KeysAt::Url(text)),
        "http" => Err(format!("keys that come in plain text from another machine prove nothing; expected {FORM}")),
        _ => Err(format!("expected {FORM}")),
    }
}

/// The host of `host[:port]`; none where it is not of that form, or names a user.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, after)| (host, after.strip_prefix(':').or(Some(after))))?,
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let is_number = port.is_none_or(|port| {
        (port.is_empty() && authority.starts_with('[') && !authority.ends_with(':')) || port.parse::<u16>().is_ok()
    });
    let is_address = !authority.starts_with('[') || host.parse::<std::net::Ipv6Addr>().is_ok();
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    (!host.is_empty() && is_number && is_address && is_name).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::{FileLayer, Layers, Loaded, load};

    fn loaded(file: &str) -> Result<Loaded, String> {
        let file = FileLayer { path: PathBuf::from("s.toml"), text: file.to_owned() };
        load(&Layers { file: Some(file), ..Layers::default() }).map_err(|error| error.to_string())
    }

    fn refused(file: &str) -> String {
        loaded(file).expect_err("refused")
    }

    const WHOLE: &str = "[[issuer]]\niss = \"https://login.example.com/\"\njwks = \"https://login.example.com/keys\"\n\
                         aud = \"intervalo-desk\"\n";

    #[test]
    fn an_issuer_has_defaults_for_all_that_need_not_be_said() {
        let config = loaded(WHOLE).expect("right").config;
        assert_eq!(config.issuers.len(), 1);
        let issuer = &config.issuers[0];
        assert_eq!(issuer.iss.as_str(), "https://login.example.com/");
        assert_eq!(issuer.keys, KeysAt::Url("https://login.example.com/keys".to_owned()));
        assert_eq!(issuer.algorithms, SignatureAlgorithm::ALL);
        assert_eq!((&issuer.tenant, issuer.provision), (&None, Provision::Directory));
        assert!(config.own_tokens && config.provision == Provision::Directory);
    }

    #[test]
    fn what_is_shown_of_issuers_reads_back_as_the_same() {
        let file = format!(
            "own_tokens = false\nprovision = \"jit\"\n{WHOLE}algorithms = [\"RS256\"]\ntenant = \"acme\"\n\
             provision = \"jit\"\n[[issuer]]\niss = \"b\"\njwks = \"keys \\\"b\\\".json\"\naud = \"x\"\n"
        );
        let first = loaded(&file).expect("right");
        assert_eq!(first.issuers[0].origin.to_string(), "s.toml line 3");
        let mut text: String = first.shown.iter().map(|one| format!("{} = {}\n", one.name, one.value)).collect();
        for issuer in &first.issuers {
            text.push_str("[[issuer]]\n");
            text.extend(issuer.fields.iter().map(|(name, value)| format!("{name} = {value}\n")));
        }
        assert_eq!(loaded(&text).expect("right").config, first.config);
    }

    #[test]
    fn the_example_of_the_documentation_is_right() {
        let document = include_str!("../../docs/configuration.md");
        let example = document.split("```").find(|block| block.starts_with("toml") && block.contains("[[issuer]]"));
        let example = example.and_then(|block| block.strip_prefix("toml")).expect("an example");
        let config = loaded(example).expect("right").config;
        assert!(!config.own_tokens);
        assert_eq!(config.issuers[0].algorithms, [SignatureAlgorithm::Rs256]);
        assert_eq!(config.issuers[0].provision, Provision::Jit);
    }

    #[test]
    fn addresses_of_keys_are_told_apart() {
        let at = |text: &str| keys_at(text);
        for url in [
            "https://login.example.com/keys?v=1",
            "https://login.example.com:8443",
            "http://127.0.0.1:9000/k",
            "http://[::1]/k",
            "http://[::1]:80/k",
            "http://localhost:1/k",
        ] {
            assert_eq!(at(url), Ok(KeysAt::Url(url.to_owned())));
        }
        for path in ["/etc/intervalo/keys.json", "keys.json", "./a b.json"] {
            assert_eq!(at(path), Ok(KeysAt::File(PathBuf::from(path))));
        }
        for wrong in [
            "",
            "http://login.example.com/keys",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1@example.com/",
            "https://ana:secret@login.example.com/",
            "https://",
            "https:///keys",
            "https://host:99999/",
            "https://host:/",
            "https://[::1/",
            "https://ho st/",
            "https://host/#part",
            "ftp://host/keys",
            "file:///etc/keys",
        ] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn everything_wrong_with_issuers_is_told_with_its_line() {
        let file = "own_tokens = \"perhaps\"\n[[issuer]]\niss = \"intervalo\"\njwks = \"http://far.example/\"\n\
                    audience = \"x\"\nalgorithms = [\"RS256\", \"HS256\", \"RS256\"]\ntenant = \"\"\nprovision = \"all\"\n";
        let all = refused(file);
        for line in [
            "s.toml line 1: `own_tokens`: expected true or false, found \"perhaps\"",
            "s.toml line 2: issuer 1: `aud` is missing",
            "s.toml line 3: issuer 1: `iss`: \"intervalo\" is the issuer of the installation's own tokens; see `own_tokens`",
            "s.toml line 4: issuer 1: `jwks`: keys that come in plain text from another machine prove nothing",
            "s.toml line 5: issuer 1: unknown key `audience`; did you mean `aud`?",
            "s.toml line 6: issuer 1: `algorithms`: HS256 is made with a secret, and this issuer's keys are public",
            "s.toml line 6: issuer 1: `algorithms`: \"RS256\" is listed twice",
            "s.toml line 7: issuer 1: `tenant`: ",
            "s.toml line 8: issuer 1: `provision`: expected one of directory, jit, found \"all\"",
        ] {
            assert!(all.contains(line), "{line}\nis not in\n{all}");
        }
    }

    #[test]
    fn issuers_that_contradict_each_other_or_nothing_at_all_are_refused() {
        assert!(
            refused(&format!("{WHOLE}{WHOLE}")).contains("line 5: `issuer`: \"https://login.example.com/\" is listed")
        );
        let many: String = (0..17).map(|n| WHOLE.replace("login", &format!("login{n}"))).collect();
        assert!(refused(&many).contains("at most 16 can be listed, these are 17"));
        assert!(refused("issuer = 1").contains("`issuer`: expected"));
        assert!(refused(&format!("{WHOLE}algorithms = []\n")).contains("expected at least one algorithm"));
        assert!(refused("own_tokens = false\nlogins = false\n").contains("line 1: `own_tokens`: nobody could sign in"));
        assert!(refused("isuer = 1\n").contains("did you mean `issuer`?"));
    }
}
