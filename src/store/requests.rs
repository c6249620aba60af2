//! One request for an exception, from the journal: a state has the agent's last one only.

use std::time::Duration;

use super::decode::{References, damaged_row, decode_agent_event};
use super::reader::{asked, journal_columns, journal_row, references};
use super::reading::{Bind, OneTenant, Readers};
use super::row::JournalRow;
use super::sql::Sql;
use super::stored::Resolve;
use crate::domain::event::AgentEvent;
use crate::domain::id::{RequestId, TenantId};
use crate::domain::record::{RecordedRequest, request_of};
use crate::domain::time::Timestamp;
use crate::ports::ReadError;

/// How long it may take: an index leads to the requests of a day.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Finds a request that was made since an instant, with what became of it.
pub(crate) async fn find_request(
    readers: &Readers,
    tenant: &TenantId,
    id: RequestId,
    since: Timestamp,
) -> Result<Option<RecordedRequest>, ReadError> {
    const MADE: Sql = Sql::each(
        concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal INDEXED BY journal_requests
              WHERE tenant = $1 AND kind = 'request.created' AND at >= $2 AND instr(body, $3) > 0
              ORDER BY at DESC LIMIT 1"
        ),
        concat!(
            "SELECT ",
            journal_columns!(),
            " FROM journal
              WHERE tenant = $1 AND kind = 'request.created' AND at >= $2 AND strpos(body, $3) > 0
              ORDER BY at DESC LIMIT 1"
        ),
    );
    // An agent has one open request at a time: the next of its that is closed is this one.
    const CLOSED: Sql = Sql::same(concat!(
        "SELECT ",
        journal_columns!(),
        " FROM journal
          WHERE tenant = $1 AND person = $2 AND agent_seq > $3
            AND kind IN ('request.decided', 'request.expired', 'request.cancelled')
          ORDER BY agent_seq LIMIT 1"
    ));
    readers
        .of(tenant)
        .within(READ_TIMEOUT, async |reading| {
            let id = id.to_string();
            let binds = [Bind::Number(since.0), Bind::Text(&id)];
            let Some(row) = reading.first(MADE, &binds).await? else { return Ok(None) };
            let made = journal_row(&row)?;
            let (Some(person), Some(agent_seq)) = (made.person, made.agent_seq) else { return Ok(None) };
            let binds = [Bind::Bytes(&person.0), Bind::Number(agent_seq)];
            let closed = reading.first(CLOSED, &binds).await?;
            let rows: Vec<JournalRow> =
                [Ok(made)].into_iter().chain(closed.as_ref().map(journal_row)).collect::<Result<_, _>>()?;
            let found = referred_to(reading, &rows, person).await?;
            request_of_rows(&rows, &found)
        })
        .await
}

async fn referred_to(
    reading: &mut OneTenant<'_>,
    rows: &[JournalRow],
    person: super::stored::PersonId,
) -> Result<References, ReadError> {
    let (mut people, texts) = asked(|asked| events(rows, asked).map(drop))?;
    people.push(person);
    references(reading, &people, &texts).await
}

/// The request of the rows that made and closed it.
pub(crate) fn request_of_rows(
    rows: &[JournalRow],
    resolve: &dyn Resolve,
) -> Result<Option<RecordedRequest>, ReadError> {
    let Some((first, person)) = rows.first().and_then(|row| Some((row, row.person?))) else { return Ok(None) };
    let agent = resolve.agent(person).map_err(|error| damaged_row(first, &error))?;
    let request = request_of(agent.clone(), &events(rows, resolve)?);
    Ok(request.map(|request| RecordedRequest { agent, request }))
}

fn events(rows: &[JournalRow], resolve: &dyn Resolve) -> Result<Vec<AgentEvent>, ReadError> {
    rows.iter().map(|row| decode_agent_event(row, resolve).map_err(|error| damaged_row(row, &error))).collect()
}
