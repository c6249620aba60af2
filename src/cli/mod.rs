//! The command line: parses, calls what does the work, and turns its outcome into lines and an exit
//! code. One line on standard error for each thing that failed.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage.

mod args;
mod check_config;
mod completions;
mod copy;
mod demo;
mod export;
mod failure;
mod first_login;
mod import;
mod runtime;
mod serve;
mod settings;
mod token;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Failure;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell when even that cannot be written.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(flags) => serve::run(&flags),
        Command::Demo(flags) => demo::run(&flags),
        Command::Import(flags) => import::run(&flags),
        Command::Export(flags) => export::run(&flags),
        Command::Token(flags) => token::run(&flags),
        Command::Verify(flags) => verify::run(&flags),
        Command::CheckConfig(flags) => check_config::run(&flags),
        Command::Copy(flags) => copy::run(&flags),
        Command::Completions(flags) => completions::run(&flags),
    }
}
