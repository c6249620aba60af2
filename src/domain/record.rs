//! Pauses on record: what a correction of one looks at, and what it changes of what the agent has used up (semantics §8). And
//! requests on record, beside the agent's last one.

use std::time::Duration;

use super::agent::Agent;
use super::event::{AgentEvent, Cause, Right};
use super::id::{AgentId, PauseId, PauseTypeCode};
use super::request::PauseRequest;
use super::time::Timestamp;
use super::usage::{Counted, Period, TypeUsage, Usage, Used};

/// A request for an exception as it is on record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRequest {
    /// Whose.
    pub agent: AgentId,
    /// The request, open or closed.
    pub request: PauseRequest,
}

/// A request of an agent, as the event tells it that made it and the one that closed it, where there is one.
pub fn request_of(agent: AgentId, events: &[AgentEvent]) -> Option<PauseRequest> {
    let mut folded = Agent::unseen(agent);
    events.iter().try_for_each(|event| folded.apply(event)).ok()?;
    folded.request.map(|request| *request)
}

/// How many annotations one pause may have: more than anybody reads, and too few to fill a page of the history with.
pub const ANNOTATIONS_MAX: u32 = 20;

/// A pause as it is on record, with what was corrected since.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedPause {
    /// Whose.
    pub agent: AgentId,
    /// Its id.
    pub id: PauseId,
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// What it is measured by; a protected pause is not.
    pub measures: Option<Measures>,
    /// What it was counted in when it began.
    pub period: Period,
    /// When it began.
    pub started_at: Timestamp,
    /// How it ended; none while it runs.
    pub ended: Option<RecordedEnd>,
    /// When the agent's next pause began that is not protected.
    pub next_started_at: Option<Timestamp>,
    /// When those ended that began before it.
    pub before: EndsBefore,
    /// How many annotations it has.
    pub annotations: u32,
}

/// What says of a pause whether it was short, a misclick or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// The shortest time.
    pub min_duration: Option<Duration>,
    /// Ended sooner than this, it was a misclick.
    pub refund_under: Duration,
    /// The longest time, extensions included.
    pub limit: Option<Duration>,
    /// From the limit to the overrun.
    pub grace: Duration,
    /// Since when it was over, as it was noted while it ran.
    pub overran_at: Option<Timestamp>,
    /// What makes it one of the pauses that the employer owes.
    pub right: Option<Right>,
}

/// The end of a pause, as last corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedEnd {
    /// When.
    pub at: Timestamp,
    /// Why it ended.
    pub cause: Cause,
    /// It ended so soon that it does not count.
    pub misclick: bool,
    /// For one whose end is still an estimate: when the agent was last seen.
    pub last_seen_at: Option<Timestamp>,
}

/// When the last pauses ended that count and began before another, as far back as any cooldown looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndsBefore {
    /// Of the other's type.
    pub of_type: Option<Timestamp>,
    /// Of whichever type.
    pub of_any: Option<Timestamp>,
}

/// The end of a recorded pause was corrected. What was recorded first stays where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PauseCorrected {
    /// The pause.
    pub pause: PauseId,
    /// Its type.
    pub pause_type: PauseTypeCode,
    /// When it began.
    pub started_at: Timestamp,
    /// The end that it had.
    pub ended_at_before: Timestamp,
    /// The end that it has.
    pub ended_at: Timestamp,
    /// By this end it was under its minimum, and no misclick.
    pub short: bool,
    /// By this end it does not count.
    pub misclick: bool,
    /// Since when it was over limit and grace, by this end.
    pub overran_at: Option<Timestamp>,
    /// What that changes of what is used up.
    pub usage: UsageCorrection,
}

/// What the correction of a pause changes of what is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageCorrection {
    /// What the pause is counted in.
    pub period: Period,
    /// The time that it counted with; none where it did not count.
    pub before: Option<Duration>,
    /// The time that it counts with.
    pub after: Option<Duration>,
    /// It was one of those that are owed, taken in full.
    pub satisfied_before: bool,
    /// It is.
    pub satisfied: bool,
    /// Where it counts no more: what cooldowns run from in its place.
    pub others: EndsBefore,
}

impl Measures {
    /// True when a pause of this length does not count. What time ended, nobody clicked.
    pub fn is_misclick(&self, duration: Duration, cause: Cause) -> bool {
        cause != Cause::Limit && duration < self.refund_under
    }

    /// True when a pause of this length, which counts, is under its minimum.
    pub fn is_short(&self, duration: Duration) -> bool {
        self.min_duration.is_some_and(|min| duration < min)
    }

    /// True for a pause that was owed and counts so long from its start.
    pub fn is_satisfied(&self, started_at: Timestamp, counted: Option<Duration>) -> bool {
        let right = self.right.zip(counted);
        right.is_some_and(|(right, counted)| right.is_met(started_at, started_at + counted))
    }

    /// Since when a pause was over that began and ended then. What was noted while it ran stands, for the limit may have
    /// been moved out after it.
    pub fn overran_at(&self, started_at: Timestamp, ended_at: Timestamp) -> Option<Timestamp> {
        let due = self.limit.map(|limit| started_at + limit + self.grace);
        let overrun = self.overran_at.into_iter().chain(due).min()?;
        (overrun <= ended_at).then_some(overrun)
    }
}

impl RecordedPause {
    /// The time that it counts with, as it stands; none for one that does not.
    pub fn counted(&self) -> Option<Duration> {
        let ended = self.ended.filter(|ended| !ended.misclick && self.measures.is_some())?;
        Some(ended.last_seen_at.unwrap_or(ended.at).since(self.started_at))
    }
}

/// Before every instant.
const NEVER: Timestamp = Timestamp(i64::MIN);

impl Usage {
    /// What is used up after a correction.
    pub(super) fn corrected(&self, corrected: &PauseCorrected) -> Usage {
        let change = &corrected.usage;
        let Some(counted) = self.counted() else {
            return change.after.map_or_else(Usage::default, |after| begun_with(corrected, after, Vec::new()));
        };
        let mut types = counted.types.to_vec();
        let own = types.iter().position(|usage| usage.pause_type == corrected.pause_type);
        let is_newer = change.period != counted.period && corrected.ended_at_before > counted.last;
        match (change.before, change.after) {
            // A misclick was none, and nothing has counted since the period began that it was in.
            (None, Some(after)) if is_newer => {
                types.iter_mut().for_each(|usage| (usage.used, usage.satisfied) = (Used::default(), 0));
                own.into_iter().for_each(|place| drop(types.remove(place)));
                return begun_with(corrected, after, types);
            }
            (None, None) => return self.clone(),
            (Some(_), _) | (None, Some(_)) => {}
        }
        let place = own.unwrap_or_else(|| {
            let pause_type = corrected.pause_type.clone();
            types.push(TypeUsage { pause_type, used: Used::default(), satisfied: 0, last: NEVER });
            types.len() - 1
        });
        // What counts does so with all that began since the first of them; what is to count from here on, by its period.
        let is_among_them = match change.before {
            Some(_) => corrected.started_at >= counted.since,
            None => change.period == counted.period,
        };
        if is_among_them {
            change.apply(&mut types[place]);
        }
        let since = if is_among_them { counted.since.min(corrected.started_at) } else { counted.since };
        // With others of the type there was one before it, however long ago.
        let other = change.others.of_type.or_else(|| (types[place].used.count > 0).then_some(corrected.started_at));
        let of_type = corrected.last_end(types[place].last, other);
        let of_any = corrected.last_end(counted.last, change.others.of_any);
        // Of a type that has been let go of, because nothing looks so far back, there is nothing to correct.
        match of_type.filter(|last| *last != NEVER) {
            Some(last) => types[place].last = last,
            None => drop(types.remove(place)),
        }
        types.sort_by_key(|usage| usage.last);
        match of_any.or(types.last().map(|usage| usage.last)) {
            Some(last) => Usage::from(Counted { period: counted.period, since, last, types: types.into() }),
            None => Usage::default(),
        }
    }
}

impl UsageCorrection {
    fn apply(&self, usage: &mut TypeUsage) {
        let satisfied = usage.satisfied + u32::from(self.satisfied);
        usage.satisfied = satisfied.saturating_sub(u32::from(self.satisfied_before));
        let used = &mut usage.used;
        used.count = (used.count + u32::from(self.after.is_some())).saturating_sub(u32::from(self.before.is_some()));
        let time = used.time + self.after.unwrap_or_default();
        used.time = time.saturating_sub(self.before.unwrap_or_default());
    }
}

impl PauseCorrected {
    /// When the last pause ended where it was `last` before; `other`, where this was it and counts no more.
    fn last_end(&self, last: Timestamp, other: Option<Timestamp>) -> Option<Timestamp> {
        match (self.usage.before, self.usage.after) {
            (Some(_), Some(_)) if last == self.ended_at_before => Some(self.ended_at),
            (Some(_), None) if last == self.ended_at_before => other,
            (None, Some(_)) => Some(last.max(self.ended_at)),
            (Some(_) | None, Some(_) | None) => Some(last),
        }
    }
}

/// This pause is the first that counts in its period; of the others only their ends are left.
fn begun_with(corrected: &PauseCorrected, time: Duration, mut types: Vec<TypeUsage>) -> Usage {
    let (pause_type, last) = (corrected.pause_type.clone(), corrected.ended_at);
    let satisfied = u32::from(corrected.usage.satisfied);
    types.push(TypeUsage { pause_type, used: Used { count: 1, time }, satisfied, last });
    let (period, since) = (corrected.usage.period, corrected.started_at);
    Usage::from(Counted { period, since, last, types: types.into() })
}
