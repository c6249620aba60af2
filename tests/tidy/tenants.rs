//! Whose rows a statement is about (promise A1): each statement of the store over a table that has a tenant reads one
//! tenant's rows of it, or says by its type, in a file that is listed, that it reads all.
//!
//! The compiler asks that a statement names the tenant at all; here every table of it is asked for.

use std::collections::BTreeSet;

use crate::tree::{Module, SourceFile, Violation, modules};

/// Where the rows of all tenants are read, and why.
const READ_ALL: &[(&str, &str)] = &[
    ("src/store/company.rs", "lists the tenants to whoever has named one that there is not"),
    ("src/store/copy.rs", "copies a store"),
    ("src/store/credentials.rs", "copies a store"),
    ("src/store/reader.rs", "reads a shard, and the heads of all"),
    ("src/store/reading.rs", "asks which tables there are"),
    ("src/store/snapshot.rs", "finds the tenants of a shard at a start"),
    ("src/store/sql.rs", "is where the type is"),
    ("src/store/verify/database.rs", "verifies a store"),
];

/// Statements of the writers that find rows by what is no other tenant's: how they begin, and why.
const BY_THEIR_IDS: &[(&str, &str, &str)] = &[
    ("src/store/sqlite/statement.rs", "UPDATE people", "a person's internal id has the tenant in it"),
    ("src/store/postgres/statement.rs", "UPDATE people", "a person's internal id has the tenant in it"),
];

/// Where the doors may make a tenant's id of a text, and why.
const MADE_UP: &[(&str, &str)] = &[
    ("src/transport/logins.rs", "a person who logs in has no credential yet, and names the company"),
    ("src/transport/founding.rs", "an operator makes a tenant, and names it"),
    ("src/transport/closing.rs", "an operator closes a tenant, and names it"),
    ("src/transport/tenants.rs", "the place in the operators' list"),
];

/// The tables that have a tenant, as the migrations make them.
pub(crate) fn tables(files: &[SourceFile]) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.starts_with("migrations/") && file.path.ends_with(".sql")) {
        for made in file.text.split("CREATE TABLE ").skip(1) {
            let (head, columns) = made.split_once('(').unwrap_or((made, ""));
            let columns = columns.split(';').next().unwrap_or_default();
            let has_tenant = columns.lines().any(|line| line.split_whitespace().next() == Some("tenant"));
            if has_tenant {
                tables.insert(head.trim().trim_start_matches("IF NOT EXISTS ").to_owned());
            }
        }
    }
    tables
}

/// A statement as it is put together: the strings that follow each other, from one that begins it.
struct Statement {
    text: String,
    line: usize,
    /// It is of the type that reads all.
    is_of_all: bool,
}

/// How many statements over such tables there are, and those that do not say whose rows they are about.
pub(crate) fn unscoped(files: &[SourceFile], tables: &BTreeSet<String>) -> (usize, Vec<Violation>) {
    let (mut count, mut found) = (0, Vec::new());
    for module in modules(files).iter().filter(|module| module.top() == Some("store")) {
        let path = module.file.path.as_str();
        let may_read_all = READ_ALL.iter().any(|(file, _)| *file == path);
        for (_, token) in module.product().filter(|(_, token)| token.is("SqlOfAll") && !may_read_all) {
            found.push(
                module.file.violation(token.line, "reads all tenants' rows: use `Sql`, or list the file and why"),
            );
        }
        for statement in statements(module) {
            let spaced = spaced(&statement.text);
            let loose = loose(&spaced, tables);
            count += usize::from(loose.is_some());
            let is_listed = |(file, begins, _): &(&str, &str, &str)| *file == path && spaced.starts_with(begins);
            if statement.is_of_all || BY_THEIR_IDS.iter().any(is_listed) {
                continue;
            }
            for table in loose.unwrap_or_default() {
                let what = format!("`{table}` is read without a condition on its tenant: {spaced:.60}");
                found.push(module.file.violation(statement.line, what));
            }
        }
    }
    (count, found)
}

/// The statements of a module, macros that put them together included.
fn statements(module: &Module<'_>) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let (mut is_of_all, mut is_open) = (false, false);
    for (_, token) in module.product() {
        if token.is_mark(';') || token.is_mark('{') || token.is_mark('}') {
            (is_of_all, is_open) = (false, false);
        }
        is_of_all |= token.is("SqlOfAll");
        let Some(text) = token.text() else { continue };
        let begins = ["SELECT", "UPDATE", "INSERT", "DELETE", "WITH"].iter().any(|word| text.starts_with(word));
        match statements.last_mut().filter(|_| is_open && !begins) {
            Some(open) => open.text.push_str(text),
            None => statements.push(Statement { text: text.to_owned(), line: token.line, is_of_all }),
        }
        is_open = true;
    }
    statements
}

/// The words of a statement, with one blank between them.
fn spaced(text: &str) -> String {
    let apart = text.replace('(', " ( ").replace(')', " ) ").replace(',', " , ").replace('\\', " ");
    apart.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tables of a statement that it does not say the tenant of; none where it is about no table that has one.
fn loose(text: &str, tables: &BTreeSet<String>) -> Option<Vec<String>> {
    let words: Vec<&str> = text.split(' ').collect();
    let mut named = Vec::new();
    for at in 0..words.len().saturating_sub(1) {
        let (verb, table) = (words[at], words[at + 1]);
        if !tables.contains(table) || !["FROM", "JOIN", "INTO", "UPDATE"].contains(&verb) {
            continue;
        }
        let alias = (words.get(at + 2) == Some(&"AS")).then(|| words.get(at + 3).copied()).flatten();
        named.push((verb, table, alias, at));
    }
    if named.is_empty() {
        return None;
    }
    // The list of tenants is joined by its id.
    let tenants = (1..words.len()).filter(|at| words[*at - 1] == "tenants" && words[*at] == "AS");
    let ids: Vec<String> = tenants.filter_map(|at| words.get(at + 1)).map(|alias| format!("{alias}.id")).collect();
    // Each bare condition is one table's.
    let mut bare = (0..words.len()).filter(|at| words[*at] == "tenant" && is_condition(&words, *at)).count();
    bare += (0..words.len()).filter(|at| words[*at..].starts_with(&["(", "tenant", ","]) && is_in(&words, *at)).count();
    let mut loose = Vec::new();
    for (verb, table, alias, at) in named {
        let is_said = if verb == "INTO" {
            words[at + 2..].iter().take_while(|word| **word != ")").any(|word| *word == "tenant")
        } else if let Some(alias) = alias {
            says_of(&words, alias) || ids.iter().any(|id| is_joined(&words, alias, id))
        } else {
            says_of(&words, table) || {
                let left = bare > 0;
                bare = bare.saturating_sub(1);
                left
            }
        };
        if !is_said {
            loose.push(table.to_owned());
        }
    }
    Some(loose)
}

/// True where the tenant of a table, by its name there, is that of the statement, or of what it is joined with.
fn says_of(words: &[&str], name: &str) -> bool {
    let own = format!("{name}.tenant");
    (0..words.len()).any(|at| {
        (words[at] == own && is_condition(words, at))
            || (words.get(at + 2) == Some(&own.as_str()) && words[at + 1] == "=" && words[at].ends_with(".tenant"))
    })
}

/// True where the tenant of a table is that of a row of the list of tenants.
fn is_joined(words: &[&str], name: &str, id: &str) -> bool {
    let own = format!("{name}.tenant");
    words.windows(3).any(|three| three[0] == own && three[1] == "=" && three[2] == id)
}

/// True where a column is compared with the statement's tenant, or with that of a row it is joined with.
fn is_condition(words: &[&str], at: usize) -> bool {
    let other = words.get(at + 2).copied().unwrap_or_default();
    let is_tenant = other == "$1" || other.ends_with(".tenant") || other.starts_with("k.value->>'tenant'");
    words.get(at + 1) == Some(&"=") && is_tenant
}

/// True where a bracket that begins with the tenant is compared with a list of rows.
fn is_in(words: &[&str], at: usize) -> bool {
    let close = words[at..].iter().position(|word| *word == ")").map_or(words.len(), |place| at + place);
    words.get(close + 1) == Some(&"IN")
}

/// Where a door makes a tenant's id of something that it was sent: the tenant comes from the credential.
pub(crate) fn made_up(files: &[SourceFile]) -> Vec<Violation> {
    let mut found = Vec::new();
    for module in modules(files).iter().filter(|module| module.top() == Some("transport")) {
        if MADE_UP.iter().any(|(file, _)| *file == module.file.path) {
            continue;
        }
        let tokens = &module.lexed.tokens;
        for (at, token) in module.product().filter(|(_, token)| token.is("TenantId")) {
            let makes = tokens[at + 1..].iter().take(2).any(|next| next.is("new") || next.is("from_str"));
            let parses = at >= 3 && tokens[at - 3..at].iter().any(|before| before.is("parse") || before.is("try_from"));
            if makes || parses {
                found.push(module.file.violation(token.line, "makes a tenant's id: take the principal's"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables_of_two() -> BTreeSet<String> {
        let migration = "CREATE TABLE shards (\n    id INTEGER\n);\nCREATE TABLE journal (\n    tenant TEXT,\n    seq INTEGER\n);\n\
                         CREATE TABLE people (\n    id BLOB,\n    tenant TEXT\n);\n";
        tables(&[SourceFile::new("migrations/sqlite/0001.sql", migration)])
    }

    fn found(path: &str, text: &str) -> usize {
        unscoped(&[SourceFile::new(path, text)], &tables_of_two()).1.len()
    }

    #[test]
    fn tables_with_a_tenant_are_read_from_the_migrations() {
        assert_eq!(tables_of_two().into_iter().collect::<Vec<_>>(), ["journal", "people"]);
    }

    #[test]
    fn a_statement_without_the_tenant_of_every_table_is_found() {
        let in_const = |text: &str| found("src/store/history.rs", &format!("const A: Sql = Sql::same(\"{text}\");"));
        for scoped in [
            "SELECT seq FROM journal WHERE tenant = $1 AND seq > $2",
            "SELECT id FROM shards",
            "SELECT j.seq FROM journal AS j JOIN people AS p ON p.tenant = j.tenant WHERE j.tenant = $1",
            "SELECT seq FROM journal WHERE tenant = $1 AND person = (SELECT id FROM people WHERE tenant = $1)",
            "SELECT t.id, j.seq FROM tenants AS t JOIN journal AS j ON j.tenant = t.id WHERE t.id = $1",
            "INSERT INTO people (id, tenant) VALUES ($1, $2)",
            "DELETE FROM people WHERE (tenant, id) IN (SELECT 1, 2)",
        ] {
            assert_eq!(in_const(scoped), 0, "{scoped}");
        }
        for loose in [
            "SELECT seq FROM journal WHERE seq > $1",
            "SELECT seq, tenant FROM journal WHERE seq = $1",
            "SELECT j.seq FROM journal AS j JOIN people AS p ON p.id = j.person WHERE j.tenant = $1",
            "SELECT seq FROM journal WHERE tenant = $1 AND person = (SELECT id FROM people WHERE host_id = $2)",
            "SELECT j.seq FROM journal AS j WHERE j.tenant = $12",
            "UPDATE people SET name = $2 WHERE id = $1",
            "INSERT INTO people (id, name) VALUES ($1, $2)",
            "DELETE FROM people WHERE id = $1",
        ] {
            assert_eq!(in_const(loose), 1, "{loose}");
        }
    }

    #[test]
    fn a_statement_is_read_through_what_puts_it_together() {
        let put_together = |condition: &str| {
            let text =
                format!("concat!(\"SELECT \", columns!(), \" FROM journal AS j \", $index, \" WHERE {condition}\")");
            let arms = format!("macro_rules! page {{ ($index:literal) => {{ {text} }}; }}");
            found("src/store/history.rs", &arms)
        };
        assert_eq!(put_together("j.tenant = $1"), 0);
        assert_eq!(put_together("j.seq = $1"), 1);
        let each = "const A: Sql = Sql::each(\"SELECT 1 FROM people WHERE tenant = $1\", \"SELECT 1 FROM people\");";
        assert_eq!(found("src/store/ops.rs", each), 1, "the second text is a statement of its own");
    }

    #[test]
    fn what_reads_all_is_of_its_type_and_in_a_file_that_is_listed() {
        let all = "const A: SqlOfAll = SqlOfAll::same(\"SELECT seq FROM journal\");";
        assert_eq!(found("src/store/copy.rs", all), 0);
        assert_eq!(found("src/store/history.rs", all), 2, "its type is named twice");
        let raw = "fn a() { sqlx::query(\"SELECT seq FROM journal\") }";
        assert_eq!(found("src/store/copy.rs", raw), 1, "being listed is not enough");
        let own = "fn a() { sqlx::query(\"UPDATE people SET name = $1\") }";
        assert_eq!(found("src/store/sqlite/statement.rs", own), 0);
        assert_eq!(found("src/store/sqlite/writer.rs", own), 1);
    }

    #[test]
    fn a_tenant_that_a_door_makes_up_is_found() {
        let made = |path: &str, text: &str| made_up(&[SourceFile::new(path, text)]).len();
        let (new, parse) = ("fn a(b: &str) { TenantId::new(b) }", "fn a(b: &str) { b.parse::<TenantId>() }");
        assert_eq!((made("src/transport/keys.rs", new), made("src/transport/keys.rs", parse)), (1, 1));
        assert_eq!(made("src/transport/logins.rs", new), 0);
        assert_eq!(made("src/auth/token.rs", new), 0);
        assert_eq!(made("src/transport/keys.rs", "fn a(tenant: &TenantId) { b.new(tenant) }"), 0);
        assert_eq!(made("src/transport/keys.rs", "#[cfg(test)] mod tests { fn a() { TenantId::new(b) } }"), 0);
    }
}
