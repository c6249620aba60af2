//! Columns of figures for people.

use super::spread::Spread;

/// Lines of cells, the first of which is the head; the first column is text, the others are figures.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, width))| if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A median with its range: `1234 (1200–1300)`.
pub(super) fn spread(spread: &Spread) -> String {
    let Spread { median, min, max, .. } = *spread;
    let digits = digits_of(max);
    format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
}

/// A figure that was taken once.
pub(super) fn figure(figure: f64) -> String {
    let digits = if figure.fract() == 0.0 { 0 } else { digits_of(figure) };
    format!("{figure:.digits$}")
}

/// A median with its range, of microseconds, in milliseconds.
pub(super) fn millis(us: &Spread) -> String {
    let ms = |figure: f64| figure / 1000.0;
    spread(&Spread { median: ms(us.median), min: ms(us.min), max: ms(us.max), count: us.count })
}

/// A figure that may not be there.
pub(super) fn or_dash(spread_of: Option<&Spread>) -> String {
    spread_of.map_or_else(|| "–".to_owned(), spread)
}

/// About three digits that count.
fn digits_of(figure: f64) -> usize {
    match figure.abs() {
        figure if figure >= 100.0 => 0,
        figure if figure >= 10.0 => 1,
        figure if figure >= 1.0 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [vec!["what", "n"], vec!["é", "100"], vec!["long", "7"]];
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        assert_eq!(table(&rows), "what    n\né     100\nlong    7\n");
    }

    #[test]
    fn figures_have_about_three_digits() {
        let of = |median, min, max| Spread { median, min, max, count: 3 };
        assert_eq!(spread(&of(1234.5, 1200.0, 1300.4)), "1234 (1200–1300)");
        assert_eq!(spread(&of(0.25, 0.2, 0.31)), "0.250 (0.200–0.310)");
        assert_eq!(millis(&of(1500.0, 900.0, 2500.0)), "1.50 (0.90–2.50)");
        assert_eq!(or_dash(None), "–");
        assert_eq!(
            (figure(6.0), figure(1234.5), figure(0.25)),
            ("6".to_owned(), "1234".to_owned(), "0.250".to_owned())
        );
    }
}
