//! `policy.dry_run`: which days are asked about, and how what was found is written.

use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::error::WireError;
use super::params::Fields;
use super::shift::Day;
use crate::domain::dry_run::{Case, Report, Tally};
use crate::domain::id::TeamId;

/// The most days of one run.
pub const DAYS_MAX: u64 = 31;
/// How many days a run has that asks for no number: a week.
const DAYS: u64 = 7;

/// The most rows of a table, so that what is sent stays within a frame.
const ROWS_MAX: usize = 200;

/// Which days are asked about, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaysWanted {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    days: u64,
}

impl DaysWanted {
    pub(super) fn read(fields: &mut Fields) -> Result<DaysWanted, WireError> {
        let from = fields.optional::<Day>("from")?.map(|Day(day)| day);
        let to = fields.optional::<Day>("to")?.map(|Day(day)| day);
        let days: Option<u64> = fields.optional("days")?;
        if days.is_some() && from.is_some() {
            return Err(fields.invalid("days", "counts back from \"to\"; leave it or \"from\" out"));
        }
        let days = days.unwrap_or(DAYS);
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(fields.invalid("days", &format!("must be from 1 to {DAYS_MAX}")));
        }
        Ok(DaysWanted { from, to, days })
    }

    /// The days, where today is the last one unless it says otherwise.
    ///
    /// # Errors
    /// When there is none, or there are too many.
    pub fn until(self, today: NaiveDate) -> Result<RangeInclusive<NaiveDate>, WireError> {
        let to = self.to.unwrap_or(today);
        let from = self.from.unwrap_or_else(|| to.checked_sub_days(Days::new(self.days - 1)).unwrap_or(to));
        if to < from {
            return Err(WireError::invalid_params("to", "is before \"from\""));
        }
        if (to - from).num_days() >= DAYS_MAX.cast_signed() {
            return Err(WireError::invalid_params(
                "from",
                &format!("makes it more than {DAYS_MAX} days, both ends included"),
            ));
        }
        Ok(from..=to)
    }
}

/// What was found, as it is sent.
pub fn write_report(report: &Report, days: &RangeInclusive<NaiveDate>) -> Value {
    json!({
        "from": days.start().to_string(),
        "to": days.end().to_string(),
        "starts": report.starts,
        "refusals": report.refusals,
        "refused": tally(&report.refused),
        "queued": tally(&report.queued),
        "pending": tally(&report.pending),
        "requested": tally(&report.requested),
        "entitlements_lost": tally(&report.entitlements_lost),
        "let_through": tally(&report.let_through),
        "unclear": report.unclear,
    })
}

fn tally(tally: &Tally) -> Value {
    let by_code = tally.by_code.iter().map(|(code, count)| json!({"code": code, "count": count}));
    let by_type = tally.by_type.iter().map(|(code, count)| json!({"type": code.as_str(), "count": count}));
    let by_team = tally.by_team.iter().map(|(team, count)| match team.as_ref().map(TeamId::as_str) {
        Some(team) => json!({"team": team, "count": count}),
        None => json!({"count": count}),
    });
    let by_hour = tally.by_hour.iter().map(|(hour, count)| json!({"hour": hour, "count": count}));
    // The most frequent first.
    let mut cases: Vec<(&(Case, String), &u64)> = tally.by_case.iter().collect();
    cases.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut shown = json!({
        "total": tally.total,
        "by_code": by_code.collect::<Value>(),
        "by_type": by_type.collect::<Value>(),
        "by_team": by_team.collect::<Value>(),
        "by_hour": by_hour.collect::<Value>(),
        "rows": cases.iter().take(ROWS_MAX).map(|((case, code), count)| row(case, code, **count)).collect::<Value>(),
    });
    if let Some(left_out) = cases.len().checked_sub(ROWS_MAX).filter(|left_out| *left_out > 0) {
        shown["rows_left_out"] = left_out.into();
    }
    shown
}

fn row(case: &Case, code: &str, count: u64) -> Value {
    let mut row = json!({"type": case.pause_type.as_str(), "hour": case.hour, "code": code, "count": count});
    if let Some(team) = &case.team {
        row["team"] = team.as_str().into();
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::PauseTypeCode;
    use crate::protocol::rpc::Params;

    fn read(params: Value) -> Result<DaysWanted, WireError> {
        let Value::Object(named) = params else { panic!("an object") };
        DaysWanted::read(&mut Fields::of(Params::Named(named))?)
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn days(params: Value) -> Result<(String, String), String> {
        let days = read(params).and_then(|wanted| wanted.until(day("2026-11-22")));
        days.map(|days| (days.start().to_string(), days.end().to_string()))
            .map_err(|error| error.data.params["field"].as_str().expect("a field").to_owned())
    }

    #[test]
    fn the_most_frequent_rows_are_told_and_how_many_are_not() {
        let kind = PauseTypeCode::new("almoco").expect("a code");
        let case = |team: usize, hour| Case {
            pause_type: kind.clone(),
            team: (team > 0).then(|| TeamId::new(&format!("t{team}")).expect("an id")),
            hour,
        };
        let mut found = Tally::default();
        for team in 0..=ROWS_MAX {
            found.by_case.insert((case(team, 12), "slots_full".to_owned()), team as u64 + 1);
        }
        let shown = tally(&found);
        let rows = shown["rows"].as_array().expect("a list");
        assert_eq!((rows.len(), &shown["rows_left_out"]), (ROWS_MAX, &json!(1)));
        let team = format!("t{ROWS_MAX}");
        let first = json!({"type": "almoco", "team": team, "hour": 12, "code": "slots_full", "count": ROWS_MAX + 1});
        assert_eq!(rows[0], first);
        assert!(rows.iter().all(|row| row["count"] != 1), "the least frequent is left out");
        found.by_case.retain(|(case, _), _| case.team.is_none());
        let shown = tally(&found);
        let alone = json!([{"type": "almoco", "hour": 12, "code": "slots_full", "count": 1}]);
        assert_eq!((&shown["rows"], shown.get("rows_left_out")), (&alone, None));
    }

    #[test]
    fn days_are_counted_back_from_the_last_one() {
        let is = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(days(json!({})), is("2026-11-16", "2026-11-22"));
        assert_eq!(days(json!({"days": 1})), is("2026-11-22", "2026-11-22"));
        assert_eq!(days(json!({"to": "2026-03-01", "days": 2})), is("2026-02-28", "2026-03-01"));
        assert_eq!(days(json!({"from": "2026-11-20"})), is("2026-11-20", "2026-11-22"));
        assert_eq!(days(json!({"from": "2026-10-23", "to": "2026-11-22"})), is("2026-10-23", "2026-11-22"));
    }

    #[test]
    fn days_that_are_none_are_refused_by_their_field() {
        for (params, field) in [
            (json!({"days": 0}), "days"),
            (json!({"days": 32}), "days"),
            (json!({"days": 3, "from": "2026-11-20"}), "days"),
            (json!({"from": "2026-10-22"}), "from"),
            (json!({"from": "22/11/2026"}), "from"),
            (json!({"from": "2026-11-23"}), "to"),
        ] {
            assert_eq!(days(params.clone()), Err(field.to_owned()), "{params}");
        }
    }
}
