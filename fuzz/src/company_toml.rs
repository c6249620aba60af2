//! The import file: a company that reads back as it was, or problems by line.

use intervalo::config::Problem;
use intervalo::domain::time::Timestamp;
use intervalo::exchange::round_trip::{Company, LeftOut, from_toml, to_toml, with_toml};

use crate::company::{LATER, NOW};
use crate::told::{ensure, listed, problems};
use crate::{Held, Outcome};

/// What is asked.
pub(crate) struct Subject {
    /// Reads a file where there is nothing yet.
    pub(crate) read: fn(&str, Timestamp) -> Result<Company, Vec<Problem>>,
    /// Writes a company.
    pub(crate) write: fn(&Company) -> String,
}

impl Subject {
    pub(crate) const PRODUCT: Subject = Subject { read: from_toml, write: to_toml };
}

pub(crate) fn hold(input: &[u8], subject: &Subject) -> Held {
    // A file of other characters is refused before it is read as TOML.
    let Ok(text) = std::str::from_utf8(input) else { return Ok(Outcome::Refused) };
    let company = match (subject.read)(text, NOW) {
        Ok(company) => company,
        Err(found) => {
            problems(&found, text.split('\n').count())?;
            return Ok(Outcome::Refused);
        }
    };
    let written = (subject.write)(&company);
    let again = (subject.read)(&written, NOW).map_err(|why| format!("{}\nin {written}", listed(&why)))?;
    ensure(again == company, || format!("{company:?}\nreads back as {again:?}\nfrom {written}"))?;
    // One way of each, the other one for inputs of another length, so that there is time for more inputs.
    let [of_written, of_text] =
        if input.len().is_multiple_of(2) { [LeftOut::Stays, LeftOut::Goes] } else { [LeftOut::Goes, LeftOut::Stays] };
    changes_nothing(&company, &written, of_written)?;
    changes_nothing(&company, text, of_text)?;
    Ok(Outcome::Accepted)
}

/// A file that says of a company what it is leaves it so.
pub(crate) fn changes_nothing(company: &Company, text: &str, left_out: LeftOut) -> Result<(), String> {
    let after = with_toml(company, text, left_out, LATER).map_err(|why| format!("{}\nin {text}", listed(&why)))?;
    ensure(after == *company, || format!("{company:?}\nbecomes {after:?}\nby {text}"))
}
