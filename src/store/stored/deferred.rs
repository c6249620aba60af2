//! The stored form of what waits for the end of work.

use serde::{Deserialize, Serialize};

use super::text::Text;
use super::word::ChosenStatusForm;
use super::{ActorForm, FormError, Hash, Refer, Resolve};
use crate::domain::deferral::{Deferred, DeferredTarget};
use crate::domain::id::{OfferId, PauseId, PauseTypeCode};
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeferredForm {
    target: TargetForm,
    since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline_at: Option<i64>,
    actor: ActorForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TargetForm {
    Status(ChosenStatusForm),
    Pause {
        pause_type: Text<PauseTypeCode>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Hash>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<Text<PauseId>>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        overriding: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offer: Option<Text<OfferId>>,
    },
}

impl DeferredForm {
    pub(super) fn of(deferred: &Deferred, refer: &mut dyn Refer) -> DeferredForm {
        DeferredForm {
            target: match &deferred.target {
                DeferredTarget::Status(status) => TargetForm::Status((*status).into()),
                DeferredTarget::Pause { pause_type, note, replaces, overriding, offer } => TargetForm::Pause {
                    pause_type: Text(pause_type.clone()),
                    note: note.as_deref().map(|note| refer.text(note)),
                    replaces: replaces.map(Text),
                    overriding: *overriding,
                    offer: offer.map(Text),
                },
            },
            since: deferred.since.0,
            deadline_at: deferred.deadline_at.map(|at| at.0),
            actor: ActorForm::of(&deferred.actor, refer),
            reason: deferred.reason.as_deref().map(|reason| refer.text(reason)),
            lost_at: deferred.lost_at.map(|at| at.0),
        }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<Deferred, FormError> {
        Ok(Deferred {
            target: match self.target {
                TargetForm::Status(status) => DeferredTarget::Status(status.into()),
                TargetForm::Pause { pause_type, note, replaces, overriding, offer } => DeferredTarget::Pause {
                    pause_type: pause_type.0,
                    note: note.and_then(|hash| resolve.text(hash)),
                    replaces: replaces.map(|id| id.0),
                    overriding,
                    offer: offer.map(|id| id.0),
                },
            },
            since: Timestamp(self.since),
            deadline_at: self.deadline_at.map(Timestamp),
            actor: self.actor.into_domain(resolve)?,
            reason: self.reason.and_then(|hash| resolve.text(hash)),
            lost_at: self.lost_at.map(Timestamp),
        })
    }
}
