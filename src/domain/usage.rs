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
    /// When the first pause began that is counted in it: all that count and began since then are, whatever a change of plan
    /// has made of their shift.
    pub since: Timestamp,
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
    /// How many of them the employer owed, and were taken in full, in the time for it.
    pub satisfied: u32,
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

    /// How many pauses of a type that were owed in a period were taken in full.
    pub fn satisfied(&self, pause_type: &PauseTypeCode, period: Period) -> u32 {
        let counted = self.counted().filter(|counted| counted.period == period);
        counted.and_then(|counted| counted.find(pause_type)).map_or(0, |usage| usage.satisfied)
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
            let Counted { period: _, since: _, last, types } = &mut **counted;
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
        let since = before.as_ref().filter(|_| goes_on).map_or(pause.started_at, |before| before.since);
        let mut types = before.map(|before| before.types.into_vec()).unwrap_or_default();
        if !goes_on {
            // Of an earlier period only the cooldowns are left.
            types.retain(|usage| at.since(usage.last) < COOLDOWN_MAX);
            types.iter_mut().for_each(|usage| (usage.used, usage.satisfied) = (Used::default(), 0));
        }
        let own = types.iter().position(|usage| usage.pause_type == pause.pause_type);
        let before = own.map(|place| types.remove(place));
        let (mut used, mut satisfied) = before.map(|own| (own.used, own.satisfied)).unwrap_or_default();
        let until = last_seen_at.unwrap_or(at);
        used.count += 1;
        used.time += until.since(pause.started_at);
        satisfied += u32::from(pause.terms.right.is_some_and(|right| right.is_met(pause.started_at, until)));
        types.push(TypeUsage { pause_type: pause.pause_type.clone(), used, satisfied, last: at });
        *self = Usage::from(Counted { period, since, last: at, types: types.into() });
    }
}

impl Counted {
    fn find(&self, pause_type: &PauseTypeCode) -> Option<&TypeUsage> {
        self.types.iter().find(|usage| usage.pause_type == *pause_type)
    }
}
