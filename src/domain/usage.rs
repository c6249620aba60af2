//! What an agent's pauses have used up: how many and how long in a shift, and when the last one ended
//! (semantics §2, §3). Protected pauses are never among them, and a misclick is as if it had not been.

use std::time::Duration;

use chrono::NaiveDate;

use super::agent::Pause;
use super::id::PauseTypeCode;
use super::policy::COOLDOWN_MAX;
use super::time::Timestamp;

/// What counts belong to: the shift, or the business day where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The shift that began then.
    Shift(Timestamp),
    /// The local business day.
    BusinessDay(NaiveDate),
}

/// How often a type was taken, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Pauses of the type.
    pub count: u32,
    /// The time spent on them.
    pub time: Duration,
}

/// What an agent's ended pauses have used up; nothing before the first one. Kept small: there are as many as agents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage(Option<Box<Counted>>);

/// Pauses that count, in the period of the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What the counts are of.
    pub period: Period,
    /// When the last pause ended, of whichever type.
    pub last: Timestamp,
    /// By type, each once; the one that ended last stands last.
    pub types: Box<[TypeUsage]>,
}

/// What the ended pauses of one type have used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeUsage {
    /// The type.
    pub pause_type: PauseTypeCode,
    /// In [`Counted::period`].
    pub used: Used,
    /// When the last one ended.
    pub last: Timestamp,
}

impl From<Counted> for Usage {
    fn from(counted: Counted) -> Usage {
        Usage(Some(Box::new(counted)))
    }
}

impl Usage {
    /// What was counted; none before the first pause that counts.
    pub fn counted(&self) -> Option<&Counted> {
        self.0.as_deref()
    }

    /// What was used up of a type in a period.
    pub fn of(&self, pause_type: &PauseTypeCode, period: Period) -> Used {
        let counted = self.counted().filter(|counted| counted.period == period);
        counted.and_then(|counted| counted.find(pause_type)).map(|usage| usage.used).unwrap_or_default()
    }

    /// When the last pause ended, of whichever type.
    pub fn last(&self) -> Option<Timestamp> {
        self.counted().map(|counted| counted.last)
    }

    /// When the last pause of a type ended; none also when that is longer ago than any rule looks back.
    pub fn last_of(&self, pause_type: &PauseTypeCode) -> Option<Timestamp> {
        self.counted()?.find(pause_type).map(|usage| usage.last)
    }

    /// When pauses ended, as cooldowns look at it.
    pub(super) fn lasts(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        self.0.iter_mut().flat_map(|counted| {
            let Counted { period: _, last, types } = &mut **counted;
            std::iter::once(last).chain(types.iter_mut().map(|usage| &mut usage.last))
        })
    }

    /// What was counted in one period is counted in another from here on.
    pub(super) fn goes_on_as(&mut self, before: Period, after: Period) {
        if let Some(counted) = self.0.as_mut().filter(|counted| counted.period == before) {
            counted.period = after;
        }
    }

    /// Counts a pause that ended at `at`; of one that was abandoned, the time until `last_seen_at`.
    pub(super) fn count(&mut self, pause: &Pause, at: Timestamp, last_seen_at: Option<Timestamp>) {
        let period = pause.place.period();
        let before = self.0.take();
        let goes_on = before.as_ref().is_some_and(|before| before.period == period);
        let mut types = before.map(|before| before.types.into_vec()).unwrap_or_default();
        if !goes_on {
            // Of an earlier period only the cooldowns are left.
            types.retain(|usage| at.since(usage.last) < COOLDOWN_MAX);
            types.iter_mut().for_each(|usage| usage.used = Used::default());
        }
        let own = types.iter().position(|usage| usage.pause_type == pause.pause_type);
        let mut used = own.map(|place| types.remove(place).used).unwrap_or_default();
        used.count += 1;
        used.time += last_seen_at.unwrap_or(at).since(pause.started_at);
        types.push(TypeUsage { pause_type: pause.pause_type.clone(), used, last: at });
        *self = Usage::from(Counted { period, last: at, types: types.into() });
    }
}

impl Counted {
    fn find(&self, pause_type: &PauseTypeCode) -> Option<&TypeUsage> {
        self.types.iter().find(|usage| usage.pause_type == *pause_type)
    }
}
