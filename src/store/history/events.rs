//! A tenant's events as others are shown them, a page at a time: read beside the writer, masked before they leave the
//! store (semantics §11).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{PAGE_MAX, PAGE_TIMEOUT, TenantHistory};
use crate::domain::event::{AfterPause, AgentEvent, AgentEventBody, ChosenStatus};
use crate::domain::id::{AgentId, PauseId, PauseTypeCode, TenantSeq};
use crate::domain::shown_event::{Around, Next, Protected, Question, Shown, named, question, shown};
use crate::domain::time::Timestamp;
use crate::ports::{Entry, EntryBody, ReadError};
use crate::store::decode::{References, damaged_row, decode_agent_event, decode_row};
use crate::store::reader::{asked, journal_columns, journal_row, references};
use crate::store::reading::{Bind, OneTenant};
use crate::store::row::JournalRow;
use crate::store::sql::Sql;
use crate::store::stored::{PersonId, Resolve, WideId, parse};

/// Which events of a tenant are wanted; by default all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Only of this agent.
    pub agent: Option<AgentId>,
    /// From when on.
    pub from: Option<Timestamp>,
    /// Until when, not included.
    pub to: Option<Timestamp>,
}

/// A page of events, in the tenant's order.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// The events, as others are shown them; those that they are not shown are left out.
    pub events: Vec<Entry>,
    /// Up to where this page has looked: the next one begins after it.
    pub reached: TenantSeq,
    /// The number of the tenant's last event.
    pub head: TenantSeq,
}

impl TenantHistory {
    /// The number of the last event; 0 where there is none.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn head(&self) -> Result<TenantSeq, ReadError> {
        self.readers.within(PAGE_TIMEOUT, async |reading| head_of(reading).await).await
    }

    /// The events after a number, up to `limit` of those on record, at most [`PAGE_MAX`] and at least one. What others are
    /// not shown counts among them.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn events(&self, filter: &EventFilter, after: TenantSeq, limit: usize) -> Result<EventPage, ReadError> {
        let limit = limit.clamp(1, PAGE_MAX);
        self.readers.within(PAGE_TIMEOUT, async |reading| read_page(reading, filter, after, limit).await).await
    }
}

macro_rules! page_sql {
    ($more:literal) => {
        concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal WHERE tenant = $1 AND seq > $2 AND at >= $3 AND at < $4",
            $more,
            " ORDER BY seq LIMIT $5"
        )
    };
}

async fn read_page(
    reading: &mut OneTenant<'_>,
    filter: &EventFilter,
    after: TenantSeq,
    limit: usize,
) -> Result<EventPage, ReadError> {
    const OF_ALL: Sql = Sql::same(page_sql!(""));
    const OF_AGENT: Sql = Sql::same(page_sql!(
        " AND person IN (SELECT id FROM people WHERE tenant = $1 AND kind = 'agent' AND host_id = $6)"
    ));
    let head = head_of(reading).await?;
    let mut binds = vec![
        Bind::Number(i64::try_from(after.0).unwrap_or(i64::MAX)),
        Bind::Number(filter.from.map_or(i64::MIN, |from| from.0)),
        Bind::Number(filter.to.map_or(i64::MAX, |to| to.0)),
        Bind::Number(i64::try_from(limit).unwrap_or(i64::MAX)),
    ];
    let mut sql = OF_ALL;
    if let Some(agent) = &filter.agent {
        binds.push(Bind::Text(agent.as_str()));
        sql = OF_AGENT;
    }
    let rows: Vec<JournalRow> =
        reading.all(sql, &binds).await?.iter().map(journal_row).collect::<Result<Vec<_>, _>>()?;
    let whole = rows.last().filter(|_| rows.len() == limit);
    let reached = whole.map_or(head.max(after), |last| TenantSeq(last.seq.cast_unsigned()));
    let decode = |resolve: &dyn Resolve| -> Result<Vec<Entry>, ReadError> {
        let entry = |row| decode_row(row, resolve).map(|stored| stored.entry).map_err(|error| damaged_row(row, &error));
        rows.iter().map(entry).collect()
    };
    let (people, texts) = asked(|asked| decode(asked).map(drop))?;
    let entries = decode(&references(reading, &people, &texts).await?)?;
    let protected = protected_among(reading, &entries).await?;
    let mut events = Vec::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        let EntryBody::Agent { agent, agent_seq, event } = &entry.body else {
            events.push(entry.clone());
            continue;
        };
        let around = around(reading, &rows, place, question(event, &protected)).await?;
        match shown(event, &protected, around) {
            Shown::AsItIs => events.push(entry.clone()),
            Shown::Instead(event) => {
                let body = EntryBody::Agent { agent: agent.clone(), agent_seq: *agent_seq, event: Arc::new(*event) };
                events.push(Entry { body, ..entry.clone() });
            }
            Shown::Nothing => {}
        }
    }
    Ok(EventPage { events, reached, head })
}

async fn head_of(reading: &mut OneTenant<'_>) -> Result<TenantSeq, ReadError> {
    const HEAD: Sql = Sql::same("SELECT coalesce(max(seq), 0) FROM tenant_heads WHERE tenant = $1");
    let row = reading.one(HEAD, &[], "tenant_heads").await?;
    Ok(TenantSeq(row.number(0, "tenant_heads")?.cast_unsigned()))
}

/// What is protected of what the events name.
async fn protected_among(reading: &mut OneTenant<'_>, entries: &[Entry]) -> Result<Protected, ReadError> {
    const PAUSES: Sql = Sql::each(
        "SELECT p.id FROM json_each($2) AS k CROSS JOIN pauses AS p ON p.id = unhex(k.value)
         WHERE p.tenant = $1 AND p.class = 'protected'",
        "SELECT id FROM pauses WHERE tenant = $1 AND class = 'protected' AND id = ANY($2)",
    );
    const TYPES: Sql = Sql::same("SELECT DISTINCT code FROM pause_types WHERE tenant = $1 AND class = 'protected'");
    let bodies = || entries.iter().filter_map(agent_body);
    let ids: BTreeSet<PauseId> = bodies().flat_map(|body| named(body).pauses).flatten().collect();
    let mut protected = Protected::default();
    if !ids.is_empty() {
        let ids = Bind::Ids(ids.iter().map(|id| WideId::of(id.0).0.to_vec()).collect());
        for row in reading.all(PAUSES, &[ids]).await? {
            protected.pauses.insert(PauseId(row.wide(0, "pauses")?.number()));
        }
    }
    if bodies().any(|body| named(body).pause_type.is_some()) {
        for row in reading.all(TYPES, &[]).await? {
            let code = row.text(0, "pause_types")?;
            let code = parse::<PauseTypeCode>("the code of a pause type", &code);
            let wrong = |error: crate::store::stored::FormError| ReadError::Damaged {
                place: format!("the pause types of tenant {}", reading.tenant()),
                why: error.to_string(),
            };
            protected.types.insert(code.map_err(wrong)?);
        }
    }
    Ok(protected)
}

fn agent_body(entry: &Entry) -> Option<&AgentEventBody> {
    match &entry.body {
        EntryBody::Agent { event, .. } => Some(&event.body),
        EntryBody::Tenant { .. } => None,
    }
}

/// Looks up what has to be known of the events around one.
async fn around(
    reading: &mut OneTenant<'_>,
    rows: &[JournalRow],
    place: usize,
    question: Question,
) -> Result<Around, ReadError> {
    let row = &rows[place];
    let (Some(person), Some(agent_seq)) = (row.person, row.agent_seq) else { return Ok(Around::default()) };
    Ok(match question {
        Question::Nothing => Around::default(),
        Question::Status => Around { status: status_before(reading, person, agent_seq).await?, ..Around::default() },
        Question::Next => Around { next: next_of(reading, rows, place).await?, ..Around::default() },
        Question::LostAndNext => {
            let lost = lost_before(reading, person, agent_seq).await?;
            Around { lost, next: next_of(reading, rows, place).await?, ..Around::default() }
        }
    })
}

/// What the agent does at the same instant after an event, most often told by the same page.
async fn next_of(reading: &mut OneTenant<'_>, rows: &[JournalRow], place: usize) -> Result<Next, ReadError> {
    const AT_ONCE: Sql = Sql::same(
        "SELECT kind FROM journal WHERE tenant = $1 AND person = $2 AND agent_seq > $3 AND agent_seq <= $4 AND at = $5
          ORDER BY agent_seq",
    );
    let row = &rows[place];
    let (Some(person), Some(agent_seq)) = (row.person, row.agent_seq) else { return Ok(Next::Other) };
    for later in rows[place + 1..].iter().filter(|later| later.person == Some(person)) {
        match next(&later.kind) {
            _ if later.at != row.at => return Ok(Next::Other),
            Next::Other => {}
            found @ (Next::SignIn | Next::Leave) => return Ok(found),
        }
    }
    let binds =
        [Bind::Bytes(&person.0), Bind::Number(agent_seq), Bind::Number(agent_seq + AT_ONCE_MAX), Bind::Number(row.at)];
    for row in reading.all(AT_ONCE, &binds).await? {
        let found = next(&row.text(0, "a journal entry")?);
        if found != Next::Other {
            return Ok(found);
        }
    }
    Ok(Next::Other)
}

/// How many events of an agent one decision leads to, with room to spare.
const AT_ONCE_MAX: i64 = 32;

fn next(kind: &str) -> Next {
    match kind {
        "agent.signed_in" | "agent.resumed" => Next::SignIn,
        "agent.signed_out" | "agent.deactivated" => Next::Leave,
        _ => Next::Other,
    }
}

/// The status that an agent had chosen last before one of their events.
async fn status_before(
    reading: &mut OneTenant<'_>,
    person: PersonId,
    agent_seq: i64,
) -> Result<Option<ChosenStatus>, ReadError> {
    const LAST: Sql = Sql::same(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal WHERE tenant = $1 AND person = $2 AND agent_seq < $3 AND kind IN
          ('agent.signed_in', 'agent.resumed', 'agent.status_changed', 'pause.ended')
          ORDER BY agent_seq DESC LIMIT 1"
    ));
    let binds = [Bind::Bytes(&person.0), Bind::Number(agent_seq)];
    let Some(row) = reading.first(LAST, &binds).await? else { return Ok(None) };
    let row = journal_row(&row)?;
    // Whose it is, is not asked: nobody has to be found by their internal id.
    let event: AgentEvent =
        decode_agent_event(&row, &References::default()).map_err(|error| damaged_row(&row, &error))?;
    let mut status = None;
    if let AgentEventBody::SignedIn { status: to, .. }
    | AgentEventBody::Resumed { status: to }
    | AgentEventBody::StatusChanged { to, .. } = event.body
    {
        status = Some(to);
    } else if let AgentEventBody::PauseEnded(ended) = event.body
        && let AfterPause::Status(to) = ended.then
    {
        status = Some(to);
    }
    Ok(status)
}

/// True when an agent's connection had been given up before one of their events.
async fn lost_before(reading: &mut OneTenant<'_>, person: PersonId, agent_seq: i64) -> Result<bool, ReadError> {
    const LAST: Sql = Sql::same(
        "SELECT kind FROM journal WHERE tenant = $1 AND person = $2 AND agent_seq < $3 AND kind IN
          ('agent.connected', 'agent.grace', 'agent.connection_lost', 'agent.signed_out')
          ORDER BY agent_seq DESC LIMIT 1",
    );
    let binds = [Bind::Bytes(&person.0), Bind::Number(agent_seq)];
    let Some(row) = reading.first(LAST, &binds).await? else { return Ok(false) };
    Ok(row.text(0, "a journal entry")? == "agent.connection_lost")
}
