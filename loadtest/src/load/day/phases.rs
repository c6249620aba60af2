//! The parts of a day, and what is taken in each.

use std::collections::BTreeMap;

use super::plan::DAY;
use crate::load::latency::Latency;

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    SignIn,
    Morning,
    Lunch,
    Afternoon,
    End,
}

impl Phase {
    /// All of them, in their order.
    pub(super) const ALL: [Phase; 5] = [Phase::SignIn, Phase::Morning, Phase::Lunch, Phase::Afternoon, Phase::End];

    /// Its word in the report.
    pub(super) fn word(self) -> &'static str {
        match self {
            Phase::SignIn => "sign_in",
            Phase::Morning => "morning",
            Phase::Lunch => "lunch",
            Phase::Afternoon => "afternoon",
            Phase::End => "end",
        }
    }

    /// When it ends, in minutes of the day; the last one when everybody has left.
    pub(super) fn until(self) -> Option<f64> {
        match self {
            Phase::SignIn => Some(30.0),
            Phase::Morning => Some(195.0),
            Phase::Lunch => Some(310.0),
            Phase::Afternoon => Some(DAY - 30.0),
            Phase::End => None,
        }
    }
}

/// What was taken in one of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// How long it was, in real seconds.
    pub(super) seconds: f64,
    /// From connecting to being told the own state, those who came back too.
    pub(super) sign_ins: Latency,
    /// From the instants at which commands were to be sent to the replies, refusals among them.
    pub(super) replies: Latency,
    /// Refusals by their codes.
    pub(super) refused: BTreeMap<String, u64>,
    /// From the first sign of a change to each board that was there.
    pub(super) deliveries: Latency,
    /// CPU of the server, in seconds.
    pub(super) cpu_s: Option<f64>,
    /// Cores that the load generator used.
    pub(super) generator_cores: f64,
    /// Connections at the end of it.
    pub(super) connections: usize,
    /// How many connections were lost.
    pub(super) lost: u64,
}
