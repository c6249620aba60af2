//! The index of agents: id → live actor, or the state at rest, with when it is to be woken. Only cloned handles
//! leave it; no guard of the map is ever held over an await.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::sync::Notify;

use super::handle::{AgentHandle, Message};
use crate::domain::agent::Agent;
use crate::domain::id::{AgentId, TenantId};
use crate::domain::op::OpMemory;
use crate::domain::time::Timestamp;
use crate::ports::AgentRecord;
use crate::sync::{AtomicBool, AtomicU64, DashMap, Entry, Mutex, MutexGuard, Receiver};

/// Whose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) tenant: TenantId,
    pub(super) agent: AgentId,
}

/// An agent who has an actor, or whose state rests. Who never had an event has no slot.
#[derive(Debug)]
enum Slot {
    Live(AgentHandle),
    AtRest(Rest),
}

/// A state without an actor.
#[derive(Debug)]
struct Rest {
    record: Arc<AgentRecord>,
    /// When it is to be woken: what the state answered when it was last asked for its next deadline.
    wake_at: Option<Timestamp>,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Registry {
    slots: DashMap<Key, Slot>,
    /// Who at rest is to be woken when, the earliest first; at most one entry a slot. Locked after the
    /// slot that it is about, never before.
    wakes: Mutex<BTreeSet<(Timestamp, Key)>>,
    /// The earliest of them has changed.
    earliest_changed: Notify,
    generations: AtomicU64,
    /// No actor may come to be any more.
    closed: AtomicBool,
}

/// What a new actor begins with.
pub(super) struct Birth {
    pub(super) generation: u64,
    pub(super) record: Arc<AgentRecord>,
    pub(super) mailbox: Receiver<Box<Message>>,
}

impl Registry {
    /// Puts a state at rest, at boot.
    pub(super) fn rest(&self, key: Key, record: Arc<AgentRecord>, wake_at: Option<Timestamp>) {
        // Nobody else is there yet, so that the two need not be one step.
        self.plan(&key, None, wake_at);
        self.slots.insert(key, Slot::AtRest(Rest { record, wake_at }));
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
                Slot::AtRest(Rest { record, wake_at }) => {
                    let (handle, birth) = self.birth(Arc::clone(record));
                    self.plan(key, *wake_at, None);
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
        self.wakes().clear();
    }

    fn birth(&self, record: Arc<AgentRecord>) -> (AgentHandle, Birth) {
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let (handle, mailbox) = AgentHandle::new(generation);
        (handle, Birth { generation, record, mailbox })
    }

    /// The actor of this generation goes to rest, if it is still the one. `wake_at` is asked with the
    /// slot held: what is put in force before that is seen, and what is put in force after it finds
    /// the agent at rest ([`Registry::ask_anew`]).
    pub(super) fn passivate(
        &self,
        key: &Key,
        generation: u64,
        record: Arc<AgentRecord>,
        wake_at: impl FnOnce() -> Option<Timestamp>,
    ) {
        if let Entry::Occupied(mut slot) = self.slots.entry(key.clone())
            && matches!(slot.get(), Slot::Live(handle) if handle.generation == generation)
        {
            let wake_at = wake_at();
            self.plan(key, None, wake_at);
            slot.insert(Slot::AtRest(Rest { record, wake_at }));
        }
    }

    /// The actor of this generation lives on with a fresh mailbox, if it is still the one.
    pub(super) fn renew(&self, key: &Key, generation: u64) -> Option<(u64, Receiver<Box<Message>>)> {
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
        self.wakes().retain(|(_, key)| key.tenant != *tenant);
    }

    /// Asks every state of a tenant that rests when it is to be woken: something was put in force that
    /// may change the answer.
    pub(super) fn ask_anew(&self, tenant: &TenantId, wake_at: impl Fn(&AgentId, &Agent) -> Option<Timestamp>) {
        self.slots.retain(|key, slot| {
            if let Slot::AtRest(rest) = slot
                && key.tenant == *tenant
            {
                let answer = wake_at(&key.agent, &rest.record.agent);
                self.plan(key, rest.wake_at, answer);
                rest.wake_at = answer;
            }
            true
        });
    }

    /// Has every actor of a tenant look at what is due, in the order of their agents. One whose
    /// mailbox is full looks anyway.
    pub(super) fn have_look(&self, tenant: &TenantId) {
        for (_, handle) in self.live_of(tenant) {
            let _ = handle.offer(Box::new(Message::Look));
        }
    }

    /// All actors of a tenant, in the order of their agents.
    pub(super) fn live_of(&self, tenant: &TenantId) -> Vec<(AgentId, AgentHandle)> {
        let of_tenant = |key: &Key, slot: &Slot| match slot {
            Slot::Live(handle) if key.tenant == *tenant => Some((key.agent.clone(), handle.clone())),
            Slot::Live(_) | Slot::AtRest(_) => None,
        };
        let mut live: Vec<_> = self.slots.iter().filter_map(|slot| of_tenant(slot.key(), slot.value())).collect();
        // The map's order is another one in every process.
        live.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        live
    }

    /// Whoever has an actor, and those at rest of whom that is so, in the order of the agents.
    pub(super) fn live_or(&self, tenant: &TenantId, is_so: impl Fn(&Agent) -> bool) -> Vec<AgentId> {
        let is_meant = |key: &Key, slot: &Slot| match slot {
            Slot::Live(_) => key.tenant == *tenant,
            Slot::AtRest(rest) => key.tenant == *tenant && is_so(&rest.record.agent),
        };
        let meant = self.slots.iter().filter(|slot| is_meant(slot.key(), slot.value()));
        let mut agents: Vec<AgentId> = meant.map(|slot| slot.key().agent.clone()).collect();
        agents.sort_unstable();
        agents
    }

    /// Has one agent's actor look at what is due, if it has one. One whose mailbox is full looks anyway.
    pub(super) fn have_one_look(&self, key: &Key) {
        let handle = self.slots.get(key).and_then(|slot| match &*slot {
            Slot::Live(handle) => Some(handle.clone()),
            Slot::AtRest(_) => None,
        });
        if let Some(handle) = handle {
            let _ = handle.offer(Box::new(Message::Look));
        }
    }

    /// When the next agent at rest is to be woken.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.wakes().first().map(|(at, _)| *at)
    }

    /// Completes when [`Registry::next_wake`] may have another answer than when it was last asked.
    pub(super) async fn earliest_changed(&self) {
        self.earliest_changed.notified().await;
    }

    /// Takes the agent out who is to be woken first, if that is by `now`. Whoever takes it wakes it.
    pub(super) fn take_due(&self, now: Timestamp) -> Option<Key> {
        let mut wakes = self.wakes();
        let first = wakes.first().filter(|(at, _)| *at <= now)?.clone();
        wakes.remove(&first);
        Some(first.1)
    }

    /// Moves an agent's entry; called with its slot held.
    fn plan(&self, key: &Key, before: Option<Timestamp>, after: Option<Timestamp>) {
        if before == after {
            return;
        }
        let mut wakes = self.wakes();
        let earliest = wakes.first().map(|(at, _)| *at);
        if let Some(before) = before {
            wakes.remove(&(before, key.clone()));
        }
        if let Some(after) = after {
            wakes.insert((after, key.clone()));
        }
        // A later first is met by looking in vain once.
        let is_earlier = after.is_some_and(|after| earliest.is_none_or(|earliest| after < earliest));
        drop(wakes);
        if is_earlier {
            self.earliest_changed.notify_one();
        }
    }

    fn wakes(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, Key)>> {
        // The set is whole whoever panicked beside it: each step is one insertion or removal.
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many agents have a slot, and how many of these an actor.
    pub(super) fn counts(&self) -> (usize, usize) {
        self.slots
            .iter()
            .fold((0, 0), |(all, live), slot| (all + 1, live + usize::from(matches!(slot.value(), Slot::Live(_)))))
    }

    /// How many at rest are to be woken.
    pub(super) fn planned(&self) -> usize {
        self.wakes().len()
    }

    /// How many agents have an actor.
    pub(super) fn live(&self) -> usize {
        self.counts().1
    }
}
