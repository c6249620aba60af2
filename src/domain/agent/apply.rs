//! The fold: the one way in which an event changes an agent, live or recovered.

use super::{Agent, Away, Connection, Fired, Pause, ProtectedPause, Resume, Status};
use crate::domain::alert::Ack;
use crate::domain::event::{
    AfterPause, AgentEvent, AgentEventBody, Cause, ChosenStatus, PauseEnded, PauseStarted, PauseTerms,
};
use crate::domain::findings::WORK_DURING_PAUSE;
use crate::domain::id::{AgentSeq, PauseId, RequestId};
use crate::domain::occupancy::Occupancy;
use crate::domain::queue::{OFFER_LASTS, Offer, Place, Waiting};
use crate::domain::request::{Decided, GRANTS_MAX, Grant, PauseRequest, RequestState};
use crate::domain::time::Timestamp;

/// An event that cannot follow the state it is applied to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot follow {state}")]
pub struct IllegalEvent {
    /// The event's name.
    pub event: &'static str,
    /// The state's name.
    pub state: String,
}

/// Who can tell that an event changed something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Everybody.
    Everybody,
    /// The agent alone.
    Agent,
    /// Nobody: status, pause and pending are as before.
    Nobody,
}

impl Agent {
    /// Applies the agent's next event.
    ///
    /// # Errors
    /// [`IllegalEvent`] when the event cannot follow this state; the agent is unchanged then.
    pub fn apply(&mut self, event: &AgentEvent) -> Result<(), IllegalEvent> {
        let seen =
            self.change(event).ok_or_else(|| IllegalEvent { event: event.body.name(), state: self.state_name() })?;
        self.seq = self.seq.next();
        if seen != Seen::Nobody {
            self.version = self.seq;
        }
        if seen == Seen::Everybody {
            self.public_version = self.seq;
        }
        self.run_or_rest_offer(event.at);
        self.forget_acks();
        Ok(())
    }

    /// The server came up: the sessions of before are gone, and whoever had one, or was held, is held
    /// until `grace_until`. A tenant's event, so no number of the agent moves; and only the last one
    /// counts, so that whoever reads a state need not know of the ones before.
    pub fn on_server_started(&mut self, at: Timestamp, grace_until: Timestamp) {
        self.connection = match self.connection {
            Connection::Connected | Connection::Grace { .. } => Connection::Grace { since: at, until: grace_until },
            Connection::Disconnected { last_seen_at } => Connection::Disconnected { last_seen_at },
        };
        if let Some(offer) = self.queue.as_mut().and_then(|waiting| waiting.offer.as_mut()) {
            offer.rest_after_restart();
        }
        if let Some(occupancy) = &mut self.occupancy {
            occupancy.forget_after_restart(at);
        }
    }

    /// What nobody is alerted of any more, nobody has seen.
    fn forget_acks(&mut self) {
        if self.acks.iter().any(|ack| !self.has_alert(ack.alert)) {
            self.acks = self.acks.iter().filter(|ack| self.has_alert(ack.alert)).cloned().collect();
        }
    }

    /// The clock of an offer runs while the agent could take it.
    fn run_or_rest_offer(&mut self, at: Timestamp) {
        let runs = self.offer_clock_runs();
        if let Some(offer) = self.queue.as_mut().and_then(|waiting| waiting.offer.as_mut()) {
            offer.set_running(runs, at);
        }
    }

    /// `None` when the event is illegal here; then nothing has changed.
    fn change(&mut self, event: &AgentEvent) -> Option<Seen> {
        let at = event.at;
        match &event.body {
            AgentEventBody::Connected { shift } => {
                let shown_offline = self.is_shown_offline();
                legal(self.connection != Connection::Connected && (shift.is_none() || shown_offline))?;
                self.connection = Connection::Connected;
                self.queue.iter_mut().for_each(|waiting| waiting.lost_at = None);
                self.deferred.iter_mut().for_each(|deferred| deferred.lost_at = None);
                if !shown_offline {
                    return Some(Seen::Nobody);
                }
                if let Some(shift) = shift {
                    self.fold_sign_in(*shift);
                }
                self.stamp(event);
                Some(Seen::Everybody)
            }
            AgentEventBody::GraceBegan { until } => {
                legal(self.connection == Connection::Connected)?;
                self.connection = Connection::Grace { since: at, until: *until };
                Some(Seen::Nobody)
            }
            AgentEventBody::ConnectionLost { last_seen_at } => self.lose_connection(event, *last_seen_at),
            AgentEventBody::SignedIn { status, shift } => {
                legal(self.status == Status::Offline && *status != ChosenStatus::Offline)?;
                self.fold_sign_in(*shift);
                self.take_status(*status, event);
                Some(Seen::Everybody)
            }
            AgentEventBody::Resumed { status } => {
                legal(self.status == Status::Offline && self.resume.is_some())?;
                let deferred = self.deferred.take();
                self.take_status(*status, event);
                self.deferred = deferred;
                Some(Seen::Everybody)
            }
            AgentEventBody::StatusChanged { from, to } => {
                legal(self.chosen() == Some(*from) && from != to)?;
                legal(*to != ChosenStatus::Offline || self.queue.is_none())?;
                self.take_status(*to, event);
                Some(Seen::Everybody)
            }
            AgentEventBody::SignedOut | AgentEventBody::Deactivated => {
                legal(self.protected_pause().is_none() && self.queue.is_none())?;
                if event.body == AgentEventBody::Deactivated {
                    self.grants = Box::default();
                }
                self.connection = Connection::Disconnected { last_seen_at: Some(at) };
                if !self.is_paused() {
                    // Whoever is offline already, with a socket open, has been since then.
                    let offline_since = (self.status == Status::Offline).then_some(self.since);
                    self.take_status(ChosenStatus::Offline, event);
                    self.since = offline_since.unwrap_or(self.since);
                }
                Some(Seen::Everybody)
            }
            AgentEventBody::PauseRefused { .. } => Some(Seen::Nobody),
            AgentEventBody::FindingRecorded { code, pause } => {
                if let (WORK_DURING_PAUSE, Some(pause)) = (code.as_str(), pause) {
                    self.running(*pause)?.worked_at = Some(at);
                }
                Some(Seen::Nobody)
            }
            AgentEventBody::EntitlementAtRisk(risk) => {
                self.fold_at_risk(risk);
                Some(Seen::Nobody)
            }
            AgentEventBody::PendingSet(pending) => {
                legal(self.protected_pause().is_some())?;
                self.pending = Some(pending.clone());
                Some(Seen::Agent)
            }
            AgentEventBody::PendingCancelled => {
                self.pending.take()?;
                Some(Seen::Agent)
            }
            AgentEventBody::Deferred(deferred) => {
                legal(self.status != Status::Offline)?;
                self.deferred = Some(deferred.clone());
                Some(Seen::Everybody)
            }
            AgentEventBody::DeferralEnded { .. } => {
                self.deferred.take()?;
                Some(Seen::Everybody)
            }
            AgentEventBody::RequestCreated(created) => {
                legal(self.open_request().is_none())?;
                self.request = Some(Box::new(PauseRequest {
                    id: created.id,
                    pause_type: created.pause_type.clone(),
                    reason: event.reason.clone(),
                    extra: created.extra,
                    origin: created.origin.clone(),
                    at,
                    expires_at: created.expires_at,
                    at_timeout: created.at_timeout,
                    state: RequestState::Open,
                }));
                Some(Seen::Nobody)
            }
            AgentEventBody::RequestDecided { request, grant } => {
                let decided = Decided { by: event.actor.clone(), at, reason: event.reason.clone() };
                let state = match grant {
                    Some(_) => RequestState::Granted(decided),
                    None => RequestState::Refused(decided),
                };
                self.close_request(*request, state)?;
                if let Some(grant) = grant {
                    self.take_grant(grant.clone(), at);
                }
                Some(Seen::Nobody)
            }
            AgentEventBody::RequestExpired { request } => self.close_request(*request, RequestState::Expired { at }),
            AgentEventBody::RequestCancelled { request } => {
                self.close_request(*request, RequestState::Cancelled { at })
            }
            AgentEventBody::GrantUsed { grant, .. } => {
                let mut grants = self.grants.to_vec();
                let used = grants.iter_mut().find(|at_hand| at_hand.id == *grant && at_hand.uses > 0)?;
                used.uses -= 1;
                grants.retain(|at_hand| at_hand.uses > 0);
                self.grants = grants.into();
                Some(Seen::Nobody)
            }
            AgentEventBody::AlertAcknowledged { alert } => {
                let seen = self.acks.iter().any(|ack| ack.alert == *alert);
                legal(self.has_alert(*alert) && !seen)?;
                let ack = Ack { alert: *alert, by: event.actor.clone(), at };
                self.acks = self.acks.iter().cloned().chain([ack]).collect();
                Some(Seen::Nobody)
            }
            AgentEventBody::OccupancyChanged(changed) => {
                legal(self.status != Status::Offline)?;
                let recorded = Occupancy::recorded(self.occupancy.as_deref(), &changed.sources, changed.blocks, at);
                self.occupancy = (!recorded.sources.is_empty()).then(|| Box::new(recorded));
                Some(Seen::Nobody)
            }
            AgentEventBody::Queued(queued) => {
                legal(self.queue.is_none() && self.status != Status::Offline)?;
                self.queue = Some(Box::new(Waiting {
                    pause_type: queued.pause_type.clone(),
                    note: queued.note.clone(),
                    since: at,
                    place: Place::at(at),
                    slots: queued.slots.clone(),
                    opens_at: queued.opens_at,
                    let_pass: 0,
                    last_expired: None,
                    offer: None,
                    lost_at: None,
                }));
                Some(Seen::Everybody)
            }
            AgentEventBody::LeftQueue { pause_type, .. } => {
                legal(self.queue.as_ref()?.pause_type == *pause_type)?;
                self.queue = None;
                Some(Seen::Everybody)
            }
            AgentEventBody::Offered { offer } => {
                legal(self.can_take_offers())?;
                let waiting = self.queue.as_mut()?;
                legal(waiting.offer.is_none())?;
                waiting.offer = Some(Offer { id: *offer, left: OFFER_LASTS, runs_since: None });
                Some(Seen::Agent)
            }
            AgentEventBody::OfferExpired { offer, place } => {
                let waiting = self.queue.as_mut()?;
                legal(waiting.offer?.id == *offer)?;
                let Some(place) = place else {
                    self.queue = None;
                    return Some(Seen::Everybody);
                };
                (waiting.offer, waiting.last_expired) = (None, Some(*offer));
                (waiting.place, waiting.let_pass) = (*place, waiting.let_pass + 1);
                Some(Seen::Agent)
            }
            AgentEventBody::ShiftPlanned(planned) => {
                self.fold_planned(*planned, at);
                Some(Seen::Nobody)
            }
            AgentEventBody::ShiftCancelled { day } => {
                self.fold_cancelled(*day, at)?;
                Some(Seen::Nobody)
            }
            AgentEventBody::PauseStarted(started) => self.start_pause(event, started),
            AgentEventBody::PauseWarned { pause, .. } => {
                let pause = self.running(*pause)?;
                legal((pause.fired.warnings as usize) < pause.terms.warn_before.len())?;
                pause.fired.warnings += 1;
                Some(Seen::Nobody)
            }
            AgentEventBody::LimitReached { pause, .. } => {
                let pause = self.running(*pause)?;
                legal(pause.terms.limit.is_some() && !pause.fired.limit)?;
                pause.fired.limit = true;
                Some(Seen::Nobody)
            }
            AgentEventBody::Overran { pause, .. } => {
                let pause = self.running(*pause)?;
                legal(pause.fired.limit && pause.fired.overran_at.is_none())?;
                pause.fired.overran_at = Some(event.due_at.unwrap_or(at));
                Some(Seen::Everybody)
            }
            AgentEventBody::Escalated { pause, .. } => {
                let pause = self.running(*pause)?;
                legal(pause.fired.overran_at.is_some())?;
                legal((pause.fired.escalations as usize) < pause.terms.escalate_after.len())?;
                pause.fired.escalations += 1;
                Some(Seen::Nobody)
            }
            AgentEventBody::PauseExtended { pause, by } => {
                let pause = self.running(*pause)?;
                legal(pause.terms.limit.is_some())?;
                pause.extended_by += *by;
                Some(Seen::Everybody)
            }
            AgentEventBody::PauseEnded(ended) => self.end_pause(event, ended),
            AgentEventBody::PauseCorrected(corrected) => {
                legal(self.running(corrected.pause).is_none())?;
                legal(corrected.started_at < corrected.ended_at && corrected.ended_at <= at)?;
                self.usage = self.usage.corrected(corrected);
                Some(Seen::Nobody)
            }
            AgentEventBody::PauseAnnotated { .. } => Some(Seen::Nobody),
        }
    }

    fn lose_connection(&mut self, event: &AgentEvent, last_seen_at: Timestamp) -> Option<Seen> {
        legal(matches!(self.connection, Connection::Grace { .. }))?;
        self.connection = Connection::Disconnected { last_seen_at: Some(last_seen_at) };
        // Somebody else may have the slot that was kept; the place in line stays.
        let gave_back = self.queue.as_mut().and_then(|waiting| {
            waiting.lost_at = Some(event.at);
            waiting.offer.take()
        });
        self.deferred.iter_mut().for_each(|deferred| deferred.lost_at = Some(event.at));
        if self.is_shown_offline() {
            self.forget_the_day();
            self.stamp(event);
            return Some(Seen::Everybody);
        }
        let Some(status) = self.chosen().filter(|status| *status != ChosenStatus::Offline) else {
            return Some(if gave_back.is_some() { Seen::Agent } else { Seen::Nobody });
        };
        let deferred = self.deferred.take();
        self.take_status(ChosenStatus::Offline, event);
        self.deferred = deferred;
        self.resume = Some(Resume { status, lost_at: event.at });
        Some(Seen::Everybody)
    }

    fn start_pause(&mut self, event: &AgentEvent, started: &PauseStarted) -> Option<Seen> {
        match (&started.terms, started.inside, &self.status) {
            (Some(terms), None, Status::Available | Status::Unavailable) => {
                self.status = Status::Paused(Away::Pause(Box::new(pause(event, started, terms))));
                self.on_start(event, started);
                Some(Seen::Everybody)
            }
            // One that waited for the end of work begins around the protected one.
            (Some(terms), None, Status::Paused(Away::Protected(inner))) => {
                let (outer, inner) = (Box::new(pause(event, started, terms)), inner.clone());
                self.status = Status::Paused(Away::ProtectedInside { outer, inner });
                self.on_start(event, started);
                Some(Seen::Everybody)
            }
            (None, None, Status::Available) => {
                self.status = Status::Paused(Away::Protected(protected(event, started)));
                self.deferred.take_if(|deferred| deferred.is_status());
                self.stamp(event);
                Some(Seen::Everybody)
            }
            // To everybody else the agent is unavailable before and after: nothing moves for them.
            (None, None, Status::Unavailable) => {
                self.status = Status::Paused(Away::Protected(protected(event, started)));
                Some(Seen::Agent)
            }
            (None, Some(inside), Status::Paused(Away::Pause(outer))) if outer.id == inside => {
                let (outer, inner) = (outer.clone(), protected(event, started));
                self.status = Status::Paused(Away::ProtectedInside { outer, inner });
                Some(Seen::Agent)
            }
            _ => None,
        }
    }

    fn close_request(&mut self, id: RequestId, state: RequestState) -> Option<Seen> {
        let request = self.request.as_mut().filter(|request| request.id == id && request.is_open())?;
        request.state = state;
        Some(Seen::Nobody)
    }

    /// Those that have lapsed go, and where there are too many the one of the others that ends first.
    fn take_grant(&mut self, grant: Grant, at: Timestamp) {
        let mut grants = self.grants.to_vec();
        grants.retain(|at_hand| at < at_hand.until);
        grants.drain(..(grants.len() + 1).saturating_sub(GRANTS_MAX));
        grants.push(grant);
        grants.sort_by_key(|at_hand| at_hand.until);
        self.grants = grants.into();
    }

    /// A pause with terms has begun: what waited is settled by it.
    fn on_start(&mut self, event: &AgentEvent, started: &PauseStarted) {
        self.queue.take_if(|waiting| waiting.pause_type == started.pause_type);
        self.deferred = None;
        self.stamp(event);
    }

    fn end_pause(&mut self, event: &AgentEvent, ended: &PauseEnded) -> Option<Seen> {
        let Status::Paused(away) = &self.status else { return None };
        match (away, ended.then) {
            (Away::Pause(pause), AfterPause::Status(then)) if pause.id == ended.pause => {
                if !ended.misclick {
                    self.usage.count(pause, event.at, ended.last_seen_at);
                }
                self.take_status(then, event);
                Some(Seen::Everybody)
            }
            // The other pause that replaces it begins around the protected one.
            (Away::ProtectedInside { outer, inner }, AfterPause::Status(ChosenStatus::Unavailable))
                if outer.id == ended.pause && ended.replaced_by.is_some() =>
            {
                let inner = inner.clone();
                if !ended.misclick {
                    self.usage.count(outer, event.at, ended.last_seen_at);
                }
                self.status = Status::Paused(Away::Protected(inner));
                self.stamp(event);
                Some(Seen::Everybody)
            }
            // Shown as unavailable all the while, and still so: nothing moves for the others.
            (Away::Protected(pause), AfterPause::Status(ChosenStatus::Unavailable)) if pause.id == ended.pause => {
                self.status = Status::Unavailable;
                self.pending = None;
                Some(Seen::Agent)
            }
            (Away::Protected(pause), AfterPause::Status(ChosenStatus::Offline))
                if pause.id == ended.pause && self.is_shown_offline() =>
            {
                self.status = Status::Offline;
                (self.pending, self.deferred, self.occupancy) = (None, None, None);
                self.at_risk = Box::default();
                Some(Seen::Agent)
            }
            (Away::Protected(pause), AfterPause::Status(then)) if pause.id == ended.pause => {
                self.take_status(then, event);
                // Only a pause is abandoned: to the others, somebody unavailable was signed out.
                if event.cause == Cause::Abandoned {
                    self.cause = Cause::SignOut;
                }
                Some(Seen::Everybody)
            }
            (Away::ProtectedInside { outer, inner }, AfterPause::OuterPause) if inner.id == ended.pause => {
                self.status = Status::Paused(Away::Pause(outer.clone()));
                self.pending = None;
                Some(Seen::Agent)
            }
            _ => None,
        }
    }

    /// Takes a status; whatever waited or could be resumed is settled by it. A pause that waits for the end of work waits
    /// on, unless the agent goes.
    fn take_status(&mut self, status: ChosenStatus, event: &AgentEvent) {
        self.status = match status {
            ChosenStatus::Offline => Status::Offline,
            ChosenStatus::Available => Status::Available,
            ChosenStatus::Unavailable => Status::Unavailable,
        };
        self.pending = None;
        if status == ChosenStatus::Offline {
            self.deferred = None;
            self.forget_the_day();
        }
        self.deferred.take_if(|deferred| deferred.is_status());
        self.stamp(event);
    }

    /// The agent goes: nobody works any more, and what became of the last request has been told.
    fn forget_the_day(&mut self) {
        self.occupancy = None;
        self.at_risk = Box::default();
        self.request.take_if(|request| !request.is_open());
    }

    fn stamp(&mut self, event: &AgentEvent) {
        self.resume = None;
        self.since = event.at;
        self.actor = event.actor.clone();
        self.cause = event.cause;
        self.reason = event.reason.clone();
    }

    /// The status where it is one that can be chosen.
    pub(super) fn chosen(&self) -> Option<ChosenStatus> {
        match self.status {
            Status::Offline => Some(ChosenStatus::Offline),
            Status::Available => Some(ChosenStatus::Available),
            Status::Unavailable => Some(ChosenStatus::Unavailable),
            Status::Paused(_) => None,
        }
    }

    fn running(&mut self, id: PauseId) -> Option<&mut Pause> {
        match &mut self.status {
            Status::Paused(Away::Pause(pause) | Away::ProtectedInside { outer: pause, .. }) if pause.id == id => {
                Some(pause)
            }
            Status::Paused(_) | Status::Offline | Status::Available | Status::Unavailable => None,
        }
    }

    fn state_name(&self) -> String {
        let status = match &self.status {
            Status::Offline => "offline".to_owned(),
            Status::Available => "available".to_owned(),
            Status::Unavailable => "unavailable".to_owned(),
            Status::Paused(Away::Pause(pause)) => format!("paused {}", pause.id),
            Status::Paused(Away::Protected(pause)) => format!("protected {}", pause.id),
            Status::Paused(Away::ProtectedInside { outer, inner }) => {
                format!("protected {} inside {}", inner.id, outer.id)
            }
        };
        let connection = match self.connection {
            Connection::Connected => "connected",
            Connection::Grace { .. } => "grace",
            Connection::Disconnected { .. } => "disconnected",
        };
        format!("{status} ({connection}) at {}", self.seq)
    }

    /// The number that the next event will have.
    pub fn next_seq(&self) -> AgentSeq {
        self.seq.next()
    }
}

fn pause(event: &AgentEvent, started: &PauseStarted, terms: &PauseTerms) -> Pause {
    Pause {
        id: started.id,
        pause_type: started.pause_type.clone(),
        terms: terms.clone(),
        policy_version: event.policy_version,
        started_at: event.at,
        extended_by: std::time::Duration::ZERO,
        note: started.note.clone(),
        place: started.place.clone(),
        fired: Fired::default(),
        worked_at: None,
    }
}

fn protected(event: &AgentEvent, started: &PauseStarted) -> ProtectedPause {
    ProtectedPause {
        id: started.id,
        pause_type: started.pause_type.clone(),
        started_at: event.at,
        note: started.note.clone(),
    }
}

fn legal(holds: bool) -> Option<()> {
    holds.then_some(())
}
