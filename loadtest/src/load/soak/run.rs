//! One long round: changes at fixed instants, connections that are lost and come back, and a sample now and then.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::figures::Sample;
use crate::load::crowd::Crowd;
use crate::load::failure::{Failure, Outcome};
use crate::load::fanout::{Office, Side};
use crate::load::machine::own_cpu_time;
use crate::load::pace::Pace;
use crate::load::target::Running;
use crate::random::Random;

/// How long somebody is away who was lost.
pub(super) const AWAY: Duration = Duration::from_secs(1);
/// How long the last changes may take, and the last of those who come back.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often somebody else is looked for when whoever is to be lost is busy.
const TRIES: usize = 20;

/// How much is to be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// Changes a second.
    pub(super) changes: f64,
    /// Connections that are lost in a second; 0 for none.
    pub(super) lost: f64,
}

/// What keeps a run going.
pub(super) struct Soak<'s> {
    crowd: &'s mut Crowd,
    server: &'s Running,
    tokens: &'s [String],
    changes: Pace,
    losses: Option<Pace>,
    /// Changes whose instant has come while nobody was free to make them; what they wait counts.
    waiting: VecDeque<Instant>,
    /// Who comes back, and when.
    returning: VecDeque<(Instant, usize)>,
    random: Random,
    lost: u64,
}

impl<'s> Soak<'s> {
    /// A run that begins now.
    pub(super) fn begin(
        crowd: &'s mut Crowd,
        server: &'s Running,
        tokens: &'s [String],
        rates: Rates,
        seed: u64,
    ) -> Soak<'s> {
        let now = Instant::now();
        Soak {
            crowd,
            server,
            tokens,
            changes: Pace::new(now, rates.changes),
            losses: (rates.lost > 0.0).then(|| Pace::new(now, rates.lost)),
            waiting: VecDeque::new(),
            returning: VecDeque::new(),
            random: Random::of(seed),
            lost: 0,
        }
    }

    /// Runs for a time, with a sample each so often, and until everything is quiet and everybody is back; the samples,
    /// and how often a connection was lost.
    pub(super) fn run(
        mut self,
        office: &mut Office<'_>,
        time: Duration,
        every: Duration,
    ) -> Outcome<(Vec<Sample>, u64)> {
        let begun = Instant::now();
        let end = begun + time;
        let mut samples = Vec::new();
        let (mut from, mut cpu, mut own) = (begun, self.server.cpu_time()?, own_cpu_time());
        while from < end {
            self.turn_until(office, (from + every).min(end))?;
            let (now, cpu_now, own_now) = (Instant::now(), self.server.cpu_time()?, own_cpu_time());
            let seconds = (now - from).as_secs_f64();
            samples.push(Sample {
                at_s: (now - begun).as_secs_f64(),
                seconds,
                memory: self.server.memory()?,
                descriptors: self.server.descriptors()?,
                cpu_s: cpu_now.zip(cpu).map(|(now, before)| now.saturating_sub(before).as_secs_f64()),
                generator_cores: (own_now - own).as_secs_f64() / seconds,
                taken: office.take(),
            });
            (from, cpu, own) = (now, cpu_now, own_now);
        }
        self.settle(office)?;
        Ok((samples, self.lost))
    }

    fn turn_until(&mut self, office: &mut Office<'_>, until: Instant) -> Outcome<()> {
        loop {
            let now = Instant::now().min(until);
            while let Some(intended) = self.changes.due(now) {
                self.waiting.push_back(intended);
            }
            while self.losses.as_mut().is_some_and(|pace| pace.due(now).is_some()) {
                self.lose_one(office);
            }
            let wake = self.step(office)?.into_iter().chain(self.losses.as_ref().map(Pace::next_at));
            let wake = wake.chain([self.changes.next_at(), until]).min().unwrap_or(until);
            if Instant::now() >= until {
                return Ok(());
            }
            self.crowd.turn(wake, office)?;
            office.check()?;
        }
    }

    /// Asks for what waits, and lets those come back whose time it is; when the next of them does.
    fn step(&mut self, office: &mut Office<'_>) -> Outcome<Option<Instant>> {
        let now = Instant::now();
        while let Some(intended) = self.waiting.front() {
            if !office.ask(self.crowd.wires(), *intended, true) {
                break;
            }
            self.waiting.pop_front();
        }
        while let Some((_, who)) = self.returning.front().copied().filter(|(at, _)| *at <= now) {
            self.returning.pop_front();
            office.come_back(self.crowd.wires(), who, self.tokens)?;
        }
        let again = office.ask_again(self.crowd.wires(), now);
        Ok(again.into_iter().chain(self.returning.front().map(|(at, _)| *at)).min())
    }

    fn lose_one(&mut self, office: &mut Office<'_>) {
        let sockets = office.sockets() as u64;
        let found = (0..TRIES).map(|_| self.random.below(sockets) as usize).find(|who| office.may_leave(*who));
        // When nearly everybody is busy, somebody else is lost a moment later.
        let Some(who) = found else { return };
        office.leave(self.crowd.wires(), who);
        self.returning.push_back((Instant::now() + AWAY, who));
        self.lost += 1;
    }

    fn settle(&mut self, office: &mut Office<'_>) -> Outcome<()> {
        let patience = Instant::now() + PATIENCE;
        while !office.is_quiet() || !self.waiting.is_empty() || office.absent() > 0 {
            if Instant::now() > patience {
                let (waiting, absent) = (self.waiting.len(), office.absent());
                return Err(Failure::new(format!(
                    "{waiting} changes were not asked for and {absent} connections not back within {PATIENCE:?}, or a \
                     change had not come to every board"
                )));
            }
            let wake = self.step(office)?.unwrap_or(patience).min(patience);
            self.crowd.turn(wake, office)?;
            office.check()?;
        }
        Ok(())
    }
}
