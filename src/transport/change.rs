//! A change of what holds for a whole tenant, be it of the policy or of the directory: journaled once however often it is
//! sent, and held to what it was made on top of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::App;
use super::rpc::{Viewer, failed};
use crate::actor::CommandError;
use crate::auth::{Principal, Role};
use crate::domain::command::{Actor, Outcome};
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{Op, PrincipalId, TenantId};
use crate::domain::op::{OpRecord, fingerprint_of_change};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::ports::TenantDefinition;
use crate::protocol::error::{ErrorKind, WireError};

/// How often a change is tried anew when somebody else was faster.
pub(super) const TRIES_MAX: usize = 5;
/// When to ask again while somebody else always is, or the store is out of reach.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a change may wait for those before it.
const TURN_WITHIN: Duration = Duration::from_secs(4);

/// The changes of each tenant, one after the other: whoever would be overtaken waits for a turn instead.
#[derive(Debug, Default)]
pub(super) struct Turns {
    tenants: Mutex<BTreeMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Turns {
    /// How many tenants have had a change.
    pub(super) fn tenants(&self) -> usize {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn of(&self, tenant: &TenantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tenants.entry(tenant.clone()).or_default())
    }
}

/// Who makes a change, and what makes it safe to send again.
pub(super) struct Change<'a> {
    app: &'a App,
    tenant: &'a TenantId,
    actor: Actor,
    op: Option<(Op, u64)>,
}

impl<'a> Change<'a> {
    /// A change by its name and what it says, part by part: under the same op these must be the same.
    pub(super) fn new(
        app: &'a App,
        principal: &'a Principal,
        op: Option<Op>,
        name: &str,
        parts: &[(&str, &str)],
    ) -> Change<'a> {
        let id = principal.id.clone();
        let actor = if principal.is(Role::Admin) { Actor::Admin(id) } else { Actor::Integration(id) };
        Change { app, tenant: &principal.tenant, actor, op: op.map(|op| (op, fingerprint_of_change(name, parts))) }
    }

    /// A change that an issuer of credentials brings about by whom it vouches for. On record it is the integration that it is: a
    /// host application, named as its tokens name it. It needs no op, for it is looked at anew whenever the person comes.
    pub(super) fn by_issuer(app: &'a App, tenant: &'a TenantId, issuer: &PrincipalId) -> Change<'a> {
        Change { app, tenant, actor: Actor::Integration(issuer.clone()), op: None }
    }

    /// A change that an operator makes of a tenant that is not theirs. On record it is an integration, named as its credential
    /// names it: to the tenant it is a program or a person from outside.
    pub(super) fn of_operator(
        app: &'a App,
        tenant: &'a TenantId,
        operator: &Principal,
        op: Option<Op>,
        name: &str,
        parts: &[(&str, &str)],
    ) -> Change<'a> {
        let actor = Actor::Integration(operator.id.clone());
        Change { app, tenant, actor, op: op.map(|op| (op, fingerprint_of_change(name, parts))) }
    }

    /// Who makes it.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// True where it can be sent again.
    pub(super) fn has_op(&self) -> bool {
        self.op.is_some()
    }

    /// Waits until those are done that came before; the next one waits as long as this value lives.
    ///
    /// # Errors
    /// [`WireError`] when there are too many of them.
    pub(super) async fn turn(&self) -> Result<OwnedMutexGuard<()>, WireError> {
        let turn = self.app.turns.of(self.tenant).lock_owned();
        tokio::time::timeout(TURN_WITHIN, turn).await.map_err(|_elapsed| {
            Limit::Turns.reached();
            WireError::unavailable(RETRY_AFTER)
        })
    }

    /// The event of the same change, where it has been made before.
    ///
    /// Asked after the facts that the change is made on top of were read: whoever makes the same one at the same time either
    /// is found here, or is overtaken.
    ///
    /// # Errors
    /// [`WireError`] when the op was that of another change, or the store is out of reach.
    pub(super) async fn made_before(&self) -> Result<Option<TenantEvent>, WireError> {
        let Some((op, fingerprint)) = self.op else { return Ok(None) };
        let found = self.app.router.change_made(self.tenant, op, &self.actor).await;
        let found = found.map_err(|error| failed(error, Viewer::Other))?;
        match found.as_ref().and_then(|event| event.op.as_ref()) {
            Some(record) if record.fingerprint != fingerprint => {
                let message = "This op, or Idempotency-Key, was used for another change; use a new one.";
                Err(WireError::new(ErrorKind::Conflict, "op_reused", message))
            }
            Some(_) | None => Ok(found),
        }
    }

    /// The event of it, as of an instant.
    pub(super) fn event(&self, at: Timestamp, body: TenantEventBody) -> TenantEvent {
        let (by, outcome) = (self.actor.clone(), Outcome::Done);
        let op = self.op.map(|(op, fingerprint)| OpRecord { op, by, fingerprint, at, outcome });
        TenantEvent { op, ..self.event_without_op(at, body) }
    }

    /// What comes with it and is not what a repeat is answered by.
    pub(super) fn event_without_op(&self, at: Timestamp, body: TenantEventBody) -> TenantEvent {
        TenantEvent { at, actor: self.actor.clone(), cause: Cause::Admin, op: None, body }
    }

    /// Makes a definition durable, as of an instant; false when somebody else was faster: look again.
    ///
    /// # Errors
    /// [`WireError`] when it was not written, or nobody knows.
    pub(super) async fn put(
        &self,
        at: Timestamp,
        body: TenantEventBody,
        definition: TenantDefinition,
    ) -> Result<bool, WireError> {
        self.put_event(self.event(at, body), definition).await
    }

    /// Makes durable what comes before the change by the same person, and is not what is sent again under its op.
    ///
    /// # Errors
    /// As [`Change::put`].
    pub(super) async fn put_first(
        &self,
        at: Timestamp,
        body: TenantEventBody,
        definition: TenantDefinition,
    ) -> Result<bool, WireError> {
        self.put_event(self.event_without_op(at, body), definition).await
    }

    async fn put_event(&self, event: TenantEvent, definition: TenantDefinition) -> Result<bool, WireError> {
        match self.app.router.publish(self.tenant, event, definition).await {
            Ok(()) => Ok(true),
            Err(CommandError::Overtaken) => Ok(false),
            Err(error) => Err(failed(error, Viewer::Other)),
        }
    }
}
