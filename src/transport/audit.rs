//! `GET /v1/audit`: the journal as a list, as others than the agents are shown it, a page at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use chrono_tz::Tz;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LINK};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::value::RawValue;

use super::App;
use super::cursor::place;
use super::http::{json_of, json_response};
use super::pauses::day_or_instant;
use super::problem::Problem;
use super::query::Query;
use super::reading::count;
use crate::auth::Action;
use crate::domain::access::HistoryPart;
use crate::domain::export::{Export, ExportFilter, ExportFormat, ExportPart};
use crate::domain::id::{AgentId, PrincipalId, TenantSeq};
use crate::domain::schedule::local_day_bounds;
use crate::domain::time::Timestamp;
use crate::ports::{Entry, EntryBody, ReadError};
use crate::protocol::error::WireError;
use crate::protocol::event::{EVENT_KINDS, EventObject};
use crate::store::history::{DayOrInstant, EventFilter, PAGE_MAX};

/// How many entries one request looks at, at most: a filter that fits few of them leads on instead of holding the store up.
const LOOKED_AT_MAX: usize = 20_000;
/// When to try again after the store was out of reach.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The media type of one JSON document a line.
const NDJSON: &str = "application/x-ndjson";

/// Answers `GET /v1/audit`.
pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    principal.scope(Action::ReadAudit)?;
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let as_lines = wants_lines(&headers)?;
    let mut query = Query::of(&uri)?;
    let asked = Asked::read(&mut query, facts.directory.tenant.zone)?;
    query.finish()?;
    count(&app, &principal)?;
    if !as_lines {
        app.read_record.read(&principal, HistoryPart::Audit);
    }
    tracing::info!(tenant.id = %principal.tenant, principal.id = %principal.id, "{} reads the audit", principal.id);
    let (mut events, mut reached, mut looked_at) = (Vec::new(), asked.after, 0);
    let more = loop {
        let room = asked.limit - events.len();
        // Of what nothing is left out by its kind, no more is read than there is room for.
        let rows = if asked.is_whole() { room } else { PAGE_MAX };
        let page = app.history.of(&principal.tenant).events(&asked.filter, reached, rows).await.map_err(unreadable)?;
        let mut wanted = page.events.iter().filter(|entry| asked.fits(entry));
        let taken: Vec<&Entry> = wanted.by_ref().take(room).collect();
        events.extend(taken.iter().map(|entry| object(entry).to_json()));
        looked_at += rows;
        if wanted.next().is_some() {
            reached = taken.last().map_or(reached, |last| last.seq);
            break true;
        }
        reached = page.reached;
        if reached >= page.head {
            break false;
        }
        if events.len() >= asked.limit || looked_at >= LOOKED_AT_MAX {
            break true;
        }
    };
    let next_cursor = more.then(|| reached.0.to_string());
    if as_lines {
        let export = Export { what: ExportPart::Audit, format: ExportFormat::Ndjson, filters: asked.filters() };
        app.read_record.exported(&principal, export, events.len());
        let next = next_cursor.map(|cursor| next_page(&uri, &cursor));
        return Ok(lines(&events, next));
    }
    Ok(page_of(events, next_cursor))
}

/// An entry on the wire.
pub(super) fn object(entry: &Entry) -> EventObject<'_> {
    match &entry.body {
        EntryBody::Agent { agent, agent_seq, event } => EventObject::of_agent(entry.seq, agent, *agent_seq, event),
        EntryBody::Tenant { event, .. } => EventObject::of_tenant(entry.seq, event),
    }
}

/// Reads a list of kinds of events.
pub(super) fn kinds(text: &str) -> Result<Vec<&'static str>, String> {
    let known = |word: &str| {
        let known = EVENT_KINDS.into_iter().find(|kind| *kind == word);
        known.ok_or_else(|| "names a kind of event that there is not".to_owned())
    };
    text.split(',').map(known).collect()
}

/// Reads an agent's id.
pub(super) fn agent(text: &str) -> Result<AgentId, String> {
    AgentId::new(text).map_err(|why| format!("is no id: {why}"))
}

/// What the failure of a read is answered with.
pub(super) fn unreadable(error: ReadError) -> Problem {
    tracing::error!(%error, "the journal cannot be read");
    match error {
        ReadError::Unavailable(_) => Problem::from(WireError::unavailable(RETRY_AFTER)),
        ReadError::Damaged { .. } => Problem::internal(),
    }
}

/// The query, read.
struct Asked {
    filter: EventFilter,
    after: TenantSeq,
    limit: usize,
    kinds: Option<Vec<&'static str>>,
    actor: Option<PrincipalId>,
}

impl Asked {
    fn read(query: &mut Query, zone: Tz) -> Result<Asked, Problem> {
        let number = |text: &str| place(text).ok_or_else(|| "must be the number of an event".to_owned());
        let after = query.optional("after", number)?;
        let cursor = query.cursor::<TenantSeq>()?;
        if after.is_some() && cursor.is_some() {
            return Err(Problem::parameter("after", "and \"cursor\" say the same: give one of them"));
        }
        let bound = |text: &str| day_or_instant(text).map_err(str::to_owned);
        let from = query.optional("from", bound)?.map(|from| start_of(from, zone));
        let to = query.optional("to", bound)?.map(|to| end_of(to, zone));
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(Problem::parameter("to", "is before \"from\""));
        }
        let filter = EventFilter { agent: query.optional("agent", agent)?, from, to };
        Ok(Asked {
            filter,
            after: after.or(cursor).unwrap_or(TenantSeq(0)),
            limit: query.limit()?,
            kinds: query.optional("kind", kinds)?,
            actor: query.optional("actor", |text| PrincipalId::new(text).map_err(|why| format!("is no id: {why}")))?,
        })
    }

    fn filters(&self) -> BTreeSet<ExportFilter> {
        let given = [
            (ExportFilter::Actor, self.actor.is_some()),
            (ExportFilter::Agent, self.filter.agent.is_some()),
            (ExportFilter::From, self.filter.from.is_some()),
            (ExportFilter::Kind, self.kinds.is_some()),
            (ExportFilter::To, self.filter.to.is_some()),
        ];
        given.into_iter().filter_map(|(filter, is_given)| is_given.then_some(filter)).collect()
    }

    fn is_whole(&self) -> bool {
        self.kinds.is_none() && self.actor.is_none()
    }

    fn fits(&self, entry: &Entry) -> bool {
        let (kind, actor) = match &entry.body {
            EntryBody::Agent { event, .. } => (event.body.name(), &event.actor),
            EntryBody::Tenant { event, .. } => (event.body.name(), &event.actor),
        };
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
            && self.actor.as_ref().is_none_or(|wanted| actor.id() == Some(wanted.as_str()))
    }
}

fn start_of(from: DayOrInstant, zone: Tz) -> Timestamp {
    match from {
        DayOrInstant::Instant(at) => at,
        DayOrInstant::Day(day) => local_day_bounds(day, zone).0,
    }
}

fn end_of(to: DayOrInstant, zone: Tz) -> Timestamp {
    match to {
        DayOrInstant::Instant(at) => at,
        DayOrInstant::Day(day) => local_day_bounds(day, zone).1,
    }
}

/// True where `Accept` asks for one event a line.
fn wants_lines(headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(accept) = headers.get(ACCEPT) else { return Ok(false) };
    let accept = accept.to_str().unwrap_or_default().to_ascii_lowercase();
    for range in accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim()) {
        if range == NDJSON {
            return Ok(true);
        }
        if ["application/json", "application/*", "*/*", ""].contains(&range) {
            return Ok(false);
        }
    }
    let detail = "The audit comes as application/json or application/x-ndjson.";
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail))
}

#[derive(serde::Serialize)]
struct Page {
    events: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn page_of(events: Vec<String>, next_cursor: Option<String>) -> Response {
    let events: Result<Vec<_>, _> = events.into_iter().map(RawValue::from_string).collect();
    json_of(StatusCode::OK, &Page { events: events.unwrap_or_default(), next_cursor })
}

fn lines(events: &[String], next: Option<String>) -> Response {
    let mut text = String::new();
    for event in events {
        text.push_str(event);
        text.push('\n');
    }
    let mut response = json_response(StatusCode::OK, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        headers.insert(LINK, link);
    }
    response
}

/// The address of the next page: this one's with another cursor, which needs no escaping.
fn next_page(uri: &Uri, cursor: &str) -> String {
    let is_place = |pair: &str| pair.starts_with("cursor=") || pair.starts_with("after=");
    let query = uri.query().unwrap_or_default();
    let cursor = format!("cursor={cursor}");
    let pairs = query.split('&').filter(|pair| !pair.is_empty() && !is_place(pair)).chain([cursor.as_str()]);
    format!("<{}?{}>; rel=\"next\"", uri.path(), pairs.collect::<Vec<_>>().join("&"))
}
