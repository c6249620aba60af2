//! What an agent costs who is signed in and does nothing: memory, CPU for pings, and the way in.

mod figures;

use std::time::{Duration, Instant};

pub(in crate::load) use self::figures::{IdleFigures, IdleSettings, Round};
use super::args::IdleArgs;
use super::arrivals::{Arrived, sign_in};
use super::company::{self, TEAM};
use super::crowd::Crowd;
use super::drive::Drive;
use super::failure::{Failure, Outcome};
use super::interrupt::Interrupt;
use super::ledger::Ledger;
use super::looking_back;
use super::machine::{make_room_for, own_cpu_time};
use super::message::Opened;
use super::progress::Progress;
use super::report::{Checks, Report, begun, report};
use super::target::{Running, Target};

/// Runs the scenario.
///
/// # Errors
/// [`Failure`] when no figures could be taken.
pub(super) fn run(args: &IdleArgs, interrupt: &Interrupt) -> Outcome<Report<IdleSettings, IdleFigures>> {
    let begun = begun();
    make_room_for(args.agents)?;
    let count = args.agents as usize;
    let target = Target::prepare(&args.target, count)?;
    let progress = Progress::new(u64::from(args.rounds));
    progress.now("signing tokens");
    let mut idle = Idle {
        tokens: target.agents(count)?,
        drive: Drive::new(Ledger::of((0..count).map(company::agent)), 0),
        in_flight: args.in_flight as usize,
        hold: args.hold,
        storms: args.storms,
    };
    let (mut rounds, mut warned) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        progress.now(format!("round {round} of {}: {count} agents", args.rounds));
        let server = target.start()?;
        let mut crowd = Crowd::new(interrupt.clone())?;
        let measured = idle.round(&mut crowd, &server);
        let looked_back = measured.and_then(|round| idle.look_back(&mut crowd, &target, &server).map(|()| round));
        rounds.push(looked_back.map_err(|failure| server.explain(failure))?);
        warned.extend(server.notes());
        drop(crowd);
        server.stop()?;
        progress.done();
    }
    drop(progress);
    let figures = IdleFigures::of(args.agents, &rounds)?;
    let notes = figures.notes().into_iter().chain(warned).collect();
    let ledger = idle.drive.into_ledger();
    let checked = vec![
        format!("{count} agents were told that they are connected, and still were at the end"),
        "whoever came back found what they had left".to_owned(),
        "a board shows every agent connected".to_owned(),
    ];
    let checks = Checks::of(ledger.breaches(), checked);
    Ok(report("idle", begun, &target, IdleSettings::of(args), figures, checks, notes))
}

struct Idle {
    tokens: Vec<String>,
    drive: Drive,
    in_flight: usize,
    hold: Duration,
    storms: u32,
}

impl Idle {
    /// One server's life: everybody signs in, nothing happens, and everybody is lost and comes back.
    fn round(&mut self, crowd: &mut Crowd, server: &Running) -> Outcome<Round> {
        let before = server.memory()?;
        let (cpu_before, own_before) = (server.cpu_time()?, own_cpu_time());
        let arrived = self.sign_in(crowd, server)?;
        let mut put_off = arrived.put_off;
        let (cpu_after, own_after) = (server.cpu_time()?, own_cpu_time());
        let after = server.memory()?;
        let idle_cores = self.hold(crowd, server)?;
        let mut storms = Vec::new();
        let mut after_storms = None;
        for _ in 0..self.storms {
            crowd.wires().drop_from(0);
            let back = self.sign_in(crowd, server)?;
            put_off += back.put_off;
            storms.push(per_second(&back, self.tokens.len()));
            after_storms = server.memory()?;
        }
        let spent = |before: Option<Duration>, after: Option<Duration>| Some(after?.saturating_sub(before?));
        Ok(Round {
            ready: server.started_in(),
            before,
            after,
            after_storms,
            sign_ins_per_second: per_second(&arrived, self.tokens.len()),
            storm_sign_ins_per_second: storms,
            generator_cores: (own_after - own_before).as_secs_f64() / arrived.within.as_secs_f64(),
            put_off,
            sign_in: arrived.took,
            sign_in_cpu: spent(cpu_before, cpu_after),
            idle_cores,
        })
    }

    fn sign_in(&mut self, crowd: &mut Crowd, server: &Running) -> Outcome<Arrived> {
        let Idle { tokens, drive, in_flight, .. } = self;
        let mut opened = |who: usize, opened: &Opened<'_>| drive.ledger().signed_in(who, &opened.agent);
        sign_in(crowd, server.address(), tokens, *in_flight, &mut opened)
    }

    /// Lets nothing happen but pings; the cores that the server used meanwhile.
    fn hold(&mut self, crowd: &mut Crowd, server: &Running) -> Outcome<Option<f64>> {
        if self.hold.is_zero() {
            return Ok(None);
        }
        let (before, began) = (server.cpu_time()?, Instant::now());
        crowd.turn_until(began + self.hold, &mut self.drive, |_| false)?;
        let (after, took) = (server.cpu_time()?, began.elapsed());
        Ok(before.zip(after).map(|(before, after)| after.saturating_sub(before).as_secs_f64() / took.as_secs_f64()))
    }

    /// Everybody is still there, for themselves and on a board.
    fn look_back(&mut self, crowd: &mut Crowd, target: &Target, server: &Running) -> Outcome<()> {
        self.drive.look_back(crowd)?;
        let supervisor = target.supervisors(TEAM, 1)?.remove(0);
        let board = looking_back::board(server.address(), &supervisor)?;
        let ledger = self.drive.ledger();
        ledger.final_table(board.table());
        ledger.add_breaches(looking_back::violations(&board));
        ledger.add_breaches(looking_back::absences(board.table(), (0..self.tokens.len()).map(company::agent)));
        Ok(())
    }
}

fn per_second(arrived: &Arrived, count: usize) -> f64 {
    count as f64 / arrived.within.as_secs_f64()
}
