//! The stored form of an agent's last ops. Every command writes them anew and every start reads everybody's, so they
//! are packed: as objects they were three quarters of a state, and made it spill over its page.
//!
//! Base64 (RFC 4648 §4) of: the number of senders, one byte; each sender, its kind, one byte, and 16 bytes of the
//! internal id unless it is the system; then each op, oldest first: 16 bytes of the op, one byte for the sender's
//! place, 8 bytes of the fingerprint, 8 bytes of the instant, one byte for the outcome, and where a pause began, or an
//! exception was asked for, 16 bytes of its id. Numbers stand big end first.

use std::fmt::{self, Display};
use std::str::FromStr;

use base64::display::Base64Display;
use base64::prelude::{BASE64_STANDARD, Engine};

use super::word::ActorKindForm;
use super::{ActorForm, FormError, PersonId, Refer, Resolve, not};
use crate::domain::command::{Actor, Outcome};
use crate::domain::id::{Op, PauseId, RequestId};
use crate::domain::op::{OPS_AT_HAND_MAX, OpMemory, OpRecord};
use crate::domain::time::Timestamp;

const DONE: u8 = 0;
const DEFERRED: u8 = 1;
const STARTED: u8 = 2;
const QUEUED: u8 = 3;
const REQUESTED: u8 = 4;
const ASKED: u8 = 5;

/// An agent's last ops, packed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OpsForm(Vec<u8>);

impl OpsForm {
    pub(super) fn of(ops: &OpMemory, refer: &mut dyn Refer) -> OpsForm {
        let (mut senders, mut packed) = (Vec::<Actor>::new(), Vec::new());
        for OpRecord { op, by, fingerprint, at, outcome } in ops.records() {
            let place = senders.iter().position(|known| *known == by).unwrap_or(senders.len());
            if place == senders.len() {
                senders.push(by);
            }
            packed.extend(op.0.to_be_bytes());
            packed.push(small(place));
            packed.extend(fingerprint.to_be_bytes());
            packed.extend(at.0.to_be_bytes());
            match outcome {
                Outcome::Done => packed.push(DONE),
                Outcome::Deferred => packed.push(DEFERRED),
                Outcome::Queued => packed.push(QUEUED),
                Outcome::Requested => packed.push(REQUESTED),
                Outcome::Started { pause } => {
                    packed.push(STARTED);
                    packed.extend(pause.0.to_be_bytes());
                }
                Outcome::Asked { request } => {
                    packed.push(ASKED);
                    packed.extend(request.0.to_be_bytes());
                }
            }
        }
        let mut bytes = vec![small(senders.len())];
        for sender in senders {
            let ActorForm { kind, id } = ActorForm::of(&sender, refer);
            bytes.push(number_of(kind));
            bytes.extend(id.into_iter().flat_map(|PersonId(id)| id));
        }
        bytes.extend(packed);
        OpsForm(bytes)
    }

    /// True when there are none: nothing is stored for them.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() <= 1
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<OpMemory, FormError> {
        let mut rest = self.0.as_slice();
        let senders = if rest.is_empty() { 0 } else { one(&mut rest)? };
        let senders: Vec<Actor> = (0..senders).map(|_| sender(&mut rest, resolve)).collect::<Result<_, _>>()?;
        let mut ops = Vec::with_capacity(OPS_AT_HAND_MAX);
        while !rest.is_empty() {
            ops.push(OpRecord {
                op: Op(u128::from_be_bytes(some(&mut rest)?)),
                by: senders.get(usize::from(one(&mut rest)?)).cloned().ok_or_else(not_packed)?,
                fingerprint: u64::from_be_bytes(some(&mut rest)?),
                at: Timestamp(i64::from_be_bytes(some(&mut rest)?)),
                outcome: match one(&mut rest)? {
                    DONE => Outcome::Done,
                    DEFERRED => Outcome::Deferred,
                    QUEUED => Outcome::Queued,
                    REQUESTED => Outcome::Requested,
                    STARTED => Outcome::Started { pause: PauseId(u128::from_be_bytes(some(&mut rest)?)) },
                    ASKED => Outcome::Asked { request: RequestId(u128::from_be_bytes(some(&mut rest)?)) },
                    _ => return Err(not_packed()),
                },
            });
        }
        Ok(OpMemory::from_records(ops))
    }
}

impl Display for OpsForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &BASE64_STANDARD).fmt(f)
    }
}

impl FromStr for OpsForm {
    type Err = FormError;

    fn from_str(text: &str) -> Result<OpsForm, FormError> {
        let bytes = BASE64_STANDARD.decode(text);
        bytes.map(OpsForm).map_err(|error| not("packed ops", text.to_owned(), &error.to_string()))
    }
}

/// A number that is one of a few: at most [`OPS_AT_HAND_MAX`] ops are at hand.
fn small(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

fn sender(rest: &mut &[u8], resolve: &dyn Resolve) -> Result<Actor, FormError> {
    let number = one(rest)?;
    let kind = ActorKindForm::ALL.into_iter().find(|kind| number_of(*kind) == number).ok_or_else(not_packed)?;
    let id = if kind == ActorKindForm::System { None } else { Some(PersonId(some(rest)?)) };
    ActorForm { kind, id }.into_domain(resolve)
}

/// The number that a kind of sender is packed as; never given to another one.
fn number_of(kind: ActorKindForm) -> u8 {
    match kind {
        ActorKindForm::System => 0,
        ActorKindForm::Agent => 1,
        ActorKindForm::Supervisor => 2,
        ActorKindForm::Admin => 3,
        ActorKindForm::Integration => 4,
    }
}

fn one(rest: &mut &[u8]) -> Result<u8, FormError> {
    some::<1>(rest).map(|[byte]| byte)
}

fn some<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], FormError> {
    let (taken, left) = rest.split_first_chunk().ok_or_else(not_packed)?;
    *rest = left;
    Ok(*taken)
}

fn not_packed() -> FormError {
    FormError::Contradiction("its ops are not packed as they are written".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::decode::Pseudonyms;

    fn read(bytes: &[u8]) -> Result<OpMemory, FormError> {
        OpsForm(bytes.to_vec()).into_domain(&Pseudonyms)
    }

    /// One op of the system's that is done.
    fn packed() -> Vec<u8> {
        let mut bytes = vec![1, 0];
        bytes.extend([7; 16]);
        bytes.push(0);
        bytes.extend([9; 16]);
        bytes.push(DONE);
        bytes
    }

    #[test]
    fn what_is_not_packed_as_it_is_written_is_refused_and_said() {
        assert_eq!(read(&packed()).expect("an op").records().count(), 1);
        assert_eq!(read(&[]).expect("no ops"), OpMemory::default());
        for length in 1..packed().len() {
            // The senders alone are whole; there is no op then.
            assert_eq!(read(&packed()[..length]).is_err(), length != 2, "{length} bytes");
        }
        for (place, wrong) in [(0, 2), (1, 9), (18, 1), (35, 99), (35, STARTED)] {
            let mut bytes = packed();
            bytes[place] = wrong;
            assert!(read(&bytes).is_err(), "{wrong} at {place}");
        }
        assert!("not base64!".parse::<OpsForm>().is_err());
    }
}
