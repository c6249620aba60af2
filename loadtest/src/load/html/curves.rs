//! How long things took, as curves: the share of them to the right, by the nines, the time upwards.

use super::axis::{Logarithmic, time};
use super::markup::{figure, line, polyline, text};
use crate::load::latency::{Percentiles, QUANTILES};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 350.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 196.0;
/// The most nines that are told apart.
const NINES_MAX: f64 = 4.0;
/// The shares that are written under the axis.
const SHARES: &[(f64, &str)] = &[(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")];

/// The curves of some sides.
pub(super) fn drawn(title: &str, series: &[(String, Percentiles)]) -> String {
    let curves: Vec<Vec<(f64, f64)>> = series.iter().map(|(_, told)| curve(told)).collect();
    let all = || curves.iter().flatten();
    let times = Logarithmic::of(all().map(|(_, us)| *us));
    let most = all().map(|(nines, _)| *nines).fold(1.0, f64::max);
    let x = |nines: f64| LEFT + (RIGHT - LEFT) * nines / most;
    let y = |us: f64| BOTTOM - (BOTTOM - TOP) * times.place(us);
    let mut drawing = String::new();
    for tick in times.ticks() {
        drawing += &line("grid", (LEFT, y(tick)), (RIGHT, y(tick)));
        drawing += &text("tick end", (LEFT - 6.0, y(tick) + 3.5), &time(tick));
    }
    for (share, label) in SHARES.iter().filter(|(share, _)| nines(*share) <= most + 1e-9) {
        drawing += &line("grid", (x(nines(*share)), TOP), (x(nines(*share)), BOTTOM));
        // What would stand over the edge ends at it.
        let (class, at) =
            if x(nines(*share)) > RIGHT - 20.0 { ("end", RIGHT + 8.0) } else { ("middle", x(nines(*share))) };
        drawing += &text(&format!("tick {class}"), (at, BOTTOM + 15.0), label);
    }
    for (number, ((name, told), points)) in series.iter().zip(&curves).enumerate() {
        let points: Vec<(f64, f64)> = points.iter().map(|(nines, us)| (x(*nines), y(*us))).collect();
        let words = format!(
            "{name}: 50 % {}, 99 % {}, longest {}, of {}",
            time(told.p50_us),
            time(told.p99_us),
            time(told.max_us),
            told.count
        );
        drawing += &polyline(number, &points, &words);
    }
    let names: Vec<&str> = series.iter().map(|(name, _)| name.as_str()).collect();
    figure(title, &names, (WIDTH, HEIGHT), &drawing)
}

/// The points of a curve, as far as there are so many times that a share means something; the longest is the last.
fn curve(told: &Percentiles) -> Vec<(f64, f64)> {
    let last = nines(1.0 - 1.0 / told.count.max(2) as f64);
    let points = QUANTILES.iter().zip(&told.curve_us).map(|(quantile, us)| (nines(*quantile), *us));
    let mut points: Vec<(f64, f64)> = points.filter(|(nines, _)| *nines < last).collect();
    points.push((last, told.max_us));
    points
}

/// 1 for 90 %, 2 for 99 % and so on.
fn nines(share: f64) -> f64 {
    (-(1.0 - share).max(f64::MIN_POSITIVE).log10()).min(NINES_MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::latency::Latency;

    fn told(count: u64) -> Percentiles {
        let mut latency = Latency::new();
        (1..=count).for_each(|n| latency.record(Duration::from_micros(100 * n)));
        latency.percentiles().expect("times")
    }

    #[test]
    fn a_curve_ends_with_the_longest_where_the_times_end() {
        let points = curve(&told(100));
        let (nines, us) = *points.last().expect("points");
        assert!((nines - 2.0).abs() < 1e-9 && (us / 10_000.0 - 1.0).abs() < 0.01, "{points:?}");
        assert!(points.is_sorted_by(|before, after| before.0 < after.0 && before.1 <= after.1), "{points:?}");
        assert_eq!(curve(&told(1)).len(), 3, "10 %, 25 %, and the only one");
    }

    #[test]
    fn all_sides_are_on_one_chart() {
        let html = drawn("Replies", &[("server".to_owned(), told(1000)), ("<floor>".to_owned(), told(10))]);
        assert_eq!(html.matches("<polyline").count(), 2);
        assert!(html.contains("99.9 %") && !html.contains("99.99 %"), "{html}");
        assert!(html.contains("&lt;floor&gt;: 50 % 500 µs") && !html.contains("NaN"), "{html}");
    }
}
