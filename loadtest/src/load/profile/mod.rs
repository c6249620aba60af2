//! A profile: loads that are described in a file (TOML) and run one after the other, with one page of all of them.

mod document;
mod words;

use std::path::PathBuf;

use clap::Args;

pub(super) use self::document::Load;
use super::args::TargetArgs;
use super::failure::{Outcome, While};
use super::helper::Place;
use super::html::{self, Part};
use super::interrupt::Interrupt;
use super::{FAILED, USAGE, failed, print, run_load};

/// The flags of `run`. What is named here goes before what the profile says.
#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// The profile (docs/loadtest.md, "Profiles")
    #[arg(value_name = "PROFILE")]
    pub(super) profile: PathBuf,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Runs all loads of a profile; the worst of their exit codes.
///
/// # Errors
/// [`super::Failure`] when the profile cannot be read or a report cannot be written.
pub(super) fn run(args: &RunArgs, interrupt: &Interrupt, place: &Place) -> Outcome<u8> {
    let shown = args.profile.display().to_string();
    let text = std::fs::read_to_string(&args.profile).while_doing(format!("cannot read {shown}"))?;
    let loads = match document::read(&text, &args.target) {
        Ok(loads) => loads,
        Err(problem) => {
            eprintln!("error: {shown}:{problem}");
            return Ok(USAGE);
        }
    };
    if let Some(folder) = &args.target.json {
        std::fs::create_dir_all(folder).while_doing(format!("cannot make the folder {}", folder.display()))?;
    }
    if let Some(path) = &args.target.html {
        // Better now than after the first hour.
        html::write(&[], path)?;
    }
    let (mut parts, mut worst, count) = (Vec::new(), 0, loads.len());
    for (number, Load { mut command, scenario, name }) in (1..).zip(loads) {
        if interrupt.check().is_err() {
            worst = worst.max(FAILED);
            break;
        }
        let called = name.as_ref().map_or_else(String::new, |name| format!(": {name}"));
        print(&format!("{}== {number} of {count}, {scenario}{called}\n\n", if number == 1 { "" } else { "\n" }))?;
        if let Some(target) = command.target_mut() {
            target.json = args.target.json.as_ref().map(|folder| folder.join(format!("{number:02}-{scenario}.json")));
        }
        let (part, code) = match run_load(&command, interrupt, place) {
            Ok(told) => (told.part, told.code),
            Err(failure) => (Part::failed(&scenario, &failure), failed(&failure)),
        };
        worst = worst.max(code);
        parts.push(part.called(name));
        // After each, so that a run that is ended early leaves what there is.
        if let Some(path) = &args.target.html {
            html::write(&parts, path)?;
        }
    }
    Ok(worst)
}
