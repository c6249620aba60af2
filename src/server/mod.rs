//! Wiring: takes up the store, puts the core, the hub and the doors together, and takes them down
//! again in the right order.

mod certificate;
mod disk;
mod first_login;
mod newcomers;
mod publishing;
mod steps;

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::actor::core::{FreshId, RevivalError, TenantSeed};
use crate::actor::{Core, CoreParts};
use crate::auth::{KeyError, TokenKey, Vault, Verifier};
use crate::clock::SystemClock;
use crate::cluster::{LocalBus, LocalPlacement};
use crate::config::{Config, StoreAddress};
use crate::domain::id::{AgentId, PauseId, TenantId};
use crate::domain::time::Timestamp;
use crate::hub::Hub;
use crate::ports::{Bus, Clock, Journal};
use crate::router::Router;
use crate::store::{self, OpenError, OwnedJournal, open_journal};
use crate::telemetry::{Figures, FiguresError};
use crate::transport::{self, LowDisk, PingTimes, Quotas, Rate, Settings, Tls, TlsError};

use disk::Disk;
use newcomers::Newcomers;

pub use first_login::{FirstLogin, FirstLoginDesk};
pub use publishing::Publishing;

/// How often figures are folded; what gathers meanwhile is some thousand numbers at most.
const FIGURES_FOLDED_EVERY: Duration = Duration::from_secs(5);

/// How long a stop may take, with a second to spare for the end of the process (promise B5).
const STOPPED_WITHIN: Duration = Duration::from_secs(9);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The key that tokens are checked with cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Figures cannot be collected.
    #[error(transparent)]
    Figures(#[from] FiguresError),
    /// TLS cannot be spoken with what was set.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What is stored cannot be taken up.
    #[error(transparent)]
    Revival(#[from] RevivalError),
}

/// Serves the store of `config` on `listeners` until `shutdown`, then drains: clients are told
/// when to come back, what was accepted is committed, and the store is let go. Once a process, for
/// the figures are the process's.
///
/// # Errors
/// [`ServerError`] when it cannot start.
pub async fn run(
    config: Config,
    listeners: Vec<StdListener>,
    shutdown: CancellationToken,
    first_login: Option<FirstLoginDesk>,
) -> Result<(), ServerError> {
    let figures = Figures::start()?;
    let tls = config.tls.files().map(|(certificate, key)| Tls::read(certificate, key)).transpose()?.map(Arc::new);
    let key = if config.own_tokens { Some(TokenKey::read_or_make(&config.data)?) } else { None };
    let wall = Arc::new(SystemClock::start(Timestamp(0)));
    let (journal, history, last_at) = open(config.store_address(), wall).await?;
    if let Some(desk) = &first_login {
        // Each start hands out another, so that what one of before has left is void.
        (desk.take_away)();
    }
    let clock = Arc::new(SystemClock::start(last_at));
    steps::tell_if_behind(&*clock);
    let clock: Arc<dyn Clock> = clock;
    let own = key.as_ref().map(|key| (key, config.provision));
    let verifier = Verifier::new(own, &config.issuers, &clock);
    let stores = Stores {
        journal: Arc::clone(&journal) as Arc<dyn Journal>,
        history: Arc::clone(&history) as Arc<dyn transport::PauseHistory>,
        verifier,
        clock,
        first_login: first_login.filter(|_| config.logins),
        fresh_id: fresh_id(),
    };
    let low_disk = LowDisk::default();
    let watching = watched_disk(&config, &low_disk).map(|disk| {
        let watching = disk::watch(disk, Arc::clone(&stores.clock));
        tokio::spawn(watching)
    });
    let too_long = stop_takes_too_long(shutdown.clone(), Arc::clone(&stores.clock));
    let whole = async {
        let served =
            run_on(stores, Settings { tls, low_disk, ..settings(&config) }, listeners, figures, shutdown).await;
        history.close().await;
        journal.close().await;
        if let Some(watching) = watching {
            watching.abort();
        }
        info!("stopped");
        served
    };
    tokio::select! {
        served = whole => served,
        () = too_long => {
            tracing::warn!("stopped without waiting for the store any longer; what was acknowledged is durable");
            Ok(())
        }
    }
}

/// The disk that is to be watched: that of a store in a folder, unless the setting is off.
fn watched_disk(config: &Config, low_disk: &LowDisk) -> Option<Disk> {
    let low_under = u64::from(config.limits.low_disk_mb?.get()) << 20;
    match config.store_address() {
        StoreAddress::Folder(folder) => Some(Disk::new(folder, low_under, low_disk.clone())),
        StoreAddress::Postgres(_) => None,
    }
}

/// Completes when a stop has taken as long as it may.
async fn stop_takes_too_long(shutdown: CancellationToken, clock: Arc<dyn Clock>) {
    shutdown.cancelled().await;
    clock.sleep_until(clock.now() + STOPPED_WITHIN).await;
}

/// Opens the store on a thread of its own: bringing a schema up to date may take a while, and sqlx's
/// futures for it cannot be moved between threads.
async fn open(
    store: StoreAddress,
    clock: Arc<SystemClock>,
) -> Result<(Arc<dyn OwnedJournal>, Arc<store::PauseHistory>, Timestamp), ServerError> {
    let runtime = tokio::runtime::Handle::current();
    let opening = tokio::task::spawn_blocking(move || {
        runtime.block_on(async move {
            let journal = open_journal(&store, clock).await?;
            let last_at = journal.last_at().await.map_err(RevivalError::Read)?;
            let history = store::PauseHistory::open(store).await?;
            Ok((journal, Arc::new(history), last_at))
        })
    });
    match opening.await {
        Ok(opened) => opened,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

/// What the server stands on.
pub struct Stores {
    /// The truth.
    pub journal: Arc<dyn Journal>,
    /// The read side of past pauses.
    pub history: Arc<dyn transport::PauseHistory>,
    /// Checks tokens.
    pub verifier: Verifier,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Hands the first login of a company over to a person, where somebody is there to take it.
    pub first_login: Option<FirstLoginDesk>,
    /// Makes ids of pauses and of what agents ask for.
    pub fresh_id: FreshId,
}

/// Serves what `stores` hold; [`run`] for any store.
///
/// # Errors
/// [`ServerError`] when it cannot start.
pub async fn run_on(
    stores: Stores,
    settings: Settings,
    listeners: Vec<StdListener>,
    figures: Figures,
    shutdown: CancellationToken,
) -> Result<(), ServerError> {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
    let tasks = TaskTracker::new();
    let hub_stop = CancellationToken::new();
    let hub = Hub::start(
        Arc::clone(&bus),
        Arc::clone(&stores.journal),
        Arc::clone(&stores.clock),
        tasks.clone(),
        hub_stop.clone(),
    );
    let parts = CoreParts {
        journal: stores.journal,
        placement: Arc::new(LocalPlacement),
        bus,
        clock: Arc::clone(&stores.clock),
        fresh_id: stores.fresh_id,
    };
    let (core, seeds) = Core::take_up(parts).await?;
    if seeds.is_empty() {
        tracing::warn!(
            "there is no company in this store yet; an operator makes one with `PUT /v1/tenants/{{id}}`, or stop, write one with \
             `intervalo import FILE`, start again"
        );
    }
    let core = Arc::new(core);
    let vault = Arc::new(Vault::default());
    for seed in &seeds {
        vault.load(&seed.directory.tenant.id, &seed.credentials);
    }
    let tenants: Vec<TenantId> = seeds.iter().map(|seed| seed.directory.tenant.id.clone()).collect();
    open_boards(&core, &hub, seeds, &tasks, &hub_stop);
    core.open();
    let router = Router::new(Arc::clone(&core));
    let publishing = Publishing { router, hub: Arc::clone(&hub), clock: Arc::clone(&stores.clock) };
    let publishing = Arc::new(publishing);
    publishing.catch_up(&tenants).await;
    if let Some(desk) = stores.first_login {
        let (router, vault, clock) = (Router::new(Arc::clone(&core)), Arc::clone(&vault), Arc::clone(&stores.clock));
        let tenants = tenants.clone();
        // A password takes its time to be hashed, and the doors do not wait for it.
        let handing_out = async move {
            let mut handed = Vec::new();
            for tenant in &tenants {
                handed.extend(first_login::hand_out(&router, &vault, clock.now(), tenant, &desk).await);
            }
            first_login::take_away_once_void(&vault, &*clock, &handed, &desk).await;
        };
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(handing_out));
    }
    let watching = steps::watch(Arc::clone(&stores.clock), Arc::clone(&core));
    tasks.spawn(shutdown.clone().run_until_cancelled_owned(watching));
    for tenant in tenants {
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(Arc::clone(&publishing).run(tenant)));
    }
    core.welcome_by(Arc::new(Newcomers {
        hub: Arc::clone(&hub),
        vault: Arc::clone(&vault),
        publishing,
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
    }));
    for keeping in stores.verifier.keep_keys() {
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(keeping));
    }
    let tls = settings.tls.clone();
    if let Some(tls) = &tls {
        let watching = certificate::watch(Arc::clone(tls), Arc::clone(&stores.clock));
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(watching));
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    let doors = transport::Parts {
        router: Router::new(Arc::clone(&core)),
        hub,
        verifier: stores.verifier,
        vault,
        history: stores.history,
        clock: Arc::clone(&stores.clock),
        figures: figures.reader(),
        settings,
    };
    let folding = fold_figures(figures, Arc::clone(&stores.clock));
    tasks.spawn(hub_stop.clone().run_until_cancelled_owned(folding));
    let listeners = listeners.into_iter().filter_map(|listener| adopt(listener, scheme, &shutdown)).collect();
    transport::serve(listeners, doors, shutdown).await;
    core.close().await;
    hub_stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// Folds figures for ever: where nobody reads them, what histograms gather would grow without end.
async fn fold_figures(figures: Figures, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep_until(clock.now() + FIGURES_FOLDED_EVERY).await;
        figures.upkeep();
    }
}

/// Hands a listener to the runtime; one that the runtime refuses ends the server.
fn adopt(listener: StdListener, scheme: &str, shutdown: &CancellationToken) -> Option<TcpListener> {
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    match TcpListener::from_std(listener) {
        Ok(listener) => {
            info!(%address, scheme, "listening on {address} ({scheme})");
            Some(listener)
        }
        Err(why) => {
            tracing::error!(%address, "cannot serve {address}: {why}");
            shutdown.cancel();
            None
        }
    }
}

/// Opens the boards of what the core has taken up. No row of a tenant is shown before what fell due while the server
/// was down is written (promise T1).
pub fn open_boards(
    core: &Arc<Core>,
    hub: &Arc<Hub>,
    seeds: Vec<TenantSeed>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    for TenantSeed { shard, head, directory, rows, is_behind, credentials: _ } in seeds {
        if is_behind {
            let tenant = directory.tenant.id.clone();
            hub.open_tenant_unshown(shard, directory, head, rows);
            let showing = show_once_caught_up(Arc::clone(core), Arc::clone(hub), tenant);
            tasks.spawn(stop.clone().run_until_cancelled_owned(showing));
        } else {
            hub.open_tenant(shard, directory, head, rows);
        }
    }
}

async fn show_once_caught_up(core: Arc<Core>, hub: Arc<Hub>, tenant: TenantId) {
    if let Ok(head) = core.caught_up(&tenant).await {
        info!(tenant.id = %tenant, "what fell due for {tenant} while the server was down is on record");
        hub.show_from(&tenant, head);
    }
}

fn settings(config: &Config) -> Settings {
    let limits = &config.limits;
    let of_address = limits.connections_per_address.map_or(limits.connections, |most| most.get());
    Settings {
        connections_max: limits.connections as usize,
        connections_per_address_max: of_address as usize,
        rate: Rate { per_second: limits.calls_per_second.get(), burst: limits.calls_burst.get() },
        quotas: Quotas {
            sessions_max: limits.sessions_per_tenant.map(|most| most.get() as usize),
            commands: limits.commands_per_tenant.map(|most| Rate { per_second: most.get(), burst: most.get() }),
            agents_max: limits.agents_per_tenant.map(|most| most.get() as usize),
        },
        tenants_max: limits.tenants as usize,
        upgrades: limits.upgrades_per_second.map(|most| Rate { per_second: most.get(), burst: most.get() }),
        trusted_proxies: config.trusted_proxies.clone(),
        ping: PingTimes { every: config.ping.interval, answered_within: config.ping.timeout },
        logins: config.logins,
        allowed_origins: config.allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
        ..Settings::default()
    }
}

/// Ids of pauses and of what agents ask for: UUID version 7 (RFC 9562 §5.7) of the instant, the rest random.
#[expect(clippy::disallowed_methods, reason = "the one source of ids; the domain is handed them")]
pub fn fresh_id() -> FreshId {
    Arc::new(|_: &TenantId, _: &AgentId, now: Timestamp| {
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("the system has randomness");
        let ms = u64::try_from(now.0).unwrap_or(0);
        PauseId(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().as_u128())
    })
}
