//! The rules of pauses as data: shown, drafted, published (semantics §5).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::reading::Precondition;
use super::rpc::to_value;
use super::{App, dry_run};
use crate::actor::TenantFacts;
use crate::auth::Principal;
use crate::domain::command::Actor;
use crate::domain::event::{TenantEvent, TenantEventBody};
use crate::domain::id::{Op, PauseTypeCode, PolicyVersion, TenantId};
use crate::domain::policy_plans::{
    PolicyDraft, PolicyPlans, PolicyStep, ScheduledPolicy, changed_types, next_business_day, publication,
    with_left_out, withdrawal,
};
use crate::domain::presence::{AgentView, DeferredWord};
use crate::domain::time::Timestamp;
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

/// What a `policy.*` method is answered with, over the socket and over HTTP.
pub(super) struct Answered {
    /// The answer.
    pub(super) shown: Value,
    /// What it is true of: the version in force and all that is planned; none where it stays true for good.
    pub(super) etag: Option<String>,
}

impl Answered {
    fn as_of(shown: Value, facts: &TenantFacts) -> Answered {
        Answered { shown, etag: Some(etag_of(facts)) }
    }

    fn for_good(shown: Value) -> Answered {
        Answered { shown, etag: None }
    }
}

/// The ETag of the version in force and all that is planned: the same as long as neither changes.
pub(super) fn etag_of(facts: &TenantFacts) -> String {
    etag(facts.policy.version, facts.plans.revision)
}

fn etag(version: PolicyVersion, revision: u64) -> String {
    format!("\"{version}-{revision}\"")
}

/// Answers a `policy.*` method, held to what it is made on top of where it changes anything. Whoever gets here may manage
/// the policy.
pub(super) async fn answer(
    app: &App,
    principal: &Principal,
    call: PolicyCall,
    on_top_of: &Precondition,
) -> Result<Answered, WireError> {
    let tenant = &principal.tenant;
    match call {
        PolicyCall::InForce => in_force(app, tenant).await,
        PolicyCall::Version(version) => one_version(app, tenant, version).await.map(Answered::for_good),
        PolicyCall::Draft => draft(app, tenant),
        PolicyCall::Versions { before, limit } => versions(app, tenant, before, limit).await.map(Answered::for_good),
        PolicyCall::PutDraft { types, entitlement_rules, base_version, note, op } => {
            let written = Written { types, entitlement_rules, base_version, note };
            put_draft(app, principal, written, op, on_top_of).await
        }
        PolicyCall::DryRun(days) => dry_run::answer(app, principal, days).await.map(Answered::for_good),
        PolicyCall::Withdraw { reason, op } => withdraw(app, principal, reason, op, on_top_of).await,
        PolicyCall::Publish { at, loosen_only, reason, op } => {
            let wanted = Wanted { at, loosen_only, reason };
            let change = wanted.change(app, principal, op);
            let draft_of = |facts: &TenantFacts, _now: Timestamp| {
                on_top_of.check(Some(&etag_of(facts)))?;
                draft_to_publish(facts).map(Some)
            };
            match publish(app, tenant, &change, &wanted, draft_of).await? {
                Some(published) => Ok(published),
                None => Err(no_draft()),
            }
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
    app.history.of(tenant).policies(up_to, limit).await.map_err(unreadable)
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

async fn in_force(app: &App, tenant: &TenantId) -> Result<Answered, WireError> {
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
    Ok(Answered::as_of(shown, &facts))
}

/// Since when a version has been in force; of one that was never published, as of the empty one, since always.
pub(super) async fn in_force_since(
    app: &App,
    tenant: &TenantId,
    version: PolicyVersion,
) -> Result<Timestamp, WireError> {
    let found = published(app, tenant, version, 1).await?;
    let it = found.first().filter(|published| published.policy.version == version);
    Ok(it.map_or(Timestamp(0), |published| published.at))
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

fn draft(app: &App, tenant: &TenantId) -> Result<Answered, WireError> {
    let facts = facts_of(app, tenant)?;
    let draft = facts.plans.draft.as_ref().ok_or_else(no_draft)?;
    let shown = json!({
        "draft": draft_head(draft),
        "types": write_types(&draft.types),
        "entitlement_rules": write_owed(&draft.types),
        "difference": write_difference(&facts.policy.types, &draft.types),
    });
    Ok(Answered::as_of(shown, &facts))
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
    base_version: PolicyVersion,
    note: Option<String>,
}

async fn put_draft(
    app: &App,
    principal: &Principal,
    written: Written,
    op: Option<Op>,
    on_top_of: &Precondition,
) -> Result<Answered, WireError> {
    let change = written.change(app, principal, op);
    let Written { types, entitlement_rules, base_version, note } = written;
    let _turn = change.turn().await?;
    let mut facts = facts_of(app, &principal.tenant)?;
    if let Some(event) = change.made_before().await? {
        return drafted_before(app, principal, &event);
    }
    on_top_of.check(Some(&etag_of(&facts)))?;
    is_in_force(&facts, base_version)?;
    let read_at = app.clock.now();
    let beside = Beside { policy: &facts.policy, directory: &facts.directory, now: read_at };
    let types = read_types(types, entitlement_rules, beside).map_err(|problems| refused(&problems))?;
    let types = with_left_out(types, &facts.policy, read_at);
    for _ in 0..TRIES_MAX {
        on_top_of.check(Some(&etag_of(&facts)))?;
        is_in_force(&facts, base_version)?;
        let (at, by) = (app.clock.now(), change.actor().clone());
        let draft = Arc::new(PolicyDraft { base_version, at, by, note: note.clone(), types: types.clone() });
        let plans = PolicyPlans { draft: Some(Arc::clone(&draft)), ..facts.plans.next() };
        let etag = Some(etag(facts.policy.version, plans.revision));
        let body =
            TenantEventBody::PolicyPlanned { step: PolicyStep::Drafted { base_version }, reason: draft.note.clone() };
        if change.put(at, body, TenantDefinition::Plans(Arc::new(plans))).await? {
            let difference = write_difference(&facts.policy.types, &draft.types);
            return Ok(Answered { shown: json!({"draft": draft_head(&draft), "difference": difference}), etag });
        }
        facts = facts_of(app, &principal.tenant)?;
        if let Some(event) = change.made_before().await? {
            return drafted_before(app, principal, &event);
        }
    }
    Err(WireError::unavailable(RETRY_AFTER))
}

impl Written {
    fn change<'a>(&self, app: &'a App, principal: &'a Principal, op: Option<Op>) -> Change<'a> {
        let (types, base) = (json!(self.types).to_string(), self.base_version.to_string());
        let owed = self.entitlement_rules.as_ref().map(|rules| json!(rules).to_string());
        let mut parts = vec![("types", types.as_str()), ("base_version", base.as_str())];
        parts.extend(owed.as_deref().map(|owed| ("entitlement_rules", owed)));
        parts.extend(self.note.as_deref().map(|note| ("note", note)));
        Change::new(app, principal, op, "policy.put_draft", &parts)
    }
}

/// How something is published.
pub(super) struct Wanted {
    /// When.
    pub(super) at: PublishAt,
    /// True when running pauses get the longer limits.
    pub(super) loosen_only: bool,
    /// Why.
    pub(super) reason: String,
}

impl Wanted {
    fn change<'a>(&self, app: &'a App, principal: &'a Principal, op: Option<Op>) -> Change<'a> {
        let mut parts = vec![("at", self.at.as_str()), ("reason", self.reason.as_str())];
        parts.extend(self.loosen_only.then_some(("loosen_only", "")));
        Change::new(app, principal, op, "policy.publish", &parts)
    }
}

/// Publishes what `draft_of` makes of what is in force and planned, or plans it for its day; none where it makes nothing of it.
///
/// # Errors
/// What `draft_of` says; else [`WireError`] when it was not written, or nobody knows.
pub(super) async fn publish(
    app: &App,
    tenant: &TenantId,
    change: &Change<'_>,
    wanted: &Wanted,
    draft_of: impl Fn(&TenantFacts, Timestamp) -> Result<Option<Arc<PolicyDraft>>, WireError>,
) -> Result<Option<Answered>, WireError> {
    let _turn = change.turn().await?;
    for _ in 0..TRIES_MAX {
        let facts = facts_of(app, tenant)?;
        if let Some(event) = change.made_before().await? {
            return published_before(app, tenant, &event).await.map(Some);
        }
        let now = app.clock.now();
        let Some(draft) = draft_of(&facts, now)? else { return Ok(None) };
        let takes_effect_at = match wanted.at {
            PublishAt::Now => now,
            PublishAt::NextBusinessDay => next_business_day(&facts.directory.tenant, now),
        };
        let changed = changed_types(&facts.policy.types, &draft.types);
        let (loosen_only, reason) = (wanted.loosen_only, wanted.reason.clone());
        let by = change.actor().clone();
        let scheduled = ScheduledPolicy { draft, takes_effect_at, loosen_only, by, reason: reason.clone() };
        let mut shown = json!({"takes_effect_at": to_text(takes_effect_at)});
        let (body, definition, etag) = match wanted.at {
            PublishAt::NextBusinessDay => {
                let step = PolicyStep::Scheduled { takes_effect_at, loosen_only };
                let plans = PolicyPlans { scheduled: Some(Arc::new(scheduled)), ..facts.plans.next() };
                let plans = without_draft(plans);
                let etag = etag(facts.policy.version, plans.revision);
                let body = TenantEventBody::PolicyPlanned { step, reason: Some(reason) };
                (body, TenantDefinition::Plans(Arc::new(plans)), etag)
            }
            PublishAt::Now => {
                let Some(plans) = without_another(change, &facts, &scheduled, now).await? else { continue };
                let (policy, plans) = publication(&facts.policy, &plans, &scheduled, now);
                let version = policy.version;
                shown["version"] = json!(version.0);
                let etag = etag(version, plans.revision);
                let body = TenantEventBody::PolicyPublished { version, reason: Some(reason) };
                (body, TenantDefinition::Publication(Arc::new(policy), Arc::new(plans)), etag)
            }
        };
        shown["affected"] = affected(app, tenant, &changed);
        if change.put(now, body, definition).await? {
            return Ok(Some(Answered { shown, etag: Some(etag) }));
        }
    }
    Err(WireError::unavailable(RETRY_AFTER))
}

/// The plans in which nothing else waits for its day: whatever does is withdrawn first, on record, and is a draft again. None
/// when somebody else was faster.
async fn without_another(
    change: &Change<'_>,
    facts: &TenantFacts,
    wanted: &ScheduledPolicy,
    now: Timestamp,
) -> Result<Option<Arc<PolicyPlans>>, WireError> {
    let plans = Arc::clone(&facts.plans);
    if plans.scheduled.as_ref().is_none_or(|waits| Arc::ptr_eq(&waits.draft, &wanted.draft)) {
        return Ok(Some(plans));
    }
    let plans = Arc::new(withdrawal(&plans));
    let body = TenantEventBody::PolicyPlanned { step: PolicyStep::Withdrawn, reason: Some(wanted.reason.clone()) };
    let done = change.put_first(now, body, TenantDefinition::Plans(Arc::clone(&plans))).await?;
    Ok(done.then_some(plans))
}

/// The plans without the draft that is to take effect later; another one stays.
fn without_draft(plans: PolicyPlans) -> PolicyPlans {
    let waits = plans.scheduled.as_ref().map(|scheduled| Arc::clone(&scheduled.draft));
    let is_it = |draft: &Arc<PolicyDraft>| waits.as_ref().is_some_and(|waits| Arc::ptr_eq(waits, draft));
    let draft = plans.draft.clone().filter(|draft| !is_it(draft));
    PolicyPlans { draft, ..plans }
}

/// The answer to a draft that was put there before: what is different is told as long as the draft is still there.
fn drafted_before(app: &App, principal: &Principal, event: &TenantEvent) -> Result<Answered, WireError> {
    let facts = facts_of(app, &principal.tenant)?;
    let is_it = |draft: &&Arc<PolicyDraft>| draft.at == event.at && draft.by == event.actor;
    if let Some(draft) = facts.plans.draft.as_ref().filter(is_it) {
        let difference = write_difference(&facts.policy.types, &draft.types);
        let shown = json!({"draft": draft_head(draft), "difference": difference});
        return Ok(Answered::as_of(shown, &facts));
    }
    let TenantEventBody::PolicyPlanned { step: PolicyStep::Drafted { base_version }, reason } = &event.body else {
        return Err(WireError::internal());
    };
    let shown = json!({"draft": head(*base_version, event.at, &event.actor, reason.as_deref())});
    Ok(Answered::for_good(shown))
}

/// The answer to what was published, or planned, before; who is affected is told as of now.
async fn published_before(app: &App, tenant: &TenantId, event: &TenantEvent) -> Result<Answered, WireError> {
    let shown = match &event.body {
        TenantEventBody::PolicyPublished { version, .. } => {
            let none = Default::default();
            let found = published(app, tenant, *version, 2).await?;
            let types_of = |at: usize| found.get(at).map_or(&none, |published| &published.policy.types);
            let changed = changed_types(types_of(1), types_of(0));
            let affected = affected(app, tenant, &changed);
            json!({"takes_effect_at": to_text(event.at), "version": version.0, "affected": affected})
        }
        TenantEventBody::PolicyPlanned { step: PolicyStep::Scheduled { takes_effect_at, .. }, .. } => {
            let facts = facts_of(app, tenant)?;
            let waits = facts.plans.scheduled.as_ref().filter(|waits| waits.takes_effect_at == *takes_effect_at);
            let changed = waits.map(|waits| changed_types(&facts.policy.types, &waits.draft.types));
            let affected = affected(app, tenant, &changed.unwrap_or_default());
            json!({"takes_effect_at": to_text(*takes_effect_at), "affected": affected})
        }
        TenantEventBody::PolicyPlanned { step: PolicyStep::Drafted { .. } | PolicyStep::Withdrawn, .. }
        | TenantEventBody::ServerStarted { .. }
        | TenantEventBody::ClockStepped { .. }
        | TenantEventBody::DirectoryChanged { .. }
        | TenantEventBody::Closing { .. }
        | TenantEventBody::Access(_) => return Err(WireError::internal()),
    };
    Ok(Answered::for_good(shown))
}

async fn withdraw(
    app: &App,
    principal: &Principal,
    reason: Option<String>,
    op: Option<Op>,
    on_top_of: &Precondition,
) -> Result<Answered, WireError> {
    let parts: Vec<(&str, &str)> = reason.iter().map(|reason| ("reason", reason.as_str())).collect();
    let change = Change::new(app, principal, op, "policy.withdraw", &parts);
    let _turn = change.turn().await?;
    for _ in 0..TRIES_MAX {
        let facts = facts_of(app, &principal.tenant)?;
        let shown_of = |plans: &PolicyPlans| {
            let draft = plans.draft.as_ref().map(|draft| json!({"draft": draft_head(draft)}));
            draft.unwrap_or_else(|| json!({}))
        };
        if change.made_before().await?.is_some() {
            return Ok(Answered::as_of(shown_of(&facts.plans), &facts));
        }
        on_top_of.check(Some(&etag_of(&facts)))?;
        if facts.plans.scheduled.is_none() {
            let nothing = "Nothing waits to be published.";
            return Err(WireError::new(ErrorKind::Refused, "nothing_pending", nothing));
        }
        let plans = withdrawal(&facts.plans);
        let (shown, etag) = (shown_of(&plans), Some(etag(facts.policy.version, plans.revision)));
        let body = TenantEventBody::PolicyPlanned { step: PolicyStep::Withdrawn, reason: reason.clone() };
        if change.put(app.clock.now(), body, TenantDefinition::Plans(Arc::new(plans))).await? {
            return Ok(Answered { shown, etag });
        }
    }
    Err(WireError::unavailable(RETRY_AFTER))
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
    head(draft.base_version, draft.at, &draft.by, draft.note.as_deref())
}

fn head(base_version: PolicyVersion, at: Timestamp, by: &Actor, note: Option<&str>) -> Value {
    let mut head = json!({"base_version": base_version.0, "at": to_text(at), "by": actor(by)});
    if let Some(note) = note {
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
