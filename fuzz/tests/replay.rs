//! Every kept input again, through the same functions as the fuzzer: they hold for the product, and are not blind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use intervalo_fuzz::{Outcome, Target, planted};

/// The kept inputs of a target, with their files.
fn kept(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs").join(target.name());
    let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut inputs: Vec<(PathBuf, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let input = fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            (path, input)
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} has no inputs", folder.display());
    inputs
}

/// Replays the inputs of a target; some of them are accepted and some refused, or it would show little.
#[track_caller]
fn holds(target: Target) {
    let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
    for (path, input) in kept(target) {
        match target.hold(&input) {
            Ok(outcome) => *outcomes.entry(outcome).or_default() += 1,
            Err(fault) => panic!("{}: {fault}", path.display()),
        }
    }
    println!("{}: {outcomes:?}", target.name());
    for outcome in [Outcome::Accepted, Outcome::Refused] {
        assert!(outcomes.contains_key(&outcome), "{}: no input is {outcome:?}: {outcomes:?}", target.name());
    }
}

#[test]
fn kept_import_files_read_back_or_are_refused_by_line() {
    holds(Target::CompanyToml);
}

#[test]
fn kept_cursors_are_those_that_are_handed_out_or_refused() {
    holds(Target::Cursors);
}

#[test]
fn promise_r4_kept_messages_are_read_or_refused_in_a_short_error() {
    holds(Target::JsonRpc);
}

#[test]
fn kept_people_read_back_or_are_refused_by_line() {
    holds(Target::PeopleCsv);
}

#[test]
fn kept_drafts_of_a_policy_read_back_or_are_refused_by_field() {
    holds(Target::Policy);
}

#[test]
fn promise_t4_kept_windows_hold_until_they_say_otherwise() {
    holds(Target::Windows);
}

#[test]
fn promise_c9_kept_windows_are_decided_as_they_were_previewed() {
    // The same inputs with a preview that is wrong: what compares it with the decision is not blind.
    let of_preview = planted::ALL.iter().find(|one| one.mistake == "the menu is of a minute before");
    is_found(of_preview.expect("it is planted"));
}

/// Some kept input finds a mistake.
#[track_caller]
fn is_found(planted: &planted::Planted) {
    let found = kept(planted.target).iter().filter(|(_, input)| (planted.hold)(input).is_err()).count();
    println!("{}: {found} inputs find that {}", planted.target.name(), planted.mistake);
    assert!(found > 0, "{}: no kept input finds that {}", planted.target.name(), planted.mistake);
}

#[test]
fn every_planted_mistake_is_found_by_a_kept_input() {
    planted::ALL.iter().for_each(is_found);
    for target in Target::ALL {
        assert!(planted::ALL.iter().any(|one| one.target == target), "{} has no mistake planted", target.name());
    }
}
