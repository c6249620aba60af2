//! Several things in one cell of CSV: teams, and numbers by channel, between `|` or between commas.

/// A character of a cell that holds several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scanned {
    /// One that may separate.
    Mark(char),
    /// One that is part of a text.
    Text(char),
}

/// What may stand between things, and the backslash that makes a mark part of a text.
const MARKS: [char; 4] = ['|', ',', '=', '\\'];

/// The characters of a cell, each with whether it may separate.
pub(super) fn scanned(cell: &str) -> Vec<Scanned> {
    let mut found = Vec::with_capacity(cell.len());
    let mut rest = cell.chars().peekable();
    while let Some(c) = rest.next() {
        let is_escape = c == '\\' && rest.peek().is_some_and(|next| MARKS.contains(next));
        found.push(match rest.next_if(|_| is_escape) {
            Some(escaped) => Scanned::Text(escaped),
            None if MARKS.contains(&c) => Scanned::Mark(c),
            None => Scanned::Text(c),
        });
    }
    found
}

/// The things of a cell, between `|`, else between commas; those without anything in them are passed over.
pub(super) fn parts_of(cell: &str) -> Vec<Vec<Scanned>> {
    let all = scanned(cell);
    let between = if all.contains(&Scanned::Mark('|')) { '|' } else { ',' };
    let parts = all.split(|scanned| *scanned == Scanned::Mark(between));
    parts.filter(|part| !text_of(part).is_empty()).map(<[Scanned]>::to_vec).collect()
}

/// Without white space at its ends, which no id has.
pub(super) fn text_of(part: &[Scanned]) -> String {
    let character = |scanned: &Scanned| match scanned {
        Scanned::Mark(c) | Scanned::Text(c) => *c,
    };
    part.iter().map(character).collect::<String>().trim().to_owned()
}

/// An id as it stands among others: no character of it separates.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if MARKS.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(cell: &str) -> Vec<String> {
        parts_of(cell).iter().map(|part| text_of(part)).collect()
    }

    #[test]
    fn a_bar_separates_and_else_a_comma_unless_a_backslash_is_before_it() {
        let cases: [(&str, &[&str]); 7] = [
            ("", &[]),
            (" a ", &["a"]),
            ("a, b,", &["a", "b"]),
            ("a, b|c", &["a, b", "c"]),
            (r"a\|b,c", &["a|b", "c"]),
            (r"a\\|b", &[r"a\", "b"]),
            (r"c:\d", &[r"c:\d"]),
        ];
        for (cell, expected) in cases {
            assert_eq!(parts(cell), expected, "{cell}");
        }
        for text in ["a|b", r"\,=", "x=y"] {
            assert_eq!(parts(&escaped(text)), [text]);
        }
    }
}
