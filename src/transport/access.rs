//! Who may come in, as it is journaled: each change of a credential is durable before it counts.

use http::header::{COOKIE, ORIGIN};
use http::{HeaderMap, StatusCode};

use super::App;
use super::change::Change;
use super::problem::Problem;
use super::rpc::{Viewer, failed};
use super::upgrade::origin_is_allowed;
use crate::auth::{Presented, Principal, Proof, Role, SecretKind, Unauthenticated};
use crate::domain::access::{AccessEvent, Credential, CredentialChange, Door};
use crate::domain::command::Actor;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, CredentialId, TenantId};
use crate::domain::time::Timestamp;
use crate::ports::TenantDefinition;
use crate::protocol::error::WireError;

/// The cookie of a browser that has logged in. The prefix has browsers take it over TLS, for this host and all its
/// paths, from this host alone (RFC 6265bis §4.1.3.2).
pub(super) const COOKIE_NAME: &str = "__Host-intervalo";

impl App {
    /// Journals a change of credentials, then lets it count.
    ///
    /// # Errors
    /// [`WireError`] when it was not written, or nobody knows.
    pub(super) async fn put_credentials(
        &self,
        tenant: &TenantId,
        (at, actor): (Timestamp, Actor),
        event: AccessEvent,
        changes: Vec<CredentialChange>,
    ) -> Result<(), WireError> {
        let cause = if matches!(actor, Actor::Admin(_)) { Cause::Admin } else { Cause::Session };
        let event = TenantEvent { at, actor, cause, op: None, body: TenantEventBody::Access(event) };
        let definition = TenantDefinition::Credentials(changes.clone().into());
        self.router.publish(tenant, event, definition).await.map_err(|error| failed(error, Viewer::Other))?;
        self.vault.apply(tenant, &changes);
        Ok(())
    }

    /// The principal of a key or of a login's cookie. What does not hold and is one of a tenant's is put on record.
    pub(super) fn by_secret(&self, kind: SecretKind, text: &str) -> Result<Principal, Unauthenticated> {
        let presented = Presented::read(kind, text).ok_or(Unauthenticated)?;
        let now = self.clock.now();
        let found = match kind {
            SecretKind::Key => self.vault.by_key(&presented, now),
            SecretKind::Login => self.vault.by_login(&presented, now),
            SecretKind::Invitation | SecretKind::Ticket => None,
        };
        let Some(principal) = found.filter(|principal| self.still_holds(principal)) else {
            if kind == SecretKind::Key
                && let Some(tenant) = self.vault.tenant_of(presented.id).filter(|tenant| self.serves(tenant))
            {
                self.turned_away.note(&tenant, Door::Key, Some(presented.id));
            }
            return Err(Unauthenticated);
        };
        if let Proof::Key(id) = principal.proof {
            self.note_use(&principal.tenant, id, now);
        }
        Ok(principal)
    }

    /// Puts the first use of a key on a day on record, beside what it is used for.
    fn note_use(&self, tenant: &TenantId, id: CredentialId, now: Timestamp) {
        let Some(used) = self.vault.is_first_use(tenant, id, now) else { return };
        let event = TenantEvent {
            at: now,
            actor: Actor::System,
            cause: Cause::Session,
            op: None,
            body: TenantEventBody::Access(AccessEvent::KeyUsed(id)),
        };
        let change = CredentialChange::Put(Credential::Key(used));
        let (router, tenant) = (self.router.clone(), tenant.clone());
        self.tasks.spawn(async move {
            let definition = TenantDefinition::Credentials([change].into());
            if let Err(error) = router.publish(&tenant, event, definition).await {
                tracing::warn!(tenant.id = %tenant, "the use of a key is not on record: {error:?}");
            }
        });
    }
}

/// Journals a change that may be sent again, then lets it count; false when somebody else was faster.
///
/// # Errors
/// [`WireError`] when it was not written, or nobody knows.
pub(super) async fn put_by(
    app: &App,
    change: &Change<'_>,
    tenant: &TenantId,
    at: Timestamp,
    event: AccessEvent,
    changes: Vec<CredentialChange>,
) -> Result<bool, WireError> {
    let definition = TenantDefinition::Credentials(changes.clone().into());
    let done = change.put(at, TenantEventBody::Access(event), definition).await?;
    if done {
        app.vault.apply(tenant, &changes);
    }
    Ok(done)
}

/// How whoever does this stands in the journal.
pub(super) fn actor_of(principal: &Principal) -> Actor {
    let id = || principal.id.clone();
    match principal.kind() {
        Role::Agent => AgentId::new(principal.id.as_str()).map_or(Actor::System, Actor::Agent),
        Role::Admin => Actor::Admin(id()),
        Role::Supervisor => Actor::Supervisor(id()),
        Role::Integration | Role::Auditor | Role::Operator => Actor::Integration(id()),
    }
}

/// The secret of a login's cookie, where a request has one.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

/// Refuses what a page of somebody else's has a browser send: whoever has the cookie did not mean it.
///
/// # Errors
/// 403 with the code `cross_site`.
pub(super) fn same_site(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    // Browsers say where a request comes from, and no page can have them say something else
    // (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header). Old ones name the page's origin at least.
    let is_ours = match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        Some(b"same-origin" | b"none") => true,
        Some(_) => headers.contains_key(ORIGIN) && origin_is_allowed(headers, &app.settings.allowed_origins),
        None => origin_is_allowed(headers, &app.settings.allowed_origins),
    };
    if is_ours {
        return Ok(());
    }
    let detail = "A page of another site may not do this with your login; open the server's own pages.";
    Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", detail))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_static(line));
            }
            cookie(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["a=b; __Host-intervalo=x; c=d"]).as_deref(), Some("x"));
        assert_eq!(of(&["a=b", "__Host-intervalo=x"]).as_deref(), Some("x"));
        assert_eq!(of(&["Host-intervalo=x; __host-intervalo=y; __Host-intervalo2=z"]), None);
        assert_eq!(of(&[]), None);
    }
}
