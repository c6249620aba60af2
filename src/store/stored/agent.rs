//! The stored form of an agent's state: the fold of its events, and its last ops.

use serde::{Deserialize, Serialize};

use super::alert::AckForm;
use super::deferred::DeferredForm;
use super::entitlement::AtRiskForm;
use super::event::{PendingForm, PlaceForm, TermsForm};
use super::occupancy::OccupancyForm;
use super::ops::OpsForm;
use super::queue::WaitingForm;
use super::request::{GrantForm, RequestForm};
use super::shift::{PlannedRow, ShiftForm};
use super::text::Text;
use super::usage::UsageForm;
use super::word::ChosenStatusForm;
use super::{ActorForm, CauseWord, FormError, Hash, Refer, Resolve, from_ms, to_ms};
use crate::domain::agent::{Agent, Away, Connection, Fired, Pause, ProtectedPause, Resume, Status};
use crate::domain::id::{AgentSeq, PauseId, PauseTypeCode, PolicyVersion};
use crate::domain::shift::Plan;
use crate::domain::time::Timestamp;
use crate::ports::AgentRecord;

/// An agent's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentForm {
    v: i64,
    seq: u64,
    version: u64,
    public_version: u64,
    connection: ConnectionForm,
    status: StatusForm,
    since: i64,
    actor: ActorForm,
    cause: Text<CauseWord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<PendingForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deferred: Option<Box<DeferredForm>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Box<RequestForm>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<GrantForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    acks: Vec<AckForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occupancy: Option<Box<OccupancyForm>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    at_risk: Vec<AtRiskForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<Box<WaitingForm>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shift: Option<ShiftForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plan: Vec<PlannedRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resume: Option<ResumeForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<UsageForm>,
    #[serde(default = "no_ops", skip_serializing_if = "has_no_ops")]
    ops: Text<OpsForm>,
}

impl AgentForm {
    pub(crate) fn of(record: &AgentRecord, refer: &mut dyn Refer) -> AgentForm {
        let agent = &record.agent;
        AgentForm {
            v: super::FORM,
            seq: agent.seq.0,
            version: agent.version.0,
            public_version: agent.public_version.0,
            connection: ConnectionForm::of(agent.connection),
            status: StatusForm::of(&agent.status, refer),
            since: agent.since.0,
            actor: ActorForm::of(&agent.actor, refer),
            cause: Text(CauseWord(agent.cause)),
            reason: agent.reason.as_deref().map(|reason| refer.text(reason)),
            pending: agent.pending.as_ref().map(|pending| PendingForm::of(pending, refer)),
            deferred: agent.deferred.as_ref().map(|deferred| Box::new(DeferredForm::of(deferred, refer))),
            request: agent.request.as_ref().map(|request| Box::new(RequestForm::of(request, refer))),
            grants: agent.grants.iter().map(GrantForm::of).collect(),
            acks: agent.acks.iter().map(|ack| AckForm::of(ack, refer)).collect(),
            occupancy: agent.occupancy.as_ref().map(|occupancy| Box::new(OccupancyForm::of(occupancy))),
            at_risk: agent.at_risk.iter().map(AtRiskForm::of).collect(),
            queue: agent.queue.as_ref().map(|waiting| Box::new(WaitingForm::of(waiting, refer))),
            shift: agent.shift.map(ShiftForm::of),
            plan: agent.plan.shifts().iter().map(PlannedRow::of).collect(),
            resume: agent.resume.map(|resume| ResumeForm { status: resume.status.into(), lost_at: resume.lost_at.0 }),
            usage: UsageForm::of(&agent.usage),
            ops: Text(OpsForm::of(&record.ops, refer)),
        }
    }

    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<AgentRecord, FormError> {
        if self.v != super::FORM {
            return Err(FormError::UnknownForm(self.v));
        }
        Ok(AgentRecord {
            agent: Agent {
                seq: AgentSeq(self.seq),
                version: AgentSeq(self.version),
                public_version: AgentSeq(self.public_version),
                connection: self.connection.into_domain(),
                status: self.status.into_domain(resolve),
                since: Timestamp(self.since),
                actor: self.actor.into_domain(resolve)?,
                cause: self.cause.0.0,
                reason: self.reason.and_then(|hash| resolve.text(hash)),
                pending: self.pending.map(|pending| pending.into_domain(resolve)).transpose()?,
                deferred: self.deferred.map(|form| form.into_domain(resolve).map(Box::new)).transpose()?,
                request: self.request.map(|form| form.into_domain(resolve).map(Box::new)).transpose()?,
                grants: self.grants.into_iter().map(GrantForm::into_domain).collect(),
                acks: self.acks.into_iter().map(|ack| ack.into_domain(resolve)).collect::<Result<_, FormError>>()?,
                occupancy: self.occupancy.map(|form| form.into_domain().map(Box::new)).transpose()?,
                at_risk: self.at_risk.into_iter().map(AtRiskForm::into_domain).collect(),
                queue: self.queue.map(|waiting| Box::new(waiting.into_domain(resolve))),
                shift: self.shift.map(ShiftForm::into_domain),
                plan: Plan::from(self.plan.into_iter().map(PlannedRow::into_domain).collect::<Result<Vec<_>, _>>()?),
                resume: self
                    .resume
                    .map(|resume| Resume { status: resume.status.into(), lost_at: Timestamp(resume.lost_at) }),
                usage: self.usage.map(UsageForm::into_domain).unwrap_or_default(),
            },
            ops: self.ops.0.into_domain(resolve)?,
        })
    }
}

fn no_ops() -> Text<OpsForm> {
    Text(OpsForm::default())
}

fn has_no_ops(ops: &Text<OpsForm>) -> bool {
    ops.0.is_empty()
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ConnectionForm {
    Connected,
    Grace {
        since: i64,
        until: i64,
    },
    Disconnected {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seen_at: Option<i64>,
    },
}

impl ConnectionForm {
    fn of(connection: Connection) -> ConnectionForm {
        match connection {
            Connection::Connected => ConnectionForm::Connected,
            Connection::Grace { since, until } => ConnectionForm::Grace { since: since.0, until: until.0 },
            Connection::Disconnected { last_seen_at } => {
                ConnectionForm::Disconnected { last_seen_at: last_seen_at.map(|at| at.0) }
            }
        }
    }

    fn into_domain(self) -> Connection {
        match self {
            ConnectionForm::Connected => Connection::Connected,
            ConnectionForm::Grace { since, until } => {
                Connection::Grace { since: Timestamp(since), until: Timestamp(until) }
            }
            ConnectionForm::Disconnected { last_seen_at } => {
                Connection::Disconnected { last_seen_at: last_seen_at.map(Timestamp) }
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StatusForm {
    Offline,
    Available,
    Unavailable,
    Paused(Box<PauseForm>),
    Protected(ProtectedForm),
    ProtectedInside { outer: Box<PauseForm>, inner: ProtectedForm },
}

impl StatusForm {
    fn of(status: &Status, refer: &mut dyn Refer) -> StatusForm {
        match status {
            Status::Offline => StatusForm::Offline,
            Status::Available => StatusForm::Available,
            Status::Unavailable => StatusForm::Unavailable,
            Status::Paused(Away::Pause(pause)) => StatusForm::Paused(Box::new(PauseForm::of(pause, refer))),
            Status::Paused(Away::Protected(inner)) => StatusForm::Protected(ProtectedForm::of(inner, refer)),
            Status::Paused(Away::ProtectedInside { outer, inner }) => StatusForm::ProtectedInside {
                outer: Box::new(PauseForm::of(outer, refer)),
                inner: ProtectedForm::of(inner, refer),
            },
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Status {
        match self {
            StatusForm::Offline => Status::Offline,
            StatusForm::Available => Status::Available,
            StatusForm::Unavailable => Status::Unavailable,
            StatusForm::Paused(pause) => Status::Paused(Away::Pause(Box::new(pause.into_domain(resolve)))),
            StatusForm::Protected(inner) => Status::Paused(Away::Protected(inner.into_domain(resolve))),
            StatusForm::ProtectedInside { outer, inner } => Status::Paused(Away::ProtectedInside {
                outer: Box::new(outer.into_domain(resolve)),
                inner: inner.into_domain(resolve),
            }),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseForm {
    id: Text<PauseId>,
    pause_type: Text<PauseTypeCode>,
    terms: TermsForm,
    policy_version: u64,
    started_at: i64,
    extended_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Hash>,
    place: PlaceForm,
    warnings: u32,
    limit: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overran_at: Option<i64>,
    escalations: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    worked_at: Option<i64>,
}

impl PauseForm {
    fn of(pause: &Pause, refer: &mut dyn Refer) -> PauseForm {
        PauseForm {
            id: Text(pause.id),
            pause_type: Text(pause.pause_type.clone()),
            terms: TermsForm::of(&pause.terms),
            policy_version: pause.policy_version.0,
            started_at: pause.started_at.0,
            extended_ms: to_ms(pause.extended_by),
            note: pause.note.as_deref().map(|note| refer.text(note)),
            place: PlaceForm::of(&pause.place),
            warnings: pause.fired.warnings,
            limit: pause.fired.limit,
            overran_at: pause.fired.overran_at.map(|at| at.0),
            escalations: pause.fired.escalations,
            worked_at: pause.worked_at.map(|at| at.0),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Pause {
        Pause {
            id: self.id.0,
            pause_type: self.pause_type.0,
            terms: self.terms.into_domain(),
            policy_version: PolicyVersion(self.policy_version),
            started_at: Timestamp(self.started_at),
            extended_by: from_ms(self.extended_ms),
            note: self.note.and_then(|hash| resolve.text(hash)),
            place: self.place.into_domain(),
            fired: Fired {
                warnings: self.warnings,
                limit: self.limit,
                overran_at: self.overran_at.map(Timestamp),
                escalations: self.escalations,
            },
            worked_at: self.worked_at.map(Timestamp),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtectedForm {
    id: Text<PauseId>,
    pause_type: Text<PauseTypeCode>,
    started_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Hash>,
}

impl ProtectedForm {
    fn of(pause: &ProtectedPause, refer: &mut dyn Refer) -> ProtectedForm {
        ProtectedForm {
            id: Text(pause.id),
            pause_type: Text(pause.pause_type.clone()),
            started_at: pause.started_at.0,
            note: pause.note.as_deref().map(|note| refer.text(note)),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> ProtectedPause {
        ProtectedPause {
            id: self.id.0,
            pause_type: self.pause_type.0,
            started_at: Timestamp(self.started_at),
            note: self.note.and_then(|hash| resolve.text(hash)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeForm {
    status: ChosenStatusForm,
    lost_at: i64,
}
