//! Commands and boards of honest clients, in rounds without hostile ones and with them, in turn.
//!
//! The server has the limits that it comes with. The honest ones stay over all rounds; the others are a process of
//! their own ([`post`]), idle agents in the rounds without, so that there are as many connections either way.

mod camp;
mod figures;
mod kinds;
mod line;
mod memory;
mod post;
mod script;
mod shown;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

pub(in crate::load) use self::figures::{HostileFigures, HostileSettings};
pub(in crate::load) use self::kinds::Kind;
pub(in crate::load) use self::post::run_clients;

use self::camp::{Orders, Told};
use self::memory::MemoryFigures;
use self::post::Post;
use self::script::Tools;
use super::args::HostileArgs;
use super::arrivals::sign_in;
use super::company::{self, Company, TEAM};
use super::crowd::Crowd;
use super::drive::{Drive, Plan, fresh_seed};
use super::failure::{Failure, Outcome};
use super::fanout::{Asking, Measured, Office, run_round};
use super::helper::Place;
use super::interrupt::Interrupt;
use super::latency::Latency;
use super::ledger::Ledger;
use super::looking_back;
use super::machine::make_room_for;
use super::probe::Probe;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::server::Limits;
use super::target::{Running, Target};

/// How many agents sign in at once, and in a second: fewer than a server lets in.
const SIGN_INS_AT_ONCE: usize = 64;
const SIGN_INS_PER_SECOND: usize = 1000;
/// The address that hostile clients come from. The honest ones come from 127.0.0.1.
const HOSTILE_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// More than the system keeps on both sides for a socket that is not read, in bytes.
const FILLS_A_SOCKET: usize = 1024 * 1024;
/// About what a row of a board is, in bytes, at least.
const ROW_BYTES: usize = 350;

/// What one round came to.
#[derive(Debug, Clone)]
pub(in crate::load) struct Round {
    measured: Measured,
    replies: Latency,
    /// How long one record took on the same disk meanwhile.
    syncs: Latency,
    told: Told,
    peak_kib: Option<u64>,
    descriptors: Option<usize>,
    /// Cores that the other clients' process used; none where it is a thread.
    others_cores: Option<f64>,
}

/// A round without hostile clients, and one with them.
#[derive(Debug, Clone)]
pub(in crate::load) struct Pair {
    without: Round,
    with: Round,
}

/// Who is who among the connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::load) struct Cast {
    agents: usize,
    boards: usize,
    hostile: Vec<(Kind, usize)>,
}

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(
    args: &HostileArgs,
    interrupt: &Interrupt,
    place: &Place,
) -> Outcome<Report<HostileSettings, HostileFigures>> {
    let begun = begun();
    let cast = Cast::of(args)?;
    make_room_for(args.connections)?;
    let target = Target::prepare_with(&args.target, &Company::of(cast.agents + cast.others()), Limits::Shipped)?;
    let progress = Progress::new(u64::from(args.pairs) * 2);
    progress.now("signing tokens");
    let server = target.start()?;
    let scene = Scene::of(args, &cast, &target, &server, place, interrupt)?;
    let played = scene.play(args, &progress).map_err(|failure| server.explain(failure))?;
    let warned = server.notes();
    server.stop()?;
    let Played { pairs, memory, mut ledger, mut checked } = played;
    if let Some(installation) = target.installation() {
        progress.now("verifying the journal");
        checked.push("the journal's chain verified".to_owned());
        if let Err(failure) = installation.verify() {
            ledger.breach(failure);
        }
    }
    drop(progress);
    let figures = HostileFigures::of(&cast, &pairs, memory)?;
    let notes = figures.notes().into_iter().chain(warned).collect();
    let checks = Checks::of(ledger.breaches(), checked);
    let settings = HostileSettings::of(args, &cast, target.installation().is_some());
    Ok(report("hostile", begun, &target, settings, figures, checks, notes))
}

impl Cast {
    fn of(args: &HostileArgs) -> Outcome<Cast> {
        let mut kinds = if args.kinds.is_empty() { Kind::HOSTILE.to_vec() } else { args.kinds.clone() };
        kinds.sort_unstable();
        kinds.dedup();
        let (connections, boards) = (args.connections as usize, args.boards as usize);
        let hostile = connections * args.hostile as usize / 100;
        if hostile < kinds.len() {
            let kinds = kinds.len();
            return Err(Failure::new(format!(
                "{} % of {connections} connections are {hostile}, too few for {kinds} kinds: more --connections",
                args.hostile
            )));
        }
        let agents = connections.saturating_sub(hostile + boards);
        if agents == 0 {
            return Err(Failure::new("no connection is left for honest agents: fewer --boards"));
        }
        Ok(Cast { agents, boards, hostile: kinds::shares(hostile, &kinds) })
    }

    /// How many are hostile, or idle in their place.
    fn others(&self) -> usize {
        self.hostile.iter().map(|(_, count)| count).sum()
    }

    fn connections(&self) -> usize {
        self.agents + self.boards + self.others()
    }

    /// How many of a kind there are.
    fn count(&self, kind: Kind) -> usize {
        self.hostile.iter().filter(|(one, _)| *one == kind).map(|(_, count)| count).sum()
    }
}

/// What all rounds have in common.
struct Scene<'r> {
    cast: &'r Cast,
    target: &'r Target,
    server: &'r Running,
    place: &'r Place,
    interrupt: &'r Interrupt,
    /// Tokens of the honest agents.
    agents: Vec<String>,
    from: Option<IpAddr>,
    tools: Tools,
    base_kib: Option<u64>,
}

/// What came of all rounds.
struct Played {
    pairs: Vec<Pair>,
    memory: Option<MemoryFigures>,
    ledger: Ledger,
    checked: Vec<String>,
}

impl<'r> Scene<'r> {
    fn of(
        args: &HostileArgs,
        cast: &'r Cast,
        target: &'r Target,
        server: &'r Running,
        place: &'r Place,
        interrupt: &'r Interrupt,
    ) -> Outcome<Scene<'r>> {
        // Looked at before anybody comes.
        let base_kib = server.memory()?.map(|memory| memory.resident_kib);
        let mut agents = target.agents(cast.agents + cast.others())?;
        let others = agents.split_off(cast.agents);
        let mut supervisors = target.supervisors(TEAM, cast.boards + cast.count(Kind::StalledBoards))?;
        let stalled = supervisors.split_off(cast.boards);
        let snapshot_bytes = (cast.agents + cast.others()) * ROW_BYTES;
        let tools = Tools {
            address: server.address(),
            tenant: target.tenant().to_owned(),
            agents: others,
            supervisors: stalled,
            subscription: String::new(),
            snapshots: u32::try_from(FILLS_A_SOCKET.div_ceil(snapshot_bytes)).unwrap_or(u32::MAX),
        };
        // Another address of this machine reaches nothing but this machine.
        let is_here = server.address().ip() == IpAddr::V4(Ipv4Addr::LOCALHOST);
        let from = (is_here && !args.one_address).then_some(HOSTILE_ADDRESS);
        Ok(Scene { cast, target, server, place, interrupt, agents, from, tools, base_kib })
    }

    fn play(mut self, args: &HostileArgs, progress: &Progress) -> Outcome<Played> {
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        progress.now(format!("{} honest agents sign in", self.cast.agents));
        let (drive, since) = self.sign_in(&mut crowd)?;
        let team = (0..self.cast.agents + self.cast.others()).map(company::agent).collect();
        let boards = self.target.supervisors(TEAM, self.cast.boards)?;
        let mut office = Office::new(drive, self.server, team, boards).holding_sessions(args.callers as usize);
        office.open_boards(&mut crowd)?;
        self.tools.subscription = office.subscription().unwrap_or_default().to_owned();
        let (rate, plan) = (args.rate, Plan { warm_up: args.warm_up, time: args.time });
        let mut pairs = Vec::new();
        for pair in 1..=args.pairs {
            progress.now(format!("pair {pair} of {}: without hostile clients", args.pairs));
            let idle = vec![(Kind::Idle, self.cast.others())];
            let without = self.round(&mut crowd, &mut office, idle, (rate, plan), pair > 1)?;
            without.told.lost.iter().for_each(|lost| office.ledger().breach(lost));
            progress.done();
            progress.now(format!("pair {pair} of {}: with hostile clients", args.pairs));
            let with = self.round(&mut crowd, &mut office, self.cast.hostile.clone(), (rate, plan), pair > 1)?;
            for (kind, answers) in &with.told.answers {
                if let Some(lacks) = kind.lacks(answers) {
                    return Err(Failure::new(format!("what hostile clients did is not known to count: {lacks}")));
                }
            }
            progress.done();
            pairs.push(Pair { without, with });
        }
        progress.now("checking what was acknowledged");
        let memory = self.memory(&pairs)?;
        let slowest = pairs.iter().flat_map(|pair| [&pair.without, &pair.with]).map(|round| round.measured.settled_in);
        let slowest = slowest.max().unwrap_or_default();
        let mut drive = office.look_back(&mut crowd, slowest)?;
        let checked = self.look_back(&mut crowd, &mut drive, &since)?;
        let mut ledger = drive.into_ledger();
        if let Some(breach) = memory.and_then(|memory| memory.breach()) {
            ledger.breach(breach);
        }
        Ok(Played { pairs, memory, ledger, checked })
    }

    /// Signs the honest agents in, no faster than the server lets them; also the server's clock at the first of them.
    fn sign_in(&self, crowd: &mut Crowd) -> Outcome<(Drive, String)> {
        let mut drive = Drive::new(Ledger::of((0..self.cast.agents).map(company::agent)), fresh_seed());
        let mut since = None;
        for (nth, some) in self.agents.chunks(SIGN_INS_PER_SECOND).enumerate() {
            let next = Instant::now() + Duration::from_secs(1);
            sign_in(crowd, self.server.address(), some, SIGN_INS_AT_ONCE, &mut |who, opened| {
                since.get_or_insert_with(|| opened.server_time.clone().into_owned());
                drive.ledger().signed_in(nth * SIGN_INS_PER_SECOND + who, &opened.agent);
            })?;
            if nth > 0 || some.len() == SIGN_INS_PER_SECOND {
                crowd.turn_until(next, &mut drive, |_| false)?;
            }
            drive.check()?;
        }
        Ok((drive, since.unwrap_or_default()))
    }

    fn round(
        &self,
        crowd: &mut Crowd,
        office: &mut Office<'_>,
        clients: Vec<(Kind, usize)>,
        (rate, plan): (f64, Plan),
        were_hostile: bool,
    ) -> Outcome<Round> {
        let from = self.from.filter(|_| clients.iter().all(|(kind, _)| *kind != Kind::Idle));
        let orders = Orders { clients, from, tools: self.tools.clone(), were_hostile };
        self.server.forget_peak()?;
        let mut post = Post::start(self.place, &orders, self.interrupt)?;
        crowd.turn_during(office, || post.wait_until_ready())?;
        office.next_round();
        let probe = Probe::start(&self.target.folder().path().join("probe"))?;
        let (cpu_before, began) = (post.cpu_time()?, Instant::now());
        let measured = run_round(crowd, office, Asking::Open { per_second: rate }, plan)?;
        let (cpu_after, took) = (post.cpu_time()?, began.elapsed());
        let (replies, syncs) = (office.take_replies(), probe.end()?);
        let (peak_kib, descriptors) = (self.server.peak_kib()?, self.server.descriptors()?);
        let told = crowd.turn_during(office, move || post.end())?;
        let cpu = cpu_before.zip(cpu_after).map(|(before, after)| after.saturating_sub(before));
        let others_cores = cpu.map(|cpu| cpu.as_secs_f64() / took.as_secs_f64());
        Ok(Round { measured, replies, syncs, told, peak_kib, descriptors, others_cores })
    }

    fn memory(&self, pairs: &[Pair]) -> Outcome<Option<MemoryFigures>> {
        let (Some(base), Some(after)) = (self.base_kib, self.server.memory()?) else { return Ok(None) };
        let most = |of: fn(&Pair) -> &Round| pairs.iter().filter_map(|pair| of(pair).peak_kib).max().unwrap_or(0);
        let bound =
            MemoryFigures::of(base, self.cast.connections() as u64, self.cast.count(Kind::StalledBoards) as u64);
        Ok(Some(MemoryFigures {
            peak_without_kib: most(|pair| &pair.without),
            peak_with_kib: most(|pair| &pair.with),
            after_kib: after.resident_kib,
            ..bound
        }))
    }

    /// Holds the server to what it acknowledged to honest agents; what was checked.
    fn look_back(&self, crowd: &mut Crowd, drive: &mut Drive, since: &str) -> Outcome<Vec<String>> {
        crowd.wires().drop_from(self.cast.agents);
        drive.look_back(crowd).map_err(Failure::into_broken_promise)?;
        let supervisor = self.target.supervisors(TEAM, 1)?.remove(0);
        let address = self.server.address();
        let board = looking_back::board(address, &supervisor)?;
        let history = looking_back::history(address, &self.target.admin()?, since, self.interrupt)?;
        let honest: BTreeSet<String> = (0..self.cast.agents).map(company::agent).collect();
        let own: Vec<_> = history.into_iter().filter(|pause| honest.contains(&pause.agent)).collect();
        let ledger = drive.ledger();
        ledger.final_table(board.table());
        ledger.add_breaches(looking_back::violations(&board));
        ledger.history(&own);
        Ok(vec![
            format!("{} honest agents and {} boards were never cut off or refused", ledger.agents(), self.cast.boards),
            format!("{} replies in order, each before what it caused", ledger.commands()),
            "each board from number to number without a gap and never back, and with the last change within 2 s"
                .to_owned(),
            format!("{} agents and every board show what was acknowledged last", ledger.agents()),
            format!("{} pauses acknowledged and in the history, each once", own.len()),
            "commands sent again under their op had no effect".to_owned(),
            "each kind of hostile client was answered as it must be".to_owned(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::load::args::{Arguments, Command};

    fn cast(line: &str) -> Outcome<Cast> {
        let words = ["intervalo-loadtest", "hostile"].into_iter().chain(line.split_whitespace());
        let Command::Hostile(args) = Arguments::try_parse_from(words).expect("words").command else { panic!() };
        Cast::of(&args)
    }

    #[test]
    fn connections_are_shared_out_and_add_up() {
        let all = cast("").expect("a cast");
        assert_eq!((all.agents, all.boards, all.others(), all.connections()), (8990, 10, 1000, 10_000));
        assert!(Kind::HOSTILE.into_iter().all(|kind| all.count(kind) == 125), "{all:?}");
        let some = cast("--connections 100 --hostile 20% --kinds junk,stalled-boards,junk --boards 5").expect("a cast");
        assert_eq!(some.hostile, [(Kind::StalledBoards, 10), (Kind::Junk, 10)]);
        assert_eq!(some.agents, 75);
    }

    #[test]
    fn too_few_connections_are_told() {
        let told = cast("--connections 50").expect_err("too few").to_string();
        assert_eq!(told, "10 % of 50 connections are 5, too few for 8 kinds: more --connections");
        let told = cast("--connections 20 --kinds junk --boards 18").expect_err("too few").to_string();
        assert!(told.contains("fewer --boards"), "{told}");
    }
}
