//! `board.changed`: the frames of a board, whole and ready to be sent to every board of a view.
//!
//! Rows come in as JSON that was written once ([`super::state::AgentState::to_json`]); nothing here
//! depends on a connection.

mod snapshot;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

pub use snapshot::Snapshot;

use super::notifications::Notification;
use super::request::RequestObject;
use super::time::WireTime;
use super::words;
use crate::domain::alert::AlertId;
use crate::domain::id::TenantSeq;
use crate::domain::presence::{AgentView, PauseView, Presence};
use crate::domain::request::RequestState;
use crate::domain::time::Timestamp;

/// The largest frame that the server sends (`docs/protocol.md`), in bytes.
pub const FRAME_BYTES_MAX: usize = 512 * 1024;
/// The most agents in one part of a snapshot (`docs/protocol.md`).
pub const AGENTS_PER_PART_MAX: usize = 500;
/// The most bytes of rows in one part of a snapshot, unless one row alone has more. Whoever does not read holds a part until
/// it is cut, and a copy of it (promise R1).
const PART_BYTES_MAX: usize = 64 * 1024;
/// The most alerts in a frame, the oldest ones; with it, alerts stay under half of
/// [`FRAME_BYTES_MAX`] for ids of ordinary length. A row still says `overrun` where its alert is left out.
pub const ALERTS_PER_FRAME_MAX: usize = 500;
/// The most open requests in a frame, the oldest ones.
pub const REQUESTS_PER_FRAME_MAX: usize = 200;
/// The most that counts, alerts or requests may each take of a frame, in bytes; beyond it they are left out,
/// which leaves the rows a quarter of the frame. Only a view of very many teams gets there, or
/// one of many alerts with ids of the greatest length.
pub const EXTRA_BYTES_MAX: usize = 120 * 1024;
/// What is reserved in a frame for everything that is not rows, counts or alerts.
const ENVELOPE_BYTES_MAX: usize = 4 * 1024;

/// How many agents of a team are in each presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct PresenceCounts {
    /// Ready.
    pub available: u32,
    /// Not ready.
    pub unavailable: u32,
    /// In the work after a conversation.
    pub wrap_up: u32,
    /// With conversations open.
    pub busy: u32,
    /// On a pause.
    pub paused: u32,
    /// Not at work.
    pub offline: u32,
}

impl PresenceCounts {
    /// The count of one presence, to be changed.
    pub fn of_mut(&mut self, presence: Presence) -> &mut u32 {
        match presence {
            Presence::Available => &mut self.available,
            Presence::Unavailable => &mut self.unavailable,
            Presence::WrapUp => &mut self.wrap_up,
            Presence::Busy => &mut self.busy,
            Presence::Paused => &mut self.paused,
            Presence::Offline => &mut self.offline,
        }
    }
}

impl std::ops::AddAssign for PresenceCounts {
    fn add_assign(&mut self, others: PresenceCounts) {
        let PresenceCounts { available, unavailable, wrap_up, busy, paused, offline } = others;
        self.available += available;
        self.unavailable += unavailable;
        self.wrap_up += wrap_up;
        self.busy += busy;
        self.paused += paused;
        self.offline += offline;
    }
}

/// Something that a supervisor should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alert {
    /// The same for as long as it lasts, on every board.
    pub id: String,
    /// What kind: `overrun`, `work_during_pause`, `request`, `at_risk`.
    #[schemars(extend("enum" = words::alerts()))]
    pub kind: &'static str,
    /// Whose.
    pub agent: String,
    /// The team that it counts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Since when.
    pub since: WireTime,
    /// What belongs to this kind.
    pub params: AlertParams,
    /// Who has seen it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<AckState>,
}

/// Who has seen an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AckState {
    /// Who.
    pub by: AckBy,
    /// When.
    pub at: WireTime,
}

/// Who has seen an alert: kind and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AckBy {
    /// `supervisor` or `admin`.
    #[schemars(extend("enum" = words::actors()))]
    pub kind: &'static str,
    /// Their id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What belongs to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AlertParams {
    /// One about a pause.
    Pause(PauseParams),
    /// One about a request.
    Request(RequestParams),
    /// One about what is owed and is about to lapse.
    AtRisk(AtRiskParams),
}

/// What belongs to an alert about an entitlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AtRiskParams {
    /// The rule by which it is owed.
    pub rule: String,
    /// The type of pause.
    #[serde(rename = "type")]
    pub pause_type: String,
    /// How many are still owed.
    pub owed: u32,
    /// When the next one has to begin.
    pub latest_start_at: WireTime,
    /// True where nobody has said how long the shift is.
    pub estimated: bool,
}

/// What belongs to an alert about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RequestParams {
    /// The request.
    pub request: String,
    /// The type of pause that it is for.
    #[serde(rename = "type")]
    pub pause_type: String,
    /// Until when somebody may decide.
    pub expires_at: WireTime,
}

/// What belongs to an alert about a pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PauseParams {
    /// The pause.
    pub pause: String,
    /// Its type.
    #[serde(rename = "type")]
    pub pause_type: String,
    /// When it began.
    pub started_at: WireTime,
    /// When the limit was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_at: Option<WireTime>,
}

impl Alert {
    /// The alerts that a row gives rise to.
    pub fn of(view: &AgentView) -> Vec<Alert> {
        let of_pause = view.pause.iter().flat_map(|pause| {
            let alerts =
                [(AlertId::Overrun(pause.id), pause.overran_at), (AlertId::WorkDuringPause(pause.id), pause.worked_at)];
            alerts.into_iter().filter_map(move |(alert, since)| Some(Alert::about(view, pause, alert, since?)))
        });
        let open = view.request.as_deref().filter(|request| request.state == RequestState::Open);
        let of_request = open.map(|request| Alert {
            id: AlertId::Request(request.id).to_string(),
            kind: AlertId::Request(request.id).kind(),
            ack: ack_of(view, AlertId::Request(request.id)),
            agent: view.person.id.as_str().to_owned(),
            team: view.person.primary_team().map(|team| team.as_str().to_owned()),
            since: WireTime(request.at),
            params: AlertParams::Request(RequestParams {
                request: request.id.to_string(),
                pause_type: request.pause_type.as_str().to_owned(),
                expires_at: WireTime(request.expires_at),
            }),
        });
        let of_risks = view.at_risk.iter().map(|risk| Alert {
            id: AlertId::AtRisk(risk.id).to_string(),
            kind: AlertId::AtRisk(risk.id).kind(),
            ack: ack_of(view, AlertId::AtRisk(risk.id)),
            agent: view.person.id.as_str().to_owned(),
            team: view.person.primary_team().map(|team| team.as_str().to_owned()),
            since: WireTime(risk.since),
            params: AlertParams::AtRisk(AtRiskParams {
                rule: risk.rule.as_str().to_owned(),
                pause_type: risk.pause_type.as_str().to_owned(),
                owed: risk.owed,
                latest_start_at: WireTime(risk.latest_start),
                estimated: risk.estimated,
            }),
        });
        of_pause.chain(of_request).chain(of_risks).collect()
    }

    fn about(view: &AgentView, pause: &PauseView, alert: AlertId, since: Timestamp) -> Alert {
        let team = pause.team.as_ref().or(view.person.primary_team());
        Alert {
            id: alert.to_string(),
            kind: alert.kind(),
            ack: ack_of(view, alert),
            agent: view.person.id.as_str().to_owned(),
            team: team.map(|team| team.as_str().to_owned()),
            since: WireTime(since),
            params: AlertParams::Pause(PauseParams {
                pause: pause.id.to_string(),
                pause_type: pause.pause_type.as_str().to_owned(),
                started_at: WireTime(pause.started_at),
                limit_at: pause.limit_at.map(WireTime),
            }),
        }
    }
}

fn ack_of(view: &AgentView, alert: AlertId) -> Option<AckState> {
    let ack = view.acks.iter().find(|ack| ack.alert == alert)?;
    let by = AckBy { kind: ack.by.kind(), id: ack.by.id().map(str::to_owned) };
    Some(AckState { by, at: WireTime(ack.at) })
}

/// What stands beside the rows of a frame.
#[derive(Debug, Clone, Default)]
pub struct Extras<'a> {
    /// Counts of every team of the view, when they changed.
    pub counts: Option<BTreeMap<&'a str, PresenceCounts>>,
    /// Every alert of the view, when one changed.
    pub alerts: Option<Vec<&'a Alert>>,
    /// Every open request of the view, when one changed.
    pub requests: Option<Vec<RequestObject<'a>>>,
}

/// Where a frame ends: the tenant's number, and the cursor that stands for it.
#[derive(Debug, Clone, Copy)]
pub struct Boundary<'a> {
    /// The tenant's number.
    pub to: TenantSeq,
    /// Resumes here.
    pub cursor: &'a str,
}

#[derive(Serialize)]
struct Message<'a, R> {
    jsonrpc: &'static str,
    method: &'static str,
    params: Params<'a, R>,
}

#[derive(Serialize)]
struct Params<'a, R> {
    subscription: &'a str,
    result: R,
}

#[derive(Serialize)]
struct Changes<'a> {
    kind: &'static str,
    from: u64,
    to: u64,
    cursor: &'a str,
    agents: &'a [&'a RawValue],
    removed: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Beat<'a> {
    kind: &'static str,
    to: u64,
    cursor: &'a str,
}

#[derive(Serialize)]
struct Stale {
    kind: &'static str,
    since: WireTime,
}

/// The frame of what changed in `(from, end.to]`. The caller keeps it under [`FRAME_BYTES_MAX`].
pub fn changes(
    subscription: &str,
    from: TenantSeq,
    end: Boundary<'_>,
    agents: &[&RawValue],
    removed: &[&str],
    extras: &Extras<'_>,
) -> String {
    let extras = WrittenExtras::of(extras);
    let (counts, alerts, requests) = extras.all();
    let (to, cursor) = (end.to.0, end.cursor);
    write(
        subscription,
        &Changes { kind: "changes", from: from.0, to, cursor, agents, removed, counts, alerts, requests },
    )
}

/// The frame of a quiet time: nothing happened up to `end`.
pub fn beat(subscription: &str, end: Boundary<'_>) -> String {
    write(subscription, &Beat { kind: "beat", to: end.to.0, cursor: end.cursor })
}

/// The frame that says that the truth is out of reach.
pub fn stale(subscription: &str, since: Timestamp) -> String {
    write(subscription, &Stale { kind: "stale", since: WireTime(since) })
}

fn write<R: Serialize>(subscription: &str, result: &R) -> String {
    let params = Params { subscription, result };
    let message = Message { jsonrpc: "2.0", method: Notification::BoardChanged.name(), params };
    serde_json::to_string(&message).expect("strings, numbers and lists have a JSON form")
}

/// Counts and alerts as JSON, so that their length is known before the rows are split.
#[derive(Debug)]
struct WrittenExtras {
    counts: Option<Box<RawValue>>,
    alerts: Option<Box<RawValue>>,
    requests: Option<Box<RawValue>>,
}

/// Counts, alerts and requests, those that are there.
type Written<'a> = (Option<&'a RawValue>, Option<&'a RawValue>, Option<&'a RawValue>);

impl WrittenExtras {
    fn of(extras: &Extras<'_>) -> WrittenExtras {
        fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
            let json = serde_json::value::to_raw_value(value).expect("strings, numbers and lists have a JSON form");
            (json.get().len() <= EXTRA_BYTES_MAX).then_some(json)
        }
        WrittenExtras {
            counts: extras.counts.as_ref().and_then(raw),
            alerts: extras.alerts.as_ref().and_then(|alerts| raw(&&alerts[..alerts.len().min(ALERTS_PER_FRAME_MAX)])),
            requests: extras
                .requests
                .as_ref()
                .and_then(|requests| raw(&&requests[..requests.len().min(REQUESTS_PER_FRAME_MAX)])),
        }
    }

    fn all(&self) -> Written<'_> {
        (self.counts.as_deref(), self.alerts.as_deref(), self.requests.as_deref())
    }

    fn bytes(&self) -> usize {
        let length = |json: &Option<Box<RawValue>>| json.as_ref().map_or(0, |json| json.get().len());
        length(&self.counts) + length(&self.alerts) + length(&self.requests)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;

    const END: Boundary<'_> = Boundary { to: TenantSeq(42), cursor: "c42" };

    fn rows(count: usize, length: usize) -> Vec<Box<RawValue>> {
        let row = |at: usize| RawValue::from_string(format!(r#"{{"agent":"{at:0>length$}"}}"#)).unwrap();
        (0..count).map(row).collect()
    }

    fn parts_of(rows: &[Box<RawValue>], extras: &Extras<'_>) -> Vec<Value> {
        let rows = rows.iter().map(|row| Arc::from(row.clone())).collect();
        let snapshot = Snapshot::of(END, rows, extras);
        let frames: Vec<String> = (0..snapshot.parts()).map(|part| snapshot.frame("view", part)).collect();
        assert!(frames.iter().all(|frame| frame.len() <= FRAME_BYTES_MAX), "a frame is too long");
        frames.iter().map(|frame| serde_json::from_str::<Value>(frame).unwrap()["params"]["result"].take()).collect()
    }

    fn check_whole(parts: &[Value], count: usize) {
        let agents: Vec<&Value> = parts.iter().flat_map(|part| part["agents"].as_array().unwrap()).collect();
        assert_eq!(agents.len(), count);
        for (at, part) in parts.iter().enumerate() {
            assert_eq!((&part["part"], &part["parts"]), (&Value::from(at), &Value::from(parts.len())));
            assert!(part["agents"].as_array().unwrap().len() <= AGENTS_PER_PART_MAX);
            assert_eq!((part["to"].as_u64(), part["cursor"].as_str()), (Some(42), Some("c42")));
        }
    }

    #[test]
    fn frames_are_whole_notifications() {
        let row = RawValue::from_string(r#"{"agent":"ana"}"#.to_owned()).unwrap();
        assert_eq!(
            changes("v", TenantSeq(40), END, &[&row], &["bia"], &Extras::default()),
            concat!(
                r#"{"jsonrpc":"2.0","method":"board.changed","params":{"subscription":"v","result":{"kind":"changes","#,
                r#""from":40,"to":42,"cursor":"c42","agents":[{"agent":"ana"}],"removed":["bia"]}}}"#
            )
        );
        assert_eq!(
            beat("v", END),
            concat!(
                r#"{"jsonrpc":"2.0","method":"board.changed","params":{"subscription":"v","result":"#,
                r#"{"kind":"beat","to":42,"cursor":"c42"}}}"#
            )
        );
        assert_eq!(
            stale("v", Timestamp(0)),
            concat!(
                r#"{"jsonrpc":"2.0","method":"board.changed","params":{"subscription":"v","result":"#,
                r#"{"kind":"stale","since":"1970-01-01T00:00:00.000Z"}}}"#
            )
        );
    }

    #[test]
    fn a_snapshot_of_nobody_is_one_part() {
        let counts = BTreeMap::from([("suporte", PresenceCounts { paused: 2, ..PresenceCounts::default() })]);
        let parts = parts_of(&[], &Extras { counts: Some(counts), alerts: Some(Vec::new()), requests: None });
        check_whole(&parts, 0);
        assert_eq!(parts.len(), 1);
        let expected = serde_json::json!({ "suporte": { "available": 0, "unavailable": 0, "wrap_up": 0, "busy": 0, "paused": 2, "offline": 0 } });
        assert_eq!((&parts[0]["counts"], &parts[0]["alerts"]), (&expected, &serde_json::json!([])));
    }

    #[test]
    fn a_snapshot_has_at_most_500_agents_a_part_and_its_extras_in_the_first() {
        for (count, parts_wanted) in [(500, 1), (501, 2), (1500, 3)] {
            let extras = Extras { counts: Some(BTreeMap::new()), ..Extras::default() };
            let parts = parts_of(&rows(count, 8), &extras);
            check_whole(&parts, count);
            assert_eq!(parts.len(), parts_wanted);
            assert!(parts[0].get("counts").is_some());
            assert!(parts[1..].iter().all(|part| part.get("counts").is_none()));
        }
    }

    #[test]
    fn promise_r1_rows_are_cut_into_parts_that_a_slow_board_may_hold() {
        let rows = rows(500, 3_000);
        let parts = parts_of(&rows, &Extras::default());
        check_whole(&parts, 500);
        let a_part = PART_BYTES_MAX / (rows[0].get().len() + 1);
        assert_eq!((a_part, parts.len()), (21, 500usize.div_ceil(21)));
    }

    #[test]
    fn one_row_that_is_too_long_is_a_part() {
        let parts = parts_of(&rows(3, 65_535), &Extras::default());
        check_whole(&parts, 3);
        assert_eq!(parts.len(), 3);
    }

    #[test]
    fn extras_leave_room_and_too_long_ones_are_left_out() {
        let alert = |at: usize| Alert {
            id: format!("overrun:{at}"),
            kind: "overrun",
            agent: format!("agent-{at}"),
            ack: None,
            team: None,
            since: WireTime(Timestamp(0)),
            params: AlertParams::Pause(PauseParams {
                pause: at.to_string(),
                pause_type: "almoco".to_owned(),
                started_at: WireTime(Timestamp(0)),
                limit_at: None,
            }),
        };
        let alerts: Vec<Alert> = (0..600).map(alert).collect();
        let teams: Vec<String> = (0..300).map(|at| format!("{at:0>1000}")).collect();
        let counts = teams.iter().map(|team| (team.as_str(), PresenceCounts::default())).collect();
        let extras = Extras { counts: Some(counts), alerts: Some(alerts.iter().collect()), requests: None };
        let parts = parts_of(&rows(500, 980), &extras);
        check_whole(&parts, 500);
        assert_eq!(parts[0]["alerts"].as_array().unwrap().len(), ALERTS_PER_FRAME_MAX);
        assert!(parts[0].get("counts").is_none(), "300 kB of counts leave no room for rows");
    }
}
