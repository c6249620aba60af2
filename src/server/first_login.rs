//! The first login of a company that has none: an administrator's, with a password that is handed out once and has to
//! be changed. Without it nobody could invite anybody but with a token.

use tracing::{info, warn};

use crate::auth::{FIRST_ADMINISTRATOR, Vault, first_administrator, hash_password, make_password};
use crate::domain::access::{AccessEvent, Account, Credential, CredentialChange};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{CredentialId, TenantId};
use crate::domain::time::{Timestamp, hours};
use crate::ports::{Clock, TenantDefinition};
use crate::router::Router;

/// How long the password can be used: somebody who installs it on a Friday comes back on Monday.
const HOLDS_FOR: std::time::Duration = hours(7 * 24);

/// A login to hand over to a person.
pub struct FirstLogin {
    /// The company.
    pub tenant: TenantId,
    /// What to type in.
    pub login: &'static str,
    /// The password, which is kept nowhere.
    pub password: String,
    /// Until when it can be used.
    pub change_by: Timestamp,
}

/// Where first logins go.
pub struct FirstLoginDesk {
    /// Hands one over; it must not end up in a log.
    pub tell: Box<dyn Fn(&FirstLogin) + Send + Sync>,
    /// Takes away what was left for somebody to find: nothing of it can be used any more.
    pub take_away: Box<dyn Fn() + Send + Sync>,
}

/// A first login that was handed over.
pub(super) struct HandedOut {
    tenant: TenantId,
    account: CredentialId,
    change_by: Timestamp,
}

impl HandedOut {
    /// True as long as nobody has used it, set another password or ended the account, and it has not lapsed.
    fn holds(&self, vault: &Vault, now: Timestamp) -> bool {
        let found = vault.find(&self.tenant, self.account);
        let account = found.as_deref().and_then(Credential::account);
        let is_unused = |account: &Account| account.change_by == Some(self.change_by) && account.ended_at.is_none();
        now < self.change_by && account.is_some_and(is_unused)
    }
}

/// Takes away what was handed out as soon as none of it can be used any more.
pub(super) async fn take_away_once_void(vault: &Vault, clock: &dyn Clock, handed: &[HandedOut], desk: &FirstLoginDesk) {
    let mut changes = vault.changes();
    loop {
        changes.mark_unchanged();
        let now = clock.now();
        let lapses = handed.iter().filter(|one| one.holds(vault, now)).map(|one| one.change_by).min();
        let Some(lapses) = lapses else { break };
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() { break },
            () = clock.sleep_until(lapses) => {}
        }
    }
    (desk.take_away)();
}

/// Makes the first account of a tenant where there is none, or none but the one that nobody has used yet: whoever lost
/// the password gets another by starting the server again.
pub(super) async fn hand_out(
    router: &Router,
    vault: &Vault,
    now: Timestamp,
    tenant: &TenantId,
    desk: &FirstLoginDesk,
) -> Option<HandedOut> {
    // Nobody logs in to a closed company.
    router.tenant(tenant)?;
    let accounts = vault.list(tenant, "account", None, |_| true, 2);
    let unused = match &accounts[..] {
        [] => None,
        [one] => match &**one {
            Credential::Account(account) if account.change_by.is_some() && account.ended_at.is_none() => {
                Some(account.clone())
            }
            Credential::Account(_)
            | Credential::Key(_)
            | Credential::Invitation(_)
            | Credential::Login(_)
            | Credential::Cut(_) => return None,
        },
        [..] => return None,
    };
    let (password, change_by) = (make_password(), now + HOLDS_FOR);
    let (to_hash, hashing) = (password.clone(), tokio::task::spawn_blocking);
    let hash = hashing(move || hash_password(&to_hash)).await.ok()?;
    let is_new = unused.is_none();
    let account = unused.unwrap_or_else(|| first_administrator(now));
    let handed = HandedOut { tenant: tenant.clone(), account: account.id, change_by };
    let account = Account { password: Some(hash), change_by: Some(change_by), ..account };
    let event = if is_new { AccessEvent::AccountMade(account.id) } else { AccessEvent::PasswordSet(account.id) };
    let body = TenantEventBody::Access(event);
    let event = TenantEvent { at: now, actor: Actor::System, cause: Cause::ServerStarted, op: None, body };
    let changes = [CredentialChange::Put(Credential::Account(account))];
    let definition = TenantDefinition::Credentials(changes.clone().into());
    match router.publish(tenant, event, definition).await {
        Ok(()) => {
            vault.apply(tenant, &changes);
            (desk.tell)(&FirstLogin { tenant: tenant.clone(), login: FIRST_ADMINISTRATOR, password, change_by });
            info!(tenant.id = %tenant, "a first login for {tenant} was handed out");
            Some(handed)
        }
        Err(error) => {
            warn!(tenant.id = %tenant, "no first login was made: {error:?}");
            None
        }
    }
}
