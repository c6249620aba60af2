//! Wiring: takes up the store, puts the core, the hub and the doors together, and takes them down
//! again in the right order.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::actor::core::{FreshId, RevivalError, TenantSeed};
use crate::actor::{Core, CoreParts};
use crate::auth::Verifier;
use crate::auth::key::{KeyError, TokenKey};
use crate::cluster::{LocalBus, LocalPlacement};
use crate::config::Config;
use crate::domain::id::PauseId;
use crate::domain::time::Timestamp;
use crate::hub::{Hub, SeedRow};
use crate::ports::{Bus, Clock, Journal};
use crate::router::Router;
use crate::store::{OpenError, SqliteJournal};
use crate::telemetry::Figures;
use crate::transport::{self, PauseHistory, Settings};

/// How many connections the kernel may hold ready to be accepted: enough for a storm of reconnects
/// to wait rather than fail.
const BACKLOG: i32 = 4096;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The key that tokens are checked with cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What is stored cannot be taken up.
    #[error(transparent)]
    Revival(#[from] RevivalError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {why}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
}

/// Begins to listen, so that a taken port is known before anything else happens.
///
/// # Errors
/// [`ServerError::Listen`] naming the address.
pub fn listen(addresses: &[SocketAddr]) -> Result<Vec<StdListener>, ServerError> {
    addresses
        .iter()
        .map(|&address| listen_on(address).map_err(|why| ServerError::Listen { address, why }))
        .collect()
}

fn listen_on(address: SocketAddr) -> std::io::Result<StdListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves the data folder of `config` on `listeners` until `shutdown`, then drains: clients are told
/// when to come back, what was accepted is committed, and the folder is let go.
///
/// # Errors
/// [`ServerError`] when it cannot start.
pub async fn run(
    config: &Config,
    listeners: Vec<StdListener>,
    figures: Figures,
    shutdown: CancellationToken,
) -> Result<(), ServerError> {
    let verifier = Verifier::with_key(&TokenKey::read_or_make(&config.data)?);
    let opened = SqliteJournal::open(&config.data).await?;
    let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock::start(opened.last_at));
    let journal = Arc::new(opened.journal);
    let history: Arc<dyn PauseHistory> = Arc::new(opened.history);
    let stores = Stores { journal: Arc::clone(&journal) as Arc<dyn Journal>, history, verifier, clock };
    run_on(stores, settings(config), listeners, figures, shutdown).await?;
    journal.close().await;
    info!("stopped");
    Ok(())
}

/// What the server stands on.
pub struct Stores {
    /// The truth.
    pub journal: Arc<dyn Journal>,
    /// The read side of past pauses.
    pub history: Arc<dyn PauseHistory>,
    /// Checks tokens.
    pub verifier: Verifier,
    /// The time.
    pub clock: Arc<dyn Clock>,
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
        fresh_id: fresh_id(),
    };
    let (core, seeds) = Core::take_up(parts).await?;
    for seed in seeds {
        open_boards(&hub, seed);
    }
    core.open();
    let core = Arc::new(core);
    let ready = Arc::new(AtomicBool::new(true));
    let doors = transport::Parts {
        router: Router::new(Arc::clone(&core)),
        hub,
        verifier: stores.verifier,
        history: stores.history,
        clock: stores.clock,
        figures,
        ready: Arc::clone(&ready),
        settings,
    };
    let listeners = listeners.into_iter().filter_map(|listener| adopt(listener, &shutdown)).collect();
    transport::serve(listeners, doors, shutdown).await;
    ready.store(false, Ordering::Release);
    core.close().await;
    hub_stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// Hands a listener to the runtime; one that the runtime refuses ends the server.
fn adopt(listener: StdListener, shutdown: &CancellationToken) -> Option<TcpListener> {
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    match TcpListener::from_std(listener) {
        Ok(listener) => {
            info!(%address, "listening on {address}");
            Some(listener)
        }
        Err(why) => {
            tracing::error!(%address, "cannot serve {address}: {why}");
            shutdown.cancel();
            None
        }
    }
}

fn open_boards(hub: &Hub, seed: TenantSeed) {
    let rows = seed
        .rows
        .into_iter()
        .map(|(agent, seq, view)| SeedRow { agent, seq, view: Arc::new(view) })
        .collect();
    hub.open_tenant(seed.shard, seed.directory, seed.head, rows);
}

fn settings(config: &Config) -> Settings {
    Settings { ..Settings::default() }
}

/// Pause ids: UUID version 7 (RFC 9562 §5.7) of the instant, the rest random.
#[expect(clippy::disallowed_methods, reason = "the one source of ids; the domain is handed them")]
fn fresh_id() -> FreshId {
    Arc::new(|now: Timestamp| {
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("the system has randomness");
        let ms = u64::try_from(now.0).unwrap_or(0);
        PauseId(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().as_u128())
    })
}
