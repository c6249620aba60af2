//! Profiles that say what they should, and every planted problem told with its line.

use std::time::Duration;

use super::*;

fn loads(text: &str) -> Vec<Load> {
    read(text, &TargetArgs::default()).expect("a profile")
}

fn problem(text: &str) -> String {
    read(text, &TargetArgs::default()).expect_err("a problem").to_string()
}

#[test]
fn a_profile_says_what_the_command_line_would() {
    let text = r#"
[target]
server = "bin/intervalo"
pin = true

[[load]]
scenario = "commands"
name = "a few"
connections = [1, 8]
rate = 2.5
time = "2s"

[[load]]
scenario = "idle"
pin = false
agents = 100
"#;
    let loads = loads(text);
    let [first, second] = loads.as_slice() else { panic!("{loads:?}") };
    let Command::Commands(args) = &first.command else { panic!("{first:?}") };
    assert_eq!((args.connections.as_slice(), args.rate, args.time), ([1, 8].as_slice(), 2.5, Duration::from_secs(2)));
    assert_eq!(args.target.server.as_deref(), Some("bin/intervalo".as_ref()));
    assert!(args.target.pin);
    assert_eq!((first.scenario.as_str(), first.name.as_deref()), ("commands", Some("a few")));
    let Command::Idle(args) = &second.command else { panic!("{second:?}") };
    assert_eq!((args.agents, args.target.pin, &second.name), (100, false, &None), "its own keys go first");
}

#[test]
fn what_run_is_given_goes_before_the_profile() {
    let text = "[target]\nurl = \"ws://h:1\"\nkey = \"k\"\n[[load]]\nscenario = \"idle\"\ndir = \"d\"\n";
    let over = TargetArgs { server: Some("s".into()), dir: Some("e".into()), ..TargetArgs::default() };
    let loads = read(text, &over).expect("a profile");
    let Command::Idle(args) = &loads[0].command else { panic!("{loads:?}") };
    let TargetArgs { server, url, key, dir, .. } = &args.target;
    assert_eq!((url, key), (&None, &None), "another server is another server");
    assert_eq!((server.as_deref(), dir.as_deref()), (Some("s".as_ref()), Some("e".as_ref())));
}

#[test]
fn every_problem_is_told_with_its_line_and_what_is_allowed() {
    let cases = [
        ("", "1: a profile has at least one [[load]]"),
        ("x = 1", "1: there is no \"x\" in a profile, only [target] and [[load]]"),
        ("load = 3", "1: the tables are written"),
        ("\n[load]\nscenario = \"idle\"", "2: the tables are written"),
        ("load = [3]", "1: a load is a table"),
        ("[[load]\n", "1: "),
        ("[[load]]\n\nagents = 3", "1: a load has `scenario = \"…\"`, one of: commands, idle"),
        ("[[load]]\n\nscenario = \"company\"", "3: a load has `scenario = \"…\"`, one of: commands, idle"),
        ("[[load]]\nscenario = 3", "2: `scenario` is text in quotes, not integer"),
        ("[[load]]\nscenario = \"idle\"\nname = true", "3: `name` is text in quotes, not boolean"),
        (
            "[[load]]\nscenario = \"idle\"\nboards = 3",
            "3: there is no `boards` in idle, only: agents, dir, hold, in-flight",
        ),
        (
            "[target]\nname = \"x\"\n[[load]]\nscenario = \"idle\"",
            "2: there is no `name` in [target], only: dir, key, pid",
        ),
        ("[target]\njson = \"x\"\n[[load]]\nscenario = \"idle\"", "2: `json` is for all loads together"),
        ("[[load]]\nscenario = \"idle\"\npin = 1", "3: `pin` is true or false, not integer"),
        (
            "[[load]]\nscenario = \"idle\"\nagents = true",
            "3: `agents` is text, a number, or a list of these, not boolean",
        ),
        ("[[load]]\nscenario = \"idle\"\nhold = \"1s\"\nagents = 0", "4: invalid value '0' for '--agents <N>'"),
        (
            "[[load]]\nscenario = \"idle\"\nhold = 3",
            "3: invalid value '3' for '--hold <SPAN>': expected a span such as",
        ),
        (
            "[[load]]\nscenario = \"idle\"\nhold = [\"1s\", \"2s\"]",
            "the argument '--hold <SPAN>' cannot be used multiple",
        ),
        (
            "[[load]]\nscenario = \"idle\"\nkey = \"k\"",
            "the following required arguments were not provided: --url <URL>",
        ),
        ("[[load]]\nscenario = \"idle\"\nagents = 0xffffffffffffffffff", "3: `agents` is out of range"),
    ];
    for (text, expected) in cases {
        let told = problem(text);
        assert!(told.contains(expected), "{text:?}: {told}");
        assert!(!told.contains('\n'), "{told}");
    }
}

#[test]
fn the_profiles_that_come_with_it_can_be_read() {
    let quick = loads(include_str!("../../../profiles/quick.toml"));
    let targets = loads(include_str!("../../../profiles/targets.toml"));
    assert!(quick.len() >= 3 && targets.len() >= 6);
    assert!(targets.iter().all(|load| load.name.is_some()));
}
