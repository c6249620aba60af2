//! Everybody is lost and comes back at once, boards with a snapshot, while some stay and watch others who stay; or the
//! server is killed, and everybody comes back to the one that is started on what it left.

mod figures;
mod hall;
mod movers;

use std::time::Duration;

pub(in crate::load) use self::figures::{ReconnectFigures, ReconnectSettings};
use self::hall::{Hall, Storm};
use self::movers::Movers;
use super::args::ReconnectArgs;
use super::arrivals::{Arrived, sign_in};
use super::company::{self, Company};
use super::crowd::Crowd;
use super::drive::{Drive, Plan, fresh_seed};
use super::failure::{Failure, Outcome};
use super::fanout::{Asking, Measured, Office, run_round};
use super::interrupt::Interrupt;
use super::ledger::Ledger;
use super::looking_back;
use super::machine::make_room_for;
use super::message::Opened;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::server::Limits;
use super::target::{Running, Target};

/// How many of those who stay sign in at once.
const SIGN_INS_AT_ONCE: usize = 64;

/// What one return came to, and the time before it.
#[derive(Debug)]
pub(in crate::load) struct Round {
    /// The changes of those who stay, while nothing else happened.
    undisturbed: Measured,
    /// The same while everybody came back; none where those who stay were lost as well.
    disturbed: Option<Measured>,
    arrived: Arrived,
    server_cpu: Option<Duration>,
    generator_cores: f64,
    /// How long the server took to be ready, where it was killed.
    ready: Option<Duration>,
}

/// What a run came to.
#[derive(Debug)]
pub(in crate::load) struct Played {
    /// How many come and go.
    movers: usize,
    first: Arrived,
    first_cpu: Option<Duration>,
    rounds: Vec<Round>,
}

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(args: &ReconnectArgs, interrupt: &Interrupt) -> Outcome<Report<ReconnectSettings, ReconnectFigures>> {
    let begun = begun();
    let company = company(args)?;
    make_room_for(args.agents + args.boards + args.stayers)?;
    let target = Target::prepare_with(&args.target, &company, Limits::Raised)?;
    let progress = Progress::new(u64::from(args.storms) + 1);
    progress.now("signing tokens");
    let mut scene = Scene::of(args, company, &target, &progress, interrupt)?;
    let server = target.start()?;
    let (played, server) = if args.restart { scene.play_killing(server)? } else { scene.play(server)? };
    let mut ledger = scene.end(&server)?;
    let warned: Vec<String> = scene.warned.drain(..).chain(server.notes()).collect();
    server.stop()?;
    let mut checked = vec![
        format!("{} agents and boards came back each time, agents to what they had left", played.movers),
        "every board, those that stayed and those that came back, shows what was acknowledged last".to_owned(),
        "each board that stayed from number to number without a gap and never back".to_owned(),
        format!("{} replies in order, each before what it caused", ledger.commands()),
        "the pauses that were acknowledged are in the history, each once".to_owned(),
        "a board shows every agent connected".to_owned(),
    ];
    if let Some(installation) = target.installation() {
        progress.now("verifying the journal");
        checked.push("the journal's chain verified".to_owned());
        if let Err(failure) = installation.verify() {
            ledger.breach(failure);
        }
    }
    drop(progress);
    let figures = ReconnectFigures::of(&played)?;
    let notes = figures.notes().into_iter().chain(target.folder().warning()).chain(warned).collect();
    let checks = Checks::of(ledger.breaches(), checked);
    Ok(report("reconnect", begun, &target, ReconnectSettings::of(args), figures, checks, notes))
}

/// The company, when those who stay fit into it.
fn company(args: &ReconnectArgs) -> Outcome<Company> {
    let company = Company { team_size: Some(args.team_size as usize), ..Company::of(args.agents as usize) };
    let (callers, team) = (args.callers as usize, company.members(0).len());
    if callers > team {
        return Err(Failure::new(format!(
            "the first team has {team} agents, of whom {callers} cannot stay: fewer --callers"
        )));
    }
    if callers == company.agents {
        return Err(Failure::new("nobody is left to be lost: more --agents, or fewer --callers"));
    }
    Ok(company)
}

/// What goes through a run.
struct Scene<'r> {
    args: &'r ReconnectArgs,
    company: Company,
    target: &'r Target,
    progress: &'r Progress,
    interrupt: &'r Interrupt,
    /// Tokens of the agents and of the boards that stay.
    callers: Vec<String>,
    stayers: Vec<String>,
    /// Between two servers, and at the end.
    drive: Option<Drive>,
    movers: Option<Movers>,
    /// The server's clock when the first of them signed in.
    since: Option<String>,
    /// What the servers said that were killed.
    warned: Vec<String>,
}

impl<'r> Scene<'r> {
    fn of(
        args: &'r ReconnectArgs,
        company: Company,
        target: &'r Target,
        progress: &'r Progress,
        interrupt: &'r Interrupt,
    ) -> Outcome<Scene<'r>> {
        let mut callers = target.agents(company.agents)?;
        let agents = callers.split_off(args.callers as usize);
        let teams = company.teams();
        let boards = (0..args.boards as usize).map(|board| target.supervisor(&company.team(board % teams), board));
        let stayers = target.supervisors(&company.team(0), args.stayers as usize)?;
        let movers = Movers::of(company, callers.len(), agents, boards.collect::<Outcome<_>>()?);
        let drive = Drive::new(Ledger::of((0..callers.len()).map(company::agent)), fresh_seed());
        let (drive, movers) = (Some(drive), Some(movers));
        Ok(Scene {
            args,
            company,
            target,
            progress,
            interrupt,
            callers,
            stayers,
            drive,
            movers,
            since: None,
            warned: Vec::new(),
        })
    }

    /// Those who stay sign in and watch; the others are still to come.
    fn gather<'s>(&mut self, crowd: &mut Crowd, server: &'s Running) -> Outcome<Hall<'s>> {
        let missing = || Failure::new("nobody is there");
        let (mut drive, movers) = (self.drive.take().ok_or_else(missing)?, self.movers.take().ok_or_else(missing)?);
        let Scene { since, callers, .. } = self;
        sign_in(crowd, server.address(), callers, SIGN_INS_AT_ONCE, &mut |who, opened: &Opened<'_>| {
            since.get_or_insert_with(|| opened.server_time.clone().into_owned());
            drive.ledger().signed_in(who, &opened.agent);
        })?;
        let team = self.company.members(0).map(company::agent).collect();
        let office = Office::new(drive, server, team, self.stayers.clone());
        let mut office = office.holding_sessions(self.callers.len());
        office.open_boards(crowd)?;
        Ok(Hall::of(office, crowd, movers))
    }

    fn play(&mut self, server: Running) -> Outcome<(Played, Running)> {
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        let played = self.play_on(&mut crowd, &server).map_err(|failure| server.explain(failure))?;
        Ok((played, server))
    }

    /// All storms of one server.
    fn play_on(&mut self, crowd: &mut Crowd, server: &Running) -> Outcome<Played> {
        let mut hall = self.gather(crowd, server)?;
        self.progress.now("everybody signs in");
        let first = self.storm(crowd, &mut hall, server)?;
        self.progress.done();
        let mut rounds = Vec::new();
        for storm in 1..=self.args.storms {
            self.progress.now(format!("storm {storm} of {}: before it", self.args.storms));
            let undisturbed = self.undisturbed(crowd, &mut hall)?;
            self.progress.now(format!("storm {storm} of {}", self.args.storms));
            let Storm { arrived, measured } = self.storm(crowd, &mut hall, server)?;
            hall.compare(crowd)?;
            rounds.push(Round {
                undisturbed,
                arrived,
                server_cpu: measured.cpu,
                generator_cores: measured.generator_cores,
                disturbed: Some(measured),
                ready: None,
            });
            self.progress.done();
        }
        let all = rounds.iter().flat_map(|round| [Some(&round.undisturbed), round.disturbed.as_ref()]).flatten();
        let slowest = all.map(|measured| measured.settled_in).max().unwrap_or_default();
        self.look_back(crowd, hall, server, slowest)?;
        let movers = self.movers.as_ref().map_or(0, Movers::count);
        Ok(Played { movers, first_cpu: first.measured.cpu, first: first.arrived, rounds })
    }

    /// One storm for each server, all but the first of which come after one that was killed.
    fn play_killing(&mut self, mut server: Running) -> Outcome<(Played, Running)> {
        let (mut first, mut rounds, mut before) = (None, Vec::new(), None);
        for storm in 0..=self.args.storms {
            self.progress.now(format!("everybody signs in, server {} of {}", storm + 1, self.args.storms + 1));
            let mut crowd = Crowd::new(self.interrupt.clone())?;
            let (back, undisturbed) = self.play_one(&mut crowd, &server).map_err(|failure| server.explain(failure))?;
            match before.replace(undisturbed) {
                None => first = Some(back),
                Some(undisturbed) => rounds.push(Round {
                    undisturbed,
                    disturbed: None,
                    server_cpu: back.measured.cpu,
                    generator_cores: back.measured.generator_cores,
                    arrived: back.arrived,
                    ready: server.started_in(),
                }),
            }
            if storm < self.args.storms {
                // Everybody is still connected.
                self.warned.extend(server.notes());
                server = self.target.start_over(server)?;
            }
            self.progress.done();
        }
        let first = first.ok_or_else(|| Failure::new("nobody came"))?;
        let movers = self.movers.as_ref().map_or(0, Movers::count);
        Ok((Played { movers, first_cpu: first.measured.cpu, first: first.arrived, rounds }, server))
    }

    /// One server's life: everybody comes, and those who stay make changes.
    fn play_one(&mut self, crowd: &mut Crowd, server: &Running) -> Outcome<(Storm, Measured)> {
        let mut hall = self.gather(crowd, server)?;
        let back = self.storm(crowd, &mut hall, server)?;
        let undisturbed = self.undisturbed(crowd, &mut hall)?;
        let slowest = undisturbed.settled_in.max(back.measured.settled_in);
        self.look_back(crowd, hall, server, slowest)?;
        Ok((back, undisturbed))
    }

    fn storm(&self, crowd: &mut Crowd, hall: &mut Hall<'_>, server: &Running) -> Outcome<Storm> {
        hall.storm(crowd, server.address(), self.args.in_flight as usize, self.args.rate)
    }

    fn undisturbed(&self, crowd: &mut Crowd, hall: &mut Hall<'_>) -> Outcome<Measured> {
        hall.office.next_round();
        let plan = Plan { warm_up: self.args.warm_up, time: self.args.time };
        run_round(crowd, hall, Asking::Open { per_second: self.args.rate }, plan)
    }

    /// Holds everybody to what was acknowledged, while all are connected.
    fn look_back(&mut self, crowd: &mut Crowd, mut hall: Hall<'_>, server: &Running, slowest: Duration) -> Outcome<()> {
        hall.compare(crowd)?;
        let (address, admin) = (server.address(), self.target.admin()?);
        let board = crowd.turn_during(&mut hall, || looking_back::board(address, &admin))?;
        let ledger = hall.office.ledger();
        ledger.final_table(board.table());
        ledger.add_breaches(looking_back::violations(&board));
        ledger.add_breaches(looking_back::absences(board.table(), (0..self.company.agents).map(company::agent)));
        hall.movers()?.ledger().final_table(board.table());
        let (office, mut movers) = hall.into_parts()?;
        movers.lost();
        self.movers = Some(movers);
        self.drive = Some(office.look_back(crowd, slowest)?);
        Ok(())
    }

    /// Those who stayed come once more and are asked for their state, and the history for their pauses.
    fn end(&mut self, server: &Running) -> Outcome<Ledger> {
        let missing = || Failure::new("nobody is there");
        let (mut drive, movers) = (self.drive.take().ok_or_else(missing)?, self.movers.take().ok_or_else(missing)?);
        let mut crowd = Crowd::new(self.interrupt.clone())?;
        sign_in(&mut crowd, server.address(), &self.callers, SIGN_INS_AT_ONCE, &mut |who, opened: &Opened<'_>| {
            drive.ledger().signed_in(who, &opened.agent);
        })?;
        drive.look_back(&mut crowd)?;
        let since = self.since.clone().unwrap_or_default();
        let history = looking_back::history(server.address(), &self.target.admin()?, &since, self.interrupt)?;
        let mut ledger = drive.into_ledger();
        ledger.history(&history);
        ledger.add_breaches(movers.into_breaches());
        Ok(ledger)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::load::args::{Arguments, Command};

    fn company_of(line: &str) -> Outcome<Company> {
        let words = ["intervalo-loadtest", "reconnect"].into_iter().chain(line.split_whitespace());
        let Command::Reconnect(args) = Arguments::try_parse_from(words).expect("words").command else { panic!() };
        company(&args)
    }

    #[test]
    fn those_who_stay_are_of_the_first_team() {
        let company = company_of("").expect("a company");
        assert_eq!((company.agents, company.teams(), company.members(0)), (10_000, 100, 0..100));
        let told = company_of("--team-size 10").expect_err("too few").to_string();
        assert_eq!(told, "the first team has 10 agents, of whom 20 cannot stay: fewer --callers");
        let told = company_of("--agents 20").expect_err("too few").to_string();
        assert!(told.starts_with("nobody is left to be lost"), "{told}");
    }
}
