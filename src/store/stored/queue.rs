//! The stored form of a place in a waiting list.

use serde::{Deserialize, Serialize};

use super::event::PlaceInLineForm;
use super::text::Text;
use super::{Hash, Refer, Resolve, from_ms, to_ms};
use crate::domain::id::{OfferId, PauseTypeCode, TeamId};
use crate::domain::queue::{Offer, Waiting};
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitingForm {
    pause_type: Text<PauseTypeCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Hash>,
    since: i64,
    place: PlaceInLineForm,
    slots: Vec<Text<TeamId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opens_at: Option<i64>,
    let_pass: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_expired: Option<Text<OfferId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offer: Option<OfferForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferForm {
    id: Text<OfferId>,
    left_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runs_since: Option<i64>,
}

impl WaitingForm {
    pub(super) fn of(waiting: &Waiting, refer: &mut dyn Refer) -> WaitingForm {
        WaitingForm {
            pause_type: Text(waiting.pause_type.clone()),
            note: waiting.note.as_deref().map(|note| refer.text(note)),
            since: waiting.since.0,
            place: PlaceInLineForm::of(waiting.place),
            slots: waiting.slots.iter().cloned().map(Text).collect(),
            opens_at: waiting.opens_at.map(|at| at.0),
            let_pass: waiting.let_pass,
            last_expired: waiting.last_expired.map(Text),
            offer: waiting.offer.map(|offer| OfferForm {
                id: Text(offer.id),
                left_ms: to_ms(offer.left),
                runs_since: offer.runs_since.map(|at| at.0),
            }),
            lost_at: waiting.lost_at.map(|at| at.0),
        }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Waiting {
        Waiting {
            pause_type: self.pause_type.0,
            note: self.note.and_then(|hash| resolve.text(hash)),
            since: Timestamp(self.since),
            place: self.place.into_domain(),
            slots: self.slots.into_iter().map(|Text(team)| team).collect(),
            opens_at: self.opens_at.map(Timestamp),
            let_pass: self.let_pass,
            last_expired: self.last_expired.map(|id| id.0),
            offer: self.offer.map(|offer| Offer {
                id: offer.id.0,
                left: from_ms(offer.left_ms),
                runs_since: offer.runs_since.map(Timestamp),
            }),
            lost_at: self.lost_at.map(Timestamp),
        }
    }
}
