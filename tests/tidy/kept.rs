//! What is kept in memory and can grow, found in the source.
//!
//! A type is *kept* when the product shares it (`Arc<T>`, `Mutex<T>`, `RwLock<T>`, `ArcSwap<T>`), when it is made to be
//! shared (it has a field that is such a lock), when it lives through waits (it has an `async fn` with `&mut self` or
//! `mut self`), or when a kept type has it in a field. Of kept types every field that is a collection is registered, and so
//! is every function that makes a channel, permits, a pool or a set of tasks, or has a collection of its own that grows in a
//! loop without end. All other values live as long as the call that made them, and are as large as what was read for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexer::{Kind, Token};
use crate::tree::{Module, SourceFile, matching, modules};

/// Types that hold any number of values. A text is as long as its reader lets it be; `watch`, `oneshot` and `Notify` hold
/// one value; an `mpsc` or `broadcast` is registered where it is made.
const COLLECTIONS: &[&str] = &[
    "BTreeMap",
    "BTreeSet",
    "BinaryHeap",
    "DashMap",
    "DelayQueue",
    "FuturesUnordered",
    "HashMap",
    "HashSet",
    "IndexMap",
    "JoinMap",
    "JoinSet",
    "Slab",
    "TaskTracker",
    "Vec",
    "VecDeque",
];

/// What shares a value among tasks.
const SHARING: &[&str] = &["Arc", "ArcSwap", "Mutex", "RwLock", "Weak"];

/// What makes a queue, permits or a set of tasks: the type or module, and its function.
const MADE: &[(&str, &str)] = &[
    ("mpsc", "channel"),
    ("mpsc", "sync_channel"),
    ("broadcast", "channel"),
    ("Semaphore", "new"),
    ("JoinSet", "new"),
    ("JoinMap", "new"),
    ("TaskTracker", "new"),
    ("DelayQueue", "new"),
    ("FuturesUnordered", "new"),
    ("PoolOptions", "new"),
    ("SqlitePoolOptions", "new"),
    ("PgPoolOptions", "new"),
];

/// What shares a value that is changed in place.
const LOCKS: &[&str] = &["ArcSwap", "Mutex", "RwLock"];

/// Modules that keep nothing in a server: commands that end, the journal that tests use, names of another build.
const NOT_SERVED: &[&[&str]] = &[&["cli"], &["store", "memory"], &["sync", "controlled"]];

/// A place of the source that the register must name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// `module::Type.field`, or `module::function()`.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
}

/// A struct, or an enum with the fields of all its variants.
struct Shape {
    module: Vec<String>,
    name: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    line: usize,
    of: Vec<Token>,
}

/// All places of the product that the register must name, in order.
pub(crate) fn places(files: &[SourceFile]) -> Vec<Place> {
    let mut modules = modules(files);
    modules.retain(|module| !NOT_SERVED.iter().any(|not| starts_with(&module.path, not)));
    let aliases = aliases(&modules);
    let is_collection = |of: &[Token]| is_collection(of, &aliases);
    let shapes: Vec<(&Module<'_>, Shape)> =
        modules.iter().flat_map(|module| shapes(module).into_iter().map(move |shape| (module, shape))).collect();
    let by_name = shapes.iter().enumerate().fold(BTreeMap::<&str, Vec<usize>>::new(), |mut map, (at, (_, shape))| {
        map.entry(&shape.name).or_default().push(at);
        map
    });
    let ours: BTreeSet<&[String]> = modules.iter().map(|module| module.path.as_slice()).collect();
    let imports: BTreeMap<&[String], BTreeMap<String, Option<Vec<String>>>> =
        modules.iter().map(|module| (module.path.as_slice(), imports(module, &ours))).collect();
    // A name is meant in its own module first, then where it is imported from; where neither tells, all of that name are.
    let named = |name: &str, module: &[String]| -> Vec<usize> {
        let all = by_name.get(name).cloned().unwrap_or_default();
        let of = |is_meant: &dyn Fn(&[String]) -> bool| -> Vec<usize> {
            all.iter().copied().filter(|at| is_meant(&shapes[*at].1.module)).collect()
        };
        let here = of(&|whose| whose == module);
        if !here.is_empty() {
            return here;
        }
        match imports.get(module).and_then(|names| names.get(name)) {
            Some(None) => Vec::new(),
            Some(Some(from)) => {
                let there = of(&|whose| whose.starts_with(from));
                if there.is_empty() { all } else { there }
            }
            None => all,
        }
    };
    let mut kept: BTreeSet<usize> = BTreeSet::new();
    let mut fresh: Vec<usize> = Vec::new();
    for module in &modules {
        let tokens: Vec<Token> = module.product().map(|(_, token)| token.clone()).collect();
        let roots = shared(&tokens).into_iter().chain(lives_through_waits(&tokens));
        fresh.extend(roots.flat_map(|name| named(&name, &module.path)));
    }
    let has_lock = |shape: &Shape| shape.fields.iter().any(|field| names_one_of(&field.of, LOCKS));
    fresh.extend((0..shapes.len()).filter(|at| has_lock(&shapes[*at].1)));
    while let Some(at) = fresh.pop() {
        if kept.insert(at) {
            let shape = &shapes[at].1;
            let idents = shape.fields.iter().flat_map(|field| field.of.iter().filter_map(Token::ident));
            fresh.extend(idents.flat_map(|name| named(name, &shape.module)));
        }
    }
    let mut found: Vec<Place> = Vec::new();
    for at in kept {
        let (module, shape) = &shapes[at];
        for field in shape.fields.iter().filter(|field| is_collection(&field.of)) {
            let name = format!("{}::{}.{}", shape.module.join("::"), shape.name, field.name);
            found.push(Place { name, path: module.file.path.clone(), line: field.line });
        }
    }
    for module in &modules {
        found.extend(made(module));
    }
    found.sort();
    found.dedup_by(|a, b| a.name == b.name);
    found
}

fn starts_with(path: &[String], start: &[&str]) -> bool {
    path.len() >= start.len() && path.iter().zip(start).all(|(a, b)| a == b)
}

fn names_one_of(tokens: &[Token], names: &[&str]) -> bool {
    tokens.iter().any(|token| token.ident().is_some_and(|name| names.contains(&name)))
}

fn is_collection(of: &[Token], aliases: &BTreeSet<String>) -> bool {
    let is_slice = |three: &[Token]| (three[0].is("Box") || three[0].is("Arc")) && three[2].is_mark('[');
    let is_alias = |token: &Token| token.ident().is_some_and(|name| aliases.contains(name));
    names_one_of(of, COLLECTIONS) || of.iter().any(is_alias) || of.windows(3).any(is_slice)
}

/// Other names of collections: `type Translations = BTreeMap<…>`.
fn aliases(modules: &[Module<'_>]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for module in modules {
        let tokens: Vec<Token> = module.product().map(|(_, token)| token.clone()).collect();
        for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.is("type")) {
            let end = (at..tokens.len()).find(|at| tokens[*at].is_mark(';')).unwrap_or(at);
            let is_made_of = tokens[at..end].iter().position(|token| token.is_mark('='));
            if let (Some(name), Some(equals)) = (tokens.get(at + 1).and_then(Token::ident), is_made_of)
                && names_one_of(&tokens[at + equals..end], COLLECTIONS)
                && token.line > 0
            {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// The names of types between the brackets of what shares them.
fn shared(tokens: &[Token]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        if pair[0].ident().is_some_and(|name| SHARING.contains(&name)) && pair[1].is_mark('<') {
            let end = angle_end(tokens, at + 1);
            found.extend(tokens[at + 2..end].iter().filter_map(|token| token.ident().map(String::from)));
        }
    }
    found
}

/// The types of the blocks that have an `async fn` with `&mut self` or `mut self`.
fn lives_through_waits(tokens: &[Token]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut whose: Option<String> = None;
    for (at, token) in tokens.iter().enumerate() {
        if token.is("impl") {
            let head: Vec<&Token> = tokens[at..].iter().take_while(|token| !token.is_mark('{')).collect();
            let after_for = head.iter().position(|token| token.is("for")).map_or(1, |at| at + 1);
            // Past the parameters of a generic block.
            let mut from = after_for;
            if head.get(from).is_some_and(|token| token.is_mark('<')) {
                from = angle_end(tokens, at + from) - at + 1;
            }
            let path: Vec<&str> = head[from.min(head.len())..]
                .iter()
                .take_while(|token| token.ident().is_some() || token.kind == Kind::PathSep)
                .filter_map(|token| token.ident())
                .take_while(|name| *name != "where")
                .collect();
            whose = path.last().map(|name| (*name).to_owned());
        }
        if token.is("async") && tokens.get(at + 1).is_some_and(|next| next.is("fn")) {
            let arguments = tokens[at..].iter().skip_while(|token| !token.is_mark('(')).skip(1).take(3);
            let words: Vec<&str> = arguments.filter_map(Token::ident).collect();
            if words.starts_with(&["mut", "self"]) {
                found.extend(whose.clone());
            }
        }
    }
    found
}

/// The place of the mark that closes the angle bracket at `open`; arrows are none.
fn angle_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_mark('<') {
            depth += 1;
        } else if token.is_mark('>') && !tokens[at - 1].is_mark('-') && !tokens[at - 1].is_mark('=') {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len().saturating_sub(1)
}

/// The structs and enums of a module's product.
fn shapes(module: &Module<'_>) -> Vec<Shape> {
    let tokens: Vec<Token> = module.product().map(|(_, token)| token.clone()).collect();
    let mut found = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let (is_struct, is_enum) = (pair[0].is("struct"), pair[0].is("enum"));
        let Some(name) = pair[1].ident().filter(|_| is_struct || is_enum) else { continue };
        let after = at + 2;
        let from = if tokens.get(after).is_some_and(|t| t.is_mark('<')) { angle_end(&tokens, after) } else { after };
        let open = (from..tokens.len()).find(|at| "{(;".chars().any(|mark| tokens[*at].is_mark(mark)));
        let Some(open) = open.filter(|open| !tokens[*open].is_mark(';')) else { continue };
        let mut fields = Vec::new();
        if is_struct {
            fields_of(&tokens, open, "", &mut fields);
        } else {
            for (variant, inner) in variants_of(&tokens, open) {
                fields_of(&tokens, inner, &format!("{variant}."), &mut fields);
            }
        }
        found.push(Shape { module: module.path.clone(), name: name.to_owned(), fields });
    }
    found
}

/// The variants that carry something, with where it opens.
fn variants_of(tokens: &[Token], open: usize) -> Vec<(String, usize)> {
    let end = matching(tokens, open, '{', '}');
    let (mut found, mut at) = (Vec::new(), open + 1);
    while at < end {
        if tokens[at].is_mark('#') {
            at = matching(tokens, at + 1, '[', ']') + 1;
            continue;
        }
        let after = at + 1;
        if let Some(name) = tokens[at].ident() {
            let close = if tokens[after].is_mark('{') {
                Some(matching(tokens, after, '{', '}'))
            } else if tokens[after].is_mark('(') {
                Some(matching(tokens, after, '(', ')'))
            } else {
                None
            };
            if let Some(close) = close {
                found.push((name.to_owned(), after));
                at = close;
            }
        }
        at += 1;
    }
    found
}

/// The fields between the brackets at `open`; those without a name have their number.
fn fields_of(tokens: &[Token], open: usize, before: &str, found: &mut Vec<Field>) {
    let is_tuple = tokens[open].is_mark('(');
    let (opens, closes) = if is_tuple { ('(', ')') } else { ('{', '}') };
    let end = matching(tokens, open, opens, closes);
    let (mut at, mut number) = (open + 1, 0);
    while at < end {
        while tokens[at].is_mark('#') {
            at = matching(tokens, at + 1, '[', ']') + 1;
        }
        if tokens[at].is("pub") {
            at += 1;
            if tokens[at].is_mark('(') {
                at = matching(tokens, at, '(', ')') + 1;
            }
        }
        if at >= end {
            return;
        }
        let line = tokens[at].line;
        let name = if is_tuple { number.to_string() } else { tokens[at].ident().unwrap_or_default().to_owned() };
        let from = if is_tuple { at } else { at + 2 };
        let until = field_end(tokens, from, end);
        found.push(Field { name: format!("{before}{name}"), line, of: tokens[from..until].to_vec() });
        at = until + 1;
        number += 1;
    }
}

/// The place of the comma that ends a field, or of the end.
fn field_end(tokens: &[Token], from: usize, end: usize) -> usize {
    let mut depth = 0_i32;
    for at in from..end {
        let token = &tokens[at];
        let arrow = at > 0 && tokens[at - 1].is_mark('-');
        if "<([".chars().any(|mark| token.is_mark(mark)) {
            depth += 1;
        } else if ")]".chars().any(|mark| token.is_mark(mark)) || (token.is_mark('>') && !arrow) {
            depth -= 1;
        } else if token.is_mark(',') && depth == 0 {
            return at;
        }
    }
    end
}

/// What a module imports, by the name that it has there: from which module of ours, or none for another crate's.
fn imports(module: &Module<'_>, ours: &BTreeSet<&[String]>) -> BTreeMap<String, Option<Vec<String>>> {
    let tokens: Vec<Token> = module.product().map(|(_, token)| token.clone()).collect();
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.is("use") {
            branch(&tokens, at + 1, &[], &mut paths);
        }
    }
    let places = paths.into_iter();
    let mut found: BTreeMap<String, Option<Vec<String>>> = places
        .filter_map(|(path, name)| Some((name, from_where(&path[..path.len().checked_sub(1)?], module, ours))))
        .collect();
    // A name of its own for a type is no type of that name elsewhere.
    let aliases = tokens.windows(2).filter(|pair| pair[0].is("type")).filter_map(|pair| pair[1].ident());
    found.extend(aliases.map(|name| (name.to_owned(), None)));
    found
}

/// The module of ours that a path leads to, as it stands in a module.
fn from_where(path: &[String], module: &Module<'_>, ours: &BTreeSet<&[String]>) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut there = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.path.clone(),
        "super" => module.path[..module.path.len().saturating_sub(1)].to_vec(),
        // A module below this one, or another crate.
        child => module.path.iter().cloned().chain([child.to_owned()]).collect(),
    };
    for part in rest {
        if part == "super" { drop(there.pop()) } else { there.push(part.clone()) }
    }
    // A variant is imported from its enum, which is no module.
    let known = |there: &[String]| there.is_empty() || ours.contains(there);
    let enclosing = there.split_last().map(|(_, outer)| outer.to_vec());
    if known(&there) { Some(there) } else { enclosing.filter(|outer| !outer.is_empty() && known(outer)) }
}

/// Gathers the paths of one branch of an import, each with the name that it gets; answers one past the branch's end.
fn branch(tokens: &[Token], mut at: usize, before: &[String], paths: &mut Vec<(Vec<String>, String)>) -> usize {
    let mut path = before.to_vec();
    while let Some(token) = tokens.get(at) {
        if token.is("as") {
            let alias = tokens.get(at + 1).and_then(Token::ident).unwrap_or_default().to_owned();
            paths.push((path, alias));
            return at + 3;
        }
        if token.is_mark('{') {
            let end = matching(tokens, at, '{', '}');
            at += 1;
            while at < end {
                at = branch(tokens, at, &path, paths);
            }
            // Past the brace, and past the comma or semicolon that ends the branch.
            return if tokens.get(end + 1).is_some_and(|next| next.is_mark('}')) { end + 1 } else { end + 2 };
        }
        if ",;}".chars().any(|mark| token.is_mark(mark)) {
            break;
        }
        path.extend(token.ident().map(String::from));
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        paths.push((path, name));
    }
    if tokens.get(at).is_some_and(|token| token.is_mark('}')) { at } else { at + 1 }
}

/// The functions of a module that make a queue, permits or a set of tasks.
fn made(module: &Module<'_>) -> Vec<Place> {
    let tokens: Vec<&Token> = module.product().map(|(_, token)| token).collect();
    let mut found = Vec::new();
    let mut function = "";
    for (at, token) in tokens.iter().enumerate() {
        if token.is("fn") {
            function = tokens.get(at + 1).and_then(|next| next.ident()).unwrap_or_default();
        }
        if token.is("async") && tokens.get(at + 1).is_some_and(|next| next.is("fn")) {
            let name = tokens.get(at + 2).and_then(|next| next.ident()).unwrap_or_default();
            if let Some(line) = grows_for_ever(&tokens, at) {
                let name = format!("{}::{name}()", module.path.join("::"));
                found.push(Place { name, path: module.file.path.clone(), line });
            }
        }
        let Some(name) = token.ident() else { continue };
        let called = tokens.get(at + 1).filter(|next| next.kind == Kind::PathSep);
        let called = called.and_then(|_| tokens.get(at + 2)).and_then(|next| next.ident());
        if called.is_some_and(|called| MADE.contains(&(name, called))) {
            let name = format!("{}::{function}()", module.path.join("::"));
            found.push(Place { name, path: module.file.path.clone(), line: token.line });
        }
    }
    found
}

/// The line of a collection that the function at `at` has for itself beside a loop without end. A list is left out: it is
/// what the loop's round takes in hand.
fn grows_for_ever(tokens: &[&Token], at: usize) -> Option<usize> {
    let owned: Vec<Token> = tokens[at..].iter().map(|token| (*token).clone()).collect();
    let open = owned.iter().position(|token| token.is_mark('{') || token.is_mark(';'))?;
    let body = &owned[open..=matching(&owned, open, '{', '}')];
    body.iter().find(|token| token.is("loop"))?;
    body.iter().enumerate().find_map(|(place, token)| {
        let is_made = token.is("let") && body.get(place + 1).is_some_and(|next| next.is("mut"));
        let end = body[place..].iter().position(|token| token.is_mark(';'))?;
        let made_of = COLLECTIONS.iter().copied().filter(|name| *name != "Vec").collect::<Vec<_>>();
        (is_made && names_one_of(&body[place..place + end], &made_of)).then_some(token.line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> SourceFile {
        SourceFile::new(path, text)
    }

    fn names(files: &[SourceFile]) -> Vec<String> {
        places(files).into_iter().map(|place| place.name).collect()
    }

    #[test]
    fn what_is_shared_or_waits_is_kept_with_all_that_it_has() {
        let files = [
            source(
                "src/a/mod.rs",
                "use super::b::Inner; mod c; pub type Names = BTreeMap<u8, u8>;
                 struct Shared { inner: Inner, few: u8 } fn f(of: Arc<Shared>) {}
                 struct Request { list: Vec<u8> } struct Locked<K = (u8, u8)> { map: Mutex<HashMap<K, Other>> }
                 struct Task { queue: VecDeque<u8> } impl Task { async fn run(mut self) {} }
                 struct Reader { pages: Vec<u8> } impl Reader { async fn read(&self) {} }",
            ),
            source(
                "src/b.rs",
                "pub struct Inner { #[a] pub(super) by: Names, kind: Kind } pub enum Kind { A, B { of: Box<[u8]> }, C(u8, Vec<u8>) }",
            ),
            source(
                "src/d.rs",
                "pub struct Inner { not: Vec<u8> } #[cfg(test)] mod tests { struct T { m: Mutex<Vec<u8>> } }",
            ),
            source("src/cli/mod.rs", "struct Screen { lines: Mutex<Vec<u8>> }"),
        ];
        let expected = ["a::Locked.map", "a::Task.queue", "b::Inner.by", "b::Kind.B.of", "b::Kind.C.1"];
        assert_eq!(names(&files), expected);
    }

    #[test]
    fn queues_permits_and_what_grows_in_a_loop_are_found_where_they_are_made() {
        let files = [source(
            "src/a.rs",
            "fn new() { let (a, b) = mpsc::channel(4); oneshot::channel(); watch::channel(0); }
             async fn watch() { let mut waiting: VecDeque<u8> = VecDeque::new(); loop { waiting.push(1); } }
             async fn pages() { let mut found = BTreeMap::new(); for page in 0..4 { found.insert(page, 1); } }
             fn permits() { Semaphore::new(2); }",
        )];
        assert_eq!(names(&files), ["a::new()", "a::permits()", "a::watch()"]);
    }
}
