//! Logins with a name and a password: a browser gets a cookie, and whoever guesses gets slower and slower.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::App;
use super::accept::Peer;
use super::access::{COOKIE_NAME, actor_of, cookie, same_site};
use super::accounts::{drops_of, end_sockets};
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::me;
use super::problem::Problem;
use super::reading::object;
use super::sockets::counted_as;
use crate::auth::{
    Handed, Principal, Proof, Role, SecretKind, check_password, fresh_credential_id, hash_password, is_password,
};
use crate::domain::access::{AccessEvent, Account, Credential, CredentialChange, Door, Login};
use crate::domain::command::Actor;
use crate::domain::id::{AgentId, CredentialId, PrincipalId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::protocol::access::{LoginParams, read_login};
use crate::protocol::error::WireError;
use crate::protocol::time::to_text;

/// How long a login lasts: a long shift, and a break before it.
const LOGIN_TTL: Duration = Duration::from_secs(12 * 3600);
/// How many logins an account has at once; the oldest goes for the newest.
const LOGINS_PER_ACCOUNT_MAX: usize = 16;
/// `POST /v1/login`: a cookie for a name and a password. With `new_password` the password is another from here on.
pub(super) async fn log_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    offered(&app)?;
    same_site(&app, request.headers())?;
    let from = request.extensions().get::<Peer>().map(|peer| counted_as(peer.client)).ok_or_else(Problem::internal)?;
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    let LoginParams { tenant, login, password, new_password } = read_login(object(&body)?)?;
    let (Ok(tenant), Ok(name)) = (TenantId::new(&tenant), PrincipalId::new(&Account::folded(&login))) else {
        return Err(wrong().into());
    };
    let who = (tenant.clone(), name);
    let found = app.vault.account_called(&tenant, &login);
    let found = found.filter(|account| account.ended_at.is_none() && app.serves(&tenant));
    // Beyond the budget no password is looked at, not even the right one: else guessing would go on. Asked again when it is
    // its turn, for those before it may have used the budget up.
    let may = || app.passwords.may_guess(&who, &from, app.clock.now());
    may()?;
    let guess = Guess { app: Arc::clone(&app), who: who.clone(), from, found, password };
    let account = app.passwords.run_if(may, move || guess.look()).await??;
    let account = match new_password {
        Some(new) => change_password(&app, &tenant, account, new).await?,
        None if account.change_by.is_some() => {
            let detail = "This password was given out and has to be changed: send a new_password with it.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "password_change_required", detail));
        }
        None => account,
    };
    begin(&app, &tenant, &account).await
}

/// A password that is to be looked at.
struct Guess {
    app: Arc<App>,
    who: (TenantId, PrincipalId),
    from: IpAddr,
    found: Option<Account>,
    password: String,
}

impl Guess {
    /// Looks at it, and counts it when it is wrong: on the thread that looks, so that whoever hangs up meanwhile has used as much
    /// of the budget as whoever waits.
    ///
    /// # Errors
    /// [`WireError`] for whoever may not come in.
    fn look(self) -> Result<Account, WireError> {
        let Guess { app, who, from, found, password } = self;
        let kept = found.as_ref().and_then(|account| account.password.as_ref());
        let is_right = is_password(&password, kept);
        let (tenant, now) = (&who.0, app.clock.now());
        let known = found.clone().filter(|account| is_right && may_come_in(&app, tenant, account, now));
        known.map_or_else(
            || {
                // A company that there is not, or that is closed, takes as long, and is told as little.
                if app.serves(tenant) {
                    app.turned_away.note(tenant, Door::Login, found.map(|account| account.id));
                }
                app.passwords.guessed_wrong(&who, &from, now)?;
                Err(wrong())
            },
            Ok,
        )
    }
}

/// Whether the installation has logins at all.
///
/// # Errors
/// 403 with the code `logins_off`.
pub(super) fn offered(app: &App) -> Result<(), Problem> {
    if app.settings.logins {
        return Ok(());
    }
    let detail =
        "Nobody logs in with a password here; come with a token of your company's identity provider, or with a key.";
    Err(Problem::new(StatusCode::FORBIDDEN, "logins_off", detail))
}

/// Every way to be wrong is answered in the same words.
fn wrong() -> WireError {
    let mut error = WireError::unauthenticated();
    error.message = "The company, the name or the password is wrong, or the account has ended.".to_owned();
    error
}

/// A password that was given out lapses, and an agent has to be in the directory.
fn may_come_in(app: &App, tenant: &TenantId, account: &Account, now: Timestamp) -> bool {
    let is_agent = account.rights.roles.contains(&Role::Agent);
    let is_there = || {
        let agent = AgentId::new(account.rights.subject.as_str()).ok();
        agent.is_some_and(|agent| super::rpc::target_of(app, tenant, &agent).is_some())
    };
    account.change_by.is_none_or(|by| now < by) && (!is_agent || is_there())
}

/// Whoever was logged in with the password of before is out.
async fn change_password(app: &App, tenant: &TenantId, account: Account, new: String) -> Result<Account, Problem> {
    let refused = |why: &str| Problem::parameter("new_password", why);
    check_password(&new, &account.login).map_err(|why| refused(&why.to_string()))?;
    let kept = account.password.clone();
    let (is_same, hash) = app.passwords.run(move || (is_password(&new, kept.as_ref()), hash_password(&new))).await?;
    if is_same {
        return Err(refused("must be another one"));
    }
    let set = Account { password: Some(hash), change_by: None, ..account };
    let mut changes = drops_of(app, tenant, set.id);
    let ids: Vec<CredentialId> = changes.iter().map(CredentialChange::id).collect();
    changes.push(CredentialChange::Put(Credential::Account(set.clone())));
    let at = app.clock.now();
    app.put_credentials(tenant, (at, Actor::System), AccessEvent::PasswordSet(set.id), changes).await?;
    end_sockets(app, tenant, &ids);
    Ok(set)
}

async fn begin(app: &App, tenant: &TenantId, account: &Account) -> Result<Response, Problem> {
    let now = app.clock.now();
    let id = fresh_credential_id(now);
    let handed = Handed::make(SecretKind::Login, id);
    let login = Login { id, account: account.id, secret: handed.hash, began_at: now, expires_at: now + LOGIN_TTL };
    let of_before = app.vault.of_account(tenant, account.id);
    let logins: Vec<&Login> = of_before.iter().filter_map(|one| one.login()).collect();
    let surplus = (logins.len() + 1).saturating_sub(LOGINS_PER_ACCOUNT_MAX);
    if surplus > 0 {
        Limit::Logins.reached();
    }
    let goes = |(at, login): (usize, &&Login)| (at < surplus || login.expires_at <= now).then_some(login.id);
    let gone: Vec<CredentialId> = logins.iter().enumerate().filter_map(goes).collect();
    let mut changes: Vec<CredentialChange> = gone.iter().map(|id| CredentialChange::Drop(*id)).collect();
    changes.push(CredentialChange::Put(Credential::Login(login.clone())));
    let event = AccessEvent::LoginBegan { account: account.id, login: id };
    app.put_credentials(tenant, (now, Actor::System), event, changes).await?;
    end_sockets(app, tenant, &gone);
    let principal = Principal {
        id: account.rights.subject.clone(),
        tenant: tenant.clone(),
        roles: account.rights.roles.clone(),
        teams: account.rights.teams.clone(),
        expires_at: login.expires_at,
        proof: Proof::Login(id),
        newcomer: None,
    };
    let shown = me::principal_shown(app, &principal)?;
    let told = json!({"expires_at": to_text(login.expires_at), "principal": shown});
    let mut response = json_of(StatusCode::OK, &told);
    put_cookie(response.headers_mut(), handed.reveal(), LOGIN_TTL);
    Ok(response)
}

/// `POST /v1/logout`: the browser's login ends, with the sockets that it opened, and its cookie goes.
pub(super) async fn log_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    same_site(&app, &headers)?;
    let known = cookie(&headers).and_then(|secret| app.by_secret(SecretKind::Login, secret).ok());
    if let Some(principal) = known
        && let Proof::Login(id) = principal.proof
    {
        end_login(&app, &principal.tenant, id, actor_of(&principal)).await?;
    }
    // Who is not logged in is not any more: there is nothing to refuse.
    let mut response = StatusCode::NO_CONTENT.into_response();
    put_cookie(response.headers_mut(), "", Duration::ZERO);
    Ok(response)
}

/// Ends a login and the sockets that it opened.
pub(super) async fn end_login(app: &App, tenant: &TenantId, id: CredentialId, actor: Actor) -> Result<(), WireError> {
    let changes = vec![CredentialChange::Drop(id)];
    app.put_credentials(tenant, (app.clock.now(), actor), AccessEvent::LoginEnded(id), changes).await?;
    end_sockets(app, tenant, &[id]);
    Ok(())
}

/// Not for scripts, not in plain text, not from another site.
fn put_cookie(headers: &mut HeaderMap, secret: &str, ttl: Duration) {
    let seconds = ttl.as_secs();
    let text = format!("{COOKIE_NAME}={secret}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    if let Ok(mut value) = HeaderValue::from_str(&text) {
        value.set_sensitive(true);
        headers.insert(SET_COOKIE, value);
    }
}
