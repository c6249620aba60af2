//! The bytes of a CSV file as text: which characters they are, and what is between the cells.

use std::fmt;

/// What the bytes 0x80 to 0x9F are in Windows-1252; five of them are nothing. All others are those of Latin-1.
const WINDOWS_1252: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// The mark that some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Which characters the bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with a byte order mark or without.
    Utf8,
    /// Windows-1252, as spreadsheets of western Europe and the Americas save by default.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Windows1252 => "Windows-1252",
        })
    }
}

/// What is between the cells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// `,`
    Comma,
    /// `;`, of spreadsheets where the comma is in numbers.
    Semicolon,
    /// A tab.
    Tab,
}

impl Separator {
    const ALL: [Separator; 3] = [Separator::Comma, Separator::Semicolon, Separator::Tab];

    /// The byte that it is.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
            Separator::Tab => b'\t',
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Separator::Comma => "commas",
            Separator::Semicolon => "semicolons",
            Separator::Tab => "tabs",
        })
    }
}

/// The characters of a file. What is no UTF-8 is Windows-1252.
///
/// # Errors
/// The line and what is wrong: it is neither.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, Encoding), (usize, String)> {
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err((1, "this is UTF-16; save it as CSV in UTF-8".to_owned()));
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((text.to_owned(), Encoding::Utf8));
    }
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for (at, byte) in bytes.iter().enumerate() {
        let known = match byte {
            0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
            _ => Some(char::from(*byte)),
        };
        let Some(known) = known else {
            let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
            return Err((
                line,
                format!("the byte 0x{byte:02X} is neither UTF-8 nor Windows-1252; save it as CSV in UTF-8"),
            ));
        };
        text.push(known);
    }
    Ok((text, Encoding::Windows1252))
}

/// What is between the cells: of the three, the one that the header has most of outside quotes; a comma where it has none.
pub(super) fn separator_of(text: &str) -> Separator {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut is_quoted = false;
    let mut counts = [0_usize; 3];
    for byte in header.bytes() {
        is_quoted ^= byte == b'"';
        let place = Separator::ALL.iter().position(|separator| separator.byte() == byte && !is_quoted);
        if let Some(place) = place {
            counts[place] += 1;
        }
    }
    let most = Separator::ALL.into_iter().zip(counts).rev().max_by_key(|(_, count)| *count);
    most.filter(|(_, count)| *count > 0).map_or(Separator::Comma, |(separator, _)| separator)
}

/// The line, from 1, of a quote that begins a cell and is not closed: up to the end of the text all would be one cell.
pub(super) fn unclosed_quote(text: &str, separator: Separator) -> Option<usize> {
    let (mut line, mut opened, mut begins) = (1, None, true);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (opened, byte) {
            (None, b'"') if begins => opened = Some(line),
            (Some(_), b'"') if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (Some(_), b'"') => opened = None,
            (Some(_) | None, _) => {}
        }
        begins = opened.is_none() && (byte == separator.byte() || byte == b'\n');
        line += usize::from(byte == b'\n');
    }
    opened
}

/// True for a cell that a spreadsheet would take for a formula, or whose ends a reader would trim: it is written behind an
/// apostrophe. So is one that begins with apostrophes and then like that, so that each can be taken off again.
fn needs_mark(cell: &str) -> bool {
    let core = cell.trim_start_matches('\'');
    core.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) || core.trim() != core
}

/// A cell as it is written: no spreadsheet takes it for a formula.
pub(super) fn marked(cell: &str) -> String {
    if needs_mark(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// A cell as it was meant: without the apostrophe of [`marked`], else without white space at its ends.
pub(super) fn unmarked(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if needs_mark(rest) => rest,
        Some(_) | None => cell.trim(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_utf_8_is_windows_1252() {
        assert_eq!(decode("São João".as_bytes()), Ok(("São João".to_owned(), Encoding::Utf8)));
        assert_eq!(decode(b"\xEF\xBB\xBFid"), Ok(("id".to_owned(), Encoding::Utf8)));
        assert_eq!(decode(b"S\xE3o Jo\xE3o \x80 \x93x\x94"), Ok(("São João € “x”".to_owned(), Encoding::Windows1252)));
        assert_eq!(decode(b"\xE9\na\x81").map_err(|(line, _)| line), Err(2), "this byte is nothing in either");
        assert!(decode(b"\xFF\xFEi\0d\0").is_err_and(|(_, why)| why.contains("UTF-16")));
    }

    #[test]
    fn the_separator_is_what_the_header_has_most_of() {
        let cases = [
            ("id,name,teams", Separator::Comma),
            ("id;nome;equipes\nana;\"a,b,c,d\";x", Separator::Semicolon),
            ("id\tname", Separator::Tab),
            ("\n\"a,b,c\";name", Separator::Semicolon),
            ("id", Separator::Comma),
        ];
        for (text, expected) in cases {
            assert_eq!(separator_of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_formula_is_written_as_text_and_read_as_it_was() {
        for (cell, written) in
            [("=davi", "'=davi"), ("'=x", "''=x"), ("-1", "'-1"), ("d'Ávila", "d'Ávila"), ("'a", "'a")]
        {
            assert_eq!((marked(cell).as_str(), unmarked(written)), (written, cell));
        }
        assert_eq!(unmarked("  Ana "), "Ana");
    }

    proptest! {
        #[test]
        fn every_cell_is_read_as_it_was_written(cell in "[ '=+@ab\t-]{0,6}") {
            let written = marked(&cell);
            prop_assert_eq!(unmarked(&written), cell);
        }
    }
}
