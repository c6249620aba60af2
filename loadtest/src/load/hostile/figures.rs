//! The figures of the scenario, and how they are shown.

use std::collections::BTreeMap;

use serde::Serialize;

use super::kinds::{Answers, Kind};
use super::memory::MemoryFigures;
use super::{Cast, HOSTILE_ADDRESS, Pair, Round};
use crate::load::args::HostileArgs;
use crate::load::failure::{Failure, Outcome};
use crate::load::latency::{Latency, Percentiles};
use crate::load::report::{Side, busy_note};
use crate::load::spread::Spread;

/// How much longer the 99 % may be with hostile clients than without (`docs/promises.md`, R5).
const LONGER_MAX: f64 = 1.5;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct HostileSettings {
    /// Connections, all together.
    pub(in crate::load) connections: u64,
    /// How many of them are hostile, by kind, in the rounds with them.
    pub(in crate::load) hostile: BTreeMap<Kind, usize>,
    /// Honest agents, and how many of them give commands.
    pub(in crate::load) agents: usize,
    pub(in crate::load) callers: usize,
    /// Honest boards.
    pub(in crate::load) boards: usize,
    /// Commands a second.
    pub(in crate::load) rate_per_second: f64,
    /// Of each round, before it is measured.
    pub(in crate::load) warm_up_s: f64,
    /// Of each round.
    pub(in crate::load) time_s: f64,
    /// How often rounds without and with hostile clients took turns.
    pub(in crate::load) pairs: u32,
    /// Where the hostile ones came from: an address of their own, or that of the honest ones.
    pub(in crate::load) hostile_from: String,
    /// What the server lets an agent and an address do: `shipped`, or `unknown` of one that ran already.
    pub(in crate::load) server_limits: &'static str,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct HostileFigures {
    /// The rounds without hostile clients.
    pub(in crate::load) without: RoundsFigures,
    /// The rounds with them.
    pub(in crate::load) with: RoundsFigures,
    /// The half of the replies with them by that without, pair by pair.
    pub(in crate::load) p50_by_without: Spread,
    /// The same of the 99 %.
    pub(in crate::load) p99_by_without: Spread,
    /// The same of the 99 % of what came to boards.
    pub(in crate::load) deliveries_p99_by_without: Spread,
    /// The server's memory, where its process is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) memory: Option<MemoryFigures>,
    /// What each kind was answered, all rounds together.
    pub(in crate::load) answers: BTreeMap<Kind, Answers>,
    /// For how long the hostile clients were there, all rounds together.
    pub(in crate::load) hostile_s: f64,
}

/// Some rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct RoundsFigures {
    /// Replies to commands, from the instant at which each was to be sent.
    pub(in crate::load) replies: Side,
    /// Changes on boards, each on each, from the instant at which the command was to be sent.
    pub(in crate::load) deliveries: Side,
    /// One record written and synced each 50 ms on the same disk, beside the load: where it stood still, replies waited for it.
    pub(in crate::load) syncs: Side,
    /// Cores that the server used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_cores: Option<Spread>,
    /// The most memory that the server had, resident, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_peak_kib: Option<Spread>,
    /// Descriptors that the server had open when the round was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_descriptors: Option<Spread>,
    /// Cores that the honest clients used.
    pub(in crate::load) generator_cores: Spread,
    /// Cores that the others used; left out where they are a thread of the same process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) others_cores: Option<Spread>,
}

impl HostileSettings {
    pub(super) fn of(args: &HostileArgs, cast: &Cast, is_own_server: bool) -> HostileSettings {
        HostileSettings {
            connections: args.connections,
            hostile: cast.hostile.iter().copied().collect(),
            agents: cast.agents,
            callers: cast.agents.min(args.callers as usize),
            boards: cast.boards,
            rate_per_second: args.rate,
            warm_up_s: args.warm_up.as_secs_f64(),
            time_s: args.time.as_secs_f64(),
            pairs: args.pairs,
            hostile_from: if args.one_address { "the same".to_owned() } else { HOSTILE_ADDRESS.to_string() },
            server_limits: if is_own_server { "shipped" } else { "unknown" },
        }
    }
}

impl HostileFigures {
    /// What the pairs come to.
    pub(super) fn of(cast: &Cast, pairs: &[Pair], memory: Option<MemoryFigures>) -> Outcome<HostileFigures> {
        let nothing = || Failure::new("nothing was answered or shown in the time; give more --time");
        let without: Vec<&Round> = pairs.iter().map(|pair| &pair.without).collect();
        let with: Vec<&Round> = pairs.iter().map(|pair| &pair.with).collect();
        let ratios = |of: fn(&Round) -> &Latency, at: fn(&Percentiles) -> f64| {
            let all = |rounds: &[&Round]| -> Option<Vec<f64>> {
                rounds.iter().map(|round| of(round).percentiles().as_ref().map(at)).collect()
            };
            Spread::of_ratios(&all(&with)?, &all(&without)?)
        };
        let mut answers: BTreeMap<Kind, Answers> = BTreeMap::new();
        for (kind, _) in &cast.hostile {
            let all = answers.entry(*kind).or_default();
            with.iter().filter_map(|round| round.told.answers.get(kind)).for_each(|of_round| all.add(of_round));
        }
        Ok(HostileFigures {
            without: RoundsFigures::of(&without).ok_or_else(nothing)?,
            with: RoundsFigures::of(&with).ok_or_else(nothing)?,
            p50_by_without: ratios(|round| &round.replies, |told| told.p50_us).ok_or_else(nothing)?,
            p99_by_without: ratios(|round| &round.replies, |told| told.p99_us).ok_or_else(nothing)?,
            deliveries_p99_by_without: ratios(|round| &round.measured.from_send, |told| told.p99_us)
                .ok_or_else(nothing)?,
            memory,
            answers,
            hostile_s: with.iter().map(|round| round.told.seconds).sum(),
        })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        let busy = [("without hostile clients", &self.without), ("with them", &self.with)];
        let busy = busy.into_iter().filter_map(|(what, rounds)| busy_note(what, &rounds.generator_cores));
        let longer = (self.p99_by_without.median > LONGER_MAX).then(|| {
            format!(
                "replies: p99 with hostile clients is {:.2} times that without them; promise R5 allows {LONGER_MAX}",
                self.p99_by_without.median
            )
        });
        busy.chain(longer).collect()
    }
}

impl RoundsFigures {
    fn of(rounds: &[&Round]) -> Option<RoundsFigures> {
        let side = |of: fn(&Round) -> &Latency| {
            let each: Vec<(f64, &Latency)> = rounds
                .iter()
                .map(|round| {
                    let count = of(round).percentiles().map_or(0, |told| told.count);
                    (count as f64 / round.measured.time.as_secs_f64(), of(round))
                })
                .collect();
            Side::of(&each)
        };
        let all = |of: &dyn Fn(&Round) -> Option<f64>| {
            rounds.iter().map(|round| of(round)).collect::<Option<Vec<f64>>>().and_then(Spread::of)
        };
        Some(RoundsFigures {
            replies: side(|round| &round.replies)?,
            deliveries: side(|round| &round.measured.from_send)?,
            syncs: side(|round| &round.syncs)?,
            server_cores: all(&|round| Some(round.measured.cpu?.as_secs_f64() / round.measured.time.as_secs_f64())),
            server_peak_kib: all(&|round| Some(round.peak_kib? as f64)),
            server_descriptors: all(&|round| Some(round.descriptors? as f64)),
            generator_cores: all(&|round| Some(round.measured.generator_cores))?,
            others_cores: all(&|round| round.others_cores),
        })
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
