//! What was said of pauses after they were on record, for the rows of a page.

use std::collections::HashMap;

use super::PauseRow;
use crate::domain::command::Actor;
use crate::domain::time::Timestamp;
use crate::ports::ReadError;
use crate::store::amendments::{AmendmentRow, amendment_columns, amendment_row};
use crate::store::reading::{Bind, OneTenant};
use crate::store::sql::Sql;
use crate::store::stored::{ActorForm, FormError, Hash, PersonId, Resolve, WideId};

/// The last correction of a pause's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// Who corrected it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why; none when it was erased.
    pub reason: Option<String>,
    /// The end that was recorded first, however often it was corrected.
    pub ended_at_before: Timestamp,
}

/// Something that was added to the record of a pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Who added it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// What; none when it was erased.
    pub text: Option<String>,
}

/// The rows by pause, in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Amendments(HashMap<WideId, Vec<AmendmentRow>>);

impl Amendments {
    /// All annotations of some pauses, and of each the last correction.
    pub(super) async fn of(reading: &mut OneTenant<'_>, pauses: Vec<WideId>) -> Result<Amendments, ReadError> {
        const THESE: Sql = Sql::each(
            concat!(
                "SELECT ",
                amendment_columns!(),
                " FROM json_each($2) AS k CROSS JOIN pause_amendments AS a INDEXED BY pause_amendments_by_pause
                  ON a.pause = unhex(k.value)
                  WHERE a.tenant = $1 AND (a.ended_at IS NULL OR a.seq =
                      (SELECT max(b.seq) FROM pause_amendments AS b INDEXED BY pause_amendments_by_pause
                       WHERE b.tenant = $1 AND b.pause = a.pause AND b.ended_at IS NOT NULL))
                  ORDER BY a.seq"
            ),
            concat!(
                "SELECT ",
                amendment_columns!(),
                " FROM pause_amendments AS a
                  WHERE a.tenant = $1 AND a.pause = ANY($2) AND (a.ended_at IS NULL OR a.seq =
                      (SELECT max(b.seq) FROM pause_amendments AS b
                       WHERE b.tenant = $1 AND b.pause = a.pause AND b.ended_at IS NOT NULL))
                  ORDER BY a.seq"
            ),
        );
        let mut amendments = Amendments::default();
        if pauses.is_empty() {
            return Ok(amendments);
        }
        let ids = Bind::Ids(pauses.into_iter().map(|id| id.0.to_vec()).collect());
        for row in reading.all(THESE, &[ids]).await? {
            let row = amendment_row(&row)?;
            amendments.0.entry(row.pause).or_default().push(row);
        }
        Ok(amendments)
    }

    /// Who wrote them.
    pub(super) fn people(&self) -> impl Iterator<Item = PersonId> {
        self.0.values().flatten().filter_map(|row| row.actor_person)
    }

    /// What they wrote.
    pub(super) fn texts(&self) -> impl Iterator<Item = Hash> {
        self.0.values().flatten().filter_map(|row| row.text)
    }

    /// Puts a pause's own into its row: the corrected end is the end, with what follows from it.
    pub(super) fn apply(&self, id: WideId, row: &mut PauseRow, found: &dyn Resolve) -> Result<(), FormError> {
        for amendment in self.0.get(&id).into_iter().flatten() {
            let by = ActorForm::from_columns(&amendment.actor_kind, amendment.actor_person)?.into_domain(found)?;
            let (at, text) = (Timestamp(amendment.at), amendment.text.and_then(|hash| found.text(hash)));
            let Some(ended_at) = amendment.ended_at else {
                row.annotations.push(Annotation { by, at, text });
                continue;
            };
            let not_ended = || FormError::Contradiction("it was corrected and has not ended".to_owned());
            let end = row.ended.as_mut().ok_or_else(not_ended)?;
            row.corrected = Some(Correction { by, at, reason: text, ended_at_before: end.at });
            end.at = Timestamp(ended_at);
            end.short = amendment.short.unwrap_or(false);
            end.misclick = amendment.misclick.unwrap_or(false);
            end.estimated = false;
            row.overran_at = amendment.overran_at.map(Timestamp);
        }
        Ok(())
    }
}
