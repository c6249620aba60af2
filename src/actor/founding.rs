//! A tenant that comes while the core runs: what it begins with, appended as one, and how its shard takes it up once that is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::core::TenantSeed;
use super::desk::{Desk, TenantFacts};
use super::draft::{Draft, DraftLine};
use super::recent_people::RecentPeople;
use super::shard::{NotAppended, Sequencer, TenantLine};
use crate::domain::access::{Credential, CredentialChange};
use crate::domain::directory::Directory;
use crate::domain::event::TenantEvent;
use crate::domain::id::{TenantId, TenantSeq};
use crate::domain::policy::Policy;
use crate::domain::slots::Slots;
use crate::ports::{Entry, EntryBody, TenantDefinition};

/// What a tenant begins with: it is there with all of it, or not at all.
#[derive(Debug)]
pub struct Founding {
    /// Its first directory.
    pub directory: Arc<Directory>,
    /// How it came.
    pub founded: TenantEvent,
    /// Who may come in first, and how they were let in; none where nobody is.
    pub invited: Option<(TenantEvent, Arc<[Credential]>)>,
}

impl Founding {
    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.directory.tenant.id
    }

    /// Its entries, numbered from 1.
    fn entries(&self) -> Vec<Entry> {
        let begun = (&self.founded, TenantDefinition::Directory(Arc::clone(&self.directory)));
        let invited = self.invited.as_ref().map(|(event, credentials)| {
            let changes = credentials.iter().cloned().map(CredentialChange::Put).collect();
            (event, TenantDefinition::Credentials(changes))
        });
        let mut seq = TenantSeq(0);
        let entry = |(event, definition): (&TenantEvent, TenantDefinition)| {
            seq = seq.next();
            let body = EntryBody::Tenant { event: Arc::new(event.clone()), definition: Some(definition) };
            Entry { tenant: self.tenant().clone(), seq, body }
        };
        [begun].into_iter().chain(invited).map(entry).collect()
    }

    /// What is in force of it: it has published no policy yet.
    fn facts(&self) -> TenantFacts {
        TenantFacts {
            directory: Arc::clone(&self.directory),
            policy: Arc::new(Policy::empty()),
            plans: Arc::default(),
            slots: Arc::default(),
            people: RecentPeople::default(),
        }
    }

    fn credentials(&self) -> Arc<[Credential]> {
        self.invited.as_ref().map(|(_, credentials)| Arc::clone(credentials)).unwrap_or_default()
    }
}

/// Who is told of a tenant that comes while the core runs, in the two steps between that it is durable and that whoever
/// made it is answered. Neither may wait.
pub trait Welcome: Send + Sync {
    /// It is durable, and nobody can reach it yet.
    fn prepare(&self, seed: TenantSeed);

    /// It can be reached.
    fn opened(&self, tenant: &TenantId);
}

/// A tenant to be made.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) founding: Founding,
    pub(super) reply: oneshot::Sender<Result<(), NotAppended>>,
}

impl Sequencer {
    /// Of two who make the same tenant the second is overtaken.
    pub(super) fn draft_founding(&self, draft: &mut Draft, Found { founding, reply }: Found) {
        let tenant = founding.tenant();
        if self.tenants.contains_key(tenant) || draft.lines.contains_key(tenant) {
            draft.overtaken.push(reply);
            return;
        }
        let entries = founding.entries();
        let line = DraftLine {
            head: entries.last().map_or(TenantSeq(0), |last| last.seq),
            incarnation: 0,
            facts: Arc::new(founding.facts()),
            directory: None,
            rows: Vec::new(),
            stood: Vec::new(),
            founded: Some(founding.credentials()),
        };
        draft.lines.insert(tenant.clone(), line);
        draft.entries.extend(entries);
        draft.waiting.push(reply);
    }

    /// Takes up a tenant that is durable and was not served until here. Nothing can have happened to its agents.
    pub(super) fn open_tenant(&mut self, facts: &TenantFacts, head: TenantSeq, credentials: Arc<[Credential]>) {
        let tenant = facts.directory.tenant.id.clone();
        let slots = Slots::new(BTreeMap::new(), &facts.policy, &facts.directory);
        let facts = TenantFacts { slots: Arc::clone(slots.counts()), ..facts.clone() };
        let shard = self.head.shard;
        let directory = Arc::clone(&facts.directory);
        let seed = TenantSeed { shard, head, directory, credentials, rows: Vec::new(), is_behind: false };
        let desk = Arc::new(Desk::new(tenant.clone(), shard, facts, head, BTreeSet::new()));
        self.tenants.insert(tenant, TenantLine { desk: Arc::clone(&desk), head, slots });
        self.lines.open(desk, self.handle.clone(), seed);
    }
}
