//! What was seen while a seed ran, from outside: the journal as it became durable, what clients were
//! answered and shown, who had a socket, when the server ran, when the disk was in trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use intervalo::domain::command::{Actor, Outcome};
use intervalo::domain::directory::Directory;
use intervalo::domain::event::{AgentEvent, AgentEventBody, TenantEvent};
use intervalo::domain::id::{AgentId, Op, PauseId};
use intervalo::domain::presence::AgentView;
use intervalo::domain::time::Timestamp;
use intervalo::ports::{Batch, Entry, EntryBody, TenantDefinition};

use super::model::{Broken, Line};

/// All of it.
#[derive(Default)]
pub(crate) struct Evidence {
    trace: Trace,
    /// Those of the boards: whom of several boards on one view tokio's watch wakes first is its own secret.
    boards: BTreeMap<u64, Trace>,
    pub(crate) counts: Counts,
    /// The journal, in order, each entry with the time from which it was durable.
    pub(crate) durable: Vec<(Entry, Timestamp)>,
    /// The number of each agent's last durable event.
    agents: BTreeMap<AgentId, u64>,
    pub(crate) acks: Vec<Ack>,
    /// How much was durable when an agent was first shown by each run of the server, in a reply or a row.
    pub(crate) first_shown: BTreeMap<(usize, AgentId), u64>,
    /// The least number that each run showed an agent's row at.
    pub(crate) first_row: BTreeMap<(usize, AgentId), u64>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) lives: Vec<Life>,
    /// When the disk did not answer as it should; late is excused for as long.
    pub(crate) trouble: Vec<(Timestamp, Timestamp)>,
    pub(crate) sessions: Vec<Session>,
    /// The directories by version, as they were sent.
    pub(crate) directories: BTreeMap<u64, Arc<Directory>>,
    /// What was to be put in force by the tenant's events, by their numbers, each time that it was handed to the disk.
    handed_over: BTreeMap<u64, Vec<(Arc<TenantEvent>, TenantDefinition)>>,
    /// What of it is durable.
    definitions: BTreeMap<u64, TenantDefinition>,
    /// The pauses of each agent, in the order of their starts.
    pauses: BTreeMap<AgentId, Vec<KnownPause>>,
    /// What each board of the last run showed last.
    pub(crate) standing: BTreeMap<u64, Frame>,
    /// The boards that were told last that the truth is out of reach.
    pub(crate) told_stale: BTreeSet<u64>,
    /// Who made a last change that the bus lost and nothing followed.
    pub(crate) silent_change: Option<AgentId>,
    /// The disk failed the last append.
    pub(crate) append_failed: bool,
    /// What was seen to be broken on the spot.
    pub(crate) broken: Vec<Broken>,
}

/// How much happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Commands and questions that were answered, whatever the answer.
    pub(crate) answers: u64,
    /// Events that became durable.
    pub(crate) entries: u64,
    /// Messages given to the bus.
    pub(crate) messages: u64,
    /// Frames that boards applied.
    pub(crate) frames: u64,
    /// Notices that agents got.
    pub(crate) notices: u64,
    /// Sockets that came or went.
    pub(crate) sockets: u64,
    /// Faults of the disk.
    pub(crate) faults: u64,
    /// Ends of the server, by a kill or a power cut.
    pub(crate) crashes: u64,
}

impl Counts {
    /// All events of the simulation.
    pub(crate) fn all(&self) -> u64 {
        self.answers
            + self.entries
            + self.messages
            + self.frames
            + self.notices
            + self.sockets
            + self.faults
            + self.crashes
    }

    pub(crate) fn add(&mut self, other: &Counts) {
        self.answers += other.answers;
        self.entries += other.entries;
        self.messages += other.messages;
        self.frames += other.frames;
        self.notices += other.notices;
        self.sockets += other.sockets;
        self.faults += other.faults;
        self.crashes += other.crashes;
    }
}

/// A command that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Ack {
    pub(crate) agent: AgentId,
    pub(crate) by: Actor,
    pub(crate) op: Option<Op>,
    pub(crate) outcome: Outcome,
    pub(crate) own: Arc<AgentView>,
}

/// A pause that the journal tells of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownPause {
    pub(crate) id: PauseId,
    pub(crate) started_at: Timestamp,
    /// As it was recorded first.
    pub(crate) ended_at: Option<Timestamp>,
}

/// One row of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) version: u64,
    pub(crate) presence: String,
    pub(crate) since: Timestamp,
    pub(crate) line: Line,
    pub(crate) pause: Option<RowPause>,
}

/// The pause of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowPause {
    pub(crate) id: String,
    pub(crate) pause_type: String,
    pub(crate) started_at: Timestamp,
    pub(crate) limit_at: Option<Timestamp>,
    pub(crate) overrun: bool,
}

/// All that a board showed after a frame.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) to: u64,
    pub(crate) teams: Vec<u64>,
    /// True for what it began with.
    pub(crate) first: bool,
    pub(crate) rows: BTreeMap<String, Arc<Row>>,
}

/// One run of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) from: Timestamp,
    /// When it began to serve, and the tenant's head then.
    pub(crate) opened: Option<(Timestamp, u64)>,
    pub(crate) until: Timestamp,
}

/// A socket, from the first byte of its sign-in to the moment the server was told that it is gone.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) life: usize,
    pub(crate) agent: AgentId,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

/// A number that all that is seen goes into, in order (FNV-1a, 64 bit, Fowler, Noll, Vo).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace(u64);

impl Default for Trace {
    fn default() -> Trace {
        Trace(0xcbf2_9ce4_8422_2325)
    }
}

impl fmt::Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

impl Evidence {
    /// Takes note of something that was seen.
    pub(crate) fn note(&mut self, seen: fmt::Arguments<'_>) {
        fmt::Write::write_fmt(&mut self.trace, seen).expect("a trace takes everything");
    }

    /// Takes note of something that a board was shown.
    pub(crate) fn note_of_board(&mut self, board: u64, seen: fmt::Arguments<'_>) {
        let trace = self.boards.entry(board).or_default();
        fmt::Write::write_fmt(trace, seen).expect("a trace takes everything");
    }

    /// All that was seen, as one number for each who saw it.
    pub(crate) fn traces(&self) -> Vec<Trace> {
        std::iter::once(&self.trace).chain(self.boards.values()).copied().collect()
    }

    /// An entry is durable, as of an instant.
    pub(crate) fn take_entry(&mut self, entry: Entry, at: Timestamp) {
        if let EntryBody::Agent { agent, agent_seq, event } = &entry.body {
            self.agents.insert(agent.clone(), agent_seq.0);
            self.take_pause(agent, event);
        }
        if let EntryBody::Tenant { event, .. } = &entry.body
            && let Some(tries) = self.handed_over.get(&entry.seq.0)
            && let Some((_, definition)) = tries.iter().find(|(of_event, _)| of_event == event)
        {
            self.definitions.insert(entry.seq.0, definition.clone());
        }
        self.counts.entries += 1;
        self.durable.push((entry, at));
    }

    fn take_pause(&mut self, agent: &AgentId, event: &AgentEvent) {
        let known = self.pauses.entry(agent.clone()).or_default();
        if let AgentEventBody::PauseStarted(started) = &event.body {
            known.push(KnownPause { id: started.id, started_at: event.at, ended_at: None });
        }
        if let AgentEventBody::PauseEnded(ended) = &event.body {
            for pause in known.iter_mut().rev().filter(|pause| pause.id == ended.pause) {
                pause.ended_at = Some(event.at);
            }
        }
    }

    /// The pauses of an agent that the journal tells of, in the order of their starts.
    pub(crate) fn pauses_of(&self, agent: &AgentId) -> &[KnownPause] {
        self.pauses.get(agent).map_or(&[], Vec::as_slice)
    }

    /// When a pause ended, as it was recorded first.
    pub(crate) fn first_end_of(&self, pause: PauseId) -> Option<Timestamp> {
        self.pauses.values().flatten().find(|known| known.id == pause)?.ended_at
    }

    /// A batch is handed to the disk, which may or may not take it.
    pub(crate) fn take_definitions(&mut self, batch: &Batch) {
        for entry in &batch.entries {
            if let EntryBody::Tenant { event, definition: Some(definition) } = &entry.body {
                self.handed_over.entry(entry.seq.0).or_default().push((Arc::clone(event), definition.clone()));
            }
        }
    }

    /// What an entry of the journal put in force, where it did.
    pub(crate) fn definition_of(&self, entry: &Entry) -> Option<&TenantDefinition> {
        self.definitions.get(&entry.seq.0)
    }

    /// An agent was shown by a run of the server.
    pub(crate) fn take_shown(&mut self, life: usize, agent: &AgentId) {
        let durable = self.durable.len() as u64;
        self.first_shown.entry((life, agent.clone())).or_insert(durable);
    }

    /// A run of the server showed an agent's row as of a number.
    pub(crate) fn take_row(&mut self, life: usize, agent: &AgentId, to: u64) {
        self.take_shown(life, agent);
        let first = self.first_row.entry((life, agent.clone())).or_insert(to);
        *first = to.min(*first);
    }

    /// The number of an agent's last durable event.
    pub(crate) fn durable_of(&self, agent: &AgentId) -> u64 {
        self.agents.get(agent).copied().unwrap_or(0)
    }

    /// How long the server served between two instants.
    pub(crate) fn uptime(&self, from: Timestamp, to: Timestamp) -> Duration {
        let served = |life: &Life| life.opened.map(|(opened, _)| overlap(from, to, opened, life.until));
        self.lives.iter().filter_map(served).sum()
    }

    /// How long the disk was in trouble between two instants; overlaps count twice, which excuses more.
    pub(crate) fn troubled(&self, from: Timestamp, to: Timestamp) -> Duration {
        self.trouble.iter().map(|(begin, end)| overlap(from, to, *begin, *end)).sum()
    }
}

fn overlap(from: Timestamp, to: Timestamp, begin: Timestamp, end: Timestamp) -> Duration {
    to.min(end).since(from.max(begin))
}
