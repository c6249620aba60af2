//! The stored form of what is planned for a policy. It names people by their internal ids.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::type_code;
use super::{ActorForm, FormError, PauseTypeForm, Refer, Resolve};
use crate::domain::id::PolicyVersion;
use crate::domain::policy_plans::{Loosening, PauseTypes, PolicyDraft, PolicyPlans, ScheduledPolicy};
use crate::domain::time::Timestamp;

/// What is planned for a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlansForm {
    revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    draft: Option<DraftForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheduled: Option<ScheduledForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loosening: Option<LooseningForm>,
}

impl PlansForm {
    pub(crate) fn of(plans: &PolicyPlans, refer: &mut dyn Refer) -> PlansForm {
        PlansForm {
            revision: plans.revision,
            draft: plans.draft.as_ref().map(|draft| DraftForm::of(draft, refer)),
            scheduled: plans.scheduled.as_ref().map(|scheduled| ScheduledForm::of(scheduled, refer)),
            loosening: plans.loosening.as_ref().map(|loosening| LooseningForm::of(loosening, refer)),
        }
    }

    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<PolicyPlans, FormError> {
        Ok(PolicyPlans {
            revision: self.revision,
            draft: self.draft.map(|form| form.into_domain(resolve)).transpose()?.map(Arc::new),
            scheduled: self.scheduled.map(|form| form.into_domain(resolve)).transpose()?.map(Arc::new),
            loosening: self.loosening.map(|form| form.into_domain(resolve)).transpose()?.map(Arc::new),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftForm {
    base_version: u64,
    at: i64,
    by: ActorForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    types: Vec<PauseTypeForm>,
}

impl DraftForm {
    fn of(draft: &PolicyDraft, refer: &mut dyn Refer) -> DraftForm {
        DraftForm {
            base_version: draft.base_version.0,
            at: draft.at.0,
            by: ActorForm::of(&draft.by, refer),
            note: draft.note.clone(),
            types: draft.types.values().map(|kind| PauseTypeForm::of(kind, refer)).collect(),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Result<PolicyDraft, FormError> {
        let types = self.types.into_iter().map(|form| {
            let kind = form.into_domain(resolve)?;
            Ok((kind.code.clone(), Arc::new(kind)))
        });
        Ok(PolicyDraft {
            base_version: PolicyVersion(self.base_version),
            at: Timestamp(self.at),
            by: self.by.into_domain(resolve)?,
            note: self.note,
            types: types.collect::<Result<PauseTypes, FormError>>()?,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduledForm {
    draft: DraftForm,
    takes_effect_at: i64,
    loosen_only: bool,
    by: ActorForm,
    reason: String,
}

impl ScheduledForm {
    fn of(scheduled: &ScheduledPolicy, refer: &mut dyn Refer) -> ScheduledForm {
        ScheduledForm {
            draft: DraftForm::of(&scheduled.draft, refer),
            takes_effect_at: scheduled.takes_effect_at.0,
            loosen_only: scheduled.loosen_only,
            by: ActorForm::of(&scheduled.by, refer),
            reason: scheduled.reason.clone(),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Result<ScheduledPolicy, FormError> {
        Ok(ScheduledPolicy {
            draft: Arc::new(self.draft.into_domain(resolve)?),
            takes_effect_at: Timestamp(self.takes_effect_at),
            loosen_only: self.loosen_only,
            by: self.by.into_domain(resolve)?,
            reason: self.reason,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LooseningForm {
    version: u64,
    at: i64,
    types: Vec<String>,
    by: ActorForm,
    reason: String,
}

impl LooseningForm {
    fn of(loosening: &Loosening, refer: &mut dyn Refer) -> LooseningForm {
        LooseningForm {
            version: loosening.version.0,
            at: loosening.at.0,
            types: loosening.types.iter().map(ToString::to_string).collect(),
            by: ActorForm::of(&loosening.by, refer),
            reason: loosening.reason.clone(),
        }
    }

    fn into_domain(self, resolve: &dyn Resolve) -> Result<Loosening, FormError> {
        Ok(Loosening {
            version: PolicyVersion(self.version),
            at: Timestamp(self.at),
            types: self.types.iter().map(|code| type_code(code)).collect::<Result<BTreeSet<_>, FormError>>()?,
            by: self.by.into_domain(resolve)?,
            reason: self.reason,
        })
    }
}
