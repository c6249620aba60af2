//! Checkers of a journal: what holds of every agent's events, whatever led to them. They look at
//! the events alone, never at the state machine that made them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono_tz::Tz;
use intervalo::domain::agent::Agent;
use intervalo::domain::event::{AfterPause, AgentEvent, AgentEventBody, ChosenStatus, PauseStarted};
use intervalo::domain::id::{AgentId, PauseId};
use intervalo::domain::record::PauseCorrected;
use intervalo::domain::schedule::{local_day, local_day_bounds};
use intervalo::domain::time::Timestamp;

/// What concerns one agent, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Event(Box<AgentEvent>),
    ServerStarted { at: Timestamp, grace_until: Timestamp },
}

impl Entry {
    pub(crate) fn event(&self) -> Option<&AgentEvent> {
        match self {
            Entry::Event(event) => Some(event),
            Entry::ServerStarted { .. } => None,
        }
    }

    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Entry::Event(event) => event.at,
            Entry::ServerStarted { at, .. } => *at,
        }
    }
}

/// The state that a journal leads to, from nothing.
pub(crate) fn fold(id: &AgentId, journal: &[Entry]) -> Result<Agent, String> {
    let mut agent = Agent::unseen(id.clone());
    for entry in journal {
        match entry {
            Entry::Event(event) => agent.apply(event).map_err(|illegal| illegal.to_string())?,
            Entry::ServerStarted { at, grace_until } => agent.on_server_started(*at, *grace_until),
        }
    }
    Ok(agent)
}

/// A pause as its events tell it.
struct Told<'a> {
    started: &'a PauseStarted,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    extended_by: Duration,
    warned: BTreeSet<Duration>,
    limit_reached: bool,
    overran_due: Option<Timestamp>,
    escalated: BTreeSet<Duration>,
}

/// C1, C4, T2: pauses begin once, end once and late enough, one at a time, and no threshold fires
/// twice, out of order or early.
pub(crate) fn check(journal: &[Entry]) -> Result<(), String> {
    let mut pauses: BTreeMap<PauseId, Told> = BTreeMap::new();
    let mut last_at = Timestamp(i64::MIN);
    let mut waits = false;
    for event in journal.iter().filter_map(Entry::event) {
        let name = event.body.name();
        require(event.at >= last_at, || format!("{name}: the times go back"))?;
        require(event.due_at.is_none_or(|due| event.at >= due), || format!("{name}: early (T2)"))?;
        last_at = event.at;
        check_event(&mut pauses, event, waits).map_err(|why| format!("{name} at {:?}: {why}", event.at))?;
        let granted = matches!(event.body, AgentEventBody::RequestDecided { grant: Some(_), .. });
        let begins_to = granted || matches!(event.body, AgentEventBody::Deferred(_));
        waits = begins_to || (waits && !settles(&event.body));
    }
    Ok(())
}

/// True for what a pause that waits for the end of work waits no more after.
fn settles(body: &AgentEventBody) -> bool {
    if let AgentEventBody::PauseStarted(started) = body {
        return started.terms.is_some();
    }
    matches!(body, AgentEventBody::DeferralEnded { .. } | AgentEventBody::SignedOut | AgentEventBody::Deactivated)
}

/// `waits`: a pause waits for the end of work, or was granted, and may begin around a protected one.
fn check_event<'a>(pauses: &mut BTreeMap<PauseId, Told<'a>>, event: &'a AgentEvent, waits: bool) -> Result<(), String> {
    match &event.body {
        AgentEventBody::PauseStarted(started) => {
            let open = pauses.values().filter(|told| told.ended_at.is_none());
            let around = waits && open.clone().all(|told| told.started.terms.is_none());
            let open: Vec<_> = open.map(|told| told.started.id).collect();
            let inside = started.terms.is_none() && open == [started.inside.unwrap_or(started.id)];
            let alone = open.is_empty() || inside || (around && open.len() == 1);
            require(alone, || format!("begins while {open:?} is open (C1)"))?;
            let told = Told {
                started,
                started_at: event.at,
                ended_at: None,
                extended_by: Duration::ZERO,
                warned: BTreeSet::new(),
                limit_reached: false,
                overran_due: None,
                escalated: BTreeSet::new(),
            };
            require(pauses.insert(started.id, told).is_none(), || "begins twice (C4)".to_owned())
        }
        AgentEventBody::PauseEnded(ended) => {
            let told = open(pauses, ended.pause)?;
            require(event.at >= told.started_at, || "ends before it began (C4)".to_owned())?;
            require(told.started.terms.is_none() || !ended.misclick || !ended.short, || {
                "both short and misclick".into()
            })?;
            told.ended_at = Some(event.at);
            Ok(())
        }
        AgentEventBody::PauseWarned { pause, before, .. } => {
            let told = open(pauses, *pause)?;
            require(told.warned.insert(*before), || "warned twice (C4)".to_owned())?;
            require(!told.limit_reached, || "warned after the limit".to_owned())?;
            let limit_at = limit_at(told)?;
            not_before(event, limit_at.minus(*before))
        }
        AgentEventBody::LimitReached { pause, .. } => {
            let told = open(pauses, *pause)?;
            require(!told.limit_reached, || "reached twice (C4)".to_owned())?;
            told.limit_reached = true;
            let limit_at = limit_at(told)?;
            not_before(event, limit_at)
        }
        AgentEventBody::Overran { pause, .. } => {
            let told = open(pauses, *pause)?;
            require(told.limit_reached && told.overran_due.is_none(), || {
                "overran twice, or under the limit (C4)".into()
            })?;
            let due = limit_at(told)? + told.started.terms.as_ref().map_or(Duration::ZERO, |terms| terms.grace);
            told.overran_due = Some(due);
            not_before(event, due)
        }
        AgentEventBody::Escalated { pause, after, .. } => {
            let told = open(pauses, *pause)?;
            require(told.escalated.insert(*after), || "escalated twice (C4)".to_owned())?;
            let overran = told.overran_due.ok_or("escalated before the overrun")?;
            not_before(event, overran + *after)
        }
        AgentEventBody::PauseExtended { pause, by } => {
            require(!by.is_zero(), || "extended by nothing".to_owned())?;
            open(pauses, *pause)?.extended_by += *by;
            Ok(())
        }
        AgentEventBody::Connected { .. }
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
        | AgentEventBody::Queued(_)
        | AgentEventBody::LeftQueue { .. }
        | AgentEventBody::Offered { .. }
        | AgentEventBody::OfferExpired { .. }
        | AgentEventBody::ShiftPlanned(_)
        | AgentEventBody::ShiftCancelled { .. }
        | AgentEventBody::FindingRecorded { .. } => Ok(()),
        AgentEventBody::PauseAnnotated { pause } => {
            require(pauses.contains_key(pause), || "says something of a pause that never began".to_owned())
        }
        AgentEventBody::PauseCorrected(corrected) => check_correction(pauses, event, corrected),
    }
}

/// A correction is of a pause that has ended, knows what was said of it last, and runs into no other.
fn check_correction(
    pauses: &mut BTreeMap<PauseId, Told<'_>>,
    event: &AgentEvent,
    corrected: &PauseCorrected,
) -> Result<(), String> {
    let told = pauses.get(&corrected.pause).ok_or("corrects a pause that never began")?;
    require(told.started.terms.is_some(), || "corrects a protected pause".to_owned())?;
    require(told.started_at == corrected.started_at, || "begins at another time".to_owned())?;
    require(told.ended_at == Some(corrected.ended_at_before), || "does not know its end".to_owned())?;
    require(told.started_at < corrected.ended_at && corrected.ended_at <= event.at, || "out of its time".to_owned())?;
    let began = told.started_at;
    let mut others = pauses.values().filter(|other| other.started.terms.is_some() && other.started_at > began);
    require(others.all(|other| corrected.ended_at <= other.started_at), || "runs into the next pause".to_owned())?;
    if let Some(told) = pauses.get_mut(&corrected.pause) {
        told.ended_at = Some(corrected.ended_at);
    }
    Ok(())
}

fn open<'m, 'a>(pauses: &'m mut BTreeMap<PauseId, Told<'a>>, id: PauseId) -> Result<&'m mut Told<'a>, String> {
    let told = pauses.get_mut(&id).ok_or("of a pause that never began (C4)")?;
    if told.ended_at.is_some() { Err("of a pause that has ended (C4)".to_owned()) } else { Ok(told) }
}

fn limit_at(told: &Told) -> Result<Timestamp, String> {
    let limit = told.started.terms.as_ref().and_then(|terms| terms.limit).ok_or("of a pause without a limit")?;
    Ok(told.started_at + limit + told.extended_by)
}

fn not_before(event: &AgentEvent, due: Timestamp) -> Result<(), String> {
    require(event.at >= due, || "early (T2)".to_owned())?;
    require(event.due_at == Some(due), || format!("due at {due:?}, it says {:?}", event.due_at))
}

fn require(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// What an agent was, as everybody counts time: the status, with every pause as `paused`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Was {
    Offline,
    Available,
    Unavailable,
    Paused,
}

impl From<ChosenStatus> for Was {
    fn from(status: ChosenStatus) -> Was {
        match status {
            ChosenStatus::Offline => Was::Offline,
            ChosenStatus::Available => Was::Available,
            ChosenStatus::Unavailable => Was::Unavailable,
        }
    }
}

/// Milliseconds by local day and state.
pub(crate) type Hours = BTreeMap<(chrono::NaiveDate, Was), i64>;

/// C5: the time of every state, day by day, from the first event until `until`.
///
/// # Errors
/// When a change does not begin where the one before it led, or when a pause's own length is not
/// the time that was spent in it.
pub(crate) fn hours(journal: &[Entry], until: Timestamp, zone: Tz) -> Result<Hours, String> {
    let events: Vec<&AgentEvent> = journal.iter().filter_map(Entry::event).collect();
    let mut hours = Hours::new();
    let (mut was, mut outer_began) = (Was::Offline, None);
    let (mut paused, mut pauses) = (0, 0);
    let Some(mut since) = events.first().map(|event| event.at) else { return Ok(hours) };
    for event in &events {
        let becomes = match &event.body {
            AgentEventBody::SignedIn { status, .. } | AgentEventBody::Resumed { status } => {
                require(was == Was::Offline, || format!("signed in from {was:?}"))?;
                (*status).into()
            }
            AgentEventBody::StatusChanged { from, to } => {
                require(was == (*from).into(), || format!("from {from:?}, was {was:?}"))?;
                (*to).into()
            }
            AgentEventBody::ConnectionLost { .. } | AgentEventBody::SignedOut | AgentEventBody::Deactivated => {
                if was == Was::Paused { was } else { Was::Offline }
            }
            AgentEventBody::PauseStarted(started) => {
                let nested = started.inside.is_some();
                // One that waited for the end of work may begin around a protected one.
                let around = was == Was::Paused && started.terms.is_some();
                require(was != Was::Offline && (nested || around) == (was == Was::Paused), || {
                    format!("a pause begins when {was:?}")
                })?;
                outer_began = outer_began.or(Some(event.at));
                Was::Paused
            }
            AgentEventBody::PauseEnded(ended) => match ended.then {
                AfterPause::OuterPause => was,
                AfterPause::Status(then) => {
                    require(was == Was::Paused, || format!("a pause ends when {was:?}"))?;
                    let began = outer_began.take().ok_or("a pause ends that never began")?;
                    pauses += event.at.0 - began.0;
                    then.into()
                }
            },
            AgentEventBody::Connected { .. }
            | AgentEventBody::GraceBegan { .. }
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
            | AgentEventBody::Overran { .. }
            | AgentEventBody::Escalated { .. }
            | AgentEventBody::PauseExtended { .. }
            | AgentEventBody::Queued(_)
            | AgentEventBody::LeftQueue { .. }
            | AgentEventBody::Offered { .. }
            | AgentEventBody::OfferExpired { .. }
            | AgentEventBody::ShiftPlanned(_)
            | AgentEventBody::ShiftCancelled { .. }
            | AgentEventBody::PauseCorrected(_)
            | AgentEventBody::PauseAnnotated { .. }
            | AgentEventBody::FindingRecorded { .. } => was,
        };
        paused += if was == Was::Paused { event.at.0 - since.0 } else { 0 };
        spend(&mut hours, was, since, event.at, zone);
        (was, since) = (becomes, event.at);
    }
    require(paused == pauses + outer_began.map_or(0, |began| since.0 - began.0), || {
        format!("{paused} ms were spent in pauses that lasted {pauses} ms")
    })?;
    spend(&mut hours, was, since, until, zone);
    Ok(hours)
}

fn spend(hours: &mut Hours, was: Was, since: Timestamp, until: Timestamp, zone: Tz) {
    let mut at = since;
    while at < until {
        let day = local_day(at, zone);
        let (_, end) = local_day_bounds(day, zone);
        // A midnight that comes twice: the rest of the repeated day is a part of its own.
        let end = if end > at { end.min(until) } else { until };
        *hours.entry((day, was)).or_default() += end.0 - at.0;
        at = end;
    }
}
