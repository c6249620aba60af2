//! Occupancy: the conversations and the wrap-up that integrations report of an agent (semantics §1).
//!
//! [`Reports`] is what is known right now, and lives as long as the actor does; [`Occupancy`] is what of it is on
//! record.

mod reports;

use std::collections::BTreeMap;
use std::time::Duration;

use super::directory::{Directory, Person};
use super::id::{ChannelCode, SourceId};
use super::time::{Timestamp, hours, seconds};

pub use reports::{NotTaken, Report, Reports};

/// How long a report holds where it does not say (semantics §1).
pub const LEASE: Duration = seconds(120);
/// The longest that a report may hold: whoever reports says so again within an hour.
pub const LEASE_MAX: Duration = hours(1);
/// What changes neither presence nor routable nor what waits goes on record at most this often (semantics §1).
pub const RECORDED_EVERY: Duration = seconds(5);
/// How many integrations may report of one agent.
pub const SOURCES_MAX: usize = 8;
/// The most conversations of one channel that a report may name, as many as a channel may have capacity for.
pub const OPEN_MAX: u32 = 1000;

/// The work of an agent as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupancy {
    /// By integration, each once, in the order of their ids; never none.
    pub sources: Box<[SourceWork]>,
    /// True when some of it has to end before a pause begins, as the channels were then.
    pub blocks: bool,
    /// When it was recorded.
    pub at: Timestamp,
    /// Since when the presence holds that comes of it; the epoch before it first came of it.
    pub presence_since: Timestamp,
}

/// What one integration last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceWork {
    /// The integration.
    pub source: SourceId,
    /// False once its report has lapsed: then nobody knows.
    pub known: bool,
    /// What it said.
    pub work: Work,
}

/// Conversations and wrap-up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work {
    /// Open conversations, none of them zero, in the order of the channels' codes.
    pub open: Box<[(ChannelCode, u32)]>,
    /// True during the work after a conversation.
    pub wrap_up: bool,
}

/// What work makes of a presence of `available`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engaged {
    /// Nothing is open.
    Idle,
    /// Conversations are.
    Busy,
    /// The work after one is.
    WrapUp,
}

/// What everybody can tell of an agent's work, from all sources together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Load {
    /// Open conversations by channel.
    pub open: BTreeMap<ChannelCode, u32>,
    /// True during the work after a conversation.
    pub wrap_up: bool,
    /// True when a report has lapsed, so that nobody knows.
    pub unknown: bool,
}

impl Work {
    /// Work of these conversations; channels without one are left out.
    pub fn of(open: &BTreeMap<ChannelCode, u32>, wrap_up: bool) -> Work {
        let open = open.iter().filter(|(_, count)| **count > 0);
        Work { open: open.map(|(channel, count)| (channel.clone(), *count)).collect(), wrap_up }
    }

    fn conversations(&self) -> u64 {
        self.open.iter().map(|(_, count)| u64::from(*count)).sum()
    }
}

impl Load {
    /// All that these sources know together. What nobody knows counts as nothing.
    pub fn of(sources: &[SourceWork]) -> Load {
        let mut load = Load { unknown: sources.iter().any(|source| !source.known), ..Load::default() };
        for source in sources.iter().filter(|source| source.known) {
            load.wrap_up |= source.work.wrap_up;
            for (channel, count) in &source.work.open {
                let open = load.open.entry(channel.clone()).or_default();
                *open = open.saturating_add(*count);
            }
        }
        load
    }

    /// What it makes of a presence of `available`.
    pub fn engaged(&self) -> Engaged {
        match (self.wrap_up, self.open.is_empty()) {
            (true, _) => Engaged::WrapUp,
            (false, false) => Engaged::Busy,
            (false, true) => Engaged::Idle,
        }
    }

    /// True when some of it has to end before a pause begins: the work after a conversation, and conversations of
    /// channels that say so.
    pub fn blocks(&self, directory: &Directory) -> bool {
        let blocks =
            |channel: &ChannelCode| directory.channels.get(channel).is_some_and(|channel| channel.blocks_pause);
        self.wrap_up || self.open.keys().any(blocks)
    }

    /// True when no further conversation of a channel fits in.
    pub fn fills(&self, channel: &ChannelCode, person: &Person, directory: &Directory) -> bool {
        let open = self.open.get(channel).copied().unwrap_or(0);
        directory.capacity_of(person, channel).is_some_and(|capacity| open >= capacity)
    }

    /// True when no further conversation of any channel fits in; never where there are no channels.
    pub fn fills_all(&self, person: &Person, directory: &Directory) -> bool {
        let mut enabled = directory.channels.values().filter(|channel| channel.enabled).peekable();
        enabled.peek().is_some() && enabled.all(|channel| self.fills(&channel.code, person, directory))
    }

    fn full<'d>(&self, person: &Person, directory: &'d Directory) -> Vec<&'d ChannelCode> {
        directory.channels.keys().filter(|code| self.fills(code, person, directory)).collect()
    }

    /// True when nobody can tell two loads apart by presence, by where work may be routed, or by what may begin.
    pub fn is_like(&self, other: &Load, person: &Person, directory: &Directory) -> bool {
        self.engaged() == other.engaged()
            && self.unknown == other.unknown
            && self.full(person, directory) == other.full(person, directory)
    }
}

impl Occupancy {
    /// All of it together.
    pub fn load(&self) -> Load {
        Load::of(&self.sources)
    }

    /// How many conversations the sources know of.
    pub fn conversations(sources: &[SourceWork]) -> u64 {
        sources.iter().filter(|source| source.known).map(|source| source.work.conversations()).sum()
    }

    /// The same on record later, with what it then is.
    pub(super) fn recorded(
        before: Option<&Occupancy>,
        sources: &[SourceWork],
        blocks: bool,
        at: Timestamp,
    ) -> Occupancy {
        let was = before.map_or(Engaged::Idle, |before| before.load().engaged());
        let unmoved = before.map_or(Timestamp(0), |before| before.presence_since);
        let presence_since = if Load::of(sources).engaged() == was { unmoved } else { at };
        Occupancy { sources: sources.into(), blocks, at, presence_since }
    }

    /// The server came up: what was known before is not known any more. Of several starts only the last one counts.
    pub(super) fn forget_after_restart(&mut self, at: Timestamp) {
        self.sources.iter_mut().for_each(|source| source.known = false);
        (self.blocks, self.at, self.presence_since) = (false, at, at);
    }
}
