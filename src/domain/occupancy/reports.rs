//! What integrations say of one agent right now, each for a while.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Occupancy, SOURCES_MAX, SourceWork, Work};
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;

/// What an integration says of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The integration.
    pub source: SourceId,
    /// Its own number of the report; of two the higher one is the later.
    pub seq: u64,
    /// For how long it holds.
    pub ttl: Duration,
    /// The work.
    pub work: Work,
    /// When it came in as a part of all that the integration knows, which begins its numbers anew; none for one by itself.
    pub anew: Option<Timestamp>,
}

/// Why a report is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// A later one has been taken already.
    #[error("a later report of this source has been taken already")]
    Overtaken,
    /// There are as many sources as there may be.
    #[error("{SOURCES_MAX} sources report of this agent already")]
    TooManySources,
}

/// The reports that hold, by integration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reports {
    sources: BTreeMap<SourceId, Leased>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Leased {
    seq: u64,
    taken_at: Timestamp,
    until: Timestamp,
    work: Work,
}

impl Reports {
    /// Takes a report.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing has changed then.
    pub fn take(&mut self, report: Report, now: Timestamp) -> Result<(), NotTaken> {
        let Report { source, seq, ttl, work, anew } = report;
        match self.sources.get(&source).filter(|leased| leased.until > now) {
            Some(leased) => {
                // What was said after all was told is later than it, whatever its number.
                let overtaken = anew.map_or(leased.seq >= seq, |told_at| leased.taken_at > told_at);
                if overtaken {
                    return Err(NotTaken::Overtaken);
                }
            }
            None => self.forget_lapsed(now),
        }
        if !self.sources.contains_key(&source) && self.sources.len() >= SOURCES_MAX {
            return Err(NotTaken::TooManySources);
        }
        self.sources.insert(source, Leased { seq, taken_at: now, until: now + ttl, work });
        Ok(())
    }

    /// True while an integration's last report holds.
    pub fn has(&self, source: &SourceId, now: Timestamp) -> bool {
        self.sources.get(source).is_some_and(|leased| leased.until > now)
    }

    /// True when no report holds.
    pub fn is_empty(&self, now: Timestamp) -> bool {
        self.sources.values().all(|leased| leased.until <= now)
    }

    /// When the next report lapses.
    pub fn next_lapse(&self, now: Timestamp) -> Option<Timestamp> {
        self.sources.values().map(|leased| leased.until).filter(|until| *until > now).min()
    }

    /// What is known now: the reports that hold, and that nothing is known of the other sources on record, as many as there
    /// may be with the first.
    pub fn known(&self, recorded: Option<&Occupancy>, now: Timestamp) -> Vec<SourceWork> {
        let hold = self.sources.iter().filter(|(_, leased)| leased.until > now);
        let hold =
            hold.map(|(source, leased)| SourceWork { source: source.clone(), known: true, work: leased.work.clone() });
        let recorded = recorded.iter().flat_map(|recorded| &recorded.sources);
        let lapsed = recorded.filter(|source| !self.has(&source.source, now));
        let lapsed = lapsed.map(|source| SourceWork { known: false, ..source.clone() });
        let mut sources: Vec<SourceWork> = hold.chain(lapsed).take(SOURCES_MAX).collect();
        sources.sort_by(|a, b| a.source.cmp(&b.source));
        sources
    }

    fn forget_lapsed(&mut self, now: Timestamp) {
        self.sources.retain(|_, leased| leased.until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::seconds;

    const NOON: Timestamp = Timestamp(43_200_000);

    fn report(source: &str, seq: u64) -> Report {
        let source = SourceId::new(source).expect("an id");
        Report { source, seq, ttl: seconds(10), work: Work { wrap_up: true, ..Work::default() }, anew: None }
    }

    #[test]
    fn a_report_that_was_overtaken_is_not_taken_and_one_after_the_lapse_is() {
        let mut reports = Reports::default();
        assert_eq!(reports.take(report("pbx", 7), NOON), Ok(()));
        assert_eq!(reports.take(report("pbx", 7), NOON), Err(NotTaken::Overtaken));
        assert_eq!(reports.take(report("pbx", 6), NOON), Err(NotTaken::Overtaken));
        assert_eq!(reports.take(Report { anew: Some(NOON), ..report("pbx", 1) }, NOON), Ok(()));
        assert_eq!(reports.take(report("pbx", 2), NOON + seconds(1)), Ok(()));
        // A router that came up again counts from the beginning.
        assert_eq!(reports.take(report("pbx", 1), NOON + seconds(11)), Ok(()));
    }

    #[test]
    fn what_has_lapsed_is_not_known() {
        let mut reports = Reports::default();
        reports.take(report("pbx", 1), NOON).expect("taken");
        let known = reports.known(None, NOON);
        assert!(known[0].known);
        let recorded = Occupancy::recorded(None, &known, true, NOON);
        assert_eq!(reports.next_lapse(NOON), Some(NOON + seconds(10)));
        let later = reports.known(Some(&recorded), NOON + seconds(10));
        assert_eq!(later.iter().map(|source| source.known).collect::<Vec<_>>(), [false]);
        assert!(reports.is_empty(NOON + seconds(10)));
        assert_eq!(Reports::default().known(None, NOON), []);
    }

    #[test]
    fn no_more_sources_than_may_be_report_of_one_agent() {
        let mut reports = Reports::default();
        for source in 0..SOURCES_MAX {
            reports.take(report(&source.to_string(), 1), NOON).expect("taken");
        }
        assert_eq!(reports.take(report("one more", 1), NOON), Err(NotTaken::TooManySources));
        assert_eq!(reports.take(report("one more", 1), NOON + seconds(10)), Ok(()));
    }
}
