//! One pause with all that a correction of it looks at, from whichever store keeps the rows.

use std::time::Duration;

use super::amendments::{AmendmentRow, amendment_columns, amendment_row};
use super::decode::{Pseudonyms, decode_agent_event};
use super::pauses::{PauseRowForm, pause_columns, pause_row};
use super::reader::{journal_columns, journal_row, references};
use super::reading::{Bind, OneTenant, Readers};
use super::row::JournalRow;
use super::sql::Sql;
use super::stored::{FormError, Resolve, WideId, parse, parse_cause};
use crate::domain::event::{AgentEventBody, Right};
use crate::domain::id::{PauseId, PauseTypeCode, TenantId};
use crate::domain::policy::COOLDOWN_MAX;
use crate::domain::record::{EndsBefore, Measures, RecordedEnd, RecordedPause};
use crate::domain::time::{Timestamp, millis};
use crate::domain::usage::Period;
use crate::ports::ReadError;

/// How long it may take: a few rows by their keys.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long before a pause one may have begun whose end a cooldown can still run from: the longest cooldown, and more than any
/// pause runs before it is taken for abandoned.
const LOOK_BACK: Duration = Duration::from_secs(2 * COOLDOWN_MAX.as_secs());

/// The most pauses that are looked at for it.
pub(crate) const BEFORE_MAX: usize = 100;

/// An ended pause of before, as last corrected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EndBefore {
    pub(crate) pause_type: String,
    pub(crate) ended_at: i64,
    pub(crate) misclick: bool,
}

/// The rows that say all of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordedRows {
    pub(crate) pause: PauseRowForm,
    /// The entry that began an entitlement: it says whether the employer owed it.
    pub(crate) started: Option<JournalRow>,
    pub(crate) last_correction: Option<AmendmentRow>,
    pub(crate) annotations: usize,
    pub(crate) next_started_at: Option<i64>,
    /// The last that began first.
    pub(crate) before: Vec<EndBefore>,
}

impl RecordedRows {
    /// # Errors
    /// [`FormError`] when a row is not what it should be.
    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<RecordedPause, FormError> {
        let RecordedRows { pause, started, last_correction, annotations, next_started_at, before } = self;
        let pause_type = parse::<PauseTypeCode>("a pause type's code", &pause.pause_type)?;
        let counting = || before.iter().filter(|end| !end.misclick);
        let last = |end: Option<&EndBefore>| end.map(|end| Timestamp(end.ended_at));
        let span = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        let right = started.as_ref().map(right_of).transpose()?.flatten();
        let measures = (pause.class != "protected").then(|| Measures {
            min_duration: pause.min_ms.map(span),
            refund_under: pause.refund_under_ms.map_or(Duration::ZERO, span),
            limit: pause.limit_ms.map(|limit| span(limit) + pause.extended_ms.map_or(Duration::ZERO, span)),
            grace: pause.grace_ms.map_or(Duration::ZERO, span),
            overran_at: pause.overran_at.map(Timestamp),
            right,
        });
        let ended = match (pause.ended_at, &pause.ended_by) {
            (Some(at), Some(by)) => Some(RecordedEnd {
                at: Timestamp(last_correction.as_ref().and_then(|row| row.ended_at).unwrap_or(at)),
                cause: parse_cause(by)?,
                misclick: last_correction.as_ref().and_then(|row| row.misclick).or(pause.misclick).unwrap_or(false),
                last_seen_at: pause.last_seen_at.map(Timestamp).filter(|_| last_correction.is_none()),
            }),
            (_, _) => None,
        };
        Ok(RecordedPause {
            agent: resolve.agent(pause.person)?,
            id: PauseId(pause.id.number()),
            measures,
            period: match pause.shift_started_at {
                Some(began) => Period::Shift(Timestamp(began)),
                None => Period::BusinessDay(parse("a day", &pause.business_day)?),
            },
            started_at: Timestamp(pause.started_at),
            ended,
            next_started_at: next_started_at.map(Timestamp),
            before: EndsBefore {
                of_type: last(counting().find(|end| end.pause_type == pause.pause_type)),
                of_any: last(counting().next()),
            },
            annotations: u32::try_from(annotations).unwrap_or(u32::MAX),
            pause_type,
        })
    }
}

/// What made the pause that an entry began one of those that are owed.
fn right_of(started: &JournalRow) -> Result<Option<Right>, FormError> {
    let body = decode_agent_event(started, &Pseudonyms)?.body;
    let AgentEventBody::PauseStarted(started) = body else {
        return Err(FormError::Contradiction(format!("it began with {}", body.name())));
    };
    Ok(started.terms.and_then(|terms| terms.right))
}

/// The instant from which pauses of before are looked at.
pub(crate) fn look_back_from(started_at: i64) -> i64 {
    started_at.saturating_sub(millis(LOOK_BACK))
}

/// Finds a pause of a tenant by its id.
pub(crate) async fn find_pause(
    readers: &Readers,
    tenant: &TenantId,
    id: PauseId,
) -> Result<Option<RecordedPause>, ReadError> {
    const PAUSE: Sql =
        Sql::same(concat!("SELECT ", pause_columns!(), " FROM pauses AS p WHERE p.tenant = $1 AND p.id = $2"));
    readers
        .of(tenant)
        .within(READ_TIMEOUT, async |reading| {
            let wide = WideId::of(id.0);
            let Some(row) = reading.first(PAUSE, &[Bind::Bytes(&wide.0)]).await? else {
                return Ok(None);
            };
            let pause = pause_row(&row)?;
            let rows = rows_around(reading, pause).await?;
            let found = references(reading, &[rows.pause.person], &[]).await?;
            let damaged =
                |error: FormError| ReadError::Damaged { place: format!("pause {id}"), why: error.to_string() };
            rows.into_domain(&found).map(Some).map_err(damaged)
        })
        .await
}

/// The statements that look amendments up by their pause. SQLite would take the index of the tenant for it.
macro_rules! last_correction_sql {
    ($index:literal) => {
        concat!(
            "SELECT ",
            amendment_columns!(),
            " FROM pause_amendments AS a ",
            $index,
            " WHERE a.tenant = $1 AND a.pause = $2 AND a.ended_at IS NOT NULL ORDER BY a.seq DESC LIMIT 1"
        )
    };
}
macro_rules! annotations_sql {
    ($index:literal) => {
        concat!(
            "SELECT count(*) FROM pause_amendments AS a ",
            $index,
            " WHERE a.tenant = $1 AND a.pause = $2 AND a.ended_at IS NULL"
        )
    };
}
macro_rules! before_sql {
    ($index:literal) => {
        concat!(
            "SELECT p.pause_type, coalesce(a.ended_at, p.ended_at), coalesce(a.misclick, p.misclick) FROM pauses AS p
             LEFT JOIN pause_amendments AS a ON a.tenant = $1 AND a.pause = p.id AND a.ended_at IS NOT NULL AND a.seq =
                 (SELECT max(b.seq) FROM pause_amendments AS b ",
            $index,
            "     WHERE b.tenant = $1 AND b.pause = p.id AND b.ended_at IS NOT NULL)
             WHERE p.tenant = $1 AND p.person = $2 AND p.class <> 'protected' AND p.ended_at IS NOT NULL
               AND p.started_at >= $3 AND p.started_at <= $4 AND p.started_seq < $5
             ORDER BY p.started_at DESC, p.started_seq DESC LIMIT $6"
        )
    };
}

async fn rows_around(reading: &mut OneTenant<'_>, pause: PauseRowForm) -> Result<RecordedRows, ReadError> {
    const LAST_CORRECTION: Sql =
        Sql::each(last_correction_sql!("INDEXED BY pause_amendments_by_pause"), last_correction_sql!(""));
    const ANNOTATIONS: Sql = Sql::each(annotations_sql!("INDEXED BY pause_amendments_by_pause"), annotations_sql!(""));
    // What begins at the same instant is told apart by its number.
    const NEXT: Sql = Sql::same(
        "SELECT p.started_at FROM pauses AS p
         WHERE p.tenant = $1 AND p.person = $2 AND p.class <> 'protected' AND p.started_at >= $3 AND p.started_seq > $4
         ORDER BY p.started_at LIMIT 1",
    );
    const BEFORE: Sql = Sql::each(before_sql!("INDEXED BY pause_amendments_by_pause"), before_sql!(""));
    const STARTED: Sql =
        Sql::same(concat!("SELECT ", journal_columns!(), " FROM journal WHERE tenant = $1 AND seq = $2"));
    let place = format!("pause {}", PauseId(pause.id.number()));
    let mut started = None;
    if pause.class == "entitlement" {
        let entry = [Bind::Number(pause.started_seq)];
        started = Some(journal_row(&reading.one(STARTED, &entry, &place).await?)?);
    }
    let of_pause = [Bind::Bytes(&pause.id.0)];
    let correction = reading.first(LAST_CORRECTION, &of_pause).await?;
    let annotations = reading.one(ANNOTATIONS, &of_pause, &place).await?.number(0, &place)?;
    let person = Bind::Bytes(&pause.person.0);
    let binds = [person.clone(), Bind::Number(pause.started_at), Bind::Number(pause.started_seq)];
    let next = reading.first(NEXT, &binds).await?;
    let binds = [
        person,
        Bind::Number(look_back_from(pause.started_at)),
        Bind::Number(pause.started_at),
        Bind::Number(pause.started_seq),
        Bind::Number(BEFORE_MAX as i64),
    ];
    let before = reading.all(BEFORE, &binds).await?;
    let end_before = |row: &super::reading::FoundRow| {
        let (pause_type, ended_at) = (row.text(0, &place)?, row.number(1, &place)?);
        Ok(EndBefore { pause_type, ended_at, misclick: row.optional_truth(2, &place)?.unwrap_or(false) })
    };
    Ok(RecordedRows {
        started,
        last_correction: correction.as_ref().map(amendment_row).transpose()?,
        annotations: usize::try_from(annotations).unwrap_or(0),
        next_started_at: next.as_ref().map(|row| row.number(0, &place)).transpose()?,
        before: before.iter().map(end_before).collect::<Result<_, ReadError>>()?,
        pause,
    })
}
