//! The project's files as the rules see them: paths and texts, nothing else.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::lexer::{self, Lexed, Token};

/// One file: a path from the project's root with `/`, and its text.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// The path.
    pub(crate) path: String,
    /// The text.
    pub(crate) text: String,
}

impl SourceFile {
    /// A file that a test makes up.
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    /// True for a Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// A violation in this file.
    pub(crate) fn violation(&self, line: usize, what: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, what: what.into() }
    }
}

/// A rule that does not hold somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// The file.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong, and what to do instead.
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Folders that hold no source of ours.
const SKIPPED: &[&str] = &["target", ".git", "intervalo-data", "node_modules"];
/// The endings of files that are text of ours.
const TEXT_ENDINGS: &[&str] =
    &["rs", "toml", "md", "sql", "lock", "json", "jsonl", "snap", "html", "ts", "mjs", "css", "csv", "py", "txt"];
/// Files of ours without such an ending.
const TEXT_NAMES: &[&str] = &["justfile", "LICENSE", ".gitignore", ".editorconfig", ".npmrc", "run", "foreign-clients"];

/// Reads every text file of the project, in the order of their paths.
pub(crate) fn project() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(root, root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                walk(root, &path, files);
            }
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if TEXT_ENDINGS.contains(&ending) || TEXT_NAMES.contains(&name.as_str()) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let inside = path.strip_prefix(root).expect("a path under the root");
            files.push(SourceFile { path: inside.to_string_lossy().replace('\\', "/"), text });
        }
    }
}

/// A Rust file with its place in the module tree, and with each token marked as product or test.
pub(crate) struct Module<'a> {
    /// The file.
    pub(crate) file: &'a SourceFile,
    /// Its path in the crate: `src/store/sqlite/mod.rs` is `["store", "sqlite"]`.
    pub(crate) path: Vec<String>,
    /// Its code and comments.
    pub(crate) lexed: Lexed,
    /// For each token: does it belong to a test.
    pub(crate) in_test: Vec<bool>,
    /// The whole file is compiled for tests only.
    pub(crate) only_test: bool,
}

impl Module<'_> {
    /// The top-level module; none for `lib.rs` and `main.rs`.
    pub(crate) fn top(&self) -> Option<&str> {
        self.path.first().map(String::as_str)
    }

    /// The places of all tokens that go into the product.
    pub(crate) fn product(&self) -> impl Iterator<Item = (usize, &Token)> {
        self.lexed.tokens.iter().enumerate().filter(|(at, _)| !self.only_test && !self.in_test[*at])
    }
}

/// The modules of the server's crate.
pub(crate) fn modules(files: &[SourceFile]) -> Vec<Module<'_>> {
    let mut modules: Vec<Module<'_>> = Vec::new();
    let mut test_only: Vec<Vec<String>> = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && file.path.starts_with("src/")) {
        let path = module_path(&file.path);
        let lexed = lexer::lex(&file.text);
        let (in_test, declared) = mark_tests(&lexed.tokens);
        test_only.extend(declared.into_iter().map(|name| path.iter().cloned().chain([name]).collect()));
        modules.push(Module { file, path, lexed, in_test, only_test: false });
    }
    for module in &mut modules {
        module.only_test = test_only.iter().any(|prefix| module.path.starts_with(prefix));
    }
    modules
}

fn module_path(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = inside.split('/').map(String::from).collect();
    if parts.last().is_some_and(|last| last == "mod") || parts == ["lib"] || parts == ["main"] {
        parts.pop();
    }
    parts
}

/// Marks the tokens of every `#[cfg(test)]` item, and names the modules declared so in other files.
fn mark_tests(tokens: &[Token]) -> (Vec<bool>, Vec<String>) {
    let mut in_test = vec![false; tokens.len()];
    let mut declared = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !is_cfg_test(&tokens[at..]) {
            at += 1;
            continue;
        }
        let end = item_end(tokens, at);
        let item = &tokens[at..end];
        if let Some(keyword) = item.iter().position(|token| token.is("mod"))
            && item.last().is_some_and(|last| last.is_mark(';'))
        {
            declared.extend(item.get(keyword + 1).and_then(Token::ident).map(String::from));
        }
        in_test[at..end].fill(true);
        at = end;
    }
    (in_test, declared)
}

fn is_cfg_test(tokens: &[Token]) -> bool {
    matches!(tokens, [a, b, c, d, e, f, g, ..]
        if a.is_mark('#') && b.is_mark('[') && c.is("cfg") && d.is_mark('(') && e.is("test") && f.is_mark(')') && g.is_mark(']'))
}

/// One past the last token of the item whose first attribute starts at `start`.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while tokens.get(at).is_some_and(|token| token.is_mark('#')) {
        at = matching(tokens, at + 1, '[', ']') + 1;
    }
    let is_use = tokens[at..].iter().find(|token| !token.is("pub")).is_some_and(|token| token.is("use"));
    while let Some(token) = tokens.get(at) {
        if token.is_mark(';') {
            return at + 1;
        }
        if token.is_mark('{') && !is_use {
            return matching(tokens, at, '{', '}') + 1;
        }
        at += 1;
    }
    tokens.len()
}

/// The place of the mark that closes the one at `open`; the last place if nothing does.
pub(crate) fn matching(tokens: &[Token], open: usize, opens: char, closes: char) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_mark(opens) {
            depth += 1;
        } else if token.is_mark(closes) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_for_tests_only_is_told_from_the_product() {
        let files = [
            SourceFile::new(
                "src/domain/mod.rs",
                "use a; #[cfg(test)] #[allow(x, reason = \"\")] mod script; #[cfg(test)] use b::{c}; fn d() {} \
                 #[cfg(test)] mod tests { fn e() { f } } fn g() {}",
            ),
            SourceFile::new("src/domain/script.rs", "use h;"),
            SourceFile::new("src/domain/scripts.rs", "use i;"),
        ];
        let product: Vec<String> = modules(&files)
            .iter()
            .flat_map(|module| {
                module.product().filter_map(|(_, token)| token.ident().map(String::from)).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(product, ["use", "a", "fn", "d", "fn", "g", "use", "i"]);
    }
}
