//! House rules that a machine can check. Each is a pure function over paths and texts in `tests/tidy/`, proved
//! there by a planted violation; here they are asked of the project itself.

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/kept.rs"]
mod kept;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/limits.rs"]
mod limits;
#[path = "tidy/tenants.rs"]
mod tenants;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tree.rs"]
mod tree;

use tree::{SourceFile, Violation, project};

#[track_caller]
fn assert_none(found: Vec<Violation>) {
    let list: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} violations:\n{}", list.len(), list.join("\n"));
}

fn file<'a>(files: &'a [SourceFile], path: &str) -> &'a SourceFile {
    files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is missing"))
}

#[test]
fn modules_import_only_what_their_layer_may() {
    let files = project();
    let dependencies = layers::dependencies(&file(&files, "Cargo.toml").text);
    assert!(dependencies.contains("tokio_tungstenite"), "the manifest was not read");
    assert_none(layers::violations(&files, &dependencies));
}

#[test]
fn the_domain_is_pure() {
    assert_none(text::impurities(&project()));
}

#[test]
fn shared_maps_stay_behind_a_registry() {
    assert_none(text::shared_maps(&project()));
}

#[test]
fn statements_read_one_tenants_rows_or_say_that_they_read_all() {
    let files = project();
    let tables = tenants::tables(&files);
    assert!(tables.len() >= 12 && tables.contains("journal"), "the migrations were not read: {tables:?}");
    let (statements, found) = tenants::unscoped(&files, &tables);
    assert!(statements > 80, "the statements were not read: {statements}");
    assert_none(found);
}

#[test]
fn the_doors_take_no_tenant_from_what_they_are_sent() {
    assert_none(tenants::made_up(&project()));
}

#[test]
fn files_have_the_house_form() {
    assert_none(project().iter().flat_map(text::form).collect());
}

#[test]
fn rust_files_say_what_they_are_for() {
    assert_none(project().iter().filter_map(text::header).collect());
}

#[test]
fn comments_put_nothing_off() {
    assert_none(project().iter().flat_map(text::put_off).collect());
}

#[test]
fn silenced_lints_have_a_reason() {
    assert_none(project().iter().flat_map(text::reasons).collect());
}

#[test]
fn tests_neither_sleep_nor_rest() {
    assert_none(project().iter().flat_map(text::tests_neither_sleep_nor_rest).collect());
}

#[test]
fn the_product_panics_only_with_a_reason() {
    assert_none(text::unexplained_panics(&project()));
}

#[test]
fn the_code_map_is_true() {
    let files = project();
    assert_none(documents::code_map(file(&files, "ARCHITECTURE.md"), &layers::top_modules(&files)));
}

#[test]
fn checked_promises_have_tests_of_their_name() {
    let files = project();
    assert_none(documents::promises(file(&files, "docs/promises.md"), &files));
}

#[test]
fn the_changelog_keeps_its_shape() {
    assert_none(documents::changelog(file(&project(), "CHANGELOG.md")));
}

#[test]
fn cited_sections_of_the_semantics_exist() {
    let files = project();
    assert_none(documents::citations(file(&files, "docs/semantics.md"), &files));
}

#[test]
fn documents_pointed_to_exist() {
    assert_none(documents::documents_named(&project()));
}

#[test]
fn documents_show_code_that_is_run() {
    let files = project();
    let protocol = file(&files, "docs/protocol.md");
    assert!(protocol.text.matches("`tests/").count() >= 8, "its pieces of code name no files any more");
    assert_none(documents::excerpts(&files));
}

#[test]
fn migrations_are_numbered_without_gaps() {
    assert_none(documents::migrations(&project()));
}

#[test]
fn the_lock_file_holds_nothing_banned() {
    assert_none(documents::locked(file(&project(), "Cargo.lock")));
}

#[test]
fn nothing_banned_is_built() {
    let words = ["tree", "--offline", "--locked", "--workspace", "--prefix", "none"];
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let ran = std::process::Command::new(cargo).args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let ran = ran.expect("cargo runs");
    let tree = String::from_utf8(ran.stdout).expect("names");
    assert!(ran.status.success() && tree.contains("tokio v1"), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_none(documents::built(&SourceFile::new("cargo tree", &tree)));
}

#[test]
fn what_is_kept_and_can_grow_is_in_the_register_of_limits() {
    let files = project();
    assert!(kept::places(&files).len() > 100, "the source was not read");
    assert_none(limits::violations(file(&files, "docs/limits.md"), &files));
}

#[test]
fn every_figure_says_what_it_is() {
    assert_none(limits::undescribed(&project()));
}

#[test]
fn recipes_name_tests_that_exist() {
    let files = project();
    let documents: Vec<&SourceFile> =
        files.iter().filter(|file| file.path == "justfile" || file.path.ends_with(".md")).collect();
    assert_none(documents::named_tests(&documents, &files));
}
