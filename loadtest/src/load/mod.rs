//! The load test as a program: `intervalo-loadtest`, described in `docs/loadtest.md`.
//!
//! Each scenario puts a server under load through the public protocol, in turn with a *floor*: the least that
//! the same work would cost on this machine, done by this program itself. So a figure means something on any
//! machine, and a slow hour slows both. What the server acknowledges and shows is checked meanwhile.

mod args;
mod arrivals;
mod breaches;
mod commands;
mod company;
mod crowd;
mod day;
mod drive;
mod failure;
mod fanout;
mod folder;
mod helper;
mod hostile;
mod html;
mod http;
mod idle;
mod interrupt;
mod journal;
mod latency;
mod ledger;
mod looking_back;
mod lunch_rush;
mod machine;
mod message;
mod pace;
mod probe;
mod profile;
mod progress;
mod reconnect;
mod report;
mod reserved;
mod server;
mod signin;
mod soak;
mod spread;
mod table;
mod target;
mod times;
mod token;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use self::args::{Arguments, Command, TargetArgs};
pub use self::company::import_file;
use self::failure::{Failure, Outcome};
use self::helper::Place;
use self::html::{Part, Section};
use self::interrupt::Interrupt;
use self::report::Report;

/// No figures could be taken.
const FAILED: u8 = 1;
/// Wrong usage.
const USAGE: u8 = 2;
/// A promise was broken.
const BROKEN: u8 = 3;

/// Runs the program with the words that it was started with.
pub fn main() -> ExitCode {
    let interrupt = match Interrupt::by_signals() {
        Ok(interrupt) => interrupt,
        Err(failure) => return ExitCode::from(failed(&failure)),
    };
    // Where this program is not found, the floor's writer is a thread of it.
    let place = std::env::current_exe().map_or(Place::Thread, Place::ThreadOrProcess);
    ExitCode::from(run(std::env::args_os(), &interrupt, &place))
}

/// Runs the program with these words, its name the first of them; its exit code.
pub fn run_with(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> u8 {
    run(words, &Interrupt::none(), &Place::Thread)
}

fn run(words: impl IntoIterator<Item = impl Into<OsString> + Clone>, interrupt: &Interrupt, place: &Place) -> u8 {
    let command = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments.command,
        Err(error) => {
            // There is nobody left to tell when standard output is gone.
            let _ = error.print();
            return if error.use_stderr() { USAGE } else { 0 };
        }
    };
    let done = match &command {
        Command::BareHandshake => helper::run(signin::WORK).map(|()| 0),
        Command::HostileClients => hostile::run_clients(interrupt).map(|()| 0),
        Command::FloorWriter => helper::run(fanout::WORK).map(|()| 0),
        Command::Company(args) => print(&company::import_file_of(&args.tenant, &args.company())).map(|()| 0),
        Command::Run(args) => profile::run(args, interrupt, place),
        Command::Commands(_)
        | Command::Idle(_)
        | Command::Fanout(_)
        | Command::Hostile(_)
        | Command::Signin(_)
        | Command::LunchRush(_)
        | Command::Reconnect(_)
        | Command::Soak(_)
        | Command::Day(_) => run_load(&command, interrupt, place).map(|told| told.code),
    };
    done.unwrap_or_else(|failure| failed(&failure))
}

/// What was told of one load.
struct Told {
    /// The same for a page.
    part: Part,
    /// The exit code.
    code: u8,
}

/// Runs one scenario, tells of it and writes its files.
fn run_load(command: &Command, interrupt: &Interrupt, place: &Place) -> Outcome<Told> {
    match command {
        Command::Commands(args) => {
            let report = commands::run(args, interrupt)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Idle(args) => {
            let report = idle::run(args, interrupt)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Fanout(args) => {
            let report = fanout::run(args, interrupt, place)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Hostile(args) => {
            let report = hostile::run(args, interrupt, place)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Signin(args) => {
            let report = signin::run(args, interrupt, place)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::LunchRush(args) => {
            let report = lunch_rush::run(args, interrupt)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Reconnect(args) => {
            let report = reconnect::run(args, interrupt)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Soak(args) => {
            let report = soak::run(args, interrupt)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Day(args) => {
            let report = day::run(args, interrupt)?;
            told(&report, report.figures.shown(), report.figures.sections(), &args.target)
        }
        Command::Run(_)
        | Command::Company(_)
        | Command::FloorWriter
        | Command::BareHandshake
        | Command::HostileClients => Err(Failure::new("this is no load")),
    }
}

/// Shows a report, and writes it where it was asked for.
fn told<S: Serialize, F: Serialize>(
    report: &Report<S, F>,
    shown: String,
    sections: Vec<Section>,
    target: &TargetArgs,
) -> Outcome<Told> {
    print(&format!("{shown}\n{}", report::ending(&report.checks, &report.notes)))?;
    if let Some(path) = &target.json {
        report::write(report, path)?;
    }
    let part = Part::of(report, sections);
    if let Some(path) = &target.html {
        html::write(std::slice::from_ref(&part), path)?;
    }
    Ok(Told { part, code: if report.checks.held { 0 } else { BROKEN } })
}

fn print(text: &str) -> Outcome<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::new(format!("cannot write the report: {error}"))),
    }
}

fn failed(failure: &Failure) -> u8 {
    if failure.is_broken_promise() {
        eprintln!("BROKEN: {failure}");
        return BROKEN;
    }
    eprintln!("error: {failure}");
    FAILED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_that_is_broken_before_there_are_figures_has_its_own_exit_code() {
        let failure = Failure::new("agent 3 was cut");
        assert_eq!(failed(&failure), FAILED);
        let broken = failure.into_broken_promise().with("; the server had warned");
        assert_eq!((failed(&broken), broken.to_string().as_str()), (BROKEN, "agent 3 was cut; the server had warned"));
    }
}
