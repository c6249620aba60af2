//! What everybody means to do on a day, in minutes since it began.
//!
//! Pure, and the same for the same seed.

use crate::random::Random;

/// How long a day is.
pub(super) const DAY: f64 = 480.0;

/// A type of pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Once, in the middle of the day.
    Lunch,
    /// Short rests; one more is meant than there may be.
    Rest,
    /// Whenever it has to be.
    Restroom,
}

/// What an agent means to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Deed {
    /// Signs in.
    Arrive,
    /// Starts a pause, and ends it after so many minutes; where that is refused, tries again so often.
    Start { kind: Kind, minutes: f64, tries: u32 },
    /// Ends the pause that runs.
    End,
    /// Loses the connection without a word, for so many minutes.
    Lose { minutes: f64 },
    /// Connects again.
    Return,
    /// Signs out.
    Leave,
}

/// What an agent means to do, and when; in no order.
pub(super) fn agents_day(random: &mut Random) -> Vec<(f64, Deed)> {
    let mut between = |from: f64, until: f64| from + (until - from) * (random.below(1 << 20) as f64 / (1 << 20) as f64);
    let arrives = between(0.0, 30.0);
    // Two throws: most go in the middle of the window.
    let lunch = 195.0 + between(0.0, 45.0) + between(0.0, 45.0);
    let mut day = vec![
        (arrives, Deed::Arrive),
        (lunch, Deed::Start { kind: Kind::Lunch, minutes: between(40.0, 62.0), tries: 24 }),
        (between(DAY - 30.0, DAY), Deed::Leave),
    ];
    for (from, until) in [(60.0, 180.0), (310.0, 380.0), (380.0, 445.0)] {
        day.push((between(from, until), Deed::Start { kind: Kind::Rest, minutes: between(7.0, 11.0), tries: 3 }));
    }
    for _ in 0..2 + between(0.0, 4.0) as usize {
        let minutes = between(2.0, 6.0);
        day.push((between(40.0, 445.0), Deed::Start { kind: Kind::Restroom, minutes, tries: 1 }));
    }
    if between(0.0, 1.0) < 0.3 {
        day.push((between(40.0, 440.0), Deed::Lose { minutes: between(1.0, 10.0) }));
    }
    day
}

/// When a board is there: from, and until when if it goes. The last time it stays.
pub(super) fn boards_day(random: &mut Random) -> Vec<(f64, Option<f64>)> {
    let mut between = |from: f64, until: f64| from + (until - from) * (random.below(1 << 20) as f64 / (1 << 20) as f64);
    let (comes, goes) = (between(0.0, 60.0), between(120.0, 230.0));
    let (back, gone) = (goes + between(5.0, 60.0), between(330.0, 400.0));
    vec![(comes, Some(goes)), (back, Some(gone)), (gone + between(5.0, 40.0), None)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_day() {
        let days = |seed| {
            let mut random = Random::of(seed);
            (agents_day(&mut random), boards_day(&mut random), agents_day(&mut random))
        };
        assert_eq!(days(7), days(7));
        assert_ne!(days(7), days(8));
    }

    #[test]
    fn everybody_arrives_first_and_leaves_last() {
        let mut random = Random::of(3);
        for _ in 0..500 {
            let day = agents_day(&mut random);
            let at = |deed: Deed| day.iter().find(|(_, one)| *one == deed).map(|(at, _)| *at).expect("there");
            let (arrives, leaves) = (at(Deed::Arrive), at(Deed::Leave));
            assert!(day.iter().all(|(at, _)| (arrives..=leaves).contains(at)), "{day:?}");
            assert!(arrives <= 30.0 && leaves >= 450.0);
            let boards = boards_day(&mut random);
            let times: Vec<f64> = boards.iter().flat_map(|(from, until)| [Some(*from), *until]).flatten().collect();
            assert!(times.is_sorted() && boards[2].1.is_none(), "{boards:?}");
        }
    }
}
