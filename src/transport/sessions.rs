//! What people are in with: browsers that have logged in, and open sockets. Listed and ended by themselves, and by an
//! administrator for everybody.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use schemars::JsonSchema;
use serde::Serialize;

use super::App;
use super::access::actor_of;
use super::accounts::end_sockets;
use super::cursor::{Place, place};
use super::http::json_of;
use super::keys::manager;
use super::logins::end_login;
use super::problem::Problem;
use super::query::{Query, page};
use super::reading::count;
use crate::auth::{Action, Proof, Vault, fresh_credential_id};
use crate::domain::access::{AccessEvent, Account, Credential, CredentialChange, Cut, Login};
use crate::domain::id::{CredentialId, PrincipalId, SessionId, TenantId};
use crate::limits::Limit;
use crate::protocol::access::SessionObject;
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::time::WireTime;

/// How many subjects of a tenant may have had their access cut, ended accounts and people who left included.
const CUTS_MAX: usize = 100_000;

/// `GET /v1/sessions`: one's own; an administrator's are everybody's, or those of a `subject`. Sockets first, then
/// logins, each in the order in which they began.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    count(&app, &principal)?;
    let tenant = &principal.tenant;
    let mut query = Query::of(&uri)?;
    let subject = query.optional("subject", subject)?;
    let (after, limit) = (query.cursor::<SessionName>()?, query.limit()?);
    query.finish()?;
    let subject = match (principal.may(Action::ManageAccess), subject) {
        (true, subject) => subject,
        (false, Some(other)) if other != principal.id => return Err(WireError::forbidden().into()),
        (false, _) => Some(principal.id.clone()),
    };
    let is_wanted = |who: &PrincipalId| subject.as_ref().is_none_or(|subject| subject == who);
    let mut sessions = Vec::new();
    if !matches!(after, Some(SessionName::Login(_))) {
        let after = after.and_then(|after| if let SessionName::Socket(id) = after { Some(id) } else { None });
        for (who, open) in app.sockets.list(tenant, after, is_wanted, limit + 1) {
            sessions.push(SessionObject {
                id: SessionName::Socket(open.id).to_string(),
                kind: open.kind.as_str(),
                subject: who.to_string(),
                credential: open.proof.kind(),
                since: WireTime(open.since),
                expires_at: WireTime(open.expires_at),
                current: false,
            });
        }
    }
    let after = after.and_then(|after| if let SessionName::Login(id) = after { Some(id) } else { None });
    let room = (limit + 1).saturating_sub(sessions.len());
    let now = app.clock.now();
    let is_served = app.serves(tenant);
    let is_its =
        |login: &Login, account: &Account| is_served && login.expires_at > now && is_wanted(&account.rights.subject);
    for (login, account) in app.vault.logins(tenant, after, is_its, room) {
        sessions.push(SessionObject {
            id: SessionName::Login(login.id).to_string(),
            kind: "login",
            subject: account.rights.subject.to_string(),
            credential: "login",
            since: WireTime(login.began_at),
            expires_at: WireTime(login.expires_at),
            current: principal.proof == Proof::Login(login.id),
        });
    }
    let (sessions, next_cursor) = page(sessions, limit, |last| last.id.clone());
    Ok(json_of(StatusCode::OK, &Page { sessions, next_cursor }))
}

/// `DELETE /v1/sessions/{id}`: one of them ends: a login with the sockets that it opened, or a socket alone.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    count(&app, &principal)?;
    let tenant = &principal.tenant;
    let name = id.ok().and_then(|Path(id)| place(&id)).ok_or_else(no_such_session)?;
    let reaches = |who: &PrincipalId| principal.may(Action::ManageAccess) || *who == principal.id;
    match name {
        SessionName::Socket(id) => {
            if app.sockets.end(tenant, |who, open| open.id == id && reaches(who)) == 0 {
                return Err(no_such_session().into());
            }
        }
        SessionName::Login(id) => {
            let found = app.vault.find(tenant, id).filter(|_| app.serves(tenant));
            let login = found.as_deref().and_then(Credential::login).ok_or_else(no_such_session)?;
            let whose = account(&app, tenant, login).ok_or_else(no_such_session)?;
            if !reaches(&whose.rights.subject) {
                return Err(no_such_session().into());
            }
            end_login(&app, tenant, id, actor_of(&principal)).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE /v1/sessions?subject=`: all that somebody came in with ends: logins, open invitations, sockets, and tokens issued until now,
/// other issuers' too. Keys are ended one by one.
pub(super) async fn cut(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = manager(&app, &headers).await?;
    let tenant = &principal.tenant;
    let mut query = Query::of(&uri)?;
    let subject = query.optional("subject", subject)?;
    query.finish()?;
    let subject = subject.ok_or_else(|| Problem::parameter("subject", "is missing: whose sessions end"))?;
    let now = app.clock.now();
    let is_its = |one: &Credential| one.account().is_some_and(|account| account.rights.subject == subject);
    let accounts = app.vault.list(tenant, "account", None, is_its, usize::MAX);
    let mut ids: Vec<CredentialId> =
        accounts.iter().flat_map(|account| app.vault.of_account(tenant, account.id())).map(|one| one.id()).collect();
    let is_of_before = |one: &Credential| matches!(one, Credential::Cut(cut) if cut.subject == subject);
    let of_before = app.vault.list(tenant, "cut", None, is_of_before, usize::MAX);
    if of_before.is_empty() {
        room_for_a_cut(&app.vault, tenant)?;
    }
    ids.extend(of_before.iter().map(|one| one.id()));
    let mut changes: Vec<CredentialChange> = ids.iter().map(|id| CredentialChange::Drop(*id)).collect();
    let cut = Cut { id: fresh_credential_id(now), subject: subject.clone(), until: app.clock.wall() };
    changes.push(CredentialChange::Put(Credential::Cut(cut)));
    let event = AccessEvent::AccessCut { subject: Some(subject.to_string()) };
    app.put_credentials(tenant, (now, actor_of(&principal)), event, changes).await?;
    end_sockets(&app, tenant, &ids);
    app.sockets.end(tenant, |who, open| *who == subject && matches!(open.proof, Proof::Token { .. }));
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Refuses one more where there are as many as there may be. None is ever forgotten: a token of before might hold again.
fn room_for_a_cut(vault: &Vault, tenant: &TenantId) -> Result<(), WireError> {
    if vault.count(tenant, "cut") < CUTS_MAX {
        return Ok(());
    }
    Limit::Cuts.reached();
    let why = format!("The access of {CUTS_MAX} subjects was cut already, as many as there may be.");
    Err(WireError::new(ErrorKind::Refused, "too_many_cuts", why))
}

/// Open sockets, then logins, in the order in which they began.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionPage")]
pub(super) struct Page {
    /// The sessions.
    sessions: Vec<SessionObject>,
    /// Where to go on, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What a session is called.
#[derive(Debug, Clone, Copy)]
pub(super) enum SessionName {
    Socket(SessionId),
    Login(CredentialId),
}

impl Place for SessionName {
    fn read(text: &str) -> Option<SessionName> {
        match text.parse::<u64>() {
            Ok(number) => Some(SessionName::Socket(SessionId(number))),
            Err(_) => text.parse().ok().map(SessionName::Login),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl std::fmt::Display for SessionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SessionName::Socket(id) => write!(f, "{id}"),
            SessionName::Login(id) => write!(f, "{id}"),
        }
    }
}

fn subject(text: &str) -> Result<PrincipalId, String> {
    PrincipalId::new(text).map_err(|why| format!("is no id: {why}"))
}

fn account(app: &App, tenant: &TenantId, login: &Login) -> Option<Account> {
    app.vault.find(tenant, login.account)?.account().cloned()
}

fn no_such_session() -> WireError {
    WireError::nothing("There is no session of this id, or it is not yours to end.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn the_access_of_so_many_subjects_of_a_tenant_may_be_cut() {
        let (vault, acme, outra) = (Vault::default(), tenant("acme"), tenant("outra"));
        let cut = |number: usize| {
            let subject = PrincipalId::new(&format!("s{number}")).expect("an id");
            Credential::Cut(Cut { id: CredentialId(number as u128 + 1), subject, until: Timestamp(1) })
        };
        vault.load(&acme, &(1..CUTS_MAX).map(cut).collect::<Vec<_>>());
        assert!(room_for_a_cut(&vault, &acme).is_ok());
        vault.load(&acme, &[cut(CUTS_MAX)]);
        let refused = room_for_a_cut(&vault, &acme).expect_err("there are as many as there may be");
        assert_eq!(refused.data.code, "too_many_cuts");
        assert!(room_for_a_cut(&vault, &outra).is_ok());
    }

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).expect("an id")
    }
}
