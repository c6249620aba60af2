//! The register of limits, held against what is kept in the source, its constants, its settings and its figures.

use std::collections::BTreeSet;

use crate::kept::places;
use crate::tree::{SourceFile, Violation};

/// A row of the register.
struct Row {
    line: usize,
    cells: Vec<String>,
}

/// The rows of all tables of the register whose first column is called `where`.
fn rows(register: &SourceFile) -> Vec<Row> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (line, text) in (1..).zip(register.text.lines()) {
        let Some(row) = text.strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            inside = false;
            continue;
        };
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        if inside && !cells[0].starts_with('-') {
            found.push(Row { line, cells });
        } else if cells[0] == "where" {
            inside = true;
        }
    }
    found
}

/// What stands between backquotes, each with what follows it.
fn quoted(cell: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = cell.split('`').collect();
    (1..parts.len()).step_by(2).map(|at| (parts[at], parts.get(at + 1).copied().unwrap_or_default())).collect()
}

/// Every place that the register leaves out, and everything that it says which is not so.
pub(crate) fn violations(register: &SourceFile, files: &[SourceFile]) -> Vec<Violation> {
    let (places, rows) = (places(files), rows(register));
    let named: BTreeSet<&str> = rows.iter().flat_map(|row| quoted(&row.cells[0])).map(|(name, _)| name).collect();
    let unlisted = places.iter().filter(|place| !named.contains(place.name.as_str()));
    let mut found: Vec<Violation> = unlisted
        .map(|place| Violation {
            path: place.path.clone(),
            line: place.line,
            what: format!(
                "`{}` is kept and has no row in {}: give it a cap and say what happens at it",
                place.name, register.path
            ),
        })
        .collect();
    for row in &rows {
        if row.cells.len() != 5 || row.cells.iter().any(String::is_empty) {
            found.push(register.violation(row.line, "is no row of five cells that say something"));
            continue;
        }
        for (name, _) in quoted(&row.cells[0]) {
            if !places.iter().any(|place| place.name == name) {
                found.push(register.violation(row.line, format!("there is no `{name}` that is kept")));
            }
        }
        found.extend(caps(&row.cells[2], files).into_iter().map(|what| register.violation(row.line, what)));
        let figures = quoted(&row.cells[4]);
        if figures.is_empty() {
            found.push(register.violation(row.line, "names no figure"));
        }
        for (figure, _) in figures {
            if !is_counted(figure, files) {
                found.push(register.violation(row.line, format!("nothing counts `{figure}`")));
            }
        }
    }
    found
}

/// What a cap says that is not so: constants by their module, each with its value, and settings.
fn caps(cell: &str, files: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, after) in quoted(cell) {
        let Some((module, constant)) = name.rsplit_once("::") else {
            let is_setting = files
                .iter()
                .any(|file| file.path == "src/config/settings.rs" && file.text.contains(&format!("\"{name}\"")));
            if !is_setting {
                found.push(format!("there is no setting `{name}`"));
            }
            continue;
        };
        let said: String =
            after.trim_start_matches(" = ").chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
        let said: Option<u64> = said.replace(',', "").parse().ok().filter(|_| after.starts_with(" = "));
        match value_of(module, constant, files) {
            None => found.push(format!("there is no constant `{name}` with a value that can be read")),
            Some(value) if said != Some(value) => {
                found.push(format!("`{name}` is {value}; write `` `{name}` = {value} ``"));
            }
            Some(_) => {}
        }
    }
    found
}

/// The value of a constant of a module: numbers, products and shifts of them, and other constants of the module or of a name
/// that there is once.
fn value_of(module: &str, constant: &str, files: &[SourceFile]) -> Option<u64> {
    let before = if module.is_empty() { "pub " } else { "" };
    let head = format!("{before}const {constant}: ");
    let inside = |file: &&SourceFile| file.path.starts_with("src/") && file.text.contains(&head);
    let place = format!("src/{}", module.replace("::", "/"));
    let of_module = |file: &&SourceFile| file.path == format!("{place}.rs") || file.path == format!("{place}/mod.rs");
    let with_it: Vec<&SourceFile> = files.iter().filter(inside).collect();
    let file = with_it.iter().copied().find(|file| of_module(file)).or(match with_it[..] {
        [only] if module.is_empty() => Some(only),
        _ => None,
    })?;
    let rest = file.text.split(&head).nth(1)?;
    let (_, written) = rest.split(';').next()?.split_once('=')?;
    if let Some((number, by)) = written.split_once("<<") {
        return Some(number_of(number, module, files)? << number_of(by, module, files)?);
    }
    written.split('*').try_fold(1, |product: u64, factor| product.checked_mul(number_of(factor, module, files)?))
}

fn number_of(written: &str, module: &str, files: &[SourceFile]) -> Option<u64> {
    let word = written.trim().split(" as ").next()?.trim();
    match word.replace('_', "").parse() {
        Ok(number) => Some(number),
        Err(_) if word.chars().all(|c| c.is_ascii_uppercase() || c == '_') => {
            value_of(module, word, files).or_else(|| value_of("", word, files))
        }
        Err(_) => None,
    }
}

/// True for a figure that the source counts, under the label that is named, where one is.
fn is_counted(figure: &str, files: &[SourceFile]) -> bool {
    let (name, label) = match figure.split_once('{') {
        Some((name, label)) => (name, label.trim_end_matches('}').split_once('=')),
        None => (figure, None),
    };
    let quoted = |text: &str| format!("\"{text}\"");
    let of_source = || files.iter().filter(|file| file.path.starts_with("src/"));
    let names = |word: &str| of_source().any(|file| file.text.contains(&quoted(word)));
    let in_limits = |value: &str| {
        of_source().any(|file| file.path == "src/limits.rs" && file.text.contains(&format!(" = {value},")))
    };
    name.starts_with("intervalo_")
        && names(name)
        && label.is_none_or(|(key, value)| match name {
            "intervalo_limits_reached_total" => key == "limit" && in_limits(value),
            "intervalo_kept" => key == "what" && in_limits(value),
            _ => names(key) && names(value.trim_matches('"')),
        })
}

/// Every figure that the product counts and nobody describes, and every one that is described and not counted.
pub(crate) fn undescribed(files: &[SourceFile]) -> Vec<Violation> {
    const DESCRIBED: &str = "src/telemetry/known.rs";
    let figures = |file: &SourceFile| -> Vec<(usize, String)> {
        let lines = (1..).zip(file.text.lines());
        let of_line = |(line, text): (usize, &str)| {
            let words = text.split('"').skip(1).step_by(2).filter(|word| word.starts_with("intervalo_"));
            words.map(|word| (line, word.to_owned())).collect::<Vec<_>>()
        };
        lines.take_while(|(_, text)| !text.contains("#[cfg(test)]")).flat_map(of_line).collect()
    };
    let source = files.iter().filter(|file| file.path.starts_with("src/") && file.is_rust());
    let (known, counting): (Vec<_>, Vec<_>) = source.partition(|file| file.path == DESCRIBED);
    let described: Vec<(usize, String)> = known.iter().flat_map(|file| figures(file)).collect();
    let is_name = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let mut found = Vec::new();
    let mut counted: BTreeSet<String> = BTreeSet::new();
    for file in counting {
        for (line, figure) in figures(file).into_iter().filter(|(_, word)| is_name(word)) {
            if file.path != "src/limits.rs" && !described.iter().any(|(_, name)| *name == figure) {
                found.push(file.violation(line, format!("`{figure}` is not described in {DESCRIBED}")));
            }
            counted.insert(figure);
        }
    }
    let idle = described.iter().filter(|(_, name)| !counted.contains(name));
    found.extend(idle.flat_map(|(line, name)| {
        known.iter().map(move |file| file.violation(*line, format!("nothing counts `{name}`")))
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "| where | holds | cap | at the cap | metric |\n|---|---|---|---|---|\n";

    fn source(path: &str, text: &str) -> SourceFile {
        SourceFile::new(path, text)
    }

    fn check(row: &str) -> Vec<String> {
        let files = [
            source(
                "src/a.rs",
                "pub const MOST: usize = 4 * 1_024; const TWICE: usize = 2 * SHARDS as usize; struct A { all: Mutex<Vec<u8>> }\nfn f() { counter!(\"intervalo_a_total\"); }",
            ),
            source("src/b.rs", "pub const SHARDS: u16 = 1 << 8;"),
            source("src/limits.rs", "Mailbox = \"mailbox\",\n const N: &str = \"intervalo_limits_reached_total\""),
            source("src/config/settings.rs", "\"max_connections\""),
        ];
        let register = source("docs/limits.md", &format!("{HEAD}{row}\n"));
        violations(&register, &files).into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn a_row_that_is_true_passes() {
        let figures = "`intervalo_a_total`, `intervalo_limits_reached_total{limit=\"mailbox\"}`";
        let caps = "`a::MOST` = 4,096, `a::TWICE` = 512, `max_connections`";
        assert_eq!(check(&format!("| `a::A.all` | all | {caps} | refused | {figures} |")), Vec::<String>::new());
    }

    #[test]
    fn what_has_no_row_and_what_a_row_makes_up_is_found() {
        let missing = |row: &str, what: &str| {
            let found = check(row);
            assert!(found.iter().any(|found| found.contains(what)), "{row}: {found:?}");
        };
        missing("", "`a::A.all` is kept and has no row in docs/limits.md");
        missing("| `a::A.none` | all | 1 | no | `intervalo_a_total` |", "there is no `a::A.none` that is kept");
        missing("| `a::A.all` | all | `a::NONE` = 1 | no | `intervalo_a_total` |", "there is no constant `a::NONE`");
        missing("| `a::A.all` | all | `a::MOST` = 5 | no | `intervalo_a_total` |", "`a::MOST` is 4096");
        missing("| `a::A.all` | all | `a::MOST` | no | `intervalo_a_total` |", "`a::MOST` is 4096");
        missing("| `a::A.all` | all | `max_none` | no | `intervalo_a_total` |", "there is no setting `max_none`");
        missing("| `a::A.all` | all | 1 | no | `intervalo_none_total` |", "nothing counts `intervalo_none_total`");
        missing(
            "| `a::A.all` | all | 1 | no | `intervalo_limits_reached_total{limit=\"none\"}` |",
            "nothing counts `intervalo_limits_reached_total{limit=\"none\"}`",
        );
        missing("| `a::A.all` | all | 1 | no | none |", "names no figure");
        missing("| `a::A.all` | all | 1 | | `intervalo_a_total` |", "is no row of five cells");
    }

    #[test]
    fn figures_that_nobody_describes_are_found() {
        let files = [
            source("src/a.rs", "counter!(\"intervalo_a_total\"); counter!(\"intervalo_b_total\")"),
            source("src/telemetry/known.rs", "(\"intervalo_a_total\", \"says\"), (\"intervalo_c_total\", \"says\")"),
        ];
        let found: Vec<String> = undescribed(&files).into_iter().map(|one| one.what).collect();
        let expected =
            ["`intervalo_b_total` is not described in src/telemetry/known.rs", "nothing counts `intervalo_c_total`"];
        assert_eq!(found, expected);
    }
}
