//! Tenants that come while the server runs: what the server keeps of each is made ready before it can be reached.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use super::publishing::Publishing;
use crate::actor::Welcome;
use crate::actor::core::TenantSeed;
use crate::auth::Vault;
use crate::domain::id::TenantId;
use crate::hub::Hub;

/// Whoever keeps something of each tenant.
pub(super) struct Newcomers {
    pub(super) hub: Arc<Hub>,
    pub(super) vault: Arc<Vault>,
    pub(super) publishing: Arc<Publishing>,
    /// Where what runs for each tenant is started, until `shutdown`.
    pub(super) tasks: TaskTracker,
    pub(super) shutdown: CancellationToken,
}

impl Welcome for Newcomers {
    fn prepare(&self, TenantSeed { shard, head, directory, credentials, rows, is_behind: _ }: TenantSeed) {
        self.vault.load(&directory.tenant.id, &credentials);
        self.hub.open_tenant(shard, directory, head, rows);
    }

    fn opened(&self, tenant: &TenantId) {
        let publishing = Arc::clone(&self.publishing).run(tenant.clone());
        self.tasks.spawn(self.shutdown.clone().run_until_cancelled_owned(publishing));
        info!(tenant.id = %tenant, "tenant {tenant} has come");
    }
}
