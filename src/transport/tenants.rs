//! Tenants over HTTP: the settings of one's own, and for operators the list of all of them. Operators make new ones (`founding`)
//! and close them (`closing`).

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::change::Change;
use super::directory_parts::{change_part, shown};
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::policy::facts_of;
use super::problem::Problem;
use super::query::Query;
use super::reading::{Precondition, count, etag_of_shown, object, op_of};
use super::{App, founding, low_disk, quotas};
use crate::actor::TenantFacts;
use crate::auth::{Action, Principal};
use crate::domain::directory::Directory;
use crate::domain::id::TenantId;
use crate::protocol::error::WireError;
use crate::protocol::setting::{TenantObject, read_tenant};
use crate::protocol::time::to_text;

/// `GET /v1/tenants`: the id and the name of each, and since when it is closed, by id, a page at a time.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    let seen_by = principal.all_tenants().ok_or_else(WireError::forbidden)?;
    count(&app, &principal)?;
    let mut query = Query::of(&uri)?;
    let (after, limit) = (query.cursor::<TenantId>()?, query.limit()?);
    query.finish()?;
    let all = app.router.tenants(&seen_by);
    let is_after = |id: &TenantId| after.as_ref().is_none_or(|after| id > after);
    let mut tenants = all.iter().map(|facts| &facts.directory).filter(|directory| is_after(&directory.tenant.id));
    let page: Vec<Value> = tenants.by_ref().take(limit).map(|directory| named(directory)).collect();
    let last = tenants.next().and(page.last()).map(|last| last["id"].clone());
    let mut shown = json!({ "tenants": page });
    if let Some(last) = last {
        shown["next_cursor"] = last;
    }
    Ok(json_of(StatusCode::OK, &shown))
}

fn named(directory: &Directory) -> Value {
    let mut shown = json!({"id": directory.tenant.id.as_str(), "name": directory.tenant.name});
    if let Some(at) = directory.closed_at() {
        shown["closed_at"] = json!(to_text(at));
    }
    shown
}

/// `GET /v1/tenants/{id}`: the settings of one's own.
pub(super) async fn read_one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    check_own(&app, &principal, id)?;
    let facts = facts_of(&app, &principal.tenant)?;
    Ok(shown(StatusCode::OK, &TenantObject::of(&facts.directory.tenant)))
}

/// `PUT /v1/tenants/{id}`: all settings of one's own, or a new one, or one that was closed is open again.
pub(super) async fn put_one(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = app.authenticate(request.headers()).await?;
    if principal.may(Action::MakeTenant) && !is_own(&app, &principal, &id) {
        return founding::make(&app, &principal, id, request).await;
    }
    check_own(&app, &principal, id)?;
    quotas::count_write(&app, &principal)?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let settings = read_tenant(principal.tenant.clone(), object(&body)?)?;
    let wanted = json!(TenantObject::of(&settings)).to_string();
    let change = Change::new(&app, &principal, op, "tenant.put", &[("tenant", &wanted)]);
    let next_of = |facts: &TenantFacts| {
        on_top_of.check(Some(&etag_of_shown(&TenantObject::of(&facts.directory.tenant))))?;
        low_disk::check(&app)?;
        Ok(facts.directory.with_settings(settings.clone()))
    };
    if change_part(&app, &principal.tenant, &change, next_of).await?.is_none() {
        let facts = facts_of(&app, &principal.tenant)?;
        return Ok(shown(StatusCode::OK, &TenantObject::of(&facts.directory.tenant)));
    }
    Ok(shown(StatusCode::OK, &TenantObject::of(&settings)))
}

/// Refuses whoever may not manage the tenant that the address names: their own. Any other is as one that there is not.
fn check_own(app: &App, principal: &Principal, id: Result<Path<String>, PathRejection>) -> Result<(), Problem> {
    if !principal.may(Action::ManageTenant) {
        return Err(WireError::forbidden().into());
    }
    count(app, principal)?;
    let is_own = id.is_ok_and(|Path(id)| id == principal.tenant.as_str());
    if is_own { Ok(()) } else { Err(WireError::forbidden().into()) }
}

/// True when the address names a tenant that there is, and that the principal manages.
fn is_own(app: &App, principal: &Principal, id: &Result<Path<String>, PathRejection>) -> bool {
    let is_its = id.as_ref().is_ok_and(|Path(id)| id == principal.tenant.as_str());
    is_its && principal.may(Action::ManageTenant) && app.router.tenant(&principal.tenant).is_some()
}
