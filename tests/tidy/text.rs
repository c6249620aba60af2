//! Rules on single files: their form, and what may not stand in them.

use crate::lexer::{self, Comment, Lexed, Token};
use crate::tree::{SourceFile, Violation, matching, modules};

/// Past this many lines nobody reads a file from the top any more.
const LINES_MAX: usize = 700;
/// Long enough for prose and signatures; `rustfmt.toml` keeps code itself under 120.
const COLUMNS_MAX: usize = 200;

/// Line ends, tabs, trailing blanks, the last newline.
pub(crate) fn form(file: &SourceFile) -> Vec<Violation> {
    if ["LICENSE", "Cargo.lock"].contains(&file.path.as_str()) || file.path.ends_with(".snap") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in (1..).zip(file.text.split('\n')) {
        if line.contains('\r') {
            found.push(file.violation(number, "ends in CR LF: use LF"));
        }
        if line.contains('\t') && file.path != "justfile" {
            found.push(file.violation(number, "has a tab: use spaces"));
        }
        if line.ends_with(' ') {
            found.push(file.violation(number, "has blanks at its end"));
        }
        if file.is_rust() && line.chars().count() > COLUMNS_MAX {
            found.push(file.violation(number, format!("is longer than {COLUMNS_MAX} columns")));
        }
    }
    let lines = file.text.lines().count();
    if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
        found.push(file.violation(lines, "does not end in one newline"));
    }
    if file.is_rust() && lines > LINES_MAX {
        found.push(file.violation(lines, format!("has {lines} lines: over {LINES_MAX}, split it")));
    }
    found
}

/// Every Rust file opens with `//!`: what it is for, and what it may not know.
pub(crate) fn header(file: &SourceFile) -> Option<Violation> {
    let opens = file.text.lines().next().is_some_and(|line| line.starts_with("//! ") && line.len() > "//! ".len() + 10);
    (file.is_rust() && !opens).then(|| file.violation(1, "does not open with `//!` and what it is for"))
}

/// Words that promise something for later. Spelt apart, so that this file does not hold them.
const LATER: &[&str] = &["TODO", "FIXME", "XXX", "HACK", "for now", "placeholder"];

/// Comments that put something off.
pub(crate) fn put_off(file: &SourceFile) -> Vec<Violation> {
    if !file.is_rust() {
        return Vec::new();
    }
    let puts_off = |comment: &&Comment| LATER.iter().any(|word| comment.text.contains(word));
    lexer::lex(&file.text)
        .comments
        .iter()
        .filter(puts_off)
        .map(|comment| file.violation(comment.line, "puts something off: do it, or file it as an issue"))
        .collect()
}

/// `#[allow]` and `#[expect]` say why.
pub(crate) fn reasons(file: &SourceFile) -> Vec<Violation> {
    if !file.is_rust() {
        return Vec::new();
    }
    let Lexed { tokens, .. } = lexer::lex(&file.text);
    let mut found = Vec::new();
    for at in 2..tokens.len() {
        let in_attribute = tokens[at - 1].is_mark('[') && (tokens[at - 2].is_mark('#') || tokens[at - 2].is_mark('!'));
        if in_attribute && (tokens[at].is("allow") || tokens[at].is("expect")) {
            let end = matching(&tokens, at + 1, '(', ')');
            if !tokens[at..end].iter().any(|token| token.is("reason")) {
                found.push(file.violation(tokens[at].line, "silences a lint without `reason = \"…\"`"));
            }
        }
    }
    found
}

/// Tests await the fact they need, and all of them run.
pub(crate) fn tests_neither_sleep_nor_rest(file: &SourceFile) -> Vec<Violation> {
    // The clock waits for instants, and the clients of `loadtest` live in real time.
    if !file.is_rust() || file.path.starts_with("loadtest/src/") || file.path.starts_with("src/clock") {
        return Vec::new();
    }
    let Lexed { tokens, .. } = lexer::lex(&file.text);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let called = tokens.get(at + 1).is_some_and(|next| next.is_mark('('));
        let defined = at > 0 && tokens[at - 1].is("fn");
        if tokens[at].is("sleep") && called && !defined {
            found.push(file.violation(tokens[at].line, "sleeps: await the fact instead"));
        }
        if tokens[at].is("ignore") && at > 0 && tokens[at - 1].is_mark('[') {
            found.push(file.violation(tokens[at].line, "leaves a test out: repair it or delete it"));
        }
    }
    found
}

/// The product does not panic on a value without saying why it cannot be there.
pub(crate) fn unexplained_panics(files: &[SourceFile]) -> Vec<Violation> {
    let mut found = Vec::new();
    for module in modules(files) {
        let tokens = &module.lexed.tokens;
        for (at, token) in module.product() {
            let method =
                at > 0 && tokens[at - 1].is_mark('.') && tokens.get(at + 1).is_some_and(|next| next.is_mark('('));
            if method && (token.is("unwrap") || token.is("unwrap_err")) {
                found.push(module.file.violation(token.line, "unwraps: handle it, or `expect` with why it cannot be"));
            }
        }
    }
    found
}

/// What a pure, total and reproducible core has no use for.
const IMPURE: &[(&str, &str)] = &[
    ("async", "waits: only the shell may"),
    ("await", "waits: only the shell may"),
    ("HashMap", "has an order of its own: use `BTreeMap`"),
    ("HashSet", "has an order of its own: use `BTreeSet`"),
    ("Mutex", "locks: the agent's actor is the only owner"),
    ("RwLock", "locks: the agent's actor is the only owner"),
    ("println", "prints: return a fact"),
    ("SystemTime", "reads a clock: take `now`"),
    ("Instant", "reads a clock: take `now`"),
];

/// The domain neither waits, locks nor prints, and its order is its own.
pub(crate) fn impurities(files: &[SourceFile]) -> Vec<Violation> {
    let mut found = Vec::new();
    for module in modules(files).iter().filter(|module| module.top() == Some("domain")) {
        for (_, token) in module.product() {
            let reason = IMPURE.iter().find(|(name, _)| token.is(name));
            found.extend(reason.map(|(name, why)| module.file.violation(token.line, format!("`{name}` {why}"))));
        }
    }
    found
}

/// The registry of handles is the only map that is shared by locks; its guards stay inside it. `sync`
/// hands it the name.
pub(crate) fn shared_maps(files: &[SourceFile]) -> Vec<Violation> {
    let mut found = Vec::new();
    for module in modules(files) {
        if module.top() == Some("sync") || module.path.iter().any(|part| part == "registry") {
            continue;
        }
        let named = |(_, token): &(usize, &Token)| token.is("dashmap") || token.is("DashMap");
        found.extend(module.product().filter(named).map(|(_, token)| {
            module.file.violation(token.line, "uses a DashMap: only a `registry` does, and returns clones")
        }));
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
    fn bad_form_is_found() {
        assert!(form(&file("a.md", "fine\n")).is_empty());
        for bad in ["a\r\n", "\ta\n", "a \n", "a", "a\n\n"] {
            assert_eq!(form(&file("a.md", bad)).len(), 1, "{bad:?}");
        }
        assert_eq!(form(&file("src/a.rs", &"a\n".repeat(LINES_MAX + 1))).len(), 1);
        assert_eq!(form(&file("src/a.rs", &format!("{}\n", "a".repeat(COLUMNS_MAX + 1)))).len(), 1);
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        assert!(header(&file("src/a.rs", "//! Tells the time of day.\n")).is_none());
        assert!(header(&file("src/a.rs", "use b;\n")).is_some());
        assert!(header(&file("src/a.rs", "//!\n")).is_some());
    }

    #[test]
    fn a_comment_that_puts_something_off_is_found() {
        let word = LATER[0];
        assert_eq!(put_off(&file("src/a.rs", &format!("// {word}: handle\n"))).len(), 1);
        assert!(put_off(&file("src/a.rs", &format!("const A: &str = \"{word}\";\n"))).is_empty());
    }

    #[test]
    fn a_silenced_lint_without_a_reason_is_found() {
        assert_eq!(reasons(&file("src/a.rs", "#[allow(dead_code)] fn a() {}")).len(), 1);
        assert_eq!(reasons(&file("src/a.rs", "#![expect(x)]")).len(), 1);
        assert!(reasons(&file("src/a.rs", "#[expect(x, reason = \"y\")] fn a() { b.expect(\"c\") }")).is_empty());
    }

    #[test]
    fn a_sleeping_or_resting_test_is_found() {
        let sleeping = "async fn a() { tokio::time::sleep(b).await }";
        assert_eq!(tests_neither_sleep_nor_rest(&file("tests/a.rs", sleeping)).len(), 1);
        assert_eq!(tests_neither_sleep_nor_rest(&file("src/a.rs", "#[ignore] fn a() {}")).len(), 1);
        assert_eq!(tests_neither_sleep_nor_rest(&file("src/a.rs", "#[ignore = \"slow\"] fn a() {}")).len(), 1);
        assert!(tests_neither_sleep_nor_rest(&file("tests/a.rs", "clock.sleep_until(at).await")).is_empty());
    }

    #[test]
    fn an_unexplained_panic_in_the_product_is_found() {
        let text = "fn a() { b.unwrap(); c.expect(\"d\"); } #[cfg(test)] mod tests { fn e() { f.unwrap(); } }";
        assert_eq!(unexplained_panics(&[file("src/a.rs", text)]).len(), 1);
        assert!(unexplained_panics(&[file("tests/a.rs", text)]).is_empty());
    }

    #[test]
    fn an_impure_domain_is_found() {
        let text = "async fn a(b: HashMap<u8, u8>) {}";
        assert_eq!(impurities(&[file("src/domain/a.rs", text)]).len(), 2);
        assert!(impurities(&[file("src/hub/a.rs", text)]).is_empty());
    }

    #[test]
    fn a_dashmap_outside_a_registry_is_found() {
        let text = "use dashmap::DashMap;";
        assert_eq!(shared_maps(&[file("src/hub/views.rs", text)]).len(), 2);
        assert!(shared_maps(&[file("src/actor/registry.rs", text)]).is_empty());
    }
}
