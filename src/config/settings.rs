//! The settings: their names, what they mean, and how each is read from text and shown.
//!
//! A setting is one row of [`SETTINGS`], one arm of `set`, and one line of `docs/configuration.md`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::duration::{parse_span, show_span};
use super::issuers::provision;
use super::{Config, LogFormat, LogLevel, Network, StoreAddress, WebOrigin};

/// What the environment variables of settings begin with.
pub const ENVIRONMENT_PREFIX: &str = "INTERVALO_";

/// The most connections that can be set: more than one machine has ports to a proxy for.
const CONNECTIONS_MAX: u32 = 1_000_000;
/// The least room that a disk can be called nearly full under: twice the reserve of 16 MiB.
const LOW_DISK_MB_MIN: u32 = 32;
/// The most: a tebibyte.
const LOW_DISK_MB_MAX: u32 = 1 << 20;
/// The most people of a tenant that can be set.
const PEOPLE_MAX: u32 = 1_000_000;

/// The most tenants that can be set.
const TENANTS_MAX: u32 = 100_000;
/// The most calls a second that can be set.
const CALLS_MAX: u32 = 100_000;
/// The shortest time between pings: a shorter one is a flood.
const PING_MIN: Duration = Duration::from_secs(1);
/// The longest time between pings: proxies cut quiet connections after some minutes.
const PING_MAX: Duration = Duration::from_secs(600);
/// The most addresses to listen on.
const LISTEN_MAX: usize = 16;
/// The most proxies to trust; a fleet of them is a network.
const PROXIES_MAX: usize = 64;
/// The most origins to allow.
const ORIGINS_MAX: usize = 64;

/// The word for a journal in the data folder.
const STORE_IN_DATA: &str = "data";

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The key in the file; in the environment, the same in capitals after the prefix.
    pub name: &'static str,
    /// True when it may have several values; in the environment, with commas between.
    pub is_list: bool,
    /// What it means, for people.
    pub doc: &'static str,
}

/// All settings, in the order that they are shown.
pub const SETTINGS: [Setting; 25] = [
    Setting { name: "data", is_list: false, doc: "the data folder" },
    Setting { name: "store", is_list: false, doc: "where the journal is: data, sqlite:FOLDER or postgres://…" },
    Setting { name: "listen", is_list: true, doc: "the addresses to listen on, ADDRESS:PORT" },
    Setting {
        name: "allow_plaintext",
        is_list: false,
        doc: "listen without TLS where other machines reach it; a proxy in front must terminate TLS",
    },
    Setting { name: "tls_certificate", is_list: false, doc: "the PEM file of the certificate that TLS is spoken with" },
    Setting { name: "tls_key", is_list: false, doc: "the PEM file of its private key, readable by its owner alone" },
    Setting {
        name: "trusted_proxies",
        is_list: true,
        doc: "addresses or networks of proxies whose word is taken for whom they speak for",
    },
    Setting {
        name: "allowed_origins",
        is_list: true,
        doc: "origins that pages may connect from, besides the server's own",
    },
    Setting { name: "own_tokens", is_list: false, doc: "take tokens that are signed with the installation's own key" },
    Setting {
        name: "provision",
        is_list: false,
        doc: "agents of own tokens whom the directory does not have: directory (refused) or jit (put into it)",
    },
    Setting { name: "logins", is_list: false, doc: "people may log in with a name and a password" },
    Setting { name: "log_format", is_list: false, doc: "text or json" },
    Setting { name: "log_level", is_list: false, doc: "error, warn, info, debug or trace" },
    Setting { name: "max_connections", is_list: false, doc: "open connections, all together" },
    Setting {
        name: "max_connections_per_address",
        is_list: false,
        doc: "open connections from one address; 0 sets no limit of its own",
    },
    Setting {
        name: "max_upgrades_per_second",
        is_list: false,
        doc: "sockets that are let in a second; 0 sets no limit",
    },
    Setting {
        name: "low_disk_mb",
        is_list: false,
        doc: "MiB of room on the data folder's disk under which no pauses begin; 0 does not look",
    },
    Setting { name: "max_sessions_per_tenant", is_list: false, doc: "open sessions of one tenant; 0 sets no quota" },
    Setting {
        name: "max_commands_per_second_per_tenant",
        is_list: false,
        doc: "commands a second that write, of one tenant; 0 sets no quota",
    },
    Setting { name: "max_agents_per_tenant", is_list: false, doc: "people of one tenant; 0 sets no quota" },
    Setting { name: "max_tenants", is_list: false, doc: "tenants that there may be for another to be made over HTTP" },
    Setting { name: "rate_per_second", is_list: false, doc: "calls a second that one principal may make" },
    Setting { name: "rate_burst", is_list: false, doc: "calls that one principal may make at once" },
    Setting { name: "ping_interval", is_list: false, doc: "from one ping of a socket to the next" },
    Setting { name: "ping_timeout", is_list: false, doc: "how long a ping's answer may take" },
];

/// All that is wrong with a setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Faults(pub(super) Vec<String>);

impl From<String> for Faults {
    fn from(one: String) -> Faults {
        Faults(vec![one])
    }
}

/// Sets one setting from the texts of one layer.
///
/// # Errors
/// What is wrong with the texts, to be read after the setting's name.
///
/// # Panics
/// When `name` is not the name of a setting.
pub(super) fn set(config: &mut Config, name: &str, texts: &[String]) -> Result<(), Faults> {
    match name {
        "data" => config.data = PathBuf::from(one(texts).and_then(not_empty)?),
        "store" => config.store = store(one(texts)?)?,
        "listen" => {
            let addresses = several(texts, LISTEN_MAX, address)?;
            if addresses.is_empty() {
                return Err("expected at least one ADDRESS:PORT, found none".to_owned().into());
            }
            config.listen = addresses;
        }
        "allow_plaintext" => config.allow_plaintext = truth(one(texts)?)?,
        "tls_certificate" => config.tls.certificate = path_or_none(one(texts)?),
        "tls_key" => config.tls.key = path_or_none(one(texts)?),
        "trusted_proxies" => config.trusted_proxies = several(texts, PROXIES_MAX, str::parse)?,
        "allowed_origins" => config.allowed_origins = several(texts, ORIGINS_MAX, origin)?,
        "own_tokens" => config.own_tokens = truth(one(texts)?)?,
        "provision" => config.provision = provision(one(texts)?)?,
        "logins" => config.logins = truth(one(texts)?)?,
        "log_format" => {
            let all = [LogFormat::Text, LogFormat::Json];
            config.log.format = word(one(texts)?, &all, LogFormat::as_str)?;
        }
        "log_level" => {
            let all = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
            config.log.level = word(one(texts)?, &all, LogLevel::as_str)?;
        }
        "max_connections" => config.limits.connections = number(one(texts)?, 1, CONNECTIONS_MAX)?,
        "max_connections_per_address" => config.limits.connections_per_address = quota(one(texts)?, CONNECTIONS_MAX)?,
        "max_upgrades_per_second" => config.limits.upgrades_per_second = quota(one(texts)?, CALLS_MAX)?,
        "low_disk_mb" => config.limits.low_disk_mb = low_disk(one(texts)?)?,
        "max_sessions_per_tenant" => config.limits.sessions_per_tenant = quota(one(texts)?, CONNECTIONS_MAX)?,
        "max_commands_per_second_per_tenant" => {
            config.limits.commands_per_tenant = quota(one(texts)?, CALLS_MAX)?;
        }
        "max_agents_per_tenant" => config.limits.agents_per_tenant = quota(one(texts)?, PEOPLE_MAX)?,
        "max_tenants" => config.limits.tenants = number(one(texts)?, 1, TENANTS_MAX)?,
        "rate_per_second" => config.limits.calls_per_second = rate(one(texts)?)?,
        "rate_burst" => config.limits.calls_burst = rate(one(texts)?)?,
        "ping_interval" => config.ping.interval = span(one(texts)?, PING_MIN, PING_MAX)?,
        "ping_timeout" => config.ping.timeout = span(one(texts)?, PING_MIN, PING_MAX)?,
        other => panic!("{other} is no setting"),
    }
    Ok(())
}

/// The value of a setting as it would stand in the file.
///
/// # Panics
/// When `name` is not the name of a setting.
pub(super) fn show(config: &Config, name: &str) -> String {
    match name {
        "data" => quoted(&config.data.to_string_lossy()),
        "store" => quoted(&config.store.as_ref().map_or_else(|| STORE_IN_DATA.to_owned(), StoreAddress::to_string)),
        "listen" => list(config.listen.iter().map(SocketAddr::to_string)),
        "allow_plaintext" => config.allow_plaintext.to_string(),
        "tls_certificate" => quoted_path(config.tls.certificate.as_deref()),
        "tls_key" => quoted_path(config.tls.key.as_deref()),
        "trusted_proxies" => list(config.trusted_proxies.iter().map(Network::to_string)),
        "allowed_origins" => list(config.allowed_origins.iter().map(|origin| origin.0.clone())),
        "own_tokens" => config.own_tokens.to_string(),
        "provision" => quoted(config.provision.as_str()),
        "logins" => config.logins.to_string(),
        "log_format" => quoted(config.log.format.as_str()),
        "log_level" => quoted(config.log.level.as_str()),
        "max_connections" => config.limits.connections.to_string(),
        "max_connections_per_address" => show_quota(config.limits.connections_per_address),
        "max_upgrades_per_second" => show_quota(config.limits.upgrades_per_second),
        "low_disk_mb" => show_quota(config.limits.low_disk_mb),
        "max_sessions_per_tenant" => show_quota(config.limits.sessions_per_tenant),
        "max_commands_per_second_per_tenant" => show_quota(config.limits.commands_per_tenant),
        "max_agents_per_tenant" => show_quota(config.limits.agents_per_tenant),
        "max_tenants" => config.limits.tenants.to_string(),
        "rate_per_second" => config.limits.calls_per_second.to_string(),
        "rate_burst" => config.limits.calls_burst.to_string(),
        "ping_interval" => quoted(&show_span(config.ping.interval)),
        "ping_timeout" => quoted(&show_span(config.ping.timeout)),
        other => panic!("{other} is no setting"),
    }
}

/// What is wrong with settings that are right one by one; with the name of the one to change.
pub(super) fn at_odds(config: &Config) -> Option<(&'static str, String)> {
    let (half, other) = match (&config.tls.certificate, &config.tls.key) {
        (Some(_), None) => (Some("tls_certificate"), "tls_key"),
        (None, Some(_)) => (Some("tls_key"), "tls_certificate"),
        (Some(_), Some(_)) | (None, None) => (None, ""),
    };
    if let Some(half) = half {
        return Some((half, format!("is set without `{other}`; TLS takes both, set that too or neither")));
    }
    let exposed = config.listen.iter().find(|address| !address.ip().is_loopback());
    if let (Some(address), false) = (exposed, config.allow_plaintext || config.tls.files().is_some()) {
        return Some((
            "listen",
            format!(
                "{address} can be reached by other machines, and tokens would travel in plain text; set \
                 `tls_certificate` and `tls_key`, listen on 127.0.0.1 behind a proxy that terminates TLS, or set \
                 `allow_plaintext = true` when the network in between is trusted"
            ),
        ));
    }
    if !config.own_tokens && !config.logins && config.issuers.is_empty() {
        return Some((
            "own_tokens",
            "nobody could sign in; add an [[issuer]] to the settings file, or take own tokens or logins".to_owned(),
        ));
    }
    if config.limits.calls_burst < config.limits.calls_per_second {
        return Some((
            "rate_burst",
            format!(
                "{} is less than `rate_per_second` ({}); set it to that or more",
                config.limits.calls_burst, config.limits.calls_per_second
            ),
        ));
    }
    None
}

fn one(texts: &[String]) -> Result<&str, String> {
    match texts {
        [text] => Ok(text),
        _ => Err("expected one value, not a list".to_owned()),
    }
}

fn not_empty(text: &str) -> Result<&str, String> {
    if text.is_empty() { Err("expected a path, found nothing".to_owned()) } else { Ok(text) }
}

fn path_or_none(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn store(text: &str) -> Result<Option<StoreAddress>, String> {
    if text == STORE_IN_DATA {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|why: String| why.replacen("expected ", "expected `data`, ", 1))
}

fn several<T: PartialEq>(
    texts: &[String],
    max: usize,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, Faults> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    if texts.len() > max {
        return Err(format!("at most {max} can be listed, these are {}", texts.len()).into());
    }
    for text in texts {
        match read(text) {
            Ok(value) if values.contains(&value) => faults.push(format!("{text:?} is listed twice")),
            Ok(value) => values.push(value),
            Err(why) => faults.push(why),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(Faults(faults)) }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("expected ADDRESS:PORT such as \"127.0.0.1:8080\" or \"[::1]:8080\", found {text:?}"))
}

fn origin(text: &str) -> Result<WebOrigin, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
            && !host.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    if host.is_some_and(is_host) {
        Ok(WebOrigin(text.to_owned()))
    } else {
        Err(format!(
            "expected an origin such as \"https://desk.example.com\", in small letters and without a path, found {text:?}"
        ))
    }
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!("expected true or false, found {other:?}")),
    }
}

fn word<T: Copy>(text: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|one| as_str(*one) == text).ok_or_else(|| {
        let words: Vec<&str> = all.iter().copied().map(as_str).collect();
        format!("expected one of {}, found {text:?}", words.join(", "))
    })
}

fn number(text: &str, min: u32, max: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {min} to {max}, found {text:?}"))
}

/// Less than the reserve and as much again would be no warning.
fn low_disk(text: &str) -> Result<Option<NonZeroU32>, String> {
    let mb = quota(text, LOW_DISK_MB_MAX)?;
    if mb.is_some_and(|mb| mb.get() < LOW_DISK_MB_MIN) {
        return Err(format!(
            "expected 0, or a whole number from {LOW_DISK_MB_MIN} to {LOW_DISK_MB_MAX}, found {text:?}"
        ));
    }
    Ok(mb)
}

/// A limit, where 0 sets none.
fn quota(text: &str, max: u32) -> Result<Option<NonZeroU32>, String> {
    number(text, 0, max).map(NonZeroU32::new)
}

fn show_quota(quota: Option<NonZeroU32>) -> String {
    quota.map_or(0, NonZeroU32::get).to_string()
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let number = number(text, 1, CALLS_MAX)?;
    NonZeroU32::new(number).ok_or_else(|| "must not be 0".to_owned())
}

fn span(text: &str, min: Duration, max: Duration) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|error| format!("{error}, found {text:?}"))?;
    if (min..=max).contains(&span) {
        Ok(span)
    } else {
        Err(format!("expected {} to {}, found {text:?}", show_span(min), show_span(max)))
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn quoted_path(path: Option<&Path>) -> String {
    quoted(&path.map(Path::to_string_lossy).unwrap_or_default())
}

fn list(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.map(|text| quoted(&text)).collect();
    format!("[{}]", texts.join(", "))
}
