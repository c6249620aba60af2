//! `intervalo completions`: a script for a shell.

use clap::CommandFactory;

use super::args::{Arguments, Completions};
use super::failure::{Failure, print};

pub(super) fn run(flags: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Arguments::command(), "intervalo", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}
