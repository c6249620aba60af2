//! The rules of pauses as data: shown, drafted, published (semantics §5).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::rpc::{Viewer, failed, to_value};
use super::{App, dry_run};
use crate::actor::{CommandError, TenantFacts};
use crate::auth::Principal;
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{PauseTypeCode, PolicyVersion, TenantId};
use crate::domain::policy_plans::{
    PolicyDraft, PolicyPlans, PolicyStep, ScheduledPolicy, changed_types, next_business_day, publication,
    with_left_out, withdrawal,
};
use crate::domain::presence::{AgentView, DeferredWord};
use crate::ports::{ReadError, TenantDefinition};
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::policy_call::{PolicyCall, PublishAt};
use crate::protocol::policy_read::{Beside, read_types, refused};
use crate::protocol::policy_write::{summary, write_difference, write_owed, write_types};
use crate::protocol::state::ActorState;
use crate::protocol::time::to_text;
use crate::store::history::PublishedPolicy;

/// The most agents that an answer names as affected.
const AFFECTED_MAX: usize = 100;
/// How often a change is tried anew when somebody else was faster.
const TRIES_MAX: usize = 5;
/// When to ask again while the store is out of reach.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Answers a `policy.*` method. Whoever gets here may manage the policy.
pub(super) async fn answer(app: &App, principal: &Principal, call: PolicyCall) -> Result<Value, WireError> {
    let tenant = &principal.tenant;
    match call {
        PolicyCall::InForce => in_force(app, tenant).await,
        PolicyCall::Version(version) => one_version(app, tenant, version).await,
        PolicyCall::Draft => draft(app, tenant),
        PolicyCall::Versions { before, limit } => versions(app, tenant, before, limit).await,
        PolicyCall::PutDraft { types, entitlement_rules, base_version, note } => {
            put_draft(app, principal, Written { types, entitlement_rules }, base_version, note).await
        }
        PolicyCall::DryRun(days) => dry_run::answer(app, principal, days).await,
        PolicyCall::Withdraw { reason } => withdraw(app, principal, reason).await,
        PolicyCall::Publish { at, loosen_only, reason } => {
            publish(app, principal, Wanted { at, loosen_only, reason }).await
        }
    }
}

pub(super) fn facts_of(app: &App, tenant: &TenantId) -> Result<Arc<TenantFacts>, WireError> {
    app.router.tenant(tenant).ok_or_else(WireError::forbidden)
}

async fn published(
    app: &App,
    tenant: &TenantId,
    up_to: PolicyVersion,
    limit: u32,
) -> Result<Vec<PublishedPolicy>, WireError> {
    app.history.policies(tenant, up_to, limit).await.map_err(unreadable)
}

/// What whoever asks is told when the store cannot be read.
pub(super) fn unreadable(error: ReadError) -> WireError {
    match error {
        ReadError::Unavailable(_) => WireError::unavailable(RETRY_AFTER),
        ReadError::Damaged { .. } => {
            tracing::error!("{error}");
            WireError::internal()
        }
    }
}

/// The draft, or what waits for its day where there is none; as it can be published.
pub(super) fn draft_to_publish(facts: &TenantFacts) -> Result<Arc<PolicyDraft>, WireError> {
    let waiting = facts.plans.scheduled.as_ref().map(|scheduled| &scheduled.draft);
    let draft = Arc::clone(facts.plans.draft.as_ref().or(waiting).ok_or_else(no_draft)?);
    is_in_force(facts, draft.base_version)?;
    Ok(draft)
}

async fn in_force(app: &App, tenant: &TenantId) -> Result<Value, WireError> {
    let facts = facts_of(app, tenant)?;
    let version = facts.policy.version;
    let mut shown = json!({
        "version": version.0,
        "types": write_types(&facts.policy.types),
        "entitlement_rules": write_owed(&facts.policy.types),
    });
    let last = published(app, tenant, version, 1).await?;
    if let Some(published) = last.first().filter(|published| published.policy.version == version) {
        add_publication(&mut shown, published);
    }
    if let Some(draft) = &facts.plans.draft {
        shown["draft"] = draft_head(draft);
    }
    if let Some(scheduled) = &facts.plans.scheduled {
        shown["scheduled"] = json!({
            "takes_effect_at": to_text(scheduled.takes_effect_at),
            "loosen_only": scheduled.loosen_only,
            "by": actor(&scheduled.by),
            "reason": scheduled.reason,
            "draft": draft_head(&scheduled.draft),
            "difference": write_difference(&facts.policy.types, &scheduled.draft.types),
        });
    }
    Ok(shown)
}

async fn one_version(app: &App, tenant: &TenantId, version: PolicyVersion) -> Result<Value, WireError> {
    let found = published(app, tenant, version, 1).await?;
    let Some(published) = found.first().filter(|published| published.policy.version == version) else {
        return Err(not_found("There is no such version of the policy."));
    };
    let types = &published.policy.types;
    let mut shown = json!({"version": version.0, "types": write_types(types), "entitlement_rules": write_owed(types)});
    add_publication(&mut shown, published);
    Ok(shown)
}

fn add_publication(shown: &mut Value, published: &PublishedPolicy) {
    shown["in_force_since"] = json!(to_text(published.at));
    shown["published_by"] = actor(&published.actor);
    if let Some(reason) = &published.reason {
        shown["reason"] = json!(reason);
    }
}

fn draft(app: &App, tenant: &TenantId) -> Result<Value, WireError> {
    let facts = facts_of(app, tenant)?;
    let draft = facts.plans.draft.as_ref().ok_or_else(no_draft)?;
    Ok(json!({
        "draft": draft_head(draft),
        "types": write_types(&draft.types),
        "entitlement_rules": write_owed(&draft.types),
        "difference": write_difference(&facts.policy.types, &draft.types),
    }))
}

async fn versions(app: &App, tenant: &TenantId, before: Option<PolicyVersion>, limit: u32) -> Result<Value, WireError> {
    let in_force = facts_of(app, tenant)?.policy.version;
    let up_to = before.map_or(in_force, |before| PolicyVersion(before.0.saturating_sub(1)));
    let found = published(app, tenant, up_to, limit + 1).await?;
    let rows = found.iter().take(limit as usize).enumerate().map(|(at, published)| {
        let none = Default::default();
        let before = found.get(at + 1).map_or(&none, |before| &before.policy.types);
        let mut row = json!({
            "version": published.policy.version.0,
            "at": to_text(published.at),
            "actor": actor(&published.actor),
            "cause": published.cause.as_str(),
            "summary": summary(before, &published.policy.types),
        });
        if let Some(reason) = &published.reason {
            row["reason"] = json!(reason);
        }
        row
    });
    let mut page = json!({ "versions": rows.collect::<Value>() });
    if found.len() > limit as usize
        && let Some(last) = found.get(limit as usize - 1)
    {
        page["next_cursor"] = json!(last.policy.version.0.to_string());
    }
    Ok(page)
}

/// A policy as it was written.
struct Written {
    types: Vec<Value>,
    entitlement_rules: Option<Vec<Value>>,
}

async fn put_draft(
    app: &App,
    principal: &Principal,
    written: Written,
    base_version: PolicyVersion,
    note: Option<String>,
) -> Result<Value, WireError> {
    let (by, mut facts) = (Actor::Admin(principal.id.clone()), facts_of(app, &principal.tenant)?);
    let now = app.clock.now();
    is_in_force(&facts, base_version)?;
    let beside = Beside { policy: &facts.policy, directory: &facts.directory, now };
    let read = read_types(written.types, written.entitlement_rules, beside);
    let types = read.map_err(|problems| refused(&problems))?;
    let types = with_left_out(types, &facts.policy, now);
    let draft = Arc::new(PolicyDraft { base_version, at: now, by: by.clone(), note, types });
    for _ in 0..TRIES_MAX {
        is_in_force(&facts, base_version)?;
        let plans = PolicyPlans { draft: Some(Arc::clone(&draft)), ..facts.plans.next() };
        let body =
            TenantEventBody::PolicyPlanned { step: PolicyStep::Drafted { base_version }, reason: draft.note.clone() };
        if put(app, principal, body, TenantDefinition::Plans(Arc::new(plans))).await? {
            let difference = write_difference(&facts.policy.types, &draft.types);
            return Ok(json!({"draft": draft_head(&draft), "difference": difference}));
        }
        facts = facts_of(app, &principal.tenant)?;
    }
    Err(WireError::unavailable(RETRY_AFTER))
}

/// What is to be published, and how.
struct Wanted {
    at: PublishAt,
    loosen_only: bool,
    reason: String,
}

async fn publish(app: &App, principal: &Principal, wanted: Wanted) -> Result<Value, WireError> {
    for _ in 0..TRIES_MAX {
        let facts = facts_of(app, &principal.tenant)?;
        let draft = draft_to_publish(&facts)?;
        let now = app.clock.now();
        let takes_effect_at = match wanted.at {
            PublishAt::Now => now,
            PublishAt::NextBusinessDay => next_business_day(&facts.directory.tenant, now),
        };
        let changed = changed_types(&facts.policy.types, &draft.types);
        let (loosen_only, reason) = (wanted.loosen_only, wanted.reason.clone());
        let by = Actor::Admin(principal.id.clone());
        let scheduled = ScheduledPolicy { draft, takes_effect_at, loosen_only, by, reason: reason.clone() };
        let mut answer = json!({"takes_effect_at": to_text(takes_effect_at)});
        let (body, definition) = if wanted.at == PublishAt::NextBusinessDay {
            let step = PolicyStep::Scheduled { takes_effect_at, loosen_only };
            let plans = PolicyPlans { draft: None, scheduled: Some(Arc::new(scheduled)), ..facts.plans.next() };
            (TenantEventBody::PolicyPlanned { step, reason: Some(reason) }, TenantDefinition::Plans(Arc::new(plans)))
        } else {
            let (policy, plans) = publication(&facts.policy, &facts.plans, &scheduled, now);
            let version = policy.version;
            answer["version"] = json!(version.0);
            let body = TenantEventBody::PolicyPublished { version, reason: Some(reason) };
            (body, TenantDefinition::Publication(Arc::new(policy), Arc::new(plans)))
        };
        answer["affected"] = affected(app, &principal.tenant, &changed);
        if put(app, principal, body, definition).await? {
            return Ok(answer);
        }
    }
    Err(WireError::unavailable(RETRY_AFTER))
}

async fn withdraw(app: &App, principal: &Principal, reason: Option<String>) -> Result<Value, WireError> {
    for _ in 0..TRIES_MAX {
        let facts = facts_of(app, &principal.tenant)?;
        if facts.plans.scheduled.is_none() {
            let nothing = "Nothing waits to be published.";
            return Err(WireError::new(ErrorKind::Refused, "nothing_pending", nothing));
        }
        let plans = withdrawal(&facts.plans);
        let shown = plans.draft.as_ref().map(|draft| json!({"draft": draft_head(draft)}));
        let body = TenantEventBody::PolicyPlanned { step: PolicyStep::Withdrawn, reason: reason.clone() };
        if put(app, principal, body, TenantDefinition::Plans(Arc::new(plans))).await? {
            return Ok(shown.unwrap_or_else(|| json!({})));
        }
    }
    Err(WireError::unavailable(RETRY_AFTER))
}

/// Makes a definition durable; false when somebody else was faster.
async fn put(
    app: &App,
    principal: &Principal,
    body: TenantEventBody,
    definition: TenantDefinition,
) -> Result<bool, WireError> {
    let actor = Actor::Admin(principal.id.clone());
    let event = TenantEvent { at: app.clock.now(), actor, cause: Cause::Admin, body };
    match app.router.publish(&principal.tenant, event, definition).await {
        Ok(()) => Ok(true),
        Err(CommandError::Overtaken) => Ok(false),
        Err(error) => Err(failed(error, Viewer::Other)),
    }
}

fn is_in_force(facts: &TenantFacts, base_version: PolicyVersion) -> Result<(), WireError> {
    let current = facts.policy.version;
    if base_version == current {
        return Ok(());
    }
    let message = format!("Version {current} is in force, not {base_version}; look at it and draft again.");
    Err(WireError::new(ErrorKind::Conflict, "version", message).with("current", current.0))
}

/// Who is on a pause of these types, or waits for one, as everybody sees them.
fn affected(app: &App, tenant: &TenantId, types: &BTreeSet<PauseTypeCode>) -> Value {
    let of = |code: Option<&PauseTypeCode>| code.is_some_and(|code| types.contains(code));
    let paused = |view: &AgentView| of(view.pause.as_ref().map(|pause| &pause.pause_type));
    let queued = |view: &AgentView| of(view.queue.as_ref().map(|queue| &queue.pause_type));
    let pending = |view: &AgentView| match view.deferred.as_ref().map(|deferred| &deferred.target) {
        Some(DeferredWord::Pause(code)) => types.contains(code),
        Some(DeferredWord::Status(_)) | None => false,
    };
    let rows = app.hub.rows(tenant, |view| paused(view) || queued(view) || pending(view)).unwrap_or_default();
    let count = |is: &dyn Fn(&AgentView) -> bool| rows.iter().filter(|view| is(view)).count();
    let agents: BTreeSet<&str> = rows.iter().map(|view| view.person.id.as_str()).collect();
    json!({
        "paused": count(&paused),
        "queued": count(&queued),
        "pending": count(&pending),
        "agents": agents.into_iter().take(AFFECTED_MAX).collect::<Vec<_>>(),
    })
}

pub(super) fn draft_head(draft: &PolicyDraft) -> Value {
    let mut head = json!({
        "base_version": draft.base_version.0,
        "at": to_text(draft.at),
        "by": actor(&draft.by),
    });
    if let Some(note) = &draft.note {
        head["note"] = json!(note);
    }
    head
}

fn actor(actor: &Actor) -> Value {
    to_value(&ActorState::of(actor))
}

fn no_draft() -> WireError {
    not_found("There is no draft; put one there with policy.put_draft.")
}

fn not_found(message: &str) -> WireError {
    WireError::new(ErrorKind::NotFound, "not_found", message)
}
