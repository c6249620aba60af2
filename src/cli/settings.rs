//! From flags, environment and file to a [`Config`].

use std::path::Path;

use super::args::{Place, Settings};
use super::failure::Failure;
use crate::config::{Config, ConfigError, Layers, Loaded, StoreAddress, load};

/// The settings in force for these flags.
pub(super) fn loaded(flags: &Settings) -> Result<Loaded, Failure> {
    let mut layers = Layers { flags: given(flags)?, environment: std::env::vars_os().collect(), file: None };
    layers.read_file(flags.config.as_deref()).map_err(refused)?;
    load(&layers).map_err(refused)
}

/// The settings in force, for commands that have a flag for the data folder alone.
pub(super) fn settings_for(data: Option<&Path>, config: Option<&Path>) -> Result<Config, Failure> {
    let (data, config) = (data.map(Path::to_path_buf), config.map(Path::to_path_buf));
    let flags = Settings { data, config, ..Settings::default() };
    loaded(&flags).map(|loaded| loaded.config)
}

/// The store in force, for commands that need no other setting.
pub(super) fn store_of(place: &Place) -> Result<StoreAddress, Failure> {
    let Place { data, store, config } = place;
    let flags = Settings { data: data.clone(), store: store.clone(), config: config.clone(), ..Settings::default() };
    loaded(&flags).map(|loaded| loaded.config.store_address())
}

fn refused(error: ConfigError) -> Failure {
    Failure::all(error.refusals)
}

fn given(flags: &Settings) -> Result<Vec<(&'static str, Vec<String>)>, Failure> {
    let mut given = Vec::new();
    if let Some(data) = &flags.data {
        let Some(text) = data.to_str() else {
            return Err(Failure::new(format_args!("flag --data: {} is not UTF-8; use another path", data.display())));
        };
        given.push(("data", vec![text.to_owned()]));
    }
    if !flags.listen.is_empty() {
        given.push(("listen", flags.listen.clone()));
    }
    if flags.allow_plaintext {
        given.push(("allow_plaintext", vec!["true".to_owned()]));
    }
    for (name, value) in [("store", &flags.store), ("log_format", &flags.log_format), ("log_level", &flags.log_level)] {
        if let Some(value) = value {
            given.push((name, vec![value.clone()]));
        }
    }
    Ok(given)
}
