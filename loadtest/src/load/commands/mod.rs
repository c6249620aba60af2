//! Durable pause starts and ends, beside the bare group commit on the same disk, in turn.

mod figures;
mod floor;

use std::time::Duration;

pub(in crate::load) use self::figures::{CommandsFigures, CommandsSettings};
use self::floor::Floor;
use super::args::CommandsArgs;
use super::arrivals::sign_in;
use super::company::{self, TEAM};
use super::crowd::Crowd;
use super::drive::{Drive, Load, Measured, Plan, fresh_seed};
use super::failure::Outcome;
use super::interrupt::Interrupt;
use super::latency::Latency;
use super::ledger::Ledger;
use super::looking_back;
use super::machine::make_room_for;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::target::{Running, Target};

/// How many agents sign in at once.
const SIGN_INS_AT_ONCE: usize = 64;
/// The floor's record where the data of the server cannot be looked at: about what a command adds to SQLite.
const RECORD_BYTES_DEFAULT: usize = 2048;
/// How long it is measured what a command adds to the data: some thousand commands on an ordinary disk.
const SIZING_TIME: Duration = Duration::from_secs(1);

/// Floor and server in turn, once.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) floor: Measured,
    pub(super) server: Measured,
}

/// Runs the scenario.
///
/// # Errors
/// [`super::Failure`] when no figures could be taken.
pub(super) fn run(args: &CommandsArgs, interrupt: &Interrupt) -> Outcome<Report<CommandsSettings, CommandsFigures>> {
    let begun = begun();
    let loads = loads(args);
    let connections = args.connections.iter().max().map_or(1, |most| *most as usize);
    make_room_for(connections as u64)?;
    let target = Target::prepare(&args.target, connections)?;
    let mut agents = Agents::of(&target, connections, interrupt)?;
    let progress = Progress::new(u64::from(args.pairs) * loads.len() as u64);

    progress.now("finding out what a command adds to the data");
    let (record_bytes, record_bytes_measured) = match args.record_bytes {
        Some(bytes) => (bytes as usize, false),
        None => agents.size_of_a_command(connections)?.map_or((RECORD_BYTES_DEFAULT, false), |bytes| (bytes, true)),
    };
    let path = target.folder().path().join("floor");
    let floor = Floor { path, record_bytes, pinning: target.pinning(), interrupt: interrupt.clone() };

    let plan = Plan { warm_up: args.warm_up, time: args.time };
    let turns = Turns { floor, loads: &loads, plan, count: args.pairs };
    let server = target.start()?;
    let mut crowd = Crowd::new(interrupt.clone())?;
    let taken = agents.take_turns(&mut crowd, &server, &turns, &progress);
    let taken = taken.map_err(|failure| server.explain(failure))?;
    let warned = server.notes();
    drop(crowd);
    server.stop()?;
    agents.verify_journal();
    drop(progress);

    let figures = CommandsFigures::of((record_bytes, record_bytes_measured), &taken.syncs, &loads, &taken.pairs)?;
    let notes = figures.notes().into_iter().chain(target.folder().warning()).chain(warned).collect();
    let ledger = agents.drive.into_ledger();
    let checks = Checks::of(ledger.breaches(), agents.checked);
    Ok(report("commands", begun, &target, CommandsSettings::of(args), figures, checks, notes))
}

fn loads(args: &CommandsArgs) -> Vec<Load> {
    let mut connections: Vec<usize> = args.connections.iter().map(|number| *number as usize).collect();
    connections.sort_unstable();
    connections.dedup();
    let mut loads: Vec<Load> = connections.iter().map(|number| Load::Closed { connections: *number }).collect();
    let most = connections.last().filter(|_| args.rate > 0.0);
    loads.extend(most.map(|most| Load::Open { connections: *most, per_second: args.rate }));
    loads
}

/// What floor and server do in turn.
struct Turns<'t> {
    floor: Floor,
    loads: &'t [Load],
    plan: Plan,
    count: u32,
}

/// What was taken: the syncs of each turn, and a list of pairs for each load.
struct Taken {
    syncs: Vec<Latency>,
    pairs: Vec<Vec<Pair>>,
}

/// The agents of a run, over all the connections that they have one after the other.
struct Agents<'t> {
    target: &'t Target,
    tokens: Vec<String>,
    drive: Drive,
    /// The server's clock when the first of them signed in.
    since: Option<String>,
    checked: Vec<String>,
    interrupt: Interrupt,
}

impl<'t> Agents<'t> {
    fn of(target: &'t Target, count: usize, interrupt: &Interrupt) -> Outcome<Agents<'t>> {
        let ledger = Ledger::of((0..count).map(company::agent));
        Ok(Agents {
            target,
            tokens: target.agents(count)?,
            drive: Drive::new(ledger, fresh_seed()),
            since: None,
            checked: Vec::new(),
            interrupt: interrupt.clone(),
        })
    }

    fn sign_in(&mut self, crowd: &mut Crowd, server: &Running) -> Outcome<()> {
        let Agents { tokens, drive, since, .. } = self;
        sign_in(crowd, server.address(), tokens, SIGN_INS_AT_ONCE, &mut |who, opened| {
            since.get_or_insert_with(|| opened.server_time.clone().into_owned());
            drive.ledger().signed_in(who, &opened.agent);
        })?;
        Ok(())
    }

    /// How many bytes one command adds to the data of a server of ours at rest, by a load of its own; none where
    /// that cannot be seen. On the way it is checked that a server that was stopped goes on where it was.
    fn size_of_a_command(&mut self, connections: usize) -> Outcome<Option<usize>> {
        let Some(installation) = self.target.installation().filter(|own| own.store.is_none()) else { return Ok(None) };
        let before = installation.data_bytes()?;
        let server = self.target.start()?;
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        self.sign_in(&mut crowd, &server)?;
        let plan = Plan { warm_up: Duration::ZERO, time: SIZING_TIME };
        self.drive.round(&mut crowd, Load::Closed { connections }, plan, &mut || Ok(None))?;
        drop(crowd);
        server.stop()?;
        let grown = installation.data_bytes()?.saturating_sub(before);
        self.checked.push("a stopped and started server went on where it was".to_owned());
        let commands = self.drive.ledger().commands();
        Ok(grown.checked_div(commands).and_then(|bytes| usize::try_from(bytes).ok()).filter(|bytes| *bytes > 0))
    }

    /// Lets floor and server take their turns, and holds the server to what it acknowledged.
    fn take_turns(
        &mut self,
        crowd: &mut Crowd,
        server: &Running,
        turns: &Turns<'_>,
        progress: &Progress,
    ) -> Outcome<Taken> {
        self.sign_in(crowd, server)?;
        let mut taken = Taken { syncs: Vec::new(), pairs: turns.loads.iter().map(|_| Vec::new()).collect() };
        let Turns { floor, loads, plan, count } = turns;
        for turn in 1..=*count {
            taken.syncs.push(crowd.turn_during(&mut self.drive, || floor.syncs())?);
            for (load, pairs) in loads.iter().zip(&mut taken.pairs) {
                progress.now(format!("pair {turn} of {count}: {}", figures::name(*load)));
                let floor = crowd.turn_during(&mut self.drive, || floor.round(*load, *plan))?;
                let server = self.drive.round(crowd, *load, *plan, &mut || server.cpu_time())?;
                pairs.push(Pair { floor, server });
                progress.done();
            }
        }
        progress.now("checking what was acknowledged");
        self.look_back(crowd, server)?;
        Ok(taken)
    }

    /// Holds the server to what it acknowledged.
    fn look_back(&mut self, crowd: &mut Crowd, server: &Running) -> Outcome<()> {
        self.drive.look_back(crowd)?;
        let supervisor = self.target.supervisors(TEAM, 1)?.remove(0);
        let board = looking_back::board(server.address(), &supervisor)?;
        let since = self.since.clone().unwrap_or_default();
        let history = looking_back::history(server.address(), &self.target.admin()?, &since, &self.interrupt)?;
        let ledger = self.drive.ledger();
        ledger.final_table(board.table());
        ledger.add_breaches(looking_back::violations(&board));
        ledger.history(&history);
        self.checked.extend([
            format!("{} replies in order, each before what it caused", ledger.commands()),
            format!("{} agents and a board show what was acknowledged last", ledger.agents()),
            format!("{} pauses acknowledged and in the history, each once", history.len()),
            "commands sent again under their op had no effect".to_owned(),
        ]);
        Ok(())
    }

    /// Has the journal of a server of ours verified, now that it rests.
    fn verify_journal(&mut self) {
        let Some(installation) = self.target.installation() else { return };
        self.checked.push("the journal's chain verified".to_owned());
        if let Err(failure) = installation.verify() {
            self.drive.ledger().breach(failure);
        }
    }
}
