//! What can be typed. The doc comments are the help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::auth::Role;
use crate::config::parse_span;
use crate::domain::id::{PrincipalId, TeamId, TenantId};

/// The most simulated agents of a demo: two sockets each fit into an ordinary limit of descriptors.
const DEMO_AGENTS_MAX: i64 = 2000;

/// Real-time presence and pause server for contact centres
#[derive(Debug, Parser)]
#[command(name = "intervalo", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve agents and boards
    Serve(Settings),
    /// Run a sample company with simulated agents in a temporary folder
    Demo(Demo),
    /// Put a company from a TOML file, or its people from a CSV file, on top of what is there, and print the difference
    Import(Import),
    /// Write a company as TOML, or its people as CSV, beside a running server or without one
    Export(Export),
    /// Print a token
    Token(Token),
    /// Check that the journal is whole and unaltered, beside a running server or without one
    Verify(Verify),
    /// Copy the store of a data folder into an empty PostgreSQL database; nobody may be using either
    Copy(Copy),
    /// Print the settings in force and where each comes from
    CheckConfig(Settings),
    /// Print a completion script for a shell
    Completions(Completions),
}

/// Flags win over `INTERVALO_*` in the environment, that over the settings file, that over the defaults.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Settings {
    /// The data folder [default: ./intervalo-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the journal is: data (the data folder), sqlite:FOLDER, or postgres://USER@HOST:PORT/DATABASE; a password
    /// is better given as INTERVALO_STORE, or in ~/.pgpass [default: data]
    #[arg(long, value_name = "ADDRESS")]
    pub store: Option<String>,
    /// An address to listen on; may be given several times [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Listen without TLS where other machines reach it, behind a proxy that terminates TLS
    #[arg(long)]
    pub allow_plaintext: bool,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Simulated agents; the sample has names for 60
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=DEMO_AGENTS_MAX))]
    pub agents: u32,
    /// Stop by itself after this many seconds; without it, Ctrl-C stops the demo
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file (docs/import.md)
    pub file: PathBuf,
    /// What the file is [default: by its ending, else toml]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<FileFormat>,
    /// The tenant of a CSV file; needed where the store has several
    #[arg(long, value_name = "T")]
    pub tenant: Option<TenantId>,
    #[command(flatten)]
    pub place: Place,
    /// Print the difference and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What the file leaves out goes: agents leave, and with TOML pause types are archived, unused teams are removed
    #[arg(long)]
    pub prune: bool,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    pub place: Place,
    /// The tenant
    #[arg(long, value_name = "T")]
    pub tenant: TenantId,
    /// TOML has all of it, CSV the people
    #[arg(long, value_name = "FORMAT", default_value = "toml")]
    pub format: FileFormat,
    /// Write to this file instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Semicolons between the cells of a CSV file instead of commas
    #[arg(long)]
    pub semicolon: bool,
    /// A byte order mark before a CSV file, for spreadsheets that take UTF-8 for something else
    #[arg(long)]
    pub bom: bool,
}

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FileFormat {
    /// A whole company
    Toml,
    /// Its people
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct Token {
    /// The data folder; its key is made at first use [default: ./intervalo-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The tenant that it is for; an operator's names any, best one that no company has
    #[arg(long, value_name = "T")]
    pub tenant: TenantId,
    /// agent, supervisor, admin, auditor, integration or operator
    #[arg(long, value_name = "R")]
    pub role: Role,
    /// Who it speaks for; for an agent, the agent's id
    #[arg(long, value_name = "ID")]
    pub subject: PrincipalId,
    /// The teams that a supervisor is over, with commas between
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub teams: Option<Vec<TeamId>>,
    /// How long it holds
    #[arg(long, value_name = "SPAN", default_value = "12h", value_parser = ttl)]
    pub ttl: Duration,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    pub place: Place,
}

/// Where a command finds the journal.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The data folder [default: ./intervalo-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the journal is, as for serve [default: data]
    #[arg(long, value_name = "ADDRESS")]
    pub store: Option<String>,
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Copy {
    /// What is copied: sqlite:FOLDER
    #[arg(long, value_name = "ADDRESS")]
    pub from: String,
    /// Where to: postgres://USER@HOST:PORT/DATABASE
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    pub shell: Shell,
}

fn ttl(text: &str) -> Result<Duration, String> {
    match parse_span(text) {
        Ok(Duration::ZERO) => Err("a token that holds for no time is of no use".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn verify_cli() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn tokens_are_asked_for_by_name() {
        let line = "intervalo token --tenant acme --role supervisor --subject rita --teams a,b --ttl 1h30m";
        let Command::Token(token) = Arguments::try_parse_from(line.split(' ')).unwrap().command else { panic!() };
        assert_eq!(token.role, Role::Supervisor);
        assert_eq!(token.teams.map(|teams| teams.len()), Some(2));
        assert_eq!(token.ttl, Duration::from_secs(5400));
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_flag_that_says_it() {
        let cases = [
            ("token --tenant acme --role boss --subject x", "invalid value 'boss' for '--role <R>'"),
            ("token --tenant acme --role agent --subject x --ttl 0s", "invalid value '0s' for '--ttl <SPAN>'"),
            ("token --role agent --subject x", "--tenant <T>"),
            ("serve --prot 80", "unexpected argument '--prot'"),
            ("demo --agents 2001", "invalid value '2001' for '--agents <N>'"),
        ];
        for (line, expected) in cases {
            let words = std::iter::once("intervalo").chain(line.split(' '));
            let error = Arguments::try_parse_from(words).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
