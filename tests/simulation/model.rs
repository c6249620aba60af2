//! The reference: what each event means, said as plainly as possible and without the product's fold.
//!
//! It knows nothing of decisions. It takes the journal's events one by one, says which of them cannot
//! be (C1, C2, C4), and what the agent and everybody else must be shown after each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use intervalo::domain::event::{AfterPause, AgentEvent, AgentEventBody, ChosenStatus, PauseEnded, PauseStarted};
use intervalo::domain::id::{OfferId, PauseId, PauseTypeCode, RequestId};
use intervalo::domain::request::Origin;
use intervalo::domain::time::Timestamp;

/// Is a socket open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    Connected,
    Grace,
    Disconnected,
}

/// What is shown of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) version: u64,
    /// What was chosen.
    pub(crate) status: &'static str,
    /// The same, or what work makes of `available`, which moves without a version.
    pub(crate) presence: &'static str,
    pub(crate) since: Timestamp,
    pub(crate) pause: Option<ShownPause>,
}

/// What is shown of a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownPause {
    pub(crate) id: PauseId,
    pub(crate) pause_type: PauseTypeCode,
    pub(crate) started_at: Timestamp,
    pub(crate) limit_at: Option<Timestamp>,
    pub(crate) overrun: bool,
}

/// A running pause that has terms.
#[derive(Debug, Clone)]
pub(crate) struct Break {
    pub(crate) id: PauseId,
    pub(crate) pause_type: PauseTypeCode,
    pub(crate) started_at: Timestamp,
    /// With what it was extended by.
    pub(crate) limit: Option<Duration>,
    grace: Duration,
    warnings: Vec<Duration>,
    escalations: Vec<Duration>,
    warned: usize,
    limit_reached: bool,
    overran: bool,
    overrun_due: Option<Timestamp>,
    escalated: usize,
}

/// One agent.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) seq: u64,
    pub(crate) line: Line,
    status: &'static str,
    pub(crate) pause: Option<Break>,
    protected: Option<(PauseId, PauseTypeCode, Timestamp)>,
    /// The line that they stand in, and the offer that they have.
    pub(crate) queue: Option<(PauseTypeCode, Option<OfferId>)>,
    /// The request that is open: its type where a start gave rise to it.
    asked: Option<(RequestId, Option<PauseTypeCode>)>,
    /// What was granted, and how often it can still be used.
    grants: BTreeMap<RequestId, u32>,
    /// A start that was granted at this instant.
    granted_at: Option<Timestamp>,
    /// What work is on record.
    pub(crate) work: Work,
    /// An integration has said something that has not been forgotten.
    has_sources: bool,
    /// What waits for the end of it.
    pub(crate) waits: Option<Waits>,
    public_version: u64,
    own_version: u64,
    since: Timestamp,
    last_at: Timestamp,
    begun: BTreeSet<PauseId>,
}

/// What work of an agent is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    open: bool,
    wrap_up: bool,
    /// Some of it has to end before a pause.
    pub(crate) blocks: bool,
    /// A report has lapsed.
    pub(crate) unknown: bool,
}

/// What waits for the end of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waits {
    /// The type of the pause; none where a status waits.
    pub(crate) pause_type: Option<PauseTypeCode>,
    pub(crate) since: Timestamp,
    deadline_at: Option<Timestamp>,
    offer: Option<OfferId>,
}

/// A promise, and why it does not hold.
pub(crate) type Broken = (&'static str, String);

fn must(holds: bool, promise: &'static str, why: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err((promise, why.to_owned())) }
}

impl Person {
    pub(crate) fn new() -> Person {
        Person {
            seq: 0,
            line: Line::Disconnected,
            status: "offline",
            pause: None,
            protected: None,
            queue: None,
            asked: None,
            grants: BTreeMap::new(),
            granted_at: None,
            work: Work::default(),
            has_sources: false,
            waits: None,
            public_version: 0,
            own_version: 0,
            since: Timestamp(0),
            last_at: Timestamp(0),
            begun: BTreeSet::new(),
        }
    }

    /// What everybody else is shown: a protected pause is nothing but `unavailable`.
    pub(crate) fn public(&self) -> Shown {
        let (status, pause) = match (&self.pause, &self.protected) {
            (Some(pause), _) => ("paused", Some(pause.shown())),
            (None, Some(_)) if self.line == Line::Disconnected => ("offline", None),
            (None, Some(_)) => ("unavailable", None),
            (None, None) => (self.status, None),
        };
        let presence = match status {
            "available" if self.work.wrap_up => "wrap_up",
            "available" if self.work.open => "busy",
            _ => status,
        };
        Shown { version: self.public_version, status, presence, since: self.since, pause }
    }

    /// What the agent is shown.
    pub(crate) fn own(&self) -> Shown {
        let mut shown = Shown { version: self.own_version, ..self.public() };
        if let Some((id, pause_type, started_at)) = &self.protected {
            (shown.status, shown.presence) = ("paused", "paused");
            shown.since = *started_at;
            shown.pause = Some(ShownPause {
                id: *id,
                pause_type: pause_type.clone(),
                started_at: *started_at,
                limit_at: None,
                overrun: false,
            });
        }
        shown
    }

    /// On a protected pause.
    pub(crate) fn is_on_protected(&self) -> bool {
        self.protected.is_some()
    }

    /// When the next threshold of the running pause is due, and the name of its event.
    pub(crate) fn next_threshold(&self) -> Option<(Timestamp, &'static str)> {
        self.pause.as_ref()?.next_threshold()
    }

    /// When an overrun is due that is not on record: the one threshold that others are shown.
    pub(crate) fn overrun_due(&self) -> Option<Timestamp> {
        let pause = self.pause.as_ref().filter(|pause| !pause.overran)?;
        Some(pause.started_at + pause.limit? + pause.grace)
    }

    /// The server came up: whoever had a socket is held.
    pub(crate) fn on_server_started(&mut self) {
        if self.line == Line::Connected {
            self.line = Line::Grace;
        }
        if self.work != Work::default() || self.has_sources {
            self.work = Work { unknown: true, ..Work::default() };
        }
    }

    /// Takes the next event.
    pub(crate) fn apply(&mut self, event: &AgentEvent) -> Result<(), Broken> {
        must(event.at >= self.last_at, "C5", "time went back")?;
        self.last_at = event.at;
        self.seq += 1;
        let (before, own_before) = (self.public(), self.own());
        let in_line = |person: &Person| person.queue.as_ref().map(|(code, _)| code.clone());
        let (line_before, queue_before) = (in_line(self), self.queue.clone());
        let waits_before = self.waits.clone();
        let waits = matches!(event.body, AgentEventBody::PendingSet(_) | AgentEventBody::PendingCancelled);
        let signs_out = matches!(event.body, AgentEventBody::SignedOut | AgentEventBody::Deactivated);
        let ends_wait = matches!(event.body, AgentEventBody::DeferralEnded { .. });
        self.change(event)?;
        let after = self.public();
        if (after.status, after.pause.as_ref().map(|pause| pause.id))
            != (before.status, before.pause.as_ref().map(|pause| pause.id))
        {
            self.since = event.at;
        }
        if (after.status, &after.pause) != (before.status, &before.pause)
            || signs_out
            || ends_wait
            || (waits_before.is_some() != self.waits.is_some() && after.status != "offline")
            || matches!(event.body, AgentEventBody::Deferred(_))
            || in_line(self) != line_before
        {
            self.public_version = self.seq;
            self.own_version = self.seq;
        }
        let own = self.own();
        if (own.status, &own.pause) != (own_before.status, &own_before.pause) || waits || self.queue != queue_before {
            self.own_version = self.seq;
        }
        Ok(())
    }

    fn change(&mut self, event: &AgentEvent) -> Result<(), Broken> {
        let at = event.at;
        match &event.body {
            AgentEventBody::Connected { .. } => {
                must(self.line != Line::Connected, "C2", "connected twice")?;
                self.line = Line::Connected;
            }
            AgentEventBody::GraceBegan { until } => {
                must(self.line == Line::Connected && *until >= at, "C2", "a grace without a connection")?;
                self.line = Line::Grace;
            }
            AgentEventBody::ConnectionLost { last_seen_at } => {
                must(self.line == Line::Grace && *last_seen_at <= at, "C2", "lost without a grace")?;
                self.line = Line::Disconnected;
                self.queue.iter_mut().for_each(|(_, at_hand)| *at_hand = None);
                if self.pause.is_none() && self.protected.is_none() {
                    self.status = "offline";
                }
                self.forget_work_if_offline();
            }
            AgentEventBody::SignedIn { status, .. } | AgentEventBody::Resumed { status } => {
                must(self.is_free() && self.status == "offline", "C2", "signed in while signed in")?;
                must(*status != ChosenStatus::Offline, "C2", "signed in as offline")?;
                self.status = status.as_str();
            }
            AgentEventBody::StatusChanged { from, to } => {
                must(self.is_free() && self.status == from.as_str() && from != to, "C2", "a status from elsewhere")?;
                self.status = to.as_str();
                self.settle(*to);
            }
            AgentEventBody::SignedOut | AgentEventBody::Deactivated => {
                must(self.protected.is_none(), "C2", "signed out of a protected pause")?;
                must(self.queue.is_none(), "C2", "signed out and still in line")?;
                self.line = Line::Disconnected;
                if self.pause.is_none() {
                    self.status = "offline";
                    self.settle(ChosenStatus::Offline);
                }
            }
            AgentEventBody::PauseRefused { count, .. } => must(*count > 0, "C2", "no refusal")?,
            AgentEventBody::FindingRecorded { .. }
            | AgentEventBody::EntitlementAtRisk(_)
            | AgentEventBody::ShiftPlanned(_)
            | AgentEventBody::ShiftCancelled { .. } => {}
            AgentEventBody::PendingSet(_) | AgentEventBody::PendingCancelled => {
                must(self.protected.is_some(), "C2", "waits for no return")?;
            }
            AgentEventBody::AlertAcknowledged { .. } | AgentEventBody::PauseAnnotated { .. } => {}
            AgentEventBody::PauseCorrected(corrected) => {
                let ended = corrected.ended_at;
                must(corrected.started_at < ended && ended <= at, "C4", "corrected to no time of its own")?;
            }
            AgentEventBody::RequestCreated(created) => {
                must(self.asked.is_none() && created.expires_at > at, "C2", "two requests")?;
                let of_start = matches!(created.origin, Origin::Start { .. });
                self.asked = Some((created.id, of_start.then(|| created.pause_type.clone())));
            }
            AgentEventBody::RequestDecided { request, grant } => {
                let of_start = self.close(*request)?.is_some();
                if let Some(grant) = grant {
                    must(grant.id == *request && grant.uses > 0, "C2", "a grant of nothing")?;
                    self.grants.insert(grant.id, grant.uses);
                    self.granted_at = of_start.then_some(at);
                }
            }
            AgentEventBody::RequestExpired { request } | AgentEventBody::RequestCancelled { request } => {
                self.close(*request)?;
            }
            AgentEventBody::GrantUsed { grant, .. } => {
                let uses = self.grants.get_mut(grant).filter(|uses| **uses > 0);
                *uses.ok_or_else(|| ("C2", "a grant that is used up".to_owned()))? -= 1;
            }
            AgentEventBody::OccupancyChanged(changed) => {
                must(self.public().status != "offline", "C2", "work of who is offline")?;
                let known = || changed.sources.iter().filter(|source| source.known);
                self.has_sources = !changed.sources.is_empty();
                self.work = Work {
                    open: known().any(|source| !source.work.open.is_empty()),
                    wrap_up: known().any(|source| source.work.wrap_up),
                    blocks: changed.blocks,
                    unknown: changed.sources.iter().any(|source| !source.known),
                };
            }
            AgentEventBody::Deferred(deferred) => {
                must(self.own().status != "offline", "C2", "something waits of who is offline")?;
                must(self.work.blocks || self.waits.is_some(), "C2", "it waits for the end of no work")?;
                self.waits = Some(Waits {
                    pause_type: deferred.pause_type().cloned(),
                    since: deferred.since,
                    deadline_at: deferred.deadline_at,
                    offer: deferred.offer(),
                });
            }
            AgentEventBody::DeferralEnded { .. } => {
                must(self.waits.take().is_some(), "C2", "nothing waited")?;
            }
            AgentEventBody::Queued(queued) => {
                must(self.queue.is_none() && self.own().presence != "offline", "C2", "waits twice, or while offline")?;
                self.queue = Some((queued.pause_type.clone(), None));
            }
            AgentEventBody::LeftQueue { pause_type, .. } => {
                let left = self.queue.take().map(|(code, _)| code);
                must(left.as_ref() == Some(pause_type), "C2", "left a line without having stood in it")?;
            }
            AgentEventBody::Offered { offer } => {
                must(self.line == Line::Connected && self.protected.is_none(), "C2", "an offer to who cannot take it")?;
                let Some((_, at_hand)) = &mut self.queue else { return Err(("C2", "an offer out of line".to_owned())) };
                must(at_hand.replace(*offer).is_none(), "C2", "two offers")?;
            }
            AgentEventBody::OfferExpired { offer, place } => {
                let at_hand = self.queue.as_mut().and_then(|(_, at_hand)| at_hand.take());
                must(at_hand == Some(*offer), "C2", "an offer expired that was not made")?;
                self.queue.take_if(|_| place.is_none());
            }
            AgentEventBody::PauseStarted(started) => self.start(event, started)?,
            AgentEventBody::PauseWarned { pause, before, .. } => {
                let pause = self.running(*pause)?;
                let expected = pause.warnings.get(pause.warned) == Some(before);
                must(expected && !pause.limit_reached, "C4", "a warning out of turn")?;
                pause.warned += 1;
            }
            AgentEventBody::LimitReached { pause, .. } => {
                let pause = self.running(*pause)?;
                must(pause.limit.is_some() && !pause.limit_reached, "C4", "a second limit")?;
                pause.limit_reached = true;
            }
            AgentEventBody::Overran { pause, .. } => {
                let pause = self.running(*pause)?;
                must(pause.limit_reached && !pause.overran, "C4", "a second overrun, or one before the limit")?;
                pause.overran = true;
                pause.overrun_due = event.due_at.or(Some(at));
            }
            AgentEventBody::Escalated { pause, after, .. } => {
                let pause = self.running(*pause)?;
                let expected = pause.escalations.get(pause.escalated) == Some(after);
                must(pause.overran && expected, "C4", "an escalation out of turn")?;
                pause.escalated += 1;
            }
            AgentEventBody::PauseExtended { pause, by } => {
                let pause = self.running(*pause)?;
                let limit = pause.limit.ok_or_else(|| ("C2", "no limit to extend".to_owned()))?;
                must(*by > Duration::ZERO, "C2", "extended by nothing")?;
                pause.limit = Some(limit + *by);
            }
            AgentEventBody::PauseEnded(ended) => self.end(event, ended)?,
        }
        Ok(())
    }

    fn close(&mut self, request: RequestId) -> Result<Option<PauseTypeCode>, Broken> {
        let open = self.asked.take().filter(|(id, _)| *id == request);
        open.map(|(_, code)| code).ok_or_else(|| ("C2", format!("request {request} is not open")))
    }

    fn is_free(&self) -> bool {
        self.pause.is_none() && self.protected.is_none()
    }

    fn running(&mut self, id: PauseId) -> Result<&mut Break, Broken> {
        let found = self.pause.as_mut().filter(|pause| pause.id == id);
        found.ok_or_else(|| ("C4", format!("pause {id} does not run")))
    }

    fn start(&mut self, event: &AgentEvent, started: &PauseStarted) -> Result<(), Broken> {
        must(self.begun.insert(started.id), "C4", "a pause that began twice")?;
        let around = self.waits.as_ref().is_some_and(|waits| waits.pause_type.as_ref() == Some(&started.pause_type));
        let around = around || self.granted_at == Some(event.at);
        let alone = self.protected.is_none() || (around && started.terms.is_some());
        must(alone, "C1", "a second pause begins in a protected one")?;
        let place = &started.place;
        let local = chrono::DateTime::from_timestamp_millis(event.at.0).map(|at| at.with_timezone(&place.zone));
        let day = local.map(|local| local.date_naive());
        must(day == Some(place.local_day), "C5", "counted on another day")?;
        let Some(terms) = &started.terms else {
            must(started.inside == self.pause.as_ref().map(|pause| pause.id), "C2", "inside another pause")?;
            must(self.pause.is_some() || self.status != "offline", "C2", "a pause while offline")?;
            self.protected = Some((started.id, started.pause_type.clone(), event.at));
            if self.status == "available" {
                self.waits.take_if(|waits| waits.pause_type.is_none());
            }
            return Ok(());
        };
        must(self.pause.is_none(), "C1", "a second pause begins")?;
        must(self.status == "available" || self.status == "unavailable", "C2", "a pause while offline")?;
        self.pause = Some(Break {
            id: started.id,
            pause_type: started.pause_type.clone(),
            started_at: event.at,
            limit: terms.limit,
            grace: terms.grace,
            warnings: terms.warn_before.clone(),
            escalations: terms.escalate_after.clone(),
            warned: 0,
            limit_reached: false,
            overran: false,
            overrun_due: None,
            escalated: 0,
        });
        self.status = "paused";
        self.waits = None;
        self.queue.take_if(|(code, _)| *code == started.pause_type);
        Ok(())
    }

    fn end(&mut self, event: &AgentEvent, ended: &PauseEnded) -> Result<(), Broken> {
        let granted = self.granted_at == Some(event.at);
        let replaced = ended.replaced_by.is_some() && (self.waits.is_some() || granted);
        let own = self.pause.as_ref().filter(|pause| pause.id == ended.pause && replaced);
        if let Some((id, _, started_at)) = self.protected.as_ref().filter(|_| own.is_none()) {
            must(*id == ended.pause, "C4", "the pause around a protected one ends")?;
            must(event.at >= *started_at, "C4", "it ends before it began")?;
            match (ended.then, &self.pause) {
                (AfterPause::OuterPause, Some(_)) => {}
                (AfterPause::Status(then), None) => {
                    self.status = then.as_str();
                    // One who was unavailable is so still, for everybody.
                    if then != ChosenStatus::Unavailable {
                        self.settle(then);
                    }
                }
                (AfterPause::OuterPause, None) | (AfterPause::Status(_), Some(_)) => {
                    return Err(("C2", "back in a pause that is not, or past one that is".to_owned()));
                }
            }
            self.protected = None;
            return Ok(());
        }
        let pause = self.running(ended.pause)?;
        must(event.at >= pause.started_at, "C4", "it ends before it began")?;
        let AfterPause::Status(then) = ended.then else {
            return Err(("C2", "back in a pause that is not".to_owned()));
        };
        self.status = then.as_str();
        self.pause = None;
        self.settle(then);
        Ok(())
    }

    /// A status is taken: one that waited waits no more, nor does anything of who goes.
    fn settle(&mut self, status: ChosenStatus) {
        let goes = status == ChosenStatus::Offline;
        self.waits.take_if(|waits| goes || waits.pause_type.is_none());
        self.forget_work_if_offline();
    }

    fn forget_work_if_offline(&mut self) {
        if self.public().status == "offline" {
            (self.work, self.has_sources) = (Work::default(), false);
        }
    }

    /// A pause of this type has waited for the end of work until its time was up.
    pub(crate) fn has_waited_enough(&self, pause_type: &PauseTypeCode, at: Timestamp) -> bool {
        let waits = self.waits.as_ref().filter(|waits| waits.pause_type.as_ref() == Some(pause_type));
        waits.is_some_and(|waits| waits.deadline_at.is_none_or(|deadline| deadline <= at))
    }

    /// What waits is to happen: nobody works on, they are there, and it is known.
    pub(crate) fn should_go_on(&self) -> bool {
        self.waits.is_some() && self.line == Line::Connected && !self.work.blocks && !self.work.unknown
    }
}

impl Break {
    fn shown(&self) -> ShownPause {
        ShownPause {
            id: self.id,
            pause_type: self.pause_type.clone(),
            started_at: self.started_at,
            limit_at: self.limit.map(|limit| self.started_at + limit),
            overrun: self.overran,
        }
    }

    fn next_threshold(&self) -> Option<(Timestamp, &'static str)> {
        let limit_at = self.started_at + self.limit?;
        if let (Some(before), false) = (self.warnings.get(self.warned), self.limit_reached) {
            return Some((limit_at.minus(*before), "pause.warned"));
        }
        if !self.limit_reached {
            return Some((limit_at, "pause.limit_reached"));
        }
        let Some(overrun_due) = self.overrun_due else { return Some((limit_at + self.grace, "pause.overran")) };
        let after = self.escalations.get(self.escalated)?;
        Some((overrun_due + *after, "pause.escalated"))
    }
}
