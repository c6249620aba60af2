//! Where the first login of a company goes: to whoever sits at the terminal, else into a file for the owner of the data
//! folder. Not into a log.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::failure::{Failure, print};
use crate::server::{FirstLogin, FirstLoginDesk};

/// The file in the data folder, mode 0600.
pub(super) const FILE: &str = "first-login.txt";

/// Where first logins go, and are taken away from.
pub(super) fn desk(data: PathBuf) -> FirstLoginDesk {
    let file = data.join(FILE);
    FirstLoginDesk {
        tell: Box::new(move |first: &FirstLogin| tell(&data, first)),
        take_away: Box::new(move || match fs::remove_file(&file) {
            Ok(()) => tracing::info!("{} is void, and was removed", file.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!("{} is void, and cannot be removed: {error}", file.display()),
        }),
    }
}

/// Hands a login over.
fn tell(data: &Path, first: &FirstLogin) {
    let until =
        chrono::DateTime::from_timestamp_millis(first.change_by.0).unwrap_or_default().format("%Y-%m-%d %H:%M UTC");
    let FirstLogin { tenant, login, password, .. } = first;
    let text = format!(
        "first login of {tenant}: name {login}, password {password}\n\
         it has to be changed by the first login (POST /v1/login with new_password), at the latest until {until}; \
         until then each start hands out another"
    );
    if io::stdout().is_terminal() {
        // Whoever closed the terminal gets another at the next start.
        let _ = print(text);
        return;
    }
    match write(data, &text) {
        Ok(path) => tracing::info!("the first login of {tenant} is in {}", path.display()),
        Err(error) => Failure::new(format_args!("cannot write {FILE} into the data folder: {error}")).print(),
    }
}

/// Writes it into the file, which is made for its owner alone.
fn write(data: &Path, text: &str) -> io::Result<PathBuf> {
    let path = data.join(FILE);
    let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(path)
}
