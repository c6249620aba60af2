//! How a pause ends: what its minimum says, what the agent is afterwards, what goes on record
//! (semantics §3, §5, §6).

use super::decide::Course;
use super::{Connection, Pause};
use crate::domain::command::{Refusal, Rejection};
use crate::domain::event::{AfterPause, AgentEventBody, Cause, ChosenStatus, LimitedClass, PauseEnded};
use crate::domain::findings::ENTITLEMENT_ENDED_EARLY;
use crate::domain::id::{PauseId, RequestId};
use crate::domain::policy::OnEarlyEnd;
use crate::domain::request::PauseRequest;
use crate::domain::time::Timestamp;

impl Course<'_> {
    /// Ends the running pause that has terms.
    pub(super) fn end_outer(&mut self, cause: Cause, then: ChosenStatus, overriding: bool) -> Result<(), Rejection> {
        let Some(pause) = self.agent.pause().cloned() else { return Err(Refusal::NotPaused.into()) };
        self.check_early_end(&pause, overriding)?;
        self.end_noting_findings(&pause, cause, then);
        Ok(())
    }

    /// Ends a pause; that a superior cut an entitlement short goes on record.
    pub(super) fn end_noting_findings(&mut self, pause: &Pause, cause: Cause, then: ChosenStatus) {
        let early = self.is_early(pause) && self.by_superior() && pause.terms.class == LimitedClass::Entitlement;
        self.end_with_terms(pause, cause, then, None);
        if early {
            let code = ENTITLEMENT_ENDED_EARLY.to_owned();
            self.happens(self.cause(), AgentEventBody::FindingRecorded { code, pause: Some(pause.id) });
        }
    }

    fn is_misclick(&self, pause: &Pause) -> bool {
        self.context().now.since(pause.started_at) < pause.terms.refund_under
    }

    fn is_early(&self, pause: &Pause) -> bool {
        !self.is_misclick(pause) && pause.min_until().is_some_and(|until| self.context().now < until)
    }

    /// May it end now, as far as its minimum goes (semantics §6). A misclick always may.
    pub(super) fn check_early_end(&self, pause: &Pause, overriding: bool) -> Result<(), Rejection> {
        let (true, Some(until)) = (self.is_early(pause), pause.min_until()) else { return Ok(()) };
        if self.by_superior() {
            let owed = pause.terms.class == LimitedClass::Entitlement;
            return if owed && !overriding { Err(Refusal::EntitlementMinimum { until }.into()) } else { Ok(()) };
        }
        match pause.terms.on_early_end {
            OnEarlyEnd::Record => Ok(()),
            OnEarlyEnd::Hold if self.released_by(pause).is_some() => Ok(()),
            OnEarlyEnd::Hold => Err(Refusal::Held { until }.into()),
        }
    }

    /// The grant that a pause which would be held ends by.
    fn released_by(&self, pause: &Pause) -> Option<RequestId> {
        let held = self.is_early(pause) && !self.by_superior() && pause.terms.on_early_end == OnEarlyEnd::Hold;
        let grant = self.agent.grant_for(&pause.pause_type, self.context().now).filter(|_| held)?;
        grant.waives.has("held").then_some(grant.id)
    }

    /// Ends a pause that has terms; `then` gives way where no session is live (semantics §6).
    pub(super) fn end_with_terms(
        &mut self,
        pause: &Pause,
        cause: Cause,
        then: ChosenStatus,
        replaced_by: Option<PauseId>,
    ) {
        let then = match (then, self.agent.connection) {
            (ChosenStatus::Offline, _) => ChosenStatus::Offline,
            (ChosenStatus::Available, Connection::Connected) => ChosenStatus::Available,
            (_, Connection::Connected | Connection::Grace { .. }) => ChosenStatus::Unavailable,
            (_, Connection::Disconnected { .. }) if replaced_by.is_some() => ChosenStatus::Unavailable,
            (_, Connection::Disconnected { .. }) => ChosenStatus::Offline,
        };
        let ended = PauseEnded {
            pause: pause.id,
            then: AfterPause::Status(then),
            short: self.is_early(pause),
            // What time ended, nobody clicked.
            misclick: cause != Cause::Limit && self.is_misclick(pause),
            last_seen_at: None,
            replaced_by,
        };
        let released =
            self.released_by(pause).filter(|_| matches!(cause, Cause::Agent | Cause::ChangedType | Cause::Integration));
        self.happens(cause, AgentEventBody::PauseEnded(ended));
        if let Some(grant) = released {
            self.happens(cause, AgentEventBody::GrantUsed { grant, pause: pause.id });
        }
    }

    /// Ends the running protected pause by the agent's wish.
    pub(super) fn end_protected(&mut self, then: AfterPause) {
        let Some(inner) = self.agent.protected_pause().map(|pause| pause.id) else { return };
        let then = match (then, self.agent.pause()) {
            (AfterPause::Status(_), Some(_)) => AfterPause::OuterPause,
            (then, _) => then,
        };
        let cause = self.cause();
        self.end_protected_as(cause, inner, then, None);
    }

    pub(super) fn end_protected_as(
        &mut self,
        cause: Cause,
        inner: PauseId,
        then: AfterPause,
        replaced_by: Option<PauseId>,
    ) {
        let ended = PauseEnded { pause: inner, then, short: false, misclick: false, last_seen_at: None, replaced_by };
        self.happens(cause, AgentEventBody::PauseEnded(ended));
    }

    /// Ends the running pause and a protected one inside it; the agent is offline then.
    pub(super) fn end_all(&mut self, cause: Cause, last_seen_at: Option<Timestamp>) {
        // Only a pause is abandoned, and this may be one that nobody is to know of.
        let left = if cause == Cause::Abandoned { Cause::SignOut } else { cause };
        self.leave_queue(left, None);
        self.drop_request(left, PauseRequest::is_of_start);
        let offline = AfterPause::Status(ChosenStatus::Offline);
        if let Some(inner) = self.agent.protected_pause().map(|pause| pause.id) {
            let then = if self.agent.pause().is_some() { AfterPause::OuterPause } else { offline };
            let (short, misclick, replaced_by) = (false, false, None);
            let ended = PauseEnded { pause: inner, then, short, misclick, last_seen_at, replaced_by };
            self.happens(cause, AgentEventBody::PauseEnded(ended));
        }
        if let Some(outer) = self.agent.pause().cloned() {
            // How long an abandoned pause really was is not known, so it is not called short.
            let known = last_seen_at.is_none();
            let (short, misclick) = (known && self.is_early(&outer), known && self.is_misclick(&outer));
            let ended = PauseEnded { pause: outer.id, then: offline, short, misclick, last_seen_at, replaced_by: None };
            self.happens(cause, AgentEventBody::PauseEnded(ended));
        }
    }
}
