//! Where the store is: a data folder, or a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};

use super::nearest::nearest;

/// What the address of a data folder's SQLite store begins with.
const FOLDER_SCHEME: &str = "sqlite:";
/// What the address of a PostgreSQL database begins with.
const POSTGRES_SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
/// The form of such an address, for whoever wrote another.
const POSTGRES_FORM: &str = "`postgres://USER@HOST:PORT/DATABASE`";
/// The parameters that the library which connects knows; it would pass over others in silence, also over one
/// that was to make the connection secure.
const PARAMETERS: [&str; 19] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
    "options[",
];
/// The values of `sslmode`.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// The SQLite database in this data folder.
    Folder(PathBuf),
    /// A PostgreSQL database.
    Postgres(PostgresAddress),
}

/// The address of a PostgreSQL database, `postgres://user:password@host:port/database?…`. Whoever
/// prints it sees neither password nor parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    whole: String,
    shown: String,
}

impl PostgresAddress {
    /// The whole address, for the library that connects.
    pub fn with_password(&self) -> &str {
        &self.whole
    }

    /// Reads what follows the scheme.
    fn read(whole: &str, scheme: &str, rest: &str) -> Result<PostgresAddress, String> {
        let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if after.contains(['@', '#']) || whole.contains(char::is_whitespace) {
            // Perhaps the rest of a password: nothing of it may be shown.
            return Err(
                "`/`, `?`, `#`, `@`, `%` and blanks in a user, a password or a parameter are written %2F, %3F, %23, \
                 %40, %25 and %20"
                    .to_owned(),
            );
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (login.split(':').next().unwrap_or_default(), host),
            None => ("", authority),
        };
        if host.is_empty() {
            return Err(format!(
                "the address names no host: {POSTGRES_FORM}; for a socket, \
                 `postgres://USER@localhost/DATABASE?host=/FOLDER`"
            ));
        }
        check_port(host)?;
        let (path, query) = after.split_once('?').unwrap_or((after, ""));
        if path.trim_start_matches('/').is_empty() {
            return Err(format!("the address names no database: {POSTGRES_FORM}"));
        }
        check_parameters(query)?;
        let at = if user.is_empty() { "" } else { "@" };
        Ok(PostgresAddress { whole: whole.to_owned(), shown: format!("{scheme}{user}{at}{host}{path}") })
    }
}

fn check_port(host: &str) -> Result<(), String> {
    // An address of IPv6 stands in brackets and holds colons itself.
    let after_host = host.rsplit_once(']').map_or(host, |(_, after)| after);
    if host.starts_with('[') != host.contains(']') {
        return Err("an address of IPv6 stands in brackets: `postgres://USER@[::1]:5432/DATABASE`".to_owned());
    }
    match after_host.split_once(':') {
        Some((_, port)) => number_of_port(port),
        None => Ok(()),
    }
}

fn number_of_port(port: &str) -> Result<(), String> {
    port.parse::<u16>().map(drop).map_err(|_| "the port is no number from 0 to 65535".to_owned())
}

fn check_parameters(query: &str) -> Result<(), String> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = PARAMETERS.contains(&name) || name.starts_with("options[");
        if !known {
            let meant =
                nearest(name, PARAMETERS).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            return Err(format!("there is no parameter `{name}`{meant}"));
        }
        if matches!(name, "sslmode" | "ssl-mode") && !SSL_MODES.contains(&value) {
            return Err(format!("`{name}` is one of {}", SSL_MODES.join(", ")));
        }
        if name == "port" {
            number_of_port(value)?;
        }
    }
    Ok(())
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreAddress::Folder(dir) => write!(f, "{FOLDER_SCHEME}{}", dir.display()),
            StoreAddress::Postgres(address) => write!(f, "{address}"),
        }
    }
}

impl From<&Path> for StoreAddress {
    fn from(dir: &Path) -> StoreAddress {
        StoreAddress::Folder(dir.to_owned())
    }
}

impl From<&StoreAddress> for StoreAddress {
    fn from(address: &StoreAddress) -> StoreAddress {
        address.clone()
    }
}

impl std::str::FromStr for StoreAddress {
    type Err = String;

    /// # Errors
    /// What is wrong with it, without the text: it may hold a password.
    fn from_str(text: &str) -> Result<StoreAddress, String> {
        if let Some(dir) = text.strip_prefix(FOLDER_SCHEME) {
            if dir.is_empty() {
                return Err("expected a folder after `sqlite:`, found nothing".to_owned());
            }
            return Ok(StoreAddress::Folder(PathBuf::from(dir)));
        }
        let found = POSTGRES_SCHEMES.iter().find_map(|scheme| Some((*scheme, text.strip_prefix(scheme)?)));
        let Some((scheme, rest)) = found else {
            return Err(format!("expected `sqlite:FOLDER` or {POSTGRES_FORM}, found neither"));
        };
        PostgresAddress::read(text, scheme, rest).map(StoreAddress::Postgres)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        assert_eq!("sqlite:./data".parse(), Ok(StoreAddress::Folder(PathBuf::from("./data"))));
        for right in [
            "postgres://u@h/db",
            "postgres://h:5432/db?sslmode=verify-full&options[search_path]=x",
            "postgresql://u:p%40%2F@[::1]:5432/db",
            "postgres://u@localhost/db?host=/run/postgresql",
        ] {
            assert!(matches!(right.parse(), Ok(StoreAddress::Postgres(_))), "{right}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_without_its_password() {
        for (wrong, told) in [
            ("", "expected `sqlite:FOLDER` or"),
            ("sqlite:", "expected a folder"),
            ("mysql://ana:secret@h/db", "found neither"),
            ("postgres://ana:secret@h", "names no database"),
            ("postgres://ana:secret@h/", "names no database"),
            ("postgres://ana:secret@h/?sslmode=require", "names no database"),
            ("postgres://ana:se/cret@h/db", "%2F"),
            ("postgres://ana:se?cret@h/db", "%3F"),
            ("postgres://ana:se#cret@h/db", "%23"),
            ("postgres://ana:secret@h/db#cret", "%23"),
            ("postgres://ana:secret@h/db ", "%20"),
            ("postgres://ana:secret@/db", "names no host"),
            ("postgres://ana:secret@h:99999/db", "the port is no number"),
            ("postgres://ana:secret@h:abc/db?password=secret", "the port is no number"),
            ("postgres://ana:secret@[::1/db", "in brackets"),
            ("postgres://h/db?password=secret&port=abc", "the port is no number"),
            ("postgres://h/db?sslmod=verify-full&password=secret", "no parameter `sslmod`; did you mean `sslmode`?"),
            ("postgres://h/db?password=secret&sslmode=nonsense", "`sslmode` is one of"),
        ] {
            let refused = wrong.parse::<StoreAddress>().expect_err(wrong);
            assert!(refused.contains(told) && !refused.contains("cret"), "{wrong}: {refused}");
        }
    }

    #[test]
    fn no_password_is_printed() {
        for (text, shown) in [
            ("postgres://ana:secret@h:5432/db?sslmode=require", "postgres://ana@h:5432/db"),
            ("postgresql://ana:se@cret@h/db", "postgresql://ana@h/db"),
            ("postgres://h/db?password=secret", "postgres://h/db"),
            ("postgres://:secret@h/db", "postgres://h/db"),
        ] {
            let address: StoreAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("cret"), "{address:?}");
        }
    }
}
