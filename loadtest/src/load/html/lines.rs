//! Figures over time.

use super::axis::Linear;
use super::markup::{figure, line, polyline, text};
use super::section::Line;

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 350.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 176.0;

/// The lines.
pub(super) fn drawn(title: &str, lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| &line.points);
    let (times, figures) = (Linear::of(all().map(|(at, _)| *at)), Linear::of(all().map(|(_, figure)| *figure)));
    let x = |at: f64| LEFT + (RIGHT - LEFT) * times.place(at);
    let y = |figure: f64| BOTTOM - (BOTTOM - TOP) * figures.place(figure);
    let mut drawing = String::new();
    for tick in figures.ticks() {
        drawing += &line("grid", (LEFT, y(tick)), (RIGHT, y(tick)));
        drawing += &text("tick end", (LEFT - 6.0, y(tick) + 3.5), &figures.label(tick));
    }
    for tick in times.ticks() {
        let (class, at) = if times.place(tick) > 0.95 { ("end", RIGHT + 8.0) } else { ("middle", x(tick)) };
        drawing += &text(&format!("tick {class}"), (at, BOTTOM + 15.0), &format!("{} s", times.label(tick)));
    }
    for (number, Line { name, points }) in lines.iter().enumerate() {
        let points: Vec<(f64, f64)> = points.iter().map(|(at, figure)| (x(*at), y(*figure))).collect();
        drawing += &polyline(number, &points, name);
    }
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    figure(title, &names, (WIDTH, HEIGHT), &drawing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_from_left_to_right() {
        let lines = ["p50", "p99"].map(|name| Line { name: name.to_owned(), points: vec![(0.0, 1.0), (40.0, 4.0)] });
        let html = drawn("ms", &lines);
        assert_eq!(html.matches("<polyline").count(), 2);
        assert!(html.contains("points=\"50.0,134.0 350.0,8.0\""), "{html}");
        assert!(html.contains("40 s</text>") && html.contains("legend"), "{html}");
    }
}
