//! The accounts of people who log in with a password: listed and ended by an administrator. They are made by inviting.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::access::actor_of;
use super::http::json_of;
use super::keys::{manager, named};
use super::problem::Problem;
use super::query::{Query, page};
use crate::auth::{Proof, Role};
use crate::domain::access::{AccessEvent, Account, Credential, CredentialChange, Rights};
use crate::domain::id::{CredentialId, TenantId};
use crate::domain::time::Timestamp;
use crate::protocol::access::AccountObject;
use crate::protocol::error::{ErrorKind, WireError};

/// `GET /v1/accounts`: all of them, ended ones too, in the order in which they were made.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let mut query = Query::of(&uri)?;
    let (after, limit) = (query.cursor()?, query.limit()?);
    query.finish()?;
    let found = app.vault.list(&principal.tenant, "account", after, |_| true, limit + 1);
    let (found, next_cursor) = page(found, limit, |last| last.id().to_string());
    let accounts = found.iter().filter_map(|one| one.account()).map(AccountObject::of).collect();
    Ok(json_of(StatusCode::OK, &Page { accounts, next_cursor }))
}

/// `GET /v1/accounts/{id}`: one of them.
pub(super) async fn read_one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let found = named(&app, &principal, id);
    let account = found.as_deref().and_then(Credential::account).ok_or_else(no_such_account)?;
    Ok(json_of(StatusCode::OK, &AccountObject::of(account)))
}

/// `DELETE /v1/accounts/{id}`: nobody logs in with it any more, and who has is out. It stays in the list; an invitation
/// to the same login opens it again.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let tenant = &principal.tenant;
    let found = named(&app, &principal, id);
    let account = found.as_deref().and_then(Credential::account).ok_or_else(no_such_account)?;
    let mut changes = drops_of(&app, tenant, account.id);
    if account.ended_at.is_none() {
        let now = app.clock.now();
        // Of two administrators who end each other at the same instant, one stays.
        let _turn = app.passwords.accepting.lock().await;
        is_not_the_last(&app, tenant, account, now)?;
        let ended = Account { ended_at: Some(now), password: None, change_by: None, ..account.clone() };
        changes.push(CredentialChange::Put(Credential::Account(ended)));
        let ids: Vec<CredentialId> = changes.iter().map(CredentialChange::id).collect();
        app.put_credentials(tenant, (now, actor_of(&principal)), AccessEvent::AccountEnded(account.id), changes)
            .await?;
        end_sockets(&app, tenant, &ids);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Refuses to end what the company's last administrator comes in by. The installation's own tokens do not count: who can sign
/// them has the data folder, and may be nobody of the company.
fn is_not_the_last(app: &App, tenant: &TenantId, account: &Account, now: Timestamp) -> Result<(), WireError> {
    let is_admin = |rights: &Rights| rights.roles.contains(&Role::Admin);
    let may_log_in = |one: &Account| {
        let holds = one.password.is_some() && one.change_by.is_none_or(|by| now < by);
        app.settings.logins && one.ended_at.is_none() && is_admin(&one.rights) && holds
    };
    if !may_log_in(account) || app.verifier.has_provider_of(tenant) {
        return Ok(());
    }
    let comes_in = |one: &Credential| match one {
        Credential::Account(other) => other.id != account.id && may_log_in(other),
        Credential::Key(key) => is_admin(&key.rights) && key.holds(now),
        Credential::Invitation(_) | Credential::Login(_) | Credential::Cut(_) => false,
    };
    if ["account", "key"].iter().any(|kind| !app.vault.list(tenant, kind, None, comes_in, 1).is_empty()) {
        return Ok(());
    }
    let why = "This is the last administrator who can come in. Invite another one, who has to choose a password, or make a key \
               with the role admin; then end this account.";
    Err(WireError::new(ErrorKind::Conflict, "last_administrator", why))
}

/// What drops all logins of, and invitations to, an account.
pub(super) fn drops_of(app: &App, tenant: &TenantId, account: CredentialId) -> Vec<CredentialChange> {
    app.vault.of_account(tenant, account).iter().map(|one| CredentialChange::Drop(one.id())).collect()
}

/// Ends the sockets that came in by logins.
pub(super) fn end_sockets(app: &App, tenant: &TenantId, logins: &[CredentialId]) {
    app.sockets.end(tenant, |_, session| matches!(session.proof, Proof::Login(id) if logins.contains(&id)));
}

/// Accounts, in the order in which they were made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountPage")]
pub(super) struct Page<'a> {
    /// The accounts.
    accounts: Vec<AccountObject<'a>>,
    /// Where to go on, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn no_such_account() -> WireError {
    WireError::nothing("There is no account of this id.")
}
