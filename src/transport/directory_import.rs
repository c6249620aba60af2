//! `POST /v1/directory/import`: a file is taken in, all of it or nothing (semantics §7, §8).
//!
//! A file is read, put on top of what is there, and written as one version of the directory. Nobody works under half of it.
//! Whoever asks for lines of JSON is told of each step as it is done; the last line has what others get as the whole answer.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::{FutureExt, StreamExt, stream};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::directory::{etag_of, on_a_thread, truth};
use super::http::{json_response, read_body_within};
use super::patience::Patience;
use super::problem::Problem;
use super::query::Query;
use super::reading::{Precondition, op_of, put_etag};
use super::{App, agents, low_disk, policy, quotas};
use crate::auth::{Action, Principal};
use crate::config::Problem as LineProblem;
use crate::domain::directory::Directory;
use crate::domain::event::TenantEventBody;
use crate::domain::id::{AgentId, ChannelCode, DirectoryVersion, Op, TeamId, TenantId};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::exchange::{
    Counts, Encoding, Existing, FILE_BYTES_MAX, FileRead, ImportFile, Kind, LeftOut, LeftOuts, Merged,
    PROBLEMS_TOLD_MAX, RecordChange, Separator, What, merge_read, read_file, read_people,
};
use crate::limits::Limit;
use crate::ports::TenantDefinition;
use crate::protocol::directory::{ChangeObject, ImportObject, LineObject, RecordObject};
use crate::protocol::error::WireError;
use crate::protocol::person::PersonObject;
use crate::protocol::setting::{ChannelObject, TeamObject, TenantObject};

/// How many imports there may be at once, of all tenants: each holds a file and two directories.
const IMPORTS_MAX: usize = 4;
/// How long a file may take to arrive.
const FILE_TIME_MAX: Duration = Duration::from_secs(120);
/// The most changes that an answer tells.
const CHANGES_TOLD_MAX: usize = 1000;
/// The most lines that an import has: its file, how it ended, and what each try to write it comes to.
const STEPS_MAX: usize = 2 + 3 * TRIES_MAX;
/// Lines of JSON, one a step.
const NDJSON: &str = "application/x-ndjson";

/// The imports that are on their way: one a tenant.
#[derive(Debug, Default)]
pub(super) struct Imports {
    tenants: Arc<Mutex<BTreeSet<TenantId>>>,
}

/// An import's place among them.
struct Place {
    tenants: Arc<Mutex<BTreeSet<TenantId>>>,
    tenant: TenantId,
}

impl Imports {
    fn begin(&self, tenant: &TenantId) -> Result<Place, WireError> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= IMPORTS_MAX || !tenants.insert(tenant.clone()) {
            Limit::Imports.reached();
            return Err(WireError::unavailable(RETRY_AFTER));
        }
        Ok(Place { tenants: Arc::clone(&self.tenants), tenant: tenant.clone() })
    }

    /// How many there are.
    pub(super) fn running(&self) -> usize {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
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

/// Answers `POST /v1/directory/import`: a file is put on top of what is there, or what that would do is told.
pub(super) async fn import(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = agents::manager(&app, request.headers()).await?;
    let form = FileForm::sent(request.headers())?;
    let mut query = Query::of(request.uri())?;
    let dry_run = query.optional("dry_run", truth)?.unwrap_or(false);
    let prune = query.optional("prune", truth)?.unwrap_or(false);
    query.finish()?;
    let (op, on_top_of) = (op_of(request.headers())?, Precondition::of(request.headers())?);
    let by_steps = wants_lines(request.headers());
    if !dry_run {
        quotas::count_write(&app, &principal)?;
        low_disk::check(&app)?;
    }
    let place = app.imports.begin(&principal.tenant)?;
    let patience = request.extensions().get::<Patience>().cloned().unwrap_or_default();
    patience.for_long_work();
    let body = read_body_within(request.into_body(), FILE_BYTES_MAX, FILE_TIME_MAX).await?;
    let given = Given { form, prune, body };
    let import = Import { app, principal, op, on_top_of, given, _place: place };
    if by_steps {
        return Ok(told_by_steps(import, dry_run));
    }
    let steps = Steps::untold();
    let done = if dry_run { import.preview(&steps).await? } else { import.put(&steps).await? };
    Ok(done.answer())
}

/// True where the sender would have each step told.
fn wants_lines(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
    ranges.any(|media| media.eq_ignore_ascii_case(NDJSON))
}

/// An import whose file is here.
struct Import {
    app: Arc<App>,
    principal: Principal,
    op: Option<Op>,
    on_top_of: Precondition,
    given: Given,
    _place: Place,
}

impl Import {
    /// Tells what it would do.
    async fn preview(&self, steps: &Steps) -> Result<Done, Problem> {
        let Import { app, principal, on_top_of, .. } = self;
        let facts = policy::facts_of(app, &principal.tenant)?;
        on_top_of.check(Some(&etag_of(facts.directory.version)))?;
        let read = self.read(&facts.directory, &facts.policy, steps).await?;
        if let Some(after) = &read.merged.directory {
            quotas::check_people(app, &facts.directory, after)?;
        }
        let version = facts.directory.version;
        told(read, Arc::clone(&facts.directory), version, true).await
    }

    /// Writes what it leads to.
    async fn put(&self, steps: &Steps) -> Result<Done, Problem> {
        let Import { app, principal, op, on_top_of, given, .. } = self;
        let digest: String = Sha256::digest(&given.body).iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [("form", format!("{:?}", given.form)), ("prune", given.prune.to_string()), ("sha256", digest)];
        let parts = parts.each_ref().map(|(name, value)| (*name, value.as_str()));
        let change = Change::new(app, principal, *op, "directory.import", &parts);
        let _turn = change.turn().await?;
        for _ in 0..TRIES_MAX {
            let facts = policy::facts_of(app, &principal.tenant)?;
            if let Some(event) = change.made_before().await? {
                return made_before(&event.body);
            }
            on_top_of.check(Some(&etag_of(facts.directory.version)))?;
            let read = self.read(&facts.directory, &facts.policy, steps).await?;
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
            quotas::check_people(app, &facts.directory, &next)?;
            let version = next.version;
            let Counts { added, changed, removed } = counts;
            let body = TenantEventBody::DirectoryChanged { version: next.version, added, changed, removed };
            let now = app.clock.now();
            if change.put(now, body, TenantDefinition::Directory(Arc::new(next))).await? {
                steps.tell(&Step::Written { version: version.0 });
                tracing::info!(
                    tenant.id = %principal.tenant, principal.id = %principal.id, added, changed, removed,
                    "{} imports the directory", principal.id
                );
                return told(read, Arc::clone(&facts.directory), version, false).await;
            }
        }
        Err(WireError::unavailable(RETRY_AFTER).into())
    }

    /// Reads the file and puts it on top of what is there, where its sender may.
    async fn read(&self, before: &Arc<Directory>, policy: &Arc<Policy>, steps: &Steps) -> Result<Read, Problem> {
        let (given, before, policy) = (self.given.clone(), Arc::clone(before), Arc::clone(policy));
        let (now, steps) = (self.app.clock.now(), steps.clone());
        let read = on_a_thread(move || given.read(&before, &policy, now, &steps)).await?;
        check_settings(&self.principal, &read)?;
        Ok(read)
    }
}

/// What an import comes to.
struct Done {
    /// The answer, as JSON.
    text: String,
    /// The version in force, where that is what the answer is about.
    version: Option<DirectoryVersion>,
}

impl Done {
    fn answer(self) -> Response {
        let mut response = json_response(StatusCode::OK, self.text.into_bytes());
        if let Some(version) = self.version {
            put_etag(response.headers_mut(), &etag_of(version));
        }
        response
    }
}

/// One line of an import that is told step by step.
#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Step {
    /// The file is here.
    Received { bytes: usize },
    /// It was read.
    Read { records: usize },
    /// It was put on top of what is there; told again where somebody else changed that meanwhile.
    Compared { added: u32, changed: u32, removed: u32 },
    /// It is durable and in force.
    Written { version: u64 },
    /// The last line of one that succeeds: what others get as the answer.
    Done { result: Box<RawValue> },
    /// The last line of one that does not: the problem that others get as the answer.
    Failed { problem: Value },
}

/// Whom an import tells of its steps.
#[derive(Debug, Clone)]
struct Steps(Option<mpsc::Sender<Bytes>>);

impl Steps {
    fn untold() -> Steps {
        Steps(None)
    }

    /// Tells it; there is room for all of them, and nobody waits for a reader.
    fn tell(&self, step: &Step) {
        let Steps(Some(lines)) = self else { return };
        let Ok(mut line) = serde_json::to_vec(step) else { return };
        line.push(b'\n');
        let _reader_gone = lines.try_send(line.into());
    }
}

/// An answer that has begun: a line of JSON for each step, and a last one for how it ended. The work is done while the answer
/// is taken, and is given up with it, as any request's.
fn told_by_steps(import: Import, dry_run: bool) -> Response {
    let (lines, told) = mpsc::channel(STEPS_MAX);
    let work = async move {
        let steps = Steps(Some(lines));
        steps.tell(&Step::Received { bytes: import.given.body.len() });
        let patience = Patience::default();
        patience.for_long_work();
        let done = async { if dry_run { import.preview(&steps).await } else { import.put(&steps).await } };
        let done = patience.bound(done).await.unwrap_or_else(|| Err(Problem::timeout()));
        let result = done.and_then(|done| RawValue::from_string(done.text).map_err(|_| Problem::internal()));
        steps.tell(&match result {
            Ok(result) => Step::Done { result },
            Err(problem) => Step::Failed { problem: problem.document() },
        });
    };
    let told = stream::unfold(told, |mut told| async move { Some((told.recv().await?, told)) });
    let work = work.into_stream().filter_map(|()| std::future::ready(None));
    let body = stream::select(told, work).map(Ok::<Bytes, Infallible>);
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    // A proxy that gathers answers would keep the steps back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
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
    body: Bytes,
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
    fn read(&self, before: &Directory, policy: &Policy, now: Timestamp, steps: &Steps) -> Result<Read, Problem> {
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
        let own = usize::from(self.form == FileForm::Toml);
        let records = own + file.channels.len() + file.teams.len() + file.agents.len();
        steps.tell(&Step::Read { records });
        problems.extend(not_of_here(&file, before));
        let left_out = match (self.prune, self.form) {
            (false, _) => LeftOut::Stays.into(),
            (true, FileForm::Csv) => LeftOuts::PEOPLE_GO,
            (true, FileForm::Toml) => LeftOuts::DIRECTORY_GOES,
        };
        let existing = Existing { directory: before, policy };
        let merged = merge_read(&file, problems, Some(existing), left_out, now).map_err(|found| refused(&found))?;
        let read = Read { merged, records, form };
        let Counts { added, changed, removed } = read.counts();
        steps.tell(&Step::Compared { added, changed, removed });
        Ok(read)
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
    let policy = "is not imported here: put the rules with PUT /v1/policy/draft and publish them with POST /v1/policy/draft/publish";
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
fn made_before(body: &TenantEventBody) -> Result<Done, Problem> {
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
    let text = serde_json::to_string(&answer).map_err(|_| Problem::internal())?;
    Ok(Done { text, version: None })
}

/// What an import did, or would do; `version` is in force by now.
async fn told(read: Read, before: Arc<Directory>, version: DirectoryVersion, dry_run: bool) -> Result<Done, Problem> {
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
        let text = serde_json::to_string(&answer).map_err(|_| Problem::internal())?;
        Ok(Done { text, version: Some(version) })
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
