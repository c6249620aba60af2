//! Where figures lie on an axis, and the round ones that are written beside it.

/// The narrowest range of times that is told apart, as a factor.
const NARROWEST: f64 = 4.0;

/// An axis from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Linear {
    max: f64,
    step: f64,
}

/// An axis on which each step is a multiple of the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Logarithmic {
    min: f64,
    max: f64,
}

impl Linear {
    /// An axis up to these figures at least.
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Linear {
        let most = figures.into_iter().filter(|figure| figure.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let rough = most / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        Linear { max: (most / step).ceil() * step, step }
    }

    /// From 0 to 1.
    pub(super) fn place(&self, figure: f64) -> f64 {
        (figure / self.max).clamp(0.0, 1.0)
    }

    /// The round figures.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let count = (self.max / self.step).round() as u32;
        (0..=count).map(|n| f64::from(n) * self.step).collect()
    }

    /// A round figure in words.
    pub(super) fn label(&self, tick: f64) -> String {
        let digits = (-self.step.log10()).ceil().clamp(0.0, 6.0) as usize;
        // A step of 2.5 has one digit more than its power of ten.
        let exact = |digits: usize| (self.step * 10f64.powi(digits as i32)).fract().abs() < 1e-6;
        let digits = (digits..digits + 2).find(|digits| exact(*digits)).unwrap_or(digits);
        format!("{tick:.digits$}")
    }
}

impl Logarithmic {
    /// An axis over these figures, of which those that are not above 0 have no place.
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Logarithmic {
        let range = figures.into_iter().filter(|figure| figure.is_finite() && *figure > 0.0).fold(
            None,
            |range: Option<(f64, f64)>, figure| {
                Some(range.map_or((figure, figure), |(min, max)| (min.min(figure), max.max(figure))))
            },
        );
        let (min, max) = range.unwrap_or((1.0, 1.0));
        let missing = (NARROWEST * min / max).max(1.0).sqrt();
        Logarithmic { min: min / missing / 1.1, max: max * missing * 1.1 }
    }

    /// From 0 to 1.
    pub(super) fn place(&self, figure: f64) -> f64 {
        ((figure.max(self.min) / self.min).ln() / (self.max / self.min).ln()).clamp(0.0, 1.0)
    }

    /// The round figures: 1, 2 and 5 of each power of ten where there are few powers.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let factors: &[f64] = if self.max / self.min > 1000.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = self.min.log10().floor() as i32..=self.max.log10().ceil() as i32;
        let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)));
        all.filter(|tick| (self.min..=self.max).contains(tick)).collect()
    }
}

/// A time in words, of microseconds.
pub(super) fn time(us: f64) -> String {
    match us {
        us if us < 999.5 => format!("{us:.0} µs"),
        us if us < 999_500.0 => format!("{} ms", short(us / 1e3)),
        us => format!("{} s", short(us / 1e6)),
    }
}

/// Three digits at most, none of them a 0 behind the point.
fn short(figure: f64) -> String {
    let digits = if figure >= 99.95 { 0 } else { usize::from(figure < 9.995) + 1 };
    let text = format!("{figure:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_figures_stand_beside_an_axis_from_0() {
        let axis = Linear::of([3.0, 870.0]);
        assert_eq!(axis.ticks(), [0.0, 250.0, 500.0, 750.0, 1000.0]);
        assert_eq!((axis.place(500.0), axis.place(-1.0)), (0.5, 0.0));
        let small = Linear::of([0.09]);
        let labels: Vec<String> = small.ticks().into_iter().map(|tick| small.label(tick)).collect();
        assert_eq!(labels, ["0.000", "0.025", "0.050", "0.075", "0.100"]);
        assert_eq!(Linear::of([]).ticks().len(), 5);
        assert_eq!(Linear::of([f64::NAN, f64::INFINITY]), Linear::of([]));
    }

    #[test]
    fn times_lie_by_their_powers() {
        let axis = Logarithmic::of([100.0, 0.0, 10_000.0]);
        assert_eq!(axis.ticks(), [100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0]);
        assert!((axis.place(1000.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.place(0.0), 0.0);
        let wide = Logarithmic::of([10.0, 1e6]);
        assert_eq!(wide.ticks(), [10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
        let one = Logarithmic::of([300.0]);
        assert!((one.place(300.0) - 0.5).abs() < 1e-9 && !one.ticks().is_empty(), "{one:?}");
    }

    #[test]
    fn times_have_their_unit() {
        let cases = [(250.0, "250 µs"), (1000.0, "1 ms"), (2500.0, "2.5 ms"), (20_000.0, "20 ms"), (3e6, "3 s")];
        for (us, told) in cases {
            assert_eq!(time(us), told);
        }
    }
}
