//! Agents who sign in from nothing, as fast as they are let in, beside the bare handshake, in turn.

mod figures;
mod floor;
mod presence;

use std::time::Duration;

pub(in crate::load) use self::figures::{SigninFigures, SigninSettings};
pub(in crate::load) use self::floor::WORK;
use super::args::SigninArgs;
use super::arrivals::{Arrived, Guests, Step, come, sign_in};
use super::breaches::Breaches;
use super::company::{self, TEAM};
use super::crowd::Crowd;
use super::drive::Drive;
use super::failure::{Failure, Outcome};
use super::helper::{Helper, Place};
use super::interrupt::Interrupt;
use super::journal::journal;
use super::latency::Latency;
use super::ledger::Ledger;
use super::looking_back;
use super::machine::{fits, make_room_for, own_cpu_time};
use super::message::Opened;
use super::probe::Probe;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::target::{Running, Target};

/// What one side did in one turn.
#[derive(Debug, Clone)]
pub(in crate::load) struct Turn {
    per_second: f64,
    took: Latency,
    /// Of the server's process, when it is known, or of the floor's thread.
    cpu: Option<Duration>,
}

/// Floor and server in turn, once.
#[derive(Debug, Clone)]
pub(in crate::load) struct Pair {
    floor: Turn,
    server: Turn,
    /// How long a record took to be written and synced while the server had its turn.
    syncs: Latency,
    put_off: u64,
    generator_cores: f64,
}

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(
    args: &SigninArgs,
    interrupt: &Interrupt,
    place: &Place,
) -> Outcome<Report<SigninSettings, SigninFigures>> {
    let begun = begun();
    make_room_for(args.agents)?;
    if args.pairs > 1 && args.target.store.is_some() && args.target.tenant.is_some() {
        // Whoever has signed in once is known.
        return Err(Failure::new(
            "with --store, a --tenant has its first sign-ins once: --pairs 1, or leave --tenant out",
        ));
    }
    if matches!(place, Place::Thread) && !fits(2 * args.agents) {
        return Err(Failure::new("both ends of the floor's sockets do not fit into this process: fewer --agents"));
    }
    let agents: Vec<String> = (0..args.agents as usize).map(company::agent).collect();
    let progress = Progress::new(u64::from(args.pairs));
    let signin = Signin { in_flight: args.in_flight as usize, agents, place, interrupt };
    let mut target = Target::prepare(&args.target, signin.agents.len())?;
    let (mut pairs, mut warned, mut breaches) = (Vec::new(), Vec::new(), Breaches::none());
    for turn in 1..=args.pairs {
        progress.now(format!("pair {turn} of {}: {} agents", args.pairs, args.agents));
        if turn > 1 && target.installation().is_some() {
            // Whoever signed in is known from then on: only a new company has nobody who did.
            target = Target::prepare(&args.target, signin.agents.len())?;
        }
        let floor = signin.floor(&target)?;
        let server = target.start()?;
        let taken = signin.server(&target, &server, floor, &mut breaches);
        pairs.push(taken.map_err(|failure| server.explain(failure))?);
        warned.extend(server.notes());
        server.stop()?;
        progress.done();
    }
    drop(progress);
    let figures = SigninFigures::of(args.agents, &pairs)?;
    let again = (args.pairs > 1 && target.installation().is_none())
        .then(|| "from the second pair on the agents had signed in before: start the server anew for each".to_owned());
    let notes = figures.notes().into_iter().chain(again).chain(target.folder().warning()).chain(warned).collect();
    let mut checked = vec![
        format!("{} agents were told their own state, and still had it at the end", args.agents),
        "a board shows every agent, once and connected".to_owned(),
    ];
    if target.installation().is_some() {
        checked.push("the journal has every sign-in, each once".to_owned());
    }
    let checks = Checks::of(&breaches, checked);
    Ok(report("signin", begun, &target, SigninSettings::of(args), figures, checks, notes))
}

struct Signin<'r> {
    in_flight: usize,
    agents: Vec<String>,
    place: &'r Place,
    interrupt: &'r Interrupt,
}

impl Signin<'_> {
    /// As many upgrades, with the same tokens, which nobody looks at.
    fn floor(&self, target: &Target) -> Outcome<Turn> {
        let tokens = target.agents(self.agents.len())?;
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        let mut helper = Helper::start(self.place, target.pinning(), tokens.len(), WORK)?;
        let before = helper.cpu_time()?;
        let arrived = come(&mut crowd, helper.address(), Upgrades(tokens), self.in_flight)?;
        let cpu = helper.cpu_time()?.saturating_sub(before);
        Ok(self.turn(&arrived, Some(cpu)))
    }

    fn server(&self, target: &Target, server: &Running, floor: Turn, breaches: &mut Breaches) -> Outcome<Pair> {
        let tokens = target.agents(self.agents.len())?;
        let mut drive = Drive::new(Ledger::of(self.agents.iter().cloned()), 0);
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        let probe = Probe::start(&target.folder().path().join("probe"))?;
        let (cpu_before, own_before) = (server.cpu_time()?, own_cpu_time());
        let mut opened = |who: usize, opened: &Opened<'_>| drive.ledger().signed_in(who, &opened.agent);
        let arrived = sign_in(&mut crowd, server.address(), &tokens, self.in_flight, &mut opened)?;
        let (cpu_after, own_after) = (server.cpu_time()?, own_cpu_time());
        let syncs = probe.end()?;
        drive.look_back(&mut crowd)?;
        self.look_back(target, server, &mut drive)?;
        breaches.add_all(drive.into_ledger().breaches().clone());
        let cpu = cpu_before.zip(cpu_after).map(|(before, after)| after.saturating_sub(before));
        Ok(Pair {
            floor,
            server: self.turn(&arrived, cpu),
            syncs,
            put_off: arrived.put_off,
            generator_cores: (own_after - own_before).as_secs_f64() / arrived.within.as_secs_f64(),
        })
    }

    fn turn(&self, arrived: &Arrived, cpu: Option<Duration>) -> Turn {
        let per_second = self.agents.len() as f64 / arrived.within.as_secs_f64();
        Turn { per_second, took: arrived.took.clone(), cpu }
    }

    /// Everybody is there, once.
    fn look_back(&self, target: &Target, server: &Running, drive: &mut Drive) -> Outcome<()> {
        let supervisor = target.supervisors(TEAM, 1)?.remove(0);
        let board = looking_back::board(server.address(), &supervisor)?;
        let ledger = drive.ledger();
        ledger.final_table(board.table());
        ledger.add_breaches(looking_back::violations(&board));
        if target.installation().is_none() {
            // Its journal has what was before, too.
            ledger.add_breaches(looking_back::absences(board.table(), self.agents.iter().cloned()));
            return Ok(());
        }
        let (address, admin) = (server.address(), target.admin()?);
        let journal = journal(address, &admin, &[presence::SIGNED_IN], None, self.interrupt)?;
        ledger.add_breaches(presence::check(&self.agents, board.table(), &journal));
        Ok(())
    }
}

/// Sockets that come for the upgrade alone.
struct Upgrades(Vec<String>);

impl Guests for Upgrades {
    fn tokens(&self) -> &[String] {
        &self.0
    }

    fn first_call(&self, _: usize) -> Option<String> {
        None
    }

    fn told(&mut self, _: usize, _: &[u8], _: std::time::Instant) -> Result<Step, String> {
        Err("the floor said something".to_owned())
    }
}
