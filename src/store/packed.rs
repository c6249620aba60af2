//! Many states in one text, as the database puts them together: a row of its own costs more on its way here than
//! what is in it. Lengths stand before what they measure, so that no content can be taken for a border.

use std::cell::RefCell;

use super::decode::{FoundPerson, References, decode_state_of, erased};
use super::reading::{Bind, OneTenant, damaged};
use super::row::StateRowForm;
use super::sql::Sql;
use super::stored::{FormError, Hash, PersonId, Resolve, erased_host_id};
use crate::domain::id::AgentId;
use crate::ports::{ReadError, StateRow};

/// How many states are read at once: a quarter of a megabyte or so.
const CHUNK_STATES: i64 = 500;

/// Some states of a tenant, packed, in the order of their internal ids.
pub(crate) struct Chunk {
    packed: String,
    /// The last one.
    pub(crate) last: PersonId,
}

/// The states after one, with the people that they are of; none when there are no more.
pub(crate) async fn next_chunk(reading: &mut OneTenant<'_>, after: PersonId) -> Result<Option<Chunk>, ReadError> {
    // Each: 32 digits of the internal id, the numbers `last_seq`, `form`, and the lengths in bytes of the three
    // texts, each followed by a comma; then the texts. The length of what is not there is empty.
    const CHUNK: Sql = Sql::each(
        "SELECT group_concat(concat(
            lower(hex(person)), last_seq, ',', form, ',', octet_length(body), ',', octet_length(host_id), ',',
            octet_length(name), ',', body, host_id, name), ''), max(person)
         FROM (SELECT s.person, s.last_seq, s.form, s.body, p.host_id, p.name
               FROM states AS s LEFT JOIN people AS p ON p.tenant = $1 AND p.id = s.person
               WHERE s.tenant = $1 AND s.person > $2 ORDER BY s.person LIMIT $3)",
        "SELECT concat(
            encode(s.person, 'hex'), s.last_seq, ',', s.form, ',', octet_length(s.body), ',', octet_length(p.host_id),
            ',', octet_length(p.name), ',', s.body, p.host_id, p.name), s.person
         FROM states AS s LEFT JOIN people AS p ON p.tenant = $1 AND p.id = s.person
         WHERE s.tenant = $1 AND s.person > $2 ORDER BY s.person LIMIT $3",
    );
    let place = format!("the states of tenant {}", reading.tenant());
    let binds = [Bind::Bytes(&after.0), Bind::Number(CHUNK_STATES)];
    let (mut packed, mut last) = (String::new(), None);
    for row in reading.all(CHUNK, &binds).await? {
        if let Some(text) = row.optional_text(0, &place)? {
            // SQLite's only row is taken as it is.
            packed = if packed.is_empty() { text } else { packed + &text };
            last = row.optional_person(1, &place)?;
        }
    }
    Ok(last.map(|last| Chunk { packed, last }))
}

/// A chunk, decoded.
#[derive(Default)]
pub(crate) struct Decoded {
    pub(crate) people: Vec<(PersonId, FoundPerson)>,
    pub(crate) states: Vec<(PersonId, StateRow)>,
    pub(crate) undecided: Vec<Undecided>,
}

/// A state that refers to what is not at hand: texts, and people who are neither its own nor at hand.
pub(crate) struct Undecided {
    pub(crate) row: StateRowForm,
    pub(crate) people: Vec<PersonId>,
    pub(crate) texts: Vec<Hash>,
}

/// Decodes a chunk; `others` are people whom states may refer to besides their own.
///
/// # Errors
/// [`ReadError::Damaged`] with the first state that does not read.
pub(crate) fn decode_chunk(tenant: &str, chunk: &Chunk, others: &References) -> Result<Decoded, ReadError> {
    let mut decoded = Decoded::default();
    let mut rest = chunk.packed.as_str();
    while !rest.is_empty() {
        let packed = take_packed(&mut rest)
            .ok_or_else(|| damaged(&format!("the states of tenant {tenant}"), "they are not packed as asked for"))?;
        let Packed { person, last_seq, form, body, host_id, name } = packed;
        let own = host_id.map(|host_id| FoundPerson::new(host_id.to_owned(), name.map(str::to_owned)));
        let near = Near { person, own: own.as_ref(), others, missed: RefCell::default() };
        let state = decode_state_of(person, last_seq, form, body, &near)
            .map_err(|error| damaged(&format!("state {tenant}/{person}"), &error.to_string()))?;
        let Missed { people, texts } = near.missed.into_inner();
        if people.is_empty() && texts.is_empty() {
            decoded.states.push((person, state));
        } else {
            let row = StateRowForm { tenant: tenant.to_owned(), person, last_seq, form, body: body.to_owned() };
            decoded.undecided.push(Undecided { row, people, texts });
        }
        decoded.people.extend(own.map(|own| (person, own)));
    }
    Ok(decoded)
}

/// One state, where it lies in the text.
struct Packed<'a> {
    person: PersonId,
    last_seq: i64,
    form: i64,
    body: &'a str,
    host_id: Option<&'a str>,
    name: Option<&'a str>,
}

/// Takes the first state off; none when it is not packed as asked for.
fn take_packed<'a>(rest: &mut &'a str) -> Option<Packed<'a>> {
    let person = PersonId::from_hex(take(rest, PersonId::DIGITS)?)?;
    let (last_seq, form) = (take_word(rest)?.parse().ok()?, take_word(rest)?.parse().ok()?);
    let body: usize = take_word(rest)?.parse().ok()?;
    let mut length = || -> Option<Option<usize>> {
        let word = take_word(rest)?;
        if word.is_empty() { Some(None) } else { word.parse().ok().map(Some) }
    };
    let (host_id, name) = (length()?, length()?);
    let body = take(rest, body)?;
    let mut optional = |length: Option<usize>| match length {
        Some(length) => take(rest, length).map(Some),
        None => Some(None),
    };
    Some(Packed { person, last_seq, form, body, host_id: optional(host_id)?, name: optional(name)? })
}

fn take<'a>(rest: &mut &'a str, bytes: usize) -> Option<&'a str> {
    let (taken, left) = rest.split_at_checked(bytes)?;
    *rest = left;
    Some(taken)
}

/// Takes what stands before the next comma.
fn take_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (word, left) = rest.split_once(',')?;
    *rest = left;
    Some(word)
}

/// Finds a state's own person and those at hand, and takes note of what else is asked for.
struct Near<'a> {
    person: PersonId,
    own: Option<&'a FoundPerson>,
    others: &'a References,
    missed: RefCell<Missed>,
}

#[derive(Default)]
struct Missed {
    people: Vec<PersonId>,
    texts: Vec<Hash>,
}

impl Near<'_> {
    fn found(&self, person: PersonId) -> Option<&FoundPerson> {
        if person == self.person {
            return self.own;
        }
        let found = self.others.people.get(&person);
        if found.is_none() {
            self.missed.borrow_mut().people.push(person);
        }
        found
    }
}

impl Resolve for Near<'_> {
    fn host_id(&self, person: PersonId) -> String {
        self.found(person).map_or_else(|| erased_host_id(person), FoundPerson::host_id)
    }

    fn agent(&self, person: PersonId) -> Result<AgentId, FormError> {
        self.found(person).map_or_else(|| erased(person), FoundPerson::agent)
    }

    fn name(&self, person: PersonId) -> String {
        self.found(person).map(FoundPerson::name).unwrap_or_default()
    }

    fn text(&self, hash: Hash) -> Option<String> {
        self.missed.borrow_mut().texts.push(hash);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_states_are_told_apart_by_their_lengths_alone() {
        let digits = "0123456789abcdef0123456789abcdef";
        let text = format!("{digits}7,1,6,3,5,{{,é,}}anaA,n,\u{0}{digits}8,1,2,,,{{}}");
        let mut rest = text.as_str();
        let first = take_packed(&mut rest).expect("a state");
        assert_eq!((first.last_seq, first.form, first.body), (7, 1, "{,é,}"));
        assert_eq!((first.host_id, first.name), (Some("ana"), Some("A,n,\u{0}")));
        let second = take_packed(&mut rest).expect("another");
        assert_eq!((second.last_seq, second.body, second.host_id, second.name), (8, "{}", None, None));
        assert_eq!(rest, "");
    }

    #[test]
    fn what_is_not_packed_as_asked_for_is_no_state() {
        let digits = "0123456789abcdef0123456789abcdef";
        for text in ["", "0123", &format!("{digits}1,1,99,,,{{}}"), &format!("{digits}1,x,2,,,{{}}"), digits] {
            assert!(take_packed(&mut { text }).is_none(), "{text}");
        }
        // A length that ends within a character.
        assert!(take_packed(&mut format!("{digits}1,1,1,,,é").as_str()).is_none());
    }
}
