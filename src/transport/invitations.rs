//! Invitations: links that let a person choose the password of an account, once. As JSON, or as a sheet to print.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{ACCEPT, HOST};
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::App;
use super::accept::Peer;
use super::access::{actor_of, same_site};
use super::accounts::{drops_of, end_sockets};
use super::http::{json_of, read_body};
use super::keys::{check_teams, manager};
use super::logins::offered;
use super::policy::facts_of;
use super::problem::Problem;
use super::reading::{object, op_of};
use super::sheet;
use crate::auth::{
    Handed, Presented, Principal, Role, SecretKind, Unauthenticated, check_password, fresh_credential_id, hash_password,
};
use crate::domain::access::{AccessEvent, Account, Credential, CredentialChange, Door, Invitation};
use crate::domain::command::Actor;
use crate::domain::id::{AgentId, CredentialId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::protocol::access::{InvitationObject, WantedInvitation, read_acceptance, read_invitations};
use crate::protocol::error::{ErrorKind, WireError};

/// The largest body of a request that invites: a few hundred people with their teams.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// How many accounts a tenant may have, ended ones too.
const ACCOUNTS_MAX: usize = 100_000;
/// How many are written at once.
const AT_ONCE: usize = 32;
/// The page that an invitation leads to.
const PAGE: &str = "/invitation";

/// An invitation that was made; its secret is known until the answer is sent.
pub(super) struct Invited {
    pub(super) account: Account,
    pub(super) invitation: Invitation,
    pub(super) handed: Handed,
}

impl Invited {
    /// An invitation to an account.
    pub(super) fn to(account: Account, now: Timestamp, ttl: Duration) -> Invited {
        let id = fresh_credential_id(now);
        let handed = Handed::make(SecretKind::Invitation, id);
        let (secret, expires_at) = (handed.hash, now + ttl);
        let invitation = Invitation { id, account: account.id, secret, made_at: now, expires_at };
        Invited { account, invitation, handed }
    }

    /// The event of it, and what puts it in the place of those of before. The account itself is left as it is.
    pub(super) fn in_place_of_before(&self, app: &App, tenant: &TenantId) -> (AccessEvent, Vec<CredentialChange>) {
        let of_before = app.vault.of_account(tenant, self.account.id);
        let of_before = of_before.iter().filter(|one| matches!(&***one, Credential::Invitation(_)));
        let mut changes: Vec<CredentialChange> = of_before.map(|one| CredentialChange::Drop(one.id())).collect();
        changes.push(CredentialChange::Put(Credential::Invitation(self.invitation.clone())));
        (AccessEvent::AccountInvited { account: self.account.id, invitation: self.invitation.id }, changes)
    }

    /// As it is sent, once.
    pub(super) fn object(&self) -> InvitationObject<'_> {
        InvitationObject {
            id: self.invitation.id.to_string(),
            account: self.account.id.to_string(),
            login: &self.account.login,
            invitation: self.handed.reveal(),
            link: link_of(self),
            expires_at: crate::protocol::time::WireTime(self.invitation.expires_at),
        }
    }
}

/// `POST /v1/invitations`: accounts for people, and a link for each. Whoever has an account gets the rights that are
/// named here and a new link; the links of before are void.
pub(super) async fn make(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = manager(&app, request.headers()).await?;
    offered(&app)?;
    let headers = request.headers().clone();
    if op_of(&headers)?.is_some() {
        let why = "is not taken here: who is invited again gets another link, and the one of before is void";
        return Err(Problem::parameter("Idempotency-Key", why));
    }
    let peer = request.extensions().get::<Peer>().cloned().ok_or_else(Problem::internal)?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let (mut wanted, ttl) = read_invitations(object(&body)?)?;
    for one in wanted.iter_mut().filter(|one| !one.names_subject) {
        if let Some(account) = app.vault.account_called(&principal.tenant, &one.login) {
            one.rights.subject = account.rights.subject;
        }
    }
    for (at, one) in wanted.iter().enumerate() {
        check(&app, &principal, one, at)?;
    }
    let new = wanted.iter().filter(|one| app.vault.account_called(&principal.tenant, &one.login).is_none()).count();
    if app.vault.count(&principal.tenant, "account") + new > ACCOUNTS_MAX {
        Limit::Accounts.reached();
        let why = format!("There may be at most {ACCOUNTS_MAX} accounts, ended ones too.");
        return Err(WireError::new(ErrorKind::Refused, "too_many_accounts", why).into());
    }
    let made: Vec<Invited> =
        stream::iter(wanted).map(|one| invite(&app, &principal, one, ttl)).buffered(AT_ONCE).try_collect().await?;
    let wants_sheet = headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    if wants_sheet {
        let facts = facts_of(&app, &principal.tenant)?;
        return Ok(sheet::page(&facts.directory.tenant, &base_of(&app, &peer, &headers), &made));
    }
    let invitations = made.iter().map(Invited::object).collect();
    Ok(json_of(StatusCode::CREATED, &Made { invitations }))
}

/// Invitations that were made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InvitationsMade")]
pub(super) struct Made<'a> {
    /// One for each person, in the order of the request.
    invitations: Vec<InvitationObject<'a>>,
}

/// The address of the page, from the server's own on.
pub(super) fn link_of(made: &Invited) -> String {
    format!("{PAGE}#{}", made.handed.reveal())
}

/// Where the server is, as whoever asks has reached it. Where it speaks no TLS itself, a proxy does: one that is trusted, or one on
/// this machine, which asks for another host than this.
fn base_of(app: &App, peer: &Peer, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_here = host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
    let is_behind_proxy = peer.is_proxy || (peer.client.is_loopback() && !is_here);
    format!("{}://{host}", if app.settings.tls.is_some() || is_behind_proxy { "https" } else { "http" })
}

fn check(app: &App, principal: &Principal, wanted: &WantedInvitation, at: usize) -> Result<(), WireError> {
    check_teams(app, principal, &wanted.rights, &format!("invitations[{at}].teams"))?;
    if wanted.rights.roles.contains(&Role::Agent) {
        let agent = AgentId::new(wanted.rights.subject.as_str()).ok();
        let known = agent.and_then(|agent| super::rpc::target_of(app, &principal.tenant, &agent));
        if known.is_none() {
            let why = format!("is {}, who is not in the directory", wanted.rights.subject);
            return Err(WireError::invalid_params(&format!("invitations[{at}].subject"), &why));
        }
    }
    Ok(())
}

async fn invite(
    app: &App,
    principal: &Principal,
    wanted: WantedInvitation,
    ttl: Duration,
) -> Result<Invited, WireError> {
    let now = app.clock.now();
    let WantedInvitation { login, rights, .. } = wanted;
    let account = match app.vault.account_called(&principal.tenant, &login) {
        Some(account) => Account { rights, ended_at: None, ..account },
        None => Account {
            id: fresh_credential_id(now),
            login,
            rights,
            password: None,
            change_by: None,
            made_at: now,
            ended_at: None,
        },
    };
    let invited = Invited::to(account, now, ttl);
    let (event, mut changes) = invited.in_place_of_before(app, &principal.tenant);
    changes.push(CredentialChange::Put(Credential::Account(invited.account.clone())));
    app.put_credentials(&principal.tenant, (now, actor_of(principal)), event, changes).await?;
    Ok(invited)
}

/// `POST /v1/invitations/accept`: the person chooses a password. The invitation is used up, and whoever was logged in
/// with the account is out.
pub(super) async fn accept(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    offered(&app)?;
    same_site(&app, request.headers())?;
    let body = read_body(request.into_body(), super::http::BODY_BYTES_MAX).await?;
    let (text, password) = read_acceptance(object(&body)?)?;
    let presented = Presented::read(SecretKind::Invitation, &text).ok_or(Unauthenticated)?;
    let found = held(&app, &presented, app.clock.now());
    let (tenant, _, account) = found.ok_or_else(|| not_held(&app, presented.id))?;
    check_password(&password, &account.login).map_err(|why| Problem::parameter("password", &why.to_string()))?;
    let hash = app.passwords.run(move || hash_password(&password)).await?;
    // Of two who use the same invitation at once the second finds it used up.
    let _turn = app.passwords.accepting.lock().await;
    let now = app.clock.now();
    let found = held(&app, &presented, now);
    let (_, _, account) = found.ok_or_else(|| not_held(&app, presented.id))?;
    let mut changes = drops_of(&app, &tenant, account.id);
    let ids: Vec<CredentialId> = changes.iter().map(CredentialChange::id).collect();
    let set = Account { password: Some(hash), change_by: None, ..account.clone() };
    changes.push(CredentialChange::Put(Credential::Account(set)));
    app.put_credentials(&tenant, (now, Actor::System), AccessEvent::PasswordSet(account.id), changes).await?;
    end_sockets(&app, &tenant, &ids);
    Ok(json_of(StatusCode::OK, &json!({"tenant": tenant.as_str(), "login": account.login})).into_response())
}

/// Whose an invitation is that holds, and to which account. Of a closed company none does.
fn held(app: &App, presented: &Presented, now: Timestamp) -> Option<(TenantId, Invitation, Account)> {
    app.vault.by_invitation(presented, now).filter(|(tenant, ..)| app.serves(tenant))
}

fn not_held(app: &App, id: CredentialId) -> Problem {
    if let Some(tenant) = app.vault.tenant_of(id).filter(|tenant| app.serves(tenant)) {
        app.turned_away.note(&tenant, Door::Invitation, None);
    }
    let mut error = WireError::unauthenticated();
    error.message = "This invitation has been used, has ended, or was replaced; ask for another one.".to_owned();
    error.into()
}
