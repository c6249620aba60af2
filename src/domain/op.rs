//! `op`: what makes a command safe to send again (semantics §9).

use std::collections::VecDeque;
use std::time::Duration;

use super::command::{Actor, Command, Outcome};
use super::id::Op;
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

/// An agent's last ops, newest last. Kept beside the folded state, not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpMemory {
    recent: VecDeque<OpRecord>,
}

impl OpMemory {
    /// Takes up ops as they were stored, oldest first.
    pub fn from_records(records: impl IntoIterator<Item = OpRecord>) -> OpMemory {
        let mut memory = OpMemory::default();
        for record in records {
            memory.remember(record);
        }
        memory
    }

    /// None yet, with room for as many as there may be.
    pub fn with_room() -> OpMemory {
        OpMemory { recent: VecDeque::with_capacity(OPS_AT_HAND_MAX) }
    }

    /// All ops at hand, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &OpRecord> {
        self.recent.iter()
    }

    /// The record of an op of this principal.
    pub fn find(&self, op: Op, by: &Actor) -> Option<&OpRecord> {
        self.recent.iter().rev().find(|record| record.op == op && record.by == *by)
    }

    /// True when an op that is not at hand may still stand in the journal within
    /// [`OP_REMEMBERED_FOR`] of `now`.
    pub fn may_have_forgotten(&self, now: Timestamp) -> bool {
        self.recent.len() == OPS_AT_HAND_MAX
            && self.recent.front().is_some_and(|oldest| now.since(oldest.at) < OP_REMEMBERED_FOR)
    }

    /// Adds an op; the oldest goes when there are more than [`OPS_AT_HAND_MAX`].
    pub fn remember(&mut self, record: OpRecord) {
        if self.recent.len() == OPS_AT_HAND_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }
}

/// A number that tells one command's content from another's: FNV-1a (64 bit, Fowler, Noll, Vo)
/// over the command's debug form and its reason.
pub fn fingerprint(command: &Command, reason: Option<&str>) -> u64 {
    let text = format!("{command:?}|{reason:?}");
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
