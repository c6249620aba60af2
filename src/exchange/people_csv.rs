//! People as CSV: one line each, under a header in Portuguese or English.
//!
//! Knows which columns there are and what stands in their cells; what it means beside who is there already is told by
//! `merge`. What it writes it reads again as it was.

use std::collections::{BTreeMap, BTreeSet};

use super::csv_list::{Scanned, escaped, parts_of, scanned, text_of};
use super::csv_text::{Encoding, Separator, decode, marked, separator_of, unclosed_quote, unmarked};
use super::file::{AgentPatch, ImportFile, Stated, TenantPatch, unique};
use super::values;
use crate::config::{At, Problem, Problems, nearest};
use crate::domain::directory::{CAPACITY_MAX, Directory, Person, TEAMS_OF_PERSON_MAX};
use crate::domain::id::{AgentId, ChannelCode, ID_LENGTH_MAX, TeamId, TenantId};

/// The most people of one file: as many as the largest company that is planned for has.
pub(crate) const PEOPLE_MAX: usize = 100_000;

/// The most that is found wrong with one file before the rest of it is left alone: whoever corrects it begins anew then.
const PROBLEMS_FOUND_MAX: usize = 1000;
/// The longest cell of one value, in characters: that of a name.
const CELL_LENGTH_MAX: usize = values::NAME_LENGTH_MAX;
/// The longest cell of several, in characters: the teams of a person, each character of an id behind a backslash.
const LIST_LENGTH_MAX: usize = TEAMS_OF_PERSON_MAX * (2 * ID_LENGTH_MAX + 1);

/// The line that spreadsheets take the separator from; it holds nobody.
const SEPARATOR_LINE: &str = "sep=";

/// What a column says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Id,
    Name,
    Teams,
    Zone,
    Capacity,
    /// When they left: nothing that a file says.
    Left,
}

/// The headers, as [`folded`] writes them. The first of each column is the one that is written.
const HEADERS: [(&str, Column); 21] = [
    ("id", Column::Id),
    ("name", Column::Name),
    ("teams", Column::Teams),
    ("zone", Column::Zone),
    ("capacity", Column::Capacity),
    ("matricula", Column::Id),
    ("codigo", Column::Id),
    ("agente", Column::Id),
    ("agent", Column::Id),
    ("nome", Column::Name),
    ("team", Column::Teams),
    ("equipes", Column::Teams),
    ("equipe", Column::Teams),
    ("times", Column::Teams),
    ("time", Column::Teams),
    ("fuso", Column::Zone),
    ("fusohorario", Column::Zone),
    ("timezone", Column::Zone),
    ("capacidade", Column::Capacity),
    ("left", Column::Left),
    ("saiu", Column::Left),
];

/// How many columns are written.
const COLUMNS_WRITTEN: usize = 5;

/// The people of a file as far as they could be read.
#[derive(Debug)]
pub(crate) struct PeopleRead {
    /// The people, in the order of the file, as a file that says nothing else.
    pub file: ImportFile,
    /// Which characters it was read as, and what is between its cells; none where it could not be read at all.
    pub form: Option<(Encoding, Separator)>,
    /// Everything that is wrong with it by itself, by line.
    pub problems: Vec<Problem>,
}

/// Reads the people of a tenant. Teams may be named by their ids or by what they are called.
pub(crate) fn read_people(bytes: &[u8], directory: &Directory) -> PeopleRead {
    let mut problems = Problems::default();
    let (people, form) = match decode(bytes) {
        Ok((text, encoding)) => {
            let (people, separator) = read_text(&text, &Known::of(directory), &mut problems);
            (people, Some((encoding, separator)))
        }
        Err((line, why)) => {
            problems.add(line, why);
            (Vec::new(), None)
        }
    };
    unique(people.iter().map(|one| (one.id.as_str(), one.line)), "agent", &mut problems);
    PeopleRead { file: people_alone(&directory.tenant.id, people), form, problems: problems.into_sorted() }
}

/// A file that says nothing but who there is.
fn people_alone(tenant: &TenantId, agents: Vec<AgentPatch>) -> ImportFile {
    let tenant = TenantPatch {
        line: 1,
        id: tenant.clone(),
        name: Stated::Absent,
        zone: Stated::Absent,
        business_day_start: None,
        pauses_enabled: None,
        status_on_sign_in: None,
        connection_grace: None,
        resume_within: None,
        abandon_after: None,
        defer_for: None,
        at_defer_deadline: None,
        default_shift: None,
    };
    let (channels, teams, pause_types) = (Vec::new(), Vec::new(), Vec::new());
    ImportFile { tenant, channels, teams, agents, pause_types, entitlement_rules: None }
}

fn read_text(text: &str, known: &Known<'_>, problems: &mut Problems) -> (Vec<AgentPatch>, Separator) {
    // Every end of a line as one character, so that lines are counted as people count them.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (text, first_line, said) = match text.split_once('\n') {
        Some((line, rest)) if line.to_ascii_lowercase().starts_with(SEPARATOR_LINE) => {
            (rest, 2, Some(separator_of(line)))
        }
        Some(_) | None => (text.as_str(), 1, None),
    };
    let separator = said.unwrap_or_else(|| separator_of(text));
    if let Some(line) = unclosed_quote(text, separator) {
        let why = "a quote that begins a cell is not closed; close it, or take it out: in a cell that is quoted, write a quote twice";
        problems.add(first_line + line - 1, why);
        return (Vec::new(), separator);
    }
    let mut rows = Rows::of(text, first_line, separator);
    let Some((line, headers)) = rows.next(problems) else {
        problems.add(1, "the file is empty; its first line names the columns, such as id;name;teams");
        return (Vec::new(), separator);
    };
    let Some(columns) = read_headers(line, &headers, problems) else { return (Vec::new(), separator) };
    let mut people = Vec::new();
    let mut count = 0;
    while let Some((line, cells)) = rows.next(problems) {
        count += 1;
        if count > PEOPLE_MAX {
            problems.add(line, format!("at most {PEOPLE_MAX} people are allowed in one file"));
            break;
        }
        if problems.count() >= PROBLEMS_FOUND_MAX {
            problems.add(line, "so much is wrong above that the file was not read from here on");
            break;
        }
        people.extend(Row { line, cells: &cells, columns: &columns, width: headers.len() }.read(known, problems));
    }
    if count == 0 {
        problems.add(line, "there is nobody in the file");
    }
    (people, separator)
}

/// The rows of a text, each with the line that it begins on; those without anything in them are passed over.
struct Rows<'t> {
    text: &'t str,
    reader: csv::Reader<&'t [u8]>,
    at: usize,
    line: usize,
}

impl<'t> Rows<'t> {
    fn of(text: &'t str, line: usize, separator: Separator) -> Rows<'t> {
        let mut reader = csv::ReaderBuilder::new();
        reader.delimiter(separator.byte()).has_headers(false).flexible(true);
        Rows { text, reader: reader.from_reader(text.as_bytes()), at: 0, line }
    }

    fn next(&mut self, problems: &mut Problems) -> Option<(usize, csv::StringRecord)> {
        let mut record = csv::StringRecord::new();
        loop {
            match self.reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    problems.add(self.line, error.to_string());
                    return None;
                }
            }
            let begins = record.position().and_then(|position| usize::try_from(position.byte()).ok());
            let line = self.line_of(begins.unwrap_or(self.at));
            if record.iter().any(|cell| !cell.trim().is_empty()) {
                return Some((line, record));
            }
        }
    }

    /// The line of a row. The reader's place may be before empty lines that it has passed over.
    fn line_of(&mut self, begins: usize) -> usize {
        let rest = &self.text[begins.min(self.text.len())..];
        let begins = begins + rest.len() - rest.trim_start_matches('\n').len();
        self.line += self.text.as_bytes()[self.at..begins].iter().filter(|byte| **byte == b'\n').count();
        self.at = begins;
        self.line
    }
}

/// Which cell of a row each column is, and what the file calls it.
type Columns = BTreeMap<Column, (usize, String)>;

fn read_headers(line: usize, headers: &csv::StringRecord, problems: &mut Problems) -> Option<Columns> {
    let mut columns: Columns = BTreeMap::new();
    let before = problems.count();
    for (place, header) in headers.iter().map(unmarked).enumerate().filter(|(_, header)| !header.is_empty()) {
        let wanted = folded(header);
        match HEADERS.iter().find(|(name, _)| *name == wanted).map(|(_, column)| *column) {
            Some(Column::Left) => {
                let message = "who leaves is left out of the file, and it is imported with prune";
                problems.add(line, format!("column {header:?}: {message}; take the column out"));
            }
            Some(column) => {
                if let Some((_, first)) = columns.get(&column) {
                    problems.add(line, format!("columns {first:?} and {header:?} say the same; take one of them out"));
                }
                columns.insert(column, (place, header.to_owned()));
            }
            None => {
                let names = HEADERS.iter().map(|(name, _)| *name);
                let hint = match nearest(&wanted, names) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => "known are id, name, teams, zone and capacity".to_owned(),
                };
                problems.add(line, format!("unknown column {header:?}; {hint}"));
            }
        }
    }
    if !columns.contains_key(&Column::Id) {
        problems.add(line, "there is no column \"id\"; the first line names the columns, such as id;name;teams");
    }
    (problems.count() == before).then_some(columns)
}

/// A name without what people write differently: case, accents, spaces and marks.
fn folded(name: &str) -> String {
    let plain = |c: char| match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    };
    name.to_lowercase().chars().map(plain).filter(|c| c.is_alphanumeric()).collect()
}

/// What a person may be told to have: the teams and channels of the tenant.
struct Known<'d> {
    directory: &'d Directory,
    /// Teams by their ids and by what they are called, in lower case.
    called: BTreeMap<String, Vec<&'d TeamId>>,
}

impl<'d> Known<'d> {
    fn of(directory: &'d Directory) -> Known<'d> {
        let mut called: BTreeMap<String, Vec<&TeamId>> = BTreeMap::new();
        for team in directory.teams.values() {
            let names: BTreeSet<String> = [team.id.as_str(), &team.name].map(|name| name.trim().to_lowercase()).into();
            for name in names {
                called.entry(name).or_default().push(&team.id);
            }
        }
        Known { directory, called }
    }

    /// The team of an id, else the one that is called so.
    fn team(&self, wanted: &str) -> Result<TeamId, String> {
        if wanted.chars().count() > CELL_LENGTH_MAX {
            return Err(format!("a team is called by at most {CELL_LENGTH_MAX} characters"));
        }
        if let Some(id) = TeamId::new(wanted).ok().filter(|id| self.directory.teams.contains_key(id)) {
            return Ok(id);
        }
        match self.called.get(&wanted.trim().to_lowercase()).map(Vec::as_slice) {
            Some([one]) => Ok((*one).clone()),
            Some(several) => {
                let ids: Vec<String> = several.iter().map(|id| format!("{id:?}")).collect();
                Err(format!("several teams are called {wanted:?}; write the id, one of {}", ids.join(", ")))
            }
            None => {
                let ids = self.directory.teams.keys().map(TeamId::as_str);
                let names = self.directory.teams.values().map(|team| team.name.as_str());
                let hint = match nearest(wanted, ids.chain(names)) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => "make the team first".to_owned(),
                };
                Err(format!("there is no team {wanted:?}; {hint}"))
            }
        }
    }
}

/// One row, and what its cells are.
struct Row<'r> {
    line: usize,
    cells: &'r csv::StringRecord,
    columns: &'r Columns,
    width: usize,
}

impl Row<'_> {
    fn read(&self, known: &Known<'_>, problems: &mut Problems) -> Option<AgentPatch> {
        let is_over = self.cells.iter().skip(self.width).any(|cell| !cell.trim().is_empty());
        if self.cells.len() < self.width || is_over {
            let (cells, width) = (self.cells.len(), self.width);
            problems.add(self.line, format!("this line has {cells} cells, the first one has {width}"));
            return None;
        }
        let (id, header) = self.cell(Column::Id)?;
        let id = match AgentId::new(id) {
            Ok(id) => id,
            Err(why) => {
                problems.add(self.line, format!("column {header:?}: {why}"));
                return None;
            }
        };
        let line = self.line;
        let name = match self.cell(Column::Name) {
            None => Stated::Absent,
            Some(_) => self.value(Column::Name, &id, values::name, problems).map_or(Stated::Unreadable, Stated::Value),
        };
        let teams = self.value(Column::Teams, &id, |cell| read_teams(cell, known), problems);
        let zone = self.value(Column::Zone, &id, read_zone, problems);
        let capacity = self.value(Column::Capacity, &id, |cell| read_capacity(cell, known), problems);
        let (teams, capacity) = (teams.map(|value| At { value, line }), capacity.map(|value| At { value, line }));
        Some(AgentPatch { line, id, name, teams, zone, capacity })
    }

    /// What stands in a column, and what the file calls it.
    fn cell(&self, column: Column) -> Option<(&str, &str)> {
        let (place, header) = self.columns.get(&column)?;
        Some((unmarked(self.cells.get(*place)?), header))
    }

    fn value<T>(
        &self,
        column: Column,
        id: &AgentId,
        read: impl FnOnce(&str) -> Result<T, String>,
        problems: &mut Problems,
    ) -> Option<T> {
        let (cell, header) = self.cell(column)?;
        let max = match column {
            Column::Id | Column::Name | Column::Zone | Column::Left => CELL_LENGTH_MAX,
            Column::Teams | Column::Capacity => LIST_LENGTH_MAX,
        };
        let length = cell.chars().count();
        let value = if length > max {
            Err(format!("at most {max} characters are allowed, this has {length}"))
        } else {
            read(cell)
        };
        match value {
            Ok(value) => Some(value),
            Err(why) => {
                problems.add(self.line, format!("agent {:?}: column {header:?}: {why}", id.as_str()));
                None
            }
        }
    }
}

fn read_zone(cell: &str) -> Result<Option<chrono_tz::Tz>, String> {
    if cell.is_empty() { Ok(None) } else { values::or_none(values::zone)(cell) }
}

/// Several teams are between `|`, else between commas; a team's name may have commas in it where it stands alone.
fn read_teams(cell: &str, known: &Known<'_>) -> Result<Vec<TeamId>, String> {
    let parts = parts_of(cell);
    let found: Result<Vec<TeamId>, String> = parts.iter().map(|part| known.team(&text_of(part))).collect();
    let teams = match found {
        Ok(teams) => teams,
        Err(why) => match known.team(&text_of(&scanned(cell))) {
            Ok(team) if parts.len() > 1 => vec![team],
            Ok(_) | Err(_) => return Err(why),
        },
    };
    if teams.len() > TEAMS_OF_PERSON_MAX {
        return Err(format!("at most {TEAMS_OF_PERSON_MAX} teams are allowed, these are {}", teams.len()));
    }
    let twice = teams.iter().enumerate().find(|(at, team)| teams[..*at].contains(team));
    twice.map_or(Ok(()), |(_, team)| Err(format!("team {:?} is listed twice", team.as_str())))?;
    Ok(teams)
}

/// `voice=3|chat=2`
fn read_capacity(cell: &str, known: &Known<'_>) -> Result<BTreeMap<ChannelCode, u32>, String> {
    let mut capacity = BTreeMap::new();
    for part in parts_of(cell) {
        let equals = part.iter().rposition(|scanned| *scanned == Scanned::Mark('='));
        let expected = || format!("expected a number by channel, such as voice=1|chat=3, found {cell:?}");
        let (code, count) = equals.map(|at| (&part[..at], &part[at + 1..])).ok_or_else(expected)?;
        let (code, count) = (text_of(code), text_of(count));
        let channel = ChannelCode::new(code.trim()).ok().filter(|code| known.directory.channels.contains_key(code));
        let channel = channel.ok_or_else(|| {
            if code.chars().count() > CELL_LENGTH_MAX {
                return format!("a channel's code has at most {ID_LENGTH_MAX} characters");
            }
            let hint = match nearest(code.trim(), known.directory.channels.keys().map(ChannelCode::as_str)) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => "make the channel first".to_owned(),
            };
            format!("there is no channel {:?}; {hint}", code.trim())
        })?;
        let count = count.trim().parse().ok().filter(|count| *count <= CAPACITY_MAX);
        let count = count.ok_or_else(|| format!("of {:?} expected 0 to {CAPACITY_MAX}", channel.as_str()))?;
        if capacity.insert(channel, count).is_some() {
            return Err(format!("channel {:?} is listed twice", code.trim()));
        }
    }
    Ok(capacity)
}

/// Writes the people who have not left, by id: RFC 4180 in UTF-8, each cell safe in a spreadsheet.
///
/// # Errors
/// None that a writer into memory has.
pub(crate) fn write_people(directory: &Directory, separator: Separator) -> Result<Vec<u8>, csv::Error> {
    let mut bytes = Vec::new();
    let mut writer =
        csv::WriterBuilder::new().delimiter(separator.byte()).terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
    writer.write_record(HEADERS.iter().take(COLUMNS_WRITTEN).map(|(name, _)| name))?;
    for person in directory.agents.values().filter(|person| person.left_at.is_none()) {
        writer.write_record(cells_of(person).map(|cell| marked(&cell)))?;
    }
    writer.flush()?;
    drop(writer);
    Ok(bytes)
}

fn cells_of(person: &Person) -> [String; COLUMNS_WRITTEN] {
    let teams: Vec<String> = person.teams.iter().map(|team| escaped(team.as_str())).collect();
    let capacity = person.capacity.iter().map(|(code, count)| format!("{}={count}", escaped(code.as_str())));
    [
        person.id.to_string(),
        person.name.clone(),
        teams.join("|"),
        person.zone.map(|zone| zone.name().to_owned()).unwrap_or_default(),
        capacity.collect::<Vec<_>>().join("|"),
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::directory::{Channel, Team, Tenant};
    use crate::domain::policy::Policy;
    use crate::domain::time::Timestamp;
    use crate::exchange::{Existing, LeftOut, LeftOuts, Merged, merge_read};

    /// Teams whose ids and names hold whatever may stand in them.
    const TEAMS: [(&str, &str); 6] = [
        ("suporte", "Suporte"),
        ("vendas", "Vendas, Sul"),
        ("n1", "Nível 1"),
        ("n2", "nível 1"),
        ("a|b", "Um ou outro"),
        (r"=x\,", "Fórmula"),
    ];

    fn directory(people: Vec<Person>) -> Directory {
        let tenant = Tenant::new("acme".parse().unwrap(), "Acme".to_owned(), chrono_tz::America::Sao_Paulo);
        let team = |(id, name): (&str, &str)| {
            let id: TeamId = id.parse().unwrap();
            (id.clone(), Team { id, name: name.to_owned(), zone: None })
        };
        let channel = |code: &str| {
            let code: ChannelCode = code.parse().unwrap();
            let name = code.to_string();
            (code.clone(), Channel { code, name, enabled: true, blocks_pause: false, capacity: 1 })
        };
        Directory {
            version: crate::domain::id::DirectoryVersion(1),
            tenant,
            teams: TEAMS.into_iter().map(team).collect(),
            agents: people.into_iter().map(|person| (person.id.clone(), Arc::new(person))).collect(),
            closing: None,
            channels: ["voice", "a=b|c"].into_iter().map(channel).collect(),
        }
    }

    fn person(id: &str, name: &str, teams: &[&str]) -> Person {
        Person {
            id: id.parse().unwrap(),
            name: name.to_owned(),
            teams: teams.iter().map(|team| team.parse().unwrap()).collect(),
            zone: None,
            capacity: BTreeMap::new(),
            left_at: None,
        }
    }

    fn merged(bytes: &[u8], before: &Directory, left_out: impl Into<LeftOuts>) -> Result<Merged, Vec<String>> {
        let read = read_people(bytes, before);
        let policy = Policy::empty();
        let existing = Existing { directory: before, policy: &policy };
        let merged = merge_read(&read.file, read.problems, Some(existing), left_out, Timestamp(1));
        merged.map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    /// The people that a file leads to where there was nobody.
    fn people(text: &str) -> Vec<Person> {
        let merged = merged(text.as_bytes(), &directory(Vec::new()), LeftOut::Stays).unwrap();
        merged.directory.unwrap().agents.into_values().map(Arc::unwrap_or_clone).collect()
    }

    /// What is wrong with a file.
    fn refused(text: &str) -> Vec<String> {
        merged(text.as_bytes(), &directory(Vec::new()), LeftOut::Stays).expect_err("refused")
    }

    #[test]
    fn headers_are_portuguese_or_english_in_any_order_case_and_accents() {
        let ana = Person { zone: Some(chrono_tz::America::Manaus), ..person("ana", "Ana", &["suporte"]) };
        for text in [
            "id,name,teams,zone\nana,Ana,suporte,America/Manaus",
            "Matrícula;NOME;Equipes;Fuso Horário\r\nana;Ana;suporte;America/Manaus\r\n",
            "FUSO_HORARIO\tcódigo\ttime\tnome\rAmerica/Manaus\tana\tSUPORTE\tAna\r",
            "sep=;\nagente;nome;equipe;fuso;;\n ana ; Ana ;suporte;America/Manaus;;\n;;;;;\n",
            "\n\n\"id\",\"Name\",\"Team\",\"time zone\"\n\"ana\",\"Ana\",\"suporte\",\"America/Manaus\"",
        ] {
            assert_eq!(people(text), std::slice::from_ref(&ana), "{text}");
        }
    }

    #[test]
    fn teams_are_named_by_id_or_by_name_one_or_several() {
        for (cell, teams) in [
            ("", &[][..]),
            ("suporte", &["suporte"]),
            ("SUPORTE|um ou outro", &["suporte", "a|b"]),
            ("\"suporte,n1\"", &["suporte", "n1"]),
            ("\"Vendas, Sul\"", &["vendas"]),
            ("\"vendas, sul|n2|\"", &["vendas", "n2"]),
            (r"a\|b", &["a|b"]),
            (r#""'=x\\\,""#, &[r"=x\,"]),
        ] {
            let text = format!("id,name,teams\nana,Ana,{cell}");
            assert_eq!(people(&text), [person("ana", "Ana", teams)], "{cell}");
        }
    }

    #[test]
    fn everything_wrong_is_told_in_one_go_by_line_and_column() {
        let text = "matrícula;nome;equipes;fuso;capacidade\n\
                    ana;Ana;suporti;America/Sao_Paolo;voice=3\n\
                    \n\
                    bia;;Nível 1;;voz=1\n\
                    ana;Ana;n1|n1;;voice\n\
                    ;Ninguém;;;\n\
                    caio;Caio\n\
                    dora;Dora;;;voice=1001;x\n\
                    eva;E\u{1b}va;;;voice=1|voice=2\n";
        let told = refused(text);
        let expected = [
            "line 2: agent \"ana\": column \"equipes\": there is no team \"suporti\"; did you mean \"suporte\"?",
            "line 2: agent \"ana\": column \"fuso\": unknown time zone \"America/Sao_Paolo\"",
            "line 4: agent \"bia\": column \"capacidade\": there is no channel \"voz\"",
            "line 4: agent \"bia\": column \"equipes\": several teams are called \"Nível 1\"; write the id, one of \"n1\", \"n2\"",
            "line 4: agent \"bia\": column \"nome\": expected some text, found none",
            "line 5: agent \"ana\" stands here again; it is already on line 2",
            "line 5: agent \"ana\": column \"capacidade\": expected a number by channel, such as voice=1|chat=3, found \"voice\"",
            "line 5: agent \"ana\": column \"equipes\": team \"n1\" is listed twice",
            "line 6: column \"matrícula\": an id must not be empty",
            "line 7: this line has 2 cells, the first one has 5",
            "line 8: this line has 6 cells, the first one has 5",
            "line 9: agent \"eva\": column \"capacidade\": channel \"voice\" is listed twice",
            "line 9: agent \"eva\": column \"nome\": the character \\u{1b} does not print; take it out",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told}\n{expected}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_told_apart_is_refused_by_its_header() {
        for (text, expected) in [
            ("", "line 1: the file is empty; its first line names the columns, such as id;name;teams"),
            ("id;name\n", "line 1: there is nobody in the file"),
            ("name\nAna", "line 1: there is no column \"id\"; the first line names the columns, such as id;name;teams"),
            ("id;nmae\nana;Ana", "line 1: unknown column \"nmae\"; did you mean \"name\"?"),
            ("id;nome;name\nana;Ana;Ana", "line 1: columns \"nome\" and \"name\" say the same; take one of them out"),
            (
                "\nid;saiu\nana;sim",
                "line 2: column \"saiu\": who leaves is left out of the file, and it is imported with prune; take the column out",
            ),
        ] {
            assert_eq!(refused(text), [expected], "{text}");
        }
        let problems = merged(b"id\n\x81", &directory(Vec::new()), LeftOut::Stays).expect_err("refused");
        assert!(problems[0].starts_with("line 2: the byte 0x81"), "{problems:?}");
        let many = format!("id,name\n{}", "ana,Ana\n".repeat(PEOPLE_MAX + 1));
        let problems = refused(&many);
        assert_eq!(
            problems.last().map(String::as_str),
            Some("line 100002: at most 100000 people are allowed in one file")
        );
    }

    #[test]
    fn what_is_too_long_and_more_than_anybody_corrects_at_once_is_cut_off() {
        let (long, longer) = ("x".repeat(201), "x|".repeat(LIST_LENGTH_MAX));
        let text = format!("id,name,teams,zone\n{long},A,,\na,{long},,\nb,B,{long},\nc,C,{longer},\nd,D,,{long}");
        let told = refused(&text);
        let expected = [
            "line 2: column \"id\": an id may have at most 128 characters, this one has 201",
            "line 3: agent \"a\": column \"name\": at most 200 characters are allowed, this has 201",
            "line 4: agent \"b\": column \"teams\": a team is called by at most 200 characters",
            "line 5: agent \"c\": column \"teams\": at most 16448 characters are allowed, this has 32896",
            "line 6: agent \"d\": column \"zone\": at most 200 characters are allowed, this has 201",
        ];
        assert_eq!(told, expected);
        let many: String = (0..5000).map(|n| format!("a{n},A,nenhum\n")).collect();
        let told = refused(&format!("id,name,teams\n{many}"));
        assert_eq!(told.len(), PROBLEMS_FOUND_MAX + 1);
        assert!(told.last().is_some_and(|last| last.starts_with("line 1002: so much is wrong")), "{:?}", told.last());
    }

    #[test]
    fn windows_1252_is_read_as_what_it_says() {
        let read = read_people(b"id;nome\nana;S\xE3o Jo\xE3o \x96 \x80", &directory(Vec::new()));
        assert_eq!(read.form, Some((Encoding::Windows1252, Separator::Semicolon)));
        assert_eq!(read.file.agents[0].name, Stated::Value("São João – €".to_owned()));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told_by_its_line_and_nothing_else_is() {
        let refused = |text: &str| merged(text.as_bytes(), &directory(Vec::new()), LeftOut::Stays).map(|_| ());
        let why = "a quote that begins a cell is not closed; close it, or take it out: in a cell that is quoted, write a quote twice";
        let broken = "id;name\nana;Ana\nbia;\"Bia\ncaio;Caio\ndora;Dora Reis\n";
        assert_eq!(refused(broken), Err(vec![format!("line 3: {why}")]));
        assert_eq!(refused(&format!("sep=;\n{broken}")), Err(vec![format!("line 4: {why}")]));
        let closed = "id;name\nana;\"Ana\nde Souza\"\nbia;\"Bia \"\"Bi\"\" Reis\"\ncaio;Caio \"Cacá\n";
        let told = refused(closed).expect_err("a name of two lines");
        assert!(told.iter().all(|line| !line.contains("not closed")), "{told:?}");
    }

    #[test]
    fn columns_that_are_left_out_stay_and_whoever_is_left_out_leaves_only_when_pruned() {
        let capacity = BTreeMap::from([("voice".parse().unwrap(), 3)]);
        let ana = Person { capacity, ..person("ana", "Ana", &["n1"]) };
        let before = directory(vec![ana.clone(), person("bia", "Bia", &[])]);
        let file = b"id,teams\nana,suporte";
        let expected = Person { teams: vec!["suporte".parse().unwrap()], ..ana };
        for (left_out, leaves) in [(LeftOut::Stays.into(), false), (LeftOuts::PEOPLE_GO, true)] {
            let after = merged(file, &before, left_out).unwrap().directory.unwrap();
            assert_eq!(*after.agents[&expected.id], expected);
            assert_eq!(after.agents[&"bia".parse().unwrap()].left_at.is_some(), leaves);
            assert_eq!((&after.teams, &after.channels), (&before.teams, &before.channels));
        }
        let new = merged(b"id,teams\ncaio,n1", &before, LeftOut::Stays).expect_err("refused");
        assert_eq!(new, ["line 2: agent \"caio\": `name` is missing; a new agent needs one"]);
    }

    fn any_person() -> impl Strategy<Value = Person> {
        let id = "[a-zé=+@'|,;-]([ a-z=|,;\"'-]{0,6}[a-z=|,;\"'-])?";
        let name = "[ a-zã=+@'|,;\"-]{0,6}[a-z=;,\"'][ ']?";
        let teams = proptest::sample::subsequence(TEAMS.map(|(id, _)| id).to_vec(), 0..=TEAMS.len()).prop_shuffle();
        let zone = proptest::option::of(Just(chrono_tz::America::Manaus));
        let capacity = proptest::collection::btree_map(
            proptest::sample::select(vec!["voice", "a=b|c"]).prop_map(|code| code.parse::<ChannelCode>().unwrap()),
            0..=CAPACITY_MAX,
            0..3,
        );
        (id, name, teams, zone, capacity).prop_map(|(id, name, teams, zone, capacity)| Person {
            zone,
            capacity,
            ..person(&id, &name, &teams)
        })
    }

    proptest! {
        #[test]
        fn any_people_are_read_as_they_were_written(
            people in proptest::collection::vec(any_person(), 1..12),
            is_semicolon in any::<bool>(),
        ) {
            let there = directory(people);
            let separator = if is_semicolon { Separator::Semicolon } else { Separator::Comma };
            let bytes = write_people(&there, separator).unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap();
            // On top of themselves they change nothing, and where there was nobody they are all there.
            let again = merged(&bytes, &there, LeftOuts::PEOPLE_GO);
            prop_assert_eq!(again.map(|merged| merged.difference.changes), Ok(Vec::new()), "{}", text);
            let fresh = merged(&bytes, &directory(Vec::new()), LeftOut::Stays).unwrap();
            prop_assert_eq!(fresh.directory.map(|fresh| fresh.agents), Some(there.agents), "{}", text);
        }
    }
}
