//! Text of HTML and SVG, in which nothing that was not written here is markup.

use std::fmt::Write as _;

/// How many colours there are; after them they begin again.
const COLOURS: usize = 8;

/// A text as it may stand between tags and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The class of a colour.
pub(super) fn colour(number: usize) -> String {
    format!("c{}", number % COLOURS)
}

/// A picture with its heading and, where there are several, the names of the colours.
pub(super) fn figure(title: &str, names: &[&str], (width, height): (f64, f64), drawing: &str) -> String {
    let title = escaped(title);
    let mut html = format!("<figure>\n<figcaption>{title}</figcaption>\n");
    if names.len() > 1 {
        html.push_str("<p class=\"legend\">");
        for (number, name) in names.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(html, "<span><i class=\"{}\"></i>{}</span>", colour(number), escaped(name));
        }
        html.push_str("</p>\n");
    }
    let _ = write!(
        html,
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n{drawing}</svg>\n</figure>\n"
    );
    html
}

/// A line of SVG.
pub(super) fn line(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> String {
    format!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n")
}

/// A text of SVG; `class` says where its anchor is.
pub(super) fn text(class: &str, (x, y): (f64, f64), content: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n", escaped(content))
}

/// A line through points.
pub(super) fn polyline(number: usize, points: &[(f64, f64)], told: &str) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    format!(
        "<polyline class=\"curve {}\" points=\"{}\"><title>{}</title></polyline>\n",
        colour(number),
        points.join(" "),
        escaped(told)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_is_markup() {
        assert_eq!(escaped("<a href='x' b=\"y\">&"), "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;");
        let html = figure("<b>", &["<i>", "é"], (1.0, 1.0), "");
        assert!(!html.contains("<b>") && !html.contains("><i></"), "{html}");
        assert!(text("t", (0.0, 0.0), "<script>").contains("&lt;script&gt;"));
        assert!(polyline(0, &[], "</title><script>").contains("&lt;/title&gt;&lt;script&gt;"));
    }

    #[test]
    fn one_curve_needs_no_legend() {
        assert!(!figure("a", &["server"], (1.0, 1.0), "").contains("legend"));
        assert_eq!(colour(9), "c1");
    }
}
