//! The hub: what boards are shown.
//!
//! One task a tenant reads the tenant's feed and keeps the last durable public row of every agent.
//! A view (tenant, team set) cuts that into frames, each encoded once and shared by all boards of
//! the view. Boards pull: a board that does not read costs a number, and catches up by one frame of
//! everything that changed, or by a snapshot.
//!
//! What the feed lost is found by the numbers and read from the journal. The hub knows no actor, no
//! store and no socket; teams are authorised by whoever asks for a board.

mod board;
#[doc(hidden)]
pub mod cursor;
mod feed;
mod pace;
mod seat;
mod seed;
mod table;
mod tenant;
mod view;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::directory::Directory;
use crate::domain::id::{TeamId, TenantId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::ports::{Bus, Clock, Journal, ShardId};
use crate::sync::{RwLock, spawn_on};

pub use board::{BEAT_AFTER, Board, BoardFrame};
pub use feed::{EARLY_MAX, GAP_WAIT, REPAIR_RETRY};
pub use pace::TICKS;
pub use seat::Outlet;
pub use seed::{SeedRow, seed_rows};
pub use tenant::VIEWS_MAX;
pub use view::{CATCH_UP_BYTES_MAX, CATCH_UPS_MAX, RING_BYTES_MAX, RING_FRAMES_MAX, SNAPSHOTS_MAX, WAITING_MAX};

use feed::FeedReader;
use table::Table;
use tenant::Tenant;

/// Why a board is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// No such tenant has been opened.
    #[error("the tenant is not served here")]
    UnknownTenant,
    /// The server is about to stop.
    #[error("the server is about to stop")]
    Draining,
    /// The tenant has [`VIEWS_MAX`] views open, and this would be another.
    #[error("the tenant has {VIEWS_MAX} different boards open")]
    TooManyViews,
}

/// All boards of a server. Memory: one row an agent (about 1 KiB), and for each view in use at most
/// [`RING_BYTES_MAX`] of frames, [`CATCH_UPS_MAX`] catch-ups and [`SNAPSHOTS_MAX`] snapshots, the
/// last two only as long as somebody may ask for them.
pub struct Hub {
    bus: Arc<dyn Bus>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
    stop: CancellationToken,
    tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub without tenants. Its tasks run on `tasks` and end with `stop`.
    pub fn start(
        bus: Arc<dyn Bus>,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Hub> {
        Arc::new(Hub { bus, journal, clock, tasks, stop, tenants: RwLock::default() })
    }

    /// Begins to serve a tenant: reads its feed from this call on, over the rows that stood at `head`.
    /// For a tenant that is served already, the rows only repair what differs, unless they are older.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub fn open_tenant(&self, shard: ShardId, directory: Arc<Directory>, head: TenantSeq, rows: Vec<SeedRow>) {
        self.open(shard, directory, head, rows, Some(head));
    }

    /// The same for a tenant of which no row may be shown before [`Hub::show_from`] says from where on: boards are
    /// given, and wait.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub fn open_tenant_unshown(&self, shard: ShardId, directory: Arc<Directory>, head: TenantSeq, rows: Vec<SeedRow>) {
        self.open(shard, directory, head, rows, None);
    }

    /// The rows of a tenant may be shown from this number on.
    pub fn show_from(&self, tenant: &TenantId, from: TenantSeq) {
        if let Some(tenant) = self.tenant(tenant) {
            tenant.state().show_from(from);
        }
    }

    fn open(
        &self,
        shard: ShardId,
        directory: Arc<Directory>,
        head: TenantSeq,
        rows: Vec<SeedRow>,
        shown_from: Option<TenantSeq>,
    ) {
        let id = directory.tenant.id.clone();
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get(&id) {
            tenant.state().repair(head, &directory, rows, self.clock.now());
            tenant.nudge();
            return;
        }
        // What is published between this line and the first read waits in the subscription.
        let subscription = self.bus.subscribe(shard, &id);
        let tenant = Arc::new(Tenant::new(id.clone(), Table::new(directory, head, rows), shown_from));
        tenants.insert(id, Arc::clone(&tenant));
        let reader = FeedReader::new(tenant, shard, subscription, Arc::clone(&self.journal), Arc::clone(&self.clock));
        spawn_on(&self.tasks, reader.run(Arc::clone(&self.bus), self.stop.clone()));
    }

    /// A board on the agents of these teams, which the caller has authorised. With a cursor that can
    /// be answered exactly it goes on from there, else it begins with a snapshot.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn board(
        self: &Arc<Self>,
        tenant: &TenantId,
        teams: &BTreeSet<TeamId>,
        cursor: Option<&str>,
    ) -> Result<Board, HubError> {
        self.board_through(None, tenant, teams, cursor)
    }

    /// The same, with a way out: what is told through it [`Board::next`] does not give.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn board_through(
        self: &Arc<Self>,
        outlet: Option<Arc<dyn Outlet>>,
        tenant: &TenantId,
        teams: &BTreeSet<TeamId>,
        cursor: Option<&str>,
    ) -> Result<Board, HubError> {
        if self.stop.is_cancelled() {
            return Err(HubError::Draining);
        }
        let tenant = self.tenant(tenant).ok_or(HubError::UnknownTenant)?;
        Board::join(tenant, teams, cursor, outlet, Arc::clone(&self.clock))
    }

    /// The number that the tenant's rows stand at.
    pub fn head(&self, tenant: &TenantId) -> Option<TenantSeq> {
        self.tenant(tenant).map(|tenant| tenant.state().table.head())
    }

    /// Tells when a tenant's head has moved: it may skip numbers, and what is behind it is durable.
    pub fn heads(&self, tenant: &TenantId) -> Option<watch::Receiver<TenantSeq>> {
        self.tenant(tenant).map(|tenant| tenant.state().heads())
    }

    /// The rows of a tenant that are wanted, as they stand now; none where the tenant is not served here.
    pub fn rows(&self, tenant: &TenantId, wanted: impl Fn(&AgentView) -> bool) -> Option<Vec<Arc<AgentView>>> {
        let tenant = self.tenant(tenant)?;
        let state = tenant.state();
        let views = state.table.rows().map(|row| &row.view).filter(|view| view.person.left_at.is_none());
        Some(views.filter(|view| wanted(view)).cloned().collect())
    }

    /// How many views of a tenant are open.
    pub fn views(&self, tenant: &TenantId) -> usize {
        self.tenant(tenant).map_or(0, |tenant| tenant.state().views())
    }

    fn tenant(&self, tenant: &TenantId) -> Option<Arc<Tenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }
}
