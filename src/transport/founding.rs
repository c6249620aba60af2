//! Operators make tenants over HTTP. What there is of a tenant afterwards is its administrators' alone: whoever made it gets a
//! link for the first of them, and another one only for as long as there is nothing in the tenant that could be read with it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::App;
use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::directory_parts::id_of;
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::invitations::Invited;
use super::problem::Problem;
use super::reading::{Precondition, count, etag_of_shown, object, op_of, put_etag};
use super::rpc::{Viewer, failed};
use super::{closing, low_disk, quotas};
use crate::actor::{CommandError, Founding, TenantFacts};
use crate::auth::{AllTenants, Principal, first_administrator};
use crate::domain::access::{AccessEvent, Account, Credential};
use crate::domain::directory::{Directory, Tenant};
use crate::domain::event::TenantEventBody;
use crate::domain::id::{DirectoryVersion, TenantId};
use crate::domain::policy::Policy;
use crate::domain::policy_plans::PolicyPlans;
use crate::domain::time::Timestamp;
use crate::protocol::access::INVITATION_TTL;
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::setting::{TenantObject, TenantPut, read_tenant};

/// How long somebody who makes a tenant may wait for those before them.
const TURN_WITHIN: Duration = Duration::from_secs(4);

/// `PUT /v1/tenants/{id}` by an operator: the tenant is new, or it is the one that the same request made before, or it is opened again.
pub(super) async fn make(
    app: &App,
    principal: &Principal,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    count(app, principal)?;
    quotas::count_write(app, principal)?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let id = id_of("id", id, TenantId::new)?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let settings = read_tenant(id.clone(), object(&body)?)?;
    let wanted = json!(TenantObject::of(&settings)).to_string();
    let change = Change::of_operator(app, &id, principal, op, "tenant.make", &[("tenant", &wanted)]);
    // One at a time: whether there is room, and whether another is called nearly the same, holds until it is made.
    let turn = tokio::time::timeout(TURN_WITHIN, app.making_tenant.lock()).await;
    let _turn = turn.map_err(|_elapsed| WireError::unavailable(RETRY_AFTER))?;
    let seen_by = principal.all_tenants().ok_or_else(WireError::forbidden)?;
    for _ in 0..TRIES_MAX {
        match app.router.tenant_seen(&seen_by, &id) {
            Some(facts) if facts.directory.is_closed() => {
                match closing::reopen(app, &change, &on_top_of, &settings, &facts).await? {
                    Some(opened) => return Ok(opened),
                    None => continue,
                }
            }
            Some(facts) => return there_already(app, &change, &on_top_of, &settings, &facts).await,
            None => {}
        }
        on_top_of.check(None)?;
        low_disk::check(app)?;
        check_room(app)?;
        check_name(app, &seen_by, &id)?;
        let now = app.clock.now();
        let invited = app.settings.logins.then(|| Invited::to(first_administrator(now), now, INVITATION_TTL));
        match app.router.found(founding(&change, &settings, invited.as_ref(), now)).await {
            Ok(()) => {
                tracing::info!(tenant.id = %id, principal.id = %principal.id, "{} makes tenant {id}", principal.id);
                return Ok(put(StatusCode::CREATED, &settings, invited.as_ref()));
            }
            Err(CommandError::Overtaken) => {}
            Err(error) => return Err(failed(error, Viewer::Other).into()),
        }
    }
    Err(WireError::unavailable(RETRY_AFTER).into())
}

/// What a tenant begins with: its settings, and an account for whoever administers it, with a link.
fn founding(change: &Change<'_>, settings: &Tenant, invited: Option<&Invited>, now: Timestamp) -> Founding {
    let version = DirectoryVersion(1);
    let directory = Directory {
        version,
        tenant: settings.clone(),
        teams: Default::default(),
        agents: Default::default(),
        closing: None,
        channels: Default::default(),
    };
    let changed = TenantEventBody::DirectoryChanged { version, added: 1, changed: 0, removed: 0 };
    let invited = invited.map(|Invited { account, invitation, .. }| {
        let event = AccessEvent::AccountInvited { account: account.id, invitation: invitation.id };
        let credentials = Arc::new([Credential::Account(account.clone()), Credential::Invitation(invitation.clone())]);
        (change.event_without_op(now, TenantEventBody::Access(event)), credentials as Arc<[Credential]>)
    });
    Founding { directory: Arc::new(directory), founded: change.event(now, changed), invited }
}

/// There is such a tenant: whoever made it is answered again, anybody else is told that it is there, and nothing more of it.
async fn there_already(
    app: &App,
    change: &Change<'_>,
    on_top_of: &Precondition,
    settings: &Tenant,
    facts: &TenantFacts,
) -> Result<Response, Problem> {
    let is_repeat = change.made_before().await?.is_some();
    // Held while the account is looked at and the link is replaced: whoever uses the old one comes before, or finds it void.
    let _turn = app.passwords.accepting.lock().await;
    let untouched = account_of_untouched(app, facts);
    if !is_repeat {
        // What the settings are by now is nobody's to guess who is not of the tenant.
        let known = untouched.as_ref().map(|_| etag_of_shown(&TenantObject::of(&facts.directory.tenant)));
        on_top_of.check(Some(known.as_deref().unwrap_or_default()))?;
    }
    match untouched {
        Some(account) if app.settings.logins && facts.directory.tenant == *settings => {
            let now = app.clock.now();
            let invited = Invited::to(account, now, INVITATION_TTL);
            let tenant = &facts.directory.tenant.id;
            let (event, changes) = invited.in_place_of_before(app, tenant);
            app.put_credentials(tenant, (now, change.actor().clone()), event, changes).await?;
            Ok(put(StatusCode::OK, settings, Some(&invited)))
        }
        Some(_) | None if is_repeat => Ok(put(StatusCode::OK, settings, None)),
        Some(_) | None => {
            let message = "There is a tenant of this id; its settings are for its administrators to change.";
            Err(WireError::new(ErrorKind::Conflict, "tenant_exists", message).into())
        }
    }
}

/// The account that a tenant was made with, as long as nobody has come in with it and nothing was put into the tenant.
fn account_of_untouched(app: &App, facts: &TenantFacts) -> Option<Account> {
    let tenant = &facts.directory.tenant.id;
    let is_as_made = facts.directory.is_as_founded()
        && facts.policy.version == Policy::empty().version
        && *facts.plans == PolicyPlans::default();
    if !is_as_made || app.vault.count(tenant, "key") > 0 {
        return None;
    }
    match &app.vault.list(tenant, "account", None, |_| true, 2)[..] {
        [one] => one.account().filter(|account| account.password.is_none() && account.ended_at.is_none()).cloned(),
        [] | [..] => None,
    }
}

fn check_room(app: &App) -> Result<(), WireError> {
    let (used, most) = (app.router.tenant_count(), app.settings.tenants_max);
    if used < most {
        return Ok(());
    }
    let message = format!("There are {used} tenants, as many as are made here.");
    Err(WireError::new(ErrorKind::Refused, "too_many_tenants", message).with("used", used).with("of", most))
}

/// People type the id when they log in: two that differ by the case of their letters would be taken for each other.
fn check_name(app: &App, seen_by: &AllTenants, id: &TenantId) -> Result<(), WireError> {
    let folded = id.as_str().to_lowercase();
    let all = app.router.tenants(seen_by);
    let alike =
        all.iter().map(|facts| &facts.directory.tenant.id).find(|there| there.as_str().to_lowercase() == folded);
    match alike {
        None => Ok(()),
        Some(there) => {
            let message = "There is a tenant whose id differs by the case of its letters alone; choose another id.";
            Err(WireError::new(ErrorKind::Conflict, "tenant_exists", message).with("id", there.as_str()))
        }
    }
}

/// What whoever put a tenant is answered.
pub(super) fn put(status: StatusCode, settings: &Tenant, invited: Option<&Invited>) -> Response {
    let settings = TenantObject::of(settings);
    let etag = etag_of_shown(&settings);
    let mut response = json_of(status, &TenantPut { settings, invitation: invited.map(Invited::object) });
    put_etag(response.headers_mut(), &etag);
    response
}
