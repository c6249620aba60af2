//! What was said of a pause after it was on record: that it ended at another time, or something beside. One row an event, written in
//! its transaction; no row ever changes, and the pause's own keeps what was recorded first.

use serde::{Deserialize, Serialize};

use super::pauses::EventPlace;
use super::reading::FoundRow;
use super::stored::{Hash, PersonId, WideId};
use crate::domain::event::AgentEvent;
use crate::domain::id::PauseId;
use crate::domain::record::PauseCorrected;
use crate::ports::ReadError;

/// One correction or annotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AmendmentRow {
    pub(crate) tenant: String,
    /// The event.
    pub(crate) seq: i64,
    pub(crate) pause: WideId,
    pub(crate) at: i64,
    pub(crate) actor_kind: String,
    pub(crate) actor_person: Option<PersonId>,
    /// Why it was corrected, or what was added.
    pub(crate) text: Option<Hash>,
    /// What only a correction has; the end of all of it.
    pub(crate) ended_at: Option<i64>,
    pub(crate) short: Option<bool>,
    pub(crate) misclick: Option<bool>,
    pub(crate) overran_at: Option<i64>,
}

/// Every column of an amendment `a`, in the order of [`AmendmentRow`].
macro_rules! amendment_columns {
    () => {
        "a.tenant, a.seq, a.pause, a.at, a.actor_kind, a.actor_person, a.text, a.ended_at, a.short, a.misclick, \
         a.overran_at"
    };
}
pub(crate) use amendment_columns;

/// Reads one row of [`amendment_columns`].
pub(crate) fn amendment_row(row: &FoundRow) -> Result<AmendmentRow, ReadError> {
    let place = "the amendments of pauses";
    Ok(AmendmentRow {
        tenant: row.text(0, place)?,
        seq: row.number(1, place)?,
        pause: row.wide(2, place)?,
        at: row.number(3, place)?,
        actor_kind: row.text(4, place)?,
        actor_person: row.optional_person(5, place)?,
        text: row.optional_hash(6, place)?,
        ended_at: row.optional_number(7, place)?,
        short: row.optional_truth(8, place)?,
        misclick: row.optional_truth(9, place)?,
        overran_at: row.optional_number(10, place)?,
    })
}

impl AmendmentRow {
    /// Something was added to the record.
    pub(crate) fn annotated(place: EventPlace<'_>, event: &AgentEvent, pause: PauseId) -> AmendmentRow {
        AmendmentRow {
            tenant: place.tenant.to_owned(),
            seq: place.seq,
            pause: WideId::of(pause.0),
            at: event.at.0,
            actor_kind: event.actor.kind().to_owned(),
            actor_person: place.actor,
            text: place.reason,
            ended_at: None,
            short: None,
            misclick: None,
            overran_at: None,
        }
    }

    /// The end was corrected.
    pub(crate) fn corrected(place: EventPlace<'_>, event: &AgentEvent, corrected: &PauseCorrected) -> AmendmentRow {
        AmendmentRow {
            ended_at: Some(corrected.ended_at.0),
            short: Some(corrected.short),
            misclick: Some(corrected.misclick),
            overran_at: corrected.overran_at.map(|at| at.0),
            ..AmendmentRow::annotated(place, event, corrected.pause)
        }
    }

    /// True for a correction.
    pub(crate) fn is_correction(&self) -> bool {
        self.ended_at.is_some()
    }
}
