//! `op`: what makes a command safe to send again (semantics §9).

use std::time::Duration;

use super::command::{Actor, Command, Outcome, RequestDecision};
use super::id::{Op, PauseId, RequestId};
use super::time::{Timestamp, hours};

/// How long a repeat of an `op` returns the first result (semantics §9).
pub const OP_REMEMBERED_FOR: Duration = hours(24);
/// How many of an agent's last ops are kept at hand; older ones are found in the journal.
pub const OPS_AT_HAND_MAX: usize = 8;

/// A command that was carried out under an `op`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpRecord {
    /// The op, scoped to (`by`, the agent).
    pub op: Op,
    /// Who sent it.
    pub by: Actor,
    /// [`fingerprint`] of the command.
    pub fingerprint: u64,
    /// When it was carried out.
    pub at: Timestamp,
    /// What it led to.
    pub outcome: Outcome,
}

/// An agent's last ops, newest last. Kept beside the folded state, not part of it, and kept small: there are as many
/// as agents, and most are never looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpMemory {
    /// Who sent them, each once.
    senders: Box<[Actor]>,
    recent: Box<[SmallRecord]>,
}

/// An [`OpRecord`] without what it shares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SmallRecord {
    /// In bytes, for numbers of 128 bits would stand on borders of 16.
    op: [u8; 16],
    /// Which of the senders.
    by: u8,
    fingerprint: u64,
    at: Timestamp,
    outcome: SmallOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SmallOutcome {
    Done,
    Queued,
    Requested,
    Deferred,
    Started { pause: [u8; 16] },
    Asked { request: [u8; 16] },
}

impl OpMemory {
    /// Takes up ops, oldest first; the oldest go when there are more than [`OPS_AT_HAND_MAX`].
    pub fn from_records(records: impl IntoIterator<Item = OpRecord>) -> OpMemory {
        let records: Vec<OpRecord> = records.into_iter().collect();
        let surplus = records.len().saturating_sub(OPS_AT_HAND_MAX);
        let (mut senders, mut recent) = (Vec::with_capacity(1), Vec::with_capacity(records.len() - surplus));
        for OpRecord { op, by, fingerprint, at, outcome } in records.into_iter().skip(surplus) {
            let place = senders.iter().position(|sender| *sender == by).unwrap_or_else(|| {
                senders.push(by);
                senders.len() - 1
            });
            let by = u8::try_from(place).expect("there are no more senders than ops at hand");
            recent.push(SmallRecord { op: op.0.to_be_bytes(), by, fingerprint, at, outcome: small(outcome) });
        }
        OpMemory { senders: senders.into(), recent: recent.into() }
    }

    /// All ops at hand, oldest first.
    pub fn records(&self) -> impl Iterator<Item = OpRecord> {
        self.recent.iter().filter_map(|record| self.whole(record))
    }

    /// The record of an op of this principal.
    pub fn find(&self, op: Op, by: &Actor) -> Option<OpRecord> {
        let op = op.0.to_be_bytes();
        let mut found = self.recent.iter().rev().filter(|record| record.op == op);
        found.find_map(|record| self.whole(record).filter(|record| record.by == *by))
    }

    /// True when an op that is not at hand may still stand in the journal within
    /// [`OP_REMEMBERED_FOR`] of `now`.
    pub fn may_have_forgotten(&self, now: Timestamp) -> bool {
        self.recent.len() == OPS_AT_HAND_MAX
            && self.recent.first().is_some_and(|oldest| now.since(oldest.at) < OP_REMEMBERED_FOR)
    }

    /// Adds an op; the oldest goes when there are more than [`OPS_AT_HAND_MAX`].
    pub fn remember(&mut self, record: OpRecord) {
        *self = OpMemory::from_records(self.records().chain([record]));
    }

    fn whole(&self, record: &SmallRecord) -> Option<OpRecord> {
        let SmallRecord { op, by, fingerprint, at, outcome } = *record;
        let by = self.senders.get(usize::from(by))?.clone();
        Some(OpRecord { op: Op(u128::from_be_bytes(op)), by, fingerprint, at, outcome: whole(outcome) })
    }
}

fn small(outcome: Outcome) -> SmallOutcome {
    match outcome {
        Outcome::Done => SmallOutcome::Done,
        Outcome::Queued => SmallOutcome::Queued,
        Outcome::Requested => SmallOutcome::Requested,
        Outcome::Deferred => SmallOutcome::Deferred,
        Outcome::Started { pause } => SmallOutcome::Started { pause: pause.0.to_be_bytes() },
        Outcome::Asked { request } => SmallOutcome::Asked { request: request.0.to_be_bytes() },
    }
}

fn whole(outcome: SmallOutcome) -> Outcome {
    match outcome {
        SmallOutcome::Done => Outcome::Done,
        SmallOutcome::Queued => Outcome::Queued,
        SmallOutcome::Requested => Outcome::Requested,
        SmallOutcome::Deferred => Outcome::Deferred,
        SmallOutcome::Started { pause } => Outcome::Started { pause: PauseId(u128::from_be_bytes(pause)) },
        SmallOutcome::Asked { request } => Outcome::Asked { request: RequestId(u128::from_be_bytes(request)) },
    }
}

/// A number that tells one command's content from another's: FNV-1a (64 bit, Fowler, Noll, Vo) over a form of it that never
/// changes.
pub fn fingerprint(command: &Command, reason: Option<&str>) -> u64 {
    let text = canonical(command, reason);
    fnv1a(&text)
}

/// The same of a change of the tenant's: its name, and its content part by part.
pub fn fingerprint_of_change(name: &str, parts: &[(&str, &str)]) -> u64 {
    let mut text = format!("change={}:{name};", name.len());
    for (part, value) in parts {
        text.push_str(&format!("{part}={}:{value};", value.len()));
    }
    fnv1a(&text)
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A command's content as text. A command may be sent again to a later version of the server, so the form never
/// changes: what a version adds is written only where it is asked for, and texts stand with their length before them,
/// so that none can be taken for what follows it.
fn canonical(command: &Command, reason: Option<&str>) -> String {
    let mut text = String::new();
    let mut put = |name: &str, value: &str| text.push_str(&format!("{name}={}:{value};", value.len()));
    match command {
        Command::SetStatus { status, after_work } => {
            put("status", status.as_str());
            if *after_work {
                put("after_work", "");
            }
        }
        Command::StartPause { pause_type, note, replaces, overriding } => {
            put("start", pause_type.as_str());
            note.iter().for_each(|note| put("note", note));
            replaces.iter().for_each(|replaced| put("replaces", &replaced.to_string()));
            if *overriding {
                put("override", "");
            }
        }
        Command::AcceptOffer { offer } => put("accept", &offer.to_string()),
        Command::Cancel { what } => put("cancel", what.as_str()),
        Command::EndPause { then, overriding } => {
            put("end", "");
            then.iter().for_each(|then| put("then", then.as_str()));
            if *overriding {
                put("override", "");
            }
        }
        Command::ExtendPause { by } => put("extend", &by.as_millis().to_string()),
        Command::CreateRequest { pause_type, extra } => {
            put("request", pause_type.as_str());
            if !extra.is_zero() {
                put("extra", &extra.as_millis().to_string());
            }
        }
        Command::CancelRequest { request } => put("cancel_request", &request.to_string()),
        Command::DecideRequest { request, decision } => {
            put("decide", &request.to_string());
            match decision {
                RequestDecision::Grant { uses, until } => {
                    put("grant", &uses.to_string());
                    until.iter().for_each(|until| put("until", &until.0.to_string()));
                }
                RequestDecision::Refuse => put("refuse", ""),
            }
        }
        Command::AckAlert { alert } => put("ack", &alert.to_string()),
        Command::SignOut { pause } => put("sign_out", pause.as_str()),
        Command::PlanShifts { shifts } => {
            for shift in shifts {
                put("plan", &shift.day().to_string());
                put("start", &shift.start().0.to_string());
                put("end", &shift.end().0.to_string());
                if !shift.unpaid_meal().is_zero() {
                    put("unpaid_meal", &shift.unpaid_meal().as_millis().to_string());
                }
            }
        }
        Command::CancelShift { day } => put("cancel_shift", &day.to_string()),
        Command::CorrectPause { pause, ended_at } => {
            put("correct", &pause.to_string());
            put("ended_at", &ended_at.0.to_string());
        }
        Command::AnnotatePause { pause } => put("annotate", &pause.to_string()),
    }
    reason.iter().for_each(|reason| put("reason", reason));
    text
}

#[cfg(test)]
mod tests {
    use super::super::alert::AlertId;
    use super::super::command::{AfterEnd, Cancelled, PauseAtSignOut};
    use super::super::event::ChosenStatus;
    use super::super::id::{OfferId, PauseTypeCode, RequestId};
    use super::super::shift::PlannedShift;
    use super::super::time::minutes;
    use super::*;

    fn start(note: Option<&str>, overriding: bool) -> Command {
        let pause_type = PauseTypeCode::new("cafe").expect("a code");
        Command::StartPause { pause_type, note: note.map(str::to_owned), replaces: Some(PauseId(7)), overriding }
    }

    fn shift(day: u32, meal_s: u64) -> PlannedShift {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
        let start = Timestamp(1000);
        PlannedShift::new(day, start, start + hours(6), Duration::from_secs(meal_s)).expect("a shift")
    }

    /// These are stored, and compared with those of commands that are sent again after an upgrade.
    #[test]
    fn promise_d3_the_form_of_a_command_never_changes() {
        let id = PauseId(7);
        let forms = [
            (
                Command::SetStatus { status: ChosenStatus::Available, after_work: false },
                None,
                "status=9:available;".to_owned(),
            ),
            (
                Command::SetStatus { status: ChosenStatus::Offline, after_work: true },
                None,
                "status=7:offline;after_work=0:;".to_owned(),
            ),
            (Command::Cancel { what: Cancelled::Pending }, None, "cancel=7:pending;".to_owned()),
            (start(None, false), None, format!("start=4:cafe;replaces=36:{id};")),
            (
                start(Some("até já"), true),
                Some("b;c=1:d;"),
                format!("start=4:cafe;note=8:até já;replaces=36:{id};override=0:;reason=8:b;c=1:d;;"),
            ),
            (Command::EndPause { then: None, overriding: false }, None, "end=0:;".to_owned()),
            (
                Command::EndPause { then: Some(AfterEnd::Unavailable), overriding: true },
                None,
                "end=0:;then=11:unavailable;override=0:;".to_owned(),
            ),
            (Command::AcceptOffer { offer: OfferId(7) }, None, format!("accept=36:{id};")),
            (Command::Cancel { what: Cancelled::Queue }, None, "cancel=5:queue;".to_owned()),
            (Command::ExtendPause { by: minutes(1) }, None, "extend=5:60000;".to_owned()),
            (
                Command::CreateRequest { pause_type: PauseTypeCode::new("cafe").expect("a code"), extra: minutes(1) },
                Some("dentist"),
                "request=4:cafe;extra=5:60000;reason=7:dentist;".to_owned(),
            ),
            (Command::AckAlert { alert: AlertId::Overrun(id) }, None, format!("ack=44:overrun:{id};")),
            (Command::CancelRequest { request: RequestId(7) }, None, format!("cancel_request=36:{id};")),
            (
                Command::DecideRequest {
                    request: RequestId(7),
                    decision: RequestDecision::Grant { uses: 2, until: Some(Timestamp(9)) },
                },
                Some("ok"),
                format!("decide=36:{id};grant=1:2;until=1:9;reason=2:ok;"),
            ),
            (
                Command::DecideRequest { request: RequestId(7), decision: RequestDecision::Refuse },
                None,
                format!("decide=36:{id};refuse=0:;"),
            ),
            (Command::SignOut { pause: PauseAtSignOut::KeepEntitlement }, None, "sign_out=4:keep;".to_owned()),
            (Command::SignOut { pause: PauseAtSignOut::End }, None, "sign_out=3:end;".to_owned()),
            (
                Command::PlanShifts { shifts: [shift(26, 0), shift(27, 90)].into() },
                None,
                "plan=10:2026-11-26;start=4:1000;end=8:21601000;\
                 plan=10:2026-11-27;start=4:1000;end=8:21601000;unpaid_meal=5:90000;"
                    .to_owned(),
            ),
            (Command::CancelShift { day: shift(26, 0).day() }, None, "cancel_shift=10:2026-11-26;".to_owned()),
            (
                Command::CorrectPause { pause: id, ended_at: Timestamp(9000) },
                Some("visto"),
                format!("correct=36:{id};ended_at=4:9000;reason=5:visto;"),
            ),
            (Command::AnnotatePause { pause: id }, Some("fila"), format!("annotate=36:{id};reason=4:fila;")),
        ];
        for (command, reason, form) in forms {
            assert_eq!(canonical(&command, reason), form);
        }
        // FNV-1a of "a", from its authors' table.
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
