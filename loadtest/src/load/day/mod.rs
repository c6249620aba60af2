//! A day of a contact centre in a minute: who comes, pauses, is refused, is lost and leaves, and boards that come
//! and go.

mod account;
mod args;
mod company;
mod figures;
mod heard;
mod people;
mod phases;
mod plan;
mod signs;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(in crate::load) use self::args::DayArgs;
pub(in crate::load) use self::figures::{DayFigures, DaySettings};

use self::account::{Account, check_history};
use self::people::{People, Setting};
use self::phases::{Phase, Taken};
use super::breaches::Breaches;
use super::company::TEAM;
use super::crowd::Crowd;
use super::drive::fresh_seed;
use super::failure::{Failure, Outcome};
use super::interrupt::Interrupt;
use super::looking_back;
use super::machine::{make_room_for, own_cpu_time};
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::server::Limits;
use super::target::{Running, Target};
use crate::check::{Expected, disagreements};

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(args: &DayArgs, interrupt: &Interrupt) -> Outcome<Report<DaySettings, DayFigures>> {
    let begun = begun();
    if args.target.url.is_some() {
        return Err(Failure::new(
            "a day has a company of its own, whose pauses are as short as it is: leave out --url",
        ));
    }
    make_room_for(args.agents + args.boards)?;
    let company = |tenant: &str| company::import_file(tenant, args.agents as usize, args.speed);
    let target = Target::prepare_from(&args.target, company, Limits::Raised)?;
    let progress = Progress::new(Phase::ALL.len() as u64);
    let server = target.start()?;
    let day = Day { args, target: &target, server: &server, interrupt };
    let Lived { taken, mut breaches, mut checked } = day.live(&progress).map_err(|failure| server.explain(failure))?;
    let warned = server.notes();
    server.stop()?;
    if let Some(installation) = target.installation() {
        progress.now("verifying the journal");
        checked.push("the journal's chain verified".to_owned());
        if let Err(failure) = installation.verify() {
            breaches.add(failure);
        }
    }
    drop(progress);
    let figures = DayFigures::of(&taken)?;
    let notes = figures.notes().into_iter().chain(target.folder().warning()).chain(warned).collect();
    let checks = Checks::of(&breaches, checked);
    Ok(report("day", begun, &target, DaySettings::of(args), figures, checks, notes))
}

/// What came of a day.
struct Lived {
    taken: Vec<(Phase, Taken)>,
    breaches: Breaches,
    checked: Vec<String>,
}

struct Day<'r> {
    args: &'r DayArgs,
    target: &'r Target,
    server: &'r Running,
    interrupt: &'r Interrupt,
}

impl Day<'_> {
    fn live(&self, progress: &Progress) -> Outcome<Lived> {
        progress.now("signing tokens");
        let agents = self.target.agents(self.args.agents as usize)?;
        let supervisors = self.target.supervisors(TEAM, self.args.boards as usize)?;
        let minute = Duration::from_secs(60) / self.args.speed;
        let setting = Setting { address: self.server.address(), agents: &agents, supervisors: &supervisors, minute };
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        let begins = Instant::now();
        let mut people = People::of(setting, begins, self.args.seed, fresh_seed());
        let mut all = Vec::new();
        let (mut from, mut cpu, mut own) = (begins, self.server.cpu_time()?, own_cpu_time());
        for phase in Phase::ALL {
            progress.now(phase.word());
            let until = phase.until().map(|minutes| begins + minute.mul_f64(minutes));
            people.live_until(&mut crowd, until)?;
            let (now, cpu_now, own_now) = (Instant::now(), self.server.cpu_time()?, own_cpu_time());
            let seconds = (now - from).as_secs_f64();
            let taken = Taken {
                seconds,
                cpu_s: cpu_now.zip(cpu).map(|(now, before)| now.saturating_sub(before).as_secs_f64()),
                generator_cores: (own_now - own).as_secs_f64() / seconds,
                ..people.take()
            };
            all.push((phase, taken));
            (from, cpu, own) = (now, cpu_now, own_now);
            progress.done();
        }
        progress.now("checking what was acknowledged");
        let (breaches, checked) = self.look_back(&mut crowd, people)?;
        Ok(Lived { taken: all, breaches, checked })
    }

    /// Everybody has left: holds a new board, all that were there, and the history to what was acknowledged.
    fn look_back(&self, crowd: &mut Crowd, people: People<'_>) -> Outcome<(Breaches, Vec<String>)> {
        let (address, supervisor) = (self.server.address(), self.target.supervisors(TEAM, 1)?.remove(0));
        let board = looking_back::board(address, &supervisor)?;
        let (accounts, mut breaches) = people.look_back(crowd, &board)?;
        breaches.add_all(looking_back::violations(&board));
        let gone =
            |account: &Account| (account.agent().to_owned(), Expected { status: "offline".to_owned(), pause: None });
        let truth: BTreeMap<String, Expected> = accounts.iter().map(gone).collect();
        for disagreement in disagreements(board.table(), &truth) {
            breaches.add(format!("a board at the end: {disagreement}"));
        }
        let history = looking_back::history(address, &self.target.admin()?, "1970-01-01T00:00:00Z", self.interrupt)?;
        check_history(&accounts, &history, &mut breaches);
        let checked = vec![
            format!("{} boards without a gap and never back, those that came back too", self.args.boards),
            "every board ended at what a new one shows: everybody has left".to_owned(),
            "whoever was lost came back to what was left, or to what a command had made of it".to_owned(),
            format!("{} pauses acknowledged and in the history, each once and over", history.len()),
        ];
        Ok((breaches, checked))
    }
}
