//! The server's doors: sockets and HTTP, with their limits.
//!
//! It carries requests to the router and boards to their viewers, and decides nothing about pauses.
//! Of the store it knows the pause history, to read.

mod accept;
mod access;
mod accounts;
mod admission;
mod agent_session;
mod agents;
mod audit;
mod board_session;
mod change;
mod closing;
pub mod contract;
mod corrections;
mod credential;
#[doc(hidden)]
pub mod cursor;
mod directory;
mod directory_import;
mod directory_parts;
mod dry_run;
#[doc(hidden)]
pub mod echo;
mod entitlements;
mod events;
mod failures;
mod founding;
mod frame_head;
mod history;
mod http;
mod invitations;
mod keys;
mod liveness;
mod logins;
mod low_disk;
mod me;
mod measure;
mod menu_watch;
mod occupancy;
mod outlet;
mod pages;
mod passwords;
mod patience;
mod pause_types;
mod pauses;
mod policy;
mod policy_http;
mod presence;
mod problem;
mod provisioning;
mod proxies;
mod query;
mod quotas;
mod rate_limit;
mod read_ahead;
mod read_record;
mod reading;
mod requests;
mod restraint;
mod rpc;
mod sessions;
mod sheet;
mod shifts;
mod sockets;
mod stall;
mod struck_out;
mod tenants;
mod tickets;
mod tls;
mod turned_away;
mod upgrade;
mod wanted;
mod websocket;
mod wire;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{Vault, Verifier};
use crate::config::Network;
use crate::domain::id::{PrincipalId, SessionId, TenantId};
use crate::hub::Hub;
use crate::ports::Clock;
use crate::router::Router;

pub use history::{PauseHistory, TenantHistory};
pub use http::paths;
pub use liveness::PingTimes;
pub use low_disk::LowDisk;
pub use quotas::Quotas;
pub use rate_limit::Rate;
pub use tls::{Look, Tls, TlsError, TlsFile};

use admission::Admission;
use change::Turns;
use contract::served::Published;
use directory_import::Imports;
use dry_run::DryRuns;
use failures::Failures;
use passwords::PasswordWork;
use provisioning::{NEWCOMERS_PER_MINUTE_MAX, Newcomers};
use proxies::TrustedProxies;
use rate_limit::RateLimiter;
use read_record::ReadRecord;
use sockets::Sockets;
use tickets::Tickets;
use turned_away::TurnedAway;

/// How many tenants there may be, where nothing else is set, for another to be made: each takes about 50 KiB whether
/// anybody is there or not.
const TENANTS_MAX: usize = 1_000;

/// How long connections have to end when the server stops; the whole stop has 10 s (promise B5),
/// and what comes after needs the rest.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(7);

/// How long connections that are cut have to end. What is left then waits for a store that does not
/// answer, and the next start takes every session off anyway.
const CUT_TIME_MAX: Duration = Duration::from_secs(1);

/// Renders the figures of the process as text, for `/metrics`.
pub type FiguresText = Arc<dyn Fn() -> String + Send + Sync>;

/// What an administrator of the installation may set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most connections at once, of all kinds.
    pub connections_max: usize,
    /// The most connections at once from one address. High, for a contact centre sits behind one. Those of trusted
    /// proxies are not counted, but the sockets that they carry are, each for the address that it came from.
    pub connections_per_address_max: usize,
    /// The most open sessions at once of one principal that is not an agent (an agent's are limited
    /// by its actor).
    pub sessions_per_principal_max: usize,
    /// How many requests a principal may send.
    pub rate: Rate,
    /// Whether the disk is nearly full; clones of it say so to the doors.
    pub low_disk: LowDisk,
    /// What each tenant may have.
    pub quotas: Quotas,
    /// How many sockets are let in; none: all.
    pub upgrades: Option<Rate>,
    /// Proxies whose word is taken for whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// How sockets are asked whether somebody is there.
    pub ping: PingTimes,
    /// What TLS is spoken with; none: HTTP in plain text.
    pub tls: Option<Arc<Tls>>,
    /// People may log in with a name and a password.
    pub logins: bool,
    /// Origins (`https://desk.example`) whose pages may open sockets here besides the server's own.
    pub allowed_origins: BTreeSet<String>,
    /// The most tenants that there may be for another to be made over HTTP.
    pub tenants_max: usize,
    /// The most people that the issuers of a tenant's credentials may put into its directory in a minute.
    pub newcomers_per_minute_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connections_max: 60_000,
            connections_per_address_max: 20_000,
            sessions_per_principal_max: 64,
            rate: Rate::default(),
            low_disk: LowDisk::default(),
            quotas: Quotas::default(),
            upgrades: Some(Rate { per_second: 2_000, burst: 2_000 }),
            trusted_proxies: Vec::new(),
            ping: PingTimes::default(),
            tls: None,
            logins: true,
            allowed_origins: BTreeSet::new(),
            tenants_max: TENANTS_MAX,
            newcomers_per_minute_max: NEWCOMERS_PER_MINUTE_MAX,
        }
    }
}

/// What the doors lead to.
pub struct Parts {
    /// Sends commands to the agents' owners.
    pub router: Router,
    /// Shows boards.
    pub hub: Arc<Hub>,
    /// Checks tokens.
    pub verifier: Verifier,
    /// The credentials that tenants hand out.
    pub vault: Arc<Vault>,
    /// Reads the pause history.
    pub history: Arc<dyn PauseHistory>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What `/metrics` answers.
    pub figures: FiguresText,
    /// The limits.
    pub settings: Settings,
}

/// What every connection shares.
struct App {
    router: Router,
    hub: Arc<Hub>,
    verifier: Verifier,
    vault: Arc<Vault>,
    tickets: Tickets,
    turned_away: TurnedAway,
    read_record: ReadRecord,
    passwords: PasswordWork,
    history: Arc<dyn PauseHistory>,
    clock: Arc<dyn Clock>,
    figures: FiguresText,
    settings: Settings,
    rate_limiter: RateLimiter,
    /// For what the rate does not hold up: requests around a protected pause.
    protected_limiter: RateLimiter,
    router_limiter: RateLimiter,
    /// For what a tenant writes, where it has a quota.
    tenant_limiter: Option<RateLimiter<TenantId>>,
    /// Credentials that were refused, by the address that they came from.
    refused_credentials: Failures<IpAddr>,
    /// Principals whose sockets were ended for their own fault.
    struck_out: Failures<(TenantId, PrincipalId)>,
    /// And those that call in vain.
    in_vain: Failures<(TenantId, PrincipalId)>,
    admission: Admission,
    proxies: TrustedProxies,
    dry_runs: DryRuns,
    imports: Imports,
    turns: Turns,
    newcomers: Newcomers,
    /// Held by whoever makes a tenant.
    making_tenant: tokio::sync::Mutex<()>,
    published: Published,
    sockets: Arc<Sockets>,
    session_count: AtomicU64,
    /// Every task of a connection.
    tasks: TaskTracker,
    /// Asks connections to end.
    draining: CancellationToken,
    /// Ends those that have not.
    cut: CancellationToken,
}

impl App {
    fn next_session(&self) -> SessionId {
        SessionId(self.session_count.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Serves connections from `listeners` until `shutdown`, then tells clients when to come back and
/// ends every connection; at the latest seven seconds after it, by force.
pub async fn serve(listeners: Vec<TcpListener>, parts: Parts, shutdown: CancellationToken) {
    let app = Arc::new(App {
        router: parts.router,
        hub: parts.hub,
        verifier: parts.verifier,
        vault: parts.vault,
        tickets: Tickets::default(),
        turned_away: TurnedAway::default(),
        read_record: ReadRecord::default(),
        passwords: PasswordWork::default(),
        history: parts.history,
        clock: parts.clock,
        figures: parts.figures,
        rate_limiter: RateLimiter::new(parts.settings.rate).against_floods(),
        protected_limiter: RateLimiter::new(rpc::PROTECTED_RATE),
        router_limiter: RateLimiter::new(occupancy::ROUTER_RATE),
        tenant_limiter: parts.settings.quotas.commands.map(RateLimiter::new),
        refused_credentials: Failures::new("address", credential::REFUSED_BUDGET),
        struck_out: Failures::new("struck_out", struck_out::BUDGET),
        in_vain: Failures::new("in_vain", restraint::BUDGET),
        admission: Admission::new(parts.settings.upgrades),
        proxies: TrustedProxies::new(parts.settings.trusted_proxies.clone()),
        dry_runs: DryRuns::default(),
        imports: Imports::default(),
        turns: Turns::default(),
        published: Published::default(),
        making_tenant: tokio::sync::Mutex::default(),
        newcomers: Newcomers::new(parts.settings.newcomers_per_minute_max),
        sockets: Arc::new(
            Sockets::new(
                parts.settings.connections_max,
                parts.settings.connections_per_address_max,
                parts.settings.sessions_per_principal_max,
            )
            .with_per_tenant(parts.settings.quotas.sessions_max),
        ),
        settings: parts.settings,
        session_count: AtomicU64::new(0),
        tasks: TaskTracker::new(),
        draining: shutdown.clone(),
        cut: CancellationToken::new(),
    });
    let routes = http::routes(Arc::clone(&app));
    let doors = TaskTracker::new();
    for listener in listeners {
        doors.spawn(accept::run(listener, Arc::clone(&app), routes.clone()));
    }
    doors.close();
    drop(routes);
    let telling = turned_away::tell(Arc::clone(&app), shutdown.clone());
    let recording = read_record::tell(Arc::clone(&app), shutdown.clone());
    tokio::join!(telling, recording, doors.wait());
    app.tasks.close();
    if tokio::time::timeout(DRAIN_TIME_MAX, app.tasks.wait()).await.is_err() {
        tracing::warn!(connections = app.tasks.len(), "cutting connections that did not end in time");
        app.cut.cancel();
        if tokio::time::timeout(CUT_TIME_MAX, app.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = app.tasks.len(), "going on without what did not end");
        }
    }
}
