//! Events on the wire: the journal as a list and as a stream.
//!
//! Nothing is masked here. What others are shown of an agent's event is the domain's to say
//! ([`crate::domain::shown_event`]); what is given here is written, and no secret is in any event.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::request::GrantState;
use super::state::ActorState;
use super::time::WireTime;
use crate::domain::access::AccessEvent;
use crate::domain::deferral::{Deferred, DeferredTarget};
use crate::domain::event::{
    AfterPause, AgentEvent, AgentEventBody, PauseEnded, PauseStarted, Pending, PendingTarget, TenantEvent,
    TenantEventBody,
};
use crate::domain::id::{AgentId, AgentSeq, CredentialId, PauseId, PauseTypeCode, TenantSeq};
use crate::domain::occupancy::SourceWork;
use crate::domain::policy_plans::PolicyStep;
use crate::domain::record::PauseCorrected;
use crate::domain::time::{Timestamp, millis};

/// The names of all kinds of events, in their order.
pub const EVENT_KINDS: [&str; 57] = [
    "access.cut",
    "access.refused",
    "account.ended",
    "account.invited",
    "account.made",
    "account.password_set",
    "agent.connected",
    "agent.connection_lost",
    "agent.deactivated",
    "agent.grace",
    "agent.resumed",
    "agent.signed_in",
    "agent.signed_out",
    "agent.status_changed",
    "alert.acknowledged",
    "clock.stepped",
    "data.exported",
    "directory.changed",
    "entitlement.at_risk",
    "finding.recorded",
    "grant.used",
    "history.read",
    "key.ended",
    "key.made",
    "key.used",
    "login.began",
    "login.ended",
    "occupancy.changed",
    "pause.annotated",
    "pause.corrected",
    "pause.ended",
    "pause.escalated",
    "pause.extended",
    "pause.left_queue",
    "pause.limit_reached",
    "pause.offer_expired",
    "pause.offered",
    "pause.overran",
    "pause.pending",
    "pause.pending_cancelled",
    "pause.queued",
    "pause.refused",
    "pause.started",
    "pause.warned",
    "policy.drafted",
    "policy.published",
    "policy.scheduled",
    "policy.withdrawn",
    "request.cancelled",
    "request.created",
    "request.decided",
    "request.expired",
    "server.started",
    "shift.cancelled",
    "shift.planned",
    "tenant.closed",
    "tenant.reopened",
];

/// One event; absent optional fields are left out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventObject<'a> {
    /// Its number within the tenant.
    pub seq: u64,
    /// When it was decided.
    pub at: WireTime,
    /// The name of its kind.
    #[schemars(extend("enum" = EVENT_KINDS.to_vec()))]
    pub kind: &'static str,
    /// Whose; absent on a tenant's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'a str>,
    /// Its number within the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_seq: Option<u64>,
    /// When it was due, for what a deadline brought about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<WireTime>,
    /// Who brought it about.
    pub actor: ActorState<'a>,
    /// Why.
    pub cause: &'static str,
    /// What a person wrote to it; absent where it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The policy that it was decided under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u64>,
    /// The `op` of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// What belongs to its kind.
    #[schemars(with = "Map<String, Value>")]
    pub data: Value,
}

impl<'a> EventObject<'a> {
    /// Writes an agent's event.
    pub fn of_agent(seq: TenantSeq, agent: &'a AgentId, agent_seq: AgentSeq, event: &'a AgentEvent) -> EventObject<'a> {
        // What somebody adds to the record is the event itself, not a reason for it.
        let is_text = matches!(event.body, AgentEventBody::PauseAnnotated { .. });
        let mut data = agent_data(&event.body);
        data.some("text", event.reason.as_deref().filter(|_| is_text));
        EventObject {
            seq: seq.0,
            at: WireTime(event.at),
            kind: event.body.name(),
            agent: Some(agent.as_str()),
            agent_seq: Some(agent_seq.0),
            due_at: event.due_at.map(WireTime),
            actor: ActorState::of(&event.actor),
            cause: event.cause.as_str(),
            reason: event.reason.as_deref().filter(|_| !is_text),
            policy_version: Some(event.policy_version.0),
            op: event.op.as_ref().map(|record| record.op.to_string()),
            data: data.into(),
        }
    }

    /// Writes a tenant's event.
    pub fn of_tenant(seq: TenantSeq, event: &'a TenantEvent) -> EventObject<'a> {
        let reason = match &event.body {
            TenantEventBody::PolicyPublished { reason, .. } | TenantEventBody::PolicyPlanned { reason, .. } => {
                reason.as_deref()
            }
            TenantEventBody::ServerStarted { .. }
            | TenantEventBody::ClockStepped { .. }
            | TenantEventBody::DirectoryChanged { .. }
            | TenantEventBody::Closing { .. }
            | TenantEventBody::Access(_) => None,
        };
        EventObject {
            seq: seq.0,
            at: WireTime(event.at),
            kind: event.body.name(),
            agent: None,
            agent_seq: None,
            due_at: None,
            actor: ActorState::of(&event.actor),
            cause: event.cause.as_str(),
            reason,
            policy_version: None,
            op: event.op.as_ref().map(|record| record.op.to_string()),
            data: tenant_data(&event.body).into(),
        }
    }

    /// The JSON text, on one line.
    ///
    /// # Panics
    /// Never: strings, numbers and lists always have a JSON form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists have a JSON form")
    }
}

/// The fields of an event's `data`.
#[derive(Debug, Default)]
struct Data(Map<String, Value>);

impl Data {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Data {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn at(self, name: &str, at: Timestamp) -> Data {
        self.with(name, super::time::to_text(at))
    }

    fn pause(self, id: PauseId) -> Data {
        self.with("pause", id.to_string())
    }

    fn of_type(self, code: &PauseTypeCode) -> Data {
        self.with("type", code.as_str())
    }

    fn maybe(mut self, name: &str, value: Option<impl Into<Value>>) -> Data {
        self.some(name, value);
        self
    }

    fn maybe_at(self, name: &str, at: Option<Timestamp>) -> Data {
        self.maybe(name, at.map(super::time::to_text))
    }

    fn some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Value {
        Value::Object(data.0)
    }
}

fn agent_data(body: &AgentEventBody) -> Data {
    let data = Data::default();
    match body {
        AgentEventBody::Connected { .. }
        | AgentEventBody::SignedOut
        | AgentEventBody::Deactivated
        | AgentEventBody::PendingCancelled => data,
        AgentEventBody::GraceBegan { until } => data.at("until", *until),
        AgentEventBody::ConnectionLost { last_seen_at } => data.at("last_seen_at", *last_seen_at),
        AgentEventBody::SignedIn { status, .. } | AgentEventBody::Resumed { status } => {
            data.with("status", status.as_str())
        }
        AgentEventBody::StatusChanged { from, to } => data.with("from", from.as_str()).with("to", to.as_str()),
        AgentEventBody::PauseRefused { pause_type, code, count } => {
            data.of_type(pause_type).with("code", code.as_str()).with("count", *count)
        }
        AgentEventBody::PendingSet(pending) => pending_data(pending),
        AgentEventBody::Deferred(deferred) => deferred_data(deferred),
        AgentEventBody::DeferralEnded { code } => data.maybe("code", code.as_deref()),
        AgentEventBody::RequestCreated(created) => data
            .with("request", created.id.to_string())
            .of_type(&created.pause_type)
            .maybe("extra_ms", Some(millis(created.extra)).filter(|extra| *extra > 0))
            .at("expires_at", created.expires_at),
        AgentEventBody::RequestDecided { request, grant } => data
            .with("request", request.to_string())
            .with("decision", if grant.is_some() { "grant" } else { "refuse" })
            .maybe("grant", grant.as_ref().map(|grant| json!(GrantState::of(grant)))),
        AgentEventBody::RequestExpired { request } | AgentEventBody::RequestCancelled { request } => {
            data.with("request", request.to_string())
        }
        AgentEventBody::GrantUsed { grant, pause } => data.with("grant", grant.to_string()).pause(*pause),
        AgentEventBody::AlertAcknowledged { alert } => data.with("alert", alert.to_string()),
        AgentEventBody::OccupancyChanged(changed) => {
            let sources: Vec<Value> = changed.sources.iter().map(source_value).collect();
            data.with("sources", sources).with("blocks", changed.blocks)
        }
        AgentEventBody::Queued(queued) => {
            let teams: Vec<&str> = queued.slots.iter().map(|team| team.as_str()).collect();
            let data = data.of_type(&queued.pause_type).maybe("note", queued.note.as_deref()).with("teams", teams);
            data.maybe_at("opens_at", queued.opens_at)
        }
        AgentEventBody::LeftQueue { pause_type, code } => data.of_type(pause_type).maybe("code", code.as_deref()),
        AgentEventBody::Offered { offer } => data.with("offer", offer.to_string()),
        // The id would tell when it was made, and so for how long its clock has rested.
        AgentEventBody::OfferExpired { place, .. } => data.with("seat_lost", place.is_none()),
        AgentEventBody::ShiftPlanned(planned) => data
            .with("day", planned.day().to_string())
            .at("start", planned.start())
            .at("end", planned.end())
            .maybe("unpaid_meal_s", Some(planned.unpaid_meal().as_secs()).filter(|meal| *meal > 0)),
        AgentEventBody::ShiftCancelled { day } => data.with("day", day.to_string()),
        AgentEventBody::PauseStarted(started) => started_data(started),
        AgentEventBody::PauseWarned { pause, before, late } => {
            data.pause(*pause).with("before_ms", millis(*before)).with("late", *late)
        }
        AgentEventBody::LimitReached { pause, late } | AgentEventBody::Overran { pause, late } => {
            data.pause(*pause).with("late", *late)
        }
        AgentEventBody::Escalated { pause, after, late } => {
            data.pause(*pause).with("after_ms", millis(*after)).with("late", *late)
        }
        AgentEventBody::PauseExtended { pause, by } => data.pause(*pause).with("by_ms", millis(*by)),
        AgentEventBody::PauseEnded(ended) => ended_data(ended),
        AgentEventBody::PauseCorrected(corrected) => corrected_data(corrected),
        AgentEventBody::PauseAnnotated { pause } => data.pause(*pause),
        AgentEventBody::EntitlementAtRisk(risk) => data
            .with("rule", risk.rule.as_str())
            .of_type(&risk.pause_type)
            .with("owed", risk.owed)
            .at("latest_start_at", risk.latest_start)
            .with("estimated", risk.estimated)
            .at("since", risk.since),
        AgentEventBody::FindingRecorded { code, pause } => {
            data.with("code", code.as_str()).maybe("pause", pause.map(|id| id.to_string()))
        }
    }
}

fn pending_data(pending: &Pending) -> Data {
    let data = Data::default();
    let data = match &pending.target {
        PendingTarget::Status(status) => data.with("status", status.as_str()),
        PendingTarget::Limit => data.with("status", "unavailable"),
        PendingTarget::SignOut => data.with("status", "offline"),
        PendingTarget::Pause { pause_type, .. } => data.of_type(pause_type),
    };
    data.at("since", pending.since).with("why", "protected_pause")
}

fn deferred_data(deferred: &Deferred) -> Data {
    let data = Data::default();
    let data = match &deferred.target {
        DeferredTarget::Status(status) => data.with("status", status.as_str()),
        // What it replaces and the offer that it has taken are the agent's alone to know.
        DeferredTarget::Pause { pause_type, note, .. } => data.of_type(pause_type).maybe("note", note.as_deref()),
    };
    data.at("since", deferred.since).maybe_at("deadline_at", deferred.deadline_at).with("why", "occupied")
}

fn source_value(work: &SourceWork) -> Value {
    let channels: Map<String, Value> =
        work.work.open.iter().map(|(channel, open)| (channel.as_str().to_owned(), json!(open))).collect();
    json!({"source": work.source.as_str(), "known": work.known, "channels": channels, "wrap_up": work.work.wrap_up})
}

fn started_data(started: &PauseStarted) -> Data {
    let (terms, place) = (started.terms.as_ref(), &started.place);
    let slots: Vec<&str> = place.slots.iter().map(|team| team.as_str()).collect();
    Data::default()
        .pause(started.id)
        .of_type(&started.pause_type)
        .with("class", started.class().as_str())
        .maybe("inside", started.inside.map(|id| id.to_string()))
        .maybe("replaces", started.replaces.map(|id| id.to_string()))
        .maybe("note", started.note.as_deref())
        .maybe("team", place.team.as_ref().map(|team| team.as_str()))
        .with("slots", slots)
        .maybe("limit_ms", terms.and_then(|terms| terms.limit).map(millis))
        .maybe("min_ms", terms.and_then(|terms| terms.min_duration).map(millis))
        .maybe("grace_ms", terms.map(|terms| millis(terms.grace)))
        .maybe("paid", terms.map(|terms| terms.paid))
        .maybe("counts_as_work", terms.map(|terms| terms.counts_as_work))
        .with("zone", place.zone.name())
        .with("utc_offset_s", place.utc_offset_s)
        .with("local_day", place.local_day.to_string())
        .with("business_day", place.business_day.to_string())
        .maybe_at("shift_started_at", place.shift.map(|shift| shift.started_at))
        .with("shift_estimated", place.shift.is_some_and(|shift| shift.estimated))
}

fn ended_data(ended: &PauseEnded) -> Data {
    let then = match ended.then {
        AfterPause::Status(status) => status.as_str(),
        AfterPause::OuterPause => "paused",
    };
    Data::default()
        .pause(ended.pause)
        .with("then", then)
        .with("short", ended.short)
        .with("misclick", ended.misclick)
        .with("estimated", ended.last_seen_at.is_some())
        .maybe_at("last_seen_at", ended.last_seen_at)
        .maybe("replaced_by", ended.replaced_by.map(|id| id.to_string()))
}

fn corrected_data(corrected: &PauseCorrected) -> Data {
    Data::default()
        .pause(corrected.pause)
        .of_type(&corrected.pause_type)
        .at("started_at", corrected.started_at)
        .at("ended_at", corrected.ended_at)
        .at("ended_at_before", corrected.ended_at_before)
        .with("short", corrected.short)
        .with("misclick", corrected.misclick)
        .maybe_at("overran_at", corrected.overran_at)
}

fn tenant_data(body: &TenantEventBody) -> Data {
    let data = Data::default();
    match body {
        TenantEventBody::ServerStarted { grace_until, moved } => {
            data.at("grace_until", *grace_until).with("moved_ms", millis(*moved))
        }
        TenantEventBody::ClockStepped { by_ms, ahead_ms } => data.with("by_ms", *by_ms).with("ahead_ms", *ahead_ms),
        TenantEventBody::PolicyPublished { version, .. } => data.with("version", version.0),
        TenantEventBody::PolicyPlanned { step, .. } => match step {
            PolicyStep::Drafted { base_version } => data.with("base_version", base_version.0),
            PolicyStep::Scheduled { takes_effect_at, loosen_only } => {
                data.at("takes_effect_at", *takes_effect_at).with("loosen_only", *loosen_only)
            }
            PolicyStep::Withdrawn => data,
        },
        TenantEventBody::DirectoryChanged { version, added, changed, removed } => {
            let data = data.with("version", version.0).with("added", *added);
            data.with("changed", *changed).with("removed", *removed)
        }
        TenantEventBody::Closing { version, .. } => data.with("version", version.0),
        TenantEventBody::Access(event) => access_data(event),
    }
}

fn access_data(event: &AccessEvent) -> Data {
    let id = |name: &str, id: CredentialId| Data::default().with(name, id.to_string());
    match event {
        AccessEvent::KeyMade(key) | AccessEvent::KeyUsed(key) | AccessEvent::KeyEnded(key) => id("key", *key),
        AccessEvent::AccountMade(account) | AccessEvent::AccountEnded(account) | AccessEvent::PasswordSet(account) => {
            id("account", *account)
        }
        AccessEvent::AccountInvited { account, invitation } => {
            id("account", *account).with("invitation", invitation.to_string())
        }
        AccessEvent::LoginBegan { account, login } => id("account", *account).with("login", login.to_string()),
        AccessEvent::LoginEnded(login) => id("login", *login),
        AccessEvent::AccessCut { subject } => Data::default().maybe("subject", subject.as_deref()),
        AccessEvent::AccessRefused { door, credential, count } => {
            let data = Data::default().with("door", door.as_str()).with("count", *count);
            data.maybe("credential", credential.map(|id| id.to_string()))
        }
        AccessEvent::HistoryRead { what, role, count } => {
            let data = Data::default().with("what", what.as_str()).with("role", role.as_str());
            data.with("count", *count)
        }
        AccessEvent::DataExported { export, rows, role, count } => {
            let filters: Vec<&str> = export.filters.iter().map(|filter| filter.as_str()).collect();
            let data = Data::default().with("what", export.what.as_str()).with("format", export.format.as_str());
            data.with("filters", filters).with("rows", *rows).with("role", role.as_str()).with("count", *count)
        }
    }
}
