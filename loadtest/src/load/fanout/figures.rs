//! The figures of the scenario, and how they are shown.

use serde::Serialize;

use super::round::{Asking, Measured};
use super::{Pair, PeerAddress};
use crate::load::args::FanoutArgs;
use crate::load::failure::{Failure, Outcome};
use crate::load::report::busy_note;
use crate::load::spread::Spread;
use crate::load::times::Times;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct FanoutSettings {
    /// Boards, all of one team.
    pub(in crate::load) boards: u64,
    /// Agents of that team.
    pub(in crate::load) agents: u64,
    /// Changes a second of the open loop; 0 for none.
    pub(in crate::load) rate_per_second: f64,
    /// Of each load, before it is measured.
    pub(in crate::load) warm_up_s: f64,
    /// Of each load.
    pub(in crate::load) time_s: f64,
    /// How often server and floor took turns.
    pub(in crate::load) pairs: u32,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct FanoutFigures {
    /// The loads.
    pub(in crate::load) loads: Vec<LoadFigures>,
}

/// One load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct LoadFigures {
    /// `open` or `closed`.
    pub(in crate::load) kind: &'static str,
    /// Of an open loop: changes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) rate_per_second: Option<f64>,
    /// Of a closed loop: changes under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) window: Option<usize>,
    /// The payload of the floor's frames: that of a frame of the server with one row.
    pub(in crate::load) frame_bytes: Spread,
    /// The server.
    pub(in crate::load) server: SideFigures,
    /// The floor.
    pub(in crate::load) floor: SideFigures,
    /// Deliveries of the server for each of the floor's, pair by pair.
    pub(in crate::load) deliveries_of_floor: Spread,
    /// CPU of the server by delivery for that of the floor, pair by pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) cpu_by_floor: Option<Spread>,
    /// The server's half by the floor's, pair by pair, of the times from the first sign.
    pub(in crate::load) p50_by_floor: Spread,
    /// The same of the 99 %.
    pub(in crate::load) p99_by_floor: Spread,
    /// Other servers, in the order in which they were named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::load) peers: Vec<PeerFigures>,
}

/// Another server under the same load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct PeerFigures {
    /// Its kind.
    pub(in crate::load) name: &'static str,
    /// What it did.
    pub(in crate::load) peer: SideFigures,
    /// Deliveries of the server for each of the peer's, pair by pair.
    pub(in crate::load) deliveries_by_peer: Spread,
    /// CPU of the server by delivery for that of the peer, pair by pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) cpu_by_peer: Option<Spread>,
    /// The server's half by the peer's, pair by pair, of the times from the first sign.
    pub(in crate::load) p50_by_peer: Spread,
    /// The same of the 99 %.
    pub(in crate::load) p99_by_peer: Spread,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct SideFigures {
    /// Changes that came to a board, each board for itself, in a second.
    pub(in crate::load) deliveries_per_second: Spread,
    /// Changes that all boards had, in a second.
    pub(in crate::load) changes_per_second: Spread,
    /// Frames that came to a board: fewer than deliveries where one frame brought several changes.
    pub(in crate::load) frames_per_second: Spread,
    /// Changes in a frame.
    pub(in crate::load) changes_per_frame: Spread,
    /// CPU for one delivery: of the server in all, of the floor its one thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) cpu_us_per_delivery: Option<Spread>,
    /// From the first sign that a change is there, a reply or a frame, to each board.
    pub(in crate::load) from_first_sign: Times,
    /// From the instant at which it was to be asked for.
    pub(in crate::load) from_asking: Times,
    /// From the first sign of the last change until every board had all of them, in milliseconds.
    pub(in crate::load) settled_in_ms: Spread,
    /// Cores that the load generator used.
    pub(in crate::load) generator_cores: Spread,
}

impl FanoutSettings {
    pub(super) fn of(args: &FanoutArgs) -> FanoutSettings {
        FanoutSettings {
            boards: args.boards,
            agents: args.agents,
            rate_per_second: args.rate,
            warm_up_s: args.warm_up.as_secs_f64(),
            time_s: args.time.as_secs_f64(),
            pairs: args.pairs,
        }
    }
}

impl SideFigures {
    fn of(rounds: &[&Measured]) -> Option<SideFigures> {
        let rate = |count: fn(&Measured) -> u64| {
            Spread::of(rounds.iter().map(|round| count(round) as f64 / round.time.as_secs_f64()))
        };
        let by_frame = rounds.iter().map(|round| {
            let frames = round.window.frames;
            (frames > 0).then(|| round.window.deliveries as f64 / frames as f64)
        });
        Some(SideFigures {
            deliveries_per_second: rate(|round| round.window.deliveries)?,
            changes_per_second: rate(|round| round.window.changes)?,
            frames_per_second: rate(|round| round.window.frames)?,
            changes_per_frame: Spread::of(by_frame.collect::<Option<Vec<f64>>>()?)?,
            cpu_us_per_delivery: cpu(rounds).and_then(Spread::of),
            from_first_sign: Times::of(&rounds.iter().map(|round| &round.spread).collect::<Vec<_>>())?,
            from_asking: Times::of(&rounds.iter().map(|round| &round.from_send).collect::<Vec<_>>())?,
            settled_in_ms: Spread::of(rounds.iter().map(|round| round.settled_in.as_secs_f64() * 1000.0))?,
            generator_cores: Spread::of(rounds.iter().map(|round| round.generator_cores))?,
        })
    }
}

/// CPU for one delivery of each round, in microseconds; none when one is not known.
fn cpu(rounds: &[&Measured]) -> Option<Vec<f64>> {
    let of = |round: &&Measured| {
        let deliveries = round.window.deliveries;
        (deliveries > 0).then_some(())?;
        Some(round.cpu?.as_secs_f64() * 1e6 / deliveries as f64)
    };
    rounds.iter().map(of).collect()
}

/// Of the server by something else, pair by pair.
struct Ratios {
    deliveries: Spread,
    cpu: Option<Spread>,
    p50: Spread,
    p99: Spread,
}

impl Ratios {
    fn of(above: &[&Measured], below: &[&Measured]) -> Option<Ratios> {
        let ratio = |figure: fn(&Measured) -> Option<f64>| {
            let of = |side: &[&Measured]| side.iter().map(|round| figure(round)).collect::<Option<Vec<f64>>>();
            Spread::of_ratios(&of(above)?, &of(below)?)
        };
        Some(Ratios {
            deliveries: ratio(|round| {
                Some(round.window.deliveries as f64 / round.time.as_secs_f64()).filter(|rate| *rate > 0.0)
            })?,
            cpu: cpu(above).zip(cpu(below)).and_then(|(above, below)| Spread::of_ratios(&above, &below)),
            p50: ratio(|round| Some(round.spread.percentiles()?.p50_us))?,
            p99: ratio(|round| Some(round.spread.percentiles()?.p99_us))?,
        })
    }
}

impl LoadFigures {
    fn of(load: Asking, peers: &[PeerAddress], pairs: &[Pair]) -> Option<LoadFigures> {
        let (kind, rate_per_second, window) = match load {
            Asking::Open { per_second } => ("open", Some(per_second), None),
            Asking::Closed { window } => ("closed", None, Some(window)),
        };
        let servers: Vec<&Measured> = pairs.iter().map(|pair| &pair.server).collect();
        let floors: Vec<&Measured> = pairs.iter().map(|pair| &pair.floor).collect();
        let ratios = Ratios::of(&servers, &floors)?;
        let peer = |(at, address): (usize, &PeerAddress)| {
            let rounds = pairs.iter().map(|pair| pair.peers.get(at)).collect::<Option<Vec<&Measured>>>()?;
            let ratios = Ratios::of(&servers, &rounds)?;
            Some(PeerFigures {
                name: address.kind.word(),
                peer: SideFigures::of(&rounds)?,
                deliveries_by_peer: ratios.deliveries,
                cpu_by_peer: ratios.cpu,
                p50_by_peer: ratios.p50,
                p99_by_peer: ratios.p99,
            })
        };
        Some(LoadFigures {
            kind,
            rate_per_second,
            window,
            frame_bytes: Spread::of(pairs.iter().map(|pair| pair.frame_bytes as f64))?,
            server: SideFigures::of(&servers)?,
            floor: SideFigures::of(&floors)?,
            deliveries_of_floor: ratios.deliveries,
            cpu_by_floor: ratios.cpu,
            p50_by_floor: ratios.p50,
            p99_by_floor: ratios.p99,
            peers: peers.iter().enumerate().map(peer).collect::<Option<Vec<PeerFigures>>>()?,
        })
    }

    pub(super) fn name(&self) -> String {
        match (self.rate_per_second, self.window) {
            (Some(rate), _) => format!("{rate} changes/s"),
            (None, window) => format!("{} changes under way", window.unwrap_or(0)),
        }
    }
}

/// What a load is called.
pub(super) fn name(load: Asking) -> String {
    match load {
        Asking::Open { per_second } => format!("{per_second} changes/s"),
        Asking::Closed { window } => format!("{window} changes under way"),
    }
}

impl FanoutFigures {
    /// What the pairs come to, a list of them for each load.
    pub(super) fn of(loads: &[Asking], peers: &[PeerAddress], pairs: &[Vec<Pair>]) -> Outcome<FanoutFigures> {
        let loads = loads.iter().zip(pairs).map(|(load, pairs)| {
            let too_short = || Failure::new(format!("{}: nothing was done in the time; give more --time", name(*load)));
            LoadFigures::of(*load, peers, pairs).ok_or_else(too_short)
        });
        Ok(FanoutFigures { loads: loads.collect::<Outcome<Vec<LoadFigures>>>()? })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        let sides = self.loads.iter().flat_map(|load| [("", load, &load.server), (" (floor)", load, &load.floor)]);
        sides.filter_map(|(side, load, figures)| busy_note(&(load.name() + side), &figures.generator_cores)).collect()
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
