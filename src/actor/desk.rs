//! A tenant's desk: the directory and policy in force, and the guards that decisions are held to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::overdue::Overdue;
use super::recent_people::RecentPeople;
use crate::domain::directory::Directory;
use crate::domain::id::{AgentId, DirectoryVersion, PolicyVersion, TenantId, TenantSeq};
use crate::domain::policy::Policy;
use crate::domain::policy_plans::PolicyPlans;
use crate::domain::slots::Counts;
use crate::ports::{ShardId, TenantDefinition};
use crate::sync::{ArcSwap, AtomicBool, AtomicU64};

/// The directory and policy in force, of one instant.
#[derive(Debug, Clone)]
pub struct TenantFacts {
    /// Settings, teams, people, channels.
    pub directory: Arc<Directory>,
    /// Pause types.
    pub policy: Arc<Policy>,
    /// What is planned for the policy; no decision looks at it.
    pub plans: Arc<PolicyPlans>,
    /// What is taken of the slots, as far as it is durable.
    pub slots: Arc<Counts>,
    /// Who has changed in the directory last.
    pub people: RecentPeople,
}

impl TenantFacts {
    /// What a decision under these facts is held to.
    pub fn guards(&self) -> Guards {
        Guards { directory: self.directory.version, policy: self.policy.version }
    }

    /// True when a decision about an agent that is held to these guards stands: since it was made, nothing was put in force
    /// that it looked at. Whoever else has changed is nothing to it but for the caps, to which every start is held anyway.
    pub fn hold(&self, guards: Guards, agent: &AgentId) -> bool {
        let is_same = guards.directory == self.directory.version;
        let stands = is_same || self.people.are_others_since(guards.directory, agent);
        guards.policy == self.policy.version && stands
    }

    /// The facts after a definition takes effect.
    #[must_use]
    pub fn with(&self, definition: &TenantDefinition) -> TenantFacts {
        match definition {
            TenantDefinition::Directory(directory) => {
                let (directory, people) = (Arc::clone(directory), RecentPeople::default());
                TenantFacts { directory, people, ..self.clone() }
            }
            TenantDefinition::Person(directory, person) => {
                let people = self.people.with(directory.version, &person.id);
                TenantFacts { directory: Arc::clone(directory), people, ..self.clone() }
            }
            TenantDefinition::Policy(policy) => TenantFacts { policy: Arc::clone(policy), ..self.clone() },
            TenantDefinition::Publication(policy, plans) => {
                TenantFacts { policy: Arc::clone(policy), plans: Arc::clone(plans), ..self.clone() }
            }
            TenantDefinition::Plans(plans) => TenantFacts { plans: Arc::clone(plans), ..self.clone() },
            TenantDefinition::Credentials(_) => self.clone(),
        }
    }

    /// True when a definition follows on these facts: versions have no gap, and whoever was
    /// overtaken looks again.
    pub fn lead_to(&self, definition: &TenantDefinition) -> bool {
        let policy_follows = |policy: &Policy| policy.version == self.policy.version.next();
        let plans_follow = |plans: &PolicyPlans| plans.revision == self.plans.revision + 1;
        match definition {
            TenantDefinition::Directory(directory) | TenantDefinition::Person(directory, _) => {
                directory.version == self.directory.version.next()
            }
            TenantDefinition::Policy(policy) => policy_follows(policy),
            TenantDefinition::Publication(policy, plans) => policy_follows(policy) && plans_follow(plans),
            TenantDefinition::Plans(plans) => plans_follow(plans),
            TenantDefinition::Credentials(_) => true,
        }
    }
}

/// What a decision was made under. The sequencer holds every append to it, in journal order, so
/// that nobody decides under an old policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// The directory version.
    pub directory: DirectoryVersion,
    /// The policy version.
    pub policy: PolicyVersion,
}

/// One tenant's desk. Everybody reads it; only the shard's sequencer changes it.
#[derive(Debug)]
pub struct Desk {
    /// The tenant.
    pub tenant: TenantId,
    /// The shard that the tenant is on.
    pub shard: ShardId,
    facts: ArcSwap<TenantFacts>,
    /// Moves on with the slots and with what is in force.
    moved: watch::Sender<u64>,
    /// How often what is in memory of the tenant was thrown away. An actor of before can append
    /// nothing any more, however late it comes.
    incarnation: AtomicU64,
    /// True while memory is void: nobody is answered from it.
    closed: AtomicBool,
    /// True while the tenant is being closed: nobody comes in any more.
    shut: AtomicBool,
    /// The number of the tenant's last durable event.
    head: AtomicU64,
    /// Who is not to be answered or shown yet.
    pub(super) overdue: Overdue,
}

impl Desk {
    pub(crate) fn new(
        tenant: TenantId,
        shard: ShardId,
        facts: TenantFacts,
        head: TenantSeq,
        overdue: BTreeSet<AgentId>,
    ) -> Desk {
        Desk {
            tenant,
            shard,
            facts: ArcSwap::from_pointee(facts),
            moved: watch::Sender::new(0),
            incarnation: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            shut: AtomicBool::new(false),
            head: AtomicU64::new(head.0),
            overdue: Overdue::new(overdue, head),
        }
    }

    /// The facts in force.
    pub fn facts(&self) -> Arc<TenantFacts> {
        self.facts.load_full()
    }

    /// Tells when something has moved that verdicts of everybody look at: slots, directory or policy.
    pub fn moved(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// The slots as they are by now; answers whether they have moved.
    pub(super) fn put_slots(&self, slots: &Arc<Counts>) -> bool {
        let facts = self.facts();
        let moved = !Arc::ptr_eq(&facts.slots, slots);
        if moved {
            self.put_in_force(TenantFacts { slots: Arc::clone(slots), ..(*facts).clone() });
        }
        moved
    }

    fn has_moved(&self) {
        self.moved.send_modify(|moves| *moves += 1);
    }

    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation.load(Ordering::Acquire)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Memory is void from here on: what was decided on it counts no more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.incarnation.fetch_add(1, Ordering::AcqRel);
    }

    /// Memory is what is durable again.
    pub(crate) fn reopen(&self) {
        self.closed.store(false, Ordering::Release);
    }

    /// True while people are let in: the tenant is neither closed nor being closed.
    pub fn is_served(&self) -> bool {
        !self.shut.load(Ordering::Acquire) && !self.facts().directory.is_closed()
    }

    /// Nobody is let in, until it is said otherwise.
    pub(super) fn shut(&self, is_shut: bool) {
        self.shut.store(is_shut, Ordering::Release);
    }

    /// Called before anybody is told of what became durable.
    pub(super) fn reached(&self, head: TenantSeq) {
        self.head.store(head.0, Ordering::Release);
    }

    /// All that is due for an agent is durable.
    pub(super) fn is_up_to_date(&self, agent: &AgentId) {
        self.overdue.release(agent, || TenantSeq(self.head.load(Ordering::Acquire)));
    }

    pub(crate) fn put_in_force(&self, facts: TenantFacts) {
        self.facts.store(Arc::new(facts));
        self.has_moved();
    }
}
