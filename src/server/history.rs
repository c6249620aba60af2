//! The store's history of pauses, as the doors ask for it.

use crate::ports::{BoxFuture, ReadError};
use crate::store::PauseHistory;
use crate::store::history::{DayOrInstant, PauseFilter as Wanted, PauseKey, PauseRow};
use crate::transport::{self, From, HistoryError, PauseFilter, PausePage, PauseRecord, Until};

impl transport::PauseHistory for PauseHistory {
    fn page(&self, filter: PauseFilter) -> BoxFuture<'_, Result<PausePage, HistoryError>> {
        Box::pin(async move {
            let after = filter.after.map(|(started_at, id)| PauseKey { started_at, id });
            let limit = filter.limit;
            let page = PauseHistory::page(self, &wanted(filter), after, limit).await.map_err(failed)?;
            Ok(PausePage { more: page.next.is_some(), pauses: page.rows.into_iter().map(record).collect() })
        })
    }
}

fn wanted(filter: PauseFilter) -> Wanted {
    Wanted {
        tenant: filter.tenant,
        agents: filter.agent.map(|agent| vec![agent]),
        teams: filter.teams.map(|teams| teams.into_iter().collect()),
        pause_type: filter.pause_type,
        from: filter.from.map(|from| match from {
            From::Instant(at) => DayOrInstant::Instant(at),
            From::Day(day) => DayOrInstant::Day(day),
        }),
        to: filter.until.map(|until| match until {
            Until::Instant(at) => DayOrInstant::Instant(at),
            Until::Day(day) => DayOrInstant::Day(day),
        }),
    }
}

fn failed(error: ReadError) -> HistoryError {
    match error {
        ReadError::Unavailable(why) => HistoryError::Unavailable(why),
        ReadError::Damaged { place, why } => HistoryError::Damaged(format!("{place}: {why}")),
    }
}

fn record(row: PauseRow) -> PauseRecord {
    let ended = row.ended;
    PauseRecord {
        id: row.id,
        agent: Some(row.agent.to_string()),
        name: Some(row.agent_name).filter(|name| !name.is_empty()),
        pause_type: row.pause_type.to_string(),
        class: row.class.as_class().as_str().to_owned(),
        team: row.team.map(|team| team.to_string()),
        zone: row.zone.name().to_owned(),
        utc_offset_s: row.utc_offset_s,
        local_day: row.local_day,
        business_day: row.business_day,
        shift_started_at: row.shift_started_at,
        shift_estimated: row.shift_started_at.map(|_| row.shift_estimated),
        policy_version: row.policy_version,
        started_at: row.started_at,
        ended_at: ended.map(|end| end.at),
        ended_by: ended.map(|end| end.by.as_str().to_owned()),
        last_seen_at: ended.and_then(|end| end.last_seen_at),
        limit_ms: row.limit.map(crate::domain::time::millis),
        extended_ms: crate::domain::time::millis(row.extended_by),
        overran_at: row.overran_at,
        short: ended.is_some_and(|end| end.short),
        misclick: ended.is_some_and(|end| end.misclick),
        paid: row.paid,
        counts_as_work: row.counts_as_work,
        replaces: row.replaces,
        replaced_by: ended.and_then(|end| end.replaced_by),
        note: row.note,
    }
}
