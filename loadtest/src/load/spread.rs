//! A figure that was taken several times.

use serde::Serialize;

/// The median and the range of some figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub(super) median: f64,
    /// The smallest.
    pub(super) min: f64,
    /// The greatest.
    pub(super) max: f64,
    /// How many there were.
    pub(super) count: usize,
}

impl Spread {
    /// The spread of some figures; none of none.
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median =
            if figures.len() % 2 == 1 { figures[middle] } else { f64::midpoint(figures[middle - 1], figures[middle]) };
        Some(Spread { median, min, max, count: figures.len() })
    }

    /// The ratios of two lists of figures, pair by pair; none when a pair is missing or a divisor is 0.
    pub(super) fn of_ratios(above: &[f64], below: &[f64]) -> Option<Spread> {
        if above.len() != below.len() || below.contains(&0.0) {
            return None;
        }
        Spread::of(above.iter().zip(below).map(|(above, below)| above / below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let of = |figures: &[f64]| Spread::of(figures.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0, count: 3 }));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0, count: 4 }));
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        // The ratio of the medians would be 1: a machine that slows down in the middle would not show.
        let spread = Spread::of_ratios(&[1.0, 20.0, 3.0], &[2.0, 10.0, 3.0]);
        assert_eq!(spread, Some(Spread { median: 1.0, min: 0.5, max: 2.0, count: 3 }));
        assert_eq!(Spread::of_ratios(&[1.0], &[]), None);
        assert_eq!(Spread::of_ratios(&[1.0], &[0.0]), None);
    }
}
