//! Boards that hear of every change, beside the bare fan-out, in turn.

mod absence;
mod boards;
mod figures;
mod floor;
mod frames;
mod office;
mod peer;
mod round;
mod shown;
mod stand;
mod taken;
mod tally;
mod writer;

pub(in crate::load) use self::figures::{FanoutFigures, FanoutSettings};
pub(in crate::load) use self::floor::WORK;
pub(in crate::load) use self::peer::PeerAddress;

pub(in crate::load) use self::boards::Rows;
pub(in crate::load) use self::frames::{RowId, Shown};
pub(in crate::load) use self::office::Office;
pub(in crate::load) use self::round::{Asking, Measured, Side, run as run_round, run_while};
pub(in crate::load) use self::stand::{BoardsComing, Stand};
pub(in crate::load) use self::taken::Taken;
pub(in crate::load) use self::tally::Tally;
#[cfg(test)]
pub(in crate::load) use self::tally::Window;

use self::floor::Floor;
use self::peer::Peer;
use super::args::FanoutArgs;
use super::arrivals::sign_in;
use super::company::{self, TEAM};
use super::crowd::Crowd;
use super::drive::{Drive, Plan, fresh_seed};
use super::failure::{Failure, Outcome};
use super::helper::Place;
use super::interrupt::Interrupt;
use super::ledger::Ledger;
use super::machine::{fits, make_room_for};
use super::message::Opened;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::target::{Running, Target};

/// How many agents sign in at once.
const SIGN_INS_AT_ONCE: usize = 64;

/// Server, floor and peers in turn, once, under one load.
#[derive(Debug)]
pub(in crate::load) struct Pair {
    server: Measured,
    floor: Measured,
    /// In the order in which they were named.
    peers: Vec<Measured>,
    /// The payload of the floor's frames: that of a frame of the server with one row.
    frame_bytes: usize,
}

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(
    args: &FanoutArgs,
    interrupt: &Interrupt,
    place: &Place,
) -> Outcome<Report<FanoutSettings, FanoutFigures>> {
    let begun = begun();
    let loads = loads(args)?;
    let (boards, agents) = (args.boards as usize, args.agents as usize);
    make_room_for(args.boards + args.agents)?;
    if matches!(place, Place::Thread) && !fits(2 * args.boards) {
        return Err(Failure::new("both ends of the floor's sockets do not fit into this process: fewer --boards"));
    }
    let target = Target::prepare(&args.target, agents)?;
    let progress = Progress::new(u64::from(args.pairs) * loads.len() as u64);
    let mut fanout = Fanout {
        target: &target,
        names: (0..agents).map(company::agent).collect(),
        agents: target.agents(agents)?,
        supervisors: target.supervisors(TEAM, boards)?,
        place,
        peers: &args.peers,
        plan: Plan { warm_up: args.warm_up, time: args.time },
        interrupt,
        frame_bytes: None,
    };
    let server = target.start()?;
    let mut drive = Drive::new(Ledger::of((0..agents).map(company::agent)), fresh_seed());
    let mut pairs: Vec<Vec<Pair>> = loads.iter().map(|_| Vec::new()).collect();
    for turn in 1..=args.pairs {
        for (load, pairs) in loads.iter().zip(&mut pairs) {
            progress.now(format!("pair {turn} of {}: {}", args.pairs, figures::name(*load)));
            let pair = fanout.pair(drive, &server, *load);
            let (pair, back) = pair.map_err(|failure| server.explain(failure))?;
            drive = back;
            pairs.push(pair);
            progress.done();
        }
    }
    let warned = server.notes();
    server.stop()?;
    drop(progress);
    let figures = FanoutFigures::of(&loads, &args.peers, &pairs)?;
    let notes = figures.notes().into_iter().chain(warned).collect();
    let ledger = drive.into_ledger();
    let checked = vec![
        format!("{boards} boards, each from number to number without a gap and never back"),
        "every board ended at what was acknowledged, within 2 s".to_owned(),
        format!("{} replies in order, each before what it caused", ledger.commands()),
        "commands sent again under their op had no effect".to_owned(),
    ];
    let checks = Checks::of(ledger.breaches(), checked);
    Ok(report("fanout", begun, &target, FanoutSettings::of(args), figures, checks, notes))
}

fn loads(args: &FanoutArgs) -> Outcome<Vec<Asking>> {
    let window = args.window.unwrap_or_else(|| default_window(args.boards)) as usize;
    let open = (args.rate > 0.0).then_some(Asking::Open { per_second: args.rate });
    let closed = (window > 0).then_some(Asking::Closed { window });
    let loads: Vec<Asking> = open.into_iter().chain(closed).collect();
    if loads.is_empty() {
        return Err(Failure::new("--rate 0 and --window 0 leave nothing to measure"));
    }
    if window as u64 > args.agents {
        return Err(Failure::new(format!("a window of {window} changes needs as many agents: more --agents")));
    }
    Ok(loads)
}

/// So many that the server always has something to write, and so few that boards are not far behind.
pub(in crate::load) fn default_window(boards: u64) -> u64 {
    match boards {
        0..300 => 32,
        300..3000 => 8,
        _ => 4,
    }
}

/// What goes through a run.
struct Fanout<'r> {
    target: &'r Target,
    names: Vec<String>,
    agents: Vec<String>,
    supervisors: Vec<String>,
    place: &'r Place,
    peers: &'r [PeerAddress],
    plan: Plan,
    interrupt: &'r Interrupt,
    /// The payload of a frame with one row, as last seen.
    frame_bytes: Option<usize>,
}

impl Fanout<'_> {
    fn pair(&mut self, mut drive: Drive, server: &Running, load: Asking) -> Outcome<(Pair, Drive)> {
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        let mut opened = |who: usize, opened: &Opened<'_>| drive.ledger().signed_in(who, &opened.agent);
        sign_in(&mut crowd, server.address(), &self.agents, SIGN_INS_AT_ONCE, &mut opened)?;
        let mut office = Office::new(drive, server, self.names.clone(), self.supervisors.clone());
        office.open_boards(&mut crowd)?;
        let measured = round::run(&mut crowd, &mut office, load, self.plan)?;
        self.frame_bytes = office.one_row_bytes().or(self.frame_bytes).or_else(|| measured.window.bytes_by_change());
        let mut drive = office.look_back(&mut crowd, measured.settled_in)?;
        // The boards have done their part: only the agents are spoken to.
        crowd.wires().drop_from(self.agents.len());
        drive.look_back(&mut crowd)?;
        drop(crowd);
        let frame_bytes =
            self.frame_bytes.ok_or_else(|| Failure::new("no frame came in the time; give more --time"))?;
        let floor = self.floor(load, frame_bytes)?;
        let peers = self.peers.iter().map(|peer| self.peer(peer, load, frame_bytes)).collect::<Outcome<_>>()?;
        Ok((Pair { server: measured, floor, peers, frame_bytes }, drive))
    }

    fn peer(&self, address: &PeerAddress, load: Asking, frame_bytes: usize) -> Outcome<Measured> {
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        let mut peer = Peer::start(&mut crowd, address, self.supervisors.len(), frame_bytes)?;
        round::run(&mut crowd, &mut peer, load, self.plan)
    }

    fn floor(&self, load: Asking, frame_bytes: usize) -> Outcome<Measured> {
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        let (readers, pinning) = (self.supervisors.len(), self.target.pinning());
        let mut floor = Floor::start(&mut crowd, self.place, pinning, readers, frame_bytes)?;
        round::run(&mut crowd, &mut floor, load, self.plan)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::load::args::{Arguments, Command};

    fn args(line: &str) -> FanoutArgs {
        let words = ["intervalo-loadtest", "fanout"].into_iter().chain(line.split_whitespace());
        let Command::Fanout(args) = Arguments::try_parse_from(words).expect("words").command else { panic!() };
        args
    }

    #[test]
    fn both_loops_are_run_unless_one_is_left_out() {
        let open = Asking::Open { per_second: 60.0 };
        assert_eq!(loads(&args("")), Ok(vec![open, Asking::Closed { window: 8 }]));
        assert_eq!(loads(&args("--boards 100 --rate 0")), Ok(vec![Asking::Closed { window: 32 }]));
        assert_eq!(loads(&args("--boards 10000 --window 0")), Ok(vec![open]));
        let nothing = loads(&args("--rate 0 --window 0")).expect_err("nothing").to_string();
        assert!(nothing.contains("nothing to measure"), "{nothing}");
        let few = loads(&args("--agents 5")).expect_err("too few").to_string();
        assert_eq!(few, "a window of 8 changes needs as many agents: more --agents");
    }
}
