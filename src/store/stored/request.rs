//! The stored forms of requests and grants.

use serde::{Deserialize, Serialize};

use super::text::Text;
use super::word::AtTimeoutForm;
use super::{ActorForm, FormError, Hash, Refer, Resolve, from_ms, to_ms};
use crate::domain::event::RequestCreated;
use crate::domain::id::{PauseId, PauseTypeCode, RequestId};
use crate::domain::request::{Decided, Grant, Origin, PauseRequest, RequestState, Waives};
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreatedForm {
    id: Text<RequestId>,
    pause_type: Text<PauseTypeCode>,
    #[serde(default, skip_serializing_if = "is_zero")]
    extra_ms: u64,
    origin: OriginForm,
    expires_at: i64,
    at_timeout: AtTimeoutForm,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum OriginForm {
    Asked,
    Start {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Hash>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<Text<PauseId>>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestForm {
    created: CreatedForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Hash>,
    at: i64,
    state: StateForm,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StateForm {
    Open,
    Granted(DecidedForm),
    Refused(DecidedForm),
    Expired { at: i64 },
    Cancelled { at: i64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecidedForm {
    by: ActorForm,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Hash>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantForm {
    id: Text<RequestId>,
    pause_type: Text<PauseTypeCode>,
    waives: WaivesForm,
    #[serde(default, skip_serializing_if = "is_zero")]
    extra_ms: u64,
    uses: u32,
    until: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WaivesForm {
    Approval,
    All,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

impl OriginForm {
    fn of(origin: &Origin, refer: &mut dyn Refer) -> OriginForm {
        match origin {
            Origin::Asked => OriginForm::Asked,
            Origin::Start { note, replaces } => {
                OriginForm::Start { note: note.as_deref().map(|note| refer.text(note)), replaces: replaces.map(Text) }
            }
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Origin {
        match self {
            OriginForm::Asked => Origin::Asked,
            OriginForm::Start { note, replaces } => {
                Origin::Start { note: note.and_then(|hash| resolve.text(hash)), replaces: replaces.map(|id| id.0) }
            }
        }
    }
}

impl CreatedForm {
    pub(super) fn of(created: &RequestCreated, refer: &mut dyn Refer) -> CreatedForm {
        CreatedForm {
            id: Text(created.id),
            pause_type: Text(created.pause_type.clone()),
            extra_ms: to_ms(created.extra),
            origin: OriginForm::of(&created.origin, refer),
            expires_at: created.expires_at.0,
            at_timeout: created.at_timeout.into(),
        }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> RequestCreated {
        RequestCreated {
            id: self.id.0,
            pause_type: self.pause_type.0,
            extra: from_ms(self.extra_ms),
            origin: self.origin.into_domain(resolve),
            expires_at: Timestamp(self.expires_at),
            at_timeout: self.at_timeout.into(),
        }
    }
}

impl RequestForm {
    pub(super) fn of(request: &PauseRequest, refer: &mut dyn Refer) -> RequestForm {
        RequestForm {
            created: CreatedForm {
                id: Text(request.id),
                pause_type: Text(request.pause_type.clone()),
                extra_ms: to_ms(request.extra),
                origin: OriginForm::of(&request.origin, refer),
                expires_at: request.expires_at.0,
                at_timeout: request.at_timeout.into(),
            },
            reason: request.reason.as_deref().map(|reason| refer.text(reason)),
            at: request.at.0,
            state: match &request.state {
                RequestState::Open => StateForm::Open,
                RequestState::Granted(decided) => StateForm::Granted(DecidedForm::of(decided, refer)),
                RequestState::Refused(decided) => StateForm::Refused(DecidedForm::of(decided, refer)),
                RequestState::Expired { at } => StateForm::Expired { at: at.0 },
                RequestState::Cancelled { at } => StateForm::Cancelled { at: at.0 },
            },
        }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<PauseRequest, FormError> {
        let created = self.created.into_domain(resolve);
        Ok(PauseRequest {
            id: created.id,
            pause_type: created.pause_type,
            reason: self.reason.and_then(|hash| resolve.text(hash)),
            extra: created.extra,
            origin: created.origin,
            at: Timestamp(self.at),
            expires_at: created.expires_at,
            at_timeout: created.at_timeout,
            state: match self.state {
                StateForm::Open => RequestState::Open,
                StateForm::Granted(decided) => RequestState::Granted(decided.into_domain(resolve)?),
                StateForm::Refused(decided) => RequestState::Refused(decided.into_domain(resolve)?),
                StateForm::Expired { at } => RequestState::Expired { at: Timestamp(at) },
                StateForm::Cancelled { at } => RequestState::Cancelled { at: Timestamp(at) },
            },
        })
    }
}

impl DecidedForm {
    fn of(decided: &Decided, refer: &mut dyn Refer) -> DecidedForm {
        DecidedForm {
            by: ActorForm::of(&decided.by, refer),
            at: decided.at.0,
            reason: decided.reason.as_deref().map(|reason| refer.text(reason)),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Result<Decided, FormError> {
        Ok(Decided {
            by: self.by.into_domain(resolve)?,
            at: Timestamp(self.at),
            reason: self.reason.and_then(|hash| resolve.text(hash)),
        })
    }
}

impl GrantForm {
    pub(super) fn of(grant: &Grant) -> GrantForm {
        GrantForm {
            id: Text(grant.id),
            pause_type: Text(grant.pause_type.clone()),
            waives: match grant.waives {
                Waives::Approval => WaivesForm::Approval,
                Waives::All => WaivesForm::All,
            },
            extra_ms: to_ms(grant.extra),
            uses: grant.uses,
            until: grant.until.0,
        }
    }

    pub(super) fn into_domain(self) -> Grant {
        Grant {
            id: self.id.0,
            pause_type: self.pause_type.0,
            waives: match self.waives {
                WaivesForm::Approval => Waives::Approval,
                WaivesForm::All => Waives::All,
            },
            extra: from_ms(self.extra_ms),
            uses: self.uses,
            until: Timestamp(self.until),
        }
    }
}
