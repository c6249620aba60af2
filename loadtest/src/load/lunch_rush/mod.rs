//! Many agents ask for one pause within a second, of which a few may be away at once: the others wait in line, are
//! offered a slot in turn, take it, and come back.

mod account;
mod figures;
mod line;
mod rush;
mod signs;
mod turns;

use std::time::Duration;

use self::account::Account;
pub(in crate::load) use self::figures::{LunchRushFigures, LunchRushSettings};
use self::line::Told;
use self::rush::{Rush, Taken, Terms};
use self::signs::Signs;
use super::args::LunchRushArgs;
use super::arrivals::{come, sign_in};
use super::breaches::Breaches;
use super::company::{self, Company, TEAM};
use super::crowd::Crowd;
use super::drive::fresh_seed;
use super::failure::{Failure, Outcome};
use super::fanout::{BoardsComing, Stand};
use super::interrupt::Interrupt;
use super::journal::journal;
use super::looking_back;
use super::machine::{make_room_for, own_cpu_time};
use super::message::Opened;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::server::Limits;
use super::target::{Running, Target};
use crate::check::disagreements;

/// How many sign in at once.
const SIGN_INS_AT_ONCE: usize = 64;

/// What one round came to.
#[derive(Debug, Clone)]
pub(in crate::load) struct Round {
    taken: Taken,
    /// How many waited in line.
    waited: usize,
    server_cpu: Option<Duration>,
    generator_cores: f64,
}

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(args: &LunchRushArgs, interrupt: &Interrupt) -> Outcome<Report<LunchRushSettings, LunchRushFigures>> {
    let begun = begun();
    make_room_for(args.agents + args.boards)?;
    let company = Company { slots: Some(args.slots as usize), ..Company::of(args.agents as usize) };
    let target = Target::prepare_with(&args.target, &company, Limits::Raised)?;
    let progress = Progress::new(u64::from(args.rounds));
    let server = target.start()?;
    let lunch = Lunch { args, target: &target, server: &server, interrupt };
    let (rounds, mut breaches) = lunch.play(&progress).map_err(|failure| server.explain(failure))?;
    let warned = server.notes();
    server.stop()?;
    let mut checked = vec![
        format!("never more than {} away at once, by the journal and on a board", args.slots),
        "everybody had one pause a round, as it was acknowledged".to_owned(),
        "slots went to those who had waited longest, and nobody passed by a line".to_owned(),
        "every board shows what was acknowledged last".to_owned(),
    ];
    if let Some(installation) = target.installation() {
        progress.now("verifying the journal");
        checked.push("the journal's chain verified".to_owned());
        if let Err(failure) = installation.verify() {
            breaches.add(failure);
        }
    }
    drop(progress);
    let figures = LunchRushFigures::of(args, &rounds)?;
    let notes = figures.notes().into_iter().chain(target.folder().warning()).chain(warned).collect();
    let checks = Checks::of(&breaches, checked);
    Ok(report("lunch-rush", begun, &target, LunchRushSettings::of(args), figures, checks, notes))
}

struct Lunch<'r> {
    args: &'r LunchRushArgs,
    target: &'r Target,
    server: &'r Running,
    interrupt: &'r Interrupt,
}

impl Lunch<'_> {
    fn play(&self, progress: &Progress) -> Outcome<(Vec<Round>, Breaches)> {
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        progress.now(format!("{} agents sign in", self.args.agents));
        let (mut rush, since) = self.gather(&mut crowd)?;
        let mut rounds = Vec::new();
        for round in 1..=self.args.rounds {
            progress.now(format!("round {round} of {}", self.args.rounds));
            rounds.push(self.round(&mut crowd, &mut rush)?);
            progress.done();
        }
        progress.now("checking what was acknowledged");
        let (accounts, breaches) = rush.look_back();
        drop(crowd);
        Ok((rounds, self.look_back(&accounts, breaches, &since)?))
    }

    /// Signs everybody in and lets the boards watch them; also the server's clock then.
    fn gather(&self, crowd: &mut Crowd) -> Outcome<(Rush, String)> {
        let LunchRushArgs { agents, boards, slots, pause, .. } = *self.args;
        let mut accounts: Vec<Option<Account>> = vec![None; agents as usize];
        let mut since = None;
        let tokens = self.target.agents(accounts.len())?;
        sign_in(crowd, self.server.address(), &tokens, SIGN_INS_AT_ONCE, &mut |who, opened: &Opened<'_>| {
            since.get_or_insert_with(|| opened.server_time.clone().into_owned());
            accounts[who] = Some(Account::of(&opened.agent));
        })?;
        let team: Vec<String> = (0..accounts.len()).map(company::agent).collect();
        let (mut stand, mut signs) = (Stand::of(boards as usize, team), Signs::default());
        let supervisors = self.target.supervisors(TEAM, boards as usize)?;
        let coming = BoardsComing { tokens: &supervisors, stand: &mut stand, rows: &mut signs };
        come(crowd, self.server.address(), coming, SIGN_INS_AT_ONCE)?;
        let accounts = accounts.into_iter().collect::<Option<Vec<Account>>>();
        let accounts = accounts.ok_or_else(|| Failure::new("somebody has not signed in"))?;
        let terms = Terms { slots: slots as usize, pause };
        Ok((Rush::of(accounts, stand, signs, terms, fresh_seed()), since.unwrap_or_default()))
    }

    fn round(&self, crowd: &mut Crowd, rush: &mut Rush) -> Outcome<Round> {
        let waits = rush.waits();
        let (cpu_before, own_before) = (self.server.cpu_time()?, own_cpu_time());
        let taken = rush.round(crowd)?;
        let (cpu_after, own_after) = (self.server.cpu_time()?, own_cpu_time());
        Ok(Round {
            waited: rush.waits() - waits,
            server_cpu: cpu_before.zip(cpu_after).map(|(before, after)| after.saturating_sub(before)),
            generator_cores: (own_after - own_before).as_secs_f64() / taken.within.as_secs_f64(),
            taken,
        })
    }

    /// Holds the journal, and a board that is new, to what was acknowledged.
    fn look_back(&self, accounts: &[Account], mut breaches: Breaches, since: &str) -> Outcome<Breaches> {
        let (address, admin) = (self.server.address(), self.target.admin()?);
        let journal = journal(address, &admin, &line::KINDS, Some(since), self.interrupt)?;
        let rounds = self.args.rounds as usize;
        breaches.add_all(line::check(&journal, &Told::of(accounts), self.args.slots as usize, rounds));
        let supervisor = self.target.supervisors(TEAM, 1)?.remove(0);
        let board = looking_back::board(address, &supervisor)?;
        breaches.add_all(looking_back::violations(&board));
        let truth = accounts.iter().map(|account| (account.agent().to_owned(), account.truth().0)).collect();
        for disagreement in disagreements(board.table(), &truth) {
            breaches.add(format!("a board at the end: {disagreement}"));
        }
        Ok(breaches)
    }
}
