//! Operators close tenants over HTTP, and open them again. Nothing is erased by it: whoever is there leaves, nobody comes in, and what is
//! on record stays. To whoever holds a credential of a closed tenant it is a tenant that there is not.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::problem::Problem;
use super::reading::{Precondition, count, etag_of_shown, op_of};
use super::rpc::{Viewer, failed};
use super::{App, founding, low_disk, quotas, read_record, turned_away};
use crate::actor::TenantFacts;
use crate::auth::{Action, Principal, Proof};
use crate::domain::access::Credential;
use crate::domain::closing::{Closing, ClosingStep};
use crate::domain::directory::{Directory, Tenant};
use crate::domain::event::TenantEventBody;
use crate::domain::id::TenantId;
use crate::domain::time::Timestamp;
use crate::ports::TenantDefinition;
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::setting::TenantObject;
use crate::protocol::time::to_text;

/// `DELETE /v1/tenants/{id}` by an operator: the tenant is closed, also when it was before. Who asks again after they were cut off
/// goes on where that was.
pub(super) async fn close(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    if !principal.may(Action::CloseTenant) {
        return Err(WireError::forbidden().into());
    }
    let seen_by = principal.all_tenants().ok_or_else(WireError::forbidden)?;
    count(&app, &principal)?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(&headers)?, Precondition::of(&headers)?);
    let id = id.ok().and_then(|Path(id)| TenantId::new(&id).ok()).ok_or_else(WireError::forbidden)?;
    let by_now = || app.router.tenant_seen(&seen_by, &id).ok_or_else(WireError::forbidden);
    by_now()?;
    let change = Change::of_operator(&app, &id, &principal, op, "tenant.close", &[]);
    let _turn = change.turn().await?;
    if change.made_before().await?.is_some() || by_now()?.directory.is_closed() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // What the settings are by now is nobody's to guess who is not of the tenant.
    on_top_of.check(Some(""))?;
    let _shut = app.router.shut_doors(&seen_by, &id).ok_or_else(WireError::forbidden)?;
    app.sockets.end(&id, |_, _| true);
    turned_away::record_of(&app, &id).await;
    read_record::record_of(&app, &id).await;
    app.router.all_leave(&id, change.actor()).await.map_err(|error| failed(error, Viewer::Other))?;
    // A change of the directory that was on its way may come first.
    for _ in 0..TRIES_MAX {
        let (facts, now) = (by_now()?, app.clock.now());
        if put(&change, now, ClosingStep::Closed, facts.directory.closed(now, app.clock.wall())).await? {
            tracing::info!(tenant.id = %id, principal.id = %principal.id, "{} closes tenant {id}", principal.id);
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    Err(WireError::unavailable(RETRY_AFTER).into())
}

/// `PUT /v1/tenants/{id}` by an operator, of a closed tenant: the settings that it has open it again. None where somebody else was
/// faster: look again.
///
/// # Errors
/// 409 `tenant_closed` for any other settings. Nobody else is left to ask for them, so that the operator is told which they are.
pub(super) async fn reopen(
    app: &App,
    change: &Change<'_>,
    on_top_of: &Precondition,
    settings: &Tenant,
    facts: &TenantFacts,
) -> Result<Option<Response>, Problem> {
    let is_repeat = change.made_before().await?.is_some();
    let there = TenantObject::of(&facts.directory.tenant);
    on_top_of.check(Some(&etag_of_shown(&there)))?;
    // As they are shown, which is all that can be put. What was asked before the tenant was closed does not open it when it
    // comes late.
    if is_repeat || there != TenantObject::of(settings) {
        return Err(is_closed(facts).into());
    }
    low_disk::check(app)?;
    let _turn = change.turn().await?;
    let now = app.clock.now();
    let Some(next) = facts.directory.reopened(now) else { return Ok(None) };
    if !put(change, now, ClosingStep::Reopened, next).await? {
        return Ok(None);
    }
    tracing::info!(tenant.id = %there.id, "tenant {} is open again", there.id);
    Ok(Some(founding::put(StatusCode::OK, settings, None)))
}

async fn put(change: &Change<'_>, now: Timestamp, step: ClosingStep, next: Directory) -> Result<bool, WireError> {
    let body = TenantEventBody::Closing { step, version: next.version };
    change.put(now, body, TenantDefinition::Directory(Arc::new(next))).await
}

fn is_closed(facts: &TenantFacts) -> WireError {
    let message = "This tenant is closed. To open it again, put the settings that it has, which are in `settings`, with another \
                   Idempotency-Key or none.";
    let error = WireError::new(ErrorKind::Conflict, "tenant_closed", message);
    let closed_at = facts.directory.closed_at().map(to_text).unwrap_or_default();
    error.with("closed_at", closed_at).with("settings", json!(TenantObject::of(&facts.directory.tenant)))
}

impl App {
    /// True while people of a tenant are let in.
    pub(super) fn serves(&self, tenant: &TenantId) -> bool {
        self.router.tenant(tenant).is_some()
    }

    /// True when a credential is still what it was when it let somebody in. Of a closed tenant none is that was handed out here;
    /// a token is as of a tenant that there is not, and reaches nothing. Of a tenant that was opened again what lets in for a while
    /// only, tokens and logins, is not what it was before the closing.
    pub(super) fn still_holds(&self, principal: &Principal) -> bool {
        if !self.vault.still_holds(principal, self.clock.now()) {
            return false;
        }
        match self.router.tenant(&principal.tenant) {
            None => matches!(principal.proof, Proof::Token { .. }),
            Some(facts) => facts.directory.closing.is_none_or(|closing| self.is_of_after(principal, closing)),
        }
    }

    fn is_of_after(&self, principal: &Principal, closing: Closing) -> bool {
        match principal.proof {
            // As for a cut: a token says in whole seconds when it was issued, or not at all.
            Proof::Token { issued_at } => issued_at.is_some_and(|at| at > closing.wall_at),
            Proof::Login(id) => {
                let found = self.vault.find(&principal.tenant, id);
                found.as_deref().and_then(Credential::login).is_some_and(|login| login.began_at > closing.at)
            }
            Proof::Key(_) => true,
        }
    }

    /// Asked with the place of a session taken: whoever ends the credential, or closes the tenant, finds the session, or has been there
    /// before.
    ///
    /// # Errors
    /// [`WireError`] where it holds no more.
    pub(super) fn check_still_in(&self, principal: &Principal) -> Result<(), WireError> {
        if !self.still_holds(principal) {
            return Err(WireError::unauthenticated());
        }
        if self.serves(&principal.tenant) { Ok(()) } else { Err(WireError::forbidden()) }
    }
}
