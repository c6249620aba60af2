//! The types of pauses over HTTP, one at a time: what is put or taken away is a version of the policy of its own (semantics §3, §5).

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use super::change::Change;
use super::http::{json_of, read_body};
use super::policy::{Wanted, facts_of, in_force_since, publish};
use super::policy_http::{DRAFT_BYTES_MAX, manager};
use super::problem::Problem;
use super::query::Query;
use super::reading::{Precondition, count, etag_of_shown, in_use, object, op_of, put_etag};
use super::{App, low_disk, quotas};
use crate::actor::TenantFacts;
use crate::auth::Principal;
use crate::domain::id::{PauseTypeCode, TenantId};
use crate::domain::policy::{PauseType, Policy};
use crate::domain::policy_plans::{PauseTypes, PolicyDraft, TypeTaken, without_type};
use crate::domain::time::Timestamp;
use crate::protocol::error::WireError;
use crate::protocol::params::{FromField, Text};
use crate::protocol::policy_call::PublishAt;
use crate::protocol::policy_read::{Beside, read_one as read_type, refused_one};
use crate::protocol::policy_write::write_with_owed;
use crate::protocol::time::to_text;

/// `GET /v1/pause-types`: those in force, by code, a page at a time.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    count(&app, &principal)?;
    let mut query = Query::of(&uri)?;
    let flag = |value: &str| value.parse::<bool>().map_err(|_| "must be true or false".to_owned());
    let archived = query.optional("archived", flag)?.unwrap_or(false);
    let after = query.cursor::<PauseTypeCode>()?;
    let limit = query.limit()?;
    query.finish()?;
    let facts = facts_of(&app, &principal.tenant)?;
    let is_asked_for = |kind: &&Arc<PauseType>| {
        after.as_ref().is_none_or(|after| kind.code > *after) && (archived || kind.archived_at.is_none())
    };
    let mut types = facts.policy.types.values().filter(is_asked_for);
    let page: Vec<&Arc<PauseType>> = types.by_ref().take(limit).collect();
    let mut shown = json!({"pause_types": page.iter().map(|kind| write(kind)).collect::<Vec<_>>()});
    if let Some(last) = types.next().and(page.last()) {
        shown["next_cursor"] = json!(last.code.as_str());
    }
    Ok(json_of(StatusCode::OK, &shown))
}

/// `GET /v1/pause-types/{code}`: one of them, archived ones too; with `at=next_business_day` as it is planned for that day.
pub(super) async fn read_one(
    State(app): State<Arc<App>>,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    count(&app, &principal)?;
    let code = code_of(code)?;
    let mut query = Query::of(&uri)?;
    let at = query.optional("at", publish_at)?.unwrap_or(PublishAt::Now);
    query.finish()?;
    let facts = facts_of(&app, &principal.tenant)?;
    let policy = on_top(&facts, at);
    let kind = policy.types.get(&code).ok_or_else(no_such_type)?;
    let mut response = json_of(StatusCode::OK, &write(kind));
    put_etag(response.headers_mut(), &etag_of(kind));
    Ok(response)
}

/// `PUT /v1/pause-types/{code}`: a type is new, or otherwise.
pub(super) async fn put_one(
    State(app): State<Arc<App>>,
    code: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let principal = writer(&app, request.headers()).await?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let code = code_of(code)?;
    let wanted = how(request.uri(), "PUT", &code)?;
    let body = object(&read_body(request.into_body(), DRAFT_BYTES_MAX).await?)?;
    let text = Value::Object(body.clone()).to_string();
    let mut parts = parts_of(&code, &wanted);
    parts.push(("type", &text));
    let change = Change::new(&app, &principal, op, "pause_type.put", &parts);
    // What was made of it, and whether there was none before.
    let made = Mutex::new(None);
    let draft_of = |facts: &TenantFacts, now: Timestamp| {
        let before = on_top(facts, wanted.at);
        let there = before.types.get(&code);
        on_top_of.check(there.map(|there| etag_of(there)).as_deref())?;
        let beside = Beside { policy: &before, directory: &facts.directory, now };
        let types = read_type(&code, body.clone(), beside).map_err(|problems| refused_one(&problems))?;
        low_disk::check(&app)?;
        let put = types.get(&code).map(|put| (Arc::clone(put), there.is_none()));
        *made.lock().unwrap_or_else(PoisonError::into_inner) = put;
        let is_same = types == before.types;
        Ok((change.has_op() || !is_same).then(|| draft(facts, &change, types, now)))
    };
    let published = publish(&app, &principal.tenant, &change, &wanted, draft_of).await?;
    let facts = facts_of(&app, &principal.tenant)?;
    let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (kind, is_new) = match made {
        Some(made) => made,
        // Sent again: as it is by now.
        None => (on_top(&facts, wanted.at).types.get(&code).cloned().ok_or_else(no_such_type)?, false),
    };
    let mut shown = match published {
        Some(published) => published.shown,
        None => as_it_was(&app, &principal.tenant, &facts, wanted.at).await?,
    };
    shown["pause_type"] = write(&kind);
    let status = match wanted.at {
        PublishAt::NextBusinessDay => StatusCode::ACCEPTED,
        PublishAt::Now if is_new => StatusCode::CREATED,
        PublishAt::Now => StatusCode::OK,
    };
    let mut response = json_of(status, &shown);
    put_etag(response.headers_mut(), &etag_of(&kind));
    Ok(response)
}

/// What is told of a type that is as it was: since when it is so in the version in force, or from when on where it waits for
/// its day.
async fn as_it_was(app: &App, tenant: &TenantId, facts: &TenantFacts, at: PublishAt) -> Result<Value, WireError> {
    let version = facts.policy.version;
    let waits = facts.plans.scheduled.as_ref().filter(|_| at == PublishAt::NextBusinessDay);
    if let Some(waits) = waits.filter(|waits| waits.draft.base_version == version) {
        return Ok(json!({"takes_effect_at": to_text(waits.takes_effect_at)}));
    }
    let since = in_force_since(app, tenant, version).await?;
    Ok(json!({"version": version.0, "takes_effect_at": to_text(since)}))
}

/// `DELETE /v1/pause-types/{code}`: nobody can choose it any more. It is archived, and whoever is on a pause of it keeps its terms.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = writer(&app, &headers).await?;
    let (op, on_top_of) = (op_of(&headers)?, Precondition::of(&headers)?);
    let code = code_of(code)?;
    let wanted = how(&uri, "DELETE", &code)?;
    let change = Change::new(&app, &principal, op, "pause_type.remove", &parts_of(&code, &wanted));
    let draft_of = |facts: &TenantFacts, now: Timestamp| {
        let before = on_top(facts, wanted.at);
        let there = before.types.get(&code).ok_or_else(no_such_type)?;
        on_top_of.check(Some(&etag_of(there)))?;
        match without_type(&before.types, &code, now) {
            TypeTaken::Archived(types) => Ok(Some(draft(facts, &change, types, now))),
            TypeTaken::Already => Ok(None),
            TypeTaken::NoSuchType => Err(no_such_type()),
            TypeTaken::Owed(rules) => {
                let message = "Entitlement rules owe pauses of this type; take them out first.";
                Err(in_use(message, rules.iter().map(|rule| json!({"kind": "entitlement_rule", "id": rule.as_str()}))))
            }
        }
    };
    let status = match wanted.at {
        PublishAt::NextBusinessDay => StatusCode::ACCEPTED,
        PublishAt::Now => StatusCode::OK,
    };
    Ok(match publish(&app, &principal.tenant, &change, &wanted, draft_of).await? {
        Some(published) => json_of(status, &published.shown),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// What a change is made on top of: what is in force then, as far as that is known.
fn on_top(facts: &TenantFacts, at: PublishAt) -> Arc<Policy> {
    let waits = facts.plans.scheduled.as_ref().map(|scheduled| &scheduled.draft);
    match (at, waits.filter(|waits| waits.base_version == facts.policy.version)) {
        (PublishAt::NextBusinessDay, Some(waits)) => {
            Arc::new(Policy { version: facts.policy.version, types: waits.types.clone() })
        }
        (PublishAt::NextBusinessDay, None) | (PublishAt::Now, Some(_) | None) => Arc::clone(&facts.policy),
    }
}

fn draft(facts: &TenantFacts, change: &Change<'_>, types: PauseTypes, at: Timestamp) -> Arc<PolicyDraft> {
    let (base_version, by) = (facts.policy.version, change.actor().clone());
    Arc::new(PolicyDraft { base_version, at, by, note: None, types })
}

/// `at`, `loosen_only` and `reason` of the address. Without a reason it is what was asked for.
fn how(uri: &Uri, method: &str, code: &PauseTypeCode) -> Result<Wanted, Problem> {
    let mut query = Query::of(uri)?;
    let at = query.optional("at", publish_at)?;
    let flag = |value: &str| value.parse::<bool>().map_err(|_| "must be true or false".to_owned());
    let loosen_only = query.optional("loosen_only", flag)?.unwrap_or(false);
    let reason = query.optional("reason", |value| Text::from_field(Value::String(value.to_owned())))?;
    query.finish()?;
    let reason = reason.map_or_else(|| format!("{method} /v1/pause-types/{}", code.as_str()), |Text(reason)| reason);
    Ok(Wanted { at: at.unwrap_or(PublishAt::Now), loosen_only, reason })
}

fn publish_at(value: &str) -> Result<PublishAt, String> {
    match value {
        "now" => Ok(PublishAt::Now),
        "next_business_day" => Ok(PublishAt::NextBusinessDay),
        _ => Err("must be one of: now, next_business_day".to_owned()),
    }
}

fn parts_of<'a>(code: &'a PauseTypeCode, wanted: &'a Wanted) -> Vec<(&'static str, &'a str)> {
    let mut parts = vec![("code", code.as_str()), ("at", wanted.at.as_str()), ("reason", wanted.reason.as_str())];
    parts.extend(wanted.loosen_only.then_some(("loosen_only", "")));
    parts
}

/// Whoever changes a type, where they may; what they ask is counted.
async fn writer(app: &App, headers: &HeaderMap) -> Result<Principal, Problem> {
    let principal = manager(app, headers).await?;
    count(app, &principal)?;
    quotas::count_write(app, &principal)?;
    Ok(principal)
}

fn write(kind: &PauseType) -> Value {
    Value::Object(write_with_owed(kind))
}

fn etag_of(kind: &PauseType) -> String {
    etag_of_shown(&write(kind))
}

fn code_of(path: Result<Path<String>, PathRejection>) -> Result<PauseTypeCode, Problem> {
    let Ok(Path(text)) = path else { return Err(Problem::parameter("code", "cannot be read")) };
    PauseTypeCode::new(&text).map_err(|why| Problem::parameter("code", &format!("is no code: {why}")))
}

fn no_such_type() -> WireError {
    let mut error = WireError::forbidden();
    error.message = "There is no type of pause of this code.".to_owned();
    error
}
