//! `GET /v1/pauses`: the pause history as JSON or CSV, a page at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::NaiveDate;
use chrono_tz::Tz;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LINK};
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;

use super::App;
use super::history::{From as RangeFrom, HistoryError, PauseFilter, PausePage, PauseRecord, Until};
use super::http::json_response;
use super::problem::Problem;
use crate::auth::{Action, Principal, Scope};
use crate::domain::id::{AgentId, IdError, PauseId, PauseTypeCode, TeamId};
use crate::domain::schedule::local_day_bounds;
use crate::domain::time::{Timestamp, millis};
use crate::protocol::error::WireError;
use crate::protocol::time::{WireTime, from_text, to_text};

/// How many pauses a page has, unless the request says otherwise.
const PAGE_DEFAULT: usize = 100;
/// The most pauses of a page (`docs/protocol.md`, "HTTP").
const PAGE_MAX: usize = 1000;
/// When to try again after the store was out of reach.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Answers `GET /v1/pauses`.
pub(super) async fn pauses(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers)?;
    let scope = principal.scope(Action::ReadHistory)?;
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let form = Form::wanted(&headers)?;
    let asked = Asked::read(&uri)?;
    app.rate_limiter.count(&principal.tenant, &principal.id, app.clock.now()).map_err(WireError::rate_limited)?;
    let filter = asked.filter(&principal, &scope)?;
    tracing::info!(
        tenant.id = %principal.tenant, principal.id = %principal.id, agent.id = asked.agent.as_ref().map(AgentId::as_str),
        "{} reads the pause history", principal.id
    );
    let page = app.history.page(filter).await.map_err(|error| {
        tracing::error!(%error, "the pause history cannot be read");
        match error {
            HistoryError::Unavailable(_) => Problem::from(WireError::unavailable(RETRY_AFTER)),
            HistoryError::Damaged(_) => Problem::internal(),
        }
    })?;
    let next = page.pauses.last().filter(|_| page.more).map(cursor_after);
    match form {
        Form::Json => Ok(as_json(&page, next, asked.instants(facts.directory.tenant.zone))),
        Form::Csv => as_csv(&page, next.map(|cursor| asked.next_page(&uri, &cursor))),
    }
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
}

impl Form {
    /// What `Accept` likes best of what there is.
    fn wanted(headers: &HeaderMap) -> Result<Form, Problem> {
        let Some(accept) = headers.get(ACCEPT) else { return Ok(Form::Json) };
        let accept = accept.to_str().unwrap_or_default();
        let mut best: Option<(Form, f32)> = None;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let form = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" | "" => Form::Json,
                "text/csv" | "text/*" => Form::Csv,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > best.map_or(0.0, |(_, quality)| quality) {
                best = Some((form, quality));
            }
        }
        best.map(|(form, _)| form).ok_or_else(|| {
            let detail = "The history comes as application/json or text/csv.";
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail)
        })
    }
}

/// The query, read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    from: Option<RangeFrom>,
    to: Option<Until>,
    team: Option<TeamId>,
    agent: Option<AgentId>,
    pause_type: Option<PauseTypeCode>,
    limit: usize,
    after: Option<(Timestamp, PauseId)>,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Asked, Problem> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return Err(Problem::parameter("query", "cannot be read"));
        };
        let mut given = BTreeMap::new();
        for (name, value) in pairs {
            if given.insert(name.clone(), value).is_some() {
                return Err(Problem::parameter(&name, "is given twice"));
            }
        }
        let day_or_instant = "must be a day (2026-11-22) or an instant (2026-11-22T20:57:49.123Z)";
        let asked = Asked {
            from: taken(&mut given, "from", |text| {
                day(text)
                    .map(RangeFrom::Day)
                    .or_else(|| from_text(text).ok().map(RangeFrom::Instant))
                    .ok_or(day_or_instant)
            })?,
            to: taken(&mut given, "to", |text| {
                day(text).map(Until::Day).or_else(|| from_text(text).ok().map(Until::Instant)).ok_or(day_or_instant)
            })?,
            team: taken(&mut given, "team", |text| TeamId::new(text).map_err(no_id))?,
            agent: taken(&mut given, "agent", |text| AgentId::new(text).map_err(no_id))?,
            pause_type: taken(&mut given, "type", |text| PauseTypeCode::new(text).map_err(no_id))?,
            limit: taken(&mut given, "limit", |text| {
                text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or("must be from 1 to 1000")
            })?
            .unwrap_or(PAGE_DEFAULT),
            after: taken(&mut given, "cursor", |text| cursor(text).ok_or("was not handed out by this server"))?,
        };
        match given.keys().next() {
            Some(unknown) => Err(Problem::parameter(unknown, "is unknown to this path")),
            None => Ok(asked),
        }
    }

    fn filter(&self, principal: &Principal, scope: &Scope) -> Result<PauseFilter, Problem> {
        let teams = match (scope, &self.team) {
            (Scope::Tenant, None) => None,
            (Scope::Tenant, Some(team)) => Some(BTreeSet::from([team.clone()])),
            (Scope::Teams(own), None) => Some(own.clone()),
            (Scope::Teams(own), Some(team)) if own.contains(team) => Some(BTreeSet::from([team.clone()])),
            (Scope::Teams(_), Some(_)) => return Err(WireError::forbidden().into()),
        };
        Ok(PauseFilter {
            tenant: principal.tenant.clone(),
            teams,
            from: self.from,
            until: self.to,
            agent: self.agent.clone(),
            pause_type: self.pause_type.clone(),
            after: self.after,
            limit: self.limit,
        })
    }

    /// The instants that the range stands for; a day's are those of the tenant's zone.
    fn instants(&self, zone: Tz) -> (Option<WireTime>, Option<WireTime>) {
        let from = self.from.map(|from| match from {
            RangeFrom::Instant(at) => at,
            RangeFrom::Day(day) => local_day_bounds(day, zone).0,
        });
        let to = self.to.map(|to| match to {
            Until::Instant(at) => at,
            Until::Day(day) => local_day_bounds(day, zone).1,
        });
        (from.map(WireTime), to.map(WireTime))
    }

    /// The address of the next page: this one's with another cursor, which needs no escaping.
    fn next_page(&self, uri: &Uri, cursor: &str) -> String {
        let query = uri.query().unwrap_or_default();
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let mut query: Vec<&str> = kept.collect();
        let cursor = format!("cursor={cursor}");
        query.push(&cursor);
        format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))
    }
}

fn taken<T>(
    given: &mut BTreeMap<String, String>,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, Problem> {
    given.remove(name).map(|text| read(&text).map_err(|why| Problem::parameter(name, why))).transpose()
}

fn no_id(_: IdError) -> &'static str {
    "is no id"
}

fn day(text: &str) -> Option<NaiveDate> {
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

/// A cursor is the start and the id of the last pause seen.
fn cursor_after(last: &PauseRecord) -> String {
    format!("{}_{}", last.started_at.0, last.id)
}

fn cursor(text: &str) -> Option<(Timestamp, PauseId)> {
    let (at, id) = text.split_once('_')?;
    Some((Timestamp(at.parse().ok()?), id.parse().ok()?))
}

/// One pause in JSON; absent optional fields are left out.
#[derive(Serialize)]
struct PauseJson<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    r#type: &'a str,
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<&'a str>,
    started_at: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<WireTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_ms: Option<i64>,
    extended_ms: i64,
    overrun: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    overran_at: Option<WireTime>,
    short: bool,
    misclick: bool,
    estimated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<WireTime>,
    paid: bool,
    counts_as_work: bool,
    zone: &'a str,
    utc_offset_s: i32,
    local_day: String,
    business_day: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shift_started_at: Option<WireTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shift_estimated: Option<bool>,
    policy_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

fn duration_ms(pause: &PauseRecord) -> Option<i64> {
    pause.ended_at.map(|ended_at| millis(ended_at.since(pause.started_at)))
}

impl<'a> PauseJson<'a> {
    fn of(pause: &'a PauseRecord) -> PauseJson<'a> {
        PauseJson {
            id: pause.id.to_string(),
            agent: pause.agent.as_deref(),
            name: pause.name.as_deref(),
            r#type: &pause.pause_type,
            class: &pause.class,
            team: pause.team.as_deref(),
            started_at: WireTime(pause.started_at),
            ended_at: pause.ended_at.map(WireTime),
            duration_ms: duration_ms(pause),
            ended_by: pause.ended_by.as_deref(),
            limit_ms: pause.limit_ms,
            extended_ms: pause.extended_ms,
            overrun: pause.overran_at.is_some(),
            overran_at: pause.overran_at.map(WireTime),
            short: pause.short,
            misclick: pause.misclick,
            estimated: pause.is_estimated(),
            last_seen_at: pause.last_seen_at.map(WireTime),
            paid: pause.paid,
            counts_as_work: pause.counts_as_work,
            zone: &pause.zone,
            utc_offset_s: pause.utc_offset_s,
            local_day: pause.local_day.to_string(),
            business_day: pause.business_day.to_string(),
            shift_started_at: pause.shift_started_at.map(WireTime),
            shift_estimated: pause.shift_estimated,
            policy_version: pause.policy_version.0,
            replaces: pause.replaces.map(|id| id.to_string()),
            replaced_by: pause.replaced_by.map(|id| id.to_string()),
            note: pause.note.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct PageJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<WireTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<WireTime>,
    pauses: Vec<PauseJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn as_json(
    page: &PausePage,
    next_cursor: Option<String>,
    (from, to): (Option<WireTime>, Option<WireTime>),
) -> Response {
    let pauses = page.pauses.iter().map(PauseJson::of).collect();
    let text = serde_json::to_vec(&PageJson { from, to, pauses, next_cursor });
    json_response(StatusCode::OK, text.unwrap_or_default())
}

/// The columns of the CSV form, in order.
const COLUMNS: [&str; 29] = [
    "id",
    "agent",
    "name",
    "type",
    "class",
    "team",
    "started_at",
    "ended_at",
    "duration_ms",
    "ended_by",
    "limit_ms",
    "extended_ms",
    "overrun",
    "overran_at",
    "short",
    "misclick",
    "estimated",
    "last_seen_at",
    "paid",
    "counts_as_work",
    "zone",
    "utc_offset_s",
    "local_day",
    "business_day",
    "shift_started_at",
    "shift_estimated",
    "policy_version",
    "replaced_by",
    "note",
];

fn as_csv(page: &PausePage, next: Option<String>) -> Result<Response, Problem> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .quote_style(csv::QuoteStyle::NonNumeric)
        .from_writer(Vec::new());
    let written = writer
        .write_record(COLUMNS)
        .and_then(|()| page.pauses.iter().try_for_each(|pause| writer.write_record(csv_row(pause))));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()).ok_or_else(Problem::internal)?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        headers.insert(LINK, next);
    }
    Ok(response)
}

fn csv_row(pause: &PauseRecord) -> [String; COLUMNS.len()] {
    let text = |value: Option<&str>| guarded(value.unwrap_or_default());
    let time = |value: Option<Timestamp>| value.map(to_text).unwrap_or_default();
    let number = |value: Option<i64>| value.map(|number| number.to_string()).unwrap_or_default();
    [
        pause.id.to_string(),
        text(pause.agent.as_deref()),
        text(pause.name.as_deref()),
        guarded(&pause.pause_type),
        guarded(&pause.class),
        text(pause.team.as_deref()),
        to_text(pause.started_at),
        time(pause.ended_at),
        number(duration_ms(pause)),
        text(pause.ended_by.as_deref()),
        number(pause.limit_ms),
        pause.extended_ms.to_string(),
        pause.overran_at.is_some().to_string(),
        time(pause.overran_at),
        pause.short.to_string(),
        pause.misclick.to_string(),
        pause.is_estimated().to_string(),
        time(pause.last_seen_at),
        pause.paid.to_string(),
        pause.counts_as_work.to_string(),
        guarded(&pause.zone),
        pause.utc_offset_s.to_string(),
        pause.local_day.to_string(),
        pause.business_day.to_string(),
        time(pause.shift_started_at),
        pause.shift_estimated.map(|estimated| estimated.to_string()).unwrap_or_default(),
        pause.policy_version.to_string(),
        pause.replaced_by.map(|id| id.to_string()).unwrap_or_default(),
        text(pause.note.as_deref()),
    ]
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it (fault table,
/// "CSV cells").
fn guarded(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) { format!("'{cell}") } else { cell.to_owned() }
}
