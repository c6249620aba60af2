//! A long time under an even load, while connections are lost and come back: does anything grow?

mod args;
mod figures;
mod run;
mod shown;
mod slope;

use std::time::Duration;

pub(in crate::load) use self::args::SoakArgs;
use self::figures::Sample;
pub(in crate::load) use self::figures::{SoakFigures, SoakSettings};
use self::run::{AWAY, Rates, Soak};
use super::arrivals::sign_in;
use super::company::{self, TEAM};
use super::crowd::Crowd;
use super::drive::{Drive, Plan, fresh_seed};
use super::failure::{Failure, Outcome};
use super::fanout::{Asking, Office, default_window, run_round};
use super::interrupt::Interrupt;
use super::ledger::Ledger;
use super::looking_back;
use super::machine::make_room_for;
use super::message::Opened;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::target::{Running, Target};

/// How many agents sign in at once.
const SIGN_INS_AT_ONCE: usize = 64;
/// The closed loop that tells what a share is of.
const REACHED: Plan = Plan { warm_up: Duration::from_secs(1), time: Duration::from_secs(3) };

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(args: &SoakArgs, interrupt: &Interrupt) -> Outcome<Report<SoakSettings, SoakFigures>> {
    let begun = begun();
    let agents = args.agents as usize;
    make_room_for(args.agents + args.boards)?;
    let target = Target::prepare(&args.target, agents)?;
    let progress = Progress::new(1);
    progress.now("signing tokens");
    let tokens = target.agents(agents)?;
    let server = target.start()?;
    let played = play(args, &target, &server, &tokens, interrupt, &progress);
    let played = played.map_err(|failure| server.explain(failure))?;
    let warned = server.notes();
    server.stop()?;
    let Played { rate, reached, lost, samples, mut ledger, mut checked } = played;
    if let Some(installation) = target.installation() {
        progress.now("verifying the journal");
        checked.push("the journal's chain verified".to_owned());
        if let Err(failure) = installation.verify() {
            ledger.breach(failure);
        }
    }
    drop(progress);
    let away = lost_per_second(args) * AWAY.as_secs_f64();
    let figures = SoakFigures::of(rate, reached, (lost, away), &samples)?;
    let flat = [
        figures.memory.filter(|_| figures.is_warm()).map(|_| "memory is flat"),
        figures.descriptors.map(|_| "descriptors are flat"),
    ];
    checked.extend(flat.into_iter().flatten().map(str::to_owned));
    ledger.add_breaches(figures.breaches());
    let notes = figures.notes().into_iter().chain(warned).collect();
    let checks = Checks::of(ledger.breaches(), checked);
    Ok(report("soak", begun, &target, SoakSettings::of(args), figures, checks, notes))
}

/// What came of a run.
struct Played {
    rate: f64,
    reached: Option<f64>,
    lost: u64,
    samples: Vec<Sample>,
    ledger: Ledger,
    checked: Vec<String>,
}

fn play(
    args: &SoakArgs,
    target: &Target,
    server: &Running,
    tokens: &[String],
    interrupt: &Interrupt,
    progress: &Progress,
) -> Outcome<Played> {
    let mut crowd = Crowd::new(interrupt.clone())?;
    let agents = tokens.len();
    let mut drive = Drive::new(Ledger::of((0..agents).map(company::agent)), fresh_seed());
    let mut since = None;
    progress.now(format!("{agents} agents sign in"));
    let mut opened = |who: usize, opened: &Opened<'_>| {
        since.get_or_insert_with(|| opened.server_time.clone().into_owned());
        drive.ledger().signed_in(who, &opened.agent);
    };
    sign_in(&mut crowd, server.address(), tokens, SIGN_INS_AT_ONCE, &mut opened)?;
    let boards = target.supervisors(TEAM, args.boards as usize)?;
    let mut office = Office::new(drive, server, (0..agents).map(company::agent).collect(), boards);
    office.open_boards(&mut crowd)?;
    let reached = match args.rate {
        Some(_) => None,
        None => {
            progress.now("finding out what is reached");
            let window = default_window(args.boards).min(args.agents) as usize;
            let measured = run_round(&mut crowd, &mut office, Asking::Closed { window }, REACHED)?;
            office.next_round();
            Some(measured.changes_per_second())
        }
    };
    let rate = args.rate.or(reached.map(|reached| reached * args.load)).filter(|rate| *rate > 0.0);
    let rate = rate.ok_or_else(|| Failure::new("nothing was reached in the time: give a --rate"))?;
    progress.now(format!("{rate:.0} changes/s for {:?}", args.time));
    let rates = Rates { changes: rate, lost: lost_per_second(args) };
    let soak = Soak::begin(&mut crowd, server, tokens, rates, fresh_seed());
    let (samples, lost) = soak.run(&mut office, args.time, args.every)?;
    progress.now("checking what was acknowledged");
    let settled_in = office.settled_in();
    let mut drive = office.look_back(&mut crowd, settled_in)?;
    crowd.wires().drop_from(agents);
    drive.look_back(&mut crowd)?;
    drop(crowd);
    let mut ledger = drive.into_ledger();
    let supervisor = target.supervisors(TEAM, 1)?.remove(0);
    let board = looking_back::board(server.address(), &supervisor)?;
    ledger.final_table(board.table());
    ledger.add_breaches(looking_back::violations(&board));
    let history = looking_back::history(server.address(), &target.admin()?, &since.unwrap_or_default(), interrupt)?;
    ledger.history(&history);
    let checked = vec![
        format!("{} boards without a gap and never back, those that came back too", args.boards),
        "every board ended at what was acknowledged, within 2 s".to_owned(),
        format!("{lost} times somebody came back and found what was left"),
        format!("{} replies in order, each before what it caused", ledger.commands()),
        format!("{} pauses acknowledged and in the history, each once", history.len()),
        "commands sent again under their op had no effect".to_owned(),
    ];
    Ok(Played { rate, reached, lost, samples, ledger, checked })
}

fn lost_per_second(args: &SoakArgs) -> f64 {
    (args.agents + args.boards) as f64 * args.churn
}
