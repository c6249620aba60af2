//! One parsed [`Config`]: flags over environment over file over defaults, each value checked once,
//! each refusal saying where the value came from and what to do.
//!
//! Nothing else reads the environment. Knows no running part of the server.

mod bounded;
mod document;
mod duration;
mod issuers;
mod layers;
mod nearest;
mod network;
mod settings;
mod store_address;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use bounded::read_text;
pub use document::{At, Field, Problem, Problems, Section, parse as parse_document};
pub use duration::{SPAN_MAX, SpanError, parse_span, show_span};
pub use issuers::{ISSUERS_MAX, Issuer, KeysAt, OWN_ISSUER, Provision, ShownIssuer, SignatureAlgorithm};
pub use layers::{ConfigError, FileLayer, Layers, Loaded, Origin, Shown, load};
pub use nearest::nearest;
pub use network::Network;
pub use settings::{ENVIRONMENT_PREFIX, SETTINGS, Setting};
pub use store_address::{PostgresAddress, StoreAddress};

/// Everything that can be set, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where the journal is; none: in the data folder.
    pub store: Option<StoreAddress>,
    /// Where the server listens; at least one address.
    pub listen: Vec<SocketAddr>,
    /// True: addresses that other machines reach may be listened on without TLS.
    pub allow_plaintext: bool,
    /// What TLS is spoken with.
    pub tls: Tls,
    /// Proxies whose word is taken for whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// Origins that pages may connect from, besides the server's own.
    pub allowed_origins: Vec<WebOrigin>,
    /// True: tokens signed with the installation's own key are taken.
    pub own_tokens: bool,
    /// What becomes of agents with such tokens whom the directory does not have.
    pub provision: Provision,
    /// True: people may log in with a name and a password.
    pub logins: bool,
    /// Who else may issue tokens.
    pub issuers: Vec<Issuer>,
    /// How the log is written.
    pub log: Log,
    /// How much is let in.
    pub limits: Limits,
    /// Liveness of sockets.
    pub ping: Ping,
}

/// What TLS is spoken with: both files, or none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and those that lead from it to a known issuer, as PEM.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key, as PEM.
    pub key: Option<PathBuf>,
}

impl Tls {
    /// The files of certificate and key; none when TLS is not spoken.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        self.certificate.as_deref().zip(self.key.as_deref())
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// As text or as JSON.
    pub format: LogFormat,
    /// From which level on.
    pub level: LogLevel,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The least level that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures that need somebody.
    Error,
    /// And what may become one.
    Warn,
    /// And what happens in the large.
    Info,
    /// And what happens in the small.
    Debug,
    /// And everything else.
    Trace,
}

impl LogFormat {
    /// The word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

impl LogLevel {
    /// The word in settings; `tracing` knows the same ones.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// How much is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open connections, sockets and HTTP together.
    pub connections: u32,
    /// Open connections from one address; none means no limit of its own.
    pub connections_per_address: Option<NonZeroU32>,
    /// Sockets that are let in a second, and at once; none means no limit.
    pub upgrades_per_second: Option<NonZeroU32>,
    /// Under how many MiB of room the data folder's disk is nearly full; none means that it is not looked at.
    pub low_disk_mb: Option<NonZeroU32>,
    /// Open sessions of one tenant; none means no quota.
    pub sessions_per_tenant: Option<NonZeroU32>,
    /// Commands a second that write, of one tenant, and as many at once; none means no quota.
    pub commands_per_tenant: Option<NonZeroU32>,
    /// People of one tenant; none means no quota.
    pub agents_per_tenant: Option<NonZeroU32>,
    /// Tenants that there may be for another to be made over HTTP.
    pub tenants: u32,
    /// Calls a second that one principal may make in the long run.
    pub calls_per_second: NonZeroU32,
    /// Calls that one principal may make at once.
    pub calls_burst: NonZeroU32,
}

/// Liveness of sockets (semantics §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// From one ping to the next.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// The origin of a page, as browsers send it: scheme, host and port, nothing after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// As it stands in an `Origin` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Config {
    /// Where the journal is.
    pub fn store_address(&self) -> StoreAddress {
        self.store.clone().unwrap_or_else(|| StoreAddress::Folder(self.data.clone()))
    }
}

impl Default for Config {
    /// What is in force when nothing is set.
    fn default() -> Config {
        Config {
            data: PathBuf::from("./intervalo-data"),
            store: None,
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
            allow_plaintext: false,
            tls: Tls::default(),
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            own_tokens: true,
            provision: Provision::Directory,
            logins: true,
            issuers: Vec::new(),
            log: Log { format: LogFormat::Text, level: LogLevel::Info },
            limits: Limits {
                connections: 60_000,
                // A contact centre sits behind one address.
                connections_per_address: NonZeroU32::new(20_000),
                upgrades_per_second: NonZeroU32::new(2_000),
                low_disk_mb: NonZeroU32::new(256),
                sessions_per_tenant: None,
                commands_per_tenant: None,
                agents_per_tenant: None,
                tenants: 1_000,
                // 10/s, burst 20: the fault table of the promises.
                calls_per_second: NonZeroU32::new(10).expect("10 is not zero"),
                calls_burst: NonZeroU32::new(20).expect("20 is not zero"),
            },
            ping: Ping { interval: Duration::from_secs(25), timeout: Duration::from_secs(10) },
        }
    }
}
