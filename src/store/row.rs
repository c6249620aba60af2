//! Rows as they are stored, and the chain that covers them. Shared by all journals, so that their
//! evidence is the same byte for byte.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::stored::{Hash, OpColumns, PauseTypeForm, PersonId, PersonKind, Salt, WideId};

/// One entry of the journal. The fields are the columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JournalRow {
    pub(crate) tenant: String,
    pub(crate) seq: i64,
    pub(crate) shard: i64,
    pub(crate) shard_seq: i64,
    pub(crate) person: Option<PersonId>,
    pub(crate) agent_seq: Option<i64>,
    pub(crate) at: i64,
    pub(crate) due_at: Option<i64>,
    pub(crate) kind: String,
    pub(crate) actor_kind: String,
    pub(crate) actor_person: Option<PersonId>,
    pub(crate) cause: String,
    pub(crate) policy_version: Option<i64>,
    pub(crate) op: Option<WideId>,
    pub(crate) op_by_kind: Option<String>,
    pub(crate) op_by: Option<PersonId>,
    pub(crate) op_fingerprint: Option<i64>,
    pub(crate) op_at: Option<i64>,
    pub(crate) op_outcome: Option<String>,
    pub(crate) form: i64,
    pub(crate) body: String,
    pub(crate) body_hash: Hash,
    pub(crate) hash: Hash,
}

impl JournalRow {
    /// Fills in the op, where there is one.
    pub(crate) fn put_op(&mut self, op: Option<OpColumns>) {
        let Some(op) = op else { return };
        self.op = Some(op.op);
        self.op_by_kind = Some(op.by_kind);
        self.op_by = op.by;
        self.op_fingerprint = Some(op.fingerprint);
        self.op_at = Some(op.at);
        self.op_outcome = Some(op.outcome);
    }

    /// Fills in `body_hash` and `hash`.
    pub(crate) fn seal(&mut self, previous: Hash) {
        self.body_hash = Hash::of(self.body.as_bytes());
        self.hash = self.chained(previous);
    }

    /// SHA-256(previous ‖ header ‖ body_hash).
    pub(crate) fn chained(&self, previous: Hash) -> Hash {
        let mut header = Header(Sha256::new());
        header.0.update(previous.0);
        header.text(&self.tenant);
        header.number(self.seq);
        header.number(self.shard);
        header.number(self.shard_seq);
        header.optional(self.person.as_ref().map(|id| &id.0[..]));
        header.optional_number(self.agent_seq);
        header.number(self.at);
        header.optional_number(self.due_at);
        header.text(&self.kind);
        header.text(&self.actor_kind);
        header.optional(self.actor_person.as_ref().map(|id| &id.0[..]));
        header.text(&self.cause);
        header.optional_number(self.policy_version);
        header.optional(self.op.as_ref().map(|id| &id.0[..]));
        header.optional(self.op_by_kind.as_deref().map(str::as_bytes));
        header.optional(self.op_by.as_ref().map(|id| &id.0[..]));
        header.optional_number(self.op_fingerprint);
        header.optional_number(self.op_at);
        header.optional(self.op_outcome.as_deref().map(str::as_bytes));
        header.number(self.form);
        header.0.update(self.body_hash.0);
        Hash(header.0.finalize().into())
    }
}

/// The fixed header: every column but `body`, `body_hash` and `hash`, in the order of the table,
/// each as a tag (0 absent, 1 number, 2 bytes), then 8 bytes big end first, or a length of 8 bytes
/// and the bytes. No two different rows give the same header.
struct Header(Sha256);

impl Header {
    fn number(&mut self, value: i64) {
        self.0.update([1]);
        self.0.update(value.to_be_bytes());
    }

    fn optional_number(&mut self, value: Option<i64>) {
        match value {
            Some(value) => self.number(value),
            None => self.0.update([0]),
        }
    }

    fn text(&mut self, value: &str) {
        self.optional(Some(value.as_bytes()));
    }

    fn optional(&mut self, value: Option<&[u8]>) {
        match value {
            Some(bytes) => {
                self.0.update([2]);
                self.0.update((bytes.len() as u64).to_be_bytes());
                self.0.update(bytes);
            }
            None => self.0.update([0]),
        }
    }
}

/// A tenant's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TenantRow {
    pub(crate) id: String,
    pub(crate) shard: i64,
}

/// The end of a tenant's chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TenantHeadRow {
    pub(crate) tenant: String,
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
    pub(crate) last_at: i64,
}

/// A shard's new head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShardHeadRow {
    pub(crate) id: i64,
    pub(crate) epoch: i64,
    /// The head that it follows.
    pub(crate) after: i64,
    pub(crate) head: i64,
}

/// A person or program behind an internal id; erasable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PersonRow {
    pub(crate) id: PersonId,
    pub(crate) tenant: String,
    pub(crate) kind: PersonKind,
    pub(crate) host_id: String,
    pub(crate) name: Option<String>,
    pub(crate) salt: Salt,
}

/// A person's name as the directory now has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NameRow {
    pub(crate) id: PersonId,
    pub(crate) name: String,
}

/// A text behind a hash; erasable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TextRow {
    pub(crate) hash: Hash,
    pub(crate) tenant: String,
    pub(crate) person: PersonId,
    pub(crate) salt: Salt,
    pub(crate) text: String,
}

/// An agent's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StateRowForm {
    pub(crate) tenant: String,
    pub(crate) person: PersonId,
    pub(crate) last_seq: i64,
    pub(crate) form: i64,
    pub(crate) body: String,
}

/// A directory version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DirectoryRow {
    pub(crate) tenant: String,
    pub(crate) version: i64,
    pub(crate) seq: i64,
    pub(crate) form: i64,
    /// False where the body is one person, in whom it differs from the version before.
    pub(crate) whole: bool,
    pub(crate) body: String,
}

/// A policy version, with its types in the order of their codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyRow {
    pub(crate) tenant: String,
    pub(crate) version: i64,
    pub(crate) seq: i64,
    pub(crate) form: i64,
    pub(crate) types: Vec<PauseTypeForm>,
}

/// A credential, or that there is none of the id any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CredentialRow {
    pub(crate) tenant: String,
    pub(crate) id: WideId,
    pub(crate) kind: String,
    /// The tenant event that put it there.
    pub(crate) seq: i64,
    pub(crate) form: i64,
    pub(crate) body: String,
}

/// Which credential is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DroppedRow {
    pub(crate) tenant: String,
    pub(crate) id: WideId,
}

/// What is planned for a tenant's policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlansRow {
    pub(crate) tenant: String,
    /// The tenant event that planned it.
    pub(crate) seq: i64,
    pub(crate) form: i64,
    pub(crate) body: String,
}
