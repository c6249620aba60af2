//! The history of pauses, for reports: read-only, in keyset pages.
//!
//! Protected pauses are never among the rows, whoever asks (semantics §11).

mod amendments;
mod events;
mod policies;
mod recorded;

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::open_error::OpenError;
use super::reader::references;
use super::reading::{Bind, FoundRow, OneTenant, Readers, TenantReaders, damaged};
use super::sql::Sql;
use super::stored::{FormError, Hash, PersonId, Resolve, WideId, parse, parse_cause};
use crate::config::StoreAddress;
use crate::domain::event::{Cause, LimitedClass};
use crate::domain::id::{AgentId, PauseId, PauseTypeCode, PolicyVersion, TeamId, TenantId};
use crate::domain::time::Timestamp;
use crate::ports::ReadError;

use amendments::Amendments;
pub use amendments::{Annotation, Correction};
pub use events::{EventFilter, EventPage};
pub use policies::PublishedPolicy;
pub use recorded::{Recorded, RecordedPage, fold_dry_run};

/// The most rows of a page (`docs/protocol.md`, keyset lists).
pub const PAGE_MAX: usize = 1000;
/// How long a page may take: with its indexes it is milliseconds.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The history of pauses in a store. It is read for a tenant, and in no other way:
///
/// ```
/// # use intervalo::domain::id::TenantId;
/// # use intervalo::store::history::{PauseFilter, PauseHistory};
/// async fn read(history: &PauseHistory, tenant: &TenantId) {
///     let _ = history.of(tenant).page(&PauseFilter::default(), None, 10).await;
/// }
/// ```
/// ```compile_fail,E0599
/// # use intervalo::domain::id::TenantId;
/// # use intervalo::store::history::{PauseFilter, PauseHistory};
/// async fn read(history: &PauseHistory, tenant: &TenantId) {
///     let _ = history.page(&PauseFilter::default(), None, 10).await;
/// }
/// ```
/// ```compile_fail,E0061
/// # use intervalo::domain::id::TenantId;
/// # use intervalo::store::history::{PauseFilter, PauseHistory};
/// async fn read(history: &PauseHistory, tenant: &TenantId) {
///     let _ = history.of().page(&PauseFilter::default(), None, 10).await;
/// }
/// ```
#[derive(Debug, Clone)]
pub struct PauseHistory {
    readers: Readers,
}

/// The history of one tenant. Nothing of another is ever read by it.
#[derive(Debug, Clone)]
pub struct TenantHistory {
    readers: TenantReaders,
}

/// Which pauses of a tenant are wanted; by default all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PauseFilter {
    /// Only these agents; `None` means all.
    pub agents: Option<Vec<AgentId>>,
    /// Only pauses that count for these teams; `None` means all, those without a team too.
    pub teams: Option<Vec<TeamId>>,
    /// Only this type.
    pub pause_type: Option<PauseTypeCode>,
    /// From when on; a pause belongs by its start.
    pub from: Option<DayOrInstant>,
    /// Until when.
    pub to: Option<DayOrInstant>,
}

/// A bound of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOrInstant {
    /// A day of the calendar, in the zone recorded with each pause; as an end it is included.
    Day(NaiveDate),
    /// An instant; as an end it is not included.
    Instant(Timestamp),
}

/// Where a page begins: after the row with these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseKey {
    /// When that pause began.
    pub started_at: Timestamp,
    /// Its id.
    pub id: PauseId,
}

/// A page of pauses, by start and id, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct PausePage {
    /// The rows.
    pub rows: Vec<PauseRow>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<PauseKey>,
}

/// One pause, with everything that a report needs.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseRow {
    /// Its id.
    pub id: PauseId,
    /// The agent.
    pub agent: AgentId,
    /// The agent's name as the directory now has it; empty when it was erased.
    pub agent_name: String,
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// Regular or entitlement.
    pub class: LimitedClass,
    /// The team that it counts for.
    pub team: Option<TeamId>,
    /// The zone of its days.
    pub zone: Tz,
    /// The zone's offset from UTC at the start, in seconds, east positive.
    pub utc_offset_s: i32,
    /// The calendar day of its start.
    pub local_day: NaiveDate,
    /// The business day of its start.
    pub business_day: NaiveDate,
    /// When the shift that contains its start began.
    pub shift_started_at: Option<Timestamp>,
    /// True when that shift is an estimate.
    pub shift_estimated: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// How it ended; none while it runs.
    pub ended: Option<PauseEnd>,
    /// The limit, extensions not included.
    pub limit: Option<Duration>,
    /// By how much the limit was moved out.
    pub extended_by: Duration,
    /// The last correction of its end; what is said of the end above follows from it.
    pub corrected: Option<Correction>,
    /// What was added to the record, the first first.
    pub annotations: Vec<Annotation>,
    /// Since when it was over limit and grace.
    pub overran_at: Option<Timestamp>,
    /// The policy that it began under.
    pub policy_version: PolicyVersion,
    /// For reports only.
    pub paid: bool,
    /// For reports only.
    pub counts_as_work: bool,
    /// The pause that it replaced; none when that was a protected one.
    pub replaces: Option<PauseId>,
    /// What the agent wrote; none when it was erased.
    pub note: Option<String>,
}

/// How a pause ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub by: Cause,
    /// It ended under its minimum.
    pub short: bool,
    /// It ended so soon that it does not count.
    pub misclick: bool,
    /// For an abandoned pause: when the agent was last seen.
    pub last_seen_at: Option<Timestamp>,
    /// It was abandoned, and nobody has said since when it ended.
    pub estimated: bool,
    /// The pause that replaced it.
    pub replaced_by: Option<PauseId>,
}

impl PauseRow {
    /// How long it took; none while it runs.
    pub fn duration(&self) -> Option<Duration> {
        self.ended.map(|end| end.at.since(self.started_at))
    }
}

impl PauseHistory {
    /// Opens the history in a store for reading, beside the server that writes it.
    ///
    /// # Errors
    /// [`OpenError`] when there is no database of this program's version.
    pub async fn open(store: impl Into<StoreAddress>) -> Result<PauseHistory, OpenError> {
        Ok(PauseHistory { readers: Readers::open(&store.into()).await? })
    }

    /// The history of one tenant.
    pub fn of(&self, tenant: &TenantId) -> TenantHistory {
        TenantHistory { readers: self.readers.of(tenant) }
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.readers.close().await;
    }
}

impl TenantHistory {
    /// Up to `limit` pauses after a key, at most [`PAGE_MAX`] and at least one.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn page(
        &self,
        filter: &PauseFilter,
        after: Option<PauseKey>,
        limit: usize,
    ) -> Result<PausePage, ReadError> {
        let limit = limit.clamp(1, PAGE_MAX);
        self.readers.within(PAGE_TIMEOUT, async |reading| read_page(reading, filter, after, limit).await).await
    }

    /// One pause by its id; none also when it is a protected one.
    ///
    /// # Errors
    /// [`ReadError`] when the store is out of reach or damaged.
    pub async fn pause(&self, id: PauseId) -> Result<Option<PauseRow>, ReadError> {
        self.readers.within(PAGE_TIMEOUT, async |reading| read_one(reading, id).await).await
    }
}

async fn read_page(
    reading: &mut OneTenant<'_>,
    filter: &PauseFilter,
    after: Option<PauseKey>,
    limit: usize,
) -> Result<PausePage, ReadError> {
    let words = |items: Vec<&str>| items.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let agents = filter.agents.as_ref().map(|agents| words(agents.iter().map(AgentId::as_str).collect()));
    let teams = filter.teams.as_ref().map(|teams| words(teams.iter().map(TeamId::as_str).collect()));
    let period = Period::of(filter);
    // The period's start and the key are both "after this": the later one counts.
    let from = (period.from_at, Vec::new());
    let start = after.map_or_else(|| from.clone(), |key| (key.started_at.0, WideId::of(key.id.0).0.to_vec()));
    let (start_at, start_id) = start.max(from);
    let sql = if agents.is_some() { PAGE_OF_AGENTS } else { PAGE_OF_ALL };
    let binds = [
        Bind::Words(agents),
        Bind::Words(teams),
        Bind::Optional(filter.pause_type.as_ref().map(PauseTypeCode::as_str)),
        Bind::Optional(period.from_day.as_deref()),
        Bind::Optional(period.to_day.as_deref()),
        Bind::Number(start_at),
        Bind::Bytes(&start_id),
        Bind::Number(period.to_at),
        // One more than wanted tells whether there is a next page.
        Bind::Number(i64::try_from(limit + 1).unwrap_or(i64::MAX)),
    ];
    let rows = reading.all(sql, &binds).await?;
    let mut raw: Vec<RawRow> = rows.iter().map(raw_row).collect::<Result<_, _>>()?;
    let has_next = raw.len() > limit;
    raw.truncate(limit);
    let rows = whole_rows(reading, raw).await?;
    let next = rows.last().filter(|_| has_next).map(|row| PauseKey { started_at: row.started_at, id: row.id });
    Ok(PausePage { rows, next })
}

/// One pause, if it is one of the history's.
async fn read_one(reading: &mut OneTenant<'_>, id: PauseId) -> Result<Option<PauseRow>, ReadError> {
    let id = WideId::of(id.0);
    let row = reading.first(ONE, &[Bind::Bytes(&id.0)]).await?;
    let raw = row.iter().map(raw_row).collect::<Result<_, _>>()?;
    Ok(whole_rows(reading, raw).await?.pop())
}

/// The rows with their people, their texts, and what was said of them since.
async fn whole_rows(reading: &mut OneTenant<'_>, raw: Vec<RawRow>) -> Result<Vec<PauseRow>, ReadError> {
    let amendments = Amendments::of(reading, raw.iter().map(|row| row.id).collect()).await?;
    let people: BTreeSet<PersonId> = raw.iter().map(|row| row.person).chain(amendments.people()).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let texts: Vec<Hash> = raw.iter().filter_map(|row| row.note).chain(amendments.texts()).collect();
    let found = references(reading, &people, &texts).await?;
    raw.into_iter()
        .map(|raw| {
            let id = raw.id;
            let row = pause_row(raw, &found).and_then(|mut row| {
                amendments.apply(id, &mut row, &found)?;
                Ok(row)
            });
            let place = || format!("pause {}", PauseId(id.number()));
            row.map_err(|error| ReadError::Damaged { place: place(), why: error.to_string() })
        })
        .collect()
}

/// How far a zone's day may lie from the day of UTC, with room to spare: no zone is further off than this.
const ZONE_OFFSET_MAX_MS: i64 = 26 * 3_600_000;

/// A filter's bounds: as days, and as instants that an index can find. Around days the instants are
/// wide enough for every zone.
struct Period {
    from_day: Option<String>,
    to_day: Option<String>,
    /// Included.
    from_at: i64,
    /// Not included.
    to_at: i64,
}

impl Period {
    fn of(filter: &PauseFilter) -> Period {
        let mut period = Period { from_day: None, to_day: None, from_at: i64::MIN, to_at: i64::MAX };
        match filter.from {
            Some(DayOrInstant::Day(day)) => {
                period.from_day = Some(day.to_string());
                period.from_at = utc_midnight(day) - ZONE_OFFSET_MAX_MS;
            }
            Some(DayOrInstant::Instant(at)) => period.from_at = at.0,
            None => {}
        }
        match filter.to {
            Some(DayOrInstant::Day(day)) => {
                period.to_day = Some(day.to_string());
                period.to_at = utc_midnight(day) + 24 * 3_600_000 + ZONE_OFFSET_MAX_MS;
            }
            Some(DayOrInstant::Instant(at)) => period.to_at = at.0,
            None => {}
        }
        period
    }
}

fn utc_midnight(day: NaiveDate) -> i64 {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
}

/// What is shown of a pause `p`, in the order of [`RawRow`].
macro_rules! history_columns {
    () => {
        "p.id, p.person, p.pause_type, p.class, p.team, p.zone, p.utc_offset_s, p.local_day, p.business_day,
         p.shift_started_at, p.shift_estimated, p.started_at, p.ended_at, p.ended_by, p.short, p.misclick,
         p.last_seen_at, p.replaced_by, p.limit_ms, p.extended_ms, p.overran_at, p.policy_version, p.paid,
         p.counts_as_work,
         (SELECT r.id FROM pauses AS r WHERE r.tenant = $1 AND r.id = p.replaces AND r.class <> 'protected'), p.note"
    };
}

const ONE: Sql = Sql::same(concat!(
    "SELECT ",
    history_columns!(),
    " FROM pauses AS p WHERE p.class <> 'protected' AND p.tenant = $1 AND p.id = $2"
));

/// A page: whom it is of, and how each database asks whether a team is listed.
macro_rules! page_sql {
    ($index:literal, $agents:literal, $teams:literal) => {
        concat!(
            "SELECT ",
            history_columns!(),
            " FROM pauses AS p ",
            $index,
            " WHERE p.class <> 'protected' AND p.tenant = $1 AND ",
            $agents,
            " AND ",
            $teams,
            " AND (CAST($4 AS TEXT) IS NULL OR p.pause_type = $4)
              AND (CAST($5 AS TEXT) IS NULL OR p.local_day >= $5) AND (CAST($6 AS TEXT) IS NULL OR p.local_day <= $6)
              AND (p.started_at, p.id) > ($7, $8) AND p.started_at < $9
              ORDER BY p.started_at, p.id LIMIT $10"
        )
    };
}

const PAGE_OF_ALL: Sql = Sql::each(
    page_sql!("INDEXED BY pauses_history", "$2 IS NULL", "($3 IS NULL OR p.team IN (SELECT value FROM json_each($3)))"),
    page_sql!("", "CAST($2 AS TEXT[]) IS NULL", "(CAST($3 AS TEXT[]) IS NULL OR p.team = ANY($3))"),
);
const PAGE_OF_AGENTS: Sql = Sql::each(
    page_sql!(
        "INDEXED BY pauses_by_person",
        "p.person IN (SELECT id FROM people WHERE tenant = $1 AND kind = 'agent'
                      AND host_id IN (SELECT value FROM json_each($2)))",
        "($3 IS NULL OR p.team IN (SELECT value FROM json_each($3)))"
    ),
    page_sql!(
        "",
        "p.person IN (SELECT id FROM people WHERE tenant = $1 AND kind = 'agent' AND host_id = ANY($2))",
        "(CAST($3 AS TEXT[]) IS NULL OR p.team = ANY($3))"
    ),
);

/// A row as the columns have it.
struct RawRow {
    id: WideId,
    person: PersonId,
    pause_type: String,
    class: String,
    team: Option<String>,
    zone: String,
    utc_offset_s: i32,
    local_day: String,
    business_day: String,
    shift_started_at: Option<i64>,
    shift_estimated: Option<bool>,
    started_at: i64,
    ended_at: Option<i64>,
    ended_by: Option<String>,
    short: Option<bool>,
    misclick: Option<bool>,
    last_seen_at: Option<i64>,
    replaced_by: Option<WideId>,
    limit_ms: Option<i64>,
    extended_ms: Option<i64>,
    overran_at: Option<i64>,
    policy_version: i64,
    paid: Option<bool>,
    counts_as_work: Option<bool>,
    replaces: Option<WideId>,
    note: Option<Hash>,
}

fn raw_row(row: &FoundRow) -> Result<RawRow, ReadError> {
    let place = "the history of pauses";
    Ok(RawRow {
        id: row.wide(0, place)?,
        person: row.person(1, place)?,
        pause_type: row.text(2, place)?,
        class: row.text(3, place)?,
        team: row.optional_text(4, place)?,
        zone: row.text(5, place)?,
        utc_offset_s: i32::try_from(row.number(6, place)?).map_err(|_| damaged(place, "an offset is out of range"))?,
        local_day: row.text(7, place)?,
        business_day: row.text(8, place)?,
        shift_started_at: row.optional_number(9, place)?,
        shift_estimated: row.optional_truth(10, place)?,
        started_at: row.number(11, place)?,
        ended_at: row.optional_number(12, place)?,
        ended_by: row.optional_text(13, place)?,
        short: row.optional_truth(14, place)?,
        misclick: row.optional_truth(15, place)?,
        last_seen_at: row.optional_number(16, place)?,
        replaced_by: row.optional_wide(17, place)?,
        limit_ms: row.optional_number(18, place)?,
        extended_ms: row.optional_number(19, place)?,
        overran_at: row.optional_number(20, place)?,
        policy_version: row.number(21, place)?,
        paid: row.optional_truth(22, place)?,
        counts_as_work: row.optional_truth(23, place)?,
        replaces: row.optional_wide(24, place)?,
        note: row.optional_hash(25, place)?,
    })
}

fn pause_row(row: RawRow, found: &dyn Resolve) -> Result<PauseRow, FormError> {
    let class = match row.class.as_str() {
        "regular" => LimitedClass::Regular,
        "entitlement" => LimitedClass::Entitlement,
        other => return Err(FormError::Contradiction(format!("its class is {other}"))),
    };
    let pause_id = |id: WideId| PauseId(id.number());
    let ended = match (row.ended_at, &row.ended_by) {
        (Some(at), Some(by)) => Some(PauseEnd {
            at: Timestamp(at),
            by: parse_cause(by)?,
            short: row.short.unwrap_or(false),
            misclick: row.misclick.unwrap_or(false),
            last_seen_at: row.last_seen_at.map(Timestamp),
            estimated: row.last_seen_at.is_some(),
            replaced_by: row.replaced_by.map(pause_id),
        }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(FormError::Contradiction("its end is not whole".to_owned()));
        }
    };
    Ok(PauseRow {
        id: pause_id(row.id),
        agent: found.agent(row.person)?,
        agent_name: found.name(row.person),
        pause_type: parse::<PauseTypeCode>("a pause type's code", &row.pause_type)?,
        class,
        team: row.team.as_deref().map(|team| parse::<TeamId>("a team's id", team)).transpose()?,
        zone: parse::<Tz>("a time zone", &row.zone)?,
        utc_offset_s: row.utc_offset_s,
        local_day: parse::<NaiveDate>("a day", &row.local_day)?,
        business_day: parse::<NaiveDate>("a day", &row.business_day)?,
        shift_started_at: row.shift_started_at.map(Timestamp),
        shift_estimated: row.shift_estimated.unwrap_or(false),
        started_at: Timestamp(row.started_at),
        ended,
        limit: row.limit_ms.map(span),
        extended_by: row.extended_ms.map_or(Duration::ZERO, span),
        corrected: None,
        annotations: Vec::new(),
        overran_at: row.overran_at.map(Timestamp),
        policy_version: PolicyVersion(row.policy_version.cast_unsigned()),
        paid: row.paid.unwrap_or(false),
        counts_as_work: row.counts_as_work.unwrap_or(false),
        replaces: row.replaces.map(pause_id),
        note: row.note.and_then(|hash| found.text(hash)),
    })
}

fn span(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
