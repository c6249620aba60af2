//! Commands: what should happen when somebody wishes something (semantics §4, §6, §7, §8).

use std::time::Duration;

use super::{Agent, Away, Connection, Context, Status};
use crate::domain::alert::AlertId;
use crate::domain::command::{
    Actor, AfterEnd, Cancelled, Command, Outcome, PauseAtSignOut, Refusal, Rejection, Request,
};
use crate::domain::deferral::DeferredTarget;
use crate::domain::entitlement::right_to;
use crate::domain::event::{
    AfterPause, AgentEvent, AgentEventBody, Cause, ChosenStatus, LimitedClass, PausePlace, PauseStarted, PauseTerms,
    Pending, PendingTarget, Queued,
};
use crate::domain::findings;
use crate::domain::id::{OfferId, PauseId, PauseTypeCode, RequestId};
use crate::domain::op::OpRecord;
use crate::domain::policy::{PauseKind, PauseRules, PauseType};
use crate::domain::request::PauseRequest;
use crate::domain::rules::{Question, Verdict, VerdictOutcome, evaluate};
use crate::domain::schedule::{business_day, local_day, utc_offset_s};
use crate::domain::slots::slots_of;
use crate::domain::time::Timestamp;

/// What a command leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What happens, in order; empty when there is nothing to do.
    pub events: Vec<AgentEvent>,
    /// What the sender is told.
    pub outcome: Outcome,
}

impl Decision {
    /// Puts the command's op on its last event. Without an event there is none to put it on, and
    /// the caller stores it with the state.
    pub fn remember(&mut self, record: &OpRecord) {
        if let Some(last) = self.events.last_mut() {
            last.op = Some(record.clone());
        }
    }
}

impl Agent {
    /// Decides on a command.
    ///
    /// # Errors
    /// [`Rejection`] when the state, or a rule, stands against it; nothing happens then.
    pub fn decide(&self, request: &Request, context: &Context) -> Result<Decision, Rejection> {
        let by_agent = matches!(request.actor, Actor::Agent(_));
        let current = if by_agent { self.version } else { self.public_version };
        if request.expected_version.is_some_and(|expected| expected != current) {
            return Err(Rejection::StaleVersion { current });
        }
        // A start is refused by the rules, in their order, so that it is answered as it was previewed.
        let by_rules = matches!(request.command, Command::StartPause { .. });
        if by_agent && !self.is_connected() && !by_rules {
            return Err(Refusal::AgentOffline.into());
        }
        let mut course = Course::new(self, context, request.actor.clone(), request.reason.clone());
        let outcome = match &request.command {
            Command::SetStatus { status, after_work: true } => course.set_status_after_work(*status)?,
            Command::SetStatus { status, after_work: false } => course.set_status(*status)?,
            Command::StartPause { pause_type, note, replaces, overriding } => {
                course.start_pause(pause_type, note.clone(), *replaces, *overriding)?
            }
            Command::AcceptOffer { offer } => course.accept_offer(*offer)?,
            Command::Cancel { what: Cancelled::Pending } => course.cancel_deferred()?,
            Command::Cancel { what: Cancelled::Queue } => course.cancel_queue()?,
            Command::Cancel { what: Cancelled::Request } => course.cancel_open_request()?,
            Command::EndPause { then, overriding } => course.end_pause(*then, *overriding)?,
            Command::ExtendPause { by } => course.extend_pause(*by)?,
            Command::CreateRequest { pause_type, extra } => course.create_request(pause_type, *extra)?,
            Command::CancelRequest { request } => course.cancel_request(*request)?,
            Command::DecideRequest { request, decision } => course.decide_request(*request, *decision)?,
            Command::AckAlert { alert } => course.ack_alert(*alert)?,
            Command::SignOut { pause } => course.sign_out(*pause)?,
            Command::PlanShifts { shifts } => course.plan_shifts(shifts)?,
            Command::CancelShift { day } => course.cancel_shift(*day),
            Command::CorrectPause { pause, ended_at } => course.correct_pause(*pause, *ended_at)?,
            Command::AnnotatePause { pause } => course.annotate_pause(*pause)?,
        };
        if !course.events.is_empty() {
            // What is taken is at risk no more, and what was cut short is again.
            course.in_the_name_of(Actor::System, None, |course| course.meet_rights(context));
        }
        Ok(Decision { events: course.events, outcome })
    }
}

impl Agent {
    /// What the rules say of a start by `actor`. Others than the agent are told of what they are
    /// shown, so that the answer tells nothing.
    pub fn verdict_for(
        &self,
        actor: &Actor,
        code: &PauseTypeCode,
        replaces: Option<PauseId>,
        overriding: bool,
        context: &Context,
    ) -> Verdict {
        let shown;
        let agent = if matches!(actor, Actor::Agent(_)) {
            self
        } else {
            shown = as_shown(self);
            &shown
        };
        evaluate(&Question { agent, context, code, actor, replaces, overriding, waited: false })
    }

    /// The agent as they will be once they go from a protected pause straight to another, with
    /// what waited for their return carried out.
    pub(in crate::domain) fn gone_on_from_protected(&self, context: &Context) -> Agent {
        let mut course = Course::new(self, context, Actor::Agent(context.person.id.clone()), None);
        course.go_on_from_protected();
        course.agent
    }
}

/// A course of events in the making: each is applied to a copy of the agent as it is added, so
/// that the next one is decided on what really is then.
pub(super) struct Course<'a> {
    pub(super) agent: Agent,
    context: &'a Context<'a>,
    actor: Actor,
    reason: Option<String>,
    /// When what happens was due, where a deadline brings it about.
    due_at: Option<Timestamp>,
    pub(super) events: Vec<AgentEvent>,
}

impl<'a> Course<'a> {
    pub(super) fn new(agent: &Agent, context: &'a Context<'a>, actor: Actor, reason: Option<String>) -> Course<'a> {
        Course { agent: agent.clone(), context, actor, reason, due_at: None, events: Vec::new() }
    }

    /// What happens from here on was due at `at`; none where nothing says when.
    pub(super) fn falls_due(&mut self, at: Option<Timestamp>) {
        self.due_at = at;
    }

    /// # Panics
    /// When the event cannot follow: a decision that the fold would refuse is a bug, and must not
    /// reach the journal.
    pub(super) fn happens(&mut self, cause: Cause, body: AgentEventBody) {
        let event = AgentEvent {
            at: self.context.now,
            due_at: self.due_at,
            actor: self.actor.clone(),
            cause,
            reason: self.reason.clone(),
            policy_version: self.context.policy.version,
            op: None,
            body,
        };
        if let Err(illegal) = self.agent.apply(&event) {
            panic!("decided an illegal event: {illegal}");
        }
        self.events.push(event);
    }

    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    pub(super) fn reason(&self) -> &Option<String> {
        &self.reason
    }

    pub(super) fn actor_mut(&mut self) -> &mut Actor {
        &mut self.actor
    }

    pub(super) fn context(&self) -> &'a Context<'a> {
        self.context
    }

    fn limit_has_passed(&self) -> bool {
        let acts_at = self.agent.pause().and_then(|pause| Some(pause.limit_at()? + pause.terms.grace));
        acts_at.is_some_and(|at| at <= self.context.now)
    }

    pub(super) fn by_agent(&self) -> bool {
        matches!(self.actor, Actor::Agent(_))
    }

    /// True when the actor commands as a superior; an integration acts as the agent would.
    pub(super) fn by_superior(&self) -> bool {
        matches!(self.actor, Actor::Supervisor(_) | Actor::Admin(_))
    }

    pub(super) fn cause(&self) -> Cause {
        match self.actor {
            Actor::Agent(_) => Cause::Agent,
            Actor::Supervisor(_) | Actor::Admin(_) => Cause::Supervisor,
            Actor::Integration(_) => Cause::Integration,
            Actor::System => Cause::Limit,
        }
    }

    pub(super) fn set_status(&mut self, status: ChosenStatus) -> Result<Outcome, Rejection> {
        if !self.by_agent() && status != ChosenStatus::Offline {
            let attended = self.agent.is_connected();
            let offline = self.agent.status == Status::Offline || self.agent.is_shown_offline();
            if !attended && (offline || status == ChosenStatus::Available) {
                return Err(Refusal::AgentOffline.into());
            }
        }
        let in_protected_of_other = !self.by_agent() && self.agent.protected_pause().is_some();
        if status == ChosenStatus::Offline && !in_protected_of_other {
            self.leave_queue(self.cause(), None);
            self.drop_request(self.cause(), PauseRequest::is_of_start);
        }
        if self.agent.protected_pause().is_some() {
            if !self.by_agent() {
                return self.set_status_on_return(status);
            }
            // Who leaves returns to nothing, so what waits is moot; a sign-out goes further than that.
            let waited = self.agent.pending.as_ref();
            let moot = status == ChosenStatus::Offline;
            if waited.is_some_and(|pending| !moot || pending.target == PendingTarget::SignOut) {
                self.return_from_protected(AfterPause::Status(status));
                return Ok(Outcome::Done);
            }
            self.end_protected(AfterPause::Status(status));
        }
        match self.agent.chosen() {
            None => self.end_outer(self.cause(), status, false)?,
            // Whoever says again that they are ready will not be otherwise after work.
            Some(ChosenStatus::Available) if status == ChosenStatus::Available => self.drop_deferred_status(),
            Some(current) if current == status => {}
            Some(ChosenStatus::Offline) => self.sign_in(status, self.cause()),
            Some(from) => self.happens(self.cause(), AgentEventBody::StatusChanged { from, to: status }),
        }
        Ok(Outcome::Done)
    }

    fn set_status_on_return(&mut self, status: ChosenStatus) -> Result<Outcome, Rejection> {
        // To everybody else, who is on a protected pause alone is unavailable already, or offline.
        let shown = if self.agent.is_shown_offline() { ChosenStatus::Offline } else { ChosenStatus::Unavailable };
        match self.agent.pause() {
            None if status == shown => {
                if self.agent.pending.is_some() {
                    self.happens(self.cause(), AgentEventBody::PendingCancelled);
                }
                return Ok(Outcome::Done);
            }
            None => {}
            Some(outer) => self.check_early_end(outer, false)?,
        }
        Ok(self.defer(PendingTarget::Status(status)))
    }

    /// Keeps a command until the agent returns from a protected pause; the latest one counts.
    pub(super) fn defer(&mut self, target: PendingTarget) -> Outcome {
        if self.agent.pending.as_ref().is_none_or(|pending| pending.target != target) {
            let pending =
                Pending { target, since: self.context.now, actor: self.actor.clone(), reason: self.reason.clone() };
            self.happens(self.cause(), AgentEventBody::PendingSet(pending));
        }
        Outcome::Deferred
    }

    fn start_pause(
        &mut self,
        code: &PauseTypeCode,
        note: Option<String>,
        replaces: Option<PauseId>,
        overriding: bool,
    ) -> Result<Outcome, Rejection> {
        let verdict = self.check_start(code, replaces, overriding)?;
        if verdict.outcome == VerdictOutcome::Requested {
            let found = self.context.policy.types.get(code);
            let rules =
                found.and_then(|found| found.rules_for(self.context.person, self.context.directory, self.context.now));
            let approval = rules.and_then(|rules| rules.approval);
            return Ok(self.ask_for_approval(code, note, replaces, approval));
        }
        let Some(pause_type) = self.context.policy.types.get(code) else { return Err(Refusal::UnknownType.into()) };
        match verdict.outcome {
            VerdictOutcome::Queued => {
                let opens_at = verdict.opens_at();
                return Ok(self.wait_in_line(pause_type, note, opens_at));
            }
            VerdictOutcome::Pending => {
                let offer = self.agent.offer_of(code).map(|offer| offer.id);
                let pause_type = code.clone();
                let target = DeferredTarget::Pause { pause_type, note, replaces, overriding, offer };
                return Ok(self.wait_for_end_of_work(target));
            }
            VerdictOutcome::Started | VerdictOutcome::Requested | VerdictOutcome::Refused => {}
        }
        let by_other_in_protected = !self.by_agent() && self.agent.protected_pause().is_some();
        if by_other_in_protected {
            return Ok(match self.agent.pause() {
                Some(outer) if outer.pause_type == *code => Outcome::Started { pause: outer.id },
                // It is what runs, as its sender may not know.
                _ if self.agent.running_of_type(code).is_some() => Outcome::Deferred,
                outer => {
                    outer.map_or(Ok(()), |outer| self.check_early_end(outer, false))?;
                    self.defer(PendingTarget::Pause { pause_type: code.clone(), overriding })
                }
            });
        }
        if let Some(pause) = self.agent.running_of_type(code) {
            return Ok(Outcome::Started { pause });
        }
        let waited = self.agent.pending.clone().filter(|_| pause_type.kind != PauseKind::Protected);
        if waited.is_some() {
            self.go_on_from_protected();
        }
        self.begin(pause_type, note, Around::Nothing, verdict.grant)?;
        self.note_waived(&verdict.waived);
        if let Some(Pending { target: PendingTarget::Pause { pause_type: other, .. }, actor, reason, .. }) = waited
            && other != *code
        {
            let already_paused = Refusal::AlreadyPaused { pause: self.context.fresh_id, pause_type: code.clone() };
            self.in_the_name_of(actor, reason, |course| course.refused(other, &already_paused));
        }
        Ok(Outcome::Started { pause: self.context.fresh_id })
    }

    /// The agent takes the slot that is kept for them. A running pause gives way to the one that begins.
    fn accept_offer(&mut self, offer: OfferId) -> Result<Outcome, Rejection> {
        let Some(waiting) = self.agent.queue.as_deref() else { return Err(Refusal::NoOffer.into()) };
        if waiting.offer.is_none_or(|at_hand| at_hand.id != offer) {
            let expired = waiting.last_expired == Some(offer);
            return Err(if expired { Refusal::OfferExpired } else { Refusal::NoOffer }.into());
        }
        let (code, note) = (waiting.pause_type.clone(), waiting.note.clone());
        let running = self.agent.pause().map(|pause| pause.id);
        let replaces = running.or(self.agent.protected_pause().map(|pause| pause.id));
        let verdict = self.check_start(&code, replaces, false)?;
        // Fewer may be away by now than when it was offered, or it is too late for today; the offer stands.
        let stands = |refusal: &Refusal| matches!(refusal, Refusal::SlotsFull { .. } | Refusal::OutsideWindow { .. });
        let full = verdict.code.into_iter().chain(verdict.also);
        match full.into_iter().find(stands) {
            Some(full) => Err(full.into()),
            None => self.start_pause(&code, note, replaces, false),
        }
    }

    fn cancel_queue(&mut self) -> Result<Outcome, Rejection> {
        if self.agent.queue.is_none() {
            return Err(Refusal::NothingPending.into());
        }
        self.leave_queue(self.cause(), None);
        Ok(Outcome::Done)
    }

    /// The agent waits for a slot; whoever waits for one of another type leaves that line.
    pub(super) fn wait_in_line(
        &mut self,
        pause_type: &PauseType,
        note: Option<String>,
        opens_at: Option<Timestamp>,
    ) -> Outcome {
        if self.agent.queue.as_ref().is_some_and(|waiting| waiting.pause_type == pause_type.code) {
            return Outcome::Queued;
        }
        self.leave_queue(self.cause(), None);
        let slots = slots_of(&self.context.person.teams, pause_type);
        let queued = Queued { pause_type: pause_type.code.clone(), note, slots, opens_at };
        self.happens(self.cause(), AgentEventBody::Queued(Box::new(queued)));
        Outcome::Queued
    }

    /// Gives up a place in a line, where there is one.
    pub(super) fn leave_queue(&mut self, cause: Cause, code: Option<String>) {
        if let Some(waiting) = &self.agent.queue {
            let pause_type = waiting.pause_type.clone();
            self.happens(cause, AgentEventBody::LeftQueue { pause_type, code });
        }
    }

    /// The agent goes from a protected pause straight to another: what waited comes first, except
    /// a pause, which the agent's own choice takes the place of.
    fn go_on_from_protected(&mut self) {
        let then = AfterPause::Status(ChosenStatus::Unavailable);
        match self.agent.pending.as_ref().map(|pending| &pending.target) {
            None | Some(PendingTarget::Pause { .. }) => self.end_protected(then),
            Some(PendingTarget::Status(_) | PendingTarget::Limit | PendingTarget::SignOut) => {
                self.return_from_protected(then);
            }
        }
    }

    pub(super) fn refused(&mut self, pause_type: PauseTypeCode, refusal: &Refusal) {
        let code = refusal.code().to_owned();
        self.happens(self.cause(), AgentEventBody::PauseRefused { pause_type, code, count: 1 });
    }

    pub(super) fn in_the_name_of(&mut self, actor: Actor, reason: Option<String>, act: impl FnOnce(&mut Self)) {
        let own = (std::mem::replace(&mut self.actor, actor), std::mem::replace(&mut self.reason, reason));
        act(self);
        (self.actor, self.reason) = own;
    }

    /// Asks the rules.
    fn check_start(
        &self,
        code: &PauseTypeCode,
        replaces: Option<PauseId>,
        overriding: bool,
    ) -> Result<Verdict, Refusal> {
        match self.agent.verdict_for(&self.actor, code, replaces, overriding, self.context) {
            Verdict { outcome: VerdictOutcome::Refused, code: Some(code), .. } => Err(code),
            verdict => Ok(verdict),
        }
    }

    /// What an override or a right has set aside goes on record, rule by rule.
    pub(super) fn note_waived(&mut self, waived: &[Refusal]) {
        for refusal in waived {
            let code = findings::waived(refusal.code());
            self.happens(self.cause(), AgentEventBody::FindingRecorded { code, pause: Some(self.context.fresh_id) });
        }
    }

    /// Begins a pause that the rules allow, ending what it replaces at the same instant.
    pub(super) fn begin(
        &mut self,
        pause_type: &PauseType,
        note: Option<String>,
        around: Around,
        grant: Option<RequestId>,
    ) -> Result<(), Rejection> {
        let id = self.context.fresh_id;
        let granted = self.agent.grants.iter().find(|at_hand| Some(at_hand.id) == grant);
        let extra = granted.map_or(Duration::ZERO, |granted| granted.extra);
        let rules = pause_type.rules_for(self.context.person, self.context.directory, self.context.now);
        let right = right_to(&self.agent, self.context, &pause_type.code);
        let terms = rules.and_then(|rules| terms_of(&pause_type.kind, &rules, extra));
        let terms = terms.map(|terms| PauseTerms { right, ..terms });
        let waiting = self.agent.pending.clone().filter(|_| around == Around::Nothing);
        let mut replaced = None;
        let ended = self.agent.protected_pause().filter(|_| around == Around::Nothing).map(|pause| pause.id);
        if let Some(inner) = ended {
            let then = match self.agent.pause() {
                Some(_) => AfterPause::OuterPause,
                None => AfterPause::Status(ChosenStatus::Unavailable),
            };
            self.end_protected_as(Cause::ChangedType, inner, then, Some(id));
            replaced = Some(inner);
        }
        let mut inside = None;
        if let Some(outer) = self.agent.pause().cloned() {
            if terms.is_none() {
                inside = Some(outer.id);
            } else {
                self.check_early_end(&outer, false)?;
                self.end_with_terms(&outer, Cause::ChangedType, ChosenStatus::Unavailable, Some(id));
                replaced = Some(outer.id);
            }
        }
        let started = PauseStarted {
            id,
            pause_type: pause_type.code.clone(),
            terms,
            inside,
            replaces: replaced,
            note,
            place: self.place(pause_type),
        };
        let cause = self.cause();
        self.happens(cause, AgentEventBody::PauseStarted(Box::new(started)));
        if let Some(grant) = grant {
            self.happens(cause, AgentEventBody::GrantUsed { grant, pause: id });
        }
        if self.agent.protected_pause().is_none_or(|inner| inner.id != id) {
            // What was to begin has, or another in its place.
            self.drop_request(cause, PauseRequest::is_of_start);
        }
        // From one protected pause to another is no return: what waits goes on waiting.
        if let Some(waiting) = waiting.filter(|_| self.agent.protected_pause().is_some()) {
            self.happens(cause, AgentEventBody::PendingSet(waiting));
        }
        Ok(())
    }

    fn place(&self, pause_type: &PauseType) -> PausePlace {
        let (now, person) = (self.context.now, self.context.person);
        let zone = self.context.directory.zone_of(person);
        PausePlace {
            zone,
            utc_offset_s: utc_offset_s(now, zone),
            local_day: local_day(now, zone),
            business_day: business_day(now, self.context.directory.tenant.business_day_start, zone),
            shift: self.agent.shift_at(now),
            team: person.primary_team().cloned(),
            slots: match pause_type.kind {
                PauseKind::Regular(_) | PauseKind::Entitlement(_) => slots_of(&person.teams, pause_type),
                PauseKind::Protected => Box::default(),
            },
        }
    }

    fn end_pause(&mut self, then: Option<AfterEnd>, overriding: bool) -> Result<Outcome, Rejection> {
        let wanted = match (then, self.by_superior()) {
            (Some(AfterEnd::Available), _) | (None, false) => ChosenStatus::Available,
            (Some(AfterEnd::Unavailable), _) | (None, true) => ChosenStatus::Unavailable,
        };
        if self.agent.protected_pause().is_some() {
            if self.by_agent() {
                let after = match self.agent.pause() {
                    Some(_) => AfterPause::OuterPause,
                    None => AfterPause::Status(wanted),
                };
                self.return_from_protected(after);
                return Ok(Outcome::Done);
            }
            let Some(outer) = self.agent.pause() else { return Err(Refusal::NotPaused.into()) };
            self.check_early_end(outer, overriding)?;
            return Ok(self.defer(PendingTarget::Status(wanted)));
        }
        if !self.agent.is_paused() {
            return Err(Refusal::NotPaused.into());
        }
        self.end_outer(self.cause(), wanted, overriding)?;
        Ok(Outcome::Done)
    }

    /// The first who says so is on record; others have nothing to add.
    fn ack_alert(&mut self, alert: AlertId) -> Result<Outcome, Rejection> {
        if !self.agent.has_alert(alert) {
            return Err(Refusal::NothingPending.into());
        }
        if !self.agent.acks.iter().any(|ack| ack.alert == alert) {
            self.happens(self.cause(), AgentEventBody::AlertAcknowledged { alert });
        }
        Ok(Outcome::Done)
    }

    fn extend_pause(&mut self, by: Duration) -> Result<Outcome, Rejection> {
        let Some(pause) = self.agent.pause() else { return Err(Refusal::NotPaused.into()) };
        // A pause without a limit may already last as long as is wished.
        if pause.terms.limit.is_some() && !by.is_zero() {
            let pause = pause.id;
            self.happens(self.cause(), AgentEventBody::PauseExtended { pause, by });
        }
        Ok(Outcome::Done)
    }

    fn sign_out(&mut self, at_sign_out: PauseAtSignOut) -> Result<Outcome, Rejection> {
        if self.agent.protected_pause().is_some() {
            if !self.by_agent() {
                let is_so = self.agent.is_shown_offline();
                return Ok(if is_so { Outcome::Done } else { self.defer(PendingTarget::SignOut) });
            }
            let then = match self.agent.pause() {
                Some(_) => AfterPause::OuterPause,
                None => AfterPause::Status(ChosenStatus::Offline),
            };
            self.end_protected(then);
        }
        self.leave(at_sign_out, Cause::SignOut);
        Ok(Outcome::Done)
    }

    /// Ends what has to end and signs out.
    pub(super) fn leave(&mut self, at_sign_out: PauseAtSignOut, cause: Cause) {
        self.leave_queue(cause, None);
        self.drop_request(cause, PauseRequest::is_of_start);
        self.give_up_deferred(cause, None);
        if let Some(pause) = self.agent.pause().cloned() {
            let kept = pause.terms.class == LimitedClass::Entitlement && at_sign_out == PauseAtSignOut::KeepEntitlement;
            if !kept {
                self.end_with_terms(&pause, cause, ChosenStatus::Offline, None);
            }
        }
        let gone = matches!(self.agent.connection, Connection::Disconnected { .. });
        if !gone || (self.agent.status != Status::Offline && !self.agent.is_paused()) {
            self.happens(cause, AgentEventBody::SignedOut);
        }
    }

    /// The agent returns: what waited for it happens in the name of whoever asked for it.
    fn return_from_protected(&mut self, after: AfterPause) {
        let waiting = self.agent.pending.clone();
        self.end_protected(after);
        let Some(waiting) = waiting else { return };
        self.in_the_name_of(waiting.actor, waiting.reason, |course| course.carry_out(waiting.target));
    }

    fn carry_out(&mut self, waited: PendingTarget) {
        match waited {
            PendingTarget::Status(status) => self.take_waiting_status(status),
            // An extension may have moved the limit since; it acts by its own deadline then.
            PendingTarget::Limit if self.limit_has_passed() => self.limit_acts(),
            PendingTarget::Limit => {}
            PendingTarget::SignOut => self.leave(PauseAtSignOut::KeepEntitlement, Cause::SignOut),
            PendingTarget::Pause { pause_type, overriding } => {
                // Refused by now: the agent stays as they are, and it is on record why.
                // Where a pause runs around the protected one, the wish was to replace it.
                let replaces = self.agent.pause().map(|pause| pause.id);
                if let Err(Rejection::Refused(refusal)) = self.start_pause(&pause_type, None, replaces, overriding) {
                    self.refused(pause_type, &refusal);
                }
            }
        }
    }

    fn take_waiting_status(&mut self, status: ChosenStatus) {
        if status == ChosenStatus::Offline {
            self.leave_queue(self.cause(), None);
            self.drop_request(self.cause(), PauseRequest::is_of_start);
        }
        match (self.agent.pause().cloned(), self.agent.chosen()) {
            (Some(outer), _) => self.end_noting_findings(&outer, self.cause(), status),
            (None, Some(from)) if from != status => {
                self.happens(self.cause(), AgentEventBody::StatusChanged { from, to: status });
            }
            (None, _) => {}
        }
    }

    /// A first sign-in, or a return to work by choice: begins a shift where none is running.
    pub(super) fn sign_in(&mut self, status: ChosenStatus, cause: Cause) {
        let shift = self.agent.shift_of_sign_in(self.context.now);
        self.happens(cause, AgentEventBody::SignedIn { status, shift });
    }
}

/// What a pause begins around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// Nothing: a protected pause that runs ends.
    Nothing,
    /// The protected pause that runs, and goes on.
    Protected,
}

/// The agent as everybody else is shown it.
pub(in crate::domain) fn as_shown(agent: &Agent) -> Agent {
    let mut shown = agent.clone();
    shown.status = match &agent.status {
        Status::Paused(Away::ProtectedInside { outer, .. }) => Status::Paused(Away::Pause(outer.clone())),
        Status::Paused(Away::Protected(_)) if agent.is_shown_offline() => Status::Offline,
        Status::Paused(Away::Protected(_)) => Status::Unavailable,
        Status::Paused(Away::Pause(_)) | Status::Offline | Status::Available | Status::Unavailable => {
            agent.status.clone()
        }
    };
    shown
}

/// `extra`: by how much the limit is later by a grant.
fn terms_of(kind: &PauseKind, rules: &PauseRules, extra: Duration) -> Option<PauseTerms> {
    let class = match kind {
        PauseKind::Regular(_) => LimitedClass::Regular,
        PauseKind::Entitlement(_) => LimitedClass::Entitlement,
        PauseKind::Protected => return None,
    };
    Some(PauseTerms {
        class,
        paid: rules.paid,
        counts_as_work: rules.counts_as_work,
        min_duration: rules.min_duration,
        on_early_end: rules.on_early_end,
        refund_under: rules.refund_under,
        limit: rules.limit.map(|limit| limit + extra),
        // A warning that would stand before the start is none.
        warn_before: rules.warn_before.iter().rev().copied().filter(|before| rules.limit > Some(*before)).collect(),
        grace: rules.grace,
        on_limit: rules.on_limit,
        escalate_after: rules.escalate_after.iter().copied().collect(),
        right: None,
    })
}
