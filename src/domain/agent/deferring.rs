//! Waiting for the end of work: what waits, what ends it, and what becomes of it then (semantics §1, §4).

use super::decide::{Around, Course, as_shown};
use super::{Context, Status};
use crate::domain::command::{Outcome, Refusal, Rejection};
use crate::domain::deferral::{AtDeadline, Deferred, DeferredTarget};
use crate::domain::event::{AgentEventBody, Cause, ChosenStatus, OccupancyChanged};
use crate::domain::findings::WORK_DURING_PAUSE;
use crate::domain::id::{PauseId, PauseTypeCode};
use crate::domain::occupancy::{Load, Occupancy, RECORDED_EVERY, SourceWork};
use crate::domain::rules::{Question, VerdictOutcome, evaluate};
use crate::domain::time::Timestamp;

/// A pause that was wished for before it could begin.
pub(super) struct Wish<'a> {
    pub(super) code: &'a PauseTypeCode,
    pub(super) note: Option<String>,
    pub(super) replaces: Option<PauseId>,
    /// Whoever asked waives the rules that can be waived.
    pub(super) overriding: bool,
    /// It has waited for the end of work.
    pub(super) waited: bool,
}

/// What ended a wish whose time was up.
const DEADLINE: &str = "pending_deadline";

impl Course<'_> {
    /// What integrations say goes on record: at once where it changes what may begin or where work goes, else now and then.
    pub(super) fn meet_reports(&mut self, context: &Context) {
        if self.agent.status == Status::Offline || self.agent.is_shown_offline() {
            return;
        }
        let recorded = self.agent.occupancy.as_deref();
        let known = context.reports.known(recorded, context.now);
        if report_due(recorded, &known, self.agent.pause().is_some(), context).is_none_or(|at| at > context.now) {
            return;
        }
        let rises = rises(recorded, &known);
        let blocks = Load::of(&known).blocks(context.directory);
        let changed = OccupancyChanged { sources: known.into(), blocks };
        self.happens(Cause::Occupancy, AgentEventBody::OccupancyChanged(Box::new(changed)));
        if let Some(pause) = self.agent.pause().filter(|pause| rises && pause.worked_at.is_none()) {
            let (code, pause) = (WORK_DURING_PAUSE.to_owned(), Some(pause.id));
            self.happens(Cause::Occupancy, AgentEventBody::FindingRecorded { code, pause });
        }
    }

    /// A status that is to be taken after work; at once where none is open, and where it is not a way out of it.
    pub(super) fn set_status_after_work(&mut self, status: ChosenStatus) -> Result<Outcome, Rejection> {
        let waits = match (as_shown(&self.agent).status, status) {
            (Status::Available, ChosenStatus::Unavailable | ChosenStatus::Offline)
            | (Status::Unavailable, ChosenStatus::Offline) => self.agent.is_occupied(),
            (Status::Available | Status::Unavailable | Status::Offline | Status::Paused(_), _) => false,
        };
        match waits {
            true => Ok(self.wait_for_end_of_work(DeferredTarget::Status(status))),
            false => self.set_status(status),
        }
    }

    /// A wish waits; the latest one counts.
    pub(super) fn wait_for_end_of_work(&mut self, target: DeferredTarget) -> Outcome {
        let since = self.context().now;
        let (actor, reason) = (self.actor().clone(), self.reason().clone());
        let same = |deferred: &Deferred| match (&deferred.target, &target) {
            (DeferredTarget::Status(a), DeferredTarget::Status(b)) => a == b,
            // One whose offer is taken is another: its slot is kept.
            (DeferredTarget::Pause { pause_type: a, .. }, DeferredTarget::Pause { pause_type: b, offer, .. }) => {
                a == b && deferred.offer() == *offer
            }
            (DeferredTarget::Status(_), DeferredTarget::Pause { .. })
            | (DeferredTarget::Pause { .. }, DeferredTarget::Status(_)) => false,
        };
        if !self.agent.deferred.as_deref().is_some_and(same) {
            let deadline_at = Some(since + self.context().directory.tenant.defer_for);
            let deferred = Deferred { target, since, deadline_at, actor, reason, lost_at: None };
            self.happens(self.cause(), AgentEventBody::Deferred(Box::new(deferred)));
        }
        Outcome::Deferred
    }

    pub(super) fn cancel_deferred(&mut self) -> Result<Outcome, Rejection> {
        if self.agent.deferred.is_none() {
            return Err(Refusal::NothingPending.into());
        }
        self.give_up_deferred(self.cause(), None);
        Ok(Outcome::Done)
    }

    /// What waits is given up, and the slot that is kept for it.
    pub(super) fn give_up_deferred(&mut self, cause: Cause, code: Option<&str>) {
        if self.agent.deferred.is_none() {
            return;
        }
        let has_slot = self.agent.has_taken_offer();
        self.happens(cause, AgentEventBody::DeferralEnded { code: code.map(str::to_owned) });
        if has_slot {
            self.leave_queue(cause, code.map(str::to_owned));
        }
    }

    /// A status that waits is settled by the choice of another.
    pub(super) fn drop_deferred_status(&mut self) {
        if self.agent.deferred.as_deref().is_some_and(Deferred::is_status) {
            self.happens(self.cause(), AgentEventBody::DeferralEnded { code: None });
        }
    }

    /// The connection was given up for too long.
    pub(super) fn let_deferred_lapse(&mut self) {
        self.give_up_deferred(Cause::ConnectionLost, None);
    }

    /// The work has gone on for too long.
    pub(super) fn meet_deferral_deadline(&mut self) {
        match self.context().directory.tenant.at_defer_deadline {
            AtDeadline::Start => self.carry_out_deferred(),
            AtDeadline::Cancel => self.give_up_deferred(Cause::Occupancy, Some(DEADLINE)),
            AtDeadline::Notify => {
                let Some(deferred) = self.agent.deferred.as_deref().cloned() else { return };
                let has_slot = self.agent.has_taken_offer();
                let deferred = Deferred { deadline_at: None, target: deferred.target.without_offer(), ..deferred };
                self.happens(Cause::Occupancy, AgentEventBody::Deferred(Box::new(deferred)));
                if has_slot {
                    self.leave_queue(Cause::Occupancy, Some(DEADLINE.to_owned()));
                }
            }
        }
    }

    /// What waited happens now, in the name of whoever asked for it.
    pub(super) fn carry_out_deferred(&mut self) {
        let Some(deferred) = self.agent.deferred.as_deref().cloned() else { return };
        let Deferred { target, actor, reason, .. } = deferred;
        self.in_the_name_of(actor, reason, |course| match target {
            DeferredTarget::Status(status) => {
                // A first choice stands against nothing; where nothing changes by it, it waits no more all the same.
                let _ = course.set_status(status);
                course.drop_deferred_status();
            }
            DeferredTarget::Pause { pause_type, note, replaces, overriding, .. } => {
                let wish = Wish { code: &pause_type, note, replaces, overriding, waited: true };
                if let Err(refusal) = course.start_for_them(wish) {
                    course.refuse_deferred(pause_type, &refusal);
                }
            }
        });
    }

    /// Begins a pause that was wished for earlier, as the rules have it now; around a protected one that runs, so that nobody
    /// can tell.
    pub(super) fn start_for_them(&mut self, wish: Wish<'_>) -> Result<(), Refusal> {
        let Wish { code, note, replaces, overriding, waited } = wish;
        let context = self.context();
        let shown = as_shown(&self.agent);
        let actor = self.actor().clone();
        let question = Question { agent: &shown, context, code, actor: &actor, replaces, overriding, waited };
        let verdict = evaluate(&question);
        let Some(pause_type) = context.policy.types.get(code) else { return Err(Refusal::UnknownType) };
        let opens_at = verdict.opens_at();
        match (verdict.outcome, verdict.code) {
            (VerdictOutcome::Refused | VerdictOutcome::Requested, Some(refusal)) => Err(refusal),
            // The slot that was kept is given back: it is too late for it.
            (VerdictOutcome::Queued, Some(refusal))
                if self.agent.has_taken_offer() && matches!(refusal, Refusal::OutsideWindow { .. }) =>
            {
                Err(refusal)
            }
            (VerdictOutcome::Queued, full) => {
                self.end_deferral(full.as_ref().map(Refusal::code));
                self.wait_in_line(pause_type, note, opens_at);
                Ok(())
            }
            (VerdictOutcome::Pending, _) => {
                let offer = self.agent.offer_of(code).map(|offer| offer.id);
                let pause_type = code.clone();
                self.wait_for_end_of_work(DeferredTarget::Pause { pause_type, note, replaces, overriding, offer });
                Ok(())
            }
            (VerdictOutcome::Started | VerdictOutcome::Refused | VerdictOutcome::Requested, _) => {
                if self.agent.running_of_type(code).is_some() {
                    self.end_deferral(None);
                    return Ok(());
                }
                let around = if self.agent.protected_pause().is_some() { Around::Protected } else { Around::Nothing };
                match self.begin(pause_type, note, around, verdict.grant) {
                    Ok(()) => {
                        self.note_waived(&verdict.waived);
                        Ok(())
                    }
                    Err(Rejection::Refused(refusal)) => Err(refusal),
                    Err(Rejection::StaleVersion { .. } | Rejection::OpReused) => Ok(()),
                }
            }
        }
    }

    /// What waited waits no more, and another line or pause has taken its place.
    fn end_deferral(&mut self, code: Option<&'static str>) {
        if self.agent.deferred.is_some() {
            self.happens(self.cause(), AgentEventBody::DeferralEnded { code: code.map(str::to_owned) });
        }
    }

    /// The rules stand against it by now: it is on record why, and the agent gets no work until they choose.
    fn refuse_deferred(&mut self, pause_type: PauseTypeCode, refusal: &Refusal) {
        self.refused(pause_type, refusal);
        self.give_up_deferred(Cause::Occupancy, Some(refusal.code()));
        if self.agent.status == Status::Available {
            let (from, to) = (ChosenStatus::Available, ChosenStatus::Unavailable);
            let reason = format!("the pause that waited for the end of work is refused: {}", refusal.code());
            let actor = self.actor().clone();
            self.in_the_name_of(actor, Some(reason), |course| {
                course.happens(Cause::Occupancy, AgentEventBody::StatusChanged { from, to });
            });
        }
    }
}

/// When what is known goes on record; none when it is as it is there.
pub(super) fn report_due(
    recorded: Option<&Occupancy>,
    known: &[SourceWork],
    paused: bool,
    context: &Context,
) -> Option<Timestamp> {
    let Some(occupancy) = recorded else { return (!known.is_empty()).then_some(context.now) };
    let (before, after) = (occupancy.load(), Load::of(known));
    let (person, directory) = (context.person, context.directory);
    if !before.is_like(&after, person, directory) || occupancy.blocks != after.blocks(directory) {
        return Some(context.now);
    }
    if paused && rises(recorded, known) {
        return Some(context.now);
    }
    (*occupancy.sources != *known).then(|| (occupancy.at + RECORDED_EVERY).max(context.now))
}

fn rises(recorded: Option<&Occupancy>, known: &[SourceWork]) -> bool {
    Occupancy::conversations(known) > recorded.map_or(0, |recorded| Occupancy::conversations(&recorded.sources))
}
