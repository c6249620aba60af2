//! Keys of a profile as flags of the command line. Which there are is asked of the command line itself.

use std::ffi::OsString;

use clap::{Args, CommandFactory};
use toml::de::DeValue;

use crate::load::args::{Arguments, TargetArgs};

/// Flags that are for `run`, and for no load of a profile.
const OF_RUN: &[&str] = &["html", "json"];

/// The flags of a table.
#[derive(Debug)]
pub(super) struct Flags(Vec<Flag>);

#[derive(Debug)]
struct Flag {
    name: String,
    takes_value: bool,
}

/// What a key was set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// Where.
    pub(super) line: usize,
    given: Given,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    Switch(bool),
    Values(Vec<String>),
}

impl Flags {
    /// Those of `[target]`.
    pub(super) fn of_target() -> Flags {
        Flags::of(&TargetArgs::augment_args(clap::Command::new("target")))
    }

    /// Those of a scenario; none when there is no such scenario.
    pub(super) fn of_scenario(word: &str) -> Option<Flags> {
        let program = Arguments::command();
        let scenario = program.get_subcommands().find(|command| command.get_name() == word && is_scenario(command))?;
        Some(Flags::of(scenario))
    }

    /// The words of all scenarios.
    pub(super) fn scenarios() -> Vec<String> {
        let program = Arguments::command();
        program.get_subcommands().filter(|one| is_scenario(one)).map(|one| one.get_name().to_owned()).collect()
    }

    fn of(command: &clap::Command) -> Flags {
        let flag = |arg: &clap::Arg| {
            let name = arg.get_long()?;
            Some(Flag { name: name.to_owned(), takes_value: arg.get_action().takes_values() })
        };
        let mut flags: Vec<Flag> = command.get_arguments().filter_map(flag).collect();
        flags.retain(|flag| !OF_RUN.contains(&flag.name.as_str()) && flag.name != "help" && flag.name != "version");
        flags.sort_by(|one, other| one.name.cmp(&other.name));
        Flags(flags)
    }

    /// What a key of a table is set to.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub(super) fn setting(&self, place: &str, key: &str, value: &DeValue<'_>, line: usize) -> Result<Setting, String> {
        if OF_RUN.contains(&key) {
            return Err(format!("`{key}` is for all loads together: give --{key} to `run`"));
        }
        let Some(flag) = self.0.iter().find(|flag| flag.name == key) else {
            let known: Vec<&str> = self.0.iter().map(|flag| flag.name.as_str()).collect();
            return Err(format!("there is no `{key}` in {place}, only: {}", known.join(", ")));
        };
        let given = match (flag.takes_value, value) {
            (false, DeValue::Boolean(on)) => Given::Switch(*on),
            (false, other) => return Err(format!("`{key}` is true or false, not {}", other.type_str())),
            (true, DeValue::Array(list)) => {
                let list = list.iter().map(|one| word(key, one.get_ref()));
                Given::Values(list.collect::<Result<_, _>>()?)
            }
            (true, one) => Given::Values(vec![word(key, one)?]),
        };
        Ok(Setting { line, given })
    }
}

impl Setting {
    /// The same on a command line.
    pub(super) fn words(&self, key: &str) -> Vec<OsString> {
        match &self.given {
            Given::Switch(true) => vec![OsString::from(format!("--{key}"))],
            Given::Switch(false) => Vec::new(),
            Given::Values(values) => values.iter().map(|value| OsString::from(format!("--{key}={value}"))).collect(),
        }
    }
}

/// A scenario has a report; other commands have none.
fn is_scenario(command: &clap::Command) -> bool {
    let has = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    has("json") && command.get_positionals().next().is_none()
}

/// A value as one word.
fn word(key: &str, value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|number| number.to_string())
            .map_err(|_| format!("`{key}` is out of range")),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        other @ (DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_)) => {
            Err(format!("`{key}` is text, a number, or a list of these, not {}", other.type_str()))
        }
    }
}

/// The flags of a target that were given, each as one word; those that are for `run` alone are left out.
pub(super) fn words_of(target: &TargetArgs) -> Vec<(&'static str, OsString)> {
    let TargetArgs { server, url, key, pid, tenant, store, dir, pin, json: _, html: _ } = target;
    let word = |name: &'static str, value: OsString| {
        let mut word = OsString::from(format!("--{name}="));
        word.push(value);
        (name, word)
    };
    let path = |name, path: &Option<std::path::PathBuf>| path.clone().map(|path| word(name, path.into_os_string()));
    let text = |name, text: &Option<String>| text.clone().map(|text| word(name, text.into()));
    [
        path("server", server),
        text("url", url),
        path("key", key),
        text("pid", &pid.map(|pid| pid.to_string())),
        text("tenant", tenant),
        text("store", store),
        path("dir", dir),
        pin.then(|| ("pin", OsString::from("--pin"))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_and_their_flags_are_those_of_the_command_line() {
        let scenarios = Flags::scenarios();
        assert!(["commands", "fanout", "idle"].iter().all(|word| scenarios.contains(&(*word).to_owned())));
        assert!(["company", "run", "floor-writer"].iter().all(|word| !scenarios.contains(&(*word).to_owned())));
        let Flags(target) = Flags::of_target();
        let Flags(idle) = Flags::of_scenario("idle").expect("a scenario");
        let has = |flags: &[Flag], name: &str| flags.iter().any(|flag| flag.name == name);
        assert!(target.iter().all(|flag| has(&idle, &flag.name)), "{target:?}");
        assert!(has(&idle, "in-flight") && !has(&target, "in-flight") && !has(&idle, "json"));
    }

    #[test]
    fn every_flag_of_a_target_is_a_word() {
        let given = TargetArgs {
            server: Some("s".into()),
            url: Some("u".into()),
            key: Some("k".into()),
            pid: Some(7),
            tenant: Some("t".into()),
            store: Some("x".into()),
            dir: Some("d".into()),
            pin: true,
            json: Some("j".into()),
            html: Some("h".into()),
        };
        let mut names: Vec<&str> = words_of(&given).into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let Flags(all) = Flags::of_target();
        assert_eq!(names, all.iter().map(|flag| flag.name.as_str()).collect::<Vec<_>>());
        assert_eq!(words_of(&given)[0].1, "--server=s");
        assert_eq!(words_of(&TargetArgs::default()), []);
    }
}
