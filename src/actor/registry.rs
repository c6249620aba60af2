//! The index of agents: id → live actor, or the state at rest. Only cloned handles leave it; no
//! guard of the map is ever held over an await.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::handle::{AgentHandle, Message};
use crate::domain::agent::Agent;
use crate::domain::id::{AgentId, TenantId};
use crate::domain::op::OpMemory;
use crate::ports::AgentRecord;
use crate::sync::{AtomicBool, AtomicU64, DashMap, Entry};

/// Whose.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) tenant: TenantId,
    pub(super) agent: AgentId,
}

/// An agent who has an actor, or whose state rests. Who never had an event has no slot.
#[derive(Debug)]
enum Slot {
    Live(AgentHandle),
    AtRest(Arc<AgentRecord>),
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Registry {
    slots: DashMap<Key, Slot>,
    generations: AtomicU64,
    /// No actor may come to be any more.
    closed: AtomicBool,
}

/// What a new actor begins with.
pub(super) struct Birth {
    pub(super) generation: u64,
    pub(super) record: Arc<AgentRecord>,
    pub(super) mailbox: mpsc::Receiver<Box<Message>>,
}

impl Registry {
    /// Puts a state at rest, at boot.
    pub(super) fn rest(&self, key: Key, record: Arc<AgentRecord>) {
        self.slots.insert(key, Slot::AtRest(record));
    }

    /// The agent's handle; where no actor is live, `spawn` is called to start one. None once the
    /// registry is closed.
    pub(super) fn activate(&self, key: &Key, spawn: impl FnOnce(Birth)) -> Option<AgentHandle> {
        if let Some(slot) = self.slots.get(key)
            && let Slot::Live(handle) = &*slot
        {
            return Some(handle.clone());
        }
        let entry = self.slots.entry(key.clone());
        // With the slot held: whoever closes either is seen here, or finds what is put in.
        if self.closed.load(Ordering::SeqCst) {
            return None;
        }
        Some(match entry {
            Entry::Occupied(mut slot) => match slot.get() {
                Slot::Live(handle) => handle.clone(),
                Slot::AtRest(record) => {
                    let (handle, birth) = self.birth(Arc::clone(record));
                    slot.insert(Slot::Live(handle.clone()));
                    spawn(birth);
                    handle
                }
            },
            Entry::Vacant(slot) => {
                let record = AgentRecord { agent: Agent::unseen(key.agent.clone()), ops: OpMemory::default() };
                let (handle, birth) = self.birth(Arc::new(record));
                slot.insert(Slot::Live(handle.clone()));
                spawn(birth);
                handle
            }
        })
    }

    /// Forgets all agents, for good: their actors end when their mailboxes close.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.slots.retain(|_, _| false);
    }

    fn birth(&self, record: Arc<AgentRecord>) -> (AgentHandle, Birth) {
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let (handle, mailbox) = AgentHandle::new(generation);
        (handle, Birth { generation, record, mailbox })
    }

    /// The actor of this generation goes to rest, if it is still the one.
    pub(super) fn passivate(&self, key: &Key, generation: u64, record: Arc<AgentRecord>) {
        if let Entry::Occupied(mut slot) = self.slots.entry(key.clone())
            && matches!(slot.get(), Slot::Live(handle) if handle.generation == generation)
        {
            slot.insert(Slot::AtRest(record));
        }
    }

    /// The actor of this generation lives on with a fresh mailbox, if it is still the one.
    pub(super) fn renew(&self, key: &Key, generation: u64) -> Option<(u64, mpsc::Receiver<Box<Message>>)> {
        let Entry::Occupied(mut slot) = self.slots.entry(key.clone()) else { return None };
        if !matches!(slot.get(), Slot::Live(handle) if handle.generation == generation) {
            return None;
        }
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let (handle, mailbox) = AgentHandle::new(generation);
        slot.insert(Slot::Live(handle));
        Some((generation, mailbox))
    }

    /// Forgets all agents of a tenant; their actors end when their mailboxes close.
    pub(super) fn discard(&self, tenant: &TenantId) {
        self.slots.retain(|key, _| key.tenant != *tenant);
    }

    /// Has every actor of a tenant look at what is due, in the order of their agents. One whose
    /// mailbox is full looks anyway.
    pub(super) fn have_look(&self, tenant: &TenantId) {
        let of_tenant = |key: &Key, slot: &Slot| match slot {
            Slot::Live(handle) if key.tenant == *tenant => Some((key.agent.clone(), handle.clone())),
            Slot::Live(_) | Slot::AtRest(_) => None,
        };
        let mut live: Vec<_> = self.slots.iter().filter_map(|slot| of_tenant(slot.key(), slot.value())).collect();
        // The map's order is another one in every process.
        live.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (_, handle) in live {
            let _ = handle.offer(Box::new(Message::Look));
        }
    }

    /// How many agents have an actor.
    pub(super) fn live(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot.value(), Slot::Live(_))).count()
    }
}
