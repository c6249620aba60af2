//! People as CSV: a directory whose people read back as they were, or problems by line.

use intervalo::domain::directory::Directory;
use intervalo::exchange::round_trip::{Encoding, LeftOut, Separator, to_people_csv, with_people};

use crate::company::{LATER, NOW, directory, without_people};
use crate::told::{ensure, listed, problems};
use crate::{Held, Outcome};

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What is asked.
pub(crate) struct Subject {
    /// Writes the people of a directory.
    pub(crate) write: fn(&Directory, Separator) -> Vec<u8>,
}

impl Subject {
    pub(crate) const PRODUCT: Subject = Subject { write: to_people_csv };
}

pub(crate) fn hold(input: &[u8], subject: &Subject) -> Held {
    let before = directory();
    let (after, encoding, _) = match with_people(&before, input, LeftOut::Stays, NOW) {
        Ok(read) => read,
        Err(found) => {
            problems(&found, lines_of(input))?;
            return Ok(Outcome::Refused);
        }
    };
    let same = (&after.tenant, &after.teams, &after.channels) == (&before.tenant, &before.teams, &before.channels);
    ensure(same, || format!("people changed {before:?} into {after:?}"))?;
    // One of them for each input, by its length, so that there is time for more inputs.
    let separator = [Separator::Comma, Separator::Semicolon, Separator::Tab][input.len() % 3];
    reads_back(&after, separator, subject)?;
    if encoding == Encoding::Utf8 && !input.starts_with(BYTE_ORDER_MARK) {
        let marked = [BYTE_ORDER_MARK, input].concat();
        let (of_marked, ..) = with_people(&before, &marked, LeftOut::Stays, NOW).map_err(|why| listed(&why))?;
        ensure(of_marked == after, || format!("behind a byte order mark {after:?} is {of_marked:?}"))?;
    }
    Ok(Outcome::Accepted)
}

/// What is written changes nothing where it came from, and says everything where there was nobody.
fn reads_back(people: &Directory, separator: Separator, subject: &Subject) -> Result<(), String> {
    let written = (subject.write)(people, separator);
    no_cell_is_a_formula(&written, separator)?;
    let text = String::from_utf8_lossy(&written);
    let told = |why: Vec<_>| format!("{}\nin {text}", listed(&why));
    let (again, encoding, between) = with_people(people, &written, LeftOut::Goes, LATER).map_err(told)?;
    ensure(again == *people, || format!("{people:?}\nreads back as {again:?}\nfrom {text}"))?;
    ensure((encoding, between) == (Encoding::Utf8, separator), || format!("{encoding}, {between} of {text}"))?;
    let (fresh, ..) = with_people(&without_people(), &written, LeftOut::Stays, NOW).map_err(told)?;
    let present = people.agents.values().filter(|person| person.left_at.is_none());
    ensure(fresh.agents.values().eq(present), || format!("{people:?}\nis new as {fresh:?}\nfrom {text}"))
}

/// What a spreadsheet would run is written behind an apostrophe.
fn no_cell_is_a_formula(written: &[u8], separator: Separator) -> Result<(), String> {
    let between = match separator {
        Separator::Comma => b',',
        Separator::Semicolon => b';',
        Separator::Tab => b'\t',
    };
    let mut reader = csv::ReaderBuilder::new();
    reader.delimiter(between).has_headers(false);
    for row in reader.from_reader(written).byte_records() {
        let row = row.map_err(|why| why.to_string())?;
        let formula = row.iter().find(|cell| cell.first().is_some_and(|first| b"=+-@\t\r\0".contains(first)));
        ensure(formula.is_none(), || format!("a spreadsheet would run a cell of {row:?}"))?;
    }
    Ok(())
}

/// How many lines people would count.
fn lines_of(bytes: &[u8]) -> usize {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    let carriage_returns = bytes.windows(2).filter(|pair| pair[0] == b'\r' && pair[1] != b'\n').count();
    1 + ends + carriage_returns + usize::from(bytes.ends_with(b"\r"))
}
