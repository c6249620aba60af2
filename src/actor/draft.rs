//! A batch in the making: what will be true if it is committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::desk::TenantFacts;
use super::shard::NotAppended;
use crate::domain::access::Credential;
use crate::domain::directory::Directory;
use crate::domain::id::{AgentId, TenantId, TenantSeq};
use crate::domain::slots::Standing;
use crate::ports::{Entry, FeedRow, StateChange};

/// Tells whoever asked for an append what became of it.
pub(super) type Answer = oneshot::Sender<Result<(), NotAppended>>;

/// A batch of a shard in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) entries: Vec<Entry>,
    pub(super) states: Vec<StateChange>,
    pub(super) waiting: Vec<Answer>,
    /// Those who found their slot taken: they are told only when what took it is durable, so that they decide on it.
    pub(super) overtaken: Vec<Answer>,
    pub(super) lines: BTreeMap<TenantId, DraftLine>,
}

/// What the batch makes of one tenant.
pub(super) struct DraftLine {
    pub(super) head: TenantSeq,
    pub(super) incarnation: u64,
    pub(super) facts: Arc<TenantFacts>,
    pub(super) directory: Option<Arc<Directory>>,
    pub(super) rows: Vec<FeedRow>,
    /// How agents stood before, in the order of their changes: what is not written is taken back.
    pub(super) stood: Vec<(AgentId, Standing)>,
    /// Who may come in first, of a tenant that comes with this batch.
    pub(super) founded: Option<Arc<[Credential]>>,
}

impl Draft {
    /// True when there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All who wait for an answer.
    pub(super) fn everybody(self) -> Vec<Answer> {
        self.waiting.into_iter().chain(self.overtaken).collect()
    }
}

/// Tells all the same.
pub(super) fn tell(answers: Vec<Answer>, result: Result<(), NotAppended>) {
    for answer in answers {
        let _ = answer.send(result);
    }
}
