//! Medians as bars, with a whisker over their range; each has its name over it, for a phone is narrow.

use super::axis::Linear;
use super::markup::{self, colour, escaped, line, text};
use super::section::Bar;
use crate::load::table;

const WIDTH: f64 = 360.0;
const LEFT: f64 = 4.0;
const RIGHT: f64 = 352.0;
const TOP: f64 = 4.0;
/// Name and bar of one, with the room under them.
const ROW: f64 = 34.0;
const NAME: f64 = 12.0;
const BAR_TOP: f64 = 17.0;
const BAR: f64 = 9.0;

/// The bars.
pub(super) fn drawn(title: &str, bars: &[Bar]) -> String {
    let axis = Linear::of(bars.iter().map(|bar| bar.figure.max));
    let x = |figure: f64| LEFT + (RIGHT - LEFT) * axis.place(figure);
    let bottom = TOP + ROW * bars.len() as f64;
    let mut drawing = String::new();
    for tick in axis.ticks() {
        drawing += &line("grid", (x(tick), TOP), (x(tick), bottom));
        let class = match tick {
            tick if tick <= 0.0 => "tick",
            tick if axis.place(tick) > 0.95 => "tick end",
            _ => "tick middle",
        };
        drawing += &text(class, (x(tick), bottom + 14.0), &axis.label(tick));
    }
    for (number, Bar { label, colour: its, figure }) in bars.iter().enumerate() {
        let top = TOP + ROW * number as f64;
        let (bar_top, middle) = (top + BAR_TOP, top + BAR_TOP + BAR / 2.0);
        let told = if figure.count == 1 { table::figure(figure.median) } else { table::spread(figure) };
        drawing += &text("name", (LEFT, top + NAME), label);
        drawing += &text("value end", (RIGHT, top + NAME), &told);
        drawing += &format!(
            "<rect class=\"bar {}\" x=\"{LEFT}\" y=\"{bar_top:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"1.5\">\
             <title>{}: {}</title></rect>\n",
            colour(*its),
            (x(figure.median) - LEFT).max(1.0),
            escaped(label),
            escaped(&told)
        );
        if figure.count == 1 {
            continue;
        }
        let (from, until) = (x(figure.min), x(figure.max));
        drawing += &line("whisker", (from, middle), (until, middle));
        for end in [from, until] {
            drawing += &line("whisker", (end, middle - 3.0), (end, middle + 3.0));
        }
    }
    markup::figure(title, &[], (WIDTH, bottom + 20.0), &drawing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::spread::Spread;

    #[test]
    fn each_bar_has_its_name_its_range_and_its_figure() {
        let figure = Spread { median: 50.0, min: 25.0, max: 100.0, count: 3 };
        let bars = ["server", "<floor>"].map(|label| Bar { label: label.to_owned(), colour: 1, figure });
        let html = drawn("commands /s", &bars);
        assert_eq!((html.matches("<rect").count(), html.matches("class=\"whisker\"").count()), (2, 6));
        assert!(html.contains("50 (25–100)") && html.contains("&lt;floor&gt;"), "{html}");
        // Half of the way from 4 to 352.
        assert!(html.contains("width=\"174.0\""), "{html}");
        let once = Bar { label: "server".to_owned(), colour: 0, figure: Spread { count: 1, ..figure } };
        let html = drawn("refusals", &[once]);
        assert!(html.contains(">50</text>") && !html.contains("whisker"), "{html}");
    }
}
