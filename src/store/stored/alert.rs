//! The stored form of alerts that somebody has seen.

use serde::{Deserialize, Serialize};

use super::text::Text;
use super::{ActorForm, FormError, Refer, Resolve};
use crate::domain::alert::{Ack, AlertId};
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AckForm {
    alert: Text<AlertId>,
    by: ActorForm,
    at: i64,
}

impl AckForm {
    pub(super) fn of(ack: &Ack, refer: &mut dyn Refer) -> AckForm {
        AckForm { alert: Text(ack.alert), by: ActorForm::of(&ack.by, refer), at: ack.at.0 }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<Ack, FormError> {
        Ok(Ack { alert: self.alert.0, by: self.by.into_domain(resolve)?, at: Timestamp(self.at) })
    }
}
