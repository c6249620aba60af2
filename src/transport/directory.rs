//! The directory over HTTP as a whole, written out; `directory_import` takes it in.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode, Uri};

use super::http::json_of;
use super::problem::Problem;
use super::query::Query;
use super::reading::put_etag;
use super::{App, agents, policy};
use crate::domain::export::{Export, ExportFormat, ExportPart};
use crate::domain::id::DirectoryVersion;
use crate::exchange::{Separator, write_directory, write_people};
use crate::protocol::directory::DirectoryObject;

const TOML: HeaderValue = HeaderValue::from_static("application/toml");
const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
/// Before UTF-8, for spreadsheets that take it for something else without.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a directory is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Toml,
    Csv,
}

impl Form {
    /// What `Accept` likes best of what there is.
    fn wanted(headers: &HeaderMap) -> Result<Form, Problem> {
        let Some(accept) = headers.get(ACCEPT) else { return Ok(Form::Json) };
        let mut best: Option<(Form, f32)> = None;
        for range in accept.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let form = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" | "" => Form::Json,
                "application/toml" => Form::Toml,
                "text/csv" | "text/*" => Form::Csv,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > best.map_or(0.0, |(_, quality)| quality) {
                best = Some((form, quality));
            }
        }
        best.map(|(form, _)| form).ok_or_else(|| {
            let detail = "The directory comes as application/json, application/toml or text/csv.";
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail)
        })
    }
}

/// `GET /v1/directory`: all of it but those who left, of one instant.
pub(super) async fn export(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let principal = agents::manager(&app, &headers).await?;
    let form = Form::wanted(&headers)?;
    let mut query = Query::of(&uri)?;
    let separator = query.optional("separator", |value| match value {
        "comma" => Ok(Separator::Comma),
        "semicolon" => Ok(Separator::Semicolon),
        _ => Err("must be comma or semicolon".to_owned()),
    })?;
    let with_mark = query.optional("bom", truth)?.unwrap_or(false);
    query.finish()?;
    let facts = policy::facts_of(&app, &principal.tenant)?;
    let (directory, etag) = (Arc::clone(&facts.directory), etag_of(facts.directory.version));
    tracing::info!(tenant.id = %principal.tenant, principal.id = %principal.id, "{} reads the directory", principal.id);
    let present = directory.agents.values().filter(|person| person.left_at.is_none()).count();
    let (teams, channels) = (directory.teams.len(), directory.channels.len());
    let mut response = on_a_thread(move || {
        Ok(match form {
            Form::Json => json_of(StatusCode::OK, &DirectoryObject::of(&directory)),
            Form::Toml => file(write_directory(&directory).into(), TOML),
            Form::Csv => {
                let people = write_people(&directory, separator.unwrap_or(Separator::Comma));
                let people = people.map_err(|_| Problem::internal())?;
                file(if with_mark { [BYTE_ORDER_MARK, &people].concat() } else { people }, CSV)
            }
        })
    })
    .await?;
    let file = match form {
        Form::Json => None,
        Form::Toml => Some((ExportFormat::Toml, 1 + channels + teams + present)),
        Form::Csv => Some((ExportFormat::Csv, present)),
    };
    if let Some((format, rows)) = file {
        let export = Export { what: ExportPart::Directory, format, filters: BTreeSet::new() };
        app.read_record.exported(&principal, export, rows);
    }
    put_etag(response.headers_mut(), &etag);
    Ok(response)
}

/// What takes longer the larger a company is, on a thread that nobody else waits for.
pub(super) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Problem::internal()))
}

fn file(bytes: Vec<u8>, media: HeaderValue) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

pub(super) fn truth(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "must be true or false".to_owned())
}

/// The version of a directory.
pub(super) fn etag_of(version: DirectoryVersion) -> String {
    format!("\"{}\"", version.0)
}
