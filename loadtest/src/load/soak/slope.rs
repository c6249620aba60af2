//! Is something flat? The last quarter of a run against its second one; the first is for warming up.
//!
//! Pure: figures go in, and a growth can be planted.

use serde::Serialize;

use crate::load::spread::Spread;

/// The fewest samples of which quarters are told: two of each.
pub(super) const SAMPLES_MIN: usize = 8;
/// How much more memory there may be.
pub(super) const MEMORY_MAX: f64 = 1.05;
/// How much longer the 99 % may be.
pub(super) const LONGER_MAX: f64 = 1.5;

/// How a figure went on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::load) struct Slope {
    /// The median of the second quarter.
    pub(in crate::load) second_quarter: f64,
    /// The median of the last one.
    pub(in crate::load) last_quarter: f64,
    /// The most that the last one may be.
    pub(in crate::load) allowed: f64,
    /// It is not more.
    pub(in crate::load) flat: bool,
}

impl Slope {
    /// Of figures in the order of time, that may grow by a factor; none when a sample has none, or there are too few.
    pub(super) fn by_factor(figures: &[Option<f64>], factor: f64) -> Option<Slope> {
        Slope::of(figures, |second| second * factor)
    }

    /// The same of figures that may grow by so much.
    pub(super) fn by_number(figures: &[Option<f64>], more: f64) -> Option<Slope> {
        Slope::of(figures, |second| second + more)
    }

    fn of(figures: &[Option<f64>], allowed: impl Fn(f64) -> f64) -> Option<Slope> {
        if figures.len() < SAMPLES_MIN {
            return None;
        }
        let quarter = figures.len() / 4;
        let median = |part: &[Option<f64>]| {
            let part: Option<Vec<f64>> = part.iter().copied().collect();
            Some(Spread::of(part?)?.median)
        };
        let second_quarter = median(&figures[quarter..2 * quarter])?;
        let last_quarter = median(&figures[figures.len() - quarter..])?;
        let allowed = allowed(second_quarter);
        Some(Slope { second_quarter, last_quarter, allowed, flat: last_quarter <= allowed })
    }

    /// What is to be told of a figure that is not flat.
    pub(super) fn told(&self, what: &str) -> Option<String> {
        let Slope { second_quarter, last_quarter, allowed, flat } = *self;
        (!flat).then(|| {
            format!(
                "{what} grew: {last_quarter:.1} in the last quarter, {second_quarter:.1} in the second one, at most \
                 {allowed:.1} is flat"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(of: impl Fn(usize) -> f64, count: usize) -> Vec<Option<f64>> {
        (0..count).map(|n| Some(of(n))).collect()
    }

    #[test]
    fn what_warms_up_and_then_stays_is_flat() {
        let warming = figures(|n| if n < 10 { 10.0 * n as f64 } else { 100.0 + (n % 3) as f64 }, 40);
        let slope = Slope::by_factor(&warming, MEMORY_MAX).expect("a slope");
        assert!(slope.flat, "{slope:?}");
        assert_eq!(slope.told("memory"), None);
    }

    #[test]
    fn planted_growth_is_found() {
        // A leak of 0.5 % of what there was, each sample.
        let leak = figures(|n| 100.0 * (1.0 + 0.005 * n as f64), 40);
        let slope = Slope::by_factor(&leak, MEMORY_MAX).expect("a slope");
        assert!(!slope.flat, "{slope:?}");
        let told = slope.told("anonymous KiB").expect("a breach");
        assert!(told.starts_with("anonymous KiB grew: 117.2 in the last quarter, 107.2 in the second"), "{told}");
        // One descriptor that is not closed, every other sample.
        let descriptors = figures(|n| 500.0 + (n / 2) as f64, 40);
        assert!(!Slope::by_number(&descriptors, 9.0).expect("a slope").flat);
        assert!(Slope::by_number(&descriptors, 20.0).expect("a slope").flat);
    }

    #[test]
    fn a_single_peak_is_no_growth() {
        let peak = figures(|n| if n == 39 { 9000.0 } else { 5.0 }, 40);
        assert!(Slope::by_factor(&peak, LONGER_MAX).expect("a slope").flat);
        let last = figures(|n| if n >= 30 { 8.0 } else { 5.0 }, 40);
        assert!(!Slope::by_factor(&last, LONGER_MAX).expect("a slope").flat);
    }

    #[test]
    fn too_few_samples_and_samples_without_a_figure_have_no_slope() {
        assert_eq!(Slope::by_factor(&figures(|_| 1.0, SAMPLES_MIN - 1), 2.0), None);
        let mut holes = figures(|_| 1.0, 8);
        holes[7] = None;
        assert_eq!(Slope::by_factor(&holes, 2.0), None);
        assert!(Slope::by_factor(&figures(|_| 1.0, SAMPLES_MIN), 2.0).is_some());
    }
}
