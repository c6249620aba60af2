//! `intervalo check-config`: the settings in force, as they would stand in the file, with where
//! each came from. No secret is printed: the token key lives in the data folder, and the address of a store
//! is shown without its password.

use super::args::Settings;
use super::failure::{Failure, print};
use super::settings::loaded;
use crate::config::Loaded;
use crate::transport::Tls;

pub(super) fn run(flags: &Settings) -> Result<(), Failure> {
    let loaded = loaded(flags)?;
    let speaks = match loaded.config.tls.files() {
        Some((certificate, key)) => {
            Tls::read(certificate, key).map_err(Failure::new)?;
            "https"
        }
        None => "http",
    };
    print(format_args!("{}# speaks {speaks}", table(&loaded)))
}

fn table(loaded: &Loaded) -> String {
    let mut text = String::new();
    for shown in &loaded.shown {
        let setting = format!("{} = {}", shown.name, shown.value);
        text.push_str(&format!("{setting:<44} # {}\n", shown.origin));
    }
    for issuer in &loaded.issuers {
        text.push_str(&format!("{:<44} # {}\n", "[[issuer]]", issuer.origin));
        text.extend(issuer.fields.iter().map(|(name, value)| format!("{name} = {value}\n")));
    }
    text.push_str(&format!("# intervalo {}, tzdata {}\n", env!("CARGO_PKG_VERSION"), chrono_tz::IANA_TZDB_VERSION));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FileLayer, Layers, load};

    #[test]
    fn each_setting_is_shown_with_its_origin() {
        let layers = Layers { flags: vec![("log_level", vec!["debug".to_owned()])], ..Layers::default() };
        let text = table(&load(&layers).unwrap());
        assert!(text.contains("log_level = \"debug\"                          # flag --log-level\n"), "{text}");
        assert!(text.contains("ping_interval = \"25s\"                        # default\n"), "{text}");
        assert!(text.contains(&format!("tzdata {}", chrono_tz::IANA_TZDB_VERSION)));
    }

    #[test]
    fn issuers_are_shown_as_they_stand_in_the_file() {
        let text = "\n[[issuer]]\naud = \"desk\"\niss = \"login\"\njwks = \"keys.json\"\n".to_owned();
        let file = FileLayer { path: "s.toml".into(), text };
        let text = table(&load(&Layers { file: Some(file), ..Layers::default() }).unwrap());
        let shown = "[[issuer]]                                   # s.toml line 2\niss = \"login\"\njwks = \"keys.json\"\n\
                     aud = \"desk\"\nalgorithms = [\"EdDSA\", \"ES256\", \"RS256\"]\nprovision = \"directory\"\n# intervalo";
        assert!(text.contains(shown), "{text}");
    }
}
