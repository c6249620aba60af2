//! An op, and what it led to, as columns of the journal.

use std::fmt;
use std::str::FromStr;

use super::event::pause_id;
use super::{ActorForm, FormError, PersonId, Refer, Resolve, WideId, not, parse};
use crate::domain::command::Outcome;
use crate::domain::id::Op;
use crate::domain::op::OpRecord;
use crate::domain::time::Timestamp;

/// The journal's columns of an op.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OpColumns {
    pub(crate) op: WideId,
    pub(crate) by_kind: String,
    pub(crate) by: Option<PersonId>,
    pub(crate) fingerprint: i64,
    pub(crate) at: i64,
    pub(crate) outcome: String,
}

impl OpColumns {
    pub(crate) fn of(record: &OpRecord, refer: &mut dyn Refer) -> OpColumns {
        let (by_kind, by) = ActorForm::of(&record.by, refer).columns();
        OpColumns {
            op: WideId::of(record.op.0),
            by_kind,
            by,
            fingerprint: record.fingerprint.cast_signed(),
            at: record.at.0,
            outcome: OutcomeWord(record.outcome).to_string(),
        }
    }

    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<OpRecord, FormError> {
        Ok(OpRecord {
            op: Op(self.op.number()),
            by: ActorForm::from_columns(&self.by_kind, self.by)?.into_domain(resolve)?,
            fingerprint: self.fingerprint.cast_unsigned(),
            at: Timestamp(self.at),
            outcome: self.outcome.parse::<OutcomeWord>()?.0,
        })
    }
}

/// An outcome as a word: `done`, `queued`, `requested`, `deferred`, `started:<pause>`, `asked:<request>`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct OutcomeWord(Outcome);

impl fmt::Display for OutcomeWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Outcome::Done => f.write_str("done"),
            Outcome::Queued => f.write_str("queued"),
            Outcome::Requested => f.write_str("requested"),
            Outcome::Deferred => f.write_str("deferred"),
            Outcome::Started { pause } => write!(f, "started:{pause}"),
            Outcome::Asked { request } => write!(f, "asked:{request}"),
        }
    }
}

impl FromStr for OutcomeWord {
    type Err = FormError;

    fn from_str(word: &str) -> Result<OutcomeWord, FormError> {
        if let Some(request) = word.strip_prefix("asked:") {
            return Ok(OutcomeWord(Outcome::Asked { request: parse("a request's id", request)? }));
        }
        match (word, word.strip_prefix("started:")) {
            ("done", _) => Ok(OutcomeWord(Outcome::Done)),
            ("queued", _) => Ok(OutcomeWord(Outcome::Queued)),
            ("requested", _) => Ok(OutcomeWord(Outcome::Requested)),
            ("deferred", _) => Ok(OutcomeWord(Outcome::Deferred)),
            (_, Some(pause)) => Ok(OutcomeWord(Outcome::Started { pause: pause_id(pause)? })),
            (_, None) => Err(not("an outcome", word.to_owned(), "unknown")),
        }
    }
}
