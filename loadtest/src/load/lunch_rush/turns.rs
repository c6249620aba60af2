//! Whose turn it is: every slot that is given away, against who stood in line before and what was free.
//!
//! Pure. The journal tells nobody of offers, the agents were: both are put into one order by the server's clock. Who
//! asked in the same millisecond, or whose order there and in the journal differs, is let go before the other or after.

use crate::load::breaches::Breaches;

/// A day, in milliseconds.
pub(super) const DAY_MS: i64 = 86_400_000;
/// The first instant that is noted may be later than others by as much: far more than it ever is.
pub(super) const SLACK_MS: i64 = 3_600_000;

/// Something that takes a slot, gives one back, or waits for one, by the number of the event; in the order in which
/// those of one millisecond count, which is the kindest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Somebody came back.
    Ended,
    /// Somebody stands in line.
    Queued(u64),
    /// Whoever an event put in line is offered a slot.
    Offered(u64, String),
    /// Somebody is let in at once.
    LetIn(u64, String),
}

/// The moments of a rush.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// By the milliseconds of the day.
    moments: Vec<(i64, What)>,
}

impl Turns {
    /// Somebody came back.
    pub(super) fn ended(&mut self, at: i64) {
        self.moments.push((at, What::Ended));
    }

    /// An event puts somebody in line, who is offered a slot later.
    pub(super) fn waited(&mut self, seq: u64, agent: &str, at: i64, offered_at: i64) {
        self.moments.push((at, What::Queued(seq)));
        self.moments.push((offered_at, What::Offered(seq, agent.to_owned())));
    }

    /// An event lets somebody in at once.
    pub(super) fn let_in(&mut self, seq: u64, agent: &str, at: i64) {
        self.moments.push((at, What::LetIn(seq, agent.to_owned())));
    }

    /// Holds them to the order: a slot goes to somebody only when there is one for each who stands before them as well.
    pub(super) fn check(mut self, slots: usize) -> Breaches {
        let base = self.moments.first().map_or(0, |(at, _)| at - SLACK_MS);
        // Over midnight too: no rush takes a day.
        self.moments.iter_mut().for_each(|(at, _)| *at = (*at - base).rem_euclid(DAY_MS));
        self.moments.sort();
        let (mut taken, mut waiting, mut breaches) = (0, Vec::<(i64, u64)>::new(), Breaches::none());
        for (at, what) in self.moments {
            let (seq, asked_at, agent, how) = match what {
                What::Ended => {
                    taken -= 1;
                    continue;
                }
                What::Queued(seq) => {
                    waiting.push((at, seq));
                    continue;
                }
                What::Offered(seq, agent) => {
                    let place = waiting.iter().position(|(_, one)| *one == seq);
                    let asked_at = place.map_or(at, |place| waiting.remove(place).0);
                    (seq, asked_at, agent, "was offered a slot")
                }
                What::LetIn(seq, agent) => (seq, at, agent, "was let in at once"),
            };
            // The list is in the order of asking.
            let earlier = waiting.iter().take_while(|(other, _)| *other < asked_at);
            let before = earlier.filter(|(_, other)| *other < seq).count();
            let free = i64::try_from(slots).unwrap_or(i64::MAX) - taken;
            let enough = i64::try_from(before).is_ok_and(|before| free > before);
            breaches.hold(enough, || {
                format!("{agent} (event {seq}) {how} while {free} were free and {before} stood in line before")
            });
            taken += 1;
        }
        breaches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody is away from the beginning, two wait; when they are offered a slot, and when somebody comes back.
    fn found(slots: usize, offers: [i64; 2], ends: &[i64]) -> Vec<String> {
        let mut turns = Turns::default();
        let late = DAY_MS - 10;
        turns.let_in(1, "ana", late);
        turns.waited(2, "bruno", late + 1, (late + offers[0]) % DAY_MS);
        turns.waited(3, "carla", late + 2, (late + offers[1]) % DAY_MS);
        ends.iter().for_each(|end| turns.ended((late + end) % DAY_MS));
        turns.check(slots).list().to_vec()
    }

    #[test]
    fn slots_in_turn_are_held_over_midnight_too() {
        assert_eq!(found(1, [20, 40], &[20, 30, 50]), [""; 0]);
        // Two at once: whichever of the two is told first.
        assert_eq!(found(2, [30, 29], &[20]), [""; 0]);
    }

    #[test]
    fn a_planted_slot_out_of_turn_is_found() {
        let out_of_turn = found(1, [40, 20], &[20, 30, 50]);
        assert_eq!(out_of_turn, ["carla (event 3) was offered a slot while 1 were free and 1 stood in line before"]);
        let none_free = found(1, [19, 40], &[20, 30]);
        assert_eq!(none_free, ["bruno (event 2) was offered a slot while 0 were free and 0 stood in line before"]);
    }

    #[test]
    fn of_two_who_asked_in_one_millisecond_either_may_come_first() {
        let mut turns = Turns::default();
        turns.let_in(1, "ana", 100);
        turns.waited(2, "bruno", 110, 300);
        turns.waited(3, "carla", 110, 200);
        turns.ended(200);
        turns.ended(300);
        assert!(turns.check(1).is_empty());
    }

    #[test]
    fn a_planted_passer_by_is_found() {
        let mut turns = Turns::default();
        turns.let_in(1, "ana", 100);
        turns.waited(2, "bruno", 110, 220);
        turns.ended(200);
        turns.let_in(3, "eva", 210);
        turns.ended(215);
        let found = turns.check(1);
        assert_eq!(found.list(), ["eva (event 3) was let in at once while 1 were free and 1 stood in line before"]);
    }
}
