//! The projection of pauses: one row a pause, made of the events in the transaction that stores them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::amendments::AmendmentRow;
use super::reading::FoundRow;
use super::stored::{Hash, PersonId, WideId, to_ms};
use crate::domain::event::{AgentEvent, AgentEventBody, PauseEnded, PauseStarted};
use crate::domain::id::PauseId;
use crate::domain::policy::{OnEarlyEnd, OnLimit};
use crate::domain::time::millis;
use crate::ports::ReadError;

/// A pause as it is inserted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PauseRowForm {
    pub(crate) id: WideId,
    pub(crate) tenant: String,
    pub(crate) person: PersonId,
    pub(crate) pause_type: String,
    pub(crate) class: String,
    pub(crate) team: Option<String>,
    pub(crate) inside: Option<WideId>,
    pub(crate) replaces: Option<WideId>,
    pub(crate) replaced_by: Option<WideId>,
    pub(crate) zone: String,
    pub(crate) utc_offset_s: i64,
    pub(crate) local_day: String,
    pub(crate) business_day: String,
    pub(crate) shift_started_at: Option<i64>,
    pub(crate) shift_estimated: Option<bool>,
    pub(crate) policy_version: i64,
    pub(crate) started_at: i64,
    pub(crate) started_seq: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) ended_by: Option<String>,
    pub(crate) ended_seq: Option<i64>,
    pub(crate) last_seen_at: Option<i64>,
    pub(crate) note: Option<Hash>,
    pub(crate) paid: Option<bool>,
    pub(crate) counts_as_work: Option<bool>,
    pub(crate) min_ms: Option<i64>,
    pub(crate) on_early_end: Option<String>,
    pub(crate) refund_under_ms: Option<i64>,
    pub(crate) limit_ms: Option<i64>,
    pub(crate) grace_ms: Option<i64>,
    pub(crate) on_limit: Option<String>,
    pub(crate) extended_ms: Option<i64>,
    pub(crate) overran_at: Option<i64>,
    pub(crate) short: Option<bool>,
    pub(crate) misclick: Option<bool>,
}

/// What changes on a pause that was inserted before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PauseChange {
    pub(crate) id: WideId,
    pub(crate) tenant: String,
    pub(crate) replaced_by: Option<WideId>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) ended_by: Option<String>,
    pub(crate) ended_seq: Option<i64>,
    pub(crate) last_seen_at: Option<i64>,
    /// Added to what it is.
    pub(crate) extended_ms: i64,
    pub(crate) overran_at: Option<i64>,
    pub(crate) short: Option<bool>,
    pub(crate) misclick: Option<bool>,
}

/// Every column of a pause `p`, in the order of [`PauseRowForm`].
macro_rules! pause_columns {
    () => {
        "p.id, p.tenant, p.person, p.pause_type, p.class, p.team, p.inside, p.replaces, p.replaced_by, p.zone, \
         p.utc_offset_s, p.local_day, p.business_day, p.shift_started_at, p.shift_estimated, p.policy_version, \
         p.started_at, p.started_seq, p.ended_at, p.ended_by, p.ended_seq, p.last_seen_at, p.note, p.paid, \
         p.counts_as_work, p.min_ms, p.on_early_end, p.refund_under_ms, p.limit_ms, p.grace_ms, p.on_limit, \
         p.extended_ms, p.overran_at, p.short, p.misclick"
    };
}
pub(crate) use pause_columns;

/// Reads one row of [`pause_columns`].
pub(crate) fn pause_row(row: &FoundRow) -> Result<PauseRowForm, ReadError> {
    let place = "the history of pauses";
    Ok(PauseRowForm {
        id: row.wide(0, place)?,
        tenant: row.text(1, place)?,
        person: row.person(2, place)?,
        pause_type: row.text(3, place)?,
        class: row.text(4, place)?,
        team: row.optional_text(5, place)?,
        inside: row.optional_wide(6, place)?,
        replaces: row.optional_wide(7, place)?,
        replaced_by: row.optional_wide(8, place)?,
        zone: row.text(9, place)?,
        utc_offset_s: row.number(10, place)?,
        local_day: row.text(11, place)?,
        business_day: row.text(12, place)?,
        shift_started_at: row.optional_number(13, place)?,
        shift_estimated: row.optional_truth(14, place)?,
        policy_version: row.number(15, place)?,
        started_at: row.number(16, place)?,
        started_seq: row.number(17, place)?,
        ended_at: row.optional_number(18, place)?,
        ended_by: row.optional_text(19, place)?,
        ended_seq: row.optional_number(20, place)?,
        last_seen_at: row.optional_number(21, place)?,
        note: row.optional_hash(22, place)?,
        paid: row.optional_truth(23, place)?,
        counts_as_work: row.optional_truth(24, place)?,
        min_ms: row.optional_number(25, place)?,
        on_early_end: row.optional_text(26, place)?,
        refund_under_ms: row.optional_number(27, place)?,
        limit_ms: row.optional_number(28, place)?,
        grace_ms: row.optional_number(29, place)?,
        on_limit: row.optional_text(30, place)?,
        extended_ms: row.optional_number(31, place)?,
        overran_at: row.optional_number(32, place)?,
        short: row.optional_truth(33, place)?,
        misclick: row.optional_truth(34, place)?,
    })
}

impl PauseRowForm {
    /// Makes a change; marks stay absent where the class has none.
    pub(crate) fn change(&mut self, change: &PauseChange) {
        self.replaced_by = change.replaced_by.or(self.replaced_by);
        self.ended_at = change.ended_at.or(self.ended_at);
        self.ended_by = change.ended_by.clone().or(self.ended_by.take());
        self.ended_seq = change.ended_seq.or(self.ended_seq);
        self.last_seen_at = change.last_seen_at.or(self.last_seen_at);
        if self.class != "protected" {
            self.extended_ms = Some(self.extended_ms.unwrap_or(0) + change.extended_ms);
            self.overran_at = change.overran_at.or(self.overran_at);
            self.short = change.short.or(self.short);
            self.misclick = change.misclick.or(self.misclick);
        }
    }
}

/// Whose event it is, its place, and what stands in it by internal names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventPlace<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) person: PersonId,
    pub(crate) seq: i64,
    /// Who brought it about.
    pub(crate) actor: Option<PersonId>,
    /// What was written to it.
    pub(crate) reason: Option<Hash>,
    /// The note of a pause that begins.
    pub(crate) note: Option<Hash>,
}

/// The changes of one transaction, folded to one insert or one update a pause, so that a pause
/// which ends in it makes room for the one that begins.
#[derive(Debug, Default)]
pub(crate) struct PauseWrites {
    pub(crate) inserts: Vec<PauseRowForm>,
    pub(crate) changes: Vec<PauseChange>,
    pub(crate) amendments: Vec<AmendmentRow>,
    inserted: HashMap<WideId, usize>,
    changed: HashMap<WideId, usize>,
}

impl PauseWrites {
    /// Takes up an event.
    pub(crate) fn on_event(&mut self, place: EventPlace<'_>, event: &AgentEvent) {
        match &event.body {
            AgentEventBody::PauseStarted(started) => {
                let row = started_row(place, event, started);
                self.inserted.insert(row.id, self.inserts.len());
                self.inserts.push(row);
            }
            AgentEventBody::PauseExtended { pause, by } => {
                self.change(place, *pause, |change| change.extended_ms += millis(*by));
            }
            AgentEventBody::Overran { pause, .. } => {
                let overran_at = event.due_at.unwrap_or(event.at).0;
                self.change(place, *pause, |change| change.overran_at = Some(overran_at));
            }
            AgentEventBody::PauseEnded(ended) => {
                self.change(place, ended.pause, |change| end(change, place, event, ended));
            }
            AgentEventBody::PauseCorrected(corrected) => {
                self.amendments.push(AmendmentRow::corrected(place, event, corrected));
            }
            AgentEventBody::PauseAnnotated { pause } => {
                self.amendments.push(AmendmentRow::annotated(place, event, *pause));
            }
            AgentEventBody::Queued(_)
            | AgentEventBody::LeftQueue { .. }
            | AgentEventBody::Offered { .. }
            | AgentEventBody::OfferExpired { .. }
            | AgentEventBody::ShiftPlanned(_)
            | AgentEventBody::ShiftCancelled { .. }
            | AgentEventBody::Connected { .. }
            | AgentEventBody::GraceBegan { .. }
            | AgentEventBody::ConnectionLost { .. }
            | AgentEventBody::SignedIn { .. }
            | AgentEventBody::Resumed { .. }
            | AgentEventBody::StatusChanged { .. }
            | AgentEventBody::SignedOut
            | AgentEventBody::Deactivated
            | AgentEventBody::PauseRefused { .. }
            | AgentEventBody::PendingSet(_)
            | AgentEventBody::PendingCancelled
            | AgentEventBody::Deferred(_)
            | AgentEventBody::DeferralEnded { .. }
            | AgentEventBody::OccupancyChanged(_)
            | AgentEventBody::EntitlementAtRisk(_)
            | AgentEventBody::RequestCreated(_)
            | AgentEventBody::RequestDecided { .. }
            | AgentEventBody::RequestExpired { .. }
            | AgentEventBody::RequestCancelled { .. }
            | AgentEventBody::GrantUsed { .. }
            | AgentEventBody::AlertAcknowledged { .. }
            | AgentEventBody::PauseWarned { .. }
            | AgentEventBody::LimitReached { .. }
            | AgentEventBody::Escalated { .. }
            | AgentEventBody::FindingRecorded { .. } => {}
        }
    }

    fn change(&mut self, place: EventPlace<'_>, pause: PauseId, with: impl FnOnce(&mut PauseChange)) {
        let id = WideId::of(pause.0);
        if let Some(&at) = self.inserted.get(&id) {
            let mut change = unchanged(place, id);
            with(&mut change);
            self.inserts[at].change(&change);
            return;
        }
        let at = *self.changed.entry(id).or_insert(self.changes.len());
        if at == self.changes.len() {
            self.changes.push(unchanged(place, id));
        }
        with(&mut self.changes[at]);
    }
}

fn started_row(place: EventPlace<'_>, event: &AgentEvent, started: &PauseStarted) -> PauseRowForm {
    let terms = started.terms.as_ref();
    let shift = started.place.shift;
    PauseRowForm {
        id: WideId::of(started.id.0),
        tenant: place.tenant.to_owned(),
        person: place.person,
        pause_type: started.pause_type.to_string(),
        class: started.class().as_str().to_owned(),
        team: started.place.team.as_ref().map(|team| team.to_string()),
        inside: started.inside.map(|id| WideId::of(id.0)),
        replaces: started.replaces.map(|id| WideId::of(id.0)),
        replaced_by: None,
        zone: started.place.zone.name().to_owned(),
        utc_offset_s: i64::from(started.place.utc_offset_s),
        local_day: started.place.local_day.to_string(),
        business_day: started.place.business_day.to_string(),
        shift_started_at: shift.map(|shift| shift.started_at.0),
        shift_estimated: shift.map(|shift| shift.estimated),
        policy_version: event.policy_version.0.cast_signed(),
        started_at: event.at.0,
        started_seq: place.seq,
        ended_at: None,
        ended_by: None,
        ended_seq: None,
        last_seen_at: None,
        note: place.note,
        paid: terms.map(|terms| terms.paid),
        counts_as_work: terms.map(|terms| terms.counts_as_work),
        min_ms: terms.and_then(|terms| terms.min_duration).map(millis),
        on_early_end: terms.map(|terms| early_end_word(terms.on_early_end).to_owned()),
        refund_under_ms: terms.map(|terms| millis(terms.refund_under)),
        limit_ms: terms.and_then(|terms| terms.limit).map(|limit| to_ms(limit).cast_signed()),
        grace_ms: terms.map(|terms| millis(terms.grace)),
        on_limit: terms.map(|terms| limit_word(terms.on_limit).to_owned()),
        extended_ms: terms.map(|_| 0),
        overran_at: None,
        short: None,
        misclick: None,
    }
}

fn unchanged(place: EventPlace<'_>, id: WideId) -> PauseChange {
    PauseChange {
        id,
        tenant: place.tenant.to_owned(),
        replaced_by: None,
        ended_at: None,
        ended_by: None,
        ended_seq: None,
        last_seen_at: None,
        extended_ms: 0,
        overran_at: None,
        short: None,
        misclick: None,
    }
}

fn end(change: &mut PauseChange, place: EventPlace<'_>, event: &AgentEvent, ended: &PauseEnded) {
    change.replaced_by = ended.replaced_by.map(|id| WideId::of(id.0));
    change.ended_at = Some(event.at.0);
    change.ended_by = Some(event.cause.as_str().to_owned());
    change.ended_seq = Some(place.seq);
    change.last_seen_at = ended.last_seen_at.map(|at| at.0);
    change.short = Some(ended.short);
    change.misclick = Some(ended.misclick);
}

fn early_end_word(value: OnEarlyEnd) -> &'static str {
    super::stored::OnEarlyEndForm::from(value).as_str()
}

fn limit_word(value: OnLimit) -> &'static str {
    super::stored::OnLimitForm::from(value).as_str()
}
