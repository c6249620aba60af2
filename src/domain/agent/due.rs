//! Deadlines: what time itself brings about (semantics §5, §7).
//!
//! A deadline is a question to the state, never a timer that was set: whatever changes the state
//! changes the answer.

use std::time::Duration;

use super::decide::Course;
use super::deferring::report_due;
use super::{Agent, Connection, Context, Pause, Status};
use crate::domain::command::{Actor, PauseAtSignOut, Refusal};
use crate::domain::directory::SignInStatus;
use crate::domain::entitlement::next_edge;
use crate::domain::event::{AgentEvent, AgentEventBody, Cause, ChosenStatus, PendingTarget};
use crate::domain::id::OfferId;
use crate::domain::policy::{OnLimit, PauseRules};
use crate::domain::queue::{OFFER_LASTS, OFFERS_LET_PASS_MAX, Offer, Waiting};
use crate::domain::rules::{Question, VerdictOutcome, evaluate, is_on_menu};
use crate::domain::slots::slots_of;
use crate::domain::time::{Timestamp, hours, minutes, seconds};

/// A connected agent's pause is abandoned this long after its start (semantics §5).
pub(super) const ABANDON_CONNECTED_AFTER: Duration = hours(16);
/// The same, after the end of the planned shift that the pause began in.
const ABANDON_CONNECTED_AFTER_SHIFT: Duration = hours(2);
/// A disconnected agent's pause is abandoned this long after that end, unless it is by `abandon_after` before.
const ABANDON_AFTER_SHIFT: Duration = minutes(30);
/// What ends a pause begun before a restart waits this long after it, for agents to come back
/// (semantics §5).
pub(super) const RECONNECT_WINDOW: Duration = seconds(60);
/// Fired later than this after it was due, a threshold says so (promise T1).
pub(super) const LATE_AFTER: Duration = seconds(1);

/// What is due, in the order in which things due at one instant happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Warning(Duration),
    Limit,
    Overrun,
    LimitActs,
    Escalation(Duration),
    OfferExpires(OfferId),
    /// The place in the line is given up: nobody came back for it, or there is nothing to wait for any more.
    PlaceLapses(Cause),
    /// The work has ended that a wish waits for.
    WorkEnded,
    /// Nobody has decided on a request in time.
    RequestTimesOut,
    /// A wish has waited for too long.
    DeferralDeadline,
    /// A wish is given up: nobody came back for it.
    DeferralLapses,
    GraceOver,
    Abandoned,
    PersonLeft,
}

impl Agent {
    /// When the next thing is due, if nothing else happens before.
    pub fn next_deadline(&self, context: &Context) -> Option<Timestamp> {
        let due = self.next_due(context).map(|(at, _)| at);
        let opens_at = self.queue.as_deref().and_then(|waiting| waiting.opens_at).filter(|at| *at > context.now);
        let edge = if self.risks_moved(context) { Some(context.now) } else { next_edge(self, context) };
        let edge = edge.filter(|_| self.status != Status::Offline);
        due.into_iter().chain(self.next_report(context)).chain(opens_at).chain(edge).min()
    }

    /// When what integrations say goes on record, or lapses.
    fn next_report(&self, context: &Context) -> Option<Timestamp> {
        if self.status == Status::Offline || self.is_shown_offline() {
            return None;
        }
        let recorded = self.occupancy.as_deref();
        if recorded.is_none() && context.reports.is_empty(context.now) {
            return None;
        }
        let known = context.reports.known(recorded, context.now);
        let due = report_due(recorded, &known, self.pause().is_some(), context);
        due.into_iter().chain(context.reports.next_lapse(context.now)).min()
    }

    /// All that is due by `context.now`, and all that the agent's sockets bring about, in order.
    pub fn due(&self, context: &Context) -> Vec<AgentEvent> {
        let mut course = Course::new(self, context, Actor::System, None);
        course.meet_sockets(context);
        course.meet_reports(context);
        course.meet_rights(context);
        course.meet_turn(context);
        while let Some((at, due)) = course.agent.next_due(context) {
            if at > context.now {
                break;
            }
            course.falls_due(Some(at));
            course.fall_due(due, at, context);
        }
        course.meet_rights(context);
        course.events
    }

    fn next_due(&self, context: &Context) -> Option<(Timestamp, Due)> {
        let grace = match self.connection {
            Connection::Grace { until, .. } => Some((until, Due::GraceOver)),
            Connection::Connected | Connection::Disconnected { .. } => None,
        };
        let threshold = self.pause().and_then(|pause| self.next_threshold(pause, context));
        let abandoned = self.abandoned_at(context).map(|at| (at, Due::Abandoned));
        let left = context
            .person
            .left_at
            .filter(|_| !self.is_gone() || self.open_request().is_some())
            .map(|at| (at, Due::PersonLeft));
        let request = self.open_request().map(|request| (request.expires_at, Due::RequestTimesOut));
        let waits = [self.queue_due(context), self.deferral_due(context), request];
        [grace, threshold, abandoned, left].into_iter().chain(waits).flatten().min()
    }

    fn next_threshold(&self, pause: &Pause, context: &Context) -> Option<(Timestamp, Due)> {
        let limit_at = pause.limit_at()?;
        let (terms, fired) = (&pause.terms, &pause.fired);
        if let (Some(before), false) = (terms.warn_before.get(fired.warnings as usize), fired.limit) {
            return Some((limit_at.minus(*before), Due::Warning(*before)));
        }
        if !fired.limit {
            return Some((limit_at, Due::Limit));
        }
        let Some(overran_at) = fired.overran_at else { return Some((limit_at + terms.grace, Due::Overrun)) };
        let escalation = terms
            .escalate_after
            .get(fired.escalations as usize)
            .map(|after| (overran_at + *after, Due::Escalation(*after)));
        let acts = self
            .limit_is_to_act(pause)
            .then(|| (wait_for_return(limit_at + terms.grace, pause.started_at, context), Due::LimitActs));
        [escalation, acts].into_iter().flatten().min()
    }

    fn queue_due(&self, context: &Context) -> Option<(Timestamp, Due)> {
        let waiting = self.queue.as_deref()?;
        if !can_be_waited_for(waiting, context) {
            return Some((context.now, Due::PlaceLapses(Cause::Admin)));
        }
        let lapses = waiting.lost_at.map(|at| at + context.directory.tenant.resume_within);
        let expires = waiting.offer.and_then(|offer| Some((offer.expires_at()?, Due::OfferExpires(offer.id))));
        lapses.map(|at| (at, Due::PlaceLapses(Cause::ConnectionLost))).into_iter().chain(expires).min()
    }

    fn deferral_due(&self, context: &Context) -> Option<(Timestamp, Due)> {
        let deferred = self.deferred.as_deref()?;
        if let Some(lost_at) = deferred.lost_at {
            return Some((lost_at + context.directory.tenant.resume_within, Due::DeferralLapses));
        }
        // Nobody begins a pause who is not there.
        if !self.is_connected() {
            return None;
        }
        let unknown = self.occupancy.as_deref().is_some_and(|occupancy| occupancy.load().unknown);
        // After a start of the server integrations need a while to say what is open.
        let at = if unknown { wait_for_return(context.now, deferred.since, context) } else { context.now };
        // What is owed and about to lapse waits for nothing.
        let lapses = deferred.pause_type().is_some_and(|code| self.is_at_risk(code));
        let ended = (!self.is_occupied() || lapses).then_some((at, Due::WorkEnded));
        let deadline = deferred.deadline_at.map(|at| (at, Due::DeferralDeadline));
        ended.into_iter().chain(deadline).min()
    }

    fn limit_is_to_act(&self, pause: &Pause) -> bool {
        let waits = self.protected_pause().is_some() && self.pending.is_some();
        match pause.terms.on_limit {
            OnLimit::Mark => false,
            OnLimit::EndUnavailable | OnLimit::EndAvailable | OnLimit::SignOut => !waits,
        }
    }

    fn abandoned_at(&self, context: &Context) -> Option<Timestamp> {
        let started_at = self.paused_since()?;
        let shift_ends_at = self.planned_end(started_at);
        let (at, after_shift) = match self.connection {
            Connection::Disconnected { last_seen_at } => {
                let seen_at = last_seen_at.max(Some(started_at)).unwrap_or(started_at);
                // Whoever was there after the shift's end has as long from then on.
                let after_shift = shift_ends_at.map(|end| end.max(seen_at) + ABANDON_AFTER_SHIFT);
                (seen_at + context.directory.tenant.abandon_after, after_shift)
            }
            Connection::Connected | Connection::Grace { .. } => {
                (started_at + ABANDON_CONNECTED_AFTER, shift_ends_at.map(|end| end + ABANDON_CONNECTED_AFTER_SHIFT))
            }
        };
        Some(wait_for_return(after_shift.map_or(at, |after_shift| at.min(after_shift)), started_at, context))
    }

    /// True when there is nothing to take from a person who leaves.
    fn is_gone(&self) -> bool {
        self.status == Status::Offline && matches!(self.connection, Connection::Disconnected { .. })
    }

    fn paused_since(&self) -> Option<Timestamp> {
        self.pause().map(|pause| pause.started_at).or_else(|| self.protected_pause().map(|pause| pause.started_at))
    }
}

/// When something that ends a pause may happen: not before agents had the time to come back.
fn wait_for_return(at: Timestamp, started_at: Timestamp, context: &Context) -> Timestamp {
    if started_at < context.ready_at { at.max(context.ready_at + RECONNECT_WINDOW) } else { at }
}

/// True while what is waited for is as the administrator has it: the type is offered, and these are the teams whose
/// slots it takes.
fn can_be_waited_for(waiting: &Waiting, context: &Context) -> bool {
    let enabled = context.directory.tenant.pauses_enabled;
    let found = context.policy.types.get(&waiting.pause_type);
    enabled
        && found.is_some_and(|found| {
            let offered = is_on_menu(found, context) && found.kind.rules().is_some();
            offered && slots_of(&context.person.teams, found) == waiting.slots
        })
}

impl Course<'_> {
    /// What the agent's sockets bring about: the first one in, the last one out.
    fn meet_sockets(&mut self, context: &Context) {
        let connected = self.agent.is_connected();
        let has_left = context.person.left_at.is_some_and(|at| at <= context.now);
        if context.live.sessions > 0 && !connected && !has_left {
            self.connect(context);
        }
        if context.live.sessions == 0 && connected {
            let closed_at = context.live.last_closed_at.unwrap_or(context.now);
            let until = closed_at + context.directory.tenant.connection_grace;
            self.happens(Cause::Session, AgentEventBody::GraceBegan { until });
        }
    }

    fn connect(&mut self, context: &Context) {
        let tenant = &context.directory.tenant;
        let was_in_grace = matches!(self.agent.connection, Connection::Grace { .. });
        let resume = self.agent.resume.filter(|resume| context.now.since(resume.lost_at) <= tenant.resume_within);
        let agent = Actor::Agent(context.person.id.clone());
        let system = std::mem::replace(self.actor_mut(), agent);
        if self.agent.is_shown_offline() {
            // The very fields that the return of somebody unavailable would have.
            let lost_for = context.now.since(self.agent.since);
            let is_resumed = lost_for <= tenant.resume_within;
            let cause = if is_resumed { Cause::Resumed } else { Cause::SignIn };
            let shift = (!is_resumed).then(|| self.agent.shift_of_sign_in(context.now));
            self.happens(cause, AgentEventBody::Connected { shift });
        } else {
            self.happens(Cause::Session, AgentEventBody::Connected { shift: None });
            match (&self.agent.status, was_in_grace, resume) {
                (Status::Offline, false, Some(resume)) => {
                    self.happens(Cause::Resumed, AgentEventBody::Resumed { status: resume.status });
                }
                (Status::Offline, false, None) => {
                    let status = match tenant.status_on_sign_in {
                        SignInStatus::Available => ChosenStatus::Available,
                        SignInStatus::Unavailable => ChosenStatus::Unavailable,
                    };
                    self.sign_in(status, Cause::SignIn);
                }
                (Status::Offline | Status::Available | Status::Unavailable | Status::Paused(_), _, _) => {}
            }
        }
        *self.actor_mut() = system;
    }

    /// It is the agent's turn in the line: a slot is kept for them, unless a rule stands against the pause by now.
    fn meet_turn(&mut self, context: &Context) {
        let Some(waiting) = self.agent.queue.as_deref() else { return };
        let (code, id) = (waiting.pause_type.clone(), &context.person.id);
        let rules = context.policy.types.get(&code).and_then(|found| found.kind.rules());
        let is_turn = |rules: &PauseRules| context.slots.is_turn_of(id, &code, rules, context.now);
        if waiting.offer.is_some() || !self.agent.can_take_offers() || !rules.is_some_and(is_turn) {
            return;
        }
        let running = self.agent.pause().map(|pause| pause.id);
        let actor = Actor::Agent(id.clone());
        // Asked as if the slot were theirs.
        let mut offered = self.agent.clone();
        let at_hand = Offer { id: OfferId(context.fresh_id.0), left: OFFER_LASTS, runs_since: None };
        offered.queue.iter_mut().for_each(|waiting| waiting.offer = Some(at_hand));
        let verdict = evaluate(&Question {
            agent: &offered,
            context,
            code: &code,
            actor: &actor,
            replaces: running,
            overriding: false,
            waited: false,
        });
        // A line that may be joined early is none to be in once it is one's turn.
        let closed = verdict.outside_window().map(Refusal::code);
        match (verdict.outcome, closed.or(verdict.code.as_ref().map(Refusal::code))) {
            (_, Some(code)) if closed.is_some() || verdict.outcome == VerdictOutcome::Refused => {
                self.leave_queue(Cause::Queue, Some(code.to_owned()));
            }
            _ => self.happens(Cause::Queue, AgentEventBody::Offered { offer: at_hand.id }),
        }
    }

    /// The first offers that are let pass cost a place each, the last one the seat.
    fn let_offer_pass(&mut self, offer: OfferId, context: &Context) {
        let Some(waiting) = self.agent.queue.as_deref() else { return };
        let place = (waiting.let_pass + 1 < OFFERS_LET_PASS_MAX)
            .then(|| context.slots.place_behind_next(&context.person.id, &waiting.pause_type, waiting.place));
        self.happens(Cause::Queue, AgentEventBody::OfferExpired { offer, place });
    }

    fn fall_due(&mut self, due: Due, at: Timestamp, context: &Context) {
        let late = context.now.since(at) > LATE_AFTER;
        let pause = self.agent.pause().map(|pause| pause.id);
        let mut threshold = |body| self.happens(Cause::Limit, body);
        match (due, pause) {
            (Due::Warning(before), Some(pause)) => threshold(AgentEventBody::PauseWarned { pause, before, late }),
            (Due::Limit, Some(pause)) => threshold(AgentEventBody::LimitReached { pause, late }),
            (Due::Overrun, Some(pause)) => threshold(AgentEventBody::Overran { pause, late }),
            (Due::Escalation(after), Some(pause)) => threshold(AgentEventBody::Escalated { pause, after, late }),
            (Due::LimitActs, Some(_)) => {
                if self.agent.protected_pause().is_some() {
                    self.defer(PendingTarget::Limit);
                } else {
                    self.limit_acts();
                }
            }
            (Due::OfferExpires(offer), _) => self.let_offer_pass(offer, context),
            (Due::PlaceLapses(cause), _) => self.leave_queue(cause, None),
            (Due::RequestTimesOut, _) => self.meet_request_timeout(),
            (Due::WorkEnded, _) => self.carry_out_deferred(),
            (Due::DeferralDeadline, _) => self.meet_deferral_deadline(),
            (Due::DeferralLapses, _) => self.let_deferred_lapse(),
            (Due::GraceOver, _) => self.lose_connection(context),
            (Due::Abandoned, _) => self.abandon(),
            (Due::PersonLeft, _) => self.deactivate(),
            (Due::Warning(_) | Due::Limit | Due::Overrun | Due::LimitActs | Due::Escalation(_), None) => {
                unreachable!("thresholds are asked of a running pause")
            }
        }
    }

    fn lose_connection(&mut self, context: &Context) {
        let last_seen_at = match self.agent.connection {
            Connection::Grace { since, .. } => since,
            Connection::Connected | Connection::Disconnected { .. } => context.now,
        };
        self.happens(Cause::ConnectionLost, AgentEventBody::ConnectionLost { last_seen_at });
    }

    /// What the limit calls for, with the pause that has terms the only one running.
    pub(super) fn limit_acts(&mut self) {
        let Some(pause) = self.agent.pause().cloned() else { return };
        match pause.terms.on_limit {
            OnLimit::Mark => {}
            OnLimit::EndUnavailable => self.end_with_terms(&pause, Cause::Limit, ChosenStatus::Unavailable, None),
            OnLimit::EndAvailable => {
                let then =
                    if self.somebody_is_there(&pause) { ChosenStatus::Available } else { ChosenStatus::Unavailable };
                self.end_with_terms(&pause, Cause::Limit, then, None);
            }
            OnLimit::SignOut => self.leave(PauseAtSignOut::End, Cause::Limit),
        }
    }

    /// True when a session answered a ping after the limit.
    fn somebody_is_there(&self, pause: &Pause) -> bool {
        match (self.context().live.answered_at, pause.limit_at()) {
            (Some(answered_at), Some(limit_at)) => self.agent.is_connected() && answered_at >= limit_at,
            (None, _) | (_, None) => false,
        }
    }

    /// The pause, and a protected one inside it, ran on unattended: both end, as an estimate.
    fn abandon(&mut self) {
        let last_seen_at = match self.agent.connection {
            Connection::Disconnected { last_seen_at } => last_seen_at,
            Connection::Grace { since, .. } => Some(since),
            Connection::Connected => self.context().live.answered_at,
        };
        // The start of the pause is a sign of life, and may be the last one that is known.
        let last_seen_at = last_seen_at.max(self.agent.paused_since());
        self.end_all(Cause::Abandoned, last_seen_at);
    }

    /// The person left: whatever runs ends, and the sockets are closed for good.
    fn deactivate(&mut self) {
        // Whoever has gone already goes no second time; only what they asked for is still open.
        let gone = self.agent.is_gone() || self.agent.is_shown_offline();
        self.drop_request(Cause::Deactivated, |_| true);
        self.end_all(Cause::Deactivated, None);
        if !gone {
            self.happens(Cause::Deactivated, AgentEventBody::Deactivated);
        }
    }
}
