//! The stored form of a tenant's event: what is in the journal's `body`. The rest are columns.

use serde::{Deserialize, Serialize};

use super::access::AccessEventForm;
use super::{FormError, Hash, Refer, Resolve, from_ms, to_ms};
use crate::domain::closing::ClosingStep;
use crate::domain::event::TenantEventBody;
use crate::domain::id::{DirectoryVersion, PolicyVersion};
use crate::domain::policy_plans::PolicyStep;
use crate::domain::time::Timestamp;

/// The body of a tenant's event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantEventForm {
    v: i64,
    /// The SHA-256 of the definition put in force, as stored; so the chain vouches for it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) definition: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Hash>,
    event: BodyForm,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum BodyForm {
    #[serde(rename = "server.started")]
    ServerStarted {
        grace_until: i64,
        #[serde(default, skip_serializing_if = "is_zero")]
        moved_ms: u64,
    },
    #[serde(rename = "clock.stepped")]
    ClockStepped { by_ms: i64, ahead_ms: i64 },
    #[serde(rename = "policy.published")]
    PolicyPublished { version: u64 },
    #[serde(rename = "policy.drafted")]
    PolicyDrafted { base_version: u64 },
    #[serde(rename = "policy.scheduled")]
    PolicyScheduled { takes_effect_at: i64, loosen_only: bool },
    #[serde(rename = "policy.withdrawn")]
    PolicyWithdrawn {},
    #[serde(rename = "directory.changed")]
    DirectoryChanged { version: u64, added: u32, changed: u32, removed: u32 },
    #[serde(rename = "tenant.closed")]
    TenantClosed { version: u64 },
    #[serde(rename = "tenant.reopened")]
    TenantReopened { version: u64 },
    #[serde(untagged)]
    Access(AccessEventForm),
}

fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

impl TenantEventForm {
    pub(crate) fn of(body: &TenantEventBody, definition: Option<Hash>, refer: &mut dyn Refer) -> TenantEventForm {
        let event = match body {
            TenantEventBody::ServerStarted { grace_until, moved } => {
                BodyForm::ServerStarted { grace_until: grace_until.0, moved_ms: to_ms(*moved) }
            }
            TenantEventBody::ClockStepped { by_ms, ahead_ms } => {
                BodyForm::ClockStepped { by_ms: *by_ms, ahead_ms: *ahead_ms }
            }
            TenantEventBody::PolicyPublished { version, .. } => BodyForm::PolicyPublished { version: version.0 },
            TenantEventBody::PolicyPlanned { step, .. } => match step {
                PolicyStep::Drafted { base_version } => BodyForm::PolicyDrafted { base_version: base_version.0 },
                PolicyStep::Scheduled { takes_effect_at, loosen_only } => {
                    BodyForm::PolicyScheduled { takes_effect_at: takes_effect_at.0, loosen_only: *loosen_only }
                }
                PolicyStep::Withdrawn => BodyForm::PolicyWithdrawn {},
            },
            TenantEventBody::DirectoryChanged { version, added, changed, removed } => {
                BodyForm::DirectoryChanged { version: version.0, added: *added, changed: *changed, removed: *removed }
            }
            TenantEventBody::Closing { step: ClosingStep::Closed, version } => {
                BodyForm::TenantClosed { version: version.0 }
            }
            TenantEventBody::Closing { step: ClosingStep::Reopened, version } => {
                BodyForm::TenantReopened { version: version.0 }
            }
            TenantEventBody::Access(event) => BodyForm::Access(AccessEventForm::of(event, refer)),
        };
        let reason = match body {
            TenantEventBody::PolicyPublished { reason, .. } | TenantEventBody::PolicyPlanned { reason, .. } => {
                reason.as_deref().map(|reason| refer.text(reason))
            }
            TenantEventBody::ServerStarted { .. }
            | TenantEventBody::ClockStepped { .. }
            | TenantEventBody::DirectoryChanged { .. }
            | TenantEventBody::Closing { .. }
            | TenantEventBody::Access(_) => None,
        };
        TenantEventForm { v: super::FORM, definition, reason, event }
    }

    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<TenantEventBody, FormError> {
        if self.v != super::FORM {
            return Err(FormError::UnknownForm(self.v));
        }
        let reason = self.reason.and_then(|hash| resolve.text(hash));
        Ok(match self.event {
            BodyForm::ServerStarted { grace_until, moved_ms } => {
                TenantEventBody::ServerStarted { grace_until: Timestamp(grace_until), moved: from_ms(moved_ms) }
            }
            BodyForm::ClockStepped { by_ms, ahead_ms } => TenantEventBody::ClockStepped { by_ms, ahead_ms },
            BodyForm::PolicyPublished { version } => {
                TenantEventBody::PolicyPublished { version: PolicyVersion(version), reason }
            }
            BodyForm::PolicyDrafted { base_version } => {
                let step = PolicyStep::Drafted { base_version: PolicyVersion(base_version) };
                TenantEventBody::PolicyPlanned { step, reason }
            }
            BodyForm::PolicyScheduled { takes_effect_at, loosen_only } => {
                let step = PolicyStep::Scheduled { takes_effect_at: Timestamp(takes_effect_at), loosen_only };
                TenantEventBody::PolicyPlanned { step, reason }
            }
            BodyForm::PolicyWithdrawn {} => TenantEventBody::PolicyPlanned { step: PolicyStep::Withdrawn, reason },
            BodyForm::DirectoryChanged { version, added, changed, removed } => {
                TenantEventBody::DirectoryChanged { version: DirectoryVersion(version), added, changed, removed }
            }
            BodyForm::TenantClosed { version } => {
                TenantEventBody::Closing { step: ClosingStep::Closed, version: DirectoryVersion(version) }
            }
            BodyForm::TenantReopened { version } => {
                TenantEventBody::Closing { step: ClosingStep::Reopened, version: DirectoryVersion(version) }
            }
            BodyForm::Access(form) => TenantEventBody::Access(form.into_domain(resolve)?),
        })
    }
}
