//! The stored form of an agent's event: what is in the journal's `body`. The rest are columns.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::deferred::DeferredForm;
use super::entitlement::{AtRiskForm, RightForm};
use super::occupancy::ChangedForm;
use super::record::CorrectedForm;
use super::request::{CreatedForm, GrantForm};
use super::shift::{PlannedForm, ShiftForm};
use super::text::Text;
use super::word::{ChosenStatusForm, LimitedClassForm, OnEarlyEndForm, OnLimitForm};
use super::{ActorForm, FormError, Hash, Refer, Resolve, from_ms, parse, to_ms};
use crate::domain::alert::AlertId;
use crate::domain::event::{
    AfterPause, AgentEvent, AgentEventBody, PauseEnded, PausePlace, PauseStarted, PauseTerms, Pending, PendingTarget,
    Queued,
};
use crate::domain::id::{OfferId, PauseId, PauseTypeCode, RequestId, TeamId};
use crate::domain::queue::Place;
use crate::domain::time::Timestamp;

/// The body of an agent's event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventForm {
    v: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Hash>,
    event: BodyForm,
}

impl EventForm {
    pub(crate) fn of(event: &AgentEvent, refer: &mut dyn Refer) -> EventForm {
        EventForm {
            v: super::FORM,
            reason: event.reason.as_deref().map(|reason| refer.text(reason)),
            event: BodyForm::of(&event.body, refer),
        }
    }

    /// The reason and the body.
    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<(Option<String>, AgentEventBody), FormError> {
        if self.v != super::FORM {
            return Err(FormError::UnknownForm(self.v));
        }
        Ok((self.reason.and_then(|hash| resolve.text(hash)), self.event.into_domain(resolve)?))
    }

    /// The hash of what was written to it.
    pub(crate) fn reason(&self) -> Option<Hash> {
        self.reason
    }

    /// The hash of the note that a started pause carries.
    pub(crate) fn note(&self) -> Option<Hash> {
        match &self.event {
            BodyForm::PauseStarted(started) => started.note,
            BodyForm::Connected
            | BodyForm::ConnectedInShift { .. }
            | BodyForm::GraceBegan { .. }
            | BodyForm::ConnectionLost { .. }
            | BodyForm::SignedIn { .. }
            | BodyForm::Resumed { .. }
            | BodyForm::StatusChanged { .. }
            | BodyForm::SignedOut
            | BodyForm::Deactivated
            | BodyForm::PauseRefused { .. }
            | BodyForm::PendingSet(_)
            | BodyForm::PendingCancelled
            | BodyForm::Deferred(_)
            | BodyForm::DeferralEnded { .. }
            | BodyForm::OccupancyChanged(_)
            | BodyForm::RequestCreated(_)
            | BodyForm::RequestDecided { .. }
            | BodyForm::RequestExpired { .. }
            | BodyForm::RequestCancelled { .. }
            | BodyForm::GrantUsed { .. }
            | BodyForm::AlertAcknowledged { .. }
            | BodyForm::Queued(_)
            | BodyForm::LeftQueue { .. }
            | BodyForm::Offered { .. }
            | BodyForm::OfferExpired { .. }
            | BodyForm::ShiftPlanned(_)
            | BodyForm::ShiftCancelled { .. }
            | BodyForm::PauseWarned { .. }
            | BodyForm::LimitReached { .. }
            | BodyForm::Overran { .. }
            | BodyForm::Escalated { .. }
            | BodyForm::PauseExtended { .. }
            | BodyForm::PauseEnded(_)
            | BodyForm::PauseCorrected(_)
            | BodyForm::PauseAnnotated { .. }
            | BodyForm::EntitlementAtRisk(_)
            | BodyForm::FindingRecorded { .. } => None,
        }
    }
}

/// What happened, by the event's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum BodyForm {
    #[serde(rename = "agent.connected")]
    Connected,
    #[serde(rename = "agent.connected_in_shift")]
    ConnectedInShift { shift: ShiftForm },
    #[serde(rename = "agent.grace")]
    GraceBegan { until: i64 },
    #[serde(rename = "agent.connection_lost")]
    ConnectionLost { last_seen_at: i64 },
    #[serde(rename = "agent.signed_in")]
    SignedIn { status: ChosenStatusForm, shift: ShiftForm },
    #[serde(rename = "agent.resumed")]
    Resumed { status: ChosenStatusForm },
    #[serde(rename = "agent.status_changed")]
    StatusChanged { from: ChosenStatusForm, to: ChosenStatusForm },
    #[serde(rename = "agent.signed_out")]
    SignedOut,
    #[serde(rename = "agent.deactivated")]
    Deactivated,
    #[serde(rename = "pause.refused")]
    PauseRefused { pause_type: String, code: String, count: u32 },
    #[serde(rename = "pause.pending")]
    PendingSet(PendingForm),
    #[serde(rename = "pause.pending_cancelled")]
    PendingCancelled,
    #[serde(rename = "pause.deferred")]
    Deferred(Box<DeferredForm>),
    #[serde(rename = "pause.deferral_ended")]
    DeferralEnded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    #[serde(rename = "occupancy.changed")]
    OccupancyChanged(ChangedForm),
    #[serde(rename = "alert.acknowledged")]
    AlertAcknowledged { alert: Text<AlertId> },
    #[serde(rename = "request.created")]
    RequestCreated(Box<CreatedForm>),
    #[serde(rename = "request.decided")]
    RequestDecided {
        request: Text<RequestId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<GrantForm>,
    },
    #[serde(rename = "request.expired")]
    RequestExpired { request: Text<RequestId> },
    #[serde(rename = "request.cancelled")]
    RequestCancelled { request: Text<RequestId> },
    #[serde(rename = "grant.used")]
    GrantUsed { grant: Text<RequestId>, pause: String },
    #[serde(rename = "pause.queued")]
    Queued(QueuedForm),
    #[serde(rename = "pause.left_queue")]
    LeftQueue {
        pause_type: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    #[serde(rename = "pause.offered")]
    Offered { offer: Text<OfferId> },
    #[serde(rename = "pause.offer_expired")]
    OfferExpired {
        offer: Text<OfferId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<PlaceInLineForm>,
    },
    #[serde(rename = "shift.planned")]
    ShiftPlanned(PlannedForm),
    #[serde(rename = "shift.cancelled")]
    ShiftCancelled { day: Text<NaiveDate> },
    #[serde(rename = "pause.started")]
    PauseStarted(Box<StartedForm>),
    #[serde(rename = "pause.warned")]
    PauseWarned { pause: String, before_ms: u64, late: bool },
    #[serde(rename = "pause.limit_reached")]
    LimitReached { pause: String, late: bool },
    #[serde(rename = "pause.overran")]
    Overran { pause: String, late: bool },
    #[serde(rename = "pause.escalated")]
    Escalated { pause: String, after_ms: u64, late: bool },
    #[serde(rename = "pause.extended")]
    PauseExtended { pause: String, by_ms: u64 },
    #[serde(rename = "pause.ended")]
    PauseEnded(EndedForm),
    #[serde(rename = "pause.corrected")]
    PauseCorrected(Box<CorrectedForm>),
    #[serde(rename = "pause.annotated")]
    PauseAnnotated { pause: Text<PauseId> },
    #[serde(rename = "entitlement.at_risk")]
    EntitlementAtRisk(Box<AtRiskForm>),
    #[serde(rename = "finding.recorded")]
    FindingRecorded {
        code: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pause: Option<String>,
    },
}

impl BodyForm {
    fn of(body: &AgentEventBody, refer: &mut dyn Refer) -> BodyForm {
        match body {
            AgentEventBody::Connected { shift: None } => BodyForm::Connected,
            AgentEventBody::Connected { shift: Some(shift) } => {
                BodyForm::ConnectedInShift { shift: ShiftForm::of(*shift) }
            }
            AgentEventBody::GraceBegan { until } => BodyForm::GraceBegan { until: until.0 },
            AgentEventBody::ConnectionLost { last_seen_at } => {
                BodyForm::ConnectionLost { last_seen_at: last_seen_at.0 }
            }
            AgentEventBody::SignedIn { status, shift } => {
                BodyForm::SignedIn { status: (*status).into(), shift: ShiftForm::of(*shift) }
            }
            AgentEventBody::Resumed { status } => BodyForm::Resumed { status: (*status).into() },
            AgentEventBody::StatusChanged { from, to } => {
                BodyForm::StatusChanged { from: (*from).into(), to: (*to).into() }
            }
            AgentEventBody::SignedOut => BodyForm::SignedOut,
            AgentEventBody::Deactivated => BodyForm::Deactivated,
            AgentEventBody::PauseRefused { pause_type, code, count } => {
                BodyForm::PauseRefused { pause_type: pause_type.to_string(), code: code.clone(), count: *count }
            }
            AgentEventBody::PendingSet(pending) => BodyForm::PendingSet(PendingForm::of(pending, refer)),
            AgentEventBody::PendingCancelled => BodyForm::PendingCancelled,
            AgentEventBody::Deferred(deferred) => BodyForm::Deferred(Box::new(DeferredForm::of(deferred, refer))),
            AgentEventBody::DeferralEnded { code } => BodyForm::DeferralEnded { code: code.clone() },
            AgentEventBody::OccupancyChanged(changed) => BodyForm::OccupancyChanged(ChangedForm::of(changed)),
            AgentEventBody::AlertAcknowledged { alert } => BodyForm::AlertAcknowledged { alert: Text(*alert) },
            AgentEventBody::RequestCreated(created) => {
                BodyForm::RequestCreated(Box::new(CreatedForm::of(created, refer)))
            }
            AgentEventBody::RequestDecided { request, grant } => {
                BodyForm::RequestDecided { request: Text(*request), grant: grant.as_ref().map(GrantForm::of) }
            }
            AgentEventBody::RequestExpired { request } => BodyForm::RequestExpired { request: Text(*request) },
            AgentEventBody::RequestCancelled { request } => BodyForm::RequestCancelled { request: Text(*request) },
            AgentEventBody::GrantUsed { grant, pause } => {
                BodyForm::GrantUsed { grant: Text(*grant), pause: pause.to_string() }
            }
            AgentEventBody::Queued(queued) => BodyForm::Queued(QueuedForm::of(queued, refer)),
            AgentEventBody::LeftQueue { pause_type, code } => {
                BodyForm::LeftQueue { pause_type: pause_type.to_string(), code: code.clone() }
            }
            AgentEventBody::Offered { offer } => BodyForm::Offered { offer: Text(*offer) },
            AgentEventBody::OfferExpired { offer, place } => {
                BodyForm::OfferExpired { offer: Text(*offer), place: place.map(PlaceInLineForm::of) }
            }
            AgentEventBody::ShiftPlanned(planned) => BodyForm::ShiftPlanned(PlannedForm::of(planned)),
            AgentEventBody::ShiftCancelled { day } => BodyForm::ShiftCancelled { day: Text(*day) },
            AgentEventBody::PauseStarted(started) => BodyForm::PauseStarted(Box::new(StartedForm::of(started, refer))),
            AgentEventBody::PauseWarned { pause, before, late } => {
                BodyForm::PauseWarned { pause: pause.to_string(), before_ms: to_ms(*before), late: *late }
            }
            AgentEventBody::LimitReached { pause, late } => {
                BodyForm::LimitReached { pause: pause.to_string(), late: *late }
            }
            AgentEventBody::Overran { pause, late } => BodyForm::Overran { pause: pause.to_string(), late: *late },
            AgentEventBody::Escalated { pause, after, late } => {
                BodyForm::Escalated { pause: pause.to_string(), after_ms: to_ms(*after), late: *late }
            }
            AgentEventBody::PauseExtended { pause, by } => {
                BodyForm::PauseExtended { pause: pause.to_string(), by_ms: to_ms(*by) }
            }
            AgentEventBody::PauseEnded(ended) => BodyForm::PauseEnded(EndedForm::of(ended)),
            AgentEventBody::PauseCorrected(corrected) => {
                BodyForm::PauseCorrected(Box::new(CorrectedForm::of(corrected)))
            }
            AgentEventBody::PauseAnnotated { pause } => BodyForm::PauseAnnotated { pause: Text(*pause) },
            AgentEventBody::EntitlementAtRisk(risk) => BodyForm::EntitlementAtRisk(Box::new(AtRiskForm::of(risk))),
            AgentEventBody::FindingRecorded { code, pause } => {
                BodyForm::FindingRecorded { code: code.clone(), pause: pause.map(|id| id.to_string()) }
            }
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Result<AgentEventBody, FormError> {
        Ok(match self {
            BodyForm::Connected => AgentEventBody::Connected { shift: None },
            BodyForm::ConnectedInShift { shift } => AgentEventBody::Connected { shift: Some(shift.into_domain()) },
            BodyForm::GraceBegan { until } => AgentEventBody::GraceBegan { until: Timestamp(until) },
            BodyForm::ConnectionLost { last_seen_at } => {
                AgentEventBody::ConnectionLost { last_seen_at: Timestamp(last_seen_at) }
            }
            BodyForm::SignedIn { status, shift } => {
                AgentEventBody::SignedIn { status: status.into(), shift: shift.into_domain() }
            }
            BodyForm::Resumed { status } => AgentEventBody::Resumed { status: status.into() },
            BodyForm::StatusChanged { from, to } => AgentEventBody::StatusChanged { from: from.into(), to: to.into() },
            BodyForm::SignedOut => AgentEventBody::SignedOut,
            BodyForm::Deactivated => AgentEventBody::Deactivated,
            BodyForm::PauseRefused { pause_type, code, count } => {
                AgentEventBody::PauseRefused { pause_type: type_code(&pause_type)?, code, count }
            }
            BodyForm::PendingSet(pending) => AgentEventBody::PendingSet(pending.into_domain(resolve)?),
            BodyForm::PendingCancelled => AgentEventBody::PendingCancelled,
            BodyForm::Deferred(deferred) => AgentEventBody::Deferred(Box::new(deferred.into_domain(resolve)?)),
            BodyForm::DeferralEnded { code } => AgentEventBody::DeferralEnded { code },
            BodyForm::OccupancyChanged(changed) => AgentEventBody::OccupancyChanged(Box::new(changed.into_domain()?)),
            BodyForm::AlertAcknowledged { alert } => AgentEventBody::AlertAcknowledged { alert: alert.0 },
            BodyForm::RequestCreated(created) => AgentEventBody::RequestCreated(Box::new(created.into_domain(resolve))),
            BodyForm::RequestDecided { request, grant } => {
                AgentEventBody::RequestDecided { request: request.0, grant: grant.map(GrantForm::into_domain) }
            }
            BodyForm::RequestExpired { request } => AgentEventBody::RequestExpired { request: request.0 },
            BodyForm::RequestCancelled { request } => AgentEventBody::RequestCancelled { request: request.0 },
            BodyForm::GrantUsed { grant, pause } => {
                AgentEventBody::GrantUsed { grant: grant.0, pause: pause_id(&pause)? }
            }
            BodyForm::Queued(queued) => AgentEventBody::Queued(Box::new(queued.into_domain(resolve)?)),
            BodyForm::LeftQueue { pause_type, code } => {
                AgentEventBody::LeftQueue { pause_type: type_code(&pause_type)?, code }
            }
            BodyForm::Offered { offer } => AgentEventBody::Offered { offer: offer.0 },
            BodyForm::OfferExpired { offer, place } => {
                AgentEventBody::OfferExpired { offer: offer.0, place: place.map(PlaceInLineForm::into_domain) }
            }
            BodyForm::ShiftPlanned(planned) => AgentEventBody::ShiftPlanned(planned.into_domain()?),
            BodyForm::ShiftCancelled { day } => AgentEventBody::ShiftCancelled { day: day.0 },
            BodyForm::PauseStarted(started) => AgentEventBody::PauseStarted(Box::new(started.into_domain(resolve)?)),
            BodyForm::PauseWarned { pause, before_ms, late } => {
                AgentEventBody::PauseWarned { pause: pause_id(&pause)?, before: from_ms(before_ms), late }
            }
            BodyForm::LimitReached { pause, late } => AgentEventBody::LimitReached { pause: pause_id(&pause)?, late },
            BodyForm::Overran { pause, late } => AgentEventBody::Overran { pause: pause_id(&pause)?, late },
            BodyForm::Escalated { pause, after_ms, late } => {
                AgentEventBody::Escalated { pause: pause_id(&pause)?, after: from_ms(after_ms), late }
            }
            BodyForm::PauseExtended { pause, by_ms } => {
                AgentEventBody::PauseExtended { pause: pause_id(&pause)?, by: from_ms(by_ms) }
            }
            BodyForm::PauseEnded(ended) => AgentEventBody::PauseEnded(ended.into_domain()?),
            BodyForm::PauseCorrected(corrected) => AgentEventBody::PauseCorrected(Box::new(corrected.into_domain())),
            BodyForm::PauseAnnotated { pause } => AgentEventBody::PauseAnnotated { pause: pause.0 },
            BodyForm::EntitlementAtRisk(risk) => AgentEventBody::EntitlementAtRisk(Box::new(risk.into_domain())),
            BodyForm::FindingRecorded { code, pause } => {
                AgentEventBody::FindingRecorded { code, pause: pause.as_deref().map(pause_id).transpose()? }
            }
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PendingForm {
    target: TargetForm,
    since: i64,
    actor: ActorForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Hash>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TargetForm {
    Status(ChosenStatusForm),
    Limit,
    SignOut,
    Pause {
        pause_type: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        overriding: bool,
    },
}

impl PendingForm {
    pub(super) fn of(pending: &Pending, refer: &mut dyn Refer) -> PendingForm {
        PendingForm {
            target: match &pending.target {
                PendingTarget::Status(status) => TargetForm::Status((*status).into()),
                PendingTarget::Limit => TargetForm::Limit,
                PendingTarget::SignOut => TargetForm::SignOut,
                PendingTarget::Pause { pause_type, overriding } => {
                    TargetForm::Pause { pause_type: pause_type.to_string(), overriding: *overriding }
                }
            },
            since: pending.since.0,
            actor: ActorForm::of(&pending.actor, refer),
            reason: pending.reason.as_deref().map(|reason| refer.text(reason)),
        }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<Pending, FormError> {
        Ok(Pending {
            target: match self.target {
                TargetForm::Status(status) => PendingTarget::Status(status.into()),
                TargetForm::Limit => PendingTarget::Limit,
                TargetForm::SignOut => PendingTarget::SignOut,
                TargetForm::Pause { pause_type, overriding } => {
                    PendingTarget::Pause { pause_type: type_code(&pause_type)?, overriding }
                }
            },
            since: Timestamp(self.since),
            actor: self.actor.into_domain(resolve)?,
            reason: self.reason.and_then(|hash| resolve.text(hash)),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueuedForm {
    pause_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Hash>,
    slots: Vec<Text<TeamId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opens_at: Option<i64>,
}

impl QueuedForm {
    fn of(queued: &Queued, refer: &mut dyn Refer) -> QueuedForm {
        QueuedForm {
            pause_type: queued.pause_type.to_string(),
            note: queued.note.as_deref().map(|note| refer.text(note)),
            slots: queued.slots.iter().cloned().map(Text).collect(),
            opens_at: queued.opens_at.map(|at| at.0),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Result<Queued, FormError> {
        Ok(Queued {
            pause_type: type_code(&self.pause_type)?,
            note: self.note.and_then(|hash| resolve.text(hash)),
            slots: self.slots.into_iter().map(|Text(team)| team).collect(),
            opens_at: self.opens_at.map(Timestamp),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceInLineForm {
    asked_at: i64,
    behind: u32,
}

impl PlaceInLineForm {
    pub(super) fn of(place: Place) -> PlaceInLineForm {
        PlaceInLineForm { asked_at: place.asked_at.0, behind: place.behind }
    }

    pub(super) fn into_domain(self) -> Place {
        Place { asked_at: Timestamp(self.asked_at), behind: self.behind }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartedForm {
    id: String,
    pause_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<TermsForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inside: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Hash>,
    place: PlaceForm,
}

impl StartedForm {
    fn of(started: &PauseStarted, refer: &mut dyn Refer) -> StartedForm {
        StartedForm {
            id: started.id.to_string(),
            pause_type: started.pause_type.to_string(),
            terms: started.terms.as_ref().map(TermsForm::of),
            inside: started.inside.map(|id| id.to_string()),
            replaces: started.replaces.map(|id| id.to_string()),
            note: started.note.as_deref().map(|note| refer.text(note)),
            place: PlaceForm::of(&started.place),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Result<PauseStarted, FormError> {
        Ok(PauseStarted {
            id: pause_id(&self.id)?,
            pause_type: type_code(&self.pause_type)?,
            terms: self.terms.map(TermsForm::into_domain),
            inside: self.inside.as_deref().map(pause_id).transpose()?,
            replaces: self.replaces.as_deref().map(pause_id).transpose()?,
            note: self.note.and_then(|hash| resolve.text(hash)),
            place: self.place.into_domain(),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceForm {
    zone: Text<Tz>,
    utc_offset_s: i32,
    local_day: Text<NaiveDate>,
    business_day: Text<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shift: Option<ShiftForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team: Option<Text<TeamId>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slots: Vec<Text<TeamId>>,
}

impl PlaceForm {
    pub(super) fn of(place: &PausePlace) -> PlaceForm {
        PlaceForm {
            zone: Text(place.zone),
            utc_offset_s: place.utc_offset_s,
            local_day: Text(place.local_day),
            business_day: Text(place.business_day),
            shift: place.shift.map(ShiftForm::of),
            team: place.team.clone().map(Text),
            slots: place.slots.iter().cloned().map(Text).collect(),
        }
    }

    pub(super) fn into_domain(self) -> PausePlace {
        PausePlace {
            zone: self.zone.0,
            utc_offset_s: self.utc_offset_s,
            local_day: self.local_day.0,
            business_day: self.business_day.0,
            shift: self.shift.map(ShiftForm::into_domain),
            team: self.team.map(|team| team.0),
            slots: self.slots.into_iter().map(|Text(team)| team).collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TermsForm {
    class: LimitedClassForm,
    paid: bool,
    counts_as_work: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_ms: Option<u64>,
    on_early_end: OnEarlyEndForm,
    refund_under_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_ms: Option<u64>,
    warn_before_ms: Vec<u64>,
    grace_ms: u64,
    on_limit: OnLimitForm,
    escalate_after_ms: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    right: Option<RightForm>,
}

impl TermsForm {
    pub(super) fn of(terms: &PauseTerms) -> TermsForm {
        TermsForm {
            class: terms.class.into(),
            paid: terms.paid,
            counts_as_work: terms.counts_as_work,
            min_ms: terms.min_duration.map(to_ms),
            on_early_end: terms.on_early_end.into(),
            refund_under_ms: to_ms(terms.refund_under),
            limit_ms: terms.limit.map(to_ms),
            warn_before_ms: terms.warn_before.iter().copied().map(to_ms).collect(),
            grace_ms: to_ms(terms.grace),
            on_limit: terms.on_limit.into(),
            escalate_after_ms: terms.escalate_after.iter().copied().map(to_ms).collect(),
            right: terms.right.map(RightForm::of),
        }
    }

    pub(super) fn into_domain(self) -> PauseTerms {
        PauseTerms {
            class: self.class.into(),
            paid: self.paid,
            counts_as_work: self.counts_as_work,
            min_duration: self.min_ms.map(from_ms),
            on_early_end: self.on_early_end.into(),
            refund_under: from_ms(self.refund_under_ms),
            limit: self.limit_ms.map(from_ms),
            warn_before: self.warn_before_ms.into_iter().map(from_ms).collect(),
            grace: from_ms(self.grace_ms),
            on_limit: self.on_limit.into(),
            escalate_after: self.escalate_after_ms.into_iter().map(from_ms).collect(),
            right: self.right.map(RightForm::into_domain),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndedForm {
    pause: String,
    then: AfterForm,
    short: bool,
    misclick: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AfterForm {
    Status(ChosenStatusForm),
    OuterPause,
}

impl EndedForm {
    fn of(ended: &PauseEnded) -> EndedForm {
        EndedForm {
            pause: ended.pause.to_string(),
            then: match ended.then {
                AfterPause::Status(status) => AfterForm::Status(status.into()),
                AfterPause::OuterPause => AfterForm::OuterPause,
            },
            short: ended.short,
            misclick: ended.misclick,
            last_seen_at: ended.last_seen_at.map(|at| at.0),
            replaced_by: ended.replaced_by.map(|id| id.to_string()),
        }
    }

    fn into_domain(self) -> Result<PauseEnded, FormError> {
        Ok(PauseEnded {
            pause: pause_id(&self.pause)?,
            then: match self.then {
                AfterForm::Status(status) => AfterPause::Status(status.into()),
                AfterForm::OuterPause => AfterPause::OuterPause,
            },
            short: self.short,
            misclick: self.misclick,
            last_seen_at: self.last_seen_at.map(Timestamp),
            replaced_by: self.replaced_by.as_deref().map(pause_id).transpose()?,
        })
    }
}

pub(super) fn pause_id(text: &str) -> Result<PauseId, FormError> {
    parse::<PauseId>("a pause's id", text)
}

pub(super) fn type_code(text: &str) -> Result<PauseTypeCode, FormError> {
    parse::<PauseTypeCode>("a pause type's code", text)
}
