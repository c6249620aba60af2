//! The directory over HTTP as a whole: written out, and taken in from a file, all of it or nothing (semantics §7, §8).
//!
//! A file is read, put on top of what is there, and written as one version of the directory. Nobody works under half of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::http::{json_of, json_response, read_body_within};
use super::patience::Patience;
use super::problem::Problem;
use super::query::Query;
use super::reading::{Precondition, op_of, put_etag};
use super::{App, agents, low_disk, policy, quotas};
use crate::auth::{Action, Principal};
use crate::config::Problem as LineProblem;
use crate::domain::directory::Directory;
use crate::domain::event::TenantEventBody;
use crate::domain::id::{AgentId, ChannelCode, DirectoryVersion, TeamId, TenantId};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::exchange::{
    Counts, Encoding, Existing, FILE_BYTES_MAX, FileRead, ImportFile, Kind, LeftOut, LeftOuts, Merged,
    PROBLEMS_TOLD_MAX, RecordChange, Separator, What, merge_read, read_file, read_people, write_directory,
    write_people,
};
use crate::limits::Limit;
use crate::ports::TenantDefinition;
use crate::protocol::directory::{ChangeObject, DirectoryObject, ImportObject, LineObject, RecordObject};
use crate::protocol::error::WireError;
use crate::protocol::person::PersonObject;
use crate::protocol::setting::{ChannelObject, TeamObject, TenantObject};

/// How many imports there may be at once, of all tenants: each holds a file and two directories.
const IMPORTS_MAX: usize = 4;
/// How long a file may take to arrive.
const FILE_TIME_MAX: Duration = Duration::from_secs(120);
/// The most changes that an answer tells.
const CHANGES_TOLD_MAX: usize = 1000;

const TOML: HeaderValue = HeaderValue::from_static("application/toml");
const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
/// Before UTF-8, for spreadsheets that take it for something else without.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The imports that are on their way: one a tenant.
#[derive(Debug, Default)]
pub(super) struct Imports {
    tenants: Mutex<BTreeSet<TenantId>>,
}

/// An import's place among them.
struct Place<'a> {
    imports: &'a Imports,
    tenant: TenantId,
}

impl Imports {
    fn begin(&self, tenant: &TenantId) -> Result<Place<'_>, WireError> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= IMPORTS_MAX || !tenants.insert(tenant.clone()) {
            Limit::Imports.reached();
            return Err(WireError::unavailable(RETRY_AFTER));
        }
        Ok(Place { imports: self, tenant: tenant.clone() })
    }
}

impl Imports {
    /// How many there are.
    pub(super) fn running(&self) -> usize {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.imports.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
    }
}

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

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileForm {
    Toml,
    Csv,
}

impl FileForm {
    /// As its sender says.
    fn sent(headers: &HeaderMap) -> Result<FileForm, Problem> {
        let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media.as_str() {
            "application/toml" => Ok(FileForm::Toml),
            "text/csv" => Ok(FileForm::Csv),
            _ => {
                let detail = "A file is application/toml or text/csv; say which in Content-Type.";
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
            }
        }
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
    put_etag(response.headers_mut(), &etag);
    Ok(response)
}

/// `POST /v1/directory/import`: a file is put on top of what is there, or what that would do is told.
pub(super) async fn import(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = agents::manager(&app, request.headers()).await?;
    let form = FileForm::sent(request.headers())?;
    let mut query = Query::of(request.uri())?;
    let dry_run = query.optional("dry_run", truth)?.unwrap_or(false);
    let prune = query.optional("prune", truth)?.unwrap_or(false);
    query.finish()?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    if !dry_run {
        quotas::count_write(&app, &principal)?;
        low_disk::check(&app)?;
    }
    let _place = app.imports.begin(&principal.tenant)?;
    if let Some(patience) = request.extensions().get::<Patience>() {
        patience.for_long_work();
    }
    let body = read_body_within(request.into_body(), FILE_BYTES_MAX, FILE_TIME_MAX).await?;
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [("form", format!("{form:?}")), ("prune", prune.to_string()), ("sha256", digest)];
    let parts = parts.each_ref().map(|(name, value)| (*name, value.as_str()));
    let change = Change::new(&app, &principal, op.filter(|_| !dry_run), "directory.import", &parts);
    let given = Given { form, prune, body };
    if dry_run {
        let facts = policy::facts_of(&app, &principal.tenant)?;
        on_top_of.check(Some(&etag_of(facts.directory.version)))?;
        let (before, policy, now) = (Arc::clone(&facts.directory), Arc::clone(&facts.policy), app.clock.now());
        let read = on_a_thread(move || given.read(&before, &policy, now)).await?;
        check_settings(&principal, &read)?;
        if let Some(after) = &read.merged.directory {
            quotas::check_people(&app, &facts.directory, after)?;
        }
        let version = facts.directory.version;
        return told(read, Arc::clone(&facts.directory), version, true).await;
    }
    let _turn = change.turn().await?;
    for _ in 0..TRIES_MAX {
        let facts = policy::facts_of(&app, &principal.tenant)?;
        if let Some(event) = change.made_before().await? {
            return made_before(&event.body);
        }
        on_top_of.check(Some(&etag_of(facts.directory.version)))?;
        let (before, policy, now) = (Arc::clone(&facts.directory), Arc::clone(&facts.policy), app.clock.now());
        let again = given.clone();
        let read = on_a_thread(move || again.read(&before, &policy, now)).await?;
        check_settings(&principal, &read)?;
        let counts = read.counts();
        let next = match &read.merged.directory {
            Some(next) => next.clone(),
            // What changes nothing is on record only where it has an op.
            None if change.has_op() => {
                Directory { version: facts.directory.version.next(), ..(*facts.directory).clone() }
            }
            None => {
                let version = facts.directory.version;
                return told(read, Arc::clone(&facts.directory), version, false).await;
            }
        };
        quotas::check_people(&app, &facts.directory, &next)?;
        let version = next.version;
        let Counts { added, changed, removed } = counts;
        let body = TenantEventBody::DirectoryChanged { version: next.version, added, changed, removed };
        if change.put(now, body, TenantDefinition::Directory(Arc::new(next))).await? {
            tracing::info!(
                tenant.id = %principal.tenant, principal.id = %principal.id, added, changed, removed,
                "{} imports the directory", principal.id
            );
            return told(read, Arc::clone(&facts.directory), version, false).await;
        }
    }
    Err(WireError::unavailable(RETRY_AFTER).into())
}

/// The tenant's own settings are for those who may manage it; a file that leaves them as they are is anybody's who may import.
fn check_settings(principal: &Principal, read: &Read) -> Result<(), Problem> {
    let changes = &read.merged.difference.changes;
    if principal.may(Action::ManageTenant) || changes.iter().all(|change| change.kind != Kind::Tenant) {
        return Ok(());
    }
    let message = "Nothing was imported: the file changes the settings of the tenant, which is for an administrator; leave [tenant] as it is.";
    Err(WireError::nothing(message).into())
}

/// A file as it was sent.
#[derive(Debug, Clone)]
struct Given {
    form: FileForm,
    prune: bool,
    body: axum::body::Bytes,
}

/// A file that can be, and what it leads to.
struct Read {
    merged: Merged,
    /// How many records the file has.
    records: usize,
    form: Option<(Encoding, Separator)>,
}

impl Given {
    /// Reads it and puts it on top of what is there.
    fn read(&self, before: &Directory, policy: &Policy, now: Timestamp) -> Result<Read, Problem> {
        let (file, form, mut problems) = match self.form {
            FileForm::Csv => {
                let read = read_people(&self.body, before);
                (Some(read.file), read.form, read.problems)
            }
            FileForm::Toml => {
                let text = std::str::from_utf8(&self.body).map_err(|_| WireError::parse("it is not UTF-8"))?;
                let FileRead { file, problems } = read_file(text);
                (file, None, problems)
            }
        };
        let Some(file) = file else { return Err(refused(&problems)) };
        problems.extend(not_of_here(&file, before));
        let left_out = match (self.prune, self.form) {
            (false, _) => LeftOut::Stays.into(),
            (true, FileForm::Csv) => LeftOuts::PEOPLE_GO,
            (true, FileForm::Toml) => LeftOuts::DIRECTORY_GOES,
        };
        let existing = Existing { directory: before, policy };
        let merged = merge_read(&file, problems, Some(existing), left_out, now).map_err(|found| refused(&found))?;
        let own = usize::from(self.form == FileForm::Toml);
        let records = own + file.channels.len() + file.teams.len() + file.agents.len();
        Ok(Read { merged, records, form })
    }
}

impl Read {
    fn counts(&self) -> Counts {
        self.merged.difference.counts(&[Kind::Tenant, Kind::Channel, Kind::Team, Kind::Agent])
    }
}

/// What a file may say, but not here.
fn not_of_here(file: &ImportFile, before: &Directory) -> Vec<LineProblem> {
    let mut found = Vec::new();
    if file.tenant.id != before.tenant.id {
        let message = format!("tenant {:?}: this is not the tenant of your credential", file.tenant.id.as_str());
        found.push(LineProblem { line: file.tenant.line, message });
    }
    let policy = "is not imported here; change the policy with policy.put_draft and policy.publish";
    if let Some(first) = file.pause_types.first() {
        found.push(LineProblem { line: first.line, message: format!("[[pause_type]] {policy}") });
    }
    if let Some(rules) = &file.entitlement_rules {
        let line = rules.first().map_or(1, |first| first.line);
        found.push(LineProblem { line, message: format!("[[entitlement_rules]] {policy}") });
    }
    found
}

fn refused(problems: &[LineProblem]) -> Problem {
    let lines: Vec<Value> =
        problems.iter().take(PROBLEMS_TOLD_MAX).map(|one| json!({"line": one.line, "message": one.message})).collect();
    let first = problems.first().map_or(1, |first| first.line);
    let mut error = WireError::invalid_params("body", "");
    error.message = match problems.len() {
        1 => format!("Nothing was imported: one thing is wrong with the file, on line {first}."),
        count => format!("Nothing was imported: {count} things are wrong with the file, the first on line {first}."),
    };
    Problem::from(error).with("problems", lines).with("more", problems.len().saturating_sub(PROBLEMS_TOLD_MAX))
}

/// The answer to the same import again: what it did then, without the single changes, which are not kept.
fn made_before(body: &TenantEventBody) -> Result<Response, Problem> {
    let TenantEventBody::DirectoryChanged { version, added, changed, removed } = body else {
        return Err(Problem::internal());
    };
    let more = [added, changed, removed].map(|count| *count as usize).iter().sum();
    let answer = ImportObject {
        dry_run: false,
        version: version.0,
        added: *added,
        changed: *changed,
        removed: *removed,
        unchanged: None,
        encoding: None,
        separator: None,
        changes: Vec::new(),
        more,
        notes: Vec::new(),
    };
    Ok(json_of(StatusCode::OK, &answer))
}

/// What an import did, or would do; `version` is in force by now.
async fn told(
    read: Read,
    before: Arc<Directory>,
    version: DirectoryVersion,
    dry_run: bool,
) -> Result<Response, Problem> {
    on_a_thread(move || {
        let Counts { added, changed, removed } = read.counts();
        let Merged { directory, difference, notes, .. } = &read.merged;
        let after = directory.as_ref().unwrap_or(&before);
        let all = difference.changes.len();
        let changes = difference.changes.iter().take(CHANGES_TOLD_MAX);
        let answer = ImportObject {
            dry_run,
            version: version.0,
            added,
            changed,
            removed,
            unchanged: Some(read.records.saturating_sub(added as usize + changed as usize)),
            encoding: read.form.map(|(encoding, _)| encoding.to_string()),
            separator: read.form.map(|(_, separator)| separator.to_string()),
            changes: changes.filter_map(|change| change_object(change, &before, after)).collect(),
            more: all.saturating_sub(CHANGES_TOLD_MAX),
            notes: notes
                .iter()
                .take(PROBLEMS_TOLD_MAX)
                .map(|note| LineObject { line: note.line, message: &note.message })
                .collect(),
        };
        let text = serde_json::to_vec(&answer).map_err(|_| Problem::internal())?;
        let mut response = json_response(StatusCode::OK, text);
        put_etag(response.headers_mut(), &etag_of(version));
        Ok(response)
    })
    .await
}

fn change_object<'a>(
    change: &'a RecordChange,
    before: &'a Directory,
    after: &'a Directory,
) -> Option<ChangeObject<'a>> {
    let (kind, id) = (change.kind, change.id.as_str());
    let (before, after) = (record(kind, id, before), record(kind, id, after));
    let (what, before, after) = match change.what {
        What::Added(_) => ("added", None, after),
        What::Changed(_) => ("changed", before, after),
        What::Removed(_) => ("removed", before, None),
    };
    let kind = match kind {
        Kind::Tenant => "tenant",
        Kind::Channel => "channel",
        Kind::Team => "team",
        Kind::Agent => "agent",
        Kind::PauseType => return None,
    };
    Some(ChangeObject { kind, id, what, before, after })
}

fn record<'a>(kind: Kind, id: &str, directory: &'a Directory) -> Option<RecordObject<'a>> {
    match kind {
        Kind::Tenant => Some(RecordObject::Tenant(TenantObject::of(&directory.tenant))),
        Kind::Channel => {
            let channel = directory.channels.get(&ChannelCode::new(id).ok()?)?;
            Some(RecordObject::Channel(ChannelObject::of(channel)))
        }
        Kind::Team => Some(RecordObject::Team(TeamObject::of(directory.teams.get(&TeamId::new(id).ok()?)?))),
        Kind::Agent => Some(RecordObject::Person(PersonObject::of(directory.agents.get(&AgentId::new(id).ok()?)?))),
        Kind::PauseType => None,
    }
}

/// What takes longer the larger a company is, on a thread that nobody else waits for.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Problem::internal()))
}

fn file(bytes: Vec<u8>, media: HeaderValue) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

fn truth(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "must be true or false".to_owned())
}

/// The version of a directory.
fn etag_of(version: DirectoryVersion) -> String {
    format!("\"{}\"", version.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_import_of_a_tenant_is_under_way_at_a_time_and_so_many_of_all() {
        let tenant = |id: usize| format!("t{id}").parse::<TenantId>().expect("an id");
        let imports = Imports::default();
        let first = imports.begin(&tenant(0)).ok();
        assert!(first.is_some() && imports.begin(&tenant(0)).is_err());
        let others: Vec<_> = (1..IMPORTS_MAX).map(|n| imports.begin(&tenant(n)).ok()).collect();
        assert!(others.iter().all(Option::is_some) && imports.begin(&tenant(IMPORTS_MAX)).is_err());
        drop(first);
        assert!(imports.begin(&tenant(0)).is_ok());
    }
}
