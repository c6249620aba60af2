//! The layers that settings come from: flags over environment over file over defaults. Unknown
//! names are refused with the nearest one, wherever they stand.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::bounded::read_text;
use super::document::{self, Section};
use super::issuers::{Issuer, ShownIssuer, read_issuers};
use super::nearest::nearest;
use super::settings::{ENVIRONMENT_PREFIX, Faults, SETTINGS, Setting, at_odds, set, show};
use super::{Config, Problem};

/// The environment variable that names the file, as `--config` does.
const FILE_VARIABLE: &str = "INTERVALO_CONFIG";
/// The largest settings file that is read, in bytes: settings fit in a page or two.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Settings of other systems, or of later versions, that deserve a better answer than "unknown".
const NOT_SERVED: [(&str, &str); 1] =
    [("tls", "TLS is set with `tls_certificate` and `tls_key`, each the path of a PEM file")];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file.
    File {
        /// Its path.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An environment variable of this name.
    Environment(String),
    /// A flag of this name.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => write!(f, "default"),
            Origin::File { path, line } => write!(f, "{} line {line}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why there is no [`Config`]: one line each, with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .refusals.join("\n"))]
pub struct ConfigError {
    /// The lines.
    pub refusals: Vec<String>,
}

/// A settings file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLayer {
    /// Its path, for messages.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// The layers, as they were found.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// The settings that flags gave: name and texts.
    pub flags: Vec<(&'static str, Vec<String>)>,
    /// The environment; only `INTERVALO_*` is looked at.
    pub environment: Vec<(OsString, OsString)>,
    /// The settings file, when there is one.
    pub file: Option<FileLayer>,
}

/// A [`Config`], and where each value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The settings in force.
    pub config: Config,
    /// The same as text, in the order of [`SETTINGS`].
    pub shown: Vec<Shown>,
    /// The issuers of the settings file, in its order.
    pub issuers: Vec<ShownIssuer>,
}

/// One setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The setting.
    pub name: &'static str,
    /// Its value, as it would stand in the file.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Layers {
    /// Reads the settings file that a flag or else the environment names, if either does.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be read.
    pub fn read_file(&mut self, flag: Option<&Path>) -> Result<(), ConfigError> {
        let from_environment = || {
            let variable = self.environment.iter().find(|(name, _)| name == FILE_VARIABLE);
            variable.map(|(_, value)| PathBuf::from(value))
        };
        let Some(path) = flag.map(Path::to_path_buf).or_else(from_environment) else { return Ok(()) };
        let refused = |why: String| ConfigError {
            refusals: vec![format!("cannot read the settings file {}: {why}; check the path", path.display())],
        };
        let text = read_text(&path, FILE_BYTES_MAX).map_err(|error| refused(error.to_string()))?;
        self.file = Some(FileLayer { path, text });
        Ok(())
    }
}

/// The texts of one setting in one layer.
struct Given {
    texts: Vec<String>,
    origin: Origin,
}

type Layer = BTreeMap<&'static str, Given>;

/// Puts the layers together and checks every value, also those that a higher layer overrides.
///
/// # Errors
/// [`ConfigError`] with everything that is wrong.
pub fn load(layers: &Layers) -> Result<Loaded, ConfigError> {
    let mut refusals = Vec::new();
    let (file, issuers) = layers.file.as_ref().map(|file| file_layer(file, &mut refusals)).unwrap_or_default();
    let environment = environment_layer(&layers.environment, &mut refusals);
    let flags = flag_layer(&layers.flags);

    let (origins_of_issuers, issuers) = issuers.into_iter().unzip::<_, _, Vec<Origin>, Vec<Issuer>>();
    let mut config = Config { issuers, ..Config::default() };
    let mut origins: BTreeMap<&str, Origin> = BTreeMap::new();
    // The lowest layer first, so that the last to be set is the one in force.
    for layer in [file, environment, flags] {
        for (name, given) in layer {
            match set(&mut config, name, &given.texts) {
                Ok(()) => {
                    origins.insert(name, given.origin);
                }
                Err(Faults(faults)) => {
                    refusals.extend(faults.iter().map(|why| format!("{}: `{name}`: {why}", given.origin)));
                }
            }
        }
    }
    // Values that were refused were not set, so a contradiction may then be none.
    if let (true, Some((name, why))) = (refusals.is_empty(), at_odds(&config)) {
        let origin = origins.get(name).unwrap_or(&Origin::Default);
        refusals.push(format!("{origin}: `{name}`: {why}"));
    }
    if !refusals.is_empty() {
        return Err(ConfigError { refusals });
    }
    let shown = SETTINGS
        .iter()
        .map(|setting| Shown {
            name: setting.name,
            value: show(&config, setting.name),
            origin: origins.remove(setting.name).unwrap_or(Origin::Default),
        })
        .collect();
    let issuers = config.issuers.iter().zip(origins_of_issuers).map(|(issuer, origin)| issuer.shown(origin)).collect();
    Ok(Loaded { config, shown, issuers })
}

fn flag_layer(flags: &[(&'static str, Vec<String>)]) -> Layer {
    let named = |name: &str| Origin::Flag(format!("--{}", name.replace('_', "-")));
    flags.iter().map(|(name, texts)| (*name, Given { texts: texts.clone(), origin: named(name) })).collect()
}

fn environment_layer(environment: &[(OsString, OsString)], refusals: &mut Vec<String>) -> Layer {
    let mut layer = Layer::new();
    for (variable, value) in environment {
        let variable = variable.to_string_lossy();
        let Some(rest) = variable.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
        if *variable == *FILE_VARIABLE {
            continue;
        }
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name.to_uppercase() == rest) else {
            refusals.push(unknown_variable(&variable));
            continue;
        };
        let origin = Origin::Environment(variable.to_string());
        let Some(value) = value.to_str() else {
            refusals.push(format!("{origin}: the value is not UTF-8; write it in plain characters"));
            continue;
        };
        layer.insert(setting.name, Given { texts: texts_of(setting, value), origin });
    }
    layer
}

fn texts_of(setting: &Setting, value: &str) -> Vec<String> {
    if !setting.is_list {
        return vec![value.to_owned()];
    }
    value.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

fn unknown_variable(variable: &str) -> String {
    let known: Vec<String> =
        SETTINGS.iter().map(|setting| format!("{ENVIRONMENT_PREFIX}{}", setting.name.to_uppercase())).collect();
    let known = known.iter().map(String::as_str).chain([FILE_VARIABLE]);
    // The prefix that all share would make everything look alike.
    let wanted = variable.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(variable);
    match nearest(wanted, known.map(|name| name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name))) {
        Some(meant) => format!(
            "environment {variable}: no such setting; did you mean {ENVIRONMENT_PREFIX}{meant}? Correct it or unset it"
        ),
        None => format!("environment {variable}: no such setting; unset it, `intervalo check-config` lists them"),
    }
}

fn file_layer(file: &FileLayer, refusals: &mut Vec<String>) -> (Layer, Vec<(Origin, Issuer)>) {
    let (document, mut problems) = document::parse(&file.text);
    if problems.is_broken() {
        // What can be read of it is not what was meant.
        refusals.extend(problems.into_sorted().into_iter().map(|problem| format!("{} {problem}", file.path.display())));
        return (Layer::new(), Vec::new());
    }
    let mut top = Section::top(&document);
    let mut layer = Layer::new();
    for setting in &SETTINGS {
        let Some(field) = top.take(setting.name, &problems) else { continue };
        if field.is_list() && !setting.is_list {
            field.refuse(&mut problems, "expected one value, not a list");
            continue;
        }
        let Some(texts) = field.plain_texts(&mut problems) else { continue };
        let origin = Origin::File { path: file.path.clone(), line: field.line };
        layer.insert(setting.name, Given { texts, origin });
    }
    for (name, why) in NOT_SERVED {
        if let Some(field) = top.take_hidden(name, &problems) {
            field.refuse(&mut problems, why);
        }
    }
    let in_file = |line| Origin::File { path: file.path.clone(), line };
    let issuers = read_issuers(&mut top, &mut problems).into_iter().map(|(line, issuer)| (in_file(line), issuer));
    let issuers = issuers.collect();
    top.finish(&mut problems);
    let in_file = |Problem { line, message }| format!("{} line {line}: {message}", file.path.display());
    refusals.extend(problems.into_sorted().into_iter().map(in_file));
    (layer, issuers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Layers {
        Layers {
            flags: flags.iter().map(|(name, text)| (*name, vec![(*text).to_owned()])).collect(),
            environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            file: Some(FileLayer { path: PathBuf::from("s.toml"), text: file.to_owned() }),
        }
    }

    fn shown<'l>(loaded: &'l Loaded, name: &str) -> (&'l str, String) {
        let one = loaded.shown.iter().find(|shown| shown.name == name).unwrap();
        (&one.value, one.origin.to_string())
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        let loaded = load(&Layers::default()).unwrap();
        assert_eq!(loaded.config, Config::default());
        assert!(loaded.shown.iter().all(|shown| shown.origin == Origin::Default));
        assert_eq!(loaded.shown.len(), SETTINGS.len());
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let file = "log_level = \"warn\"\nping_interval = \"20s\"\nlisten = [\"127.0.0.1:1\"]\n";
        let environment =
            [("INTERVALO_LISTEN", "127.0.0.1:2, [::1]:2"), ("INTERVALO_LOG_LEVEL", "debug"), ("HOME", "/")];
        let loaded = load(&layers(&[("listen", "127.0.0.1:3")], &environment, file)).unwrap();
        assert_eq!(shown(&loaded, "listen"), ("[\"127.0.0.1:3\"]", "flag --listen".to_owned()));
        assert_eq!(shown(&loaded, "log_level"), ("\"debug\"", "environment INTERVALO_LOG_LEVEL".to_owned()));
        assert_eq!(shown(&loaded, "ping_interval"), ("\"20s\"", "s.toml line 2".to_owned()));
        assert_eq!(shown(&loaded, "ping_timeout"), ("\"10s\"", "default".to_owned()));
        let without_flag = load(&layers(&[], &environment, file)).unwrap();
        assert_eq!(without_flag.config.listen.len(), 2);
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same_settings() {
        let file = "data = 'C:\\data \"x\"'\nlisten = [\"0.0.0.0:80\", \"[::1]:81\"]\nallow_plaintext = true\n\
                    allowed_origins = [\"https://desk.example.com\"]\nmax_connections_per_address = 7\n";
        let loaded = load(&layers(&[], &[], file)).unwrap();
        let text: String = loaded.shown.iter().map(|shown| format!("{} = {}\n", shown.name, shown.value)).collect();
        assert_eq!(load(&layers(&[], &[], &text)).unwrap().config, loaded.config);
    }

    #[test]
    fn refusals_say_where_and_what_to_do() {
        type Environment<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Environment<'_>, &str, &str); 17] = [
            (
                &[("INTERVALO_PORT", "x")],
                "",
                "environment INTERVALO_PORT: no such setting; unset it, `intervalo check-config` lists them",
            ),
            (&[], "\nlistn = []", "s.toml line 2: unknown key `listn`; did you mean `listen`?"),
            (
                &[("INTERVALO_LISTN", "x")],
                "",
                "environment INTERVALO_LISTN: no such setting; did you mean INTERVALO_LISTEN? Correct it or unset it",
            ),
            (
                &[("INTERVALO_PING_TIMEOUT", "10")],
                "",
                "environment INTERVALO_PING_TIMEOUT: `ping_timeout`: expected a duration such as \"90s\", \"10m\" or \
                 \"1h30m\", found \"10\"",
            ),
            (&[], "ping_interval = \"0s\"", "s.toml line 1: `ping_interval`: expected 1s to 10m, found \"0s\""),
            (
                &[],
                "listen = \"localhost\"",
                "s.toml line 1: `listen`: expected ADDRESS:PORT such as \"127.0.0.1:8080\" or \"[::1]:8080\", found \
                 \"localhost\"",
            ),
            (&[], "listen = [\"[::1]:1\", \"[::1]:1\"]", "s.toml line 1: `listen`: \"[::1]:1\" is listed twice"),
            (
                &[],
                "listen = [\"0.0.0.0:80\"]",
                "s.toml line 1: `listen`: 0.0.0.0:80 can be reached by other machines, and tokens would travel in \
                 plain text; set `tls_certificate` and `tls_key`, listen on 127.0.0.1 behind a proxy that terminates \
                 TLS, or set `allow_plaintext = true` when the network in between is trusted",
            ),
            (
                &[],
                "log_level = \"loud\"",
                "s.toml line 1: `log_level`: expected one of error, warn, info, debug, trace, found \"loud\"",
            ),
            (&[], "log_level = [\"info\"]", "s.toml line 1: `log_level`: expected one value, not a list"),
            (
                &[],
                "data = 1.5",
                "s.toml line 1: `data`: expected a text, a whole number, or true or false, found a fraction",
            ),
            (
                &[],
                "max_connections = 0",
                "s.toml line 1: `max_connections`: expected a whole number from 1 to 1000000, found \"0\"",
            ),
            (
                &[],
                "max_connections = 99999999999999999999",
                "s.toml line 1: `max_connections`: expected a whole number from 1 to 1000000, found \
                 \"99999999999999999999\"",
            ),
            (
                &[],
                "rate_burst = 5",
                "s.toml line 1: `rate_burst`: 5 is less than `rate_per_second` (10); set it to that or more",
            ),
            (
                &[],
                "allowed_origins = [\"https://a.b/c\"]",
                "s.toml line 1: `allowed_origins`: expected an origin such as \"https://desk.example.com\", in small \
                 letters and without a path, found \"https://a.b/c\"",
            ),
            (
                &[],
                "tls = true",
                "s.toml line 1: `tls`: TLS is set with `tls_certificate` and `tls_key`, each the path of a PEM file",
            ),
            (
                &[],
                "tls_key = \"x\"",
                "s.toml line 1: `tls_key`: is set without `tls_certificate`; TLS takes both, set that too or neither",
            ),
        ];
        for (environment, file, expected) in cases {
            let error = load(&layers(&[], environment, file)).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn all_refusals_are_told_in_one_go() {
        let file = "a_b_c = 1\nping_timeout = 3\nlisten = [\"a\", \"127.0.0.1:1\", \"b\"]";
        let error = load(&layers(&[], &[("INTERVALO_X", "1")], file)).unwrap_err();
        assert_eq!(error.refusals.len(), 5, "{error}");
        for found in ["found \"a\"", "found \"b\""] {
            let told = |line: &&String| line.starts_with("s.toml line 3: `listen`: expected ") && line.ends_with(found);
            assert_eq!(error.refusals.iter().filter(told).count(), 1, "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_so_and_nothing_that_follows_from_it() {
        for file in ["a_b_c = 1\nping_timeout = 3\nlisten = [", "listen = [\"127.0.0.1:1\"\nlog_level = \"warn\"\n"] {
            let error = load(&layers(&[], &[("INTERVALO_X", "1")], file)).unwrap_err();
            let (of_file, others): (Vec<_>, Vec<_>) =
                error.refusals.iter().partition(|line| line.starts_with("s.toml"));
            assert!(of_file.len() == 1 && of_file[0].contains(": this is not TOML: "), "{error}");
            assert_eq!(others.len(), 1, "{error}");
        }
    }

    #[test]
    fn an_overridden_value_is_checked_too() {
        let error = load(&layers(&[("log_level", "info")], &[], "log_level = \"loud\"")).unwrap_err();
        assert!(error.to_string().starts_with("s.toml line 1"), "{error}");
    }
}
