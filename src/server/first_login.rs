//! The first login of a company that has none: an administrator's, with a password that is handed out once and has to
//! be changed. Without it nobody could invite anybody but with a token.

use tracing::{info, warn};

use crate::auth::{FIRST_ADMINISTRATOR, Vault, first_administrator, hash_password, make_password};
use crate::domain::access::{AccessEvent, Account, Credential, CredentialChange};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::TenantId;
use crate::domain::time::{Timestamp, hours};
use crate::ports::TenantDefinition;
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

/// Hands it over; it must not end up in a log.
pub type TellFirstLogin = Box<dyn Fn(&FirstLogin) + Send + Sync>;

/// Makes the first account of a tenant where there is none, or none but the one that nobody has used yet: whoever lost
/// the password gets another by starting the server again.
pub(super) async fn hand_out(router: &Router, vault: &Vault, now: Timestamp, tenant: &TenantId, tell: &TellFirstLogin) {
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
            | Credential::Cut(_) => return,
        },
        [..] => return,
    };
    let (password, change_by) = (make_password(), now + HOLDS_FOR);
    let (to_hash, hashing) = (password.clone(), tokio::task::spawn_blocking);
    let Ok(hash) = hashing(move || hash_password(&to_hash)).await else { return };
    let is_new = unused.is_none();
    let account = unused.unwrap_or_else(|| first_administrator(now));
    let account = Account { password: Some(hash), change_by: Some(change_by), ..account };
    let event = if is_new { AccessEvent::AccountMade(account.id) } else { AccessEvent::PasswordSet(account.id) };
    let body = TenantEventBody::Access(event);
    let event = TenantEvent { at: now, actor: Actor::System, cause: Cause::ServerStarted, op: None, body };
    let changes = [CredentialChange::Put(Credential::Account(account))];
    let definition = TenantDefinition::Credentials(changes.clone().into());
    match router.publish(tenant, event, definition).await {
        Ok(()) => {
            vault.apply(tenant, &changes);
            tell(&FirstLogin { tenant: tenant.clone(), login: FIRST_ADMINISTRATOR, password, change_by });
            info!(tenant.id = %tenant, "a first login for {tenant} was handed out");
        }
        Err(error) => warn!(tenant.id = %tenant, "no first login was made: {error:?}"),
    }
}
