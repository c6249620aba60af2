//! `op`: what makes a command safe to send again (semantics §9).

use std::time::Duration;

use super::command::{Actor, Command, Outcome};
use super::id::{Op, PauseId};
use super::time::{Timestamp, hours};

/// How long a repeat of an `op` returns the first result (semantics §9).
pub const OP_REMEMBERED_FOR: Duration = hours(24);
/// How many of an agent's last ops are kept at hand; older ones are found in the journal.
pub const OPS_AT_HAND_MAX: usize = 8;

/// A command that was carried out under an `op`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpRecord {
    /// The op, scoped to (`by`, the agent).
    pub op: Op,
    /// Who sent it.
    pub by: Actor,
    /// [`fingerprint`] of the command.
    pub fingerprint: u64,
    /// When it was carried out.
    pub at: Timestamp,
    /// What it led to.
    pub outcome: Outcome,
}

/// An agent's last ops, newest last. Kept beside the folded state, not part of it, and kept small: there are as many
/// as agents, and most are never looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpMemory {
    /// Who sent them, each once.
    senders: Box<[Actor]>,
    recent: Box<[SmallRecord]>,
}

/// An [`OpRecord`] without what it shares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SmallRecord {
    /// In bytes, for numbers of 128 bits would stand on borders of 16.
    op: [u8; 16],
    /// Which of the senders.
    by: u8,
    fingerprint: u64,
    at: Timestamp,
    outcome: SmallOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SmallOutcome {
    Done,
    Deferred,
    Started { pause: [u8; 16] },
}

impl OpMemory {
    /// Takes up ops, oldest first; the oldest go when there are more than [`OPS_AT_HAND_MAX`].
    pub fn from_records(records: impl IntoIterator<Item = OpRecord>) -> OpMemory {
        let records: Vec<OpRecord> = records.into_iter().collect();
        let surplus = records.len().saturating_sub(OPS_AT_HAND_MAX);
        let (mut senders, mut recent) = (Vec::with_capacity(1), Vec::with_capacity(records.len() - surplus));
        for OpRecord { op, by, fingerprint, at, outcome } in records.into_iter().skip(surplus) {
            let place = senders.iter().position(|sender| *sender == by).unwrap_or_else(|| {
                senders.push(by);
                senders.len() - 1
            });
            let by = u8::try_from(place).expect("there are no more senders than ops at hand");
            recent.push(SmallRecord { op: op.0.to_be_bytes(), by, fingerprint, at, outcome: small(outcome) });
        }
        OpMemory { senders: senders.into(), recent: recent.into() }
    }

    /// All ops at hand, oldest first.
    pub fn records(&self) -> impl Iterator<Item = OpRecord> {
        self.recent.iter().filter_map(|record| self.whole(record))
    }

    /// The record of an op of this principal.
    pub fn find(&self, op: Op, by: &Actor) -> Option<OpRecord> {
        let op = op.0.to_be_bytes();
        let mut found = self.recent.iter().rev().filter(|record| record.op == op);
        found.find_map(|record| self.whole(record).filter(|record| record.by == *by))
    }

    /// True when an op that is not at hand may still stand in the journal within
    /// [`OP_REMEMBERED_FOR`] of `now`.
    pub fn may_have_forgotten(&self, now: Timestamp) -> bool {
        self.recent.len() == OPS_AT_HAND_MAX
            && self.recent.first().is_some_and(|oldest| now.since(oldest.at) < OP_REMEMBERED_FOR)
    }

    /// Adds an op; the oldest goes when there are more than [`OPS_AT_HAND_MAX`].
    pub fn remember(&mut self, record: OpRecord) {
        *self = OpMemory::from_records(self.records().chain([record]));
    }

    fn whole(&self, record: &SmallRecord) -> Option<OpRecord> {
        let SmallRecord { op, by, fingerprint, at, outcome } = *record;
        let by = self.senders.get(usize::from(by))?.clone();
        Some(OpRecord { op: Op(u128::from_be_bytes(op)), by, fingerprint, at, outcome: whole(outcome) })
    }
}

fn small(outcome: Outcome) -> SmallOutcome {
    match outcome {
        Outcome::Done => SmallOutcome::Done,
        Outcome::Deferred => SmallOutcome::Deferred,
        Outcome::Started { pause } => SmallOutcome::Started { pause: pause.0.to_be_bytes() },
    }
}

fn whole(outcome: SmallOutcome) -> Outcome {
    match outcome {
        SmallOutcome::Done => Outcome::Done,
        SmallOutcome::Deferred => Outcome::Deferred,
        SmallOutcome::Started { pause } => Outcome::Started { pause: PauseId(u128::from_be_bytes(pause)) },
    }
}

/// A number that tells one command's content from another's: FNV-1a (64 bit, Fowler, Noll, Vo)
/// over the command's debug form and its reason.
pub fn fingerprint(command: &Command, reason: Option<&str>) -> u64 {
    let text = format!("{command:?}|{reason:?}");
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
