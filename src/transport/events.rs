//! `GET /v1/events`: the journal as a stream of server-sent events, as others than the agents are shown it.
//!
//! Every event of a stream is read from the store, by its number: numbers are dense, so that whoever goes on after one has
//! missed nothing, and a reader who is slow has only a place in the journal. What has been committed merely wakes the
//! stream up. Nothing is gathered for it but one page.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode, Uri};
use tokio::sync::watch;

use super::App;
use super::audit::{agent, kinds, object, unreadable};
use super::cursor::place;
use super::policy::facts_of;
use super::problem::Problem;
use super::query::Query;
use super::reading::{check_reached, count};
use super::sockets::{NoStream, SessionPlace};
use crate::auth::{Action, Principal, Scope};
use crate::domain::access::HistoryPart;
use crate::domain::id::{AgentId, TeamId, TenantSeq};
use crate::domain::time::Timestamp;
use crate::ports::{Entry, EntryBody, ReadError};
use crate::protocol::error::{ErrorKind, WireError};
use crate::store::history::EventFilter;

/// The number of the last event that a client has had, as it says when it comes back (WHATWG HTML, server-sent events).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How many streams a principal may have open at once: an integration has one, and one more while it is replaced.
pub(super) const STREAMS_MAX: usize = 8;
/// How many entries are read at once: what a stream holds in memory, at most.
const PAGE: usize = 100;
/// The bytes after which what has been read is handed on before more is put to it.
const CHUNK_BYTES: usize = 8 * 1024;
/// So long after a look at the journal the next one is taken, however much is committed meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// After so long without anything else a comment is sent, so that both sides notice a line that is dead.
const BEAT_AFTER: Duration = Duration::from_secs(15);
/// When the journal is looked at again after it could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Answers `GET /v1/events`.
pub(super) async fn follow(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    principal.scope(Action::FollowEvents)?;
    let heads = app.hub.heads(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let mut query = Query::of(&uri)?;
    let number = |text: &str| place(text).ok_or_else(|| "must be the number of an event".to_owned());
    let after = query.optional("after", number)?;
    let wanted = Wanted {
        kinds: query.optional("kinds", kinds)?,
        team: query.optional("team", |text| TeamId::new(text).map_err(|why| format!("is no id: {why}")))?,
        agent: query.optional("agent", agent)?,
    };
    query.finish()?;
    let after = last_event_id(&headers)?.or(after);
    count(&app, &principal)?;
    check_reached(wanted.team.as_ref(), &Scope::Tenant, &facts_of(&app, &principal.tenant)?.directory)?;
    let filter = EventFilter { agent: wanted.agent.clone(), ..EventFilter::default() };
    let head = app.history.of(&principal.tenant).head().await.map_err(unreadable)?;
    let at = after.unwrap_or(head);
    if at > head {
        let detail = "The journal has no event of this number yet; take the numbers from this server's own events.";
        return Err(WireError::new(ErrorKind::Conflict, "unknown_number", detail).with("head", head.0).into());
    }
    let now = app.clock.now();
    let place = app.sockets.open_stream(&principal, now).map_err(|full| {
        let (code, detail) = match full {
            NoStream::Streams => ("too_many_streams", "This credential has as many streams open as it may have."),
            NoStream::Sessions => ("too_many_sessions", "There are as many sessions open as there may be."),
        };
        Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
    })?;
    app.check_still_in(&principal)?;
    app.read_record.read(&principal, HistoryPart::Events);
    tracing::info!(tenant.id = %principal.tenant, principal.id = %principal.id, "{} follows the events", principal.id);
    let stream = Stream {
        app,
        principal,
        place,
        heads,
        filter,
        wanted,
        at,
        waiting: VecDeque::new(),
        look_at: now,
        beat_at: now,
        has_begun: false,
        is_over: false,
    };
    let body = stream::unfold(stream, |mut stream| async move {
        let text = stream.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), stream))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // A proxy that gathers answers would keep events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<TenantSeq>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(place);
    number
        .map(Some)
        .ok_or_else(|| Problem::parameter("Last-Event-ID", "must be the number of an event, as the stream gave it"))
}

/// What of the journal is asked for.
struct Wanted {
    kinds: Option<Vec<&'static str>>,
    team: Option<TeamId>,
    agent: Option<AgentId>,
}

impl Wanted {
    /// Whoever asks for a team or an agent is told nothing of the tenant as a whole.
    fn fits(&self, entry: &Entry, of_team: Option<&BTreeSet<AgentId>>) -> bool {
        let (kind, whose) = match &entry.body {
            EntryBody::Agent { agent, event, .. } => (event.body.name(), Some(agent)),
            EntryBody::Tenant { event, .. } => (event.body.name(), None),
        };
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
            && self.agent.as_ref().is_none_or(|wanted| whose == Some(wanted))
            && of_team.is_none_or(|team| whose.is_some_and(|whose| team.contains(whose)))
    }
}

/// One stream: a place in the journal, and at most a page of what comes after it. It does something only when more of it
/// is taken.
struct Stream {
    app: Arc<App>,
    principal: Principal,
    place: SessionPlace,
    heads: watch::Receiver<TenantSeq>,
    filter: EventFilter,
    wanted: Wanted,
    /// Up to where the journal has been read.
    at: TenantSeq,
    waiting: VecDeque<String>,
    /// Not before this the journal is looked at.
    look_at: Timestamp,
    /// When a comment is due.
    beat_at: Timestamp,
    /// It has been said where it begins.
    has_begun: bool,
    is_over: bool,
}

/// What a stream waits for.
enum Woken {
    /// There may be more in the journal.
    Look,
    /// Nothing has been said for a while.
    Beat,
    /// The server is about to stop.
    Draining,
    /// The credential holds no more.
    Ended,
}

impl Stream {
    /// What is sent next; none when the stream is over.
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        if !self.has_begun {
            self.has_begun = true;
            return Some(self.beat());
        }
        loop {
            // Asked first, so that whoever reads without end is found out as well.
            if self.has_ended() {
                return None;
            }
            if self.app.draining.is_cancelled() {
                self.is_over = true;
                // Without a number: what has been read and not sent is sent to whoever comes back.
                return Some(": draining\n\n".to_owned());
            }
            if !self.waiting.is_empty() {
                return Some(self.chunk());
            }
            match self.woken().await {
                Woken::Look => {
                    if !self.look().await {
                        return None;
                    }
                }
                Woken::Beat => return Some(self.beat()),
                Woken::Draining => {}
                Woken::Ended => return None,
            }
        }
    }

    fn has_ended(&self) -> bool {
        let now = self.app.clock.now();
        self.place.has_ended() || now >= self.principal.expires_at
    }

    /// A comment, and up to where the stream has come: whoever comes back goes on from there, whatever was left out.
    fn beat(&mut self) -> String {
        self.beat_at = self.app.clock.now() + BEAT_AFTER;
        format!(": beat\nid: {}\n\n", self.at)
    }

    fn chunk(&mut self) -> String {
        let mut text = String::new();
        while text.len() < CHUNK_BYTES
            && let Some(next) = self.waiting.pop_front()
        {
            text.push_str(&next);
        }
        self.beat_at = self.app.clock.now() + BEAT_AFTER;
        text
    }

    async fn woken(&mut self) -> Woken {
        let is_behind = *self.heads.borrow_and_update() > self.at;
        let clock = Arc::clone(&self.app.clock);
        let heads = &mut self.heads;
        let more = async {
            // The sender lives as long as the tenant is served.
            if !is_behind && heads.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            clock.sleep_until(self.look_at).await;
        };
        tokio::select! {
            biased;
            () = self.place.ended() => Woken::Ended,
            () = clock.sleep_until(self.principal.expires_at) => Woken::Ended,
            () = self.app.draining.cancelled() => Woken::Draining,
            () = more => Woken::Look,
            () = clock.sleep_until(self.beat_at) => Woken::Beat,
        }
    }

    /// Reads the next page; false when it cannot be read at all.
    async fn look(&mut self) -> bool {
        let page = self.app.history.of(&self.principal.tenant).events(&self.filter, self.at, PAGE).await;
        let now = self.app.clock.now();
        match page {
            Ok(page) => {
                let of_team = self.wanted.team.as_ref().map(|team| self.agents_of(team));
                let fitting = page.events.iter().filter(|entry| self.wanted.fits(entry, of_team.as_ref()));
                self.waiting.extend(fitting.map(as_text));
                self.at = page.reached;
                self.look_at = now + LOOK_EVERY;
                true
            }
            Err(error @ ReadError::Unavailable(_)) => {
                tracing::warn!(%error, "a stream cannot read the journal and waits");
                self.look_at = now + RETRY_AFTER;
                true
            }
            Err(error @ ReadError::Damaged { .. }) => {
                tracing::error!(%error, "a stream cannot read the journal and ends");
                false
            }
        }
    }

    fn agents_of(&self, team: &TeamId) -> BTreeSet<AgentId> {
        let facts = self.app.router.tenant(&self.principal.tenant);
        let people = facts.iter().flat_map(|facts| facts.directory.agents.values());
        people.filter(|person| person.teams.contains(team)).map(|person| person.id.clone()).collect()
    }
}

fn as_text(entry: &Entry) -> String {
    let object = object(entry);
    format!("id: {}\nevent: {}\ndata: {}\n\n", object.seq, object.kind, object.to_json())
}
