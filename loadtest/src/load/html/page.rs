//! The page: its parts one under the other, with a list of them before.

use std::fmt::Write as _;

use super::markup::escaped;
use super::part::{Part, Verdict};
use super::section::{Chart, Section, Table};
use super::{bars, curves, lines};

/// How the page looks.
const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn page(parts: &[Part]) -> String {
    let title = match parts {
        [only] => format!("Load test: {}", only.title()),
        _ => "Load test".to_owned(),
    };
    let title = escaped(&title);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    if parts.len() > 1 {
        html.push_str("<ul>\n");
        for (number, part) in parts.iter().enumerate() {
            let (class, word) = verdict_word(&part.verdict);
            // Writing to a string does not fail.
            let _ = writeln!(
                html,
                "<li><a href=\"#part-{number}\">{}</a>: <span class=\"{class}\">{word}</span></li>",
                escaped(&part.title())
            );
        }
        html.push_str("</ul>\n");
    }
    for (number, part) in parts.iter().enumerate() {
        if parts.len() > 1 {
            let _ = writeln!(html, "<h2 id=\"part-{number}\">{}</h2>", escaped(&part.title()));
        }
        html += &part_of(part);
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn part_of(part: &Part) -> String {
    let mut html = verdict(&part.verdict);
    if !part.notes.is_empty() {
        html += "<h3>Notes</h3>\n";
        html += &list(&part.notes);
    }
    part.sections.iter().for_each(|section| html += &section_of(section));
    if let Verdict::Held(checked) = &part.verdict {
        html += "<h3>What was checked, and held</h3>\n";
        html += &list(checked);
    }
    for (title, pairs) in [("Settings", &part.settings), ("Where", &part.facts)] {
        if !pairs.is_empty() {
            let _ = write!(html, "<h3>{title}</h3>\n<dl>\n");
            for (name, value) in pairs {
                let _ = writeln!(html, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
            }
            html += "</dl>\n";
        }
    }
    html
}

fn verdict_word(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Held(_) => ("held", "held"),
        Verdict::Broken(..) => ("broken", "broken"),
        Verdict::Failed(_) => ("broken", "no figures"),
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Held(_) => "<p class=\"held\">✓ All that was checked held.</p>\n".to_owned(),
        Verdict::Broken(count, first) => {
            let words = if *count == 1 { "1 breach".to_owned() } else { format!("{count} breaches") };
            format!("<p class=\"broken\">✗ {words} of what the server promises:</p>\n{}", list(first))
        }
        Verdict::Failed(why) => format!("<p class=\"broken\">✗ No figures could be taken: {}</p>\n", escaped(why)),
    }
}

fn list(lines: &[String]) -> String {
    let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", escaped(line))).collect();
    format!("<ul>\n{items}</ul>\n")
}

fn section_of(section: &Section) -> String {
    let mut html = format!("<h3>{}</h3>\n", escaped(&section.title));
    if !section.about.is_empty() {
        let _ = writeln!(html, "<p class=\"faint\">{}</p>", escaped(&section.about));
    }
    section.tables.iter().for_each(|table| html += &table_of(table));
    let charts: String = section.charts.iter().filter(|chart| !chart.is_empty()).map(chart_of).collect();
    if !charts.is_empty() {
        let _ = write!(html, "<div class=\"charts\">\n{charts}</div>\n");
    }
    html
}

fn table_of(table: &Table) -> String {
    let mut html = "<div class=\"scroll\"><table>\n".to_owned();
    if !table.head.is_empty() {
        let cells: String = table.head.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escaped(cell))).collect();
        let _ = writeln!(html, "<thead><tr>{cells}</tr></thead>");
    }
    html += "<tbody>\n";
    for row in &table.rows {
        let cells: String = row
            .iter()
            .enumerate()
            .map(|(at, cell)| match at {
                0 => format!("<th scope=\"row\">{}</th>", escaped(cell)),
                _ => format!("<td>{}</td>", escaped(cell)),
            })
            .collect();
        let _ = writeln!(html, "<tr>{cells}</tr>");
    }
    html + "</tbody>\n</table></div>\n"
}

fn chart_of(chart: &Chart) -> String {
    match chart {
        Chart::Curves { title, series } => curves::drawn(title, series),
        Chart::Bars { title, bars } => bars::drawn(title, bars),
        Chart::Lines { title, lines } => lines::drawn(title, lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::html::section::{Bar, Line};
    use crate::load::spread::Spread;

    const HOSTILE: &str = "\"'><script>alert(1)</script>";

    fn part(verdict: Verdict) -> Part {
        let hostile = || HOSTILE.to_owned();
        let figure = Spread { median: 1.0, min: 0.5, max: 2.0, count: 2 };
        let line = Line { name: hostile(), points: vec![(0.0, 1.0), (1.0, 2.0)] };
        let lines = Chart::Lines { title: hostile(), lines: vec![line.clone(), line] };
        let bar = Bar { label: hostile(), colour: 0, figure };
        let section = Section {
            title: hostile(),
            about: hostile(),
            tables: vec![Table::headed(vec![vec![hostile(), hostile()], vec![hostile(), hostile()]])],
            charts: vec![Chart::Bars { title: hostile(), bars: vec![bar] }, lines],
        };
        Part {
            scenario: hostile(),
            name: Some(hostile()),
            facts: vec![(hostile(), hostile())],
            settings: vec![(hostile(), hostile())],
            sections: vec![section],
            verdict,
            notes: vec![hostile()],
        }
    }

    #[test]
    fn nothing_that_was_read_becomes_markup() {
        let hostile = || vec![HOSTILE.to_owned()];
        for verdict in [Verdict::Held(hostile()), Verdict::Broken(1, hostile()), Verdict::Failed(HOSTILE.to_owned())] {
            for html in [page(&[part(verdict.clone())]), page(&[part(verdict.clone()), part(verdict.clone())])] {
                assert!(!html.contains("<script") && !html.contains("\"'>"), "{html}");
                assert!(html.matches("&lt;script&gt;").count() >= 10, "{html}");
            }
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_every_tag_is_closed() {
        let html = page(&[part(Verdict::Held(Vec::new())), part(Verdict::Held(Vec::new()))]);
        let loads = ["src=", "http:", "https:", "@import", "url(", "<link"];
        assert_eq!(loads.iter().find(|word| html.contains(**word)), None);
        for tag in
            ["html", "head", "body", "style", "ul", "table", "thead", "tbody", "tr", "svg", "figure", "dl", "div"]
        {
            let opened = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn what_broke_is_told_before_the_figures() {
        let html = page(&[part(Verdict::Broken(2, vec!["ana is lost".to_owned()]))]);
        let (told, figures) = (html.find("ana is lost"), html.find("<table"));
        assert!(html.contains("2 breaches") && told < figures && told.is_some(), "{html}");
    }
}
