//! A snapshot of a view: the rows of one boundary, by reference, in parts that are written as boards ask for them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    AGENTS_PER_PART_MAX, Boundary, ENVELOPE_BYTES_MAX, Extras, FRAME_BYTES_MAX, PART_BYTES_MAX, WrittenExtras, write,
};
use crate::domain::id::TenantSeq;

/// Everything that a view showed at one boundary. What it takes of memory is little more than one reference for each
/// row, as long as the rows are those of the table as well.
#[derive(Debug)]
pub struct Snapshot {
    to: TenantSeq,
    cursor: String,
    rows: Vec<Arc<RawValue>>,
    /// Where each part ends among the rows; never none.
    ends: Vec<usize>,
    bytes: usize,
    extras: WrittenExtras,
}

#[derive(Serialize)]
struct Part<'a> {
    kind: &'static str,
    part: usize,
    parts: usize,
    to: u64,
    cursor: &'a str,
    agents: &'a [Arc<RawValue>],
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<&'a RawValue>,
}

impl Snapshot {
    /// The snapshot of these rows. Its parts are the same however often they are written: each at most
    /// [`AGENTS_PER_PART_MAX`] agents, some 64 KiB of them, and [`FRAME_BYTES_MAX`] bytes with all else. Counts and
    /// alerts are in the first.
    pub fn of(end: Boundary<'_>, rows: Vec<Arc<RawValue>>, extras: &Extras<'_>) -> Snapshot {
        let extras = WrittenExtras::of(extras);
        let ends = ends(&rows, extras.bytes());
        let bytes = rows.iter().map(|row| row.get().len()).sum();
        Snapshot { to: end.to, cursor: end.cursor.to_owned(), rows, ends, bytes, extras }
    }

    /// How many parts it has; at least one.
    pub fn parts(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes its rows have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The frame of a part.
    ///
    /// # Panics
    /// When there is no such part.
    pub fn frame(&self, subscription: &str, part: usize) -> String {
        let begin = part.checked_sub(1).map_or(0, |before| self.ends[before]);
        let (counts, alerts, requests) = if part == 0 { self.extras.all() } else { (None, None, None) };
        let result = Part {
            kind: "snapshot",
            part,
            parts: self.parts(),
            to: self.to.0,
            cursor: &self.cursor,
            agents: &self.rows[begin..self.ends[part]],
            counts,
            alerts,
            requests,
        };
        write(subscription, &result)
    }
}

/// Cuts the rows into parts; `reserved` bytes of the first are taken.
fn ends(rows: &[Arc<RawValue>], reserved: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut begin = 0;
    let mut room = PART_BYTES_MAX.min(FRAME_BYTES_MAX - ENVELOPE_BYTES_MAX - reserved);
    for (at, row) in rows.iter().enumerate() {
        let length = row.get().len() + 1;
        // One row alone is a part even if it is too long: that there is such a row is not for a
        // frame to decide.
        if at > begin && (at - begin == AGENTS_PER_PART_MAX || length > room) {
            ends.push(at);
            begin = at;
            room = PART_BYTES_MAX;
        }
        room = room.saturating_sub(length);
    }
    ends.push(rows.len());
    ends
}
