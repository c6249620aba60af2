//! Corrections of pauses on record, and what is added to them (semantics §8).

use super::decide::Course;
use crate::domain::command::{Outcome, Refusal, Rejection};
use crate::domain::event::AgentEventBody;
use crate::domain::id::PauseId;
use crate::domain::record::{
    ANNOTATIONS_MAX, EndsBefore, Measures, PauseCorrected, RecordedEnd, RecordedPause, UsageCorrection,
};
use crate::domain::time::Timestamp;
use crate::domain::usage::Period;

impl Course<'_> {
    /// Somebody else says when a pause ended.
    pub(super) fn correct_pause(&mut self, id: PauseId, ended_at: Timestamp) -> Result<Outcome, Rejection> {
        let pause = self.recorded(id)?;
        // To others there is no protected pause, running or over.
        let Some(measures) = &pause.measures else { return Err(Refusal::UnknownPause.into()) };
        if self.actor().id() == Some(self.context().person.id.as_str()) {
            return Err(Refusal::OwnPause.into());
        }
        let Some(ended) = pause.ended else { return Err(Refusal::StillRunning.into()) };
        let now = self.context().now;
        let until = pause.next_started_at.map_or(now, |next| next.min(now));
        if ended_at <= pause.started_at || ended_at > until {
            return Err(Refusal::EndOutOfRange { after: pause.started_at, until }.into());
        }
        // That an estimate was right is worth a record.
        if ended_at != ended.at || ended.last_seen_at.is_some() {
            let corrected = self.corrected(pause, measures, ended, ended_at);
            self.happens(self.cause(), AgentEventBody::PauseCorrected(Box::new(corrected)));
        }
        Ok(Outcome::Done)
    }

    /// The agent, or somebody else, adds something to the record of a pause; what, is the reason of the event.
    pub(super) fn annotate_pause(&mut self, id: PauseId) -> Result<Outcome, Rejection> {
        let pause = self.recorded(id)?;
        if pause.measures.is_none() && !self.by_agent() {
            return Err(Refusal::UnknownPause.into());
        }
        if pause.annotations >= ANNOTATIONS_MAX {
            return Err(Refusal::TooManyAnnotations { of: ANNOTATIONS_MAX }.into());
        }
        self.happens(self.cause(), AgentEventBody::PauseAnnotated { pause: id });
        Ok(Outcome::Done)
    }

    fn recorded(&self, id: PauseId) -> Result<&'_ RecordedPause, Refusal> {
        let context = self.context();
        let found = context.recorded.filter(|pause| pause.id == id && pause.agent == context.person.id);
        found.ok_or(Refusal::UnknownPause)
    }

    fn corrected(
        &self,
        pause: &RecordedPause,
        measures: &Measures,
        ended: RecordedEnd,
        ended_at: Timestamp,
    ) -> PauseCorrected {
        let duration = ended_at.since(pause.started_at);
        let misclick = measures.is_misclick(duration, ended.cause);
        let (before, after) = (pause.counted(), (!misclick).then_some(duration));
        let others = if before.is_some() && after.is_none() { pause.before } else { EndsBefore::default() };
        PauseCorrected {
            pause: pause.id,
            pause_type: pause.pause_type.clone(),
            started_at: pause.started_at,
            ended_at_before: ended.at,
            ended_at,
            short: !misclick && measures.is_short(duration),
            misclick,
            overran_at: measures.overran_at(pause.started_at, ended_at),
            usage: UsageCorrection {
                period: self.counted_in(pause, ended),
                before,
                after,
                satisfied_before: measures.is_satisfied(pause.started_at, before),
                satisfied: measures.is_satisfied(pause.started_at, after),
                others,
            },
        }
    }

    /// What the pause is counted in: with those around it, whatever a change of plan has made of their shift; else in the
    /// shift that is planned around its start, else in that of before.
    fn counted_in(&self, pause: &RecordedPause, ended: RecordedEnd) -> Period {
        let counted = self.agent.usage.counted().filter(|counted| counted.since <= pause.started_at);
        if let Some(counted) = counted.filter(|counted| pause.counted().is_some() || ended.at <= counted.last) {
            return counted.period;
        }
        let is_shift = matches!(pause.period, Period::Shift(_));
        let planned = self.agent.plan.counting_at(pause.started_at).filter(|_| is_shift && pause.counted().is_none());
        planned.map_or(pause.period, |planned| Period::Shift(planned.start()))
    }
}
