//! Documents that promise are held to it: the code map, the promises and their tests, the changelog, the
//! sections that code cites, the numbers of migrations, the locked dependencies.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexer;
use crate::tree::{SourceFile, Violation};

/// The names between backquotes at the start of the rows of the table under a heading, up to the next heading.
fn first_cells(document: &SourceFile, heading: &str) -> Vec<(usize, String)> {
    let mut inside = false;
    let mut cells = Vec::new();
    for (number, line) in (1..).zip(document.text.lines()) {
        if line.starts_with('#') {
            inside = line.trim_start_matches('#').trim() == heading;
        } else if inside && let Some(cell) = line.strip_prefix('|').and_then(|row| row.split('|').next()) {
            let name = cell.trim().trim_matches('`').trim_end_matches('/');
            if !name.is_empty() && !name.starts_with('-') {
                cells.push((number, name.to_owned()));
            }
        }
    }
    // The first row of a table is its head.
    cells.into_iter().skip(1).collect()
}

/// The code map names every top-level module, and no other.
pub(crate) fn code_map(architecture: &SourceFile, modules: &BTreeSet<String>) -> Vec<Violation> {
    let rows = first_cells(architecture, "Code map");
    let mapped: BTreeSet<&str> = rows.iter().map(|(_, name)| name.as_str()).collect();
    let missing = modules.iter().filter(|module| !mapped.contains(module.as_str()));
    let mut found: Vec<Violation> =
        missing.map(|module| architecture.violation(1, format!("the code map leaves `{module}` out"))).collect();
    let stale = rows.iter().filter(|(_, name)| !modules.contains(name));
    found.extend(stale.map(|(line, name)| architecture.violation(*line, format!("there is no module `{name}`"))));
    found
}

/// The ids of the promises that tests name: `fn promise_d1_…` is `D1`.
fn promises_tested(files: &[SourceFile]) -> BTreeMap<String, Violation> {
    let mut tested = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let tokens = lexer::lex(&file.text).tokens;
        for pair in tokens.windows(2).filter(|pair| pair[0].is("fn")) {
            let id =
                pair[1].ident().and_then(|name| name.strip_prefix("promise_")).and_then(|rest| rest.split('_').next());
            if let Some(id) = id {
                let id = id.to_uppercase();
                let unlisted =
                    file.violation(pair[1].line, format!("a test names {id}, which is not listed as checked"));
                tested.entry(id).or_insert(unlisted);
            }
        }
    }
    tested
}

/// Every promise that is listed as checked has a test of its name, and every such test is listed.
pub(crate) fn promises(document: &SourceFile, files: &[SourceFile]) -> Vec<Violation> {
    let listed = first_cells(document, "Checked");
    let tested = promises_tested(files);
    let mut found: Vec<Violation> = listed
        .iter()
        .filter(|(_, id)| !tested.contains_key(id))
        .map(|(line, id)| {
            document.violation(
                *line,
                format!("{id} is listed as checked, but no test is named promise_{}_…", id.to_lowercase()),
            )
        })
        .collect();
    found.extend(
        tested.into_iter().filter(|(id, _)| !listed.iter().any(|(_, l)| l == id)).map(|(_, unlisted)| unlisted),
    );
    found
}

/// The sections of Keep a Changelog.
const CHANGES: &[&str] = &["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

/// The changelog begins with what is unreleased, and keeps to the known sections.
pub(crate) fn changelog(document: &SourceFile) -> Vec<Violation> {
    let mut found = Vec::new();
    let versions: Vec<&str> = document.text.lines().filter(|line| line.starts_with("## ")).collect();
    if versions.first() != Some(&"## [Unreleased]") {
        found.push(document.violation(1, "does not begin with `## [Unreleased]`"));
    }
    for (number, line) in (1..).zip(document.text.lines()) {
        if let Some(section) = line.strip_prefix("### ")
            && !CHANGES.contains(&section)
        {
            found.push(document.violation(number, format!("`{section}` is no section of Keep a Changelog")));
        }
    }
    found
}

/// Every `semantics §N` in a comment is a section of the semantics.
pub(crate) fn citations(semantics: &SourceFile, files: &[SourceFile]) -> Vec<Violation> {
    let sections: BTreeSet<&str> = semantics
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("## ")?.split_once('.').map(|(number, _)| number))
        .collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.path.starts_with("tests/tidy")) {
        for comment in lexer::lex(&file.text).comments {
            for cited in comment.text.split("semantics §").skip(1) {
                let number: String = cited.chars().take_while(char::is_ascii_digit).collect();
                if !sections.contains(number.as_str()) {
                    found.push(file.violation(comment.line, format!("cites semantics §{number}, which there is not")));
                }
            }
        }
    }
    found
}

/// Every document that a comment or another document points to exists.
pub(crate) fn documents_named(files: &[SourceFile]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !file.path.starts_with("tests/tidy")) {
        let lines: Vec<(usize, String)> = if file.is_rust() {
            lexer::lex(&file.text).comments.into_iter().map(|comment| (comment.line, comment.text)).collect()
        } else if file.path.ends_with(".md") {
            (1..).zip(file.text.lines().map(String::from)).collect()
        } else {
            continue;
        };
        for (number, line) in lines {
            for rest in line.split("docs/").skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || "-_.".contains(*c)).collect();
                let path = format!("docs/{}", name.trim_end_matches('.'));
                if path.ends_with(".md") && !files.iter().any(|other| other.path == path) {
                    found.push(file.violation(number, format!("points to {path}, which there is not")));
                }
            }
        }
    }
    found
}

/// Migrations are numbered 1, 2, 3 … in every folder.
pub(crate) fn migrations(files: &[SourceFile]) -> Vec<Violation> {
    let mut next: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("migrations/") && file.path.ends_with(".sql")) {
        let Some((folder, name)) = file.path.rsplit_once('/') else { continue };
        let expected = next.entry(folder).or_insert(1);
        if !name.starts_with(&format!("{expected:04}_")) {
            found.push(file.violation(1, format!("the next migration of {folder} is {expected:04}_…")));
        }
        *expected += 1;
    }
    found
}

/// Every piece of code under a line that ends in a file of the tests and a colon stands in that file, up to its
/// indentation, so that what documents show is what is run.
pub(crate) fn excerpts(files: &[SourceFile]) -> Vec<Violation> {
    let mut found = Vec::new();
    for document in files.iter().filter(|file| file.path.ends_with(".md")) {
        let mut source: Option<&str> = None;
        let mut lines = (1..).zip(document.text.lines());
        while let Some((number, line)) = lines.next() {
            if line.starts_with("```") {
                let code: Vec<&str> =
                    lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
                let Some(path) = source.take() else { continue };
                match files.iter().find(|file| file.path == path) {
                    None => {
                        found.push(document.violation(number, format!("is said to be from {path}, which there is not")))
                    }
                    Some(file) if stands_in(&code, &file.text) => {}
                    Some(_) => found.push(document.violation(number, format!("does not stand in {path}"))),
                }
            } else if !line.is_empty() {
                source = line.strip_suffix("`:").and_then(|line| line.rsplit('`').next());
                source = source.filter(|path| path.starts_with("tests/"));
            }
        }
    }
    found
}

/// True when the lines stand in the text one after the other, all as much further to the right as the first.
fn stands_in(code: &[&str], text: &str) -> bool {
    let text: Vec<&str> = text.lines().collect();
    let Some(first) = code.first() else { return false };
    text.windows(code.len()).any(|window| {
        window[0].strip_suffix(first).is_some_and(|indent| {
            let same = |(line, wanted): (&&str, &&str)| line.strip_prefix(indent).unwrap_or(line) == *wanted;
            indent.trim().is_empty() && window.iter().zip(code).all(same)
        })
    })
}

/// Crates that may not be built (the reasons stand in `deny.toml`).
const BANNED: &[&str] = &["native-tls", "openssl", "openssl-sys", "ring", "rsa"];
/// Of these, what the lock file lists although nothing builds it: rustls' certificate checker names `ring` in a
/// feature that takes effect only where something else has asked for it. [`built`] sees that nothing does.
const LOCKED_ONLY: &[&str] = &["ring"];
/// Crates of which there may be only one version.
const SINGLE: &[&str] = &["tokio", "tokio-tungstenite", "tungstenite", "hyper", "http", "sqlx"];

/// What the lock file may not hold: banned crates, two versions of some, other sources than crates.io.
pub(crate) fn locked(lock: &SourceFile) -> Vec<Violation> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    for (number, line) in (1..).zip(lock.text.lines()) {
        if let Some(name) = line.strip_prefix("name = ").map(|name| name.trim_matches('"')) {
            if BANNED.contains(&name) && !LOCKED_ONLY.contains(&name) {
                found.push(lock.violation(number, format!("`{name}` is banned by deny.toml")));
            }
            if !seen.insert(name.to_owned()) && SINGLE.contains(&name) {
                found.push(lock.violation(number, format!("there are two versions of `{name}`")));
            }
        }
        if let Some(source) = line.strip_prefix("source = ")
            && source != "\"registry+https://github.com/rust-lang/crates.io-index\""
        {
            found.push(lock.violation(number, format!("comes from {source}, not from crates.io")));
        }
    }
    found
}

/// What is built, by the lines `NAME vVERSION …` of `cargo tree`, may not hold a banned crate.
pub(crate) fn built(tree: &SourceFile) -> Vec<Violation> {
    let names = (1..).zip(tree.text.lines().map(|line| line.split(' ').next().unwrap_or_default()));
    names
        .filter(|(_, name)| BANNED.contains(name))
        .map(|(number, name)| tree.violation(number, format!("`{name}` is banned by deny.toml")))
        .collect()
}

/// Every `--test NAME` in documents and recipes exists.
pub(crate) fn named_tests(documents: &[&SourceFile], files: &[SourceFile]) -> Vec<Violation> {
    let mut found = Vec::new();
    for document in documents {
        for (number, line) in (1..).zip(document.text.lines()) {
            for named in line.split("--test ").skip(1) {
                let name: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let paths = [format!("tests/{name}.rs"), format!("tests/{name}/main.rs")];
                if !name.is_empty() && !files.iter().any(|file| paths.contains(&file.path)) {
                    found.push(document.violation(number, format!("there is no test `{name}`")));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile::new(path, text)
    }

    #[test]
    fn code_that_is_not_what_the_tests_run_is_found() {
        let source = "def a():\n    if b:\n\n        c()\n    d()\n";
        let shown = |path: &str, code: &str| {
            let document = format!("Before, from\n`{path}`:\n\n```python\n{code}\n```\n\n```\nfree\n```\n");
            let files = [file("docs/x.md", &document), file("tests/y.py", source)];
            excerpts(&files).into_iter().map(|violation| (violation.line, violation.what)).collect::<Vec<_>>()
        };
        assert_eq!(shown("tests/y.py", "if b:\n\n    c()\nd()"), []);
        for other in ["if b:\n\n    e()", "if b:\n    c()", "if b:\n\nc()", "f b:", "d()\ne()"] {
            assert_eq!(shown("tests/y.py", other), [(4, "does not stand in tests/y.py".to_owned())], "{other}");
        }
        assert_eq!(shown("tests/z.py", "d()"), [(4, "is said to be from tests/z.py, which there is not".to_owned())]);
        assert_eq!(shown("README.md", "anything"), []);
    }

    #[test]
    fn a_code_map_that_is_not_true_is_found() {
        let map = "# A\n## Code map\n| module | what |\n|---|---|\n| `domain/` | x |\n| `ghost` | y |\n## Next\n| `actor` | z |\n";
        let modules = ["domain", "actor"].map(String::from).into();
        let found: Vec<String> =
            code_map(&file("ARCHITECTURE.md", map), &modules).into_iter().map(|v| v.what).collect();
        assert_eq!(found, ["the code map leaves `actor` out", "there is no module `ghost`"]);
    }

    #[test]
    fn a_promise_without_a_test_and_a_test_without_a_promise_are_found() {
        let document = file(
            "docs/promises.md",
            "## Checked\n| id | what |\n|---|---|\n| D1 | x |\n| D3 | y |\n## Not yet\n| D2 | z |\n",
        );
        let tests = [
            file("tests/a.rs", "fn promise_d1_nothing_is_lost() {} fn promise_v1_converges() {}"),
            file(
                "tests/b.rs",
                "// fn promise_d3_in_a_comment() {}\nconst A: &str = \"fn promise_d3_in_a_string() {}\";",
            ),
        ];
        let found: Vec<String> = promises(&document, &tests).into_iter().map(|v| v.what).collect();
        assert_eq!(
            found,
            [
                "D3 is listed as checked, but no test is named promise_d3_…",
                "a test names V1, which is not listed as checked"
            ]
        );
    }

    #[test]
    fn a_changelog_of_another_shape_is_found() {
        assert!(changelog(&file("CHANGELOG.md", "# C\n\n## [Unreleased]\n\n### Added\n")).is_empty());
        assert_eq!(changelog(&file("CHANGELOG.md", "# C\n\n## 1.0\n\n### Misc\n")).len(), 2);
    }

    #[test]
    fn a_citation_of_no_section_is_found() {
        let semantics = file("docs/semantics.md", "## 1. Facts\n## 2. Time\n");
        let sources = [file("src/a.rs", "// (semantics §2)\n/// semantics §12, semantics §1\n")];
        let found: Vec<String> = citations(&semantics, &sources).into_iter().map(|v| v.what).collect();
        assert_eq!(found, ["cites semantics §12, which there is not"]);
    }

    #[test]
    fn a_pointer_to_no_document_is_found() {
        let files = [
            file("docs/a.md", "see `docs/b.md`.\n"),
            file("src/c.rs", "// docs/a.md, docs/d.md.\nconst E: &str = \"docs/e.md\";\n"),
        ];
        let found: Vec<String> = documents_named(&files).into_iter().map(|v| v.what).collect();
        assert_eq!(found, ["points to docs/b.md, which there is not", "points to docs/d.md, which there is not"]);
    }

    #[test]
    fn a_gap_between_migrations_is_found() {
        let files = ["migrations/sqlite/0001_a.sql", "migrations/sqlite/0003_b.sql"].map(|path| file(path, ""));
        assert_eq!(migrations(&files).len(), 1);
    }

    #[test]
    fn a_banned_doubled_or_foreign_crate_is_found() {
        let lock = "name = \"openssl\"\nname = \"http\"\nname = \"http\"\nname = \"syn\"\nname = \"syn\"\nsource = \"git+https://x\"\n";
        assert_eq!(locked(&file("Cargo.lock", lock)).len(), 3);
        let tree = "intervalo v0.1.0 (/x)\nring v0.17.14\nsyn v2.0.0 (proc-macro)\nrsa v0.9.0\n";
        assert_eq!(built(&file("cargo tree", tree)).len(), 2);
    }

    #[test]
    fn a_recipe_for_a_missing_test_is_found() {
        let recipe = file("justfile", "cargo test --test tidy\ncargo test --test ghost\n");
        assert_eq!(named_tests(&[&recipe], &[file("tests/tidy.rs", "")]).len(), 1);
    }
}
