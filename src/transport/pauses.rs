//! `GET /v1/pauses`: the pause history as JSON or CSV, a page at a time.

mod csv_form;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode, Uri};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::cursor::place;
use super::http::json_response;
use super::problem::Problem;
use super::{App, rpc};
use crate::auth::{Action, Scope};
use crate::domain::access::HistoryPart;
use crate::domain::export::{Export, ExportFilter, ExportFormat, ExportPart};
use crate::domain::id::{AgentId, IdError, PauseTypeCode, TeamId};
use crate::domain::schedule::local_day_bounds;
use crate::domain::time::{Timestamp, millis};
use crate::ports::ReadError;
use crate::protocol::error::WireError;
use crate::protocol::state::ActorState;
use crate::protocol::time::{WireTime, from_text};
use crate::protocol::words;
use crate::store::history::{
    Annotation, Correction, DayOrInstant, PAGE_MAX, PauseFilter, PauseKey, PausePage, PauseRow,
};

use csv_form::as_csv;

/// How many pauses a page has, unless the request says otherwise.
const PAGE_DEFAULT: usize = 100;
/// When to try again after the store was out of reach.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Answers `GET /v1/pauses`.
pub(super) async fn pauses(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = app.authenticate(&headers).await?;
    let scope = principal.scope(Action::ReadHistory)?;
    let facts = app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    let form = Form::wanted(&headers)?;
    let asked = Asked::read(&uri, facts.directory.tenant.zone)?;
    app.rate_limiter.count(&principal.tenant, &principal.id, app.clock.now()).map_err(WireError::rate_limited)?;
    let filter = asked.filter(&scope)?;
    if form == Form::Json {
        app.read_record.read(&principal, HistoryPart::Pauses);
    }
    tracing::info!(
        tenant.id = %principal.tenant, principal.id = %principal.id, agent.id = asked.agent.as_ref().map(AgentId::as_str),
        "{} reads the pause history", principal.id
    );
    let caught_up = app.router.caught_up(&principal.tenant).await;
    caught_up.map_err(|error| rpc::failed(error, rpc::Viewer::Other))?;
    let page = app.history.of(&principal.tenant).page(&filter, asked.after, asked.limit).await.map_err(|error| {
        tracing::error!(%error, "the pause history cannot be read");
        match error {
            ReadError::Unavailable(_) => Problem::from(WireError::unavailable(RETRY_AFTER)),
            ReadError::Damaged { .. } => Problem::internal(),
        }
    })?;
    let next = page.next.map(cursor_text);
    match form {
        Form::Json => Ok(as_json(&page, next, asked.instants(facts.directory.tenant.zone))),
        Form::Csv => {
            let export = Export { what: ExportPart::Pauses, format: ExportFormat::Csv, filters: asked.filters() };
            app.read_record.exported(&principal, export, page.rows.len());
            as_csv(&page, next.map(|cursor| asked.next_page(&uri, &cursor)))
        }
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
    from: Option<DayOrInstant>,
    to: Option<DayOrInstant>,
    team: Option<TeamId>,
    agent: Option<AgentId>,
    pause_type: Option<PauseTypeCode>,
    limit: usize,
    after: Option<PauseKey>,
}

impl Asked {
    fn read(uri: &Uri, zone: Tz) -> Result<Asked, Problem> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return Err(Problem::parameter("query", "cannot be read"));
        };
        let mut given = BTreeMap::new();
        for (name, value) in pairs {
            if given.insert(name.clone(), value).is_some() {
                return Err(Problem::parameter(&name, "is given twice"));
            }
        }
        let asked = Asked {
            from: taken(&mut given, "from", day_or_instant)?,
            to: taken(&mut given, "to", day_or_instant)?,
            team: taken(&mut given, "team", |text| TeamId::new(text).map_err(no_id))?,
            agent: taken(&mut given, "agent", |text| AgentId::new(text).map_err(no_id))?,
            pause_type: taken(&mut given, "type", |text| PauseTypeCode::new(text).map_err(no_id))?,
            limit: taken(&mut given, "limit", |text| {
                text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or("must be from 1 to 1000")
            })?
            .unwrap_or(PAGE_DEFAULT),
            after: taken(&mut given, "cursor", |text| place(text).ok_or("was not handed out by this server"))?,
        };
        if let Some(unknown) = given.keys().next() {
            return Err(Problem::parameter(unknown, "is unknown to this path"));
        }
        // Nothing can lie between them: dates that were swapped, not a quiet week.
        let is_swapped = match (asked.from, asked.to) {
            (Some(DayOrInstant::Day(from)), Some(DayOrInstant::Day(to))) => to < from,
            _ => {
                let (from, to) = asked.instants(zone);
                from.zip(to).is_some_and(|(WireTime(from), WireTime(to))| to < from)
            }
        };
        if is_swapped {
            return Err(Problem::parameter("to", "is before \"from\""));
        }
        Ok(asked)
    }

    fn filters(&self) -> BTreeSet<ExportFilter> {
        let given = [
            (ExportFilter::Agent, self.agent.is_some()),
            (ExportFilter::From, self.from.is_some()),
            (ExportFilter::Team, self.team.is_some()),
            (ExportFilter::To, self.to.is_some()),
            (ExportFilter::Type, self.pause_type.is_some()),
        ];
        given.into_iter().filter_map(|(filter, is_given)| is_given.then_some(filter)).collect()
    }

    fn filter(&self, scope: &Scope) -> Result<PauseFilter, Problem> {
        let teams = match (scope, &self.team) {
            (Scope::Tenant, None) => None,
            (Scope::Tenant, Some(team)) => Some(vec![team.clone()]),
            (Scope::Teams(own), None) => Some(own.iter().cloned().collect()),
            (Scope::Teams(own), Some(team)) if own.contains(team) => Some(vec![team.clone()]),
            (Scope::Teams(_), Some(_)) => return Err(WireError::forbidden().into()),
        };
        Ok(PauseFilter {
            agents: self.agent.clone().map(|agent| vec![agent]),
            teams,
            pause_type: self.pause_type.clone(),
            from: self.from,
            to: self.to,
        })
    }

    /// The instants that the range stands for; a day's are those of the tenant's zone.
    fn instants(&self, zone: Tz) -> (Option<WireTime>, Option<WireTime>) {
        let from = self.from.map(|from| match from {
            DayOrInstant::Instant(at) => at,
            DayOrInstant::Day(day) => local_day_bounds(day, zone).0,
        });
        let to = self.to.map(|to| match to {
            DayOrInstant::Instant(at) => at,
            DayOrInstant::Day(day) => local_day_bounds(day, zone).1,
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

pub(super) fn day_or_instant(text: &str) -> Result<DayOrInstant, &'static str> {
    let day = (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    // The end of a day is an instant too, and stands in an answer: a year has four digits.
    day.filter(|day| day.year() < 9999)
        .map(DayOrInstant::Day)
        .or_else(|| from_text(text).ok().map(DayOrInstant::Instant))
        .ok_or("must be a day (2026-11-22) or an instant (2026-11-22T20:57:49.123Z)")
}

/// A cursor is the start and the id of the last pause seen.
pub(super) fn cursor_text(last: PauseKey) -> String {
    format!("{}_{}", last.started_at.0, last.id)
}

pub(super) fn cursor(text: &str) -> Option<PauseKey> {
    let (at, id) = text.split_once('_')?;
    Some(PauseKey { started_at: Timestamp(at.parse().ok()?), id: id.parse().ok()? })
}

/// One pause in JSON; absent optional fields are left out.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Pause")]
pub(super) struct PauseJson<'a> {
    /// Its id.
    id: String,
    /// Whose.
    agent: &'a str,
    /// What the agent was called.
    name: &'a str,
    /// The code of its type.
    r#type: &'a str,
    /// `regular` or `entitlement`.
    #[schemars(extend("enum" = words::limited_classes()))]
    class: &'static str,
    /// The team that it counted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<&'a str>,
    /// When it began.
    started_at: WireTime,
    /// When it ended; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<WireTime>,
    /// How long it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<i64>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::causes()))]
    ended_by: Option<&'static str>,
    /// The longest time that it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_ms: Option<i64>,
    /// By how much the limit was moved out.
    extended_ms: i64,
    /// It was over the limit and the grace.
    overrun: bool,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    overran_at: Option<WireTime>,
    /// It was shorter than its shortest time.
    short: bool,
    /// It was so short that it used nothing up.
    misclick: bool,
    /// Its end is an estimate.
    estimated: bool,
    /// The last sign of life before an estimated end.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<WireTime>,
    /// The time on it is paid.
    paid: bool,
    /// The time on it counts as work.
    counts_as_work: bool,
    /// The IANA zone that its days are of.
    zone: &'static str,
    /// The offset of that zone at its start.
    utc_offset_s: i32,
    /// The local day of its start.
    local_day: String,
    /// The business day of its start.
    business_day: String,
    /// When the shift began that it was taken in.
    #[serde(skip_serializing_if = "Option::is_none")]
    shift_started_at: Option<WireTime>,
    /// Nobody had said when the shift began.
    shift_estimated: bool,
    /// The version of the policy that it began under.
    policy_version: u64,
    /// The pause that it took the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    /// The pause that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
    /// What the agent wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    /// The last correction of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<CorrectedJson<'a>>,
    /// What was added to its record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<AnnotationJson<'a>>>")]
    annotations: Vec<AnnotationJson<'a>>,
}

/// Who corrected the end, and what it was before.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Correction")]
pub(super) struct CorrectedJson<'a> {
    /// Who.
    by: ActorState<'a>,
    /// When.
    at: WireTime,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The end that was recorded first.
    ended_at_before: WireTime,
}

impl<'a> CorrectedJson<'a> {
    fn of(corrected: &'a Correction) -> CorrectedJson<'a> {
        CorrectedJson {
            by: ActorState::of(&corrected.by),
            at: WireTime(corrected.at),
            reason: corrected.reason.as_deref(),
            ended_at_before: WireTime(corrected.ended_at_before),
        }
    }
}

/// What somebody added.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Annotation")]
pub(super) struct AnnotationJson<'a> {
    /// Who.
    by: ActorState<'a>,
    /// When.
    at: WireTime,
    /// What; absent where it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl<'a> AnnotationJson<'a> {
    fn of(annotation: &'a Annotation) -> AnnotationJson<'a> {
        let (by, at) = (ActorState::of(&annotation.by), WireTime(annotation.at));
        AnnotationJson { by, at, text: annotation.text.as_deref() }
    }
}

/// A pause as the history shows it.
pub(super) fn pause_value(pause: &PauseRow) -> Value {
    rpc::to_value(&PauseJson::of(pause))
}

impl<'a> PauseJson<'a> {
    fn of(pause: &'a PauseRow) -> PauseJson<'a> {
        PauseJson {
            id: pause.id.to_string(),
            agent: pause.agent.as_str(),
            name: &pause.agent_name,
            r#type: pause.pause_type.as_str(),
            class: pause.class.as_class().as_str(),
            team: pause.team.as_ref().map(TeamId::as_str),
            started_at: WireTime(pause.started_at),
            ended_at: pause.ended.map(|end| WireTime(end.at)),
            duration_ms: pause.duration().map(millis),
            ended_by: pause.ended.map(|end| end.by.as_str()),
            limit_ms: pause.limit.map(millis),
            extended_ms: millis(pause.extended_by),
            overrun: pause.overran_at.is_some(),
            overran_at: pause.overran_at.map(WireTime),
            short: pause.ended.is_some_and(|end| end.short),
            misclick: pause.ended.is_some_and(|end| end.misclick),
            estimated: pause.ended.is_some_and(|end| end.estimated),
            last_seen_at: pause.ended.and_then(|end| end.last_seen_at).map(WireTime),
            paid: pause.paid,
            counts_as_work: pause.counts_as_work,
            zone: pause.zone.name(),
            utc_offset_s: pause.utc_offset_s,
            local_day: pause.local_day.to_string(),
            business_day: pause.business_day.to_string(),
            shift_started_at: pause.shift_started_at.map(WireTime),
            shift_estimated: pause.shift_estimated,
            policy_version: pause.policy_version.0,
            replaces: pause.replaces.map(|id| id.to_string()),
            replaced_by: pause.ended.and_then(|end| end.replaced_by).map(|id| id.to_string()),
            note: pause.note.as_deref(),
            corrected: pause.corrected.as_ref().map(CorrectedJson::of),
            annotations: pause.annotations.iter().map(AnnotationJson::of).collect(),
        }
    }
}

/// Pauses on record, the oldest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PausePage")]
pub(super) struct PageJson<'a> {
    /// The first instant of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<WireTime>,
    /// The instant that ends the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<WireTime>,
    /// The pauses.
    pauses: Vec<PauseJson<'a>>,
    /// Where to go on, where there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn as_json(
    page: &PausePage,
    next_cursor: Option<String>,
    (from, to): (Option<WireTime>, Option<WireTime>),
) -> Response {
    let pauses = page.rows.iter().map(PauseJson::of).collect();
    let text = serde_json::to_vec(&PageJson { from, to, pauses, next_cursor });
    json_response(StatusCode::OK, text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::Sao_Paulo;
    use http::header::HeaderValue;

    use super::*;
    use crate::domain::id::PauseId;
    use crate::protocol::time::to_text;

    fn form(accept: &'static str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        Form::wanted(&headers).ok()
    }

    #[test]
    fn accept_chooses_the_form() {
        assert_eq!(Form::wanted(&HeaderMap::new()).ok(), Some(Form::Json));
        assert_eq!(form("*/*"), Some(Form::Json));
        assert_eq!(form("text/csv"), Some(Form::Csv));
        assert_eq!(form("text/csv;q=0.5, application/json"), Some(Form::Json));
        assert_eq!(form("application/json;q=0.5, text/csv"), Some(Form::Csv));
        assert_eq!(form("text/html, text/csv;q=0.1"), Some(Form::Csv));
        assert_eq!(form("text/html"), None);
        assert_eq!(form("application/json;q=0"), None);
    }

    fn asked(query: &str) -> Result<Asked, Problem> {
        Asked::read(&format!("/v1/pauses?{query}").parse().expect("an address"), Sao_Paulo)
    }

    #[test]
    fn swapped_dates_are_refused_and_one_day_or_no_time_at_all_is_not() {
        for swapped in [
            "from=2026-11-22&to=2026-11-21",
            "from=2026-11-22T00:00:01Z&to=2026-11-22T00:00:00Z",
            "from=2026-11-22&to=2026-11-22T02:59:59Z",
            "from=2026-11-23T03:00:01Z&to=2026-11-22",
        ] {
            assert!(asked(swapped).is_err(), "{swapped}");
        }
        for right in ["from=2026-11-22&to=2026-11-22", "from=2026-11-22T00:00:00Z&to=2026-11-22T00:00:00Z"] {
            assert!(asked(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn the_query_is_read_and_what_is_unknown_is_refused_by_name() {
        let read = asked("from=2026-11-01&to=2026-11-02T00:00:00Z&team=suporte&agent=ana%20souza&type=almoco&limit=5")
            .expect("all known");
        assert_eq!(read.from, Some(DayOrInstant::Day(NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day"))));
        assert_eq!(read.agent.as_ref().map(AgentId::as_str), Some("ana souza"));
        assert_eq!(read.limit, 5);
        assert_eq!(asked("").expect("nothing").limit, PAGE_DEFAULT);
        for (query, name) in [
            ("colour=red", "colour"),
            ("from=yesterday", "from"),
            ("to=2026-13-01", "to"),
            ("to=9999-12-31", "to"),
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("agent=", "agent"),
            ("cursor=x", "cursor"),
            ("team=a&team=b", "team"),
        ] {
            let problem = asked(query).expect_err(query);
            assert_eq!((problem.code(), problem.status()), ("invalid_params", StatusCode::BAD_REQUEST), "{query}");
            assert!(format!("{problem:?}").contains(&format!("{name:?}")), "{query}: {problem:?}");
        }
    }

    #[test]
    fn a_cursor_reads_back_and_takes_the_place_of_the_one_before() {
        let key = PauseKey { started_at: Timestamp(1_795_381_069_123), id: PauseId(7) };
        let text = cursor_text(key);
        assert_eq!(cursor(&text), Some(key));
        let uri: Uri = "/v1/pauses?limit=1&cursor=old&team=a%26b".parse().expect("an address");
        let next = asked("limit=1").expect("read").next_page(&uri, &text);
        assert_eq!(next, format!("</v1/pauses?limit=1&team=a%26b&cursor={text}>; rel=\"next\""));
    }

    #[test]
    fn days_are_echoed_as_the_instants_of_the_tenants_zone() {
        let (from, to) = asked("from=2026-11-01&to=2026-11-01").expect("read").instants(Sao_Paulo);
        assert_eq!(from.map(|WireTime(at)| to_text(at)).as_deref(), Some("2026-11-01T03:00:00.000Z"));
        assert_eq!(to.map(|WireTime(at)| to_text(at)).as_deref(), Some("2026-11-02T03:00:00.000Z"));
    }
}
