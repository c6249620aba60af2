//! The flags of the scenario.

use clap::Args;

use crate::load::args::{CONNECTIONS_MAX, TargetArgs};

/// The flags of `day`.
#[derive(Debug, Clone, Args)]
pub(in crate::load) struct DayArgs {
    #[command(flatten)]
    pub(in crate::load) target: TargetArgs,
    /// How many agents, all of one team
    #[arg(long, value_name = "N", default_value = "500", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(in crate::load) agents: u64,
    /// How many supervisors, each with a board that comes and goes
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(in crate::load) boards: u64,
    /// How often faster than a real day of 8 hours: 480 is one minute
    #[arg(long, value_name = "N", default_value = "480", value_parser = clap::value_parser!(u32).range(20..=28_800))]
    pub(in crate::load) speed: u32,
    /// Another number is another day; the same number is the same one
    #[arg(long, value_name = "N", default_value = "1")]
    pub(in crate::load) seed: u64,
}
