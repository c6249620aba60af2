//! The figures of the scenario.

use serde::Serialize;

use super::args::SoakArgs;
use super::slope::{LONGER_MAX, MEMORY_MAX, SAMPLES_MIN, Slope};
use crate::load::breaches::Breaches;
use crate::load::failure::{Failure, Outcome};
use crate::load::fanout::Taken;
use crate::load::latency::{Latency, Percentiles};
use crate::load::machine::Memory;
use crate::load::report::busy_note;
use crate::load::spread::Spread;

/// How long a run is at least in whose first quarter everything has warmed up that does: caches, pools, and what is
/// remembered of each agent. What grows in a shorter one is a note.
const WARM_AFTER_S: f64 = 300.0;
/// Descriptors that come and go beside those of connections: files of the store, a question over HTTP.
const DESCRIPTORS_BESIDE: f64 = 8.0;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct SoakSettings {
    /// Agents of one team.
    pub(in crate::load) agents: u64,
    /// Boards of that team.
    pub(in crate::load) boards: u64,
    /// Changes a second, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) rate_per_second: Option<f64>,
    /// The share of what a closed loop reached, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) load: Option<f64>,
    /// The share of all connections that was lost each second.
    pub(in crate::load) churn: f64,
    /// How long.
    pub(in crate::load) time_s: f64,
    /// How often samples were taken.
    pub(in crate::load) every_s: f64,
}

/// What was taken in one span of the run.
#[derive(Debug, Clone)]
pub(in crate::load) struct Sample {
    /// When it ended, in seconds since the beginning.
    pub(in crate::load) at_s: f64,
    /// How long it was.
    pub(in crate::load) seconds: f64,
    pub(in crate::load) memory: Option<Memory>,
    pub(in crate::load) descriptors: Option<usize>,
    /// Of the server.
    pub(in crate::load) cpu_s: Option<f64>,
    pub(in crate::load) generator_cores: f64,
    pub(in crate::load) taken: Taken,
}

/// One span of the run, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct SampleFigures {
    /// When it ended, in seconds since the beginning.
    pub(in crate::load) at_s: f64,
    /// The server's resident memory then, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) resident_kib: Option<u64>,
    /// What of it is in no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) anonymous_kib: Option<u64>,
    /// The server's descriptors then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) descriptors: Option<usize>,
    /// Cores that the server used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_cores: Option<f64>,
    /// Cores that the load generator used.
    pub(in crate::load) generator_cores: f64,
    /// Commands that were answered, in a second.
    pub(in crate::load) replies_per_second: f64,
    /// From the instants at which they were to be sent to the replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) replies: Option<Percentiles>,
    /// From the first sign of a change to each board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) deliveries: Option<Percentiles>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct SoakFigures {
    /// Changes a second.
    pub(in crate::load) rate_per_second: f64,
    /// What the closed loop before reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) reached_per_second: Option<f64>,
    /// How often a connection was lost and came back.
    pub(in crate::load) lost: u64,
    /// The whole run's commands.
    pub(in crate::load) replies: Percentiles,
    /// The whole run's deliveries, from the first sign.
    pub(in crate::load) deliveries: Percentiles,
    /// The same from the instants at which changes were to be asked for.
    pub(in crate::load) from_asking: Percentiles,
    /// What of the server's memory is in no file, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) memory: Option<Slope>,
    /// The server's descriptors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) descriptors: Option<Slope>,
    /// The 99 % of the replies, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) replies_p99_us: Option<Slope>,
    /// The 99 % of the deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) deliveries_p99_us: Option<Slope>,
    /// The spans, in their order.
    pub(in crate::load) samples: Vec<SampleFigures>,
}

impl SoakSettings {
    pub(super) fn of(args: &SoakArgs) -> SoakSettings {
        SoakSettings {
            agents: args.agents,
            boards: args.boards,
            rate_per_second: args.rate,
            load: args.rate.is_none().then_some(args.load),
            churn: args.churn,
            time_s: args.time.as_secs_f64(),
            every_s: args.every.as_secs_f64(),
        }
    }
}

impl SampleFigures {
    fn of(sample: &Sample) -> SampleFigures {
        let replies = sample.taken.replies.percentiles();
        SampleFigures {
            at_s: sample.at_s,
            resident_kib: sample.memory.map(|memory| memory.resident_kib),
            anonymous_kib: sample.memory.map(|memory| memory.anonymous_kib),
            descriptors: sample.descriptors,
            server_cores: sample.cpu_s.map(|cpu| cpu / sample.seconds),
            generator_cores: sample.generator_cores,
            replies_per_second: replies.map_or(0.0, |told| told.count as f64 / sample.seconds),
            replies,
            deliveries: sample.taken.from_first_sign.percentiles(),
        }
    }
}

impl SoakFigures {
    /// What the samples come to; `away` connections are lost at a time.
    pub(super) fn of(
        rate_per_second: f64,
        reached_per_second: Option<f64>,
        (lost, away): (u64, f64),
        samples: &[Sample],
    ) -> Outcome<SoakFigures> {
        let all = |of: fn(&Taken) -> &Latency| {
            let mut all = Latency::new();
            samples.iter().for_each(|sample| all.add(of(&sample.taken)));
            all.percentiles().ok_or_else(|| Failure::new("nothing was answered or shown in the time; give more --time"))
        };
        let told: Vec<SampleFigures> = samples.iter().map(SampleFigures::of).collect();
        let column = |of: fn(&SampleFigures) -> Option<f64>| told.iter().map(of).collect::<Vec<_>>();
        let memory = column(|sample| Some(sample.anonymous_kib? as f64));
        let descriptors = column(|sample| Some(sample.descriptors? as f64));
        let replies = column(|sample| Some(sample.replies?.p99_us));
        let deliveries = column(|sample| Some(sample.deliveries?.p99_us));
        Ok(SoakFigures {
            rate_per_second,
            reached_per_second,
            lost,
            replies: all(|taken| &taken.replies)?,
            deliveries: all(|taken| &taken.from_first_sign)?,
            from_asking: all(|taken| &taken.from_asking)?,
            memory: Slope::by_factor(&memory, MEMORY_MAX),
            descriptors: Slope::by_number(&descriptors, away.ceil() + DESCRIPTORS_BESIDE),
            replies_p99_us: Slope::by_factor(&replies, LONGER_MAX),
            deliveries_p99_us: Slope::by_factor(&deliveries, LONGER_MAX),
            samples: told,
        })
    }

    /// What grew that may not.
    pub(super) fn breaches(&self) -> Breaches {
        let mut breaches = Breaches::none();
        let told = self.grown_memory().filter(|_| self.is_warm()).into_iter();
        let descriptors = self.descriptors.and_then(|slope| slope.told("the server's descriptors"));
        told.chain(descriptors).for_each(|breach| breaches.add(breach));
        breaches
    }

    /// True when the run was so long that memory is held to be flat.
    pub(super) fn is_warm(&self) -> bool {
        self.samples.last().is_some_and(|last| last.at_s >= WARM_AFTER_S)
    }

    fn grown_memory(&self) -> Option<String> {
        self.memory.and_then(|slope| slope.told("the server's anonymous KiB"))
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        let cores = Spread::of(self.samples.iter().map(|sample| sample.generator_cores));
        let busy = cores.and_then(|cores| busy_note("the run", &cores));
        let count = self.samples.len();
        let few = (count < SAMPLES_MIN).then(|| {
            format!("{count} samples are too few to tell whether anything grew: at least {SAMPLES_MIN}, more --time")
        });
        let memory = self.grown_memory().filter(|_| !self.is_warm());
        let memory = memory.map(|grown| format!("{grown}; not held to it within {WARM_AFTER_S} s"));
        let slopes = [("reply p99 µs", self.replies_p99_us), ("on boards p99 µs", self.deliveries_p99_us)];
        let longer = slopes.into_iter().filter_map(|(what, slope)| slope?.told(what));
        busy.into_iter().chain(few).chain(memory).chain(longer).collect()
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
