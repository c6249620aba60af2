//! The parameters of the `policy.*` methods.

use serde_json::Value;

use super::dry_run::DaysWanted;
use super::error::WireError;
use super::params::{Fields, FromField, Text, one_of};
use crate::domain::id::{Op, PolicyVersion};

/// The most versions of one page.
pub const VERSIONS_MAX: u64 = 100;
/// How many versions a page has that asks for no number.
const VERSIONS: u64 = 20;

/// A call of one of the `policy.*` methods.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyCall {
    /// The version in force.
    InForce,
    /// One version.
    Version(PolicyVersion),
    /// The draft.
    Draft,
    /// The versions, the last one first.
    Versions {
        /// Only versions before this one.
        before: Option<PolicyVersion>,
        /// How many at most.
        limit: u32,
    },
    /// Puts a draft there.
    PutDraft {
        /// Its types, not read yet: that takes the policy in force.
        types: Vec<Value>,
        /// What they owe, not read yet either; none where that is as it is in force.
        entitlement_rules: Option<Vec<Value>>,
        /// The version that it was written on top of.
        base_version: PolicyVersion,
        /// What is written to it.
        note: Option<String>,
        /// The same again is the same effect.
        op: Option<Op>,
    },
    /// Holds the draft against recorded days.
    DryRun(DaysWanted),
    /// Publishes the draft.
    Publish {
        /// When.
        at: PublishAt,
        /// True when running pauses get the longer limits.
        loosen_only: bool,
        /// Why.
        reason: String,
        /// The same again is the same effect.
        op: Option<Op>,
    },
    /// Withdraws what was to take effect later.
    Withdraw {
        /// Why.
        reason: Option<String>,
        /// The same again is the same effect.
        op: Option<Op>,
    },
}

/// When a draft takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishAt {
    /// At once.
    Now,
    /// When the tenant's next business day begins.
    NextBusinessDay,
}

impl PublishAt {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            PublishAt::Now => "now",
            PublishAt::NextBusinessDay => "next_business_day",
        }
    }
}

/// The words of `at`; `never` is no time.
struct At(Option<PublishAt>);

impl FromField for At {
    fn from_field(value: Value) -> Result<At, String> {
        let words =
            [("now", Some(PublishAt::Now)), ("next_business_day", Some(PublishAt::NextBusinessDay)), ("never", None)];
        one_of(value, &words).map(At)
    }
}

impl PolicyCall {
    pub(super) fn get(fields: &mut Fields) -> Result<PolicyCall, WireError> {
        let version: Option<u64> = fields.optional("version")?;
        let draft = fields.optional("draft")?.unwrap_or(false);
        match version {
            Some(_) if draft => Err(fields.invalid("version", "does not go with draft: true; leave one of them out")),
            Some(version) => Ok(PolicyCall::Version(PolicyVersion(version))),
            None if draft => Ok(PolicyCall::Draft),
            None => Ok(PolicyCall::InForce),
        }
    }

    pub(super) fn versions(fields: &mut Fields) -> Result<PolicyCall, WireError> {
        let limit = fields.optional("limit")?.unwrap_or(VERSIONS);
        let limit = u32::try_from(limit).ok().filter(|limit| (1..=VERSIONS_MAX).contains(&u64::from(*limit)));
        let limit = limit.ok_or_else(|| fields.invalid("limit", &format!("must be from 1 to {VERSIONS_MAX}")))?;
        let before = match fields.optional::<String>("cursor")? {
            Some(cursor) => {
                // A number has more forms than the one that is handed out.
                let version = cursor.parse().map(PolicyVersion).ok().filter(|version| version.to_string() == cursor);
                Some(version.ok_or_else(|| fields.invalid("cursor", "is none that was handed out"))?)
            }
            None => None,
        };
        Ok(PolicyCall::Versions { before, limit })
    }

    pub(super) fn put_draft(fields: &mut Fields) -> Result<PolicyCall, WireError> {
        Ok(PolicyCall::PutDraft {
            types: fields.required("types")?,
            entitlement_rules: fields.optional("entitlement_rules")?,
            base_version: PolicyVersion(fields.required("base_version")?),
            note: fields.optional::<Text>("note")?.map(|note| note.0),
            op: fields.optional("op")?,
        })
    }

    pub(super) fn dry_run(fields: &mut Fields) -> Result<PolicyCall, WireError> {
        DaysWanted::read(fields).map(PolicyCall::DryRun)
    }

    pub(super) fn publish(fields: &mut Fields) -> Result<PolicyCall, WireError> {
        let At(at) = fields.optional("at")?.unwrap_or(At(Some(PublishAt::NextBusinessDay)));
        let loosen_only: Option<bool> = fields.optional("loosen_only")?;
        let op = fields.optional("op")?;
        match at {
            Some(at) => {
                let Text(reason) = fields.required("reason")?;
                Ok(PolicyCall::Publish { at, loosen_only: loosen_only.unwrap_or(false), reason, op })
            }
            None if loosen_only.is_some() => Err(fields.invalid("loosen_only", "belongs to what is published")),
            None => Ok(PolicyCall::Withdraw { reason: fields.optional::<Text>("reason")?.map(|reason| reason.0), op }),
        }
    }
}
