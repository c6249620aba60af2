//! The borders between the modules of the server, and to other crates: the table of ARCHITECTURE.md.
//!
//! Only the product is held to it; what is compiled for tests may reach further.

use std::collections::BTreeSet;

use crate::lexer::{Kind, Token};
use crate::tree::{Module, SourceFile, Violation, modules};

/// What one top-level module may know.
struct Border {
    /// The module.
    module: &'static str,
    /// Modules of ours that it may import, besides itself; `store::history` allows only that part.
    modules: Allowed,
    /// Crates of others that it may use, besides std.
    crates: Allowed,
}

enum Allowed {
    Everything,
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

use Allowed::{AllBut, Everything, Only};

/// The crates that speak HTTP: only `transport` and what stands above it serves anybody.
const SERVING: &[&str] =
    &["sqlx", "axum", "hyper", "hyper_rustls", "hyper_util", "tower", "http", "http_body_util", "clap", "csv"];

/// The house, lowest layer first. `auth` speaks HTTP as a client alone, when it asks issuers for their keys.
const BORDERS: &[Border] = &[
    Border { module: "domain", modules: Only(&[]), crates: Only(&["chrono", "chrono_tz", "thiserror"]) },
    Border { module: "ports", modules: Only(&["domain"]), crates: Only(&["thiserror"]) },
    Border { module: "sync", modules: Only(&[]), crates: Only(&["arc_swap", "dashmap", "shuttle", "tokio_util"]) },
    Border { module: "limits", modules: Only(&[]), crates: Only(&["metrics"]) },
    Border { module: "clock", modules: Only(&["domain", "ports"]), crates: Only(&["rustix", "tokio"]) },
    Border {
        module: "config",
        modules: Only(&["domain"]),
        crates: Only(&["chrono", "chrono_tz", "serde", "serde_json", "strsim", "thiserror", "toml"]),
    },
    Border {
        module: "protocol",
        modules: Only(&["domain"]),
        crates: Only(&["bytes", "chrono", "chrono_tz", "schemars", "serde", "serde_json", "thiserror", "uuid"]),
    },
    Border {
        module: "exchange",
        modules: Only(&["config", "domain"]),
        crates: Only(&["chrono", "chrono_tz", "csv", "toml"]),
    },
    Border {
        module: "store",
        modules: Only(&["clock", "config", "domain", "limits", "ports", "sync"]),
        crates: AllBut(&[
            "axum",
            "hyper",
            "hyper_rustls",
            "hyper_util",
            "tower",
            "http",
            "tokio_tungstenite",
            "dashmap",
            "clap",
            "csv",
        ]),
    },
    Border {
        module: "hub",
        modules: Only(&["clock", "config", "domain", "limits", "ports", "protocol", "sync"]),
        crates: AllBut(SERVING),
    },
    Border {
        module: "auth",
        modules: Only(&["clock", "config", "domain", "limits", "ports", "store"]),
        crates: AllBut(&["sqlx", "axum", "hyper", "tower", "tokio_tungstenite", "dashmap", "clap", "csv"]),
    },
    Border {
        module: "actor",
        modules: Only(&["clock", "config", "domain", "hub", "limits", "ports", "sync"]),
        crates: AllBut(&[
            "sqlx",
            "axum",
            "hyper",
            "hyper_rustls",
            "hyper_util",
            "tower",
            "http",
            "tokio_tungstenite",
            "jsonwebtoken",
            "clap",
            "csv",
        ]),
    },
    Border {
        module: "cluster",
        modules: Only(&["clock", "config", "domain", "limits", "ports"]),
        crates: AllBut(&[
            "axum",
            "hyper",
            "hyper_rustls",
            "hyper_util",
            "tower",
            "tokio_tungstenite",
            "jsonwebtoken",
            "clap",
            "csv",
        ]),
    },
    Border {
        module: "router",
        modules: Only(&["actor", "auth", "clock", "cluster", "config", "domain", "hub", "ports"]),
        crates: AllBut(&[
            "sqlx",
            "axum",
            "hyper",
            "hyper_rustls",
            "hyper_util",
            "tower",
            "http",
            "tokio_tungstenite",
            "clap",
            "csv",
        ]),
    },
    Border {
        module: "transport",
        modules: Only(&[
            "actor",
            "auth",
            "clock",
            "config",
            "domain",
            "exchange",
            "hub",
            "limits",
            "ports",
            "protocol",
            "router",
            "store::history",
        ]),
        crates: AllBut(&["sqlx", "clap"]),
    },
    Border {
        module: "telemetry",
        modules: Only(&["config", "domain", "limits", "ports"]),
        crates: AllBut(&["sqlx", "axum", "clap"]),
    },
    Border { module: "server", modules: AllBut(&["cli"]), crates: AllBut(&["sqlx", "clap"]) },
    Border { module: "cli", modules: Everything, crates: AllBut(&["sqlx"]) },
];

/// Every import across a border that the table does not allow.
pub(crate) fn violations(files: &[SourceFile], dependencies: &BTreeSet<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for module in modules(files) {
        let Some(top) = module.top() else { continue };
        let Some(border) = BORDERS.iter().find(|border| border.module == top) else {
            found.push(module.file.violation(1, format!("`{top}` has no row in the table of borders")));
            continue;
        };
        for (line, path) in own_paths(&module) {
            if path.first().is_some_and(|first| first != top) && !allows(&border.modules, &path) {
                found.push(module.file.violation(line, format!("`{top}` may not import `crate::{}`", path.join("::"))));
            }
        }
        for (line, name) in foreign_crates(&module, dependencies) {
            if !allows(&border.crates, std::slice::from_ref(&name)) {
                found.push(module.file.violation(line, format!("`{top}` may not use the crate `{name}`")));
            }
        }
    }
    found
}

/// Does a list cover a path: by its first segment, or by its first two.
fn allows(allowed: &Allowed, path: &[String]) -> bool {
    let covered = |entries: &[&str]| {
        entries.iter().any(|entry| {
            let entry: Vec<&str> = entry.split("::").collect();
            path.len() >= entry.len() && entry.iter().zip(path).all(|(a, b)| a == b)
        })
    };
    match allowed {
        Everything => true,
        Only(entries) => covered(entries),
        AllBut(entries) => !covered(entries),
    }
}

/// Every path from the crate's root that a module names, its first two segments: through `crate::`
/// or through as many `super::` as lead there.
fn own_paths(module: &Module<'_>) -> Vec<(usize, Vec<String>)> {
    let tokens = &module.lexed.tokens;
    let mut paths = Vec::new();
    for (at, token) in module.product() {
        let after_root = if token.is("crate") && follows_path_sep(tokens, at + 1) {
            Some(at + 2)
        } else if token.is("super") && !preceded_by_path_sep(tokens, at) {
            let supers = supers_from(tokens, at);
            let depth = module.path.len() + inline_depth(tokens, at);
            (supers >= depth).then_some(at + 2 * supers)
        } else {
            None
        };
        if let Some(start) = after_root {
            paths.extend(heads(tokens, start).into_iter().map(|path| (token.line, path)));
        }
    }
    paths
}

fn follows_path_sep(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.kind == Kind::PathSep)
}

fn preceded_by_path_sep(tokens: &[Token], at: usize) -> bool {
    at > 0 && tokens[at - 1].kind == Kind::PathSep
}

/// How many `super::` stand in a row.
fn supers_from(tokens: &[Token], at: usize) -> usize {
    (0..)
        .take_while(|n| {
            tokens.get(at + 2 * n).is_some_and(|t| t.is("super")) && follows_path_sep(tokens, at + 2 * n + 1)
        })
        .count()
}

/// How many `mod name { … }` of the same file are around a place.
fn inline_depth(tokens: &[Token], at: usize) -> usize {
    let mut braces: Vec<bool> = Vec::new();
    for place in 0..at {
        if tokens[place].is_mark('{') {
            braces.push(place >= 2 && tokens[place - 2].is("mod"));
        } else if tokens[place].is_mark('}') {
            braces.pop();
        }
    }
    braces.into_iter().filter(|is_module| *is_module).count()
}

/// The first one or two segments of the path at `start`, or of each path of the group there.
fn heads(tokens: &[Token], start: usize) -> Vec<Vec<String>> {
    let Some(first) = tokens.get(start) else { return Vec::new() };
    if let Some(name) = first.ident() {
        if !follows_path_sep(tokens, start + 1) {
            return vec![vec![name.to_owned()]];
        }
        let seconds = heads(tokens, start + 2);
        if seconds.is_empty() {
            return vec![vec![name.to_owned()]];
        }
        return seconds
            .into_iter()
            .map(|second| [name.to_owned()].into_iter().chain(second.into_iter().take(1)).collect())
            .collect();
    }
    if !first.is_mark('{') {
        return Vec::new();
    }
    let mut paths = Vec::new();
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(token) = tokens.get(at) {
        if token.is_mark('{') {
            depth += 1;
            if depth == 1 {
                paths.extend(heads(tokens, at + 1));
            }
        } else if token.is_mark('}') {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if token.is_mark(',') && depth == 1 && !tokens.get(at + 1).is_some_and(|next| next.is_mark('}')) {
            paths.extend(heads(tokens, at + 1));
        }
        at += 1;
    }
    paths
}

/// Every crate of the manifest that a module names as the first segment of a path, or alone in a `use`.
fn foreign_crates(module: &Module<'_>, dependencies: &BTreeSet<String>) -> Vec<(usize, String)> {
    let tokens = &module.lexed.tokens;
    let mut found = Vec::new();
    for (at, token) in module.product() {
        let Some(name) = token.ident().filter(|name| dependencies.contains(*name)) else { continue };
        let rooted = preceded_by_path_sep(tokens, at);
        let first = !rooted || (at >= 2 && !is_segment(&tokens[at - 2]));
        let before = at.checked_sub(if rooted { 2 } else { 1 }).and_then(|place| tokens.get(place));
        let used = before.is_some_and(|token| token.is("use") || token.is("crate"));
        if first && (follows_path_sep(tokens, at + 1) || used) {
            found.push((token.line, name.to_owned()));
        }
    }
    found
}

/// Can this token stand before `::` as part of the same path; a path that begins with `::` has none.
fn is_segment(token: &Token) -> bool {
    token.is_mark('>')
        || token.ident().is_some_and(|name| !["use", "as", "in", "return", "impl", "dyn", "for", "mut"].contains(&name))
}

/// The crates that a manifest names, as they are written in code.
pub(crate) fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            in_dependencies = section.trim_end_matches(']').ends_with("dependencies");
        } else if in_dependencies && let Some((name, _)) = line.split_once('=') {
            names.insert(name.trim().split('.').next().unwrap_or_default().replace('-', "_"));
        }
    }
    names
}

/// The top-level modules of the crate, as its files show them.
pub(crate) fn top_modules(files: &[SourceFile]) -> BTreeSet<String> {
    modules(files).iter().filter_map(|module| module.top().map(String::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let dependencies = ["chrono", "http", "serde", "sqlx", "tokio"].map(String::from).into();
        violations(&[SourceFile::new(path, text)], &dependencies).into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn the_domain_may_not_import_a_port() {
        let text = "use crate::ports::Clock;";
        assert_eq!(found("src/domain/agent/mod.rs", text), ["`domain` may not import `crate::ports::Clock`"]);
        assert!(found("src/store/mod.rs", text).is_empty());
    }

    #[test]
    fn an_import_hidden_in_a_group_is_found() {
        let text = "use crate::{domain::id::{A, B}, ports, transport::x};";
        assert_eq!(found("src/hub/mod.rs", text), ["`hub` may not import `crate::transport::x`"]);
        let nested = "use crate::{domain::{id::{A, B}, time}, actor::{x, y}};";
        assert_eq!(
            found("src/hub/mod.rs", nested),
            ["`hub` may not import `crate::actor::x`", "`hub` may not import `crate::actor::y`"]
        );
    }

    #[test]
    fn a_path_inside_an_expression_is_found() {
        let text = "fn f() -> u8 { crate::actor::g() }";
        assert_eq!(found("src/protocol/rpc.rs", text), ["`protocol` may not import `crate::actor::g`"]);
    }

    #[test]
    fn going_around_through_super_is_found() {
        assert_eq!(
            found("src/domain/agent/mod.rs", "use super::super::ports::Clock;"),
            ["`domain` may not import `crate::ports::Clock`"]
        );
        assert_eq!(
            found("src/router.rs", "use super::transport::X;"),
            ["`router` may not import `crate::transport::X`"]
        );
        assert!(found("src/domain/agent/mod.rs", "use super::time::Timestamp;").is_empty());
        assert!(found("src/router.rs", "mod inner { use super::transport; }").is_empty());
    }

    #[test]
    fn a_foreign_crate_is_found_wherever_it_is_named() {
        assert_eq!(found("src/domain/id.rs", "use serde::Serialize;"), ["`domain` may not use the crate `serde`"]);
        assert_eq!(
            found("src/domain/id.rs", "#[derive(serde::Serialize)] struct A;"),
            ["`domain` may not use the crate `serde`"]
        );
        assert_eq!(found("src/domain/id.rs", "use ::tokio as t;"), ["`domain` may not use the crate `tokio`"]);
        assert_eq!(found("src/domain/id.rs", "use tokio as t;"), ["`domain` may not use the crate `tokio`"]);
        assert_eq!(
            found("src/transport/mod.rs", "fn f() { sqlx::query(\"x\"); }"),
            ["`transport` may not use the crate `sqlx`"]
        );
        assert!(found("src/domain/id.rs", "use chrono::DateTime; // serde::Serialize").is_empty());
    }

    #[test]
    fn a_module_of_ours_named_like_a_crate_is_not_the_crate() {
        assert!(found("src/domain/id.rs", "use super::http::X; use self::serde::Y;").is_empty());
    }

    #[test]
    fn only_the_named_part_of_a_module_is_open() {
        assert!(found("src/transport/history.rs", "use crate::store::history::PauseHistory;").is_empty());
        assert_eq!(
            found("src/transport/history.rs", "use crate::store::sqlite::Row;"),
            ["`transport` may not import `crate::store::sqlite`"]
        );
    }

    #[test]
    fn a_module_without_a_row_is_found() {
        assert_eq!(found("src/helpers.rs", "//! x"), ["`helpers` has no row in the table of borders"]);
    }

    #[test]
    fn tests_may_reach_further() {
        assert!(found("src/hub/view.rs", "#[cfg(test)] mod tests { use crate::store::MemoryJournal; }").is_empty());
    }

    #[test]
    fn dependencies_are_read_from_the_manifest() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\na-b = \"1\"\nc.workspace = true\n[dev-dependencies]\nd = { path = \"e\" }\n[profile.dev]\ndebug = 1\n";
        assert_eq!(dependencies(manifest), ["a_b", "c", "d"].map(String::from).into());
    }
}
