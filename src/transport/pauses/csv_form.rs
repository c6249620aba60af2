//! A page of the pause history as CSV: RFC 4180, safe for spreadsheets.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue, LINK};

use super::{AnnotationJson, PauseJson};
use crate::protocol::time::{WireTime, to_text};
use crate::store::history::{PausePage, PauseRow};
use crate::transport::problem::Problem;

/// The columns of the CSV form, in order.
const COLUMNS: [&str; 36] = [
    "id",
    "agent",
    "name",
    "type",
    "class",
    "team",
    "started_at",
    "ended_at",
    "duration_ms",
    "ended_by",
    "limit_ms",
    "extended_ms",
    "overrun",
    "overran_at",
    "short",
    "misclick",
    "estimated",
    "last_seen_at",
    "paid",
    "counts_as_work",
    "zone",
    "utc_offset_s",
    "local_day",
    "business_day",
    "shift_started_at",
    "shift_estimated",
    "policy_version",
    "replaces",
    "replaced_by",
    "note",
    "corrected_by_kind",
    "corrected_by",
    "corrected_at",
    "correction_reason",
    "ended_at_before",
    "annotations",
];

pub(super) fn as_csv(page: &PausePage, next: Option<String>) -> Result<Response, Problem> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .quote_style(csv::QuoteStyle::NonNumeric)
        .from_writer(Vec::new());
    let written = writer
        .write_record(COLUMNS)
        .and_then(|()| page.rows.iter().try_for_each(|pause| writer.write_record(csv_row(pause))));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()).ok_or_else(Problem::internal)?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        headers.insert(LINK, next);
    }
    Ok(response)
}

fn csv_row(pause: &PauseRow) -> [String; COLUMNS.len()] {
    let json = PauseJson::of(pause);
    let text = |value: Option<&str>| guarded(value.unwrap_or_default());
    let time = |value: Option<WireTime>| value.map(|WireTime(at)| to_text(at)).unwrap_or_default();
    let corrected = json.corrected.as_ref();
    let annotations: Vec<String> = json.annotations.iter().map(annotation_line).collect();
    let number = |value: Option<i64>| value.map(|number| number.to_string()).unwrap_or_default();
    [
        json.id,
        guarded(json.agent),
        guarded(json.name),
        guarded(json.r#type),
        json.class.to_owned(),
        text(json.team),
        time(Some(json.started_at)),
        time(json.ended_at),
        number(json.duration_ms),
        text(json.ended_by),
        number(json.limit_ms),
        json.extended_ms.to_string(),
        json.overrun.to_string(),
        time(json.overran_at),
        json.short.to_string(),
        json.misclick.to_string(),
        json.estimated.to_string(),
        time(json.last_seen_at),
        json.paid.to_string(),
        json.counts_as_work.to_string(),
        json.zone.to_owned(),
        json.utc_offset_s.to_string(),
        json.local_day,
        json.business_day,
        time(json.shift_started_at),
        json.shift_estimated.to_string(),
        json.policy_version.to_string(),
        json.replaces.unwrap_or_default(),
        json.replaced_by.unwrap_or_default(),
        text(json.note),
        text(corrected.map(|corrected| corrected.by.kind)),
        text(corrected.and_then(|corrected| corrected.by.id)),
        time(corrected.map(|corrected| corrected.at)),
        text(corrected.and_then(|corrected| corrected.reason)),
        time(corrected.map(|corrected| corrected.ended_at_before)),
        guarded(&annotations.join(" | ")),
    ]
}

/// `2026-11-22T20:57:49.123Z supervisor sofia: text`.
fn annotation_line(annotation: &AnnotationJson<'_>) -> String {
    let AnnotationJson { by, at: WireTime(at), text } = annotation;
    let by = [Some(by.kind), by.id].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!("{} {by}: {}", to_text(*at), text.unwrap_or_default())
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it (fault table,
/// "CSV cells").
fn guarded(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::NaiveDate;
    use chrono_tz::America::Sao_Paulo;

    use super::*;
    use crate::domain::command::Actor;
    use crate::domain::event::{Cause, LimitedClass};
    use crate::domain::id::{AgentId, PauseId, PauseTypeCode, PolicyVersion, PrincipalId};
    use crate::domain::time::Timestamp;
    use crate::store::history::{Annotation, Correction, PauseEnd};

    #[tokio::test]
    async fn csv_is_rfc_4180_and_formulas_are_defused() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day");
        let started_at = Timestamp(1_795_381_069_123);
        let row = PauseRow {
            id: PauseId(7),
            agent: AgentId::new("ana").expect("an id"),
            agent_name: "=HYPERLINK(\"x\")".to_owned(),
            pause_type: PauseTypeCode::new("almoco").expect("a code"),
            class: LimitedClass::Regular,
            team: None,
            zone: Sao_Paulo,
            utc_offset_s: -10_800,
            local_day: day,
            business_day: day,
            shift_started_at: None,
            shift_estimated: false,
            started_at,
            ended: Some(PauseEnd {
                at: started_at + Duration::from_secs(60),
                by: Cause::Agent,
                short: true,
                misclick: false,
                last_seen_at: None,
                estimated: false,
                replaced_by: None,
            }),
            limit: Some(Duration::from_secs(3600)),
            extended_by: Duration::ZERO,
            corrected: Some(Correction {
                by: Actor::Supervisor(PrincipalId::new("sofia").expect("an id")),
                at: started_at + Duration::from_secs(90),
                reason: Some("-1".to_owned()),
                ended_at_before: started_at + Duration::from_secs(80),
            }),
            annotations: ["fila", "=2"]
                .map(|text| Annotation { by: Actor::System, at: started_at, text: Some(text.to_owned()) })
                .into(),
            overran_at: None,
            policy_version: PolicyVersion(1),
            paid: false,
            counts_as_work: true,
            replaces: None,
            note: Some("@sum, \"two\"".to_owned()),
        };
        let response = as_csv(&PausePage { rows: vec![row], next: None }, None).expect("written");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.expect("whole");
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("\"id\",\"agent\",\"name\",\"type\""));
        assert_eq!(
            lines[1],
            "\"00000000-0000-0000-0000-000000000007\",\"ana\",\"'=HYPERLINK(\"\"x\"\")\",\"almoco\",\"regular\",\"\",\
             \"2026-11-22T20:57:49.123Z\",\"2026-11-22T20:58:49.123Z\",60000,\"agent\",3600000,0,\"false\",\"\",\
             \"true\",\"false\",\"false\",\"\",\"false\",\"true\",\"America/Sao_Paulo\",-10800,\"2026-11-22\",\
             \"2026-11-22\",\"\",\"false\",1,\"\",\"\",\"'@sum, \"\"two\"\"\",\"supervisor\",\"sofia\",\
             \"2026-11-22T20:59:19.123Z\",\"'-1\",\"2026-11-22T20:59:09.123Z\",\
             \"2026-11-22T20:57:49.123Z system: fila | 2026-11-22T20:57:49.123Z system: =2\""
        );
        for start in ['=', '+', '-', '@', '\t', '\r', '\0'] {
            assert_eq!(guarded(&format!("{start}1")), format!("'{start}1"));
        }
    }
}
