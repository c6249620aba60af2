//! How what happened and what is shown are told in scripts.

use chrono::TimeZone;
use intervalo::domain::command::{Refusal, Rejection};
use intervalo::domain::deferral::DeferredTarget;
use intervalo::domain::event::{AfterPause, AgentEvent, AgentEventBody, PendingTarget};
use intervalo::domain::id::{PauseId, PauseTypeCode};
use intervalo::domain::menu::OwedHere;
use intervalo::domain::occupancy::Load;
use intervalo::domain::presence::{AgentView, DeferredWord, PauseView};
use intervalo::domain::rules::{Verdict, VerdictOutcome};
use intervalo::domain::time::Timestamp;

use crate::script::{Stage, started};
use crate::setting::span;

impl Stage {
    pub(crate) fn tell(&self, events: &[AgentEvent]) -> String {
        let told: Vec<String> = events.iter().map(|event| self.event(event)).collect();
        if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
    }

    pub(crate) fn event(&self, event: &AgentEvent) -> String {
        let late = |late: &bool| if *late { " late" } else { "" };
        match &event.body {
            AgentEventBody::Connected { .. } => "connected".to_owned(),
            AgentEventBody::GraceBegan { until } => format!("grace until {}", self.time(*until)),
            AgentEventBody::ConnectionLost { last_seen_at } => {
                format!("connection_lost, last seen {}", self.time(*last_seen_at))
            }
            AgentEventBody::SignedIn { status, .. } => format!("signed_in {}", status.as_str()),
            AgentEventBody::Resumed { status } => format!("resumed {}", status.as_str()),
            AgentEventBody::StatusChanged { to, .. } => to.as_str().to_owned(),
            AgentEventBody::SignedOut => format!("signed_out ({})", event.cause.as_str()),
            AgentEventBody::Deactivated => "deactivated".to_owned(),
            AgentEventBody::PauseRefused { pause_type, code, .. } => format!("pause.refused {pause_type} {code}"),
            AgentEventBody::PendingSet(pending) => format!("waits {}", target(&pending.target)),
            AgentEventBody::PendingCancelled => "waits no more".to_owned(),
            AgentEventBody::Deferred(deferred) => {
                let what = match &deferred.target {
                    DeferredTarget::Status(status) => status.as_str(),
                    DeferredTarget::Pause { pause_type, .. } => pause_type.as_str(),
                };
                let until = deferred.deadline_at.map(|at| format!(" until {}", self.time(at))).unwrap_or_default();
                format!("pending {what}{until}")
            }
            AgentEventBody::DeferralEnded { code } => {
                let why = code.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
                format!("pending no more ({}){why}", event.cause.as_str())
            }
            AgentEventBody::RequestCreated(created) => {
                format!("requested {} until {}", created.pause_type, self.time(created.expires_at))
            }
            AgentEventBody::RequestDecided { grant: Some(grant), .. } => {
                let uses = if grant.uses > 1 { format!(" {} times", grant.uses) } else { String::new() };
                format!(
                    "granted {}{uses} until {} ({})",
                    grant.pause_type,
                    self.time(grant.until),
                    event.cause.as_str()
                )
            }
            AgentEventBody::RequestDecided { grant: None, .. } => "request refused".to_owned(),
            AgentEventBody::RequestExpired { .. } => "request expired".to_owned(),
            AgentEventBody::RequestCancelled { .. } => format!("request cancelled ({})", event.cause.as_str()),
            AgentEventBody::GrantUsed { .. } => "grant used".to_owned(),
            AgentEventBody::AlertAcknowledged { alert } => format!("acknowledged {}", alert.kind()),
            AgentEventBody::OccupancyChanged(changed) => format!("works {}", work(&Load::of(&changed.sources))),
            AgentEventBody::Queued(queued) => {
                let opens = queued.opens_at.map(|at| format!(" from {}", self.time(at))).unwrap_or_default();
                format!("queued {}{opens}", queued.pause_type)
            }
            AgentEventBody::LeftQueue { pause_type, code } => {
                let why = code.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
                format!("left the line of {pause_type} ({}){why}", event.cause.as_str())
            }
            AgentEventBody::Offered { .. } => "offered".to_owned(),
            AgentEventBody::OfferExpired { place, .. } => {
                format!("offer expired, {}", if place.is_some() { "one place lost" } else { "the seat is lost" })
            }
            AgentEventBody::ShiftPlanned(shift) => {
                let (day, start, end) = (shift.day(), self.time(shift.start()), self.time(shift.end()));
                format!("planned {day} from {start} to {end}")
            }
            AgentEventBody::ShiftCancelled { day } => format!("cancelled the shift of {day}"),
            AgentEventBody::PauseStarted(started) => {
                let inside = if started.inside.is_some() { " inside" } else { "" };
                format!("started {}{inside}", started.pause_type)
            }
            AgentEventBody::PauseWarned { pause, before, late: is_late } => {
                format!("pause.warned {} {} before{}", self.type_of(*pause), span(*before), late(is_late))
            }
            AgentEventBody::LimitReached { pause, late: is_late } => {
                format!("pause.limit_reached {}{}", self.type_of(*pause), late(is_late))
            }
            AgentEventBody::Overran { pause, late: is_late } => {
                format!("pause.overran {}{}", self.type_of(*pause), late(is_late))
            }
            AgentEventBody::Escalated { pause, after, late: is_late } => {
                format!("pause.escalated {} {} after{}", self.type_of(*pause), span(*after), late(is_late))
            }
            AgentEventBody::PauseExtended { by, .. } => format!("extended {}", span(*by)),
            AgentEventBody::PauseEnded(ended) => {
                let then = match ended.then {
                    AfterPause::Status(status) => status.as_str(),
                    AfterPause::OuterPause => "outer pause",
                };
                let short = if ended.short { " short" } else { "" };
                let misclick = if ended.misclick { " misclick" } else { "" };
                let seen = ended.last_seen_at.map(|at| format!(" last seen {}", self.time(at))).unwrap_or_default();
                let (code, cause) = (self.type_of(ended.pause), event.cause.as_str());
                format!("ended {code} ({cause}){short}{misclick}{seen} then {then}")
            }
            AgentEventBody::FindingRecorded { code, .. } => format!("finding {code}"),
            AgentEventBody::PauseCorrected(corrected) => {
                let short = if corrected.short { " short" } else { "" };
                let misclick = if corrected.misclick { " misclick" } else { "" };
                let over = corrected.overran_at.map(|at| format!(" overran {}", self.time(at))).unwrap_or_default();
                let (code, end) = (&corrected.pause_type, self.time(corrected.ended_at));
                let (cause, before) = (event.cause.as_str(), self.time(corrected.ended_at_before));
                format!("corrected {code} ({cause}) to {end} from {before}{short}{misclick}{over}")
            }
            AgentEventBody::PauseAnnotated { pause } => format!("annotated {}", self.type_of(*pause)),
            AgentEventBody::EntitlementAtRisk(risk) if risk.owed == 0 => format!("{} at risk no more", risk.pause_type),
            AgentEventBody::EntitlementAtRisk(risk) => {
                let estimated = if risk.estimated { " estimated" } else { "" };
                let latest = self.time(risk.latest_start);
                format!("{} at risk: {} owed, latest {latest}{estimated}", risk.pause_type, risk.owed)
            }
        }
    }

    /// The type of a pause that the journal tells of; the event at hand may not be in it yet.
    pub(crate) fn type_of(&self, id: PauseId) -> String {
        let mut began = self.world.events().filter_map(started);
        began.find(|started| started.id == id).expect("a pause that began").pause_type.to_string()
    }

    pub(crate) fn rejection(&self, rejection: &Rejection) -> String {
        match rejection {
            Rejection::Refused(refusal) => format!("refused {}", self.refusal(refusal)),
            Rejection::StaleVersion { .. } => "stale".to_owned(),
            Rejection::OpReused => "op_reused".to_owned(),
        }
    }

    pub(crate) fn refusal(&self, refusal: &Refusal) -> String {
        let code = refusal.code();
        match refusal {
            Refusal::AlreadyPaused { pause_type, .. } => format!("{code} {pause_type}"),
            Refusal::EntitlementMinimum { until: at }
            | Refusal::Held { until: at }
            | Refusal::Cooldown { from: at }
            | Refusal::ShiftHead { from: at }
            | Refusal::ShiftTail { until: at } => format!("{code} until {}", self.time(*at)),
            Refusal::CannotPlan { day, why } => format!("{code} {day}: {} {why}", why.field()),
            Refusal::SlotsFull { team, used, of, position, expected_at } => {
                let mut said = format!("{code} {team} {used} of {of}");
                said.push_str(&position.map(|position| format!(" place {position}")).unwrap_or_default());
                said.push_str(&expected_at.map(|at| format!(" about {}", self.time(at))).unwrap_or_default());
                said
            }
            Refusal::QuotaCount { used, of, resets_at } => {
                format!("{code} {used} of {of} until {}", self.time(*resets_at))
            }
            Refusal::QuotaTime { used, of, resets_at } => {
                format!("{code} {} of {} until {}", span(*used), span(*of), self.time(*resets_at))
            }
            Refusal::EndOutOfRange { after, until } => {
                format!("{code} after {} until {}", self.time(*after), self.time(*until))
            }
            Refusal::TooManyAnnotations { of } => format!("{code} {of}"),
            Refusal::NotStartableBy { startable_by } => format!("{code} ({startable_by} only)"),
            Refusal::OutsideWindow { next_from: Some(from) } => format!("{code} until {}", self.time(*from)),
            Refusal::OutsideWindow { next_from: None } => format!("{code} for good"),
            Refusal::AlreadyDecided { by } => {
                format!("{code} by {}", by.id().map_or("the system", |id| id))
            }
            Refusal::ApprovalRequired
            | Refusal::OwnPause
            | Refusal::OwnRequest
            | Refusal::StillRunning
            | Refusal::UnknownPause
            | Refusal::Occupied
            | Refusal::AgentOffline
            | Refusal::NoOffer
            | Refusal::NothingPending
            | Refusal::OfferExpired
            | Refusal::NotOffered
            | Refusal::NotPaused
            | Refusal::PausesDisabled
            | Refusal::TypeDisabled
            | Refusal::UnknownType => code.to_owned(),
        }
    }

    pub(crate) fn verdict(&self, verdict: &Verdict) -> String {
        let mut said = match verdict.outcome {
            VerdictOutcome::Started => "started".to_owned(),
            VerdictOutcome::Queued => "queued".to_owned(),
            VerdictOutcome::Pending => "pending".to_owned(),
            VerdictOutcome::Requested => "requested".to_owned(),
            VerdictOutcome::Refused => "refused".to_owned(),
        };
        if let Some(code) = &verdict.code {
            said.push_str(&format!(" {}", self.refusal(code)));
        }
        if !verdict.waived.is_empty() {
            let waived: Vec<&str> = verdict.waived.iter().map(Refusal::code).collect();
            said.push_str(&format!(" waives {}", waived.join(" and ")));
        }
        if verdict.grant.is_some() {
            said.push_str(" by a grant");
        }
        if !verdict.also.is_empty() {
            let also: Vec<String> = verdict.also.iter().map(|refusal| self.refusal(refusal)).collect();
            said.push_str(&format!(" also {}", also.join(" and ")));
        }
        if let Some(at) = verdict.next_change_at {
            said.push_str(&format!(" changes {}", self.time(at)));
        }
        said
    }

    pub(crate) fn view(&self, view: &AgentView) -> String {
        let by = view.actor.id().map_or("system".to_owned(), |id| format!("{} {id}", view.actor.kind()));
        let (presence, since) = (view.presence.as_str(), self.time(view.since));
        let mut said = format!("{presence} since {since} by {by} ({})", view.cause.as_str());
        if let Some(reason) = &view.reason {
            said.push_str(&format!(" because {reason:?}"));
        }
        said.push_str(&format!(" {}", view.connection.as_str()));
        match view.not_routable {
            Some(reason) => said.push_str(&format!(" not routable: {}", reason.as_str())),
            None => said.push_str(" routable"),
        }
        if let Some(pause) = &view.pause {
            said.push_str(&format!("; {}", self.pause(pause)));
        }
        if view.load != Load::default() {
            said.push_str(&format!("; works {}", work(&view.load)));
        }
        if let Some(request) = &view.request {
            said.push_str(&format!("; request for {} {}", request.pause_type, request.state.as_str()));
        }
        for risk in &view.at_risk {
            said.push_str(&format!("; {} at risk since {}", risk.pause_type, self.time(risk.since)));
        }
        if let Some(deferred) = &view.deferred {
            let what = match &deferred.target {
                DeferredWord::Status(status) => status.as_str(),
                DeferredWord::Pause(pause_type) => pause_type.as_str(),
            };
            said.push_str(&format!("; pending {what} since {}", self.time(deferred.since)));
        }
        if let Some(queue) = &view.queue {
            said.push_str(&format!("; in line for {} since {}", queue.pause_type, self.time(queue.since)));
        }
        if let Some(offer) = &view.offer {
            let until = offer.expires_at.map_or("its clock rests".to_owned(), |at| format!("until {}", self.time(at)));
            said.push_str(&format!("; offered {} {until}", offer.pause_type));
        }
        if let Some(pending) = &view.pending {
            said.push_str(&format!("; waits {}", target(&pending.target)));
        }
        said
    }

    pub(crate) fn pause(&self, pause: &PauseView) -> String {
        let mut said = format!("{} since {}", pause.pause_type, self.time(pause.started_at));
        let times = [
            ("warn", pause.warn_at),
            ("limit", pause.limit_at),
            ("overran", pause.overran_at),
            ("worked", pause.worked_at),
        ];
        for (word, at) in times {
            said.push_str(&at.map(|at| format!(" {word} {}", self.time(at))).unwrap_or_default());
        }
        said.push_str(&pause.note.as_ref().map(|note| format!(" note {note:?}")).unwrap_or_default());
        said.push_str(&pause.inside.as_ref().map(|outer| format!(" inside {}", self.pause(outer))).unwrap_or_default());
        said
    }

    /// What the menu says was used up of a type.
    pub(crate) fn used(&self, code: &PauseTypeCode) -> String {
        let menu = self.world.options();
        let line = menu.iter().find(|line| line.pause_type.code == *code).expect("on the menu");
        format!("{} in {}", line.used.count, span(line.used.time))
    }

    /// What is owed of a type, as its line of the menu tells.
    pub(crate) fn owed(&self, owed: &OwedHere) -> String {
        let latest = owed.latest_start.map(|at| format!(" latest {}", self.time(at))).unwrap_or_default();
        let at_risk = if owed.at_risk { " at risk" } else { "" };
        let estimated = if owed.estimated { " estimated" } else { "" };
        format!(" owed {} of {} ({} taken){latest}{at_risk}{estimated}", owed.owed, owed.count, owed.satisfied)
    }

    /// Where and on which day the last pause counts.
    pub(crate) fn counts(&self) -> String {
        let place = &self.world.events().filter_map(started).last().expect("a pause").place;
        let shift = place.shift.map(|shift| {
            let end = shift.ends_at.map(|end| format!(" to {}", self.time(end))).unwrap_or_default();
            let start = self.time(shift.started_at);
            format!(" shift {start}{end}{}", if shift.estimated { " estimated" } else { "" })
        });
        format!(
            "{} {:+} day {} business day {}{} team {}",
            place.zone,
            place.utc_offset_s / 60,
            place.local_day,
            place.business_day,
            shift.unwrap_or_default(),
            place.team.as_ref().map_or("none", |team| team.as_str())
        )
    }

    /// Local time, with the day where it is another than the script is at.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        let utc = chrono::DateTime::from_timestamp_millis(at.0).expect("an instant");
        let local = utc.with_timezone(&self.clock);
        let mut said = local.format("%H:%M").to_string();
        if at.0 % 60_000 != 0 {
            said.push_str(&local.format(":%S").to_string());
        }
        if at.0 % 1000 != 0 {
            said.push_str(&local.format("%.3f").to_string());
        }
        if let chrono::LocalResult::Ambiguous(first, _) = self.clock.from_local_datetime(&local.naive_local()) {
            said.push_str(if first.timestamp_millis() == at.0 { "(1)" } else { "(2)" });
        }
        if local.date_naive() == self.day { said } else { format!("{} {said}", local.date_naive()) }
    }
}

/// `voice=1 chat=2 wrap_up`, `nothing`, and whether all of it is known.
fn work(load: &Load) -> String {
    let mut said: Vec<String> = load.open.iter().map(|(channel, count)| format!("{channel}={count}")).collect();
    said.extend(load.wrap_up.then(|| "wrap_up".to_owned()));
    if said.is_empty() {
        said.push("nothing".to_owned());
    }
    said.extend(load.unknown.then(|| "as far as known".to_owned()));
    said.join(" ")
}

fn target(target: &PendingTarget) -> String {
    match target {
        PendingTarget::Status(status) => format!("for {}", status.as_str()),
        PendingTarget::Limit => "for the limit".to_owned(),
        PendingTarget::SignOut => "for sign-out".to_owned(),
        PendingTarget::Pause { pause_type, .. } => format!("for {pause_type}"),
    }
}
