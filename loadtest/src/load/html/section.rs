//! What a scenario has to show, as plain data: it knows nothing of HTML.

use crate::load::latency::Percentiles;
use crate::load::spread::Spread;

/// A heading with tables and charts under it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::load) struct Section {
    /// The heading.
    pub(in crate::load) title: String,
    /// A sentence under it, or nothing.
    pub(in crate::load) about: String,
    /// The figures.
    pub(in crate::load) tables: Vec<Table>,
    /// The same to look at.
    pub(in crate::load) charts: Vec<Chart>,
}

/// Lines of cells; the first column is text, the others are figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::load) struct Table {
    /// Over the columns; empty for a list of names and figures.
    pub(in crate::load) head: Vec<String>,
    /// The lines.
    pub(in crate::load) rows: Vec<Vec<String>>,
}

/// A picture of figures that stand in a table as well.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) enum Chart {
    /// How long things took: the share of them on one axis, the time on the other. By name; the server comes first.
    Curves {
        /// The heading.
        title: String,
        /// One curve for each.
        series: Vec<(String, Percentiles)>,
    },
    /// Medians with their ranges.
    Bars {
        /// The heading, with the unit in it.
        title: String,
        /// From top to bottom.
        bars: Vec<Bar>,
    },
    /// Figures over time.
    Lines {
        /// The heading, with the unit in it.
        title: String,
        /// One line for each.
        lines: Vec<Line>,
    },
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) struct Bar {
    /// What it is of.
    pub(in crate::load) label: String,
    /// The number of its colour: 0 for the server, 1 for the floor, the next ones for others.
    pub(in crate::load) colour: usize,
    /// How long it is.
    pub(in crate::load) figure: Spread,
}

/// One line over time.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::load) struct Line {
    /// What it is of.
    pub(in crate::load) name: String,
    /// Seconds since the beginning, and the figure then.
    pub(in crate::load) points: Vec<(f64, f64)>,
}

impl Table {
    /// Lines of which the first is the head, as [`crate::load::table::table`] takes them.
    pub(in crate::load) fn headed(rows: Vec<Vec<String>>) -> Table {
        let mut rows = rows.into_iter();
        Table { head: rows.next().unwrap_or_default(), rows: rows.collect() }
    }

    /// Lines without a head.
    pub(in crate::load) fn plain(rows: Vec<Vec<String>>) -> Table {
        Table { head: Vec::new(), rows }
    }
}

impl Chart {
    /// Curves of those that there are.
    pub(in crate::load) fn curves(title: &str, series: &[(&str, &Percentiles)]) -> Chart {
        let series = series.iter().map(|(name, told)| ((*name).to_owned(), **told)).collect();
        Chart::Curves { title: title.to_owned(), series }
    }

    /// Bars of those figures that were taken, by label and colour.
    pub(in crate::load) fn bars<'f>(
        title: &str,
        bars: impl IntoIterator<Item = (String, usize, Option<&'f Spread>)>,
    ) -> Chart {
        let bar = |(label, colour, figure): (String, usize, Option<&Spread>)| {
            figure.map(|figure| Bar { label, colour, figure: *figure })
        };
        Chart::Bars { title: title.to_owned(), bars: bars.into_iter().filter_map(bar).collect() }
    }

    /// True when there is nothing to see.
    pub(in crate::load) fn is_empty(&self) -> bool {
        match self {
            Chart::Curves { series, .. } => series.is_empty(),
            Chart::Bars { bars, .. } => bars.is_empty(),
            Chart::Lines { lines, .. } => lines.iter().all(|line| line.points.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_head() {
        let rows = vec![vec!["".to_owned(), "server".to_owned()], vec!["a".to_owned(), "1".to_owned()]];
        let table = Table::headed(rows.clone());
        assert_eq!((table.head, table.rows), (rows[0].clone(), rows[1..].to_vec()));
        assert_eq!(Table::headed(Vec::new()), Table::plain(Vec::new()));
    }

    #[test]
    fn what_was_not_taken_has_no_bar() {
        let figure = Spread { median: 1.0, min: 1.0, max: 1.0, count: 1 };
        let chart = Chart::bars("CPU", [("server".to_owned(), 0, Some(&figure)), ("floor".to_owned(), 1, None)]);
        let bar = Bar { label: "server".to_owned(), colour: 0, figure };
        assert_eq!(chart, Chart::Bars { title: "CPU".to_owned(), bars: vec![bar] });
        assert!(!chart.is_empty() && Chart::bars("CPU", [("server".to_owned(), 0, None)]).is_empty());
    }
}
