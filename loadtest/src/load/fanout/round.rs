//! One round of one side, server or floor: changes are asked for at fixed instants, or so that always the same
//! number of them is under way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::tally::{Tally, Window};
use crate::load::crowd::{Crowd, Ear, Wires};
use crate::load::drive::Plan;
use crate::load::failure::{Failure, Outcome};
use crate::load::latency::Latency;
use crate::load::machine::own_cpu_time;
use crate::load::pace::Pace;

/// How long the last changes may take to all boards before the round counts as broken off.
const PATIENCE: Duration = Duration::from_secs(30);

/// How changes are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::load) enum Asking {
    /// At a fixed rate.
    Open { per_second: f64 },
    /// Always so many under way, until every board has each.
    Closed { window: usize },
}

/// A side that changes come from and boards hear them on.
pub(in crate::load) trait Side: Ear {
    /// The changes of the round.
    fn tally(&mut self) -> &mut Tally;
    /// Asks for a change; false when nobody is free to make one.
    fn ask(&mut self, wires: &mut Wires, intended: Instant, counts: bool) -> bool;
    /// Keeps so many changes under way from here on, also while things are heard.
    fn keep_under_way(&mut self, window: usize);
    /// The time that the side has been on a core, if it can be told.
    fn cpu_time(&mut self) -> Outcome<Option<Duration>>;
    /// True when that time is this process's own, and not one of the load generator.
    fn is_in_this_process(&self) -> bool;
    /// True when nothing is under way, nor any reply.
    fn is_quiet(&self) -> bool;
    /// What went wrong.
    fn check(&mut self) -> Outcome<()>;
}

/// What one side did in one round.
#[derive(Debug, Clone)]
pub(in crate::load) struct Measured {
    pub(in crate::load) window: Window,
    pub(in crate::load) time: Duration,
    pub(in crate::load) cpu: Option<Duration>,
    pub(in crate::load) generator_cores: f64,
    pub(in crate::load) spread: Latency,
    pub(in crate::load) from_send: Latency,
    /// From the first sign of the last change until every board had all of them.
    pub(in crate::load) settled_in: Duration,
}

impl Measured {
    /// Changes that all boards had, in a second.
    pub(in crate::load) fn changes_per_second(&self) -> f64 {
        self.window.changes as f64 / self.time.as_secs_f64()
    }
}

/// Runs a round, and waits until every board has every change.
pub(in crate::load) fn run(crowd: &mut Crowd, side: &mut impl Side, asking: Asking, plan: Plan) -> Outcome<Measured> {
    let begun = Instant::now();
    let (from, until) = (begun + plan.warm_up, begun + plan.warm_up + plan.time);
    let mut queue = Queue { waiting: VecDeque::new(), pace: None };
    match asking {
        Asking::Open { per_second } => queue.pace = Some(Pace::new(begun, per_second)),
        Asking::Closed { window } => {
            side.keep_under_way(window);
            while side.tally().under_way() < window && side.ask(crowd.wires(), begun, false) {}
        }
    }
    turn_until(crowd, side, &mut queue, from, (from, until))?;
    let before = Before::look(side)?;
    turn_until(crowd, side, &mut queue, until, (from, until))?;
    before.measured(crowd, side, &mut queue)
}

/// Asks for changes at a fixed rate for as long as `step` says until when to wait next, and waits until every board
/// has every change.
pub(in crate::load) fn run_while<S: Side>(
    crowd: &mut Crowd,
    side: &mut S,
    per_second: f64,
    step: &mut dyn FnMut(&mut S, &mut Wires) -> Option<Instant>,
) -> Outcome<Measured> {
    let before = Before::look(side)?;
    let mut queue = Queue { waiting: VecDeque::new(), pace: Some(Pace::new(before.began, per_second)) };
    while let Some(until) = step(side, crowd.wires()) {
        let wake = queue.ask(crowd.wires(), side, until, (before.began, until));
        crowd.turn(wake, side)?;
        side.check()?;
    }
    before.measured(crowd, side, &mut queue)
}

/// The clocks at the beginning of what is measured.
struct Before {
    cpu: Option<Duration>,
    own: Duration,
    began: Instant,
}

impl Before {
    fn look(side: &mut impl Side) -> Outcome<Before> {
        let before = Before { cpu: side.cpu_time()?, own: own_cpu_time(), began: Instant::now() };
        side.tally().count(true);
        Ok(before)
    }

    /// Looks at them again, and waits until every board has every change.
    fn measured(self, crowd: &mut Crowd, side: &mut impl Side, queue: &mut Queue) -> Outcome<Measured> {
        side.tally().count(false);
        let (cpu_after, own_after, time) = (side.cpu_time()?, own_cpu_time(), self.began.elapsed());
        side.keep_under_way(0);
        settle(crowd, side, queue)?;
        let cpu = cpu_after.zip(self.cpu).map(|(after, before)| after.saturating_sub(before));
        let sides_own = cpu.filter(|_| side.is_in_this_process()).unwrap_or_default();
        let generator_cpu = (own_after - self.own).saturating_sub(sides_own);
        let tally = side.tally();
        Ok(Measured {
            window: tally.window.clone(),
            time,
            cpu,
            generator_cores: generator_cpu.as_secs_f64() / time.as_secs_f64(),
            spread: tally.spread.clone(),
            from_send: tally.from_send.clone(),
            settled_in: tally.settled_in(),
        })
    }
}

/// Changes whose instant has come.
struct Queue {
    /// Nobody was free to make them; what they wait counts.
    waiting: VecDeque<(Instant, bool)>,
    pace: Option<Pace>,
}

impl Queue {
    /// Asks for what is due, as far as somebody is free; when to look again.
    fn ask(&mut self, wires: &mut Wires, side: &mut impl Side, until: Instant, window: (Instant, Instant)) -> Instant {
        let mut wake = until;
        if let Some(pace) = &mut self.pace {
            while let Some(intended) = pace.due(Instant::now().min(until)) {
                self.waiting.push_back((intended, (window.0..window.1).contains(&intended)));
            }
            wake = wake.min(pace.next_at());
        }
        self.ask_waiting(wires, side);
        wake
    }

    fn ask_waiting(&mut self, wires: &mut Wires, side: &mut impl Side) {
        while let Some((intended, counts)) = self.waiting.front().copied() {
            if !side.ask(wires, intended, counts) {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

fn turn_until(
    crowd: &mut Crowd,
    side: &mut impl Side,
    queue: &mut Queue,
    until: Instant,
    window: (Instant, Instant),
) -> Outcome<()> {
    loop {
        let wake = queue.ask(crowd.wires(), side, until, window);
        if Instant::now() >= until {
            return Ok(());
        }
        crowd.turn(wake, side)?;
        side.check()?;
    }
}

fn settle(crowd: &mut Crowd, side: &mut impl Side, queue: &mut Queue) -> Outcome<()> {
    let patience = Instant::now() + PATIENCE;
    while !side.is_quiet() || !queue.waiting.is_empty() {
        if Instant::now() > patience {
            let left = side.tally().under_way() + queue.waiting.len();
            return Err(Failure::new(format!(
                "{left} changes had not come to every board, or a reply was missing, within {PATIENCE:?}"
            )));
        }
        queue.ask_waiting(crowd.wires(), side);
        crowd.turn(patience, side)?;
        side.check()?;
    }
    Ok(())
}
