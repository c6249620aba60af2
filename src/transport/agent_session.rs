//! The session of one socket: who it speaks for, whether it is an agent's presence, and when it
//! ends. It answers calls; the bytes are the socket's affair.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::board_session::{BOARDS_MAX, Boards};
use super::me::principal_shown;
use super::menu_watch::{OPTIONS_EVERY, Watch, moved, next_look};
use super::presence::{self, Attached, Presence};
use super::rate_limit::{Meter, Rate};
use super::restraint::{self, PAUSE_MAX};
use super::sockets::SessionPlace;
use super::wanted::Wanted;
use super::wire::{Ending, MESSAGE_BYTES_MAX};
use super::{App, provisioning, requests, rpc};
use crate::actor::session::notices;
use crate::actor::{CommandError, Notice, SessionLink};
use crate::auth::{Principal, Role};
use crate::domain::command::{Actor, Command, PauseAtSignOut, Request};
use crate::domain::event::Cause;
use crate::domain::id::{AgentId, SessionId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::protocol::close::CloseCode;
use crate::protocol::error::{ErrorKind, WireError};
use crate::protocol::methods::{
    Invocation, LimitsShown, Method, OpenParams, PauseAnnotatedTold, PauseCorrectedTold, PauseOffered, PauseThreshold,
    Pong, Refreshed, SessionOpened, SignOutScope,
};
use crate::protocol::notifications::Notification;
use crate::protocol::options::MenuSignature;
use crate::protocol::rpc::{BATCH_MAX, Call, DEPTH_MAX, Incoming, Params, Response, batch_frame, read};
use crate::protocol::state::{ActorState, AgentChanged};
use crate::protocol::time::{WireTime, to_text};

/// How long a socket may stay without a session.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// How long before its credential ends a session is told to refresh it.
const EXPIRY_TOLD_BEFORE: Duration = Duration::from_secs(60);
/// How many faults of form in a row end a connection (fault table, "malformed").
const STRIKES_MAX: u32 = 20;
/// How many `session.ping` a session may send. They are outside the request rate, so that a page can
/// always learn whether it is connected; it needs one in some seconds.
const PING_RATE: Rate = Rate { per_second: 20, burst: 100 };
/// When the menu is asked for again after it could not be had.
const OPTIONS_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The session of one socket, open or not.
pub(super) struct Session {
    app: Arc<App>,
    id: SessionId,
    /// When the socket last answered a ping; shared with the agent's actor.
    answered_at: Arc<std::sync::atomic::AtomicI64>,
    /// Where it comes from.
    client: IpAddr,
    /// The credential that came with the upgrade, until the session is open.
    credential: Option<Principal>,
    /// Which page opened the socket, where a browser said so.
    origin: Option<String>,
    open_by: Timestamp,
    open: Option<Open>,
    strikes: u32,
    /// Calls in vain of who has not said who they are.
    in_vain: Meter,
    /// For how long nothing is to be read.
    pause: Option<Duration>,
    /// For how long calls were held up because there are too many.
    held_up: Duration,
    pings: Meter,
    wanted: Wanted,
    /// Set by a call whose reply is the last.
    ending: Option<Ending>,
}

struct Open {
    principal: Principal,
    agent: Option<AgentId>,
    presence: Option<Presence>,
    expiry_told: bool,
    signed_out: bool,
    watch: Option<Watch>,
    place: SessionPlace,
}

/// What a session hears from the core.
pub(super) enum Heard {
    /// The agent's actor says something; none when it has let go of the socket.
    Notice(Option<Notice>),
    /// The menu that is watched may be another one.
    MenuMoved,
    /// Somebody has ended what the session came in with.
    Ended,
}

/// What a notice asks of the socket.
pub(super) enum Told {
    /// Send this, if the client wants it.
    Send(Option<String>),
    /// Send this, if the client wants it, and ask at once whether somebody is there.
    SendAndPing(Option<String>),
    /// The session ends.
    End(Ending),
}

impl Session {
    pub(super) fn new(
        app: Arc<App>,
        credential: Option<Principal>,
        origin: Option<String>,
        client: IpAddr,
        answered_at: Arc<std::sync::atomic::AtomicI64>,
    ) -> Session {
        let (id, open_by) = (app.next_session(), app.clock.now() + OPEN_WITHIN);
        Session {
            app,
            id,
            answered_at,
            client,
            credential,
            origin,
            open_by,
            open: None,
            strikes: 0,
            in_vain: Meter::default(),
            pause: None,
            held_up: Duration::ZERO,
            pings: Meter::default(),
            wanted: Wanted::default(),
            ending: None,
        }
    }

    /// The number of the socket among all of the process: for the log and for the core alone.
    pub(super) fn id(&self) -> SessionId {
        self.id
    }

    /// Whose session it is, and what it is called there; none before it is open.
    pub(super) fn name(&self) -> Option<(&TenantId, SessionId)> {
        self.open.as_ref().map(|open| (&open.principal.tenant, open.place.id()))
    }

    /// Opens the session when a credential came with the upgrade. What fails here is told to the
    /// first call, but for a credential that was ended since: the socket ends as it would with a session.
    pub(super) async fn open_at_once(&mut self) {
        let Some(principal) = self.credential.clone() else { return };
        let opened = self.open_as(principal, true).await;
        if opened.is_err_and(|error| error.kind() == ErrorKind::Unauthenticated) {
            let reason = "the credential was ended".to_owned();
            self.ending.get_or_insert(Ending::Close(CloseCode::CredentialEnded, reason));
        }
    }

    /// For how long the next call is not to be read, after what was called in vain.
    pub(super) fn take_pause(&mut self) -> Option<Duration> {
        self.pause.take()
    }

    /// For how long the calls of a message were held up because there are too many.
    pub(super) fn take_held_up(&mut self) -> Duration {
        std::mem::take(&mut self.held_up)
    }

    /// The socket of this session has ended.
    pub(super) fn has_ended(&self, ending: &Ending) {
        let principal = self.open.as_ref().map(|open| &open.principal).or(self.credential.as_ref());
        if let (Ending::Close(code, _), Some(principal)) = (ending, principal) {
            self.app.has_ended(principal, *code);
        }
    }

    pub(super) fn take_ending(&mut self) -> Option<Ending> {
        self.ending.take()
    }

    /// The earliest instant at which [`Session::on_time`] has something to do.
    pub(super) fn next_deadline(&self) -> Timestamp {
        let Some(open) = &self.open else { return self.open_by };
        let expires_at = open.principal.expires_at;
        let credential = if open.expiry_told { expires_at } else { expires_at.minus(EXPIRY_TOLD_BEFORE) };
        let menu = open.watch.as_ref().and_then(|watch| watch.look_at);
        menu.map_or(credential, |at| at.min(credential))
    }

    /// Does what is due at `now`; gives what is to be sent.
    pub(super) async fn on_time(&mut self, now: Timestamp) -> Result<Vec<String>, Ending> {
        let mut sent = Vec::new();
        let Some(open) = &mut self.open else {
            if now >= self.open_by {
                return Err(Ending::Close(CloseCode::NotOpened, "no session was opened in time".to_owned()));
            }
            return Ok(sent);
        };
        let expires_at = open.principal.expires_at;
        if now >= expires_at {
            return Err(Ending::Close(CloseCode::CredentialEnded, "the credential has ended".to_owned()));
        }
        if !open.expiry_told && now >= expires_at.minus(EXPIRY_TOLD_BEFORE) {
            open.expiry_told = true;
            sent.extend(self.wanted.text(Notification::SessionExpiring, &json!({"at": to_text(expires_at)})));
        }
        if open.watch.as_ref().is_some_and(|watch| watch.look_at.is_some_and(|at| at <= now)) {
            sent.extend(self.look_at_menu(now).await);
        }
        Ok(sent)
    }

    /// The next thing that is heard from the core.
    pub(super) async fn next_heard(&mut self) -> Heard {
        let Some(Open { presence, watch, place, .. }) = &mut self.open else { return std::future::pending().await };
        tokio::select! {
            biased;
            notice = presence::next_notice(presence.as_mut()) => Heard::Notice(notice),
            () = moved(watch.as_mut()) => Heard::MenuMoved,
            () = place.ended() => Heard::Ended,
        }
    }

    /// What verdicts look at has moved: the menu is looked at again, as soon as it may be told.
    pub(super) fn look_at_menu_soon(&mut self, now: Timestamp) {
        if let Some(watch) = self.open.as_mut().and_then(|open| open.watch.as_mut()) {
            watch.look_at = Some(watch.not_before.max(now));
        }
    }

    /// What is already waiting of what the agent's actor says.
    pub(super) fn waiting_notice(&mut self) -> Option<Notice> {
        self.open.as_mut()?.presence.as_mut()?.notices.waiting()
    }

    /// What the client wants to be told.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// True when the session signed itself out: it ends as soon as it has been told what that led to.
    pub(super) fn signed_out(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.signed_out)
    }

    pub(super) fn on_notice(&mut self, notice: Option<Notice>, now: Timestamp) -> Told {
        let Some(open) = &mut self.open else { return Told::End(Ending::Gone("not open")) };
        match notice {
            Some(Notice::Changed(view)) => {
                self.look_at_menu_soon(now);
                Told::Send(self.wanted.text(Notification::AgentChanged, &AgentChanged::of(&view)))
            }
            Some(Notice::PauseWarned { pause, pause_type, at, limit_at }) => {
                let params = threshold(pause.to_string(), pause_type.as_str(), at, limit_at);
                Told::Send(self.wanted.text(Notification::PauseWarned, &params))
            }
            Some(Notice::LimitReached { pause, pause_type, at, limit_at }) => {
                let params = threshold(pause.to_string(), pause_type.as_str(), at, limit_at);
                Told::SendAndPing(self.wanted.text(Notification::PauseLimitReached, &params))
            }
            Some(Notice::Offered { offer, pause_type, expires_at }) => {
                let params = PauseOffered {
                    offer: offer.to_string(),
                    pause_type: pause_type.to_string(),
                    expires_at: to_text(expires_at),
                };
                Told::Send(self.wanted.text(Notification::PauseOffered, &params))
            }
            Some(Notice::PauseCorrected(told)) => {
                self.look_at_menu_soon(now);
                let corrected = &told.corrected;
                let params = PauseCorrectedTold {
                    pause: corrected.pause.to_string(),
                    pause_type: corrected.pause_type.as_str(),
                    started_at: WireTime(corrected.started_at),
                    ended_at: WireTime(corrected.ended_at),
                    ended_at_before: WireTime(corrected.ended_at_before),
                    at: WireTime(told.at),
                    actor: ActorState::of(&told.by),
                    reason: told.reason.as_deref(),
                };
                Told::Send(self.wanted.text(Notification::PauseCorrected, &params))
            }
            Some(Notice::PauseAnnotated(told)) => {
                let (pause, at, actor) = (told.pause.to_string(), WireTime(told.at), ActorState::of(&told.by));
                let params = PauseAnnotatedTold { pause, at, actor, text: told.text.as_deref() };
                Told::Send(self.wanted.text(Notification::PauseAnnotated, &params))
            }
            Some(Notice::RequestChanged(view)) => {
                let params = requests::changed(&view);
                Told::Send(params.and_then(|params| self.wanted.text(Notification::RequestChanged, &params)))
            }
            Some(Notice::SignedOut { cause, by_agent, message }) => {
                let code = match cause {
                    Cause::Deactivated | Cause::TenantClosed => CloseCode::CredentialEnded,
                    Cause::Limit => CloseCode::SignedOut,
                    _ if by_agent => CloseCode::SignedOut,
                    Cause::Abandoned
                    | Cause::Admin
                    | Cause::Agent
                    | Cause::ChangedType
                    | Cause::Clock
                    | Cause::ConnectionLost
                    | Cause::Integration
                    | Cause::Occupancy
                    | Cause::Queue
                    | Cause::Resumed
                    | Cause::ServerStarted
                    | Cause::Session
                    | Cause::SignIn
                    | Cause::SignOut
                    | Cause::Supervisor => CloseCode::SignedOutByOther,
                };
                Told::End(Ending::Close(code, message))
            }
            None if self.app.draining.is_cancelled() => Told::End(Ending::Gone("draining")),
            None if open.presence.as_ref().is_some_and(|presence| presence.notices.fell_behind()) => {
                Told::End(Ending::Close(CloseCode::Policy, "too slow a reader".to_owned()))
            }
            None => {
                let reason = "the agent's state was taken up anew; connect again".to_owned();
                Told::End(Ending::Close(CloseCode::Internal, reason))
            }
        }
    }

    /// Answers a message; `None` when nothing in it wants an answer.
    pub(super) async fn answer(&mut self, text: &str, boards: &mut Boards) -> Option<String> {
        match read(text) {
            Incoming::Single(call) => {
                let response = self.respond(call, boards).await?;
                Some(response.to_frame())
            }
            Incoming::Batch(calls) => {
                let mut responses = Vec::with_capacity(calls.len());
                for call in calls {
                    responses.extend(self.respond(call, boards).await);
                }
                (!responses.is_empty()).then(|| batch_frame(responses))
            }
        }
    }

    async fn respond(
        &mut self,
        call: Result<Call, crate::protocol::rpc::BadCall>,
        boards: &mut Boards,
    ) -> Option<Response> {
        match call {
            Err(bad) => {
                self.strike();
                self.called_in_vain();
                Some(Response::bad(bad))
            }
            Ok(Call { id, method, params }) => {
                let result = self.invoke(&method, params, boards).await;
                rpc::record(&method, &result);
                let principal = self.open.as_ref().map(|open| &open.principal);
                if result.as_ref().is_err_and(|error| self.app.is_in_vain(principal, error)) {
                    self.called_in_vain();
                }
                match &result {
                    Ok(_) => self.strikes = 0,
                    // Before it is open, a session has nothing to get wrong but its credential.
                    Err(error) if error.is_fault_of_form() || self.open.is_none() => self.strike(),
                    Err(_) => {}
                }
                id.map(|id| Response { id, result })
            }
        }
    }

    fn called_in_vain(&mut self) {
        let principal = self.open.as_ref().map(|open| &open.principal).or(self.credential.as_ref());
        self.pause = match principal {
            Some(principal) => self.app.called_in_vain(principal),
            None => {
                let pause = self.in_vain.charge(restraint::BUDGET.pace(), PAUSE_MAX, self.app.clock.now());
                (!pause.is_zero()).then_some(pause)
            }
        };
    }

    fn strike(&mut self) {
        self.strikes += 1;
        if self.strikes >= STRIKES_MAX {
            self.ending.get_or_insert(Ending::Close(CloseCode::Policy, "too many malformed messages".to_owned()));
        }
    }

    async fn invoke(&mut self, name: &str, params: Params, boards: &mut Boards) -> Result<Value, WireError> {
        if self.ending.is_some() || self.signed_out() {
            return Err(WireError::unauthenticated());
        }
        let method = Method::named(name);
        if self.open.is_none() && method != Some(Method::SessionOpen) {
            let principal = self.credential.clone().ok_or_else(WireError::unauthenticated)?;
            self.open_as(principal, true).await?;
        }
        let method = method.ok_or_else(|| WireError::method_not_found(name))?;
        let app = Arc::clone(&self.app);
        let invocation = match &self.open {
            None => Invocation::read(method, params)?,
            Some(open) => {
                let came = app.clock.now();
                let admitted = rpc::admit(&app, &open.principal, method, params).await;
                self.held_up += app.clock.now().since(came);
                admitted?
            }
        };
        match invocation {
            Invocation::SessionOpen(wanted) => self.open(wanted).await,
            Invocation::SessionPing => {
                if self.pings.count(PING_RATE, app.clock.now()).is_err() {
                    self.ending.get_or_insert(Ending::Close(CloseCode::Policy, "too many pings".to_owned()));
                }
                Ok(self.ping().await)
            }
            Invocation::SessionRefresh { token } => self.refresh(&token, boards).await,
            Invocation::SessionSignOut { scope, pause } => self.sign_out(scope, pause).await,
            Invocation::PauseOptions { watch: true } => self.watch_menu().await,
            Invocation::BoardSubscribe { teams, cursor } => {
                boards.subscribe(&app, self.principal()?, &teams, cursor.as_deref())
            }
            Invocation::BoardUnsubscribe { subscription } => boards.unsubscribe(&subscription),
            Invocation::SwitchOn { names } => Ok(self.switch_on(names)),
            Invocation::SwitchOff { names } => Ok(self.wanted.switch_off(names)),
            other @ (Invocation::AgentGet
            | Invocation::PauseOptions { watch: false }
            | Invocation::Own(_)
            | Invocation::OwnRequest(_)
            | Invocation::RequestList
            | Invocation::Record(_)
            | Invocation::AlertAck { .. }
            | Invocation::RequestDecide { .. }
            | Invocation::OccupancySet { .. }
            | Invocation::Policy(_)
            | Invocation::Discover
            | Invocation::Live(_)) => rpc::answer(&app, self.principal()?, other).await,
        }
    }

    fn principal(&self) -> Result<&Principal, WireError> {
        self.open.as_ref().map(|open| &open.principal).ok_or_else(WireError::unauthenticated)
    }

    async fn open(&mut self, wanted: OpenParams) -> Result<Value, WireError> {
        let sent = match (&wanted.token, &wanted.ticket) {
            (Some(_), Some(_)) => {
                return Err(WireError::invalid_params("ticket", "comes instead of a token, not with one"));
            }
            (None, Some(ticket)) => Some(self.app.redeem_from(self.client, ticket, self.origin.as_deref())?),
            (Some(token), None) => Some(self.app.verify_from(self.client, token).await?),
            (None, None) => None,
        };
        if let Some(client) = &wanted.client {
            tracing::debug!(session.id = self.id.0, client.name, client.version, "a client names itself");
        }
        match (&self.open, sent.or_else(|| self.credential.clone())) {
            (Some(open), Some(principal)) if !is_same_subject(&open.principal, &principal) => {
                return Err(WireError::forbidden());
            }
            (Some(_), _) => {}
            (None, None) => return Err(WireError::unauthenticated()),
            (None, Some(principal)) => self.open_as(principal, wanted.presence).await?,
        }
        self.opened().await
    }

    async fn open_as(&mut self, principal: Principal, presence: bool) -> Result<(), WireError> {
        let app = Arc::clone(&self.app);
        app.check_not_struck_out(&principal)?;
        let agent = provisioning::agent_of(&app, &principal).await?;
        let Some(place) = app.sockets.open_session(&principal, app.clock.now()) else {
            return Err(self.too_many());
        };
        app.check_still_in(&principal)?;
        let presence = match &agent {
            Some(agent) if presence => Some(self.attach(&principal, agent).await?),
            Some(_) | None => None,
        };
        tracing::debug!(session.id = self.id.0, tenant.id = %principal.tenant, "a session of {} is open", principal.kind());
        self.open =
            Some(Open { principal, agent, presence, expiry_told: false, signed_out: false, watch: None, place });
        self.credential = None;
        Ok(())
    }

    async fn attach(&mut self, principal: &Principal, agent: &AgentId) -> Result<Presence, WireError> {
        let (sender, notices) = notices();
        let link = SessionLink { id: self.id, notices: sender, answered_at: Arc::clone(&self.answered_at) };
        // From here on the socket is taken off again, also when the wait for the answer is dropped.
        let mut attached = Attached {
            app: Arc::clone(&self.app),
            tenant: principal.tenant.clone(),
            agent: agent.clone(),
            session: self.id,
            is_on: true,
        };
        let answer = self.app.router.attach(&principal.tenant, agent, link).await;
        // After an error, the router has seen to it that the socket is not on the agent. Taken off once more, later,
        // it would be taken off from the client's next attempt, which is the same session.
        attached.is_on = answer.is_ok();
        match answer {
            Ok(_view) => Ok(Presence::new(notices, attached)),
            Err(CommandError::TooManySessions) => {
                Limit::AgentSessions.reached();
                Err(self.too_many())
            }
            Err(error) => Err(rpc::failed(error, rpc::Viewer::Itself)),
        }
    }

    fn too_many(&mut self) -> WireError {
        self.ending = Some(Ending::Close(CloseCode::TooManyConnections, "too many sessions".to_owned()));
        rpc::too_many_sessions()
    }

    async fn opened(&self) -> Result<Value, WireError> {
        let app = &self.app;
        let open = self.open.as_ref().ok_or_else(WireError::unauthenticated)?;
        let principal = &open.principal;
        let agent = match &open.agent {
            Some(_) => Some(rpc::state(&*rpc::own_view(app, principal).await?)),
            None => None,
        };
        let rate = app.settings.rate;
        Ok(rpc::to_value(&SessionOpened {
            session: open.place.id().to_string(),
            principal: principal_shown(app, principal)?,
            agent,
            server_time: to_text(app.clock.now()),
            ping_interval_ms: u64::try_from(self.app.settings.ping.every.as_millis()).unwrap_or(u64::MAX),
            limits: LimitsShown {
                message_bytes: MESSAGE_BYTES_MAX,
                batch: BATCH_MAX,
                depth: DEPTH_MAX,
                requests_per_s: rate.per_second,
                burst: rate.burst,
                boards: BOARDS_MAX,
            },
        }))
    }

    /// The version is asked of the agent's owner, so that a page which missed a notification learns
    /// of it here.
    async fn ping(&self) -> Value {
        let version = match &self.open {
            Some(Open { agent: Some(_), principal, .. }) => {
                rpc::own_view(&self.app, principal).await.ok().map(|view| view.version.0)
            }
            Some(_) | None => None,
        };
        rpc::to_value(&Pong { server_time: to_text(self.app.clock.now()), version })
    }

    async fn refresh(&mut self, token: &str, boards: &mut Boards) -> Result<Value, WireError> {
        let fresh = self.app.verify_from(self.client, token).await?;
        let open = self.open.as_mut().ok_or_else(WireError::unauthenticated)?;
        // What the session is stays: an agent's presence is neither won nor lost by a refresh.
        if !is_same_subject(&open.principal, &fresh) || fresh.is(Role::Agent) != open.principal.is(Role::Agent) {
            return Err(WireError::forbidden());
        }
        let ended_subscriptions = boards.keep_reached_by(&fresh);
        let expires_at = to_text(fresh.expires_at);
        open.place.renew(&fresh);
        open.principal = fresh;
        open.expiry_told = false;
        Ok(rpc::to_value(&Refreshed { expires_at, ended_subscriptions }))
    }

    async fn sign_out(&mut self, scope: SignOutScope, pause: PauseAtSignOut) -> Result<Value, WireError> {
        let app = Arc::clone(&self.app);
        let session = self.id;
        let open = self.open.as_mut().ok_or_else(WireError::unauthenticated)?;
        let tenant = open.principal.tenant.clone();
        if let Some(agent) = open.agent.clone() {
            let request = Request {
                command: Command::SignOut { pause },
                actor: Actor::Agent(agent.clone()),
                reason: None,
                op: None,
                expected_version: None,
            };
            let done = match (scope, &open.presence) {
                (SignOutScope::All, _) => app.router.execute(&tenant, &agent, request).await.map(|_| ()),
                (SignOutScope::This, Some(_)) => app.router.sign_out_session(&tenant, &agent, session, request).await,
                (SignOutScope::This, None) => Ok(()),
            };
            done.map_err(|error| rpc::failed(error, rpc::Viewer::Itself))?;
        }
        open.signed_out = true;
        Ok(json!({}))
    }

    async fn watch_menu(&mut self) -> Result<Value, WireError> {
        let app = Arc::clone(&self.app);
        // Before the menu is asked for, so that nothing moves unseen between the two.
        let moved = app.router.moved(&self.principal()?.tenant);
        let menu = rpc::menu(&app, self.principal()?).await?;
        let now = app.clock.now();
        if let Some(open) = &mut self.open {
            let not_before = now + OPTIONS_EVERY;
            open.watch = Some(Watch {
                told: MenuSignature::of(&menu),
                look_at: next_look(&menu, not_before),
                not_before,
                moved,
            });
        }
        Ok(rpc::menu_value(&menu))
    }

    /// The menu is looked at when its notification comes back, for it may have changed meanwhile.
    fn switch_on(&mut self, names: Vec<String>) -> Value {
        let was_off = !self.wanted.has(Notification::OptionsChanged);
        let answer = self.wanted.switch_on(names);
        if was_off && let Some(watch) = self.open.as_mut().and_then(|open| open.watch.as_mut()) {
            watch.look_at = Some(watch.not_before);
        }
        answer
    }

    /// Looks at the menu again; gives the notification when an outcome or a code has changed.
    async fn look_at_menu(&mut self, now: Timestamp) -> Option<String> {
        let app = Arc::clone(&self.app);
        if !self.wanted.has(Notification::OptionsChanged) {
            self.open.as_mut()?.watch.as_mut()?.look_at = None;
            return None;
        }
        let menu = rpc::menu(&app, self.principal().ok()?).await;
        let watch = self.open.as_mut()?.watch.as_mut()?;
        let Ok(menu) = menu else {
            watch.look_at = Some(now + OPTIONS_RETRY_AFTER);
            return None;
        };
        watch.not_before = now + OPTIONS_EVERY;
        watch.look_at = next_look(&menu, watch.not_before);
        let signature = MenuSignature::of(&menu);
        if signature == watch.told {
            return None;
        }
        watch.told = signature;
        self.wanted.text(Notification::OptionsChanged, &rpc::menu_value(&menu))
    }
}

fn is_same_subject(a: &Principal, b: &Principal) -> bool {
    a.tenant == b.tenant && a.id == b.id
}

fn threshold(pause: String, pause_type: &str, at: Timestamp, limit_at: Timestamp) -> PauseThreshold {
    PauseThreshold { pause, pause_type: pause_type.to_owned(), at: to_text(at), limit_at: to_text(limit_at) }
}
